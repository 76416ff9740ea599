//! A connection handles one request at a time. The responses before it are sent before a handler that may block.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use basehttp::prelude::*;
use basehttp_tests::gate::{Gate, gate};

use crate::stage::{GET, Stage, WAIT, get, say};

fn gated() -> (Stage, Gate) {
    let (gate, bar) = gate();
    let stage = Stage::with(HTTPServer::builder(), move |act| {
        if act.path().starts_with("/wait") {
            bar.pass()?;
        }
        say(act, act.path())
    });
    (stage, gate)
}

#[test]
fn rule_05_earlier_responses_are_with_the_client_while_a_handler_waits() {
    let (stage, gate) = gated();
    for round in 1..=6 {
        let mut client = stage.client();
        // It is not known yet that it blocks.
        let path = format!("/wait{round}");
        client.send([GET, &get("/other"), &get(&path), GET].concat());
        assert_eq!(client.response().text(), "/");
        assert_eq!(client.response().text(), "/other");
        gate.wait_for(round);
        gate.open(1);
        assert_eq!(client.response().text(), path);
        assert_eq!(client.response().text(), "/");
    }
}

#[test]
fn rule_05_earlier_responses_are_with_the_client_while_a_handler_waits_that_was_quick_before() {
    let (stage, gate) = gated();
    gate.open(5);
    for _ in 0..5 {
        assert_eq!(stage.client().ask(WAIT).text(), "/wait");
    }
    let mut client = stage.client();
    client.send([GET, WAIT].concat());
    // This client lets the handler continue, and only after the response before.
    assert_eq!(client.response().text(), "/");
    gate.open(1);
    assert_eq!(client.response().text(), "/wait");
}

#[test]
fn rule_05_the_next_request_waits_for_the_response_before_it() {
    let (stage, gate) = gated();
    let (mut client, mut other) = (stage.client(), stage.client());
    client.send([WAIT; 4].concat());
    for round in 1..=4 {
        gate.wait_for(round);
        for _ in 0..10 {
            assert_eq!(other.ask(GET).text(), "/");
        }
        assert_eq!(gate.came(), round, "the next request has begun");
        gate.open(1);
        assert_eq!(client.response().text(), "/wait");
    }
}

#[test]
fn rule_05_each_connection_has_at_most_one_handler_running() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (running.clone(), most.clone());
    let (gate, bar) = gate();
    let stage = Stage::new(move |act| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let passed = bar.pass();
        now.fetch_sub(1, Ordering::SeqCst);
        passed?;
        say(act, act.path())
    });
    let mut clients: Vec<_> = (0..3).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send((0..10).map(|n| get(&format!("/{n}"))).collect::<String>());
    }
    gate.wait_for(3);
    assert_eq!(running.load(Ordering::SeqCst), 3);
    gate.stay_open();
    for client in &mut clients {
        for n in 0..10 {
            assert_eq!(client.response().text(), format!("/{n}"));
        }
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}
