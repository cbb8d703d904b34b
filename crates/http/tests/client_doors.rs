//! The client API's door: whose site it is, pages of other origins, limits, and what strangers get.

use guildhall_domain::Mode;
use guildhall_domain::key::{KeyKind, RateLimit};
use guildhall_http::{ROUTES, Surface};
use guildhall_testkit::{TestServer, both_engines, unpaced};
use serde_json::json;

const HEADERS: [&str; 7] = [
    "authorization",
    "content-type",
    "x-api-key",
    "x-app-id",
    "x-user-agent",
    "x-session-id",
    "referring-path",
];

fn client_routes() -> impl Iterator<Item = (&'static str, String)> {
    let routes = ROUTES.iter().filter(|route| route.surface == Surface::Client);
    routes.map(|route| {
        let path = route.path.replace("{id}", "unknown").replace("{key}", "unknown");
        (route.method, path)
    })
}

both_engines! {
    async fn a_page_of_another_origin_may_ask_and_read(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.bad_key_limit = 100_000).await;
        for (method, path) in client_routes() {
            let preflight = server.anonymous("OPTIONS", &path).header("origin", "http://app.test")
                .header("access-control-request-method", method)
                .header("access-control-request-headers", &HEADERS.join(",")).send().await;
            assert_eq!(preflight.status, 204, "{path}");
            assert_eq!(preflight.header("access-control-allow-origin"), "http://app.test");
            assert_eq!(preflight.header("access-control-allow-credentials"), "true");
            assert!(preflight.header("access-control-allow-methods").contains(method), "{path}");
            for header in HEADERS {
                assert!(preflight.header("access-control-allow-headers").contains(header), "{path} {header}");
            }
            let refused = server.anonymous(method, &path).header("origin", "http://app.test").send().await;
            assert_eq!(refused.header("access-control-allow-origin"), "http://app.test", "errors can be read: {path}");
            assert!(refused.header("access-control-expose-headers").contains("ratelimit-limit"));
            assert!(refused.header("vary").contains("origin"));
        }
        let wrong_method = server.visit("PATCH", "/member").send().await;
        assert_eq!(wrong_method.status, 405);
        assert_eq!(wrong_method.header("access-control-allow-origin"), "https://site.example");
    }

    async fn only_a_public_key_or_an_apps_id_opens_the_door(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.bad_key_limit = 100_000).await;
        let (revoked, revoked_key) = server.key(Mode::Sandbox, |draft| draft.kind = KeyKind::Public).await;
        server.guildhall.revoke_key(&revoked, guildhall_domain::audit::Actor::CommandLine).await.expect("it is revoked");
        let elsewhere = server.another_site().await;
        for (method, path) in client_routes() {
            for key in [server.sandbox_key.as_str(), &server.live_key, "pk_sb_unknown", "nonsense", &revoked_key] {
                let reply = server.anonymous(method, &path).key(key).send().await;
                assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "app-not-found"), "{method} {path} {key:.6}");
                assert!(!reply.json()["message"].as_str().expect("words").is_empty());
            }
            let reply = server.anonymous(method, &path).send().await;
            assert_eq!(reply.code(), "app-not-found", "{method} {path} without anything");
            let reply = server.anonymous(method, &path).header("x-app-id", "app_unknown").send().await;
            assert_eq!(reply.code(), "app-not-found", "{method} {path} with an unknown app");
            let reply = server.anonymous(method, &path).key(&elsewhere).header("x-app-id", server.app.as_str()).send().await;
            assert_eq!(reply.code(), "app-not-found", "{method} {path} with another app's key");
        }
        let app = server.anonymous("GET", "/app").header("x-app-id", server.app.as_str()).send().await.json();
        assert_eq!(app["data"]["mode"], "live", "an app's id alone is its live environment");
        let both = server.visit("GET", "/app").header("x-app-id", server.app.as_str()).send().await.json();
        assert_eq!(both["data"]["mode"], "sandbox");
    }

    async fn a_public_key_opens_nothing_of_the_admin_api(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up("ada@example.com").await;
        let id = member["id"].as_str().expect("an id");
        for path in ["/members".to_owned(), format!("/members/{id}"), "/manage/v1/app".to_owned()] {
            let reply = server.visit_as(&token, "GET", &path).send().await;
            assert_eq!(reply.status, 401, "{path}");
        }
    }

    async fn what_needs_a_member_says_so_to_strangers_and_to_stale_tokens(engine) {
        let server = TestServer::start(engine).await;
        let for_members = [
            ("POST", "/auth/send-email-verification"), ("POST", "/member"), ("DELETE", "/member"), ("POST", "/member-auth"),
            ("POST", "/member/set-password"), ("GET", "/member/json"), ("POST", "/member/json"),
            ("POST", "/member/plans/add"), ("POST", "/member/plans/remove"),
        ];
        let body = json!({ "planId": "pln_x", "json": {}, "password": "a-long-password", "email": "x@example.com" });
        for (method, path) in for_members {
            let stranger = server.visit(method, path).json(&body).send().await;
            assert_eq!((stranger.status.as_u16(), stranger.code().as_str()), (401, "login-required"), "{method} {path}");
            let stale = server.visit_as("eyJ.x.y", method, path).json(&body).send().await;
            assert_eq!((stale.status.as_u16(), stale.code().as_str()), (401, "client/invalid-token"), "{method} {path}");
        }
        for token in ["eyJ.x.y", ""] {
            let member = server.visit_as(token, "GET", "/member").send().await;
            assert_eq!(member.text(), r#"{"data":null}"#);
            let opened = server.visit_as(token, "POST", "/app-member").json(&json!({ "data": {} })).send().await.json();
            assert_eq!(opened["data"]["member"], json!(null));
        }
        assert_eq!(server.visit("GET", "/member").send().await.text(), r#"{"data":null}"#);
    }

    async fn empty_posts_with_a_forms_content_type_are_taken(engine) {
        let server = TestServer::start(engine).await;
        for token in [None, Some("stale")] {
            let mut request = server.visit("POST", "/member/logout").header("content-type", "application/x-www-form-urlencoded");
            if let Some(token) = token {
                request = request.header("authorization", &format!("Bearer {token}"));
            }
            let reply = request.send().await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, r#"{"data":{}}"#));
        }
    }

    async fn pages_are_told_a_session_id_that_the_sdk_keeps(engine) {
        let server = TestServer::start(engine).await;
        for path in ["/page-view", "/app-member"] {
            let reply = server.post(path, json!({ "data": { "sessionData": { "browser": "x" } } })).await.json();
            let id = reply["data"]["sessionData"]["sessionId"].as_str().expect("an id").to_owned();
            assert!((1..=26).contains(&id.len()), "{id}");
            let again = server.visit("POST", path).header("x-session-id", &id).json(&json!({})).send().await.json();
            assert_eq!(again["data"]["sessionData"]["sessionId"], id.as_str());
            for unusable in ["undefined", &"x".repeat(27), "<script>"] {
                let fresh = server.visit("POST", path).header("x-session-id", unusable).json(&json!({})).send().await.json();
                assert_ne!(fresh["data"]["sessionData"]["sessionId"], unusable);
            }
        }
        assert_eq!(server.post("/event", json!({ "name": "x" })).await.status, 200);
    }

    async fn an_address_is_held_to_the_client_apis_limit_and_others_are_not(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.client_rate_limit = 30).await;
        for _ in 0..30 {
            assert_eq!(server.visit("GET", "/app").send().await.status, 200);
        }
        let refused = server.visit("GET", "/app").send().await;
        assert_eq!(refused.status, 429);
        assert!(refused.json()["message"].as_str().is_some());
        assert_eq!((refused.header("retry-after").as_str(), refused.header("ratelimit-limit").as_str()), ("1", "30"));
        assert_eq!(server.visit("GET", "/app").from("192.0.2.9").send().await.status, 200);
        server.clock.advance_us(1_000_000);
        assert_eq!(server.visit("GET", "/app").send().await.status, 200);

        let (_, unlimited) = server.key(Mode::Sandbox, |draft| {
            draft.kind = KeyKind::Public;
            draft.rate_limit = RateLimit::Unlimited;
        }).await;
        for _ in 0..60 {
            assert_eq!(server.anonymous("GET", "/app").key(&unlimited).send().await.status, 200);
        }
    }

    async fn calls_about_records_have_limits_of_their_own(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.client_rate_limit = 1000).await;
        let body = json!({ "table": "none", "data": {}, "query": {} });
        let send = async |method: &str, path: &str, from: &str| server.visit(method, path).from(from).json(&body).send().await;
        for (method, path, limit, window_s) in [
            ("GET", "/v1/data-tables", 25, 1), ("POST", "/v1/data-records", 10, 60), ("PUT", "/v1/data-records/cx", 30, 60),
        ] {
            for _ in 0..limit {
                assert_ne!(send(method, path, "192.0.2.1").await.status, 429, "{method}");
            }
            let refused = send(method, path, "192.0.2.1").await;
            assert_eq!(refused.status, 429, "{method}");
            assert_eq!(refused.header("ratelimit-policy"), format!("{limit};w={window_s}"));
            assert_ne!(send(method, path, "192.0.2.2").await.status, 429, "another address");
        }
        for (method, path) in [("POST", "/v1/data-records/query"), ("GET", "/v1/data-tables/none"), ("DELETE", "/v1/data-records/cx")] {
            assert_eq!(send(method, path, "192.0.2.1").await.status, 429, "{method} {path} is of a sort that was used up");
        }
        let other = send("GET", "/app", "192.0.2.1").await;
        assert_eq!((other.status.as_u16(), other.header("ratelimit-policy").as_str()), (200, "1000;w=30"));
        server.clock.advance_us(6_000_000);
        assert_ne!(send("POST", "/v1/data-records", "192.0.2.1").await.status, 429, "a place every six seconds");
        assert_eq!(send("POST", "/v1/data-records", "192.0.2.1").await.status, 429);

        let (_, unlimited) = server.key(Mode::Sandbox, |draft| {
            draft.kind = KeyKind::Public;
            draft.rate_limit = RateLimit::Unlimited;
        }).await;
        for _ in 0..20 {
            let reply = server.anonymous("POST", "/v1/data-records").key(&unlimited).json(&body).send().await;
            assert_ne!(reply.status, 429, "a key's own limit is the only one");
        }
    }

    async fn bad_bodies_are_never_a_fault_of_ours(engine) {
        let server = TestServer::start_with(engine, unpaced).await;
        let (token, _) = server.signed_up("ada@example.com").await;
        let bodies = [
            "", "{", "[]", "null", "1", r#""text""#, r#"{"email":1}"#, r#"{"email":"a@b.io","password":1}"#,
            r#"{"email":"a\u0000@b.io","password":"x","passwordlessToken":{},"token":[],"newPassword":7}"#,
            r#"{"email":"a@b.io","passwordlessToken":"\u0000","token":"\u0000","newPassword":"aaaaaaaa","planId":"\u0000"}"#,
            r#"{"customFields":[],"json":[],"plans":[1],"data":"x","planId":7,"origin_domain":7,"oldPassword":{}}"#,
        ];
        for (method, path) in client_routes() {
            for body in bodies {
                if path == "/member/logout" || (method == "DELETE" && path == "/member") {
                    continue;
                }
                let reply = server.visit_as(&token, method, &path).body(body).header("content-type", "application/json").send().await;
                assert!(reply.status.as_u16() < 500, "{method} {path} {body}: {}", reply.text());
                if reply.status != 200 {
                    assert!(!reply.code().is_empty(), "{method} {path} {body}");
                }
            }
        }
    }
}
