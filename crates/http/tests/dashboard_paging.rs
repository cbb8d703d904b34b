//! Turning pages: through every list to its end, and back by the same pages.

mod dashboard;

use dashboard::{Office, Visitor};
use guildhall_app::AppError;
use guildhall_domain::Mode;
use guildhall_domain::mail::{MailKind, Template};
use guildhall_testkit::{Engine, TestServer, both_engines};
use serde_json::json;

async fn roomy(engine: Engine) -> Office {
    Office::of(TestServer::start_with(engine, |settings| settings.limits.sandbox_members_max = 100_000).await)
}

/// The rows of a page's list, as they are written.
fn rows(page: &str) -> Vec<String> {
    let body = page.split_once("<tbody").and_then(|(_, rest)| rest.split_once("</tbody>"));
    let body = body.map_or("", |(body, _)| body);
    body.split("<tr").skip(1).map(str::to_owned).collect()
}

/// The address behind the link to a neighbour: `prev` or `next`.
fn neighbour(page: &str, relation: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!("\" rel=\"{relation}\""))?;
    Some(before.rsplit("href=\"").next().expect("an address").replace("&#38;", "&").replace("&amp;", "&"))
}

/// Goes through a list to its end and back to its beginning; the pages must be the same. All rows, in order.
async fn there_and_back(visitor: &Visitor<'_>, start: String, page_size: usize) -> Vec<String> {
    let mut page = visitor.page(&start).await;
    assert_eq!(neighbour(&page, "prev"), None, "nothing lies before the first page of {start}");
    let mut pages = vec![rows(&page)];
    while let Some(next) = neighbour(&page, "next") {
        page = visitor.page(&next).await;
        pages.push(rows(&page));
    }
    for (earlier, place) in pages.iter().rev().skip(1).zip(2..) {
        let previous =
            neighbour(&page, "prev").unwrap_or_else(|| panic!("a page {place} from the end of {start}"));
        page = visitor.page(&previous).await;
        assert_eq!(rows(&page), *earlier, "{place} pages from the end of {start}");
        assert!(neighbour(&page, "next").is_some());
    }
    assert_eq!(neighbour(&page, "prev"), None, "the beginning of {start}");
    assert!(pages.iter().rev().skip(1).all(|rows| rows.len() == page_size), "pages of {start} are full");
    pages.concat()
}

