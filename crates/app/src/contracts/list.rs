//! Reading contracts, attempts and the customers who hold them.

use super::unit::method_of;
use super::{Attempt, AttemptFilter, ContractFilter, ContractPage, ContractView, CustomerRow, HeldContract};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::member::Member;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// The most contracts of one customer that are read at once.
const OF_CUSTOMER_MAX: usize = 1_000;

/// A member as the Appstle dialect sees it.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The number that it is known by.
    pub number: i64,
    /// The member.
    pub member: Member,
    /// Its contracts, oldest first, free ones among them.
    pub contracts: Vec<ContractView>,
}

impl Guildhall {
    /// A contract by its number.
    ///
    /// # Errors
    /// `ContractNotFound`, `StoreUnavailable`.
    pub async fn contract(&self, access: &Access<'_>, number: i64) -> Result<ContractView, AppError> {
        let environment = access.environment();
        let definitions = Arc::clone(access.definitions());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let held = tx.contracts().find(environment, number).await?;
                let mut held = held.ok_or(Code::ContractNotFound)?;
                definitions.complete(&mut held.contract);
                let methods = tx.payments().methods_of(held.contract.holder).await?;
                Ok(ContractView { method: method_of(&held.contract, methods), held })
            })
        });
        found.await
    }

    /// A page of contracts that meet a filter, and how many there are altogether.
    ///
    /// # Errors
    /// `QueryTooSlow`, `Busy`, `StoreUnavailable`.
    pub async fn list_contracts(
        &self,
        access: &Access<'_>,
        filter: ContractFilter,
        page: ContractPage,
    ) -> Result<(Vec<HeldContract>, i64), AppError> {
        let environment = access.environment();
        let listed = self.store().query::<_, AppError, _>(environment, move |tx| {
            Box::pin(async move {
                let total = tx.contracts().count(environment, &filter).await?;
                Ok((tx.contracts().list(environment, &filter, &page).await?, total))
            })
        });
        let (mut found, total) = listed.await?;
        for held in &mut found {
            access.definitions().complete(&mut held.contract);
        }
        Ok((found, total))
    }

    /// A page of the members who hold contracts that meet a filter, and how many there are altogether; with
    /// `several`, only of those who hold more than one that runs.
    ///
    /// # Errors
    /// `QueryTooSlow`, `Busy`, `StoreUnavailable`.
    pub async fn list_customers(
        &self,
        access: &Access<'_>,
        filter: ContractFilter,
        several: bool,
        offset: i64,
        limit: i64,
    ) -> Result<(Vec<CustomerRow>, i64), AppError> {
        let environment = access.environment();
        let listed = self.store().query::<_, AppError, _>(environment, move |tx| {
            Box::pin(async move {
                let total = tx.contracts().count_customers(environment, &filter, several).await?;
                let rows = tx.contracts().customers(environment, &filter, several, offset, limit).await?;
                Ok((rows, total))
            })
        });
        listed.await
    }

    /// The member that carries a number, with its contracts. Nothing if there is none.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn customer(&self, access: &Access<'_>, number: i64) -> Result<Option<Customer>, AppError> {
        let environment = access.environment();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let Some(member) = tx.members().find_by_customer_number(environment, number).await? else {
                    return Ok(None);
                };
                let methods = tx.payments().methods_of(member.key).await?;
                let mut held = tx.contracts().of_member(member.key).await?;
                held.truncate(OF_CUSTOMER_MAX);
                let contracts = held
                    .into_iter()
                    .map(|held| ContractView { method: method_of(&held.contract, methods.clone()), held })
                    .collect();
                Ok(Some(Customer { number, member, contracts }))
            })
        });
        let mut found = found.await?;
        for view in found.iter_mut().flat_map(|customer| &mut customer.contracts) {
            access.definitions().complete(&mut view.held.contract);
        }
        Ok(found)
    }

    /// An attempt by its number, and its contract.
    ///
    /// # Errors
    /// `AttemptNotFound`, `StoreUnavailable`.
    pub async fn attempt(
        &self,
        access: &Access<'_>,
        number: i64,
    ) -> Result<(Attempt, HeldContract), AppError> {
        let environment = access.environment();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let attempt = tx.billing_attempts().find(environment, number).await?;
                let attempt = attempt.ok_or(Code::AttemptNotFound)?;
                let held = tx.contracts().find(environment, attempt.contract).await?;
                Ok((attempt, held.ok_or(Code::ContractNotFound)?))
            })
        });
        found.await
    }

    /// A page of attempts that meet a filter, each with its contract, and how many there are altogether.
    ///
    /// # Errors
    /// `QueryTooSlow`, `Busy`, `StoreUnavailable`.
    pub async fn list_attempts(
        &self,
        access: &Access<'_>,
        filter: AttemptFilter,
        offset: i64,
        limit: i64,
    ) -> Result<(Vec<(Attempt, HeldContract)>, i64), AppError> {
        let environment = access.environment();
        let listed = self.store().query::<_, AppError, _>(environment, move |tx| {
            Box::pin(async move {
                let total = tx.billing_attempts().count(environment, &filter).await?;
                let attempts = tx.billing_attempts().list(environment, &filter, offset, limit).await?;
                // Most pages are of one contract, or of a few.
                let mut known = HashMap::new();
                let mut found = Vec::with_capacity(attempts.len());
                for attempt in attempts {
                    if let Entry::Vacant(unknown) = known.entry(attempt.contract) {
                        unknown.insert(tx.contracts().find(environment, attempt.contract).await?);
                    }
                    if let Some(Some(held)) = known.get(&attempt.contract) {
                        found.push((attempt, held.clone()));
                    }
                }
                Ok((found, total))
            })
        });
        listed.await
    }

    /// The number that the Appstle dialect knows a member by.
    ///
    /// # Errors
    /// `MemberNotFound`, `StoreUnavailable`.
    pub async fn customer_number(&self, access: &Access<'_>, member: &str) -> Result<i64, AppError> {
        let (place, codec) = (access.place(), self.store().member_ids().clone());
        let member = member.to_owned();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let found = crate::members::find_member(tx, &codec, place, &member).await?;
                Ok(tx.members().customer_number(found.ok_or(Code::MemberNotFound)?.key).await?)
            })
        });
        found.await
    }
}
