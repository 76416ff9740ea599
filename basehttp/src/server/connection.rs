//! One connection from its first byte to its last, in turns: goes as far as it can without waiting for the client, and
//! says what it waits for. Makes the handler, runs it, and survives it.

use std::io;
use std::time::Instant;

use super::body::{drop_rest, gather_body};
use super::caught::caught;
use super::ending::{LINGER_TIME, end, linger};
use super::failing::{panicked, panicked_while_telling, report, tell_without_handler};
use super::preface::{NextRequest, await_input, preface};
use super::sending::{Pumped, log_comes_first, pump, send, told};
use super::session::{Host, Parts, Session, Turn};
use crate::handler::base::Stage;
use crate::handler::dispatch::{Failure, complete, is_condemned, last_resort, settle, too_slow};
use crate::handler::exchange::Next;
use crate::handler::wire::Want;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
use crate::sync::Arc;

/// How many requests a connection may have answered in one turn.
const REQUESTS_A_TURN: u32 = 64;

pub(crate) struct Live<H: RequestHandler, F> {
    factory: Arc<F>,
    made: Made<H>,
    at: At,
    /// No request has come since it lay down to wait for one.
    is_idle: bool,
    /// The time for its next request at the server's end.
    next: NextRequest,
    /// What its client had time for, when it lay down.
    waits_for: Option<Want>,
}

/// What there is of the handler.
pub(super) enum Made<H: RequestHandler> {
    Base(BaseHTTPRequestHandler<H::MessageClass>),
    Handler(H),
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// There is no handler yet.
    Start,
    /// Replies wait for the client, which has to take them before its next request is looked at.
    Full,
    /// Nothing has come of the next request.
    Idle,
    Head,
    Body,
    Handler,
    /// The reply is settled; the rest of the request is dropped.
    Rest,
    /// What is ready of the last reply is sent.
    LastReply,
    /// What still comes is read and dropped.
    Linger {
        until: Instant,
    },
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
            at: At::Start,
            is_idle: true,
            next: NextRequest::after(Instant::now()),
            waits_for: Some(Want::Input),
        }
    }

    fn begin(&mut self, host: &mut dyn Host, late: bool) -> Step {
        if let Some(step) = preface(&mut self.made, &mut self.next, host, late) {
            return step;
        }
        if !H::__HANDLE_OVERRIDDEN
            && let Some(step) = await_input(&mut self.made, &mut self.next, host, late)
        {
            return step;
        }
        if !host.runs_user_code() || (H::__HANDLE_OVERRIDDEN && !host.admits_all()) {
            return Step::Done(Turn::Elsewhere);
        }
        if H::__HANDLE_OVERRIDDEN {
            host.takes_connection();
        }
        host.enter();
        let at = self.start();
        host.leave();
        at.map_or(Step::Done(Turn::Over), Step::To)
    }

    /// Makes the handler. Where that panics the base goes with it.
    fn start(&mut self) -> Option<At> {
        let Made::Base(base) = std::mem::replace(&mut self.made, Made::Nothing) else { return None };
        let (client_address, server, shared) =
            (base.client_address().clone(), base.server_arc(), base.shared());
        let handler = match caught(|| (self.factory)(base)) {
            Ok(handler) => handler,
            Err(message) => {
                tell_without_handler(&shared, &server, client_address, "making a handler", &message);
                return None;
            }
        };
        self.made = Made::Handler(handler);
        let Made::Handler(handler) = &mut self.made else { return None };
        if let Some(timeout) = H::timeout {
            handler.set_timeout(timeout);
        }
        match caught(|| handler.setup()) {
            Ok(Ok(())) if H::__HANDLE_OVERRIDDEN => {
                self.is_idle = false;
                match caught(|| handler.handle()) {
                    Ok(result) => finish_handle(handler, result),
                    Err(message) => panicked(handler, "handle", &message),
                }
                return Some(At::LastReply);
            }
            Ok(Ok(())) => return Some(At::Head),
            Ok(Err(error)) => report(handler, "setup", &Failure::Error(&error.to_string())),
            Err(message) => report(handler, "setup", &Failure::Panic(&message)),
        }
        handler.set_stage(Stage::Over);
        Some(At::LastReply)
    }
}

/// Answers the request that has come.
fn answer<H: RequestHandler>(handler: &mut H) {
    let answered = caught(|| {
        let result = handler.handle_one_request();
        settle(handler, result.err());
    });
    if let Err(message) = answered {
        panicked(handler, "handle_one_request", &message);
    }
}

