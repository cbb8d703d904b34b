//! One engine under the cases: does the operations, and tells what is stored afterwards in words that do not hang on the
//! numbers which an engine gives.

use crate::operation::{Change, Create, OfAttempt, Operation, PRICES};
use guildhall_app::apps::AppChange;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{
    Attempt, AttemptChange, AttemptFilter, AttemptStatus, ContractChange, ContractDraft, ContractStatus,
    DiscountCode, DiscountValue, LineDraft, attempt_view, contract_view,
};
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_app::{AppError, Guildhall};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, PlanId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, Plan};
use guildhall_domain::{EnvironmentId, Mode, Timestamp};
use guildhall_store::{HeldContract, Store};
use guildhall_testkit::{Engine, TestServer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOUR_US: i64 = 3_600_000_000;
/// Customers of a case are numbered from here on.
const CUSTOMERS_FROM: i64 = 500_000;
/// Nothing of ours has this number.
const FOREIGN: i64 = 80_001;
/// More than any case leaves.
const MOST: i64 = 5_000;

/// An engine with an app of its own for each case.
pub struct Bench {
    server: TestServer,
    store: Store,
    app: AppId,
    place: CommandLineAccess,
    free_plan: PlanId,
    variants: Vec<i64>,
    /// Contracts in the order in which they were made.
    contracts: Vec<i64>,
    /// What the engine calls something, and what both do.
    names: BTreeMap<Key, String>,
}

/// What an engine gives numbers and ids to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Contract(i64),
    Attempt(i64),
    Method(i64),
    Member(String),
}

impl Bench {
    /// A new database of an engine.
    pub async fn start(engine: Engine) -> Self {
        let server = TestServer::start_with(engine, |settings| settings.postgres_connections_max = 8).await;
        let store = server.second_store().await;
        let place = server.guildhall.command_line_access(&server.app, Mode::Sandbox).await;
        Self {
            app: server.app.clone(),
            place: place.expect("the app is there"),
            free_plan: PlanId::from_text("pln_none"),
            variants: Vec::new(),
            contracts: Vec::new(),
            names: BTreeMap::new(),
            server,
            store,
        }
    }

    fn guildhall(&self) -> &Guildhall {
        &self.server.guildhall
    }

    fn environment(&self) -> EnvironmentId {
        self.place.access().environment()
    }

    /// A new app with plans, codes and a frozen clock.
    pub async fn begin(&mut self) {
        let created =
            self.guildhall().create_app("Case", None, Actor::CommandLine).await.expect("an app is made");
        self.app = created.app.id;
        let change = AppChange {
            time_zone: Some("Europe/Berlin".into()),
            dunning_retries: Some(2),
            ..AppChange::default()
        };
        self.guildhall().update_app(&self.app, change, Actor::CommandLine).await.expect("the app is changed");
        self.contracts.clear();
        self.names.clear();
        self.variants = self.make_plans().await;
        for (code, value, cycles) in
            [("TEN", DiscountValue::Percentage(10), None), ("FIVER", DiscountValue::Fixed(500), Some(2))]
        {
            let code = DiscountCode { code: code.into(), value, cycles };
            self.guildhall()
                .put_discount_code(&self.app, code, Actor::CommandLine)
                .await
                .expect("a code is made");
        }
        self.place =
            self.guildhall().command_line_access(&self.app, Mode::Sandbox).await.expect("the app is there");
        self.guildhall().freeze_clock(&self.place.access()).await.expect("the clock stands");
    }

    /// The free plan, and the numbers of the prices in their places.
    async fn make_plans(&mut self) -> Vec<i64> {
        self.free_plan = self.make_plan("Friend", None, vec![]).await.id;
        let month = |minor| (minor, Interval::Month(1), 0);
        let gold = self.make_plan("Gold", None, vec![month(2_000), (20_000, Interval::Year(1), 14)]).await;
        let silver = self.make_plan("Silver", None, vec![month(999), (300, Interval::Week(1), 0)]).await;
        let few = self.make_plan("Few", Some(2), vec![month(500)]).await;
        let once = self.make_plan("Workshop", None, vec![(5_000, Interval::Once, 0)]).await;
        let numbers: Vec<_> = [gold, silver, few, once]
            .iter()
            .flat_map(|plan| plan.prices.iter().map(|price| price.number))
            .collect();
        assert_eq!(numbers.len(), PRICES);
        numbers
    }

