//! `guildhall key …`

use super::{Place, Print};
use crate::output;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use guildhall_app::Guildhall;
use guildhall_app::keys::{Created, KeyDraft};
use guildhall_domain::Timestamp;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{IMPORTED_KEY_BYTES_MIN, Key, KeyKind, PlainKey, RateLimit, Shape};
use guildhall_domain::scope::{Scope, Scopes};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::io::Read;
use std::net::IpAddr;
use std::process::ExitCode;

/// More than any key; reading stops there.
const INPUT_BYTES_MAX: u64 = 4096;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a key; it is shown this once
    Create {
        #[command(flatten)]
        place: Place,
        /// `secret`, `public` or `store`
        #[arg(long)]
        kind: KeyKind,
        #[command(flatten)]
        draft: Draft,
        #[command(flatten)]
        print: Print,
    },
    /// Import a key that is in use elsewhere; it is read from standard input
    Import {
        #[command(flatten)]
        place: Place,
        /// `secret` or `store`
        #[arg(long)]
        kind: KeyKind,
        #[command(flatten)]
        draft: Draft,
        #[command(flatten)]
        print: Print,
    },
    /// List an app's keys
    List {
        /// The app's id
        #[arg(long)]
        app: String,
        #[command(flatten)]
        print: Print,
    },
    /// Create a key like another one; both work until the old one is revoked
    Rotate {
        /// The old key's id
        #[arg(long)]
        id: String,
        #[command(flatten)]
        print: Print,
    },
    /// Revoke a key; it is refused from the next request on
    Revoke {
        /// The key's id
        #[arg(long)]
        id: String,
        #[command(flatten)]
        print: Print,
    },
    /// Tell, without a database, whether the text on standard input is a key made by Guildhall
    Check(Print),
}

#[derive(Debug, Args)]
pub(super) struct Draft {
    /// What its owner calls it
    #[arg(long)]
    name: String,
    /// Requests per second, or `none`; the server's default if not given
    #[arg(long, value_name = "LIMIT")]
    rate_limit: Option<RateLimit>,
    /// read-only, members, tables, contracts, billing, manage; all but manage if none is given
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// When it ends by itself, e.g. 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Timestamp>,
    /// Addresses or networks it may be used from; anywhere if none is given
    #[arg(long, value_delimiter = ',', value_name = "ADDRESS", value_parser = network)]
    allow: Vec<IpNet>,
}

impl Draft {
    fn of(self, kind: KeyKind, import: Option<PlainKey>) -> KeyDraft {
        KeyDraft {
            kind,
            name: self.name,
            rate_limit: self.rate_limit.unwrap_or(RateLimit::Default),
            scopes: Scopes::of(self.scopes),
            allowed_addresses: self.allow,
            expires_at: self.expires,
            import,
        }
    }
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. }
            | Command::Import { print, .. }
            | Command::List { print, .. }
            | Command::Rotate { print, .. }
            | Command::Revoke { print, .. }
            | Command::Check(print) => print.json,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { place, kind, draft, print } => {
            let draft = draft.of(kind, None);
            show_created(
                print,
                &guildhall.create_key(&place.app(), place.env, draft, Actor::CommandLine).await?,
            );
        }
        Command::Import { place, kind, draft, print } => {
            let draft = draft.of(kind, Some(imported()?));
            let created = guildhall.create_key(&place.app(), place.env, draft, Actor::CommandLine).await?;
            output::show(print.json, &view(&created.key), output::fields);
        }
        Command::List { app, print } => {
            let keys = guildhall.list_keys(Some(&AppId::from_text(app))).await?;
            show_list(print, &keys);
        }
        Command::Rotate { id, print } => rotate(guildhall, &KeyId::from_text(id), print).await?,
        Command::Revoke { id, print } => {
            let key = guildhall.revoke_key(&KeyId::from_text(id), Actor::CommandLine).await?;
            output::show(print.json, &view(&key), output::fields);
        }
        Command::Check(print) => return check(print),
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate(guildhall: &Guildhall, id: &KeyId, print: Print) -> anyhow::Result<()> {
    let created = guildhall.rotate_key(id, Actor::CommandLine).await?;
    show_created(print, &created);
    if !print.json {
        output::line(&format!(
            "The old key works on. Switch to the new one, then run: guildhall key revoke --id {id}"
        ));
    }
    Ok(())
}

