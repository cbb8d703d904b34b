//! The outbox: what happened, written in the transaction in which it happened.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use crate::part::Part;
use guildhall_domain::event::EventKind;
use guildhall_domain::{EnvironmentId, Timestamp};

const INSERT: &str = "INSERT INTO events (environment, kind, subject, payload, created_at)
    VALUES ($1, $2, $3, $4, $5)";
const LIST: &str = "SELECT number, kind, subject, payload, created_at FROM events
    WHERE environment = $1 AND number > $2 ORDER BY number LIMIT $3";

const NEWEST: &str = "SELECT number, kind, subject, payload, created_at FROM events
    WHERE environment = $1 AND number < $2 ORDER BY number DESC LIMIT $3";
const OF_SUBJECT: &str = "SELECT number, kind, subject, payload, created_at FROM events
    WHERE environment = $1 AND subject = $2 AND number < $3 ORDER BY number DESC LIMIT $4";
const LAST: &str = "SELECT number FROM events WHERE environment = $1 ORDER BY number DESC LIMIT 1";
const TALLY: &str = "SELECT e.kind, COUNT(*) FROM (SELECT kind FROM events
    WHERE environment = $1 AND number > $2 ORDER BY number LIMIT $3) e GROUP BY e.kind";
const NEXT_OF_SUBJECT: &str = "SELECT number, kind, subject, payload, created_at FROM events
    WHERE environment = $1 AND subject = $2 AND number > $3 ORDER BY number LIMIT $4";

/// One event, as stored.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number in the outbox.
    pub number: i64,
    /// `member.created` and so on.
    pub kind: String,
    /// The id of what it happened to.
    pub subject: String,
    /// The JSON that a webhook carries as its payload.
    pub payload: String,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Reached as `tx.events()`.
pub struct Events<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Events<'_> {
    /// Appends an event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(
        &mut self,
        environment: EnvironmentId,
        kind: EventKind,
        subject: &str,
        payload: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![environment, kind.as_str(), subject, payload, now];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// Events of an environment after a number, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &mut self,
        environment: EnvironmentId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        let values = params![environment, after, limit];
        self.tx.all(LIST, values, from_row).await
    }

    /// A part of an environment's events; only those about one subject, if one is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &mut self,
        environment: EnvironmentId,
        subject: Option<&str>,
        part: Part,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        match subject {
            Some(subject) => {
                let values = params![environment, subject, part.bound(), limit];
                self.tx.all(part.either(OF_SUBJECT, NEXT_OF_SUBJECT), values, from_row).await
            }
            None => {
                let values = params![environment, part.bound(), limit];
                self.tx.all(part.either(NEWEST, LIST), values, from_row).await
            }
        }
    }

    /// The number of an environment's newest event; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last(&mut self, environment: EnvironmentId) -> Result<i64, StoreError> {
        Ok(self.tx.first(LAST, params![environment], |row| row.int(0)).await?.unwrap_or(0))
    }

    /// How many of the events after a number there are of each kind, among the first `limit` of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tally(
        &mut self,
        environment: EnvironmentId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let values = params![environment, after, limit];
        self.tx.all(TALLY, values, |row| Ok((row.string(0)?, row.int(1)?))).await
    }
}

fn from_row(row: &Row<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        number: row.int(0)?,
        kind: row.string(1)?,
        subject: row.string(2)?,
        payload: row.string(3)?,
        created_at: row.time(4)?,
    })
}
