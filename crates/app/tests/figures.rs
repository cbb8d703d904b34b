//! The figures of contracts are kept by counters that every change of a contract brings in step. Whatever is done, in
//! whatever order, they are what a count of the contracts themselves comes to, and the charges on them are those
//! that the provider has on its books.

use guildhall_app::Guildhall;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{
    AttemptChange, AttemptFilter, Contract, ContractChange, ContractDraft, ContractFilter, ContractKind,
    ContractPage, ContractStatus, DiscountValue, HeldContract, LineDraft, Period, PeriodUnit, PlanMode,
};
use guildhall_app::figures::Figures;
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_domain::audit::Actor;
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money};
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Mode, Timestamp};
use guildhall_testkit::{Engine, TestServer, both_engines};
use std::collections::BTreeMap;

const DAY: i64 = 86_400 * MICROS_PER_SECOND;
const ROUNDS: usize = 16;
const STEPS: usize = 14;
const TOKENS: [&str; 6] = [
    "fake_succeeds",
    "fake_declined",
    "fake_declined_from_3rd_renewal",
    "fake_needs_authentication",
    "fake_times_out",
    "fake_answer_lost",
];
/// What may come of a change that the contract's state does not allow.
const REFUSALS: [Code; 12] = [
    Code::ContractEnded,
    Code::ContractNotActive,
    Code::ChargeUnderWay,
    Code::MinCyclesNotReached,
    Code::NotBilled,
    Code::AttemptNotQueued,
    Code::NextBillingPast,
    Code::InputInvalid,
    Code::SameVariant,
    Code::ChangePending,
    Code::TooManyLines,
    Code::TooManyDiscounts,
];

/// Chance that a seed fixes, without a bias that would matter here.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64).rem_euclid(most)
    }

    fn one_in(&mut self, many: i64) -> bool {
        self.below(many) == 0
    }
}

/// What a count of the contracts themselves comes to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Recount {
    active: i64,
    retrying: i64,
    /// By currency.
    monthly: BTreeMap<String, i64>,
}

struct Scene {
    server: TestServer,
    leave: CommandLineAccess,
    /// Numbers of prices.
    prices: Vec<i64>,
    dice: Dice,
    customers: i64,
    /// Days on which contracts ended that are gone with their members.
    gone: Vec<i64>,
}

impl Scene {
    async fn start(engine: Engine, seed: u64) -> Self {
        let server = TestServer::start_with(engine, |settings| {
            settings.limits.sandbox_members_max = 10_000;
        })
        .await;
        let mut prices = Vec::new();
        for (minor, currency, interval, trial_days) in [
            (2_000, "eur", Interval::Month(1), 0),
            (19_000, "eur", Interval::Year(1), 14),
            (700, "eur", Interval::Week(1), 0),
            (1_500, "usd", Interval::Month(3), 0),
        ] {
            let money = Money { minor, currency: currency.into() };
            let draft = PlanDraft {
                name: format!("{minor} {currency}"),
                description: None,
                priority: None,
                restrict_to_admin: false,
                member_limit: None,
                redirects: JsonObject::empty(),
                prices: vec![PriceDraft { name: None, money, interval, trial_days }],
            };
            let plan = server.guildhall.create_plan(&server.app, draft, Actor::CommandLine).await;
            prices.push(plan.expect("a plan").prices[0].number);
        }
        let leave = server.guildhall.command_line_access(&server.app, Mode::Sandbox).await;
        let leave = leave.expect("the sandbox");
        Self { server, leave, prices, dice: Dice(seed), customers: 10_000, gone: Vec::new() }
    }

    fn guildhall(&self) -> &Guildhall {
        &self.server.guildhall
    }

    async fn contracts(&self) -> Vec<HeldContract> {
        let page = ContractPage { order: Vec::new(), offset: 0, limit: 100_000 };
        let access = self.leave.access();
        let listed = self.guildhall().list_contracts(&access, ContractFilter::default(), page);
        listed.await.expect("contracts are listed").0
    }

    async fn create(&mut self) {
        // Some hold several.
        self.customers += i64::from(!self.dice.one_in(4));
        let price = self.prices[self.dice.below(self.prices.len() as i64) as usize];
        let own = self.dice.one_in(4);
        let line = LineDraft {
            variant: if own { 900 + self.dice.below(9) } else { price },
            quantity: 1 + self.dice.below(3) as u32,
            price: own.then(|| format!("{}.5", 1 + self.dice.below(40))),
            ..LineDraft::default()
        };
        let units = PeriodUnit::ALL;
        let unit = units[self.dice.below(4) as usize];
        let draft = ContractDraft {
            customer: self.customers,
            lines: vec![line],
            period: if own || self.dice.one_in(4) {
                Period::of(unit, 1 + self.dice.below(3) as u32)
            } else {
                None
            },
            max_cycles: self.dice.one_in(6).then_some(2),
            paused: self.dice.one_in(8),
            payment_method: Some(TOKENS[self.dice.below(TOKENS.len() as i64) as usize].to_owned()),
            delivery_price: self.dice.one_in(5).then(|| "3".to_owned()),
            ..ContractDraft::default()
        };
        self.guildhall().create_contract(&self.leave.access(), draft).await.expect("a contract is made");
    }

