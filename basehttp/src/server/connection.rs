//! One connection from its first byte to its last, in turns. A turn goes as far as it can without waiting for the client,
//! and returns what to wait for. The connection makes the handler, runs it, and survives its failures.

use std::io;
use std::time::Instant;

use super::body::{drop_rest, gather_body};
use super::caught::caught;
use super::detached::go_on_detached;
use super::ending::{end, linger};
use super::failing::{Reporter, give_up, panicked, report};
use super::preface::{NextRequest, await_input, end_refused, preface};
use super::sending::{Flushed, continue_or_flush, flush, log_comes_first, log_if_dead, send};
use super::turn::{AnyConnection, ConnectionParts, Step, Turn, TurnContext};
use crate::handler::any_handler::{AnyHandler, class_of};
use crate::handler::connection_io::NextHead;
use crate::handler::dispatch::{complete, forget_none, is_refused_by_head, next_request, settle};
use crate::handler::failure::HandlerFailure;
use crate::handler::instance::InstanceVariables;
use crate::handler::resolution::kind;
use crate::handler::wire::Want;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
use crate::proto::connection::{Event, Phase};
use crate::sync::Arc;

/// How many requests a connection may have answered in one turn.
const REQUESTS_A_TURN: u32 = 64;

/// A connection with its type of handler.
pub(crate) struct HttpConnection<H: RequestHandler, F> {
    slot: HandlerSlot<H, F>,
    state: TurnState,
}

/// The handler, once it is made, and the factory that makes it.
struct HandlerSlot<H: RequestHandler, F> {
    factory: Arc<F>,
    made: HandlerState<H>,
}

enum HandlerState<H: RequestHandler> {
    Base(BaseHTTPRequestHandler<H::MessageClass>),
    Handler(H),
    Nothing,
}

/// The progress of a connection, besides its phase.
struct TurnState {
    /// No request has arrived since the connection was last parked to wait for one.
    is_idle: bool,
    /// The time for its next request during shutdown.
    next: NextRequest,
    /// Its response is detached, and it has had a turn since the shutdown began.
    knows_of_stop: bool,
    /// What it was waiting for when it was last parked.
    waits_for: Option<Want>,
    /// The end of its lingering.
    lingers_until: Option<Instant>,
}

/// A slot whose type of handler is erased.
trait AnyHandlerSlot {
    /// `None` after a panic in making or dropping the handler.
    fn vars(&self) -> Option<&InstanceVariables>;
    fn vars_mut(&mut self) -> Option<&mut InstanceVariables>;
    /// `None` before it is made.
    fn handler(&mut self) -> Option<&mut dyn AnyHandler>;
    fn is_made(&self) -> bool;
    /// Makes the handler. If that panics, returns the panic's message; the base is lost.
    fn make(&mut self) -> Result<(), String>;
}

impl<H, F> AnyHandlerSlot for HandlerSlot<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    #[inline]
    fn vars(&self) -> Option<&InstanceVariables> {
        match &self.made {
            HandlerState::Base(base) => Some(base.vars()),
            HandlerState::Handler(handler) => Some(AnyHandler::vars(handler)),
            HandlerState::Nothing => None,
        }
    }

    fn vars_mut(&mut self) -> Option<&mut InstanceVariables> {
        match &mut self.made {
            HandlerState::Base(base) => Some(base.vars_mut()),
            HandlerState::Handler(handler) => Some(AnyHandler::vars_mut(handler)),
            HandlerState::Nothing => None,
        }
    }

    fn handler(&mut self) -> Option<&mut dyn AnyHandler> {
        match &mut self.made {
            HandlerState::Handler(handler) => Some(handler),
            HandlerState::Base(_) | HandlerState::Nothing => None,
        }
    }

    fn is_made(&self) -> bool {
        matches!(self.made, HandlerState::Handler(_))
    }

    fn make(&mut self) -> Result<(), String> {
        if let HandlerState::Base(base) = std::mem::replace(&mut self.made, HandlerState::Nothing) {
            self.made = HandlerState::Handler(caught(|| (self.factory)(base))?);
        }
        Ok(())
    }
}

impl<H, F> HttpConnection<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    pub(crate) fn new(parts: ConnectionParts, factory: Arc<F>) -> Self {
        let ConnectionParts { wire, client_address, server, bounds } = parts;
        let vars = InstanceVariables::new(wire, bounds, client_address, server, class_of::<H>());
        let made = HandlerState::Base(BaseHTTPRequestHandler::new(vars));
        Self { slot: HandlerSlot { factory, made }, state: TurnState::new() }
    }
}

