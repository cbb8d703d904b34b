//! API keys in the dashboard, from the form to the end of a key.

mod dashboard;

use dashboard::{Office, Visitor};
use guildhall_domain::Mode;
use guildhall_testkit::both_engines;

/// The key that a page shows this once.
fn shown_key(page: &str, prefix: &str) -> String {
    let from = page.find(&format!("value=\"{prefix}")).expect("a key") + 7;
    page[from..].split('"').next().expect("an end").to_owned()
}

/// The id of the key with this name, from the list.
async fn id_of(owner: &Visitor<'_>, office: &Office, name: &str) -> String {
    let list = owner.page(&office.path("/settings/keys")).await;
    let before = list.split(&format!("\">{name}</a>")).next().expect("the name");
    before.rsplit("/settings/keys/").next().expect("an id").to_owned()
}

async fn status(office: &Office, key: &str) -> u16 {
    office.server.anonymous("GET", "/members").key(key).send().await.status.as_u16()
}

both_engines! {
    async fn a_key_is_made_shown_once_used_rotated_and_revoked(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let made = owner.send(&office.path("/settings/keys"), "name=CRM&kind=secret&environment=sandbox").await;
        assert_eq!((made.status.as_u16(), made.header("cache-control").as_str()), (200, "no-store"));
        let key = shown_key(&made.text(), "sk_sb_");
        assert_eq!(key.len(), 44);
        let list = owner.page(&office.path("/settings/keys")).await;
        assert!(!list.contains(&key) && list.contains(&key[..10]), "only its start is shown");
        let id = id_of(&owner, &office, "CRM").await;
        let page = office.path(&format!("/settings/keys/{id}"));
        assert!(owner.page(&page).await.contains("No calls succeeded"));

        for _ in 0..3 {
            assert_eq!(status(&office, &key).await, 200);
        }
        let failed = office.server.anonymous("POST", "/members/verify-token").key(&key).body("{}").send().await;
        assert_eq!(failed.status, 400);
        office.server.clock.advance_us(180_000_000);
        office.server.guildhall.flush_last_used().await.expect("it is written");
        let text = owner.page(&page).await;
        assert!(text.contains("3 minutes ago") && text.contains("GET /members<"), "{text}");
        assert!(text.contains("<td class=\"number\">3</td>"), "three calls: {text}");
        assert!(!text.contains("verify-token"), "what failed is not counted");

        let rotate = format!("{page}/rotate");
        assert!(owner.page(&rotate).await.contains("Create the new key"));
        let newer = shown_key(&owner.send(&rotate, "").await.text(), "sk_sb_");
        assert_ne!(newer, key);
        assert_eq!((status(&office, &key).await, status(&office, &newer).await), (200, 200), "both work meanwhile");
        let confirm = owner.page(&format!("{page}/revoke")).await;
        assert!(confirm.contains("stops working") && confirm.contains("GET /members"), "{confirm}");
        let revoked = owner.send(&format!("{page}/revoke"), "").await;
        assert_eq!(revoked.status, 303);
        assert_eq!((status(&office, &key).await, status(&office, &newer).await), (401, 200));
        let list = owner.page(&office.path("/settings/keys")).await;
        assert!(list.contains("1 revoked or expired"), "{list}");
    }

    async fn calls_are_kept_by_day_and_survive_a_restart(engine) {
        let office = Office::open(engine).await;
        let (id, key) = office.server.key(Mode::Sandbox, |_| ()).await;
        let day_us = 24 * 3600 * 1_000_000;
        for days in [0, 10, 25] {
            status(&office, &key).await;
            office.server.clock.advance_us(days * day_us);
        }
        office.server.guildhall.flush_last_used().await.expect("it is written");
        let calls = office.server.guildhall.key_calls(&id).await.expect("they are read");
        assert_eq!(calls.total(), 1, "the first two are older than 30 days");
        status(&office, &key).await;
        office.server.guildhall.close().await;
        let again = office.server.second_process().await;
        assert_eq!(again.key_calls(&id).await.expect("they are read").total(), 2);
    }

    async fn a_form_with_a_slip_comes_back_as_it_was_filled_in(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        for (slip, words) in [
            ("name=&kind=secret&environment=sandbox", "A name has 1 to 200 characters"),
            ("name=A+key&kind=partner&environment=sandbox", "partner"),
            ("name=A+key&kind=secret&environment=moon", "environment"),
            ("name=A+key&kind=secret&environment=live&addresses=home", "home"),
            ("name=A+key&kind=secret&environment=live&expires=2020-01-01", "future"),
            ("name=A+key&kind=secret&environment=live&rate=lots", "rate limit"),
            ("name=A+key&kind=secret&environment=live&scope=all", "scope"),
        ] {
            let reply = owner.send(&office.path("/settings/keys"), slip).await;
            assert_eq!(reply.status, 400, "{slip}");
            let text = reply.text();
            assert!(text.contains(words) && text.contains("role=\"alert\""), "{slip}: {text}");
            assert!(slip.starts_with("name=&") || text.contains("value=\"A key\""), "{slip}");
        }
    }

    async fn the_eleventh_store_key_is_refused_and_the_count_is_shown(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        for number in 0..10 {
            let form = format!("name=Store+{number}&kind=store&environment=live");
            assert_eq!(owner.send(&office.path("/settings/keys"), &form).await.status, 200);
        }
        assert!(owner.page(&office.path("/settings/keys")).await.contains("10 of 10"));
        let eleventh = owner.send(&office.path("/settings/keys"), "name=One+more&kind=store&environment=live").await;
        assert_eq!(eleventh.status, 409);
        assert!(eleventh.text().contains("already has 10 active store keys"));
    }

    async fn a_key_of_another_app_or_environment_is_not_there(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let (live, live_key) = office.server.key(Mode::Live, |_| ()).await;
        let (_, other) = office.server.second_app().await;
        let keys = office.server.guildhall.list_apps().await.expect("apps");
        let second = &keys.iter().find(|(app, _)| app.name == "Second").expect("the second app").0.id;
        let foreign = office.server.guildhall.list_keys(Some(second)).await.expect("keys")[0].id.clone();
        for id in [live.as_str(), foreign.as_str()] {
            for action in ["", "/revoke", "/rotate"] {
                let path = office.path(&format!("/settings/keys/{id}{action}"));
                assert_eq!(owner.ask("GET", &path).await.status, 404, "{path}");
                if !action.is_empty() {
                    assert_eq!(owner.send(&path, "").await.status, 404, "{path}");
                }
            }
        }
        assert_eq!((status(&office, &live_key).await, status(&office, &other).await), (200, 200));
    }

    async fn partner_keys_are_for_owners_of_the_server(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let made = owner.send("/dashboard/server/partners", "name=Integrator").await;
        let key = shown_key(&made.text(), "ptnr_");
        let page = owner.page("/dashboard/server/partners").await;
        assert!(!page.contains(&key) && page.contains(&key[..9]));
        let id = page.split("/partners/").nth(1).expect("an id").split('/').next().expect("its end").to_owned();
        assert_eq!(owner.send(&format!("/dashboard/server/partners/{id}/revoke"), "").await.status, 303);
        assert!(owner.page("/dashboard/server/partners").await.contains("1 revoked"));
    }
}
