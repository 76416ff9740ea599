//! From a parsed head to the `do_*` method, and from its return to the settled response.

use std::io;

use super::any_handler::AnyHandler;
use super::connection_io::{
    BodyProgress, Detached, FlushProgress, HandleEnd, HandleKind, IoGuard, NextAct, NextHead, Occasion,
    RelayProgress,
};
use super::failing::{code_of, fail, function_of, last_resort, report_error, report_failure};
use super::failure::HandlerFailure;
use super::outcome::{Answer, NoValue};
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
    /// None: it always returns `Ok`.
    pub fn handle<H: RequestHandler>(handler: &mut H) -> io::Result<()> {
        serve(handler);
        Ok(())
    }

    /// The default of [`RequestHandler::handle_one_request`]. It logs the failure of a `do_*` method and sends the error
    /// response.
    ///
    /// # Errors
    /// The error of [`RequestHandler::parse_request`], or of sending an error response.
    pub fn handle_one_request<H: RequestHandler>(handler: &mut H) -> io::Result<()> {
        answer_one(handler)
    }

    /// The default of [`RequestHandler::parse_request`].
    ///
    /// # Errors
    /// An error of sending the refusal.
    pub fn parse_request<H: RequestHandler>(handler: &mut H) -> io::Result<bool> {
        decide(handler)
    }

    /// The default of [`RequestHandler::handle_expect_100`].
    ///
    /// # Errors
    /// None: it always returns `Ok(true)`.
    pub fn handle_expect_100<H: RequestHandler>(_handler: &mut H) -> io::Result<bool> {
        Ok(true)
    }
}

/// Waits for requests and answers them, one after the other.
fn serve(handler: &mut dyn AnyHandler) {
    while receive(handler) {
        let outcome = handler.handle_one_request();
        complete(handler, outcome.err());
    }
}

