//! Codes that customers are given, and what they take off.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::contract::DiscountValue;
use guildhall_domain::ids::AppId;

const FIND: &str = "SELECT code, kind, amount, cycles FROM discount_codes WHERE app = $1 AND code = $2";
const LIST: &str = "SELECT code, kind, amount, cycles FROM discount_codes WHERE app = $1 ORDER BY code";
const PUT: &str = "INSERT INTO discount_codes (app, code, kind, amount, cycles, created_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app, code) DO UPDATE
    SET kind = excluded.kind, amount = excluded.amount, cycles = excluded.cycles";
const DELETE: &str = "DELETE FROM discount_codes WHERE app = $1 AND code = $2";

/// A code.
#[derive(Clone, Debug)]
pub struct DiscountCode {
    /// What customers type. Upper and lower case differ.
    pub code: String,
    /// How much it takes off.
    pub value: DiscountValue,
    /// Charges of a contract that it reduces; for ever if nothing is said.
    pub cycles: Option<u32>,
}

/// Reached as `tx.discount_codes()`.
pub struct DiscountCodes<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl DiscountCodes<'_> {
    /// A code of an app.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, app: &AppId, code: &str) -> Result<Option<DiscountCode>, StoreError> {
        if code.contains('\0') {
            return Ok(None);
        }
        self.tx.first(FIND, params![app.as_str(), code], from_row).await
    }

    /// All codes of an app, by code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self, app: &AppId) -> Result<Vec<DiscountCode>, StoreError> {
        self.tx.all(LIST, params![app.as_str()], from_row).await
    }

    /// Stores a code, new or changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(&mut self, app: &AppId, code: &DiscountCode, now: Timestamp) -> Result<(), StoreError> {
        let (kind, amount) = match code.value {
            DiscountValue::Percentage(hundredths) => ("PERCENTAGE", i64::from(hundredths)),
            DiscountValue::Fixed(minor) => ("FIXED_AMOUNT", minor),
            DiscountValue::FixedEach(minor) => ("FIXED_AMOUNT_EACH", minor),
        };
        let values = params![app.as_str(), &code.code, kind, amount, code.cycles.map(i64::from), now];
        self.tx.execute(PUT, values).await.map(|_| ())
    }

    /// Deletes a code. Contracts that have it keep what it takes off. False if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&mut self, app: &AppId, code: &str) -> Result<bool, StoreError> {
        self.tx.execute(DELETE, params![app.as_str(), code]).await.map(|rows| rows == 1)
    }
}

fn from_row(row: &Row<'_>) -> Result<DiscountCode, StoreError> {
    let amount = row.int(2)?;
    let small = |number: i64| u32::try_from(number).map_err(|_| StoreError::corrupt("a discount code"));
    let value = match row.text(1)? {
        "PERCENTAGE" => DiscountValue::Percentage(small(amount)?),
        "FIXED_AMOUNT" => DiscountValue::Fixed(amount),
        "FIXED_AMOUNT_EACH" => DiscountValue::FixedEach(amount),
        _ => return Err(StoreError::corrupt("a discount code")),
    };
    Ok(DiscountCode { code: row.string(0)?, value, cycles: row.opt_int(3)?.map(small).transpose()? })
}
