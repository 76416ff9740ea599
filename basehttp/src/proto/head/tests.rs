//! Every row of the table below is fed whole, byte by byte and split at every point: the answers are equal.

use proptest::prelude::*;

use super::*;
use crate::proto::{
    framing::{self, Body, Persistence},
    request_line::Version,
};

mod rows;

/// All that a feeding of one input has led to.
#[derive(Debug, PartialEq)]
struct Outcome {
    head: Head,
    verdict: String,
    work: usize,
}

/// Feeds `raw` in pieces that end at each of `cuts`, then ends the input.
fn feed(raw: &[u8], limits: Limits, cuts: impl Iterator<Item = usize>) -> Outcome {
    let (mut parser, mut head) = (HeadParser::new(limits), Head::default());
    let mut result = Ok(AtEnd::Nothing);
    for cut in cuts.chain([raw.len()]) {
        match parser.parse(&raw[..cut], &mut head) {
            Ok(Progress::NeedMore) => continue,
            Ok(Progress::Done) => result = Ok(AtEnd::Done),
            Err(fault) => result = Err(fault),
        }
        let again = parser.clone().parse(&raw[..cut], &mut head.clone()).map(|_| AtEnd::Done);
        assert_eq!(again, result, "an answer is final");
        break;
    }
    if result == Ok(AtEnd::Nothing) {
        result = parser.end_of_input(raw, &mut head);
    }
    let verdict = match result {
        Ok(AtEnd::Nothing) => "nothing".to_owned(),
        Ok(AtEnd::Done) => verdict(&head, raw).unwrap_or_else(|fault| fault.code().to_owned()),
        Err(fault) => fault.code().to_owned(),
    };
    Outcome { head, verdict, work: parser.work }
}

/// The head in short: `GET /path 1.1 length=5 close continue +3`, the last being what is left of the input.
fn verdict(head: &Head, raw: &[u8]) -> Result<String, Fault> {
    framing::check_host(head, raw)?;
    let body = framing::body_of(head, raw)?;
    let expects_continue = framing::expects_continue(head, raw)?;
    let line = head.request_line;
    let text = |span: request_line::Span| span.of(raw).escape_ascii().to_string();
    let mut verdict = format!("{} {}", text(line.method), text(line.target));
    verdict += match (line.version, line.simple) {
        (_, true) => " simple",
        (Version::Http09, _) => " 0.9",
        (Version::Http10, _) => " 1.0",
        (Version::Http11, _) => " 1.1",
    };
    for field in head.known(Known::Other) {
        verdict.extend([" ", &text(field.name), "=", &text(field.value)]);
    }
    match body {
        Body::None => {}
        Body::Length(length) => verdict.extend([" length=", &length.to_string()]),
        Body::Chunked => verdict += " chunked",
    }
    match framing::persistence(head, raw) {
        Persistence::Close => verdict += " close",
        Persistence::KeepAlive => verdict += " keep-alive",
        Persistence::Unsaid => {}
    }
    if expects_continue {
        verdict += " continue";
    }
    if head.len < raw.len() {
        verdict.extend([" +", &(raw.len() - head.len).to_string()]);
    }
    Ok(verdict)
}

/// Feeds in every way that is tested, and gives the outcome of all of them.
fn feed_every_way(raw: &[u8], limits: Limits) -> Outcome {
    let whole = feed(raw, limits, [].into_iter());
    let same = |other: &Outcome, how: &str| {
        let name = raw.escape_ascii();
        assert_eq!((&other.verdict, &other.head), (&whole.verdict, &whole.head), "{how}: {name}");
    };
    same(&feed(raw, limits, 0..raw.len()), "byte by byte");
    // Miri takes a thousand times as long.
    if raw.len() < if cfg!(miri) { 60 } else { 1000 } {
        for cut in 0..raw.len() {
            same(&feed(raw, limits, [cut].into_iter()), "in two pieces");
        }
    }
    whole
}

