//! A handle on a response that goes on after its method has returned, for any thread.

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

/// It does not keep the connection: when that ends, whatever is done with the handle fails.
pub(super) struct Handle {
    shared: SharedIo,
    notifier: Arc<dyn Notifier>,
    number: u64,
}

impl Handle {
    /// Makes the current response one that goes on.
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
                // What that means is for the other protocol.
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

    /// Does something with the connection, which is to look at it then.
    fn tell<T>(&self, run: impl FnOnce(&mut ConnectionIo) -> T) -> io::Result<T> {
        let mut io = self.io()?;
        let told = run(&mut io);
        let is_out = io.is_detached_out();
        drop(io);
        // Until the method has returned, its thread has the connection.
        if is_out {
            self.notifier.notify();
        }
        Ok(told)
    }

    /// Whether nobody waits for more.
    pub(super) fn is_gone(&self) -> bool {
        self.io().map_or(true, |mut io| {
            let is_told = io.detached(self.number).is_none_or(|detached| detached.is_gone());
            // The connection learns of a write that has failed when it is looked at.
            is_told || io.is_output_dead()
        })
    }

    /// What is called, on a thread of the server, when nobody waits for more. At once where nobody does.
    pub(super) fn on_gone(&self, call: Box<dyn FnOnce() + Send>) {
        let mut call = Some(call);
        let told = self.tell(|io| {
            let detached = io.detached(self.number)?;
            call.take().and_then(|call| detached.set_on_gone(call))
        });
        // An earlier one, whose drop is code of the user.
        drop(told);
        if let Some(call) = call {
            call();
        }
    }

    /// Has something dropped, once, when nobody waits for more, or the response is over before anybody is told. Beside what is called
    /// then, and not in its place.
    pub(super) fn follow(&self, follower: impl Send + 'static) {
        let before = self.tell(|io| io.detached(self.number).and_then(Detached::take_on_gone));
        let follower = Follower { before: before.ok().flatten(), _follower: follower };
        self.on_gone(Box::new(move || drop(follower)));
    }

    /// Has the handler log something of its client.
    pub(super) fn warn(&self, text: &'static str) {
        let _ = self.tell(|io| io.detached(self.number).map(|detached| detached.set_warning(Some(text))));
    }

    /// Hands the connection over to an object that speaks another protocol.
    pub(super) fn serve(&self, served: Box<dyn Served>) {
        if let Ok(mut io) = self.io() {
            io.serve(served);
        }
    }

    /// Has that object told when so much time is over, or not at all.
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

    /// What nobody has to be told of: a client that goes, a server that stops.
    pub(super) fn end_with_client(&self) {
        let _ = self.tell(|io| {
            io.let_client_go();
            io.detached(self.number).map(Detached::end_with_client)
        });
    }

    /// Has these bytes sent whenever nothing else was for so long.
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

    /// Sends bytes, all of them or none. Where they have no room it waits for so long.
    pub(super) fn send(&self, piece: Piece<'_>, patience: Duration) -> io::Result<()> {
        self.settle(self.send_quietly(piece, patience))
    }

    /// Ends what [`send_quietly`](Self::send_quietly) has begun.
    pub(super) fn settle(&self, sent: io::Result<Sent>) -> io::Result<()> {
        match sent {
            Ok(Sent { needs_notice }) => {
                if needs_notice {
                    self.notify();
                }
                Ok(())
            }
            Err(error) => {
                // Where the connection is lost to it, it does not know that yet.
                if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::InvalidInput) {
                    self.notify();
                }
                Err(error)
            }
        }
    }

    /// As [`send`](Self::send), for a caller that has a lock of its own: what it gets goes to [`settle`](Self::settle), without that lock.
    pub(super) fn send_quietly(&self, piece: Piece<'_>, patience: Duration) -> io::Result<Sent> {
        let mut until = None;
        loop {
            let mut io = self.io()?;
            if io.has_room_for(piece.len()) {
                return send(&mut io, piece);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + patience.min(LONGEST));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            // While it is locked: what is freed from now on is for this thread too.
            self.notifier.clear_room();
            let has_sender = io.is_detached_out();
            let left = if has_sender { left } else { left.min(make_room(&mut io)?) };
            drop(io);
            if !left.is_zero() {
                self.notifier.wait_for_room(left, has_sender).or_else(only_late)?;
            }
        }
    }

    /// Sends what is found once the connection is locked, so that nothing comes between the two, whatever waits for the client: the
    /// caller bounds it. What is looked at for it has to be locked for a moment only.
    pub(super) fn send_found(&self, find: impl FnOnce() -> Payload) -> io::Result<Sent> {
        let mut io = self.io()?;
        // A response to HEAD has no more to come.
        if io.response.is_complete() {
            return Ok(Sent { needs_notice: false });
        }
        let found = find();
        if found.is_empty() {
            return Ok(Sent { needs_notice: false });
        }
        send(&mut io, Piece::Payload(&found))
    }

    /// The connection looks for what was left for it.
    pub(super) fn notify(&self) {
        self.notifier.notify();
    }
}

fn send(io: &mut ConnectionIo, piece: Piece<'_>) -> io::Result<Sent> {
    let progress = io.send_detached(piece)?;
    Ok(Sent { needs_notice: progress != Some(FlushProgress::Done) && io.is_detached_out() })
}

/// Sends what waits, where code of the user has the connection, perhaps on this very thread, so that nobody else does. How long the client may
/// still be waited for; not at all if there is room now.
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

/// Two handles on one response are one.
impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// What is told of the end of a response that its own handle may end: whoever has asked before is told all the same.
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

/// What a caller owes the connection that has sent something quietly.
pub(crate) struct Sent {
    pub(super) needs_notice: bool,
}

/// For ever, and short enough to be added to a time.
const LONGEST: Duration = super::connection_io::LONGEST;

/// Nobody needs heartbeats more often, and each is a turn of the connection.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) const NO_REQUEST: &str = "only a request that is being answered has a response that can go on: call later(), stream() or event_stream() in a do_* method";

const BEGUN: &str =
    "later() is for a response that has not begun: call it before send_response(), or use stream()";

pub(super) const HAS_HANDLE: &str =
    "the response has a handle already: later(), stream() or event_stream() was called before";

pub(super) fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn over() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the response is over: it was ended, or its client has gone")
}

/// That there was no room in time is found by another look.
fn only_late(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::TimedOut { Ok(()) } else { Err(error) }
}
