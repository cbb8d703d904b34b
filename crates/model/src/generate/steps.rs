//! Random changes to what there is.

use super::{Choices, values};
use crate::world::{Row, World, member_id, record_id};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, Field};
use serde_json::{Map, Value, json};

/// Something that is done.
#[derive(Clone, Debug)]
pub enum Step {
    /// A record is created.
    Create {
        /// In the table with this number.
        table: i64,
        /// With these values.
        data: Map<String, Value>,
        /// For the member with this id.
        owner: Option<String>,
    },
    /// A record is changed.
    Update {
        /// Of the table with this number.
        table: i64,
        /// Its id.
        id: String,
        /// To these values.
        data: Map<String, Value>,
    },
    /// A record is deleted.
    Delete {
        /// Of the table with this number.
        table: i64,
        /// Its id.
        id: String,
    },
    /// A member is deleted.
    DeleteMember {
        /// Its id.
        id: String,
    },
    /// So many microseconds pass.
    Wait(i64),
}

/// Something to do next.
pub fn step(choices: &mut Choices<'_>, world: &World) -> Step {
    let table = &world.tables[choices.below(world.tables.len())];
    match choices.below(32) {
        0..=17 => {
            let owner = choices.once_in(3).then(|| some_member(choices, world));
            Step::Create { table: table.number, data: data(choices, world, table, true), owner }
        }
        18..=25 => {
            let id = some_record(choices, world, table.number);
            Step::Update { table: table.number, id, data: data(choices, world, table, false) }
        }
        26..=28 => Step::Delete { table: table.number, id: some_record(choices, world, table.number) },
        29 => Step::DeleteMember { id: some_member(choices, world) },
        _ => Step::Wait(choices.pick(&[1, 999, 1_000, 60_000_000, 86_400_000_000])),
    }
}

impl World {
    /// Does it. Answers as the wire contract says, as JSON text; nothing where the contract has no more to
    /// say than that it was done.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn apply_step(&mut self, step: &Step) -> Result<String, Code> {
        match step {
            Step::Create { table, data, owner } => {
                let outcome = self.create(*table, data, owner.as_deref())?;
                Ok(self.written(*table, &outcome))
            }
            Step::Update { table, id, data } => {
                let outcome = self.update(*table, id, data)?;
                Ok(self.written(*table, &outcome))
            }
            Step::Delete { table, id } => {
                let row: Row = self.delete(*table, id)?;
                Ok(self.deleted(*table, &row))
            }
            Step::DeleteMember { id } => self.delete_member(id).map(|()| String::new()),
            Step::Wait(micros) => {
                self.now = self.now.plus_micros(*micros);
                Ok(String::new())
            }
        }
    }
}

fn data(choices: &mut Choices<'_>, world: &World, table: &DataTable, whole: bool) -> Map<String, Value> {
    let mut data = Map::new();
    for field in &table.fields {
        let named = if whole { !choices.once_in(6) || field.required } else { choices.once_in(2) };
        if named {
            data.insert(field.key.clone(), given(choices, world, field));
        }
    }
    if choices.once_in(100) {
        data.insert("unknown".into(), values::odd(choices));
    }
    data
}

fn given(choices: &mut Choices<'_>, world: &World, field: &Field) -> Value {
    match choices.below(64) {
        0..=7 if !field.required => Value::Null,
        62 => Value::Null,
        63 => values::odd(choices),
        _ if !field.kind.is_relation() => values::good(choices, field.kind),
        _ if field.kind.is_many() => many(choices, world, field),
        _ => one(choices, world, field),
    }
}

fn one(choices: &mut Choices<'_>, world: &World, field: &Field) -> Value {
    let id = some_target(choices, world, field);
    match choices.below(8) {
        4 => json!({ "connect": { "id": id } }),
        5 => json!({ "disconnect": id }),
        6 => json!({ "connect": id, "disconnect": [some_target(choices, world, field)] }),
        7 => choices.pick(&[r#"{"disconnect":true}"#, r#"{"connect":[]}"#]).parse().expect("JSON"),
        _ => id.into(),
    }
}

fn many(choices: &mut Choices<'_>, world: &World, field: &Field) -> Value {
    let ids = |choices: &mut Choices<'_>| {
        let count = choices.pick(&[1, 2, 3, 5, 0]);
        (0..count).map(|_| some_target(choices, world, field)).collect::<Vec<_>>()
    };
    match choices.below(8) {
        3 => json!({ "connect": ids(choices) }),
        4 => json!({ "disconnect": ids(choices) }),
        5 => json!({ "connect": ids(choices), "disconnect": ids(choices) }),
        6 => json!({ "connect": { "id": some_target(choices, world, field) } }),
        7 => json!({ "disconnect": true }),
        _ => json!(ids(choices)),
    }
}

/// The id of something that a field can point at; rarely of something that is not there.
pub(super) fn some_target(choices: &mut Choices<'_>, world: &World, field: &Field) -> String {
    match field.referenced_table {
        Some(table) => some_record(choices, world, table),
        None => some_member(choices, world),
    }
}

/// The id of a record of a table; rarely of one that is not there, or is of another table.
pub(super) fn some_record(choices: &mut Choices<'_>, world: &World, table: i64) -> String {
    let table =
        if choices.once_in(64) { world.tables[choices.below(world.tables.len())].number } else { table };
    let numbers: Vec<_> = world.rows(table).map(|row| row.number).collect();
    if numbers.is_empty() || choices.once_in(48) {
        return choices.pick(&["model-gone", "c0123456789abcdefghijklmn"]).to_owned();
    }
    record_id(table, choices.pick(&numbers))
}

/// The id of a member; rarely of one that is not there.
pub(super) fn some_member(choices: &mut Choices<'_>, world: &World) -> String {
    let numbers: Vec<_> = world.members.keys().copied().collect();
    if numbers.is_empty() || choices.once_in(48) {
        return "model-nobody".to_owned();
    }
    member_id(choices.pick(&numbers))
}
