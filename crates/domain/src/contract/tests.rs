//! The life of contracts by value: chosen cases, and random ones that must keep the invariants.

use super::*;
use crate::Code;
use crate::record::date;
use crate::time::MICROS_PER_SECOND;
use proptest::prelude::*;

const DAY: i64 = 86_400 * MICROS_PER_SECOND;

pub(super) fn at(text: &str) -> Timestamp {
    date(text).expect("a date")
}

pub(super) fn item(variant: i64, unit_minor: i64, period: Option<Period>) -> Item {
    Item {
        plan: Some(PlanId::from_text(format!("pln_{variant}"))),
        price: None,
        variant,
        product: Some(variant),
        selling_plan: Some(variant),
        title: format!("Plan {variant}"),
        selling_plan_name: None,
        unit_minor,
        period,
    }
}

fn terms(unit_minor: i64, unit: PeriodUnit, count: u32, anchor: Timestamp) -> Terms {
    let period = Period { unit, count };
    let line = Line {
        number: 1,
        item: item(1, unit_minor, Some(period)),
        quantity: 1,
        one_time: false,
        attributes: Vec::new(),
    };
    Terms {
        lines: vec![line],
        currency: "usd".into(),
        schedule: Some(Schedule { anchor, period, time_zone: "UTC".into() }),
        last_line: 1,
        ..Terms::free(PlanId::from_text("pln_1"))
    }
}

pub(super) fn contract(next: Timestamp, now: Timestamp) -> Contract {
    let draft = Draft {
        id: ContractId::from_text("con_1"),
        holder: MemberKey::from_stored(1 << 40 | 1),
        kind: ContractKind::Recurring,
        terms: terms(3_000, PeriodUnit::Month, 1, next),
        next,
        trial_ends_at: None,
        paused: false,
        notes: Notes::default(),
    };
    Contract::create(draft, now).expect("a contract is made")
}

/// Bills what is due, as if every charge had this outcome.
fn bill(contract: &mut Contract, outcome: &Outcome, now: Timestamp) -> Vec<Happened> {
    match contract.begin(now) {
        Due::Nothing => Vec::new(),
        Due::Done(happened) => happened,
        Due::Charge(charge) => contract.settle(&charge.key, outcome, &DunningPolicy::default(), now),
    }
}

#[test]
fn a_month_is_billed_on_its_last_day_and_then_on_the_31st_again() {
    let start = at("2027-01-31T09:00:00Z");
    let mut contract = contract(start, start);
    let mut billed = Vec::new();
    for _ in 0..4 {
        let now = contract.wake_at().expect("it is billed again");
        assert!(bill(&mut contract, &Outcome::Paid, now).contains(&Happened::Charged));
        billed.push(now.to_iso()[..10].to_owned());
    }
    assert_eq!(billed, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]);
    assert_eq!(contract.progress.paid_cycles, 4);
}

#[test]
fn a_charge_whose_answer_was_lost_is_asked_for_with_the_same_key() {
    let start = at("2027-01-31");
    let mut contract = contract(start, start);
    let Due::Charge(first) = contract.begin(start) else { panic!("a charge is due") };
    let Due::Charge(again) = contract.begin(start.plus_micros(DAY)) else { panic!("it still is") };
    assert_eq!((again.key.as_str(), again.minor), (first.key.as_str(), first.minor));
    assert!(!first.again && again.again);
    let policy = DunningPolicy::default();
    assert!(!contract.settle(&first.key, &Outcome::Paid, &policy, start).is_empty());
    assert!(contract.settle(&again.key, &Outcome::Paid, &policy, start).is_empty(), "it is settled once");
    assert_eq!(contract.progress.paid_cycles, 1);
}

#[test]
fn refusals_are_tried_again_with_new_keys_and_end_by_the_policy() {
    for (outcome, status) in [
        (DunningOutcome::Cancel, ContractStatus::Cancelled),
        (DunningOutcome::Pause, ContractStatus::Paused),
        (DunningOutcome::Skip, ContractStatus::Active),
    ] {
        let start = at("2027-01-31");
        let mut contract = contract(start, start);
        let policy = DunningPolicy { retries: 2, days: 3, outcome };
        let mut keys = Vec::new();
        for number in 0..3 {
            let now = start.plus_micros(3 * DAY * number);
            assert_eq!(contract.wake_at(), Some(now));
            let Due::Charge(charge) = contract.begin(now) else { panic!("a charge is due") };
            keys.push(charge.key.clone());
            contract.settle(&charge.key, &Outcome::Declined, &policy, now);
        }
        keys.dedup();
        assert_eq!(keys.len(), 3);
        assert_eq!(contract.status(), status);
        assert_eq!(contract.progress.access, status == ContractStatus::Active);
        if outcome == DunningOutcome::Skip {
            assert_eq!(contract.next_billing(), Some(at("2027-02-28")));
        }
    }
}

