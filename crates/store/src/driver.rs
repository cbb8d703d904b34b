//! The two engines behind one face: [`Store`] opens and queues, [`Tx`] runs statements.
//!
//! Nouns see only `Tx`. They may not ask which engine it is.

mod postgres;
mod row;
mod sqlite;
mod turns;
mod wal_index;

pub(crate) use postgres::Engine as PostgresEngine;
pub(crate) use row::{Param, Row};
pub(crate) use sqlite::execute as sqlite_run;

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::idempotency_keys::Ticket;
use crate::{meta, migrations};
use guildhall_domain::member_id::MemberIdCodec;
use guildhall_domain::record_id::RecordIdCodec;
use guildhall_domain::{EnvironmentId, Timestamp};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use turns::Turns;

/// Writes a parameter list: `params![key, name]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::driver::Param::from($value)),*] };
}
pub(crate) use params;

/// The future of one unit of work.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// Which database to open.
#[derive(Clone, Debug)]
pub enum Target {
    /// The embedded engine, in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by URL. The URL can hold a password; it is never printed.
    Postgres(String),
}

/// How to open it.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Which database.
    pub target: Target,
    /// The time, noted beside each migration that is applied.
    pub now: Timestamp,
    /// Fresh random bytes: the secret of member ids, kept if the database is new.
    pub secret: [u8; 16],
    /// How many units of work may wait before more are turned away.
    pub write_queue_max: usize,
    /// How many units of work are made durable together at most. 1 shows what grouping saves.
    pub write_batch_max: usize,
    /// How many connections to PostgreSQL are kept.
    pub postgres_connections_max: usize,
    /// How long a statement of [`Store::scan`] may take, in milliseconds.
    pub statement_timeout_ms: u32,
}

/// Seals and opens the public ids of rows in this database.
#[derive(Clone)]
pub struct Codecs {
    /// Of members.
    pub members: MemberIdCodec,
    /// Of records.
    pub records: RecordIdCodec,
}

/// Numbers about the store for operators.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Units of work that wait for the disk.
    pub writes_waiting: u64,
    /// Units of work made durable since the start.
    pub writes_total: u64,
    /// Times the disk was asked to make them durable.
    pub commits_total: u64,
}

impl Codecs {
    fn new(secret: [u8; 16]) -> Self {
        Self { members: MemberIdCodec::new(secret), records: RecordIdCodec::new(secret) }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    codecs: Codecs,
    turns: Turns,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Engine>),
    Postgres(Arc<postgres::Engine>),
}

impl Store {
    /// Opens the database, brings its schema up to date and reads what is fixed in it.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] if a newer version has written it, [`StoreError::Unavailable`] if it
    /// cannot be opened.
    pub async fn open(settings: StoreSettings) -> Result<Self, StoreError> {
        let (now, secret) = (settings.now, settings.secret);
        let turns = Turns::of(&settings);
        let engine = match &settings.target {
            Target::Sqlite(file) => {
                let mut connection = sqlite::connect_to_write(file)?;
                migrations::apply_sqlite(&mut connection, now)?;
                Engine::Sqlite(sqlite::Engine::start(connection, file.clone(), &settings)?)
            }
            Target::Postgres(url) => {
                let engine = postgres::Engine::connect(url, &settings).await?;
                migrations::apply_postgres(&engine, now).await?;
                Engine::Postgres(Arc::new(engine))
            }
        };
        let mut store = Self { engine, codecs: Codecs::new(secret), turns };
        let secret =
            store.write::<_, StoreError, _>(move |tx| Box::pin(meta::member_id_secret(tx, secret))).await?;
        store.codecs = Codecs::new(secret);
        Ok(store)
    }

    /// Seals and opens the ids of members in this database.
    pub fn member_ids(&self) -> &MemberIdCodec {
        &self.codecs.members
    }

    /// Seals and opens the ids of members and records in this database.
    pub fn codecs(&self) -> &Codecs {
        &self.codecs
    }

