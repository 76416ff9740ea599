//! The output, sentence by sentence: each test is named after a sentence of the contract and goes through everything that it
//! concerns.

use basehttp::prelude::*;
use basehttp_tests::show;
use basehttp_tests::strict::{End, Framing, Response, Version, Whole};
use proptest::prelude::*;

use crate::check::check;
use crate::memory::{config, play};
use crate::model::Bounds;
use crate::program::{Act, Case, Finish, Program, Request, Upload};
use crate::strategy;

const BUFFER: usize = 64 * 1024;

fn request(method: &'static str, version: Version, acts: Vec<Act>, finish: Finish) -> Request {
    let program = Program { acts, passes_on: false, finish };
    Request { method, version, connection: None, upload: Upload::None, expects: false, program }
}

fn header(name: &str, value: impl std::fmt::Display) -> Act {
    Act::Header(name.to_owned(), value.to_string())
}

/// Runs requests on one connection, checks all responses as every other test does, and returns them.
fn responses(speaks_1_1: bool, requests: Vec<Request>) -> Vec<Response> {
    let case = Case { speaks_1_1, requests, pieces: 1 };
    let (_, outcome, _) = play(&case);
    check(&case, Bounds::default(), &outcome).unwrap_or_else(|what| panic!("{what}\nof {case:?}"))
}

/// The response to one request, and whether another one on the same connection would be answered.
fn response(speaks_1_1: bool, request: Request) -> (Response, bool) {
    let next =
        self::request("GET", Version::Http11, vec![Act::Respond(204, None), Act::EndHeaders], Finish::Well);
    let mut responses = responses(speaks_1_1, vec![request, next]);
    let goes_on = responses.len() == 2 && responses[1].status() == 204;
    (responses.swap_remove(0), goes_on)
}

fn with_body(fields: Vec<Act>, body: Vec<Act>) -> Vec<Act> {
    [vec![Act::Respond(200, None)], fields, vec![Act::EndHeaders], body].concat()
}

#[test]
fn a_declared_length_is_enforced_more_is_an_error_and_fewer_closes() {
    let lengths = [0, 1, 5, 16_383, 16_384, BUFFER - 1, BUFFER, BUFFER + 1, 200_000];
    for declared in lengths {
        for written in lengths {
            let acts = with_body(vec![header("Content-Length", declared)], vec![Act::Write(written)]);
            let case = Case {
                speaks_1_1: true,
                requests: vec![request("GET", Version::Http11, acts, Finish::Well)],
                pieces: 1,
            };
            let (_, outcome, _) = play(&case);
            let last = outcome.traces[0].came.last().expect("a write");
            assert_eq!(last.count, written.min(declared), "{declared}, {written}");
            assert_eq!(last.error.is_some(), written > declared, "{declared}, {written}");
            let (response, goes_on) = response(true, case.requests[0].clone());
            assert_eq!(response.framing, Framing::Length(declared as u64));
            let missing = declared.saturating_sub(written) as u64;
            let whole = if missing == 0 { Whole::Complete } else { Whole::LacksBytes(missing) };
            assert_eq!((response.whole, goes_on), (whole, missing == 0), "{declared}, {written}");
        }
    }
}

#[test]
fn none_declared_and_done_before_the_buffer_overflows_a_length_is_added() {
    for len in [0, 1, 100, 16_384, BUFFER - 1, BUFFER] {
        for version in [Version::Http10, Version::Http11] {
            for speaks_1_1 in [true, false] {
                let acts = with_body(vec![], vec![Act::Write(len / 2), Act::Write(len - len / 2)]);
                let (response, goes_on) = response(speaks_1_1, request("GET", version, acts, Finish::Well));
                assert_eq!((response.framing, response.body.len()), (Framing::Length(len as u64), len));
                assert_eq!(goes_on, speaks_1_1 && version == Version::Http11);
            }
        }
    }
}

#[test]
fn none_declared_and_it_overflows_or_the_handler_flushes_chunked_or_close() {
    let overflows = [
        vec![Act::Write(BUFFER + 1)],
        vec![Act::Write(BUFFER), Act::Write(1)],
        vec![Act::Flush],
        vec![Act::FlushHeaders, Act::Write(1)],
        vec![Act::Write(1), Act::Flush, Act::Write(1)],
        vec![Act::Write(200_000), Act::Flush],
    ];
    for body in overflows {
        for version in [Version::Http10, Version::Http11] {
            for speaks_1_1 in [true, false] {
                let acts = with_body(vec![], body.clone());
                let (response, goes_on) = response(speaks_1_1, request("GET", version, acts, Finish::Well));
                if speaks_1_1 && version == Version::Http11 {
                    assert!(matches!(response.framing, Framing::Chunked(_)) && goes_on, "{body:?}");
                } else {
                    assert_eq!((response.framing, goes_on), (Framing::UntilClose, false), "{body:?}");
                }
                assert_eq!(response.whole, Whole::Complete);
            }
        }
    }
}

