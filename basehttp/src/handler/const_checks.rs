//! Checks of class variables that the compiler runs. Each panics with the text that says what to write.

use super::error_page::SPECIFIERS;
use crate::proto::grammar::{is_field_text, is_token};

/// Checks that the server speaks `protocol_version`.
///
/// # Panics
/// If it is not.
#[track_caller]
pub const fn check_protocol_version(value: &str) {
    assert!(
        equal(value.as_bytes(), b"HTTP/1.0") || equal(value.as_bytes(), b"HTTP/1.1"),
        "protocol_version must be \"HTTP/1.0\" or \"HTTP/1.1\""
    );
}

/// Checks that the server speaks `default_request_version`.
///
/// # Panics
/// If it is not.
#[track_caller]
pub const fn check_default_request_version(value: &str) {
    let value = value.as_bytes();
    assert!(
        equal(value, b"HTTP/0.9") || equal(value, b"HTTP/1.0") || equal(value, b"HTTP/1.1"),
        "default_request_version must be \"HTTP/0.9\", \"HTTP/1.0\" or \"HTTP/1.1\""
    );
}

/// Checks that `server_version` is a list of products, so that nothing else gets into the `Server` field.
///
/// # Panics
/// If it is not.
#[track_caller]
pub const fn check_server_version(value: &str) {
    assert!(
        is_products(value.as_bytes(), false),
        "server_version must be one or more products, name[/version], separated by spaces, for example \"Hello/1.0\""
    );
}

/// Checks that `sys_version` is a list of products, or empty.
///
/// # Panics
/// If it is not.
#[track_caller]
pub const fn check_sys_version(value: &str) {
    assert!(
        is_products(value.as_bytes(), true),
        "sys_version must be empty or products, name[/version], separated by spaces, for example \"Rust/1.95.0\""
    );
}

/// Checks that `error_message_format` has only keys that `send_error` knows.
///
/// # Panics
/// If it has another.
#[track_caller]
pub const fn check_error_message_format(value: &str) {
    let bytes = value.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let rest = bytes.split_at(at).1;
            let len = specifier_len(rest);
            assert!(
                len > 0,
                "error_message_format can contain %(code)d, %(code)s, %(message)s and %(explain)s; write %% for a percent sign"
            );
            at += len;
        } else {
            at += 1;
        }
    }
}

/// Checks that `error_content_type` is valid in a header field.
///
/// # Panics
/// If it is not.
#[track_caller]
pub const fn check_error_content_type(value: &str) {
    let bytes = value.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        assert!(
            is_field_text(bytes[at]) && bytes[at].is_ascii(),
            "error_content_type must be a media type, for example \"text/html;charset=utf-8\""
        );
        at += 1;
    }
    assert!(at > 0, "error_content_type must be a media type, for example \"text/html;charset=utf-8\"");
}

/// The length of the specifier that begins with a percent sign; 0 if there is none.
const fn specifier_len(rest: &[u8]) -> usize {
    let rest = rest.split_at(1).1;
    if starts_with(rest, b"%") {
        return 2;
    }
    let mut index = 0;
    while index < SPECIFIERS.len() {
        let known = SPECIFIERS[index].0.as_bytes();
        if starts_with(rest, known) {
            return 1 + known.len();
        }
        index += 1;
    }
    0
}

/// Stricter than RFC 9110 section 10.2.4, which also allows comments and any white space: Python documents the format as
/// `name[/version]`, and one blank between two products is enough.
const fn is_products(bytes: &[u8], may_be_empty: bool) -> bool {
    if bytes.is_empty() {
        return may_be_empty;
    }
    // 0: before a product, 1: in its name, 2: right after the slash, 3: in its version.
    let mut state = 0;
    let mut at = 0;
    while at < bytes.len() {
        state = match (state, bytes[at]) {
            (0 | 1, byte) if is_token(byte) => 1,
            (1, b'/') => 2,
            (2 | 3, byte) if is_token(byte) => 3,
            (1 | 3, b' ' | b'\t') => 0,
            _ => return false,
        };
        at += 1;
    }
    state == 1 || state == 3
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && starts_with(a, b)
}

const fn starts_with(bytes: &[u8], prefix: &[u8]) -> bool {
    if bytes.len() < prefix.len() {
        return false;
    }
    let mut at = 0;
    while at < prefix.len() {
        if bytes[at] != prefix[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products() {
        for good in ["Hello", "Hello/1.0", "A/1 B C/2", "A/1\tB"] {
            assert!(is_products(good.as_bytes(), false), "{good}");
        }
        for bad in ["", " A", "A ", "A/", "/1", "A//1", "A/1/2", "A\r\nX: y", "A (comment)", "A  B"] {
            assert!(!is_products(bad.as_bytes(), false), "{bad}");
        }
    }

    #[test]
    fn specifiers() {
        check_error_message_format("%(code)d %% %(message)s");
        for bad in ["%", "%d", "100%", "%(code)x", "%(reason)s"] {
            assert!(std::panic::catch_unwind(|| check_error_message_format(bad)).is_err(), "{bad}");
        }
    }
}
