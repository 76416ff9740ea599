//! A handler's mistakes with the head of its response: `end_headers` reports them, and no part of that head is sent.

use std::fmt;
use std::io;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use basehttp_tests::show;

use crate::act::{Act, GET, GET10, HEAD};

/// Makes the mistake between `send_response(200)` with a field and `end_headers()`, in three ways: the error is returned, it
/// is dropped, or another response follows it.
fn check(what: &str, says: &str, mistake: fn(&Act)) {
    let begin = |act: &Act| {
        act.send_response((200, "Begun"));
        act.send_header("X-Begun", "yes");
    };
    check_whole(what, says, move |act| {
        begin(act);
        mistake(act);
        act.end_headers()
    });
}

fn check_whole(
    what: &str,
    says: &str,
    head: impl Fn(&Act) -> io::Result<()> + Send + Sync + Clone + 'static,
) {
    let input = [GET, GET].concat();
    for drops in [false, true] {
        let head = head.clone();
        let (run, log) = Act::run(&input, move |act| {
            let end = head(act);
            act.log.push(format!("kind {:?}", end.as_ref().map_err(io::Error::kind)));
            if drops { Ok(()) } else { end }
        });
        let output = show(&run.output);
        assert!(log.has("kind Err(InvalidInput)"), "{what}: {:?}", log.lines());
        assert_eq!(run.responses.len(), 1, "{what}: the connection is closed after an error: {output}");
        assert_eq!(run.responses[0].status, 500, "{what}: {output}");
        assert!(!output.contains("Begun"), "{what}: {output}");
        assert!(log.has(says), "{what}: {:?}", log.lines());
        assert!(run.responses[0].text().contains("500"), "{what}: {output}");
    }
    let (run, _) = Act::run(&input, move |act| {
        if head(act).is_err() {
            act.send_response(418);
            act.end_headers()?;
        }
        Ok(())
    });
    let output = show(&run.output);
    let found: Vec<_> = run.responses.iter().map(|response| response.status).collect();
    assert_eq!(found, [418, 418], "{what}: {output}");
    assert!(!output.contains("Begun"), "{what}: {output}");
}

#[test]
fn a_line_end_in_a_value() {
    check("LF", r#"U+000A in the value of the header "X""#, |act| act.send_header("X", "a\nSet-Cookie: b"));
    check("CRLF", r#"U+000D in the value of the header "X""#, |act| {
        act.send_header("X", "a\r\nSet-Cookie: b");
    });
    check("CR", "U+000D in the value", |act| act.send_header("X", "a\rb"));
    check("at the end", "U+000A in the value", |act| act.send_header("X", "a\n"));
    check("at the start", "U+000A in the value", |act| act.send_header("X", "\na"));
}

#[test]
fn a_control_character_in_a_value() {
    check("NUL", "U+0000 in the value", |act| act.send_header("X", "a\0"));
    check("escape", "in the value", |act| act.send_header("X", "\x1b[31m"));
    check("DEL", "in the value", |act| act.send_header("X", "\x7f"));
    check("vertical tab", "in the value", |act| act.send_header("X", "\x0b"));
}

#[test]
fn a_character_that_latin_1_lacks() {
    check("snowman", "☃ (U+2603) in the value", |act| act.send_header("X", "☃"));
    check("U+0100", "Ā (U+0100) in the value", |act| act.send_header("X", "\u{100}"));
    check("line separator", "in the value", |act| act.send_header("X", "\u{2028}"));
}

#[test]
fn the_values_of_framing_fields_are_checked_as_well() {
    check("connection", "in the value", |act| act.send_header("Connection", "x\r\nY: z"));
    check("connection and more", "in the value", |act| {
        act.send_header("Connection", "keep-alive, x\r\nY: z");
    });
    check("length", "is not a number of bytes", |act| act.send_header("Content-Length", "5\r\nY: z"));
}

#[test]
fn a_bad_name() {
    for name in ["", " ", "X Y", "X:", "X\r\nY", "X\0", "Ä", "X(", "X/Y", "\"X\""] {
        let says = format!("header name {name:?} is not a token");
        let (run, log) = Act::run(GET, move |act| {
            act.send_response(200);
            act.send_header(name, "x");
            act.end_headers()
        });
        assert_eq!(run.responses[0].status, 500, "{name:?}");
        assert!(log.has(&says), "{name:?}: {:?}", log.lines());
    }
    check("bad name", "is not a token", |act| act.send_header("X Y", "x"));
}

