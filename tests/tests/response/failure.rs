//! A failing handler: an error or a panic, before or after its head was sent.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{TestServer, run};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::show;

use crate::act::{Act, GET, GET10, Stage, say};

fn status_lines(output: &[u8]) -> usize {
    output.windows(9).filter(|window| window == b"HTTP/1.1 ").count()
}

/// Fails by an error or by a panic.
fn fails(panics: bool) -> io::Result<()> {
    assert!(!panics, "on purpose");
    Err(io::Error::other("on purpose"))
}

/// A server that answers `/good`, and at any other path fails after the response has begun.
fn failing(panics: bool, begin: fn(&Act) -> io::Result<()>) -> Stage {
    Stage::new(move |act| {
        if act.path() == "/good" {
            return say(act, "good");
        }
        begin(act)?;
        fails(panics)
    })
}

/// A failure before the head was sent is a clean 500. It is logged once, reported to `handle_error` once, and the server
/// continues.
fn check_before(panics: bool, begin: fn(&Act) -> io::Result<()>) {
    let stage = failing(panics, begin);
    let mut client = Client::new(&stage.server);
    let response = client.ask(GET);
    assert_eq!(response.status_line, "HTTP/1.1 500 Internal Server Error");
    assert_eq!(response.field("connection"), Some("close"));
    assert_eq!(response.field("x-begun"), None);
    assert_eq!(response.all("server").len(), 1);
    assert!(
        !response.text().contains("on purpose"),
        "the client learns nothing of the inside: {}",
        response.text()
    );
    client.assert_closed();
    assert_eq!(Client::new(&stage.server).ask("GET /good HTTP/1.1\r\nHost: a\r\n\r\n").text(), "good");
    let (log, errors) = stage.end();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("on purpose") && errors[0].contains("GET / HTTP/1.1"), "{errors:?}");
    assert_eq!(errors[0].contains("panicked"), panics, "{errors:?}");
    let about = log.iter().filter(|line| line.contains("on purpose")).count();
    assert_eq!(about, 1, "{log:?}");
    assert!(log.iter().any(|line| line.ends_with("\"GET / HTTP/1.1\" 500 -")), "{log:?}");
}

#[test]
fn an_error_before_anything() {
    check_before(false, |_| Ok(()));
}

#[test]
fn a_panic_before_anything() {
    check_before(true, |_| Ok(()));
}

#[expect(clippy::unnecessary_wraps, reason = "one of several deeds")]
fn open_head(act: &Act) -> io::Result<()> {
    act.send_response((200, "Begun"));
    act.send_header("X-Begun", "yes");
    Ok(())
}

#[test]
fn an_error_in_the_head() {
    check_before(false, open_head);
}

#[test]
fn a_panic_in_the_head() {
    check_before(true, open_head);
}

fn held_body(act: &Act) -> io::Result<()> {
    open_head(act)?;
    act.end_headers()?;
    act.wfile.write_all(b"begun")
}

#[test]
fn an_error_while_the_body_is_held_back() {
    check_before(false, held_body);
}

#[test]
fn a_panic_while_the_body_is_held_back() {
    check_before(true, held_body);
}

/// After the head was sent the client must see that the response is incomplete.
fn check_after(panics: bool, begin: fn(&Act) -> io::Result<()>) -> Vec<u8> {
    let stage = failing(panics, begin);
    let mut client = Client::new(&stage.server);
    let output = client.send(GET).send(GET).rest().expect("an orderly close");
    assert_eq!(status_lines(&output), 1, "{}", show(&output));
    assert_eq!(Client::new(&stage.server).ask("GET /good HTTP/1.1\r\nHost: a\r\n\r\n").text(), "good");
    let (log, errors) = stage.end();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].contains("panicked"), panics, "{errors:?}");
    let about: Vec<_> = log.iter().filter(|line| !line.ends_with(" 200 -")).collect();
    assert_eq!(about.len(), 1, "{log:?}");
    assert!(about[0].contains("on purpose"), "{log:?}");
    output
}

fn counted(act: &Act) -> io::Result<()> {
    act.send_response(200);
    act.send_header("Content-Length", 10);
    act.end_headers()?;
    act.wfile.write_all(b"hello")?;
    act.wfile.flush()
}

fn chunked(act: &Act) -> io::Result<()> {
    say(act, "hello")?;
    act.wfile.flush()?;
    act.wfile.write_all(b"world")
}

