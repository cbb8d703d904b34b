//! Random queries, about what is there and what is nearly there.

use super::steps::{some_member, some_record, some_target};
use super::{Choices, values};
use crate::world::{World, member_id};
use guildhall_domain::data_table::{DataTable, Field, FieldKind, numbered};
use guildhall_domain::query::Cursor;
use guildhall_domain::record::FieldValue;
use serde_json::{Map, Value, json};

const SYSTEM: [&str; 5] = ["id", "createdAt", "updatedAt", "internalOrder", "createdByMemberId"];

/// A query over one of the tables, by its number.
pub fn query(choices: &mut Choices<'_>, world: &World) -> (i64, Value) {
    let table = &world.tables[choices.below(world.tables.len())];
    let mut options = Map::new();
    if choices.once_in(6) {
        options.insert("where".into(), json!({ "id": some_record(choices, world, table.number) }));
        show(choices, world, table, true, &mut options);
        return (table.number, json!({ "findUnique": options }));
    }
    options.insert("where".into(), filter(choices, world, table));
    if choices.below(4) > 0 {
        options.insert("orderBy".into(), order(choices, table));
    }
    if choices.once_in(2) {
        let take = choices.pick(&[1, 2, 3, 5, 8, 100]);
        options.insert("take".into(), if choices.once_in(40) { json!(101) } else { json!(take) });
    }
    match choices.below(6) {
        3 => drop(options.insert("skip".into(), json!(choices.pick(&[1, 2, 5, 0, 10_000, 10_001])))),
        4 | 5 => drop(options.insert("after".into(), cursor(choices, world, table.number))),
        _ => {}
    }
    match choices.below(6) {
        4 => drop(options.insert("_count".into(), json!(true))),
        5 => drop(options.insert("_count".into(), counts(choices, table))),
        _ => {}
    }
    show(choices, world, table, false, &mut options);
    (table.number, json!({ "findMany": options }))
}

fn cursor(choices: &mut Choices<'_>, world: &World, table: i64) -> Value {
    let last = world.shelves.get(&table).map_or(0, |shelf| shelf.last);
    let number = choices.below(last as usize + 2) as i64;
    if choices.once_in(4) { json!(number.to_string()) } else { json!(number) }
}

fn show(
    choices: &mut Choices<'_>,
    world: &World,
    table: &DataTable,
    unique: bool,
    options: &mut Map<String, Value>,
) {
    match choices.below(5) {
        2 => drop(options.insert("select".into(), select(choices, table))),
        3 | 4 => drop(options.insert("include".into(), include(choices, world, table, unique, 1))),
        _ => {}
    }
}

fn select(choices: &mut Choices<'_>, table: &DataTable) -> Value {
    let plain = table.fields.iter().filter(|field| !field.kind.is_many() || choices.once_in(60));
    let keys: Vec<_> = plain.map(|field| field.key.as_str()).chain(["id"]).collect();
    keys.into_iter().filter(|_| choices.once_in(2)).map(|key| (key.to_owned(), json!(true))).collect()
}

fn counts(choices: &mut Choices<'_>, table: &DataTable) -> Value {
    let relations = table.fields.iter().filter(|field| field.kind.is_relation() || choices.once_in(60));
    let keys: Vec<_> = relations.map(|field| field.key.clone()).collect();
    let select: Map<_, _> = keys.into_iter().map(|key| (key, json!(!choices.once_in(6)))).collect();
    json!({ "select": select })
}

fn include(choices: &mut Choices<'_>, world: &World, table: &DataTable, unique: bool, depth: usize) -> Value {
    let mut included = Map::new();
    for field in table.fields.iter().filter(|field| field.kind.is_relation()) {
        let fits = !field.kind.is_many() || (unique && depth == 1);
        if (fits || choices.once_in(60)) && choices.below(3) > 0 {
            included.insert(field.key.clone(), relation(choices, world, field, unique, depth));
        }
    }
    if choices.once_in(4) {
        included.insert("_count".into(), counts(choices, table));
    }
    Value::Object(included)
}

