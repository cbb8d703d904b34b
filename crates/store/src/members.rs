//! Members, each read with the contracts it holds. The row carries a summary of them, kept in step by
//! every unit that changes a contract, so that reading a member is one descent of one tree; the
//! table of contracts is what counts.
//!
//! A member made here is found by its place (see `guildhall_domain::member_id`): one descent of
//! the table's own tree. Imported ids and e-mail addresses go through an index.

use crate::contracts;
use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::email::Email;
use guildhall_domain::ids::{PermissionId, PlanId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::member::Member;
use guildhall_domain::member_id::{MemberId, MemberKey, SEQUENCE_MAX};
use guildhall_domain::{EnvironmentId, Timestamp};

/// The columns of a member, in the order that [`member_from_row`] reads them.
macro_rules! select_members {
    ($rest:literal) => {
        concat!(
            "SELECT key, id, email, verified, custom_fields, meta_data, permissions, login_redirect, profile_image,
            stripe_customer_id, last_login_at, created_at, json, contracts FROM members ",
            $rest
        )
    };
}

const BY_KEY: &str = select_members!("WHERE key = $1 AND id = $2");
const BY_IMPORTED_ID: &str = select_members!("WHERE environment = $1 AND id = $2 AND imported_id");
const BY_EMAIL: &str = select_members!("WHERE environment = $1 AND email_normal = $2");
const PAGE_ASCENDING: &str = select_members!("WHERE key > $1 AND key <= $2 ORDER BY key LIMIT $3");
const PAGE_DESCENDING: &str = select_members!("WHERE key > $1 AND key < $2 ORDER BY key DESC LIMIT $3");
const AT: &str = select_members!("WHERE key = $1");
const BY_CUSTOMER_NUMBER: &str = select_members!("WHERE environment = $1 AND customer_number = $2");
const SET_CUSTOMER_NUMBER: &str = "UPDATE members SET customer_number = $1 WHERE key = $2";
const CUSTOMER_NUMBER: &str = "SELECT customer_number FROM members WHERE key = $1";
const BY_ADDRESS: &str = select_members!(
    "WHERE environment = $1 AND email_normal > $2 AND email_normal < $3 ORDER BY email_normal LIMIT $4"
);
const BY_ADDRESS_DESCENDING: &str = select_members!(
    "WHERE environment = $1 AND email_normal > $2 AND email_normal < $3 ORDER BY email_normal DESC LIMIT $4"
);
const HOLDERS: &str = select_members!(
    "WHERE key IN (SELECT member_key FROM contracts WHERE plan = $1 AND member_key > $2 AND member_key < $3
    ORDER BY member_key DESC LIMIT $4) ORDER BY key DESC"
);
const HOLDERS_ASCENDING: &str = select_members!(
    "WHERE key IN (SELECT member_key FROM contracts WHERE plan = $1 AND member_key > $2 AND member_key < $3
    ORDER BY member_key LIMIT $4) ORDER BY key"
);
const LOCK_BY_KEY: &str = "SELECT key FROM members WHERE key = $1 FOR UPDATE";
const LOCK_BY_IMPORTED_ID: &str = "SELECT key FROM members
    WHERE environment = $1 AND id = $2 AND imported_id FOR UPDATE";
const EMAIL_TAKEN: &str = "SELECT 1 FROM members WHERE environment = $1 AND email_normal = $2";
const INSERT: &str =
    "INSERT INTO members (key, environment, id, imported_id, email, email_normal, password_hash,
    verified, custom_fields, meta_data, permissions, login_redirect, profile_image, stripe_customer_id,
    last_login_at, created_at, updated_at, json, contracts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
const UPDATE: &str =
    "UPDATE members SET verified = $1, custom_fields = $2, meta_data = $3, login_redirect = $4,
    profile_image = $5, json = $6, updated_at = $7 WHERE key = $8";