#[test]
fn an_error_after_the_head_with_a_length() {
    let output = check_after(false, counted);
    assert!(output.ends_with(b"\r\n\r\nhello"), "{}", show(&output));
}

#[test]
fn a_panic_after_the_head_with_a_length() {
    let output = check_after(true, counted);
    assert!(output.ends_with(b"\r\n\r\nhello"), "{}", show(&output));
}

fn assert_no_last_chunk(output: &[u8]) {
    let text = show(output);
    assert!(text.contains("Transfer-Encoding: chunked"), "{text}");
    assert!(text.contains("5\\r\\n\nhello\\r\\n\n"), "{text}");
    assert!(!output.windows(5).any(|window| window == b"0\r\n\r\n"), "{text}");
}

#[test]
fn an_error_after_the_head_in_chunks() {
    assert_no_last_chunk(&check_after(false, chunked));
}

#[test]
fn a_panic_after_the_head_in_chunks() {
    assert_no_last_chunk(&check_after(true, chunked));
}

#[test]
fn in_memory_a_cut_response_is_truncated() {
    for begin in [counted, chunked] {
        for panics in [false, true] {
            let (run, _) = Act::run([GET, GET].concat(), move |act| {
                begin(act)?;
                fails(panics)
            });
            assert_eq!(run.responses.len(), 1, "{}", show(&run.output));
            assert!(run.responses[0].truncated, "{}", show(&run.output));
            assert!(!run.responses[0].stays_open);
        }
    }
}

/// A body that ends with the connection is cut by a reset.
fn check_reset(request: &str, panics: bool, begin: fn(&Act) -> io::Result<()>) {
    let stage = Stage::new(move |act| {
        begin(act)?;
        fails(panics)
    });
    let mut client = Client::new(&stage.server);
    client.send(request).assert_reset();
    let (log, errors) = stage.end();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let about: Vec<_> = log.iter().filter(|line| !line.ends_with(" 200 -")).collect();
    assert_eq!(about.len(), 1, "{log:?}");
}

#[test]
fn an_error_in_a_body_that_ends_with_the_connection() {
    check_reset(GET10, false, chunked);
}

#[test]
fn a_panic_in_a_body_that_ends_with_the_connection() {
    check_reset(GET10, true, chunked);
}

#[test]
fn an_error_in_a_body_of_http_0_9() {
    check_reset("GET /\r\n", false, chunked);
}

#[test]
fn an_error_in_a_body_of_http_0_9_whose_length_only_the_server_knows() {
    check_reset("GET /\r\n", false, counted);
}

#[test]
fn too_little_body_for_http_0_9() {
    let stage = Stage::new(counted);
    Client::new(&stage.server).send("GET /\r\n").assert_reset();
}

#[test]
fn an_error_after_the_last_byte_does_the_response_no_harm() {
    let (run, log) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", 5);
        act.end_headers()?;
        act.wfile.write_all(b"hello")?;
        act.wfile.flush()?;
        fails(false)
    });
    assert!(run.output.ends_with(b"\r\n\r\nhello"), "{}", show(&run.output));
    assert!(!run.responses[0].truncated);
    assert!(log.has("on purpose"), "{:?}", log.lines());
}

/// An error page for it comes too late, but it remains a fault of the client: one line of the log, and no failure.
#[test]
fn a_fault_of_the_client_after_a_whole_response_is_no_failure_of_the_handler() {
    let stage = Stage::new(|act| {
        act.send_response(200);
        act.send_header("Content-Length", 4);
        act.end_headers()?;
        act.wfile.write_all(b"good")?;
        act.wfile.flush()?;
        match act.rfile.read_to_end(&mut Vec::new()) {
            Ok(_) => Ok(()),
            Err(_) => act.send_error((400, "A bad body")),
        }
    });
    let mut client = Client::new(&stage.server);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(client.ask(format!("{head}zz\r\n")).text(), "good");
    client.assert_closed();
    let (log, errors) = stage.end();
    assert!(errors.is_empty(), "{errors:?}");
    let about: Vec<_> = log.iter().filter(|line| line.contains("do_POST: ")).collect();
    assert!(matches!(&about[..], [line] if line.contains("chunk")), "{log:?}");
}

