//! Contracts that are billed: the list, one with its timeline, and what is done with it. The rules are the use
//! cases' and the domain's; here are the forms and the words.

mod actions;
mod form;
mod list;
mod new;
mod one;
mod plan;
mod timeline;
mod words;

pub(super) use actions::{
    add_discount, cancel, charge, confirm_cancel, forget_downgrade, pause, remove_discount, resume,
    set_cycles, set_interval, set_next_billing, set_note, skip, unskip,
};
pub(super) use list::{Row, list};
pub(super) use new::{create, new};
pub(super) use one::show;
pub(super) use plan::{change_plan, preview_plan};
pub(super) use words::every;

use super::desk::Desk;
use super::form::Form;
use guildhall_app::AppError;
use guildhall_app::contracts::{ContractView, Mark, Way};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

/// The number in the path. What is none names no contract.
fn number_of(desk: &Desk) -> Result<i64, AppError> {
    let text = desk.param("contract");
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    number.ok_or_else(|| Code::ContractNotFound.into())
}

/// The contract that the path names.
async fn named(desk: &Desk) -> Result<ContractView, AppError> {
    let access = desk.allow(Action::ContractRead)?;
    desk.guildhall().contract(&access, number_of(desk)?).await
}

/// Where a page begins, as its address says: `after` or `before` a mark.
pub(super) fn way(query: &Form) -> Way {
    let mark = |name: &str| {
        let (at, number) = query.get(name).split_once('.')?;
        Some(Mark { at: at.parse().ok()?, number: number.parse().ok()? })
    };
    match (mark("after"), mark("before")) {
        (Some(mark), _) => Way::After(mark),
        (None, Some(mark)) => Way::Before(mark),
        (None, None) => Way::Start,
    }
}

/// The addresses of the page before and the page after, under a path of the environment.
pub(super) fn leaves(
    desk: &Desk,
    path: &str,
    previous: Option<Mark>,
    next: Option<Mark>,
) -> (Option<String>, Option<String>) {
    let mut rest = desk.query.query_without(&["after", "before", "done"]);
    if !rest.is_empty() {
        rest.push('&');
    }
    let link =
        |name: &str, mark: Mark| format!("{}?{rest}{name}={}.{}", desk.link(path), mark.at, mark.number);
    (previous.map(|mark| link("before", mark)), next.map(|mark| link("after", mark)))
}
