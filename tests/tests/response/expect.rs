//! `Expect: 100-continue`: answered when the handler first reads the body, or never.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{TestServer, run};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::show;

use crate::act::{Act, GET, Stage, say};

const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn echo(act: &Act) -> io::Result<()> {
    let body = act.read_body(1000)?;
    say(act, &String::from_utf8_lossy(&body))
}

#[test]
fn the_first_read_invites_the_body() {
    let stage = Stage::new(echo);
    let mut client = Client::new(&stage.server);
    for _ in 0..2 {
        assert_eq!(client.send(HEAD).read_up_to(b"\r\n\r\n"), CONTINUE);
        let response = client.ask("hello");
        assert_eq!((response.status, &*response.text()), (200, "hello"));
        assert_eq!(response.field("connection"), None, "the connection stays open");
    }
    assert_eq!(client.ask(GET).status, 200);
}

#[test]
fn once_only() {
    let stage = Stage::new(|act| {
        let mut body = Vec::new();
        for _ in 0..5 {
            let mut byte = [0];
            act.rfile.read_exact(&mut byte)?;
            body.extend(byte);
        }
        say(act, &String::from_utf8_lossy(&body))
    });
    let mut client = Client::new(&stage.server);
    assert_eq!(client.send(HEAD).read_up_to(b"\r\n\r\n"), CONTINUE);
    client.send("he");
    let response = client.ask("llo");
    assert_eq!((response.status, &*response.text()), (200, "hello"));
}

#[test]
fn a_chunked_body_is_invited_too() {
    let stage = Stage::new(echo);
    let mut client = Client::new(&stage.server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.read_up_to(b"\r\n\r\n"), CONTINUE);
    assert_eq!(client.ask("5\r\nhello\r\n0\r\n\r\n").text(), "hello");
    assert_eq!(client.ask(GET).status, 200);
}

#[test]
fn a_body_that_nobody_reads_is_not_invited() {
    let stage = Stage::new(|act| say(act, "no, thank you"));
    let mut client = Client::new(&stage.server);
    let response = client.ask(HEAD);
    assert_eq!((response.status, &*response.text()), (200, "no, thank you"));
    assert_eq!(response.field("connection"), Some("close"), "the body may come or not");
    client.assert_closed();
}

#[test]
fn a_body_that_would_be_refused_is_not_invited() {
    let (run, _) = Act::run(HEAD.replace("Length: 5", "Length: 1001"), echo);
    let response = &run.responses[0];
    assert_eq!((response.status, response.interim.len(), response.stays_open), (413, 0, false));
}

#[test]
fn a_body_that_comes_all_the_same_is_no_request() {
    let stage = Stage::new(|act| say(act, "no, thank you"));
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = HEAD.replace("Length: 5", &format!("Length: {}", smuggled.len()));
    let mut client = Client::new(&stage.server);
    let response = client.ask(format!("{head}{smuggled}"));
    assert_eq!(response.status, 200);
    client.assert_closed();
    assert!(!stage.log.has("smuggled"));
}

#[test]
fn a_read_after_the_head_was_made_invites_nobody_any_more() {
    let (run, _) = Act::run([HEAD, "hello"].concat(), |act| {
        say(act, "early ")?;
        let body = act.read_body(1000)?;
        act.wfile.write_all(&body)
    });
    assert_eq!(run.responses[0].interim.len(), 0, "{}", show(&run.output));
    assert_eq!(run.responses[0].text(), "early hello");
}

#[test]
fn a_body_that_is_here_is_read_and_the_connection_kept() {
    let (run, _) = Act::run([HEAD, "hello", GET].concat(), echo);
    let found: Vec<_> = run.responses.iter().map(|response| response.text()).collect();
    assert_eq!(found, ["hello", ""], "{}", show(&run.output));
}

#[test]
fn in_http_1_0_it_is_ignored() {
    let (run, _) = Act::run(HEAD.replace("HTTP/1.1", "HTTP/1.0") + "hello", echo);
    assert!(run.output.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", show(&run.output));
    assert_eq!(run.responses[0].text(), "hello");
}

#[test]
fn without_a_body_there_is_nothing_to_invite() {
    let input = "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n";
    let (run, _) = Act::run([input, GET].concat(), echo);
    assert_eq!(run.responses.len(), 2);
    assert!(run.output.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", show(&run.output));
}

/// Decides by the path.
struct Picky {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl Picky {
    const protocol_version: &str = "HTTP/1.1";

    fn do_POST(&self) -> io::Result<()> {
        self.log.push("do_POST");
        let body = self.read_body(1000)?;
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&body)
    }

    fn handle_expect_100(&mut self) -> io::Result<bool> {
        self.log.push("handle_expect_100");
        match self.path() {
            "/refused" => {
                self.send_error(417)?;
                Ok(false)
            }
            "/at-once" => {
                self.send_response_only(100);
                self.end_headers()?;
                Ok(true)
            }
            _ => BaseHTTPRequestHandler::handle_expect_100(self),
        }
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[test]
fn handle_expect_100_can_refuse() {
    let log = Log::default();
    let get = log.clone();
    let input = HEAD.replace("/ ", "/refused ") + "hello" + GET;
    let run = run(move |base| Picky { base, log: get.clone() }, [input]);
    assert_eq!(run.responses.len(), 1, "{}", show(&run.output));
    let response = &run.responses[0];
    assert_eq!((response.status, &*response.reason), (417, "Expectation Failed"));
    assert_eq!(response.headers.get_all("connection").collect::<Vec<_>>(), ["close"]);
    assert_eq!(log.lines(), ["handle_expect_100"]);
}

#[test]
fn handle_expect_100_can_invite_at_once() {
    let log = Log::default();
    let get = log.clone();
    let server = TestServer::new(move |base| Picky { base, log: get.clone() });
    let mut client = Client::new(&server);
    for _ in 0..2 {
        assert_eq!(client.send(HEAD.replace("/ ", "/at-once ")).read_up_to(b"\r\n\r\n"), CONTINUE);
        let response = client.ask("hello");
        assert_eq!((response.status, &*response.text()), (200, "hello"), "invited once");
    }
}

#[test]
fn handle_expect_100_is_not_called_without_the_field() {
    let log = Log::default();
    let get = log.clone();
    let input = HEAD.replace("Expect: 100-continue\r\n", "") + "hello";
    run(move |base| Picky { base, log: get.clone() }, [input]);
    assert_eq!(log.lines(), ["do_POST"]);
}
