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

    /// The folder of an SQLite database.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}
