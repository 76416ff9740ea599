//! The settings of a server.

use std::fmt;
use std::io;
use std::time::Duration;

use super::address::ServerAddress;
use super::listener::{IntoListener, Listener};
use super::{HTTPServer, erase};
use crate::handler::exchange::{Bounds, LONGEST};
use crate::handler::{Address, BaseHTTPRequestHandler, HandleError, HandlerError, RequestHandler};
use crate::proto::limits::Limits;

/// Settings and hooks of a server, for what must be said before it listens.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) {} }
/// use std::time::Duration;
///
/// # fn main() -> std::io::Result<()> {
/// let server = HTTPServer::builder()
///     .head_timeout(Duration::from_secs(10))
///     .verify_request(|client| client.ip().is_none_or(|ip| ip.is_loopback()))
///     .handle_error(|error| eprintln!("{error}"))
///     .bind("127.0.0.1:0", |base| Hello { base })?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until bind() is called"]
pub struct ServerBuilder {
    pub(super) settings: Settings,
    hooks: Hooks,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) request_queue_size: i32,
    pub(super) allow_reuse_address: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) queue_timeout: Duration,
    pub(super) shutdown_grace: Duration,
    pub(super) max_connections: usize,
    pub(super) max_threads: usize,
    permits: Option<usize>,
    pub(super) bounds: Bounds,
}

/// Functions of the user that the server calls.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) verify_request: Option<Box<VerifyRequest>>,
    pub(super) handle_error: Option<Box<HandleError>>,
    pub(super) handle_timeout: Option<Box<HandleTimeout>>,
}

pub(super) type VerifyRequest = dyn Fn(&Address) -> bool + Send + Sync;
pub(super) type HandleTimeout = dyn Fn() + Send + Sync;

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_queue_size: 1024,
            allow_reuse_address: true,
            timeout: None,
            queue_timeout: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(10),
            max_connections: 10_000,
            max_threads: 256,
            permits: None,
            bounds: Bounds::default(),
        }
    }
}

impl ServerBuilder {
    pub(super) fn new() -> Self {
        Self { settings: Settings::default(), hooks: Hooks::default() }
    }

    /// How many connections the system queues before the server takes them: the backlog of `listen(2)`. 1024 by
    /// default: Python's 5 makes clients wait for a second or more whenever a few come at once. The system may have a
    /// lower bound of its own.
    pub fn request_queue_size(mut self, connections: u16) -> Self {
        self.settings.request_queue_size = i32::from(connections);
        self
    }

    /// Whether the address may be bound while connections of an earlier server still linger in the system. On by
    /// default, as in Python's `HTTPServer`, so that a server can be restarted at once. Without effect on Windows, where
    /// the option would let two servers share a port.
    pub fn allow_reuse_address(mut self, allow: bool) -> Self {
        self.settings.allow_reuse_address = allow;
        self
    }

