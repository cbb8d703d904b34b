//! A sandbox in which something is sold: two plans with prices, and members who pay for them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use crate::dashboard::Office;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::billing::clock::ClockState;
use guildhall_app::contracts::{
    AttemptFilter, AttemptStatus, Contract, ContractDraft, ContractFilter, ContractPage, LineDraft,
};
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::PlanId;
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money};
use guildhall_domain::{Mode, Timestamp};

const DAY_US: i64 = 86_400_000_000;

/// Silver is 20.00 USD a month, gold 50.00.
pub struct Shop<'o> {
    office: &'o Office,
    place: CommandLineAccess,
    pub gold: PlanId,
    pub silver_price: i64,
    pub gold_price: i64,
}

impl<'o> Shop<'o> {
    pub async fn open(office: &'o Office) -> Self {
        let (_, silver_price) = plan(office, "Silver", 2_000).await;
        let (gold, gold_price) = plan(office, "Gold", 5_000).await;
        let guildhall = &office.server.guildhall;
        let place =
            guildhall.command_line_access(&office.server.app, Mode::Sandbox).await.expect("the sandbox");
        Self { office, place, gold, silver_price, gold_price }
    }

    /// A member with a contract for silver, billed from now on by this payment method.
    pub async fn contract(&self, email: &str, method: &str) -> i64 {
        self.make(email, method, self.silver_price, None).await
    }

    /// As `contract`, first billed in so many days.
    pub async fn contract_on(&self, email: &str, days: i64) -> i64 {
        self.make(email, "fake_succeeds", self.silver_price, Some(self.ahead(days))).await
    }

    /// As `contract`, for gold.
    pub async fn dearer(&self, email: &str) -> i64 {
        self.make(email, "fake_succeeds", self.gold_price, None).await
    }

    async fn make(&self, email: &str, method: &str, variant: i64, next_billing: Option<Timestamp>) -> i64 {
        self.office.server.member(email).await;
        let draft = ContractDraft {
            customer: self.customer(email).await,
            lines: vec![LineDraft { variant, quantity: 1, ..LineDraft::default() }],
            payment_method: Some(method.into()),
            next_billing,
            ..ContractDraft::default()
        };
        let guildhall = &self.office.server.guildhall;
        let made = guildhall.create_contract(&self.place.access(), draft).await.expect("a contract");
        made.contract().number
    }

    pub async fn member_id(&self, email: &str) -> String {
        let found = self.office.server.guildhall.get_member(&self.place.access(), email).await;
        found.expect("it answers").expect("a member").id.to_string()
    }

    pub async fn customer(&self, email: &str) -> i64 {
        let member = self.member_id(email).await;
        self.office.server.guildhall.customer_number(&self.place.access(), &member).await.expect("a number")
    }

    /// Does what is due, as the server's job would.
    pub async fn bill(&self) {
        while self.office.server.guildhall.run_billing().await.expect("billing runs") > 0 {}
    }

    pub async fn read(&self, number: i64) -> Contract {
        let view = self.office.server.guildhall.contract(&self.place.access(), number).await;
        view.expect("a contract").held.contract
    }

    async fn attempts(&self, number: i64, statuses: Vec<AttemptStatus>) -> Vec<i64> {
        let filter = AttemptFilter {
            contract: Some(number),
            statuses,
            latest_first: true,
            ..AttemptFilter::default()
        };
        let found = self.office.server.guildhall.list_attempts(&self.place.access(), filter, 0, 10).await;
        found.expect("attempts").0.iter().map(|(attempt, _)| attempt.number).collect()
    }

    /// The number of a contract's attempt in the queue.
    pub async fn queued(&self, number: i64) -> i64 {
        self.attempts(number, vec![AttemptStatus::Queued]).await[0]
    }

    pub async fn last_attempt(&self, number: i64) -> i64 {
        self.attempts(number, Vec::new()).await[0]
    }

    /// The number of a member's contract that costs nothing.
    pub async fn free_contract(&self, email: &str) -> i64 {
        let page = ContractPage { order: Vec::new(), offset: 0, limit: 100 };
        let filter = ContractFilter { email_has: Some(email.into()), ..ContractFilter::default() };
        let listed = self.office.server.guildhall.list_contracts(&self.place.access(), filter, page).await;
        let listed = listed.expect("contracts").0;
        let free = listed.iter().find(|held| held.contract.terms.subtotal() == 0);
        free.expect("a free contract").contract.number
    }

    /// How many charges the fake provider has on its books.
    pub async fn charges(&self) -> i64 {
        self.office.server.database.number("SELECT COUNT(*) FROM fake_charges").await
    }

    pub async fn clock(&self) -> ClockState {
        self.office.server.guildhall.environment_clock(&self.place.access()).await.expect("a clock")
    }

    /// As if the clock were on its way, and whoever moves it gone.
    pub async fn set_moving(&self) {
        let sql = "UPDATE environments SET clock_target = clock_at + 86400000000 WHERE clock_at IS NOT NULL";
        self.office.server.database.execute(sql).await;
    }

    fn ahead(&self, days: i64) -> Timestamp {
        self.office.server.guildhall.now().plus_micros(days * DAY_US)
    }

    /// The day in so many days, `2027-01-31`.
    pub fn day(&self, days: i64) -> String {
        self.ahead(days).to_iso()[..10].to_owned()
    }
}

async fn plan(office: &Office, name: &str, minor: i64) -> (PlanId, i64) {
    let money = Money { minor, currency: "usd".into() };
    let draft = PlanDraft {
        name: name.into(),
        description: None,
        priority: None,
        restrict_to_admin: false,
        member_limit: None,
        redirects: JsonObject::empty(),
        prices: vec![PriceDraft { name: None, money, interval: Interval::Month(1), trial_days: 0 }],
    };
    let server = &office.server;
    let plan = server.guildhall.create_plan(&server.app, draft, Actor::CommandLine).await.expect("a plan");
    (plan.id, plan.prices[0].number)
}

/// Numbers of the contracts in the rows of a page, in order.
pub fn numbers(page: &str) -> Vec<i64> {
    let rows = page.split("<span class=\"muted\">#").skip(1);
    rows.map(|row| row.split('<').next().and_then(|text| text.parse().ok()).expect("a number")).collect()
}

/// The address behind a link with a relation.
pub fn link(page: &str, rel: &str) -> Option<String> {
    let before =
        page.split(&format!("\" rel=\"{rel}\"")).next().filter(|before| before.len() < page.len())?;
    Some(before.rsplit("href=\"").next().expect("an address").replace("&#38;", "&").replace("&amp;", "&"))
}

/// What a page complains of; empty if it does not.
pub fn alert(page: &str) -> String {
    let after = page.split("role=\"alert\">").nth(1).unwrap_or_default();
    after.split("</p>").next().unwrap_or_default().to_owned()
}
