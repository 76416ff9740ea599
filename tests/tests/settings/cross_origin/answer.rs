//! How a request of a page of another origin is answered, and when.

use std::io;
use std::sync::atomic::Ordering;

use basehttp::CrossOriginProtection;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;

use super::{CROSS, Stage, protection};

#[test]
fn it_is_answered_before_the_body_comes() {
    let stage = Stage::new();
    let mut client = Client::new(&stage.server);
    let head = format!("POST / HTTP/1.1\r\nHost: example.com\r\n{CROSS}Content-Length: 1000000\r\n\r\n");
    let response = client.ask(&head);
    assert_eq!(response.status_line, "HTTP/1.1 403 Requests from pages of other origins are refused");
    assert_eq!(response.text(), "<title>403</title>Requests from pages of other origins are refused");
    assert_eq!(response.all("Connection"), ["close"]);
    client.end();
    client.assert_closed();
    // No `100 Continue` either.
    let mut client = Client::new(&stage.server);
    let response = client.ask(head.replace("Origin", "Expect: 100-continue\r\nOrigin"));
    assert_eq!(response.status, 403);
    // And what stands where the body would is no request.
    let mut client = Client::new(&stage.server);
    let inner = "POST /inner HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n";
    let length = inner.len();
    let outer =
        format!("POST / HTTP/1.1\r\nHost: example.com\r\n{CROSS}Content-Length: {length}\r\n\r\n{inner}");
    assert_eq!(client.ask(outer).status, 403);
    client.assert_closed();
    assert_eq!(stage.calls.load(Ordering::SeqCst), 0);
    assert!(!stage.log.has("/inner"), "{:?}", stage.log.lines());
}

#[test]
fn a_kept_connection_is_checked_for_each_request() {
    let stage = Stage::new();
    let mut client = Client::new(&stage.server);
    let post =
        |fields: &str| format!("POST / HTTP/1.1\r\nHost: example.com\r\n{fields}Content-Length: 2\r\n\r\nok");
    assert_eq!(client.ask(post("Sec-Fetch-Site: same-origin\r\n")).status, 204);
    assert_eq!(client.ask(post("")).status, 204);
    client.send(post("Origin: http://example.com\r\n") + &post(CROSS) + &post(""));
    assert_eq!([client.response().status, client.response().status], [204, 403]);
    client.assert_closed();
    assert_eq!(stage.calls.load(Ordering::SeqCst), 3);
}

#[test]
fn the_log_says_what_came_and_what_to_do() {
    let stage = Stage::new();
    let logged = |fields: &str| {
        stage.log.take();
        stage.assert_post(fields, 403);
        let lines = stage.log.take();
        assert_eq!(lines.len(), 2, "{lines:?}");
        lines[0].clone()
    };
    let start = "code 403, message Requests from pages of other origins are refused (cross-origin: ";
    assert_eq!(
        logged(CROSS),
        format!(
            "{start}Sec-Fetch-Site: cross-site, Origin: https://attacker.example, Host: example.com, if this page may do \
             so, call trust_origin with its Origin; if it is this server's own, have the proxy pass on Host)"
        )
    );
    assert_eq!(
        logged("Origin: null\r\n"),
        format!(
            "{start}Origin: null, Host: example.com, if this server's own page has the Referrer-Policy no-referrer, use \
             same-origin, or TLS; otherwise no origin that could be trusted)"
        )
    );
    assert_eq!(
        logged("Sec-Fetch-Site: cross-site\r\nOrigin: null\r\n"),
        format!(
            "{start}Sec-Fetch-Site: cross-site, Origin: null, Host: example.com, no origin that could be trusted; \
             insecure_bypass allows all pages for one path)"
        )
    );
    let many = logged(&"Origin: http://a.example\r\n".repeat(90));
    assert!(
        many.contains("Origin: http://a.example, Origin: http://a.example, 88 more, Host: example.com, "),
        "{many}"
    );
    let long = logged(&format!("Origin: http://{}\r\n", "a".repeat(10_000)));
    assert!(
        long.len() < 500 && long.contains(&format!("Origin: http://{}..., Host", "a".repeat(93))),
        "{long}"
    );
}

