//! Responses: a handler that follows a program, right or wrong, and a strict client that reads.
//!
//! 1. The output is one well-formed response, and one more for the next request unless the first announced that it is the last;
//!    or it is cut off if the handler failed or sent less than it declared.
//! 2. A head has only the lines that the handler requested and the server's own, and values are as they were given.
//! 3. A body never runs into the next response, whatever the method, the version and the status.
#![no_main]

use std::cell::{Cell, RefCell};
use std::io::{self, Read as _};
use std::rc::Rc;

use arbitrary::Arbitrary;
use basehttp::prelude::*;
use basehttp::testing::{Run, run};
use basehttp_fuzz::responses::{self, Asked, End, Response};
use basehttp_fuzz::{panics, show};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|program: Program| check(program));

#[derive(Arbitrary, Debug)]
struct Program {
    method: Method,
    version: Version,
    /// Whether the client keeps the connection, as far as it can choose.
    keep: bool,
    body: u8,
    expects: bool,
    /// Whether the handler speaks HTTP/1.0.
    python: bool,
    acts: Vec<Act>,
    /// Whether the handler returns the error of an act.
    propagates: bool,
    end: Ending,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Get,
    Head,
    Post,
    Connect,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http09,
    Http10,
    Http11,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Well,
    Error,
    Panic,
}

#[derive(Arbitrary, Clone, Debug)]
enum Act {
    Response(Code, Option<String>),
    ResponseOnly(Code),
    Header(Name, String),
    Length(u16),
    Number(i64),
    Chunked,
    Connection(u8),
    EndHeaders,
    Write(Vec<u8>),
    WriteMany(u16),
    Flush,
    FlushHeaders,
    Error(Code, Option<String>),
    Read(u8),
    Close(bool),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Code {
    Usual,
    Of(u8),
    Any(u16),
}

#[derive(Arbitrary, Clone, Debug)]
enum Name {
    Usual(u8),
    Any(String),
}

const CODES: [u16; 16] = [200, 204, 304, 205, 206, 100, 101, 103, 199, 201, 301, 404, 417, 500, 503, 999];
const NAMES: [&str; 8] = [
    "X",
    "Content-Type",
    "Content-Length",
    "Transfer-Encoding",
    "Date",
    "Server",
    "Set-Cookie",
    "content-length",
];
const OPTIONS: [&str; 6] = ["close", "keep-alive", "Upgrade", "Keep-Alive, x", "x, CLOSE", ","];

impl Code {
    fn number(self) -> u16 {
        match self {
            Self::Usual => 200,
            Self::Of(which) => CODES[usize::from(which) % CODES.len()],
            Self::Any(code) => code,
        }
    }
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Usual(which) => NAMES[usize::from(*which) % NAMES.len()],
            Self::Any(text) => text,
        }
    }
}

/// The result of a run of the program.
#[derive(Default)]
struct Played {
    /// Fields that the handler requested.
    fields: RefCell<Vec<(String, String)>>,
    /// The code of the head in progress.
    code: Cell<u16>,
    /// The code of the first final head that was ended without an error.
    head: Cell<Option<u16>>,
    written: RefCell<Vec<u8>>,
    /// Whether an act failed.
    has_errors: Cell<bool>,
    /// Whether the handler failed.
    failed: Cell<bool>,
}

const SECOND: &[u8] = b"second\n";

macro_rules! handler {
    ($name:ident, $version:literal) => {
        struct $name {
            base: BaseHTTPRequestHandler,
            program: Rc<Program>,
            played: Rc<Played>,
        }

        #[http_handler]
        impl $name {
            const protocol_version: &str = $version;

            fn do_GET(&self) -> io::Result<()> {
                perform(self, &self.program, &self.played)
            }

            fn do_POST(&self) -> io::Result<()> {
                perform(self, &self.program, &self.played)
            }

            fn do_CONNECT(&self) -> io::Result<()> {
                perform(self, &self.program, &self.played)
            }
        }
    };
}

handler!(Modern, "HTTP/1.1");
handler!(Python, "HTTP/1.0");

fn perform<H: RequestHandler>(handler: &H, program: &Program, played: &Played) -> io::Result<()> {
    if handler.path() == "/second" {
        handler.send_response(200);
        handler.end_headers()?;
        return handler.wfile.write_all(SECOND);
    }
    for act in program.acts.iter().take(40) {
        let done = act.perform(handler, played);
        if done.is_err() {
            played.has_errors.set(true);
        }
        if done.is_err() && program.propagates {
            played.failed.set(true);
            return done;
        }
    }
    played.failed.set(program.end != Ending::Well);
    match program.end {
        Ending::Well => Ok(()),
        Ending::Error => Err(io::Error::other("on purpose\r\nX-Error: y\r\n\r\n")),
        Ending::Panic => std::panic::panic_any(panics::ON_PURPOSE),
    }
}

