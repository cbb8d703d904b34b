//! Plans through the Appstle dialect: groups of selling plans, the guide layer's list, and what happens on cancelling.

use guildhall_app::plans::PlanChange;
use guildhall_domain::audit::Actor;
use guildhall_domain::plan::Status;
use guildhall_testkit::{Reply, TestServer, both_engines};
use serde_json::{Value, json};

const SHOP: &str = "a.myshopify.com";
const GROUPS: &str = "/api/external/v2/subscription-groups";

async fn post(server: &TestServer, key: &str, body: Value) -> Reply {
    server.anonymous("POST", GROUPS).key(key).json(&body).send().await
}

async fn get(server: &TestServer, key: &str, path: &str) -> Reply {
    server.anonymous("GET", &format!("/api/external/v2/{path}")).key(key).send().await
}

fn gold() -> Value {
    json!({ "groupName": "Gold", "subscriptionPlans": [
        { "frequencyName": "Monthly", "billingFrequencyCount": 1, "billingFrequencyInterval": "MONTH", "price": 29.99, "currencyCode": "EUR",
          "freeTrialEnabled": true, "freeTrialCount": 2, "freeTrialInterval": "WEEK" },
        { "frequencyCount": 1, "frequencyInterval": "year", "discountEnabled": true, "discountType": "PRICE", "discountOffer": "299" },
        { "lifeTimeMembership": true, "price": 1000, "currencyCode": "JPY", "planType": "PAY_AS_YOU_GO", "minCycles": null, "maxCycles": 0 },
    ] })
}

