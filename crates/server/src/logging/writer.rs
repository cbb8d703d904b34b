//! One thread that writes, and the buffers that feed it.
//!
//! Appending is a lock, a copy and now and then a wake-up: no allocation once the buffers have
//! grown to their working size, because the writer swaps its emptied ones back in. The writer is
//! woken by the first line after a pause, then gathers for [`Limits::gather`] or until
//! [`Limits::urgent_bytes`] are waiting, so that a busy server makes few, large writes.

use super::redaction::Redaction;
use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// How long a shutdown waits for the last lines: standard error may be a pipe nobody reads.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// What may wait, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many bytes of events, and of access lines, may wait. Beyond it, lines are dropped.
    pub(super) pending_bytes_max: usize,
    /// How many bytes end the gathering early.
    pub(super) urgent_bytes: usize,
    /// How long lines are gathered before they are written.
    pub(super) gather: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pending_bytes_max: 8 * 1024 * 1024,
            urgent_bytes: 64 * 1024,
            gather: Duration::from_millis(50),
        }
    }
}

#[derive(Default)]
struct Pending {
    events: Vec<u8>,
    access: Vec<u8>,
    /// No more lines are wanted; the writer ends when the buffers are empty.
    closing: bool,
    /// The writer has ended.
    closed: bool,
}

impl Pending {
    fn len(&self) -> usize {
        self.events.len() + self.access.len()
    }
}

/// What the writer thread and those who feed it share.
pub(super) struct Writer {
    pending: Mutex<Pending>,
    wake: Condvar,
    ended: Condvar,
    limits: Limits,
    dropped: &'static AtomicU64,
}

impl Writer {
    /// Starts the writer thread.
    pub(super) fn start(
        output: Box<dyn Write + Send>,
        limits: Limits,
        dropped: &'static AtomicU64,
    ) -> io::Result<LogGuard> {
        let writer = Arc::new(Self {
            pending: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
            limits,
            dropped,
        });
        let thread = Arc::clone(&writer);
        std::thread::Builder::new().name("log".into()).spawn(move || thread.run(output))?;
        Ok(LogGuard { writer })
    }

    fn append(&self, bytes: &[u8], buffer: impl FnOnce(&mut Pending) -> &mut Vec<u8>) {
        let mut pending = self.pending.lock();
        let before = pending.len();
        let closing = pending.closing;
        let buffer = buffer(&mut pending);
        if closing || buffer.len() + bytes.len() > self.limits.pending_bytes_max {
            drop(pending);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        buffer.extend_from_slice(bytes);
        let urgent = self.limits.urgent_bytes;
        let after = before + bytes.len();
        drop(pending);
        // Only when it matters to the writer; a wake-up costs more than all the rest here.
        if before == 0 || (before < urgent && after >= urgent) {
            self.wake.notify_one();
        }
    }

    fn run(&self, mut output: Box<dyn Write + Send>) {
        let redaction = Redaction::new();
        let (mut events, mut access) = (Vec::new(), Vec::new());
        while self.gather(&mut events, &mut access) {
            // There is no place left to report a failure to write the log; the next may succeed.
            let _ = output.write_all(&redaction.clean(&events));
            let _ = output.write_all(&access);
            let _ = output.flush();
            for buffer in [&mut events, &mut access] {
                buffer.clear();
                // A burst must not keep its memory for good.
                buffer.shrink_to(4 * self.limits.urgent_bytes);
            }
        }
        self.pending.lock().closed = true;
        self.ended.notify_all();
    }

    /// Waits for lines and takes them, leaving the empty buffers in exchange. False when there
    /// are none and none will come.
    fn gather(&self, events: &mut Vec<u8>, access: &mut Vec<u8>) -> bool {
        let mut pending = self.pending.lock();
        while pending.len() == 0 {
            if pending.closing {
                return false;
            }
            self.wake.wait(&mut pending);
        }
        let until = Instant::now() + self.limits.gather;
        while !pending.closing && pending.len() < self.limits.urgent_bytes {
            if self.wake.wait_until(&mut pending, until).timed_out() {
                break;
            }
        }
        std::mem::swap(&mut pending.events, events);
        std::mem::swap(&mut pending.access, access);
        true
    }
}

/// Keeps the log going; its drop writes what is still waiting and ends it.
#[must_use = "the log ends when this is dropped"]
pub struct LogGuard {
    writer: Arc<Writer>,
}

impl LogGuard {
    /// A handle for access-log lines.
    pub fn access_log(&self) -> AccessLog {
        AccessLog { writer: Arc::clone(&self.writer) }
    }

    /// Where `tracing` writes its lines.
    pub(super) fn events(&self) -> Events {
        Events { writer: Arc::clone(&self.writer) }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let until = Instant::now() + FLUSH_TIMEOUT;
        let mut pending = self.writer.pending.lock();
        pending.closing = true;
        self.writer.wake.notify_one();
        while !pending.closed {
            if self.writer.ended.wait_until(&mut pending, until).timed_out() {
                break;
            }
        }
    }
}

/// Takes complete access-log lines. Cheap to clone and to call.
#[derive(Clone)]
pub struct AccessLog {
    writer: Arc<Writer>,
}

impl AccessLog {
    /// Hands over one complete line, its newline included. It is written as it is, unredacted:
    /// it must be built from safe parts (ids, codes, numbers, route templates). When too much is
    /// waiting, or the log has ended, the line is dropped and counted.
    pub fn line(&self, bytes: &[u8]) {
        self.writer.append(bytes, |pending| &mut pending.access);
    }
}

/// Takes the lines of `tracing`.
pub(super) struct Events {
    writer: Arc<Writer>,
}

impl<'a> MakeWriter<'a> for Events {
    type Writer = EventLine<'a>;

    fn make_writer(&'a self) -> EventLine<'a> {
        EventLine { writer: &self.writer }
    }
}

/// Takes one line, which `tracing_subscriber` hands over in one call.
pub(super) struct EventLine<'a> {
    writer: &'a Writer,
}

impl Write for EventLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.append(bytes, |pending| &mut pending.events);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
