//! From a parsed head to the `do_*` method, and what becomes of a method that fails.

use std::fmt::{self, Display};
use std::io;

use super::exchange::{Next, Taken, Trouble};
use super::request::named_version;
use super::span::{end_span, in_span};
use super::{BaseHTTPRequestHandler, HandlerError, RequestHandler, ResponseCode};
use crate::proto::connection::{Event, Phase, Settled};
use crate::proto::fault::Fault;
use crate::proto::mistake::Mistake;
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
    note = "write the response with `self.send_response(...)` and `self.wfile`, and return `io::Result<()>`"
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
        if !matches!(handler.phase(), Phase::Body | Phase::Ready) && !receive(handler) {
            return Ok(());
        }
        handler.happens(Event::Called);
        let goes_on = handler.parse_request()?;
        if let Some(fault) = handler.request().fault {
            // An override may say yes to what cannot be understood, and for which no method could be called.
            if goes_on && !handler.exchange().response.is_begun() {
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
        match method_for(handler) {
            Some(method) => {
                in_span(handler, |handler| {
                    if let Some(error) = (method.call)(handler) {
                        fail(handler, method.function, &Failure::Error(&error));
                    }
                });
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
        if handler.request().fault.is_some() {
            return refuse(handler).map(|()| false);
        }
        // The method comes first: CPython's suite wants 501 for an unknown one without Host.
        if method_for(handler).is_none() {
            return refuse_method(handler).map(|()| false);
        }
        admit(handler)
    }

    /// The default of [`RequestHandler::handle_expect_100`].
    ///
    /// # Errors
    /// None of its own.
    pub fn handle_expect_100<H: RequestHandler>(_handler: &mut H) -> io::Result<bool> {
        Ok(true)
    }
}

/// What there is to look at in a request that is no fault, whatever its method. False if it was answered.
pub(crate) fn admit<H: RequestHandler>(handler: &mut H) -> io::Result<bool> {
    let request = handler.request();
    let expects_continue = request.check_host().and_then(|()| request.expects_continue());
    match expects_continue {
        Err(fault) => {
            handler.__base_mut().request_mut().fault = Some(fault);
            refuse(handler).map(|()| false)
        }
        Ok(true) if H::protocol_version == "HTTP/1.1" && handler.request().version() == Version::Http11 => {
            handler.exchange().continue_on_read();
            handler.handle_expect_100()
        }
        Ok(_) => Ok(true),
    }
}

/// Whether the head alone is reason enough to refuse the request, so that nobody has to wait for its body. An override decides for
/// itself, and may want the body.
pub(crate) fn is_condemned<H: RequestHandler>(handler: &H) -> bool {
    if H::__PARSE_REQUEST_OVERRIDDEN || H::__HANDLE_ONE_REQUEST_OVERRIDDEN {
        return false;
    }
    let request = handler.request();
    method_for(handler).is_none() || request.check_host().is_err() || request.expects_continue().is_err()
}

/// How a handler failed.
#[derive(Clone, Copy)]
pub(crate) enum Failure<'a> {
    Error(&'a str),
    Panic(&'a str),
}

impl Failure<'_> {
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Error(message) | Self::Panic(message) => message,
        }
    }

    pub(crate) fn is_panic(&self) -> bool {
        matches!(self, Self::Panic(_))
    }

    fn cites(&self, mistake: &Mistake) -> bool {
        self.message().contains(&mistake.to_string())
    }
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
    let command = handler.command().as_bytes();
    // Short as they are, a call to compare them would cost more.
    let is_it = |name: &[u8]| name.len() == command.len() && name.iter().zip(command).all(|(a, b)| a == b);
    H::__METHODS.iter().find(|method| is_it(method.name.as_bytes()))
}

/// The name of the function that has the current request.
pub(crate) fn running<H: RequestHandler>(handler: &H) -> Option<&'static str> {
    method_for(handler).filter(|_| handler.phase() == Phase::Handler).map(|method| method.function)
}

