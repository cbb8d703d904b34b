//! Where everything is kept: one author, two drivers.
//!
//! Each statement is written once, against a [`Tx`] that is SQLite or PostgreSQL; what differs
//! between them is in `dialect.rs` and nowhere else. A unit of work handed to [`Store::write`]
//! is on disk when the call returns and has left nothing behind if it fails. Reads and writes
//! that concern members demand an `EnvironmentId`, which a request only gets by being allowed to.
//!
//! This crate knows nothing of HTTP, of keys in plain text, or of what time it is.

mod accounts;
mod apps;
mod attempts;
mod audit;
mod authority;
mod billing_attempts;
mod clocks;
mod contracts;
mod custom_fields;
mod data_tables;
mod dialect;
mod discount_codes;
mod driver;
mod environments;
mod error;
mod events;
mod figures;
mod filter;
mod idempotency_keys;
mod key_calls;
mod keys;
mod mails;
mod member_imports;
mod members;
mod meta;
mod migrations;
mod one_time_codes;
mod operator_sessions;
mod operators;
mod part;
mod payments;
mod plans;
mod portal_tokens;
mod records;
mod saved_filters;
mod sessions;
mod sign_ups;
mod statement;
mod token_keys;

pub use accounts::Accounts;
pub use apps::Apps;
pub use attempts::SignInAttempts;
pub use audit::{ActivityFilter, ActivityRow, Audit, AuditEntry, AuditRecord};
pub use authority::Authority;
pub use billing_attempts::{AttemptFilter, BillingAttempts};
pub use clocks::{Clock, Clocks};
pub use contracts::{
    BilledFilter, BilledKey, BilledOrder, ContractFilter, ContractOrder, ContractPage, Contracts,
    CustomerRow, DueContract, HeldContract, Holder, Mark, RenewalSum, SortBy, Way,
};
pub use custom_fields::CustomFields;
pub use data_tables::DataTables;
pub use dialect::Constraint;
pub use discount_codes::{DiscountCode, DiscountCodes};
pub use driver::{Codecs, Gauges, Store, StoreSettings, Target, Tx, Work};
pub use environments::{Admission, Environments};
pub use error::StoreError;
pub use events::{Event, Events};
pub use figures::{DayChange, DayFigures, FIGURE_SLOTS, Figures, TotalChange, Totals};
pub use idempotency_keys::{IdempotencyKeys, IdempotencyPlace, KeptAnswer, KeptRequest, Ticket};
pub use key_calls::KeyCalls;
pub use keys::Keys;
pub use mails::{Mail, Mails};
pub use member_imports::{MemberImport, MemberImports};
pub use members::{ListOrder, ListPage, Members, NewMember};
pub use migrations::{Migration, SCHEMA_VERSION};
pub use one_time_codes::{OneTimeCode, OneTimeCodes};
pub use operator_sessions::{OperatorSession, OperatorSessions};
pub use operators::{NewOperatorLink, Operator, Operators};
pub use part::Part;
pub use payments::{FakeCharge, NewFakeCharge, PaymentMethod, Payments};
pub use plans::Plans;
pub use portal_tokens::{NewPortalToken, PortalToken, PortalTokens};
pub use records::{NewRecord, PageOfRecords, PageRequest, RecordPlace, Records, RelatedMember, Values};
pub use saved_filters::{SavedFilter, SavedFilters};
pub use sessions::Sessions;
pub use sign_ups::SignUps;
pub use token_keys::{TokenKey, TokenKeys};

