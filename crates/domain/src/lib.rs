//! What things are and may become: ids, keys, members, plans, contracts, limits and error codes.
//!
//! Pure: no tokio, no axum, no SQL, no clock and no randomness. Time and chance come in as
//! arguments ([`Timestamp`], entropy bytes), so every rule here can be tested by value.

pub mod activity;
pub mod app;
pub mod attempt;
pub mod audit;
pub mod code;
pub mod contract;
pub mod custom_field;
pub mod data_table;
pub mod decimal;
pub mod email;
pub mod event;
pub mod ids;
pub mod json;
pub mod key;
pub mod mail;
pub mod member;
pub mod member_id;
pub mod one_time;
pub mod operator;
pub mod plan;
pub mod portal;
pub mod query;
pub mod rate;
pub mod record;
pub mod record_id;
pub mod refusal;
pub mod scope;
pub mod session;
pub mod text;
pub mod throttle;
pub mod time;

pub use app::{App, EnvironmentId, Mode};
pub use code::Code;
pub use refusal::Refusal;
pub use time::Timestamp;
