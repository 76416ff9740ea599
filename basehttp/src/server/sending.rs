//! What is ready of the responses, on its way to the client.

use std::time::Duration;

use super::failing::telling;
use super::session::{Host, Step, Turn};
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::{ConnectionIo, FlushProgress};
use crate::handler::dispatch::tell;
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
    let mut io = handler.vars().io();
    if log_comes_first(&io, host) {
        drop(io);
        host.before_sending();
        io = handler.vars().io();
    }
    let pumped = send(&mut io, handler.vars().phase(), host, expired);
    drop(io);
    told(pumped, handler, host)
}

/// Whether lines of the log have to be written before what is ready is sent. Code of the user takes them: the connection must not be
/// locked then.
pub(super) fn log_comes_first(io: &ConnectionIo, host: &dyn Host) -> bool {
    io.has_output() && host.has_lines()
}

/// Sends what is ready. Whoever calls this lets [`told`] see what came of it, once the connection is not locked any more.
pub(super) fn send(io: &mut ConnectionIo, phase: Phase, host: &mut dyn Host, expired: bool) -> Pumped {
    // A disk may be slow: the watchdog is to know that this thread may hang.
    let reads = io.has_files() && host.runs_user_code();
    if reads {
        host.enter();
    }
    let sent = io.send_some();
    if reads {
        host.leave();
    }
    match sent {
        Ok(FlushProgress::Done) => {
            Pumped::All { is_idle: io.is_idle(phase), patience: io.silence_allowed(phase) }
        }
        // What the client has taken meanwhile gives it time for more.
        Ok(FlushProgress::NoRoom) if expired && io.room_left().is_zero() => {
            io.give_up_output();
            Pumped::Dead
        }
        Ok(FlushProgress::NoRoom) => Pumped::Paused(Turn::Later(Want::Room, io.room_left())),
        Ok(FlushProgress::Paused) => Pumped::Paused(Turn::Again),
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