    fn change(&mut self, contract: &Contract) -> ContractChange {
        let line = contract.terms.lines[0].number;
        match self.dice.below(14) {
            0 => ContractChange::Status(ContractStatus::Paused),
            1 => ContractChange::Pause { cycles: Some(1 + self.dice.below(2) as u32) },
            2 | 3 => ContractChange::Status(ContractStatus::Active),
            4 => ContractChange::Cancel { feedback: None, note: None },
            5 => ContractChange::AddDiscount {
                title: "Lasting".into(),
                value: DiscountValue::Percentage(1 + self.dice.below(60) as u32),
                limit: None,
            },
            6 => ContractChange::AddDiscount {
                title: "Passing".into(),
                value: DiscountValue::Fixed(1 + self.dice.below(900)),
                limit: Some(2),
            },
            7 => match contract.terms.discounts.first() {
                Some(discount) => ContractChange::RemoveDiscount(discount.id.clone()),
                None => ContractChange::MinCycles(Some(2)),
            },
            8 => ContractChange::UpdateLine {
                line,
                quantity: Some(1 + self.dice.below(5) as u32),
                price: self.dice.one_in(2).then(|| format!("{}", 1 + self.dice.below(50))),
                price_per_unit: true,
                variant: None,
                selling_plan_name: None,
            },
            9 => ContractChange::AddLine {
                line: LineDraft {
                    variant: 800,
                    quantity: 1,
                    price: Some("2.5".into()),
                    ..LineDraft::default()
                },
                one_time: self.dice.one_in(2),
            },
            10 => {
                let price = self.dice.below(3) as usize;
                let mode = [PlanMode::Prorate, PlanMode::DowngradeLater, PlanMode::SkipBilling];
                ContractChange::Plan {
                    line: Some(line),
                    old_variant: None,
                    variant: self.prices[price],
                    mode: mode[self.dice.below(3) as usize],
                }
            }
            11 => ContractChange::MaxCycles(Some(contract.progress.paid_cycles + self.dice.below(3) as u32)),
            12 => ContractChange::Period(Period {
                unit: PeriodUnit::Week,
                count: 1 + self.dice.below(5) as u32,
            }),
            _ => ContractChange::OrderNote("A note".into()),
        }
    }

    async fn change_attempt(&mut self, contract: &Contract) {
        let filter = AttemptFilter { contract: Some(contract.number), ..AttemptFilter::default() };
        let access = self.leave.access();
        let (attempts, _) = self.guildhall().list_attempts(&access, filter, 0, 100).await.expect("a list");
        let Some((attempt, _)) = attempts.last() else { return };
        let number = attempt.number;
        let change = match self.dice.below(4) {
            0 => AttemptChange::Skip,
            1 => AttemptChange::Bill,
            2 => AttemptChange::Reschedule(self.now().await.plus_micros(self.dice.below(9) * DAY)),
            _ => AttemptChange::Note("A note".into()),
        };
        let changed = self.guildhall().change_attempt(&self.leave.access(), number, change).await;
        assert!(
            changed.as_ref().err().is_none_or(|error| REFUSALS.contains(&error.code)),
            "{:?}",
            changed.err()
        );
        // What is to be billed at once is.
        let now = self.now().await;
        self.advance_to(now).await;
    }

    async fn step(&mut self) {
        let held = self.contracts().await;
        if held.is_empty() || self.dice.one_in(3) {
            return self.create().await;
        }
        let chosen = held[self.dice.below(held.len() as i64) as usize].clone();
        if self.dice.one_in(14) {
            let today = self.now().await.day();
            let ended = held.iter().filter(|held| held.holder.id == chosen.holder.id).map(|held| {
                held.contract.status().is_live().then_some(today).or(held.contract.standing().ended_on)
            });
            let recurring = held.iter().filter(|held| held.holder.id == chosen.holder.id);
            assert!(recurring.clone().all(|held| held.contract.kind == ContractKind::Recurring));
            self.gone.extend(ended.flatten());
            let access = self.leave.access();
            let deleted = self.guildhall().delete_member(&access, chosen.holder.id.as_str());
            return deleted.await.expect("the member is deleted");
        }
        if self.dice.one_in(5) {
            return self.change_attempt(&chosen.contract).await;
        }
        let change = self.change(&chosen.contract);
        let told = format!("{change:?}");
        let changed =
            self.guildhall().change_contract(&self.leave.access(), chosen.contract.number, change).await;
        let refused = changed.err();
        assert!(refused.as_ref().is_none_or(|error| REFUSALS.contains(&error.code)), "{told}: {refused:?}");
    }

