//! `BaseHTTPRequestHandler`: the instance variables.

use std::cell::OnceCell;
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use super::address::Address;
use super::connection_io::IoGuard;
use super::instance::InstanceVariables;
use super::message::{Headers, Message};
use super::multipart::Multipart;
use super::request::Request;
use super::rfile::RFile;
use super::server_info::ServerInfo;
use super::wfile::WFile;
use crate::proto::fault::Fault;
use crate::proto::parameters::Parameters;
use crate::proto::status::HTTPStatus;

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
    pub(super) vars: InstanceVariables,
    /// Not `headers`: of a private field of that name the compiler would not say that it is a method.
    message: OnceCell<M>,
}

impl<M: Message> BaseHTTPRequestHandler<M> {
    pub(crate) fn new(vars: InstanceVariables) -> Self {
        let shared = vars.shared();
        Self {
            rfile: RFile::new(shared.clone()),
            wfile: WFile::new(shared.clone()),
            vars,
            message: OnceCell::new(),
        }
    }

    /// The client's address. Behind proxies that the server trusts it is what they tell, where the setting `trusted_proxies` says
    /// so (a feature of the crate, `proxy`).
    #[doc(alias("remote_addr", "ip"))]
    pub fn client_address(&self) -> &Address {
        self.vars.client_address()
    }

    /// The address from which the connection came, or what its PROXY header has told.
    #[doc(alias("peer_addr", "remote_addr"))]
    pub fn peer_address(&self) -> &Address {
        &self.vars.peer.address
    }

