//! `GET /members/{id or email}`: hits, misses and the shape of a member.

use guildhall_domain::Mode;
use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Value, json};

async fn get(server: &TestServer, path: &str) -> Value {
    let reply = server.request("GET", &format!("/members/{path}")).send().await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

both_engines! {
    async fn a_new_member_has_every_field_of_the_model(engine) {
        let server = TestServer::start(engine).await;
        let member = server.member("Ada@Example.com").await;
        let keys: Vec<_> = member.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, [
            "id", "auth", "verified", "metaData", "customFields", "permissions", "planConnections",
            "loginRedirect", "profileImage", "stripeCustomerId", "lastLogin", "createdAt", "json",
        ]);
        assert_eq!(member["auth"], json!({"email": "Ada@Example.com"}), "as it was given, and no hash");
        assert_eq!(member["createdAt"], "2026-01-31T12:00:00.000Z");
        for (name, value) in [
            ("verified", json!(false)), ("metaData", json!({})), ("customFields", json!({})), ("permissions", json!([])),
            ("planConnections", json!([])), ("loginRedirect", Value::Null), ("profileImage", Value::Null),
            ("stripeCustomerId", Value::Null), ("lastLogin", Value::Null), ("json", json!({})),
        ] {
            assert_eq!(member[name], value, "{name}");
        }
    }

    async fn a_member_is_found_by_id_and_by_email_in_any_case(engine) {
        let server = TestServer::start(engine).await;
        let member = server.member("Ada+News@Example.com").await;
        let id = member["id"].as_str().expect("an id");
        for path in [
            id, "Ada+News@Example.com", "ada%2Bnews%40example.com", "ADA%2BNEWS%40EXAMPLE.COM", "ada+news@example.com",
        ] {
            assert_eq!(get(&server, path).await["data"], member, "{path}");
        }
    }

    async fn a_miss_is_a_success_without_data(engine) {
        let server = TestServer::start(engine).await;
        let member = server.member("ada@example.com").await;
        let id = member["id"].as_str().expect("an id");
        let live_looking = id.replace("mem_sb_", "mem_");
        let wrong_end = format!("{}x", &id[..id.len() - 1]);
        let too_long = "a".repeat(5000);
        for path in [
            "nobody%40example.com", "mem_sb_cunknown", "mem_", "x", "@", "%40", "a%40b%40c", "mem_sb_c000000000000000000000000",
            &live_looking, &wrong_end, &id.to_uppercase(), "%20", "%E2%98%83", "%00", "a%00b", "'%3B--",
            "..%2F..", &too_long,
        ] {
            let reply = server.request("GET", &format!("/members/{path}")).send().await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, r#"{"data":null}"#), "{path:.60}");
        }
    }

    async fn teams_come_when_asked_for(engine) {
        let server = TestServer::start(engine).await;
        let id = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        assert_eq!(get(&server, &id).await["data"].get("teams"), None);
        for query in ["include=teams", "include=plans,teams", "a=b&include=teams"] {
            assert_eq!(get(&server, &format!("{id}?{query}")).await["data"]["teams"], json!([]), "{query}");
        }
        assert_eq!(get(&server, &format!("{id}?include=steams")).await["data"].get("teams"), None);
    }

    async fn an_imported_id_leads_to_its_member_wherever_it_is_used(engine) {
        let server = TestServer::start(engine).await;
        let native = server.member("native@example.com").await["id"].as_str().expect("an id").to_owned();
        // An id of another installation looks just like one of ours.
        let foreign = "mem_sb_ckzq3v4xk0001a1b2c3d4e5f6";
        let rows = [
            json!({"id": foreign, "email": "one@example.com"}),
            json!({"id": "legacy-17", "email": "two@example.com"}),
            json!({"id": "no-address"}),
        ];
        assert_eq!(server.import(Mode::Sandbox, rows).await.taken, 3);
        for id in [foreign, "legacy-17", "no-address"] {
            assert_eq!(get(&server, id).await["data"]["id"], id);
        }
        assert_eq!(get(&server, "two@example.com").await["data"]["id"], "legacy-17");
        let path = format!("/members/{foreign}");
        let changed = server.request("PATCH", &path).json(&json!({"verified": true})).send().await;
        assert_eq!(changed.json()["data"]["verified"], true);
        assert_eq!(server.request("DELETE", &path).send().await.json(), json!({"data": {"id": foreign}}));
        assert_eq!(get(&server, foreign).await["data"], Value::Null);
        assert_eq!(get(&server, &native).await["data"]["auth"]["email"], "native@example.com");
    }

    async fn an_id_is_never_given_twice_in_an_environment(engine) {
        let server = TestServer::start(engine).await;
        let native = server.member("native@example.com").await["id"].as_str().expect("an id").to_owned();
        let rows = [
            json!({"id": "legacy-17", "email": "one@example.com"}),
            json!({"id": "legacy-17", "email": "two@example.com"}),
            json!({"id": native, "email": "three@example.com"}),
        ];
        let outcome = server.import(Mode::Sandbox, rows).await;
        let lines: Vec<_> = outcome.refused.iter().map(|(line, _)| *line).collect();
        assert_eq!((outcome.taken, lines), (1, vec![2, 3]), "{:?}", outcome.refused);
        assert_eq!(server.total().await, 2);
        let elsewhere = server.import(Mode::Live, [json!({"id": "legacy-17", "email": "one@example.com"})]).await;
        assert_eq!(elsewhere.taken, 1, "environments share nothing");
    }
}
