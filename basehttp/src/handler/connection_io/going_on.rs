//! A response that continues after its method has returned, from the connection's view.

use std::any::Any;
use std::io;
use std::time::Duration;

use super::attached::{MOST_ATTACHED, Source};
use super::bounds::LONGEST;
use super::buffer_pool::BufferPool;
use super::detached::{Detached, HandleEnd, HandleKind, InputState, NextAct, Occasion, Served};
use super::sending::FlushProgress;
use super::writing::invalid;
use super::{ConnectionIo, DIRECT};
use crate::handler::buffer::Buffer;
use crate::handler::payload::Payload;
use crate::handler::wire::{Close, Notifier, Others, Presence, Wire};
use crate::sync::Arc;

/// What a handle sends. It is copied, or if it is large, sent without a copy.
#[derive(Clone, Copy)]
pub(crate) enum Piece<'a> {
    Bytes(&'a [u8]),
    Payload(&'a Payload),
    /// The last few bytes, which need no room.
    #[cfg(feature = "websocket")]
    Last(&'a [u8]),
}

impl Piece<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Payload(payload) => payload.len(),
            #[cfg(feature = "websocket")]
            Self::Last(_) => 0,
        }
    }
}

const ONE_AT_A_TIME: &str = "a stream of your own (serve_stream) cannot be served by events: it cannot be read from and \
    written to at the same time";

const TOO_LONG: &str =
    "a message longer than the server's write_budget can never be sent: send it in pieces, or hand it over";

const NOT_SWITCHED: &str = "upgrade(), upgrade_to() and relay() need a connection whose protocol was switched: first \
    send_response(101), the fields Upgrade and Connection, and end_headers(); or 2xx to CONNECT";

const BODY_LEFT: &str = "the other protocol begins after the request's body: read the body to its end first";

const HANDED_OVER: &str = "the connection was already handed over, by upgrade(), upgrade_to() or relay()";

impl ConnectionIo {
    /// Makes the response one that continues, and returns the number of its handle. `None` if it already has a handle.
    pub(crate) fn begin_detached(&mut self, kind: HandleKind) -> Option<u64> {
        if self.detached.is_some() {
            return None;
        }
        Some(self.detached.insert(Box::new(Detached::new(kind))).number())
    }

    /// The response that the handle with this number belongs to, unless it is over.
    pub(crate) fn detached(&mut self, number: u64) -> Option<&mut Detached> {
        self.detached.as_deref_mut().filter(|detached| detached.is_held_by(number))
    }

    #[inline]
    pub(crate) fn is_detached(&self) -> bool {
        self.detached.is_some()
    }

    /// Decides, when the method has returned, whether its response continues. If not, the caller must drop what the handle
    /// has left, which may run user code, after it has released this lock.
    pub(crate) fn settle_detached(&mut self, has_failed: bool) -> Result<(), Option<Box<Detached>>> {
        let goes_on = !has_failed && !self.errors.handler_failed && self.output.is_open();
        let Some(detached) = &mut self.detached else { return Err(None) };
        let has_more = match detached.kind() {
            // A method that has answered cannot answer later.
            HandleKind::Later => !self.response.is_begun(),
            // A complete response, such as one to HEAD, has no more to come.
            HandleKind::Stream => !self.response.is_complete(),
            HandleKind::Upgraded | HandleKind::Relay => true,
        };
        if !goes_on || !has_more {
            return Err(self.detached.take());
        }
        detached.set_out();
        Ok(())
    }

    /// Ends a response that continued. The caller drops it after releasing this lock.
    pub(crate) fn take_detached(&mut self) -> Option<Box<Detached>> {
        // Threads that wait for room learn that there will be none.
        self.link.wire.free_room();
        self.detached.take()
    }

    pub(crate) fn take_on_gone(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        let call = self.detached.as_mut()?.take_on_gone_to_call();
        self.link.wire.free_room();
        call
    }

    /// The connection takes charge of the response again.
    pub(crate) fn set_detached_out(&mut self) {
        if let Some(detached) = &mut self.detached {
            detached.set_out();
        }
    }

    /// The warning has been logged.
    pub(crate) fn has_warned(&mut self) {
        if let Some(detached) = &mut self.detached {
            detached.set_warning(None);
        }
    }

    /// Whether nothing can be sent any more.
    pub(crate) fn is_output_dead(&self) -> bool {
        self.output.is_dead()
    }

    /// Whether the client had no room for some of the output.
    pub(crate) fn is_behind(&self) -> bool {
        self.output.is_behind()
    }

