use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::http_handler;

/// Responds with the request as it was received.
struct Echo {
    base: BaseHTTPRequestHandler,
}

#[http_handler(crate = crate)]
impl Echo {
    const protocol_version: &str = "HTTP/1.1";

    fn handle_one_request(&mut self) -> io::Result<()> {
        if self.fault().is_some() {
            return self.parse_request().map(drop);
        }
        let body = self.read_body(1024)?;
        self.send_response(200);
        self.end_headers()?;
        writeln!(self.wfile, "{}", self.requestline())?;
        for (name, value) in self.headers() {
            writeln!(self.wfile, "{name}: {value}")?;
        }
        self.wfile.write_all(&body)
    }
}

fn echo() -> Client<'static> {
    client(|base| Echo { base })
}

fn panic_of(misuse: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(misuse)).expect_err("a panic");
    *panic.downcast::<String>().expect("a text")
}

#[test]
fn a_request_has_a_host_and_the_length_of_its_body() {
    let client = echo();
    assert_eq!(client.get("/a?b=c").text(), "GET /a?b=c HTTP/1.1\nHost: example.org\n");
    assert_eq!(client.delete("/a").text(), "DELETE /a HTTP/1.1\nHost: example.org\n");
    for (response, method) in [
        (client.post("/", "text/plain", "eggs"), "POST"),
        (client.put("/", "text/plain", b"eggs"), "PUT"),
        (client.patch("/", "text/plain", vec![b'e', b'g', b'g', b's']), "PATCH"),
    ] {
        let head = "/ HTTP/1.1\nHost: example.org\nContent-Type: text/plain\nContent-Length: 4";
        assert_eq!(response.text(), format!("{method} {head}\neggs"));
    }
    let empty = client.request("PUT", "/").send();
    assert_eq!(empty.text(), "PUT / HTTP/1.1\nHost: example.org\nContent-Length: 0\n");
    let empty = client.request("QUERY", "/").body("c/d", "eggs").body("a/b", "").send();
    assert!(
        empty.text().ends_with("Host: example.org\nContent-Type: a/b\nContent-Length: 0\n"),
        "{}",
        empty.text()
    );
}

#[test]
fn the_host_is_that_of_the_target() {
    let client = echo();
    let host =
        |method, target| client.request(method, target).send().text().lines().nth(1).map(str::to_owned);
    for (method, target, expected) in [
        ("GET", "http://u:p@example.com:81/a", "Host: example.com:81"),
        ("OPTIONS", "http://example.com", "Host: example.com"),
        ("CONNECT", "example.com:443", "Host: example.com:443"),
        ("OPTIONS", "*", "Host: example.org"),
        ("M-SEARCH", "*", "Host: example.org"),
    ] {
        assert_eq!(host(method, target).as_deref(), Some(expected), "{method} {target}");
    }
}

#[test]
fn a_field_of_the_request_comes_before_those_of_the_client() {
    let client = echo().with_header("Accept", "a/b").with_header("X", 1).with_header("x", 2);
    let fields = |request: ClientRequest<'_>| {
        let text = request.send().text().into_owned();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let request = || client.request("GET", "/");
    assert_eq!(fields(request()), ["Host: example.org", "Accept: a/b", "X: 1", "x: 2"]);
    assert_eq!(fields(request().header("X", 3)), ["Host: example.org", "Accept: a/b", "X: 3"]);
    let request = request().header("host", "a").header("Accept", "").header("accept", "J\u{e9}r\u{f4}me");
    assert_eq!(fields(request), ["X: 1", "x: 2", "host: a", "Accept: ", "accept: J\u{e9}r\u{f4}me"]);
}

#[test]
fn each_request_has_a_handler_of_its_own() {
    let made = Cell::new(0);
    let client = client(|base| {
        made.set(made.get() + 1);
        Echo { base }
    });
    client.get("/");
    let response = client.head("/");
    assert_eq!((response.status, &*response.text(), made.get()), (200, "", 2));
}

