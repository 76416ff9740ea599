//! One connection from its first byte to its last, in turns: goes as far as it can without waiting for the client, and
//! says what it waits for. Makes the handler, runs it, and survives it.

use std::io;
use std::time::Instant;

use super::body::{drop_rest, gather_body};
use super::caught::caught;
use super::ending::{end, linger};
use super::failing::{give_up, panicked, report, tell_without_handler};
use super::preface::{NextRequest, await_input, end_refused, preface};
use super::sending::{Pumped, go_on, log_comes_first, pump, send, told};
use super::session::{Host, Parts, Session, Step, Turn};
use crate::handler::dispatch::{Failure, complete, is_condemned, settle};
use crate::handler::exchange::Next;
use crate::handler::wire::Want;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
use crate::proto::connection::{Event, Phase};
use crate::sync::Arc;

/// How many requests a connection may have answered in one turn.
const REQUESTS_A_TURN: u32 = 64;

pub(crate) struct Live<H: RequestHandler, F> {
    factory: Arc<F>,
    made: Made<H>,
    /// No request has come since it lay down to wait for one.
    is_idle: bool,
    /// The time for its next request at the server's end.
    next: NextRequest,
    /// What its client had time for, when it lay down.
    waits_for: Option<Want>,
    /// Until then it lingers.
    lingers_until: Option<Instant>,
}

/// What there is of the handler.
enum Made<H: RequestHandler> {
    Base(BaseHTTPRequestHandler<H::MessageClass>),
    Handler(H),
    Nothing,
}

impl<H, F> Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    pub(crate) fn new(parts: Parts, factory: Arc<F>) -> Self {
        let base = BaseHTTPRequestHandler::new(parts.wire, parts.bounds, parts.client_address, parts.server);
        Self {
            factory,
            made: Made::Base(base),
            is_idle: true,
            next: NextRequest::after(Instant::now()),
            waits_for: Some(Want::Input),
            lingers_until: None,
        }
    }

    fn begin(&mut self, host: &mut dyn Host, late: &mut Option<Want>) -> Step {
        let Made::Base(base) = &mut self.made else { return Step::Break(Turn::Over) };
        // What has come at the last moment has come.
        let is_late = late.take().is_some();
        if let Some(step) = preface(base, &mut self.next, host, is_late) {
            return step;
        }
        if !H::__HANDLE_OVERRIDDEN
            && let Some(step) = await_input(base, &mut self.next, host, is_late)
        {
            return step;
        }
        self.is_idle &= H::__HANDLE_OVERRIDDEN;
        if !host.runs_user_code() || (H::__HANDLE_OVERRIDDEN && !host.admits_all()) {
            return Step::Break(Turn::Elsewhere);
        }
        if H::__HANDLE_OVERRIDDEN {
            host.takes_connection();
        }
        host.enter();
        let is_made = self.start();
        host.leave();
        if is_made { Step::Continue(()) } else { Step::Break(Turn::Over) }
    }

    /// Makes the handler, and has it set up. False if there is none: where making it panics the base goes with it.
    fn start(&mut self) -> bool {
        let Made::Base(base) = std::mem::replace(&mut self.made, Made::Nothing) else { return false };
        let (client_address, server, shared) =
            (base.client_address().clone(), base.server_arc(), base.shared());
        let handler = match caught(|| (self.factory)(base)) {
            Ok(handler) => handler,
            Err(message) => {
                tell_without_handler(&shared, &server, client_address, "making a handler", &message);
                return false;
            }
        };
        self.made = Made::Handler(handler);
        let Made::Handler(handler) = &mut self.made else { return false };
        if let Some(timeout) = H::timeout {
            handler.set_timeout(timeout);
        }
        let set_up = caught(|| {
            let result = handler.setup();
            // It may have asked for a request of its own.
            settle(handler, None);
            result
        });
        match set_up {
            Ok(Ok(())) if H::__HANDLE_OVERRIDDEN => {
                self.is_idle = false;
                match caught(|| handler.handle()) {
                    Ok(result) => finish_handle(handler, result),
                    Err(message) => panicked(handler, "handle", &message),
                }
                return true;
            }
            Ok(Ok(())) => return true,
            Ok(Err(error)) => report(handler, "setup", &Failure::Error(&error.to_string())),
            Err(message) => report(handler, "setup", &Failure::Panic(&message)),
        }
        handler.happens(Event::End);
        true
    }
}

impl<H: RequestHandler> Made<H> {
    fn phase(&self) -> Phase {
        match self {
            Self::Base(base) => base.phase(),
            Self::Handler(handler) => handler.phase(),
            Self::Nothing => Phase::Over,
        }
    }
}

