//! An office for tests: a server, its operators, and what they send from a browser.

#![allow(dead_code, reason = "each test file uses a part of it")]

use guildhall_app::contracts::{ContractFilter, ContractPage};
use guildhall_app::operators::{Origin, Reach};
use guildhall_app::passwords::Password;
use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::operator::Role;
use guildhall_testkit::{Engine, Reply, Request, TestServer};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};

pub const PASSWORD: &str = "a long password for operators";

/// A server with a dashboard.
pub struct Office {
    pub server: TestServer,
    made: AtomicU32,
}

/// Somebody who is signed in.
pub struct Visitor<'o> {
    office: &'o Office,
    pub id: String,
    pub email: String,
    pub token: String,
    /// What their forms carry.
    pub mark: String,
}

impl Office {
    pub async fn open(engine: Engine) -> Self {
        Self::of(TestServer::start(engine).await)
    }

    /// As [`Office::open`], with room for many members.
    pub async fn open_roomy(engine: Engine) -> Self {
        Self::of(
            TestServer::start_with(engine, |settings| settings.limits.sandbox_members_max = 100_000).await,
        )
    }

    pub fn of(server: TestServer) -> Self {
        Self { server, made: AtomicU32::new(0) }
    }

    pub fn app(&self) -> &str {
        self.server.app.as_str()
    }

    /// An address of the app's sandbox.
    pub fn path(&self, rest: &str) -> String {
        format!("/dashboard/apps/{}/sandbox{rest}", self.app())
    }

    /// Somebody with a role in the app.
    pub async fn operator(&self, role: Role) -> Visitor<'_> {
        self.signed_in(Reach::App(self.server.app.clone(), role)).await
    }

    /// An owner of the server.
    pub async fn owner(&self) -> Visitor<'_> {
        self.signed_in(Reach::Server).await
    }

    async fn signed_in(&self, reach: Reach) -> Visitor<'_> {
        let email = format!("operator{}@example.com", self.made.fetch_add(1, Ordering::Relaxed));
        let guildhall = &self.server.guildhall;
        let (operator, link) = guildhall
            .create_operator(&email, "Olivia", reach, Actor::CommandLine)
            .await
            .expect("an operator");
        let token = link.path();
        let token = token.split_once("token=").expect("a token").1;
        let origin = Origin { address: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: None, request: "" };
        let password = Password::new(PASSWORD).expect("a password");
        let begun = guildhall.use_operator_link(token, None, password, origin).await.expect("the link works");
        let token = begun.reveal().to_owned();
        let signed = guildhall.signed_operator(&token, "").await.expect("it answers").expect("a session");
        let mark = signed.form_mark().to_owned();
        Visitor { office: self, id: operator.id.to_string(), email, token, mark }
    }

    /// All that the app shows of itself and its members: to see that nothing changed.
    pub async fn everything(&self) -> String {
        let guildhall = &self.server.guildhall;
        let definitions = guildhall.definitions(&self.server.app).await.expect("definitions");
        let keys = guildhall.list_keys(Some(&self.server.app)).await.expect("keys");
        let keys: Vec<_> = keys.iter().map(|key| (key.id.to_string(), key.revoked_at)).collect();
        let members = self.server.request("GET", "/members?includeJSON=true").send().await.text();
        let access =
            guildhall.command_line_access(&self.server.app, Mode::Sandbox).await.expect("the sandbox");
        let page = ContractPage { order: Vec::new(), offset: 0, limit: 1_000 };
        let contracts = guildhall.list_contracts(&access.access(), ContractFilter::default(), page).await;
        format!("{definitions:?} {keys:?} {members} {:?}", contracts.expect("contracts"))
    }
}

impl Visitor<'_> {
    /// A request as their browser sends it.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let cookie = format!("guildhall_session={}", self.token);
        let request = self.office.server.anonymous(method, path).header("cookie", &cookie);
        if method == "POST" {
            return request.header("content-type", "application/x-www-form-urlencoded");
        }
        request
    }

    /// A page, or an empty form of theirs.
    pub async fn ask(&self, method: &str, path: &str) -> Reply {
        let request = self.request(method, path);
        let request = if method == "POST" { request.body(format!("mark={}", self.mark)) } else { request };
        request.send().await
    }

    /// A form of theirs.
    pub async fn send(&self, path: &str, fields: &str) -> Reply {
        self.request("POST", path).body(format!("mark={}&{fields}", self.mark)).send().await
    }

    /// The text of a page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let reply = self.ask("GET", path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }
}
