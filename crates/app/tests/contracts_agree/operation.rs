//! What may be done in a case, and how it is chosen at random. Prices, contracts and attempts are named by their places,
//! so that one operation means the same on either engine.

use guildhall_app::contracts::{DiscountValue, Period, PeriodUnit, PlanMode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Customers of a case.
pub const CUSTOMERS: i64 = 4;
/// Prices of a case, and one place more for something that is no price of ours.
pub const PRICES: usize = 6;
/// What the fake provider does with a charge goes by these names. None leaves it unanswered, which would wait for a
/// lease to end by a clock that stands.
const METHODS: [&str; 6] = [
    "fake_succeeds",
    "fake_declined",
    "fake_declined_from_3rd_renewal",
    "fake_needs_authentication",
    "fake_answer_lost",
    "fake_answer_lost_sometimes",
];
const UNITS: [PeriodUnit; 4] = PeriodUnit::ALL;

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub enum Operation {
    Create(Create),
    Change { contract: usize, change: Change },
    Attempt { contract: usize, newest: usize, change: OfAttempt },
    AdvanceHours(i64),
    AddFreePlan { customer: i64 },
    RemoveFreePlan { customer: i64 },
    DeleteMember { customer: i64 },
}

/// A contract to be made.
#[derive(Clone, Debug)]
pub struct Create {
    pub customer: i64,
    pub price: usize,
    pub quantity: u32,
    pub second_price: Option<usize>,
    pub period: Option<Period>,
    /// When it is billed first, from now.
    pub hours: Option<i64>,
    pub begins_in_trial: bool,
    pub method: Option<&'static str>,
    pub without_method: bool,
    pub paused: bool,
    pub min_cycles: Option<u32>,
    pub max_cycles: Option<u32>,
    pub delivery: bool,
}

/// A change of a contract.
#[derive(Clone, Debug)]
pub enum Change {
    Activate,
    Pause { cycles: Option<u32> },
    Cancel { words: bool },
    NextBillingHours(i64),
    Period(Period),
    Delivery(Period),
    MinCycles(Option<u32>),
    MaxCycles(Option<u32>),
    AddLine { price: usize, quantity: u32, one_time: bool },
    RemoveLine(i64),
    Quantity { line: i64, quantity: u32 },
    Price { line: i64, price: &'static str, per_unit: bool },
    LineFor { line: i64, price: usize },
    Plan { line: Option<i64>, price: usize, mode: PlanMode },
    ForgetDowngrade,
    AddDiscount { value: DiscountValue, limit: Option<u32> },
    ApplyCode(&'static str),
    RemoveDiscount(usize),
    Note,
}

/// A change of an attempt.
#[derive(Clone, Copy, Debug)]
pub enum OfAttempt {
    Skip,
    Unskip,
    RescheduleHours(i64),
    Bill,
    Note,
}

/// Random sequences, each begun with two contracts that can be made.
pub fn cases() -> impl Strategy<Value = Vec<Operation>> {
    let first = (create(), 1..4_u32).prop_map(|(create, quantity)| {
        let (hours, min_cycles) = (create.hours.map(i64::abs), None);
        let method = create.method.or(Some(METHODS[0]));
        Operation::Create(Create {
            quantity,
            hours,
            min_cycles,
            method,
            price: create.price % PRICES,
            second_price: None,
            ..create
        })
    });
    (vec(first, 2), vec(operation(), 15..40))
        .prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

fn operation() -> impl Strategy<Value = Operation> {
    let customer = || 1..=CUSTOMERS;
    prop_oneof![
        3 => create().prop_map(Operation::Create),
        10 => (0..6_usize, change()).prop_map(|(contract, change)| Operation::Change { contract, change }),
        4 => (0..6_usize, 0..4_usize, of_attempt())
            .prop_map(|(contract, newest, change)| Operation::Attempt { contract, newest, change }),
        6 => (0..45 * 24_i64).prop_map(Operation::AdvanceHours),
        1 => customer().prop_map(|customer| Operation::AddFreePlan { customer }),
        1 => customer().prop_map(|customer| Operation::RemoveFreePlan { customer }),
        1 => customer().prop_map(|customer| Operation::DeleteMember { customer }),
    ]
}

fn period() -> impl Strategy<Value = Period> {
    // Not shorter than a week: the clock is moved over weeks, with a charge for each.
    let period = |(unit, count)| match unit {
        PeriodUnit::Day => Period { unit, count: count + 6 },
        _ => Period { unit, count },
    };
    (select(&UNITS[..]), 1..4_u32).prop_map(period)
}

/// Mostly ahead, now and then behind.
fn hours() -> impl Strategy<Value = i64> {
    prop_oneof![1 => -48..=0_i64, 6 => 1..60 * 24_i64]
}

/// Mostly some.
fn quantity() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 8 => 1..4_u32]
}

fn cycles() -> impl Strategy<Value = Option<u32>> {
    option::weighted(0.3, 0..5_u32)
}

prop_compose! {
    fn create()(
        customer in 1..=CUSTOMERS,
        price in 0..=PRICES,
        quantity in quantity(),
        second_price in option::weighted(0.3, 0..=PRICES),
        period in option::weighted(0.7, period()),
        hours in option::weighted(0.6, hours()),
        begins_in_trial in any::<bool>(),
        (method, without_method) in (option::weighted(0.9, select(&METHODS[..])), any::<bool>()),
        paused in proptest::bool::weighted(0.1),
        min_cycles in cycles(),
        max_cycles in cycles(),
        delivery in any::<bool>(),
    ) -> Create {
        Create {
            customer, price, quantity, second_price, period, hours, begins_in_trial, method, without_method, paused,
            min_cycles, max_cycles, delivery,
        }
    }
}

fn discount() -> impl Strategy<Value = DiscountValue> {
    prop_oneof![
        (0..=100_u32).prop_map(DiscountValue::Percentage),
        (1..3_000_i64).prop_map(DiscountValue::Fixed),
        (1..900_i64).prop_map(DiscountValue::FixedEach),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let line = || prop_oneof![3 => Just(1), 1 => 2..4_i64];
    let mode = || select(&[PlanMode::Prorate, PlanMode::DowngradeLater, PlanMode::SkipBilling][..]);
    prop_oneof![
        4 => Just(Change::Activate),
        2 => option::of(0..4_u32).prop_map(|cycles| Change::Pause { cycles }),
        1 => any::<bool>().prop_map(|words| Change::Cancel { words }),
        2 => hours().prop_map(Change::NextBillingHours),
        2 => period().prop_map(Change::Period),
        1 => period().prop_map(Change::Delivery),
        1 => cycles().prop_map(Change::MinCycles),
        1 => cycles().prop_map(Change::MaxCycles),
        2 => (0..=PRICES, quantity(), any::<bool>())
            .prop_map(|(price, quantity, one_time)| Change::AddLine { price, quantity, one_time }),
        1 => line().prop_map(Change::RemoveLine),
        1 => (line(), quantity()).prop_map(|(line, quantity)| Change::Quantity { line, quantity }),
        1 => (line(), select(&["0", "12.00", "7.50", "9.999", "-1"][..]), any::<bool>())
            .prop_map(|(line, price, per_unit)| Change::Price { line, price, per_unit }),
        1 => (line(), 0..=PRICES).prop_map(|(line, price)| Change::LineFor { line, price }),
        5 => (option::of(line()), 0..=PRICES, mode()).prop_map(|(line, price, mode)| Change::Plan { line, price, mode }),
        1 => Just(Change::ForgetDowngrade),
        2 => (discount(), option::of(0..4_u32)).prop_map(|(value, limit)| Change::AddDiscount { value, limit }),
        1 => select(&["TEN", "FIVER", "ten"][..]).prop_map(Change::ApplyCode),
        1 => (0..3_usize).prop_map(Change::RemoveDiscount),
        1 => Just(Change::Note),
    ]
}

fn of_attempt() -> impl Strategy<Value = OfAttempt> {
    prop_oneof![
        3 => Just(OfAttempt::Skip),
        2 => Just(OfAttempt::Unskip),
        1 => hours().prop_map(OfAttempt::RescheduleHours),
        3 => Just(OfAttempt::Bill),
        1 => Just(OfAttempt::Note),
    ]
}
