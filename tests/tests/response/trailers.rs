//! Trailer fields: `WFile::send_trailer`.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use basehttp::prelude::*;
use basehttp::testing::{Response, run};
use basehttp_tests::client::Client;
use basehttp_tests::gate::gate;
use basehttp_tests::show;

use crate::act::{Act, Act10, GET, GET10, HEAD, Stage, say};

const CONNECT: &str = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";

fn say_with_trailer(act: &Act, text: &str) -> io::Result<()> {
    say(act, text)?;
    act.wfile.send_trailer("X-Length", text.len())
}

fn trailers(response: &Response) -> Vec<(&str, &str)> {
    response.trailers.iter().collect()
}

#[test]
fn a_small_body_with_a_trailer_field_is_chunked_and_the_connection_goes_on() {
    let (run, log) = Act::run(GET.repeat(3), |act| say_with_trailer(act, "hello"));
    assert_eq!(run.responses.len(), 3);
    for response in &run.responses {
        assert_eq!((&*response.text(), trailers(response)), ("hello", vec![("X-Length", "5")]));
        assert_eq!(response.header("trailer"), Some("X-Length"));
        assert_eq!((response.header("content-length"), response.header("x-length")), (None, None));
        assert!(response.stays_open && !response.truncated);
    }
    let output = show(&run.output);
    assert_eq!(
        output.matches(&show(b"\r\n\r\n5\r\nhello\r\n0\r\nX-Length: 5\r\n\r\n")).count(),
        3,
        "{output}"
    );
    assert_eq!(log.lines().len(), 3, "{:?}", log.lines());
}

/// Even if `TE` does not ask for them: a client that gets chunks can skip what follows them.
#[test]
fn trailer_fields_are_sent_whether_or_not_the_client_asks_for_them() {
    for te in ["", "TE: trailers\r\nConnection: TE\r\n", "TE: trailers;q=0\r\n"] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{te}\r\n");
        let (run, _) = Act::run(request, |act| say_with_trailer(act, "hello"));
        assert_eq!(trailers(&run.responses[0]), [("X-Length", "5")]);
    }
}

#[test]
fn trailer_fields_come_behind_whatever_is_written_after_them() {
    let stage = Stage::new(|act| {
        act.send_response(200);
        act.send_header("Trailer", "Server-Timing, X-Sum");
        act.end_headers()?;
        act.wfile.send_trailer("Server-Timing", "db;dur=53")?;
        for _ in 0..100 {
            act.wfile.write_all(&[b'x'; 1000])?;
        }
        act.wfile.write_all(&vec![b'y'; 100_000])?;
        act.wfile.flush()?;
        act.wfile.send_trailer("X-Sum", 200_000)?;
        act.wfile.write_all(b"z")
    });
    let mut client = Client::new(&stage.server);
    for _ in 0..3 {
        let response = client.ask(GET);
        assert_eq!((response.body.len(), response.body.last()), (200_001, Some(&b'z')));
        let expected = [("Server-Timing", "db;dur=53"), ("X-Sum", "200000")];
        assert_eq!(response.trailers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(response.all("trailer"), ["Server-Timing, X-Sum"]);
    }
}

#[test]
fn a_flush_sends_no_trailer_field() {
    let (gate, bar) = gate();
    let stage = Stage::new(move |act| {
        say_with_trailer(act, "one")?;
        act.wfile.flush()?;
        bar.pass()?;
        act.wfile.send_trailer("X-Late", "yes")
    });
    let mut client = Client::new(&stage.server);
    let begin = client.send(GET).read_up_to(b"3\r\none\r\n");
    assert!(show(&begin).contains("Trailer: X-Length"), "{}", show(&begin));
    gate.stay_open();
    assert_eq!(client.read_up_to(b"\r\n\r\n"), b"0\r\nX-Length: 3\r\nX-Late: yes\r\n\r\n");
}

#[test]
fn trailer_fields_come_behind_a_file() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![b'f'; 1_000_000]).unwrap();
    let file: Arc<File> = Arc::new(file);
    let stage = Stage::new(move |act| {
        say(act, "a")?;
        act.wfile.send_file(&file, 0..1_000_000)?;
        act.wfile.send_trailer("X-Sum", "f")
    });
    let mut client = Client::new(&stage.server);
    for _ in 0..3 {
        let response = client.ask(GET);
        assert_eq!(response.body.len(), 1_000_001);
        assert_eq!(response.trailers, [("X-Sum".to_owned(), "f".to_owned())]);
    }
}

