//! Lists of contracts: filters, order and pages.

use super::{Contracts, HeldContract, held_from_row, select_contracts};
use crate::error::StoreError;
use crate::statement::Statement;
use guildhall_domain::contract::{ContractStatus, PeriodUnit};
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::{EnvironmentId, Timestamp};

/// Which contracts are wanted: those that meet every condition given.
#[derive(Clone, Debug, Default)]
pub struct ContractFilter {
    /// Held by this member.
    pub member: Option<MemberKey>,
    /// In one of these states; in any, if none is named.
    pub statuses: Vec<ContractStatus>,
    /// Made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Made at this time or before.
    pub created_to: Option<Timestamp>,
    /// Changed at this time or later.
    pub updated_from: Option<Timestamp>,
    /// Changed at this time or before.
    pub updated_to: Option<Timestamp>,
    /// Billed next at this time or later.
    pub next_from: Option<Timestamp>,
    /// Billed next at this time or before.
    pub next_to: Option<Timestamp>,
    /// The number's digits have these among them.
    pub number_has: Option<String>,
    /// The customer's name or address has this in it, in any case of the basic letters.
    pub customer_has: Option<String>,
    /// The customer's address has this in it, in any case of the basic letters.
    pub email_has: Option<String>,
    /// Billed in this unit.
    pub unit: Option<PeriodUnit>,
    /// Billed every so many units.
    pub count: Option<i64>,
    /// Brought from elsewhere, or not.
    pub imported: Option<bool>,
    /// With a line for one of these products.
    pub products: Vec<i64>,
    /// With a line for one of these variants.
    pub variants: Vec<i64>,
    /// With a line for one of these selling plans.
    pub selling_plans: Vec<i64>,
    /// Comes to this much or more, in minor units.
    pub amount_min: Option<i64>,
    /// Comes to this much or less, in minor units.
    pub amount_max: Option<i64>,
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// The number, which is the order in which they were made.
    Number,
    /// When it was made.
    Created,
    /// When it was changed.
    Updated,
    /// When it is billed next; what never is comes last.
    NextBilling,
    /// What it comes to.
    Amount,
    /// The customer's name.
    CustomerName,
    /// Its state.
    Status,
}

impl SortBy {
    const fn column(self) -> &'static str {
        match self {
            SortBy::Number => "c.number",
            SortBy::Created => "c.created_at",
            SortBy::Updated => "c.updated_at",
            SortBy::NextBilling => "c.next_billing_at",
            SortBy::Amount => "c.amount",
            SortBy::CustomerName => "c.customer_name",
            SortBy::Status => "c.status",
        }
    }
}

/// One key of an order.
#[derive(Clone, Copy, Debug)]
pub struct ContractOrder {
    /// By what.
    pub by: SortBy,
    /// Largest first.
    pub descending: bool,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct ContractPage {
    /// The keys of the order; the number is always the last.
    pub order: Vec<ContractOrder>,
    /// How many to leave out.
    pub offset: i64,
    /// How many at most.
    pub limit: i64,
}

impl Contracts<'_> {
    /// A page of the environment's contracts that meet a filter.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &mut self,
        environment: EnvironmentId,
        filter: &ContractFilter,
        page: &ContractPage,
    ) -> Result<Vec<HeldContract>, StoreError> {
        let mut statement = Statement::new(self.tx.dialect());
        statement.push(select_contracts!(""));
        conditions(&mut statement, environment, filter);
        statement.push(" ORDER BY ");
        for key in &page.order {
            statement.push(key.by.column()).push(if key.descending {
                " DESC NULLS LAST, "
            } else {
                " NULLS LAST, "
            });
        }
        let descending = page.order.first().is_some_and(|key| key.descending);
        statement.push(if descending { "c.number DESC" } else { "c.number" });
        statement.push(" LIMIT ").bind(page.limit).push(" OFFSET ").bind(page.offset);
        self.tx.all_for_values(statement.sql(), &statement.params(), held_from_row).await
    }

    /// How many of the environment's contracts meet a filter.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(
        &mut self,
        environment: EnvironmentId,
        filter: &ContractFilter,
    ) -> Result<i64, StoreError> {
        let mut statement = Statement::new(self.tx.dialect());
        statement.push("SELECT COUNT(*) FROM contracts c JOIN members m ON m.key = c.member_key ");
        conditions(&mut statement, environment, filter);
        let counted = self.tx.all_for_values(statement.sql(), &statement.params(), |row| row.int(0)).await?;
        Ok(counted.first().copied().unwrap_or(0))
    }
}

pub(super) fn conditions(statement: &mut Statement, environment: EnvironmentId, filter: &ContractFilter) {
    statement.push("WHERE c.environment = ").bind(environment.stored());
    let mut bound = |condition: &str, value: Option<i64>| {
        if let Some(value) = value {
            statement.push(condition).bind(value);
        }
    };
    bound(" AND c.member_key = ", filter.member.map(MemberKey::stored));
    bound(" AND c.created_at >= ", filter.created_from.map(Timestamp::micros));
    bound(" AND c.created_at <= ", filter.created_to.map(Timestamp::micros));
    bound(" AND c.updated_at >= ", filter.updated_from.map(Timestamp::micros));
    bound(" AND c.updated_at <= ", filter.updated_to.map(Timestamp::micros));
    bound(" AND c.next_billing_at >= ", filter.next_from.map(Timestamp::micros));
    bound(" AND c.next_billing_at <= ", filter.next_to.map(Timestamp::micros));
    bound(" AND c.interval_count = ", filter.count);
    bound(" AND c.amount >= ", filter.amount_min);
    bound(" AND c.amount <= ", filter.amount_max);
    if let Some(unit) = filter.unit {
        statement.push(" AND c.interval_unit = ").bind(unit.as_str().to_owned());
    }
    if let Some(imported) = filter.imported {
        statement.push(if imported { " AND c.imported" } else { " AND NOT c.imported" });
    }
    if !filter.statuses.is_empty() {
        statement.push(" AND c.status IN (");
        statement.list(&filter.statuses, ", ", |statement, status| {
            statement.bind(status.as_str().to_owned());
        });
        statement.push(")");
    }
    let position = statement.dialect().position();
    if let Some(digits) = &filter.number_has {
        statement
            .push(" AND ")
            .push(position)
            .push("(CAST(c.number AS TEXT), ")
            .bind(digits.clone())
            .push(") > 0");
    }
    if let Some(text) = &filter.customer_has {
        let text = text.to_ascii_lowercase();
        statement.push(" AND (").push(position).push("(lower(c.customer_name), ").bind(text.clone());
        statement
            .push(") > 0 OR ")
            .push(position)
            .push("(lower(COALESCE(m.email, '')), ")
            .bind(text)
            .push(") > 0)");
    }
    if let Some(text) = &filter.email_has {
        statement.push(" AND ").push(position).push("(lower(COALESCE(m.email, '')), ");
        statement.bind(text.to_ascii_lowercase()).push(") > 0");
    }
    for (column, numbers) in [
        ("product", &filter.products),
        ("variant", &filter.variants),
        ("selling_plan", &filter.selling_plans),
    ] {
        if !numbers.is_empty() {
            statement.push(" AND EXISTS (SELECT 1 FROM contract_items i WHERE i.contract = c.number AND i.");
            statement.push(column).push(" IN (");
            statement.list(numbers, ", ", |statement, number| {
                statement.bind(*number);
            });
            statement.push("))");
        }
    }
}
