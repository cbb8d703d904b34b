//! Data tables with the built binary: definitions, and moving records in and out.

use super::support::{Installation, text};
use serde_json::{Value, json};

/// Two tables, one of which points at the other.
fn with_tables() -> (Installation, String) {
    let (installation, app) = Installation::with_app();
    create(&installation, &app, &tags());
    create(&installation, &app, &contacts());
    (installation, app)
}

fn tags() -> Value {
    json!({ "key": "tags", "name": "Tags", "fields": [{ "key": "label", "type": "TEXT_UNIQUE", "required": true }] })
}

fn contacts() -> Value {
    json!({ "key": "contacts", "name": "Contacts", "createRule": "AUTHENTICATED", "fields": [
        { "key": "name", "name": "Name", "type": "TEXT", "required": true, "defaultValue": null, "referencedTable": null },
        { "key": "score", "type": "DECIMAL" }, { "key": "n", "type": "NUMBER" }, { "key": "active", "type": "BOOLEAN" },
        { "key": "due", "type": "DATE" }, { "key": "tag", "type": "REFERENCE", "referencedTable": "tags" },
        { "key": "tags", "type": "REFERENCE_MANY", "referencedTable": "tags" },
        { "key": "holder", "type": "MEMBER_REFERENCE" } ] })
}

fn create(installation: &Installation, app: &str, table: &Value) -> Value {
    installation.write("table.json", table.to_string());
    installation.json(&["table", "create", "--app", app, "--file", "table.json"])
}

fn import(installation: &Installation, app: &str, table: &str, file: &str, more: &[&str]) -> Value {
    let words = ["table", "import", "--app", app, "--env", "live", "--table", table, "--file", file];
    let ran = installation.run(&[&words, more, &["--json"]].concat());
    assert!(ran.err.is_empty(), "{ran:?}");
    ran.json()
}

