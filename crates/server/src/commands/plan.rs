//! `guildhall plan …`

use super::Print;
use crate::output;
use anyhow::bail;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, Plan};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a plan; without a price it is free
    Create {
        /// The app's id
        #[arg(long)]
        app: String,
        /// What members see
        #[arg(long)]
        name: String,
        /// What operators write about it
        #[arg(long)]
        description: Option<String>,
        /// Price in minor units, e.g. cents
        #[arg(long, value_name = "CENTS")]
        price: Option<i64>,
        /// Three-letter code of the currency
        #[arg(long, default_value = "usd", requires = "price")]
        currency: String,
        /// `day`, `week`, `month`, `year` or `once`
        #[arg(long, default_value = "once", requires = "price")]
        interval: Interval,
        /// Only servers and operators may give it
        #[arg(long)]
        restrict_to_admin: bool,
        /// How many members of one environment may hold it
        #[arg(long, value_name = "MEMBERS")]
        member_limit: Option<i64>,
        #[command(flatten)]
        print: Print,
    },
    /// List an app's plans
    List {
        /// The app's id
        #[arg(long)]
        app: String,
        #[command(flatten)]
        print: Print,
    },
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. } | Command::List { print, .. } => print.json,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create {
            app,
            name,
            description,
            price,
            currency,
            interval,
            restrict_to_admin,
            member_limit,
            print,
        } => {
            let draft = PlanDraft {
                name,
                description,
                priority: None,
                restrict_to_admin,
                member_limit,
                redirects: JsonObject::empty(),
                prices: price
                    .map(|minor| price_draft(minor, &currency, interval))
                    .transpose()?
                    .into_iter()
                    .collect(),
            };
            let plan = guildhall.create_plan(&AppId::from_text(app), draft, Actor::CommandLine).await?;
            output::show(print.json, &view(&plan), output::fields);
        }
        Command::List { app, print } => {
            let definitions = guildhall.definitions(&AppId::from_text(app)).await?;
            let rows: Vec<_> = definitions.plans.iter().map(view).collect();
            output::show(print.json, &rows.into(), |rows| {
                output::table(rows, &["id", "name", "status", "isPaid", "restrictToAdmin", "createdAt"])
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn price_draft(minor: i64, currency: &str, interval: Interval) -> anyhow::Result<PriceDraft> {
    let Some(money) = Money::price(minor, currency) else {
        bail!("a price is a number of minor units from 0, with a three-letter currency");
    };
    Ok(PriceDraft { name: None, money, interval, trial_days: 0 })
}

fn view(plan: &Plan) -> Value {
    let prices = plan.prices.iter().map(|price| {
        let interval = price.interval.parts().map(|(unit, count)| json!({ "type": unit, "count": count }));
        json!({
            "id": price.id, "amount": price.money.minor, "currency": price.money.currency, "interval": interval,
        })
    });
    json!({
        "id": plan.id, "name": plan.name, "description": plan.description, "status": plan.status,
        "isPaid": !plan.is_free(), "restrictToAdmin": plan.restrict_to_admin, "memberLimit": plan.member_limit,
        "prices": prices.collect::<Vec<_>>(), "permissions": plan.permissions, "createdAt": plan.created_at,
    })
}