impl<H, F> AnyConnection for HttpConnection<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    fn turn(&mut self, context: &mut dyn TurnContext, expired: bool) -> Turn {
        self.state.turn(&mut self.slot, context, expired)
    }

    fn speaks_first(&self) -> bool {
        H::__HANDLE_OVERRIDDEN
    }

    fn is_in_handshake(&self) -> bool {
        self.slot.vars().is_some_and(|vars| vars.io().is_in_handshake())
    }

    fn is_idle(&self) -> bool {
        self.state.is_idle(&self.slot)
    }

    fn ends_with_server(&self) -> bool {
        // During shutdown, a detached response gets one more turn.
        let is_detached = phase(&self.slot) == Phase::Detached;
        (self.is_idle() && !self.state.next.is_granted()) || (is_detached && !self.state.knows_of_stop)
    }

    fn is_answered(&self) -> bool {
        self.state.is_answered(&self.slot)
    }

    fn refuse(&mut self) -> bool {
        self.state.refuse(&self.slot)
    }
}

impl<H: RequestHandler, F> Drop for HttpConnection<H, F> {
    fn drop(&mut self) {
        let HandlerState::Handler(handler) = std::mem::replace(&mut self.slot.made, HandlerState::Nothing)
        else {
            return;
        };
        // Its `Drop` is user code too.
        let reporter = Reporter::of(AnyHandler::vars(&handler));
        let shared = AnyHandler::vars(&handler).shared().clone();
        let dropped = caught(move || drop(handler));
        if let Err(message) = &dropped {
            reporter.report("dropping a handler", message);
        }
        // A handle on a response does not keep the connection alive.
        let detached = shared.close();
        if let Err(message) = caught(move || drop(detached)) {
            reporter.report("reporting the end of a connection", &message);
        }
    }
}

impl TurnState {
    fn new() -> Self {
        Self {
            is_idle: true,
            next: NextRequest::after(Instant::now()),
            knows_of_stop: false,
            waits_for: Some(Want::Input),
            lingers_until: None,
        }
    }

    fn is_idle(&self, slot: &dyn AnyHandlerSlot) -> bool {
        self.is_idle && !self.has_lingered(slot)
    }

    fn is_answered(&self, slot: &dyn AnyHandlerSlot) -> bool {
        let is_gone = slot.is_made() && slot.vars().is_some_and(|vars| vars.io().is_gone());
        self.has_lingered(slot) && !is_gone
    }

    /// Whether the last response is sent, and the connection waits, or has waited, for the client's end.
    fn has_lingered(&self, slot: &dyn AnyHandlerSlot) -> bool {
        phase(slot) == Phase::Lingering || self.lingers_until.is_some()
    }

