//! The settings of a server.

use std::fmt;
use std::io;
use std::time::Duration;

use super::listeners::Endpoint;
use super::log::LogLine;
use super::settings::Settings;
use crate::handler::connection_io::WriteBudget;
use crate::handler::{Address, HandleError, HandlerError, LogLevel};
use crate::proto::limits::Limits;
use crate::sync::Arc;

/// Settings and hooks that apply before a server listens. [`HTTPServer::builder`](crate::HTTPServer::builder) makes one.
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
///
/// [`bind`](Self::bind), [`bind_unix`](Self::bind_unix) and [`from_listener`](Self::from_listener) make the server. They reject a
/// setting that cannot work, and name it. [`serve_stream`](Self::serve_stream) serves one connection without a server.
///
/// # Addresses
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`also_bind`](Self::also_bind) | none | another address of the same server |
/// | [`also_bind_unix`](Self::also_bind_unix) | none | a unix socket of the same server |
/// | [`also_from_listener`](Self::also_from_listener) | none | another socket that listens already |
/// | [`request_queue_size`](Self::request_queue_size) | 1,024 | connections that the system queues: the backlog of `listen` |
/// | [`allow_reuse_address`](Self::allow_reuse_address) | on | the address may be bound while connections of an earlier server linger |
/// | [`allow_reuse_port`](Self::allow_reuse_port) | off | several servers may be bound to one address |
///
/// # Who is served
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`verify_request`](Self::verify_request) | everybody | decides by the client's address |
/// | [`allowed_hosts`](Self::allowed_hosts) | any | hosts that requests may be for; others get 421 |
/// | [`loopback_guard`](Self::loopback_guard) | off | refuses requests that pages of other sites make |
/// | [`trusted_proxies`](Self::trusted_proxies) | none | proxies that may name the client (feature `proxy`) |
///
/// # TLS
///
/// With the feature `tls`.
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`tls`](Self::tls) | off | serves TLS only, with this certificate |
/// | [`watch_tls`](Self::watch_tls) | off | reads the certificate again when its files are replaced |
/// | [`handshake_timeout`](Self::handshake_timeout) | 10 s | a TLS handshake, then the connection is closed |
///
/// # Deadlines
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`idle_timeout`](Self::idle_timeout) | 75 s | silence before the first request and between two, then the connection is closed |
/// | [`head_timeout`](Self::head_timeout) | 20 s | a head from its first byte to its last, then 408 |
/// | [`read_timeout`](Self::read_timeout) | 30 s | one read of a body, then 408 |
/// | [`body_timeout`](Self::body_timeout) | 60 s | a whole body, then 408; each byte received adds 1 ms |
/// | [`write_timeout`](Self::write_timeout) | 30 s | one write of a response, then the connection is cut |
/// | [`response_timeout`](Self::response_timeout) | 60 s | a whole response, then the connection is cut; each byte taken adds 1 ms |
/// | [`queue_timeout`](Self::queue_timeout) | 10 s | a request's wait for a free thread, then 503 |
/// | [`shutdown_grace`](Self::shutdown_grace) | 10 s | running handlers after a shutdown, then their connections are cut |
/// | [`timeout`](Self::timeout) | none | the wait of [`handle_request`](crate::HTTPServer::handle_request) for a request |
///
/// # Limits
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`max_connections`](Self::max_connections) | 10,000 | open connections, then 503 |
/// | [`max_requests_per_connection`](Self::max_requests_per_connection) | none | requests of one connection, then it is closed |
/// | [`limits`](Self::limits) | [`Limits`] | the size of the request line, the header fields, chunk lines and trailer fields |
/// | [`gather_limit`](Self::gather_limit) | 64 KiB | bytes of a body that are read before the handler is called |
/// | [`drain_limit`](Self::drain_limit) | 256 KiB | bytes of an unread body that are dropped to keep the connection |
/// | [`response_buffer`](Self::response_buffer) | 64 KiB | bytes of a response that are held back to find its `Content-Length` |
/// | [`write_high_water`](Self::write_high_water) | 64 KiB | bytes of a response that may wait for a slow client before the handler does |
/// | [`write_budget`](Self::write_budget) | 64 MiB | bytes beyond that in all connections together |
///
/// # Threads
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`max_threads`](Self::max_threads) | 512 | handlers that run at a time |
/// | [`compute_threads`](Self::compute_threads) | one for each processor | threads that compute at a time |
/// | [`stack_size`](Self::stack_size) | 2 MiB | the stack of each thread |
///
/// # Errors and log
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`handle_error`](Self::handle_error) | none | is called for each error and panic of a handler |
/// | [`handle_timeout`](Self::handle_timeout) | none | is called when [`timeout`](Self::timeout) is over |
/// | [`log_line`](Self::log_line) | standard error | receives the log lines |
/// | [`log`](Self::log) | off | sends the log lines to the crate `log` (feature `log`) |
/// | [`name_lookup`](Self::name_lookup) | off | logs host names instead of addresses (feature `name-lookup`) |
#[must_use = "a builder does nothing until bind() is called"]
pub struct ServerBuilder {
    pub(super) settings: Settings,
    pub(super) hooks: Hooks,
    /// Where the server listens beside its first address. Errors are told when it is bound.
    pub(super) further: Vec<io::Result<Endpoint>>,
}

