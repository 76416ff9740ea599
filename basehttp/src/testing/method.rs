//! Checks of the methods that a test names.

use crate::proto::grammar::is_token_text;

/// Methods that are hardly ever meant in lower case.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// Panics for a method that a client cannot send, and for a likely typing error.
#[track_caller]
pub(super) fn check_method(method: &str) {
    assert!(is_token_text(method.as_bytes()), "{method:?} is not a method (RFC 9110 section 9.1)");
    let likely = method.to_ascii_uppercase();
    let is_misspelt = likely != method && METHODS.contains(&&*likely);
    assert!(!is_misspelt, "methods are case-sensitive: did you mean {likely}?");
}
