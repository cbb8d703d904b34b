//! One contract: its terms, what comes next, what was charged, and what happened.

use super::named;
use super::timeline::Timeline;
use super::words::{self, Badge};
use crate::dashboard::audit::{self, entries};
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::form::Form;
use crate::dashboard::money::amount;
use crate::dashboard::shell::Shell;
use crate::dashboard::when::On;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::contracts::{
    Attempt, AttemptFilter, AttemptStatus, Change, Contract, ContractKind, ContractStatus, ContractView,
    Life, PeriodUnit, display_name,
};
use guildhall_app::trail::TrailFilter;
use guildhall_domain::scope::Action;

/// Charges and entries of the audit trail that are shown.
const CHARGES: i64 = 12;
const ENTRIES: usize = 10;
/// Dates that lie ahead that are shown.
const AHEAD: usize = 4;

#[derive(Template)]
#[template(path = "dashboard/contract.html")]
pub(super) struct ContractPage {
    shell: Shell,
    number: i64,
    id: String,
    title: String,
    state: Badge,
    member: String,
    customer: String,
    /// What is wrong with it and what comes of that; empty if nothing is.
    trouble: Option<String>,
    free: bool,
    /// Whether it may still be billed.
    live: bool,
    running: bool,
    resumable: bool,
    under_way: bool,
    price: String,
    lines: Vec<LineRow>,
    discounts: Vec<(String, String, String)>,
    credit: Option<String>,
    delivery: Option<String>,
    access: String,
    next: Option<On>,
    trial_ends: Option<On>,
    resumes: Option<On>,
    ended: Option<On>,
    feedback: Option<String>,
    paid_cycles: u32,
    min_cycles: String,
    max_cycles: String,
    method: String,
    note: String,
    created: On,
    downgrade: Option<String>,
    period: Option<(u32, &'static str)>,
    ahead: Vec<(On, String)>,
    charges: Vec<ChargeRow>,
    charges_total: i64,
    charges_next: Option<String>,
    timeline: Timeline,
    timeline_next: Option<String>,
    prices: Vec<(i64, String)>,
    entries: Vec<audit::Entry>,
    error: Option<String>,
    /// The action whose form came back.
    open: String,
    form: Form,
}

struct LineRow {
    title: String,
    plan: Option<String>,
    quantity: u32,
    each: String,
    one_time: bool,
}

struct ChargeRow {
    number: i64,
    due: On,
    tried: Option<On>,
    amount: String,
    outcome: Badge,
    reason: String,
    upgrade: bool,
    can_skip: bool,
    can_charge: bool,
    can_retry: bool,
    can_unskip: bool,
}

impl ContractPage {
    /// What was typed into the form that came back, or what stands.
    fn typed<'p>(&'p self, open: &str, name: &str, stored: &'p str) -> &'p str {
        if self.open == open && self.form.ticked(name) { self.form.get(name) } else { stored }
    }

    fn is_open(&self, action: &str) -> bool {
        self.open == action
    }

    fn units(&self) -> [(&'static str, &'static str); 4] {
        let word = |unit| match unit {
            PeriodUnit::Day => "days",
            PeriodUnit::Week => "weeks",
            PeriodUnit::Month => "months",
            PeriodUnit::Year => "years",
        };
        PeriodUnit::ALL.map(|unit| (unit.as_str(), word(unit)))
    }

    fn unit(&self) -> &str {
        self.typed("interval", "unit", self.period.map_or("", |(_, unit)| unit))
    }

