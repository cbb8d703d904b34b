//! Looking through contracts that are billed, as people do: by state, plan and customer, page by page in both
//! directions. Every page is found by an index; what customers' addresses begin with is looked for in so many
//! members and no more.

use super::HeldContract;
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::addresses_that_begin;
use guildhall_domain::contract::ContractStatus;
use guildhall_domain::ids::PlanId;
use guildhall_domain::member::Member;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::{Code, EnvironmentId};
use guildhall_store::{BilledFilter, BilledKey, BilledOrder, ListOrder, Mark, PaymentMethod, Tx, Way};

/// Members whose addresses begin as is asked for that are looked at, at most.
const CUSTOMERS_MAX: usize = 500;
/// Contracts of one member that are read, at most.
const OF_MEMBER_MAX: usize = 100;

/// What is looked for. Everything that is given must hold.
#[derive(Clone, Debug)]
pub struct ContractSearch {
    /// How the customer's address begins, in any case, or the customer's or the contract's number.
    pub customer: Option<String>,
    /// The state.
    pub status: Option<ContractStatus>,
    /// The plan.
    pub plan: Option<PlanId>,
    /// Only those whose charge failed.
    pub attention: bool,
    /// The order. By next date, only contracts that run are listed unless a state is named.
    pub order: BilledOrder,
    /// Where the page begins.
    pub way: Way,
    /// How many at most.
    pub limit: usize,
}

/// A page of contracts that were found.
#[derive(Debug)]
pub struct FoundContracts {
    /// The contracts, in order.
    pub contracts: Vec<HeldContract>,
    /// The page before this one ends before this mark; nothing if there is none.
    pub previous: Option<Mark>,
    /// The page after this one begins after this mark; nothing if there is none.
    pub next: Option<Mark>,
    /// Set if more customers' addresses begin so than are looked at: how many were.
    pub customers_cut_at: Option<usize>,
}

/// A member's contracts, and how it can pay for more.
#[derive(Debug)]
pub struct MemberContracts {
    /// The newest first, free ones left out.
    pub contracts: Vec<HeldContract>,
    /// Its payment methods.
    pub methods: Vec<PaymentMethod>,
    /// The number that it is known by as a customer.
    pub number: i64,
}

/// A stretch of marks cut to a page.
#[derive(Debug)]
pub struct Cut {
    /// The page's marks, in order.
    pub marks: Vec<Mark>,
    /// As of [`FoundContracts::previous`].
    pub previous: Option<Mark>,
    /// As of [`FoundContracts::next`].
    pub next: Option<Mark>,
}

impl Cut {
    /// A page out of the marks nearest to where it begins, the nearest first; there is one more of them than the
    /// page holds if there are more.
    pub(super) fn of(mut marks: Vec<Mark>, way: Way, limit: usize) -> Self {
        let more = marks.len() > limit;
        marks.truncate(limit);
        let backwards = matches!(way, Way::Before(_));
        if backwards {
            marks.reverse();
        }
        let (first, last) = (marks.first().copied(), marks.last().copied());
        // What one came from is still there, or something in its place.
        let previous = first.filter(|_| if backwards { more } else { way != Way::Start });
        let next = last.filter(|_| backwards || more);
        Self { marks, previous, next }
    }
}

/// Puts marks into the order of their distance from where the page begins.
fn sort(marks: &mut [Mark], order: BilledOrder, way: Way) {
    let down = (order == BilledOrder::Newest) != matches!(way, Way::Before(_));
    marks.sort_unstable_by(|one, other| if down { other.cmp(one) } else { one.cmp(other) });
}

impl ContractSearch {
    /// The states to look in.
    fn statuses(&self) -> Vec<ContractStatus> {
        match (self.status, self.attention, self.order) {
            (Some(status), _, _) => vec![status],
            (None, true, _) => vec![ContractStatus::Active, ContractStatus::Paused],
            (None, false, BilledOrder::Newest) => ContractStatus::ALL.to_vec(),
            (None, false, _) => vec![ContractStatus::Active],
        }
    }

    fn matches(&self, key: &BilledKey) -> bool {
        self.statuses().contains(&key.status)
            && self.plan.as_ref().is_none_or(|plan| key.plan.as_ref() == Some(plan))
            && (!self.attention || key.attention_at.is_some())
    }

    fn mark(&self, key: &BilledKey) -> Option<Mark> {
        let at = match self.order {
            BilledOrder::Newest => Some(key.number),
            // What could not be charged has had its date.
            BilledOrder::NextBilling => {
                let next = key.next_billing.filter(|_| self.attention || key.attention_at.is_none());
                next.map(|at| at.micros())
            }
            BilledOrder::Attention => key.attention_at.map(|at| at.micros()),
        };
        Some(Mark { at: at?, number: key.number })
    }

    /// Whether a mark lies in the direction that is looked in.
    fn is_ahead(&self, mark: &Mark) -> bool {
        let down = self.order == BilledOrder::Newest;
        match self.way {
            Way::Start => true,
            Way::After(from) => {
                if down {
                    *mark < from
                } else {
                    *mark > from
                }
            }
            Way::Before(from) => {
                if down {
                    *mark > from
                } else {
                    *mark < from
                }
            }
        }
    }
}

