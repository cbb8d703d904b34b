//! The management API: plans, prices, permissions and custom fields of the key's app.

use guildhall_testkit::{Engine, Reply, TestServer, both_engines};
use serde_json::{Value, json};

/// A server and a key of its sandbox that may manage.
struct Office {
    server: TestServer,
    key: String,
}

impl Office {
    async fn open(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let key = server.managing_key().await;
        Self { server, key }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Reply {
        let request = self.server.anonymous(method, &format!("/manage/v1/{path}")).key(&self.key);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path, Value::Null).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["data"].clone()
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let reply = self.ask("POST", path, body).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["data"].clone()
    }

    async fn status(&self, method: &str, path: &str) -> u16 {
        self.ask(method, path, Value::Null).await.status.as_u16()
    }
}

fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

/// An RFC 9457 document with this status and code.
fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.header("content-type"), "application/problem+json", "{}", reply.text());
    let body = reply.json();
    assert_eq!(
        (reply.status.as_u16(), &body["status"], &body["code"]),
        (status, &json!(status), &json!(code)),
        "{body}"
    );
    for part in ["type", "title", "detail"] {
        assert!(body[part].as_str().is_some_and(|text| !text.is_empty()), "{part} of {body}");
    }
}

both_engines! {
    async fn a_plan_is_made_read_changed_and_deleted(engine) {
        let office = Office::open(engine).await;
        let plan = office.made("plans", json!({
            "name": " Gold Members! ", "description": "All of it", "priority": 2, "restrictToAdmin": true, "memberLimit": 9,
            "redirects": {"afterLogin": "/in", "elsewhere": "dropped"},
            "prices": [{"amount": 900, "currency": "EUR", "interval": {"type": "month", "count": 3}, "name": "Quarter"}, {"amount": 5}],
        })).await;
        assert!(id(&plan).starts_with("pln_gold-members-"), "{plan}");
        assert_eq!(plan["name"], "Gold Members!");
        assert_eq!((&plan["isPaid"], &plan["status"], &plan["memberLimit"]), (&json!(true), &json!("ACTIVE"), &json!(9)));
        assert_eq!(plan["redirects"], json!({"afterLogin": "/in"}));
        let prices = plan["prices"].as_array().expect("prices");
        let quarter = prices.iter().find(|price| price["name"] == "Quarter").expect("the quarter's price");
        assert_eq!(quarter["interval"], json!({"type": "month", "count": 3}));
        assert_eq!((&quarter["amount"], &quarter["currency"], &quarter["type"]), (&json!(900), &json!("eur"), &json!("SUBSCRIPTION")));
        let once = prices.iter().find(|price| price["name"].is_null()).expect("the other price");
        assert_eq!((&once["interval"], &once["currency"], &once["type"]), (&Value::Null, &json!("usd"), &json!("ONETIME")));
        let path = format!("plans/{}", id(&plan));
        assert_eq!(office.get(&path).await, plan);
        assert_eq!(office.get("plans").await, json!([plan]));
        let change = json!({"name": "Silver", "description": null, "priority": null, "memberLimit": null, "status": "INACTIVE"});
        let changed = office.ask("PATCH", &path, change).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let changed = changed.json()["data"].clone();
        assert_eq!((&changed["name"], &changed["status"], &changed["restrictToAdmin"]), (&json!("Silver"), &json!("INACTIVE"), &json!(true)));
        for cleared in ["description", "priority", "memberLimit"] {
            assert_eq!(changed[cleared], Value::Null);
        }
        assert_eq!(office.get(&path).await, changed);
        let gone = office.ask("DELETE", &path, Value::Null).await;
        assert_eq!((gone.status.as_u16(), gone.text().as_str()), (204, ""));
        assert_problem(&office.ask("GET", &path, Value::Null).await, 404, "plan_not_found");
        assert_problem(&office.ask("DELETE", &path, Value::Null).await, 404, "plan_not_found");
        assert_problem(&office.ask("PATCH", &path, json!({})).await, 404, "plan_not_found");
    }

    async fn a_price_makes_a_plan_paid(engine) {
        let office = Office::open(engine).await;
        let plan = office.made("plans", json!({"name": "Basic"})).await;
        assert_eq!(plan["isPaid"], false);
        let prices = format!("plans/{}/prices", id(&plan));
        let price = office.made(&prices, json!({"amount": 0, "interval": "year"})).await;
        let after = office.get(&format!("plans/{}", id(&plan))).await;
        assert_eq!((&after["isPaid"], &after["prices"]), (&json!(true), &json!([price])));
        for wrong in [
            json!({}), json!({"amount": -1}), json!({"amount": 1.5}), json!({"amount": "5"}), json!({"amount": i64::MAX}),
            json!({"amount": 1, "currency": "dollars"}), json!({"amount": 1, "currency": 3}), json!({"amount": 1, "interval": "fortnight"}),
            json!({"amount": 1, "interval": {"type": "month", "count": 0}}), json!({"amount": 1, "interval": {"type": "month", "count": 1e9}}),
            json!({"amount": 1, "interval": [1]}), json!({"amount": 1, "name": 5}),
        ] {
            assert_problem(&office.ask("POST", &prices, wrong).await, 400, "body_invalid");
        }
        assert_problem(&office.ask("POST", "plans/pln_unknown/prices", json!({"amount": 1})).await, 404, "plan_not_found");
        assert_eq!(office.get(&format!("plans/{}", id(&plan))).await["prices"], json!([price]));
    }

    async fn a_price_is_retired_and_offered_again(engine) {
        let office = Office::open(engine).await;
        let plan = office.made("plans", json!({"name": "Basic", "prices": [{"amount": 5, "interval": "month", "trialDays": 3}]})).await;
        let price = format!("plans/{}/prices/{}", id(&plan), plan["prices"][0]["id"].as_str().expect("an id"));
        let retired = office.ask("PATCH", &price, json!({"status": "INACTIVE"})).await;
        assert_eq!((retired.status.as_u16(), &retired.json()["data"]["status"]), (200, &json!("INACTIVE")));
        assert_eq!(retired.json()["data"]["trialDays"], 3);
        let shown = office.get(&format!("plans/{}", id(&plan))).await;
        assert_eq!((&shown["prices"][0]["status"], &shown["isPaid"]), (&json!("INACTIVE"), &json!(true)));
        for wrong in [json!({}), json!({"status": "GONE"}), json!({"status": 1})] {
            assert_problem(&office.ask("PATCH", &price, wrong).await, 400, "body_invalid");
        }
        let status = json!({"status": "ACTIVE"});
        assert_problem(&office.ask("PATCH", &format!("plans/{}/prices/prc_none", id(&plan)), status.clone()).await, 404, "price_not_found");
        assert_problem(&office.ask("PATCH", &price.replace(id(&plan), "pln_none"), status.clone()).await, 404, "plan_not_found");
        assert_eq!(office.ask("PATCH", &price, status).await.json()["data"]["status"], "ACTIVE");
        let other = office.made("plans", json!({"name": "Other"})).await;
        let moved = price.replace(id(&plan), id(&other));
        assert_problem(&office.ask("PATCH", &moved, json!({"status": "INACTIVE"})).await, 404, "price_not_found");
    }

    async fn members_show_the_union_of_their_plans_permissions_at_once(engine) {
        let office = Office::open(engine).await;
        let mut permissions = Vec::new();
        for name in ["read:news", "edit:news", "read:files"] {
            permissions.push(office.made("permissions", json!({"name": name})).await);
        }
        let (one, two) = (office.made("plans", json!({"name": "One"})).await, office.made("plans", json!({"name": "Two"})).await);
        let member = office.server.member("ada@example.com").await;
        for plan in [&one, &two] {
            let body = json!({"planId": plan["id"]});
            let added = office.server.request("POST", &format!("/members/{}/add-plan", id(&member))).json(&body).send().await;
            assert_eq!(added.text(), "OK");
        }
        let shown = async || {
            let read = office.server.request("GET", &format!("/members/{}", id(&member))).send().await.json();
            read["data"]["permissions"].clone()
        };
        let grant = |plan: &Value, permission: usize| format!("plans/{}/permissions/{}", id(plan), id(&permissions[permission]));
        assert_eq!(shown().await, json!([]));
        for path in [grant(&one, 0), grant(&one, 1), grant(&two, 1), grant(&two, 2), grant(&two, 2)] {
            assert_eq!(office.status("PUT", &path).await, 204, "granting twice is granting once");
        }
        assert_eq!(shown().await, json!(["edit:news", "read:files", "read:news"]));
        assert_eq!(office.status("DELETE", &grant(&one, 1)).await, 204);
        assert_eq!(shown().await, json!(["edit:news", "read:files", "read:news"]), "the other plan still grants it");
        assert_eq!(office.status("DELETE", &grant(&two, 1)).await, 204);
        assert_eq!(shown().await, json!(["read:files", "read:news"]));
        assert_eq!(office.status("DELETE", &format!("permissions/{}", id(&permissions[2]))).await, 204);
        assert_eq!(shown().await, json!(["read:news"]));
        assert_eq!(office.get(&format!("plans/{}", id(&two))).await["permissions"], json!([]));
    }

    async fn permissions_are_named_once_and_unknown_ones_are_not_found(engine) {
        let office = Office::open(engine).await;
        let made = office.made("permissions", json!({"name": "edit", "description": "May edit"})).await;
        assert_eq!(office.get("permissions").await, json!([made]));
        assert_problem(&office.ask("POST", "permissions", json!({"name": "edit"})).await, 409, "permission_exists");
        for wrong in [json!({"name": ""}), json!({"name": "x".repeat(201)}), json!({"name": "a\nb"})] {
            assert_problem(&office.ask("POST", "permissions", wrong).await, 400, "name_invalid");
        }
        let plan = office.made("plans", json!({"name": "One"})).await;
        let unknown = format!("plans/{}/permissions/prm_unknown", id(&plan));
        assert_problem(&office.ask("PUT", &unknown, Value::Null).await, 404, "permission_not_found");
        let nowhere = format!("plans/pln_unknown/permissions/{}", id(&made));
        assert_problem(&office.ask("PUT", &nowhere, Value::Null).await, 404, "plan_not_found");
        assert_problem(&office.ask("DELETE", "permissions/prm_unknown", Value::Null).await, 404, "permission_not_found");
    }

    async fn a_plan_that_somebody_holds_cannot_be_deleted(engine) {
        let office = Office::open(engine).await;
        let plan = office.made("plans", json!({"name": "Held"})).await;
        let member = office.server.member("ada@example.com").await;
        let path = |action: &str| format!("/members/{}/{action}", id(&member));
        let body = json!({"planId": plan["id"]});
        office.server.request("POST", &path("add-plan")).json(&body).send().await;
        let plan_path = format!("plans/{}", id(&plan));
        assert_problem(&office.ask("DELETE", &plan_path, Value::Null).await, 409, "plan_in_use");
        let shown = office.server.request("GET", &format!("/members/{}", id(&member))).send().await.json();
        assert_eq!(shown["data"]["planConnections"][0]["planName"], "Held");
        office.server.request("POST", &path("remove-plan")).json(&body).send().await;
        assert_eq!(office.status("DELETE", &plan_path).await, 204);
    }

    async fn custom_fields_decide_what_members_keep(engine) {
        let office = Office::open(engine).await;
        let keys = async || office.get("custom-fields").await.as_array().expect("a list").iter()
            .map(|field| field["key"].as_str().expect("a key").to_owned()).collect::<Vec<_>>();
        assert_eq!(keys().await, ["first-name", "last-name"]);
        let field = office.made("custom-fields", json!({"key": "shoe-size", "label": "Shoe size", "visibility": "members"})).await;
        assert_eq!((&field["visibility"], &field["hidden"], &field["order"]), (&json!("MEMBERS"), &json!(false), &Value::Null));
        let member = office.server.member("ada@example.com").await;
        let path = format!("/members/{}", id(&member));
        let set = async |value: Value| {
            let reply = office.server.request("PATCH", &path).json(&json!({"customFields": value})).send().await;
            reply.json()["data"]["customFields"].clone()
        };
        assert_eq!(set(json!({"shoe-size": 38, "hat-size": 7})).await, json!({"shoe-size": 38}));
        let changed = office.ask("PUT", "custom-fields/shoe-size", json!({"label": "Size", "order": 1, "hidden": true})).await.json();
        assert_eq!((&changed["data"]["id"], &changed["data"]["label"], &changed["data"]["visibility"]), (&field["id"], &json!("Size"), &json!("PRIVATE")));
        assert_problem(&office.ask("POST", "custom-fields", json!({"key": "shoe-size", "label": "x"})).await, 409, "custom_field_exists");
        for key in ["", "Upper", "1st", "with space", "\u{e9}", &"k".repeat(65)] {
            assert_problem(&office.ask("POST", "custom-fields", json!({"key": key, "label": "x"})).await, 400, "input_invalid");
        }
        assert_eq!(office.status("DELETE", "custom-fields/shoe-size").await, 204);
        assert_problem(&office.ask("DELETE", "custom-fields/shoe-size", Value::Null).await, 404, "custom_field_not_found");
        assert_problem(&office.ask("PUT", "custom-fields/shoe-size", json!({"label": "x"})).await, 404, "custom_field_not_found");
        assert_eq!(set(json!({"first-name": "Ada", "shoe-size": 40})).await["first-name"], "Ada");
    }

    async fn an_app_has_at_most_a_hundred_custom_fields_however_many_come_at_once(engine) {
        let office = Office::open(engine).await;
        for number in 0..90 {
            office.made("custom-fields", json!({"key": format!("field-{number}"), "label": "x"})).await;
        }
        let attempts: Vec<_> = (90..110).map(|number| {
            let body = json!({"key": format!("field-{number}"), "label": "x"});
            tokio::spawn(office.server.anonymous("POST", "/manage/v1/custom-fields").key(&office.key).json(&body).send())
        }).collect();
        let mut made = 0;
        for attempt in attempts {
            let reply = attempt.await.expect("no panic");
            if reply.status == 201 { made += 1 } else { assert_problem(&reply, 409, "custom_field_limit") }
        }
        assert_eq!(made, 8, "two come with every app");
        assert_eq!(office.get("custom-fields").await.as_array().map(Vec::len), Some(100));
    }

    async fn definitions_belong_to_one_app_and_both_its_environments(engine) {
        let office = Office::open(engine).await;
        let plan = office.made("plans", json!({"name": "Ours"})).await;
        let permission = office.made("permissions", json!({"name": "ours"})).await;
        let live = json!({"email": "ada@example.com", "password": "a-long-password", "plans": [{"planId": plan["id"]}]});
        let live = office.server.anonymous("POST", "/members").key(&office.server.live_key).json(&live).send().await;
        assert_eq!(live.json()["data"]["planConnections"][0]["planId"], plan["id"]);
        let (app, _) = office.server.second_app().await;
        let mut draft = guildhall_app::keys::KeyDraft::named(guildhall_domain::key::KeyKind::Secret, "manage");
        draft.scopes = guildhall_domain::scope::Scopes::of([guildhall_domain::scope::Scope::Manage]);
        let actor = guildhall_domain::audit::Actor::CommandLine;
        let key = office.server.guildhall.create_key(&app, guildhall_domain::Mode::Live, draft, actor).await.expect("a key");
        let elsewhere = Office { server: office.server, key: key.plain.reveal().to_owned() };
        assert_eq!((elsewhere.get("plans").await, elsewhere.get("permissions").await), (json!([]), json!([])));
        let (plan, permission) = (id(&plan), id(&permission));
        for (method, path) in [
            ("GET", format!("plans/{plan}")), ("PATCH", format!("plans/{plan}")), ("DELETE", format!("plans/{plan}")),
            ("POST", format!("plans/{plan}/prices")), ("PUT", format!("plans/{plan}/permissions/{permission}")),
            ("DELETE", format!("plans/{plan}/permissions/{permission}")), ("DELETE", format!("permissions/{permission}")),
        ] {
            let body = if method == "POST" { json!({"amount": 1}) } else { json!({"name": "Taken over"}) };
            assert_eq!(elsewhere.ask(method, &path, body).await.status, 404, "{method} {path}");
        }
        let shown = elsewhere.ask("GET", "app", Value::Null).await.json();
        assert_eq!((&shown["id"], &shown["name"], &shown["environment"]), (&json!(app), &json!("Second"), &json!("live")));
    }

    async fn problems_are_documents_that_no_cache_keeps(engine) {
        let office = Office::open(engine).await;
        let plain = office.server.request("GET", "/manage/v1/app").send().await;
        assert_problem(&plain, 403, "scope_missing");
        assert_problem(&office.server.anonymous("GET", "/manage/v1/app").send().await, 401, "key_missing");
        assert_problem(&office.server.anonymous("GET", "/manage/v1/app").key("sk_unknown").send().await, 401, "key_invalid");
        assert_problem(&office.ask("GET", "nowhere", Value::Null).await, 404, "route_unknown");
        assert_problem(&office.ask("DELETE", "app", Value::Null).await, 405, "method_not_allowed");
        assert_problem(&office.ask("POST", "plans", json!({})).await, 400, "body_invalid");
        assert_problem(&office.ask("POST", "plans", json!({"name": "x", "memberLimit": -1})).await, 400, "input_invalid");
        let reply = office.ask("GET", "plans", Value::Null).await;
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}
