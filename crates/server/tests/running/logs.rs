//! What the log does not say.

use super::scene::{Scene, text};
use guildhall_testkit::both_engines;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-battery";
const BCRYPT: &str = "$2a$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";
const LEGACY: &str = "legacy-key-of-a-shop-0123456789";
const MISTYPED: &str = "sk_0123456789abcdefghijABCDEFGHIJ01234567";

both_engines! {
    async fn no_secret_is_in_the_log_whatever_is_sent(engine) {
        let mut scene = Scene::start_with(engine, &["--log-level", "trace"]);
        let (id, key) = scene.key("live");
        let client = Client::new();
        let call = async |method: Method, path: &str, key: &str, body: Value| {
            let request = client.request(method, scene.server.url(path)).header("x-api-key", key);
            let answer = request.json(&body).send().await.expect("an answer");
            answer.text().await.expect("a body")
        };
        let member = json!({ "email": "ada@example.com", "password": PASSWORD });
        let made = call(Method::POST, "/members", &key, member.clone()).await;
        assert!(made.contains("ada@example.com"), "{made}");
        for sent in [&key, MISTYPED, LEGACY] {
            call(Method::POST, "/members", sent, member.clone()).await;
            call(Method::GET, &format!("/members/{sent}"), sent, Value::Null).await;
            call(Method::GET, &format!("/nowhere/{sent}?key={sent}"), sent, Value::Null).await;
            call(Method::PATCH, "/members/mem_x", sent, json!({ "json": { "password": PASSWORD } })).await;
            call(Method::GET, &format!("/manage/v1/plans/{sent}"), sent, Value::Null).await;
        }
        call(Method::POST, "/members", &key, json!({ "email": 1, "password": [PASSWORD] })).await;

        let (place, app) = (&scene.place, scene.app.as_str());
        let import = ["key", "import", "--app", app, "--env", "live", "--kind", "store", "--name", "L"];
        let mut said = place.run_with(&import, &[], LEGACY).stderr;
        let row = json!({ "email": "bob@example.com", "passwordHash": BCRYPT }).to_string();
        let rows = format!("{row}\n{row}\n");
        let members = ["member", "import", "--app", app, "--env", "live", "--file", "-", "--format", "jsonl"];
        said += &place.run_with(&members, &[], &rows).stderr;
        let export = ["member", "export", "--app", app, "--env", "live", "--file", "out.jsonl"];
        said += &place.run(&export).stderr;
        said += &place.run(&["key", "revoke", "--id", &id]).stderr;
        call(Method::GET, "/members", &key, Value::Null).await;
        assert_eq!(scene.server.terminate(), 0);

        let exported = std::fs::read_to_string(scene.place.file("out.jsonl")).expect("a file");
        let hashes = exported.lines().map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            text(&line["passwordHash"])
        });
        let mut secrets: Vec<String> = hashes.collect();
        assert_eq!(secrets.len(), 2);
        secrets.extend([&key, PASSWORD, BCRYPT, LEGACY, MISTYPED].map(ToOwned::to_owned));
        said += &scene.server.stderr();
        assert!(said.contains("/members"), "there is an access log");
        for secret in secrets {
            let line = said.lines().find(|line| line.contains(&secret));
            assert_eq!(line, None, "{secret} is in the log");
        }
    }
}
