//! The head of the response being made, and the error page.

use basehttp::HTTPStatus;
use basehttp_tests::grammar;
use basehttp_tests::strict::{Framing, Version};

use super::{Head, Is, Model, State};
use crate::page;

impl Model<'_> {
    pub(super) fn respond(&mut self, code: u16, text: Option<&str>, is_stamped: bool) {
        if self.is_whole() {
            self.is_closed = true;
            return;
        }
        if self.state != State::Idle {
            self.mistake = true;
            return;
        }
        self.state = State::Head;
        self.close_before = None;
        self.refused = false;
        self.ended_by_interim = false;
        (self.length, self.chunked, self.announces, self.says_close) = (None, false, false, false);
        self.trailers.clear();
        let text = text.unwrap_or_else(|| HTTPStatus::new(code).phrase().unwrap_or_default());
        let reason = page::latin1(text);
        self.mistake |= !(100..=999).contains(&code) || reason.is_none();
        self.head = Head { status: code, reason: reason.unwrap_or_default(), is_stamped, fields: Vec::new() };
    }

    pub(super) fn header(&mut self, name: &str, value: &str) {
        if self.is_whole() {
            return;
        }
        if self.state != State::Head || !is_token(name) {
            self.mistake = true;
            return;
        }
        let trimmed = value.trim_matches([' ', '\t']);
        match &*name.to_ascii_lowercase() {
            "content-length" => {
                let digits = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit());
                let length = trimmed.parse().ok().filter(|_| digits);
                self.mistake |= length.is_none() || self.length.is_some() || self.chunked;
                self.length = self.length.or(length);
            }
            "transfer-encoding" => {
                let is_known = trimmed.eq_ignore_ascii_case("chunked");
                self.mistake |= !is_known || self.length.is_some() || self.chunked;
                self.chunked |= is_known;
            }
            "connection" => self.connection(value),
            "trailer" => {
                self.announces = true;
                self.field(name, value);
            }
            _ => self.field(name, value),
        }
    }

    /// Whether such a trailer field is allowed. Whether the client gets it is another question.
    pub(super) fn trailer(&mut self, name: &str, value: &str) -> bool {
        if self.is_closed {
            return false;
        }
        let is_late =
            ["content-length", "content-type", "trailer", "date"].contains(&&*name.to_ascii_lowercase());
        let has_head = matches!(self.state, State::Held | State::Sent(_));
        let has_chunks = self.speaks_1_1 && self.length.is_none() && !self.is_tunnel() && !self.has_no_body();
        let value = page::latin1(value);
        if !has_head || !has_chunks || !is_token(name) || is_late || value.is_none() {
            return false;
        }
        self.trailers.extend(value.map(|value| (name.to_owned(), value)));
        self.chunked = true;
        true
    }

    pub(super) fn announce(&mut self) {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.trailers {
            if !names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        self.head.fields.push(("Trailer".to_owned(), names.join(", ").into_bytes()));
    }

    /// Whether everything declared has been written, so that later bytes are dropped.
    fn is_whole(&self) -> bool {
        let has_all = self.length == Some(self.body.len() as u64);
        match self.state {
            State::Held => !self.mistake && (has_all || self.has_no_body()) && !self.is_tunnel(),
            State::Sent(_) if self.request.version == Version::Http09 => self.is_complete_0_9(),
            State::Sent(Framing::Nothing) => true,
            State::Sent(Framing::Length(_)) => has_all,
            State::Idle
            | State::Head
            | State::Sent(Framing::Chunked(_) | Framing::UntilClose | Framing::Tunnel) => false,
        }
    }

    fn connection(&mut self, value: &str) {
        self.close_before.get_or_insert(self.close);
        let mut others = Vec::new();
        for option in value.split(',').map(|option| option.trim_matches([' ', '\t'])) {
            match &*option.to_ascii_lowercase() {
                "close" => (self.says_close, self.close) = (true, true),
                "keep-alive" if self.says_close => {}
                "keep-alive" => self.close = false,
                "" => {}
                _ => others.push(option),
            }
        }
        if !others.is_empty() {
            self.field("Connection", &others.join(", "));
        }
    }

    fn take_back_close(&mut self) {
        self.close = self.close_before.take().unwrap_or(self.close);
    }

    fn field(&mut self, name: &str, value: &str) {
        match page::latin1(value) {
            Some(value) => self.head.fields.push((name.to_owned(), value)),
            None => self.mistake = true,
        }
    }

    pub(super) fn end_headers(&mut self) -> bool {
        let speaks_1_1 = self.request.version == Version::Http11 && self.speaks_1_1;
        if self.is_whole() && !self.mistake {
            return true;
        }
        if self.state != State::Head || self.mistake || (self.head.status == 101 && !speaks_1_1) {
            if self.state == State::Head {
                self.state = State::Idle;
                self.take_back_close();
            }
            self.mistake = false;
            self.refused = true;
            return false;
        }
        let status = self.head.status;
        if status >= 200 || status == 101 {
            self.state = State::Held;
            self.body.clear();
            if self.is_tunnel() {
                self.flush();
            }
            return true;
        }
        self.state = State::Idle;
        self.ended_by_interim = self.says_close;
        if self.says_close {
            self.must_close = Is::Yes;
        }
        if speaks_1_1 {
            self.interim.push(self.head.clone());
        } else {
            self.take_back_close();
        }
        self.waits_for_continue &= status != 100;
        true
    }

    pub(super) fn send_error(&mut self, code: u16, text: Option<&str>, explain: Option<&str>) -> bool {
        if matches!(self.state, State::Sent(_)) {
            return false;
        }
        self.state = State::Idle;
        self.take_back_close();
        (self.mistake, self.refused, self.ended_by_interim, self.is_closed) = (false, false, false, false);
        let page = page::Page::new(code, text, explain);
        self.respond(code, Some(&page.phrase), true);
        self.header("Connection", "close");
        // RFC 9110 section 15.5.6.
        if code == 405 {
            self.header("Allow", page::allow(self.request.method));
        }
        let is_sent = if matches!(code, 100..=199 | 204 | 205 | 304) {
            self.end_headers()
        } else {
            self.header("Content-Type", "text/html;charset=utf-8");
            self.header("Content-Length", &page.body.len().to_string());
            self.end_headers() && self.write_bytes(page.body.as_bytes()).1.is_none()
        };
        self.is_closed = is_sent && self.is_whole();
        is_sent
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(grammar::is_token)
}
