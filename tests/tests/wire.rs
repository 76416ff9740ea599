//! What is accepted from the wire: the request vectors, each driven whole, byte by byte and split at every place, in memory
//! and over TCP.

#[path = "wire/handlers.rs"]
mod handlers;

use std::io::{self, Read, Write};
use std::net::Shutdown;

use basehttp::testing::{Response, Run, TestServer};
use basehttp_tests::vector::{Expected, Failures, Vector, load};
use basehttp_tests::{show, without_dates};
use handlers::{NAMES, Record, in_memory, over_tcp};

/// The rules that vectors are examples of, each of which has several.
const RULES: &[&str] = &[
    "accepted",
    "line-ends",
    "request-line",
    "version",
    "simple-request",
    "path",
    "limits",
    "field-name",
    "field-value",
    "obs-fold",
    "host",
    "content-length",
    "transfer-encoding",
    "chunk-size",
    "chunk-extension",
    "chunk-data",
    "trailer",
    "expect",
    "method",
    "head",
    "connection",
    "unread-body",
    "pipelining",
    "end-of-input",
];

const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn vectors() -> Vec<Vector> {
    load("requests")
}

/// What of an output must not depend on how the input came.
fn lasting(output: &[u8]) -> Vec<u8> {
    let mut output = without_dates(output);
    while let Some(at) = output.windows(INTERIM.len()).position(|window| window == INTERIM) {
        output.drain(at..at + INTERIM.len());
    }
    output
}

#[test]
fn the_vectors_are_sound() {
    let vectors = vectors();
    let mut failures = Failures::default();
    for vector in &vectors {
        if !RULES.contains(&&*vector.rule) {
            failures.add(&vector.name, &format!("no such rule: {}", vector.rule));
        }
        if !NAMES.contains(&&*vector.handler) {
            failures.add(&vector.name, &format!("no such handler: {}", vector.handler));
        }
        let twin = vectors.iter().find(|other| {
            other.name < vector.name && other.input == vector.input && other.handler == vector.handler
        });
        if let Some(twin) = twin {
            failures.add(&vector.name, &format!("sends the same as {}", twin.name));
        }
    }
    for rule in RULES {
        let count = vectors.iter().filter(|vector| vector.rule == *rule).count();
        if count < 3 {
            failures.add(rule, &format!("{count} vectors"));
        }
    }
    failures.report();
}

#[test]
fn whole_in_memory() {
    let mut failures = Failures::default();
    for vector in vectors() {
        let (run, record) = in_memory(&vector.handler, [&vector.input]);
        if let Err(what) = check(&vector, &run, &record) {
            failures.add(&vector.name, &format!("{what}\n{}", show(&run.output)));
        }
    }
    failures.report();
}

fn check(vector: &Vector, run: &Run, record: &Record) -> Result<(), String> {
    let found: Vec<_> = run.responses.iter().map(|response| response.status).collect();
    let wanted: Vec<_> = vector.replies.iter().map(|reply| reply.status).collect();
    if found != wanted {
        return Err(format!("the replies are {found:?} instead of {wanted:?}"));
    }
    let mut to_head = vector.input.starts_with(b"HEAD ");
    for (reply, response) in vector.replies.iter().zip(&run.responses) {
        check_reply(reply, response, to_head)?;
        to_head = false;
    }
    let open = run.responses.last().is_some_and(|response| response.stays_open);
    if open != vector.stays_open {
        return Err(format!("the connection stays open: {open}"));
    }
    if run.responses.iter().rev().skip(1).any(|response| !response.stays_open) {
        return Err("a reply after the connection was to be closed".to_owned());
    }
    if record.calls() != vector.calls {
        return Err(format!("{} calls instead of {}", record.calls(), vector.calls));
    }
    let missing = vector.log.iter().find(|text| !record.log().has(text));
    missing.map_or(Ok(()), |text| Err(format!("{text:?} is not in the log: {:?}", record.log().lines())))
}

fn check_reply(wanted: &Expected, found: &Response, to_head: bool) -> Result<(), String> {
    if found.reason != wanted.reason {
        return Err(format!("the message is {:?} instead of {:?}", found.reason, wanted.reason));
    }
    for (name, value) in &wanted.fields {
        let values: Vec<_> = found.headers.get_all(name).collect();
        if values != [value] {
            return Err(format!("{name} is {values:?} instead of {value:?}"));
        }
    }
    if let Some(name) = wanted.without.iter().find(|name| found.header(name).is_some()) {
        return Err(format!("{name} is there"));
    }
    if let Some(body) = wanted.body.as_ref().filter(|body| **body != found.body) {
        return Err(format!("the body is {:?} instead of {:?}", show(&found.body), show(body)));
    }
    if let Some(text) = wanted.contains.iter().find(|text| !found.text().contains(&***text)) {
        return Err(format!("{text:?} is not in the body"));
    }
    if found.status == 0 { Ok(()) } else { check_form(found, to_head) }
}

