//! `/manage/v1/clock`: the clock of a sandbox.

use super::answer;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::billing::clock::ClockState;
use guildhall_app::fields::Fields;
use guildhall_app::{AppError, Caller};
use guildhall_domain::scope::Action;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, record};
use serde_json::{Value, json};

/// How it stands.
pub(crate) async fn get(State(http): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let found = async {
        let access = caller.allow(Action::ManageRead)?;
        http.guildhall().environment_clock(&access).await.map(view)
    };
    answer(found.await)
}

/// Stops it.
pub(crate) async fn freeze(State(http): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let frozen = async {
        let access = caller.allow(Action::ManageWrite)?;
        http.guildhall().freeze_clock(&access).await.map(view)
    };
    answer(frozen.await)
}

/// Lets it go by the real time again.
pub(crate) async fn release(State(http): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let released = async {
        let access = caller.allow(Action::ManageWrite)?;
        http.guildhall().release_clock(&access).await.map(view)
    };
    answer(released.await)
}

/// Moves it forward: `{"to": "2027-01-01T00:00:00Z"}`, or by `days`, `hours` or `seconds`. Answers when everything
/// that was due on the way is done.
pub(crate) async fn advance(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let advanced = async {
        let access = caller.allow(Action::ManageWrite)?;
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let to = fields.text("to")?;
        let parts = [("days", 86_400), ("hours", 3_600), ("seconds", 1)];
        let mut seconds: Option<i64> = None;
        for (name, length) in parts {
            if let Some(count) = fields.int(name)? {
                let more = count.checked_mul(length).filter(|_| count >= 0);
                seconds = more.and_then(|more| seconds.unwrap_or(0).checked_add(more));
                seconds.ok_or_else(|| {
                    AppError::because(Code::InputInvalid, "A clock can only be moved forward.")
                })?;
            }
        }
        let to = match (to, seconds) {
            (Some(to), None) => record::date(&to),
            (None, Some(seconds)) => {
                let now = http.guildhall().environment_clock(&access).await?.now;
                seconds.checked_mul(MICROS_PER_SECOND).map(|micros| now.plus_micros(micros))
            }
            _ => None,
        };
        let to = to.ok_or_else(|| {
            AppError::because(
                Code::InputInvalid,
                "Say either `to`, a time, or how many `days`, `hours` or `seconds`.",
            )
        })?;
        http.guildhall().advance_clock(&access, to).await.map(view)
    };
    answer(advanced.await)
}

fn view(clock: ClockState) -> Value {
    json!({ "data": { "now": clock.now, "frozen": clock.frozen, "target": clock.target } })
}
