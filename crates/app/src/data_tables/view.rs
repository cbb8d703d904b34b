//! Definitions of data tables as Memberstack's APIs show them (wire contract, part A.2).

use guildhall_domain::data_table::{DataTable, Field, numbered};
use guildhall_domain::record::FieldValue;
use serde_json::{Value, json};

/// A table as both APIs of the vendor show it.
pub fn view(table: &DataTable, tables: &[DataTable]) -> Value {
    let fields: Vec<_> = table.fields.iter().map(|field| field_view(field, tables)).collect();
    json!({
        "id": table.id, "key": table.key, "name": table.name,
        "createRule": table.rules.create.as_str(), "readRule": table.rules.read.as_str(),
        "updateRule": table.rules.update.as_str(), "deleteRule": table.rules.delete.as_str(),
        "createdAt": table.created_at, "updatedAt": table.updated_at, "fields": fields,
    })
}

/// The same, with what the vendor leaves out: whether a field is unique and indexed.
pub fn full_view(table: &DataTable, tables: &[DataTable]) -> Value {
    let mut view = view(table, tables);
    for (field, shown) in table.fields.iter().zip(view["fields"].as_array_mut().into_iter().flatten()) {
        shown["unique"] = field.unique.into();
        shown["indexed"] = field.kind.is_indexed().into();
    }
    view
}

fn field_view(field: &Field, tables: &[DataTable]) -> Value {
    let target = field.referenced_table.and_then(|number| numbered(tables, number));
    let mut shown = json!({
        "id": field.id, "key": field.key, "name": field.name, "type": field.kind.as_str(),
        "required": field.required, "defaultValue": field.default.as_ref().map(default_view),
        "tableOrder": field.position, "referencedTableId": target.map(|table| &table.id),
    });
    if let Some(table) = target {
        shown["referencedTable"] = json!({ "id": table.id, "key": table.key, "name": table.name });
    }
    shown
}

fn default_view(value: &FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => text.as_str().into(),
        FieldValue::Number(number) => (*number).into(),
        FieldValue::Decimal(decimal) => decimal.to_string().into(),
        FieldValue::Boolean(truth) => (*truth).into(),
        FieldValue::Date(moment) => moment.to_iso().into(),
        FieldValue::Reference { id, .. } => id.as_str().into(),
    }
}
