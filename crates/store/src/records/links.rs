//! What the fields that hold many references point at, and members as records show them.

use super::columns::Columns;
use super::read::{padded, write_owner};
use super::{RecordPlace, Records};
use crate::driver::{Row, params};
use crate::error::StoreError;
use crate::statement::Statement;
use guildhall_domain::Timestamp;
use guildhall_domain::app::Environment;
use guildhall_domain::data_table::Field;
use guildhall_domain::json::JsonObject;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::record::Record;
use guildhall_domain::record_id::RecordKey;
use guildhall_domain::text::is_id;

const LINK: &str =
    "INSERT INTO record_links (field, record, target) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const UNLINK: &str = "DELETE FROM record_links WHERE field = $1 AND record = $2 AND target = $3";
const UNLINK_ALL: &str = "DELETE FROM record_links WHERE field = $1 AND record = $2";
const UNLINK_OTHERS: &str = "DELETE FROM record_links WHERE field = ";
const IS_LINKED: &str = "SELECT 1 FROM record_links WHERE field = $1 AND record = $2 AND target = $3";
const HAS_LINK: &str = "SELECT 1 FROM record_links WHERE field = $1 AND record = $2 LIMIT 1";
const MEMBER_COLUMNS: &str =
    "SELECT m.key, m.id, m.email, m.created_at, m.updated_at, m.verified, m.profile_image,
    m.custom_fields, m.meta_data FROM ";

/// A member as a record that points at it shows it.
#[derive(Clone, Debug)]
pub struct RelatedMember {
    /// Its place.
    pub key: MemberKey,
    /// Its public id.
    pub id: String,
    /// Its address.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whether the address is known to be the member's.
    pub verified: bool,
    /// Address of a picture.
    pub profile_image: Option<String>,
    /// Values of custom fields.
    pub custom_fields: JsonObject,
    /// Its metadata; only where the member itself asks.
    pub meta_data: Option<JsonObject>,
}

