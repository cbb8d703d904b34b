//! How operators come in: links, passwords, sessions, invitations.

mod dashboard;

use dashboard::{Office, PASSWORD};
use guildhall_app::operators::Reach;
use guildhall_domain::audit::Actor;
use guildhall_domain::operator::Role;
use guildhall_testkit::{Reply, TestServer, both_engines};

fn session_of(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie");
    cookie
        .split(';')
        .next()
        .and_then(|pair| pair.split_once('='))
        .map_or_else(String::new, |(_, token)| token.to_owned())
}

async fn sign_in(office: &Office, email: &str, password: &str) -> Reply {
    let body = format!("email={email}&password={}", password.replace(' ', "+"));
    office.server.anonymous("POST", "/dashboard/sign-in").body(body).send().await
}

async fn open(office: &Office, token: &str) -> u16 {
    let cookie = format!("guildhall_session={token}");
    office
        .server
        .anonymous("GET", "/dashboard/account")
        .header("cookie", &cookie)
        .send()
        .await
        .status
        .as_u16()
}

both_engines! {
    async fn the_link_of_the_first_start_makes_the_owner_of_the_server_once(engine) {
        let office = Office::open(engine).await;
        let link = office.server.guildhall.create_setup_link().await.expect("a link").path();
        let token = link.split_once("token=").expect("a token").1;
        let page = office.server.anonymous("GET", &link).send().await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("You are the first"));
        let set = |fields: &str| office.server.anonymous("POST", "/dashboard/setup").body(format!("token={token}&{fields}"));
        for (slip, words) in [
            ("name=Ada&email=ada@example.com&password=short&again=short", "at least 12 characters"),
            ("name=Ada&email=ada@example.com&password=a+long+password&again=another+password", "not the same"),
            ("name=Ada&email=nonsense&password=a+long+password&again=a+long+password", "email"),
            ("name=&email=ada@example.com&password=a+long+password&again=a+long+password", "name"),
        ] {
            let reply = set(slip).send().await;
            assert_eq!(reply.status, 400, "{slip}");
            assert!(reply.text().contains(words), "{slip}: {}", reply.text());
        }
        let done = set("name=Ada&email=ada@example.com&password=a+long+password&again=a+long+password").send().await;
        assert_eq!((done.status.as_u16(), done.header("location").as_str()), (303, "/dashboard"));
        let cookie = done.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/dashboard"), "{cookie}");
        assert!(!cookie.contains("Secure"), "this server is not reached by HTTPS");
        assert_eq!(open(&office, &session_of(&done)).await, 200);
        let again = set("name=Eve&email=eve@example.com&password=a+long+password&again=a+long+password").send().await;
        assert_eq!(again.status, 400, "a link works once");
        assert_eq!(office.server.anonymous("GET", &link).send().await.status, 400);
    }

    async fn a_link_ends_after_a_day_and_resetting_ends_all_sessions(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let guildhall = &office.server.guildhall;
        let late = guildhall.reset_operator_password(&owner.email, Actor::CommandLine).await.expect("a link").path();
        office.server.clock.advance_us(24 * 3600 * 1_000_000);
        assert_eq!(office.server.anonymous("GET", &late).send().await.status, 400);
        let link = guildhall.reset_operator_password(&owner.email, Actor::CommandLine).await.expect("a link").path();
        let token = link.split_once("token=").expect("a token").1;
        let body = format!("token={token}&password=another+long+password&again=another+long+password");
        assert_eq!(open(&office, &owner.token).await, 200);
        assert_eq!(office.server.anonymous("POST", "/dashboard/setup").body(body).send().await.status, 303);
        assert_eq!(open(&office, &owner.token).await, 303, "the old session has ended");
        assert_eq!(sign_in(&office, &owner.email, PASSWORD).await.status, 401);
        assert_eq!(sign_in(&office, &owner.email, "another long password").await.status, 303);
    }

    async fn passwords_are_slowed_down_and_an_unknown_address_looks_the_same(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let mut texts = Vec::new();
        for email in [owner.email.as_str(), "nobody@example.com"] {
            for _ in 0..5 {
                let reply = sign_in(&office, email, "wrong").await;
                assert_eq!(reply.status, 401);
                texts.push(reply.text().replace(email, ""));
            }
            let slowed = sign_in(&office, email, PASSWORD).await;
            assert_eq!(slowed.status, 429, "{email}");
            assert!(slowed.text().contains("Too many attempts"));
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "nothing tells the two apart");
        office.server.clock.advance_us(2_000_000);
        let reply = sign_in(&office, &owner.email, PASSWORD).await;
        assert_eq!(reply.status, 303);
        assert_eq!(open(&office, &session_of(&reply)).await, 200);
        for odd in ["", "%00", "a@b", &"x".repeat(5000)] {
            assert!(sign_in(&office, odd, "x").await.status.as_u16() < 500, "{odd:.9}");
        }
    }

    async fn sessions_are_listed_ended_and_end_by_themselves(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let other = session_of(&sign_in(&office, &owner.email, PASSWORD).await);
        let third = session_of(&sign_in(&office, &owner.email, PASSWORD).await);
        let page = owner.page("/dashboard/account").await;
        assert_eq!(page.matches("name=\"session\"").count(), 2, "{page}");
        assert!(![&owner.token, &other, &third].iter().any(|token| page.contains(*token)), "no token is shown");
        let id = page.split("name=\"session\" value=\"").nth(1).expect("a session").split('"').next().expect("its end").to_owned();
        assert_eq!(owner.send("/dashboard/account/sessions/end", &format!("session={id}")).await.status, 303);
        let (one, two) = (open(&office, &other).await, open(&office, &third).await);
        assert_eq!(one.min(two), 200);
        assert_eq!(one.max(two), 303);
        let stranger = office.owner().await;
        let own = owner.page("/dashboard/account").await;
        let id = own.split("name=\"session\" value=\"").nth(1).expect("a session").split('"').next().expect("its end").to_owned();
        let refused = stranger.send("/dashboard/account/sessions/end", &format!("session={id}")).await;
        assert_eq!(refused.status, 404, "somebody else's session");
        assert_eq!(owner.send("/dashboard/account/sessions/end-others", "").await.status, 303);
        assert_eq!((open(&office, &other).await, open(&office, &third).await), (303, 303));
        assert_eq!(owner.ask("POST", "/dashboard/sign-out").await.status, 303);
        assert_eq!(open(&office, &owner.token).await, 303);
        let day_us = 24 * 3600 * 1_000_000;
        for _ in 0..5 {
            office.server.clock.advance_us(6 * day_us);
            let last = open(&office, &stranger.token).await;
            assert!(last == 200 || last == 303);
        }
        assert_eq!(open(&office, &stranger.token).await, 303, "thirty days are the most");
    }

    async fn changing_the_password_needs_the_old_one(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let change = |old: &str, new: &str, again: &str| {
            format!("old={}&password={}&again={}", old.replace(' ', "+"), new.replace(' ', "+"), again.replace(' ', "+"))
        };
        for (fields, status) in [
            (change("wrong", "a new long password", "a new long password"), 401),
            (change(PASSWORD, "short", "short"), 400),
            (change(PASSWORD, "a new long password", "another"), 400),
            (change(PASSWORD, "a new long password", "a new long password"), 303),
        ] {
            assert_eq!(owner.send("/dashboard/account/password", &fields).await.status, status, "{fields}");
        }
        assert_eq!(open(&office, &owner.token).await, 200, "the session in use goes on");
        assert_eq!(sign_in(&office, &owner.email, "a new long password").await.status, 303);
    }

    async fn who_is_invited_gets_a_link_once_and_never_another_operators(engine) {
        let office = Office::open(engine).await;
        let owner = office.operator(Role::Owner).await;
        let team = office.path("/settings/team");
        let invited = owner.send(&team, "name=Grace&email=grace@example.com&role=read-only").await;
        let text = invited.text();
        let link = text.split("value=\"http").nth(1).expect("a link").split('"').next().expect("its end");
        let token = link.split_once("token=").expect("a token").1;
        assert!(!owner.page(&team).await.contains(token), "it is shown this once");
        let body = format!("token={token}&password=a+long+password&again=a+long+password");
        let set = office.server.anonymous("POST", "/dashboard/setup").body(body).send().await;
        let cookie = format!("guildhall_session={}", session_of(&set));
        let members = office.path("/members");
        let seen = office.server.anonymous("GET", &members).header("cookie", &cookie).send().await;
        assert_eq!(seen.status, 200);
        assert!(seen.text().contains("read-only"));
        // Somebody who has not signed in yet, with a role in another app: a link would open that app too.
        let (second, _) = office.server.second_app().await;
        let guildhall = &office.server.guildhall;
        let reach = Reach::App(second, Role::Owner);
        guildhall.create_operator("waiting@example.com", "Waiting", reach, Actor::CommandLine).await.expect("an operator");
        let again = owner.send(&team, "name=Waiting&email=waiting@example.com&role=admin").await;
        assert_eq!(again.status, 303, "no link is shown: {}", again.text());
        let known = owner.send(&team, "name=Grace&email=grace@example.com&role=admin").await;
        assert_eq!(known.status, 303, "who has a password gets no link");
    }

    async fn with_a_mail_server_invitations_go_by_mail_and_stay_out_of_sight(engine) {
        let server = TestServer::start_with(engine, |settings| settings.sends_mail = true).await;
        let office = Office::of(server);
        let owner = office.owner().await;
        let invited = owner.send(&office.path("/settings/team"), "name=Grace&email=grace@example.com&role=owner").await;
        assert_eq!(invited.status, 303);
        assert!(!invited.text().contains("token="));
        let outbox = owner.page(&office.path("/mails")).await;
        assert!(outbox.contains("grace@example.com") && !outbox.contains("token="), "{outbox}");
        let managing = office.server.managing_key().await;
        let listed = office.server.anonymous("GET", "/manage/v1/mails").key(&managing).send().await.text();
        assert!(listed.contains("grace@example.com") && !listed.contains("token="), "{listed}");
    }

    async fn the_cookie_is_secure_where_the_server_is_reached_by_https(engine) {
        let server = TestServer::start_with(engine, |settings| settings.public_url = "https://members.example".into()).await;
        let office = Office::of(server);
        let owner = office.owner().await;
        let reply = sign_in(&office, &owner.email, PASSWORD).await;
        assert!(reply.header("set-cookie").contains("; Secure"), "{}", reply.header("set-cookie"));
    }
}