    /// What to do next.
    pub(crate) fn next_act(&mut self) -> NextAct {
        // Anything that is left from now on makes the connection look again.
        self.link.wire.clear_notice();
        let is_stopping = self.is_stopping();
        if let Some(detached) = self.detached.as_ref().filter(|detached| detached.kind() == HandleKind::Relay)
        {
            let is_lost = self.is_cut() || self.output.is_dead();
            let goes_on = if detached.is_relayed() { NextAct::Relay } else { NextAct::Leave };
            return if is_lost { NextAct::Lose } else { goes_on };
        }
        let presence = self.link.wire.presence();
        let is_gone = presence == Presence::Gone;
        let now = self.instant();
        let Some(detached) = &mut self.detached else { return NextAct::End(HandleEnd::Dropped) };
        let is_upgraded = detached.kind() == HandleKind::Upgraded;
        // In another protocol, what a client sent before it left still counts, such as its closing message.
        if self.link.wire.is_cut() || (!is_upgraded && is_gone) || (self.output.is_dead() && !is_gone) {
            return NextAct::Lose;
        }
        let act = detached.next_act(presence, is_stopping, now);
        if act != NextAct::Wait || !is_upgraded {
            return act;
        }
        let input = self.look_for_bytes(is_gone);
        let occasion = self.detached.as_ref().and_then(|detached| detached.occasion(input, is_stopping, now));
        let otherwise = if is_gone { NextAct::Lose } else { NextAct::Wait };
        occasion.map_or(otherwise, NextAct::Serve)
    }

    /// Looks for input that is not HTTP. While the client does not take its output, no more is read from it, unless it has
    /// gone and this is the last.
    fn look_for_bytes(&mut self, is_gone: bool) -> InputState {
        if self.output.is_behind() && !is_gone {
            return InputState::None;
        }
        if !self.input.buffer.is_empty() {
            return InputState::Some;
        }
        if self.input.ended {
            return InputState::Ended;
        }
        match self.input.fill(&mut *self.link.wire) {
            Ok(1..) => InputState::Some,
            Ok(0) => {
                self.input.ended = true;
                InputState::Ended
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => InputState::None,
            Err(error) => {
                self.fail(error, "");
                self.input.ended = true;
                InputState::Ended
            }
        }
    }

    /// Whether its handle was given up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.detached.as_ref().is_some_and(|detached| detached.is_given_up())
    }

    /// Hands the connection over to an object that speaks another protocol.
    pub(crate) fn serve(&mut self, served: Box<dyn Served>) {
        if let Some(detached) = &mut self.detached {
            detached.serve(served);
        }
    }

    /// Takes that object to call it, with the input that it has not seen yet.
    pub(crate) fn take_served(&mut self, occasion: Occasion) -> Option<(Box<dyn Served>, Buffer)> {
        let served = self.detached.as_mut()?.take_served(occasion)?;
        // From now on, threads that wait for room must send waiting output themselves.
        self.link.wire.free_room();
        Some((served, std::mem::take(&mut self.input.buffer)))
    }

    /// Returns the object, with the memory of its input. If the connection is over, the object comes back, to be dropped
    /// after this lock is released.
    pub(crate) fn give_back_served(
        &mut self,
        served: Box<dyn Served>,
        mut input: Buffer,
        is_told: bool,
    ) -> Option<Box<dyn Served>> {
        if is_told {
            input.clear();
        }
        self.input.buffer = input;
        match &mut self.detached {
            Some(detached) => detached.give_back(served),
            None => Some(served),
        }
    }

    /// Sends a heartbeat if one is due, and returns how long the connection may wait for its handle.
    pub(crate) fn beat(&mut self) -> Duration {
        let now = self.instant();
        let is_behind = self.output.is_behind();
        let Some(detached) = &mut self.detached else { return LONGEST };
        let due = detached.beat(now, is_behind);
        let until = detached.due();
        if let Some(bytes) = due {
            // If it cannot be added to this response, the client is no more silent than before.
            let _ = self.write_whole(bytes);
        }
        until.map_or(LONGEST, |until| until.saturating_duration_since(now))
    }

    /// Everything was sent, or found no room. Threads that wait to send more look again, and the connection also waits for
    /// the returned events.
    pub(crate) fn lie_down(&mut self, has_room: bool) -> Others {
        self.link.wire.free_room();
        let Some(detached) = &self.detached else { return Others { loss: true, ..Others::default() } };
        let input = detached.kind() == HandleKind::Upgraded && has_room && !self.input.ended;
        Others { input, room: !has_room, end: !detached.is_gone(), loss: true }
    }

    /// Whether this many more bytes may wait for the client. A message of any size may if it is the only one, and the server
    /// has room.
    pub(crate) fn has_room_for(&self, count: usize) -> bool {
        if count == 0 {
            return true;
        }
        let waiting = self.response.gathered() as u64 + self.output.left();
        // With a large limit, there may be too many small ones.
        let fits = waiting.saturating_add(count as u64) <= self.link.bounds.high_water as u64
            && self.output.handed_over() < MOST_ATTACHED;
        waiting == 0 || fits
    }

    /// Handles may have room to send again.
    pub(crate) fn free_room(&mut self) {
        self.link.wire.free_room();
    }

