//! The commands as scripts use them: the built binary, its JSON and its exit codes.

mod commands {
    pub mod members;
    pub mod serving;
    pub mod sign_in;
    pub mod support;
    pub mod tables;
}

use commands::support::{Installation, names, ran, text};
use serde_json::{Value, json};

const LEGACY: &str = "legacy-key-of-a-shop-0123456789";

fn has_shape(key: &Value, prefix: &str) -> bool {
    let body = key.as_str().and_then(|key| key.strip_prefix(prefix)).unwrap_or_default();
    body.len() == 38 && body.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn create_key(installation: &Installation, app: &str, kind: &str, name: &str) -> Value {
    installation.json(&["key", "create", "--app", app, "--kind", kind, "--env", "sandbox", "--name", name])
}

#[test]
fn a_created_app_has_the_fixed_shape() {
    let shop = "your-store.myshopify.com";
    let created = Installation::empty().json(&["app", "create", "--name", "Ada", "--shop", shop]);
    assert_eq!(names(&created), ["id", "name", "shop", "environments"]);
    assert!(text(&created["id"]).starts_with("app_"));
    assert_eq!((&created["name"], &created["shop"]), (&json!("Ada"), &json!(shop)));
    let environments = &created["environments"];
    assert_eq!(names(environments), ["sandbox", "live"]);
    for (environment, secret, public) in [("sandbox", "sk_sb_", "pk_sb_"), ("live", "sk_", "pk_")] {
        let keys = &environments[environment];
        assert_eq!(names(keys), ["secretKey", "publicKey"]);
        assert!(has_shape(&keys["secretKey"], secret) && has_shape(&keys["publicKey"], public), "{keys}");
    }
}

#[test]
fn an_app_is_changed_only_where_asked() {
    let (installation, app) = Installation::with_app();
    let changed = installation.json(&["app", "update", "--app", &app, "--api-access", "off"]);
    assert_eq!(
        (&changed["name"], &changed["apiAccess"], &changed["shop"]),
        (&json!("Test"), &json!(false), &Value::Null)
    );
    let changed = installation.json(&["app", "update", "--app", &app, "--name", "New"]);
    assert_eq!((&changed["name"], &changed["apiAccess"]), (&json!("New"), &json!(false)));
    assert_eq!(installation.json(&["app", "list"])[0], changed);
    assert_eq!(
        installation.error(&["app", "update", "--app", "app_none", "--name", "x"])["code"],
        "app_not_found"
    );
}

#[test]
fn a_key_is_shown_at_creation_and_never_again() {
    let (installation, app) = Installation::with_app();
    let create = ["key", "create", "--app", &app, "--kind", "secret", "--env", "live", "--name", "CRM"];
    let limits = ["--rate-limit", "none", "--scopes", "members,read-only", "--allow", "192.0.2.7,10.0.0.0/8"];
    let expiry = ["--expires", "2999-01-31T00:00:00Z"];
    let created = installation.json(&[&create[..], &limits, &expiry].concat());
    assert!(text(&created["id"]).starts_with("key_") && has_shape(&created["key"], "sk_"));
    assert_eq!(created["name"], "CRM");

    let listed = installation.run(&["key", "list", "--app", &app, "--json"]);
    assert!(!listed.out.contains(&text(&created["key"])));
    let listed = listed.json();
    let row = listed.as_array().expect("a list").iter().find(|row| row["id"] == created["id"]);
    let row = row.expect("it is listed");
    let columns = [
        "id",
        "name",
        "kind",
        "environment",
        "start",
        "imported",
        "scopes",
        "allowedAddresses",
        "rateLimit",
        "createdAt",
        "lastUsedAt",
        "expiresAt",
        "revokedAt",
    ];
    assert_eq!(names(row), columns);
    assert_eq!(
        (&row["kind"], &row["environment"], &row["rateLimit"]),
        (&json!("secret"), &json!("live"), &json!("none"))
    );
    assert_eq!(row["allowedAddresses"], json!(["192.0.2.7/32", "10.0.0.0/8"]));
    assert_eq!(row["expiresAt"], "2999-01-31T00:00:00.000Z");
    assert_eq!((&row["revokedAt"], &row["lastUsedAt"]), (&Value::Null, &Value::Null));
    assert_eq!(create_key(&installation, &app, "store", "default")["rateLimit"], Value::Null);
}

#[test]
fn the_eleventh_active_store_key_is_refused_until_one_is_revoked() {
    let (installation, app) = Installation::with_app();
    let first = create_key(&installation, &app, "store", "1");
    assert!(has_shape(&first["key"], "apst_"));
    for name in 2..=10 {
        create_key(&installation, &app, "store", &name.to_string());
    }
    let eleventh = ["key", "create", "--app", &app, "--kind", "store", "--env", "live", "--name", "11"];
    let error = installation.error(&eleventh);
    assert_eq!(error["code"], "key_limit_reached");
    assert!(text(&error["message"]).contains("10 active store keys"), "{error}");
    create_key(&installation, &app, "secret", "another kind");

    let revoked = installation.json(&["key", "revoke", "--id", &text(&first["id"])]);
    assert!(revoked["revokedAt"].is_string());
    assert_eq!(installation.json(&["key", "revoke", "--id", &text(&first["id"])]), revoked);
    installation.json(&eleventh);
    assert_eq!(installation.error(&["key", "revoke", "--id", "key_none"])["code"], "key_not_found");
}

#[test]
fn a_rotated_key_is_like_the_old_one_and_both_are_active() {
    let (installation, app) = Installation::with_app();
    let create = ["key", "create", "--app", &app, "--kind", "store", "--env", "live", "--name", "S"];
    let old = installation.json(&[&create[..], &["--rate-limit", "7", "--scopes", "contracts"]].concat());
    let new = installation.json(&["key", "rotate", "--id", &text(&old["id"])]);
    assert_ne!((&new["id"], &new["key"]), (&old["id"], &old["key"]));
    for same in ["kind", "environment", "scopes", "rateLimit", "allowedAddresses", "expiresAt"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    let listed = installation.json(&["key", "list", "--app", &app]);
    let rows = listed.as_array().expect("a list");
    let active = |id: &Value| rows.iter().any(|row| row["id"] == *id && row["revokedAt"].is_null());
    assert!(active(&old["id"]) && active(&new["id"]));
}

#[test]
fn a_legacy_key_is_imported_as_it_is() {
    let (installation, app) = Installation::with_app();
    let import = ["key", "import", "--app", &app, "--kind", "store", "--env", "live", "--name", "Old"];
    let imported = installation.json_with_input(&import, &format!("{LEGACY}\r\n"));
    assert_eq!((&imported["imported"], &imported["start"]), (&json!(true), &json!("lega")));
    assert!(text(&imported["id"]).starts_with("key_") && imported["name"] == "Old");
    assert_eq!(installation.error_with_input(&import, LEGACY)["code"], "key_exists");
    for refused in ["", "\n", "too-short", " legacy-key-of-a-shop-0123456789", "legacy-key-0123456789\n\n"] {
        let error = installation.error_with_input(&import, refused);
        assert!(text(&error["message"]).contains("16 to 512"), "{refused:?}: {error}");
    }
    let long = "x".repeat(5_000);
    assert!(installation.error_with_input(&import, &long)["message"].is_string());
}

#[test]
fn a_key_is_checked_without_a_database_and_without_settings() {
    let (installation, app) = Installation::with_app();
    let key = text(&create_key(&installation, &app, "secret", "k")["key"]);
    let elsewhere = Installation::empty();
    elsewhere.write("guildhall.toml", "no_such_setting = 1\n");
    let checked = elsewhere.json_with_input(&["key", "check"], &format!("{key}\n"));
    assert_eq!(checked, json!({ "isKey": true, "kind": "secret", "environment": "sandbox" }));
    let mistyped = key.replacen(&key[8..9], if &key[8..9] == "a" { "b" } else { "a" }, 1);
    for no_key in [mistyped.as_str(), "nonsense", LEGACY, ""] {
        let checked = elsewhere.run_with_input(&["key", "check", "--json"], no_key);
        assert_eq!((checked.code, &checked.json()["isKey"]), (1, &json!(false)));
    }
    assert!(!elsewhere.path("data").exists());
}

#[test]
fn plans_permissions_and_custom_fields_are_defined_and_listed() {
    let (installation, app) = Installation::with_app();
    let free = installation.json(&["plan", "create", "--app", &app, "--name", "Free"]);
    assert!(text(&free["id"]).starts_with("pln_") && free["isPaid"] == json!(false));
    let price = ["--price", "500", "--currency", "usd", "--interval", "month"];
    let paid = ["plan", "create", "--app", &app, "--name", "Gold"];
    let paid = installation.json(&[&paid[..], &price, &["--member-limit", "3"]].concat());
    assert_eq!((&paid["isPaid"], &paid["memberLimit"]), (&json!(true), &json!(3)));
    let price = &paid["prices"][0];
    assert_eq!((&price["amount"], &price["currency"]), (&json!(500), &json!("usd")));
    assert_eq!(price["interval"], json!({ "type": "month", "count": 1 }));

    let permission = installation.json(&["permission", "create", "--app", &app, "--name", "read:all"]);
    let (plan_id, id) = (text(&free["id"]), text(&permission["id"]));
    let grant = ["permission", "grant", "--app", &app, "--plan", &plan_id, "--permission"];
    installation.json(&[&grant[..], &[&id]].concat());
    let plans = installation.json(&["plan", "list", "--app", &app]);
    let granted = plans.as_array().expect("a list").iter().find(|plan| plan["id"] == free["id"]);
    assert_eq!(granted.expect("it is listed")["permissions"].as_array().map(Vec::len), Some(1));
    assert_eq!(installation.json(&["permission", "list", "--app", &app]), json!([permission]));

    let field = ["custom-field", "create", "--app", &app, "--key", "phone", "--label", "Phone"];
    let field = installation.json(&[&field[..], &["--hidden", "--visibility", "public"]].concat());
    assert_eq!((&field["key"], &field["hidden"]), (&json!("phone"), &json!(true)));
    let fields = installation.json(&["custom-field", "list", "--app", &app]);
    assert!(fields.as_array().expect("a list").contains(&field));
    // A currency without a price says nothing: a mistake, not a free plan.
    let odd = installation.run(&["plan", "create", "--app", &app, "--name", "x", "--currency", "eur"]);
    assert_eq!(odd.code, 2);
}

#[test]
fn a_partner_key_has_the_fixed_shape_and_belongs_to_no_app() {
    let (installation, app) = Installation::with_app();
    let partner = installation.json(&["partner", "create", "--name", "CRM"]);
    assert!(partner["id"].is_string() && has_shape(&partner["key"], "ptnr_"));
    let listed = installation.json(&["partner", "list"]);
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["environment"]), (Some(1), &Value::Null));
    let keys = installation.json(&["key", "list", "--app", &app]);
    assert!(keys.as_array().expect("a list").iter().all(|key| key["kind"] != "partner"));
    let revoked = installation.json(&["partner", "revoke", "--id", &text(&partner["id"])]);
    assert!(revoked["revokedAt"].is_string());
}

