//! What is billed: contracts of every kind in both environments, and what must become of each by the calendar.

use super::servers::Servers;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{ContractDraft, LineDraft, Period, PeriodUnit};
use guildhall_app::{Clock, Guildhall, Settings, SystemClock, Target};
use guildhall_domain::ids::AppId;
use guildhall_domain::{Mode, Timestamp};
use guildhall_store::{Store, StoreSettings};
use guildhall_testkit::process::{Place, Process};
use guildhall_testkit::{MockClock, SeededChance};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinHandle;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// How long ago the first contract was due.
const SPAN_US: i64 = 20 * DAY_US + 12 * HOUR_US;
/// Contracts in each environment.
pub const CONTRACTS: usize = 96;
/// Contracts whose holder is the same member.
const OF_ONE_MEMBER: usize = 3;
/// Short, so that what a killed process held is soon taken up, and so that two are at one contract at times.
const LEASE_MS: u32 = 400;

/// A kind of contract.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The payment method, which names what becomes of its charges.
    token: &'static str,
    unit: PeriodUnit,
    max_cycles: Option<u32>,
}

const fn daily(token: &'static str) -> Kind {
    Kind { token, unit: PeriodUnit::Day, max_cycles: None }
}

/// All kinds.
pub const KINDS: [Kind; 12] = [
    daily("pm_plain"),
    daily("pm_answer_lost"),
    daily("pm_answer_lost_sometimes"),
    daily("pm_declined_from_3rd_renewal"),
    daily("pm_answer_lost_sometimes_more"),
    daily("pm_times_out"),
    Kind { unit: PeriodUnit::Week, ..daily("pm_answer_lost_weekly") },
    daily("pm_declined"),
    Kind { max_cycles: Some(5), ..daily("pm_answer_lost_of_five") },
    daily("pm_needs_authentication"),
    Kind { unit: PeriodUnit::Month, ..daily("pm_monthly") },
    daily("pm_plain_too"),
];

/// What must become of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Minor units of each charge.
    pub minor: i64,
    /// Periods that are paid, from the first on.
    pub paid: u32,
    /// Charges that the provider has refused.
    pub refused: u32,
    /// The state it is in at the end.
    pub status: &'static str,
}

impl Kind {
    /// By the calendar alone: nothing of what is under test is asked.
    fn expected(self, mode: Mode, minor: i64) -> Expected {
        let due: u32 = match self.unit {
            // Day 0 to day 20.
            PeriodUnit::Day => 21,
            // Days 0, 7 and 14.
            PeriodUnit::Week => 3,
            PeriodUnit::Month | PeriodUnit::Year => 1,
        };
        // Three more tries, three days apart, which in the sandbox go by and by the real time lie ahead.
        let given_up = mode == Mode::Sandbox;
        let (tries, after_dunning) = if given_up { (4, "CANCELLED") } else { (1, "ACTIVE") };
        let (paid, refused, status) = match self.token {
            "pm_declined_from_3rd_renewal" => (3, tries, after_dunning),
            "pm_declined" => (0, tries, after_dunning),
            "pm_times_out" => (0, 0, after_dunning),
            "pm_needs_authentication" => (0, 1, "PAUSED"),
            _ => match self.max_cycles {
                Some(max) if max <= due => (max, 0, "EXPIRED"),
                _ => (due, 0, "ACTIVE"),
            },
        };
        Expected { minor, paid, refused, status }
    }
}

/// The installation and what is expected of it.
pub struct Scene {
    /// Where it is.
    pub place: Arc<Place>,
    /// What must become of each contract, by its id.
    pub expected: HashMap<String, Expected>,
    key: String,
    until: Timestamp,
}