/// Functions of the user that the server calls.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) verify_request: Option<Box<VerifyRequest>>,
    pub(super) handle_error: Option<Box<HandleError>>,
    pub(super) handle_timeout: Option<Box<HandleTimeout>>,
    pub(super) log_line: Option<Box<LogLine>>,
}

pub(super) type VerifyRequest = dyn Fn(&Address) -> bool + Send + Sync;
pub(super) type HandleTimeout = dyn Fn() + Send + Sync;

impl ServerBuilder {
    pub(super) fn new() -> Self {
        Self { settings: Settings::default(), hooks: Hooks::default(), further: Vec::new() }
    }

    /// How many connections the system queues before the server takes them: the backlog of `listen(2)`. 1024 by
    /// default: Python's 5 makes clients wait for a second or more whenever a few come at once. The system may have a
    /// lower bound of its own.
    #[doc(alias("backlog"))]
    pub fn request_queue_size(mut self, connections: u16) -> Self {
        self.settings.request_queue_size = connections;
        self
    }

    /// Whether the address may be bound while connections of an earlier server still linger in the system. On by
    /// default, as in Python's `HTTPServer`, so that a server can be restarted at once. Without effect on Windows, where
    /// the option would let two servers share a port.
    #[doc(alias("SO_REUSEADDR"))]
    pub fn allow_reuse_address(mut self, allow: bool) -> Self {
        self.settings.allow_reuse_address = allow;
        self
    }

    /// Whether several servers may be bound to the same address at once, of one program or of several of the same user
    /// (`SO_REUSEPORT`): each must say so. Linux spreads new connections over them, so that a new process can begin before the
    /// old one has ended; connections in the queue of one that ends are lost, where a listener that is handed over
    /// ([`from_listener`](Self::from_listener)) loses none. Off by default, as in Python (3.11 has this attribute). An error of
    /// `bind` where the system has no such thing.
    #[doc(alias("SO_REUSEPORT"))]
    pub fn allow_reuse_port(mut self, allow: bool) -> Self {
        self.settings.allow_reuse_port = allow;
        self
    }

