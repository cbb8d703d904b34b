//! What a hostile review broke once, and must not break again.

use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_domain::audit::Actor;
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money};
use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Value, json};

async fn change(server: &TestServer, id: &str, body: &Value) -> (u16, Value) {
    let reply = server.request("PATCH", &format!("/members/{id}")).json(body).send().await;
    (reply.status.as_u16(), reply.json())
}

async fn member_id(server: &TestServer, email: &str) -> String {
    server.member(email).await["id"].as_str().expect("an id").to_owned()
}

both_engines! {
    async fn a_flood_of_bad_keys_beside_a_change_locks_out_no_good_key(engine) {
        let server = TestServer::start(engine).await;
        assert_eq!(server.request("GET", "/members").send().await.status, 200);
        for number in 0..40 {
            server.anonymous("GET", "/members").key(&format!("sk_sb_guess{number}")).send().await;
        }
        server.guildhall.create_permission(&server.app, "bump", None, Actor::CommandLine).await.expect("it is made");
        assert_eq!(server.request("GET", "/members").send().await.status, 200);
        let stranger = server.anonymous("GET", "/members").key("sk_sb_another").send().await;
        assert_eq!(stranger.status, 429);
    }

    async fn numbers_come_back_as_they_were_sent_and_stay_so(engine) {
        let server = TestServer::start(engine).await;
        let id = member_id(&server, "ada@example.com").await;
        let numbers = "[2.0637899408150762e-05,1.0427836938819351e18,2.2090096915422285e-175,9007199254740993,0.1]";
        let body: Value = serde_json::from_str(&format!(r#"{{"metaData":{{"n":{numbers}}}}}"#)).expect("JSON");
        assert_eq!(change(&server, &id, &body).await.0, 200);
        for turn in 0..5 {
            assert_eq!(change(&server, &id, &json!({ "metaData": { "turn": turn + 1 } })).await.0, 200);
        }
        let read = server.request("GET", &format!("/members/{id}")).send().await;
        assert_eq!(read.json()["data"]["metaData"]["n"], body["metaData"]["n"]);
    }

    async fn nesting_is_no_way_around_the_limits_of_size(engine) {
        let server = TestServer::start(engine).await;
        let id = member_id(&server, "ada@example.com").await;
        let (long, many) = ("z".repeat(10_001), "k".repeat(70_000));
        for part in ["customFields", "metaData"] {
            for value in [json!({ "first-name": { "a": long } }), json!({ "first-name": [[long]] })] {
                assert_eq!(change(&server, &id, &json!({ part: value })).await.0, 400);
            }
        }
        assert_eq!(change(&server, &id, &json!({ "metaData": { many: 1 } })).await.0, 400);
        let pieces: Vec<_> = (0..7).map(|_| "z".repeat(10_000)).collect();
        assert_eq!(change(&server, &id, &json!({ "customFields": { "first-name": pieces } })).await.0, 400);
        let half: Vec<_> = (0..4).map(|_| "z".repeat(10_000)).collect();
        assert_eq!(change(&server, &id, &json!({ "customFields": { "first-name": half } })).await.0, 200);
        let whole = change(&server, &id, &json!({ "customFields": { "last-name": half } })).await;
        assert_eq!(whole.0, 400, "what counts is what would be stored");
    }

    async fn a_page_of_large_members_ends_early_and_leads_on(engine) {
        let server = TestServer::start(engine).await;
        let document = json!({ "json": { "text": "x".repeat(900_000) } });
        for number in 0..25 {
            let id = member_id(&server, &format!("member{number}@example.com")).await;
            assert_eq!(change(&server, &id, &document).await.0, 200);
        }
        let (mut seen, mut after) = (0, 0);
        loop {
            let path = format!("/members?limit=100&includeJSON=true&after={after}");
            let reply = server.request("GET", &path).send().await;
            assert!(reply.body.len() < 28_000_000, "{}", reply.body.len());
            let page = reply.json();
            seen += page["data"].as_array().expect("a list").len();
            after = page["endCursor"].as_i64().expect("a number");
            if page["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, 25);
        let without = server.request("GET", "/members?limit=100").send().await.json();
        assert_eq!(without["data"].as_array().map(Vec::len), Some(25));
    }

    async fn a_plan_that_got_a_price_can_still_be_taken_from_who_has_it_for_nothing(engine) {
        let server = TestServer::start(engine).await;
        let draft = PlanDraft {
            name: "Basic".into(), description: None, priority: None, restrict_to_admin: false,
            member_limit: None, redirects: JsonObject::empty(), prices: Vec::new(),
        };
        let plan = server.guildhall.create_plan(&server.app, draft, Actor::CommandLine).await.expect("it is made").id;
        let id = member_id(&server, "ada@example.com").await;
        let body = json!({ "planId": plan });
        let add = server.request("POST", &format!("/members/{id}/add-plan")).json(&body).send().await;
        assert_eq!(add.text(), "OK");
        let money = Money::price(500, "usd").expect("a price");
        let price = PriceDraft { name: None, money, interval: Interval::Month(1), trial_days: 0 };
        server.guildhall.create_price(&server.app, &plan, price, Actor::CommandLine).await.expect("it is made");
        let remove = server.request("POST", &format!("/members/{id}/remove-plan")).json(&body).send().await;
        assert_eq!(remove.text(), "OK");
        let again = server.request("POST", &format!("/members/{id}/add-plan")).json(&body).send().await;
        assert_eq!(again.code(), "plan-not-free");
    }

    async fn look_alike_addresses_are_one_account_or_none(engine) {
        let server = TestServer::start(engine).await;
        server.member("fix@x.io").await;
        for (email, code) in [
            ("\u{fb01}x@x.io", "email-already-in-use"),
            ("\u{ff46}ix@x.io", "email-already-in-use"),
            ("fix\u{3164}@x.io", "invalid-email"),
            ("fix\u{fe0f}@x.io", "invalid-email"),
        ] {
            let body = json!({ "email": email, "password": "a-long-password" });
            let reply = server.request("POST", "/members").json(&body).send().await;
            assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, code), "{email:?}");
        }
    }
}
