//! `HTTPServer`, and how it is made and run.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};

use super::acceptor::Acceptor;
use super::address::ServerAddress;
use super::assign::{clear, close, poll_once};
use super::config::{HandleTimeout, Hooks, ServerBuilder};
use super::connection::Live;
use super::engine::{Engine, Hooked, Open};
use super::listener::{IntoListener, Listener};
use super::log::Log;
use super::machine::{CALLER, Thread};
use super::poller::Poller;
use super::session::Parts;
use super::settings::Settings;
use super::shutdown::Shutdown;
#[cfg(unix)]
use super::socket_file::SocketFile;
use super::stop::Control;
#[cfg(feature = "tls")]
use super::tls::{Watch, Watching};
use super::token::WAKER;
use super::wakers::Wakers;
use super::worker::Worker;
use crate::handler::guard::HostGuard;
#[cfg(unix)]
use crate::handler::wire::Level;
use crate::handler::{Address, BaseHTTPRequestHandler, RequestHandler, ServerHandle, ServerInfo};
use crate::sync::Arc;

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
///     HTTPServer::bind("127.0.0.1:8000", |base| Hello { base })?.serve_forever()
/// }
/// ```
pub struct HTTPServer {
    engine: Arc<Engine>,
    handle_timeout: Option<Box<HandleTimeout>>,
    info: Arc<ServerInfo>,
    /// That of a socket that this server has made.
    #[cfg(unix)]
    socket_file: Option<SocketFile>,
}

