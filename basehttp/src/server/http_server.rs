//! `HTTPServer`, and how it is made and run.

use std::fmt;
use std::io;
use std::iter;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};

use super::acceptor::Acceptor;
use super::address::ServerAddress;
use super::assign::{clear, close, poll_once};
use super::config::{HandleTimeout, Hooks, ServerBuilder};
use super::connection::HttpConnection;
use super::engine::{Engine, Hooked, Open};
use super::listener::IntoListener;
use super::listeners::{Endpoint, Listeners};
use super::log::Log;
use super::machine::{CALLER, Thread};
use super::poller::Poller;
use super::settings::Settings;
use super::shutdown::Shutdown;
#[cfg(unix)]
use super::socket_file::SocketFile;
use super::stop::Control;
#[cfg(feature = "tls")]
use super::tls::{Watch, Watching};
use super::token::WAKER;
use super::turn::{AnyConnection, ConnectionParts};
use super::wakers::Wakers;
use super::worker::Worker;
use crate::handler::host_policy::HostPolicy;
#[cfg(unix)]
use crate::handler::wire::Level;
use crate::handler::{Address, BaseHTTPRequestHandler, RequestHandler, RouteTable, ServerHandle, ServerInfo};
use crate::sync::Arc;

/// An HTTP server: Python's `HTTPServer`, and its `ThreadingHTTPServer` at once.
///
/// It listens at an address, or at [several](ServerBuilder::also_bind). The closure makes a handler for each connection, as
/// `RequestHandlerClass(request, client_address, server)` does in Python. What the closure captures is shared by all
/// handlers.
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
    /// The files of the sockets that this server has made.
    #[cfg(unix)]
    socket_files: Vec<SocketFile>,
}

/// What depends on the type of the handlers.
struct HandlerType {
    open: Box<Open>,
    routes: Vec<&'static RouteTable>,
}

fn erase<H, F>(factory: F) -> HandlerType
where
    H: RequestHandler + Send,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
{
    let factory = Arc::new(factory);
    let open = move |parts: ConnectionParts| -> Box<dyn AnyConnection + Send> {
        Box::new(HttpConnection::new(parts, factory.clone()))
    };
    HandlerType { open: Box::new(open), routes: H::__ROUTES.iter().map(|routes| routes.table).collect() }
}

