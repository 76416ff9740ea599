//! HTTP/2 (RFC 9113) to a proxy that speaks HTTP/1.1 to the server: requests that must not become other ones on the way.
//!
//! The client writes fields as literals (RFC 7541 section 6.2.2), so it can write what no library would. Of the responses it
//! reads only the data, in which the server repeats the request's number.

use std::collections::BTreeMap;

use crate::draft::{HIDDEN, hidden, text};
use crate::requests::{Case, FIRST, NUMBERS, cut};
use basehttp_tests::dice::Dice;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// A request before it is written.
struct Draft {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether the frame with the fields ends the stream. A body comes after that, then.
    ends_early: bool,
    is_padded: bool,
}

impl Draft {
    fn new(method: &str, path: &str) -> Self {
        let mut draft = Self {
            fields: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
            ends_early: false,
            is_padded: false,
        };
        draft.field(":method", method);
        draft.field(":scheme", "http");
        draft.field(":authority", "edge");
        draft.field(":path", path);
        draft
    }

    fn field(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.fields.push((name.into(), value.into()));
    }

    fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.fields.retain(|field| field.0 != name.as_bytes());
        self.fields.insert(0, (name.as_bytes().to_vec(), value.into()));
    }

    fn write(&self, stream: u32, dice: &mut Dice) -> Vec<u8> {
        let has_body = !self.body.is_empty() || !self.trailers.is_empty();
        let ends = !has_body || self.ends_early;
        let mut bytes = Vec::new();
        frame(
            &mut bytes,
            HEADERS,
            END_HEADERS | if ends { END_STREAM } else { 0 },
            stream,
            &literals(&self.fields),
        );
        let mut rest = self.body.as_slice();
        while !rest.is_empty() {
            let longest = rest.len().min(8000);
            let (piece, after) =
                rest.split_at(if dice.chance(70) { longest } else { 1 + dice.index(longest) });
            let end = if after.is_empty() && self.trailers.is_empty() { END_STREAM } else { 0 };
            if self.is_padded {
                frame(&mut bytes, DATA, end | PADDED, stream, &[&[3], piece, &[0; 3]].concat());
            } else {
                frame(&mut bytes, DATA, end, stream, piece);
            }
            rest = after;
        }
        if !self.trailers.is_empty() {
            frame(&mut bytes, HEADERS, END_HEADERS | END_STREAM, stream, &literals(&self.trailers));
        }
        bytes
    }
}

/// RFC 9113 section 4.1.
fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// RFC 7541 section 6.2.2, without Huffman coding.
fn literals(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        string(&mut out, name);
        string(&mut out, value);
    }
    out
}

/// RFC 7541 sections 5.1 and 5.2.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text.len();
    if rest < 127 {
        out.push(u8::try_from(rest).expect("below 127"));
    } else {
        out.push(127);
        rest -= 127;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128).expect("below 128") | 128);
            rest /= 128;
        }
        out.push(u8::try_from(rest).expect("below 128"));
    }
    out.extend_from_slice(text);
}

/// The case of this number, over HTTP/2.
pub(crate) fn case(seed: u64, number: u64) -> Case {
    let mut dice = Dice::new(seed ^ 0x6832, number);
    let first = FIRST + number * NUMBERS;
    let mut case = Case::new(dice.chance(10));
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut bytes, SETTINGS, 0, 0, &[]);
    bytes.extend(clean(&mut dice, first).write(1, &mut dice));
    case.requests += 1;
    case.numbers.push(first);
    if !case.is_clean {
        let mut draft = clean(&mut dice, first + 1);
        for _ in 0..if dice.chance(25) { 2 } else { 1 } {
            let kind = *dice.pick(KINDS);
            (kind.1)(&mut dice, &mut draft, first);
            case.kinds.push(kind.0);
        }
        bytes.extend(draft.write(3, &mut dice));
        case.requests += 1;
    }
    bytes.extend(clean(&mut dice, first + 2).write(5, &mut dice));
    case.requests += 1;
    case.numbers.push(first + 2);
    case.parts = cut(&mut dice, bytes);
    case
}

/// A clean request of another client, which must get its own response.
pub(crate) fn victim(number: u64) -> Case {
    let mut case = Case::new(true);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut bytes, SETTINGS, 0, 0, &[]);
    let own = FIRST + number * NUMBERS + NUMBERS - 1;
    let draft = Draft::new("GET", &format!("/q/{own}"));
    bytes.extend(draft.write(1, &mut Dice::new(0, number)));
    case.parts.push(bytes);
    case.requests = 1;
    case.numbers.push(own);
    case.kinds.push("victim");
    case
}

fn clean(dice: &mut Dice, number: u64) -> Draft {
    let path = format!("/{}/{number}", dice.pick(&["q", "q", "chunks", "close", "early"]));
    if dice.chance(50) {
        return Draft::new("GET", &path);
    }
    let method = *dice.pick(&["POST", "PUT"]);
    let mut draft = Draft::new(method, &path);
    draft.body = text(dice);
    if dice.chance(50) {
        draft.field("content-length", draft.body.len().to_string());
    }
    draft
}

