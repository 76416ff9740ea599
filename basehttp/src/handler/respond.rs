//! The defaults of the methods that make a response.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{Display, Write as _};
use std::io;
use std::time::SystemTime;

use super::any_handler::{AnyHandler, class_of};
use super::class::ClassVariables;
use super::instance::InstanceVariables;
use super::payload::Payload;
use super::resolution::{allowed, function};
use super::response::{Kind, Response, ValueParts};
use super::returned_error::ReturnedError;
use super::wfile::WFile;
use super::{BaseHTTPRequestHandler, RequestHandler, ResponseCode, cross_origin, date_cache, error_page};
use crate::proto::date::HttpDate;
use crate::proto::fault::Fault;
use crate::proto::response::can_be_reason;
use crate::proto::status::{HTTPStatus, lookup};

/// The defaults of the methods that make a response.
impl BaseHTTPRequestHandler {
    /// The default of [`RequestHandler::send_error`].
    ///
    /// # Errors
    /// Those of [`RequestHandler::send_error`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an override passes its argument on, and does not need it afterwards"
    )]
    pub fn send_error<H: RequestHandler>(handler: &H, code: impl ResponseCode) -> io::Result<()> {
        error(handler, &code)
    }

    /// The default of [`RequestHandler::send_response`].
    pub fn send_response<H: RequestHandler>(handler: &H, code: impl ResponseCode) {
        // Every request calls this, so it is compiled for the handler's type and does not go through `AnyHandler`.
        let status = code.status();
        // An impossible code is never sent: `end_headers` refuses it. Neither is a second response after a complete one.
        if status.has_three_digits() && !handler.io().response.stands() {
            handler.log_request(Some(status), None);
        }
        if class_of::<H>().overrides.head {
            handler.send_response_only(code);
            handler.send_header("Server", handler.version_string());
            handler.send_header("Date", handler.date_time_string(None));
            return;
        }
        // The same in one step.
        let server = handler.version_string();
        let date = class_of::<H>().overrides.date_time_string.then(|| handler.date_time_string(None));
        begin(handler.vars(), status, code.message(), &server, date);
    }

    /// The default of [`RequestHandler::send_response_only`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an override passes its argument on, and does not need it afterwards"
    )]
    pub fn send_response_only<H: RequestHandler>(handler: &H, code: impl ResponseCode) {
        status_line(handler.vars(), &code);
    }

    /// The default of [`RequestHandler::send_header`].
    pub fn send_header<H: RequestHandler>(handler: &H, keyword: &str, value: impl Display) {
        field(handler.vars(), keyword, &value);
    }

    /// The default of [`RequestHandler::end_headers`].
    ///
    /// # Errors
    /// Those of [`RequestHandler::end_headers`].
    pub fn end_headers<H: RequestHandler>(handler: &H) -> io::Result<()> {
        handler.io().end_head()
    }

    /// The default of [`RequestHandler::flush_headers`].
    ///
    /// # Errors
    /// Those of [`RequestHandler::flush_headers`].
    pub fn flush_headers<H: RequestHandler>(handler: &H) -> io::Result<()> {
        handler.wfile.flush()
    }

    /// The default of [`RequestHandler::version_string`].
    pub fn version_string<H: RequestHandler>(_handler: &H) -> Cow<'_, str> {
        let ClassVariables { version_string, server_version, sys_version, .. } = class_of::<H>();
        match version_string {
            Some(joined) => (*joined).into(),
            None => format!("{server_version} {sys_version}").into(),
        }
    }

    /// The default of [`RequestHandler::date_time_string`].
    pub fn date_time_string<H: RequestHandler>(handler: &H, timestamp: Option<SystemTime>) -> HttpDate {
        timestamp.map_or_else(|| date_cache::date(handler.now()), HttpDate::from)
    }
}

/// For an override of `send_error` that makes its own response.
impl BaseHTTPRequestHandler {
    /// The value of the field `Allow` (RFC 9110 section 10.2.1), which a 405 must have: the request methods that routes and `do_*`
    /// methods implement for the path of the current request, except the one that has refused the request.
    ///
    /// ```
    /// use std::io;
    /// use basehttp::prelude::*;
    ///
    /// struct Api { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Api {
    ///     #[route(GET, "/users")]
    ///     fn users(&self) -> &'static str {
    ///         "nobody"
    ///     }
    ///
    ///     fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
    ///         self.discard_response()?;
    ///         self.send_response(code.status());
    ///         self.send_header("Content-Type", "text/plain; charset=utf-8");
    ///         for (name, value) in code.fields() {
    ///             self.send_header(name, value);
    ///         }
    ///         if code.status() == 405 {
    ///             self.send_header("Allow", BaseHTTPRequestHandler::allowed_methods(self));
    ///         }
    ///         self.end_headers()?;
    ///         writeln!(self.wfile, "{}", code.message().or(code.status().phrase()).unwrap_or_default())
    ///     }
    /// }
    ///
    /// let response = basehttp::testing::client(|base| Api { base }).delete("/users");
    /// assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    /// assert_eq!(response.text(), "Method Not Allowed\n");
    /// ```
    pub fn allowed_methods<H: RequestHandler>(handler: &H) -> String {
        allowed(handler)
    }
}

