//! Operators' sessions: beginning them, finding who comes with one, listing and ending them.

use super::{OperatorSession, Origin};
use crate::auth::SignedOperator;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::ids::{OperatorId, OperatorSessionId};
use guildhall_domain::key::HashedKey;
use guildhall_domain::session::USER_AGENT_CHARS_MAX;
use guildhall_domain::text::is_id;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Timestamp};
use serde_json::json;

const DAY_US: i64 = 24 * 3600 * MICROS_PER_SECOND;
/// A session that is not used for so long ends.
const IDLE_US: i64 = 7 * DAY_US;
/// No session lasts longer, however often it is used.
const LIFE_US: i64 = 30 * DAY_US;
/// Its use is written down so often at most: a page must not cost a write.
const TOUCH_US: i64 = 300 * MICROS_PER_SECOND;
/// The length of a session's token, in characters.
const TOKEN_CHARS: usize = 64;

/// A session that has just begun: the only moment at which its token is known.
pub struct BegunSession {
    token: String,
}

impl BegunSession {
    /// The token, for the operator's browser. Never for a log.
    pub fn reveal(&self) -> &str {
        &self.token
    }

    /// How long a browser may keep it, in seconds; the server may end it earlier.
    pub const LIFE_S: i64 = LIFE_US / MICROS_PER_SECOND;

    pub(super) fn hash(&self) -> HashedKey {
        HashedKey::of(&self.token)
    }
}

impl Guildhall {
    pub(super) fn new_operator_session(
        &self,
        operator: &OperatorId,
        origin: Origin<'_>,
    ) -> (OperatorSession, BegunSession) {
        let now = self.now();
        let visible = |text: &str| {
            text.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX).collect::<String>()
        };
        let session = OperatorSession {
            id: OperatorSessionId::new(self.chance().entropy()),
            operator: operator.clone(),
            address: Some(origin.address.to_string()),
            user_agent: origin.user_agent.map(visible),
            created_at: now,
            seen_at: now,
            expires_at: now.plus_micros(IDLE_US),
        };
        (session, BegunSession { token: self.fresh_token() })
    }

    /// The operator whose session has this token; nothing if there is none that holds.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn signed_operator(
        &self,
        token: &str,
        request: &str,
    ) -> Result<Option<SignedOperator>, AppError> {
        if token.len() != TOKEN_CHARS {
            return Ok(None);
        }
        let (hash, now) = (HashedKey::of(token), self.now());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let Some(session) = tx.operator_sessions().find_live(hash, now).await? else {
                    return Ok(None);
                };
                let operator = tx.operators().find(&session.operator).await?;
                Ok(operator.map(|operator| (operator, session)))
            })
        });
        let Some((operator, session)) = found.await? else { return Ok(None) };
        self.touch_operator_session(&session, now).await;
        let form_mark: String = HashedKey::of(&format!("form\n{token}"))
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Some(SignedOperator::new(operator, session.id, form_mark, request)))
    }

    /// Notes that a session is in use. If that fails the page is shown all the same.
    async fn touch_operator_session(&self, session: &OperatorSession, now: Timestamp) {
        if now < session.seen_at.plus_micros(TOUCH_US) {
            return;
        }
        let end = now.plus_micros(IDLE_US).min(session.created_at.plus_micros(LIFE_US));
        let id = session.id.clone();
        let touched = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operator_sessions().touch(&id, now, end).await?) })
        });
        if let Err(error) = touched.await {
            tracing::warn!(?error, "the use of an operator's session was not written down");
        }
    }

    /// An operator's own sessions that hold, the one last used first.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn operator_sessions(&self, who: &SignedOperator) -> Result<Vec<OperatorSession>, AppError> {
        let (operator, now) = (who.id().clone(), self.now());
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operator_sessions().live_of(&operator, now).await?) })
        });
        listed.await
    }

    /// Ends one of an operator's own sessions; signing out is ending the one that is in use.
    ///
    /// # Errors
    /// `SessionNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn end_operator_session(
        &self,
        who: &SignedOperator,
        session: &OperatorSessionId,
    ) -> Result<(), AppError> {
        if !is_id(session.as_str()) {
            return Err(Code::SessionNotFound.into());
        }
        let (operator, session, now) = (who.id().clone(), session.clone(), self.now());
        let recorder = Recorder { request: who.request(), ..Recorder::of(who.actor(), None, now) };
        let ended = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if !tx.operator_sessions().revoke(&operator, &session, now).await? {
                    return Err(Code::SessionNotFound.into());
                }
                let detail = json!({ "session": session.as_str() });
                recorder.audit(tx, "operator.session.revoke", operator.as_str(), &detail).await
            })
        });
        ended.await
    }

    /// Ends all of an operator's own sessions but the one in use.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn end_other_operator_sessions(&self, who: &SignedOperator) -> Result<u64, AppError> {
        let (operator, keep, now) = (who.id().clone(), who.session().clone(), self.now());
        let recorder = Recorder { request: who.request(), ..Recorder::of(who.actor(), None, now) };
        let ended = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let ended = tx.operator_sessions().revoke_all(&operator, Some(&keep), now).await?;
                let detail = json!({ "sessionsEnded": ended });
                recorder.audit(tx, "operator.sessions.revoke", operator.as_str(), &detail).await?;
                Ok(ended)
            })
        });
        ended.await
    }
}
