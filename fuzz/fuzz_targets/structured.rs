//! A connection as in the target `connection`, but made of mostly valid requests, so that it reaches deep:
//! pipelines, bodies that look like requests, framing that is wrong in one place.
#![no_main]

use arbitrary::Arbitrary;
use basehttp_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: Script| check::connection(&script.write()));

#[derive(Arbitrary, Debug)]
struct Script {
    requests: Vec<Sketch>,
    /// One changed byte: where, and its new value.
    change: Option<(u16, u8)>,
    /// How much of the end is cut off.
    cut: Option<u8>,
}

#[derive(Arbitrary, Debug)]
struct Sketch {
    before: u8,
    method: u8,
    path: u8,
    version: u8,
    line_end: bool,
    fields: Vec<Field>,
    framing: Framing,
    body: Content,
}

#[derive(Arbitrary, Debug)]
enum Field {
    Host(u8),
    Close,
    KeepAlive,
    Expect(u8),
    Plain(u8),
    /// Raw bytes instead of a name or a value.
    Odd(Vec<u8>, Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Framing {
    None,
    Length,
    /// The length is wrong by this much.
    WrongLength(i8),
    TwoLengths(i8),
    LengthText(u8),
    Chunked(Vec<Chunk>),
    Coding(u8),
    Both,
}

#[derive(Arbitrary, Debug)]
struct Chunk {
    len: u8,
    extension: u8,
    /// The error in it.
    flaw: u8,
}

#[derive(Arbitrary, Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// Bytes that an attacker would like to pass as a request.
    Smuggled(u8),
    Long(u16),
}

const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "SPAM", "DELETE", "get", "B@D"];
const PATHS: [&str; 26] = [
    "/e",
    "/i",
    "/h",
    "/b",
    "/s",
    "/n",
    "/m",
    "/l",
    "/p",
    "/q",
    "/f",
    "/g",
    "/d",
    "/u",
    "/x",
    "/w",
    "/c",
    "/t",
    "/r",
    "*",
    "//a",
    "http://a/e",
    "a:443",
    "/\u{e9}?q=\"|\"",
    "",
    "/a b",
];
const VERSIONS: [&str; 10] = [
    " HTTP/1.1",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/1.1",
    " HTTP/1.2",
    " HTTP/0.9",
    " HTTP/2.0",
    "",
    " ",
    " http/1.1",
];
const HOSTS: [&str; 8] = ["a", "a", "a:80", "[::1]", "", "a b", "a,b", "a:8o"];
const EXPECTS: [&str; 4] = ["100-continue", "100-Continue", "100-continue, 100-continue", "200-ok"];
const PLAIN: [&str; 8] = [
    "Accept: */*",
    "X-Empty:",
    "Content-Type:text/plain",
    "X-Tab: a\tb ",
    " folded: yes",
    "Bad : name",
    "Transfer_Encoding: chunked",
    "Trailer: x",
];
const LENGTHS: [&str; 8] =
    ["+5", "5 ", "0x5", "05", "5,5", "", "18446744073709551616", "18446744073709551615"];
const CODINGS: [&str; 9] = [
    "chunked",
    "Chunked",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    ",chunked",
    "\x0bchunked",
    "chunked;a=b",
    "identity",
];
const EXTENSIONS: [&str; 8] = ["", "", ";a", ";a=b", " ; a = \"b\\\"\" ", ";", " ", ";a=\"\n\""];

fn pick<'a>(list: &[&'a str], which: u8) -> &'a str {
    list[usize::from(which) % list.len()]
}

impl Script {
    fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for request in self.requests.iter().take(8) {
            request.write(&mut out);
        }
        if let Some((at, byte)) = self.change
            && !out.is_empty()
        {
            let at = usize::from(at) % out.len();
            out[at] = byte;
        }
        if let Some(count) = self.cut {
            out.truncate(out.len().saturating_sub(usize::from(count)));
        }
        out
    }
}

