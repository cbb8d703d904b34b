//! A year in seconds: a thousand contracts with mixed periods, trials, refusals and pauses, moved 400 days by the
//! sandbox's clock. What should have been charged is worked out here by itself, with a calendar library and the
//! vendor's rules; every charge of it must be there once, and none beside it.

use guildhall_app::auth::CommandLineAccess;
use guildhall_app::contracts::{
    AttemptFilter, AttemptStatus, ContractChange, ContractDraft, ContractStatus, LineDraft, Period,
    PeriodUnit,
};
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_app::{Guildhall, apps::AppChange};
use guildhall_domain::audit::Actor;
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money};
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Mode, Timestamp};
use guildhall_testkit::{TestServer, both_engines};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use std::collections::BTreeMap;

const CONTRACTS: i64 = 1_000;
const DAY: i64 = 86_400 * MICROS_PER_SECOND;
const ZONE: &str = "Europe/Berlin";
const PAUSED_ON: i64 = 100;
const RESUMED_ON: i64 = 200;
const ENDS_ON: i64 = 400;
const TRIAL_DAYS: i64 = 14;
/// Tries after the first, and days between two: what an app has at first.
const RETRIES: i64 = 3;
const RETRY_DAYS: i64 = 3;

/// How the contract with this number is.
struct Plan {
    number: i64,
    minor: i64,
    period: Period,
    token: &'static str,
    trial: bool,
    paused: bool,
}

fn plan(number: i64) -> Plan {
    let periods = [
        (PeriodUnit::Month, 1),
        (PeriodUnit::Month, 3),
        (PeriodUnit::Week, 4),
        (PeriodUnit::Day, 45),
        (PeriodUnit::Year, 1),
        (PeriodUnit::Month, 2),
        (PeriodUnit::Day, 30),
    ];
    let (unit, count) = periods[number as usize % periods.len()];
    let token = match number % 10 {
        0 => "fake_declined_from_3rd_renewal",
        1 => "fake_answer_lost",
        2 => "fake_declined",
        3 => "fake_answer_lost_sometimes",
        4 => "fake_times_out",
        _ => "fake_succeeds",
    };
    let (trial, paused) = (number % 4 == 0, number % 6 == 0);
    Plan { number, minor: 1_000 + number, period: Period { unit, count }, token, trial, paused }
}

/// The first date of a contract without a trial: all days of a month, hours around midnight.
fn first_date(number: i64, start: Timestamp) -> Timestamp {
    start.plus_micros(number % 31 * DAY + number % 48 * 1_800 * MICROS_PER_SECOND)
}

/// `anchor` moved by so many periods on the wall clock of the zone.
fn moved(anchor: Timestamp, period: Period, steps: i64) -> Timestamp {
    let zone = TimeZone::get(ZONE).expect("a zone");
    let wall: DateTime =
        zone.to_datetime(jiff::Timestamp::from_microsecond(anchor.micros()).expect("a time"));
    let units = i64::from(period.count) * steps;
    let span: Span = match period.unit {
        PeriodUnit::Day => units.days(),
        PeriodUnit::Week => units.weeks(),
        PeriodUnit::Month => units.months(),
        PeriodUnit::Year => units.years(),
    };
    let wall = wall.checked_add(span).expect("in the calendar");
    Timestamp::from_micros(zone.to_timestamp(wall).expect("a time").as_microsecond())
}

/// The dates that should have been charged.
fn expected(plan: &Plan, start: Timestamp) -> Vec<Timestamp> {
    let anchor =
        if plan.trial { start.plus_micros(TRIAL_DAYS * DAY) } else { first_date(plan.number, start) };
    let day = |number: i64| start.plus_micros(number * DAY);
    let ends = day(ENDS_ON);
    let dates = (0..).map(|step| moved(anchor, plan.period, step)).take_while(|date| *date <= ends);
    let mut charged = Vec::new();
    for date in dates {
        let rests = plan.paused && date > day(PAUSED_ON) && date <= day(RESUMED_ON);
        if rests {
            continue;
        }
        let refused = match plan.token {
            "fake_declined" | "fake_times_out" => true,
            "fake_declined_from_3rd_renewal" => charged.len() >= 3,
            _ => false,
        };
        if refused {
            // The tries end in the cancellation of the contract, or the contract is paused between them: then
            // that period is charged on no other day, and the same awaits the next.
            let last_try = date.plus_micros(RETRIES * RETRY_DAYS * DAY);
            let paused_between = plan.paused && date <= day(PAUSED_ON) && last_try > day(PAUSED_ON);
            if paused_between {
                continue;
            }
            break;
        }
        charged.push(date);
    }
    charged
}

