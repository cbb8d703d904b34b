//! Whoever bills a contract may go at any moment, and somebody may change the contract before another goes on; two
//! nodes may bill it at once. No period is charged twice, none that is due is left out, and what the provider has on
//! its books is what the attempts say.

use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{
    AttemptFilter, AttemptStatus, ContractChange, ContractDraft, LineDraft, Period, PeriodUnit,
};
use guildhall_app::{AppError, Guildhall, Target};
use guildhall_domain::Mode;
use guildhall_domain::contract::Contract;
use guildhall_store::Store;
use guildhall_testkit::tokio;
use guildhall_testkit::{Engine, TestServer, both_engines, run};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 24 * 60 * MINUTE_US;
/// After so many looks at it, billing one contract has come to its end on either engine.
const LOOKS_MAX: usize = 30;
/// Periods and refusals that are looked for in the books.
const SLOTS: std::ops::Range<i64> = 0..6;
const REFUSALS: std::ops::Range<u32> = 0..4;

/// What somebody does with a contract that was left in the middle of being billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    Pause,
    PauseAndResume,
    Cancel,
    OtherPlan,
    LastCycle,
    DeleteMember,
}

const ALL: [Meanwhile; 7] = [
    Meanwhile::Nothing,
    Meanwhile::Pause,
    Meanwhile::PauseAndResume,
    Meanwhile::Cancel,
    Meanwhile::OtherPlan,
    Meanwhile::LastCycle,
    Meanwhile::DeleteMember,
];

/// Looks at a future so many times, then drops it, as a crash would.
async fn abandoned_after<T>(looks: usize, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let mut left = looks;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

struct Scene {
    server: TestServer,
    store: Store,
    leave: CommandLineAccess,
}

impl Scene {
    async fn start(engine: Engine) -> Self {
        let server = TestServer::start_with(engine, |settings| {
            settings.limits.sandbox_members_max = 10_000;
            settings.postgres_connections_max = 8;
        })
        .await;
        let store = server.second_store().await;
        let leave = server.guildhall.command_line_access(&server.app, Mode::Sandbox).await;
        Self { server, store, leave: leave.expect("the app is there") }
    }

    fn guildhall(&self) -> &Guildhall {
        &self.server.guildhall
    }

    /// A contract that is due at once, and then daily.
    async fn contract(&self, customer: i64, token: &str) -> Contract {
        let line = LineDraft {
            variant: 70_001,
            quantity: 1,
            price: Some("12.00".to_owned()),
            ..LineDraft::default()
        };
        let draft = ContractDraft {
            customer,
            lines: vec![line],
            period: Period::of(PeriodUnit::Day, 1),
            payment_method: Some(token.to_owned()),
            ..ContractDraft::default()
        };
        let made = self.guildhall().create_contract(&self.leave.access(), draft).await;
        made.expect("a contract is made").contract().clone()
    }

    async fn change(&self, contract: &Contract, change: ContractChange) -> Result<(), AppError> {
        let access = self.leave.access();
        self.guildhall().change_contract(&access, contract.number, change).await.map(drop)
    }

    async fn meanwhile(&self, contract: &Contract, what: Meanwhile) {
        let pause = || ContractChange::Pause { cycles: None };
        let resume = ContractChange::Status(guildhall_app::contracts::ContractStatus::Active);
        // What is refused because a charge is under way is refused.
        let _ = match what {
            Meanwhile::Nothing => Ok(()),
            Meanwhile::Pause => self.change(contract, pause()).await,
            Meanwhile::PauseAndResume => match self.change(contract, pause()).await {
                Ok(()) => self.change(contract, resume).await,
                refused => refused,
            },
            Meanwhile::Cancel => {
                self.change(contract, ContractChange::Cancel { feedback: None, note: None }).await
            }
            Meanwhile::OtherPlan => {
                let line = ContractChange::UpdateLine {
                    line: 1,
                    quantity: Some(2),
                    price: None,
                    price_per_unit: true,
                    variant: None,
                    selling_plan_name: None,
                };
                self.change(contract, line).await
            }
            Meanwhile::LastCycle => self.change(contract, ContractChange::MaxCycles(Some(1))).await,
            Meanwhile::DeleteMember => {
                let access = self.leave.access();
                let view = self.guildhall().contract(&access, contract.number).await.expect("it is there");
                self.guildhall().delete_member(&access, view.held.holder.id.as_str()).await
            }
        };
    }

    /// Bills until nothing is left to do, leases included.
    async fn bill_everything(&self) {
        for _ in 0..3 {
            while self.guildhall().run_billing().await.expect("the database answers") > 0 {}
            self.server.clock.advance_us(2 * MINUTE_US);
        }
    }

    /// What the provider has on its books of a contract: slots that are paid, each once.
    async fn paid(&self, contract: &Contract) -> Vec<i64> {
        let mut paid = Vec::new();
        for slot in SLOTS {
            for refusals in REFUSALS {
                let key = format!("{}:{slot}:{refusals}", contract.id);
                let booked = self.store.read::<_, AppError, _>(move |tx| {
                    Box::pin(async move { Ok(tx.payments().booked(&key).await?) })
                });
                if booked.await.expect("the books open").is_some_and(|charge| charge.outcome == "paid") {
                    paid.push(slot);
                }
            }
        }
        paid
    }

    async fn succeeded(&self, contract: &Contract) -> Vec<i64> {
        let filter = AttemptFilter {
            contract: Some(contract.number),
            statuses: vec![AttemptStatus::Success],
            ..AttemptFilter::default()
        };
        let environment = self.leave.access().environment();
        let listed = self.store.scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.billing_attempts().list(environment, &filter, 0, 100).await?) })
        });
        listed.await.expect("a list").iter().map(|attempt| attempt.slot).collect()
    }

    /// The books and the attempts say the same, nothing is under way, and the member knows.
    async fn verify(&self, contract: &Contract, case: &str) -> Vec<i64> {
        let paid = self.paid(contract).await;
        let mut once = paid.clone();
        once.dedup();
        assert_eq!(paid, once, "{case}: a period was paid twice");
        assert_eq!(self.succeeded(contract).await, paid, "{case}: attempts and books differ");
        let holder = contract.holder;
        let read = self.store.read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                Ok((tx.members().find_at(holder).await?, tx.contracts().of_member(holder).await?))
            })
        });
        let (member, held) = read.await.expect("the database answers");
        assert!(held.iter().all(|held| held.contract.progress.asked.is_none()), "{case}: still under way");
        let held: Vec<_> = held.iter().map(|held| held.contract.summary()).collect();
        assert_eq!(member.expect("the member is there").contracts, held, "{case}");
        paid
    }
}

