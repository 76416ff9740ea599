//! The end of a connection: the rest of its last response, and a client that may still be sending.

use std::io;
use std::time::{Duration, Instant};

use super::caught::caught;
use super::failing::{report, reporting};
use super::sending::{Flushed, flush};
use super::turn::{Step, Turn, TurnContext};
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::{ConnectionIo, READING_TIME};
use crate::handler::failing::report_error;
use crate::handler::failure::HandlerFailure;
use crate::handler::wire::{Close, Want};
use crate::proto::connection::Event;

/// Limits of a lingering close. A client that is still uploading is read from until it stops, since a reset would destroy
/// the response. The limit is time, not bytes.
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_SILENCE: Duration = Duration::from_secs(2);
const LINGER_READS: u32 = 16;

/// Sends the rest of the last response, and shuts down writing.
pub(super) fn end(
    handler: &mut dyn AnyHandler,
    context: &mut dyn TurnContext,
    late: &mut Option<Want>,
) -> Step {
    match flush(handler, context, late.take() == Some(Want::Room)) {
        Flushed::Paused(turn) => return Step::Break(turn),
        Flushed::All { .. } | Flushed::Dead => {}
    }
    if !context.runs_user_code() {
        // `finish` has to wait for a thread, but the client need not.
        let mut io = handler.vars().io();
        if io.closing() != Close::Reset {
            io.shutdown_write();
        }
        return Step::Break(Turn::Elsewhere);
    }
    context.enter();
    reporting(handler, || report_error(handler));
    finish(handler);
    context.leave();
    let lingers = begin_end(handler);
    handler.vars().happens(Event::Sent { lingers });
    Step::Continue(())
}

/// Reads and drops what the client still sends, until it has seen the end of the response and closes.
pub(super) fn linger(io: &mut ConnectionIo, until: &mut Option<Instant>, expired: bool) -> Step {
    let until = *until.get_or_insert_with(|| io.instant() + LINGER_TIME);
    let mut scratch = [0; 16 * 1024];
    // While this client sends as fast as it can, other connections wait.
    let mut enough = None;
    for _ in 0..LINGER_READS {
        match io.linger(&mut scratch) {
            Ok(1..) => {
                let now = io.instant();
                if now >= until {
                    return Step::Break(Turn::Over);
                }
                if now >= *enough.get_or_insert(now + READING_TIME) {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !expired => {
                let left = until.saturating_duration_since(io.instant());
                return Step::Break(Turn::Later(Want::Input, left.min(io.silence_left(LINGER_SILENCE))));
            }
            _ => return Step::Break(Turn::Over),
        }
    }
    Step::Break(Turn::Again)
}

fn finish(handler: &mut dyn AnyHandler) {
    match caught(|| handler.finish()) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => report(handler, "finish", &HandlerFailure::Error(&error.to_string())),
        Err(message) => report(handler, "finish", &HandlerFailure::Panic(&message)),
    }
}

/// Shuts down writing. True if the client's end has to be waited for.
fn begin_end(handler: &dyn AnyHandler) -> bool {
    let mut io = handler.vars().io();
    io.before_close();
    let lingers = match io.closing() {
        Close::Reset => {
            io.reset();
            false
        }
        Close::Linger => true,
        // Bytes may have arrived that were not read from the system.
        Close::Plain => matches!(io.linger(&mut [0; 64]), Ok(1..)),
    };
    if lingers {
        io.shutdown_write();
    }
    lingers
}
