//! Creating a record.

use super::Home;
use super::privacy::owns;
use super::writing::{
    LinkOutcome, Written, check_complete, check_size, or_not_unique, resolve, with_defaults, write_links,
};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::Timestamp;
use guildhall_domain::data_table::Asker;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::record::{Changes, parse_changes};
use guildhall_domain::record_id::RecordKey;
use guildhall_store::{NewRecord, RecordPlace, Tx};
use serde_json::{Map, Value, json};

impl Guildhall {
    /// Creates a record in a table. It belongs to the member that is named, or to nobody; if a member asks,
    /// to that one.
    ///
    /// # Errors
    /// `TableNotFound`, `LoginRequired`, `AccessDenied`, `RecordOwnerNotFound`, `FieldUnknown`, `FieldValueInvalid`, `FieldRequired`,
    /// `FieldNotUnique`, `TableChanged`, `Busy`, `StoreUnavailable`.
    pub async fn create_record(
        &self,
        access: &Access<'_>,
        table: &str,
        data: &Map<String, Value>,
        owner: Option<String>,
    ) -> Result<Written, AppError> {
        let home = self.home(access, table)?;
        home.table().rules.create.reach(home.asker())?;
        let owner = match home.asker() {
            Asker::Admin => owner.map_or(Owner::Nobody, Owner::Named),
            Asker::Stranger => Owner::Nobody,
            Asker::Member(key) => Owner::Member(key),
        };
        let changes = with_defaults(home.table(), parse_changes(home.table(), data)?);
        check_complete(home.table(), &changes)?;
        let (now, recorder) = (self.now().to_millis(), access.recorder(self.now()));
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.data_tables().hold(home.table()).await?;
                let key = tx.records().next_places(&home.place(), 1, 1).await?;
                let draft = Draft { key, imported_id: None, owner, created_at: now, updated_at: now };
                let links = insert(tx, &home, draft, &changes).await?;
                let record = tx.records().find(&home.place(), key, None).await?;
                let record = record.ok_or_else(|| AppError::internal("a new record is not there"))?;
                check_size(&record)?;
                let detail = json!({ "table": home.table().key });
                recorder.audit(tx, "record.create", &record.id, &detail).await?;
                let owned = owns(home.asker(), &record);
                Ok(Written { record, links, owned })
            })
        });
        created.await
    }
}

/// To whom a record is to belong.
#[derive(Clone)]
pub(super) enum Owner {
    Nobody,
    /// The member with this id.
    Named(String),
    /// The member at this place.
    Member(MemberKey),
}

impl Owner {
    /// The member's place. It is kept from being deleted until the unit of work ends.
    async fn hold(&self, tx: &mut Tx, place: &RecordPlace<'_>) -> Result<Option<MemberKey>, AppError> {
        match self {
            Owner::Nobody => Ok(None),
            Owner::Named(id) => {
                let found = tx.records().hold_member(place, id).await?;
                found.map(Some).ok_or_else(|| Code::RecordOwnerNotFound.into())
            }
            Owner::Member(key) => match tx.records().hold_member_key(*key).await? {
                true => Ok(Some(*key)),
                false => Err(Code::LoginRequired.into()),
            },
        }
    }
}

/// A record to be, but for its values.
pub(super) struct Draft {
    pub key: RecordKey,
    pub imported_id: Option<String>,
    pub owner: Owner,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Stores a record whose place is taken, with its links.
pub(super) async fn insert(
    tx: &mut Tx,
    home: &Home,
    draft: Draft,
    changes: &Changes,
) -> Result<Vec<(i64, LinkOutcome)>, AppError> {
    let place = home.place();
    let owner = draft.owner.hold(tx, &place).await?;
    let resolved = resolve(tx, home, changes, None).await?;
    let new = NewRecord {
        key: draft.key,
        imported_id: draft.imported_id,
        owner,
        created_at: draft.created_at,
        updated_at: draft.updated_at,
        values: resolved.values,
    };
    or_not_unique(place.table, tx.records().insert(&place, &new).await)?;
    let mut outcomes = Vec::with_capacity(resolved.links.len());
    for links in &resolved.links {
        outcomes.push((links.field, write_links(tx, draft.key, links).await?));
    }
    Ok(outcomes)
}