    /// `sqlite` or `postgres`, for people.
    pub fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }

    /// Runs a few indexed point reads. On SQLite this happens at once, on the calling thread: a
    /// read takes microseconds, less than a hop to another thread. For anything that can touch
    /// many rows use [`Store::scan`].
    ///
    /// # Errors
    /// What the work returns, or [`StoreError::Unavailable`].
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send,
        E: From<StoreError>,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(work),
            Engine::Postgres(engine) => engine.read(work).await,
        }
    }

    /// Runs reads that can touch many rows: lists, counts, exports. They see one snapshot, and may
    /// take no longer than the settings say.
    ///
    /// # Errors
    /// What the work returns; [`StoreError::TimedOut`]; [`StoreError::Overloaded`] if too many others
    /// are under way; [`StoreError::Unavailable`].
    pub async fn scan<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turn = self.turns.take().await?;
        match &self.engine {
            Engine::Sqlite(engine) => engine.scan([turn], work).await,
            Engine::Postgres(engine) => engine.scan([turn], work).await,
        }
    }

    /// As [`Store::scan`], for what an environment's callers ask: it has only a share of the turns.
    ///
    /// # Errors
    /// As [`Store::scan`].
    pub async fn query<T, E, F>(&self, environment: EnvironmentId, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turns = self.turns.take_of(environment).await?;
        match &self.engine {
            Engine::Sqlite(engine) => engine.scan(turns, work).await,
            Engine::Postgres(engine) => engine.scan(turns, work).await,
        }
    }

    /// As [`Store::query`], but for a single statement, which needs no snapshot of its own. On
    /// PostgreSQL this saves two of three round trips.
    ///
    /// # Errors
    /// As [`Store::scan`].
    pub async fn query_once<T, E, F>(&self, environment: EnvironmentId, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turns = self.turns.take_of(environment).await?;
        match &self.engine {
            Engine::Sqlite(engine) => engine.scan(turns, work).await,
            Engine::Postgres(engine) => engine.scan_statement(turns, work).await,
        }
    }

    /// Runs one unit of work. When this returns `Ok`, the unit is on disk; when it returns `Err`,
    /// nothing of it is. A caller that goes away does not stop a unit that has begun.
    ///
    /// If the request that asks carries a [`Ticket`], the unit also notes that it has written.
    ///
    /// # Errors
    /// What the work returns; [`StoreError::Overloaded`] if too many units wait;
    /// [`StoreError::Unavailable`] if it could not be made durable; [`StoreError::Panicked`];
    /// [`StoreError::Superseded`] if the ticket is not good any more.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(ticket) = Ticket::current() else {
            return self.write_aside(work).await;
        };
        self.write_aside(move |tx| {
            Box::pin(async move {
                let done = ticket.carried_in_unit(work(tx)).await?;
                // Last, so that the row is locked for as short a time as can be.
                tx.idempotency_keys().note_written(&ticket).await?;
                Ok(done)
            })
        })
        .await
    }

    /// As [`Store::write`], for what is done by the way and is not what a request asks for: counting an
    /// attempt, say. It happens again when the request is carried out again, so it takes no note of a ticket.
    ///
    /// # Errors
    /// As [`Store::write`], without [`StoreError::Superseded`].
    pub async fn write_aside<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.write(work).await,
            Engine::Postgres(engine) => engine.write(work).await,
        }
    }

    /// Whether units of work are run in the order in which they were handed over. On PostgreSQL they
    /// overtake each other.
    pub fn writes_in_order(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// The current version of what servers keep in memory (keys, apps, definitions). It changes
    /// with every change to those, whichever process makes it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn authority_version(&self) -> Result<i64, StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.authority_version(),
            Engine::Postgres(engine) => engine.authority_version().await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => {
                engine.read(|tx| Box::pin(async { tx.authority().version().await.map(|_| ()) }))
            }
            Engine::Postgres(engine) => engine.authority_version().await.map(|_| ()),
        }
    }

    /// Numbers for operators.
    pub fn gauges(&self) -> Gauges {
        match &self.engine {
            Engine::Sqlite(engine) => engine.gauges(),
            Engine::Postgres(engine) => engine.gauges(),
        }
    }

    /// Lets the engine look at what it chooses its plans by. PostgreSQL does so by itself.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn refresh_statistics(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.refresh_statistics().await,
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Checks the whole database for damage. Nothing if it is sound, else what was found.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn check_integrity(&self) -> Result<Option<String>, StoreError> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.check_integrity(),
            Engine::Postgres(_) => self.ping().await.map(|()| None),
        }
    }

    /// Lets what waits finish, and leaves the file tidy. Later writes are refused.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close(),
        }
    }
}

/// A connection inside a unit of work or a read.
pub struct Tx(Connection);

enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(deadpool_postgres::Object),
}

impl Tx {
    /// The engine that statements are written for where they cannot be portable.
    pub(crate) fn dialect(&self) -> Dialect {
        match &self.0 {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs statements that change the schema. They may take as long as they need.
    pub(crate) async fn define(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.0 {
            Connection::Sqlite(connection) => sqlite::define(connection, sql),
            Connection::Postgres(client) => postgres::define(client, sql).await,
        }
    }

    /// Runs a statement that returns no rows; tells how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        match &mut self.0 {
            Connection::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Connection::Postgres(client) => postgres::execute(client, sql, params).await,
        }
    }

    /// Locks the rows that a `SELECT … FOR UPDATE` finds until the unit of work ends. SQLite has
    /// one writer, so there nothing needs to be done.
    pub(crate) async fn lock(&mut self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        match &mut self.0 {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(client) => postgres::each(client, sql, params, &mut |_| Ok(())).await,
        }
    }

    /// Runs a statement and hands over each row in turn.
    pub(crate) async fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        match &mut self.0 {
            Connection::Sqlite(connection) => sqlite::each(connection, sql, params, &mut take),
            Connection::Postgres(client) => postgres::each(client, sql, params, &mut take).await,
        }
    }

    /// As [`Tx::all`], planned for these very values. PostgreSQL otherwise settles on one plan for all, and
    /// sorts a fifth of a table where another value finds twenty rows. SQLite's plans do not look at values.
    pub(crate) async fn all_for_values<T: Send>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        map: impl Fn(&Row<'_>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        let mut take = |row: &Row<'_>| {
            rows.push(map(row)?);
            Ok(())
        };
        match &mut self.0 {
            Connection::Sqlite(connection) => sqlite::each(connection, sql, params, &mut take)?,
            Connection::Postgres(client) => postgres::each_for_values(client, sql, params, &mut take).await?,
        }
        Ok(rows)
    }

    /// All rows, mapped.
    pub(crate) async fn all<T: Send>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        map: impl Fn(&Row<'_>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, params, |row| {
            rows.push(map(row)?);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// The first row, mapped.
    pub(crate) async fn first<T: Send>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        map: impl Fn(&Row<'_>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.each(sql, params, |row| {
            if found.is_none() {
                found = Some(map(row)?);
            }
            Ok(())
        })
        .await?;
        Ok(found)
    }
}
