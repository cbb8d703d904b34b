//! What happened to a contract, newest first, out of its events: each group of events that one change wrote is one
//! entry. Their times are those of the environment's clock, and every try of a charge is an event of its own.

use crate::dashboard::desk::Desk;
use crate::dashboard::money::amount;
use crate::dashboard::when::{When, day};
use guildhall_app::trail::Event;
use guildhall_app::{Access, AppError};
use guildhall_domain::plan::Money;
use guildhall_domain::record::date;
use serde_json::Value;

/// Entries on a page.
const ENTRIES: usize = 20;
/// Events that are read for them: a change writes a few.
const EVENTS: i64 = 100;
/// The event that ends every group but that of a contract's making.
const LAST_OF_GROUP: &str = "membership.updated";
const FIRST_OF_ALL: &str = "membership.created";

/// A part of the timeline.
pub(super) struct Timeline {
    pub entries: Vec<Entry>,
    /// The number of the event that the next part begins before.
    pub next: Option<i64>,
}

/// One thing that happened.
pub(super) struct Entry {
    pub what: String,
    /// More about it; empty if there is nothing.
    pub detail: String,
    pub tone: &'static str,
    pub when: When,
}

/// The events that one change wrote, oldest first.
struct Group {
    events: Vec<Event>,
}

impl Timeline {
    /// The part before an event's number; the newest without one.
    pub async fn read(
        desk: &Desk,
        access: &Access<'_>,
        contract: &str,
        currency: &str,
        before: Option<i64>,
    ) -> Result<Self, AppError> {
        let read = desk.guildhall().page_of_events(access, Some(contract), before, EVENTS).await?;
        let (events, more) = read;
        let mut groups = Group::split(events);
        // The oldest one may go on in what was not read.
        let cut = more && groups.len() > 1;
        let unread = if cut { groups.pop() } else { None };
        let older = groups.get(ENTRIES).or(unread.as_ref()).and_then(Group::shape);
        let rest = groups.len() > ENTRIES || cut;
        groups.truncate(ENTRIES);
        let next = groups.last().and_then(Group::first_number).filter(|_| rest);
        let shapes: Vec<_> = groups.iter().map(Group::shape).chain([older]).collect();
        let entries = groups.iter().zip(&shapes).zip(shapes.iter().skip(1));
        let entries = entries.filter_map(|((group, shape), older)| {
            group.entry(shape.as_ref(), older.as_ref(), currency, desk)
        });
        Ok(Self { entries: entries.collect(), next })
    }
}

impl Group {
    /// Events from the newest on, in groups from the newest on.
    fn split(events: Vec<Event>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for event in events {
            let begins = event.kind == LAST_OF_GROUP || event.kind == FIRST_OF_ALL;
            match groups.last_mut().filter(|_| !begins) {
                Some(group) => group.events.insert(0, event),
                None => groups.push(Self { events: vec![event] }),
            }
        }
        groups
    }

    fn first_number(&self) -> Option<i64> {
        self.events.first().map(|event| event.number)
    }

    /// The contract as it was then, as webhooks tell it.
    fn shape(&self) -> Option<Value> {
        let told = self.events.iter().rev().find(|event| !event.kind.starts_with("membership.billing-"));
        let told =
            told.or_else(|| self.events.iter().rev().find(|event| event.kind.ends_with("interval-changed")));
        serde_json::from_str(&told?.payload).ok()
    }

    fn entry(
        &self,
        shape: Option<&Value>,
        older: Option<&Value>,
        currency: &str,
        desk: &Desk,
    ) -> Option<Entry> {
        let when = desk.when_here(self.events.first()?.created_at);
        let (mut what, mut detail, mut tone) = (Vec::new(), Vec::new(), "");
        for event in &self.events {
            let Some((word, colour)) = word(&event.kind) else { continue };
            // A charge moves the date on by itself; only a date that somebody moved is worth a word.
            if event.kind == "membership.next-order-date-changed" && !what.is_empty() {
                continue;
            }
            what.push(word);
            tone = if tone.is_empty() || colour == "bad" { colour } else { tone };
            if event.kind.starts_with("membership.billing-") && !event.kind.ends_with("interval-changed") {
                detail.extend(about_charge(&event.payload, currency));
            }
        }
        if what.is_empty() {
            what.push("Terms changed");
            detail.extend(shape.zip(older).and_then(|(now, then)| difference(now, then)));
        } else if what == ["Plan changed"] {
            detail.extend(shape.and_then(lines));
        } else if matches!(what[0], "Next billing moved" | "Resumed" | "Period skipped" | "Interval changed")
        {
            let next = shape.and_then(|shape| date(shape["nextBillingDate"].as_str()?));
            detail.extend(next.map(|next| format!("next on {}", day(next))));
        }
        Some(Entry { what: what.join(", then "), detail: detail.join(" · "), tone, when })
    }
}

