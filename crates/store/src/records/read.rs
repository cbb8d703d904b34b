//! Reading records: one, a page, how many.

use super::columns::Columns;
use super::{RecordPlace, Records};
use crate::driver::{Row, params};
use crate::error::StoreError;
use crate::filter::{deciding, stored, tie_direction, write_after, write_filter, write_order};
use crate::statement::{Bound, Statement};
use guildhall_domain::member_id::{MemberKey, SEQUENCE_MAX};
use guildhall_domain::query::{Comparison, Direction, Filter, Operand, OrderTerm};
use guildhall_domain::record::Record;
use guildhall_domain::record_id::RecordKey;

/// The most that the records of one page take, about; a page ends early beyond it, as that of members.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

const COUNT_ALL: &str = "SELECT records FROM record_counters WHERE data_table = $1 AND environment = $2";

/// Which page of records is wanted.
#[derive(Clone, Copy)]
pub struct PageRequest<'q> {
    /// Which records.
    pub filter: &'q Filter,
    /// In which order.
    pub order: &'q [OrderTerm],
    /// How many at most; one more is looked for, to tell whether there are more.
    pub take: i64,
    /// How many to pass over.
    pub skip: i64,
    /// The number of the record after which the page begins.
    pub after: Option<i64>,
    /// Only these fields, by number; nothing: all that are kept in columns.
    pub select: Option<&'q [i64]>,
    /// Only records that belong to this member.
    pub owner: Option<MemberKey>,
    /// Whether the ids of the members that own the records are wanted.
    pub owner_ids: bool,
}

/// A page of records.
pub struct PageOfRecords {
    /// The records.
    pub records: Vec<Record>,
    /// Whether there are more behind them.
    pub has_more: bool,
}

