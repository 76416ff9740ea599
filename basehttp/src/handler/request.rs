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

/// The head of a request, parsed once: the bytes, the offsets into them, and the request line as text.
#[derive(Debug)]
pub(crate) struct Request {
    /// The bytes that the offsets in `head` refer to.
    pub(crate) bytes: Buffer,
    pub(crate) head: Head,
    /// Why the request is refused.
    pub(crate) fault: Option<Fault>,
    /// Whether a body was announced.
    pub(crate) has_body: bool,
    /// Why the request is refused unless the handler decides otherwise.
    pub(crate) objection: Option<Fault>,
    /// The client may wait for `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
    /// The method, if it is a common one.
    method: Option<&'static str>,
    /// The request line as text, made at the first use.
    line: OnceLock<String>,
    /// The path, if it is not the one in the line.
    other_path: Option<String>,
    /// Whether `other_path` was set by the handler, and not derived from the line.
    is_set: bool,
    /// The version assumed for a line without one.
    assumed_version: &'static str,
}

/// The request of a connection that waits for one.
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

    /// Shrinks the memory to what the content needs, and gives the rest to `spare`.
    pub(crate) fn shrink(&mut self, spare: &mut Buffer) {
        self.bytes.shrink(spare);
        self.head.fields.shrink_to_fit();
    }

    /// Prepares the parts of the request line whose text is not simply their bytes.
    #[inline]
    pub(crate) fn read_line(&mut self, assumed_version: &'static str) {
        let line = &self.head.request_line;
        let data = self.bytes.data();
        self.method = COMMON.into_iter().find(|method| method.as_bytes() == line.method.of(data));
        self.assumed_version = if line.simple { assumed_version } else { "" };
        let target = line.target.of(data);
        // gh-87389: clients follow a redirect to `//host/...` to another host.
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

    /// The target as it was sent, even if the path has been set.
    pub(crate) fn target(&self) -> &[u8] {
        self.head.request_line.target.of(self.bytes.data())
    }

    pub(crate) fn form(&self) -> Form {
        self.head.request_line.form
    }

    /// The host that the request was sent to. RFC 9112 section 3.2.2: if the target has an authority, it overrides `Host`.
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

    /// The path and the query for routes: the bytes as they were sent, or as they would have been sent if the path was set. For a
    /// target in absolute form (RFC 9112 section 3.2.2), it is the part after the host, which may be empty.
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

    /// Looks for reasons to refuse a request that can be understood.
    #[inline]
    pub(crate) fn judge(&mut self) {
        let data = self.bytes.data();
        let host = framing::check_host(&self.head, data);
        let expects_continue = framing::expects_continue(&self.head, data);
        // The client may also wait for the answer to an expectation that the server cannot fulfil.
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

/// Access to the fields for the server, whatever class collects them for the handler.
impl Request {
    /// The values of all fields with this name.
    pub(crate) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let data = self.bytes.data();
        let fields = self.head.fields.iter();
        let named = fields.filter(move |field| field.name.of(data).eq_ignore_ascii_case(name.as_bytes()));
        named.map(|field| field.value.of(data))
    }
}

/// Changes for scripts, and the fields that are passed to them.
#[cfg(all(feature = "cgi", unix))]
impl Request {
    /// Makes it a GET request for another path. HEAD stays HEAD, since its response must not have a body.
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
    // As in `path`, several leading slashes are reduced to one.
    let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
    rest.get(slashes.saturating_sub(1)..).unwrap_or_default()
}

/// The bytes of a path. A path derived from `path()` is latin-1 of the bytes that were sent; a handler's own path is text.
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

/// The version in a class variable.
pub(crate) const fn named_version(text: &str) -> Version {
    match text.as_bytes() {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        _ => Version::Http09,
    }
}