#[test]
fn a_head_that_fails_after_its_commit_is_whole() {
    let (run, log) = Act::run("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", |act| {
        chunked(act)?;
        fails(false)
    });
    assert_eq!(run.responses[0].status, 200);
    assert!(run.responses[0].body.is_empty(), "{}", show(&run.output));
    assert!(!log.lines().is_empty());
}

#[test]
fn a_panic_with_text_made_at_run_time() {
    let (run, log) = Act::run(GET, |act| panic!("on {}", act.path()));
    assert_eq!(run.responses[0].status, 500);
    assert!(log.has("panicked: on /"), "{:?}", log.lines());
}

#[test]
fn an_error_is_logged_with_the_method_that_failed() {
    let (_, log) = Act::run(GET, |_| fails(false));
    assert_eq!(log.lines()[0], "do_GET: on purpose");
}

#[test]
fn an_error_with_line_ends_is_one_line_of_the_log() {
    struct Base {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Base {
        fn do_GET(&self) -> Result<(), String> {
            Err(format!("a\nb\r\n\x1b[31m{}", self.path()))
        }
    }
    let run = run(|base| Base { base }, [GET]);
    assert_eq!(run.log.lines().count(), 3, "{:?}", run.log);
    assert!(run.log.contains(r"do_GET: a\x0ab\x0d\x0a\x1b[31m/"), "{:?}", run.log);
}

#[test]
fn the_cause_of_an_error_is_logged_where_its_type_tells_it() {
    struct Chain;
    impl std::fmt::Display for Chain {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(if f.alternate() { "outer: inner" } else { "outer" })
        }
    }
    struct Base {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Base {
        fn do_GET(&self) -> Result<(), Chain> {
            let _ = self.path();
            Err(Chain)
        }
    }
    let run = run(|base| Base { base }, [GET]);
    assert!(run.log.contains("do_GET: outer: inner"), "{:?}", run.log);
}

/// A handler that panics where a test says.
struct Trap {
    base: BaseHTTPRequestHandler,
    place: &'static str,
    log: Log,
}

impl Trap {
    fn spring(&self, place: &str) {
        spring(self.place, place, &self.log);
    }
}

/// Panics if the two places are the same, and records that.
fn spring(trap: &str, place: &str, log: &Log) {
    if trap == place {
        log.push(format!("sprung in {place}"));
        panic!("in {place}");
    }
}

#[http_handler]
impl Trap {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.spring("do_GET");
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(b"good")
    }

    fn do_ERROR(&self) -> io::Result<()> {
        self.send_error(404)
    }

    fn setup(&mut self) -> io::Result<()> {
        self.spring("setup");
        if self.place == "setup error" { Err(io::Error::other("no setup")) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.spring("finish");
        self.log.push("finished");
        Ok(())
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        self.spring("handle_one_request");
        BaseHTTPRequestHandler::handle_one_request(self)
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        self.spring("parse_request");
        BaseHTTPRequestHandler::parse_request(self)
    }

    fn send_error(&self, code: impl basehttp::ResponseCode) -> io::Result<()> {
        self.spring("send_error");
        BaseHTTPRequestHandler::send_error(self, code)
    }

    fn end_headers(&self) -> io::Result<()> {
        self.spring("end_headers");
        BaseHTTPRequestHandler::end_headers(self)
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.spring("log_message");
        self.log.push(message);
    }

    fn version_string(&self) -> std::borrow::Cow<'_, str> {
        self.spring("version_string");
        BaseHTTPRequestHandler::version_string(self)
    }
}

/// Makes error pages of its own, as the guide shows.
struct OwnPage {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl OwnPage {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("X-Begun", "yes");
        match self.path() {
            "/fails" => return Err(io::Error::other("on purpose")),
            "/panics" => panic!("on purpose"),
            "/asks" => return Err(io::Error::other(basehttp::HttpError::new(409, "Conflict"))),
            "/open" => return Ok(()),
            "/bad" => self.send_header("X-Bad", "a\nb"),
            "/late" => {
                self.end_headers()?;
                self.wfile.flush()?;
                let refused = self.discard_response().map_err(|error| error.kind());
                assert_eq!(refused, Err(io::ErrorKind::InvalidInput));
                return self.wfile.write_all(b"all");
            }
            "/keeps" => self.send_header("Connection", "close"),
            "/closes" => {
                self.set_close_connection(true);
                self.send_header("Connection", "keep-alive");
            }
            _ => {}
        }
        if matches!(self.path(), "/keeps" | "/closes" | "/calls" | "/other") {
            return self.send_error(404);
        }
        self.end_headers()
    }

