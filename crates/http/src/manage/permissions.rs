//! `/manage/v1/permissions`

use super::{answer, created, gone, place};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::Caller;
use guildhall_app::fields::Fields;
use guildhall_domain::ids::PermissionId;
use guildhall_domain::plan::Permission;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// All permissions of the app.
pub(crate) async fn list(Extension(caller): Extension<Caller>) -> Response {
    let listed = caller.allow(Action::ManageRead).map(|access| {
        let shown: Vec<_> = access.definitions().permissions.iter().map(view).collect();
        json!({ "data": shown })
    });
    answer(listed)
}

/// Creates one.
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let made = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let (name, description) = (fields.required_text("name")?, fields.text("description")?);
        let permission = http.guildhall().create_permission(&app, &name, description, actor).await?;
        Ok(json!({ "data": view(&permission) }))
    };
    created(made.await)
}

/// Deletes one, wherever it is granted.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        http.guildhall().delete_permission(&app, &PermissionId::from_text(id), actor).await
    };
    gone(deleted.await)
}

fn view(permission: &Permission) -> Value {
    json!({ "id": permission.id, "name": permission.name, "description": permission.description })
}