impl Tx {
    /// Apps and their flags.
    pub fn apps(&mut self) -> Apps<'_> {
        Apps { tx: self }
    }

    /// The audit trail.
    pub fn audit(&mut self) -> Audit<'_> {
        Audit { tx: self }
    }

    /// The version of everything that servers keep in memory.
    pub fn authority(&mut self) -> Authority<'_> {
        Authority { tx: self }
    }

    /// Billing attempts.
    pub fn billing_attempts(&mut self) -> BillingAttempts<'_> {
        BillingAttempts { tx: self }
    }

    /// The clocks of sandboxes.
    pub fn clocks(&mut self) -> Clocks<'_> {
        Clocks { tx: self }
    }

    /// Members' holds on plans.
    pub fn contracts(&mut self) -> Contracts<'_> {
        Contracts { tx: self }
    }

    /// Custom-field definitions.
    pub fn custom_fields(&mut self) -> CustomFields<'_> {
        CustomFields { tx: self }
    }

    /// Definitions of data tables.
    pub fn data_tables(&mut self) -> DataTables<'_> {
        DataTables { tx: self }
    }

    /// Codes that customers are given.
    pub fn discount_codes(&mut self) -> DiscountCodes<'_> {
        DiscountCodes { tx: self }
    }

    /// Environments and their counters.
    pub fn environments(&mut self) -> Environments<'_> {
        Environments { tx: self }
    }

    /// The outbox of events.
    pub fn events(&mut self) -> Events<'_> {
        Events { tx: self }
    }

    /// The figures of contracts.
    pub fn figures(&mut self) -> Figures<'_> {
        Figures { tx: self }
    }

    /// Requests that came with an `Idempotency-Key`.
    pub fn idempotency_keys(&mut self) -> IdempotencyKeys<'_> {
        IdempotencyKeys { tx: self }
    }

    /// API keys.
    pub fn keys(&mut self) -> Keys<'_> {
        Keys { tx: self }
    }

    /// Members.
    pub fn members(&mut self) -> Members<'_> {
        Members { tx: self }
    }

    /// Calls by key, day and route.
    pub fn key_calls(&mut self) -> KeyCalls<'_> {
        KeyCalls { tx: self }
    }

    /// Files of members on their way in.
    pub fn member_imports(&mut self) -> MemberImports<'_> {
        MemberImports { tx: self }
    }

    /// Operators' sessions.
    pub fn operator_sessions(&mut self) -> OperatorSessions<'_> {
        OperatorSessions { tx: self }
    }

    /// Filters that operators have saved.
    pub fn saved_filters(&mut self) -> SavedFilters<'_> {
        SavedFilters { tx: self }
    }

    /// Members made, by day.
    pub fn sign_ups(&mut self) -> SignUps<'_> {
        SignUps { tx: self }
    }

    /// Operators, their roles and their one-time links.
    pub fn operators(&mut self) -> Operators<'_> {
        Operators { tx: self }
    }

    /// Payment methods, and the fake provider's books.
    pub fn payments(&mut self) -> Payments<'_> {
        Payments { tx: self }
    }

    /// Plans, prices and permissions.
    pub fn plans(&mut self) -> Plans<'_> {
        Plans { tx: self }
    }

    /// Tokens of links to the customer portal.
    pub fn portal_tokens(&mut self) -> PortalTokens<'_> {
        PortalTokens { tx: self }
    }

    /// What members sign in with.
    pub fn accounts(&mut self) -> Accounts<'_> {
        Accounts { tx: self }
    }

    /// What was tried, and how often.
    pub fn attempts(&mut self) -> SignInAttempts<'_> {
        SignInAttempts { tx: self }
    }

    /// The outbox of mails, and the templates.
    pub fn mails(&mut self) -> Mails<'_> {
        Mails { tx: self }
    }

    /// One-time codes and links.
    pub fn one_time_codes(&mut self) -> OneTimeCodes<'_> {
        OneTimeCodes { tx: self }
    }

    /// Members' sessions.
    pub fn sessions(&mut self) -> Sessions<'_> {
        Sessions { tx: self }
    }

    /// The keys that tokens are signed with.
    pub fn token_keys(&mut self) -> TokenKeys<'_> {
        TokenKeys { tx: self }
    }

    /// Records of data tables.
    pub fn records(&mut self) -> Records<'_> {
        Records { tx: self }
    }
}