    /// `https` where the client speaks TLS with the server, or with a proxy whose word counts ([`TrustedProxies`](crate::TrustedProxies)), else `http`: for
    /// addresses that a response has to name. Proxies say so in the fields that count, or in the PROXY protocol of version 2 (HAProxy's
    /// `send-proxy-v2-ssl`).
    #[doc(alias("https"))]
    #[cfg(feature = "proxy")]
    pub fn scheme(&self) -> &'static str {
        let told = self.vars.forwarded.as_ref().and_then(|forwarded| forwarded.is_https);
        // A proxy that passes the client's TLS on sees none itself, and says that there is none.
        if told.unwrap_or(self.vars.peer.is_https || self.server().is_tls()) { "https" } else { "http" }
    }

    /// The server that took the connection: its address, its name, and the means to shut it down.
    pub fn server(&self) -> &ServerInfo {
        self.vars.server()
    }

    /// The request's method, for example `GET`. Empty where the request line is broken.
    #[doc(alias("method", "verb"))]
    pub fn command(&self) -> &str {
        self.request().command()
    }

    /// The request target as it was sent, query included and percent-encoding untouched, for example `/a%20b?c=d`.
    /// It is a whole URL where the client sent one (`http://host/a`, as to a proxy), and has no slash at its front where the client
    /// sent none. Several slashes at the beginning are made one, since a redirect to `//host/` leads to another host.
    #[doc(alias("target", "uri", "url"))]
    pub fn path(&self) -> &str {
        self.request().path()
    }

    /// Replaces what [`path`](Self::path) tells, as Python code does by assigning `self.path`.
    pub fn set_path(&mut self, path: impl Into<String>) {
        self.request_mut().set_path(path.into());
    }

    /// The version that the request names, for example `HTTP/1.1`; for a request line without one, the class variable
    /// `default_request_version`.
    #[doc(alias("http_version"))]
    pub fn request_version(&self) -> &str {
        self.request().version_text()
    }

    /// The request line as it was sent, without its line end, decoded from latin-1.
    pub fn requestline(&self) -> &str {
        self.request().line()
    }

    /// The header fields of the request. They are collected when this is first called for a request.
    #[doc(alias("cookies", "header"))]
    pub fn headers(&self) -> &M {
        self.message.get_or_init(|| self.request().collect())
    }

    /// Whether the connection is closed after this request.
    pub fn close_connection(&self) -> bool {
        self.vars.phase().is_last() || self.io().response.close()
    }

    /// Sets whether the connection is closed after this request. It cannot be kept open against the client's
    /// `Connection: close`, nor once the response has announced that it is closed.
    #[doc(alias("keep_alive"))]
    pub fn set_close_connection(&self, close: bool) {
        self.io().response.set_close(close);
    }

    /// Why the server refuses this request, if it does. For an override of
    /// [`send_error`](crate::RequestHandler::send_error) or [`log_error`](crate::RequestHandler::log_error) that wants to tell.
    pub fn fault(&self) -> Option<Fault> {
        self.vars.fault()
    }

    /// Sets how long one read of the body, and one write of the response, may wait for the client:
    /// [`set_read_timeout`](Self::set_read_timeout) and [`set_write_timeout`](Self::set_write_timeout) at once. Zero does not
    /// wait at all, `Duration::MAX` waits for ever. What is said in [`setup`](crate::RequestHandler::setup) is for one wait each: the
    /// server's `body_timeout` and `response_timeout` bound the whole all the same.
    #[doc(alias("settimeout"))]
    pub fn set_timeout(&self, timeout: Duration) {
        self.vars.set_timeouts(Some(timeout), Some(timeout));
    }

    /// Sets how long one read of the body may wait for the client, in the current request: at the next one the class
    /// variable `timeout`, or else the server's [`read_timeout`](crate::ServerBuilder::read_timeout), is back. In
    /// [`setup`](crate::RequestHandler::setup) it is for all requests of the connection. A body of up to
    /// [`gather_limit`](crate::ServerBuilder::gather_limit) is here already when a `do_*` method is called: for that, set
    /// `timeout`, or call this in `setup`.
    ///
    /// A handler that calls this in a request also decides how long the body may take in total:
    /// [`body_timeout`](crate::ServerBuilder::body_timeout) does not hold for what it still reads.
    pub fn set_read_timeout(&self, timeout: Duration) {
        self.vars.set_timeouts(Some(timeout), None);
    }

    /// Sets how long one write of the response may wait for the client, in the current request: at the next one the class
    /// variable `timeout`, or else the server's [`write_timeout`](crate::ServerBuilder::write_timeout), is back. In
    /// [`setup`](crate::RequestHandler::setup) it is for all requests of the connection.
    ///
    /// A handler that calls this in a request also decides how long the client may take in total:
    /// [`response_timeout`](crate::ServerBuilder::response_timeout) does not hold for its response.
    ///
    /// It is for the rest of the response too, which is sent when the handler has returned. How long the handler itself
    /// takes between two writes is never bounded: a long poll may wait for its event as long as it likes.
    pub fn set_write_timeout(&self, timeout: Duration) {
        self.vars.set_timeouts(None, Some(timeout));
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
    #[doc(alias("body", "json", "text"))]
    pub fn read_body(&self, limit: usize) -> io::Result<Vec<u8>> {
        // A client that waits for `100 Continue` is not asked for what would be refused.
        if self.io().declared().is_some_and(|length| length > limit as u64) {
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
    #[doc(alias("form", "upload"))]
    pub fn multipart(&self, limit: u64) -> io::Result<Multipart<impl io::Read + '_>> {
        if self.io().declared().is_some_and(|length| length > limit) {
            return Err(self.body_too_large(limit));
        }
        let media_type = self.request().values("Content-Type").next().unwrap_or_default();
        let media_type = Parameters::parse_bytes(media_type);
        let body = Bounded { base: self, limit, left: limit };
        let shared = self.vars.shared().clone();
        let malformed = move || shared.lock().refuse_body(HTTPStatus::BAD_REQUEST);
        Multipart::of(body, &media_type, Some(Box::new(malformed))).ok_or_else(|| {
            self.io().refuse_body(HTTPStatus::UNSUPPORTED_MEDIA_TYPE);
            let text = "the request's body is no form with files: multipart/form-data with a boundary";
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })
    }

    #[inline]
    pub(crate) fn vars(&self) -> &InstanceVariables {
        &self.vars
    }

    #[inline]
    pub(crate) fn vars_mut(&mut self) -> &mut InstanceVariables {
        &mut self.vars
    }

    pub(crate) fn io(&self) -> IoGuard<'_> {
        self.vars.io()
    }

    pub(crate) fn request(&self) -> &Request {
        self.vars.request()
    }

    pub(crate) fn request_mut(&mut self) -> &mut Request {
        self.vars.request_mut()
    }

    /// The time, for `Date` and log lines.
    pub(crate) fn now(&self) -> SystemTime {
        self.vars.now()
    }

    /// Has the response be 413, where the handler returns this error.
    pub(crate) fn body_too_large(&self, limit: u64) -> io::Error {
        self.vars.body_too_large(limit)
    }

    /// The current request is answered, and nothing of it is kept. The drop of a `MessageClass` is code of the user.
    pub(super) fn forget_request(&mut self) {
        self.rfile.clear();
        if self.message.get().is_some() {
            self.message = OnceCell::new();
        }
    }
}

impl<M: Message> fmt::Debug for BaseHTTPRequestHandler<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseHTTPRequestHandler")
            .field("client_address", &self.vars.peer.address)
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
