//! A script's run: the body goes in, the reply comes out, on one thread.

use std::io::{self, Cursor, Read};
use std::time::{Duration, Instant};

use super::CGIRequestHandler;
use super::environment::{self, Asked};
use super::process::{Script, pause};
use super::reply::{Head, parse};
use super::script::{Found, find};
use crate::files::refuse;

/// A script may send the client to another path of the server so often, as one that has mistaken its own for another would
/// for ever.
const MOST_REDIRECTS: u32 = 10;

/// How much is passed on at a time.
const PIECE: usize = 16 * 1024;

/// When a script has said something and then nothing for so long, the client gets what there is.
const PAUSE: Duration = Duration::from_millis(20);

/// How often it is looked whether a script has ended that has left its output to others.
const LOOK: Duration = Duration::from_secs(1);

/// Python's `run_cgi`.
pub(super) fn run<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
    let method = handler.command().to_owned();
    let body = Body::of(handler)?;
    let location = run_once(handler, &method, body)?;
    let Some(mut location) = location else { return Ok(()) };
    // RFC 3875 section 6.2.2: as if the client had asked for that.
    for _ in 0..MOST_REDIRECTS {
        handler.__base_mut().set_path(location);
        if handler.is_cgi().is_none() {
            return match crate::files::SimpleHTTPRequestHandler::send_head(handler)? {
                Some(content) => handler.copyfile(content),
                None => Ok(()),
            };
        }
        let method = if method == "HEAD" { "HEAD" } else { "GET" };
        match run_once(handler, method, Body::None)? {
            Some(next) => location = next,
            None => return Ok(()),
        }
    }
    handler.log_error(format_args!("a script leads in circles"));
    handler.send_error(502)
}

/// The request's body, on its way to a script.
enum Body {
    None,
    /// As it comes.
    Declared(u64),
    /// One in chunks, which was gathered to know its length.
    Gathered(Cursor<Vec<u8>>),
}

impl Body {
    fn of<H: CGIRequestHandler>(handler: &H) -> io::Result<Self> {
        if !handler.has_body() {
            return Ok(Self::None);
        }
        let declared = handler.exchange().declared();
        match declared {
            Some(length) => Ok(Self::Declared(length)),
            None => {
                handler.read_body(handler.__cgi().settings.chunked_limit).map(Cursor::new).map(Self::Gathered)
            }
        }
    }

    fn length(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Declared(length) => Some(*length),
            Self::Gathered(bytes) => Some(bytes.get_ref().len() as u64),
        }
    }

    fn read<H: CGIRequestHandler>(&mut self, handler: &H, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None => Ok(0),
            Self::Declared(_) => handler.rfile.read(buffer),
            Self::Gathered(bytes) => bytes.read(buffer),
        }
    }
}

/// Runs one script, and answers. Gives the path of the server that it wants to be answered instead.
fn run_once<H: CGIRequestHandler>(handler: &mut H, method: &str, body: Body) -> io::Result<Option<String>> {
    let Some((directory, rest)) = handler.is_cgi() else {
        return handler.send_error((404, "No such CGI script")).map(|()| None);
    };
    let (path, name, rest) = match find(handler.directory(), &directory, &rest) {
        Found::Script { path, name, rest } => (path, name, rest),
        Found::Folder => return handler.send_error((403, "CGI script is not a plain file")).map(|()| None),
        Found::Error(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return handler.send_error((403, "CGI script is not executable")).map(|()| None);
        }
        Found::Error(error) => return refuse(handler, &error).map(|_| None),
    };
    if !handler.is_executable(&path) {
        return handler.send_error((403, "CGI script is not executable")).map(|()| None);
    }
    let asked = Asked { method, name: &name, rest: &rest, length: body.length() };
    let environment = environment::of(handler, &asked);
    let script = match Script::start(&handler.directory().path().join(&path), &environment) {
        Ok(script) => script,
        Err(error) => {
            handler.log_error(format_args!("{name}: cannot be run: {error}"));
            return handler.send_error((502, "CGI script cannot be run")).map(|()| None);
        }
    };
    let speaks_http = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"nph-"));
    let mut run = Run {
        handler,
        script,
        body,
        name,
        speaks_http,
        said: Said::Nothing(Vec::new()),
        complaints: Complaints::default(),
    };
    run.go_on()
}

