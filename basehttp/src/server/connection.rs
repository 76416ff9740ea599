//! One connection from its first byte to its last, in turns: goes as far as it can without waiting for the client, and
//! says what it waits for. Makes the handler, runs it, and survives it.

use std::io;
use std::time::Instant;

use super::body::{drop_rest, gather_body};
use super::caught::caught;
use super::ending::{end, linger};
use super::failing::{Told, give_up, panicked, report};
use super::preface::{NextRequest, await_input, end_refused, preface};
use super::sending::{Pumped, go_on, log_comes_first, pump, send, told};
use super::session::{Host, Parts, Session, Step, Turn};
use crate::handler::any_handler::{AnyHandler, class_of};
use crate::handler::connection_io::NextHead;
use crate::handler::dispatch::{complete, is_condemned, settle};
use crate::handler::failure::Failure;
use crate::handler::instance::InstanceVariables;
use crate::handler::wire::Want;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
use crate::proto::connection::{Event, Phase};
use crate::sync::Arc;

/// How many requests a connection may have answered in one turn.
const REQUESTS_A_TURN: u32 = 64;

/// A connection of a type of handlers.
pub(crate) struct Live<H: RequestHandler, F> {
    slot: Slot<H, F>,
    progress: Progress,
}

/// What there is of the handler, and what makes it.
struct Slot<H: RequestHandler, F> {
    factory: Arc<F>,
    made: Made<H>,
}

enum Made<H: RequestHandler> {
    Base(BaseHTTPRequestHandler<H::MessageClass>),
    Handler(H),
    Nothing,
}

/// How far a connection is, beside its phase.
struct Progress {
    /// No request has come since it lay down to wait for one.
    is_idle: bool,
    /// The time for its next request at the server's end.
    next: NextRequest,
    /// What its client had time for, when it lay down.
    waits_for: Option<Want>,
    /// Until then it lingers.
    lingers_until: Option<Instant>,
}

/// A slot whose handler's type is not known.
trait AnySlot {
    /// None where making the handler has panicked, or dropping it.
    fn vars(&self) -> Option<&InstanceVariables>;
    fn vars_mut(&mut self) -> Option<&mut InstanceVariables>;
    /// None before it is made.
    fn handler(&mut self) -> Option<&mut dyn AnyHandler>;
    fn is_made(&self) -> bool;
    /// Makes the handler. The message of its panic, if it panics: the base goes with it.
    fn make(&mut self) -> Result<(), String>;
}

impl<H, F> AnySlot for Slot<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    #[inline]
    fn vars(&self) -> Option<&InstanceVariables> {
        match &self.made {
            Made::Base(base) => Some(base.vars()),
            Made::Handler(handler) => Some(AnyHandler::vars(handler)),
            Made::Nothing => None,
        }
    }

    fn vars_mut(&mut self) -> Option<&mut InstanceVariables> {
        match &mut self.made {
            Made::Base(base) => Some(base.vars_mut()),
            Made::Handler(handler) => Some(AnyHandler::vars_mut(handler)),
            Made::Nothing => None,
        }
    }

    fn handler(&mut self) -> Option<&mut dyn AnyHandler> {
        match &mut self.made {
            Made::Handler(handler) => Some(handler),
            Made::Base(_) | Made::Nothing => None,
        }
    }

    fn is_made(&self) -> bool {
        matches!(self.made, Made::Handler(_))
    }

    fn make(&mut self) -> Result<(), String> {
        if let Made::Base(base) = std::mem::replace(&mut self.made, Made::Nothing) {
            self.made = Made::Handler(caught(|| (self.factory)(base))?);
        }
        Ok(())
    }
}

impl<H, F> Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    pub(crate) fn new(parts: Parts, factory: Arc<F>) -> Self {
        let Parts { wire, client_address, server, bounds } = parts;
        let vars = InstanceVariables::new(wire, bounds, client_address, server, class_of::<H>());
        let made = Made::Base(BaseHTTPRequestHandler::new(vars));
        Self { slot: Slot { factory, made }, progress: Progress::new() }
    }
}

