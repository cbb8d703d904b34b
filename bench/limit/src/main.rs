//! What the machine allows: the least that any server with these duties must do.
//!
//! `limit seed FILE N` makes a database of N members, `mem_c` and a number of 24 digits from 1 on,
//! and prints the key; `limit serve FILE PORT` answers on one thread:
//!
//! - `GET /hello`: bare HTTP, a fixed body of a member's size;
//! - `GET /members/{id}`: key hash, map lookup, one point read by integer key, on the same thread;
//! - `PATCH /members/{id}`: read, merge, update, an event and an audit row: one transaction, one
//!   flush of the disk for each request;
//! - `PATCH /grouped/{id}`: the same work, with whatever waits committed together.
//!
//! Where a server could get away with less, the limit does: an id holds its row's key, so that there
//! is no index to descend; a member is one row, plan included; nothing is logged, counted or limited.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use rusqlite::{Connection, Row, ToSql, params};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEY: &str = "sk_the_key_that_the_load_sends_00000000000";
const FIND: &str =
    "SELECT id, email, custom_fields, meta_data, plans, created_at FROM members WHERE key = ?1";
const UPDATE: &str = "UPDATE members SET custom_fields = ?1, updated_at = ?2 WHERE key = ?3";
const EVENT: &str = "INSERT INTO events (kind, subject, payload, at) VALUES ('member.updated', ?1, ?2, ?3)";
const AUDIT: &str = "INSERT INTO audit (actor, action, subject, detail, request, at)
    VALUES ('key_c00000000000000000000000', 'member.update', ?1, '{\"changed\":[\"customFields\"]}', 'req_c00000000000000000000000', ?2)";
/// Requests that are committed together, at most.
const GROUP_MAX: usize = 1024;

struct Shared {
    keys: HashMap<[u8; 32], u32>,
    reader: Mutex<Connection>,
    writer: Arc<Mutex<Connection>>,
    queue: mpsc::Sender<Job>,
    hello: Bytes,
}

struct Job {
    key: i64,
    change: Map<String, Value>,
    done: oneshot::Sender<Option<Vec<u8>>>,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["seed", file, count] => seed(file, count.parse().expect("a count")),
        ["serve", file, port] => serve(file, port.parse().expect("a port")),
        _ => panic!("limit seed FILE N | limit serve FILE PORT"),
    }
}

fn open(file: &str) -> Connection {
    let connection = Connection::open(file).expect("the file opens");
    let pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=17179869184;
        PRAGMA busy_timeout=10000; PRAGMA wal_autocheckpoint=4000";
    connection.execute_batch(pragmas).expect("pragmas");
    connection.set_prepared_statement_cache_capacity(32);
    connection
}

fn id_of(key: i64) -> String {
    format!("mem_c{key:024}")
}

fn key_of(id: &str) -> Option<i64> {
    id.strip_prefix("mem_c")?.parse().ok()
}

