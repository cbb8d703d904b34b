//! The built-in fake provider: the name of a payment method says what becomes of its charges. It keeps books of its
//! own, as a real one would, so that what it has charged outlives a crash of whoever asked.
//!
//! | a name that has in it | outcome |
//! |---|---|
//! | `declined_from_3rd_renewal` | the first three charges succeed, later ones are declined |
//! | `declined` | declined |
//! | `needs_authentication` | the bank wants its customer to confirm |
//! | `times_out` | no answer, and nothing is charged |
//! | `answer_lost_sometimes` | charged, but two in three first answers are lost |
//! | `answer_lost` | charged, but the first answer is lost |
//! | anything else | succeeds |

use super::provider::{Answer, ChargeRequest, PaymentProvider, Receipt, Unreached};
use crate::clock::Clock;
use crate::error::AppError;
use guildhall_domain::contract::Outcome;
use guildhall_store::{FakeCharge, NewFakeCharge, Store};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The built-in fake provider.
#[derive(Clone)]
pub struct FakeProvider {
    store: Store,
    clock: Arc<dyn Clock>,
    turns: Arc<Semaphore>,
}

impl FakeProvider {
    /// With its books in this store, where units of work that bill take turns.
    pub fn new(store: Store, clock: Arc<dyn Clock>, turns: Arc<Semaphore>) -> Self {
        Self { store, clock, turns }
    }

    async fn book(&self, request: &ChargeRequest) -> Result<Receipt, Unreached> {
        let token = request.reference.clone();
        if token.contains("times_out") {
            return Err(Unreached);
        }
        let outcome = outcome(&token, request.paid_before);
        let key = request.charge.key.clone();
        let digest = Sha256::digest(key.as_bytes());
        let reference =
            format!("fch_{}", digest[..10].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let (minor, currency, now) = (request.charge.minor, request.currency.clone(), self.clock.now());
        let name = token.clone();
        let _turn = self.turns.acquire().await.map_err(|_| Unreached)?;
        let booked = self.store.write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let charge = NewFakeCharge {
                    key: &key,
                    reference: &reference,
                    token: &name,
                    minor,
                    currency: &currency,
                    outcome,
                };
                Ok(tx.payments().book(charge, now).await?)
            })
        });
        let booked = booked.await.map_err(|_| Unreached)?;
        let first = booked.asked == 1;
        let lost = (token.contains("answer_lost_sometimes") && digest[0] % 3 != 0)
            || (token.contains("answer_lost") && !token.contains("sometimes"));
        if first && lost {
            return Err(Unreached);
        }
        Ok(receipt(booked))
    }
}

fn outcome(token: &str, paid_before: u32) -> &'static str {
    if token.contains("declined_from_3rd_renewal") {
        return if paid_before >= 3 { "declined" } else { "paid" };
    }
    if token.contains("declined") {
        "declined"
    } else if token.contains("needs_authentication") {
        "authentication"
    } else {
        "paid"
    }
}

fn receipt(booked: FakeCharge) -> Receipt {
    match booked.outcome.as_str() {
        "paid" => Receipt::paid(booked.reference),
        "authentication" => Receipt {
            outcome: Outcome::NeedsAuthentication,
            ..Receipt::declined("authentication_required", "The bank wants the customer to confirm.")
        },
        _ => Receipt::declined("card_declined", "The card was declined."),
    }
}

impl PaymentProvider for FakeProvider {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn is_fake(&self) -> bool {
        true
    }

    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Answer<'a, Result<Receipt, Unreached>> {
        Box::pin(self.book(request))
    }

    fn find<'a>(&'a self, key: &'a str) -> Answer<'a, Result<Option<Receipt>, Unreached>> {
        let key = key.to_owned();
        Box::pin(async move {
            let found = self.store.read::<_, AppError, _>(move |tx| {
                Box::pin(async move { Ok(tx.payments().booked(&key).await?) })
            });
            Ok(found.await.map_err(|_| Unreached)?.map(receipt))
        })
    }
}
