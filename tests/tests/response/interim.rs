//! Interim responses.

use std::io;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::show;

use crate::act::{Act, GET, GET10, Stage, say};

fn hints(act: &Act) -> io::Result<()> {
    act.send_response_only(103);
    act.send_header("Link", "</style.css>; rel=preload");
    act.end_headers()
}

#[test]
fn early_hints_come_before_the_response() {
    let (run, log) = Act::run([GET, GET].concat(), |act| {
        hints(act)?;
        hints(act)?;
        say(act, "hello")
    });
    assert_eq!(run.responses.len(), 2);
    for response in &run.responses {
        assert_eq!((response.status, &*response.text()), (200, "hello"));
        let interim: Vec<_> = response.interim.iter().map(|interim| interim.status).collect();
        assert_eq!(interim, [103, 103]);
        assert_eq!(response.interim[0].reason, "Early Hints");
        assert_eq!(response.interim[0].header("link"), Some("</style.css>; rel=preload"));
        assert_eq!(response.interim[0].header("content-length"), None);
    }
    assert_eq!(log.lines().len(), 2, "an interim response is not logged: {:?}", log.lines());
}

#[test]
fn a_client_of_http_1_0_gets_none() {
    let (run, _) = Act::run(GET10, |act| {
        hints(act)?;
        say(act, "hello")
    });
    assert!(run.output.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", show(&run.output));
}

#[test]
fn an_interim_response_alone_is_no_response() {
    let (run, log) = Act::run(GET, hints);
    assert_eq!(run.responses[0].status, 500);
    assert_eq!(run.responses[0].interim.len(), 1);
    assert!(log.has("without a response"), "{:?}", log.lines());
}

#[test]
fn it_is_sent_at_once() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let stage = Stage::new(move |act| {
        hints(act)?;
        wait.lock().map_err(|_| io::Error::other("poisoned"))?.recv().map_err(io::Error::other)?;
        say(act, "hello")
    });
    let mut client = Client::new(&stage.server);
    client.send(GET).read_up_to(b"HTTP/1.1 103 Early Hints\r\n");
    client.read_up_to(b"\r\n\r\n");
    release.send(()).unwrap();
    assert_eq!(client.response().text(), "hello");
}

#[test]
fn a_mistake_in_it_is_told_and_the_response_can_still_be_made() {
    let (run, log) = Act::run(GET, |act| {
        act.send_response_only(103);
        act.send_header("Link", "a\r\nb");
        act.log.push(format!("kind {:?}", act.end_headers().map_err(|error| error.kind())));
        say(act, "hello")
    });
    assert!(log.has("kind Err(InvalidInput)"));
    assert_eq!((run.responses[0].status, run.responses[0].interim.len()), (200, 0), "{}", show(&run.output));
}

#[test]
fn switching_protocols_is_final() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(101);
        act.send_header("Upgrade", "x");
        act.send_header("Connection", "Upgrade");
        act.end_headers()?;
        act.set_close_connection(true);
        Ok(())
    });
    assert_eq!(run.responses.len(), 1, "{}", show(&run.output));
    let response = &run.responses[0];
    assert_eq!((response.status, response.header("content-length")), (101, None));
    assert_eq!(response.headers.get_all("upgrade").collect::<Vec<_>>(), ["x"]);
}
