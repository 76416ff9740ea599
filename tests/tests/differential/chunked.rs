//! Chunked bodies: `ChunkedDecoder`, compared with `httparse::parse_chunk_size` and `httparse::parse_headers`.

use basehttp::__private::proto::chunked::{ChunkStep, ChunkedDecoder};
use basehttp::{Fault, Limits};
use httparse::{EMPTY_HEADER, Status};

use crate::grammar;
use crate::table::{Row, Verdict, run};

const ROWS: &[Row] = &[
    Row {
        name: "no-digit",
        why: "stricter: httparse takes a size without a digit for zero, which ends the body",
        rfc: "9112 7.1",
        example: b"\r\n\r\n",
    },
    Row {
        name: "line-feed-in-extension",
        why: "stricter: a line feed alone in an extension is the end of the line for others (TERM.EXT)",
        rfc: "9112 7.1.1",
        example: b"1;\nx\r\n",
    },
    Row {
        name: "extension",
        why: "stricter: an extension is one by the grammar; httparse takes any bytes",
        rfc: "9112 7.1.1",
        example: b"1;a b\r\nx\r\n0\r\n\r\n",
    },
    Row {
        name: "trailing-blank",
        why: "stricter: blanks behind a size belong to an extension",
        rfc: "9112 7.1.1",
        example: b"1 \r\nx\r\n0\r\n\r\n",
    },
    Row {
        name: "trailer-line-feed",
        why: "stricter: in a trailer section lines end in CRLF only, as everywhere in chunked framing",
        rfc: "9112 7.1",
        example: b"0\r\nX: y\n\r\n",
    },
    Row {
        name: "trailer-forbidden",
        why: "stricter: framing, routing and the like cannot come after what they are about",
        rfc: "9110 6.5.1",
        example: b"0\r\nHost: a\r\n\r\n",
    },
    Row {
        name: "trailer-judged-by-the-line",
        why: "a line is judged when it is complete, and not before; httparse judges each byte",
        rfc: "none",
        example: b"0\r\nX(",
    },
];

/// The result for an input.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The body, its trailer fields, and the start of what follows.
    Complete(Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>, usize),
    /// The body so far.
    NeedMore(Vec<u8>),
    /// How much of the body was read before.
    Refused(Vec<u8>),
}

fn ours(input: &[u8]) -> (Outcome, Option<Fault>) {
    let mut decoder = ChunkedDecoder::new(Limits::default());
    let (mut body, mut used) = (Vec::new(), 0);
    loop {
        match decoder.step(&input[used..]) {
            Err(fault) => return (Outcome::Refused(body), Some(fault)),
            Ok(ChunkStep::NeedMore { consumed }) => {
                assert_eq!(used + consumed, input.len(), "need more, and not all is used");
                return (Outcome::NeedMore(body), None);
            }
            Ok(ChunkStep::Data { skip, len }) => {
                body.extend_from_slice(&input[used + skip..used + skip + len]);
                used += skip + len;
            }
            Ok(ChunkStep::End { consumed }) => {
                let (bytes, fields) = decoder.trailers();
                let fields = fields.iter();
                let fields =
                    fields.map(|field| (field.name.of(bytes).to_vec(), field.value.of(bytes).to_vec()));
                return (Outcome::Complete(body, fields.collect(), used + consumed), None);
            }
        }
    }
}

/// The other parser's result, and the start of the line where it stopped.
fn theirs(input: &[u8]) -> (Outcome, usize) {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        match httparse::parse_chunk_size(&input[at..]) {
            Err(_) => return (Outcome::Refused(body), at),
            Ok(Status::Partial) => return (Outcome::NeedMore(body), at),
            Ok(Status::Complete((len, 0))) => return trailers(input, at + len, body),
            Ok(Status::Complete((len, size))) => {
                let start = at + len;
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let data = &input[start..input.len().min(start.saturating_add(size))];
                body.extend_from_slice(data);
                if data.len() < size {
                    return (Outcome::NeedMore(body), at);
                }
                // Not a call of httparse: two bytes that must be CRLF.
                match &input[start + size..] {
                    [] | [b'\r'] => return (Outcome::NeedMore(body), at),
                    [b'\r', b'\n', ..] => at = start + size + 2,
                    _ => return (Outcome::Refused(body), at),
                }
            }
        }
    }
}

