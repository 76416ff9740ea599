//! The defaults of the methods that make a response.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{Display, Write as _};
use std::io;
use std::marker::PhantomData;
use std::time::SystemTime;

use super::dispatch::allow;
use super::request::named_version;
use super::{BaseHTTPRequestHandler, RequestHandler, ResponseCode, error_page, stamp};
use crate::proto::date::HttpDate;
use crate::proto::fault::Fault;
use crate::proto::response::can_be_reason;
use crate::proto::status::{HTTPStatus, lookup};

/// The defaults of the methods that make a response.
impl BaseHTTPRequestHandler {
    /// The default of [`RequestHandler::send_error`].
    ///
    /// # Errors
    /// See there.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an override passes on what it got, and has no use for it after"
    )]
    pub fn send_error<H: RequestHandler>(handler: &H, code: impl ResponseCode) -> io::Result<()> {
        let status = code.status();
        let (short, long) = messages::<H>(status).unwrap_or(("???", "???"));
        let message = code.message().unwrap_or(short);
        let explain = code.explain().unwrap_or(long);
        match cause(handler, status) {
            Some(cause) => handler.log_error(format_args!("code {status}, message {message} ({cause})")),
            None => handler.log_error(format_args!("code {status}, message {message}")),
        }
        handler.exchange().abandon()?;
        // The page can show what a status line cannot hold.
        let phrase = if can_be_reason(message) { message } else { short };
        handler.send_response((status, phrase));
        handler.send_header("Connection", "close");
        if let Some(methods) = allow(handler, status) {
            handler.send_header("Allow", methods);
        }
        if let Some(seconds) = code.__retry_after() {
            handler.send_header("Retry-After", seconds);
        }
        if status.has_no_body() {
            return handler.end_headers();
        }
        let page = error_page::render(H::error_message_format, status, message, explain);
        handler.send_header("Content-Type", H::error_content_type);
        handler.send_header("Content-Length", page.len());
        handler.end_headers()?;
        handler.wfile.write_all(page.as_bytes())
    }

    /// The default of [`RequestHandler::send_response`].
    pub fn send_response<H: RequestHandler>(handler: &H, code: impl ResponseCode) {
        let status = code.status();
        handler.log_request(Some(status), None);
        if H::__SEND_RESPONSE_ONLY_OVERRIDDEN || H::__SEND_HEADER_OVERRIDDEN {
            handler.send_response_only(code);
            handler.send_header("Server", handler.version_string());
            handler.send_header("Date", handler.date_time_string(None));
            return;
        }
        // The same, all at once.
        let server = handler.version_string();
        let date = H::__DATE_TIME_STRING_OVERRIDDEN.then(|| handler.date_time_string(None));
        let protocol = named_version(H::protocol_version);
        let message = code.message();
        let phrase = || messages::<H>(status).map_or("", |(short, _)| short);
        let now = handler.now();
        let response = &mut handler.exchange().response;
        match (message, date) {
            (None, None) => stamp::open(response, (protocol, status, H::responses), phrase, &server, now),
            (message, date) => {
                response.status_line(protocol, status, message.unwrap_or_else(|| phrase()));
                response.server_and_date(&server, &date.unwrap_or_else(|| stamp::date(now)));
            }
        }
    }

    /// The default of [`RequestHandler::send_response_only`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an override passes on what it got, and has no use for it after"
    )]
    pub fn send_response_only<H: RequestHandler>(handler: &H, code: impl ResponseCode) {
        let message = message_of::<H>(&code);
        handler.exchange().response.status_line(named_version(H::protocol_version), code.status(), message);
    }

    /// The default of [`RequestHandler::send_header`].
    pub fn send_header<H: RequestHandler>(handler: &H, keyword: &str, value: impl Display) {
        // The text is made before the exchange is locked: `Display` is code of the user.
        let mut text = SCRATCH.take();
        text.clear();
        let formatted = write!(text, "{value}");
        let mut exchange = handler.exchange();
        match formatted {
            Ok(()) => exchange.response.field(keyword, &text),
            Err(_) => exchange.response.unprintable(keyword),
        }
        drop(exchange);
        if text.capacity() <= USUAL {
            SCRATCH.set(text);
        }
    }

    /// The default of [`RequestHandler::end_headers`].
    ///
    /// # Errors
    /// See there.
    pub fn end_headers<H: RequestHandler>(handler: &H) -> io::Result<()> {
        handler.exchange().end_head()
    }

    /// The default of [`RequestHandler::flush_headers`].
    ///
    /// # Errors
    /// See there.
    pub fn flush_headers<H: RequestHandler>(handler: &H) -> io::Result<()> {
        handler.wfile.flush()
    }

    /// The default of [`RequestHandler::version_string`].
    pub fn version_string<H: RequestHandler>(_handler: &H) -> Cow<'_, str> {
        match Versions::<H>::JOINED {
            Some(joined) => joined.into(),
            None => format!("{} {}", H::server_version, H::sys_version).into(),
        }
    }

    /// The default of [`RequestHandler::date_time_string`].
    pub fn date_time_string<H: RequestHandler>(handler: &H, timestamp: Option<SystemTime>) -> HttpDate {
        timestamp.map_or_else(|| stamp::date(handler.now()), HttpDate::from)
    }
}

/// Bytes of a header value for which the memory is kept.
const USUAL: usize = 4096;

thread_local! {
    /// The text of a header value in the making, kept for its memory.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// `server_version` and `sys_version` of a handler, put together by the compiler.
struct Versions<H>(PhantomData<H>);

impl<H: RequestHandler> Versions<H> {
    const TEXT: ([u8; 128], usize) = join(H::server_version.as_bytes(), H::sys_version.as_bytes());

    /// None where it is too long for that.
    const JOINED: Option<&'static str> = {
        let (bytes, len) = &Self::TEXT;
        match std::str::from_utf8(bytes.split_at(*len).0) {
            Ok(text) if *len > 0 => Some(text),
            _ => None,
        }
    };
}

const fn join(first: &[u8], second: &[u8]) -> ([u8; 128], usize) {
    let mut text = [b' '; 128];
    let gap = !second.is_empty() as usize;
    if first.len() + gap + second.len() > text.len() {
        return (text, 0);
    }
    let mut at = 0;
    while at < first.len() {
        text[at] = first[at];
        at += 1;
    }
    let mut at = 0;
    while at < second.len() {
        text[first.len() + gap + at] = second[at];
        at += 1;
    }
    (text, first.len() + gap + second.len())
}

/// What the log tells beside an error's code: the name of the client's fault, or of the deadline that it has missed.
fn cause<H: RequestHandler>(handler: &H, status: HTTPStatus) -> Option<&'static str> {
    if status == HTTPStatus::REQUEST_TIMEOUT {
        return handler.exchange().missed_deadline();
    }
    handler.fault().filter(|fault| fault.status() == status.code()).map(Fault::code)
}

/// What stands behind the code in the status line.
fn message_of<H: RequestHandler>(code: &impl ResponseCode) -> &str {
    let standard = || messages::<H>(code.status()).map_or("", |(short, _)| short);
    code.message().unwrap_or_else(standard)
}

/// Short and long message of a status.
fn messages<H: RequestHandler>(status: HTTPStatus) -> Option<(&'static str, &'static str)> {
    lookup(H::responses, status.code()).or_else(|| lookup(HTTPStatus::RESPONSES, status.code()))
}