#[test]
fn what_was_paid_may_be_used_to_its_end() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    bill(&mut contract, &Outcome::Paid, start);
    let now = at("2027-01-20");
    assert_eq!(contract.cancel(Some("TOO_EXPENSIVE".into()), None, now), Ok(vec![Happened::Cancelled]));
    assert!(contract.progress.access);
    assert_eq!(contract.access_until(), Some(at("2027-02-10")));
    assert_eq!(contract.wake_at(), Some(at("2027-02-10")));
    assert_eq!(contract.begin(at("2027-02-10")), Due::Done(vec![Happened::AccessChanged]));
    assert!(!contract.progress.access);
    assert_eq!(contract.wake_at(), None);
    assert_eq!(contract.resume(at("2027-02-11")).map_err(|refusal| refusal.code), Err(Code::ContractEnded));
}

#[test]
fn a_cancelled_contract_is_taken_up_again_only_before_its_date() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    bill(&mut contract, &Outcome::Paid, start);
    contract.cancel(None, None, at("2027-01-20")).expect("it is cancelled");
    assert_eq!(contract.resume(at("2027-01-21")), Ok(vec![Happened::Activated]));
    assert_eq!(contract.next_billing(), Some(at("2027-02-10")));
}

#[test]
fn least_cycles_hold_a_contract() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    contract.terms.min_cycles = Some(3);
    bill(&mut contract, &Outcome::Paid, start);
    let refused = contract.cancel(None, None, start).expect_err("it is refused");
    assert_eq!(refused.code, Code::MinCyclesNotReached);
    assert!(refused.message.contains('3'));
    bill(&mut contract, &Outcome::Paid, at("2027-02-10"));
    assert!(contract.cancel(None, None, at("2027-02-11")).is_ok());
}

#[test]
fn a_period_that_comes_back_does_not_ask_with_a_key_that_was_refused() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    bill(&mut contract, &Outcome::Paid, start);
    let early = at("2027-01-20");
    contract.bill_now(early).expect("it is billed early");
    let Due::Charge(refused) = contract.begin(early) else { panic!("a charge is due") };
    contract.settle(&refused.key, &Outcome::Declined, &DunningPolicy::default(), early);
    contract.skip(early).expect("it is left out");
    contract.unskip(1, at("2027-02-10"), early).expect("it comes back");
    let Due::Charge(again) = contract.begin(at("2027-02-10")) else { panic!("a charge is due") };
    assert_eq!(again.slot, refused.slot);
    assert_ne!(again.key, refused.key);
}

#[test]
fn the_last_cycle_ends_a_contract() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    contract.terms.max_cycles = Some(2);
    bill(&mut contract, &Outcome::Paid, start);
    let happened = bill(&mut contract, &Outcome::Paid, at("2027-02-10"));
    assert!(happened.contains(&Happened::Expired));
    assert_eq!(contract.status(), ContractStatus::Expired);
    assert!(contract.progress.access, "the second month was paid");
    assert_eq!(contract.wake_at(), Some(at("2027-03-10")));
}

#[test]
fn a_pause_adds_whole_periods_and_does_not_charge() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    bill(&mut contract, &Outcome::Paid, start);
    contract.pause(None, at("2027-01-15")).expect("it rests");
    assert_eq!(contract.queued(), Some((1, at("2027-02-10"))));
    assert_eq!(contract.begin(at("2027-02-10")), Due::Done(vec![Happened::AccessChanged]));
    assert_eq!(contract.queued(), None);
    contract.resume(at("2027-04-20")).expect("it runs");
    assert_eq!(contract.next_billing(), Some(at("2027-05-10")));
    assert_eq!(contract.progress.paid_cycles, 1);
}