/// What an event is called here, and its colour. Nothing for those that only go with others.
fn word(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "membership.created" => ("Made", ""),
        "membership.activated" => ("Resumed", "good"),
        "membership.paused" => ("Paused", "warn"),
        "membership.cancelled" => ("Cancelled", "bad"),
        "membership.expired" => ("Ended: it has run its term", ""),
        "membership.swap-product" => ("Plan changed", ""),
        "membership.next-order-date-changed" => ("Next billing moved", ""),
        "membership.billing-interval-changed" => ("Interval changed", ""),
        "membership.billing-success" => ("Charged", "good"),
        "membership.billing-failure" => ("Charge failed", "bad"),
        "membership.billing-skipped" => ("Period skipped", ""),
        _ => return None,
    })
}

/// Amount, reason and try, out of an attempt's payload.
fn about_charge(payload: &str, currency: &str) -> Vec<String> {
    let Ok(attempt) = serde_json::from_str::<Value>(payload) else { return Vec::new() };
    let mut about = Vec::new();
    let major = attempt["orderAmount"].as_number().map(ToString::to_string);
    about.extend(
        major.and_then(|text| Money::from_major(&text, currency)).map(|minor| amount(minor, currency)),
    );
    if attempt["upgradeDowngradeBilling"] == true {
        about.push("difference to the dearer plan".into());
    }
    if attempt["status"] != "SUCCESS" {
        let response = attempt["billingAttemptResponseMessage"].as_str();
        let response = response.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
        about.extend(response["error_message"].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
        about.extend(
            attempt["attemptCount"].as_i64().filter(|tries| *tries > 1).map(|tries| format!("try {tries}")),
        );
    }
    about
}

fn lines(shape: &Value) -> Option<String> {
    let lines = shape["lines"]["nodes"].as_array()?;
    let titles: Vec<_> = lines.iter().filter_map(|line| line["title"].as_str()).collect();
    Some(format!("now {}", titles.join(", "))).filter(|_| !titles.is_empty())
}

/// What of the terms is otherwise than before.
fn difference(now: &Value, then: &Value) -> Option<String> {
    let parts = [
        ("note", "note"),
        ("discounts", "discounts"),
        ("billingPolicy", "least or most cycles"),
        ("deliveryPolicy", "delivery"),
        ("customerPaymentMethod", "payment method"),
        ("customAttributes", "attributes"),
        ("deliveryMethod", "address"),
    ];
    let changed: Vec<_> =
        parts.into_iter().filter(|(key, _)| now[key] != then[key]).map(|(_, word)| word).collect();
    if !changed.is_empty() {
        return Some(changed.join(", "));
    }
    (now["lines"] != then["lines"]).then(|| "lines".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use guildhall_domain::Timestamp;

    fn event(number: i64, kind: &str) -> Event {
        let payload = "{}".to_owned();
        Event {
            number,
            kind: kind.into(),
            subject: "con_1".into(),
            payload,
            created_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn events_of_one_change_are_one_group() {
        let kinds = ["updated", "next-order-date-changed", "billing-success", "updated", "paused", "created"];
        let numbers = [9, 8, 7, 6, 5, 4];
        let events =
            numbers.iter().zip(kinds).map(|(number, kind)| event(*number, &format!("membership.{kind}")));
        let groups = Group::split(events.collect());
        let found: Vec<Vec<_>> =
            groups.iter().map(|group| group.events.iter().map(|event| event.number).collect()).collect();
        assert_eq!(found, [vec![7, 8, 9], vec![5, 6], vec![4]]);
    }

    #[test]
    fn a_charge_tells_its_amount_and_why_it_failed() {
        let payload = serde_json::json!({
            "orderAmount": 19.5, "status": "FAILURE", "attemptCount": 2,
            "billingAttemptResponseMessage": "{\"error_message\":\"The card was declined.\"}",
        });
        assert_eq!(
            about_charge(&payload.to_string(), "eur"),
            ["19.50 EUR", "The card was declined.", "try 2"]
        );
        assert_eq!(about_charge("no json", "eur"), Vec::<String>::new());
    }
}
