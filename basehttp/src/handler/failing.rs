//! The response and the log lines for a method that fails.

use std::io;

use super::ResponseCode;
use super::any_handler::AnyHandler;
use super::connection_io::ConnectionError;
use super::failure::HandlerFailure;
use super::http_error::HttpError;
use super::resolution::function;
use super::span::end_span;
use crate::proto::connection::Phase;
use crate::proto::fault::Fault;
use crate::proto::misuse::Misuse;
use crate::proto::status::HTTPStatus;

/// The name of the function that is running for the current request.
pub(crate) fn running(handler: &dyn AnyHandler) -> Option<&'static str> {
    function(handler).filter(|_| handler.vars().phase() == Phase::Handler)
}

pub(super) fn code_of(fault: Fault, requestline: &str) -> impl ResponseCode + use<> {
    (fault.status(), fault.message(requestline))
}

/// Logs an error of the connection that no failure of the handler has reported.
pub(crate) fn report_error(handler: &dyn AnyHandler) {
    let unreported = handler.vars().io().take_unreported();
    match unreported {
        Some(ConnectionError::ClientGone) => {
            report_gone(handler, function_of(handler));
        }
        Some(ConnectionError::TimedOut(deadline)) => {
            handler.log_error(format_args!("{}: Request timed out ({deadline})", function_of(handler)));
        }
        Some(ConnectionError::File { left, kind: io::ErrorKind::UnexpectedEof }) => {
            handler.log_error(format_args!("{}: the file ended {left} bytes early", function_of(handler)));
        }
        Some(ConnectionError::File { left, kind }) => {
            let function = function_of(handler);
            handler.log_error(format_args!(
                "{function}: the last {left} bytes of the file cannot be read: {kind}"
            ));
        }
        // The handler has not read that far, or has ignored the error.
        Some(ConnectionError::Fault(fault)) => {
            handler.log_error(format_args!("{}: {fault} ({})", function_of(handler), fault.code()));
        }
        _ => {}
    }
}

fn report_gone(handler: &dyn AnyHandler, function: &str) {
    let is_cut = handler.vars().io().is_cut();
    let what = if is_cut { "cut by the shutdown: its grace period is over" } else { "the client went away" };
    handler.log_error(format_args!("{function}: {what}"));
}

pub(super) fn function_of(handler: &dyn AnyHandler) -> &'static str {
    function(handler).unwrap_or("handle_one_request")
}

/// Responds to the failure of a handler and logs it. The connection's error decides about the response, never the text of the
/// handler's error. The handler's text is logged in every case except that the client is gone.
#[cold]
pub(crate) fn fail(handler: &dyn AnyHandler, function: &str, failure: &HandlerFailure<'_>) {
    if only_repeats(handler, failure) {
        handler.vars().io().handler_failed();
        return report_failure(handler, function, failure);
    }
    let error = handler.vars().io().take_unreported();
    // An `HttpError` is not a failure, unless another response has been sent.
    let http = failure.http().filter(|_| !handler.vars().io().response.is_committed());
    if http.is_none() {
        handler.vars().io().handler_failed();
    }
    match error {
        Some(ConnectionError::ClientGone) => {
            report_gone(handler, function);
            return handler.vars().io().cut();
        }
        // The response is complete. The error of most handlers only repeats that, perhaps in their own words.
        Some(ConnectionError::HeadAnswered) if !failure.is_panic() => {
            if !failure.cites(&Misuse::BodyForHead) {
                report_failure(handler, function, failure);
            }
            return;
        }
        Some(ConnectionError::Fault(fault)) => {
            handler.log_error(format_args!("{function}: {failure} ({})", fault.code()));
        }
        Some(ConnectionError::TimedOut(deadline)) if !failure.is_panic() => {
            handler.log_error(format_args!("{function}: {failure} ({deadline})"));
        }
        // The handler's text explains what was wrong with the body.
        Some(ConnectionError::Body(_)) if !failure.is_panic() && http.is_none() => {
            handler.log_error(format_args!("{function}: {failure}"));
        }
        _ => match http {
            // `send_error` logs the `HttpError` itself. Any context around it goes to the log only.
            Some(http) if failure.message() == http.to_string() => {}
            Some(_) => handler.log_error(format_args!("{function}: {failure}")),
            None => report_failure(handler, function, failure),
        },
    }
    let sent = match error {
        Some(ConnectionError::TimedOut(_)) => answer(handler, &HTTPStatus::REQUEST_TIMEOUT),
        Some(ConnectionError::Fault(fault)) => answer(handler, &code_of(fault, "")),
        Some(ConnectionError::Body(status)) if http.is_none() => answer(handler, &status),
        _ => match http {
            Some(http) => answer_as_asked(handler, function, http),
            None => answer(handler, &HTTPStatus::INTERNAL_SERVER_ERROR),
        },
    };
    if !sent {
        handler.vars().io().cut();
    }
}

/// Whether the failure only says that more was written after a complete response, which stands.
fn only_repeats(handler: &dyn AnyHandler, failure: &HandlerFailure<'_>) -> bool {
    let io = handler.vars().io();
    io.response.is_closed() && io.response.rejected().is_some_and(|misuse| failure.cites(misuse))
}

/// Reports a failure to the log and to the server's hook.
pub(crate) fn report_failure(handler: &dyn AnyHandler, function: &str, failure: &HandlerFailure<'_>) {
    handler.log_error(format_args!("{function}: {failure}"));
    handler.vars().report(failure);
}

/// Sends the response of an `HttpError`. If it cannot be sent, for example because of an invalid field, that is a failure.
fn answer_as_asked(handler: &dyn AnyHandler, function: &str, http: &HttpError) -> bool {
    let Err(error) = send_error_page(handler, http) else { return true };
    handler.vars().io().handler_failed();
    report_failure(handler, function, &HandlerFailure::Error(&error.to_string()));
    // An override has written more after a complete page.
    if handler.vars().io().response.is_closed() {
        return true;
    }
    answer(handler, &HTTPStatus::INTERNAL_SERVER_ERROR)
}

/// Sends an error page, unless the response is committed.
fn answer(handler: &dyn AnyHandler, code: &dyn ResponseCode) -> bool {
    if handler.vars().io().response.is_committed() {
        return false;
    }
    if send_error_page(handler, code).is_err() && !handler.vars().io().response.is_closed() {
        last_resort(handler);
    }
    true
}

/// An override of `send_error` begins its response as any method does, so the unfinished one is dropped before.
fn send_error_page(handler: &dyn AnyHandler, code: &dyn ResponseCode) -> io::Result<()> {
    handler.vars().io().take_back()?;
    handler.send_error(code)
}

/// A response without any call of the handler, for when the handler's error page fails.
pub(crate) fn last_resort(handler: &dyn AnyHandler) {
    let mut io = handler.vars().io();
    if !io.response.is_committed() {
        io.respond_plainly(handler.vars().class().protocol, HTTPStatus::INTERNAL_SERVER_ERROR, &[]);
    }
    io.cut();
    drop(io);
    end_span(handler);
}