    fn count(&self) -> String {
        let stored = self.period.map_or(1, |(count, _)| count).to_string();
        self.typed("interval", "count", &stored).to_owned()
    }
}

/// `GET …/contracts/{contract}?before=&charges=`
pub(in crate::dashboard) async fn show(desk: Desk) -> Result<Response, AppError> {
    let view = named(&desk).await?;
    let page = page(&desk, view, None).await?;
    desk.page(&page)
}

/// Back to the contract, or its page once more with what was wrong.
pub(super) async fn back(
    desk: &Desk,
    result: Result<(), AppError>,
    notice: &str,
) -> Result<Response, AppError> {
    match result {
        Ok(()) => Ok(desk.done(&format!("/contracts/{}", desk.param("contract")), notice)),
        Err(error) if can_be_mended(&error) => {
            let view = named(desk).await?;
            let page = page(desk, view, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

async fn page(desk: &Desk, view: ContractView, error: Option<String>) -> Result<ContractPage, AppError> {
    let access = desk.allow(Action::ContractRead)?;
    let guildhall = desk.guildhall();
    let (contract, holder) = (&view.held.contract, &view.held.holder);
    let (now, currency) = (desk.time(), contract.terms.currency.as_str());
    let id = contract.id.to_string();
    let path = format!("/contracts/{}", contract.number);

    let skipped =
        desk.query.get("charges").parse::<i64>().ok().filter(|skipped| (0..1_000_000).contains(skipped));
    let skipped = skipped.unwrap_or(0);
    let filter =
        AttemptFilter { contract: Some(contract.number), latest_first: true, ..AttemptFilter::default() };
    let (attempts, total) = guildhall.list_attempts(&access, filter, skipped, CHARGES).await?;
    let further = skipped + CHARGES;

    let before = desk.query.get("before").parse().ok();
    let timeline = Timeline::read(desk, &access, &id, currency, before).await?;
    let trail = TrailFilter { subject: Some(id.clone()), ..TrailFilter::default() };
    let trail = guildhall.audit_trail(desk.place()?, trail, None, ENTRIES).await?;

    let title = words::title(contract);
    let name = display_name(contract, holder);
    let text = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
    let lines = contract.terms.lines.iter().map(|line| LineRow {
        title: line.item.title.clone(),
        plan: line.item.plan.as_ref().map(ToString::to_string),
        quantity: line.quantity,
        each: amount(line.item.unit_minor, currency),
        one_time: line.one_time,
    });
    let discounts =
        contract.terms.discounts.iter().map(|discount| {
            (discount.id.clone(), discount.title.clone(), words::discount(discount, currency))
        });
    let method = view.method.as_ref().map(|method| {
        let fake =
            if method.provider == "fake" { format!(" · {}", method.reference) } else { String::new() };
        format!("{} •••• {}{fake}", method.brand, method.last_digits)
    });
    let downgrade = match &contract.change {
        Some(Change::Downgrade(change)) => Some(change.to.title.clone()),
        _ => None,
    };
    let offered =
        access.definitions().plans.iter().flat_map(|plan| plan.prices.iter().map(move |price| (plan, price)));
    let held = contract.terms.first_line().map(|line| line.item.variant);
    let offered = offered.filter(|(plan, price)| {
        plan.offers(price) && price.money.currency == currency && Some(price.number) != held
    });
    Ok(ContractPage {
        shell: desk.shell(format!("{title} #{}", contract.number), "contracts"),
        number: contract.number,
        state: words::state(contract, now),
        member: holder.id.to_string(),
        customer: if name.is_empty() { holder.id.to_string() } else { name },
        trouble: trouble(contract, &attempts),
        free: contract.kind == ContractKind::Free,
        live: contract.is_billed(),
        running: contract.status() == ContractStatus::Active,
        resumable: is_resumable(contract, now),
        under_way: contract.progress.asked.is_some(),
        price: words::price(contract),
        lines: lines.collect(),
        discounts: discounts.collect(),
        credit: Some(contract.progress.credit)
            .filter(|credit| *credit > 0)
            .map(|credit| amount(credit, currency)),
        delivery: Some(contract.terms.delivery_minor)
            .filter(|minor| *minor > 0)
            .map(|minor| amount(minor, currency)),
        access: words::access(contract, now),
        next: words::next_billing(contract, now).map(On),
        trial_ends: contract.progress.trial_ends_at.filter(|_| contract.in_trial(now)).map(On),
        resumes: match &contract.life {
            Life::Paused(paused) => paused.resume_at.map(On),
            _ => None,
        },
        ended: contract.ends_at().map(On),
        feedback: reason_given(contract),
        paid_cycles: contract.progress.paid_cycles,
        min_cycles: text(contract.terms.min_cycles),
        max_cycles: text(contract.terms.max_cycles),
        method: method.unwrap_or_else(|| "none".into()),
        note: contract.notes.order_note.clone().unwrap_or_default(),
        created: On(contract.created_at),
        downgrade,
        period: contract.terms.period().map(|period| (period.count, period.unit.as_str())),
        ahead: ahead(contract),
        charges: attempts.iter().map(|(attempt, held)| charge_row(attempt, &held.contract, now)).collect(),
        charges_total: total,
        charges_next: (further < total).then(|| format!("{}?charges={further}#h-charges", desk.link(&path))),
        timeline_next: timeline.next.map(|next| format!("{}?before={next}#h-timeline", desk.link(&path))),
        timeline,
        prices: offered
            .map(|(plan, price)| {
                (price.number, format!("{}: {}", plan.name, crate::dashboard::plans::price_text(price)))
            })
            .collect(),
        entries: entries(desk, trail),
        open: error
            .as_ref()
            .map(|_| desk.path.rsplit('/').next().unwrap_or_default().to_owned())
            .unwrap_or_default(),
        error,
        form: desk.form.clone(),
        title,
        id,
    })
}

/// What fails about a contract, and what comes of it.
fn trouble(
    contract: &Contract,
    attempts: &[(Attempt, guildhall_app::contracts::HeldContract)],
) -> Option<String> {
    use crate::dashboard::when::minute;
    let failed = attempts.iter().find(|(attempt, _)| attempt.status == AttemptStatus::Failure);
    let why = failed.and_then(|(attempt, _)| attempt.message.clone()).unwrap_or_default();
    match &contract.life {
        Life::Active(active) => active.dunning.as_ref().map(|dunning| {
            let tries = if dunning.tries == 1 { "once".into() } else { format!("{} times", dunning.tries) };
            let why = if why.is_empty() { String::new() } else { format!(" {why}") };
            let next = minute(dunning.next_try);
            format!("The charge has failed {tries}.{why} It is tried again on {next}.")
        }),
        Life::Paused(_) if contract.is_paused_by_challenge() => Some(
            "The bank wants its customer to confirm the charge. The contract rests until it is resumed, which charges it at once.".into(),
        ),
        Life::Paused(_) if contract.attention_at().is_some() => Some(
            "The charge failed too often, so the contract rests. Resuming it charges it at once.".into(),
        ),
        _ => None,
    }
}

fn is_resumable(contract: &Contract, now: guildhall_domain::Timestamp) -> bool {
    match &contract.life {
        Life::Paused(_) => true,
        // Until the date it would have been billed on.
        Life::Cancelled(cancelled) => cancelled.next.is_some_and(|next| next > now),
        _ => false,
    }
}

fn reason_given(contract: &Contract) -> Option<String> {
    let notes = &contract.notes;
    let parts = [notes.cancellation_feedback.clone(), notes.cancellation_note.clone()];
    let told = parts.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    Some(told).filter(|told| contract.status() == ContractStatus::Cancelled && !told.is_empty())
}

/// The dates that come after the one in the queue, as far as the terms tell, and what they would come to.
fn ahead(contract: &Contract) -> Vec<(On, String)> {
    let Life::Active(active) = &contract.life else { return Vec::new() };
    let Some((schedule, mut at)) = contract.terms.schedule.as_ref().zip(active.next) else {
        return Vec::new();
    };
    let left = contract.terms.max_cycles.map(|max| max.saturating_sub(contract.progress.paid_cycles + 1));
    let mut ahead = Vec::new();
    while ahead.len() < left.map_or(AHEAD, |left| AHEAD.min(left as usize)) {
        match schedule.after(at) {
            Some(next) => at = next,
            None => break,
        }
        ahead.push((On(at), amount(contract.terms.subtotal(), &contract.terms.currency)));
    }
    ahead
}

fn charge_row(attempt: &Attempt, contract: &Contract, now: guildhall_domain::Timestamp) -> ChargeRow {
    let current = attempt.slot == i64::from(contract.progress.slot);
    let running = contract.status() == ContractStatus::Active && contract.progress.asked.is_none();
    let queued = attempt.status == AttemptStatus::Queued && current && running;
    ChargeRow {
        number: attempt.number,
        due: On(attempt.due_at),
        tried: attempt.tried_at.map(On),
        amount: amount(attempt.money.minor, &attempt.money.currency),
        outcome: words::outcome(attempt.status),
        reason: words::reason(attempt),
        upgrade: attempt.is_upgrade(),
        can_skip: queued && contract.terms.schedule.is_some(),
        can_charge: queued,
        can_retry: attempt.status == AttemptStatus::Failure && current && running,
        can_unskip: attempt.status == AttemptStatus::Skipped
            && running
            && contract.may_unskip(attempt.slot, attempt.due_at, now),
    }
}