#[test]
fn what_cannot_be_sent_is_refused_in_words() {
    let client = echo();
    for (method, target, expected) in [
        ("GET", "/a b", r#""/a b" must be percent-encoded; did you mean "/a%20b"?"#),
        ("GET", "/\u{e9}", r#""/é" must be percent-encoded; did you mean "/%C3%A9"?"#),
        ("GET", "/ HTTP/1.1\r\nX: ", r#"did you mean "/%20HTTP/1.1%0D%0AX:%20"?"#),
        ("GET", "/a#b", r#"clients do not send the fragment; did you mean "/a"?"#),
        ("GET", "a?b", r#"a path begins with a slash: did you mean "/a?b"?"#),
        ("GET", "", r#"a path begins with a slash: did you mean "/"?"#),
        ("GET", "*", r#""*" is not a target for GET (RFC 9112 section 3.2)"#),
        ("GET", "urn:a", r#""urn:a" is not a target for GET"#),
        ("CONNECT", "/", r#""/" is not a target for CONNECT"#),
        ("get", "/", "methods are case-sensitive: did you mean GET?"),
        ("A B", "/", r#""A B" is not a method"#),
    ] {
        let text = panic_of(|| drop(client.request(method, target)));
        assert!(text.contains(expected), "{text}");
    }
    for (name, value, expected) in [
        ("A B", "", r#""A B" cannot be the name of a header field"#),
        ("A\r\nB", "", r#""A\r\nB" cannot be the name"#),
        ("A", "b\r\nc: d", r#"A cannot have the value "b\r\nc: d": no line ends"#),
        ("A", "\n", "A cannot have"),
        ("A", "\0", "A cannot have"),
        ("A", "\u{20ac}", "or characters beyond latin-1"),
        ("content-length", "1", "content-length comes from the body"),
        ("Transfer-Encoding", "chunked", "Transfer-Encoding comes from the body"),
    ] {
        let text = panic_of(|| drop(client.request("GET", "/").header(name, value)));
        assert!(text.contains(expected), "{text}");
        assert_eq!(panic_of(|| drop(echo().with_header(name, value))), text);
    }
    let text = panic_of(|| drop(client.post("/", "a\n", "")));
    assert!(text.starts_with("Content-Type cannot have the value"), "{text}");
}

/// Never responds, and logs the reason if there is one.
struct Silent {
    base: BaseHTTPRequestHandler,
    reason: Option<&'static str>,
}

#[http_handler(crate = crate)]
impl Silent {
    fn do_GET(&self) {}

    fn handle(&mut self) -> io::Result<()> {
        self.reason.map_or(Ok(()), |reason| Err(io::Error::other(reason)))
    }
}

#[test]
fn no_response_is_told_with_the_log() {
    let text = panic_of(|| drop(client(|base| Silent { base, reason: Some("not today") }).get("/a")));
    assert!(text.starts_with(r#"GET /a got "", which is not exactly one response"#), "{text}");
    assert!(text.contains("not today"), "{text}");
    let text = panic_of(|| drop(client(|base| Silent { base, reason: None }).get("/a")));
    assert!(text.ends_with("the handler logged: nothing"), "{text}");
}

/// Sends a hint before its response.
struct Hint {
    base: BaseHTTPRequestHandler,
}

#[http_handler(crate = crate)]
impl Hint {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response_only(103);
        self.send_header("Link", "</style.css>; rel=preload");
        self.end_headers()?;
        self.send_response(204);
        self.end_headers()
    }
}

#[test]
fn interim_responses_are_kept() {
    let response = client(|base| Hint { base }).get("/");
    assert_eq!((response.status, response.interim.len(), response.interim[0].status), (204, 1, 103));
    assert_eq!(response.interim[0].header("link"), Some("</style.css>; rel=preload"));
}

#[cfg(feature = "json")]
mod json {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::Response;

    #[test]
    fn a_value_is_sent_and_read() {
        let client = echo();
        let value = BTreeMap::from([("a", 1)]);
        let request = "Content-Type: application/json\nContent-Length: 7\n{\"a\":1}";
        assert!(client.post_json("/", &value).text().ends_with(request));
        assert!(client.put_json("/", &value).text().starts_with("PUT / "));
        assert!(client.put_json("/", &value).text().ends_with(request));
        assert!(client.patch_json("/", &value).text().starts_with("PATCH / "));
        assert!(client.patch_json("/", &value).text().ends_with(request));
        let response = client.request("PUT", "/").json(&value).send();
        assert!(response.text().starts_with("PUT /") && response.text().ends_with(request));
        let text = panic_of(|| drop(client.post_json("/", &BTreeMap::from([((1, 2), 3)]))));
        assert!(text.starts_with("the value cannot be serialized as JSON: key must be a string"), "{text}");
    }

    #[test]
    fn what_is_no_json_is_shown_as_far_as_it_helps() {
        let error = |body: String| {
            let response = Response { status: 404, body: body.into(), ..Response::default() };
            response.json::<u32>().unwrap_err().to_string()
        };
        let text = error("<p>No such user".to_owned());
        assert!(text.starts_with("the body of the 404 is not the expected JSON: "), "{text}");
        assert!(text.ends_with("<p>No such user"), "{text}");
        let long = error("\u{e9}".repeat(300));
        assert!(long.ends_with(&format!(": {}", "\u{e9}".repeat(200))), "{long}");
        assert_eq!(Response { body: b" 7 ".to_vec(), ..Response::default() }.json::<u32>().unwrap(), 7);
    }
}

#[test]
fn a_form_is_sent_as_by_a_browser() {
    let sent = echo().post_form("/", [("a b", "1+1"), ("\u{e9}", "*-._~"), ("", "")]);
    let text = sent.text();
    assert!(
        text.starts_with("POST / ") && text.contains("\nContent-Type: application/x-www-form-urlencoded\n")
    );
    assert!(text.ends_with("\na+b=1%2B1&%C3%A9=*-._%7E&="), "{text}");
    let none: [(&str, String); 0] = [];
    assert!(echo().post_form("/", none).text().ends_with("Content-Length: 0\n"));
    assert!(echo().request("PUT", "/").form([("a", "b")]).send().text().ends_with("\na=b"));
}
