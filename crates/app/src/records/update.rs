//! Changing a record.

use super::privacy::owns;
use super::writing::{Resolved, Written, check_size, or_not_unique, required, resolve, write_links};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::data_table::DataTable;
use guildhall_domain::record::{Change, Changes, Target, parse_changes};
use guildhall_domain::record_id::RecordKey;
use guildhall_store::{RecordPlace, Tx};
use serde_json::{Map, Value, json};

impl Guildhall {
    /// Changes the fields of a record that are named, and returns it as it then is.
    ///
    /// # Errors
    /// `TableNotFound`, `LoginRequired`, `AccessDenied`, `RecordNotFound`, `FieldUnknown`, `FieldValueInvalid`, `FieldRequired`,
    /// `FieldNotUnique`, `TableChanged`, `Busy`, `StoreUnavailable`.
    pub async fn update_record(
        &self,
        access: &Access<'_>,
        table: &str,
        id: &str,
        data: &Map<String, Value>,
    ) -> Result<Written, AppError> {
        let home = self.home(access, table)?;
        let reach = home.table().rules.update.reach(home.asker())?;
        let changes = parse_changes(home.table(), data)?;
        let (now, recorder) = (self.now().to_millis(), access.recorder(self.now()));
        let detail = json!({ "table": home.table().key, "changed": data.keys().collect::<Vec<_>>() });
        let id = id.to_owned();
        let updated = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let place = home.place();
                tx.data_tables().hold(place.table).await?;
                let key = tx.records().lock_key(&place, &id).await?.ok_or(Code::RecordNotFound)?;
                let current = tx.records().find(&place, key, None).await?.ok_or(Code::RecordNotFound)?;
                if !reach.holds(current.owner) && !concerns_only_itself(&changes) {
                    return Err(Code::AccessDenied.into());
                }
                let resolved = resolve(tx, &home, &changes, Some(&current)).await?;
                check_values(place.table, &resolved)?;
                or_not_unique(place.table, tx.records().update(&place, key, &resolved.values, now).await)?;
                let mut links = Vec::with_capacity(resolved.links.len());
                for field in &resolved.links {
                    links.push((field.field, write_links(tx, key, field).await?));
                }
                check_links(tx, &place, key, &resolved).await?;
                recorder.audit(tx, "record.update", &current.id, &detail).await?;
                let record = tx.records().find(&place, key, None).await?.ok_or(Code::RecordNotFound)?;
                check_size(&record)?;
                let owned = owns(home.asker(), &record);
                Ok(Written { record, links, owned })
            })
        });
        updated.await
    }
}

/// A member may connect and disconnect itself also where the record belongs to another (the vendor's rule).
fn concerns_only_itself(changes: &Changes) -> bool {
    let own = |targets: &[Target]| targets.iter().all(|target| *target == Target::Myself);
    !changes.is_empty()
        && changes.iter().all(|(_, change)| match change {
            // Replacing would take others away.
            Change::Link { replace: false, connect, disconnect } => own(connect) && own(disconnect),
            Change::Link { replace: true, .. } | Change::Clear | Change::Set(_) => false,
        })
}

/// No write may take the value of a required field.
fn check_values(table: &DataTable, resolved: &Resolved) -> Result<(), AppError> {
    let cleared = resolved.values.iter().filter(|(_, value)| value.is_none());
    let mut fields = cleared.filter_map(|(number, _)| table.field_numbered(*number));
    fields.find(|field| field.required).map_or(Ok(()), |field| Err(required(field)))
}

/// Nor the last link of one.
async fn check_links(
    tx: &mut Tx,
    place: &RecordPlace<'_>,
    key: RecordKey,
    resolved: &Resolved,
) -> Result<(), AppError> {
    for links in &resolved.links {
        let field = place.table.field_numbered(links.field);
        if let Some(field) = field.filter(|field| field.required)
            && !tx.records().has_link(field.number, key).await?
        {
            return Err(required(field));
        }
    }
    Ok(())
}
