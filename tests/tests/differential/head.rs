//! Heads of requests: `HeadParser` and `httparse::Request`.

use basehttp::__private::proto::head::{Head, HeadParser, Progress};
use basehttp::{Fault, Limits};
use httparse::{EMPTY_HEADER, Request, Status};

use crate::grammar;
use crate::table::{Row, Verdict, run};

const ROWS: &[Row] = &[
    Row {
        name: "other-versions",
        why: "httparse knows HTTP/1.0 and 1.1; we take 1.2 to 1.9 for 1.1, and 0.9 where it is named and has no fields, as Python does",
        rfc: "9110 6.2",
        example: b"GET / HTTP/1.2\r\n\r\n",
    },
    Row {
        name: "simple-request",
        why: "a request line without a version is HTTP/0.9 here, as in Python",
        rfc: "1945 5",
        example: b"GET /\r\n",
    },
    Row {
        name: "target-not-utf-8",
        why: "the target is bytes, which a handler gets as latin-1, as in Python; httparse hands out UTF-8 only",
        rfc: "9112 3.2",
        example: b"GET /\xff HTTP/1.1\r\n\r\n",
    },
    Row {
        name: "target-of-no-form",
        why: "stricter: httparse looks at the bytes of a target alone",
        rfc: "9112 3.2",
        example: b"GET a:80 HTTP/1.1\r\n\r\n",
    },
    Row {
        name: "many-empty-lines",
        why: "stricter: a client that sends empty lines is listened to for eight of them",
        rfc: "9112 2.2",
        example: b"\n\n\n\n\n\n\n\n\nGET / HTTP/1.1\r\n\r\n",
    },
    Row {
        name: "too-many-fields",
        why: "stricter: a limit, which httparse leaves to its caller",
        rfc: "6585 5",
        example: &MANY_FIELDS,
    },
    Row {
        name: "judged-by-the-line",
        why: "a line is judged when it is complete, and not before; httparse judges each byte",
        rfc: "none",
        example: b"GET / HTTP/1.1\r\nX(",
    },
];

const MANY_FIELDS: [u8; 16 + 101 * 5 + 2] = {
    let mut bytes = [0; 16 + 101 * 5 + 2];
    let line = b"GET / HTTP/1.1\r\n";
    let field = b"X:y\r\n";
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = if at < 16 { line[at] } else { field[(at - 16) % 5] };
        at += 1;
    }
    bytes[at - 2] = b'\r';
    bytes[at - 1] = b'\n';
    bytes
};

/// A parser's result for an input.
#[derive(Debug, PartialEq)]
enum Outcome<R> {
    Head(Understood),
    NeedMore,
    Refused(R),
}

#[derive(Debug, PartialEq)]
struct Understood {
    method: Vec<u8>,
    target: Vec<u8>,
    version: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    len: usize,
}

fn ours(input: &[u8]) -> (Outcome<Fault>, bool) {
    let (mut parser, mut head) = (HeadParser::new(Limits::default()), Head::default());
    let outcome = match parser.parse(input, &mut head) {
        Err(fault) => Outcome::Refused(fault),
        Ok(Progress::NeedMore) => Outcome::NeedMore,
        Ok(Progress::Done) => Outcome::Head(Understood {
            method: head.request_line.method.of(input).to_vec(),
            target: head.request_line.target.of(input).to_vec(),
            version: head.request_line.version_text.of(input).to_vec(),
            fields: head
                .fields
                .iter()
                .map(|field| (field.name.of(input).to_vec(), field.value.of(input).to_vec()))
                .collect(),
            len: head.len,
        }),
    };
    (outcome, head.request_line.simple)
}

fn theirs(input: &[u8]) -> Outcome<httparse::Error> {
    let mut headers = [EMPTY_HEADER; 256];
    let mut request = Request::new(&mut headers);
    match request.parse(input) {
        Err(error) => Outcome::Refused(error),
        Ok(Status::Partial) => Outcome::NeedMore,
        Ok(Status::Complete(len)) => Outcome::Head(Understood {
            method: request.method.unwrap_or_default().as_bytes().to_vec(),
            target: request.path.unwrap_or_default().as_bytes().to_vec(),
            version: format!("HTTP/1.{}", request.version.unwrap_or(9)).into_bytes(),
            fields: request
                .headers
                .iter()
                .map(|header| (header.name.as_bytes().to_vec(), header.value.to_vec()))
                .collect(),
            len,
        }),
    }
}

fn compare(input: &[u8]) -> Result<Verdict, String> {
    let ((ours, simple), theirs) = (ours(input), theirs(input));
    let unnamed = |what: &str| Err(format!("{what}: we say {ours:?}, httparse says {theirs:?}"));
    match (&ours, &theirs) {
        (Outcome::Head(mine), Outcome::Head(other)) if mine == other => Ok(Verdict::Accepted),
        (Outcome::Refused(_), Outcome::Refused(_)) | (Outcome::NeedMore, Outcome::NeedMore) => {
            Ok(Verdict::Refused)
        }
        (Outcome::Head(_), Outcome::Refused(_)) if simple => Ok(Verdict::Named("simple-request")),
        (Outcome::Head(mine), Outcome::Refused(error)) => match error {
            httparse::Error::Version if !matches!(&*mine.version, b"HTTP/1.0" | b"HTTP/1.1") => {
                Ok(Verdict::Named("other-versions"))
            }
            httparse::Error::Token if std::str::from_utf8(&mine.target).is_err() => {
                Ok(Verdict::Named("target-not-utf-8"))
            }
            _ => unnamed("only we accept it"),
        },
        (Outcome::Refused(Fault::BadTarget), _) => Ok(Verdict::Named("target-of-no-form")),
        (Outcome::Refused(Fault::TooManyFields), _) if fields_in(input) > 100 => {
            Ok(Verdict::Named("too-many-fields"))
        }
        (Outcome::Refused(Fault::BadRequestLine), _) if empty_lines(input) > 8 => {
            Ok(Verdict::Named("many-empty-lines"))
        }
        // With the end of its line it is refused, or accepted for a named reason.
        (Outcome::NeedMore, Outcome::Refused(_)) => match compare(&[input, b"\r\n\r\n"].concat())? {
            Verdict::Accepted => unnamed("only they refuse it"),
            Verdict::Refused | Verdict::Named(_) => Ok(Verdict::Named("judged-by-the-line")),
        },
        _ => unnamed("they differ"),
    }
}

fn empty_lines(input: &[u8]) -> usize {
    let lines = input.split(|byte| *byte == b'\n').take_while(|line| matches!(line, [] | [b'\r']));
    lines.count()
}

/// The lines after the first one up to the empty one.
fn fields_in(input: &[u8]) -> usize {
    let mut lines = input.split(|byte| *byte == b'\n').skip_while(|line| matches!(line, [] | [b'\r']));
    lines.next();
    lines.take_while(|line| !matches!(line, [] | [b'\r'])).count()
}

#[test]
fn heads_as_httparse_has_them() {
    run("heads, beside httparse", "head", 8_000, ROWS, grammar::head(), compare);
}
