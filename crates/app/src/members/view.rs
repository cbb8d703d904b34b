//! The member object as Memberstack's Admin API and webhooks show it (wire contract, part E).
//!
//! Written straight into a buffer: stored JSON is spliced in as it is, so that showing a member
//! costs no parsing.

use crate::account::Account;
use crate::definitions::Definitions;
use crate::json_writer::{list, opt_text, text, time};
use guildhall_domain::contract::{ContractSummary, PaymentSummary};
use guildhall_domain::ids::{PlanId, PriceId};
use guildhall_domain::member::Member;
use guildhall_domain::plan::Money;

/// Which optional parts are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The member JSON.
    pub json: bool,
    /// The teams a member is in. There are none yet, so the list is empty.
    pub teams: bool,
}

/// Appends a member as a JSON object.
pub fn write_member(out: &mut Vec<u8>, member: &Member, definitions: &Definitions, shown: Shown) {
    out.extend_from_slice(b"{\"id\":");
    text(out, member.id.as_str());
    out.extend_from_slice(b",\"auth\":{\"email\":");
    opt_text(out, member.email.as_deref());
    out.extend_from_slice(b"},\"verified\":");
    out.extend_from_slice(if member.verified { b"true" } else { b"false" });
    out.extend_from_slice(b",\"metaData\":");
    out.extend_from_slice(member.meta_data.as_str().as_bytes());
    out.extend_from_slice(b",\"customFields\":");
    out.extend_from_slice(member.custom_fields.as_str().as_bytes());
    out.extend_from_slice(b",\"permissions\":");
    permissions(out, member, definitions);
    out.extend_from_slice(b",\"planConnections\":");
    list(out, &member.contracts, |out, contract| write_plan_connection(out, contract, definitions));
    out.extend_from_slice(b",\"loginRedirect\":");
    opt_text(out, member.login_redirect.as_deref());
    out.extend_from_slice(b",\"profileImage\":");
    opt_text(out, member.profile_image.as_deref());
    out.extend_from_slice(b",\"stripeCustomerId\":");
    opt_text(out, member.stripe_customer_id.as_deref());
    out.extend_from_slice(b",\"lastLogin\":");
    match member.last_login_at {
        Some(at) => time(out, at),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"createdAt\":");
    time(out, member.created_at);
    if shown.json {
        out.extend_from_slice(b",\"json\":");
        out.extend_from_slice(member.json.as_str().as_bytes());
    }
    if shown.teams {
        out.extend_from_slice(b",\"teams\":[]");
    }
    out.push(b'}');
}

/// Appends a member as the client API shows it to the member itself: how it signs in beside what it
/// is, without the JSON and without what only servers are to know.
pub fn write_own_member(out: &mut Vec<u8>, account: &Account, definitions: &Definitions) {
    let member = &account.member;
    out.extend_from_slice(b"{\"id\":");
    text(out, member.id.as_str());
    out.extend_from_slice(b",\"auth\":{\"email\":");
    opt_text(out, member.email.as_deref());
    out.extend_from_slice(b",\"hasPassword\":");
    truth(out, account.has_password);
    out.extend_from_slice(b",\"providers\":");
    list(out, &account.providers, |out, provider| {
        out.extend_from_slice(b"{\"provider\":");
        text(out, provider);
        out.push(b'}');
    });
    out.extend_from_slice(b"},\"verified\":");
    truth(out, member.verified);
    out.extend_from_slice(b",\"metaData\":");
    out.extend_from_slice(member.meta_data.as_str().as_bytes());
    out.extend_from_slice(b",\"customFields\":");
    out.extend_from_slice(member.custom_fields.as_str().as_bytes());
    out.extend_from_slice(b",\"permissions\":");
    permissions(out, member, definitions);
    out.extend_from_slice(b",\"planConnections\":");
    list(out, &member.contracts, write_own_plan_connection);
    out.extend_from_slice(b",\"loginRedirect\":");
    opt_text(out, member.login_redirect.as_deref());
    out.extend_from_slice(b",\"profileImage\":");
    opt_text(out, member.profile_image.as_deref());
    out.extend_from_slice(b",\"stripeCustomerId\":");
    opt_text(out, member.stripe_customer_id.as_deref());
    out.extend_from_slice(b",\"createdAt\":");
    time(out, member.created_at);
    out.push(b'}');
}

