//! A handler that waits for its client, in `rfile` or `wfile`, holds its own thread and nothing else.

use std::io;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;

use crate::stage::{Act, GET, Stage, say};

const CLIENTS: usize = 10;
/// More than the system's buffers take.
const BIG: usize = 12 << 20;
const PART: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";

/// A server whose handlers read and write freely, and whose deadlines are far away.
fn stage(max_threads: usize) -> (Stage, Log) {
    let hour = Duration::from_secs(3600);
    let log = Log::default();
    let notes = log.clone();
    let builder = HTTPServer::builder()
        .max_threads(max_threads)
        .gather_limit(0)
        .read_timeout(hour)
        .write_timeout(hour)
        .idle_timeout(hour);
    let stage = Stage::with(builder, move |act| match act.path() {
        "/big" => {
            notes.push("writes");
            write(act)
        }
        _ if act.command() == "POST" => read(act, &notes),
        path => say(act, path),
    });
    (stage, log)
}

fn read(act: &Act, notes: &Log) -> io::Result<()> {
    let mut body = [0; 10];
    act.rfile.read_exact(&mut body[..5])?;
    notes.push("reads");
    act.rfile.read_exact(&mut body[5..])?;
    say(act, &String::from_utf8_lossy(&body))
}

fn write(act: &Act) -> io::Result<()> {
    act.send_response(200);
    act.end_headers()?;
    (0..BIG / 1000).try_for_each(|_| act.wfile.write_all(&[b'x'; 1000]))
}

fn big(stage: &Stage) -> Client {
    let mut client = stage.client();
    client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    client
}

fn wait_for(log: &Log, note: &str, count: usize) {
    wait_until(note, || log.lines().iter().filter(|line| *line == note).count() >= count);
}

fn check_others(stage: &Stage) {
    let mut client = stage.client();
    for _ in 0..20 {
        assert_eq!(client.ask(GET).text(), "/");
    }
    #[cfg(target_os = "linux")]
    assert!(basehttp_tests::process::workers() <= CLIENTS + 2);
}

#[test]
fn rule_10_a_handler_that_waits_for_input_holds_only_its_own_thread() {
    let (stage, log) = stage(CLIENTS + 2);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| stage.client()).collect();
    for _ in 0..3 {
        log.take();
        for client in &mut clients {
            client.send(PART);
        }
        wait_for(&log, "reads", CLIENTS);
        check_others(&stage);
        for client in clients.iter_mut().rev() {
            assert_eq!(client.ask("world").text(), "helloworld");
        }
    }
}

#[test]
fn rule_10_a_handler_that_waits_for_room_holds_only_its_own_thread() {
    let (stage, log) = stage(CLIENTS + 2);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| big(&stage)).collect();
    wait_for(&log, "writes", CLIENTS);
    check_others(&stage);
    for client in &mut clients {
        assert_eq!(client.response().body.len(), BIG / 1000 * 1000);
        check_others(&stage);
    }
}

#[test]
fn rule_10_on_the_only_thread_a_handler_goes_on_when_its_client_does() {
    let (stage, log) = stage(1);
    for _ in 0..5 {
        log.take();
        let mut client = stage.client();
        client.send(PART);
        wait_for(&log, "reads", 1);
        assert_eq!(client.ask("world").text(), "helloworld");
        let mut client = big(&stage);
        wait_for(&log, "writes", 1);
        assert_eq!(client.response().body.len(), BIG / 1000 * 1000);
        assert_eq!(stage.client().ask(GET).text(), "/");
    }
}

#[test]
fn rule_10_a_handler_that_waits_is_told_that_its_client_is_gone() {
    let (stage, log) = stage(CLIENTS + 2);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(PART);
    }
    wait_for(&log, "reads", CLIENTS);
    drop(clients);
    let clients: Vec<_> = (0..CLIENTS).map(|_| big(&stage)).collect();
    wait_for(&log, "writes", CLIENTS);
    drop(clients);
    stage.wait_until_empty();
    check_others(&stage);
}

#[test]
fn rule_10_a_client_that_waits_for_100_continue_gets_it_from_the_handler_that_reads() {
    let (stage, log) = stage(1);
    for _ in 0..5 {
        log.take();
        let mut client = stage.client();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
        assert_eq!(client.response().status, 100);
        client.send("hello");
        wait_for(&log, "reads", 1);
        assert_eq!(client.ask("world").text(), "helloworld");
    }
}
