//! What is done with contracts: made, read, changed. What a charge leads to is in [`crate::billing`].
//!
//! The rules are the domain's; here they meet the store. Everything that changes a contract goes through
//! `unit::Unit`, which keeps the queue, the member's summary, the counts of holders, the figures, the
//! audit trail and the events in step with it, in one transaction.

mod attempt;
mod change;
mod codes;
mod create;
mod list;
mod preview;
mod renewals;
mod search;
mod tally;
pub(crate) mod unit;
mod view;

pub use attempt::AttemptChange;
pub use change::{ContractChange, PlanMode};
pub use codes::DiscountCode;
pub use create::{ContractDraft, LineDraft};
pub use list::Customer;
pub use renewals::{RenewalDays, RenewalPage};
pub use search::{ContractSearch, Cut, FoundContracts, MemberContracts};
pub(crate) use tally::Tally;
pub use view::{attempt_view, contract_view, display_name, gid, holder_name, major, names, seconds};

pub use guildhall_domain::attempt::{Attempt, AttemptStatus};
pub use guildhall_domain::contract::{
    Change, Contract, ContractKind, ContractStatus, DiscountValue, Item, Life, Line, Period, PeriodUnit,
};
pub use guildhall_store::{
    AttemptFilter, BilledOrder, ContractFilter, ContractOrder, ContractPage, CustomerRow, HeldContract,
    Holder, Mark, PaymentMethod, RenewalSum, SortBy, Way,
};

use crate::definitions::Definitions;
use guildhall_domain::contract::Period as BillingPeriod;
use guildhall_domain::plan::{Plan, Price};

/// A contract with everything that its views show.
#[derive(Clone, Debug)]
pub struct ContractView {
    /// The contract and who holds it.
    pub held: HeldContract,
    /// How it is paid for, if the member has a way to.
    pub method: Option<PaymentMethod>,
}

impl ContractView {
    /// The contract.
    pub fn contract(&self) -> &Contract {
        &self.held.contract
    }
}

/// What a price of ours is as the item of a line.
pub(crate) fn item_of(plan: &Plan, price: &Price) -> Item {
    Item {
        plan: Some(plan.id.clone()),
        price: Some(price.id.clone()),
        variant: price.number,
        product: Some(plan.number),
        selling_plan: Some(price.number),
        title: plan.name.clone(),
        selling_plan_name: Some(price.name.clone().unwrap_or_else(|| plan.name.clone())),
        unit_minor: price.money.minor,
        period: BillingPeriod::of_interval(price.interval),
    }
}

impl Definitions {
    /// Gives a free contract what is not kept with it: its plan's name and number, and the app's currency.
    pub(crate) fn complete(&self, contract: &mut Contract) {
        if contract.kind != ContractKind::Free {
            return;
        }
        contract.terms.currency.clone_from(&self.app.currency);
        for line in contract.terms.lines.iter_mut().filter(|line| line.item.title.is_empty()) {
            let plan = self.plans.iter().find(|plan| Some(&plan.id) == line.item.plan.as_ref());
            if let Some(plan) = plan {
                line.item.title.clone_from(&plan.name);
                line.item.product = Some(plan.number);
            }
        }
    }

    /// The price that the Appstle dialect knows by this number, and its plan.
    pub fn price_numbered(&self, number: i64) -> Option<(&Plan, &Price)> {
        self.plans.iter().find_map(|plan| {
            let price = plan.prices.iter().find(|price| price.number == number)?;
            Some((plan, price))
        })
    }

    /// The price with this id, and its plan.
    pub fn price(&self, id: &str) -> Option<(&Plan, &Price)> {
        self.plans.iter().find_map(|plan| {
            let price = plan.prices.iter().find(|price| price.id.as_str() == id)?;
            Some((plan, price))
        })
    }
}
