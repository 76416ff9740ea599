//! A handler as a trait object. The server and the defaults of the overridable methods are written for it, so that a program
//! contains them once, and not once for each type of handler.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io;
use std::marker::PhantomData;

use super::RequestHandler;
use super::class::{ClassVariables, Joined, Overrides};
use super::connection_io::Continuation;
use super::detach::Resume;
use super::instance::InstanceVariables;
use super::outcome::Answer;
use super::request::named_version;
use super::response::Response;
use super::response_code::{AnyCode, ResponseCode};
use super::returned_error::ReturnedError;
use super::route::{Resolution, RouteTable};

/// The object-safe interface of a handler: its variables, its overridable methods, and its `do_*` methods by their rows.
pub(crate) trait AnyHandler {
    fn vars(&self) -> &InstanceVariables;
    fn vars_mut(&mut self) -> &mut InstanceVariables;
    /// Drops what is kept of the current request, which is answered. That may run user code.
    fn forget_request(&mut self);

    /// The row of a request method in the table of the `do_*` methods.
    fn method_row(&self, command: &str) -> Option<u16>;
    /// The request method and the name of the function in a row of that table.
    fn method(&self, row: u16) -> Option<(&'static str, &'static str)>;
    /// The routes of a block.
    fn routes(&self, block: u16) -> Option<&'static RouteTable>;
    /// Calls the method that answers a request, if a method of the handler does.
    fn call(&mut self, resolution: Resolution) -> Answer;
    /// Runs the closure that a [`Later`](super::Later) of this handler type was given.
    fn resume(&mut self, continuation: Continuation) -> Answer;

    fn setup(&mut self) -> io::Result<()>;
    fn finish(&mut self) -> io::Result<()>;
    fn handle(&mut self) -> io::Result<()>;
    fn handle_one_request(&mut self) -> io::Result<()>;
    fn parse_request(&mut self) -> io::Result<bool>;
    fn handle_expect_100(&mut self) -> io::Result<bool>;
    fn send_error(&self, code: &dyn ResponseCode) -> io::Result<()>;
    fn send_response(&self, code: &dyn ResponseCode);
    fn send_header(&self, keyword: &str, value: &dyn Display);
    fn end_headers(&self) -> io::Result<()>;
    fn log_error(&self, message: fmt::Arguments<'_>);
    fn log_message(&self, message: fmt::Arguments<'_>);
    fn log_date_time_string(&self) -> String;
    fn address_string(&self) -> Cow<'_, str>;
}

/// The class variables of a handler's type.
pub(crate) fn class_of<H: RequestHandler>() -> &'static ClassVariables {
    Of::<H>::CLASS
}

struct Of<H>(PhantomData<H>);

impl<H: RequestHandler> Of<H> {
    const VERSIONS: Joined = Joined::new(H::server_version, H::sys_version);

    const CLASS: &'static ClassVariables = &ClassVariables {
        protocol: named_version(H::protocol_version),
        default_request_version: H::default_request_version,
        server_version: H::server_version,
        sys_version: H::sys_version,
        version_string: Self::VERSIONS.text(),
        responses: H::responses,
        error_message_format: H::error_message_format,
        error_content_type: H::error_content_type,
        timeout: H::timeout,
        overrides: Overrides {
            handle: H::__HANDLE_OVERRIDDEN,
            admission: H::__PARSE_REQUEST_OVERRIDDEN || H::__HANDLE_ONE_REQUEST_OVERRIDDEN,
            head: H::__SEND_RESPONSE_ONLY_OVERRIDDEN || H::__SEND_HEADER_OVERRIDDEN,
            date_time_string: H::__DATE_TIME_STRING_OVERRIDDEN,
        },
    };
}

fn call_of<H: RequestHandler>(block: u16, row: u16) -> Option<fn(&mut H) -> Answer> {
    let routes = H::__ROUTES.get(usize::from(block))?;
    let call = routes.table.row(row)?.call;
    routes.calls.get(usize::from(call)).copied()
}

impl<H: RequestHandler> AnyHandler for H {
    #[inline]
    fn vars(&self) -> &InstanceVariables {
        &self.vars
    }

    #[inline]
    fn vars_mut(&mut self) -> &mut InstanceVariables {
        &mut self.__base_mut().vars
    }

    fn forget_request(&mut self) {
        self.__base_mut().forget_request();
    }

    fn method_row(&self, command: &str) -> Option<u16> {
        let row = H::__METHODS.iter().position(|method| method.is_for(command));
        row.and_then(|row| u16::try_from(row).ok())
    }

    fn method(&self, row: u16) -> Option<(&'static str, &'static str)> {
        H::__METHODS.get(usize::from(row)).map(|method| (method.name, method.function))
    }

    fn routes(&self, block: u16) -> Option<&'static RouteTable> {
        H::__ROUTES.get(usize::from(block)).map(|routes| routes.table)
    }

    fn call(&mut self, resolution: Resolution) -> Answer {
        let call = match resolution {
            Resolution::Method(row) => H::__METHODS.get(usize::from(row)).map(|method| method.call),
            Resolution::Route(block, row) => call_of::<H>(block, row),
            _ => None,
        };
        call.map_or(Ok(Response::WRITTEN), |call| call(self))
    }

    fn resume(&mut self, continuation: Continuation) -> Answer {
        match continuation.downcast::<Resume<H>>() {
            Ok(resume) => resume(self),
            Err(_) => {
                Err(ReturnedError::text_alone("resumed with a closure for another type of handler").into())
            }
        }
    }

    fn setup(&mut self) -> io::Result<()> {
        RequestHandler::setup(self)
    }

    fn finish(&mut self) -> io::Result<()> {
        RequestHandler::finish(self)
    }

    fn handle(&mut self) -> io::Result<()> {
        RequestHandler::handle(self)
    }

    fn handle_one_request(&mut self) -> io::Result<()> {
        RequestHandler::handle_one_request(self)
    }

    fn parse_request(&mut self) -> io::Result<bool> {
        RequestHandler::parse_request(self)
    }

    fn handle_expect_100(&mut self) -> io::Result<bool> {
        RequestHandler::handle_expect_100(self)
    }

    fn send_error(&self, code: &dyn ResponseCode) -> io::Result<()> {
        RequestHandler::send_error(self, AnyCode(code))
    }

    fn send_response(&self, code: &dyn ResponseCode) {
        RequestHandler::send_response(self, AnyCode(code));
    }

    fn send_header(&self, keyword: &str, value: &dyn Display) {
        RequestHandler::send_header(self, keyword, value);
    }

    fn end_headers(&self) -> io::Result<()> {
        RequestHandler::end_headers(self)
    }

    fn log_error(&self, message: fmt::Arguments<'_>) {
        RequestHandler::log_error(self, message);
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        RequestHandler::log_message(self, message);
    }

    fn log_date_time_string(&self) -> String {
        RequestHandler::log_date_time_string(self)
    }

    fn address_string(&self) -> Cow<'_, str> {
        RequestHandler::address_string(self)
    }
}
