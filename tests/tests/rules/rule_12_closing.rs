//! Every close with unread input lingers, so that the response arrives. A panic costs one connection, wherever it happens.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::{show, wait_until};

use crate::stage::{GET, Stage, post, say};

#[test]
fn rule_12_an_early_413_arrives_though_a_mebibyte_is_still_being_sent() {
    for gather in [0, 65_536] {
        let stage = Stage::with(HTTPServer::builder().gather_limit(gather), |act| {
            act.read_body(1000)?;
            say(act, "read")
        });
        let request = post(&"x".repeat(1 << 20));
        for _ in 0..20 {
            let mut client = stage.client();
            // All of it is sent before anything is read.
            let response = client.ask(&request);
            assert_eq!(response.status, 413);
            assert_eq!(response.field("connection"), Some("close"));
            client.assert_closed();
        }
        stage.wait_until_empty();
    }
}

#[test]
fn rule_12_a_last_response_arrives_though_requests_follow() {
    let stage = Stage::new(|act| say(act, act.path()));
    let input = ["GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &GET.repeat(10_000)].concat();
    for _ in 0..20 {
        let mut client = stage.client();
        assert_eq!(client.ask(&input).text(), "/last");
        client.assert_closed();
    }
    stage.wait_until_empty();
}

#[test]
fn rule_12_a_response_that_the_end_of_the_connection_ends_is_whole_though_more_follows() {
    let stage = Stage::new(|act| {
        act.send_response(200);
        act.end_headers()?;
        act.wfile.write_all(b"all")?;
        act.wfile.flush()
    });
    for request in ["GET /\r\n", "GET / HTTP/1.0\r\n\r\n"] {
        for _ in 0..20 {
            let mut client = stage.client();
            client.send(request);
            assert!(client.rest().is_ok_and(|response| response.ends_with(b"all")));
            // A server that had closed would answer the first of them with a reset, and the system refuse the second.
            for _ in 0..2 {
                client.stream().write_all(b"GET /more HTTP/1.0\r\n\r\n").expect("a server that still reads");
            }
            client.end();
            client.assert_closed();
        }
    }
    stage.wait_until_empty();
}

#[test]
fn rule_12_the_503_at_the_connection_limit_arrives() {
    let stage = Stage::with(HTTPServer::builder().max_connections(2), |act| say(act, act.path()));
    let mut served: Vec<_> = (0..2).map(|_| stage.client()).collect();
    for client in &mut served {
        assert_eq!(client.ask(GET).text(), "/");
    }
    for _ in 0..20 {
        let mut client = stage.client();
        let response = client.ask(post(&"x".repeat(50_000)));
        assert_eq!(response.status, 503);
        assert!(response.field("retry-after").is_some());
        client.assert_closed();
    }
    for client in &mut served {
        assert_eq!(client.ask(GET).text(), "/");
    }
    drop(served);
    wait_until("there is room again", || stage.client().ask(GET).status == 200);
}

/// A refused client that stays takes no place from one that could be served.
#[test]
fn rule_12_the_503_at_the_connection_limit_takes_no_place() {
    let stage = Stage::with(HTTPServer::builder().max_connections(2), |act| say(act, act.path()));
    let mut served: Vec<_> = (0..2).map(|_| stage.client()).collect();
    for client in &mut served {
        assert_eq!(client.ask(GET).text(), "/");
    }
    let mut refused: Vec<_> = (0..20).map(|_| stage.client()).collect();
    for client in &mut refused {
        assert_eq!(client.response().status, 503);
    }
    drop(served.pop());
    let begun = Instant::now();
    wait_until("there is room again", || stage.client().ask(GET).status == 200);
    // All of them were still there, unless this machine was stalled.
    assert!(stage.server.handle().stats().connections_open > 20 || begun.elapsed() > Duration::from_secs(1));
}

#[test]
fn rule_12_lingering_closes_hold_no_threads() {
    let stage = Stage::with(HTTPServer::builder().gather_limit(0), |act| act.read_body(10).map(drop));
    let mut clients: Vec<_> = (0..20).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
        assert_eq!(client.response().status, 413);
    }
    // On a busy machine some handlers have had threads of their own. Those that linger have none.
    #[cfg(target_os = "linux")]
    {
        let workers = basehttp_tests::process::workers();
        assert!(workers < clients.len() / 2, "{workers}");
    }
    for client in &mut clients {
        client.send("x".repeat(100_000));
        client.assert_closed();
    }
}

