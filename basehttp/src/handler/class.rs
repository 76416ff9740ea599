//! Python's class variables of a handler as values, for code that does not know the handler's type.

use std::time::Duration;

use crate::proto::request_line::Version;

/// The class variables of a handler's type, and which methods it overrides.
pub(crate) struct ClassVariables {
    /// The version in `protocol_version`.
    pub(crate) protocol: Version,
    pub(crate) default_request_version: &'static str,
    pub(crate) server_version: &'static str,
    pub(crate) sys_version: &'static str,
    /// `server_version` and `sys_version` with a space between, unless they are too long for a `Joined`.
    pub(crate) version_string: Option<&'static str>,
    pub(crate) responses: Responses,
    pub(crate) error_message_format: &'static str,
    pub(crate) error_content_type: &'static str,
    pub(crate) timeout: Option<Duration>,
    pub(crate) overrides: Overrides,
}

/// Codes with their short and long messages.
pub(crate) type Responses = &'static [(u16, &'static str, &'static str)];

/// Whether the handler overrides certain methods, for code that treats the default specially.
#[expect(clippy::struct_excessive_bools, reason = "one for each method")]
pub(crate) struct Overrides {
    pub(crate) handle: bool,
    /// `handle_one_request` or `parse_request`, which decide about a request before its method runs.
    pub(crate) admission: bool,
    /// `send_response_only` or `send_header`, which make the head of a response.
    pub(crate) head: bool,
    pub(crate) date_time_string: bool,
}

/// Two texts with a space between, joined at compile time.
pub(super) struct Joined {
    bytes: [u8; 128],
    /// 0 if they are too long.
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
