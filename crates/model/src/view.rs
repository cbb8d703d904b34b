//! Answers as the wire contract writes them, down to the last byte.

use crate::query::{Found, Included, Page};
use crate::world::{Row, World, member_id, record_id};
use crate::write::Outcome;
use guildhall_domain::data_table::{DataTable, Field, FieldKind};
use guildhall_domain::record::FieldValue;
use serde_json::Value;

impl World {
    /// A record as create and update answer it.
    ///
    /// # Panics
    /// If the record is not there.
    pub fn written(&self, table: i64, outcome: &Outcome) -> String {
        let row = self.row(table, outcome.0).expect("it was just written");
        written(self.table(table), row, &outcome.1)
    }

    /// A record as delete answers it.
    pub fn deleted(&self, table: i64, row: &Row) -> String {
        written(self.table(table), row, &[])
    }
}

fn written(table: &DataTable, row: &Row, links: &[(i64, usize, usize)]) -> String {
    let data = table.fields.iter().filter_map(|field| {
        if !field.kind.is_many() {
            return Some((field.key.clone(), value(row, field, true)));
        }
        let (_, made, gone) = links.iter().find(|(number, ..)| *number == field.number)?;
        let (count, action) = match (made, gone) {
            (0, 0) => (0, "unchanged"),
            (0, gone) => (*gone, "disconnected"),
            (made, _) => (*made, "connected"),
        };
        // Nobody here is a member, so none of the linked ones is the caller.
        let of_members = field.kind == FieldKind::MemberReferenceMany;
        let has_self = if of_members { r#""hasself":false,"# } else { "" };
        Some((field.key.clone(), format!(r#"{{"count":{count},{has_self}"action":"{action}"}}"#)))
    });
    object([
        ("id", text(&record_id(table.number, row.number))),
        ("tableKey", text(&table.key)),
        ("createdByMemberId", row.owner.map_or("null".into(), |owner| text(&member_id(owner)))),
        ("data", object(data)),
        ("createdAt", text(&row.created_at.to_iso())),
        ("updatedAt", text(&row.updated_at.to_iso())),
        ("internalOrder", row.number.to_string()),
    ])
}

pub(crate) fn count(count: usize) -> String {
    object([("_count", count.to_string())])
}

pub(crate) fn record(world: &World, found: &Found<'_>) -> String {
    object([("record", node(world, found))])
}

pub(crate) fn records(world: &World, page: &Page<Found<'_>>) -> String {
    let end = page.items.last().map(|found| found.row.number.to_string());
    listed(page, end, |found| node(world, found))
}

fn members(world: &World, page: &Page<i64>) -> String {
    let end = page.items.last().map(|number| {
        let created_at = world.members[number].created_at;
        let to_seconds = created_at.to_iso()[..19].to_owned();
        text(&format!("{to_seconds}.{:06}{number:013}Z", created_at.micros().rem_euclid(1_000_000)))
    });
    listed(page, end, |number| member(world, *number))
}

fn listed<T>(page: &Page<T>, end: Option<String>, write: impl Fn(&T) -> String) -> String {
    let items: Vec<_> = page.items.iter().map(write).collect();
    let pagination = [
        Some(("hasMore", page.has_more.to_string())),
        page.limit.map(|limit| ("limit", limit.to_string())),
        end.map(|end| ("endCursor", end)),
    ];
    object([
        ("records", format!("[{}]", items.join(","))),
        ("pagination", object(pagination.into_iter().flatten())),
    ])
}

fn node(world: &World, found: &Found<'_>) -> String {
    let (row, table) = (found.row, found.table);
    let data = table.fields.iter().filter_map(|field| {
        let included = found.included.iter().find(|(number, _)| *number == field.number);
        if let Some((_, included)) = included {
            return Some((field.key.clone(), shown(world, included)));
        }
        let chosen = found.select.is_none_or(|select| select.contains(&field.number));
        (chosen && !field.kind.is_many()).then(|| (field.key.clone(), value(row, field, false)))
    });
    let counts = found.counts.iter().map(|(number, count)| {
        let field = table.field_numbered(*number).expect("a known field");
        (field.key.clone(), count.to_string())
    });
    let mut parts = vec![
        ("id", text(&record_id(table.number, row.number))),
        ("internalOrder", row.number.to_string()),
        ("createdAt", text(&row.created_at.to_iso())),
        ("updatedAt", text(&row.updated_at.to_iso())),
        ("data", object(data)),
    ];
    if !found.counts.is_empty() {
        parts.push(("_count", object(counts)));
    }
    object(parts)
}

fn shown(world: &World, included: &Included<'_>) -> String {
    match included {
        Included::Nothing => "null".into(),
        Included::Record(found) => node(world, found),
        Included::Member(number) => member(world, *number),
        Included::Records(page) => records(world, page),
        Included::Members(page) => members(world, page),
    }
}

fn member(world: &World, number: i64) -> String {
    let member = &world.members[&number];
    let at = text(&member.created_at.to_iso());
    object([
        ("id", text(&member_id(number))),
        ("email", text(&member.email)),
        ("createdAt", at.clone()),
        ("updatedAt", at),
        ("verified", "false".into()),
        ("profileImage", "null".into()),
        ("customFields", "{}".into()),
    ])
}

/// Writes answer decimals as text, queries as numbers.
fn value(row: &Row, field: &Field, decimals_as_text: bool) -> String {
    match row.values.get(&field.number) {
        None => "null".into(),
        Some(FieldValue::Text(value)) => text(value),
        Some(FieldValue::Number(value)) => value.to_string(),
        Some(FieldValue::Boolean(value)) => value.to_string(),
        Some(FieldValue::Date(value)) => text(&value.to_iso()),
        Some(FieldValue::Decimal(value)) if decimals_as_text => text(&value.to_string()),
        Some(FieldValue::Decimal(value)) => value.to_string(),
        Some(FieldValue::Reference { key, .. }) => text(&World::target_id(field.referenced_table, *key)),
    }
}

fn text(text: &str) -> String {
    Value::from(text).to_string()
}

fn object<K: AsRef<str>>(parts: impl IntoIterator<Item = (K, String)>) -> String {
    let parts = parts.into_iter().map(|(key, value)| format!("{}:{value}", text(key.as_ref())));
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}
