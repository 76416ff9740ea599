//! The end of a server, and its report.

use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use basehttp::prelude::*;
use basehttp::testing::respond;
use basehttp::{LogLevel, ServerHandle, ShutdownReport};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, wait_until};

use crate::{GET, Keys, WAIT, connect, gated};

struct Running {
    port: u16,
    handle: ServerHandle,
    thread: JoinHandle<std::io::Result<()>>,
    keys: Keys,
}

impl Running {
    fn new(builder: basehttp::ServerBuilder) -> Self {
        let (factory, keys) = gated();
        let mut server = builder.bind("127.0.0.1:0", factory).unwrap();
        let (port, handle) = (server.server_port(), server.handle());
        Self { port, handle, thread: thread::spawn(move || server.serve_forever()), keys }
    }

    /// A client that was answered once, so that the server knows it.
    fn known(&self) -> Client {
        let mut client = connect(self.port);
        assert_eq!(client.ask(GET).status, 200);
        client
    }

    /// A client whose handler waits at the gate.
    fn waiting(&self) -> Client {
        let mut client = connect(self.port);
        client.send(WAIT);
        self.keys.wait();
        client
    }

    fn join(self) -> ShutdownReport {
        self.thread.join().unwrap().unwrap();
        self.handle.report().expect("it has ended")
    }
}

/// Finished, idle, cut.
fn counts(report: ShutdownReport) -> (usize, usize, usize) {
    (report.finished, report.closed_idle, report.cut)
}

#[test]
fn every_connection_is_counted_once() {
    let server = Running::new(HTTPServer::builder());
    // What a browser opens in advance, and never uses. The last of them may still be in the system's queue.
    let mut spare: Vec<_> = (0..4).map(|_| connect(server.port)).collect();
    let mut busy = [server.waiting(), server.waiting()];
    server.handle.shutdown_within(PATIENCE);
    assert!(server.handle.is_shut_down());
    for client in &mut spare {
        client.assert_closed();
    }
    assert_eq!(server.handle.report(), None);
    server.keys.open();
    server.keys.open();
    for client in &mut busy {
        let response = client.response();
        assert_eq!((response.text().as_str(), response.field("connection")), ("/wait", Some("close")));
        client.assert_closed();
    }
    drop(busy);
    let handle = server.handle.clone();
    let waiter = thread::spawn(move || handle.wait());
    let report = server.join();
    assert_eq!(counts(report), (2, 4, 0));
    assert_eq!(waiter.join().unwrap(), report);
    assert_eq!(report.to_string(), "2 finished, 4 idle, 0 cut");
}

#[test]
fn a_connection_between_two_requests_is_closed_at_once() {
    let server = Running::new(HTTPServer::builder());
    let mut clients: Vec<_> = (0..3).map(|_| server.known()).collect();
    let mut busy = server.waiting();
    server.handle.shutdown_within(PATIENCE);
    for client in &mut clients {
        client.assert_closed();
    }
    server.keys.open();
    assert_eq!(busy.response().status, 200);
    drop(busy);
    let report = server.join();
    // The turn in which the last of them was answered may not have been over.
    assert_eq!((report.finished + report.closed_idle, report.cut), (4, 0), "{report}");
    assert!(report.finished >= 1, "{report}");
}

#[test]
fn what_was_queued_before_the_shutdown_is_counted_too() {
    let (factory, _keys) = gated();
    let mut server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let mut clients = [connect(server.server_port()), connect(server.server_port())];
    clients[0].send(GET);
    server.handle().shutdown();
    server.serve_forever().unwrap();
    assert_eq!(clients[0].response().status, 200);
    clients[0].assert_closed();
    clients[1].assert_closed();
    assert_eq!(server.handle().report().map(counts), Some((1, 1, 0)));
}

#[test]
fn half_a_request_is_one_in_hand() {
    let builder = HTTPServer::builder().head_timeout(Duration::from_millis(50));
    let server = Running::new(builder);
    let mut client = connect(server.port);
    client.send("GET / HT");
    let _silent = connect(server.port);
    server.handle.shutdown();
    assert_eq!(client.response().status, 408);
    drop(client);
    assert_eq!(counts(server.join()), (1, 1, 0));
}

#[test]
fn a_handler_that_does_not_return_is_cut_at_the_deadline() {
    let server = Running::new(HTTPServer::builder());
    let mut client = server.waiting();
    server.handle.shutdown_within(Duration::from_millis(10));
    let report = server.handle.wait();
    assert_eq!(counts(report), (0, 0, 1));
    // It continues, and changes nothing any more.
    server.keys.open();
    assert!(client.assert_reset().is_empty());
    assert_eq!(server.handle.wait(), report);
    assert_eq!(server.join(), report);
}

