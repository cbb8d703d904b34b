//! Finding records, with what they point at.

use super::Home;
use super::privacy::{owns, veil_all};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guildhall_domain::Code;
use guildhall_domain::data_table::{Asker, DataTable, Field, FieldKind};
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::query::{Cursor, FindMany, FindUnique, Include, Query, Relation, Shape, TAKE_MAX};
use guildhall_domain::record::{FieldValue, Record};
use guildhall_domain::record_id::RecordKey;
use guildhall_store::{PageRequest, RecordPlace, RelatedMember, Tx};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The most that an answer may take, about, in bytes.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What a query found.
#[derive(Debug)]
pub enum Found {
    /// A page of records.
    Many(PageOf<Node>),
    /// One record.
    Unique(Node),
    /// How many records there are.
    Count(i64),
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct PageOf<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// Whether there is more behind it.
    pub has_more: bool,
    /// How many were asked for, if that was said.
    pub limit: Option<i64>,
}

/// A record with what is shown along with it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The record.
    pub record: Record,
    /// The number of the table it is of.
    pub table: i64,
    /// What its fields point at, by field number.
    pub included: Vec<(i64, Included)>,
    /// How many things they point at, by field number.
    pub counts: Vec<(i64, i64)>,
    /// About how many bytes it takes to show, with what it includes.
    pub bytes: usize,
    /// Whether it is the caller's own, where a member's page asked.
    pub owned: Option<bool>,
}

/// What a field points at.
#[derive(Clone, Debug)]
pub enum Included {
    /// Nothing.
    Nothing,
    /// A record.
    Record(Arc<Node>),
    /// A member.
    Member(Arc<RelatedMember>),
    /// Records.
    Records(PageOf<Node>),
    /// Members.
    Members(PageOf<RelatedMember>),
}

impl Guildhall {
    /// Answers a query over a table's records.
    ///
    /// # Errors
    /// `TableNotFound`, `LoginRequired`, `AccessDenied`, `RecordQueryInvalid`, `FieldUnknown`, `FieldValueInvalid`, `RecordNotFound` (of
    /// `findUnique`), `QueryTooSlow`, `TableChanged`, `Busy`, `StoreUnavailable`.
    pub async fn query_records(
        &self,
        access: &Access<'_>,
        table: &str,
        query: Option<&Value>,
    ) -> Result<Found, AppError> {
        let home = self.home(access, table)?;
        let place = home.place();
        match Query::parse(query, place.table, place.tables)? {
            Query::FindMany(query) => self.find_many(home, query).await,
            Query::FindUnique(query) if query.shape.include.is_empty() => {
                let found = self.store().read::<_, AppError, _>(move |tx| {
                    Box::pin(async move { find_unique(tx, &home, &query).await })
                });
                found.await
            }
            Query::FindUnique(query) => {
                let found = self.store().query::<_, AppError, _>(home.environment.id, move |tx| {
                    Box::pin(async move { find_unique(tx, &home, &query).await })
                });
                found.await
            }
        }
    }

    async fn find_many(&self, home: Home, query: FindMany) -> Result<Found, AppError> {
        // What is included must be of the same moment as the records that point at it.
        if query.shape.include.is_empty() {
            let found = self.store().query_once::<_, AppError, _>(home.environment.id, move |tx| {
                Box::pin(async move { find_many(tx, &home, &query).await })
            });
            return found.await;
        }
        let found = self
            .store()
            .scan::<_, AppError, _>(move |tx| Box::pin(async move { find_many(tx, &home, &query).await }));
        found.await
    }
}

async fn find_many(tx: &mut Tx, home: &Home, query: &FindMany) -> Result<Found, AppError> {
    let (place, asker) = (&home.place(), home.asker());
    let owner = place.table.rules.read.reach(asker)?.owner();
    if query.count_only {
        return Ok(Found::Count(tx.records().count(place, &query.filter, owner).await?));
    }
    let read = fields_to_read(&query.shape);
    let request = PageRequest {
        filter: &query.filter,
        order: &query.order,
        take: query.take.unwrap_or(TAKE_MAX),
        skip: query.skip,
        after: query.after,
        select: read.as_deref(),
        owner,
        owner_ids: false,
    };
    let page = tx.records().page(place, request).await?;
    let page = page.ok_or_else(|| {
        AppError::because(Code::RecordQueryInvalid, "The record that after names is no longer there")
    })?;
    let mut items = nodes(tx, *place, asker, page.records, &query.shape.include).await?;
    veil_all(&mut items, asker, &home.definitions.custom_fields);
    show_only(&mut items, query.shape.select.as_deref());
    Ok(Found::Many(PageOf { items, has_more: page.has_more, limit: query.take }))
}

