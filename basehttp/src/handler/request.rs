//! The request as the handler sees it.

use std::ops::Range;

use super::buffer::Buffer;
use super::message::{Message, push_latin1};
use crate::proto::fault::Fault;
use crate::proto::framing::{self, Body, Persistence};
use crate::proto::head::Head;
use crate::proto::request_line::{Span, Version};

/// The head of a request, parsed once: the bytes, the places in them, and the request line as text.
#[derive(Debug)]
pub(crate) struct Request {
    /// The bytes that the places in `head` refer to.
    pub(crate) bytes: Buffer,
    pub(crate) head: Head,
    /// Why the request is refused.
    pub(crate) fault: Option<Fault>,
    /// Whether a body was announced.
    pub(crate) has_body: bool,
    line: String,
    command: Range<usize>,
    path: Range<usize>,
    version: Range<usize>,
    /// The path where it is not the one in the line.
    other_path: Option<String>,
    /// What stands for the version of a line that has none.
    assumed_version: &'static str,
}

/// That of a connection which waits for one.
pub(super) static NO_REQUEST: Request = Request::NONE;

impl Default for Request {
    fn default() -> Self {
        Self::NONE
    }
}

/// Bytes of a request line for which the memory is kept.
const USUAL: usize = 4096;

impl Request {
    const NONE: Self = Self {
        bytes: Buffer::NONE,
        head: Head::NONE,
        fault: None,
        has_body: false,
        line: String::new(),
        command: 0..0,
        path: 0..0,
        version: 0..0,
        other_path: None,
        assumed_version: "",
    };

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.trim();
        self.head.clear();
        self.fault = None;
        self.has_body = false;
        self.line.clear();
        self.line.shrink_to(USUAL);
        (self.command, self.path, self.version) = (0..0, 0..0, 0..0);
        self.other_path = None;
        self.assumed_version = "";
    }

    /// Keeps no more memory than what is in it needs, and gives `spare` what is left.
    pub(crate) fn shrink(&mut self, spare: &mut Buffer) {
        self.bytes.shrink(spare);
        self.head.fields.shrink_to_fit();
        self.line.shrink_to_fit();
    }

    /// Makes the text of the request line, borrowed by all getters: the bytes are decoded here, once.
    #[inline]
    pub(crate) fn read_line(&mut self, assumed_version: &'static str) {
        let line = self.head.request_line;
        let data = self.bytes.data();
        let origin = line.line.start();
        // Method and version are ASCII. Only the target may hold bytes that become two when decoded, so what follows it
        // moves.
        let place = |span: Span, moved: usize| {
            let start = span.start().saturating_sub(origin) + moved;
            if span.is_empty() { 0..0 } else { start..start + span.len() }
        };
        push_latin1(&mut self.line, line.line.of(data));
        let is_ascii = self.line.len() == line.line.len();
        let moved =
            if is_ascii { 0 } else { line.target.of(data).iter().filter(|byte| !byte.is_ascii()).count() };
        self.command = place(line.method, 0);
        self.path = place(line.target, 0);
        self.path.end += moved;
        self.version = place(line.version_text, moved);
        self.assumed_version = if line.simple { assumed_version } else { "" };
        // gh-87389: clients take a redirect to `//host/...` for one to another host.
        if self.path().starts_with("//") {
            self.other_path = Some(format!("/{}", self.path().trim_start_matches('/')));
        }
    }

    #[inline]
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    #[inline]
    pub(crate) fn command(&self) -> &str {
        self.line.get(self.command.clone()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn path(&self) -> &str {
        self.other_path.as_deref().unwrap_or_else(|| self.line.get(self.path.clone()).unwrap_or_default())
    }

    pub(crate) fn set_path(&mut self, path: String) {
        self.other_path = Some(path);
    }

    #[inline]
    pub(crate) fn version_text(&self) -> &str {
        match self.line.get(self.version.clone()) {
            Some(version) if !version.is_empty() => version,
            _ => self.assumed_version,
        }
    }

    /// The version that decides about the reply.
    #[inline]
    pub(crate) fn version(&self) -> Version {
        let line = &self.head.request_line;
        if line.simple { named_version(self.assumed_version) } else { line.version }
    }

    #[inline]
    pub(crate) fn body(&self) -> Result<Body, Fault> {
        framing::body_of(&self.head, self.bytes.data())
    }

    #[inline]
    pub(crate) fn check_host(&self) -> Result<(), Fault> {
        framing::check_host(&self.head, self.bytes.data())
    }

    #[inline]
    pub(crate) fn persistence(&self) -> Persistence {
        if self.head.request_line.simple {
            return Persistence::Close;
        }
        framing::persistence(&self.head, self.bytes.data())
    }

    #[inline]
    pub(crate) fn expects_continue(&self) -> Result<bool, Fault> {
        framing::expects_continue(&self.head, self.bytes.data())
    }

    pub(crate) fn collect<M: Message>(&self) -> M {
        let mut message = M::default();
        let data = self.bytes.data();
        for field in &self.head.fields {
            // A name is a token, so it is ASCII.
            let name = std::str::from_utf8(field.name.of(data)).unwrap_or_default();
            message.append(name, field.value.of(data));
        }
        message
    }
}

/// The version that a class variable names.
pub(crate) fn named_version(text: &str) -> Version {
    match text {
        "HTTP/1.1" => Version::Http11,
        "HTTP/1.0" => Version::Http10,
        _ => Version::Http09,
    }
}
