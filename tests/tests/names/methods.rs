//! The methods that lead from a request to its `do_*` method, and overrides of them.

use std::cell::Cell;
use std::io;

use basehttp::prelude::*;
use basehttp::testing::{TestServer, respond, run};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;

use crate::{GET, post};

/// Records which of its methods are called.
struct Noted {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl Noted {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.log.push("do_GET");
        self.send_response(200);
        self.end_headers()
    }

    fn setup(&mut self) -> io::Result<()> {
        self.log.push("setup");
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.log.push("finish");
        Ok(())
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        self.log.push(format!("handle_one_request {}", self.path()));
        BaseHTTPRequestHandler::handle_one_request(self)
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        let good = BaseHTTPRequestHandler::parse_request(self)?;
        self.log.push(format!("parse_request {good}"));
        Ok(good)
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

fn noted(input: &str) -> Vec<String> {
    let log = Log::default();
    run(|base| Noted { base, log: log.clone() }, [input]);
    log.lines()
}

#[test]
fn the_order_of_calls() {
    let wanted = [
        "setup",
        "handle_one_request /",
        "parse_request true",
        "do_GET",
        "handle_one_request /2",
        "parse_request true",
        "do_GET",
        "finish",
    ];
    assert_eq!(noted(&[GET, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"].concat()), wanted);
}

#[test]
fn a_refused_request_is_seen_by_handle_one_request() {
    let wanted = ["setup", "handle_one_request /", "parse_request false", "finish"];
    assert_eq!(noted("GET / HTTP/1.1\r\n\r\n"), wanted);
    assert_eq!(noted("SPAM / HTTP/1.1\r\nHost: a\r\n\r\n"), wanted);
    let bad = noted("GET / FUBAR\r\n\r\n");
    assert_eq!((bad.len(), &*bad[2], &*bad[3]), (4, "parse_request false", "finish"));
}

#[test]
fn a_connection_without_a_request_has_no_handler() {
    assert!(noted("").is_empty(), "nobody has said anything");
}

/// Asks for credentials and counts, as an override of `handle_one_request` does.
struct Guarded {
    base: BaseHTTPRequestHandler,
    served: u32,
}

#[http_handler]
impl Guarded {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "secret {}", self.served)
    }

    fn do_POST(&self) -> io::Result<()> {
        self.do_GET()
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        if self.headers().get("authorization") != Some("Bearer x") {
            self.send_response(401);
            self.send_header("WWW-Authenticate", "Bearer");
            return self.end_headers();
        }
        self.served += 1;
        BaseHTTPRequestHandler::handle_one_request(self)
    }
}

#[test]
fn handle_one_request_wraps_every_request() {
    let good = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n";
    let responses = respond(|base| Guarded { base, served: 0 }, [good, GET, good].concat().as_bytes());
    let found: Vec<_> =
        responses.iter().map(|response| (response.status, response.text().into_owned())).collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(found, [(200, text("secret 1")), (401, text("")), (200, text("secret 2"))]);
    assert_eq!(responses[1].header("www-authenticate"), Some("Bearer"));
}

#[test]
fn a_request_that_the_wrapper_answers_leaves_no_body_behind() {
    let good = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n";
    let input = [&*post("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), good].concat();
    let responses = respond(|base| Guarded { base, served: 0 }, input.as_bytes());
    assert_eq!(responses.iter().map(|response| response.status).collect::<Vec<_>>(), [401, 200]);
}

/// Measures afterwards.
struct Measured {
    base: BaseHTTPRequestHandler,
    log: Log,
    status: Cell<u16>,
}

#[http_handler]
impl Measured {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/error" => Err(io::Error::other("no")),
            "/nothing" => Ok(()),
            _ => self.send_error(404),
        }
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        self.status.set(0);
        let result = BaseHTTPRequestHandler::handle_one_request(self);
        self.log.push(format!("{} {} {}", self.path(), self.status.get(), result.is_ok()));
        result
    }

    fn log_request(&self, code: Option<HTTPStatus>, _size: Option<u64>) {
        self.status.set(code.map_or(0, HTTPStatus::code));
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[test]
fn the_status_is_known_when_handle_one_request_returns() {
    let log = Log::default();
    for path in ["/x", "/error"] {
        let input = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        run(|base| Measured { base, log: log.clone(), status: Cell::default() }, [input]);
    }
    assert_eq!(log.lines(), ["/x 404 true", "/error 500 true"]);
}

/// Serves one request of a connection, whatever its protocol says.
struct OnlyOne {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl OnlyOne {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn handle(&mut self) -> io::Result<()> {
        self.handle_one_request()
    }
}

#[test]
fn handle_can_be_overridden() {
    let responses = respond(|base| OnlyOne { base }, [GET, GET].concat().as_bytes());
    assert_eq!(responses.len(), 1);
    assert_eq!(responses[0].status, 200);
}

#[test]
fn handle_that_is_overridden_over_tcp() {
    let server = TestServer::new(|base| OnlyOne { base });
    let mut client = Client::new(&server);
    assert_eq!(client.ask(GET).status, 200);
    client.end();
    client.assert_closed();
}

/// Python's own loop, written out.
struct Loop {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Loop {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn handle(&mut self) -> io::Result<()> {
        self.set_close_connection(true);
        self.handle_one_request()?;
        while !self.close_connection() {
            self.handle_one_request()?;
        }
        Ok(())
    }
}

#[test]
fn the_loop_of_python() {
    let responses = respond(|base| Loop { base }, [GET, GET, GET].concat().as_bytes());
    assert_eq!(responses.len(), 3);
    let close = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let responses = respond(|base| Loop { base }, [GET, close, GET].concat().as_bytes());
    assert_eq!(responses.len(), 2);
    assert!(respond(|base| Loop { base }, b"").is_empty());
}

/// Lets a request through or not.
struct Filter {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Filter {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        if self.path().starts_with("/old") {
            let path = self.path().replacen("/old", "/new", 1);
            self.send_response(301);
            self.send_header("Location", path);
            self.end_headers()?;
            return Ok(false);
        }
        BaseHTTPRequestHandler::parse_request(self)
    }
}

#[test]
fn parse_request_can_answer_itself() {
    let input = ["GET /old/x HTTP/1.1\r\nHost: a\r\n\r\n", GET].concat();
    let responses = respond(|base| Filter { base }, input.as_bytes());
    assert_eq!(responses.iter().map(|response| response.status).collect::<Vec<_>>(), [301, 200]);
    assert_eq!(responses[0].header("location"), Some("/new/x"));
}

struct Credulous {
    base: BaseHTTPRequestHandler,
    log: Log,
    asks: bool,
}

#[http_handler]
impl Credulous {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        if self.asks {
            BaseHTTPRequestHandler::parse_request(self)?;
        }
        Ok(true)
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.log.push(message);
    }
}

/// Without `Host` it decides itself; an invalid request it cannot let through, and the response is not sent twice.
#[test]
fn parse_request_may_say_yes_but_not_to_everything() {
    for (request, asks, status) in [
        ("GET / HTTP/1.1\r\n\r\n", false, 200),
        ("GET / HTTP/1.1\r\nno field\r\n\r\n", false, 400),
        ("GET / HTTP/1.1\r\nno field\r\n\r\n", true, 400),
        ("GET / HTTP/1.1\r\n\r\n", true, 400),
    ] {
        let log = Log::default();
        let lines = log.clone();
        let responses = respond(move |base| Credulous { base, log: log.clone(), asks }, request.as_bytes());
        assert_eq!(
            responses.iter().map(|response| response.status).collect::<Vec<_>>(),
            [status],
            "{request}"
        );
        let said = lines.has("parse_request: it accepted a request that the server refuses");
        assert_eq!(said, status == 400 && !asks, "{request}: {:?}", lines.lines());
        assert!(!lines.has("without a response"), "{:?}", lines.lines());
    }
}

#[test]
fn a_handler_is_made_for_each_connection() {
    let log = Log::default();
    let (made, calls) = (log.clone(), Log::default());
    let server = TestServer::new(move |base| {
        made.push("made");
        Noted { base, log: calls.clone() }
    });
    for count in 1..=3 {
        let mut client = Client::new(&server);
        assert_eq!(client.ask(GET).status, 200);
        assert_eq!(client.ask(GET).status, 200);
        assert_eq!(log.lines().len(), count);
    }
}

#[test]
fn methods_may_return_nothing_or_any_error_that_can_be_displayed() {
    struct Outcomes {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Outcomes {
        const protocol_version: &str = "HTTP/1.1";
        fn do_NOTHING(&self) {
            self.send_response(204);
            let _ = self.end_headers();
        }
        fn do_TEXT(&self) -> Result<(), String> {
            Err(self.path().to_owned())
        }
        fn do_STATIC(&self) -> Result<(), &'static str> {
            let _ = self.path();
            Err("static")
        }
        fn do_BOX(&self) -> Result<(), Box<dyn std::error::Error>> {
            self.path()[1..].parse::<u32>()?;
            self.send_response(200);
            Ok(self.end_headers()?)
        }
    }
    let status = |method: &str| {
        let input = format!("{method} /x HTTP/1.1\r\nHost: a\r\n\r\n");
        let run = run(|base| Outcomes { base }, [input]);
        (run.responses[0].status, run.log.contains(&format!("do_{method}: ")))
    };
    assert_eq!(status("NOTHING"), (204, false));
    assert_eq!(status("TEXT"), (500, true));
    assert_eq!(status("STATIC"), (500, true));
    assert_eq!(status("BOX"), (500, true));
}

/// Refuses with a response of its own, which does not say that the connection is closed.
struct Curt {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Curt {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(204);
        self.end_headers()
    }

    fn send_error(&self, code: impl basehttp::ResponseCode) -> io::Result<()> {
        self.send_response(code);
        self.send_header("Content-Length", 0);
        self.end_headers()
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// It is unknown whether the client sends the body that it has announced, so what follows may be a body or a request.
#[test]
fn a_refused_request_whose_client_may_wait_for_100_is_the_last() {
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    for (line, host, expect, status) in [
        ("SPAM / HTTP/1.1", "Host: a\r\n", "100-continue", 501),
        ("GET / HTTP/1.1", "", "100-continue", 400),
        ("GET / HTTP/1.1", "Host: a\r\n", "tea", 417),
    ] {
        let head = format!("{line}\r\n{host}Expect: {expect}\r\nContent-Length: {}\r\n\r\n", hidden.len());
        let run = run(|base| Curt { base }, [[&*head, hidden, GET].concat()]);
        assert_eq!((run.responses.len(), run.responses[0].status), (1, status), "{line} {expect}");
        assert_eq!(run.responses[0].header("connection"), Some("close"));
    }
}