#[test]
fn an_upgrade_is_charged_for_what_is_left_and_undone_if_that_fails() {
    let start = at("2027-01-01");
    let mut contract = contract(start, start);
    bill(&mut contract, &Outcome::Paid, start);
    let period = contract.terms.period();
    let change = |variant, minor| PlanChange {
        line: 1,
        to: item(variant, minor, period),
        skip_billing: false,
        prorate_downgrade: false,
    };
    // 21 of 31 days are left: (9,000 − 3,000) × 21 ∕ 31.
    let now = at("2027-01-11");
    assert_eq!(contract.change_plan(change(2, 9_000), now), Ok(vec![Happened::PlanChanged]));
    let Due::Charge(charge) = contract.begin(now) else { panic!("the difference is due") };
    assert_eq!((charge.slot, charge.minor), (-1, 4_065));
    let happened = contract.settle(&charge.key, &Outcome::Declined, &DunningPolicy::default(), now);
    assert_eq!(happened, [Happened::ChargeFailed, Happened::PlanChanged]);
    assert_eq!(contract.terms.lines[0].item.variant, 1);

    contract.change_plan(change(2, 9_000), now).expect("it is tried again");
    assert_eq!(bill(&mut contract, &Outcome::Paid, now), [Happened::Charged]);
    assert_eq!((contract.terms.lines[0].item.variant, contract.progress.upgrades), (2, 2));
    assert_eq!(contract.progress.paid_cycles, 1, "it is no period of its own");

    assert_eq!(contract.change_plan(change(3, 1_000), now), Ok(vec![Happened::Updated]));
    let refused = contract.change_plan(change(4, 500), now).map_err(|refusal| refusal.code);
    assert_eq!(refused, Err(Code::ChangePending));
    assert_eq!(contract.due_minor(), 9_000, "cheaper only from the next period on");
    let Due::Charge(charge) = contract.begin(at("2027-02-01")) else { panic!("a charge is due") };
    assert_eq!(charge.minor, 1_000);
}

#[test]
fn discounts_take_from_what_the_ones_before_have_left() {
    let start = at("2027-01-01");
    let mut contract = contract(start, start);
    let discount = |id: &str, value, limit| Discount {
        id: id.into(),
        title: id.into(),
        value,
        limit,
        used: 0,
        by_code: true,
    };
    contract.add_discount(discount("a", DiscountValue::Percentage(25), Some(2)), start).expect("granted");
    contract.add_discount(discount("b", DiscountValue::Fixed(500), None), start).expect("granted");
    let again = contract.add_discount(discount("a", DiscountValue::Percentage(1), None), start);
    assert_eq!(again.map_err(|refusal| refusal.code), Err(Code::DiscountExists));
    let mut charged = Vec::new();
    for month in ["2027-01-01", "2027-02-01", "2027-03-01"] {
        charged.push(contract.due_minor());
        bill(&mut contract, &Outcome::Paid, at(month));
    }
    assert_eq!(charged, [1_750, 1_750, 2_500]);
}

/// One thing that is done with a contract.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Bill(u8),
    Pause,
    Resume,
    Cancel,
    Skip,
    Reschedule(i64),
    SetPeriod(usize, u32),
    MaxCycles(u32),
    MinCycles(u32),
    Change(i64, i64, bool, bool),
    ForgetDowngrade,
    Discount(u32),
    BillNow,
    AddLine(i64),
    RemoveLine(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_i64..40).prop_map(Step::Wait),
        6 => (0_u8..8).prop_map(Step::Bill),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::Cancel),
        1 => Just(Step::Skip),
        1 => (1_i64..60).prop_map(Step::Reschedule),
        1 => (0_usize..4, 1_u32..5).prop_map(|(unit, count)| Step::SetPeriod(unit, count)),
        1 => (0_u32..9).prop_map(Step::MaxCycles),
        1 => (0_u32..3).prop_map(Step::MinCycles),
        2 => (2_i64..6, 0_i64..9_000, any::<bool>(), any::<bool>())
            .prop_map(|(variant, minor, skip, later)| Step::Change(variant, minor, skip, later)),
        1 => Just(Step::ForgetDowngrade),
        1 => (1_u32..101).prop_map(Step::Discount),
        1 => Just(Step::BillNow),
        1 => (0_i64..5_000).prop_map(Step::AddLine),
        1 => (1_i64..4).prop_map(Step::RemoveLine),
    ]
}