#[test]
fn what_other_settings_forbid_stays_forbidden() {
    let protection = CrossOriginProtection::new().trust_origin("https://trusted.example");
    let builder = HTTPServer::builder().allowed_hosts(["example.com"]);
    let stage = Stage::with(builder.cross_origin_protection(protection.clone()));
    let post = |host: &str, origin: &str| {
        let request =
            format!("POST / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n");
        stage.ask(request).status
    };
    // A name that was made to lead here has pages of the same origin.
    assert_eq!(post("rebound.example", "http://rebound.example"), 421);
    assert_eq!(post("example.com", "http://example.com"), 204);
    assert_eq!(post("example.com", "http://rebound.example"), 403);
    assert_eq!(post("example.com", "https://trusted.example"), 204);
    let guarded = HTTPServer::builder().loopback_guard(true).cross_origin_protection(protection.clone());
    let stage = Stage::with(guarded);
    let local = |origin: &str| {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: localhost:8000\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n"
        );
        stage.ask(request).status
    };
    assert_eq!(local("http://localhost:8000"), 204);
    // The guard does not compare ports, this does.
    assert_eq!(local("http://localhost:3000"), 403);
    assert!(stage.log.has("(cross-origin: "));
    assert_eq!(local("https://trusted.example"), 403);
    assert!(stage.log.has("(cross-site)"));
    let builder = HTTPServer::builder().loopback_guard(true).allowed_hosts(["trusted.example"]);
    let stage = Stage::with(builder.cross_origin_protection(protection));
    let request =
        "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://trusted.example\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(stage.ask(request).status, 204);
}

/// What it overrides, it calls by its default, does itself, or says yes to everything.
struct Overriding<const HOW: u8> {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl<const HOW: u8> Overriding<HOW> {
    const protocol_version: &str = "HTTP/1.1";

    fn do_POST(&self) -> io::Result<()> {
        self.log.push("called");
        self.send_response(204);
        self.end_headers()
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        if HOW == 0 { Ok(true) } else { BaseHTTPRequestHandler::parse_request(self) }
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        match HOW {
            3 => self.do_POST(),
            2 => {
                if self.parse_request()? {
                    self.do_POST()
                } else {
                    Ok(())
                }
            }
            _ => BaseHTTPRequestHandler::handle_one_request(self),
        }
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.log.push(message);
    }
}

struct OwnHandle {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl OwnHandle {
    const protocol_version: &str = "HTTP/1.1";

    fn do_POST(&self) -> io::Result<()> {
        self.send_response(204);
        self.end_headers()
    }

    fn handle(&mut self) -> io::Result<()> {
        self.handle_one_request()?;
        while !self.close_connection() {
            self.handle_one_request()?;
        }
        Ok(())
    }

    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        self.send_response(code.status());
        self.send_header("X-Own", code.message().unwrap_or_default());
        self.end_headers()
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[test]
fn overrides_do_not_get_around_it() {
    fn statuses<const HOW: u8>() -> (u16, u16, usize) {
        let log = Log::default();
        let lines = log.clone();
        let builder = HTTPServer::builder().cross_origin_protection(protection());
        let server = TestServer::with(builder, move |base| Overriding::<HOW> { base, log: lines.clone() });
        let post = |fields: &str| {
            let request =
                format!("POST / HTTP/1.1\r\nHost: example.com\r\n{fields}Content-Length: 0\r\n\r\n");
            Client::new(&server).ask(request).status
        };
        (post(""), post(CROSS), log.count("called"))
    }
    for result in [statuses::<0>(), statuses::<1>(), statuses::<2>()] {
        assert_eq!(result, (204, 403, 1));
    }
    // This one never asks.
    assert_eq!(statuses::<3>(), (204, 204, 2));
    let builder = HTTPServer::builder().cross_origin_protection(protection());
    let server = TestServer::with(builder, |base| OwnHandle { base });
    let mut client = Client::new(&server);
    let post =
        |fields: &str| format!("POST / HTTP/1.1\r\nHost: example.com\r\n{fields}Content-Length: 0\r\n\r\n");
    assert_eq!(client.ask(post("")).status, 204);
    let response = client.ask(post(CROSS));
    assert_eq!(response.status, 403);
    assert_eq!(response.field("X-Own"), Some("Requests from pages of other origins are refused"));
    client.assert_closed();
}
