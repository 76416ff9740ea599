//! The instance variables.

use std::io;

use basehttp::Address;
use basehttp::prelude::*;
use basehttp::testing::{respond, run};

use crate::GET;

/// Sends one of its variables, which the path names.
struct Tell {
    base: BaseHTTPRequestHandler,
    requests: u32,
}

#[http_handler]
impl Tell {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        self.requests += 1;
        let text = format!(
            "{}|{}|{}|{}|{}",
            self.command(),
            self.path(),
            self.request_version(),
            self.requestline(),
            self.close_connection()
        );
        self.tell(&text)
    }

    fn do_COUNT(&mut self) -> io::Result<()> {
        self.requests += 1;
        self.tell(&self.requests.to_string())
    }

    fn do_CLOSE(&self) -> io::Result<()> {
        let before = self.close_connection();
        self.set_close_connection(true);
        self.tell(&format!("{before} {}", self.close_connection()))
    }

    fn do_KEEP(&self) -> io::Result<()> {
        self.set_close_connection(true);
        self.set_close_connection(false);
        self.tell(&self.close_connection().to_string())
    }

    fn do_SETPATH(&mut self) -> io::Result<()> {
        let path = format!("/prefix{}", self.base.path());
        self.base.set_path(path);
        self.tell(&format!("{} {}", self.path(), self.requestline()))
    }

    fn do_ADDRESS(&self) -> io::Result<()> {
        let address = self.client_address();
        self.tell(&format!("{address} {:?} {:?} {:?}", address.ip(), address.port(), address.path()))
    }

    fn do_SERVER(&self) -> io::Result<()> {
        let server = self.server();
        self.tell(&format!("{} {}", server.server_name(), server.server_port()))
    }

    fn do_FAULT(&self) -> io::Result<()> {
        self.tell(&format!("{:?}", self.fault()))
    }

    fn do_HEADERS(&self) -> io::Result<()> {
        let headers = self.headers();
        let all: Vec<_> = headers.get_all("x").collect();
        let get = (headers.get("X"), headers.get("none"), headers.contains("HOST"), headers.len());
        self.tell(&format!("{all:?} {get:?} {:?}", headers.iter().last()))
    }

    fn tell(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }
}

fn texts(input: &str) -> Vec<String> {
    let responses = respond(|base| Tell { base, requests: 0 }, input.as_bytes());
    responses.iter().map(|response| response.text().into_owned()).collect()
}

#[test]
fn command_path_request_version_and_requestline() {
    assert_eq!(
        texts("GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n"),
        ["GET|/a?b=c|HTTP/1.1|GET /a?b=c HTTP/1.1|false"]
    );
    assert_eq!(texts("GET /a HTTP/1.0\r\n\r\n"), ["GET|/a|HTTP/1.0|GET /a HTTP/1.0|true"]);
    assert_eq!(texts("GET /a\r\n"), ["GET|/a|HTTP/0.9|GET /a|true"]);
}

#[test]
fn command_is_head_where_do_get_answers_a_head() {
    let run = run(|base| Tell { base, requests: 0 }, ["HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"]);
    let length = "HEAD|/a|HTTP/1.1|HEAD /a HTTP/1.1|false".len().to_string();
    assert_eq!(run.responses[0].header("content-length"), Some(&*length));
}

#[test]
fn the_path_has_one_slash_at_its_front_and_the_requestline_what_was_sent() {
    assert_eq!(
        texts("GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ["GET|/a//b|HTTP/1.1|GET //a//b HTTP/1.1|false"]
    );
}

#[test]
fn text_that_is_not_ascii_is_latin_1() {
    let input = b"GET /\xe4\xff?\xe9 HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = respond(|base| Tell { base, requests: 0 }, input);
    assert_eq!(responses[0].text(), "GET|/äÿ?é|HTTP/1.1|GET /äÿ?é HTTP/1.1|false");
}

#[test]
fn variables_are_those_of_the_current_request() {
    let input = "GET /long/path?x HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    assert_eq!(
        texts(input),
        ["GET|/long/path?x|HTTP/1.1|GET /long/path?x HTTP/1.1|false", "GET|/|HTTP/1.0|GET / HTTP/1.0|true"]
    );
    let input = "HEADERS / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\nHEADERS / HTTP/1.1\r\nHost: a\r\n\r\n";
    let texts = texts(input);
    assert!(texts[0].starts_with("[\"1\"] (Some(\"1\"), None, true, 2)"), "{texts:?}");
    assert!(texts[1].starts_with("[] (None, None, true, 1)"), "{texts:?}");
}

