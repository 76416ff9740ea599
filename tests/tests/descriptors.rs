//! A server that has fewer descriptors than clients, in its own process.
#![cfg(target_os = "linux")]

use std::hint::black_box;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use basehttp_tests::child::LimitedServer;
use basehttp_tests::client::{Client, Response};
use basehttp_tests::process::{descriptors_of, ticks, ticks_of_this_thread};
use basehttp_tests::{PATIENCE, wait_until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn start(descriptors: usize) -> LimitedServer {
    // No client may get a descriptor because another one was idle.
    let mut server = LimitedServer::start(env!("CARGO_BIN_EXE_limited"), &["idle_timeout", "600000"]);
    server.tell(&format!("nofile {descriptors}"));
    server
}

/// Connects this many clients, each of which sends a request. Returns those that get a response as they get it, and `None`
/// for one whose connection is closed without a response.
fn crowd(server: &LimitedServer, count: usize) -> Receiver<Option<(Client, Response)>> {
    let (tell, told) = channel();
    for _ in 0..count {
        let mut client = server.connect().unwrap();
        let tell = tell.clone();
        thread::spawn(move || {
            let outcome = client.send(GET).try_response().ok().map(|response| (client, response));
            let _ = tell.send(outcome);
        });
    }
    told
}

/// Waits until the server has logged that it cannot accept connections.
fn wait_for_exhaustion(server: &LimitedServer, descriptors: usize) {
    server.log.wait_for("cannot accept connections");
    wait_until("all descriptors are taken", || descriptors_of(server.id()) + 1 >= descriptors);
}

/// Waits until a new client is served: while descriptors are short, one may be turned away.
fn wait_for_service(server: &LimitedServer) {
    wait_until("a new client is served", || {
        let response = server.connect().unwrap().send(GET).try_response();
        response.is_ok_and(|response| response.status == 200)
    });
}

#[test]
fn rule_09_clients_beyond_the_descriptors_are_served_when_others_leave() {
    const CLIENTS: usize = 100;
    let server = start(64);
    let outcomes = crowd(&server, CLIENTS);
    wait_for_exhaustion(&server, 64);
    // The clients that fit are served, and remain served.
    let mut fitting = Vec::new();
    while fitting.len() < 40 {
        fitting.extend(outcomes.recv_timeout(PATIENCE).expect("a client that fits is served"));
    }
    for (client, response) in &mut fitting {
        assert_eq!(response.status, 200);
        assert_eq!(client.ask(GET).status, 200);
    }
    // No new connection tells the server that others are waiting: it has to remember them.
    let (mut answered, mut closed) = (fitting.len(), 0);
    drop(fitting);
    while answered + closed < CLIENTS {
        match outcomes.recv_timeout(PATIENCE).expect("no client hangs") {
            Some((_, response)) => {
                assert_eq!(response.status, 200);
                answered += 1;
            }
            None => closed += 1,
        }
    }
    // A client that has waited for long may be turned away, but not every client.
    assert!(answered > 64, "{answered} answered, {closed} closed");
    wait_for_service(&server);
    let log = server.log.lines();
    assert!(log.len() <= 5, "{log:?}");
    server.end();
}

#[test]
fn rule_09_a_server_without_descriptors_does_not_spin() {
    let server = start(40);
    let clients: Vec<_> = (0..60).map(|_| server.connect().unwrap()).collect();
    wait_for_exhaustion(&server, 40);
    let (server_before, before) = (ticks(server.id()), ticks_of_this_thread());
    // A spinning server would use as much processor time meanwhile.
    let mut number = 1_u64;
    let used = loop {
        for _ in 0..100_000 {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        let used = ticks_of_this_thread() - before;
        if used >= 50 {
            break used;
        }
    };
    let server_used = ticks(server.id()) - server_before;
    assert!(server_used * 5 < used, "{server_used} ticks beside {used}");
    drop(clients);
    wait_for_service(&server);
    server.end();
}

/// Without descriptors no address is forgotten: clients that wait at any of them are served once there are descriptors
/// again.
#[test]
fn rule_09_clients_at_all_addresses_are_served_when_others_leave() {
    let settings = ["idle_timeout", "600000", "addresses", "3"];
    let mut server = LimitedServer::start(env!("CARGO_BIN_EXE_limited"), &settings);
    server.tell("nofile 48");
    let crowd: Vec<_> = (0..60).map(|_| server.connect().unwrap()).collect();
    wait_for_exhaustion(&server, 48);
    let mut waiting = Vec::new();
    for address in server.addresses() {
        waiting.extend((0..3).map(|_| (server.connect_to(*address).unwrap(), *address)));
        server.log.wait_for(&format!("cannot accept connections at {address}, retrying"));
    }
    drop(crowd);
    for (client, address) in waiting {
        // A client that has waited for long may have been turned away, and retries.
        let mut client = Some(client);
        wait_until("a client is served at each address", || {
            let mut client = client.take().unwrap_or_else(|| server.connect_to(address).unwrap());
            client.send(GET).try_response().is_ok_and(|response| response.status == 200)
        });
    }
    server.end();
}

#[test]
fn rule_09_descriptors_come_back() {
    let server = start(32);
    let before = descriptors_of(server.id());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..100 {
                    let mut client = server.connect().unwrap();
                    match round % 4 {
                        0 => assert_eq!(client.ask(GET).status, 200),
                        1 => assert_eq!(client.send(GET).send(GET).response().status, 200),
                        2 => client.end(),
                        _ => drop(client.send("GET / HT")),
                    }
                }
            });
        }
    });
    wait_until("all of them are back", || descriptors_of(server.id()) <= before);
    server.end();
}
