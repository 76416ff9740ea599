//! From a parsed head to the `do_*` method, and what becomes of a method that fails.

use std::fmt::{self, Display};
use std::io;

use super::base::Stage;
use super::exchange::{Next, Trouble};
use super::{BaseHTTPRequestHandler, HandlerError, RequestHandler, ResponseCode};
use crate::proto::fault::Fault;
use crate::proto::request_line::Version;
use crate::proto::status::HTTPStatus;

/// A row of the dispatch table: a request method and the function that answers it.
pub struct Method<H: 'static> {
    name: &'static str,
    function: &'static str,
    call: fn(&mut H) -> Option<String>,
}

impl<H> Method<H> {
    /// The row for the request method `name`, answered by `function`; `call` returns why it failed.
    pub const fn new(name: &'static str, function: &'static str, call: fn(&mut H) -> Option<String>) -> Self {
        Self { name, function, call }
    }
}

/// What a `do_*` method may return: `()`, or `Result<(), E>` with an error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "a `do_*` method cannot return `{Self}`",
    label = "expected `()` or `Result<(), E>` where `E: Display`",
    note = "write the reply with `self.send_response(...)` and `self.wfile`, and return `io::Result<()>`"
)]
pub trait Outcome {
    /// Why the method failed.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        // The alternate form has the whole chain of causes, where the type knows one.
        self.err().map(|error| format!("{error:#}"))
    }
}

/// The defaults of the methods that take a request to its `do_*` method.
impl BaseHTTPRequestHandler {
    /// The default of [`RequestHandler::handle`].
    ///
    /// # Errors
    /// None of its own.
    pub fn handle<H: RequestHandler>(handler: &mut H) -> io::Result<()> {
        while receive(handler) {
            let outcome = handler.handle_one_request();
            complete(handler, outcome.err());
        }
        Ok(())
    }

    /// The default of [`RequestHandler::handle_one_request`]. The failure of a `do_*` method is answered and logged
    /// here.
    ///
    /// # Errors
    /// What [`RequestHandler::parse_request`] gives.
    pub fn handle_one_request<H: RequestHandler>(handler: &mut H) -> io::Result<()> {
        // A request waits, unless the handler has a `handle` of its own that calls this for the next one.
        if handler.stage() != Stage::Waiting && !receive(handler) {
            return Ok(());
        }
        handler.set_stage(Stage::Taken);
        if !handler.parse_request()? {
            return Ok(());
        }
        match method_for(handler) {
            Some(method) => {
                if let Some(error) = (method.call)(handler) {
                    fail(handler, method.function, &Failure::Error(&error));
                }
                Ok(())
            }
            None => refuse_method(handler),
        }
    }

    /// The default of [`RequestHandler::parse_request`].
    ///
    /// # Errors
    /// What sending the refusal gives.
    pub fn parse_request<H: RequestHandler>(handler: &mut H) -> io::Result<bool> {
        if handler.fault().is_some() {
            return refuse(handler).map(|()| false);
        }
        // The method comes first: CPython's suite wants 501 for an unknown one without Host.
        if method_for(handler).is_none() {
            return refuse_method(handler).map(|()| false);
        }
        let expects_continue = handler.request.check_host().and_then(|()| handler.request.expects_continue());
        match expects_continue {
            Err(fault) => {
                handler.__base_mut().request.fault = Some(fault);
                refuse(handler).map(|()| false)
            }
            Ok(true) if H::protocol_version == "HTTP/1.1" && handler.request.version() == Version::Http11 => {
                handler.exchange().continue_on_read();
                handler.handle_expect_100()
            }
            Ok(_) => Ok(true),
        }
    }

    /// The default of [`RequestHandler::handle_expect_100`].
    ///
    /// # Errors
    /// None of its own.
    pub fn handle_expect_100<H: RequestHandler>(_handler: &mut H) -> io::Result<bool> {
        Ok(true)
    }
}

/// How a handler failed.
pub(crate) enum Failure<'a> {
    Error(&'a str),
    Panic(&'a str),
}

impl Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(message) => f.write_str(message),
            Self::Panic(message) => write!(f, "panicked: {message}"),
        }
    }
}

fn method_for<H: RequestHandler>(handler: &H) -> Option<&'static Method<H>> {
    H::__METHODS.iter().find(|method| method.name == handler.command())
}

/// The name of the function that has the current request.
pub(crate) fn running<H: RequestHandler>(handler: &H) -> Option<&'static str> {
    method_for(handler).filter(|_| handler.stage() == Stage::Taken).map(|method| method.function)
}

/// The methods of a handler as the `Allow` field lists them (RFC 9110 section 10.2.1); none if it has the request's
/// method.
pub(super) fn allow<H: RequestHandler>(handler: &H) -> Option<String> {
    if method_for(handler).is_some() {
        return None;
    }
    let names: Vec<_> = H::__METHODS.iter().map(|method| method.name).collect();
    Some(names.join(", "))
}

fn refuse<H: RequestHandler>(handler: &H) -> io::Result<()> {
    let Some(fault) = handler.fault() else { return Ok(()) };
    handler.send_error(code_of(fault, handler.requestline()))
}