impl Scene {
    /// Makes the contracts as of three weeks ago. The sandbox's clock stands there.
    pub async fn set_up(place: Place) -> Self {
        let app = place.json(&["app", "create", "--name", "Fire"]);
        let app = AppId::from_text(app["id"].as_str().expect("an id"));
        let key = [
            "key",
            "create",
            "--app",
            app.as_str(),
            "--env",
            "sandbox",
            "--kind",
            "secret",
            "--name",
            "clock",
        ];
        let key = place.json(&[&key[..], &["--scopes", "manage"]].concat());
        let until = Timestamp::from_seconds(SystemClock::default().now().seconds());
        let clock = MockClock::default();
        clock.advance_us(until.micros() - SPAN_US - clock.now().micros());

        let mut settings = Settings::new(target(&place));
        settings.fake_live_payments = true;
        settings.limits.sandbox_members_max = 1_000;
        let (clock, chance) = (Arc::new(clock), Arc::new(SeededChance::new(7)));
        let guildhall = Guildhall::open(settings, clock, chance).await.expect("the database opens");
        let mut expected = HashMap::new();
        for mode in [Mode::Sandbox, Mode::Live] {
            let leave = guildhall.command_line_access(&app, mode).await.expect("the app is there");
            if mode == Mode::Sandbox {
                guildhall.freeze_clock(&leave.access()).await.expect("a clock that stands");
            }
            for index in 0..CONTRACTS {
                let (id, of) = contract(&guildhall, &leave, mode, index).await;
                expected.insert(id, of);
            }
        }
        guildhall.close().await;
        let key = key["key"].as_str().expect("a key").to_owned();
        Self { place: Arc::new(place), expected, key, until }
    }

    /// How many charges there are to make.
    pub fn expected_paid(&self) -> u64 {
        self.expected.values().map(|expected| u64::from(expected.paid)).sum()
    }

    /// Starts a server. Waits until it is ready.
    pub fn start(place: &Place) -> Process {
        let lease = LEASE_MS.to_string();
        place.start(&["--fake-live-payments", "on", "--billing-lease-ms", &lease])
    }

    /// Asks a server to move the sandbox's clock to the real time. It may never answer.
    pub fn advance_clock(&self, servers: &Servers) -> JoinHandle<()> {
        let body = json!({ "to": self.until.to_iso() });
        let url = servers.url("/manage/v1/clock/advance");
        let request = reqwest::Client::new().post(url).header("x-api-key", &self.key).json(&body);
        tokio::spawn(async move {
            if let Ok(reply) = request.send().await {
                assert!(reply.status().is_success(), "{:?}", reply.text().await);
            }
        })
    }

    /// The store under the servers.
    pub async fn store(&self) -> Store {
        let settings = Settings::new(target(&self.place));
        let store = Store::open(StoreSettings {
            target: settings.target,
            now: self.until,
            secret: [0; 16],
            write_queue_max: 8,
            write_batch_max: 8,
            postgres_connections_max: 2,
            statement_timeout_ms: 10_000,
        });
        store.await.expect("the database opens")
    }
}

fn target(place: &Place) -> Target {
    match place.database_url() {
        Some(url) => Target::Postgres(url.to_owned()),
        None => Target::Sqlite(place.database_file()),
    }
}

async fn contract(
    guildhall: &Guildhall,
    leave: &CommandLineAccess,
    mode: Mode,
    index: usize,
) -> (String, Expected) {
    let kind = KINDS[index % KINDS.len()];
    let minor = 500 + index as i64;
    let line = LineDraft {
        variant: 70_001,
        quantity: 1,
        price: Some(format!("{}.{:02}", minor / 100, minor % 100)),
        title: Some("Club".to_owned()),
        ..LineDraft::default()
    };
    let customer = (index / OF_ONE_MEMBER) as i64 + 1;
    // Due at another hour of the day each.
    let next = guildhall.now().plus_micros((index % 12) as i64 * HOUR_US);
    let draft = ContractDraft {
        customer,
        email: Some(format!("customer{customer}@example.com")),
        lines: vec![line],
        period: Period::of(kind.unit, 1),
        next_billing: Some(next),
        max_cycles: kind.max_cycles,
        payment_method: Some(kind.token.to_owned()),
        ..ContractDraft::default()
    };
    let made = guildhall.create_contract(&leave.access(), draft).await.expect("a contract is made");
    (made.contract().id.to_string(), kind.expected(mode, minor))
}
