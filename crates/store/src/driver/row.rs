//! Values on their way into and out of a statement.

use crate::error::StoreError;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::record_id::RecordKey;
use guildhall_domain::{EnvironmentId, Timestamp};
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, Type, private::BytesMut};

/// A value for a placeholder. Both engines know exactly these.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Param<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
}

macro_rules! param_from {
    ($($type:ty => |$value:ident| $param:expr;)*) => {$(
        impl<'a> From<$type> for Param<'a> {
            fn from($value: $type) -> Self { $param }
        }
    )*};
}

param_from! {
    i64 => |value| Param::Int(value);
    bool => |value| Param::Bool(value);
    &'a str => |value| Param::Text(value);
    &'a String => |value| Param::Text(value);
    &'a [u8] => |value| Param::Bytes(value);
    Timestamp => |value| Param::Int(value.micros());
    EnvironmentId => |value| Param::Int(value.stored());
    MemberKey => |value| Param::Int(value.stored());
    RecordKey => |value| Param::Int(value.stored());
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}

impl Param<'_> {
    /// The type that a value has by itself. Nothing by itself is text.
    pub(crate) const fn postgres_type(&self) -> Type {
        match self {
            Param::Int(_) => Type::INT8,
            Param::Bool(_) => Type::BOOL,
            Param::Text(_) | Param::Null => Type::TEXT,
            Param::Bytes(_) => Type::BYTEA,
        }
    }
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Param::Null => ValueRef::Null,
            Param::Int(value) => ValueRef::Integer(value),
            Param::Bool(value) => ValueRef::Integer(value.into()),
            Param::Text(value) => ValueRef::Text(value.as_bytes()),
            Param::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl tokio_postgres::types::ToSql for Param<'_> {
    fn to_sql(
        &self,
        r#type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(value) => value.to_sql_checked(r#type, out),
            Param::Bool(value) => value.to_sql_checked(r#type, out),
            Param::Text(value) => value.to_sql_checked(r#type, out),
            Param::Bytes(value) => value.to_sql_checked(r#type, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// One row of an answer.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// An integer that must be there.
    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| missing(column))
    }

    /// An integer or NULL.
    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self {
            Row::Sqlite(row) => match value(row, column)? {
                ValueRef::Integer(value) => Ok(Some(value)),
                ValueRef::Null => Ok(None),
                _ => Err(mistyped(column)),
            },
            Row::Postgres(row) => row.try_get(column).map_err(|_| mistyped(column)),
        }
    }

    /// A truth value that must be there.
    pub(crate) fn bool(&self, column: usize) -> Result<bool, StoreError> {
        match self {
            Row::Sqlite(_) => self.int(column).map(|value| value != 0),
            Row::Postgres(row) => row.try_get(column).map_err(|_| mistyped(column)),
        }
    }

    /// A truth value or NULL.
    pub(crate) fn opt_bool(&self, column: usize) -> Result<Option<bool>, StoreError> {
        match self {
            Row::Sqlite(_) => Ok(self.opt_int(column)?.map(|value| value != 0)),
            Row::Postgres(row) => row.try_get(column).map_err(|_| mistyped(column)),
        }
    }

    /// Text that must be there.
    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| missing(column))
    }

    /// Text or NULL.
    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self {
            Row::Sqlite(row) => match value(row, column)? {
                ValueRef::Text(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| mistyped(column)),
                ValueRef::Null => Ok(None),
                _ => Err(mistyped(column)),
            },
            Row::Postgres(row) => row.try_get(column).map_err(|_| mistyped(column)),
        }
    }

    /// Owned text that must be there.
    pub(crate) fn string(&self, column: usize) -> Result<String, StoreError> {
        self.text(column).map(str::to_owned)
    }

    /// Owned text or NULL.
    pub(crate) fn opt_string(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(self.opt_text(column)?.map(str::to_owned))
    }

    /// Bytes that must be there.
    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self {
            Row::Sqlite(row) => match value(row, column)? {
                ValueRef::Blob(bytes) => Ok(bytes),
                _ => Err(mistyped(column)),
            },
            Row::Postgres(row) => row.try_get(column).map_err(|_| mistyped(column)),
        }
    }

    /// Bytes or NULL.
    pub(crate) fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self {
            Row::Sqlite(row) => match value(row, column)? {
                ValueRef::Blob(bytes) => Ok(Some(bytes)),
                ValueRef::Null => Ok(None),
                _ => Err(mistyped(column)),
            },
            Row::Postgres(row) => row.try_get(column).map_err(|_| mistyped(column)),
        }
    }

    /// A point in time that must be there.
    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_micros)
    }

    /// A point in time or NULL.
    pub(crate) fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_micros))
    }

    /// A value that `parse` understands; what it does not understand is a fault, never a default.
    pub(crate) fn parsed<T>(
        &self,
        column: usize,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(self.text(column)?).ok_or_else(|| mistyped(column))
    }

    /// The number of an environment.
    pub(crate) fn environment(&self, column: usize) -> Result<EnvironmentId, StoreError> {
        EnvironmentId::from_stored(self.int(column)?).ok_or_else(|| mistyped(column))
    }
}

fn value<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Result<ValueRef<'r>, StoreError> {
    row.get_ref(column).map_err(|_| missing(column))
}

fn missing(column: usize) -> StoreError {
    StoreError::corrupt(format!("column {column} has no value"))
}

fn mistyped(column: usize) -> StoreError {
    StoreError::corrupt(format!("column {column} holds a value of the wrong kind"))
}