    async fn now(&self) -> Timestamp {
        self.guildhall().environment_clock(&self.leave.access()).await.expect("a clock").now
    }

    async fn advance_to(&self, to: Timestamp) {
        self.guildhall().advance_clock(&self.leave.access(), to).await.expect("the clock moves");
    }

    async fn figures(&self) -> Figures {
        self.guildhall().figures(&self.leave.access(), 366).await.expect("figures")
    }

    async fn recount(&self) -> Recount {
        let mut recount = Recount::default();
        for held in self.contracts().await {
            let standing = held.contract.standing();
            assert!(held.counted);
            recount.active += i64::from(standing.active);
            recount.retrying += i64::from(standing.retrying);
            *recount.monthly.entry(held.contract.terms.currency.clone()).or_default() += standing.monthly;
        }
        recount.monthly.retain(|_, monthly| *monthly != 0);
        recount
    }

    /// What the environment's events say of charges, by day: how many failed, and what was taken.
    async fn charges(&self) -> (BTreeMap<i64, i64>, BTreeMap<i64, i64>) {
        let (mut failed, mut collected) = (BTreeMap::new(), BTreeMap::new());
        let mut before = None;
        loop {
            let access = self.leave.access();
            let found = self.guildhall().page_of_events(&access, None, before, 500).await.expect("events");
            for event in &found.0 {
                before = Some(event.number);
                let (day, payload) = (event.created_at.day(), &event.payload);
                if event.kind == "membership.billing-failure" {
                    *failed.entry(day).or_insert(0) += 1;
                } else if event.kind == "membership.billing-success" {
                    let payload: serde_json::Value = serde_json::from_str(payload).expect("JSON");
                    // An upgrade that needs no charge tells of the contract.
                    let amount = payload["orderAmount"].to_string();
                    *collected.entry(day).or_insert(0) +=
                        Money::from_major(&amount, "eur").expect("an amount");
                }
            }
            if !found.1 {
                return (failed, collected);
            }
        }
    }

    async fn verify(&self, levels: &BTreeMap<i64, Recount>) {
        let (figures, recount) = (self.figures().await, self.recount().await);
        assert_eq!(counted(&figures), recount);
        let at = |series: &[i64], day: i64| series[series.len() - 1 - (figures.today - day) as usize];
        for (day, then) in levels {
            assert_eq!(at(&figures.active_by_day, *day), then.active, "{day}");
            for money in &figures.monies {
                let monthly = then.monthly.get(&money.currency).copied().unwrap_or(0);
                assert_eq!(at(&money.monthly_by_day, *day), monthly, "{day} {}", money.currency);
            }
        }
        let (failed, collected) = self.charges().await;
        let mut ended: Vec<i64> = self.gone.clone();
        ended.extend(self.contracts().await.iter().filter_map(|held| held.contract.standing().ended_on));
        let recent = figures.today - 29;
        assert_eq!(figures.ended, ended.iter().filter(|day| **day >= recent).count() as i64);
        assert_eq!(figures.failed, failed.range(recent..).map(|(_, count)| count).sum::<i64>());
        for (day, place) in (figures.today - 365..=figures.today).zip(0..) {
            assert_eq!(figures.failed_by_day[place], failed.get(&day).copied().unwrap_or(0), "{day}");
            let taken: i64 = figures.monies.iter().map(|money| money.collected_by_day[place]).sum();
            assert_eq!(taken, collected.get(&day).copied().unwrap_or(0), "{day}");
        }
        let booked =
            "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM fake_charges WHERE outcome = 'paid'";
        let taken: i64 = figures.monies.iter().flat_map(|money| &money.collected_by_day).sum();
        assert_eq!(taken, self.server.database.number(booked).await, "the provider's books");
    }
}

fn counted(figures: &Figures) -> Recount {
    let monthly = figures.monies.iter().map(|money| (money.currency.clone(), money.monthly));
    Recount {
        active: figures.active,
        retrying: figures.retrying,
        monthly: monthly.filter(|(_, monthly)| *monthly != 0).collect(),
    }
}

