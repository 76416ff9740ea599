//! A waiting client holds no thread, threads are bounded, and an idle server does not wake up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use basehttp::Payload;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use basehttp_tests::gate::gate;
use basehttp_tests::process::{memory_of, server_threads, sleeps, workers};
use basehttp_tests::wait_until;

use crate::stage::{GET, Stage, WAIT, factory, get, say, turn};

fn stage(builder: basehttp::ServerBuilder) -> Stage {
    let hour = Duration::from_secs(3600);
    let builder = builder.idle_timeout(hour).head_timeout(hour).read_timeout(hour).body_timeout(hour);
    let builder = builder.write_timeout(hour).response_timeout(hour);
    Stage::with(builder, |act| match act.path() {
        "/big" => {
            act.send_response(200);
            act.end_headers()?;
            (0..60).try_for_each(|_| act.wfile.write_all(&[b'x'; 1024]))
        }
        "/direct" => {
            act.send_response(200);
            act.send_header("Content-Length", 60 * 1024);
            act.end_headers()?;
            act.wfile.write_all(&vec![b'x'; 60 * 1024])
        }
        path => {
            let body = act.read_body(100_000)?;
            say(act, &format!("{path}{}", body.len()))
        }
    })
}

/// Neither a client that leaves silently, nor one that is told to leave.
#[test]
fn rule_13_who_says_nothing_gets_no_handler() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = made.clone();
    let _turn = turn();
    let builder = HTTPServer::builder().idle_timeout(Duration::from_millis(50));
    let server = TestServer::with(builder, move |base| {
        counter.fetch_add(1, Ordering::SeqCst);
        factory(|act| say(act, ""))(base)
    });
    let mut silent: Vec<_> = (0..10).map(|_| Client::new(&server)).collect();
    for client in &mut silent {
        client.assert_closed();
    }
    for _ in 0..10 {
        drop(server.connect().unwrap());
    }
    wait_until("all are gone", || server.handle().stats().connections_open == 0);
    assert_eq!(made.load(Ordering::SeqCst), 0);
    assert_eq!(Client::new(&server).ask(GET).status, 200);
    assert_eq!(made.load(Ordering::SeqCst), 1);
}

