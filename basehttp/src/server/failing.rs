//! Code of the user that panics where no handler can tell of it any more, and how a request is answered then.

use super::caught::caught;
use super::session::Host;
use crate::handler::dispatch::{Failure, fail, last_resort, running, settle, tell_failure, too_slow};
use crate::handler::exchange::Shared;
use crate::handler::{Address, HandlerError, RequestHandler, ServerInfo};
use crate::proto::connection::Event;

/// Answers for a handler that panicked, and never hands it another request.
pub(super) fn panicked<H: RequestHandler>(handler: &H, function: &str, message: &str) {
    handler.exchange().response.must_close();
    let function = running(handler).unwrap_or(function);
    let answered = caught(|| {
        fail(handler, function, &Failure::Panic(message));
        settle(handler, None);
    });
    if let Err(another) = answered {
        // The handler's own words may have got through before that.
        log(&handler.shared(), &format!("{function} panicked: {message}; telling of it panicked: {another}"));
        last_resort(handler);
    }
    handler.happens(Event::End);
}

/// Tells a client that is too slow with its request.
pub(super) fn give_up<H: RequestHandler>(handler: &mut H, host: &mut dyn Host) {
    if !host.runs_user_code() {
        // Where all threads hang, the client is told all the same, though not in the handler's words.
        handler.exchange().refuse_late(handler.phase());
        return handler.happens(Event::End);
    }
    host.enter();
    if let Err(message) = caught(|| too_slow(handler)) {
        panicked_while_telling(handler, &message);
        last_resort(handler);
        handler.happens(Event::End);
    }
    host.leave();
}

/// Tells of a failure that no request is answered for.
pub(super) fn report<H: RequestHandler>(handler: &H, function: &str, failure: &Failure<'_>) {
    telling(handler, || tell_failure(handler, function, failure));
}

/// Runs code of the user that only tells.
pub(super) fn telling<H: RequestHandler>(handler: &H, tell: impl FnOnce()) {
    if let Err(message) = caught(tell) {
        panicked_while_telling(handler, &message);
    }
}

/// Says in the server's words what the handler's could not say.
pub(super) fn panicked_while_telling<H: RequestHandler>(handler: &H, message: &str) {
    log(&handler.shared(), &format!("telling of a failure panicked: {message}"));
}

/// Tells of a panic where there is no handler, or none any more.
pub(super) fn tell_without_handler(
    shared: &Shared,
    server: &ServerInfo,
    client_address: Address,
    deed: &str,
    message: &str,
) {
    let failure = Failure::Panic(message);
    log(shared, &format!("{deed} {failure}"));
    if let Err(another) = caught(|| server.report(&HandlerError::early(client_address, &failure))) {
        log(shared, &format!("handle_error panicked: {another}"));
    }
}

fn log(shared: &Shared, text: &str) {
    shared.lock().complain(text);
}