fn erase<H, F>(factory: F) -> Box<Open>
where
    H: RequestHandler + Send,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
{
    let factory = Arc::new(factory);
    Box::new(move |parts: Parts| Box::new(Live::new(parts, factory.clone())))
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

    /// Listens at a unix socket, which is made at `path`, and removed at the end if it is still the same one.
    ///
    /// A socket that nobody listens at any more, which a server leaves that was killed, is replaced, and a line of the log says
    /// so. One at which somebody listens is not, nor is a file of another kind, or a link. A server that has ended its listening
    /// and still finishes its requests is replaced too: its successor need not wait for it.
    ///
    /// Two servers of this crate that start at the same time are told apart, by a lock on the folder (`flock`). What the system
    /// cannot rule out is another program that binds the same path just when an abandoned socket is removed. Elsewhere than on Linux
    /// no socket is replaced: there a busy server looks like none.
    ///
    /// # Errors
    /// The system's error with the path in its text; [`AddrInUse`](io::ErrorKind::AddrInUse), with the reason, for what stands
    /// there and is not replaced.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// # fn main() -> std::io::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.sock");
    /// // Left by a server that is gone.
    /// drop(std::os::unix::net::UnixListener::bind(&path)?);
    /// let server = HTTPServer::bind_unix(&path, |base| Hello { base })?;
    /// assert!(HTTPServer::bind_unix(&path, |base| Hello { base }).is_err());
    /// drop(server);
    /// assert!(!path.exists());
    /// # Ok(())
    /// # }
    /// ```
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
        listener: Listener,
        name: String,
        settings: Settings,
        hooks: Hooks,
        open: Box<Open>,
    ) -> io::Result<Self> {
        let Hooks { verify_request, handle_error, handle_timeout, log_line } = hooks;
        let shards = settings.shards();
        let polls: Vec<_> = (0..shards).map(|_| Poll::new()).collect::<io::Result<_>>()?;
        let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), WAKER));
        let wakers = Arc::new(Wakers::new(wakers.collect::<io::Result<_>>()?));
        let address = listener.address()?;
        let shutdown = Arc::new(Shutdown::new(shards, settings.shutdown_grace));
        let log = Arc::new(Log::new(log_line, shards));
        let control = Control { shutdown: shutdown.clone(), wakers: wakers.clone(), log: log.clone() };
        let handle = ServerHandle { server: Arc::new(control) };
        let (name_of, is_tls) = (settings.name_of, settings.is_tls());
        let guard = HostGuard::new(settings.allowed_hosts.iter().cloned(), settings.loopback_guard);
        let guard = guard.is_on().then_some(guard);
        let info = Arc::new(ServerInfo {
            address,
            name,
            handle_error,
            name_of,
            is_tls,
            guard,
            #[cfg(feature = "proxy")]
            proxies: settings.proxies.clone(),
            handle,
        });
        let mut acceptor = match polls.first() {
            Some(poll) => Some(Acceptor::new(vec![listener], poll.registry())?),
            None => None,
        };
        let pollers = polls.into_iter().enumerate().map(|(shard, poll)| {
            Poller::new(shard, poll, acceptor.take(), shards, settings.compute_threads())
        });
        let pollers = pollers.collect();
        let hooked = Hooked { verify_request, open, info: info.clone() };
        let engine = Engine::new(pollers, settings, hooked, log, shutdown, wakers);
        Ok(Self {
            engine: Arc::new(engine),
            handle_timeout,
            info,
            #[cfg(unix)]
            socket_file: None,
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
    /// [`shutdown_grace`](ServerBuilder::shutdown_grace) loses its connection. What became of the connections is told by
    /// [`ServerHandle::wait`]. A server that has ended does not begin again: called once more, this returns at once. Its
    /// port is free for another server.
    ///
    /// All lines of the log are written when this returns, except where nobody takes them for a second. A handler that is
    /// still running has none yet, and counts as cut: its own line comes when it returns, if the program is still there.
    ///
    /// # Errors
    /// When the system cannot wait for connections. A connection that cannot be taken, for lack of descriptors or of
    /// threads, is logged and does not end the server.
    pub fn serve_forever(&mut self) -> io::Result<()> {
        let engine = &self.engine;
        if !engine.shutdown.begin() {
            return Ok(());
        }
        engine.set_single(false);
        engine.start();
        #[cfg(feature = "tls")]
        let _watching = self.watch_tls();
        engine.shutdown.wait_for_stop();
        // The path is free for another server. Clients that the system has queued are served all the same.
        #[cfg(unix)]
        drop(self.socket_file.take());
        if !engine.shutdown.wait_for_end(Duration::ZERO) {
            engine.cut();
            // A handler that is not waiting for its client does not notice; its thread ends when it returns.
            engine.shutdown.wait_for_end(Duration::from_secs(1));
        }
        let report = engine.shutdown.close_account();
        if report.cut > 0 {
            engine.log.complain(0, &format!("the grace is over, connections: {report}"));
        }
        close(engine);
        engine.log.finish();
        engine.shutdown.publish();
        engine.shutdown.take_error().map_or(Ok(()), Err)
    }

    /// Has a thread look at the files of the certificate, where that was asked for.
    #[cfg(feature = "tls")]
    fn watch_tls(&self) -> Option<Watching> {
        let settings = &self.engine.settings;
        let (every, tls) = settings.watch_tls.zip(settings.tls.clone())?;
        let engine = Arc::downgrade(&self.engine);
        let tell = move |line: &str, level| {
            if let Some(engine) = engine.upgrade() {
                engine.log.tell(line, level);
            }
        };
        let watching = Watch::start(tls, every, tell);
        if let Err(error) = &watching {
            self.engine
                .log
                .complain(0, &format!("the certificate is not watched, for there is no thread: {error}"));
        }
        watching.ok()
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
        let engine = &self.engine;
        engine.set_single(true);
        let worker = Arc::new(Worker::new());
        // A handler of another server may have called this.
        let _installed = worker.install();
        let deadline = engine.settings.timeout.map(|timeout| Instant::now() + timeout);
        let mut thread = Thread::new(engine, &worker, CALLER, 0);
        while !engine.shutdown.is_stopping() {
            if thread.serve_one() {
                return Ok(());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                if let Some(hook) = &self.handle_timeout {
                    hook();
                }
                return Ok(());
            }
            poll_once(engine, left)?;
        }
        Ok(())
    }
}

impl Drop for HTTPServer {
    fn drop(&mut self) {
        self.engine.shutdown.stop(None);
        // The connections that lie in the engine hold on to it.
        clear(&*self.engine);
        // For those who wait for the end of a server that nobody has served.
        self.engine.shutdown.close_account();
        self.engine.shutdown.publish();
    }
}

impl fmt::Debug for HTTPServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HTTPServer").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What is left to be said of a server when its settings are: where it listens, and who answers.
impl ServerBuilder {
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
        let (listener, file) = Listener::bind_unix(path)?;
        let name = path.display().to_string();
        let mut server = HTTPServer::new(listener, name, self.settings, self.hooks, erase(factory))?;
        if file.has_replaced {
            let text = format!("replaced the socket {}, which nobody listened at", path.display());
            server.engine.log.tell(&text, Level::Info);
        }
        server.socket_file = Some(file);
        Ok(server)
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