fn seed(file: &str, count: i64) {
    let mut connection = open(file);
    let schema =
        "CREATE TABLE members (key INTEGER PRIMARY KEY, id TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
            custom_fields TEXT NOT NULL, meta_data TEXT NOT NULL, plans TEXT NOT NULL, created_at TEXT NOT NULL,
            updated_at INTEGER NOT NULL);
        CREATE TABLE events (number INTEGER PRIMARY KEY, kind TEXT, subject TEXT, payload TEXT, at INTEGER);
        CREATE TABLE audit (number INTEGER PRIMARY KEY, actor TEXT, action TEXT, subject TEXT, detail TEXT,
            request TEXT, at INTEGER)";
    connection.execute_batch(schema).expect("schema");
    let transaction = connection.transaction().expect("begin");
    {
        let insert = "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)";
        let mut insert = transaction.prepare(insert).expect("insert");
        let words = "lorem ipsum ".repeat(12);
        for key in 1..=count {
            let values = params![
                key,
                id_of(key),
                format!("member{key}@example.com"),
                format!(r#"{{"first-name":"First{key}","last-name":"Last{key} {words}"}}"#),
                format!(r#"{{"source":"import","row":{key}}}"#),
                r#"[{"id":"con_c000000000000000000000000","active":true,"status":"ACTIVE","planId":"pln_basic-00000000","planName":"Basic","type":"FREE","payment":null}]"#,
                "2026-01-02T03:04:05.678Z"
            ];
            insert.execute(values).expect("inserted");
        }
    }
    transaction.commit().expect("commit");
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpoint");
    println!("{KEY}");
}

/// A member as the API shows it, with these custom fields instead of its own if there are any.
fn render(row: &Row<'_>, custom_fields: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    for (lead, column) in [
        (r#"{"data":{"id":""#, 0),
        (r#"","auth":{"email":""#, 1),
        (r#""},"verified":true,"customFields":"#, 2),
        (r#","metaData":"#, 3),
        (r#","permissions":[],"planConnections":"#, 4),
        (
            r#","loginRedirect":null,"profileImage":null,"stripeCustomerId":null,"lastLogin":null,"json":{},"createdAt":""#,
            5,
        ),
    ] {
        out.extend_from_slice(lead.as_bytes());
        out.extend_from_slice(match custom_fields {
            Some(fields) if column == 2 => fields.as_bytes(),
            _ => text(row, column).as_bytes(),
        });
    }
    out.extend_from_slice(br#""}}"#);
    out
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> &'r str {
    row.get_ref(column).expect("a column").as_str().expect("text")
}

fn find(connection: &Connection, key: i64) -> Option<Vec<u8>> {
    let mut statement = connection.prepare_cached(FIND).expect("a statement");
    let mut rows = statement.query([key]).expect("rows");
    rows.next().expect("a row").map(|row| render(row, None))
}

/// What a PATCH has to do, inside a transaction that the caller began.
fn change(connection: &Connection, key: i64, change: &mut Map<String, Value>) -> Option<Vec<u8>> {
    let mut statement = connection.prepare_cached(FIND).expect("a statement");
    let mut rows = statement.query([key]).expect("rows");
    let row = rows.next().expect("a row")?;
    let mut fields: Map<String, Value> = serde_json::from_str(text(row, 2)).expect("an object");
    if let Some(Value::Object(new)) = change.get_mut("customFields") {
        fields.append(new);
    }
    let fields = serde_json::to_string(&fields).expect("JSON");
    let body = render(row, Some(&fields));
    let id = text(row, 0).to_owned();
    drop(rows);

    #[expect(clippy::disallowed_methods, reason = "there is no clock here to ask")]
    let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros() as i64;
    let run = |sql: &str, values: &[&dyn ToSql]| {
        connection.prepare_cached(sql).expect("a statement").execute(values).expect("executed");
    };
    run(UPDATE, &[&fields, &at, &key]);
    // The event holds the member without the envelope.
    let payload = str::from_utf8(&body[r#"{"data":"#.len()..body.len() - 1]).expect("text");
    run(EVENT, &[&id, &payload, &at]);
    run(AUDIT, &[&id, &at]);
    Some(body)
}

fn transact<T>(connection: &Connection, work: impl FnOnce() -> T) -> T {
    let run = |sql: &str| {
        connection.prepare_cached(sql).expect("a statement").execute([]).expect("executed");
    };
    run("BEGIN IMMEDIATE");
    let result = work();
    run("COMMIT");
    result
}

fn group(connection: Connection, jobs: mpsc::Receiver<Job>) {
    let mut answers = Vec::new();
    while let Ok(first) = jobs.recv() {
        transact(&connection, || {
            let mut next = Some(first);
            while let Some(mut job) = next {
                answers.push((job.done, change(&connection, job.key, &mut job.change)));
                next = if answers.len() < GROUP_MAX { jobs.try_recv().ok() } else { None };
            }
        });
        for (done, body) in answers.drain(..) {
            let _ = done.send(body);
        }
    }
}

fn json(body: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.into()).into_response()
}

fn knows(shared: &Shared, headers: &HeaderMap) -> bool {
    headers.get("x-api-key").is_some_and(|key| {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        shared.keys.contains_key(&hash)
    })
}

fn member(body: Option<Vec<u8>>) -> Response {
    body.map_or_else(|| StatusCode::NOT_FOUND.into_response(), json)
}

async fn read(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !knows(&shared, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let reader = shared.reader.lock().expect("no panic");
    member(key_of(&id).and_then(|key| find(&reader, key)))
}

/// A request to change a member, if it is in order.
fn asked(shared: &Shared, id: &str, headers: &HeaderMap, body: &[u8]) -> Option<(i64, Map<String, Value>)> {
    if !knows(shared, headers) {
        return None;
    }
    Some((key_of(id)?, serde_json::from_slice(body).ok()?))
}

async fn single(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some((key, mut new)) = asked(&shared, &id, &headers, &body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let writer = Arc::clone(&shared.writer);
    let changed = tokio::task::spawn_blocking(move || {
        let connection = writer.lock().expect("no panic");
        transact(&connection, || change(&connection, key, &mut new))
    });
    member(changed.await.expect("no panic"))
}

async fn grouped(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some((key, change)) = asked(&shared, &id, &headers, &body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (done, answer) = oneshot::channel();
    shared.queue.send(Job { key, change, done }).expect("the writer runs");
    member(answer.await.expect("the writer answers"))
}

#[tokio::main(flavor = "current_thread")]
async fn serve(file: &str, port: u16) {
    let reader = open(file);
    let (queue, jobs) = mpsc::channel();
    let batch = open(file);
    std::thread::spawn(move || group(batch, jobs));
    let mut keys: HashMap<_, _> = (0..1000_u32).map(|n| (Sha256::digest(n.to_string()).into(), n)).collect();
    keys.insert(Sha256::digest(KEY).into(), 1000);
    let shared = Shared {
        keys,
        hello: find(&reader, 1).expect("the first member").into(),
        reader: Mutex::new(reader),
        writer: Arc::new(Mutex::new(open(file))),
        queue,
    };
    let router = Router::new()
        .route("/hello", get(|State(shared): State<Arc<Shared>>| async move { json(shared.hello.clone()) }))
        .route("/members/{id}", get(read).patch(single))
        .route("/grouped/{id}", patch(grouped))
        .with_state(Arc::new(shared));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.expect("served");
}
