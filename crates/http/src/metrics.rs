//! Numbers for operators, in the Prometheus text form. Labels come from short fixed lists, never
//! from a caller.

use guildhall_app::Guildhall;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabel, Histogram, fn() -> Histogram>,
    failures: Family<CodeLabel, Counter>,
    writes_waiting: Gauge,
    writes: Counter,
    commits: Counter,
    passwords_waiting: Gauge,
    passwords_busy: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("guildhall");
        let requests = Family::default();
        let durations: Family<RouteLabel, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let failures = Family::default();
        let (writes_waiting, passwords_waiting, passwords_busy) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        let (writes, commits) = (Counter::default(), Counter::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer", durations.clone());
        registry.register("failures", "Requests that failed, by error code", failures.clone());
        registry.register("writes_waiting", "Units of work that wait for the disk", writes_waiting.clone());
        registry.register("writes", "Units of work made durable", writes.clone());
        registry.register("commits", "Times the disk was asked to make them durable", commits.clone());
        registry.register("passwords_waiting", "Passwords that wait to be hashed", passwords_waiting.clone());
        registry.register("passwords_busy", "Passwords that are being hashed", passwords_busy.clone());
        registry.register("build", "Version", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            registry,
            requests,
            durations,
            failures,
            writes_waiting,
            writes,
            commits,
            passwords_waiting,
            passwords_busy,
        }
    }
}

impl Metrics {
    pub(crate) fn observe(&self, route: &'static str, method: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&RequestLabels { route, method, status }).inc();
        self.durations.get_or_create(&RouteLabel { route }).observe(seconds);
    }

    pub(crate) fn failed(&self, code: &'static str) {
        self.failures.get_or_create(&CodeLabel { code }).inc();
    }

    /// The text that a scraper reads.
    pub(crate) fn render(&self, guildhall: &Guildhall) -> String {
        let gauges = guildhall.store_gauges();
        let (waiting, busy) = guildhall.password_gauges();
        self.writes_waiting.set(as_gauge(gauges.writes_waiting));
        self.writes.inc_by(gauges.writes_total.saturating_sub(self.writes.get()));
        self.commits.inc_by(gauges.commits_total.saturating_sub(self.commits.get()));
        self.passwords_waiting.set(as_gauge(waiting as u64));
        self.passwords_busy.set(as_gauge(busy as u64));
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

fn as_gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
