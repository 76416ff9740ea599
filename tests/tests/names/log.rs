//! `log_*`, `version_string`, `date_time_string` and `address_string`, and overrides that the defaults honour.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basehttp::prelude::*;
use basehttp::testing::run;
use basehttp::{HTTPStatus, HttpDate, ResponseCode};
use basehttp_tests::log::Log;

use crate::GET;

/// Overrides everything that can be overridden, and records it.
struct Full {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl Full {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/error" => self.send_error((404, "Gone")),
            "/fail" => Err(io::Error::other("why")),
            _ => {
                self.send_response(200);
                self.send_header("X", "y");
                self.end_headers()
            }
        }
    }

    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        self.log.push(format!("send_error {}", code.status()));
        BaseHTTPRequestHandler::send_error(self, code)
    }

    fn send_response(&self, code: impl ResponseCode) {
        self.log.push(format!("send_response {}", code.status()));
        BaseHTTPRequestHandler::send_response(self, code);
    }

    fn send_response_only(&self, code: impl ResponseCode) {
        self.log.push(format!("send_response_only {}", code.status()));
        BaseHTTPRequestHandler::send_response_only(self, code);
    }

    fn send_header(&self, keyword: &str, value: impl fmt::Display) {
        self.log.push(format!("send_header {keyword}"));
        BaseHTTPRequestHandler::send_header(self, keyword, value);
    }

    fn end_headers(&self) -> io::Result<()> {
        self.log.push("end_headers");
        BaseHTTPRequestHandler::send_header(self, "X-Every", "response");
        BaseHTTPRequestHandler::end_headers(self)
    }

    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        self.log.push(format!("log_request {code:?} {size:?}"));
        BaseHTTPRequestHandler::log_request(self, code, size);
    }

    fn log_error(&self, message: fmt::Arguments<'_>) {
        self.log.push(format!("log_error {message}"));
        BaseHTTPRequestHandler::log_error(self, message);
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        self.log.push(format!("log_message {message}"));
        BaseHTTPRequestHandler::log_message(self, message);
    }

    fn version_string(&self) -> Cow<'static, str> {
        format!("Full/1 ({})", BaseHTTPRequestHandler::version_string(self)).into()
    }

    fn date_time_string(&self, timestamp: Option<SystemTime>) -> HttpDate {
        self.log.push(format!("date_time_string {}", timestamp.is_some()));
        HttpDate::from(UNIX_EPOCH)
    }

    fn log_date_time_string(&self) -> String {
        "some day".to_owned()
    }

    fn address_string(&self) -> Cow<'_, str> {
        format!("<{}>", BaseHTTPRequestHandler::address_string(self)).into()
    }
}

fn full(path: &str) -> (basehttp::testing::Run, Vec<String>) {
    let log = Log::default();
    let input = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let run = run(|base| Full { base, log: log.clone() }, [input]);
    (run, log.lines())
}

#[test]
fn send_response_calls_what_python_calls() {
    let (_, calls) = full("/");
    let wanted = [
        "send_response 200",
        "log_request Some(HTTPStatus(200)) None",
        "log_message \"GET / HTTP/1.1\" 200 -",
        "send_response_only 200",
        "send_header Server",
        "date_time_string false",
        "send_header Date",
        "send_header X",
        "end_headers",
    ];
    assert_eq!(calls, wanted);
}

#[test]
fn send_error_calls_what_python_calls() {
    let (run, calls) = full("/error");
    let wanted = [
        "send_error 404",
        "log_error code 404, message Gone",
        "log_message code 404, message Gone",
        "send_response 404",
        "log_request Some(HTTPStatus(404)) None",
        "log_message \"GET /error HTTP/1.1\" 404 -",
        "send_response_only 404",
        "send_header Server",
        "date_time_string false",
        "send_header Date",
        "send_header Connection",
        "send_header Content-Type",
        "send_header Content-Length",
        "end_headers",
    ];
    assert_eq!(calls, wanted);
    assert_eq!(run.responses[0].header("x-every"), Some("response"));
}

#[test]
fn the_answer_to_a_failure_goes_through_the_overrides() {
    let (run, calls) = full("/fail");
    assert_eq!(run.responses[0].header("x-every"), Some("response"));
    for call in ["log_error do_GET: why", "send_error 500", "end_headers"] {
        assert_eq!(calls.iter().filter(|line| *line == call).count(), 1, "{call}: {calls:?}");
    }
}

#[test]
fn the_answer_to_a_bad_request_goes_through_the_overrides() {
    let log = Log::default();
    let run = run(|base| Full { base, log: log.clone() }, ["GET / HTTP/1.1\r\n\r\n"]);
    assert_eq!(run.responses[0].header("x-every"), Some("response"));
    assert!(log.has("send_error 400"), "{:?}", log.lines());
}

#[test]
fn the_line_is_made_of_overrides() {
    let (run, _) = full("/");
    assert_eq!(run.log, "<127.0.0.1> - - [some day] \"GET / HTTP/1.1\" 200 -\n");
}

#[test]
fn the_fields_are_made_of_overrides() {
    let (run, _) = full("/");
    let response = &run.responses[0];
    let server = format!("Full/1 ({} {})", Full::server_version, Full::sys_version);
    assert_eq!(response.header("server"), Some(&*server));
    assert_eq!(response.header("date"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
}

/// Reports the defaults.
struct Defaults {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Defaults {
    const server_version: &str = "A/1";
    const sys_version: &str = "B/2";

    fn do_GET(&self) -> io::Result<()> {
        let time = UNIX_EPOCH + Duration::from_secs(1);
        let lines = [
            self.version_string().into_owned(),
            self.date_time_string(None).to_string(),
            self.date_time_string(Some(time)).to_string(),
            self.address_string().into_owned(),
            self.log_date_time_string(),
        ];
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(lines.join("\n").as_bytes())
    }
}

#[test]
fn the_defaults() {
    let run = run(|base| Defaults { base }, [GET]);
    let text = run.responses[0].text().into_owned();
    let lines: Vec<_> = text.lines().collect();
    let wanted = ["A/1 B/2", "Sun, 06 Nov 1994 08:49:37 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", "127.0.0.1"];
    assert_eq!(lines[..4], wanted);
    assert!(run.log.contains(&format!("[{}]", lines[4])), "{}", run.log);
}

/// Silent except for one level.
struct Levels {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl Levels {
    fn do_GET(&self) -> io::Result<()> {
        self.send_error(403)
    }

    fn log_request(&self, code: Option<HTTPStatus>, _size: Option<u64>) {
        let _ = code;
    }

    fn log_error(&self, message: fmt::Arguments<'_>) {
        let fault = self.fault().map(basehttp::Fault::code);
        self.log.push(format!("{message} {fault:?}"));
    }
}

#[test]
fn one_level_can_go_elsewhere() {
    let log = Log::default();
    let run = run(|base| Levels { base, log: log.clone() }, [GET]);
    assert!(run.log.is_empty(), "{}", run.log);
    assert_eq!(log.lines(), ["code 403, message Forbidden None"]);
}

#[test]
fn the_code_of_a_fault_is_known_in_the_hooks() {
    let log = Log::default();
    run(|base| Levels { base, log: log.clone() }, ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"]);
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with("Some(\"duplicate-host\")"), "{lines:?}");
}
