//! What a condition speaks of: a field or a name that every record has, and the values it can be
//! compared with.

use super::Operand;
use crate::Code;
use crate::data_table::{DataTable, Field, FieldKind};
use crate::query::refused;
use crate::record::{self, FieldValue};
use crate::refusal::Refusal;
use crate::text::is_id;
use serde_json::Value;

/// What a condition speaks of, with the name that messages use.
pub(super) struct Subject<'t> {
    pub name: &'t str,
    pub operand: Operand,
    field: Option<&'t Field>,
}

impl<'t> Subject<'t> {
    pub(super) fn named(name: &str, table: &'t DataTable) -> Result<Self, Refusal> {
        let system = |name, operand| Ok(Self { name, operand, field: None });
        match name {
            "id" => system("id", Operand::Id),
            "createdAt" => system("createdAt", Operand::CreatedAt),
            "updatedAt" => system("updatedAt", Operand::UpdatedAt),
            "internalOrder" => system("internalOrder", Operand::InternalOrder),
            "createdByMemberId" => system("createdByMemberId", Operand::Owner),
            name => {
                let field = table.known_field(name)?;
                if field.kind.is_many() {
                    let message = format!(
                        "The field {} holds many references; records cannot be filtered by it",
                        field.key
                    );
                    return Err(refused(message));
                }
                Ok(Self { name: &field.key, operand: Operand::of(field), field: Some(field) })
            }
        }
    }

    pub(super) fn is_text(&self) -> bool {
        self.field.is_some_and(|field| field.kind.is_text())
    }

    pub(super) fn is_ordered(&self) -> bool {
        match self.operand {
            Operand::Id | Operand::Owner => false,
            Operand::Field { kind, .. } => !kind.is_relation() && kind != FieldKind::Boolean,
            Operand::CreatedAt | Operand::UpdatedAt | Operand::InternalOrder => true,
        }
    }

    pub(super) fn value(&self, value: &Value) -> Result<FieldValue, Refusal> {
        let id = || {
            let id = value.as_str().filter(|id| is_id(id));
            id.map(|id| FieldValue::Text(id.to_owned()))
        };
        let read = match self.operand {
            Operand::Id | Operand::Owner => id(),
            Operand::InternalOrder => record::number(value).map(FieldValue::Number),
            Operand::CreatedAt | Operand::UpdatedAt => {
                value.as_str().and_then(record::date).map(FieldValue::Date)
            }
            Operand::Field { kind, .. } if kind.is_relation() => id(),
            // What a field would not take can still be compared with: part of an address, say.
            Operand::Field { kind, .. } if kind.is_text() => record::value_of_kind(FieldKind::Text, value),
            Operand::Field { kind, .. } => record::value_of_kind(kind, value),
        };
        read.ok_or_else(|| {
            let expected =
                self.field.map_or("an id, a date or a number", |field| record::expected(field.kind));
            Refusal::because(Code::FieldValueInvalid, format!("{} is compared with {expected}.", self.name))
        })
    }
}
