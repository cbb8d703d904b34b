//! The one list of addresses, and the surfaces they belong to.

use crate::{Http, HttpSettings, client, dashboard, jwks, machines, manage, memberstack, observe};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, delete, get, patch, post, put};
use guildhall_app::{AppError, Guildhall};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

/// What requests to no known address are counted under.
pub(crate) const UNMATCHED: &str = "unmatched";

/// Who is spoken to, and so in which shape errors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Memberstack's Admin REST API, by secret key.
    Memberstack,
    /// Memberstack's client API, by public key or app id, and a member's token where it takes one.
    Client,
    /// Our own management API, by a secret key with the `manage` scope.
    Manage,
    /// The dashboard, by an operator's session. Its addresses are in a list of their own.
    Dashboard,
    /// Balancers and scrapers, without a key.
    Machines,
}

impl Surface {
    /// The surface that a path lies under.
    pub(crate) fn of_path(path: &str) -> Self {
        if dashboard::owns(path) {
            Surface::Dashboard
        } else if path.starts_with("/manage/") {
            Surface::Manage
        } else if client::owns(path) {
            Surface::Client
        } else {
            Surface::Memberstack
        }
    }

    /// An error in this surface's shape.
    pub(crate) fn problem(self, error: AppError) -> Response {
        match self {
            Surface::Manage => manage::problem(error),
            Surface::Client => client::problem(error),
            Surface::Dashboard => dashboard::problem(error),
            Surface::Memberstack | Surface::Machines => memberstack::problem(error),
        }
    }
}

/// One address with one method.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// Where it belongs.
    pub surface: Surface,
    /// What a caller must be allowed to do; nothing for machines.
    pub needs: Option<Action>,
}

macro_rules! routes {
    ($($surface:ident { $($method:ident $path:literal $needs:expr;)* })*) => {
        /// Every address that is answered.
        pub const ROUTES: &[Route] = &[$($(Route {
            method: stringify!($method), path: $path, surface: Surface::$surface, needs: $needs,
        },)*)*];
    };
}

routes! {
    Memberstack {
        GET "/members" Some(Action::MemberRead);
        POST "/members" Some(Action::MemberWrite);
        GET "/members/{id}" Some(Action::MemberRead);
        PATCH "/members/{id}" Some(Action::MemberWrite);
        DELETE "/members/{id}" Some(Action::MemberWrite);
        POST "/members/{id}/add-plan" Some(Action::MemberWrite);
        POST "/members/{id}/remove-plan" Some(Action::MemberWrite);
        POST "/members/verify-token" Some(Action::MemberRead);
        GET "/v2/data-tables" Some(Action::RecordRead);
        GET "/v2/data-tables/{table}" Some(Action::RecordRead);
        POST "/v2/data-tables/{table}/records" Some(Action::RecordWrite);
        POST "/v2/data-tables/{table}/records/query" Some(Action::RecordRead);
        PUT "/v2/data-tables/{table}/records/{id}" Some(Action::RecordWrite);
        DELETE "/v2/data-tables/{table}/records/{id}" Some(Action::RecordWrite);
    }
    Manage {
        GET "/manage/v1/app" Some(Action::ManageRead);
        GET "/manage/v1/plans" Some(Action::ManageRead);
        POST "/manage/v1/plans" Some(Action::ManageWrite);
        GET "/manage/v1/plans/{id}" Some(Action::ManageRead);
        PATCH "/manage/v1/plans/{id}" Some(Action::ManageWrite);
        DELETE "/manage/v1/plans/{id}" Some(Action::ManageWrite);
        POST "/manage/v1/plans/{id}/prices" Some(Action::ManageWrite);
        PUT "/manage/v1/plans/{id}/permissions/{permission}" Some(Action::ManageWrite);
        DELETE "/manage/v1/plans/{id}/permissions/{permission}" Some(Action::ManageWrite);
        GET "/manage/v1/permissions" Some(Action::ManageRead);
        POST "/manage/v1/permissions" Some(Action::ManageWrite);
        DELETE "/manage/v1/permissions/{id}" Some(Action::ManageWrite);
        GET "/manage/v1/custom-fields" Some(Action::ManageRead);
        POST "/manage/v1/custom-fields" Some(Action::ManageWrite);
        PUT "/manage/v1/custom-fields/{key}" Some(Action::ManageWrite);
        DELETE "/manage/v1/custom-fields/{key}" Some(Action::ManageWrite);
        GET "/manage/v1/tables" Some(Action::ManageRead);
        POST "/manage/v1/tables" Some(Action::ManageWrite);
        GET "/manage/v1/tables/{table}" Some(Action::ManageRead);
        PATCH "/manage/v1/tables/{table}" Some(Action::ManageWrite);
        DELETE "/manage/v1/tables/{table}" Some(Action::ManageWrite);
        POST "/manage/v1/tables/{table}/fields" Some(Action::ManageWrite);
        PATCH "/manage/v1/tables/{table}/fields/{field}" Some(Action::ManageWrite);
        DELETE "/manage/v1/tables/{table}/fields/{field}" Some(Action::ManageWrite);
        PATCH "/manage/v1/app" Some(Action::ManageWrite);
        GET "/manage/v1/members/{id}/sessions" Some(Action::ManageRead);
        DELETE "/manage/v1/members/{id}/sessions" Some(Action::ManageWrite);
        DELETE "/manage/v1/sessions/{id}" Some(Action::ManageWrite);
        GET "/manage/v1/mails" Some(Action::ManageWrite);
        GET "/manage/v1/mail-templates" Some(Action::ManageRead);
        PUT "/manage/v1/mail-templates/{key}" Some(Action::ManageWrite);
        DELETE "/manage/v1/mail-templates/{key}" Some(Action::ManageWrite);
    }
    Client {
        POST "/auth/signup" None;
        POST "/auth/login" None;
        POST "/auth/passwordless/login/send" None;
        POST "/auth/passwordless/signup/send" None;
        POST "/auth/passwordless/login" None;
        POST "/auth/send-reset-password-email" None;
        POST "/auth/reset-password" None;
        POST "/auth/send-email-verification" None;
        GET "/member" None;
        POST "/member" None;
        DELETE "/member" None;
        POST "/member/logout" None;
        POST "/member-auth" None;
        POST "/member/set-password" None;
        GET "/member/json" None;
        POST "/member/json" None;
        POST "/member/plans/add" None;
        POST "/member/plans/remove" None;
        GET "/app" None;
        GET "/app/plans/{id}" None;
        POST "/app-member" None;
        POST "/page-view" None;
        POST "/event" None;
        GET "/v1/data-tables" None;
        GET "/v1/data-tables/{table}" None;
        POST "/v1/data-records" None;
        POST "/v1/data-records/query" None;
        PUT "/v1/data-records/{id}" None;
        DELETE "/v1/data-records/{id}" None;
    }
    Machines {
        GET "/healthz" None;
        GET "/readyz" None;
        GET "/metrics" None;
        GET "/.well-known/jwks.json" None;
        GET "/" None;
        GET "/auth/verify-email" None;
        POST "/auth/verify-email" None;
    }
}