/// What is selected and what is counted: a single reference is counted by its value.
fn fields_to_read(shape: &Shape) -> Option<Vec<i64>> {
    let select = shape.select.as_ref()?;
    Some(select.iter().chain(&shape.include.counts).copied().collect())
}

/// Takes away the values that were read only to be counted.
fn show_only(nodes: &mut [Node], select: Option<&[i64]>) {
    let Some(select) = select else { return };
    for node in nodes {
        node.record.values.retain(|(field, _)| select.contains(field));
    }
}

async fn find_unique(tx: &mut Tx, home: &Home, query: &FindUnique) -> Result<Found, AppError> {
    let (place, asker) = (&home.place(), home.asker());
    let reach = place.table.rules.read.reach(asker)?;
    let missing = || AppError::because(Code::RecordNotFound, "Record not found");
    if !guildhall_domain::text::is_id(&query.id) {
        return Err(missing());
    }
    let found = tx.records().find_by_id(place, &query.id, query.shape.select.as_deref()).await?;
    let record = found.filter(|record| reach.holds(record.owner)).ok_or_else(missing)?;
    let mut found = nodes(tx, *place, asker, vec![record], &query.shape.include).await?;
    veil_all(&mut found, asker, &home.definitions.custom_fields);
    found.pop().map(Found::Unique).ok_or_else(missing)
}

/// Records with what they include. Each level asks once for all that the level above points at.
fn nodes<'t>(
    tx: &'t mut Tx,
    place: RecordPlace<'t>,
    asker: Asker,
    records: Vec<Record>,
    include: &'t Include,
) -> BoxFuture<'t, Result<Vec<Node>, AppError>> {
    async move {
        let node = |record: Record| Node {
            bytes: record.size_bytes(),
            owned: owns(asker, &record),
            record,
            table: place.table.number,
            included: Vec::new(),
            counts: Vec::new(),
        };
        let mut nodes: Vec<Node> = records.into_iter().map(node).collect();
        if nodes.is_empty() {
            return Ok(nodes);
        }
        for number in &include.counts {
            count(tx, field(place.table, *number)?, &mut nodes).await?;
        }
        for relation in &include.relations {
            let field = field(place.table, relation.field)?;
            match field.kind {
                FieldKind::MemberReference => include_member(tx, asker, field, &mut nodes).await?,
                FieldKind::Reference => include_record(tx, place, asker, field, relation, &mut nodes).await?,
                _ => include_list(tx, place, asker, field, relation, &mut nodes).await?,
            }
        }
        check_size(&nodes)?;
        Ok(nodes)
    }
    .boxed()
}

/// What is pointed at by many is shown with each of them. A small question must not have an answer
/// without bounds.
fn check_size(nodes: &[Node]) -> Result<(), AppError> {
    if nodes.iter().map(|node| node.bytes).sum::<usize>() <= ANSWER_BYTES_MAX {
        return Ok(());
    }
    let message = "The answer would have more than 32 MiB: take fewer records, or include less.";
    Err(AppError::because(Code::RecordQueryInvalid, message))
}

fn field(table: &DataTable, number: i64) -> Result<&Field, AppError> {
    table.field_numbered(number).ok_or_else(|| Code::TableChanged.into())
}

fn target(record: &Record, field: &Field) -> Option<i64> {
    match record.value(field.number) {
        Some(FieldValue::Reference { key, .. }) => Some(*key),
        _ => None,
    }
}

