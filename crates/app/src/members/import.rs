//! Bringing members in from elsewhere: ids, password hashes and dates are kept.
//!
//! A row is a JSON object as the Admin API shows a member, plus `passwordHash`; a line of CSV is
//! read as such an object. Each row is a unit of work of its own: it is taken whole or not at
//! all, and the store makes many of them durable together.

use super::create::{Admitter, Checked, blank, free_plans, nonce, record_created};
use super::values::{self, Object};
use crate::auth::{Access, LastingAccess};
use crate::definitions::Definitions;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::import::{ImportOutcome, ImportRow, OnError, unescaped};
use crate::passwords::PasswordHash;
use futures_util::{Stream, StreamExt};
use guildhall_domain::member::merge_meta_data;
use guildhall_domain::member_id::{CUSTOMER_NUMBERS_FROM, MemberId};
use guildhall_domain::text::is_id;
use guildhall_domain::{Code, Timestamp};
use guildhall_store::Constraint;
use serde_json::Value;

/// Rows that are under way at a time; enough to fill a group commit.
const UNDER_WAY: usize = 512;

/// A record of CSV under its header. Known columns have the names that the JSON has; any other
/// column is a custom field. `plans` holds plan ids separated by spaces.
pub fn row_from_csv<'a>(line: u64, cells: impl Iterator<Item = (&'a str, &'a str)>) -> ImportRow {
    let (mut fields, mut custom) = (Object::new(), Object::new());
    for (column, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        let cell = unescaped(cell);
        match column {
            "id" | "email" | "passwordHash" | "loginRedirect" | "profileImage" | "stripeCustomerId"
            | "createdAt" | "lastLogin" => drop(fields.insert(column.into(), cell.into())),
            "customerNumber" => {
                // What is no number is refused with the row, as in JSON.
                let number = cell.parse::<i64>().map_or_else(|_| Value::from(cell), Value::from);
                fields.insert(column.into(), number);
            }
            "verified" => drop(fields.insert(column.into(), matches!(cell, "true" | "TRUE" | "1").into())),
            "plans" => {
                let plans = cell.split_whitespace().map(Value::from).collect();
                fields.insert(column.into(), Value::Array(plans));
            }
            _ => drop(custom.insert(column.into(), cell.into())),
        }
    }
    fields.insert("customFields".into(), Value::Object(custom));
    ImportRow { line, fields: Ok(fields) }
}

/// Takes rows into one environment.
pub struct Importer<'g> {
    guildhall: &'g Guildhall,
    place: LastingAccess,
    dry_run: bool,
    on_error: OnError,
}

impl<'g> Importer<'g> {
    /// An importer for the environment that this access names. A dry run checks every row by
    /// itself and stores nothing.
    pub fn new(
        guildhall: &'g Guildhall,
        place: impl Into<LastingAccess>,
        dry_run: bool,
        on_error: OnError,
    ) -> Self {
        Self { guildhall, place: place.into(), dry_run, on_error }
    }

    /// Takes the rows, in order; `progress` hears how many are done.
    pub async fn run(
        &self,
        rows: impl Stream<Item = ImportRow> + Unpin,
        mut progress: impl FnMut(u64),
    ) -> ImportOutcome {
        let mut outcome = ImportOutcome::default();
        let mut done = 0;
        // Members are listed in the order of the file. And who wants to stop at the first wrong row
        // wants nothing after it taken.
        let one_by_one = self.on_error == OnError::Stop || !self.guildhall.store().writes_in_order();
        let under_way = if one_by_one { 1 } else { UNDER_WAY };
        let mut results = rows.map(|row| self.take(row)).buffered(under_way);
        while let Some((line, result)) = results.next().await {
            done += 1;
            progress(done);
            match result {
                Ok(()) => outcome.taken += 1,
                Err(error) => {
                    outcome.refused.push((line, error.message.into_owned()));
                    if self.on_error == OnError::Stop {
                        break;
                    }
                }
            }
        }
        outcome
    }

    async fn take(&self, row: ImportRow) -> (u64, Result<(), AppError>) {
        let line = row.line;
        let result = match row.fields {
            Ok(fields) => self.store(fields).await,
            Err(reason) => Err(AppError::because(Code::InputInvalid, reason)),
        };
        (line, result)
    }

