//! `POST /members/verify-token`

use super::problem;
use crate::problem::json;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use guildhall_app::Caller;
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

/// What a member's token says. Whatever is wrong with it, the answer is the same.
pub(crate) async fn verify_token(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let verified = async {
        let access = caller.allow(Action::MemberRead)?;
        let body = body::json_value(request, http.settings().body_bytes_max).await?.unwrap_or_default();
        let token = body["token"].as_str().ok_or(Code::TokenInvalid)?;
        http.guildhall().verify_token(&access, token).await
    };
    match verified.await {
        Ok(claims) => {
            let body = serde_json::json!({ "data": claims }).to_string();
            json(StatusCode::OK, body.into_bytes())
        }
        Err(error) => problem(error),
    }
}
