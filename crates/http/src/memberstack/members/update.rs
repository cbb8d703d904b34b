//! `PATCH /members/{id}`

use super::create::email;
use super::{answer, data};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::fields::Fields;
use guildhall_app::members::{Change, Shown};
use guildhall_app::{AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::{Map, Value};

/// Changes a member. Passwords are not changed here.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::MemberWrite)?;
        let change = change(body::json_object(request, http.settings().body_bytes_max).await?)?;
        let member = http.guildhall().update_member(&access, &id, change).await?;
        Ok(data(&member, &access, Shown { json: true, teams: false }))
    };
    answer(updated.await)
}

fn change(object: Map<String, Value>) -> Result<Change, AppError> {
    let mut fields = Fields::new(object);
    if fields.is_null("email") {
        // A member keeps an address; null is no way to lose it.
        return Err(Code::EmailInvalid.into());
    }
    Ok(Change {
        email: email(&mut fields)?,
        custom_fields: fields.object("customFields")?,
        meta_data: fields.object("metaData")?,
        json: fields.object("json")?,
        login_redirect: fields.clearable_text("loginRedirect")?,
        verified: fields.bool("verified")?,
        profile_image: fields.clearable_text("profileImage")?,
    })
}