impl Records<'_> {
    /// Points a field of a record at one more thing. False if it did so before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link(&mut self, field: i64, record: RecordKey, target: i64) -> Result<bool, StoreError> {
        self.tx.execute(LINK, params![field, record, target]).await.map(|rows| rows == 1)
    }

    /// Points it at one thing less. False if it did not point there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unlink(&mut self, field: i64, record: RecordKey, target: i64) -> Result<bool, StoreError> {
        self.tx.execute(UNLINK, params![field, record, target]).await.map(|rows| rows == 1)
    }

    /// Points it at nothing. Returns how many links went.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unlink_all(&mut self, field: i64, record: RecordKey) -> Result<u64, StoreError> {
        self.tx.execute(UNLINK_ALL, params![field, record]).await
    }

    /// Points it at nothing but these. Returns how many links went.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unlink_others(
        &mut self,
        field: i64,
        record: RecordKey,
        kept: &[i64],
    ) -> Result<u64, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push(UNLINK_OTHERS).bind(field).push(" AND record = ").bind(record.stored());
        sql.push(" AND target NOT IN (");
        sql.list(padded(kept), ", ", |sql, key| {
            sql.bind(key);
        });
        sql.push(")");
        self.tx.execute(sql.sql(), &sql.params()).await
    }

    /// Whether it points at anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_link(&mut self, field: i64, record: RecordKey) -> Result<bool, StoreError> {
        Ok(self.tx.first(HAS_LINK, params![field, record], |_| Ok(())).await?.is_some())
    }

    /// Whether it points at this.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_linked(
        &mut self,
        field: i64,
        record: RecordKey,
        target: i64,
    ) -> Result<bool, StoreError> {
        Ok(self.tx.first(IS_LINKED, params![field, record, target], |_| Ok(())).await?.is_some())
    }

    /// What a field points at, for each of these records: record and the id of what it points at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn linked_ids(
        &mut self,
        place: &RecordPlace<'_>,
        field: &Field,
        records: &[RecordKey],
    ) -> Result<Vec<(RecordKey, String)>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        let target = field.referenced_table.and_then(|number| place.of_table(number));
        let imported = target.as_ref().is_some_and(|target| target.table.imported_ids);
        sql.push("SELECT l.record, l.target");
        match &target {
            Some(target) if imported => {
                sql.push(", t.id FROM record_links l JOIN records_").number(target.table.number);
                sql.push(" t ON t.key = l.target");
            }
            Some(_) => {
                sql.push(" FROM record_links l");
            }
            None => {
                sql.push(", m.id FROM record_links l JOIN members m ON m.key = l.target");
            }
        }
        sql.push(" WHERE l.field = ").bind(field.number).push(" AND l.record IN (");
        sql.list(padded(records), ", ", |sql, key| {
            sql.bind(key.stored());
        });
        sql.push(") ORDER BY l.record, l.target");
        let linked = |row: &Row<'_>| {
            let known = if target.is_none() || imported { row.opt_string(2)? } else { None };
            let key = RecordKey::from_stored(row.int(1)?);
            let sealed = || target.as_ref().map(|target| place.codecs.records.seal(target.table.number, key));
            let id = known.or_else(sealed).ok_or_else(|| StoreError::corrupt("a link to nothing"))?;
            Ok((RecordKey::from_stored(row.int(0)?), id))
        };
        self.tx.all(sql.sql(), &sql.params(), linked).await
    }

    /// How many things a field points at, for each of these records that points at any.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_links(
        &mut self,
        field: i64,
        records: &[RecordKey],
    ) -> Result<Vec<(RecordKey, i64)>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push("SELECT record, COUNT(*) FROM record_links WHERE field = ")
            .bind(field)
            .push(" AND record IN (");
        sql.list(padded(records), ", ", |sql, key| {
            sql.bind(key.stored());
        })
        .push(") GROUP BY record");
        let count = |row: &Row<'_>| Ok((RecordKey::from_stored(row.int(0)?), row.int(1)?));
        self.tx.all(sql.sql(), &sql.params(), count).await
    }

    /// The records that a field of a record points at, by their numbers; those of `place`, whose table
    /// is the one that is pointed at, and of `owner` if one is given. One more than `take` is looked for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn linked_records(
        &mut self,
        place: &RecordPlace<'_>,
        field: i64,
        record: RecordKey,
        owner: Option<MemberKey>,
        (take, skip, after): (i64, i64, Option<i64>),
    ) -> Result<Vec<Record>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        let columns = Columns::of(place, None, false);
        columns.write_list(&mut sql);
        sql.push(" FROM record_links l JOIN records_")
            .number(place.table.number)
            .push(" r ON r.key = l.target");
        sql.push(" WHERE l.field = ").bind(field).push(" AND l.record = ").bind(record.stored());
        write_owner(&mut sql, owner);
        if let Some(after) = after {
            sql.push(" AND l.target > ").bind(RecordKey::new(place.environment.id, after).stored());
        }
        sql.push(" ORDER BY l.target LIMIT ").bind(take + 1).push(" OFFSET ").bind(skip);
        self.tx.all(sql.sql(), &sql.params(), |row| columns.record(row)).await
    }

    /// The members that a field of a record points at, oldest first, after this moment and number. One
    /// more than `take` is looked for. `myself` is the member that asks, if one does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn linked_members(
        &mut self,
        environment: Environment,
        (field, record): (i64, RecordKey),
        myself: Option<MemberKey>,
        (take, skip, after): (i64, i64, Option<(i64, i64)>),
    ) -> Result<Vec<RelatedMember>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push(MEMBER_COLUMNS).push("record_links l JOIN members m ON m.key = l.target WHERE l.field = ");
        sql.bind(field).push(" AND l.record = ").bind(record.stored());
        if let Some((created_at, sequence)) = after {
            let key = MemberKey::new(environment.id, sequence);
            sql.push(" AND (m.created_at, m.key) > (")
                .bind(created_at)
                .push(", ")
                .bind(key.stored())
                .push(")");
        }
        sql.push(" ORDER BY m.created_at, m.key LIMIT ").bind(take + 1).push(" OFFSET ").bind(skip);
        self.tx.all(sql.sql(), &sql.params(), |row| member_from_row(row, myself)).await
    }

    /// The members at these places, in any order. `myself` is the member that asks, if one does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn related_members(
        &mut self,
        keys: &[MemberKey],
        myself: Option<MemberKey>,
    ) -> Result<Vec<RelatedMember>, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push(MEMBER_COLUMNS).push("members m WHERE m.key IN (");
        sql.list(padded(keys), ", ", |sql, key| {
            sql.bind(key.stored());
        })
        .push(")");
        self.tx.all(sql.sql(), &sql.params(), |row| member_from_row(row, myself)).await
    }

    /// Keeps a member from being deleted until this unit of work ends. False if it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_member_key(&mut self, key: MemberKey) -> Result<bool, StoreError> {
        let share = self.tx.dialect().for_key_share();
        let sql = format!("SELECT 1 FROM members WHERE key = $1{share}");
        Ok(self.tx.first(&sql, params![key], |_| Ok(())).await?.is_some())
    }

    /// The place of the member with this id, kept from being deleted until this unit of work ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_member(
        &mut self,
        place: &RecordPlace<'_>,
        id: &str,
    ) -> Result<Option<MemberKey>, StoreError> {
        if !is_id(id) {
            return Ok(None);
        }
        let (environment, share) = (place.environment, self.tx.dialect().for_key_share());
        let key = |row: &Row<'_>| row.int(0).map(MemberKey::from_stored);
        if let Some(sequence) = place.codecs.members.open(environment.mode, id) {
            let sql = format!("SELECT key FROM members WHERE key = $1 AND id = $2{share}");
            let found =
                self.tx.first(&sql, params![MemberKey::new(environment.id, sequence), id], key).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let sql =
            format!("SELECT key FROM members WHERE environment = $1 AND id = $2 AND imported_id{share}");
        self.tx.first(&sql, params![environment.id, id], key).await
    }
}

fn member_from_row(row: &Row<'_>, myself: Option<MemberKey>) -> Result<RelatedMember, StoreError> {
    let key = MemberKey::from_stored(row.int(0)?);
    Ok(RelatedMember {
        key,
        id: row.string(1)?,
        email: row.opt_string(2)?,
        created_at: row.time(3)?,
        updated_at: row.time(4)?,
        verified: row.bool(5)?,
        profile_image: row.opt_string(6)?,
        custom_fields: JsonObject::from_stored(row.string(7)?),
        meta_data: match myself == Some(key) {
            true => Some(JsonObject::from_stored(row.string(8)?)),
            false => None,
        },
    })
}