/// Does a step; a refusal must leave the contract as it was.
fn take(contract: &mut Contract, step: &Step, now: &mut Timestamp) {
    let before = contract.clone();
    let result = match *step {
        Step::Wait(days) => {
            *now = now.plus_micros(days * DAY);
            Ok(Vec::new())
        }
        Step::Bill(outcome) => {
            let outcome = match outcome {
                0 => Outcome::Declined,
                1 => Outcome::NeedsAuthentication,
                2 => Outcome::Unreached,
                _ => Outcome::Paid,
            };
            Ok(bill(contract, &outcome, *now))
        }
        Step::Pause => contract.pause(None, *now),
        Step::Resume => contract.resume(*now),
        Step::Cancel => contract.cancel(None, None, *now),
        Step::Skip => contract.skip(*now),
        Step::Reschedule(days) => contract.set_next_billing(now.plus_micros(days * DAY), *now),
        Step::SetPeriod(unit, count) => {
            contract.set_period(Period { unit: PeriodUnit::ALL[unit], count }, *now)
        }
        Step::MaxCycles(max) => contract.set_max_cycles(Some(max).filter(|max| *max > 0), *now),
        Step::MinCycles(min) => contract.set_min_cycles(Some(min), *now),
        Step::Change(variant, minor, skip_billing, prorate_downgrade) => {
            let period = contract.terms.period();
            let to = item(variant, minor, period);
            contract.change_plan(PlanChange { line: 1, to, skip_billing, prorate_downgrade }, *now)
        }
        Step::ForgetDowngrade => contract.forget_downgrade(*now),
        Step::Discount(hundredths) => {
            let value = DiscountValue::Percentage(hundredths);
            let (id, title) = (format!("d{}", now.micros()), "D".to_owned());
            contract
                .add_discount(Discount { id, title, value, limit: Some(2), used: 0, by_code: false }, *now)
        }
        Step::BillNow => contract.bill_now(*now),
        Step::AddLine(minor) => {
            let added = contract.add_line(item(9, minor, None), 1, minor % 2 == 0, *now);
            added.map(|_| Vec::new())
        }
        Step::RemoveLine(number) => contract.remove_line(number, *now),
    };
    if result.is_err() {
        assert_eq!(*contract, before, "{step:?} was refused and changed something");
    }
}

/// What must hold of every contract at every time.
fn check(contract: &Contract, before: &Contract, now: Timestamp) {
    let progress = &contract.progress;
    assert!(progress.paid_cycles >= before.progress.paid_cycles);
    assert!(progress.paid_cycles <= before.progress.paid_cycles + 1, "one charge at a time");
    assert!(progress.credit >= 0);
    assert!(contract.due_minor() >= 0);
    assert!(contract.terms.lines.iter().any(|line| !line.one_time), "a line is left");
    match &contract.life {
        Life::Active(active) => {
            assert!(progress.access, "who pays may use it");
            assert!(active.next.is_some(), "a recurring contract has a date");
            assert!(contract.wake_at().is_some());
        }
        Life::Paused(paused) => assert!(paused.next.is_some() || paused.missed),
        Life::Cancelled(_) | Life::Expired(_) | Life::Failed(_) => {
            assert_eq!(contract.queued(), None);
            assert!(
                !matches!(contract.change, Some(Change::Downgrade(_))),
                "nothing waits for a period that never comes"
            );
        }
    }
    if let Some(max) = contract.terms.max_cycles
        && progress.asked.is_none()
    {
        assert!(
            contract.status() != ContractStatus::Active || progress.paid_cycles < max,
            "it has run its term"
        );
    }
    // Ended is ended, but for what may still be taken up again.
    if matches!(before.life, Life::Expired(_) | Life::Failed(_)) {
        assert_eq!(contract.status(), before.status());
        assert_eq!(progress.paid_cycles, before.progress.paid_cycles);
    }
    let document = contract.to_document();
    let columns = ContractColumns {
        number: contract.number,
        id: contract.id.clone(),
        holder: contract.holder,
        plan: None,
        kind: contract.kind,
        created_at: contract.created_at,
        updated_at: contract.updated_at,
    };
    assert_eq!(Contract::from_document(columns, &document).as_ref(), Some(contract));
    assert!(contract.updated_at <= now);
}

