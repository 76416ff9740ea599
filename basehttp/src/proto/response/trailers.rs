//! The trailer fields of a response (RFC 9110 section 6.5). They are kept for the last chunk (RFC 9112 section 7.1.2).

use super::framing::Framing;
use super::head::push_latin1;
use super::{Response, State};
use crate::proto::chunked::{CHUNK_END, belongs_in_header};
use crate::proto::grammar;
use crate::proto::misuse::Misuse;
use crate::proto::request_line::Version;

/// The longest trailer section, including line ends: the default limit for requests.
const LONGEST: usize = 16 * 1024;

impl Response {
    /// Adds a trailer field, which is sent after the last chunk. A body that is held back becomes chunked. If the client
    /// prevents it, by HEAD or HTTP/1.0, this is no mistake: the field is not sent.
    ///
    /// # Errors
    /// Why the field cannot be sent. The response continues without it.
    pub(crate) fn trailer(&mut self, name: &str, value: &str) -> Result<(), Misuse> {
        self.check_open()?;
        self.add_trailer(name, value).map_err(|misuse| self.note(misuse))
    }

    /// Records that the value of a trailer field could not be formatted.
    pub(crate) fn unprintable_trailer(&mut self, name: &str) -> Misuse {
        match self.check_open() {
            Ok(()) => self.note(Misuse::Unprintable(name.to_owned())),
            Err(misuse) => misuse,
        }
    }

    fn add_trailer(&mut self, name: &str, value: &str) -> Result<(), Misuse> {
        self.may_have_trailers()?;
        if !grammar::is_token_text(name.as_bytes()) {
            return Err(Misuse::FieldName(name.to_owned()));
        }
        if belongs_in_header(name.as_bytes()) || is_response_control(name) {
            return Err(Misuse::TrailerName(name.to_owned()));
        }
        let line = self.trailers.len();
        // In UTF-8 a Latin-1 character has up to two bytes.
        if name.len().saturating_add(value.len()) > 2 * LONGEST {
            return Err(Misuse::TrailersTooLarge);
        }
        self.trailers.extend_from_slice(name.as_bytes());
        self.trailers.extend_from_slice(b": ");
        let pushed = push_latin1(&mut self.trailers, value);
        self.trailers.extend_from_slice(b"\r\n");
        let result = match pushed {
            Err(c) => Err(Misuse::FieldValue(name.to_owned(), c)),
            Ok(()) if self.trailers.len() > LONGEST => Err(Misuse::TrailersTooLarge),
            Ok(()) => Ok(()),
        };
        match result {
            Ok(()) => self.head.chunked = true,
            Err(_) => self.trailers.truncate(line),
        }
        result
    }

    /// Whether this response could have a trailer section if the client had used GET and HTTP/1.1.
    fn may_have_trailers(&self) -> Result<(), Misuse> {
        match self.state {
            State::NoRequest => return Err(Misuse::NoRequest),
            State::Idle | State::Head => return Err(Misuse::TrailerBeforeHead),
            State::Held { .. } | State::Body(_) => {}
        }
        if self.has_tunnel_status() || self.has_no_body() {
            return Err(Misuse::TrailerForStatus(self.head.status));
        }
        if self.head.protocol != Some(Version::Http11) {
            return Err(Misuse::TrailerInHttp10);
        }
        if self.head.length.is_some() {
            return Err(Misuse::TrailerWithLength);
        }
        // Without a declared length, this state occurs only after the end.
        if let State::Body(Framing::Length { .. }) = self.state {
            return Err(Misuse::TrailerAfterEnd);
        }
        Ok(())
    }

    /// The field that announces the trailer fields so far (RFC 9110 section 6.6.2), unless the handler has sent one.
    #[cold]
    pub(super) fn announcement(&self) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        for line in self.trailers.split(|byte| *byte == b'\n') {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            if !name.is_empty() && !names.iter().any(|other| name.eq_ignore_ascii_case(other)) {
                names.push(name);
            }
        }
        if names.is_empty() || self.head.announces {
            return Vec::new();
        }
        [b"Trailer: ", &*names.join(&b", "[..]), b"\r\n"].concat()
    }

    /// Writes the last chunk, with the trailer section.
    pub(super) fn end_chunks(&mut self) {
        self.out.extend_from_slice(b"0\r\n");
        self.out.extend_from_slice(&std::mem::take(&mut self.trailers));
        self.out.extend_from_slice(CHUNK_END);
    }
}

/// RFC 9110 section 6.5.1: fields of a response that must be known before its content.
fn is_response_control(name: &str) -> bool {
    CONTROLS.iter().any(|control| name.eq_ignore_ascii_case(control))
}

const CONTROLS: [&str; 9] = [
    "age",
    "cache-control",
    "date",
    "expires",
    "location",
    "proxy-authenticate",
    "retry-after",
    "vary",
    "www-authenticate",
];