/// Completes what a `handle` of the user's own may have left open.
fn finish_handle<H: RequestHandler>(handler: &H, result: io::Result<()>) {
    // No request is open that could take the error for its own.
    if let (Err(error), Stage::Between | Stage::Over) = (&result, handler.stage()) {
        return report(handler, "handle", &Failure::Error(&error.to_string()));
    }
    if let Err(message) = caught(|| complete(handler, result.err())) {
        panicked(handler, "handle", &message);
    }
    handler.set_stage(Stage::Over);
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
        // Who was late to take a reply is not late with a body.
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
        self.is_idle
    }

    fn ends_with_server(&self) -> bool {
        self.is_idle && !self.next.is_granted()
    }

    fn is_answered(&self) -> bool {
        let is_gone = || matches!(&self.made, Made::Handler(handler) if handler.exchange().is_gone());
        matches!(self.at, At::Linger { .. }) && !is_gone()
    }

    fn refuse(&mut self) -> bool {
        if !matches!(self.at, At::Start | At::Handler) {
            return false;
        }
        self.is_idle = false;
        match &self.made {
            Made::Handler(handler) => {
                handler.exchange().refuse();
                handler.set_stage(Stage::Over);
                self.at = At::LastReply;
            }
            Made::Base(base) => {
                let mut exchange = base.exchange();
                exchange.refuse();
                // An empty send buffer has room for it.
                let _ = exchange.pump();
                exchange.shutdown_write();
                self.at = At::Linger { until: exchange.instant() + LINGER_TIME };
            }
            Made::Nothing => {}
        }
        true
    }
}

impl<H, F> Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
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
            let step = match (self.at, &mut self.made) {
                (At::Start, _) => self.begin(host, late.is_some()),
                (At::Linger { until }, Made::Base(base)) => {
                    linger(&mut base.exchange(), until, late.is_some())
                }
                (_, Made::Base(_) | Made::Nothing) => Step::Done(Turn::Over),
                (At::Full, Made::Handler(handler)) => make_room(handler, host, late),
                (at @ (At::Idle | At::Head | At::Handler), Made::Handler(handler)) => {
                    serve(at, handler, host, &mut late, &mut budget, (&mut self.is_idle, &mut self.next))
                }
                (At::Body, Made::Handler(handler)) => gather_body(handler, host, &mut late),
                (At::Rest, Made::Handler(handler)) => {
                    let is_enough = budget == 0 || host.turn_is_over();
                    drop_rest(handler, host, late, is_enough)
                }
                (At::LastReply, Made::Handler(handler)) => end(handler, host, &mut late),
                // Where it ends, the handler is dropped, which is code of the user too.
                (At::Linger { .. }, Made::Handler(_)) if !host.runs_user_code() => {
                    Step::Done(Turn::Elsewhere)
                }
                (At::Linger { until }, Made::Handler(handler)) => {
                    linger(&mut handler.exchange(), until, late.is_some())
                }
            };
            match step {
                Step::To(at) => {
                    self.is_idle &= matches!(at, At::Idle | At::Head | At::LastReply);
                    self.at = at;
                }
                Step::DoneAt(at, turn) => {
                    self.is_idle = matches!(at, At::Idle);
                    self.at = at;
                    return turn;
                }
                Step::Done(turn) => return turn,
            }
        }
    }
}

/// Where a step of a turn leads.
pub(super) enum Step {
    To(At),
    /// The turn ends, and the next one begins there.
    DoneAt(At, Turn),
    /// The turn ends, and the next one begins here.
    Done(Turn),
}

/// Answers requests without a body, one after the other, and one whose body has come.
fn serve<H: RequestHandler>(
    mut at: At,
    handler: &mut H,
    host: &mut dyn Host,
    late: &mut Option<Want>,
    budget: &mut u32,
    (is_idle, next): (&mut bool, &mut NextRequest),
) -> Step {
    loop {
        if at != At::Handler {
            match read_head(handler, host, late, next) {
                Step::To(At::Handler) => {}
                step => return step,
            }
        }
        *is_idle = false;
        *budget -= 1;
        match run_handler(handler, host, late.take(), *budget == REQUESTS_A_TURN - 1, *budget == 0) {
            Step::To(At::Head) => at = At::Head,
            // It begins there again.
            Step::Done(turn) => return Step::DoneAt(At::Handler, turn),
            step => return step,
        }
    }
}

