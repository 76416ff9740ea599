//! `BaseHTTPRequestHandler`: the instance variables.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use super::RequestHandler;
use super::address::{Address, Peer};
use super::clock::Clock;
use super::exchange::{After, Bounds, Desk, Exchange, Guard, Next, Shared, Taken};
use super::guard::HostGuard;
use super::message::{Headers, Message};
use super::multipart::Multipart;
#[cfg(feature = "proxy")]
use super::proxies::Forwarded;
use super::request::{NO_REQUEST, Request, named_version};
use super::rfile::RFile;
use super::server_info::ServerInfo;
use super::wfile::WFile;
use super::wire::Wire;
use crate::proto::connection::{Event, Phase};
use crate::proto::fault::Fault;
use crate::proto::framing::{Body, Persistence};
use crate::proto::parameters::Parameters;
use crate::proto::request_line::Version;
use crate::proto::response::Asked;
use crate::proto::status::HTTPStatus;
use crate::sync::Arc;

/// The base of a request handler: Python's superclass with its instance variables.
///
/// Your handler has one in a field, by default called `base`, and
/// [`#[http_handler]`](crate::http_handler) derefs to it, so `self.path()` works. It is given to the closure that makes
/// the handler of a connection, and holds what the handler needs of the connection and of the current request.
///
/// `rfile` and `wfile` and all that sends can be called on `&self`. To keep a part of the request while you change
/// a field of your own, go through the field, so that the compiler sees that the two are apart:
///
/// ```
/// # use basehttp::prelude::*;
/// # use std::collections::HashMap;
/// struct Visits { base: BaseHTTPRequestHandler, seen: HashMap<String, u32> }
///
/// #[http_handler]
/// impl Visits {
///     fn do_GET(&mut self) -> std::io::Result<()> {
///         let path = self.base.path();
///         *self.seen.entry(path.to_owned()).or_default() += 1;
///         self.send_response(200);
///         self.end_headers()?;
///         writeln!(self.wfile, "{}", self.seen[self.path()])
///     }
/// }
/// ```
///
/// # What an override calls
///
/// The default of each overridable method is an associated function of this type: in an override of `end_headers`,
/// `BaseHTTPRequestHandler::end_headers(self)` is Python's `super().end_headers()`. There is no `self.base.end_headers()`,
/// because it would lose the overrides of the other methods.
pub struct BaseHTTPRequestHandler<M: Message = Headers> {
    /// The request's body.
    pub rfile: RFile,
    /// The response's body.
    pub wfile: WFile,
    shared: Shared,
    pub(super) peer: Peer,
    /// What proxies tell of the client of the current request.
    #[cfg(feature = "proxy")]
    pub(super) forwarded: Option<Box<Forwarded>>,
    /// Its name, once it was looked up.
    client_name: OnceCell<Option<String>>,
    server: Arc<ServerInfo>,
    /// None while the connection rests.
    request: Option<Box<Request>>,
    headers: OnceCell<M>,
    phase: Cell<Phase>,
    clock: Clock,
}

impl<M: Message> BaseHTTPRequestHandler<M> {
    pub(crate) fn new(
        wire: Box<dyn Wire>,
        bounds: Arc<Bounds>,
        client_address: Address,
        server: Arc<ServerInfo>,
    ) -> Self {
        let clock = bounds.clock.clone();
        let shared = Shared::new(wire, bounds);
        Self {
            rfile: RFile::new(shared.clone()),
            wfile: WFile::new(shared.clone()),
            shared,
            peer: Peer::from(client_address),
            #[cfg(feature = "proxy")]
            forwarded: None,
            client_name: OnceCell::new(),
            server,
            request: None,
            headers: OnceCell::new(),
            phase: Cell::new(Phase::Done),
            clock,
        }
    }

    /// The client's address. Behind proxies that the server trusts it is what they tell, where the setting `trusted_proxies` says
    /// so (a feature of the crate, `proxy`).
    pub fn client_address(&self) -> &Address {
        #[cfg(feature = "proxy")]
        if let Some(forwarded) = &self.forwarded {
            return &forwarded.client;
        }
        &self.peer.address
    }

