//! The end of a server: requested from any thread, and observed by all.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp::{ServerBuilder, ServerHandle};
use basehttp_tests::client::Client;
use basehttp_tests::gate::{Gate, gate};
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, show, wait_until};
use socket2::SockRef;

use crate::stage::{GET, Stage, WAIT, factory, get, say, turn};

/// A server at an address that no other test has, so that its port stays free between two servers.
struct Serving {
    port: u16,
    handle: ServerHandle,
    thread: JoinHandle<io::Result<()>>,
}

const HOST: &str = "127.0.11.1";

/// Longer than a test waits for the end of a server.
const GRACE: Duration = PATIENCE.saturating_add(Duration::from_secs(10));

impl Serving {
    fn at(port: u16) -> Self {
        let mut server = HTTPServer::bind((HOST, port), factory(|act| say(act, act.path()))).unwrap();
        let port = server.server_port();
        let handle = server.handle();
        let thread = thread::spawn(move || server.serve_forever());
        Self { port, handle, thread }
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect((HOST, self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client::over(stream)
    }
}

fn gated(builder: ServerBuilder) -> (Stage, Gate) {
    let (gate, bar) = gate();
    let stage = Stage::with(builder, move |act| {
        if act.path() == "/wait" {
            bar.pass()?;
        }
        say(act, act.path())
    });
    (stage, gate)
}

fn wait_for_no_threads() {
    #[cfg(target_os = "linux")]
    wait_until("no thread is left", || basehttp_tests::process::server_threads() == 0);
}

#[test]
fn rule_11_a_handler_may_shut_its_server_down_and_is_answered() {
    let _turn = turn();
    for _ in 0..20 {
        let mut server = HTTPServer::bind(
            ("127.0.0.1", 0),
            factory(|act| {
                act.server().handle().shutdown();
                say(act, "bye")
            }),
        )
        .unwrap();
        let port = server.server_port();
        let serving = thread::spawn(move || server.serve_forever());
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client::over(stream);
        let response = client.ask(GET);
        assert_eq!(response.text(), "bye");
        client.stream().shutdown(Shutdown::Both).unwrap();
        serving.join().unwrap().unwrap();
        wait_for_no_threads();
    }
}

#[test]
fn rule_11_idle_connections_end_and_running_handlers_are_answered() {
    let (stage, gate) = gated(HTTPServer::builder().shutdown_grace(GRACE));
    let mut idle: Vec<_> = (0..10).map(|_| stage.client()).collect();
    for client in &mut idle[..5] {
        assert_eq!(client.ask(GET).text(), "/");
    }
    let mut busy: Vec<_> = (0..4).map(|_| stage.client()).collect();
    for client in &mut busy {
        client.send(WAIT);
    }
    gate.wait_for(4);
    // The server knows the others.
    assert_eq!(stage.client().ask(GET).text(), "/");
    stage.server.handle().shutdown();
    for client in &mut idle {
        client.assert_closed();
    }
    gate.stay_open();
    for client in &mut busy {
        assert_eq!(client.response().text(), "/wait");
        // It came back to a server that has ended.
        client.assert_closed();
    }
    let Stage { server, .. } = stage;
    drop(server);
    wait_for_no_threads();
}

#[test]
fn rule_11_a_response_that_begins_after_the_shutdown_says_that_it_is_the_last() {
    let (stage, gate) = gated(HTTPServer::builder().shutdown_grace(GRACE));
    let mut client = stage.client();
    client.send(WAIT);
    gate.wait_for(1);
    stage.server.handle().shutdown();
    gate.stay_open();
    assert_eq!(client.response().field("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn rule_11_what_the_system_has_queued_is_served() {
    let (gate, bar) = gate();
    let turn = turn();
    // The accepting thread waits here, so all other connections are in the system's queue when the server ends.
    let builder = HTTPServer::builder().shutdown_grace(GRACE).verify_request(move |_| bar.pass().is_ok());
    let server = TestServer::with(builder, factory(|act| say(act, act.path())));
    let mut clients: Vec<_> = (0..150).map(|_| Client::new(&server)).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(get(&format!("/{n}")));
    }
    gate.wait_for(1);
    server.handle().shutdown();
    gate.stay_open();
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.response().text(), format!("/{n}"));
        client.assert_closed();
    }
    drop(clients);
    drop(server);
    wait_for_no_threads();
    drop(turn);
}

#[test]
fn rule_11_a_handler_that_does_not_return_does_not_hold_up_the_end() {
    let (gate, bar) = gate();
    let _turn = turn();
    let builder = HTTPServer::builder().shutdown_grace(Duration::from_millis(50));
    let act = factory(move |act| {
        bar.pass()?;
        say(act, act.path())
    });
    let server = TestServer::with(builder, act);
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&server)).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    gate.wait_for(4);
    // It returns while they wait.
    drop(server);
    assert_eq!(gate.came(), 4);
    gate.stay_open();
    for client in &mut clients {
        // Their connections were cut.
        let rest = client.rest().unwrap_or_default();
        assert!(rest.is_empty(), "{}", show(&rest));
    }
    wait_for_no_threads();
}

