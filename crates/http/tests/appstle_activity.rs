//! The activity log: pages, their links, criteria and order.

use guildhall_app::contracts::{ContractDraft, LineDraft, Period, PeriodUnit};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::KeyId;
use guildhall_domain::key::KeyKind;
use guildhall_domain::{EnvironmentId, Mode, Timestamp};
use guildhall_store::{AuditEntry, Store, StoreError};
use guildhall_testkit::{Engine, Reply, TestServer, both_engines};
use serde_json::{Value, json};

const LOGS: &str = "/api/external/v2/activity-logs";

/// One entry: action, contract, actor, and how many seconds after the start.
type Entry = (&'static str, String, Actor, i64);

async fn write(store: &Store, environment: EnvironmentId, entries: Vec<Entry>, start: Timestamp) {
    for (action, subject, actor, seconds) in entries {
        let at = start.plus_micros(seconds * 1_000_000);
        let written: Result<(), StoreError> = store
            .write(move |tx| {
                Box::pin(async move {
                    let entry = AuditEntry {
                        app: None,
                        environment: Some(environment),
                        actor: &actor,
                        action,
                        subject: &subject,
                        detail: r#"{"a":1}"#,
                        request: None,
                    };
                    tx.audit().insert(entry, at).await
                })
            })
            .await;
        written.expect("it is written");
    }
}

/// Number and id of a new contract.
async fn contract(server: &TestServer, mode: Mode, customer: i64) -> (i64, String) {
    let place = server.guildhall.command_line_access(&server.app, mode).await.expect("the app is there");
    let draft = ContractDraft {
        customer,
        lines: vec![LineDraft { variant: 7, quantity: 1, price: Some("5".into()), ..LineDraft::default() }],
        period: Some(Period { unit: PeriodUnit::Month, count: 1 }),
        without_payment_method: true,
        ..ContractDraft::default()
    };
    let made = server.guildhall.create_contract(&place.access(), draft).await.expect("it is made");
    (made.contract().number, made.contract().id.to_string())
}

/// A store whose sandbox has six entries about two contracts, and much that is about something else.
struct Scene {
    server: TestServer,
    key: String,
    one: i64,
    other: i64,
}

async fn scene(engine: Engine) -> Scene {
    let server = TestServer::start(engine).await;
    let key = server.store_key("a.myshopify.com").await;
    server.member("ada@example.com").await;
    let (one, one_id) = contract(&server, Mode::Sandbox, 12345).await;
    let (other, other_id) = contract(&server, Mode::Sandbox, 12346).await;
    contract(&server, Mode::Live, 12345).await;
    let sandbox =
        server.guildhall.command_line_access(&server.app, Mode::Sandbox).await.expect("it is there");
    let store = server.second_store().await;
    let caller = || Actor::Key(KeyId::new([1; 16]));
    let entries = vec![
        ("contract.pause", one_id.clone(), caller(), 10),
        ("attempt.skip", one_id.clone(), caller(), 20),
        ("contract.charge", one_id.clone(), Actor::Server, 30),
        ("contract.cancel", other_id, caller(), 86_400),
        ("contract.unheard-of", one_id, caller(), 0),
        ("contract.cancel", "con_gone".into(), caller(), 0),
    ];
    write(&store, sandbox.access().environment(), entries, server.guildhall.now()).await;
    Scene { server, key, one, other }
}

async fn logs(server: &TestServer, key: &str, query: &str) -> Reply {
    server.anonymous("GET", &format!("{LOGS}?{query}")).key(key).send().await
}

fn events(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let rows = body.as_array().unwrap_or_else(|| panic!("a bare array, not {body}"));
    rows.iter().map(|row| row["eventType"].as_str().expect("a word").to_owned()).collect()
}

both_engines! {
    async fn f30_pages_are_bare_arrays_with_headers(engine) {
        let Scene { server, key, .. } = scene(engine).await;
        let first = logs(&server, &key, "page=0&size=2&entityType.equals=&x=a%20b").await;
        assert_eq!(events(&first), ["CONTRACT_CANCELLED", "BILLING_ATTEMPT_CHARGED"], "newest first");
        assert_eq!(first.header("x-total-count"), "6");
        let at = |page: u32| format!("<http://127.0.0.1:3010{LOGS}?entityType.equals=&x=a+b&page={page}&size=2>");
        assert_eq!(first.header("link"), format!("{}; rel=\"next\",{}; rel=\"last\",{}; rel=\"first\"", at(1), at(2), at(0)));
        let middle = logs(&server, &key, "page=1&size=2").await;
        let rels = |reply: &Reply| reply.header("link").split("rel=").skip(1).map(|rel| rel.split('"').nth(1).unwrap_or_default().to_owned()).collect::<Vec<_>>();
        assert_eq!(rels(&middle), ["next", "prev", "last", "first"]);
        let last = logs(&server, &key, "page=2&size=2").await;
        assert_eq!((events(&last).len(), rels(&last)), (2, vec!["prev".into(), "last".into(), "first".into()]));
        let beyond = logs(&server, &key, "page=9&size=2").await;
        assert_eq!((events(&beyond).len(), beyond.header("x-total-count")), (0, "6".to_owned()));
        let by_query = server.anonymous("GET", &format!("{LOGS}?size=1&api_key={key}")).send().await;
        assert_eq!(by_query.status, 200);
        assert!(!by_query.header("link").contains("api_key"), "{}", by_query.header("link"));
        assert!(logs(&server, &key, "pageable.page=3&size=2000").await.header("link").contains("rel=\"first\""));
        assert_eq!(events(&logs(&server, &key, "sort=createAt,asc&size=1").await), ["CONTRACT_CREATED"]);
        assert_eq!(events(&logs(&server, &key, "sort=create_at,desc&size=1").await), ["CONTRACT_CANCELLED"]);
    }

    async fn f64_an_entry_has_the_documented_shape_and_is_of_its_environment(engine) {
        let Scene { server, key, one, .. } = scene(engine).await;
        let row = logs(&server, &key, "eventType.equals=CONTRACT_PAUSED").await.json()[0].clone();
        assert!(row["id"].is_i64());
        let mut rest: Value = row.clone();
        rest.as_object_mut().expect("an object").remove("id");
        assert_eq!(rest, json!({
            "shop": "a.myshopify.com", "entityId": one, "entityType": "SUBSCRIPTION_CONTRACT_DETAILS", "eventSource": "MERCHANT_EXTERNAL_API",
            "eventType": "CONTRACT_PAUSED", "status": "SUCCESS", "createAt": server.guildhall.now().plus_micros(10_000_000), "additionalInfo": "{\"a\":1}", "clientIp": null,
        }));
        let (_, live) = server.key(Mode::Live, |draft| draft.kind = KeyKind::Store).await;
        assert_eq!(logs(&server, &live, "").await.header("x-total-count"), "1");
    }

    async fn f64_criteria_restrict(engine) {
        let Scene { server, key, one, other } = scene(engine).await;
        let day = server.guildhall.now().to_iso()[..10].to_owned();
        let noon = format!("{day}T12:00:20Z");
        for (query, expected) in [
            (format!("entityId.equals={one}"), vec!["BILLING_ATTEMPT_CHARGED", "BILLING_ATTEMPT_SKIPPED", "CONTRACT_PAUSED", "CONTRACT_CREATED"]),
            (format!("entityId.in=7,{other}"), vec!["CONTRACT_CANCELLED", "CONTRACT_CREATED"]),
            ("entityId.equals=7".into(), vec![]),
            ("entityType.equals=subscription_billing_attempt".into(), vec!["BILLING_ATTEMPT_CHARGED", "BILLING_ATTEMPT_SKIPPED"]),
            ("eventType.equals=CONTRACT_PAUSED".into(), vec!["CONTRACT_PAUSED"]),
            ("eventType.in=CONTRACT_PAUSED,BILLING_ATTEMPT_SKIPPED".into(), vec!["BILLING_ATTEMPT_SKIPPED", "CONTRACT_PAUSED"]),
            ("eventType.equals=CONTRACT_PAUSED&entityType.equals=SUBSCRIPTION_BILLING_ATTEMPT".into(), vec![]),
            ("status.equals=info".into(), vec!["BILLING_ATTEMPT_CHARGED"]),
            ("status.equals=FAILURE".into(), vec![]),
            ("eventSource.equals=MERCHANT_PORTAL".into(), vec!["CONTRACT_CREATED", "CONTRACT_CREATED"]),
            ("eventSource.in=SYSTEM_EVENT,CUSTOMER_PORTAL".into(), vec!["BILLING_ATTEMPT_CHARGED"]),
            (format!("createAt.greaterThanOrEqual={noon}"), vec!["CONTRACT_CANCELLED", "BILLING_ATTEMPT_CHARGED", "BILLING_ATTEMPT_SKIPPED"]),
            (format!("createAt.greaterThan={noon}"), vec!["CONTRACT_CANCELLED", "BILLING_ATTEMPT_CHARGED"]),
            (format!("createAt.lessThan={noon}"), vec!["CONTRACT_PAUSED", "CONTRACT_CREATED", "CONTRACT_CREATED"]),
            (format!("createAt.lessThanOrEqual={noon}&entityId.equals={one}&size=1"), vec!["BILLING_ATTEMPT_SKIPPED"]),
            (format!("createAt.greaterThan={day}"), vec!["CONTRACT_CANCELLED"]),
            (format!("createAt.lessThanOrEqual={day}&sort=id,desc&size=1"), vec!["BILLING_ATTEMPT_CHARGED"]),
            (format!("createAt.lessThanOrEqual={day}T14:00:20%2B02:00&size=1"), vec!["BILLING_ATTEMPT_SKIPPED"]),
        ] {
            assert_eq!(events(&logs(&server, &key, &query).await), expected, "{query}");
        }
    }
}