/// The methods of a handler as the `Allow` field lists them (RFC 9110 section 10.2.1): for a method that it does not have,
/// or that it does not allow for this path. None for another status.
pub(super) fn allow<H: RequestHandler>(handler: &H, status: HTTPStatus) -> Option<String> {
    let refused = method_for(handler).map(|method| method.function);
    if status != HTTPStatus::METHOD_NOT_ALLOWED
        && !(status == HTTPStatus::NOT_IMPLEMENTED && refused.is_none())
    {
        return None;
    }
    let others = H::__METHODS.iter().filter(|method| Some(method.function) != refused);
    Some(others.map(|method| method.name).collect::<Vec<_>>().join(", "))
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
    loop {
        if handler.phase().is_last() {
            return false;
        }
        let (next, phase, mut exchange) = handler.__base_mut().next_request::<H>();
        match next {
            Next::Request => {
                drop(exchange);
                handler.happens(Event::Request { gathers: false });
                return true;
            }
            Next::End => return false,
            Next::Later => {}
            Next::Enough => continue,
        }
        if exchange.is_idle(phase) && exchange.is_stopping() {
            drop(exchange);
            handler.happens(Event::End);
            return false;
        }
        let patience = exchange.patience(phase);
        let waited = exchange.wait_for_input(patience);
        drop(exchange);
        if waited.is_err() {
            too_slow(handler);
            complete(handler, None);
            handler.happens(Event::End);
        }
    }
}

/// The time for a request is over: answers one that was begun.
pub(crate) fn too_slow<H: RequestHandler>(handler: &mut H) {
    let in_head = handler.phase() == Phase::Head;
    let idle = handler.exchange().is_idle(handler.phase());
    if in_head {
        handler.__base_mut().give_up_head();
    }
    if !idle {
        {
            let mut exchange = handler.exchange();
            exchange.record_late(in_head);
            // The answer tells it.
            exchange.take_news();
            exchange.response.must_close();
        }
        let sent = handler.send_error(HTTPStatus::REQUEST_TIMEOUT);
        settle(handler, sent.err());
    }
    handler.happens(Event::End);
}

/// Completes the current request, waiting for the client where need be: for a `handle` that goes on by itself.
pub(crate) fn complete<H: RequestHandler>(handler: &H, error: Option<io::Error>) {
    settle(handler, error);
    let _ = handler.exchange().send_ready();
    while handler.phase() == Phase::Rest {
        let mut exchange = handler.exchange();
        let patience = exchange.patience(Phase::Rest);
        let drained = exchange.drain();
        match drained {
            Some(Taken::All) => handler.happens(Event::Cleared),
            Some(Taken::Enough) => {}
            Some(Taken::Some) => match exchange.wait_for_input(patience) {
                Ok(()) => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::TimedOut {
                        exchange.record_late(false);
                    }
                    handler.happens(Event::End);
                }
            },
            None => handler.happens(Event::End),
        }
    }
    tell(handler);
}

/// Settles the response to the current request, whatever state the handler left it in. It is not sent yet.
pub(crate) fn settle<H: RequestHandler>(handler: &H, error: Option<io::Error>) {
    if !handler.phase().has_request() {
        return;
    }
    if let Some(error) = error {
        fail(handler, "handle_one_request", &Failure::Error(&error.to_string()));
    }
    let settled = handler.exchange().finish_well();
    let settled =
        settled.unwrap_or_else(|| if settle_with_trouble(handler) { Settled::Over } else { Settled::Rest });
    end_span(handler);
    handler.happens(Event::Settled(settled));
}

/// Whether the connection is over with it.
#[cold]
fn settle_with_trouble<H: RequestHandler>(handler: &H) -> bool {
    let finished = handler.exchange().finish_response();
    if let Err(mistake) = finished {
        // A failure that was told already is told once; its answer has failed too.
        if !handler.exchange().failed {
            fail(handler, function_of(handler), &Failure::Error(&mistake.to_string()));
        }
        if handler.exchange().finish_response().is_err() {
            last_resort(handler);
        }
    } else {
        // What did the response no harm, and what the handler has kept to itself.
        let (mistake, failed) = {
            let exchange = handler.exchange();
            let mistake = exchange.response.mistake().or_else(|| exchange.response.surplus());
            (mistake.map(ToString::to_string), exchange.failed)
        };
        if let Some(mistake) = mistake.filter(|_| !failed) {
            handler.log_error(format_args!("{}: {mistake}", function_of(handler)));
        }
    }
    tell(handler);
    handler.exchange().response.close()
}

