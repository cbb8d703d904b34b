//! The one list of the dashboard's addresses. The router is made from it, so there is no other way to a
//! handler, and each line says what whoever comes must be.

use super::desk::Desk;
use super::{account, assets, door, home, keys, setup, sign_in};
use crate::Http;
use axum::Router;
use axum::routing::any;
use axum::response::Response;
use futures_util::future::BoxFuture;
use guildhall_app::AppError;
use guildhall_domain::operator::Role;
use std::fmt;

/// What whoever comes must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Anybody: the way in.
    Nobody,
    /// Somebody with a session.
    Operator,
    /// An owner of the server.
    ServerOwner,
    /// Somebody with this role, or a stronger one, in the app that the path names.
    App(Role),
}

/// The look: nothing is changed.
const LOOK: Needs = Needs::App(Role::ReadOnly);
/// The app, its members and what they refer to are changed.
const CHANGE: Needs = Needs::App(Role::Admin);
/// Who runs the app is changed.
const OWN: Needs = Needs::App(Role::Owner);

type Handler = fn(Desk) -> BoxFuture<'static, Result<Response, AppError>>;

/// One address with one method.
#[derive(Clone, Copy)]
pub struct DashboardRoute {
    /// `GET` (which also answers `HEAD`) or `POST`.
    pub method: &'static str,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// What whoever comes must be.
    pub needs: Needs,
    pub(super) takes_file: bool,
    pub(super) handler: Handler,
}

impl fmt::Debug for DashboardRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.needs)
    }
}

/// An address of an environment.
macro_rules! path {
    (app $rest:literal) => {
        concat!("/dashboard/apps/{app}/{mode}", $rest)
    };
    (top $rest:literal) => {
        concat!("/dashboard", $rest)
    };
}

macro_rules! routes {
    ($($method:ident $place:ident $rest:literal $needs:expr => $handler:path $(, $file:ident)?;)*) => {
        /// Every address of the dashboard.
        pub const DASHBOARD_ROUTES: &[DashboardRoute] = &[$(DashboardRoute {
            method: stringify!($method),
            path: path!($place $rest),
            needs: $needs,
            takes_file: false $(|| stringify!($file).len() == 4)?,
            handler: |desk| Box::pin($handler(desk)),
        },)*];
    };
}

routes! {
    GET top "/assets/{hash}/{name}" Needs::Nobody => assets::get;
    GET top "/sign-in" Needs::Nobody => sign_in::form;
    POST top "/sign-in" Needs::Nobody => sign_in::sign_in;
    GET top "/setup" Needs::Nobody => setup::form;
    POST top "/setup" Needs::Nobody => setup::set;

    GET top "" Needs::Operator => home::apps;
    POST top "/sign-out" Needs::Operator => sign_in::sign_out;
    GET top "/account" Needs::Operator => account::show;
    POST top "/account/password" Needs::Operator => account::change_password;
    POST top "/account/sessions/end" Needs::Operator => account::end_session;
    POST top "/account/sessions/end-others" Needs::Operator => account::end_others;

    GET app "" LOOK => home::show;

    GET app "/settings/keys" LOOK => keys::list;
    GET app "/settings/keys/new" CHANGE => keys::form;
    POST app "/settings/keys" CHANGE => keys::create;
    GET app "/settings/keys/{key}" LOOK => keys::show;
    GET app "/settings/keys/{key}/revoke" CHANGE => keys::confirm_revoke;
    POST app "/settings/keys/{key}/revoke" CHANGE => keys::revoke;
    GET app "/settings/keys/{key}/rotate" CHANGE => keys::rotation;
    POST app "/settings/keys/{key}/rotate" CHANGE => keys::rotate;
}

/// The template of a matched path as it stands in the list.
pub(crate) fn known_route(matched: &str) -> Option<&'static str> {
    DASHBOARD_ROUTES.iter().find(|route| route.path == matched).map(|route| route.path)
}

/// Everything in the list.
pub(crate) fn router() -> Router<Http> {
    let mut paths: Vec<_> = DASHBOARD_ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, any(door::serve)))
}