impl Act {
    fn perform<H: RequestHandler>(&self, handler: &H, played: &Played) -> io::Result<()> {
        let header = |name: &str, value: &str| {
            played.fields.borrow_mut().push((name.to_owned(), value.to_owned()));
            handler.send_header(name, value);
        };
        match self {
            Self::Response(code, message) => {
                played.code.set(code.number());
                match message {
                    Some(message) => handler.send_response((code.number(), message)),
                    None => handler.send_response(code.number()),
                }
            }
            Self::ResponseOnly(code) => {
                played.code.set(code.number());
                handler.send_response_only(code.number());
            }
            Self::Header(name, value) => header(name.text(), value),
            Self::Length(length) => header("Content-Length", &length.to_string()),
            Self::Number(number) => header("Content-Length", &number.to_string()),
            Self::Chunked => header("Transfer-Encoding", "chunked"),
            Self::Connection(which) => header("Connection", OPTIONS[usize::from(*which) % OPTIONS.len()]),
            Self::EndHeaders => {
                handler.end_headers()?;
                if played.head.get().is_none() && !matches!(played.code.get(), 100 | 102..=199) {
                    played.head.set(Some(played.code.get()));
                }
            }
            Self::Write(bytes) => write(handler, bytes, played)?,
            Self::WriteMany(count) => write(handler, &vec![b'm'; usize::from(*count)], played)?,
            Self::Flush => handler.wfile.flush()?,
            Self::FlushHeaders => handler.flush_headers()?,
            Self::Error(code, message) => {
                // It starts again.
                played.has_errors.set(true);
                match message {
                    Some(message) => handler.send_error((code.number(), message))?,
                    None => handler.send_error(code.number())?,
                }
            }
            Self::Read(count) => {
                (&handler.rfile).take(u64::from(*count)).read_to_end(&mut Vec::new())?;
            }
            Self::Close(close) => handler.set_close_connection(*close),
        }
        Ok(())
    }
}

fn write<H: RequestHandler>(handler: &H, bytes: &[u8], played: &Played) -> io::Result<()> {
    handler.wfile.write_all(bytes)?;
    played.written.borrow_mut().extend_from_slice(bytes);
    Ok(())
}

impl Program {
    /// As in Python, an interim response that says `close` is the last one.
    fn is_ended_by_interim(&self, played: &Played) -> bool {
        let is_interim = |code: Code| matches!(code.number(), 100 | 102..=199);
        let fields = played.fields.borrow();
        let says_close = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection"));
        self.acts.iter().any(|act| match act {
            Act::Error(code, _) => is_interim(*code),
            Act::Response(code, _) | Act::ResponseOnly(code) => is_interim(*code) && says_close,
            _ => false,
        })
    }

    fn request(&self) -> Vec<u8> {
        let mut request = Vec::new();
        if self.version == Version::Http09 {
            return b"GET /first\r\n".to_vec();
        }
        let method = match self.method {
            Method::Get => "GET /first",
            Method::Head => "HEAD /first",
            Method::Post => "POST /first",
            Method::Connect => "CONNECT a:1",
        };
        let (version, connection) = match (self.version, self.keep) {
            (Version::Http11, true) => ("1.1", ""),
            (Version::Http11, false) => ("1.1", "Connection: close\r\n"),
            (_, true) => ("1.0", "Connection: keep-alive\r\n"),
            (_, false) => ("1.0", ""),
        };
        let expect = if self.expects { "Expect: 100-continue\r\n" } else { "" };
        let head = format!("{method} HTTP/{version}\r\nHost: a\r\n{connection}{expect}");
        request.extend_from_slice(head.as_bytes());
        if self.method == Method::Post {
            request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body).as_bytes());
            request.resize(request.len() + usize::from(self.body), b'b');
        } else {
            request.extend_from_slice(b"\r\n");
        }
        request
    }

    fn run(self: Rc<Self>, request: &[u8], played: &Rc<Played>) -> Run {
        let (program, played) = (|| Rc::clone(&self), || Rc::clone(played));
        if self.python {
            run(|base| Python { base, program: program(), played: played() }, [request])
        } else {
            run(|base| Modern { base, program: program(), played: played() }, [request])
        }
    }
}

