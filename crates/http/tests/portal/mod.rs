//! A shop for tests, whose customers come to the portal with a browser.

#![allow(dead_code, reason = "each test file uses a part of it")]

use guildhall_domain::Mode;
use guildhall_domain::key::KeyKind;
use guildhall_domain::scope::Scopes;
use guildhall_testkit::{Engine, Reply, Request, TestServer};
use serde_json::{Value, json};

pub const DAY_US: i64 = 24 * 3600 * 1_000_000;
pub const ADA: i64 = 1001;
pub const EVE: i64 = 1002;

/// A server whose app is a store, with an unlimited key of its sandbox.
pub struct Shop {
    pub server: TestServer,
    pub key: String,
}

/// Somebody who came by a link.
pub struct Customer<'s> {
    shop: &'s Shop,
    pub token: String,
    /// What their forms carry.
    pub mark: String,
}

impl Shop {
    pub async fn open(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let key = server.store_key("a.myshopify.com").await;
        Self { server, key }
    }

    /// A store key with these scopes.
    pub async fn key(&self, mode: Mode, scopes: &str) -> String {
        let scopes = Scopes::from_stored(scopes).expect("known scopes");
        let change = |draft: &mut guildhall_app::keys::KeyDraft| {
            draft.kind = KeyKind::Store;
            draft.scopes = scopes;
        };
        self.server.key(mode, change).await.1
    }

    /// A call of the dialect.
    pub async fn call(&self, key: &str, method: &str, path: &str) -> Reply {
        self.server.anonymous(method, &format!("/api/external/v2/{path}")).key(key).send().await
    }

    /// Makes a contract of a customer, 20.00 a month and first charged in ten days; tells its number.
    pub async fn contract(&self, key: &str, customer: i64, over: Value) -> i64 {
        let next = self.server.guildhall.now().plus_micros(10 * DAY_US).to_iso();
        let mut body = json!({
            "customerId": customer, "customerEmail": format!("c{customer}@example.com"), "paymentMethodId": "fake_succeeds",
            "status": "ACTIVE", "nextBillingDate": next, "billingIntervalType": "MONTH", "billingIntervalCount": 1,
            "lines": [{ "variantId": 7, "quantity": 1, "currentPrice": "20.00" }],
        });
        for (name, value) in over.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let path = "/api/external/v2/subscription-contract-details/create-subscription-contract";
        let made = self.server.anonymous("POST", path).key(key).json(&body).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let number = made["id"].as_str().and_then(|id| id.rsplit('/').next()).expect("an id");
        number.parse().expect("a number")
    }

    /// A contract as the dialect shows it.
    pub async fn shown(&self, key: &str, number: i64) -> Value {
        self.call(key, "GET", &format!("subscription-contracts/contract-external/{number}")).await.json()
    }

    /// The number of the charge that is next.
    pub async fn next_charge(&self, number: i64) -> i64 {
        let queue = format!("subscription-billing-attempts/top-orders?contractId={number}");
        self.call(&self.key, "GET", &queue).await.json()[0]["id"].as_i64().expect("a number")
    }

    /// A fresh token for a customer.
    pub async fn token(&self, key: &str, customer: i64) -> String {
        let reply = self.call(key, "GET", &format!("customer-portal-token?customerId={customer}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["token"].as_str().expect("a token").to_owned()
    }

    /// A customer with the portal open.
    pub async fn customer(&self, key: &str, number: i64) -> Customer<'_> {
        let token = self.token(key, number).await;
        let mut customer = Customer { shop: self, token, mark: String::new() };
        let page = customer.page("/portal").await;
        let (_, rest) = page.split_once("name=\"mark\" value=\"").expect("a form");
        customer.mark = rest.split('"').next().unwrap_or_default().to_owned();
        customer
    }

    /// What a browser with this token is answered to a GET.
    pub async fn with_token(&self, token: &str, path: &str) -> Reply {
        let cookie = format!("guildhall_portal={token}");
        self.server.anonymous("GET", path).header("cookie", &cookie).send().await
    }
}

impl Customer<'_> {
    /// A request as their browser sends it.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let cookie = format!("guildhall_portal={}", self.token);
        let request = self.shop.server.anonymous(method, path).header("cookie", &cookie);
        if method == "POST" {
            return request
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", "null")
                .header("sec-fetch-site", "same-origin");
        }
        request
    }

    /// A form of theirs.
    pub async fn send(&self, path: &str, fields: &str) -> Reply {
        self.request("POST", path).body(format!("mark={}&{fields}", self.mark)).send().await
    }

    /// The text of a page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let reply = self.request("GET", path).send().await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert!(reply.body.len() < 100_000, "{path} weighs {}", reply.body.len());
        reply.text()
    }
}