/// What is done between leaving a period out and taking that back.
type Between = fn(&mut Contract, Timestamp);

#[test]
fn a_period_comes_back_only_if_nothing_has_moved_since() {
    let start = at("2027-01-31T12:00:00Z");
    let later = at("2027-02-01T12:00:00Z");
    let comes_back = |between: Between| {
        let mut contract = contract(start, start);
        let Due::Charge(charge) = contract.begin(start) else { panic!("a charge is due") };
        contract.settle(&charge.key, &Outcome::Paid, &DunningPolicy::default(), start);
        let due = contract.next_billing().expect("a date");
        contract.skip(later).expect("it is left out");
        between(&mut contract, later);
        let slot = i64::from(contract.progress.slot) - 1;
        let allowed = contract.may_unskip(slot, due, later);
        assert_eq!(contract.unskip(slot, due, later).is_ok(), allowed);
        assert_eq!(contract.next_billing() == Some(due), allowed);
        allowed
    };
    assert!(comes_back(|_, _| ()));
    assert!(comes_back(|contract, now| drop(contract.set_min_cycles(Some(2), now))));
    let moved: [Between; 4] = [
        |contract, now| {
            drop(contract.set_next_billing(at("2027-03-04T12:00:00Z"), now).expect("it is moved"))
        },
        |contract, now| {
            drop(contract.set_period(Period { unit: PeriodUnit::Week, count: 1 }, now).expect("an interval"));
        },
        |contract, now| {
            let to = item(2, 9_000, contract.terms.period());
            let change = PlanChange { line: 1, to, skip_billing: true, prorate_downgrade: false };
            drop(contract.change_plan(change, now).expect("a dearer plan"));
        },
        |contract, now| {
            let to = item(2, 90_000, Some(Period { unit: PeriodUnit::Year, count: 1 }));
            let change = PlanChange { line: 1, to, skip_billing: false, prorate_downgrade: false };
            drop(contract.change_plan(change, now).expect("a yearly plan"));
        },
    ];
    for (place, between) in moved.into_iter().enumerate() {
        assert!(!comes_back(between), "case {place}");
    }
}

#[test]
fn several_periods_come_back_in_turn() {
    let start = at("2027-01-31T12:00:00Z");
    let before = start.plus_micros(-DAY);
    let mut contract = contract(start, before);
    let mut left_out = Vec::new();
    for _ in 0..3 {
        left_out.push((i64::from(contract.progress.slot), contract.next_billing().expect("a date")));
        contract.skip(before).expect("it is left out");
    }
    while let Some((slot, due)) = left_out.pop() {
        contract.unskip(slot, due, before).expect("the last one comes back");
        assert_eq!(contract.next_billing(), Some(due));
    }
    assert_eq!(contract.progress.slot, 0);
}

proptest! {
    #[test]
    fn whatever_is_done_the_invariants_hold(steps in proptest::collection::vec(step(), 1..60)) {
        let mut now = at("2027-01-31T12:00:00Z");
        let mut contract = contract(now, now);
        for step in &steps {
            let before = contract.clone();
            take(&mut contract, step, &mut now);
            check(&contract, &before, now);
        }
    }

    /// Whenever it is looked, and however often, each period is charged once and none is left out.
    #[test]
    fn every_period_is_charged_once(looks in proptest::collection::vec(0_i64..20, 1..80), unit in 0_usize..4) {
        let start = at("2027-01-31T12:00:00Z");
        let mut now = start;
        let mut contract = contract(start, start);
        contract.set_period(Period { unit: PeriodUnit::ALL[unit], count: 2 }, now).expect("a period");
        let mut keys = Vec::new();
        for days in looks {
            now = now.plus_micros(days * DAY);
            for _ in 0..50 {
                match contract.begin(now) {
                    Due::Charge(charge) => {
                        keys.push(charge.key.clone());
                        contract.settle(&charge.key, &Outcome::Paid, &DunningPolicy::default(), now);
                    }
                    Due::Nothing => break,
                    Due::Done(_) => {}
                }
            }
        }
        let schedule = contract.terms.schedule.clone().expect("a schedule");
        let due = (0..).map_while(|step| schedule.step(step)).take_while(|at| *at <= now).count();
        prop_assert_eq!(keys.len(), due);
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), due);
    }
}
