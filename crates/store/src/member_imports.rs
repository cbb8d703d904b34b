//! Files of members on their way in: uploaded, tried, taken, with what became of each line.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::ids::{MemberImportId, OperatorId};
use guildhall_domain::{EnvironmentId, Timestamp};

const COLUMNS: &str =
    "id, operator, file_name, state, row_count, done, taken, refused, report, created_at, updated_at";
const INSERT: &str = "INSERT INTO member_imports (id, environment, operator, file_name, content, state,
    row_count, done, taken, refused, report, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, 'uploaded', $6, 0, 0, 0, '', $7, $8)";
const CONTENT: &str = "SELECT content FROM member_imports WHERE environment = $1 AND id = $2";
const BEGIN: &str = "UPDATE member_imports SET state = $1, done = 0, taken = 0, refused = 0, report = '', updated_at = $2
    WHERE environment = $3 AND id = $4 AND (state IN ('uploaded', 'tried') OR (state IN ('trying', 'taking') AND updated_at < $5))";
const PROGRESS: &str = "UPDATE member_imports SET done = $1, updated_at = $2 WHERE id = $3";
const END: &str =
    "UPDATE member_imports SET state = $1, done = $2, taken = $3, refused = $4, report = $5, updated_at = $6
    WHERE id = $7";
const FORGET: &str = "UPDATE member_imports SET content = '' WHERE id = $1";
const DELETE: &str = "DELETE FROM member_imports WHERE created_at < $1";

/// An upload, without its content.
#[derive(Clone, Debug)]
pub struct MemberImport {
    /// `imp_…`
    pub id: MemberImportId,
    /// Who uploaded it.
    pub operator: OperatorId,
    /// What the file was called.
    pub file_name: String,
    /// `uploaded`, `trying`, `tried`, `taking` or `done`.
    pub state: String,
    /// How many rows it has.
    pub rows: i64,
    /// How many of them were looked at.
    pub done: i64,
    /// How many were taken, or in a dry run would be.
    pub taken: i64,
    /// How many were refused.
    pub refused: i64,
    /// Lines that were refused, as CSV of line and reason.
    pub report: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it last got on.
    pub updated_at: Timestamp,
}

/// Reached as `tx.member_imports()`.
pub struct MemberImports<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl MemberImports<'_> {
    /// Stores an upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(
        &mut self,
        environment: EnvironmentId,
        import: &MemberImport,
        content: &str,
    ) -> Result<(), StoreError> {
        let values = params![
            import.id.as_str(),
            environment,
            import.operator.as_str(),
            &import.file_name,
            content,
            import.rows,
            import.created_at,
            import.updated_at
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// An upload of an environment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(
        &mut self,
        environment: EnvironmentId,
        id: &MemberImportId,
    ) -> Result<Option<MemberImport>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM member_imports WHERE environment = $1 AND id = $2");
        self.tx.first(&sql, params![environment, id.as_str()], from_row).await
    }

    /// What was uploaded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn content(
        &mut self,
        environment: EnvironmentId,
        id: &MemberImportId,
    ) -> Result<Option<String>, StoreError> {
        self.tx.first(CONTENT, params![environment, id.as_str()], |row| row.string(0)).await
    }

    /// Begins a run: `trying` or `taking`. False if one is under way that got on since `stale_before`, or
    /// the file has been taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(
        &mut self,
        environment: EnvironmentId,
        id: &MemberImportId,
        state: &str,
        now: Timestamp,
        stale_before: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = params![state, now, environment, id.as_str(), stale_before];
        self.tx.execute(BEGIN, values).await.map(|rows| rows == 1)
    }

    /// Notes how many rows were looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_progress(
        &mut self,
        id: &MemberImportId,
        done: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.tx.execute(PROGRESS, params![done, now, id.as_str()]).await.map(|_| ())
    }

    /// Notes what became of a run. What was taken need not lie about.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end(&mut self, import: &MemberImport) -> Result<(), StoreError> {
        let values = params![
            &import.state,
            import.done,
            import.taken,
            import.refused,
            &import.report,
            import.updated_at,
            import.id.as_str()
        ];
        self.tx.execute(END, values).await?;
        if import.state == "done" {
            self.tx.execute(FORGET, params![import.id.as_str()]).await?;
        }
        Ok(())
    }

    /// Deletes uploads from before this time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE, params![time]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<MemberImport, StoreError> {
    Ok(MemberImport {
        id: MemberImportId::from_text(row.text(0)?),
        operator: OperatorId::from_text(row.text(1)?),
        file_name: row.string(2)?,
        state: row.string(3)?,
        rows: row.int(4)?,
        done: row.int(5)?,
        taken: row.int(6)?,
        refused: row.int(7)?,
        report: row.string(8)?,
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
    })
}
