//! One connection: hyper's state machine, and a watchdog over how long its peer may stall.
//!
//! The socket and the exchanges note in a [`Pulse`] by when something must happen. The watchdog
//! is a single timer, moved only when a deadline comes nearer than the moment it would ring at;
//! rung too early, it looks at the pulse and winds itself up again.

use super::drain::{Place, Stage};
use super::exchange::RouterService;
use super::{PeerAddress, ServeSettings};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// No deadline.
const NEVER: u64 = u64::MAX;

/// What a connection is waiting for from its peer, and until when. All of it is read and written
/// by the connection's own task (the atomics only say so to the compiler), hence `Relaxed`.
pub(super) struct Pulse {
    opened: Instant,
    settings: Arc<ServeSettings>,
    /// By when the peer must have sent a request's head, in milliseconds since `opened`.
    reading: AtomicU64,
    /// Whether that is the time for resting, which ends with the first byte of a next request.
    resting: AtomicBool,
    /// By when the peer must have taken a byte of what we are writing.
    writing: AtomicU64,
}

impl Pulse {
    fn new(settings: Arc<ServeSettings>) -> Self {
        let header = millis(settings.header_timeout);
        Self {
            opened: Instant::now(),
            settings,
            reading: AtomicU64::new(header),
            resting: AtomicBool::new(false),
            writing: AtomicU64::new(NEVER),
        }
    }

    /// What the listener allows.
    pub(super) fn settings(&self) -> &ServeSettings {
        &self.settings
    }

    /// A request's head is complete: from here its body has its own clock.
    pub(super) fn request_began(&self) {
        self.resting.store(false, Ordering::Relaxed);
        self.reading.store(NEVER, Ordering::Relaxed);
    }

    /// The response is written, or at least handed over to be.
    pub(super) fn request_ended(&self) {
        self.reading.store(self.after(self.settings.idle_timeout), Ordering::Relaxed);
        self.resting.store(true, Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        if self.resting.load(Ordering::Relaxed) {
            self.resting.store(false, Ordering::Relaxed);
            self.reading.store(self.after(self.settings.header_timeout), Ordering::Relaxed);
        }
    }

    fn write_stalled(&self) {
        if self.writing.load(Ordering::Relaxed) == NEVER {
            self.writing.store(self.after(self.settings.write_timeout), Ordering::Relaxed);
        }
    }

    fn write_moved(&self) {
        self.writing.store(NEVER, Ordering::Relaxed);
    }

    fn due(&self) -> u64 {
        self.reading.load(Ordering::Relaxed).min(self.writing.load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        millis(self.opened.elapsed())
    }

    fn after(&self, wait: Duration) -> u64 {
        self.now().saturating_add(millis(wait))
    }
}

/// Rounded up, so that a wait below a millisecond is one.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(NEVER - 1)
}

pin_project! {
    /// One connection from its acceptance to its end. Never fails: there is nobody to tell.
    pub(super) struct Connection {
        #[pin]
        http: http1::Connection<TokioIo<Socket>, RouterService>,
        #[pin]
        watchdog: Sleep,
        rings_at: u64,
        pulse: Arc<Pulse>,
        place: Place,
        peer: PeerAddress,
        leaving: bool,
    }
}

impl Connection {
    pub(super) fn new(
        http: &http1::Builder,
        stream: TcpStream,
        peer: PeerAddress,
        router: Router,
        settings: Arc<ServeSettings>,
        place: Place,
    ) -> Self {
        let pulse = Arc::new(Pulse::new(settings));
        let socket = Socket { stream, pulse: Arc::clone(&pulse) };
        let service = RouterService::new(router, peer, Arc::clone(&pulse));
        Self {
            http: http.serve_connection(TokioIo::new(socket), service),
            watchdog: tokio::time::sleep(Duration::ZERO),
            rings_at: NEVER,
            pulse,
            place,
            peer,
            leaving: false,
        }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        match this.place.stage(context.waker()) {
            Stage::Serving => {}
            Stage::Leaving if *this.leaving => {}
            Stage::Leaving => {
                *this.leaving = true;
                this.http.as_mut().graceful_shutdown();
            }
            Stage::Cut => return Poll::Ready(()),
        }
        if let Poll::Ready(result) = this.http.as_mut().poll(context) {
            if let Err(error) = result {
                tracing::debug!(%error, peer = %this.peer.0, "connection ended");
            }
            return Poll::Ready(());
        }
        loop {
            let due = this.pulse.due();
            if due == NEVER {
                return Poll::Pending;
            }
            if due < *this.rings_at {
                let at = this.pulse.opened + Duration::from_millis(due);
                this.watchdog.as_mut().reset(at);
                *this.rings_at = due;
            }
            if this.watchdog.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            *this.rings_at = NEVER;
            if this.pulse.due() <= this.pulse.now() {
                tracing::debug!(peer = %this.peer.0, "connection closed: its peer stalled");
                return Poll::Ready(());
            }
        }
    }
}

/// The stream, noting in the pulse what moves and what does not.
pub(super) struct Socket {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl Socket {
    fn note_write<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match result {
            Poll::Pending => self.pulse.write_stalled(),
            Poll::Ready(_) => self.pulse.write_moved(),
        }
        result
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.bytes_came();
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_write(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // A TCP stream buffers nothing itself, so flushing is no news about the peer and must not
    // clear the deadline of a write that is still pending.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
