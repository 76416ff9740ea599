//! The settings of a server.

use std::fmt;
use std::io;
use std::time::Duration;

use super::listeners::Endpoint;
use super::log::LogLine;
use super::settings::Settings;
use crate::handler::connection_io::WriteBudget;
use crate::handler::{Address, CrossOriginProtection, HandleError, HandlerError, LogLevel};
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
/// [`bind`](Self::bind), [`bind_unix`](Self::bind_unix) and [`from_listener`](Self::from_listener) make the server. They
/// reject a setting that cannot work and name it. [`serve_stream`](Self::serve_stream) serves one connection without a
/// server.
///
/// # Addresses
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`also_bind`](Self::also_bind) | none | another address of the same server |
/// | [`also_bind_unix`](Self::also_bind_unix) | none | a unix socket of the same server |
/// | [`also_from_listener`](Self::also_from_listener) | none | another socket that is already listening |
/// | [`request_queue_size`](Self::request_queue_size) | 1,024 | connections that the system queues: the backlog of `listen` |
/// | [`allow_reuse_address`](Self::allow_reuse_address) | on | the address may be bound while connections of an earlier server linger |
/// | [`allow_reuse_port`](Self::allow_reuse_port) | off | several servers may be bound to one address |
///
/// # Access
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`verify_request`](Self::verify_request) | all clients | accepts or rejects a client by its address |
/// | [`allowed_hosts`](Self::allowed_hosts) | any | hosts that requests may be for; others get 421 |
/// | [`loopback_guard`](Self::loopback_guard) | off | refuses requests made by pages of other sites |
/// | [`cross_origin_protection`](Self::cross_origin_protection) | off | refuses unsafe requests that pages of other origins make |
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
/// | [`idle_timeout`](Self::idle_timeout) | 75 s | silence before the first request and between requests, then the connection is closed |
/// | [`head_timeout`](Self::head_timeout) | 20 s | a head from its first byte to its last, then 408 |
/// | [`read_timeout`](Self::read_timeout) | 30 s | one read of a body, then 408 |
/// | [`body_timeout`](Self::body_timeout) | 60 s | a whole body, then 408; each byte received adds 1 ms |
/// | [`write_timeout`](Self::write_timeout) | 30 s | one write of a response, then the connection is cut |
/// | [`response_timeout`](Self::response_timeout) | 60 s | a whole response, then the connection is cut; each byte the client takes adds 1 ms |
/// | [`queue_timeout`](Self::queue_timeout) | 10 s | a request's wait for a free thread, then 503 |
/// | [`shutdown_grace`](Self::shutdown_grace) | 10 s | running handlers after a shutdown, then their connections are cut |
/// | [`timeout`](Self::timeout) | none | the wait of [`handle_request`](crate::HTTPServer::handle_request) for a request |
///
/// # Limits
///
/// | setting | default | what it is |
/// |---|---|---|
/// | [`max_connections`](Self::max_connections) | 10,000 | open connections; further ones get 503 |
/// | [`max_requests_per_connection`](Self::max_requests_per_connection) | none | requests of one connection, then it is closed |
/// | [`limits`](Self::limits) | [`Limits`] | the size of the request line, the header fields, chunk lines and trailer fields |
/// | [`gather_limit`](Self::gather_limit) | 64 KiB | bytes of a body that are read before the handler is called |
/// | [`drain_limit`](Self::drain_limit) | 256 KiB | bytes of an unread body that are dropped to keep the connection |
/// | [`response_buffer`](Self::response_buffer) | 64 KiB | bytes of a response that are held back to determine its `Content-Length` |
/// | [`write_high_water`](Self::write_high_water) | 64 KiB | bytes of a response that may wait for a slow client before the handler has to wait |
/// | [`write_budget`](Self::write_budget) | 64 MiB | bytes beyond that, in all connections together |
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
/// | [`handle_timeout`](Self::handle_timeout) | none | is called when [`timeout`](Self::timeout) expires |
/// | [`log_line`](Self::log_line) | standard error | receives the log lines |
/// | [`log`](Self::log) | off | sends the log lines to the crate `log` (feature `log`) |
/// | [`name_lookup`](Self::name_lookup) | off | logs host names instead of addresses (feature `name-lookup`) |
#[must_use = "a builder does nothing until bind() is called"]
pub struct ServerBuilder {
    pub(super) settings: Settings,
    pub(super) hooks: Hooks,
    /// Where the server listens besides its first address. `bind` reports the errors.
    pub(super) further: Vec<io::Result<Endpoint>>,
}

