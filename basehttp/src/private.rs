//! What the expansion of `#[http_handler]` names. Not for other code: it may change with every version.

pub use crate::handler::checks::{
    check_default_request_version, check_error_content_type, check_error_message_format,
    check_protocol_version, check_server_version, check_sys_version,
};
pub use crate::handler::{Method, Outcome};

/// Why a `do_*` method failed, if it did.
pub fn failure<O: Outcome>(outcome: O) -> Option<String> {
    outcome.failure()
}
