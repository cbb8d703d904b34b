//! The PostgreSQL engine: a pool, one transaction for each unit of work, and a connection of its
//! own for the authority version.

use super::{Connection as Inner, Gauges, Param, Row, StoreSettings, Tx, Work};
use crate::dialect::postgres_error;
use crate::error::StoreError;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit};
use tokio_postgres::{NoTls, Statement};

/// How long a caller waits for a connection, and a connection for the server.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// How long a statement may take in all. Longer than the server's own limit, which is the one to end
/// it: this one is for a server that does not answer at all.
const STATEMENT_WAIT: Duration = Duration::from_secs(35);
/// How long the question that every request begins with may take.
const AUTHORITY_WAIT: Duration = Duration::from_secs(5);
/// Set on every connection: a forgotten transaction does not hold its locks. With it goes the time that
/// a statement may take, so that no query, however written, holds the server.
const SESSION: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; \
     SET client_encoding = 'UTF8'";
/// A unit of work that clears many references may take longer than a read.
const BEGIN_WRITE: &str = "BEGIN; SET LOCAL statement_timeout = '30s'";
const BEGIN_SCAN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const AUTHORITY: &str = "SELECT version FROM authority WHERE id = 1";

pub(crate) struct Engine {
    pool: Pool,
    config: tokio_postgres::Config,
    session: String,
    authority: Mutex<Option<Arc<AuthorityConnection>>>,
    queue_max: usize,
    counts: Arc<Counts>,
}

struct AuthorityConnection {
    client: tokio_postgres::Client,
    statement: Statement,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    units: AtomicU64,
}