fn export(installation: &Installation, app: &str, table: &str, file: &str) -> String {
    let words = ["table", "export", "--app", app, "--env", "live", "--table", table, "--file", file];
    let ran = installation.run(&words);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    installation.read(file)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn taken(count: u64) -> Value {
    json!({ "taken": count, "refused": [], "dryRun": false })
}

/// Some contacts, each with a tag; more than one batch of an import and one part of an export.
fn fill(installation: &Installation, app: &str) {
    let tags: String =
        (0..3).map(|n| json!({ "data": { "label": format!("tag {n}") } }).to_string() + "\n").collect();
    installation.write("tags.jsonl", tags);
    assert_eq!(import(installation, app, "tags", "tags.jsonl", &[]), taken(3));
    let ids: Vec<_> = lines(&export(installation, app, "tags", "tags.out.jsonl"))
        .iter()
        .map(|tag| text(&tag["id"]))
        .collect();
    let contact = |n: usize| {
        let data = json!({ "name": format!("=Zoë, \"{n}\"\n"), "score": format!("{n}.10"), "n": -(n as i64),
            "active": n.is_multiple_of(2), "due": "2026-01-31", "tag": ids[n % 3], "tags": [ids[0], ids[1]] });
        json!({ "createdAt": "2020-02-29T12:00:00.123Z", "data": data }).to_string() + "\n"
    };
    installation.write("contacts.jsonl", (0..600).map(contact).collect::<String>());
    assert_eq!(import(installation, app, "contacts", "contacts.jsonl", &[]), taken(600));
}

#[test]
fn a_created_table_has_the_fixed_shape_and_is_listed() {
    let (installation, app) = Installation::with_app();
    let made = create(&installation, &app, &tags());
    assert!(text(&made["id"]).starts_with("tbl_"));
    assert_eq!((&made["key"], &made["createRule"]), (&json!("tags"), &json!("ADMIN_ONLY")));
    assert_eq!(installation.json(&["table", "list", "--app", &app]), json!([made]));
    let shown = installation.run(&["table", "show", "--app", &app, "--table", "tags"]);
    assert!(shown.out.contains("TEXT_UNIQUE"), "{shown:?}");
    installation.write("bad.json", "[1]");
    let error = installation.error(&["table", "create", "--app", &app, "--file", "bad.json"]);
    assert!(text(&error["message"]).contains("must hold a JSON object"), "{error}");
}

#[test]
fn definitions_change_by_command() {
    let (installation, app) = with_tables();
    let named = |command| vec!["table", command, "--app", &app, "--table", "tags"];
    let with = |command, more: &[&'static str]| installation.json(&[&named(command)[..], more].concat());
    assert_eq!(with("update", &["--name", "Labels", "--read-rule", "PUBLIC"])["readRule"], "PUBLIC");
    installation.write("field.json", r#"{"key":"rank","type":"NUMBER","defaultValue":1}"#);
    assert_eq!(with("add-field", &["--file", "field.json"])["fields"][1]["defaultValue"], 1);
    let changed = with(
        "change-field",
        &["--field", "rank", "--key", "weight", "--default-value", "null", "--required", "true"],
    );
    assert_eq!(changed["fields"][1]["required"], true);
    assert_eq!(changed["fields"][1]["defaultValue"], Value::Null);
    assert_eq!(with("remove-field", &["--field", "weight"])["fields"].as_array().map(Vec::len), Some(1));
    let error = installation.error(&[&named("delete")[..], &["--confirm", "tags"]].concat());
    assert_eq!(error["code"], "table_referenced");
    let words = ["table", "delete", "--app", &app, "--table", "contacts"];
    assert_eq!(installation.error(&words)["code"], "confirmation_missing");
    assert_eq!(
        installation.json(&[&words[..], &["--confirm", "contacts"]].concat())["records"],
        json!({ "live": 0, "sandbox": 0 })
    );
    with("delete", &["--confirm", "tags"]);
}

#[test]
fn what_is_exported_goes_back_to_its_place_and_elsewhere_keeps_its_ids() {
    let (from, app) = with_tables();
    fill(&from, &app);
    let (tags, contacts) = (from.read("tags.out.jsonl"), export(&from, &app, "contacts", "out.jsonl"));
    let rows = lines(&contacts);
    assert_eq!(rows.len(), 600);
    assert_eq!(rows[7]["data"]["score"], "7.1");
    assert_eq!(
        (&rows[7]["createdAt"], &rows[7]["data"]["n"]),
        (&json!("2020-02-29T12:00:00.123Z"), &json!(-7))
    );
    let again = import(&from, &app, "contacts", "out.jsonl", &[]);
    assert_eq!(
        (&again["taken"], again["refused"].as_array().map(Vec::len)),
        (&json!(0), Some(600)),
        "they are all there"
    );

    let (to, other) = with_tables();
    to.write("tags.jsonl", &tags);
    to.write("contacts.jsonl", &contacts);
    assert_eq!(import(&to, &other, "tags", "tags.jsonl", &[]), taken(3));
    assert_eq!(import(&to, &other, "contacts", "contacts.jsonl", &[]), taken(600));
    assert_eq!(export(&to, &other, "contacts", "out.jsonl"), contacts);
    assert_eq!(export(&to, &other, "tags", "tags.out.jsonl"), tags);
}

#[test]
fn csv_carries_the_same_and_no_formula() {
    let (from, app) = with_tables();
    fill(&from, &app);
    let csv = export(&from, &app, "contacts", "out.csv");
    assert!(
        csv.starts_with("id,createdByMemberId,createdAt,updatedAt,name,score,n,active,due,tag,tags,holder\n"),
        "{csv:.200}"
    );
    assert!(csv.contains("'=Zoë") && csv.contains(",-7,"));
    let before = export(&from, &app, "contacts", "before.jsonl");
    let words = ["table", "delete", "--app", &app, "--table", "contacts", "--confirm", "contacts"];
    from.json(&words);
    create(&from, &app, &contacts());
    assert_eq!(import(&from, &app, "contacts", "out.csv", &[]), taken(600));
    assert_eq!(export(&from, &app, "contacts", "after.jsonl"), before);
}

#[test]
fn a_bad_row_is_told_with_its_line_and_reason_and_the_others_are_taken() {
    let (installation, app) = with_tables();
    let row = |data: Value| json!({ "data": data }).to_string();
    let rows = [
        row(json!({ "label": "one" })),
        row(json!({ "label": 2 })),
        row(json!({})),
        "{bad".to_owned(),
        row(json!({ "label": "one" })),
        row(json!({ "label": "x", "colour": "red" })),
        json!({ "data": { "label": "owned" }, "createdByMemberId": "mem_nobody" }).to_string(),
        json!({ "data": { "label": "dated" }, "createdAt": "yesterday" }).to_string(),
        row(json!({ "label": "nine" })),
    ];
    installation.write("tags.jsonl", rows.join("\n"));
    let dry = import(&installation, &app, "tags", "tags.jsonl", &["--dry-run"]);
    assert_eq!(
        (&dry["dryRun"], export(&installation, &app, "tags", "nothing.jsonl").as_str()),
        (&json!(true), "")
    );
    let outcome = import(&installation, &app, "tags", "tags.jsonl", &[]);
    assert_eq!(outcome["taken"], 2);
    let refused: Vec<_> = outcome["refused"].as_array().expect("a list").iter().collect();
    let numbers: Vec<_> = refused.iter().filter_map(|row| row["line"].as_u64()).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 8]);
    for (refused, word) in
        refused.iter().zip(["label", "required", "JSON", "already", "colour", "Member", "createdAt"])
    {
        assert!(text(&refused["reason"]).contains(word), "{word}: {refused}");
    }
    let stopped = import(&installation, &app, "tags", "tags.jsonl", &["--on-error", "stop"]);
    assert_eq!(
        (&stopped["taken"], stopped["refused"].as_array().map(Vec::len)),
        (&json!(0), Some(1)),
        "{stopped}"
    );
}
