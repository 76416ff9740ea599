//! What is ready of the responses, on its way to the client.

use std::time::Duration;

use super::failing::reporting;
use super::turn::{Step, Turn, TurnContext};
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::{ConnectionIo, FlushProgress};
use crate::handler::failing::report_error;
use crate::handler::wire::Want;
use crate::proto::connection::{Event, Phase};

/// What became of the bytes that are ready.
pub(super) enum Flushed {
    /// And what the connection may wait for now: for a request if `is_idle`, so long at most.
    All {
        is_idle: bool,
        time: Duration,
    },
    /// The turn ends: the client has to take some first, or others have waited long enough.
    Paused(Turn),
    Dead,
}

/// Sends what is ready as far as the client takes it, and logs what the connection has come to if it takes nothing more.
pub(super) fn flush(handler: &dyn AnyHandler, context: &mut dyn TurnContext, expired: bool) -> Flushed {
    let mut io = handler.vars().io();
    if log_comes_first(&io, context) {
        drop(io);
        context.before_sending();
        io = handler.vars().io();
    }
    let flushed = send(&mut io, handler.vars().phase(), context, expired);
    drop(io);
    log_if_dead(flushed, handler, context)
}

/// Whether lines of the log have to be written before what is ready is sent. Code of the user takes them: the connection must not be
/// locked then.
pub(super) fn log_comes_first(io: &ConnectionIo, context: &dyn TurnContext) -> bool {
    io.has_output() && context.has_lines()
}

/// Sends what is ready. Whoever calls this lets [`told`] see what came of it, once the connection is not locked any more.
pub(super) fn send(
    io: &mut ConnectionIo,
    phase: Phase,
    context: &mut dyn TurnContext,
    expired: bool,
) -> Flushed {
    // A disk may be slow: the watchdog is to know that this thread may hang.
    let reads = io.has_files() && context.runs_user_code();
    if reads {
        context.enter();
    }
    let sent = io.send_some();
    if reads {
        context.leave();
    }
    match sent {
        Ok(FlushProgress::Done) => {
            Flushed::All { is_idle: io.is_idle(phase), time: io.silence_allowed(phase) }
        }
        // What the client has taken meanwhile gives it time for more.
        Ok(FlushProgress::NoRoom) if expired && io.room_left().is_zero() => {
            io.give_up_output();
            Flushed::Dead
        }
        Ok(FlushProgress::NoRoom) => Flushed::Paused(Turn::Later(Want::Room, io.room_left())),
        Ok(FlushProgress::Paused) => Flushed::Paused(Turn::Again),
        Err(_) => Flushed::Dead,
    }
}

/// Goes on with the next request, unless there were enough for one turn.
pub(super) fn continue_or_flush(
    handler: &dyn AnyHandler,
    context: &mut dyn TurnContext,
    is_enough: bool,
) -> Step {
    if !is_enough {
        return Step::Continue(());
    }
    match flush(handler, context, false) {
        Flushed::Paused(turn) => {
            handler.vars().happens(Event::Full);
            Step::Break(turn)
        }
        Flushed::All { .. } => Step::Break(Turn::Again),
        Flushed::Dead => {
            handler.vars().happens(Event::End);
            Step::Continue(())
        }
    }
}

/// Logs the end of a connection that takes nothing more.
#[inline]
pub(super) fn log_if_dead(
    flushed: Flushed,
    handler: &dyn AnyHandler,
    context: &mut dyn TurnContext,
) -> Flushed {
    if matches!(flushed, Flushed::Dead) && context.runs_user_code() {
        context.enter();
        reporting(handler, || report_error(handler));
        context.leave();
    }
    flushed
}
