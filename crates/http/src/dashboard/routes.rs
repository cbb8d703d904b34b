//! The one list of the dashboard's addresses. The router is made from it, so there is no other way to a
//! handler, and each line says what whoever comes must be.

use super::desk::Desk;
use super::{
    account, assets, audit, clock, contracts, definitions, door, events, home, keys, mails, members, plans,
    records, renewals, server, settings, setup, sign_in, tables, team,
};
use crate::Http;
use axum::Router;
use axum::response::Response;
use axum::routing::any;
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

pub(super) type Handler = fn(Desk) -> BoxFuture<'static, Result<Response, AppError>>;

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

    GET app "/members" LOOK => members::list;
    GET app "/members/new" CHANGE => members::new;
    POST app "/members" CHANGE => members::create;
    POST app "/members/filters" CHANGE => members::save_filter;
    POST app "/members/filters/{filter}/delete" CHANGE => members::delete_filter;
    POST app "/members/bulk" CHANGE => members::bulk;
    POST app "/members/export" CHANGE => members::export;
    GET app "/members/import" CHANGE => members::import_form;
    POST app "/members/import" CHANGE => members::import_upload, file;
    GET app "/members/import/{import}" CHANGE => members::import_show;
    POST app "/members/import/{import}" CHANGE => members::import_run;
    GET app "/members/import/{import}/report" CHANGE => members::import_report;
    GET app "/members/{member}" LOOK => members::show;
    POST app "/members/{member}" CHANGE => members::update;
    GET app "/members/{member}/delete" CHANGE => members::confirm_delete;
    POST app "/members/{member}/delete" CHANGE => members::delete;
    POST app "/members/{member}/plans" CHANGE => members::add_plan;
    POST app "/members/{member}/plans/remove" CHANGE => members::remove_plan;
    GET app "/members/{member}/contracts/new" CHANGE => contracts::new;
    POST app "/members/{member}/contracts" CHANGE => contracts::create;
    POST app "/members/{member}/sessions/end" CHANGE => members::end_session;
    POST app "/members/{member}/sessions/end-all" CHANGE => members::end_sessions;

    GET app "/contracts" LOOK => contracts::list;
    GET app "/contracts/{contract}" LOOK => contracts::show;
    POST app "/contracts/{contract}/pause" CHANGE => contracts::pause;
    POST app "/contracts/{contract}/resume" CHANGE => contracts::resume;
    GET app "/contracts/{contract}/cancel" CHANGE => contracts::confirm_cancel;
    POST app "/contracts/{contract}/cancel" CHANGE => contracts::cancel;
    POST app "/contracts/{contract}/skip" CHANGE => contracts::skip;
    POST app "/contracts/{contract}/unskip" CHANGE => contracts::unskip;
    POST app "/contracts/{contract}/charge" CHANGE => contracts::charge;
    POST app "/contracts/{contract}/next-billing" CHANGE => contracts::set_next_billing;
    POST app "/contracts/{contract}/interval" CHANGE => contracts::set_interval;
    GET app "/contracts/{contract}/plan" CHANGE => contracts::preview_plan;
    POST app "/contracts/{contract}/plan" CHANGE => contracts::change_plan;
    POST app "/contracts/{contract}/plan/forget" CHANGE => contracts::forget_downgrade;
    POST app "/contracts/{contract}/discounts" CHANGE => contracts::add_discount;
    POST app "/contracts/{contract}/discounts/remove" CHANGE => contracts::remove_discount;
    POST app "/contracts/{contract}/cycles" CHANGE => contracts::set_cycles;
    POST app "/contracts/{contract}/note" CHANGE => contracts::set_note;

    GET app "/renewals" LOOK => renewals::list;
    GET app "/clock" LOOK => clock::show;
    POST app "/clock/freeze" CHANGE => clock::freeze;
    POST app "/clock/release" CHANGE => clock::release;
    POST app "/clock/move" CHANGE => clock::advance;

    GET app "/plans" LOOK => plans::list;
    POST app "/plans" CHANGE => plans::create;
    GET app "/plans/{plan}" LOOK => plans::show;
    POST app "/plans/{plan}" CHANGE => plans::update;
    POST app "/plans/{plan}/prices" CHANGE => plans::add_price;
    POST app "/plans/{plan}/prices/{price}" CHANGE => plans::set_price_status;
    POST app "/plans/{plan}/permissions" CHANGE => plans::grant;
    POST app "/plans/{plan}/delete" CHANGE => plans::delete;

    GET app "/tables" LOOK => tables::list;
    POST app "/tables" CHANGE => tables::create;
    GET app "/tables/{table}" LOOK => records::list;
    POST app "/tables/{table}" CHANGE => tables::update;
    GET app "/tables/{table}/schema" LOOK => tables::schema;
    POST app "/tables/{table}/fields" CHANGE => tables::create_field;
    POST app "/tables/{table}/fields/{field}" CHANGE => tables::update_field;
    POST app "/tables/{table}/fields/{field}/delete" CHANGE => tables::delete_field;
    POST app "/tables/{table}/delete" CHANGE => tables::delete;
    GET app "/tables/{table}/records/new" CHANGE => records::new;
    POST app "/tables/{table}/records" CHANGE => records::create;
    GET app "/tables/{table}/records/{record}" LOOK => records::show;
    POST app "/tables/{table}/records/{record}" CHANGE => records::update;
    POST app "/tables/{table}/records/{record}/delete" CHANGE => records::delete;

    GET app "/events" LOOK => events::list;
    GET app "/mails" CHANGE => mails::list;
    GET app "/audit" LOOK => audit::list;

    GET app "/settings" LOOK => settings::show;
    POST app "/settings" CHANGE => settings::update;
    GET app "/settings/fields" LOOK => definitions::fields;
    POST app "/settings/fields" CHANGE => definitions::create_field;
    POST app "/settings/fields/{field}" CHANGE => definitions::update_field;
    POST app "/settings/fields/{field}/delete" CHANGE => definitions::delete_field;
    GET app "/settings/permissions" LOOK => definitions::permissions;
    POST app "/settings/permissions" CHANGE => definitions::create_permission;
    POST app "/settings/permissions/{permission}/delete" CHANGE => definitions::delete_permission;
    GET app "/settings/mail-templates" LOOK => mails::templates;
    GET app "/settings/mail-templates/{template}" LOOK => mails::template;
    POST app "/settings/mail-templates/{template}" CHANGE => mails::set_template;
    POST app "/settings/mail-templates/{template}/reset" CHANGE => mails::reset_template;
    GET app "/settings/team" LOOK => team::show;
    POST app "/settings/team" OWN => team::invite;
    POST app "/settings/team/{operator}" OWN => team::set_role;
    POST app "/settings/team/{operator}/remove" OWN => team::remove;

    GET top "/server" Needs::ServerOwner => server::health;
    GET top "/server/partners" Needs::ServerOwner => server::partners;
    POST top "/server/partners" Needs::ServerOwner => server::create_partner;
    GET top "/server/partners/{key}/revoke" Needs::ServerOwner => server::confirm_revoke_partner;
    POST top "/server/partners/{key}/revoke" Needs::ServerOwner => server::revoke_partner;
    GET top "/server/apps/new" Needs::ServerOwner => server::new_app;
    POST top "/server/apps" Needs::ServerOwner => server::create_app;
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
