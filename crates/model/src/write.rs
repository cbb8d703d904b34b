//! What writes do, and why they are refused.

use crate::world::{Row, World, member_id};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, Field};
use guildhall_domain::record::{Change, Changes, FieldValue, Target, parse_changes};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The number of a record, and of each field of many references that was written how many links were
/// made and how many went.
pub type Outcome = (i64, Vec<(i64, usize, usize)>);

impl World {
    /// Creates a record.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn create(
        &mut self,
        table: i64,
        data: &Map<String, Value>,
        owner: Option<&str>,
    ) -> Result<Outcome, Code> {
        let definition = self.table(table).clone();
        let mut changes = parse_changes(&definition, data).map_err(|refusal| refusal.code)?;
        for field in &definition.fields {
            let given = data.contains_key(&field.key);
            match &field.default {
                Some(default) if !given => changes.push((field.number, Change::Set(default.clone()))),
                _ => {}
            }
        }
        let gives = |field: &Field| {
            changes.iter().any(|(number, change)| *number == field.number && gives_something(change))
        };
        if definition.fields.iter().any(|field| field.required && !gives(field)) {
            return Err(Code::FieldRequired);
        }
        let owner = match owner {
            None => None,
            Some(id) => Some(self.find_member(id).ok_or(Code::RecordOwnerNotFound)?),
        };
        let now = self.now.to_millis();
        let number = self.shelf(table).last + 1;
        let mut row = Row {
            number,
            owner,
            created_at: now,
            updated_at: now,
            values: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        let links = self.apply(&definition, &mut row, &changes)?;
        self.refuse_duplicates(&definition, &row)?;
        let shelf = self.shelf(table);
        shelf.last = number;
        shelf.rows.insert(number, row);
        Ok((number, links))
    }

    /// Changes a record.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn update(&mut self, table: i64, id: &str, data: &Map<String, Value>) -> Result<Outcome, Code> {
        let definition = self.table(table).clone();
        let changes = parse_changes(&definition, data).map_err(|refusal| refusal.code)?;
        let number = self.find_record(table, id).ok_or(Code::RecordNotFound)?;
        let mut row = self.row(table, number).ok_or(Code::RecordNotFound)?.clone();
        row.updated_at = self.now.to_millis();
        let before = row.clone();
        let links = self.apply(&definition, &mut row, &changes)?;
        let written = definition.fields.iter().filter(|field| data.contains_key(&field.key));
        for field in written.filter(|field| field.required && !field.kind.is_many()) {
            // What a deletion took may stay away, if this write does not speak of it.
            let was_there = before.values.contains_key(&field.number);
            let clears = changes.contains(&(field.number, Change::Clear));
            if !row.values.contains_key(&field.number) && (was_there || clears) {
                return Err(Code::FieldRequired);
            }
        }
        self.refuse_duplicates(&definition, &row)?;
        let written = definition.fields.iter().filter(|field| data.contains_key(&field.key));
        for field in written.filter(|field| field.required && field.kind.is_many()) {
            if row.targets(field.number).next().is_none() {
                return Err(Code::FieldRequired);
            }
        }
        self.shelf(table).rows.insert(number, row);
        Ok((number, links))
    }

    /// Deletes a record; what points at it points at nothing from then on. Returns it as it was.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn delete(&mut self, table: i64, id: &str) -> Result<Row, Code> {
        let number = self.find_record(table, id).ok_or(Code::RecordNotFound)?;
        let row = self.shelf(table).rows.remove(&number).ok_or(Code::RecordNotFound)?;
        self.clear(number, |field| field.referenced_table == Some(table));
        Ok(row)
    }

    /// Deletes a member: what it owned belongs to nobody, what pointed at it points at nothing.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn delete_member(&mut self, id: &str) -> Result<(), Code> {
        let number = self.find_member(id).ok_or(Code::MemberNotFound)?;
        self.members.remove(&number);
        for row in self.shelves.values_mut().flat_map(|shelf| shelf.rows.values_mut()) {
            row.owner = row.owner.filter(|owner| *owner != number);
        }
        self.clear(number, |field| field.kind.points_at_members());
        Ok(())
    }

    /// The ids of all members.
    pub fn member_ids(&self) -> Vec<String> {
        self.members.keys().map(|number| member_id(*number)).collect()
    }

    /// Takes what has this number out of every field that is meant.
    fn clear(&mut self, number: i64, meant: impl Fn(&Field) -> bool) {
        for table in &self.tables {
            let Some(shelf) = self.shelves.get_mut(&table.number) else { continue };
            for field in table.fields.iter().filter(|field| meant(field)) {
                for row in shelf.rows.values_mut() {
                    if row.target(field.number) == Some(number) {
                        row.values.remove(&field.number);
                    }
                    if let Some(links) = row.links.get_mut(&field.number) {
                        links.remove(&number);
                    }
                }
            }
        }
    }

    /// Carries changes out on a row.
    fn apply(
        &self,
        table: &DataTable,
        row: &mut Row,
        changes: &Changes,
    ) -> Result<Vec<(i64, usize, usize)>, Code> {
        let mut outcomes = Vec::new();
        for (number, change) in changes {
            let field = table.field_numbered(*number).ok_or(Code::Internal)?;
            let (replace, connect, disconnect) = match change {
                Change::Set(value) => {
                    row.values.insert(*number, value.clone());
                    continue;
                }
                Change::Clear => (true, Vec::new(), Vec::new()),
                Change::Link { replace, connect, disconnect } => {
                    (*replace, self.named(field, connect)?, self.named(field, disconnect)?)
                }
            };
            if field.kind.is_many() {
                let links = row.links.entry(*number).or_default();
                let (mut wanted, before) = (links.clone(), links.clone());
                if replace {
                    wanted.clear();
                }
                wanted.retain(|target| !disconnect.contains(target));
                // A link that is removed and made in one write was removed and was made.
                let kept: BTreeSet<_> = wanted.iter().chain(connect.iter().filter(|_| replace)).collect();
                let gone: Vec<_> = before.iter().copied().filter(|target| !kept.contains(target)).collect();
                let made = connect.iter().filter(|target| !before.contains(target) || gone.contains(target));
                outcomes.push((*number, made.count(), gone.len()));
                wanted.extend(connect);
                *links = wanted;
            } else if let Some(target) = connect.first() {
                row.values.insert(*number, FieldValue::Reference { key: *target, id: String::new() });
            } else if *change == Change::Clear
                || row.target(*number).is_some_and(|target| disconnect.contains(&target))
            {
                row.values.remove(number);
            }
        }
        Ok(outcomes)
    }

    fn named(&self, field: &Field, targets: &[Target]) -> Result<Vec<i64>, Code> {
        let one = |target: &Target| match target {
            Target::Id(id) => self.find_target(field, id).ok_or(Code::FieldValueInvalid),
            Target::Myself => Err(Code::FieldValueInvalid),
        };
        targets.iter().map(one).collect()
    }

    fn refuse_duplicates(&self, table: &DataTable, row: &Row) -> Result<(), Code> {
        let others = || self.rows(table.number).filter(|other| other.number != row.number);
        let taken = |field: &Field| {
            let value = row.values.get(&field.number);
            value.is_some_and(|value| others().any(|other| other.values.get(&field.number) == Some(value)))
        };
        match table.fields.iter().any(|field| field.unique && taken(field)) {
            true => Err(Code::FieldNotUnique),
            false => Ok(()),
        }
    }
}

fn gives_something(change: &Change) -> bool {
    match change {
        Change::Clear => false,
        Change::Set(_) => true,
        Change::Link { connect, .. } => !connect.is_empty(),
    }
}
