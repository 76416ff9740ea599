//! The head of the next request, as it comes.

use std::io;

use super::{After, Exchange, Next, Output, Silence};
use crate::handler::request::Request;
use crate::proto::connection::{Event, Phase};
use crate::proto::fault::Fault;
use crate::proto::head::{AtEnd, Progress};

impl Exchange {
    /// Whether the two ends have still to agree on keys.
    pub(crate) fn is_in_handshake(&self) -> bool {
        self.line.wire.is_in_handshake()
    }

    /// Reads what has come of the first request, if there is none yet.
    pub(crate) fn look_for_input(&mut self) -> Next {
        if !self.input.is_empty() {
            return Next::Request;
        }
        match self.input.fill(|room| self.line.wire.read(room)) {
            Ok(0) => Next::End,
            Ok(_) => {
                self.budget.spend();
                // The handshake is done.
                self.until = None;
                Next::Request
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.mind_silence();
                Next::Later
            }
            Err(_) => Next::End,
        }
    }

    /// Parses the next head as far as it has come.
    #[inline]
    pub(crate) fn next_head(&mut self, request: &mut Request, phase: &mut Phase) -> Next {
        // Nobody would see the response.
        if self.output != Output::Open {
            return Next::End;
        }
        loop {
            let parsed = match self.input.data() {
                [] => Ok(Progress::NeedMore),
                data => self.parser.parse(data, &mut request.head),
            };
            match parsed {
                Ok(Progress::Done) => return self.take_head(request, self.line.wire.fault()),
                Err(fault) => return self.take_head(request, Some(fault)),
                Ok(Progress::NeedMore) => {}
            }
            if self.ended {
                return match self.parser.end_of_input(self.input.data(), &mut request.head) {
                    Ok(AtEnd::Done) => self.take_head(request, None),
                    Err(fault) => self.take_head(request, Some(fault)),
                    Ok(AtEnd::Nothing) => Next::End,
                };
            }
            // Empty lines before the request count: they must not keep a connection for ever. But they are no request, which
            // anybody would have to answer (RFC 9112 section 2.2).
            if *phase == Phase::Idle && !self.input.is_empty() {
                if self.until.is_none() {
                    self.until = Some(self.instant() + self.line.bounds.head_timeout);
                }
                if self.parser.begun(self.input.data()) {
                    phase.happens(Event::Begun);
                }
            }
            // Where nothing has come, there is one read.
            if !self.input.is_empty() && self.budget.is_spent(&self.line.bounds.clock) {
                return Next::Enough;
            }
            let is_first = *phase == Phase::Idle && self.input.is_empty();
            match self.input.fill(|room| self.line.wire.read(room)) {
                Ok(count) => {
                    self.ended = count == 0;
                    self.budget.spend();
                    // The handshake is done.
                    if is_first {
                        self.until = None;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if *phase == Phase::Idle && self.input.is_empty() {
                        self.mind_silence();
                    }
                    return Next::Later;
                }
                Err(_) => return Next::End,
            }
        }
    }

    /// The exchange before is complete: gets ready for the next one.
    #[inline]
    pub(crate) fn await_next(&mut self) {
        self.parser.reset();
        // That response is long with its client when an idle connection is closed.
        self.after = After::Nothing;
        self.sent = 0;
        self.until = None;
        self.line.wire.begin_idle();
    }

    /// A handshake has one deadline, however it trickles in, and so has a connection that is idle.
    fn mind_silence(&mut self) {
        let until = self.until.take();
        if self.line.wire.is_in_handshake() {
            self.until = until.or_else(|| Some(self.instant() + self.line.bounds.handshake_timeout));
            return;
        }
        self.line.silence = match self.line.silence {
            Silence::No => Silence::Begun,
            Silence::Begun => Silence::Until(self.instant() + self.line.bounds.idle_timeout),
            until @ Silence::Until(_) => until,
        };
    }

    /// Gives up a head that does not come to its end, so that the client can be told.
    pub(crate) fn give_up_head(&mut self, request: &mut Request) {
        self.expect_more();
        // For the log, as far as it has come.
        self.take_head(request, None);
    }

    #[inline]
    fn take_head(&mut self, request: &mut Request, fault: Option<Fault>) -> Next {
        // After a fault the rest of the input means nothing, and the places in the head are places in all of it.
        let whole = fault.is_none() && request.head.len > 0;
        let len = if whole { request.head.len } else { self.input.data().len() };
        self.input.split_off_front(len, &mut request.bytes);
        request.fault = fault;
        if fault.is_some() {
            self.expect_more();
        }
        Next::Request
    }
}
