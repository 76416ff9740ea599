//! The methods that a test names.

use crate::proto::grammar::is_token_text;

/// Those that are not often meant in another case.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// Refuses a method that no client can send, and a likely typing error.
#[track_caller]
pub(super) fn check_method(method: &str) {
    assert!(is_token_text(method.as_bytes()), "{method:?} is no method (RFC 9110 section 9.1)");
    let likely = method.to_ascii_uppercase();
    let is_misspelt = likely != method && METHODS.contains(&&*likely);
    assert!(!is_misspelt, "methods are told apart by case: did you mean {likely}?");
}