both_engines! {
    async fn every_order_of_members(engine) {
        let office = roomy(engine).await;
        let owner = office.owner().await;
        let plan = office.server.free_plan("Gold", None).await;
        let members = (0..140).map(|number| json!({
            "email": format!("m{number:03}@example.com"),
            "plans": if number % 2 == 0 { vec![plan.as_str()] } else { Vec::new() },
            "customFields": { "last-name": if number % 3 == 0 { "Hopper" } else { "Byron" } },
        }));
        office.server.import(Mode::Sandbox, members).await;
        for (query, count) in [
            ("", 140), ("order=oldest", 140), ("order=email", 140), ("q=m", 140), ("q=m0", 100), (&*format!("plan={plan}"), 70),
            ("field=last-name&value=by", 93), ("field=last-name&value=by&order=oldest", 93), ("field=last-name&value=by&q=m0", 66),
        ] {
            let found = there_and_back(&owner, office.path(&format!("/members?{query}")), 50).await;
            assert_eq!(found.len(), count, "{query}");
        }
        // A page that one came to by a place that is gone is still a page.
        let page = owner.page(&office.path("/members?before=138")).await;
        assert_eq!((rows(&page).len(), neighbour(&page, "prev")), (50, None), "so near to the beginning there is the first page");
    }

    async fn a_search_that_stops_goes_back_as_it_went_on(engine) {
        let office = roomy(engine).await;
        let owner = office.owner().await;
        let members = (0..4_500).map(|number| json!({
            "email": format!("m{number}@example.com"),
            "customFields": { "last-name": if number == 0 || number == 4_400 { "Rare" } else { "Common" } },
        }));
        office.server.import(Mode::Sandbox, members).await;
        let first = owner.page(&office.path("/members?field=last-name&value=rare")).await;
        assert!(rows(&first).len() == 1 && first.contains("m4400@") && first.contains("Search on"));
        let last = owner.page(&neighbour(&first, "next").expect("it goes on")).await;
        assert!(rows(&last).len() == 1 && last.contains("m0@example.com"));
        let between = owner.page(&neighbour(&last, "prev").expect("it goes back")).await;
        assert!(rows(&between).is_empty() && between.contains("and found none"), "too far for one page");
        let first_again = owner.page(&neighbour(&between, "prev").expect("it goes back further")).await;
        assert_eq!(rows(&first_again), rows(&first));
        assert_eq!(neighbour(&first_again, "prev"), None);
        let on_again = owner.page(&neighbour(&between, "next").expect("it goes on again")).await;
        assert_eq!(rows(&on_again), rows(&last));
    }

    async fn events_mails_and_the_audit_log(engine) {
        let office = roomy(engine).await;
        let owner = office.owner().await;
        office.server.crowd(60).await;
        let leave = office.server.guildhall.command_line_access(&office.server.app, Mode::Sandbox).await.expect("the app");
        let environment = leave.access().environment();
        let store = office.server.second_store().await;
        let mails = store.write::<_, AppError, _>(move |tx| Box::pin(async move {
            for number in 0..55 {
                let content = Template { subject: format!("Mail {number}"), body: "Text".into() };
                tx.mails().insert(environment, MailKind::LogInCode, "ada@example.com", &content, leave.access().definitions().app.created_at).await?;
            }
            Ok(())
        }));
        mails.await.expect("mails are written");
        assert_eq!(there_and_back(&owner, office.path("/mails"), 25).await.len(), 55);
        assert_eq!(there_and_back(&owner, office.path("/events"), 25).await.len(), 60);
        let member = office.server.member("ada@example.com").await;
        let id = member["id"].as_str().expect("an id");
        for number in 0..51 {
            let change = json!({ "metaData": { "visit": number.to_string() } });
            let changed = office.server.request("PATCH", &format!("/members/{id}")).json(&change).send().await;
            assert_eq!(changed.status, 200);
        }
        assert_eq!(there_and_back(&owner, office.path(&format!("/events?subject={id}")), 25).await.len(), 52);
        assert_eq!(there_and_back(&owner, office.path(&format!("/audit?subject={id}")), 50).await.len(), 52);
        assert_eq!(there_and_back(&owner, office.path("/audit?action=member.update"), 50).await.len(), 51);
        assert!(there_and_back(&owner, office.path("/audit"), 50).await.len() > 110);
        for odd in ["before=x", "after=x", "after=-1", "before=0", "after=9223372036854775807", "before=-9223372036854775808", "before=%00"] {
            for list in ["events", "mails", "audit", "members", "tables/none"] {
                let reply = owner.ask("GET", &office.path(&format!("/{list}?{odd}"))).await;
                assert!(reply.status.as_u16() < 500, "{list} {odd}: {}", reply.text());
            }
        }
        // Nothing lies there, but the way back does.
        let nothing = owner.page(&office.path("/events?before=0")).await;
        assert!(rows(&nothing).is_empty());
    }

    async fn records_in_every_order(engine) {
        let office = roomy(engine).await;
        let owner = office.owner().await;
        let key = office.server.managing_key().await;
        let table = json!({ "key": "things", "name": "Things", "fields": [
            { "key": "title", "name": "Title", "type": "TEXT_FILTERABLE" }, { "key": "size", "name": "Size", "type": "NUMBER" },
        ] });
        let made = office.server.anonymous("POST", "/manage/v1/tables").key(&key).json(&table).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        for number in 0..120 {
            // Many are the same, and some have nothing.
            let size = if number % 5 == 0 { json!(null) } else { json!(number % 7) };
            let data = json!({ "data": { "title": format!("t{}", number % 4), "size": size } });
            let made = office.server.request("POST", "/v2/data-tables/things/records").json(&data).send().await;
            assert!(made.status.is_success(), "{}", made.text());
        }
        for (query, count) in [
            ("", 120), ("sort=title&dir=asc", 120), ("sort=title&dir=desc", 120), ("sort=size&dir=asc", 120), ("sort=size&dir=desc", 120),
            ("field=size&test=set&sort=title&dir=desc", 96), ("field=title&test=equals&value=t1", 30),
        ] {
            let found = there_and_back(&owner, office.path(&format!("/tables/things?{query}")), 50).await;
            assert_eq!(found.len(), count, "{query}");
            let mut once = found.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), count, "each record once: {query}");
        }
    }
}