impl<H, F> Session for Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    fn turn(&mut self, host: &mut dyn Host, expired: bool) -> Turn {
        self.progress.turn(&mut self.slot, host, expired)
    }

    fn speaks_first(&self) -> bool {
        H::__HANDLE_OVERRIDDEN
    }

    fn is_in_handshake(&self) -> bool {
        self.slot.vars().is_some_and(|vars| vars.io().is_in_handshake())
    }

    fn is_idle(&self) -> bool {
        self.progress.is_idle(&self.slot)
    }

    fn ends_with_server(&self) -> bool {
        self.is_idle() && !self.progress.next.is_granted()
    }

    fn is_answered(&self) -> bool {
        self.progress.is_answered(&self.slot)
    }

    fn refuse(&mut self) -> bool {
        self.progress.refuse(&self.slot)
    }
}

impl<H: RequestHandler, F> Drop for Live<H, F> {
    fn drop(&mut self) {
        let Made::Handler(handler) = std::mem::replace(&mut self.slot.made, Made::Nothing) else { return };
        // Its `Drop` is code of the user too.
        let told = Told::of(AnyHandler::vars(&handler));
        if let Err(message) = caught(move || drop(handler)) {
            told.tell("dropping a handler", &message);
        }
    }
}

impl Progress {
    fn new() -> Self {
        Self {
            is_idle: true,
            next: NextRequest::after(Instant::now()),
            waits_for: Some(Want::Input),
            lingers_until: None,
        }
    }

    fn is_idle(&self, slot: &dyn AnySlot) -> bool {
        self.is_idle && !self.has_lingered(slot)
    }

    fn is_answered(&self, slot: &dyn AnySlot) -> bool {
        let is_gone = slot.is_made() && slot.vars().is_some_and(|vars| vars.io().is_gone());
        self.has_lingered(slot) && !is_gone
    }

    /// Whether the last response is sent, and the client's end was waited for.
    fn has_lingered(&self, slot: &dyn AnySlot) -> bool {
        phase(slot) == Phase::Lingering || self.lingers_until.is_some()
    }

    fn refuse(&mut self, slot: &dyn AnySlot) -> bool {
        let Some(vars) = slot.vars() else { return false };
        match vars.phase() {
            Phase::Ready if slot.is_made() => {
                vars.io().refuse();
                vars.happens(Event::End);
            }
            phase if phase != Phase::Lingering && !slot.is_made() => {
                vars.io().refuse();
                end_refused(vars);
            }
            _ => return false,
        }
        self.is_idle = false;
        true
    }

    fn turn(&mut self, slot: &mut dyn AnySlot, host: &mut dyn Host, expired: bool) -> Turn {
        if let Some(vars) = slot.vars_mut() {
            vars.begin_turn();
        }
        // Who was late to take a response is not late with a body.
        let late = self.waits_for.take().filter(|_| expired);
        let turn = self.go_on(slot, host, late);
        if let Turn::Later(want, _) = turn {
            self.waits_for = Some(want);
        }
        // Another thread goes on at once with what is there, unless there is none.
        if turn == Turn::Elsewhere && !host.is_at_bound() {
            return turn;
        }
        if let Some(vars) = slot.vars_mut() {
            vars.end_turn();
        }
        turn
    }

    fn go_on(&mut self, slot: &mut dyn AnySlot, host: &mut dyn Host, mut late: Option<Want>) -> Turn {
        loop {
            let step = match (phase(slot), slot.handler()) {
                (Phase::Lingering, _) => self.lingers(slot, host, late.is_some()),
                (Phase::Over, _) => Step::Break(Turn::Over),
                (_, None) => self.begin(slot, host, &mut late),
                (_, Some(handler)) => self.go_on_with(handler, host, &mut late),
            };
            if let Step::Break(turn) = step {
                return turn;
            }
        }
    }

    /// Goes on with a handler, up to the end of the connection.
    fn go_on_with(
        &mut self,
        handler: &mut dyn AnyHandler,
        host: &mut dyn Host,
        late: &mut Option<Want>,
    ) -> Step {
        let mut budget = REQUESTS_A_TURN;
        loop {
            match handler.vars().phase() {
                Phase::Done | Phase::Idle | Phase::Head | Phase::Ready => {
                    self.serve(handler, host, late, &mut budget)?;
                }
                Phase::Body => {
                    self.is_idle = false;
                    gather_body(handler, host, late)?;
                }
                Phase::Rest => {
                    let is_enough = budget == 0 || host.turn_is_over();
                    // What was dropped, or taken, is a sign of the client as well.
                    self.next = NextRequest::after(host.last_look());
                    drop_rest(handler, host, *late, is_enough)?;
                }
                // Whoever calls a handler settles what it has made, so that there is nothing left to go on with.
                Phase::Handler => handler.vars().happens(Event::End),
                Phase::Last => end(handler, host, late)?,
                Phase::Lingering | Phase::Over => return Step::Continue(()),
            }
        }
    }

