//! The application: what every use case stands on.

use crate::auth::{Identities, LastUsed, VisitorLimits};
use crate::billing::{FakeProvider, PaymentProvider, Payments};
use crate::clock::{Chance, Clock};
use crate::error::AppError;
use crate::passwords::{PasswordPool, PoolSettings};
use crate::tokens::TokenKeys;
use guildhall_domain::Timestamp;
use guildhall_store::{Gauges, Store, StoreSettings, Target};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// What an installation may set about its limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests per second for keys that say nothing else.
    pub rate_limit: u32,
    /// Requests with bad keys per second and address.
    pub bad_key_limit: u32,
    /// Members that a sandbox may hold.
    pub sandbox_members_max: i64,
    /// Requests per 30 seconds and address to the client API.
    pub client_rate_limit: u32,
    /// Reads of records and tables through the client API per second and address.
    pub client_record_reads: u32,
    /// Records made through the client API per minute and address.
    pub client_record_creates: u32,
    /// Records changed or deleted through the client API per minute and address.
    pub client_record_changes: u32,
    /// Wrong passwords and codes, and mails, that an account may meet before delays begin. An address
    /// may try ten times as many.
    pub sign_in_attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate_limit: guildhall_domain::key::RATE_LIMIT_DEFAULT,
            bad_key_limit: guildhall_domain::key::RATE_LIMIT_DEFAULT,
            sandbox_members_max: 50,
            client_rate_limit: 200,
            client_record_reads: 25,
            client_record_creates: 10,
            client_record_changes: 30,
            sign_in_attempts: 5,
        }
    }
}

/// How to open an installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the data is.
    pub target: Target,
    /// Its limits.
    pub limits: Limits,
    /// Threads that hash passwords.
    pub password_threads: NonZeroUsize,
    /// Passwords that may wait to be hashed before more are turned away.
    pub password_queue_max: usize,
    /// Writes that may wait for the disk before more are turned away.
    pub write_queue_max: usize,
    /// Writes made durable together at most.
    pub write_batch_max: usize,
    /// Connections to PostgreSQL.
    pub postgres_connections_max: usize,
    /// The server's own address, for links in mails. No slash at its end.
    pub public_url: String,
    /// Whether mails are sent; if not, they stay in the outbox.
    pub sends_mail: bool,
    /// What tokens name as their issuer.
    pub token_issuer: String,
    /// How long a read of many rows may take, in milliseconds.
    pub statement_timeout_ms: u32,
    /// Whether live contracts are charged with the fake provider, too. Without it nothing charges them yet.
    pub fake_live_payments: bool,
    /// How long a contract is left to whoever is billing it before somebody else may, in milliseconds.
    pub billing_lease_ms: u32,
    /// How long a link to the customer portal works, in minutes.
    pub portal_link_minutes: u32,
}

impl Settings {
    /// The defaults, for a database.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            limits: Limits::default(),
            password_threads: NonZeroUsize::MIN,
            password_queue_max: 256,
            write_queue_max: 4096,
            write_batch_max: 1024,
            postgres_connections_max: 16,
            public_url: "http://127.0.0.1:3010".to_owned(),
            sends_mail: false,
            token_issuer: "http://127.0.0.1:3010".to_owned(),
            statement_timeout_ms: 10_000,
            fake_live_payments: false,
            billing_lease_ms: 60_000,
            portal_link_minutes: 120,
        }
    }
}

/// An open installation. Cheap to clone.
#[derive(Clone)]
pub struct Guildhall(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    passwords: PasswordPool,
    limits: Limits,
    identities: Identities,
    last_used: LastUsed,
    token_keys: TokenKeys,
    visitor_limits: VisitorLimits,
    mail_written: Notify,
    billing_due: Notify,
    payments: Payments,
    billing_lease_us: i64,
    billing_turns: Arc<Semaphore>,
    portal_link_minutes: u32,
    public_url: String,
    sends_mail: bool,
    token_issuer: String,
}