#[test]
fn rule_11_a_refused_client_that_stays_does_not_hold_up_the_end() {
    let builder =
        HTTPServer::builder().max_threads(1).queue_timeout(Duration::from_millis(50)).shutdown_grace(GRACE);
    let (stage, gate) = gated(builder);
    let mut stuck = stage.client();
    stuck.send(WAIT);
    gate.wait_for(1);
    // Refused with its request, refused before all of it had arrived, and silent: none of them closes.
    let mut refused: Vec<_> = (0..2).map(|_| stage.client()).collect();
    let _silent = stage.client();
    refused[0].send(GET);
    refused[1].send("GET / HT");
    for client in &mut refused {
        assert_eq!(client.response().status, 503);
    }
    gate.stay_open();
    assert_eq!(stuck.response().text(), "/wait");
    stage.server.handle().shutdown();
    stage.server.handle().wait();
    wait_for_no_threads();
}

/// A client that continues gets its next request answered, and learns that it is the last.
#[test]
fn rule_11_a_connection_that_was_busy_a_moment_ago_has_time_for_its_next_request() {
    for shards in [1, 2] {
        let stage = Stage::with(HTTPServer::builder().compute_threads(shards), |act| say(act, act.path()));
        let mut clients: Vec<_> = (0..8).map(|_| stage.client()).collect();
        let asked = Instant::now();
        for client in &mut clients {
            assert_eq!(client.ask(GET).field("Connection"), None);
        }
        stage.server.handle().shutdown_within(GRACE);
        wait_until("the server stops", || stage.server.connect().is_err());
        for client in &mut clients {
            client.send(GET);
            // On a slow machine the time may be over.
            match client.try_response() {
                Ok(response) => assert_eq!(response.field("Connection"), Some("close")),
                Err(error) => assert!(asked.elapsed() > Duration::from_secs(1), "{error}"),
            }
            client.assert_closed();
        }
    }
}

/// It waits for a next request that does not come, and its response is still on its way.
#[test]
fn rule_11_what_an_idle_connection_was_sent_arrives_though_the_grace_is_over() {
    const BODY: usize = 100_000;
    let stage = Stage::new(|act| say(act, &"x".repeat(BODY)));
    let client = stage.client();
    SockRef::from(client.stream()).set_recv_buffer_size(4096).unwrap();
    let mut client = client;
    client.send(GET);
    let handle = stage.server.handle();
    wait_until("the system has the response", || handle.stats().bytes_sent > BODY as u64);
    handle.shutdown_within(Duration::from_millis(50));
    handle.wait();
    let rest = client.rest().unwrap();
    assert_eq!(String::from_utf8(rest).unwrap().matches('x').count(), BODY);
}

/// It was busy when it got its response, however long that took.
#[test]
fn rule_11_the_time_for_the_next_request_begins_with_the_response() {
    let stage = Stage::new(|act| {
        thread::sleep(Duration::from_millis(1200));
        say(act, act.path())
    });
    let mut client = stage.client();
    client.ask(GET);
    let answered = Instant::now();
    stage.server.handle().shutdown_within(GRACE);
    client.send(GET);
    match client.try_response() {
        Ok(response) => assert_eq!(response.field("Connection"), Some("close")),
        Err(error) => assert!(answered.elapsed() > Duration::from_secs(1), "{error}"),
    }
}

