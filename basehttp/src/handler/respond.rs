//! The defaults of the methods that make a reply.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io;
use std::time::SystemTime;

use super::dispatch::allow;
use super::request::named_version;
use super::{BaseHTTPRequestHandler, RequestHandler, ResponseCode, error_page};
use crate::proto::date::HTTPDate;
use crate::proto::status::{HTTPStatus, lookup};

/// The defaults of the methods that make a reply.
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
        match handler.fault() {
            Some(fault) if fault.status() == status.code() => {
                handler.log_error(format_args!("code {status}, message {message} ({})", fault.code()));
            }
            _ => handler.log_error(format_args!("code {status}, message {message}")),
        }
        handler.exchange().abandon()?;
        handler.send_response((status, message));
        handler.send_header("Connection", "close");
        if let (HTTPStatus::NOT_IMPLEMENTED | HTTPStatus::METHOD_NOT_ALLOWED, Some(methods)) =
            (status, allow(handler))
        {
            handler.send_header("Allow", methods);
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
        handler.log_request(Some(code.status()), None);
        handler.send_response_only(code);
        handler.send_header("Server", handler.version_string());
        handler.send_header("Date", handler.date_time_string(None));
    }

    /// The default of [`RequestHandler::send_response_only`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an override passes on what it got, and has no use for it after"
    )]
    pub fn send_response_only<H: RequestHandler>(handler: &H, code: impl ResponseCode) {
        let status = code.status();
        let standard = || messages::<H>(status).map_or("", |(short, _)| short);
        let message = code.message().unwrap_or_else(standard);
        handler.exchange().reply.status_line(named_version(H::protocol_version), status, message);
    }

    /// The default of [`RequestHandler::send_header`].
    pub fn send_header<H: RequestHandler>(handler: &H, keyword: &str, value: impl Display) {
        // The text is made before the exchange is locked: `Display` is code of the user.
        let mut text = handler.scratch.take();
        text.clear();
        let formatted = write!(text, "{value}");
        let mut exchange = handler.exchange();
        match formatted {
            Ok(()) => exchange.reply.field(keyword, &text),
            Err(_) => exchange.reply.unprintable(keyword),
        }
        handler.scratch.set(text);
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
    pub fn version_string<H: RequestHandler>(_handler: &H) -> Cow<'static, str> {
        if H::sys_version.is_empty() {
            return H::server_version.into();
        }
        format!("{} {}", H::server_version, H::sys_version).into()
    }

    /// The default of [`RequestHandler::date_time_string`].
    pub fn date_time_string<H: RequestHandler>(handler: &H, timestamp: Option<SystemTime>) -> HTTPDate {
        timestamp.unwrap_or_else(|| handler.exchange().now()).into()
    }
}

/// Short and long message of a status.
fn messages<H: RequestHandler>(status: HTTPStatus) -> Option<(&'static str, &'static str)> {
    lookup(H::responses, status.code()).or_else(|| lookup(HTTPStatus::RESPONSES, status.code()))
}
