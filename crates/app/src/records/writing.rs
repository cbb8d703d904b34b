//! What creating and changing a record share: values are checked, ids become what they name, links are
//! made and removed.

use super::Home;
use crate::error::AppError;
use guildhall_domain::Code;
use guildhall_domain::data_table::{Asker, DataTable, Field};
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::record::{Change, Changes, FieldValue, RECORD_BYTES_MAX, Record, Target, invalid};
use guildhall_domain::record_id::RecordKey;
use guildhall_store::{Constraint, RecordPlace, StoreError, Tx, Values};

/// A record as it is after a write, and what became of its links.
#[derive(Debug)]
pub struct Written {
    /// The record.
    pub record: Record,
    /// Of each field of many references that was written, by number.
    pub links: Vec<(i64, LinkOutcome)>,
    /// Whether it is the caller's own, where a member's page asked.
    pub owned: Option<bool>,
}

/// What a write did to the links of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkOutcome {
    /// How many links were made.
    pub connected: u64,
    /// How many were removed.
    pub disconnected: u64,
    /// Of links to members: whether there now is one to the member that asks.
    pub has_self: Option<bool>,
}

/// What a write comes to: values for columns, and links.
#[derive(Default)]
pub(super) struct Resolved {
    pub values: Values,
    pub links: Vec<Links>,
}

/// The links of one field that are to be made and removed.
pub(super) struct Links {
    pub field: i64,
    /// Of links to members: the member that asks, if one does.
    myself: Option<Option<MemberKey>>,
    pub replace: bool,
    pub connect: Vec<i64>,
    pub disconnect: Vec<i64>,
}

/// The changes with the defaults of the fields that are not among them.
pub(super) fn with_defaults(table: &DataTable, mut changes: Changes) -> Changes {
    for field in &table.fields {
        if let Some(default) = &field.default
            && !changes.iter().any(|(number, _)| *number == field.number)
        {
            changes.push((field.number, Change::Set(default.clone())));
        }
    }
    changes
}

/// A new record must have a value in every required field.
pub(super) fn check_complete(table: &DataTable, changes: &Changes) -> Result<(), AppError> {
    let missing = table.fields.iter().filter(|field| field.required).find(|field| {
        let change = changes.iter().find(|(number, _)| *number == field.number);
        match change {
            None | Some((_, Change::Clear)) => true,
            Some((_, Change::Link { connect, .. })) => connect.is_empty(),
            Some((_, Change::Set(_))) => false,
        }
    });
    missing.map_or(Ok(()), |field| Err(required(field)))
}

pub(super) fn required(field: &Field) -> AppError {
    AppError::because(Code::FieldRequired, format!("The field {} is required.", field.key))
}

/// Turns changes into what is stored. What is pointed at is kept from being deleted until the unit of
/// work ends. `current` is the record as it is, if there is one.
pub(super) async fn resolve(
    tx: &mut Tx,
    home: &Home,
    changes: &Changes,
    current: Option<&Record>,
) -> Result<Resolved, AppError> {
    let (place, asker) = (&home.place(), home.asker());
    let mut resolved = Resolved::default();
    for (number, change) in changes {
        let field = place.table.field_numbered(*number).ok_or(Code::TableChanged)?;
        match change {
            Change::Set(value) => resolved.values.push((field.number, Some(value.clone()))),
            Change::Clear if field.kind.is_many() => {
                resolved.links.push(Links { replace: true, ..Links::of(field, asker) })
            }
            Change::Clear => resolved.values.push((field.number, None)),
            Change::Link { replace, connect, disconnect } => {
                let connect = keys(tx, place, asker, field, connect).await?;
                let disconnect = keys(tx, place, asker, field, disconnect).await?;
                if field.kind.is_many() {
                    let links = Links::of(field, asker);
                    resolved.links.push(Links { replace: *replace, connect, disconnect, ..links });
                } else if let Some(key) = connect.first() {
                    let reference = FieldValue::Reference { key: *key, id: String::new() };
                    resolved.values.push((field.number, Some(reference)));
                } else if points_at(current, field, &disconnect) {
                    resolved.values.push((field.number, None));
                }
            }
        }
    }
    Ok(resolved)
}

impl Links {
    fn of(field: &Field, asker: Asker) -> Self {
        let myself = field.kind.points_at_members().then(|| asker.member());
        Self { field: field.number, myself, replace: false, connect: Vec::new(), disconnect: Vec::new() }
    }
}

fn points_at(current: Option<&Record>, field: &Field, keys: &[i64]) -> bool {
    match current.and_then(|record| record.value(field.number)) {
        Some(FieldValue::Reference { key, .. }) => keys.contains(key),
        _ => false,
    }
}

