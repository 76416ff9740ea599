//! Limits of requests, of bytes that wait, and of the time that a client may take.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::{Piece, TestServer, run_timed};
use basehttp_tests::client::{Client, Response, is_reset};
use basehttp_tests::wait_until;

use crate::{BIG, GET, Keys, gated};

const SHORT: Duration = Duration::from_millis(20);
/// Longer than a test waits.
const LONG: Duration = Duration::from_secs(1000);
const GET_BIG: &str = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";

fn start(builder: ServerBuilder) -> (TestServer, Keys) {
    let (factory, keys) = gated();
    (TestServer::with(builder, factory), keys)
}

/// The response ends before its end.
fn assert_cut(client: &Client) {
    let mut body = Vec::new();
    if let Err(error) = client.stream().read_to_end(&mut body) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
    }
    assert!(body.len() < BIG, "all of it has come");
}

fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn the_last_request_of_a_connection_is_told_so() {
    let (server, _keys) = start(HTTPServer::builder().max_requests_per_connection(3));
    for _ in 0..2 {
        let mut client = Client::new(&server);
        let responses: Vec<_> = (0..3).map(|_| client.ask(GET)).collect();
        assert!(responses.iter().all(|response| response.status == 200));
        let last: Vec<_> = responses.iter().map(|response| response.field("connection")).collect();
        assert_eq!(last, [None, None, Some("close")]);
        client.assert_closed();
    }
}

#[test]
fn pipelined_requests_beyond_the_last_are_not_answered() {
    let (server, _keys) = start(HTTPServer::builder().max_requests_per_connection(2));
    let mut client = Client::new(&server);
    client.send(GET.repeat(3)).end();
    assert_eq!(client.response().status, 200);
    assert_eq!(client.response().field("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn up_to_the_high_water_mark_a_write_does_not_wait_for_its_client() {
    let (server, keys) = start(HTTPServer::builder().write_high_water(BIG));
    let mut client = Client::new(&server);
    client.send(GET_BIG);
    // The client has read nothing, and the handler is done.
    keys.wait();
    let body = client.response().body;
    assert_eq!(body.len(), BIG);
    assert_eq!(body.iter().position(|byte| *byte == b'y'), Some(BIG / 2));
}

#[test]
fn above_the_high_water_mark_a_write_waits_for_its_client() {
    for high_water in [0, 1000, 64 * 1024] {
        let builder = HTTPServer::builder().write_high_water(high_water).write_timeout(SHORT);
        let (server, keys) = start(builder);
        let mut client = Client::new(&server);
        client.send(GET_BIG);
        // A client that takes nothing is given up, which would not be noticed below the mark.
        keys.wait();
        assert_cut(&client);
    }
}

#[test]
fn a_reader_gets_all_in_order_whatever_the_mark_is() {
    for high_water in [0, 1, 20_000, 1 << 20] {
        let (server, _keys) = start(HTTPServer::builder().write_high_water(high_water).response_buffer(100));
        let body = Client::new(&server).ask(GET_BIG).body;
        assert_eq!(body.len(), BIG);
        assert_eq!(body.iter().position(|byte| *byte == b'y'), Some(BIG / 2));
        assert!(body[BIG / 2..].iter().all(|byte| *byte == b'y'));
    }
}

#[test]
fn a_handler_sets_its_own_write_timeout() {
    let (server, keys) = start(HTTPServer::builder().write_timeout(LONG).response_timeout(LONG));
    let mut client = Client::new(&server);
    client.send("GET /slow-reader HTTP/1.1\r\nHost: a\r\n\r\n");
    keys.wait();
    assert_cut(&client);
}

#[test]
fn a_handler_sets_its_own_read_timeout_for_one_request() {
    let (server, _keys) = start(HTTPServer::builder().gather_limit(0).read_timeout(LONG).body_timeout(LONG));
    let mut client = Client::new(&server);
    assert_eq!(client.ask(post("/own", 2) + "ab").text(), "2");
    // The next request has the server's again, which waits for the client.
    client.send(post("/", 2) + "a");
    thread::sleep(SHORT * 3);
    assert_eq!(client.ask("b").text(), "2");
    assert_eq!(client.ask(post("/own", 2) + "a").status, 408);
    client.assert_closed();
}

#[test]
fn what_is_set_in_setup_is_for_all_requests() {
    struct Hasty {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Hasty {
        const protocol_version: &str = "HTTP/1.1";
        fn setup(&mut self) -> std::io::Result<()> {
            self.set_read_timeout(SHORT);
            Ok(())
        }
        fn do_POST(&self) -> std::io::Result<()> {
            let body = self.read_body(10)?;
            self.send_response(200);
            self.end_headers()?;
            self.wfile.write_all(&body)
        }
        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }
    let server = TestServer::new(|base| Hasty { base });
    let mut client = Client::new(&server);
    assert_eq!(client.ask(post("/", 2) + "ab").text(), "ab");
    assert_eq!(client.ask(post("/", 2) + "a").status, 408);
}

/// Sends a byte now and then until there is a response.
fn trickle(server: &TestServer, path: &str, length: usize) -> Response {
    let mut client = Client::new(server);
    client.send(post(path, length));
    let mut stream = client.stream().try_clone().unwrap();
    let answered = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..length {
                if answered.load(Ordering::SeqCst) || stream.write_all(b"x").is_err() {
                    break;
                }
                thread::sleep(SHORT / 2);
            }
        });
        let response = client.response();
        answered.store(true, Ordering::SeqCst);
        response
    })
}

