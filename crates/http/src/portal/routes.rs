//! The one list of the portal's addresses. The router is made from it, so there is no other way to a handler.

use super::guest::Guest;
use super::{assets, cancel, door, memberships};
use crate::Http;
use axum::Router;
use axum::response::Response;
use axum::routing::any;
use futures_util::future::BoxFuture;
use guildhall_app::AppError;
use std::fmt;

type Handler = fn(Guest) -> BoxFuture<'static, Result<Response, AppError>>;

/// One address with one method.
#[derive(Clone, Copy)]
pub struct PortalRoute {
    /// `GET` (which also answers `HEAD`) or `POST`.
    pub method: &'static str,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// Whether it is only for who came by a link. A `POST` needs the form's mark as well.
    pub needs_link: bool,
    pub(super) handler: Handler,
}

impl fmt::Debug for PortalRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $needs_link:literal => $module:ident::$handler:ident;)*) => {
        /// Every address of the portal.
        pub const PORTAL_ROUTES: &[PortalRoute] = &[$(PortalRoute {
            method: stringify!($method), path: $path, needs_link: $needs_link,
            handler: |guest| Box::pin($module::$handler(guest)),
        },)*];
    };
}

routes! {
    GET "/portal/assets/{hash}/{name}" false => assets::get;
    GET "/portal" true => memberships::show;
    POST "/portal/sign-out" true => memberships::sign_out;
    POST "/portal/contracts/{number}/pause" true => memberships::pause;
    POST "/portal/contracts/{number}/resume" true => memberships::resume;
    GET "/portal/contracts/{number}/cancel" true => cancel::confirm;
    POST "/portal/contracts/{number}/cancel" true => cancel::cancel;
    POST "/portal/charges/{number}/skip" true => memberships::skip;
    POST "/portal/charges/{number}/unskip" true => memberships::unskip;
}

/// The template of a matched path as it stands in the list.
pub(crate) fn known_route(matched: &str) -> Option<&'static str> {
    PORTAL_ROUTES.iter().find(|route| route.path == matched).map(|route| route.path)
}

/// Everything in the list.
pub(crate) fn router() -> Router<Http> {
    let mut paths: Vec<_> = PORTAL_ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, any(door::serve)))
}
