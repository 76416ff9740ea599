//! A handle on a response that continues after its method has returned. Any thread may use it.

use std::io;
use std::time::{Duration, Instant};

use super::connection_io::{
    ConnectionIo, Continuation, Detached, FlushProgress, HandleEnd, HandleKind, IoGuard, Piece, Served,
    SharedIo,
};
use super::instance::InstanceVariables;
use super::payload::Payload;
use super::wire::Notifier;
use crate::proto::connection::Phase;
use crate::sync::{Arc, is_panicking};

/// The handle. It does not keep the connection alive: after the connection has ended, all its methods fail.
pub(super) struct Handle {
    shared: SharedIo,
    notifier: Arc<dyn Notifier>,
    number: u64,
}

impl Handle {
    /// Makes the current response continue after its method.
    pub(super) fn new(vars: &InstanceVariables, kind: HandleKind) -> io::Result<Self> {
        if vars.phase() != Phase::Handler {
            return Err(invalid(NO_REQUEST));
        }
        let mut io = vars.io();
        if io.is_detached() {
            return Err(invalid(HAS_HANDLE));
        }
        let notifier = io.notifier().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        match kind {
            HandleKind::Later if io.response.is_begun() => return Err(invalid(BEGUN)),
            HandleKind::Later => {}
            HandleKind::Stream => io.begin_stream()?,
            HandleKind::Upgraded | HandleKind::Relay => {
                io.may_be_upgraded()?;
                io.begin_upgraded()?;
                // The other protocol decides what the end of the client means.
                io.let_client_go();
            }
        }
        let number = io.begin_detached(kind).ok_or_else(|| invalid(HAS_HANDLE))?;
        Ok(Self { shared: vars.shared().clone(), notifier, number })
    }

    /// The connection, unless the response is over.
    fn io(&self) -> io::Result<IoGuard<'_>> {
        let mut io = self.shared.lock_working().ok_or_else(over)?;
        if io.detached(self.number).is_none() { Err(over()) } else { Ok(io) }
    }

    /// Changes something in the connection and notifies it.
    fn tell<T>(&self, run: impl FnOnce(&mut ConnectionIo) -> T) -> io::Result<T> {
        let mut io = self.io()?;
        let told = run(&mut io);
        let is_out = io.is_detached_out();
        drop(io);
        // Until the method has returned, its thread owns the connection and needs no notice.
        if is_out {
            self.notifier.notify();
        }
        Ok(told)
    }

    /// Whether the client waits no longer.
    pub(super) fn is_gone(&self) -> bool {
        self.io().map_or(true, |mut io| {
            let is_told = io.detached(self.number).is_none_or(|detached| detached.is_gone());
            // A failed write is noticed only when the connection looks at it.
            is_told || io.is_output_dead()
        })
    }

    /// Sets a callback for when the client waits no longer. It runs on a thread of the server, or at once if that is so already.
    pub(super) fn on_gone(&self, call: Box<dyn FnOnce() + Send>) {
        let mut call = Some(call);
        let told = self.tell(|io| {
            let detached = io.detached(self.number)?;
            call.take().and_then(|call| detached.set_on_gone(call))
        });
        // An earlier callback, whose drop is user code.
        drop(told);
        if let Some(call) = call {
            call();
        }
    }

    /// Drops `follower` once, when the client waits no longer or the response is over. An existing callback is kept.
    pub(super) fn follow(&self, follower: impl Send + 'static) {
        let before = self.tell(|io| io.detached(self.number).and_then(Detached::take_on_gone));
        let follower = Follower { before: before.ok().flatten(), _follower: follower };
        self.on_gone(Box::new(move || drop(follower)));
    }

    /// Makes the handler log a warning about its client.
    pub(super) fn warn(&self, text: &'static str) {
        let _ = self.tell(|io| io.detached(self.number).map(|detached| detached.set_warning(Some(text))));
    }

    /// Hands the connection over to an object that speaks another protocol.
    pub(super) fn serve(&self, served: Box<dyn Served>) {
        if let Ok(mut io) = self.io() {
            io.serve(served);
        }
    }

    /// Notifies that object after this time, or not at all for `None`.
    pub(super) fn set_timer(&self, after: Option<Duration>) {
        let _ = self.tell(|io| {
            let until = after.map(|after| io.instant() + after.min(LONGEST));
            io.detached(self.number).map(|detached| detached.set_timer(until))
        });
    }

    pub(super) fn give_up(&self, end: HandleEnd) {
        let _ = self.tell(|io| io.detached(self.number).map(|detached| detached.give_up(end)));
    }

    pub(super) fn resume(&self, continuation: Continuation) {
        let mut continuation = Some(continuation);
        let _ = self.tell(|io| {
            if let (Some(detached), Some(continuation)) = (io.detached(self.number), continuation.take()) {
                detached.resume(continuation);
            }
        });
    }

    pub(super) fn set_timeout(&self, after: Duration, continuation: Continuation) {
        let mut continuation = Some(continuation);
        let before = self.tell(|io| {
            let until = io.instant() + after.min(LONGEST);
            let detached = io.detached(self.number)?;
            continuation.take().and_then(|continuation| detached.set_timeout(until, continuation))
        });
        drop(before);
    }

    /// Lets the response end without a notice when the client goes or the server stops.
    pub(super) fn end_with_client(&self) {
        let _ = self.tell(|io| {
            io.let_client_go();
            io.detached(self.number).map(Detached::end_with_client)
        });
    }

    /// Sends these bytes whenever nothing else was sent for the time `every`.
    pub(super) fn set_heartbeat(&self, every: Option<Duration>, bytes: &'static [u8]) {
        let every = every.map(|every| every.clamp(SHORTEST, LONGEST));
        let _ = self.tell(|io| {
            let now = io.instant();
            io.detached(self.number).map(|detached| detached.set_heartbeat(every, bytes, now))
        });
    }

    /// How long a write may wait for the client.
    pub(super) fn write_timeout(&self) -> Duration {
        self.io().map_or(Duration::ZERO, |io| io.write_timeout())
    }

    /// Sends bytes, all of them or none. If there is no room, it waits up to `patience`.
    pub(super) fn send(&self, piece: Piece<'_>, patience: Duration) -> io::Result<()> {
        self.settle(self.send_quietly(piece, patience))
    }

    /// Completes a [`send_quietly`](Self::send_quietly).
    pub(super) fn settle(&self, sent: io::Result<Sent>) -> io::Result<()> {
        match sent {
            Ok(Sent { needs_notice }) => {
                if needs_notice {
                    self.notify();
                }
                Ok(())
            }
            Err(error) => {
                // An error other than these means that the connection is lost, which it does not know yet.
                if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::InvalidInput) {
                    self.notify();
                }
                Err(error)
            }
        }
    }

    /// As [`send`](Self::send), for a caller that holds its own lock. The caller releases that lock and passes the result to
    /// [`settle`](Self::settle).
    pub(super) fn send_quietly(&self, piece: Piece<'_>, patience: Duration) -> io::Result<Sent> {
        let mut until = None;
        loop {
            let mut io = self.io()?;
            io.check_length(&piece)?;
            if io.has_room_for(piece.len()) {
                return send(&mut io, piece);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + patience.min(LONGEST));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            // While the connection is locked, so that room freed from now on wakes this thread too.
            self.notifier.clear_room();
            let has_sender = io.is_detached_out();
            let left = if has_sender { left } else { left.min(make_room(&mut io)?) };
            drop(io);
            if !left.is_zero() {
                self.notifier.wait_for_room(left, has_sender).or_else(only_late)?;
            }
        }
    }

    /// Sends what `find` returns once the connection is locked, so that nothing comes between finding and sending. It does not look
    /// for room: the caller bounds what waits for the client. A lock that `find` takes must be held for a moment only.
    pub(super) fn send_found(&self, find: impl FnOnce() -> Payload) -> io::Result<Sent> {
        let mut io = self.io()?;
        // The response to a HEAD request has no body.
        if io.response.is_complete() {
            return Ok(Sent { needs_notice: false });
        }
        let found = find();
        if found.is_empty() {
            return Ok(Sent { needs_notice: false });
        }
        send(&mut io, Piece::Payload(&found))
    }

    /// Makes the connection look for what the handle has left for it.
    pub(super) fn notify(&self) {
        self.notifier.notify();
    }
}

