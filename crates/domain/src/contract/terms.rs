//! What a contract is about: lines and their prices, discounts, periods and bounds.

use super::document::maybe_micros;
use super::schedule::{Period, Schedule};
use crate::ids::{PlanId, PriceId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is billed, how often and with which bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What is held. Never empty.
    pub lines: Vec<Line>,
    /// Lower-case ISO 4217 code of every amount.
    pub currency: String,
    /// When it is billed; nothing for what is free or paid once.
    pub schedule: Option<Schedule>,
    /// How often something is delivered. Shown, and nothing else.
    pub delivery: Option<Period>,
    /// Successful charges before it may be cancelled.
    pub min_cycles: Option<u32>,
    /// Successful charges after which it has run its term.
    pub max_cycles: Option<u32>,
    /// Reductions, in the order in which they were granted.
    pub discounts: Vec<Discount>,
    /// What delivery adds to every charge, in minor units.
    pub delivery_minor: i64,
    /// The number of the payment method that is charged; the member's own if none is named.
    pub payment_method: Option<i64>,
    /// The last number that a line was given.
    pub last_line: i64,
}

/// One thing that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number in the contract, from 1.
    pub number: i64,
    /// What it is for.
    pub item: Item,
    /// How many.
    pub quantity: u32,
    /// Billed with the next charge only.
    pub one_time: bool,
    /// Free-form pairs.
    pub attributes: Vec<(String, String)>,
}

/// What a line is for: a price of ours, or something that an integrator named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Our plan.
    pub plan: Option<PlanId>,
    /// Our price.
    pub price: Option<PriceId>,
    /// The number it is known by: our price's, or the integrator's own.
    pub variant: i64,
    /// Our plan's number, or the integrator's own.
    pub product: Option<i64>,
    /// Our price's number, or the integrator's own.
    pub selling_plan: Option<i64>,
    /// What people call it.
    pub title: String,
    /// What people call this way of paying for it.
    pub selling_plan_name: Option<String>,
    /// What one costs, in minor units.
    pub unit_minor: i64,
    /// How often it is due by itself, if it says so.
    pub period: Option<Period>,
}

/// A reduction of every charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// Unique in the contract: a cuid.
    pub id: String,
    /// What people call it; a code's own text.
    pub title: String,
    /// How much.
    pub value: DiscountValue,
    /// Charges that it reduces; for ever if nothing is said.
    pub limit: Option<u32>,
    /// Charges that it has reduced.
    pub used: u32,
    /// Whether it came by a code.
    pub by_code: bool,
}

/// How much is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscountValue {
    /// So many hundredths, 1 to 100.
    Percentage(u32),
    /// So many minor units of every charge.
    Fixed(i64),
    /// So many minor units for each item.
    FixedEach(i64),
}

impl Discount {
    /// Whether it reduces the next charge.
    pub fn applies(&self) -> bool {
        self.limit.is_none_or(|limit| self.used < limit)
    }
}

impl DiscountValue {
    /// What it takes off an amount for so many items: never more than there is.
    pub(super) fn off(self, amount: i64, items: i64) -> i64 {
        let off = match self {
            Self::Percentage(hundredths) => share(amount, hundredths.into(), 100),
            Self::Fixed(minor) => minor,
            Self::FixedEach(minor) => minor.saturating_mul(items),
        };
        off.clamp(0, amount)
    }
}

impl Line {
    /// What it costs before reductions.
    pub fn minor(&self) -> i64 {
        self.item.unit_minor.saturating_mul(self.quantity.into())
    }
}

/// The most that one charge of a contract may come to before discounts, in minor units: as much as the dearest price. Sums over
/// millions of contracts stay within 64 bits.
pub const TOTAL_MAX: i64 = 100_000_000_000;

impl Terms {
    /// Of a plan that costs nothing.
    pub fn free(plan: PlanId) -> Self {
        let item = Item {
            plan: Some(plan),
            price: None,
            variant: 0,
            product: None,
            selling_plan: None,
            title: String::new(),
            selling_plan_name: None,
            unit_minor: 0,
            period: None,
        };
        let line = Line { number: 1, item, quantity: 1, one_time: false, attributes: Vec::new() };
        Self {
            lines: vec![line],
            currency: "usd".into(),
            schedule: None,
            delivery: None,
            min_cycles: None,
            max_cycles: None,
            discounts: Vec::new(),
            delivery_minor: 0,
            payment_method: None,
            last_line: 1,
        }
    }

    /// The plan that is held: that of the first line with one.
    pub fn plan(&self) -> Option<&PlanId> {
        self.lines.iter().find_map(|line| line.item.plan.as_ref())
    }

    /// The price of the line that names the plan.
    pub fn price(&self) -> Option<&PriceId> {
        self.lines.iter().find_map(|line| line.item.price.as_ref())
    }

