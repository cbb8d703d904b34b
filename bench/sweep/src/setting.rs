//! An installation with one app, whose live environment has the contracts; made by Guildhall's own use case.

use crate::Outcome;
use futures_util::{TryStreamExt, stream};
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{AttemptFilter, AttemptStatus, ContractDraft, LineDraft};
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_app::{AppError, Clock, Guildhall, Settings, SystemChance, SystemClock, Target};
use guildhall_domain::audit::Actor;
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
    variant: i64,
}

impl Setting {
    /// Opens a fresh installation in this directory or database.
    pub async fn open(engine: &str, place: &str) -> Outcome<Self> {
        let target = match engine {
            "sqlite" => Target::Sqlite(Path::new(place).join("guildhall.db")),
            "postgres" => Target::Postgres(place.to_owned()),
            _ => return Err("the engine is sqlite or postgres".into()),
        };
        let clock = Arc::new(ForwardClock::default());
        let mut settings = Settings::new(target.clone());
        settings.fake_live_payments = true;
        let guildhall = Guildhall::open(settings.clone(), clock.clone(), Arc::new(SystemChance)).await?;
        let app = guildhall.create_app("bench", None, Actor::CommandLine).await?.app.id;
        let money = Money::price(1_500, "usd").ok_or("a price")?;
        let price = PriceDraft { name: None, money, interval: Interval::Month(1), trial_days: 0 };
        let plan = PlanDraft {
            name: "Gold".to_owned(),
            description: None,
            priority: None,
            restrict_to_admin: false,
            member_limit: None,
            redirects: JsonObject::empty(),
            prices: vec![price],
        };
        let plan = guildhall.create_plan(&app, plan, Actor::CommandLine).await?;
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
        Ok(Self { guildhall, store: store.await?, clock, access, variant: plan.prices[0].number })
    }

    /// Where the contracts are.
    pub fn environment(&self) -> EnvironmentId {
        self.access.access().environment()
    }

    /// Makes contracts that are due in an hour, each of a member of its own.
    pub async fn fill(&self, contracts: u64) -> Outcome<()> {
        let started = Instant::now();
        let next = self.clock.now().plus_micros(HOUR_US);
        stream::iter((1..=contracts).map(Ok::<_, AppError>))
            .try_for_each_concurrent(PARALLEL, |number| async move {
                let draft = ContractDraft {
                    customer: number as i64,
                    email: Some(format!("member{number}@example.com")),
                    lines: vec![LineDraft { variant: self.variant, quantity: 1, ..LineDraft::default() }],
                    next_billing: Some(next),
                    payment_method: Some("pm_card".to_owned()),
                    ..ContractDraft::default()
                };
                self.guildhall.create_contract(&self.access.access(), draft).await.map(drop)
            })
            .await?;
        let rate = contracts as f64 / started.elapsed().as_secs_f64();
        eprintln!("{contracts} contracts made, {rate:.0} a second");
        self.guildhall.refresh_statistics().await?;
        Ok(())
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
