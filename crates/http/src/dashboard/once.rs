//! A form is carried out once, however often it is sent: somebody presses the button twice, or sends a page that
//! they went back to. A form that must not be done twice carries `once`, which its page was made with; it is to the
//! session what an `Idempotency-Key` is to a key, kept in the same place and by the same rules.

use super::desk::Desk;
use super::page::redirect;
use super::routes::Handler;
use axum::http::header;
use axum::response::Response;
use guildhall_app::idempotency::{Answer, Asked, IdempotencyKey, Once, Turn};
use guildhall_app::{AppError, OperatorAccess};
use guildhall_domain::Code;
use std::time::Duration;

/// The name of the field.
const ONCE: &str = "once";
/// How long, and how often, the second of two waits for what came of the first.
const PATIENCE: Duration = Duration::from_millis(100);
const WAITS_MAX: u32 = 50;

/// Has the handler answer, or tells what it answered when the form came first.
pub(super) async fn answer(desk: Desk, handler: Handler) -> Result<Response, AppError> {
    if desk.place.is_none() || desk.form.get(ONCE).is_empty() {
        return handler(desk).await;
    }
    // On a task of its own: a browser that sends a form again hangs up on the first.
    let task = tokio::spawn(async move {
        match begin(&desk).await? {
            Some(Once::Replay(answer)) => Ok(replay(&answer)),
            Some(Once::CarryOut(turn)) => carry_out(desk, handler, turn).await,
            None => handler(desk).await,
        }
    });
    task.await.map_err(|_| AppError::internal("a form was not carried out to its end"))?
}

/// Nothing if the form came from the same page with other content: that is no repetition.
async fn begin(desk: &Desk) -> Result<Option<Once>, AppError> {
    let body = desk.form.query_without(&[]);
    let asked = Asked { method: "POST", path: &desk.path, query: "", body: body.as_bytes() };
    let mut waits = 0;
    loop {
        let key = IdempotencyKey::presented(desk.form.get(ONCE).as_bytes())?;
        let holder = desk.place.as_ref().map(OperatorAccess::holder).ok_or(Code::AppNotFound)?;
        match desk.guildhall().begin_once(holder, key, asked).await {
            Ok(once) => return Ok(Some(once)),
            Err(error) if error.code == Code::IdempotencyKeyReused => return Ok(None),
            Err(error) if error.code == Code::IdempotencyInFlight && waits < WAITS_MAX => {
                waits += 1;
                tokio::time::sleep(PATIENCE).await;
            }
            Err(error) if error.code == Code::IdempotencyInFlight => {
                let message = "This form was sent already and is being carried out. Look again in a moment.";
                return Err(AppError::because(Code::IdempotencyInFlight, message));
            }
            Err(error) => return Err(error),
        }
    }
}

async fn carry_out(desk: Desk, handler: Handler, turn: Turn) -> Result<Response, AppError> {
    let http = desk.http.clone();
    let answered = turn.carry_out(handler(desk)).await;
    let answer = answered.as_ref().ok().and_then(led_to);
    if let Err(error) = http.guildhall().end_once(turn, answer).await {
        tracing::warn!(?error, "what came of a form was not kept");
    }
    answered
}

/// Where a form led to that was carried out, to be kept. One that was refused may be sent again.
fn led_to(response: &Response) -> Option<Answer> {
    let location = response.headers().get(header::LOCATION).filter(|_| response.status().is_redirection())?;
    Some(Answer { status: 303, content_type: None, body: location.as_bytes().to_vec() })
}

fn replay(answer: &Answer) -> Response {
    redirect(&String::from_utf8_lossy(&answer.body))
}
