//! `POST /members/{id}/add-plan` and `/remove-plan`.

use guildhall_testkit::{Reply, TestServer, both_engines};
use serde_json::{Value, json};

async fn call(server: &TestServer, id: &str, action: &str, plan: impl Into<Value>) -> Reply {
    let body = json!({ "planId": plan.into() });
    server.request("POST", &format!("/members/{id}/{action}")).json(&body).send().await
}

async fn id_of_new(server: &TestServer, email: &str) -> String {
    server.member(email).await["id"].as_str().expect("an id").to_owned()
}

async fn held(server: &TestServer, id: &str) -> usize {
    let member = server.request("GET", &format!("/members/{id}")).send().await.json();
    member["data"]["planConnections"].as_array().expect("a list").len()
}

both_engines! {
    async fn a_plan_is_given_taken_and_given_again_with_the_text_ok(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Basic", None).await.to_string();
        let id = id_of_new(&server, "ada@example.com").await;
        for (action, after) in [("add-plan", 1), ("remove-plan", 0), ("add-plan", 1)] {
            let reply = call(&server, &id, action, plan.as_str()).await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "OK"));
            assert!(reply.header("content-type").starts_with("text/plain"));
            assert_eq!(held(&server, &id).await, after);
        }
    }

    async fn each_refusal_has_its_code_and_changes_nothing(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Basic", None).await.to_string();
        let full = server.free_plan("Full", Some(0)).await.to_string();
        let managing = server.managing_key().await;
        let body = json!({"name": "Paid", "prices": [{"amount": 900, "interval": "month"}]});
        let paid = server.request("POST", "/manage/v1/plans").key(&managing).json(&body).send().await.json();
        let paid = paid["data"]["id"].as_str().expect("an id").to_owned();
        let id = id_of_new(&server, "ada@example.com").await;
        assert_eq!(call(&server, &id, "add-plan", plan.as_str()).await.status, 200);
        for (action, plan, code) in [
            ("add-plan", json!(plan), "already-have-plan"), ("add-plan", json!("pln_unknown"), "plan-not-found"),
            ("add-plan", json!(paid), "plan-not-free"), ("add-plan", json!(full), "plan-member-limit-reached"),
            ("add-plan", json!(7), "generic-message"), ("add-plan", Value::Null, "generic-message"),
            ("remove-plan", json!(full), "no-plan-found"), ("remove-plan", json!("pln_unknown"), "plan-not-found"),
            ("remove-plan", json!(paid), "plan-not-free"), ("remove-plan", json!([]), "generic-message"),
        ] {
            let reply = call(&server, &id, action, plan.clone()).await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, code), "{action} {plan}");
            assert_eq!(held(&server, &id).await, 1);
        }
        for action in ["add-plan", "remove-plan"] {
            for nobody in ["mem_sb_cunknown", "ada%40example.com", "%00"] {
                let reply = call(&server, nobody, action, plan.as_str()).await;
                assert_eq!(reply.status, 400);
                assert_eq!(reply.json()["message"], "There is no member with this identifier.");
            }
        }
    }

    async fn a_limited_plan_never_has_more_holders_however_many_come_at_once(engine) {
        let server = TestServer::start(engine).await;
        server.crowd(30).await;
        let plan = server.free_plan("Small", Some(7)).await.to_string();
        let list = server.request("GET", "/members").send().await.json();
        let members: Vec<_> = list["data"].as_array().expect("a list").iter()
            .map(|member| member["id"].as_str().expect("an id").to_owned()).collect();
        let attempts: Vec<_> = members.iter().map(|id| {
            let request = server.request("POST", &format!("/members/{id}/add-plan")).json(&json!({"planId": plan}));
            tokio::spawn(request.send())
        }).collect();
        let mut given = 0;
        for attempt in attempts {
            let reply = attempt.await.expect("no panic");
            match reply.status.as_u16() {
                200 => given += 1,
                _ => assert_eq!(reply.code(), "plan-member-limit-reached"),
            }
        }
        let list = server.request("GET", "/members").send().await.json();
        let holding = list["data"].as_array().expect("a list").iter()
            .filter(|member| member["planConnections"] != json!([])).count();
        assert_eq!((given, holding), (7, 7));
    }

    async fn one_member_gets_a_plan_once_however_often_it_is_given_at_once(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Basic", Some(5)).await.to_string();
        let id = id_of_new(&server, "ada@example.com").await;
        let attempts: Vec<_> = (0..20).map(|_| {
            let request = server.request("POST", &format!("/members/{id}/add-plan")).json(&json!({"planId": plan}));
            tokio::spawn(request.send())
        }).collect();
        let mut given = 0;
        for attempt in attempts {
            let reply = attempt.await.expect("no panic");
            match reply.status.as_u16() {
                200 => given += 1,
                _ => assert_eq!(reply.code(), "already-have-plan"),
            }
        }
        assert_eq!((given, held(&server, &id).await), (1, 1));
    }

    async fn a_plan_set_inactive_stays_with_its_holders_and_goes_to_nobody_new(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Basic", None).await.to_string();
        let (ada, bob) = (id_of_new(&server, "ada@example.com").await, id_of_new(&server, "bob@example.com").await);
        assert_eq!(call(&server, &ada, "add-plan", plan.as_str()).await.status, 200);
        let managing = server.managing_key().await;
        let path = format!("/manage/v1/plans/{plan}");
        let changed = server.request("PATCH", &path).key(&managing).json(&json!({"status": "INACTIVE"})).send().await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(call(&server, &bob, "add-plan", plan.as_str()).await.code(), "plan-not-found");
        assert_eq!(held(&server, &ada).await, 1);
        assert_eq!(call(&server, &ada, "remove-plan", plan.as_str()).await.status, 200);
    }
}
