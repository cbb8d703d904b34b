//! What is done with members.

mod create;
mod delete;
mod export;
mod get;
mod import;
mod list;
mod plans;
mod saved_filters;
mod search;
mod sign_in;
mod update;
mod upload;
mod values;
mod view;

pub use create::Draft;
pub(crate) use create::{Admitter, Checked, blank, check_password, count_holder, payload, record_created};
pub use export::{ExportPage, ExportedMember, csv_header};
pub use import::{Importer, row_from_csv};
pub use list::MemberList;
pub(crate) use plans::payload as plan_payload;
pub use saved_filters::{FILTER_BYTES_MAX, FILTER_NAME_CHARS_MAX, SAVED_FILTERS_MAX};
pub(crate) use search::addresses_that_begin;
pub use search::{EXAMINED_MAX, FoundMembers, MemberOrder, MemberSearch};
pub(crate) use sign_in::Proof;
pub use update::Change;
pub(crate) use update::change_email;
pub use upload::{KNOWN_COLUMNS, MemberImport, UploadPreview};
pub(crate) use values::email as checked_email;
pub use view::{Shown, write_member, write_own_member};

pub use guildhall_domain::member::Member;
pub use guildhall_store::{ListOrder, ListPage, SavedFilter};

use crate::auth::Access;
use crate::error::AppError;
use guildhall_domain::Code;
use guildhall_domain::member_id::MemberIdCodec;
use guildhall_domain::text::is_id;
use guildhall_store::Tx;

pub(crate) use find as find_member;

/// Finds a member of the environment by id, wherever the id came from.
pub(crate) async fn find(
    tx: &mut Tx,
    codec: &MemberIdCodec,
    environment: guildhall_domain::app::Environment,
    id: &str,
) -> Result<Option<Member>, AppError> {
    // What can be no id never reaches a statement: PostgreSQL refuses some texts outright.
    if !is_id(id) {
        return Ok(None);
    }
    if let Some(sequence) = codec.open(environment.mode, id)
        && let Some(member) = tx.members().find_by_key(environment.id, sequence, id).await?
    {
        return Ok(Some(member));
    }
    Ok(tx.members().find_by_imported_id(environment.id, id).await?)
}

/// Finds a member after keeping others from changing it until this unit of work ends.
async fn find_locked(
    tx: &mut Tx,
    codec: &MemberIdCodec,
    environment: guildhall_domain::app::Environment,
    id: &str,
) -> Result<Member, AppError> {
    if !is_id(id) {
        return Err(Code::MemberNotFound.into());
    }
    if let Some(sequence) = codec.open(environment.mode, id) {
        tx.members().lock_by_key(environment.id, sequence).await?;
    }
    tx.members().lock_by_imported_id(environment.id, id).await?;
    find(tx, codec, environment, id).await?.ok_or_else(|| Code::MemberNotFound.into())
}

impl Access<'_> {
    pub(crate) fn place(&self) -> guildhall_domain::app::Environment {
        guildhall_domain::app::Environment { id: self.environment(), mode: self.mode() }
    }
}
