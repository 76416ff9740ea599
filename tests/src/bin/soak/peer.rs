//! A client's connection that checks every byte of a response.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use basehttp_tests::{PATIENCE, show};
use socket2::SockRef;

/// How an exchange failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server had no room, and answered 503.
    Refused,
    /// The connection ended before the response did.
    Broken(io::Error),
    /// The response is not as expected.
    Wrong(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// By the end of the connection.
    Close,
    /// By length or in chunks: that depends on what the client takes meanwhile.
    Any,
}

impl Wanted {
    pub(crate) fn page(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: Some(body.into()), framing: Framing::Length, head_only: false, last: false }
    }

    pub(crate) fn failure(status: u16) -> Self {
        Self { status, body: None, framing: Framing::Length, head_only: false, last: false }
    }
}

#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    input: Vec<u8>,
    /// How many bytes of `input` were used.
    used: usize,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, input: Vec::new(), used: 0 })
    }

    /// A server that answers before it has read everything may have closed: the response is what matters.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes with a reset.
    pub(crate) fn reset(self) {
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        let _ = self.stream.set_read_timeout(Some(patience));
    }

    /// Reads a response. Returns whether the connection continues.
    pub(crate) fn response(&mut self, wanted: &Wanted) -> Result<bool, Trouble> {
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
            // A response to HEAD need not have the length that GET would have (RFC 9110 section 9.3.2).
            None if closes || wanted.head_only => Framing::Close,
            _ => return wrong("the framing", &head),
        };
        if framing != wanted.framing && wanted.framing != Framing::Any {
            return wrong("the framing", &head);
        }
        if wanted.status == 200 && head != plain_head(&head, framing) {
            return wrong("the head", &head);
        }
        let body = match (framing, length) {
            _ if wanted.head_only => return self.goes_on(closes),
            (Framing::Length, Some(Ok(length))) => self.bytes(length)?,
            (Framing::Chunked, _) => self.chunks(&head)?,
            _ => self.rest()?,
        };
        if let Some(wanted) = wanted.body.as_ref().filter(|wanted| **wanted != body) {
            let at = wanted.iter().zip(&body).take_while(|(wanted, got)| wanted == got).count();
            let got = body.get(at..body.len().min(at + 200)).unwrap_or_default();
            return Err(Trouble::Wrong(format!(
                "the body, {} bytes instead of {}, differs at {at}: {}",
                body.len(),
                wanted.len(),
                show(got)
            )));
        }
        self.goes_on(closes)
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
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// As [`rest`](Self::rest), when the connection may end in any way: returns what came before.
    pub(crate) fn whatever(&mut self) -> Vec<u8> {
        let mut rest = self.input.split_off(self.used);
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    pub(crate) fn head(&mut self) -> io::Result<String> {
        let end = self.find(b"\r\n\r\n")?;
        Ok(self.take(end + 4).iter().map(|byte| char::from(*byte)).collect())
    }

    fn chunks(&mut self, head: &str) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            let end = self.find(b"\r\n")?;
            let line = self.take(end + 2);
            let line = String::from_utf8_lossy(&line);
            let Ok(size) = usize::from_str_radix(line.trim_end(), 16) else {
                return Err(Trouble::Wrong(format!("no chunk size: {line:?} after {head:?}")));
            };
            let chunk = self.bytes(size + 2)?;
            if !chunk.ends_with(b"\r\n") {
                return Err(Trouble::Wrong(format!("no line end after a chunk: {head:?}")));
            }
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
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

    pub(crate) fn more(&mut self) -> io::Result<()> {
        if self.used > 0 {
            self.input.drain(..self.used);
            self.used = 0;
        }
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed the connection")),
            count => {
                self.input.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The expected head of a handler's response, word for word.
fn plain_head(head: &str, framing: Framing) -> String {
    let of = |name: &str| field(head, name).unwrap_or("?");
    let version = concat!("BaseHTTP/", env!("CARGO_PKG_VERSION"), " Rust/");
    let server = if of("Server").starts_with(version) { of("Server") } else { "?" };
    let date = if of("Date").len() == 29 && of("Date").ends_with(" GMT") { of("Date") } else { "?" };
    let framing = match framing {
        Framing::Length | Framing::Any => format!("Content-Length: {}\r\n", of("Content-Length")),
        Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
        Framing::Close => String::new(),
    };
    let close = if head.contains("\r\nConnection: close\r\n") { "Connection: close\r\n" } else { "" };
    format!("HTTP/1.1 200 OK\r\nServer: {server}\r\nDate: {date}\r\n{framing}{close}\r\n")
}
