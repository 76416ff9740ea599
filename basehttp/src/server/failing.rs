//! Panics of user code where no handler can report them any more, and how a request is answered then.

use super::caught::caught;
use super::turn::TurnContext;
use crate::handler::any_handler::AnyHandler;
use crate::handler::connection_io::SharedIo;
use crate::handler::dispatch::{settle, too_slow};
use crate::handler::failing::{fail, last_resort, report_failure, running};
use crate::handler::failure::HandlerFailure;
use crate::handler::instance::InstanceVariables;
use crate::handler::{Address, HandlerError, ServerInfo};
use crate::proto::connection::Event;
use crate::sync::Arc;

/// Answers for a handler that panicked, and never gives it another request.
pub(super) fn panicked(handler: &dyn AnyHandler, function: &str, message: &str) {
    handler.vars().io().response.must_close();
    let function = running(handler).unwrap_or(function);
    let answered = caught(|| {
        fail(handler, function, &HandlerFailure::Panic(message));
        settle(handler, None);
    });
    if let Err(another) = answered {
        // The handler's own report may have succeeded before that.
        log(
            handler.vars().shared(),
            &format!("{function} panicked: {message}; reporting that panicked: {another}"),
        );
        last_resort(handler);
    }
    handler.vars().happens(Event::End);
}

/// Answers a client that is too slow with its request.
pub(super) fn give_up(handler: &mut dyn AnyHandler, context: &mut dyn TurnContext) {
    if !context.runs_user_code() {
        // If all threads are blocked, the client still gets an answer, though not the handler's own.
        handler.vars().io().refuse_late(handler.vars().phase());
        return handler.vars().happens(Event::End);
    }
    context.enter();
    if let Err(message) = caught(|| too_slow(handler)) {
        panicked_while_telling(handler, &message);
        last_resort(handler);
        handler.vars().happens(Event::End);
    }
    context.leave();
}

/// Reports a failure for which no request is answered.
pub(super) fn report(handler: &dyn AnyHandler, function: &str, failure: &HandlerFailure<'_>) {
    reporting(handler, || report_failure(handler, function, failure));
}

/// Runs user code that only reports.
pub(super) fn reporting(handler: &dyn AnyHandler, tell: impl FnOnce()) {
    if let Err(message) = caught(tell) {
        panicked_while_telling(handler, &message);
    }
}

/// Logs in the server's words what the handler's code could not report.
pub(super) fn panicked_while_telling(handler: &dyn AnyHandler, message: &str) {
    log(handler.vars().shared(), &format!("reporting a failure panicked: {message}"));
}

/// What is needed to report a panic that takes the handler and its base away.
pub(super) struct Reporter {
    shared: SharedIo,
    server: Arc<ServerInfo>,
    client_address: Address,
}

impl Reporter {
    pub(super) fn of(vars: &InstanceVariables) -> Self {
        Self {
            shared: vars.shared().clone(),
            server: vars.server().clone(),
            client_address: vars.client_address().clone(),
        }
    }

    pub(super) fn report(&self, deed: &str, message: &str) {
        let failure = HandlerFailure::Panic(message);
        log(&self.shared, &format!("{deed} {failure}"));
        let error = HandlerError::early(self.client_address.clone(), &failure);
        if let Err(another) = caught(|| self.server.report(&error)) {
            log(&self.shared, &format!("handle_error panicked: {another}"));
        }
    }
}

fn log(shared: &SharedIo, text: &str) {
    shared.lock().warn(text);
}
