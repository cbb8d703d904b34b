//! An installation with one app, whose live environment has the contracts; made by Guildhall's own use case.

use crate::Outcome;
use futures_util::{TryStreamExt, stream};
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{AttemptFilter, AttemptStatus, ContractDraft, LineDraft};
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_app::{AppError, Clock, Guildhall, Settings, SystemChance, SystemClock, Target};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money};
use guildhall_domain::{EnvironmentId, Mode, Timestamp};
use guildhall_store::{Store, StoreSettings};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

const HOUR_US: i64 = 3_600_000_000;
/// Contracts made at a time.
const PARALLEL: usize = 64;

/// The machine's clock, which can be put forward.
#[derive(Default)]
struct ForwardClock {
    system: SystemClock,
    forward_us: AtomicI64,
}

impl Clock for ForwardClock {
    fn now(&self) -> Timestamp {
        self.system.now().plus_micros(self.forward_us.load(Ordering::SeqCst))
    }

    fn monotonic_us(&self) -> i64 {
        self.system.monotonic_us()
    }
}

/// An open installation.
pub struct Setting {
    /// What is measured.
    pub guildhall: Guildhall,
    /// The database under it, for the limit.
    pub store: Store,
    clock: Arc<ForwardClock>,
    access: CommandLineAccess,
}

impl Setting {
    /// A fresh installation in this directory or database with so many contracts, each of a member of its own, that are
    /// due in an hour. They are made without flushing where the engine allows it by the connection; what is measured
    /// flushes as always.
    pub async fn filled(engine: &str, place: &str, contracts: u64) -> Outcome<Self> {
        let clock = Arc::new(ForwardClock::default());
        let unflushed = match engine {
            "postgres" => format!("{place}?options=-c%20synchronous_commit%3Doff"),
            _ => place.to_owned(),
        };
        let first = open(target(engine, &unflushed)?, &clock).await?;
        let app = first.create_app("bench", None, Actor::CommandLine).await?.app.id;
        let variant = make_price(&first, &app).await?;
        fill(&first, &first.command_line_access(&app, Mode::Live).await?, variant, contracts).await?;
        first.close().await;

        let target = target(engine, place)?;
        let guildhall = open(target.clone(), &clock).await?;
        let settings = settings(target.clone());
        let store = Store::open(StoreSettings {
            target,
            now: clock.now(),
            secret: [0; 16],
            write_queue_max: settings.write_queue_max,
            write_batch_max: settings.write_batch_max,
            postgres_connections_max: settings.postgres_connections_max,
            statement_timeout_ms: settings.statement_timeout_ms,
        });
        let access = guildhall.command_line_access(&app, Mode::Live).await?;
        Ok(Self { store: store.await?, guildhall, clock, access })
    }

    /// Where the contracts are.
    pub fn environment(&self) -> EnvironmentId {
        self.access.access().environment()
    }

    /// Puts the clock two hours forward.
    pub fn let_all_fall_due(&self) {
        self.clock.forward_us.fetch_add(2 * HOUR_US, Ordering::SeqCst);
    }

    /// Fails unless each contract was charged once.
    pub async fn check(&self, contracts: u64) -> Outcome<()> {
        let filter = AttemptFilter { statuses: vec![AttemptStatus::Success], ..AttemptFilter::default() };
        let environment = self.environment();
        let counted = self.store.scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.billing_attempts().count(environment, &filter).await?) })
        });
        let counted = counted.await?;
        if u64::try_from(counted)? != contracts {
            return Err(format!("{counted} of {contracts} contracts were charged").into());
        }
        Ok(())
    }
}

fn target(engine: &str, place: &str) -> Outcome<Target> {
    match engine {
        "sqlite" => Ok(Target::Sqlite(Path::new(place).join("guildhall.db"))),
        "postgres" => Ok(Target::Postgres(place.to_owned())),
        _ => Err("the engine is sqlite or postgres".into()),
    }
}

fn settings(target: Target) -> Settings {
    let mut settings = Settings::new(target);
    settings.fake_live_payments = true;
    settings
}

async fn open(target: Target, clock: &Arc<ForwardClock>) -> Outcome<Guildhall> {
    Ok(Guildhall::open(settings(target), clock.clone(), Arc::new(SystemChance)).await?)
}

/// A monthly price, by its number.
async fn make_price(guildhall: &Guildhall, app: &AppId) -> Outcome<i64> {
    let money = Money::price(1_500, "usd").ok_or("a price")?;
    let plan = PlanDraft {
        name: "Gold".to_owned(),
        description: None,
        priority: None,
        restrict_to_admin: false,
        member_limit: None,
        redirects: JsonObject::empty(),
        prices: vec![PriceDraft { name: None, money, interval: Interval::Month(1), trial_days: 0 }],
    };
    Ok(guildhall.create_plan(app, plan, Actor::CommandLine).await?.prices[0].number)
}

async fn fill(
    guildhall: &Guildhall,
    access: &CommandLineAccess,
    variant: i64,
    contracts: u64,
) -> Outcome<()> {
    let started = Instant::now();
    let next = guildhall.now().plus_micros(HOUR_US);
    stream::iter((1..=contracts).map(Ok::<_, AppError>))
        .try_for_each_concurrent(PARALLEL, |number| async move {
            let draft = ContractDraft {
                customer: number as i64,
                email: Some(format!("member{number}@example.com")),
                lines: vec![LineDraft { variant, quantity: 1, ..LineDraft::default() }],
                next_billing: Some(next),
                payment_method: Some("pm_card".to_owned()),
                ..ContractDraft::default()
            };
            guildhall.create_contract(&access.access(), draft).await.map(drop)
        })
        .await?;
    let rate = contracts as f64 / started.elapsed().as_secs_f64();
    eprintln!("{contracts} contracts made, {rate:.0} a second");
    guildhall.refresh_statistics().await?;
    Ok(())
}