    /// How long [`handle_request`](HTTPServer::handle_request) waits for a request before it calls
    /// [`handle_timeout`](Self::handle_timeout) and returns: Python's `timeout` of a server. For ever by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// How long a connection may be silent before its first request and between two. 60 seconds by default: longer than browsers take from
    /// one click to the next.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.idle_timeout = timeout;
        self
    }

    /// How long a head may take from its first byte to its last, however it trickles in; then the answer is 408. 20
    /// seconds by default: any client that means it takes less than one, and a client that sends a byte at a time must
    /// not hold a connection for ever.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.head_timeout = timeout;
        self
    }

    /// How long one read of a body or one write of a reply may wait for the client. 30 seconds by default. A handler's
    /// class variable `timeout` and [`set_timeout`](BaseHTTPRequestHandler::set_timeout) come before it.
    pub fn io_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.io_timeout = timeout;
        self
    }

    /// How long [`shutdown`](super::ServerHandle::shutdown) lets running handlers go on before their connections are
    /// cut. 10 seconds by default: what service managers usually grant is 30 or more.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.shutdown_grace = grace;
        self
    }

    /// How many connections may be open. A further one is answered 503 with `Retry-After` and closed. 10,000 by default:
    /// an idle one costs little more than its descriptor, of which the system often grants no more.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// How many threads may be in handlers that wait: for a database, another server, or their own client. 256 by default;
    /// each costs its stack. They are made when they are needed and go when they are not. Where all are taken, requests
    /// wait for [`queue_timeout`](Self::queue_timeout).
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.settings.max_threads = threads;
        self
    }

    /// How long a request may wait for a thread; then the answer is 503 with `Retry-After`. 10 seconds by default: a
    /// client that is still there has waited long enough to be told.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.settings.queue_timeout = timeout;
        self
    }

    /// How many threads may compute at a time: read, parse, run handlers that do not wait, write. As many as there are
    /// processors by default, and no more than that. Usually one does all the work, and others join when handlers compute
    /// for long.
    pub fn permits(mut self, permits: usize) -> Self {
        self.settings.permits = Some(permits);
        self
    }

    /// How many bytes of a request's body are gathered before its handler is called, so that a client that sends slowly
    /// keeps no thread waiting. 64 KiB by default. A longer body is read while the handler runs.
    pub fn gather_limit(mut self, bytes: usize) -> Self {
        self.settings.bounds.gather = bytes;
        self
    }

    /// How large the parts of a request may be; see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.bounds.limits = limits;
        self
    }

    /// How many bytes of a reply's body are held back to learn its length, so that a `Content-Length` can be added. 64
    /// KiB by default. A longer body without one is sent in chunks.
    pub fn reply_buffer(mut self, bytes: usize) -> Self {
        self.settings.bounds.hold = bytes;
        self
    }

    /// How many bytes of a body that the handler did not read are read and dropped to keep the connection. 256 KiB by
    /// default: about what a new connection would cost. After a longer body the connection is closed.
    pub fn drain_limit(mut self, bytes: u64) -> Self {
        self.settings.bounds.drain = bytes;
        self
    }

    /// Python's `verify_request`: whether a client is served. A connection for which it returns `false` is closed
    /// without an answer. It is called in the connection's first turn, like a handler, so it may take its time.
    pub fn verify_request(mut self, verify: impl Fn(&Address) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.verify_request = Some(Box::new(verify));
        self
    }

    /// Python's `handle_error`: is told of every failure that is the handler's own, an error that it returns or a panic, in
    /// addition to the line in the log. What the client has caused (400, 408, 413, a connection that it closed) is only
    /// logged.
    pub fn handle_error(mut self, handle: impl Fn(&HandlerError) + Send + Sync + 'static) -> Self {
        self.hooks.handle_error = Some(Box::new(handle));
        self
    }

    /// Python's `handle_timeout`: called when no request came within [`timeout`](Self::timeout).
    pub fn handle_timeout(mut self, handle: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.handle_timeout = Some(Box::new(handle));
        self
    }

    /// Makes the server and binds it to `address`; see [`HTTPServer::bind`].
    ///
    /// # Errors
    /// The system's error, with the address in its text;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a setting that cannot work, which is named.
    pub fn bind<H, F>(mut self, address: impl ServerAddress, factory: F) -> io::Result<HTTPServer>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        self.settings.check()?;
        let resolved = address.resolve()?;
        let listener = Listener::bind(&resolved, &self.settings)?;
        HTTPServer::new(listener, resolved.host, self.settings, self.hooks, erase(factory))
    }

    /// Makes the server and binds it to a unix socket; see [`HTTPServer::bind_unix`].
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    #[cfg(unix)]
    pub fn bind_unix<H, F>(mut self, path: impl AsRef<std::path::Path>, factory: F) -> io::Result<HTTPServer>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        self.settings.check()?;
        let path = path.as_ref();
        let listener = Listener::bind_unix(path)?;
        let name = path.display().to_string();
        HTTPServer::new(listener, name, self.settings, self.hooks, erase(factory))
    }

    /// Makes a server of a listener that exists; see [`HTTPServer::from_listener`].
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn from_listener<H, F>(mut self, listener: impl IntoListener, factory: F) -> io::Result<HTTPServer>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        self.settings.check()?;
        let listener = listener.into_listener()?;
        let name = match listener.address()? {
            Address::Tcp(address) => address.ip().to_string(),
            unix => unix.path().map(|path| path.display().to_string()).unwrap_or_default(),
        };
        HTTPServer::new(listener, name, self.settings, self.hooks, erase(factory))
    }
}

impl Settings {
    pub(super) fn permits(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        self.permits.map_or(processors, |permits| permits.min(processors))
    }

    /// Refuses what the system would refuse later, or what could never serve anybody.
    fn check(&mut self) -> io::Result<()> {
        let Bounds { idle_timeout, head_timeout, io_timeout, .. } = &mut self.bounds;
        let others = [&mut self.queue_timeout, &mut self.shutdown_grace];
        for duration in [idle_timeout, head_timeout, io_timeout].into_iter().chain(others) {
            *duration = (*duration).min(LONGEST);
        }
        self.timeout = self.timeout.map(|timeout| timeout.min(LONGEST));
        let durations = [
            ("timeout", self.timeout.unwrap_or(Duration::MAX)),
            ("idle_timeout", self.bounds.idle_timeout),
            ("head_timeout", self.bounds.head_timeout),
            ("io_timeout", self.bounds.io_timeout),
            ("queue_timeout", self.queue_timeout),
        ];
        let zero = durations.iter().find(|(_, duration)| duration.is_zero()).map(|(name, _)| *name);
        let counts = [
            ("max_connections", self.max_connections),
            ("max_threads", self.max_threads),
            ("permits", self.permits.unwrap_or(1)),
        ];
        let zero = zero.or(counts.iter().find(|(_, count)| *count == 0).map(|(name, _)| *name));
        match zero {
            Some(name) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("the setting {name} is zero")))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
