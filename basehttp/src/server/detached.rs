//! A response that continues after its method has returned: the connection does what its handle has left, sends what there
//! is, and is parked until there is more.

use super::caught::caught;
use super::failing::{panicked, report};
use super::sending::{Flushed, continue_or_flush, flush};
use super::turn::{Step, Turn, TurnContext};
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::{NextAct, RelayProgress};
use crate::handler::dispatch::act;
use crate::handler::failure::HandlerFailure;
use crate::handler::resolution::kind;
use crate::handler::wire::Want;
use crate::proto::connection::Phase;

/// Continues with such a response. `is_late` says that the connection has waited too long.
pub(super) fn go_on_detached(
    handler: &mut dyn AnyHandler,
    context: &mut dyn TurnContext,
    is_late: bool,
    is_enough: bool,
) -> Step {
    let next = handler.vars().io().next_act();
    match next {
        NextAct::Wait => return wait(handler, context, is_late),
        // A relay runs no user code, so any thread may continue it.
        NextAct::Relay => {
            let progress = handler.vars().io().relay_some();
            match progress {
                RelayProgress::Wait(others, time) => {
                    return Step::Break(Turn::Later(Want::Notice(others), time));
                }
                RelayProgress::Enough => return Step::Break(Turn::Again),
                RelayProgress::Over => {}
            }
        }
        NextAct::Warn(_) | NextAct::Lose | NextAct::TellGone | NextAct::Leave => {
            if !context.runs_user_code() {
                return Step::Break(Turn::Elsewhere);
            }
            context.enter();
            if let Err(message) = caught(|| act(handler, next)) {
                let function = if matches!(next, NextAct::Warn(_)) { "log_error" } else { "on_gone" };
                report(handler, function, &HandlerFailure::Panic(&message));
                handler.vars().io().set_detached_out();
            }
            context.leave();
        }
        NextAct::Resume | NextAct::TimeOut | NextAct::Serve(_) | NextAct::End(_) => {
            if !context.may_run(kind(handler)) {
                return Step::Break(Turn::Elsewhere);
            }
            // An object that speaks another protocol uses none of the client's time: whatever it does, the client may take
            // what it was sent.
            if !matches!(next, NextAct::Serve(_)) {
                handler.vars().io().handler_begins();
            }
            context.enter();
            if let Err(message) = caught(|| act(handler, next)) {
                panicked(handler, "resume", &message);
            }
            context.leave();
            if handler.vars().phase() == Phase::Done {
                return continue_or_flush(handler, context, is_enough);
            }
        }
    }
    if is_enough { Step::Break(Turn::Again) } else { Step::Continue(()) }
}

/// Sends what there is, and waits for more.
fn wait(handler: &mut dyn AnyHandler, context: &mut dyn TurnContext, is_late: bool) -> Step {
    let (time, was_behind) = {
        let mut io = handler.vars().io();
        (io.beat(), io.is_behind())
    };
    let flushed = flush(handler, context, is_late);
    if was_behind && matches!(flushed, Flushed::All { .. }) {
        // Until now the client's input was not read, and it may be here already.
        return Step::Continue(());
    }
    let others = |has_room| Want::Notice(handler.vars().io().lie_down(has_room));
    Step::Break(match flushed {
        Flushed::All { .. } => Turn::Later(others(true), time),
        Flushed::Paused(Turn::Later(_, room)) => Turn::Later(others(false), room.min(time)),
        Flushed::Paused(turn) => turn,
        // The next look finds that the connection is lost.
        Flushed::Dead => return Step::Continue(()),
    })
}