async fn make_price(guildhall: &Guildhall, server: &TestServer) -> i64 {
    let money = Money { minor: 500, currency: "eur".into() };
    let price = PriceDraft { name: None, money, interval: Interval::Month(1), trial_days: TRIAL_DAYS as u32 };
    let draft = PlanDraft {
        name: "Gold".into(),
        description: None,
        priority: None,
        restrict_to_admin: false,
        member_limit: None,
        redirects: JsonObject::empty(),
        prices: vec![price],
    };
    let plan = guildhall.create_plan(&server.app, draft, Actor::CommandLine).await.expect("a plan");
    plan.prices[0].number
}

async fn make(
    guildhall: &Guildhall,
    place: &CommandLineAccess,
    plan: &Plan,
    price: i64,
    start: Timestamp,
) -> i64 {
    let amount = format!("{}.{:02}", plan.minor / 100, plan.minor % 100);
    let line = LineDraft { variant: price, quantity: 1, price: Some(amount), ..LineDraft::default() };
    let draft = ContractDraft {
        customer: 10_000 + plan.number,
        email: Some(format!("m{}@example.com", plan.number)),
        lines: vec![line],
        period: Some(plan.period),
        next_billing: (!plan.trial).then(|| first_date(plan.number, start)),
        payment_method: Some(plan.token.into()),
        ..ContractDraft::default()
    };
    let made = guildhall.create_contract(&place.access(), draft).await.expect("a contract is made");
    made.contract().number
}

both_engines! {
    async fn every_charge_of_a_year_is_made_once(engine) {
        let server = TestServer::start_with(engine, |settings| {
            settings.limits.sandbox_members_max = CONTRACTS;
        })
        .await;
        let guildhall = &server.guildhall;
        let zone = AppChange { time_zone: Some(ZONE.into()), ..AppChange::default() };
        guildhall.update_app(&server.app, zone, Actor::CommandLine).await.expect("the zone is set");
        let price = make_price(guildhall, &server).await;
        let place = guildhall.command_line_access(&server.app, Mode::Sandbox).await.expect("the sandbox");
        let access = place.access();
        let start = guildhall.freeze_clock(&access).await.expect("the clock stands").now;

        let plans: Vec<_> = (0..CONTRACTS).map(plan).collect();
        let mut numbers = BTreeMap::new();
        for plan in &plans {
            numbers.insert(make(guildhall, &place, plan, price, start).await, plan);
        }
        let advance = async |day: i64| {
            let to = start.plus_micros(day * DAY);
            let state = guildhall.advance_clock(&access, to).await.expect("the clock moves");
            assert_eq!((state.now, state.target), (to, None));
        };
        let change = async |status: ContractStatus| {
            for (number, _) in numbers.iter().filter(|(_, plan)| plan.paused) {
                let changed =
                    guildhall.change_contract(&access, *number, ContractChange::Status(status)).await;
                // Those that were refused have ended by now.
                assert!(changed.is_ok() || changed.is_err_and(|error| error.code.name() == "contract_ended"));
            }
        };
        advance(PAUSED_ON).await;
        change(ContractStatus::Paused).await;
        advance(RESUMED_ON).await;
        change(ContractStatus::Active).await;
        advance(ENDS_ON).await;

        let mut charged: BTreeMap<i64, Vec<Timestamp>> = BTreeMap::new();
        let mut sum = 0;
        let filter = AttemptFilter { statuses: vec![AttemptStatus::Success], ..AttemptFilter::default() };
        let (found, total) =
            guildhall.list_attempts(&access, filter, 0, 1_000_000).await.expect("attempts are listed");
        assert_eq!(found.len() as i64, total);
        for (attempt, _) in &found {
            charged.entry(attempt.contract).or_default().push(attempt.due_at);
            sum += attempt.money.minor;
        }
        let mut expected_sum = 0;
        for (number, plan) in &numbers {
            let dates = expected(plan, start);
            expected_sum += plan.minor * dates.len() as i64;
            let made = charged.remove(number).unwrap_or_default();
            let shown = |dates: &[Timestamp]| dates.iter().map(|date| date.to_iso()).collect::<Vec<_>>();
            assert_eq!(
                shown(&made), shown(&dates),
                "{}: every {} {}, {}, trial {}, paused {}",
                plan.number, plan.period.count, plan.period.unit.as_str(), plan.token, plan.trial, plan.paused
            );
        }
        assert!(charged.is_empty());
        assert_eq!(sum, expected_sum);
        assert!(total > 4_000, "{total} charges are too few to say much");
    }
}
