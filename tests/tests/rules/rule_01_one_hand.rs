//! A connection has one owner at a time; places and descriptors are reused, and no client is taken for another.

use std::io;
use std::net::Shutdown;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use socket2::SockRef;

use crate::stage::{GET, Stage, get, say};

/// A handler that knows its client, and reports if two threads run it at a time.
struct Own {
    base: BaseHTTPRequestHandler,
    /// Held while it handles a request.
    hand: Mutex<()>,
    requests: u32,
}

#[http_handler]
impl Own {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        let Ok(_hand) = self.hand.try_lock() else { return self.send_error(500) };
        self.requests += 1;
        match self.path().split('/').nth(1) {
            // Longer than a tick, and longer than a hand-over: the request moves from thread to thread.
            Some("long") => thread::sleep(Duration::from_millis(3)),
            Some("nap") => thread::sleep(Duration::from_micros(200)),
            _ => {}
        }
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "{} {} {}", self.client_address().port().unwrap_or(0), self.requests, self.path())
    }

    fn do_POST(&mut self) -> io::Result<()> {
        let body = self.read_body(1000)?;
        self.requests += 1;
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "{} {} ", self.client_address().port().unwrap_or(0), self.requests)?;
        self.wfile.write_all(&body)
    }

    fn log_request(&self, _code: Option<HTTPStatus>, _size: Option<u64>) {}
}

fn own(base: BaseHTTPRequestHandler) -> Own {
    Own { base, hand: Mutex::new(()), requests: 0 }
}

/// One connection with three requests, which ends in one of several ways.
fn visit(stage: &Stage, name: &str, round: usize) {
    let mut client = stage.client();
    let port = client.stream().local_addr().unwrap().port();
    let kinds = ["quick", "nap", "long", "quick"];
    let paths: Vec<_> = (0..3).map(|n| format!("/{}/{name}/{n}", kinds[(round + n) % kinds.len()])).collect();
    let last =
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", paths[2].len(), paths[2]);
    client.send([get(&paths[0]), get(&paths[1]), last].concat());
    match round % 5 {
        // The client is gone before it is answered.
        0 => return,
        1 => {
            SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
            return;
        }
        2 => client.end(),
        _ => {}
    }
    for (n, path) in paths.iter().enumerate() {
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, format!("{port} {} {path}", n + 1)));
    }
    if round % 5 == 2 {
        client.assert_closed();
    }
}

#[test]
fn rule_01_each_response_belongs_to_its_own_connection_however_places_are_used_again() {
    let stage = Stage::serving(HTTPServer::builder(), own);
    thread::scope(|scope| {
        for thread in 0..8 {
            let stage = &stage;
            scope.spawn(move || {
                for round in 0..100 {
                    visit(stage, &format!("{thread}-{round}"), round + thread);
                }
            });
        }
    });
    stage.wait_until_empty();
}

#[test]
fn rule_01_what_comes_for_an_ended_connection_does_not_reach_the_next() {
    let stage = Stage::new(|act| say(act, act.path()));
    for round in 0..200 {
        let mut first = stage.client();
        first.send(GET);
        // Input, its end and a reset, for the place that the next connection gets.
        first.send(get("/late")).end();
        SockRef::from(first.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(first);
        let mut second = stage.client();
        let path = format!("/{round}");
        assert_eq!(second.ask(get(&path)).text(), path);
        second.stream().shutdown(Shutdown::Write).unwrap();
        second.assert_closed();
    }
    stage.wait_until_empty();
}

#[test]
fn rule_01_requests_of_a_connection_are_handled_one_after_another_on_whatever_threads() {
    let stage = Stage::serving(HTTPServer::builder(), own);
    let mut clients: Vec<_> = (0..8).map(|_| stage.client()).collect();
    let input: String = (0..40).map(|n| get(["/quick", "/long", "/nap", "/quick"][n % 4])).collect();
    for client in &mut clients {
        client.send(&input);
    }
    let numbers = |client: &mut Client| -> Vec<_> {
        (0..40).map(|_| client.response().text().split(' ').nth(1).map(str::to_owned)).collect()
    };
    let wanted: Vec<_> = (1..=40).map(|n: u32| Some(n.to_string())).collect();
    for client in &mut clients {
        assert_eq!(numbers(client), wanted);
    }
}
