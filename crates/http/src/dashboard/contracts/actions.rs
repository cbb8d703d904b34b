//! What is done with a contract: each form asks one use case, and says on the contract's page what it would not do.

use super::form::{at_time_of, count, day_of, discount, period, wrong};
use super::one::back;
use super::words::{self, Badge};
use super::{named, number_of};
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::shell::Shell;
use crate::dashboard::when::On;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::contracts::{AttemptChange, ContractChange, ContractStatus, Life, display_name};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

async fn change(desk: &Desk, change: ContractChange) -> Result<(), AppError> {
    let access = desk.allow(Action::ContractWrite)?;
    desk.guildhall().change_contract(&access, number_of(desk)?, change).await.map(|_| ())
}

/// Changes the attempt that the form names, which must be of the contract that the path names.
async fn change_attempt(desk: &Desk, change: AttemptChange) -> Result<(), AppError> {
    let access = desk.allow(Action::BillingWrite)?;
    let number = desk.form.get("attempt").parse().map_err(|_| Code::AttemptNotFound)?;
    let (attempt, _) = desk.guildhall().attempt(&access, number).await?;
    if attempt.contract != number_of(desk)? {
        return Err(Code::AttemptNotFound.into());
    }
    desk.guildhall().change_attempt(&access, number, change).await.map(|_| ())
}

/// `POST …/contracts/{contract}/pause`: until `until`, if that is given.
pub(in crate::dashboard) async fn pause(desk: Desk) -> Result<Response, AppError> {
    let paused = async {
        let until = day_of(&desk.form, "until")?;
        // A contract that rests already would be left as it is, and its date with it.
        if until.is_some() && named(&desk).await?.contract().status() == ContractStatus::Paused {
            return Err(AppError::because(Code::ContractNotActive, "This contract rests already."));
        }
        let how = until.map_or(ContractChange::Pause { cycles: None }, ContractChange::PauseUntil);
        change(&desk, how).await
    };
    let paused = paused.await;
    back(&desk, paused, "paused").await
}

/// `POST …/contracts/{contract}/resume`
pub(in crate::dashboard) async fn resume(desk: Desk) -> Result<Response, AppError> {
    let resumed = change(&desk, ContractChange::Status(ContractStatus::Active)).await;
    back(&desk, resumed, "resumed").await
}

/// `POST …/contracts/{contract}/skip`
pub(in crate::dashboard) async fn skip(desk: Desk) -> Result<Response, AppError> {
    let skipped = change_attempt(&desk, AttemptChange::Skip).await;
    back(&desk, skipped, "skipped").await
}

/// `POST …/contracts/{contract}/unskip`
pub(in crate::dashboard) async fn unskip(desk: Desk) -> Result<Response, AppError> {
    let unskipped = change_attempt(&desk, AttemptChange::Unskip).await;
    back(&desk, unskipped, "unskipped").await
}

/// `POST …/contracts/{contract}/charge`: the period that is next, or one that could not be charged.
pub(in crate::dashboard) async fn charge(desk: Desk) -> Result<Response, AppError> {
    let charged = change_attempt(&desk, AttemptChange::Bill).await;
    back(&desk, charged, "charging").await
}

/// `POST …/contracts/{contract}/next-billing`: another day, at the time of day of the old one.
pub(in crate::dashboard) async fn set_next_billing(desk: Desk) -> Result<Response, AppError> {
    let moved = async {
        let day = day_of(&desk.form, "on")?.ok_or_else(|| wrong("Choose the date to bill on."))?;
        let next = named(&desk).await?.contract().next_billing().unwrap_or(day);
        change(&desk, ContractChange::NextBilling(at_time_of(day, next))).await
    };
    let moved = moved.await;
    back(&desk, moved, "next-billing").await
}

/// `POST …/contracts/{contract}/interval`
pub(in crate::dashboard) async fn set_interval(desk: Desk) -> Result<Response, AppError> {
    let set = async { change(&desk, ContractChange::Period(period(&desk.form)?)).await };
    let set = set.await;
    back(&desk, set, "interval").await
}

/// `POST …/contracts/{contract}/cycles`: the least and the most; empty for none.
pub(in crate::dashboard) async fn set_cycles(desk: Desk) -> Result<Response, AppError> {
    let set = async {
        let (form, none) = (&desk.form, |count: Option<u32>| count.filter(|count| *count > 0));
        let min = none(count(form, "min", "The least number of charges")?);
        let max = none(count(form, "max", "The most charges")?);
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(wrong("The least number of charges cannot be more than the most."));
        }
        let terms = named(&desk).await?.held.contract.terms;
        if min != terms.min_cycles {
            change(&desk, ContractChange::MinCycles(min)).await?;
        }
        if max != terms.max_cycles {
            change(&desk, ContractChange::MaxCycles(max)).await?;
        }
        Ok(())
    };
    let set = set.await;
    back(&desk, set, "saved").await
}