/// A plan connection as members see theirs: without the plan's name.
fn write_own_plan_connection(out: &mut Vec<u8>, contract: &ContractSummary) {
    out.extend_from_slice(b"{\"id\":");
    text(out, contract.id.as_str());
    out.extend_from_slice(b",\"active\":");
    truth(out, contract.access);
    out.extend_from_slice(b",\"status\":");
    text(out, contract.status.as_str());
    out.extend_from_slice(b",\"planId\":");
    opt_text(out, contract.plan.as_ref().map(PlanId::as_str));
    out.extend_from_slice(b",\"type\":");
    text(out, contract.kind.as_str());
    out.extend_from_slice(b",\"payment\":");
    write_payment(out, contract.payment.as_ref(), true);
    out.push(b'}');
}

/// How a contract is paid for: the amount in major units, dates in seconds (wire contract, part E). Members see
/// the price; servers what there is of invoices and cards, which is nothing yet.
fn write_payment(out: &mut Vec<u8>, payment: Option<&PaymentSummary>, own: bool) {
    let Some(payment) = payment else {
        out.extend_from_slice(b"null");
        return;
    };
    out.extend_from_slice(b"{\"amount\":");
    out.extend_from_slice(Money::to_major_number(payment.minor, &payment.currency).as_bytes());
    out.extend_from_slice(b",\"currency\":");
    text(out, &payment.currency);
    out.extend_from_slice(b",\"status\":");
    opt_text(out, payment.paid.map(|paid| if paid { "PAID" } else { "FAILED" }));
    for (name, at) in [
        ("lastBillingDate", payment.last_at),
        ("nextBillingDate", payment.next_at),
        ("cancelAtDate", payment.cancel_at),
    ] {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        match at {
            Some(at) => out.extend_from_slice(at.seconds().to_string().as_bytes()),
            None => out.extend_from_slice(b"null"),
        }
    }
    if own {
        out.extend_from_slice(b",\"priceId\":");
        opt_text(out, payment.price.as_ref().map(PriceId::as_str));
        out.push(b'}');
    } else {
        out.extend_from_slice(b",\"lastInvoice\":null,\"lastReceipt\":null,\"card\":null}");
    }
}

fn truth(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends a contract as a plan connection.
pub(super) fn write_plan_connection(
    out: &mut Vec<u8>,
    contract: &ContractSummary,
    definitions: &Definitions,
) {
    out.extend_from_slice(b"{\"id\":");
    text(out, contract.id.as_str());
    out.extend_from_slice(b",\"active\":");
    truth(out, contract.access);
    out.extend_from_slice(b",\"status\":");
    text(out, contract.status.as_str());
    out.extend_from_slice(b",\"planId\":");
    opt_text(out, contract.plan.as_ref().map(PlanId::as_str));
    out.extend_from_slice(b",\"planName\":");
    let plan = contract.plan.as_ref().and_then(|plan| definitions.plan(plan));
    opt_text(out, plan.map(|plan| plan.name.as_str()));
    out.extend_from_slice(b",\"type\":");
    text(out, contract.kind.as_str());
    out.extend_from_slice(b",\"payment\":");
    write_payment(out, contract.payment.as_ref(), false);
    out.push(b'}');
}

/// The union of what active plans grant and what the member was granted, each name once.
fn permissions(out: &mut Vec<u8>, member: &Member, definitions: &Definitions) {
    let active = member.contracts.iter().filter(|contract| contract.access);
    let of_plans = active
        .filter_map(|contract| definitions.plan(contract.plan.as_ref()?))
        .flat_map(|plan| &plan.permissions);
    let mut names: Vec<&str> =
        of_plans.chain(&member.permissions).filter_map(|id| definitions.permission_name(id)).collect();
    names.sort_unstable();
    names.dedup();
    list(out, &names, |out, name| text(out, name));
}