impl Guildhall {
    /// A page of the contracts that are looked for.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn search_contracts(
        &self,
        access: &Access<'_>,
        search: ContractSearch,
    ) -> Result<FoundContracts, AppError> {
        let environment = access.environment();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut customers_cut_at = None;
                let mut marks = match search.customer.as_deref().map(str::trim) {
                    Some(customer) if !customer.is_empty() => {
                        let (keys, cut) = keys_of_customers(tx, environment, customer).await?;
                        customers_cut_at = cut.then_some(CUSTOMERS_MAX);
                        let matching = keys.iter().filter(|key| search.matches(key));
                        let marks = matching.filter_map(|key| search.mark(key));
                        marks.filter(|mark| search.is_ahead(mark)).collect()
                    }
                    _ => marks_of_all(tx, environment, &search).await?,
                };
                sort(&mut marks, search.order, search.way);
                let cut = Cut::of(marks, search.way, search.limit);
                let numbers: Vec<_> = cut.marks.iter().map(|mark| mark.number).collect();
                let contracts = tx.contracts().numbered(environment, &numbers).await?;
                Ok(FoundContracts { contracts, previous: cut.previous, next: cut.next, customers_cut_at })
            })
        });
        found.await
    }

    /// A member's contracts that are billed, and what it pays with. The member must be one of the environment's.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn member_contracts(
        &self,
        access: &Access<'_>,
        member: &Member,
    ) -> Result<MemberContracts, AppError> {
        let (environment, key) = (access.environment(), member.key);
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut numbers: Vec<_> =
                    tx.contracts().billed_of_members(&[key]).await?.iter().map(|key| key.number).collect();
                numbers.sort_unstable_by(|one, other| other.cmp(one));
                numbers.truncate(OF_MEMBER_MAX);
                let contracts = tx.contracts().numbered(environment, &numbers).await?;
                let methods = tx.payments().methods_of(key).await?;
                let number = tx.members().customer_number(key).await?;
                Ok(MemberContracts { contracts, methods, number })
            })
        });
        found.await
    }

    /// Whether a new contract may name a payment method that the provider does not have yet: only the built-in fake
    /// one makes them up.
    pub fn makes_payment_methods(&self, access: &Access<'_>) -> bool {
        self.payments().of(access.mode()).is_some_and(|provider| provider.is_fake())
    }
}

async fn marks_of_all(
    tx: &mut Tx,
    environment: EnvironmentId,
    search: &ContractSearch,
) -> Result<Vec<Mark>, AppError> {
    let limit = search.limit as i64 + 1;
    let mut marks = Vec::new();
    // State by state, because each of them is a stretch of an index, and in order.
    for status in search.statuses() {
        let filter = BilledFilter { status, plan: search.plan.clone(), attention: search.attention };
        marks.extend(
            tx.contracts().billed_marks(environment, &filter, search.order, search.way, limit).await?,
        );
    }
    Ok(marks)
}

/// The contracts of customers by their number, or by how their address begins; and whether there are more such
/// customers than are looked at.
async fn keys_of_customers(
    tx: &mut Tx,
    environment: EnvironmentId,
    customer: &str,
) -> Result<(Vec<BilledKey>, bool), AppError> {
    if let Ok(number) = customer.trim_start_matches('#').parse::<i64>() {
        let mut holders: Vec<MemberKey> = Vec::new();
        let by_number = tx.members().find_by_customer_number(environment, number).await?;
        holders.extend(by_number.map(|member| member.key));
        let contract = tx.contracts().find(environment, number).await?;
        let holder = contract.map(|held| held.contract.holder);
        let own = match holder {
            Some(holder) => tx.contracts().billed_of_members(&[holder]).await?,
            None => Vec::new(),
        };
        let mut keys = tx.contracts().billed_of_members(&holders).await?;
        let known = keys.iter().any(|key| key.number == number);
        keys.extend(own.into_iter().filter(|key| key.number == number && !known));
        return Ok((keys, false));
    }
    if customer.chars().any(char::is_control) {
        return Err(Code::QueryInvalid.into());
    }
    let (above, below) = addresses_that_begin(customer);
    let limit = CUSTOMERS_MAX as i64 + 1;
    let between = (above.as_str(), below.as_str());
    let mut members = tx.members().by_address(environment, between, ListOrder::Ascending, limit).await?;
    let cut = members.len() > CUSTOMERS_MAX;
    members.truncate(CUSTOMERS_MAX);
    let holders: Vec<_> = members.iter().map(|member| member.key).collect();
    Ok((tx.contracts().billed_of_members(&holders).await?, cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(numbers: &[i64]) -> Vec<Mark> {
        numbers.iter().map(|number| Mark { at: *number, number: *number }).collect()
    }

    #[test]
    fn a_page_knows_whether_there_is_more_on_either_side() {
        let at = |number| Mark { at: number, number };
        let cut = Cut::of(marks(&[9, 8, 7]), Way::Start, 2);
        assert_eq!((cut.marks, cut.previous, cut.next), (marks(&[9, 8]), None, Some(at(8))));
        let cut = Cut::of(marks(&[7, 6]), Way::After(at(8)), 2);
        assert_eq!((cut.marks, cut.previous, cut.next), (marks(&[7, 6]), Some(at(7)), None));
        let cut = Cut::of(marks(&[8, 9]), Way::Before(at(7)), 2);
        assert_eq!((cut.marks, cut.previous, cut.next), (marks(&[9, 8]), None, Some(at(8))));
        let cut = Cut::of(marks(&[5, 6, 7]), Way::Before(at(4)), 2);
        assert_eq!((cut.marks, cut.previous, cut.next), (marks(&[6, 5]), Some(at(6)), Some(at(5))));
        let cut = Cut::of(Vec::new(), Way::Start, 2);
        assert_eq!((cut.marks, cut.previous, cut.next), (Vec::new(), None, None));
    }
}
