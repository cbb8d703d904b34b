//! `PATCH /members/{id}`: what is merged, what is replaced, what is cleared, what stays.

use guildhall_testkit::{Reply, TestServer, both_engines};
use serde_json::{Value, json};

async fn patch(server: &TestServer, id: &str, body: &Value) -> Reply {
    server.request("PATCH", &format!("/members/{id}")).json(body).send().await
}

async fn id_of_new(server: &TestServer, email: &str) -> String {
    server.member(email).await["id"].as_str().expect("an id").to_owned()
}

async fn patched(server: &TestServer, id: &str, body: Value) -> Value {
    let reply = patch(server, id, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let member = reply.json()["data"].clone();
    let read = server.request("GET", &format!("/members/{id}")).send().await.json()["data"].clone();
    assert_eq!(read, member, "what is answered is what is stored");
    member
}

both_engines! {
    async fn custom_fields_and_meta_data_merge_and_json_is_replaced(engine) {
        let server = TestServer::start(engine).await;
        let id = id_of_new(&server, "ada@example.com").await;
        let all = json!({
            "customFields": {"first-name": "Ada", "last-name": "L."}, "metaData": {"a": 1, "b": {"x": 1}, "c": "kept"},
            "json": {"a": 1, "b": 2},
        });
        patched(&server, &id, all).await;
        let member = patched(&server, &id, json!({
            "customFields": {"last-name": null, "never-defined": 1}, "metaData": {"a": 0, "b": {"y": 1}, "d": true},
            "json": {"c": 3},
        })).await;
        assert_eq!(member["customFields"], json!({"first-name": "Ada", "last-name": null}));
        assert_eq!(member["metaData"], json!({"b": {"y": 1}, "c": "kept", "d": true}), "one level deep, falsy ones go");
        assert_eq!(member["json"], json!({"c": 3}));
        let emptied = patched(&server, &id, json!({"metaData": {"b": null, "c": "", "d": false}})).await;
        assert_eq!(emptied["metaData"], json!({}));
        assert_eq!(emptied["json"], json!({"c": 3}), "what is not named stays");
    }

    async fn plain_fields_are_set_and_null_clears_those_that_may_be_empty(engine) {
        let server = TestServer::start(engine).await;
        let id = id_of_new(&server, "ada@example.com").await;
        let set = json!({"verified": true, "loginRedirect": "/in", "profileImage": "https://example.com/a.png"});
        let member = patched(&server, &id, set).await;
        assert_eq!((&member["verified"], &member["loginRedirect"]), (&json!(true), &json!("/in")));
        assert_eq!(member["profileImage"], "https://example.com/a.png");
        let cleared = patched(&server, &id, json!({"loginRedirect": null, "profileImage": ""})).await;
        assert_eq!((&cleared["loginRedirect"], &cleared["profileImage"]), (&Value::Null, &Value::Null));
        assert_eq!(cleared["verified"], true);
        assert_eq!(patched(&server, &id, json!({"verified": false})).await["verified"], false);
        let untouched = patched(&server, &id, json!({"verified": null, "password": "another-password", "id": "x"})).await;
        assert_eq!(untouched["id"], id.as_str());
    }

    async fn an_address_moves_with_its_member_and_frees_the_old_one(engine) {
        let server = TestServer::start(engine).await;
        let (ada, bob) = (id_of_new(&server, "ada@example.com").await, id_of_new(&server, "bob@example.com").await);
        let taken = patch(&server, &ada, &json!({"email": "BOB@example.com", "verified": true})).await;
        assert_eq!((taken.status.as_u16(), taken.code().as_str()), (400, "email-already-in-use"));
        let unchanged = server.request("GET", &format!("/members/{ada}")).send().await.json();
        assert_eq!(unchanged["data"]["verified"], false, "nothing of a refused change is kept");
        assert_eq!(patched(&server, &ada, json!({"email": "Ada@Example.com"})).await["auth"]["email"], "Ada@Example.com");
        patched(&server, &ada, json!({"email": "new@example.com"})).await;
        assert_eq!(patched(&server, &bob, json!({"email": "ada@example.com"})).await["auth"]["email"], "ada@example.com");
        let found = server.request("GET", "/members/new%40example.com").send().await.json();
        assert_eq!(found["data"]["id"], ada.as_str());
    }

    async fn who_is_unknown_is_a_bad_request_with_the_vendors_words(engine) {
        let server = TestServer::start(engine).await;
        id_of_new(&server, "ada@example.com").await;
        for id in ["mem_sb_cunknown", "ada%40example.com", "%00", "x", &"y".repeat(3000)] {
            let reply = patch(&server, id, &json!({"verified": true})).await;
            assert_eq!(reply.status, 400, "{id:.40}");
            assert_eq!(reply.text(), r#"{"code":"generic-message","message":"There is no member with this identifier."}"#);
        }
    }

    async fn wrong_types_and_sizes_are_refused_and_change_nothing(engine) {
        let server = TestServer::start(engine).await;
        let id = id_of_new(&server, "ada@example.com").await;
        let before = patched(&server, &id, json!({"metaData": {"k": 1}, "json": {"j": 1}})).await;
        for (body, code) in [
            (json!({"email": null}), "invalid-email"), (json!({"email": []}), "invalid-email"),
            (json!({"email": ""}), "invalid-email"), (json!({"email": "x"}), "invalid-email"),
            (json!({"verified": "yes"}), "generic-message"), (json!({"verified": 1}), "generic-message"),
            (json!({"customFields": "x"}), "generic-message"), (json!({"metaData": []}), "generic-message"),
            (json!({"json": "x"}), "generic-message"), (json!({"loginRedirect": 5}), "generic-message"),
            (json!({"profileImage": "javascript:alert(1)"}), "generic-message"),
            (json!({"profileImage": "ftp://example.com/a"}), "generic-message"),
            (json!({"metaData": {"k": "x".repeat(10_001)}}), "generic-message"),
        ] {
            let reply = patch(&server, &id, &body).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, code), "{} {body:.60}", reply.text());
        }
        let many = |from: usize| (from..from + 30).map(|n| (format!("k{n}"), json!(1))).collect::<Value>();
        patched(&server, &id, json!({"metaData": many(0)})).await;
        let beyond = patch(&server, &id, &json!({"metaData": many(30)})).await;
        assert_eq!(beyond.status, 400, "the merged whole is what is bounded");
        let after = patched(&server, &id, json!({})).await;
        assert_eq!(after["json"], before["json"]);
        assert_eq!(after["metaData"].as_object().map(|pairs| pairs.len()), Some(31));
    }
}
