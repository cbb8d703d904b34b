//! The wording of an app's mails.

use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::mail::{MailKind, Template};
use serde_json::json;

impl Guildhall {
    /// The wording of every kind of mail, and whether it is the app's own.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn list_mail_templates(
        &self,
        app: &AppId,
    ) -> Result<Vec<(MailKind, Template, bool)>, AppError> {
        let app = app.clone();
        let own = self
            .store()
            .scan::<_, AppError, _>(move |tx| Box::pin(async move { Ok(tx.mails().templates(&app).await?) }));
        let own = own.await?;
        let listed = MailKind::ALL.into_iter().map(|kind| {
            let found = own.iter().find(|(known, _)| *known == kind);
            let template = found.map_or_else(|| kind.default_template(), |(_, template)| template.clone());
            (kind, template, found.is_some())
        });
        Ok(listed.collect())
    }

    /// Gives a kind of mail the app's own wording.
    ///
    /// # Errors
    /// `TemplateInvalid`, saying why; `Busy`, `StoreUnavailable`.
    pub async fn set_mail_template(
        &self,
        app: &AppId,
        kind: MailKind,
        template: Template,
        actor: Actor,
    ) -> Result<(), AppError> {
        template.check(kind).map_err(|error| AppError::because(Code::TemplateInvalid, error.to_string()))?;
        let (app, now) = (app.clone(), self.now());
        let recorder = Recorder::of(actor, Some(app.clone()), now);
        let stored = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.mails().put_template(&app, kind, &template, now).await?;
                recorder.audit(tx, "mail-template.set", kind.as_str(), &json!({})).await
            })
        });
        stored.await
    }

    /// Gives a kind of mail our wording back.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn reset_mail_template(
        &self,
        app: &AppId,
        kind: MailKind,
        actor: Actor,
    ) -> Result<(), AppError> {
        let app = app.clone();
        let recorder = Recorder::of(actor, Some(app.clone()), self.now());
        let stored = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.mails().delete_template(&app, kind).await?;
                recorder.audit(tx, "mail-template.reset", kind.as_str(), &json!({})).await
            })
        });
        stored.await
    }
}
