//! Requests that came with an `Idempotency-Key`: which are under way, which have changed something, and
//! what the others were answered.
//!
//! A [`Ticket`] stands for one run of such a request. While it is carried, every unit of work notes in its
//! own transaction that the request has written; so a crash cannot come between the change and the note.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::{EnvironmentId, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;

const INSERT: &str =
    "INSERT INTO idempotency_keys (environment, owner, key_hash, request_hash, attempt, wrote,
    leased_until, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (environment, owner, key_hash) DO NOTHING";
const PLACE: &str = "WHERE environment = $1 AND owner = $2 AND key_hash = $3";
const TAKE_OVER: &str =
    "UPDATE idempotency_keys SET request_hash = $1, attempt = $2, wrote = $3, leased_until = $4,
    change = NULL, status = NULL, content_type = NULL, body = NULL, created_at = $5
    WHERE environment = $6 AND owner = $7 AND key_hash = $8";
const NOTE_WRITTEN: &str = "UPDATE idempotency_keys SET wrote = $1, change = COALESCE(change, $2)
    WHERE environment = $3 AND owner = $4 AND key_hash = $5 AND attempt = $6 AND status IS NULL";
const ANSWER: &str = "UPDATE idempotency_keys SET status = $1, content_type = $2, body = $3
    WHERE environment = $4 AND owner = $5 AND key_hash = $6 AND attempt = $7 AND status IS NULL
    AND (wrote OR $8)";
const FREE: &str = "DELETE FROM idempotency_keys
    WHERE environment = $1 AND owner = $2 AND key_hash = $3 AND attempt = $4 AND status IS NULL AND NOT wrote";
const END_LEASE: &str = "UPDATE idempotency_keys SET leased_until = $1
    WHERE environment = $2 AND owner = $3 AND key_hash = $4 AND attempt = $5";
const DELETE_OLD: &str = "DELETE FROM idempotency_keys WHERE (environment, owner, key_hash) IN
    (SELECT environment, owner, key_hash FROM idempotency_keys WHERE created_at <= $1
    ORDER BY created_at LIMIT $2)";

tokio::task_local! {
    static CARRIED: Ticket;
}

/// Where a key is kept: whose it is, and its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyPlace {
    /// Where it counts.
    pub environment: EnvironmentId,
    /// Whose it is.
    pub owner: Arc<str>,
    /// The hash of the key.
    pub key_hash: [u8; 32],
}

/// One run of a request that came with a key.
#[derive(Clone)]
pub struct Ticket {
    place: IdempotencyPlace,
    attempt: i64,
    /// The first thing that the unit of work at hand has done.
    change: Arc<Mutex<Option<String>>>,
}

impl Ticket {
    /// For a run of the request at this place; `attempt` tells it from every other one.
    pub fn new(place: IdempotencyPlace, attempt: i64) -> Self {
        Self { place, attempt, change: Arc::default() }
    }

    /// The place of its key.
    pub fn place(&self) -> &IdempotencyPlace {
        &self.place
    }

    /// Runs something whose units of work note that this request has written.
    pub async fn carried_by<T>(self, work: impl Future<Output = T>) -> T {
        CARRIED.scope(self, work).await
    }

    /// The ticket of the request that is being carried out, if it has one.
    pub(crate) fn current() -> Option<Self> {
        CARRIED.try_with(Clone::clone).ok()
    }

    /// Runs a unit of work. What it does is remembered, but nothing of one before, which may have failed.
    pub(crate) async fn carried_in_unit<T>(&self, unit: impl Future<Output = T>) -> T {
        *self.change.lock() = None;
        CARRIED.scope(self.clone(), unit).await
    }

    /// Remembers what the unit of work under way does, if it is done for a request with a key.
    pub(crate) fn remember(action: &str, subject: &str) {
        let _ = CARRIED.try_with(|ticket| {
            ticket.change.lock().get_or_insert_with(|| format!("{action} {subject}"));
        });
    }
}

/// A request as it is kept.
pub struct KeptRequest {
    /// The hash of what was asked.
    pub request_hash: Vec<u8>,
    /// Whether something of it is on disk.
    pub wrote: bool,
    /// The first thing it did, as the audit trail has it.
    pub change: Option<String>,
    /// Until when whoever carries it out may be at it.
    pub leased_until: Timestamp,
    /// When it came first.
    pub created_at: Timestamp,
    /// What it was answered, once it was.
    pub answer: Option<KeptAnswer>,
}

