//! The body of a request: before its handler is called, and what is left of it after that.

use super::connection::{At, Step, give_up, go_on_with};
use super::sending::{Pumped, pump};
use super::session::{Host, Turn};
use crate::handler::RequestHandler;
use crate::handler::base::Stage;
use crate::handler::exchange::Taken;
use crate::handler::wire::Want;

/// Takes in what has come of it, up to the setting `gather_limit`.
pub(super) fn gather_body<H: RequestHandler>(
    handler: &mut H,
    host: &mut dyn Host,
    late: &mut Option<Want>,
) -> Step {
    match handler.gather() {
        Taken::All => return Step::To(At::Handler),
        Taken::Enough => return Step::Done(Turn::Again),
        Taken::Some => {}
    }
    let late = late.take();
    if late == Some(Want::Input) {
        give_up(handler, host);
        return Step::To(At::LastReply);
    }
    match pump(handler, host, late.is_some()) {
        Pumped::Paused(turn) => Step::Done(turn),
        Pumped::Dead => Step::To(At::LastReply),
        Pumped::All { patience, .. } => Step::Done(Turn::Later(Want::Input, patience)),
    }
}

/// Reads and drops what the handler has left, up to the setting `drain_limit`.
pub(super) fn drop_rest<H: RequestHandler>(
    handler: &H,
    host: &mut dyn Host,
    late: Option<Want>,
    is_enough: bool,
) -> Step {
    let (drained, is_full) = {
        let mut exchange = handler.exchange();
        (exchange.drain(), exchange.is_full())
    };
    match drained {
        Some(Taken::All) => {
            handler.set_stage(Stage::Between);
            go_on_with(if is_full { At::Full } else { At::Head }, handler, host, is_enough)
        }
        None => Step::To(At::LastReply),
        Some(taken) => match pump(handler, host, late == Some(Want::Room)) {
            Pumped::Paused(turn) => Step::Done(turn),
            Pumped::All { .. } if taken == Taken::Enough => Step::Done(Turn::Again),
            Pumped::All { patience, .. } if late != Some(Want::Input) => {
                Step::Done(Turn::Later(Want::Input, patience))
            }
            Pumped::All { .. } => {
                handler.exchange().record_late(false);
                Step::To(At::LastReply)
            }
            Pumped::Dead => Step::To(At::LastReply),
        },
    }
}
