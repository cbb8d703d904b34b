//! Renewals and the sandbox's clock in the dashboard.

mod dashboard;
mod sold;

use dashboard::Office;
use guildhall_testkit::both_engines;
use sold::{Shop, alert, link, numbers};

both_engines! {
    async fn renewals_are_grouped_by_day_with_sums_of_the_whole_day(engine) {
        let office = Office::open_roomy(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        assert!(owner.page(&office.path("/renewals")).await.contains("Nothing is to be billed"));
        for index in 0..60 {
            shop.contract_on(&format!("early{index}@example.com"), 3).await;
        }
        for index in 0..5 {
            shop.contract_on(&format!("late{index}@example.com"), 9).await;
        }
        let rests = shop.contract_on("rests@example.com", 3).await;
        assert_eq!(owner.send(&office.path(&format!("/contracts/{rests}/pause")), "until=").await.status, 303);
        let page = owner.page(&office.path("/renewals")).await;
        assert_eq!(numbers(&page).len(), 50);
        assert!(page.contains("60 renewals") && page.contains("<strong>1,200.00 USD</strong>"), "all of the day, and not what rests: {page}");
        let next = owner.page(&link(&page, "next").expect("more")).await;
        assert_eq!(numbers(&next).len(), 15);
        assert!(next.contains("60 renewals") && next.contains("5 renewals") && next.contains("<strong>100.00 USD</strong>"), "{next}");
        let back = owner.page(&link(&next, "prev").expect("a page before")).await;
        assert_eq!(numbers(&back), numbers(&page));
        let due = shop.contract("due@example.com", "fake_succeeds").await;
        office.server.clock.advance_us(86_400_000_000);
        let page = owner.page(&office.path("/renewals")).await;
        assert_eq!(numbers(&page)[0], due);
        assert!(page.contains("Not billed yet"));
        for odd in ["after=x", "after=1.x", "before=99999999999999999999.1", "after=9223372036854775807.9223372036854775807", "before=-9223372036854775808.0"] {
            assert!(owner.ask("GET", &office.path(&format!("/renewals?{odd}"))).await.status.as_u16() < 500, "{odd}");
        }
    }

    async fn a_day_of_the_calendar_moves_the_clock_to_its_end(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let paid = shop.contract_on("ada@example.com", 40).await;
        let declined = shop.contract("bert@example.com", "fake_declined").await;
        shop.bill().await;
        let clock = office.path("/clock");
        let day = shop.day(40);
        let month = owner.page(&format!("{clock}?month={}", &day[..7])).await;
        assert!(month.contains(&format!("value=\"{day}\"")) && month.contains("<span class=\"due\">1<"), "{month}");
        assert!(!month.contains("band-clock"), "it goes by the real time");

        let fields = format!("day={day}&once=1.day");
        let moved = owner.send(&format!("{clock}/move"), &fields).await;
        assert_eq!(moved.status, 303, "{}", alert(&moved.text()));
        let page = owner.page(&moved.header("location")).await;
        assert!(page.contains("1 charge made, 3 failed. 1 contract cancelled."), "{page}");
        assert!(page.contains("23:59:59 UTC") && page.contains("It stands still"), "{page}");
        let again = owner.send(&format!("{clock}/move"), &fields).await;
        assert_eq!(again.header("location"), moved.header("location"), "sent twice, moved once");

        let contract = owner.page(&office.path(&format!("/contracts/{paid}"))).await;
        assert!(contract.contains("<strong>Charged</strong>") && contract.contains("20.00 USD"), "{contract}");
        assert!(contract.contains("band-clock") && contract.contains("23:59 UTC"), "every page tells where the clock stands");
        let cancelled = owner.page(&office.path(&format!("/contracts/{declined}"))).await;
        assert!(cancelled.contains("Charge failed, then Cancelled"), "{cancelled}");
        let members = owner.page(&office.path("/members")).await;
        assert!(members.contains("band-clock"));
        let live = owner.page(&format!("/dashboard/apps/{}/live/members", office.app())).await;
        assert!(!live.contains("band-clock"), "live has no clock of its own");

        let at = shop.clock().await;
        for (by, days) in [("day", 1), ("week", 7)] {
            assert_eq!(owner.send(&format!("{clock}/move"), &format!("by={by}")).await.status, 303);
            let _ = days;
        }
        assert_eq!(shop.clock().await.now, at.now.plus_micros(8 * 86_400_000_000));
        assert_eq!(owner.send(&format!("{clock}/move"), "by=month").await.status, 303);
        assert_eq!(owner.send(&format!("{clock}/move"), "to=2031-05-06T07%3A08").await.status, 303);
        assert_eq!(shop.clock().await.now.to_iso(), "2031-05-06T07:08:00.000Z");
        let released = owner.send(&format!("{clock}/release"), "").await;
        assert!(owner.page(&released.header("location")).await.contains("goes by the real time again"));
        assert!(!shop.clock().await.frozen);
    }

    async fn a_clock_refuses_what_is_no_time_ahead(engine) {
        let office = Office::open(engine).await;
        let (owner, shop) = (office.owner().await, Shop::open(&office).await);
        let moves = office.path("/clock/move");
        for (fields, message) in [
            ("to=2001-01-01T00%3A00", "only be moved forward"),
            ("to=soon", "Choose a day"), ("to=", "Choose a day"), ("", "Choose a day"), ("day=2001-02-30", "Choose a day"),
            ("day=2001-02-03", "only be moved forward"), ("by=year", "Choose a day"), ("to=9999-01-01T00%3A00", "ten years"),
        ] {
            let reply = owner.send(&moves, fields).await;
            assert_eq!(reply.status, 400, "{fields}");
            assert!(alert(&reply.text()).contains(message), "{fields}: {}", alert(&reply.text()));
        }
        assert_eq!(owner.send(&office.path("/clock/freeze"), "").await.status, 303);
        assert!(owner.page(&office.path("/clock")).await.contains("It stands still"));
        shop.set_moving().await;
        let page = owner.page(&office.path("/clock")).await;
        assert!(page.contains("The clock is on its way to") && !page.contains("One day on"), "{page}");
        let refused = owner.send(&moves, "by=day").await;
        assert_eq!(refused.status, 409);
        assert!(alert(&refused.text()).contains("being moved"));
        assert_eq!(owner.send(&office.path("/clock/release"), "").await.status, 409);

        let live = format!("/dashboard/apps/{}/live/clock", office.app());
        let page = owner.page(&live).await;
        assert!(page.contains("Live goes by the real time") && page.contains(&office.path("/clock")));
        for rest in ["/freeze", "/release", "/move"] {
            assert_eq!(owner.send(&format!("{live}{rest}"), "by=day").await.status, 400, "{rest}");
        }
        for odd in ["2027-13", "x", "0000-01", "99999-01", "1969-12", "-2027-01", "%00", "2027-1-1"] {
            let reply = owner.ask("GET", &office.path(&format!("/clock?month={odd}&from={odd}&since={odd}"))).await;
            assert_eq!(reply.status, 200, "{odd}");
        }
        for far in ["1970-01", "9990-12", "2028-02"] {
            let page = owner.page(&office.path(&format!("/clock?month={far}"))).await;
            assert_eq!(page.matches("<tr>").count(), page.matches("</tr>").count(), "{far}");
        }
        let ends = owner.page(&office.path("/clock?from=9223372036854775807&since=0")).await;
        assert!(ends.contains("Nothing was due"), "{ends}");
    }
}
