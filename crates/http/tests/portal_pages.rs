//! The customer portal's pages: what they show, what is done there, and to whose memberships.

mod portal;

use guildhall_app::apps::AppChange;
use guildhall_app::keys::KeyDraft;
use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::key::KeyKind;
use guildhall_http::PORTAL_ROUTES;
use guildhall_testkit::both_engines;
use portal::{ADA, EVE, Shop};
use serde_json::{Value, json};

/// What the log says was done with a contract, newest first: what, and where.
async fn activity(shop: &Shop, number: i64) -> Vec<(String, String)> {
    let path = format!("activity-logs?entityId.equals={number}");
    let rows = shop.call(&shop.key, "GET", &path).await.json();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.as_array()
        .expect("a list")
        .iter()
        .map(|row| (text(row, "eventType"), text(row, "eventSource")))
        .collect()
}

fn in_portal(event: &str) -> (String, String) {
    (event.to_owned(), "CUSTOMER_PORTAL".to_owned())
}

both_engines! {
    async fn a_member_pauses_resumes_skips_and_cancels(engine) {
        let shop = Shop::open(engine).await;
        let number = shop.contract(&shop.key, ADA, json!({})).await;
        let ada = shop.customer(&shop.key, ADA).await;
        let at = |what: &str| format!("/portal/contracts/{number}/{what}");
        let done = async |path: &str, fields: &str, notice: &str| {
            let reply = ada.send(path, fields).await;
            assert_eq!(reply.status, 303, "{path}: {}", reply.text());
            let page = ada.page(&reply.header("location")).await;
            assert!(page.contains(notice), "{path}: {page}");
            page
        };
        let page = done(&at("pause"), "", "Your membership is paused.").await;
        assert!(page.contains("Paused") && !page.contains(&at("pause")) && page.contains(&at("resume")));
        assert_eq!(shop.shown(&shop.key, number).await["status"], "PAUSED");
        let page = done(&at("resume"), "", "Your membership runs again.").await;
        assert!(page.contains("Active") && page.contains("20.00 USD on 10 February 2026"), "{page}");

        let charge = shop.next_charge(number).await;
        let page = done(&format!("/portal/charges/{charge}/skip"), "", "The next charge is skipped.").await;
        assert!(page.contains("20.00 USD on 10 March 2026") && page.contains("Do not skip 10 February 2026"), "{page}");
        let again = ada.send(&format!("/portal/charges/{charge}/skip"), "").await;
        assert_eq!(again.status, 409, "a button pressed twice skips one charge");
        assert!(again.text().contains("role=\"alert\""));
        done(&format!("/portal/charges/{charge}/unskip"), "", "The charge is not skipped after all.").await;
        let again = ada.send(&format!("/portal/charges/{charge}/unskip"), "").await;
        assert_eq!(again.status, 409);

        let confirmation = ada.page(&at("cancel")).await;
        assert!(confirmation.contains("no longer use it"), "nothing was paid: {confirmation}");
        assert!(confirmation.contains("Until 10 February 2026 you can change your mind"), "{confirmation}");
        assert_eq!(shop.shown(&shop.key, number).await["status"], "ACTIVE", "looking changes nothing");
        let odd = ada.send(&at("cancel"), "reason=%3Cscript%3E&note=Bye").await;
        assert!(odd.status == 400 && odd.text().contains("Choose one of the reasons") && odd.text().contains(">Bye</textarea>"));
        let long = ada.send(&at("cancel"), &format!("reason=OTHER&note={}", "x".repeat(1_001))).await;
        assert_eq!(long.status, 400);
        let page = done(&at("cancel"), "reason=TOO_EXPENSIVE&note=Sorry+%3Cb%3E", "Your membership is cancelled.").await;
        assert!(page.contains("Cancelled on 31 January 2026.") && page.contains("No longer"), "{page}");
        let row = shop.call(&shop.key, "GET", &format!("subscription-contract-details?subscriptionContractId={number}")).await.json();
        assert_eq!((&row[0]["cancellationFeedback"], &row[0]["cancellationNote"]), (&json!("TOO_EXPENSIVE"), &json!("Sorry <b>")));
        let twice = ada.page(&at("cancel")).await;
        assert!(twice.contains("has ended") && !twice.contains("<select"), "{twice}");
        done(&at("resume"), "", "Your membership runs again.").await;
        assert_eq!(activity(&shop, number).await[..7], [
            in_portal("CONTRACT_ACTIVATED"), in_portal("CONTRACT_CANCELLED"), in_portal("BILLING_ATTEMPT_UNSKIPPED"), in_portal("BILLING_ATTEMPT_SKIPPED"),
            in_portal("CONTRACT_ACTIVATED"), in_portal("CONTRACT_PAUSED"), ("CONTRACT_CREATED".into(), "MERCHANT_EXTERNAL_API".into()),
        ]);
        let by_source = shop.call(&shop.key, "GET", "activity-logs?eventSource.equals=CUSTOMER_PORTAL").await;
        assert_eq!(by_source.header("x-total-count"), "6");
    }

    async fn least_cycles_are_told_in_the_domains_words(engine) {
        let shop = Shop::open(engine).await;
        let number = shop.contract(&shop.key, ADA, json!({ "minCycles": 3 })).await;
        let ada = shop.customer(&shop.key, ADA).await;
        let path = format!("/portal/contracts/{number}/cancel");
        let words = "This contract cannot be cancelled before 3 billing cycles are complete.";
        let page = ada.page(&path).await;
        assert!(page.contains(words) && !page.contains("<select"), "{page}");
        let refused = ada.send(&path, "reason=OTHER").await;
        assert_eq!((refused.status.as_u16(), refused.text().matches(words).count()), (409, 1), "{}", refused.text());
        assert_eq!(shop.shown(&shop.key, number).await["status"], "ACTIVE");
        assert!(ada.page("/portal").await.contains("For at least 3 payments; 0 made so far"));
    }

    async fn a_page_tells_the_story_by_the_clock_of_the_shop(engine) {
        let shop = Shop::open(engine).await;
        shop.server.change_app(AppChange { time_zone: Some("Pacific/Auckland".into()), ..AppChange::default() }).await;
        let manager = shop.server.managing_key().await;
        let clock = async |verb: &str, body: Value| {
            let reply = shop.server.anonymous("POST", &format!("/manage/v1/clock/{verb}")).key(&manager).json(&body).send().await;
            assert!(reply.status.is_success(), "{}", reply.text());
        };
        clock("freeze", json!({})).await;
        let paid = shop.contract(&shop.key, ADA, json!({ "nextBillingDate": "2026-02-10T12:00:00Z" })).await;
        let failing = shop.contract(&shop.key, EVE, json!({ "nextBillingDate": "2026-02-10T12:00:00Z", "paymentMethodId": "fake_declined" })).await;
        clock("advance", json!({ "to": "2026-02-12T00:00:00Z" })).await;
        let (ada, eve) = (shop.customer(&shop.key, ADA).await, shop.customer(&shop.key, EVE).await);
        let page = ada.page("/portal").await;
        for said in ["Until 11 March 2026, then on with the next payment", "20.00 USD on 11 March 2026", "11 February 2026", ">Paid<", "Past charges"] {
            assert!(page.contains(said), "{said}: {page}");
        }
        let page = eve.page("/portal").await;
        for said in ["Payment failed", "It is tried again on 14 February 2026", "Did not go through", "While the payment is tried again"] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("/skip\""), "what could not be charged is not skipped");
        let confirmation = ada.page(&format!("/portal/contracts/{paid}/cancel")).await;
        assert!(confirmation.contains("You can still use it until <strong>11 March 2026</strong>"), "{confirmation}");
        assert_eq!(ada.send(&format!("/portal/contracts/{paid}/cancel"), "reason=").await.status, 303);
        let page = ada.page("/portal").await;
        assert!(page.contains("Cancelled on 12 February 2026.") && page.contains("Until 11 March 2026"), "{page}");
        assert_eq!(eve.send(&format!("/portal/contracts/{failing}/pause"), "").await.status, 303);
        assert!(eve.page("/portal").await.contains("Not at the moment"));
        clock("advance", json!({ "days": 60 })).await;
        let page = ada.page("/portal").await;
        assert!(page.contains("No longer") && !page.contains("/resume"), "{page}");
        let late = ada.send(&format!("/portal/contracts/{paid}/resume"), "").await;
        assert!(late.status == 409 && late.text().contains("This contract has ended."), "{}", late.text());
    }

    async fn free_plans_and_many_memberships_have_their_place(engine) {
        let shop = Shop::open(engine).await;
        let plan = shop.server.free_plan("<b>Free</b> & easy", None).await;
        let first = shop.contract(&shop.key, ADA, json!({})).await;
        let member = shop.server.request("GET", &format!("/members/c{ADA}%40example.com")).send().await.json();
        let id = member["data"]["id"].as_str().expect("an id").to_owned();
        let added = shop.server.request("POST", &format!("/members/{id}/add-plan")).json(&json!({ "planId": plan })).send().await;
        assert_eq!(added.status, 200, "{}", added.text());
        let ada = shop.customer(&shop.key, ADA).await;
        let page = ada.page("/portal").await;
        assert!(page.contains("&#60;b&#62;Free&#60;/b&#62; &#38; easy") && !page.contains("<b>Free"), "{page}");
        assert!(page.contains("Without end") && page.matches("/pause\"").count() == 1, "what is free is not paused: {page}");
        for _ in 0..10 {
            shop.contract(&shop.key, ADA, json!({})).await;
        }
        shop.call(&shop.key, "DELETE", &format!("subscription-contracts/{first}")).await;
        let page = ada.page("/portal").await;
        assert!(page.matches("<section").count() == 10 && page.contains("/portal?page=2") && !page.contains(&format!("m-{first}\"")));
        let rest = ada.page("/portal?page=2").await;
        assert!(rest.matches("<section").count() == 2 && rest.contains(&format!("m-{first}\"")), "what has ended comes last: {rest}");
        for odd in ["0", "-1", "99999999999999999999", "18446744073709551615", "x", "%00", "4711"] {
            ada.page(&format!("/portal?page={odd}")).await;
        }
    }

    async fn other_peoples_memberships_are_not_there(engine) {
        let shop = Shop::open(engine).await;
        shop.contract(&shop.key, ADA, json!({})).await;
        let live = shop.key(Mode::Live, "").await;
        let eves = shop.contract(&shop.key, EVE, json!({})).await;
        let charge = shop.next_charge(eves).await;
        let of_live = shop.contract(&live, ADA, json!({ "createWithoutPaymentMethod": true, "paymentMethodId": null })).await;
        let ada = shop.customer(&shop.key, ADA).await;
        let before = (shop.shown(&shop.key, eves).await, shop.shown(&live, of_live).await);
        for route in PORTAL_ROUTES.iter().filter(|route| route.path.contains("{number}")) {
            let about_charge = route.path.contains("/charges/");
            let theirs = [if about_charge { charge } else { eves }, of_live, 4711, i64::MAX, i64::MIN];
            let odd = ["x", "1.5", "99999999999999999999", "%FF", "%00", "-"];
            for number in theirs.iter().map(i64::to_string).chain(odd.map(str::to_owned)) {
                let path = route.path.replace("{number}", &number);
                let reply = match route.method {
                    "POST" => ada.send(&path, "reason=OTHER").await,
                    _ => ada.request("GET", &path).send().await,
                };
                assert_eq!(reply.status, 404, "{route:?} {number}: {}", reply.text());
            }
        }
        let page = ada.page("/portal").await;
        assert!(page.matches("<section").count() == 1 && page.contains("Test data"));
        let in_live = shop.customer(&live, ADA).await;
        assert!(!in_live.page("/portal").await.contains("Test data"));
        assert_eq!(in_live.send(&format!("/portal/contracts/{eves}/cancel"), "").await.status, 404);
        let (other, _) = shop.server.second_app().await;
        let draft = KeyDraft::named(KeyKind::Store, "elsewhere");
        let made = shop.server.guildhall.create_key(&other, Mode::Sandbox, draft, Actor::CommandLine).await;
        let elsewhere = made.expect("a key").plain.reveal().to_owned();
        let of_other = shop.contract(&elsewhere, ADA, json!({})).await;
        for what in ["pause", "cancel"] {
            assert_eq!(ada.send(&format!("/portal/contracts/{of_other}/{what}"), "").await.status, 404);
        }
        assert_eq!(shop.customer(&elsewhere, ADA).await.send(&format!("/portal/contracts/{eves}/pause"), "").await.status, 404);
        assert_eq!((shop.shown(&shop.key, eves).await, shop.shown(&live, of_live).await), before);
    }

    async fn a_form_that_is_not_ours_does_nothing(engine) {
        let shop = Shop::open(engine).await;
        let number = shop.contract(&shop.key, ADA, json!({})).await;
        let charge = shop.next_charge(number).await;
        let (ada, again) = (shop.customer(&shop.key, ADA).await, shop.customer(&shop.key, ADA).await);
        assert_ne!(ada.mark, again.mark);
        for route in PORTAL_ROUTES.iter().filter(|route| route.method == "POST") {
            let path = route.path.replace("{number}", &if route.path.contains("charges") { charge } else { number }.to_string());
            for body in [String::new(), "mark=".into(), format!("mark={}", again.mark), format!("mark={}", ada.token), format!("mark={}x", ada.mark)] {
                let reply = ada.request("POST", &path).body(body).send().await;
                assert_eq!(reply.status, 403, "{route:?}: {}", reply.text());
            }
            let own = format!("mark={}", ada.mark);
            for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
                let reply = ada.request("POST", &path).header(name, value).body(own.clone()).send().await;
                assert_eq!(reply.status, 403, "{route:?} {name}: {value}");
            }
            let nobody = shop.server.anonymous("POST", &path).body(own).send().await;
            assert_eq!(nobody.status, 401, "{route:?}");
        }
        assert_eq!(activity(&shop, number).await.len(), 1, "only that it was made");
        assert_eq!(ada.send(&format!("/portal/contracts/{number}/pause"), "").await.status, 303);
    }

    async fn a_link_opens_no_more_than_its_key(engine) {
        let shop = Shop::open(engine).await;
        let number = shop.contract(&shop.key, ADA, json!({})).await;
        let charge = shop.next_charge(number).await;
        let skip = format!("/portal/charges/{charge}/skip");
        for (scopes, contracts, billing) in [("read-only", false, false), ("contracts", true, false), ("billing", false, true), ("read-only,contracts", false, false)] {
            let key = shop.key(Mode::Sandbox, scopes).await;
            let ada = shop.customer(&key, ADA).await;
            let page = ada.page("/portal").await;
            assert_eq!((page.contains("/pause\""), page.contains("/cancel\""), page.contains("/skip\"")), (contracts, contracts, billing), "{scopes}");
            let paused = ada.send(&format!("/portal/contracts/{number}/pause"), "").await;
            assert_eq!(paused.status, if contracts { 303 } else { 403 }, "{scopes}: {}", paused.text());
            if contracts {
                ada.send(&format!("/portal/contracts/{number}/resume"), "").await;
            } else {
                for (method, what) in [("GET", "cancel"), ("POST", "cancel"), ("POST", "resume")] {
                    let path = format!("/portal/contracts/{number}/{what}");
                    let reply = if method == "GET" { ada.request("GET", &path).send().await } else { ada.send(&path, "").await };
                    assert_eq!(reply.status, 403, "{scopes} {method} {what}");
                }
            }
            if !billing {
                assert_eq!(ada.send(&skip, "").await.status, 403, "{scopes}");
            }
            let mailed = shop.call(&key, "GET", &format!("subscription-contracts-email-magic-link?email=c{ADA}%40example.com")).await;
            assert_eq!(mailed.status, if contracts { 200 } else { 403 }, "{scopes}: to mail is more than to read");
        }
    }

    async fn every_address_keeps_to_itself_and_none_gives_a_500(engine) {
        let shop = Shop::open(engine).await;
        let number = shop.contract(&shop.key, ADA, json!({})).await;
        let ada = shop.customer(&shop.key, ADA).await;
        let css = ada.page("/portal").await;
        let css = css.split('"').find(|part| part.ends_with("/portal.css")).expect("a style sheet").to_owned();
        let sheet = shop.server.anonymous("GET", &css).send().await;
        assert!(sheet.status == 200 && sheet.header("content-type").starts_with("text/css") && sheet.header("cache-control").contains("immutable"));
        for route in PORTAL_ROUTES {
            let path = route.path.replace("{number}", &number.to_string()).replace("{hash}", "x").replace("{name}", "y");
            let reply = shop.server.anonymous(route.method, &path).send().await;
            let expected = if route.needs_link { 401 } else { 404 };
            assert_eq!(reply.status, expected, "{route:?}: {}", reply.text());
            for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")] {
                assert_eq!(reply.header(name), value, "{route:?}");
            }
            let policy = reply.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("unsafe"), "{policy}");
            let known: Vec<_> = PORTAL_ROUTES.iter().filter(|other| other.path == route.path).map(|other| other.method).collect();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].into_iter().filter(|method| !known.contains(method)) {
                assert_eq!(ada.request(method, &path).send().await.status, 405, "{method} {path}");
            }
            for value in ["", "%00", "-1", "%E2%80%AE%27%22%3C%3E", "%FF", &"x".repeat(3_000)] {
                let fields = format!("reason={value}&note={value}&page={value}&done={value}&mark={value}");
                let reply = match route.method {
                    "POST" => ada.send(&path, &fields).await,
                    _ => ada.request("GET", &format!("{path}?{fields}")).send().await,
                };
                assert!(reply.status.as_u16() < 500, "{route:?} {value:.10}: {}", reply.text());
                assert!(!reply.text().contains("<script"));
            }
            let large = ada.request("POST", &path).body(vec![b'x'; 3 * 1024 * 1024]).send().await;
            assert!([405, 410, 413].contains(&large.status.as_u16()), "{route:?}: {}", large.status);
        }
        for path in ["/portal/", "/portal/nowhere", "/portal/contracts", "/portal/contracts/1", "/portal//"] {
            let reply = shop.server.anonymous("GET", path).send().await;
            assert!(reply.status == 404 && reply.header("content-type").starts_with("text/html"), "{path}");
        }
    }
}