/// Answers one request.
fn answer_one(handler: &mut dyn AnyHandler) -> io::Result<()> {
    // A request is waiting, unless an override of `handle` calls this for the next one.
    if !matches!(handler.vars().phase(), Phase::Body | Phase::Ready) && !receive(handler) {
        return Ok(());
    }
    handler.vars().happens(Event::Called);
    let goes_on = handler.parse_request()?;
    if let Some(fault) = handler.vars().request().fault {
        // An override may accept a request that the server refuses, for which no method may be called.
        if goes_on && !handler.vars().io().response.is_begun() {
            handler.log_error(format_args!(
                "parse_request: it accepted a request that the server refuses ({})",
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
                // Before the call: a method that sets another path is still the one that was called.
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

/// Sends the value that a method has returned, or the error response for its error.
fn conclude(handler: &dyn AnyHandler, function: &str, answer: Answer) {
    let sent = match answer {
        Ok(response) => send(handler, response),
        Err(NoValue::Response(response, text)) => send_of_error(handler, function, text, response),
        Err(NoValue::Error(error)) => Err(error),
    };
    if let Err(error) = sent {
        fail(handler, function, &HandlerFailure::Returned(&error.text(), &error));
    }
}

/// Sends the response that a method's error is. The error of the connection decides about the response, as in `fail`, and after a part
/// of another response it is a failure like any other.
fn send_of_error(
    handler: &dyn AnyHandler,
    function: &str,
    text: String,
    response: Response,
) -> Result<(), ReturnedError> {
    let is_possible = {
        let io = handler.vars().io();
        !io.response.is_committed() && !io.has_unreported()
    };
    if !is_possible {
        return Err(ReturnedError::text_alone(text));
    }
    if response.is_server_error() {
        report_failure(handler, function, &HandlerFailure::Error(&text));
    }
    handler.vars().io().take_back()?;
    send(handler, response)
}

/// Refuses a request that the server rejects. False if it did.
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

/// Checks a request that has no fault, whatever its method. False if it was answered.
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

/// Whether the head alone is a reason to refuse the request, so that the server need not wait for its body. An override decides for
/// itself, and may need the body.
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
    // The client decides how long a method is; the status line must stay short.
    let (command, more) = shortened(handler.vars().request().command(), 100);
    let message = format!("Unsupported method ('{command}{more}')");
    handler.send_error(&(HTTPStatus::NOT_IMPLEMENTED, message))
}

/// Completes the previous request and waits for the next one. False if the connection is over.
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

/// Makes the next request the current one, if it has arrived; see `InstanceVariables::next_request`.
pub(crate) fn next_request(handler: &mut dyn AnyHandler) -> (NextHead, Phase, IoGuard<'_>) {
    if handler.vars().phase() == Phase::Done {
        handler.forget_request();
    }
    handler.vars_mut().next_request()
}

/// Drops what `setup` has set for a request that had not arrived.
pub(crate) fn forget_none(handler: &mut dyn AnyHandler) {
    handler.forget_request();
    handler.vars_mut().clear_request();
}

/// Handles the time-out of a request: if the request has begun, it gets a 408.
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
            // The 408 is logged with it.
            io.take_unreported();
            io.response.must_close();
        }
        let sent = handler.send_error(&HTTPStatus::REQUEST_TIMEOUT);
        settle(handler, sent.err());
    }
    handler.vars().happens(Event::End);
}

/// Completes the current request, and waits for the client if necessary: for an override of `handle`, which may block.
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

/// Settles the response to the current request, in whatever state the handler left it. This does not send it yet.
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

/// Whether the response has a handle, so that it continues.
fn goes_on(handler: &dyn AnyHandler, has_failed: bool) -> bool {
    let goes_on = handler.vars().io().settle_detached(has_failed);
    match goes_on {
        Ok(()) => {
            handler.vars().happens(Event::Detached);
            true
        }
        // The error holds what the handle has left. It is dropped here, where the connection is not locked.
        Err(left) => {
            if !has_failed
                && !handler.vars().io().has_handler_failed()
                && left.is_some_and(|left| left.awaits_response())
            {
                handler.log_error(format_args!(
                    "{}: a response was sent or returned after later(): what its Later hands in is dropped",
                    function_of(handler)
                ));
            }
            false
        }
    }
}

/// Does the next step of a response that continues without its method. Every step may run user code.
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
            // This drop notifies user code that waits for the end of the response.
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
        NextAct::End(HandleEnd::Dropped) if detached.kind() == HandleKind::Later => Err(
            ReturnedError::text_alone("the response was deferred with later(), and its Later was dropped")
                .into(),
        ),
        _ => continuation.map_or(Ok(Response::WRITTEN), |continuation| handler.resume(continuation)),
    };
    // The rest is dropped before the handler's failure is reported: this drop is user code as well.
    drop(detached);
    conclude(handler, function_of(handler), answer);
}

/// Notifies the object that speaks another protocol.
fn serve_upgraded(handler: &mut dyn AnyHandler, occasion: Occasion) {
    let taken = handler.vars().io().take_served(occasion);
    let Some((mut served, input)) = taken else { return };
    let failure = served.happened(occasion, input.data());
    let over = handler.vars().io().give_back_served(served, input, occasion == Occasion::Received);
    drop(over);
    let Some(failure) = failure else { return };
    let (function, failure) = (function_of(handler), HandlerFailure::Error(&failure));
    // If the object has closed the connection before, it has sent its last words to the client: report only.
    let has_closed = handler.vars().io().is_given_up();
    if has_closed { report_failure(handler, function, &failure) } else { fail(handler, function, &failure) }
}

/// Waits for a response that continues without its method: for an override of `handle`, which may block.
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
                // The next pass finds out whether that was enough.
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
            // While output was behind, the client's input was not looked at.
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

/// Settles a response that has a mistake. True if the connection is over with it.
#[cold]
fn settle_with_errors(handler: &dyn AnyHandler) -> bool {
    let finished = handler.vars().io().finish_response();
    if let Err(misuse) = finished {
        // If a failure was already reported, its error response has failed too: report once only.
        if !handler.vars().io().has_handler_failed() {
            fail(handler, function_of(handler), &HandlerFailure::Error(&misuse.to_string()));
        }
        if handler.vars().io().finish_response().is_err() {
            last_resort(handler);
        }
    } else {
        // A mistake that did not harm the response, or that the handler has ignored.
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
