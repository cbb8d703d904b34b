//! Pages of contracts that are billed, as people leaf through them: from a mark on, forwards and back, by an index
//! each time. Free plans are contracts too; they have no place here.

use super::{Contracts, HeldContract, held_from_row, select_contracts};
use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::statement::Statement;
use guildhall_domain::contract::ContractStatus;
use guildhall_domain::ids::PlanId;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::{EnvironmentId, Timestamp};

/// Which contracts are wanted: those that meet every condition given.
#[derive(Clone, Debug)]
pub struct BilledFilter {
    /// In this state.
    pub status: ContractStatus,
    /// On this plan.
    pub plan: Option<PlanId>,
    /// Only those whose charge failed.
    pub attention: bool,
}

/// In which order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BilledOrder {
    /// The newest first.
    Newest,
    /// The one that is billed next first; without those that have no date.
    NextBilling,
    /// The one that is tried again next, or has rested longest, first; only those whose charge failed.
    Attention,
}

/// A place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// What the order goes by: the number, or a date in microseconds.
    pub at: i64,
    /// The contract's number.
    pub number: i64,
}

/// Which way from a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the beginning.
    Start,
    /// What comes after the mark, the nearest first.
    After(Mark),
    /// What comes before the mark, the nearest first.
    Before(Mark),
}

/// What a contract is found and sorted by.
#[derive(Clone, Debug)]
pub struct BilledKey {
    /// Its number.
    pub number: i64,
    /// Its state.
    pub status: ContractStatus,
    /// Its plan, if that is one of ours.
    pub plan: Option<PlanId>,
    /// When it is billed next.
    pub next_billing: Option<Timestamp>,
    /// Set if its charge failed.
    pub attention_at: Option<Timestamp>,
}

/// What is to be billed on one day in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalSum {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Lower-case ISO 4217 code.
    pub currency: String,
    /// How many contracts.
    pub contracts: i64,
    /// What they come to, in minor units, before any credit.
    pub minor: i64,
}

impl BilledOrder {
    /// Column, and whether the largest comes first. Of those whose charge failed there are few: the sign before a
    /// column keeps SQLite from going through all others for the sake of the order.
    const fn column(self, attention: bool) -> (&'static str, bool) {
        match (self, attention) {
            (Self::Newest, false) => ("c.number", true),
            (Self::Newest, true) => ("+c.number", true),
            (Self::NextBilling, false) => ("c.next_billing_at", false),
            (Self::NextBilling, true) => ("+c.next_billing_at", false),
            (Self::Attention, _) => ("c.attention_at", false),
        }
    }
}

