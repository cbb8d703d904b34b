//! What the commands show and end of members' sign-ins, beside a running server of either engine.

use super::support::{names, text};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use guildhall_testkit::process::{Place, Process};
use guildhall_testkit::{Engine, both_engines};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_guildhall");
const ADA: &str = "ada@example.com";
const PASSWORD: &str = "a-long-password";

/// A server with an app, and a page of that app's site.
struct Scene {
    server: Process,
    place: Place,
    app: String,
    key: String,
}

impl Scene {
    fn start(engine: Engine) -> Self {
        let place = Place::new(BINARY, engine);
        let server = place.start(&[]);
        let app = text(&place.json(&["app", "list"])[0]["id"]);
        let create =
            ["key", "create", "--app", &app, "--kind", "public", "--env", "sandbox", "--name", "page"];
        let key = text(&place.json(&create)["key"]);
        Self { server, place, app, key }
    }

    /// The words of a command with the sandbox of the app behind them.
    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [words, &["--app", &self.app, "--env", "sandbox"]].concat()
    }

    fn json(&self, words: &[&str]) -> Value {
        self.place.json(&self.words(words))
    }

    fn error(&self, words: &[&str]) -> Value {
        error(&self.place, &self.words(words))
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = Client::new().request(method, self.server.url(path)).header("x-api-key", &self.key);
        let request = request.header("authorization", format!("Bearer {token}"));
        let answer = request.json(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// Signs up or logs in: the token and the member's id.
    async fn enter(&self, path: &str) -> (String, String) {
        let body = json!({ "email": ADA, "password": PASSWORD });
        let (status, answer) = self.call(Method::POST, path, "", &body).await;
        assert_eq!(status, 200, "{answer}");
        let data = &answer["data"];
        (text(&data["tokens"]["accessToken"]), text(&data["member"]["id"]))
    }

    /// The code that a token is refused with, or nothing.
    async fn refusal(&self, token: &str) -> Option<String> {
        let (status, answer) = self.call(Method::GET, "/member/json", token, &json!({})).await;
        (status != 200).then(|| text(&answer["code"]))
    }
}

/// The error that a command must fail with, as `--json` prints it.
fn error(place: &Place, words: &[&str]) -> Value {
    let ran = place.run(&[words, &["--json"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{words:?}: {ran:?}");
    let value: Value = serde_json::from_str(&ran.stderr).expect("an error in JSON");
    value["error"].clone()
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn find<'a>(listed: &'a Value, name: &str, value: &Value) -> &'a Value {
    rows(listed).iter().find(|row| row[name] == *value).unwrap_or_else(|| panic!("no {value} in {listed}"))
}

/// The header of a token, which names its key and session.
fn header(token: &str) -> Value {
    let part = token.split('.').next().expect("a token has parts");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("a header is JSON")
}

both_engines! {
    async fn sessions_are_listed_newest_first_and_an_ended_one_is_refused(engine) {
        let scene = Scene::start(engine);
        let (first, member) = scene.enter("/auth/signup").await;
        let (second, _) = scene.enter("/auth/login").await;
        let list = ["session", "list", "--member", &member];
        let listed = scene.json(&list);
        let columns = ["id", "method", "address", "userAgent", "createdAt", "expiresAt", "revokedAt"];
        for row in rows(&listed) {
            assert_eq!(names(row), columns);
            assert_eq!((&row["method"], &row["address"]), (&json!("password"), &json!("127.0.0.1")));
            assert_eq!(row["revokedAt"], Value::Null);
        }
        let ids: Vec<_> = rows(&listed).iter().map(|row| row["id"].clone()).collect();
        assert_eq!(ids, [header(&second)["sid"].clone(), header(&first)["sid"].clone()]);
        assert_eq!(scene.error(&["session", "list", "--member", ADA])["code"], "member_not_found", "it is named by its id");

        let id = text(&ids[1]);
        assert_eq!(scene.json(&["session", "revoke", "--id", &id]), json!({ "id": id, "revoked": true }));
        assert_eq!(scene.refusal(&first).await.as_deref(), Some("client/invalid-token"));
        assert_eq!(scene.refusal(&second).await, None, "the other goes on");
        assert!(find(&scene.json(&list), "id", &ids[1])["revokedAt"].is_string());

        let shown = scene.place.run(&scene.words(&list));
        assert!(shown.code == 0 && shown.stdout.contains(&id), "{shown:?}");
        for token in [&first, &second] {
            assert!(!format!("{shown:?}{listed}").contains(token.as_str()), "a token is nobody's to see");
        }
    }

    async fn a_session_that_is_not_there_is_not_ended(engine) {
        let scene = Scene::start(engine);
        let (token, member) = scene.enter("/auth/signup").await;
        let id = text(&header(&token)["sid"]);
        for unknown in ["ses_none", "x", "'; DROP TABLE sessions; --"] {
            assert_eq!(scene.error(&["session", "revoke", "--id", unknown])["code"], "session_not_found", "{unknown}");
        }
        let other = text(&scene.place.json(&["app", "create", "--name", "Other"])["id"]);
        for place in [["--app", &other, "--env", "sandbox"], ["--app", &scene.app, "--env", "live"]] {
            let revoke = [&["session", "revoke", "--id", &id][..], &place].concat();
            assert_eq!(error(&scene.place, &revoke)["code"], "session_not_found", "{place:?}");
            let list = [&["session", "list", "--member", &member][..], &place].concat();
            assert_eq!(error(&scene.place, &list)["code"], "member_not_found", "{place:?}");
        }
        assert_eq!(scene.refusal(&token).await, None, "it goes on");
        scene.json(&["session", "revoke", "--id", &id]);
        assert_eq!(scene.error(&["session", "revoke", "--id", &id])["code"], "session_not_found", "ended once");
        assert_eq!(scene.error(&["session", "list", "--member", "mem_none"])["code"], "member_not_found");
    }

    async fn a_rotated_key_signs_and_the_old_one_stays_published(engine) {
        let scene = Scene::start(engine);
        let (before, _) = scene.enter("/auth/signup").await;
        let listed = scene.place.json(&["token-key", "list"]);
        assert_eq!(rows(&listed).len(), 1);
        let old = listed[0].clone();
        assert_eq!(names(&old), ["kid", "createdAt", "retiredAt", "publishedUntil"]);
        assert_eq!((&old["retiredAt"], &old["kid"]), (&Value::Null, &header(&before)["kid"]));

        let new = scene.place.json(&["token-key", "rotate"]);
        assert_eq!(names(&new), names(&old));
        assert_ne!(new["kid"], old["kid"]);
        let listed = scene.place.json(&["token-key", "list"]);
        assert_eq!(rows(&listed).len(), 2);
        assert_eq!(find(&listed, "kid", &new["kid"]), &new);
        let retired = find(&listed, "kid", &old["kid"]);
        assert!(retired["retiredAt"].is_string() && retired["publishedUntil"].is_string(), "{retired}");

        let (after, _) = scene.enter("/auth/login").await;
        assert_eq!(header(&after)["kid"], new["kid"], "it signs from the next request on");
        let (_, published) = scene.call(Method::GET, "/.well-known/jwks.json", "", &json!({})).await;
        for key in [&old, &new] {
            find(&published["keys"], "kid", &key["kid"]);
        }
        for token in [&before, &after] {
            assert_eq!(scene.refusal(token).await, None);
        }
        let shown = scene.place.run(&["token-key", "list"]);
        assert!(shown.stdout.contains(&text(&new["kid"])), "{shown:?}");
        for said in [shown.stdout, listed.to_string(), new.to_string()] {
            assert!(!said.contains("PRIVATE"), "the private half is nobody's to see");
        }
    }

    async fn mails_that_were_not_sent_are_listed_oldest_first(engine) {
        let scene = Scene::start(engine);
        let list = ["mail", "list"];
        assert_eq!(scene.json(&list), json!([]));
        let (token, _) = scene.enter("/auth/signup").await;
        let body = json!({ "email": ADA });
        assert_eq!(scene.call(Method::POST, "/auth/send-reset-password-email", "", &body).await.0, 200);
        let origin = json!({ "origin_domain": "https://site.example" });
        assert_eq!(scene.call(Method::POST, "/auth/send-email-verification", &token, &origin).await.0, 200);

        let listed = scene.json(&list);
        assert_eq!(rows(&listed).len(), 2);
        for mail in rows(&listed) {
            assert_eq!(names(mail), ["to", "subject", "text", "createdAt"]);
            assert_eq!(mail["to"], ADA);
        }
        let (reset, verify) = (text(&listed[0]["text"]), text(&listed[1]["text"]));
        let code = reset.split_whitespace().find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()));
        assert!(code.is_some(), "{reset}");
        let link = scene.server.url("/auth/verify-email?token=");
        assert!(verify.contains(&link), "the port is the one that the system chose: {verify}");

        let shown = scene.place.run(&scene.words(&list));
        assert!(shown.stdout.contains(&format!("to {ADA}")) && shown.stdout.contains(&reset), "{shown:?}");
        let live = ["mail", "list", "--app", &scene.app, "--env", "live"];
        assert_eq!(scene.place.json(&live), json!([]), "each environment has its own");
        assert_eq!(error(&scene.place, &["mail", "list", "--app", "app_none", "--env", "live"])["code"], "app_not_found");
    }
}
