//! The required result of a program: DESIGN section 6 once more, written independently of the server. It says which response
//! the client gets, how the connection continues, and what each call returns.

#[path = "model/head.rs"]
mod head;

use std::io::ErrorKind;

use basehttp_tests::strict::{Framing, Version};

use crate::actor::Came;
use crate::program::{Act, Finish, Request, Upload, written};

/// The settings that affect responses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) response_buffer: usize,
    pub(crate) drain_limit: u64,
    pub(crate) gather_limit: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { response_buffer: 64 * 1024, drain_limit: 256 * 1024, gather_limit: 64 * 1024 }
    }
}

pub(crate) type Fields = Vec<(String, Vec<u8>)>;

/// A head without the fields that frame the body or end the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: Vec<u8>,
    /// Made by `send_response`, which adds `Server` and `Date`.
    pub(crate) is_stamped: bool,
    pub(crate) fields: Fields,
}

/// The possible values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    Yes,
    No,
    /// It depends on when input arrived.
    Either,
}

/// The required response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) interim: Vec<Head>,
    /// `None` after an interim response that was meant to be the last.
    pub(crate) response: Option<(Head, Vec<u8>, Framing)>,
    /// The trailer fields.
    pub(crate) trailers: Fields,
    pub(crate) is_whole: bool,
    /// Whether it says that the connection ends.
    pub(crate) says_close: Is,
    /// Whether the connection ends in any case.
    pub(crate) ends: Is,
    pub(crate) came: Vec<Came>,
    /// Whether what follows the request is for the handler.
    pub(crate) is_tunnel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Head,
    Held,
    Sent(Framing),
}

/// The server while it makes a response.
#[expect(clippy::struct_excessive_bools, reason = "each is something that the handler has done")]
struct Model<'a> {
    request: &'a Request,
    speaks_1_1: bool,
    bounds: Bounds,
    state: State,
    head: Head,
    length: Option<u64>,
    chunked: bool,
    /// There is a `Trailer` field.
    announces: bool,
    trailers: Fields,
    says_close: bool,
    mistake: bool,
    refused: bool,
    ended_by_interim: bool,
    /// Another response was begun after a complete one, or this one is an error page.
    is_closed: bool,
    body: Vec<u8>,
    close: bool,
    /// What `close` was before this head said something about the connection.
    close_before: Option<bool>,
    must_close: Is,
    said: Is,
    interim: Vec<Head>,
    /// How many bytes of the request's body were read, and whether it was read completely.
    read: usize,
    read_all: bool,
    waits_for_continue: bool,
    given: usize,
}

/// Runs a program. `waits` is the act in which a read has to wait for the client, which first sends what was written.
pub(crate) fn expect(request: &Request, speaks_1_1: bool, bounds: Bounds, waits: Option<usize>) -> Expected {
    let says = |option: &str| request.connection.is_some_and(|value| value.contains(option));
    let persistent = match request.version {
        Version::Http09 => false,
        Version::Http10 => says("keep-alive") && !says("close"),
        Version::Http11 => !says("close"),
    };
    let must_close = says("close") || request.version == Version::Http09;
    let mut model = Model {
        request,
        speaks_1_1,
        bounds,
        state: State::Idle,
        head: Head::default(),
        length: None,
        chunked: false,
        announces: false,
        trailers: Fields::new(),
        says_close: false,
        mistake: false,
        refused: false,
        ended_by_interim: false,
        is_closed: false,
        body: Vec::new(),
        close: !(persistent && speaks_1_1),
        close_before: None,
        must_close: if must_close { Is::Yes } else { Is::No },
        said: Is::No,
        interim: Vec::new(),
        read: 0,
        read_all: request.upload == Upload::None,
        waits_for_continue: request.expects && request.version == Version::Http11 && speaks_1_1,
        given: 0,
    };
    if request.upload == Upload::Length(0) {
        model.read_all = true;
    }
    model.run(waits)
}

