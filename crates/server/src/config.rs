//! The settings: what there is to set, and what is set.
//!
//! The list below is the only one. The flags (`config/flags.rs`), the environment's names and the
//! file's (`config/load.rs`), the suggestions for mistyped names, `guildhall config check` and the
//! settings' reference all derive from it; a new setting is one entry here. Flags beat the
//! environment, which beats `guildhall.toml`, which beats the defaults.

mod error;
mod flags;
mod load;
mod report;
#[cfg(test)]
mod tests;
mod value;

use crate::logging::{LogFormat, LogLevel};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use error::ConfigError;
pub use flags::{Flags, ServeFlags};
pub use load::environment;
pub use report::markdown;
pub use value::{DatabaseUrl, PlanGateStatus, PublicUrl, RedisUrl, Sender, SmtpUrl, Switch};
use value::{Form, Value};

/// One thing that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in `guildhall.toml`. Flag and environment variable follow from it.
    pub name: &'static str,
    /// What it is for: its documentation, as written in the list.
    about: &'static str,
    /// What it may be, in words.
    allowed: &'static str,
    /// How it is written in the file.
    form: Form,
    preset: Preset,
    /// The least and the most, for numbers.
    bounds: (u64, u64),
    /// Never printed, and readable from a file that `GUILDHALL_…_FILE` names.
    secret: bool,
    /// Whether every command takes the flag, rather than `serve` alone.
    everywhere: bool,
}

/// What holds when nothing is set.
#[derive(Clone, Copy, Debug)]
enum Preset {
    /// This text; an empty one means nothing.
    Text(&'static str),
    /// What the machine suggests, and how to say that.
    Computed(fn() -> String, &'static str),
}

const fn preset(text: &'static str) -> Setting {
    Setting {
        name: "",
        about: "",
        allowed: "",
        form: Form::Text,
        preset: Preset::Text(text),
        bounds: (0, u64::MAX),
        secret: false,
        everywhere: false,
    }
}

const fn unset() -> Setting {
    preset("")
}

impl Setting {
    const fn computed(value: fn() -> String, said: &'static str) -> Self {
        Self { preset: Preset::Computed(value, said), ..unset() }
    }

    const fn within(self, least: u64, most: u64) -> Self {
        Self { bounds: (least, most), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn everywhere(self) -> Self {
        Self { everywhere: true, ..self }
    }
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $setting:expr;)+) => {
        /// What is set, from wherever it came. See [`Settings::load`].
        #[derive(Clone, Debug)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $name: $type,)+
            effective: Vec<Effective>,
            file: Option<PathBuf>,
        }

        /// Everything that can be set.
        pub const ALL: &[Setting] = &[$(Setting {
            name: stringify!($name),
            about: concat!($($doc),+),
            allowed: <$type as Value>::ALLOWED,
            form: <$type as Value>::FORM,
            ..$setting
        }),+];

        impl Settings {
            fn read(given: &[load::Given], file: Option<PathBuf>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $($name: load::value::<$type>(given, stringify!($name))?,)+
                    effective: given.iter().map(Effective::from).collect(),
                    file,
                })
            }
        }
    };
}