    /// How long [`handle_request`](crate::HTTPServer::handle_request) waits for a request before it calls
    /// [`handle_timeout`](Self::handle_timeout) and returns: Python's `timeout` of a server. For ever by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// How long a connection may be silent before its first request and between two. 75 seconds by default: longer than
    /// browsers take from one click to the next, and longer than the 60 for which the usual proxies and load balancers keep a
    /// connection. Behind one, it has to be longer than the proxy's: else a request may come just when the server has closed,
    /// and the proxy answers 502.
    #[doc(alias("keep_alive"))]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.idle_timeout = timeout;
        self
    }

    /// Has the server speak TLS, and nothing else.
    #[doc(alias("certificate", "https", "ssl"))]
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: super::tls::TlsConfig) -> Self {
        self.settings.tls = Some(tls);
        self
    }

    /// Has the server look at the files of its certificate and its key so often, and read them again when they have been
    /// replaced, as they are at a renewal: connections that are open go on, and new ones get the new certificate. A line of the
    /// log says so. Off by default; some seconds are often enough.
    ///
    /// The files are watched together, by what is in them. One may come long before the other, links may be turned, either may
    /// be missing for a while: what is there is tried again whenever it has changed and then stood still from one look to the
    /// next, until the two fit; meanwhile the certificate from before is served. A line of the log says so when it takes longer
    /// than a minute. It needs a [`TlsConfig`](crate::TlsConfig) [`from_files`](crate::TlsConfig::from_files), and works while
    /// [`serve_forever`](crate::HTTPServer::serve_forever) does, on a thread of its own.
    ///
    /// ```no_run
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// use std::time::Duration;
    /// use basehttp::TlsConfig;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// HTTPServer::builder()
    ///     .tls(TlsConfig::from_files("fullchain.pem", "privkey.pem")?)
    ///     .watch_tls(Duration::from_secs(10))
    ///     .bind("0.0.0.0:8443", |base| Hello { base })?
    ///     .serve_forever()
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn watch_tls(mut self, every: Duration) -> Self {
        self.settings.watch_tls = Some(every);
        self
    }

    /// How long a handshake of TLS may take, however it trickles in, and how long a client may take to begin one; then the
    /// connection is closed. 10 seconds by default: two times back and forth take less than one on any network, and a client
    /// that wants to hold connections must not have longer for it than with a head.
    #[cfg(feature = "tls")]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.handshake_timeout = timeout;
        self
    }

    /// How long a head may take from its first byte to its last, however it trickles in; then the answer is 408. 20
    /// seconds by default: any client that means it takes less than one, and a client that sends a byte at a time must
    /// not hold a connection for ever.
    #[doc(alias("slowloris"))]
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.head_timeout = timeout;
        self
    }

    /// How long one read of a body may wait for the client; then the answer is 408. 30 seconds by default: a client that
    /// sends nothing for so long has lost its network. A handler's class variable `timeout` and
    /// [`set_read_timeout`](crate::BaseHTTPRequestHandler::set_read_timeout) come before it.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.read_timeout = timeout;
        self
    }

    /// How long a response may wait for a client that takes none of it; then the connection is cut. 30 seconds by default,
    /// as for reads. The system tells in steps of up to 64 KiB what the client takes, so that one that takes less than some
    /// 2 KiB a second may seem to take nothing. A handler's class variable `timeout` and
    /// [`set_write_timeout`](crate::BaseHTTPRequestHandler::set_write_timeout) come before it.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.write_timeout = timeout;
        self
    }

    /// How long a body may be waited for in total; then the answer is 408. Each byte that comes gives a millisecond back,
    /// so that a body may take as long as it needs at 1000 bytes a second, and a client that sends one byte before each
    /// [`read_timeout`](Self::read_timeout) gets no further. Only waiting for the client counts, not what the handler
    /// does. 60 seconds by default: a network that stands still for so long is no network.
    ///
    /// A handler for clients that are slow on purpose calls
    /// [`set_read_timeout`](crate::BaseHTTPRequestHandler::set_read_timeout) in its `do_*` method, and minds the total itself. After 101, or 2xx to
    /// CONNECT, there is no bound but `read_timeout`.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.body_timeout = timeout;
        self
    }

    /// How long a response may wait in total for its client to take it; then the connection is cut. Each byte that the client
    /// takes gives a millisecond back, as in [`body_timeout`](Self::body_timeout): a client that takes one before each
    /// [`write_timeout`](Self::write_timeout) gets no further. Only waiting for the client counts, not what the handler does
    /// between two writes. 60 seconds by default, as for bodies: a network that stands still for so long is no network.
    ///
    /// A handler for clients that are slow on purpose calls
    /// [`set_write_timeout`](crate::BaseHTTPRequestHandler::set_write_timeout) in its `do_*` method, which switches this off for that
    /// response. After 101, or
    /// 2xx to CONNECT, there is no bound but `write_timeout`.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.response_timeout = timeout;
        self
    }

    /// The hosts that requests may be for, by the names or addresses that stand in `Host`, without ports; with none, as by
    /// default, any. A request for another is answered 421 (RFC 9110 section 15.5.20) before the handler is asked: a page whose
    /// name was made to lead to this server, as in DNS rebinding, asks under that name. A request of HTTP/1.0 without `Host` is
    /// let through. The code of the [`Fault`](crate::Fault) is `foreign-host`. A host in the target (`http://host/`) comes before
    /// `Host`; a target without a slash at its front, which Python would serve, is answered 400 (`bad-target`).
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # use basehttp::testing::TestServer;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) {} }
    /// let server = TestServer::with(HTTPServer::builder().allowed_hosts(["example.org"]), |base| Hello { base });
    /// let response = server.exchange(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").unwrap();
    /// assert!(response.starts_with(b"HTTP/1.0 421 "));
    /// ```
    #[doc(alias("dns_rebinding", "host"))]
    pub fn allowed_hosts<I>(mut self, hosts: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.settings.allowed_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Has the server answer browsers only for this machine's own pages, for one that listens at a loopback address and grants
    /// what not everybody may have: requests for hosts other than `localhost`, `*.localhost`, 127.0.0.0/8, `::1` and
    /// [`allowed_hosts`](Self::allowed_hosts) are answered 421, and those whose `Origin` (RFC 6454) is the page of another host, or
    /// `null`, 403 (`cross-site`): any page that this machine's browser shows can send requests to a loopback address. Ports are
    /// not compared, and a link that somebody follows has no `Origin`. Off by default.
    #[doc(alias("dns_rebinding"))]
    pub fn loopback_guard(mut self, on: bool) -> Self {
        self.settings.loopback_guard = on;
        self
    }

    /// The proxies and load balancers whose word about their clients counts; see [`TrustedProxies`](crate::TrustedProxies). None by
    /// default: what a request says of where it comes from is anybody's claim. [`verify_request`](Self::verify_request) is asked
    /// about the proxy.
    #[doc(alias("forwarded", "x_forwarded_for"))]
    #[cfg(feature = "proxy")]
    pub fn trusted_proxies(mut self, proxies: crate::TrustedProxies) -> Self {
        self.settings.proxies = Some(proxies);
        self
    }

    /// How many requests a connection may have; the last response says `Connection: close`. No bound by default: a connection
    /// gives back the memory of unusual requests, so that its age costs nothing. A bound is for a load balancer that
    /// spreads connections, not requests.
    pub fn max_requests_per_connection(mut self, requests: u64) -> Self {
        self.settings.bounds.requests = requests;
        self
    }

    /// How long [`shutdown`](crate::ServerHandle::shutdown) lets running handlers go on before their connections are
    /// cut; zero cuts all at once. 10 seconds by default: what service managers usually grant is 30 or more.
    #[doc(alias("graceful"))]
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

    /// How many handlers may run at a time, quick ones too; one that waits, for a database, another server or its own client,
    /// counts until it returns. 512 by default: a thread costs little more than its stack, and the system often grants a
    /// few thousand. They are made when they are needed and go when they are not. Where all are taken, requests wait for
    /// [`queue_timeout`](Self::queue_timeout).
    #[doc(alias("thread_pool", "workers"))]
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.settings.max_threads = threads;
        self
    }

    /// How long a request may wait for a thread, or for its turn among handlers that compute; then the answer is 503 with
    /// `Retry-After`. 10 seconds by default: a client that is still there has waited long enough to be told.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.settings.queue_timeout = timeout;
        self
    }

    /// How many threads may compute at a time: read, parse, run handlers that do not wait, write. As many as there are
    /// processors by default. Usually one does all the work; others join while that makes the server faster. So many handlers that
    /// compute for more than a millisecond run beside them, and further ones wait for their turn, as long as for a thread
    /// ([`queue_timeout`](Self::queue_timeout)); one more runs for each tenth of a second in which none of them returns. (On Linux:
    /// elsewhere the system does not tell them from handlers that wait, which have a thread each.)
    pub fn compute_threads(mut self, threads: usize) -> Self {
        self.settings.compute_threads = Some(threads);
        self
    }

    /// How many bytes of stack the server's threads have, on which handlers run: more for one that recurses deeply, as a parser
    /// may; less where many wait and the system counts what is reserved. An overflow ends the process. The standard library's
    /// by default, which is 2 MiB, or what `RUST_MIN_STACK` in the environment says: what runs on any other thread of the program
    /// runs here too, and most systems give a stack memory only as it is used.
    ///
    /// The thread that calls [`handle_request`](crate::HTTPServer::handle_request), where handlers run too, has its own. Less than 128
    /// KiB, of which the server itself needs a part, or more than 1 GiB is an error of `bind`.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// How many bytes of a request's body are gathered before its handler is called, so that a client that sends slowly
    /// keeps no thread waiting. 64 KiB by default: more than most forms and messages have. What a longer body has beyond that
    /// is read while the handler runs; with 0, every body is, as a handler wants that answers before the body has come.
    pub fn gather_limit(mut self, bytes: usize) -> Self {
        self.settings.bounds.gather = bytes;
        self
    }

    /// How large the parts of a request may be; see [`Limits`].
    #[doc(alias("max_header_size"))]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.bounds.limits = limits;
        self
    }

    /// How many bytes of a response's body are held back to learn its length, so that a `Content-Length` can be added, and are
    /// gathered before they are sent. 64 KiB by default: most responses have less, and go out in one piece. A longer body
    /// without a length is sent in chunks.
    pub fn response_buffer(mut self, bytes: usize) -> Self {
        self.settings.bounds.hold = bytes;
        self
    }

    /// How many bytes of a response may wait for a slow client before the handler's next write does. Up to that much the
    /// handler goes on, and when it returns, what is left is sent without a thread. 64 KiB by default, for each
    /// connection and on top of what the system keeps; a `flush()` always waits for all of it. Pipelined requests are
    /// not looked at while more than that waits.
    pub fn write_high_water(mut self, bytes: usize) -> Self {
        self.settings.bounds.high_water = bytes;
        self
    }

    /// How many bytes of responses may wait for slow clients in all connections together, beyond the
    /// [`write_high_water`](Self::write_high_water) of each: a `write_all` of 16 KiB or more returns while there is room for what the
    /// client has not taken. What is left is sent with the handler's next writes, and when it has returned, without a thread. A handler
    /// that sends something live calls `flush()`, which waits for all of it. 64 MiB by default, and up to
    /// 1 MiB of it for a connection: a hundred pages of several hundred KiB. Beyond that, or with 0, the handler waits for its client. Bytes that are handed over
    /// ([`WFile::send_bytes`](crate::WFile::send_bytes)) and files do not count: the server keeps no copy of them.
    pub fn write_budget(mut self, bytes: usize) -> Self {
        self.settings.bounds.write_budget = Arc::new(WriteBudget::new(bytes));
        self
    }

    /// How many bytes of a body that the handler did not read are read and dropped to keep the connection. 256 KiB by
    /// default: about what a new connection would cost. After a longer body the connection is closed; with 0, after any.
    pub fn drain_limit(mut self, bytes: u64) -> Self {
        self.settings.bounds.drain = bytes;
        self
    }

    /// Whether log lines have the client's name instead of its IP address, as in Python 2: whether
    /// [`address_string`](crate::RequestHandler::address_string) asks the system's name service, once for each connection.
    /// Off by default: a name service that hangs holds up every first response, and its answers are what the owner of the
    /// address says, so grant nobody anything for his name. What is no host name is left out.
    ///
    /// It is asked where the first line about a connection is logged, which is in a handler's turn: a driver that it holds
    /// up loses its duty to another thread, as in a handler that waits, and goes on to count among
    /// [`max_threads`](Self::max_threads). Nothing is asked when the server is bound.
    #[cfg(feature = "name-lookup")]
    pub fn name_lookup(mut self, look_up: bool) -> Self {
        self.settings.name_of = look_up.then_some(super::name_lookup::name_of);
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
    pub fn handle_error(mut self, handle: impl Fn(&HandlerError<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.handle_error = Some(Box::new(handle));
        self
    }

    /// Python's `handle_timeout`: called when no request came within [`timeout`](Self::timeout).
    pub fn handle_timeout(mut self, handle: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.handle_timeout = Some(Box::new(handle));
        self
    }

    /// Who takes the lines of the log, and their levels, instead of standard error: those of
    /// [`log_message`](crate::RequestHandler::log_message)'s default, and the server's own, which begin with `basehttp:`. A line comes
    /// escaped, and without its line end. Standard error by default, as in Python; it has no levels. The function is
    /// called by a thread that has other work as well, which goes on elsewhere if it takes long; lines that nobody takes are
    /// dropped and counted from 512 KiB on (in several buffers, of 64 KiB or more each). A panic in it costs the line.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # use basehttp::testing::TestServer;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) -> std::io::Result<()> { self.send_response(204); self.end_headers() } }
    /// use basehttp::LogLevel;
    ///
    /// let (sender, lines) = std::sync::mpsc::channel();
    /// let builder = HTTPServer::builder().log_line(move |line, level| {
    ///     if level >= LogLevel::Warning {
    ///         sender.send(line.to_owned()).unwrap();
    ///     }
    /// });
    /// let server = TestServer::with(builder, |base| Hello { base });
    /// server.exchange(b"GET /x HTTP/1.0\r\n\r\n")?;
    /// server.exchange(b"SPAM /x HTTP/1.0\r\n\r\n")?;
    /// assert!(lines.recv().unwrap().ends_with("message Unsupported method ('SPAM')"));
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias("logger"))]
    pub fn log_line(mut self, take: impl Fn(&str, LogLevel) + Send + Sync + 'static) -> Self {
        self.hooks.log_line = Some(Box::new(take));
        self
    }

    /// Has the lines of the log go to the crate `log`, with the target `basehttp` and their [`LogLevel`]: a
    /// [`log_line`](Self::log_line) that is written already. A handler that wants other levels overrides
    /// [`log_request`](crate::RequestHandler::log_request) and `log_error`.
    ///
    /// A line has the client and the time as in Python, and the logger may add its own: a
    /// [`log_message`](crate::RequestHandler::log_message) that calls `log::info!("{message}")` has neither.
    #[cfg(feature = "log")]
    pub fn log(mut self) -> Self {
        self.hooks.log_line = Some(Box::new(|line, level| {
            // The target says it already.
            let line = line.strip_prefix("basehttp: ").unwrap_or(line);
            match level {
                LogLevel::Warning => ::log::warn!(target: "basehttp", "{line}"),
                LogLevel::Info => ::log::info!(target: "basehttp", "{line}"),
            }
        }));
        self
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("settings", &self.settings)
            .field("further", &self.further)
            .finish_non_exhaustive()
    }
}