#[test]
fn clients_that_can_get_none_get_the_response() {
    for flushes in [false, true] {
        for request in [GET10, "GET /\r\n"] {
            let (run, log) = Act::run(request, move |act| {
                say_with_trailer(act, "hello")?;
                if flushes { act.wfile.flush() } else { Ok(()) }
            });
            let response = &run.responses[0];
            assert_eq!((&*response.text(), response.trailers.len()), ("hello", 0));
            assert!(!response.truncated && !show(&run.output).contains("X-Length"), "{}", show(&run.output));
            assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
        }
        let (run, log) = Act::run([HEAD, GET].concat(), move |act| {
            say(act, "hello")?;
            if flushes {
                act.wfile.flush()?;
            }
            act.wfile.send_trailer("X-Length", 5)
        });
        let [head, get] = &run.responses[..] else { panic!("{}", show(&run.output)) };
        assert_eq!((head.body.len(), head.trailers.len()), (0, 0));
        assert_eq!(trailers(get), [("X-Length", "5")]);
        let fields = |response: &Response| response.headers.iter().map(|field| field.0.to_owned()).collect();
        let (head, get): (Vec<_>, Vec<_>) = (fields(head), fields(get));
        // After a flush GET is chunked, and HEAD does not show that.
        assert_eq!(head, if flushes { get[..2].to_vec() } else { get });
        assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
    }
}

/// Runs it twice: the error of `send_trailer` is returned, and ignored.
fn check(what: &str, request: &str, begin: fn(&Act) -> io::Result<()>, field: (&'static str, &'static str)) {
    for ignores in [false, true] {
        let (run, log) = Act::run(request, move |act| {
            begin(act)?;
            let added = act.wfile.send_trailer(field.0, field.1);
            act.log.push(format!("kind {:?}", added.as_ref().map_err(io::Error::kind)));
            if ignores { Ok(()) } else { added }
        });
        let output = show(&run.output);
        assert!(log.has("kind Err(InvalidInput)"), "{what}: {:?}", log.lines());
        // Without a response another mistake is reported.
        let is_early = what.contains("before end_headers()");
        assert!(log.has(what) || (is_early && ignores), "{what}: {:?}", log.lines());
        assert!(!output.contains("X-Trailer") && !output.contains("secret"), "{what}: {output}");
        let is_tunnel = matches!(run.responses[0].status, 101 | 200) && request != GET;
        if ignores && !is_early {
            assert!(run.responses[0].status < 500, "{what}: {output}");
        } else if !is_tunnel {
            assert_eq!(run.responses[0].status, 500, "{what}: {output}");
        }
    }
}

#[test]
fn a_response_that_has_none() {
    const FIELD: (&str, &str) = ("X-Trailer", "secret");
    check("a trailer field before end_headers()", GET, |_| Ok(()), FIELD);
    let open = |act: &Act| {
        act.send_response(200);
        Ok(())
    };
    check("a trailer field before end_headers()", GET, open, FIELD);
    let interim = |act: &Act| {
        act.send_response_only(103);
        act.end_headers()
    };
    let (run, log) = Act::run(GET, move |act| {
        interim(act)?;
        let _ = act.wfile.send_trailer("X-Trailer", "secret");
        say(act, "hello")
    });
    assert!(!show(&run.output).contains("X-Trailer") && log.has("a trailer field before end_headers()"));

    let counted = |act: &Act| {
        act.send_response(200);
        act.send_header("Content-Length", 5);
        act.end_headers()?;
        act.wfile.write_all(b"hello")
    };
    check("leave Content-Length out", GET, counted, FIELD);
    for (status, begin) in [
        (204, (|act| bare(act, 204)) as fn(&Act) -> io::Result<()>),
        (205, |act| bare(act, 205)),
        (304, |act| bare(act, 304)),
    ] {
        check(&format!("a response with status {status} to this method"), GET, begin, FIELD);
    }
    check("a response with status 200 to this method", CONNECT, |act| bare(act, 200), FIELD);
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    check("a response with status 101 to this method", upgrade, |act| bare(act, 101), FIELD);
}

fn bare(act: &Act, status: u16) -> io::Result<()> {
    act.send_response(status);
    act.end_headers()
}

#[test]
fn a_field_that_is_no_trailer_field() {
    let hello = |act: &Act| say(act, "hello");
    for name in ["Content-Length", "Transfer-Encoding", "Content-Type", "Set-Cookie", "Cache-Control", "Date"]
    {
        check(&format!("{name:?} must not be a trailer field"), GET, hello, (name, "secret"));
    }
    check("U+000D in the value of the header", GET, hello, ("X-Trailer", "a\r\nX-Forged: secret"));
    check("☃ (U+2603) in the value of the header", GET, hello, ("X-Trailer", "☃ secret"));
    check("is not a token", GET, hello, ("X Trailer", "secret"));
    check("is not a token", GET, hello, ("X-Trailer\r\nX-Forged", "secret"));
}

#[test]
fn too_many_fields() {
    let (run, log) = Act::run([GET, GET].concat(), |act| {
        say(act, "hello")?;
        let sent = (0..1000).map(|_| act.wfile.send_trailer("X", "y".repeat(95)));
        let errors: Vec<_> = sent.filter_map(Result::err).map(|error| error.kind()).collect();
        act.log.push(format!("refused {} {:?}", errors.len(), errors.first()));
        Ok(())
    });
    // 100 bytes each with its line end.
    assert!(log.has("refused 837 Some(InvalidInput)"), "{:?}", log.lines());
    assert!(log.has("more than 16 KiB of trailer fields"), "{:?}", log.lines());
    assert_eq!(run.responses.len(), 2);
    assert!(run.responses.iter().all(|response| response.trailers.len() == 163 && !response.truncated));
}

