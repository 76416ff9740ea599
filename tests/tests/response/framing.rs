//! How a response marks its end: decided once, when the head is sent.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::Response;
use basehttp_tests::show;

use crate::act::{Act, Act10, GET, GET10, HEAD, say};

const BIG: usize = 100_000;

fn framing(response: &Response) -> (Option<&str>, Option<&str>, Option<&str>) {
    (response.header("content-length"), response.header("transfer-encoding"), response.header("connection"))
}

fn big(act: &Act) -> io::Result<()> {
    act.send_response(200);
    act.end_headers()?;
    for _ in 0..BIG / 100 {
        act.wfile.write_all(&[b'x'; 100])?;
    }
    Ok(())
}

#[test]
fn a_small_body_gets_a_length() {
    let (run, _) = Act::run([GET, GET].concat(), |act| say(act, "hello"));
    assert_eq!(run.responses.len(), 2);
    for response in &run.responses {
        assert_eq!(framing(response), (Some("5"), None, None));
        assert_eq!(response.text(), "hello");
        assert!(response.stays_open);
    }
}

#[test]
fn no_body_gets_a_length_of_zero() {
    let (run, _) = Act::run([GET, GET].concat(), |act| say(act, ""));
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("0"), None, None));
}

#[test]
fn many_small_writes_make_one_length() {
    let (run, _) = Act::run(GET, |act| {
        say(act, "")?;
        (0..1000).try_for_each(|number| write!(act.wfile, "{number},"))
    });
    assert_eq!(framing(&run.responses[0]).0, Some("3890"));
    assert_eq!(run.responses[0].body.len(), 3890);
}

#[test]
fn a_declared_length_stands() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", 5);
        act.end_headers()?;
        act.wfile.write_all(b"hello")
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("5"), None, None));
}

#[test]
fn a_declared_length_of_zero() {
    let (run, log) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", "0");
        act.end_headers()?;
        act.log.push(format!("kind {:?}", act.wfile.write_all(b"x").map_err(|error| error.kind())));
        Ok(())
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("0"), None, None));
    assert!(run.responses[0].body.is_empty());
    assert_eq!(log.count("kind Err(InvalidInput)"), 2, "{:?}", log.lines());
}

#[test]
fn a_long_body_with_a_declared_length_is_not_chunked() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", BIG);
        act.end_headers()?;
        act.wfile.write_all(&vec![b'x'; BIG / 2])?;
        (0..BIG / 2).try_for_each(|_| act.wfile.write_all(b"x"))
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("100000"), None, None));
    assert_eq!(run.responses[0].body, vec![b'x'; BIG]);
}

#[test]
fn chunked_when_the_buffer_overflows() {
    let (run, _) = Act::run([GET, GET].concat(), big);
    assert_eq!(run.responses.len(), 2);
    for response in &run.responses {
        assert_eq!(framing(response), (None, Some("chunked"), None));
        assert_eq!(response.body, vec![b'x'; BIG]);
        assert!(!response.truncated);
    }
}

#[test]
fn chunked_when_one_write_overflows_the_buffer() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        say(act, "begin ")?;
        act.wfile.write_all(&vec![b'x'; BIG])?;
        act.wfile.write_all(b" end")
    });
    assert_eq!(run.responses.len(), 2);
    let response = &run.responses[0];
    assert!(!response.truncated);
    assert!(response.body.starts_with(b"begin xx") && response.body.ends_with(b"xx end"));
    assert_eq!(response.body.len(), BIG + 10);
}

#[test]
fn chunked_when_the_handler_flushes() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        say(act, "one")?;
        act.wfile.flush()?;
        act.wfile.flush()?;
        act.wfile.write_all(b"two")?;
        act.wfile.flush()?;
        act.wfile.write_all(b"")?;
        act.wfile.write_all(b"three")
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (None, Some("chunked"), None));
    assert_eq!(run.responses[0].text(), "onetwothree");
    let body = "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n";
    assert!(run.output.ends_with(body.as_bytes()), "{}", show(&run.output));
}

#[test]
fn chunked_when_the_head_is_flushed() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.end_headers()?;
        act.flush_headers()
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (None, Some("chunked"), None));
    assert!(run.output.ends_with(b"\r\n\r\n0\r\n\r\n"), "{}", show(&run.output));
}

#[test]
fn chunked_when_the_handler_says_so() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Transfer-Encoding", "chunked");
        act.end_headers()?;
        act.wfile.write_all(b"hello")
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (None, Some("chunked"), None));
    assert_eq!(run.responses[0].text(), "hello");
}

#[test]
fn a_client_of_http_1_0_never_gets_chunks() {
    fn flushed(act: &Act) -> io::Result<()> {
        say(act, "x")?;
        act.wfile.flush()?;
        act.wfile.write_all(b"x")
    }
    fn declared(act: &Act) -> io::Result<()> {
        act.send_response(200);
        act.send_header("Transfer-Encoding", "chunked");
        act.end_headers()?;
        act.wfile.write_all(b"x")
    }

    for (deed, length) in [(big as fn(&Act) -> _, BIG), (flushed, 2), (declared, 1)] {
        let (run, _) = Act::run(GET10, deed);
        let response = &run.responses[0];
        assert_eq!(response.header("transfer-encoding"), None);
        assert!(!response.stays_open && !response.truncated);
        assert!(response.body == vec![b'x'; length], "{}", show(&run.output));
    }
}

