//! When no thread can be added, a reserve, which runs no handler, continues to poll, time out and queue connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp_tests::PATIENCE;
use basehttp_tests::client::Client;
use basehttp_tests::gate::{Gate, gate};

use crate::stage::{GET, Stage, WAIT, get, say};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(150);

/// A server with two threads, both in handlers that block, and the clients of those.
fn at_bound(builder: ServerBuilder) -> (Stage, Gate, Vec<Client>) {
    let (gate, bar) = gate();
    let stage = Stage::with(builder.max_threads(2), move |act| {
        if act.path() == "/wait" {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let mut clients = Vec::new();
    for count in 1..=2 {
        let mut client = stage.client();
        client.send(WAIT);
        gate.wait_for(count);
        clients.push(client);
    }
    (stage, gate, clients)
}

fn release(gate: &Gate, clients: Vec<Client>) {
    gate.stay_open();
    for mut client in clients {
        assert_eq!(client.response().text(), "/wait");
    }
}

#[test]
fn rule_08_at_the_bound_a_queued_request_is_told_to_come_back() {
    let (stage, gate, stuck) = at_bound(HTTPServer::builder().queue_timeout(SHORT));
    // New connections are accepted too.
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..10).map(|_| stage.client()).collect();
        for client in &mut clients {
            client.send(GET);
        }
        for client in &mut clients {
            let response = client.response();
            assert_eq!(response.status, 503);
            assert!(response.field("retry-after").is_some());
            assert_eq!(response.field("connection"), Some("close"));
            client.assert_closed();
        }
    }
    release(&gate, stuck);
    assert_eq!(stage.client().ask(GET).text(), "/");
}

#[test]
fn rule_08_at_the_bound_a_newcomer_is_told_to_come_back() {
    let queue = Duration::from_millis(100);
    let builder = HTTPServer::builder().verify_request(|_| true).queue_timeout(queue);
    let (stage, gate, clients) = at_bound(builder);
    assert_eq!(stage.client().ask(GET).status, 503);
    release(&gate, clients);
}

#[test]
fn rule_08_at_the_bound_an_idle_connection_is_closed() {
    let (gate, bar) = gate();
    let builder =
        HTTPServer::builder().max_threads(1).idle_timeout(Duration::from_secs(2)).queue_timeout(HOUR);
    let stage = Stage::with(builder, move |act| {
        if act.path() == "/wait" {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let mut idle: Vec<_> = (0..5).map(|_| stage.client()).collect();
    for client in &mut idle {
        assert_eq!(client.ask(GET).text(), "/");
    }
    let mut stuck = stage.client();
    stuck.send(WAIT);
    gate.wait_for(1);
    for client in &mut idle {
        client.assert_closed();
    }
    assert_eq!(gate.came(), 1);
    release(&gate, vec![stuck]);
}

#[test]
fn rule_08_at_the_bound_a_head_that_does_not_come_is_late() {
    let (gate, bar) = gate();
    let builder = HTTPServer::builder().max_threads(1).head_timeout(SHORT).queue_timeout(HOUR);
    let stage = Stage::with(builder, move |act| {
        if act.path() == "/wait" {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let mut slow: Vec<_> = (0..5).map(|_| stage.client()).collect();
    for client in &mut slow {
        assert_eq!(client.ask(GET).text(), "/");
    }
    let mut stuck = stage.client();
    stuck.send(WAIT);
    gate.wait_for(1);
    for client in &mut slow {
        client.send("GET / HT");
    }
    for client in &mut slow {
        assert_eq!(client.response().status, 408);
        client.assert_closed();
    }
    assert_eq!(gate.came(), 1);
    release(&gate, vec![stuck]);
}

/// The receiver of the log lines is user code, which may block: the reserve leaves the lines to other threads.
#[test]
fn rule_08_at_the_bound_a_log_that_hangs_holds_up_nobody() {
    let (log_gate, log_bar) = gate();
    let builder =
        HTTPServer::builder().head_timeout(SHORT).queue_timeout(SHORT).log_line(move |line, _level| {
            if line.contains("found no free thread") {
                // At the end of the test it may pass.
                let _ = log_bar.pass();
            }
        });
    let (stage, gate, clients) = at_bound(builder);
    // The reserve has answered it, and has logged that.
    assert_eq!(stage.client().ask(WAIT).status, 503);
    // The reserve continues to poll: there is no thread for this one either, and it gets that answer.
    assert_eq!(stage.client().ask(WAIT).status, 503);
    log_gate.stay_open();
    release(&gate, clients);
    // Such a line has come, at the latest from a thread that is free again.
    log_gate.wait_for(1);
}

#[cfg(target_os = "linux")]
#[test]
fn rule_08_queued_requests_are_served_in_order_when_a_thread_comes_back() {
    use basehttp_tests::log::Log;
    use basehttp_tests::process::unread;

    let (gate, bar) = gate();
    let log = Log::default();
    let notes = log.clone();
    let stage = Stage::with(HTTPServer::builder().max_threads(1).queue_timeout(HOUR), move |act| {
        match act.path() {
            "/wait" => bar.pass()?,
            path => notes.push(path),
        }
        say(act, act.path())
    });
    let mut clients: Vec<_> = (0..10).map(|_| stage.client()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(get("/warm")).text(), "/warm");
    }
    let mut stuck = stage.client();
    stuck.send(WAIT);
    gate.wait_for(1);
    log.take();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(get(&format!("/{n}")));
        let port = |address: std::io::Result<std::net::SocketAddr>| address.unwrap().port();
        let (here, there) = (port(client.stream().local_addr()), port(client.stream().peer_addr()));
        basehttp_tests::wait_until("the server has taken the request", || unread(there, here) == 0);
    }
    release(&gate, vec![stuck]);
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.response().text(), format!("/{n}"));
    }
    let wanted: Vec<_> = (0..10).map(|n| format!("/{n}")).collect();
    assert_eq!(log.take(), wanted);
}

#[test]
fn rule_08_requests_beyond_the_bound_are_answered_when_there_is_a_thread() {
    let (stage, gate, stuck) = at_bound(HTTPServer::builder());
    let mut clients: Vec<_> = (0..6).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    for served in 1..=6 {
        gate.open(1);
        gate.wait_for(2 + served);
    }
    gate.open(2);
    for client in clients.iter_mut().chain(&mut { stuck }) {
        assert_eq!(client.response().text(), "/wait");
    }
}

/// A server whose handler of `/self` is its client.
fn calling(builder: ServerBuilder) -> Stage {
    Stage::with(builder, |act| {
        if act.path() != "/self" {
            return say(act, act.path());
        }
        let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, act.server().server_port()))?;
        other.set_read_timeout(Some(PATIENCE))?;
        other.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
        let mut response = String::new();
        other.read_to_string(&mut response)?;
        say(act, response.lines().next().unwrap_or_default())
    })
}

#[test]
fn rule_08_a_handler_may_call_its_own_server_on_the_last_thread_but_one() {
    let stage = calling(HTTPServer::builder().max_threads(2));
    for _ in 0..5 {
        assert_eq!(stage.client().ask(get("/self")).text(), "HTTP/1.1 200 OK");
    }
}

#[test]
fn rule_08_at_the_bound_a_handler_that_calls_its_own_server_is_told_to_come_back() {
    let stage = calling(HTTPServer::builder().max_threads(1).queue_timeout(SHORT));
    for _ in 0..3 {
        assert_eq!(stage.client().ask(get("/self")).text(), "HTTP/1.1 503 Service Unavailable");
        assert_eq!(stage.client().ask(GET).status, 200);
    }
}

#[test]
fn rule_08_many_handlers_that_call_their_own_server_do_not_lock_it_up() {
    let stage = calling(HTTPServer::builder().max_threads(4).queue_timeout(SHORT));
    let mut clients: Vec<_> = (0..12).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(get("/self"));
    }
    for client in &mut clients {
        let response = client.response();
        assert!(matches!(response.status, 200 | 503), "{response:?}");
    }
    assert_eq!(stage.client().ask(get("/self")).text(), "HTTP/1.1 200 OK");
}

#[cfg(target_os = "linux")]
#[test]
fn rule_08_a_thread_that_cannot_be_made_is_the_bound() {
    use basehttp_tests::child::Launch;

    let program = env!("CARGO_BIN_EXE_limited");
    let mut server = Launch::of(program).settings(&["queue_timeout", "200"]).unprivileged().start();
    assert_eq!(server.connect().unwrap().ask(GET).status, 200);
    // From now on the user may have one thread, and has more. There may be a spare one, but not for all of these.
    server.tell("nproc 1");
    let mut clients: Vec<_> = (0..6).map(|_| server.connect().unwrap()).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    server.log.wait_for("no thread can be added");
    for _ in 0..3 {
        let response = server.connect().unwrap().ask(GET);
        assert_eq!(response.status, 503);
        assert!(response.field("retry-after").is_some());
    }
    // Once threads can be added again, they are.
    server.tell("nproc 1000");
    basehttp_tests::wait_until("a thread is added", || server.connect().unwrap().ask(GET).status == 200);
    server.tell("go");
    let mut statuses: Vec<_> = clients.iter_mut().map(|client| client.response().status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[5]), (200, 503));
    assert!(!server.log.has("panicked"), "{:?}", server.log.lines());
    server.end();
}
