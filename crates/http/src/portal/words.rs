//! What the domain knows of a membership, in the plain words of its holder.

use guildhall_app::contracts::{Attempt, AttemptStatus, Contract, ContractKind, Life, Period, PeriodUnit};
use guildhall_domain::Timestamp;
use guildhall_domain::contract::{Change, PauseReason, local_day};
use guildhall_domain::plan::Money;

/// Says things by the clock of one time zone.
pub(super) struct Words<'z> {
    pub zone: &'z str,
    pub now: Timestamp,
}

/// How it stands with a membership: a word or two, how it looks, and what more there is to say.
pub(super) struct Standing {
    pub word: &'static str,
    /// `good`, `warn`, `bad`, or nothing.
    pub tone: &'static str,
    pub sentence: String,
}

impl Words<'_> {
    /// `27 November 2026`, by the clock of the site.
    pub fn day(&self, at: Timestamp) -> String {
        let day = local_day(at, self.zone);
        day.parse::<jiff::civil::Date>().map_or(day, |day| day.strftime("%-d %B %Y").to_string())
    }

    /// How it stands with a membership.
    pub fn standing(&self, contract: &Contract) -> Standing {
        let (word, tone, sentence) = match &contract.life {
            Life::Active(active) => match &active.dunning {
                Some(dunning) => {
                    let day = self.day(dunning.next_try);
                    let sentence =
                        format!("The last payment did not go through. It is tried again on {day}.");
                    ("Payment failed", "bad", sentence)
                }
                None if contract.in_trial(self.now) => {
                    let end = contract.progress.trial_ends_at.map(|end| self.day(end)).unwrap_or_default();
                    ("Trial", "good", format!("Your trial lasts until {end}."))
                }
                None => ("Active", "good", String::new()),
            },
            Life::Paused(paused) => {
                let sentence = match (paused.reason, paused.resume_at) {
                    (PauseReason::SecurityChallenge, _) => {
                        "Your bank wanted you to confirm a payment. Resuming charges it once more.".to_owned()
                    }
                    (PauseReason::Dunning, _) => {
                        "A payment did not go through. Resuming charges it once more.".to_owned()
                    }
                    (PauseReason::Asked, Some(at)) => format!("It resumes by itself on {}.", self.day(at)),
                    (PauseReason::Asked, None) => "Nothing is charged until you resume it.".to_owned(),
                };
                ("Paused", "warn", sentence)
            }
            Life::Cancelled(cancelled) => {
                ("Cancelled", "", format!("Cancelled on {}.", self.day(cancelled.at)))
            }
            Life::Expired(expired) => {
                ("Ended", "", format!("It has run its term on {}.", self.day(expired.at)))
            }
            Life::Failed(failed) => {
                ("Ended", "bad", format!("It could not be charged any more on {}.", self.day(failed.at)))
            }
        };
        Standing { word, tone, sentence }
    }

    /// Until when a membership can be used.
    pub fn usable(&self, contract: &Contract) -> String {
        if !contract.progress.access {
            return match &contract.life {
                Life::Active(_) | Life::Paused(_) => "Not at the moment".to_owned(),
                _ => "No longer".to_owned(),
            };
        }
        match (&contract.life, contract.access_until()) {
            (Life::Active(active), _) if active.dunning.is_some() => {
                "While the payment is tried again".to_owned()
            }
            (Life::Active(_), Some(until)) => {
                format!("Until {}, then on with the next payment", self.day(until))
            }
            (_, Some(until)) => format!("Until {}", self.day(until)),
            (_, None) => "Without end".to_owned(),
        }
    }

    /// What is charged next, and when; nothing if nothing will be.
    pub fn next(&self, contract: &Contract, next: Option<&Attempt>) -> Option<String> {
        match &contract.life {
            Life::Active(active) => match (&active.dunning, next, active.next) {
                (Some(dunning), ..) => {
                    let due = amount(contract.due_minor(), &contract.terms.currency);
                    Some(format!("{due} on {}", self.day(dunning.next_try)))
                }
                (None, Some(next), _) => Some(format!(
                    "{} on {}",
                    amount(next.money.minor, &next.money.currency),
                    self.day(next.due_at)
                )),
                (None, None, Some(at)) => Some(format!("On {}", self.day(at))),
                (None, None, None) => None,
            },
            Life::Paused(_) => Some("Nothing while it is paused".to_owned()),
            Life::Cancelled(_) | Life::Expired(_) | Life::Failed(_) => None,
        }
    }

    /// What waits to happen with a membership.
    pub fn to_come(&self, contract: &Contract) -> Option<String> {
        match &contract.change {
            Some(Change::Downgrade(change)) => Some(format!("To {} with the next payment", change.to.title)),
            Some(Change::Upgrade(_)) => Some("Your new plan is being charged".to_owned()),
            None => None,
        }
    }

    /// When a term begins to let go of its holder, and when it is over.
    pub fn term(&self, contract: &Contract) -> Option<String> {
        let (terms, paid) = (&contract.terms, contract.progress.paid_cycles);
        if !contract.status().is_live() {
            return None;
        }
        let least =
            terms.min_cycles.filter(|min| paid + 1 < *min).map(|min| format!("at least {min} payments"));
        let most = terms.max_cycles.map(|max| format!("{max} payments in all"));
        let said: Vec<_> = [least, most].into_iter().flatten().collect();
        (!said.is_empty()).then(|| format!("For {}; {paid} made so far", said.join(", ")))
    }
}

