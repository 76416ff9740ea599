//! The means to end a server, and what became of its connections.

use std::fmt;
use std::time::Duration;

use super::stats::Stats;
use crate::sync::Arc;

/// A handle on a server, for other threads and for handlers.
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

/// What can be asked to stop.
pub(crate) trait Stop: Send + Sync {
    /// `None` for the grace of the settings.
    fn stop(&self, grace: Option<Duration>);

    /// Clients that are about to send a request are not waited for at the end: there is none any more.
    fn expect_no_requests(&self) {}

    /// Writes the lines of the log that have gathered.
    fn write_log(&self) {}

    fn is_stopping(&self) -> bool;
    fn wait(&self) -> ShutdownReport;
    fn report(&self) -> Option<ShutdownReport>;
    fn stats(&self) -> Stats;
}

impl ServerHandle {
    /// Ends [`serve_forever`](crate::HTTPServer::serve_forever): no more connections are taken, those without a request
    /// are closed, running handlers finish, for [`shutdown_grace`](crate::ServerBuilder::shutdown_grace) at the longest.
    ///
    /// It only signals and returns at once, so any thread may call it, also a handler, or a thread that waits for
    /// signals. Calling it again does nothing. Before `serve_forever`, it makes that one serve what the system has
    /// queued, and return; the grace begins then. A connection that is new, or was busy a moment ago, has a second for its next
    /// request, since its client is about to send it; the answer says `Connection: close`. (One with a `handle` of its own has not.)
    /// [`handle_request`](crate::HTTPServer::handle_request) serves nothing
    /// after it.
    #[doc(alias("close", "stop"))]
    pub fn shutdown(&self) {
        self.server.stop(None);
    }

    /// As [`shutdown`](Self::shutdown) with a grace of its own: handlers that are still running after that lose their
    /// connections. Nothing more can be read or written, and the client sees a reset when the handler returns or the
    /// program ends. With no grace at all every connection is cut at once, idle or not. A later call can make the grace of
    /// a shutdown shorter, never longer: a second Ctrl-C may be `shutdown_within(Duration::ZERO)`.
    pub fn shutdown_within(&self, grace: Duration) {
        self.server.stop(Some(grace));
    }

    /// Whether [`shutdown`](Self::shutdown) was called, or the server is gone.
    pub fn is_shut_down(&self) -> bool {
        self.server.is_stopping()
    }

    /// Waits for the end of [`serve_forever`](crate::HTTPServer::serve_forever), and tells what became of the
    /// connections. It does not shut the server down: call [`shutdown`](Self::shutdown) first, or somewhere else. The log is
    /// written by then, so that the program may end.
    ///
    /// A handler that calls it after `shutdown` waits for itself: at the end of the grace its connection is cut, and
    /// counted so. Where nobody serves, after `handle_request` for example, it returns when the server is dropped, or at
    /// the end of the grace, and what is open then counts as cut.
    pub fn wait(&self) -> ShutdownReport {
        self.server.wait()
    }

    pub(crate) fn write_log(&self) {
        self.server.write_log();
    }

    /// What the server has done so far; zeros for a handler that is run without one.
    #[doc(alias("metrics"))]
    pub fn stats(&self) -> Stats {
        self.server.stats()
    }

    /// What [`wait`](Self::wait) gives, if it is there already.
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
/// Each connection that was open when the shutdown began, or was taken from the system's queue after that, is in one of
/// the numbers. What `verify_request` turned away is in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Connections that had a request in hand, or a response under way, and were finished in time.
    pub finished: usize,
    /// Connections that were waiting for a request and were closed at once, or within a second where they were new or had been
    /// busy a moment before. Nobody has lost anything by that. One whose client has got a response at this very moment may
    /// still be among the `finished` ones.
    pub closed_idle: usize,
    /// Connections that were ended before their request was answered, because the grace was over. One whose handler has
    /// not returned is among them, though the handler itself goes on.
    pub cut: usize,
}

/// `12 finished, 3 idle, 1 cut`
impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} finished, {} idle, {} cut", self.finished, self.closed_idle, self.cut)
    }
}
