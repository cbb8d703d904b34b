//! The audit trail: who changed what, written in the transaction of the change.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use crate::idempotency_keys::Ticket;
use crate::part::Part;
use crate::statement::{Bound, Statement};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::{EnvironmentId, Timestamp};

const INSERT: &str =
    "INSERT INTO audit_entries (app, environment, actor_kind, actor, action, subject, detail,
    request, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_SUBJECT: &str = "SELECT action, actor_kind, actor, detail FROM audit_entries
    WHERE subject = $1 ORDER BY number";

/// What the indexes for this hold, in their own words.
const ACTIVITY: &str = " AND substr(a.action, 1, 8) IN ('contract', 'attempt.')";

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

/// Which entries about contracts and attempts are asked for. What is `None` restricts nothing.
#[derive(Clone, Debug)]
pub struct ActivityFilter {
    /// What was done; none of them: no entry.
    pub actions: Vec<&'static str>,
    /// Numbers of the contracts it was done to.
    pub contracts: Option<Vec<i64>>,
    /// Kinds of who did it.
    pub actor_kinds: Option<Vec<&'static str>>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
}

/// An entry as it is read.
#[derive(Clone, Debug)]
pub struct ActivityRow {
    /// Its number: later ones are higher.
    pub number: i64,
    /// What was done.
    pub action: String,
    /// The number of the contract it was done to.
    pub contract: i64,
    /// The kind of who did it.
    pub actor_kind: String,
    /// A JSON object.
    pub detail: String,
    /// When.
    pub at: Timestamp,
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

    /// A part of an app's entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &mut self,
        app: &AppId,
        part: Part,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let (side, order) = part.words();
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_entries WHERE app = $1 AND number {side} $2
             ORDER BY number {order} LIMIT $3"
        );
        let values = params![app.as_str(), part.bound(), limit];
        self.tx.all(&sql, values, from_row).await
    }

    /// A part of an app's entries about one subject.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page_of_subject(
        &mut self,
        app: &AppId,
        subject: &str,
        part: Part,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let (side, order) = part.words();
        let sql = format!(
            "SELECT {COLUMNS} FROM audit_entries WHERE subject = $1 AND app = $2 AND number {side} $3
             ORDER BY number {order} LIMIT $4"
        );
        let values = params![subject, app.as_str(), part.bound(), limit];
        self.tx.all(&sql, values, from_row).await
    }

    /// How many entries about contracts and attempts of an environment there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_activity(
        &mut self,
        environment: EnvironmentId,
        filter: &ActivityFilter,
    ) -> Result<u64, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push("SELECT COUNT(*)");
        write_filter(&mut sql, environment, filter);
        let found = self.tx.first(sql.sql(), &sql.params(), |row| row.int(0)).await?;
        Ok(found.unwrap_or_default().unsigned_abs())
    }

    /// A page of an environment's entries about contracts and attempts, newest or oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_activity(
        &mut self,
        environment: EnvironmentId,
        filter: &ActivityFilter,
        oldest_first: bool,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push("SELECT a.number, a.action, c.number, a.actor_kind, a.detail, a.created_at");
        write_filter(&mut sql, environment, filter);
        sql.push(if oldest_first { " ORDER BY a.number" } else { " ORDER BY a.number DESC" });
        sql.push(" LIMIT ").bind(i64::from(limit));
        sql.push(" OFFSET ").bind(i64::try_from(offset).unwrap_or(i64::MAX));
        let values = sql.params();
        let found = self.tx.all(sql.sql(), &values, |row| {
            Ok(ActivityRow {
                number: row.int(0)?,
                action: row.string(1)?,
                contract: row.int(2)?,
                actor_kind: row.string(3)?,
                detail: row.string(4)?,
                at: row.time(5)?,
            })
        });
        found.await
    }
}

fn write_filter(sql: &mut Statement, environment: EnvironmentId, filter: &ActivityFilter) {
    // What was done to a contract that is gone with its member is nobody's any more.
    sql.push(" FROM audit_entries a JOIN contracts c ON c.id = a.subject AND c.environment = a.environment");
    sql.push(" WHERE a.environment = ").bind(environment.stored()).push(ACTIVITY);
    one_of(sql, "a.action", filter.actions.iter().map(|action| (*action).to_owned()));
    if let Some(contracts) = &filter.contracts {
        one_of(sql, "c.number", contracts.iter().copied());
    }
    if let Some(kinds) = &filter.actor_kinds {
        one_of(sql, "a.actor_kind", kinds.iter().map(|kind| (*kind).to_owned()));
    }
    if let Some(since) = filter.since {
        sql.push(" AND a.created_at >= ").bind(since.micros());
    }
    if let Some(until) = filter.until {
        sql.push(" AND a.created_at <= ").bind(until.micros());
    }
}

fn one_of<T: Into<Bound>>(sql: &mut Statement, column: &str, values: impl ExactSizeIterator<Item = T>) {
    if values.len() == 0 {
        sql.push(" AND 1 = 0");
        return;
    }
    sql.push(" AND ").push(column).push(" IN (");
    sql.list(values, ", ", |sql, value| {
        sql.bind(value);
    });
    sql.push(")");
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
