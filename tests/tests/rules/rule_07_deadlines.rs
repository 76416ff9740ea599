//! Every connection has a deadline for what it waits for, and only that renews it.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::{Client, is_reset};
use basehttp_tests::gate::gate;
use basehttp_tests::log::Log;
use basehttp_tests::{show, wait_until};
use socket2::SockRef;

use crate::stage::{GET, Stage, WAIT, get, say};

/// So far away that a test cannot have reached this deadline.
const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(150);

/// A server without a near deadline.
fn builder() -> ServerBuilder {
    HTTPServer::builder()
        .idle_timeout(HOUR)
        .head_timeout(HOUR)
        .read_timeout(HOUR)
        .write_timeout(HOUR)
        .queue_timeout(HOUR)
}

/// Sends `byte` every few milliseconds until the server has closed the connection, while `read` checks the input.
fn trickle<T>(client: &mut Client, byte: u8, read: impl FnOnce(&mut Client) -> T) -> T {
    let mut sender = client.stream().try_clone().unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) && sender.write_all(&[byte]).is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let result = read(client);
        over.store(true, Ordering::SeqCst);
        result
    })
}

#[test]
fn rule_07_a_head_is_late_however_it_trickles() {
    let stage = Stage::with(builder().head_timeout(SHORT), |act| say(act, ""));
    for start in ["G", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "GET /"] {
        let mut client = stage.client();
        client.send(start);
        assert_eq!(trickle(&mut client, b'x', Client::response).status, 408);
    }
    // Empty lines are not a way to stay either: they become too many, or nothing has begun in time.
    let mut client = stage.client();
    client.send("\r");
    let rest = show(&trickle(&mut client, b'\n', |client| client.rest().unwrap_or_default()));
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "{rest}");
    stage.wait_until_empty_but(&[client]);
}

#[test]
fn rule_07_the_head_after_a_response_has_the_deadline_of_a_head() {
    let stage = Stage::with(builder().head_timeout(SHORT), |act| say(act, ""));
    let mut client = stage.client();
    assert_eq!(client.ask([GET, "GET / HT"].concat()).status, 200);
    assert_eq!(client.response().status, 408);
    client.assert_closed();
}

#[test]
fn rule_07_an_idle_connection_is_closed_without_a_word() {
    let stage = Stage::with(builder().idle_timeout(SHORT), |act| say(act, ""));
    let mut fresh: Vec<_> = (0..20).map(|_| stage.client()).collect();
    let mut used: Vec<_> = (0..20).map(|_| stage.client()).collect();
    for client in &mut used {
        // On a slow machine it may be over before its request arrived.
        client.send(GET);
    }
    for client in &mut used {
        let output = show(&client.rest().unwrap_or_default());
        assert_eq!(output.matches("HTTP/1.1 200 OK").count(), usize::from(!output.is_empty()), "{output}");
    }
    for client in &mut fresh {
        client.assert_closed();
    }
    wait_until("one is answered before its time is over", || {
        let mut client = stage.client();
        let is_answered = client.send(GET).try_response().is_ok_and(|response| response.status == 200);
        if is_answered {
            client.assert_closed();
        }
        is_answered
    });
    stage.wait_until_empty_but(&fresh.into_iter().chain(used).collect::<Vec<_>>());
}

#[test]
fn rule_07_a_body_that_does_not_come_is_late_gathered_or_read() {
    for gather in [0, 65_536] {
        let stage =
            Stage::with(builder().read_timeout(SHORT).write_timeout(SHORT).gather_limit(gather), |act| {
                let body = act.read_body(1000)?;
                say(act, &body.len().to_string())
            });
        for part in ["Content-Length: 5\r\n\r\nhe", "Transfer-Encoding: chunked\r\n\r\n5\r\nhe"] {
            let mut client = stage.client();
            let response = client.ask(format!("POST / HTTP/1.1\r\nHost: a\r\n{part}"));
            assert_eq!(response.status, 408);
            client.assert_closed();
        }
    }
}