#[test]
fn a_message_that_no_status_line_holds() {
    for (message, kind) in [("a\r\nX: y", "U+000D"), ("a\n", "U+000A"), ("\0", "U+0000"), ("☃", "☃ (U+2603)")]
    {
        check_whole(message, &format!("{kind} in the message of a status line"), move |act| {
            act.send_response((200, message));
            act.send_header("X-Begun", "yes");
            act.end_headers()
        });
    }
}

#[test]
fn a_code_of_other_than_three_digits() {
    for code in [0, 1, 99, 1000, 65535] {
        check_whole("code", &format!("status code {code}"), move |act| {
            act.send_response(code);
            act.end_headers()
        });
        let (_, log) = Act::run(GET, move |act| {
            act.send_response(code);
            act.end_headers()
        });
        let requests: Vec<_> = log.lines().into_iter().filter(|line| line.contains("GET /")).collect();
        assert_eq!(requests, ["\"GET / HTTP/1.1\" 500 -"], "what is not sent is not logged as a response");
    }
}

#[test]
fn two_framing_fields() {
    const SAYS: &str = "was sent before: send one of them, once";
    check("two lengths", SAYS, |act| {
        act.send_header("Content-Length", 5);
        act.send_header("content-length", 5);
    });
    check("two codings", SAYS, |act| {
        act.send_header("Transfer-Encoding", "chunked");
        act.send_header("Transfer-Encoding", "chunked");
    });
    check("length and coding", SAYS, |act| {
        act.send_header("Content-Length", 5);
        act.send_header("Transfer-Encoding", "chunked");
    });
    check("coding and length", SAYS, |act| {
        act.send_header("TRANSFER-ENCODING", "chunked");
        act.send_header("CONTENT-LENGTH", 5);
    });
}

#[test]
fn a_framing_field_that_says_nothing_good() {
    for value in ["", "-1", "+5", "5 5", "0x5", "5,5", "18446744073709551616", "five"] {
        let (run, log) = Act::run(GET, move |act| {
            act.send_response(200);
            act.send_header("Content-Length", value);
            act.end_headers()
        });
        assert_eq!(run.responses[0].status, 500, "{value:?}");
        assert!(log.has(&format!("Content-Length {value:?} is not a number of bytes")), "{:?}", log.lines());
    }
    for value in ["", "gzip", "gzip, chunked", "identity", "chunked, chunked"] {
        let (run, log) = Act::run(GET, move |act| {
            act.send_response(200);
            act.send_header("Transfer-Encoding", value);
            act.end_headers()
        });
        assert_eq!(run.responses[0].status, 500, "{value:?}");
        assert!(log.has(&format!("Transfer-Encoding {value:?}: only")), "{:?}", log.lines());
    }
}

#[test]
fn a_value_that_cannot_be_displayed() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    check("Display fails", "its Display returned an error", |act| act.send_header("X", Broken));
}

#[test]
fn the_first_mistake_is_the_one_that_is_told() {
    check("two mistakes", "header name \"X Y\"", |act| {
        act.send_header("X Y", "a");
        act.send_header("X", "a\nb");
    });
}

#[test]
fn send_response_twice() {
    check("twice", "send_response() twice", |act| act.send_response(201));
}

#[test]
fn fields_without_a_status_line() {
    const SAYS: &str = "without send_response() before it";
    check_whole("send_header", SAYS, |act| {
        act.send_header("X-Begun", "yes");
        act.end_headers()
    });
    check_whole("end_headers", SAYS, Act::end_headers);
}

#[test]
fn fields_after_the_head() {
    let (run, log) = Act::run(GET, |act| {
        act.send_response((200, "Begun"));
        act.end_headers()?;
        act.send_header("X-Late", "yes");
        Ok(())
    });
    assert_eq!(run.responses[0].status, 500, "{}", show(&run.output));
    assert!(!show(&run.output).contains("X-Late"), "{}", show(&run.output));
    assert!(log.has("after end_headers()"), "{:?}", log.lines());
}