/// The parts of a request at which a client falls silent, and the rest of it.
const PARTS: [(&str, &str); 5] = [
    ("", GET),
    ("GET / HT", "TP/1.1\r\nHost: a\r\n\r\n"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", "llo"),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "lo\r\n0\r\n\r\n"),
    (GET, GET),
];

/// Clients that have sent part of a request each.
fn slow(stage: &Stage, count: usize) -> Vec<(TcpStream, usize)> {
    let connect = |index: usize| {
        let mut stream: TcpStream = stage.server.connect().unwrap();
        let kind = index % PARTS.len();
        stream.write_all(PARTS[kind].0.as_bytes()).unwrap();
        (stream, kind)
    };
    (0..count).map(connect).collect()
}

#[test]
fn rule_13_clients_that_are_silent_or_slow_hold_no_thread() {
    let stage = stage(HTTPServer::builder());
    let mut held = slow(&stage, 50);
    assert_eq!(stage.client().ask(GET).text(), "/0");
    wait_until("only a driver is left, or a spare thread beside it", || workers() <= 2);
    for (stream, kind) in &mut held {
        stream.write_all(PARTS[*kind].1.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut output = String::new();
        stream.read_to_string(&mut output).unwrap();
        let wanted = if PARTS[*kind].0 == GET { 2 } else { 1 };
        assert_eq!(output.matches("HTTP/1.1 200 OK").count(), wanted, "{output}");
    }
}

/// A thread must cost more than a head.
#[test]
fn rule_13_a_long_body_of_which_little_has_come_holds_no_thread() {
    let stage = stage(HTTPServer::builder());
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello";
    let mut clients: Vec<_> = (0..30).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(head);
    }
    assert_eq!(stage.client().ask(GET).text(), "/0");
    wait_until("no thread waits for the bodies", || workers() <= 2);
    for client in &mut clients {
        assert_eq!(client.ask("x".repeat(100_000 - 5)).status, 200);
    }
}

#[test]
fn rule_13_a_slow_reader_of_a_held_back_response_holds_no_thread() {
    check_slow_readers("/big");
}

#[test]
fn rule_13_a_slow_reader_of_responses_that_go_past_the_buffer_holds_no_thread() {
    check_slow_readers("/direct");
}

/// Reports when the server no longer uses it.
struct Owner(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// All clients are sent the same bytes, without a copy. They are freed when the last client has gone.
#[test]
fn rule_13_slow_readers_of_bytes_that_are_handed_over_hold_neither_thread_nor_memory() {
    const SIZE: usize = 20 * 1024 * 1024;
    const READERS: usize = 200;
    let dropped = Arc::new(AtomicUsize::new(0));
    let payload = Arc::new(Mutex::new(None::<Payload>));
    let handed_over = payload.clone();
    let hour = Duration::from_secs(3600);
    let builder = HTTPServer::builder().write_timeout(hour).response_timeout(hour);
    let stage = Stage::with(builder, move |act| {
        let mut payload = handed_over.lock().unwrap();
        match act.path() {
            "/" => return say(act, "quick"),
            "/drop" => *payload = None,
            _ => {}
        }
        let Some(payload) = payload.clone() else { return say(act, "dropped") };
        act.send_response(200);
        act.send_header("Content-Length", SIZE);
        act.end_headers()?;
        act.wfile.send_bytes(payload)
    });
    // Other tests, which measure memory as well, run before or after this server.
    *payload.lock().unwrap() = Some(Payload::from_owner(Owner(vec![b'x'; SIZE], dropped.clone())));
    let before = memory_of(std::process::id());
    let mut readers: Vec<_> = (0..READERS).map(|_| stage.client()).collect();
    for reader in &mut readers {
        reader.send(get("/bytes"));
    }
    for reader in &readers {
        // The response has begun.
        reader.stream().read_exact(&mut [0; 1000]).unwrap();
    }
    assert_eq!(stage.client().ask(GET).text(), "quick");
    wait_until("no thread waits for the readers", || workers() <= 2);
    let each = memory_of(std::process::id()).saturating_sub(before) * 1024 / READERS as u64;
    assert!(each < 20_000, "{each} bytes for each reader");
    assert_eq!(stage.client().ask(get("/drop")).text(), "dropped");
    assert_eq!(dropped.load(Ordering::SeqCst), 0, "they are still being sent");
    let one = readers.pop().unwrap();
    drop(readers);
    let half = SIZE as u64 / 2;
    assert_eq!(std::io::copy(&mut one.stream().take(half), &mut std::io::sink()).unwrap(), half);
    drop(one);
    wait_until("the bytes are freed", || dropped.load(Ordering::SeqCst) == 1);
}

/// Pages of some hundred KiB, as a handler makes them, whole and in pieces.
#[test]
fn rule_13_slow_readers_of_large_pages_hold_no_thread_while_there_is_room() {
    const PAGE: usize = 400 * 1024;
    const REQUESTS: usize = 25;
    let hour = Duration::from_secs(3600);
    // One of the readers may find the budget used up: its handler waits.
    let builder = HTTPServer::builder().write_timeout(hour).response_timeout(hour).write_budget(3 * PAGE);
    let stage = Stage::with(builder, move |act| {
        if act.path() == "/" {
            return say(act, "quick");
        }
        act.send_response(200);
        if act.path() == "/counted" {
            act.send_header("Content-Length", PAGE);
        }
        act.end_headers()?;
        let page: Vec<u8> = (0..=250).cycle().take(PAGE).collect();
        if act.path() == "/pieces" {
            return page.chunks(50_000).try_for_each(|piece| act.wfile.write_all(piece));
        }
        act.wfile.write_all(&page)
    });
    let page: Vec<u8> = (0..=250).cycle().take(PAGE).collect();
    for paths in [["/counted"; 4], ["/chunked"; 4], ["/pieces"; 4]] {
        let mut readers: Vec<_> = paths.iter().map(|path| (path, stage.client())).collect();
        for (path, reader) in &mut readers {
            // More than the system takes for a client that does not read.
            reader.send(get(path).repeat(REQUESTS));
        }
        assert_eq!(stage.client().ask(GET).text(), "quick");
        wait_until("no thread waits for the readers", || workers() <= 2 + 1);
        for (path, reader) in &mut readers {
            for _ in 0..REQUESTS {
                assert!(reader.response().body == page, "{path}");
            }
        }
    }
}

/// Neither a thread nor memory: the bytes are sent from the file.
#[test]
fn rule_13_slow_readers_of_a_large_file_hold_neither_thread_nor_memory() {
    const SIZE: u64 = 100 * 1024 * 1024;
    let file = tempfile::tempfile().unwrap();
    file.set_len(SIZE).unwrap();
    let file = Arc::new(file);
    let hour = Duration::from_secs(3600);
    let builder = HTTPServer::builder().write_timeout(hour).response_timeout(hour);
    let stage = Stage::with(builder, move |act| {
        if act.path() == "/" {
            return say(act, "quick");
        }
        act.send_response(200);
        act.send_header("Content-Length", SIZE);
        act.end_headers()?;
        act.wfile.send_file(&file, 0..SIZE)
    });
    let before = memory_of(std::process::id());
    let mut readers: Vec<_> = (0..200).map(|_| stage.client()).collect();
    for reader in &mut readers {
        reader.send(get("/file"));
    }
    for reader in &readers {
        // The response has begun.
        reader.stream().read_exact(&mut [0; 1000]).unwrap();
    }
    assert_eq!(stage.client().ask(GET).text(), "quick");
    wait_until("no thread waits for the readers", || workers() <= 2);
    let each = memory_of(std::process::id()).saturating_sub(before) * 1024 / 200;
    assert!(each < 20_000, "{each} bytes for each reader");
    // One of them certainly takes the rest of its body.
    let rest = readers.pop().unwrap();
    let count = std::io::copy(&mut rest.stream().take(SIZE - 1000), &mut std::io::sink()).unwrap();
    assert_eq!(count, SIZE - 1000);
}

fn check_slow_readers(path: &str) {
    let stage = stage(HTTPServer::builder());
    let mut readers: Vec<_> = (0..20).map(|_| stage.server.connect().unwrap()).collect();
    for reader in &mut readers {
        // More than the system takes for a client that does not read, in responses that are each held back.
        let pipeline = get(path).repeat(150);
        reader.write_all(pipeline.as_bytes()).unwrap();
        reader.shutdown(Shutdown::Write).unwrap();
    }
    assert_eq!(stage.client().ask(GET).text(), "/0");
    wait_until("no thread waits for the readers", || workers() <= 2);
    for reader in &mut readers {
        let mut output = Vec::new();
        reader.read_to_end(&mut output).unwrap();
        let sizes = output.split(|byte| *byte != b'x').map(<[u8]>::len);
        assert_eq!(sizes.sum::<usize>(), 150 * 60 * 1024);
    }
}

#[test]
fn rule_13_there_are_never_more_threads_than_the_setting_says() {
    let (gate, bar) = gate();
    let stage = Stage::with(HTTPServer::builder().max_threads(4), move |act| {
        bar.pass()?;
        say(act, act.path())
    });
    let mut clients: Vec<_> = (0..40).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    for served in 0..36 {
        gate.wait_for(served + 4);
        assert_eq!(gate.came(), served + 4, "more handlers than threads");
        // The watchdog and the reserve are the other two.
        assert!(workers() <= 4 && server_threads() <= 6, "{} {}", workers(), server_threads());
        gate.open(1);
    }
    gate.stay_open();
    for client in &mut clients {
        assert_eq!(client.response().text(), "/wait");
    }
}

#[test]
fn rule_13_an_idle_server_does_not_wake_up() {
    let stage = stage(HTTPServer::builder());
    let held = slow(&stage, 50);
    assert_eq!(stage.client().ask(GET).text(), "/0");
    wait_until("spare threads have gone", || workers() <= 1);
    wait_until("no thread of the server wakes up", || {
        let before = sleeps();
        thread::sleep(Duration::from_millis(1500));
        before == sleeps()
    });
    drop(held);
}

#[test]
fn rule_13_spare_threads_go() {
    let (gate, bar) = gate();
    let stage = Stage::new(move |act| {
        bar.pass()?;
        say(act, act.path())
    });
    let mut clients: Vec<_> = (0..10).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    gate.wait_for(10);
    assert!(workers() >= 10);
    gate.stay_open();
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    wait_until("those that are not needed have gone", || workers() <= 1);
    assert_eq!(clients[0].ask(GET).status, 200);
}

#[test]
fn rule_13_threads_go_home_with_their_server() {
    let (gate, bar) = gate();
    let stage = Stage::new(move |act| {
        bar.pass()?;
        say(act, act.path())
    });
    let mut clients: Vec<_> = (0..4).map(|_| stage.client()).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    gate.wait_for(4);
    gate.stay_open();
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    drop(clients);
    let Stage { server, .. } = stage;
    drop(server);
    wait_until("no thread is left", || server_threads() == 0);
}
