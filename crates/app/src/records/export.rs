//! Taking a table's records out, in the form that an import takes.

use super::Home;
use super::view::{DecimalForm, write_value};
use crate::auth::CommandLineAccess;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::import::not_a_formula;
use crate::json_writer::{list, opt_text, text, time};
use guildhall_domain::data_table::DataTable;
use guildhall_domain::query::Filter;
use guildhall_domain::record::{FieldValue, Record};
use guildhall_domain::record_id::RecordKey;
use guildhall_store::PageRequest;
use std::collections::HashMap;

/// Records taken at a time.
const PART: i64 = 500;

/// A part of an export.
pub struct RecordsPart {
    home: Home,
    records: Vec<Record>,
    /// What the fields of many references point at, by field and record.
    links: HashMap<(i64, RecordKey), Vec<String>>,
    /// Where the next part begins; nothing after the last.
    pub next: Option<i64>,
}

/// The columns of a CSV export.
pub fn csv_header(table: &DataTable) -> Vec<String> {
    let fixed = ["id", "createdByMemberId", "createdAt", "updatedAt"].map(str::to_owned);
    fixed.into_iter().chain(table.fields.iter().map(|field| field.key.clone())).collect()
}

impl RecordsPart {
    /// How many records are in it.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The part as lines of JSON: `{id, createdByMemberId, createdAt, updatedAt, data}`.
    pub fn to_json_lines(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for record in &self.records {
            out.extend_from_slice(b"{\"id\":");
            text(&mut out, &record.id);
            out.extend_from_slice(b",\"createdByMemberId\":");
            opt_text(&mut out, record.owner_id.as_deref());
            out.extend_from_slice(b",\"createdAt\":");
            time(&mut out, record.created_at);
            out.extend_from_slice(b",\"updatedAt\":");
            time(&mut out, record.updated_at);
            out.extend_from_slice(b",\"data\":{");
            for (index, field) in self.home.table().fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                text(&mut out, &field.key);
                out.push(b':');
                match field.kind.is_many() {
                    true => list(&mut out, self.linked(field.number, record), |out, id| text(out, id)),
                    false => write_value(&mut out, record.value(field.number), DecimalForm::Text),
                }
            }
            out.extend_from_slice(b"}}\n");
        }
        out
    }

    /// The part as records of CSV under [`csv_header`]. What a spreadsheet would take for a formula gets
    /// a leading apostrophe; lists are ids with spaces between them.
    pub fn to_csv_records(&self) -> Vec<Vec<String>> {
        let cells = |record: &Record| {
            let fixed = [
                record.id.clone(),
                record.owner_id.clone().unwrap_or_default(),
                record.created_at.to_iso(),
                record.updated_at.to_iso(),
            ];
            let fields = self.home.table().fields.iter().map(|field| match field.kind.is_many() {
                true => self.linked(field.number, record).join(" "),
                false => record.value(field.number).map(cell).unwrap_or_default(),
            });
            fixed.into_iter().chain(fields).collect()
        };
        self.records.iter().map(cells).collect()
    }

    fn linked(&self, field: i64, record: &Record) -> &[String] {
        self.links.get(&(field, record.key)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A number is no formula, also when it is below zero.
fn cell(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => not_a_formula(text.clone()),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Decimal(decimal) => decimal.to_string(),
        FieldValue::Boolean(truth) => truth.to_string(),
        FieldValue::Date(moment) => moment.to_iso(),
        FieldValue::Reference { id, .. } => id.clone(),
    }
}

impl Guildhall {
    /// How many records a table has in an environment.
    ///
    /// # Errors
    /// `TableNotFound`, `StoreUnavailable`.
    pub async fn count_records(&self, place: &CommandLineAccess, table: &str) -> Result<i64, AppError> {
        let home = self.home(&place.access(), table)?;
        let counted = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.records().count(&home.place(), &Filter::everything(), None).await?) })
        });
        counted.await
    }

    /// A part of an export, in the order of `internalOrder`, after the number given.
    ///
    /// # Errors
    /// `TableNotFound`, `TableChanged`, `StoreUnavailable`.
    pub async fn export_records(
        &self,
        place: &CommandLineAccess,
        table: &str,
        after: Option<i64>,
    ) -> Result<RecordsPart, AppError> {
        let home = self.home(&place.access(), table)?;
        let exported = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let place = home.place();
                let filter = Filter::everything();
                let request = PageRequest {
                    filter: &filter,
                    order: &[],
                    take: PART,
                    skip: 0,
                    after,
                    select: None,
                    owner: None,
                    owner_ids: true,
                };
                let page = tx.records().page(&place, request).await?;
                let (records, has_more) =
                    page.map_or((Vec::new(), false), |page| (page.records, page.has_more));
                let keys: Vec<_> = records.iter().map(|record| record.key).collect();
                let mut links: HashMap<_, Vec<String>> = HashMap::new();
                for field in
                    place.table.fields.iter().filter(|field| field.kind.is_many() && !keys.is_empty())
                {
                    for (record, id) in tx.records().linked_ids(&place, field, &keys).await? {
                        links.entry((field.number, record)).or_default().push(id);
                    }
                }
                let next = keys.last().filter(|_| has_more).map(|key| key.sequence());
                Ok(RecordsPart { home, records, links, next })
            })
        });
        exported.await
    }
}
