//! What machines ask, and the id that every request has.

use guildhall_domain::Mode;
use guildhall_http::{HttpSettings, metrics_router, router};
use guildhall_testkit::{TestServer, both_engines};
use http_body_util::BodyExt;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower::ServiceExt;

/// Status and body of a GET without a key.
async fn get(router: &axum::Router, path: &str) -> (u16, String) {
    let request =
        axum::extract::Request::builder().uri(path).body(axum::body::Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("the router always answers");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a whole body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

both_engines! {
    async fn alive_and_ready_are_said_without_a_key(engine) {
        let server = TestServer::start(engine).await;
        for (path, body) in [("/healthz", r#"{"status":"ok"}"#), ("/readyz", r#"{"status":"ready"}"#)] {
            let reply = server.anonymous("GET", path).send().await;
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, body));
        }
    }

    async fn a_server_that_stops_is_alive_but_not_ready_and_still_answers(engine) {
        let server = TestServer::start(engine).await;
        let draining = Arc::new(AtomicBool::new(false));
        let settings = HttpSettings { draining: Arc::clone(&draining), ..HttpSettings::default() };
        let router = router(server.guildhall.clone(), settings);
        assert_eq!(get(&router, "/readyz").await.0, 200);
        draining.store(true, Ordering::SeqCst);
        assert_eq!(get(&router, "/readyz").await, (503, r#"{"status":"draining"}"#.to_owned()));
        assert_eq!(get(&router, "/healthz").await.0, 200);
        assert_eq!(get(&router, "/members").await.0, 400, "who comes all the same is served");
    }

    async fn numbers_tell_what_happened_and_name_nobody(engine) {
        let server = TestServer::start(engine).await;
        let (key_id, _) = server.key(Mode::Sandbox, |_| ()).await;
        let id = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        server.request("GET", &format!("/members/{id}")).send().await;
        server.request("GET", "/members/ada%40example.com").send().await;
        server.request("PATCH", "/members/nobody").json(&json!({"verified": true})).send().await;
        server.anonymous("GET", "/members").key("sk_sb_unknownunknown").send().await;
        server.anonymous("GET", "/some/secret-path").send().await;
        server.anonymous("BREW", "/members").send().await;
        let reply = server.anonymous("GET", "/metrics").send().await;
        assert_eq!(reply.status, 200);
        assert!(reply.header("content-type").starts_with("application/openmetrics-text"));
        let text = reply.text();
        for series in [
            "guildhall_http_requests_total{route=\"/members/{id}\",method=\"GET\",status=\"200\"} 2",
            "guildhall_http_requests_total{route=\"/members\",method=\"POST\",status=\"200\"} 1",
            "guildhall_http_requests_total{route=\"/members\",method=\"GET\",status=\"401\"} 1",
            "guildhall_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"} 1",
            "guildhall_http_request_duration_seconds_bucket{", "guildhall_http_request_duration_seconds_count{",
            "guildhall_failures_total{code=\"member_not_found\"} 1", "guildhall_failures_total{code=\"key_invalid\"} 1",
            "guildhall_writes_waiting 0", "guildhall_writes_total ", "guildhall_commits_total ", "guildhall_passwords_waiting 0",
            "guildhall_passwords_busy 0", "guildhall_build_info{version=", "# EOF",
        ] {
            assert!(text.contains(series), "{series} is not in\n{text}");
        }
        for private in [
            id.as_str(), "ada@example.com", "ada%40", key_id.as_str(), &server.sandbox_key, "sk_sb_", server.app.as_str(),
            "secret-path", "BREW", "192.0.2.1",
        ] {
            assert!(!text.contains(private), "{private} is in\n{text}");
        }
    }

    async fn numbers_can_have_a_listener_of_their_own(engine) {
        let server = TestServer::start(engine).await;
        let elsewhere = HttpSettings { serve_metrics: false, ..HttpSettings::default() };
        let main = router(server.guildhall.clone(), elsewhere);
        assert_eq!(get(&main, "/metrics").await.0, 404);
        assert_eq!(get(&main, "/healthz").await.0, 200);
        let own = metrics_router(server.guildhall.clone());
        assert_eq!(get(&own, "/metrics").await.0, 200);
        assert_eq!(get(&own, "/members").await.0, 404);
    }

    async fn every_answer_bears_the_requests_id(engine) {
        let server = TestServer::start(engine).await;
        for given in ["a", "req-1_2.3:4", &"x".repeat(128)] {
            let reply = server.request("GET", "/members").header("x-request-id", given).send().await;
            assert_eq!(reply.header("x-request-id"), given);
        }
        let mut seen = std::collections::HashSet::new();
        for odd in ["", "with space", "semi;colon", "<script>", &"x".repeat(129)] {
            let reply = server.request("GET", "/members").header("x-request-id", odd).send().await;
            let id = reply.header("x-request-id");
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
            assert!(seen.insert(id), "each gets its own");
        }
        for (method, path) in [("GET", "/healthz"), ("GET", "/nowhere"), ("PUT", "/members"), ("GET", "/manage/v1/app")] {
            let reply = server.anonymous(method, path).header("x-request-id", "mine").send().await;
            assert_eq!(reply.header("x-request-id"), "mine", "{method} {path}");
        }
    }

    async fn a_write_that_cannot_be_stored_is_worth_another_try_and_names_no_engine(engine) {
        let server = TestServer::start(engine).await;
        server.guildhall.close().await;
        let write = json!({"email": "ada@example.com", "password": "a-long-password"});
        let refused = server.request("POST", "/members").json(&write).send().await;
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert_eq!(refused.code(), "generic-message");
        assert_eq!(refused.header("retry-after"), "1");
        assert!(!refused.text().contains("sqlite") && !refused.text().contains("postgres"));
    }
}