#[test]
fn a_second_head_after_the_first() {
    let (run, log) = Act::run(GET, |act| {
        act.send_response((200, "Begun"));
        act.end_headers()?;
        act.send_response(201);
        act.log.push(format!("kind {:?}", act.end_headers().map_err(|error| error.kind())));
        Ok(())
    });
    assert_eq!(run.responses.len(), 1);
    assert_eq!(run.responses[0].status, 500, "{}", show(&run.output));
    assert!(log.has("kind Err(InvalidInput)"), "{:?}", log.lines());
    assert!(log.has("after end_headers()"), "{:?}", log.lines());
}

#[test]
fn fields_after_the_head_was_sent_do_no_harm_and_are_logged() {
    let (run, log) = Act::run([GET, GET].concat(), |act| {
        act.send_response(200);
        act.send_header("Content-Length", 2);
        act.end_headers()?;
        act.flush_headers()?;
        act.send_header("X-Late", "yes");
        act.wfile.write_all(b"hi")
    });
    let found: Vec<_> = run.responses.iter().map(|response| (response.status, response.text())).collect();
    assert_eq!(found, [(200, "hi".into()), (200, "hi".into())]);
    assert!(!show(&run.output).contains("X-Late"));
    assert!(log.has("after end_headers()"), "{:?}", log.lines());
}

/// Some handlers forget the `return` after `send_error` and continue: the error page is complete, and stands.
#[test]
fn what_comes_after_a_whole_response_is_dropped_and_logged() {
    type Late = fn(&Act) -> io::Result<()>;
    let late: [Late; 5] = [
        |act| act.end_headers(),
        |act| {
            act.send_header("X-Late", "yes");
            act.end_headers()
        },
        |act| {
            act.send_response(200);
            act.end_headers()
        },
        |act| {
            act.send_response(200);
            act.send_header("X-Late", "yes");
            act.end_headers()?;
            act.wfile.write_all(b"late")?;
            act.wfile.write_all(&vec![b'x'; 100_000])?;
            act.wfile.flush()
        },
        |act| {
            act.wfile.flush()?;
            act.send_response(200);
            act.end_headers()?;
            act.wfile.write_all(b"late")
        },
    ];
    for (case, late) in late.into_iter().enumerate() {
        for request in [GET, HEAD] {
            let (run, log) = Act::run(request, move |act| {
                act.send_error((404, "Nothing here"))?;
                late(act)
            });
            assert_eq!(run.responses.len(), 1, "{case}: {}", show(&run.output));
            let response = &run.responses[0];
            assert_eq!((response.status, response.truncated), (404, false), "{case}");
            assert!(!show(&run.output).contains("X-Late"), "{case}");
            assert_eq!(response.text().contains("Nothing here"), request == GET, "{case}");
            assert!(log.has("after send_error()"), "{case}: {:?}", log.lines());
            assert!(!log.has("after end_headers()"), "{case}: {:?}", log.lines());
            // The log has no response that was not sent.
            assert!(!log.has("\" 200 -"), "{case}: {:?}", log.lines());
        }
    }
}

/// As above, for what is written without a second head.
#[test]
fn what_is_written_after_an_error_page_is_refused_and_logged() {
    type Late = fn(&Act) -> io::Result<()>;
    let late: [Late; 4] = [
        |act| act.wfile.write_all(b"late"),
        |act| act.wfile.write_all(&vec![b'x'; 100_000]),
        |act| act.wfile.send_bytes("late"),
        |act| {
            act.wfile.flush()?;
            act.wfile.write_all(b"late")?;
            act.wfile.flush()
        },
    ];
    for (case, late) in late.into_iter().enumerate() {
        for code in [404, 304] {
            for request in [GET, HEAD, GET10] {
                let (run, log) = Act::run(request, move |act| {
                    act.send_error((code, "Nothing here"))?;
                    late(act)
                });
                assert_eq!(run.responses.len(), 1, "{case}: {}", show(&run.output));
                let response = &run.responses[0];
                assert_eq!((response.status, response.truncated), (code, false), "{case}: {:?}", log.lines());
                let has_page = code == 404 && request != HEAD;
                assert_eq!(response.text().contains("Nothing here"), has_page, "{case}");
                assert!(!response.text().contains("late"), "{case}");
                assert!(log.has("after send_error()"), "{case}: {:?}", log.lines());
            }
        }
    }
    let (run, log) = Act::run(GET, |act| {
        act.send_error(404)?;
        act.wfile.write_all(b"")?;
        act.wfile.flush()
    });
    assert_eq!(run.responses[0].status, 404);
    assert!(!log.has("after send_error()"), "{:?}", log.lines());
    let (run, _) = Act::run([GET, GET].concat(), |act| {
        act.send_error(404)?;
        act.send_error((410, "It has gone"))
    });
    assert_eq!((run.responses.len(), run.responses[0].status), (1, 410), "a page may be replaced");
}

