//! A running server with an app, and how to speak to it.

use guildhall_testkit::Engine;
use guildhall_testkit::process::{Place, Process};
use reqwest::{Client, StatusCode};
use serde_json::Value;

pub const BINARY: &str = env!("CARGO_BIN_EXE_guildhall");

/// A server that runs on its first app.
pub struct Scene {
    pub server: Process,
    pub place: Place,
    pub app: String,
}

impl Scene {
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[])
    }

    pub fn start_with(engine: Engine, flags: &[&str]) -> Self {
        let place = Place::new(BINARY, engine);
        let server = place.start(flags);
        let app = text(&place.json(&["app", "list"])[0]["id"]);
        Self { server, place, app }
    }

    /// A new secret key: its id, and the key.
    pub fn key(&self, environment: &str) -> (String, String) {
        let create = ["key", "create", "--app", &self.app, "--kind", "secret", "--name", "test", "--env"];
        let made = self.place.json(&[&create[..], &[environment]].concat());
        (text(&made["id"]), text(&made["key"]))
    }
}

pub async fn get(server: &Process, path: &str, key: &str) -> (StatusCode, Value) {
    let answer = Client::new().get(server.url(path)).header("x-api-key", key).send().await;
    let answer = answer.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

/// Runs a statement beside the binary.
pub async fn sql(place: &Place, statement: &str) {
    match place.database_url() {
        None => {
            let connection = rusqlite::Connection::open(place.database_file()).expect("the file opens");
            connection.execute_batch(statement).expect("the statement runs");
        }
        Some(url) => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the database answers");
            tokio::spawn(connection);
            client.batch_execute(statement).await.expect("the statement runs");
        }
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text expected, got {value}")).to_owned()
}

/// The names of an object's fields, in order.
pub fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// What begins so in a text, up to the next character that is neither letter, digit nor `_`.
pub fn word(text: &str, start: &str) -> String {
    let at = text.find(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    let rest = &text[at + start.len()..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let prefix = if start.ends_with('=') { "" } else { start };
    format!("{prefix}{}", &rest[..end])
}
