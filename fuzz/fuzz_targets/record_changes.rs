#![no_main]
//! Any bytes as the `data` of a write: nothing panics, what is taken is within the bounds, and a text that
//! is taken is what was given.

use guildhall_domain::data_table::{DataTable, FieldKind};
use guildhall_domain::record::{
    Change, FILTERABLE_CHARS_MAX, FieldValue, LINKS_PER_WRITE_MAX, NUMBER_MAX, TEXT_CHARS_MAX, URL_BYTES_MAX,
    parse_changes,
};
use guildhall_domain::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::sync::LazyLock;

static TABLES: LazyLock<Vec<DataTable>> = LazyLock::new(guildhall_fuzz::tables);

fuzz_target!(|bytes: &[u8]| {
    let Ok(Value::Object(data)) = guildhall_domain::json::parse(bytes) else { return };
    let table = &TABLES[0];
    let changes = match parse_changes(table, &data) {
        Ok(changes) => changes,
        Err(refusal) => {
            assert!(refusal.code.status() < 500 && !refusal.message.is_empty());
            return;
        }
    };
    assert_eq!(changes.len(), data.len());
    for (number, change) in &changes {
        let field = table.field_numbered(*number).expect("a known field");
        let given = &data[&field.key];
        match change {
            Change::Clear => assert!(given.is_null() || given["disconnect"] == Value::Bool(true)),
            Change::Set(value) => check(field.kind, value, given),
            Change::Link { connect, disconnect, .. } => {
                assert!(field.kind.is_relation());
                assert!(connect.len() <= LINKS_PER_WRITE_MAX && disconnect.len() <= LINKS_PER_WRITE_MAX);
                assert!(field.kind.is_many() || (connect.len() <= 1 && disconnect.len() <= 1), "{given}");
            }
        }
    }
});

fn check(kind: FieldKind, value: &FieldValue, given: &Value) {
    match value {
        FieldValue::Text(text) => {
            let most = match kind {
                FieldKind::Text => TEXT_CHARS_MAX,
                FieldKind::Url => URL_BYTES_MAX,
                _ => FILTERABLE_CHARS_MAX,
            };
            assert!(text.chars().count() <= most && !text.contains('\0'));
            assert_eq!(given.as_str(), Some(text.as_str()));
        }
        FieldValue::Number(number) => assert!((-NUMBER_MAX..=NUMBER_MAX).contains(number)),
        FieldValue::Decimal(decimal) => {
            let stored = decimal.to_stored();
            assert_eq!(guildhall_domain::decimal::Decimal::from_stored(&stored), Some(*decimal), "{given}");
        }
        FieldValue::Boolean(truth) => assert_eq!(given.as_bool(), Some(*truth)),
        FieldValue::Date(moment) => {
            assert!((Timestamp::YEAR_1..=Timestamp::YEAR_9999).contains(moment));
            assert_eq!(guildhall_domain::record::date(&moment.to_iso()), Some(*moment), "{given}");
        }
        FieldValue::Reference { .. } => unreachable!("references are links"),
    }
}