#[test]
fn head_1xx_204_and_304_never_have_a_body() {
    for code in 100..=999 {
        for (method, fields) in [
            ("GET", vec![]),
            ("HEAD", vec![]),
            ("GET", vec![header("Content-Length", 3)]),
            ("HEAD", vec![header("Content-Length", 3)]),
            ("GET", vec![header("Transfer-Encoding", "chunked")]),
            ("HEAD", vec![header("Transfer-Encoding", "chunked")]),
        ] {
            let head =
                [vec![Act::Respond(code, None)], fields, vec![Act::EndHeaders, Act::Write(3)]].concat();
            let (response, _) = response(true, request(method, Version::Http11, head, Finish::Well));
            match code {
                // What is written then belongs to the other protocol, or comes before any response.
                101 => assert_eq!(response.framing, Framing::Tunnel),
                100..=199 => assert_eq!((response.status(), response.interim.len()), (500, 1), "{code}"),
                204 | 304 => assert_eq!(response.framing, Framing::Nothing, "{code}"),
                205 => assert!(response.body.is_empty()),
                _ if method == "HEAD" => assert_eq!(response.framing, Framing::Nothing, "{code}"),
                _ => assert_eq!(response.body.len(), 3, "{code}"),
            }
        }
    }
}

#[test]
fn http_0_9_never_has_a_head() {
    let text = |text: &str| Some(text.to_owned());
    for code in 100..=999 {
        for acts in [
            vec![Act::Respond(code, None), header("X", "y"), Act::EndHeaders, Act::Write(3)],
            vec![
                Act::RespondOnly(code, text("A")),
                header("Content-Length", 3),
                Act::EndHeaders,
                Act::Write(3),
            ],
            vec![Act::Error(code, text("message"), None)],
            vec![Act::Respond(code, text("a\r\nb")), Act::EndHeaders],
        ] {
            let case = Case {
                speaks_1_1: true,
                requests: vec![request("GET", Version::Http09, acts, Finish::Well)],
                pieces: 1,
            };
            let (run, outcome, _) = play(&case);
            check(&case, Bounds::default(), &outcome).unwrap_or_else(|what| panic!("{what}"));
            assert!(!run.output.starts_with(b"HTTP/"), "{}", show(&run.output));
        }
    }
}

/// What a handler may have done before it fails, and whether the head is sent by then.
fn before_a_failure() -> Vec<(Vec<Act>, bool)> {
    let begun = vec![Act::Respond(200, None), header("X-Begun", "yes")];
    let mistaken = vec![Act::Respond(200, None), header("X-Begun", "a\r\nb"), Act::EndHeaders];
    vec![
        (vec![], false),
        (begun.clone(), false),
        ([begun.clone(), vec![Act::EndHeaders]].concat(), false),
        ([begun.clone(), vec![Act::EndHeaders, Act::Write(BUFFER)]].concat(), false),
        (mistaken, false),
        (vec![Act::Error(404, None, None)], false),
        ([begun.clone(), vec![Act::EndHeaders, Act::Write(BUFFER + 1)]].concat(), true),
        ([begun.clone(), vec![Act::EndHeaders, Act::Flush]].concat(), true),
        (
            [begun, vec![header("Content-Length", 100), Act::EndHeaders, Act::Write(5), Act::Flush]].concat(),
            true,
        ),
    ]
}

#[test]
fn a_failure_before_the_head_is_a_500_page_and_after_it_a_truncation_and_both_are_logged() {
    for finish in [Finish::WithError, Finish::WithPanic] {
        for (acts, is_out) in before_a_failure() {
            for version in [Version::Http09, Version::Http10, Version::Http11] {
                let case = Case {
                    speaks_1_1: true,
                    requests: vec![request("GET", version, acts.clone(), finish)],
                    pieces: 1,
                };
                let (run, outcome, log) = play(&case);
                let responses =
                    check(&case, Bounds::default(), &outcome).unwrap_or_else(|what| panic!("{what}"));
                let response = &responses[0];
                if is_out {
                    assert_ne!(response.whole, Whole::Complete, "{acts:?}");
                    assert_eq!(outcome.end, End::Reset, "{acts:?}: the record does not say that it was cut");
                } else {
                    let page = String::from_utf8_lossy(&response.body);
                    assert!(page.contains("<p>Error code: 500</p>"), "{acts:?}: {page}");
                    assert!(!show(&run.output).contains("X-Begun"), "{acts:?}");
                }
                let about = log.lines().iter().filter(|line| line.contains("on purpose")).count();
                assert_eq!(about, 1, "{:?}", log.lines());
            }
        }
    }
}

