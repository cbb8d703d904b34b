//! Members' sessions.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::ids::SessionId;
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::session::{Session, SignInMethod};
use guildhall_domain::{EnvironmentId, Timestamp};

macro_rules! select_sessions {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.environment, s.member_key, s.method, s.address, s.user_agent, s.created_at,
            s.expires_at, s.revoked_at, m.id FROM sessions s JOIN members m ON m.key = s.member_key ",
            $rest
        )
    };
}

const FIND: &str = select_sessions!("WHERE s.id = $1");
const OF_MEMBER: &str = select_sessions!("WHERE s.member_key = $1 ORDER BY s.created_at DESC, s.id LIMIT $2");
const INSERT: &str = "INSERT INTO sessions (id, environment, member_key, method, address, user_agent,
    created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const REVOKE: &str = "UPDATE sessions SET revoked_at = $1
    WHERE id = $2 AND environment = $3 AND revoked_at IS NULL";
const REVOKE_OF_MEMBER: &str = "UPDATE sessions SET revoked_at = $1
    WHERE member_key = $2 AND id <> $3 AND revoked_at IS NULL";
const LAST_END: &str = "SELECT MAX(expires_at) FROM sessions";
const DELETE_ENDED: &str = "DELETE FROM sessions WHERE expires_at <= $1";

/// Reached as `tx.sessions()`.
pub struct Sessions<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Sessions<'_> {
    /// Stores a new session.
    ///
    /// # Errors
    /// `Conflict(Reference)` if the member is gone.
    pub async fn insert(&mut self, session: &Session) -> Result<(), StoreError> {
        let values = params![
            session.id.as_str(),
            session.environment,
            session.member,
            session.method.as_str(),
            session.address.as_deref(),
            session.user_agent.as_deref(),
            session.created_at,
            session.expires_at
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// A session with its member's id, whatever the session's state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, id: &SessionId) -> Result<Option<(Session, MemberId)>, StoreError> {
        self.tx.first(FIND, params![id.as_str()], from_row).await
    }

    /// A member's sessions that have not expired long ago, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_member(&mut self, member: MemberKey, limit: i64) -> Result<Vec<Session>, StoreError> {
        let found = self.tx.all(OF_MEMBER, params![member, limit], from_row).await?;
        Ok(found.into_iter().map(|(session, _)| session).collect())
    }

    /// Ends a session of the environment. False if there is none such that has not been ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(
        &mut self,
        environment: EnvironmentId,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.tx.execute(REVOKE, params![now, id.as_str(), environment]).await.map(|rows| rows == 1)
    }

    /// Ends all sessions of a member but the one to keep. How many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_of_member(
        &mut self,
        member: MemberKey,
        keep: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let keep = keep.map_or("", SessionId::as_str);
        self.tx.execute(REVOKE_OF_MEMBER, params![now, member, keep]).await
    }

    /// When the last of all sessions ends by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_end(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let last = self.tx.first(LAST_END, params![], |row| row.opt_time(0)).await?;
        Ok(last.flatten())
    }

    /// Deletes sessions that have ended by themselves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_ended(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_ENDED, params![now]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<(Session, MemberId), StoreError> {
    let session = Session {
        id: SessionId::from_text(row.text(0)?),
        environment: row.environment(1)?,
        member: MemberKey::from_stored(row.int(2)?),
        method: row.parsed(3, SignInMethod::from_stored)?,
        address: row.opt_string(4)?,
        user_agent: row.opt_string(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        revoked_at: row.opt_time(8)?,
    };
    Ok((session, MemberId::from_text(row.text(9)?)))
}
