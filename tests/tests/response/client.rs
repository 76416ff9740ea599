//! Clients over TCP: those that go away, those that keep sending, and those that wait.

use std::io;
use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::show;
use socket2::SockRef;

use crate::act::{Act, GET, Stage, post, say};

/// A gate at which a handler waits until the test opens it.
fn gate() -> (Sender<()>, Mutex<Receiver<()>>) {
    let (open, wait) = channel();
    (open, Mutex::new(wait))
}

fn pass(gate: &Mutex<Receiver<()>>) -> io::Result<()> {
    let gate = gate.lock().map_err(|_| io::Error::other("poisoned"))?;
    gate.recv_timeout(Duration::from_secs(60)).map_err(io::Error::other)
}

/// Ends the connection without waiting for pending data.
fn reset(client: Client) {
    SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).expect("an option that every system has");
    drop(client);
}

/// At most one line, in addition to the request's own, and no error.
fn assert_quiet(stage: Stage) {
    let (log, errors) = stage.end();
    assert!(errors.is_empty(), "{errors:?}");
    let about: Vec<_> = log.iter().filter(|line| !line.ends_with(" 200 -")).collect();
    assert!(about.len() <= 1, "{log:?}");
}

/// Writes until the client is gone, and returns the error or not.
fn write_on(act: &Act, declared: Option<usize>, returns: bool) -> io::Result<()> {
    act.send_response(200);
    if let Some(length) = declared {
        act.send_header("Content-Length", length);
    }
    act.end_headers()?;
    let block = [b'x'; 10_000];
    for _ in 0..100_000 {
        if let Err(error) = act.wfile.write_all(&block) {
            act.log.push(format!("note: {:?} 200 -", error.kind()));
            return if returns { Err(error) } else { Ok(()) };
        }
    }
    panic!("the client took a gigabyte");
}

fn check_gone(declared: Option<usize>, returns: bool) {
    let stage = Stage::new(move |act| write_on(act, declared, returns));
    let mut client = Client::new(&stage.server);
    client.send(GET).read_up_to(b"\r\n\r\n");
    reset(client);
    stage.log.wait_for("note: ");
    let other = Stage::new(|act| say(act, "other"));
    assert_eq!(Client::new(&other.server).ask(GET).text(), "other");
    assert_quiet(stage);
}

#[test]
fn a_client_that_goes_away_while_a_chunked_response_is_written() {
    check_gone(None, true);
}

#[test]
fn a_handler_that_ignores_that_its_client_went_away() {
    check_gone(None, false);
}

#[test]
fn a_client_that_goes_away_while_a_counted_response_is_written() {
    check_gone(Some(2_000_000_000), true);
}

#[test]
fn a_handler_that_ignores_it_with_a_counted_response() {
    check_gone(Some(2_000_000_000), false);
}

#[test]
fn an_error_of_the_handlers_own_making_does_not_make_it_louder() {
    let stage = Stage::new(|act| {
        write_on(act, None, true).map_err(|error| io::Error::other(format!("words of my own: {error}")))
    });
    let mut client = Client::new(&stage.server);
    client.send(GET).read_up_to(b"\r\n\r\n");
    reset(client);
    stage.log.wait_for("note: ");
    assert_quiet(stage);
}

#[test]
fn a_client_that_goes_away_while_its_body_is_read() {
    let (open, wait) = gate();
    let stage = Stage::with(HTTPServer::builder().gather_limit(0), move |act| {
        let mut byte = [0];
        act.rfile.read_exact(&mut byte)?;
        act.log.push("entered 200 -");
        pass(&wait)?;
        let read = act.rfile.read_to_end(&mut Vec::new());
        act.log.push(format!("note: {:?} 200 -", read.as_ref().map_err(io::Error::kind)));
        read.map(drop)
    });
    let mut client = Client::new(&stage.server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
    // On Windows a reset takes back what was not read yet.
    stage.log.wait_for("entered");
    reset(client);
    open.send(()).unwrap();
    stage.log.wait_for("note: Err(");
    assert_quiet(stage);
}

#[test]
fn a_client_that_goes_away_before_the_response() {
    let (open, wait) = gate();
    let stage = Stage::new(move |act| {
        act.log.push("entered 200 -");
        pass(&wait)?;
        say(act, &"x".repeat(1000))
    });
    let mut client = Client::new(&stage.server);
    client.send(GET);
    stage.log.wait_for("entered");
    reset(client);
    open.send(()).unwrap();
    stage.log.wait_for("GET / HTTP/1.1");
    assert_quiet(stage);
}

#[test]
fn a_client_that_resets_an_idle_connection() {
    let stage = Stage::new(|act| say(act, ""));
    let mut client = Client::new(&stage.server);
    assert_eq!(client.ask(GET).status, 200);
    reset(client);
    assert_quiet(stage);
}

#[test]
fn a_client_that_ends_its_half_is_answered() {
    let (open, wait) = gate();
    let stage = Stage::new(move |act| {
        pass(&wait)?;
        say(act, "hello")
    });
    let mut client = Client::new(&stage.server);
    client.send(GET).send(GET).end();
    open.send(()).unwrap();
    open.send(()).unwrap();
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.response().text(), "hello");
    client.assert_closed();
}