    fn begin(&mut self, slot: &mut dyn AnySlot, host: &mut dyn Host, late: &mut Option<Want>) -> Step {
        let Some(vars) = slot.vars_mut() else { return Step::Break(Turn::Over) };
        let handles = vars.class().overrides.handle;
        // What has come at the last moment has come.
        let is_late = late.take().is_some();
        if let Some(step) = preface(vars, &mut self.next, host, is_late) {
            return step;
        }
        if !handles && let Some(step) = await_input(vars, &mut self.next, host, is_late) {
            return step;
        }
        self.is_idle &= handles;
        if !host.runs_user_code() || (handles && !host.admits_all()) {
            return Step::Break(Turn::Elsewhere);
        }
        if handles {
            host.takes_connection();
        }
        host.enter();
        let is_made = make(slot);
        if is_made && let Some(handler) = slot.handler() {
            self.is_idle &= !set_up(handler);
        }
        host.leave();
        if is_made { Step::Continue(()) } else { Step::Break(Turn::Over) }
    }

    fn lingers(&mut self, slot: &mut dyn AnySlot, host: &dyn Host, late: bool) -> Step {
        // Where it ends, the handler is dropped, which is code of the user too.
        if slot.is_made() && !host.runs_user_code() {
            return Step::Break(Turn::Elsewhere);
        }
        let Some(vars) = slot.vars() else { return Step::Break(Turn::Over) };
        let step = linger(&mut vars.io(), &mut self.lingers_until, late);
        if step == Step::Break(Turn::Over) {
            vars.happens(Event::Closed);
        }
        step
    }

    /// Answers requests without a body, one after the other, and one whose body has come.
    fn serve(
        &mut self,
        handler: &mut dyn AnyHandler,
        host: &mut dyn Host,
        late: &mut Option<Want>,
        budget: &mut u32,
    ) -> Step {
        loop {
            let is_resumed = handler.vars().phase() == Phase::Ready;
            if !is_resumed {
                self.read_head(handler, host, late)?;
                if handler.vars().phase() != Phase::Ready {
                    return Step::Continue(());
                }
            }
            self.is_idle = false;
            *budget = budget.saturating_sub(1);
            let place = Place { is_resumed, is_first: *budget == REQUESTS_A_TURN - 1, is_last: *budget == 0 };
            let step = run_handler(handler, host, late.take(), place);
            self.next = NextRequest::after(host.last_look());
            step?;
            if handler.vars().phase() != Phase::Done {
                return Step::Continue(());
            }
        }
    }

    fn read_head(
        &mut self,
        handler: &mut dyn AnyHandler,
        host: &mut dyn Host,
        late: &mut Option<Want>,
    ) -> Step {
        let (next, phase, mut io) = handler.vars_mut().next_request();
        match next {
            NextHead::Request => {
                drop(io);
                *late = None;
                let gathers = handler.vars().request().has_body && !is_condemned(handler);
                handler.vars().happens(Event::Request { gathers });
                return Step::Continue(());
            }
            NextHead::End => return Step::Continue(()),
            NextHead::Later | NextHead::Enough => {}
        }
        let has_no_room = *late == Some(Want::Room);
        let pumped = if log_comes_first(&io, host) {
            drop(io);
            host.before_sending();
            send(&mut handler.vars().io(), phase, host, has_no_room)
        } else {
            let pumped = send(&mut io, phase, host, has_no_room);
            drop(io);
            pumped
        };
        let (is_idle, patience) = match told(pumped, handler, host) {
            Pumped::Paused(turn) => {
                self.is_idle = false;
                return Step::Break(turn);
            }
            Pumped::Dead => {
                handler.vars().happens(Event::End);
                return Step::Continue(());
            }
            Pumped::All { is_idle, patience } => (is_idle, patience),
        };
        if next == NextHead::Enough {
            self.is_idle = is_idle;
            return Step::Break(Turn::Again);
        }
        if *late == Some(Want::Input) {
            *late = None;
            give_up(handler, host);
            return Step::Continue(());
        }
        let time = if is_idle && host.is_stopping() { self.next.grant(host) } else { Some(patience) };
        let Some(time) = time else {
            handler.vars().happens(Event::End);
            return Step::Continue(());
        };
        self.is_idle = is_idle;
        Step::Break(Turn::Later(Want::Input, time))
    }
}