/// Logs what the connection has come to, where no failure of the handler has told it.
pub(crate) fn tell<H: RequestHandler>(handler: &H) {
    let news = handler.exchange().take_news();
    match news {
        Some(Trouble::ClientGone) => {
            tell_gone(handler, function_of(handler));
        }
        Some(Trouble::TimedOut(deadline)) => {
            handler.log_error(format_args!("{}: Request timed out ({deadline})", function_of(handler)));
        }
        Some(Trouble::File { left, kind: io::ErrorKind::UnexpectedEof }) => {
            handler.log_error(format_args!("{}: the file ended {left} bytes early", function_of(handler)));
        }
        Some(Trouble::File { left, kind }) => {
            let function = function_of(handler);
            handler.log_error(format_args!(
                "{function}: the last {left} bytes of the file cannot be read: {kind}"
            ));
        }
        // The handler has not read so far, or has not minded.
        Some(Trouble::Fault(fault)) => {
            handler.log_error(format_args!("{}: {fault} ({})", function_of(handler), fault.code()));
        }
        _ => {}
    }
}

fn tell_gone<H: RequestHandler>(handler: &H, function: &str) {
    let is_cut = handler.exchange().is_cut();
    let what = if is_cut { "cut by the shutdown, its grace is over" } else { "the client went away" };
    handler.log_error(format_args!("{function}: {what}"));
}

fn function_of<H: RequestHandler>(handler: &H) -> &'static str {
    method_for(handler).map_or("handle_one_request", |method| method.function)
}

/// Answers and tells the failure of a handler. What the client did decides about the answer, never the text of an error;
/// and what the handler says is told all the same, except that a client is gone.
#[cold]
pub(crate) fn fail<H: RequestHandler>(handler: &H, function: &str, failure: &Failure<'_>) {
    let trouble = handler.exchange().take_news();
    handler.exchange().failed = true;
    match trouble {
        Some(Trouble::ClientGone) => {
            tell_gone(handler, function);
            return handler.exchange().cut();
        }
        // The response is complete, and most handlers say no more than that, be it in words of their own.
        Some(Trouble::HeadAnswered) if !failure.is_panic() => {
            if !failure.cites(&Mistake::BodyForHead) {
                tell_failure(handler, function, failure);
            }
            return;
        }
        Some(Trouble::Fault(fault)) => {
            handler.log_error(format_args!("{function}: {failure} ({})", fault.code()));
        }
        Some(Trouble::TimedOut(deadline)) if !failure.is_panic() => {
            handler.log_error(format_args!("{function}: {failure} ({deadline})"));
        }
        Some(Trouble::Body(_)) if !failure.is_panic() => {
            handler.log_error(format_args!("{function}: {failure}"));
        }
        _ => tell_failure(handler, function, failure),
    }
    let sent = match trouble {
        Some(Trouble::TimedOut(_)) => answer(handler, HTTPStatus::REQUEST_TIMEOUT),
        Some(Trouble::Fault(fault)) => answer(handler, code_of(fault, "")),
        Some(Trouble::Body(status)) => answer(handler, status),
        _ => answer(handler, HTTPStatus::INTERNAL_SERVER_ERROR),
    };
    if !sent {
        handler.exchange().cut();
    }
}

/// Tells the log and the server's hook of a failure.
pub(crate) fn tell_failure<H: RequestHandler>(handler: &H, function: &str, failure: &Failure<'_>) {
    handler.log_error(format_args!("{function}: {failure}"));
    handler.server().report(&HandlerError::new(handler, failure));
}

/// Sends an error page, unless it is too late for one.
fn answer<H: RequestHandler>(handler: &H, code: impl ResponseCode) -> bool {
    if handler.exchange().response.is_committed() {
        return false;
    }
    if handler.send_error(code).is_err() {
        last_resort(handler);
    }
    true
}

/// A response that asks nothing of the handler, for when its own error page fails.
pub(crate) fn last_resort<H: RequestHandler>(handler: &H) {
    let mut exchange = handler.exchange();
    if !exchange.response.is_committed() {
        exchange.response_plainly(named_version(H::protocol_version), HTTPStatus::INTERNAL_SERVER_ERROR, &[]);
    }
    exchange.cut();
    drop(exchange);
    end_span(handler);
}
