use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io;
use std::time::SystemTime;

use basehttp::prelude::*;
use basehttp::{HttpDate, ResponseCode};

struct Hello {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Hello {
    fn do_GET(&mut self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn setup(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn handle(&mut self) -> io::Result<()> {
        BaseHTTPRequestHandler::handle(self)
    }

    pub fn handle_one_request(&mut self) -> io::Result<()> {
        BaseHTTPRequestHandler::handle_one_request(self)
    }

    pub(crate) fn parse_request(&mut self) -> io::Result<bool> {
        BaseHTTPRequestHandler::parse_request(self)
    }

    fn handle_expect_100(&mut self) -> io::Result<bool> {
        BaseHTTPRequestHandler::handle_expect_100(self)
    }

    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        BaseHTTPRequestHandler::send_error(self, code)
    }

    fn send_response(&self, code: impl ResponseCode) {
        BaseHTTPRequestHandler::send_response(self, code);
    }

    fn send_response_only(&self, code: impl ResponseCode) {
        BaseHTTPRequestHandler::send_response_only(self, code);
    }

    fn send_header(&self, keyword: &str, value: impl Display) {
        BaseHTTPRequestHandler::send_header(self, keyword, value);
    }

    fn end_headers(&self) -> io::Result<()> {
        self.send_header("Access-Control-Allow-Origin", "*");
        BaseHTTPRequestHandler::end_headers(self)
    }

    fn flush_headers(&self) -> io::Result<()> {
        BaseHTTPRequestHandler::flush_headers(self)
    }

    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        BaseHTTPRequestHandler::log_request(self, code, size);
    }

    fn log_error(&self, message: fmt::Arguments<'_>) {
        BaseHTTPRequestHandler::log_error(self, message);
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        BaseHTTPRequestHandler::log_message(self, message);
    }

    fn version_string(&self) -> Cow<'_, str> {
        BaseHTTPRequestHandler::version_string(self)
    }

    fn date_time_string(&self, timestamp: Option<SystemTime>) -> HttpDate {
        BaseHTTPRequestHandler::date_time_string(self, timestamp)
    }

    fn log_date_time_string(&self) -> String {
        BaseHTTPRequestHandler::log_date_time_string(self)
    }

    fn address_string(&self) -> Cow<'_, str> {
        BaseHTTPRequestHandler::address_string(self)
    }
}

fn is_handler<H: RequestHandler>() {}

fn main() {
    is_handler::<Hello>();
}
