//! Who gets in at the Appstle dialect, and how everyone else is told the same (cases 1 to 29 of the wire contract).

use guildhall_app::apps::AppChange;
use guildhall_app::keys::KeyDraft;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::KeyId;
use guildhall_domain::key::{KeyKind, PlainKey, RateLimit};
use guildhall_domain::scope::{Scope, Scopes};
use guildhall_domain::{Code, Mode};
use guildhall_http::{AccessLog, AccessLogForm, HttpSettings, PlanGate};
use guildhall_testkit::{Engine, Reply, TestServer, both_engines};
use serde_json::json;
use std::sync::{Arc, Mutex};

const SHOP: &str = "a.myshopify.com";
const GUIDE: &str = "/api/external/v2/membership-plans?shop=a.myshopify.com";
const GROUPS: &str = "/api/external/v2/subscription-groups";
const UNAUTHORIZED: &str = r#"{"error":"Unauthorized","message":"Invalid API key provided","status":401}"#;

/// A server whose app is the store, with an unlimited key of its sandbox.
async fn store(engine: Engine) -> (TestServer, String) {
    let server = TestServer::start_with(engine, |settings| settings.limits.bad_key_limit = 1_000_000).await;
    let key = server.store_key(SHOP).await;
    (server, key)
}

async fn store_key(server: &TestServer, change: impl FnOnce(&mut KeyDraft)) -> (KeyId, String) {
    let kind = |draft: &mut KeyDraft| {
        draft.kind = KeyKind::Store;
        change(draft);
    };
    server.key(Mode::Sandbox, kind).await
}

async fn with_key(server: &TestServer, key: &str, path: &str) -> Reply {
    server.anonymous("GET", path).key(key).send().await
}

async fn partner(server: &TestServer) -> (KeyId, String) {
    let made = server.guildhall.create_partner("Integrator", Actor::CommandLine).await.expect("it is made");
    (made.key.id.clone(), made.plain.reveal().to_owned())
}

/// The one answer to every bad key.
fn assert_unauthorized(reply: &Reply, what: &str) {
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (401, UNAUTHORIZED), "{what}");
    assert!(reply.header("content-type").starts_with("application/json"), "{what}");
    assert_eq!(reply.header("ratelimit-limit"), "", "{what}: nothing tells the causes apart");
}

