//! The memory that a request is worked on with. It belongs to a thread, which lends it to the connection whose turn it
//! is. A connection that rests has none.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use super::incoming::Incoming;
use super::patience::Patience;
use super::{After, Bounds, Budget, Exchange, Output};
use crate::handler::buffer::Buffer;
use crate::handler::message::Headers;
use crate::handler::request::Request;
use crate::handler::wire::{Level, Want, Wire};
use crate::proto::connection::Phase;
use crate::proto::head::HeadParser;
use crate::proto::response::Response;
use crate::sync::{Arc, Mutex, MutexGuard, lock};

/// What a thread keeps for the connection that has the next turn.
#[derive(Default)]
pub(crate) struct Desk {
    exchange: Option<Box<Exchange>>,
    request: Option<Box<Request>>,
    /// Buffers of connections that have kept the rest.
    input: Buffer,
    head: Buffer,
    output: Vec<u8>,
}

/// What threads have left over: a request that is handed to another thread takes its memory along, so that the one runs
/// out of it and the other gathers it.
static SPARE: Mutex<Vec<Lent>> = Mutex::new(Vec::new());

type Lent = (Box<Exchange>, Option<Box<Request>>);

/// More is given back to the system. Each is up to some 50 KiB.
const MOST_SPARE: usize = 64;

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

impl Desk {
    fn take_exchange(&mut self) -> Box<Exchange> {
        if let Some(exchange) = self.exchange.take() {
            return exchange;
        }
        let Some((exchange, request)) = spare().pop() else { return Box::default() };
        self.request = self.request.take().or(request);
        exchange
    }

    /// Takes back the memory of a connection that rests.
    fn take_back(&mut self, exchange: Box<Exchange>, request: Option<Box<Request>>) {
        if self.exchange.is_none() {
            self.exchange = Some(exchange);
            self.request = request.or_else(|| self.request.take());
            return;
        }
        let mut spare = spare();
        if spare.len() < MOST_SPARE {
            spare.push((exchange, request));
        }
    }

    /// Lends the memory of a request.
    pub(crate) fn request() -> Box<Request> {
        DESK.with_borrow_mut(|desk| desk.request.take().unwrap_or_default())
    }
}

fn spare() -> MutexGuard<'static, Vec<Lent>> {
    lock(&SPARE)
}

/// The handle on an [`Exchange`]. The lock is uncontended, and never held while code of the user runs: an override or a
/// `Display` may call back into the base.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Slot>>);

/// An exchange, or what is left of it while the connection rests.
struct Slot {
    exchange: Option<Box<Exchange>>,
    line: Box<Line>,
}

/// What a connection is never without.
pub(super) struct Line {
    pub(super) wire: Box<dyn Wire>,
    pub(super) bounds: Arc<Bounds>,
    /// How long one read of a body, and one write, may wait for the client, unless a request has its own.
    pub(super) read_timeout: Duration,
    pub(super) write_timeout: Duration,
    /// Requests that may still come.
    pub(super) requests_left: u64,
    /// That of a connection that is idle, or that has had its last response.
    pub(super) silence: Silence,
}

/// How long nothing has come. What wakes a connection may be nothing to it: a TLS record without data, urgent data. That
/// must not give it the time of `idle_timeout` again each time. The clock is asked from the second look on, so the first
/// such event may do it once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Silence {
    #[default]
    No,
    Begun,
    /// It is late then.
    Until(Instant),
}

impl Line {
    fn new(wire: Box<dyn Wire>, bounds: Arc<Bounds>) -> Self {
        let Bounds { read_timeout, write_timeout, requests, .. } = *bounds;
        Self { wire, read_timeout, write_timeout, requests_left: requests, silence: Silence::No, bounds }
    }
}

