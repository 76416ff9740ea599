//! Response bodies that are too long or too short, and the rest of the request's body.

use std::io;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::show;

use crate::act::{Act, GET, Stage, post, say};

fn declare(act: &Act, length: usize) -> io::Result<()> {
    act.send_response(200);
    act.send_header("Content-Length", length);
    act.end_headers()
}

#[test]
fn too_much_body_is_invalid_input() {
    let (run, log) = Act::run(GET, |act| {
        declare(act, 5)?;
        let result = act.wfile.write_all(b"hello world");
        act.log.push(format!("kind {:?}", result.as_ref().map_err(io::Error::kind)));
        result
    });
    assert!(log.has("kind Err(InvalidInput)"), "{:?}", log.lines());
    assert!(log.has("more body written than Content-Length declared"), "{:?}", log.lines());
    assert_eq!(run.responses[0].status, 500, "{}", show(&run.output));
}

#[test]
fn too_much_body_never_reaches_the_client() {
    for flush in [false, true] {
        let (run, _) = Act::run(GET, move |act| {
            declare(act, 5)?;
            act.wfile.write_all(b"hello")?;
            if flush {
                act.wfile.flush()?;
            }
            let _ = act.wfile.write_all(b" world");
            let _ = act.wfile.write_all(&vec![b'x'; 50_000]);
            Ok(())
        });
        let output = show(&run.output);
        assert_eq!(run.responses.len(), 1, "{output}");
        assert!(run.output.ends_with(b"\r\n\r\nhello"), "{output}");
    }
}

#[test]
fn the_part_of_a_write_that_fits_is_taken() {
    let (run, log) = Act::run(GET, |act| {
        declare(act, 5)?;
        act.log.push(format!("wrote {:?}", act.wfile.write(b"hello world").ok()));
        Ok(())
    });
    assert!(log.has("wrote Some(5)"), "{:?}", log.lines());
    assert_eq!(run.responses[0].text(), "hello");
}

#[test]
fn too_little_body_closes_the_connection() {
    for flush in [false, true] {
        let (run, log) = Act::run([GET, GET].concat(), move |act| {
            declare(act, 10)?;
            act.wfile.write_all(b"hello")?;
            if flush { act.wfile.flush() } else { Ok(()) }
        });
        assert_eq!(run.responses.len(), 1, "{}", show(&run.output));
        let response = &run.responses[0];
        assert_eq!((response.status, &*response.text(), response.truncated), (200, "hello", true));
        assert!(!response.stays_open);
        assert!(log.has("5 bytes of body are missing"), "{:?}", log.lines());
        let lines = log.lines();
        let told = lines.iter().filter(|line| line.contains("missing")).count();
        assert_eq!(told, 1, "{lines:?}");
    }
}