    /// The line that the contract is named after.
    pub fn first_line(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.item.plan.is_some()).or_else(|| self.lines.first())
    }

    /// How often it is billed.
    pub fn period(&self) -> Option<Period> {
        self.schedule.as_ref().map(|schedule| schedule.period)
    }

    /// The lines together, before reductions and delivery.
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.minor()))
    }

    /// Whether one charge comes to no more than [`TOTAL_MAX`] before discounts.
    pub fn fits(&self) -> bool {
        self.subtotal().saturating_add(self.delivery_minor) <= TOTAL_MAX
    }

    /// What the discounts that apply take off the lines. Each takes its part of what the ones before it have
    /// left, and never more than that.
    pub fn reduction(&self) -> i64 {
        let subtotal = self.subtotal();
        let items: i64 = self.lines.iter().map(|line| i64::from(line.quantity)).sum();
        let left = self
            .discounts
            .iter()
            .filter(|discount| discount.applies())
            .fold(subtotal, |left, discount| left - discount.value.off(left, items));
        subtotal - left
    }

    /// What the next charge comes to before the contract's credit: lines less reductions, and delivery.
    pub fn total(&self) -> i64 {
        (self.subtotal() - self.reduction()).saturating_add(self.delivery_minor)
    }
}

/// `amount × part ∕ whole` in whole minor units, halves rounded up. `whole` is above 0.
pub(super) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let twice = 2 * i128::from(amount) * i128::from(part) + i128::from(whole);
    let rounded = twice.div_euclid(2 * i128::from(whole));
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// How far a contract has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whether the member may use what it holds.
    pub access: bool,
    /// Periods that were charged.
    pub paid_cycles: u32,
    /// The number of the period that is billed next. Skipped and missed ones count.
    pub slot: u32,
    /// Charges for upgrades so far; their attempts have the slots −1, −2, …
    pub upgrades: u32,
    /// Until when what was paid, or the trial, reaches.
    #[serde(with = "maybe_micros")]
    pub paid_until: Option<Timestamp>,
    /// The date of the last period that was charged.
    #[serde(with = "maybe_micros")]
    pub billed_at: Option<Timestamp>,
    /// When the trial ends, if there was one.
    #[serde(with = "maybe_micros")]
    pub trial_ends_at: Option<Timestamp>,
    /// Minor units that the next charges are less by.
    pub credit: i64,
    /// The last charge that was decided.
    pub last_payment: Option<LastPayment>,
    /// A charge that the provider was asked for and whose outcome is not known here yet.
    pub asked: Option<Asked>,
    /// The last charge that the provider did not answer for. It may have been made all the same, so as long as its key is
    /// asked with, it is asked for the same amount.
    #[serde(default)]
    pub unanswered: Option<Asked>,
    /// Definite refusals of the period that is due: each has used up a charge key.
    pub declines: u32,
    /// Periods that were left out one after another and may come back, the last one last. Whatever moves the dates
    /// or changes what is billed empties it: what a period would have been is not known then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Whether the period that is next is to be charged at once.
    pub bill_now: bool,
}

/// A period that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its number.
    pub slot: u32,
    /// When the contract was billed next because of it.
    #[serde(with = "maybe_micros")]
    pub next: Option<Timestamp>,
    /// Its definite refusals so far.
    pub declines: u32,
}

/// The last charge that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPayment {
    /// Whether it succeeded.
    pub paid: bool,
    /// When.
    #[serde(with = "super::document::micros")]
    pub at: Timestamp,
    /// How much, in minor units.
    pub minor: i64,
}

/// A charge that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The attempt's slot.
    pub slot: i64,
    /// The key that the provider knows it by.
    pub key: String,
    /// How much, in minor units.
    pub minor: i64,
    /// When it was first asked for.
    #[serde(with = "super::document::micros")]
    pub at: Timestamp,
    /// The date of the period that it is for; nothing for an upgrade's. The contract's own next date may move
    /// before the answer comes.
    #[serde(default, with = "maybe_micros")]
    pub due: Option<Timestamp>,
    /// Minor units of the contract's credit that it is less by.
    #[serde(default)]
    pub credit: i64,
}

/// What people have written about a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// Shown on every order.
    pub order_note: Option<String>,
    /// Free-form pairs.
    pub attributes: Vec<(String, String)>,
    /// Why it was cancelled: a word to count by.
    pub cancellation_feedback: Option<String>,
    /// Why it was cancelled, in words.
    pub cancellation_note: Option<String>,
    /// The id it had elsewhere.
    pub imported_id: Option<String>,
    /// The customer's name, as it was given with the contract.
    pub first_name: Option<String>,
    /// The customer's family name.
    pub last_name: Option<String>,
    /// The customer's telephone number.
    pub phone: Option<String>,
    /// Where to deliver, as it was given: a JSON object.
    pub address: Option<serde_json::Map<String, serde_json::Value>>,
    /// When it last became active, paused or cancelled; kept when it goes on.
    #[serde(with = "maybe_micros")]
    pub activated_at: Option<Timestamp>,
    /// When it was last paused.
    #[serde(with = "maybe_micros")]
    pub paused_at: Option<Timestamp>,
    /// When it was last cancelled.
    #[serde(with = "maybe_micros")]
    pub cancelled_at: Option<Timestamp>,
}
