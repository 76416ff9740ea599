//! The beginning of a connection, before its handler is made: what a proxy says of its client.

use std::io;
use std::time::{Duration, Instant};

use super::turn::{Step, Turn, TurnContext};
use crate::handler::connection_io::NextHead;
use crate::handler::instance::InstanceVariables;
use crate::handler::wire::Want;
use crate::proto::connection::Event;

/// The time that a connection has for its next request where the server ends meanwhile, if it is new or has asked a moment ago. Its
/// client is about to send, and a close without an answer is an error to it: it may try again only what is idempotent (RFC 9110
/// section 9.2.2), and nothing at all on a connection that was new.
pub(super) struct NextRequest {
    seen: Instant,
    is_granted: bool,
}

/// Who means it sends the first request with the end of the system's handshake or right behind it, and the next one soon after the
/// answer. Others, as browsers that connect before they know what to ask, hold up the end for so long.
const NEXT_REQUEST: Duration = Duration::from_secs(1);

impl NextRequest {
    /// For a connection of which something was seen just now.
    pub(super) fn after(now: Instant) -> Self {
        Self { seen: now, is_granted: false }
    }

    /// What is left of the time. None where it is over, or where nobody can be about to send.
    pub(super) fn grant(&mut self, context: &dyn TurnContext) -> Option<Duration> {
        if !context.expects_requests() {
            return None;
        }
        let left = NEXT_REQUEST.saturating_sub(self.seen.elapsed());
        self.is_granted = !left.is_zero();
        Some(left).filter(|left| !left.is_zero())
    }

    /// Waits for it so long at most, and where the server ends, for what is left of the time.
    fn wait(&mut self, context: &dyn TurnContext, time: Duration) -> Turn {
        let time = if context.is_stopping() { self.grant(context) } else { Some(time) };
        time.map_or(Turn::Over, |time| Turn::Later(Want::Input, time.min(time)))
    }

    /// Whether it is being waited for though the server ends.
    pub(super) fn is_granted(&self) -> bool {
        self.is_granted
    }
}

/// What there is to do before the first request. None if there is nothing more.
pub(super) fn preface(
    vars: &mut InstanceVariables,
    next: &mut NextRequest,
    context: &dyn TurnContext,
    late: bool,
) -> Option<Step> {
    let read = vars.io().preface();
    match read {
        Ok(None) => None,
        Ok(Some(announced)) => {
            vars.peer_mut().announce(announced);
            None
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !late => {
            let time = vars.io().silence_allowed(vars.phase());
            Some(Step::Break(next.wait(context, time)))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Some(refuse(vars, context, &error)),
        // A connection without a byte is still the poller's, and idle: some of the header has come.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !context.is_stopping() => {
            vars.io().warn(&format!(
                "{}: its PROXY header has not come to its end within head_timeout",
                vars.peer_address()
            ));
            Some(Step::Break(Turn::Over))
        }
        // Health checks connect and leave.
        Err(_) => Some(Step::Break(Turn::Over)),
    }
}

/// A client that says nothing needs no handler, nor a thread that may run one. None if something has come.
pub(super) fn await_input(
    vars: &InstanceVariables,
    next: &mut NextRequest,
    context: &dyn TurnContext,
    late: bool,
) -> Option<Step> {
    let (looked, io) = vars.look_for_input();
    match looked {
        NextHead::Request => None,
        NextHead::Later | NextHead::Enough if !late => {
            let time = io.silence_allowed(vars.phase());
            Some(Step::Break(next.wait(context, time)))
        }
        NextHead::Later | NextHead::Enough | NextHead::End => Some(Step::Break(Turn::Over)),
    }
}

fn refuse(vars: &InstanceVariables, context: &dyn TurnContext, error: &io::Error) -> Step {
    let mut io = vars.io();
    io.warn(&format!("{}: {error}", vars.peer_address()));
    // A client of TLS could not read it.
    if vars.server().is_tls() {
        return Step::Break(Turn::Over);
    }
    io.refuse_preface();
    drop(io);
    context.before_sending();
    end_refused(vars);
    Step::Continue(())
}

/// Sends the refusal of a connection that has no handler, and lets it linger.
pub(super) fn end_refused(vars: &InstanceVariables) {
    let mut io = vars.io();
    // An empty send buffer has room for it.
    let _ = io.send_some();
    io.shutdown_write();
    drop(io);
    vars.happens(Event::End);
    vars.happens(Event::Sent { lingers: true });
}
