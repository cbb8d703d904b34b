//! Taking members out, with everything an import elsewhere needs, password hashes included.

use super::{ListOrder, ListPage, Member, Shown, write_member};
use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::import::not_a_formula;
use guildhall_domain::member_id::MemberKey;
use serde_json::Value;

/// Members taken at a time.
const PAGE: i64 = 500;

/// A part of an export.
pub struct ExportPage {
    /// Members with their password hashes.
    pub members: Vec<(Member, Option<String>)>,
    /// Where the next part begins; nothing after the last.
    pub next: Option<i64>,
}

impl ExportPage {
    /// The part without password hashes: for a person's eyes, not for moving house.
    pub fn without_passwords(mut self) -> Self {
        for (_, hash) in &mut self.members {
            *hash = None;
        }
        self
    }

    /// The part as lines of JSON, in the form that an import takes.
    pub fn to_json_lines(&self, definitions: &Definitions) -> Vec<u8> {
        let mut out = Vec::new();
        for (member, hash) in &self.members {
            write_member(&mut out, member, definitions, Shown { json: true, teams: false });
            out.pop();
            out.extend_from_slice(b",\"passwordHash\":");
            let hash = hash.as_deref().map_or(Value::Null, Value::from);
            out.extend_from_slice(hash.to_string().as_bytes());
            out.extend_from_slice(b"}\n");
        }
        out
    }

    /// The part as records of CSV under [`csv_header`]. Cells that a spreadsheet would take for a
    /// formula get a leading apostrophe.
    pub fn to_csv_records(&self, definitions: &Definitions) -> Vec<Vec<String>> {
        let record = |(member, hash): &(Member, Option<String>)| {
            let plans: Vec<_> = member.contracts.iter().map(|contract| contract.plan.as_str()).collect();
            let mut cells = vec![
                member.id.as_str().to_owned(),
                member.email.clone().unwrap_or_default(),
                member.verified.to_string(),
                member.created_at.to_iso(),
                member.last_login_at.map(|at| at.to_iso()).unwrap_or_default(),
                member.login_redirect.clone().unwrap_or_default(),
                member.profile_image.clone().unwrap_or_default(),
                member.stripe_customer_id.clone().unwrap_or_default(),
                plans.join(" "),
                hash.clone().unwrap_or_default(),
            ];
            let custom = member.custom_fields.to_map().unwrap_or_default();
            cells.extend(definitions.custom_fields.iter().map(|field| match custom.get(&field.key) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            }));
            cells.into_iter().map(not_a_formula).collect()
        };
        self.members.iter().map(record).collect()
    }
}

/// The columns of a CSV export. `metaData` and `json` are documents of any shape and do not fit into
/// cells: JSON lines hold them.
pub fn csv_header(definitions: &Definitions) -> Vec<String> {
    let fixed = [
        "id",
        "email",
        "verified",
        "createdAt",
        "lastLogin",
        "loginRedirect",
        "profileImage",
        "stripeCustomerId",
        "plans",
        "passwordHash",
    ];
    let custom = definitions.custom_fields.iter().map(|field| field.key.clone());
    fixed.into_iter().map(str::to_owned).chain(custom).collect()
}

impl Guildhall {
    /// A part of an export, oldest members first, after the sequence number given.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn export_members(
        &self,
        access: &Access<'_>,
        after: Option<i64>,
    ) -> Result<ExportPage, AppError> {
        let environment = access.environment();
        let page = ListPage { limit: PAGE, after, order: ListOrder::Ascending };
        let exported = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let members = tx.members().list(environment, page).await?;
                let (Some(first), Some(last)) = (members.first(), members.last()) else {
                    return Ok(ExportPage { members: Vec::new(), next: None });
                };
                let next = (members.len() as i64 == PAGE).then(|| last.key.sequence());
                let hashes = tx.members().passwords(first.key, last.key).await?;
                Ok(ExportPage { members: pair(members, hashes), next })
            })
        });
        exported.await
    }
}

/// Both lists are of one snapshot and in one order.
fn pair(members: Vec<Member>, hashes: Vec<(MemberKey, Option<String>)>) -> Vec<(Member, Option<String>)> {
    members.into_iter().zip(hashes.into_iter().map(|(_, hash)| hash)).collect()
}
