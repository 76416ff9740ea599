//! The handler model: Python's `BaseHTTPRequestHandler`, its class variables and its overridable methods.

mod address;
pub(crate) mod any_handler;
mod arguments;
pub(crate) mod base;
mod broadcast;
mod broadcast_history;
mod broadcast_settings;
mod buffer;
pub(crate) mod class;
pub(crate) mod clock;
mod connection;
pub(crate) mod connection_io;
pub(crate) mod const_checks;
mod cross_origin;
mod date_cache;
mod detach;
pub(crate) mod dispatch;
pub(crate) mod error_page;
mod event;
mod event_stream;
pub(crate) mod extraction;
pub(crate) mod facts;
pub(crate) mod failing;
pub(crate) mod failure;
#[cfg(feature = "form")]
mod form;
mod handle;
pub(crate) mod host_policy;
mod http_error;
#[cfg(feature = "http")]
mod http_types;
pub(crate) mod instance;
mod join;
#[cfg(feature = "json")]
mod json;
pub(crate) mod link;
mod log;
pub(crate) mod log_line;
mod message;
mod method;
mod multipart;
pub(crate) mod origin;
pub(crate) mod outcome;
pub(crate) mod payload;
#[cfg(feature = "proxy")]
mod proxies;
pub(crate) mod request;
pub(crate) mod resolution;
mod respond;
mod response;
pub(crate) mod response_code;
mod returned_error;
mod rfile;
mod route;
mod server_handle;
mod server_info;
mod span;
pub(crate) mod stats;
mod stream;
pub(crate) mod text;
mod upgrade;
mod upgraded_halves;
mod upgraded_handler;
mod wfile;
pub(crate) mod wire;

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use crate::proto::date::HttpDate;
use crate::proto::status::HTTPStatus;

pub use address::Address;
pub use arguments::{ArgumentError, FromBody, FromPath, FromQuery};

pub use base::BaseHTTPRequestHandler;
pub use broadcast::Broadcast;
pub use broadcast_settings::{BroadcastBuilder, SlowClients};
pub use connection::Connection;
pub use cross_origin::CrossOriginProtection;
pub use detach::{Detach, Later};
pub use error_page::{DEFAULT_ERROR_CONTENT_TYPE, DEFAULT_ERROR_MESSAGE};
pub use event::Event;
pub use event_stream::EventStream;
#[cfg(all(feature = "peer-credentials", unix))]
pub use facts::PeerCredentials;
pub use failure::HandlerError;
#[cfg(feature = "form")]
pub use form::Form;
pub use http_error::HttpError;
#[cfg(feature = "http")]
pub use http_types::HttpTypes;
#[cfg(feature = "json")]
pub use json::Json;
pub use link::{Link, LinkValue};
pub use message::{Headers, HeadersIter, Message};
pub use method::Method;
pub use multipart::{Multipart, Part};
pub use outcome::Outcome;

pub use payload::Payload;
#[cfg(feature = "proxy")]
pub use proxies::{ForwardedFields, TrustedProxies};
pub use response::{Html, IntoResponse, Redirect, Response};
pub use response_code::ResponseCode;
pub use rfile::{RFile, RFileLock};
pub use route::{Literal, Node, RouteRow, RouteTable, Routes};
pub(crate) use server_handle::Stop;
pub use server_handle::{ServerHandle, ShutdownReport};
pub use server_info::ServerInfo;
pub(crate) use server_info::{HandleError, NameOf};
pub use stats::{Histogram, RouteStats, Stats};
pub use stream::Stream;
pub use text::{html_escape, unquote};
pub use upgrade::Upgraded;
pub use upgraded_halves::{UpgradedReader, UpgradedWriter};
pub use upgraded_handler::{Peer, UpgradedHandler};
pub use wfile::WFile;
pub use wire::LogLevel;