impl Engine {
    pub(crate) async fn connect(url: &str, settings: &StoreSettings) -> Result<Self, StoreError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|_| {
            // The parser's message can quote the URL, and the URL can hold a password.
            StoreError::Unavailable(
                "the database URL is not of the form postgres://user@host:port/name".into(),
            )
        })?;
        config.connect_timeout(CONNECTION_WAIT);
        config.application_name("guildhall");
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let session = format!("SET statement_timeout = {}; {SESSION}", settings.statement_timeout_ms);
        let on_connect = session.clone();
        let pool = Pool::builder(manager)
            .max_size(settings.postgres_connections_max)
            .wait_timeout(Some(CONNECTION_WAIT))
            .create_timeout(Some(CONNECTION_WAIT))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                let session = on_connect.clone();
                Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let engine = Self {
            pool,
            config,
            session,
            authority: Mutex::default(),
            queue_max: settings.write_queue_max,
            counts: Arc::default(),
        };
        drop(engine.client().await?);
        Ok(engine)
    }

    pub(crate) async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send,
        E: From<StoreError>,
    {
        let mut tx = Tx(Inner::Postgres(self.client().await?));
        work(&mut tx).await
    }

    pub(crate) async fn scan<T, E, F>(&self, turn: OwnedSemaphorePermit, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let client = self.client().await?;
        to_its_end(async move {
            let _turn = turn;
            transaction(client, BEGIN_SCAN, work).await
        })
        .await
    }

    pub(crate) async fn scan_statement<T, E, F>(&self, turn: OwnedSemaphorePermit, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let mut tx = Tx(Inner::Postgres(self.client().await?));
        to_its_end(async move {
            let _turn = turn;
            work(&mut tx).await
        })
        .await
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let waiting = Waiting::begin(&self.counts, self.queue_max)?;
        let client = self.client().await?;
        to_its_end(async move {
            let result = transaction(client, BEGIN_WRITE, work).await;
            if result.is_ok() {
                waiting.0.units.fetch_add(1, Ordering::Relaxed);
            }
            result
        })
        .await
    }

    /// Asks over one connection that all requests share, so that questions travel together
    /// instead of each taking a connection from the pool. Asking each time is what makes a key
    /// revoked anywhere refused at the next request everywhere.
    pub(crate) async fn authority_version(&self) -> Result<i64, StoreError> {
        let connection = tokio::time::timeout(AUTHORITY_WAIT, self.authority_connection()).await;
        let connection = connection.map_err(|_| silent())??;
        let asked = connection.client.query_one(&connection.statement, &[]);
        let failed = match tokio::time::timeout(AUTHORITY_WAIT, asked).await {
            Ok(Ok(row)) => return Row::Postgres(&row).int(0),
            Ok(Err(error)) => postgres_error(&error),
            Err(_) => silent(),
        };
        *self.authority.lock().await = None;
        Err(failed)
    }

    async fn authority_connection(&self) -> Result<Arc<AuthorityConnection>, StoreError> {
        let mut kept = self.authority.lock().await;
        if let Some(connection) = kept.as_ref().filter(|kept| !kept.client.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        let unavailable = |error: tokio_postgres::Error| postgres_error(&error);
        let (client, connection) = self.config.connect(NoTls).await.map_err(unavailable)?;
        tokio::spawn(connection);
        client.batch_execute(&self.session).await.map_err(unavailable)?;
        let statement = client.prepare(AUTHORITY).await.map_err(unavailable)?;
        let connection = Arc::new(AuthorityConnection { client, statement });
        *kept = Some(Arc::clone(&connection));
        Ok(connection)
    }

    pub(crate) fn gauges(&self) -> Gauges {
        let units = self.counts.units.load(Ordering::Relaxed);
        Gauges {
            writes_waiting: self.counts.waiting.load(Ordering::Relaxed) as u64,
            writes_total: units,
            commits_total: units,
        }
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// Runs on a task of its own, so that a caller who goes away cannot leave a transaction half done, or a
/// connection in the pool that is still busy.
async fn to_its_end<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    tokio::spawn(work).await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}

/// The server took a question and says nothing.
fn silent() -> StoreError {
    StoreError::Unavailable("the database does not answer".into())
}

/// What a statement comes to, or that nothing came.
async fn answered<T>(
    statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(STATEMENT_WAIT, statement).await {
        Ok(result) => result.map_err(|error| postgres_error(&error)),
        Err(_) => Err(silent()),
    }
}

/// A place in the bounded queue of writes, given back when dropped.
struct Waiting(Arc<Counts>);

impl Waiting {
    fn begin(counts: &Arc<Counts>, max: usize) -> Result<Self, StoreError> {
        if counts.waiting.fetch_add(1, Ordering::Relaxed) >= max {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(StoreError::Overloaded);
        }
        Ok(Self(Arc::clone(counts)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A transaction in which a statement failed is rolled back by a bare `COMMIT` without an error. The
/// question before it fails then, so that nothing is called stored that is not. Both travel together.
const COMMIT: &str = "SELECT 1; COMMIT";

/// Runs the work between `begin` and a commit. After a failure or a panic it is rolled back; if
/// even that fails the connection is thrown away, so that no half-open transaction is reused.
async fn transaction<T, E, F>(client: Object, begin: &str, work: F) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, Result<T, E>> + Send,
    E: From<StoreError>,
{
    let mut tx = Tx(Inner::Postgres(client));
    batch(&mut tx, begin).await?;
    let result = AssertUnwindSafe(async { work(&mut tx).await })
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(StoreError::Panicked.into()));
    let ended = batch(&mut tx, if result.is_ok() { COMMIT } else { "ROLLBACK" }).await;
    if let Err(error) = ended {
        if let Inner::Postgres(client) = tx.0 {
            drop(Object::take(client));
        }
        return result.and_then(|_| Err(error.into()));
    }
    result
}

async fn batch(tx: &mut Tx, sql: &str) -> Result<(), StoreError> {
    match &mut tx.0 {
        Inner::Postgres(client) => client.batch_execute(sql).await.map_err(|error| postgres_error(&error)),
        Inner::Sqlite(_) => Err(StoreError::corrupt("not a PostgreSQL connection")),
    }
}

/// Statements that are kept prepared on one connection. Queries over data tables have countless forms;
/// beyond this many, all are forgotten.
const STATEMENTS_KEPT: usize = 512;

async fn prepared(client: &Object, sql: &str) -> Result<Statement, tokio_postgres::Error> {
    if client.statement_cache.size() >= STATEMENTS_KEPT {
        client.statement_cache.clear();
    }
    client.prepare_cached(sql).await
}

pub(crate) async fn define(client: &Object, sql: &str) -> Result<(), StoreError> {
    let sql = format!("SET LOCAL statement_timeout = 0; {sql}");
    client.batch_execute(&sql).await.map_err(|error| postgres_error(&error))
}

pub(crate) async fn execute(client: &Object, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
    let changed = async {
        let statement = prepared(client, sql).await?;
        client.execute(&statement, &borrowed(params)).await
    };
    answered(changed).await
}

pub(crate) async fn each(
    client: &Object,
    sql: &str,
    params: &[Param<'_>],
    take: &mut (dyn FnMut(&Row<'_>) -> Result<(), StoreError> + Send),
) -> Result<(), StoreError> {
    let found = async {
        let statement = prepared(client, sql).await?;
        client.query(&statement, &borrowed(params)).await
    };
    let rows = answered(found).await?;
    rows.iter().try_for_each(|row| take(&Row::Postgres(row)))
}

pub(crate) async fn each_for_values(
    client: &Object,
    sql: &str,
    params: &[Param<'_>],
    take: &mut (dyn FnMut(&Row<'_>) -> Result<(), StoreError> + Send),
) -> Result<(), StoreError> {
    let typed: Vec<_> = params
        .iter()
        .map(|param| (param as &(dyn tokio_postgres::types::ToSql + Sync), param.postgres_type()))
        .collect();
    let rows = answered(client.query_typed(sql, &typed)).await?;
    rows.iter().try_for_each(|row| take(&Row::Postgres(row)))
}

fn borrowed<'a>(params: &'a [Param<'a>]) -> Vec<&'a (dyn tokio_postgres::types::ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}
