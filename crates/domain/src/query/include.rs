//! `include`: what records point at, shown along with them.

use super::{check_names, cursor_number, given, refused, skip, take};
use crate::data_table::{DataTable, DataTables, numbered};
use crate::record;
use crate::refusal::Refusal;
use serde_json::{Map, Value};

/// How many relations a query may include, on all levels together (Memberstack).
pub const INCLUDES_MAX: usize = 10;
/// How deep includes may nest (Memberstack).
pub const INCLUDE_DEPTH_MAX: usize = 3;
/// Digits after the second in a cursor of a list of members: 6 of the time, 13 of the member's number.
const MEMBER_CURSOR_DIGITS: usize = 19;

/// What is shown along with each record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Include {
    /// What the records point at.
    pub relations: Vec<Relation>,
    /// Of these fields, by number, how many things they point at.
    pub counts: Vec<i64>,
}

/// One relation that is included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The number of the field.
    pub field: i64,
    /// How many at most, of a list; nothing if nothing was said.
    pub take: Option<i64>,
    /// How many to pass over, of a list.
    pub skip: i64,
    /// After which a list goes on.
    pub after: Option<Cursor>,
    /// What is included in turn.
    pub include: Include,
}

/// Where a list of references goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// After the record with this `internalOrder`.
    Record(i64),
    /// After the member made at this moment (microseconds) with this number.
    Member(i64, i64),
}

/// Where an include stands: in a list of records, lists of references would have no bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Many,
    Unique,
}

impl Include {
    /// Whether nothing is included.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.counts.is_empty()
    }

    pub(super) fn parse(
        options: Option<&Value>,
        table: &DataTable,
        tables: &DataTables,
        place: Place,
    ) -> Result<Self, Refusal> {
        let mut left = INCLUDES_MAX;
        Self::read(options, table, tables, place, 1, &mut left)
    }

    fn read(
        options: Option<&Value>,
        table: &DataTable,
        tables: &DataTables,
        place: Place,
        depth: usize,
        left: &mut usize,
    ) -> Result<Self, Refusal> {
        let mut include = Self::default();
        let Some(options) = options else {
            return Ok(include);
        };
        let Value::Object(options) = options else {
            return Err(refused("include must be an object of relation: true"));
        };
        if depth > INCLUDE_DEPTH_MAX {
            return Err(refused(format!("include may be nested at most {INCLUDE_DEPTH_MAX} deep")));
        }
        for (name, value) in
            options.iter().filter(|(_, value)| !matches!(value, Value::Null | Value::Bool(false)))
        {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| refused(format!("A query may include at most {INCLUDES_MAX} relations")))?;
            if name == "_count" {
                include.add_counts(value, table)?;
            } else {
                include.relations.push(Relation::read(name, value, table, tables, place, depth, left)?);
            }
        }
        Ok(include)
    }

    /// `{select: {relation: true}}`
    pub(super) fn add_counts(&mut self, given: &Value, table: &DataTable) -> Result<(), Refusal> {
        let malformed = || refused("_count must be true, or {select: {relation: true}}");
        let select =
            given.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("select"));
        for (name, value) in select.and_then(Value::as_object).ok_or_else(malformed)? {
            let wanted = value.as_bool().ok_or_else(malformed)?;
            let field = table.known_field(name)?;
            if !field.kind.is_relation() {
                return Err(refused(format!(
                    "The field {} points at nothing that could be counted",
                    field.key
                )));
            }
            if wanted && !self.counts.contains(&field.number) {
                self.counts.push(field.number);
            }
        }
        Ok(())
    }
}

impl Relation {
    fn read(
        name: &str,
        value: &Value,
        table: &DataTable,
        tables: &DataTables,
        place: Place,
        depth: usize,
        left: &mut usize,
    ) -> Result<Self, Refusal> {
        let field = table.known_field(name)?;
        if !field.kind.is_relation() {
            return Err(refused(format!("The field {} is no relation and cannot be included", field.key)));
        }
        if field.kind.is_many() && (place == Place::Many || depth > 1) {
            return Err(refused(format!(
                "The field {} holds many references and can be included only by findUnique, at the first level",
                field.key
            )));
        }
        let mut relation =
            Self { field: field.number, take: None, skip: 0, after: None, include: Include::default() };
        let options = match value {
            Value::Bool(true) => return Ok(relation),
            Value::Object(options) => options,
            _ => return Err(refused("include must be an object of relation: true")),
        };
        check_names(options, &["take", "skip", "after", "include"])?;
        if field.kind.is_many() {
            relation.page(options, field.kind.points_at_members())?;
        } else if ["take", "skip", "after"].iter().any(|option| given(options, option).is_some()) {
            return Err(refused(format!(
                "The field {} points at one thing; there are no pages of it",
                field.key
            )));
        }
        if let Some(inner) = given(options, "include") {
            let target = field.referenced_table.and_then(|number| numbered(tables, number));
            let target =
                target.ok_or_else(|| refused(format!("Nothing can be included in {}", field.key)))?;
            relation.include = Include::read(Some(inner), target, tables, Place::Many, depth + 1, left)?;
        }
        Ok(relation)
    }

    fn page(&mut self, options: &Map<String, Value>, of_members: bool) -> Result<(), Refusal> {
        (self.take, self.skip) = (take(options)?, skip(options)?);
        self.after = match given(options, "after") {
            None => None,
            Some(value) if of_members => Some(member_cursor(value)?),
            Some(value) => Some(Cursor::Record(cursor_number(value)?)),
        };
        match self.after.is_some() && self.skip > 0 {
            true => Err(refused("Use either skip or after, not both")),
            false => Ok(()),
        }
    }
}

/// The cursor of a list of members is the time at which the last one was made, as the vendor's is. So
/// that members made at the same moment are not lost between two pages, ours has more digits than a
/// clock: 6 of the time, then 13 of the member's number. A plain time is taken too.
fn member_cursor(value: &Value) -> Result<Cursor, Refusal> {
    let malformed = || refused("after must be the endCursor of a page");
    let text = value.as_str().ok_or_else(malformed)?;
    let exact = text.rsplit_once('.').and_then(|(seconds, rest)| {
        let digits = rest.strip_suffix('Z')?;
        let all = digits.len() == MEMBER_CURSOR_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        let (micros, number) = digits.split_at_checked(6).filter(|_| all)?;
        let second = record::date(&format!("{seconds}Z"))?;
        Some(Cursor::Member(second.micros() + micros.parse::<i64>().ok()?, number.parse().ok()?))
    });
    let plain =
        || record::date(text).map(|moment| Cursor::Member(moment.micros(), crate::member_id::SEQUENCE_MAX));
    exact.or_else(plain).ok_or_else(malformed)
}

impl Cursor {
    /// The text of a cursor in a list of members.
    pub fn member_text(created_at: crate::Timestamp, number: i64) -> String {
        let seconds = crate::Timestamp::from_seconds(created_at.seconds()).to_iso();
        let micros = created_at.micros().rem_euclid(crate::time::MICROS_PER_SECOND);
        // Without `.000Z`.
        format!("{}.{micros:06}{number:013}Z", &seconds[..seconds.len() - 5])
    }
}