async fn abandoned_at_every_moment(engine: Engine) {
    let scene = Scene::start(engine).await;
    let mut customer = 0;
    for token in ["pm_card", "pm_answer_lost"] {
        for what in ALL {
            for looks in 1..LOOKS_MAX {
                customer += 1;
                let case = format!("{token}, {what:?} after {looks} looks");
                let contract = scene.contract(customer, token).await;
                abandoned_after(looks, scene.guildhall().run_billing()).await;
                scene.meanwhile(&contract, what).await;
                scene.server.clock.advance_us(2 * MINUTE_US);
                scene.bill_everything().await;
                if what == Meanwhile::DeleteMember {
                    continue;
                }
                let paid = scene.verify(&contract, &case).await;
                match what {
                    Meanwhile::Nothing | Meanwhile::OtherPlan | Meanwhile::LastCycle => {
                        assert_eq!(paid, [0], "{case}")
                    }
                    // Before it was asked, the period is not charged; after that it is.
                    _ => assert!(paid.len() <= 1, "{case}: {paid:?}"),
                }
                // The next day, from where it is.
                let _ = scene.change(&contract, ContractChange::Cancel { feedback: None, note: None }).await;
            }
        }
    }
}

mod whoever_bills_may_go_at_any_moment {
    use super::*;

    #[test]
    fn sqlite() {
        run(abandoned_at_every_moment(Engine::Sqlite));
    }

    #[test]
    fn postgres() {
        run(abandoned_at_every_moment(Engine::Postgres));
    }
}

