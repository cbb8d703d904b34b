//! What queries find.

use crate::order::{compare, is_by_number};
use crate::view;
use crate::world::{Row, World};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, Field};
use guildhall_domain::query::{Cursor, Direction, FindMany, FindUnique, Include, Query, Relation, TAKE_MAX};
use serde_json::Value;

/// A record that was found, with what is shown along with it.
pub(crate) struct Found<'w> {
    pub table: &'w DataTable,
    pub row: &'w Row,
    pub select: Option<&'w [i64]>,
    pub included: Vec<(i64, Included<'w>)>,
    pub counts: Vec<(i64, usize)>,
}

/// What a field points at.
pub(crate) enum Included<'w> {
    Nothing,
    Record(Box<Found<'w>>),
    Member(i64),
    Records(Page<Found<'w>>),
    Members(Page<i64>),
}

/// A part of a list.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub has_more: bool,
    pub limit: Option<i64>,
}

impl World {
    /// Answers a query as JSON text.
    ///
    /// # Errors
    /// The code of the refusal.
    pub fn query(&self, table: i64, query: Option<&Value>) -> Result<String, Code> {
        let definition = self.table(table);
        match Query::parse(query, definition, &self.tables).map_err(|refusal| refusal.code)? {
            Query::FindMany(query) => self.find_many(definition, &query),
            Query::FindUnique(query) => self.find_unique(definition, &query),
        }
    }

    fn find_many(&self, table: &DataTable, query: &FindMany) -> Result<String, Code> {
        let mut rows = self.matching(table.number, query);
        if query.count_only {
            return Ok(view::count(rows.len()));
        }
        if let Some(after) = query.after {
            match is_by_number(&query.order) {
                Some(Direction::Ascending) => rows.retain(|row| row.number > after),
                Some(Direction::Descending) => rows.retain(|row| row.number < after),
                None => {
                    let cursor = self.row(table.number, after).ok_or(Code::RecordQueryInvalid)?;
                    rows.retain(|row| compare(table.number, row, cursor, &query.order).is_gt());
                }
            }
        }
        let limit = query.take.unwrap_or(TAKE_MAX);
        let page = cut(rows, query.skip, limit, query.take);
        let select = query.shape.select.as_deref();
        let found = page.map(|row| self.found(table, row, select, &query.shape.include));
        Ok(view::records(self, &found))
    }

    /// All records that a query means, in its order.
    pub fn matching(&self, table: i64, query: &FindMany) -> Vec<&Row> {
        let mut rows: Vec<_> =
            self.rows(table).filter(|row| self.matches(table, row, &query.filter)).collect();
        rows.sort_by(|one, other| compare(table, one, other, &query.order));
        rows
    }

    fn find_unique(&self, table: &DataTable, query: &FindUnique) -> Result<String, Code> {
        let number = self.find_record(table.number, &query.id).ok_or(Code::RecordNotFound)?;
        let row = self.row(table.number, number).ok_or(Code::RecordNotFound)?;
        let select = query.shape.select.as_deref();
        Ok(view::record(self, &self.found(table, row, select, &query.shape.include)))
    }

    fn found<'w>(
        &'w self,
        table: &'w DataTable,
        row: &'w Row,
        select: Option<&'w [i64]>,
        include: &'w Include,
    ) -> Found<'w> {
        let count = |field: &i64| {
            let one = usize::from(row.target(*field).is_some());
            (*field, one + row.targets(*field).count())
        };
        let included = |relation: &'w Relation| {
            let field = table.field_numbered(relation.field).expect("a known field");
            (field.number, self.included(row, field, relation))
        };
        Found {
            table,
            row,
            select,
            included: include.relations.iter().map(included).collect(),
            counts: include.counts.iter().map(count).collect(),
        }
    }

    fn included<'w>(&'w self, row: &'w Row, field: &'w Field, relation: &'w Relation) -> Included<'w> {
        let limit = relation.take.unwrap_or(TAKE_MAX);
        let target = field.referenced_table.map(|number| self.table(number));
        let record = |table: &'w DataTable, number: i64| {
            let row = self.row(table.number, number).expect("references to what is gone are cleared");
            self.found(table, row, None, &relation.include)
        };
        match (field.kind.is_many(), target) {
            (false, target) => match (row.target(field.number), target) {
                (None, _) => Included::Nothing,
                (Some(number), None) => Included::Member(number),
                (Some(number), Some(table)) => Included::Record(Box::new(record(table, number))),
            },
            (true, Some(table)) => {
                let after = match relation.after {
                    Some(Cursor::Record(number)) => number,
                    _ => 0,
                };
                let numbers = row.targets(field.number).filter(|number| *number > after).collect();
                let page = cut(numbers, relation.skip, limit, Some(limit));
                Included::Records(page.map(|number| record(table, number)))
            }
            (true, None) => {
                let place = |number: &i64| (self.members[number].created_at.micros(), *number);
                let after = match relation.after {
                    Some(Cursor::Member(created_at, number)) => (created_at, number),
                    _ => (i64::MIN, 0),
                };
                let mut numbers: Vec<_> =
                    row.targets(field.number).filter(|number| place(number) > after).collect();
                numbers.sort_by_key(place);
                Included::Members(cut(numbers, relation.skip, limit, Some(limit)))
            }
        }
    }
}

impl<T> Page<T> {
    fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(change).collect();
        Page { items, has_more: self.has_more, limit: self.limit }
    }
}

fn cut<T>(items: Vec<T>, skip: i64, take: i64, limit: Option<i64>) -> Page<T> {
    let mut items: Vec<T> = items.into_iter().skip(skip as usize).collect();
    let has_more = items.len() > take as usize;
    items.truncate(take as usize);
    Page { items, has_more, limit }
}
