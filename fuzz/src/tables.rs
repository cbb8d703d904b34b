//! The tables that every target reads against.

use guildhall_domain::Timestamp;
use guildhall_domain::data_table::{AccessRules, DataTable, Field, FieldKind};
use guildhall_domain::ids::{AppId, DataTableId, FieldId};

/// `things`, with a field of every kind that has the kind's name in lower case, and `parts`, with a text,
/// a number and a reference to a thing.
pub fn tables() -> Vec<DataTable> {
    let things = FieldKind::ALL.iter().zip(1..).map(|(kind, number)| {
        let target = kind.points_at_records().then_some(if *kind == FieldKind::Reference { 2 } else { 1 });
        field(number, *kind, target)
    });
    let after = FieldKind::ALL.len() as i64;
    let parts = [
        field(after + 1, FieldKind::TextFilterable, None),
        field(after + 2, FieldKind::Number, None),
        field(after + 3, FieldKind::Reference, Some(1)),
    ];
    vec![table(1, "things", things.collect()), table(2, "parts", parts.to_vec())]
}

fn table(number: i64, key: &str, fields: Vec<Field>) -> DataTable {
    DataTable {
        id: DataTableId::from_text(format!("tbl_{key}")),
        number,
        app: AppId::from_text("app_fuzz"),
        key: key.to_owned(),
        name: key.to_owned(),
        rules: AccessRules::default(),
        imported_ids: true,
        version: 1,
        fields,
        created_at: Timestamp::from_micros(0),
        updated_at: None,
    }
}

fn field(number: i64, kind: FieldKind, referenced_table: Option<i64>) -> Field {
    Field {
        id: FieldId::from_text(format!("fld_{number}")),
        number,
        key: kind.as_str().to_lowercase(),
        name: kind.as_str().to_owned(),
        kind,
        required: false,
        unique: kind == FieldKind::TextUnique,
        default: None,
        position: Some(number),
        referenced_table,
    }
}
