//! Members' sessions, under `/manage/v1/members/{id}/sessions` and `/manage/v1/sessions/{id}`.

use super::{answer, gone};
use crate::Http;
use crate::segment::Segment;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use guildhall_app::Caller;
use guildhall_app::sessions::Session;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// A member's sessions that have not expired, newest first.
pub(crate) async fn list(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(member): Segment<String>,
) -> Response {
    let listed = async {
        let access = caller.allow(Action::ManageRead)?;
        let sessions = http.guildhall().list_sessions(&access, &member).await?;
        Ok(json!({ "data": sessions.iter().map(view).collect::<Vec<_>>() }))
    };
    answer(listed.await)
}

/// Ends all sessions of a member.
pub(crate) async fn revoke_all(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(member): Segment<String>,
) -> Response {
    let revoked = async {
        let access = caller.allow(Action::ManageWrite)?;
        let ended = http.guildhall().revoke_sessions(&access, &member).await?;
        Ok(json!({ "data": { "ended": ended } }))
    };
    answer(revoked.await)
}

/// Ends one session.
pub(crate) async fn revoke(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(session): Segment<String>,
) -> Response {
    let revoked = async {
        let access = caller.allow(Action::ManageWrite)?;
        http.guildhall().revoke_session(&access, &session).await
    };
    gone(revoked.await)
}

fn view(session: &Session) -> Value {
    json!({
        "id": session.id, "method": session.method.as_str(), "address": session.address,
        "userAgent": session.user_agent, "createdAt": session.created_at, "expiresAt": session.expires_at,
        "revokedAt": session.revoked_at,
    })
}