fn check(program: Program) {
    panics::expect();
    let program = Rc::new(program);
    let played = Rc::default();
    let mut input = program.request();
    input.extend_from_slice(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    let run = Rc::clone(&program).run(&input, &played);
    if let Err(what) = examine(&program, &played, &run) {
        panic!("{what}\noutput: {}\nlog: {}", show(&run.output), run.log);
    }
}

fn examine(program: &Program, played: &Played, run: &Run) -> Result<(), String> {
    let is_old = program.version == Version::Http09;
    let asked = Asked {
        head: !is_old && program.method == Method::Head,
        connect: !is_old && program.method == Method::Connect,
        headless: is_old,
        speaks_1_1: program.version == Version::Http11,
    };
    if program.is_ended_by_interim(played) && only_interim(&run.output, program) {
        return Ok(());
    }
    let declares = program.acts.iter().any(|act| {
        matches!(act, Act::Length(_) | Act::Number(_))
            || matches!(act, Act::Header(name, _) if name.text().eq_ignore_ascii_case("content-length"))
    });
    if run.output.is_empty() && run.responses.first().is_some_and(|response| response.truncated) {
        return if played.failed.get() || declares { Ok(()) } else { Err("no response at all".to_owned()) };
    }
    let (response, len) = responses::read(&run.output, asked)?;
    let rest = &run.output[len..];
    lines(&response, played)?;
    if response.end == End::Truncated && !played.failed.get() && !declares {
        return Err("a response that is cut off without a reason".to_owned());
    }
    let is_cut = run.responses.first().is_some_and(|response| response.truncated);
    // A response without a body is complete, whatever the handler did after it.
    // HTTP/0.9 does not show the status.
    let status = if is_old { played.head.get().unwrap_or_default() } else { response.status };
    let has_body = !asked.head && !matches!(status, 204 | 205 | 304);
    let has_failed = played.failed.get() && played.head.get().is_some();
    if response.end == End::WithConnection && has_failed && has_body && !is_cut && !is_old {
        return Err("a failure that nobody can see".to_owned());
    }
    // A mistake that the handler was not told about, since it did nothing after it.
    let is_page = run.log.contains("] code 500, message");
    let is_plain =
        !is_page && !played.has_errors.get() && !played.failed.get() && played.head.get().is_some();
    if is_plain && has_body && !is_cut && response.body != *played.written.borrow() {
        return Err(format!("another body than {}", show(&played.written.borrow())));
    }
    if !program.keep && program.version != Version::Http11 && program.version != Version::Http09 {
        // The handler may still keep the connection: the client did not say `close`.
    } else if !program.keep && !response.closes {
        return Err("a connection that is kept against the client's will".to_owned());
    }
    if response.closes {
        return if rest.is_empty() { Ok(()) } else { Err(format!("after the last response {}", show(rest))) };
    }
    // A complete response cannot be cut off, but the connection can. And a handler may decide to close after its head was
    // sent.
    let decides = program.acts.iter().any(|act| matches!(act, Act::Close(true)));
    if rest.is_empty() && (decides || played.failed.get() || (is_cut && declares)) {
        return Ok(());
    }
    let (second, len) = responses::read(rest, Asked { speaks_1_1: true, ..Asked::default() })?;
    if second.status == 200 && second.body == SECOND && second.end == End::Framed && len == rest.len() {
        Ok(())
    } else {
        Err(format!("the second response is {second:?}"))
    }
}

/// Whether there are only interim responses, one after the other.
fn only_interim(output: &[u8], program: &Program) -> bool {
    let speaks_1_1 = program.version == Version::Http11;
    // A final response, appended to them, is the only one.
    let end = b"HTTP/1.1 204 End\r\n\r\n";
    let read = responses::read(&[output, end].concat(), Asked { speaks_1_1, ..Asked::default() });
    read.is_ok_and(|(response, len)| response.reason == b"End" && len == output.len() + end.len())
}

/// Whether every line of the head was requested, or is the server's.
fn lines(response: &Response, played: &Played) -> Result<(), String> {
    let ours: [&[u8]; 7] = [
        b"server",
        b"date",
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"allow",
    ];
    let asked = played.fields.borrow();
    for (name, value) in &response.fields {
        let is_asked = asked.iter().any(|(asked, text)| {
            let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
            asked.as_bytes().eq_ignore_ascii_case(name) && latin1.as_deref() == Some(&**value)
        });
        if !is_asked && !ours.contains(&&**name) {
            return Err(format!("a line that nobody asked for: {}: {}", show(name), show(value)));
        }
    }
    Ok(())
}
