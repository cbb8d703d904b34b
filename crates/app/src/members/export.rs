//! Taking members out, with everything an import elsewhere needs, password hashes included.

use super::{ListOrder, ListPage, Member, Shown, write_member};
use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::import::not_a_formula;
use guildhall_domain::ids::PlanId;
use serde_json::Value;

/// Members taken at a time.
const PAGE: i64 = 500;

/// A part of an export.
pub struct ExportPage {
    /// Members.
    pub members: Vec<ExportedMember>,
    /// Where the next part begins; nothing after the last.
    pub next: Option<i64>,
}

/// A member with what its object does not show.
pub struct ExportedMember {
    /// The member.
    pub member: Member,
    /// In PHC form, or as it was imported.
    pub password_hash: Option<String>,
    /// The number that the Appstle dialect knows it by, if one was given.
    pub customer_number: Option<i64>,
}

impl ExportPage {
    /// The part without password hashes: for a person's eyes, not for moving house.
    pub fn without_passwords(mut self) -> Self {
        for exported in &mut self.members {
            exported.password_hash = None;
        }
        self
    }

    /// The part as lines of JSON, in the form that an import takes.
    pub fn to_json_lines(&self, definitions: &Definitions) -> Vec<u8> {
        let mut out = Vec::new();
        for exported in &self.members {
            write_member(&mut out, &exported.member, definitions, Shown { json: true, teams: false });
            out.pop();
            out.extend_from_slice(b",\"passwordHash\":");
            let hash = exported.password_hash.as_deref().map_or(Value::Null, Value::from);
            out.extend_from_slice(hash.to_string().as_bytes());
            if let Some(number) = exported.customer_number {
                out.extend_from_slice(format!(",\"customerNumber\":{number}").as_bytes());
            }
            out.extend_from_slice(b"}\n");
        }
        out
    }

    /// The part as records of CSV under [`csv_header`]. Cells that a spreadsheet would take for a
    /// formula get a leading apostrophe.
    pub fn to_csv_records(&self, definitions: &Definitions) -> Vec<Vec<String>> {
        let record = |exported: &ExportedMember| {
            let member = &exported.member;
            let free = member.contracts.iter().filter(|contract| contract.payment.is_none());
            let plans: Vec<_> =
                free.filter_map(|contract| contract.plan.as_ref()).map(PlanId::as_str).collect();
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
                exported.password_hash.clone().unwrap_or_default(),
                exported.customer_number.map(|number| number.to_string()).unwrap_or_default(),
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
        "customerNumber",
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
                let hidden = tx.members().hidden(first.key, last.key).await?;
                // Both lists are of one snapshot and in one order.
                let members =
                    members.into_iter().zip(hidden).map(|(member, (password_hash, customer_number))| {
                        ExportedMember { member, password_hash, customer_number }
                    });
                Ok(ExportPage { members: members.collect(), next })
            })
        });
        exported.await
    }
}
