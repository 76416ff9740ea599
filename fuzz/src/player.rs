//! A handler that does what handlers do, right and wrong. The path of a request selects the behaviour.

use std::io::{self, Read as _};
use std::sync::{Arc, Mutex};

use basehttp::prelude::*;
use basehttp::testing::{Run, run};

use crate::panics;

/// A request as it reached the handler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub version: String,
    pub fields: Vec<(String, String)>,
    /// The part of the body that was read.
    pub body: Vec<u8>,
    /// Whether that is all of it, as far as the handler knows.
    pub is_all: bool,
    /// Whether reading it failed.
    pub has_failed: bool,
}

/// The first letter of the path, and the response that it selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Reads the body and sends it back.
    Echo,
    /// Responds without reading the body.
    Ignore,
    /// Reads three bytes of the body.
    Half,
    /// Reads with a limit of eight bytes.
    Small,
    /// Sends a head, then reads, and sends each piece at once.
    Stream,
    NoContent,
    NotModified,
    /// More than the response buffer holds.
    Long,
    Panic,
    PanicLate,
    Fail,
    FailLate,
    /// Declares more than it sends.
    Short,
    /// Declares less than it sends.
    Surplus,
    /// No response.
    Nothing,
    /// A body without a head.
    Headless,
    Close,
    /// An interim response before the final one.
    Interim,
    Refuse,
}

impl Part {
    pub fn of(path: &str) -> Self {
        match path.as_bytes().get(1) {
            Some(b'i') => Self::Ignore,
            Some(b'h') => Self::Half,
            Some(b'b') => Self::Small,
            Some(b's') => Self::Stream,
            Some(b'n') => Self::NoContent,
            Some(b'm') => Self::NotModified,
            Some(b'l') => Self::Long,
            Some(b'p') => Self::Panic,
            Some(b'q') => Self::PanicLate,
            Some(b'f') => Self::Fail,
            Some(b'g') => Self::FailLate,
            Some(b'd') => Self::Short,
            Some(b'u') => Self::Surplus,
            Some(b'x') => Self::Nothing,
            Some(b'w') => Self::Headless,
            Some(b'c') => Self::Close,
            Some(b't') => Self::Interim,
            Some(b'r') => Self::Refuse,
            _ => Self::Echo,
        }
    }

    /// Whether a response may be cut off although the request was valid.
    pub fn may_be_cut(self) -> bool {
        matches!(self, Self::PanicLate | Self::FailLate | Self::Short)
    }
}

/// The methods that the handler has.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "SPAM"];

/// Length of the response to `/l`.
pub const LONG: usize = 70_000;

/// Runs the handler on a connection, and returns its calls.
pub fn play<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Run, Vec<Call>) {
    panics::expect();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let run = run(|base| Player { base, calls: Arc::clone(&calls) }, pieces);
    let calls = std::mem::take(&mut *calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    (run, calls)
}

struct Player {
    base: BaseHTTPRequestHandler,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[http_handler]
impl Player {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.play()
    }

    fn do_POST(&self) -> io::Result<()> {
        self.play()
    }

    fn do_PUT(&self) -> io::Result<()> {
        self.play()
    }

    fn do_OPTIONS(&self) -> io::Result<()> {
        self.play()
    }

    fn do_CONNECT(&self) -> io::Result<()> {
        self.play()
    }

    fn do_SPAM(&self) -> io::Result<()> {
        self.play()
    }

    fn play(&self) -> io::Result<()> {
        let fields = self.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let call = Call {
            method: self.command().to_owned(),
            path: self.path().to_owned(),
            version: self.request_version().to_owned(),
            fields: fields.collect(),
            ..Call::default()
        };
        self.calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(call);
        match Part::of(self.path()) {
            Part::Echo => {
                let body = self.take(usize::MAX)?;
                self.response(200, &body)
            }
            Part::Ignore => self.response(200, b"ignored\n"),
            Part::Half => {
                let body = self.take(3)?;
                self.response(200, &body)
            }
            Part::Small => {
                let body = self.read_body(8)?;
                self.note(|call| (call.body, call.is_all) = (body.clone(), true));
                self.response(201, &body)
            }
            Part::Stream => self.stream(),
            Part::NoContent => self.response(204, b""),
            Part::NotModified => self.response(304, b""),
            Part::Long => self.response(200, &[b'l'; LONG]),
            Part::Panic => std::panic::panic_any(panics::ON_PURPOSE),
            Part::Fail => Err(io::Error::other("on purpose\r\nX: y")),
            Part::PanicLate => {
                self.begin()?;
                std::panic::panic_any(panics::ON_PURPOSE)
            }
            Part::FailLate => {
                self.begin()?;
                Err(io::Error::other("on purpose"))
            }
            Part::Short | Part::Surplus => {
                self.send_response(200);
                self.send_header("Content-Length", 10);
                self.end_headers()?;
                let text: &[u8] = if self.path().starts_with("/d") { b"short" } else { b"much too long" };
                let _ = self.wfile.write_all(text);
                Ok(())
            }
            Part::Nothing => Ok(()),
            Part::Headless => self.wfile.write_all(b"no head\n"),
            Part::Close => {
                self.set_close_connection(true);
                self.response(200, b"closing\n")
            }
            Part::Interim => {
                self.send_response_only(103);
                self.send_header("Link", "</a>");
                self.end_headers()?;
                self.response(200, b"after an interim response\n")
            }
            Part::Refuse => self.send_error((403, "No\r\nX: y")),
        }
    }

    fn note(&self, change: impl Fn(&mut Call)) {
        let mut calls = self.calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(call) = calls.last_mut() {
            change(call);
        }
    }

    /// Reads up to `most` bytes.
    fn take(&self, most: usize) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        let read = (&self.rfile).take(most as u64).read_to_end(&mut body);
        self.note(|call| {
            call.body.clone_from(&body);
            call.is_all = read.is_ok() && body.len() < most;
            call.has_failed = read.is_err();
        });
        read.map(|_| body)
    }

    fn response(&self, code: u16, body: &[u8]) -> io::Result<()> {
        self.send_response(code);
        self.end_headers()?;
        if body.is_empty() { Ok(()) } else { self.wfile.write_all(body) }
    }

    /// Commits a response.
    fn begin(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        let _ = self.wfile.write_all(b"begun\n");
        self.wfile.flush()
    }

    fn stream(&self) -> io::Result<()> {
        self.begin()?;
        let mut piece = [0; 7];
        loop {
            let read = self.rfile.read(&mut piece);
            match &read {
                Ok(count) => self.note(|call| {
                    call.body.extend_from_slice(&piece[..*count]);
                    call.is_all = *count == 0;
                }),
                Err(_) => self.note(|call| call.has_failed = true),
            }
            let count = read?;
            if count == 0 {
                return Ok(());
            }
            let _ = self.wfile.write_all(&piece[..count]);
            let _ = self.wfile.flush();
        }
    }
}