#[test]
fn too_little_body_is_seen_over_tcp() {
    let stage = Stage::new(|act| {
        declare(act, 10)?;
        act.wfile.write_all(b"hello")?;
        act.wfile.flush()
    });
    let mut client = Client::new(&stage.server);
    let output = client.send(GET).rest().expect("an orderly close");
    assert!(output.ends_with(b"\r\n\r\nhello"), "{}", show(&output));
    let (_, errors) = stage.end();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn an_unread_body_is_dropped_and_the_connection_kept() {
    let input = [&*post("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), GET].concat();
    let (run, log) = Act::run(input, |act| say(act, act.command()));
    let found: Vec<_> = run.responses.iter().map(|response| response.text()).collect();
    assert_eq!(found, ["POST", "GET"]);
    assert!(!log.has("smuggled"));
}

#[test]
fn a_body_read_in_part_is_dropped_from_there() {
    let input = [&*post("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), GET].concat();
    for count in [1, 5, 34] {
        let (run, log) = Act::run(&input, move |act| {
            if act.command() == "POST" {
                act.rfile.read_exact(&mut vec![0; count])?;
            }
            say(act, act.command())
        });
        let found: Vec<_> = run.responses.iter().map(|response| response.text()).collect();
        assert_eq!(found, ["POST", "GET"]);
        assert!(!log.has("smuggled"));
    }
}

#[test]
fn a_line_read_ahead_is_not_lost_for_framing() {
    let input = [&*post("one\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), GET].concat();
    let (run, _) = Act::run(input, |act| {
        let mut line = String::new();
        act.rfile.read_line(&mut line)?;
        say(act, &format!("{} {line}", act.command()))
    });
    let found: Vec<_> = run.responses.iter().map(|response| response.text()).collect();
    assert_eq!(found, ["POST one\n", "GET "]);
}

#[test]
fn a_failed_handler_leaves_no_body_behind() {
    let input = [&*post("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), GET].concat();
    let (run, log) = Act::run(input, |_| Err(io::Error::other("no")));
    assert_eq!(run.responses.len(), 1);
    assert!(!log.has("smuggled"));
}

#[test]
fn a_long_unread_body_closes_the_connection_and_the_response_arrives() {
    let stage =
        Stage::with(HTTPServer::builder().gather_limit(0).drain_limit(1000), |act| say(act, "enough"));
    for size in [2_000, 700_000] {
        let mut client = Client::new(&stage.server);
        let response = client.ask(post(&"x".repeat(size)));
        assert_eq!((response.status, &*response.text()), (200, "enough"));
        assert_eq!(response.field("connection"), Some("close"));
        client.assert_closed();
    }
    let mut client = Client::new(&stage.server);
    assert_eq!(client.ask(post(&"x".repeat(1000))).field("connection"), None);
    assert_eq!(client.ask(GET).status, 200);
}

#[test]
fn a_long_unread_chunked_body_is_never_taken_for_a_request() {
    let stage =
        Stage::with(HTTPServer::builder().gather_limit(0).drain_limit(1000), |act| say(act, "enough"));
    let mut client = Client::new(&stage.server);
    let chunk =
        format!("7d0\r\n{}\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100)).into_bytes();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(&chunk[..2005]).send("\r\n0\r\n\r\n").send(GET);
    assert_eq!(client.response().status, 200);
    client.assert_closed();
    assert!(!stage.log.has("smuggled"), "{:?}", stage.log.lines());
}

#[test]
fn broken_chunks_behind_a_response_end_the_connection() {
    let input =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (run, _) = Act::run(input, |act| say(act, "enough"));
    assert_eq!(run.responses.len(), 1);
    assert!(!run.responses[0].stays_open);
}

#[test]
fn an_error_of_the_body_that_is_returned_becomes_the_answer() {
    let read = |act: &Act| act.rfile.read_to_end(&mut Vec::new()).map(drop);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (run, log) = Act::run(format!("{chunked}x\r\n"), read);
    assert_eq!((run.responses[0].status, &*run.responses[0].reason), (400, "Bad chunk size"));
    assert!(log.has("bad-chunk-size"), "{:?}", log.lines());
    let (run, log) = Act::run("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi", read);
    assert_eq!((run.responses[0].status, &*run.responses[0].reason), (400, "Incomplete request body"));
    assert!(log.has("incomplete-body"), "{:?}", log.lines());
}

#[test]
fn an_error_of_the_body_is_the_clients_whatever_the_handler_makes_of_it() {
    let stage = Stage::new(|act| {
        let read = act.rfile.read_to_end(&mut Vec::new());
        read.map(drop).map_err(|error| io::Error::other(format!("my own words: {error}")))
    });
    let mut client = Client::new(&stage.server);
    let response = client.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
    assert_eq!(response.status, 400);
    let (_, errors) = stage.end();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_kinds_of_body_errors() {
    let kind = |input: &str| {
        let (_, log) = Act::run(input, |act| {
            let read = act.rfile.read_to_end(&mut Vec::new());
            act.log.push(format!("kind {:?}", read.as_ref().map_err(io::Error::kind)));
            // Once broken, it stays broken.
            let again = act.rfile.read(&mut [0]);
            act.log.push(format!("again {:?}", again.as_ref().map_err(io::Error::kind)));
            say(act, "")
        });
        (log.lines()[0].clone(), log.lines()[1].clone())
    };
    let both = |kind: &str| (format!("kind Err({kind})"), format!("again Err({kind})"));
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(kind(&format!("{chunked}x\r\n")), both("InvalidData"));
    assert_eq!(kind(&format!("{chunked}5\r\nhi")), both("UnexpectedEof"));
    assert_eq!(kind("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi"), both("UnexpectedEof"));
}
