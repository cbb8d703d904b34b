//! `/manage/v1/app`

use super::answer;
use crate::Http;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use guildhall_app::Caller;
use guildhall_domain::scope::Action;
use serde_json::json;

/// The key's app.
pub(crate) async fn get(State(_): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let found = caller.allow(Action::ManageRead).map(|access| {
        let app = &access.definitions().app;
        json!({
            "id": app.id, "name": app.name, "shop": app.shop, "apiAccess": app.api_access,
            "passwordless": app.passwordless, "environment": access.mode(), "createdAt": app.created_at,
        })
    });
    answer(found)
}