    /// The address from which the connection came, or what its PROXY header has told.
    pub fn peer_address(&self) -> &Address {
        &self.peer.address
    }

    pub(crate) fn peer_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }

    /// The server that took the connection: its address, its name, and the means to shut it down.
    pub fn server(&self) -> &ServerInfo {
        &self.server
    }

    /// The request's method, for example `GET`. Empty where the request line is broken.
    pub fn command(&self) -> &str {
        self.request().command()
    }

    /// The request target as it was sent, query included and percent-encoding untouched, for example `/a%20b?c=d`.
    /// It is a whole URL where the client sent one (`http://host/a`, as to a proxy), and has no slash at its front where the client
    /// sent none. Several slashes at the beginning are made one, since a redirect to `//host/` leads to another host.
    pub fn path(&self) -> &str {
        self.request().path()
    }

    /// Replaces what [`path`](Self::path) tells, as Python code does by assigning `self.path`.
    pub fn set_path(&mut self, path: impl Into<String>) {
        self.request_mut().set_path(path.into());
    }

    /// The version that the request names, for example `HTTP/1.1`; for a request line without one, the class variable
    /// `default_request_version`.
    pub fn request_version(&self) -> &str {
        self.request().version_text()
    }

    /// The request line as it was sent, without its line end, decoded from latin-1.
    pub fn requestline(&self) -> &str {
        self.request().line()
    }

    /// The header fields of the request. They are collected when this is first called for a request.
    pub fn headers(&self) -> &M {
        self.headers.get_or_init(|| self.request().collect())
    }

    /// Whether the connection is closed after this request.
    pub fn close_connection(&self) -> bool {
        self.phase().is_last() || self.exchange().response.close()
    }

    /// Sets whether the connection is closed after this request. It cannot be kept open against the client's
    /// `Connection: close`, nor once the response has announced that it is closed.
    pub fn set_close_connection(&self, close: bool) {
        self.exchange().response.set_close(close);
    }

    /// Why the server refuses this request, if it does. For an override of
    /// [`send_error`](RequestHandler::send_error) or [`log_error`](RequestHandler::log_error) that wants to tell.
    pub fn fault(&self) -> Option<Fault> {
        let request = self.request();
        request.fault.or_else(|| if request.has_body { self.exchange().body_fault() } else { None })
    }

    /// Sets how long one read of the body, and one write of the response, may wait for the client:
    /// [`set_read_timeout`](Self::set_read_timeout) and [`set_write_timeout`](Self::set_write_timeout) at once. Zero does not
    /// wait at all, `Duration::MAX` waits for ever. What is said in [`setup`](RequestHandler::setup) is for one wait each: the
    /// server's `body_timeout` and `response_timeout` bound the whole all the same.
    pub fn set_timeout(&self, timeout: Duration) {
        self.set_timeouts(Some(timeout), Some(timeout));
    }

    /// Sets how long one read of the body may wait for the client, in the current request: at the next one the class
    /// variable `timeout`, or else the server's [`read_timeout`](crate::ServerBuilder::read_timeout), is back. In
    /// [`setup`](RequestHandler::setup) it is for all requests of the connection. A body of up to
    /// [`gather_limit`](crate::ServerBuilder::gather_limit) is here already when a `do_*` method is called: for that, set
    /// `timeout`, or call this in `setup`.
    ///
    /// A handler that calls this in a request also decides how long the body may take in total:
    /// [`body_timeout`](crate::ServerBuilder::body_timeout) does not hold for what it still reads.
    pub fn set_read_timeout(&self, timeout: Duration) {
        self.set_timeouts(Some(timeout), None);
    }

    /// Sets how long one write of the response may wait for the client, in the current request: at the next one the class
    /// variable `timeout`, or else the server's [`write_timeout`](crate::ServerBuilder::write_timeout), is back. In
    /// [`setup`](RequestHandler::setup) it is for all requests of the connection.
    ///
    /// A handler that calls this in a request also decides how long the client may take in total:
    /// [`response_timeout`](crate::ServerBuilder::response_timeout) does not hold for its response.
    ///
    /// It is for the rest of the response too, which is sent when the handler has returned. How long the handler itself
    /// takes between two writes is never bounded: a long poll may wait for its event as long as it likes.
    pub fn set_write_timeout(&self, timeout: Duration) {
        self.set_timeouts(None, Some(timeout));
    }

    fn set_timeouts(&self, read: Option<Duration>, write: Option<Duration>) {
        let is_before = self.phase().is_between();
        self.exchange().set_timeouts(read, write, is_before);
    }

    /// Reads the whole body of the request, which may have up to `limit` bytes.
    ///
    /// # Errors
    /// [`FileTooLarge`](io::ErrorKind::FileTooLarge) if the body is longer: returned from a `do_*` method that has not
    /// answered yet, it becomes the answer 413. Else the errors of [`RFile`].
    ///
    /// ```
    /// use basehttp::prelude::*;
    ///
    /// struct Store { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Store {
    ///     fn do_PUT(&self) -> std::io::Result<()> {
    ///         let body = self.read_body(8)?;
    ///         self.send_response(201);
    ///         self.end_headers()?;
    ///         self.wfile.write_all(&body)
    ///     }
    /// }
    ///
    /// let put = |body: &str| {
    ///     let request = format!("PUT / HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    ///     basehttp::testing::respond(|base| Store { base }, request.as_bytes())[0].status
    /// };
    /// assert_eq!((put("12345678"), put("123456789")), (201, 413));
    /// ```
    pub fn read_body(&self, limit: usize) -> io::Result<Vec<u8>> {
        // A client that waits for `100 Continue` is not asked for what would be refused.
        if self.exchange().declared().is_some_and(|length| length > limit as u64) {
            return Err(self.body_too_large(limit as u64));
        }
        let mut body = Vec::new();
        // A byte more than the limit tells a longer body. Memory grows with what arrives, never with what is declared.
        self.rfile.read_up_to(limit.saturating_add(1), &mut body)?;
        if body.len() > limit { Err(self.body_too_large(limit as u64)) } else { Ok(body) }
    }

    /// The parts of the request's body, which is a form with files (`multipart/form-data`) and may have up to `limit` bytes. They
    /// are read as they come; see [`Multipart`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the body's `Content-Type` is no `multipart` with a boundary, and
    /// [`FileTooLarge`](io::ErrorKind::FileTooLarge) if it is longer. Returned from a `do_*` method that has not answered yet, they
    /// become the answers 415 and 413. That a form is malformed is told where it is read, and becomes 400.
    ///
    /// ```
    /// use std::io::{self, Read};
    /// use basehttp::prelude::*;
    ///
    /// struct Upload { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Upload {
    ///     fn do_POST(&self) -> io::Result<()> {
    ///         let mut form = self.multipart(1 << 30)?;
    ///         let mut told = String::new();
    ///         while let Some(mut part) = form.next_part()? {
    ///             // A name to show: for a file of one's own it is not to be trusted, and may be `../../x`.
    ///             let name = part.file_name().or(part.name()).unwrap_or_default().to_owned();
    ///             let size = io::copy(&mut part, &mut io::sink())?;
    ///             told += &format!("{name}: {size} bytes\n");
    ///         }
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         self.wfile.write_all(told.as_bytes())
    ///     }
    /// }
    ///
    /// let post = |body: &str| {
    ///     let head = "POST / HTTP/1.0\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length";
    ///     let request = format!("{head}: {}\r\n\r\n{body}", body.len());
    ///     basehttp::testing::respond(|base| Upload { base }, request.as_bytes()).remove(0)
    /// };
    /// let form = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--x--\r\n";
    /// assert_eq!(post(form).text(), "note: 5 bytes\n");
    /// assert_eq!(post("hello").status, 400);
    /// ```
    pub fn multipart(&self, limit: u64) -> io::Result<Multipart<impl io::Read + '_>> {
        if self.exchange().declared().is_some_and(|length| length > limit) {
            return Err(self.body_too_large(limit));
        }
        let media_type = self.request().values("Content-Type").next().unwrap_or_default();
        let media_type = Parameters::parse_bytes(media_type);
        let body = Bounded { base: self, limit, left: limit };
        let shared = self.shared();
        let malformed = move || shared.lock().refuse_body(HTTPStatus::BAD_REQUEST);
        Multipart::of(body, &media_type, Some(Box::new(malformed))).ok_or_else(|| {
            self.exchange().refuse_body(HTTPStatus::UNSUPPORTED_MEDIA_TYPE);
            let text = "the request's body is no form with files: multipart/form-data with a boundary";
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })
    }

    /// Has the response be 413, where the handler returns this error.
    pub(crate) fn body_too_large(&self, limit: u64) -> io::Error {
        self.exchange().refuse_body(HTTPStatus::CONTENT_TOO_LARGE);
        let text = format!("the request's body has more than {limit} bytes");
        io::Error::new(io::ErrorKind::FileTooLarge, text)
    }

    /// The client's name, where the server looks names up; once for a connection.
    pub(super) fn client_name(&self) -> Option<&str> {
        let name_of = self.server.name_of?;
        // It would have to be asked for each request.
        #[cfg(feature = "proxy")]
        if self.forwarded.is_some() {
            return None;
        }
        let address = self.peer.address.ip()?;
        self.client_name.get_or_init(|| name_of(address)).as_deref()
    }

    pub(crate) fn request(&self) -> &Request {
        self.request.as_deref().unwrap_or(&NO_REQUEST)
    }

    pub(crate) fn request_mut(&mut self) -> &mut Request {
        self.request.get_or_insert_with(Desk::request)
    }

    /// The time, for `Date` and log lines.
    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Whether the request has announced a body.
    pub(crate) fn has_body(&self) -> bool {
        self.request().has_body
    }

    /// Takes in what has come of a small body, or of the beginning of a long one. Unless it is all, the handler is better called when more has come.
    /// None where the server has cut the connection: no handler begins with a request of which the rest will never come.
    pub(crate) fn gather(&self) -> Option<Taken> {
        // A client that waits for `100 Continue` sends nothing before the handler asks for it.
        let waits = !matches!(self.request().expects_continue(), Ok(false));
        if waits {
            return Some(Taken::All);
        }
        let mut exchange = self.exchange();
        let taken = exchange.gather();
        if exchange.is_gone() && exchange.is_cut() { None } else { Some(taken) }
    }

    pub(crate) fn exchange(&self) -> Guard<'_> {
        self.shared.lock()
    }

    /// The request is answered. The drop of a `MessageClass` is code of the user.
    #[inline]
    pub(crate) fn forget_headers(&mut self) {
        if self.headers.get().is_some() {
            self.headers = OnceCell::new();
        }
    }

    /// A turn begins. A connection that rests gets what it needs when it needs it.
    pub(crate) fn begin_turn(&mut self) {
        self.shared.borrow_memory(self.request.as_deref_mut());
    }

    /// A turn ends: what the connection does not need while it waits goes back to the thread.
    pub(crate) fn end_turn(&mut self) {
        self.shared.give_back(&mut self.request, self.phase.get());
    }

    pub(crate) fn server_arc(&self) -> Arc<ServerInfo> {
        self.server.clone()
    }

    pub(crate) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    pub(super) fn shared_ref(&self) -> &Shared {
        &self.shared
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Something has happened to the connection.
    #[inline]
    pub(crate) fn happens(&self, event: Event) {
        let mut phase = self.phase.get();
        phase.happens(event);
        self.phase.set(phase);
    }

    /// Reads what has come of the first request, if there is none yet: a connection whose client says nothing needs no handler.
    pub(crate) fn look_for_input(&self) -> (Next, Guard<'_>) {
        let mut exchange = self.exchange();
        if self.phase() == Phase::Done {
            self.happens(Event::Next);
            exchange.await_next();
        }
        (exchange.look_for_input(), exchange)
    }

    /// Makes the next request the current one, if it has come: then that is for the caller to say. The exchange is locked for what
    /// is to be done else.
    pub(crate) fn next_request<H: RequestHandler<MessageClass = M>>(&mut self) -> (Next, Phase, Guard<'_>) {
        let is_next = self.phase() == Phase::Done;
        if is_next {
            self.forget_headers();
            self.rfile.clear();
            #[cfg(feature = "proxy")]
            {
                self.forwarded = None;
            }
            self.happens(Event::Next);
        }
        let (mut exchange, request) = self.shared.lock_with(&mut self.request);
        if is_next {
            request.clear();
            exchange.await_next();
        }
        let mut phase = self.phase.get();
        let next = exchange.next_head(request, &mut phase);
        match next {
            Next::Request => {
                let protocol = named_version(H::protocol_version);
                let guard = self.server.guard.as_ref();
                begin(request, &mut exchange, H::default_request_version, protocol, true, guard);
                #[cfg(feature = "proxy")]
                if let Some(proxies) = &self.server.proxies {
                    self.forwarded = proxies.forwarded(&self.peer.address, request).map(Box::new);
                }
            }
            Next::End => {
                exchange.response.end();
                phase.happens(Event::End);
            }
            Next::Later | Next::Enough => {}
        }
        self.phase.set(phase);
        (next, phase, exchange)
    }

    /// Makes a request of a head that does not come to its end, so that it can be answered.
    pub(crate) fn give_up_head(&mut self) {
        let request = self.request.get_or_insert_with(Desk::request);
        let mut exchange = self.shared.lock();
        exchange.give_up_head(request);
        begin(request, &mut exchange, "HTTP/1.0", Version::Http10, false, None);
        drop(exchange);
        self.happens(Event::Request { gathers: false });
    }
}

