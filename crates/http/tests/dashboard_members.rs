//! Members in the dashboard: found, made, changed, brought in and taken out.

mod dashboard;

use dashboard::Office;
use guildhall_domain::Mode;
use guildhall_testkit::both_engines;
use serde_json::json;

/// Addresses of the members on a page, in order.
fn listed(page: &str) -> Vec<String> {
    let rows = page.split("<th scope=\"row\" class=\"clip\">").skip(1);
    rows.map(|row| row.split('>').nth(1).expect("a link").split('<').next().expect("its text").to_owned())
        .collect()
}

/// The address behind "Next page".
fn next(page: &str) -> Option<String> {
    let before = page.split("\" rel=\"next\"").next().filter(|before| before.len() < page.len())?;
    Some(before.rsplit("href=\"").next().expect("an address").replace("&#38;", "&").replace("&amp;", "&"))
}

both_engines! {
    async fn every_order_leads_through_all_members_once(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        office.server.crowd(130).await;
        for order in ["", "oldest", "email"] {
            let (mut path, mut seen) = (office.path(&format!("/members?order={order}")), Vec::new());
            loop {
                let page = owner.page(&path).await;
                seen.extend(listed(&page));
                match next(&page) {
                    Some(further) => path = further,
                    None => break,
                }
            }
            assert_eq!(seen.len(), 130, "{order}");
            let mut expected: Vec<_> = (0..130).map(|number| format!("member{number}@example.com")).collect();
            match order {
                "" => expected.reverse(),
                "email" => expected.sort(),
                _ => {}
            }
            assert_eq!(seen, expected, "{order}");
        }
    }

    async fn members_are_found_by_what_is_known_of_them(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        let plan = office.server.free_plan("Gold", None).await;
        let rows = (0..60).map(|number| json!({
            "email": format!("{}{number}@example.com", if number % 3 == 0 { "anna" } else { "bert" }),
            "plans": if number % 10 == 0 { vec![plan.as_str()] } else { Vec::new() },
            "customFields": { "last-name": if number == 41 { "Höpper" } else { "Smith" } },
        }));
        office.server.import(Mode::Sandbox, rows).await;
        let find = async |query: &str| listed(&owner.page(&office.path(&format!("/members?{query}"))).await);
        assert_eq!(find("q=ANNA").await.len(), 20);
        assert_eq!(find("q=anna1").await, ["anna12@example.com", "anna15@example.com", "anna18@example.com"]);
        assert_eq!(find("q=nobody").await.len(), 0);
        let gold = find(&format!("plan={plan}")).await;
        assert_eq!(gold.len(), 6);
        assert_eq!(gold[0], "bert50@example.com", "the newest first");
        assert_eq!(find(&format!("plan={plan}&q=anna")).await, ["anna0@example.com", "anna30@example.com"]);
        assert_eq!(find("field=last-name&value=h%C3%B6pp").await, ["bert41@example.com"]);
        assert_eq!(find(&format!("plan={plan}&field=last-name&value=smith")).await.len(), 6);
        let ada = office.server.member("ada@example.com").await;
        let id = ada["id"].as_str().expect("an id");
        let found = owner.ask("GET", &office.path(&format!("/members?q={id}"))).await;
        assert_eq!(found.header("location"), office.path(&format!("/members/{id}")));
        for odd in ["q=%00", "plan=nowhere", "after=%00", "order=sideways", "after=99999999999999999999", "q=%25%5F", "field=none&value=x"] {
            let reply = owner.ask("GET", &office.path(&format!("/members?{odd}"))).await;
            assert!(reply.status.as_u16() < 500, "{odd}: {}", reply.text());
        }
    }

    async fn a_search_that_no_index_serves_goes_on_where_it_stopped(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        let rows = (0..4_500).map(|number| json!({
            "email": format!("m{number}@example.com"),
            "customFields": { "last-name": if number == 0 { "Rare" } else { "Common" } },
        }));
        office.server.import(Mode::Sandbox, rows).await;
        let first = owner.page(&office.path("/members?field=last-name&value=rare")).await;
        assert!(listed(&first).is_empty() && first.contains("looked through 4000 members"), "it says how far it got");
        let second = owner.page(&next(&first).expect("it goes on")).await;
        assert_eq!(listed(&second), ["m0@example.com"]);
        assert_eq!(next(&second), None);
    }

    async fn what_a_form_did_not_touch_stays_as_it_is(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        let member = office.server.member("ada@example.com").await;
        let id = member["id"].as_str().expect("an id");
        let change = json!({ "customFields": { "first-name": "Ada", "last-name": 5 }, "metaData": { "a": "1", "b": "2" }, "json": { "deep": [1] } });
        office.server.request("PATCH", &format!("/members/{id}")).json(&change).send().await;
        let path = office.path(&format!("/members/{id}"));
        let read = async || office.server.request("GET", &format!("/members/{id}?includeJSON=true")).send().await.json()["data"].clone();
        let before = read().await;
        let whole = "email=ada%40example.com&loginRedirect=&profileImage=&field.first-name=Ada&field.last-name=5&metaData=%7B%22a%22%3A%221%22%2C%22b%22%3A%222%22%7D&json=%7B%22deep%22%3A%5B1%5D%7D";
        assert_eq!(owner.send(&path, whole).await.status, 303);
        assert_eq!(read().await, before);
        let form = whole.replace("first-name=Ada", "first-name=Augusta").replace("last-name=5", "last-name=6").replace("%2C%22b%22%3A%222%22", "");
        assert_eq!(owner.send(&path, &format!("{form}&verified=on")).await.status, 303);
        let after = read().await;
        assert_eq!(after["customFields"], json!({ "first-name": "Augusta", "last-name": 6 }));
        assert_eq!((&after["metaData"], &after["verified"], &after["json"]), (&json!({ "a": "1" }), &json!(true), &before["json"]));
        for (slip, words) in [("email=nonsense", "email"), ("json=%5B1%5D", "must be a JSON object"), ("metaData=%7B", "Meta data"), ("loginRedirect=javascript%3Aalert(1)", "loginRedirect")] {
            let reply = owner.send(&path, slip).await;
            assert_eq!(reply.status, 400, "{slip}");
            assert!(reply.text().contains(words), "{slip}: {}", reply.text());
        }
        let trail = owner.page(&path).await;
        assert!(trail.contains("member.update") && trail.contains("Olivia"), "who did it is named");
    }

    async fn several_members_are_given_a_plan_and_deleted_after_a_question(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        let plan = office.server.free_plan("Gold", None).await;
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(office.server.member(&format!("m{number}@example.com")).await["id"].as_str().expect("an id").to_owned());
        }
        let ticked = ids.iter().map(|id| format!("member={id}")).collect::<Vec<_>>().join("&");
        let bulk = office.path("/members/bulk");
        let added = owner.send(&bulk, &format!("{ticked}&member=mem_sb_unknown&action=add-plan&plan={plan}")).await.text();
        assert!(added.contains("Done for 3 of 4") && added.contains("There is no member"), "{added}");
        let again = owner.send(&bulk, &format!("{ticked}&action=add-plan&plan={plan}")).await.text();
        assert!(again.contains("Done for 0 of 3"), "{again}");
        let asked = owner.send(&bulk, &format!("{ticked}&action=delete")).await.text();
        assert!(asked.contains("Delete 3 members?"), "{asked}");
        assert_eq!(office.server.total().await, 3);
        owner.send(&bulk, &format!("{ticked}&action=delete&confirmed=yes")).await;
        assert_eq!(office.server.total().await, 0);
        assert_eq!(owner.send(&bulk, "action=delete").await.status, 400);
    }

    async fn a_file_is_tried_and_taken_and_members_go_out_without_their_passwords(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        let csv = "\u{feff}Mail,first-name,Rest\nada@example.com,Ada,x\nnonsense,B,y\n\"grace@example.com\",\"Gra\n\"\"ce\"\"\",z\nshort\n";
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"mark\"\r\n\r\n{}\r\n--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\r\n{csv}\r\n--b--\r\n",
            owner.mark
        );
        let upload = office.path("/members/import");
        let send = async |body: String| {
            let request = owner.request("POST", &upload).header("content-type", "multipart/form-data; boundary=b");
            request.body(body).send().await
        };
        assert_eq!(send(body.replace(&owner.mark, "0")).await.status, 403, "a file needs the mark too");
        assert_eq!(send("--b\r\nbroken".into()).await.status, 400);
        let reply = send(body).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        let import = reply.header("location");
        let page = owner.page(&import).await;
        assert!(page.contains("people.csv, 4 rows") && page.contains("value=\"first-name\" selected"), "{page}");
        let finished = async || loop {
            let page = owner.page(&import).await;
            if !page.contains("http-equiv=\"refresh\"") {
                return page;
            }
            tokio::task::yield_now().await;
        };
        let nothing = owner.send(&import, "column.0=&column.1=first-name&column.2=&action=try").await;
        assert_eq!(nothing.status, 400);
        let twice = owner.send(&import, "column.0=email&column.1=email&column.2=&action=try").await;
        assert_eq!(twice.status, 400);
        let mapping = "column.0=email&column.1=first-name&column.2=";
        assert_eq!(owner.send(&import, &format!("{mapping}&action=try")).await.status, 303);
        let tried = finished().await;
        assert!(tried.contains("2 of 4 rows would be taken, 2 refused"), "{tried}");
        assert_eq!(office.server.total().await, 0);
        assert_eq!(owner.send(&import, &format!("{mapping}&action=take")).await.status, 303);
        assert!(finished().await.contains("2 members are taken, 2 rows refused"));
        assert_eq!(office.server.total().await, 2);
        assert_eq!(owner.send(&import, &format!("{mapping}&action=take")).await.status, 409, "once only");
        let report = owner.page(&format!("{import}/report")).await;
        assert!(report.starts_with("line,reason\n") && report.lines().count() == 3, "{report}");
        office.server.member("pw@example.com").await;
        for format in ["csv", "jsonl"] {
            let export = owner.send(&office.path("/members/export"), &format!("format={format}")).await;
            assert!(export.header("content-disposition").contains("members-sandbox"));
            let text = export.text();
            assert!(text.contains("grace@example.com") && text.contains("pw@example.com") && !text.contains("argon2"), "{text}");
        }
    }

    async fn sign_ups_are_counted_by_day(engine) {
        let office = Office::open_roomy(engine).await;
        let owner = office.owner().await;
        office.server.member("a@example.com").await;
        office.server.clock.advance_us(24 * 3600 * 1_000_000);
        let gone = office.server.member("b@example.com").await;
        office.server.member("c@example.com").await;
        office.server.request("DELETE", &format!("/members/{}", gone["id"].as_str().expect("an id"))).send().await;
        let page = owner.page(&office.path("")).await;
        assert!(page.contains("1 Feb: 2</title>") && page.contains("31 Jan: 1</title>"), "{page}");
        assert!(page.contains("Members</span><span class=\"stat-value\">2<"), "{page}");
    }

    async fn filters_are_saved_under_a_name(engine) {
        let office = Office::open_roomy(engine).await;
        let (owner, reader) = (office.owner().await, office.operator(guildhall_domain::operator::Role::ReadOnly).await);
        office.server.crowd(3).await;
        let (list, filters) = (office.path("/members"), office.path("/members/filters"));
        let found = owner.page(&format!("{list}?q=member1&plan=&order=oldest")).await;
        assert!(found.contains("Save this filter") && found.contains("name=\"q\" value=\"member1\""));
        assert!(!owner.page(&list).await.contains("Save this filter"), "everybody is no filter");
        let saved = owner.send(&filters, "name=Ones&q=member1&plan=&field=&value=&order=oldest&evil=1").await;
        assert_eq!(saved.header("location"), format!("{list}?q=member1&order=oldest&done=filter-saved"));
        let page = reader.page(&list).await;
        assert!(page.contains("Saved filters") && page.contains(">Ones</a>"), "all who run the app see it");
        assert!(!page.contains("/members/filters/"), "who may only look deletes none");
        assert!(!reader.page(&list.replace("/sandbox", "/live")).await.contains(">Ones</a>"), "live has its own");
        let link = format!("{list}?q=member1&order=oldest");
        let shown = owner.page(&link).await;
        assert_eq!(listed(&shown), ["member1@example.com"]);
        assert!(shown.contains("aria-current=\"true\">Ones</a>") && !shown.contains("Save this filter"));
        // The same name takes the new filter.
        owner.send(&filters, "name=Ones&q=member2").await;
        let page = owner.page(&list).await;
        assert_eq!(page.matches(">Ones</a>").count(), 1);
        assert!(page.contains("?q=member2\""));
        for (slip, words) in [
            ("name=&q=a".to_owned(), "1 to 60 characters"), (format!("name={}&q=a", "n".repeat(61)), "1 to 60 characters"),
            ("name=None".to_owned(), "Search for something first"), (format!("name=Long&q={}", "x".repeat(1_100)), "too long"),
            ("name=%00&q=a".to_owned(), "1 to 60 characters"),
        ] {
            let reply = owner.send(&filters, &slip).await;
            assert_eq!(reply.status, 400, "{slip}");
            assert!(reply.text().contains(words), "{slip}: {}", reply.text());
        }
        for number in 1..20 {
            assert_eq!(owner.send(&filters, &format!("name=F{number}&q=f{number}")).await.status, 303);
        }
        let full = owner.send(&filters, "name=One+more&q=a").await;
        assert_eq!(full.status, 409);
        assert!(full.text().contains("delete one first") && full.text().contains("value=\"One more\""), "what was typed stays");
        assert_eq!(reader.send(&filters, "name=Mine&q=a").await.status, 403);
        let page = owner.page(&list).await;
        let delete = page.split("action=\"").find(|part| part.contains("/members/filters/")).expect("a form");
        let delete = delete.split('"').next().expect("its address");
        assert_eq!(owner.send(delete, "").await.header("location"), format!("{list}?done=filter-deleted"));
        assert_eq!(owner.send(delete, "").await.status, 404, "it is gone");
        assert_eq!(owner.send(&filters, "name=One+more&q=a").await.status, 303, "there is room again");
    }
}