/// The keys of what is named. An id that names nothing is a bad value.
async fn keys(
    tx: &mut Tx,
    place: &RecordPlace<'_>,
    asker: Asker,
    field: &Field,
    targets: &[Target],
) -> Result<Vec<i64>, AppError> {
    let mut keys = Vec::with_capacity(targets.len());
    for target in targets {
        let found = match field.kind.points_at_members() {
            true => member_key(tx, place, asker, field, target).await?,
            false => record_key(tx, place, asker, field, target).await?,
        };
        keys.push(found.ok_or_else(|| invalid(field, "ids of what is there: one of these names nothing"))?);
    }
    Ok(keys)
}

/// Members can be pointed at by servers, and by themselves (the vendor's rule).
async fn member_key(
    tx: &mut Tx,
    place: &RecordPlace<'_>,
    asker: Asker,
    field: &Field,
    target: &Target,
) -> Result<Option<i64>, AppError> {
    match (target, asker) {
        (Target::Id(id), Asker::Admin) => {
            Ok(tx.records().hold_member(place, id).await?.map(MemberKey::stored))
        }
        (Target::Id(_), _) => {
            Err(invalid(field, "`{self: true}`: members can only point at themselves").into())
        }
        (Target::Myself, Asker::Member(key)) => {
            Ok(tx.records().hold_member_key(key).await?.then_some(key.stored()))
        }
        (Target::Myself, Asker::Stranger) => Err(Code::LoginRequired.into()),
        (Target::Myself, Asker::Admin) => Err(invalid(field, "an id: only a member can mean itself").into()),
    }
}

/// A record that whoever asks cannot read is not there to be pointed at.
async fn record_key(
    tx: &mut Tx,
    place: &RecordPlace<'_>,
    asker: Asker,
    field: &Field,
    target: &Target,
) -> Result<Option<i64>, AppError> {
    let table = field.referenced_table.and_then(|number| place.of_table(number)).ok_or(Code::TableChanged)?;
    let (Target::Id(id), Ok(reach)) = (target, table.table.rules.read.reach(asker)) else {
        return Ok(None);
    };
    let Some(key) = tx.records().hold_key(&table, id).await? else {
        return Ok(None);
    };
    if let Some(owner) = reach.owner() {
        let record = tx.records().find(&table, key, Some(&[])).await?;
        if record.and_then(|record| record.owner) != Some(owner) {
            return Ok(None);
        }
    }
    Ok(Some(key.stored()))
}

/// Makes and removes links.
pub(super) async fn write_links(
    tx: &mut Tx,
    record: RecordKey,
    links: &Links,
) -> Result<LinkOutcome, AppError> {
    let mut outcome = LinkOutcome { connected: 0, disconnected: 0, has_self: None };
    if links.replace && links.connect.is_empty() {
        outcome.disconnected = tx.records().unlink_all(links.field, record).await?;
    } else if links.replace {
        outcome.disconnected = tx.records().unlink_others(links.field, record, &links.connect).await?;
    } else {
        for target in &links.disconnect {
            outcome.disconnected += u64::from(tx.records().unlink(links.field, record, *target).await?);
        }
    }
    for target in &links.connect {
        outcome.connected += u64::from(tx.records().link(links.field, record, *target).await?);
    }
    if let Some(myself) = links.myself {
        outcome.has_self = Some(match myself {
            Some(member) => tx.records().is_linked(links.field, record, member.stored()).await?,
            None => false,
        });
    }
    Ok(outcome)
}

/// The texts of a record have a bound together, or pages of them would have none.
pub(super) fn check_size(record: &Record) -> Result<(), AppError> {
    if record.size_bytes() <= RECORD_BYTES_MAX {
        return Ok(());
    }
    let message = format!("A record can hold at most {RECORD_BYTES_MAX} bytes.");
    Err(AppError::because(Code::BodyTooLarge, message))
}

/// Tells a value that another record has by the field's key.
pub(super) fn or_not_unique<T>(table: &DataTable, result: Result<T, StoreError>) -> Result<T, AppError> {
    result.map_err(|error| match error {
        StoreError::Conflict(Constraint::RecordField(number)) => {
            let key = table.field_numbered(number).map_or("a field", |field| &field.key);
            let message = format!("Another record already has this value of {key}.");
            AppError::because(Code::FieldNotUnique, message)
        }
        StoreError::Conflict(Constraint::RecordImportedId) => Code::RecordExists.into(),
        other => other.into(),
    })
}