fn relation(choices: &mut Choices<'_>, world: &World, field: &Field, unique: bool, depth: usize) -> Value {
    let mut options = Map::new();
    if field.kind.is_many() && choices.once_in(2) {
        options.insert("take".into(), json!(1 + choices.below(3)));
        match (choices.below(3), field.referenced_table) {
            (1, _) => drop(options.insert("skip".into(), json!(choices.below(3)))),
            (2, Some(table)) => drop(options.insert("after".into(), cursor(choices, world, table))),
            (2, None) => drop(options.insert("after".into(), member_cursor(choices, world))),
            _ => {}
        }
    }
    if let Some(target) = field.referenced_table.and_then(|number| numbered(&world.tables, number))
        && depth < 3
        && choices.once_in(2)
    {
        options.insert("include".into(), include(choices, world, target, unique, depth + 1));
    }
    if options.is_empty() { json!(true) } else { Value::Object(options) }
}

fn member_cursor(choices: &mut Choices<'_>, world: &World) -> Value {
    let places: Vec<_> = world.members.iter().map(|(number, member)| (member.created_at, *number)).collect();
    let Some((created_at, number)) = (!places.is_empty()).then(|| choices.pick(&places)) else {
        return json!("2026-01-31T12:00:00Z");
    };
    if choices.once_in(3) {
        json!(created_at.to_iso())
    } else {
        json!(Cursor::member_text(created_at, number))
    }
}

fn order(choices: &mut Choices<'_>, table: &DataTable) -> Value {
    let mut names: Vec<&str> = vec!["internalOrder", "createdAt", "updatedAt"];
    names.extend(
        table.fields.iter().filter(|field| !field.kind.is_relation()).map(|field| field.key.as_str()),
    );
    names.extend(choices.once_in(60).then_some("id"));
    let terms = 1 + choices.below(3);
    let mut term = || {
        // Fields come last in the list of names, and should come often.
        let name = names[names.len() - 1 - choices.below(names.len())];
        (name.to_owned(), json!(choices.pick(&["asc", "desc", "DESC"])))
    };
    let terms: Vec<_> = (0..terms).map(|_| term()).collect();
    if choices.once_in(2) {
        return terms.into_iter().map(|term| Value::Object(Map::from_iter([term]))).collect();
    }
    Value::Object(terms.into_iter().collect())
}

/// A `where` over a table.
pub fn filter(choices: &mut Choices<'_>, world: &World, table: &DataTable) -> Value {
    group(choices, world, table, 0)
}

fn group(choices: &mut Choices<'_>, world: &World, table: &DataTable, depth: usize) -> Value {
    let parts = choices.pick(&[1, 1, 2, 3, 0]);
    let mut group = Map::new();
    for _ in 0..parts {
        let kind = if depth < 4 { choices.below(9) } else { 0 };
        let (name, value) = match kind {
            6 => ("AND".to_owned(), groups(choices, world, table, depth + 1)),
            7 => ("OR".to_owned(), groups(choices, world, table, depth + 1)),
            8 => ("NOT".to_owned(), groups(choices, world, table, depth + 1)),
            _ => condition(choices, world, table),
        };
        group.insert(name, value);
    }
    Value::Object(group)
}

fn groups(choices: &mut Choices<'_>, world: &World, table: &DataTable, depth: usize) -> Value {
    let count = choices.pick(&[2, 1, 3, 0]);
    if count == 1 {
        return group(choices, world, table, depth);
    }
    (0..count).map(|_| group(choices, world, table, depth)).collect()
}

/// What a condition is about: a field, or one of the names that every record has.
struct Subject<'w> {
    world: &'w World,
    table: &'w DataTable,
    name: &'w str,
    field: Option<&'w Field>,
}

fn condition(choices: &mut Choices<'_>, world: &World, table: &DataTable) -> (String, Value) {
    let fields: Vec<_> =
        table.fields.iter().filter(|field| !field.kind.is_many() || choices.once_in(100)).collect();
    let field = (!fields.is_empty() && choices.below(4) > 0).then(|| choices.pick(&fields));
    let name = field.map_or_else(|| choices.pick(&SYSTEM), |field| field.key.as_str());
    let subject = Subject { world, table, name, field };
    let value = match choices.below(8) {
        0 => Value::Null,
        1 | 2 => subject.value(choices),
        _ => subject.operators(choices, 0),
    };
    (name.to_owned(), value)
}