/// The keys that a field of these records points at, each once.
fn targets(nodes: &[Node], field: &Field) -> Vec<i64> {
    let mut keys: Vec<_> = nodes.iter().filter_map(|node| target(&node.record, field)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

async fn count(tx: &mut Tx, field: &Field, nodes: &mut [Node]) -> Result<(), AppError> {
    let counted: HashMap<_, _> = if field.kind.is_many() {
        let keys: Vec<_> = nodes.iter().map(|node| node.record.key).collect();
        tx.records().count_links(field.number, &keys).await?.into_iter().collect()
    } else {
        nodes
            .iter()
            .filter(|node| target(&node.record, field).is_some())
            .map(|node| (node.record.key, 1))
            .collect()
    };
    for node in nodes {
        node.counts.push((field.number, counted.get(&node.record.key).copied().unwrap_or(0)));
    }
    Ok(())
}

async fn include_member(
    tx: &mut Tx,
    asker: Asker,
    field: &Field,
    nodes: &mut [Node],
) -> Result<(), AppError> {
    let keys: Vec<_> = targets(nodes, field).into_iter().map(MemberKey::from_stored).collect();
    let members = if keys.is_empty() {
        Vec::new()
    } else {
        tx.records().related_members(&keys, asker.member()).await?
    };
    let members: HashMap<_, _> =
        members.into_iter().map(|member| (member.key.stored(), Arc::new(member))).collect();
    for node in nodes {
        let member = target(&node.record, field).and_then(|key| members.get(&key)).cloned();
        node.bytes += member.as_ref().map_or(0, |member| member.custom_fields.as_str().len());
        node.included.push((field.number, member.map_or(Included::Nothing, Included::Member)));
    }
    Ok(())
}

async fn include_record<'t>(
    tx: &mut Tx,
    place: RecordPlace<'t>,
    asker: Asker,
    field: &Field,
    relation: &'t Relation,
    included_in: &mut [Node],
) -> Result<(), AppError> {
    let place = field.referenced_table.and_then(|number| place.of_table(number)).ok_or(Code::TableChanged)?;
    let keys: Vec<_> = targets(included_in, field).into_iter().map(RecordKey::from_stored).collect();
    let records = if keys.is_empty() { Vec::new() } else { tx.records().find_many(&place, &keys).await? };
    // The rules of the table that is pointed at hold for what is shown of it.
    let reach = place.table.rules.read.reach(asker)?;
    let records = records.into_iter().filter(|record| reach.holds(record.owner)).collect();
    let found = nodes(tx, place, asker, records, &relation.include).await?;
    let found: HashMap<_, _> =
        found.into_iter().map(|node| (node.record.key.stored(), Arc::new(node))).collect();
    for node in included_in {
        let record = target(&node.record, field).and_then(|key| found.get(&key)).cloned();
        node.bytes += record.as_ref().map_or(0, |record| record.bytes);
        let included = record.map_or(Included::Nothing, Included::Record);
        node.included.push((field.number, included));
    }
    Ok(())
}

/// A list of references, of the one record that `findUnique` found.
async fn include_list<'t>(
    tx: &mut Tx,
    place: RecordPlace<'t>,
    asker: Asker,
    field: &Field,
    relation: &'t Relation,
    included_in: &mut [Node],
) -> Result<(), AppError> {
    let take = relation.take.unwrap_or(TAKE_MAX);
    for node in included_in {
        let key = node.record.key;
        let included = if field.kind.points_at_members() {
            let after = match relation.after {
                Some(Cursor::Member(created_at, number)) => Some((created_at, number)),
                _ => None,
            };
            let page = (take, relation.skip, after);
            let link = (field.number, key);
            let members = tx.records().linked_members(place.environment, link, asker.member(), page).await?;
            Included::Members(cut(members, take))
        } else {
            let target = field.referenced_table.and_then(|number| place.of_table(number));
            let target = target.ok_or(Code::TableChanged)?;
            let after = match relation.after {
                Some(Cursor::Record(number)) => Some(number),
                _ => None,
            };
            let owner = target.table.rules.read.reach(asker)?.owner();
            let page = (take, relation.skip, after);
            let page = tx.records().linked_records(&target, field.number, key, owner, page).await?;
            let page = cut(page, take);
            let items = nodes(tx, target, asker, page.items, &relation.include).await?;
            Included::Records(PageOf { items, has_more: page.has_more, limit: page.limit })
        };
        node.included.push((field.number, included));
    }
    Ok(())
}

/// One more than was asked for says that there is more.
fn cut<T>(mut items: Vec<T>, take: i64) -> PageOf<T> {
    let has_more = items.len() as i64 > take;
    items.truncate(take as usize);
    PageOf { items, has_more, limit: Some(take) }
}
