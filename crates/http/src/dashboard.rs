//! The dashboard: pages for operators, made on the server, that work without a script.
//!
//! `routes` is the list of its addresses and says what each one takes; `door` lets in who may come and
//! makes the [`Desk`] that every handler is given; `shell` is what all pages share. The other files are
//! the pages, one noun each: they call the same use cases as the APIs and hold no rule of their own.

mod account;
mod assets;
mod audit;
mod clock;
mod contracts;
mod count;
mod definitions;
mod desk;
mod door;
mod events;
pub(crate) mod form;
mod home;
mod keys;
mod mails;
mod members;
mod money;
mod once;
mod page;
mod pager;
mod plans;
mod plot;
mod records;
mod renewals;
mod routes;
mod server;
mod settings;
mod setup;
mod shell;
mod sign_in;
mod tables;
mod team;
mod when;

pub(crate) use page::problem;
pub use routes::{DASHBOARD_ROUTES, DashboardRoute, Needs};
pub(crate) use routes::{known_route, router};

/// Whether a path belongs to the dashboard.
pub(crate) fn owns(path: &str) -> bool {
    path == "/dashboard" || path.starts_with("/dashboard/")
}