/// Answers the request that has come.
fn answer<H: RequestHandler>(handler: &mut H) {
    let answered = caught(|| {
        let result = handler.handle_one_request();
        settle(handler, result.err());
        handler.__base_mut().forget_headers();
    });
    if let Err(message) = answered {
        panicked(handler, "handle_one_request", &message);
    }
}

/// Completes what a `handle` of the user's own may have left open.
fn finish_handle<H: RequestHandler>(handler: &H, result: io::Result<()>) {
    // No request is open that could take the error for its own.
    let is_open = handler.phase().has_request() || handler.phase() == Phase::Rest;
    if let (Err(error), false) = (&result, is_open) {
        report(handler, "handle", &Failure::Error(&error.to_string()));
    } else if let Err(message) = caught(|| complete(handler, result.err())) {
        panicked(handler, "handle", &message);
    }
    handler.happens(Event::End);
}

impl<H, F> Session for Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    fn turn(&mut self, host: &mut dyn Host, expired: bool) -> Turn {
        if let Some(base) = self.base_mut() {
            base.begin_turn();
        }
        // Who was late to take a response is not late with a body.
        let late = self.waits_for.take().filter(|_| expired);
        let turn = self.go_on(host, late);
        if let Turn::Later(want, _) = turn {
            self.waits_for = Some(want);
        }
        // Another thread goes on at once with what is there, unless there is none.
        if turn == Turn::Elsewhere && !host.is_at_bound() {
            return turn;
        }
        if let Some(base) = self.base_mut() {
            base.end_turn();
        }
        turn
    }

    fn speaks_first(&self) -> bool {
        H::__HANDLE_OVERRIDDEN
    }

    fn is_in_handshake(&self) -> bool {
        matches!(&self.made, Made::Base(base) if base.exchange().is_in_handshake())
            || matches!(&self.made, Made::Handler(handler) if handler.exchange().is_in_handshake())
    }

    fn is_idle(&self) -> bool {
        self.is_idle && !self.has_lingered()
    }

    fn ends_with_server(&self) -> bool {
        self.is_idle() && !self.next.is_granted()
    }

    fn is_answered(&self) -> bool {
        let is_gone = || matches!(&self.made, Made::Handler(handler) if handler.exchange().is_gone());
        self.has_lingered() && !is_gone()
    }

    fn refuse(&mut self) -> bool {
        match &self.made {
            Made::Handler(handler) if handler.phase() == Phase::Ready => {
                handler.exchange().refuse();
                handler.happens(Event::End);
            }
            Made::Base(base) if base.phase() != Phase::Lingering => {
                base.exchange().refuse();
                end_refused(base);
            }
            Made::Base(_) | Made::Handler(_) | Made::Nothing => return false,
        }
        self.is_idle = false;
        true
    }
}

impl<H, F> Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    /// Whether the last response is sent, and the client's end was waited for.
    fn has_lingered(&self) -> bool {
        self.made.phase() == Phase::Lingering || self.lingers_until.is_some()
    }

    fn base_mut(&mut self) -> Option<&mut BaseHTTPRequestHandler<H::MessageClass>> {
        match &mut self.made {
            Made::Base(base) => Some(base),
            Made::Handler(handler) => Some(handler.__base_mut()),
            Made::Nothing => None,
        }
    }

    fn go_on(&mut self, host: &mut dyn Host, mut late: Option<Want>) -> Turn {
        let mut budget = REQUESTS_A_TURN;
        loop {
            let step = match (self.made.phase(), &mut self.made) {
                (Phase::Lingering, _) => self.lingers(host, late.is_some()),
                (Phase::Over, _) | (_, Made::Nothing) => Step::Break(Turn::Over),
                (_, Made::Base(_)) => self.begin(host, &mut late),
                (Phase::Done | Phase::Idle | Phase::Head | Phase::Ready, Made::Handler(handler)) => {
                    serve(handler, host, &mut late, &mut budget, (&mut self.is_idle, &mut self.next))
                }
                (Phase::Body, Made::Handler(handler)) => {
                    self.is_idle = false;
                    gather_body(handler, host, &mut late)
                }
                (Phase::Rest, Made::Handler(handler)) => {
                    let is_enough = budget == 0 || host.turn_is_over();
                    // What was dropped, or taken, is a sign of the client as well.
                    self.next = NextRequest::after(host.last_look());
                    drop_rest(handler, host, late, is_enough)
                }
                // Whoever calls a handler settles what it has made, so that there is nothing left to go on with.
                (Phase::Handler, Made::Handler(handler)) => {
                    handler.happens(Event::End);
                    Step::Continue(())
                }
                (Phase::Last, Made::Handler(handler)) => end(handler, host, &mut late),
            };
            if let Step::Break(turn) = step {
                return turn;
            }
        }
    }

    fn lingers(&mut self, host: &dyn Host, late: bool) -> Step {
        let base = match &mut self.made {
            // Where it ends, the handler is dropped, which is code of the user too.
            Made::Handler(_) if !host.runs_user_code() => return Step::Break(Turn::Elsewhere),
            Made::Handler(handler) => handler.__base_mut(),
            Made::Base(base) => base,
            Made::Nothing => return Step::Break(Turn::Over),
        };
        let step = linger(&mut base.exchange(), &mut self.lingers_until, late);
        if step == Step::Break(Turn::Over) {
            base.happens(Event::Closed);
        }
        step
    }
}