const UPDATE_EMAIL: &str = "UPDATE members SET email = $1, email_normal = $2 WHERE key = $3";
const UPDATE_CONTRACTS: &str = "UPDATE members SET contracts = $1 WHERE key = $2";
const DELETE: &str = "DELETE FROM members WHERE key = $1";
const PASSWORD: &str = "SELECT key, password_hash FROM members WHERE environment = $1 AND email_normal = $2";
const SET_PASSWORD: &str = "UPDATE members SET password_hash = $1 WHERE key = $2";
const REPLACE_PASSWORD: &str = "UPDATE members SET password_hash = $1 WHERE key = $2 AND password_hash = $3";
const HIDDEN: &str =
    "SELECT password_hash, customer_number FROM members WHERE key >= $1 AND key <= $2 ORDER BY key";

/// Which way a list goes, by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOrder {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct ListPage {
    /// How many members at most.
    pub limit: i64,
    /// The sequence number of the last member seen.
    pub after: Option<i64>,
    /// Which way.
    pub order: ListOrder,
}

/// What a member is stored with at first.
pub struct NewMember {
    /// Everything that is read back, contracts apart.
    pub member: Member,
    /// Whether the id came from elsewhere.
    pub imported_id: bool,
    /// The normal form of the address.
    pub email_normal: Option<String>,
    /// In PHC form, or an imported one that can be verified.
    pub password_hash: Option<String>,
}

