//! Signing up and logging in with a password.

use guildhall_testkit::{PASSWORD, TestServer, both_engines, token_and_member};
use serde_json::{Value, json};

async fn log_in(server: &TestServer, email: &str, password: &str) -> (u16, String) {
    let reply = server.post("/auth/login", json!({ "email": email, "password": password })).await;
    (reply.status.as_u16(), if reply.status == 200 { String::new() } else { reply.code() })
}

async fn sign_up(server: &TestServer, body: Value) -> (u16, String) {
    let reply = server.post("/auth/signup", body).await;
    (reply.status.as_u16(), if reply.status == 200 { String::new() } else { reply.code() })
}

both_engines! {
    async fn a_visitor_signs_up_and_is_signed_in(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Free", None).await;
        let reply = server.post("/auth/signup", json!({
            "email": "Ada@example.com", "password": PASSWORD, "plans": [{ "planId": plan.as_str() }],
            "customFields": { "first-name": "Ada", "nope": 1 }, "metaData": { "from": "ad" },
            "origin_domain": "https://site.example", "conversionData": { "browser": "x" }, "captchaToken": "x",
        })).await;
        let data = reply.json()["data"].clone();
        let (token, member) = token_and_member(&reply);
        assert_eq!(data["tokens"]["type"], "bearer");
        let two_weeks_ms = 14 * 24 * 3600 * 1000;
        assert_eq!(data["tokens"]["expires"].as_i64(), Some(server.guildhall.now().seconds() * 1000 + two_weeks_ms));
        assert_eq!(data["redirect"], "");
        assert_eq!(member["auth"], json!({ "email": "Ada@example.com", "hasPassword": true, "providers": [] }));
        assert_eq!(member["customFields"], json!({ "first-name": "Ada" }));
        assert_eq!(member["metaData"], json!({ "from": "ad" }));
        assert_eq!(member["verified"], false);
        assert_eq!(member["planConnections"][0]["planId"], plan.as_str());
        assert_eq!(member["planConnections"][0].get("planName"), None);
        assert!(member.get("json").is_none() && member.get("lastLogin").is_none());
        assert!(member["id"].as_str().is_some_and(|id| id.starts_with("mem_sb_")));
        let own = server.visit_as(&token, "GET", "/member").send().await.json();
        assert_eq!(own["data"], member);
        let seen = server.request("GET", "/members/ada@example.com").send().await.json();
        assert_eq!(seen["data"]["lastLogin"], seen["data"]["createdAt"], "the Admin API sees when it signed in");
    }

    async fn log_ins_that_find_no_room_come_later_and_are_held_against_nobody(engine) {
        let server = TestServer::start_with(engine, |settings| settings.password_queue_max = 0).await;
        server.signed_up("ada@example.com").await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let replies = futures_util::future::join_all((0..30).map(|_| server.post("/auth/login", body.clone()))).await;
        let (let_in, turned_away): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        assert_eq!((let_in.len(), turned_away.len()), (1, 29), "there is one thread and no room to wait");
        for reply in turned_away {
            assert_eq!((reply.status.as_u16(), reply.header("retry-after").as_str()), (503, "1"));
        }
        assert_eq!(log_in(&server, "ada@example.com", PASSWORD).await, (200, String::new()));
    }

    async fn sign_ups_are_refused_with_the_sdks_codes(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up("ada@example.com").await;
        let admin_only = admin_only_plan(&server).await;
        let with = |change: Value| {
            let mut body = json!({ "email": "new@example.com", "password": PASSWORD });
            body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            body
        };
        for (change, expected) in [
            (json!({ "email": "ADA@example.com" }), (400, "email-already-in-use")),
            (json!({ "email": "nonsense" }), (400, "invalid-email")),
            (json!({ "email": 7 }), (400, "invalid-email")),
            (json!({ "email": null }), (400, "required-field-missing")),
            (json!({ "password": null }), (400, "required-field-missing")),
            (json!({ "password": "1234567" }), (400, "invalid-password-too-short")),
            (json!({ "plans": [{ "planId": "pln_unknown" }] }), (400, "plan-not-found")),
            (json!({ "plans": [{ "planId": admin_only }] }), (403, "plan-restricted-to-admin")),
        ] {
            let got = sign_up(&server, with(change.clone())).await;
            assert_eq!((got.0, got.1.as_str()), expected, "{change}");
        }
        assert_eq!(server.total().await, 1, "nothing is left of what was refused");
    }

    async fn plans_that_cost_money_are_left_out_silently(engine) {
        let server = TestServer::start(engine).await;
        let key = server.managing_key().await;
        let paid = json!({ "name": "Gold", "prices": [{ "amount": 1900, "currency": "usd", "interval": "month" }] });
        let paid = server.anonymous("POST", "/manage/v1/plans").key(&key).json(&paid).send().await;
        assert_eq!(paid.status, 201, "{}", paid.text());
        let paid = paid.json()["data"]["id"].clone();
        let reply = server.post("/auth/signup", json!({
            "email": "ada@example.com", "password": PASSWORD, "plans": [{ "planId": paid }],
        })).await;
        assert_eq!(token_and_member(&reply).1["planConnections"], json!([]));
    }

    async fn the_sandbox_takes_no_more_than_it_holds(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.sandbox_members_max = 1).await;
        server.signed_up("ada@example.com").await;
        let refused = sign_up(&server, json!({ "email": "eve@example.com", "password": PASSWORD })).await;
        assert_eq!(refused, (400, "test-mode-member-limit-reached".to_owned()));
    }

    async fn unknown_addresses_and_wrong_passwords_are_told_in_the_same_words(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up("ada@example.com").await;
        let wrong = server.post("/auth/login", json!({ "email": "ada@example.com", "password": "not-the-password" })).await;
        let unknown = server.post("/auth/login", json!({ "email": "eve@example.com", "password": "not-the-password" })).await;
        assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (401, "invalid-credentials"));
        assert_eq!((wrong.status, wrong.text()), (unknown.status, unknown.text()));
        assert_eq!(log_in(&server, "ada@example.com", PASSWORD).await.0, 200);
        assert_eq!(log_in(&server, "ADA@EXAMPLE.COM", PASSWORD).await.0, 200);
        for (body, code) in [
            (json!({ "password": "x" }), "required-field-missing"),
            (json!({ "email": "ada@example.com" }), "required-field-missing"),
            (json!({ "email": "ada", "password": "x" }), "invalid-email"),
        ] {
            assert_eq!(server.post("/auth/login", body).await.code(), code);
        }
    }

    async fn every_log_in_costs_exactly_one_hash_whatever_becomes_of_it(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up("ada@example.com").await;
        server.import(guildhall_domain::Mode::Sandbox, [json!({ "email": "nopass@example.com" })]).await;
        let cases = [
            ("ada@example.com", PASSWORD, 200, ""), ("ada@example.com", "not-the-password", 401, "invalid-credentials"),
            ("eve@example.com", "not-the-password", 401, "invalid-credentials"),
            ("nopass@example.com", "not-the-password", 400, "no-password-set"),
        ];
        for (email, password, status, code) in cases {
            let before = server.guildhall.passwords_taken();
            assert_eq!(log_in(&server, email, password).await, (status, code.to_owned()), "{email}");
            assert_eq!(server.guildhall.passwords_taken() - before, 1, "{email} {password}");
        }
    }

    async fn guesses_at_one_account_have_to_wait_ever_longer_and_the_right_password_ends_that(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up("ada@example.com").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            for _ in 0..5 {
                assert_eq!(log_in(&server, email, "not-the-password").await.0, 401);
            }
            let hashed = server.guildhall.passwords_taken();
            let refused = server.post("/auth/login", json!({ "email": email, "password": PASSWORD })).await;
            assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "1"), "{email}");
            assert_eq!(server.guildhall.passwords_taken(), hashed, "what is refused costs no hash");
            server.clock.advance_us(1_000_000);
            assert_eq!(log_in(&server, email, "not-the-password").await.0, 401);
            let refused = server.post("/auth/login", json!({ "email": email, "password": "x" })).await;
            assert_eq!(refused.header("retry-after"), "2", "{email}");
            server.clock.advance_us(2_000_000);
        }
        assert_eq!(log_in(&server, "ada@example.com", PASSWORD).await.0, 200);
        for _ in 0..5 {
            assert_eq!(log_in(&server, "ada@example.com", "not-the-password").await.0, 401);
        }
        assert_eq!(log_in(&server, "ada@example.com", "not-the-password").await.0, 429);
    }

    async fn guesses_at_many_accounts_from_one_address_have_to_wait_and_others_do_not(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up("ada@example.com").await;
        for number in 0..50 {
            assert_eq!(log_in(&server, &format!("guess{number}@example.com"), "not-the-password").await.0, 401);
        }
        assert_eq!(log_in(&server, "ada@example.com", PASSWORD).await.0, 429);
        let elsewhere = server.visit("POST", "/auth/login").from("198.51.100.1")
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD })).send().await;
        assert_eq!(elsewhere.status, 200);
    }

    async fn attempts_that_come_at_once_do_not_slip_past_the_count(engine) {
        let server = std::sync::Arc::new(TestServer::start(engine).await);
        server.signed_up("ada@example.com").await;
        let attempts: Vec<_> = (0..20).map(|_| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move { log_in(&server, "ada@example.com", "not-the-password").await.0 })
        }).collect();
        let mut answers = Vec::new();
        for attempt in attempts {
            answers.push(attempt.await.expect("no panic"));
        }
        assert_eq!(answers.iter().filter(|status| **status == 401).count(), 5, "{answers:?}");
        assert_eq!(answers.iter().filter(|status| **status == 429).count(), 15, "{answers:?}");
    }

    async fn a_full_queue_of_passwords_is_a_503_that_says_when_to_come_back(engine) {
        let server = TestServer::start_with(engine, |settings| {
            settings.password_queue_max = 1;
            settings.limits.sign_in_attempts = 1000;
        }).await;
        let server = std::sync::Arc::new(server);
        let attempts: Vec<_> = (0..24).map(|number| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move {
                let body = json!({ "email": format!("m{number}@example.com"), "password": "not-the-password" });
                let reply = server.post("/auth/login", body).await;
                (reply.status.as_u16(), reply.header("retry-after"))
            })
        }).collect();
        let mut busy = 0;
        for attempt in attempts {
            match attempt.await.expect("no panic") {
                (503, retry) => {
                    assert_eq!(retry, "1");
                    busy += 1;
                }
                (status, _) => assert_eq!(status, 401),
            }
        }
        assert!(busy > 0, "twenty-four at once do not fit into a queue of one");
        assert_eq!(server.request("GET", "/members").send().await.status, 200);
    }

    async fn where_to_go_comes_from_the_member_or_from_its_plans(engine) {
        let server = TestServer::start(engine).await;
        let key = server.managing_key().await;
        let plan = json!({ "name": "Club", "redirects": { "afterLogin": "/club", "afterSignup": "/welcome", "afterLogout": "/bye" } });
        let made = server.anonymous("POST", "/manage/v1/plans").key(&key).json(&plan).send().await.json();
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "plans": [{ "planId": made["data"]["id"] }] });
        let reply = server.post("/auth/signup", body).await;
        assert_eq!(reply.json()["data"]["redirect"], "/welcome");
        let (token, member) = token_and_member(&reply);
        let again = server.post("/auth/login", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
        assert_eq!(again.json()["data"]["redirect"], "/club");
        let path = format!("/members/{}", member["id"].as_str().expect("an id"));
        server.request("PATCH", &path).json(&json!({ "loginRedirect": "/own" })).send().await;
        let own = server.post("/auth/login", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
        assert_eq!(own.json()["data"]["redirect"], "/own");
        let out = server.visit_as(&token, "POST", "/member/logout").send().await.json();
        assert_eq!(out["data"], json!({ "redirect": "/bye" }));
    }
}

async fn admin_only_plan(server: &TestServer) -> String {
    let key = server.managing_key().await;
    let body = json!({ "name": "Staff", "restrictToAdmin": true });
    let made = server.anonymous("POST", "/manage/v1/plans").key(&key).json(&body).send().await;
    made.json()["data"]["id"].as_str().expect("an id").to_owned()
}
