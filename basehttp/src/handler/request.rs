//! The request as the handler sees it.

use std::borrow::Cow;

use super::buffer::Buffer;
use super::message::{Message, latin1_bytes, push_latin1};
use crate::proto::fault::Fault;
use crate::proto::framing::{self, Body, Persistence};
use crate::proto::head::Head;
use crate::proto::request_line::{Span, Version};
use crate::proto::target::{self, Form};
use crate::sync::OnceLock;

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
    /// Why it is refused unless the handler decides otherwise.
    pub(crate) objection: Option<Fault>,
    /// The client may wait for `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
    /// The method, where it is a common one.
    method: Option<&'static str>,
    /// The request line as text, once somebody has asked for it.
    line: OnceLock<String>,
    /// The path where it is not the one in the line.
    other_path: Option<String>,
    /// Whether that was set, and not made of the line.
    is_set: bool,
    /// What stands for the version of a line that has none.
    assumed_version: &'static str,
}

/// That of a connection which waits for one.
pub(super) static NO_REQUEST: Request = Request::none();

impl Default for Request {
    fn default() -> Self {
        Self::none()
    }
}

impl Request {
    const fn none() -> Self {
        Self {
            bytes: Buffer::NONE,
            head: Head::NONE,
            fault: None,
            has_body: false,
            objection: None,
            expects_continue: false,
            method: None,
            line: OnceLock::new(),
            other_path: None,
            is_set: false,
            assumed_version: "",
        }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.trim();
        self.head.clear();
        self.fault = None;
        self.has_body = false;
        self.objection = None;
        self.expects_continue = false;
        self.method = None;
        if self.line.get().is_some() {
            self.line = OnceLock::new();
        }
        self.other_path = None;
        self.is_set = false;
        self.assumed_version = "";
    }

    /// Keeps no more memory than what is in it needs, and gives `spare` what is left.
    pub(crate) fn shrink(&mut self, spare: &mut Buffer) {
        self.bytes.shrink(spare);
        self.head.fields.shrink_to_fit();
    }

    /// Makes text of the request line where its bytes are not text already.
    #[inline]
    pub(crate) fn read_line(&mut self, assumed_version: &'static str) {
        let line = &self.head.request_line;
        let data = self.bytes.data();
        self.method = COMMON.into_iter().find(|method| method.as_bytes() == line.method.of(data));
        self.assumed_version = if line.simple { assumed_version } else { "" };
        let target = line.target.of(data);
        // gh-87389: clients take a redirect to `//host/...` for one to another host.
        if target.starts_with(b"//") || !target.is_ascii() {
            self.other_path = Some(path_of(target));
        }
    }

    pub(crate) fn line(&self) -> &str {
        self.line.get_or_init(|| latin1(self.head.request_line.line.of(self.bytes.data())))
    }

    #[inline]
    pub(crate) fn command(&self) -> &str {
        self.method.unwrap_or_else(|| self.ascii(self.head.request_line.method))
    }

    #[inline]
    pub(crate) fn path(&self) -> &str {
        self.other_path.as_deref().unwrap_or_else(|| self.ascii(self.head.request_line.target))
    }

    /// Bytes that are known to be ASCII.
    #[inline]
    fn ascii(&self, span: Span) -> &str {
        std::str::from_utf8(span.of(self.bytes.data())).unwrap_or_default()
    }

    /// The target as it came, whatever the path is said to be.
    pub(crate) fn target(&self) -> &[u8] {
        self.head.request_line.target.of(self.bytes.data())
    }

    pub(crate) fn form(&self) -> Form {
        self.head.request_line.form
    }

    /// The host that it was sent to. RFC 9112 section 3.2.2: where the target has an authority, that is what counts.
    pub(crate) fn host(&self) -> Option<&[u8]> {
        match self.form() {
            Form::Absolute => target::absolute(self.target()).map(|parts| parts.host),
            Form::Relative | Form::Origin | Form::Authority | Form::Asterisk => self.values("Host").next(),
        }
    }

    pub(crate) fn set_path(&mut self, path: String) {
        self.other_path = Some(path);
        self.is_set = true;
    }