/// Reached as `tx.members()`.
pub struct Members<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Members<'_> {
    /// A member made here, by its place and its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_key(
        &mut self,
        environment: EnvironmentId,
        sequence: i64,
        id: &str,
    ) -> Result<Option<Member>, StoreError> {
        self.tx.first(BY_KEY, params![MemberKey::new(environment, sequence), id], member_from_row).await
    }

    /// The member at a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_at(&mut self, key: MemberKey) -> Result<Option<Member>, StoreError> {
        self.tx.first(AT, params![key], member_from_row).await
    }

    /// The member that the Appstle dialect knows by this number: one that was given, or that of its place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_customer_number(
        &mut self,
        environment: EnvironmentId,
        number: i64,
    ) -> Result<Option<Member>, StoreError> {
        if let Some(key) = MemberKey::from_customer_number(environment, number) {
            let found = self.find_at(key).await?;
            // One that was given another number is not known by that of its place.
            let given = self.given_customer_number(key).await?;
            return Ok(found.filter(|_| given.is_none()));
        }
        self.tx.first(BY_CUSTOMER_NUMBER, params![environment, number], member_from_row).await
    }

    /// The number that the Appstle dialect knows a member by.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn customer_number(&mut self, key: MemberKey) -> Result<i64, StoreError> {
        Ok(self.given_customer_number(key).await?.unwrap_or_else(|| key.customer_number()))
    }

    async fn given_customer_number(&mut self, key: MemberKey) -> Result<Option<i64>, StoreError> {
        let found = self.tx.first(CUSTOMER_NUMBER, params![key], |row| row.opt_int(0)).await?;
        Ok(found.flatten())
    }

    /// Gives a member a number.
    ///
    /// # Errors
    /// `Conflict(CustomerNumber)` if another member of the environment has it.
    pub async fn set_customer_number(&mut self, key: MemberKey, number: i64) -> Result<(), StoreError> {
        self.tx.execute(SET_CUSTOMER_NUMBER, params![number, key]).await.map(|_| ())
    }

    /// Keeps others from changing a member until this unit of work ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock(&mut self, key: MemberKey) -> Result<(), StoreError> {
        self.tx.lock(LOCK_BY_KEY, params![key]).await
    }

    /// A member whose id came from elsewhere.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_imported_id(
        &mut self,
        environment: EnvironmentId,
        id: &str,
    ) -> Result<Option<Member>, StoreError> {
        self.tx.first(BY_IMPORTED_ID, params![environment, id], member_from_row).await
    }

    /// A member by the normal form of its address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_email(
        &mut self,
        environment: EnvironmentId,
        email: &Email,
    ) -> Result<Option<Member>, StoreError> {
        self.find_by_normal_email(environment, email.normal()).await
    }

    /// As [`Members::find_by_email`], for a normal form that was stored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_normal_email(
        &mut self,
        environment: EnvironmentId,
        email_normal: &str,
    ) -> Result<Option<Member>, StoreError> {
        self.tx.first(BY_EMAIL, params![environment, email_normal], member_from_row).await
    }

    /// Makes other units that change the member at this place wait for this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_by_key(&mut self, environment: EnvironmentId, sequence: i64) -> Result<(), StoreError> {
        self.tx.lock(LOCK_BY_KEY, params![MemberKey::new(environment, sequence)]).await
    }

    /// Makes other units that change the member with this imported id wait for this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_by_imported_id(
        &mut self,
        environment: EnvironmentId,
        id: &str,
    ) -> Result<(), StoreError> {
        self.tx.lock(LOCK_BY_IMPORTED_ID, params![environment, id]).await
    }

    /// A page of an environment's members, each with its contracts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &mut self,
        environment: EnvironmentId,
        page: ListPage,
    ) -> Result<Vec<Member>, StoreError> {
        let (first, last) = (MemberKey::new(environment, 0), MemberKey::new(environment, SEQUENCE_MAX));
        let after = page.after.map(|sequence| MemberKey::new(environment, sequence));
        match page.order {
            ListOrder::Ascending => {
                let values = params![after.unwrap_or(first), last, page.limit];
                self.tx.all(PAGE_ASCENDING, values, member_from_row).await
            }
            ListOrder::Descending => {
                let values = params![first, after.unwrap_or(last), page.limit];
                self.tx.all(PAGE_DESCENDING, values, member_from_row).await
            }
        }
    }

    /// Members whose address, in its normal form, lies between two texts, in the order of addresses.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn by_address(
        &mut self,
        environment: EnvironmentId,
        (above, below): (&str, &str),
        order: ListOrder,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError> {
        let sql = match order {
            ListOrder::Ascending => BY_ADDRESS,
            ListOrder::Descending => BY_ADDRESS_DESCENDING,
        };
        self.tx.all(sql, params![environment, above, below, limit], member_from_row).await
    }

    /// A page of an environment's members that hold a plan.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn holders(
        &mut self,
        environment: EnvironmentId,
        plan: &PlanId,
        page: ListPage,
    ) -> Result<Vec<Member>, StoreError> {
        let place = |sequence| MemberKey::new(environment, sequence);
        let (sql, above, below) = match page.order {
            ListOrder::Ascending => (HOLDERS_ASCENDING, page.after.unwrap_or(0), SEQUENCE_MAX),
            ListOrder::Descending => (HOLDERS, 0, page.after.unwrap_or(SEQUENCE_MAX)),
        };
        let values = params![plan.as_str(), place(above), place(below), page.limit];
        self.tx.all(sql, values, member_from_row).await
    }

    /// Whether a member of the environment has this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn email_is_taken(
        &mut self,
        environment: EnvironmentId,
        email: &Email,
    ) -> Result<bool, StoreError> {
        let values = params![environment, email.normal()];
        self.tx.first(EMAIL_TAKEN, values, |_| Ok(())).await.map(|found| found.is_some())
    }

    /// Stores a new member at the place it was admitted to.
    ///
    /// # Errors
    /// `Conflict(MemberEmail)`, `Conflict(MemberImportedId)`.
    pub async fn insert(&mut self, environment: EnvironmentId, new: &NewMember) -> Result<(), StoreError> {
        let member = &new.member;
        let permissions = join(&member.permissions);
        let contracts = contracts::to_summary(&member.contracts);
        let values = params![
            member.key,
            environment,
            member.id.as_str(),
            new.imported_id,
            member.email.as_deref(),
            new.email_normal.as_deref(),
            new.password_hash.as_deref(),
            member.verified,
            member.custom_fields.as_str(),
            member.meta_data.as_str(),
            &permissions,
            member.login_redirect.as_deref(),
            member.profile_image.as_deref(),
            member.stripe_customer_id.as_deref(),
            member.last_login_at,
            member.created_at,
            member.created_at,
            member.json.as_str(),
            &contracts
        ];
        self.tx.execute(INSERT, values).await?;
        self.tx.sign_ups().count(environment, member.created_at).await
    }

    /// Stores a member's changed facts. The address is changed apart, so that its index is left
    /// alone when it stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update(&mut self, member: &Member, now: Timestamp) -> Result<(), StoreError> {
        let values = params![
            member.verified,
            member.custom_fields.as_str(),
            member.meta_data.as_str(),
            member.login_redirect.as_deref(),
            member.profile_image.as_deref(),
            member.json.as_str(),
            now,
            member.key
        ];
        self.tx.execute(UPDATE, values).await.map(|_| ())
    }

    /// Gives a member another address.
    ///
    /// # Errors
    /// `Conflict(MemberEmail)`.
    pub async fn update_email(&mut self, key: MemberKey, email: &Email) -> Result<(), StoreError> {
        let values = params![email.as_given(), email.normal(), key];
        self.tx.execute(UPDATE_EMAIL, values).await.map(|_| ())
    }

    /// Brings the summary of a member's contracts up to date. Part of every unit that changes one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_contracts(&mut self, member: &Member) -> Result<(), StoreError> {
        let summary = contracts::to_summary(&member.contracts);
        self.tx.execute(UPDATE_CONTRACTS, params![&summary, member.key]).await.map(|_| ())
    }

    /// Deletes a member with its contracts. False if it is gone already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&mut self, key: MemberKey) -> Result<bool, StoreError> {
        self.tx.execute(DELETE, params![key]).await.map(|rows| rows == 1)
    }

    /// The place and password hash of the member with this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_password(
        &mut self,
        environment: EnvironmentId,
        email: &Email,
    ) -> Result<Option<(MemberKey, Option<String>)>, StoreError> {
        let values = params![environment, email.normal()];
        let found = self
            .tx
            .first(PASSWORD, values, |row| Ok((MemberKey::from_stored(row.int(0)?), row.opt_string(1)?)));
        found.await
    }

    /// Stores a member's new password hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_password(&mut self, key: MemberKey, hash: &str) -> Result<(), StoreError> {
        self.tx.execute(SET_PASSWORD, params![hash, key]).await.map(|_| ())
    }

    /// Replaces a password hash by a stronger one of the same password, unless the password was
    /// changed meanwhile. False if it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upgrade_password(
        &mut self,
        key: MemberKey,
        old: &str,
        new: &str,
    ) -> Result<bool, StoreError> {
        let values = params![new, key, old];
        self.tx.execute(REPLACE_PASSWORD, values).await.map(|rows| rows == 1)
    }

    /// What member objects do not show, of the members from one place to another, for an export: password
    /// hashes, and customer numbers that were given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hidden(
        &mut self,
        first: MemberKey,
        last: MemberKey,
    ) -> Result<Vec<(Option<String>, Option<i64>)>, StoreError> {
        let values = params![first, last];
        self.tx.all(HIDDEN, values, |row| Ok((row.opt_string(0)?, row.opt_int(1)?))).await
    }
}

fn member_from_row(row: &Row<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        key: MemberKey::from_stored(row.int(0)?),
        id: MemberId::from_text(row.text(1)?),
        email: row.opt_string(2)?,
        verified: row.bool(3)?,
        custom_fields: JsonObject::from_stored(row.string(4)?),
        meta_data: JsonObject::from_stored(row.string(5)?),
        permissions: split(row.text(6)?),
        login_redirect: row.opt_string(7)?,
        profile_image: row.opt_string(8)?,
        stripe_customer_id: row.opt_string(9)?,
        last_login_at: row.opt_time(10)?,
        created_at: row.time(11)?,
        json: JsonObject::from_stored(row.string(12)?),
        contracts: row.parsed(13, contracts::from_summary)?,
    })
}

fn join(permissions: &[PermissionId]) -> String {
    permissions.iter().map(PermissionId::as_str).collect::<Vec<_>>().join(",")
}

fn split(text: &str) -> Vec<PermissionId> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(PermissionId::from_text).collect()
}
