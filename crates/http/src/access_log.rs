//! One line about each request: what an operator looks for, and nothing that is secret.
//!
//! The line is put together by hand from parts that cannot hold a secret (the route's template,
//! never the path; the key's id, never the key) and handed to a sink that must not wait.

use std::io::Write;
use std::sync::Arc;

/// How the lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogForm {
    /// A JSON object a line.
    Json,
    /// For a person's eyes.
    Text,
}

/// Takes one whole line.
type Sink = dyn Fn(&[u8]) + Send + Sync;

/// Where the lines go.
#[derive(Clone)]
pub struct AccessLog {
    form: AccessLogForm,
    sink: Option<Arc<Sink>>,
}

/// What a line tells.
pub(crate) struct Line<'a> {
    pub at: guildhall_domain::Timestamp,
    pub request_id: &'a str,
    pub method: &'a str,
    pub route: &'a str,
    pub status: u16,
    pub duration_us: u64,
    pub key: Option<&'a str>,
    pub environment: Option<u32>,
    pub code: Option<&'static str>,
}

impl AccessLog {
    /// Lines of this form, to this sink.
    pub fn new(form: AccessLogForm, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self { form, sink: Some(Arc::new(sink)) }
    }

    /// No lines.
    pub fn silent() -> Self {
        Self { form: AccessLogForm::Json, sink: None }
    }

    pub(crate) fn write(&self, line: &Line<'_>) {
        let Some(sink) = &self.sink else { return };
        let mut out = Vec::with_capacity(320);
        match self.form {
            AccessLogForm::Json => json(&mut out, line),
            AccessLogForm::Text => text(&mut out, line),
        }
        sink(&out);
    }
}

fn json(out: &mut Vec<u8>, line: &Line<'_>) {
    out.extend_from_slice(b"{\"timestamp\":\"");
    line.at.write_iso(out);
    out.extend_from_slice(b"\",\"level\":\"INFO\",\"message\":\"request\",\"request_id\":\"");
    // Request ids, methods and routes are restricted to characters that need no escape.
    out.extend_from_slice(line.request_id.as_bytes());
    out.extend_from_slice(b"\",\"method\":\"");
    out.extend_from_slice(line.method.as_bytes());
    out.extend_from_slice(b"\",\"route\":\"");
    out.extend_from_slice(line.route.as_bytes());
    let _ = write!(out, "\",\"status\":{},\"duration_us\":{}", line.status, line.duration_us);
    if let Some(environment) = line.environment {
        let _ = write!(out, ",\"environment\":{environment}");
    }
    if let Some(key) = line.key {
        out.extend_from_slice(b",\"key\":\"");
        out.extend_from_slice(key.as_bytes());
        out.push(b'"');
    }
    if let Some(code) = line.code {
        out.extend_from_slice(b",\"code\":\"");
        out.extend_from_slice(code.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"}\n");
}

fn text(out: &mut Vec<u8>, line: &Line<'_>) {
    line.at.write_iso(out);
    let _ = write!(
        out,
        "  {} {} {} {} us  {}",
        line.status, line.method, line.route, line.duration_us, line.request_id
    );
    for part in [line.key, line.code].into_iter().flatten() {
        let _ = write!(out, "  {part}");
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[test]
    fn a_json_line_is_json() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let log = AccessLog::new(AccessLogForm::Json, move |line| into.lock().extend_from_slice(line));
        log.write(&Line {
            at: guildhall_domain::Timestamp::from_micros(0),
            request_id: "abc",
            method: "GET",
            route: "/members/{id}",
            status: 200,
            duration_us: 42,
            key: Some("key_c"),
            environment: Some(1),
            code: Some("key_invalid"),
        });
        let line: serde_json::Value = serde_json::from_slice(&seen.lock()).expect("JSON");
        assert_eq!(line["route"], "/members/{id}");
        assert_eq!(line["duration_us"], 42);
        assert_eq!(line["key"], "key_c");
    }
}
