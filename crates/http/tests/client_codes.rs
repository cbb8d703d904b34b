//! One-time codes and links: each works once, for a short while, for who it was mailed to, and guesses
//! at it are counted.

use guildhall_testkit::{PASSWORD, TestServer, both_engines, token_and_member};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const MINUTE_US: i64 = 60_000_000;

async fn outcome(server: &TestServer, path: &str, body: Value) -> (u16, String) {
    let reply = server.post(path, body).await;
    (reply.status.as_u16(), if reply.status == 200 { String::new() } else { reply.code() })
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

async fn code_log_in(server: &TestServer, email: &str, code: &str) -> (u16, String) {
    outcome(server, "/auth/passwordless/login", json!({ "email": email, "passwordlessToken": code })).await
}

async fn reset(server: &TestServer, code: &str) -> (u16, String) {
    outcome(server, "/auth/reset-password", json!({ "token": code, "newPassword": "another-password" })).await
}

async fn log_in(server: &TestServer, password: &str) -> u16 {
    outcome(server, "/auth/login", json!({ "email": ADA, "password": password })).await.0
}

/// A code that differs from the right one in its last digit.
fn wrong(code: &str) -> String {
    let last = code.bytes().last().expect("a digit");
    format!("{}{}", &code[..5], char::from(if last == b'9' { b'0' } else { last + 1 }))
}

async fn send_log_in_code(server: &TestServer, email: &str) -> String {
    let sent = server.post("/auth/passwordless/login/send", json!({ "email": email })).await;
    assert_eq!(sent.text(), r#"{"data":{"success":true}}"#);
    server.mailed_code(email).await
}

async fn send_reset_code(server: &TestServer, email: &str) -> String {
    let sent = server.post("/auth/send-reset-password-email", json!({ "email": email })).await;
    assert!(sent.json()["data"].is_string(), "{}", sent.text());
    server.mailed_code(email).await
}

both_engines! {
    async fn a_log_in_code_works_once(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        let code = send_log_in_code(&server, ADA).await;
        let reply = server.post("/auth/passwordless/login", json!({ "email": "Ada@Example.com", "passwordlessToken": code })).await;
        let (_, member) = token_and_member(&reply);
        assert_eq!(member["verified"], true, "who has the code has the mailbox");
        assert_eq!(code_log_in(&server, ADA, &code).await, refused("invalid-passwordless-login-code"));
    }

    async fn a_log_in_code_is_refused_when_expired_replaced_anothers_or_for_something_else(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        server.signed_up("eve@example.com").await;
        let code = send_log_in_code(&server, ADA).await;
        let bad = refused("invalid-passwordless-login-code");
        assert_eq!(code_log_in(&server, "eve@example.com", &code).await, bad, "another account");
        assert_eq!(code_log_in(&server, "nobody@example.com", &code).await, bad, "no account");
        assert_eq!(reset(&server, &code).await, refused("invalid-reset-code"), "another purpose");
        let sign_up = json!({ "email": "new@example.com", "passwordlessToken": code });
        assert_eq!(outcome(&server, "/auth/signup?isPasswordless=true", sign_up).await, bad);
        let newer = send_log_in_code(&server, ADA).await;
        assert_eq!(code_log_in(&server, ADA, &code).await, bad, "replaced");
        server.clock.advance_us(10 * MINUTE_US);
        assert_eq!(code_log_in(&server, ADA, &newer).await, bad, "expired");
        let last = send_log_in_code(&server, ADA).await;
        server.clock.advance_us(10 * MINUTE_US - 1);
        assert_eq!(code_log_in(&server, ADA, &last).await.0, 200);
    }

    async fn a_code_guessed_at_ten_times_is_dead_and_every_guess_is_counted(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.sign_in_attempts = 100).await;
        server.signed_up(ADA).await;
        let code = send_log_in_code(&server, ADA).await;
        for _ in 0..10 {
            assert_eq!(code_log_in(&server, ADA, &wrong(&code)).await, refused("invalid-passwordless-login-code"));
        }
        assert_eq!(code_log_in(&server, ADA, &code).await, refused("invalid-passwordless-login-code"), "the right one as well");
        let counted = stored_attempts(&server, "log-in").await;
        assert_eq!(counted, 10);
        let metrics = server.anonymous("GET", "/metrics").send().await.text();
        let counted = metrics.lines().find(|line| line.contains("login_code_invalid")).expect("a counter");
        assert!(counted.ends_with(" 11"), "{counted}");
        let fresh = send_log_in_code(&server, ADA).await;
        assert_eq!(code_log_in(&server, ADA, &fresh).await.0, 200, "a new code starts anew");
    }

    async fn guesses_at_a_code_have_to_wait_ever_longer(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        let code = send_log_in_code(&server, ADA).await;
        for _ in 0..5 {
            assert_eq!(code_log_in(&server, ADA, &wrong(&code)).await.0, 400);
        }
        for _ in 0..5 {
            assert_eq!(code_log_in(&server, ADA, &code).await.0, 429);
        }
    }

    async fn a_sign_up_code_makes_a_member_without_a_password_once(engine) {
        let server = TestServer::start(engine).await;
        let sent = server.post("/auth/passwordless/signup/send", json!({ "email": ADA })).await;
        assert_eq!(sent.text(), r#"{"data":{"success":true}}"#);
        let code = server.mailed_code(ADA).await;
        let sign_up = |email: &str, code: &str| json!({ "email": email, "passwordlessToken": code, "customFields": { "first-name": "Ada" } });
        let path = "/auth/signup?isPasswordless=true";
        assert_eq!(outcome(&server, path, sign_up("eve@example.com", &code)).await, refused("invalid-passwordless-login-code"));
        assert_eq!(outcome(&server, path, sign_up(ADA, &wrong(&code))).await, refused("invalid-passwordless-login-code"));
        assert_eq!(outcome(&server, path, json!({ "email": ADA })).await, refused("required-field-missing"));
        let (token, member) = token_and_member(&server.post(path, sign_up(ADA, &code)).await);
        assert_eq!(member["auth"]["hasPassword"], false);
        assert_eq!((member["verified"].clone(), member["customFields"]["first-name"].clone()), (json!(true), json!("Ada")));
        assert_eq!(outcome(&server, path, sign_up(ADA, &code)).await, refused("email-already-in-use"));
        let again = server.post("/auth/passwordless/signup/send", json!({ "email": ADA })).await;
        assert_eq!((again.status.as_u16(), again.code().as_str()), (400, "email-already-in-use"));
        assert_eq!(server.total().await, 1);

        let set = |password: &str| json!({ "password": password });
        assert_eq!(server.post_as(&token, "/member/set-password", set("short")).await.code(), "invalid-password-too-short");
        let done = server.post_as(&token, "/member/set-password", set(PASSWORD)).await.json();
        assert_eq!(done["data"]["auth"]["hasPassword"], true);
        let twice = server.post_as(&token, "/member/set-password", set("another-password")).await;
        assert_eq!((twice.status.as_u16(), twice.code().as_str()), (400, "generic-message"));
        assert_eq!(log_in(&server, PASSWORD).await, 200);
    }

    async fn an_unknown_address_gets_no_log_in_code_and_hears_of_it(engine) {
        let server = TestServer::start(engine).await;
        let reply = server.post("/auth/passwordless/login/send", json!({ "email": "nobody@example.com" })).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (404, "member-not-found"));
        assert!(server.mailbox("nobody@example.com").await.is_empty());
    }

    async fn a_reset_code_sets_a_new_password_once_and_ends_every_session(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let code = send_reset_code(&server, ADA).await;
        let short = outcome(&server, "/auth/reset-password", json!({ "token": code, "newPassword": "short" })).await;
        assert_eq!(short, refused("invalid-password-too-short"));
        assert_eq!(reset(&server, &wrong(&code)).await, refused("invalid-reset-code"));
        assert_eq!(reset(&server, &code).await.0, 200);
        assert_eq!(reset(&server, &code).await, refused("invalid-reset-code"), "used");
        assert_eq!((log_in(&server, PASSWORD).await, log_in(&server, "another-password").await), (401, 200));
        assert_eq!(server.visit_as(&token, "GET", "/member").send().await.text(), r#"{"data":null}"#);
    }

    async fn an_unknown_address_hears_the_same_as_a_known_one(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        let known = server.post("/auth/send-reset-password-email", json!({ "email": ADA })).await;
        let unknown = server.post("/auth/send-reset-password-email", json!({ "email": "nobody@example.com" })).await;
        assert_eq!((known.status, known.text()), (unknown.status, unknown.text()));
        assert!(server.mailbox("nobody@example.com").await.is_empty());
        for email in [ADA, "nobody@example.com"] {
            let path = "/auth/send-reset-password-email";
            let mut statuses = Vec::new();
            for _ in 0..6 {
                statuses.push(outcome(&server, path, json!({ "email": email })).await.0);
            }
            assert_eq!(statuses, [200, 200, 200, 200, 429, 429], "{email}");
        }
    }

    async fn a_reset_code_is_refused_when_expired_of_another_app_or_after_a_change_of_address(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up(ADA).await;
        let bad = refused("invalid-reset-code");
        let code = send_reset_code(&server, ADA).await;
        let body = json!({ "token": code, "newPassword": "another-password" });
        let elsewhere = server.visit("POST", "/auth/reset-password").key(&server.another_site().await).json(&body).send().await;
        assert_eq!((elsewhere.status.as_u16(), elsewhere.code().as_str()), (400, "invalid-reset-code"));
        server.clock.advance_us(15 * MINUTE_US);
        assert_eq!(reset(&server, &code).await, bad, "expired");

        let code = send_reset_code(&server, ADA).await;
        let changed = server.post_as(&token, "/member-auth", json!({ "email": "new@example.com" })).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(reset(&server, &code).await, bad, "the address is another");

        let code = send_reset_code(&server, "new@example.com").await;
        let path = format!("/members/{}", member["id"].as_str().expect("an id"));
        server.request("PATCH", &path).json(&json!({ "email": ADA })).send().await;
        assert_eq!(reset(&server, &code).await, bad, "the site changed the address");

        let code = send_reset_code(&server, ADA).await;
        server.request("DELETE", &path).send().await;
        assert_eq!(reset(&server, &code).await, bad, "the member is gone");
    }

    async fn guesses_at_reset_codes_are_slowed_by_address_and_for_everybody_together(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.client_rate_limit = 100_000).await;
        server.signed_up(ADA).await;
        let code = send_reset_code(&server, ADA).await;
        let wrong = wrong(&code);
        let guess = async |address: &str| {
            let body = json!({ "token": wrong, "newPassword": "another-password" });
            server.visit("POST", "/auth/reset-password").from(address).json(&body).send().await.status.as_u16()
        };
        for _ in 0..10 {
            assert_eq!(guess("192.0.2.1").await, 400);
        }
        let hashed = server.guildhall.passwords_taken();
        assert_eq!(guess("192.0.2.1").await, 429, "ten guesses from one address are enough");
        for address in 1..=9 {
            for _ in 0..10 {
                assert_eq!(guess(&format!("198.51.100.{address}")).await, 400);
            }
        }
        assert_eq!(guess("203.0.113.1").await, 429, "a hundred guesses from everywhere are enough");
        assert_eq!(server.guildhall.passwords_taken(), hashed, "guesses cost no hash");
        server.clock.advance_us(MINUTE_US);
        let body = json!({ "token": code, "newPassword": "another-password" });
        let right = server.visit("POST", "/auth/reset-password").from("203.0.113.2").json(&body).send().await;
        assert_eq!(right.status, 200, "the owner comes through once the delay is over");
    }

    async fn a_code_used_twice_at_once_works_once(engine) {
        let server = std::sync::Arc::new(TestServer::start_with(engine, |s| s.limits.sign_in_attempts = 100).await);
        server.signed_up(ADA).await;
        let codes = (send_log_in_code(&server, ADA).await, send_reset_code(&server, ADA).await);
        let attempts: Vec<_> = (0..6).map(|_| {
            let (server, (log_in, reset_code)) = (std::sync::Arc::clone(&server), codes.clone());
            tokio::spawn(async move { (code_log_in(&server, ADA, &log_in).await.0, reset(&server, &reset_code).await.0) })
        }).collect();
        let (mut log_ins, mut resets) = (0, 0);
        for attempt in attempts {
            let (log_in, reset) = attempt.await.expect("no panic");
            log_ins += u32::from(log_in == 200);
            resets += u32::from(reset == 200);
        }
        assert_eq!((log_ins, resets), (1, 1));
    }

    async fn a_link_confirms_an_address_once_and_opening_it_uses_up_nothing(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let sent = server.post_as(&token, "/auth/send-email-verification", json!({ "origin_domain": "https://site.example" })).await;
        assert_eq!(sent.text(), r#"{"data":{"success":true}}"#);
        let link = server.mailed_link(ADA).await;
        for _ in 0..3 {
            let page = server.anonymous("GET", &link).send().await;
            assert_eq!(page.status, 200);
            assert!(page.text().contains("<form method=\"post\""), "{}", page.text());
            assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        }
        let (path, query) = link.split_once('?').expect("a token");
        let press = async || server.anonymous("POST", path).body(query).send().await;
        let confirmed = press().await;
        assert_eq!(confirmed.status, 200);
        assert!(confirmed.text().contains("https://site.example"), "{}", confirmed.text());
        assert_eq!(press().await.status, 400, "used");
        assert_eq!(server.anonymous("GET", &link).send().await.status, 400);
        let member = server.visit_as(&token, "GET", "/member").send().await.json();
        assert_eq!(member["data"]["verified"], true);
        assert_eq!(server.anonymous("GET", "/auth/verify-email?token=%00").send().await.status, 400);
        assert_eq!(server.anonymous("POST", "/auth/verify-email").send().await.status, 400);
    }

    async fn a_link_ends_after_a_day_or_with_the_address(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let send = async || {
            let body = json!({ "origin_domain": "javascript:alert(1)" });
            assert_eq!(server.post_as(&token, "/auth/send-email-verification", body).await.status, 200);
        };
        send().await;
        let first = server.mailed_link(ADA).await;
        server.clock.advance_us(24 * 60 * MINUTE_US);
        assert_eq!(server.anonymous("GET", &first).send().await.status, 400, "expired");
        send().await;
        let second = server.mailed_link(ADA).await;
        let page = server.anonymous("GET", &second).send().await;
        assert!(page.status == 200 && !page.text().contains("javascript"));
        server.post_as(&token, "/member-auth", json!({ "email": "new@example.com" })).await;
        assert_eq!(server.anonymous("GET", &second).send().await.status, 400, "the address is another");
    }

    async fn codes_are_stored_as_hashes_and_told_to_no_record(engine) {
        let server = TestServer::start(engine).await;
        let (_, member) = server.signed_up(ADA).await;
        let code = send_log_in_code(&server, ADA).await;
        code_log_in(&server, ADA, &code).await;
        let store = server.second_store().await;
        let id = member["id"].as_str().expect("an id").to_owned();
        let entries = store.read::<_, guildhall_store::StoreError, _>(move |tx| Box::pin(async move {
            tx.audit().of_subject(&id).await
        })).await.expect("entries");
        let actions: Vec<_> = entries.iter().map(|entry| entry.0.as_str()).collect();
        assert_eq!(actions, ["member.create", "member.sign-in", "member.verify", "member.sign-in"]);
        assert!(entries.iter().all(|entry| !entry.3.contains(&code) && !entry.3.contains(ADA)), "{entries:?}");
    }
}

/// How many wrong guesses the database has counted at Ada's code of a purpose.
async fn stored_attempts(server: &TestServer, purpose: &str) -> i64 {
    use guildhall_domain::one_time::Purpose;
    let purpose = Purpose::from_stored(purpose).expect("a purpose");
    let environment = guildhall_domain::EnvironmentId::from_stored(2).expect("in range");
    let store = server.second_store().await;
    let find = store.write::<_, guildhall_store::StoreError, _>(move |tx| {
        Box::pin(async move { tx.one_time_codes().find_locked(environment, purpose, ADA).await })
    });
    find.await.expect("it is read").expect("a code").attempts
}
