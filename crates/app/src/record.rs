//! Audit entries and events: every mutation writes both in its own transaction.

use crate::error::AppError;
use guildhall_domain::audit::Actor;
use guildhall_domain::event::EventKind;
use guildhall_domain::ids::AppId;
use guildhall_domain::{EnvironmentId, Timestamp};
use guildhall_store::{AuditEntry, Tx};
use serde_json::Value;

/// Who does something, where and when: what all records of one unit of work share.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub app: Option<AppId>,
    pub environment: Option<EnvironmentId>,
    pub actor: Actor,
    pub request: Option<String>,
    pub now: Timestamp,
}

impl Recorder {
    /// For a change that is not made by a request.
    pub(crate) fn of(actor: Actor, app: Option<AppId>, now: Timestamp) -> Self {
        Self { app, environment: None, actor, request: None, now }
    }

    /// Writes an audit entry. `detail` holds no secret.
    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
        detail: &Value,
    ) -> Result<(), AppError> {
        let detail = detail.to_string();
        let entry = AuditEntry {
            app: self.app.as_ref(),
            environment: self.environment,
            actor: &self.actor,
            action,
            subject,
            detail: &detail,
            request: self.request.as_deref(),
        };
        Ok(tx.audit().insert(entry, self.now).await?)
    }

    /// Writes an event to the outbox.
    pub(crate) async fn event(
        &self,
        tx: &mut Tx,
        environment: EnvironmentId,
        kind: EventKind,
        subject: &str,
        payload: &str,
    ) -> Result<(), AppError> {
        Ok(tx.events().insert(environment, kind, subject, payload, self.now).await?)
    }
}