/// The template of a matched path as it stands in the list, so that labels are never a caller's
/// text.
pub(crate) fn known_route(matched: &str) -> &'static str {
    let matched = matched.strip_suffix('/').filter(|bare| !bare.is_empty()).unwrap_or(matched);
    let found = ROUTES.iter().find(|route| route.path == matched);
    found.map(|route| route.path).or_else(|| dashboard::known_route(matched)).unwrap_or(UNMATCHED)
}

/// Everything that one listener answers.
pub fn router(guildhall: Guildhall, settings: HttpSettings) -> Router {
    let http = Http::new(guildhall, settings);
    let metrics = if http.settings().serve_metrics {
        Router::new().route("/metrics", get(machines::metrics))
    } else {
        Router::new()
    };
    let keys_at_root =
        if http.settings().jwks_at_root { Router::new().route("/", get(jwks::get)) } else { Router::new() };
    Router::new()
        .merge(keys_at_root)
        .route("/.well-known/jwks.json", get(jwks::get))
        .route("/auth/verify-email", get(client::pages::verify_email).post(client::pages::confirm_email))
        .merge(client_routes(&http))
        .merge(memberstack_routes(&http))
        .merge(manage_routes(&http))
        .merge(dashboard::router())
        .merge(metrics)
        .route("/healthz", get(machines::healthz))
        .route("/readyz", get(machines::readyz))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(unknown)
        .layer(from_fn_with_state(http.clone(), observe::observe))
        .with_state(http)
}

/// Only `/metrics`, for a listener of its own.
pub fn metrics_router(guildhall: Guildhall) -> Router {
    let http = Http::new(guildhall, HttpSettings::default());
    Router::new().route("/metrics", get(machines::metrics)).with_state(http)
}

