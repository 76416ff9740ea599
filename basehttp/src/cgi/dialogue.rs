//! Talks with a script: the request's body goes in, its response and error output come out. One thread does it all, and never
//! blocks on one pipe while another one waits.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::body::{Refusal, Source};
use super::process::{Pipes, Process};
use super::response::{ScriptFailure, ScriptResponse};
use super::stderr::StderrLines;
use crate::handler::RequestHandler;
use crate::handler::wire::Presence;

pub(super) struct Dialogue<'a> {
    process: Process,
    pipes: Pipes,
    /// How long the script may neither write nor read anything.
    timeout: Duration,
    name: &'a str,
    pub(super) response: ScriptResponse,
    stderr: StderrLines,
    body: Source,
    /// Input for the script.
    pending: Vec<u8>,
    /// How much of it the script has taken.
    taken: usize,
    buffer: Vec<u8>,
    deadline: Instant,
    /// Set once the client has ended its half.
    watch: Option<Watch>,
}

/// A client that has ended its half of the connection may be waiting, and is answered, here as everywhere (RFC 9112 section
/// 9.6). But a client that has gone looks the same until something is sent to it, and a silent script sends nothing.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// When to probe the client next, and the pause until the probe after that: it may leave later.
    next: Instant,
    pause: Duration,
    /// When something was last sent to it.
    since: Instant,
}

impl Watch {
    fn new(now: Instant) -> Self {
        Self { next: now + FIRST_PROBE, pause: FIRST_PROBE, since: now }
    }
}

/// How a script ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) status: Option<ExitStatus>,
    /// It was not killed.
    pub(super) by_itself: bool,
}

/// Bytes to move at once: the capacity of a pipe on Linux.
const PIECE: usize = 64 * 1024;

/// How often, while nothing moves, to check what no poll reports: the client, the end of a script whose child keeps the pipes
/// open, and the server's end. In milliseconds, doubled from the first to the last.
const FIRST_PAUSE: u16 = 1;
const LAST_PAUSE: u16 = 100;
/// The limit while waiting for the client.
const CLIENT_PAUSE: u16 = 16;

/// How many lines of a script's standard error are logged per request: enough for a traceback, and few enough that a script
/// in a loop cannot fill the disk.
const LOG_LINES: u32 = 100;

/// How long after the end of the client's half to probe it. The pause doubles each time: some clients count interim
/// responses.
const FIRST_PROBE: Duration = Duration::from_millis(500);

/// How long a script may be silent if the client cannot be probed. HTTP/1.0 clients that end their half and wait are rare,
/// and so are scripts that compute for longer; clients that leave are not.
const UNPROBED: Duration = Duration::from_secs(5);

/// After a pause of this length, buffered output is sent.
const SILENCE: u16 = 32;

impl<'a> Dialogue<'a> {
    pub(super) fn new(
        (process, pipes): (Process, Pipes),
        body: Source,
        name: &'a str,
        response: ScriptResponse,
        timeout: Duration,
    ) -> Self {
        Self {
            process,
            pipes,
            timeout,
            name,
            response,
            stderr: StderrLines::new(LOG_LINES),
            body,
            pending: Vec::new(),
            taken: 0,
            buffer: vec![0; PIECE],
            deadline: later(timeout),
            watch: None,
        }
    }

    /// Talks until the script has no more output.
    pub(super) fn hold<H: RequestHandler>(&mut self, handler: &H) -> Result<(), ScriptFailure> {
        let mut pause = FIRST_PAUSE;
        loop {
            self.read_stderr(handler);
            let went_on = self.feed(handler)? | self.hear(handler)?;
            if self.pipes.stdout.is_none() && self.process.has_ended() {
                return Ok(());
            }
            if went_on {
                pause = FIRST_PAUSE;
                if let Some(watch) = &mut self.watch {
                    watch.since = Instant::now();
                }
                continue;
            }
            if pause >= LAST_PAUSE && self.process.has_ended() {
                // A child of the script holds its output, is silent, and may hold it without end.
                return Ok(());
            }
            if pause >= SILENCE {
                self.response.flush(handler)?;
            }
            let now = Instant::now();
            self.mind_client(handler, now)?;
            if now >= self.deadline {
                return if self.process.has_ended() { Ok(()) } else { Err(ScriptFailure::Late) };
            }
            pause = self.pause(handler, pause, self.deadline - now)?;
        }
    }

    /// Ends the script and everything it has started, and logs the rest of its standard error.
    pub(super) fn end<H: RequestHandler>(&mut self, handler: &H) -> End {
        let by_itself = self.process.has_ended();
        let status = self.process.end();
        self.read_stderr(handler);
        self.stderr.end(&tell(handler, self.name));
        End { status, by_itself }
    }

    /// Whether the script has closed its output.
    pub(super) fn is_silent(&self) -> bool {
        self.pipes.stdout.is_none()
    }

    /// Checks whether the client still waits for the script.
    fn mind_client<H: RequestHandler>(&mut self, handler: &H, now: Instant) -> Result<(), ScriptFailure> {
        let mut io = handler.io();
        let is_gone = match io.presence() {
            Presence::There => false,
            Presence::Gone => true,
            Presence::Done => {
                let watch = self.watch.get_or_insert_with(|| Watch::new(now));
                if now < watch.next {
                    false
                } else if io.probe().map_err(ScriptFailure::Connection)? {
                    watch.pause *= 2;
                    watch.next = now + watch.pause;
                    false
                } else {
                    now.duration_since(watch.since) >= UNPROBED
                }
            }
        };
        if is_gone { Err(ScriptFailure::Connection(io.lose_client())) } else { Ok(()) }
    }

