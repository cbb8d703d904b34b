//! The audit trail: who changed what, written in the transaction of the change.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::{EnvironmentId, Timestamp};

const INSERT: &str =
    "INSERT INTO audit_entries (app, environment, actor_kind, actor, action, subject, detail,
    request, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_SUBJECT: &str = "SELECT action, actor_kind, actor, detail FROM audit_entries
    WHERE subject = $1 ORDER BY number";

const COLUMNS: &str = "number, environment, actor_kind, actor, action, subject, detail, request, created_at";

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

/// One entry, as stored.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Its place in the trail.
    pub number: i64,
    /// The environment that was changed, if it was one.
    pub environment: Option<EnvironmentId>,
    /// `key`, `operator` and so on.
    pub actor_kind: String,
    /// The id of who did it, where there is one.
    pub actor: Option<String>,
    /// A noun and a verb.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// A JSON object.
    pub detail: String,
    /// The id of the request, if it was one.
    pub request: Option<String>,
    /// When.
    pub created_at: Timestamp,
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
        self.tx.execute(INSERT, values).await.map(|_| ())
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

    /// Entries of an app before a number, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &mut self,
        app: &AppId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_entries WHERE app = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
        );
        let values = params![app.as_str(), before.unwrap_or(i64::MAX), limit];
        self.tx.all(&sql, values, from_row).await
    }

    /// Entries of an app about one subject before a number, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page_of_subject(
        &mut self,
        app: &AppId,
        subject: &str,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_entries WHERE subject = $1 AND app = $2 AND number < $3
             ORDER BY number DESC LIMIT $4"
        );
        let values = params![subject, app.as_str(), before.unwrap_or(i64::MAX), limit];
        self.tx.all(&sql, values, from_row).await
    }
}

fn from_row(row: &Row<'_>) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        number: row.int(0)?,
        environment: row.opt_int(1)?.and_then(EnvironmentId::from_stored),
        actor_kind: row.string(2)?,
        actor: row.opt_string(3)?,
        action: row.string(4)?,
        subject: row.string(5)?,
        detail: row.string(6)?,
        request: row.opt_string(7)?,
        created_at: row.time(8)?,
    })
}
