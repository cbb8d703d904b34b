//! A statement that is put together at run time: text, and values bound in the order in which they
//! appear in it. Text comes only from this crate and from our own numbers.

use crate::dialect::Dialect;
use crate::driver::Param;
use std::fmt::Write;

/// A value that lives as long as its statement.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
}

impl From<i64> for Bound {
    fn from(value: i64) -> Self {
        Bound::Int(value)
    }
}

impl From<String> for Bound {
    fn from(value: String) -> Self {
        Bound::Text(value)
    }
}

/// A statement in the making.
#[derive(Debug)]
pub(crate) struct Statement {
    sql: String,
    values: Vec<Bound>,
    dialect: Dialect,
}

impl Statement {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { sql: String::with_capacity(512), values: Vec::new(), dialect }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// Appends a number of ours as text: part of a name.
    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.sql, "{number}");
        self
    }

    /// Appends a placeholder and binds a value to it.
    pub(crate) fn bind(&mut self, value: impl Into<Bound>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push('$');
        self.number(self.values.len() as i64)
    }

    /// Appends items with something between them.
    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        between: &str,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            write(self, item);
        }
        self
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn params(&self) -> Vec<Param<'_>> {
        self.values.iter().map(Bound::param).collect()
    }
}

impl Bound {
    fn param(&self) -> Param<'_> {
        match self {
            Bound::Null => Param::Null,
            Bound::Int(value) => Param::Int(*value),
            Bound::Bool(value) => Param::Bool(*value),
            Bound::Text(value) => Param::Text(value),
        }
    }
}