both_engines! {
    async fn f01_to_f04_the_key_comes_in_the_header_or_the_query_or_both(engine) {
        let (server, key) = store(engine).await;
        for name in ["X-API-Key", "x-api-key", "X-Api-Key"] {
            let reply = server.anonymous("GET", GUIDE).header(name, &key).send().await;
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            assert!(reply.json()["content"].is_array() && reply.json()["totalElements"].is_u64());
        }
        let in_query = format!("{GUIDE}&api_key={key}");
        assert_eq!(server.anonymous("GET", &in_query).send().await.status, 200);
        assert_eq!(with_key(&server, &key, &in_query).await.status, 200, "both, the same");
        for blank in ["", " ", "\t "] {
            assert_eq!(with_key(&server, blank, &in_query).await.status, 200, "a blank header is none");
        }
        assert_unauthorized(&with_key(&server, "apst_unknown", &in_query).await, "a wrong header wins");
        assert_eq!(with_key(&server, &key, &format!("{GUIDE}&api_key=wrong")).await.status, 200, "so does a right one");
        let only = format!("{GROUPS}?api_key={key}");
        assert_eq!(server.anonymous("GET", &only).send().await.text(), "[]");
    }

    async fn f07_to_f14_every_bad_key_meets_one_answer(engine) {
        let (server, key) = store(engine).await;
        let (revoked, revoked_key) = store_key(&server, |_| ()).await;
        let soon = server.guildhall.now().plus_micros(1_000_000);
        let (_, expired) = store_key(&server, |draft| draft.expires_at = Some(soon)).await;
        let (_, elsewhere) = store_key(&server, |draft| {
            draft.allowed_addresses = vec!["198.51.100.0/24".parse().expect("a network")];
        }).await;
        server.guildhall.revoke_key(&revoked, Actor::CommandLine).await.expect("it is revoked");
        server.clock.advance_us(2_000_000);
        let (_, partner) = partner(&server).await;
        let padded = [format!("{key} "), format!(" {key}"), format!("{key}\t"), format!("\"{key}\""), format!("Bearer {key}")];
        let mistyped = format!("{}{}", &key[..key.len() - 1], if key.ends_with('a') { 'b' } else { 'a' });
        let bad = [
            "apst_unknownunknownunknownunknown", "nonsense", "apst_", &mistyped, &revoked_key, &expired, &elsewhere, &partner,
            &server.sandbox_key, &server.live_key, &server.public_key, &key.to_uppercase(),
        ];
        for bad in bad.into_iter().chain(padded.iter().map(String::as_str)) {
            for path in [GUIDE, GROUPS, "/api/external/v2/membership-plans", "/api/external/v2/subscription-groups/x"] {
                assert_unauthorized(&with_key(&server, bad, path).await, &format!("{bad:.12} {path}"));
            }
        }
        for query in ["", "&api_key=", "&api_key=K%20", "&api_key=%FF", "&api_key=%zz", "&API_KEY=K", "&apiKey=K"] {
            let path = format!("{GUIDE}{}", query.replace('K', &key));
            assert_unauthorized(&server.anonymous("GET", &path).send().await, query);
        }
        let twice = format!("{GUIDE}&api_key={key}&api_key={key}");
        assert_unauthorized(&server.anonymous("GET", &twice).send().await, "two keys are none");
        let bearer = server.anonymous("GET", GUIDE).header("authorization", &format!("Bearer {key}"));
        assert_unauthorized(&bearer.send().await, "a bearer alone");
        let beside = server.anonymous("GET", GUIDE).key(&key).header("authorization", "Bearer of-something-else");
        assert_eq!(beside.send().await.status, 200);
        assert_unauthorized(&server.anonymous("POST", GROUPS).key("apst_x").body("{").send().await, "before its body is read");
        assert_unauthorized(&server.anonymous("DELETE", GROUPS).key("apst_x").send().await, "before its method is judged");
        assert_eq!(with_key(&server, &key, GUIDE).await.status, 200, "the others are left alone");
    }

    async fn f13_a_legacy_key_of_any_look_is_imported_and_works(engine) {
        let (server, _) = store(engine).await;
        for legacy in ["0123456789abcdef0123456789abcdef", "old+key/with=signs&more?", "sk_looks-like-another-kind"] {
            store_key(&server, |draft| draft.import = PlainKey::imported(legacy)).await;
            assert_eq!(with_key(&server, legacy, GUIDE).await.status, 200, "{legacy}");
            let encoded: String = form_urlencoded(legacy);
            assert_eq!(server.anonymous("GET", &format!("{GUIDE}&api_key={encoded}")).send().await.status, 200, "{legacy}");
        }
    }

    async fn f15_to_f17_the_store_is_the_keys_own(engine) {
        let (server, key) = store(engine).await;
        let (other, _) = server.second_app().await;
        let change = AppChange { shop: Some("b.myshopify.com".into()), ..AppChange::default() };
        server.guildhall.update_app(&other, change, Actor::CommandLine).await.expect("it has a shop");
        let draft = KeyDraft::named(KeyKind::Store, "of B");
        let of_b = server.guildhall.create_key(&other, Mode::Sandbox, draft, Actor::CommandLine).await.expect("it is made");
        assert_unauthorized(&with_key(&server, of_b.plain.reveal(), GUIDE).await, "a key of B for A");
        let plans = |shop: &str| format!("/api/external/v2/membership-plans{shop}");
        for shop in ["b.myshopify.com", "nobody.myshopify.com", "a.myshopify.com.evil.com", "example.com"] {
            assert_unauthorized(&with_key(&server, &key, &plans(&format!("?shop={shop}"))).await, shop);
            assert_unauthorized(&with_key(&server, &key, &plans(&format!("?shop={shop}&page=x"))).await, "before parameters");
        }
        for shop in ["", "?shop=", "?shop=notadomain", "?shop=http%3A%2F%2Fa.myshopify.com", "?shop=%20a.myshopify.com", "?shop=a..com",
            "?shop=a.myshopify.com&shop=a.myshopify.com", "?shop=%FF.com", "?shop=a%00.com", "?shop=a.myshopify.com%2F"] {
            let reply = with_key(&server, &key, &plans(shop)).await;
            assert_eq!(reply.status, 400, "{shop}: {}", reply.text());
            assert_eq!(reply.json()["message"], "error.http.400", "{shop}");
        }
        for shop in ["A.MyShopify.COM", "a.myshopify.com"] {
            assert_eq!(with_key(&server, &key, &plans(&format!("?shop={shop}"))).await.status, 200);
        }
        assert_unauthorized(&server.anonymous("GET", &plans("?shop=notadomain")).send().await, "the key comes first");
    }

    async fn an_app_without_a_shop_has_a_name_of_its_own(engine) {
        let server = TestServer::start(engine).await;
        let key = store_key(&server, |_| ()).await.1;
        let own = format!("{}.guildhall.local", server.app.as_str().trim_start_matches("app_"));
        let plans = |shop: &str| format!("/api/external/v2/membership-plans?shop={shop}");
        assert_eq!(with_key(&server, &key, &plans(&own)).await.status, 200);
        assert_unauthorized(&with_key(&server, &key, &plans(SHOP)).await, "no other");
        let flow = with_key(&server, &key, "/api/external/v2/cancellation-managements/7").await.json();
        assert_eq!(flow["shop"], own.as_str());
        server.store_key(SHOP).await;
        assert_eq!(with_key(&server, &key, GUIDE).await.status, 200);
        assert_unauthorized(&with_key(&server, &key, &plans(&own)).await, "it is gone when there is a shop");
    }

    async fn f20_the_eleventh_key_waits_for_a_place(engine) {
        let (server, _) = store(engine).await;
        let mut last = None;
        for _ in 0..9 {
            last = Some(store_key(&server, |_| ()).await.0);
        }
        let create = async || {
            let draft = KeyDraft::named(KeyKind::Store, "eleventh");
            server.guildhall.create_key(&server.app, Mode::Sandbox, draft, Actor::CommandLine).await
        };
        assert_eq!(create().await.err().map(|error| error.code), Some(Code::KeyLimitReached));
        server.guildhall.revoke_key(&last.expect("one"), Actor::CommandLine).await.expect("it is revoked");
        let Ok(made) = create().await else { panic!("a place was free") };
        assert_eq!(with_key(&server, made.plain.reveal(), GUIDE).await.status, 200);
    }

    async fn f21_a_use_is_noted_of_the_key_and_of_its_partner(engine) {
        let (server, _) = store(engine).await;
        let (id, key) = store_key(&server, |_| ()).await;
        let (partner_id, partner) = partner(&server).await;
        let used = async |app, id: &KeyId| {
            server.guildhall.flush_last_used().await.expect("it is written");
            let keys = server.guildhall.list_keys(app).await.expect("a list");
            keys.into_iter().find(|known| known.id == *id).and_then(|known| known.last_used_at)
        };
        with_key(&server, &key, "/api/external/v2/membership-plans").await;
        assert_eq!(used(Some(&server.app), &id).await, None, "a failure is no use");
        with_key(&server, &key, GUIDE).await;
        assert_eq!(used(Some(&server.app), &id).await, Some(server.guildhall.now()));
        assert_eq!(used(None, &partner_id).await, None);
        server.anonymous("GET", GUIDE).key(&key).header("x-app-key", &partner).send().await;
        assert_eq!(used(None, &partner_id).await, Some(server.guildhall.now()));
    }

    async fn f23_without_api_access_a_partners_key_is_needed(engine) {
        let (server, key) = store(engine).await;
        let (id, partner) = partner(&server).await;
        let ask = async |server: &TestServer, partner: &str| {
            server.anonymous("GET", GUIDE).key(&key).header("x-app-key", partner).send().await
        };
        for (name, bad) in [("a store key", key.as_str()), ("an unknown one", "ptnr_unknown"), ("a secret key", &server.sandbox_key)] {
            assert_unauthorized(&ask(&server, bad).await, &format!("{name} as a partner's key spoils a good store key"));
        }
        assert_eq!(ask(&server, "").await.status, 200, "a blank one is none");
        assert_eq!(ask(&server, &partner).await.status, 200);
        server.change_app(AppChange { api_access: Some(false), ..AppChange::default() }).await;
        assert_unauthorized(&with_key(&server, &key, GUIDE).await, "no partner");
        assert_unauthorized(&with_key(&server, &key, "/api/external/v2/membership-plans?page=x").await, "before parameters");
        assert_eq!(ask(&server, &partner).await.status, 200);
        let alone = server.anonymous("GET", GUIDE).header("x-app-key", &partner).send().await;
        assert_unauthorized(&alone, "a partner's key alone");
        assert_unauthorized(&with_key(&server, &partner, GUIDE).await, "in the wrong place");

        let server = server.with_http(HttpSettings { plan_gate: PlanGate::Forbidden, ..HttpSettings::default() });
        let gated = with_key(&server, &key, GUIDE).await;
        assert_eq!((gated.status.as_u16(), &gated.json()["errorKey"]), (403, &json!("apiPlanRequired")));
        assert_unauthorized(&with_key(&server, "apst_unknown", GUIDE).await, "a bad key is not told of plans");
        assert_eq!(ask(&server, &partner).await.status, 200);
        server.guildhall.revoke_key(&id, Actor::CommandLine).await.expect("it is revoked");
        assert_unauthorized(&ask(&server, &partner).await, "a revoked partner's key");
        server.change_app(AppChange { api_access: Some(true), ..AppChange::default() }).await;
        assert_unauthorized(&ask(&server, &partner).await, "also where none is needed");
        assert_eq!(with_key(&server, &key, GUIDE).await.status, 200);
    }

    async fn f28_both_keys_work_until_the_old_one_is_revoked(engine) {
        let (server, _) = store(engine).await;
        let (old, old_key) = store_key(&server, |_| ()).await;
        let new = server.guildhall.rotate_key(&old, Actor::CommandLine).await.expect("it is rotated");
        for key in [old_key.as_str(), new.plain.reveal()] {
            assert_eq!(with_key(&server, key, GUIDE).await.status, 200);
        }
        let other = server.second_process().await;
        other.revoke_key(&old, Actor::CommandLine).await.expect("it is revoked");
        assert_unauthorized(&with_key(&server, &old_key, GUIDE).await, "at the next request");
        assert_eq!(with_key(&server, new.plain.reveal(), GUIDE).await.status, 200);
    }

    async fn f29_beyond_the_limit_of_the_key_it_is_429(engine) {
        let (server, other) = store(engine).await;
        let (_, key) = store_key(&server, |draft| draft.rate_limit = RateLimit::PerSecond(2)).await;
        let first = with_key(&server, &key, GUIDE).await;
        assert_eq!((first.header("ratelimit-limit"), first.header("ratelimit-remaining")), ("2".into(), "1".into()));
        assert_eq!(with_key(&server, &key, GROUPS).await.status, 200);
        let refused = with_key(&server, &key, GUIDE).await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "1"));
        assert_eq!((refused.header("ratelimit-limit"), refused.header("ratelimit-remaining")), ("2".into(), "0".into()));
        let body = refused.json();
        assert_eq!((&body["error"], &body["status"]), (&json!("Too Many Requests"), &json!(429)));
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert_eq!(with_key(&server, &other, GUIDE).await.status, 200, "each key has its own");
        server.clock.advance_us(1_000_000);
        assert_eq!(with_key(&server, &key, GUIDE).await.status, 200);
    }

    async fn bad_keys_of_an_address_are_limited_and_good_ones_are_not_locked_out(engine) {
        let server = TestServer::start(engine).await;
        let key = server.store_key(SHOP).await;
        assert_eq!(with_key(&server, &key, GUIDE).await.status, 200);
        for number in 0..25 {
            assert_unauthorized(&with_key(&server, &format!("apst_guess{number}"), GUIDE).await, "a guess");
        }
        assert_eq!(with_key(&server, "apst_another", GUIDE).await.status, 429);
        let beside = server.anonymous("GET", GUIDE).key(&key).header("x-app-key", "ptnr_guess").send().await;
        assert_eq!(beside.status, 429, "guesses at partners' keys count as well");
        assert_eq!(with_key(&server, &key, GUIDE).await.status, 200);
    }

    async fn scopes_narrow_a_store_key_and_never_widen_it(engine) {
        let (server, unscoped) = store(engine).await;
        let group = json!({ "groupName": "Gold" });
        for (scopes, reads, writes) in [
            (vec![], true, true), (vec![Scope::ReadOnly], true, false), (vec![Scope::Contracts], true, true),
            (vec![Scope::Billing], true, false), (vec![Scope::Members], false, false), (vec![Scope::Manage], false, false),
        ] {
            let (_, key) = store_key(&server, |draft| draft.scopes = Scopes::of(scopes.clone())).await;
            let read = with_key(&server, &key, GROUPS).await;
            assert_eq!(read.status.as_u16(), if reads { 200 } else { 403 }, "{scopes:?}");
            let written = server.anonymous("POST", GROUPS).key(&key).json(&group).send().await;
            assert_eq!(written.status.as_u16(), if writes { 201 } else { 403 }, "{scopes:?}");
            if !reads {
                assert_eq!(read.json()["message"], "error.http.403");
            }
        }
        for path in ["/members", "/v2/data-tables", "/manage/v1/app"] {
            assert_eq!(with_key(&server, &unscoped, path).await.status, 401, "{path}");
        }
    }

    async fn what_the_key_opens_is_its_environment_and_app(engine) {
        let (server, key) = store(engine).await;
        let (_, live) = server.key(Mode::Live, |draft| draft.kind = KeyKind::Store).await;
        server.free_plan("Ours", None).await;
        let names = async |key: &str| with_key(&server, key, GROUPS).await.json()[0]["groupName"].clone();
        assert_eq!((names(&key).await, names(&live).await), (json!("Ours"), json!("Ours")), "plans belong to the app");
        let (other, _) = server.second_app().await;
        let draft = KeyDraft::named(KeyKind::Store, "elsewhere");
        let elsewhere = server.guildhall.create_key(&other, Mode::Live, draft, Actor::CommandLine).await.expect("it is made");
        assert_eq!(names(elsewhere.plain.reveal()).await, json!(null));
    }

    async fn no_key_is_repeated_in_an_answer_or_a_log(engine) {
        let (server, key) = store(engine).await;
        let (_, partner) = partner(&server).await;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = AccessLog::new(AccessLogForm::Json, move |line| sink.lock().expect("whole").extend_from_slice(line));
        let server = server.with_http(HttpSettings { access_log: log, ..HttpSettings::default() });
        let mut shown = String::new();
        for path in ["membership-plans?shop=a.myshopify.com", "membership-plans?shop=x", "subscription-groups?x=1", "subscription-groups/x?x=1",
            "activity-logs?size=1", "activity-logs?size=x", "nowhere?x=1", "activity-logs?sort=x"] {
            for key in [key.as_str(), "apst_unknownunknownunknown"] {
                let path = format!("/api/external/v2/{path}&api_key={key}");
                let reply = server.anonymous("GET", &path).header("x-app-key", &partner).send().await;
                shown += &format!("{:?}{}", reply.headers, reply.text());
            }
        }
        shown += &String::from_utf8_lossy(&lines.lock().expect("whole"));
        shown += &server.anonymous("GET", "/metrics").send().await.text();
        assert!(shown.contains("/api/external/v2/subscription-groups/{id}"), "something was logged");
        for secret in [key.as_str(), "apst_unknown", &partner, "api_key"] {
            assert!(!shown.contains(secret), "{secret:.8} is in {shown}");
        }
    }

    async fn pages_of_other_origins_may_ask_and_read(engine) {
        let (server, key) = store(engine).await;
        let preflight = server.anonymous("OPTIONS", GROUPS).header("origin", "https://a.example")
            .header("access-control-request-method", "POST").header("access-control-request-headers", "x-api-key").send().await;
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        assert!(preflight.header("access-control-allow-headers").contains("x-api-key"));
        assert!(preflight.header("access-control-allow-methods").contains("PUT"));
        for (key, status) in [(key.as_str(), 200), ("apst_unknown", 401)] {
            let reply = server.anonymous("GET", GROUPS).key(key).header("origin", "https://a.example").send().await;
            assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin").as_str()), (status, "*"));
            let exposed = reply.header("access-control-expose-headers");
            for name in ["Authorization", "Link", "X-Total-Count", "X-subscriptionApp-alert", "X-subscriptionApp-error", "X-subscriptionApp-params"] {
                assert!(exposed.split(',').any(|shown| shown == name), "{name}: {exposed}");
            }
        }
    }
}

/// Percent-encoded, as a client sends a key that is not made of letters and digits.
fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