/// Answers requests without a body, one after the other, and one whose body has come.
fn serve<H: RequestHandler>(
    handler: &mut H,
    host: &mut dyn Host,
    late: &mut Option<Want>,
    budget: &mut u32,
    (is_idle, next): (&mut bool, &mut NextRequest),
) -> Step {
    loop {
        if handler.phase() != Phase::Ready {
            read_head(handler, host, late, is_idle, next)?;
            if handler.phase() != Phase::Ready {
                return Step::Continue(());
            }
        }
        *is_idle = false;
        *budget = budget.saturating_sub(1);
        let step = run_handler(handler, host, late.take(), *budget == REQUESTS_A_TURN - 1, *budget == 0);
        *next = NextRequest::after(host.last_look());
        step?;
        if handler.phase() != Phase::Done {
            return Step::Continue(());
        }
    }
}

fn read_head<H: RequestHandler>(
    handler: &mut H,
    host: &mut dyn Host,
    late: &mut Option<Want>,
    idle: &mut bool,
    upcoming: &mut NextRequest,
) -> Step {
    let (next, phase, mut exchange) = handler.__base_mut().next_request::<H>();
    match next {
        Next::Request => {
            drop(exchange);
            *late = None;
            handler.happens(Event::Request { gathers: handler.has_body() && !is_condemned(handler) });
            return Step::Continue(());
        }
        Next::End => return Step::Continue(()),
        Next::Later | Next::Enough => {}
    }
    let has_no_room = *late == Some(Want::Room);
    let pumped = if log_comes_first(&exchange, host) {
        drop(exchange);
        host.before_sending();
        send(&mut handler.exchange(), phase, host, has_no_room)
    } else {
        let pumped = send(&mut exchange, phase, host, has_no_room);
        drop(exchange);
        pumped
    };
    let (is_idle, patience) = match told(pumped, handler, host) {
        Pumped::Paused(turn) => {
            *idle = false;
            return Step::Break(turn);
        }
        Pumped::Dead => {
            handler.happens(Event::End);
            return Step::Continue(());
        }
        Pumped::All { is_idle, patience } => (is_idle, patience),
    };
    if next == Next::Enough {
        *idle = is_idle;
        return Step::Break(Turn::Again);
    }
    if *late == Some(Want::Input) {
        *late = None;
        give_up(handler, host);
        return Step::Continue(());
    }
    let time = if is_idle && host.is_stopping() { upcoming.grant(host) } else { Some(patience) };
    let Some(time) = time else {
        handler.happens(Event::End);
        return Step::Continue(());
    };
    *idle = is_idle;
    Step::Break(Turn::Later(Want::Input, time))
}

fn run_handler<H: RequestHandler>(
    handler: &mut H,
    host: &mut dyn Host,
    late: Option<Want>,
    is_first: bool,
    is_enough: bool,
) -> Step {
    if !host.admits(handler.command(), handler.path()) {
        // A handler that takes its time must not hold back the responses before its own.
        match pump(handler, host, late == Some(Want::Room)) {
            Pumped::Paused(turn) => return Step::Break(turn),
            Pumped::All { .. } => return Step::Break(Turn::Elsewhere),
            Pumped::Dead => handler.happens(Event::End),
        }
        return Step::Continue(());
    }
    if !host.expects_quickness() {
        // Nobody is left to hear what the handler would say.
        if matches!(pump(handler, host, false), Pumped::Dead) {
            handler.happens(Event::End);
            return Step::Continue(());
        }
    } else if !is_first {
        host.has_gathered(handler.shared());
    }
    handler.exchange().handler_begins();
    host.enter();
    answer(handler);
    host.leave();
    if handler.phase() == Phase::Done {
        let is_enough = is_enough || host.turn_is_over();
        return go_on(handler, host, is_enough);
    }
    Step::Continue(())
}

impl<H: RequestHandler, F> Drop for Live<H, F> {
    fn drop(&mut self) {
        let Made::Handler(handler) = std::mem::replace(&mut self.made, Made::Nothing) else { return };
        // Its `Drop` is code of the user too.
        let (shared, server, client_address) =
            (handler.shared(), handler.server_arc(), handler.client_address().clone());
        if let Err(message) = caught(move || drop(handler)) {
            tell_without_handler(&shared, &server, client_address, "dropping a handler", &message);
        }
    }
}
