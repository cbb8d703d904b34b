//! The embedded engine: inline reads, and one writer thread that commits in groups.
//!
//! The writer takes what waits, runs each unit inside a savepoint, commits once with
//! `synchronous=FULL`, and only then answers all of them. One flush of the disk so serves many
//! requests, and a unit that fails or panics takes nothing with it but itself.

mod mapped;
mod open;

pub(crate) use open::connect_to_write;

use super::wal_index::WalIndex;
use super::{Connection as Inner, Gauges, Param, Row, StoreSettings, Tx, Work};
use crate::dialect::sqlite_error;
use crate::error::StoreError;
use futures_util::FutureExt;
use open::{connect, pragmas};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Virtual-machine steps between two looks at whether a read has taken too long. Most steps take some
/// 10 ns, but one that looks for a text in a long text that almost holds it takes milliseconds: with
/// many steps between two looks, such a query would go on long after its time.
const STEPS_BETWEEN_LOOKS: i32 = 500;

pub(crate) struct Engine {
    file: PathBuf,
    readers: Mutex<Vec<Reader>>,
    statement_timeout: Duration,
    wal_index: WalIndex,
    /// The authority version last read, and the state of the log it was read at.
    authority: Mutex<Option<(super::wal_index::Stamp, i64)>>,
    queue: Mutex<Option<SyncSender<Unit>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicI64,
    units: AtomicU64,
    commits: AtomicU64,
}

/// A connection that reads, and until when it may.
struct Reader {
    tx: Tx,
    deadline: Arc<Mutex<Option<Instant>>>,
}

/// A unit of work that has not run yet.
type Unit = Box<dyn FnOnce(&mut Tx) -> Done + Send>;

/// A unit that has run: whether to keep what it did, and how to tell its caller once the fate of
/// the whole group is known.
struct Done {
    keep: bool,
    answer: Box<dyn FnOnce(Option<StoreError>) + Send>,
}

