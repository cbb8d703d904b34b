//! Mail: the outbox, written in the unit of work that a mail tells of, and the templates of apps.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use crate::part::Part;
use guildhall_domain::ids::AppId;
use guildhall_domain::mail::{MailKind, Template};
use guildhall_domain::{EnvironmentId, Timestamp};

const COLUMNS: &str = "number, kind, recipient, subject, body, created_at, attempts, sent_at, refusal";
const INSERT: &str = "INSERT INTO mails (environment, kind, recipient, subject, body, created_at, attempts,
    next_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7)";
/// The condition stands twice: another node that waited for the rows must not take them again.
const CLAIM: &str = "UPDATE mails SET attempts = attempts + 1, next_at = $1 WHERE next_at <= $2 AND number IN
    (SELECT number FROM mails WHERE next_at <= $3 ORDER BY next_at, number LIMIT $4)
    RETURNING number, kind, recipient, subject, body, created_at, attempts, sent_at, refusal";
/// What was sent need not lie about: codes would.
const SENT: &str =
    "UPDATE mails SET sent_at = $1, next_at = NULL, body = '', refusal = NULL WHERE number = $2";
const RETRY: &str = "UPDATE mails SET next_at = $1, refusal = $2 WHERE number = $3 AND sent_at IS NULL";
const TEMPLATES: &str = "SELECT kind, subject, body FROM mail_templates WHERE app = $1 ORDER BY kind";
const TEMPLATE: &str = "SELECT kind, subject, body FROM mail_templates WHERE app = $1 AND kind = $2";
const PUT_TEMPLATE: &str = "INSERT INTO mail_templates (app, kind, subject, body, updated_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (app, kind) DO UPDATE
    SET subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at";
const DELETE_TEMPLATE: &str = "DELETE FROM mail_templates WHERE app = $1 AND kind = $2";
const DELETE_SENT: &str = "DELETE FROM mails WHERE sent_at < $1";
/// Mails that no mail server was asked to take yet are due, and those that one was asked to take are due
/// again: only what was refused for good is neither sent nor due.
const DELETE_REFUSED: &str =
    "DELETE FROM mails WHERE sent_at IS NULL AND next_at IS NULL AND created_at < $1";

/// A mail in the outbox.
#[derive(Clone)]
pub struct Mail {
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub kind: MailKind,
    /// One address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text; empty once it is sent.
    pub text: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often sending it was tried.
    pub attempts: i64,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
    /// Why the mail server did not take it, last time.
    pub refusal: Option<String>,
}

/// Reached as `tx.mails()`.
pub struct Mails<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Mails<'_> {
    /// Puts a mail into the outbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(
        &mut self,
        environment: EnvironmentId,
        kind: MailKind,
        to: &str,
        content: &Template,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![environment, kind.as_str(), to, &content.subject, &content.body, now, now];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// The environment's newest mails that were not sent, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_unsent(
        &mut self,
        environment: EnvironmentId,
        limit: i64,
    ) -> Result<Vec<Mail>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM mails WHERE environment = $1 AND sent_at IS NULL ORDER BY number DESC LIMIT $2"
        );
        let mut found = self.tx.all(&sql, params![environment, limit], from_row).await?;
        found.reverse();
        Ok(found)
    }

    /// A part of the environment's mails, sent or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &mut self,
        environment: EnvironmentId,
        part: Part,
        limit: i64,
    ) -> Result<Vec<Mail>, StoreError> {
        let (side, order) = part.words();
        let sql = format!(
            "SELECT {COLUMNS} FROM mails WHERE environment = $1 AND number {side} $2
             ORDER BY number {order} LIMIT $3"
        );
        self.tx.all(&sql, params![environment, part.bound(), limit], from_row).await
    }

    /// Takes mails that are due. They are due again at `again_at`, should whoever took them end before
    /// they are sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(
        &mut self,
        now: Timestamp,
        again_at: Timestamp,
        limit: i64,
    ) -> Result<Vec<Mail>, StoreError> {
        self.tx.all(CLAIM, params![again_at, now, now, limit], from_row).await
    }

    /// Notes that a mail was sent, and forgets its text.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_sent(&mut self, number: i64, now: Timestamp) -> Result<(), StoreError> {
        self.tx.execute(SENT, params![now, number]).await.map(|_| ())
    }

    /// Notes why a mail was not sent, and when to try again; never, if nothing is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_unsent(
        &mut self,
        number: i64,
        next_at: Option<Timestamp>,
        refusal: &str,
    ) -> Result<(), StoreError> {
        self.tx.execute(RETRY, params![next_at, refusal, number]).await.map(|_| ())
    }

    /// Deletes mails that were sent before this time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_sent_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_SENT, params![time]).await
    }

    /// Deletes mails that were written before this time and refused for good.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_refused_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_REFUSED, params![time]).await
    }

    /// The templates that an app has of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn templates(&mut self, app: &AppId) -> Result<Vec<(MailKind, Template)>, StoreError> {
        self.tx.all(TEMPLATES, params![app.as_str()], template_from_row).await
    }

    /// An app's own template for a kind of mail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn template(&mut self, app: &AppId, kind: MailKind) -> Result<Option<Template>, StoreError> {
        let values = params![app.as_str(), kind.as_str()];
        let found = self.tx.first(TEMPLATE, values, template_from_row).await?;
        Ok(found.map(|(_, template)| template))
    }

    /// Stores an app's own template.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_template(
        &mut self,
        app: &AppId,
        kind: MailKind,
        template: &Template,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![app.as_str(), kind.as_str(), &template.subject, &template.body, now];
        self.tx.execute(PUT_TEMPLATE, values).await.map(|_| ())
    }

    /// Takes an app's own template away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_template(&mut self, app: &AppId, kind: MailKind) -> Result<(), StoreError> {
        self.tx.execute(DELETE_TEMPLATE, params![app.as_str(), kind.as_str()]).await.map(|_| ())
    }
}

fn from_row(row: &Row<'_>) -> Result<Mail, StoreError> {
    Ok(Mail {
        number: row.int(0)?,
        kind: row.parsed(1, MailKind::from_name)?,
        to: row.string(2)?,
        subject: row.string(3)?,
        text: row.string(4)?,
        created_at: row.time(5)?,
        attempts: row.int(6)?,
        sent_at: row.opt_time(7)?,
        refusal: row.opt_string(8)?,
    })
}

fn template_from_row(row: &Row<'_>) -> Result<(MailKind, Template), StoreError> {
    let kind = row.parsed(0, MailKind::from_name)?;
    Ok((kind, Template { subject: row.string(1)?, body: row.string(2)? }))
}
