//! Members in and out: what is kept on the way, what is refused, and what spreadsheets are spared.

use futures_util::stream;
use guildhall_app::import::{ImportOutcome, ImportRow, OnError};
use guildhall_app::members::{ExportPage, Importer, csv_header, row_from_csv};
use guildhall_domain::Mode;
use guildhall_testkit::{TestServer, both_engines};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HASH: &str = "$2a$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW";

async fn export(server: &TestServer, mode: Mode) -> ExportPage {
    let place = server.guildhall.command_line_access(&server.app, mode).await.expect("the app");
    server.guildhall.export_members(&place.access(), None).await.expect("an export")
}

/// An export's lines by id, without the ids of plan connections, which are each environment's own.
async fn lines(server: &TestServer, mode: Mode) -> Vec<Value> {
    let definitions = server.guildhall.definitions(&server.app).await.expect("definitions");
    let text = String::from_utf8(export(server, mode).await.to_json_lines(&definitions)).expect("text");
    let parsed = text.lines().map(|line| {
        let mut member: Value = serde_json::from_str(line).expect("JSON");
        for connection in member["planConnections"].as_array_mut().expect("a list") {
            connection["id"] = Value::Null;
        }
        member
    });
    let mut members: Vec<_> = parsed.collect();
    members.sort_by_key(|member| member["id"].to_string());
    members
}

async fn run(server: &TestServer, rows: Vec<ImportRow>, dry_run: bool, on_error: OnError) -> ImportOutcome {
    let place = server.guildhall.command_line_access(&server.app, Mode::Sandbox).await.expect("the app");
    let importer = Importer::new(&server.guildhall, place, dry_run, on_error);
    let mut heard = 0;
    let outcome = importer.run(stream::iter(rows), |done| heard = done).await;
    assert_eq!(heard, outcome.taken + outcome.refused.len() as u64, "progress hears of every row");
    outcome
}

fn rows(texts: &[&str]) -> Vec<ImportRow> {
    texts.iter().zip(1..).map(|(text, line)| ImportRow::from_json_line(line, text)).collect()
}