/// What holds for every reply with a head.
fn check_form(found: &Response, to_head: bool) -> Result<(), String> {
    let count = |name: &str| found.headers.get_all(name).count();
    for name in ["Server", "Date"] {
        if count(name) != 1 {
            return Err(format!("{name} stands {} times", count(name)));
        }
    }
    if count("Content-Length") + count("Transfer-Encoding") > 1 {
        return Err("more than one framing field".to_owned());
    }
    if found.truncated {
        return Err("truncated".to_owned());
    }
    let length = found.header("content-length").and_then(|length| length.parse().ok());
    if !to_head && length.is_some_and(|length: usize| length != found.body.len()) {
        return Err(format!("{} bytes of body, {length:?} declared", found.body.len()));
    }
    if to_head && !found.body.is_empty() {
        return Err("a reply to HEAD with a body".to_owned());
    }
    let closes = found.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if found.version == "HTTP/1.1" && closes == found.stays_open {
        return Err(format!("Connection: close {closes}, stays open {}", found.stays_open));
    }
    Ok(())
}

/// Checks that a run in pieces gives what the whole input gives.
fn same(vector: &Vector, pieces: &[&[u8]], whole: &(Run, Record)) -> Result<(), String> {
    let (run, record) = in_memory(&vector.handler, pieces);
    if lasting(&run.output) != lasting(&whole.0.output) {
        return Err(format!("{}\ninstead of\n{}", show(&run.output), show(&whole.0.output)));
    }
    if record.calls() != whole.1.calls() {
        return Err(format!("{} calls instead of {}", record.calls(), whole.1.calls()));
    }
    if record.log().lines() != whole.1.log().lines() {
        return Err(format!("logged {:?} instead of {:?}", record.log().lines(), whole.1.log().lines()));
    }
    Ok(())
}

#[test]
fn byte_by_byte_in_memory() {
    let mut failures = Failures::default();
    for vector in vectors() {
        let whole = in_memory(&vector.handler, [&vector.input]);
        if let Err(what) = same(&vector, &vector.bytewise(), &whole) {
            failures.add(&vector.name, &what);
        }
    }
    failures.report();
}

#[test]
fn split_at_every_place_in_memory() {
    let mut failures = Failures::default();
    for vector in vectors() {
        let whole = in_memory(&vector.handler, [&vector.input]);
        for at in vector.splits() {
            let (start, end) = vector.input.split_at(at);
            if let Err(what) = same(&vector, &[start, end], &whole) {
                failures.add(&vector.name, &format!("split at {at}: {what}"));
                break;
            }
        }
    }
    failures.report();
}

/// Runs all vectors over TCP, in the pieces that `cut` makes of them, and compares with the run in memory.
fn drive_over_tcp(cut: impl Fn(&Vector) -> Vec<Vec<&[u8]>>) {
    let servers = NAMES.map(over_tcp);
    let mut failures = Failures::default();
    for vector in vectors() {
        let (run, memory) = in_memory(&vector.handler, [&vector.input]);
        let which = NAMES.iter().position(|name| *name == vector.handler).expect("a handler with a name");
        let (server, record) = &servers[which];
        let pieces = if vector.tcp_whole { vec![vec![&*vector.input]] } else { cut(&vector) };
        for pieces in pieces {
            let before = record.calls();
            match send(server, &pieces) {
                Err(error) => failures.add(&vector.name, &format!("{} pieces: {error}", pieces.len())),
                Ok(output) if lasting(&output) != lasting(&run.output) => {
                    let (found, wanted) = (show(&output), show(&run.output));
                    failures.add(&vector.name, &format!("{found}\ninstead of\n{wanted}"));
                }
                Ok(_) if record.calls() - before != memory.calls() => {
                    failures.add(&vector.name, "other calls");
                }
                Ok(_) => {}
            }
        }
        let alive = server.exchange(b"GET /alive HTTP/1.0\r\n\r\n").unwrap_or_default();
        if !alive.ends_with(b"GET /alive HTTP/1.0\n") {
            failures.add(&vector.name, "the server does not live on");
        }
    }
    failures.report();
}

fn send(server: &TestServer, pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut stream = server.connect()?;
    stream.set_nodelay(true)?;
    for piece in pieces {
        stream.write_all(piece)?;
    }
    stream.shutdown(Shutdown::Write)?;
    let mut output = Vec::new();
    stream.read_to_end(&mut output)?;
    Ok(output)
}

#[test]
fn whole_over_tcp() {
    drive_over_tcp(|vector| vec![vec![&vector.input]]);
}

#[test]
fn byte_by_byte_over_tcp() {
    drive_over_tcp(|vector| vec![vector.bytewise()]);
}

#[test]
fn split_at_line_ends_over_tcp() {
    drive_over_tcp(|vector| {
        let halves = |at| {
            let (start, end) = vector.input.split_at(at);
            vec![start, end]
        };
        vector.line_splits().into_iter().map(halves).collect()
    });
}
