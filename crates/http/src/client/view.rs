//! Members, plans and apps as the client API shows them (wire contract, part E).

use guildhall_app::Definitions;
use guildhall_app::account::{Account, SignIn};
use guildhall_app::members::write_own_member;
use guildhall_domain::Mode;
use guildhall_domain::custom_field::CustomField;
use guildhall_domain::plan::{Plan, Price, Status};
use serde_json::{Value, json};

/// A member as it sees itself.
pub(super) fn member(account: &Account, definitions: &Definitions) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write_own_member(&mut out, account, definitions);
    out
}

/// As [`member`], to be put into something larger.
pub(super) fn member_value(account: &Account, definitions: &Definitions) -> Value {
    serde_json::from_slice(&member(account, definitions)).unwrap_or_default()
}

/// `{tokens, member, redirect, contentGroups}`
pub(super) fn signed_in(sign_in: &SignIn, definitions: &Definitions) -> Value {
    json!({
        "tokens": {
            "accessToken": sign_in.token,
            "expires": sign_in.expires_at.micros() / 1000,
            "type": "bearer",
        },
        "member": member_value(&sign_in.account, definitions),
        "redirect": sign_in.redirect,
        "contentGroups": [],
    })
}

/// An app: what its pages need to show their forms.
pub(super) fn app(definitions: &Definitions, mode: Mode) -> Value {
    let app = &definitions.app;
    let plans: Vec<_> =
        definitions.plans.iter().filter(|plan| plan.status == Status::Active).map(plan).collect();
    let field = |field: &CustomField| {
        json!({
            "key": field.key, "label": field.label, "hidden": field.hidden, "visibility": field.visibility,
            "restrictToAdmin": field.restrict_to_admin, "order": field.position,
        })
    };
    let fields: Vec<_> = definitions.custom_fields.iter().map(field).collect();
    json!({
        "id": app.id, "name": app.name, "mode": mode, "plans": plans, "contentGroups": [],
        "customFields": fields, "allowMemberSelfDelete": app.member_self_delete, "captchaRequired": false,
        "authProviders": [],
        "additionalAuthMethods": { "passwordless": { "enabled": app.passwordless, "isDefault": false } },
        "ssoSignupButtonURL": null, "ssoText": null, "isPaid": true,
        "branding": { "logo": null, "colors": { "lightMode": {} } },
    })
}

/// A plan; one without prices is free.
pub(super) fn plan(plan: &Plan) -> Value {
    let prices: Vec<_> =
        plan.prices.iter().filter(|price| price.status == Status::Active).map(price).collect();
    json!({
        "id": plan.id, "name": plan.name, "description": plan.description, "priority": plan.priority,
        "status": plan.status, "redirects": plan.redirects.to_map().unwrap_or_default(),
        "isPaid": !plan.is_free(), "restrictToAdmin": plan.restrict_to_admin, "memberLimit": plan.member_limit,
        "prices": prices,
    })
}

fn price(price: &Price) -> Value {
    let interval = price.interval.parts().map(|(unit, count)| json!({ "type": unit, "count": count }));
    json!({
        "id": price.id, "amount": price.money.minor, "currency": price.money.currency, "name": price.name,
        "type": if interval.is_some() { "SUBSCRIPTION" } else { "ONETIME" }, "interval": interval,
        "status": price.status,
    })
}