/// What has been sent cannot be taken back for an error page. A complete response stands; the connection ends with it if the
/// method returns the error.
#[test]
fn an_error_page_after_what_was_sent_is_refused() {
    type Late = fn(&Act) -> io::Result<()>;
    let late: [Late; 3] = [
        |act| act.send_error(500),
        |act| act.discard_response(),
        |act| {
            act.send_response(201);
            act.send_error(500)
        },
    ];
    for (case, late) in late.into_iter().enumerate() {
        for (code, length, is_whole) in
            [(200, Some(2), true), (204, None, true), (200, Some(3), false), (200, None, false)]
        {
            for returns in [true, false] {
                let (run, log) = Act::run([GET, GET].concat(), move |act| {
                    act.send_response(code);
                    if let Some(length) = length {
                        act.send_header("Content-Length", length);
                    }
                    act.end_headers()?;
                    if code == 200 {
                        act.wfile.write_all(b"hi")?;
                    }
                    act.wfile.flush()?;
                    let error = late(act).expect_err("it is refused");
                    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                    if returns { Err(error) } else { Ok(()) }
                });
                let case = format!("{case}, {code}, {length:?}, {returns}: {:?}", log.lines());
                let first = &run.responses[0];
                assert_eq!(
                    (first.status, &*first.text()),
                    (code, if code == 200 { "hi" } else { "" }),
                    "{case}"
                );
                assert_eq!(log.count("cannot be taken back"), usize::from(returns), "{case}");
                if returns {
                    assert_eq!((run.responses.len(), first.truncated), (1, !is_whole), "{case}");
                } else if is_whole {
                    assert_eq!(run.responses.len(), 2, "{case}");
                }
            }
        }
    }
}

/// The loop of a stream ends, although the client would never be gone: it waits for the page.
#[test]
fn a_stream_after_an_error_page_ends() {
    let into_wfile = |act: &Act| -> io::Result<()> {
        loop {
            act.wfile.write_all(b"tick")?;
            act.wfile.flush()?;
        }
    };
    let trailers = |act: &Act| -> io::Result<()> {
        loop {
            act.wfile.send_trailer("X-Count", 1)?;
        }
    };
    let bytes = |act: &Act| -> io::Result<()> {
        loop {
            act.wfile.send_bytes(vec![b'x'; 100_000])?;
        }
    };
    let streams: [fn(&Act) -> io::Result<()>; 3] = [into_wfile, trailers, bytes];
    for (case, stream) in streams.into_iter().enumerate() {
        for starts_again in [false, true] {
            let (run, log) = Act::run(GET, move |act| {
                act.send_error((404, "Nothing here"))?;
                if starts_again {
                    act.send_response(200);
                    act.end_headers()?;
                }
                let error = stream(act).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                Err(error)
            });
            assert_eq!(run.responses.len(), 1, "{case}: {}", show(&run.output));
            assert_eq!((run.responses[0].status, run.responses[0].truncated), (404, false), "{case}");
            let lines = log.lines();
            let told = lines.iter().filter(|line| line.contains("after send_error()")).count();
            assert_eq!(told, 1, "{case}: {lines:?}");
        }
    }
}

/// Nothing waits for room that the first response would need.
#[test]
fn what_is_dropped_waits_for_nobody() {
    let builder = HTTPServer::builder().write_high_water(0);
    let server = TestServer::with(builder, |base| Forgetful { base });
    assert_eq!(Client::new(&server).ask(GET).status, 404);
}

