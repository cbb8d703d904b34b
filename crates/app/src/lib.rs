//! What people want done: one use case per file, over the store, the clock and chance.
//!
//! Whoever asks is a [`Caller`]; a use case begins with `caller.allow(action)`, which is the only
//! way to the [`Access`] that names an environment. HTTP, commands and jobs all come through
//! here; none of them names the store. No dialect's rule lives here that is not a rule of the
//! product.

pub mod account;
pub mod activity;
pub mod apps;
pub mod auth;
pub mod billing;
pub mod clock;
pub mod contracts;
pub mod custom_fields;
pub mod data_tables;
mod definitions;
pub mod demo;
mod error;
pub mod fields;
pub mod figures;
mod guildhall;
pub mod idempotency;
pub mod import;
mod json_writer;
pub mod keys;
pub mod mail;
pub mod members;
pub mod operators;
pub mod overview;
pub mod paging;
pub mod passwords;
pub mod plans;
pub mod portal;
mod record;
pub mod records;
pub mod sessions;
pub mod tokens;
pub mod trail;

pub use auth::{
    Access, Arrived, Caller, LastingAccess, OperatorAccess, PortalVisit, Presented, RateState,
    SignedOperator, Visitor, VisitorCall,
};
pub use clock::{Chance, Clock, SystemChance, SystemClock};
pub use definitions::Definitions;
pub use error::AppError;
pub use guildhall::{Guildhall, Limits, Settings};
pub use guildhall_domain as domain;
pub use guildhall_store::{Gauges, SCHEMA_VERSION, Target};
