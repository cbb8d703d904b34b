//! Contracts: a row each, found by what stands in columns, read from its document.

mod customers;
mod list;
mod pages;
mod summary;

pub use customers::CustomerRow;
pub use list::{ContractFilter, ContractOrder, ContractPage, SortBy};
pub use pages::{BilledFilter, BilledKey, BilledOrder, Mark, RenewalSum, Way};
pub(crate) use summary::{from_summary, to_summary};

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::contract::{Contract, ContractColumns, ContractKind};
use guildhall_domain::ids::{ContractId, PlanId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::{EnvironmentId, Timestamp};

/// The columns of a contract and of who holds it, in the order that [`held_from_row`] reads them.
macro_rules! select_contracts {
    ($rest:literal) => {
        concat!(
            "SELECT c.number, c.id, c.member_key, c.plan, c.kind, c.created_at, c.updated_at, c.document,
            m.id, m.email, m.customer_number, m.custom_fields, m.created_at, c.counted
            FROM contracts c JOIN members m ON m.key = c.member_key ",
            $rest
        )
    };
}
use select_contracts;

const INSERT: &str =
    "INSERT INTO contracts (id, environment, member_key, plan, kind, status, next_billing_at,
    interval_unit, interval_count, amount, amount_currency, attention_at, customer_name, imported, wake_at,
    created_at, updated_at, document, counted)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) RETURNING number";
const UPDATE: &str = "UPDATE contracts SET plan = $1, status = $2, next_billing_at = $3, interval_unit = $4,
    interval_count = $5, amount = $6, amount_currency = $7, attention_at = $8, wake_at = $9, updated_at = $10,
    document = $11, counted = $12, leased_until = CASE WHEN $13 THEN leased_until END WHERE number = $14";
const DELETE_FREE: &str = "DELETE FROM contracts WHERE member_key = $1 AND plan = $2 AND kind = 'FREE'";
const BY_NUMBER: &str = select_contracts!("WHERE c.number = $1 AND c.environment = $2");
const BY_ID: &str = select_contracts!("WHERE c.id = $1 AND c.environment = $2");
const OF_MEMBER: &str = select_contracts!("WHERE c.member_key = $1 ORDER BY c.number");
const LOCK_HOLDER: &str = "SELECT m.key FROM members m JOIN contracts c ON c.member_key = m.key
    WHERE c.number = $1 AND c.environment = $2 FOR UPDATE OF m";
const LOCK: &str = "SELECT number FROM contracts WHERE number = $1 FOR UPDATE";
const EARLIEST: &str = "SELECT wake_at FROM contracts WHERE environment = $1 AND wake_at IS NOT NULL
    AND (leased_until IS NULL OR leased_until < $2) ORDER BY wake_at LIMIT 1";
const SET_ASIDE: &str = "UPDATE contracts SET leased_until = $1 WHERE number = $2";
const TAKE_UP: &str =
    "UPDATE contracts SET leased_until = NULL WHERE leased_until = $1 AND wake_at IS NOT NULL";
/// The lease on a contract that cannot be billed as it is.
const ASIDE: Timestamp = Timestamp::YEAR_9999;
const RELEASE: &str = "UPDATE contracts SET leased_until = NULL WHERE number = $1";
const UNCOUNTED: &str = "SELECT number, environment FROM contracts
    WHERE counted = FALSE AND kind <> 'FREE' AND number > $1 ORDER BY number LIMIT $2";
const NOTE_COUNTED: &str = "UPDATE contracts SET counted = $1 WHERE number = $2";
const DELETE_ITEMS: &str = "DELETE FROM contract_items WHERE contract = $1";
const INSERT_ITEM: &str =
    "INSERT INTO contract_items (contract, line, variant, product, selling_plan) VALUES ($1, $2, $3, $4, $5)";

/// A contract and who holds it.
#[derive(Clone, Debug)]
pub struct HeldContract {
    /// The contract.
    pub contract: Contract,
    /// Who holds it.
    pub holder: Holder,
    /// Whether the figures know it: it was made before there were any otherwise.
    pub counted: bool,
}

/// What a contract's views tell of the member who holds it.
#[derive(Clone, Debug)]
pub struct Holder {
    /// `mem_…`
    pub id: MemberId,
    /// The address.
    pub email: Option<String>,
    /// The number that the Appstle dialect knows the member by.
    pub number: i64,
    /// Values of the app's custom fields.
    pub custom_fields: JsonObject,
    /// When the member was made.
    pub created_at: Timestamp,
}

