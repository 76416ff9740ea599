//! What the clients send: clean requests, and such that two readers may read in two ways.

use crate::dice::Dice;

/// The number of the first request.
pub(crate) const FIRST: u64 = 1_000_000_000;
/// How many numbers a case has for its requests.
pub(crate) const NUMBERS: u64 = 16;
/// The numbers of a case from here on are of requests that hide in a body.
pub(crate) const HIDDEN: u64 = 8;

/// What one client sends on its connection.
#[derive(Debug)]
pub(crate) struct Case {
    /// Sent one after the other.
    pub(crate) parts: Vec<Vec<u8>>,
    /// How many requests were meant.
    pub(crate) requests: u64,
    /// Whether each of them must be served, whatever the proxy.
    pub(crate) is_clean: bool,
    /// Whether the client ends its half after the last part.
    pub(crate) ends: bool,
    /// What was done to it.
    pub(crate) kinds: Vec<&'static str>,
}

impl Case {
    pub(crate) fn new(is_clean: bool) -> Self {
        Self { parts: Vec::new(), requests: 0, is_clean, ends: false, kinds: Vec::new() }
    }
}

/// A request before it is written.
#[derive(Clone, Debug)]
struct Draft {
    before: Vec<u8>,
    line: Vec<u8>,
    /// Without the ends of their lines.
    fields: Vec<Vec<u8>>,
    line_end: &'static [u8],
    body: Vec<u8>,
}

impl Draft {
    fn new(method: &str, target: &str) -> Self {
        Self {
            before: Vec::new(),
            line: format!("{method} {target} HTTP/1.1").into_bytes(),
            fields: vec![b"Host: edge".to_vec()],
            line_end: b"\r\n",
            body: Vec::new(),
        }
    }

    fn field(&mut self, line: impl Into<Vec<u8>>) {
        self.fields.push(line.into());
    }

