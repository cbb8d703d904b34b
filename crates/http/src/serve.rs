//! The listener: accepts connections, speaks HTTP/1.1 over them and lets go of those that stall.
//!
//! Every wait on a peer has an end (see [`ServeSettings`]), every resource a ceiling. What a
//! request means is not decided here: the router gets it, with the caller's [`PeerAddress`] among
//! its extensions. `serve/connection.rs` keeps the time of one connection, `serve/exchange.rs`
//! carries one request to the router and back, `serve/drain.rs` knows who is still connected.
//!
//! The clock is our own, not hyper's `header_read_timeout`. Hyper starts that one as soon as the
//! previous response is written, so ten seconds for a header would also be ten seconds for an
//! idle keep-alive connection, and a load balancer that keeps connections for a minute would now
//! and then write to one that is just closing. It also builds and registers a timer per request;
//! ours has one timer per connection that is moved only when it must ring earlier.
//!
//! Hyper's `pipeline_flush` stays off: with it, a finished response waits as long as part of the
//! next request lies in the buffer, and a body that nobody reads is buffered without a limit.

mod connection;
mod drain;
mod exchange;
#[cfg(test)]
mod tests;

use axum::Router;
use connection::Connection;
use drain::Drain;
use hyper::server::conn::http1;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use exchange::{BodyTimedOut, body_timed_out};

/// The smallest request head that hyper lets us limit to.
const HEADER_BYTES_MIN: usize = 8 * 1024;
/// How long to wait before accepting again when the system is out of descriptors or memory.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// How long connections that were told to go may take to be gone.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// Whom a request came from, as the socket tells it: the caller, or the proxy before us.
/// An IPv4 caller of an IPv6 socket shows as the IPv4 address it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress(pub SocketAddr);

/// What the listener allows.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// How long a request's head may take from its first byte, and a new connection to send any.
    pub header_timeout: Duration,
    /// How long a connection may rest between two requests. Longer than the minute for which
    /// load balancers keep theirs, so that they are the ones to close.
    pub idle_timeout: Duration,
    /// How long a request's body may go without a byte while somebody waits for it.
    pub body_timeout: Duration,
    /// How long a request's body may take altogether.
    pub body_total_timeout: Duration,
    /// How long the caller may go without taking a byte of the response.
    pub write_timeout: Duration,
    /// How many connections are open at a time; others wait in the system's queue.
    pub connections_max: usize,
    /// How long a request's head may be, at least 8 KiB. Beyond it, or beyond 100 header fields
    /// (hyper's own limit), the answer is 431.
    pub header_bytes_max: usize,
    /// How long requests under way get to finish after shutdown began.
    pub drain_timeout: Duration,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            body_total_timeout: Duration::from_secs(300),
            write_timeout: Duration::from_secs(30),
            connections_max: 4096,
            header_bytes_max: 64 * 1024,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ServeSettings {
    fn check(&self) -> io::Result<()> {
        if self.header_bytes_max < HEADER_BYTES_MIN {
            let text = format!("header_bytes_max must be at least {HEADER_BYTES_MIN}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.connections_max) {
            let text = "connections_max must be at least 1";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(())
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.header_read_timeout(None)
            .max_buf_size(self.header_bytes_max)
            // A client that closes its sending side after the request (`nc`, some scripts) still
            // wants the response.
            .half_close(true);
        // `max_headers` is left alone: 100 is hyper's default, and naming a number would move
        // hyper's parsing table from the stack to the heap.
        http
    }
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were open when shutdown began and came to an end by themselves.
    pub finished: usize,
    /// Connections that were cut because the drain timeout passed.
    pub cut: usize,
}

/// Serves the router on the listener until `shutdown` resolves; then accepts nothing more, lets
/// requests under way finish for up to the drain timeout, and cuts what is left.
///
/// # Errors
/// Only for settings that make no sense. Failures of single connections, and of accepting while
/// the system is short of something, are logged and survived.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ServeSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Drained> {
    settings.check()?;
    // Bound to its state once, here, rather than at each request.
    let router: Router = router.with_state(());
    let http = settings.http();
    let permits = Arc::new(Semaphore::new(settings.connections_max));
    let drain = Arc::new(Drain::default());
    let drain_timeout = settings.drain_timeout;
    let settings = Arc::new(settings);
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer, permit) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(accepted) = accept(&listener, &permits) => accepted,
            else => break,
        };
        // Responses leave in one write each; waiting to fill a segment would only delay them.
        let _ = stream.set_nodelay(true);
        let place = drain.enter(permit);
        let (router, settings) = (router.clone(), Arc::clone(&settings));
        tokio::spawn(Connection::new(&http, stream, peer, router, settings, place));
    }
    drop(listener);
    Ok(finish(&drain, drain_timeout).await)
}

/// Waits for a free place, then for a connection. Nothing only if the semaphore were closed.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, PeerAddress, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                return Some((stream, PeerAddress(peer), permit));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                // Out of descriptors, most likely: trying at once would only spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// Whether accepting failed because that one caller had already gone.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

async fn finish(drain: &Drain, drain_timeout: Duration) -> Drained {
    let open = drain.open();
    drain.ask_to_leave();
    let cut = match tokio::time::timeout(drain_timeout, drain.emptied()).await {
        Ok(()) => 0,
        Err(_) => {
            let left = drain.open();
            drain.cut();
            // Each goes as soon as its task is polled; one that blocks its thread is not awaited.
            let _ = tokio::time::timeout(CUT_GRACE, drain.emptied()).await;
            left
        }
    };
    Drained { finished: open.saturating_sub(cut), cut }
}
