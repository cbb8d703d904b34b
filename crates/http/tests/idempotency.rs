//! `Idempotency-Key`: a request is carried out once, however often it comes.

use futures_util::future::join_all;
use guildhall_domain::Mode;
use guildhall_http::{ROUTES, Route, Surface};
use guildhall_testkit::{Engine, PASSWORD, Reply, Request, TestServer, both_engines, token_and_member};
use serde_json::{Value, json};

const LEASE_US: i64 = 30_000_000;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

async fn generous(engine: Engine) -> TestServer {
    TestServer::start_with(engine, |settings| {
        settings.limits.client_rate_limit = 100_000;
        settings.limits.sign_in_attempts = 1000;
        settings.limits.sandbox_members_max = 1000;
    })
    .await
}

/// A request that can be sent again.
#[derive(Clone)]
struct Call {
    method: &'static str,
    path: String,
    body: Value,
    /// The key, and a member's token for the client API.
    key: String,
    token: Option<String>,
}

impl Call {
    fn admin(server: &TestServer, method: &'static str, path: &str, body: Value) -> Self {
        Self { method, path: path.to_owned(), body, key: server.sandbox_key.clone(), token: None }
    }

    fn request(&self, server: &TestServer, idempotency_key: &str) -> Request {
        let request = server.anonymous(self.method, &self.path).key(&self.key).json(&self.body);
        let request = request.header("idempotency-key", idempotency_key);
        match &self.token {
            Some(token) => request.header("authorization", &format!("Bearer {token}")),
            None => request,
        }
    }

    async fn send(&self, server: &TestServer, idempotency_key: &str) -> Reply {
        self.request(server, idempotency_key).send().await
    }

    fn with_body(&self, body: Value) -> Self {
        Self { body, ..self.clone() }
    }
}

fn was_replayed(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == "true"
}

/// The same answer once more, and said to be so.
fn assert_replay(first: &Reply, again: &Reply, what: &str) {
    assert!(was_replayed(again), "{what}: {} {}", again.status, again.text());
    assert_eq!((again.status, again.text()), (first.status, first.text()), "{what}");
    assert_eq!(again.header("content-type"), first.header("content-type"), "{what}");
}

fn assert_refused(reply: &Reply, status: u16, code: &str) {
    let body = reply.json();
    let told = body.get("code").or(body.get("errorKey")).and_then(Value::as_str);
    assert_eq!((reply.status.as_u16(), told), (status, Some(code)), "{body}");
    assert!(!was_replayed(reply));
}

/// The codes for a key that was used for something else, and for one that is none.
fn codes(surface: Surface) -> (&'static str, &'static str) {
    match surface {
        Surface::Manage => ("idempotency_key_reused", "idempotency_key_invalid"),
        Surface::Appstle => ("idempotencyKeyReused", "idempotencyKeyInvalid"),
        _ => ("idempotency-key-reused", "invalid-idempotency-key"),
    }
}

/// A contract of customer 12345 for something that costs 20.00 a month.
fn contract_body(variant: i64) -> Value {
    json!({
        "customerId": 12_345, "customerEmail": "customer@example.com", "paymentMethodId": "fake_succeeds",
        "status": "ACTIVE", "nextBillingDate": "2026-04-01T00:00:00Z", "billingIntervalType": "MONTH",
        "billingIntervalCount": 1, "lines": [{ "variantId": variant, "quantity": 1, "currentPrice": "20.00" }],
    })
}

fn create(server: &TestServer, email: &str) -> Call {
    Call::admin(server, "POST", "/members", json!({ "email": email, "password": PASSWORD }))
}

/// A server with all that a good request to any route needs.
struct Scene {
    server: TestServer,
    manager: String,
    store_key: String,
    made: u32,
}

impl Scene {
    async fn set_up(engine: Engine) -> Self {
        let server = generous(engine).await;
        let manager = server.managing_key().await;
        let store_key = server.store_key("a.myshopify.com").await;
        let mut scene = Self { server, manager, store_key, made: 0 };
        let rules = json!({
            "key": "things", "name": "Things", "createRule": "PUBLIC", "readRule": "PUBLIC",
            "updateRule": "PUBLIC", "deleteRule": "PUBLIC", "fields": [{ "key": "text", "type": "TEXT" }],
        });
        scene.made("POST", "/manage/v1/tables", rules).await;
        scene
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("name{}", self.made)
    }