#[test]
fn without_a_length_http_1_0_ends_with_the_connection_though_it_was_to_stay_open() {
    let input = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2);
    let (run, _) = Act::run(input, big);
    assert_eq!(run.responses.len(), 1);
    assert_eq!(framing(&run.responses[0]), (None, None, Some("close")));
    assert_eq!(run.responses[0].body.len(), BIG);
}

#[test]
fn http_1_0_stays_open_when_it_asks_for_it_and_there_is_a_length() {
    let input = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2);
    let (run, _) = Act::run(input, |act| say(act, "hello"));
    assert_eq!(run.responses.len(), 2);
    for response in &run.responses {
        assert_eq!(framing(response), (Some("5"), None, Some("keep-alive")));
        assert_eq!(response.version, "HTTP/1.1");
    }
}

#[test]
fn a_handler_of_http_1_0_answers_and_closes() {
    let (run, _) = Act10::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.end_headers()?;
        act.wfile.write_all(b"hello")
    });
    assert_eq!(run.responses.len(), 1);
    assert!(run.output.starts_with(b"HTTP/1.0 200 OK\r\n"));
    assert_eq!(framing(&run.responses[0]).1, None);
    assert_eq!(run.responses[0].text(), "hello");
    assert!(!run.responses[0].stays_open);
}

#[test]
fn a_handler_of_http_1_0_sends_no_chunks() {
    let (run, _) = Act10::run(GET, |act| {
        act.send_response(200);
        act.end_headers()?;
        act.wfile.flush()?;
        act.wfile.write_all(&vec![b'x'; BIG])
    });
    assert_eq!(framing(&run.responses[0]).1, None);
    assert_eq!(run.responses[0].body.len(), BIG);
    assert!(!run.responses[0].stays_open);
}

#[test]
fn head_is_answered_by_do_get_without_the_body() {
    let (run, _) = Act::run([HEAD, GET].concat(), |act| say(act, "hello"));
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("5"), None, None));
    assert!(run.responses[0].body.is_empty());
    assert_eq!(run.responses[1].text(), "hello");
}

#[test]
fn head_counts_a_declared_body() {
    let (run, log) = Act::run([HEAD, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", BIG);
        act.end_headers()?;
        act.wfile.write_all(&vec![b'x'; BIG])
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("100000"), None, None));
    assert!(run.responses[0].body.is_empty());
    assert_eq!(run.responses[1].body.len(), BIG);
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
}

#[test]
fn head_may_declare_a_body_and_write_none() {
    let (run, log) = Act::run([HEAD, HEAD].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", 5);
        act.end_headers()
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[1]), (Some("5"), None, None));
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
}

#[test]
fn head_of_a_long_body_stays_open_and_quiet() {
    let (run, log) = Act::run([HEAD, GET].concat(), big);
    assert_eq!(run.responses.len(), 2, "{}", show(&run.output));
    assert!(run.responses[0].body.is_empty());
    assert_eq!(run.responses[1].body.len(), BIG);
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
}

/// A handler that passes on an error in other words has done nothing wrong: the response is complete.
#[test]
fn head_of_a_long_body_whose_handler_tells_it_in_its_own_words() {
    let (run, log) = Act::run([HEAD, GET].concat(), |act| {
        big(act).map_err(|error| std::io::Error::other(format!("cannot write the page: {error}")))
    });
    assert_eq!(run.responses.len(), 2, "{}", show(&run.output));
    assert_eq!(run.responses[1].body.len(), BIG);
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
}

/// Its other errors are reported, and take nothing from the response.
#[test]
fn head_of_a_long_body_whose_handler_fails_after_it() {
    let (run, log) = Act::run([HEAD, GET].concat(), |act| {
        let told = big(act);
        if act.command() == "HEAD" { Err(std::io::Error::other("the disk is full")) } else { told }
    });
    assert_eq!(run.responses.len(), 2, "{}", show(&run.output));
    assert!(log.has("do_GET: the disk is full"), "{:?}", log.lines());
}

#[test]
fn head_of_a_flushed_body() {
    let (run, log) = Act::run([HEAD, GET].concat(), |act| {
        say(act, "hello")?;
        act.wfile.flush()?;
        act.wfile.write_all(b"more")
    });
    assert_eq!(run.responses.len(), 2, "{}", show(&run.output));
    assert!(run.responses[0].body.is_empty());
    assert_eq!(run.responses[1].text(), "hellomore");
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
}

