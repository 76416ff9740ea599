//! The request line: RFC 9112 section 3, and HTTP/0.9's line without a version.

use super::{
    fault::Fault,
    grammar,
    target::{self, Form},
};

/// A piece of the buffer that holds the request, from its start to its end.
///
/// Offsets instead of slices, so that a [`Head`](super::head::Head) can outlive a move of its buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    #[inline]
    pub const fn new(start: usize, end: usize) -> Self {
        // A truncated offset would still be safe: `of` checks the bounds.
        #[expect(clippy::cast_possible_truncation, reason = "the parser keeps a head below 2^32 bytes")]
        let (start, end) = (start as u32, end as u32);
        Self { start, end }
    }

    /// The bytes of the span; none if the buffer does not contain them.
    #[inline]
    pub fn of<'a>(&self, buf: &'a [u8]) -> &'a [u8] {
        buf.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The offset of the span's first byte.
    pub const fn start(&self) -> usize {
        self.start as usize
    }

    /// The offset after the span's last byte.
    pub const fn end(&self) -> usize {
        self.end as usize
    }

    /// The number of bytes.
    pub const fn len(&self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether there are no bytes.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The versions that the server distinguishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/0.9, named, or implied by a request line without a version.
    Http09,
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, and requests that claim HTTP/1.2 to 1.9: RFC 9110 section 6.2 requires processing them as the highest known
    /// minor version.
    ///
    /// Also the version in a [`RequestLine`] until one is read, so that the response to a malformed request line has a head.
    #[default]
    Http11,
}

/// The places of the parts of a request line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestLine {
    /// The whole line without its line end.
    pub line: Span,
    /// The method, a token.
    pub method: Span,
    /// The request target as it was sent.
    pub target: Span,
    /// The form of the target.
    pub form: Form,
    /// The version's text, such as `HTTP/1.1`; empty if the line has none.
    pub version_text: Span,
    /// The version.
    pub version: Version,
    /// Whether the line had no version: an HTTP/0.9 "simple request", without header lines.
    pub simple: bool,
}

impl RequestLine {
    /// No request line.
    pub const NONE: Self = Self {
        line: Span::new(0, 0),
        method: Span::new(0, 0),
        target: Span::new(0, 0),
        form: Form::Origin,
        version_text: Span::new(0, 0),
        version: Version::Http11,
        simple: false,
    };
}

/// Reads a line of the common form `GET /path HTTP/1.1` in one pass, and returns the offset of the next line, too.
///
/// `None` does not mean that it is malformed: [`parse`] decides about all other lines.
#[inline]
pub(super) fn read_common(buf: &[u8], start: usize) -> Option<(RequestLine, usize)> {
    let rest = buf.get(start..)?;
    // Most requests begin like this.
    let method = if rest.starts_with(b"GET ") { b"GET".len() } else { grammar::token_len(rest) };
    let is_tunnel = rest.starts_with(b"CONNECT ");
    let rest = rest.get(method..)?.strip_prefix(b" ")?;
    // The other forms of a target are rare.
    if method == 0 || is_tunnel || !rest.starts_with(b"/") {
        return None;
    }
    let target = grammar::target_len(rest);
    let rest = rest.get(target..)?.strip_prefix(b" ")?;
    let (text, rest) = rest.split_first_chunk::<8>()?;
    // Comparing arrays compares all bytes at once, which matching them does not.
    let version = if text == b"HTTP/1.1" {
        Version::Http11
    } else if text == b"HTTP/1.0" {
        Version::Http10
    } else {
        return None;
    };
    let target_at = start + method + 1;
    let version_at = target_at + target + 1;
    let end = version_at + text.len();
    let line = RequestLine {
        line: Span::new(start, end),
        method: Span::new(start, start + method),
        target: Span::new(target_at, target_at + target),
        form: Form::Origin,
        version_text: Span::new(version_at, end),
        version,
        simple: false,
    };
    Some((line, end + line_end(rest)?))
}

/// Length of the line end at the front: CRLF, or LF alone (RFC 9112 section 2.2).
#[inline]
pub(super) fn line_end(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\r', b'\n', ..] => Some(2),
        [b'\n', ..] => Some(1),
        _ => None,
    }
}

/// Parses the line in `buf` from `start` to `end`, which excludes its line end.
///
/// After a fault, `line` still has the parts that could be identified: the response to HEAD has no body, however malformed
/// the rest of its line is.
///
/// # Errors
/// The fault in the line.
pub(super) fn parse(buf: &[u8], start: usize, end: usize, line: &mut RequestLine) -> Result<(), Fault> {
    *line = RequestLine { line: Span::new(start, end), ..RequestLine::default() };
    let bytes = line.line.of(buf);
    let mut at = start;
    let mut words = bytes.split(|&byte| byte == b' ').map(|word| {
        let span = Span::new(at, at + word.len());
        at += word.len() + 1;
        (word, span)
    });
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(syntax_fault(bytes));
    };
    let third = words.next();
    let last = words.last();

    if !method.0.is_empty() && grammar::token_len(method.0) == method.0.len() {
        line.method = method.1;
    }
    if let Some((word, span)) = last.or(third)
        && let Ok(version) = version_of(word)
    {
        (line.version, line.version_text) = (version, span);
    }
    let broken = bytes.iter().any(|&byte| byte != b' ' && !grammar::is_target(byte));
    if broken || line.method.is_empty() || target.0.is_empty() || last.is_some() {
        return Err(syntax_fault(bytes));
    }
    line.target = target.1;
    match third {
        Some((word, span)) if !word.is_empty() => {
            if word.is_ascii() {
                line.version_text = span;
            }
            line.version = version_of(word)?;
        }
        // No third word, or a blank after the second: HTTP/0.9, which has only GET.
        _ => {
            line.simple = true;
            line.version = Version::Http09;
            if method.0 != b"GET" {
                return Err(Fault::BadSimpleRequest);
            }
        }
    }
    line.form = target::form_of(method.0, target.0).ok_or(Fault::BadTarget)?;
    Ok(())
}

/// RFC 9112 section 2.3: `HTTP-version = "HTTP/" DIGIT "." DIGIT`, in upper case.
fn version_of(word: &[u8]) -> Result<Version, Fault> {
    match word {
        b"HTTP/0.9" => Ok(Version::Http09),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', b'2'..=b'9', b'.', b'0'..=b'9'] => Err(Fault::UnsupportedVersion),
        _ => Err(Fault::BadVersion),
    }
}

fn syntax_fault(line: &[u8]) -> Fault {
    if line.contains(&b'\r') { Fault::BareCr } else { Fault::BadRequestLine }
}
