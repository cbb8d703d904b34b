//! How contracts are told to people: amounts, periods, states and what became of charges.

use crate::dashboard::money::amount;
use crate::dashboard::when::day;
use guildhall_app::contracts::{
    Attempt, AttemptStatus, Contract, ContractStatus, DiscountValue, Life, Period,
};
use guildhall_domain::Timestamp;
use guildhall_domain::contract::{Discount, PauseReason};

/// `every month`, `every 3 months`
pub(in crate::dashboard) fn every(period: Period) -> String {
    let unit = period.unit.as_str().to_ascii_lowercase();
    match period.count {
        1 => format!("every {unit}"),
        count => format!("every {count} {unit}s"),
    }
}

/// A state in a word, and how it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dashboard) struct Badge {
    pub word: &'static str,
    pub tone: &'static str,
}

const fn badge(word: &'static str, tone: &'static str) -> Badge {
    Badge { word, tone }
}

/// How a contract stands.
pub(super) fn state(contract: &Contract, now: Timestamp) -> Badge {
    match &contract.life {
        Life::Active(active) if active.dunning.is_some() => badge("Charge failed", "bad"),
        Life::Active(_) if contract.in_trial(now) => badge("Trial", "good"),
        Life::Active(_) => badge("Active", "good"),
        Life::Paused(paused) => match paused.reason {
            PauseReason::Asked => badge("Paused", "warn"),
            PauseReason::Dunning => badge("Paused: not paid", "bad"),
            PauseReason::SecurityChallenge => badge("Paused: bank asks", "bad"),
        },
        Life::Cancelled(_) => badge("Cancelled", ""),
        Life::Expired(_) => badge("Ended", ""),
        Life::Failed(_) => badge("Failed", "bad"),
    }
}

/// A state as the filter of the list names it.
pub(super) const fn status_name(status: ContractStatus) -> &'static str {
    match status {
        ContractStatus::Active => "Active",
        ContractStatus::Paused => "Paused",
        ContractStatus::Cancelled => "Cancelled",
        ContractStatus::Expired => "Ended",
        ContractStatus::Failed => "Failed",
    }
}

/// How it stands with an attempt.
pub(super) const fn outcome(status: AttemptStatus) -> Badge {
    match status {
        AttemptStatus::Queued => badge("Due", ""),
        AttemptStatus::Requesting => badge("Under way", "warn"),
        AttemptStatus::Success => badge("Paid", "good"),
        AttemptStatus::Failure => badge("Failed", "bad"),
        AttemptStatus::Skipped => badge("Skipped", ""),
        AttemptStatus::SkippedByDunning => badge("Left out, not paid", "bad"),
        AttemptStatus::SecurityChallenge => badge("Bank asks", "bad"),
        AttemptStatus::ContractPaused => badge("Passed while paused", ""),
        AttemptStatus::ContractCancelled => badge("Cancelled before", ""),
        AttemptStatus::ContractEnded => badge("Ended before", ""),
    }
}

/// Why an attempt did not succeed, in words, and how often it was tried; empty if there is nothing to say.
pub(super) fn reason(attempt: &Attempt) -> String {
    let failed = !matches!(attempt.status, AttemptStatus::Success | AttemptStatus::Queued);
    let message = attempt.message.clone().filter(|_| failed).unwrap_or_default();
    let tries = (attempt.tries > 1).then(|| format!("{} tries", attempt.tries));
    [Some(message).filter(|text| !text.is_empty()), tries].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What a contract is for: its first line, and how many more there are.
pub(super) fn title(contract: &Contract) -> String {
    let first = contract.terms.first_line().map(|line| line.item.title.clone()).unwrap_or_default();
    let first = if first.is_empty() { format!("Contract {}", contract.number) } else { first };
    match contract.terms.lines.len() {
        0 | 1 => first,
        lines => format!("{first} and {} more", lines - 1),
    }
}

/// What a period comes to and how often: `19.00 EUR every month`.
pub(super) fn price(contract: &Contract) -> String {
    let terms = &contract.terms;
    let often = terms.period().map_or_else(|| "once".to_owned(), every);
    format!("{} {often}", amount(terms.total(), &terms.currency))
}

/// `20 % off 3 charges (1 used)`
pub(super) fn discount(discount: &Discount, currency: &str) -> String {
    let off = match discount.value {
        DiscountValue::Percentage(hundredths) => format!("{hundredths} % off"),
        DiscountValue::Fixed(minor) => format!("{} off", amount(minor, currency)),
        DiscountValue::FixedEach(minor) => format!("{} off each", amount(minor, currency)),
    };
    match discount.limit {
        None => format!("{off} every charge"),
        Some(1) => format!("{off} one charge{}", if discount.used > 0 { " (used)" } else { "" }),
        Some(limit) => format!("{off} {limit} charges ({} used)", discount.used),
    }
}

/// When it is billed next, if that is known: not while a charge is tried again, and not a date that has passed while
/// it rests.
pub(super) fn next_billing(contract: &Contract, now: Timestamp) -> Option<Timestamp> {
    let next =
        contract.next_billing().filter(|_| contract.is_billed() && contract.attention_at().is_none())?;
    (contract.status() == ContractStatus::Active || next > now).then_some(next)
}

/// How long the member may use it, in a sentence.
pub(super) fn access(contract: &Contract, now: Timestamp) -> String {
    if !contract.progress.access {
        return "no, it is not paid for".into();
    }
    match (&contract.life, contract.progress.paid_until) {
        (Life::Active(active), _) if active.dunning.is_some() => {
            "yes, while the charge is tried again".into()
        }
        (Life::Active(_), _) => "yes".into(),
        (_, Some(until)) if until > now => format!("yes, until {}: that much is paid", day(until)),
        _ => "yes".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guildhall_app::contracts::PeriodUnit;

    #[test]
    fn periods_are_told_in_words() {
        let told = |unit, count| every(Period { unit, count });
        assert_eq!(told(PeriodUnit::Month, 1), "every month");
        assert_eq!(told(PeriodUnit::Day, 45), "every 45 days");
    }
}