both_engines! {
    async fn what_goes_out_comes_in_again_just_as_it_was(engine) {
        let server = TestServer::start(engine).await;
        let plan = server.free_plan("Basic", None).await;
        let given = [
            json!({
                "id": "mem_sb_ckzq3v4xk0001a1b2c3d4e5f6", "email": "Ada@Example.com", "passwordHash": HASH, "verified": true,
                "createdAt": "2019-02-28T23:59:59.999Z", "lastLogin": "2025-12-31T00:00:00.001Z", "loginRedirect": "/in",
                "profileImage": "https://example.com/a.png", "stripeCustomerId": "cus_123", "plans": [{"planId": plan}],
                "customFields": {"first-name": "=SUM(A1)", "last-name": "\u{1F600}\"quoted\", comma"}, "metaData": {"n": 1.5, "deep": {"a": []}},
                "json": {"any": ["thing", null]},
            }),
            json!({"id": "legacy-17"}),
            json!({"email": "bob@example.com"}),
        ];
        let outcome = server.import(Mode::Sandbox, given.clone()).await;
        assert_eq!((outcome.taken, outcome.refused), (3, Vec::new()));
        let exported = lines(&server, Mode::Sandbox).await;
        let find = |id: &str| exported.iter().find(|member| member["id"] == id).expect("it is exported");
        let ada = find("mem_sb_ckzq3v4xk0001a1b2c3d4e5f6");
        for name in ["id", "verified", "createdAt", "lastLogin", "loginRedirect", "profileImage", "stripeCustomerId", "customFields", "metaData", "json", "passwordHash"] {
            assert_eq!(ada[name], given[0][name], "{name}");
        }
        assert_eq!(ada["auth"]["email"], "Ada@Example.com");
        assert_eq!(ada["planConnections"][0]["planId"], json!(plan));
        assert_eq!(find("legacy-17")["passwordHash"], Value::Null);
        let again = server.import(Mode::Live, exported.clone()).await;
        assert_eq!((again.taken, again.refused), (3, Vec::new()), "the Admin API's own form is taken, too");
        assert_eq!(lines(&server, Mode::Live).await, exported);
    }

    async fn wrong_rows_are_named_by_line_and_the_others_are_taken(engine) {
        let server = TestServer::start(engine).await;
        server.import(Mode::Sandbox, [json!({"email": "one@example.com"})]).await;
        let outcome = run(&server, rows(&[
            r#"{"email":"three@example.com"}"#, r#"{"email":"no address"}"#, "{", r#"["a list"]"#, "{}",
            r#"{"email":"ONE@example.com"}"#, r#"{"email":"a@x.io","passwordHash":"5f4dcc3b5aa765d61d8327deb882cf99"}"#,
            r#"{"email":"a@x.io","passwordHash":"$2b$31$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"}"#,
            r#"{"email":"a@x.io","createdAt":"yesterday"}"#, r#"{"id":"has space"}"#, r#"{"email":"a@x.io","plans":["pln_unknown"]}"#,
            r#"{"email":"a@x.io","metaData":[]}"#, r#"{"email":7}"#, r#"{"email":"a@x.io","profileImage":"javascript:1"}"#,
            r#"{"email":"two@example.com"}"#,
        ]), false, OnError::Skip).await;
        let refused: Vec<_> = outcome.refused.iter().map(|(line, _)| *line).collect();
        assert_eq!((outcome.taken, refused), (2, (2..=14).collect()));
        for (line, reason) in &outcome.refused {
            assert!(!reason.is_empty() && !reason.contains("5f4dcc3b"), "{line}: {reason}");
        }
        let page = export(&server, Mode::Sandbox).await;
        let emails: BTreeSet<_> = page.members.into_iter().filter_map(|exported| exported.member.email).collect();
        let taken = ["one@example.com", "three@example.com", "two@example.com"];
        assert_eq!(emails, taken.map(str::to_owned).into());
    }

    async fn stopping_takes_nothing_after_the_first_wrong_row_and_a_dry_run_takes_nothing(engine) {
        let server = TestServer::start(engine).await;
        let texts = [r#"{"email":"one@example.com"}"#, r#"{"email":"wrong"}"#, r#"{"email":"two@example.com"}"#];
        let dry = run(&server, rows(&texts), true, OnError::Skip).await;
        assert_eq!((dry.taken, dry.refused.len(), server.total().await), (2, 1, 0));
        let stopped = run(&server, rows(&texts), false, OnError::Stop).await;
        assert_eq!((stopped.taken, stopped.refused.len(), server.total().await), (1, 1, 1));
    }

    async fn an_import_respects_the_sandboxs_limit(engine) {
        let server = TestServer::start(engine).await;
        let given = (0..60).map(|number| json!({"email": format!("m{number}@example.com")}));
        let outcome = server.import(Mode::Sandbox, given).await;
        assert_eq!((outcome.taken, outcome.refused.len(), server.total().await), (50, 10, 50));
    }

    async fn a_large_export_comes_in_parts_that_hold_everybody_once(engine) {
        let server = TestServer::start(engine).await;
        let given = (0..1001).map(|number| json!({"id": format!("legacy-{number}"), "passwordHash": HASH}));
        assert_eq!(server.import(Mode::Live, given).await.taken, 1001);
        let place = server.guildhall.command_line_access(&server.app, Mode::Live).await.expect("the app");
        let (mut seen, mut times, mut after) = (BTreeSet::new(), 0, None);
        loop {
            let page = server.guildhall.export_members(&place.access(), after).await.expect("a part");
            assert!(page.members.iter().all(|exported| exported.password_hash.as_deref() == Some(HASH)));
            times += page.members.len();
            seen.extend(page.members.iter().map(|exported| exported.member.id.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(times == 1001 && (0..1001).all(|number| seen.contains(&format!("legacy-{number}"))));
    }

    async fn no_cell_of_a_csv_export_is_a_formula_and_all_come_in_as_they_were(engine) {
        let server = TestServer::start(engine).await;
        let plans = [server.free_plan("One", None).await.to_string(), server.free_plan("Two", None).await.to_string()];
        let odd = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "'", "''", "plain", "a=b", "\r\n=x"];
        let given = odd.iter().enumerate().map(|(number, text)| json!({
            "id": format!("m{number}"), "email": format!("m{number}@example.com"), "verified": number % 2 == 0, "plans": plans,
            "passwordHash": HASH, "createdAt": "2020-01-01T00:00:00.000Z", "customFields": {"first-name": text},
        }));
        let outcome = server.import(Mode::Sandbox, given).await;
        assert_eq!((outcome.taken, outcome.refused), (odd.len() as u64, Vec::new()));
        let before = lines(&server, Mode::Sandbox).await;
        let definitions = server.guildhall.definitions(&server.app).await.expect("definitions");
        let (header, records) = (csv_header(&definitions), export(&server, Mode::Sandbox).await.to_csv_records(&definitions));
        for cell in records.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
        let rows = records.iter().zip(2..).map(|(record, line)| {
            row_from_csv(line, header.iter().map(String::as_str).zip(record.iter().map(String::as_str)))
        });
        let place = server.guildhall.command_line_access(&server.app, Mode::Live).await.expect("the app");
        let importer = Importer::new(&server.guildhall, place, false, OnError::Skip);
        let again = importer.run(stream::iter(rows.collect::<Vec<_>>()), |_| ()).await;
        assert_eq!((again.taken, again.refused), (odd.len() as u64, Vec::new()));
        assert_eq!(lines(&server, Mode::Live).await, before);
    }
}
