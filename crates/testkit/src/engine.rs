//! A database of either engine, made for one test.

use crate::postgres::Cluster;
use guildhall_app::Target;
use tempfile::TempDir;

/// Which engine a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded engine, in a temporary folder.
    Sqlite,
    /// A database of its own in a throw-away PostgreSQL cluster.
    Postgres,
}

async fn beside(url: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("it connects");
    // Ends when the client is dropped.
    tokio::spawn(connection);
    client
}

/// A database of one test; gone when dropped.
pub struct Database {
    /// How to open it.
    pub target: Target,
    folder: Option<TempDir>,
}

impl Database {
    /// A new, empty database.
    pub async fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                Self { target: Target::Sqlite(folder.path().join("guildhall.db")), folder: Some(folder) }
            }
            Engine::Postgres => {
                let url =
                    tokio::task::spawn_blocking(|| Cluster::shared().create_database().url().to_owned());
                let url = url.await.expect("a database can be made");
                Self { target: Target::Postgres(url), folder: None }
            }
        }
    }

    /// Runs a statement that both engines know, beside the server: to leave things as no API does.
    pub async fn execute(&self, sql: &str) {
        match &self.target {
            Target::Sqlite(file) => {
                rusqlite::Connection::open(file).expect("it opens").execute_batch(sql).expect("it runs");
            }
            Target::Postgres(url) => {
                beside(url).await.batch_execute(sql).await.expect("it runs");
            }
        }
    }

    /// The one number that a statement yields which both engines know.
    pub async fn number(&self, sql: &str) -> i64 {
        match &self.target {
            Target::Sqlite(file) => {
                let connection = rusqlite::Connection::open(file).expect("it opens");
                connection.query_row(sql, [], |row| row.get(0)).expect("a number")
            }
            Target::Postgres(url) => beside(url).await.query_one(sql, &[]).await.expect("a row").get(0),
        }
    }

    /// The folder of an SQLite database.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}
