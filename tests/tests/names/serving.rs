//! `serve_forever`, `shutdown`, `handle_request` and `handle_timeout`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::wait_until;

use crate::GET;
use crate::server::{connect, factory, patient, serve};

#[test]
fn shutdown_from_another_thread() {
    let server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let port = server.server_port();
    let (handle, thread) = serve(server);
    let mut client = connect(port);
    assert_eq!(client.ask(GET).status, 200);
    assert!(!handle.is_shut_down());
    let copy = handle.clone();
    thread::spawn(move || copy.shutdown()).join().unwrap();
    thread.join().unwrap().unwrap();
    assert!(handle.is_shut_down());
    client.assert_closed();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "it listens no more");
    handle.shutdown();
}

#[test]
fn shutdown_from_a_handler_lets_the_response_out() {
    let server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let port = server.server_port();
    let (_, thread) = serve(server);
    let mut client = connect(port);
    let response = client.ask("GET /shutdown HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.status, 200);
    client.assert_closed();
    thread.join().unwrap().unwrap();
}

#[test]
fn shutdown_before_serve_forever() {
    let mut server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    server.handle().shutdown();
    server.serve_forever().unwrap();
    server.handle_request().unwrap();
}

#[test]
fn shutdown_waits_for_running_handlers() {
    struct Slow {
        base: BaseHTTPRequestHandler,
        enter: std::sync::mpsc::Sender<()>,
        gate: Arc<Mutex<std::sync::mpsc::Receiver<()>>>,
    }
    #[http_handler]
    impl Slow {
        const protocol_version: &str = "HTTP/1.1";
        fn do_GET(&self) -> io::Result<()> {
            self.enter.send(()).map_err(io::Error::other)?;
            self.gate.lock().unwrap().recv().map_err(io::Error::other)?;
            self.send_response(200);
            self.end_headers()?;
            self.wfile.write_all(b"finished")
        }
        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }
    let (enter, entered) = channel();
    let (open, gate) = channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let server =
        HTTPServer::bind("127.0.0.1:0", move |base| Slow { base, enter: enter.clone(), gate: gate.clone() })
            .unwrap();
    let port = server.server_port();
    let (handle, thread) = serve(server);
    let mut client = connect(port);
    client.send(GET);
    entered.recv().unwrap();
    handle.shutdown();
    wait_until("the server listens no more", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    assert!(!thread.is_finished());
    open.send(()).unwrap();
    assert_eq!(client.response().text(), "finished");
    client.assert_closed();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_shut_down_server_has_served_what_was_queued() {
    let server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let mut client = connect(server.server_port());
    client.send(GET);
    let (handle, thread) = serve(server);
    handle.shutdown();
    assert_eq!(client.response().status, 200);
    client.assert_closed();
    thread.join().unwrap().unwrap();
}

#[test]
fn handle_request_serves_one_request() {
    let mut server = patient();
    let port = server.server_port();
    let (mut first, mut second) = (connect(port), connect(port));
    first.send(GET).send(GET);
    server.handle_request().unwrap();
    let response = first.response();
    assert_eq!((response.status, response.field("connection")), (200, Some("close")));
    first.assert_closed();
    second.send(GET);
    server.handle_request().unwrap();
    assert_eq!(second.response().status, 200);
    second.assert_closed();
}

#[test]
fn handle_request_runs_on_the_calling_thread() {
    struct Where {
        base: BaseHTTPRequestHandler,
        threads: Arc<Mutex<Vec<thread::ThreadId>>>,
    }
    #[http_handler]
    impl Where {
        fn do_GET(&self) -> io::Result<()> {
            self.threads.lock().unwrap().push(thread::current().id());
            self.send_response(200);
            self.end_headers()
        }
        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }
    let threads = Arc::new(Mutex::new(Vec::new()));
    let shared = threads.clone();
    let mut server =
        HTTPServer::bind("127.0.0.1:0", move |base| Where { base, threads: shared.clone() }).unwrap();
    let mut client = connect(server.server_port());
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
    assert_eq!(*threads.lock().unwrap(), [thread::current().id()]);
}

#[test]
fn a_request_that_is_refused_or_fails_counts() {
    let mut server = patient();
    for (request, status) in [
        ("SPAM / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("nonsense\r\n", 400),
        ("GET /error HTTP/1.1\r\nHost: a\r\n\r\n", 500),
        ("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n", 500),
    ] {
        let mut client = connect(server.server_port());
        client.send(request);
        client.end();
        server.handle_request().unwrap();
        assert_eq!(client.response().status, status);
    }
}

#[test]
fn handle_request_is_not_kept_waiting_by_a_silent_client() {
    let mut server = patient();
    let _silent = connect(server.server_port());
    let mut client = connect(server.server_port());
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
}

#[test]
fn a_client_that_leaves_without_a_request_does_not_count() {
    let mut server = patient();
    drop(connect(server.server_port()));
    let mut client = connect(server.server_port());
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
}

#[test]
fn handle_timeout_is_called_when_no_request_came_in_time() {
    let times = Arc::new(AtomicUsize::new(0));
    let count = times.clone();
    let mut server = HTTPServer::builder()
        .timeout(Duration::from_millis(5))
        .handle_timeout(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .bind("127.0.0.1:0", factory)
        .unwrap();
    server.handle_request().unwrap();
    server.handle_request().unwrap();
    assert_eq!(times.load(Ordering::SeqCst), 2);
}

#[test]
fn the_timeout_is_for_the_request_and_not_for_its_handler() {
    const TIME: Duration = Duration::from_millis(500);

    struct Slow {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Slow {
        fn do_GET(&self) -> io::Result<()> {
            thread::sleep(TIME * 2);
            self.send_response(200);
            self.end_headers()
        }
        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }
    let times = Arc::new(AtomicUsize::new(0));
    let count = times.clone();
    let mut server = HTTPServer::builder()
        .timeout(TIME)
        .handle_timeout(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
        .bind("127.0.0.1:0", |base| Slow { base })
        .unwrap();
    let mut client = connect(server.server_port());
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!((client.response().status, times.load(Ordering::SeqCst)), (200, 0));
}

#[test]
fn run_while_true() {
    let mut httpd = patient();
    let port = httpd.server_port();
    let clients = thread::spawn(move || (0..3).map(|_| connect(port).ask(GET).status).collect::<Vec<_>>());
    let mut left = 3;
    let mut keep_running = || {
        left -= 1;
        left >= 0
    };
    while keep_running() {
        httpd.handle_request().unwrap();
    }
    assert_eq!(clients.join().unwrap(), [200, 200, 200]);
}

#[test]
fn serve_forever_after_handle_request() {
    let mut server = patient();
    let port = server.server_port();
    let mut silent = connect(port);
    let mut client = connect(port);
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
    let (handle, thread) = serve(server);
    assert_eq!(silent.ask(GET).status, 200, "who was taken and said nothing is not forgotten");
    handle.shutdown();
    thread.join().unwrap().unwrap();
}

#[test]
fn the_test_server_ends_with_its_test() {
    let server = TestServer::new(factory);
    let address = server.address();
    assert_eq!(server.url("/x"), format!("http://{address}/x"));
    let mut stream = server.connect().unwrap();
    stream.write_all(GET.as_bytes()).unwrap();
    drop(server);
    let mut output = Vec::new();
    let _ = stream.read_to_end(&mut output);
    assert!(TcpStream::connect(address).is_err());
}

struct Own {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Own {
    fn handle(&mut self) -> io::Result<()> {
        self.handle_one_request()
    }

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(b"own")
    }
}

#[test]
fn handle_request_returns_after_a_handle_of_ones_own() {
    let mut server = HTTPServer::bind("127.0.0.1:0", |base| Own { base }).unwrap();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, server.server_port())).unwrap();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    server.handle_request().unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("own"), "{response}");
}

#[test]
fn handle_request_ends_the_connection_of_a_client_that_goes_on_sending() {
    let mut server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let port = server.server_port();
    let client = thread::spawn(move || {
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let body = vec![0; 64 << 20];
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(&body).unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).unwrap();
        response
    });
    server.handle_request().unwrap();
    drop(server);
    assert!(client.join().unwrap().starts_with("HTTP/1."));
}