#[test]
fn a_later_call_makes_the_grace_shorter_and_not_longer() {
    let server = Running::new(HTTPServer::builder());
    let _client = server.waiting();
    let begun = Instant::now();
    server.handle.shutdown_within(Duration::from_secs(3600));
    server.handle.shutdown();
    server.handle.shutdown_within(Duration::ZERO);
    server.handle.shutdown_within(Duration::from_secs(3600));
    assert_eq!(counts(server.handle.wait()), (0, 0, 1));
    assert!(begun.elapsed() < PATIENCE, "the longer grace was waited for");
    server.join();
}

#[test]
fn no_grace_cuts_all_at_once() {
    let server = Running::new(HTTPServer::builder());
    let mut clients: Vec<_> = (0..3).map(|_| server.known()).collect();
    clients.push(server.waiting());
    server.handle.shutdown_within(Duration::ZERO);
    let report = server.handle.wait();
    server.keys.open();
    assert_eq!(report.finished + report.closed_idle + report.cut, 4, "{report}");
    assert!(report.cut >= 1, "{report}");
    for client in &mut clients {
        let _ = client.rest().map(|rest| assert!(rest.is_empty()));
    }
    server.join();
}

#[test]
fn a_handler_may_wait_for_the_end_of_its_server() {
    let server = Running::new(HTTPServer::builder());
    let mut client = connect(server.port);
    client.send("GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    let _ = client.rest().map(|rest| assert!(rest.is_empty()));
    assert_eq!(counts(server.join()), (0, 0, 1));
}

#[test]
fn a_handler_of_handle_request_that_waits_gets_the_report_when_the_grace_is_over() {
    let (factory, _keys) = gated();
    let mut server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let mut client = connect(server.server_port());
    client.send("GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    server.handle_request().unwrap();
    assert_eq!(client.response().text(), "0 finished, 0 idle, 1 cut");
    server.serve_forever().unwrap();
    assert_eq!(server.handle().report().map(counts), Some((0, 0, 1)));
}

#[test]
fn a_server_that_nobody_served_reports_when_it_is_dropped() {
    let (factory, _keys) = gated();
    let mut server = HTTPServer::builder().timeout(PATIENCE).bind("127.0.0.1:0", factory).unwrap();
    // Both are accepted, and one has its request answered; the other one stays.
    let _silent = connect(server.server_port());
    let mut client = connect(server.server_port());
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
    let handle = server.handle();
    handle.shutdown();
    server.handle_request().unwrap();
    assert_eq!(handle.report(), None);
    let waiter = thread::spawn({
        let handle = handle.clone();
        move || handle.wait()
    });
    drop(server);
    let report = waiter.join().unwrap();
    assert_eq!(handle.report(), Some(report));
    // The one that was answered may still be open, while its client has not closed.
    assert_eq!((report.closed_idle, report.finished), (1, 0), "{report}");
}

#[test]
fn a_server_that_is_dropped_is_shut_down() {
    let (factory, _keys) = gated();
    let server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let handle = server.handle();
    assert!(!handle.is_shut_down());
    drop(server);
    assert!(handle.is_shut_down());
    assert_eq!(handle.wait(), ShutdownReport::default());
    handle.shutdown();
}

#[test]
fn a_server_that_has_ended_does_not_begin_again() {
    let (factory, _keys) = gated();
    let mut server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    server.handle().shutdown();
    server.handle().shutdown();
    server.serve_forever().unwrap();
    server.serve_forever().unwrap();
    server.handle_request().unwrap();
    assert_eq!(server.handle().wait(), ShutdownReport::default());
}

#[test]
fn the_port_is_free_for_another_server_right_after() {
    let (factory, _keys) = gated();
    let mut first = HTTPServer::bind("127.9.9.3:0", factory).unwrap();
    let port = first.server_port();
    let handle = first.handle();
    let thread = thread::spawn(move || first.serve_forever().map(|()| first));
    let mut client = Client::over(TcpStream::connect(("127.9.9.3", port)).unwrap());
    assert_eq!(client.ask(GET).status, 200);
    handle.shutdown_within(Duration::ZERO);
    // It has ended, and is not dropped.
    let first = thread.join().unwrap().unwrap();
    let (factory, _keys) = gated();
    let second = HTTPServer::bind(("127.9.9.3", port), factory).unwrap();
    assert_eq!(second.server_port(), first.server_port());
}

#[test]
fn a_grace_without_end_is_no_mistake() {
    let server = Running::new(HTTPServer::builder().shutdown_grace(Duration::MAX));
    let mut client = server.waiting();
    server.handle.shutdown_within(Duration::MAX);
    server.keys.open();
    assert_eq!(client.response().status, 200);
    drop(client);
    assert_eq!(counts(server.join()), (1, 0, 0));
}

#[test]
fn a_handler_without_a_server_waits_for_nothing() {
    let (factory, _keys) = gated();
    let responses = respond(factory, b"GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(responses[0].text(), "0 finished, 0 idle, 0 cut");
}

#[test]
fn what_verify_request_turned_away_is_in_no_number() {
    let (factory, _keys) = gated();
    let asked = Log::default();
    let of_hook = asked.clone();
    let builder = HTTPServer::builder().verify_request(move |client| {
        of_hook.push(client);
        false
    });
    let mut server = builder.bind("127.0.0.1:0", factory).unwrap();
    let client = connect(server.server_port());
    let handle = server.handle();
    handle.shutdown();
    server.serve_forever().unwrap();
    assert_eq!(asked.lines(), [client.stream().local_addr().unwrap().to_string()]);
    assert_eq!(handle.wait(), ShutdownReport::default());
}

#[test]
fn a_second_shutdown_takes_nothing_from_a_grace_that_was_granted() {
    let running = Running::new(HTTPServer::builder().shutdown_grace(Duration::ZERO));
    let mut client = running.waiting();
    running.handle.shutdown_within(PATIENCE);
    running.handle.shutdown();
    running.keys.open();
    assert_eq!(client.response().status, 200);
    let report = running.handle.wait();
    assert_eq!((report.finished, report.cut), (1, 0));
    running.thread.join().unwrap().unwrap();
}

#[test]
fn a_response_that_has_arrived_is_finished_though_its_connection_lingers() {
    let running = Running::new(HTTPServer::builder().gather_limit(0));
    let mut client = connect(running.port);
    // Too large, so it is answered at once; and the rest never arrives.
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    assert_eq!(client.response().status, 413);
    running.handle.shutdown_within(Duration::from_millis(20));
    let report = running.handle.wait();
    assert_eq!((report.finished, report.cut), (1, 0));
    running.thread.join().unwrap().unwrap();
}

#[test]
fn a_new_connection_has_time_for_its_first_request() {
    let running = Running::new(HTTPServer::builder());
    let mut client = connect(running.port);
    wait_until("the connection is taken", || running.handle.stats().connections_accepted == 1);
    running.handle.shutdown();
    // Once the server has seen it, the server no longer listens.
    wait_until("the listener is closed", || TcpStream::connect(("127.0.0.1", running.port)).is_err());
    let response = client.ask(GET);
    assert_eq!((response.status, response.field("connection")), (200, Some("close")));
    client.assert_closed();
    let report = running.handle.wait();
    assert_eq!((report.finished, report.cut), (1, 0), "{report}");
}

#[test]
fn a_new_connection_that_asks_nothing_is_closed_and_not_cut() {
    let running = Running::new(HTTPServer::builder());
    let mut client = connect(running.port);
    wait_until("the connection is taken", || running.handle.stats().connections_accepted == 1);
    running.handle.shutdown();
    client.assert_closed();
    let report = running.handle.wait();
    assert_eq!((report.closed_idle, report.cut), (1, 0), "{report}");
}

struct Tunnel {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Tunnel {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> std::io::Result<()> {
        self.send_response(101);
        self.send_header("Upgrade", "echo");
        self.send_header("Connection", "Upgrade");
        self.end_headers()?;
        let mut stream = self.upgrade()?;
        let end = std::io::copy(&mut stream, &mut std::io::sink());
        if self.path() == "/minds" { end.map(drop) } else { Ok(()) }
    }
}

#[test]
fn connections_that_were_switched_are_cut_when_the_grace_is_over() {
    let log = Log::default();
    let mut server =
        HTTPServer::builder().log_line(log.taker()).bind("127.0.0.1:0", |base| Tunnel { base }).unwrap();
    let (port, handle) = (server.server_port(), server.handle());
    let thread = thread::spawn(move || server.serve_forever());
    let mut clients: Vec<_> = (0..6).map(|_| connect(port)).collect();
    for (client, path) in clients.iter_mut().zip(["/minds", "/does-not"].into_iter().cycle()) {
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"));
        assert_eq!(client.response_to_head().status, 101);
    }
    handle.shutdown_within(Duration::ZERO);
    thread.join().unwrap().unwrap();
    assert_eq!(counts(handle.report().unwrap()), (0, 0, 6));
    drop(clients);
    let told: Vec<_> = log.take().into_iter().filter(|line| line.contains("do_GET")).collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(
        told.iter().all(|line| line.ends_with("do_GET: cut by the shutdown: its grace period is over")),
        "{told:?}"
    );
}

/// Also by a thread that is still writing, so that the program may end.
#[test]
fn the_log_is_written_when_the_server_has_ended() {
    let log = Log::default();
    let take = log.taker();
    let slowly = move |line: &str, level: LogLevel| {
        thread::sleep(Duration::from_millis(20));
        take(line, level);
    };
    let mut server =
        HTTPServer::builder().log_line(slowly).bind("127.0.0.1:0", |base| Tunnel { base }).unwrap();
    let (port, handle) = (server.server_port(), server.handle());
    let serving = thread::spawn({
        let log = log.clone();
        move || server.serve_forever().map(|()| log.count("cut by the shutdown"))
    });
    let mut client = connect(port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(client.response_to_head().status, 101);
    handle.shutdown_within(Duration::ZERO);
    assert_eq!(counts(handle.wait()), (0, 0, 1));
    assert_eq!(log.count("cut by the shutdown"), 1);
    assert_eq!(serving.join().unwrap().unwrap(), 1);
}