#[test]
fn head_of_a_declared_coding() {
    let (run, _) = Act::run([HEAD, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Transfer-Encoding", "chunked");
        act.end_headers()?;
        act.wfile.write_all(b"hello")
    });
    assert_eq!(run.responses.len(), 2);
    let head = &run.output[..run.output.windows(4).position(|window| window == b"\r\n\r\n").unwrap()];
    assert!(show(head).contains("Transfer-Encoding: chunked"), "{}", show(head));
    let rest = &run.output[head.len() + 4..];
    assert!(rest.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", show(rest));
}

#[test]
fn an_error_page_for_head_has_its_fields_and_no_body() {
    let (run, _) = Act::run([HEAD, HEAD].concat(), |act| act.send_error(404));
    assert_eq!(run.responses.len(), 1);
    let response = &run.responses[0];
    assert_eq!(response.status, 404);
    assert_eq!(response.header("content-type"), Some("text/html;charset=utf-8"));
    assert!(response.header("content-length").unwrap().parse::<u32>().unwrap() > 100);
    assert!(response.body.is_empty());
}

#[test]
fn statuses_without_a_body() {
    for (code, length) in [(204, None), (304, None), (205, Some("0"))] {
        let (run, log) = Act::run([GET, GET].concat(), move |act| {
            act.send_response(code);
            act.end_headers()?;
            act.log.push(format!("kind {:?}", act.wfile.write_all(b"x").map_err(|error| error.kind())));
            Ok(())
        });
        assert_eq!(run.responses.len(), 2, "{code}");
        assert_eq!(framing(&run.responses[0]), (length, None, None), "{code}");
        assert!(run.responses[0].body.is_empty(), "{code}");
        assert!(log.has("kind Err(InvalidInput)"), "{code}: {:?}", log.lines());
    }
}

#[test]
fn framing_fields_that_a_status_must_not_have() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(204);
        act.send_header("Content-Length", 0);
        act.end_headers()
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (None, None, None));
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(304);
        act.send_header("Content-Length", 5);
        act.end_headers()
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(framing(&run.responses[0]), (Some("5"), None, None), "that of the response with 200");
}

#[test]
fn http_0_9_gets_the_body_alone() {
    fn small(act: &Act) -> io::Result<()> {
        act.send_response(200);
        act.send_header("X", "y");
        act.send_header("Content-Length", 5);
        act.end_headers()?;
        act.wfile.write_all(b"hello")
    }
    fn flushed(act: &Act) -> io::Result<()> {
        say(act, "hello")?;
        act.wfile.flush()?;
        act.wfile.write_all(b"more")
    }
    fn page(act: &Act) -> io::Result<()> {
        act.send_error(404)
    }

    for (deed, begin, end) in [
        (small as fn(&Act) -> _, "hello", "hello"),
        (flushed, "hellomore", "hellomore"),
        (page, "<!DOCTYPE HTML>", "</html>\n"),
    ] {
        let (run, _) = Act::run("GET /\r\n", deed);
        assert_eq!(run.responses.len(), 1);
        assert_eq!(run.responses[0].version, "HTTP/0.9");
        let output = String::from_utf8(run.output).unwrap();
        assert!(output.starts_with(begin) && output.ends_with(end), "{output}");
        assert!(!output.contains("HTTP/") && (begin != end || output == begin), "{output}");
        assert!(!run.responses[0].stays_open);
    }
}

#[test]
fn http_0_9_gets_a_long_body_without_chunks() {
    let (run, _) = Act::run("GET /\r\n", big);
    assert_eq!(run.output, vec![b'x'; BIG]);
}

#[test]
fn a_connect_that_succeeds_has_no_framing() {
    let (run, _) = Act::run("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", |act| {
        act.send_response(200);
        act.send_header("Content-Length", 5);
        act.end_headers()?;
        act.wfile.write_all(b"raw")
    });
    assert_eq!(framing(&run.responses[0]).0, None, "{}", show(&run.output));
    assert_eq!(framing(&run.responses[0]).1, None);
    assert_eq!(run.responses[0].header("connection"), None, "it is no HTTP that would be closed");
    assert!(run.output.ends_with(b"\r\n\r\nraw"));
    assert!(!run.responses[0].stays_open);
}

#[test]
fn the_handler_can_close() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Connection", "close");
        act.end_headers()
    });
    assert_eq!(run.responses.len(), 1);
    assert_eq!(run.responses[0].headers.get_all("connection").collect::<Vec<_>>(), ["close"]);
}

#[test]
fn the_handler_cannot_keep_open_what_the_client_closes() {
    let (run, _) = Act::run("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".repeat(2), |act| {
        act.send_response(200);
        act.send_header("Connection", "keep-alive");
        act.end_headers()
    });
    assert_eq!(run.responses.len(), 1);
    assert_eq!(run.responses[0].headers.get_all("connection").collect::<Vec<_>>(), ["close"]);
}

#[test]
fn other_options_of_connection_stay() {
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Connection", "Upgrade");
        act.end_headers()
    });
    assert_eq!(run.responses.len(), 2);
    assert_eq!(run.responses[0].header("connection"), Some("Upgrade"));
}