both_engines! {
    async fn two_nodes_bill_the_same_contracts_at_once(engine) {
        let scene = Scene::start(engine).await;
        let other = scene.server.second_process().await;
        let mut contracts = Vec::new();
        for customer in 1..=40 {
            contracts.push(scene.contract(customer, "pm_answer_lost_sometimes").await);
        }
        for day in 0..4 {
            // The second has a lease of its own idea: both are at all of the contracts.
            let (mine, theirs) = tokio::join!(scene.guildhall().run_billing(), other.run_billing());
            mine.expect("one bills");
            theirs.expect("the other bills");
            scene.bill_everything().await;
            for contract in &contracts {
                let paid = scene.verify(contract, &format!("day {day}")).await;
                assert_eq!(paid, (0..=day).collect::<Vec<_>>());
            }
            scene.server.clock.advance_us(DAY_US - 6 * MINUTE_US);
        }
    }

    async fn what_cannot_be_billed_stands_in_nobodys_way(engine) {
        let scene = Scene::start(engine).await;
        let access = scene.leave.access();
        scene.guildhall().freeze_clock(&access).await.expect("it stands");
        let broken = scene.contract(1, "pm_card").await;
        let sound = scene.contract(2, "pm_card").await;
        scene.break_document(&broken).await;
        let target = scene.guildhall().now().plus_micros(2 * DAY_US + DAY_US / 2);
        let arrived = scene.guildhall().advance_clock(&access, target).await.expect("it arrives");
        assert_eq!((arrived.now, arrived.target), (target, None));
        assert_eq!(scene.verify_books(&sound).await, [0, 1, 2]);
        assert_eq!(scene.guildhall().run_billing().await.expect("it runs"), 0, "it is left alone");
        assert_eq!(scene.guildhall().take_up_set_aside().await.expect("it is taken up"), 1);
        assert_eq!(scene.guildhall().run_billing().await.expect("it runs"), 1, "it is tried again");
    }

    async fn a_clock_that_is_moved_from_two_sides_arrives_once(engine) {
        let scene = Scene::start(engine).await;
        let access = scene.leave.access();
        scene.guildhall().freeze_clock(&access).await.expect("it stands");
        let contract = scene.contract(1, "pm_card").await;
        let other = scene.server.second_process().await;
        let target = scene.guildhall().now().plus_micros(3 * DAY_US);
        let first = scene.guildhall().advance_clock(&access, target);
        let second = other.advance_clock(&access, target);
        let answers = tokio::join!(first, second, other.run_billing());
        let arrived = [&answers.0, &answers.1].into_iter().filter(|answer| answer.is_ok()).count();
        assert!(arrived >= 1, "{answers:?}");
        assert_eq!(scene.verify_books(&contract).await, [0, 1, 2, 3]);
    }

    async fn a_clock_goes_on_when_its_caller_has_gone(engine) {
        let scene = Scene::start(engine).await;
        let access = scene.leave.access();
        scene.guildhall().freeze_clock(&access).await.expect("it stands");
        let contract = scene.contract(1, "pm_card").await;
        let target = scene.guildhall().now().plus_micros(3 * DAY_US);
        abandoned_after(6, scene.guildhall().advance_clock(&access, target)).await;
        // Whoever comes next waits for it.
        while scene.guildhall().environment_clock(&access).await.expect("a clock").target.is_some() {
            scene.guildhall().run_billing().await.expect("it runs");
        }
        let paid = scene.verify_books(&contract).await;
        assert!(paid == [0, 1, 2, 3] || paid.is_empty(), "{paid:?}: all of the way or none of it");
    }
}

impl Scene {
    /// Writes something into a contract's row that is none.
    async fn break_document(&self, contract: &Contract) {
        let sql = format!("UPDATE contracts SET document = '{{}}' WHERE number = {}", contract.number);
        match &self.server.database.target {
            Target::Sqlite(file) => {
                let connection = rusqlite::Connection::open(file).expect("the file opens");
                connection.execute(&sql, []).expect("a row changes");
            }
            Target::Postgres(url) => {
                let (client, connection) =
                    tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the database answers");
                tokio::spawn(connection);
                client.execute(&sql, &[]).await.expect("a row changes");
            }
        }
    }

    async fn verify_books(&self, contract: &Contract) -> Vec<i64> {
        self.verify(contract, "at the end").await
    }
}
