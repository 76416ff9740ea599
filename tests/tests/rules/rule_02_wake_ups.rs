//! A thread that lays down the poller or a permit looks again, and so does the watchdog before it sleeps: no wake-up is
//! lost. A lost one shows as a request that is never answered.

use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::gate::gate;
use basehttp_tests::process::sleeps;

use crate::stage::{GET, Stage, get, post, say};

/// Rounds in lockstep: all clients send different requests, and all are answered before the next round.
fn rounds(threads: usize) {
    // A deadline must not make up for a lost wake-up.
    let hour = Duration::from_secs(3600);
    let builder = HTTPServer::builder()
        .compute_threads(threads)
        .idle_timeout(hour)
        .read_timeout(hour)
        .write_timeout(hour);
    let stage = Stage::with(builder, |act| {
        match act.path().split('/').nth(1) {
            Some("long") => thread::sleep(Duration::from_millis(2)),
            Some("nap") => thread::sleep(Duration::from_micros(150)),
            _ => {}
        }
        let body = if act.command() == "POST" { act.read_body(1000)? } else { Vec::new() };
        say(act, &format!("{}{}", act.path(), body.len()))
    });
    let mut clients: Vec<_> = (0..6).map(|_| stage.client()).collect();
    for round in 0..200 {
        let count = clients.len();
        let kind = |index: usize| (round * (index + 1) + index) % count;
        for (index, client) in clients.iter_mut().enumerate() {
            match kind(index) {
                0 => client.send(get("/long")),
                1 => client.send(get("/nap")),
                // In two parts, with the others' requests in between.
                2 => client.send("GET / HT"),
                3 => client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"),
                4 => client.send(post("hello")),
                _ => client.send(GET),
            };
        }
        for (index, client) in clients.iter_mut().enumerate() {
            match kind(index) {
                2 => client.send("TP/1.1\r\nHost: a\r\n\r\n"),
                3 => client.send("llo"),
                _ => client,
            };
            let wanted = ["/long0", "/nap0", "/0", "/5", "/5", "/0"][kind(index)];
            assert_eq!(client.response().text(), wanted);
        }
        // Sometimes all threads have gone to sleep before the next round, sometimes not.
        if round % 20 == 19 {
            wait_for_idleness();
        }
    }
}

/// Waits until no thread of the server has run between two looks. When it is awake, the watchdog runs each millisecond.
fn wait_for_idleness() {
    basehttp_tests::wait_until("all threads sleep", || {
        let before = sleeps();
        thread::sleep(Duration::from_millis(20));
        before == sleeps()
    });
}

#[test]
fn rule_02_every_request_is_answered_whatever_waits_beside_it() {
    rounds(1);
}

#[test]
fn rule_02_every_request_is_answered_with_several_drivers() {
    rounds(8);
}

#[test]
fn rule_02_a_handler_that_waits_disturbs_nobody() {
    let (gate, bar) = gate();
    let stage = Stage::new(move |act| {
        if act.path() == "/wait" {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let mut waiting: Vec<_> = (0..8).map(|_| stage.client()).collect();
    for client in &mut waiting {
        client.send(get("/wait"));
    }
    gate.wait_for(8);
    let mut other = stage.client();
    for _ in 0..20 {
        assert_eq!(other.ask(GET).text(), "/");
    }
    gate.stay_open();
    for client in &mut waiting {
        assert_eq!(client.response().text(), "/wait");
    }
}

#[test]
fn rule_02_the_watchdog_wakes_for_the_first_handler_after_idleness() {
    let (gate, bar) = gate();
    let stage = Stage::with(HTTPServer::builder().compute_threads(1), move |act| {
        if act.path().starts_with("/wait") {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let (mut first, mut second) = (stage.client(), stage.client());
    for round in 0..10 {
        wait_for_idleness();
        // A path of its own, so that it is not known yet that it blocks.
        let path = format!("/wait{round}");
        first.send(get(&path));
        gate.wait_for(round + 1);
        assert_eq!(second.ask(GET).text(), "/");
        gate.open(1);
        assert_eq!(first.response().text(), path);
    }
}

/// Responses of quick handlers are sent together. One of these handlers may wait all the same: then the watchdog sends what
/// was buffered before it.
#[test]
fn rule_02_a_response_does_not_wait_for_the_handler_of_the_next_request() {
    let (gate, bar) = gate();
    let stage = Stage::with(HTTPServer::builder().compute_threads(1), move |act| {
        if act.path().ends_with("?wait") {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let mut client = stage.client();
    for round in 0..10 {
        // Often enough that the handlers of this path are called while a response waits.
        for _ in 0..200 {
            assert_eq!(client.ask(GET).text(), "/");
        }
        client.send([GET, &get("/?wait")].concat());
        gate.wait_for(round + 1);
        assert_eq!(client.response().text(), "/");
        gate.open(1);
        assert_eq!(client.response().text(), "/?wait");
    }
}