    fn email(&mut self) -> String {
        format!("{}@example.com", self.name())
    }

    /// What the management API or the Admin API made.
    async fn made(&mut self, method: &str, path: &str, body: Value) -> Value {
        let reply = self.server.anonymous(method, path).key(&self.manager).json(&body).send().await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text());
        serde_json::from_slice::<Value>(&reply.body).map_or(Value::Null, |made| made["data"].clone())
    }

    async fn id_of(&mut self, path: &str, body: Value) -> String {
        self.made("POST", path, body).await["id"].as_str().expect("an id").to_owned()
    }

    async fn plan(&mut self) -> String {
        let name = self.name();
        self.id_of("/manage/v1/plans", json!({ "name": name })).await
    }

    async fn permission(&mut self) -> String {
        let name = self.name();
        self.id_of("/manage/v1/permissions", json!({ "name": name })).await
    }

    async fn table(&mut self) -> String {
        let key = self.name();
        let body = json!({ "key": key, "name": key, "fields": [{ "key": "extra", "type": "TEXT" }] });
        self.made("POST", "/manage/v1/tables", body).await;
        key
    }

    async fn record(&mut self) -> String {
        self.id_of("/v2/data-tables/things/records", json!({ "data": { "text": "old" } })).await
    }

    async fn member(&mut self) -> String {
        let email = self.email();
        self.id_of("/members", json!({ "email": email, "password": PASSWORD })).await
    }

    /// Somebody signed up: address, token and id.
    async fn signed_up(&mut self) -> (String, String, String) {
        let email = self.email();
        let (token, member) = self.server.signed_up(&email).await;
        (email, token, member["id"].as_str().expect("an id").to_owned())
    }

    async fn signed_up_without_password(&mut self) -> String {
        let email = self.email();
        self.server.post("/auth/passwordless/signup/send", json!({ "email": email })).await;
        let code = self.server.mailed_code(&email).await;
        let body = json!({ "email": email, "passwordlessToken": code });
        token_and_member(&self.server.post("/auth/signup?isPasswordless=true", body).await).0
    }

    async fn session(&mut self) -> String {
        let (_, _, member) = self.signed_up().await;
        let sessions = self.made("GET", &format!("/manage/v1/members/{member}/sessions"), Value::Null).await;
        sessions[0]["id"].as_str().expect("a session").to_owned()
    }

    /// A good request to a route, for the first time.
    async fn call(&mut self, route: &Route) -> Call {
        match route.surface {
            Surface::Client => self.client_call(route).await,
            Surface::Appstle => {
                let (path, body) = self.appstle_call(route).await;
                Call { method: route.method, path, body, key: self.store_key.clone(), token: None }
            }
            _ => {
                let (path, body) = self.admin_call(route).await;
                Call { method: route.method, path, body, key: self.manager.clone(), token: None }
            }
        }
    }

    async fn appstle_call(&mut self, route: &Route) -> (String, Value) {
        let path = route.path;
        match (route.method, path.trim_start_matches("/api/external/v2/")) {
            ("POST", "subscription-groups") => (path.into(), json!({ "groupName": self.name() })),
            ("PUT", "subscription-groups/{id}/add-products") => {
                let name = self.name();
                let plan = self.made("POST", "/manage/v1/plans", json!({ "name": name })).await;
                let number = plan["number"].to_string();
                (format!("{}?productIds={number}", path.replace("{id}", &number)), json!({}))
            }
            ("POST", "subscription-contract-details/create-subscription-contract") => {
                (path.into(), contract_body(4_711))
            }
            (method, "membership-contracts/{id}/{verb}") => {
                let verb = if method == "PUT" { "pause" } else { "cancel" };
                let filled = path.replace("{id}", &self.contract().await).replace("{verb}", verb);
                (format!("{filled}?shop=a.myshopify.com"), json!({}))
            }
            ("DELETE", "subscription-contract-details/{id}/pending-downgrade") => {
                (path.replace("{id}", &self.downgraded().await), json!({}))
            }
            ("DELETE", "subscription-customers/sync-info/{id}") => (path.replace("{id}", "12345"), json!({})),
            ("DELETE", "subscription-contracts/{id}") => {
                (path.replace("{id}", &self.contract().await), json!({}))
            }
            ("PUT", "subscription-contracts-update-order-note/{id}") => {
                (format!("{}?orderNote=x", path.replace("{id}", &self.contract().await)), json!({}))
            }
            ("PUT", "subscription-contracts-update-custom-note-attributes") => {
                let number: i64 = self.contract().await.parse().expect("a number");
                let list = json!([{ "key": "k", "value": "v" }]);
                (path.into(), json!({ "subscriptionContractId": number, "customAttributesList": list }))
            }
            ("PUT", attempt) if attempt.starts_with("subscription-billing-attempts") => {
                self.attempt_call(path, attempt).await
            }
            ("PUT", change) => {
                let contract = self.contract().await;
                let (query, body) = self.contract_change(change, &contract).await;
                (format!("{path}?contractId={contract}{query}"), body)
            }
            other => panic!("say how a good request to {other:?} looks"),
        }
    }

    async fn admin_call(&mut self, route: &Route) -> (String, Value) {
        let fill = |name: &str, value: &str| route.path.replace(&format!("{{{name}}}"), value);
        let new = self.name();
        match (route.method, route.path) {
            ("POST", "/members") => {
                (route.path.into(), json!({ "email": format!("{new}@example.com"), "password": PASSWORD }))
            }
            ("PATCH", "/members/{id}") => (fill("id", &self.member().await), json!({ "json": { "n": 1 } })),
            ("DELETE", "/members/{id}") => (fill("id", &self.member().await), json!({})),
            ("POST", "/members/{id}/add-plan") => {
                (fill("id", &self.member().await), json!({ "planId": self.plan().await }))
            }
            ("POST", "/members/{id}/remove-plan") => {
                let (member, body) = (self.member().await, json!({ "planId": self.plan().await }));
                self.made("POST", &format!("/members/{member}/add-plan"), body.clone()).await;
                (fill("id", &member), body)
            }
            ("POST", "/members/verify-token") => {
                (route.path.into(), json!({ "token": self.signed_up().await.1 }))
            }
            ("POST", "/v2/data-tables/{table}/records") => {
                (fill("table", "things"), json!({ "data": { "text": "new" } }))
            }
            ("POST", "/v2/data-tables/{table}/records/query") => {
                (fill("table", "things"), json!({ "query": { "findMany": {} } }))
            }
            ("PUT" | "DELETE", "/v2/data-tables/{table}/records/{id}") => {
                let path = fill("table", "things").replace("{id}", &self.record().await);
                (path, json!({ "data": { "text": "new" } }))
            }
            ("PATCH", "/manage/v1/app") => (route.path.into(), json!({ "name": new })),
            ("POST", "/manage/v1/plans" | "/manage/v1/permissions") => {
                (route.path.into(), json!({ "name": new }))
            }
            ("PATCH" | "DELETE", "/manage/v1/plans/{id}") => {
                (fill("id", &self.plan().await), json!({ "name": new }))
            }
            ("PATCH", "/manage/v1/plans/{id}/prices/{price}") => {
                let plan = self.plan().await;
                let prices = format!("/manage/v1/plans/{plan}/prices");
                let price = self.made("POST", &prices, json!({ "amount": 500 })).await;
                let path = fill("id", &plan).replace("{price}", price["id"].as_str().expect("an id"));
                (path, json!({ "status": "INACTIVE" }))
            }
            ("POST", "/manage/v1/plans/{id}/prices") => {
                (fill("id", &self.plan().await), json!({ "amount": 500 }))
            }
            (_, "/manage/v1/plans/{id}/permissions/{permission}") => {
                let path = fill("id", &self.plan().await).replace("{permission}", &self.permission().await);
                if route.method == "DELETE" {
                    self.made("PUT", &path, json!({})).await;
                }
                (path, json!({}))
            }
            ("DELETE", "/manage/v1/permissions/{id}") => (fill("id", &self.permission().await), json!({})),
            ("POST", "/manage/v1/custom-fields") => (route.path.into(), json!({ "key": new, "label": new })),
            ("PUT" | "DELETE", "/manage/v1/custom-fields/{key}") => {
                self.made("POST", "/manage/v1/custom-fields", json!({ "key": new, "label": new })).await;
                (fill("key", &new), json!({ "label": "Another" }))
            }
            ("POST", "/manage/v1/clock/freeze" | "/manage/v1/clock/release") => {
                (route.path.into(), json!({}))
            }
            ("POST", "/manage/v1/clock/advance") => (route.path.into(), json!({ "seconds": 1 })),
            ("PUT" | "DELETE", "/manage/v1/discount-codes/{key}") => {
                let path = fill("key", &new);
                self.made("PUT", &path, json!({ "percentage": 10 })).await;
                (path, json!({ "percentage": 20 }))
            }
            ("POST", "/manage/v1/tables") => (route.path.into(), json!({ "key": new, "name": new })),
            ("PATCH", "/manage/v1/tables/{table}") => {
                (fill("table", &self.table().await), json!({ "name": new }))
            }
            ("DELETE", "/manage/v1/tables/{table}") => {
                let table = self.table().await;
                (format!("{}?confirm={table}", fill("table", &table)), json!({}))
            }
            ("POST", "/manage/v1/tables/{table}/fields") => {
                (fill("table", &self.table().await), json!({ "key": "more", "type": "TEXT" }))
            }
            ("PATCH" | "DELETE", "/manage/v1/tables/{table}/fields/{field}") => {
                (fill("table", &self.table().await).replace("{field}", "extra"), json!({ "name": new }))
            }
            ("DELETE", "/manage/v1/members/{id}/sessions") => {
                (fill("id", &self.signed_up().await.2), json!({}))
            }
            ("DELETE", "/manage/v1/sessions/{id}") => (fill("id", &self.session().await), json!({})),
            (_, "/manage/v1/mail-templates/{key}") => {
                let body = json!({ "subject": "Code", "body": "{{code}}" });
                (fill("key", "log-in-code"), body)
            }
            other => panic!("say how a good request to {other:?} looks"),
        }
    }

    /// What the Appstle dialect made.
    async fn stored(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/api/external/v2/{path}");
        let reply = self.server.anonymous(method, &path).key(&self.store_key).json(&body).send().await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.text());
        serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
    }

    /// The number of an active contract.
    async fn contract_for(&self, variant: i64) -> String {
        let path = "subscription-contract-details/create-subscription-contract";
        let made = self.stored("POST", path, contract_body(variant)).await;
        let id = made["id"].as_str().expect("a global id");
        id.rsplit('/').next().expect("a number").to_owned()
    }

    async fn contract(&self) -> String {
        self.contract_for(4_711).await
    }

    /// The number of the attempt that is next.
    async fn queued(&self, contract: &str) -> i64 {
        let path = format!("subscription-billing-attempts/top-orders?contractId={contract}");
        self.stored("GET", &path, json!({})).await[0]["id"].as_i64().expect("an attempt")
    }

    /// A contract that was paid and becomes cheaper with its next period.
    async fn downgraded(&mut self) -> String {
        let prices =
            json!([{ "amount": 2_000, "interval": "month" }, { "amount": 500, "interval": "month" }]);
        let name = self.name();
        let plan = self.made("POST", "/manage/v1/plans", json!({ "name": name, "prices": prices })).await;
        let [dear, cheap] = [0, 1].map(|at| plan["prices"][at]["number"].as_i64().expect("a number"));
        let contract = self.contract_for(dear).await;
        let attempt = self.queued(&contract).await;
        self.stored("PUT", &format!("subscription-billing-attempts/attempt-billing/{attempt}"), json!({}))
            .await;
        self.server.guildhall.run_billing().await.expect("it is billed");
        let change =
            format!("subscription-contract-update-variant?contractId={contract}&newVariantId={cheap}");
        self.stored("PUT", &change, json!({})).await;
        contract
    }

    async fn attempt_call(&mut self, path: &str, tail: &str) -> (String, Value) {
        let contract = self.contract().await;
        if tail.ends_with("skip-upcoming-order") {
            return (format!("{path}?subscriptionContractId={contract}"), json!({}));
        }
        let attempt = self.queued(&contract).await;
        if tail.ends_with("/unskip-order/{id}") {
            self.stored("PUT", &format!("subscription-billing-attempts/skip-order/{attempt}"), json!({}))
                .await;
        }
        let query = if tail.contains("reschedule") {
            "?billingDate=2026-05-01T00:00:00Z"
        } else if tail.contains("order-note") {
            "?orderNote=x"
        } else {
            ""
        };
        let body =
            json!({ "id": attempt, "shop": "a.myshopify.com", "retryingNeeded": false, "orderNote": "y" });
        (format!("{}{query}", path.replace("{id}", &attempt.to_string())), body)
    }

    async fn contract_change(&mut self, tail: &str, contract: &str) -> (String, Value) {
        let line = format!("&lineId=gid://shopify/SubscriptionLine/{contract}-1");
        let query = match tail {
            "subscription-contracts-update-status" => "&status=PAUSED".into(),
            "subscription-contracts-update-billing-interval" => "&interval=MONTH&intervalCount=3".into(),
            "subscription-contracts-update-delivery-interval" => {
                "&deliveryInterval=WEEK&deliveryIntervalCount=1".into()
            }
            "subscription-contracts-update-billing-date" => "&nextBillingDate=2026-06-01T00:00:00Z".into(),
            "subscription-contracts-update-min-cycles" => "&minCycles=2".into(),
            "subscription-contracts-update-max-cycles" => "&maxCycles=9".into(),
            "subscription-contracts-add-line-item" | "subscription-contract-add-line-item" => {
                "&quantity=1&variantId=4712&price=3.00".into()
            }
            "subscription-contracts-remove-line-item" => {
                let add = format!(
                    "subscription-contracts-add-line-item?contractId={contract}&quantity=1&variantId=4712&price=1"
                );
                self.stored("PUT", &add, json!({})).await;
                line
            }
            "subscription-contracts-update-line-item"
            | "subscription-contracts-update-line-item-quantity"
            | "subscription-contracts-update-line-item-price" => format!("{line}&quantity=2&basePrice=4.00"),
            "subscription-contracts-update-line-item-attributes" => {
                return (line, json!([{ "key": "k", "value": "v" }]));
            }
            "subscription-contract-update-variant" => {
                let name = self.name();
                let prices = json!([{ "amount": 900, "interval": "month" }]);
                let plan =
                    self.made("POST", "/manage/v1/plans", json!({ "name": name, "prices": prices })).await;
                format!("&newVariantId={}", plan["prices"][0]["number"])
            }
            "subscription-contracts-apply-discount" => {
                self.made("PUT", "/manage/v1/discount-codes/TEN", json!({ "percentage": 10 })).await;
                "&discountCode=TEN".into()
            }
            "subscription-contracts-add-discount" => "&discountType=PERCENTAGE&percentage=25".into(),
            "subscription-contracts-remove-discount" => {
                let add = format!("subscription-contracts-add-discount?contractId={contract}&percentage=25");
                let added = self.stored("PUT", &add, json!({})).await;
                format!("&discountId={}", added["discounts"]["nodes"][0]["id"].as_str().expect("an id"))
            }
            "subscription-contracts-update-payment-method" => String::new(),
            "subscription-contracts-update-shipping-address" => {
                return (String::new(), json!({ "city": "Bonn" }));
            }
            other => panic!("say how a good request to {other} looks"),
        };
        (query, json!({}))
    }

    async fn client_call(&mut self, route: &Route) -> Call {
        let mut call = Call {
            method: route.method,
            path: route.path.to_owned(),
            body: json!({}),
            key: self.server.public_key.clone(),
            token: None,
        };
        match (route.method, route.path) {
            ("POST", "/auth/signup") => call.body = json!({ "email": self.email(), "password": PASSWORD }),
            ("POST", "/auth/login") => {
                call.body = json!({ "email": self.signed_up().await.0, "password": PASSWORD });
            }
            ("POST", "/auth/passwordless/signup/send") => call.body = json!({ "email": self.email() }),
            ("POST", "/auth/passwordless/login/send" | "/auth/send-reset-password-email") => {
                call.body = json!({ "email": self.signed_up().await.0 });
            }
            ("POST", "/auth/passwordless/login") => {
                let email = self.signed_up().await.0;
                self.server.post("/auth/passwordless/login/send", json!({ "email": email })).await;
                let code = self.server.mailed_code(&email).await;
                call.body = json!({ "email": email, "passwordlessToken": code });
            }
            ("POST", "/auth/reset-password") => {
                let email = self.signed_up().await.0;
                self.server.post("/auth/send-reset-password-email", json!({ "email": email })).await;
                let code = self.server.mailed_code(&email).await;
                call.body = json!({ "token": code, "newPassword": "another-password" });
            }
            ("POST", "/member/set-password") => {
                call.token = Some(self.signed_up_without_password().await);
                call.body = json!({ "password": PASSWORD });
            }
            ("POST", "/member-auth") => {
                call.token = Some(self.signed_up().await.1);
                call.body = json!({ "oldPassword": PASSWORD, "newPassword": "another-password" });
            }
            ("POST", "/member/plans/add" | "/member/plans/remove") => {
                let (_, token, member) = self.signed_up().await;
                call.body = json!({ "planId": self.plan().await });
                if route.path.ends_with("remove") {
                    self.made("POST", &format!("/members/{member}/add-plan"), call.body.clone()).await;
                }
                call.token = Some(token);
            }
            ("POST" | "DELETE", "/member")
            | (
                "POST",
                "/member/logout"
                | "/member/json"
                | "/auth/send-email-verification"
                | "/app-member"
                | "/page-view"
                | "/event",
            ) => {
                call.token = Some(self.signed_up().await.1);
                if route.path == "/member/json" {
                    call.body = json!({ "json": { "n": 1 } });
                }
            }
            ("POST", "/v1/data-records") => {
                call.body = json!({ "table": "things", "data": { "text": "new" } })
            }
            ("POST", "/v1/data-records/query") => {
                call.body = json!({ "table": "things", "query": { "findMany": {} } });
            }
            ("PUT" | "DELETE", "/v1/data-records/{id}") => {
                call.path = route.path.replace("{id}", &self.record().await);
                call.body = json!({ "data": { "text": "new" } });
            }
            other => panic!("say how a good request to {other:?} looks"),
        }
        call
    }
}

