//! What the expansion of `#[http_handler]` names. Not for other code: it may change with every version.

pub use crate::handler::checks::{
    check_default_request_version, check_error_content_type, check_error_message_format,
    check_protocol_version, check_server_version, check_sys_version,
};
use crate::handler::{BaseHTTPRequestHandler, Message};
pub use crate::handler::{Method, Outcome};

/// What the field may be that a handler has its base in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the base of a handler whose `MessageClass` is `{M}`",
    label = "the field that holds the base has to be a `BaseHTTPRequestHandler<{M}>`"
)]
pub trait Base<M: Message> {
    /// What the handler dereferences to.
    fn base(&self) -> &BaseHTTPRequestHandler<M>;

    /// The same, for the server.
    fn base_mut(&mut self) -> &mut BaseHTTPRequestHandler<M>;
}

impl<M: Message> Base<M> for BaseHTTPRequestHandler<M> {
    #[inline]
    fn base(&self) -> &Self {
        self
    }

    #[inline]
    fn base_mut(&mut self) -> &mut Self {
        self
    }
}

/// Why a `do_*` method failed, if it did.
pub fn failure<O: Outcome>(outcome: O) -> Option<String> {
    outcome.failure()
}
