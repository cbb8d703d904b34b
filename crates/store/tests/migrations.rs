//! The two folders of migrations make the same schema, and a newer one is refused.

use guildhall_domain::Timestamp;
use guildhall_store::{SCHEMA_VERSION, Store, StoreError, StoreSettings, Target};
use guildhall_testkit::{Database, Engine, both_engines};
use std::collections::BTreeSet;

async fn open(target: &Target) -> Result<Store, StoreError> {
    let settings = StoreSettings {
        target: target.clone(),
        now: Timestamp::from_micros(1),
        secret: [7; 16],
        write_queue_max: 64,
        write_batch_max: 64,
        postgres_connections_max: 2,
        statement_timeout_ms: 10_000,
    };
    Store::open(settings).await
}

async fn execute(target: &Target, sql: &str) {
    match target {
        Target::Sqlite(file) => {
            rusqlite::Connection::open(file).expect("it opens").execute_batch(sql).expect("it runs");
        }
        Target::Postgres(url) => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("it connects");
            let driving = tokio::spawn(connection);
            client.batch_execute(sql).await.expect("it runs");
            driving.abort();
        }
    }
}

/// Tables, columns with whether they may be null, and indexes, as lines.
async fn shape(target: &Target) -> BTreeSet<String> {
    match target {
        Target::Sqlite(file) => sqlite_shape(file),
        Target::Postgres(url) => postgres_shape(url).await,
    }
}

fn sqlite_shape(file: &std::path::Path) -> BTreeSet<String> {
    let connection = rusqlite::Connection::open(file).expect("it opens");
    let lines = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let columns = "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" THEN ' required' ELSE '' END
        FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let indexes =
        "SELECT 'index ' || name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%'";
    lines(columns).into_iter().chain(lines(indexes)).collect()
}

async fn postgres_shape(url: &str) -> BTreeSet<String> {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("it connects");
    let driving = tokio::spawn(connection);
    let columns =
        "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' required' ELSE '' END
        FROM information_schema.columns WHERE table_schema = 'public'";
    let indexes = "SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'";
    let mut lines = BTreeSet::new();
    for sql in [columns, indexes] {
        let rows = client.query(sql, &[]).await.expect("rows");
        lines.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    driving.abort();
    lines
}

#[test]
fn both_engines_end_with_the_same_tables_columns_and_indexes() {
    guildhall_testkit::run(async {
        let (sqlite, postgres) =
            (Database::create(Engine::Sqlite).await, Database::create(Engine::Postgres).await);
        for database in [&sqlite, &postgres] {
            open(&database.target).await.expect("it opens").close().await;
        }
        let (sqlite, postgres) = (shape(&sqlite.target).await, shape(&postgres.target).await);
        assert!(sqlite.contains("members.email_normal") && sqlite.contains("index members_email"));
        assert_eq!(sqlite, postgres);
    });
}

both_engines! {
    async fn a_newer_schema_is_refused_and_left_alone(engine) {
        let database = Database::create(engine).await;
        open(&database.target).await.expect("it opens").close().await;
        let newer = SCHEMA_VERSION + 1;
        let sql = format!("INSERT INTO schema_migrations (number, name, applied_at) VALUES ({newer}, 'later', 1)");
        execute(&database.target, &sql).await;
        let before = shape(&database.target).await;
        let Err(error) = open(&database.target).await else { panic!("a newer schema was opened") };
        assert!(matches!(error, StoreError::TooNew { found, known } if found == newer && known == SCHEMA_VERSION));
        assert_eq!(shape(&database.target).await, before);
    }

    async fn several_processes_may_migrate_at_once(engine) {
        let database = Database::create(engine).await;
        let opening = (0..4).map(|_| {
            let target = database.target.clone();
            tokio::spawn(async move { open(&target).await.map(|store| store.member_ids().clone()) })
        });
        let opening: Vec<_> = opening.collect();
        let mut ids = BTreeSet::new();
        for opened in opening {
            let codec = opened.await.expect("no panic").expect("it opens");
            let key = guildhall_domain::member_id::MemberKey::from_stored(1);
            ids.insert(codec.seal(guildhall_domain::Mode::Live, key, 1).to_string());
        }
        assert_eq!(ids.len(), 1, "all of them agree on the secret");
    }

    async fn opening_again_changes_nothing(engine) {
        let database = Database::create(engine).await;
        let first = open(&database.target).await.expect("it opens");
        first.close().await;
        let before = shape(&database.target).await;
        open(&database.target).await.expect("it opens again").close().await;
        assert_eq!(shape(&database.target).await, before);
    }
}

#[test]
fn the_database_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    guildhall_testkit::run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("data/guildhall.db");
        open(&Target::Sqlite(file.clone())).await.expect("it opens").close().await;
        let mode = |path: &std::path::Path| {
            std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
        };
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    });
}