fn send(io: &mut ConnectionIo, piece: Piece<'_>) -> io::Result<Sent> {
    let progress = io.send_detached(piece)?;
    Ok(Sent { needs_notice: progress != Some(FlushProgress::Done) && io.is_detached_out() })
}

/// Sends what waits. While user code owns the connection, perhaps on this very thread, no other thread sends it. Returns how long
/// to wait for the client at most; zero if there is room now.
fn make_room(io: &mut ConnectionIo) -> io::Result<Duration> {
    if io.send_some()? != FlushProgress::NoRoom {
        io.free_room();
        return Ok(Duration::ZERO);
    }
    let left = io.room_left();
    if left.is_zero() {
        io.give_up_output();
        return Err(over());
    }
    Ok(left)
}

/// Handles are equal if they belong to the same response.
impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Runs the earlier callback when it is dropped, so that `follow` does not replace that callback.
struct Follower<T> {
    before: Option<Box<dyn FnOnce() + Send>>,
    _follower: T,
}

impl<T> Drop for Follower<T> {
    fn drop(&mut self) {
        if let Some(call) = self.before.take()
            && !is_panicking()
        {
            call();
        }
    }
}

/// The result of a quiet send: what the caller still owes the connection.
pub(crate) struct Sent {
    pub(super) needs_notice: bool,
}

/// Practically unlimited, and short enough to be added to a time.
const LONGEST: Duration = super::connection_io::LONGEST;

/// The shortest interval of heartbeats: each one costs a turn of the connection.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) const NO_REQUEST: &str =
    "there is no request to respond to: call later(), stream() or event_stream() in a do_* method";

const BEGUN: &str =
    "later() is for a response that has not begun: call it before send_response(), or use stream()";

pub(super) const HAS_HANDLE: &str =
    "the response already has a handle: later(), stream() or event_stream() was called before";

pub(super) fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn over() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the response is over: it was ended, or its client has gone")
}

/// Ignores a time-out: the next pass finds out that there was no room in time.
fn only_late(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::TimedOut { Ok(()) } else { Err(error) }
}
