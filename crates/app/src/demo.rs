//! Lifelike data for an app that is only looked at: plans, permissions, custom fields, members over the
//! last months, contracts with a history, and two data tables that point at each other.
//!
//! Everything goes through the use cases that callers use. What is there already, by name or address, is
//! left as it is, so running it twice adds nothing.

mod contracts;

use crate::auth::LastingAccess;
use crate::custom_fields::FieldDraft as CustomFieldDraft;
use crate::data_tables::TableDraft;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::import::{ImportRow, OnError};
use crate::members::Importer;
use crate::plans::{PlanDraft, PriceDraft};
use futures_util::stream;
use guildhall_domain::audit::Actor;
use guildhall_domain::custom_field::Visibility;
use guildhall_domain::ids::{AppId, PlanId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money};
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Mode};
use serde_json::{Value, json};

const FIRST: [&str; 24] = [
    "Ada", "Grace", "Linus", "Margaret", "Alan", "Barbara", "Edsger", "Frances", "Donald", "Hedy", "Ken",
    "Radia", "Tim", "Sophie", "Niklaus", "Karen", "John", "Anita", "Leslie", "Shafi", "Tony", "Adele",
    "Robin", "Jean",
];
const LAST: [&str; 20] = [
    "Byron",
    "Hopper",
    "Lindqvist",
    "Hamilton",
    "Turner",
    "Liskov",
    "Daalmeijer",
    "Allen",
    "Knuth",
    "Keller",
    "Thomas",
    "Perl",
    "Berner",
    "Wilson",
    "Wirtz",
    "Jones",
    "Backhaus",
    "Borg",
    "Lampert",
    "Gold",
];
const CITIES: [&str; 8] = ["Utrecht", "Lisbon", "Oslo", "Hamburg", "Leeds", "Lyon", "Graz", "Galway"];
const TOPICS: [&str; 12] = [
    "Opening hours in spring",
    "A new studio by the harbour",
    "How we choose our teachers",
    "Notes on breathing",
    "The library is open",
    "Members meet in June",
    "Five quiet mornings",
    "What we learned last year",
    "Bring a friend week",
    "Winter timetable",
    "Questions about plans",
    "Thank you",
];

/// The trial of the plan that most contracts are for.
const TRIAL_DAYS: u32 = 14;
/// How much longer those are members who have contracts.
const HISTORY_DAYS: i64 = 150;

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demo {
    /// Members that are there now and were not before.
    pub members: u64,
    /// Contracts that were made.
    pub contracts: u64,
    /// Records that were made.
    pub records: u64,
}