#[test]
fn a_body_that_trickles_in_has_a_deadline_as_a_whole() {
    // Before the handler is called, and when it reads.
    for gather_limit in [1 << 20, 0] {
        let builder = HTTPServer::builder().gather_limit(gather_limit).body_timeout(SHORT * 5);
        let (server, _keys) = start(builder);
        assert_eq!(trickle(&server, "/", 1 << 16).status, 408);
    }
}

#[test]
fn a_handler_that_sets_its_own_read_timeout_minds_the_whole_itself() {
    let (server, _keys) = start(HTTPServer::builder().gather_limit(0).body_timeout(SHORT));
    assert_eq!(trickle(&server, "/patient", 20).text(), "20");
}

/// On the clock of the test: 100 seconds of pauses, none of which reaches 30, for a body that has 60.
#[test]
fn a_body_that_comes_fast_enough_may_take_longer_than_its_deadline() {
    let statuses = |piece: usize| {
        let head = Piece::Bytes(post("/", 4 * piece).into_bytes());
        let pieces =
            (0..4).flat_map(|_| [Piece::Pause(Duration::from_secs(25)), Piece::Bytes(vec![b'x'; piece])]);
        let run = run_timed(gated().0, [head].into_iter().chain(pieces));
        run.responses
            .iter()
            .map(|response| (response.status, response.text().into_owned()))
            .collect::<Vec<_>>()
    };
    // The first part is gathered, the rest is read by the handler.
    assert_eq!(statuses(30_000), [(200, "120000".to_owned())]);
    // Each part earns the time that it would take at 1000 bytes a second: 100 seconds less three parts are 60 or not.
    assert_eq!(statuses(14_000), [(200, "56000".to_owned())]);
    assert_eq!(statuses(13_000)[0].0, 408);
}

#[test]
fn a_response_that_is_taken_a_little_at_a_time_has_a_deadline_as_a_whole() {
    // While the handler writes, and when it has returned.
    for high_water in [1 << 16, BIG] {
        let builder = HTTPServer::builder().write_high_water(high_water).response_timeout(SHORT * 5);
        let (server, keys) = start(builder);
        let mut client = Client::new(&server);
        client.send(GET_BIG);
        let mut taken = 0;
        // What the system has for the client can be read after the connection was reset.
        wait_until("the connection is reset", || {
            let read = client.stream().read(&mut [0; 8]);
            let is_told = read.is_err();
            taken += read.unwrap_or(0);
            thread::sleep(SHORT / 2);
            is_told || is_reset(client.stream())
        });
        assert!(taken < BIG, "all of it has come");
        keys.wait();
    }
}

#[test]
fn a_handler_that_sets_its_own_write_timeout_minds_the_whole_itself() {
    let (server, keys) = start(HTTPServer::builder().response_timeout(SHORT));
    let mut client = Client::new(&server);
    client.send("GET /patient HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(SHORT * 5);
    assert_eq!(client.response().body.len(), BIG);
    keys.wait();
}

/// Writes for as long as it can, and counts.
#[cfg(target_os = "linux")]
struct Pouring {
    base: BaseHTTPRequestHandler,
    poured: Arc<AtomicUsize>,
}

#[cfg(target_os = "linux")]
#[http_handler]
impl Pouring {
    fn do_GET(&self) -> std::io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        loop {
            self.wfile.write_all(&[b'x'; 1 << 12])?;
            self.poured.fetch_add(1 << 12, Ordering::SeqCst);
        }
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// Otherwise a client that reads slowly, but all the time, would seem to take nothing for minutes.
#[test]
#[cfg(target_os = "linux")]
fn the_system_does_not_hoard_a_response_for_a_slow_reader() {
    let poured = Arc::new(AtomicUsize::new(0));
    let factory = {
        let poured = poured.clone();
        move |base| Pouring { base, poured: poured.clone() }
    };
    let builder = HTTPServer::builder().write_high_water(0).response_buffer(0).write_timeout(SHORT);
    let server = TestServer::with(builder, factory);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1 << 14).unwrap();
    socket.connect(&server.address().into()).unwrap();
    let mut stream = std::net::TcpStream::from(socket);
    stream.write_all(GET.as_bytes()).unwrap();
    wait_until("the handler is given up", || stream.take_error().unwrap().is_some());
    let poured = poured.load(Ordering::SeqCst);
    assert!((1 << 12..=1 << 18).contains(&poured), "{poured} bytes for a client with room for 32 KiB");
}

struct Counting {
    base: BaseHTTPRequestHandler,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    handlers: AtomicUsize,
    is_late: AtomicBool,
}

#[http_handler]
impl Counting {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> std::io::Result<()> {
        self.seen.handlers.fetch_add(1, Ordering::SeqCst);
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&vec![b'x'; 60_000])
    }

    fn log_request(&self, _code: Option<HTTPStatus>, _size: Option<u64>) {}

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {
        self.seen.is_late.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_client_that_has_taken_nothing_in_time_gets_no_more_handlers() {
    const REQUESTS: usize = 20_000;
    let seen = Arc::new(Seen::default());
    let told = seen.clone();
    let builder = HTTPServer::builder().write_timeout(SHORT);
    let server = TestServer::with(builder, move |base| Counting { base, seen: told.clone() });
    let mut client = server.connect().unwrap();
    // It fails as soon as the server has given up.
    let _ = client.write_all(GET.repeat(REQUESTS).as_bytes());
    wait_until("the server has given up", || seen.is_late.load(Ordering::SeqCst));
    let _ = client.read_to_end(&mut Vec::new());
    drop(server);
    // The system buffers some megabytes, which is some hundred responses.
    let handlers = seen.handlers.load(Ordering::SeqCst);
    assert!(handlers < REQUESTS / 10, "{handlers} handlers have run");
}
