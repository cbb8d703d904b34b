//! The binary over a life: first start, commands beside the running server, restarts, refusals.

mod running {
    pub mod logs;
    pub mod scene;
    pub mod stopping;
}

use guildhall_testkit::both_engines;
use guildhall_testkit::process::Place;
use guildhall_testkit::{Engine, run};
use reqwest::StatusCode;
use running::scene::{BINARY, Scene, get, names, sql, text, word};
use serde_json::{Value, json};

both_engines! {
    async fn what_scripts_rely_on_keeps_its_shape(engine) {
        let place = Place::new(BINARY, engine);
        let created = place.json(&["app", "create", "--name", "Shop", "--shop", "x.myshopify.com"]);
        assert_eq!(names(&created), ["id", "name", "shop", "environments"]);
        for (mode, secret, public) in [("sandbox", "sk_sb_", "pk_sb_"), ("live", "sk_", "pk_")] {
            let keys = &created["environments"][mode];
            assert_eq!(names(keys), ["secretKey", "publicKey"]);
            assert!(text(&keys["secretKey"]).starts_with(secret), "{keys}");
            assert!(text(&keys["publicKey"]).starts_with(public), "{keys}");
        }
        let app = text(&created["id"]);
        let updated = place.json(&["app", "update", "--app", &app, "--passwordless", "on", "--api-access", "off"]);
        assert_eq!(names(&updated), [
            "id", "name", "shop", "apiAccess", "passwordless", "sessionSeconds", "memberSelfDelete", "createdAt", "timeZone",
            "currency", "dunningRetries", "dunningDays", "dunningOutcome",
        ]);
        assert_eq!((&updated["apiAccess"], &updated["passwordless"]), (&json!(false), &json!(true)));

        let of_app = ["--app", &app, "--env", "live", "--kind", "store", "--name", "S"];
        let key = place.json(&[&["key", "create"][..], &of_app].concat());
        let import = [&["key", "import", "--json"][..], &of_app].concat();
        let imported = place.run_with(&import, &[], "a-legacy-key-0123456789\n").json();
        let mut columns = vec![
            "id", "name", "kind", "environment", "start", "imported", "scopes", "allowedAddresses",
            "rateLimit", "createdAt", "lastUsedAt", "expiresAt", "revokedAt",
        ];
        assert_eq!(names(&imported), columns);
        let revoked = place.json(&["key", "revoke", "--id", &text(&key["id"])]);
        assert_eq!(names(&revoked), columns);
        let listed = place.json(&["key", "list", "--app", &app]);
        assert!(listed.as_array().expect("a list").iter().all(|row| names(row) == columns), "{listed}");
        columns.push("key");
        assert_eq!(names(&key), columns);
        assert_eq!(names(&place.json(&["partner", "create", "--name", "P"])), columns);

        let price = ["--price", "990", "--currency", "eur", "--interval", "month"];
        let plan = place.json(&[&["plan", "create", "--app", &app, "--name", "Gold"][..], &price].concat());
        let columns = [
            "id", "name", "description", "status", "isPaid", "restrictToAdmin", "memberLimit", "prices",
            "permissions", "createdAt",
        ];
        assert_eq!(names(&plan), columns);
        assert_eq!(names(&plan["prices"][0]), ["id", "amount", "currency", "interval"]);
    }

    async fn the_eleventh_store_key_is_refused(engine) {
        let place = Place::new(BINARY, engine);
        let app = text(&place.json(&["app", "create", "--name", "A"])["id"]);
        let create = ["key", "create", "--app", &app, "--env", "live", "--kind", "store", "--name", "S"];
        for _ in 0..10 {
            place.json(&create);
        }
        let eleventh = place.run(&create);
        assert_eq!((eleventh.code, eleventh.stdout.as_str()), (1, ""), "{eleventh:?}");
        let wanted = "error: This app already has 10 active store keys; revoke one first.\n";
        assert_eq!(eleventh.stderr, wanted);
    }

    async fn a_key_revoked_by_command_is_refused_at_the_very_next_request(engine) {
        let scene = Scene::start(engine);
        let (id, key) = scene.key("live");
        for _ in 0..3 {
            assert_eq!(get(&scene.server, "/members", &key).await.0, StatusCode::OK);
        }
        scene.place.json(&["key", "revoke", "--id", &id]);
        let (status, body) = get(&scene.server, "/members", &key).await;
        assert_eq!((status, &body["code"]), (StatusCode::UNAUTHORIZED, &json!("validation/invalid-secret-key")));
        // And one made by command is known at once.
        let (_, key) = scene.key("sandbox");
        assert_eq!(get(&scene.server, "/members", &key).await.0, StatusCode::OK);
    }

    async fn when_a_key_was_last_used_survives_a_restart(engine) {
        let mut scene = Scene::start(engine);
        let (id, key) = scene.key("live");
        let last_used = |scene: &Scene| {
            let listed = scene.place.json(&["key", "list", "--app", &scene.app]);
            let rows = listed.as_array().expect("a list");
            rows.iter().find(|row| row["id"] == id).expect("it is listed")["lastUsedAt"].clone()
        };
        assert_eq!(last_used(&scene), Value::Null);
        assert_eq!(get(&scene.server, "/members", &key).await.0, StatusCode::OK);
        assert_eq!(scene.server.terminate(), 0);
        let noted = last_used(&scene);
        assert!(noted.is_string(), "{noted}");
        scene.server = scene.place.start(&[]);
        assert_eq!(last_used(&scene), noted);
    }

    async fn only_the_first_start_shows_a_key_and_no_log_does(engine) {
        let place = Place::new(BINARY, engine);
        let mut first = place.start(&[]);
        let printed = first.stdout();
        let key = word(&printed, "sk_sb_");
        assert_eq!(get(&first, "/members", &key).await.0, StatusCode::OK);
        assert_eq!(first.terminate(), 0);
        let token = word(&printed, "token=");
        for secret in [&key, &word(&printed, "pk_sb_"), &token] {
            assert!(secret.len() > 20, "{printed}");
            assert!(!first.stderr().contains(secret.as_str()), "a secret is in the log");
        }

        let mut second = place.start(&[]);
        assert_eq!(get(&second, "/members", &key).await.0, StatusCode::OK);
        assert_eq!(second.terminate(), 0);
        assert_eq!(second.stdout(), "");
        assert_eq!(place.json(&["app", "list"]).as_array().map(Vec::len), Some(1));
    }

    async fn a_newer_schema_is_refused(engine) {
        let place = Place::new(BINARY, engine);
        place.json(&["migrate"]);
        sql(&place, "INSERT INTO schema_migrations (number, name, applied_at) VALUES (999, 'later', 0)").await;
        for words in [&["app", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["doctor"], &["migrate"]] {
            let refused = place.run(words);
            let said = format!("{}{}", refused.stdout, refused.stderr);
            assert_eq!(refused.code, 1, "{words:?}: {refused:?}");
            assert!(said.contains("999") && said.contains("newer"), "{words:?}: {refused:?}");
        }
    }

    async fn members_go_in_out_and_in_again(engine) {
        let place = Place::new(BINARY, engine);
        let app = |name: &str| text(&place.json(&["app", "create", "--name", name])["id"]);
        let (from, to) = (app("From"), app("To"));
        let line = |number: usize| {
            json!({
                "id": format!("mem_old{number}"), "auth": { "email": format!("m{number}@example.com") },
                "verified": number.is_multiple_of(2), "metaData": { "n": number + 1 }, "json": { "deep": [1, null] },
                "customFields": { "first-name": "Zoë" }, "createdAt": "2020-02-29T12:00:00.000Z",
            })
        };
        let lines: String = (0..600).map(|number| format!("{}\n", line(number))).collect();
        std::fs::write(place.file("in.jsonl"), lines).expect("a file");
        let import = |app: &str, file: &str| {
            place.json(&["member", "import", "--app", app, "--env", "live", "--file", file])
        };
        let export = |app: &str, file: &str| {
            let ran = place.run(&["member", "export", "--app", app, "--env", "live", "--file", file]);
            assert_eq!(ran.code, 0, "{ran:?}");
            let lines = std::fs::read_to_string(place.file(file)).expect("a file");
            // PostgreSQL takes several rows at a time, so that their order is not the file's.
            let mut lines: Vec<_> = lines.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(import(&from, "in.jsonl")["taken"], 600);
        let exported = export(&from, "out.jsonl");
        assert_eq!(exported.len(), 600);
        assert_eq!(import(&to, "out.jsonl")["taken"], 600);
        assert_eq!(export(&to, "again.jsonl"), exported);
        // A second time everything is there already, and nothing is doubled.
        let again = place.run(&["member", "import", "--app", &to, "--env", "live", "--file", "out.jsonl", "--json"]);
        assert_eq!(again.code, 1);
        assert_eq!(export(&to, "again.jsonl"), exported);
    }

    async fn the_doctor_finds_nothing_beside_a_running_server(engine) {
        let scene = Scene::start(engine);
        let rows = scene.place.json(&["doctor"]);
        for row in rows.as_array().expect("a list") {
            assert_eq!(names(row), ["check", "result", "detail"]);
            // The limit of open files and the disk are the machine's.
            let machine = row["check"] == "open files" || row["check"] == "disk";
            assert!(row["result"] == "ok" || machine, "{row}");
        }
    }
}

#[test]
fn an_unknown_setting_is_named_wherever_it_stands() {
    let place = Place::new(BINARY, Engine::Sqlite);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let flag = place.run(&[&serve[..], &["--nonsense", "1"]].concat());
    assert!(flag.code != 0 && flag.stderr.contains("--nonsense"), "{flag:?}");
    let variable = place.run_with(&serve, &[("GUILDHALL_NONSENSE", "1")], "");
    assert!(variable.code == 1 && variable.stderr.contains("GUILDHALL_NONSENSE"), "{variable:?}");
    std::fs::write(place.file("guildhall.toml"), "nonsense = 1\n").expect("a file");
    let file = place.run(&serve);
    assert!(file.code == 1 && file.stderr.contains("`nonsense`"), "{file:?}");
    assert!(!place.data_dir().exists(), "nothing was made");
}

#[test]
fn a_command_that_reads_names_a_missing_directory_and_makes_nothing() {
    let place = Place::new(BINARY, Engine::Sqlite);
    for words in [&["app", "list"][..], &["key", "list", "--app", "app_x"], &["partner", "list"], &["doctor"]]
    {
        let ran = place.run(words);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(said.contains(&place.data_dir().display().to_string()), "{ran:?}");
        assert!(!place.data_dir().exists(), "{words:?} made the directory");
    }
}

#[test]
fn checking_the_settings_prints_no_secret() {
    run(async {
        let place = Place::new(BINARY, Engine::Sqlite);
        std::fs::write(place.file("redis"), "redis://:hunter-in-file@127.0.0.1/0\n").expect("a file");
        let variables = [
            ("GUILDHALL_DATABASE_URL", "postgres://user:hunter-in-variable@127.0.0.1/x?password=hunter-too"),
            ("GUILDHALL_REDIS_URL_FILE", "redis"),
        ];
        for words in [&["config", "check"][..], &["config", "check", "--json"]] {
            let ran = place.run_with(words, &variables, "");
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(!format!("{ran:?}").contains("hunter"), "{ran:?}");
            assert!(ran.stdout.contains("[redacted]"), "{ran:?}");
        }
        // Nor does a value that is wrong.
        let wrong = [("GUILDHALL_DATABASE_URL", "hunter-is-no-url")];
        let ran = place.run_with(&["config", "check"], &wrong, "");
        assert!(ran.code == 1 && !format!("{ran:?}").contains("hunter"), "{ran:?}");
    });
}