both_engines! {
    async fn the_figures_are_what_a_count_of_the_contracts_comes_to(engine) {
        for seed in [1, 2] {
            let mut scene = Scene::start(engine, seed).await;
            scene.guildhall().freeze_clock(&scene.leave.access()).await.expect("the clock stands");
            let mut levels = BTreeMap::new();
            for _ in 0..ROUNDS {
                for _ in 0..STEPS {
                    scene.step().await;
                }
                scene.verify(&levels).await;
                let now = scene.now().await;
                let ahead = scene.dice.below(14) * DAY + scene.dice.below(24) * 3_600 * MICROS_PER_SECOND;
                // A day ends before the next begins: what is still due on it is done.
                scene.advance_to(Timestamp::from_micros((now.day() + 1) * DAY - 1)).await;
                levels.insert(now.day(), scene.recount().await);
                scene.advance_to(now.plus_micros(ahead.max(DAY))).await;
            }
            scene.verify(&levels).await;
            let figures = scene.figures().await;
            let retrying: i64 = levels.values().map(|level| level.retrying).sum();
            let some = (figures.active, retrying, figures.ended, figures.failed, figures.monies.len());
            assert!(some.0 > 5 && some.1 > 0 && some.2 > 0 && some.3 > 0 && some.4 == 2, "{some:?} says little");
            assert!(!scene.gone.is_empty());
        }
    }

    async fn contracts_of_before_are_brought_in_once(engine) {
        let mut scene = Scene::start(engine, 3).await;
        scene.guildhall().freeze_clock(&scene.leave.access()).await.expect("the clock stands");
        for _ in 0..90 {
            scene.step().await;
        }
        let now = scene.now().await;
        scene.advance_to(now.plus_micros(40 * DAY)).await;
        let figures = scene.figures().await;
        // As a version without figures leaves them.
        scene.server.database.execute(
            "DELETE FROM contract_totals; DELETE FROM contract_days WHERE 1 = 1; UPDATE contracts SET counted = FALSE",
        ).await;
        assert_eq!(scene.figures().await.active, 0);
        let held = scene.contracts().await;
        // One is changed before it is brought in, one is deleted, the others are brought in by two nodes at once.
        let running: Vec<_> =
            held.iter().filter(|held| held.contract.status() == ContractStatus::Active).collect();
        let changed = running[0];
        let deleted = running.iter().find(|held| held.holder.id != changed.holder.id).expect("another member");
        let theirs: Vec<_> = held.iter().filter(|held| held.holder.id == deleted.holder.id).collect();
        let count = |counts: &dyn Fn(ContractStatus) -> bool| {
            1 + theirs.iter().filter(|held| counts(held.contract.status())).count() as i64
        };
        let access = scene.leave.access();
        let cancel = ContractChange::Cancel { feedback: None, note: None };
        scene.guildhall().change_contract(&access, changed.contract.number, cancel).await.expect("it ends");
        scene.guildhall().delete_member(&access, deleted.holder.id.as_str()).await.expect("it is deleted");
        let other = scene.server.second_process().await;
        let (one, two) = tokio::join!(scene.guildhall().count_contracts(), other.count_contracts());
        let brought_in = one.expect("contracts are counted") + two.expect("contracts are counted");
        assert_eq!(brought_in as usize, held.len() - 1 - theirs.len());
        assert_eq!(scene.guildhall().count_contracts().await.expect("it looks"), 0, "none is left");
        let again = scene.figures().await;
        assert_eq!(counted(&again), scene.recount().await);
        assert_eq!(again.active, figures.active - count(&|status| status == ContractStatus::Active));
        assert_eq!(again.ended, figures.ended + count(&|status| status.is_live()));
        let made: i64 = held.iter().map(|held| held.contract.created_at.day()).min().expect("contracts");
        let at_start = again.active_by_day.len() - (again.today - made) as usize - 1;
        assert_eq!(again.active_by_day[at_start - 1], 0, "there was none before the first");
        assert!(again.active_by_day[at_start] >= again.active);
    }

    async fn units_on_many_contracts_at_once_lose_no_count(engine) {
        let mut scene = Scene::start(engine, 4).await;
        scene.guildhall().freeze_clock(&scene.leave.access()).await.expect("the clock stands");
        for _ in 0..40 {
            scene.create().await;
        }
        let numbers: Vec<_> = scene.contracts().await.iter().map(|held| held.contract.number).collect();
        for status in [ContractStatus::Paused, ContractStatus::Active, ContractStatus::Cancelled] {
            let changing = numbers.iter().map(|number| {
                let (guildhall, leave, number) = (scene.guildhall(), &scene.leave, *number);
                async move {
                    guildhall.change_contract(&leave.access(), number, ContractChange::Status(status)).await
                }
            });
            for changed in futures_util::future::join_all(changing).await {
                changed.expect("it changes");
            }
            assert_eq!(counted(&scene.figures().await), scene.recount().await, "{status:?}");
        }
        assert_eq!(scene.figures().await.ended, numbers.len() as i64);
    }
}