impl Records<'_> {
    /// The place of the record with this id, kept from being deleted until this unit of work ends;
    /// nothing if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_key(
        &mut self,
        place: &RecordPlace<'_>,
        id: &str,
    ) -> Result<Option<RecordKey>, StoreError> {
        let share = self.tx.dialect().for_key_share();
        self.key_of(place, id, share).await
    }

    /// As [`Records::hold_key`], and keeps others from changing the record until this unit of work ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock_key(
        &mut self,
        place: &RecordPlace<'_>,
        id: &str,
    ) -> Result<Option<RecordKey>, StoreError> {
        let update = self.tx.dialect().for_update();
        self.key_of(place, id, update).await
    }

    async fn key_of(
        &mut self,
        place: &RecordPlace<'_>,
        id: &str,
        lock: &str,
    ) -> Result<Option<RecordKey>, StoreError> {
        let (table, environment) = (place.table.number, place.environment.id);
        let key = |row: &Row<'_>| row.int(0).map(RecordKey::from_stored);
        if let Some(found) = place.codecs.records.open(table, environment, id) {
            let sql = format!("SELECT key FROM records_{table} WHERE key = $1{lock}");
            return self.tx.first(&sql, params![found], key).await;
        }
        if !place.table.imported_ids {
            return Ok(None);
        }
        let sql = format!("SELECT key FROM records_{table} WHERE environment = $1 AND id = $2{lock}");
        self.tx.first(&sql, params![environment, id], key).await
    }

    /// The record with this id; one statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_id(
        &mut self,
        place: &RecordPlace<'_>,
        id: &str,
        select: Option<&[i64]>,
    ) -> Result<Option<Record>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        let columns = Columns::of(place, select, false);
        columns.write(&mut sql);
        if let Some(key) = place.codecs.records.open(place.table.number, place.environment.id, id) {
            sql.push(" WHERE r.key = ").bind(key.stored());
        } else if place.table.imported_ids {
            sql.push(" WHERE r.environment = ").bind(place.environment.id.stored());
            sql.push(" AND r.id = ").bind(id.to_owned());
        } else {
            return Ok(None);
        }
        self.tx.first(sql.sql(), &sql.params(), |row| columns.record(row)).await
    }

    /// The record at a place, with its owner's id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(
        &mut self,
        place: &RecordPlace<'_>,
        key: RecordKey,
        select: Option<&[i64]>,
    ) -> Result<Option<Record>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        let columns = Columns::of(place, select, true);
        columns.write(&mut sql);
        sql.push(" WHERE r.key = ").bind(key.stored());
        self.tx.first(sql.sql(), &sql.params(), |row| columns.record(row)).await
    }

    /// The records at these places, in any order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_many(
        &mut self,
        place: &RecordPlace<'_>,
        keys: &[RecordKey],
    ) -> Result<Vec<Record>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        let columns = Columns::of(place, None, false);
        columns.write(&mut sql);
        sql.push(" WHERE r.key IN (");
        sql.list(padded(keys), ", ", |sql, key| {
            sql.bind(key.stored());
        })
        .push(")");
        self.tx.all(sql.sql(), &sql.params(), |row| columns.record(row)).await
    }

    /// A page of records. Nothing if `after` names a record that is no more and the order is not by
    /// number alone, so that its place in the order is not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(
        &mut self,
        place: &RecordPlace<'_>,
        request: PageRequest<'_>,
    ) -> Result<Option<PageOfRecords>, StoreError> {
        let order = deciding(request.order);
        let mut sql = Statement::new(self.tx.dialect());
        let columns = Columns::of(place, request.select, request.owner_ids);
        columns.write(&mut sql);
        // The order by number alone, in either direction, needs no terms: the key is its last.
        let (by_number, terms) = match order {
            [] => (true, order),
            [first, ..] if first.by == Operand::InternalOrder => (true, &order[..1]),
            _ => (false, order),
        };
        let (mut from, mut to) =
            (RecordKey::new(place.environment.id, 0), RecordKey::new(place.environment.id, SEQUENCE_MAX));
        let cursor = request.after.map(|number| RecordKey::new(place.environment.id, number));
        if let Some(cursor) = cursor.filter(|_| by_number) {
            match tie_direction(terms) {
                Direction::Ascending => from = cursor,
                Direction::Descending => to = cursor,
            }
        }
        let keys = Keys { from, to };
        let no_index = by_number || !terms.first().is_some_and(|term| is_indexed(term.by));
        write_place(&mut sql, place, request.filter, Some(keys).filter(|_| no_index));
        write_owner(&mut sql, request.owner);
        if !request.filter.is_everything() {
            sql.push(" AND ");
            write_filter(&mut sql, request.filter, place);
        }
        if let Some(cursor) = cursor.filter(|_| !by_number) {
            let Some(values) = self.order_values(place, terms, cursor).await? else {
                return Ok(None);
            };
            sql.push(" AND ");
            write_after(&mut sql, terms, &values, cursor);
        }
        write_order(&mut sql, if by_number { &[] } else { terms }, tie_direction(terms));
        sql.push(" LIMIT ").bind(request.take + 1);
        if request.skip > 0 {
            sql.push(" OFFSET ").bind(request.skip);
        }
        let mut records = self.tx.all_for_values(sql.sql(), &sql.params(), |row| columns.record(row)).await?;
        let within = within_bounds(&records, request.take as usize);
        let has_more = records.len() > within;
        records.truncate(within);
        Ok(Some(PageOfRecords { records, has_more }))
    }

    /// What the record at a place has in the terms of an order.
    async fn order_values(
        &mut self,
        place: &RecordPlace<'_>,
        order: &[OrderTerm],
        key: RecordKey,
    ) -> Result<Option<Vec<Option<Bound>>>, StoreError> {
        let fields = order.iter().filter_map(|term| match term.by {
            Operand::Field { number, .. } => Some(number),
            _ => None,
        });
        let fields: Vec<_> = fields.collect();
        let Some(record) = self.find(place, key, Some(&fields)).await? else {
            return Ok(None);
        };
        let value = |term: &OrderTerm| match term.by {
            Operand::Field { number, .. } => record.value(number).map(stored),
            Operand::CreatedAt => Some(Bound::Int(record.created_at.micros())),
            Operand::UpdatedAt => Some(Bound::Int(record.updated_at.micros())),
            Operand::InternalOrder | Operand::Id => Some(Bound::Int(key.stored())),
            Operand::Owner => record.owner.map(|owner| Bound::Int(owner.stored())),
        };
        Ok(Some(order.iter().map(value).collect()))
    }

    /// How many records match, of those that belong to `owner` if one is given. For all of a table a counter
    /// is read instead of the records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(
        &mut self,
        place: &RecordPlace<'_>,
        filter: &Filter,
        owner: Option<MemberKey>,
    ) -> Result<i64, StoreError> {
        let (table, environment) = (place.table.number, place.environment.id);
        if filter.is_everything() && owner.is_none() {
            let count = self.tx.first(COUNT_ALL, params![table, environment], |row| row.int(0)).await?;
            return Ok(count.unwrap_or(0));
        }
        let mut sql = Statement::new(self.tx.dialect());
        sql.push("SELECT COUNT(*) FROM records_").number(table).push(" r");
        let everywhere = Keys::of(place);
        write_place(&mut sql, place, filter, Some(everywhere));
        write_owner(&mut sql, owner);
        sql.push(" AND ");
        write_filter(&mut sql, filter, place);
        let count = self.tx.all_for_values(sql.sql(), &sql.params(), |row| row.int(0)).await?;
        Ok(count.first().copied().unwrap_or(0))
    }
}

