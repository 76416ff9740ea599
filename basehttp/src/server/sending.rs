//! What is ready of the responses, on its way to the client.

use std::time::Duration;

use super::failing::telling;
use super::session::{Host, Step, Turn};
use crate::handler::any_handler::AnyHandler;
use crate::handler::dispatch::tell;
use crate::handler::exchange::{Exchange, Sent};
use crate::handler::wire::Want;
use crate::proto::connection::{Event, Phase};

/// What became of the bytes that are ready.
pub(super) enum Pumped {
    /// And what the connection may wait for now: for a request if `is_idle`, so long at most.
    All {
        is_idle: bool,
        patience: Duration,
    },
    /// The turn ends: the client has to take some first, or others have waited long enough.
    Paused(Turn),
    Dead,
}

/// Sends what is ready as far as the client takes it, and logs what the connection has come to if it takes nothing more.
pub(super) fn pump(handler: &dyn AnyHandler, host: &mut dyn Host, expired: bool) -> Pumped {
    let mut exchange = handler.vars().exchange();
    if log_comes_first(&exchange, host) {
        drop(exchange);
        host.before_sending();
        exchange = handler.vars().exchange();
    }
    let pumped = send(&mut exchange, handler.vars().phase(), host, expired);
    drop(exchange);
    told(pumped, handler, host)
}

/// Whether lines of the log have to be written before what is ready is sent. Code of the user takes them: the exchange must not be
/// locked then.
pub(super) fn log_comes_first(exchange: &Exchange, host: &dyn Host) -> bool {
    exchange.has_output() && host.has_lines()
}

/// Sends what is ready. Whoever calls this lets [`told`] see what came of it, once the exchange is not locked any more.
pub(super) fn send(exchange: &mut Exchange, phase: Phase, host: &mut dyn Host, expired: bool) -> Pumped {
    // A disk may be slow: the watchdog is to know that this thread may hang.
    let reads = exchange.has_files() && host.runs_user_code();
    if reads {
        host.enter();
    }
    let sent = exchange.pump();
    if reads {
        host.leave();
    }
    match sent {
        Ok(Sent::All) => Pumped::All { is_idle: exchange.is_idle(phase), patience: exchange.patience(phase) },
        // What the client has taken meanwhile gives it time for more.
        Ok(Sent::Some) if expired && exchange.room_patience().is_zero() => {
            exchange.give_up_output();
            Pumped::Dead
        }
        Ok(Sent::Some) => Pumped::Paused(Turn::Later(Want::Room, exchange.room_patience())),
        Ok(Sent::Enough) => Pumped::Paused(Turn::Again),
        Err(_) => Pumped::Dead,
    }
}

/// Goes on with the next request, unless there were enough for one turn.
pub(super) fn go_on(handler: &dyn AnyHandler, host: &mut dyn Host, is_enough: bool) -> Step {
    if !is_enough {
        return Step::Continue(());
    }
    match pump(handler, host, false) {
        Pumped::Paused(turn) => {
            handler.vars().happens(Event::Full);
            Step::Break(turn)
        }
        Pumped::All { .. } => Step::Break(Turn::Again),
        Pumped::Dead => {
            handler.vars().happens(Event::End);
            Step::Continue(())
        }
    }
}

/// Logs the end of a connection that takes nothing more.
#[inline]
pub(super) fn told(pumped: Pumped, handler: &dyn AnyHandler, host: &mut dyn Host) -> Pumped {
    if matches!(pumped, Pumped::Dead) && host.runs_user_code() {
        host.enter();
        telling(handler, || tell(handler));
        host.leave();
    }
    pumped
}