impl Model<'_> {
    fn run(mut self, waits: Option<usize>) -> Expected {
        let program = &self.request.program;
        let mut came: Vec<Came> = Vec::new();
        let mut passed_on = None;
        for (index, act) in program.acts.iter().enumerate() {
            if waits == Some(index) {
                self.waits_for_continue = false;
                self.waits();
            }
            let (count, error) = self.act(act);
            self.given += count;
            came.push(Came { count, error });
            if error.is_some() && program.passes_on {
                passed_on = error;
                break;
            }
        }
        let is_tunnel = self.state == State::Sent(Framing::Tunnel);
        let fails = passed_on.is_some() || program.finish != Finish::Well;
        let panics = passed_on.is_none() && program.finish == Finish::WithPanic;
        // The response to HEAD is complete, and the handler was notified: whatever it returns, the response stands.
        let answered_head = !panics && came.iter().any(|came| came.error == Some(ErrorKind::BrokenPipe));
        // The same for one that is closed, if the method returns the error of a late write.
        let last = came.len().checked_sub(1).and_then(|last| program.acts.get(last));
        let is_late = matches!(last, Some(Act::Write(_) | Act::WriteAll(_) | Act::Trailer(..)));
        let answered = answered_head || (self.is_closed && passed_on.is_some() && is_late);
        let (is_whole, ends) = if fails && !answered { self.fail(panics) } else { self.end() };
        let response = match self.state {
            State::Sent(framing) => Some((self.head, self.body, framing)),
            _ => None,
        };
        let has_chunks = matches!(response, Some((.., Framing::Chunked(_))));
        let trailers = if has_chunks && is_whole { self.trailers } else { Fields::new() };
        Expected {
            interim: self.interim,
            response,
            trailers,
            is_whole,
            says_close: self.said,
            ends,
            came,
            is_tunnel,
        }
    }

    /// The method has returned. Returns whether the response is complete, and whether the connection ends.
    fn end(&mut self) -> (bool, Is) {
        if !matches!(self.state, State::Sent(_)) && (self.mistake || self.refused) {
            return self.fail(false);
        }
        self.decide_about_rest();
        match self.state {
            State::Idle if self.ended_by_interim => return (true, Is::Yes),
            State::Idle | State::Head => return self.fail(false),
            State::Held => self.commit(Some(self.body.len() as u64)),
            State::Sent(_) => {}
        }
        if let State::Sent(Framing::Length(length)) = self.state
            && (self.body.len() as u64) < length
            && self.request.method != "HEAD"
        {
            return (false, Is::Yes);
        }
        // HTTP/0.9 has no length, so the end of the connection must show that something is missing.
        if self.request.version == Version::Http09
            && self.length.is_some_and(|length| (self.body.len() as u64) < length)
            && !matches!(self.head.status, 204 | 205 | 304)
        {
            return (false, Is::Yes);
        }
        (true, if self.close { Is::Yes } else { self.must_close.or(self.rest_is_too_long()) })
    }

    /// The method has failed, or its output is not a response.
    fn fail(&mut self, panics: bool) -> (bool, Is) {
        if panics {
            self.must_close = Is::Yes;
        }
        let State::Sent(framing) = self.state else {
            self.send_error(500, None, None);
            return self.end();
        };
        let is_whole = match framing {
            _ if self.request.version == Version::Http09 => self.is_complete_0_9(),
            Framing::Nothing => true,
            Framing::Length(length) => self.body.len() as u64 == length || self.request.method == "HEAD",
            Framing::Chunked(_) | Framing::UntilClose | Framing::Tunnel => false,
        };
        (is_whole, Is::Yes)
    }

    fn is_complete_0_9(&self) -> bool {
        matches!(self.head.status, 204 | 205 | 304)
            || (self.head.status != 101 && self.length == Some(self.body.len() as u64))
    }

    fn act(&mut self, act: &Act) -> (usize, Option<ErrorKind>) {
        let invalid = |is_good: bool| (0, (!is_good).then_some(ErrorKind::InvalidInput));
        match act {
            Act::Respond(code, text) => self.respond(*code, text.as_deref(), true),
            Act::RespondOnly(code, text) => self.respond(*code, text.as_deref(), false),
            Act::Header(name, value) => self.header(name, value),
            Act::EndHeaders => return invalid(self.end_headers()),
            Act::Flush | Act::FlushHeaders => self.flush(),
            Act::Trailer(name, value) => return invalid(self.trailer(name, value)),
            Act::Error(code, text, explain) => {
                let explain = explain.as_deref().filter(|_| text.is_some());
                return invalid(self.send_error(*code, text.as_deref(), explain));
            }
            Act::WriteAll(0) | Act::Read(0) => {}
            Act::Write(len) => return self.write(*len, false),
            Act::WriteAll(len) => return self.write(*len, true),
            Act::Read(len) => self.reads(*len),
            Act::ReadAll => self.reads(usize::MAX),
            Act::Close(close) => {
                let is_sent = matches!(self.state, State::Sent(_));
                self.close = if is_sent { self.close || *close } else { *close };
                self.close_before = None;
            }
        }
        (0, None)
    }

    fn reads(&mut self, len: usize) {
        let whole = self.request.upload.len();
        self.read = self.read.saturating_add(len).min(whole);
        // The end of a body is found by reading beyond its last byte, except for a body with a length.
        self.read_all |=
            self.read == whole && (len > whole || matches!(self.request.upload, Upload::Length(_)));
        self.waits_for_continue &= self.read == 0;
    }

    fn is_tunnel(&self) -> bool {
        let status = self.head.status;
        status == 101 || (self.request.method == "CONNECT" && (200..300).contains(&status))
    }

    fn has_no_body(&self) -> bool {
        matches!(self.head.status, 204 | 205 | 304) && !self.is_tunnel()
    }

    fn write(&mut self, len: usize, is_all: bool) -> (usize, Option<ErrorKind>) {
        let (count, error) = self.write_bytes(&written(self.given, len));
        // `write_all` does not report how far it came.
        (if is_all && error.is_some() { 0 } else { count }, error)
    }

    /// Writes all bytes, with as many calls as needed.
    fn write_bytes(&mut self, bytes: &[u8]) -> (usize, Option<ErrorKind>) {
        if self.is_closed {
            self.decide_about_rest();
            return (0, (!bytes.is_empty()).then_some(ErrorKind::InvalidInput));
        }
        let mut count = 0;
        loop {
            self.decide_about_rest();
            let rest = &bytes[count..];
            let room = match self.room(rest.len()) {
                Ok(room) => room,
                Err(kind) => return (count, Some(kind)),
            };
            let direct = rest.len() >= 16 * 1024
                && self.state == State::Held
                && (self.length.is_some() || self.body.len() + rest.len() > self.bounds.response_buffer);
            if direct {
                self.commit(None);
            }
            self.body.extend_from_slice(&rest[..room]);
            count += room;
            if self.state == State::Held && self.body.len() > self.bounds.response_buffer {
                self.commit(None);
            }
            if count == bytes.len() {
                return (count, None);
            }
        }
    }

    /// How many of `len` bytes may be written.
    fn room(&self, len: usize) -> Result<usize, ErrorKind> {
        match self.state {
            State::Idle | State::Head => return Err(ErrorKind::InvalidInput),
            _ if len == 0 || self.is_tunnel() => return Ok(len),
            _ if self.has_no_body() => return Err(ErrorKind::InvalidInput),
            State::Sent(_) if self.request.method == "HEAD" && self.length.is_none() => {
                return Err(ErrorKind::BrokenPipe);
            }
            State::Held | State::Sent(_) => {}
        }
        let left = self.length.map_or(u64::MAX, |length| length - self.body.len() as u64);
        match usize::try_from(left).unwrap_or(usize::MAX).min(len) {
            0 => Err(ErrorKind::InvalidInput),
            room => Ok(room),
        }
    }

    fn flush(&mut self) {
        self.decide_about_rest();
        if self.state == State::Held {
            self.commit(None);
        }
    }

    /// A read waits for the client, after it has read nothing, or some.
    fn waits(&mut self) {
        if let Upload::Length(len) = self.request.upload
            && self.too_long(len) != Is::No
        {
            self.must_close = self.must_close.or(Is::Either);
        }
        if self.state == State::Held {
            self.commit(None);
        }
    }

    fn commit(&mut self, total: Option<u64>) {
        let chunks = self.speaks_1_1 && self.request.version == Version::Http11;
        if chunks && !self.trailers.is_empty() && !self.announces {
            self.announce();
        }
        let framing = if self.is_tunnel() {
            Framing::Tunnel
        } else if self.request.version == Version::Http09 {
            Framing::UntilClose
        } else if self.has_no_body() || self.request.method == "HEAD" {
            Framing::Nothing
        } else {
            match (self.length, total) {
                (Some(length), _) => Framing::Length(length),
                (None, Some(total)) if !(chunks && (self.chunked || self.announces)) => {
                    Framing::Length(total)
                }
                _ if chunks => Framing::Chunked(0),
                _ => Framing::UntilClose,
            }
        };
        self.close |= matches!(framing, Framing::UntilClose | Framing::Tunnel);
        self.said = if self.close { Is::Yes } else { self.must_close };
        self.state = State::Sent(framing);
    }

    /// Before the head is sent: a body that will not be read completely leaves no way to the next request.
    fn decide_about_rest(&mut self) {
        if self.read_all {
            return;
        }
        let is_waiting = self.waits_for_continue && !self.was_taken_in();
        let too_long = match self.request.upload {
            Upload::Length(len) => self.too_long(len),
            // It is known if all of it was gathered.
            Upload::Chunked(len, _) if self.too_long(len) != Is::No => Is::Either,
            _ => Is::No,
        };
        self.must_close = self.must_close.or(if is_waiting { Is::Yes } else { too_long });
    }

    /// Whether an empty chunked body may have been read to its end before.
    fn was_taken_in(&self) -> bool {
        self.request.upload.len() == 0 && !self.request.expects
    }

    /// Whether more of a body is left than is read and dropped. What was read ahead is not left.
    fn too_long(&self, len: usize) -> Is {
        if (len - self.read) as u64 <= self.bounds.drain_limit {
            Is::No
        } else if self.read == 0 {
            Is::Yes
        } else {
            Is::Either
        }
    }

    /// The length of a chunked body is found out when it is dropped, after the response.
    fn rest_is_too_long(&self) -> Is {
        match self.request.upload {
            Upload::Chunked(len, _) if !self.read_all => {
                if self.too_long(len) == Is::No {
                    Is::No
                } else {
                    Is::Either
                }
            }
            _ => Is::No,
        }
    }
}

impl Is {
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Either,
        }
    }

    pub(crate) fn allows(self, fact: bool) -> bool {
        self == Self::Either || (self == Self::Yes) == fact
    }
}