type Kind = (&'static str, fn(&mut Dice, &mut Draft, u64));

const KINDS: &[Kind] = &[
    ("h2 lengths", lengths),
    ("h2 codings", codings),
    ("h2 values", values),
    ("h2 names", names),
    ("h2 path", path),
    ("h2 method", method),
    ("h2 authority", authority),
    ("h2 pseudo", pseudo),
    ("h2 hop by hop", hop_by_hop),
    ("h2 trailers", trailers),
    ("h2 early end", early_end),
    ("h2 padding", padding),
];

fn with_body(dice: &mut Dice, draft: &mut Draft, first: u64) -> usize {
    draft.set(":method", "POST");
    draft.fields.retain(|field| field.0 != b"content-length");
    draft.body = hidden(dice, first);
    draft.body.len()
}

fn lengths(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let length = with_body(dice, draft, first);
    let value = match dice.between(0, 9) {
        0 => "0".to_owned(),
        1 => (length / 2).to_string(),
        2 => (length + 1).to_string(),
        3 => (length + 100).to_string(),
        4 => format!("+{length}"),
        5 => format!("{length}, {length}"),
        6 => format!(" {length}"),
        7 => format!("{length}\r\nX: y"),
        8 => String::new(),
        _ => format!("0x{length:x}"),
    };
    if dice.chance(20) {
        draft.field("content-length", length.to_string());
    }
    draft.field("content-length", value);
}

/// A server that believes the coding finds the end of the body too soon.
fn codings(dice: &mut Dice, draft: &mut Draft, first: u64) {
    with_body(dice, draft, first);
    if dice.chance(60) {
        draft.body = [b"0\r\n\r\n".as_slice(), &draft.body].concat();
    }
    if dice.chance(40) {
        draft.field("content-length", draft.body.len().to_string());
    }
    let name = *dice.pick(&[
        "transfer-encoding",
        "transfer-encoding",
        "Transfer-Encoding",
        "transfer-encoding ",
        "transfer_encoding",
        "te",
    ]);
    draft.field(
        name,
        *dice.pick(&[
            "chunked",
            "Chunked",
            " chunked",
            "chunked, identity",
            "x, chunked",
            "identity",
            "",
            "\x0bchunked",
        ]),
    );
}

fn values(dice: &mut Dice, draft: &mut Draft, first: u64) {
    if dice.chance(60) {
        with_body(dice, draft, first);
    }
    let number = first + HIDDEN;
    let value = match dice.between(0, 9) {
        0 => "a\r\nTransfer-Encoding: chunked".to_owned(),
        1 => "a\nTransfer-Encoding: chunked".to_owned(),
        2 => "a\rTransfer-Encoding: chunked".to_owned(),
        3 => format!("a\r\n\r\nGET /q/{number} HTTP/1.1\r\nHost: edge\r\nX: "),
        4 => "a\r\nContent-Length: 0".to_owned(),
        5 => "a\0b".to_owned(),
        6 => " a ".to_owned(),
        7 => "a\r\n b".to_owned(),
        8 => "\u{7f}\u{ff}".to_owned(),
        _ => "a".repeat(20_000),
    };
    draft.field("x", value);
}

fn names(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.field(
        *dice.pick(&[
            "x: y\r\ntransfer-encoding",
            "x\r\ntransfer-encoding: chunked\r\ny",
            "transfer-encoding: chunked\r\nx",
            "x y",
            "x:",
            ":x",
            "",
            "X",
            "x\0",
            "x\u{ff}",
            "x\ny",
            "content-length: 0\r\nx",
            "content_length",
            "x\t",
        ]),
        *dice.pick(&["chunked", "5", "a"]),
    );
}

fn path(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let number = first + 1;
    let hidden = first + HIDDEN;
    let value = match dice.between(0, 12) {
        0 => format!("/q/{number} HTTP/1.1\r\nX: y"),
        1 => {
            format!("/q/{number} HTTP/1.1\r\nHost: edge\r\n\r\nGET /q/{hidden} HTTP/1.1\r\nHost: edge\r\nX: ")
        }
        2 => format!("/a b/{number}"),
        3 => format!("/a\tb/{number}"),
        4 => String::new(),
        5 => "*".to_owned(),
        6 => format!("q/{number}"),
        7 => format!("http://other/q/{number}"),
        8 => format!("/q/{number}#a"),
        9 => format!("//q/../{number}"),
        10 => format!("/q\0/{number}"),
        11 => format!("/q\u{ff}/{number}"),
        _ => format!("/q/{number}\n"),
    };
    draft.set(":path", value);
}

fn method(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let number = first + HIDDEN;
    let value = match dice.between(0, 10) {
        0 => format!("GET /q/{number} HTTP/1.1\r\nHost: edge\r\n\r\nGET"),
        1 => "GET /".to_owned(),
        2 => "GET\r\nX: y".to_owned(),
        3 => String::new(),
        4 => "get".to_owned(),
        5 => "G@T".to_owned(),
        6 => "CONNECT".to_owned(),
        7 => "SPAM".to_owned(),
        8 => "HEAD".to_owned(),
        9 => "PRI".to_owned(),
        _ => "TRACE".to_owned(),
    };
    draft.set(":method", value);
}

fn authority(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    match dice.between(0, 3) {
        0 => draft.set(
            ":authority",
            *dice.pick(&[
                "",
                "edge:80:80",
                "ed ge",
                "edge\r\nX: y",
                "user@edge",
                "edge/x",
                "edge\0",
                "[::1",
                "edge, other",
            ]),
        ),
        1 => draft.field("host", *dice.pick(&["edge", "other", "", "edge\r\nX: y"])),
        2 => {
            draft.fields.retain(|field| field.0 != b":authority");
            draft.field("host", "edge");
            draft.field("host", "other");
        }
        _ => draft.fields.retain(|field| field.0 != b":authority"),
    }
}

fn pseudo(dice: &mut Dice, draft: &mut Draft, first: u64) {
    match dice.between(0, 6) {
        0 => draft.field(":path", format!("/q/{}", first + 1)),
        1 => draft.field(":x", "y"),
        2 => draft.field(":status", "200"),
        3 => draft.fields.insert(0, (b"x".to_vec(), b"y".to_vec())),
        4 => draft.fields.retain(|field| field.0 != b":scheme"),
        5 => draft.set(":scheme", *dice.pick(&["https", "ftp", "", "http://edge/x?", "http\r\nX: y"])),
        _ => draft.field(":protocol", "websocket"),
    }
}

fn hop_by_hop(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    let field = *dice.pick(&[
        ("connection", "close"),
        ("connection", "content-length"),
        ("connection", "keep-alive"),
        ("keep-alive", "timeout=1"),
        ("upgrade", "echo"),
        ("te", "trailers"),
        ("te", "chunked"),
        ("proxy-connection", "close"),
        ("expect", "100-continue"),
        ("expect", "x"),
        ("http2-settings", "AAMAAABkAAQAAP__"),
    ]);
    draft.field(field.0, field.1);
}

fn trailers(dice: &mut Dice, draft: &mut Draft, first: u64) {
    with_body(dice, draft, first);
    let field = *dice.pick(&[
        ("x-sum", "1"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        (":path", "/q/0"),
        ("x", "a\r\nContent-Length: 5"),
        ("X", "y"),
        ("host", "other"),
        ("", "y"),
        ("x y", "z"),
    ]);
    draft.trailers.push((field.0.into(), field.1.into()));
}

fn padding(dice: &mut Dice, draft: &mut Draft, first: u64) {
    with_body(dice, draft, first);
    draft.is_padded = true;
}

/// The stream ends with its fields, though they speak of a body, or one follows.
fn early_end(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let length = with_body(dice, draft, first);
    draft.ends_early = true;
    if dice.chance(70) {
        draft.field("content-length", length.to_string());
    }
    if dice.chance(70) {
        draft.body.clear();
    }
}

/// What the client of an HTTP/2 connection knows so far.
#[derive(Default)]
pub(crate) struct Reader {
    at: usize,
    data: BTreeMap<u32, Vec<u8>>,
    ended: BTreeMap<u32, bool>,
}

impl Reader {
    /// Reads the frames that have arrived, and adds what has to be sent for them. Whether all streams have ended.
    pub(crate) fn read(&mut self, bytes: &[u8], streams: usize, reply: &mut Vec<u8>) -> bool {
        while let Some(head) = bytes.get(self.at..self.at + 9) {
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
            let Some(payload) = bytes.get(self.at + 9..self.at + 9 + length) else { break };
            self.at += 9 + length;
            match kind {
                DATA => {
                    let padding = if flags & PADDED == 0 {
                        0
                    } else {
                        payload.first().map_or(0, |byte| usize::from(*byte) + 1)
                    };
                    let start = usize::from(flags & PADDED != 0);
                    let end = (length + start).saturating_sub(padding).max(start);
                    self.data
                        .entry(stream)
                        .or_default()
                        .extend_from_slice(payload.get(start..end).unwrap_or_default());
                }
                SETTINGS if flags & ACK == 0 => frame(reply, SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => frame(reply, PING, ACK, 0, payload),
                RST_STREAM => drop(self.ended.insert(stream, false)),
                _ => {}
            }
            if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                self.ended.insert(stream, true);
            }
        }
        self.ended.len() >= streams
    }

    /// The data of each stream, and whether it has ended as a response does.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.ended
            .iter()
            .map(|(stream, is_good)| (self.data.get(stream).map_or(&[][..], Vec::as_slice), *is_good))
    }
}