both_engines! {
    async fn f61_a_group_is_made_found_and_listed(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        let made = post(&server, &key, gold()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let group = made.json();
        let id = group["id"].as_i64().expect("a number");
        assert_eq!(made.header("x-subscriptionapp-params"), id.to_string());
        assert!(made.header("x-subscriptionapp-alert").contains("subscriptionGroup"));
        assert_eq!(get(&server, &key, &format!("subscription-groups/{id}")).await.json(), group);
        assert_eq!(get(&server, &key, "subscription-groups").await.json(), json!([group]));
        assert_eq!((&group["groupName"], &group["productCount"], &group["productVariantCount"]), (&json!("Gold"), &json!(1), &json!(3)));
        let products: Value = serde_json::from_str(group["productIds"].as_str().expect("text")).expect("JSON within");
        assert_eq!(products, json!([{ "id": id, "title": "Gold" }]));
        let variants: Value = serde_json::from_str(group["variantIds"].as_str().expect("text")).expect("JSON within");
        let plans = group["subscriptionPlans"].as_array().expect("selling plans");
        for (plan, variant) in plans.iter().zip(variants.as_array().expect("variants")) {
            let number = &variant["id"];
            assert_eq!((&plan["id"], &plan["idNew"]), (&json!(format!("gid://shopify/SellingPlan/{number}")), &json!(number.to_string())));
            assert_eq!((&plan["groupId"], &plan["groupName"], &plan["variantId"]), (&json!(id), &json!("Gold"), number));
        }
        let facts = |plan: &Value| ["frequencyName", "billingFrequencyCount", "billingFrequencyInterval", "price", "currencyCode", "freeTrialEnabled",
            "freeTrialCount", "freeTrialInterval", "lifeTimeMembership"].map(|name| plan[name].clone());
        assert_eq!(facts(&plans[0]), [json!("Monthly"), json!(1), json!("MONTH"), json!(29.99), json!("EUR"), json!(true), json!(14), json!("DAY"), json!(false)]);
        assert_eq!(facts(&plans[1]), [json!("Every year"), json!(1), json!("YEAR"), json!(299), json!("USD"), json!(false), json!(null), json!(null), json!(false)]);
        assert_eq!(facts(&plans[2]), [json!("Once"), json!(1), json!("YEAR"), json!(1000), json!("JPY"), json!(false), json!(null), json!(null), json!(true)]);
    }

    async fn f61_what_a_group_cannot_be_is_refused(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        assert_eq!(get(&server, &key, "subscription-groups/7").await.status, 404);
        let plan = |change: Value| {
            let mut plan = json!({ "billingFrequencyInterval": "MONTH", "price": 5 });
            plan.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            json!({ "groupName": "x", "subscriptionPlans": [plan] })
        };
        for (change, field) in [
            (json!({"price": null}), "price"), (json!({"price": -1}), "price"), (json!({"price": 1.001}), "price"), (json!({"price": "x"}), "price"),
            (json!({"price": 1e30}), "price"), (json!({"price": 5.5, "currencyCode": "JPY"}), "price"), (json!({"currencyCode": "euros"}), "price"),
            (json!({"billingFrequencyInterval": "FORTNIGHT"}), "billingFrequencyInterval"), (json!({"billingFrequencyInterval": "ONCE"}), "billingFrequencyInterval"),
            (json!({"billingFrequencyCount": 0}), "billingFrequencyInterval"), (json!({"billingFrequencyCount": 101}), "billingFrequencyInterval"),
            (json!({"freeTrialCount": 731}), "freeTrialCount"), (json!({"freeTrialCount": 3, "freeTrialInterval": "EON"}), "freeTrialCount"),
            (json!({"freeTrialCount": 4_000_000_000_i64, "freeTrialInterval": "YEAR"}), "freeTrialCount"),
        ] {
            let reply = post(&server, &key, plan(change.clone())).await;
            assert_eq!(reply.status, 400, "{change}: {}", reply.text());
            assert_eq!(reply.json()["fieldErrors"][0]["field"], format!("subscriptionPlans[0].{field}"), "{change}");
        }
        for change in [json!({"minCycles": 3}), json!({"maxCycles": "12"}), json!({"planType": "PREPAID"}), json!({"frequencyType": "ON_SPECIFIC_DAY"}),
            json!({"discountEnabled2": true})] {
            let reply = post(&server, &key, plan(change.clone())).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["errorKey"]), (400, &json!("notSupported")), "{change}");
        }
        let long = post(&server, &key, json!({"groupName": "x".repeat(201)})).await;
        assert_eq!((long.status.as_u16(), &long.json()["errorKey"]), (400, &json!("nameInvalid")));
        assert!(long.json()["title"].as_str().is_some_and(|title| title.starts_with("UserGeneratedError:")));
        assert_eq!(get(&server, &key, "subscription-groups").await.text(), "[]");
    }

    async fn products_of_a_group_are_its_own(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        let group = post(&server, &key, gold()).await.json();
        let id = group["id"].as_i64().expect("a number");
        let variant = group["subscriptionPlans"][0]["variantId"].as_i64().expect("a number");
        let add = async |id: i64, query: String| {
            let path = format!("{GROUPS}/{id}/add-products?{query}");
            server.anonymous("PUT", &path).key(&key).send().await
        };
        for query in [format!("productIds={id}"), format!("variantIds={variant}"), format!("productIds={id}&variantIds={variant},{variant}")] {
            let reply = add(id, query).await;
            assert_eq!((reply.status.as_u16(), reply.json()), (200, group.clone()));
        }
        for query in [String::new(), "productIds=".into(), "productIds=x".into()] {
            assert_eq!(add(id, query).await.json()["message"], "error.http.400");
        }
        let foreign = add(id, "variantIds=7".into()).await;
        assert_eq!((foreign.status.as_u16(), &foreign.json()["errorKey"]), (400, &json!("productNotOfGroup")));
        let (other, _) = server.second_app().await;
        let theirs = server.guildhall.create_plan(&other, draft("Theirs"), Actor::CommandLine).await.expect("it is made");
        for id in [theirs.number, 7] {
            let reply = add(id, format!("productIds={id}")).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["errorKey"], &reply.json()["message"]), (400, &json!("idnull"), &json!("Invalid id")));
            assert_eq!(get(&server, &key, &format!("subscription-groups/{id}")).await.status, 404, "another app's is not there");
        }
    }

    async fn both_dialects_tell_of_the_same_plans(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        let group = post(&server, &key, gold()).await.json();
        let managing = server.managing_key().await;
        let plans = server.anonymous("GET", "/manage/v1/plans").key(&managing).send().await.json();
        assert_eq!(plans["data"][0]["number"], group["id"]);
        assert_eq!(plans["data"][0]["prices"][0]["amount"], 2999);
        assert_eq!(plans["data"][0]["prices"][0]["trialDays"], 14);
        let id = server.free_plan("Basic", None).await;
        assert_eq!(get(&server, &key, "subscription-groups").await.json()[1]["subscriptionPlans"], json!([]));
        let listed = get(&server, &key, &format!("membership-plans?shop={SHOP}")).await.json();
        assert_eq!(listed["totalElements"], 2);
        let (gold, basic) = (&listed["content"][0], &listed["content"][1]);
        assert_eq!((&gold["id"], &gold["name"], &gold["free"]), (&group["id"], &json!("Gold"), &json!(false)));
        assert_eq!(gold["prices"][0], json!({
            "id": group["subscriptionPlans"][0]["variantId"], "name": "Monthly", "price": 29.99, "currencyCode": "EUR",
            "billingCycleType": "MONTHLY", "billingCycleCount": 1, "trialDays": 14,
        }));
        assert_eq!((&gold["prices"][2]["billingCycleType"], &basic["free"]), (&json!("ONCE"), &json!(true)));
        let page = get(&server, &key, &format!("membership-plans?shop={SHOP}&page=1&size=1")).await.json();
        assert_eq!((&page["content"], &page["totalElements"]), (&json!([basic]), &json!(2)));

        let number = get(&server, &key, "subscription-groups").await.json()[1]["id"].clone();
        let change = PlanChange { status: Some(Status::Inactive), ..PlanChange::default() };
        server.guildhall.update_plan(&server.app, &id, change, Actor::CommandLine).await.expect("it changes");
        assert_eq!(get(&server, &key, &format!("membership-plans?shop={SHOP}")).await.json()["totalElements"], 1);
        assert_eq!(get(&server, &key, "subscription-groups").await.json().as_array().map(Vec::len), Some(1));
        assert_eq!(get(&server, &key, &format!("subscription-groups/{number}")).await.status, 200, "whoever holds it still finds it");
    }

    async fn whoever_makes_a_group_stands_in_the_audit_trail(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        post(&server, &key, gold()).await;
        let managing = server.managing_key().await;
        let plans = server.anonymous("GET", "/manage/v1/plans").key(&managing).send().await.json();
        let subject = plans["data"][0]["id"].as_str().expect("an id").to_owned();
        let store = server.second_store().await;
        let listed: Result<Vec<_>, guildhall_store::StoreError> =
            store.scan(move |tx| Box::pin(async move { tx.audit().of_subject(&subject).await })).await;
        let listed = listed.expect("a list");
        assert_eq!((listed[0].0.as_str(), listed[0].1.as_str()), ("plan.create", "key"));
    }

    async fn a_group_that_is_asked_for_twice_with_one_idempotency_key_is_made_once(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        let ask = async |name: &str| {
            let request = server.anonymous("POST", GROUPS).key(&key).header("idempotency-key", "once-7f1b");
            request.json(&json!({ "groupName": name })).send().await
        };
        let made = ask("Gold").await;
        let again = ask("Gold").await;
        assert_eq!((made.status.as_u16(), again.status.as_u16(), again.header("idempotency-replayed").as_str()), (201, 201, "true"));
        assert_eq!(made.json(), again.json());
        assert_eq!(get(&server, &key, "subscription-groups").await.json().as_array().map(Vec::len), Some(1));
        let other = ask("Silver").await;
        assert_eq!((other.status.as_u16(), &other.json()["errorKey"]), (422, &json!("idempotencyKeyReused")));
    }

    async fn cancelling_asks_no_questions(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        let flow = get(&server, &key, "cancellation-managements/101").await.json();
        assert_eq!((&flow["id"], &flow["shop"]), (&json!(101), &json!(SHOP)));
        assert_eq!((&flow["cancellationType"], &flow["cancellationReasonsJSON"]), (&json!("CANCEL_IMMEDIATELY"), &json!("[]")));
    }
}

fn draft(name: &str) -> guildhall_app::plans::PlanDraft {
    guildhall_app::plans::PlanDraft {
        name: name.into(),
        description: None,
        priority: None,
        restrict_to_admin: false,
        member_limit: None,
        redirects: guildhall_domain::json::JsonObject::empty(),
        prices: Vec::new(),
    }
}