#[test]
fn own_fields_live_as_long_as_the_connection() {
    let count = "COUNT / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(texts(&count.repeat(3)), ["1", "2", "3"]);
    assert_eq!(texts(count), ["1"]);
}

#[test]
fn client_address() {
    let texts = texts("ADDRESS / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(texts, ["127.0.0.1:54321 Some(127.0.0.1) Some(54321) None"]);
    let v6 = Address::from(std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 80)));
    assert_eq!(v6.to_string(), "[::1]:80");
}

#[test]
fn server() {
    assert_eq!(texts("SERVER / HTTP/1.1\r\nHost: a\r\n\r\n"), ["localhost 80"]);
}

#[test]
fn headers() {
    let texts = texts("HEADERS / HTTP/1.1\r\nHost: a\r\nx: 1\r\nX: 2\r\nLast: z\r\n\r\n");
    assert_eq!(texts, ["[\"1\", \"2\"] (Some(\"1\"), None, true, 4) Some((\"Last\", \"z\"))"]);
}

#[test]
fn set_close_connection() {
    let close = "CLOSE / HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = respond(|base| Tell { base, requests: 0 }, [close, GET].concat().as_bytes());
    assert_eq!(responses.len(), 1);
    assert_eq!(responses[0].text(), "false true");
    assert_eq!(responses[0].header("connection"), Some("close"));
}

#[test]
fn close_connection_can_be_taken_back() {
    let keep = "KEEP / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(texts(&keep.repeat(2)), ["false", "false"]);
}

#[test]
fn close_connection_cannot_be_taken_back_against_the_client() {
    let keep = "KEEP / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(texts(&keep.repeat(2)), ["true"]);
}

#[test]
fn set_path() {
    let texts = texts("SETPATH /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(texts[0], "/prefix/x SETPATH /x HTTP/1.1");
    assert!(texts[1].starts_with("GET|/y|"), "the next request has its own: {texts:?}");
}

#[test]
fn fault_is_none_for_a_good_request() {
    assert_eq!(texts("FAULT / HTTP/1.1\r\nHost: a\r\n\r\n"), ["None"]);
}

#[test]
fn the_base_is_send() {
    fn is_send<T: Send>() {}
    is_send::<BaseHTTPRequestHandler>();
    is_send::<Tell>();
}

/// Asks for a request's variables when there is no request, and serves the first itself if it is told to.
struct Early {
    base: BaseHTTPRequestHandler,
    serves_in_setup: bool,
}

#[http_handler]
impl Early {
    const protocol_version: &str = "HTTP/1.1";

    fn setup(&mut self) -> io::Result<()> {
        assert_eq!((self.headers().len(), self.path()), (0, ""));
        self.base.set_path("/of-setup");
        if self.serves_in_setup { self.handle_one_request() } else { Ok(()) }
    }

    fn do_POST(&self) -> io::Result<()> {
        // The rest of the body stays in the buffer of `rfile`.
        let mut line = String::new();
        self.rfile.read_line(&mut line)?;
        let text = format!("{} {} {}", self.path(), self.headers().get("X").unwrap_or_default(), line.trim());
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[test]
fn nothing_of_a_request_is_left_for_the_next_one() {
    let post = |path: &str, x: &str| {
        let body = format!("first {x}\nsecond {x}\n");
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nX: {x}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let input = [post("/1", "a"), post("/2", "b"), post("/3", "c")].concat();
    for serves_in_setup in [false, true] {
        let run = run(|base| Early { base, serves_in_setup }, [&input]);
        let texts: Vec<_> = run.responses.iter().map(|response| response.text().into_owned()).collect();
        assert_eq!(texts, ["/1 a first a", "/2 b first b", "/3 c first c"], "{serves_in_setup}: {}", run.log);
    }
}