#[test]
fn an_operator_gets_a_link_that_starts_with_the_public_address() {
    let (installation, _) = Installation::with_app();
    installation.write("guildhall.toml", "public_url = \"https://members.example.com\"\n");
    let create = ["operator", "create", "--email", "ada@example.com", "--name", "Ada"];
    let created = installation.json(&create);
    let start = "https://members.example.com/dashboard/setup?token=";
    assert!(text(&created["link"]).starts_with(start), "{created}");
    assert_eq!(installation.error(&create)["code"], "operator_exists");
    let reset = installation.json(&["operator", "reset-password", "--email", "ADA@example.com"]);
    assert!(text(&reset["link"]).starts_with(start) && reset["link"] != created["link"]);
    let nobody = ["operator", "reset-password", "--email", "nobody@example.com"];
    assert_eq!(installation.error(&nobody)["code"], "operator_not_found");
}

#[test]
fn an_operator_can_be_let_into_one_app_only() {
    let (installation, app) = Installation::with_app();
    let of_app = |app: &str, role: &str| {
        ["operator", "create", "--email", "bo@example.com", "--name", "Bo", "--app", app, "--role", role]
            .map(str::to_owned)
    };
    let words = of_app("app_unknown", "admin");
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert_eq!(installation.error(&words)["code"], "app_not_found");
    let words = of_app(&app, "read-only");
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert!(
        text(&installation.json(&words)["id"]).starts_with("opr_"),
        "what failed before left nobody behind"
    );
}