impl Sketch {
    fn write(&self, out: &mut Vec<u8>) {
        // Empty lines before a request, mostly none.
        for _ in 0..self.before.saturating_sub(246) {
            out.extend_from_slice(b"\r\n");
        }
        let end: &[u8] = if self.line_end { b"\r\n" } else { b"\n" };
        let (method, path) = (pick(&METHODS, self.method), pick(&PATHS, self.path));
        let target = match path.strip_prefix('/') {
            // The target of a tunnel; the second letter selects what the handler does.
            Some(letter) if method == "CONNECT" && letter.len() == 1 => format!("a{letter}:443"),
            _ => path.to_owned(),
        };
        let line = format!("{method} {target}{}", pick(&VERSIONS, self.version));
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(end);
        // Half of them have a Host.
        if self.version.is_multiple_of(2) || self.fields.is_empty() {
            out.extend_from_slice(b"Host: a\r\n");
        }
        for field in self.fields.iter().take(6) {
            field.write(out);
            out.extend_from_slice(end);
        }
        let body = self.body.bytes();
        let framing = self.framing.lines(body.len());
        out.extend_from_slice(framing.as_bytes());
        out.extend_from_slice(end);
        match &self.framing {
            Framing::None => {}
            Framing::Chunked(chunks) => write_chunks(chunks, &body, out),
            Framing::Coding(_) | Framing::Both => write_chunks(&[], &body, out),
            _ => out.extend_from_slice(&body),
        }
    }
}

impl Field {
    fn write(&self, out: &mut Vec<u8>) {
        let text = match self {
            Self::Host(which) => format!("Host: {}", pick(&HOSTS, *which)),
            Self::Close => "Connection: close".to_owned(),
            Self::KeepAlive => "Connection: x, Keep-Alive".to_owned(),
            Self::Expect(which) => format!("Expect: {}", pick(&EXPECTS, *which)),
            Self::Plain(which) => pick(&PLAIN, *which).to_owned(),
            Self::Odd(name, value) => {
                out.extend(name.iter().take(12));
                out.extend_from_slice(b": ");
                out.extend(value.iter().take(40));
                return;
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
}

impl Framing {
    fn lines(&self, len: usize) -> String {
        let wrong = |by: i8| len.saturating_add_signed(isize::from(by));
        match self {
            Self::None => String::new(),
            Self::Length => format!("Content-Length: {len}\r\n"),
            Self::WrongLength(by) => format!("content-length:{}\r\n", wrong(*by)),
            Self::TwoLengths(by) => format!("Content-Length: {len}\r\nContent-Length: {}\r\n", wrong(*by)),
            Self::LengthText(which) => format!("Content-Length: {}\r\n", pick(&LENGTHS, *which)),
            Self::Chunked(_) => "Transfer-Encoding: chunked\r\n".to_owned(),
            Self::Coding(which) => format!("Transfer-Encoding: {}\r\n", pick(&CODINGS, *which)),
            Self::Both => format!("Content-Length: {len}\r\nTransfer-Encoding: chunked\r\n"),
        }
    }
}

fn write_chunks(chunks: &[Chunk], mut rest: &[u8], out: &mut Vec<u8>) {
    for chunk in chunks.iter().take(12) {
        let (data, tail) = rest.split_at(rest.len().min(usize::from(chunk.len)));
        if data.is_empty() {
            break;
        }
        rest = tail;
        let size = match chunk.flaw {
            0 => format!("+{:x}", data.len()),
            1 => format!("0x{:x}", data.len()),
            2 => format!("{:x}", data.len() + 1),
            3 => format!("{:x}", data.len() - 1),
            4 => format!("{:017x}", data.len()),
            5 => format!("{:016X}", data.len()),
            _ => format!("{:x}", data.len()),
        };
        out.extend_from_slice(size.as_bytes());
        out.extend_from_slice(pick(&EXTENSIONS, chunk.extension).as_bytes());
        out.extend_from_slice(if chunk.flaw == 6 { b"\n" } else { b"\r\n" });
        out.extend_from_slice(data);
        out.extend_from_slice(if chunk.flaw == 7 { b"\n" } else { b"\r\n" });
    }
    if !rest.is_empty() {
        out.extend_from_slice(format!("{:X}\r\n", rest.len()).as_bytes());
        out.extend_from_slice(rest);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(match chunks.first().map(|chunk| chunk.flaw) {
        Some(8) => b"0\r\nX: y\r\n\r\n",
        Some(9) => b"0\r\nContent-Length: 5\r\n\r\n",
        Some(10) => b"0\r\n",
        Some(11) => b"000;last\r\n\r\n",
        Some(12) => b"0\r\n\n",
        _ => b"0\r\n\r\n",
    });
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        const SMUGGLED: [&str; 4] = [
            "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nPOST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n",
            "GET /smuggled\r\n",
        ];
        match self {
            Self::Bytes(bytes) => bytes.iter().copied().take(400).collect(),
            Self::Smuggled(which) => pick(&SMUGGLED, *which).as_bytes().to_vec(),
            // Mostly short, sometimes longer than what is gathered before the handler is called.
            Self::Long(length) if *length > 65_500 => vec![b'z'; 70_000],
            Self::Long(length) => vec![b'z'; usize::from(length % 700)],
        }
    }
}
