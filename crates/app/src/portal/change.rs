//! What a member changes in the portal. Whose a contract is comes first: another's is not there.

use super::page::{own, own_attempt};
use crate::auth::PortalVisit;
use crate::contracts::{AttemptChange, ContractChange, ContractStatus};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;

/// One change of a membership.
#[derive(Clone, Debug)]
pub enum PortalChange {
    /// The contract of this number rests until it is resumed.
    Pause(i64),
    /// The contract of this number runs again.
    Resume(i64),
    /// The contract of this number is ended.
    Cancel {
        /// Its number.
        contract: i64,
        /// A word to count by, at most 500 characters.
        feedback: Option<String>,
        /// In words, at most 1,000 characters.
        note: Option<String>,
    },
    /// The charge of this number is left out.
    Skip(i64),
    /// The charge of this number is not left out after all.
    Unskip(i64),
}

impl Guildhall {
    /// Changes a membership of the visitor's own.
    ///
    /// # Errors
    /// `PortalLinkShowsOnly` if the link does not open that; `ContractNotFound` and `AttemptNotFound`, also for
    /// another's; what the domain's rules refuse: see [`Guildhall::change_contract`] and
    /// [`Guildhall::change_attempt`].
    pub async fn change_membership(&self, visit: &PortalVisit, change: PortalChange) -> Result<(), AppError> {
        let powers = visit.powers();
        let opened = match &change {
            PortalChange::Skip(_) | PortalChange::Unskip(_) => powers.billing,
            PortalChange::Pause(_) | PortalChange::Resume(_) | PortalChange::Cancel { .. } => {
                powers.contracts
            }
        };
        if !opened {
            return Err(Code::PortalLinkShowsOnly.into());
        }
        match change {
            PortalChange::Pause(number) => {
                self.change_own_contract(visit, number, ContractChange::Pause { cycles: None }).await
            }
            PortalChange::Resume(number) => {
                self.change_own_contract(visit, number, ContractChange::Status(ContractStatus::Active)).await
            }
            PortalChange::Cancel { contract, feedback, note } => {
                self.change_own_contract(visit, contract, ContractChange::Cancel { feedback, note }).await
            }
            PortalChange::Skip(number) => self.change_own_attempt(visit, number, AttemptChange::Skip).await,
            PortalChange::Unskip(number) => {
                self.change_own_attempt(visit, number, AttemptChange::Unskip).await
            }
        }
    }

    /// Who holds a contract never changes, so looking before the unit of work is enough.
    async fn change_own_contract(
        &self,
        visit: &PortalVisit,
        number: i64,
        change: ContractChange,
    ) -> Result<(), AppError> {
        let access = visit.access();
        own(visit, self.contract(&access, number).await?)?;
        self.change_contract(&access, number, change).await.map(|_| ())
    }

    async fn change_own_attempt(
        &self,
        visit: &PortalVisit,
        number: i64,
        change: AttemptChange,
    ) -> Result<(), AppError> {
        let access = visit.access();
        own_attempt(visit, &self.attempt(&access, number).await?.1)?;
        self.change_attempt(&access, number, change).await.map(|_| ())
    }
}