#[test]
fn earlier_responses_are_out_before_a_later_handler_waits() {
    let (open, wait) = gate();
    let stage = Stage::new(move |act| {
        if act.path() == "/wait" {
            pass(&wait)?;
        }
        say(act, act.path())
    });
    let mut client = Client::new(&stage.server);
    client.send([GET, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", GET].concat());
    assert_eq!(client.response().text(), "/");
    open.send(()).unwrap();
    assert_eq!(client.response().text(), "/wait");
    assert_eq!(client.response().text(), "/");
}

#[test]
fn many_pipelined_requests_are_answered_in_order() {
    let stage = Stage::new(|act| say(act, act.path()));
    let mut client = Client::new(&stage.server);
    let input: Vec<_> = (0..500).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(input.concat());
    for n in 0..500 {
        assert_eq!(client.response().text(), format!("/{n}"));
    }
}

#[test]
fn a_flushed_body_arrives_while_the_handler_goes_on() {
    let (open, wait) = gate();
    let stage = Stage::new(move |act| {
        say(act, "one")?;
        act.wfile.flush()?;
        pass(&wait)?;
        act.wfile.write_all(b"two")
    });
    let mut client = Client::new(&stage.server);
    client.send(GET).read_up_to(b"3\r\none\r\n");
    open.send(()).unwrap();
    client.read_up_to(b"3\r\ntwo\r\n0\r\n\r\n");
}

#[test]
fn what_was_written_arrives_before_the_handler_waits_for_the_body() {
    let stage = Stage::with(HTTPServer::builder().gather_limit(0), |act| {
        say(act, "who is there?")?;
        let mut line = String::new();
        act.rfile.read_line(&mut line)?;
        write!(act.wfile, "hello {line}")
    });
    let mut client = Client::new(&stage.server);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.read_up_to(b"who is there?");
    client.send("4\r\nspam\r\n0\r\n\r\n");
    client.read_up_to(b"hello spam");
    client.read_up_to(b"0\r\n\r\n");
    assert_eq!(client.send(GET).read_up_to(b"200 OK").len(), "\r\nHTTP/1.1 200 OK".len() - 2);
}

#[test]
fn a_slow_reader_gets_all_of_it() {
    let stage = Stage::new(|act| {
        say(act, "")?;
        (0..200).try_for_each(|_| act.wfile.write_all(&vec![b'x'; 50_000]))
    });
    let mut client = Client::new(&stage.server);
    assert_eq!(client.ask(GET).body.len(), 10_000_000);
}

#[test]
fn a_refused_request_that_is_still_being_sent_gets_its_answer() {
    let stage = Stage::new(|act| say(act, ""));
    let mut client = Client::new(&stage.server);
    let response = client
        .ask(format!("SPAM / HTTP/1.1\r\nHost: a\r\nContent-Length: 800000\r\n\r\n{}", "x".repeat(800_000)));
    assert_eq!(response.status, 501);
    client.assert_closed();
    let mut client = Client::new(&stage.server);
    let response =
        client.ask(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n{}", "x".repeat(800_000)));
    assert_eq!(response.status, 400);
    client.assert_closed();
}

#[test]
fn a_large_body_arrives() {
    let stage = Stage::new(|act| {
        let body = act.read_body(10_000_000)?;
        say(act, &format!("{} {}", body.len(), body.iter().map(|byte| u64::from(*byte)).sum::<u64>()))
    });
    let mut client = Client::new(&stage.server);
    let body = "abc".repeat(1_000_000);
    assert_eq!(client.ask(post(&body)).text(), format!("3000000 {}", 294 * 1_000_000));
}

#[test]
fn many_clients_at_once() {
    let stage = Stage::new(|act| say(act, act.path()));
    let mut clients: Vec<_> = (0..100).map(|_| Client::new(&stage.server)).collect();
    for round in 0..3 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(format!("GET /{round}/{n} HTTP/1.1\r\nHost: a\r\n\r\n"));
        }
        for (n, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.response().text(), format!("/{round}/{n}"));
        }
    }
}

