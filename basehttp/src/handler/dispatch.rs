//! From a parsed head to the `do_*` method, and from its return to the settled response.

use std::io;

use super::any_handler::AnyHandler;
use super::connection_io::{
    BodyProgress, Detached, FlushProgress, HandleEnd, HandleKind, IoGuard, NextAct, NextHead, Occasion,
    RelayProgress,
};
use super::failing::{code_of, fail, function_of, last_resort, report_error, report_failure};
use super::failure::HandlerFailure;
use super::outcome::Answer;
use super::resolution::{number, resolution};
use super::respond::{send, send_options};
use super::response::Response;
use super::returned_error::ReturnedError;
use super::route::Resolution;
use super::span::{end_span, in_same_span, in_span};
use super::text::shortened;
use super::wire::Want;
use super::{BaseHTTPRequestHandler, RequestHandler};
use crate::proto::connection::{Event, Phase, Settled};
use crate::proto::request_line::Version;
use crate::proto::status::HTTPStatus;

/// The defaults of the methods that take a request to its `do_*` method.
impl BaseHTTPRequestHandler {
    /// The default of [`RequestHandler::handle`].
    ///
    /// # Errors
    /// None of its own.
    pub fn handle<H: RequestHandler>(handler: &mut H) -> io::Result<()> {
        serve(handler);
        Ok(())
    }

    /// The default of [`RequestHandler::handle_one_request`]. The failure of a `do_*` method is answered and logged
    /// here.
    ///
    /// # Errors
    /// What [`RequestHandler::parse_request`] gives.
    pub fn handle_one_request<H: RequestHandler>(handler: &mut H) -> io::Result<()> {
        answer_one(handler)
    }

    /// The default of [`RequestHandler::parse_request`].
    ///
    /// # Errors
    /// What sending the refusal gives.
    pub fn parse_request<H: RequestHandler>(handler: &mut H) -> io::Result<bool> {
        decide(handler)
    }

    /// The default of [`RequestHandler::handle_expect_100`].
    ///
    /// # Errors
    /// None of its own.
    pub fn handle_expect_100<H: RequestHandler>(_handler: &mut H) -> io::Result<bool> {
        Ok(true)
    }
}

/// Answers requests, one after the other, and waits for them.
fn serve(handler: &mut dyn AnyHandler) {
    while receive(handler) {
        let outcome = handler.handle_one_request();
        complete(handler, outcome.err());
    }
}

/// Answers one request.
fn answer_one(handler: &mut dyn AnyHandler) -> io::Result<()> {
    // A request waits, unless the handler has a `handle` of its own that calls this for the next one.
    if !matches!(handler.vars().phase(), Phase::Body | Phase::Ready) && !receive(handler) {
        return Ok(());
    }
    handler.vars().happens(Event::Called);
    let goes_on = handler.parse_request()?;
    if let Some(fault) = handler.vars().request().fault {
        // An override may say yes to what cannot be understood, and for which no method could be called.
        if goes_on && !handler.vars().io().response.is_begun() {
            handler.log_error(format_args!(
                "parse_request: it says yes to a request that cannot be understood ({})",
                fault.code()
            ));
            refuse(handler)?;
        }
        return Ok(());
    }
    if !goes_on {
        return Ok(());
    }
    let resolution = resolution(handler);
    match resolution {
        Resolution::Method(_) | Resolution::Route(..) => {
            if let Resolution::Route(block, row) = resolution {
                handler.vars().io().set_route(number(handler, block, row));
            }
            in_span(handler, |handler| {
                // A method that sets another path is still the one that was called.
                let function = function_of(handler);
                let answer = handler.call(resolution);
                conclude(handler, function, answer);
            });
            Ok(())
        }
        Resolution::Options => send_options(handler),
        Resolution::NotAllowed => handler.send_error(&HTTPStatus::METHOD_NOT_ALLOWED),
        Resolution::NotFound => handler.send_error(&HTTPStatus::NOT_FOUND),
        Resolution::NotImplemented => refuse_method(handler),
    }
}