/// `POST …/contracts/{contract}/discounts`
pub(in crate::dashboard) async fn add_discount(desk: Desk) -> Result<Response, AppError> {
    let added = async {
        let currency = named(&desk).await?.held.contract.terms.currency;
        change(&desk, discount(&desk.form, &currency)?).await
    };
    let added = added.await;
    back(&desk, added, "discount-added").await
}

/// `POST …/contracts/{contract}/discounts/remove`
pub(in crate::dashboard) async fn remove_discount(desk: Desk) -> Result<Response, AppError> {
    let removed = change(&desk, ContractChange::RemoveDiscount(desk.form.get("discount").to_owned())).await;
    back(&desk, removed, "discount-removed").await
}

/// `POST …/contracts/{contract}/plan/forget`
pub(in crate::dashboard) async fn forget_downgrade(desk: Desk) -> Result<Response, AppError> {
    let forgotten = change(&desk, ContractChange::ForgetDowngrade).await;
    back(&desk, forgotten, "downgrade-forgotten").await
}

/// `POST …/contracts/{contract}/note`
pub(in crate::dashboard) async fn set_note(desk: Desk) -> Result<Response, AppError> {
    let note = desk.form.get("note").replace("\r\n", "\n").replace('\0', "");
    let set = change(&desk, ContractChange::OrderNote(note)).await;
    back(&desk, set, "saved").await
}

#[derive(Template)]
#[template(path = "dashboard/contract_cancel.html")]
struct CancelPage {
    shell: Shell,
    number: i64,
    title: String,
    customer: String,
    state: Badge,
    /// Why it cannot be cancelled.
    refused: Option<String>,
    /// Whether it is cancelled already, or has ended otherwise.
    over: bool,
    /// Until when the member may use it; nothing if that ends at once.
    usable_until: Option<On>,
    /// Until when it can be taken up again.
    revocable_until: Option<On>,
    /// What is not billed any more.
    price: String,
    error: Option<String>,
    feedback: String,
    note: String,
}

/// `GET …/contracts/{contract}/cancel`
pub(in crate::dashboard) async fn confirm_cancel(desk: Desk) -> Result<Response, AppError> {
    let page = cancel_page(&desk, None).await?;
    desk.page(&page)
}

async fn cancel_page(desk: &Desk, error: Option<String>) -> Result<CancelPage, AppError> {
    let (access, now) = (desk.allow(Action::ContractWrite)?, desk.time());
    let view = named(desk).await?;
    let contract = view.contract();
    let asked = ContractChange::Cancel { feedback: None, note: None };
    let after = match desk.guildhall().preview_contract_change(&access, contract.number, asked).await {
        Ok(after) => Ok(after),
        Err(error) if can_be_mended(&error) => Err(error.message.to_string()),
        Err(error) => return Err(error),
    };
    let ended = after.as_ref().ok().map(|after| after.contract());
    let revocable = ended.and_then(|ended| match &ended.life {
        Life::Cancelled(cancelled) => cancelled.next,
        _ => None,
    });
    Ok(CancelPage {
        shell: desk.shell("Cancel a contract", "contracts"),
        number: contract.number,
        title: words::title(contract),
        customer: display_name(contract, &view.held.holder),
        state: words::state(contract, now),
        over: !contract.status().is_live(),
        usable_until: ended.and_then(|ended| ended.ends_at()).filter(|until| *until > now).map(On),
        revocable_until: revocable.map(On),
        price: words::price(contract),
        refused: after.err(),
        error,
        feedback: desk.form.get("feedback").to_owned(),
        note: desk.form.get("note").to_owned(),
    })
}

/// `POST …/contracts/{contract}/cancel`
pub(in crate::dashboard) async fn cancel(desk: Desk) -> Result<Response, AppError> {
    let text = |name: &str| desk.form.text(name).map(|text| text.replace('\0', ""));
    let asked = ContractChange::Cancel { feedback: text("feedback"), note: text("note") };
    match change(&desk, asked).await {
        Ok(()) => Ok(desk.done(&format!("/contracts/{}", desk.param("contract")), "cancelled")),
        Err(error) if can_be_mended(&error) => {
            let page = cancel_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}
