//! Bringing records in from elsewhere: ids, owners and dates are kept.
//!
//! A row is a JSON object as an export writes it. Rows are stored in batches, each a unit of work; if a
//! row of a batch is refused, the batch is undone and its rows are tried one by one, so that only the
//! bad ones are missing in the end.

use super::Home;
use super::create::{Draft, Owner, insert};
use super::writing::{check_complete, with_defaults};
use crate::auth::CommandLineAccess;
use crate::error::AppError;
use crate::fields::{Fields, wrong};
use crate::guildhall::Guildhall;
use crate::import::{ImportOutcome, ImportRow, OnError, unescaped};
use crate::record::Recorder;
use futures_util::{Stream, StreamExt};
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{DataTable, FieldKind};
use guildhall_domain::record::{Changes, date, parse_changes};
use guildhall_domain::record_id::RecordKey;
use guildhall_domain::text::is_id;
use guildhall_domain::{Code, Timestamp};
use guildhall_store::{StoreError, Tx};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Rows of one unit of work.
const BATCH: usize = 250;

/// A record of CSV under its header, as the object that a line of JSON would hold. Cells are read as
/// the fields of their columns take them; an empty cell is no value.
pub fn row_from_csv<'a>(
    table: &DataTable,
    line: u64,
    cells: impl Iterator<Item = (&'a str, &'a str)>,
) -> ImportRow {
    let (mut row, mut data) = (Map::new(), Map::new());
    for (column, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        match column {
            "id" | "createdByMemberId" | "createdAt" | "updatedAt" => {
                row.insert(column.into(), cell.into());
            }
            "internalOrder" => {}
            _ => {
                let kind = table.field(column).map(|field| field.kind);
                data.insert(column.into(), csv_value(kind, cell));
            }
        }
    }
    row.insert("data".into(), Value::Object(data));
    ImportRow { line, fields: Ok(row) }
}

/// What a cell of a field of this kind says; what it does not fit is left as text, to be refused.
fn csv_value(kind: Option<FieldKind>, cell: &str) -> Value {
    match kind {
        Some(FieldKind::Number) => cell.parse::<i64>().map_or_else(|_| cell.into(), Value::from),
        Some(FieldKind::Boolean) => match cell.to_ascii_lowercase().as_str() {
            "true" | "1" => true.into(),
            "false" | "0" => false.into(),
            _ => cell.into(),
        },
        Some(kind) if kind.is_many() => cell.split_whitespace().map(Value::from).collect(),
        _ => unescaped(cell).into(),
    }
}

/// A row that has passed every check that needs no database.
#[derive(Clone)]
struct Checked {
    line: u64,
    id: Option<String>,
    owner: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    changes: Changes,
}

/// How a unit of work over rows ended without being stored.
enum Undone {
    /// As a dry run does.
    DryRun,
    /// Because of the row at this place.
    Refused(AppError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Undone::Refused(error.into())
    }
}

impl From<AppError> for Undone {
    fn from(error: AppError) -> Self {
        Undone::Refused(error)
    }
}

/// Takes rows into one table of one environment.
pub struct RecordImporter<'g> {
    guildhall: &'g Guildhall,
    home: Home,
    recorder: Recorder,
    dry_run: bool,
    on_error: OnError,
}

impl<'g> RecordImporter<'g> {
    /// An importer into a table of the environment that this access names. A dry run does everything,
    /// and undoes each batch; so it does not see that two batches contradict each other.
    ///
    /// # Errors
    /// `TableNotFound`.
    pub fn new(
        guildhall: &'g Guildhall,
        place: &CommandLineAccess,
        table: &str,
        dry_run: bool,
        on_error: OnError,
    ) -> Result<Self, AppError> {
        let access = place.access();
        let home = guildhall.home(&access, table)?;
        let recorder = access.recorder(guildhall.now());
        Ok(Self { guildhall, home, recorder, dry_run, on_error })
    }

    /// The table.
    pub fn table(&self) -> &DataTable {
        self.home.table()
    }

    /// Takes the rows, in order; `progress` hears how many are done.
    ///
    /// # Errors
    /// What is wrong with the database rather than with a row: `Busy`, `StoreUnavailable`, `Internal`.
    /// What was taken until then stays.
    pub async fn run(
        &mut self,
        rows: impl Stream<Item = ImportRow> + Unpin,
        mut progress: impl FnMut(u64),
    ) -> Result<ImportOutcome, AppError> {
        let mut outcome = ImportOutcome::default();
        let mut batches = rows.chunks(BATCH);
        while let Some(rows) = batches.next().await {
            let count = rows.len() as u64;
            let stop = self.take(rows, &mut outcome).await?;
            progress(count);
            if stop {
                break;
            }
        }
        if outcome.taken > 0 && !self.dry_run {
            self.guildhall.refresh_statistics().await?;
        }
        Ok(outcome)
    }