impl Engine {
    pub(crate) fn start(
        connection: Connection,
        file: PathBuf,
        settings: &StoreSettings,
    ) -> Result<Arc<Self>, StoreError> {
        let (queue, units) = sync_channel(settings.write_queue_max);
        let counts = Arc::new(Counts::default());
        let writer = Writer {
            tx: Tx(Inner::Sqlite(connection)),
            units,
            batch_max: settings.write_batch_max.max(1),
            counts: Arc::clone(&counts),
        };
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Arc::new(Self {
            wal_index: WalIndex::of(&file),
            file,
            readers: Mutex::default(),
            statement_timeout: Duration::from_millis(settings.statement_timeout_ms.into()),
            authority: Mutex::default(),
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(thread)),
            counts,
        }))
    }

    pub(crate) fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>>,
        E: From<StoreError>,
    {
        let mut reader = self.reader()?;
        let result = finish(work(&mut reader.tx));
        self.readers.lock().push(reader);
        result
    }

    /// `turns` are given back when the work has ended, also if nobody waits for it any more.
    pub(crate) async fn scan<T, E, F>(self: &Arc<Self>, turns: impl Send + 'static, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let engine = Arc::clone(self);
        let scanned = tokio::task::spawn_blocking(move || {
            let _turns = turns;
            let mut reader = engine.reader()?;
            run(&mut reader.tx, "BEGIN")?;
            *reader.deadline.lock() = Some(Instant::now() + engine.statement_timeout);
            let result = catch_unwind(AssertUnwindSafe(|| finish(work(&mut reader.tx))));
            *reader.deadline.lock() = None;
            run(&mut reader.tx, "COMMIT")?;
            engine.readers.lock().push(reader);
            result.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
        });
        scanned.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let unit: Unit = Box::new(move |tx| {
            let result = catch_unwind(AssertUnwindSafe(|| finish(work(tx))))
                .unwrap_or_else(|_| Err(StoreError::Panicked.into()));
            Done {
                keep: result.is_ok(),
                answer: Box::new(move |failure| {
                    // The caller may have gone away; the unit stays done all the same.
                    let _ = answer.send(match failure {
                        Some(failure) => Err(failure.into()),
                        None => result,
                    });
                }),
            }
        });
        self.submit(unit)?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the write was not begun".into()).into()))
    }

    fn submit(&self, unit: Unit) -> Result<(), StoreError> {
        let queue = self.queue.lock();
        let queue = queue.as_ref().ok_or_else(|| StoreError::Unavailable("the server is stopping".into()))?;
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(unit).map_err(|error| {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::Overloaded,
                TrySendError::Disconnected(_) => StoreError::Unavailable("the writer stopped".into()),
            }
        })
    }

    /// Asks the database only if something was committed since it was last asked, by whichever
    /// process: the state of the write-ahead log tells.
    pub(crate) fn authority_version(&self) -> Result<i64, StoreError> {
        let stamp = self.wal_index.stamp();
        if let (Some(stamp), Some((seen_at, version))) = (&stamp, *self.authority.lock())
            && *stamp == seen_at
        {
            return Ok(version);
        }
        let version = self.read(|tx| Box::pin(async { tx.authority().version().await }))?;
        // The stamp was taken before the read, so the version is at least as new as the stamp.
        *self.authority.lock() = stamp.map(|stamp| (stamp, version));
        Ok(version)
    }

    /// `PRAGMA optimize` looks at all tables (0x10000) and only at a part of each index, so it is quick.
    /// Readers learn of the outcome when they are opened.
    pub(crate) async fn refresh_statistics(&self) -> Result<(), StoreError> {
        self.write::<(), StoreError, _>(|tx| {
            Box::pin(async { tx.each("PRAGMA optimize = 0x10002", &[], |_| Ok(())).await })
        })
        .await?;
        self.readers.lock().clear();
        Ok(())
    }

    pub(crate) fn gauges(&self) -> Gauges {
        Gauges {
            writes_waiting: self.counts.waiting.load(Ordering::Relaxed).max(0).unsigned_abs(),
            writes_total: self.counts.units.load(Ordering::Relaxed),
            commits_total: self.counts.commits.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn check_integrity(&self) -> Result<Option<String>, StoreError> {
        let connection = connect(&self.file)?;
        let mut found = Vec::new();
        for check in ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] {
            each(&connection, check, &[], &mut |row| {
                found.push(row.text(0)?.to_owned());
                Ok(())
            })?;
        }
        found.retain(|line| line != "ok");
        Ok((!found.is_empty()).then(|| found.join("; ")))
    }

    pub(crate) async fn close(&self) {
        drop(self.queue.lock().take());
        let writer = self.writer.lock().take();
        if let Some(writer) = writer {
            let joined = tokio::task::spawn_blocking(move || writer.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer thread did not end in order");
            }
        }
        self.readers.lock().clear();
    }

    fn reader(&self) -> Result<Reader, StoreError> {
        if let Some(reader) = self.readers.lock().pop() {
            return Ok(reader);
        }
        let mut connection = connect(&self.file)?;
        pragmas(&connection, &[("query_only", "ON"), ("cache_size", "-2048")])?;
        let deadline: Arc<Mutex<Option<Instant>>> = Arc::default();
        let watched = Arc::clone(&deadline);
        let is_late = move || watched.lock().is_some_and(|deadline| Instant::now() >= deadline);
        connection
            .progress_handler(STEPS_BETWEEN_LOOKS, Some(is_late))
            .map_err(|error| sqlite_error(&error))?;
        Ok(Reader { tx: Tx(Inner::Sqlite(connection)), deadline })
    }
}

/// The one thread that writes.
struct Writer {
    tx: Tx,
    units: Receiver<Unit>,
    batch_max: usize,
    counts: Arc<Counts>,
}

