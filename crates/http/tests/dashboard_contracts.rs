//! Contracts in the dashboard: found, made, changed, and what is refused said on the page.

mod dashboard;
mod sold;

use dashboard::Office;
use guildhall_app::contracts::{ContractStatus, Life};
use guildhall_domain::Mode;
use guildhall_domain::operator::Role;
use guildhall_http::DASHBOARD_ROUTES;
use guildhall_testkit::both_engines;
use sold::{Shop, alert, link, numbers};

both_engines! {
    async fn pages_lead_through_all_contracts_and_back(engine) {
        let office = Office::open_roomy(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let mut made = Vec::new();
        for index in 0..120 {
            made.push(shop.contract(&format!("member{index}@example.com"), "fake_succeeds").await);
        }
        for (order, rel) in [("", "newest"), ("next", "by date"), ("next&status=ACTIVE", "by date, of a state")] {
            let first = office.path(&format!("/contracts?order={order}"));
            let (mut path, mut pages) = (first, Vec::new());
            loop {
                let page = owner.page(&path).await;
                pages.push(numbers(&page));
                match link(&page, "next") {
                    Some(next) => path = next,
                    None => break,
                }
            }
            let mut expected = made.clone();
            if order.is_empty() {
                expected.reverse();
            }
            assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20], "{rel}");
            assert_eq!(pages.concat(), expected, "{rel}");
            let mut page = owner.page(&path).await;
            for forward in pages.iter().rev().skip(1) {
                page = owner.page(&link(&page, "prev").expect("there is a page before")).await;
                assert_eq!(&numbers(&page), forward, "{rel}, backwards");
            }
            assert_eq!(link(&page, "prev"), None, "{rel}: the first page has none before it");
        }
    }

    async fn contracts_are_found_by_what_is_known_of_them(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        assert!(owner.page(&office.path("/contracts")).await.contains("No contracts yet"));
        let ada = shop.contract("ada@example.com", "fake_succeeds").await;
        let adele = shop.contract("adele@example.com", "fake_declined").await;
        let bert = shop.dearer("bert@example.com").await;
        shop.bill().await;
        let find = async |query: &str| numbers(&owner.page(&office.path(&format!("/contracts?{query}"))).await);
        assert_eq!(find("").await, [bert, adele, ada]);
        assert_eq!(find("q=AD").await, [adele, ada]);
        assert_eq!(find("q=ada%40").await, [ada]);
        assert_eq!(find("q=nobody").await, Vec::<i64>::new());
        let customer = shop.customer("ada@example.com").await;
        assert_eq!(find(&format!("q={customer}")).await, [ada], "by the customer's number");
        assert_eq!(find(&format!("q=%23{adele}")).await, [adele], "by the contract's own");
        assert_eq!(find(&format!("plan={}", shop.gold)).await, [bert]);
        assert_eq!(find(&format!("plan={}&status=PAUSED", shop.gold)).await, Vec::<i64>::new());
        assert_eq!(find("attention=yes").await, [adele]);
        assert_eq!(find("attention=yes&q=ada").await, Vec::<i64>::new());
        assert_eq!(find("order=next&q=ad").await, [ada], "what failed has had its date");
        assert_eq!(find("status=ACTIVE&order=next").await.len(), 2, "what is tried again has no date");
        let member = shop.member_id("ada@example.com").await;
        let found = owner.ask("GET", &office.path(&format!("/contracts?q={member}"))).await;
        assert_eq!(found.header("location"), office.path(&format!("/members/{member}")));
        for odd in ["q=%00", "plan=nowhere", "after=x", "after=1", "after=9.9.9", "before=-1.-1", "status=NONE", "order=%00", "q=99999999999999999999", "q=-5"] {
            let reply = owner.ask("GET", &office.path(&format!("/contracts?{odd}"))).await;
            assert!(reply.status.as_u16() < 500, "{odd}: {}", reply.text());
        }
    }

    async fn a_contract_is_paused_resumed_and_changed(engine) {
        let office = Office::open(engine).await;
        let (admin, shop) = (office.operator(Role::Admin).await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        shop.bill().await;
        let path = |rest: &str| office.path(&format!("/contracts/{number}{rest}"));
        let send = async |rest: &str, fields: &str| {
            let reply = admin.send(&path(rest), fields).await;
            assert_eq!(reply.status, 303, "{rest}: {}", alert(&reply.text()));
            let page = admin.page(&reply.header("location")).await;
            (shop.read(number).await, page)
        };
        let (contract, page) = send("/pause", "until=").await;
        assert_eq!(contract.status(), ContractStatus::Paused);
        assert!(page.contains("The contract rests") && page.contains("<strong>Paused</strong>"), "{page}");
        let (contract, page) = send("/resume", "").await;
        assert_eq!(contract.status(), ContractStatus::Active);
        assert!(page.contains("<strong>Resumed</strong>"));
        let until = shop.day(10);
        let (contract, _) = send("/pause", &format!("until={until}")).await;
        let Life::Paused(paused) = &contract.life else { panic!("it rests") };
        assert_eq!(paused.resume_at.expect("a date").to_iso()[..10], until);
        send("/resume", "").await;

        let next = shop.read(number).await.next_billing().expect("a date");
        let attempt = shop.queued(number).await;
        let (contract, page) = send("/skip", &format!("attempt={attempt}")).await;
        assert!(contract.next_billing() > Some(next), "a period on");
        assert!(page.contains("Period skipped") && page.contains("Do not skip"));
        let (contract, _) = send("/unskip", &format!("attempt={attempt}")).await;
        assert_eq!(contract.next_billing(), Some(next));

        let on = shop.day(20);
        let (contract, page) = send("/next-billing", &format!("on={on}")).await;
        let moved = contract.next_billing().expect("a date").to_iso();
        assert_eq!((&moved[..10], &moved[11..]), (&*on, &next.to_iso()[11..]), "the time of day stays");
        assert!(page.contains("Next billing moved"));
        let (contract, page) = send("/interval", "count=3&unit=MONTH").await;
        assert_eq!(contract.terms.period().map(|period| period.count), Some(3));
        assert!(page.contains("every 3 months") && page.contains("Interval changed"));

        send("/discounts", "kind=percent&value=25&limit=2&title=Spring").await;
        let (contract, page) = send("/discounts", "kind=amount&value=1.50").await;
        assert_eq!(contract.terms.total(), 2_000 - 500 - 150);
        assert!(page.contains("25 % off 2 charges (0 used)") && page.contains("Terms changed") && page.contains("discounts"));
        let discount = &contract.terms.discounts[0].id;
        let (contract, _) = send("/discounts/remove", &format!("discount={discount}")).await;
        assert_eq!(contract.terms.total(), 2_000 - 150);

        let (contract, _) = send("/cycles", "min=3&max=12").await;
        assert_eq!((contract.terms.min_cycles, contract.terms.max_cycles), (Some(3), Some(12)));
        let (contract, _) = send("/cycles", "min=&max=").await;
        assert_eq!((contract.terms.min_cycles, contract.terms.max_cycles), (None, None));
        let (contract, page) = send("/note", "note=Ring+twice%0D%0Aplease").await;
        assert_eq!(contract.notes.order_note.as_deref(), Some("Ring twice\nplease"));
        assert!(page.contains("Ring twice") && page.contains("contract.update"), "the audit trail tells it too");
    }

    async fn what_is_refused_is_said_on_the_page(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        shop.bill().await;
        let before = shop.read(number).await;
        let attempt = shop.queued(number).await;
        let other = shop.contract("bert@example.com", "fake_succeeds").await;
        let others = shop.queued(other).await;
        for (rest, fields, status, message) in [
            ("/pause", "until=2001-01-01", 400, "must be in the future"),
            ("/pause", "until=tomorrow", 400, "A date is"),
            ("/next-billing", "on=2001-01-01", 400, "must be in the future"),
            ("/next-billing", "on=", 400, "Choose the date"),
            ("/interval", "count=0&unit=MONTH", 400, "1 to 1000"),
            ("/interval", "count=1&unit=HOUR", 400, "1 to 1000"),
            ("/discounts", "kind=percent&value=101", 400, "from 1 to 100"),
            ("/discounts", "kind=code&value=NOPE", 400, "no discount with this code"),
            ("/discounts", "kind=amount&value=much", 400, "An amount is"),
            ("/cycles", "min=5&max=2", 400, "cannot be more"),
            ("/cycles", "min=-1", 400, "0 to 10000"),
            ("/note", &format!("note={}", "x".repeat(1_001)), 400, "at most 1000"),
            ("/plan", "price=1&mode=now", 400, "no such price"),
            ("/plan", &format!("price={}&mode=", shop.gold_price), 400, "Choose when"),
            ("/plan", &format!("price={}&mode=now", shop.silver_price), 409, "for this already"),
            ("/unskip", &format!("attempt={attempt}"), 409, "was not skipped"),
        ] {
            let reply = owner.send(&office.path(&format!("/contracts/{number}{rest}")), fields).await;
            assert_eq!(reply.status, status, "{rest} {fields}");
            assert!(alert(&reply.text()).contains(message), "{rest} {fields}: {}", alert(&reply.text()));
        }
        for (rest, fields) in [
            ("/skip", "attempt=1000000"), ("/skip", "attempt=x"), ("/charge", &*format!("attempt={others}")), ("/discounts/remove", "discount=none"),
            ("/plan/forget", ""),
        ] {
            let reply = owner.send(&office.path(&format!("/contracts/{number}{rest}")), fields).await;
            assert_eq!(reply.status, 404, "{rest} {fields}");
        }
        assert_eq!(format!("{:?}", shop.read(number).await), format!("{before:?}"), "nothing has changed");
        let page = owner.ask("GET", &office.path(&format!("/contracts/{number}/plan?price={}", shop.silver_price))).await;
        assert_eq!(page.status, 409);
    }

    async fn cancelling_says_beforehand_what_happens_to_access(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        let path = office.path(&format!("/contracts/{number}/cancel"));
        let page = owner.page(&path).await;
        assert!(page.contains("loses the use of it at once"), "{page}");
        shop.bill().await;
        let page = owner.page(&path).await;
        let until = shop.read(number).await.progress.paid_until.expect("it is paid");
        assert!(page.contains("may use it until") && page.contains(&until.to_iso()) && page.contains("taken up again until"));

        assert_eq!(owner.send(&office.path(&format!("/contracts/{number}/cycles")), "min=6&max=").await.status, 303);
        assert!(owner.page(&path).await.contains("cannot be cancelled before 6 billing cycles"));
        let refused = owner.send(&path, "feedback=x").await;
        assert_eq!((refused.status.as_u16(), alert(&refused.text()).contains("6 billing cycles")), (409, true));
        assert_eq!(owner.send(&office.path(&format!("/contracts/{number}/cycles")), "min=&max=").await.status, 303);

        let reply = owner.send(&path, "feedback=too+expensive&note=Back+in+spring").await;
        let page = owner.page(&reply.header("location")).await;
        let contract = shop.read(number).await;
        assert_eq!(contract.status(), ContractStatus::Cancelled);
        assert!(contract.progress.access, "what is paid may be used");
        assert!(page.contains("too expensive: Back in spring") && page.contains("Resume"));
        assert_eq!(owner.send(&office.path(&format!("/contracts/{number}/resume")), "").await.status, 303);
        assert_eq!(shop.read(number).await.status(), ContractStatus::Active);
    }

    async fn a_change_of_plan_says_beforehand_what_it_costs(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        let path = |price: i64| office.path(&format!("/contracts/{number}/plan?price={price}"));
        let page = owner.page(&path(shop.gold_price)).await;
        assert!(page.contains("Nothing is charged or given back") && page.contains("50.00 USD every month"), "before the first charge: {page}");
        shop.bill().await;
        let page = owner.page(&path(shop.gold_price)).await;
        assert!(page.contains("30.00 USD is charged now"), "the difference for the whole period: {page}");
        let change = format!("price={}&mode=later&once=1.plan", shop.gold_price);
        let before = shop.charges().await;
        for _ in 0..2 {
            let reply = owner.send(&office.path(&format!("/contracts/{number}/plan")), &change).await;
            assert_eq!(reply.status, 303, "{}", alert(&reply.text()));
        }
        shop.bill().await;
        assert_eq!(shop.charges().await, before + 1, "sent twice, charged once");
        let contract = shop.read(number).await;
        assert_eq!(contract.terms.total(), 5_000);
        let page = owner.page(&office.path(&format!("/contracts/{number}"))).await;
        assert!(page.contains("Plan changed") && page.contains("difference to the dearer plan"), "{page}");

        let page = owner.page(&path(shop.silver_price)).await;
        assert!(page.contains("Until then everything stays as it is") && page.contains("30.00 USD is taken off the next charges"), "{page}");
        let change = format!("price={}&mode=later", shop.silver_price);
        assert_eq!(owner.send(&office.path(&format!("/contracts/{number}/plan")), &change).await.status, 303);
        let page = owner.page(&office.path(&format!("/contracts/{number}"))).await;
        assert!(page.contains("Changes to Silver with the next period"), "{page}");
        assert_eq!(owner.send(&office.path(&format!("/contracts/{number}/plan/forget")), "").await.status, 303);
        assert!(shop.read(number).await.change.is_none());
    }

    async fn a_form_that_is_sent_twice_is_carried_out_once(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        office.server.member("ada@example.com").await;
        let member = shop.member_id("ada@example.com").await;
        let new = office.path(&format!("/members/{member}/contracts"));
        let fields = format!("price={}&method=fake_succeeds&quantity=2&once=7.create", shop.silver_price);
        let (one, two) = tokio::join!(owner.send(&new, &fields), owner.send(&new, &fields));
        assert_eq!((one.status.as_u16(), two.status.as_u16()), (303, 303));
        assert_eq!(one.header("location"), two.header("location"));
        let number: i64 = one.header("location").rsplit('/').next().and_then(|rest| rest.split('?').next()).and_then(|text| text.parse().ok()).expect("a number");
        assert_eq!(shop.read(number).await.terms.total(), 4_000);
        shop.bill().await;
        assert_eq!(shop.charges().await, 1);
        // Other content is another form, and another page of it another one too.
        assert_eq!(owner.send(&new, &fields.replace("quantity=2", "quantity=1")).await.status, 303);
        assert_eq!(owner.send(&new, &fields.replace("7.create", "8.create")).await.status, 303);
        assert_eq!(numbers(&owner.page(&office.path("/contracts")).await).len(), 3);
        shop.bill().await;

        let (charge, charges) = (office.path(&format!("/contracts/{number}/charge")), shop.charges().await);
        let fields = format!("attempt={}", shop.queued(number).await);
        assert_eq!(owner.send(&charge, &fields).await.status, 303);
        shop.bill().await;
        // Also without the mark of its page: the attempt that it names is over.
        assert_eq!(owner.send(&charge, &fields).await.status, 409);
        shop.bill().await;
        assert_eq!(shop.charges().await, charges + 1);
    }

    async fn a_failed_charge_is_shown_with_its_reason_and_tried_again(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_declined").await;
        shop.bill().await;
        let path = office.path(&format!("/contracts/{number}"));
        let page = owner.page(&path).await;
        assert!(page.contains("The charge has failed once. The card was declined. It is tried again on"), "{page}");
        assert!(page.contains("<strong>Charge failed</strong>") && page.contains("20.00 USD · The card was declined."), "{page}");
        assert!(owner.page(&office.path("/renewals")).await.contains("Failed, and tried again"));
        let attempt = shop.last_attempt(number).await;
        assert_eq!(owner.send(&format!("{path}/charge"), &format!("attempt={attempt}")).await.status, 303);
        shop.bill().await;
        let page = owner.page(&path).await;
        assert!(page.contains("has failed 2 times") && page.contains("try 2"), "{page}");
        let asked = shop.contract("bert@example.com", "fake_needs_authentication").await;
        shop.bill().await;
        let page = owner.page(&office.path(&format!("/contracts/{asked}"))).await;
        assert!(page.contains("The bank wants its customer to confirm") && page.contains("Charge failed, then Paused"), "{page}");
    }

    async fn another_apps_contract_is_not_there(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        let (elsewhere, _) = office.server.second_app().await;
        let attempt = shop.queued(number).await;
        let live = format!("/dashboard/apps/{}/live", office.app());
        for base in [format!("/dashboard/apps/{elsewhere}/sandbox"), live] {
            for route in DASHBOARD_ROUTES.iter().filter(|route| route.path.contains("{contract}")) {
                let rest = route.path.split("{mode}").nth(1).expect("of an environment");
                let path = format!("{base}{}", rest.replace("{contract}", &number.to_string()));
                let reply = match route.method {
                    "POST" => owner.send(&path, &format!("attempt={attempt}&until=&on={}&count=1&unit=DAY&kind=percent&value=5&min=1&max=2&price={}&mode=now", shop.day(3), shop.gold_price)).await,
                    _ => owner.ask("GET", &format!("{path}?price={}", shop.gold_price)).await,
                };
                let wanted: &[u16] = if route.path.ends_with("/plan") && route.method == "POST" { &[404, 400] } else { &[404] };
                assert!(wanted.contains(&reply.status.as_u16()), "{route:?} at {base}: {}", reply.status);
            }
        }
        for odd in ["x", "-1", "0", "01", "+1", "99999999999999999999", "%00"] {
            let reply = owner.ask("GET", &office.path(&format!("/contracts/{odd}"))).await;
            assert_eq!(reply.status, 404, "{odd}");
        }
    }

    async fn whoever_may_only_look_changes_no_contract(engine) {
        let office = Office::open(engine).await;
        let (reader, shop) = (office.operator(Role::ReadOnly).await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        let member = shop.member_id("ada@example.com").await;
        let (before, clock) = (office.everything().await, shop.clock().await);
        let attempt = shop.queued(number).await;
        for route in DASHBOARD_ROUTES.iter().filter(|route| route.method == "POST") {
            let rest = route.path.split("{mode}").nth(1).unwrap_or_default();
            if !["/contracts", "/clock"].iter().any(|part| rest.contains(part)) {
                continue;
            }
            let rest = rest.replace("{contract}", &number.to_string()).replace("{member}", &member);
            let reply = reader.send(&office.path(&rest), &format!("attempt={attempt}&by=day&price={}&mode=now", shop.gold_price)).await;
            assert_eq!(reply.status, 403, "{route:?}");
        }
        assert_eq!((office.everything().await, shop.clock().await), (before, clock));
        for rest in ["/contracts", &format!("/contracts/{number}"), "/renewals", "/clock"] {
            let page = reader.page(&office.path(rest)).await;
            let main = page.split("<main").nth(1).expect("a page");
            assert!(!main.contains("method=\"post\""), "{rest} offers nothing to send");
        }
    }

    async fn a_members_page_leads_to_its_contracts(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        let member = shop.member_id("ada@example.com").await;
        let page = owner.page(&office.path(&format!("/members/{member}"))).await;
        assert!(page.contains(&format!("/contracts/{number}\">Silver</a>")), "{page}");
        let new = office.path(&format!("/members/{member}/contracts/new"));
        let form = owner.page(&new).await;
        assert!(form.contains("Silver: 20.00 USD every month") && form.contains("fake_needs_authentication"));
        let send = async |fields: &str| owner.send(&office.path(&format!("/members/{member}/contracts")), fields).await;
        for (fields, message) in [
            ("price=&method=fake_succeeds", "Choose a price"),
            ("price=1&method=fake_succeeds", "no such price"),
            (&*format!("price={}&method=%20%20", shop.gold_price), "no payment method"),
            (&*format!("price={}&method=fake_succeeds&quantity=0", shop.gold_price), "1 to 9999"),
            (&*format!("price={}&method=fake_succeeds&on=2001-01-01", shop.gold_price), "must be in the future"),
            (&*format!("price={}&method=fake_succeeds&min=3&max=2", shop.gold_price), "cannot be more"),
        ] {
            let reply = send(fields).await;
            assert_eq!(reply.status, 400, "{fields}");
            assert!(alert(&reply.text()).contains(message), "{fields}: {}", alert(&reply.text()));
        }
        let reply = send(&format!("price={}&method=fake_succeeds&on={}&paused=on&max=6", shop.gold_price, shop.day(5))).await;
        assert_eq!(reply.status, 303, "{}", alert(&reply.text()));
        let page = owner.page(&reply.header("location")).await;
        assert!(page.contains("The contract is made") && page.contains("Paused") && page.contains("at most 6"), "{page}");
        let nobody = owner.ask("GET", &office.path("/members/mem_unknown/contracts/new")).await;
        assert_eq!(nobody.status, 404);
        let free = owner.send(&office.path("/plans"), "name=Friends").await;
        let plan = free.header("location").rsplit('/').next().and_then(|rest| rest.split('?').next()).expect("a plan").to_owned();
        owner.send(&office.path(&format!("/members/{member}/plans")), &format!("plan={plan}")).await;
        let free = shop.free_contract("ada@example.com").await;
        let page = owner.page(&office.path(&format!("/contracts/{free}"))).await;
        assert!(page.contains("This plan costs nothing") && !page.contains("/pause"), "{page}");
    }

    async fn the_timeline_goes_on_page_by_page(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let number = shop.contract("ada@example.com", "fake_succeeds").await;
        shop.bill().await;
        let path = office.path(&format!("/contracts/{number}"));
        for round in 0..15 {
            assert_eq!(owner.send(&format!("{path}/pause"), "until=").await.status, 303, "{round}");
            assert_eq!(owner.send(&format!("{path}/resume"), "").await.status, 303, "{round}");
        }
        let (mut at, mut told) = (path.clone(), Vec::new());
        for _ in 0..10 {
            let page = owner.page(&at).await;
            let timeline = page.split("<ol class=\"timeline\">").nth(1).and_then(|rest| rest.split("</ol>").next()).expect("a timeline");
            told.extend(timeline.split("<strong>").skip(1).map(|rest| rest.split('<').next().unwrap_or_default().to_owned()));
            let earlier = page.split("\">Earlier</a>").next().filter(|before| before.len() < page.len());
            match earlier {
                Some(before) => at = before.rsplit("href=\"").next().expect("an address").replace("#h-timeline", ""),
                None => break,
            }
        }
        let mut expected: Vec<_> = (0..15).flat_map(|_| ["Resumed", "Paused"]).collect();
        expected.extend(["Charged", "Made"]);
        assert_eq!(told, expected);
    }

    async fn a_demo_has_contracts_of_all_kinds_and_twice_is_the_same_as_once(engine) {
        let office = Office::open(engine).await;
        let owner = office.owner().await;
        let fill = async |mode| office.server.guildhall.fill_with_demo(&office.server.app, mode, 40, 24).await.expect("a demo");
        assert_eq!(fill(Mode::Sandbox).await.contracts, 24);
        let before = office.everything().await;
        assert_eq!(fill(Mode::Sandbox).await.contracts, 0);
        assert_eq!(office.everything().await, before);
        assert_eq!(fill(Mode::Live).await.contracts, 0, "live has no clock to set back");
        let page = owner.page(&office.path("/contracts")).await;
        for word in ["Trial", "Active", "Paused", "Cancelled", "Charge failed"] {
            assert!(page.contains(&format!("\">{word}</span>")), "{word}");
        }
        assert!(!page.contains("band-clock"), "the clock goes by the real time again");
        let renewals = owner.page(&office.path("/renewals")).await;
        assert!(renewals.contains("Failed, and tried again") && renewals.contains("EUR</strong>"));
        assert!(!renewals.contains("Not billed yet"));
    }
}
