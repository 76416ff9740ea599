//! The defaults of the methods that log. The format is Python's: `127.0.0.1 - - [22/Nov/2026 05:50:05] "GET / HTTP/1.1" 200 -`.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::any_handler::AnyHandler;
use super::instance::InstanceVariables;
use super::log_line::{Escaped, OrDash, SHOWN, local};
use super::text::shortened;
use super::wire::Level;
use super::{BaseHTTPRequestHandler, RequestHandler};
use crate::proto::status::HTTPStatus;

/// The defaults of the methods that log.
impl BaseHTTPRequestHandler {
    /// The default of [`RequestHandler::log_request`].
    pub fn log_request<H: RequestHandler>(handler: &H, code: Option<HTTPStatus>, size: Option<u64>) {
        log_request(handler, code, size);
    }

    /// The default of [`RequestHandler::log_error`].
    pub fn log_error<H: RequestHandler>(handler: &H, message: fmt::Arguments<'_>) {
        log_error(handler, message);
    }

    /// The default of [`RequestHandler::log_message`].
    pub fn log_message<H: RequestHandler>(handler: &H, message: fmt::Arguments<'_>) {
        log_line(handler, message);
    }

    /// The default of [`RequestHandler::log_date_time_string`].
    pub fn log_date_time_string<H: RequestHandler>(handler: &H) -> String {
        local(handler.now())
    }

    /// The default of [`RequestHandler::address_string`].
    pub fn address_string<H: RequestHandler>(handler: &H) -> Cow<'_, str> {
        address(handler.vars())
    }
}

fn log_request(handler: &dyn AnyHandler, code: Option<HTTPStatus>, size: Option<u64>) {
    let (code, size) = (OrDash(code), OrDash(size));
    let (line, cut) = shortened(handler.vars().request().line(), SHOWN);
    handler.log_message(format_args!("\"{line}{cut}\" {code} {size}"));
}

fn log_error(handler: &dyn AnyHandler, message: fmt::Arguments<'_>) {
    let io = || handler.vars().io();
    io().level = Level::Warning;
    handler.log_message(message);
    io().level = Level::Info;
}

/// Adds a message to the log, after the client's address and the time.
fn log_line(handler: &dyn AnyHandler, message: fmt::Arguments<'_>) {
    let mut line = String::new();
    // A `Display` that fails leaves a shorter line, which is better than none. The address is also client input: on a unix socket
    // it is the path that the client has bound, and a name comes from the name server.
    let _ = Escaped(&mut line).write_str(&handler.address_string());
    let _ = write!(line, " - - [{}] ", handler.log_date_time_string());
    let _ = Escaped(&mut line).write_fmt(message);
    line.push('\n');
    let are_many = handler.vars().io().log(&line);
    if are_many {
        handler.vars().server().handle().write_log();
    }
}

fn address(vars: &InstanceVariables) -> Cow<'_, str> {
    match (vars.client_name(), vars.client_address().ip()) {
        (Some(name), _) => name.into(),
        (None, Some(ip)) => ip.to_string().into(),
        (None, None) => vars.client_address().to_string().into(),
    }
}
