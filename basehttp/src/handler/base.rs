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
/// Your handler keeps one in a field, by default called `base`, and [`#[http_handler]`](crate::http_handler) derefs to it,
/// so `self.path()` works. The server passes it to the closure that makes the handler of a connection. It gives access to
/// the connection and to the current request. The methods that send, log or can be overridden are those of
/// [`RequestHandler`](crate::RequestHandler).
///
/// Reading from `rfile`, writing to `wfile` and sending need only `&self`. To hold a part of the request while you change
/// a field of your own, go through the field, so that the compiler sees two separate borrows:
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
/// # Calling the default from an override
///
/// The default of each overridable method is an associated function of this type. In an override of `end_headers`,
/// `BaseHTTPRequestHandler::end_headers(self)` is Python's `super().end_headers()`. There is no `self.base.end_headers()`,
/// because it would bypass your overrides of the other methods.
pub struct BaseHTTPRequestHandler<M: Message = Headers> {
    /// The request's body.
    pub rfile: RFile,
    /// The response's body.
    pub wfile: WFile,
    pub(super) vars: InstanceVariables,
    /// Not called `headers`: for a private field of that name, the compiler would not suggest the method.
    message: OnceCell<M>,
}

/// The instance variables, the time-outs, and the request's body.
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

    /// The client's address. Behind proxies that the setting `trusted_proxies` names (crate feature `proxy`), it is the
    /// address that they report.
    #[doc(alias("remote_addr", "ip"))]
    pub fn client_address(&self) -> &Address {
        self.vars.client_address()
    }

    /// The address from which the connection came, or the one in its PROXY header.
    #[doc(alias("peer_addr", "remote_addr"))]
    pub fn peer_address(&self) -> &Address {
        &self.vars.peer.address
    }

    /// The scheme of the client's URL, for URLs in a response: `https` if the client speaks TLS with the server or with a
    /// trusted proxy ([`TrustedProxies`](crate::TrustedProxies)), else `http`. A proxy reports it in the trusted fields, or
    /// in version 2 of the PROXY protocol (HAProxy's `send-proxy-v2-ssl`).
    #[doc(alias("https"))]
    #[cfg(feature = "proxy")]
    pub fn scheme(&self) -> &'static str {
        self.vars.scheme()
    }

    /// The server that accepted the connection: its address, its name, and a handle to shut it down.
    pub fn server(&self) -> &ServerInfo {
        self.vars.server()
    }

    /// The request's method, for example `GET`. Empty if the request line is malformed.
    #[doc(alias("method", "verb"))]
    pub fn command(&self) -> &str {
        self.request().command()
    }

    /// The request target as it was sent, with the query and without percent-decoding, for example `/a%20b?c=d`. It is a
    /// whole URL if the client sent one (`http://host/a`, as to a proxy), and has no leading slash if the client sent none.
    /// Several leading slashes are reduced to one, since a redirect to `//host/` leads to another host.
    #[doc(alias("target", "uri", "url"))]
    pub fn path(&self) -> &str {
        self.request().path()
    }

    /// Replaces the value of [`path`](Self::path), as Python code does by assigning to `self.path`.
    pub fn set_path(&mut self, path: impl Into<String>) {
        self.request_mut().set_path(path.into());
    }

    /// The version in the request line, for example `HTTP/1.1`. Without one it is the class variable
    /// [`default_request_version`](crate::RequestHandler::default_request_version).
    #[doc(alias("http_version"))]
    pub fn request_version(&self) -> &str {
        self.request().version_text()
    }

    /// The request line as it was sent, without its line end, decoded from latin-1.
    pub fn requestline(&self) -> &str {
        self.request().line()
    }

    /// The header fields of the request. They are collected at the first call for each request.
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

    /// Why the server refuses this request, if it does. An override of [`send_error`](crate::RequestHandler::send_error) or
    /// [`log_error`](crate::RequestHandler::log_error) can report it.
    pub fn fault(&self) -> Option<Fault> {
        self.vars.fault()
    }

    /// Sets how long one read of the body, and one write of the response, may wait for the client. It is
    /// [`set_read_timeout`](Self::set_read_timeout) and [`set_write_timeout`](Self::set_write_timeout) in one call. Zero does
    /// not wait; `Duration::MAX` waits without a limit. A timeout set in [`setup`](crate::RequestHandler::setup) bounds each
    /// wait only: the server's `body_timeout` and `response_timeout` still bound the total.
    #[doc(alias("settimeout"))]
    pub fn set_timeout(&self, timeout: Duration) {
        self.vars.set_timeouts(Some(timeout), Some(timeout));
    }

    /// Sets how long one read of the body of the current request may wait for the client. The next request has the class
    /// variable `timeout` again, or else the server's [`read_timeout`](crate::ServerBuilder::read_timeout). Called in
    /// [`setup`](crate::RequestHandler::setup), it applies to all requests of the connection. A body of up to
    /// [`gather_limit`](crate::ServerBuilder::gather_limit) has been read before a `do_*` method is called; for such a body,
    /// set `timeout`, or call this in `setup`.
    ///
    /// Called during a request, it also lifts the limit on the total:
    /// [`body_timeout`](crate::ServerBuilder::body_timeout) no longer applies to the rest of the body.
    pub fn set_read_timeout(&self, timeout: Duration) {
        self.vars.set_timeouts(Some(timeout), None);
    }

    /// Sets how long one write of the current response may wait for the client. The next request has the
    /// class variable `timeout` again, or else the server's [`write_timeout`](crate::ServerBuilder::write_timeout). Called in
    /// [`setup`](crate::RequestHandler::setup), it applies to all requests of the connection.
    ///
    /// Called during a request, it also lifts the limit on the total:
    /// [`response_timeout`](crate::ServerBuilder::response_timeout) no longer applies to the response.
    ///
    /// The timeout also applies to the part of the response that is sent after the handler has returned. The time that the
    /// handler itself takes between two writes is never bounded: a long poll may wait for its event without a limit.
    pub fn set_write_timeout(&self, timeout: Duration) {
        self.vars.set_timeouts(None, Some(timeout));
    }

    /// Reads the whole body of the request, up to `limit` bytes.
    ///
    /// # Errors
    /// [`FileTooLarge`](io::ErrorKind::FileTooLarge) if the body is longer. A `do_*` method that returns this error before
    /// it has responded makes the response a 413. Else the errors of [`RFile`].
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
        // Before any read: a client that waits for `100 Continue` must not be asked for a body that would be refused.
        if self.io().declared().is_some_and(|length| length > limit as u64) {
            return Err(self.body_too_large(limit as u64));
        }
        let mut body = Vec::new();
        // One byte more than the limit shows that the body is longer. Memory grows with what arrives, not with what is
        // declared.
        self.rfile.read_up_to(limit.saturating_add(1), &mut body)?;
        if body.len() > limit { Err(self.body_too_large(limit as u64)) } else { Ok(body) }
    }

    /// Drops the response that has begun, so that another one can begin. For an override of
    /// [`send_error`](crate::RequestHandler::send_error), which may be called in the middle of a response; the default does this, too.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if a part of the response may already be with the client.
    ///
    /// ```
    /// use std::io;
    /// use basehttp::prelude::*;
    ///
    /// struct Api { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Api {
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         self.send_response(200);
    ///         self.send_header("Content-Type", "text/csv");
    ///         self.send_error(404)
    ///     }
    ///
    ///     fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
    ///         self.discard_response()?;
    ///         self.send_response(code.status());
    ///         self.end_headers()?;
    ///         write!(self.wfile, "error {}", code.status())
    ///     }
    /// }
    ///
    /// let response = basehttp::testing::client(|base| Api { base }).get("/");
    /// assert_eq!((response.status, response.header("content-type")), (404, None));
    /// assert_eq!(response.text(), "error 404");
    /// ```
    pub fn discard_response(&self) -> io::Result<()> {
        self.io().take_back()
    }

    /// The parts of a form with files (`multipart/form-data`), the request's body, which may have up to `limit` bytes. They
    /// are read as they arrive; see [`Multipart`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the body's `Content-Type` is not a `multipart` type with a boundary, and
    /// [`FileTooLarge`](io::ErrorKind::FileTooLarge) if the body is longer. A `do_*` method that returns one of them before it
    /// has responded makes the response a 415 or a 413. A malformed form is an error of the read that finds it, and makes
    /// the response a 400.
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
    ///             // For display only: never use it as the name of a file, since it may be `../../x`.
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
            let text = "the request's body is not a form with files (multipart/form-data with a boundary)";
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

    /// Makes the response a 413 if the handler returns this error.
    pub(crate) fn body_too_large(&self, limit: u64) -> io::Error {
        self.vars.body_too_large(limit)
    }

    /// Drops what is kept of the current request, which is answered. The drop of a `MessageClass` is user code.
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

/// A body with a limit on its length.
struct Bounded<'a, M: Message> {
    base: &'a BaseHTTPRequestHandler<M>,
    limit: u64,
    /// Bytes that may still be read.
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