/// Replies gather while requests are here, but not for a client that takes none.
fn make_room<H: RequestHandler>(handler: &H, host: &mut dyn Host, late: Option<Want>) -> Step {
    match pump(handler, host, late == Some(Want::Room)) {
        Pumped::Paused(turn) => Step::Done(turn),
        Pumped::All { .. } => Step::To(At::Head),
        Pumped::Dead => Step::To(At::LastReply),
    }
}

fn read_head<H: RequestHandler>(
    handler: &mut H,
    host: &mut dyn Host,
    late: &mut Option<Want>,
    upcoming: &mut NextRequest,
) -> Step {
    let (next, mut exchange) = handler.__base_mut().next_request::<H>();
    match next {
        Next::Request => {
            drop(exchange);
            *late = None;
            *upcoming = NextRequest::after(host.last_look());
            let waits = handler.has_body() && !is_condemned(handler);
            return Step::To(if waits { At::Body } else { At::Handler });
        }
        Next::End => return Step::To(At::LastReply),
        Next::Later | Next::Enough => {}
    }
    let has_no_room = *late == Some(Want::Room);
    let pumped = if log_comes_first(&exchange, host) {
        drop(exchange);
        host.before_sending();
        send(&mut handler.exchange(), host, has_no_room)
    } else {
        let pumped = send(&mut exchange, host, has_no_room);
        drop(exchange);
        pumped
    };
    match told(pumped, handler, host) {
        Pumped::Paused(turn) => Step::DoneAt(At::Head, turn),
        Pumped::Dead => Step::To(At::LastReply),
        Pumped::All { is_idle, .. } if next == Next::Enough => {
            Step::DoneAt(if is_idle { At::Idle } else { At::Head }, Turn::Again)
        }
        Pumped::All { .. } if *late == Some(Want::Input) => {
            *late = None;
            give_up(handler, host);
            Step::To(At::LastReply)
        }
        Pumped::All { is_idle: true, .. } if host.is_stopping() => match upcoming.grant(host) {
            Some(time) => Step::DoneAt(At::Idle, Turn::Later(Want::Input, time)),
            None => Step::To(At::LastReply),
        },
        Pumped::All { is_idle, patience } => {
            Step::DoneAt(if is_idle { At::Idle } else { At::Head }, Turn::Later(Want::Input, patience))
        }
    }
}

fn run_handler<H: RequestHandler>(
    handler: &mut H,
    host: &mut dyn Host,
    late: Option<Want>,
    is_first: bool,
    is_enough: bool,
) -> Step {
    if !host.admits(handler.command(), handler.path()) {
        // A handler that takes its time must not hold back the replies before its own.
        return match pump(handler, host, late == Some(Want::Room)) {
            Pumped::Paused(turn) => Step::Done(turn),
            Pumped::All { .. } => Step::Done(Turn::Elsewhere),
            Pumped::Dead => Step::To(At::LastReply),
        };
    }
    if !host.expects_quickness() {
        // Nobody is left to hear what the handler would say.
        if matches!(pump(handler, host, false), Pumped::Dead) {
            return Step::To(At::LastReply);
        }
    } else if !is_first {
        host.has_gathered(handler.shared());
    }
    handler.exchange().handler_begins();
    host.enter();
    answer(handler);
    host.leave();
    match handler.stage() {
        Stage::Between => {
            let is_enough = is_enough || host.turn_is_over();
            go_on_with(At::Head, handler, host, is_enough)
        }
        Stage::Settled => Step::To(At::Rest),
        _ => Step::To(At::LastReply),
    }
}

/// Goes on with the next request, unless there were enough for one turn.
pub(super) fn go_on_with<H: RequestHandler>(
    at: At,
    handler: &H,
    host: &mut dyn Host,
    is_enough: bool,
) -> Step {
    if !is_enough {
        return Step::To(at);
    }
    match pump(handler, host, false) {
        Pumped::Paused(turn) => Step::DoneAt(At::Full, turn),
        Pumped::All { .. } => Step::DoneAt(at, Turn::Again),
        Pumped::Dead => Step::To(At::LastReply),
    }
}

/// Tells a client that is too slow with its request.
pub(super) fn give_up<H: RequestHandler>(handler: &mut H, host: &mut dyn Host) {
    if !host.runs_user_code() {
        // Where all threads hang, the client is told all the same, though not in the handler's words.
        handler.exchange().refuse_late();
        return handler.set_stage(Stage::Over);
    }
    host.enter();
    if let Err(message) = caught(|| too_slow(handler)) {
        panicked_while_telling(handler, &message);
        last_resort(handler);
    }
    host.leave();
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
