//! What the handle on a response leaves for its connection, while the response goes on after its method has returned.

use std::any::Any;
use std::time::{Duration, Instant};

use crate::handler::wire::Presence;
use crate::sync::{AtomicU64, Ordering};

/// What goes on with a handler whose type only those know who made it and who call it.
pub(crate) type Continuation = Box<dyn Any + Send>;

/// A response whose handle somebody has.
pub(crate) struct Detached {
    /// Tells the handle that belongs to it from those of earlier responses.
    number: u64,
    kind: HandleKind,
    /// The method has returned, so that the connection looks after it.
    is_out: bool,
    /// The handle is given up.
    end: Option<HandleEnd>,
    /// What the handle wants to be run with the handler.
    continuation: Option<Continuation>,
    /// What is run in its place when its time is over.
    timeout: Option<(Instant, Continuation)>,
    /// Nobody waits for more: the client has ended its half, or the server is being shut down.
    is_gone: bool,
    on_gone: Option<Box<dyn FnOnce() + Send>>,
    /// There is nothing to be told, and nothing to be waited for, when the client goes or the server stops.
    ends_with_client: bool,
    heartbeat: Option<Heartbeat>,
}

/// What a handle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleKind {
    /// The response has not begun.
    Later,
    /// It has, and its bytes come by the handle.
    Stream,
}

/// How a handle is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleEnd {
    /// Nothing more comes.
    Dropped,
    /// What there is of the response is no whole.
    Aborted,
}

/// Bytes for a client that has got nothing for some time.
struct Heartbeat {
    every: Duration,
    bytes: &'static [u8],
    next: Instant,
    /// Something else was sent since the last one was due.
    is_spared: bool,
}

/// What the connection is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextAct {
    /// The connection takes nothing more, or the server has cut it.
    Lose,
    /// Somebody wants to know that nobody waits any more.
    TellGone,
    /// The handler goes on.
    Resume,
    /// The handle has had its time.
    TimeOut,
    /// The handle is given up.
    End(HandleEnd),
    /// To send what there is, and to wait.
    Wait,
}

/// One after the other, for all connections: responses that go on are few.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl Detached {
    pub(super) fn new(kind: HandleKind) -> Self {
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            kind,
            is_out: false,
            end: None,
            continuation: None,
            timeout: None,
            is_gone: false,
            on_gone: None,
            ends_with_client: false,
            heartbeat: None,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn kind(&self) -> HandleKind {
        self.kind
    }

    /// Whether a handle with this number may still say something.
    pub(super) fn is_held_by(&self, number: u64) -> bool {
        self.number == number && self.end.is_none()
    }

    pub(super) fn is_out(&self) -> bool {
        self.is_out
    }

    pub(super) fn set_out(&mut self) {
        self.is_out = true;
    }

    /// What there is to do for a connection that is not lost.
    pub(super) fn next_act(&mut self, presence: Presence, is_stopping: bool, now: Instant) -> NextAct {
        self.is_gone |= is_stopping || presence == Presence::Done;
        if self.is_gone && self.on_gone.is_some() {
            return NextAct::TellGone;
        }
        if self.continuation.is_some() {
            return NextAct::Resume;
        }
        if let Some((until, _)) = &self.timeout
            && (is_stopping || *until <= now)
        {
            return NextAct::TimeOut;
        }
        match self.end {
            Some(end) => NextAct::End(end),
            None if self.is_gone && self.ends_with_client => NextAct::End(HandleEnd::Dropped),
            None => NextAct::Wait,
        }
    }

    /// The heartbeat that is due, if one is. One that nobody needs is left out.
    pub(super) fn beat(&mut self, now: Instant, is_behind: bool) -> Option<&'static [u8]> {
        let heartbeat = self.heartbeat.as_mut().filter(|heartbeat| heartbeat.next <= now)?;
        heartbeat.next = now + heartbeat.every;
        // A client that has not taken what it was sent learns nothing from more.
        let is_spared = std::mem::take(&mut heartbeat.is_spared) || is_behind;
        (!is_spared).then_some(heartbeat.bytes)
    }

    /// Something was sent.
    pub(super) fn spare_heartbeat(&mut self) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.is_spared = true;
        }
    }

    /// When it has to be looked at, whatever its handle does.
    pub(super) fn due(&self) -> Option<Instant> {
        let next = self.heartbeat.as_ref().map(|heartbeat| heartbeat.next);
        let until = self.timeout.as_ref().map(|(until, _)| *until);
        [next, until].into_iter().flatten().min()
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone
    }

    pub(crate) fn give_up(&mut self, end: HandleEnd) {
        self.end = Some(end);
    }

    pub(crate) fn resume(&mut self, continuation: Continuation) {
        self.continuation = Some(continuation);
    }

    pub(crate) fn set_timeout(&mut self, until: Instant, continuation: Continuation) -> Option<Continuation> {
        self.timeout.replace((until, continuation)).map(|(_, before)| before)
    }

    pub(crate) fn set_on_gone(&mut self, call: Box<dyn FnOnce() + Send>) -> Option<Box<dyn FnOnce() + Send>> {
        self.on_gone.replace(call)
    }

    pub(crate) fn take_on_gone(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        self.on_gone.take()
    }

    pub(crate) fn take_continuation(&mut self) -> Option<Continuation> {
        self.continuation.take()
    }

    pub(crate) fn take_timeout(&mut self) -> Option<Continuation> {
        self.timeout.take().map(|(_, continuation)| continuation)
    }

    pub(crate) fn end_with_client(&mut self) {
        self.ends_with_client = true;
    }

    pub(crate) fn set_heartbeat(&mut self, every: Duration, bytes: &'static [u8], now: Instant) {
        self.heartbeat = Some(Heartbeat { every, bytes, next: now + every, is_spared: false });
    }
}
