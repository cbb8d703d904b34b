//! What members see and change of their own.

use guildhall_app::custom_fields::FieldDraft;
use guildhall_domain::audit::Actor;
use guildhall_domain::custom_field::Visibility;
use guildhall_testkit::{PASSWORD, TestServer, both_engines};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

async fn plan(server: &TestServer, body: Value) -> String {
    let key = server.managing_key().await;
    let made = server.anonymous("POST", "/manage/v1/plans").key(&key).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["data"]["id"].as_str().expect("an id").to_owned()
}

async fn refusal(server: &TestServer, token: &str, path: &str, body: Value) -> (u16, String) {
    let reply = server.post_as(token, path, body).await;
    (reply.status.as_u16(), reply.code())
}

both_engines! {
    async fn a_member_changes_its_own_fields_and_no_others(engine) {
        let server = TestServer::start(engine).await;
        let note = FieldDraft {
            key: "admin-note".into(), label: "Note".into(), hidden: false, visibility: Visibility::Private,
            restrict_to_admin: true, position: None,
        };
        server.guildhall.create_custom_field(&server.app, note, Actor::CommandLine).await.expect("it is made");
        let (token, _) = server.signed_up(ADA).await;
        let body = json!({ "customFields": { "first-name": "J", "nope": 1, "admin-note": "x" }, "metaData": { "x": 1 }, "verified": true });
        let reply = server.post_as(&token, "/member", body).await.json();
        assert_eq!(reply["data"]["customFields"], json!({ "first-name": "J" }));
        assert_eq!((reply["data"]["metaData"].clone(), reply["data"]["verified"].clone()), (json!({}), json!(false)));
        let nothing = server.post_as(&token, "/member", json!({})).await.json();
        assert_eq!(nothing["data"]["customFields"], json!({ "first-name": "J" }));
        let wrong = refusal(&server, &token, "/member", json!({ "customFields": 7 })).await;
        assert_eq!(wrong.0, 400);
    }

    async fn a_members_json_is_replaced_whole_and_seen_by_the_site(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let read = async || server.visit_as(&token, "GET", "/member/json").send().await.text();
        assert_eq!(read().await, r#"{"data":{}}"#);
        let stored = server.post_as(&token, "/member/json", json!({ "json": { "a": { "b": 1 } } })).await;
        assert_eq!(stored.text(), r#"{"data":{"a":{"b":1}}}"#);
        server.post_as(&token, "/member/json", json!({ "json": { "c": 2 } })).await;
        assert_eq!(read().await, r#"{"data":{"c":2}}"#);
        let seen = server.request("GET", "/members/ada@example.com").send().await.json();
        assert_eq!(seen["data"]["json"], json!({ "c": 2 }));
        assert_eq!(refusal(&server, &token, "/member/json", json!({})).await, (400, "required-field-missing".into()));
        let large = json!({ "json": { "x": "y".repeat(1_000_001) } });
        assert_eq!(refusal(&server, &token, "/member/json", large).await.0, 413);
    }

    async fn a_member_takes_and_leaves_free_plans(engine) {
        let server = TestServer::start(engine).await;
        let free = plan(&server, json!({ "name": "Free", "redirects": { "afterSignup": "/welcome" } })).await;
        let paid = plan(&server, json!({ "name": "Paid", "prices": [{ "amount": 100, "currency": "usd", "interval": "month" }] })).await;
        let staff = plan(&server, json!({ "name": "Staff", "restrictToAdmin": true })).await;
        let full = plan(&server, json!({ "name": "Full", "memberLimit": 0 })).await;
        let (token, member) = server.signed_up(ADA).await;
        let added = server.post_as(&token, "/member/plans/add", json!({ "planId": free })).await.json();
        assert_eq!(added["data"]["redirect"], "/welcome");
        assert_eq!(added["data"]["member"]["planConnections"][0]["planId"], free.as_str());
        assert_eq!(added["data"]["app"]["id"], server.app.as_str());
        for (plan, expected) in [
            (free.as_str(), (400, "already-have-plan")), (&paid, (400, "plan-not-free")), (&staff, (403, "plan-restricted-to-admin")),
            (&full, (400, "plan-member-limit-reached")), ("pln_unknown", (400, "plan-not-found")), ("", (400, "required-field-missing")),
        ] {
            let got = refusal(&server, &token, "/member/plans/add", json!({ "planId": plan })).await;
            assert_eq!((got.0, got.1.as_str()), expected, "{plan}");
        }
        let path = format!("/members/{}/add-plan", member["id"].as_str().expect("an id"));
        assert_eq!(server.request("POST", &path).json(&json!({ "planId": staff })).send().await.text(), "OK", "the site may");
        let removed = server.post_as(&token, "/member/plans/remove", json!({ "planId": free })).await.json();
        assert_eq!(removed["data"]["member"]["planConnections"].as_array().map(Vec::len), Some(1));
        for (plan, code) in [(free.as_str(), "no-plan-found"), (&paid, "plan-not-free"), ("pln_unknown", "plan-not-found")] {
            assert_eq!(refusal(&server, &token, "/member/plans/remove", json!({ "planId": plan })).await, (400, code.into()));
        }
    }

    async fn a_new_password_needs_the_old_one_and_ends_other_sessions(engine) {
        let server = TestServer::start(engine).await;
        let (token, _) = server.signed_up(ADA).await;
        let other = server.logged_in(ADA).await;
        let change = |old: Value, new: &str| json!({ "oldPassword": old, "newPassword": new });
        for (body, expected) in [
            (json!({}), (400, "required-field-missing")),
            (change(json!(null), "another-password"), (400, "required-field-missing")),
            (change(json!("not-the-password"), "another-password"), (401, "invalid-password")),
            (change(json!(PASSWORD), "short"), (400, "invalid-password-too-short")),
        ] {
            let got = refusal(&server, &token, "/member-auth", body.clone()).await;
            assert_eq!((got.0, got.1.as_str()), expected, "{body}");
        }
        let changed = server.post_as(&token, "/member-auth", change(json!(PASSWORD), "another-password")).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(server.visit_as(&token, "GET", "/member/json").send().await.status, 200);
        assert_eq!(server.visit_as(&other, "GET", "/member/json").send().await.status, 401);
        let old = server.post("/auth/login", json!({ "email": ADA, "password": PASSWORD })).await;
        assert_eq!(old.code(), "invalid-credentials");
        for _ in 0..5 {
            assert_eq!(refusal(&server, &token, "/member-auth", change(json!("not-the-password"), "yet-another-one")).await.0, 401);
        }
        assert_eq!(refusal(&server, &token, "/member-auth", change(json!("another-password"), "yet-another-one")).await.0, 429);
    }

    async fn a_new_address_is_not_verified_and_the_old_one_is_told(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up(ADA).await;
        server.signed_up("eve@example.com").await;
        let path = format!("/members/{}", member["id"].as_str().expect("an id"));
        server.request("PATCH", &path).json(&json!({ "verified": true })).send().await;
        for (email, expected) in [("EVE@example.com", "email-already-in-use"), ("nonsense", "invalid-email")] {
            assert_eq!(refusal(&server, &token, "/member-auth", json!({ "email": email })).await, (400, expected.into()));
        }
        let changed = server.post_as(&token, "/member-auth", json!({ "email": "ada@new.example" })).await.json();
        assert_eq!((changed["data"]["auth"]["email"].clone(), changed["data"]["verified"].clone()), (json!("ada@new.example"), json!(false)));
        let told = server.mailbox(ADA).await;
        assert!(told.len() == 1 && told[0].subject.contains("changed"), "{:?}", told.first().map(|mail| &mail.subject));
        assert_eq!(server.logged_in_as("ada@new.example").await, 200);
    }

    async fn members_delete_themselves_only_where_they_may(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up(ADA).await;
        let key = server.managing_key().await;
        let allow = async |may: bool| {
            let reply = server.anonymous("PATCH", "/manage/v1/app").key(&key).json(&json!({ "memberSelfDelete": may })).send().await;
            assert_eq!(reply.json()["memberSelfDelete"], may);
        };
        allow(false).await;
        let refused = server.visit_as(&token, "DELETE", "/member").send().await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "generic-message"));
        assert!(refused.json()["message"].as_str().is_some_and(|text| text.contains("owner")));
        assert_eq!(server.visit("GET", "/app").send().await.json()["data"]["allowMemberSelfDelete"], false);
        assert_eq!(server.total().await, 1);
        allow(true).await;
        let deleted = server.visit_as(&token, "DELETE", "/member").send().await;
        assert_eq!(deleted.json(), json!({ "data": { "id": member["id"] } }));
        assert_eq!(server.total().await, 0);
        let gone = server.visit_as(&token, "DELETE", "/member").send().await;
        assert_eq!(gone.code(), "client/invalid-token");
    }

    async fn a_page_sees_the_app_and_its_plans(engine) {
        let server = TestServer::start(engine).await;
        let paid = plan(&server, json!({ "name": "Paid", "prices": [{ "amount": 1900, "currency": "usd", "interval": "month" }] })).await;
        let app = server.visit("GET", "/app?includeSSOText=false").send().await.json()["data"].clone();
        for field in [
            "id", "name", "mode", "plans", "contentGroups", "customFields", "allowMemberSelfDelete", "captchaRequired",
            "authProviders", "additionalAuthMethods", "ssoSignupButtonURL", "isPaid", "branding",
        ] {
            assert!(app.get(field).is_some(), "{field}");
        }
        assert_eq!(app["customFields"][0]["key"], "first-name");
        assert_eq!(app["plans"][0]["prices"][0]["interval"], json!({ "type": "month", "count": 1 }));
        let one = server.visit("GET", &format!("/app/plans/{paid}")).send().await.json();
        assert_eq!(one["data"], app["plans"][0]);
        let unknown = server.visit("GET", "/app/plans/pln_unknown").send().await;
        assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (400, "plan-not-found"));
        let (token, member) = server.signed_up(ADA).await;
        let both = server.post_as(&token, "/app-member", json!({ "data": { "sessionData": {} } })).await.json();
        assert_eq!((both["data"]["member"].clone(), both["data"]["app"].clone()), (member, app));
    }

    async fn the_audit_trail_says_that_the_member_did_it(engine) {
        let server = TestServer::start(engine).await;
        let (token, member) = server.signed_up(ADA).await;
        server.post_as(&token, "/member", json!({ "customFields": { "first-name": "J" } })).await;
        server.visit_as(&token, "POST", "/member/logout").send().await;
        let store = server.second_store().await;
        let id = member["id"].as_str().expect("an id").to_owned();
        let entries = store.read::<_, guildhall_store::StoreError, _>(move |tx| Box::pin(async move {
            tx.audit().of_subject(&id).await
        })).await.expect("entries");
        let told: Vec<_> = entries.iter().map(|(action, kind, actor, _)| (action.as_str(), kind.as_str(), actor.as_deref())).collect();
        let id = member["id"].as_str();
        assert_eq!(told[2..], [("member.update", "member", id), ("member.log-out", "member", id)]);
        assert_eq!((told[0].1, told[1].1), ("key", "key"), "before it was one, the site's public key did it");
    }
}

trait LogIn {
    async fn logged_in_as(&self, email: &str) -> u16;
}

impl LogIn for TestServer {
    async fn logged_in_as(&self, email: &str) -> u16 {
        self.post("/auth/login", json!({ "email": email, "password": PASSWORD })).await.status.as_u16()
    }
}