impl Shared {
    pub(crate) fn new(wire: Box<dyn Wire>, bounds: Arc<Bounds>) -> Self {
        Self(Arc::new(Mutex::new(Slot { exchange: None, line: Box::new(Line::new(wire, bounds)) })))
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_> {
        let mut slot = self.slot();
        if slot.exchange.is_none() {
            DESK.with_borrow_mut(|desk| slot.open(desk));
        }
        Guard(slot)
    }

    /// As [`lock`](Self::lock), with the request, which is lent too where there is none.
    #[expect(clippy::inline_always, reason = "each request would pay for the call")]
    #[inline(always)]
    pub(crate) fn lock_with<'a, 'b>(
        &'a self,
        request: &'b mut Option<Box<Request>>,
    ) -> (Guard<'a>, &'b mut Request) {
        let mut slot = self.slot();
        if slot.exchange.is_none() || request.is_none() {
            DESK.with_borrow_mut(|desk| {
                if slot.exchange.is_none() {
                    slot.open(desk);
                }
                if request.is_none() {
                    *request = desk.request.take();
                }
            });
        }
        (Guard(slot), request.get_or_insert_default())
    }

    /// Sends what is ready, for another thread than the one that has the connection; unless that one is at it.
    pub(crate) fn try_pump(&self) {
        if let Ok(mut slot) = self.0.try_lock()
            && let Some(exchange) = &mut slot.exchange
        {
            // What becomes of it the one who has the connection finds out. A file may be on a slow disk.
            let _ = exchange.pump_within(0);
            // A handler runs, and meanwhile the client cannot show that it has room.
            exchange.taking.stop(&exchange.line.bounds.clock);
        }
    }

    #[inline]
    fn slot(&self) -> MutexGuard<'_, Slot> {
        lock(&self.0)
    }

    /// A turn begins of a connection that has not rested: it gets the buffers that it has not kept.
    pub(crate) fn borrow_memory(&self, request: Option<&mut Request>) {
        let mut slot = self.slot();
        let Some(exchange) = &mut slot.exchange else { return };
        DESK.with_borrow_mut(|desk| {
            exchange.borrow_buffers(desk);
            exchange.budget = Budget::default();
            if let Some(request) = request {
                request.bytes.borrow_memory(&mut desk.head);
            }
        });
    }

    /// A turn ends: the connection gives back what it does not need while it waits.
    pub(crate) fn give_back(&self, request: &mut Option<Box<Request>>, phase: Phase) {
        let mut slot = self.slot();
        let Some(mut exchange) = slot.exchange.take() else { return };
        DESK.with_borrow_mut(|desk| {
            if exchange.is_at_rest(phase) {
                exchange.trim();
                std::mem::swap(&mut exchange.line, &mut slot.line);
                // The request was cleared when the one before was over.
                desk.take_back(exchange, request.take());
            } else {
                exchange.shrink(desk);
                slot.exchange = Some(exchange);
                if let Some(request) = request {
                    request.shrink(&mut desk.head);
                }
            }
        });
    }
}

impl Slot {
    fn open(&mut self, desk: &mut Desk) {
        let mut exchange = desk.take_exchange();
        std::mem::swap(&mut exchange.line, &mut self.line);
        exchange.begin_anew();
        exchange.borrow_buffers(desk);
        self.exchange = Some(exchange);
    }
}

impl Default for Exchange {
    fn default() -> Self {
        let line = Box::<Line>::default();
        Self {
            input: Buffer::default(),
            parser: HeadParser::new(line.bounds.limits),
            ended: false,
            body: Incoming::None,
            waits_for_continue: false,
            trailers: Headers::default(),
            response: Response::new(line.bounds.hold),
            told_status: 0,
            attached: VecDeque::new(),
            trouble: None,
            news: None,
            failed: false,
            level: Level::Info,
            output: Output::Open,
            ending: None,
            drained: 0,
            sent: 0,
            until: None,
            after: After::Nothing,
            unsent: 0,
            read_timeout: line.read_timeout,
            write_timeout: line.write_timeout,
            budget: Budget::default(),
            sending: Patience::default(),
            taking: Patience::default(),
            #[cfg(feature = "tracing")]
            span: None,
            line,
        }
    }
}

impl Exchange {
    /// Serves a connection that has had no request yet, or has rested. All else is as [`is_at_rest`](Self::is_at_rest)
    /// has found it.
    fn begin_anew(&mut self) {
        self.parser = HeadParser::new(self.line.bounds.limits);
        self.response.begin_anew(self.line.bounds.hold);
        self.after = After::Nothing;
        self.sent = 0;
        self.until = None;
        self.trouble = None;
        self.unsent = 0;
        self.read_timeout = self.line.read_timeout;
        self.write_timeout = self.line.write_timeout;
        self.budget = Budget::default();
        self.sending = Patience::default();
        self.taking = Patience::new(self.line.bounds.response_timeout);
    }