impl Contracts<'_> {
    /// Marks of contracts in one state, up to a limit, the nearest to where it begins first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn billed_marks(
        &mut self,
        environment: EnvironmentId,
        filter: &BilledFilter,
        order: BilledOrder,
        way: Way,
        limit: i64,
    ) -> Result<Vec<Mark>, StoreError> {
        let (column, descending) = order.column(filter.attention);
        let mut statement = Statement::new(self.tx.dialect());
        statement.push("SELECT ").push(column).push(", c.number FROM contracts c WHERE c.environment = ");
        statement.bind(environment.stored());
        statement.push(" AND c.status = ").bind(filter.status.as_str().to_owned());
        statement.push(" AND ").push(column).push(" IS NOT NULL");
        if order == BilledOrder::Newest && !filter.attention {
            statement.push(" AND c.kind <> 'FREE'");
        }
        if let Some(plan) = &filter.plan {
            statement.push(if filter.attention { " AND +c.plan = " } else { " AND c.plan = " });
            statement.bind(plan.as_str().to_owned());
        }
        if filter.attention {
            statement.push(" AND c.attention_at IS NOT NULL");
        }
        if order == BilledOrder::NextBilling && !filter.attention {
            // What could not be charged has had its date.
            statement.push(" AND c.attention_at IS NULL");
        }
        let backwards = matches!(way, Way::Before(_));
        let down = descending != backwards;
        if let Way::After(mark) | Way::Before(mark) = way {
            let test = if down { " < (" } else { " > (" };
            statement.push(" AND (").push(column).push(", c.number)").push(test);
            statement.bind(mark.at).push(", ").bind(mark.number).push(")");
        }
        let direction = if down { " DESC" } else { "" };
        statement.push(" ORDER BY ").push(column).push(direction).push(", c.number").push(direction);
        statement.push(" LIMIT ").bind(limit);
        let values = statement.params();
        let found = self.tx.all_for_values(statement.sql(), &values, |row| {
            Ok(Mark { at: row.int(0)?, number: row.int(1)? })
        });
        found.await
    }

    /// What the billed contracts of some members are found and sorted by, in no order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn billed_of_members(&mut self, members: &[MemberKey]) -> Result<Vec<BilledKey>, StoreError> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::new(self.tx.dialect());
        statement
            .push("SELECT c.number, c.status, c.plan, c.next_billing_at, c.attention_at FROM contracts c");
        statement.push(" WHERE c.kind <> 'FREE' AND c.member_key IN (");
        statement.list(members, ", ", |statement, member| {
            statement.bind(member.stored());
        });
        statement.push(")");
        let values = statement.params();
        let found = self.tx.all_for_values(statement.sql(), &values, |row| {
            Ok(BilledKey {
                number: row.int(0)?,
                status: row.parsed(1, ContractStatus::from_stored)?,
                plan: row.opt_text(2)?.map(PlanId::from_text),
                next_billing: row.opt_time(3)?,
                attention_at: row.opt_time(4)?,
            })
        });
        found.await
    }

    /// Contracts of the environment by their numbers, in the order of these.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn numbered(
        &mut self,
        environment: EnvironmentId,
        numbers: &[i64],
    ) -> Result<Vec<HeldContract>, StoreError> {
        if self.tx.dialect() == Dialect::Sqlite {
            // A point read takes microseconds there, and for a list of numbers its planner goes through the whole table
            // if that was small when it was counted last.
            let mut found = Vec::with_capacity(numbers.len());
            for number in numbers {
                found.extend(self.find(environment, *number).await?);
            }
            return Ok(found);
        }
        self.listed(environment, numbers).await
    }

    /// As [`Contracts::numbered`], by one statement.
    async fn listed(
        &mut self,
        environment: EnvironmentId,
        numbers: &[i64],
    ) -> Result<Vec<HeldContract>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::new(self.tx.dialect());
        statement.push(select_contracts!("WHERE c.environment = ")).bind(environment.stored());
        statement.push(" AND c.number IN (");
        statement.list(numbers, ", ", |statement, number| {
            statement.bind(*number);
        });
        statement.push(")");
        let mut found = self.tx.all_for_values(statement.sql(), &statement.params(), held_from_row).await?;
        found.sort_by_key(|held| numbers.iter().position(|number| *number == held.contract.number));
        Ok(found)
    }

    /// What running contracts come to that are billed from one time until before another, by day and currency.
    /// Those that are being tried again are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renewal_sums(
        &mut self,
        environment: EnvironmentId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RenewalSum>, StoreError> {
        const SUMS: &str = "SELECT c.next_billing_at / 86400000000, c.amount_currency, COUNT(*),
            CAST(SUM(c.amount) AS BIGINT) FROM contracts c
            WHERE c.environment = $1 AND c.status = 'ACTIVE'
            AND c.next_billing_at >= $2 AND c.next_billing_at < $3 AND c.attention_at IS NULL
            GROUP BY 1, 2 ORDER BY 1, 2";
        let values = crate::driver::params![environment, from, until];
        let found = self.tx.all(SUMS, values, |row| {
            Ok(RenewalSum {
                day: row.int(0)?,
                currency: row.string(1)?,
                contracts: row.int(2)?,
                minor: row.int(3)?,
            })
        });
        found.await
    }
}