    /// The path and the query for routes: the bytes as they came, or as they would have come where the path was set. Of one in absolute
    /// form (RFC 9112 section 3.2.2) what follows the host, which is empty where it has no path.
    pub(crate) fn route_target(&self) -> Cow<'_, [u8]> {
        let target = match &self.other_path {
            Some(path) if self.is_set => wire_bytes(path),
            _ => Cow::Borrowed(self.target()),
        };
        match target {
            Cow::Borrowed(target) => Cow::Borrowed(path_and_query(target)),
            Cow::Owned(target) => Cow::Owned(path_and_query(&target).to_vec()),
        }
    }

    #[inline]
    pub(crate) fn version_text(&self) -> &str {
        match self.ascii(self.head.request_line.version_text) {
            "" => self.assumed_version,
            version => version,
        }
    }

    /// The version that decides about the response.
    #[inline]
    pub(crate) fn version(&self) -> Version {
        let line = &self.head.request_line;
        if line.simple { named_version(self.assumed_version) } else { line.version }
    }

    #[inline]
    pub(crate) fn body(&self) -> Result<Body, Fault> {
        framing::body_of(&self.head, self.bytes.data())
    }

    /// Looks at what a request may be refused for, though it can be understood.
    #[inline]
    pub(crate) fn judge(&mut self) {
        let data = self.bytes.data();
        let host = framing::check_host(&self.head, data);
        let expects_continue = framing::expects_continue(&self.head, data);
        // An expectation that nobody can fulfil may be one that the client waits for as well.
        self.expects_continue = expects_continue.unwrap_or(true);
        self.objection = host.err().or(expects_continue.err());
    }

    #[inline]
    pub(crate) fn persistence(&self) -> Persistence {
        if self.head.request_line.simple {
            return Persistence::Close;
        }
        framing::persistence(&self.head, self.bytes.data())
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

/// What is read of the fields, whatever class collects them for the handler.
impl Request {
    /// The values of all fields of this name.
    pub(crate) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let data = self.bytes.data();
        let fields = self.head.fields.iter();
        let named = fields.filter(move |field| field.name.of(data).eq_ignore_ascii_case(name.as_bytes()));
        named.map(|field| field.value.of(data))
    }
}

/// What is changed for scripts and passed on to them.
#[cfg(all(feature = "cgi", unix))]
impl Request {
    /// Makes it a request for another path: GET, unless it is HEAD, whose response has no body whatever is asked for.
    pub(crate) fn redirect(&mut self, path: String) {
        if self.command() != "HEAD" {
            self.method = Some("GET");
        }
        self.set_path(path);
    }

    /// All fields, name and value.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let data = self.bytes.data();
        // A name is a token, so it is ASCII.
        let text = |name| std::str::from_utf8(name).unwrap_or_default();
        self.head.fields.iter().map(move |field| (text(field.name.of(data)), field.value.of(data)))
    }
}

/// The methods of nearly all requests.
const COMMON: [&str; 4] = ["GET", "POST", "HEAD", "PUT"];

fn path_and_query(target: &[u8]) -> &[u8] {
    let rest = match target {
        [b'/', ..] => target,
        _ => target::absolute(target).map_or(target, |parts| parts.rest),
    };
    // As `path` has it: several slashes at the beginning are one.
    let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
    rest.get(slashes.saturating_sub(1)..).unwrap_or_default()
}

/// The bytes that a path was made of. One that was made of `path()` has latin-1 in it; one that a handler has written is text.
fn wire_bytes(path: &str) -> Cow<'_, [u8]> {
    if path.is_ascii() {
        return Cow::Borrowed(path.as_bytes());
    }
    match latin1_bytes(path) {
        Some(bytes) if std::str::from_utf8(&bytes).is_ok() => Cow::Owned(bytes),
        _ => Cow::Borrowed(path.as_bytes()),
    }
}

fn path_of(target: &[u8]) -> String {
    let path = latin1(target);
    if path.starts_with("//") { format!("/{}", path.trim_start_matches('/')) } else { path }
}

/// Bytes as text in latin-1.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    push_latin1(&mut text, bytes);
    text
}

/// The version that a class variable names.
pub(crate) const fn named_version(text: &str) -> Version {
    match text.as_bytes() {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        _ => Version::Http09,
    }
}
