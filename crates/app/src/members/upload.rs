//! Files of members that an operator uploads: kept for a while, tried, and taken row by row, with what
//! became of each.

use super::{Importer, row_from_csv};
use crate::auth::{Access, OperatorAccess};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::import::{ImportRow, OnError};
use futures_util::stream;
use guildhall_domain::Code;
use guildhall_domain::ids::MemberImportId;
use guildhall_domain::scope::Action;
use guildhall_domain::time::MICROS_PER_SECOND;
use serde_json::json;

pub use guildhall_store::MemberImport;

/// Rows between two notes of how far a run has got.
const CHUNK: usize = 500;
/// Refused lines that a report tells at most; the rest is counted.
const TOLD_MAX: usize = 2_000;
/// A run that noted nothing for so long has broken off, with its server.
const BROKEN_AFTER_US: i64 = 60 * MICROS_PER_SECOND;
/// Columns with a meaning of their own; any other is a custom field.
pub const KNOWN_COLUMNS: [&str; 10] = [
    "email",
    "id",
    "verified",
    "createdAt",
    "lastLogin",
    "loginRedirect",
    "profileImage",
    "stripeCustomerId",
    "plans",
    "passwordHash",
];

/// What is in an upload: the names of its columns and its first rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadPreview {
    /// As the first line names them.
    pub columns: Vec<String>,
    /// At most three.
    pub rows: Vec<Vec<String>>,
}

