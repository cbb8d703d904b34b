//! What reaches the log, and what does not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::redaction::Redaction;
use super::*;
use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// An output whose content can be read, and which can be held closed.
#[derive(Clone, Default)]
struct Output {
    shared: Arc<(Mutex<Held>, Condvar)>,
}

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    shut: bool,
    waiting: bool,
}

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.shared.0.lock().bytes.clone()).unwrap()
    }

    fn shut(&self, shut: bool) {
        self.shared.0.lock().shut = shut;
        self.shared.1.notify_all();
    }

    fn wait_for_writer(&self) {
        let mut held = self.shared.0.lock();
        while !held.waiting {
            self.shared.1.wait(&mut held);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.shared.0.lock();
        while held.shut {
            held.waiting = true;
            self.shared.1.notify_all();
            self.shared.1.wait(&mut held);
        }
        held.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(output: &Output, limits: Limits) -> (LogGuard, &'static AtomicU64) {
    let dropped: &'static AtomicU64 = Box::leak(Box::default());
    (Writer::start(Box::new(output.clone()), limits, dropped).unwrap(), dropped)
}

fn clean(text: &str) -> String {
    String::from_utf8(Redaction::new().clean(text.as_bytes()).into_owned()).unwrap()
}

#[test]
fn what_looks_like_a_secret_is_redacted() {
    let hash = "k7Xb2mQ9vT4pLs8WcZ1yHd6RnJf3GaEu";
    for (secret, left) in [
        (format!("key=sk_sb_{hash}000000 x"), "key=[redacted] x".to_owned()),
        (format!("\"sk_{hash}\""), "\"[redacted]\"".into()),
        (format!("pk_{hash}"), "[redacted]".into()),
        (format!("/x?a=apst_{hash}&b=1"), "/x?a=[redacted]&b=1".into()),
        (format!("a%3Dapst_{hash}"), "a%3D[redacted]".into()),
        (format!("line\\nptnr_{hash}"), "line\\n[redacted]".into()),
        (format!("\x1b[0mwhsec_{hash}\x1b[2m"), "\x1b[0m[redacted]\x1b[2m".into()),
        (format!("one\nsk_{hash}\ntwo"), "one\n[redacted]\ntwo".into()),
        (format!("Bearer eyJhbGciOiJSUzI1NiJ9.eyJpZCI6Im1lbSJ9.{hash}"), "Bearer [redacted]".into()),
        (format!("$argon2id$v=19$m=65536,t=3,p=4${hash}${hash} x"), "[redacted] x".into()),
        (format!("'$2b$12${hash}'"), "'[redacted]'".into()),
        (format!("$2y$10${hash}"), "[redacted]".into()),
        (format!("$scrypt$ln=16,r=8,p=1${hash}${hash}"), "[redacted]".into()),
        (format!("$pbkdf2-sha256$29000${hash}"), "[redacted]".into()),
        ("postgres://me:p@ss/w:rd@db.host/x".into(), "postgres://[redacted]@db.host/x".into()),
        ("postgresql://me:secret@[::1]:5432/x".into(), "postgresql://[redacted]@[::1]:5432/x".into()),
        ("redis://:secret@cache:6379".into(), "redis://[redacted]@cache:6379".into()),
        ("https://me:secret@host/x".into(), "https://[redacted]@host/x".into()),
        ("host=db password=hunter2 user=me".into(), "host=db password=[redacted] user=me".into()),
        ("Password='it is long'".into(), "Password=[redacted]".into()),
        ("?api_key=legacy-key-9&x=1".into(), "?api_key=[redacted]&x=1".into()),
        (r#"{"password":"a \n b","x":1}"#.into(), r#"{"password":"[redacted]","x":1}"#.into()),
        (r#""{\"password\": \"abc\"}""#.into(), r#""{\"password\": \"[redacted]\"}""#.into()),
        ("to john.o'neil+x@mail.example.com now".into(), "to [redacted] now".into()),
        ("<zoë@exämple.de>".into(), "<[redacted]>".into()),
        ("?q=a%40example.com&x".into(), "?q=[redacted]&x".into()),
    ] {
        assert_eq!(clean(&secret), left);
    }
}

#[test]
fn everything_else_is_left_as_it_is() {
    for text in [
        "",
        "2026-07-01T00:00:00.000000Z  INFO guildhall: listening address=127.0.0.1:3010",
        "task_scheduler_ticked disk_usage_bytes_total sk_short",
        r#"{"key_id":"key_0190f7c2a1b27c3d8e4f","member":"mem_0190f7c2a1b27c3d8e4f"}"#,
        "invalid password: too short; the secret is a header",
        "postgres://db.host:5432/guildhall https://host:80/path?x=a@b",
        "@memberstack/admin@1.2.3 user@localhost git@1",
        "price $2 and $argon2 and eyJ.",
        "a\nb\r\n\tc \u{fc}ber \u{1f600}",
    ] {
        assert_eq!(clean(text), text);
    }
    // Bytes that are no text do no harm.
    assert_eq!(&*Redaction::new().clean(b"\xff\xfe a@b.example \xff"), b"\xff\xfe [redacted] \xff");
}

#[test]
fn lines_come_out_in_order_and_complete_when_the_guard_is_dropped() {
    let output = Output::default();
    // Gathering for longer than a test may take shows that the drop does not wait for its end.
    let limits = Limits { gather: Duration::from_secs(600), ..Limits::default() };
    let (guard, dropped) = start(&output, limits);
    let access = guard.access_log();
    let expected: String = (0..5000).map(|n| format!("GET /members {n}\n")).collect();
    for line in expected.split_inclusive('\n') {
        access.line(line.as_bytes());
    }
    drop(guard);
    assert_eq!(output.text(), expected);
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    access.line(b"too late\n");
    assert_eq!(output.text(), expected);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn lines_that_find_no_room_are_dropped_and_counted() {
    let output = Output::default();
    output.shut(true);
    let limits = Limits { pending_bytes_max: 10, urgent_bytes: 1, gather: Duration::ZERO };
    let (guard, dropped) = start(&output, limits);
    let access = guard.access_log();
    access.line(b"first\n");
    output.wait_for_writer();
    for line in [&b"second\n"[..], b"third\n", b"4\n", b"fifth\n"] {
        access.line(line);
    }
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
    output.shut(false);
    drop(guard);
    assert_eq!(output.text(), "first\nsecond\n4\n");
}

#[test]
fn events_are_lines_of_json_or_text_without_secrets() {
    for json in [true, false] {
        let output = Output::default();
        let (guard, _) = start(&output, Limits::default());
        let subscriber = tracing_subscriber::registry().with(layer(json, false, guard.events()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(id = "mem_1", mail = "jo@example.com", "member created");
            tracing::warn!("second");
        });
        drop(guard);
        let text = output.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("member created") && lines[0].contains("[redacted]"));
        assert!(!text.contains("example.com"));
        if json {
            let line: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
            assert_eq!(line["message"], "member created");
            assert_eq!(line["id"], "mem_1");
            assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        } else {
            assert!(lines[0].contains("INFO") && lines[0].contains("id=\"mem_1\""));
        }
    }
}

#[test]
fn levels_are_checked_and_mistyped_ones_refused() {
    for good in ["info", "off", "WARN", "info,guildhall_store=debug", "guildhall=trace"] {
        assert_eq!(good.parse::<LogLevel>().unwrap().as_str(), good);
    }
    for bad in ["", "inof", "info,", "info,guildhall", "guildhall=loud", "guildhall="] {
        assert!(bad.parse::<LogLevel>().is_err(), "{bad}");
    }
}