/// An answer as it is kept.
pub struct KeptAnswer {
    /// The status.
    pub status: i64,
    /// The type of the body, if it has one.
    pub content_type: Option<String>,
    /// The body, sealed.
    pub body: Vec<u8>,
}

/// Reached as `tx.idempotency_keys()`.
pub struct IdempotencyKeys<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl IdempotencyKeys<'_> {
    /// Notes that a request is under way. False if its key is there already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(
        &mut self,
        ticket: &Ticket,
        request_hash: &[u8],
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (place, hash) = (&ticket.place, &ticket.place.key_hash[..]);
        let values = params![
            place.environment,
            &*place.owner,
            hash,
            request_hash,
            ticket.attempt,
            false,
            leased_until,
            now
        ];
        self.tx.execute(INSERT, values).await.map(|rows| rows == 1)
    }

    /// What is kept under a key, held until this unit of work ends. A unit that is just noting that it
    /// has written is waited for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_locked(&mut self, place: &IdempotencyPlace) -> Result<Option<KeptRequest>, StoreError> {
        let values = params![place.environment, &*place.owner, &place.key_hash[..]];
        let lock = format!("SELECT attempt FROM idempotency_keys {PLACE} FOR UPDATE");
        self.tx.lock(&lock, values).await?;
        let sql = format!(
            "SELECT request_hash, wrote, leased_until, created_at, status, content_type, body, change
             FROM idempotency_keys {PLACE}"
        );
        self.tx.first(&sql, values, from_row).await
    }

    /// Begins anew under a key that [`IdempotencyKeys::find_locked`] has found. From now on no unit of work
    /// of an earlier run can be stored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_over(
        &mut self,
        ticket: &Ticket,
        request_hash: &[u8],
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (place, hash) = (&ticket.place, &ticket.place.key_hash[..]);
        let values = params![
            request_hash,
            ticket.attempt,
            false,
            leased_until,
            now,
            place.environment,
            &*place.owner,
            hash
        ];
        self.tx.execute(TAKE_OVER, values).await.map(|_| ())
    }

    /// Notes that a request has written.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if this run is no longer the one that may.
    pub(crate) async fn note_written(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        let (place, hash) = (&ticket.place, &ticket.place.key_hash[..]);
        let change = ticket.change.lock().take();
        let values = params![true, change.as_deref(), place.environment, &*place.owner, hash, ticket.attempt];
        match self.tx.execute(NOTE_WRITTEN, values).await? {
            1 => Ok(()),
            _ => Err(StoreError::Superseded),
        }
    }

    /// Keeps what a request was answered; with `even_unwritten`, also if it has not written. False if it is
    /// not kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answer(
        &mut self,
        ticket: &Ticket,
        answer: &KeptAnswer,
        even_unwritten: bool,
    ) -> Result<bool, StoreError> {
        let (place, hash) = (&ticket.place, &ticket.place.key_hash[..]);
        let values = params![
            answer.status,
            answer.content_type.as_deref(),
            &answer.body[..],
            place.environment,
            &*place.owner,
            hash,
            ticket.attempt,
            even_unwritten
        ];
        self.tx.execute(ANSWER, values).await.map(|rows| rows == 1)
    }

    /// Forgets a request that has not written. False if it has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn free(&mut self, ticket: &Ticket) -> Result<bool, StoreError> {
        let (place, hash) = (&ticket.place, &ticket.place.key_hash[..]);
        let values = params![place.environment, &*place.owner, hash, ticket.attempt];
        self.tx.execute(FREE, values).await.map(|rows| rows == 1)
    }

    /// Notes that nobody is at a request any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_lease(&mut self, ticket: &Ticket, now: Timestamp) -> Result<(), StoreError> {
        let (place, hash) = (&ticket.place, &ticket.place.key_hash[..]);
        let values = params![now, place.environment, &*place.owner, hash, ticket.attempt];
        self.tx.execute(END_LEASE, values).await.map(|_| ())
    }

    /// Deletes the oldest of those that came until this time; tells how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_until(&mut self, time: Timestamp, limit: i64) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_OLD, params![time, limit]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<KeptRequest, StoreError> {
    let answer = match row.opt_int(4)? {
        None => None,
        Some(status) => Some(KeptAnswer {
            status,
            content_type: row.opt_string(5)?,
            body: row.opt_bytes(6)?.unwrap_or_default().to_vec(),
        }),
    };
    Ok(KeptRequest {
        request_hash: row.bytes(0)?.to_vec(),
        wrote: row.bool(1)?,
        change: row.opt_string(7)?,
        leased_until: row.time(2)?,
        created_at: row.time(3)?,
        answer,
    })
}