    /// How handles notify this connection.
    pub(crate) fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        self.link.wire.notifier()
    }

    /// Makes a wire from another socket, besides the connection's own.
    pub(crate) fn join(&mut self, far: Box<dyn Any + Send>) -> io::Result<Box<dyn Wire>> {
        self.link.wire.join(far)
    }

    /// Prepares for a body that a handle sends: the head can be sent with its first byte, on any thread.
    pub(crate) fn begin_stream(&mut self) -> io::Result<()> {
        self.decide_about_rest();
        self.response.begin_stream().map_err(invalid)
    }

    /// Refuses a connection that can never be served by events, before the client is told otherwise.
    pub(crate) fn may_be_upgraded(&self) -> io::Result<()> {
        let works = self.notifier().is_some_and(|notifier| notifier.works_beside_input());
        if works { Ok(()) } else { Err(io::Error::new(io::ErrorKind::Unsupported, ONE_AT_A_TIME)) }
    }

    /// Prepares to hand over a connection whose protocol was switched.
    pub(crate) fn begin_upgraded(&mut self) -> io::Result<()> {
        let invalid = |text: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        if !self.response.is_tunnel() {
            return invalid(NOT_SWITCHED);
        }
        // If the request has a body, it was still unread when the head was sent.
        self.open_tunnel();
        if !self.is_tunnel() {
            return invalid(BODY_LEFT);
        }
        // Two streams of one connection would each get part of its input.
        if !self.hand_over() {
            return invalid(HANDED_OVER);
        }
        self.count_status();
        Ok(())
    }

    /// Whether the method has returned, so that the connection is in charge of the response.
    pub(crate) fn is_detached_out(&self) -> bool {
        self.detached.as_ref().is_some_and(|detached| detached.is_out())
    }

    /// How long one write may wait for the client.
    pub(crate) fn write_timeout(&self) -> Duration {
        self.deadlines.write_timeout()
    }

    /// Adds bytes to the body and sends them, unless earlier output is waiting that another thread sends.
    pub(crate) fn send_detached(&mut self, piece: Piece<'_>) -> io::Result<Option<FlushProgress>> {
        let has_sender = self.is_detached_out() && self.has_output();
        BufferPool::with(|pool| self.response.borrow_memory(&mut pool.output));
        let added = match piece {
            #[cfg(feature = "websocket")]
            Piece::Last(bytes) => self.write_whole(bytes),
            Piece::Bytes(bytes) if bytes.len() > self.link.bounds.high_water => self.write_message(bytes),
            Piece::Bytes(bytes) => self.write_whole(bytes),
            Piece::Payload(payload) if payload.len() < DIRECT => self.write_whole(payload.as_bytes()),
            Piece::Payload(payload) => self.attach(Source::Payload(payload.clone()), 0..payload.len() as u64),
        };
        let sent = match added {
            Ok(()) if has_sender => Ok(None),
            Ok(()) => self.send_some().map(Some),
            Err(error) => Err(error),
        };
        if let Some(detached) = &mut self.detached {
            detached.spare_heartbeat(self.link.clock());
        }
        BufferPool::with(|pool| self.response.shrink(&mut pool.output));
        sent
    }

    /// Refuses a message for which there will never be room, so that nobody waits for it.
    pub(crate) fn check_length(&self, piece: &Piece<'_>) -> io::Result<()> {
        match piece {
            Piece::Bytes(bytes)
                if bytes.len() > self.link.bounds.high_water
                    && !self.link.bounds.write_budget.may_ever_keep(bytes.len()) =>
            {
                Err(io::Error::new(io::ErrorKind::InvalidInput, TOO_LONG))
            }
            _ => Ok(()),
        }
    }

    /// Adds a message that is longer than a connection may keep, if the server has room for it.
    fn write_message(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.link.bounds.write_budget.keep_message(bytes) {
            Some(kept) => self.attach(Source::Payload(kept), 0..bytes.len() as u64),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// The connection is lost, or cut, so that nothing more is sent: an orderly end would make a partial response look
    /// complete.
    pub(crate) fn lose(&mut self) {
        if self.response.is_committed() {
            self.count_status();
        }
        if self.is_cut() {
            // A cut by the server is reported, even if it is normal that the client goes.
            self.errors.expects_end = false;
        }
        if !self.output.is_dead() {
            self.unwritable(io::ErrorKind::ConnectionReset.into());
        }
    }

    /// Ends the response or connection so that it cannot be taken for complete.
    pub(crate) fn abort(&mut self, kind: HandleKind) {
        if kind == HandleKind::Upgraded && !self.output.is_dead() {
            // Another protocol cannot mark truncation, and output for an abandoned client would wait without end.
            self.output.die();
            self.closing = Some(Close::Reset);
        }
        self.cut();
    }

    /// From now on, it is normal that the client goes in this response.
    pub(crate) fn let_client_go(&mut self) {
        self.errors.expects_end = true;
    }
}
