//! The current head of a response: status line and fields.

use super::framing::{Persist, ResponseHead};
use super::{Response, State};
use crate::proto::date::HttpDate;
use crate::proto::grammar;
use crate::proto::misuse::Misuse;
use crate::proto::request_line::Version;
use crate::proto::status::HTTPStatus;

/// What [`Response::end_head`] has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A 1xx response with this status: it must be sent at once, and another response follows.
    Interim(u16),
    /// The head of the final response.
    Final,
}

impl Response {
    /// Begins a head with its status line (RFC 9112 section 4).
    #[inline]
    pub(crate) fn status_line(&mut self, protocol: Version, status: HTTPStatus, reason: &str) {
        match self.state {
            State::NoRequest => return self.misused(Misuse::NoRequest),
            State::Idle => {}
            State::Head => return self.misused(Misuse::SecondStatusLine),
            State::Held { .. } | State::Body(_) => {
                self.head_after_head();
                self.is_closed |= self.is_whole();
                return;
            }
        }
        self.begin_head(protocol, status);
        if !status.has_three_digits() {
            return self.misused(Misuse::StatusCode(status.code()));
        }
        let digit = |place| b'0' + (status.code() / place % 10) as u8;
        let minor = if protocol == Version::Http11 { b'1' } else { b'0' };
        let (hundreds, tens, ones) = (digit(100), digit(10), digit(1));
        let start = [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', hundreds, tens, ones, b' '];
        self.out.extend_from_slice(&start);
        if let Err(c) = push_latin1(&mut self.out, reason) {
            return self.misused(Misuse::Reason(c));
        }
        self.out.extend_from_slice(b"\r\n");
        if self.is_headless() {
            self.out.truncate(self.start);
        }
    }

    /// Adds a field (RFC 9112 section 5). Fields that frame the body or control the connection are kept apart until the
    /// framing is decided.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        match self.state {
            State::Head => {}
            State::NoRequest => return self.misused(Misuse::NoRequest),
            State::Idle => return self.misused(Misuse::NoStatusLine),
            State::Held { .. } | State::Body(_) => return self.head_after_head(),
        }
        if !grammar::is_token_text(name.as_bytes()) {
            return self.misused(Misuse::FieldName(name.to_owned()));
        }
        let framing = match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case("transfer-encoding") => self.transfer_encoding(value),
            10 if name.eq_ignore_ascii_case("connection") => return self.connection(value),
            7 if name.eq_ignore_ascii_case("trailer") => {
                self.head.announces = true;
                return self.other_field(name, value);
            }
            _ => return self.other_field(name, value),
        };
        if let Err(misuse) = framing {
            self.misused(misuse);
        }
    }

    /// Records that the value of a field could not be formatted.
    pub(crate) fn unprintable(&mut self, name: &str) {
        match self.state {
            State::Held { .. } | State::Body(_) => self.head_after_head(),
            _ => self.misused(Misuse::Unprintable(name.to_owned())),
        }
    }

    /// Adds `Server` and `Date` after a status line.
    #[inline]
    pub(crate) fn server_and_date(&mut self, server: &str, date: &HttpDate) {
        if self.state != State::Head {
            return;
        }
        self.other_field("Server", server);
        if !self.is_headless() {
            self.out.extend_from_slice(b"Date: ");
            self.out.extend_from_slice(date.as_bytes());
            self.out.extend_from_slice(b"\r\n");
        }
    }

    /// Begins a head with the first lines of another head: its [`prefix`](Self::prefix). False if no head can begin now.
    #[inline]
    pub(crate) fn begin_with(&mut self, protocol: Version, status: HTTPStatus, lines: &[u8]) -> bool {
        if self.state != State::Idle {
            return false;
        }
        self.begin_head(protocol, status);
        if !self.is_headless() {
            self.out.extend_from_slice(lines);
        }
        true
    }

    /// The head so far, if another head can begin with it.
    pub(crate) fn prefix(&self) -> Option<&[u8]> {
        let is_good = self.state == State::Head && self.misuse.is_none() && !self.is_headless();
        if is_good { self.out.get(self.start..) } else { None }
    }

    #[inline]
    fn begin_head(&mut self, protocol: Version, status: HTTPStatus) {
        if self.refused.is_some() {
            self.refused = None;
        }
        self.state = State::Head;
        self.start = self.out.len();
        self.head =
            ResponseHead { status: status.code(), protocol: Some(protocol), ..ResponseHead::default() };
        self.ended_by_interim = false;
    }

    #[inline]
    fn other_field(&mut self, name: &str, value: &str) {
        let line = self.out.len();
        self.out.reserve(name.len() + value.len() + b": \r\n".len());
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        if let Err(c) = push_latin1(&mut self.out, value) {
            return self.misused(Misuse::FieldValue(name.to_owned(), c));
        }
        self.out.extend_from_slice(b"\r\n");
        if self.is_headless() {
            self.out.truncate(line);
        }
    }

    fn content_length(&mut self, value: &str) -> Result<(), Misuse> {
        let length = grammar::decimal(grammar::trim_blanks(value.as_bytes()))
            .ok_or_else(|| Misuse::ContentLength(value.to_owned()))?;
        if self.head.length.is_some() || self.head.chunked {
            return Err(Misuse::TwoFramings);
        }
        self.head.length = Some(length);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &str) -> Result<(), Misuse> {
        if !value.trim_matches([' ', '\t']).eq_ignore_ascii_case("chunked") {
            return Err(Misuse::TransferEncoding(value.to_owned()));
        }
        if self.head.length.is_some() || self.head.chunked {
            return Err(Misuse::TwoFramings);
        }
        self.head.chunked = true;
        Ok(())
    }

    /// Records `close` and `keep-alive`, which are sent once it is decided what is true. Other options are sent unchanged.
    fn connection(&mut self, value: &str) {
        let mut others = Vec::new();
        for option in value.split(',').map(|option| option.trim_matches([' ', '\t'])) {
            self.head.close_before.get_or_insert(self.close);
            if option.eq_ignore_ascii_case("close") {
                self.head.connection = Some(Persist::Close);
                self.close = true;
            } else if option.eq_ignore_ascii_case("keep-alive") {
                if self.head.connection != Some(Persist::Close) {
                    self.head.connection = Some(Persist::KeepAlive);
                    self.close = false;
                }
            } else if !option.is_empty() {
                // RFC 9110 section 5.6.1.1: a sender must not generate empty elements.
                others.push(option);
            }
        }
        if !others.is_empty() {
            self.other_field("Connection", &others.join(", "));
        }
    }

    /// Ends the head. An interim head is final then.
    ///
    /// # Errors
    /// The first mistake in this head, which is taken back.
    #[inline]
    pub(crate) fn end_head(&mut self) -> Result<Ended, Misuse> {
        if self.state != State::Head || self.misuse.is_some() || self.head.status < 200 {
            return self.end_other_head();
        }
        self.state = State::Held { body: self.out.len(), unsent: 0 };
        Ok(Ended::Final)
    }

    /// Ends a head with a 1xx status, or one that cannot be sent.
    #[cold]
    fn end_other_head(&mut self) -> Result<Ended, Misuse> {
        match self.state {
            State::Head => {}
            State::NoRequest => self.misused(Misuse::NoRequest),
            State::Idle => self.misused(Misuse::NoStatusLine),
            State::Held { .. } | State::Body(_) => {
                self.head_after_head();
                if self.misuse.is_none() {
                    return Ok(Ended::Final);
                }
            }
        }
        let is_switching = self.head.status == HTTPStatus::SWITCHING_PROTOCOLS.code();
        if is_switching && !self.head.speaks_1_1(self.traits) {
            self.misused(Misuse::SwitchingInHttp10);
        }
        if let Some(misuse) = self.misuse.take() {
            if self.state == State::Head {
                self.take_back_head();
                self.state = State::Idle;
            }
            self.refused = Some(misuse.clone());
            return Err(misuse);
        }
        if is_switching {
            self.state = State::Held { body: self.out.len(), unsent: 0 };
            return Ok(Ended::Final);
        }
        self.end_interim();
        Ok(Ended::Interim(self.head.status))
    }

    /// Removes the current head, and what it said of the connection.
    pub(super) fn take_back_head(&mut self) {
        self.out.truncate(self.start);
        self.close = self.head.close_before.take().unwrap_or(self.close);
    }

    fn end_interim(&mut self) {
        // RFC 9110 section 15.2: HTTP/1.0 has no 1xx responses, for the client or the handler.
        if self.head.speaks_1_1(self.traits) {
            if self.head.connection == Some(Persist::Close) {
                self.out.extend_from_slice(b"Connection: close\r\n");
            }
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.take_back_head();
        }
        self.start = self.out.len();
        self.state = State::Idle;
        // `send_error` with a 1xx code adds this option, and is meant to be the last response.
        self.ended_by_interim = self.head.connection == Some(Persist::Close);
        // The announcement cannot be undone, and without another response the client must not wait for one.
        self.traits.close |= self.ended_by_interim;
    }
}

/// Whether a text is allowed in a status line (RFC 9112 section 4).
pub(crate) fn can_be_reason(text: &str) -> bool {
    text.chars().all(|c| u8::try_from(c).is_ok_and(grammar::is_field_text))
}

/// Appends text as Latin-1 (RFC 9110 section 5.5 calls the upper half obs-text). `Err` is a character that is not allowed in
/// a head: a control character other than tab, or one above U+00FF.
#[inline]
pub(super) fn push_latin1(out: &mut Vec<u8>, text: &str) -> Result<(), char> {
    if grammar::is_plain_text(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    push_unusual(out, text)
}

#[cold]
fn push_unusual(out: &mut Vec<u8>, text: &str) -> Result<(), char> {
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if grammar::is_field_text(byte) => out.push(byte),
            _ => return Err(c),
        }
    }
    Ok(())
}