/// Makes the head that was taken the current request. A head that is not `whole` says nothing about its body.
fn begin(
    request: &mut Request,
    exchange: &mut Exchange,
    default_request_version: &'static str,
    protocol: Version,
    whole: bool,
    guard: Option<&HostGuard>,
) {
    request.read_line(default_request_version);
    if let (Some(guard), None) = (guard, request.fault) {
        request.fault = guard.check(request).err();
    }
    let body = match request.fault {
        Some(_) => Body::None,
        None if !whole => Body::None,
        None => request.body().unwrap_or_else(|fault| {
            request.fault = Some(fault);
            Body::None
        }),
    };
    request.has_body = !matches!(body, Body::None | Body::Length(0));
    let version = match request.fault {
        // Stricter than Python, which answers a broken request line without a status line: then the client does not
        // learn that it is an error.
        Some(_) if request.version_text().is_empty() || request.head.request_line.simple => Version::Http10,
        _ => request.version(),
    };
    let persistence = request.persistence();
    let persistent = match persistence {
        Persistence::Close => false,
        Persistence::KeepAlive => version != Version::Http09,
        Persistence::Unsaid => version == Version::Http11,
    };
    let speaks_1_1 = protocol == Version::Http11;
    let asked = Asked {
        version,
        head: request.command() == "HEAD",
        connect: request.command() == "CONNECT",
        close: !whole
            || persistence == Persistence::Close
            || version == Version::Http09
            || request.fault.is_some(),
    };
    if request.fault.is_some() {
        exchange.expect_more();
    }
    let after = if persistent { After::Requests } else { After::Nothing };
    exchange.begin(asked, !(persistent && speaks_1_1), after, body);
}

impl<M: Message> fmt::Debug for BaseHTTPRequestHandler<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseHTTPRequestHandler")
            .field("client_address", &self.peer.address)
            .field("requestline", &self.requestline())
            .finish_non_exhaustive()
    }
}

/// A body that may be so long.
struct Bounded<'a, M: Message> {
    base: &'a BaseHTTPRequestHandler<M>,
    limit: u64,
    /// Bytes that may still come.
    left: u64,
}

impl<M: Message> io::Read for Bounded<'_, M> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.base.rfile.read(buf)?;
        self.left =
            self.left.checked_sub(count as u64).ok_or_else(|| self.base.body_too_large(self.limit))?;
        Ok(count)
    }
}