/// `20.00 USD`
pub(super) fn amount(minor: i64, currency: &str) -> String {
    format!("{} {}", Money::to_major(minor, currency), currency.to_ascii_uppercase())
}

/// `Visa •••• 4242`
pub(super) fn card_of(brand: &str, last_digits: &str) -> String {
    let mut letters = brand.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{} •••• {last_digits}", letters.as_str())
}

/// `20.00 USD every month`
pub(super) fn price(contract: &Contract) -> String {
    let amount = amount(contract.terms.total(), &contract.terms.currency);
    match (contract.kind, contract.terms.period()) {
        (ContractKind::Free, _) => "Free".to_owned(),
        (_, Some(period)) => format!("{amount} every {}", every(period)),
        (_, None) => format!("{amount}, paid once"),
    }
}

fn every(period: Period) -> String {
    let unit = match period.unit {
        PeriodUnit::Day => "day",
        PeriodUnit::Week => "week",
        PeriodUnit::Month => "month",
        PeriodUnit::Year => "year",
    };
    if period.count == 1 { unit.to_owned() } else { format!("{} {unit}s", period.count) }
}

/// What a membership is called.
pub(super) fn name(contract: &Contract) -> String {
    let title = contract.terms.first_line().map(|line| line.item.title.trim().to_owned());
    title.filter(|title| !title.is_empty()).unwrap_or_else(|| format!("Membership {}", contract.number))
}

/// All that a membership is for, if it is for several things.
pub(super) fn includes(contract: &Contract) -> Option<String> {
    let lines = &contract.terms.lines;
    let one = lines.len() == 1 && lines[0].quantity == 1;
    let said = lines.iter().map(|line| match line.quantity {
        1 => line.item.title.clone(),
        several => format!("{several} × {}", line.item.title),
    });
    (!one && !lines.is_empty()).then(|| said.collect::<Vec<_>>().join(", "))
}

/// What became of a charge, and how that looks.
pub(super) const fn outcome(attempt: &Attempt) -> (&'static str, &'static str) {
    match attempt.status {
        AttemptStatus::Success => ("Paid", "good"),
        AttemptStatus::Failure => ("Did not go through", "bad"),
        AttemptStatus::SecurityChallenge => ("Your bank wants you to confirm", "bad"),
        AttemptStatus::Skipped => ("Skipped", ""),
        AttemptStatus::SkippedByDunning => ("Left out, could not be charged", "bad"),
        AttemptStatus::ContractPaused => ("Nothing charged, it was paused", ""),
        AttemptStatus::ContractCancelled | AttemptStatus::ContractEnded => {
            ("Nothing charged, it had ended", "")
        }
        AttemptStatus::Queued | AttemptStatus::Requesting => ("Under way", ""),
    }
}