#[test]
fn rows() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (raw, expected) in rows::ROWS {
        count += 1;
        let outcome = feed_every_way(raw, Limits::default());
        if outcome.verdict != *expected {
            wrong.push(format!("{}\n    {}\n    {expected} expected", raw.escape_ascii(), outcome.verdict));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn limits_to_the_byte() {
    let limits = Limits { request_line: 20, head: 30, fields: 3, ..Limits::default() };
    for (raw, expected) in rows::LIMITS {
        assert_eq!(feed_every_way(raw, limits).verdict, *expected, "{}", raw.escape_ascii());
    }
}

#[test]
fn default_limits() {
    let request = |target: usize| format!("GET /{} HTTP/1.0\r\n\r\n", "x".repeat(target - 14)).into_bytes();
    let fields =
        |count: usize| format!("GET / HTTP/1.0\r\n{}\r\n", "X-Foo: bar\r\n".repeat(count)).into_bytes();
    let value = |size: usize| format!("GET / HTTP/1.0\r\nX:{}\r\n\r\n", "r".repeat(size - 6)).into_bytes();
    let unended = |start: &str, len: usize| format!("{start}{}", "x".repeat(len)).into_bytes();
    for (raw, expected) in [
        (request(65537), "target-too-long"),
        (unended("GET ", 65537), "target-too-long"),
        (fields(101), "too-many-fields"),
        (value(65537), "head-too-large"),
        (unended("GET / HTTP/1.1\r\nX-Foo: bar", 65537), "head-too-large"),
    ] {
        assert_eq!(feed_every_way(&raw, Limits::default()).verdict, expected);
    }
    for raw in [request(65536), fields(100), value(65536)] {
        assert!(feed_every_way(&raw, Limits::default()).verdict.starts_with("GET /"));
    }
}

#[test]
fn limits_beyond_the_offsets_are_cut() {
    let limits =
        Limits { request_line: usize::MAX, head: usize::MAX, fields: usize::MAX, ..Limits::default() };
    assert_eq!(feed_every_way(b"GET / HTTP/1.0\r\nA: b\r\n\r\n", limits).verdict, "GET / 1.0 A=b");
}

/// What an error page and the log need is there in spite of the fault.
#[test]
fn request_line_after_a_fault() {
    for (raw, line, method, target, version) in [
        ("HEAD /spaced out HTTP/1.0\r\n", "HEAD /spaced out HTTP/1.0", "HEAD", "", Version::Http10),
        ("HEAD / HTTP/9.9\r\n", "HEAD / HTTP/9.9", "HEAD", "/", Version::Http11),
        ("HEAD / FUBAR\r\n", "HEAD / FUBAR", "HEAD", "/", Version::Http11),
        ("HEAD /\r\n", "HEAD /", "HEAD", "/", Version::Http09),
        ("H<> / HTTP/1.1\r\n", "H<> / HTTP/1.1", "", "", Version::Http11),
        ("\r\nBAD\r\n", "BAD", "", "", Version::Http11),
        ("HEAD / HTTP/1.0\r\nbad\r\n\r\n", "HEAD / HTTP/1.0", "HEAD", "/", Version::Http10),
        ("HEAD / HTTP/1.1\r\nHost: a", "HEAD / HTTP/1.1", "HEAD", "/", Version::Http11),
        (&format!("HEAD /{}", "x".repeat(65536)), "", "HEAD", "", Version::Http11),
        (&format!("HEAD /{} HTTP/1.0\r\n", "x".repeat(65536)), "", "HEAD", "", Version::Http11),
        (&format!("{} / HTTP/1.0\r\n", "M".repeat(65535)), "", &*"M".repeat(65535), "", Version::Http11),
        (&format!("{} / HTTP/1.0\r\n", "M".repeat(65536)), "", "", "", Version::Http11),
    ] {
        let raw = raw.as_bytes();
        let outcome = feed_every_way(raw, Limits::default());
        let found = outcome.head.request_line;
        let text = |span: request_line::Span| String::from_utf8_lossy(span.of(raw)).into_owned();
        assert_eq!((&*text(found.line), &*text(found.method), &*text(found.target)), (line, method, target));
        assert_eq!(found.version, version, "{line}");
    }
}

#[test]
fn version_text_is_kept() {
    let raw = b"GET / HTTP/1.7\r\nHost: a\r\n\r\n";
    let line = feed_every_way(raw, Limits::default()).head.request_line;
    assert_eq!((line.version, line.version_text.of(raw)), (Version::Http11, &b"HTTP/1.7"[..]));
}

#[test]
fn known_fields_in_order() {
    let raw = b"GET / HTTP/1.1\r\nConnection: a\r\nX: y\r\nHOST: h\r\nconnection: b\r\n\r\n";
    let head = feed_every_way(raw, Limits::default()).head;
    let values = |kind| head.known(kind).map(|field| field.value.of(raw)).collect::<Vec<_>>();
    assert_eq!(values(Known::Connection), [b"a", b"b"]);
    assert_eq!(values(Known::Host), [b"h"]);
    assert_eq!(values(Known::Other), [b"y"]);
    assert_eq!(values(Known::Expect), [b""; 0]);
    assert!(head.has(Known::Other) && head.has(Known::Host) && !head.has(Known::Expect));
}

#[test]
fn one_request_after_the_other() {
    let (mut parser, mut head) = (HeadParser::new(Limits::default()), Head::default());
    let mut buf: &[u8] = b"GET /1 HTTP/1.0\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.0\nExpect: b\n\nGET /3\r\n";
    for (target, known) in [("/1", Known::Host), ("/2", Known::Expect), ("/3", Known::Other)] {
        parser.reset();
        head.clear();
        assert!(!parser.begun(b"") && parser.begun(buf));
        assert_eq!(parser.parse(buf, &mut head), Ok(Progress::Done));
        assert!(parser.begun(buf));
        assert_eq!(head.request_line.target.of(buf), target.as_bytes());
        assert!(head.fields.iter().all(|field| field.known == known));
        buf = &buf[head.len..];
    }
    parser.reset();
    head.clear();
    assert_eq!(parser.parse(buf, &mut head), Ok(Progress::NeedMore));
    assert_eq!(parser.end_of_input(buf, &mut head), Ok(AtEnd::Nothing));
}

#[test]
fn empty_lines_are_no_beginning() {
    let (mut parser, mut head) = (HeadParser::new(Limits::default()), Head::default());
    let raw = b"\r\n\n\r\nG";
    for (len, begun) in [(0, false), (1, false), (2, false), (3, false), (4, false), (5, false), (6, true)] {
        assert_eq!(parser.parse(&raw[..len], &mut head), Ok(Progress::NeedMore));
        assert_eq!(parser.begun(&raw[..len]), begun, "{len}");
    }
}

/// Such a client could send more of them for ever, and no request would have begun.
#[test]
fn a_bare_cr_before_a_request_is_refused_at_once() {
    for raw in [&b"\r\r"[..], b"\rG", b"\r\n\rG", b"\n\r\r", b"\n\n\r "] {
        let (mut parser, mut head) = (HeadParser::new(Limits::default()), Head::default());
        assert_eq!(parser.parse(raw, &mut head), Err(Fault::BareCr), "{}", raw.escape_ascii());
    }
}

#[test]
fn a_name_that_differs_in_two_letters_is_another_name() {
    for name in ["host", "expect", "connection", "content-length", "transfer-encoding"] {
        assert_ne!(Known::of(name.as_bytes()), Known::Other);
        assert_eq!(Known::of(name.as_bytes()), Known::of(name.to_ascii_uppercase().as_bytes()));
        // The differences are the same, so they would cancel each other.
        for (one, other) in (0..name.len()).flat_map(|one| (0..one).map(move |other| (one, other))) {
            for bit in [1, 2, 4, 8, 16, 64, 128] {
                let mut bytes = name.as_bytes().to_vec();
                bytes[one] ^= bit;
                bytes[other] ^= bit;
                assert_eq!(Known::of(&bytes), Known::Other, "{}", bytes.escape_ascii());
            }
        }
    }
}

/// A client that sends one byte at a time must not cost more than its bytes: no timing, the bytes looked at
/// are counted.
#[test]
fn work_is_linear_byte_by_byte() {
    let one_value = format!("GET / HTTP/1.0\r\nX: {}\r\n\r\n", "v".repeat(65_000));
    let one_name = format!("GET / HTTP/1.0\r\n{}: v\r\n\r\n", "n".repeat(65_000));
    let one_target = format!("GET /{} HTTP/1.0\r\n\r\n", "t".repeat(65_000));
    let many = format!("GET / HTTP/1.0\r\n{}\r\n", format!("X: {}\r\n", "v".repeat(640)).repeat(100));
    let unended = format!("GET / HTTP/1.0\r\nX: {}", "v".repeat(65_000));
    let empty = format!("{}GET /\r\n", "\r\n".repeat(8));
    for raw in [one_value, one_name, one_target, many, unended, empty] {
        let raw = raw.as_bytes();
        let outcome = feed(raw, Limits::default(), 0..raw.len());
        assert!(outcome.work <= 4 * raw.len(), "{} for {}", outcome.work, raw.len());
        assert!(outcome.work >= raw.len(), "the counter counts");
    }
}

/// Bytes that look like a head more often than not, and often are a bad one.
fn head_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            &b"GET"[..], b"HEAD", b" ", b" ", b"/", b"/a?b=c", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\r\n", b"\n", b"\r", b":",
            b": ", b"\t", b"Host: a\r\n", b"Connection: close\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-y_z: 1\r\n", b"\r\n\r\n",
            b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"a value, of some length; with a tab\tin it",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn feeding_makes_no_difference(raw in head_like()) {
        let outcome = feed_every_way(&raw, Limits::default());
        prop_assert!(outcome.work <= 4 * raw.len());
    }

    #[test]
    fn feeding_makes_no_difference_at_the_limits(raw in head_like(), target in 0..30_usize, head in 0..60_usize) {
        feed_every_way(&raw, Limits { request_line: target, head, fields: 2, ..Limits::default() });
    }

    /// The fast and the full reading of a line agree wherever the fast one has an answer.
    #[test]
    fn quick_is_thorough(raw in head_like()) {
        if let Some((quick, next)) = request_line::read_common(&raw, 0) {
            let mut thorough = RequestLine::default();
            prop_assert_eq!(request_line::parse(&raw, 0, quick.line.end(), &mut thorough), Ok(()));
            prop_assert_eq!(quick, thorough);
            prop_assert_eq!(raw[next - 1], b'\n');
        }
        let end = raw.iter().position(|&byte| byte == b'\n').map(|lf| lf - usize::from(raw[..lf].ends_with(b"\r")));
        match (headers::read(&raw, 0), end) {
            (Some(FieldLine::Field(field, next)), Some(end)) => {
                prop_assert_eq!(headers::parse(&raw, 0, end), Ok(field));
                prop_assert_eq!(raw[next - 1], b'\n');
            }
            (Some(FieldLine::End(next)), Some(end)) => prop_assert!(end == 0 && raw[next - 1] == b'\n'),
            (Some(_), None) => prop_assert!(false, "no line has ended"),
            (None, Some(end)) => prop_assert!(end > 0 && headers::parse(&raw, 0, end).is_err()),
            (None, None) => {}
        }
    }
}