    async fn make_plan(
        &self,
        name: &str,
        member_limit: Option<i64>,
        prices: Vec<(i64, Interval, u32)>,
    ) -> Plan {
        let prices = prices.into_iter().map(|(minor, interval, trial_days)| PriceDraft {
            name: None,
            money: Money { minor, currency: "eur".into() },
            interval,
            trial_days,
        });
        let draft = PlanDraft {
            name: name.into(),
            description: None,
            priority: None,
            restrict_to_admin: false,
            member_limit,
            redirects: JsonObject::empty(),
            prices: prices.collect(),
        };
        self.guildhall().create_plan(&self.app, draft, Actor::CommandLine).await.expect("a plan is made")
    }

    /// The environment's time.
    pub async fn now(&self) -> Timestamp {
        self.guildhall().environment_clock(&self.place.access()).await.expect("the clock is read").now
    }

    /// Does an operation. The answer is what it led to, or the code and the words of the refusal.
    pub async fn apply(&mut self, operation: &Operation) -> Result<&'static str, String> {
        let now = self.now().await;
        let done = match operation {
            Operation::Create(create) => self.create(create, now).await.map(|()| "created"),
            Operation::Change { contract, change } => match self.pick(*contract) {
                Some(number) => self.change(number, change, now).await.map(|()| "changed"),
                None => Ok("nothing to change"),
            },
            Operation::Attempt { contract, newest, change } => match self.pick(*contract) {
                Some(number) => self.change_attempt(number, *newest, *change, now).await,
                None => Ok("nothing to change"),
            },
            Operation::AdvanceHours(hours) => {
                let to = now.plus_micros(hours * HOUR_US);
                self.guildhall().advance_clock(&self.place.access(), to).await.map(|_| "advanced")
            }
            Operation::AddFreePlan { customer } => match self.member(*customer).await {
                Some(id) => {
                    let plan = self.free_plan.as_str();
                    self.guildhall()
                        .add_plan(&self.place.access(), &id, plan)
                        .await
                        .map(|()| "free plan added")
                }
                None => Ok("no such member"),
            },
            Operation::RemoveFreePlan { customer } => match self.member(*customer).await {
                Some(id) => {
                    let plan = self.free_plan.as_str();
                    self.guildhall()
                        .remove_plan(&self.place.access(), &id, plan)
                        .await
                        .map(|()| "free plan removed")
                }
                None => Ok("no such member"),
            },
            Operation::DeleteMember { customer } => match self.member(*customer).await {
                Some(id) => {
                    self.guildhall().delete_member(&self.place.access(), &id).await.map(|()| "member deleted")
                }
                None => Ok("no such member"),
            },
        };
        done.map_err(|error| {
            assert!(error.code.status() < 500, "{error:?}");
            format!("{}: {}", error.code.name(), error.message)
        })
    }

    fn pick(&self, place: usize) -> Option<i64> {
        self.contracts.get(place % self.contracts.len().max(1)).copied()
    }

    /// The id of the member with a customer number.
    async fn member(&self, customer: i64) -> Option<String> {
        let (environment, number) = (self.environment(), CUSTOMERS_FROM + customer);
        let read = self.store.read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().find_by_customer_number(environment, number).await?) })
        });
        read.await.expect("the database answers").map(|member| member.id.to_string())
    }

    fn variant(&self, price: usize) -> i64 {
        self.variants.get(price).copied().unwrap_or(FOREIGN)
    }

    fn line(&self, price: usize, quantity: u32) -> LineDraft {
        let foreign = price >= self.variants.len();
        LineDraft {
            variant: self.variant(price),
            quantity,
            price: foreign.then(|| "33.33".to_owned()),
            ..LineDraft::default()
        }
    }

    async fn create(&mut self, create: &Create, now: Timestamp) -> Result<(), AppError> {
        let lines = [Some(create.price), create.second_price].into_iter().flatten();
        let draft = ContractDraft {
            customer: CUSTOMERS_FROM + create.customer,
            email: Some(format!("customer{}@example.com", create.customer)),
            lines: lines.map(|price| self.line(price, create.quantity)).collect(),
            period: create.period,
            next_billing: create.hours.map(|hours| now.plus_micros(hours * HOUR_US)),
            begins_in_trial: create.begins_in_trial,
            min_cycles: create.min_cycles,
            max_cycles: create.max_cycles,
            paused: create.paused,
            payment_method: create.method.map(str::to_owned),
            without_payment_method: create.without_method,
            delivery_price: create.delivery.then(|| "4.90".to_owned()),
            ..ContractDraft::default()
        };
        let made = self.guildhall().create_contract(&self.place.access(), draft).await?;
        self.contracts.push(made.contract().number);
        Ok(())
    }

    async fn change(&self, number: i64, change: &Change, now: Timestamp) -> Result<(), AppError> {
        let change = self.resolve(number, change, now).await?;
        self.guildhall().change_contract(&self.place.access(), number, change).await.map(drop)
    }

    async fn resolve(
        &self,
        number: i64,
        change: &Change,
        now: Timestamp,
    ) -> Result<ContractChange, AppError> {
        Ok(match change.clone() {
            Change::Activate => ContractChange::Status(ContractStatus::Active),
            Change::Pause { cycles } => ContractChange::Pause { cycles },
            Change::Cancel { words } => {
                let said = |text: &str| words.then(|| text.to_owned());
                ContractChange::Cancel { feedback: said("TOO_EXPENSIVE"), note: said("Perhaps later.") }
            }
            Change::NextBillingHours(hours) => ContractChange::NextBilling(now.plus_micros(hours * HOUR_US)),
            Change::Period(period) => ContractChange::Period(period),
            Change::Delivery(period) => ContractChange::Delivery(period),
            Change::MinCycles(min) => ContractChange::MinCycles(min),
            Change::MaxCycles(max) => ContractChange::MaxCycles(max),
            Change::AddLine { price, quantity, one_time } => {
                ContractChange::AddLine { line: self.line(price, quantity), one_time }
            }
            Change::RemoveLine(line) => ContractChange::RemoveLine(line),
            Change::Quantity { line, quantity } => {
                LineUpdate { quantity: Some(quantity), ..LineUpdate::of(line) }.into()
            }
            Change::Price { line, price, per_unit } => {
                LineUpdate { price: Some(price.to_owned()), per_unit, ..LineUpdate::of(line) }.into()
            }
            Change::LineFor { line, price } => {
                LineUpdate { variant: Some(self.variant(price)), ..LineUpdate::of(line) }.into()
            }
            Change::Plan { line, price, mode } => {
                ContractChange::Plan { line, old_variant: None, variant: self.variant(price), mode }
            }
            Change::ForgetDowngrade => ContractChange::ForgetDowngrade,
            Change::AddDiscount { value, limit } => {
                ContractChange::AddDiscount { title: "For you".into(), value, limit }
            }
            Change::ApplyCode(code) => ContractChange::ApplyCode(code.to_owned()),
            Change::RemoveDiscount(place) => {
                let view = self.guildhall().contract(&self.place.access(), number).await?;
                let found = view.contract().terms.discounts.get(place).map(|discount| discount.id.clone());
                ContractChange::RemoveDiscount(found.unwrap_or_else(|| "none".into()))
            }
            Change::Note => ContractChange::OrderNote("Leave it at the door.".into()),
        })
    }

    async fn change_attempt(
        &self,
        contract: i64,
        newest: usize,
        change: OfAttempt,
        now: Timestamp,
    ) -> Result<&'static str, AppError> {
        let mut attempts = self.attempts(Some(contract)).await;
        // The order of the list goes by numbers; this one does not.
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.slot));
        let Some(attempt) = attempts.get(newest) else {
            return Ok("no such attempt");
        };
        let change = match change {
            OfAttempt::Skip => AttemptChange::Skip,
            OfAttempt::Unskip => AttemptChange::Unskip,
            OfAttempt::RescheduleHours(hours) => AttemptChange::Reschedule(now.plus_micros(hours * HOUR_US)),
            OfAttempt::Bill => AttemptChange::Bill,
            OfAttempt::Note => AttemptChange::Note("With a ribbon.".into()),
        };
        let changed = self.guildhall().change_attempt(&self.place.access(), attempt.number, change).await;
        changed.map(|_| "attempt changed")
    }

    async fn attempts(&self, contract: Option<i64>) -> Vec<Attempt> {
        let filter = AttemptFilter { contract, ..AttemptFilter::default() };
        let environment = self.environment();
        let listed = self.store.scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.billing_attempts().list(environment, &filter, 0, MOST).await?) })
        });
        listed.await.expect("attempts are listed")
    }

    /// Everything that the case has left, contract by contract, without the engine's own numbers.
    pub async fn snapshot(&mut self) -> Value {
        let mut contracts = Vec::new();
        let mut attempts = self.attempts(None).await;
        attempts.sort_by_key(|attempt| (attempt.contract, attempt.slot));
        for (place, number) in self.contracts.clone().into_iter().enumerate() {
            self.names.insert(Key::Contract(number), format!("contract {place}"));
            let found = match self.guildhall().contract(&self.place.access(), number).await {
                Ok(view) => view,
                Err(error) => {
                    assert_eq!(error.code.name(), "contract_not_found");
                    contracts.push(Value::Null);
                    continue;
                }
            };
            let holder = &found.held.holder;
            self.names.insert(Key::Member(holder.id.to_string()), format!("customer {}", holder.number));
            if let Some(method) = &found.method {
                self.names
                    .insert(Key::Method(method.number), format!("{} of {}", method.reference, holder.number));
            }
            let own: Vec<_> = attempts.iter().filter(|attempt| attempt.contract == number).collect();
            for attempt in &own {
                self.names.insert(Key::Attempt(attempt.number), format!("attempt {place}/{}", attempt.slot));
            }
            self.check(&found.held, &own).await;
            let definitions = self.place.access().definitions().clone();
            let views: Vec<_> =
                own.iter().map(|attempt| attempt_view(attempt, found.contract(), &definitions.app)).collect();
            let (view, document) = (contract_view(&found, &definitions.app), found.contract().to_document());
            let document: Value = serde_json::from_str(&document).expect("a document is JSON");
            let kept: Vec<_> = own.iter().map(|attempt| attempt.charge_key.clone()).collect();
            contracts.push(json!({
                "shown": view, "kept": document, "attempts": views, "keys": kept,
                "wakes": found.contract().next_billing().map(|at| at.micros()),
            }));
        }
        let (members, holders, events) = (self.members().await, self.holders().await, self.events().await);
        let told =
            json!({ "contracts": contracts, "members": members, "holders": holders, "events": events });
        self.named(told)
    }

    /// What must hold of one contract, whatever was done with it.
    async fn check(&self, held: &HeldContract, attempts: &[&Attempt]) {
        let contract = &held.contract;
        let slots: Vec<_> = attempts.iter().map(|attempt| attempt.slot).collect();
        let paid = attempts.iter().filter(|attempt| attempt.status == AttemptStatus::Success);
        let cycles = paid.clone().filter(|attempt| !attempt.is_upgrade()).count();
        assert!(slots.is_sorted_by(|a, b| a < b), "a period has two attempts: {slots:?}");
        assert_eq!(
            cycles as u32, contract.progress.paid_cycles,
            "charges and attempts differ: {attempts:#?}"
        );
        assert!(contract.progress.asked.is_none(), "a charge is left under way");
        let queued: Vec<_> = attempts
            .iter()
            .filter(|attempt| attempt.status == AttemptStatus::Queued)
            .map(|attempt| (attempt.slot, attempt.due_at))
            .collect();
        assert!(queued.len() <= 1, "two attempts wait: {queued:?}");
        for waiting in &queued {
            assert_eq!(Some(*waiting), contract.queued(), "the queue and the contract differ");
        }
        for attempt in paid {
            let Some(key) = attempt.charge_key.clone() else {
                assert_eq!(attempt.money.minor, 0, "charged, but not by the provider: {attempt:#?}");
                continue;
            };
            let booked = self.store.read::<_, AppError, _>(move |tx| {
                Box::pin(async move { Ok(tx.payments().booked(&key).await?) })
            });
            let booked = booked.await.expect("the books open");
            assert!(booked.is_some_and(|charge| charge.outcome == "paid"), "not in the books: {attempt:#?}");
        }
    }

    /// What members know of their contracts. It must be what their contracts say.
    async fn members(&mut self) -> Value {
        let mut told = Vec::new();
        for customer in 1..=crate::operation::CUSTOMERS {
            let Some(id) = self.member(customer).await else {
                told.push(Value::Null);
                continue;
            };
            self.names.insert(Key::Member(id.clone()), format!("customer {}", CUSTOMERS_FROM + customer));
            let member = self.guildhall().get_member(&self.place.access(), &id).await;
            let member = member.expect("an answer").expect("the member");
            let key = member.key;
            let held = self.store.read::<_, AppError, _>(move |tx| {
                Box::pin(async move { Ok(tx.contracts().of_member(key).await?) })
            });
            let mut held: Vec<_> =
                held.await.expect("contracts are read").iter().map(|held| held.contract.summary()).collect();
            held.sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
            assert_eq!(member.contracts, held, "the member's own contracts");
            told.push(format!("{:#?}", member.contracts).into());
        }
        Value::Array(told)
    }

    /// How many hold each plan. It must be as many as do.
    async fn holders(&self) -> Value {
        let environment = self.environment();
        let read = self.store.scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.plans().holders(environment).await?) })
        });
        let counted: BTreeMap<_, _> = read
            .await
            .expect("holders are read")
            .into_iter()
            .map(|(plan, count)| (plan.to_string(), count))
            .collect();
        let mut held = BTreeMap::<String, i64>::new();
        for customer in 1..=crate::operation::CUSTOMERS {
            let Some(id) = self.member(customer).await else { continue };
            let member = self.guildhall().get_member(&self.place.access(), &id).await;
            let contracts = member.expect("an answer").expect("the member").contracts;
            for plan in contracts.iter().filter(|held| held.is_held()).filter_map(|held| held.plan.as_ref()) {
                *held.entry(plan.to_string()).or_default() += 1;
            }
        }
        let counted: BTreeMap<_, _> = counted.into_iter().filter(|(_, count)| *count != 0).collect();
        assert_eq!(counted, held, "the counts of holders");
        json!(counted)
    }

    /// All events, each contract's in their order. Contracts of one member that are due at the same time are billed side
    /// by side: which of them its member hears of first is open, and so what the others were at that moment.
    async fn events(&self) -> Value {
        let environment = self.environment();
        let listed = self.store.scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.events().list(environment, 0, MOST).await?) })
        });
        let mut told = BTreeMap::<String, Vec<Value>>::new();
        for event in listed.await.expect("events are listed") {
            let mut payload: Value = serde_json::from_str(&event.payload).expect("a payload is JSON");
            if let Some(member) = payload.get_mut("member").and_then(Value::as_object_mut) {
                member.remove("planConnections");
            }
            let subject =
                self.names.get(&Key::Member(event.subject.clone())).cloned().unwrap_or(event.subject);
            let event = json!({ "kind": event.kind, "at": event.created_at.micros(), "payload": payload });
            told.entry(subject).or_default().push(event);
        }
        for (_, events) in told.iter_mut().filter(|(subject, _)| subject.starts_with("customer ")) {
            events.sort_by_cached_key(|event| (event["at"].as_i64(), event.to_string()));
        }
        json!(told)
    }

    /// With the names that both engines use, in place of what this one gave.
    fn named(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.named(item)).collect(),
            Value::Object(object) => {
                let named = object.into_iter().map(|(key, value)| {
                    let value = self.name_of(&key, &value).map_or_else(|| self.named(value), Value::String);
                    (key, value)
                });
                Value::Object(named.collect())
            }
            Value::String(text) => self.named_text(text).into(),
            other => other,
        }
    }

    /// The name for a number that stands at a key.
    fn name_of(&self, key: &str, value: &Value) -> Option<String> {
        let number = value.as_i64()?;
        let key = match key {
            "id" | "orderId" => Key::Attempt(number),
            "contractId" => Key::Contract(number),
            "payment_method" | "paymentMethod" => Key::Method(number),
            _ => return None,
        };
        self.names.get(&key).cloned()
    }

    /// The name for a text that is an id, or has a number at its end.
    fn named_text(&self, text: String) -> String {
        if let Some(name) = self.names.get(&Key::Member(text.clone())) {
            return name.clone();
        }
        let Some((noun, number)) = text.strip_prefix("gid://shopify/").and_then(|rest| rest.split_once('/'))
        else {
            return match text.strip_prefix('#').and_then(|order| order.parse::<i64>().ok()) {
                Some(order) => self.names.get(&Key::Attempt(order - 1_000)).cloned().unwrap_or(text),
                None => text,
            };
        };
        let (number, line) = number.split_once('-').unwrap_or((number, ""));
        let Ok(number) = number.parse() else { return text.clone() };
        let key = match noun {
            "SubscriptionContract" | "SubscriptionLine" => Key::Contract(number),
            "SubscriptionBillingAttempt" | "Order" => Key::Attempt(number),
            "CustomerPaymentMethod" => Key::Method(number),
            _ => return text.clone(),
        };
        self.names.get(&key).map_or_else(|| text.clone(), |name| format!("{noun} {name} {line}"))
    }
}

/// What is changed about a line; nothing at first.
struct LineUpdate {
    line: i64,
    quantity: Option<u32>,
    price: Option<String>,
    per_unit: bool,
    variant: Option<i64>,
}

impl LineUpdate {
    const fn of(line: i64) -> Self {
        Self { line, quantity: None, price: None, per_unit: true, variant: None }
    }
}

impl From<LineUpdate> for ContractChange {
    fn from(update: LineUpdate) -> Self {
        let LineUpdate { line, quantity, price, per_unit, variant } = update;
        Self::UpdateLine { line, quantity, price, price_per_unit: per_unit, variant, selling_plan_name: None }
    }
}
