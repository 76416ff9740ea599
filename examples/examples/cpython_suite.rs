//! The handlers for the tests of CPython's `http.server` (`Lib/test/test_httpservers.py`), for a runner that drives those
//! tests against a server in another process.
//!
//! ```text
//! cargo run --release --example cpython_suite -- --port 8000 --handler base|data|logging
//! curl -i -X NOTFOUND http://127.0.0.1:8000/       # base
//! curl -i http://127.0.0.1:8000/                   # data, logging
//! ```

use std::{fmt, io};

use basehttp::prelude::*;

/// `BaseHTTPServerTestCase`
struct Base {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Base {
    const protocol_version: &str = "HTTP/1.1";
    const default_request_version: &str = "HTTP/1.1";

    fn do_TEST(&self) -> io::Result<()> {
        self.head(204, &[("Content-Type", "text/html"), ("Connection", "close")])
    }

    fn do_KEEP(&self) -> io::Result<()> {
        self.head(204, &[("Content-Type", "text/html"), ("Connection", "keep-alive")])
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
        self.head(999, &[("Content-Type", "text/html"), ("Connection", "close")])
    }

    fn do_LATINONEHEADER(&self) -> io::Result<()> {
        self.head(999, &[("X-Special", "Dängerous Mind"), ("Connection", "close")])?;
        let incoming = self.headers().get("x-special-incoming").unwrap_or_default();
        self.wfile.write_all(incoming.as_bytes())
    }

    fn do_SEND_ERROR(&self) -> io::Result<()> {
        match self.path().trim_start_matches('/').parse::<u16>() {
            Ok(code) => self.send_error(code),
            Err(_) => self.send_error((400, "No status code")),
        }
    }

    fn do_HEAD(&self) -> io::Result<()> {
        self.do_SEND_ERROR()
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}

    fn head(&self, code: u16, fields: &[(&str, &str)]) -> io::Result<()> {
        self.send_response(code);
        for (name, value) in fields {
            self.send_header(name, value);
        }
        self.end_headers()
    }
}

/// `BaseHTTPRequestHandlerTestCase`: reports what the server made of the request.
struct Data {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Data {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let body = b"<html><body>Data</body></html>\r\n";
        let fields: Vec<_> = self.headers().iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.send_response(200);
        self.send_header("Content-Type", "text/html");
        self.send_header("Content-Length", body.len());
        self.send_header("X-Request-Line", self.requestline());
        self.send_header("X-Command", self.command());
        self.send_header("X-Path", self.path());
        self.send_header("X-Request-Version", self.request_version());
        self.send_header("X-Request-Headers", fields.join("|"));
        self.end_headers()?;
        self.wfile.write_all(body)
    }

    fn handle_expect_100(&mut self) -> io::Result<bool> {
        if self.headers().contains("X-Reject-Expect") {
            self.send_error(HTTPStatus::EXPECTATION_FAILED)?;
            return Ok(false);
        }
        // Sent at once, as in Python; otherwise the server would send it when `rfile` is first read.
        self.send_response_only(100);
        self.end_headers()?;
        Ok(true)
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

/// `RequestHandlerLoggingTestCase`
struct Logging {
    base: BaseHTTPRequestHandler,
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
}

fn main() -> io::Result<()> {
    let (port, handler) = arguments().unwrap_or_else(|| {
        eprintln!("usage: cpython_suite --port N --handler base|data|logging");
        std::process::exit(2);
    });
    let address = ("127.0.0.1", port);
    let mut server = match handler {
        Handler::Base => HTTPServer::bind(address, |base| Base { base })?,
        Handler::Data => HTTPServer::bind(address, |base| Data { base })?,
        Handler::Logging => HTTPServer::bind(address, |base| Logging { base })?,
    };
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

enum Handler {
    Base,
    Data,
    Logging,
}

fn arguments() -> Option<(u16, Handler)> {
    let (mut port, mut handler) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match (name.as_str(), value.as_str()) {
            ("--port", port_text) => port = Some(port_text.parse().ok()?),
            ("--handler", "base") => handler = Some(Handler::Base),
            ("--handler", "data") => handler = Some(Handler::Data),
            ("--handler", "logging") => handler = Some(Handler::Logging),
            _ => return None,
        }
    }
    Some((port?, handler?))
}