impl Guildhall {
    /// Fills one environment of an app. A sandbox takes only as many members as it may hold; the first of them get
    /// that many contracts. Live gets none.
    ///
    /// # Errors
    /// `AppNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn fill_with_demo(
        &self,
        app: &AppId,
        mode: Mode,
        members: u64,
        contracts: u64,
    ) -> Result<Demo, AppError> {
        let free = self.demo_definitions(app).await?;
        // Read again: what was just defined is part of it.
        let place = self.command_line_access(app, mode).await?;
        let contracts = contracts.min(members);
        let ids = self.demo_members(place.into(), members, contracts, &free).await;
        let place = LastingAccess::from(self.command_line_access(app, mode).await?);
        let contracts = self.demo_contracts(&place, contracts).await?;
        let records = if ids > 0 { self.demo_records(&place).await? } else { 0 };
        Ok(Demo { members: ids, contracts, records })
    }

    /// Plans, permissions, fields and tables. The ids of the free plans.
    async fn demo_definitions(&self, app: &AppId) -> Result<Vec<PlanId>, AppError> {
        let actor = || Actor::CommandLine;
        let known = self.definitions(app).await?;
        let mut free = Vec::new();
        for (name, about, price) in [
            ("Newsletter", "A letter on the first of each month", None),
            ("Friends of the house", "Free entry on Mondays", None),
            ("Plus", "All classes, any time", Some((1900, Interval::Month(1)))),
            ("Patron", "All classes and two guests", Some((19_000, Interval::Year(1)))),
        ] {
            if let Some(plan) = known.plans.iter().find(|plan| plan.name == name) {
                free.extend(plan.is_free().then(|| plan.id.clone()));
                continue;
            }
            let money = |minor| Money { minor, currency: "eur".into() };
            let prices = price.map(|(minor, interval)| PriceDraft {
                name: None,
                money: money(minor),
                interval,
                trial_days: if name == "Plus" { TRIAL_DAYS } else { 0 },
            });
            let draft = PlanDraft {
                name: name.into(),
                description: Some(about.into()),
                priority: None,
                restrict_to_admin: false,
                member_limit: None,
                redirects: JsonObject::empty(),
                prices: prices.into_iter().collect(),
            };
            let plan = self.create_plan(app, draft, actor()).await?;
            free.extend(plan.is_free().then_some(plan.id));
        }
        for name in ["read:library", "book:classes"] {
            let made = self.create_permission(app, name, None, actor()).await;
            known_is_fine(made.map(|_| ()), Code::PermissionExists)?;
        }
        for (key, label, visibility) in
            [("city", "City", Visibility::Members), ("company", "Company", Visibility::Private)]
        {
            let draft = CustomFieldDraft {
                key: key.into(),
                label: label.into(),
                hidden: false,
                visibility,
                restrict_to_admin: false,
                position: None,
            };
            let made = self.create_custom_field(app, draft, actor()).await;
            known_is_fine(made.map(|_| ()), Code::CustomFieldExists)?;
        }
        for table in [
            json!({ "key": "topics", "name": "Topics", "readRule": "PUBLIC", "fields": [
                { "key": "title", "name": "Title", "type": "TEXT_UNIQUE", "required": true },
            ] }),
            json!({ "key": "posts", "name": "Posts", "readRule": "PUBLIC", "createRule": "AUTHENTICATED", "fields": [
                { "key": "title", "name": "Title", "type": "TEXT_FILTERABLE", "required": true },
                { "key": "body", "name": "Body", "type": "TEXT" },
                { "key": "topic", "name": "Topic", "type": "REFERENCE", "referencedTable": "topics" },
                { "key": "likes", "name": "Likes", "type": "NUMBER", "defaultValue": 0 },
                { "key": "price", "name": "Price", "type": "DECIMAL" },
                { "key": "published", "name": "Published", "type": "BOOLEAN", "defaultValue": false },
            ] }),
        ] {
            let Value::Object(table) = table else { continue };
            let made = self.create_table(app, TableDraft::from_json(table)?, actor()).await;
            known_is_fine(made.map(|_| ()), Code::TableExists)?;
        }
        Ok(free)
    }

    async fn demo_members(&self, place: LastingAccess, count: u64, contracts: u64, free: &[PlanId]) -> u64 {
        let (now, day_us) = (self.now(), 24 * 3600 * MICROS_PER_SECOND);
        let rows = (0..count).map(|number| {
            let place = number as usize;
            let (first, last) = name_of(number);
            // The oldest first, more of them lately.
            let age = (count - number) as f64 / count as f64;
            // Whoever has a contract has been there for as long.
            let before = if number < contracts { HISTORY_DAYS * day_us } else { 0 };
            let created = now.plus_micros(-((age * age * 29.0 * day_us as f64) as i64) - 1 - before);
            let seen = (!place.is_multiple_of(5)).then(|| created.plus_micros((now.micros() - created.micros()) / 2));
            let plans = free.iter().enumerate().filter(|(at, _)| !(place + at).is_multiple_of(3));
            let row = json!({
                "email": email_of(number), "verified": !place.is_multiple_of(4), "createdAt": created, "lastLogin": seen,
                "plans": plans.map(|(_, plan)| plan.as_str()).collect::<Vec<_>>(),
                "customFields": { "first-name": first, "last-name": last, "city": CITIES[place % CITIES.len()] },
                "metaData": { "source": if place.is_multiple_of(2) { "website" } else { "front desk" } },
            });
            ImportRow::from_json_line(number + 1, &row.to_string())
        });
        let rows: Vec<_> = rows.collect();
        Importer::new(self, place, false, OnError::Skip).run(stream::iter(rows), |_| ()).await.taken
    }

    async fn demo_records(&self, place: &LastingAccess) -> Result<u64, AppError> {
        let access = place.access();
        let mut topics = Vec::new();
        for title in ["News", "Classes", "Behind the scenes"] {
            let mut data = serde_json::Map::new();
            data.insert("title".into(), title.into());
            match self.create_record(&access, "topics", &data, None).await {
                Ok(written) => topics.push(written.record.id),
                // They are there from another time, and so is what belongs to them.
                Err(error) if error.code == Code::FieldNotUnique => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        let mut made = topics.len() as u64;
        for (title, number) in TOPICS.iter().zip(0_usize..) {
            let data = json!({
                "title": title, "body": format!("{title}. Read on in the next letter."),
                "topic": topics[number % topics.len()], "likes": number * 7 % 40,
                "price": format!("{}.50", number % 9), "published": number % 3 != 2,
            });
            if let Value::Object(data) = data {
                self.create_record(&access, "posts", &data, None).await?;
                made += 1;
            }
        }
        Ok(made)
    }
}

fn name_of(number: u64) -> (&'static str, &'static str) {
    let place = number as usize;
    (FIRST[place % FIRST.len()], LAST[(place * 7 + place / 24) % LAST.len()])
}

/// The address of one of the demo's members.
fn email_of(number: u64) -> String {
    let (first, last) = name_of(number);
    let round = number as usize / (FIRST.len() * LAST.len());
    let tail = if round == 0 { String::new() } else { round.to_string() };
    format!("{}.{}{tail}@example.com", first.to_lowercase(), last.to_lowercase())
}

fn known_is_fine(made: Result<(), AppError>, known: Code) -> Result<(), AppError> {
    made.or_else(|error| if error.code == known { Ok(()) } else { Err(error) })
}
