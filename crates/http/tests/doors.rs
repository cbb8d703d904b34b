//! Who gets in: every route that needs an action, against every kind of caller.

use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::key::{KeyKind, PlainKey};
use guildhall_domain::scope::Scopes;
use guildhall_http::{ROUTES, Route, Surface};
use guildhall_testkit::{TestServer, both_engines};

/// A concrete address of a route.
fn path_of(route: &Route) -> String {
    let id = if route.surface == Surface::Appstle { "4711" } else { "mem_sb_cunknown" };
    let path = route.path.replace("{id}", id).replace("{key}", "unknown");
    path.replace("{permission}", "prm_unknown")
}

fn guarded() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.needs.is_some())
}

/// What the Appstle dialect tells every bad key.
const UNAUTHORIZED: &str = r#"{"error":"Unauthorized","message":"Invalid API key provided","status":401}"#;

both_engines! {
    async fn scopes_decide_on_every_route(engine) {
        let server = TestServer::start(engine).await;
        for stored in ["", "read-only", "members", "read-only,members", "tables", "manage", "read-only,manage", "contracts", "billing"] {
            let scopes = Scopes::from_stored(stored).expect("known scopes");
            let (_, secret) = server.key(Mode::Sandbox, |draft| draft.scopes = scopes).await;
            let (_, store) = server.key(Mode::Sandbox, |draft| {
                draft.kind = KeyKind::Store;
                draft.scopes = scopes;
            }).await;
            for route in guarded() {
                let (kind, key) = match route.surface {
                    Surface::Appstle => (KeyKind::Store, &store),
                    _ => (KeyKind::Secret, &secret),
                };
                let reply = server.anonymous(route.method, &path_of(route)).key(key).body("{}").send().await;
                let allowed = route.needs.is_none_or(|action| kind.is_for(action) && scopes.allow(action));
                assert_eq!(reply.status != 403, allowed, "[{stored}] {} {}", route.method, route.path);
                assert!(reply.status.as_u16() < 500, "{}", reply.text());
            }
        }
    }

    async fn no_route_opens_to_a_key_that_is_none_of_ours(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.bad_key_limit = 100_000).await;
        let (revoked, revoked_key) = server.key(Mode::Sandbox, |_| ()).await;
        server.guildhall.revoke_key(&revoked, Actor::CommandLine).await.expect("it is revoked");
        let (_, public) = server.key(Mode::Sandbox, |draft| draft.kind = KeyKind::Public).await;
        let (_, store) = server.key(Mode::Sandbox, |draft| draft.kind = KeyKind::Store).await;
        let (_, elsewhere) = server.key(Mode::Sandbox, |draft| {
            draft.allowed_addresses = vec!["198.51.100.0/24".parse().expect("a network")];
        }).await;
        let partner = server.guildhall.create_partner("Partner", Actor::CommandLine).await.expect("it is made");
        let well_formed = [
            "sk_sb_wellformedunknown", &revoked_key, &public, &store, &elsewhere, partner.plain.reveal(),
        ];
        let here = [server.sandbox_key.as_str(), &server.live_key, &public, &elsewhere, partner.plain.reveal(), "apst_x", "nonsense", ""];
        for route in guarded().filter(|route| route.surface == Surface::Appstle) {
            for key in here {
                let reply = server.anonymous(route.method, &path_of(route)).key(key).body("{}").send().await;
                assert_eq!((reply.status.as_u16(), reply.text().as_str()), (401, UNAUTHORIZED), "{} {} with {key:.6}", route.method, route.path);
            }
        }
        for route in guarded().filter(|route| route.surface != Surface::Appstle) {
            for (key, status) in well_formed.iter().map(|key| (*key, 401)).chain([("nonsense", 400), ("", 400)]) {
                let reply = server.anonymous(route.method, &path_of(route)).key(key).body("{}").send().await;
                let manages = route.path.starts_with("/manage/");
                let expected = if manages { 401 } else { status };
                assert_eq!(reply.status, expected, "{} {} with {key:.6}", route.method, route.path);
                if !manages {
                    let body = r#"{"code":"validation/invalid-secret-key","message":"The provided secret key is invalid."}"#;
                    assert_eq!(reply.text(), body, "one body, whatever the cause");
                }
            }
            let reply = server.anonymous(route.method, &path_of(route)).header("authorization", "Bearer x").send().await;
            assert!([400, 401].contains(&reply.status.as_u16()));
        }
        let allowed = server.anonymous("GET", "/members").key(&elsewhere).from("::ffff:198.51.100.7").send().await;
        assert_eq!(allowed.status, 200, "an IPv4 address in its IPv6 form is the same address");
    }

    async fn one_environments_members_are_nothing_to_another(engine) {
        let server = TestServer::start(engine).await;
        let (_, other_app) = server.second_app().await;
        let member = server.member("ada@example.com").await;
        let id = member["id"].as_str().expect("an id");
        for key in [&server.live_key, &other_app] {
            for address in [id, "ada%40example.com"] {
                let reply = server.anonymous("GET", &format!("/members/{address}")).key(key).send().await;
                assert_eq!(reply.text(), r#"{"data":null}"#);
            }
            for (method, path) in [("PATCH", ""), ("DELETE", ""), ("POST", "/add-plan"), ("POST", "/remove-plan")] {
                let request = server.anonymous(method, &format!("/members/{id}{path}")).key(key);
                let reply = request.body(r#"{"verified":true,"planId":"pln_x"}"#).send().await;
                assert_eq!(reply.status, 400, "{}", reply.text());
                assert_eq!(reply.json()["message"], "There is no member with this identifier.");
            }
        }
        let unchanged = server.request("GET", &format!("/members/{id}")).send().await;
        assert_eq!(unchanged.json()["data"], member);
    }

    async fn a_key_revoked_by_another_process_is_refused_at_the_next_request(engine) {
        let server = TestServer::start(engine).await;
        let (id, key) = server.key(Mode::Sandbox, |_| ()).await;
        let settings = guildhall_app::Settings::new(server.database.target.clone());
        let other = guildhall_app::Guildhall::open(settings, server.clock.clone(),
            std::sync::Arc::new(guildhall_testkit::SeededChance::new(2))).await.expect("it opens");
        assert_eq!(server.anonymous("GET", "/members").key(&key).send().await.status, 200);
        other.revoke_key(&id, Actor::CommandLine).await.expect("it is revoked");
        assert_eq!(server.anonymous("GET", "/members").key(&key).send().await.status, 401);
        assert_eq!(server.request("GET", "/members").send().await.status, 200, "others are left alone");
    }

    async fn expiry_rotation_and_legacy_keys(engine) {
        let server = TestServer::start(engine).await;
        let soon = server.guildhall.now().plus_micros(5_000_000);
        let (id, expiring) = server.key(Mode::Sandbox, |draft| draft.expires_at = Some(soon)).await;
        let rotated = server.guildhall.rotate_key(&id, Actor::CommandLine).await.expect("it is rotated");
        let legacy = "an-old-key-without-prefix";
        server.key(Mode::Sandbox, |draft| draft.import = PlainKey::imported(legacy)).await;
        let status = async |key: &str| server.anonymous("GET", "/members").key(key).send().await.status.as_u16();
        for key in [expiring.as_str(), rotated.plain.reveal(), legacy] {
            assert_eq!(status(key).await, 200);
        }
        server.clock.advance_us(5_000_000);
        assert_eq!(status(&expiring).await, 401);
        assert_eq!(status(legacy).await, 200);
        assert_eq!(status("an-old-key-without-prefiy").await, 400);
    }

    async fn ten_store_keys_are_active_at_a_time_however_many_come_at_once(engine) {
        let server = TestServer::start(engine).await;
        let mut first = None;
        for _ in 0..9 {
            first = Some(server.key(Mode::Live, |draft| draft.kind = KeyKind::Store).await.0);
        }
        let attempts: Vec<_> = (0..12).map(|number| {
            let (guildhall, app) = (server.guildhall.clone(), server.app.clone());
            tokio::spawn(async move {
                let draft = guildhall_app::keys::KeyDraft::named(KeyKind::Store, &format!("at once {number}"));
                guildhall.create_key(&app, Mode::Live, draft, Actor::CommandLine).await.is_ok()
            })
        }).collect();
        let mut made = 0;
        for attempt in attempts {
            made += u32::from(attempt.await.expect("no panic"));
        }
        assert_eq!(made, 1);
        let freed = first.expect("nine were made");
        server.guildhall.revoke_key(&freed, Actor::CommandLine).await.expect("it is revoked");
        server.key(Mode::Live, |draft| draft.kind = KeyKind::Store).await;
    }

    async fn last_use_is_noted_for_successes_and_survives_reopening(engine) {
        let server = TestServer::start(engine).await;
        let (id, key) = server.key(Mode::Sandbox, |_| ()).await;
        let used = async || {
            server.guildhall.flush_last_used().await.expect("it is written");
            let keys = server.guildhall.list_keys(Some(&server.app)).await.expect("a list");
            keys.into_iter().find(|known| known.id == id).expect("the key").last_used_at
        };
        server.anonymous("PATCH", "/members/mem_x").key(&key).body("{}").send().await;
        assert_eq!(used().await, None);
        server.anonymous("GET", "/members").key(&key).send().await;
        assert_eq!(used().await, Some(server.guildhall.now()));
    }
}
