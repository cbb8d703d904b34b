//! Limits between keys, addresses and processes; the window itself is tested in `sliding_limit.rs`.

use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::key::RateLimit;
use guildhall_testkit::{Reply, TestServer, both_engines};

const SECOND_US: i64 = 1_000_000;

async fn send(server: &TestServer, key: &str) -> Reply {
    server.anonymous("GET", "/members").key(key).send().await
}

/// How many of that many requests are let in.
async fn admitted(server: &TestServer, key: &str, requests: usize) -> usize {
    let mut admitted = 0;
    for _ in 0..requests {
        admitted += usize::from(send(server, key).await.status == 200);
    }
    admitted
}

both_engines! {
    async fn each_key_has_its_own_limit(engine) {
        let server = TestServer::start(engine).await;
        let (_, default) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::Default).await;
        let (_, three) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::PerSecond(3)).await;
        let (_, hundred) = server.key(Mode::Live, |draft| draft.rate_limit = RateLimit::PerSecond(100)).await;
        let (_, unlimited) = server.key(Mode::Live, |_| ()).await;
        for (key, limit) in [(&default, 25), (&three, 3), (&hundred, 100)] {
            assert_eq!(admitted(&server, key, 130).await, limit);
            let refused = send(&server, key).await;
            assert_eq!(refused.header("ratelimit-policy"), format!("{limit};w=1"));
            assert_eq!(refused.header("ratelimit-reset"), "1");
        }
        assert_eq!(admitted(&server, &unlimited, 300).await, 300);
        assert_eq!(send(&server, &unlimited).await.header("ratelimit-limit"), "", "no limit, no headers");
    }

    async fn requests_at_once_are_counted_exactly(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::Default).await;
        let requests: Vec<_> = (0..100).map(|_| tokio::spawn(server.anonymous("GET", "/members").key(&key).send())).collect();
        let mut admitted = 0;
        for request in requests {
            let reply = request.await.expect("no panic");
            match reply.status.as_u16() {
                200 => admitted += 1,
                status => assert_eq!((status, reply.header("retry-after").as_str()), (429, "1")),
            }
        }
        assert_eq!(admitted, 25);
    }

    async fn who_comes_back_after_retry_after_is_let_in(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::PerSecond(2)).await;
        for _ in 0..20 {
            assert_eq!(admitted(&server, &key, 2).await, 2);
            let refused = send(&server, &key).await;
            assert_eq!(refused.status, 429);
            let seconds: i64 = refused.header("retry-after").parse().expect("whole seconds");
            server.clock.advance_us(seconds * SECOND_US);
        }
    }

    async fn refused_requests_do_not_put_off_the_next_admission(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::PerSecond(2)).await;
        assert_eq!(admitted(&server, &key, 2).await, 2);
        server.clock.advance_us(SECOND_US / 2);
        assert_eq!(admitted(&server, &key, 50).await, 0);
        server.clock.advance_us(SECOND_US / 2);
        assert_eq!(admitted(&server, &key, 2).await, 2);
    }

    async fn the_manage_surface_and_failures_count_as_well(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::PerSecond(4)).await;
        for (method, path, status) in [("GET", "/manage/v1/app", 403), ("POST", "/members", 400), ("PUT", "/members", 405), ("GET", "/members", 200)] {
            assert_eq!(server.anonymous(method, path).key(&key).send().await.status, status);
        }
        let refused = server.anonymous("GET", "/manage/v1/app").key(&key).send().await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str(), refused.header("retry-after").as_str()), (429, "rate_limited", "1"));
        assert_eq!(refused.header("content-type"), "application/problem+json");
    }

    async fn a_change_by_another_process_does_not_open_the_limit_anew(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| draft.rate_limit = RateLimit::Default).await;
        assert_eq!(admitted(&server, &key, 25).await, 25);
        let other = server.second_process().await;
        other.create_permission(&server.app, "can:edit", None, Actor::CommandLine).await.expect("it is made");
        assert_eq!(send(&server, &key).await.status, 429);
        server.clock.advance_us(SECOND_US);
        assert_eq!(admitted(&server, &key, 30).await, 25);
    }

    async fn bad_keys_of_every_sort_share_their_addresss_limit(engine) {
        let server = TestServer::start(engine).await;
        let (revoked, revoked_key) = server.key(Mode::Sandbox, |_| ()).await;
        server.guildhall.revoke_key(&revoked, Actor::CommandLine).await.expect("it is revoked");
        let sorts = [revoked_key.as_str(), "nonsense", "", "sk_sb_unknownunknown", "pk_unknown"];
        for number in 0..25 {
            let status = send(&server, sorts[number % sorts.len()]).await.status.as_u16();
            assert!([400, 401].contains(&status), "{number}: {status}");
        }
        for key in sorts {
            let refused = send(&server, key).await;
            assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "1"));
        }
        let manage = server.anonymous("GET", "/manage/v1/app").key("nonsense").send().await;
        assert_eq!(manage.status, 429, "whichever surface they come to");
        server.clock.advance_us(SECOND_US);
        assert_eq!(send(&server, "nonsense").await.status, 400);
    }

    async fn an_ipv6_subscriber_is_one_address_and_a_mapped_one_is_its_ipv4(engine) {
        let server = TestServer::start(engine).await;
        let bad = async |address: &str| {
            let request = server.anonymous("GET", "/members").key("sk_sb_unknownunknown").from(address);
            request.send().await.status.as_u16()
        };
        for number in 0..25 {
            assert_eq!(bad(&format!("2001:db8:1:2::{number:x}")).await, 401);
            assert_eq!(bad(if number % 2 == 0 { "198.51.100.7" } else { "::ffff:198.51.100.7" }).await, 401);
        }
        for full in ["2001:db8:1:2:ffff::1", "198.51.100.7", "::ffff:198.51.100.7"] {
            assert_eq!(bad(full).await, 429, "{full}");
        }
        assert_eq!((bad("2001:db8:1:3::1").await, bad("198.51.100.8").await), (401, 401));
    }
}