impl HTTPServer {
    /// Listens at `address`, for example `"127.0.0.1:8000"` or Python's `("", 8000)`.
    ///
    /// `factory` makes the handler of each connection. Port 0 lets the system choose a port; see
    /// [`server_port`](Self::server_port). The server has one address, as in Python; [`ServerBuilder::also_bind`] adds
    /// others.
    ///
    /// # Errors
    /// The system's error, with the address in its text: the port is in use, the address does not belong to this machine,
    /// the name does not resolve.
    #[doc(alias("listen", "new", "port"))]
    pub fn bind<H, F>(address: impl ServerAddress, factory: F) -> io::Result<Self>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        Self::builder().bind(address, factory)
    }

    /// Listens at a unix socket, which is created at `path`, and removed at the end if it is still the same one.
    ///
    /// An abandoned socket, as a killed server leaves it, is replaced, and a log line reports that. A socket at which
    /// another process listens is not replaced, nor is a link or a file of another kind. The socket of a server that no
    /// longer listens but still finishes its requests is replaced too, so its successor need not wait for it.
    ///
    /// A lock on the folder (`flock`) prevents two servers of this crate that start at the same time from replacing each
    /// other's socket. The system cannot rule out that another program binds the same path just as an abandoned socket is
    /// removed. On systems other than Linux no socket is replaced: there a busy server looks like an abandoned one.
    ///
    /// # Errors
    /// The system's error, with the path in its text; [`AddrInUse`](io::ErrorKind::AddrInUse), with the reason, if the path
    /// exists and is not replaced.
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

    /// Serves at a socket that is already listening: one with special options, or an inherited one.
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

    /// A builder with settings and hooks that apply before a server listens.
    #[doc(alias("config", "settings"))]
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// Not named `new`: the compiler would then report a private `new` instead of suggesting `bind`.
    fn open(
        listeners: Listeners,
        name: String,
        settings: Settings,
        hooks: Hooks,
        handlers: HandlerType,
    ) -> io::Result<Self> {
        let Hooks { verify_request, handle_error, handle_timeout, log_line } = hooks;
        let shards = settings.shards();
        let polls: Vec<_> = (0..shards).map(|_| Poll::new()).collect::<io::Result<_>>()?;
        let wakers = polls.iter().map(|poll| Waker::new(poll.registry(), WAKER));
        let wakers = Arc::new(Wakers::new(wakers.collect::<io::Result<_>>()?));
        let [address, ..] = &*listeners.addresses else { unreachable!("a server has an address") };
        let shutdown = Arc::new(Shutdown::new(shards, settings.shutdown_grace, handlers.routes));
        let log = Arc::new(Log::new(log_line, shards));
        let control = Control { shutdown: shutdown.clone(), wakers: wakers.clone(), log: log.clone() };
        let handle = ServerHandle { server: Arc::new(control) };
        let (name_of, is_tls) = (settings.name_of, settings.is_tls());
        let host_policy = HostPolicy::new(settings.allowed_hosts.iter().cloned(), settings.loopback_guard);
        let host_policy = host_policy.is_on().then_some(host_policy);
        let info = Arc::new(ServerInfo {
            address: address.clone(),
            addresses: listeners.addresses.into(),
            name,
            handle_error,
            name_of,
            is_tls,
            host_policy,
            cross_origin: settings.cross_origin_protection.clone(),
            #[cfg(feature = "proxy")]
            proxies: settings.proxies.clone(),
            handle,
        });
        let mut acceptor = match polls.first() {
            Some(poll) => Some(Acceptor::new(listeners.sockets, poll.registry())?),
            None => None,
        };
        let pollers = polls.into_iter().enumerate().map(|(shard, poll)| {
            Poller::new(shard, poll, acceptor.take(), shards, settings.compute_threads())
        });
        let pollers = pollers.collect();
        let hooked = Hooked { verify_request, open: handlers.open, info: info.clone() };
        #[cfg(unix)]
        for path in listeners.files.iter().filter_map(SocketFile::replaced) {
            log.tell(&format!("replaced the abandoned socket {}", path.display()), Level::Info);
        }
        let engine = Engine::new(pollers, settings, hooked, log, shutdown, wakers);
        Ok(Self {
            engine: Arc::new(engine),
            handle_timeout,
            info,
            #[cfg(unix)]
            socket_files: listeners.files,
        })
    }

    /// The address that the server listens at; see [`ServerInfo::server_address`].
    pub fn server_address(&self) -> &Address {
        self.info.server_address()
    }

    /// All addresses that the server listens at; see [`ServerInfo::server_addresses`].
    pub fn server_addresses(&self) -> &[Address] {
        self.info.server_addresses()
    }

    /// The host name as it was given; see [`ServerInfo::server_name`].
    pub fn server_name(&self) -> &str {
        self.info.server_name()
    }

    /// The port that the server listens at; see [`ServerInfo::server_port`].
    #[doc(alias("port"))]
    pub fn server_port(&self) -> u16 {
        self.info.server_port()
    }

    /// A handle that shuts the server down, from another thread or from a handler.
    #[doc(alias("shutdown", "stop"))]
    pub fn handle(&self) -> ServerHandle {
        self.info.handle.clone()
    }

    /// Serves until [`ServerHandle::shutdown`] is called, then finishes running requests and returns.
    ///
    /// On shutdown the server stops listening at all addresses, closes idle connections, and lets running handlers finish. A
    /// handler that takes longer than [`shutdown_grace`](ServerBuilder::shutdown_grace) loses its connection.
    /// [`ServerHandle::wait`] reports how the connections ended. A server that has ended cannot be started again: a second
    /// call returns at once. Its port is free for another server.
    ///
    /// When this returns, all log lines are written, unless they cannot be written for a second. A handler that is still
    /// running counts as cut; its own line is logged when it returns, if the program still runs then.
    ///
    /// # Errors
    /// When the system cannot wait for connections. A connection that cannot be accepted, for lack of descriptors or
    /// threads, is logged and does not end the server.
    #[doc(alias("run", "start"))]
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
        // The paths are free for another server. Clients that are queued in the system are still served.
        #[cfg(unix)]
        self.socket_files.clear();
        if !engine.shutdown.wait_for_end(Duration::ZERO) {
            engine.cut();
            // A handler that is not waiting for its client does not notice; its thread ends when it returns.
            engine.shutdown.wait_for_end(Duration::from_secs(1));
        }
        let report = engine.shutdown.close_account();
        if report.cut > 0 {
            engine.log.warn(0, &format!("the grace period is over, connections: {report}"));
        }
        close(engine);
        engine.log.finish();
        engine.shutdown.publish();
        engine.shutdown.take_error().map_or(Ok(()), Err)
    }

    /// Starts the thread that watches the certificate's files, if that is set.
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
            self.engine.log.warn(
                0,
                &format!("the certificate is not watched, because no thread could be started: {error}"),
            );
        }
        watching.ok()
    }

    /// Serves one request on the calling thread, and closes its connection: Python's `handle_request()`.
    ///
    /// If no request arrives within [`timeout`](ServerBuilder::timeout), this calls
    /// [`handle_timeout`](ServerBuilder::handle_timeout) and returns. A client that connects and sends nothing blocks no
    /// other client, and a client that leaves without a request does not count.
    ///
    /// Use it for a server that does not run forever:
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
    /// When the system cannot wait for connections. After [`ServerHandle::shutdown`] it returns `Ok` at once.
    pub fn handle_request(&mut self) -> io::Result<()> {
        let engine = &self.engine;
        engine.set_single(true);
        let worker = Arc::new(Worker::new());
        // This may be called from a handler of another server.
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
        // The connections in the engine hold references to it.
        clear(&*self.engine);
        // For threads that wait for the end of a server that was never started.
        self.engine.shutdown.close_account();
        self.engine.shutdown.publish();
    }
}

