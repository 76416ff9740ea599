//! The end of the input ends reading, and complete requests are answered.

use std::io;

use basehttp::prelude::*;
use basehttp_tests::gate::gate;
use basehttp_tests::log::Log;
use basehttp_tests::show;

use crate::stage::{GET, Stage, WAIT, get, post, say};

#[test]
fn rule_04_the_end_of_input_ends_reading_and_complete_requests_are_answered() {
    let (gate, bar) = gate();
    let stage = Stage::new(move |act| {
        if act.path() == "/wait" {
            bar.pass()?;
        }
        say(act, act.path())
    });
    let mut client = stage.client();
    client.send([WAIT, GET].concat()).end();
    gate.wait_for(1);
    gate.open(1);
    assert_eq!(client.response().text(), "/wait");
    assert_eq!(client.response().text(), "/");
    client.assert_closed();
    drop(client);
    stage.wait_until_empty();
}

#[test]
fn rule_04_a_long_pipeline_is_answered_to_its_last_request_after_the_end() {
    let stage = Stage::new(|act| say(act, act.path()));
    let mut client = stage.client();
    let input: String = (0..300).map(|n| get(&format!("/{n}"))).collect();
    client.send(input).end();
    for n in 0..300 {
        assert_eq!(client.response().text(), format!("/{n}"));
    }
    client.assert_closed();
}

#[test]
fn rule_04_what_is_incomplete_at_the_end_is_refused_after_what_is_complete() {
    let stage = Stage::new(|act| {
        let body = act.read_body(100)?;
        say(act, &body.len().to_string())
    });
    for part in ["POST / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello"] {
        let mut client = stage.client();
        client.send([&post("hello"), part].concat()).end();
        assert_eq!(client.response().text(), "5");
        assert_eq!(client.response().status, 400);
        client.assert_closed();
    }
    stage.wait_until_empty();
}

#[test]
fn rule_04_a_handler_that_reads_is_told_of_the_end() {
    let log = Log::default();
    let notes = log.clone();
    let stage = Stage::with(HTTPServer::builder().gather_limit(0), move |act| {
        let mut body = Vec::new();
        let read = act.rfile.read_to_end(&mut body);
        notes.push(format!("{} {:?}", show(&body), read.as_ref().map_err(io::Error::kind)));
        read.map(drop)
    });
    let mut client = stage.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello");
    // The handler waits for the rest before it finds that there is none.
    assert_eq!(stage.client().ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n").status, 400);
    client.end();
    assert_eq!(client.response().status, 400);
    client.assert_closed();
    assert_eq!(log.lines(), ["hello Err(UnexpectedEof)"]);
}