struct Forgetful {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Forgetful {
    fn do_GET(&self) -> io::Result<()> {
        self.send_error(404)?;
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&vec![b'x'; 100_000])
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

/// Whoever insists: `unwrap` panics, and the page stands all the same.
#[test]
fn a_panic_about_a_write_after_an_error_page_leaves_the_page() {
    for request in [GET, HEAD, GET10] {
        let (run, log) = Act::run(request, |act| {
            act.send_error(404)?;
            act.wfile.write_all(b"late").unwrap();
            Ok(())
        });
        assert_eq!((run.responses.len(), run.responses[0].status), (1, 404), "{:?}", log.lines());
        assert!(log.has("panicked"), "{:?}", log.lines());
    }
    let (run, _) = Act::run(GET, |act| {
        act.send_error(404)?;
        panic!("for another reason");
    });
    assert_eq!(run.responses[0].status, 500);
}

#[test]
fn a_field_that_cannot_be_shown_after_an_error_page_leaves_the_page() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let (run, log) = Act::run(GET, |act| {
        act.send_error(404)?;
        act.send_header("X-Late", Broken);
        act.wfile.send_trailer("X-Late", Broken)
    });
    assert_eq!(run.responses[0].status, 404, "{:?}", log.lines());
    assert_eq!(
        log.lines().iter().filter(|line| line.contains("after send_error()")).count(),
        1,
        "{:?}",
        log.lines()
    );
}

struct Chatty {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Chatty {
    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/error" => Err(io::Error::other("on purpose")),
            "/panic" => panic!("on purpose"),
            "/http" => Err(io::Error::other(basehttp::HttpError::new(404, "Not here"))),
            _ => self.send_error(404),
        }
    }