#[test]
fn a_mistake_that_is_dropped_is_a_500_where_nothing_was_committed() {
    let mistakes = [
        vec![Act::Respond(200, None), header("X", "a\r\nb"), Act::EndHeaders],
        vec![Act::Respond(200, None), header("X Y", "a"), Act::EndHeaders],
        vec![Act::Respond(200, None), header("X", "\u{100}"), Act::EndHeaders],
        vec![Act::Respond(200, None), header("Content-Length", "x"), Act::EndHeaders],
        vec![Act::Respond(200, None), header("Transfer-Encoding", "gzip"), Act::EndHeaders],
        vec![Act::Respond(200, Some("a\nb".to_owned())), Act::EndHeaders],
        vec![Act::Respond(99, None), Act::EndHeaders],
        vec![Act::Respond(200, None), Act::Respond(200, None), Act::EndHeaders],
        vec![Act::Respond(200, None), Act::EndHeaders, Act::EndHeaders],
        vec![Act::Respond(200, None), Act::EndHeaders, header("X-Late", "yes")],
        vec![Act::Respond(200, None)],
        vec![Act::EndHeaders],
        vec![header("X", "y")],
        vec![Act::Write(5)],
        vec![],
    ];
    for acts in mistakes {
        for version in [Version::Http10, Version::Http11] {
            for method in ["GET", "HEAD", "POST", "SPAM"] {
                let (response, goes_on) =
                    response(true, request(method, version, acts.clone(), Finish::Well));
                assert_eq!((response.status(), response.is_last, goes_on), (500, true, false), "{acts:?}");
            }
        }
    }
}

#[test]
fn date_and_server_are_there_once() {
    for code in 200..=999 {
        for acts in
            [vec![Act::Respond(code, None), Act::EndHeaders], vec![Act::Error(code, None, None)], vec![]]
        {
            let (response, _) = response(true, request("GET", Version::Http11, acts, Finish::Well));
            let head = response.head.expect("a head");
            head.check_server_and_date().unwrap_or_else(|what| panic!("{code}: {what}"));
            assert_eq!(head.all("date"), [b"Sun, 06 Nov 1994 08:49:37 GMT"]);
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    /// The framing of the body may differ, which HEAD need not show (RFC 9110 section 9.3.2), and therefore whether its end
    /// is the end of the connection.
    #[test]
    fn the_head_for_head_is_that_for_get(
        program in strategy::program(),
        speaks_1_1: bool,
        version in prop::sample::select(vec![Version::Http11, Version::Http10]),
    ) {
        let response = |method| {
            let request = Request { program: program.clone(), ..request(method, version, vec![], Finish::Well) };
            responses(speaks_1_1, vec![request]).pop()
        };
        let (get, head) = (response("GET"), response("HEAD"));
        let Some((get, head)) = get.zip(head) else { return Ok(()) };
        let interim = |response: &Response| response.interim.clone();
        prop_assert_eq!(interim(&get), interim(&head));
        let Some((get_head, head_head)) = get.head.clone().zip(head.head) else { return Ok(()) };
        let other = |found: &basehttp_tests::strict::Head| {
            let framing = ["content-length", "transfer-encoding", "connection"];
            let mut found = found.clone();
            found.fields.retain(|field| !framing.contains(&&*field.0.to_ascii_lowercase()));
            found
        };
        prop_assert_eq!(other(&get_head), other(&head_head));
        // What it says is true.
        if let (Some(length), Framing::Length(whole)) = (head_head.all("content-length").first(), get.framing) {
            prop_assert_eq!(length.to_vec(), whole.to_string().into_bytes());
        }
        if !head_head.all("transfer-encoding").is_empty() {
            prop_assert!(matches!(get.framing, Framing::Chunked(_)));
        }
    }

    /// Whatever is sent, a log line is one line, begins as Python's does, and has no control characters.
    #[test]
    fn log_lines_are_those_of_python_with_control_characters_escaped(
        input in prop::collection::vec(any::<u8>(), 0..60),
        begin in prop::sample::select(vec!["", "GET /", "GET / HTTP/1.1\r\nHost: a\r\n", "SP\u{1b}AM "]),
    ) {
        struct Plain {
            base: BaseHTTPRequestHandler,
        }
        #[http_handler]
        impl Plain {
            fn do_GET(&self) -> Result<(), String> {
                Err(format!("\r\n\x1b[31m{}\u{85}", self.path()))
            }
        }
        let input = [begin.as_bytes(), &input, b"\r\n\r\n"].concat();
        let run = basehttp::testing::run(|base| Plain { base }, [input]);
        // Without a beginning it may be no request at all.
        prop_assert!(begin.is_empty() || !run.log.is_empty());
        for line in run.log.lines() {
            prop_assert!(line.starts_with("127.0.0.1 - - [06/Nov/1994 ") , "{line:?}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
