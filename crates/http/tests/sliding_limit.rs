//! The rate limit over HTTP, with a clock that only the test moves.

use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::key::RateLimit;
use guildhall_testkit::{TestServer, both_engines};

const SECOND_US: i64 = 1_000_000;

async fn status(server: &TestServer, key: &str) -> u16 {
    server.anonymous("GET", "/members").key(key).send().await.status.as_u16()
}

both_engines! {
    async fn a_burst_gets_its_limit_and_the_headers_say_so(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::Default).await;
        for used in 1..=25 {
            let reply = server.anonymous("GET", "/members").key(&key).send().await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("ratelimit-limit"), "25");
            assert_eq!(reply.header("ratelimit-remaining"), (25 - used).to_string());
        }
        let refused = server.anonymous("GET", "/members").key(&key).send().await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.text(), r#"{"code":"generic-message","message":"Too many requests"}"#);
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("ratelimit-limit"), "25");
        assert_eq!(refused.header("ratelimit-remaining"), "0");
        assert_eq!(server.request("GET", "/members").send().await.status, 200, "others are unharmed");
    }

    async fn no_window_holds_more_wherever_it_starts(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::PerSecond(5)).await;
        let mut admitted: Vec<i64> = Vec::new();
        for step in 0..200 {
            let now = step * 37_000;
            if status(&server, &key).await == 200 {
                admitted.push(now);
            }
            server.clock.advance_us(37_000);
        }
        for (index, start) in admitted.iter().enumerate() {
            let within = admitted[index..].iter().take_while(|at| **at < start + SECOND_US).count();
            assert!(within <= 5);
        }
        assert!(admitted.len() >= 35, "the limit is used, not undercut: {}", admitted.len());
    }

    async fn pacing_at_the_limit_is_never_refused(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::Default).await;
        for _ in 0..150 {
            assert_eq!(status(&server, &key).await, 200);
            server.clock.advance_us(SECOND_US / 25);
        }
    }

    async fn a_change_of_definitions_does_not_open_the_limit_anew(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::PerSecond(3)).await;
        for _ in 0..3 {
            assert_eq!(status(&server, &key).await, 200);
        }
        server.guildhall.create_permission(&server.app, "can:edit", None, Actor::CommandLine).await.expect("it is made");
        assert_eq!(status(&server, &key).await, 429);
    }

    async fn bad_keys_are_limited_by_address_and_lock_out_no_good_one(engine) {
        let server = TestServer::start(engine).await;
        assert_eq!(server.request("GET", "/members").from("192.0.2.9").send().await.status, 200);
        let bad = async |number: u32, address: &str| {
            let key = format!("sk_sb_guess{number}");
            server.anonymous("GET", "/members").key(&key).from(address).send().await.status.as_u16()
        };
        for number in 0..25 {
            assert_eq!(bad(number, "192.0.2.9").await, 401);
        }
        assert_eq!(bad(25, "192.0.2.9").await, 429);
        assert_eq!(bad(26, "192.0.2.10").await, 401, "another address has its own limit");
        assert_eq!(server.request("GET", "/members").from("192.0.2.9").send().await.status, 200);
        server.clock.advance_us(SECOND_US);
        assert_eq!(bad(27, "192.0.2.9").await, 401);
    }
}