    /// Whether the connection waits for a request and has nothing that it must keep until then.
    fn is_at_rest(&self, phase: Phase) -> bool {
        phase == Phase::Idle
            && self.input.is_empty()
            && self.response.is_at_rest()
            && self.attached.is_empty()
            && self.until.is_none()
            && matches!(self.body, Incoming::None)
            && self.output == Output::Open
            && !self.ended
            && self.ending.is_none()
            && !self.is_troubled()
            && self.news.is_none()
    }

    /// Gives back the memory that an unusual request has taken.
    fn trim(&mut self) {
        self.input.trim();
        self.response.trim();
        self.forget_trailers();
    }

    pub(super) fn forget_trailers(&mut self) {
        if !self.trailers.is_empty() {
            self.trailers = Headers::default();
        }
    }

    /// Takes the buffers that are not there.
    fn borrow_buffers(&mut self, desk: &mut Desk) {
        self.input.borrow_memory(&mut desk.input);
        self.response.borrow_memory(&mut desk.output);
    }

    /// Keeps no more memory than what is in the buffers needs.
    fn shrink(&mut self, desk: &mut Desk) {
        self.input.shrink(&mut desk.input);
        self.response.shrink(&mut desk.output);
    }
}

/// A locked [`Exchange`].
pub(crate) struct Guard<'a>(MutexGuard<'a, Slot>);

impl Deref for Guard<'_> {
    type Target = Exchange;

    #[inline]
    fn deref(&self) -> &Exchange {
        self.0.exchange.as_deref().unwrap_or_else(|| unreachable!("it was opened when it was locked"))
    }
}

impl DerefMut for Guard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Exchange {
        self.0.exchange.as_deref_mut().unwrap_or_else(|| unreachable!("it was opened when it was locked"))
    }
}

/// That of an exchange that no connection has.
impl Default for Line {
    fn default() -> Self {
        Self::new(Box::new(Nowhere), Arc::default())
    }
}

struct Nowhere;

impl Wire for Nowhere {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn write_vectored(&mut self, _pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn wait(&mut self, _want: Want, _timeout: Duration) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn is_last_request(&self) -> bool {
        true
    }

    fn is_stopping(&self) -> bool {
        false
    }

    fn shutdown_write(&mut self) {}

    fn reset(&mut self) {}

    fn log(&mut self, _line: &str, _level: Level) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::exchange::Next;

    /// Gives what it has, and then nothing for now.
    struct Client(&'static [u8]);

    impl Wire for Client {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match std::mem::take(&mut self.0) {
                [] => Err(io::ErrorKind::WouldBlock.into()),
                bytes => {
                    buffer[..bytes.len()].copy_from_slice(bytes);
                    Ok(bytes.len())
                }
            }
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            Ok(pieces.iter().map(|piece| piece.len()).sum())
        }

        fn wait(&mut self, _want: Want, _timeout: Duration) -> io::Result<()> {
            Ok(())
        }

        fn is_last_request(&self) -> bool {
            false
        }

        fn is_stopping(&self) -> bool {
            false
        }

        fn shutdown_write(&mut self) {}

        fn reset(&mut self) {}

        fn log(&mut self, _line: &str, _level: Level) -> bool {
            false
        }
    }

    /// A connection after a turn in which it had no complete request.
    fn after_a_turn(sent: &'static [u8]) -> (Shared, Option<Box<Request>>) {
        let shared = Shared::new(Box::new(Client(sent)), Arc::default());
        let mut request = Some(Desk::request());
        let next =
            request.as_deref_mut().map(|request| shared.lock().next_head(request, &mut Phase::Idle.clone()));
        assert_eq!(next, Some(Next::Later));
        shared.give_back(&mut request, Phase::Idle);
        (shared, request)
    }

    #[test]
    fn a_connection_that_rests_has_no_memory_of_its_own() {
        let (shared, request) = after_a_turn(b"");
        assert!(shared.slot().exchange.is_none() && request.is_none());
        let lent = DESK.with_borrow(|desk| desk.exchange.is_some() && desk.request.is_some());
        assert!(lent, "the thread has it again");
        assert!(shared.lock().line.wire.read(&mut [0]).is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock));
    }

    #[test]
    fn a_head_that_was_begun_stays_with_its_connection() {
        let (shared, request) = after_a_turn(b"GET / HTTP/1.1\r\nHost: a\r\nAccept");
        assert_eq!(shared.lock().input.data().len(), 31);
        assert_eq!(request.map(|request| request.head.fields.len()), Some(1));
        let (_, other) = after_a_turn(b"");
        assert!(other.is_none());
    }
}
