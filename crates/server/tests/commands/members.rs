//! Moving members in and out with the built binary.

use super::support::{Installation, text};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// bcrypt of `password` as another vendor stores it.
const BCRYPT: &str = "$2a$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";

fn import(installation: &Installation, app: &str, env: &str, file: &str) -> Value {
    installation.json(&["member", "import", "--app", app, "--env", env, "--file", file])
}

fn export(installation: &Installation, app: &str, env: &str, file: &str) -> String {
    let ran = installation.run(&["member", "export", "--app", app, "--env", env, "--file", file]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    installation.read(file)
}

fn members(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn row(number: usize) -> String {
    let row = json!({
        "auth": { "email": format!("m{number}@example.com") }, "verified": number.is_multiple_of(2),
        "customFields": { "first-name": format!("Zoë {number}") }, "metaData": { "n": number.to_string() },
        "json": { "deep": [1, { "two": null }] }, "loginRedirect": "/welcome",
        "createdAt": "2020-02-29T12:00:00.000Z", "lastLogin": "2021-01-01T00:00:00.000Z",
        "passwordHash": (number == 0).then_some(BCRYPT),
    });
    row.to_string()
}

#[test]
fn what_is_exported_can_be_imported_elsewhere_and_is_the_same() {
    let (from, app) = Installation::with_app();
    // More than one page of the export, and than the import has under way.
    from.write("in.jsonl", (0..1_100).map(|number| row(number) + "\n").collect::<String>());
    assert_eq!(
        import(&from, &app, "live", "in.jsonl"),
        json!({ "taken": 1_100, "refused": [], "dryRun": false })
    );
    let exported = export(&from, &app, "live", "out.jsonl");
    let rows = members(&exported);
    assert_eq!(rows.len(), 1_100);
    assert_eq!(rows[0]["passwordHash"], BCRYPT);
    for (name, value) in members(&row(0))[0].as_object().expect("an object") {
        assert_eq!(rows[0][name], *value, "{name}");
    }

    let (to, other) = Installation::with_app();
    to.write("in.jsonl", &exported);
    assert_eq!(import(&to, &other, "live", "in.jsonl")["taken"], 1_100);
    assert_eq!(export(&to, &other, "live", "out.jsonl"), exported);
    assert_eq!(export(&to, &other, "sandbox", "sandbox.jsonl"), "");
}

#[test]
fn an_export_is_readable_by_its_owner_only_also_over_an_older_file() {
    let (installation, app) = Installation::with_app();
    for file in ["new.jsonl", "old.csv"] {
        if file.starts_with("old") {
            installation.write(file, "something longer than the export will be".repeat(50));
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(installation.path(file), open).expect("it can be opened up");
        }
        let content = export(&installation, &app, "live", file);
        assert!(!content.contains("something"));
        let mode = installation.path(file).metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn refused_rows_are_told_by_line_and_the_others_are_taken() {
    let (installation, app) = Installation::with_app();
    let lines = [row(1).as_str(), "", "{\"email\":\"x\"}", "[]", &row(1), &row(2)].join("\n");
    installation.write("in.jsonl", lines);
    let words = ["member", "import", "--app", &app, "--env", "live", "--file", "in.jsonl", "--json"];
    let ran = installation.run(&words);
    assert_eq!(ran.code, 1);
    let report = ran.json();
    assert_eq!(report["taken"], 2);
    let lines: Vec<_> =
        report["refused"].as_array().expect("a list").iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [3, 4, 5]);
    assert!(report["refused"][2]["reason"].as_str().is_some_and(|reason| reason.contains("already in use")));
    assert_eq!(ran.err, "", "no progress but on a terminal");
}

#[test]
fn a_dry_run_stores_nothing() {
    let (installation, app) = Installation::with_app();
    installation.write("in.jsonl", row(1));
    let words = ["member", "import", "--app", &app, "--env", "live", "--file", "in.jsonl", "--dry-run"];
    assert_eq!(installation.json(&words), json!({ "taken": 1, "refused": [], "dryRun": true }));
    assert_eq!(export(&installation, &app, "live", "out.jsonl"), "");
}

#[test]
fn the_sandbox_takes_fifty() {
    let (installation, app) = Installation::with_app();
    installation.write("in.jsonl", (0..51).map(|number| row(number) + "\n").collect::<String>());
    let words = ["member", "import", "--app", &app, "--env", "sandbox", "--file", "in.jsonl", "--json"];
    let ran = installation.run(&words);
    assert_eq!((ran.code, &ran.json()["taken"]), (1, &json!(50)));
}

#[test]
fn csv_goes_in_and_out() {
    let (installation, app) = Installation::with_app();
    let csv = format!(
        "email,passwordHash,first-name,verified\nada@example.com,{BCRYPT},\"Ada, \"\"A\"\"\nB\",true\nbob@example.com,,,\n"
    );
    let words = ["member", "import", "--app", &app, "--env", "live", "--file", "-", "--format", "csv"];
    assert_eq!(installation.json_with_input(&words, &csv)["taken"], 2);
    let exported = export(&installation, &app, "live", "out.csv");
    let (to, other) = Installation::with_app();
    to.write("in.csv", &exported);
    assert_eq!(import(&to, &other, "live", "in.csv")["taken"], 2);
    assert_eq!(export(&to, &other, "live", "out.csv"), exported);
    let ada = &members(&export(&to, &other, "live", "out.jsonl"))[0];
    assert_eq!(text(&ada["customFields"]["first-name"]), "Ada, \"A\"\nB");
    assert_eq!((&ada["passwordHash"], &ada["verified"]), (&json!(BCRYPT), &json!(true)));
}

#[test]
fn a_file_that_is_none_ends_the_import() {
    let (installation, app) = Installation::with_app();
    let words = ["member", "import", "--app", &app, "--env", "live", "--json", "--file"];
    let directory = installation.run(&[&words[..], &[".", "--format", "jsonl"]].concat());
    assert_eq!((directory.code, &directory.json()["taken"]), (1, &json!(0)));
    assert_eq!(directory.json()["refused"].as_array().map(Vec::len), Some(1));
    for (file, hint) in [("missing.jsonl", "cannot read"), ("members", "--format"), ("bad.csv", "`email`")] {
        installation.write("members", "");
        installation.write("bad.csv", "Email,Name\nada@example.com,Ada\n");
        let ran = installation.run(&[&words[..], &[file]].concat());
        assert_eq!(ran.code, 1);
        assert!(ran.err.contains(hint), "{ran:?}");
    }
}