    async fn store(&self, fields: Object) -> Result<(), AppError> {
        let access = self.place.access();
        let now = self.guildhall.now();
        let mut fields = fields;
        let customer_number = customer_number(&mut fields)?;
        let checked = self.check(fields, &access, now)?;
        if self.dry_run {
            return Ok(());
        }
        let definitions = std::sync::Arc::clone(access.definitions());
        let (environment, recorder) = (access.environment(), access.recorder(now));
        let (store, sandbox_max) = (self.guildhall.store(), self.guildhall.limits().sandbox_members_max);
        let codec = store.member_ids().clone();
        let stored = store.write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let admitter = Admitter { environment, codec: &codec, sandbox_max };
                let member = admitter.insert(tx, &definitions, checked).await?;
                if let Some(number) = customer_number {
                    let set = tx.members().set_customer_number(member.key, number).await;
                    or_conflict(set, &[(Constraint::CustomerNumber, Code::CustomerNumberTaken)])?;
                }
                record_created(tx, &recorder, environment, &member, &definitions).await
            })
        });
        stored.await
    }

    fn check(&self, mut fields: Object, access: &Access<'_>, now: Timestamp) -> Result<Checked, AppError> {
        let definitions: &Definitions = access.definitions();
        let mut member = blank(now);
        let email = text(&mut fields, "email")?.or_else(|| nested_email(&mut fields));
        let email = email.map(|email| values::email(&email)).transpose()?;
        member.email = email.as_ref().map(|email| email.as_given().to_owned());
        let custom = object(&mut fields, "customFields")?;
        let custom = values::custom_fields(custom, definitions);
        member.custom_fields = values::stored_custom_fields(&custom)?;
        let meta_data = merge_meta_data(Object::new(), object(&mut fields, "metaData")?);
        member.meta_data = values::meta_data(&meta_data)?;
        member.json = values::json(&object(&mut fields, "json")?)?;
        member.verified = matches!(fields.remove("verified"), Some(Value::Bool(true)));
        member.login_redirect = values::redirect(text(&mut fields, "loginRedirect")?)?;
        member.profile_image = values::image(text(&mut fields, "profileImage")?)?;
        member.stripe_customer_id = text(&mut fields, "stripeCustomerId")?.filter(|id| id.len() <= 255);
        member.created_at = time(&mut fields, "createdAt")?.unwrap_or(now);
        member.last_login_at = time(&mut fields, "lastLogin")?;
        let plans = free_plans(definitions, &plan_ids(&mut fields)?)?;
        member.contracts = self.guildhall.free_contracts(&plans, now);
        let id = text(&mut fields, "id")?;
        if id.is_none() && email.is_none() {
            return Err(AppError::because(Code::InputInvalid, "a member needs an `email` or an `id`"));
        }
        if let Some(id) = &id {
            member.id = MemberId::from_text(checked_id(id)?);
        }
        Ok(Checked {
            email,
            member,
            password_hash: password_hash(&mut fields)?,
            imported_id: id.is_some(),
            nonce: nonce(self.guildhall.chance().entropy()),
        })
    }
}

fn text(fields: &mut Object, name: &str) -> Result<Option<String>, AppError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, "text")),
    }
}

fn object(fields: &mut Object, name: &str) -> Result<Object, AppError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(Object::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(wrong(name, "an object")),
    }
}

fn time(fields: &mut Object, name: &str) -> Result<Option<Timestamp>, AppError> {
    let Some(text) = text(fields, name)? else {
        return Ok(None);
    };
    let parsed: jiff::Timestamp =
        text.parse().map_err(|_| wrong(name, "a time such as 2026-01-31T12:00:00Z"))?;
    Ok(Some(Timestamp::from_micros(parsed.as_microsecond())))
}

/// The number that the Appstle dialect is to know a member by.
fn customer_number(fields: &mut Object) -> Result<Option<i64>, AppError> {
    match fields.remove("customerNumber") {
        None | Some(Value::Null) => Ok(None),
        Some(given) => {
            let number = given.as_i64().filter(|number| (1..CUSTOMER_NUMBERS_FROM).contains(number));
            number.map(Some).ok_or_else(|| Code::CustomerNumberInvalid.into())
        }
    }
}

/// The address where the Admin API shows it: `auth.email`.
fn nested_email(fields: &mut Object) -> Option<String> {
    fields.remove("auth")?.get("email")?.as_str().map(str::to_owned)
}

/// Plan ids from `plans` or, as the Admin API shows them, from `planConnections`.
fn plan_ids(fields: &mut Object) -> Result<Vec<String>, AppError> {
    let given = fields.remove("plans").or_else(|| fields.remove("planConnections"));
    let items = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong("plans", "a list")),
    };
    // What is paid for is a contract, and no matter of an import of members.
    let is_free = |item: &&Value| item.get("type").is_none_or(|kind| kind == "FREE");
    let ids = items.iter().filter(is_free).map(|item| item.as_str().or_else(|| item.get("planId")?.as_str()));
    ids.map(|id| id.map(str::to_owned).ok_or_else(|| wrong("plans", "a list of {\"planId\"}"))).collect()
}

fn password_hash(fields: &mut Object) -> Result<Option<String>, AppError> {
    let Some(text) = text(fields, "passwordHash")? else {
        return Ok(None);
    };
    match PasswordHash::parse(&text) {
        Ok(hash) => Ok(Some(hash.as_str().to_owned())),
        Err(error) => Err(AppError::because(Code::InputInvalid, format!("passwordHash: {error}"))),
    }
}

fn checked_id(id: &str) -> Result<&str, AppError> {
    is_id(id).then_some(id).ok_or_else(|| wrong("id", "1 to 64 letters, digits, `_` or `-`"))
}

fn wrong(name: &str, expected: &str) -> AppError {
    AppError::because(Code::InputInvalid, format!("`{name}` must be {expected}"))
}