fn trailers(input: &[u8], at: usize, body: Vec<u8>) -> (Outcome, usize) {
    let mut headers = [EMPTY_HEADER; 200];
    let outcome = match httparse::parse_headers(&input[at..], &mut headers) {
        Err(_) => Outcome::Refused(body),
        Ok(Status::Partial) => Outcome::NeedMore(body),
        Ok(Status::Complete((len, fields))) => {
            // We ignore it: RFC 9112 section 7.1.2.
            let fields = fields.iter().filter(|field| !field.name.eq_ignore_ascii_case("Trailer"));
            let fields = fields.map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec()));
            Outcome::Complete(body, fields.collect(), at + len)
        }
    };
    (outcome, at)
}

fn compare(input: &[u8]) -> Result<Verdict, String> {
    let ((mine, fault), (other, _)) = (ours(input), theirs(input));
    let unnamed = || Err(format!("we say {mine:?} ({fault:?}), httparse says {other:?}"));
    let Some(fault) = fault else {
        return match (&mine, &other) {
            (Outcome::Complete(..), _) if mine == other => Ok(Verdict::Accepted),
            (Outcome::NeedMore(_), _) if mine == other => Ok(Verdict::Refused),
            (Outcome::NeedMore(body), Outcome::Refused(same)) if body == same => {
                // Only a trailer line is refused no earlier than at its end.
                match ours(&[input, b"\r\n\r\n"].concat()).1 {
                    Some(Fault::BadTrailer) => Ok(Verdict::Named("trailer-judged-by-the-line")),
                    _ => unnamed(),
                }
            }
            _ => unnamed(),
        };
    };
    let (
        Outcome::Refused(read),
        Outcome::Complete(body, ..) | Outcome::NeedMore(body) | Outcome::Refused(body),
    ) = (&mine, &other)
    else {
        return unnamed();
    };
    // What came before is the same in both.
    if !body.starts_with(read) {
        return unnamed();
    }
    if matches!(other, Outcome::Refused(_)) && read == body {
        return Ok(Verdict::Refused);
    }
    let line = refused_line(input, read.len());
    let size = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    match fault {
        Fault::BadChunkSize if size == 0 && matches!(line.first(), Some(b'\r' | b';' | b' ' | b'\t')) => {
            Ok(Verdict::Named("no-digit"))
        }
        Fault::BadChunkExtension if line[size..].starts_with(b";") || has_extension(&line[size..]) => {
            let until_end = line.windows(2).position(|pair| pair == b"\r\n").unwrap_or(line.len());
            let has_lf = line[..until_end].contains(&b'\n');
            Ok(Verdict::Named(if has_lf { "line-feed-in-extension" } else { "extension" }))
        }
        Fault::BadChunkExtension => Ok(Verdict::Named("trailing-blank")),
        Fault::BadTrailer if has_forbidden(line) => Ok(Verdict::Named("trailer-forbidden")),
        Fault::BadTrailer if has_lf_line(line) => Ok(Verdict::Named("trailer-line-feed")),
        _ => unnamed(),
    }
}

/// Whether a semicolon follows blanks.
fn has_extension(rest: &[u8]) -> bool {
    rest.iter().find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b';')
}

/// Whether one of the lines ends in LF alone.
fn has_lf_line(lines: &[u8]) -> bool {
    let mut lines = lines.split_inclusive(|byte| *byte == b'\n');
    lines.any(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n"))
}

/// Whether one of the lines up to the empty one is a field that must not be a trailer field.
fn has_forbidden(lines: &[u8]) -> bool {
    const FORBIDDEN: [&str; 6] =
        ["host", "connection", "content-length", "transfer-encoding", "expect", "cookie"];
    let mut lines = lines.split(|byte| *byte == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
    lines.any(|line| {
        let name: String =
            line.iter().take_while(|byte| **byte != b':').map(|byte| char::from(*byte)).collect();
        FORBIDDEN.contains(&&*name.to_ascii_lowercase())
    })
}

/// The input from the size line on that follows `read` bytes of data; from the trailers on if that line was the last.
fn refused_line(input: &[u8], read: usize) -> &[u8] {
    let (mut at, mut data) = (0, 0);
    loop {
        let rest = &input[at..];
        match httparse::parse_chunk_size(rest) {
            Ok(Status::Complete((len, size))) if size > 0 && data < read => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                data += size;
                at += len + size + 2;
            }
            // A last chunk that we accept as well: what we refuse are the trailers.
            Ok(Status::Complete((len, 0))) if matches!(ours(&rest[..len]), (Outcome::NeedMore(_), None)) => {
                return &rest[len..];
            }
            _ => return rest,
        }
    }
}

#[test]
fn chunks_as_httparse_has_them() {
    run("chunked bodies, beside httparse", "chunked", 8_000, ROWS, grammar::chunked(), compare);
}
