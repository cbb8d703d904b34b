//! Payment methods of members, and the books of the built-in fake provider.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::{EnvironmentId, Timestamp};

const COLUMNS: &str =
    "number, member_key, reference, provider, brand, last_digits, expiry_month, expiry_year, revoked_at";
const INSERT: &str =
    "INSERT INTO payment_methods (environment, member_key, reference, provider, brand, last_digits,
    expiry_month, expiry_year, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (member_key, reference) DO UPDATE SET revoked_at = NULL RETURNING number";
const INSERT_CHARGE: &str =
    "INSERT INTO fake_charges (charge_key, reference, token, amount, currency, outcome, asked, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, 1, $7)
    ON CONFLICT (charge_key) DO UPDATE SET asked = fake_charges.asked + 1 RETURNING reference, outcome, asked";
const CHARGE: &str = "SELECT reference, outcome, asked FROM fake_charges WHERE charge_key = $1";

/// How a member pays.
#[derive(Clone, Debug)]
pub struct PaymentMethod {
    /// Its number in the installation; 0 until it is stored.
    pub number: i64,
    /// Whose it is.
    pub member: MemberKey,
    /// What the provider knows it by. No secret, but nothing to show either.
    pub reference: String,
    /// Which provider.
    pub provider: String,
    /// `visa` and the like.
    pub brand: String,
    /// The last digits of a card.
    pub last_digits: String,
    /// 1 to 12.
    pub expiry_month: i64,
    /// Four digits.
    pub expiry_year: i64,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What the fake provider has on its books of one charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeCharge {
    /// What it calls the charge.
    pub reference: String,
    /// What became of it.
    pub outcome: String,
    /// How often it was asked for it.
    pub asked: i64,
}

/// A charge as it is put into the fake provider's books.
pub struct NewFakeCharge<'c> {
    /// The key that makes it unique.
    pub key: &'c str,
    /// What the provider calls it.
    pub reference: &'c str,
    /// What was to be charged.
    pub token: &'c str,
    /// Minor units.
    pub minor: i64,
    /// Lower-case ISO 4217 code.
    pub currency: &'c str,
    /// What becomes of it.
    pub outcome: &'c str,
}

/// Reached as `tx.payments()`.
pub struct Payments<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Payments<'_> {
    /// Stores a payment method and gives it its number. One that the member has is found again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_method(
        &mut self,
        environment: EnvironmentId,
        method: &mut PaymentMethod,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![
            environment,
            method.member,
            &method.reference,
            &method.provider,
            &method.brand,
            &method.last_digits,
            method.expiry_month,
            method.expiry_year,
            now
        ];
        let number = self.tx.first(INSERT, values, |row| row.int(0)).await?;
        method.number = number.ok_or_else(|| StoreError::corrupt("a payment method was given no number"))?;
        Ok(())
    }

    /// A member's payment methods that were not taken back, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn methods_of(&mut self, member: MemberKey) -> Result<Vec<PaymentMethod>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM payment_methods WHERE member_key = $1 AND revoked_at IS NULL ORDER BY number"
        );
        self.tx.all(&sql, params![member], from_row).await
    }

    /// Books a charge at the fake provider, or counts that it was asked for one it knows. Tells what is on the
    /// books.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn book(
        &mut self,
        charge: NewFakeCharge<'_>,
        now: Timestamp,
    ) -> Result<FakeCharge, StoreError> {
        let values = params![
            charge.key,
            charge.reference,
            charge.token,
            charge.minor,
            charge.currency,
            charge.outcome,
            now
        ];
        let booked = self.tx.first(INSERT_CHARGE, values, charge_from_row).await?;
        booked.ok_or_else(|| StoreError::corrupt("a charge was not booked"))
    }

    /// What the fake provider has on its books under a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn booked(&mut self, key: &str) -> Result<Option<FakeCharge>, StoreError> {
        self.tx.first(CHARGE, params![key], charge_from_row).await
    }
}

fn charge_from_row(row: &Row<'_>) -> Result<FakeCharge, StoreError> {
    Ok(FakeCharge { reference: row.string(0)?, outcome: row.string(1)?, asked: row.int(2)? })
}

fn from_row(row: &Row<'_>) -> Result<PaymentMethod, StoreError> {
    Ok(PaymentMethod {
        number: row.int(0)?,
        member: MemberKey::from_stored(row.int(1)?),
        reference: row.string(2)?,
        provider: row.string(3)?,
        brand: row.string(4)?,
        last_digits: row.string(5)?,
        expiry_month: row.int(6)?,
        expiry_year: row.int(7)?,
        revoked_at: row.opt_time(8)?,
    })
}
