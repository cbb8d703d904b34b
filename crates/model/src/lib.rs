//! The rules of data tables once more, in memory and without a database: what tests and fuzzing hold
//! both engines against. For tests only.
//!
//! It shares with the product how JSON is read into typed changes, filters and queries
//! ([`guildhall_domain`]), and nothing of how these are carried out. [`generate`] makes random schemas,
//! changes and queries out of bytes, so that a property test and a fuzzer drive the same cases and both
//! can shrink them.
//!
//! Things are named here by ids of the model's own ([`record_id`], [`member_id`]); whoever compares
//! with a real store translates them.

mod filter;
pub mod generate;
mod order;
mod query;
mod view;
mod world;
mod write;

pub use world::{Member, Row, Shelf, World, member_id, record_id};
pub use write::Outcome;
