//! `guildhall serve` as whoever runs it meets it, and commands beside it.

use super::support::{Installation, text};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};

/// A running server; it ends with the test, whatever happens.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    read: String,
    address: String,
}

impl Server {
    /// Starts on a free port and waits for the line that tells it.
    fn start(installation: &Installation) -> Self {
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be run");
        let log = BufReader::new(child.stderr.take().expect("it was piped"));
        let mut server = Self { child, log, read: String::new(), address: String::new() };
        let line = server.wait_for("listening");
        assert_eq!(
            (&line["engine"], &line["version"]),
            (&"sqlite".into(), &env!("CARGO_PKG_VERSION").into())
        );
        server.address = text(&line["address"]);
        server
    }

    /// Reads the log until a line has this message.
    fn wait_for(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).expect("the log can be read");
            assert_ne!(read, 0, "the server ended before `{message}`: {}", self.read);
            self.read += &line;
            let value: Value = serde_json::from_str(&line).expect("each line of the log is JSON");
            if value["message"] == message {
                return value;
            }
        }
    }

    /// The status of `GET /members` with a key.
    fn status(&self, key: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head =
            format!("GET /members HTTP/1.1\r\nHost: x\r\nX-API-KEY: {key}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer[9..12].parse().expect("a status")
    }

    /// Stops it as a service manager does: its exit code, what it printed and its whole log.
    fn stop(mut self, signal: Signal) -> (Option<i32>, String, String) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
        let mut printed = String::new();
        let mut out = self.child.stdout.take().expect("it was piped");
        out.read_to_string(&mut printed).expect("UTF-8");
        self.log.read_to_string(&mut self.read).expect("UTF-8");
        let code = self.child.wait().expect("it ends").code();
        (code, printed, std::mem::take(&mut self.read))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The word that starts so.
fn word<'a>(printed: &'a str, start: &str) -> &'a str {
    printed.split_whitespace().find(|word| word.starts_with(start)).expect("it is printed")
}

#[test]
fn the_first_start_shows_the_keys_once_and_never_logs_them() {
    let installation = Installation::empty();
    let (code, printed, log) = Server::start(&installation).stop(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
    let secret = word(&printed, "sk_sb_");
    assert!(printed.contains("pk_sb_") && printed.contains("/dashboard/setup?token="), "{printed}");
    assert!(printed.contains(word(&printed, "app_")) && printed.contains("curl"));
    for hidden in [secret, word(&printed, "pk_sb_"), "token="] {
        assert!(!log.contains(hidden), "{log}");
    }

    let server = Server::start(&installation);
    assert_eq!(server.status(secret), 200);
    let (code, printed, log) = server.stop(Signal::INT);
    assert_eq!((code, printed.as_str()), (Some(0), ""), "{log}");
    assert!(!log.contains(secret));
}

#[test]
fn a_command_beside_the_server_takes_effect_at_the_next_request() {
    let (installation, app) = Installation::with_app();
    let server = Server::start(&installation);
    let create = ["key", "create", "--app", &app, "--kind", "secret", "--env", "live", "--name"];
    let kept = installation.json(&[&create[..], &["kept"]].concat());
    let doomed = installation.json(&[&create[..], &["doomed"]].concat());
    assert_eq!((server.status(&text(&kept["key"])), server.status(&text(&doomed["key"]))), (200, 200));
    installation.json(&["key", "revoke", "--id", &text(&doomed["id"])]);
    assert_eq!((server.status(&text(&doomed["key"])), server.status(&text(&kept["key"]))), (401, 200));

    let import = ["key", "import", "--app", &app, "--kind", "secret", "--env", "live", "--name", "Old"];
    installation.json_with_input(&import, "legacy-key-of-a-site-0123456789\n");
    assert_eq!(server.status("legacy-key-of-a-site-0123456789"), 200);

    assert_eq!(server.stop(Signal::TERM).0, Some(0));
    let listed = installation.json(&["key", "list", "--app", &app]);
    let row = listed.as_array().and_then(|rows| rows.iter().find(|row| row["id"] == kept["id"]));
    assert!(row.expect("it is listed")["lastUsedAt"].is_string(), "the last use survives the stop");
}

#[test]
fn a_taken_port_is_said_and_no_first_app_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it has an address").to_string();
    let installation = Installation::empty();
    let ran = installation.run(&["serve", "--listen", &address]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("--listen"), "{ran:?}");
    assert_eq!(installation.json(&["app", "list"]), serde_json::json!([]));
}