/// Needs neither settings nor a database.
pub(super) fn check(print: Print) -> anyhow::Result<ExitCode> {
    let text = input()?;
    let shape = Shape::of(&text).filter(|shape| shape.checksum_ok);
    let value = json!({
        "isKey": shape.is_some(),
        "kind": shape.map(|shape| shape.kind.as_str()),
        "environment": shape.and_then(|shape| shape.mode),
    });
    output::show(print.json, &value, output::fields);
    Ok(if shape.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn show_created(print: Print, created: &Created) {
    let mut value = view(&created.key);
    value["key"] = created.plain.reveal().into();
    output::show(print.json, &value, |value| {
        format!("{}\nThe key is shown this once.", output::fields(value))
    });
}

pub(super) fn show_list(print: Print, keys: &[Key]) {
    let rows: Vec<_> = keys.iter().map(view).collect();
    output::show(print.json, &rows.into(), |rows| {
        output::table(
            rows,
            &["id", "name", "kind", "environment", "start", "createdAt", "lastUsedAt", "revokedAt"],
        )
    });
}

pub(super) fn view(key: &Key) -> Value {
    let rate_limit = match key.rate_limit {
        RateLimit::Default => Value::Null,
        RateLimit::PerSecond(limit) => limit.into(),
        RateLimit::Unlimited => "none".into(),
    };
    let addresses: Vec<_> = key.allowed_addresses.iter().map(ToString::to_string).collect();
    json!({
        "id": key.id, "name": key.name, "kind": key.kind,
        "environment": key.environment.map(|(_, mode)| mode), "start": key.start,
        "imported": key.imported, "scopes": key.scopes.iter().collect::<Vec<_>>(),
        "allowedAddresses": addresses, "rateLimit": rate_limit, "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at, "expiresAt": key.expires_at, "revokedAt": key.revoked_at,
    })
}

/// The key on standard input. Exactly one line end is taken off, nothing else: white space can be
/// part of what somebody pasted, and must then be refused, not repaired.
fn imported() -> anyhow::Result<PlainKey> {
    match PlainKey::imported(&input()?) {
        Some(plain) => Ok(plain),
        None => bail!(
            "a key to import has {IMPORTED_KEY_BYTES_MIN} to 512 visible ASCII characters and no white space"
        ),
    }
}

fn input() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut text)
        .context("the key could not be read from standard input")?;
    Ok(without_line_end(&text).to_owned())
}

fn without_line_end(text: &str) -> &str {
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    line.unwrap_or(text)
}

fn time(text: &str) -> Result<Timestamp, String> {
    let parsed: jiff::Timestamp = text.parse().map_err(|_| "a time looks like 2027-01-31T00:00:00Z")?;
    Ok(Timestamp::from_micros(parsed.as_microsecond()))
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse()).map_err(|_| "an address looks like 192.0.2.1 or 192.0.2.0/24".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_taken_off_a_key_and_nothing_else() {
        for (given, expected) in [
            ("key", "key"),
            ("key\n", "key"),
            ("key\r\n", "key"),
            ("key\n\n", "key\n"),
            ("key\r", "key\r"),
            (" key ", " key "),
            ("", ""),
        ] {
            assert_eq!(without_line_end(given), expected, "{given:?}");
        }
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        assert_eq!(network("192.0.2.1").map(|net| net.to_string()), Ok("192.0.2.1/32".into()));
        assert_eq!(network("2001:db8::/32").map(|net| net.to_string()), Ok("2001:db8::/32".into()));
        assert!(network("192.0.2.0/33").is_err());
        assert!(network("localhost").is_err());
    }

    #[test]
    fn an_expiry_is_a_time_with_its_offset() {
        assert_eq!(time("1970-01-01T01:00:01+01:00"), Ok(Timestamp::from_micros(1_000_000)));
        assert!(time("2027-01-31").is_err());
        assert!(time("tomorrow").is_err());
    }
}