    fn without(&mut self, name: &str) {
        self.fields.retain(|line| {
            !line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        });
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = self.before.clone();
        bytes.extend_from_slice(&self.line);
        bytes.extend_from_slice(b"\r\n");
        for line in &self.fields {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(self.line_end);
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The case of this number. The same number makes the same case.
pub(crate) fn case(seed: u64, number: u64) -> Case {
    let mut dice = Dice::new(seed, number);
    let first = FIRST + number * NUMBERS;
    let mut case = Case::new(dice.chance(10));
    let mut bytes = Vec::new();
    if dice.chance(40) {
        bytes.extend(clean(&mut dice, first).write());
        case.requests += 1;
    }
    if !case.is_clean {
        let mut draft = clean(&mut dice, first + 1);
        let kind = *dice.pick(KINDS);
        (kind.1)(&mut dice, &mut draft, first);
        case.kinds.push(kind.0);
        if dice.chance(25) {
            let kind = *dice.pick(KINDS);
            (kind.1)(&mut dice, &mut draft, first);
            case.kinds.push(kind.0);
        }
        let mut request = draft.write();
        if dice.chance(15) {
            disturb(&mut dice, &mut request);
            case.kinds.push("bytes");
        }
        bytes.extend(request);
        case.requests += 1;
        case.ends = dice.chance(8);
    }
    let mut last = clean(&mut dice, first + 2);
    last.field("Connection: close");
    bytes.extend(last.write());
    case.requests += 1;
    case.parts = cut(&mut dice, bytes);
    case
}

/// Most cases are sent at once.
pub(crate) fn cut(dice: &mut Dice, bytes: Vec<u8>) -> Vec<Vec<u8>> {
    if !dice.chance(20) || bytes.len() < 4 {
        return vec![bytes];
    }
    let (mut parts, mut rest) = (Vec::new(), bytes);
    for _ in 0..dice.between(1, 3) {
        if rest.len() > 1 {
            let after = rest.split_off(1 + dice.index(rest.len() - 1));
            parts.push(rest);
            rest = after;
        }
    }
    parts.push(rest);
    parts
}

/// A request to which no server and no proxy can object.
fn clean(dice: &mut Dice, number: u64) -> Draft {
    let place = *dice.pick(&["q", "q", "q", "chunks", "close", "early"]);
    let target = format!("/{place}/{number}");
    if dice.chance(50) {
        return Draft::new(if dice.chance(10) { "HEAD" } else { "GET" }, &target);
    }
    let method = *dice.pick(&["POST", "PUT"]);
    let mut draft = Draft::new(method, &target);
    let body = text(dice);
    if dice.chance(50) {
        draft.field(format!("Content-Length: {}", body.len()));
        draft.body = body;
    } else {
        draft.field("Transfer-Encoding: chunked");
        draft.body = chunks(dice, &body);
    }
    draft
}

pub(crate) fn text(dice: &mut Dice) -> Vec<u8> {
    let longest = if dice.chance(3) { 40_000 } else { 60 };
    (0..dice.length(0, longest)).map(|_| b'a' + dice.byte() % 26).collect()
}

fn chunks(dice: &mut Dice, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + dice.index(rest.len()));
        bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
        rest = after;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// A body that is a request, for a reader who takes it for one.
pub(crate) fn hidden(dice: &mut Dice, first: u64) -> Vec<u8> {
    if dice.chance(25) {
        return text(dice);
    }
    let number = first + HIDDEN + dice.between(0, 3);
    let tail = *dice.pick(&[
        "",
        "",
        "Content-Length: 0\r\n",
        "Content-Length: 9\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X: ",
    ]);
    let end = if tail.ends_with(": ") { "" } else { "\r\n" };
    format!("GET /q/{number} HTTP/1.1\r\nHost: edge\r\n{tail}{end}").into_bytes()
}

/// Lets the request have a body, of which it says nothing so far.
fn with_body(dice: &mut Dice, draft: &mut Draft, first: u64) -> Vec<u8> {
    draft.without("content-length");
    draft.without("transfer-encoding");
    if draft.line.starts_with(b"GET") && dice.chance(80) {
        draft.line.splice(..3, *b"POST");
    }
    hidden(dice, first)
}

type Kind = (&'static str, fn(&mut Dice, &mut Draft, u64));

const KINDS: &[Kind] = &[
    ("lengths", lengths),
    ("codings", codings),
    ("both", both),
    ("both", both),
    ("chunk sizes", chunk_sizes),
    ("extensions", extensions),
    ("trailers", trailers),
    ("expect", expect),
    ("early", early),
    ("folding", folding),
    ("line ends", line_ends),
    ("names", names),
    ("request line", request_line),
    ("absolute form", absolute_form),
    ("hosts", hosts),
    ("hop by hop", hop_by_hop),
    ("upgrades", upgrades),
    ("before", before),
    ("versions", versions),
    ("methods", methods),
];

fn lengths(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    let length = body.len();
    let other = *dice.pick(&[0, 1, length / 2, length + 1, length + 40]);
    let line = match dice.between(0, 22) {
        0 => format!("Content-Length: {other}"),
        1 => format!("Content-Length: {length}\r\nContent-Length: {other}"),
        2 => format!("Content-Length: {other}\r\nContent-Length: {length}"),
        3 => format!("Content-Length: {length}\r\nContent-Length: {length}"),
        4 => format!("Content-Length: {length}, {length}"),
        5 => format!("Content-Length: {length}, {other}"),
        6 => format!("Content-Length: +{length}"),
        7 => format!("Content-Length: -{length}"),
        8 => format!("Content-Length: 000{length}"),
        9 => format!("Content-Length: 0x{length:x}"),
        10 => format!("Content-Length: {length}.0"),
        11 => format!("Content-Length: {length} {length}"),
        12 => format!("Content-Length:\t{length}\t"),
        13 => format!("Content-Length:{length}"),
        14 => format!("Content-Length: \"{length}\""),
        15 => format!("Content-Length : {length}"),
        16 => format!(" Content-Length: {length}"),
        17 => format!(
            "Content-Length: {}",
            u128::from(u64::MAX) + 1 + u128::try_from(length).expect("a small number")
        ),
        18 => "Content-Length: ".to_owned(),
        19 => format!("Content-Length:\r\n {length}"),
        20 => format!("Content-Length: {length};a"),
        21 => format!("Content-Length: {length}\r\nContent_Length: {other}"),
        _ => format!("Content-Length: {length}e0"),
    };
    draft.field(line);
    draft.body = body;
}

/// Ways to write a coding that some readers know and others do not.
const CODINGS: &[&str] = &[
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: Chunked",
    "Transfer-Encoding: chunked ",
    "Transfer-Encoding:chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked\x0b",
    "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked",
    "\tTransfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding\r\n : chunked",
    "Transfer-Encoding: x, chunked",
    "Transfer-Encoding: chunked, x",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked;a=b",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: ",
    "Transfer-Encoding: chunk",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked\0",
    "Transfer-Encoding: \u{ff}chunked",
    "Transfer_Encoding: chunked",
    "Transfer-Encoding\0: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\n\rTransfer-Encoding: chunked",
    "Foo: bar\r\n\rTransfer-Encoding: chunked",
    "TRANSFER-ENCODING: CHUNKED",
    "Content-Encoding: chunked",
    "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
];

fn codings(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    draft.field(*dice.pick(CODINGS));
    draft.body = chunks(dice, &body);
}

/// A length beside chunks: the length may cover all of them, or only a part.
fn both(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    let (length, after) = if dice.chance(50) {
        // Whoever reads chunks finds the end at once, and a request after it.
        draft.body = [b"0\r\n\r\n".as_slice(), &body].concat();
        (draft.body.len(), 0)
    } else {
        draft.body = chunks(dice, &body);
        (*dice.pick(&[0, 4, draft.body.len(), draft.body.len() + 30]), 1)
    };
    let coding = if dice.chance(35) { "Transfer-Encoding: chunked" } else { *dice.pick(CODINGS) };
    let fields = [coding.to_owned(), format!("Content-Length: {length}")];
    let is_length_first = dice.chance(50);
    draft.field(fields[usize::from(is_length_first)].clone());
    if after == 1 && dice.chance(30) {
        draft.field("X-Between: 1");
    }
    draft.field(fields[usize::from(!is_length_first)].clone());
    if dice.chance(15) {
        draft.line.truncate(draft.line.len() - 1);
        draft.line.push(b'0');
    }
}

/// A chunked body of one chunk, with this line for its size, and these bytes around its data.
fn one_chunk(draft: &mut Draft, size: &[u8], data: &[u8], after: &[u8], last: &[u8]) {
    draft.field("Transfer-Encoding: chunked");
    draft.body = [size, data, after, last].concat();
}

fn chunk_sizes(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let data = with_body(dice, draft, first);
    let length = data.len();
    let size = match dice.between(0, 17) {
        0 => format!("0x{length:x}\r\n"),
        1 => format!("+{length:x}\r\n"),
        2 => format!("-{length:x}\r\n"),
        3 => format!(" {length:x}\r\n"),
        4 => format!("{length:x} \r\n"),
        5 => format!("{length:x}\t\r\n"),
        6 => format!("0000{length:x}\r\n"),
        7 => format!("{}{length:x}\r\n", "0".repeat(40)),
        8 => format!("1{length:016x}\r\n"),
        9 => format!("{length:x}\n"),
        10 => format!("{length:x}\r"),
        11 => format!("{length:X}\r\n"),
        12 => "\r\n".to_owned(),
        13 => format!("{length:x}g\r\n"),
        14 => format!("{length:x}_\r\n"),
        15 => format!("{length:x},{length:x}\r\n"),
        16 => format!("{length:x}\r\r\n"),
        _ => format!("{length:x}\r\n"),
    };
    let after = *dice.pick(&["\r\n", "\r\n", "\r\n", "\n", "\r", "", "XX", "\r\nX", "\n\n"]);
    let last = *dice.pick(&[
        "0\r\n\r\n",
        "0\r\n\r\n",
        "00\r\n\r\n",
        "0 \r\n\r\n",
        "0\n\n",
        "0\r\n\n",
        "0\r\r",
        "0x0\r\n\r\n",
        "-0\r\n\r\n",
        "0\r\n",
        "0\n\r\n",
    ]);
    one_chunk(draft, size.as_bytes(), &data, after.as_bytes(), last.as_bytes());
}

fn extensions(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let data = with_body(dice, draft, first);
    let extension = *dice.pick(&[
        ";a=b",
        ";a",
        ";",
        ";;",
        "; a = b",
        ";a=\"b\"",
        ";a=\"b;c\"",
        ";a=\"b\r\nc\"",
        ";a=\"\\\"\"",
        ";a\nb",
        ";a\rb",
        ";\n",
        ";\0",
        ";\u{ff}",
        ";a=b\r",
        " ;a=b",
        "\t;a",
        ";a=\"",
        ";0\r\n\r\n",
        ";5\r\n",
    ]);
    let size = format!("{:x}{extension}\r\n", data.len());
    let last = *dice.pick(&["0\r\n\r\n", "0;a=b\r\n\r\n", "0;\n\r\n", "0;a\rb\r\n\r\n"]);
    if dice.chance(5) {
        let long = format!("{:x};{}\r\n", data.len(), "a".repeat(20_000));
        return one_chunk(draft, long.as_bytes(), &data, b"\r\n", last.as_bytes());
    }
    one_chunk(draft, size.as_bytes(), &data, b"\r\n", last.as_bytes());
}

fn trailers(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let data = with_body(dice, draft, first);
    let number = first + HIDDEN + 4;
    let trailer = match dice.between(0, 14) {
        0 => "X-Sum: 1\r\n\r\n".to_owned(),
        1 => "Content-Length: 5\r\n\r\n".to_owned(),
        2 => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
        3 => "Host: other\r\n\r\n".to_owned(),
        4 => format!("GET /q/{number} HTTP/1.1\r\nHost: edge\r\n\r\n"),
        5 => " folded: 1\r\n\r\n".to_owned(),
        6 => "X: 1\n\n".to_owned(),
        7 => "X: 1\r\n".to_owned(),
        8 => "X: 1\r\r\n\r\n".to_owned(),
        9 => "no colon\r\n\r\n".to_owned(),
        10 => ": 1\r\n\r\n".to_owned(),
        11 => "X : 1\r\n\r\n".to_owned(),
        12 => "X: \0\r\n\r\n".to_owned(),
        13 => format!("X: {}\r\n\r\n", "a".repeat(20_000)),
        _ => "Trailer: Host\r\nAuthorization: x\r\nConnection: close\r\n\r\n".to_owned(),
    };
    if dice.chance(30) {
        draft.field("Trailer: X-Sum");
        draft.field("TE: trailers");
    }
    let size = format!("{:x}\r\n", data.len());
    one_chunk(draft, size.as_bytes(), &data, b"\r\n", format!("0\r\n{trailer}").as_bytes());
}

fn expect(dice: &mut Dice, draft: &mut Draft, first: u64) {
    if dice.chance(70) {
        let body = with_body(dice, draft, first);
        if dice.chance(50) {
            draft.field(format!("Content-Length: {}", body.len()));
            draft.body = body;
        } else {
            draft.field("Transfer-Encoding: chunked");
            draft.body = chunks(dice, &body);
        }
    }
    draft.field(*dice.pick(&[
        "Expect: 100-continue",
        "Expect: 100-Continue",
        "Expect: 100-continue\r\nExpect: 100-continue",
        "Expect: x",
        "Expect: 100-continue, x",
        "Expect: ",
        "Expect: \"100-continue\"",
        "Expect:100-continue ",
        "Expect : 100-continue",
        "Expect: y 100-continue",
    ]));
    if dice.chance(15) {
        draft.line.truncate(draft.line.len() - 1);
        draft.line.push(b'0');
    }
}

/// It is answered without its body, of which there is more than a server may want to drop, or less than announced.
fn early(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let body = with_body(dice, draft, first);
    draft.line = format!("POST /early/{} HTTP/1.1", first + 1).into_bytes();
    match dice.between(0, 4) {
        0 => {
            draft.field(format!("Content-Length: {}", body.len() + 200_000));
            draft.body = [body, vec![b'a'; 200_000]].concat();
        }
        1 => {
            draft.field(format!("Content-Length: {}", body.len() + 10));
            draft.body = body;
        }
        2 => {
            draft.field("Transfer-Encoding: chunked");
            draft.body = chunks(dice, &body);
        }
        3 => {
            draft.field("Transfer-Encoding: chunked");
            draft.body = [b"5\r\nhello\r\nzz\r\n".as_slice(), &body].concat();
        }
        _ => {
            draft.field(format!("Content-Length: {}\r\nExpect: 100-continue", body.len()));
            draft.body = body;
        }
    }
}

fn folding(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    let line = *dice.pick(&[
        "X: a\r\n b",
        "X: a\r\n\tb",
        "X:\r\n a",
        "X: a\r\n \r\n b",
        "X: a\r\n Content-Length: 5",
        "X: a\r\n Transfer-Encoding: chunked",
        "X: a\n b",
        "X: a\r b",
        " X: a",
        "\tX: a",
        "X: a\r\n",
    ]);
    let at = dice.index(draft.fields.len() + 1);
    draft.fields.insert(at, line.as_bytes().to_vec());
}

fn line_ends(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    match dice.between(0, 5) {
        0 => draft.line_end = b"\n",
        1 => draft.line_end = b"\r",
        2 => draft.line_end = b"\r\r\n",
        3 => draft.field("X: a\rb"),
        4 => draft.field("X: a\nY: b"),
        _ => draft.field("X: a\n"),
    }
}

fn names(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.field(*dice.pick(&[
        "X : a",
        "X\t: a",
        ": a",
        "no colon",
        "X\0: a",
        "X\u{ff}: a",
        "X(y): a",
        "X: \0",
        "X: \u{7f}",
        "X: \u{1b}",
        "X: \u{ff}",
        "X: \u{b}a",
        "\"X\": a",
        "X:a:b",
        "X;: a",
        "X,: a",
        "\u{feff}X: a",
    ]));
    if dice.chance(3) {
        draft.field(format!("X-Long: {}", "a".repeat(70_000)));
    }
    if dice.chance(3) {
        for number in 0..300 {
            draft.field(format!("X-{number}: a"));
        }
    }
}

fn request_line(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let number = first + 1;
    draft.line = match dice.between(0, 23) {
        0 => format!("GET  /q/{number} HTTP/1.1"),
        1 => format!("GET /q/{number}  HTTP/1.1"),
        2 => format!("GET\t/q/{number} HTTP/1.1"),
        3 => format!("GET /q/{number} HTTP/1.1 "),
        4 => format!(" GET /q/{number} HTTP/1.1"),
        5 => format!("GET /q/{number}"),
        6 => format!("GET /a b/{number} HTTP/1.1"),
        7 => format!("GET /a\tb/{number} HTTP/1.1"),
        8 => format!("GET /q/{number} HTTP/1.1\rX: y"),
        9 => format!("GET /q/{number} HTTP/1.1\nX: y"),
        10 => format!("GET //q/../{number} HTTP/1.1"),
        11 => format!("GET /%2e%2e/q/{number} HTTP/1.1"),
        12 => format!("GET /q%2f{number} HTTP/1.1"),
        13 => format!("GET /q\\{number} HTTP/1.1"),
        14 => format!("GET /q/{number}#a HTTP/1.1"),
        15 => format!("GET /q/{number}?a b HTTP/1.1"),
        16 => format!("GET /q\u{ff}/{number} HTTP/1.1"),
        17 => format!("GET /q\0/{number} HTTP/1.1"),
        18 => format!("GET q/{number} HTTP/1.1"),
        19 => "GET * HTTP/1.1".to_owned(),
        20 => "OPTIONS * HTTP/1.1".to_owned(),
        21 => format!("GET ?/q/{number} HTTP/1.1"),
        22 => format!("GET /q/%zz/{number} HTTP/1.1"),
        _ => format!("GET /{}/{number} HTTP/1.1", "a".repeat(dice.index(70_000))),
    }
    .into_bytes();
}

fn absolute_form(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let number = first + 1;
    let authority = *dice.pick(&[
        "edge",
        "other",
        "edge:80",
        "user@edge",
        "",
        "edge:",
        "[::1]",
        "EDGE",
        "e dge",
        "edge\\@other",
    ]);
    let scheme = *dice.pick(&["http", "HTTP", "https", "ftp", "http:", "x"]);
    draft.line = format!("GET {scheme}://{authority}/q/{number} HTTP/1.1").into_bytes();
    if dice.chance(15) {
        draft.line = format!("CONNECT {authority} HTTP/1.1").into_bytes();
    }
}

fn hosts(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.without("host");
    draft.field(*dice.pick(&[
        "X: none",
        "Host: ",
        "Host: edge\r\nHost: edge",
        "Host: edge\r\nHost: other",
        "Host: edge, other",
        "Host: edge:80:80",
        "Host: ed ge",
        "Host : edge",
        " Host: edge",
        "Host: edge\0",
        "Host: edge/x",
        "Host: user@edge",
        "Host: [::1",
        "Host: edge:x",
        "Host:\tedge",
        "HOST: edge",
        "Host: edge\r\n other",
        "Host: \"edge\"",
        "Host: edge#",
        "Host: edge\u{ff}",
    ]));
}

fn hop_by_hop(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.field(*dice.pick(&[
        "Connection: Content-Length",
        "Connection: Transfer-Encoding",
        "Connection: Host",
        "Connection: close, Content-Length",
        "Connection: keep-alive, Expect",
        "Connection: close\r\nConnection: keep-alive",
        "Connection: ,",
        "Connection: \"close\"",
        "Connection: clo se",
        "Connection : close",
        "Keep-Alive: timeout=1, max=1",
        "Proxy-Connection: keep-alive",
        "TE: trailers, chunked",
        "TE: chunked;q=0.5",
        "Connection: TE\r\nTE: x",
        "Connection: Upgrade",
        "Trailer: Content-Length",
        "Via: 1.0 a\r\nVia: 1.1 b",
        "Max-Forwards: 0",
    ]));
}

fn upgrades(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let place = if dice.chance(50) { "up" } else { "q" };
    if dice.chance(70) {
        draft.line = format!("GET /{place}/{} HTTP/1.1", first + 1).into_bytes();
    }
    draft.field(*dice.pick(&[
        "Connection: Upgrade",
        "Connection: upgrade, keep-alive",
        "Connection: Upgrade, HTTP2-Settings",
        "Connection: close",
        "X: y",
    ]));
    draft.field(*dice.pick(&[
        "Upgrade: echo",
        "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
        "Upgrade: websocket\r\nSec-WebSocket-Version: 777",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Upgrade: TLS/1.0",
        "Upgrade: HTTP/2.0",
        "Upgrade: ",
        "Upgrade : echo",
        "Upgrade: echo, websocket",
    ]));
}

fn before(dice: &mut Dice, draft: &mut Draft, _first: u64) {
    draft.before = dice
        .pick(&[
            "\r\n",
            "\n",
            "\r",
            "\r\n\r\n\r\n",
            " ",
            "\r\n ",
            "\0",
            "\u{feff}",
            "\r\n\n",
            "x\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        ])
        .as_bytes()
        .to_vec();
}

fn versions(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let version = *dice.pick(&[
        "HTTP/1.0",
        "HTTP/1.0",
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/1.10",
        "HTTP/2.0",
        "HTTP/2",
        "HTTP/3.0",
        "http/1.1",
        "HTTP/01.1",
        "HTTP/1.1.1",
        "HTTP/1,1",
        "HTTP/ 1.1",
        "HTTP /1.1",
        "HTTP/1.x",
        "HTTPS/1.1",
        "HTTP/11",
        "HTTP/1.1\0",
        "",
    ]);
    draft.line = format!("POST /q/{} {version}", first + 1).into_bytes();
    if dice.chance(30) {
        draft.field("Connection: keep-alive");
    }
}

fn methods(dice: &mut Dice, draft: &mut Draft, first: u64) {
    let method = *dice.pick(&[
        "get",
        "Get",
        "G@T",
        "GET(",
        "",
        "GET\u{ff}",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "TRACK",
        "PRI",
        "SPAM",
        "M-SEARCH",
        "HEAD",
        "CONNECT",
        "PROPFIND",
        "PURGE",
        "QUERY",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ]);
    draft.line = format!("{method} /q/{} HTTP/1.1", first + 1).into_bytes();
}

/// Bytes at which readers differ.
const BYTES: &[u8] = b"\r\n\t \0:;,\"0123456789abcdefx/+-_.\x0b\x0c\x7f\x80\xff";

/// Changes, adds, removes or doubles a few bytes.
fn disturb(dice: &mut Dice, request: &mut Vec<u8>) {
    for _ in 0..dice.between(1, 3) {
        let at = dice.index(request.len().min(400));
        match dice.between(0, 3) {
            0 => request[at] = *dice.pick(BYTES),
            1 => request.insert(at, *dice.pick(BYTES)),
            2 if request.len() > 1 => drop(request.remove(at)),
            _ => request.insert(at, request[at]),
        }
    }
}

/// A clean request of another client, which must get its own response.
pub(crate) fn victim(number: u64) -> Case {
    let mut draft = Draft::new("GET", &format!("/q/{}", FIRST + number * NUMBERS + NUMBERS - 1));
    draft.field("Connection: close");
    let mut case = Case::new(true);
    case.parts.push(draft.write());
    case.requests = 1;
    case.kinds.push("victim");
    case
}
