//! Who gets in to the dashboard: every line of its list, against everyone who could come.

mod dashboard;

use dashboard::Office;
use guildhall_domain::operator::Role;
use guildhall_http::{DASHBOARD_ROUTES, DashboardRoute, Needs};
use guildhall_testkit::both_engines;

/// A concrete address of a route in the sandbox of an app.
fn path_of(route: &DashboardRoute, app: &str) -> String {
    let path = route.path.replace("{app}", app).replace("{mode}", "sandbox");
    let mut filled = String::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (_, after) = after.split_once('}').expect("braces come in pairs");
        filled += before;
        filled += "unknown";
        rest = after;
    }
    filled + rest
}

fn guarded() -> impl Iterator<Item = &'static DashboardRoute> {
    DASHBOARD_ROUTES.iter().filter(|route| route.needs != Needs::Nobody)
}

#[test]
fn only_the_way_in_is_open_and_what_changes_something_is_posted() {
    let open: Vec<_> = DASHBOARD_ROUTES.iter().filter(|route| route.needs == Needs::Nobody).collect();
    let paths: Vec<_> = open.iter().map(|route| route.path).collect();
    assert_eq!(
        paths,
        [
            "/dashboard/assets/{hash}/{name}",
            "/dashboard/sign-in",
            "/dashboard/sign-in",
            "/dashboard/setup",
            "/dashboard/setup"
        ]
    );
    for route in DASHBOARD_ROUTES {
        assert!(["GET", "POST"].contains(&route.method), "{route:?}");
        let of_app = route.path.starts_with("/dashboard/apps/{app}/{mode}");
        assert_eq!(of_app, matches!(route.needs, Needs::App(_)), "{route:?}");
        // A form is only ever sent to change something, and whoever may only look changes nothing.
        if route.method == "POST" && of_app {
            assert!(matches!(route.needs, Needs::App(role) if role > Role::ReadOnly), "{route:?}");
        }
    }
}

both_engines! {
    async fn without_a_session_every_address_leads_to_signing_in(engine) {
        let office = Office::open(engine).await;
        for route in guarded() {
            let path = path_of(route, office.app());
            for cookie in ["", "guildhall_session=", "guildhall_session=0123", &format!("guildhall_session={}", "0".repeat(64))] {
                let reply = office.server.anonymous(route.method, &path).header("cookie", cookie).send().await;
                assert_eq!(reply.status, 303, "{route:?}");
                assert!(reply.header("location").starts_with("/dashboard/sign-in"), "{route:?}");
            }
        }
    }

    async fn roles_decide_on_every_route(engine) {
        let office = Office::open(engine).await;
        let (elsewhere, _) = office.server.second_app().await;
        let reader = office.operator(Role::ReadOnly).await;
        let admin = office.operator(Role::Admin).await;
        let owner = office.operator(Role::Owner).await;
        let before = office.everything().await;
        for route in guarded() {
            for (who, role) in [(&reader, Role::ReadOnly), (&admin, Role::Admin), (&owner, Role::Owner)] {
                let allowed = match route.needs {
                    Needs::App(needed) => role >= needed,
                    Needs::ServerOwner => false,
                    Needs::Nobody | Needs::Operator => true,
                };
                // An account's own addresses would end the session that this test goes on with.
                if matches!(route.needs, Needs::Operator) && route.method == "POST" {
                    continue;
                }
                let reply = who.ask(route.method, &path_of(route, office.app())).await;
                assert_eq!(reply.status == 403, !allowed, "{role} {route:?}: {}", reply.status);
                assert!(reply.status.as_u16() < 500, "{role} {route:?}: {}", reply.text());
                if matches!(route.needs, Needs::App(_)) {
                    let stranger = who.ask(route.method, &path_of(route, elsewhere.as_str())).await;
                    assert_eq!(stranger.status, 404, "{role} of another app: {route:?}");
                    assert!(!stranger.text().contains("Second"), "{route:?}");
                }
            }
        }
        // The reader and the strangers left no trace; the others met only what does not exist.
        let after = office.everything().await;
        assert_eq!(before, after);
    }

    async fn a_form_without_the_mark_of_its_session_changes_nothing(engine) {
        let office = Office::open(engine).await;
        let (owner, other) = (office.owner().await, office.owner().await);
        for route in guarded().filter(|route| route.method == "POST") {
            let path = path_of(route, office.app());
            for mark in ["", "0", &other.mark] {
                let body = format!("mark={mark}&name=Changed");
                let reply = owner.request("POST", &path).body(body).send().await;
                assert_eq!(reply.status, 403, "{route:?} with {mark:?}");
            }
            let foreign = owner.request("POST", &path).header("origin", "https://evil.example");
            let reply = foreign.body(format!("mark={}", owner.mark)).send().await;
            assert_eq!(reply.status, 403, "{route:?} from elsewhere");
            let framed = owner.request("POST", &path).header("sec-fetch-site", "cross-site");
            assert_eq!(framed.body(format!("mark={}", owner.mark)).send().await.status, 403, "{route:?}");
        }
        let apps = office.server.guildhall.list_apps().await.expect("apps");
        assert!(apps.iter().all(|(app, _)| app.name != "Changed"));
    }

    async fn a_role_that_is_taken_away_is_gone_at_the_next_request(engine) {
        let office = Office::open(engine).await;
        let (owner, admin) = (office.owner().await, office.operator(Role::Admin).await);
        let members = office.path("/members");
        assert_eq!(admin.ask("GET", &members).await.status, 200);
        let set = |role: &str| format!("/settings/team/{}{role}", admin.id);
        let reply = owner.send(&office.path(&set("")), "role=read-only").await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        assert_eq!(admin.ask("GET", &office.path("/members/new")).await.status, 403);
        let own = owner.send(&office.path(&format!("/settings/team/{}", owner.id)), "role=read-only").await;
        assert_eq!(own.status, 400, "nobody changes their own role");
        assert_eq!(owner.send(&office.path(&set("/remove")), "").await.status, 303);
        assert_eq!(admin.ask("GET", &members).await.status, 404);
        assert!(!admin.ask("GET", "/dashboard?all").await.text().contains(office.app()));
    }

    async fn unknown_addresses_and_methods_are_pages(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        for (method, path, status) in [
            ("GET", "/dashboard/nowhere", 404),
            ("GET", "/dashboard/apps/app_unknown/sandbox", 404),
            ("PUT", "/dashboard", 405),
            ("DELETE", "/dashboard/account", 405),
            ("GET", &*format!("/dashboard/apps/{}/production", office.app()), 404),
            ("GET", &*office.path("/members/%ff"), 404),
            ("GET", &*office.path("/members/mem_unknown"), 404),
            ("GET", &*office.path("/settings/keys/key_unknown"), 404),
        ] {
            let reply = owner.ask(method, path).await;
            assert_eq!(reply.status, status, "{method} {path}");
            assert!(reply.header("content-type").starts_with("text/html"), "{method} {path}");
        }
    }

    async fn every_page_keeps_to_itself(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        for route in DASHBOARD_ROUTES.iter().filter(|route| route.method == "GET") {
            let reply = owner.ask("GET", &path_of(route, office.app())).await;
            let policy = reply.header("content-security-policy");
            assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{route:?}");
            assert!(!policy.contains("unsafe"), "{route:?}");
            for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")] {
                assert_eq!(reply.header(name), value, "{name} of {route:?}");
            }
            let text = reply.text();
            assert!(!text.contains(" style=") && !text.contains("onclick") && !text.contains("<style"), "{route:?}");
            assert!(text.len() < 100_000, "{route:?} weighs {}", text.len());
        }
    }
}