/// A contract about which something is due, leased to whoever asked.
#[derive(Clone, Copy, Debug)]
pub struct DueContract {
    /// Its number.
    pub number: i64,
    /// Where it belongs.
    pub environment: EnvironmentId,
    /// When it was due.
    pub wake_at: Timestamp,
}

/// Reached as `tx.contracts()`.
pub struct Contracts<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Contracts<'_> {
    /// Stores a new contract and gives it its number. `customer_name` is what it is searched by. The unit counts
    /// it in the figures, as with [`Contracts::update`].
    ///
    /// # Errors
    /// `Conflict(PlanHeld)` if the member holds the free plan; `Conflict(Reference)` if there is no such plan or
    /// member.
    pub async fn insert(
        &mut self,
        environment: EnvironmentId,
        contract: &mut Contract,
        customer_name: &str,
    ) -> Result<(), StoreError> {
        let period = contract.terms.period();
        let document = contract.to_document();
        let values = params![
            contract.id.as_str(),
            environment,
            contract.holder,
            contract.plan().map(PlanId::as_str),
            contract.kind.as_str(),
            contract.status().as_str(),
            contract.next_billing(),
            period.map(|period| period.unit.as_str()),
            period.map(|period| i64::from(period.count)),
            contract.terms.total(),
            currency_of(contract),
            contract.attention_at(),
            customer_name,
            contract.notes.imported_id.is_some(),
            contract.wake_at(),
            contract.created_at,
            contract.updated_at,
            &document,
            true
        ];
        let number = self.tx.first(INSERT, values, |row| row.int(0)).await?;
        contract.number = number.ok_or_else(|| StoreError::corrupt("a contract was given no number"))?;
        if contract.kind == ContractKind::Free { Ok(()) } else { self.put_items(contract).await }
    }

    /// Stores a changed contract, and gives up the lease on it unless a charge is under way. It is counted from then
    /// on: the unit brings the figures in step.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update(&mut self, contract: &Contract) -> Result<(), StoreError> {
        let period = contract.terms.period();
        let document = contract.to_document();
        let values = params![
            contract.plan().map(PlanId::as_str),
            contract.status().as_str(),
            contract.next_billing(),
            period.map(|period| period.unit.as_str()),
            period.map(|period| i64::from(period.count)),
            contract.terms.total(),
            currency_of(contract),
            contract.attention_at(),
            contract.wake_at(),
            contract.updated_at,
            &document,
            true,
            contract.progress.asked.is_some(),
            contract.number
        ];
        self.tx.execute(UPDATE, values).await.map(|_| ())
    }

    /// Stores what a contract's lines are for, after they have changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_items(&mut self, contract: &Contract) -> Result<(), StoreError> {
        self.tx.execute(DELETE_ITEMS, params![contract.number]).await?;
        for line in &contract.terms.lines {
            let item = &line.item;
            let values = params![contract.number, line.number, item.variant, item.product, item.selling_plan];
            self.tx.execute(INSERT_ITEM, values).await?;
        }
        Ok(())
    }

    /// Deletes a member's hold on a free plan. False if it has none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_free(&mut self, member: MemberKey, plan: &PlanId) -> Result<bool, StoreError> {
        self.tx.execute(DELETE_FREE, params![member, plan.as_str()]).await.map(|rows| rows == 1)
    }

    /// A contract of the environment by its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(
        &mut self,
        environment: EnvironmentId,
        number: i64,
    ) -> Result<Option<HeldContract>, StoreError> {
        self.tx.first(BY_NUMBER, params![number, environment], held_from_row).await
    }

    /// A contract of the environment by its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_id(
        &mut self,
        environment: EnvironmentId,
        id: &str,
    ) -> Result<Option<HeldContract>, StoreError> {
        self.tx.first(BY_ID, params![id, environment], held_from_row).await
    }

    /// A contract, with its holder and itself kept from others until this unit of work ends: the holder
    /// first, as everyone does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_locked(
        &mut self,
        environment: EnvironmentId,
        number: i64,
    ) -> Result<Option<HeldContract>, StoreError> {
        self.tx.lock(LOCK_HOLDER, params![number, environment]).await?;
        self.tx.lock(LOCK, params![number]).await?;
        self.find(environment, number).await
    }

    /// Numbers above `after` of contracts that the figures do not know, in order, with where they belong.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn uncounted(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, EnvironmentId)>, StoreError> {
        self.tx.all(UNCOUNTED, params![after, limit], |row| Ok((row.int(0)?, row.environment(1)?))).await
    }

    /// Notes that the figures know a contract.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_counted(&mut self, number: i64) -> Result<(), StoreError> {
        self.tx.execute(NOTE_COUNTED, params![true, number]).await.map(|_| ())
    }

    /// A member's contracts, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_member(&mut self, member: MemberKey) -> Result<Vec<HeldContract>, StoreError> {
        self.tx.all(OF_MEMBER, params![member], held_from_row).await
    }

    /// Takes a lease on contracts about which something is due, earliest first, in environments that go by the real
    /// time. Others do not get them before `until`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_due(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueContract>, StoreError> {
        let sql = format!(
            "UPDATE contracts SET leased_until = $1 WHERE number IN (SELECT c.number FROM contracts c
            JOIN environments e ON e.number = c.environment
            WHERE c.wake_at <= $2 AND (c.leased_until IS NULL OR c.leased_until <= $3) AND e.clock_at IS NULL
            ORDER BY c.wake_at LIMIT $4{}) RETURNING number, environment, wake_at",
            self.tx.dialect().skip_locked("c")
        );
        self.due(&sql, params![until, now, now, limit]).await
    }

    /// As [`Contracts::lease_due`], of one environment whose clock stands still: what is due up to `horizon` by
    /// that clock. `now` and `until` are real times.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease_due_in(
        &mut self,
        environment: EnvironmentId,
        horizon: Timestamp,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<DueContract>, StoreError> {
        let sql = format!(
            "UPDATE contracts SET leased_until = $1 WHERE number IN (SELECT c.number FROM contracts c
            WHERE c.environment = $2 AND c.wake_at <= $3 AND (c.leased_until IS NULL OR c.leased_until <= $4)
            ORDER BY c.wake_at LIMIT $5{}) RETURNING number, environment, wake_at",
            self.tx.dialect().skip_locked("c")
        );
        self.due(&sql, params![until, environment, horizon, now, limit]).await
    }

    async fn due(
        &mut self,
        sql: &str,
        values: &[crate::driver::Param<'_>],
    ) -> Result<Vec<DueContract>, StoreError> {
        let mut due = self
            .tx
            .all(sql, values, |row| {
                Ok(DueContract {
                    number: row.int(0)?,
                    environment: row.environment(1)?,
                    wake_at: row.time(2)?,
                })
            })
            .await?;
        due.sort_by_key(|contract| (contract.wake_at, contract.number));
        Ok(due)
    }

    /// Gives up the lease on a contract.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&mut self, number: i64) -> Result<(), StoreError> {
        self.tx.execute(RELEASE, params![number]).await.map(|_| ())
    }

    /// Sets a contract aside that cannot be billed as it is, so that it does not stand in the others' way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_aside(&mut self, number: i64) -> Result<(), StoreError> {
        self.tx.execute(SET_ASIDE, params![ASIDE, number]).await.map(|_| ())
    }

    /// Takes up again what was set aside; tells how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_up(&mut self) -> Result<u64, StoreError> {
        self.tx.execute(TAKE_UP, params![ASIDE]).await
    }

    /// When something about a contract of the environment is next due, those that were set aside apart.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn earliest(&mut self, environment: EnvironmentId) -> Result<Option<Timestamp>, StoreError> {
        self.tx.first(EARLIEST, params![environment, ASIDE], |row| row.time(0)).await
    }
}

/// A free contract says its app's currency only when it is shown.
fn currency_of(contract: &Contract) -> &str {
    if contract.kind == ContractKind::Free { "" } else { &contract.terms.currency }
}

fn held_from_row(row: &Row<'_>) -> Result<HeldContract, StoreError> {
    let holder = MemberKey::from_stored(row.int(2)?);
    let columns = ContractColumns {
        number: row.int(0)?,
        id: ContractId::from_text(row.text(1)?),
        holder,
        plan: row.opt_text(3)?.map(PlanId::from_text),
        kind: row.parsed(4, ContractKind::from_stored)?,
        created_at: row.time(5)?,
        updated_at: row.time(6)?,
    };
    let contract = Contract::from_document(columns, row.text(7)?);
    Ok(HeldContract {
        contract: contract.ok_or_else(|| StoreError::corrupt("a contract's document"))?,
        holder: Holder {
            id: MemberId::from_text(row.text(8)?),
            email: row.opt_string(9)?,
            number: row.opt_int(10)?.unwrap_or_else(|| holder.customer_number()),
            custom_fields: JsonObject::from_stored(row.string(11)?),
            created_at: row.time(12)?,
        },
        counted: row.bool(13)?,
    })
}