#[test]
fn a_handler_that_speaks_http_1_0_is_told() {
    for request in [GET, GET10] {
        let (run, log) = Act10::run(request, |act| {
            act.send_response(200);
            act.end_headers()?;
            act.wfile.send_trailer("X", "y")
        });
        assert_eq!(run.responses[0].status, 500);
        assert!(log.has("set protocol_version to \"HTTP/1.1\""), "{:?}", log.lines());
    }
}

#[test]
fn a_response_that_is_cut_off_has_none() {
    for panics in [false, true] {
        let (run, _) = Act::run([GET, GET].concat(), move |act| {
            say_with_trailer(act, "hello")?;
            act.wfile.flush()?;
            assert!(!panics, "on purpose");
            Err(io::Error::other("on purpose"))
        });
        assert_eq!(run.responses.len(), 1);
        assert!(run.responses[0].truncated && run.responses[0].trailers.is_empty());
        assert!(run.output.ends_with(b"5\r\nhello\r\n"), "{}", show(&run.output));
    }
    let (run, _) = Act::run(GET, |act| {
        say(act, "hello")?;
        act.wfile.flush()?;
        act.wfile.send_trailer("Content-Type", "text/plain")
    });
    assert!(run.responses[0].truncated, "a mistake that is returned is a failure: {}", show(&run.output));
}

#[test]
fn an_error_page_has_none() {
    let fails: [fn(&Act) -> io::Result<()>; 3] =
        [|_| Err(io::Error::other("on purpose")), |_| panic!("on purpose"), |act| act.send_error(404)];
    for fail in fails {
        let (run, _) = Act::run(GET, move |act| {
            say_with_trailer(act, "hello")?;
            fail(act)
        });
        assert!(run.responses[0].status >= 404 && run.responses[0].trailers.is_empty());
        assert!(!show(&run.output).contains("X-Length"), "{}", show(&run.output));
    }
}

#[test]
fn what_follows_a_whole_error_page_has_none() {
    let (run, log) = Act::run(GET, |act| {
        act.send_error(404)?;
        say_with_trailer(act, "hello")
    });
    assert_eq!((run.responses.len(), run.responses[0].status), (1, 404));
    assert!(!show(&run.output).contains("X-Length"), "{}", show(&run.output));
    assert!(log.has("after send_error()"), "{:?}", log.lines());
}

#[test]
fn chunks_of_the_handlers_own_are_told_all_the_same() {
    let (run, log) = Act::run(GET, |act| say_with_trailer(act, "3\r\nabc\r\n0\r\n\r\n"));
    assert_eq!(trailers(&run.responses[0]), [("X-Length", "13")]);
    assert!(log.has("the server makes the chunks"), "{:?}", log.lines());
}

/// A value that calls the handler while it is displayed, or fails.
struct Asking<'a>(&'a Act, bool);

impl fmt::Display for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 {
            return Err(fmt::Error);
        }
        write!(f, "{} {}", self.0.path(), self.0.close_connection())
    }
}

#[test]
fn the_value_is_displayed_outside_of_the_lock() {
    let (run, log) = Act::run(GET, |act| {
        say(act, "hello")?;
        let failed = act.wfile.send_trailer("X-Failed", Asking(act, true));
        act.log.push(format!("failed {:?}", failed.map_err(|error| error.kind())));
        act.wfile.send_trailer("X-Asked", Asking(act, false))
    });
    assert_eq!(trailers(&run.responses[0]), [("X-Asked", "/ false")]);
    assert!(log.has("failed Err(InvalidInput)"), "{:?}", log.lines());
    assert!(log.has("the value of the header \"X-Failed\""), "{:?}", log.lines());
}

/// Tries it where there is no request.
struct Early {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Early {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.send_trailer("X-Good", "yes")
    }

    fn setup(&mut self) -> io::Result<()> {
        self.attempt("setup");
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.attempt("finish");
        Ok(())
    }

    fn attempt(&self, at: &str) {
        let error = self.wfile.send_trailer("X-Early", "yes").err().map(|error| error.kind());
        self.log_message(format_args!("{at}: {error:?}"));
    }
}

#[test]
fn none_can_be_sent_without_a_request() {
    let run = run(|base| Early { base }, [GET.repeat(2)]);
    assert_eq!(run.responses.len(), 2);
    assert!(run.responses.iter().all(|response| trailers(response) == [("X-Good", "yes")]));
    assert!(!show(&run.output).contains("X-Early"), "{}", show(&run.output));
    for at in ["setup", "finish"] {
        assert!(run.log.contains(&format!("{at}: Some(InvalidInput)")), "{at}: {}", run.log);
    }
}
