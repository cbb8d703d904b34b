//! Members' tokens: what they say, who accepts them, which forgeries are refused, how keys are replaced
//! and sessions ended.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use guildhall_domain::audit::Actor;
use guildhall_testkit::{PASSWORD, Reply, TestServer, both_engines};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const DAY_US: i64 = 24 * 3600 * 1_000_000;

async fn verify(server: &TestServer, token: &str) -> Reply {
    server.request("POST", "/members/verify-token").json(&json!({ "token": token })).send().await
}

fn assert_refused(reply: &Reply, why: &str) {
    let (status, text) = (reply.status.as_u16(), reply.text());
    assert_eq!(
        (status, text.as_str()),
        (400, r#"{"code":"INVALID_TOKEN","message":"Invalid token"}"#),
        "{why}"
    );
}

/// Refused by both routes: by `verify-token`, and by what members' pages ask.
async fn assert_no_good(server: &TestServer, token: &str, why: &str) {
    assert_refused(&verify(server, token).await, why);
    let own = server.visit_as(token, "GET", "/member/json").send().await;
    assert_eq!((own.status.as_u16(), own.code().as_str()), (401, "client/invalid-token"), "{why}");
    assert_eq!(server.visit_as(token, "GET", "/member").send().await.text(), r#"{"data":null}"#, "{why}");
}

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).expect("a part");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn published(server: &TestServer) -> Vec<Value> {
    let reply = server.anonymous("GET", "/.well-known/jwks.json").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin").as_str()), (200, "*"));
    reply.json()["keys"].as_array().expect("keys").clone()
}

both_engines! {
    async fn a_token_says_the_six_things_that_the_vendors_say(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up(ADA).await;
        let now = server.guildhall.now().seconds();
        let claims = json!({
            "id": member["id"], "type": "member", "iat": now, "exp": now + 1_209_600, "aud": server.app.as_str(),
            "iss": "http://127.0.0.1:3010",
        });
        assert_eq!(part(&token, 1), claims);
        let reply = verify(&server, &token).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({ "data": claims })));
        let header = part(&token, 0);
        assert_eq!((header["alg"].clone(), header["typ"].clone()), (json!("RS256"), json!("JWT")));
        let keys = published(&server).await;
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0]["kid"], header["kid"]);
        assert_eq!(keys[0]["kid"].as_str().map(str::len), Some(64));
        for (name, value) in [("kty", "RSA"), ("alg", "RS256"), ("use", "sig"), ("e", "AQAB")] {
            assert_eq!(keys[0][name], value);
        }
    }

    async fn forgeries_are_refused_by_both_routes(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let (header, claims) = (part(&token, 0), part(&token, 1));
        let parts: Vec<&str> = token.split('.').collect();
        let with = |name: &str, value: Value| {
            let mut header = header.clone();
            header[name] = value;
            encoded(&header)
        };
        for alg in ["none", "None", "NONE", "nOnE"] {
            let unsigned = format!("{}.{}.", with("alg", json!(alg)), parts[1]);
            assert_no_good(&server, &unsigned, alg).await;
            assert_no_good(&server, &format!("{unsigned}{}", parts[2]), alg).await;
        }
        // Our public key, in every form it could be taken for a shared secret in.
        let modulus = published(&server).await[0]["n"].as_str().expect("a modulus").to_owned();
        let raw = BASE64_URL_SAFE_NO_PAD.decode(&modulus).expect("base64url");
        let jwks = server.anonymous("GET", "/.well-known/jwks.json").send().await.text();
        for secret in [modulus.as_bytes(), &raw, jwks.as_bytes()] {
            let signed = format!("{}.{}", with("alg", json!("HS256")), parts[1]);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
            let forged = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()));
            assert_no_good(&server, &forged, "key confusion").await;
        }
        let mut admin = claims.clone();
        admin["id"] = json!("mem_sb_cother");
        assert_no_good(&server, &format!("{}.{}.{}", parts[0], encoded(&admin), parts[2]), "other claims").await;
        let flipped = if parts[2].starts_with('A') { "B" } else { "A" };
        assert_no_good(&server, &format!("{}.{}.{flipped}{}", parts[0], parts[1], &parts[2][1..]), "other signature").await;
        for kid in [json!("0".repeat(64)), json!("../../etc/passwd"), json!("' OR 1=1"), json!(""), json!(7), Value::Null] {
            let forged = format!("{}.{}.{}", with("kid", kid.clone()), parts[1], parts[2]);
            assert_no_good(&server, &forged, &kid.to_string()).await;
        }
        let inside = with("jwk", json!({ "kty": "RSA", "n": modulus, "e": "AQAB" }));
        assert_no_good(&server, &format!("{inside}.{}.{}", parts[1], parts[2]), "a key of its own").await;
        let long = format!("{token}{}", "A".repeat(10_000));
        for text in ["x", "..", "a.b.c", "a.b.c.d", "\u{0}", &long, &token[..token.len() - 1]] {
            assert_no_good(&server, &text.replace('\u{0}', "%00"), "no token").await;
        }
        for body in ["{}", r#"{"token":7}"#, r#"{"token":null}"#, "[]", r#""x""#, ""] {
            let reply = server.request("POST", "/members/verify-token").body(body).send().await;
            assert_refused(&reply, body);
        }
        assert_eq!(verify(&server, &token).await.status, 200, "the real one still stands");
    }

    async fn another_apps_and_another_environments_tokens_are_refused(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let elsewhere = server.another_site().await;
        let there = server.visit_as(&token, "GET", "/member/json").key(&elsewhere).send().await;
        assert_eq!(there.code(), "client/invalid-token");
        let live = server.anonymous("GET", "/member/json").header("x-app-id", server.app.as_str())
            .header("authorization", &format!("Bearer {token}")).send().await;
        assert_eq!(live.code(), "client/invalid-token", "a sandbox's member is nothing to live");
        let (_, other_secret) = server.second_app().await;
        for key in [&other_secret, &server.live_key] {
            let reply = server.anonymous("POST", "/members/verify-token").key(key).json(&json!({ "token": token })).send().await;
            assert_refused(&reply, "another app or environment");
        }
        let body = json!({ "email": ADA, "password": PASSWORD });
        let signed_up = server.visit("POST", "/auth/signup").key(&elsewhere).json(&body).send().await.json();
        let foreign = signed_up["data"]["tokens"]["accessToken"].as_str().expect("a token").to_owned();
        assert_no_good(&server, &foreign, "another app's member").await;
    }

    async fn a_token_ends_when_it_says_and_the_app_says_how_long_it_lasts(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        server.clock.advance_us(14 * DAY_US - 1_000_000);
        assert_eq!(verify(&server, &token).await.status, 200);
        server.clock.advance_us(1_000_000);
        assert_no_good(&server, &token, "expired").await;

        let key = server.managing_key().await;
        let change = json!({ "sessionSeconds": 3600 });
        let app = server.anonymous("PATCH", "/manage/v1/app").key(&key).json(&change).send().await;
        assert_eq!((app.status.as_u16(), app.json()["sessionSeconds"].as_i64()), (200, Some(3600)));
        let short = part(&server.logged_in(ADA).await, 1);
        assert_eq!(short["exp"].as_i64().zip(short["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(3600));
        for seconds in [0, 59, -1, 400 * 24 * 3600] {
            let reply = server.anonymous("PATCH", "/manage/v1/app").key(&key).json(&json!({ "sessionSeconds": seconds })).send().await;
            assert_eq!(reply.status, 400, "{seconds}");
        }
    }

    async fn the_issuer_is_what_the_setting_says(engine) {
        let vendor = "https://api.memberstack.com";
        let server = TestServer::start_with(engine, |settings| settings.token_issuer = vendor.into()).await;
        let (token, _) = server.signed_up(ADA).await;
        assert_eq!(verify(&server, &token).await.json()["data"]["iss"], vendor);
        let other = server.second_process().await;
        let leave = other.command_line_access(&server.app, guildhall_domain::Mode::Sandbox).await.expect("the app");
        let judged = other.verify_token(&leave.access(), &token).await;
        assert!(judged.is_err(), "a server that signs as somebody else accepts no other's tokens");
    }

    async fn a_replaced_key_is_published_until_its_last_token_has_expired(engine) {
        let server = TestServer::start(engine).await;
        let (old_token, _) = server.signed_up(ADA).await;
        let old_kid = part(&old_token, 0)["kid"].clone();
        server.clock.advance_us(1_000_000);
        // By a command, in another process; the server notices at its next request.
        let other = server.second_process().await;
        let new = other.rotate_token_key(Actor::CommandLine).await.expect("it is replaced");
        assert_eq!(published(&server).await.len(), 2);
        let new_token = server.logged_in(ADA).await;
        assert_eq!(part(&new_token, 0)["kid"], new.kid.as_str());
        for token in [&old_token, &new_token] {
            assert_eq!(verify(&server, token).await.status, 200);
        }
        let stored = other.list_token_keys().await.expect("a list");
        assert_eq!(stored.len(), 2);
        assert!(stored[0].retired_at.is_some() && stored[0].published_until.is_some() && stored[1].retired_at.is_none());
        server.clock.advance_us(13 * DAY_US);
        let late_token = server.logged_in(ADA).await;
        server.clock.advance_us(DAY_US + 61_000_000);
        let kids: Vec<_> = published(&server).await.into_iter().map(|key| key["kid"].clone()).collect();
        assert_eq!(kids, [json!(new.kid)], "{old_kid} is gone");
        assert_eq!(verify(&server, &late_token).await.status, 200);
        server.guildhall.clear_ended_sign_ins().await.expect("it is cleared away");
        assert_eq!(other.list_token_keys().await.expect("a list").len(), 1);
    }

    async fn nodes_that_start_at_once_agree_on_one_key(engine) {
        let server = TestServer::start(engine).await;
        let other = server.second_process().await;
        let (one, two) = tokio::join!(server.guildhall.ensure_token_key(), other.ensure_token_key());
        one.and(two).expect("both are sure");
        assert_eq!(other.list_token_keys().await.expect("a list").len(), 1);
        assert_eq!(published(&server).await.len(), 1);
    }

    async fn logging_out_ends_the_session_and_no_other(engine) {
        let server = TestServer::start(engine).await;
        let (first, _) = server.signed_up(ADA).await;
        let second = server.logged_in(ADA).await;
        assert_ne!(first, second, "two sign-ins in one second are two sessions");
        let out = server.visit_as(&first, "POST", "/member/logout").send().await;
        assert_eq!((out.status.as_u16(), out.text().as_str()), (200, r#"{"data":{}}"#));
        assert_no_good(&server, &first, "logged out").await;
        assert_eq!(verify(&server, &second).await.status, 200);
        assert_eq!(server.visit_as(&first, "POST", "/member/logout").send().await.status, 200, "again");
        assert_eq!(verify(&server, &second).await.status, 200);
    }

    async fn operators_list_and_end_sessions(engine) {
        let server = TestServer::start(engine).await;
        let (first, member) = server.signed_up(ADA).await;
        server.clock.advance_us(1_000_000);
        let body = json!({ "email": ADA, "password": PASSWORD });
        let second = server.visit("POST", "/auth/login").header("user-agent", "Test\tBrowser").json(&body).send().await.json();
        let second = second["data"]["tokens"]["accessToken"].as_str().expect("a token").to_owned();
        let key = server.managing_key().await;
        let id = member["id"].as_str().expect("an id");
        let path = format!("/manage/v1/members/{id}/sessions");
        let list = async || server.anonymous("GET", &path).key(&key).send().await.json()["data"].as_array().expect("a list").clone();
        let sessions = list().await;
        assert_eq!(sessions.len(), 2);
        assert_eq!((sessions[0]["userAgent"].clone(), sessions[0]["method"].clone()), (json!("TestBrowser"), json!("password")));
        assert_eq!((sessions[0]["address"].clone(), sessions[0]["revokedAt"].clone()), (json!("192.0.2.1"), json!(null)));

        let newest = format!("/manage/v1/sessions/{}", sessions[0]["id"].as_str().expect("an id"));
        assert_eq!(server.anonymous("DELETE", &newest).key(&key).send().await.status, 204);
        assert_no_good(&server, &second, "revoked").await;
        assert_eq!(server.anonymous("DELETE", &newest).key(&key).send().await.status, 404, "again");
        assert_eq!(verify(&server, &first).await.status, 200);
        assert!(list().await[0]["revokedAt"].is_string());

        let all = server.anonymous("DELETE", &path).key(&key).send().await;
        assert_eq!(all.json(), json!({ "data": { "ended": 1 } }));
        assert_no_good(&server, &first, "revoked").await;
        server.clock.advance_us(14 * DAY_US);
        assert!(list().await.is_empty(), "what has expired is not listed");

        let unknown = server.anonymous("GET", "/manage/v1/members/mem_sb_x/sessions").key(&key).send().await;
        assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (404, "member_not_found"));
        let (_, other_app) = server.second_app().await;
        assert_eq!(server.anonymous("GET", &path).key(&other_app).send().await.status, 403, "no scope, and another app");
    }

    async fn a_deleted_members_token_is_refused_everywhere(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up(ADA).await;
        let path = format!("/members/{}", member["id"].as_str().expect("an id"));
        assert_eq!(server.request("DELETE", &path).send().await.status, 200);
        assert_no_good(&server, &token, "its member is gone").await;
        let (_, again) = server.signed_up(ADA).await;
        assert_ne!(again["id"], member["id"]);
        assert_no_good(&server, &token, "the address's new member is another").await;
    }

    async fn the_keys_are_at_the_root_only_where_that_is_set(engine) {
        use guildhall_http::{HttpSettings, router};
        use tower::ServiceExt;
        let server = TestServer::start(engine).await;
        assert_eq!(server.anonymous("GET", "/").send().await.status, 404);
        let router = router(server.guildhall.clone(), HttpSettings { jwks_at_root: true, ..HttpSettings::default() });
        let request = axum::http::Request::get("/").body(axum::body::Body::empty()).expect("a request");
        assert_eq!(router.oneshot(request).await.expect("an answer").status(), 200);
    }
}
