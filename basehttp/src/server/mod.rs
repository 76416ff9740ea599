//! `HTTPServer`: listens, takes connections, gives each to a handler of its own.

mod address;
mod config;
pub(crate) mod connection;
mod listener;
mod shutdown;
mod transport;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use crate::handler::{Address, BaseHTTPRequestHandler, RequestHandler, ServerHandle, ServerInfo, Stop};
use config::{HandleTimeout, Hooks, Settings, VerifyRequest};
use connection::{Parts, Served, caught};
use listener::{Incoming, Listener, Stream};
use shutdown::Connections;
use transport::Socket;

pub use address::ServerAddress;
pub use config::ServerBuilder;
pub use listener::IntoListener;

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// The first token of connections that wait for their first byte.
const FIRST_WAITING: usize = 2;

/// How soon a failed `accept` is tried again. Most failures are a lack of descriptors, which no event of the listener
/// announces the end of.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// An HTTP server: Python's `HTTPServer`, and its `ThreadingHTTPServer` at once.
///
/// It listens at an address and gives each connection to a handler, which the closure makes: Python's
/// `RequestHandlerClass(request, client_address, server)`. What the closure captures is shared between the handlers.
///
/// ```no_run
/// use std::io;
/// use basehttp::prelude::*;
///
/// struct Hello { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> io::Result<()> {
///         self.send_response(200);
///         self.end_headers()?;
///         self.wfile.write_all(b"Hello, World!")
///     }
/// }
///
/// fn main() -> io::Result<()> {
///     HTTPServer::bind(("", 8000), |base| Hello { base })?.serve_forever()
/// }
/// ```
pub struct HTTPServer {
    poll: Poll,
    events: Events,
    /// None after the server was shut down.
    listener: Option<Listener>,
    /// The listener has connections that were not taken: there was no room, or `accept` failed.
    accept_pending: bool,
    /// Whether `accept` failed last time.
    accept_failing: bool,
    complained: Option<Instant>,
    /// Connections that `handle_request` has taken and that have not sent anything yet.
    waiting: Vec<Waiting>,
    /// Connections that have sent something.
    ready: VecDeque<(Incoming, Address)>,
    next_token: usize,
    settings: Settings,
    verify_request: Option<Box<VerifyRequest>>,
    handle_timeout: Option<Box<HandleTimeout>>,
    connections: Arc<Connections>,
    info: Arc<ServerInfo>,
    serve: Arc<Serve>,
}

/// Serves a connection; the type of the handler is erased, so that a server can be named in a signature.
type Serve = dyn Fn(Parts) -> Served + Send + Sync;

type Job = Box<dyn FnOnce() -> Served + Send>;

struct Waiting {
    token: Token,
    stream: Incoming,
    address: Address,
    until: Instant,
}

fn erase<H, F>(factory: F) -> Arc<Serve>
where
    H: RequestHandler + Send,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
{
    Arc::new(move |parts| connection::serve(parts, &factory))
}

