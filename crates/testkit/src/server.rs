//! A server for one test: real router, real database, mock clock.

use crate::clock::{MockClock, SeededChance};
use crate::engine::{Database, Engine};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use guildhall_app::apps::CreatedApp;
use guildhall_app::keys::KeyDraft;
use guildhall_app::{Guildhall, Settings};
use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{KeyKind, RateLimit};
use guildhall_http::serve::PeerAddress;
use guildhall_http::{HttpSettings, router};
use http_body_util::BodyExt;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tower::ServiceExt;

/// An installation with one app and an unlimited secret key for each environment.
pub struct TestServer {
    /// What the router stands on.
    pub guildhall: Guildhall,
    /// Moves time.
    pub clock: Arc<MockClock>,
    /// The app.
    pub app: AppId,
    /// An unlimited secret key of the sandbox.
    pub sandbox_key: String,
    /// An unlimited secret key of live.
    pub live_key: String,
    /// The public key of the sandbox.
    pub public_key: String,
    /// The database under it.
    pub database: Database,
    router: Router,
}

impl TestServer {
    /// A new server on a new database.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| ()).await
    }

    /// As [`TestServer::start`], with some settings changed.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::create(engine).await;
        let clock = Arc::new(MockClock::default());
        let mut settings = Settings::new(database.target.clone());
        settings.postgres_connections_max = 4;
        change(&mut settings);
        let chance = Arc::new(SeededChance::new(1));
        let guildhall = Guildhall::open(settings, clock.clone(), chance).await.expect("the database opens");
        let created = create_app(&guildhall, "Test").await;
        let public_key = public_key(&created, Mode::Sandbox);
        let app = created.app.id;
        let sandbox_key = unlimited(&guildhall, &app, Mode::Sandbox).await;
        let live_key = unlimited(&guildhall, &app, Mode::Live).await;
        let router = router(guildhall.clone(), HttpSettings::default());
        Self { guildhall, clock, app, sandbox_key, live_key, public_key, database, router }
    }

    /// Stops it and starts it again on the same database.
    pub async fn restart(&mut self) {
        self.guildhall.close().await;
        self.guildhall = self.second_process().await;
        self.router = router(self.guildhall.clone(), HttpSettings::default());
    }

    /// Another app in the same installation, with an unlimited sandbox key.
    pub async fn second_app(&self) -> (AppId, String) {
        let app = create_app(&self.guildhall, "Second").await.app.id;
        let key = unlimited(&self.guildhall, &app, Mode::Sandbox).await;
        (app, key)
    }

    /// A new secret key, changed from the vendor's defaults as the test likes.
    pub async fn key(&self, mode: Mode, change: impl FnOnce(&mut KeyDraft)) -> (KeyId, String) {
        let mut draft = KeyDraft::named(KeyKind::Secret, "test");
        draft.rate_limit = RateLimit::Unlimited;
        change(&mut draft);
        let created = self.guildhall.create_key(&self.app, mode, draft, Actor::CommandLine).await;
        let created = created.expect("a key is made");
        (created.key.id.clone(), created.plain.reveal().to_owned())
    }

    /// A request with the sandbox key.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.anonymous(method, path).header("x-api-key", &self.sandbox_key)
    }

    /// A request without a key.
    pub fn anonymous(&self, method: &str, path: &str) -> Request {
        Request {
            router: self.router.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            address: IpAddr::from([192, 0, 2, 1]),
        }
    }

    /// Creates a member in the sandbox and returns its object.
    pub async fn member(&self, email: &str) -> Value {
        let body = serde_json::json!({ "email": email, "password": "a-long-password" });
        let reply = self.request("POST", "/members").json(&body).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["data"].clone()
    }
}

/// The public key that an app was made with.
pub(crate) fn public_key(created: &CreatedApp, mode: Mode) -> String {
    let found = created.keys.iter().find(|key| key.mode == mode && key.kind == KeyKind::Public);
    found.expect("every app has one").created.plain.reveal().to_owned()
}

pub(crate) async fn create_app(guildhall: &Guildhall, name: &str) -> CreatedApp {
    guildhall.create_app(name, None, Actor::CommandLine).await.expect("an app is made")
}

async fn unlimited(guildhall: &Guildhall, app: &AppId, mode: Mode) -> String {
    let mut draft = KeyDraft::named(KeyKind::Secret, "unlimited");
    draft.rate_limit = RateLimit::Unlimited;
    let created = guildhall.create_key(app, mode, draft, Actor::CommandLine).await.expect("a key is made");
    created.plain.reveal().to_owned()
}

/// A request being put together.
pub struct Request {
    router: Router,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    address: IpAddr,
}

impl Request {
    /// With a header; one of the same name is replaced.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this key.
    pub fn key(self, key: &str) -> Self {
        self.header("x-api-key", key)
    }

    /// From this address.
    pub fn from(mut self, address: &str) -> Self {
        self.address = address.parse().expect("an address");
        self
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header("content-type", "application/json")
    }

    /// With these bytes as body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it through the router.
    pub async fn send(self) -> Reply {
        let mut request = axum::http::Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let peer = PeerAddress(SocketAddr::new(self.address, 1));
        let request = request.extension(peer).body(Body::from(self.body)).expect("a valid request");
        let response = self.router.oneshot(request).await.expect("the router always answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

/// An answer.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON expected, got: {}", self.text()))
    }

    /// The `code` of an error body.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header as text; empty if it is absent.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }
}
