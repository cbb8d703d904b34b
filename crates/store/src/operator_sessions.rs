//! Operators' sessions in the dashboard. Only a hash of each session's token is kept.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::ids::{OperatorId, OperatorSessionId};
use guildhall_domain::key::HashedKey;

const COLUMNS: &str = "id, operator, address, user_agent, created_at, seen_at, expires_at";
const INSERT: &str = "INSERT INTO operator_sessions (id, operator, hash, address, user_agent, created_at,
    seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const TOUCH: &str = "UPDATE operator_sessions SET seen_at = $1, expires_at = $2
    WHERE id = $3 AND revoked_at IS NULL";
const REVOKE: &str = "UPDATE operator_sessions SET revoked_at = $1
    WHERE id = $2 AND operator = $3 AND revoked_at IS NULL";
const REVOKE_ALL: &str = "UPDATE operator_sessions SET revoked_at = $1
    WHERE operator = $2 AND id <> $3 AND revoked_at IS NULL";
const DELETE_ENDED: &str = "DELETE FROM operator_sessions WHERE expires_at <= $1";

/// One sign-in of one operator.
#[derive(Clone, Debug)]
pub struct OperatorSession {
    /// `ops_…`
    pub id: OperatorSessionId,
    /// Whose it is.
    pub operator: OperatorId,
    /// Where it was begun from.
    pub address: Option<String>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within a few minutes.
    pub seen_at: Timestamp,
    /// When it ends by itself if it is not used again.
    pub expires_at: Timestamp,
}

/// Reached as `tx.operator_sessions()`.
pub struct OperatorSessions<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl OperatorSessions<'_> {
    /// Stores a new session under the hash of its token.
    ///
    /// # Errors
    /// `Conflict(Reference)` if the operator is gone.
    pub async fn insert(&mut self, session: &OperatorSession, hash: HashedKey) -> Result<(), StoreError> {
        let values = params![
            session.id.as_str(),
            session.operator.as_str(),
            hash.as_bytes(),
            session.address.as_deref(),
            session.user_agent.as_deref(),
            session.created_at,
            session.seen_at,
            session.expires_at
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// The session whose token has this hash, if it holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_live(
        &mut self,
        hash: HashedKey,
        now: Timestamp,
    ) -> Result<Option<OperatorSession>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM operator_sessions WHERE hash = $1 AND revoked_at IS NULL AND expires_at > $2"
        );
        self.tx.first(&sql, params![hash.as_bytes(), now], from_row).await
    }

    /// An operator's sessions that hold, the one last used first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn live_of(
        &mut self,
        operator: &OperatorId,
        now: Timestamp,
    ) -> Result<Vec<OperatorSession>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM operator_sessions WHERE operator = $1 AND revoked_at IS NULL AND expires_at > $2
             ORDER BY seen_at DESC, id LIMIT 200"
        );
        self.tx.all(&sql, params![operator.as_str(), now], from_row).await
    }

    /// Notes that a session was used, and when it ends now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touch(
        &mut self,
        id: &OperatorSessionId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.tx.execute(TOUCH, params![now, expires_at, id.as_str()]).await.map(|_| ())
    }

    /// Ends a session of an operator. False if it has none such.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(
        &mut self,
        operator: &OperatorId,
        id: &OperatorSessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.tx.execute(REVOKE, params![now, id.as_str(), operator.as_str()]).await.map(|rows| rows == 1)
    }

    /// Ends all sessions of an operator but the one to keep. How many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_all(
        &mut self,
        operator: &OperatorId,
        keep: Option<&OperatorSessionId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let keep = keep.map_or("", OperatorSessionId::as_str);
        self.tx.execute(REVOKE_ALL, params![now, operator.as_str(), keep]).await
    }

    /// Deletes sessions that have ended by themselves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_ended(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_ENDED, params![now]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<OperatorSession, StoreError> {
    Ok(OperatorSession {
        id: OperatorSessionId::from_text(row.text(0)?),
        operator: OperatorId::from_text(row.text(1)?),
        address: row.opt_string(2)?,
        user_agent: row.opt_string(3)?,
        created_at: row.time(4)?,
        seen_at: row.time(5)?,
        expires_at: row.time(6)?,
    })
}
