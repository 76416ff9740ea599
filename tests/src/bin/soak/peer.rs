//! A client's connection that checks every byte of a response.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use basehttp_tests::show;

use crate::wire::Wire;

/// How an exchange failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server had no room, and answered 503.
    Refused,
    /// The connection ended before the response did. With the time at which the client had sent its request completely.
    Broken(io::Error, Option<Instant>),
    /// The server ended what would have continued, in the way that is right at its shutdown.
    Ended(&'static str),
    /// The response is not as expected.
    Wrong(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Wrong(format!("TLS: {error}")),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Self::Wrong("no byte for a minute".to_owned())
            }
            _ => Self::Broken(error, None),
        }
    }
}

impl Trouble {
    /// The client had sent its request at this time.
    pub(crate) fn since(self, sent: Option<Instant>) -> Self {
        match self {
            Self::Broken(error, _) => Self::Broken(error, sent),
            trouble => trouble,
        }
    }
}

/// The expected response.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) status: u16,
    /// `None` for one of the server's own pages, of which only the framing is checked.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) framing: Framing,
    /// The request was HEAD.
    pub(crate) head_only: bool,
    /// The connection must end with it. It may end in any case: the server may be about to end.
    pub(crate) last: bool,
    /// The fields between `Date` and those of the framing, in order, with their values, if those are known.
    pub(crate) fields: Vec<(&'static str, Option<String>)>,
    /// The reason, if it is not that of the RFC.
    pub(crate) reason: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// By the end of the connection.
    Close,
    /// By length or in chunks: that depends on what the client takes meanwhile.
    Any,
    /// A response that has no body.
    Empty,
}

impl Wanted {
    pub(crate) fn page(body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..Self::failure(200) }
    }

    pub(crate) fn failure(status: u16) -> Self {
        Self {
            status,
            body: None,
            framing: Framing::Length,
            head_only: false,
            last: false,
            fields: vec![],
            reason: None,
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { framing: Framing::Empty, body: Some(vec![]), ..Self::failure(status) }
    }

    pub(crate) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, Some(value.into())));
        self
    }

    /// A field with any value.
    pub(crate) fn any(mut self, name: &'static str) -> Self {
        self.fields.push((name, None));
        self
    }
}

/// A response of which the head was read.
struct Begun {
    head: String,
    framing: Framing,
    length: usize,
    closes: bool,
}

#[derive(Debug)]
pub(crate) struct Peer {
    wire: Wire,
    input: Vec<u8>,
    /// How many bytes of `input` were used.
    used: usize,
    /// When the last byte was sent.
    sent: Option<Instant>,
}

impl Peer {
    pub(crate) fn over(wire: Wire) -> Self {
        Self { wire, input: Vec::new(), used: 0, sent: None }
    }

    /// The connection itself, and what was read and not used.
    pub(crate) fn into_parts(mut self) -> (Wire, Vec<u8>) {
        let rest = self.input.split_off(self.used);
        (self.wire, rest)
    }