fn phase(slot: &dyn AnySlot) -> Phase {
    slot.vars().map_or(Phase::Over, InstanceVariables::phase)
}

/// Makes the handler of a connection. False if there is none: where making it panics the base goes with it.
fn make(slot: &mut dyn AnySlot) -> bool {
    let Some(told) = slot.vars().map(Told::of) else { return false };
    let made = slot.make();
    if let Err(message) = &made {
        told.tell("making a handler", message);
    }
    made.is_ok()
}

/// Has a handler set up, and lets it serve the connection if it has a `handle` of its own: true then.
fn set_up(handler: &mut dyn AnyHandler) -> bool {
    let class = handler.vars().class();
    if let Some(timeout) = class.timeout {
        handler.vars().set_timeouts(Some(timeout), Some(timeout));
    }
    let set_up = caught(|| {
        let result = handler.setup();
        // It may have asked for a request of its own.
        settle(handler, None);
        result
    });
    match set_up {
        Ok(Ok(())) if class.overrides.handle => {
            match caught(|| handler.handle()) {
                Ok(result) => finish_handle(handler, result),
                Err(message) => panicked(handler, "handle", &message),
            }
            return true;
        }
        Ok(Ok(())) => return false,
        Ok(Err(error)) => report(handler, "setup", &Failure::Error(&error.to_string())),
        Err(message) => report(handler, "setup", &Failure::Panic(&message)),
    }
    handler.vars().happens(Event::End);
    false
}

/// Answers the request that has come.
fn answer(handler: &mut dyn AnyHandler) {
    let answered = caught(|| {
        let result = handler.handle_one_request();
        settle(handler, result.err());
        handler.forget_request();
    });
    if let Err(message) = answered {
        panicked(handler, "handle_one_request", &message);
    }
}

/// Completes what a `handle` of the user's own may have left open.
fn finish_handle(handler: &dyn AnyHandler, result: io::Result<()>) {
    // No request is open that could take the error for its own.
    let phase = handler.vars().phase();
    let is_open = phase.has_request() || phase == Phase::Rest;
    if let (Err(error), false) = (&result, is_open) {
        report(handler, "handle", &Failure::Error(&error.to_string()));
    } else if let Err(message) = caught(|| complete(handler, result.err())) {
        panicked(handler, "handle", &message);
    }
    handler.vars().happens(Event::End);
}

/// The place of a request in its turn.
#[derive(Clone, Copy)]
struct Place {
    /// It came in an earlier turn, or its body did.
    is_resumed: bool,
    is_first: bool,
    is_last: bool,
}

fn run_handler(handler: &mut dyn AnyHandler, host: &mut dyn Host, late: Option<Want>, place: Place) -> Step {
    let request = handler.vars().request();
    if !host.admits(request.command(), request.path()) {
        // A handler that takes its time must not hold back the responses before its own.
        match pump(handler, host, late == Some(Want::Room)) {
            Pumped::Paused(turn) => return Step::Break(turn),
            Pumped::All { .. } => return Step::Break(Turn::Elsewhere),
            Pumped::Dead => handler.vars().happens(Event::End),
        }
        return Step::Continue(());
    }
    let is_quick = host.expects_quickness();
    if !is_quick {
        // Nobody is left to hear what the handler would say.
        if matches!(pump(handler, host, false), Pumped::Dead) {
            handler.vars().happens(Event::End);
            return Step::Continue(());
        }
    } else if !place.is_first {
        host.has_gathered(handler.vars().shared().clone());
    }
    if place.is_resumed || !is_quick {
        handler.vars().io().handler_begins();
    }
    host.enter();
    answer(handler);
    host.leave();
    if handler.vars().phase() == Phase::Done {
        let is_enough = place.is_last || host.turn_is_over();
        return go_on(handler, host, is_enough);
    }
    Step::Continue(())
}