/// Sends what a method has returned, or answers its error.
fn conclude(handler: &dyn AnyHandler, function: &str, answer: Answer) {
    let failure = match answer {
        Ok(response) => send(handler, response).err(),
        Err(error) => Some(error),
    };
    if let Some(error) = failure {
        fail(handler, function, &HandlerFailure::Returned(&error.text(), &error));
    }
}

/// Refuses a request that the server knows to be refused. False if it did.
fn decide(handler: &mut dyn AnyHandler) -> io::Result<bool> {
    if handler.vars().request().fault.is_some() {
        return refuse(handler).map(|()| false);
    }
    // The method comes first: CPython's suite wants 501 for an unknown one without Host.
    if resolution(handler) == Resolution::NotImplemented {
        return refuse_method(handler).map(|()| false);
    }
    check_request(handler)
}

/// What there is to look at in a request that is no fault, whatever its method. False if it was answered.
pub(crate) fn check_request(handler: &mut dyn AnyHandler) -> io::Result<bool> {
    let vars = handler.vars();
    let request = vars.request();
    if let Some(fault) = request.objection {
        handler.vars_mut().request_mut().fault = Some(fault);
        return refuse(handler).map(|()| false);
    }
    let both_speak_1_1 = vars.class().protocol == Version::Http11 && request.version() == Version::Http11;
    if request.expects_continue && both_speak_1_1 {
        return handler.handle_expect_100();
    }
    Ok(true)
}

/// Whether the head alone is reason enough to refuse the request, so that nobody has to wait for its body. An override decides for
/// itself, and may want the body.
pub(crate) fn is_refused_by_head(handler: &dyn AnyHandler) -> bool {
    if handler.vars().class().overrides.admission {
        return false;
    }
    let request = handler.vars().request();
    let is_answered = matches!(resolution(handler), Resolution::Method(_) | Resolution::Route(..));
    request.objection.is_some() || !is_answered
}

fn refuse(handler: &dyn AnyHandler) -> io::Result<()> {
    let Some(fault) = handler.vars().fault() else { return Ok(()) };
    handler.send_error(&code_of(fault, handler.vars().request().line()))
}

fn refuse_method(handler: &dyn AnyHandler) -> io::Result<()> {
    // A method is a token, and as long as the client likes; a status line should not be.
    let (command, more) = shortened(handler.vars().request().command(), 100);
    let message = format!("Unsupported method ('{command}{more}')");
    handler.send_error(&(HTTPStatus::NOT_IMPLEMENTED, message))
}

/// Waits for the next request, after completing the one before. False when the connection is over.
fn receive(handler: &mut dyn AnyHandler) -> bool {
    complete(handler, None);
    if handler.vars().phase() == Phase::Idle {
        forget_none(handler);
    }
    loop {
        if handler.vars().phase().is_last() {
            return false;
        }
        let (next, phase, mut io) = next_request(handler);
        match next {
            NextHead::Request => {
                drop(io);
                handler.vars().happens(Event::Request { gathers: false });
                return true;
            }
            NextHead::End => return false,
            NextHead::Later => {}
            NextHead::Enough => continue,
        }
        if io.is_idle(phase) && io.is_stopping() {
            drop(io);
            handler.vars().happens(Event::End);
            return false;
        }
        let time = io.silence_allowed(phase);
        let waited = io.wait_for_input(time);
        drop(io);
        if waited.is_err() {
            too_slow(handler);
            complete(handler, None);
            handler.vars().happens(Event::End);
        }
    }
}

/// Makes the next request the current one, if it has come; see `InstanceVariables::next_request`.
pub(crate) fn next_request(handler: &mut dyn AnyHandler) -> (NextHead, Phase, IoGuard<'_>) {
    if handler.vars().phase() == Phase::Done {
        handler.forget_request();
    }
    handler.vars_mut().next_request()
}

/// Drops what `setup` has made of a request that has not come.
pub(crate) fn forget_none(handler: &mut dyn AnyHandler) {
    handler.forget_request();
    handler.vars_mut().clear_request();
}

