//! A new contract for a member.

use super::form::{count, day_of, wrong};
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::form::Form;
use crate::dashboard::plans::price_text;
use crate::dashboard::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::contracts::{ContractDraft, LineDraft};
use guildhall_app::members::Member;
use guildhall_domain::Code;
use guildhall_domain::plan::Status;
use guildhall_domain::scope::Action;

/// Payment methods that the fake provider makes up, and what becomes of charges to them.
const FAKE_METHODS: [(&str, &str); 5] = [
    ("fake_succeeds", "A card that works"),
    ("fake_declined", "A card that is declined"),
    ("fake_declined_from_3rd_renewal", "A card that is declined from the third renewal on"),
    ("fake_needs_authentication", "A card whose bank wants its customer to confirm"),
    ("fake_times_out", "A provider that does not answer"),
];

#[derive(Template)]
#[template(path = "dashboard/contract_new.html")]
struct NewPage {
    shell: Shell,
    member: String,
    customer: String,
    prices: Vec<(String, String)>,
    /// What the form sends, and what people see.
    methods: Vec<(String, String)>,
    fake: bool,
    error: Option<String>,
    form: Form,
}

impl NewPage {
    fn typed<'p>(&'p self, name: &str, otherwise: &'p str) -> &'p str {
        if self.form.ticked(name) { self.form.get(name) } else { otherwise }
    }
}

async fn member_of(desk: &Desk) -> Result<Member, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let id = desk.param("member");
    let found = desk.guildhall().get_member(&access, id).await?;
    found.filter(|member| member.id.as_str() == id).ok_or_else(|| Code::MemberNotFound.into())
}

/// `GET …/members/{member}/contracts/new`
pub(in crate::dashboard) async fn new(desk: Desk) -> Result<Response, AppError> {
    let page = page(&desk, None).await?;
    desk.page(&page)
}

async fn page(desk: &Desk, error: Option<String>) -> Result<NewPage, AppError> {
    let access = desk.allow(Action::ContractWrite)?;
    let member = member_of(desk).await?;
    let known = desk.guildhall().member_contracts(&access, &member).await?.methods;
    let fake = desk.guildhall().makes_payment_methods(&access);
    let mut methods: Vec<_> = known
        .iter()
        .map(|method| {
            let made_up =
                if method.provider == "fake" { format!(" ({})", method.reference) } else { String::new() };
            (method.number.to_string(), format!("{} •••• {}{made_up}", method.brand, method.last_digits))
        })
        .collect();
    if fake {
        let new =
            FAKE_METHODS.iter().filter(|(token, _)| known.iter().all(|method| method.reference != *token));
        methods.extend(new.map(|(token, words)| ((*token).to_owned(), format!("{words} ({token})"))));
    }
    let plans = access.definitions().plans.iter().filter(|plan| plan.status == Status::Active);
    let prices = plans
        .flat_map(|plan| {
            plan.prices.iter().filter(|price| plan.offers(price)).map(move |price| (plan, price))
        })
        .map(|(plan, price)| {
            let trial = match price.trial_days {
                0 => String::new(),
                days => format!(", {days} days of trial"),
            };
            (price.number.to_string(), format!("{}: {}{trial}", plan.name, price_text(price)))
        });
    Ok(NewPage {
        shell: desk.shell("New contract", "members"),
        customer: member.email.clone().unwrap_or_else(|| member.id.to_string()),
        member: member.id.to_string(),
        prices: prices.collect(),
        methods,
        fake,
        error,
        form: desk.form.clone(),
    })
}

/// `POST …/members/{member}/contracts`
pub(in crate::dashboard) async fn create(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ContractWrite)?;
    let member = member_of(&desk).await?;
    let created = async {
        let customer = desk.guildhall().customer_number(&access, member.id.as_str()).await?;
        let draft = draft(&desk, customer)?;
        desk.guildhall().create_contract(&access, draft).await
    };
    match created.await {
        Ok(view) => Ok(desk.done(&format!("/contracts/{}", view.contract().number), "contract-created")),
        Err(error) if can_be_mended(&error) => {
            let page = page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

fn draft(desk: &Desk, customer: i64) -> Result<ContractDraft, AppError> {
    let form = &desk.form;
    let variant = form.get("price").parse().map_err(|_| wrong("Choose a price."))?;
    let definitions = desk.place()?.definitions();
    definitions.price_numbered(variant).ok_or_else(|| wrong("There is no such price."))?;
    let quantity = count(form, "quantity", "The quantity")?.unwrap_or(1);
    // Today has begun: as without a date.
    let next_billing = day_of(form, "on")?.filter(|day| day.day() != desk.time().day());
    Ok(ContractDraft {
        customer,
        lines: vec![LineDraft { variant, quantity, ..LineDraft::default() }],
        next_billing,
        begins_in_trial: form.ticked("trial"),
        min_cycles: count(form, "min", "The least number of charges")?,
        max_cycles: count(form, "max", "The most charges")?,
        paused: form.ticked("paused"),
        payment_method: Some(form.get("method").to_owned()),
        ..ContractDraft::default()
    })
}
