//! The surfaces over HTTP: requests in, use cases called, answers out in the dialect's shape.
//!
//! Handlers translate and nothing else: no rule of the product lives here, and nothing here
//! names the store. The list of all addresses is in `routes.rs`.

// Objects of this many fields are written with `json!`.
#![recursion_limit = "256"]

mod access_log;
mod address;
mod appstle;
mod body;
mod client;
mod dashboard;
mod idempotency;
mod jwks;
mod machines;
mod manage;
mod memberstack;
mod metrics;
mod observe;
mod portal;
mod problem;
mod routes;
mod segment;
pub mod serve;

pub use access_log::{AccessLog, AccessLogForm};
pub use appstle::PlanGate;
pub use dashboard::{DASHBOARD_ROUTES, DashboardRoute, Needs};
pub use portal::{PORTAL_ROUTES, PortalRoute};
pub use routes::{ROUTES, Route, Surface, metrics_router, router};

use guildhall_app::Guildhall;
use ipnet::IpNet;
use metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How the surfaces behave.
#[derive(Clone)]
pub struct HttpSettings {
    /// The largest request body that is taken, in bytes.
    pub body_bytes_max: usize,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where a line about each request goes.
    pub access_log: AccessLog,
    /// Set while the server is stopping: `/readyz` then sends traffic elsewhere.
    pub draining: Arc<AtomicBool>,
    /// Whether `/metrics` is answered here rather than on a listener of its own.
    pub serve_metrics: bool,
    /// Whether the keys of tokens are also answered at `/`, where the vendor's SDK looks for them.
    pub jwks_at_root: bool,
    /// What store keys meet whose app asks for a partner's key beside them.
    pub plan_gate: PlanGate,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            body_bytes_max: 2 * 1024 * 1024,
            trusted_proxies: Vec::new(),
            access_log: AccessLog::silent(),
            draining: Arc::default(),
            serve_metrics: true,
            jwks_at_root: false,
            plan_gate: PlanGate::Unauthorized,
        }
    }
}

/// What every handler can reach.
#[derive(Clone)]
struct Http(Arc<HttpParts>);

struct HttpParts {
    guildhall: Guildhall,
    settings: HttpSettings,
    metrics: Metrics,
}

impl Http {
    fn new(guildhall: Guildhall, settings: HttpSettings) -> Self {
        Self(Arc::new(HttpParts { guildhall, settings, metrics: Metrics::default() }))
    }

    fn guildhall(&self) -> &Guildhall {
        &self.0.guildhall
    }

    fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}