impl Guildhall {
    /// Keeps a CSV file for a week.
    ///
    /// # Errors
    /// `InputInvalid` if it is not UTF-8 or has no rows, `RoleMissing`, `Busy`, `StoreUnavailable`.
    pub async fn upload_members(
        &self,
        place: &OperatorAccess,
        file_name: &str,
        bytes: &[u8],
    ) -> Result<MemberImportId, AppError> {
        let access = place.allow(Action::MemberWrite)?;
        let wrong = |why: &str| AppError::because(Code::InputInvalid, why.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("The file is not UTF-8 text."))?;
        let text = text.trim_start_matches('\u{feff}').to_owned();
        if text.contains('\0') {
            return Err(wrong("The file is not text."));
        }
        let rows = reader(&text).records().count();
        if rows == 0 {
            return Err(wrong("The file has no rows below the names of its columns."));
        }
        let now = self.now();
        let name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        let import = MemberImport {
            id: MemberImportId::new(self.chance().entropy()),
            operator: place.who().id().clone(),
            file_name: name,
            state: "uploaded".into(),
            rows: i64::try_from(rows).unwrap_or(i64::MAX),
            done: 0,
            taken: 0,
            refused: 0,
            report: String::new(),
            created_at: now,
            updated_at: now,
        };
        let (environment, id, recorder) = (access.environment(), import.id.clone(), access.recorder(now));
        let stored = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.member_imports().insert(environment, &import, &text).await?;
                let detail = json!({ "rows": import.rows });
                recorder.audit(tx, "member.import.upload", import.id.as_str(), &detail).await
            })
        });
        stored.await?;
        Ok(id)
    }

    /// An upload of the environment and how far it has got.
    ///
    /// # Errors
    /// `ImportNotFound`, `StoreUnavailable`.
    pub async fn member_import(&self, access: &Access<'_>, id: &str) -> Result<MemberImport, AppError> {
        let (environment, id) = (access.environment(), import_id(id)?);
        let now = self.now();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.member_imports().find(environment, &id).await?) })
        });
        let mut import = found.await?.ok_or(Code::ImportNotFound)?;
        let running = matches!(import.state.as_str(), "trying" | "taking");
        if running && import.updated_at.plus_micros(BROKEN_AFTER_US) < now {
            import.state = "broken".into();
        }
        Ok(import)
    }

    /// The columns and first rows of an upload.
    ///
    /// # Errors
    /// `ImportNotFound`, `StoreUnavailable`.
    pub async fn preview_upload(&self, access: &Access<'_>, id: &str) -> Result<UploadPreview, AppError> {
        let content = self.upload_content(access, import_id(id)?).await?;
        let mut reader = reader(&content);
        let columns = reader.headers().map(|header| header.iter().map(str::to_owned).collect());
        let rows = reader.records().take(3).filter_map(Result::ok);
        let rows = rows.map(|row| row.iter().map(str::to_owned).collect()).collect();
        Ok(UploadPreview { columns: columns.unwrap_or_default(), rows })
    }

    async fn upload_content(&self, access: &Access<'_>, id: MemberImportId) -> Result<String, AppError> {
        let environment = access.environment();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.member_imports().content(environment, &id).await?) })
        });
        found.await?.ok_or_else(|| Code::ImportNotFound.into())
    }

    /// Begins a run of an upload: a dry one, or one that takes what it can. Each column means what
    /// `mapping` says at its place; an empty text leaves it out. What is returned does the work when it
    /// is awaited.
    ///
    /// # Errors
    /// `ImportNotFound`, `ImportStarted` if one is under way or the file was taken, `RoleMissing`,
    /// `InputInvalid` if no column is an address or an id, `Busy`, `StoreUnavailable`.
    pub async fn begin_import(
        &self,
        place: &OperatorAccess,
        id: &str,
        mapping: Vec<String>,
        dry_run: bool,
    ) -> Result<impl Future<Output = ()> + Send + 'static, AppError> {
        let mut import = self.member_import(&place.allow(Action::MemberWrite)?, id).await?;
        if import.state == "done" {
            return Err(Code::ImportStarted.into());
        }
        if !mapping.iter().any(|column| column == "email" || column == "id") {
            let message = "One column must be the email address, or the id.";
            return Err(AppError::because(Code::InputInvalid, message));
        }
        let named: Vec<_> = mapping.iter().filter(|column| !column.is_empty()).collect();
        if named.iter().enumerate().any(|(at, column)| named[..at].contains(column)) {
            return Err(AppError::because(Code::InputInvalid, "Two columns cannot mean the same."));
        }
        let access = place.allow(Action::MemberWrite)?;
        let content = self.upload_content(&access, import.id.clone()).await?;
        let (environment, key, now) = (access.environment(), import.id.clone(), self.now());
        let recorder = access.recorder(now);
        let state = if dry_run { "trying" } else { "taking" };
        let stale_before = now.plus_micros(-BROKEN_AFTER_US);
        let begun = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if !tx.member_imports().begin(environment, &key, state, now, stale_before).await? {
                    return Err(Code::ImportStarted.into());
                }
                if !dry_run {
                    recorder.audit(tx, "member.import.begin", key.as_str(), &json!({})).await?;
                }
                Ok(())
            })
        });
        begun.await?;
        let importer_place = place.lasting(Action::MemberWrite)?;
        let guildhall = self.clone();
        Ok(async move {
            let importer = Importer::new(&guildhall, importer_place, dry_run, OnError::Skip);
            (import.done, import.taken, import.refused) = (0, 0, 0);
            import.report = "line,reason\n".into();
            let rows: Vec<_> = reader(&content).into_records().collect();
            let mut told = 0;
            for chunk in rows.chunks(CHUNK) {
                let rows = chunk.iter().map(|row| to_row(row, &mapping)).collect::<Vec<_>>();
                let outcome = importer.run(stream::iter(rows), |_| ()).await;
                import.done += chunk.len() as i64;
                import.taken += outcome.taken as i64;
                import.refused += outcome.refused.len() as i64;
                for (line, reason) in outcome.refused.into_iter().take(TOLD_MAX - told) {
                    told += 1;
                    import.report += &format!("{line},\"{}\"\n", reason.replace('"', "\"\""));
                }
                guildhall.note_import_progress(&import).await;
            }
            import.state = if dry_run { "tried" } else { "done" }.into();
            guildhall.note_import_end(import).await;
        })
    }

    async fn note_import_progress(&self, import: &MemberImport) {
        let (id, done, now) = (import.id.clone(), import.done, self.now());
        let noted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.member_imports().note_progress(&id, done, now).await?) })
        });
        if let Err(error) = noted.await {
            tracing::warn!(?error, "the progress of an import was not written down");
        }
    }

    async fn note_import_end(&self, mut import: MemberImport) {
        import.updated_at = self.now();
        let noted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.member_imports().end(&import).await?) })
        });
        if let Err(error) = noted.await {
            tracing::error!(?error, "the end of an import was not written down");
        }
    }

    /// Notes in the audit trail that members are taken out.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn note_export(&self, access: &Access<'_>) -> Result<(), AppError> {
        let recorder = access.recorder(self.now());
        let noted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { recorder.audit(tx, "member.export", "members", &json!({})).await })
        });
        noted.await
    }
}

fn import_id(text: &str) -> Result<MemberImportId, AppError> {
    let id = MemberImportId::from_text(text);
    if guildhall_domain::text::is_id(text) { Ok(id) } else { Err(Code::ImportNotFound.into()) }
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes())
}

/// A record of the file as a row, each cell under the name that its column was given.
fn to_row(record: &Result<csv::StringRecord, csv::Error>, mapping: &[String]) -> ImportRow {
    match record {
        Ok(record) => {
            let line = record.position().map_or(0, csv::Position::line);
            let cells = mapping.iter().map(String::as_str).zip(record.iter());
            row_from_csv(line, cells.filter(|(column, _)| !column.is_empty()))
        }
        Err(error) => {
            let line = error.position().map_or(0, csv::Position::line);
            ImportRow { line, fields: Err("the line does not have as many cells as the first one".into()) }
        }
    }
}
