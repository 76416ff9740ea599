//! One connection from its first byte to its last: makes the handler, runs it, and survives it.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::handler::dispatch::{Failure, complete, fail, last_resort, running};
use crate::handler::exchange::Bounds;
use crate::handler::wire::Wire;
use crate::handler::{Address, BaseHTTPRequestHandler, RequestHandler, ServerInfo};

/// What a connection consists of.
pub(crate) struct Parts {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) client_address: Address,
    pub(crate) server: Arc<ServerInfo>,
    pub(crate) bounds: Bounds,
}

/// Whether a connection was of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It brought a request at least.
    Requests,
    /// It was closed without one.
    Nothing,
}

/// Serves a connection with a handler of its own. A panic, wherever in the user's code, costs this connection only.
pub(crate) fn serve<H, F>(parts: Parts, factory: &F) -> Served
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    let Parts { wire, client_address, server, bounds } = parts;
    let base = BaseHTTPRequestHandler::new(wire, bounds, client_address, server);
    // Where making the handler panics the base goes with it, and the connection is closed. The panic hook has said why.
    let Ok(mut handler) = caught(|| factory(base)) else { return Served::Nothing };
    if let Some(timeout) = H::timeout {
        handler.set_timeout(timeout);
    }
    match caught(|| handler.setup()) {
        Ok(Ok(())) => match caught(|| handler.handle()) {
            Ok(result) => settle(&handler, result),
            Err(message) => panicked(&handler, "handle", &message),
        },
        Ok(Err(error)) => log(&handler, "setup", &error.to_string()),
        Err(message) => log(&handler, "setup", &format!("panicked: {message}")),
    }
    match caught(|| handler.finish()) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log(&handler, "finish", &error.to_string()),
        Err(message) => log(&handler, "finish", &format!("panicked: {message}")),
    }
    let served = if handler.exchange().served() > 0 { Served::Requests } else { Served::Nothing };
    handler.exchange().close();
    let _ = caught(move || drop(handler));
    served
}

/// Completes what a `handle` of the user's own may have left open.
fn settle<H: RequestHandler>(handler: &H, result: io::Result<()>) {
    if let Err(message) = caught(|| complete(handler, result.err())) {
        panicked(handler, "handle", &message);
    }
}

/// Answers for a handler that panicked, and never hands it another request.
fn panicked<H: RequestHandler>(handler: &H, function: &str, message: &str) {
    handler.exchange().reply.must_close();
    let answered = caught(|| {
        fail(handler, running(handler).unwrap_or(function), &Failure::Panic(message));
        complete(handler, None);
    });
    if answered.is_err() {
        last_resort(handler);
    }
}

fn log<H: RequestHandler>(handler: &H, function: &str, message: &str) {
    let _ = caught(|| handler.log_error(format_args!("{function}: {message}")));
}

/// Runs code of the user. Err is the text of its panic. What it leaves in a broken state is dropped soon: after a panic
/// only the base is used, whose own code does not panic.
pub(super) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let text = text(payload.as_ref());
        // Dropping it may panic again, and then nobody would catch it.
        std::mem::forget(payload);
        text
    })
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