/// A handler that panics where it is told to.
struct Trap {
    base: BaseHTTPRequestHandler,
    place: &'static str,
    sprung: Arc<AtomicUsize>,
}

impl Trap {
    fn spring(&self, place: &str) {
        spring(self.place, place, &self.sprung);
    }
}

/// Panics if the two places are the same.
fn spring(trap: &str, place: &str, sprung: &AtomicUsize) {
    if trap == place {
        sprung.fetch_add(1, Ordering::SeqCst);
        panic!("a trap in {place}");
    }
}

#[http_handler]
impl Trap {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.spring("do_GET");
        if self.place == "handle_error" {
            return Err(io::Error::other("for the hook"));
        }
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(b"good")?;
        self.spring("do_GET after the response");
        Ok(())
    }

    fn setup(&mut self) -> io::Result<()> {
        self.spring("setup");
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.spring("finish");
        Ok(())
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {
        self.spring("log_message");
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.spring("drop");
    }
}

const PLACES: [&str; 9] = [
    "verify_request",
    "factory",
    "setup",
    "do_GET",
    "do_GET after the response",
    "log_message",
    "handle_error",
    "finish",
    "drop",
];

#[test]
fn rule_12_a_panic_costs_one_connection_wherever_it_happens() {
    const ROUNDS: usize = 4;
    // Where the next connection's handler panics: one more than the number of a place, or 0 for none.
    let next = Arc::new(AtomicUsize::new(0));
    let sprung = Arc::new(AtomicUsize::new(0));
    let place = |next: &AtomicUsize| next.load(Ordering::SeqCst).checked_sub(1).map_or("", |at| PLACES[at]);
    let (at_verify, at_factory, at_error) = (next.clone(), next.clone(), next.clone());
    let (of_verify, of_factory, of_error) = (sprung.clone(), sprung.clone(), sprung.clone());
    let builder = HTTPServer::builder()
        .verify_request(move |_| {
            spring(place(&at_verify), "verify_request", &of_verify);
            true
        })
        .handle_error(move |_| spring(place(&at_error), "handle_error", &of_error));
    let stage = Stage::serving(builder, move |base| {
        let place = place(&at_factory);
        spring(place, "factory", &of_factory);
        Trap { base, place, sprung: of_factory.clone() }
    });
    let mut bystander = stage.client();
    assert_eq!(bystander.ask(GET).text(), "good");
    for _ in 0..ROUNDS {
        for (number, place) in PLACES.iter().enumerate() {
            let before = sprung.load(Ordering::SeqCst);
            next.store(number + 1, Ordering::SeqCst);
            let mut client = stage.client();
            client.send(GET).end();
            let output = end_of(&mut client);
            let wanted: &[&str] = match *place {
                // An error page, or nothing.
                "do_GET" | "do_GET after the response" | "log_message" | "handle_error" => &["500"],
                "finish" | "drop" => &["200"],
                _ => &[],
            };
            let found: Vec<_> = output.split("HTTP/1.1 ").skip(1).map(|response| &response[..3]).collect();
            assert_eq!(found, wanted, "{place}: {output}");
            wait_until(&format!("the trap in {place} is sprung"), || sprung.load(Ordering::SeqCst) > before);
            next.store(0, Ordering::SeqCst);
            assert_eq!(bystander.ask(GET).text(), "good", "{place}");
            assert_eq!(stage.client().ask(GET).text(), "good", "{place}");
        }
    }
    drop(bystander);
    stage.wait_until_empty();
}

/// What arrives before the end of the connection, orderly or not.
fn end_of(client: &mut Client) -> String {
    show(&client.rest().unwrap_or_default())
}
