//! Who holds contracts, and how many: members, a row each.

use super::list::conditions;
use super::{ContractFilter, Contracts, Holder};
use crate::driver::Row;
use crate::error::StoreError;
use crate::statement::Statement;
use guildhall_domain::json::JsonObject;
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::{EnvironmentId, Timestamp};

const ACTIVE: &str = "SUM(CASE WHEN c.status = 'ACTIVE' THEN 1 ELSE 0 END)";
const PAID: &str = "FROM billing_attempts a JOIN contracts k ON k.number = a.contract
    WHERE k.member_key = m.key AND a.status = 'SUCCESS'";

/// A member who holds contracts.
#[derive(Clone, Debug)]
pub struct CustomerRow {
    /// The member.
    pub holder: Holder,
    /// The name that came with a contract; empty if none did.
    pub name: String,
    /// Contracts that run.
    pub active: i64,
    /// All others.
    pub inactive: i64,
    /// When one that runs is billed next.
    pub next_billing: Option<Timestamp>,
    /// Minor units that were charged altogether.
    pub paid_minor: i64,
    /// The currency of that; nothing before the first charge.
    pub paid_currency: Option<String>,
}

impl Contracts<'_> {
    /// A page of the members who hold contracts that meet a filter, oldest first; with `several`, only of those
    /// who hold more than one that runs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn customers(
        &mut self,
        environment: EnvironmentId,
        filter: &ContractFilter,
        several: bool,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<CustomerRow>, StoreError> {
        let mut statement = Statement::new(self.tx.dialect());
        statement.push("SELECT m.key, m.id, m.email, m.customer_number, m.custom_fields, m.created_at, ");
        statement.push("MAX(c.customer_name), ").push(ACTIVE).push(", COUNT(*), ");
        statement.push("MIN(CASE WHEN c.status = 'ACTIVE' THEN c.next_billing_at END), ");
        statement.push("(SELECT CAST(COALESCE(SUM(a.amount), 0) AS BIGINT) ").push(PAID);
        statement.push("), (SELECT MAX(a.currency) ").push(PAID).push(")");
        grouped(&mut statement, environment, filter, several);
        statement.push(" ORDER BY m.key LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
        self.tx.all_for_values(statement.sql(), &statement.params(), from_row).await
    }

    /// How many members there are in [`Contracts::customers`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_customers(
        &mut self,
        environment: EnvironmentId,
        filter: &ContractFilter,
        several: bool,
    ) -> Result<i64, StoreError> {
        let mut statement = Statement::new(self.tx.dialect());
        statement.push("SELECT COUNT(*) FROM (SELECT m.key");
        grouped(&mut statement, environment, filter, several);
        statement.push(") customers");
        let counted = self.tx.all_for_values(statement.sql(), &statement.params(), |row| row.int(0)).await?;
        Ok(counted.first().copied().unwrap_or(0))
    }
}

fn grouped(statement: &mut Statement, environment: EnvironmentId, filter: &ContractFilter, several: bool) {
    statement.push(" FROM contracts c JOIN members m ON m.key = c.member_key ");
    conditions(statement, environment, filter);
    statement.push(" GROUP BY m.key");
    if several {
        statement.push(" HAVING ").push(ACTIVE).push(" > 1");
    }
}

fn from_row(row: &Row<'_>) -> Result<CustomerRow, StoreError> {
    let key = MemberKey::from_stored(row.int(0)?);
    let active = row.int(7)?;
    Ok(CustomerRow {
        holder: Holder {
            id: MemberId::from_text(row.text(1)?),
            email: row.opt_string(2)?,
            number: row.opt_int(3)?.unwrap_or_else(|| key.customer_number()),
            custom_fields: JsonObject::from_stored(row.string(4)?),
            created_at: row.time(5)?,
        },
        name: row.string(6)?,
        active,
        inactive: row.int(8)? - active,
        next_billing: row.opt_time(9)?,
        paid_minor: row.int(10)?,
        paid_currency: row.opt_string(11)?,
    })
}