    /// Takes one batch. True if no more are to be taken.
    async fn take(&mut self, rows: Vec<ImportRow>, outcome: &mut ImportOutcome) -> Result<bool, AppError> {
        let mut good = Vec::with_capacity(rows.len());
        let mut stop = false;
        for row in rows {
            let line = row.line;
            match self.check(row) {
                Ok(row) => good.push(row),
                Err(error) => {
                    outcome.refused.push((line, error.message.into_owned()));
                    stop = self.on_error == OnError::Stop;
                    if stop {
                        break;
                    }
                }
            }
        }
        self.accept_ids(&good).await?;
        match self.store(good.clone()).await {
            Ok(()) => outcome.taken += good.len() as u64,
            Err(error) if is_ours(&error) => return Err(error),
            Err(_) => {
                for row in good {
                    let line = row.line;
                    match self.store(vec![row]).await {
                        Ok(()) => outcome.taken += 1,
                        Err(error) if is_ours(&error) => return Err(error),
                        Err(error) => {
                            outcome.refused.push((line, error.message.into_owned()));
                            if self.on_error == OnError::Stop {
                                stop = true;
                                break;
                            }
                        }
                    }
                }
            }
        }
        outcome.refused.sort_by_key(|(line, _)| *line);
        if stop {
            // What is wrong behind the row that ends the import was looked at before it was known.
            outcome.refused.truncate(1);
        }
        Ok(stop)
    }

    /// Rows may bring ids that were not given here. The table is told so before the first of them.
    async fn accept_ids(&mut self, rows: &[Checked]) -> Result<(), AppError> {
        let place = self.home.place();
        let foreign =
            |id: &String| place.codecs.records.open(place.table.number, place.environment.id, id).is_none();
        if self.dry_run
            || place.table.imported_ids
            || !rows.iter().filter_map(|row| row.id.as_ref()).any(foreign)
        {
            return Ok(());
        }
        let (app, table) = (place.table.app.clone(), place.table.id.to_string());
        self.guildhall.accept_imported_ids(&app, &table, Actor::CommandLine).await?;
        self.home = self.home.renewed(self.guildhall.definitions(&app).await?)?;
        Ok(())
    }

    async fn store(&self, rows: Vec<Checked>) -> Result<(), AppError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (home, recorder, dry_run) = (self.home.clone(), self.recorder.clone(), self.dry_run);
        let rows = Arc::new(rows);
        let stored = self.guildhall.store().write::<(), Undone, _>(move |tx| {
            Box::pin(async move {
                insert_all(tx, &home, &recorder, &rows).await?;
                if dry_run { Err(Undone::DryRun) } else { Ok(()) }
            })
        });
        match stored.await {
            Ok(()) | Err(Undone::DryRun) => Ok(()),
            Err(Undone::Refused(error)) => Err(error),
        }
    }

    fn check(&self, row: ImportRow) -> Result<Checked, AppError> {
        let fields = row.fields.map_err(|reason| AppError::because(Code::InputInvalid, reason))?;
        let (mut fields, now) = (Fields::new(fields), self.guildhall.now().to_millis());
        let mut time = |name: &str| match fields.text(name)? {
            None => Ok(now),
            Some(text) => date(&text).ok_or_else(|| wrong(name, "an ISO date-time")),
        };
        let (created_at, updated_at) = (time("createdAt")?, time("updatedAt")?);
        let id = fields.text("id")?;
        if id.as_deref().is_some_and(|id| !is_id(id)) {
            return Err(wrong("id", "1 to 64 letters, digits, `_` or `-`"));
        }
        let owner = fields.text("createdByMemberId")?;
        let data = fields.object("data")?.ok_or_else(|| wrong("data", "an object"))?;
        let changes = with_defaults(self.table(), parse_changes(self.table(), &data)?);
        check_complete(self.table(), &changes)?;
        Ok(Checked { line: row.line, id, owner, created_at, updated_at, changes })
    }
}

/// Whether an error is about us and not about a row.
fn is_ours(error: &AppError) -> bool {
    matches!(error.code, Code::Busy | Code::StoreUnavailable | Code::Internal | Code::TableChanged)
}

/// Stores rows in their order: those with an id of ours at the place they had, the others behind the
/// last.
async fn insert_all(tx: &mut Tx, home: &Home, recorder: &Recorder, rows: &[Checked]) -> Result<(), AppError> {
    let place = home.place();
    tx.data_tables().hold(place.table).await?;
    let had = |row: &Checked| {
        let id = row.id.as_ref()?;
        place.codecs.records.open(place.table.number, place.environment.id, id)
    };
    let new = rows.iter().filter(|row| had(row).is_none()).count() as i64;
    let first = tx.records().next_places(&place, new, rows.len() as i64).await?;
    let mut next = first.sequence();
    for row in rows {
        let key = match had(row) {
            Some(key) => free_place(tx, home, key, first).await?,
            None => {
                next += 1;
                RecordKey::new(place.environment.id, next - 1)
            }
        };
        let imported_id = row.id.clone().filter(|_| had(row).is_none());
        let (created_at, updated_at) = (row.created_at, row.updated_at);
        let owner = row.owner.clone().map_or(Owner::Nobody, Owner::Named);
        let draft = Draft { key, imported_id, owner, created_at, updated_at };
        insert(tx, home, draft, &row.changes).await?;
    }
    let detail = json!({ "records": rows.len(), "firstLine": rows.first().map(|row| row.line) });
    recorder.audit(tx, "record.import", &place.table.key, &detail).await
}

/// A place that a record had before, if nothing is there now. A place that was never given would be
/// given again.
async fn free_place(
    tx: &mut Tx,
    home: &Home,
    key: RecordKey,
    next: RecordKey,
) -> Result<RecordKey, AppError> {
    if tx.records().find(&home.place(), key, Some(&[])).await?.is_some() {
        return Err(Code::RecordExists.into());
    }
    if key >= next {
        return Err(AppError::because(
            Code::InputInvalid,
            "This id belongs to a record that is not made yet.",
        ));
    }
    Ok(key)
}
