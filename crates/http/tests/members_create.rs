//! `POST /members`: what is kept, what is refused with which code, and that a refusal leaves nothing.

use guildhall_app::apps::AppChange;
use guildhall_domain::audit::Actor;
use guildhall_testkit::{Reply, TestServer, both_engines};
use serde_json::{Value, json};

async fn create(server: &TestServer, body: &Value) -> Reply {
    server.request("POST", "/members").json(body).send().await
}

both_engines! {
    async fn everything_given_is_kept_and_shown_again(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Basic", None).await;
        let body = json!({
            "email": "ada@example.com", "password": "a-long-password",
            "plans": [{"planId": plan}, {"planId": plan}],
            "customFields": {"first-name": "Ada", "last-name": null, "unknown-field": "dropped"},
            "metaData": {"age": 36, "empty": "", "off": false, "zero": 0, "none": null, "tags": []},
            "json": {"nested": {"list": [1, 2.5, "\u{1F600}", null, {}]}},
            "loginRedirect": "/home", "somethingElse": true,
        });
        let reply = create(&server, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let member = reply.json()["data"].clone();
        assert_eq!(member["customFields"], json!({"first-name": "Ada", "last-name": null}));
        assert_eq!(member["metaData"], json!({"age": 36, "tags": []}));
        assert_eq!(member["json"], body["json"]);
        assert_eq!(member["loginRedirect"], "/home");
        assert_eq!(member["verified"], false);
        let held = &member["planConnections"][0];
        assert!(held["id"].as_str().is_some_and(|id| id.starts_with("con_")));
        let expected = json!({
            "id": held["id"], "active": true, "status": "ACTIVE", "planId": plan, "planName": "Basic", "type": "FREE",
            "payment": null,
        });
        assert_eq!(member["planConnections"], json!([expected]), "the same plan twice is one hold");
        let id = member["id"].as_str().expect("an id");
        assert_eq!(server.request("GET", &format!("/members/{id}")).send().await.json()["data"], member);
    }

    async fn plans_stay_in_the_order_in_which_they_were_given(engine) {
        let server = TestServer::start(engine).await;
        let mut plans = Vec::new();
        for number in 0..6 {
            plans.push(json!({"planId": server.free_plan(&format!("Plan {number}"), None).await}));
        }
        let body = json!({"email": "ada@example.com", "password": "a-long-password", "plans": plans});
        let created = create(&server, &body).await.json()["data"].clone();
        let held: Vec<_> = created["planConnections"].as_array().expect("a list").iter()
            .map(|connection| json!({"planId": connection["planId"]})).collect();
        assert_eq!(held, plans);
        assert_eq!(server.request("GET", "/members/ada@example.com").send().await.json()["data"], created);
    }

    async fn each_refusal_has_its_code_and_leaves_nothing(engine) {
        let server = TestServer::start(engine).await;
        server.member("taken@example.com").await;
        let managing = server.managing_key().await;
        let paid = json!({"name": "Paid", "prices": [{"amount": 900, "interval": "month"}]});
        let paid = server.request("POST", "/manage/v1/plans").key(&managing).json(&paid).send().await.json()["data"]["id"].clone();
        let full = server.free_plan("Full", Some(0)).await;
        let with = |name: &str, value: Value| {
            let mut body = json!({"email": "ada@example.com", "password": "a-long-password"});
            body[name] = value;
            body
        };
        for (body, code) in [
            (with("email", json!("no address")), "invalid-email"),
            (with("email", json!(7)), "invalid-email"),
            (with("email", json!("a@b@c.io")), "invalid-email"),
            (with("email", Value::Null), "generic-message"),
            (with("email", json!("")), "generic-message"),
            (with("email", json!("TAKEN@Example.com")), "email-already-in-use"),
            (with("password", json!("sevenly")), "invalid-password-too-short"),
            (with("password", json!("\u{1F600}".repeat(7))), "invalid-password-too-short"),
            (with("password", json!("")), "generic-message"),
            (with("password", Value::Null), "generic-message"),
            (with("password", json!(12345678)), "generic-message"),
            (with("password", json!("p".repeat(1025))), "generic-message"),
            (with("plans", json!([{"planId": "pln_unknown"}])), "plan-not-found"),
            (with("plans", json!([{"planId": ""}])), "plan-not-found"),
            (with("plans", json!([{"planId": paid}])), "plan-not-free"),
            (with("plans", json!([{"planId": full}])), "plan-member-limit-reached"),
            (with("plans", json!(["pln_x"])), "generic-message"),
            (with("plans", json!({"planId": "pln_x"})), "generic-message"),
            (with("customFields", json!([])), "generic-message"),
            (with("customFields", json!({"first-name": "x".repeat(10_001)})), "generic-message"),
            (with("metaData", json!("text")), "generic-message"),
            (with("metaData", (0..51).map(|n| (format!("k{n}"), json!(1))).collect()), "generic-message"),
            (with("json", json!([1])), "generic-message"),
            (with("loginRedirect", json!({})), "generic-message"),
            (with("loginRedirect", json!("/a\r\nb")), "generic-message"),
        ] {
            let reply = create(&server, &body).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, code), "{} {body:.90}", reply.text());
            assert!(reply.json()["message"].as_str().is_some_and(|message| !message.is_empty()));
        }
        let too_large = create(&server, &with("json", json!({"x": "y".repeat(1_000_001)}))).await;
        assert_eq!(too_large.status, 413);
        assert_eq!(server.total().await, 1);
        let list = server.request("GET", "/members").send().await.json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    }

    async fn a_body_that_is_no_json_object_is_said_to_be_none(engine) {
        let server = TestServer::start(engine).await;
        for body in ["", "{", "nonsense", "{\"email\":\"a@x.io\"} x", "{\"a\":1,\"a\":2}", "{\"email\":\"\\u0000\"}"] {
            let reply = server.request("POST", "/members").body(body).send().await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "validation/invalid-json"), "{body}");
        }
        for body in ["[]", "null", "7", "\"text\""] {
            let reply = server.request("POST", "/members").body(body).send().await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "generic-message"), "{body}");
        }
        let plain = r#" {"email":"ada@example.com","password":"a-long-password"} "#;
        let untyped = server.request("POST", "/members").header("content-type", "text/plain").body(plain).send().await;
        assert_eq!(untyped.status, 200, "the content type decides nothing");
    }

    async fn the_sandbox_holds_fifty_and_a_departure_frees_a_place(engine) {
        let server = TestServer::start(engine).await;
        server.crowd(49).await;
        let attempts: Vec<_> = (0..6).map(|number| {
            let body = json!({"email": format!("late{number}@example.com"), "password": "a-long-password"});
            tokio::spawn(server.request("POST", "/members").json(&body).send())
        }).collect();
        let mut made = Vec::new();
        for attempt in attempts {
            let reply = attempt.await.expect("no panic");
            match reply.status.as_u16() {
                200 => made.push(reply.json()["data"]["id"].as_str().expect("an id").to_owned()),
                status => assert_eq!((status, reply.code().as_str()), (400, "test-mode-member-limit-reached")),
            }
        }
        assert_eq!((made.len(), server.total().await), (1, 50));
        assert_eq!(server.request("DELETE", &format!("/members/{}", made[0])).send().await.status, 200);
        server.member("after@example.com").await;
        let live = json!({"email": "live@example.com", "password": "a-long-password"});
        let live = server.anonymous("POST", "/members").key(&server.live_key).json(&live).send().await;
        assert_eq!(live.status, 200);
        assert!(live.json()["data"]["id"].as_str().is_some_and(|id| id.starts_with("mem_c")));
    }

    async fn a_passwordless_app_needs_no_password(engine) {
        let server = TestServer::start(engine).await;
        let body = json!({"email": "ada@example.com"});
        assert_eq!(create(&server, &body).await.code(), "generic-message");
        let change = AppChange { passwordless: Some(true), ..AppChange::default() };
        server.guildhall.update_app(&server.app, change, Actor::CommandLine).await.expect("it is changed");
        assert_eq!(create(&server, &body).await.status, 200);
        let short = json!({"email": "bob@example.com", "password": "short"});
        assert_eq!(create(&server, &short).await.code(), "invalid-password-too-short");
    }
}
