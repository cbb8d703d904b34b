//! Data tables as pages see them. What a visitor may do with them is for the tables' access rules to
//! say; they are asked by the use cases that servers go through as well.

use crate::auth::Visitor;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::records::{Found, Written};
use guildhall_domain::Code;
use guildhall_domain::data_table::{AccessRule, DataTable};
use guildhall_domain::text::is_id;
use serde_json::{Map, Value};

impl Guildhall {
    /// The tables that concern visitors or members in any way, each with how many of its records the
    /// visitor may read.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn visible_tables<'v>(
        &self,
        visitor: &'v Visitor,
    ) -> Result<Vec<(&'v DataTable, i64)>, AppError> {
        let mut listed = Vec::new();
        for table in visitor.definitions().tables.iter().filter(|table| concerns_visitors(table)) {
            listed.push((table, self.count_readable_records(&visitor.access(), &table.key).await?));
        }
        Ok(listed)
    }

    /// One of them, by key or id.
    ///
    /// # Errors
    /// `InputInvalid`, `TableNotFound`, `StoreUnavailable`.
    pub async fn visible_table<'v>(
        &self,
        visitor: &'v Visitor,
        name: &str,
    ) -> Result<(&'v DataTable, i64), AppError> {
        let table = self.table(&visitor.access(), name)?;
        if !concerns_visitors(table) {
            return Err(Code::TableNotFound.into());
        }
        Ok((table, self.count_readable_records(&visitor.access(), name).await?))
    }

    /// As `query_records`, of what the visitor may read.
    ///
    /// # Errors
    /// As `query_records`.
    pub async fn query_visible_records(
        &self,
        visitor: &Visitor,
        table: &str,
        query: Option<&Value>,
    ) -> Result<Found, AppError> {
        self.query_records(&visitor.access(), table, query).await.map_err(|error| told_apart(visitor, error))
    }

    /// As `create_record`; a member's record is its own.
    ///
    /// # Errors
    /// As `create_record`.
    pub async fn create_own_record<'v>(
        &self,
        visitor: &'v Visitor,
        table: &str,
        data: &Map<String, Value>,
    ) -> Result<(Written, &'v DataTable), AppError> {
        let written = self
            .create_record(&visitor.access(), table, data, None)
            .await
            .map_err(|error| told_apart(visitor, error))?;
        Ok((written, self.table(&visitor.access(), table)?))
    }

    /// As `update_record`, of whatever table the record is in.
    ///
    /// # Errors
    /// As `update_record`.
    pub async fn update_visible_record<'v>(
        &self,
        visitor: &'v Visitor,
        id: &str,
        data: &Map<String, Value>,
    ) -> Result<(Written, &'v DataTable), AppError> {
        let table = self.table_of_record(visitor, id).await?;
        let written = self
            .update_record(&visitor.access(), &table.key, id, data)
            .await
            .map_err(|error| told_apart(visitor, error))?;
        Ok((written, table))
    }

    /// As `delete_record`, of whatever table the record is in.
    ///
    /// # Errors
    /// As `delete_record`.
    pub async fn delete_visible_record(&self, visitor: &Visitor, id: &str) -> Result<(), AppError> {
        let table = self.table_of_record(visitor, id).await?;
        self.delete_record(&visitor.access(), &table.key, id)
            .await
            .map_err(|error| told_apart(visitor, error))
            .map(|_| ())
    }

    /// The table that a record is in: the client API names none. An id made here opens for one table
    /// alone, so only tables with imported records cost a statement.
    async fn table_of_record<'v>(&self, visitor: &'v Visitor, id: &str) -> Result<&'v DataTable, AppError> {
        let tables = &visitor.definitions().tables;
        if is_id(id) {
            for table in tables.iter() {
                if self.has_record(&visitor.access(), &table.key, id).await? {
                    return Ok(table);
                }
            }
        }
        Err(Code::RecordNotFound.into())
    }
}

/// Who brought a token that is not good is told that, and not that it brought none.
fn told_apart(visitor: &Visitor, error: AppError) -> AppError {
    match visitor.member() {
        Err(refusal) if error.code == Code::LoginRequired => refusal,
        _ => error,
    }
}

/// Whether a table's rules let anybody but servers do anything.
fn concerns_visitors(table: &DataTable) -> bool {
    let rules = &table.rules;
    [rules.create, rules.read, rules.update, rules.delete].iter().any(|rule| *rule != AccessRule::AdminOnly)
}
