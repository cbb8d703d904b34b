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
