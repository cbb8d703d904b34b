//! Links to the customer portal (wire contract C.1, 42 to 44): made for one customer, mailed to one, or just their token.
//!
//! A link opens no more than the key that asked for it may do, so one that only reads gets a link that only shows. That
//! a mail goes out is more than reading.

use super::answer::Answer;
use super::call::Call;
use super::contract_row::seconds;
use super::params::Params;
use super::problem::{CUSTOMER, Problem};
use crate::segment::Segment;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::portal::{PortalCustomer, PortalLink};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::json;

/// `GET manage-subscription-link/{customerId}`: `{manageSubscriptionLink, tokenExpirationTime}`.
pub(crate) async fn link(call: Call, Segment(id): Segment<String>) -> Response {
    let made = async {
        call.allow(Action::ContractRead)?;
        let number = call.number("customerId", &id)?;
        let link = make(&call, PortalCustomer::Number(number)).await?;
        Ok(Answer::json(&json!({
            "manageSubscriptionLink": link.url(), "tokenExpirationTime": seconds(link.expires_at),
        }))
        .unkept())
    };
    call.answer(made.await)
}

/// `GET customer-portal-token?customerId=` or `?email=`: `{customerId, token}`.
pub(crate) async fn token(call: Call) -> Response {
    let made = async {
        call.allow(Action::ContractRead)?;
        let link = make(&call, named(&call.params()?)?).await?;
        Ok(Answer::json(&json!({ "customerId": link.customer, "token": link.token() })).unkept())
    };
    call.answer(made.await)
}

/// `GET subscription-contracts-email-magic-link?email=`: `Email triggered successfully.`
pub(crate) async fn mail(call: Call) -> Response {
    let sent = async {
        let access = call.allow(Action::ContractWrite)?;
        let params = call.params()?;
        let email = params.required_text("email")?;
        let powers = call.caller().portal_powers();
        call.guildhall().mail_portal_link(&access, powers, email).await.map_err(told)?;
        Ok(Answer::text("Email triggered successfully.").unkept())
    };
    call.answer(sent.await)
}

async fn make(call: &Call, whom: PortalCustomer) -> Result<PortalLink, Problem> {
    let access = call.allow(Action::ContractRead)?;
    call.guildhall().portal_link(&access, call.caller().portal_powers(), whom).await.map_err(told)
}

/// One customer, by number or by address.
fn named(params: &Params) -> Result<PortalCustomer, Problem> {
    let number = params.number("customerId")?;
    let email = params.text("email")?.filter(|email| !email.is_empty());
    match (number, email) {
        (Some(number), None) => Ok(PortalCustomer::Number(number)),
        (None, Some(email)) => Ok(PortalCustomer::Email(email.to_owned())),
        (None, None) => {
            Err(Problem::parameter("One of the parameters 'customerId' and 'email' must be present."))
        }
        (Some(_), Some(_)) => {
            Err(Problem::parameter("Only one of the parameters 'customerId' and 'email' may be present."))
        }
    }
}

/// Nobody is told alike by all three, as the vendor does for the one that it documents.
fn told(error: AppError) -> Problem {
    match error.code {
        Code::MemberNotFound => {
            Problem::alert(Code::MemberNotFound, CUSTOMER, "invalidCustomer", "There is no such customer.")
        }
        _ => error.into(),
    }
}
