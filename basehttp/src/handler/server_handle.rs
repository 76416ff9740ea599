//! Shuts a server down, and reports what became of its connections.

use std::fmt;
use std::time::Duration;

use super::stats::Stats;
use crate::sync::Arc;

/// A handle to a server, for other threads and for handlers.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) {} }
/// # fn main() -> std::io::Result<()> {
/// let mut server = HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?;
/// let handle = server.handle();
/// let ending = std::thread::spawn(move || {
///     handle.shutdown();
///     println!("{}", handle.wait());
/// });
/// server.serve_forever()?;
/// # ending.join().unwrap();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerHandle {
    pub(crate) server: Arc<dyn Stop>,
}

/// A server that can be stopped.
pub(crate) trait Stop: Send + Sync {
    /// `None` means the grace period of the settings.
    fn stop(&self, grace: Option<Duration>);

    /// At the end, does not wait for clients that are about to send a request: there are none.
    fn expect_no_requests(&self) {}

    /// Writes the buffered log lines.
    fn write_log(&self) {}

    fn is_stopping(&self) -> bool;
    fn wait(&self) -> ShutdownReport;
    fn report(&self) -> Option<ShutdownReport>;
    fn stats(&self) -> Stats;
}

impl ServerHandle {
    /// Ends [`serve_forever`](crate::HTTPServer::serve_forever). The server takes no more connections, closes those without a
    /// request, and lets running handlers finish, for at most [`shutdown_grace`](crate::ServerBuilder::shutdown_grace).
    ///
    /// It only signals and returns at once, so any thread may call it, also a handler, or a thread that waits for signals.
    /// Calling it again does nothing. If it is called before `serve_forever`, that call serves what the system has queued and
    /// returns; the grace period begins then. A connection that is new, or was busy a moment ago, has one second for its next
    /// request, since its client is about to send it; the response says `Connection: close`. (A connection with a `handle` of
    /// its own has no such second.) After `shutdown`, [`handle_request`](crate::HTTPServer::handle_request) serves nothing.
    #[doc(alias("close", "stop"))]
    pub fn shutdown(&self) {
        self.server.stop(None);
    }

    /// Like [`shutdown`](Self::shutdown), with this grace period: handlers that are still running after it lose their
    /// connections. They can read and write no more, and the client sees a reset when the handler returns or the program
    /// ends. With `Duration::ZERO` every connection is cut at once, idle or not. A later call can shorten the grace period,
    /// but not extend it: a second Ctrl-C may call `shutdown_within(Duration::ZERO)`.
    pub fn shutdown_within(&self, grace: Duration) {
        self.server.stop(Some(grace));
    }

    /// Whether [`shutdown`](Self::shutdown) was called or the server no longer exists.
    pub fn is_shut_down(&self) -> bool {
        self.server.is_stopping()
    }

    /// Waits for the end of [`serve_forever`](crate::HTTPServer::serve_forever), and reports what became of the connections.
    /// It does not shut the server down: call [`shutdown`](Self::shutdown) first, or on another thread. When it returns, the
    /// log has been written, so the program may exit.
    ///
    /// A handler that calls it after `shutdown` waits for itself: its connection is cut at the end of the grace period, and
    /// counted as cut. If no thread is serving, for example after `handle_request`, it returns when the server is dropped or
    /// when the grace period ends; connections that are open then count as cut.
    pub fn wait(&self) -> ShutdownReport {
        self.server.wait()
    }

    pub(crate) fn write_log(&self) {
        self.server.write_log();
    }

    /// The server's counters so far; zeros for a handler that runs without a server.
    #[doc(alias("metrics"))]
    pub fn stats(&self) -> Stats {
        self.server.stats()
    }

    /// The result of [`wait`](Self::wait), if it is already available.
    pub fn report(&self) -> Option<ShutdownReport> {
        self.server.report()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("is_shut_down", &self.is_shut_down()).finish_non_exhaustive()
    }
}

/// What became of the connections of a server that was shut down; see [`ServerHandle::wait`].
///
/// Each connection that was open when the shutdown began, or was accepted from the system's queue after that, is in one of
/// the numbers. Connections rejected by `verify_request` are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Connections that had a request or response in progress and finished in time.
    pub finished: usize,
    /// Connections that were waiting for a request. They were closed at once, or within a second if they were new or had just
    /// been busy. No client lost anything. A connection whose response was completed at that very moment may be counted as
    /// `finished` instead.
    pub closed_idle: usize,
    /// Connections that were cut before their request was answered, because the grace period was over. This includes those
    /// whose handler has not returned, although the handler keeps running.
    pub cut: usize,
}

/// `12 finished, 3 idle, 1 cut`
impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} finished, {} idle, {} cut", self.finished, self.closed_idle, self.cut)
    }
}
