//! The answer if no route takes a request.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{Response, client};

struct Notes {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Notes {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/notes")]
    fn notes(&self) -> &'static str {
        "notes"
    }

    #[route(POST, "/notes")]
    fn add(&self, note: String) -> (u16, String) {
        (201, note)
    }

    #[route(GET, "/notes/{id}")]
    fn note(&self, id: u32) -> String {
        id.to_string()
    }

    #[route(POST, "/notes/new")]
    fn new_note(&self) -> &'static str {
        "new"
    }

    #[route(PUT | "M-SEARCH", "/notes/{id}")]
    fn replace(&self, id: u32) -> String {
        format!("{} {id}", self.command())
    }

    #[route(GET | POST, "/both")]
    fn both(&self) -> io::Result<()> {
        self.send_error(405)
    }

    #[route(DELETE, "/notes/{id}")]
    fn delete(&self, id: u32) -> io::Result<()> {
        match id {
            0 => self.send_error(405),
            _ => self.send_error((403, "Not yours")),
        }
    }
}

fn ask(method: &str, target: &str) -> Response {
    client(|base| Notes { base }).request(method, target).send()
}

#[test]
fn a_path_that_is_there_for_other_methods_is_405_and_says_which() {
    for (method, target, allow) in [
        ("DELETE", "/notes", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/notes/7", "GET, HEAD, PUT, M-SEARCH, DELETE, OPTIONS"),
        ("SPAM", "/notes", "GET, HEAD, POST, OPTIONS"),
        // The path is decided before the method: `/notes/{id}` would have matched it.
        ("GET", "/notes/new", "POST, OPTIONS"),
        ("HEAD", "/notes/new", "POST, OPTIONS"),
    ] {
        let response = ask(method, target);
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{method} {target}");
    }
}

#[test]
fn no_route_is_404_and_an_unknown_method_501() {
    for (method, target, status) in [
        ("GET", "/", 404),
        ("HEAD", "/", 404),
        ("POST", "/nothing", 404),
        ("OPTIONS", "/nothing", 404),
        ("M-SEARCH", "/nothing", 404),
        ("SPAM", "/nothing", 501),
    ] {
        assert_eq!(ask(method, target).status, status, "{method} {target}");
    }
    let allow = ask("SPAM", "/nothing");
    assert_eq!(allow.header("allow"), Some("GET, HEAD, POST, PUT, M-SEARCH, DELETE, OPTIONS"));
}

#[test]
fn head_follows_get() {
    let (get, head) = (ask("GET", "/notes/7"), ask("HEAD", "/notes/7"));
    assert_eq!((get.status, get.header("content-length"), &*get.text()), (200, Some("1"), "7"));
    assert_eq!((head.status, head.header("content-length"), &*head.text()), (200, Some("1"), ""));
    assert_eq!(head.header("content-type"), get.header("content-type"));
}

#[test]
fn options_tells_the_methods_of_a_path() {
    for (target, allow) in [
        ("/notes", "GET, HEAD, POST, OPTIONS"),
        ("/notes/7", "GET, HEAD, PUT, M-SEARCH, DELETE, OPTIONS"),
        ("*", "GET, HEAD, POST, PUT, M-SEARCH, DELETE, OPTIONS"),
    ] {
        let response = ask("OPTIONS", target);
        assert_eq!((response.status, response.header("allow")), (204, Some(allow)), "{target}");
        assert_eq!(response.header("content-length"), None);
    }
}

#[test]
fn what_a_method_refuses_itself_is_not_among_those_that_it_allows() {
    let response = ask("DELETE", "/notes/0");
    assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD, PUT, M-SEARCH, OPTIONS")));
    // A function with several methods refuses that of the request.
    for (method, allow) in
        [("GET", "POST, OPTIONS"), ("HEAD", "POST, OPTIONS"), ("POST", "GET, HEAD, OPTIONS")]
    {
        assert_eq!(ask(method, "/both").header("allow"), Some(allow), "{method}");
    }
}

#[test]
fn a_method_that_is_no_identifier() {
    assert_eq!(ask("M-SEARCH", "/notes/7").text(), "M-SEARCH 7");
    assert_eq!(ask("PUT", "/notes/7").text(), "PUT 7");
}

/// The server does not wait for a body that no method takes.
#[test]
fn what_has_no_route_is_answered_before_its_body() {
    for (request, status) in [
        ("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 404),
        ("DELETE /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 405),
        ("OPTIONS /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 204),
    ] {
        let pieces = [
            basehttp::testing::Piece::Bytes(request.into()),
            // Who waited for the body would answer 408 by then.
            basehttp::testing::Piece::Pause(std::time::Duration::from_secs(40)),
        ];
        let run = basehttp::testing::run_timed(|base| Notes { base }, pieces);
        assert_eq!(run.responses[0].status, status, "{request}\n{}", run.log);
    }
}

/// RFC 9112 section 3.2: it is the first thing that is wrong.
#[test]
fn a_request_without_host_is_400_whatever_its_path() {
    let run = basehttp::testing::run(|base| Notes { base }, ["GET /nothing HTTP/1.1\r\n\r\n"]);
    assert_eq!(run.responses[0].status, 400);
}

struct Both {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Both {
    #[route(GET, "/routed")]
    fn routed(&self) -> &'static str {
        "routed"
    }

    fn do_GET(&self) -> &'static str {
        "do_GET"
    }

    fn do_PUT(&self) -> &'static str {
        "do_PUT"
    }

    fn do_OPTIONS(&self) -> &'static str {
        "do_OPTIONS"
    }
}

#[test]
fn do_methods_take_what_no_route_takes() {
    let client = client(|base| Both { base });
    for (method, target, told) in [
        ("GET", "/routed", "routed"),
        ("GET", "/", "do_GET"),
        ("PUT", "/routed", "do_PUT"),
        ("PUT", "/", "do_PUT"),
        ("OPTIONS", "/routed", "do_OPTIONS"),
        ("OPTIONS", "*", "do_OPTIONS"),
    ] {
        assert_eq!(client.request(method, target).send().text(), told, "{method} {target}");
    }
    let refused = client.request("POST", "/routed").send();
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, PUT, OPTIONS")));
    let unknown = client.request("POST", "/").send();
    assert_eq!((unknown.status, unknown.header("allow")), (501, Some("GET, HEAD, PUT, OPTIONS")));
}

struct Formed {
    base: BaseHTTPRequestHandler,
}

/// An API has its own form for errors.
#[http_handler]
impl Formed {
    #[route(POST, "/numbers/{number}?{q}")]
    fn number(&self, number: u32, q: u32, body: basehttp::Json<u32>) -> String {
        (number + q + body.0).to_string()
    }

    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        self.send_response(code.status());
        self.send_header("Content-Type", "application/problem+json");
        for (name, value) in code.fields() {
            self.send_header(name, value);
        }
        if code.status() == 405 {
            self.send_header("Allow", BaseHTTPRequestHandler::allowed_methods(self));
        }
        self.end_headers()?;
        write!(self.wfile, "{{\"title\":\"{}\"}}", code.message().unwrap_or_default())
    }
}

#[test]
fn an_override_of_send_error_has_all_of_them() {
    let client = client(|base| Formed { base });
    let post = |target: &str, body: &str| client.post(target, "application/json", body);
    assert_eq!(post("/numbers/1?q=2", "3").text(), "6");
    let all = [
        (client.get("/numbers/1"), 405, ""),
        (post("/nothing", ""), 404, ""),
        (post("/numbers/x?q=2", "3"), 404, ""),
        (post("/numbers/1?q=x", "3"), 400, "Bad parameter q: invalid digit found in string"),
        (post("/numbers/1", "3"), 400, "Bad parameter q: it is missing"),
        (client.post("/numbers/1?q=2", "text/plain", "3"), 415, "Send application/json"),
        (post("/numbers/1?q=2", "x"), 400, "Bad JSON: expected value at line 1 column 1"),
        (client.request("SPAM", "/nothing").send(), 501, "Unsupported method ('SPAM')"),
    ];
    assert_eq!(all[0].0.header("allow"), Some("POST, OPTIONS"));
    assert_eq!(all[5].0.header("accept"), Some("application/json"));
    for (response, status, title) in all {
        assert_eq!(response.status, status);
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.text(), format!("{{\"title\":\"{title}\"}}"));
    }
}
