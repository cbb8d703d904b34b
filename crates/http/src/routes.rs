//! The one list of addresses, and the surfaces they belong to.

use crate::{
    Http, HttpSettings, appstle, client, dashboard, jwks, machines, manage, memberstack, observe, portal,
};
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
    /// Appstle's Memberships Admin API, by store key.
    Appstle,
    /// Our own management API, by a secret key with the `manage` scope.
    Manage,
    /// The dashboard, by an operator's session. Its addresses are in a list of their own.
    Dashboard,
    /// The customer portal, by a link. Its addresses are in a list of their own.
    Portal,
    /// Balancers and scrapers, without a key.
    Machines,
}

impl Surface {
    /// The surface that a path lies under.
    pub(crate) fn of_path(path: &str) -> Self {
        if dashboard::owns(path) {
            Surface::Dashboard
        } else if portal::owns(path) {
            Surface::Portal
        } else if path.starts_with("/manage/") {
            Surface::Manage
        } else if appstle::owns(path) {
            Surface::Appstle
        } else if client::owns(path) {
            Surface::Client
        } else {
            Surface::Memberstack
        }
    }

    /// An error in this surface's shape, in answer to a request for this path.
    pub(crate) fn problem(self, error: AppError, path: &str) -> Response {
        match self {
            Surface::Manage => manage::problem(error),
            Surface::Client => client::problem(error),
            Surface::Appstle => appstle::problem(error, path),
            Surface::Dashboard => dashboard::problem(error),
            Surface::Portal => portal::problem(error),
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
        PATCH "/manage/v1/plans/{id}/prices/{price}" Some(Action::ManageWrite);
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
        GET "/manage/v1/clock" Some(Action::ManageRead);
        POST "/manage/v1/clock/freeze" Some(Action::ManageWrite);
        POST "/manage/v1/clock/advance" Some(Action::ManageWrite);
        POST "/manage/v1/clock/release" Some(Action::ManageWrite);
        GET "/manage/v1/discount-codes" Some(Action::ManageRead);
        PUT "/manage/v1/discount-codes/{key}" Some(Action::ManageWrite);
        DELETE "/manage/v1/discount-codes/{key}" Some(Action::ManageWrite);
    }
    Appstle {
        GET "/api/external/v2/membership-plans" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-groups" Some(Action::ContractRead);
        POST "/api/external/v2/subscription-groups" Some(Action::ContractWrite);
        GET "/api/external/v2/subscription-groups/{id}" Some(Action::ContractRead);
        PUT "/api/external/v2/subscription-groups/{id}/add-products" Some(Action::ContractWrite);
        GET "/api/external/v2/cancellation-managements/{id}" Some(Action::ContractRead);
        GET "/api/external/v2/activity-logs" Some(Action::ContractRead);
        GET "/api/external/v2/manage-subscription-link/{id}" Some(Action::ContractRead);
        GET "/api/external/v2/customer-portal-token" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-contracts-email-magic-link" Some(Action::ContractWrite);
        GET "/api/external/v2/membership-contracts" Some(Action::ContractRead);
        GET "/api/external/v2/membership-contracts/{id}" Some(Action::ContractRead);
        PUT "/api/external/v2/membership-contracts/{id}/{verb}" Some(Action::ContractWrite);
        POST "/api/external/v2/membership-contracts/{id}/{verb}" Some(Action::ContractWrite);
        GET "/api/external/v2/membership-status" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-contract-details" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-contract-details/customers" Some(Action::ContractRead);
        POST "/api/external/v2/subscription-contract-details/create-subscription-contract" Some(Action::ContractWrite);
        GET "/api/external/v2/subscription-contract-details/{id}/pending-downgrade" Some(Action::ContractRead);
        DELETE "/api/external/v2/subscription-contract-details/{id}/pending-downgrade" Some(Action::ContractWrite);
        GET "/api/external/v2/subscription-customers/valid/{id}" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-customers-detail/valid/{id}" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-customers/{id}" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-customers/sync-info/{id}" Some(Action::ContractRead);
        DELETE "/api/external/v2/subscription-customers/sync-info/{id}" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-contracts/contract-external/{id}" Some(Action::ContractRead);
        DELETE "/api/external/v2/subscription-contracts/{id}" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-status" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-billing-interval" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-delivery-interval" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-billing-date" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-min-cycles" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-max-cycles" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-add-line-item" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contract-add-line-item" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-remove-line-item" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-line-item" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-line-item-quantity" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-line-item-price" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-line-item-attributes" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contract-update-variant" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-apply-discount" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-contracts-add-discount" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-contracts-remove-discount" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-contracts-update-payment-method" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-contracts-update-shipping-address" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-order-note/{id}" Some(Action::ContractWrite);
        PUT "/api/external/v2/subscription-contracts-update-custom-note-attributes" Some(Action::ContractWrite);
        GET "/api/external/v2/subscription-billing-attempts/top-orders" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-billing-attempts/past-orders" Some(Action::ContractRead);
        GET "/api/external/v2/subscription-billing-attempts/past-orders/report" Some(Action::ContractRead);
        PUT "/api/external/v2/subscription-billing-attempts" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-billing-attempts/attempt-billing/{id}" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-billing-attempts/skip-order/{id}" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-billing-attempts/unskip-order/{id}" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-billing-attempts/skip-upcoming-order" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-billing-attempts/reschedule-order/{id}" Some(Action::BillingWrite);
        PUT "/api/external/v2/subscription-billing-attempts-update-order-note/{id}" Some(Action::BillingWrite);
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
    let found = found.map(|route| route.path).or_else(|| dashboard::known_route(matched));
    found.or_else(|| portal::known_route(matched)).unwrap_or(UNMATCHED)
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
        .merge(appstle_routes(&http))
        .merge(manage_routes(&http))
        .merge(dashboard::router())
        .merge(portal::router())
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

fn appstle_routes(http: &Http) -> Router<Http> {
    use appstle::{
        activity_logs, attempts, cancellation_managements, contract_changes, contracts, customer_portal,
        customers, membership_contracts, membership_plans, subscription_groups,
    };
    let v2 = |path: &str| format!("/api/external/v2/{path}");
    Router::new()
        .route(&v2("membership-plans"), get(membership_plans::list))
        .route(&v2("subscription-groups"), get(subscription_groups::list).post(subscription_groups::create))
        .route(&v2("subscription-groups/{id}"), get(subscription_groups::get))
        .route(&v2("subscription-groups/{id}/add-products"), put(subscription_groups::add_products))
        .route(&v2("cancellation-managements/{id}"), get(cancellation_managements::get))
        .route(&v2("activity-logs"), get(activity_logs::list))
        .route(&v2("manage-subscription-link/{id}"), get(customer_portal::link))
        .route(&v2("customer-portal-token"), get(customer_portal::token))
        .route(&v2("subscription-contracts-email-magic-link"), get(customer_portal::mail))
        .route(&v2("membership-contracts"), get(membership_contracts::list))
        .route(&v2("membership-contracts/{id}"), get(membership_contracts::get))
        .route(
            &v2("membership-contracts/{id}/{verb}"),
            put(membership_contracts::act).post(membership_contracts::act),
        )
        .route(&v2("membership-status"), get(membership_contracts::status))
        .route(&v2("subscription-contract-details"), get(contracts::list))
        .route(&v2("subscription-contract-details/customers"), get(contracts::customers))
        .route(&v2("subscription-contract-details/create-subscription-contract"), post(contracts::create))
        .route(
            &v2("subscription-contract-details/{id}/pending-downgrade"),
            get(contract_changes::pending_downgrade).delete(contract_changes::forget_downgrade),
        )
        .route(&v2("subscription-customers/valid/{id}"), get(customers::valid))
        .route(&v2("subscription-customers-detail/valid/{id}"), get(customers::valid_rows))
        .route(&v2("subscription-customers/{id}"), get(customers::get))
        .route(&v2("subscription-customers/sync-info/{id}"), get(customers::sync).delete(customers::sync))
        .route(&v2("subscription-contracts/contract-external/{id}"), get(contracts::get))
        .route(&v2("subscription-contracts/{id}"), delete(contract_changes::cancel))
        .route(&v2("subscription-contracts-update-status"), put(contract_changes::status))
        .route(&v2("subscription-contracts-update-billing-interval"), put(contract_changes::billing_interval))
        .route(
            &v2("subscription-contracts-update-delivery-interval"),
            put(contract_changes::delivery_interval),
        )
        .route(&v2("subscription-contracts-update-billing-date"), put(contract_changes::billing_date))
        .route(&v2("subscription-contracts-update-min-cycles"), put(contract_changes::min_cycles))
        .route(&v2("subscription-contracts-update-max-cycles"), put(contract_changes::max_cycles))
        .route(&v2("subscription-contracts-add-line-item"), put(contract_changes::add_line))
        .route(&v2("subscription-contract-add-line-item"), put(contract_changes::add_line))
        .route(&v2("subscription-contracts-remove-line-item"), put(contract_changes::remove_line))
        .route(&v2("subscription-contracts-update-line-item"), put(contract_changes::update_line))
        .route(&v2("subscription-contracts-update-line-item-quantity"), put(contract_changes::line_quantity))
        .route(&v2("subscription-contracts-update-line-item-price"), put(contract_changes::line_price))
        .route(
            &v2("subscription-contracts-update-line-item-attributes"),
            put(contract_changes::line_attributes),
        )
        .route(&v2("subscription-contract-update-variant"), put(contract_changes::variant))
        .route(&v2("subscription-contracts-apply-discount"), put(contract_changes::apply_discount))
        .route(&v2("subscription-contracts-add-discount"), put(contract_changes::add_discount))
        .route(&v2("subscription-contracts-remove-discount"), put(contract_changes::remove_discount))
        .route(
            &v2("subscription-contracts-update-payment-method"),
            put(contract_changes::refresh_payment_method),
        )
        .route(&v2("subscription-contracts-update-shipping-address"), put(contract_changes::address))
        .route(&v2("subscription-contracts-update-order-note/{id}"), put(contract_changes::order_note))
        .route(
            &v2("subscription-contracts-update-custom-note-attributes"),
            put(contract_changes::note_attributes),
        )
        .route(&v2("subscription-billing-attempts/top-orders"), get(attempts::upcoming))
        .route(&v2("subscription-billing-attempts/past-orders"), get(attempts::past))
        .route(&v2("subscription-billing-attempts/past-orders/report"), get(attempts::report))
        .route(&v2("subscription-billing-attempts"), put(attempts::update))
        .route(&v2("subscription-billing-attempts/attempt-billing/{id}"), put(attempts::bill))
        .route(&v2("subscription-billing-attempts/skip-order/{id}"), put(attempts::skip))
        .route(&v2("subscription-billing-attempts/unskip-order/{id}"), put(attempts::unskip))
        .route(&v2("subscription-billing-attempts/skip-upcoming-order"), put(attempts::skip_next))
        .route(&v2("subscription-billing-attempts/reschedule-order/{id}"), put(attempts::reschedule))
        .route(&v2("subscription-billing-attempts-update-order-note/{id}"), put(attempts::note))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(http.clone(), appstle::door))
        .layer(from_fn(appstle::share))
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
    use manage::{app, clock, custom_fields, discount_codes, mails, permissions, plans, sessions, tables};
    Router::new()
        .route("/manage/v1/app", get(app::get).patch(app::update))
        .route("/manage/v1/members/{id}/sessions", get(sessions::list).delete(sessions::revoke_all))
        .route("/manage/v1/sessions/{id}", delete(sessions::revoke))
        .route("/manage/v1/mails", get(mails::list))
        .route("/manage/v1/mail-templates", get(mails::templates))
        .route("/manage/v1/mail-templates/{key}", put(mails::set_template).delete(mails::reset_template))
        .route("/manage/v1/clock", get(clock::get))
        .route("/manage/v1/clock/freeze", post(clock::freeze))
        .route("/manage/v1/clock/advance", post(clock::advance))
        .route("/manage/v1/clock/release", post(clock::release))
        .route("/manage/v1/discount-codes", get(discount_codes::list))
        .route("/manage/v1/discount-codes/{key}", put(discount_codes::put).delete(discount_codes::delete))
        .route("/manage/v1/plans", get(plans::list).post(plans::create))
        .route("/manage/v1/plans/{id}", get(plans::get).patch(plans::update).delete(plans::delete))
        .route("/manage/v1/plans/{id}/prices", post(plans::create_price))
        .route("/manage/v1/plans/{id}/prices/{price}", patch(plans::update_price))
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
    let path = request.uri().path();
    Surface::of_path(path).problem(AppError::new(Code::MethodNotAllowed), path)
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
