//! What a handle leaves for its connection, while the response continues after its method has returned.

use std::any::Any;
use std::time::{Duration, Instant};

use super::relay::Relay;
use crate::handler::clock::Clock;
use crate::handler::wire::Presence;
use crate::sync::{AtomicU64, Ordering, is_panicking};

/// Code to run with a handler. Only its maker and its caller know the handler's type.
pub(crate) type Continuation = Box<dyn Any + Send>;

/// A response that has a handle.
pub(crate) struct Detached {
    /// Distinguishes its handle from those of earlier responses.
    number: u64,
    kind: HandleKind,
    /// The method has returned, so that the connection is in charge of the response.
    is_out: bool,
    /// Set once the handle is given up.
    end: Option<HandleEnd>,
    /// What the handle wants to run with the handler.
    continuation: Option<Continuation>,
    /// What runs instead when its time is over.
    timeout: Option<(Instant, Continuation)>,
    /// More output is not wanted: the client has ended its half, or the server is shutting down.
    is_gone: bool,
    on_gone: Option<Box<dyn FnOnce() + Send>>,
    /// When the client goes or the server stops, the response ends without notice or delay.
    ends_with_client: bool,
    /// A warning about the client to log.
    warning: Option<&'static str>,
    heartbeat: Option<Heartbeat>,
    upgraded: Option<Box<Upgraded>>,
    /// The other socket, until both have ended.
    relay: Option<Relay>,
}

/// The state of the object that speaks another protocol.
#[derive(Default)]
struct Upgraded {
    /// `None` while it runs.
    served: Option<Box<dyn Served>>,
    /// When to call it for its timer.
    timer: Option<Instant>,
    is_opened: bool,
    /// It was told that there is no more input.
    has_ended: bool,
    knows_of_stop: bool,
}

/// What a handle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleKind {
    /// The response has not begun.
    Later,
    /// The response has begun, and the handle sends its body.
    Stream,
    /// The connection uses another protocol, which an object speaks.
    Upgraded,
    /// The connection is joined with another socket.
    Relay,
}

/// The object that speaks another protocol: it is called for each event, as a handler is for a request. Dropping it ends it.
pub(crate) trait Served: Send {
    /// `received` is the new input, for [`Occasion::Received`]. Returns why it failed, if it did.
    fn happened(&mut self, occasion: Occasion, received: &[u8]) -> Option<String>;
}

/// How a handle is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleEnd {
    /// Nothing more comes.
    Dropped,
    /// The response so far is incomplete.
    Aborted,
}

/// Bytes for a client that has received nothing for some time.
struct Heartbeat {
    every: Duration,
    bytes: &'static [u8],
    next: Instant,
    /// When something was last sent.
    sent: Instant,
}

/// What the connection must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextAct {
    /// The connection accepts no more output, or the server has cut it.
    Lose,
    /// Log a warning.
    Warn(&'static str),
    /// Call the closure that waits for the response to be unwanted.
    TellGone,
    /// Continue with the handler.
    Resume,
    /// The handle's time is over.
    TimeOut,
    /// Call the object that speaks another protocol.
    Serve(Occasion),
    /// The handle is given up.
    End(HandleEnd),
    /// Move bytes between the two sockets.
    Relay,
    /// Both sockets have ended.
    Leave,
    /// Send what there is, and wait.
    Wait,
}

/// An event on a connection that uses another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    Opened,
    Received,
    /// The client has ended its half.
    Ended,
    /// The time that the object has set is over.
    TimeOver,
    /// The server is shutting down.
    Stopping,
}

/// One counter for all connections: responses that continue are few.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// The input of a client that speaks another protocol.
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

    /// Takes the object that speaks another protocol, to call it for this event.
    pub(super) fn take_served(&mut self, occasion: Occasion) -> Option<Box<dyn Served>> {
        let upgraded = self.upgraded.as_mut()?;
        match occasion {
            Occasion::Opened => upgraded.is_opened = true,
            Occasion::Stopping => upgraded.knows_of_stop = true,
            Occasion::TimeOver => upgraded.timer = None,
            Occasion::Ended => upgraded.has_ended = true,
            Occasion::Received => {}
        }
        // Meanwhile other senders must send their output themselves: the connection is busy.
        self.is_out = false;
        upgraded.served.take()
    }

    pub(super) fn give_back(&mut self, served: Box<dyn Served>) -> Option<Box<dyn Served>> {
        self.upgraded.as_mut()?.served.replace(served)
    }

    /// Sets its timer; `None` cancels it.
    pub(crate) fn set_timer(&mut self, until: Option<Instant>) {
        if let Some(upgraded) = &mut self.upgraded {
            upgraded.timer = until;
        }
    }

    /// The event to call it for, if there is one. `input` is the state of the input, if that was looked at.
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

    /// Whether a handle with this number may still act.
    pub(super) fn is_held_by(&self, number: u64) -> bool {
        self.number == number && self.end.is_none()
    }

    /// Whether a deferred response is still to come: its `Later` is held somewhere, or has handed in the closure that makes it.
    pub(crate) fn awaits_response(&self) -> bool {
        self.kind == HandleKind::Later && (self.end.is_none() || self.continuation.is_some())
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

    /// What to do for a connection that is not lost.
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

    /// The heartbeat that is due, if any. An unnecessary one is skipped.
    pub(super) fn beat(&mut self, now: Instant, is_behind: bool) -> Option<&'static [u8]> {
        let heartbeat = self.heartbeat.as_mut().filter(|heartbeat| heartbeat.next <= now)?;
        let since = heartbeat.sent + heartbeat.every;
        if since > now {
            heartbeat.next = since;
            return None;
        }
        heartbeat.next = now + heartbeat.every;
        // A client that has not taken its output learns nothing from more.
        (!is_behind).then_some(heartbeat.bytes)
    }

    /// Something was sent.
    pub(super) fn spare_heartbeat(&mut self, clock: &Clock) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.sent = clock.instant();
        }
    }

    /// When to look at it again, whatever its handle does.
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

    /// Takes it to be called, while the connection waits.
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

/// The response is not wanted any more: the closure that waits for this is called, unless its owner has given the response
/// up. It is user code.
impl Drop for Detached {
    fn drop(&mut self) {
        if let (None, Some(call)) = (self.end, self.on_gone.take())
            && !is_panicking()
        {
            call();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_for_a_client_that_has_heard_nothing_and_taken_everything() {
        const EVERY: Duration = Duration::from_secs(15);
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut stream = Detached::new(HandleKind::Stream);
        assert_eq!((stream.beat(after(100), false), stream.due()), (None, None));
        stream.set_heartbeat(Some(EVERY), b":\n\n", begin);
        assert_eq!((stream.beat(after(14), false), stream.due()), (None, Some(after(15))));
        assert_eq!((stream.beat(after(15), false), stream.due()), (Some(&b":\n\n"[..]), Some(after(30))));
        // More would only wait behind what the client has not taken.
        assert_eq!((stream.beat(after(30), true), stream.due()), (None, Some(after(45))));
        assert_eq!((stream.beat(after(46), false), stream.due()), (Some(&b":\n\n"[..]), Some(after(61))));
        // An event is one, too.
        stream.heartbeat.as_mut().expect("it was set").sent = after(50);
        assert_eq!((stream.beat(after(61), false), stream.due()), (None, Some(after(65))));
        assert_eq!(stream.beat(after(65), false), Some(&b":\n\n"[..]));
    }
}
