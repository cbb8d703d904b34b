//! Records as Memberstack's Admin API shows them (wire contract, part A.2), written straight into a
//! buffer.

use super::query::{Found, Included, Node, PageOf};
use super::writing::{LinkOutcome, Written};
use crate::json_writer::{list, opt_text, text, time};
use guildhall_domain::data_table::{DataTable, numbered};
use guildhall_domain::query::Cursor;
use guildhall_domain::record::{FieldValue, Record};
use guildhall_store::RelatedMember;
use std::io::Write;

/// How decimals are shown: as text by writes, as numbers by queries (the SDK's README).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalForm {
    /// `"9.5"`
    Text,
    /// `9.5`
    Number,
}

/// Appends a record as create, update and delete answer it.
pub fn write_written(out: &mut Vec<u8>, written: &Written, table: &DataTable) {
    let record = &written.record;
    out.extend_from_slice(b"{\"id\":");
    text(out, &record.id);
    out.extend_from_slice(b",\"tableKey\":");
    text(out, &table.key);
    out.extend_from_slice(b",\"createdByMemberId\":");
    opt_text(out, record.owner_id.as_deref());
    out.extend_from_slice(b",\"data\":{");
    let mut first = true;
    for field in &table.fields {
        let links = written.links.iter().find(|(number, _)| *number == field.number);
        let value = record.values.iter().find(|(number, _)| *number == field.number);
        if links.is_none() && value.is_none() {
            continue;
        }
        key(out, &mut first, &field.key);
        match (links, value) {
            (Some((_, outcome)), _) => write_outcome(out, *outcome),
            (None, value) => write_value(out, value.and_then(|(_, value)| value.as_ref()), DecimalForm::Text),
        }
    }
    out.extend_from_slice(b"},\"createdAt\":");
    time(out, record.created_at);
    out.extend_from_slice(b",\"updatedAt\":");
    time(out, record.updated_at);
    let _ = write!(out, ",\"internalOrder\":{}", record.key.sequence());
    write_owned(out, written.owned);
    out.push(b'}');
}

/// Appends what a query found: `{records, pagination}`, `{record}` or `{_count}`.
pub fn write_found(out: &mut Vec<u8>, found: &Found, tables: &[DataTable]) {
    match found {
        Found::Count(count) => drop(write!(out, "{{\"_count\":{count}}}")),
        Found::Unique(node) => {
            out.extend_from_slice(b"{\"record\":");
            write_node(out, node, tables);
            out.push(b'}');
        }
        Found::Many(page) => write_records(out, page, tables),
    }
}

fn write_records(out: &mut Vec<u8>, page: &PageOf<Node>, tables: &[DataTable]) {
    out.extend_from_slice(b"{\"records\":");
    list(out, &page.items, |out, node| write_node(out, node, tables));
    let end = page.items.last().map(|node| node.record.key.sequence().to_string());
    write_pagination(out, page.has_more, page.limit, end.as_deref());
}

fn write_members(out: &mut Vec<u8>, page: &PageOf<RelatedMember>) {
    out.extend_from_slice(b"{\"records\":");
    list(out, &page.items, write_member);
    let end = page.items.last().map(|member| Cursor::member_text(member.created_at, member.key.sequence()));
    let end = end.map(|text| format!("\"{text}\""));
    write_pagination(out, page.has_more, page.limit, end.as_deref());
}

/// `endCursor` is JSON already: a number, or text in quotes.
fn write_pagination(out: &mut Vec<u8>, has_more: bool, limit: Option<i64>, end: Option<&str>) {
    let _ = write!(out, ",\"pagination\":{{\"hasMore\":{has_more}");
    if let Some(limit) = limit {
        let _ = write!(out, ",\"limit\":{limit}");
    }
    if let Some(end) = end {
        let _ = write!(out, ",\"endCursor\":{end}");
    }
    out.extend_from_slice(b"}}");
}

