//! What is accepted from the wire: the request vectors, each fed whole, byte by byte and split at every position, through
//! `proto` alone, in memory, over TCP and over TLS. All must give the same result.

#[path = "wire/core.rs"]
mod core;
#[path = "wire/handlers.rs"]
mod handlers;
#[path = "wire/tls.rs"]
mod tls;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use basehttp::prelude::*;
use basehttp::testing::{Response, Run, TestServer};
use basehttp_tests::vector::{Expected, Vector, load};
use basehttp_tests::{show, without_dates};
use core::{Account, account, understand};
use handlers::{NAMES, Record, in_memory, over_tcp};
use tls::{End, Flight, Secure, Version};

/// The rules that the vectors exemplify; each rule has several vectors.
const RULES: &[&str] = &[
    "accepted",
    "line-ends",
    "request-line",
    "version",
    "simple-request",
    "target",
    "tunnel",
    "path",
    "limits",
    "field-name",
    "field-value",
    "obs-fold",
    "host",
    "content-length",
    "transfer-encoding",
    "smuggling",
    "chunk-size",
    "chunk-extension",
    "chunk-data",
    "trailer",
    "expect",
    "method",
    "head",
    "no-content",
    "connection",
    "unread-body",
    "pipelining",
    "end-of-input",
];

const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn vectors() -> Vec<Vector> {
    load("requests")
}