struct Run<'a, H> {
    handler: &'a mut H,
    script: Script,
    body: Body,
    name: String,
    speaks_http: bool,
    said: Said,
    complaints: Complaints,
}

/// How far the script's reply is.
enum Said {
    /// Not all of its head.
    Nothing(Vec<u8>),
    Head,
    /// It wants another path to be answered: the rest of what it says is for nobody.
    Elsewhere(String),
}

impl<H: CGIRequestHandler> Run<'_, H> {
    fn go_on(&mut self) -> io::Result<Option<String>> {
        let timeout = self.handler.__cgi().settings.timeout;
        let mut buffer = vec![0; PIECE];
        let mut pending: Vec<u8> = Vec::new();
        let mut active = Instant::now();
        let mut is_flushed = true;
        loop {
            if pending.is_empty() && self.script.reads_input() {
                // What the script says must not wait for the client, who may be slow.
                let ready = self.script.wait(false, Duration::ZERO)?;
                if !ready.stdout && !ready.stderr {
                    let count = self.body.read(self.handler, &mut buffer)?;
                    pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    if count == 0 {
                        self.script.end_input();
                    }
                    active = Instant::now();
                }
            }
            let left = timeout.saturating_sub(active.elapsed());
            if left.is_zero() {
                return self.too_slow();
            }
            let most = if is_flushed { left.min(LOOK) } else { left.min(PAUSE) };
            let ready = self.script.wait(!pending.is_empty(), most)?;
            if ready.stdin
                && let Some(count) = self.script.write(&pending)?
            {
                pending.drain(..count.min(pending.len()));
                active = Instant::now();
            }
            if ready.stderr {
                self.listen(&mut buffer)?;
            }
            if ready.stdout {
                active = Instant::now();
                match self.script.read(&mut buffer)? {
                    None => {}
                    Some(0) => return self.ended(timeout),
                    Some(count) => {
                        is_flushed = false;
                        if !self.take(buffer.get(..count).unwrap_or_default())? {
                            return Ok(None);
                        }
                    }
                }
            } else if !is_flushed && !ready.stdin {
                is_flushed = true;
                if matches!(self.said, Said::Head) {
                    self.handler.wfile.flush()?;
                }
            } else if !ready.stdin && !ready.stderr && self.script.status()?.is_some() {
                // It has ended; what it has started may have its output for as long as it likes.
                return self.ended(timeout);
            }
        }
    }

    /// Takes what the script says. False if that is answered already.
    fn take(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let Said::Nothing(head) = &mut self.said else {
            if matches!(self.said, Said::Head) {
                self.handler.wfile.write_all(bytes)?;
            }
            return Ok(true);
        };
        head.extend_from_slice(bytes);
        let (parsed, len) = match parse(head, self.speaks_http) {
            Ok(None) => return Ok(true),
            Ok(Some(parsed)) => parsed,
            Err(what) => {
                self.fail(what)?;
                return Ok(false);
            }
        };
        let rest = head.split_off(len.min(head.len()));
        self.said = self.answer(&parsed)?;
        if matches!(self.said, Said::Head) {
            self.handler.wfile.write_all(&rest)?;
        }
        Ok(true)
    }

    /// Sends the head of the reply.
    fn answer(&mut self, head: &Head) -> io::Result<Said> {
        match (&head.location, &head.status) {
            // RFC 3875 section 6.2.2. Two slashes would be another host.
            (Some(location), None) if location.starts_with('/') && !location.starts_with("//") => {
                return Ok(Said::Elsewhere(location.clone()));
            }
            // Sections 6.2.3 and 6.2.4.
            (Some(_), None) => self.handler.send_response(302),
            (_, Some((status, reason))) if reason.is_empty() => self.handler.send_response(*status),
            (_, Some((status, reason))) => self.handler.send_response((*status, reason)),
            (None, None) => self.handler.send_response((200, "Script output follows")),
        }
        if let Some(location) = &head.location {
            self.handler.send_header("Location", location);
        }
        for (name, value) in &head.fields {
            self.handler.send_header(name, value);
        }
        self.handler.end_headers()?;
        Ok(Said::Head)
    }

    /// The script has closed its output.
    fn ended(&mut self, timeout: Duration) -> io::Result<Option<String>> {
        self.script.end_input();
        let mut buffer = vec![0; PIECE];
        self.listen(&mut buffer)?;
        self.complaints.finish(self.handler, &self.name);
        let until = Instant::now() + timeout.min(LOOK);
        let mut status = self.script.status()?;
        while status.is_none() && Instant::now() < until {
            // It is about to end, and has nothing more to say.
            pause(Duration::from_millis(2))?;
            status = self.script.status()?;
        }
        match status {
            Some(status) if status.success() => {}
            Some(status) => self.handler.log_error(format_args!("{}: {status}", self.name)),
            None => self
                .handler
                .log_error(format_args!("{}: has closed its output and not ended, and is killed", self.name)),
        }
        match std::mem::replace(&mut self.said, Said::Head) {
            Said::Head => Ok(None),
            Said::Elsewhere(location) => Ok(Some(location)),
            Said::Nothing(head) if head.is_empty() => self.fail("it says nothing").map(|()| None),
            Said::Nothing(_) => self.fail("its head is not complete").map(|()| None),
        }
    }

    fn too_slow(&mut self) -> io::Result<Option<String>> {
        self.complaints.finish(self.handler, &self.name);
        let timeout = self.handler.__cgi().settings.timeout;
        self.handler.log_error(format_args!("{}: killed after {timeout:?} without a sign", self.name));
        if matches!(self.said, Said::Head) {
            // The handler's error cuts the reply, if it has gone out.
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the script was killed"));
        }
        self.handler.send_error((504, "CGI script takes too long")).map(|()| None)
    }

    fn fail(&mut self, what: &str) -> io::Result<()> {
        self.handler.log_error(format_args!("{}: no reply: {what}", self.name));
        self.handler.send_error((502, "CGI script has made no reply"))
    }

    /// Logs what the script complains of.
    fn listen(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        // A script that complains without end has others to talk to in between.
        for _ in 0..16 {
            match self.script.read_error(buffer)? {
                None | Some(0) => break,
                Some(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.complaints.take(bytes, self.handler, &self.name);
                }
            }
        }
        Ok(())
    }
}

/// What a script has written to its standard error and is not logged yet.
#[derive(Default)]
struct Complaints {
    line: Vec<u8>,
    lines: usize,
}

/// Bounds on what one request's script gets into the log.
const MOST_LINES: usize = 100;
const LONGEST_LINE: usize = 1000;

impl Complaints {
    fn take<H: CGIRequestHandler>(&mut self, bytes: &[u8], handler: &H, name: &str) {
        for byte in bytes {
            if *byte == b'\n' {
                self.tell(handler, name);
            } else if self.line.len() < LONGEST_LINE {
                self.line.push(*byte);
            }
        }
    }

    fn finish<H: CGIRequestHandler>(&mut self, handler: &H, name: &str) {
        if !self.line.is_empty() {
            self.tell(handler, name);
        }
    }

    fn tell<H: CGIRequestHandler>(&mut self, handler: &H, name: &str) {
        let line = std::mem::take(&mut self.line);
        self.lines += 1;
        match self.lines {
            ..=MOST_LINES => handler.log_error(format_args!("{name}: {}", String::from_utf8_lossy(&line))),
            lines if lines == MOST_LINES + 1 => {
                handler.log_error(format_args!("{name}: complains on, untold"));
            }
            _ => {}
        }
    }
}
