//! Members' sessions, for those who run the site; and clearing away what has ended.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::find_member;
use guildhall_domain::Code;
use guildhall_domain::ids::SessionId;
use guildhall_domain::time::MICROS_PER_SECOND;
use serde_json::json;

pub use guildhall_domain::session::Session;

/// How many of a member's sessions are listed at most; the newest.
const LISTED_MAX: i64 = 200;
/// How long mails that were sent are still listed as such: a week.
const SENT_MAILS_US: i64 = 7 * 24 * 3600 * MICROS_PER_SECOND;
/// How long mails that were refused for good are still shown: 30 days from when they were written.
const REFUSED_MAILS_US: i64 = 30 * 24 * 3600 * MICROS_PER_SECOND;
/// How long a link to the portal that has expired is still told from one that never was: a day.
const ENDED_LINKS_US: i64 = 24 * 3600 * MICROS_PER_SECOND;
/// How many days calls with keys are counted for.
const CALLS_DAYS: i64 = 90;
/// How long attempts are remembered: as long as any throttle does.
const ATTEMPTS_US: i64 = 24 * 3600 * MICROS_PER_SECOND;

impl Guildhall {
    /// A member's sessions, newest first, with those that were ended and have not expired yet.
    ///
    /// # Errors
    /// `MemberNotFound`, `StoreUnavailable`.
    pub async fn list_sessions(&self, access: &Access<'_>, member: &str) -> Result<Vec<Session>, AppError> {
        let (place, codec, member) = (access.place(), self.store().member_ids().clone(), member.to_owned());
        let now = self.now();
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let member = find_member(tx, &codec, place, &member).await?.ok_or(Code::MemberNotFound)?;
                let mut sessions = tx.sessions().of_member(member.key, LISTED_MAX).await?;
                sessions.retain(|session| now < session.expires_at);
                Ok(sessions)
            })
        });
        listed.await
    }

    /// Ends a session: its token is refused at the next request.
    ///
    /// # Errors
    /// `SessionNotFound`, also for one that was ended before; `Busy`, `StoreUnavailable`.
    pub async fn revoke_session(&self, access: &Access<'_>, session: &str) -> Result<(), AppError> {
        let (environment, now) = (access.environment(), self.now());
        let (id, recorder) = (SessionId::from_text(session), access.recorder(now));
        let revoked = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if !guildhall_domain::text::is_id(id.as_str())
                    || !tx.sessions().revoke(environment, &id, now).await?
                {
                    return Err(Code::SessionNotFound.into());
                }
                recorder.audit(tx, "session.revoke", id.as_str(), &json!({})).await
            })
        });
        revoked.await
    }

    /// Ends all sessions of a member. How many there were.
    ///
    /// # Errors
    /// `MemberNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn revoke_sessions(&self, access: &Access<'_>, member: &str) -> Result<u64, AppError> {
        let (place, codec, member) = (access.place(), self.store().member_ids().clone(), member.to_owned());
        let (now, recorder) = (self.now(), access.recorder(self.now()));
        let revoked = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let member = find_member(tx, &codec, place, &member).await?.ok_or(Code::MemberNotFound)?;
                let ended = tx.sessions().revoke_of_member(member.key, None, now).await?;
                let detail = json!({ "sessionsEnded": ended });
                recorder.audit(tx, "member.sessions.revoke", member.id.as_str(), &detail).await?;
                Ok(ended)
            })
        });
        revoked.await
    }

    /// Deletes what signing in leaves behind: sessions, codes, links and keys that have ended, attempts that
    /// are forgotten, mails that were sent or refused for good.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn clear_ended_sign_ins(&self) -> Result<(), AppError> {
        let now = self.now();
        let cleared = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.sessions().delete_ended(now).await?;
                tx.operator_sessions().delete_ended(now).await?;
                tx.key_calls().delete_before(now.day() - CALLS_DAYS).await?;
                tx.member_imports().delete_before(now.plus_micros(-SENT_MAILS_US)).await?;
                tx.one_time_codes().delete_ended(now).await?;
                tx.portal_tokens().delete_ended(now.plus_micros(-ENDED_LINKS_US)).await?;
                tx.attempts().forget_before(now.plus_micros(-ATTEMPTS_US)).await?;
                tx.mails().delete_sent_before(now.plus_micros(-SENT_MAILS_US)).await?;
                tx.mails().delete_refused_before(now.plus_micros(-REFUSED_MAILS_US)).await?;
                if tx.token_keys().delete_ended(now).await? > 0 {
                    tx.authority().bump().await?;
                }
                Ok(())
            })
        });
        cleared.await
    }
}