    pub(crate) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// A server that answers before it has read everything may have closed: the response is what matters.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
        self.sent = Some(Instant::now());
    }

    pub(crate) fn end(&mut self) {
        self.wire.end();
    }

    pub(crate) fn reset(self) {
        self.wire.reset();
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        let _ = self.wire.socket().set_read_timeout(Some(patience));
    }

    /// Reads a response. Returns whether the connection continues.
    pub(crate) fn response(&mut self, wanted: &Wanted) -> Result<bool, Trouble> {
        self.response_with_body(wanted).map(|(goes_on, ..)| goes_on)
    }

    /// As [`response`](Self::response), with the head.
    pub(crate) fn response_with_head(&mut self, wanted: &Wanted) -> Result<(bool, String), Trouble> {
        self.response_with_body(wanted).map(|(goes_on, head, _)| (goes_on, head))
    }

    /// As [`response`](Self::response), with the head and the body.
    pub(crate) fn response_with_body(&mut self, wanted: &Wanted) -> Result<(bool, String, Vec<u8>), Trouble> {
        let sent = self.sent;
        self.read_response(wanted).map_err(|trouble| trouble.since(sent))
    }

    /// Reads the head of a response whose body the caller reads.
    pub(crate) fn begin(&mut self, wanted: &Wanted) -> Result<String, Trouble> {
        let sent = self.sent;
        self.read_head(wanted).map(|begun| begun.head).map_err(|trouble| trouble.since(sent))
    }

    fn read_response(&mut self, wanted: &Wanted) -> Result<(bool, String, Vec<u8>), Trouble> {
        let Begun { head, framing, length, closes } = self.read_head(wanted)?;
        let body = match framing {
            _ if wanted.head_only => return Ok((self.goes_on(closes)?, head, vec![])),
            Framing::Length => self.bytes(length)?,
            Framing::Chunked => self.chunks(&head)?,
            Framing::Empty => vec![],
            Framing::Close | Framing::Any => self.rest()?,
        };
        if let Some(wanted) = wanted.body.as_ref().filter(|wanted| **wanted != body) {
            return Err(Trouble::Wrong(difference(wanted, &body)));
        }
        Ok((self.goes_on(closes)?, head, body))
    }

    fn read_head(&mut self, wanted: &Wanted) -> Result<Begun, Trouble> {
        let mut head = self.head()?;
        while head.starts_with("HTTP/1.1 100 ") {
            head = self.head()?;
        }
        let Wanted { status: code, framing, .. } = wanted;
        let wrong = |what: &str, head: &str| {
            Err(Trouble::Wrong(format!("{what}: wanted {code}, framing {framing:?}, got {head:?}")))
        };
        let status = head.get(9..12).and_then(|status| status.parse::<u16>().ok());
        if status == Some(503) && wanted.status != 503 {
            return Err(Trouble::Refused);
        }
        if status != Some(wanted.status) || !head.starts_with("HTTP/1.1 ") {
            return wrong("the status", &head);
        }
        let closes = head.contains("\r\nConnection: close\r\n");
        if wanted.last && !closes {
            return wrong("it does not say that it is the last", &head);
        }
        let length = field(&head, "Content-Length").map(str::parse::<usize>);
        let is_chunked = field(&head, "Transfer-Encoding") == Some("chunked");
        let framing = match &length {
            Some(Ok(_)) if !is_chunked => Framing::Length,
            None if is_chunked => Framing::Chunked,
            None if wanted.framing == Framing::Empty => Framing::Empty,
            // A response to HEAD need not have the length that GET would have (RFC 9110 section 9.3.2).
            None if closes || wanted.head_only => Framing::Close,
            _ => return wrong("the framing", &head),
        };
        if framing != wanted.framing && wanted.framing != Framing::Any {
            return wrong("the framing", &head);
        }
        if wanted.status < 400 {
            let expected = expected_head(&head, framing, wanted);
            if head != expected {
                return Err(Trouble::Wrong(format!("the head: wanted {expected:?}, got {head:?}")));
            }
        }
        let length = length.and_then(Result::ok).unwrap_or_default();
        Ok(Begun { head, framing, length, closes })
    }

    /// Checks that nothing follows the last response.
    fn goes_on(&mut self, closes: bool) -> Result<bool, Trouble> {
        if !closes {
            return Ok(true);
        }
        match self.rest()? {
            rest if rest.is_empty() => Ok(false),
            rest => Err(Trouble::Wrong(format!("after the last response: {}", show(&rest)))),
        }
    }

    /// Reads everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = self.input.split_off(self.used);
        self.input.clear();
        self.used = 0;
        self.wire.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// As [`rest`](Self::rest), when the connection may end in any way: returns what came before.
    pub(crate) fn whatever(&mut self) -> Vec<u8> {
        let mut rest = self.input.split_off(self.used);
        let _ = self.wire.read_to_end(&mut rest);
        rest
    }

    pub(crate) fn head(&mut self) -> io::Result<String> {
        let end = self.find(b"\r\n\r\n")?;
        Ok(self.take(end + 4).iter().map(|byte| char::from(*byte)).collect())
    }

    fn chunks(&mut self, head: &str) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk(head)?;
            body.extend_from_slice(&chunk);
            if chunk.is_empty() {
                return Ok(body);
            }
        }
    }

    /// The data of a chunk; that of the last is empty.
    pub(crate) fn chunk(&mut self, head: &str) -> Result<Vec<u8>, Trouble> {
        let end = self.find(b"\r\n")?;
        let line = self.take(end + 2);
        let line = String::from_utf8_lossy(&line);
        let Ok(size) = usize::from_str_radix(line.trim_end(), 16) else {
            return Err(Trouble::Wrong(format!("no chunk size: {line:?} after {head:?}")));
        };
        let mut chunk = self.bytes(size + 2)?;
        if !chunk.ends_with(b"\r\n") {
            return Err(Trouble::Wrong(format!("no line end after a chunk: {head:?}")));
        }
        chunk.truncate(size);
        Ok(chunk)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.input.len() - self.used < count {
            self.more()?;
        }
        Ok(self.take(count))
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let bytes = self.input[self.used..self.used + count].to_vec();
        self.used += count;
        bytes
    }

    fn find(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut from = 0;
        loop {
            let input = &self.input[self.used..];
            let found = input[from..].windows(text.len()).position(|window| window == text);
            if let Some(at) = found {
                return Ok(from + at);
            }
            from = input.len().saturating_sub(text.len());
            self.more()?;
        }
    }

    /// Waits for something to read, for a short time. False if nothing has come.
    pub(crate) fn has_input(&mut self, time: Duration) -> Result<bool, Trouble> {
        if self.used < self.input.len() {
            return Ok(true);
        }
        self.set_patience(time.max(Duration::from_millis(1)));
        let more = self.more();
        self.set_patience(basehttp_tests::PATIENCE);
        match more {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) => Err(Trouble::from(error).since(self.sent)),
        }
    }

    pub(crate) fn more(&mut self) -> io::Result<()> {
        if self.used > 0 {
            self.input.drain(..self.used);
            self.used = 0;
        }
        let mut buffer = [0; 16 * 1024];
        match self.wire.read(&mut buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed the connection")),
            count => {
                self.input.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

/// Where two bodies differ.
pub(crate) fn difference(wanted: &[u8], got: &[u8]) -> String {
    let at = wanted.iter().zip(got).take_while(|(wanted, got)| wanted == got).count();
    let rest = got.get(at..got.len().min(at + 200)).unwrap_or_default();
    format!("the body, {} bytes instead of {}, differs at {at}: {}", got.len(), wanted.len(), show(rest))
}

pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The expected head of a handler's response, word for word.
fn expected_head(head: &str, framing: Framing, wanted: &Wanted) -> String {
    let of = |name: &str| field(head, name).unwrap_or("?");
    let version = concat!("SimpleHTTP/", env!("CARGO_PKG_VERSION"), " Rust/");
    let server = if of("Server").starts_with(version) { of("Server") } else { "?" };
    let date = if of("Date").len() == 29 && of("Date").ends_with(" GMT") { of("Date") } else { "?" };
    let reason = match wanted.status {
        _ if wanted.reason.is_some() => wanted.reason.unwrap_or_default(),
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        304 => "Not Modified",
        _ => "?",
    };
    let mut expected = format!("HTTP/1.1 {} {reason}\r\nServer: {server}\r\nDate: {date}\r\n", wanted.status);
    let mut line = |name: &str, value: &str| {
        expected.push_str(name);
        expected.push_str(": ");
        expected.push_str(value);
        expected.push_str("\r\n");
    };
    for (name, value) in &wanted.fields {
        line(name, value.as_deref().unwrap_or(of(name)));
    }
    let has = |name: &str| wanted.fields.iter().any(|(field, _)| *field == name);
    match framing {
        Framing::Length | Framing::Any if !has("Content-Length") => {
            line("Content-Length", of("Content-Length"));
        }
        Framing::Chunked => line("Transfer-Encoding", "chunked"),
        _ => {}
    }
    if head.contains("\r\nConnection: close\r\n") && !has("Connection") {
        line("Connection", "close");
    }
    expected + "\r\n"
}