impl HTTPServer {
    /// Listens at `address`, for example `"127.0.0.1:8000"` or Python's `("", 8000)`; `factory` makes the handler of
    /// each connection. Port 0 lets the system choose one, see [`server_port`](Self::server_port).
    ///
    /// # Errors
    /// The system's error with the address in its text: a port in use, an address that is not of this machine, a name
    /// that nobody knows.
    pub fn bind<H, F>(address: impl ServerAddress, factory: F) -> io::Result<Self>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        Self::builder().bind(address, factory)
    }

    /// Listens at a unix socket, which is made at `path`. What stands there already is an error, also the socket of an
    /// earlier server: remove it first.
    ///
    /// # Errors
    /// The system's error with the path in its text.
    #[cfg(unix)]
    pub fn bind_unix<H, F>(path: impl AsRef<std::path::Path>, factory: F) -> io::Result<Self>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        Self::builder().bind_unix(path, factory)
    }

    /// Serves at a socket that listens already: one with options of its own, or one that was inherited.
    ///
    /// # Errors
    /// The system's error.
    pub fn from_listener<H, F>(listener: impl IntoListener, factory: F) -> io::Result<Self>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        Self::builder().from_listener(listener, factory)
    }

    /// Settings and hooks for a server that does not exist yet.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    fn new(
        mut listener: Listener,
        name: String,
        settings: Settings,
        hooks: Hooks,
        serve: Arc<Serve>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        listener.register(poll.registry(), LISTENER)?;
        let connections = Arc::new(Connections::new(Waker::new(poll.registry(), WAKER)?));
        let Hooks { verify_request, handle_error, handle_timeout } = hooks;
        let handle = ServerHandle { server: connections.clone() };
        let info = ServerInfo { address: listener.address()?, name, handle_error, handle };
        Ok(Self {
            poll,
            events: Events::with_capacity(64),
            listener: Some(listener),
            accept_pending: true,
            accept_failing: false,
            complained: None,
            waiting: Vec::new(),
            ready: VecDeque::new(),
            next_token: FIRST_WAITING,
            settings,
            verify_request,
            handle_timeout,
            connections,
            info: Arc::new(info),
            serve,
        })
    }

    /// The address that the server listens at; see [`ServerInfo::server_address`].
    pub fn server_address(&self) -> &Address {
        self.info.server_address()
    }

    /// The host as it was given; see [`ServerInfo::server_name`].
    pub fn server_name(&self) -> &str {
        self.info.server_name()
    }

    /// The port that the server listens at; see [`ServerInfo::server_port`].
    pub fn server_port(&self) -> u16 {
        self.info.server_port()
    }

    /// A handle to shut the server down with, from another thread or from a handler.
    pub fn handle(&self) -> ServerHandle {
        self.info.handle.clone()
    }

    /// Serves until [`ServerHandle::shutdown`] is called. Then it stops listening, closes the connections that wait for
    /// a request, lets running handlers finish, and returns; a handler that takes longer than
    /// [`shutdown_grace`](ServerBuilder::shutdown_grace) loses its connection.
    ///
    /// # Errors
    /// When the system cannot wait for connections. A connection that cannot be taken, for lack of descriptors or of
    /// threads, is logged and does not end the server.
    pub fn serve_forever(&mut self) -> io::Result<()> {
        while !self.connections.is_stopping() {
            self.take_connections();
            self.serve_in_threads();
            let retry = (self.accept_failing && self.has_room()).then_some(ACCEPT_RETRY);
            self.wait(retry)?;
        }
        // What the system has queued was promised to somebody.
        self.take_connections();
        self.serve_in_threads();
        self.listener = None;
        self.waiting.clear();
        self.connections.finish(self.settings.shutdown_grace);
        Ok(())
    }

    /// Serves one request on the calling thread, and closes its connection. Waits for it as long as the setting
    /// [`timeout`](ServerBuilder::timeout) says; then it calls
    /// [`handle_timeout`](ServerBuilder::handle_timeout) and returns. A client that connects and sends nothing keeps
    /// nobody waiting, and one that leaves without a request does not count.
    ///
    /// This is Python's `handle_request()`, for a server that does not run forever:
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// fn run_while_true(keep_running: impl Fn() -> bool) -> std::io::Result<()> {
    ///     let mut httpd = HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?;
    ///     while keep_running() {
    ///         httpd.handle_request()?;
    ///     }
    ///     Ok(())
    /// }
    /// # run_while_true(|| false).unwrap();
    /// ```
    ///
    /// # Errors
    /// When the system cannot wait for connections. Returns without one, and at once, after
    /// [`ServerHandle::shutdown`].
    pub fn handle_request(&mut self) -> io::Result<()> {
        let deadline = self.settings.timeout.map(|timeout| Instant::now() + timeout);
        while !self.connections.is_stopping() {
            self.take_connections();
            if let Some((stream, address)) = self.ready.pop_front() {
                let mut served = Served::Nothing;
                if self.verify(&address) {
                    self.start(stream, address, true, |job| served = job());
                }
                if served == Served::Requests {
                    return Ok(());
                }
            }
            self.expire_waiting();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                if let Some(hook) = &self.handle_timeout {
                    hook();
                }
                return Ok(());
            }
            let expiry = self.waiting.iter().map(|waiting| waiting.until).min();
            let expiry = expiry.map(|until| until.saturating_duration_since(Instant::now()));
            let retry = (self.accept_failing && self.has_room()).then_some(ACCEPT_RETRY);
            self.wait([left, expiry, retry].into_iter().flatten().min())?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.connections.len() + self.waiting.len() + self.ready.len() < self.settings.max_connections
    }

    /// Waits for connections, for bytes on those that wait, or for the waker.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            match event.token() {
                LISTENER => self.accept_pending = true,
                WAKER => {}
                token => {
                    if let Some(index) = self.waiting.iter().position(|waiting| waiting.token == token) {
                        let mut waiting = self.waiting.swap_remove(index);
                        waiting.stream.deregister(self.poll.registry())?;
                        self.ready.push_back((waiting.stream, waiting.address));
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes what the listener has. A connection waits for its first byte in the poller, where it costs no thread.
    fn take_connections(&mut self) {
        while self.accept_pending && self.has_room() {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok((mut stream, address)) => {
                    self.accept_failing = false;
                    let token = Token(self.next_token);
                    self.next_token = self.next_token.wrapping_add(1).max(FIRST_WAITING);
                    if stream.register(self.poll.registry(), token).is_ok() {
                        let until = Instant::now() + self.settings.head_timeout;
                        self.waiting.push(Waiting { token, stream, address, until });
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.accept_pending = false,
                    // The client went away while it was queued.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        self.accept_failing = true;
                        self.complain(&format!("cannot take connections, trying on: {error}"));
                        return;
                    }
                },
            }
        }
    }

    fn expire_waiting(&mut self) {
        let now = Instant::now();
        self.waiting.retain(|waiting| waiting.until > now);
    }

    /// A line of the server's own in the log, now and then.
    fn complain(&mut self, text: &str) {
        if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY) {
            self.complained = Some(Instant::now());
            let _ = writeln!(io::stderr(), "basehttp: {text}");
        }
    }

    fn verify(&self, address: &Address) -> bool {
        // A panic costs this client, and not the server.
        self.verify_request.as_ref().is_none_or(|verify| caught(|| verify(address)).unwrap_or(false))
    }

    fn serve_in_threads(&mut self) {
        for mut waiting in self.waiting.drain(..) {
            if waiting.stream.deregister(self.poll.registry()).is_ok() {
                self.ready.push_back((waiting.stream, waiting.address));
            }
        }
        while let Some((stream, address)) = self.ready.pop_front() {
            if !self.verify(&address) {
                continue;
            }
            let mut failed = None;
            self.start(stream, address, false, |job| {
                let spawned = thread::Builder::new().name("basehttp".to_owned()).spawn(job);
                failed = spawned.err();
            });
            if let Some(error) = failed {
                self.complain(&format!(
                    "connections are closed, since no thread can be made for them: {error}"
                ));
            }
        }
    }

    /// Makes a job of a connection and hands it to `run`.
    fn start(&self, stream: Incoming, address: Address, single: bool, run: impl FnOnce(Job)) {
        let stream = match stream.into_blocking() {
            Ok(stream) => Arc::new(stream),
            Err(_) => return, // The client is gone already.
        };
        let wire = self.wire(stream, single);
        let parts = Parts {
            wire: Box::new(wire),
            client_address: address,
            server: self.info.clone(),
            bounds: self.settings.bounds,
        };
        let serve = self.serve.clone();
        run(Box::new(move || serve(parts)));
    }

    fn wire(&self, stream: Arc<Stream>, single: bool) -> Socket {
        let registration = self.connections.add(stream.clone());
        Socket::new(stream, registration, &self.settings, single)
    }
}

impl fmt::Debug for HTTPServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HTTPServer").field("info", &self.info).finish_non_exhaustive()
    }
}

/// How often the same lack is told of.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);
