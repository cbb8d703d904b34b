//! The port to whoever takes the money. What stands behind it may be slow, may fail and may lose answers; it
//! must never charge one key twice.

use guildhall_domain::Mode;
use guildhall_domain::contract::{Charge, Outcome};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The future of a provider's answer.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is to be charged.
#[derive(Clone, Debug)]
pub struct ChargeRequest {
    /// Slot, key and amount.
    pub charge: Charge,
    /// What the provider knows the payment method by; empty if there is none.
    pub reference: String,
    /// Lower-case ISO 4217 code.
    pub currency: String,
    /// Periods of the contract that were paid before.
    pub paid_before: u32,
}

/// What the provider said of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What became of it.
    pub outcome: Outcome,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// Why it failed: a word to branch on.
    pub code: Option<String>,
    /// Why it failed, in words.
    pub message: Option<String>,
}

impl Receipt {
    /// The money was taken.
    pub fn paid(reference: String) -> Self {
        Self { outcome: Outcome::Paid, reference: Some(reference), code: None, message: None }
    }

    /// It was definitely refused.
    pub fn declined(code: &str, message: &str) -> Self {
        let (code, message) = (Some(code.to_owned()), Some(message.to_owned()));
        Self { outcome: Outcome::Declined, reference: None, code, message }
    }

    /// There was no answer, and there is nothing on the books.
    pub fn unreached() -> Self {
        let (code, message) = ("provider_unreached", "The payment provider did not answer.");
        Self { outcome: Outcome::Unreached, ..Self::declined(code, message) }
    }
}

/// The provider did not answer. The charge may have been made or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreached;

/// Whoever takes the money.
pub trait PaymentProvider: Send + Sync + 'static {
    /// Its name, as payment methods are stored with it.
    fn name(&self) -> &'static str;

    /// Whether it moves no real money.
    fn is_fake(&self) -> bool;

    /// Charges, once: asked again with the same key, it says what it said before.
    ///
    /// # Errors
    /// [`Unreached`].
    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> Answer<'a, Result<Receipt, Unreached>>;

    /// What it has on its books under a key.
    ///
    /// # Errors
    /// [`Unreached`].
    fn find<'a>(&'a self, key: &'a str) -> Answer<'a, Result<Option<Receipt>, Unreached>>;
}

/// The providers of an installation.
#[derive(Clone)]
pub struct Payments {
    sandbox: Arc<dyn PaymentProvider>,
    live: Option<Arc<dyn PaymentProvider>>,
}

impl Payments {
    /// The fake one for sandboxes, and whatever live environments have.
    pub fn new(sandbox: Arc<dyn PaymentProvider>, live: Option<Arc<dyn PaymentProvider>>) -> Self {
        Self { sandbox, live }
    }

    /// The provider for an environment.
    pub fn of(&self, mode: Mode) -> Option<Arc<dyn PaymentProvider>> {
        match mode {
            Mode::Sandbox => Some(Arc::clone(&self.sandbox)),
            Mode::Live => self.live.clone(),
        }
    }
}
