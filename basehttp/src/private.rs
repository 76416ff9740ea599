//! What the expansion of `#[http_handler]` names, and what this repository tries without a server. Not for other code: it
//! changes with every version.

pub use crate::handler::const_checks::{
    check_default_request_version, check_error_content_type, check_error_message_format,
    check_protocol_version, check_server_version, check_sys_version,
};
pub use crate::handler::extraction::{
    BODY_LIMIT, body_argument, path_argument, query_argument, rest, segment, values,
};
pub use crate::handler::outcome::{Answer, answer, kinds, probe, refusal};
pub use crate::handler::{Link, LinkValue, Literal, Method, Node, RouteRow, RouteTable, Routes};

/// Implemented by each `#[http_handler]`, so that the compiler's first error about a second one says what to write.
pub trait OneBlockHasHttpHandlerTheOthersHaveHttpRoutes {}

/// What the field may be in which a handler has its base, the `B`: that itself.
#[diagnostic::on_unimplemented(
    message = "the base of this handler must be a `{B}`, not a `{Self}`",
    label = "expected a field of type `{B}`",
    note = "for a field of type `SimpleHTTPRequestHandler`, write `#[http_handler(extends = SimpleHTTPRequestHandler)]`; without `extends` \
        the field is a `BaseHTTPRequestHandler`"
)]
pub trait Base<B> {
    /// What the handler dereferences to.
    fn base(&self) -> &B;

    /// The same, for the server.
    fn base_mut(&mut self) -> &mut B;
}

impl<B> Base<B> for B {
    #[inline]
    fn base(&self) -> &Self {
        self
    }

    #[inline]
    fn base_mut(&mut self) -> &mut Self {
        self
    }
}

/// The route that a `#[cfg]` leaves out: nothing leads to it.
pub fn absent<H>(_: &mut H) -> Answer {
    answer(Ok(()))
}

/// The answer of a method that a handler of the crate has.
pub fn of_family(result: std::io::Result<()>) -> Answer {
    answer(result.map_err(Into::into))
}

/// The answer of a method that returns `()`.
pub fn written(_: ()) -> Answer {
    answer(Ok(()))
}

/// The parsers, for tests, the benchmark and fuzz targets.
pub mod proto {
    pub use crate::proto::{chunked, fault, framing, head, headers, limits, request_line};
}

/// The reader of messages, for fuzz targets.
#[cfg(feature = "websocket")]
pub mod websocket {
    pub use crate::websocket::reader::{MessageReader, Said, Violation};
}
