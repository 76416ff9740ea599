//! Connections that switch to another protocol (RFC 9110 section 7.8).

use std::io::{self, Read, Write};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::show;

use crate::act::{Act, GET, Stage, post, say};

const ASK: &str =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: other/2, Echo\r\n\r\n";

fn switch(act: &Act) -> io::Result<()> {
    act.send_response(101);
    act.send_header("Upgrade", "echo");
    act.send_header("Connection", "Upgrade");
    act.end_headers()
}

/// Sends back what arrives, in the same pieces.
fn echo(act: &Act) -> io::Result<()> {
    if !act.upgrades_to("echo") {
        return say(act, "no upgrade");
    }
    switch(act)?;
    let mut stream = act.upgrade()?;
    let mut buffer = [0; 1000];
    loop {
        match stream.read(&mut buffer)? {
            0 => return stream.write_all(b"end"),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}

#[test]
fn what_is_read_and_written_is_the_connections() {
    let stage = Stage::new(echo);
    let mut client = Client::new(&stage.server);
    client.send(format!("{ASK}GET / HTTP/1.1\r\n\r\n"));
    let head = client.read_up_to(b"\r\n\r\n");
    assert!(head.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"), "{}", show(&head));
    assert_eq!(
        client.read_up_to(b"\r\n\r\n"),
        b"GET / HTTP/1.1\r\n\r\n",
        "what came behind the head is no request"
    );
    for word in ["one;", "two;", "\0\r\n\r\n;"] {
        client.send(word);
        assert_eq!(client.read_up_to(b";"), word.as_bytes(), "without a flush, and without framing");
    }
    let long = "x".repeat(300_000) + ";";
    client.send(&long);
    assert_eq!(client.read_up_to(b";").len(), long.len());
    client.end();
    assert_eq!(client.rest().unwrap(), b"end");
    let (lines, errors) = stage.end();
    assert_eq!((lines.len(), errors.len()), (1, 0), "{lines:?} {errors:?}");
}

#[test]
fn an_upgrade_that_is_not_taken_is_served_as_if_nobody_had_asked() {
    let stage = Stage::new(|act| say(act, "as usual"));
    let mut client = Client::new(&stage.server);
    for _ in 0..2 {
        let response = client.ask(ASK);
        assert_eq!((response.status, &*response.text(), response.field("upgrade")), (200, "as usual", None));
    }
}

#[test]
fn who_asks_for_what() {
    let asked = |fields: &str, version: &str, protocol: &'static str| -> bool {
        let input = format!("GET / {version}\r\nHost: a\r\n{fields}\r\n");
        let (run, _) = Act::run(input, move |act| say(act, &act.upgrades_to(protocol).to_string()));
        run.responses[0].text().parse().expect("what the handler says")
    };
    let upgrade = "Upgrade: websocket\r\n";
    for (fields, protocol, asks) in [
        ("Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket", true),
        ("connection: UPGRADE\r\nupgrade: WebSocket\r\n", "websocket", true),
        ("Connection: a , upgrade\r\nUpgrade: x\r\nUpgrade: y ,websocket\r\n", "websocket", true),
        ("Connection: Upgrade\r\nUpgrade: websocket/13\r\n", "websocket", false),
        ("Connection: Upgrade\r\nUpgrade: my websocket\r\n", "websocket", false),
        ("Connection: Upgrade\r\nUpgrade: \r\n", "", false),
        ("Connection: upgraded\r\nUpgrade: websocket\r\n", "websocket", false),
        ("Connection: Upgrade\r\n", "websocket", false),
        (upgrade, "websocket", false),
    ] {
        assert_eq!(asked(fields, "HTTP/1.1", protocol), asks, "{fields:?}");
    }
    assert!(!asked("Connection: Upgrade\r\nUpgrade: websocket\r\n", "HTTP/1.0", "websocket"));
}

#[test]
fn before_the_switch_it_is_a_mistake() {
    let (run, log) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.end_headers()?;
        act.upgrade().map(|_| ())
    });
    assert_eq!(run.responses[0].status, 500, "{}", show(&run.output));
    assert!(log.has("first send_response(101)"), "{:?}", log.lines());
}

#[test]
fn it_is_handed_over_once() {
    let (run, _) = Act::run(ASK.to_owned() + "hello", |act| {
        switch(act)?;
        let mut stream = act.upgrade()?;
        stream.read_exact(&mut [0; 2])?;
        let again = act.upgrade().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(again, Err(io::ErrorKind::InvalidInput));
        let mut rest = String::new();
        stream.read_to_string(&mut rest)?;
        write!(stream, "{rest}")
    });
    assert!(run.output.ends_with(b"\r\n\r\nllo"), "{}", show(&run.output));
}

#[test]
fn a_client_of_http_1_0_cannot_be_switched() {
    let input = "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello";
    let (run, _) = Act::run(input, |act| {
        assert!(!act.upgrades_to("echo"));
        let switched = switch(act).and_then(|()| act.upgrade().map(|_| ()));
        assert_eq!(switched.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
        act.send_error(400)
    });
    assert!(run.responses[0].status == 400, "{}", show(&run.output));
}

#[test]
fn what_the_handler_leaves_unread_takes_nothing_from_what_it_has_said() {
    let stage = Stage::new(|act| {
        switch(act)?;
        act.upgrade()?.write_all(b"bye")
    });
    let mut client = Client::new(&stage.server);
    client.send(ASK.to_owned() + &"x".repeat(100_000));
    client.read_up_to(b"\r\n\r\n");
    assert_eq!(client.rest().unwrap(), b"bye");
}

#[test]
fn the_requests_body_comes_first() {
    let (run, _) = Act::run(post("body") + "rest", |act| {
        switch(act)?;
        let early = act.upgrade().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(early, Err(io::ErrorKind::InvalidInput));
        let mut body = String::new();
        act.rfile.read_to_string(&mut body)?;
        let mut stream = act.upgrade()?;
        let mut rest = String::new();
        stream.read_to_string(&mut rest)?;
        write!(stream, "{body} {rest}")
    });
    assert!(run.output.ends_with(b"\r\n\r\nbody rest"), "{}", show(&run.output));
}

#[test]
fn a_connection_that_was_switched_holds_up_nobody_and_ends_with_the_server() {
    let builder = HTTPServer::builder().compute_threads(1).shutdown_grace(Duration::ZERO);
    let stage = Stage::with(builder, echo);
    let mut switched: Vec<_> = (0..8)
        .map(|_| {
            let mut client = Client::new(&stage.server);
            client.send(ASK);
            client.read_up_to(b"\r\n\r\n");
            client
        })
        .collect();
    let mut other = Client::new(&stage.server);
    for _ in 0..20 {
        assert_eq!(other.ask(GET).text(), "no upgrade");
    }
    stage.end();
    for client in &mut switched {
        // By a reset, or by an orderly end: nothing more arrives.
        assert!(client.rest().unwrap_or_default().is_empty());
    }
}

#[test]
fn silence_ends_it_after_the_time_that_the_handler_grants() {
    let stage = Stage::new(|act| {
        act.set_read_timeout(Duration::from_millis(20));
        switch(act)?;
        let mut stream = act.upgrade()?;
        let error = stream.read(&mut [0; 10]).unwrap_err();
        write!(stream, "{:?}", error.kind())
    });
    let mut client = Client::new(&stage.server);
    client.send(ASK);
    client.read_up_to(b"\r\n\r\n");
    assert_eq!(client.rest().unwrap(), b"TimedOut");
}
