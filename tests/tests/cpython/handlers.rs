//! The handlers of the three suites.

use std::fmt;
use std::io;

use basehttp::prelude::*;
use basehttp_tests::log::Log;

/// The handler of `BaseHTTPServerTestCase`.
pub(crate) struct Base {
    base: BaseHTTPRequestHandler,
}

impl Base {
    pub(crate) fn new(base: BaseHTTPRequestHandler) -> Self {
        Self { base }
    }
}

#[http_handler(head = false)]
impl Base {
    const protocol_version: &str = "HTTP/1.1";
    const default_request_version: &str = "HTTP/1.1";

    fn do_TEST(&self) -> io::Result<()> {
        self.empty(204, "close")
    }

    fn do_KEEP(&self) -> io::Result<()> {
        self.empty(204, "keep-alive")
    }

    fn do_KEYERROR(&self) -> io::Result<()> {
        self.send_error(999)
    }

    fn do_NOTFOUND(&self) -> io::Result<()> {
        self.send_error(404)
    }

    fn do_EXPLAINERROR(&self) -> io::Result<()> {
        self.send_error((999, "Short Message", "This is a long \n explanation"))
    }

    fn do_CUSTOM(&self) -> io::Result<()> {
        self.empty(999, "close")
    }

    fn do_LATINONEHEADER(&self) -> io::Result<()> {
        self.send_response(999);
        self.send_header("X-Special", "Dängerous Mind");
        self.send_header("Connection", "close");
        self.end_headers()?;
        self.wfile.write_all(self.headers().get("x-special-incoming").unwrap_or_default().as_bytes())
    }

    fn do_SEND_ERROR(&self) -> io::Result<()> {
        self.send_error(self.path()[1..].parse::<u16>().map_err(io::Error::other)?)
    }

    fn do_HEAD(&self) -> io::Result<()> {
        self.do_SEND_ERROR()
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}

    fn empty(&self, code: u16, connection: &str) -> io::Result<()> {
        self.send_response(code);
        self.send_header("Content-Type", "text/html");
        self.send_header("Connection", connection);
        self.end_headers()
    }
}

/// The handler of `BaseHTTPRequestHandlerTestCase`. It refuses `Expect` if the request has `X-Reject-Expect`.
pub(crate) struct Data {
    base: BaseHTTPRequestHandler,
    calls: Log,
}

impl Data {
    pub(crate) fn new(base: BaseHTTPRequestHandler, calls: Log) -> Self {
        Self { base, calls }
    }
}

pub(crate) const DATA: &str = "<html><body>Data</body></html>\r\n";

#[http_handler]
impl Data {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let fields: Vec<_> = self.headers().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = fields.join("|");
        self.calls.push(format!(
            "{}\n{}\n{}\n{}\n{fields}",
            self.requestline(),
            self.command(),
            self.path(),
            self.request_version()
        ));
        self.send_response(200);
        self.send_header("Content-Type", "text/html");
        self.send_header("Content-Length", DATA.len());
        self.send_header("X-Request-Line", self.requestline());
        self.send_header("X-Command", self.command());
        self.send_header("X-Path", self.path());
        self.send_header("X-Request-Version", self.request_version());
        self.send_header("X-Request-Headers", fields);
        self.end_headers()?;
        self.wfile.write_all(DATA.as_bytes())
    }

    fn handle_expect_100(&mut self) -> io::Result<bool> {
        if self.headers().contains("x-reject-expect") {
            self.send_error(417)?;
            return Ok(false);
        }
        self.send_response_only(100);
        self.end_headers()?;
        Ok(true)
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

/// The handler of `RequestHandlerLoggingTestCase`.
pub(crate) struct Logging {
    base: BaseHTTPRequestHandler,
}

impl Logging {
    pub(crate) fn new(base: BaseHTTPRequestHandler) -> Self {
        Self { base }
    }
}

#[http_handler]
impl Logging {
    const protocol_version: &str = "HTTP/1.1";
    const default_request_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn do_ERROR(&self) -> io::Result<()> {
        self.send_error((404, "File not found"))
    }

    /// Logs what the test of unprintable characters logs.
    fn do_UNPRINTABLE(&self) -> io::Result<()> {
        self.log_message(format_args!("/foo"));
        self.log_message(format_args!("/\x1bbar\0\x1b"));
        self.log_message(format_args!("/spam {}.", "a"));
        self.log_message(format_args!("/spam {}.", "\x1b\x7f\u{9f}\u{a0}beans"));
        self.log_message(format_args!("\"GET /foo\\b\"ar\x07 HTTP/1.0\""));
        self.do_GET()
    }
}