/// The time for a request is over: answers one that was begun.
pub(crate) fn too_slow(handler: &mut dyn AnyHandler) {
    let in_head = handler.vars().phase() == Phase::Head;
    let idle = handler.vars().io().is_idle(handler.vars().phase());
    if in_head {
        handler.vars_mut().give_up_head();
    }
    if !idle {
        {
            let mut io = handler.vars().io();
            io.record_late(in_head);
            // The answer tells it.
            io.take_unreported();
            io.response.must_close();
        }
        let sent = handler.send_error(&HTTPStatus::REQUEST_TIMEOUT);
        settle(handler, sent.err());
    }
    handler.vars().happens(Event::End);
}

/// Completes the current request, waiting for the client where need be: for a `handle` that goes on by itself.
pub(crate) fn complete(handler: &mut dyn AnyHandler, error: Option<io::Error>) {
    settle(handler, error);
    wait_for_detached(handler);
    let _ = handler.vars().io().send_ready();
    while handler.vars().phase() == Phase::Rest {
        let mut io = handler.vars().io();
        let time = io.silence_allowed(Phase::Rest);
        let drained = io.drain();
        match drained {
            Some(BodyProgress::All) => handler.vars().happens(Event::Cleared),
            Some(BodyProgress::Enough) => {}
            Some(BodyProgress::Some) => match io.wait_for_input(time) {
                Ok(()) => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::TimedOut {
                        io.record_late(false);
                    }
                    handler.vars().happens(Event::End);
                }
            },
            None => handler.vars().happens(Event::End),
        }
    }
    report_error(handler);
}

/// Settles the response to the current request, whatever state the handler left it in. It is not sent yet.
pub(crate) fn settle(handler: &dyn AnyHandler, error: Option<io::Error>) {
    let vars = handler.vars();
    if !vars.phase().has_request() {
        return;
    }
    let has_failed = error.is_some();
    if let Some(error) = error {
        fail(handler, "handle_one_request", &HandlerFailure::Error(&error.to_string()));
    }
    let settled = {
        let mut io = vars.io();
        if io.is_detached() { None } else { Some(io.finish_well()) }
    };
    let settled = match settled {
        Some(settled) => settled,
        None if goes_on(handler, has_failed) => return,
        None => vars.io().finish_well(),
    };
    let settled =
        settled.unwrap_or_else(|| if settle_with_errors(handler) { Settled::Over } else { Settled::Rest });
    end_span(handler);
    vars.happens(Event::Settled(settled));
}

/// Whether somebody has a handle on the response, so that it goes on.
fn goes_on(handler: &dyn AnyHandler, has_failed: bool) -> bool {
    let goes_on = handler.vars().io().settle_detached(has_failed);
    match goes_on {
        Ok(()) => {
            handler.vars().happens(Event::Detached);
            true
        }
        // What its handle has left is dropped here, where the connection is not locked.
        Err(_) => false,
    }
}

/// Does what a response that goes on asks for. All of it may be code of the user.
pub(crate) fn act(handler: &mut dyn AnyHandler, act: NextAct) {
    match act {
        NextAct::Wait | NextAct::Relay => {}
        NextAct::Warn(text) => {
            handler.vars().io().has_warned();
            handler.log_error(format_args!("{}: {text}", function_of(handler)));
        }
        NextAct::TellGone => {
            let on_gone = handler.vars().io().take_on_gone();
            if let Some(call) = on_gone {
                call();
            }
            handler.vars().io().set_detached_out();
        }
        NextAct::Lose => {
            let detached = {
                let mut io = handler.vars().io();
                io.lose();
                io.take_detached()
            };
            handler.vars().happens(Event::End);
            end_span(handler);
            // Whoever wants to know that nobody waits any more is told by this.
            drop(detached);
        }
        NextAct::Serve(occasion) => {
            handler.vars().happens(Event::Resumed);
            in_same_span(handler, |handler| serve_upgraded(handler, occasion));
            settle(handler, None);
        }
        NextAct::Resume | NextAct::TimeOut | NextAct::End(_) | NextAct::Leave => {
            let detached = handler.vars().io().take_detached();
            handler.vars().happens(Event::Resumed);
            if let Some(detached) = detached {
                in_same_span(handler, |handler| resume(handler, act, detached));
            }
            settle(handler, None);
            if handler.vars().phase() != Phase::Detached {
                handler.forget_request();
            }
        }
    }
}