#[test]
fn a_head_that_takes_too_long_is_answered_408() {
    let builder = HTTPServer::builder().head_timeout(Duration::from_millis(50));
    let stage = Stage::with(builder, |act| say(act, ""));
    let mut client = Client::new(&stage.server);
    let response = client.ask("GET / HTTP/1.1\r\nHo");
    assert_eq!(response.status_line, "HTTP/1.1 408 Request Timeout");
    client.assert_closed();
}

#[test]
fn an_idle_connection_is_closed_without_an_answer() {
    let builder = HTTPServer::builder().idle_timeout(Duration::from_millis(50));
    let stage = Stage::with(builder, |act| say(act, ""));
    let mut client = Client::new(&stage.server);
    assert_eq!(client.ask(GET).status, 200);
    client.assert_closed();
    let (log, _) = stage.end();
    assert_eq!(log.len(), 1, "{log:?}");
}

#[test]
fn a_body_that_takes_too_long_is_answered_408() {
    let builder = HTTPServer::builder().gather_limit(0).read_timeout(Duration::from_millis(50));
    let stage = Stage::with(builder, |act| act.rfile.read_to_end(&mut Vec::new()).map(drop));
    let mut client = Client::new(&stage.server);
    let response = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    assert_eq!(response.status, 408, "{}", show(&response.body));
    client.assert_closed();
    let (log, errors) = stage.end();
    assert!(errors.is_empty(), "{errors:?}");
    let refusals = log.iter().filter(|line| line.contains("code 408"));
    assert_eq!(refusals.collect::<Vec<_>>(), ["code 408, message Request Timeout (read_timeout)"], "{log:?}");
}

#[test]
fn the_deadline_that_is_told_is_the_one_that_was_missed() {
    let builder = HTTPServer::builder().body_timeout(Duration::from_millis(100));
    let stage = Stage::with(builder, |act| act.rfile.read_to_end(&mut Vec::new()).map(drop));
    let mut clients: Vec<_> = (0..50).map(|_| Client::new(&stage.server)).collect();
    for client in &mut clients {
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    }
    for client in &mut clients {
        assert_eq!(client.response().status, 408);
    }
    let (log, _) = stage.end();
    assert_eq!(log.iter().filter(|line| line.contains("(body_timeout)")).count(), 50, "{log:?}");
    assert!(!log.iter().any(|line| line.contains("(read_timeout)")), "{log:?}");
}

#[test]
fn a_client_that_takes_no_response_is_not_late_with_its_next_body() {
    let builder = HTTPServer::builder().write_high_water(1 << 26).write_timeout(Duration::from_millis(100));
    let stage = Stage::with(builder, |act| say(act, &"x".repeat(1 << 25)));
    let mut client = Client::new(&stage.server);
    client.send(GET).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    stage.log.wait_for("timed out (write_timeout)");
    drop(client);
    let (log, _) = stage.end();
    assert!(!log.iter().any(|line| line.contains("408")), "{log:?}");
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let builder = HTTPServer::builder().write_timeout(Duration::from_millis(50));
    let stage = Stage::with(builder, |act| write_on(act, None, true));
    let mut client = Client::new(&stage.server);
    client.send(GET);
    client.stream().shutdown(Shutdown::Write).unwrap();
    stage.log.wait_for("note: TimedOut");
    drop(client);
    assert_quiet(stage);
}

/// RFC 9112 section 2.2: empty lines may precede a request, and are not requests.
#[test]
fn empty_lines_are_no_request_that_could_be_late() {
    let builder = HTTPServer::builder().head_timeout(Duration::from_millis(100));
    let stage = Stage::with(builder, |act| say(act, "here"));
    let mut silent = Client::new(&stage.server);
    silent.send("\r\n\r\n").assert_closed();
    let mut client = Client::new(&stage.server);
    assert_eq!(client.ask([GET, "\r\n"].concat()).text(), "here");
    client.assert_closed();
    let (log, _) = stage.end();
    assert_eq!(log, ["\"GET / HTTP/1.1\" 200 -"]);
}
