//! `cancellation-managements/{id}`: what happens when a member wants to cancel.

use super::answer::Answer;
use super::call::Call;
use crate::segment::Segment;
use axum::response::Response;
use guildhall_domain::scope::Action;
use serde_json::json;

/// `GET cancellation-managements/{id}` (wire contract C.7). Whatever the id, it is the key's own store: a cancellation
/// takes effect at once here, with no questions and no offers before it.
pub(crate) async fn get(call: Call, Segment(id): Segment<String>) -> Response {
    let found = || {
        let access = call.allow(Action::ContractRead)?;
        let id = call.number("id", &id)?;
        Ok(Answer::json(&json!({
            "id": id, "shop": access.definitions().app.store_name(), "cancellationType": "CANCEL_IMMEDIATELY",
            "cancellationInstructionsText": "", "cancellationReasonsJSON": "[]", "cancellationRetentionMessage": "",
            "pauseDurationCycle": null, "dynamicallyPauseCycleOnCancellation": false,
            "discountRecurringCycleLimit": null,
        })))
    };
    call.answer(found())
}
