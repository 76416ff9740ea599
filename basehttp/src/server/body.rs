//! The body of a request: before its handler is called, and the rest afterwards.

use super::failing::give_up;
use super::sending::{Flushed, continue_or_flush, flush};
use super::turn::{Step, Turn, TurnContext};
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::BodyProgress;
use crate::handler::wire::Want;
use crate::proto::connection::Event;

/// Reads what has arrived of it, up to the setting `gather_limit`.
pub(super) fn gather_body(
    handler: &mut dyn AnyHandler,
    context: &mut dyn TurnContext,
    late: &mut Option<Want>,
) -> Step {
    match handler.vars().gather() {
        Some(BodyProgress::All) => {
            handler.vars().happens(Event::Gathered);
            return Step::Continue(());
        }
        None => {
            handler.vars().happens(Event::End);
            return Step::Continue(());
        }
        Some(BodyProgress::Enough) => return Step::Break(Turn::Again),
        Some(BodyProgress::Some) => {}
    }
    let late = late.take();
    if late == Some(Want::Input) {
        give_up(handler, context);
        return Step::Continue(());
    }
    match flush(handler, context, late.is_some()) {
        Flushed::Paused(turn) => Step::Break(turn),
        Flushed::Dead => {
            handler.vars().happens(Event::End);
            Step::Continue(())
        }
        Flushed::All { time, .. } => Step::Break(Turn::Later(Want::Input, time)),
    }
}

/// Reads and drops what the handler has left, up to the setting `drain_limit`. Sends enough of the responses to leave room
/// for the next: they are collected while requests are here, but not for a client that takes none.
pub(super) fn drop_rest(
    handler: &dyn AnyHandler,
    context: &mut dyn TurnContext,
    late: Option<Want>,
    is_enough: bool,
) -> Step {
    let (drained, is_full) = {
        let mut io = handler.vars().io();
        (io.drain(), io.is_full())
    };
    match drained {
        Some(BodyProgress::All) if !is_full => {
            handler.vars().happens(Event::Cleared);
            return continue_or_flush(handler, context, is_enough);
        }
        None => {
            handler.vars().happens(Event::End);
            return Step::Continue(());
        }
        Some(BodyProgress::All | BodyProgress::Some | BodyProgress::Enough) => {}
    }
    match flush(handler, context, late == Some(Want::Room)) {
        Flushed::Paused(turn) => return Step::Break(turn),
        Flushed::Dead => handler.vars().happens(Event::End),
        Flushed::All { time, .. } => match drained {
            Some(BodyProgress::All) => {
                handler.vars().happens(Event::Cleared);
                if is_enough {
                    return Step::Break(Turn::Again);
                }
            }
            Some(BodyProgress::Enough) => return Step::Break(Turn::Again),
            // The body is dropped for the sake of the next request, and there will be none: a lingering close drops it as
            // well.
            _ if context.is_stopping() => handler.vars().happens(Event::End),
            _ if late != Some(Want::Input) => return Step::Break(Turn::Later(Want::Input, time)),
            _ => {
                handler.vars().io().record_late(false);
                handler.vars().happens(Event::End);
            }
        },
    }
    Step::Continue(())
}
