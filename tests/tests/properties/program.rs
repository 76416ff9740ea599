//! What a handler may do, as a value; and what a client may request.

use basehttp_tests::strict::{Asked, Version};

/// One thing that a handler does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// `send_response`, with a message or without.
    Respond(u16, Option<String>),
    /// `send_response_only`
    RespondOnly(u16, Option<String>),
    /// `send_header`
    Header(String, String),
    EndHeaders,
    FlushHeaders,
    /// `send_error`, with message and explanation or without.
    Error(u16, Option<String>, Option<String>),
    /// `wfile.write` until this many bytes are written, or a call fails.
    Write(usize),
    /// `wfile.write_all`
    WriteAll(usize),
    Flush,
    /// `wfile.send_trailer`
    Trailer(String, String),
    /// Reads this many bytes of the request's body.
    Read(usize),
    ReadAll,
    /// `set_close_connection`
    Close(bool),
}

/// How the method ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Well,
    WithError,
    WithPanic,
}

/// What a handler does for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) acts: Vec<Act>,
    /// The first error ends it and is passed on; otherwise errors are ignored.
    pub(crate) passes_on: bool,
    pub(crate) finish: Finish,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    None,
    Length(usize),
    /// This many bytes in chunks of this size.
    Chunked(usize, usize),
}

impl Upload {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Length(len) | Self::Chunked(len, _) => len,
        }
    }
}

/// A request, and what its handler does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) version: Version,
    pub(crate) connection: Option<&'static str>,
    pub(crate) upload: Upload,
    pub(crate) expects: bool,
    pub(crate) program: Program,
}

/// The requests of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Whether the handler's `protocol_version` is HTTP/1.1.
    pub(crate) speaks_1_1: bool,
    pub(crate) requests: Vec<Request>,
    /// The number of pieces in which the input arrives.
    pub(crate) pieces: usize,
}

/// The bodies of requests and responses look like a request and a response, in case they are read as one.
const FORGED_REQUEST: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const FORGED_RESPONSE: &[u8] = b"0\r\n\r\nHTTP/1.1 299 Forged\r\nX-Forged: yes\r\nContent-Length: 0\r\n\r\n";

fn repeat(text: &[u8], from: usize, len: usize) -> Vec<u8> {
    let from = from % text.len();
    let mut bytes = text.repeat((from + len).div_ceil(text.len()));
    bytes.drain(..from);
    bytes.truncate(len);
    bytes
}

/// `len` bytes of the body of a request.
pub(crate) fn uploaded(from: usize, len: usize) -> Vec<u8> {
    repeat(FORGED_REQUEST, from, len)
}

/// `len` bytes for the body of a response, after `from` earlier bytes.
pub(crate) fn written(from: usize, len: usize) -> Vec<u8> {
    repeat(FORGED_RESPONSE, from, len)
}

/// The target of CONNECT, which is a host and a port (RFC 9112 section 3.2.3).
fn authority(path: &str) -> String {
    format!("{}:443", path.trim_start_matches('/').replace('/', "-"))
}

/// The path that an [`authority`] stands for.
pub(crate) fn path_of(authority: &str) -> String {
    format!("/{}", authority.trim_end_matches(":443").replace('-', "/"))
}

impl Request {
    pub(crate) fn asked(&self) -> Asked {
        Asked::new(self.method, self.version)
    }

    /// Its bytes. The path identifies it.
    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        let path = if self.method == "CONNECT" { &authority(path) } else { path };
        let mut head = match self.version {
            Version::Http09 => return format!("GET {path}\r\n").into_bytes(),
            Version::Http10 => format!("{} {path} HTTP/1.0\r\n", self.method),
            Version::Http11 => format!("{} {path} HTTP/1.1\r\nHost: a\r\n", self.method),
        };
        if let Some(connection) = self.connection {
            head.extend(["Connection: ", connection, "\r\n"]);
        }
        if self.expects {
            head.push_str("Expect: 100-continue\r\n");
        }
        let body = match self.upload {
            Upload::None => Vec::new(),
            Upload::Length(len) => {
                head.extend(["Content-Length: ", &len.to_string(), "\r\n"]);
                uploaded(0, len)
            }
            Upload::Chunked(len, size) => {
                head.push_str("Transfer-Encoding: chunked\r\n");
                let mut body = Vec::new();
                for chunk in uploaded(0, len).chunks(size.max(1)) {
                    body.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    body.extend_from_slice(chunk);
                    body.extend(b"\r\n");
                }
                body.extend(b"0\r\n\r\n");
                body
            }
        };
        [format!("{head}\r\n").as_bytes(), &body].concat()
    }
}

impl Case {
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.requests.iter().map(Request::asked).collect()
    }

    /// All requests, one after the other.
    pub(crate) fn input(&self, prefix: &str) -> Vec<u8> {
        let requests = self.requests.iter().enumerate();
        let pieces: Vec<_> =
            requests.map(|(index, request)| request.bytes(&format!("{prefix}/{index}"))).collect();
        pieces.concat()
    }
}