fn resume(handler: &mut dyn AnyHandler, act: NextAct, mut detached: Box<Detached>) {
    let continuation = match act {
        NextAct::Resume => detached.take_continuation(),
        NextAct::TimeOut => detached.take_timeout(),
        _ => None,
    };
    let answer = match act {
        NextAct::End(HandleEnd::Aborted) => return handler.vars().io().abort(detached.kind()),
        NextAct::End(HandleEnd::Dropped) if detached.kind() == HandleKind::Later => {
            Err(ReturnedError::text_alone("the response was put off, and its Later was dropped"))
        }
        _ => continuation.map_or(Ok(Response::WRITTEN), |continuation| handler.resume(continuation)),
    };
    // What else was left goes before the handler's failure is told: its drop is code of the user as well.
    drop(detached);
    conclude(handler, function_of(handler), answer);
}

/// Tells the object that speaks another protocol.
fn serve_upgraded(handler: &mut dyn AnyHandler, occasion: Occasion) {
    let taken = handler.vars().io().take_served(occasion);
    let Some((mut served, input)) = taken else { return };
    let failure = served.happened(occasion, input.data());
    let over = handler.vars().io().give_back_served(served, input, occasion == Occasion::Received);
    drop(over);
    let Some(failure) = failure else { return };
    let (function, failure) = (function_of(handler), HandlerFailure::Error(&failure));
    // Whoever has closed before has said to the client what there was to say.
    let has_closed = handler.vars().io().is_given_up();
    if has_closed { report_failure(handler, function, &failure) } else { fail(handler, function, &failure) }
}

/// Waits for a response that goes on: for a `handle` that goes on by itself.
fn wait_for_detached(handler: &mut dyn AnyHandler) {
    while handler.vars().phase() == Phase::Detached {
        let (next, notifier) = {
            let mut io = handler.vars().io();
            (io.next_act(), io.notifier())
        };
        let Some(notifier) = notifier else { return handler.vars().happens(Event::End) };
        if next == NextAct::Relay {
            let progress = handler.vars().io().relay_some();
            if let RelayProgress::Wait(others, time) = progress {
                // Whether it was enough, the next look finds.
                let _ = notifier.wait(Want::Notice(others), time);
            }
            continue;
        }
        if next != NextAct::Wait {
            act(handler, next);
            continue;
        }
        let mut io = handler.vars().io();
        let time = io.beat();
        let was_behind = io.is_behind();
        let Ok(progress) = io.send_some() else { continue };
        if was_behind && progress == FlushProgress::Done {
            // Until now nobody has looked for what the client has sent.
            continue;
        }
        let has_room = progress != FlushProgress::NoRoom;
        let time = if has_room { time } else { time.min(io.room_left()) };
        let want = Want::Notice(io.lie_down(has_room));
        drop(io);
        if progress != FlushProgress::Paused && notifier.wait(want, time).is_err() && !has_room {
            let mut io = handler.vars().io();
            if io.room_left().is_zero() {
                io.give_up_output();
            }
        }
    }
}

/// Whether the connection is over with it.
#[cold]
fn settle_with_errors(handler: &dyn AnyHandler) -> bool {
    let finished = handler.vars().io().finish_response();
    if let Err(misuse) = finished {
        // A failure that was told already is told once; its answer has failed too.
        if !handler.vars().io().has_handler_failed() {
            fail(handler, function_of(handler), &HandlerFailure::Error(&misuse.to_string()));
        }
        if handler.vars().io().finish_response().is_err() {
            last_resort(handler);
        }
    } else {
        // What did the response no harm, and what the handler has kept to itself.
        let (misuse, failed) = {
            let io = handler.vars().io();
            let misuse = io.response.misuse().or_else(|| io.response.rejected());
            (misuse.map(ToString::to_string), io.has_handler_failed())
        };
        if let Some(misuse) = misuse.filter(|_| !failed) {
            handler.log_error(format_args!("{}: {misuse}", function_of(handler)));
        }
    }
    report_error(handler);
    handler.vars().io().response.close()
}