impl Guildhall {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// `StoreUnavailable`, also when a newer version has written the database.
    pub async fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, AppError> {
        let billing_turns = Arc::new(Semaphore::new(billing_units(&settings)));
        let store = Store::open(StoreSettings {
            target: settings.target,
            now: clock.now(),
            secret: chance.entropy(),
            write_queue_max: settings.write_queue_max,
            write_batch_max: settings.write_batch_max,
            postgres_connections_max: settings.postgres_connections_max,
            statement_timeout_ms: settings.statement_timeout_ms,
        });
        let passwords = PasswordPool::new(PoolSettings {
            threads: settings.password_threads,
            waiting_max: settings.password_queue_max,
        });
        let passwords =
            passwords.map_err(|error| AppError::internal(format!("no password thread: {error}")))?;
        let store = store.await?;
        let fake = FakeProvider::new(store.clone(), Arc::clone(&clock), Arc::clone(&billing_turns));
        let fake: Arc<dyn PaymentProvider> = Arc::new(fake);
        let live = settings.fake_live_payments.then(|| Arc::clone(&fake));
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            chance,
            passwords,
            limits: settings.limits,
            identities: Identities::default(),
            last_used: LastUsed::default(),
            token_keys: TokenKeys::default(),
            visitor_limits: VisitorLimits::default(),
            mail_written: Notify::new(),
            billing_due: Notify::new(),
            payments: Payments::new(fake, live),
            billing_lease_us: i64::from(settings.billing_lease_ms) * 1_000,
            billing_turns,
            portal_link_minutes: settings.portal_link_minutes,
            public_url: settings.public_url,
            sends_mail: settings.sends_mail,
            token_issuer: settings.token_issuer,
        })))
    }

    /// Says under which address it is reached, for links and tokens, where that is known only once it
    /// is open. Whoever opened it says so before anybody else has it.
    #[must_use]
    pub fn reached_at(mut self, public_url: String, token_issuer: String) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            (inner.public_url, inner.token_issuer) = (public_url, token_issuer);
        }
        self
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn passwords(&self) -> &PasswordPool {
        &self.0.passwords
    }

    pub(crate) fn identities(&self) -> &Identities {
        &self.0.identities
    }

    pub(crate) fn last_used(&self) -> &LastUsed {
        &self.0.last_used
    }

    pub(crate) fn token_keys(&self) -> &TokenKeys {
        &self.0.token_keys
    }

    pub(crate) fn visitor_limits(&self) -> &VisitorLimits {
        &self.0.visitor_limits
    }

    /// The server's own address, as its callers know it. No slash at its end.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// Whether mails are sent; if not, they stay in the outbox.
    pub fn sends_mail(&self) -> bool {
        self.0.sends_mail
    }

    pub(crate) fn token_issuer(&self) -> &str {
        &self.0.token_issuer
    }

    /// Told whenever a mail was put into the outbox by this process.
    pub fn mail_written(&self) -> &Notify {
        &self.0.mail_written
    }

    /// Told whenever something about a contract may have become due by what this process did.
    pub fn billing_due(&self) -> &Notify {
        &self.0.billing_due
    }

    /// Who takes the money.
    pub fn payments(&self) -> &Payments {
        &self.0.payments
    }

    /// How long a contract is left to whoever is billing it, in microseconds.
    pub(crate) fn billing_lease_us(&self) -> i64 {
        self.0.billing_lease_us
    }

    /// Taken before each unit of work that bills.
    pub(crate) fn billing_turns(&self) -> &Semaphore {
        &self.0.billing_turns
    }

    /// How long a link to the customer portal works, in minutes.
    pub(crate) fn portal_link_minutes(&self) -> i64 {
        self.0.portal_link_minutes.into()
    }

    /// Its limits.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The time of day by its clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Where it takes its random bytes from.
    pub fn chance(&self) -> &dyn Chance {
        &*self.0.chance
    }

    /// `sqlite` or `postgres`.
    pub fn engine_name(&self) -> &'static str {
        self.store().engine_name()
    }

    /// Numbers about the store.
    pub fn store_gauges(&self) -> Gauges {
        self.store().gauges()
    }

    /// Passwords that wait to be hashed, and that are being hashed.
    pub fn password_gauges(&self) -> (usize, usize) {
        (self.passwords().waiting(), self.passwords().busy())
    }

    /// Passwords that were taken to be hashed since the start.
    pub fn passwords_taken(&self) -> u64 {
        self.passwords().taken()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn ping(&self) -> Result<(), AppError> {
        Ok(self.store().ping().await?)
    }

    /// Lets the database look at what it chooses its plans by. Worth doing after much has changed.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn refresh_statistics(&self) -> Result<(), AppError> {
        Ok(self.store().refresh_statistics().await?)
    }

    /// Checks the whole database for damage. Nothing if it is sound, else what was found.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn check_integrity(&self) -> Result<Option<String>, AppError> {
        Ok(self.store().check_integrity().await?)
    }

    /// Writes down what is only in memory, lets waiting writes finish and closes the database.
    pub async fn close(&self) {
        if let Err(error) = self.flush_last_used().await {
            tracing::warn!(?error, "the last uses of keys were not written down");
        }
        self.store().close().await;
    }
}

/// Units of work that bill at a time. On PostgreSQL each takes a connection: half of them are left to requests.
fn billing_units(settings: &Settings) -> usize {
    match settings.target {
        Target::Sqlite(_) => Semaphore::MAX_PERMITS,
        Target::Postgres(_) => (settings.postgres_connections_max / 2).max(1),
    }
}
