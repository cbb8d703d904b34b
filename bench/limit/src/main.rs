//! What the machine allows: the least that any server with these duties must do.
//!
//! `limit seed FILE N` makes a database of N members; `limit serve FILE PORT` answers on one thread:
//!
//! - `GET /hello`: bare HTTP, a fixed body of a member's size;
//! - `GET /members/{id}`: key hash, map lookup, one indexed point read, on the same thread;
//! - `PATCH /members/{id}`: read, merge, update, an event and an audit row: one transaction, one
//!   flush of the disk for each request;
//! - `PATCH /grouped/{id}`: the same work, with whatever waits committed together.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use rusqlite::{Connection, params};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use tokio::sync::oneshot;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEY: &str = "sk_the_key_that_the_load_sends_00000000000";
const FIND: &str = "SELECT id, email, custom_fields, meta_data, plans, created_at FROM members WHERE id = ?1";

struct Shared {
    keys: HashMap<[u8; 32], u32>,
    reader: Mutex<Connection>,
    writer: Arc<Mutex<Connection>>,
    queue: mpsc::Sender<Job>,
    hello: Bytes,
}

struct Job {
    id: String,
    change: Map<String, Value>,
    done: oneshot::Sender<Vec<u8>>,
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

fn seed(file: &str, count: u64) {
    let mut connection = open(file);
    let schema = "CREATE TABLE members (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE,
            custom_fields TEXT NOT NULL, meta_data TEXT NOT NULL, plans TEXT NOT NULL, created_at TEXT NOT NULL);
        CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, subject TEXT, payload TEXT, at INTEGER);
        CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT, subject TEXT, detail TEXT, at INTEGER)";
    connection.execute_batch(schema).expect("schema");
    let transaction = connection.transaction().expect("begin");
    for number in 1..=count {
        let custom = format!(
            r#"{{"first-name":"First{number}","last-name":"Last{number} {}"}}"#,
            "lorem ipsum ".repeat(12)
        );
        let values = params![
            format!("mem_c{number:024}"),
            format!("member{number}@example.com"),
            custom,
            format!(r#"{{"source":"import","row":{number}}}"#),
            r#"[{"id":"con_c000000000000000000000000","active":true,"status":"ACTIVE","planId":"pln_basic-00000000","planName":"Basic","type":"FREE","payment":null}]"#,
            "2026-01-02T03:04:05.678Z"
        ];
        let insert = "INSERT INTO members (id, email, custom_fields, meta_data, plans, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        transaction.prepare_cached(insert).expect("insert").execute(values).expect("inserted");
    }
    transaction.commit().expect("commit");
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpoint");
    println!("{KEY}");
}

fn render(row: &rusqlite::Row<'_>) -> Vec<u8> {
    let text = |column: usize| row.get_ref(column).expect("a column").as_str().expect("text").as_bytes();
    let mut out = Vec::with_capacity(1024);
    for (lead, column) in [
        (&b"{\"data\":{\"id\":\""[..], 0),
        (b"\",\"auth\":{\"email\":\"", 1),
        (b"\"},\"verified\":true,\"customFields\":", 2),
        (b",\"metaData\":", 3),
        (b",\"permissions\":[],\"planConnections\":", 4),
        (b",\"loginRedirect\":null,\"profileImage\":null,\"stripeCustomerId\":null,\"lastLogin\":null,\"createdAt\":\"", 5),
    ] {
        out.extend_from_slice(lead);
        out.extend_from_slice(text(column));
    }
    out.extend_from_slice(b"\"}}");
    out
}

fn find(connection: &Connection, id: &str) -> Option<Vec<u8>> {
    let mut statement = connection.prepare_cached(FIND).expect("a statement");
    let mut rows = statement.query([id]).expect("rows");
    rows.next().expect("a row").map(render)
}

/// What a change has to do, inside a transaction that the caller began.
fn change(connection: &Connection, id: &str, change: &Map<String, Value>) -> Vec<u8> {
    let select = "SELECT custom_fields FROM members WHERE id = ?1";
    let stored: String = connection
        .prepare_cached(select)
        .expect("select")
        .query_row([id], |row| row.get(0))
        .expect("the member is there");
    let mut fields: Map<String, Value> = serde_json::from_str(&stored).expect("an object");
    if let Some(Value::Object(new)) = change.get("customFields") {
        fields.extend(new.clone());
    }
    let text = serde_json::to_string(&fields).expect("JSON");
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql).expect("a statement").execute(values).expect("executed");
    };
    run("UPDATE members SET custom_fields = ?1 WHERE id = ?2", &[&text, &id]);
    let body = find(connection, id).expect("the member is there");
    let payload = String::from_utf8_lossy(&body);
    run("INSERT INTO events (kind, subject, payload, at) VALUES ('member.updated', ?1, ?2, 1)", &[&id, &payload]);
    run(
        "INSERT INTO audit (action, subject, detail, at) VALUES ('member.update', ?1, '{\"changed\":[\"customFields\"]}', 1)",
        &[&id],
    );
    body
}

fn group(connection: Connection, jobs: mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        connection.execute_batch("BEGIN IMMEDIATE").expect("begin");
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            answers.push((job.done, change(&connection, &job.id, &job.change)));
            next = if answers.len() < 1024 { jobs.try_recv().ok() } else { None };
        }
        connection.execute_batch("COMMIT").expect("commit");
        for (done, body) in answers {
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

async fn read(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !knows(&shared, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let found = find(&shared.reader.lock().expect("no panic"), &id);
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), json)
}

async fn single(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let (true, Ok(new)) = (knows(&shared, &headers), serde_json::from_slice::<Map<String, Value>>(&body)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let writer = Arc::clone(&shared.writer);
    let changed = tokio::task::spawn_blocking(move || {
        let connection = writer.lock().expect("no panic");
        connection.execute_batch("BEGIN IMMEDIATE").expect("begin");
        let body = change(&connection, &id, &new);
        connection.execute_batch("COMMIT").expect("commit");
        body
    });
    json(changed.await.expect("no panic"))
}

async fn grouped(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let (true, Ok(change)) = (knows(&shared, &headers), serde_json::from_slice(&body)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (done, answer) = oneshot::channel();
    shared.queue.send(Job { id, change, done }).expect("the writer runs");
    json(answer.await.expect("the writer answers"))
}

#[tokio::main(flavor = "current_thread")]
async fn serve(file: &str, port: u16) {
    let reader = open(file);
    let first: String = reader.query_row("SELECT id FROM members LIMIT 1", [], |row| row.get(0)).expect("a member");
    let (queue, jobs) = mpsc::channel();
    let batch = open(file);
    std::thread::spawn(move || group(batch, jobs));
    let mut keys: HashMap<_, _> = (0..1000_u32).map(|n| (Sha256::digest(n.to_string()).into(), n)).collect();
    keys.insert(Sha256::digest(KEY).into(), 1000);
    let shared = Shared {
        keys,
        hello: find(&reader, &first).expect("the first member").into(),
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
