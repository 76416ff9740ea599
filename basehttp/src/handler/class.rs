//! Python's class variables of a handler, as values: what is asked of a handler whose type is not known.

use std::time::Duration;

use crate::proto::request_line::Version;

/// The class variables of a handler's type, and which of its methods are its own.
pub(crate) struct ClassVariables {
    /// What `protocol_version` names.
    pub(crate) protocol: Version,
    pub(crate) default_request_version: &'static str,
    pub(crate) server_version: &'static str,
    pub(crate) sys_version: &'static str,
    /// Those two with a space between, unless they are too long for that.
    pub(crate) version_string: Option<&'static str>,
    pub(crate) responses: Responses,
    pub(crate) error_message_format: &'static str,
    pub(crate) error_content_type: &'static str,
    pub(crate) timeout: Option<Duration>,
    pub(crate) overrides: Overrides,
}

/// Codes with their short and long messages.
pub(crate) type Responses = &'static [(u16, &'static str, &'static str)];

/// The methods that the handler has overridden, as far as it matters to others.
#[expect(clippy::struct_excessive_bools, reason = "one for each method")]
pub(crate) struct Overrides {
    pub(crate) handle: bool,
    /// It, or `parse_request`: what decides about a request before its method.
    pub(crate) admission: bool,
    /// `send_response_only` or `send_header`: what a response's head is made with.
    pub(crate) head: bool,
    pub(crate) date_time_string: bool,
}

/// Two texts with a space between, put together by the compiler.
pub(super) struct Joined {
    bytes: [u8; 128],
    /// 0 where they are too long for that.
    len: usize,
}

impl Joined {
    pub(super) const fn new(first: &str, second: &str) -> Self {
        let (first, second) = (first.as_bytes(), second.as_bytes());
        let mut bytes = [b' '; 128];
        let gap = !second.is_empty() as usize;
        let len = first.len() + gap + second.len();
        if len > bytes.len() {
            return Self { bytes, len: 0 };
        }
        let mut at = 0;
        while at < first.len() {
            bytes[at] = first[at];
            at += 1;
        }
        let mut at = 0;
        while at < second.len() {
            bytes[first.len() + gap + at] = second[at];
            at += 1;
        }
        Self { bytes, len }
    }

    pub(super) const fn text(&self) -> Option<&str> {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) if self.len > 0 => Some(text),
            _ => None,
        }
    }
}
