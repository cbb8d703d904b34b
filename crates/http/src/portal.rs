//! The customer portal: pages for a site's members, made on the server, that work without a script.
//!
//! `routes` is the list of its addresses; `door` lets in who comes by a link and makes the [`Guest`](guest::Guest) that
//! every handler is given; `page` is how pages leave. `memberships` and `cancel` are the pages; `words` says what the
//! domain knows in plain words. They call the use cases of `guildhall_app::portal` and hold no rule of their own.

mod assets;
mod cancel;
mod door;
mod guest;
mod memberships;
mod page;
mod routes;
mod words;

pub(crate) use page::problem;
pub use routes::{PORTAL_ROUTES, PortalRoute};
pub(crate) use routes::{known_route, router};

/// Whether a path belongs to the portal.
pub(crate) fn owns(path: &str) -> bool {
    path == "/portal" || path.starts_with("/portal/")
}
