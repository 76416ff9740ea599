//! The rest of a refused request's body is never taken for the next request.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{Response, respond};
use basehttp::{Form, Json};

struct Api {
    base: BaseHTTPRequestHandler,
}

/// Its errors do not end the connection, as those of an API should not.
#[http_handler(routes = [ADMIN])]
impl Api {
    const protocol_version: &str = "HTTP/1.1";

    #[route(POST, "/json/{id}?{q}", limit = 100)]
    fn json(&self, id: u32, q: Option<u8>, body: Json<u32>) -> String {
        format!("{id} {q:?} {}", body.0)
    }

    #[route(POST, "/form")]
    fn form(&self, form: Form<Vec<(String, String)>>) -> String {
        format!("{:?}", form.0)
    }

    #[route(GET, "/next")]
    fn next(&self) -> &'static str {
        "next"
    }

    #[route(GET, "/smuggled")]
    fn smuggled(&self) -> &'static str {
        "smuggled"
    }

    fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
        self.send_response(code.status());
        self.end_headers()?;
        write!(self.wfile, "{}", code.status())
    }
}

#[http_routes(ADMIN, prefix = "/admin", guard = never)]
impl Api {
    #[route(POST, "")]
    fn admin(&self, body: String) -> String {
        body
    }

    fn never(&self) -> io::Result<bool> {
        self.send_error(403)?;
        Ok(false)
    }
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const NEXT: &str = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

fn asked(head: &str, next: &str) -> Vec<Response> {
    let length = SMUGGLED.len();
    let plain = format!("{head}Host: a\r\nContent-Length: {length}\r\n\r\n{SMUGGLED}{next}");
    respond(|base| Api { base }, plain.as_bytes())
}

#[test]
fn the_body_of_a_refused_request_is_dropped() {
    for (head, status) in [
        ("POST /nothing HTTP/1.1\r\n", 404),
        ("PUT /json/1 HTTP/1.1\r\n", 405),
        ("OPTIONS /json/1 HTTP/1.1\r\n", 204),
        ("SPAM /nothing HTTP/1.1\r\n", 501),
        ("POST /json/x HTTP/1.1\r\n", 404),
        ("POST /json/1?q=x HTTP/1.1\r\n", 400),
        ("POST /json/1 HTTP/1.1\r\n", 415),
        ("POST /json/1 HTTP/1.1\r\nContent-Type: application/json\r\n", 400),
        ("POST /form HTTP/1.1\r\nContent-Type: application/json\r\n", 415),
        ("POST /admin HTTP/1.1\r\n", 403),
        ("GET /next HTTP/1.1\r\n", 200),
        ("HEAD /next HTTP/1.1\r\n", 200),
    ] {
        let responses = asked(head, NEXT);
        assert_eq!(responses.len(), 2, "{head}: {responses:?}");
        assert_eq!((responses[0].status, &*responses[1].text()), (status, "next"), "{head}");
    }
    // The same, chunked.
    let chunked = format!(
        "POST /nothing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n{NEXT}",
        SMUGGLED.len()
    );
    let responses = respond(|base| Api { base }, chunked.as_bytes());
    assert_eq!((responses.len(), &*responses[1].text()), (2, "next"));
}

/// A client that does not wait for `100 Continue` may send the body or not. The connection ends, since it is unknown.
#[test]
fn behind_a_refused_expectation_nothing_is_taken_for_a_request() {
    for (target, status) in [("/json/1", 415), ("/nothing", 404), ("/json/1?q=x", 400), ("/admin", 403)] {
        let head = format!("POST {target} HTTP/1.1\r\nExpect: 100-continue\r\n");
        let responses = asked(&head, NEXT);
        assert_eq!(responses.len(), 1, "{target}: {responses:?}");
        assert_eq!((responses[0].status, responses[0].interim.len()), (status, 0), "{target}");
    }
}

/// However a path below the prefix is spelled.
#[test]
fn a_guard_stands_before_every_spelling_of_its_paths() {
    for (target, status) in [
        ("/admin", 403),
        ("/%61dmin", 403),
        ("//admin", 403),
        ("/admin?x=/next", 403),
        ("http://a/admin", 403),
        ("http://a//admin", 403),
        ("/admin#x", 403),
    ] {
        let responses = asked(&format!("POST {target} HTTP/1.1\r\n"), "");
        assert_eq!(responses[0].status, status, "{target}: {:?}", responses[0]);
    }
    for target in ["/Admin", "/admin/", "/admin%2F", "/admin/."] {
        assert_eq!(asked(&format!("POST {target} HTTP/1.1\r\n"), "")[0].status, 404, "{target}");
    }
}