impl Writer {
    fn run(mut self) {
        while let Ok(first) = self.units.recv() {
            self.commit_group(first);
        }
        if let Err(error) = run(&mut self.tx, "PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log was not emptied");
        }
    }

    /// Runs what waits, up to the limit, and makes it durable at once.
    fn commit_group(&mut self, first: Unit) {
        if let Err(error) = run(&mut self.tx, "BEGIN IMMEDIATE") {
            // Dropping the unit tells its caller that it was not begun.
            tracing::error!(%error, "a write could not begin");
            drop(first);
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(unit) = next {
            group.push(self.run_unit(unit));
            if self.lost_transaction() {
                let error = StoreError::Unavailable("the engine rolled the group back".into());
                self.settle(group, Some(&error));
                return;
            }
            next = if group.len() < self.batch_max { self.units.try_recv().ok() } else { None };
        }
        let failure = run(&mut self.tx, "COMMIT").err();
        if let Some(error) = &failure {
            tracing::error!(%error, units = group.len(), "a group of writes was not committed");
            let _ = run(&mut self.tx, "ROLLBACK");
        }
        self.settle(group, failure.as_ref());
    }

    fn run_unit(&mut self, unit: Unit) -> Done {
        if let Err(error) = run(&mut self.tx, "SAVEPOINT unit") {
            tracing::error!(%error, "a savepoint failed");
        }
        let done = unit(&mut self.tx);
        let end = if done.keep { "RELEASE unit" } else { "ROLLBACK TO unit" };
        if let Err(error) = run(&mut self.tx, end) {
            tracing::error!(%error, "a savepoint did not end");
        }
        if !done.keep {
            let _ = run(&mut self.tx, "RELEASE unit");
        }
        done
    }

    /// After some errors (disk full, I/O) SQLite rolls the whole transaction back by itself.
    fn lost_transaction(&self) -> bool {
        match &self.tx.0 {
            Inner::Sqlite(connection) => connection.is_autocommit(),
            Inner::Postgres(_) => false,
        }
    }

    fn settle(&self, group: Vec<Done>, failure: Option<&StoreError>) {
        let units = group.len();
        if failure.is_none() {
            self.counts.commits.fetch_add(1, Ordering::Relaxed);
            self.counts.units.fetch_add(units as u64, Ordering::Relaxed);
        }
        self.counts.waiting.fetch_sub(units as i64, Ordering::Relaxed);
        for done in group {
            // A unit that failed by itself keeps its own answer.
            let failure = failure.filter(|_| done.keep);
            (done.answer)(failure.map(|error| StoreError::Unavailable(error.to_string())));
        }
    }
}

/// The value of a future that never waits: on this engine every statement completes in place.
fn finish<T>(work: Work<'_, T>) -> T {
    work.now_or_never().expect("a unit of work awaits nothing but its own statements")
}

fn run(tx: &mut Tx, sql: &str) -> Result<(), StoreError> {
    match &mut tx.0 {
        Inner::Sqlite(connection) => each(connection, sql, &[], &mut |_| Ok(())),
        Inner::Postgres(_) => Err(StoreError::corrupt("not an SQLite connection")),
    }
}

pub(crate) fn define(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.execute_batch(sql).map_err(|error| sqlite_error(&error))
}

pub(crate) fn execute(connection: &Connection, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
    let changed = (|| {
        let mut statement = connection.prepare_cached(sql)?;
        bind(&mut statement, params)?;
        statement.raw_execute()
    })();
    changed.map(|rows| rows as u64).map_err(|error| sqlite_error(&error))
}

pub(crate) fn each(
    connection: &Connection,
    sql: &str,
    params: &[Param<'_>],
    take: &mut (dyn FnMut(&Row<'_>) -> Result<(), StoreError> + Send),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| sqlite_error(&error))?;
    bind(&mut statement, params).map_err(|error| sqlite_error(&error))?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| sqlite_error(&error))? {
        take(&Row::Sqlite(row))?;
    }
    Ok(())
}

/// `$1` is a *named* parameter to SQLite, numbered by first appearance; statements must therefore
/// mention their parameters in order, which debug builds check.
fn bind(statement: &mut rusqlite::CachedStatement<'_>, params: &[Param<'_>]) -> rusqlite::Result<()> {
    for (index, param) in params.iter().enumerate() {
        debug_assert_eq!(
            statement.parameter_name(index + 1),
            Some(format!("${}", index + 1).as_str()),
            "parameters appear in order"
        );
        statement.raw_bind_parameter(index + 1, param)?;
    }
    Ok(())
}