impl fmt::Debug for HTTPServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HTTPServer").field("info", &self.info).finish_non_exhaustive()
    }
}

/// The last steps of a builder: where the server listens, and which handler answers.
impl ServerBuilder {
    /// Adds an address to listen at, for example `"[::1]:8000"` to a server at `127.0.0.1:8000`.
    ///
    /// The address given to [`bind`](Self::bind), [`bind_unix`](Self::bind_unix) or [`from_listener`](Self::from_listener)
    /// remains the first. All addresses share the handlers, threads, limits, log and shutdown. All settings apply to all
    /// addresses: with `tls`, all of them serve TLS. The exception is a socket that is already listening, which keeps its
    /// backlog and its reuse options.
    ///
    /// A host name is resolved in this call, and bound to the first of its addresses that works. To serve both families of
    /// `localhost`, add `127.0.0.1:8000` and `[::1]:8000`.
    ///
    /// Port 0 gives each address a free port of its own; [`server_addresses`](HTTPServer::server_addresses) lists them. On
    /// most systems `[::]` also accepts IPv4. Together with an IPv4 address of the same port it accepts IPv6 only, so
    /// `0.0.0.0:8000` and `[::]:8000` work side by side.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// # fn main() -> std::io::Result<()> {
    /// // A program would say "[::1]:8000" and "127.0.0.1:8000".
    /// let server = HTTPServer::builder().also_bind("127.0.0.1:0").bind("127.0.0.1:0", |base| Hello { base })?;
    /// for address in server.server_addresses() {
    ///     println!("http://{address}/");
    /// }
    /// # assert_eq!(server.server_addresses().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `bind` returns them. If an address fails, the error names it; no other address stays bound, and listeners that were
    /// handed over are closed. More than 512 addresses are an error of the kind
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    pub fn also_bind(mut self, address: impl ServerAddress) -> Self {
        self.further.push(address.resolve().map(Endpoint::Address));
        self
    }

    /// Adds a unix socket to listen at. It is created at `path` and removed at the end, as by [`HTTPServer::bind_unix`]. See
    /// [`also_bind`](Self::also_bind).
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// # fn main() -> std::io::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.sock");
    /// // The proxy connects to the socket; the port is for health checks.
    /// let server = HTTPServer::builder().also_bind_unix(&path).bind("127.0.0.1:0", |base| Hello { base })?;
    /// assert_eq!(server.server_addresses()[1].path(), Some(&*path));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `bind` returns them, with the path in their text.
    #[cfg(unix)]
    pub fn also_bind_unix(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.further.push(Ok(Endpoint::Path(path.as_ref().to_owned())));
        self
    }

    /// Adds a socket that is already listening: one with special options, or an inherited one. It and its clones become
    /// non-blocking. See [`also_bind`](Self::also_bind).
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// # fn main() -> std::io::Result<()> {
    /// use std::net::TcpListener;
    ///
    /// # let inherited = vec![TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    /// // For example from systemd, for a unit with two lines `ListenStream=`.
    /// let mut listeners: Vec<TcpListener> = inherited;
    /// let first = listeners.remove(0);
    /// let builder = HTTPServer::builder();
    /// let builder = listeners.into_iter().fold(builder, |builder, next| builder.also_from_listener(next));
    /// let server = builder.from_listener(first, |base| Hello { base })?;
    /// # assert_eq!(server.server_addresses().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `bind` returns them.
    pub fn also_from_listener(mut self, listener: impl IntoListener) -> Self {
        self.further.push(Endpoint::open(listener));
        self
    }

    /// Makes the server and binds it to `address`; see [`HTTPServer::bind`].
    ///
    /// # Errors
    /// The system's error, with the address in its text; [`InvalidInput`](io::ErrorKind::InvalidInput) for a setting that
    /// cannot work, which the text names. Addresses added by [`also_bind`](Self::also_bind) have the same errors.
    #[doc(alias("listen", "port"))]
    pub fn bind<H, F>(mut self, address: impl ServerAddress, factory: F) -> io::Result<HTTPServer>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        self.settings.check()?;
        self.listen(Endpoint::Address(address.resolve()?), erase(factory))
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
        self.listen(Endpoint::Path(path.as_ref().to_owned()), erase(factory))
    }

    /// Makes the server from an existing listener; see [`HTTPServer::from_listener`].
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn from_listener<H, F>(mut self, listener: impl IntoListener, factory: F) -> io::Result<HTTPServer>
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        self.settings.check()?;
        self.listen(Endpoint::open(listener)?, erase(factory))
    }

    /// Makes the server. `first` is its first address.
    fn listen(self, first: Endpoint, handlers: HandlerType) -> io::Result<HTTPServer> {
        let name = first.name();
        // An invalid address is found before anything is opened.
        let endpoints = iter::once(Ok(first)).chain(self.further).collect::<io::Result<_>>()?;
        let listeners = Listeners::open(endpoints, &self.settings)?;
        HTTPServer::open(listeners, name, self.settings, self.hooks, handlers)
    }
}