#[test]
fn a_demo_fills_a_sandbox_and_twice_is_the_same_as_once() {
    let (installation, app) = Installation::with_app();
    let demo = ["demo", "--app", &app, "--env", "sandbox"];
    let made = installation.json(&demo);
    assert_eq!((&made["members"], &made["records"]), (&json!(48), &json!(15)));
    let again = installation.json(&demo);
    assert_eq!((&again["members"], &again["records"]), (&json!(0), &json!(0)));
}

#[test]
fn a_command_that_only_reads_makes_no_database() {
    let installation = Installation::empty();
    for words in [
        &["key", "list", "--app", "app_a"][..],
        &["app", "list"],
        &["plan", "create", "--app", "app_a", "--name", "x"],
        &["partner", "list"],
        &["operator", "reset-password", "--email", "ada@example.com"],
    ] {
        let error = installation.error(words);
        assert!(text(&error["message"]).contains("no database in data"), "{words:?}: {error}");
        assert!(!installation.path("data").exists(), "{words:?}");
    }
    assert_eq!(installation.run(&["doctor"]).code, 1);
    assert!(!installation.path("data").exists());
    assert_eq!(
        installation.json(&["migrate"]),
        json!({ "engine": "sqlite", "schemaVersion": guildhall_app::SCHEMA_VERSION })
    );
    assert_eq!(installation.json(&["app", "list"]), json!([]));
}