impl Subject<'_> {
    fn is_text(&self) -> bool {
        self.field.is_some_and(|field| field.kind.is_text())
    }

    fn is_ordered(&self) -> bool {
        match self.field {
            Some(field) => !field.kind.is_relation() && field.kind != FieldKind::Boolean,
            None => !matches!(self.name, "id" | "createdByMemberId"),
        }
    }

    fn operators(&self, choices: &mut Choices<'_>, depth: usize) -> Value {
        let mut names = vec!["equals", "not", "in", "notIn"];
        if self.is_ordered() || choices.once_in(60) {
            names.extend(["lt", "lte", "gt", "gte"]);
        }
        if self.is_text() || choices.once_in(60) {
            names.extend([
                "contains",
                "startsWith",
                "endsWith",
                "contains",
                "startsWith",
                "endsWith",
                "search",
            ]);
        }
        let mut operators = Map::new();
        for _ in 0..choices.pick(&[1, 1, 2, 0]) {
            let name = choices.pick(&names);
            let value = match name {
                "in" | "notIn" => (0..choices.pick(&[2, 1, 3, 0])).map(|_| self.value(choices)).collect(),
                "not" => match choices.below(4) {
                    0 => Value::Null,
                    1 | 2 if depth < 2 => self.operators(choices, depth + 1),
                    _ => self.value(choices),
                },
                "contains" | "startsWith" | "endsWith" | "search" => self.part(choices),
                "equals" if choices.once_in(4) => Value::Null,
                _ => self.value(choices),
            };
            operators.insert(name.to_owned(), value);
        }
        if self.is_text() && choices.once_in(3) {
            operators.insert("mode".into(), json!(choices.pick(&["insensitive", "insensitive", "default"])));
        }
        Value::Object(operators)
    }

    /// A value that some record has, or another of its kind.
    fn value(&self, choices: &mut Choices<'_>) -> Value {
        if choices.once_in(100) {
            return values::odd(choices);
        }
        if choices.below(3) > 0
            && let Some(stored) = self.stored(choices)
        {
            return self.with_other_case(choices, stored);
        }
        match self.field {
            Some(field) if field.kind.is_relation() => some_target(choices, self.world, field).into(),
            // What a field would not take can be compared with.
            Some(field) if field.kind.is_text() => values::text(choices).into(),
            Some(field) => values::good(choices, field.kind),
            None => match self.name {
                "id" => some_record(choices, self.world, self.table.number).into(),
                "createdByMemberId" => some_member(choices, self.world).into(),
                "internalOrder" => values::good(choices, FieldKind::Number),
                _ => values::good(choices, FieldKind::Date),
            },
        }
    }

    /// What one of the records has.
    fn stored(&self, choices: &mut Choices<'_>) -> Option<Value> {
        let rows: Vec<_> = self.world.rows(self.table.number).collect();
        let row = (!rows.is_empty()).then(|| choices.pick(&rows))?;
        match (self.field, self.name) {
            (Some(field), _) => Some(match row.values.get(&field.number)? {
                FieldValue::Text(text) => json!(text),
                FieldValue::Number(number) => json!(number),
                FieldValue::Decimal(decimal) => json!(decimal.to_string()),
                FieldValue::Boolean(truth) => json!(truth),
                FieldValue::Date(moment) => json!(moment.to_iso()),
                FieldValue::Reference { key, .. } => json!(World::target_id(field.referenced_table, *key)),
            }),
            (None, "createdAt") => Some(json!(row.created_at.to_iso())),
            (None, "updatedAt") => Some(json!(row.updated_at.to_iso())),
            (None, "internalOrder") => Some(json!(row.number)),
            (None, "createdByMemberId") => row.owner.map(|owner| json!(member_id(owner))),
            _ => None,
        }
    }

    fn with_other_case(&self, choices: &mut Choices<'_>, value: Value) -> Value {
        match (value, self.is_text() && choices.once_in(4)) {
            (Value::String(text), true) => match choices.once_in(2) {
                true => text.to_uppercase().into(),
                false => text.to_lowercase().into(),
            },
            (value, _) => value,
        }
    }

    /// A part of a text that some record has, or any text.
    fn part(&self, choices: &mut Choices<'_>) -> Value {
        let stored = self.stored(choices).filter(|_| self.is_text() && choices.below(4) > 0);
        let Some(Value::String(text)) = stored else {
            return values::text(choices).into();
        };
        let chars = text.chars().count();
        let from = choices.pick(&[0, 0, 1, 2]).min(chars);
        let length = choices.below(chars.min(255) - from.min(chars.min(255)) + 1);
        let part: String = text.chars().skip(from).take(length).collect();
        self.with_other_case(choices, part.into())
    }
}
