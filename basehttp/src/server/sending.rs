//! Response bytes that are ready, on their way to the client.

use std::time::Duration;

use super::failing::reporting;
use super::turn::{Step, Turn, TurnContext};
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::{ConnectionIo, FlushProgress};
use crate::handler::failing::report_error;
use crate::handler::wire::Want;
use crate::proto::connection::{Event, Phase};

/// The outcome of sending the ready bytes.
pub(super) enum Flushed {
    /// All are sent. The connection may now wait for at most `time`; if `is_idle`, for a request.
    All {
        is_idle: bool,
        time: Duration,
    },
    /// The turn ends: the client has to take some first, or other connections have waited long enough.
    Paused(Turn),
    Dead,
}

/// Sends the ready bytes as far as the client takes them, and logs the failure if the client takes nothing more.
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

/// Whether log lines have to be written before the ready bytes are sent. User code receives them, so the connection must not
/// be locked then.
pub(super) fn log_comes_first(io: &ConnectionIo, context: &dyn TurnContext) -> bool {
    io.has_output() && context.has_lines()
}

/// Sends the ready bytes. The caller must pass the result to [`log_if_dead`] once the connection is no longer locked.
pub(super) fn send(
    io: &mut ConnectionIo,
    phase: Phase,
    context: &mut dyn TurnContext,
    expired: bool,
) -> Flushed {
    // A disk may be slow, so the watchdog must know that this thread may block.
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

/// Continues with the next request, unless there were enough for one turn.
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
