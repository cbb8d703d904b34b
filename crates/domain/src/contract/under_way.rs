//! What is done with a contract while the provider is being asked for a charge of it.

use super::tests::{at, contract, item};
use super::*;

fn paid(contract: &mut Contract, key: &str, now: Timestamp) -> Vec<Happened> {
    contract.settle(key, &Outcome::Paid, &DunningPolicy::default(), now)
}

fn asked(contract: &mut Contract, now: Timestamp) -> String {
    let Due::Charge(charge) = contract.begin(now) else { panic!("a charge is due") };
    charge.key
}

#[test]
fn the_period_that_was_asked_for_is_the_one_that_is_paid() {
    let start = at("2027-01-10T09:00:00Z");
    let mut contract = contract(start, start);
    let key = asked(&mut contract, start);
    let now = at("2027-01-10T09:01:00Z");
    contract.pause(None, now).expect("it rests");
    contract.resume(now).expect("it runs");
    assert!(paid(&mut contract, &key, now).contains(&Happened::Charged));
    assert_eq!(contract.progress.billed_at, Some(start));
    assert_eq!(contract.next_billing(), Some(at("2027-02-10T09:00:00Z")), "no month is given away");
}

#[test]
fn a_period_that_was_paid_early_is_not_billed_again_when_a_cancelled_contract_is_taken_up() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    let key = asked(&mut contract, start);
    paid(&mut contract, &key, start);
    let early = at("2027-02-01");
    contract.bill_now(early).expect("it is billed at once");
    let key = asked(&mut contract, early);
    contract.cancel(None, None, early).expect("it is cancelled");
    paid(&mut contract, &key, early);
    contract.resume(at("2027-02-02")).expect("its date lies ahead");
    assert_eq!(contract.next_billing(), Some(at("2027-03-10")));
}

#[test]
fn the_charge_of_an_upgrade_that_has_expired_meanwhile_comes_to_an_end() {
    let start = at("2027-01-01");
    let mut contract = contract(start, start);
    let key = asked(&mut contract, start);
    paid(&mut contract, &key, start);
    let now = at("2027-01-11");
    let to = item(2, 9_000, contract.terms.period());
    let change = PlanChange { line: 1, to, skip_billing: false, prorate_downgrade: false };
    contract.change_plan(change, now).expect("it is changed");
    let key = asked(&mut contract, now);
    contract.set_max_cycles(Some(1), now).expect("it has run its term");
    assert_eq!(paid(&mut contract, &key, now), [Happened::Charged]);
    assert_eq!(contract.progress.asked, None);
}

#[test]
fn a_charge_that_was_not_answered_is_asked_for_again_as_it_was() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    let Due::Charge(first) = contract.begin(start) else { panic!("a charge is due") };
    contract.settle(&first.key, &Outcome::Unreached, &DunningPolicy::default(), start);
    contract.progress.credit = 300;
    contract.update_line(1, Some(2), None, None, start).expect("there are two of it now");
    let retry = at("2027-01-13");
    let Due::Charge(second) = contract.begin(retry) else { panic!("it is tried again") };
    assert_eq!((&second.key, second.minor), (&first.key, first.minor), "it may have been charged already");
    paid(&mut contract, &second.key, retry);
    assert_eq!(contract.progress.last_payment.as_ref().map(|last| last.minor), Some(first.minor));
    assert_eq!(contract.progress.credit, 300, "nothing of the credit was in it");
    let next = at("2027-02-10");
    let Due::Charge(third) = contract.begin(next) else { panic!("the next period is due") };
    assert_eq!(third.minor, 2 * first.minor - 300, "the next period is charged as things are then");
}

#[test]
fn a_charge_that_was_refused_is_asked_for_as_things_are_then() {
    let start = at("2027-01-10");
    let mut contract = contract(start, start);
    let Due::Charge(first) = contract.begin(start) else { panic!("a charge is due") };
    contract.settle(&first.key, &Outcome::Declined, &DunningPolicy::default(), start);
    contract.update_line(1, Some(2), None, None, start).expect("there are two of it now");
    let Due::Charge(second) = contract.begin(at("2027-01-13")) else { panic!("it is tried again") };
    assert_ne!(second.key, first.key);
    assert_eq!(second.minor, 2 * first.minor);
}