    fn send_error(&self, code: impl basehttp::ResponseCode) -> io::Result<()> {
        if matches!(self.path(), "/calls" | "/keeps" | "/closes") {
            self.discard_response()?;
        }
        self.send_response(code.status());
        self.end_headers()?;
        write!(self.wfile, "own {}", code.status())
    }
}

/// Before the server calls an override of `send_error`, it drops what the method has begun. The override need not.
#[test]
fn a_page_of_ones_own_takes_the_place_of_what_was_begun() {
    for (path, status) in
        [("/fails", 500), ("/panics", 500), ("/asks", 409), ("/open", 500), ("/bad", 500), ("/calls", 404)]
    {
        let run = basehttp::testing::run(
            |base| OwnPage { base },
            [format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")],
        );
        assert_eq!(run.responses.len(), 1, "{path}: {}", run.log);
        let response = &run.responses[0];
        assert_eq!(
            (response.status, &*response.text()),
            (status, &*format!("own {status}")),
            "{path}: {}",
            run.log
        );
        assert_eq!(response.header("X-Begun"), None, "{path}");
    }
    // Without `discard_response`, what the method has begun is in the way.
    let other = basehttp::testing::client(|base| OwnPage { base }).get("/other");
    assert_eq!(other.status, 500);
    // What the dropped head said about the connection goes with it; what was said of the connection itself stays.
    for (path, responses) in [("/keeps", 2), ("/closes", 1)] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(2);
        let run = basehttp::testing::run(|base| OwnPage { base }, [request]);
        assert_eq!(run.responses.len(), responses, "{path}: {}", run.log);
        assert!(run.responses.iter().all(|response| response.status == 404), "{path}");
    }
    let late = basehttp::testing::client(|base| OwnPage { base }).get("/late");
    assert_eq!((late.status, &*late.text()), (200, "all"));
}

#[test]
fn a_panic_wherever_costs_one_connection() {
    let places = [
        "setup",
        "finish",
        "handle_one_request",
        "parse_request",
        "do_GET",
        "send_error",
        "end_headers",
        "log_message",
        "version_string",
        "factory",
    ];
    let count = std::sync::atomic::AtomicUsize::new(0);
    let log = Log::default();
    let of_handlers = log.clone();
    let server = TestServer::new(move |base| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let place = if number.is_multiple_of(2) { places[number / 2] } else { "" };
        spring(place, "factory", &of_handlers);
        Trap { base, place, log: of_handlers.clone() }
    });
    for place in places {
        for request in ["ERROR / HTTP/1.1\r\nHost: a\r\n\r\n", GET] {
            // Whatever happens to the first one, the next connection is served.
            let bad = request != GET;
            let request = if bad && place != "send_error" { GET } else { request };
            let mut client = Client::new(&server);
            client.send(request).end();
            let output = client.rest();
            if bad && matches!(place, "setup" | "factory") {
                // Closed, in order or with a reset.
                assert!(output.unwrap_or_default().is_empty(), "{place}");
            } else if bad && place != "finish" {
                let output = output.expect("an orderly close");
                assert!(output.starts_with(b"HTTP/1.1 500 "), "{place}: {}", show(&output));
                assert_eq!(status_lines(&output), 1, "{place}");
            } else {
                let output = output.expect("an orderly close");
                assert!(output.ends_with(b"good"), "{place}: {}", show(&output));
            }
        }
        log.wait_for(&format!("sprung in {place}"));
    }
}

#[test]
fn finish_is_called_whatever_happened() {
    for place in ["", "setup error", "setup", "handle_one_request", "do_GET", "end_headers"] {
        let log = Log::default();
        let get = log.clone();
        run(move |base| Trap { base, place, log: get.clone() }, [GET]);
        let times = log.lines().iter().filter(|line| *line == "finished").count();
        assert_eq!(times, 1, "{place}: {:?}", log.lines());
    }
}

#[test]
fn an_error_of_setup_closes_without_an_answer() {
    let log = Log::default();
    let get = log.clone();
    let run = run(move |base| Trap { base, place: "setup error", log: get.clone() }, [GET]);
    assert!(run.output.is_empty());
    assert!(log.has("setup: no setup"), "{:?}", log.lines());
}