/// The user's functions that the server calls.
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

    /// How many connections the system queues until the server accepts them: the backlog of `listen(2)`.
    ///
    /// 1024 by default; with Python's 5, clients wait for a second or more whenever a few connect at once. The system may
    /// have a lower limit of its own.
    #[doc(alias("backlog"))]
    pub fn request_queue_size(mut self, connections: u16) -> Self {
        self.settings.request_queue_size = connections;
        self
    }

    /// Whether the address may be bound while connections of an earlier server still linger in the system.
    ///
    /// On by default, as in Python's `HTTPServer`, so that a server can be restarted at once. No effect on Windows, where
    /// the option would let two servers share a port.
    #[doc(alias("SO_REUSEADDR"))]
    pub fn allow_reuse_address(mut self, allow: bool) -> Self {
        self.settings.allow_reuse_address = allow;
        self
    }

    /// Whether several servers may be bound to the same address at once (`SO_REUSEPORT`).
    ///
    /// The servers may be in one program, or in several programs of the same user; each must set this. Linux distributes new
    /// connections among them, so that a new process can start before the old one has ended. Connections in the queue of a
    /// server that ends are lost; a listener that is handed over ([`from_listener`](Self::from_listener)) loses none. Off by
    /// default, as in Python (which has this attribute since 3.11). An error of `bind` where the system does not support it.
    #[doc(alias("SO_REUSEPORT"))]
    pub fn allow_reuse_port(mut self, allow: bool) -> Self {
        self.settings.allow_reuse_port = allow;
        self
    }

    /// How long [`handle_request`](crate::HTTPServer::handle_request) waits for a request before it calls
    /// [`handle_timeout`](Self::handle_timeout) and returns: Python's `timeout` of a server. No limit by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// How long a connection may be silent before its first request and between requests.
    ///
    /// 75 seconds by default: longer than browsers pause from one click to the next, and longer than the 60 seconds for
    /// which the usual proxies and load balancers keep a connection. Behind a proxy it must be longer than the proxy's own
    /// timeout: otherwise a request may arrive just as the server closes the connection, and the proxy answers 502.
    #[doc(alias("keep_alive"))]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.idle_timeout = timeout;
        self
    }

    /// Serves TLS only.
    #[doc(alias("certificate", "https", "ssl"))]
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: super::tls::TlsConfig) -> Self {
        self.settings.tls = Some(tls);
        self
    }

    /// Checks the files of the certificate and its key at this interval, and reads them again when they have been replaced,
    /// as at a renewal.
    ///
    /// Open connections are not affected; new ones get the new certificate, and a log line reports the change. Off by
    /// default; an interval of some seconds is often enough.
    ///
    /// The two files are watched together, by their contents. One may be replaced long before the other, a symbolic link may
    /// be changed, either may be missing for a while. When the contents have changed and are then the same at two checks in
    /// a row, the server tries them; it repeats this until certificate and key match. Meanwhile it serves the earlier
    /// certificate; a log line says so when this takes longer than a minute. This setting needs a
    /// [`TlsConfig`](crate::TlsConfig) made by [`from_files`](crate::TlsConfig::from_files). The files are watched while
    /// [`serve_forever`](crate::HTTPServer::serve_forever) runs, on a thread of their own.
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

    /// How long a TLS handshake may take in total, and how long a client may take to begin it; then the connection is
    /// closed.
    ///
    /// 10 seconds by default: two round trips take less than one second on any network, and a client that wants to tie up
    /// connections must not gain more time by a handshake than by a head.
    #[cfg(feature = "tls")]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.handshake_timeout = timeout;
        self
    }

    /// How long a head may take from its first byte to its last, however slowly it arrives; then the answer is 408.
    ///
    /// 20 seconds by default: an honest client takes less than one, and a client that sends a byte at a time must not hold a
    /// connection without limit.
    #[doc(alias("slowloris"))]
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.head_timeout = timeout;
        self
    }

    /// How long one read of a body may wait for the client; then the answer is 408.
    ///
    /// 30 seconds by default: a client that sends nothing for so long has lost its network. A handler's class variable
    /// `timeout` and [`set_read_timeout`](crate::BaseHTTPRequestHandler::set_read_timeout) take precedence.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.read_timeout = timeout;
        self
    }

    /// How long a response may wait for a client that takes none of it; then the connection is cut.
    ///
    /// 30 seconds by default, as for reads. The system reports in steps of up to 64 KiB what the client has taken, so a
    /// client that takes less than some 2 KiB a second may seem to take nothing. A handler's class variable `timeout` and
    /// [`set_write_timeout`](crate::BaseHTTPRequestHandler::set_write_timeout) take precedence.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.write_timeout = timeout;
        self
    }

    /// How long the server may wait for a body in total; then the answer is 408.
    ///
    /// Each byte received extends the deadline by 1 ms, so a body may take as long as it needs at 1000 bytes a second, while
    /// a client that sends one byte before each [`read_timeout`](Self::read_timeout) gains nothing. Only time spent waiting
    /// for the client counts, not the handler's own. 60 seconds by default.
    ///
    /// A handler for clients that are slow on purpose calls
    /// [`set_read_timeout`](crate::BaseHTTPRequestHandler::set_read_timeout) in its `do_*` method, and must bound the total
    /// itself. After 101, or 2xx to CONNECT, only `read_timeout` applies.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.body_timeout = timeout;
        self
    }

    /// How long a response may wait in total for its client to take it; then the connection is cut.
    ///
    /// Each byte that the client takes extends the deadline by 1 ms, as in [`body_timeout`](Self::body_timeout), so a client
    /// that takes one byte before each [`write_timeout`](Self::write_timeout) gains nothing. Only time spent waiting for the
    /// client counts, not the handler's own between two writes. 60 seconds by default, as for bodies.
    ///
    /// A handler for clients that are slow on purpose calls
    /// [`set_write_timeout`](crate::BaseHTTPRequestHandler::set_write_timeout) in its `do_*` method, which turns this
    /// deadline off for that response. After 101, or 2xx to CONNECT, only `write_timeout` applies.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.response_timeout = timeout;
        self
    }

    /// The hosts that requests may be for: names or addresses as in `Host`, without ports. Any host by default.
    ///
    /// A request for another host is answered 421 (RFC 9110 section 15.5.20) before the handler is called; the code of the
    /// [`Fault`](crate::Fault) is `foreign-host`. This protects against DNS rebinding, where an attacker's name resolves to
    /// this server: a page from there sends its requests under that name. An HTTP/1.0 request without `Host` is let through.
    /// A host in the target (`http://host/`) takes precedence over `Host`. A target that does not begin with a slash, which
    /// Python would serve, is answered 400 (`bad-target`).
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

    /// Answers browsers only for pages of this machine: for a server at a loopback address whose data or actions are
    /// private.
    ///
    /// Any page that a browser on this machine shows can send requests to a loopback address. Therefore a request for a host
    /// other than `localhost`, `*.localhost`, 127.0.0.0/8, `::1` and [`allowed_hosts`](Self::allowed_hosts) is answered 421.
    /// A request whose `Origin` (RFC 6454) is the page of another host, or `null`, is answered 403 (`cross-site`). Ports are
    /// not compared, and a link that a user follows sends no `Origin`. Off by default.
    #[doc(alias("dns_rebinding"))]
    pub fn loopback_guard(mut self, on: bool) -> Self {
        self.settings.loopback_guard = on;
        self
    }

    /// Refuses unsafe requests that pages of other origins make a browser send, with the user's cookies and from the user's
    /// network (cross-site request forgery, CSRF): forms, `fetch` and WebSockets. The rules are those of Go's
    /// `http.CrossOriginProtection`, and stricter for upgrades and for repeated fields. Off by default: a server whose clients
    /// are programs does not need it.
    ///
    /// | request | result |
    /// |---|---|
    /// | GET, HEAD, OPTIONS without `Upgrade` | passes: a handler must not change anything for it |
    /// | any other method, or with `Upgrade` as for a WebSocket: | |
    /// | `Sec-Fetch-Site: same-origin` or `none` | passes |
    /// | another `Sec-Fetch-Site`, also as one of several | 403, unless `Origin` is [trusted](crate::CrossOriginProtection::trust_origin) |
    /// | no `Sec-Fetch-Site`, one `Origin` with the host and the port of `Host` | passes |
    /// | no `Sec-Fetch-Site`, another `Origin`, `null`, several, or a malformed one | 403, unless it is trusted |
    /// | neither field | passes: not a browser |
    ///
    /// A request whose path has an [`insecure_bypass`](crate::CrossOriginProtection::insecure_bypass) passes too. A refused
    /// request is answered before its body is read and before the handler is called, by
    /// [`send_error`](crate::RequestHandler::send_error) with 403, and the connection closes. The code of the
    /// [`Fault`](crate::Fault) is `cross-origin`, and the log line says what the browser sent and which call would allow it.
    ///
    /// - **Scheme**: a server with `tls` requires `https`. Any other server accepts `http` and `https`, since a proxy in front may
    ///   serve TLS.
    /// - **Behind a proxy** that replaces `Host`, pages seem to be of another origin if the browser sends no `Sec-Fetch-Site`, as
    ///   over plain HTTP. Make the proxy pass on `Host`, or trust the public origin. `X-Forwarded-Host` is ignored: any client
    ///   can send it.
    /// - **`Referrer-Policy: no-referrer`** makes browsers send `Origin: null` with the server's own forms. Over plain HTTP they are
    ///   refused then: use `same-origin`.
    /// - **DNS rebinding**, a hostile name that resolves to this server, makes a page of the same origin.
    ///   [`allowed_hosts`](Self::allowed_hosts) prevents it.
    /// - **[`loopback_guard`](Self::loopback_guard)** still applies: with it, a trusted origin must have an allowed host too.
    /// - **`accept_websocket`** accepts trusted origins as well. It checks the others itself, also under an `insecure_bypass`.
    /// - **An override of [`handle_one_request`](crate::RequestHandler::handle_one_request)** that does not call `parse_request`
    ///   also answers requests that should be refused.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// # struct Account { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Account { fn do_POST(&self) {} }
    /// use basehttp::CrossOriginProtection;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let server = HTTPServer::builder()
    ///     .cross_origin_protection(CrossOriginProtection::new().trust_origin("https://app.example.com"))
    ///     .bind("127.0.0.1:0", |base| Account { base })?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("cors", "csrf", "csrf_protection", "origin", "xsrf"))]
    pub fn cross_origin_protection(mut self, protection: CrossOriginProtection) -> Self {
        self.settings.cross_origin_protection = Some(protection);
        self
    }

    /// The proxies and load balancers that the server believes about their clients; see
    /// [`TrustedProxies`](crate::TrustedProxies).
    ///
    /// None by default: any client can claim anything about where a request comes from.
    /// [`verify_request`](Self::verify_request) gets the address of the proxy.
    #[doc(alias("forwarded", "x_forwarded_for"))]
    #[cfg(feature = "proxy")]
    pub fn trusted_proxies(mut self, proxies: crate::TrustedProxies) -> Self {
        self.settings.proxies = Some(proxies);
        self
    }

    /// How many requests a connection may have; the last response says `Connection: close`.
    ///
    /// No limit by default: a connection gives back the memory of unusual requests, so its age costs nothing. A limit is for
    /// a load balancer that distributes connections instead of requests.
    pub fn max_requests_per_connection(mut self, requests: u64) -> Self {
        self.settings.bounds.requests = requests;
        self
    }

    /// How long handlers may still run after [`shutdown`](crate::ServerHandle::shutdown) before their connections are cut;
    /// zero cuts them all at once. 10 seconds by default: service managers usually grant 30 or more.
    #[doc(alias("graceful"))]
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.shutdown_grace = grace;
        self
    }

    /// How many connections may be open. A further one is answered 503 with `Retry-After` and closed.
    ///
    /// 10,000 by default: an idle connection costs little more than its descriptor, and the system often grants no more
    /// descriptors than that.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// How many handlers may run at a time, quick ones included.
    ///
    /// A handler that waits, for a database, another server or its own client, counts until it returns. 512 by default: a
    /// thread costs little more than its stack, and the system often grants a few thousand. Threads are started when they
    /// are needed and end when they are not. When all are busy, requests wait for [`queue_timeout`](Self::queue_timeout).
    #[doc(alias("thread_pool", "workers"))]
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.settings.max_threads = threads;
        self
    }

    /// How long a request may wait for a thread, or for its turn among compute-bound handlers; then the answer is 503 with
    /// `Retry-After`. 10 seconds by default: a client that is still there then should get an answer.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.settings.queue_timeout = timeout;
        self
    }

    /// How many threads may compute at a time: read, parse, run handlers that do not wait, write. One for each processor by
    /// default.
    ///
    /// Usually one thread does all the work; others join as long as that makes the server faster. The same number of
    /// handlers that compute for more than a millisecond may run beside them. Further ones wait for their turn, as long as
    /// for a thread ([`queue_timeout`](Self::queue_timeout)); if none returns for a tenth of a second, one more may run.
    /// This holds on Linux: other systems do not distinguish them from handlers that wait, so each gets a thread of its own.
    pub fn compute_threads(mut self, threads: usize) -> Self {
        self.settings.compute_threads = Some(threads);
        self
    }

    /// How many bytes of stack each of the server's threads has; handlers run on them.
    ///
    /// More is for a handler that recurses deeply, such as a parser; less is for a server where many handlers wait and the
    /// system counts the reserved memory. An overflow ends the process. The default is that of the standard library: 2 MiB,
    /// or the value of `RUST_MIN_STACK` in the environment. So code that runs on any other thread of the program runs here
    /// too; most systems give a stack memory only as it is used.
    ///
    /// The thread that calls [`handle_request`](crate::HTTPServer::handle_request), on which handlers run too, keeps its own
    /// stack. `bind` rejects less than 128 KiB, of which the server itself needs a part, and more than 1 GiB.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// How many bytes of a request's body are read before its handler is called, so that a slow upload holds no thread.
    ///
    /// 64 KiB by default: more than most forms and messages have. The rest of a longer body is read while the handler runs.
    /// With 0 that is true of every body, as suits a handler that answers before the body has arrived. For a route, a `limit` below
    /// this one means that no slow upload holds a thread.
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

    /// How many bytes of a response's body are held back to determine its length, so that `Content-Length` can be added, and
    /// are collected before they are sent.
    ///
    /// 64 KiB by default: most responses are shorter and go out in one piece. A longer body without a declared length is
    /// sent in chunks.
    pub fn response_buffer(mut self, bytes: usize) -> Self {
        self.settings.bounds.hold = bytes;
        self
    }

    /// How many bytes of a response may wait for a slow client before the handler's next write has to wait.
    ///
    /// Up to this amount the handler continues; when it returns, the rest is sent without a thread. 64 KiB by default, for
    /// each connection, and in addition to what the system buffers. A `flush()` always waits until all of it is sent. While
    /// more than this is waiting, the server does not look at pipelined requests.
    pub fn write_high_water(mut self, bytes: usize) -> Self {
        self.settings.bounds.high_water = bytes;
        self
    }

    /// How many bytes of responses may wait for slow clients in all connections together, beyond the
    /// [`write_high_water`](Self::write_high_water) of each.
    ///
    /// While there is room, a `write_all` of 16 KiB or more returns although the client has not taken all of it. The rest is
    /// sent with the handler's next writes and, once the handler has returned, without a thread. A handler that sends live
    /// data calls `flush()`, which waits until all of it is sent.
    ///
    /// 64 MiB by default, of which a connection may have up to 1 MiB: a hundred pages of several hundred KiB. Beyond that,
    /// or with 0, the handler waits for its client. Bytes that are handed over
    /// ([`WFile::send_bytes`](crate::WFile::send_bytes)) and files do not count: the server keeps no copy of them.
    pub fn write_budget(mut self, bytes: usize) -> Self {
        self.settings.bounds.write_budget = Arc::new(WriteBudget::new(bytes));
        self
    }

    /// How many bytes of a body that the handler did not read are read and dropped to keep the connection.
    ///
    /// 256 KiB by default: about what a new connection would cost. After a longer body the connection is closed; with 0,
    /// after any body.
    pub fn drain_limit(mut self, bytes: u64) -> Self {
        self.settings.bounds.drain = bytes;
        self
    }

    /// Whether log lines have the client's name instead of its IP address, as in Python 2.
    ///
    /// [`address_string`](crate::RequestHandler::address_string) then asks the system's resolver, once for each connection.
    /// Off by default: a hanging resolver delays every first response. The owner of an address decides which name it has, so
    /// never grant access by name. An answer that is not a host name is ignored.
    ///
    /// The lookup runs when the first line about a connection is logged, which is in a handler's turn. A driver that it
    /// blocks loses its permit to another thread, as in a handler that waits, and still counts among
    /// [`max_threads`](Self::max_threads). `bind` looks up nothing.
    #[cfg(feature = "name-lookup")]
    pub fn name_lookup(mut self, look_up: bool) -> Self {
        self.settings.name_of = look_up.then_some(super::name_lookup::name_of);
        self
    }

    /// Python's `verify_request`: whether a client is served. If it returns `false`, the connection is closed without an
    /// answer. It is called in the connection's first turn, like a handler, so it may block.
    pub fn verify_request(mut self, verify: impl Fn(&Address) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.verify_request = Some(Box::new(verify));
        self
    }

    /// Python's `handle_error`: is called for every failure of the handler itself, a returned error or a panic, in addition
    /// to the log line. Failures that the client caused (400, 408, 413, a connection that it closed) are only logged.
    pub fn handle_error(mut self, handle: impl Fn(&HandlerError<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.handle_error = Some(Box::new(handle));
        self
    }

    /// Python's `handle_timeout`: is called when no request arrived within [`timeout`](Self::timeout).
    pub fn handle_timeout(mut self, handle: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.handle_timeout = Some(Box::new(handle));
        self
    }

    /// Receives the log lines and their levels, instead of standard error.
    ///
    /// These are the lines of [`log_message`](crate::RequestHandler::log_message)'s default, and the server's own, which
    /// begin with `basehttp:`. A line is already escaped and has no line end. By default lines go to standard error, as in
    /// Python, without levels.
    ///
    /// The function is called by a thread that also has other work, which moves to another thread if the function takes
    /// long. From 512 KiB on (in several buffers, of 64 KiB or more each), lines that are not taken are dropped and counted.
    /// If the function panics, the line is lost.
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

    /// Sends the log lines to the crate `log`, with the target `basehttp` and their [`LogLevel`]: a ready-made
    /// [`log_line`](Self::log_line). To change the levels, override [`log_request`](crate::RequestHandler::log_request) and
    /// `log_error`.
    ///
    /// A line has the client and the time as in Python, and the logger may add its own time. A
    /// [`log_message`](crate::RequestHandler::log_message) that calls `log::info!("{message}")` adds neither.
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
