//! The trail of each change: one audit entry, its events, and nothing of a change that failed.

use guildhall_domain::audit::Actor;
use guildhall_domain::key::KeyKind;
use guildhall_domain::{EnvironmentId, Mode};
use guildhall_store::{Event, Store, StoreError};
use guildhall_testkit::{Engine, TestServer, both_engines};
use serde_json::{Value, json};

/// A server with a key that may do everything, and the store under it.
struct Scene {
    server: TestServer,
    key: String,
    store: Store,
}

/// Action, kind of actor, actor and detail.
type Entry = (String, String, Option<String>, String);

impl Scene {
    async fn set_up(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let (key, store) = (server.managing_key().await, server.second_store().await);
        Self { server, key, store }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let reply = self.server.anonymous(method, path).key(&self.key).json(&body).send().await;
        let json = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        (reply.status.as_u16(), json)
    }

    async fn entries(&self, subject: &str) -> Vec<Entry> {
        let subject = subject.to_owned();
        let found: Result<_, StoreError> =
            self.store.scan(move |tx| Box::pin(async move { tx.audit().of_subject(&subject).await })).await;
        found.expect("a list")
    }

    async fn actions(&self, subject: &str) -> Vec<String> {
        self.entries(subject).await.into_iter().map(|(action, ..)| action).collect()
    }

    /// The events of both environments.
    async fn events(&self) -> Vec<Event> {
        let mut all = Vec::new();
        for number in [1, 2] {
            let environment = EnvironmentId::from_stored(number).expect("a number");
            let found: Result<_, StoreError> = self
                .store
                .scan(move |tx| Box::pin(async move { tx.events().list(environment, 0, 1000).await }))
                .await;
            all.extend(found.expect("a list"));
        }
        all
    }
}

fn id(answer: &Value) -> String {
    answer["data"]["id"].as_str().expect("an id").to_owned()
}