/// Makes the response an error page.
#[cold]
fn error(handler: &dyn AnyHandler, code: &dyn ResponseCode) -> io::Result<()> {
    let vars = handler.vars();
    let status = code.status();
    let (short, long) = messages(vars.class(), status).unwrap_or(("???", "???"));
    let message = code.message().unwrap_or(short);
    let explain = code.explain().unwrap_or(long);
    match cause(vars, status) {
        Some(cause) => handler.log_error(format_args!("code {status}, message {message} ({cause})")),
        None => handler.log_error(format_args!("code {status}, message {message}")),
    }
    vars.io().take_back()?;
    // A message that is not allowed in a status line appears in the page only.
    let phrase = if can_be_reason(message) { message } else { short };
    handler.send_response(&(status, phrase));
    handler.send_header("Connection", &"close");
    if let Some(methods) = allow(handler, status) {
        handler.send_header("Allow", &methods);
    }
    // The fields of the page itself are sent below.
    let is_of_page =
        |name: &str| ["Content-Type", "Content-Length"].iter().any(|own| name.eq_ignore_ascii_case(own));
    for (name, value) in code.fields().iter().filter(|(name, _)| !is_of_page(name)) {
        handler.send_header(name, value);
    }
    if status.has_no_body() {
        handler.end_headers()?;
    } else {
        let page = error_page::render(vars.class().error_message_format, status, message, explain);
        handler.send_header("Content-Type", &vars.class().error_content_type);
        handler.send_header("Content-Length", &page.len());
        handler.end_headers()?;
        WFile::new(vars.shared().clone()).write_all(page.as_bytes())?;
    }
    vars.io().response.end_error_page();
    Ok(())
}

/// The value of the `Allow` field (RFC 9110 section 10.2.1) if the handler does not have the method, or does not allow it for this
/// path. `None` for any other status.
fn allow(handler: &dyn AnyHandler, status: HTTPStatus) -> Option<String> {
    let lists = status == HTTPStatus::METHOD_NOT_ALLOWED
        || status == HTTPStatus::NOT_IMPLEMENTED && function(handler).is_none();
    lists.then(|| allowed(handler))
}

/// Sends the value that a method has returned, unless the method has written its response. An error counts as the method's.
pub(super) fn send(handler: &dyn AnyHandler, response: Response) -> Result<(), ReturnedError> {
    let ValueParts { code, fields, body } = match response.into_kind() {
        None => return Ok(()),
        Some(Kind::Value(value)) => value,
        Some(Kind::Error(error)) => return Err(error.into()),
        Some(Kind::Failed(error)) => return Err(error),
    };
    if handler.vars().io().response.is_begun() {
        handler.vars().io().response.second_response();
        return Ok(());
    }
    handler.send_response(&code);
    for (name, value) in &fields {
        handler.send_header(name, value);
    }
    let length = body.as_ref().map_or(0, Payload::len);
    if !code.status().has_no_body() {
        handler.send_header("Content-Length", &length);
    }
    handler.end_headers()?;
    if length > 0 && code.status().has_no_body() {
        handler.vars().io().response.leave_out_content();
        return Ok(());
    }
    match body {
        Some(body) if length > 0 && handler.vars().request().command() != "HEAD" => {
            Ok(WFile::new(handler.vars().shared().clone()).send_bytes(body)?)
        }
        _ => Ok(()),
    }
}

/// Responds to OPTIONS with the methods of the path (RFC 9110 section 9.3.7).
pub(super) fn send_options(handler: &dyn AnyHandler) -> io::Result<()> {
    handler.send_response(&HTTPStatus::NO_CONTENT);
    handler.send_header("Allow", &allowed(handler));
    handler.end_headers()
}

/// Begins a response with its status line, `Server` and `Date`.
fn begin(
    vars: &InstanceVariables,
    status: HTTPStatus,
    message: Option<&str>,
    server: &str,
    date: Option<HttpDate>,
) {
    let class = vars.class();
    let phrase = || messages(class, status).map_or("", |(short, _)| short);
    let now = vars.now();
    let response = &mut vars.io().response;
    match (message, date) {
        (None, None) => {
            date_cache::open(response, (class.protocol, status, class.responses), phrase, server, now);
        }
        (message, date) => {
            response.status_line(class.protocol, status, message.unwrap_or_else(|| phrase()));
            response.server_and_date(server, &date.unwrap_or_else(|| date_cache::date(now)));
        }
    }
}

fn status_line(vars: &InstanceVariables, code: &dyn ResponseCode) {
    let standard = || messages(vars.class(), code.status()).map_or("", |(short, _)| short);
    let message = code.message().unwrap_or_else(standard);
    vars.io().response.status_line(vars.class().protocol, code.status(), message);
}

fn field(vars: &InstanceVariables, keyword: &str, value: &dyn Display) {
    // The text is made before the connection is locked: `Display` is user code.
    let mut text = SCRATCH.take();
    text.clear();
    let formatted = write!(text, "{value}");
    let mut io = vars.io();
    match formatted {
        Ok(()) => io.response.field(keyword, &text),
        Err(_) => io.response.unprintable(keyword),
    }
    drop(io);
    if text.capacity() <= USUAL {
        SCRATCH.set(text);
    }
}

/// The memory of a header value is kept if it is not larger than this number of bytes.
const USUAL: usize = 4096;

thread_local! {
    /// A buffer for the text of a header value, kept to save an allocation.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// The cause that is logged with an error's code: the name of the client's fault, or of the deadline that it missed.
fn cause(vars: &InstanceVariables, status: HTTPStatus) -> Option<Cow<'static, str>> {
    if status == HTTPStatus::REQUEST_TIMEOUT {
        return vars.io().missed_deadline().map(Cow::Borrowed);
    }
    let fault = vars.fault().filter(|fault| fault.status() == status.code())?;
    Some(match fault {
        Fault::CrossOrigin => format!("{}: {}", fault.code(), cross_origin::advice(vars.request())).into(),
        _ => fault.code().into(),
    })
}

/// The short and the long message of a status.
fn messages(class: &ClassVariables, status: HTTPStatus) -> Option<(&'static str, &'static str)> {
    lookup(class.responses, status.code()).or_else(|| lookup(HTTPStatus::RESPONSES, status.code()))
}
