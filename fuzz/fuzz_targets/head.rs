//! The parser of heads.
//!
//! 1. Whole, byte by byte and in pieces, it gives the same head, or the same fault.
//! 2. It agrees with a simple reader that shares nothing with it: method, target, version, fields, framing.
//! 3. Names and methods are tokens, and nothing contains CR, LF or NUL.
//! 4. `httparse` accepts it too, except for the leniencies in `is_lenient`.
#![no_main]

use basehttp::__private::proto::fault::Fault;
use basehttp::__private::proto::framing::{self, Body, Persistence};
use basehttp::__private::proto::head::{AtEnd, Head, HeadParser, Progress};
use basehttp::__private::proto::limits::Limits;
use basehttp::__private::proto::request_line::Version;
use basehttp_fuzz::requests::{self, Framing, Next, is_token};
use basehttp_fuzz::{pieces, show};
use basehttp_tests::grammar::trim_blanks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| check(input));

fn check(input: &[u8]) {
    let whole = parse([input]);
    assert_eq!(whole, parse(pieces::single(input)), "byte by byte");
    assert_eq!(whole, parse(pieces::cut(input)), "in pieces");
    let known = requests::read(input, 0);
    match whole {
        (Ok(AtEnd::Nothing), _) => assert!(matches!(known, Next::Nothing), "{known:?}"),
        (Ok(AtEnd::Done), head) => accepted(input, &head, &known),
        (Err(fault), _) => {
            assert!(!matches!(known, Next::Nothing | Next::Request(_)), "{fault:?}: {known:?}")
        }
    }
}

/// The result for an input that arrives in these pieces and then ends. A fault in the framing is a fault of the head.
fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Result<AtEnd, Fault>, Head) {
    let mut parser = HeadParser::new(Limits::default());
    let mut head = Head::default();
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        match parser.parse(&buffer, &mut head) {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Done) => return (framed(&head, &buffer), head),
            Err(fault) => return (Err(fault), head),
        }
    }
    let end = parser.end_of_input(&buffer, &mut head);
    match end {
        Ok(AtEnd::Done) => (framed(&head, &buffer), head),
        end => (end, head),
    }
}

fn framed(head: &Head, buffer: &[u8]) -> Result<AtEnd, Fault> {
    framing::body_of(head, buffer).map(|_| AtEnd::Done)
}

fn accepted(input: &[u8], head: &Head, known: &Next) {
    let Next::Request(known) = known else { panic!("accepted {head:?}, but {known:?}") };
    let line = &head.request_line;
    let is_clean = |bytes: &[u8]| !bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    let (method, target) = (line.method.of(input), line.target.of(input));
    assert_eq!((show(method), show(target)), (show(&known.method), show(&known.target)));
    assert!(is_token(method) && is_clean(target) && !target.is_empty());
    assert_eq!(head.len, known.body_at, "length");
    let version = match line.version {
        Version::Http09 => requests::Version::Http09,
        Version::Http10 => requests::Version::Http10,
        Version::Http11 => requests::Version::Http11,
    };
    assert_eq!(version, known.version);
    let fields = head.fields.iter().map(|field| (field.name.of(input), field.value.of(input)));
    for (name, value) in fields.clone() {
        assert!(is_token(name) && is_clean(value), "{}: {}", show(name), show(value));
    }
    assert!(fields.eq(known.fields.iter().map(|(name, value)| (&**name, &**value))), "other fields");
    let body = match framing::body_of(head, input) {
        Ok(Body::None) => Framing::None,
        Ok(Body::Length(length)) => Framing::Length(length),
        Ok(Body::Chunked) => Framing::Chunked,
        Err(fault) => panic!("{fault:?}"),
    };
    assert_eq!(body, known.framing);
    let refused =
        framing::check_host(head, input).is_err() || framing::expects_continue(head, input).is_err();
    assert_eq!(refused, known.refused, "Host or Expect");
    let persistence = framing::persistence(head, input);
    let is_last = matches!(
        (line.version, persistence),
        (Version::Http09, _) | (_, Persistence::Close) | (Version::Http10, Persistence::Unsaid)
    );
    assert_eq!(is_last, known.is_last, "persistence");
    if !is_lenient(input, head) {
        as_httparse(input, head);
    }
}

/// What `httparse` does not accept: other versions, and a target that is not UTF-8.
fn is_lenient(input: &[u8], head: &Head) -> bool {
    let line = &head.request_line;
    !matches!(line.version_text.of(input), b"HTTP/1.0" | b"HTTP/1.1")
        || std::str::from_utf8(line.target.of(input)).is_err()
}

fn as_httparse(input: &[u8], head: &Head) {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut other = httparse::Request::new(&mut fields);
    let parsed = other.parse(input);
    assert_eq!(parsed, Ok(httparse::Status::Complete(head.len)), "httparse");
    assert_eq!(other.method.map(str::as_bytes), Some(head.request_line.method.of(input)));
    assert_eq!(other.path.map(str::as_bytes), Some(head.request_line.target.of(input)));
    let ours = head.fields.iter().map(|field| (field.name.of(input), field.value.of(input)));
    let theirs = other.headers.iter().map(|field| (field.name.as_bytes(), trim_blanks(field.value)));
    assert!(ours.eq(theirs), "other fields than httparse: {:?}", other.headers);
}