both_engines! {
    async fn what_is_defined_is_on_record_and_what_is_refused_is_not(engine) {
        let scene = Scene::set_up(engine).await;
        let (_, plan) = scene.send("POST", "/manage/v1/plans", json!({"name": "Gold"})).await;
        let (_, permission) = scene.send("POST", "/manage/v1/permissions", json!({"name": "edit"})).await;
        let (plan, permission) = (id(&plan), id(&permission));
        let path = format!("/manage/v1/plans/{plan}");
        let grant = format!("{path}/permissions/{permission}");
        let (_, price) = scene.send("POST", &format!("{path}/prices"), json!({"amount": 900, "name": "Monthly"})).await;
        for (method, path, body, status) in [
            ("PATCH", path.as_str(), json!({"name": "Silver"}), 200), ("PATCH", path.as_str(), json!({"name": ""}), 400),
            ("PATCH", path.as_str(), json!({"memberLimit": -1}), 400), ("PUT", grant.as_str(), json!({}), 204),
            ("PUT", "/manage/v1/plans/pln_unknown/permissions/prm_unknown", json!({}), 404),
            ("POST", "/manage/v1/permissions", json!({"name": "edit"}), 409),
            ("DELETE", grant.as_str(), json!({}), 204), ("DELETE", path.as_str(), json!({}), 204), ("DELETE", path.as_str(), json!({}), 404),
            ("POST", "/manage/v1/custom-fields", json!({"key": "size", "label": "Size"}), 201),
            ("POST", "/manage/v1/custom-fields", json!({"key": "size", "label": "Size"}), 409),
            ("PUT", "/manage/v1/custom-fields/size", json!({"label": "Shoe size"}), 200),
            ("DELETE", "/manage/v1/custom-fields/size", json!({}), 204), ("DELETE", "/manage/v1/custom-fields/size", json!({}), 404),
        ] {
            let (answered, answer) = scene.send(method, path, body).await;
            assert_eq!(answered, status, "{method} {path}: {answer}");
        }
        assert_eq!(scene.actions(&plan).await, ["plan.create", "plan.update", "plan.permission.grant", "plan.permission.withdraw", "plan.delete"]);
        assert_eq!(scene.actions(&permission).await, ["permission.create"]);
        assert_eq!(scene.actions(&id(&price)).await, ["price.create"]);
        assert_eq!(scene.actions("size").await, ["custom-field.create", "custom-field.update", "custom-field.delete"]);
        assert_eq!(scene.actions("pln_unknown").await, Vec::<String>::new());
        for (_, kind, actor, _) in scene.entries(&plan).await {
            assert_eq!(kind, "key");
            assert!(actor.is_some_and(|actor| actor.starts_with("key_")), "who did it is told by the key's id");
        }
        assert!(scene.events().await.is_empty(), "events tell of members");
    }

    async fn a_keys_life_is_on_record_without_the_key(engine) {
        let scene = Scene::set_up(engine).await;
        let guildhall = &scene.server.guildhall;
        let (first, text) = scene.server.key(Mode::Live, |draft| draft.kind = KeyKind::Store).await;
        let rotated = guildhall.rotate_key(&first, Actor::CommandLine).await.expect("it is rotated");
        for _ in 0..2 {
            guildhall.revoke_key(&first, Actor::CommandLine).await.expect("it is revoked");
        }
        let legacy = "an-old-key-without-prefix";
        let (imported, _) = scene.server.key(Mode::Live, |draft| draft.import = guildhall_domain::key::PlainKey::imported(legacy)).await;
        assert_eq!(scene.actions(first.as_str()).await, ["key.create", "key.revoke"], "revoking twice is revoking once");
        assert_eq!(scene.actions(rotated.key.id.as_str()).await, ["key.create"]);
        assert_eq!(scene.actions(imported.as_str()).await, ["key.import"]);
        for subject in [&first, &rotated.key.id, &imported] {
            let shown = format!("{:?}", scene.entries(subject.as_str()).await);
            for secret in [text.as_str(), rotated.plain.reveal(), legacy, &text[9..]] {
                assert!(!shown.contains(secret));
            }
        }
        assert_eq!(scene.entries(first.as_str()).await[0].1, "command-line");
    }

    async fn a_member_with_plans_is_one_creation_and_one_event_for_each_plan(engine) {
        let scene = Scene::set_up(engine).await;
        let plans = [scene.server.free_plan("One", None).await, scene.server.free_plan("Two", None).await];
        let given: Vec<_> = plans.iter().map(|plan| json!({"planId": plan})).collect();
        let body = json!({"email": "ada@example.com", "password": "correct-horse", "plans": given});
        let (status, member) = scene.send("POST", "/members", body).await;
        assert_eq!(status, 200, "{member}");
        let events = scene.events().await;
        let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["member.created", "member.plan.added", "member.plan.added"]);
        assert_eq!(scene.actions(&id(&member)).await, ["member.create"]);
        for event in &events {
            assert_eq!((event.subject.as_str(), event.created_at), (id(&member).as_str(), scene.server.guildhall.now()));
            let payload: Value = serde_json::from_str(&event.payload).expect("JSON");
            assert_eq!(payload["id"], member["data"]["id"]);
            assert_eq!(payload.get("json"), None, "as in lists");
        }
        let numbers: Vec<_> = events.iter().map(|event| event.number).collect();
        assert!(numbers.is_sorted());
    }

    async fn a_refused_change_leaves_no_trace(engine) {
        let scene = Scene::set_up(engine).await;
        let (_, member) = scene.send("POST", "/members", json!({"email": "ada@example.com", "password": "correct-horse"})).await;
        scene.send("POST", "/members", json!({"email": "bob@example.com", "password": "correct-horse"})).await;
        let full = scene.server.free_plan("Full", Some(0)).await;
        let path = format!("/members/{}", id(&member));
        let (entries, events) = (scene.entries(&id(&member)).await, scene.events().await.len());
        for (method, path, body) in [
            ("POST", "/members".to_owned(), json!({"email": "ada@example.com", "password": "correct-horse"})),
            ("POST", "/members".to_owned(), json!({"email": "new@example.com", "password": "short"})),
            ("POST", "/members".to_owned(), json!({"email": "new@example.com", "password": "correct-horse", "plans": [{"planId": full}]})),
            ("PATCH", path.clone(), json!({"email": "bob@example.com", "verified": true})),
            ("PATCH", path.clone(), json!({"metaData": {"a": "x".repeat(10_001)}})),
            ("POST", format!("{path}/add-plan"), json!({"planId": full})),
            ("POST", format!("{path}/remove-plan"), json!({"planId": full})),
            ("DELETE", "/members/mem_sb_cunknown".to_owned(), json!({})),
        ] {
            assert_eq!(scene.send(method, &path, body).await.0, 400, "{method} {path}");
        }
        assert_eq!(scene.send("PATCH", &path, json!({})).await.0, 200, "a change of nothing is none");
        assert_eq!(scene.entries(&id(&member)).await, entries);
        assert_eq!(scene.events().await.len(), events);
        assert!(scene.actions("mem_sb_cunknown").await.is_empty());
    }

    async fn nothing_on_record_holds_a_password_a_hash_or_a_key(engine) {
        let scene = Scene::set_up(engine).await;
        let hash = "$2a$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW";
        let imported = scene.server.import(Mode::Sandbox, [json!({"id": "legacy-1", "email": "old@example.com", "passwordHash": hash})]).await;
        assert_eq!(imported.taken, 1);
        let (_, member) = scene.send("POST", "/members", json!({"email": "ada@example.com", "password": "correct-horse"})).await;
        scene.send("PATCH", &format!("/members/{}", id(&member)), json!({"json": {"token": "kept-to-itself"}, "password": "correct-horse-2"})).await;
        let place = scene.server.guildhall.command_line_access(&scene.server.app, Mode::Sandbox).await.expect("the app");
        let password = guildhall_app::passwords::Password::new("U*U").expect("short enough");
        scene.server.guildhall.check_password(&place.access(), "old@example.com", password).await.expect("an answer").expect("the member");
        let (events, entries) = (scene.events().await, [scene.entries(&id(&member)).await, scene.entries("legacy-1").await]);
        assert_eq!(events.len(), 3, "an upgraded hash is no change to the member");
        let shown = format!("{events:?}{entries:?}");
        for secret in ["correct-horse", hash, "$argon2", "passwordHash", &scene.key, &scene.key[6..], "kept-to-itself"] {
            assert!(!shown.contains(secret), "{secret:.8}");
        }
    }

    async fn an_entry_says_whether_a_key_or_the_command_line_did_it(engine) {
        let scene = Scene::set_up(engine).await;
        let (_, member) = scene.send("POST", "/members", json!({"email": "ada@example.com", "password": "correct-horse"})).await;
        scene.server.import(Mode::Sandbox, [json!({"id": "legacy-1"})]).await;
        let (by_key, by_hand) = (scene.entries(&id(&member)).await, scene.entries("legacy-1").await);
        assert_eq!((by_key[0].1.as_str(), by_hand[0].1.as_str()), ("key", "command-line"));
        assert_eq!(by_hand[0].2, None);
        assert_eq!(scene.actions(scene.server.app.as_str()).await, ["app.create"]);
    }
}
