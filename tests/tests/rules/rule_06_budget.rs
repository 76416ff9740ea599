//! A turn has a budget: a connection that always has more to do does not delay the others.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::prelude::*;
use basehttp_tests::{PATIENCE, wait_until};

use crate::stage::{Act, GET, Stage, get, post, say};

#[test]
fn rule_06_an_endless_pipeline_starves_nobody() {
    let stage = Stage::with(HTTPServer::builder().compute_threads(1), |act| say(act, act.path()));
    let greedy = stage.client();
    let (over, sent, got) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let block = get("/x").repeat(100);
            while !over.load(Ordering::SeqCst) {
                greedy.stream().write_all(block.as_bytes()).unwrap();
                sent.fetch_add(100, Ordering::SeqCst);
            }
            greedy.end();
        });
        scope.spawn(|| {
            // Each response has "/x" only in its body.
            let (mut before, mut buffer) = (0, vec![0; 65_536]);
            loop {
                let count = greedy.stream().read(&mut buffer).unwrap();
                if count == 0 {
                    break;
                }
                let mut found = 0;
                for byte in &buffer[..count] {
                    found += usize::from(before == b'/' && *byte == b'x');
                    before = *byte;
                }
                got.fetch_add(found, Ordering::SeqCst);
            }
        });
        for round in 1..=20 {
            // The pipeline is being served, and does not end before this does.
            let so_far = got.load(Ordering::SeqCst);
            wait_until("the pipeline goes on", || got.load(Ordering::SeqCst) > so_far);
            let mut client = stage.client();
            for _ in 0..round {
                assert_eq!(client.ask(GET).text(), "/");
            }
        }
        over.store(true, Ordering::SeqCst);
    });
    assert_eq!(got.load(Ordering::SeqCst), sent.load(Ordering::SeqCst));
}

/// One client sends 64 requests at once, each of which takes longer than a turn may. During the first, another client sends
/// a request. Returns how many of the 64 have begun when that is answered. At best: on a busy machine the driver may be
/// preempted, and others continue.
fn begun_before_another(
    request: &str,
    answer: impl Fn(&Act) -> io::Result<()> + Send + Sync + Clone + 'static,
) -> usize {
    (0..5).map(|_| try_before_another(request, answer.clone())).min().unwrap_or_default()
}

fn try_before_another(
    request: &str,
    answer: impl Fn(&Act) -> io::Result<()> + Send + Sync + 'static,
) -> usize {
    const REQUESTS: usize = 64;
    const LONG: Duration = Duration::from_micros(400);

    let (begun, seen) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let is_warm = Arc::new(AtomicBool::new(false));
    let other: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    let (sends, before, warm) = (other.clone(), seen.clone(), is_warm.clone());
    let stage = Stage::with(HTTPServer::builder().compute_threads(1).gather_limit(0), move |act| {
        if act.path() == "/other" {
            before.store(begun.load(Ordering::SeqCst), Ordering::SeqCst);
            return say(act, "other");
        }
        if !warm.load(Ordering::SeqCst) {
            return answer(act);
        }
        if begun.fetch_add(1, Ordering::SeqCst) == 0 {
            let stream = sends.lock().unwrap().take().unwrap();
            (&stream).write_all(get("/other").as_bytes()).unwrap();
        }
        let start = Instant::now();
        while start.elapsed() < LONG {}
        answer(act)
    });
    let (mut another, mut greedy) = (stage.client(), stage.client());
    // Both kinds of requests have been quick so far, and run on the driver.
    for _ in 0..8 {
        assert_eq!(greedy.ask(request).status, 200);
        assert_eq!(another.ask(get("/other")).status, 200);
    }
    is_warm.store(true, Ordering::SeqCst);
    *other.lock().unwrap() = Some(another.stream().try_clone().unwrap());
    greedy.send(request.repeat(REQUESTS));
    assert_eq!(another.response().text(), "other");
    (0..REQUESTS).for_each(|_| assert_eq!(greedy.response().status, 200));
    seen.load(Ordering::SeqCst)
}