#[test]
fn rule_11_at_the_cut_no_handler_begins_with_half_a_request() {
    let log = Log::default();
    let calls = log.clone();
    let stage = Stage::new(move |act| {
        calls.push("called");
        say(act, act.path())
    });
    let (mut late, mut other) = (stage.client(), stage.client());
    let half = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nab";
    late.send(half);
    assert_eq!(other.ask(GET).status, 200);
    let all = (half.len() + GET.len()) as u64;
    wait_until("the half request is here", || stage.server.handle().stats().bytes_received == all);
    stage.server.handle().shutdown_within(Duration::ZERO);
    stage.server.handle().wait();
    assert!(late.rest().unwrap_or_default().is_empty());
    assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
}

/// The rest of an unread body is dropped for the sake of the next request, and there will be none.
#[test]
fn rule_11_an_answered_request_does_not_hold_up_the_end_with_the_rest_of_its_body() {
    let stage = Stage::with(HTTPServer::builder().gather_limit(0), |act| say(act, ""));
    let mut client = stage.client();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    assert_eq!(client.ask([head, "ab"].concat()).status, 200);
    let asked = Instant::now();
    stage.server.handle().shutdown_within(GRACE);
    let report = stage.server.handle().wait();
    assert!(asked.elapsed() < GRACE);
    assert_eq!((report.finished, report.cut), (1, 0));
}

#[test]
fn rule_11_the_next_server_has_the_port_at_once() {
    let _turn = turn();
    let mut port = 0;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let server = Serving::at(port);
        port = server.port;
        // The side that closes first keeps the connection in the system for a while. Here that is the server, here the
        // client, and some of the clients do not even notice.
        let mut first = server.client();
        assert_eq!(first.ask("GET / HTTP/1.0\r\n\r\n").text(), "/");
        let mut second = server.client();
        assert_eq!(second.ask(GET).text(), "/");
        let mut last = server.client();
        assert_eq!(last.ask(GET).text(), "/");
        drop(second);
        server.handle.shutdown();
        server.thread.join().unwrap().unwrap();
        clients.push((first, last));
    }
    drop(clients);
    wait_for_no_threads();
}

#[test]
fn rule_11_a_server_ends_in_the_middle_of_everything() {
    for round in 0..20 {
        let stage = Stage::with(HTTPServer::builder().compute_threads(1 + round % 3), |act| {
            if act.path() == "/nap" {
                thread::sleep(Duration::from_millis(1));
            }
            say(act, act.path())
        });
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // Until the connection is refused, or there is no answer.
                    while let Ok(stream) = stage.server.connect() {
                        let mut client = Client::over(stream);
                        client.send([GET, &get("/nap"), GET].concat());
                        for wanted in ["/", "/nap", "/"] {
                            match client.try_response() {
                                Ok(response) => assert_eq!(response.text(), wanted),
                                Err(_) => break,
                            }
                        }
                    }
                });
            }
            let mut client = stage.client();
            for _ in 0..=round {
                assert_eq!(client.ask(GET).text(), "/");
            }
            stage.server.handle().shutdown();
        });
        let Stage { server, .. } = stage;
        drop(server);
        wait_for_no_threads();
    }
}

struct Own {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Own {
    const protocol_version: &str = "HTTP/1.1";

    fn handle(&mut self) -> io::Result<()> {
        BaseHTTPRequestHandler::handle(self)
    }

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn log_request(&self, _code: Option<HTTPStatus>, _size: Option<u64>) {}
}

#[test]
fn rule_11_a_handle_of_ones_own_that_waits_for_a_request_is_idle() {
    let _turn = turn();
    let server = TestServer::with(HTTPServer::builder().shutdown_grace(GRACE), |base| Own { base });
    let mut client = Client::new(&server);
    assert_eq!(client.ask(GET).status, 200);
    // It ends long before the grace period does.
    drop(server);
    wait_for_no_threads();
}