/// How many of the records make a page: as many as were asked for, or fewer if they are large.
fn within_bounds(records: &[Record], take: usize) -> usize {
    let mut bytes = 0;
    let fitting = records.iter().take_while(|record| {
        bytes += record.size_bytes();
        bytes <= PAGE_BYTES_MAX
    });
    // One is always shown, so that whoever follows the cursor gets on.
    fitting.count().clamp(1, take).min(records.len())
}

/// A range of keys; the ends are not in it, but for the last key that there can be.
#[derive(Clone, Copy)]
struct Keys {
    from: RecordKey,
    to: RecordKey,
}

impl Keys {
    /// All of an environment.
    fn of(place: &RecordPlace<'_>) -> Self {
        let key = |sequence| RecordKey::new(place.environment.id, sequence);
        Self { from: key(0), to: key(SEQUENCE_MAX) }
    }
}

/// Appends the condition that keeps a statement in its environment. Every index begins with the
/// environment's number, so that is said where an index is to serve the order or the filter. Where the
/// table's own order serves, it is a range of keys: said as a number, SQLite takes some index or other
/// and sorts the whole environment (see decision 7).
fn write_place(sql: &mut Statement, place: &RecordPlace<'_>, filter: &Filter, keys: Option<Keys>) {
    sql.push(" WHERE ");
    if keys.is_none() || asks_an_index(filter) {
        sql.push("r.environment = ").bind(place.environment.id.stored());
    }
    if let Some(Keys { from, to }) = keys {
        if asks_an_index(filter) {
            sql.push(" AND ");
        }
        let below = if to.sequence() == SEQUENCE_MAX { " AND r.key <= " } else { " AND r.key < " };
        sql.push("r.key > ").bind(from.stored()).push(below).bind(to.stored());
    }
}

/// Appends the condition that records belong to a member.
pub(super) fn write_owner(sql: &mut Statement, owner: Option<MemberKey>) {
    if let Some(owner) = owner {
        sql.push(" AND r.owner = ").bind(owner.stored());
    }
}

/// Whether something that must hold of every record is found by an index.
fn asks_an_index(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().any(asks_an_index),
        Filter::Any(_) | Filter::Not(_) => false,
        Filter::Is(operand, comparison) => {
            let found = !matches!(
                comparison,
                Comparison::NotNull
                    | Comparison::Contains(_)
                    | Comparison::EndsWith(_)
                    | Comparison::IgnoringCase(_)
            );
            is_indexed(*operand) && found
        }
    }
}

/// Whether there is an index by the environment and this.
const fn is_indexed(operand: Operand) -> bool {
    match operand {
        Operand::Field { kind, .. } => kind.is_indexed(),
        Operand::CreatedAt => true,
        Operand::Owner | Operand::UpdatedAt | Operand::Id | Operand::InternalOrder => false,
    }
}

/// The keys, the last one repeated until there is a power of two of them: lists of any length so have
/// few forms, and their statements stay prepared.
pub(super) fn padded<K: Copy>(keys: &[K]) -> impl Iterator<Item = K> {
    let last = keys.last().copied();
    let missing = keys.len().next_power_of_two() - keys.len();
    keys.iter().copied().chain(last.into_iter().cycle().take(missing))
}
