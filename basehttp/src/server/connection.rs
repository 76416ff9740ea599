//! One connection from its first byte to its last, in turns: goes as far as it can without waiting for the client, and
//! says what it waits for. Makes the handler, runs it, and survives it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::caught::caught;
use super::session::{Host, Parts, Session, Turn};
use crate::handler::base::Stage;
use crate::handler::dispatch::{
    Failure, complete, fail, last_resort, running, settle, tell, tell_failure, too_slow,
};
use crate::handler::exchange::{Exchange, Next};
use crate::handler::wire::{Close, Want};
use crate::handler::{BaseHTTPRequestHandler, HandlerError, RequestHandler};

/// How many requests a connection may have answered in one turn.
const REQUESTS_A_TURN: u32 = 64;

/// Bounds on a lingering close. A client that still uploads is read from until it stops, since a reset would take its
/// reply away; bytes are no bound, time is.
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_SILENCE: Duration = Duration::from_secs(2);
const LINGER_READS: u32 = 16;

pub(crate) struct Live<H: RequestHandler, F> {
    factory: Arc<F>,
    base: Option<BaseHTTPRequestHandler<H::MessageClass>>,
    handler: Option<H>,
    at: At,
    /// No request has come since it lay down to wait for one.
    is_idle: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// There is no handler yet.
    Start,
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
        let Parts { wire, client_address, server, bounds } = parts;
        let base = BaseHTTPRequestHandler::new(wire, bounds, client_address, server);
        Self { factory, base: Some(base), handler: None, at: At::Start, is_idle: true }
    }

    fn begin(&mut self, host: &mut dyn Host) -> Step {
        if !host.runs_user_code() || (H::__HANDLE_OVERRIDDEN && !host.admits_all()) {
            return Step::Done(Turn::Elsewhere);
        }
        host.enter();
        let at = self.start();
        host.leave();
        at.map_or(Step::Done(Turn::Over), Step::To)
    }

    /// Makes the handler. Where that panics the base goes with it.
    fn start(&mut self) -> Option<At> {
        let base = self.base.take()?;
        let (client_address, server, shared) =
            (base.client_address().clone(), base.server_arc(), base.shared());
        let handler = match caught(|| (self.factory)(base)) {
            Ok(handler) => self.handler.insert(handler),
            Err(message) => {
                let failure = Failure::Panic(&message);
                shared.lock().log(&format!("basehttp: making a handler {failure}\n"));
                let _ = caught(|| server.report(&HandlerError::early(client_address, &failure)));
                return None;
            }
        };
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
    match caught(|| handler.handle_one_request()) {
        Ok(result) => {
            if let Err(message) = caught(|| settle(handler, result.err())) {
                panicked(handler, "handle_one_request", &message);
            }
        }
        Err(message) => panicked(handler, "handle_one_request", &message),
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

/// Answers for a handler that panicked, and never hands it another request.
fn panicked<H: RequestHandler>(handler: &H, function: &str, message: &str) {
    handler.exchange().reply.must_close();
    let answered = caught(|| {
        fail(handler, running(handler).unwrap_or(function), &Failure::Panic(message));
        settle(handler, None);
    });
    if answered.is_err() {
        last_resort(handler);
    }
    handler.set_stage(Stage::Over);
}

fn report<H: RequestHandler>(handler: &H, function: &str, failure: &Failure<'_>) {
    let _ = caught(|| tell_failure(handler, function, failure));
}

impl<H, F> Session for Live<H, F>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    fn turn(&mut self, host: &mut dyn Host, mut expired: bool) -> Turn {
        let mut budget = REQUESTS_A_TURN;
        loop {
            let step = match (self.at, &mut self.handler) {
                (At::Start, _) => self.begin(host),
                (At::Linger { until }, None) => match &self.base {
                    Some(base) => linger(&mut base.exchange(), until, expired),
                    None => Step::Done(Turn::Over),
                },
                (_, None) => Step::Done(Turn::Over),
                (At::Head, Some(handler)) => read_head(handler, host, &mut expired),
                (At::Body, Some(handler)) => {
                    self.is_idle = false;
                    gather_body(handler, host, &mut expired)
                }
                (At::Handler, Some(handler)) => {
                    expired = false;
                    run_handler(handler, host)
                }
                (At::Rest, Some(handler)) => {
                    budget -= 1;
                    drop_rest(handler, host, expired, budget == 0)
                }
                (At::LastReply, Some(handler)) => end(handler, host, &mut expired),
                // Where it ends, the handler is dropped, which is code of the user too.
                (At::Linger { .. }, Some(_)) if !host.runs_user_code() => Step::Done(Turn::Elsewhere),
                (At::Linger { until }, Some(handler)) => {
                    // Something has come after all; and whoever is idle must not lie down while the server stops.
                    self.is_idle = false;
                    linger(&mut handler.exchange(), until, expired)
                }
            };
            match step {
                Step::To(at) => self.at = at,
                Step::DoneAt(at, turn) => {
                    self.at = at;
                    return turn;
                }
                Step::Done(turn) => return turn,
                Step::Wait(is_idle, turn) => {
                    self.is_idle = is_idle;
                    return turn;
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.is_idle
    }

    fn refuse(&mut self) -> bool {
        if !matches!(self.at, At::Start | At::Handler) {
            return false;
        }
        self.is_idle = false;
        match &self.handler {
            Some(handler) => {
                handler.exchange().refuse();
                handler.set_stage(Stage::Over);
                self.at = At::LastReply;
            }
            None => {
                if let Some(base) = &self.base {
                    let mut exchange = base.exchange();
                    exchange.refuse();
                    // An empty send buffer has room for it.
                    let _ = exchange.pump();
                    exchange.shutdown_write();
                    self.at = At::Linger { until: Instant::now() + LINGER_TIME };
                }
            }
        }
        true
    }
}

/// Where a step of a turn leads.
enum Step {
    To(At),
    /// The turn ends, and the next one begins there.
    DoneAt(At, Turn),
    /// The turn ends, and the next one begins here.
    Done(Turn),
    /// As `Done`, to wait for a head; and whether nothing of it is here.
    Wait(bool, Turn),
}

fn read_head<H: RequestHandler>(handler: &mut H, host: &mut dyn Host, expired: &mut bool) -> Step {
    // Replies gather while requests are here, but not for a client that takes none.
    if handler.exchange().is_full()
        && let Pumped::Later(patience) = pump(handler, host, *expired)
    {
        return Step::Done(Turn::Later(Want::Room, patience));
    }
    match handler.__base_mut().next_request::<H>() {
        Next::Request => {
            *expired = false;
            return Step::To(At::Body);
        }
        Next::End => return Step::To(At::LastReply),
        Next::Later => {}
    }
    match pump(handler, host, *expired) {
        Pumped::Later(patience) => Step::Done(Turn::Later(Want::Room, patience)),
        Pumped::Dead => Step::To(At::LastReply),
        Pumped::All if *expired => {
            if !host.runs_user_code() {
                return Step::Done(Turn::Elsewhere);
            }
            *expired = false;
            give_up(handler, host);
            Step::To(At::LastReply)
        }
        Pumped::All => {
            let exchange = handler.exchange();
            let is_idle = exchange.is_idle();
            if host.is_stopping() && is_idle {
                return Step::To(At::LastReply);
            }
            Step::Wait(is_idle, Turn::Later(Want::Input, exchange.patience()))
        }
    }
}

fn gather_body<H: RequestHandler>(handler: &mut H, host: &mut dyn Host, expired: &mut bool) -> Step {
    if handler.gather() {
        return Step::To(At::Handler);
    }
    if *expired {
        if !host.runs_user_code() {
            return Step::Done(Turn::Elsewhere);
        }
        *expired = false;
        give_up(handler, host);
        return Step::To(At::LastReply);
    }
    match pump(handler, host, false) {
        Pumped::Later(patience) => Step::Done(Turn::Later(Want::Room, patience)),
        Pumped::Dead => Step::To(At::LastReply),
        Pumped::All => Step::Done(Turn::Later(Want::Input, handler.exchange().patience())),
    }
}

fn run_handler<H: RequestHandler>(handler: &mut H, host: &mut dyn Host) -> Step {
    if !host.admits(handler.command(), handler.path()) {
        // A handler that takes its time must not hold back the replies before its own.
        if let Pumped::Later(patience) = pump(handler, host, false) {
            return Step::Done(Turn::Later(Want::Room, patience));
        }
        return Step::Done(Turn::Elsewhere);
    }
    if !host.expects_quickness() {
        pump(handler, host, false);
    }
    host.enter();
    answer(handler);
    host.leave();
    Step::To(if handler.stage() == Stage::Settled { At::Rest } else { At::LastReply })
}

fn drop_rest<H: RequestHandler>(handler: &H, host: &mut dyn Host, expired: bool, is_enough: bool) -> Step {
    let drained = handler.exchange().drain();
    match drained {
        Some(true) => {
            handler.set_stage(Stage::Between);
            if !is_enough {
                return Step::To(At::Head);
            }
            pump(handler, host, false);
            Step::DoneAt(At::Head, Turn::Again)
        }
        Some(false) => Step::To(At::LastReply),
        None => match pump(handler, host, expired) {
            Pumped::Later(patience) => Step::Done(Turn::Later(Want::Room, patience)),
            Pumped::All if !expired => Step::Done(Turn::Later(Want::Input, handler.exchange().patience())),
            Pumped::All | Pumped::Dead => Step::To(At::LastReply),
        },
    }
}

/// Sends what is left of the last reply, and ends the server's half.
fn end<H: RequestHandler>(handler: &mut H, host: &mut dyn Host, expired: &mut bool) -> Step {
    if let Pumped::Later(patience) = pump(handler, host, std::mem::take(expired)) {
        return Step::Done(Turn::Later(Want::Room, patience));
    }
    if !host.runs_user_code() {
        return Step::Done(Turn::Elsewhere);
    }
    host.enter();
    finish(handler);
    host.leave();
    if begin_end(handler) {
        return Step::To(At::Linger { until: Instant::now() + LINGER_TIME });
    }
    Step::Done(Turn::Over)
}

/// Reads and drops what the client still sends, until it has seen the end of the reply and closes.
fn linger(exchange: &mut Exchange, until: Instant, expired: bool) -> Step {
    let mut scratch = [0; 16 * 1024];
    // A client that sends as fast as it can has others waiting behind it.
    for _ in 0..LINGER_READS {
        match exchange.linger(&mut scratch) {
            Ok(1..) if Instant::now() < until => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !expired => {
                let left = until.saturating_duration_since(Instant::now());
                return Step::Done(Turn::Later(Want::Input, left.min(LINGER_SILENCE)));
            }
            _ => return Step::Done(Turn::Over),
        }
    }
    Step::Done(Turn::Again)
}

/// What became of the bytes that are ready.
enum Pumped {
    All,
    /// The client has to take some first, so long at most.
    Later(Duration),
    Dead,
}

fn pump<H: RequestHandler>(handler: &H, host: &mut dyn Host, expired: bool) -> Pumped {
    let (pumped, timeout) = {
        let mut exchange = handler.exchange();
        if exchange.reply.gathered() > 0 {
            host.before_sending();
        }
        let mut pumped = exchange.pump();
        if expired && matches!(pumped, Ok(false)) {
            exchange.give_up_output();
            pumped = Err(io::ErrorKind::TimedOut.into());
        }
        (pumped, exchange.room_patience())
    };
    match pumped {
        Ok(true) => Pumped::All,
        Ok(false) => Pumped::Later(timeout),
        Err(_) => {
            if host.runs_user_code() {
                host.enter();
                let _ = caught(|| tell(handler));
                host.leave();
            }
            Pumped::Dead
        }
    }
}

/// Tells a client that is too slow with its request.
fn give_up<H: RequestHandler>(handler: &mut H, host: &mut dyn Host) {
    host.enter();
    if caught(|| too_slow(handler)).is_err() {
        last_resort(handler);
    }
    host.leave();
}

fn finish<H: RequestHandler>(handler: &mut H) {
    match caught(|| handler.finish()) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => report(handler, "finish", &Failure::Error(&error.to_string())),
        Err(message) => report(handler, "finish", &Failure::Panic(&message)),
    }
}

/// Ends the server's half. True if the client's half has to be waited for.
fn begin_end<H: RequestHandler>(handler: &H) -> bool {
    let mut exchange = handler.exchange();
    let lingers = match exchange.ending() {
        Close::Reset => {
            exchange.reset();
            false
        }
        Close::Linger => true,
        // Bytes may have come that nobody has asked the system for.
        Close::Plain => matches!(exchange.linger(&mut [0; 64]), Ok(1..)),
    };
    if lingers {
        exchange.shutdown_write();
    }
    lingers
}

impl<H: RequestHandler, F> Drop for Live<H, F> {
    fn drop(&mut self) {
        // `Drop` of the handler is code of the user too.
        let handler = self.handler.take();
        let _ = caught(move || drop(handler));
    }
}