#[test]
fn an_unknown_setting_is_an_error_wherever_it_stands() {
    let (installation, _) = Installation::with_app();
    let mut command = installation.command(&["app", "list"]);
    command.env("GUILDHALL_LISTN", "127.0.0.1:1");
    let failed = ran(command, "");
    assert_eq!(failed.code, 1);
    assert!(failed.err.starts_with("error: ") && failed.err.contains("GUILDHALL_LISTEN"), "{failed:?}");
    installation.write("guildhall.toml", "rate_limt = 5\n");
    let error = installation.error(&["config", "check"]);
    assert!(text(&error["message"]).contains("rate_limit"), "{error}");
    assert_eq!(installation.run(&["app", "list", "--no-such-flag"]).code, 2);
}

#[test]
fn settings_are_shown_with_their_source_and_without_secrets() {
    let installation = Installation::empty();
    installation.write("guildhall.toml", "rate_limit = 5\n");
    let mut command = installation.command(&["config", "check", "--json"]);
    command
        .env("GUILDHALL_DATABASE_URL", "postgres://u:hunter2@localhost/x")
        .env("GUILDHALL_LOG_LEVEL", "warn");
    let shown = ran(command, "");
    assert!(!shown.out.contains("hunter2"));
    let value = shown.json();
    let row = |name: &str| {
        let rows = value["settings"].as_array().expect("a list");
        rows.iter().find(|row| row["name"] == name).expect("every setting is shown").clone()
    };
    assert_eq!((&row("rate_limit")["value"], &row("log_level")["value"]), (&json!("5"), &json!("warn")));
    let sources: Vec<_> =
        ["data_dir", "log_level", "rate_limit", "listen"].map(|name| text(&row(name)["source"])).into();
    let distinct: std::collections::HashSet<_> = sources.iter().collect();
    assert_eq!(distinct.len(), 4, "flag, environment, file and default are told apart: {sources:?}");
}

#[test]
fn the_doctor_finds_a_sound_installation_sound() {
    let (installation, _) = Installation::with_app();
    let rows = installation.json(&["doctor"]);
    let rows = rows.as_array().expect("a list");
    for check in ["settings", "database file", "disk", "database", "integrity"] {
        let row = rows.iter().find(|row| row["check"] == check).expect("it is checked");
        assert_ne!(row["result"], "fail", "{row}");
    }
}
