//! What the handle on a response leaves for its connection, while the response goes on after its method has returned.

use std::any::Any;
use std::time::{Duration, Instant};

use super::relay::Relay;
use crate::handler::clock::Clock;
use crate::handler::wire::Presence;
use crate::sync::{AtomicU64, Ordering, is_panicking};

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
    /// What the log is to tell of the client.
    warning: Option<&'static str>,
    heartbeat: Option<Heartbeat>,
    upgraded: Option<Box<Upgraded>>,
    /// The other socket, until both have ended.
    relay: Option<Relay>,
}

/// What is known of the object that speaks another protocol.
#[derive(Default)]
struct Upgraded {
    /// None while it runs.
    served: Option<Box<dyn Served>>,
    /// When it wants to be told that its time is over.
    timer: Option<Instant>,
    is_opened: bool,
    /// It was told that nothing more comes.
    has_ended: bool,
    knows_of_stop: bool,
}

/// What a handle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleKind {
    /// The response has not begun.
    Later,
    /// It has, and its bytes come by the handle.
    Stream,
    /// The connection goes on in another protocol, which an object speaks.
    Upgraded,
    /// The connection is joined with another socket.
    Relay,
}

/// What speaks the other protocol: it is told of what happens, as a handler is of a request. Its drop is its end.
pub(crate) trait Served: Send {
    /// `received` is what has come, where that is what it is told of. Why it failed, if it did.
    fn happened(&mut self, occasion: Occasion, received: &[u8]) -> Option<String>;
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
    /// When something was sent last.
    sent: Instant,
}

/// What the connection is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextAct {
    /// The connection takes nothing more, or the server has cut it.
    Lose,
    /// The log is to tell something.
    Warn(&'static str),
    /// Somebody wants to know that nobody waits any more.
    TellGone,
    /// The handler goes on.
    Resume,
    /// The handle has had its time.
    TimeOut,
    /// The object that speaks another protocol is to be told of something.
    Serve(Occasion),
    /// The handle is given up.
    End(HandleEnd),
    /// To move bytes between the two sockets.
    Relay,
    /// Both sockets have ended.
    Leave,
    /// To send what there is, and to wait.
    Wait,
}

/// What happens to a connection that goes on in another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    Opened,
    Received,
    /// The client has ended its half.
    Ended,
    /// The time that the object has set is over.
    TimeOver,
    /// The server is being shut down.
    Stopping,
}

/// One after the other, for all connections: responses that go on are few.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// What has come of a client that speaks another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputState {
    None,
    Some,
    Ended,
}

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
            warning: None,
            heartbeat: None,
            upgraded: None,
            relay: None,
        }
    }

    pub(super) fn serve(&mut self, served: Box<dyn Served>) {
        self.upgraded = Some(Box::new(Upgraded { served: Some(served), ..Upgraded::default() }));
    }

    /// Takes the object that speaks another protocol, to tell it of this.
    pub(super) fn take_served(&mut self, occasion: Occasion) -> Option<Box<dyn Served>> {
        let upgraded = self.upgraded.as_mut()?;
        match occasion {
            Occasion::Opened => upgraded.is_opened = true,
            Occasion::Stopping => upgraded.knows_of_stop = true,
            Occasion::TimeOver => upgraded.timer = None,
            Occasion::Ended => upgraded.has_ended = true,
            Occasion::Received => {}
        }
        // Meanwhile whoever sends has to see to it that it goes out: the connection is busy.
        self.is_out = false;
        upgraded.served.take()
    }

    pub(super) fn give_back(&mut self, served: Box<dyn Served>) -> Option<Box<dyn Served>> {
        self.upgraded.as_mut()?.served.replace(served)
    }

    /// Has it told when so much time is over; not at all for none.
    pub(crate) fn set_timer(&mut self, until: Option<Instant>) {
        if let Some(upgraded) = &mut self.upgraded {
            upgraded.timer = until;
        }
    }

    /// What it is to be told of, where there is something. `input` says what the client has sent, if that was looked for.
    pub(super) fn occasion(&self, input: InputState, is_stopping: bool, now: Instant) -> Option<Occasion> {
        let upgraded = self.upgraded.as_ref()?;
        if !upgraded.is_opened {
            return Some(Occasion::Opened);
        }
        if is_stopping && !upgraded.knows_of_stop {
            return Some(Occasion::Stopping);
        }
        if upgraded.timer.is_some_and(|timer| timer <= now) {
            return Some(Occasion::TimeOver);
        }
        match input {
            InputState::None => None,
            InputState::Some => Some(Occasion::Received),
            InputState::Ended => (!upgraded.has_ended).then_some(Occasion::Ended),
        }
    }

    pub(super) fn relay(&mut self, relay: Relay) {
        self.relay = Some(relay);
    }

    pub(super) fn take_relay(&mut self) -> Option<Relay> {
        self.relay.take()
    }

    pub(super) fn is_relayed(&self) -> bool {
        self.relay.is_some()
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

    pub(super) fn is_given_up(&self) -> bool {
        self.end.is_some()
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
        if let Some(warning) = self.warning {
            return NextAct::Warn(warning);
        }
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
        let since = heartbeat.sent + heartbeat.every;
        if since > now {
            heartbeat.next = since;
            return None;
        }
        heartbeat.next = now + heartbeat.every;
        // A client that has not taken what it was sent learns nothing from more.
        (!is_behind).then_some(heartbeat.bytes)
    }

    /// Something was sent.
    pub(super) fn spare_heartbeat(&mut self, clock: &Clock) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.sent = clock.instant();
        }
    }

    /// When it has to be looked at, whatever its handle does.
    pub(super) fn due(&self) -> Option<Instant> {
        let next = self.heartbeat.as_ref().map(|heartbeat| heartbeat.next);
        let until = self.timeout.as_ref().map(|(until, _)| *until);
        let timer = self.upgraded.as_ref().and_then(|upgraded| upgraded.timer);
        [next, until, timer].into_iter().flatten().min()
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

    /// To call it, while the connection waits for that.
    pub(super) fn take_on_gone_to_call(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        self.is_out = false;
        self.take_on_gone()
    }

    pub(crate) fn take_continuation(&mut self) -> Option<Continuation> {
        self.continuation.take()
    }

    pub(crate) fn take_timeout(&mut self) -> Option<Continuation> {
        self.timeout.take().map(|(_, continuation)| continuation)
    }

    pub(crate) fn set_warning(&mut self, text: Option<&'static str>) {
        self.warning = text;
    }

    pub(crate) fn end_with_client(&mut self) {
        self.ends_with_client = true;
    }

    pub(crate) fn set_heartbeat(&mut self, every: Option<Duration>, bytes: &'static [u8], now: Instant) {
        self.heartbeat = every.map(|every| Heartbeat { every, bytes, next: now + every, sent: now });
    }
}

/// Nobody waits any more, and whoever wants to know is told, unless that one has given the response up. This is code of the user.
impl Drop for Detached {
    fn drop(&mut self) {
        if let (None, Some(call)) = (self.end, self.on_gone.take())
            && !is_panicking()
        {
            call();
        }
    }
}