#[test]
fn rule_07_what_the_head_condemns_does_not_wait_for_the_body() {
    let stage = Stage::with(builder(), |act| say(act, ""));
    for (request, status) in [
        ("POST / HTTP/1.1\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a b\r\n", 400),
        ("SPAM / HTTP/1.1\r\nHost: a\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n", 417),
    ] {
        for framing in ["Content-Length: 5", "Content-Length: 5000000", "Transfer-Encoding: chunked"] {
            let mut client = stage.client();
            assert_eq!(
                client.ask([request, framing, "\r\n\r\n"].concat()).status,
                status,
                "{request}{framing}"
            );
            // Body data is dropped, and the client may continue to send it.
            client.send("hello");
            client.assert_closed();
        }
    }
}

struct Lenient {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Lenient {
    const protocol_version: &str = "HTTP/1.1";

    fn parse_request(&mut self) -> io::Result<bool> {
        // It is here: a read that had to wait would fail.
        self.set_read_timeout(Duration::ZERO);
        let body = self.read_body(10)?;
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&body)?;
        Ok(false)
    }
}

#[test]
fn rule_07_an_override_of_parse_request_finds_the_body() {
    let _turn = crate::stage::turn();
    let server = TestServer::with(builder().compute_threads(1), |base| Lenient { base });
    let (mut client, mut other) = (Client::new(&server), Client::new(&server));
    client.send("SPAM / HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
    // Later requests are answered later: that head has been looked at.
    assert_eq!(other.ask(GET).status, 200);
    client.send("hello");
    assert_eq!(client.response().text(), "hello");
}

#[test]
fn rule_07_the_rest_of_a_body_that_nobody_reads_is_late_however_it_trickles() {
    let stage = Stage::with(builder().read_timeout(SHORT).write_timeout(SHORT).gather_limit(0), |act| {
        say(act, "enough")
    });
    let mut client = stage.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    let next = trickle(&mut client, b'x', |client| {
        assert_eq!(client.response().text(), "enough");
        // It is closed in order or with a reset, which does not matter here.
        client.rest().unwrap_or_default()
    });
    assert!(next.is_empty());
}

#[test]
fn rule_07_a_client_that_never_reads_is_given_up_though_it_sends_on() {
    let stage =
        Stage::with(builder().read_timeout(SHORT).write_timeout(SHORT), |act| say(act, &"x".repeat(50_000)));
    let client = stage.client();
    SockRef::from(client.stream()).set_recv_buffer_size(4096).unwrap();
    SockRef::from(client.stream()).set_send_buffer_size(4096).unwrap();
    let mut stream = client.stream();
    // More and more responses wait for it; its requests are not a sign that it takes them.
    let block = get("/x").repeat(10);
    while stream.write_all(block.as_bytes()).is_ok() {}
    // What arrived before may still be read; then comes the end.
    while matches!(stream.read(&mut [0; 10_000]), Ok(1..)) {}
    stage.wait_until_empty_but(&[client]);
}

#[test]
fn rule_07_a_response_that_is_not_taken_is_late_before_a_handler_that_waits() {
    const BIG: usize = 12 << 20;
    let log = Log::default();
    let notes = log.clone();
    let stage = Stage::with(builder().write_timeout(SHORT).write_high_water(2 * BIG), move |act| {
        notes.push(act.path());
        if act.path() == "/big" {
            return say(act, &"x".repeat(BIG));
        }
        thread::sleep(Duration::from_millis(20));
        say(act, "")
    });
    // Such requests are known to block, and do not run on a driver.
    for _ in 0..5 {
        assert_eq!(stage.client().ask(WAIT).status, 200);
    }
    log.take();
    let mut client = stage.client();
    client.send(get("/big") + WAIT);
    wait_until("the connection is reset", || is_reset(client.stream()));
    assert_eq!(log.take(), ["/big"]);
}

#[test]
fn rule_07_a_handler_whose_client_never_reads_is_told_so() {
    let log = Log::default();
    let notes = log.clone();
    let stage = Stage::with(builder().read_timeout(SHORT).write_timeout(SHORT), move |act| {
        act.send_response(200);
        act.end_headers()?;
        loop {
            if let Err(error) = act.wfile.write_all(&[b'x'; 10_000]) {
                notes.push(format!("{:?}", error.kind()));
                return Err(error);
            }
        }
    });
    let mut client = stage.client();
    client.send(GET);
    log.wait_for("TimedOut");
    stage.wait_until_empty_but(&[client]);
}

#[test]
fn rule_07_a_request_that_waits_for_a_thread_is_late_too() {
    let (gate, bar) = gate();
    let stage = Stage::with(builder().queue_timeout(SHORT).max_threads(1), move |act| {
        bar.pass()?;
        say(act, "")
    });
    let (mut first, mut second) = (stage.client(), stage.client());
    first.send(WAIT);
    gate.wait_for(1);
    let response = second.ask(WAIT);
    assert_eq!(response.status, 503);
    assert!(response.field("retry-after").is_some());
    second.assert_closed();
    gate.stay_open();
    assert_eq!(first.response().status, 200);
}

#[test]
fn rule_07_a_lingering_close_ends() {
    let stage = Stage::with(builder().gather_limit(0), |act| act.read_body(10).map(drop));
    let mut client = stage.client();
    // The client neither sends the rest nor closes.
    let response = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello");
    assert_eq!(response.status, 413);
    client.assert_closed();
    stage.wait_until_empty_but(&[client]);
}

#[test]
fn rule_07_what_has_come_while_a_handler_computed_is_read_and_not_late() {
    let (gate, bar) = gate();
    let stage = Stage::with(
        HTTPServer::builder().read_timeout(SHORT).write_timeout(SHORT).gather_limit(0),
        move |act| {
            let mut first = [0];
            act.rfile.read_exact(&mut first)?;
            bar.pass()?;
            // Like one that computes for longer than its client may be silent.
            thread::sleep(SHORT * 3);
            let mut body = String::new();
            act.rfile.read_to_string(&mut body)?;
            say(act, &body)
        },
    );
    for round in 1..=3 {
        let mut client = stage.client();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nh");
        gate.wait_for(round);
        client.send("ello!");
        gate.open(1);
        assert_eq!(client.response().text(), "ello!");
    }
}

#[test]
fn rule_07_a_connection_is_not_late_while_its_handler_computes() {
    let limit = Duration::from_secs(1);
    let builder = HTTPServer::builder()
        .read_timeout(limit)
        .write_timeout(limit)
        .idle_timeout(limit)
        .head_timeout(limit);
    let stage = Stage::with(builder, move |act| {
        if act.path() == "/long" {
            thread::sleep(limit * 2);
        }
        say(act, act.path())
    });
    let mut client = stage.client();
    // The deadline of its head was set before the rest arrived, and passes long before the response.
    client.send("GET /lo").send("ng HTTP/1.1\r\nHost: a\r\n\r\n").send(get("/two"));
    assert_eq!(client.response().text(), "/long");
    assert_eq!(client.response().text(), "/two");
    assert_eq!(client.ask(get("/three")).text(), "/three");
}

#[cfg(target_os = "linux")]
#[test]
fn rule_07_who_was_in_time_is_not_late_because_the_server_stood_still() {
    use std::time::Instant;

    use basehttp_tests::child::LimitedServer;
    use basehttp_tests::process::state_of;
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let _turn = crate::stage::turn();
    let idle = Duration::from_secs(3);
    let server = LimitedServer::start(env!("CARGO_BIN_EXE_limited"), &["idle_timeout", "3000"]);
    let mut clients: Vec<_> = (0..5).map(|_| server.connect().unwrap()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(GET).status, 200);
    }
    let process = Pid::from_raw(i32::try_from(server.id()).unwrap());
    kill(process, Signal::SIGSTOP).unwrap();
    wait_until("the server stands still", || state_of(server.id()) == 'T');
    let stopped = Instant::now();
    for client in &mut clients {
        client.send(GET);
    }
    wait_until("their time is over", || stopped.elapsed() > idle);
    kill(process, Signal::SIGCONT).unwrap();
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    server.end();
}

/// Urgent data wakes the connection, and has no meaning for it.
#[test]
fn rule_07_urgent_data_does_not_renew_the_idle_time() {
    let stage = Stage::with(builder().idle_timeout(SHORT), |act| say(act, act.path()));
    let mut client = stage.client();
    assert_eq!(client.ask(GET).text(), "/");
    wait_until("the idle connection is closed", || {
        thread::sleep(SHORT / 10);
        SockRef::from(client.stream()).send_out_of_band(b"!").is_err()
    });
}
