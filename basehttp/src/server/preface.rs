//! The beginning of a connection, before its handler is made: what a proxy says about its client.

use std::io;
use std::time::{Duration, Instant};

use super::turn::{Step, Turn, TurnContext};
use crate::handler::connection_io::NextHead;
use crate::handler::instance::InstanceVariables;
use crate::handler::wire::{Close, Want};
use crate::proto::connection::Event;

/// The time that a connection gets for its next request during shutdown, if it is new or has had a request a moment ago. Its
/// client is about to send, and would see a close without an answer as an error. It may retry only idempotent requests (RFC
/// 9110 section 9.2.2), and none on a new connection.
pub(super) struct NextRequest {
    seen: Instant,
    is_granted: bool,
}

/// A typical client sends its first request with, or right after, the end of the TCP handshake, and the next one soon after
/// the answer. Others, such as browsers that connect in advance, delay the shutdown by this time.
const NEXT_REQUEST: Duration = Duration::from_secs(1);

impl NextRequest {
    /// For a connection with a sign of its client just now.
    pub(super) fn after(now: Instant) -> Self {
        Self { seen: now, is_granted: false }
    }

    /// The rest of the time. `None` if it is over, or if no client can be about to send.
    pub(super) fn grant(&mut self, context: &dyn TurnContext) -> Option<Duration> {
        if !context.expects_requests() {
            return None;
        }
        let left = NEXT_REQUEST.saturating_sub(self.seen.elapsed());
        self.is_granted = !left.is_zero();
        Some(left).filter(|left| !left.is_zero())
    }

    /// Waits for the request for `time` at most, and during shutdown only for the rest of the granted time.
    fn wait(&mut self, context: &dyn TurnContext, time: Duration) -> Turn {
        let time = if context.is_stopping() { self.grant(context) } else { Some(time) };
        time.map_or(Turn::Over, |time| Turn::Later(Want::Input, time.min(time)))
    }

    /// Whether the request is waited for although the server is shutting down.
    pub(super) fn is_granted(&self) -> bool {
        self.is_granted
    }
}

/// Work before the first request. `None` if it is done.
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
        // Some of the header has arrived. A connection without a byte is idle, and is left to the poller.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !context.is_stopping() => {
            vars.io().warn(&format!(
                "{}: its PROXY header did not arrive completely within head_timeout",
                vars.peer_address()
            ));
            Some(Step::Break(Turn::Over))
        }
        // Health checks connect and leave.
        Err(_) => Some(Step::Break(Turn::Over)),
    }
}

/// A silent client needs no handler, and no thread that may run one. `None` if something has arrived.
pub(super) fn await_input(
    vars: &InstanceVariables,
    next: &mut NextRequest,
    context: &dyn TurnContext,
    late: bool,
) -> Option<Step> {
    let (looked, mut io) = vars.look_for_input();
    match looked {
        NextHead::Request => None,
        NextHead::Enough => Some(Step::Break(Turn::Again)),
        NextHead::Later if !late => {
            let time = io.silence_allowed(vars.phase());
            Some(Step::Break(next.wait(context, time)))
        }
        // A handshake has failed, and the client must be able to read the alert.
        NextHead::End if io.closing() == Close::Linger => {
            io.shutdown_write();
            drop(io);
            end_unanswered(vars);
            Some(Step::Continue(()))
        }
        NextHead::Later | NextHead::End => Some(Step::Break(Turn::Over)),
    }
}

fn refuse(vars: &InstanceVariables, context: &dyn TurnContext, error: &io::Error) -> Step {
    let mut io = vars.io();
    io.warn(&format!("{}: {error}", vars.peer_address()));
    // A TLS client could not read it.
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
    end_unanswered(vars);
}

/// Ends a connection that has no handler, and whose writing half is shut down.
fn end_unanswered(vars: &InstanceVariables) {
    vars.happens(Event::End);
    vars.happens(Event::Sent { lingers: true });
}
