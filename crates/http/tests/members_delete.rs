//! `DELETE /members/{id}`: gone, counted out, and its address and plans free again.

use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Value, json};

both_engines! {
    async fn a_deleted_member_is_gone_and_its_address_free(engine) {
        let server = TestServer::start(engine).await;
        let id = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        let path = format!("/members/{id}");
        let reply = server.request("DELETE", &path).send().await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"data": {"id": id}})));
        assert_eq!(server.total().await, 0);
        for gone in [path.as_str(), "/members/ada%40example.com"] {
            assert_eq!(server.request("GET", gone).send().await.json()["data"], Value::Null);
        }
        let again = server.request("DELETE", &path).send().await;
        assert_eq!(again.status, 400);
        assert_eq!(again.text(), r#"{"code":"generic-message","message":"There is no member with this identifier."}"#);
        let anew = server.member("ada@example.com").await;
        assert_ne!(anew["id"], id.as_str(), "an id is never used again");
    }

    async fn the_body_may_be_absent_or_speak_of_stripe_but_not_be_nonsense(engine) {
        let server = TestServer::start(engine).await;
        for (number, body) in ["", "{}", r#"{"deleteStripeCustomer":true,"cancelStripeSubscriptions":false}"#].iter().enumerate() {
            let id = server.member(&format!("m{number}@example.com")).await["id"].as_str().expect("an id").to_owned();
            assert_eq!(server.request("DELETE", &format!("/members/{id}")).body(*body).send().await.status, 200, "{body}");
        }
        let id = server.member("kept@example.com").await["id"].as_str().expect("an id").to_owned();
        let reply = server.request("DELETE", &format!("/members/{id}")).body("{").send().await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "validation/invalid-json"));
        assert_eq!(server.total().await, 1);
    }

    async fn a_deletion_gives_the_place_on_a_limited_plan_back(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Small", Some(1)).await;
        let body = |email: &str| json!({"email": email, "password": "a-long-password", "plans": [{"planId": plan}]});
        let first = server.request("POST", "/members").json(&body("a@example.com")).send().await.json();
        let full = server.request("POST", "/members").json(&body("b@example.com")).send().await;
        assert_eq!(full.code(), "plan-member-limit-reached");
        let path = format!("/members/{}", first["data"]["id"].as_str().expect("an id"));
        assert_eq!(server.request("DELETE", &path).send().await.status, 200);
        assert_eq!(server.request("POST", "/members").json(&body("b@example.com")).send().await.status, 200);
    }

    async fn of_many_deletions_at_once_one_succeeds(engine) {
        let server = TestServer::start(engine).await;
        server.crowd(3).await;
        let id = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        let attempts: Vec<_> =
            (0..20).map(|_| tokio::spawn(server.request("DELETE", &format!("/members/{id}")).send())).collect();
        let mut deleted = 0;
        for attempt in attempts {
            match attempt.await.expect("no panic").status.as_u16() {
                200 => deleted += 1,
                status => assert_eq!(status, 400),
            }
        }
        assert_eq!((deleted, server.total().await), (1, 3));
    }
}
