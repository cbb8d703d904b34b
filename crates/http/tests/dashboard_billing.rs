//! What the dashboard shows and sets of money: the figures at home, prices and their trials, how an app bills.

mod dashboard;

use dashboard::Office;
use guildhall_app::contracts::{ContractChange, ContractDraft, ContractStatus, LineDraft};
use guildhall_domain::operator::Role;
use guildhall_domain::{Code, Mode};
use guildhall_testkit::both_engines;

const DAY_US: i64 = 24 * 3_600 * 1_000_000;

/// What a tile at home shows under its name.
fn tile(page: &str, name: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("<span class=\"stat-name\">{name}</span>")).expect("the tile is there");
    // It is a link if there is a page behind it.
    let end = ["</div>", "</a>"].iter().filter_map(|end| rest.find(end)).min().expect("it ends");
    let tile = &rest[..end];
    let texts = tile.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim());
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" | ")
}

both_engines! {
    async fn home_tells_how_contracts_stand_and_how_they_came_there(engine) {
        let office = Office::open(engine).await;
        let (owner, reader) = (office.owner().await, office.operator(Role::ReadOnly).await);
        let home = owner.page(&office.path("")).await;
        assert_eq!(tile(&home, "Active contracts"), "0");
        assert_eq!(tile(&home, "Monthly recurring revenue"), "–");
        assert_eq!(tile(&home, "Churn, last 30 days"), "– | 0 of 0 ended");
        assert!(!home.contains("Failed charges by day"), "without contracts there is nothing to draw");

        let guildhall = &office.server.guildhall;
        let leave = guildhall.command_line_access(&office.server.app, Mode::Sandbox).await.expect("the sandbox");
        let access = leave.access();
        let start = guildhall.freeze_clock(&access).await.expect("the clock stands").now;
        let mut numbers = Vec::new();
        for (customer, price, currency, token) in [
            (1, "20.00", "eur", "fake_succeeds"), (2, "30.00", "eur", "fake_succeeds"), (3, "10.00", "eur", "fake_declined"), (4, "5.00", "usd", "fake_succeeds"),
        ] {
            let line = LineDraft { variant: 900, quantity: 1, price: Some(price.into()), ..LineDraft::default() };
            let draft = ContractDraft {
                customer, currency: Some(currency.into()), lines: vec![line], payment_method: Some(token.into()),
                period: guildhall_app::contracts::Period::of(guildhall_app::contracts::PeriodUnit::Month, 1), ..ContractDraft::default()
            };
            numbers.push(guildhall.create_contract(&access, draft).await.expect("a contract").contract().number);
        }
        guildhall.advance_clock(&access, start.plus_micros(2 * DAY_US)).await.expect("the clock moves");
        let home = owner.page(&office.path("")).await;
        assert_eq!(tile(&home, "Active contracts"), "4");
        assert_eq!(tile(&home, "Monthly recurring revenue"), "60.00 EUR | 5.00 USD");
        assert_eq!(tile(&home, "Failed charges, last 30 days"), "1 | 1 contract being tried again");
        assert!(home.contains("Collected by day, EUR: 50.00 EUR from"), "{home}");
        assert!(home.contains("Collected by day, USD: 5.00 USD from"));
        assert!(home.contains("31 Jan: 50.00 EUR</title>") && home.contains("2 Feb: 60.00 EUR</title>"), "{home}");
        assert!(home.contains("30 Jan: 0</title>") && home.contains("2 Feb: 4</title>"), "active contracts by day");

        // A month on: the one that is declined was cancelled by its dunning, another by somebody.
        guildhall.advance_clock(&access, start.plus_micros(33 * DAY_US)).await.expect("the clock moves");
        let cancel = ContractChange::Status(ContractStatus::Cancelled);
        guildhall.change_contract(&access, numbers[0], cancel).await.expect("it ends");
        let home = reader.page(&office.path("")).await;
        assert_eq!(tile(&home, "Active contracts"), "2");
        assert_eq!(tile(&home, "Monthly recurring revenue"), "30.00 EUR | 5.00 USD");
        assert_eq!(tile(&home, "Churn, last 30 days"), "50.0 % | 2 of 4 ended");
        for (days, bars) in [("30", 30), ("91", 13), ("364", 52)] {
            let page = reader.page(&office.path(&format!("?days={days}"))).await;
            assert!(page.contains(&format!("?days={days}\" aria-current=\"true\"")), "{days}");
            let collected = page.split("id=\"h-collected-eur\"").nth(1).expect("the plot").split("</section>").next().expect("it ends");
            assert_eq!(collected.matches("class=\"bar\"").count(), bars, "{days}");
            assert!(page.len() < 100_000, "{days} weighs {}", page.len());
        }
        for odd in ["0", "-1", "31", "x", "%00", "99999999999999999999"] {
            assert_eq!(reader.page(&office.path(&format!("?days={odd}"))).await.matches("aria-current=\"true\">30 days").count(), 1, "{odd}");
        }
        // Live knows nothing of it.
        let live = reader.page(&office.path("").replace("/sandbox", "/live")).await;
        assert_eq!(tile(&live, "Active contracts"), "0");
    }

    async fn a_price_has_its_trial_and_can_be_retired(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let plan = owner.send(&office.path("/plans"), "name=Gold&amount=20&currency=eur&interval=month&trial-days=7").await;
        let path = plan.header("location").split('?').next().expect("a path").to_owned();
        assert!(owner.page(&path).await.contains("first 7 days free"));
        for (form, words) in [
            ("amount=5&currency=eur&interval=month&trial-days=731", "from 0 to 730 days"),
            ("amount=5&currency=eur&interval=month&trial-days=two", "must be a whole number"),
            ("amount=1.234&currency=eur&interval=month", "no more digits than its currency"),
        ] {
            let reply = owner.send(&format!("{path}/prices"), form).await;
            assert_eq!(reply.status, 400, "{form}");
            assert!(reply.text().contains(words), "{form}: {}", reply.text());
        }
        assert_eq!(owner.send(&format!("{path}/prices"), "amount=1.234&currency=kwd&interval=year").await.status, 303);
        let guildhall = &office.server.guildhall;
        let price = guildhall.definitions(&office.server.app).await.expect("definitions").plans[0].prices[0].clone();
        assert_eq!((price.trial_days, price.money.minor), (7, 2_000));

        let buy = async |customer: i64| {
            let leave = guildhall.command_line_access(&office.server.app, Mode::Sandbox).await.expect("the sandbox");
            let line = LineDraft { variant: price.number, quantity: 1, ..LineDraft::default() };
            let draft = ContractDraft { customer, lines: vec![line], payment_method: Some("fake_succeeds".into()), ..ContractDraft::default() };
            guildhall.create_contract(&leave.access(), draft).await
        };
        let held = buy(1).await.expect("it is offered");
        let retire = format!("{path}/prices/{}", price.id);
        assert_eq!(owner.send(&retire, "status=SIDEWAYS").await.status, 400);
        let retired = owner.send(&retire, "status=INACTIVE").await;
        assert!(retired.header("location").ends_with("done=price-retired"));
        assert!(owner.page(&path).await.contains("Retired") && owner.page(&office.path("/plans")).await.contains(", retired"));
        assert_eq!(buy(2).await.expect_err("it takes no new contracts").code, Code::PriceRetired);
        // Whoever holds it keeps it, and is billed.
        let leave = guildhall.command_line_access(&office.server.app, Mode::Sandbox).await.expect("the sandbox");
        let now = guildhall.freeze_clock(&leave.access()).await.expect("the clock stands").now;
        guildhall.advance_clock(&leave.access(), now.plus_micros(8 * DAY_US)).await.expect("the clock moves");
        let kept = guildhall.contract(&leave.access(), held.contract().number).await.expect("it is there");
        assert_eq!((kept.contract().progress.paid_cycles, kept.contract().status()), (1, ContractStatus::Active));
        let line = ContractChange::UpdateLine { line: 1, quantity: Some(2), price: None, price_per_unit: true, variant: Some(price.number), selling_plan_name: None };
        guildhall.change_contract(&leave.access(), held.contract().number, line).await.expect("its own price stays");
        let add = ContractChange::AddLine { line: LineDraft { variant: price.number, quantity: 1, ..LineDraft::default() }, one_time: false };
        let added = guildhall.change_contract(&leave.access(), held.contract().number, add).await;
        assert_eq!(added.expect_err("no line more of it").code, Code::PriceRetired);
        assert!(owner.send(&retire, "status=ACTIVE").await.header("location").ends_with("done=price-offered"));
        buy(2).await.expect("it is offered again");
        // A plan that cannot be taken offers none of its prices.
        assert_eq!(owner.send(&path, "name=Gold").await.status, 303);
        assert_eq!(buy(3).await.expect_err("the plan is inactive").code, Code::PriceRetired);
        let unknown = owner.send(&format!("{path}/prices/prc_none"), "status=INACTIVE").await;
        assert_eq!(unknown.status, 404);
    }

    async fn how_an_app_bills_is_set_with_its_other_settings(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let path = office.path("/settings");
        let form = |billing: &str| format!("name=Site&shop=&session-days=14&self-delete=on&api-access=on&{billing}");
        let good = "time-zone=Europe%2FBerlin&currency=EUR&dunning-retries=0&dunning-days=15&dunning-outcome=SKIP_FAILED_ORDER";
        assert_eq!(owner.send(&path, &form(good)).await.status, 303);
        let app = async || office.server.guildhall.definitions(&office.server.app).await.expect("definitions").app;
        let set = app().await;
        assert_eq!((set.time_zone.as_str(), set.currency.as_str()), ("Europe/Berlin", "eur"));
        assert_eq!((set.dunning.retries, set.dunning.days, set.dunning.outcome.as_str()), (0, 15, "SKIP_FAILED_ORDER"));
        let shown = owner.page(&path).await;
        assert!(shown.contains("value=\"Europe/Berlin\"") && shown.contains("value=\"SKIP_FAILED_ORDER\" selected"), "{shown}");
        assert!(owner.page(&office.path("/plans")).await.contains("name=\"currency\" value=\"eur\""), "prices are in it at first");
        for (slip, words) in [
            ("time-zone=Mars%2FOlympus", "IANA name"), ("currency=euro", "three-letter code"), ("dunning-retries=16", "from 0 to 15 times"),
            ("dunning-retries=-1", "from 0 to 15 times"), ("dunning-days=0", "from 1 to 15 days"), ("dunning-days=soon", "must be a whole number"),
            ("dunning-outcome=SUE", "Choose what is done"), ("time-zone=%00", "IANA name"),
        ] {
            let reply = owner.send(&path, &form(slip)).await;
            assert_eq!(reply.status, 400, "{slip}");
            assert!(reply.text().contains(words), "{slip}: {}", reply.text());
        }
        assert!(owner.send(&path, &form("dunning-retries=99")).await.text().contains("value=\"99\""), "what was typed stays");
        assert_eq!(app().await.dunning, set.dunning);
        let reader = office.operator(Role::ReadOnly).await;
        assert_eq!(reader.send(&path, &form(good)).await.status, 403);
    }
}
