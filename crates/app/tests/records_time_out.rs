//! A query that takes too long is ended, and nobody else is kept waiting by it.

use guildhall_app::auth::CommandLineAccess;
use guildhall_app::data_tables::{FieldDraft, TableDraft};
use guildhall_app::records::Found;
use guildhall_app::{AppError, Guildhall};
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{AccessRules, FieldKind};
use guildhall_domain::{Code, Mode};
use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMIT_MS: u32 = 300;
const RECORDS: usize = 200;

/// No index helps here, and each text almost holds what is looked for at every place in it.
fn slow() -> Value {
    let almost = format!("{}b", "a".repeat(250));
    let parts = (0..48).map(|number| json!({ "text": { "contains": format!("{almost}{number}") } }));
    json!({ "findMany": { "where": { "OR": parts.collect::<Vec<_>>() } } })
}

async fn ask(guildhall: &Guildhall, place: &CommandLineAccess, query: &Value) -> Result<usize, AppError> {
    match guildhall.query_records(&place.access(), "texts", Some(query)).await? {
        Found::Many(page) => Ok(page.items.len()),
        _ => panic!("a page was asked for"),
    }
}

both_engines! {
    async fn a_query_that_takes_too_long_is_ended_and_keeps_nobody_waiting(engine) {
        let server = TestServer::start_with(engine, |settings| {
            settings.statement_timeout_ms = LIMIT_MS;
            // Four turns for queries, of which this environment gets two.
            settings.postgres_connections_max = 8;
        }).await;
        let text = FieldDraft {
            key: "text".into(), name: "Text".into(), kind: FieldKind::Text, required: false, unique: false, default: None,
            position: None, referenced_table: None,
        };
        let draft = TableDraft { key: "texts".into(), name: "Texts".into(), rules: AccessRules::default(), fields: vec![text] };
        server.guildhall.create_table(&server.app, draft, Actor::CommandLine).await.expect("a table is made");
        let place = server.guildhall.command_line_access(&server.app, Mode::Live).await.expect("the app");
        let data = Map::from_iter([("text".to_owned(), Value::from("a".repeat(65_536)))]);
        for _ in 0..RECORDS {
            server.guildhall.create_record(&place.access(), "texts", &data, None).await.expect("a record is made");
        }
        let (place, quick) = (Arc::new(place), json!({"findMany": {"where": {"internalOrder": {"lte": 3}}}}));
        let began = Instant::now();
        let asked = tokio::spawn({
            let (guildhall, place) = (server.guildhall.clone(), Arc::clone(&place));
            async move { ask(&guildhall, &place, &slow()).await }
        });
        let mut answered_meanwhile = 0;
        while !asked.is_finished() {
            assert_eq!(ask(&server.guildhall, &place, &quick).await.expect("others go on"), 3);
            answered_meanwhile += 1;
        }
        let error = asked.await.expect("no panic").expect_err("it took too long");
        let took = began.elapsed();
        assert_eq!(error.code, Code::QueryTooSlow, "{error:?}");
        assert!(took < Duration::from_millis(u64::from(LIMIT_MS)) * 10, "it was let go on for {took:?}");
        assert!(answered_meanwhile > 1, "others were answered while it ran");
        for _ in 0..3 {
            let both = tokio::join!(ask(&server.guildhall, &place, &quick), ask(&server.guildhall, &place, &quick));
            assert_eq!((both.0.expect("usable"), both.1.expect("usable")), (3, 3));
        }
        let whole = server.guildhall.query_records(&place.access(), "texts", Some(&json!({"findMany": {"_count": true}}))).await;
        assert!(matches!(whole, Ok(Found::Count(count)) if count == RECORDS as i64));
    }
}
