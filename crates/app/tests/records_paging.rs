//! Paging by cursor through thousands of records while others insert and delete: every record that was
//! there throughout is seen exactly once.

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::data_tables::{FieldDraft, TableDraft};
use guildhall_app::records::Found;
use guildhall_app::{AppError, Guildhall};
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{AccessRules, FieldKind};
use guildhall_domain::{Code, Mode};
use guildhall_testkit::{Engine, TestServer, both_engines};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Records that stay.
const STAYING: i64 = 5_000;
/// Every so manieth record goes while the pages are read.
const GOING_EVERY: i64 = 10;
/// How many go, and how many come, while one page is read.
const CHANGES_PER_PAGE: usize = 8;
const PAGE: i64 = 100;

struct Scene {
    server: TestServer,
    place: CommandLineAccess,
    /// Ids by number.
    ids: HashMap<i64, String>,
}

/// Some records share a rank and some have none.
fn record(number: i64) -> Value {
    match number % 13 {
        0 => json!({}),
        rest => json!({ "rank": rest * 37 % 7 }),
    }
}

async fn create(guildhall: &Guildhall, place: &CommandLineAccess, number: i64) -> (i64, String) {
    let record = record(number);
    let data = record.as_object().expect("an object");
    let created =
        guildhall.create_record(&place.access(), "things", data, None).await.expect("a record is made");
    (created.record.key.sequence(), created.record.id)
}

impl Scene {
    async fn set_up(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let rank = FieldDraft {
            key: "rank".into(),
            name: "Rank".into(),
            kind: FieldKind::Number,
            required: false,
            unique: false,
            default: None,
            position: None,
            referenced_table: None,
        };
        let draft = TableDraft {
            key: "things".into(),
            name: "Things".into(),
            rules: AccessRules::default(),
            fields: vec![rank],
        };
        server.guildhall.create_table(&server.app, draft, Actor::CommandLine).await.expect("a table is made");
        let place = server.guildhall.command_line_access(&server.app, Mode::Live).await.expect("the app");
        let going = STAYING / (GOING_EVERY - 1);
        let numbers = stream::iter(1..=STAYING + going);
        let made = numbers.map(|number| create(&server.guildhall, &place, number)).buffer_unordered(64);
        let ids = made.collect().await;
        Self { server, place, ids }
    }

    async fn page(&self, order: &Value, after: Option<i64>) -> Result<Vec<i64>, AppError> {
        let query = json!({ "findMany": { "orderBy": order, "take": PAGE, "after": after, "select": {} } });
        let found = self.server.guildhall.query_records(&self.place.access(), "things", Some(&query)).await?;
        let Found::Many(page) = found else { panic!("a page was asked for") };
        Ok(page.items.iter().map(|node| node.record.key.sequence()).collect())
    }

    async fn delete(&self, number: i64) {
        let access = self.place.access();
        let deleted = self.server.guildhall.delete_record(&access, "things", &self.ids[&number]).await;
        deleted.expect("it is deleted");
    }

    /// Reads all pages in an order. While each is read, some records go and others come.
    async fn assert_each_is_seen_once(&self, order: &Value) {
        let (going, staying): (Vec<i64>, Vec<i64>) =
            self.ids.keys().copied().partition(|number| number % GOING_EVERY == 0);
        let mut going = going.into_iter();
        let mut seen: BTreeMap<i64, u32> = BTreeMap::new();
        let mut cursors: Vec<i64> = Vec::new();
        let mut new = 0;
        loop {
            let leave = join_all(going.by_ref().take(CHANGES_PER_PAGE).map(|number| self.delete(number)));
            let numbers = (new..).take(CHANGES_PER_PAGE);
            new += CHANGES_PER_PAGE as i64;
            let come = join_all(numbers.map(|number| create(&self.server.guildhall, &self.place, number)));
            let (page, _, _) = tokio::join!(self.page(order, cursors.last().copied()), leave, come);
            let page = match page {
                Ok(page) => page,
                // The record that the cursor names went. The one before it is as good.
                Err(error) => {
                    assert_eq!(error.code, Code::RecordQueryInvalid, "{error:?}");
                    cursors.pop();
                    continue;
                }
            };
            for number in &page {
                *seen.entry(*number).or_default() += 1;
            }
            // What comes while a page is read may always lie behind it.
            if page.len() < PAGE as usize || seen.len() as i64 > 2 * STAYING {
                break;
            }
            cursors.extend(page);
        }
        let missed: Vec<_> = staying.iter().filter(|number| seen.get(number) != Some(&1)).collect();
        assert!(missed.is_empty(), "not seen exactly once: {missed:?}");
        assert!(new as usize > 40 * CHANGES_PER_PAGE, "others were at work");
    }
}

both_engines! {
    async fn by_number_each_record_is_seen_once(engine) {
        Scene::set_up(engine).await.assert_each_is_seen_once(&json!({"internalOrder": "asc"})).await;
    }

    async fn by_a_field_each_record_is_seen_once(engine) {
        Scene::set_up(engine).await.assert_each_is_seen_once(&json!([{"rank": "desc"}, {"internalOrder": "asc"}])).await;
    }
}
