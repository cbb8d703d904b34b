//! What a change would make of a contract: tried on a copy, and nothing of it kept. So people are told beforehand
//! what they are about to do, by the same rules that will do it.

use super::unit::{Unit, method_of};
use super::{ContractChange, ContractView};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::ids::cuid;

impl Guildhall {
    /// The contract as a change would leave it now. What it would charge at once stands in its pending change.
    ///
    /// # Errors
    /// As of [`Guildhall::change_contract`]: what would be refused is refused here.
    pub async fn preview_contract_change(
        &self,
        access: &Access<'_>,
        number: i64,
        change: ContractChange,
    ) -> Result<ContractView, AppError> {
        let setting = self.setting(access);
        let entropy = cuid(self.chance().entropy());
        let previewed = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let now = setting.now(tx).await?;
                let held = tx.contracts().find(setting.environment, number).await?;
                let mut held = held.ok_or(Code::ContractNotFound)?;
                setting.definitions.complete(&mut held.contract);
                let methods = tx.payments().methods_of(held.contract.holder).await?;
                let method = method_of(&held.contract, methods);
                let mut unit = Unit::created(held, method);
                unit.apply(tx, &setting, change, entropy, now).await?;
                Ok(unit.view())
            })
        });
        previewed.await
    }
}
