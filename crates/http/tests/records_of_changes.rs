//! Every mutation leaves its audit entry and its events, a failed one none, and none holds a secret.

use guildhall_app::plans::PlanDraft;
use guildhall_domain::EnvironmentId;
use guildhall_domain::audit::Actor;
use guildhall_domain::json::JsonObject;
use guildhall_store::{Store, StoreError, StoreSettings};
use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Value, json};

async fn store_of(server: &TestServer) -> Store {
    let settings = StoreSettings {
        target: server.database.target.clone(),
        now: server.guildhall.now(),
        secret: [0; 16],
        write_queue_max: 8,
        write_batch_max: 8,
        postgres_connections_max: 2,
        statement_timeout_ms: 10_000,
    };
    Store::open(settings).await.expect("it opens")
}

/// Kinds and payloads of all events of the first app's environments.
async fn events(store: &Store) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for number in [1, 2] {
        let environment = EnvironmentId::from_stored(number).expect("a number");
        let listed: Result<_, StoreError> =
            store.scan(move |tx| Box::pin(async move { tx.events().list(environment, 0, 1000).await })).await;
        let listed = listed.expect("a list").into_iter();
        found.extend(listed.map(|event| (event.kind, serde_json::from_str(&event.payload).expect("JSON"))));
    }
    found
}

async fn actions(store: &Store, subject: &str) -> Vec<(String, Option<String>, String)> {
    let subject = subject.to_owned();
    let listed: Result<Vec<_>, StoreError> =
        store.scan(move |tx| Box::pin(async move { tx.audit().of_subject(&subject).await })).await;
    let listed = listed.expect("a list").into_iter();
    listed.map(|(action, _, actor, detail)| (action, actor, detail)).collect()
}

both_engines! {
    async fn a_members_life_is_on_record(engine) {
        let server = TestServer::start(engine).await;
        let draft = PlanDraft {
            name: "Basic".into(), description: None, priority: None, restrict_to_admin: false,
            member_limit: None, redirects: JsonObject::empty(), prices: Vec::new(),
        };
        let plan = server.guildhall.create_plan(&server.app, draft, Actor::CommandLine).await.expect("it is made").id;
        let member = server.member("ada@example.com").await;
        let id = member["id"].as_str().expect("an id").to_owned();
        let path = format!("/members/{id}");
        let send = async |method: &str, path: String, body: Value| {
            server.request(method, &path).json(&body).send().await.status.as_u16()
        };
        assert_eq!(send("PATCH", path.clone(), json!({"verified": true, "metaData": {"note": "secret note"}})).await, 200);
        assert_eq!(send("POST", format!("{path}/add-plan"), json!({"planId": plan})).await, 200);
        assert_eq!(send("POST", format!("{path}/add-plan"), json!({"planId": plan})).await, 400);
        assert_eq!(send("POST", format!("{path}/remove-plan"), json!({"planId": plan})).await, 200);
        assert_eq!(send("PATCH", path.clone(), json!({"email": "no address"})).await, 400);
        assert_eq!(send("DELETE", path.clone(), json!({})).await, 200);
        assert_eq!(send("DELETE", path.clone(), json!({})).await, 400);

        let store = store_of(&server).await;
        let kinds: Vec<_> = events(&store).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [
            "member.created", "member.updated", "member.plan.added", "member.plan.canceled", "member.deleted",
        ]);
        let entries = actions(&store, &id).await;
        let names: Vec<_> = entries.iter().map(|(action, _, _)| action.as_str()).collect();
        assert_eq!(names, [
            "member.create", "member.update", "member.plan.add", "member.plan.remove", "member.delete",
        ]);
        for (_, actor, detail) in &entries {
            assert!(actor.as_ref().is_some_and(|actor| actor.starts_with("key_")));
            assert!(!detail.contains("secret note"), "names of fields, never values");
        }
        let payloads = events(&store).await;
        assert_eq!(payloads[2].1["id"], id.as_str());
        assert_eq!(payloads[2].1["member"]["id"], id.as_str());
        assert_eq!(payloads[2].1["planConnection"]["status"], "ACTIVE");
        let all = format!("{payloads:?}{entries:?}");
        for secret in ["a-long-password", "$argon2", server.sandbox_key.as_str()] {
            assert!(!all.contains(secret));
        }
    }

    async fn a_hundred_creations_of_one_address_make_one_member(engine) {
        let server = TestServer::start(engine).await;
        let attempts: Vec<_> = (0..100).map(|number| {
            let email = if number % 2 == 0 { "Ada@Example.com" } else { "ada@example.COM" };
            server.request("POST", "/members").json(&json!({ "email": email, "password": "a-long-password" }))
        }).collect();
        let replies: Vec<_> = attempts.into_iter().map(|request| tokio::spawn(async move {
            let reply = request.send().await;
            (reply.status.as_u16(), reply.text())
        })).collect();
        let mut made = 0;
        for reply in replies {
            let (status, text) = reply.await.expect("no panic");
            match status {
                200 => made += 1,
                _ => assert!(text.contains("email-already-in-use"), "{text}"),
            }
        }
        assert_eq!(made, 1);
        let list = server.request("GET", "/members").send().await.json();
        assert_eq!(list["totalCount"], 1);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
        assert_eq!(events(&store_of(&server).await).await.len(), 1);
    }

    async fn changes_at_once_all_take_effect(engine) {
        let server = TestServer::start(engine).await;
        let id = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        let changes: Vec<_> = (0..40).map(|number| {
            let body = json!({ "metaData": { format!("key{number}"): number + 1 } });
            server.request("PATCH", &format!("/members/{id}")).json(&body)
        }).collect();
        let changes: Vec<_> = changes.into_iter().map(|change| tokio::spawn(async move {
            change.send().await.status.as_u16()
        })).collect();
        for change in changes {
            assert_eq!(change.await.expect("no panic"), 200);
        }
        let member = server.request("GET", &format!("/members/{id}")).send().await.json();
        assert_eq!(member["data"]["metaData"].as_object().map(|pairs| pairs.len()), Some(40));
    }
}
