//! What members do by themselves, from an app's site: sign up, sign in, prove who they are, look at
//! and change what is theirs.
//!
//! Every use case here takes a [`Visitor`](crate::Visitor). What it changes goes through the same
//! use cases as the Admin API's, so that records and limits are the same.

mod codes;
mod credentials;
mod log_in;
mod profile;
mod records;
mod reset;
mod session;
mod sign_up;
mod tries;
mod verify_email;

pub(crate) use tries::Tries;

pub use credentials::CredentialChange;
pub use sign_up::{SignUp, SignUpProof};
pub use verify_email::ConfirmedEmail;

use crate::definitions::Definitions;
use crate::error::AppError;
use crate::members::Member;
use guildhall_domain::Timestamp;
use guildhall_domain::contract::ContractSummary;
use guildhall_store::Tx;

/// A member with how it signs in.
#[derive(Clone, Debug)]
pub struct Account {
    /// The member.
    pub member: Member,
    /// Whether it has a password.
    pub has_password: bool,
    /// Where else it has accounts that it signs in with.
    pub providers: Vec<String>,
}

/// A member that has just signed in.
pub struct SignIn {
    /// The token. Never to a log.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The member.
    pub account: Account,
    /// Where to go now; empty for nowhere in particular.
    pub redirect: String,
}

impl Account {
    /// A member that was just read, with what its row does not show.
    async fn of(tx: &mut Tx, member: Member) -> Result<Self, AppError> {
        Ok(Self {
            has_password: tx.accounts().has_password(member.key).await?,
            providers: tx.accounts().methods(member.key).await?,
            member,
        })
    }
}

/// Where the plans that are held send a member: the first of them, in the order they are shown, that
/// says anything.
fn redirect_of_plans(
    definitions: &Definitions,
    contracts: &[ContractSummary],
    occasion: &str,
) -> Option<String> {
    let held = definitions.plans.iter().filter(|plan| {
        contracts.iter().any(|contract| contract.plan.as_ref() == Some(&plan.id) && contract.access)
    });
    let mut said = held.filter_map(|plan| {
        let redirects = plan.redirects.to_map()?;
        let address = redirects.get(occasion)?.as_str()?;
        (!address.is_empty()).then(|| address.to_owned())
    });
    said.next()
}
