//! Deleting a record.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::record::Record;
use serde_json::json;

impl Guildhall {
    /// Deletes a record and returns it as it was. What points at it points at nothing from then on, also
    /// where that field is required: the rule is about what callers write.
    ///
    /// # Errors
    /// `TableNotFound`, `LoginRequired`, `AccessDenied`, `RecordNotFound`, `TableChanged`, `Busy`, `StoreUnavailable`.
    pub async fn delete_record(
        &self,
        access: &Access<'_>,
        table: &str,
        id: &str,
    ) -> Result<Record, AppError> {
        let home = self.home(access, table)?;
        let reach = home.table().rules.delete.reach(home.asker())?;
        let (recorder, id) = (access.recorder(self.now()), id.to_owned());
        let deleted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let place = home.place();
                tx.data_tables().hold(place.table).await?;
                let key = tx.records().lock_key(&place, &id).await?.ok_or(Code::RecordNotFound)?;
                let record = tx.records().find(&place, key, None).await?.ok_or(Code::RecordNotFound)?;
                if !reach.holds(record.owner) {
                    return Err(Code::AccessDenied.into());
                }
                if !tx.records().delete(&place, key).await? {
                    return Err(Code::RecordNotFound.into());
                }
                let detail = json!({ "table": place.table.key });
                recorder.audit(tx, "record.delete", &record.id, &detail).await?;
                Ok(record)
            })
        });
        deleted.await
    }
}