/// A request handler: Python's class variables as associated constants, Python's overridable methods as methods with
/// a default.
///
/// [`#[http_handler]`](crate::http_handler) implements this trait: it takes the class variables and the overrides
/// from your `impl` block and builds the dispatch table from your `do_*` methods. The closure that you give to
/// [`HTTPServer::bind`](crate::HTTPServer::bind) makes one handler for each connection, and that handler serves the
/// connection's requests one after the other.
///
/// The methods call each other on `Self`, so the defaults also use your overrides: the default
/// [`send_error`](Self::send_error) calls your `log_error`, which by default calls your `log_message`. An override
/// calls the default as in Python 2: `BaseHTTPRequestHandler::end_headers(self)`.
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
///         self.send_response(204);
///         self.end_headers()
///     }
///
///     fn end_headers(&self) -> io::Result<()> {
///         self.send_header("Access-Control-Allow-Origin", "*");
///         BaseHTTPRequestHandler::end_headers(self)
///     }
/// }
///
/// let responses = basehttp::testing::respond(|base| Api { base }, b"GET / HTTP/1.0\r\n\r\n");
/// assert_eq!(responses[0].header("access-control-allow-origin"), Some("*"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request handler",
    label = "expected a struct with `#[http_handler]` on its `impl` block",
    note = "the closure returns the handler, a struct with a field `base: BaseHTTPRequestHandler`",
    note = "it cannot return a `Result`, an `Option` or a `Box`: do what can fail before, or in `fn setup(&mut self) -> io::Result<()>`"
)]
#[allow(
    non_upper_case_globals,
    reason = "the class variables keep the names that Python's documentation gives them"
)]
pub trait RequestHandler:
    Deref<Target = BaseHTTPRequestHandler<<Self as RequestHandler>::MessageClass>> + Sized + 'static
{
    /// The type that collects the header fields of a request: [`Headers`] unless the `impl` block has its own
    /// `type MessageClass = ...;`.
    type MessageClass: Message;

    /// The server software's name and version, the first part of the `Server` field: whitespace-separated products of
    /// the form `name[/version]` (RFC 9110 section 10.2.4), checked when the handler is compiled.
    const server_version: &'static str = concat!("BaseHTTP/", env!("CARGO_PKG_VERSION"));

    /// The language and its version, the second part of the `Server` field, for example `Rust/1.95.0`. If it is empty, the
    /// field has only the first part.
    const sys_version: &'static str = concat!("Rust/", env!("BASEHTTP_RUSTC_VERSION"));

    /// The protocol version of the responses, `"HTTP/1.0"` or `"HTTP/1.1"`. Persistent connections and chunked responses
    /// need HTTP/1.1; the default is Python's. Unlike in Python, you need not send a `Content-Length` for them: the server
    /// frames every response.
    const protocol_version: &'static str = "HTTP/1.0";

    /// The version assumed for a request line without one. With the default, `"HTTP/0.9"`, the response is the body
    /// alone; with `"HTTP/1.0"` or `"HTTP/1.1"` it has a status line and header fields.
    const default_request_version: &'static str = "HTTP/0.9";

    /// The template of the page that [`send_error`](Self::send_error) sends: `%(code)d`, `%(message)s` and `%(explain)s` are
    /// replaced, `%%` is a percent sign. An unknown key is a compile error.
    const error_message_format: &'static str = DEFAULT_ERROR_MESSAGE;

    /// The `Content-Type` of the error page.
    const error_content_type: &'static str = DEFAULT_ERROR_CONTENT_TYPE;

    /// Status codes with their short and long messages: `(code, short, long)`. A code that is not listed here is
    /// looked up in [`HTTPStatus::RESPONSES`], so a table with one row adds or changes one code.
    const responses: &'static [(u16, &'static str, &'static str)] = HTTPStatus::RESPONSES;

    /// How long one read or write may wait for the client. With `None`, the server's settings apply.
    const timeout: Option<Duration> = None;

    #[doc(hidden)]
    const __METHODS: &'static [Method<Self>];

    #[doc(hidden)]
    const __ROUTES: &'static [Routes<Self>] = &[];

    #[doc(hidden)]
    const __HANDLE_OVERRIDDEN: bool = false;

    #[doc(hidden)]
    const __HANDLE_ONE_REQUEST_OVERRIDDEN: bool = false;

    #[doc(hidden)]
    const __PARSE_REQUEST_OVERRIDDEN: bool = false;

    #[doc(hidden)]
    const __SEND_RESPONSE_ONLY_OVERRIDDEN: bool = false;

    #[doc(hidden)]
    const __SEND_HEADER_OVERRIDDEN: bool = false;

    #[doc(hidden)]
    const __DATE_TIME_STRING_OVERRIDDEN: bool = false;

    #[doc(hidden)]
    fn __base_mut(&mut self) -> &mut BaseHTTPRequestHandler<Self::MessageClass>;

    /// Called once for each connection, before its first request. Does nothing by default. Some bytes of the request have
    /// arrived then, but there is no request to answer yet. A client that sends nothing gets no handler, unless
    /// [`handle`](Self::handle) is overridden.
    ///
    /// # Errors
    /// An error is logged and closes the connection without a response.
    fn setup(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Called once for each connection, after its last request, even if a request failed. Does nothing by default.
    ///
    /// # Errors
    /// An error is logged.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Serves the requests of a connection, one after the other, until the connection is to be closed. You should never need
    /// to override it; implement `do_*` methods, or wrap [`handle_one_request`](Self::handle_one_request). An override calls
    /// `handle_one_request` once, and then again while [`close_connection`](BaseHTTPRequestHandler::close_connection) is
    /// false. Before the first request, `close_connection` is true.
    ///
    /// # Errors
    /// An I/O error of the connection.
    fn handle(&mut self) -> io::Result<()> {
        BaseHTTPRequestHandler::handle(self)
    }

    /// Answers one request, whose head has been parsed: calls [`parse_request`](Self::parse_request), then the route that
    /// matches the request or the `do_*` method for its command. Override it to wrap every request (authentication,
    /// metrics), and call `BaseHTTPRequestHandler::handle_one_request(self)` inside.
    ///
    /// # Errors
    /// The error of [`send_error`](Self::send_error) if the response to a refused request cannot be sent.
    #[doc(alias("middleware"))]
    fn handle_one_request(&mut self) -> io::Result<()> {
        BaseHTTPRequestHandler::handle_one_request(self)
    }

    /// Decides whether the parsed request is passed to its method. The default refuses what the parser, RFC 9110 or
    /// RFC 9112 rejects (an unknown method, a missing `Host`, a bad `Expect`): it sends an error response and returns
    /// `false`. Such a request is refused as soon as its head has arrived. If this method or
    /// [`handle_one_request`](Self::handle_one_request) is overridden, the body is first read as for any other request.
    ///
    /// An override that returns `true` accepts the request, for example to serve devices that send no `Host`
    /// ([guide](crate::guide::porting#devices-that-send-no-host)). A request that cannot be understood is refused even
    /// then; [`fault`](BaseHTTPRequestHandler::fault) says why.
    ///
    /// # Errors
    /// The error of [`send_error`](Self::send_error) if the refusal cannot be sent.
    fn parse_request(&mut self) -> io::Result<bool> {
        BaseHTTPRequestHandler::parse_request(self)
    }

    /// Decides about `Expect: 100-continue` (RFC 9110 section 10.1.1). If it returns `true`, the request is accepted, and
    /// `100 Continue` is sent when the method first reads `rfile`, or never if the method responds without reading. To send
    /// it at once, call `send_response_only(100)` and `end_headers()`. To refuse the request, send an error and return
    /// `false`.
    ///
    /// # Errors
    /// An error of sending the interim or the error response.
    fn handle_expect_100(&mut self) -> io::Result<bool> {
        BaseHTTPRequestHandler::handle_expect_100(self)
    }

    /// Sends and logs a complete error response: `send_error(404)`, `send_error((404, "No such page"))`,
    /// `send_error((404, "No such page", "It was here yesterday."))`.
    ///
    /// The message and the explanation default to those of [`responses`](Self::responses). The page is made from
    /// [`error_message_format`](Self::error_message_format). Any other response that has been begun but not yet sent is
    /// dropped, and the connection is closed after the error response. A message that is not allowed in a status line (with
    /// a line end or a character above U+00FF) appears in the page only, and the status line has the standard one.
    ///
    /// Return after it: the page is sent when the method returns, at the latest. If the method writes more, that write
    /// returns [`InvalidInput`](io::ErrorKind::InvalidInput), and the page stands, also if the method returns that error.
    ///
    /// An override that makes its own response first calls
    /// [`discard_response`](BaseHTTPRequestHandler::discard_response), since a method may have begun another one. It also
    /// sends the [`fields`](ResponseCode::fields) of `code`, and `Allow` with 405
    /// ([`allowed_methods`](BaseHTTPRequestHandler::allowed_methods)).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if another response, or a part of it, has already been sent. A complete
    /// one stands. If the method returns the error, the connection is closed. Otherwise an I/O error of the connection.
    #[doc(alias("abort", "not_found"))]
    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        BaseHTTPRequestHandler::send_error(self, code)
    }

    /// Begins a response and logs the request: the status line, then the `Server` and `Date` fields with the values of
    /// [`version_string`](Self::version_string) and [`date_time_string`](Self::date_time_string). A second response after a
    /// complete one is neither sent nor logged.
    /// Examples: `send_response(200)`, `send_response((200, "Lovely Spam"))`. A redirect is `send_response(302)`, then
    /// `send_header("Location", url)`. A mistake is reported by [`end_headers`](Self::end_headers).
    #[doc(alias("redirect", "status"))]
    fn send_response(&self, code: impl ResponseCode) {
        BaseHTTPRequestHandler::send_response(self, code);
    }

    /// Begins a response with the status line only: no `Server`, no `Date`, no log line. A 1xx code other than 101 makes
    /// an interim response (RFC 9110 section 15.2); another response may follow it.
    fn send_response_only(&self, code: impl ResponseCode) {
        BaseHTTPRequestHandler::send_response_only(self, code);
    }

    /// Adds a header field to the response. The value is anything that can be displayed; it is sent in latin-1.
    /// `Connection: close` and `Connection: keep-alive` set
    /// [`close_connection`](BaseHTTPRequestHandler::close_connection) as in Python. A mistake (a line end or a character
    /// beyond latin-1 in the value, a bad name, a second `Content-Length`) is reported by
    /// [`end_headers`](Self::end_headers).
    #[doc(alias("content_type", "set_cookie", "set_header"))]
    fn send_header(&self, keyword: &str, value: impl Display) {
        BaseHTTPRequestHandler::send_header(self, keyword, value);
    }

    /// Ends the header fields of the response; the body may be written now.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for the first mistake made with the response so far. Then no part of
    /// the head is sent; return the error, or call [`send_error`](Self::send_error).
    fn end_headers(&self) -> io::Result<()> {
        BaseHTTPRequestHandler::end_headers(self)
    }

    /// Sends a finished head that is still buffered, without waiting for the body. It is the same as `wfile.flush()` after
    /// [`end_headers`](Self::end_headers). Before `end_headers` there is nothing to send.
    ///
    /// # Errors
    /// An I/O error of the connection.
    fn flush_headers(&self) -> io::Result<()> {
        BaseHTTPRequestHandler::flush_headers(self)
    }

    /// Logs a request, accepted or refused, with the status of its response. [`send_response`](Self::send_response) calls it.
    ///
    /// `size` is in bytes; `None` is written as `-`. If a response is dropped for an error page, both are logged. The default
    /// shows the first 1000 characters of the request line and `...`, since the client decides how long the line is; an
    /// override gets all of it.
    #[doc(alias("access_log"))]
    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        BaseHTTPRequestHandler::log_request(self, code, size);
    }

    /// Logs an error. By default it passes the message to [`log_message`](Self::log_message).
    fn log_error(&self, message: fmt::Arguments<'_>) {
        BaseHTTPRequestHandler::log_error(self, message);
    }

    /// Logs a message to standard error: the client's address, the date and time, and the message with its control
    /// characters escaped. Override it to log elsewhere. As in Python, your override gets the raw text, including client
    /// input; the default, `BaseHTTPRequestHandler::log_message(self, message)`, escapes it.
    #[doc(alias("logger"))]
    fn log_message(&self, message: fmt::Arguments<'_>) {
        BaseHTTPRequestHandler::log_message(self, message);
    }

    /// The value of the `Server` field: [`server_version`](Self::server_version) and
    /// [`sys_version`](Self::sys_version), with a space between.
    fn version_string(&self) -> Cow<'_, str> {
        BaseHTTPRequestHandler::version_string(self)
    }

    /// A time in the format of header fields, for example `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). `None`
    /// is the current time.
    fn date_time_string(&self, timestamp: Option<SystemTime>) -> HttpDate {
        BaseHTTPRequestHandler::date_time_string(self, timestamp)
    }

    /// The current local date and time in the format of log lines, for example `22/Nov/2026 05:50:05`.
    fn log_date_time_string(&self) -> String {
        BaseHTTPRequestHandler::log_date_time_string(self)
    }

    /// The client's address for log lines: its IP address. Names are looked up only with the server's setting `name_lookup`
    /// (crate feature `name-lookup`).
    fn address_string(&self) -> Cow<'_, str> {
        BaseHTTPRequestHandler::address_string(self)
    }
}
