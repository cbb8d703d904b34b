//! Links to the customer portal: who gets one, how long it works, and that nobody else can have it.

mod portal;

use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::portal::{LINKS_MAX, portal_token_hash};
use guildhall_http::{AccessLog, AccessLogForm, HttpSettings};
use guildhall_testkit::{Reply, both_engines};
use portal::{ADA, DAY_US, EVE, Shop};
use serde_json::json;
use std::sync::{Arc, Mutex};

const HOUR_US: i64 = 3600 * 1_000_000;
const MAGIC: &str = "subscription-contracts-email-magic-link";

fn assert_unknown_customer(reply: &Reply) {
    assert_eq!(
        (reply.status.as_u16(), reply.json()["errorKey"].as_str()),
        (400, Some("invalidCustomer")),
        "{}",
        reply.text()
    );
}

/// The page that somebody without a link that works sees.
fn assert_no_way_in(reply: &Reply, status: u16) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    assert!(reply.header("content-type").starts_with("text/html"));
    assert!(reply.text().contains("Ask for a new one"), "{}", reply.text());
}

both_engines! {
    async fn f60_a_link_and_a_token_are_made_for_one_customer(engine) {
        let shop = Shop::open(engine).await;
        shop.contract(&shop.key, ADA, json!({})).await;
        let made = shop.call(&shop.key, "GET", &format!("manage-subscription-link/{ADA}")).await;
        assert_eq!(made.status, 200, "{}", made.text());
        assert_eq!(made.header("cache-control"), "no-store");
        let made = made.json();
        assert_eq!(made.as_object().map(|fields| fields.len()), Some(2));
        let in_two_hours = shop.server.guildhall.now().plus_micros(2 * HOUR_US).to_iso().replace(".000Z", "Z");
        assert_eq!(made["tokenExpirationTime"], in_two_hours);
        let link = made["manageSubscriptionLink"].as_str().expect("a link");
        let path = link.strip_prefix("http://127.0.0.1:3010").expect("of this server");
        assert!(path.starts_with("/portal?token="), "{path}");

        let opened = shop.server.anonymous("GET", path).send().await;
        assert_eq!((opened.status.as_u16(), opened.header("location").as_str()), (303, "/portal"));
        let cookie = opened.header("set-cookie");
        for part in ["Path=/portal", "HttpOnly", "SameSite=Lax", "Max-Age=7200"] {
            assert!(cookie.split("; ").any(|known| known == part), "{part}: {cookie}");
        }
        let pair = cookie.split(';').next().unwrap_or_default();
        let page = shop.server.anonymous("GET", "/portal").header("cookie", pair).send().await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.text().contains(&format!("c{ADA}@example.com")) && page.text().contains("20.00 USD every month"));
        assert_eq!(shop.server.anonymous("GET", path).send().await.status, 303, "opening it uses nothing up");

        for query in [format!("customerId={ADA}"), format!("email=C{ADA}%40Example.com")] {
            let token = shop.call(&shop.key, "GET", &format!("customer-portal-token?{query}")).await;
            assert_eq!((token.status.as_u16(), token.header("cache-control").as_str()), (200, "no-store"));
            let token = token.json();
            assert_eq!((token["customerId"].as_i64(), token.as_object().map(|fields| fields.len())), (Some(ADA), Some(2)));
            let opened = shop.with_token(token["token"].as_str().expect("a token"), "/portal").await;
            assert_eq!(opened.status, 200);
        }
        for bad in [String::new(), format!("?customerId={ADA}&email=c{ADA}%40example.com"), "?customerId=&email=".into(), "?customerId=x".into()] {
            let refused = shop.call(&shop.key, "GET", &format!("customer-portal-token{bad}")).await;
            assert_eq!((refused.status.as_u16(), refused.json()["message"].as_str()), (400, Some("error.http.400")), "{bad}");
        }
        for unknown in ["customer-portal-token?customerId=4711", "customer-portal-token?email=nobody%40example.com", "customer-portal-token?email=nonsense",
            "manage-subscription-link/4711", "manage-subscription-link/-1", &format!("{MAGIC}?email=nobody%40example.com"), &format!("{MAGIC}?email=%00x")] {
            let refused = shop.call(&shop.key, "GET", unknown).await;
            if unknown.contains("%00") {
                assert_eq!(refused.status, 400);
            } else {
                assert_unknown_customer(&refused);
            }
        }
    }

    async fn a_link_is_mailed_in_the_apps_own_words_and_not_too_often(engine) {
        let shop = Shop::open(engine).await;
        shop.contract(&shop.key, ADA, json!({})).await;
        let address = format!("c{ADA}@example.com");
        let manager = shop.server.managing_key().await;
        let wording = json!({ "subject": "Come to {{app}}", "body": "{{link}} for {{minutes}}" });
        let set = shop.server.anonymous("PUT", "/manage/v1/mail-templates/portal-link").key(&manager).json(&wording).send().await;
        assert!(set.status.is_success(), "{}", set.text());
        let useless = json!({ "subject": "Come", "body": "without" });
        let refused = shop.server.anonymous("PUT", "/manage/v1/mail-templates/portal-link").key(&manager).json(&useless).send().await;
        assert_eq!(refused.status, 400, "a body without its link");

        let path = format!("{MAGIC}?email=C{ADA}%40EXAMPLE.com");
        for _ in 0..5 {
            let sent = shop.call(&shop.key, "GET", &path).await;
            assert_eq!((sent.status.as_u16(), sent.text().as_str()), (200, "Email triggered successfully."));
            assert!(sent.header("content-type").starts_with("text/plain"));
        }
        let mails = shop.server.mailbox(&address).await;
        assert_eq!((mails.len(), mails[0].subject.as_str()), (5, "Come to Test"));
        assert!(mails[0].text.ends_with(" for 120"), "{}", mails[0].text);
        let link = shop.server.mailed_link(&address).await;
        assert_eq!(shop.server.anonymous("GET", &link).send().await.status, 303);

        let too_many = shop.call(&shop.key, "GET", &path).await;
        assert_eq!((too_many.status.as_u16(), too_many.json()["error"].as_str()), (429, Some("Too Many Requests")));
        assert_ne!(too_many.header("retry-after"), "");
        assert_eq!(shop.server.mailbox(&address).await.len(), 5);
        shop.contract(&shop.key, EVE, json!({})).await;
        assert_eq!(shop.call(&shop.key, "GET", &format!("{MAGIC}?email=c{EVE}%40example.com")).await.status, 200, "others are not held up");
        for _ in 0..5 {
            assert_unknown_customer(&shop.call(&shop.key, "GET", &format!("{MAGIC}?email=nobody%40example.com")).await);
        }
        assert_eq!(shop.call(&shop.key, "GET", &format!("{MAGIC}?email=nobody%40example.com")).await.status, 429, "nobody is counted as well");
        assert_eq!(shop.call(&shop.key, "GET", MAGIC).await.status, 400);
        shop.server.clock.advance_us(60_000_000);
        assert_eq!(shop.call(&shop.key, "GET", &path).await.status, 200);
    }

    async fn a_link_ends_by_itself_by_signing_out_and_with_its_member_key_or_address(engine) {
        let shop = Shop::open(engine).await;
        shop.contract(&shop.key, ADA, json!({})).await;
        shop.contract(&shop.key, EVE, json!({})).await;
        let hex = "ab".repeat(32);
        for nonsense in ["", "x", &hex, &hex.to_uppercase(), "%00", &"é".repeat(32)] {
            let encoded: String = nonsense.bytes().map(|byte| format!("%{byte:02X}")).collect();
            assert_no_way_in(&shop.server.anonymous("GET", &format!("/portal?token={encoded}")).send().await, 401);
        }
        assert_no_way_in(&shop.with_token(&hex, "/portal").await, 401);

        let token = shop.token(&shop.key, ADA).await;
        shop.server.clock.advance_us(2 * HOUR_US - 1_000_000);
        assert_eq!(shop.with_token(&token, "/portal").await.status, 200);
        shop.server.clock.advance_us(1_000_000);
        assert_no_way_in(&shop.with_token(&token, "/portal").await, 410);
        assert_no_way_in(&shop.server.anonymous("GET", &format!("/portal?token={token}")).send().await, 410);
        shop.server.guildhall.clear_ended_sign_ins().await.expect("it is cleared");
        assert_no_way_in(&shop.with_token(&token, "/portal").await, 410);
        shop.server.clock.advance_us(DAY_US);
        shop.server.guildhall.clear_ended_sign_ins().await.expect("it is cleared");
        assert_no_way_in(&shop.with_token(&token, "/portal").await, 401);

        let (leaving, staying) = (shop.customer(&shop.key, ADA).await, shop.token(&shop.key, ADA).await);
        let left = leaving.send("/portal/sign-out", "").await;
        assert_eq!(left.status, 200, "{}", left.text());
        assert!(left.header("set-cookie").contains("Max-Age=0"));
        assert_no_way_in(&shop.with_token(&leaving.token, "/portal").await, 410);
        assert_eq!(shop.with_token(&staying, "/portal").await.status, 200, "several work at once");

        let ada = shop.server.request("GET", &format!("/members/c{ADA}%40example.com")).send().await.json();
        let id = ada["data"]["id"].as_str().expect("an id").to_owned();
        let moved = shop.server.request("PATCH", &format!("/members/{id}")).json(&json!({ "email": "ada@example.com" })).send().await;
        assert_eq!(moved.status, 200, "{}", moved.text());
        assert_no_way_in(&shop.with_token(&staying, "/portal").await, 401);

        let other_key = shop.key(Mode::Sandbox, "").await;
        let (by_other, own) = (shop.token(&other_key, ADA).await, shop.token(&shop.key, ADA).await);
        let keys = shop.server.guildhall.list_keys(Some(&shop.server.app)).await.expect("a list");
        let other = keys.iter().find(|key| other_key.starts_with(&key.start)).expect("the key");
        shop.server.guildhall.revoke_key(&other.id, Actor::CommandLine).await.expect("it is revoked");
        assert_no_way_in(&shop.with_token(&by_other, "/portal").await, 401);
        assert_eq!(shop.with_token(&own, "/portal").await.status, 200);

        let gone = shop.server.request("DELETE", &format!("/members/{id}")).send().await;
        assert_eq!(gone.status, 200, "{}", gone.text());
        assert_no_way_in(&shop.with_token(&own, "/portal").await, 401);
    }

    async fn only_the_newest_links_of_a_member_are_kept(engine) {
        let shop = Shop::open(engine).await;
        shop.contract(&shop.key, ADA, json!({})).await;
        shop.contract(&shop.key, EVE, json!({})).await;
        let (first, eves) = (shop.token(&shop.key, ADA).await, shop.token(&shop.key, EVE).await);
        let second = shop.token(&shop.key, ADA).await;
        for _ in 2..LINKS_MAX {
            shop.token(&shop.key, ADA).await;
        }
        assert_eq!(shop.with_token(&first, "/portal").await.status, 200);
        let last = shop.token(&shop.key, ADA).await;
        assert_no_way_in(&shop.with_token(&first, "/portal").await, 401);
        for token in [&second, &last, &eves] {
            assert_eq!(shop.with_token(token, "/portal").await.status, 200);
        }
    }

    async fn no_link_lies_or_is_told_in_clear(engine) {
        let mut shop = Shop::open(engine).await;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = AccessLog::new(AccessLogForm::Json, move |line| sink.lock().expect("whole").extend_from_slice(line));
        shop.server = shop.server.with_http(HttpSettings { access_log: log, ..HttpSettings::default() });
        shop.contract(&shop.key, ADA, json!({})).await;
        let ada = shop.customer(&shop.key, ADA).await;
        let mut shown = String::new();
        for (method, path) in [("GET", format!("/portal?token={}", ada.token)), ("POST", format!("/portal?token={}", ada.token)),
            ("GET", "/portal".into()), ("GET", format!("/portal/{}", ada.token)), ("POST", "/portal/contracts/1/pause".into()),
            ("GET", format!("/portal/contracts/{}/cancel", ada.token)), ("GET", format!("/portal?done={}", ada.token))] {
            let reply = ada.request(method, &path).send().await;
            let cookie = reply.header("set-cookie");
            shown += &format!("{} {:?}{}", reply.header("location"), reply.headers, reply.text()).replace(&cookie, "");
        }
        let reply = ada.send("/portal/sign-out", "").await;
        shown += &format!("{:?}{}", reply.headers, reply.text());
        let reply = shop.with_token(&ada.token, "/portal").await;
        shown += &format!("{:?}{}", reply.headers, reply.text());
        let reply = shop.server.anonymous("GET", "/metrics").send().await;
        shown += &reply.text();
        shown += &String::from_utf8_lossy(&lines.lock().expect("whole"));
        assert!(shown.contains(r#""route":"/portal""#) && shown.contains("portal_link_ended"), "something was logged");
        assert!(!shown.contains(&ada.token), "{shown}");

        let store = shop.server.second_store().await;
        let hash = portal_token_hash(&ada.token).expect("a token");
        let kept = store.read::<_, guildhall_store::StoreError, _>(move |tx| Box::pin(async move { tx.portal_tokens().find(hash).await }));
        let kept = kept.await.expect("it answers").expect("it is kept");
        assert!(kept.ended_at.is_some() && !format!("{kept:?}").contains(&ada.token));
        let id = kept.member_id.as_str().to_owned();
        let told = store.read::<_, guildhall_store::StoreError, _>(move |tx| Box::pin(async move { tx.audit().of_subject(&id).await }));
        let told = told.await.expect("entries");
        let actions: Vec<_> = told.iter().map(|(action, kind, ..)| (action.as_str(), kind.as_str())).collect();
        assert!(actions.contains(&("portal.link", "key")) && actions.contains(&("portal.sign-out", "portal")), "{actions:?}");
        assert!(!format!("{told:?}").contains(&ada.token));
        store.close().await;
        if let guildhall_app::Target::Sqlite(file) = &shop.server.database.target {
            shop.server.guildhall.close().await;
            for ending in ["", "-wal"] {
                let name = format!("{}{ending}", file.display());
                let bytes = std::fs::read(&name).unwrap_or_default();
                assert!(ending == "-wal" || !bytes.is_empty());
                let found = bytes.windows(ada.token.len()).any(|window| window == ada.token.as_bytes());
                assert!(!found, "the token is in {name}");
            }
        }
    }
}