/// The parts of an output that must not depend on how the input arrived.
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
    let mut wrong = Vec::new();
    for vector in &vectors {
        if !RULES.contains(&&*vector.rule) {
            wrong.push(format!("{}: no such rule: {}", vector.name, vector.rule));
        }
        if !NAMES.contains(&&*vector.handler) {
            wrong.push(format!("{}: no such handler: {}", vector.name, vector.handler));
        }
        let twin = vectors.iter().find(|other| {
            other.name < vector.name && other.input == vector.input && other.handler == vector.handler
        });
        if let Some(twin) = twin {
            wrong.push(format!("{}: sends the same as {}", vector.name, twin.name));
        }
    }
    for rule in RULES {
        let count = vectors.iter().filter(|vector| vector.rule == *rule).count();
        if count < 3 {
            wrong.push(format!("{rule}: {count} vectors"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Makes `drive` run each vector, on several threads with their own `start`, and prints the number of runs.
fn drive<S>(
    driver: &str,
    threads: usize,
    start: impl Fn() -> S + Sync,
    drive: impl Fn(&S, &Vector) -> Result<usize, String> + Sync,
) {
    let vectors = vectors();
    let (next, runs, failures) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let state = start();
        while let Some(vector) = vectors.get(next.fetch_add(1, Ordering::SeqCst)) {
            match drive(&state, vector) {
                Ok(count) => {
                    runs.fetch_add(count, Ordering::SeqCst);
                }
                Err(what) => {
                    failures
                        .lock()
                        .expect("no panic under the lock")
                        .push(format!("{}: {what}", vector.name));
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut failures = failures.into_inner().expect("no panic under the lock");
    failures.sort();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), vectors.len(), failures.join("\n"));
    // The harness captures what `eprintln!` prints in a test that passes.
    let runs = runs.into_inner();
    let _ = writeln!(io::stderr(), "vectors: {} {driver}, {runs} runs", vectors.len());
}

/// All ways of sending a vector except the whole, with a name for each.
fn pieces(vector: &Vector) -> impl Iterator<Item = (String, Vec<&[u8]>)> {
    let halves = |at| {
        let (start, end) = vector.input.split_at(at);
        (format!("split at {at}"), vec![start, end])
    };
    let bytewise = ("byte by byte".to_owned(), vector.bytewise());
    std::iter::once(bytewise).chain(vector.splits().into_iter().map(halves))
}

#[test]
fn through_the_core_alone() {
    let drive_one = |(): &(), vector: &Vector| {
        let whole = understand(&vector.handler, &[&vector.input]);
        core::check(vector, &account(&vector.handler, &whole))?;
        let mut runs = 1;
        for (how, pieces) in pieces(vector) {
            let found = understand(&vector.handler, &pieces);
            if found != whole {
                return Err(format!("{how}: {found:?}\ninstead of\n{whole:?}"));
            }
            runs += 1;
        }
        Ok(runs)
    };
    drive("through the core alone", 1, || (), drive_one);
}

#[test]
fn in_memory_as_through_the_core() {
    let drive_one = |(): &(), vector: &Vector| {
        let (whole, record) = in_memory(&vector.handler, [&vector.input]);
        check_run(vector, &whole, &record).map_err(|what| format!("{what}\n{}", show(&whole.output)))?;
        let understood = understand(&vector.handler, &[&vector.input]);
        same_as_core(&account(&vector.handler, &understood), &whole, &record)?;
        let lasted = lasting(&whole.output);
        let mut runs = 1;
        for (how, pieces) in pieces(vector) {
            let (found, again) = in_memory(&vector.handler, &pieces);
            same_outcome(&found.output, &lasted).map_err(|what| format!("{how}: {what}"))?;
            if again.outcome() != record.outcome() {
                return Err(format!("{how}: {:?} instead of {:?}", again.outcome(), record.outcome()));
            }
            runs += 1;
        }
        Ok(runs)
    };
    drive("in memory", 2, || (), drive_one);
}

#[test]
fn over_tcp_as_in_memory() {
    // Each with its own servers, so that the calls can be counted.
    let start = || NAMES.map(|name| over_tcp(name, HTTPServer::builder()));
    let drive_one = |servers: &[(TestServer, Record); 3], vector: &Vector| {
        let (memory, wanted) = in_memory(&vector.handler, [&vector.input]);
        let which = NAMES.iter().position(|name| *name == vector.handler).expect("a handler with a name");
        let (server, record) = &servers[which];
        let whole = ("whole".to_owned(), vec![&*vector.input]);
        let pieces = pieces(vector).filter(|_| !vector.tcp_whole);
        let lasted = lasting(&memory.output);
        let mut runs = 0;
        for (how, pieces) in std::iter::once(whole).chain(pieces) {
            record.clear();
            let output = send(server, &pieces).map_err(|error| format!("{how}: {error}"))?;
            same_outcome(&output, &lasted).map_err(|what| format!("{how}: {what}"))?;
            if record.outcome() != wanted.outcome() {
                return Err(format!("{how}: {:?} instead of {:?}", record.outcome(), wanted.outcome()));
            }
            runs += 1;
        }
        let alive = server.exchange(b"GET /alive HTTP/1.0\r\n\r\n").unwrap_or_default();
        if alive.ends_with(b"GET /alive HTTP/1.0\n") {
            Ok(runs)
        } else {
            Err("the server is gone".to_owned())
        }
    };
    drive("over TCP", 4, start, drive_one);
}

/// Each vector whole, in both versions of TLS and with each end of the input; byte by byte, one byte a record, the records
/// apart and together; and in two records that are cut at every position.
#[test]
fn over_tls_as_in_memory() {
    let start = || NAMES.map(Secure::new);
    let drive_one = |servers: &[Secure; 3], vector: &Vector| {
        let (memory, wanted) = in_memory(&vector.handler, [&vector.input]);
        let which = NAMES.iter().position(|name| *name == vector.handler).expect("a handler with a name");
        let server = &servers[which];
        let lasted = lasting(&memory.output);
        let mut runs = 0;
        let mut run = |how: &str, pieces: &[&[u8]], version, flight, end| {
            server.record.clear();
            let output = server.exchange(pieces, version, flight, end);
            let fault = |what| format!("{how}, {version:?}, {flight:?}, {end:?}: {what}");
            let output = output.map_err(|error| fault(error.to_string()))?;
            same_outcome(&output, &lasted).map_err(fault)?;
            if server.record.outcome() != wanted.outcome() {
                return Err(fault(format!(
                    "{:?} instead of {:?}",
                    server.record.outcome(),
                    wanted.outcome()
                )));
            }
            runs += 1;
            Ok(())
        };
        for version in [Version::Tls12, Version::Tls13] {
            for end in [End::Orderly, End::Bare, End::Notice] {
                run("whole", &[&vector.input], version, Flight::Apart, end)?;
            }
            run("byte by byte", &vector.bytewise(), version, Flight::Together, End::Orderly)?;
        }
        if !vector.tcp_whole {
            run("byte by byte", &vector.bytewise(), Version::Tls13, Flight::Apart, End::Orderly)?;
            for (how, pieces) in pieces(vector) {
                run(&how, &pieces, Version::Tls12, Flight::Apart, End::Orderly)?;
            }
        }
        Ok(runs)
    };
    drive("over TLS", 4, start, drive_one);
}

/// Compares the result for an input with that of `proto` alone.
fn same_as_core(account: &Account, run: &Run, record: &Record) -> Result<(), String> {
    for (answer, response) in account.answers.iter().zip(&run.responses) {
        let reason = answer.reason.as_ref().unwrap_or(&response.reason);
        let body = answer.body.as_ref().unwrap_or(&response.body);
        if (answer.status, reason, body) != (response.status, &response.reason, &response.body) {
            return Err(format!("the core has {answer:?} instead of {response:?}"));
        }
    }
    let open = run.responses.last().is_some_and(|response| response.stays_open);
    let found = (account.answers.len(), account.calls, account.stays_open);
    let wanted = (run.responses.len(), record.calls(), open);
    if found == wanted { Ok(()) } else { Err(format!("the core has {found:?} instead of {wanted:?}")) }
}

/// `wanted` is what lasts of the other output.
fn same_outcome(found: &[u8], wanted: &[u8]) -> Result<(), String> {
    if lasting(found) == wanted {
        return Ok(());
    }
    Err(format!("{}\ninstead of\n{}", show(found), show(wanted)))
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

fn check_run(vector: &Vector, run: &Run, record: &Record) -> Result<(), String> {
    let found: Vec<_> = run.responses.iter().map(|response| response.status).collect();
    let wanted: Vec<_> = vector.responses.iter().map(|response| response.status).collect();
    if found != wanted {
        return Err(format!("the responses are {found:?} instead of {wanted:?}"));
    }
    let mut to_head = vector.input.starts_with(b"HEAD ");
    for (wanted, found) in vector.responses.iter().zip(&run.responses) {
        check_response(wanted, found, to_head)?;
        to_head = false;
    }
    // What follows the head of a tunnel is not HTTP, so nothing in it could be announced.
    let unannounced = |response: &&Response| {
        let is_tunnel = vector.rule == "tunnel" && (200..300).contains(&response.status);
        response.version == "HTTP/1.1" && !is_tunnel && announces(response) == response.stays_open
    };
    if let Some(response) = run.responses.iter().find(unannounced).filter(|_| !vector.is_cut) {
        return Err(format!(
            "stays open: {}, announces that it closes: {}",
            response.stays_open,
            announces(response)
        ));
    }
    let open = run.responses.last().is_some_and(|response| response.stays_open);
    if open != vector.stays_open {
        return Err(format!("the connection stays open: {open}"));
    }
    if run.responses.iter().rev().skip(1).any(|response| !response.stays_open) {
        return Err("a response after the connection was to be closed".to_owned());
    }
    if record.calls() != vector.calls {
        return Err(format!("{} calls instead of {}", record.calls(), vector.calls));
    }
    // A client that goes away while its body is not read is not logged.
    let is_answered = vector.responses.last().is_some_and(|response| response.status < 400);
    let is_told = match &*vector.fault {
        "" => false,
        "incomplete-body" => !is_answered,
        _ => true,
    };
    if !is_told || record.log().has(&vector.fault) {
        Ok(())
    } else {
        Err(format!("{:?} is not in the log: {:?}", vector.fault, record.log().lines()))
    }
}

fn check_response(wanted: &Expected, found: &Response, to_head: bool) -> Result<(), String> {
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

/// What holds for every response with a head.
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
        return Err("a response to HEAD with a body".to_owned());
    }
    Ok(())
}

/// Whether a response says that it is the last.
fn announces(response: &Response) -> bool {
    response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
}