    /// Waits for the script, a little longer than the last time. Returns how long to wait next time.
    fn pause<H: RequestHandler>(
        &self,
        handler: &H,
        pause: u16,
        left: Duration,
    ) -> Result<u16, ScriptFailure> {
        // Lets other work run, and notices the server's end.
        let waited = handler.io().wait_for_input(Duration::ZERO);
        if waited.is_err_and(|error| error.kind() != io::ErrorKind::TimedOut) {
            return Err(ScriptFailure::Connection(handler.io().lose_client()));
        }
        let mut ends = Vec::with_capacity(3);
        if let Some(stdin) = self.pipes.stdin.as_ref().filter(|_| self.taken < self.pending.len()) {
            ends.push(PollFd::new(stdin.as_fd(), PollFlags::POLLOUT));
        }
        if let Some(stdout) = &self.pipes.stdout {
            ends.push(PollFd::new(stdout.as_fd(), PollFlags::POLLIN));
        }
        if let Some(stderr) = &self.pipes.stderr {
            ends.push(PollFd::new(stderr.as_fd(), PollFlags::POLLIN));
        }
        let most = if self.waits_for_client() { CLIENT_PAUSE } else { LAST_PAUSE };
        let left = u16::try_from(left.as_millis()).unwrap_or(u16::MAX).saturating_add(1);
        match poll(&mut ends, PollTimeout::from(pause.min(most).min(left))) {
            Ok(0) => Ok(pause.saturating_mul(2).min(LAST_PAUSE)),
            Ok(_) | Err(Errno::EINTR) => Ok(FIRST_PAUSE),
            Err(error) => Err(ScriptFailure::Connection(error.into())),
        }
    }

    fn waits_for_client(&self) -> bool {
        matches!(self.body, Source::Client) && self.wants_more()
    }

    /// Whether the script has taken all that was read of the body.
    fn wants_more(&self) -> bool {
        self.pipes.stdin.is_some() && self.taken == self.pending.len()
    }

    /// Passes on some of the body. False if there is none, or no room.
    fn feed<H: RequestHandler>(&mut self, handler: &H) -> Result<bool, ScriptFailure> {
        if self.wants_more() && !matches!(self.body, Source::Nothing) {
            self.pending.resize(PIECE, 0);
            self.taken = 0;
            let read = self.body.read(&handler.rfile, &mut self.pending);
            self.pending.truncate(read.as_ref().ok().copied().flatten().unwrap_or(0));
            match read {
                Ok(Some(0)) => self.body = Source::Nothing,
                Ok(Some(_)) => {}
                Ok(None) => {
                    // The script must wait for the client, whose deadlines are enforced elsewhere.
                    self.deadline = later(self.timeout);
                    return Ok(false);
                }
                Err(Refusal::Client(error)) => return Err(ScriptFailure::Connection(error)),
                Err(Refusal::Disk(error)) => return Err(ScriptFailure::Disk(error)),
            }
        }
        let Some(stdin) = &mut self.pipes.stdin else { return Ok(false) };
        let rest = self.pending.get(self.taken..).unwrap_or_default();
        if rest.is_empty() {
            self.pipes.stdin = None;
            return Ok(true);
        }
        match stdin.write(rest) {
            Ok(count) => self.taken += count,
            Err(error) if is_later(&error) => return Ok(false),
            // The script does not want the rest, which is allowed (RFC 3875 section 4.2).
            Err(_) => self.pipes.stdin = None,
        }
        self.deadline = later(self.timeout);
        Ok(true)
    }

    /// Reads some of the script's response. False if there is none now.
    fn hear<H: RequestHandler>(&mut self, handler: &H) -> Result<bool, ScriptFailure> {
        let Some(stdout) = &mut self.pipes.stdout else { return Ok(false) };
        match stdout.read(&mut self.buffer) {
            Ok(0) => self.pipes.stdout = None,
            Ok(count) => {
                let data = self.buffer.get(..count).unwrap_or_default();
                if self.response.take(handler, data)? {
                    self.deadline = later(self.timeout);
                } else if Instant::now() >= self.deadline {
                    return Err(ScriptFailure::Late);
                }
            }
            Err(error) if is_later(&error) => return Ok(false),
            Err(_) => self.pipes.stdout = None,
        }
        Ok(true)
    }

    /// Reads a piece of the script's standard error, if there is any.
    fn read_stderr<H: RequestHandler>(&mut self, handler: &H) {
        let Some(stderr) = &mut self.pipes.stderr else { return };
        match stderr.read(&mut self.buffer) {
            Ok(count @ 1..) => {
                let data = self.buffer.get(..count).unwrap_or_default();
                self.stderr.take(data, &tell(handler, self.name));
            }
            Err(error) if is_later(&error) => {}
            Ok(_) | Err(_) => self.pipes.stderr = None,
        }
    }
}

fn tell<H: RequestHandler>(handler: &H, name: &str) -> impl Fn(&str) {
    move |line| handler.log_error(format_args!("{name}: {line}"))
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn later(timeout: Duration) -> Instant {
    /// No limit, in practice.
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
    Instant::now() + timeout.min(LONGEST)
}
