//! Billing attempts: the queue of what is due, and what became of it.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use crate::statement::Statement;
use guildhall_domain::EnvironmentId;
use guildhall_domain::attempt::{Attempt, AttemptStatus};
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::plan::Money;

const COLUMNS: &str =
    "a.number, a.contract, a.slot, a.status, a.due_at, a.amount, a.currency, a.tries, a.tried_at,
    a.charge_key, a.provider_reference, a.code, a.message, a.note, a.items, a.created_at, a.updated_at";
const PUT: &str = "INSERT INTO billing_attempts (environment, contract, slot, status, due_at, amount, currency, tries,
    tried_at, charge_key, provider_reference, code, message, note, items, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (contract, slot) DO UPDATE SET status = excluded.status, due_at = excluded.due_at,
    amount = excluded.amount, currency = excluded.currency, tries = excluded.tries, tried_at = excluded.tried_at,
    charge_key = excluded.charge_key, provider_reference = excluded.provider_reference, code = excluded.code,
    message = excluded.message, note = excluded.note, items = excluded.items, updated_at = excluded.updated_at
    RETURNING number";
const DELETE: &str = "DELETE FROM billing_attempts WHERE number = $1";

/// Which attempts are wanted.
#[derive(Clone, Debug, Default)]
pub struct AttemptFilter {
    /// Of this contract.
    pub contract: Option<i64>,
    /// Of this member's contracts.
    pub member: Option<MemberKey>,
    /// In one of these states; in any, if none is named.
    pub statuses: Vec<AttemptStatus>,
    /// Latest date first.
    pub latest_first: bool,
}

/// Reached as `tx.billing_attempts()`.
pub struct BillingAttempts<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl BillingAttempts<'_> {
    /// Stores an attempt, new or changed, and gives it its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(&mut self, environment: EnvironmentId, attempt: &mut Attempt) -> Result<(), StoreError> {
        let values = params![
            environment,
            attempt.contract,
            attempt.slot,
            attempt.status.as_str(),
            attempt.due_at,
            attempt.money.minor,
            &attempt.money.currency,
            attempt.tries,
            attempt.tried_at,
            attempt.charge_key.as_deref(),
            attempt.reference.as_deref(),
            attempt.code.as_deref(),
            attempt.message.as_deref(),
            &attempt.note,
            &attempt.items,
            attempt.created_at,
            attempt.updated_at
        ];
        let number = self.tx.first(PUT, values, |row| row.int(0)).await?;
        attempt.number = number.ok_or_else(|| StoreError::corrupt("an attempt was given no number"))?;
        Ok(())
    }

    /// Deletes an attempt that will not be made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&mut self, number: i64) -> Result<(), StoreError> {
        self.tx.execute(DELETE, params![number]).await.map(|_| ())
    }

    /// An attempt of the environment by its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(
        &mut self,
        environment: EnvironmentId,
        number: i64,
    ) -> Result<Option<Attempt>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM billing_attempts a WHERE a.number = $1 AND a.environment = $2");
        self.tx.first(&sql, params![number, environment], from_row).await
    }

    /// The attempt for a period of a contract.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_slot(&mut self, contract: i64, slot: i64) -> Result<Option<Attempt>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM billing_attempts a WHERE a.contract = $1 AND a.slot = $2");
        self.tx.first(&sql, params![contract, slot], from_row).await
    }

    /// A contract's attempts that are in the queue.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn queued(&mut self, contract: i64) -> Result<Vec<Attempt>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM billing_attempts a WHERE a.contract = $1 AND a.status = 'QUEUED' ORDER BY a.slot"
        );
        self.tx.all(&sql, params![contract], from_row).await
    }

    /// A contract's newest attempts about which something was decided, latest date first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decided(&mut self, contract: i64, limit: i64) -> Result<Vec<Attempt>, StoreError> {
        // Without the environment, so that the contract's own few rows are read and not the environment's by date.
        let sql = format!(
            "SELECT {COLUMNS} FROM billing_attempts a WHERE a.contract = $1 AND a.status NOT IN ('QUEUED', 'REQUESTING')
             ORDER BY a.due_at DESC, a.number DESC LIMIT $2"
        );
        self.tx.all(&sql, params![contract, limit], from_row).await
    }

    /// A page of the environment's attempts that meet a filter, by date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &mut self,
        environment: EnvironmentId,
        filter: &AttemptFilter,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Attempt>, StoreError> {
        let mut statement = Statement::new(self.tx.dialect());
        statement.push("SELECT ").push(COLUMNS);
        conditions(&mut statement, environment, filter);
        statement.push(match filter.latest_first {
            true => " ORDER BY a.due_at DESC, a.number DESC",
            false => " ORDER BY a.due_at, a.number",
        });
        statement.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
        self.tx.all_for_values(statement.sql(), &statement.params(), from_row).await
    }

    /// How many of the environment's attempts meet a filter.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(
        &mut self,
        environment: EnvironmentId,
        filter: &AttemptFilter,
    ) -> Result<i64, StoreError> {
        let mut statement = Statement::new(self.tx.dialect());
        statement.push("SELECT COUNT(*)");
        conditions(&mut statement, environment, filter);
        let counted = self.tx.all_for_values(statement.sql(), &statement.params(), |row| row.int(0)).await?;
        Ok(counted.first().copied().unwrap_or(0))
    }
}

fn conditions(statement: &mut Statement, environment: EnvironmentId, filter: &AttemptFilter) {
    // Of one contract or member there are few rows, found by the contract: the sign keeps the environment's index, which holds
    // all of them in the order of the list, from being taken for that.
    let by_contract = filter.contract.is_some() || filter.member.is_some();
    statement.push(" FROM billing_attempts a WHERE ").push(if by_contract { "+" } else { "" });
    statement.push("a.environment = ").bind(environment.stored());
    if let Some(contract) = filter.contract {
        statement.push(" AND a.contract = ").bind(contract);
    }
    if let Some(member) = filter.member {
        statement.push(" AND a.contract IN (SELECT number FROM contracts WHERE member_key = ");
        statement.bind(member.stored()).push(")");
    }
    if !filter.statuses.is_empty() {
        statement.push(" AND a.status IN (");
        statement.list(&filter.statuses, ", ", |statement, status| {
            statement.bind(status.as_str().to_owned());
        });
        statement.push(")");
    }
}

fn from_row(row: &Row<'_>) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        number: row.int(0)?,
        contract: row.int(1)?,
        slot: row.int(2)?,
        status: row.parsed(3, AttemptStatus::from_name)?,
        due_at: row.time(4)?,
        money: Money { minor: row.int(5)?, currency: row.string(6)? },
        tries: row.int(7)?,
        tried_at: row.opt_time(8)?,
        charge_key: row.opt_string(9)?,
        reference: row.opt_string(10)?,
        code: row.opt_string(11)?,
        message: row.opt_string(12)?,
        note: row.string(13)?,
        items: row.string(14)?,
        created_at: row.time(15)?,
        updated_at: row.time(16)?,
    })
}