fn code_of(fault: Fault, requestline: &str) -> impl ResponseCode + use<> {
    (fault.status(), fault.message(requestline))
}

fn refuse_method<H: RequestHandler>(handler: &H) -> io::Result<()> {
    let message = format!("Unsupported method ('{}')", shortened(handler.command()));
    handler.send_error((HTTPStatus::NOT_IMPLEMENTED, message))
}

/// A method is a token, and as long as the client likes; a status line should not be.
fn shortened(command: &str) -> String {
    const MOST: usize = 100;
    match command.get(..MOST) {
        Some(start) if command.len() > MOST => format!("{start}..."),
        _ => command.to_owned(),
    }
}

/// Waits for the next request, after completing the one before. False when the connection is over.
fn receive<H: RequestHandler>(handler: &mut H) -> bool {
    complete(handler, None);
    if handler.stage() == Stage::Over {
        return false;
    }
    match handler.__base_mut().next_request::<H>() {
        Next::Request => true,
        Next::End => false,
        Next::TooSlow => {
            let sent = handler.send_error(HTTPStatus::REQUEST_TIMEOUT);
            complete(handler, sent.err());
            handler.set_stage(Stage::Over);
            false
        }
    }
}

/// Completes the reply to the current request, whatever state the handler left it in, and gets the connection ready for
/// the next one.
pub(crate) fn complete<H: RequestHandler>(handler: &H, error: Option<io::Error>) {
    if matches!(handler.stage(), Stage::Between | Stage::Over) {
        return;
    }
    let function = method_for(handler).map_or("handle_one_request", |method| method.function);
    if let Some(error) = error {
        fail(handler, "handle_one_request", &Failure::Error(&error.to_string()));
    }
    let finished = handler.exchange().finish_reply();
    if let Err(mistake) = finished {
        fail(handler, function, &Failure::Error(&mistake.to_string()));
        if handler.exchange().finish_reply().is_err() {
            last_resort(handler);
        }
    } else {
        // Made after the reply was committed, so that it did no harm.
        let mistake = handler.exchange().reply.mistake().map(ToString::to_string);
        if let Some(mistake) = mistake {
            handler.log_error(format_args!("{function}: {mistake}"));
        }
    }
    let news = handler.exchange().take_news();
    match news {
        Some(Trouble::ClientGone) => handler.log_error(format_args!("{function}: the client went away")),
        Some(Trouble::TimedOut) => handler.log_error(format_args!("{function}: Request timed out")),
        _ => {}
    }
    let mut exchange = handler.exchange();
    let keep = !exchange.reply.close() && exchange.drain();
    handler.set_stage(if keep { Stage::Between } else { Stage::Over });
}

/// Answers and logs the failure of a handler. What the client did is not the handler's failure, whatever it returned.
pub(crate) fn fail<H: RequestHandler>(handler: &H, function: &str, failure: &Failure<'_>) {
    let trouble = handler.exchange().take_news();
    let sent = match trouble {
        Some(Trouble::ClientGone) => {
            handler.log_error(format_args!("{function}: the client went away"));
            return handler.exchange().cut();
        }
        Some(Trouble::HeadAnswered) => return,
        Some(Trouble::TimedOut) => {
            handler.log_error(format_args!("{function}: Request timed out"));
            answer(handler, HTTPStatus::REQUEST_TIMEOUT)
        }
        Some(Trouble::Fault(fault)) => {
            handler.log_error(format_args!("{function}: {} ({})", fault.message(""), fault.code()));
            answer(handler, code_of(fault, ""))
        }
        Some(Trouble::BodyTooLarge) => {
            let explain = "The body of the request is larger than what is accepted here";
            answer(handler, (HTTPStatus::CONTENT_TOO_LARGE, "Content Too Large", explain))
        }
        None => {
            handler.log_error(format_args!("{function}: {failure}"));
            let (message, panicked) = match failure {
                Failure::Error(message) => (message, false),
                Failure::Panic(message) => (message, true),
            };
            handler.server().report(&HandlerError::new(handler, message, panicked));
            answer(handler, HTTPStatus::INTERNAL_SERVER_ERROR)
        }
    };
    if !sent {
        handler.exchange().cut();
    }
}

/// Sends an error page, unless it is too late for one.
fn answer<H: RequestHandler>(handler: &H, code: impl ResponseCode) -> bool {
    if handler.exchange().reply.is_committed() {
        return false;
    }
    if handler.send_error(code).is_err() {
        last_resort(handler);
    }
    true
}

/// A reply that asks nothing of the handler, for when its own error page fails.
pub(crate) fn last_resort<H: RequestHandler>(handler: &H) {
    let mut exchange = handler.exchange();
    if !exchange.reply.is_committed() {
        let version = if H::protocol_version == "HTTP/1.1" { Version::Http11 } else { Version::Http10 };
        exchange.reply.abandon();
        exchange.reply.status_line(version, HTTPStatus::INTERNAL_SERVER_ERROR, "Internal Server Error");
        exchange.reply.field("Connection", "close");
        // Nothing in this head can be refused, and what fails on the wire is in the record.
        let _ = exchange.end_head();
        let _ = exchange.finish_reply();
    }
    exchange.cut();
}