    fn send_error(&self, code: impl basehttp::ResponseCode) -> io::Result<()> {
        BaseHTTPRequestHandler::send_error(self, code)?;
        self.wfile.write_all(b"and more")
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

/// An override that writes after the page of the default: the page stands, whoever has asked for it.
#[test]
fn an_override_that_adds_to_the_page_leaves_the_page() {
    for (path, status) in [("/error", 500), ("/panic", 500), ("/http", 404), ("/own", 404)] {
        let response = basehttp::testing::client(|base| Chatty { base }).get(path);
        assert_eq!(response.status, status, "{path}");
        assert!(response.text().contains("Error response"), "{path}: {}", response.text());
        assert!(!response.text().contains("and more"), "{path}");
    }
}

/// A write that was refused after a complete response says nothing about the one that takes its place.
#[test]
fn what_was_refused_does_not_make_another_response_complete() {
    let begun = |act: &Act| -> io::Result<()> {
        act.send_error(404)?;
        assert!(act.wfile.write_all(b"late").is_err());
        act.discard_response()?;
        act.send_response(200);
        act.send_header("Transfer-Encoding", "chunked");
        act.end_headers()?;
        act.wfile.write_all(b"12345")
    };
    let (run, _) = Act::run([GET, GET].concat(), move |act| {
        begun(act)?;
        act.wfile.flush()?;
        Err(io::Error::other("on purpose"))
    });
    let found: Vec<_> = run.responses.iter().map(|response| (response.status, response.truncated)).collect();
    assert_eq!(found, [(200, true)], "{}", show(&run.output));
    let (run, _) = Act::run(GET, move |act| {
        begun(act)?;
        Err(io::Error::other("on purpose"))
    });
    assert_eq!(run.responses[0].status, 500, "{}", show(&run.output));
}

/// The connection is as if the refused head had never been begun.
#[test]
fn a_head_that_is_refused_says_nothing_about_the_connection() {
    for (option, request, responses) in [("keep-alive", GET10, 1), ("close", GET, 2)] {
        let (run, log) = Act::run([request, request].concat(), move |act| {
            act.send_response(200);
            act.send_header("Connection", option);
            act.send_header("X-Bad", "a\nb");
            assert!(act.end_headers().is_err());
            act.send_response(200);
            act.send_header("Content-Length", 2);
            act.end_headers()?;
            act.wfile.write_all(b"ok")
        });
        let found: Vec<_> = run.responses.iter().map(|response| response.status).collect();
        assert_eq!(found, vec![200; responses], "{option}: {} {:?}", show(&run.output), log.lines());
    }
}

/// Python's handlers make the chunks themselves. Here the client would get them as the body, without any error.
#[test]
fn chunks_of_the_handlers_own_are_told() {
    for (pieces, is_told) in [
        (&["3\r\nabc\r\n", "0\r\n\r\n"][..], true),
        (&["3\r\nabc\r\n"], true),
        (&["3\r\n", "abc", "\r\n", "0\r\n\r\n"], true),
        (&["a\r\n0123456789\r\n0\r\n\r\n"], true),
        (&["3\r\n"], false),
        (&["3\r\nabcd\r\n"], false),
        (&["0\r\n"], false),
        (&["x0\r\n\r\n"], false),
        (&["\r\n", "\r\n"], false),
        (&["fff\r\n"], false),
        (&["ffffffffffffffffffffffff\r\na\r\n"], false),
    ] {
        for flushes in [false, true] {
            let (run, log) = Act::run([GET, GET].concat(), move |act| {
                act.send_response(200);
                act.end_headers()?;
                for piece in pieces {
                    act.wfile.write_all(piece.as_bytes())?;
                    if flushes {
                        act.wfile.flush()?;
                    }
                }
                Ok(())
            });
            let bodies: Vec<_> = run.responses.iter().map(|response| response.text()).collect();
            assert_eq!(bodies, [pieces.concat(), pieces.concat()], "it is sent as it was written");
            assert_eq!(log.has("the server makes the chunks"), is_told, "{pieces:?}: {:?}", log.lines());
        }
    }
}

/// Replacing a complete response is deliberate: the two are not mixed.
#[test]
fn an_error_page_takes_the_place_of_a_whole_response() {
    let (run, _) = Act::run(GET, |act| {
        act.send_response(200);
        act.send_header("Content-Length", 2);
        act.end_headers()?;
        act.wfile.write_all(b"hi")?;
        act.send_error(500)
    });
    assert_eq!((run.responses.len(), run.responses[0].status), (1, 500), "{}", show(&run.output));
}

#[test]
fn body_before_the_head_is_invalid_input() {
    let (run, log) = Act::run(GET, |act| {
        act.log.push(format!("none {:?}", act.wfile.write_all(b"x").map_err(|error| error.kind())));
        act.send_response(200);
        act.log.push(format!("open {:?}", write!(act.wfile, "x").map_err(|error| error.kind())));
        act.end_headers()?;
        act.wfile.write_all(b"good")
    });
    assert!(log.has("none Err(InvalidInput)"), "{:?}", log.lines());
    assert!(log.has("open Err(InvalidInput)"), "{:?}", log.lines());
    assert_eq!((run.responses[0].status, &*run.responses[0].body), (200, &b"good"[..]));
}

#[test]
fn no_response_at_all() {
    let (run, log) = Act::run([GET, GET].concat(), |_| Ok(()));
    assert_eq!(run.responses.len(), 1);
    assert_eq!(run.responses[0].status, 500);
    assert!(log.has("do_GET: the handler returned without a response"), "{:?}", log.lines());
}

#[test]
fn a_head_without_end_headers() {
    let (run, log) = Act::run(GET, |act| {
        act.send_response((200, "Begun"));
        act.send_header("X-Begun", "yes");
        Ok(())
    });
    assert_eq!(run.responses.len(), 1);
    assert_eq!(run.responses[0].status, 500);
    assert!(!show(&run.output).contains("Begun"));
    assert!(log.has("without end_headers()"), "{:?}", log.lines());
}

#[test]
fn latin_1_goes_out_as_one_byte() {
    let (run, _) = Act::run(GET, |act| {
        act.send_response((200, "Größe"));
        act.send_header("X-Special", "Dängerous Mind\u{a0}\u{ff}");
        act.send_header("X-Tab", "a\tb");
        act.end_headers()
    });
    let has = |bytes: &[u8]| run.output.windows(bytes.len()).any(|window| window == bytes);
    assert!(run.output.starts_with(b"HTTP/1.1 200 Gr\xf6\xdfe\r\n"), "{}", show(&run.output));
    assert!(has(b"\r\nX-Special: D\xe4ngerous Mind\xa0\xff\r\n"), "{}", show(&run.output));
    assert!(has(b"\r\nX-Tab: a\tb\r\n"), "{}", show(&run.output));
}