#[test]
fn rule_06_a_turn_ends_by_time_whatever_its_requests_leave() {
    let seen = begun_before_another(&get("/long"), |act| say(act, "long"));
    assert!(seen < 16, "no body: {seen} before the other");
    // A body that the handler has not read, and that the server drops.
    let seen = begun_before_another(&post("body"), |act| say(act, "long"));
    assert!(seen < 16, "a body: {seen} before the other");
    // A response that is more than bytes in the buffer.
    let seen = begun_before_another(&get("/long"), |act| {
        act.send_response(200);
        act.send_header("Content-Length", 4);
        act.end_headers()?;
        act.wfile.send_file(&Arc::new(fs::File::open("Cargo.toml")?), 0..4)
    });
    assert!(seen < 16, "a file: {seen} before the other");
}

/// Two clients send useless data without end, while others send requests.
fn check_flood(builder: basehttp::ServerBuilder, head: &str, block: &[u8]) {
    let stage = Stage::with(builder.compute_threads(1), |act| say(act, act.path()));
    let floods = [stage.client(), stage.client()];
    let (over, blocks) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for flood in &floods {
            let (over, blocks) = (&over, &blocks);
            scope.spawn(move || {
                let mut stream = flood.stream();
                stream.write_all(head.as_bytes()).unwrap();
                // The server may end it, but the others are served in any case.
                while !over.load(Ordering::SeqCst) && stream.write_all(block).is_ok() {
                    blocks.fetch_add(1, Ordering::SeqCst);
                }
                flood.end();
            });
        }
        wait_until("the flood has come", || blocks.load(Ordering::SeqCst) >= 2);
        // Each response costs the server a bounded amount of work; it is not enough that one arrives eventually.
        let deadline = Instant::now() + PATIENCE;
        let mut answered = 0;
        while answered < 1200 && Instant::now() < deadline {
            let mut client = stage.client();
            for _ in 0..20 {
                assert_eq!(client.ask(GET).text(), "/");
            }
            answered += 20;
        }
        over.store(true, Ordering::SeqCst);
        assert_eq!(answered, 1200, "so few were answered");
    });
}

#[test]
fn rule_06_an_endless_body_that_nobody_reads_starves_nobody() {
    let builder = HTTPServer::builder().gather_limit(0).drain_limit(u64::MAX);
    let head = "POST /flood HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000000\r\n\r\n";
    check_flood(builder, head, &vec![b'x'; 65_536]);
}

#[test]
fn rule_06_an_endless_chunked_body_that_nobody_reads_starves_nobody() {
    let builder = HTTPServer::builder().gather_limit(0).drain_limit(u64::MAX);
    let head = "POST /flood HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_flood(builder, head, "1\r\nx\r\n".repeat(10_000).as_bytes());
}

#[test]
fn rule_06_a_client_that_sends_on_after_the_last_response_starves_nobody() {
    check_flood(HTTPServer::builder(), "SPAM /flood HTTP/1.1\r\n\r\n", &vec![b'x'; 65_536]);
}

#[test]
fn rule_06_many_new_connections_starve_nobody() {
    let stage = Stage::with(HTTPServer::builder().compute_threads(1), |act| say(act, act.path()));
    let (over, crowds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut client = stage.client();
    thread::scope(|scope| {
        for _ in 0..2 {
            let (stage, over, crowds) = (&stage, &over, &crowds);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let crowd: Vec<_> = (0..50).map(|_| stage.client()).collect();
                    drop(crowd);
                    crowds.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let mut asked = 0;
        while asked < 200 || crowds.load(Ordering::SeqCst) < 20 {
            assert_eq!(client.ask(GET).text(), "/");
            asked += 1;
        }
        over.store(true, Ordering::SeqCst);
    });
}