/// The routes of the dialects that are not to be repeated freely.
fn writes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.method != "GET" && route.surface != Surface::Machines)
}

both_engines! {
    async fn every_route_that_is_no_get_takes_the_header(engine) {
        let mut scene = Scene::set_up(engine).await;
        for (number, route) in writes().enumerate() {
            let what = format!("{} {}", route.method, route.path);
            let call = scene.call(route).await;
            let (server, key) = (&scene.server, format!("key-{number}"));
            let first = call.send(server, &key).await;
            assert!(first.status.is_success() && !was_replayed(&first), "{what}: {} {}", first.status, first.text());
            let written = server.database.number("SELECT COUNT(*) FROM audit_entries").await;
            assert_replay(&first, &call.send(server, &key).await, &what);
            assert_eq!(server.database.number("SELECT COUNT(*) FROM audit_entries").await, written, "{what}");

            let (code, _) = codes(route.surface);
            assert_refused(&call.with_body(json!({ "another": "body" })).send(server, &key).await, 422, code);
            let elsewhere = Call { path: format!("{}?another=query", call.path), ..call.clone() };
            assert_refused(&elsewhere.send(server, &key).await, 422, code);
            assert_replay(&first, &call.send(server, &key).await, &what);
        }
    }

    async fn a_malformed_header_is_refused_and_nothing_is_carried_out(engine) {
        let mut scene = Scene::set_up(engine).await;
        let long = "k".repeat(256);
        for route in writes() {
            let call = scene.call(route).await;
            let written = scene.server.database.number("SELECT COUNT(*) FROM audit_entries").await;
            for bad in ["", " ", "a b", "tab\there", &long] {
                let (_, code) = codes(route.surface);
                assert_refused(&call.send(&scene.server, bad).await, 400, code);
            }
            let now = scene.server.database.number("SELECT COUNT(*) FROM audit_entries").await;
            assert_eq!(now, written, "{} {}", route.method, route.path);
        }
        assert_eq!(scene.server.database.number("SELECT COUNT(*) FROM idempotency_keys").await, 0);
        let read = scene.server.request("GET", "/members").header("idempotency-key", &long).send().await;
        assert_eq!(read.status, 200, "a read takes no key");
    }

    async fn of_many_at_once_one_is_carried_out(engine) {
        let mut scene = Scene::set_up(engine).await;
        let email = scene.email();
        let server = &scene.server;
        let record = Call::admin(server, "POST", "/v2/data-tables/things/records", json!({ "data": { "text": "one" } }));
        for (key, call) in [("members", create(server, &email)), ("records", record)] {
            let replies = join_all((0..8).map(|_| call.send(server, key))).await;
            let (done, others): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
            assert!(!done.is_empty());
            assert!(done.iter().all(|reply| reply.text() == done[0].text()), "one and the same answer");
            assert_eq!(done.iter().filter(|reply| !was_replayed(reply)).count(), 1, "carried out once");
            for other in &others {
                assert_refused(other, 409, "idempotency-in-flight");
                assert_eq!(other.header("retry-after"), "1");
            }
        }
        assert_eq!(server.total().await, 1);
        let count = json!({ "query": { "findMany": { "_count": true } } });
        let records = server.request("POST", "/v2/data-tables/things/records/query").json(&count).send().await;
        assert_eq!(records.json()["data"]["_count"], 1, "{}", records.text());
    }

    async fn it_holds_over_a_restart(engine) {
        let mut server = TestServer::start(engine).await;
        let call = create(&server, "ada@example.com");
        let first = call.send(&server, "k").await;
        assert_eq!(first.status, 200);
        server.restart().await;
        assert_replay(&first, &call.send(&server, "k").await, "after a restart");
        assert_eq!(server.total().await, 1);
    }

    async fn what_was_committed_before_a_crash_is_never_carried_out_again(engine) {
        let mut server = TestServer::start(engine).await;
        let call = create(&server, "ada@example.com");
        let first = call.send(&server, "k").await;
        let id = first.json()["data"]["id"].as_str().expect("an id").to_owned();
        // As a kill between the commit and the answer leaves it. With the member gone, nothing but the key
        // would keep the request from being carried out again.
        server.database.execute("UPDATE idempotency_keys SET status = NULL, content_type = NULL, body = NULL").await;
        server.request("DELETE", &format!("/members/{id}")).send().await;
        server.restart().await;
        assert_refused(&call.send(&server, "k").await, 409, "idempotency-in-flight");
        server.clock.advance_us(LEASE_US);
        for _ in 0..2 {
            let lost = call.send(&server, "k").await;
            assert_refused(&lost, 409, "idempotency-answer-lost");
            assert_eq!(lost.header("retry-after"), "", "it is no use to try again");
            let done = format!("This was done: member.create {id}.");
            assert!(lost.text().contains(&done), "{}", lost.text());
        }
        assert_refused(&call.with_body(json!({})).send(&server, "k").await, 422, "idempotency-key-reused");
        assert_eq!(server.total().await, 0);
    }

    async fn what_had_written_nothing_before_a_crash_is_carried_out_after_the_lease(engine) {
        let server = TestServer::start(engine).await;
        let call = create(&server, "ada@example.com");
        let id = call.send(&server, "k").await.json()["data"]["id"].as_str().expect("an id").to_owned();
        server.request("DELETE", &format!("/members/{id}")).send().await;
        let unwritten = "UPDATE idempotency_keys SET status = NULL, content_type = NULL, body = NULL, wrote = (1 = 0)";
        server.database.execute(unwritten).await;
        assert_refused(&call.send(&server, "k").await, 409, "idempotency-in-flight");
        server.clock.advance_us(LEASE_US);
        let again = call.send(&server, "k").await;
        assert!(again.status == 200 && !was_replayed(&again), "{}", again.text());
        assert_replay(&again, &call.send(&server, "k").await, "and kept");
        assert_eq!(server.total().await, 1);
    }

    async fn who_hangs_up_finds_the_answer_when_it_comes_back(engine) {
        let server = TestServer::start(engine).await;
        let call = Call::admin(&server, "POST", "/members", json!({ "email": "ada@example.com", "password": PASSWORD }));
        let begun = async {
            while server.database.number("SELECT COUNT(*) FROM idempotency_keys").await == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            // Dropped in the middle of it, as a connection that is gone drops it.
            _ = call.send(&server, "k") => {}
            () = begun => {}
        }
        let answer = loop {
            let answer = call.send(&server, "k").await;
            if answer.status != 409 {
                break answer;
            }
        };
        assert!(was_replayed(&answer) && answer.status == 200, "{}", answer.text());
        assert_eq!(server.total().await, 1);
    }

    async fn the_same_key_of_another_is_another_key(engine) {
        let server = generous(engine).await;
        let (_, other_app) = server.second_app().await;
        let (_, second) = server.key(Mode::Sandbox, |_| ()).await;
        let mine = create(&server, "ada@example.com");
        assert_eq!(mine.send(&server, "k").await.status, 200);
        for (key, email) in [(&server.live_key, "ada@example.com"), (&other_app, "ada@example.com"), (&second, "eve@example.com")] {
            let theirs = Call { key: key.clone(), ..create(&server, email) };
            let reply = theirs.send(&server, "k").await;
            assert!(reply.status == 200 && !was_replayed(&reply), "{}", reply.text());
        }
        let site = Call { key: server.public_key.clone(), path: "/auth/signup".into(), ..create(&server, "") };
        let bob = site.with_body(json!({ "email": "bob@example.com", "password": PASSWORD })).send(&server, "k").await;
        let (token, _) = token_and_member(&bob);
        let json = json!({ "json": { "n": 1 } });
        for token in [token, server.signed_up("cleo@example.com").await.0] {
            let own = Call { path: "/member/json".into(), token: Some(token), body: json.clone(), ..site.clone() };
            let reply = own.send(&server, "k").await;
            assert!(reply.status == 200 && !was_replayed(&reply), "{}", reply.text());
            assert!(was_replayed(&own.send(&server, "k").await));
        }
    }

    async fn what_changed_nothing_frees_the_key(engine) {
        let server = generous(engine).await;
        server.member("taken@example.com").await;
        let refused = create(&server, "taken@example.com");
        for _ in 0..2 {
            assert_refused(&refused.send(&server, "k").await, 400, "email-already-in-use");
        }
        let good = create(&server, "free@example.com").send(&server, "k").await;
        assert_eq!(good.status, 200, "the key is free for another body");

        let site = Call { key: server.public_key.clone(), path: "/auth/login".into(), ..refused };
        let log_in = |password: &str| site.with_body(json!({ "email": "ada@example.com", "password": password }));
        server.signed_up("ada@example.com").await;
        assert_refused(&log_in("a-wrong-password").send(&server, "login").await, 401, "invalid-credentials");
        assert_eq!(log_in(PASSWORD).send(&server, "login").await.status, 200, "counting a try is not what was asked for");
        assert_eq!(server.database.number("SELECT COUNT(*) FROM idempotency_keys").await, 2);
    }

    async fn an_error_of_a_request_that_has_written_is_kept(engine) {
        let server = generous(engine).await;
        server.signed_up("ada@example.com").await;
        server.post("/auth/passwordless/login/send", json!({ "email": "ada@example.com" })).await;
        let body = json!({ "email": "ada@example.com", "passwordlessToken": "nocode" });
        let site = Call { key: server.public_key.clone(), path: "/auth/passwordless/login".into(), body, ..create(&server, "") };
        let first = site.send(&server, "k").await;
        assert_refused(&first, 400, "invalid-passwordless-login-code");
        assert_replay(&first, &site.send(&server, "k").await, "a guess that was counted");
    }

    async fn a_key_is_kept_for_a_day(engine) {
        let server = TestServer::start(engine).await;
        let call = |email| create(&server, email);
        assert_eq!(call("ada@example.com").send(&server, "old").await.status, 200);
        server.clock.advance_us(DAY_US - 1);
        assert!(was_replayed(&call("ada@example.com").send(&server, "old").await));
        assert_eq!(call("eve@example.com").send(&server, "new").await.status, 200);
        server.clock.advance_us(1);
        assert_eq!(call("bob@example.com").send(&server, "old").await.status, 200, "it is nobody's any more");
        server.clock.advance_us(DAY_US - 1);
        server.guildhall.clear_old_idempotency_keys().await.expect("they are cleared");
        assert_eq!(server.database.number("SELECT COUNT(*) FROM idempotency_keys").await, 1);
        assert!(was_replayed(&call("bob@example.com").send(&server, "old").await));
    }

    async fn nothing_that_is_stored_tells_a_key_a_password_or_a_token(engine) {
        let server = generous(engine).await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let site = Call { key: server.public_key.clone(), path: "/auth/signup".into(), body, ..create(&server, "") };
        let (token, _) = token_and_member(&site.send(&server, "an-idempotency-key").await);
        let store = server.second_store().await;
        store.close().await;
        for secret in [token.as_str(), PASSWORD, "an-idempotency-key"] {
            for column in ["body", "key_hash", "request_hash"] {
                let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
                let found = match engine {
                    Engine::Sqlite => format!("instr(hex({column}), '{hex}') > 0"),
                    Engine::Postgres => format!("strpos(upper(encode({column}, 'hex')), '{hex}') > 0"),
                };
                let sql = format!("SELECT COUNT(*) FROM idempotency_keys WHERE {found}");
                assert_eq!(server.database.number(&sql).await, 0, "{column}");
            }
        }
        assert!(was_replayed(&site.send(&server, "an-idempotency-key").await));
    }
}
