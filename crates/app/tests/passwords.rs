//! Members' passwords: whatever they were hashed with before, and however many come at once.

use guildhall_app::members::Member;
use guildhall_app::passwords::Password;
use guildhall_app::{AppError, Guildhall};
use guildhall_domain::ids::AppId;
use guildhall_domain::{Code, Mode};
use guildhall_testkit::{TestServer, both_engines};
use serde_json::json;

/// Hashes by other programs, with the password that each is of.
const IMPORTED: [(&str, &str, &str); 6] = [
    ("bcrypt", "U*U", "$2a$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW"),
    (
        "scrypt",
        "lètmein",
        "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$nkIet0OzGMHuENHap6UFxONPfEj6uZM2wVm4aOG0d54",
    ),
    (
        "pbkdf2",
        "lètmein",
        "$pbkdf2-sha256$1000$././AAECAwQFBgcICQoLDA0ODw$Ivq29gaNCMwFBjcNiupK2zbPYKrQ.8m2HQMXxzQlOhQ",
    ),
    ("django", "lètmein", "pbkdf2_sha256$10000$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY="),
    ("argon2i", "pässword", "$argon2i$v=19$m=256,t=3,p=4$c29tZXNhbHQ$dHtzp4Ul/LuLosfWk4ZG+KAjVKUa+y2c"),
    (
        "argon2id",
        "pw",
        "$argon2id$v=19$m=32768,t=1,p=2$c2FsdHNhbHQ$zgc+Tailr/vvD57oslkxBFd+noTTHkaRQOHQ5jMU774",
    ),
];
/// What new hashes start with.
const TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// Costs a good part of a second to compare with.
const SLOW: &str = "$2b$13$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m";

async fn sign_in(
    guildhall: &Guildhall,
    app: &AppId,
    email: &str,
    password: &str,
) -> Result<Option<Member>, AppError> {
    let place = guildhall.command_line_access(app, Mode::Sandbox).await?;
    let password = Password::new(password).expect("short enough");
    guildhall.check_password(&place.access(), email, password).await
}

async fn signs_in(server: &TestServer, email: &str, password: &str) -> bool {
    sign_in(&server.guildhall, &server.app, email, password).await.expect("an answer").is_some()
}

/// The hash that is stored for a member.
async fn stored(server: &TestServer, email: &str) -> Option<String> {
    let place = server.guildhall.command_line_access(&server.app, Mode::Sandbox).await.expect("the app");
    let page = server.guildhall.export_members(&place.access(), None).await.expect("an export");
    let found = page.members.into_iter().find(|exported| exported.member.email.as_deref() == Some(email));
    found.expect("the member").password_hash
}

async fn import_hashes(server: &TestServer) {
    let rows =
        IMPORTED.map(|(name, _, hash)| json!({"email": format!("{name}@example.com"), "passwordHash": hash}));
    let outcome = server.import(Mode::Sandbox, rows).await;
    assert_eq!(outcome.taken, 6, "{outcome:?}");
}

/// Keeps the only password thread busy for a good while.
async fn keep_the_thread_busy(server: &TestServer) -> tokio::task::JoinHandle<()> {
    let outcome =
        server.import(Mode::Sandbox, [json!({"email": "slow@example.com", "passwordHash": SLOW})]).await;
    assert_eq!(outcome.taken, 1, "{outcome:?}");
    let (guildhall, app) = (server.guildhall.clone(), server.app.clone());
    let slow = tokio::spawn(async move {
        let found = sign_in(&guildhall, &app, "slow@example.com", "wrong").await.expect("an answer");
        assert!(found.is_none());
    });
    while server.guildhall.password_gauges().1 == 0 {
        assert!(!slow.is_finished(), "the slow password was compared before anybody looked");
        tokio::task::yield_now().await;
    }
    slow
}