settings! {
    /// The directory of the database, and of everything else the server keeps on this machine.
    /// A relative one starts at the working directory.
    data_dir: PathBuf = preset("./data").everywhere();
    /// The PostgreSQL database to use instead of SQLite in the data directory.
    database_url: Option<DatabaseUrl> = unset().secret().everywhere();
    /// Where the server listens.
    listen: SocketAddr = preset("127.0.0.1:3010");
    /// The server's address as its callers know it. It stands in tokens and in links.
    public_url: Option<PublicUrl> = unset();
    /// What tokens name as their issuer, if not the public address. With the vendor's issuer, the
    /// vendor's own SDK accepts our tokens.
    token_issuer: Option<String> = unset();
    /// The Redis or Valkey server through which several nodes share their rate limits.
    redis_url: Option<RedisUrl> = unset().secret();
    /// Where metrics are served, if not beside everything else.
    metrics_listen: Option<SocketAddr> = unset();
    /// The proxies whose word on a caller's address is taken.
    trusted_proxies: Vec<IpNet> = unset();
    /// How the log looks. `auto` is text on a terminal and JSON elsewhere.
    log_format: LogFormat = preset("auto");
    /// From which level on events are logged.
    log_level: LogLevel = preset("info");
    /// Requests per second for a key that has no limit of its own.
    rate_limit: u32 = preset("25").within(1, 100_000);
    /// Requests with bad keys per second and address; beyond it they are refused unread.
    bad_key_limit: u32 = preset("25").within(1, 100_000);
    /// How many members a sandbox holds.
    sandbox_members_max: u32 = preset("50").within(1, 1_000_000);
    /// How long a request's body may be, in bytes.
    body_bytes_max: usize = preset("2097152").within(1024, 1 << 30);
    /// How many connections are open at a time; others wait.
    connections_max: usize = preset("4096").within(1, 1_000_000);
    /// How many seconds a request's head may take.
    header_timeout_s: u64 = preset("10").within(1, 600);
    /// How many seconds a connection may rest between requests. Keep it above your load
    /// balancer's, which should be the one to close.
    idle_timeout_s: u64 = preset("75").within(1, 3600);
    /// How many seconds requests under way get to finish at shutdown.
    drain_timeout_s: u64 = preset("30").within(0, 3600);
    /// How many threads hash passwords.
    password_threads: usize =
        Setting::computed(spare_cores, "one less than there are cores, at least 1").within(1, 256);
    /// How many passwords may wait for a thread; beyond it sign-ins are asked to come later.
    password_queue_max: usize = preset("256").within(1, 65_536);
    /// How many writes may wait for SQLite; beyond it they are asked to come later.
    write_queue_max: usize = preset("4096").within(1, 1_000_000);
    /// How many connections to PostgreSQL are open at most.
    postgres_connections_max: usize = preset("16").within(1, 1000);
    /// Whether the public keys of members' tokens are also served at `/`, where the vendor's SDK looks
    /// for them on the host that you point at this server.
    jwks_at_root: Switch = preset("off");
    /// Requests per 30 seconds and address to the client API, for public keys without a limit of their
    /// own.
    client_rate_limit: u32 = preset("200").within(1, 1_000_000);
    /// Reads of data tables per second and address through the client API; this and the next two, too, for
    /// public keys without a limit of their own.
    client_record_reads: u32 = preset("25").within(1, 1_000_000);
    /// Records that may be made per minute and address through the client API.
    client_record_creates: u32 = preset("10").within(1, 1_000_000);
    /// Records that may be changed or deleted per minute and address through the client API.
    client_record_changes: u32 = preset("30").within(1, 1_000_000);
    /// How many wrong passwords or codes an account may meet, and how many mails, before each further
    /// one has to wait, ever longer. An address may try ten times as many.
    sign_in_attempts: u32 = preset("5").within(1, 1_000_000);
    /// The mail server. Plain SMTP to another machine must offer STARTTLS, unless `?tls=none` follows.
    /// Without a mail server mails stay in the outbox; see `guildhall mail list`.
    smtp_url: Option<SmtpUrl> = unset().secret();
    /// Certificates in PEM of the only authorities whose word for the mail server is taken, where it has
    /// none that everybody trusts.
    smtp_ca_file: Option<PathBuf> = unset();
    /// The sender of mails, such as `Site <no-reply@example.com>`. Needed with a mail server.
    mail_from: Option<Sender> = unset();
    /// What a store key meets in the Appstle dialect when its app has API access off and no partner's key is
    /// beside it: 401, as any bad key does, or 403 with `apiPlanRequired`.
    appstle_plan_gate_status: PlanGateStatus = preset("401");
    /// How long a query over many records may take, in milliseconds, before it is given up.
    statement_timeout_ms: u32 = preset("10000").within(100, 600_000);
    /// Whether live contracts are charged with the built-in fake provider, as sandboxes' are. No money moves.
    /// While this is off, and until there is a real provider, live contracts that fall due stay due.
    fake_live_payments: Switch = preset("off");
    /// How long a contract that is being billed is left to the node that does it, in milliseconds. If that node
    /// ends meanwhile, another goes on after that time. It is not what keeps a charge from being made twice.
    billing_lease_ms: u32 = preset("60000").within(100, 3_600_000);
    /// How long a link to the customer portal works, in minutes.
    portal_link_minutes: u32 = preset("120").within(5, 10_080);
}

/// One core is left to answer requests while passwords are hashed on the others.
fn spare_cores() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).max(1).to_string()
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line.
    Flag,
    /// An environment variable.
    Environment,
    /// `guildhall.toml`.
    File,
    /// Nowhere: the default.
    Default,
}

impl Source {
    /// `flag`, `environment`, `file` or `default`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Flag => "flag",
            Source::Environment => "environment",
            Source::File => "file",
            Source::Default => "default",
        }
    }
}

/// One setting as it is in force, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The setting's name.
    pub name: &'static str,
    /// Its value, or `[redacted]`; nothing when it is not set.
    pub shown: Option<String>,
    /// Where the value came from.
    pub source: Source,
}

impl Settings {
    /// Every setting as it is in force, secrets redacted, in the order of the list.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// The `guildhall.toml` that was read, if there was one.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.file.as_deref()
    }
}
