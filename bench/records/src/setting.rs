//! An installation with one app and, in its live environment, the tables that are measured; filled by
//! Guildhall's own import.

use crate::Outcome;
use futures_util::stream;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::data_tables::TableDraft;
use guildhall_app::import::{ImportRow, OnError};
use guildhall_app::records::{RecordImporter, write_found};
use guildhall_app::{Guildhall, Settings, SystemChance, SystemClock, Target};
use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// How many values the indexed text has.
pub const CITIES: u64 = 50_000;

/// An open installation.
pub struct Setting {
    guildhall: Guildhall,
    app: AppId,
    engine: String,
    place: String,
}

/// A table that is measured.
pub struct Table {
    /// Its key.
    pub key: String,
    /// The number that the table of its records is named by.
    pub number: i64,
    /// The numbers of its columns, in the order of [`Setting::table`].
    pub fields: Vec<i64>,
    /// The environment's number.
    pub environment: i64,
    /// How many records it has.
    pub size: u64,
    /// Some of its records: id and key.
    pub sample: Vec<(String, i64)>,
    access: CommandLineAccess,
}

impl Setting {
    /// Opens a fresh installation in this directory or database.
    pub async fn open(engine: &str, place: &str) -> Outcome<Self> {
        let target = match engine {
            "sqlite" => Target::Sqlite(Path::new(place).join("guildhall.db")),
            "postgres" => Target::Postgres(place.to_owned()),
            _ => return Err("the engine is sqlite or postgres".into()),
        };
        let clock = Arc::new(SystemClock::default());
        let guildhall = Guildhall::open(Settings::new(target), clock, Arc::new(SystemChance)).await?;
        let app = guildhall.create_app("bench", None, Actor::CommandLine).await?.app.id;
        Ok(Self { guildhall, app, engine: engine.to_owned(), place: place.to_owned() })
    }

    /// Makes a table of this many records: a required text, an indexed text of which some 20 records
    /// share each value, an indexed number and an indexed decimal spread evenly, a truth value, an
    /// indexed date, a long text.
    pub async fn table(&self, key: &str, size: u64) -> Outcome<Table> {
        let field = |key: &str, kind: &str| json!({ "key": key, "type": kind });
        let fields = [
            field("name", "TEXT"),
            field("city", "TEXT_FILTERABLE"),
            field("n", "NUMBER"),
            field("score", "DECIMAL"),
            field("active", "BOOLEAN"),
            field("due", "DATE"),
            field("about", "TEXT"),
        ];
        let draft = json!({ "key": key, "name": key, "fields": fields });
        let Value::Object(draft) = draft else { unreachable!("an object was just written") };
        self.guildhall.create_table(&self.app, TableDraft::from_json(draft)?, Actor::CommandLine).await?;
        let access = self.guildhall.command_line_access(&self.app, Mode::Live).await?;

        let started = Instant::now();
        let rows = (0..size).map(|number| ImportRow { line: number + 1, fields: Ok(row(number, size)) });
        let mut importer = RecordImporter::new(&self.guildhall, &access, key, false, OnError::Stop)?;
        let outcome = importer.run(stream::iter(rows), |_| ()).await?;
        if outcome.taken != size {
            return Err(format!("{} of {size} rows were taken: {:?}", outcome.taken, outcome.refused).into());
        }
        let rate = size as f64 / started.elapsed().as_secs_f64();
        eprintln!("{key}: {size} records imported, {rate:.0} a second");

        let table = importer.table().clone();
        let environment = i64::from(access.access().environment().number());
        let mut found = Table {
            key: key.to_owned(),
            number: table.number,
            fields: table.fields.iter().map(|field| field.number).collect(),
            environment,
            size,
            sample: Vec::new(),
            access,
        };
        found.sample = self.sample(&found).await?;
        Ok(found)
    }

    /// Ids and keys from all over the table, in an order without one.
    async fn sample(&self, table: &Table) -> Outcome<Vec<(String, i64)>> {
        let mut sample = Vec::new();
        for step in 0..100 {
            let after = step * 7_919 % 100 * (table.size / 101);
            let query = json!({ "findMany": { "take": 20, "after": after, "select": { "n": true } } });
            let page: Value = serde_json::from_slice(&self.query(table, &query).await?)?;
            for record in page["records"].as_array().into_iter().flatten() {
                let order = record["internalOrder"].as_i64().ok_or("a record without internalOrder")?;
                let id = record["id"].as_str().ok_or("a record without id")?;
                sample.push((id.to_owned(), table.environment << 40 | order));
            }
        }
        Ok(sample)
    }

    /// Answers a query as a request would be answered, to the bytes of the body.
    pub async fn query(&self, table: &Table, query: &Value) -> Outcome<Vec<u8>> {
        let access = table.access.access();
        let found = self.guildhall.query_records(&access, &table.key, Some(query)).await?;
        let mut body = Vec::with_capacity(4096);
        write_found(&mut body, &found, &access.definitions().tables);
        Ok(body)
    }

    /// Lets the engine count what it chooses its plans by, as it does by itself in time.
    pub async fn analyze(&self) -> Outcome<()> {
        if self.engine == "sqlite" {
            rusqlite::Connection::open(Path::new(&self.place).join("guildhall.db"))?.execute_batch("ANALYZE")?;
            return Ok(());
        }
        let (client, connection) = tokio_postgres::connect(&self.place, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client.batch_execute("VACUUM ANALYZE").await?)
    }
}

fn row(number: u64, size: u64) -> serde_json::Map<String, Value> {
    // A walk through all numbers below `size` in an order that looks like none.
    let scattered = number.wrapping_mul(7_919) % size;
    let data = json!({
        "name": format!("Record {number}"),
        "city": format!("city {}", scattered % (size / 20).clamp(1, CITIES)),
        "n": scattered,
        "score": format!("{}.{:02}", scattered / 100, scattered % 100),
        "active": number.is_multiple_of(2),
        "due": format!("2026-{:02}-{:02}T00:00:00Z", number % 12 + 1, number % 28 + 1),
        "about": "lorem ipsum dolor sit amet ".repeat(7),
    });
    serde_json::Map::from_iter([("data".to_owned(), data)])
}
