//! The listener over real sockets. Nothing sleeps here but the server's own timers.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use axum::body::Body;
use axum::extract::Extension;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const SHORT: Duration = Duration::from_millis(150);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<Drained>>,
}

impl Running {
    async fn start(router: Router, settings: ServeSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(listener, router, settings, async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) -> Drained {
        let _ = self.stop.send(());
        within(self.task).await.unwrap().unwrap()
    }
}

/// Fails a test that would hang.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("took too long")
}

/// Everything up to the end of the stream. A reset is an end as well.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut byte = [0];
        within(stream.read_exact(&mut byte)).await.unwrap();
        text.push(char::from(byte[0]));
    }
    text
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

#[tokio::test]
async fn a_head_that_never_ends_closes_the_connection() {
    let settings = ServeSettings { header_timeout: SHORT, ..Default::default() };
    let server = Running::start(hello(), settings).await;
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ").await.unwrap();
    assert_eq!(read_to_end(&mut slow).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
}

#[tokio::test]
async fn a_dripping_second_head_gets_no_more_time_than_a_first() {
    let settings = ServeSettings { header_timeout: SHORT, ..Default::default() };
    let server = Running::start(hello(), settings).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, "hello").await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_and_ends_with_its_own() {
    let settings = ServeSettings { header_timeout: SHORT, idle_timeout: SHORT * 6, ..Default::default() };
    let server = Running::start(hello(), settings).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, "hello").await;
    // A second connection that stalls in its head measures the header timeout, twice over.
    for _ in 0..2 {
        let mut other = server.connect().await;
        assert_eq!(read_to_end(&mut other).await, "");
    }
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, "hello").await;
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_stalls_is_an_error_and_ends_the_connection() {
    let read = |body: Body| async move {
        match body.collect().await {
            Ok(_) => "complete",
            Err(error) if body_timed_out(&error) => "timed out",
            Err(_) => "failed",
        }
    };
    let router = Router::new().route("/", post(read));
    let settings = ServeSettings { body_timeout: SHORT, ..Default::default() };
    let server = Running::start(router, settings).await;
    let mut stream = server.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    stream.write_all(head).await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("timed out"));
}

#[tokio::test]
async fn a_slow_handler_is_not_a_slow_body() {
    let released = Arc::new(Notify::new());
    let wait = Arc::clone(&released);
    let router = Router::new().route(
        "/",
        post(move |body: Body| async move {
            wait.notified().await;
            body.collect().await.map_or("failed", |_| "complete")
        }),
    );
    let settings = ServeSettings { body_timeout: SHORT, header_timeout: SHORT, ..Default::default() };
    let server = Running::start(router, settings).await;
    let mut stream = server.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    stream.write_all(head).await.unwrap();
    // Longer than any of the timeouts above: two header timeouts of another connection.
    for _ in 0..2 {
        read_to_end(&mut server.connect().await).await;
    }
    released.notify_one();
    read_until(&mut stream, "complete").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    struct Told(mpsc::UnboundedSender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    struct Endless(#[expect(dead_code, reason = "dropped with the body")] Told);
    impl axum::body::HttpBody for Endless {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            let bytes = bytes::Bytes::from_static(&[b'x'; 64 * 1024]);
            std::task::Poll::Ready(Some(Ok(http_body::Frame::data(bytes))))
        }
    }
    let (told, mut dropped) = mpsc::unbounded_channel();
    let router = Router::new().route("/", get(move || async move { Body::new(Endless(Told(told.clone()))) }));
    let settings = ServeSettings { write_timeout: SHORT, ..Default::default() };
    let server = Running::start(router, settings).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    within(dropped.recv()).await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_finishes_during_shutdown() {
    let (began, mut begun) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let wait = Arc::clone(&release);
    let router = Router::new().route(
        "/",
        get(move || async move {
            began.send(()).unwrap();
            wait.notified().await;
            "done"
        }),
    );
    let server = Running::start(router, ServeSettings::default()).await;
    let mut busy = server.connect().await;
    busy.write_all(GET).await.unwrap();
    within(begun.recv()).await.unwrap();
    let mut idle = server.connect().await;
    let stopping = tokio::spawn(server.stop());
    // The idle one is told to go first, which shows that shutdown has begun.
    assert_eq!(read_to_end(&mut idle).await, "");
    release.notify_one();
    let answer = read_to_end(&mut busy).await;
    assert!(answer.contains("connection: close") && answer.ends_with("done"), "{answer}");
    let drained = within(stopping).await.unwrap();
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_cut_and_counted() {
    let (began, mut begun) = mpsc::unbounded_channel();
    let router = Router::new().route(
        "/",
        get(move || async move {
            began.send(()).unwrap();
            std::future::pending::<()>().await;
        }),
    );
    let settings = ServeSettings { drain_timeout: SHORT, ..Default::default() };
    let server = Running::start(router, settings).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    within(begun.recv()).await.unwrap();
    assert_eq!(server.stop().await, Drained { finished: 0, cut: 1 });
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_served_at_a_time() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let router = Router::new().route(
        "/",
        get(move |Extension(peer): Extension<PeerAddress>| async move {
            seen.lock().unwrap().push(peer.0);
            "hello"
        }),
    );
    let settings = ServeSettings { connections_max: 1, ..Default::default() };
    let server = Running::start(router, settings).await;
    let mut first = server.connect().await;
    first.write_all(GET).await.unwrap();
    read_until(&mut first, "hello").await;
    let mut second = server.connect().await;
    second.write_all(GET).await.unwrap();
    for _ in 0..50 {
        first.write_all(GET).await.unwrap();
        read_until(&mut first, "hello").await;
    }
    let (one, two) = (first.local_addr().unwrap(), second.local_addr().unwrap());
    drop(first);
    read_until(&mut second, "hello").await;
    let order = order.lock().unwrap();
    assert!(order[..51].iter().all(|peer| *peer == one));
    assert_eq!(order[51..], [two]);
}

#[tokio::test]
async fn pipelined_requests_are_answered_though_part_of_a_next_one_came_along() {
    let server = Running::start(hello(), ServeSettings::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&[GET, GET, b"GET /"].concat()).await.unwrap();
    read_until(&mut stream, "hello").await;
    read_until(&mut stream, "hello").await;
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_gets_its_answer() {
    let server = Running::start(hello(), ServeSettings::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("hello"));
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_431_and_nonsense_is_400() {
    let settings = ServeSettings { header_bytes_max: 8192, ..Default::default() };
    let server = Running::start(hello(), settings).await;
    let mut long = server.connect().await;
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {}", "a".repeat(9000));
    let _ = long.write_all(head.as_bytes()).await;
    assert!(read_to_end(&mut long).await.starts_with("HTTP/1.1 431"));
    let mut bad = server.connect().await;
    bad.write_all(b"\x16\x03\x01\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut bad).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    for settings in [
        ServeSettings { header_bytes_max: 100, ..Default::default() },
        ServeSettings { connections_max: 0, ..Default::default() },
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let error = serve(listener, hello(), settings, async {}).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
