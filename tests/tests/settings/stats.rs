//! The statistics of a server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use basehttp::Stats;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;

struct Page {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Page {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> std::io::Result<()> {
        match self.path() {
            "/redirect" => {
                self.send_response(307);
                self.send_header("Location", "/");
                self.end_headers()
            }
            "/panic" => panic!("on purpose"),
            "/cut" => {
                self.send_response(200);
                self.send_header("Content-Length", 10);
                self.end_headers()?;
                self.wfile.write_all(b"half")
            }
            "/interim" => {
                self.send_response_only(103);
                self.end_headers()?;
                self.send_response(204);
                self.end_headers()
            }
            _ => {
                self.send_response(200);
                self.end_headers()?;
                self.wfile.write_all(b"page")
            }
        }
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// The statistics, once they match: a client has a response before its connection is over.
fn wait_for(server: &TestServer, mut are: impl FnMut(&Stats) -> bool) -> Stats {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let stats = server.handle().stats();
        if are(&stats) {
            return stats;
        }
        assert!(Instant::now() < deadline, "{stats:?}");
        std::thread::yield_now();
    }
}

struct Routed {
    base: BaseHTTPRequestHandler,
}

#[http_handler(routes = [MORE])]
impl Routed {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET | PUT, "/users/{id}?{q}")]
    fn user(&self, id: u32, q: Option<&str>) -> String {
        format!("{id} {q:?}")
    }

    #[cfg(any())]
    #[route(GET, "/never")]
    fn never(&self) {}

    fn do_GET(&self) -> &'static str {
        "other"
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[http_routes(MORE, prefix = "/more")]
impl Routed {
    #[route(POST, "")]
    fn more(&self) -> Result<(), String> {
        Err("on purpose".to_owned())
    }
}

#[test]
fn requests_are_counted_by_route() {
    let server = TestServer::new(|base| Routed { base });
    for request in [
        "GET /users/1?q=x",
        "HEAD /users/2",
        "GET /users/x",
        "PUT /users/3",
        "GET /other",
        "DELETE /users/1",
        "POST /more",
    ] {
        let close = "HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        server.exchange(format!("{request} {close}").as_bytes()).unwrap();
    }
    let stats = wait_for(&server, |stats| stats.connections_open == 0);
    assert_eq!((stats.responses, stats.handler_time.count()), ([0, 4, 0, 2, 1], 7));
    let routes: Vec<_> = stats
        .routes
        .iter()
        .map(|route| (route.method, route.pattern, route.responses, route.handler_time.count()))
        .collect();
    let expected = [
        ("GET", "/users/{id}", [0, 2, 0, 1, 0], 3),
        ("PUT", "/users/{id}", [0, 1, 0, 0, 0], 1),
        ("POST", "/more", [0, 0, 0, 0, 1], 1),
    ];
    assert_eq!(routes, expected);
}

#[test]
fn responses_and_bytes_are_counted() {
    let server = TestServer::new(|base| Page { base });
    let paths = ["/", "/", "/redirect", "/interim", "/none"];
    let asked = paths.map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).concat();
    let answered = server.exchange(asked.as_bytes()).unwrap();
    let stats = wait_for(&server, |stats| stats.connections_open == 0);
    assert_eq!(stats.responses, [0, 4, 1, 0, 0]);
    assert_eq!((stats.connections_accepted, stats.connections_refused), (1, 0));
    assert_eq!((stats.bytes_received, stats.bytes_sent), (asked.len() as u64, answered.len() as u64));
    assert_eq!(stats.handler_time.count(), 5);
    assert!(stats.threads >= 1);

    let mut client = Client::new(&server);
    assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "page");
    assert_eq!(server.handle().stats().connections_open, 1);
}

#[test]
fn what_goes_wrong_is_counted_as_what_its_client_sees() {
    let server = TestServer::new(|base| Page { base });
    for request in [
        "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "SPAM / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let _ = server.exchange(request.as_bytes());
    }
    wait_for(&server, |stats| stats.responses == [0, 1, 0, 1, 2] && stats.connections_open == 0);
}

#[test]
fn one_connection_too_many_is_counted() {
    let server = TestServer::with(HTTPServer::builder().max_connections(1), |base| Page { base });
    let mut first = Client::new(&server);
    first.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut second = Client::new(&server);
    assert!(second.rest().unwrap().starts_with(b"HTTP/1.1 503 "));
    let stats = wait_for(&server, |stats| stats.responses[4] == 1);
    assert_eq!((stats.connections_refused, stats.connections_accepted), (1, 2));
}

/// Is quick ninety-nine times, and then blocks until it is found to delay others, if it is.
struct Moody {
    base: BaseHTTPRequestHandler,
}

static ASKED: AtomicU64 = AtomicU64::new(0);

#[http_handler]
impl Moody {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> std::io::Result<()> {
        let begin = Instant::now();
        if ASKED.fetch_add(1, Ordering::Relaxed) % 100 == 99 {
            let server = self.server();
            // It is found only if it was trusted; otherwise the next round must show it.
            while server.handle().stats().handler_stalls == 0 && begin.elapsed() < Duration::from_millis(200)
            {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.send_response(204);
        self.end_headers()
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[test]
fn a_handler_that_is_slow_against_expectation_is_counted() {
    let server = TestServer::new(|base| Moody { base });
    let mut client = Client::new(&server);
    wait_for(&server, |stats| {
        client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        stats.handler_stalls > 0
    });
}