fn memberstack_routes(http: &Http) -> Router<Http> {
    use memberstack::{data_tables, members, records};
    Router::new()
        .route("/members", get(members::list).post(members::create))
        .route("/members/", get(members::list).post(members::create))
        .route("/members/{id}", get(members::get).patch(members::update).delete(members::delete))
        .route("/members/verify-token", post(memberstack::verify_token))
        .route("/members/{id}/add-plan", post(members::add_plan))
        .route("/members/{id}/remove-plan", post(members::remove_plan))
        .route("/v2/data-tables", get(data_tables::list))
        .route("/v2/data-tables/", get(records::without_table))
        .route("/v2/data-tables/{table}", get(data_tables::get))
        .route("/v2/data-tables/{table}/records", post(records::create))
        .route("/v2/data-tables/{table}/records/", any(records::without_id))
        .route("/v2/data-tables/{table}/records/query", post(records::query))
        .route("/v2/data-tables/{table}/records/{id}", put(records::update).delete(records::delete))
        .route("/v2/data-tables//records", any(records::without_table))
        .route("/v2/data-tables//records/", any(records::without_table))
        .route("/v2/data-tables//records/{rest}", any(records::without_table))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(http.clone(), memberstack::door))
}

fn client_routes(http: &Http) -> Router<Http> {
    use client::{account, app, auth, records};
    Router::new()
        .route("/auth/signup", post(auth::sign_up))
        .route("/auth/login", post(auth::log_in))
        .route("/auth/passwordless/login/send", post(auth::send_log_in_code))
        .route("/auth/passwordless/signup/send", post(auth::send_sign_up_code))
        .route("/auth/passwordless/login", post(auth::log_in_with_code))
        .route("/auth/send-reset-password-email", post(auth::send_reset_code))
        .route("/auth/reset-password", post(auth::reset_password))
        .route("/auth/send-email-verification", post(auth::send_verification))
        .route("/member", get(account::get).post(account::update).delete(account::delete))
        .route("/member/logout", post(account::log_out))
        .route("/member-auth", post(account::change_credentials))
        .route("/member/set-password", post(account::set_password))
        .route("/member/json", get(account::get_json).post(account::replace_json))
        .route("/member/plans/add", post(account::add_plan))
        .route("/member/plans/remove", post(account::remove_plan))
        .route("/app", get(app::get))
        .route("/app/plans/{id}", get(app::plan))
        .route("/app-member", post(app::with_member))
        .route("/page-view", post(app::page_view))
        .route("/event", post(app::event))
        .route("/v1/data-tables", get(records::tables))
        .route("/v1/data-tables/{table}", get(records::table))
        .route("/v1/data-records", post(records::create))
        .route("/v1/data-records/query", post(records::query))
        .route("/v1/data-records/{id}", put(records::update).delete(records::delete))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(http.clone(), client::door))
        .layer(from_fn(client::share))
}

fn manage_routes(http: &Http) -> Router<Http> {
    use manage::{app, custom_fields, mails, permissions, plans, sessions, tables};
    Router::new()
        .route("/manage/v1/app", get(app::get).patch(app::update))
        .route("/manage/v1/members/{id}/sessions", get(sessions::list).delete(sessions::revoke_all))
        .route("/manage/v1/sessions/{id}", delete(sessions::revoke))
        .route("/manage/v1/mails", get(mails::list))
        .route("/manage/v1/mail-templates", get(mails::templates))
        .route("/manage/v1/mail-templates/{key}", put(mails::set_template).delete(mails::reset_template))
        .route("/manage/v1/plans", get(plans::list).post(plans::create))
        .route("/manage/v1/plans/{id}", get(plans::get).patch(plans::update).delete(plans::delete))
        .route("/manage/v1/plans/{id}/prices", post(plans::create_price))
        .route("/manage/v1/plans/{id}/permissions/{permission}", put(plans::grant).delete(plans::withdraw))
        .route("/manage/v1/permissions", get(permissions::list).post(permissions::create))
        .route("/manage/v1/permissions/{id}", delete(permissions::delete))
        .route("/manage/v1/custom-fields", get(custom_fields::list).post(custom_fields::create))
        .route("/manage/v1/custom-fields/{key}", put(custom_fields::update).delete(custom_fields::delete))
        .route("/manage/v1/tables", get(tables::list).post(tables::create))
        .route("/manage/v1/tables/{table}", get(tables::get).patch(tables::update).delete(tables::delete))
        .route("/manage/v1/tables/{table}/fields", post(tables::create_field))
        .route(
            "/manage/v1/tables/{table}/fields/{field}",
            patch(tables::update_field).delete(tables::delete_field),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(manage::private))
        .layer(from_fn_with_state(http.clone(), manage::door))
}

async fn unknown(request: Request) -> Response {
    observe::unknown_route(request.uri().path())
}

async fn method_not_allowed(request: Request) -> Response {
    Surface::of_path(request.uri().path()).problem(AppError::new(Code::MethodNotAllowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_path_is_its_own_label() {
        for route in ROUTES {
            assert_eq!(known_route(route.path), route.path);
        }
        assert_eq!(known_route("/members/"), "/members");
        assert_eq!(known_route("/nowhere"), UNMATCHED);
    }
}