    fn refuse(&mut self, slot: &dyn AnyHandlerSlot) -> bool {
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

    fn turn(&mut self, slot: &mut dyn AnyHandlerSlot, context: &mut dyn TurnContext, expired: bool) -> Turn {
        if let Some(vars) = slot.vars_mut() {
            vars.begin_turn();
        }
        // A client that was late to take a response is not late with a body.
        let late = self.waits_for.take().filter(|_| expired);
        let turn = self.go_on(slot, context, late);
        if let Turn::Later(want, _) = turn {
            self.waits_for = Some(want);
        }
        // With `Elsewhere` another thread continues at once with the same buffers, unless no thread is free.
        if turn == Turn::Elsewhere && !context.is_at_bound() {
            return turn;
        }
        if let Some(vars) = slot.vars_mut() {
            vars.end_turn();
        }
        turn
    }

    fn go_on(
        &mut self,
        slot: &mut dyn AnyHandlerSlot,
        context: &mut dyn TurnContext,
        mut late: Option<Want>,
    ) -> Turn {
        loop {
            let step = match (phase(slot), slot.handler()) {
                (Phase::Lingering, _) => self.lingers(slot, context, late.is_some()),
                (Phase::Over, _) => Step::Break(Turn::Over),
                (_, None) => self.begin(slot, context, &mut late),
                (_, Some(handler)) => self.go_on_with(handler, context, &mut late),
            };
            if let Step::Break(turn) = step {
                return turn;
            }
        }
    }

    /// Continues with a handler, up to the end of the connection.
    fn go_on_with(
        &mut self,
        handler: &mut dyn AnyHandler,
        context: &mut dyn TurnContext,
        late: &mut Option<Want>,
    ) -> Step {
        let mut budget = REQUESTS_A_TURN;
        loop {
            match handler.vars().phase() {
                Phase::Done | Phase::Idle | Phase::Head | Phase::Ready => {
                    self.serve(handler, context, late, &mut budget)?;
                }
                Phase::Body => {
                    self.is_idle = false;
                    gather_body(handler, context, late)?;
                }
                Phase::Detached => {
                    self.knows_of_stop = context.is_stopping();
                    let is_enough = context.turn_is_over();
                    go_on_detached(handler, context, late.take().is_some(), is_enough)?;
                    self.next = NextRequest::after(context.last_look());
                }
                Phase::Rest => {
                    let is_enough = budget == 0 || context.turn_is_over();
                    // Input that was dropped, or output that was taken, is a sign of the client as well.
                    self.next = NextRequest::after(context.last_look());
                    drop_rest(handler, context, *late, is_enough)?;
                }
                // A caller of a handler settles its response, so nothing is left to continue with.
                Phase::Handler => handler.vars().happens(Event::End),
                Phase::Last => end(handler, context, late)?,
                Phase::Lingering | Phase::Over => return Step::Continue(()),
            }
        }
    }

    fn begin(
        &mut self,
        slot: &mut dyn AnyHandlerSlot,
        context: &mut dyn TurnContext,
        late: &mut Option<Want>,
    ) -> Step {
        let Some(vars) = slot.vars_mut() else { return Step::Break(Turn::Over) };
        let handles = vars.class().overrides.handle;
        // Input that arrived at the last moment still counts.
        let is_late = late.take().is_some();
        if let Some(step) = preface(vars, &mut self.next, context, is_late) {
            return step;
        }
        if !handles && let Some(step) = await_input(vars, &mut self.next, context, is_late) {
            return step;
        }
        self.is_idle &= handles;
        if !context.runs_user_code() || (handles && !context.admits_all()) {
            return Step::Break(Turn::Elsewhere);
        }
        if handles {
            context.takes_connection();
        }
        context.enter();
        let is_made = make(slot);
        if is_made && let Some(handler) = slot.handler() {
            self.is_idle &= !set_up(handler);
        }
        context.leave();
        if is_made { Step::Continue(()) } else { Step::Break(Turn::Over) }
    }

    fn lingers(&mut self, slot: &mut dyn AnyHandlerSlot, context: &dyn TurnContext, late: bool) -> Step {
        // At the end the handler is dropped, which is user code too.
        if slot.is_made() && !context.runs_user_code() {
            return Step::Break(Turn::Elsewhere);
        }
        let Some(vars) = slot.vars() else { return Step::Break(Turn::Over) };
        let step = linger(&mut vars.io(), &mut self.lingers_until, late);
        if step == Step::Break(Turn::Over) {
            vars.happens(Event::Closed);
        }
        step
    }

    /// Answers requests without a body, one after the other, and a request whose body has arrived.
    fn serve(
        &mut self,
        handler: &mut dyn AnyHandler,
        context: &mut dyn TurnContext,
        late: &mut Option<Want>,
        budget: &mut u32,
    ) -> Step {
        loop {
            let is_resumed = handler.vars().phase() == Phase::Ready;
            if !is_resumed {
                self.read_head(handler, context, late)?;
                if handler.vars().phase() != Phase::Ready {
                    return Step::Continue(());
                }
            }
            self.is_idle = false;
            *budget = budget.saturating_sub(1);
            let position = RequestPosition {
                is_resumed,
                is_first: *budget == REQUESTS_A_TURN - 1,
                is_last: *budget == 0,
            };
            let step = run_handler(handler, context, late.take(), position);
            self.next = NextRequest::after(context.last_look());
            step?;
            if handler.vars().phase() != Phase::Done {
                return Step::Continue(());
            }
        }
    }

    fn read_head(
        &mut self,
        handler: &mut dyn AnyHandler,
        context: &mut dyn TurnContext,
        late: &mut Option<Want>,
    ) -> Step {
        let (next, phase, mut io) = next_request(handler);
        match next {
            NextHead::Request => {
                drop(io);
                *late = None;
                let gathers = handler.vars().request().has_body && !is_refused_by_head(handler);
                handler.vars().happens(Event::Request { gathers });
                return Step::Continue(());
            }
            NextHead::End => return Step::Continue(()),
            NextHead::Later | NextHead::Enough => {}
        }
        let has_no_room = *late == Some(Want::Room);
        let flushed = if log_comes_first(&io, context) {
            drop(io);
            context.before_sending();
            send(&mut handler.vars().io(), phase, context, has_no_room)
        } else {
            let flushed = send(&mut io, phase, context, has_no_room);
            drop(io);
            flushed
        };
        let (is_idle, time) = match log_if_dead(flushed, handler, context) {
            Flushed::Paused(turn) => {
                self.is_idle = false;
                return Step::Break(turn);
            }
            Flushed::Dead => {
                handler.vars().happens(Event::End);
                return Step::Continue(());
            }
            Flushed::All { is_idle, time } => (is_idle, time),
        };
        if next == NextHead::Enough {
            self.is_idle = is_idle;
            return Step::Break(Turn::Again);
        }
        if *late == Some(Want::Input) {
            *late = None;
            give_up(handler, context);
            return Step::Continue(());
        }
        let time = if is_idle && context.is_stopping() { self.next.grant(context) } else { Some(time) };
        let Some(time) = time else {
            handler.vars().happens(Event::End);
            return Step::Continue(());
        };
        self.is_idle = is_idle;
        Step::Break(Turn::Later(Want::Input, time))
    }
}

fn phase(slot: &dyn AnyHandlerSlot) -> Phase {
    slot.vars().map_or(Phase::Over, InstanceVariables::phase)
}

/// Makes the handler of a connection. False if there is none: if making it panics, the base is lost.
fn make(slot: &mut dyn AnyHandlerSlot) -> bool {
    let Some(reporter) = slot.vars().map(Reporter::of) else { return false };
    let made = slot.make();
    if let Err(message) = &made {
        reporter.report("making a handler", message);
    }
    made.is_ok()
}

/// Calls `setup`. If the handler overrides `handle`, also lets it serve the connection, and returns true.
fn set_up(handler: &mut dyn AnyHandler) -> bool {
    let class = handler.vars().class();
    if let Some(timeout) = class.timeout {
        handler.vars().set_timeouts(Some(timeout), Some(timeout));
    }
    let set_up = caught(|| {
        let result = handler.setup();
        // It may have made a request of its own, or sent headers without a request.
        settle(handler, None);
        forget_none(handler);
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
        Ok(Err(error)) => report(handler, "setup", &HandlerFailure::Error(&error.to_string())),
        Err(message) => report(handler, "setup", &HandlerFailure::Panic(&message)),
    }
    handler.vars().happens(Event::End);
    false
}

/// Answers the current request.
fn answer(handler: &mut dyn AnyHandler) {
    let answered = caught(|| {
        let result = handler.handle_one_request();
        settle(handler, result.err());
        if handler.vars().phase() != Phase::Detached {
            handler.forget_request();
        }
    });
    if let Err(message) = answered {
        panicked(handler, "handle_one_request", &message);
    }
}

/// Completes what an overridden `handle` may have left open.
fn finish_handle(handler: &mut dyn AnyHandler, result: io::Result<()>) {
    // No request is open to which the error could belong.
    let phase = handler.vars().phase();
    let is_open = phase.has_request() || phase == Phase::Rest;
    if let (Err(error), false) = (&result, is_open) {
        report(handler, "handle", &HandlerFailure::Error(&error.to_string()));
    } else if let Err(message) = caught(|| complete(handler, result.err())) {
        panicked(handler, "handle", &message);
    }
    handler.vars().happens(Event::End);
}

/// The position of a request within its turn.
#[derive(Clone, Copy)]
struct RequestPosition {
    /// The request, or its body, arrived in an earlier turn.
    is_resumed: bool,
    is_first: bool,
    is_last: bool,
}

fn run_handler(
    handler: &mut dyn AnyHandler,
    context: &mut dyn TurnContext,
    late: Option<Want>,
    position: RequestPosition,
) -> Step {
    if !context.may_run(kind(handler)) {
        // A slow handler must not hold back the responses before its own.
        match flush(handler, context, late == Some(Want::Room)) {
            Flushed::Paused(turn) => return Step::Break(turn),
            Flushed::All { .. } => return Step::Break(Turn::Elsewhere),
            Flushed::Dead => handler.vars().happens(Event::End),
        }
        return Step::Continue(());
    }
    let is_quick = context.expects_quickness();
    if !is_quick {
        // If the client has gone, the handler need not run.
        if matches!(flush(handler, context, false), Flushed::Dead) {
            handler.vars().happens(Event::End);
            return Step::Continue(());
        }
    } else if !position.is_first {
        context.has_buffered(handler.vars().shared());
    }
    if position.is_resumed || !is_quick {
        handler.vars().io().handler_begins();
    }
    if position.is_first || position.is_resumed || !is_quick {
        context.enter();
    } else {
        context.enter_next();
    }
    answer(handler);
    context.leave();
    if handler.vars().phase() == Phase::Done {
        let is_enough = position.is_last || context.turn_is_over();
        return continue_or_flush(handler, context, is_enough);
    }
    Step::Continue(())
}