fn write_node(out: &mut Vec<u8>, node: &Node, tables: &[DataTable]) {
    let table = numbered(tables, node.table);
    write_head(out, &node.record);
    write_owned(out, node.owned);
    out.extend_from_slice(b",\"data\":{");
    let mut first = true;
    for field in table.into_iter().flat_map(|table| &table.fields) {
        let included = node.included.iter().find(|(number, _)| *number == field.number);
        let value = node.record.values.iter().find(|(number, _)| *number == field.number);
        if included.is_none() && value.is_none() {
            continue;
        }
        key(out, &mut first, &field.key);
        match (included, value) {
            (Some((_, included)), _) => write_included(out, included, tables),
            (None, value) => {
                write_value(out, value.and_then(|(_, value)| value.as_ref()), DecimalForm::Number)
            }
        }
    }
    out.push(b'}');
    if !node.counts.is_empty() {
        out.extend_from_slice(b",\"_count\":{");
        let mut first = true;
        for (number, count) in &node.counts {
            if let Some(field) = table.and_then(|table| table.field_numbered(*number)) {
                key(out, &mut first, &field.key);
                let _ = write!(out, "{count}");
            }
        }
        out.push(b'}');
    }
    out.push(b'}');
}

/// Pages are told whether a record is their member's own.
fn write_owned(out: &mut Vec<u8>, owned: Option<bool>) {
    if let Some(owned) = owned {
        let _ = write!(out, ",\"activeMemberOwnsIt\":{owned}");
    }
}

/// `{"id", "internalOrder", "createdAt", "updatedAt"` and no closing brace.
fn write_head(out: &mut Vec<u8>, record: &Record) {
    out.extend_from_slice(b"{\"id\":");
    text(out, &record.id);
    let _ = write!(out, ",\"internalOrder\":{},\"createdAt\":", record.key.sequence());
    time(out, record.created_at);
    out.extend_from_slice(b",\"updatedAt\":");
    time(out, record.updated_at);
}

fn write_included(out: &mut Vec<u8>, included: &Included, tables: &[DataTable]) {
    match included {
        Included::Nothing => out.extend_from_slice(b"null"),
        Included::Record(node) => write_node(out, node, tables),
        Included::Member(member) => write_member(out, member),
        Included::Records(page) => write_records(out, page, tables),
        Included::Members(page) => write_members(out, page),
    }
}

fn write_member(out: &mut Vec<u8>, member: &RelatedMember) {
    out.extend_from_slice(b"{\"id\":");
    text(out, &member.id);
    out.extend_from_slice(b",\"email\":");
    opt_text(out, member.email.as_deref());
    out.extend_from_slice(b",\"createdAt\":");
    time(out, member.created_at);
    out.extend_from_slice(b",\"updatedAt\":");
    time(out, member.updated_at);
    let _ = write!(out, ",\"verified\":{},\"profileImage\":", member.verified);
    opt_text(out, member.profile_image.as_deref());
    out.extend_from_slice(b",\"customFields\":");
    out.extend_from_slice(member.custom_fields.as_str().as_bytes());
    if let Some(meta_data) = &member.meta_data {
        out.extend_from_slice(b",\"metaData\":");
        out.extend_from_slice(meta_data.as_str().as_bytes());
    }
    out.push(b'}');
}

fn write_outcome(out: &mut Vec<u8>, outcome: LinkOutcome) {
    let (count, action) = match outcome {
        LinkOutcome { connected: 0, disconnected: 0, .. } => (0, "unchanged"),
        LinkOutcome { connected: 0, disconnected, .. } => (disconnected, "disconnected"),
        LinkOutcome { connected, .. } => (connected, "connected"),
    };
    let _ = write!(out, "{{\"count\":{count}");
    if let Some(has_self) = outcome.has_self {
        let _ = write!(out, ",\"hasself\":{has_self}");
    }
    let _ = write!(out, ",\"action\":\"{action}\"}}");
}

/// Appends a value; nothing is `null`.
pub(super) fn write_value(out: &mut Vec<u8>, value: Option<&FieldValue>, decimals: DecimalForm) {
    match value {
        None => out.extend_from_slice(b"null"),
        Some(FieldValue::Text(value)) => text(out, value),
        Some(FieldValue::Number(value)) => drop(write!(out, "{value}")),
        Some(FieldValue::Boolean(value)) => drop(write!(out, "{value}")),
        Some(FieldValue::Date(value)) => time(out, *value),
        Some(FieldValue::Decimal(value)) if decimals == DecimalForm::Number => drop(write!(out, "{value}")),
        Some(FieldValue::Decimal(value)) => text(out, &value.to_string()),
        Some(FieldValue::Reference { id, .. }) => text(out, id),
    }
}

fn key(out: &mut Vec<u8>, first: &mut bool, name: &str) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
    text(out, name);
    out.push(b':');
}