both_engines! {
    async fn an_imported_password_works_and_is_hashed_anew_at_the_first_sign_in_alone(engine) {
        let server = TestServer::start(engine).await;
        import_hashes(&server).await;
        for (name, password, hash) in IMPORTED {
            let email = format!("{name}@example.com");
            assert!(!signs_in(&server, &email, "another-password").await, "{name}");
            assert_eq!(stored(&server, &email).await.as_deref(), Some(hash), "a wrong password changes nothing");
            assert!(signs_in(&server, &email.to_uppercase(), password).await, "{name}");
            let better = stored(&server, &email).await.expect("a hash");
            assert!(better.starts_with(TODAY), "{name}: {better}");
            let writes = server.guildhall.store_gauges().writes_total;
            assert!(signs_in(&server, &email, password).await, "{name}: the new hash is of the same password");
            assert!(!signs_in(&server, &email, "another-password").await, "{name}");
            assert_eq!(stored(&server, &email).await.as_deref(), Some(better.as_str()));
            assert_eq!(server.guildhall.store_gauges().writes_total, writes, "{name}: nothing was left to write");
        }
    }

    async fn signing_in_at_once_many_times_upgrades_to_one_sound_hash(engine) {
        let server = TestServer::start(engine).await;
        import_hashes(&server).await;
        let attempts: Vec<_> = (0..10).map(|_| {
            let (guildhall, app) = (server.guildhall.clone(), server.app.clone());
            tokio::spawn(async move { sign_in(&guildhall, &app, "argon2i@example.com", "pässword").await.is_ok_and(|found| found.is_some()) })
        }).collect();
        for attempt in attempts {
            assert!(attempt.await.expect("no panic"));
        }
        assert!(stored(&server, "argon2i@example.com").await.is_some_and(|hash| hash.starts_with(TODAY)));
        assert!(signs_in(&server, "argon2i@example.com", "pässword").await);
    }

    async fn a_new_members_password_is_kept_as_todays_hash_and_compared_byte_for_byte(engine) {
        let server = TestServer::start(engine).await;
        server.member("ada@example.com").await;
        server.member("bob@example.com").await;
        let (ada, bob) = (stored(&server, "ada@example.com").await, stored(&server, "bob@example.com").await);
        assert!(ada.as_ref().is_some_and(|hash| hash.starts_with(TODAY)));
        assert_ne!(ada, bob, "each has a salt of its own");
        assert!(signs_in(&server, "ada@example.com", "a-long-password").await);
        for wrong in ["", "A-long-password", "a-long-password ", " a-long-password", "a-long-passwor", "a-long-password\0"] {
            assert!(!signs_in(&server, "ada@example.com", wrong).await, "{wrong:?}");
        }
    }

    async fn who_has_no_password_or_no_account_is_simply_not_signed_in(engine) {
        let server = TestServer::start(engine).await;
        server.import(Mode::Sandbox, [json!({"email": "bare@example.com"})]).await;
        server.import(Mode::Live, [json!({"email": "live@example.com", "passwordHash": IMPORTED[0].2})]).await;
        for (email, password) in [("bare@example.com", ""), ("bare@example.com", "x"), ("nobody@example.com", "x"), ("live@example.com", "U*U")] {
            assert!(!signs_in(&server, email, password).await, "{email}");
        }
    }

    async fn an_unknown_address_takes_a_place_in_the_same_queue(engine) {
        let server = TestServer::start_with(engine, |settings| settings.password_queue_max = 0).await;
        let slow = keep_the_thread_busy(&server).await;
        for email in ["nobody@example.com", "slow@example.com"] {
            let refused = sign_in(&server.guildhall, &server.app, email, "x").await.err();
            assert_eq!(refused.map(|error| error.code), Some(Code::Busy), "{email}");
        }
        assert!(!slow.is_finished());
        slow.await.expect("no panic");
        assert!(!signs_in(&server, "nobody@example.com", "x").await);
    }

    async fn a_burst_of_sign_ups_is_partly_turned_away_and_keeps_no_reader_waiting(engine) {
        let server = TestServer::start_with(engine, |settings| {
            settings.password_queue_max = 8;
            settings.limits.sandbox_members_max = 1000;
        }).await;
        let slow = keep_the_thread_busy(&server).await;
        let burst: Vec<_> = (0..200).map(|number| {
            let body = json!({"email": format!("member{number}@example.com"), "password": "a-long-password"});
            tokio::spawn(server.request("POST", "/members").json(&body).send())
        }).collect();
        for _ in 0..20 {
            assert_eq!(server.request("GET", "/members?limit=1").send().await.status, 200);
        }
        assert!(burst.iter().any(|sign_up| !sign_up.is_finished()), "reads wait for no password");
        let (mut made, mut turned_away) = (0, 0);
        for sign_up in burst {
            let reply = sign_up.await.expect("no panic");
            match reply.status.as_u16() {
                200 => made += 1,
                status => {
                    assert_eq!((status, reply.code().as_str(), reply.header("retry-after").as_str()), (503, "generic-message", "1"));
                    turned_away += 1;
                }
            }
        }
        slow.await.expect("no panic");
        assert!(made >= 8 && turned_away > 0, "{made} were made, {turned_away} turned away");
        assert_eq!(server.total().await, made + 1, "who was turned away left nothing");
        server.member("afterwards@example.com").await;
    }
}
