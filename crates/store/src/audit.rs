//! The audit trail: who changed what, written in the transaction of the change.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use crate::idempotency_keys::Ticket;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::{EnvironmentId, Timestamp};

const INSERT: &str =
    "INSERT INTO audit_entries (app, environment, actor_kind, actor, action, subject, detail,
    request, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_SUBJECT: &str = "SELECT action, actor_kind, actor, detail FROM audit_entries
    WHERE subject = $1 ORDER BY number";

/// One entry to write.
pub struct AuditEntry<'a> {
    /// The app that was changed, if it was one.
    pub app: Option<&'a AppId>,
    /// The environment that was changed, if it was one.
    pub environment: Option<EnvironmentId>,
    /// Who did it.
    pub actor: &'a Actor,
    /// What was done: a noun and a verb, e.g. `member.update`.
    pub action: &'a str,
    /// The id of what it was done to.
    pub subject: &'a str,
    /// A JSON object with what is worth knowing, never a secret.
    pub detail: &'a str,
    /// The id of the request, if it was one.
    pub request: Option<&'a str>,
}

/// Reached as `tx.audit()`.
pub struct Audit<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Audit<'_> {
    /// Appends an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(&mut self, entry: AuditEntry<'_>, now: Timestamp) -> Result<(), StoreError> {
        let (actor_kind, actor) = entry.actor.parts();
        let values = params![
            entry.app.map(AppId::as_str),
            entry.environment,
            actor_kind,
            actor,
            entry.action,
            entry.subject,
            entry.detail,
            entry.request,
            now
        ];
        self.tx.execute(INSERT, values).await?;
        Ticket::remember(entry.action, entry.subject);
        Ok(())
    }

    /// Actions, kinds of actor, actors and details of everything done to one subject, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_subject(
        &mut self,
        subject: &str,
    ) -> Result<Vec<(String, String, Option<String>, String)>, StoreError> {
        let values = params![subject];
        let found = self.tx.all(BY_SUBJECT, values, |row| {
            Ok((row.string(0)?, row.string(1)?, row.opt_string(2)?, row.string(3)?))
        });
        found.await
    }
}
