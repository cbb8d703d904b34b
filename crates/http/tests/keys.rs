//! A key from its creation to its end; who is let in where is in `doors.rs`.

use guildhall_app::keys::KeyDraft;
use guildhall_domain::audit::Actor;
use guildhall_domain::key::{Key, KeyKind, PlainKey, Shape};
use guildhall_domain::{Code, Mode};
use guildhall_http::{ROUTES, Surface};
use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Value, json};

async fn status(server: &TestServer, key: &str) -> u16 {
    server.anonymous("GET", "/members").key(key).send().await.status.as_u16()
}

async fn record(server: &TestServer, id: &guildhall_domain::ids::KeyId) -> Key {
    let keys = server.guildhall.list_keys(Some(&server.app)).await.expect("a list");
    keys.into_iter().find(|key| key.id == *id).expect("the key")
}

both_engines! {
    async fn what_has_no_shape_of_a_key_is_told_from_what_is_unknown(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.bad_key_limit = 1000).await;
        let real = server.sandbox_key.clone();
        let mut mistyped = real.clone().into_bytes();
        let last = mistyped.len() - 1;
        mistyped[last] = if mistyped[last] == b'a' { b'b' } else { b'a' };
        let mistyped = String::from_utf8(mistyped).expect("ASCII");
        let cut = &real[..real.len() - 1];
        for unknown in ["sk_sb_wellformedunknown", "sk_wellformedunknown", "pk_sb_x", "apst_x", "ptnr_x", mistyped.as_str(), cut] {
            assert_eq!(status(&server, unknown).await, 401, "{unknown:.12}");
        }
        let padded = [format!("{real} "), format!(" {real}"), format!("Bearer {real}"), format!("{real}\t"), format!("\"{real}\"")];
        for nonsense in ["", "nonsense", "sk_", "sk_sb_", "null", "undefined", "-"].into_iter().chain(padded.iter().map(String::as_str)) {
            assert_eq!(status(&server, nonsense).await, 400, "{nonsense:.12}");
        }
        let reply = server.anonymous("GET", "/members").header("authorization", &format!("Bearer {real}")).send().await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, "validation/invalid-secret-key"));
        let query = server.anonymous("GET", &format!("/members?api_key={real}")).send().await;
        assert_eq!(query.status, 400, "only the store dialect takes a key in the query");
        for name in ["X-API-KEY", "x-api-key", "X-Api-Key"] {
            assert_eq!(server.anonymous("GET", "/members").header(name, &real).send().await.status, 200);
        }
    }

    async fn no_route_gives_data_to_another_app_or_environment(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Ours", None).await;
        let member = server.member("ada@example.com").await["id"].as_str().expect("an id").to_owned();
        let before = server.request("GET", "/members?includeJSON=true").send().await.text();
        let (_, other_app) = server.second_app().await;
        let body = json!({"planId": plan, "verified": true, "metaData": {"seen": 1}});
        for route in ROUTES.iter().filter(|route| route.surface == Surface::Memberstack) {
            let path = route.path.replace("{id}", &member);
            for key in [other_app.as_str(), server.live_key.as_str(), ""] {
                let reply = server.anonymous(route.method, &path).key(key).json(&body).send().await;
                let text = reply.text();
                assert!(!text.contains("ada@example.com"), "{} {path}: {text}", route.method);
                if reply.status == 200 {
                    let data = &reply.json()["data"];
                    let nothing = [json!(null), json!([]), json!({ "tables": [] })];
                    assert!(nothing.contains(data), "{} {path}: {text}", route.method);
                }
            }
        }
        assert_eq!(server.request("GET", "/members?includeJSON=true").send().await.text(), before);
    }

    async fn a_new_key_is_shown_once_and_kept_as_a_hash(engine) {
        let server = TestServer::start(engine).await;
        for (kind, mode, prefix) in [(KeyKind::Secret, Mode::Sandbox, "sk_sb_"), (KeyKind::Secret, Mode::Live, "sk_"), (KeyKind::Store, Mode::Live, "apst_")] {
            let (id, text) = server.key(mode, |draft| draft.kind = kind).await;
            assert!(text.starts_with(prefix) && text.len() == prefix.len() + 38);
            assert!(Shape::of(&text).is_some_and(|shape| shape.checksum_ok));
            let kept = record(&server, &id).await;
            assert_eq!(kept.start, text[..prefix.len() + 4]);
            assert!(!format!("{kept:?}").contains(&text[prefix.len() + 4..]));
        }
    }

    async fn addresses_outside_the_list_are_refused_in_whichever_form_they_come(engine) {
        let server = TestServer::start(engine).await;
        let (_, key) = server.key(Mode::Sandbox, |draft| {
            draft.allowed_addresses = ["198.51.100.0/24", "2001:db8::/32"].map(|net| net.parse().expect("a network")).to_vec();
        }).await;
        for (address, expected) in [
            ("198.51.100.7", 200), ("198.51.101.7", 401), ("::ffff:198.51.100.7", 200), ("::ffff:198.51.101.7", 401),
            ("2001:db8::1", 200), ("2001:db9::1", 401), ("::1", 401),
        ] {
            let request = server.anonymous("GET", "/members").key(&key).from(address);
            assert_eq!(request.send().await.status.as_u16(), expected, "{address}");
        }
        let forged = server.anonymous("GET", "/members").key(&key).from("192.0.2.9").header("x-forwarded-for", "198.51.100.7");
        assert_eq!(forged.send().await.status, 401, "what no trusted proxy wrote says nothing");
    }

    async fn revoking_takes_effect_at_once_and_for_one_key_alone(engine) {
        let server = TestServer::start(engine).await;
        let (old, old_text) = server.key(Mode::Sandbox, |_| ()).await;
        let new = server.guildhall.rotate_key(&old, Actor::CommandLine).await.expect("it is rotated");
        assert_ne!(new.plain.reveal(), old_text);
        assert_eq!((status(&server, &old_text).await, status(&server, new.plain.reveal()).await), (200, 200), "both work meanwhile");
        let revoked = server.guildhall.revoke_key(&old, Actor::CommandLine).await.expect("it is revoked");
        let again = server.guildhall.revoke_key(&old, Actor::CommandLine).await.expect("revoking twice is revoking once");
        assert_eq!(revoked.revoked_at, again.revoked_at);
        assert_eq!((status(&server, &old_text).await, status(&server, new.plain.reveal()).await), (401, 200));
        assert_eq!(status(&server, &server.sandbox_key).await, 200);
        let Err(error) = server.guildhall.rotate_key(&old, Actor::CommandLine).await else { panic!("a revoked key was rotated") };
        assert_eq!(error.code, Code::KeyNotFound);
    }

    async fn a_key_made_by_another_process_works_at_once_also_after_having_been_unknown(engine) {
        let server = TestServer::start(engine).await;
        let other = server.second_process().await;
        let legacy = "sk_sb_brought-over-from-elsewhere";
        assert_eq!(status(&server, legacy).await, 401);
        let mut draft = KeyDraft::named(KeyKind::Secret, "legacy");
        draft.import = PlainKey::imported(legacy);
        let made = other.create_key(&server.app, Mode::Sandbox, draft, Actor::CommandLine).await.expect("it is made");
        assert_eq!(status(&server, legacy).await, 200);
        other.revoke_key(&made.key.id, Actor::CommandLine).await.expect("it is revoked");
        assert_eq!(status(&server, legacy).await, 401);
    }

    async fn a_legacy_key_is_imported_once_and_not_if_it_could_be_guessed(engine) {
        let server = TestServer::start(engine).await;
        assert!(PlainKey::imported("too-short").is_none() && PlainKey::imported("with white space in it").is_none());
        let import = async |text: &str, kind: KeyKind| {
            let mut draft = KeyDraft::named(kind, "legacy");
            draft.import = PlainKey::imported(text);
            server.guildhall.create_key(&server.app, Mode::Sandbox, draft, Actor::CommandLine).await.map(|made| made.key)
        };
        let made = import("0123456789abcdef", KeyKind::Secret).await.unwrap_or_else(|_| panic!("it is imported"));
        assert!(made.imported && made.start == "0123");
        assert_eq!(status(&server, "0123456789abcdef").await, 200);
        let again = import("0123456789abcdef", KeyKind::Secret).await;
        assert_eq!(again.err().map(|error| error.code), Some(Code::KeyExists));
        let public = import("0123456789abcdeg", KeyKind::Public).await;
        assert_eq!(public.err().map(|error| error.code), Some(Code::InputInvalid));
    }

    async fn an_eleventh_store_key_is_refused_and_rotation_is_no_way_around(engine) {
        let server = TestServer::start(engine).await;
        let mut ids = Vec::new();
        for number in 0..10 {
            let mode = if number % 2 == 0 { Mode::Live } else { Mode::Sandbox };
            ids.push(server.key(mode, |draft| draft.kind = KeyKind::Store).await.0);
        }
        let create = async || {
            let draft = KeyDraft::named(KeyKind::Store, "one more");
            server.guildhall.create_key(&server.app, Mode::Live, draft, Actor::CommandLine).await.err().map(|error| error.code)
        };
        assert_eq!(create().await, Some(Code::KeyLimitReached));
        let rotated = server.guildhall.rotate_key(&ids[0], Actor::CommandLine).await;
        assert_eq!(rotated.err().map(|error| error.code), Some(Code::KeyLimitReached));
        server.guildhall.revoke_key(&ids[0], Actor::CommandLine).await.expect("it is revoked");
        assert_eq!(create().await, None);
        assert_eq!(create().await, Some(Code::KeyLimitReached));
        let (other, _) = server.second_app().await;
        let draft = KeyDraft::named(KeyKind::Store, "elsewhere");
        assert!(server.guildhall.create_key(&other, Mode::Live, draft, Actor::CommandLine).await.is_ok(), "the limit is each app's own");
    }

    async fn an_expired_store_key_frees_its_place(engine) {
        let server = TestServer::start(engine).await;
        let soon = server.guildhall.now().plus_micros(1_000_000);
        for _ in 0..10 {
            server.key(Mode::Live, |draft| { draft.kind = KeyKind::Store; draft.expires_at = Some(soon); }).await;
        }
        server.clock.advance_us(1_000_000);
        server.key(Mode::Live, |draft| draft.kind = KeyKind::Store).await;
    }

    async fn the_last_use_is_that_of_the_last_success_and_outlives_the_process(engine) {
        let server = TestServer::start(engine).await;
        let (id, key) = server.key(Mode::Sandbox, |_| ()).await;
        let flushed = async || {
            server.guildhall.flush_last_used().await.expect("it is written");
            record(&server, &id).await.last_used_at
        };
        for (method, path, body) in [("GET", "/members?after=x", ""), ("GET", "/nowhere", ""), ("POST", "/members", "{"), ("GET", "/manage/v1/app", "")] {
            assert!(!server.anonymous(method, path).key(&key).body(body).send().await.status.is_success());
            assert_eq!(flushed().await, None, "{method} {path}");
        }
        assert_eq!(status(&server, &key).await, 200);
        assert_eq!(record(&server, &id).await.last_used_at, None, "no request waits for this to be written");
        let used = Some(server.guildhall.now());
        assert_eq!(flushed().await, used);
        server.clock.advance_us(60_000_000);
        server.anonymous("GET", "/members?after=x").key(&key).send().await;
        assert_eq!(flushed().await, used, "a failure does not move it");
        assert_eq!(status(&server, &key).await, 200);
        let later = Some(server.guildhall.now());
        server.guildhall.close().await;
        let reopened = server.second_process().await;
        let keys = reopened.list_keys(Some(&server.app)).await.expect("a list");
        assert_eq!(keys.into_iter().find(|key| key.id == id).and_then(|key| key.last_used_at), later);
    }

    async fn partner_keys_belong_to_the_installation_and_open_nothing_alone(engine) {
        let server = TestServer::start(engine).await;
        let partner = server.guildhall.create_partner("Integrator", Actor::CommandLine).await.expect("it is made");
        assert!(partner.plain.reveal().starts_with("ptnr_"));
        assert_eq!(status(&server, partner.plain.reveal()).await, 401);
        let listed = server.guildhall.list_keys(None).await.expect("a list");
        assert_eq!(listed.iter().map(|key| (key.name.as_str(), key.app.is_none())).collect::<Vec<_>>(), [("Integrator", true)]);
        let of_app = server.guildhall.list_keys(Some(&server.app)).await.expect("a list");
        assert!(of_app.iter().all(|key| key.kind != KeyKind::Partner));
        let draft = KeyDraft::named(KeyKind::Partner, "inside an app");
        let refused = server.guildhall.create_key(&server.app, Mode::Live, draft, Actor::CommandLine).await;
        assert_eq!(refused.err().map(|error| error.code), Some(Code::InputInvalid));
        let revoked = server.guildhall.revoke_key(&partner.key.id, Actor::CommandLine).await.expect("it is revoked");
        assert!(revoked.revoked_at.is_some());
    }

    async fn no_answer_repeats_the_key(engine) {
        let server = TestServer::start(engine).await;
        let (id, key) = server.key(Mode::Sandbox, |_| ()).await;
        server.guildhall.revoke_key(&id, Actor::CommandLine).await.expect("it is revoked");
        for text in [key.as_str(), "sk_sb_unknownunknown", "nonsense-nonsense", server.live_key.as_str()] {
            for route in ROUTES.iter().filter(|route| route.needs.is_some()) {
                let reply = server.anonymous(route.method, route.path).key(text).body("{").from("192.0.2.77").send().await;
                let shown = format!("{:?}{}", reply.headers, reply.text());
                assert!(!shown.contains(text), "{} {}", route.method, route.path);
                let told = |name: &str| reply.json()[name] != Value::Null;
                assert!(reply.status.is_success() || told("code") || told("status"));
            }
            server.clock.advance_us(2_000_000);
        }
    }
}
