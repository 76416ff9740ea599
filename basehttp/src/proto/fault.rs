//! Faults of a client, by name.

use std::{borrow::Cow, error::Error, fmt};

/// A fault of the client: its request is refused, and the connection closes after the response.
///
/// Each fault has a status for the response, a stable code for logs and hooks, and a message for the status line.
///
/// # Examples
///
/// [`fault`](crate::BaseHTTPRequestHandler::fault) is the fault of the current request:
///
/// ```
/// use std::io;
/// use basehttp::Fault;
/// use basehttp::prelude::*;
///
/// struct Strict { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Strict {
///     fn do_GET(&self) -> &str {
///         "hello"
///     }
///
///     fn send_error(&self, code: impl ResponseCode) -> io::Result<()> {
///         if self.fault() == Some(Fault::MissingHost) {
///             return BaseHTTPRequestHandler::send_error(self, (code.status(), "Send a Host field"));
///         }
///         BaseHTTPRequestHandler::send_error(self, code)
///     }
/// }
///
/// let responses = basehttp::testing::respond(|base| Strict { base }, b"GET / HTTP/1.1\r\n\r\n");
/// assert_eq!((responses[0].status, &*responses[0].reason), (400, "Send a Host field"));
/// assert_eq!((Fault::MissingHost.status(), Fault::MissingHost.code()), (400, "missing-host"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The request line is not method, target and version with one space between them.
    BadRequestLine,
    /// The request target has none of the forms of RFC 9112 section 3.2, or one that its method does not allow.
    BadTarget,
    /// The third word of the request line is not an HTTP version.
    BadVersion,
    /// A request line without a version (HTTP/0.9) with a method other than GET.
    BadSimpleRequest,
    /// A version of HTTP/2 or above.
    UnsupportedVersion,
    /// The request line is longer than the limit.
    TargetTooLong,
    /// The field lines together are longer than the limit.
    HeadTooLarge,
    /// More field lines than the limit allows.
    TooManyFields,
    /// A field line without a colon.
    MissingColon,
    /// A field name that is not a token.
    BadFieldName,
    /// A blank between field name and colon: a proxy may read a different name than we do.
    BlankBeforeColon,
    /// A field line that begins with a blank, which in old HTTP continued the line before it.
    ObsFold,
    /// A NUL or another control byte in a field value.
    BadFieldValue,
    /// A carriage return without a line feed.
    BareCr,
    /// An HTTP/1.1 request without Host.
    MissingHost,
    /// More than one Host.
    DuplicateHost,
    /// A Host that is not `uri-host [ ":" port ]`.
    BadHost,
    /// A Content-Length that is not a decimal number, or is above 2^64-1.
    BadContentLength,
    /// Several Content-Length values that differ.
    DuplicateContentLength,
    /// Both Content-Length and Transfer-Encoding.
    LengthWithTransferEncoding,
    /// Transfer-Encoding in a request below HTTP/1.1.
    TransferEncodingInHttp10,
    /// A transfer coding after chunked.
    ChunkedNotLast,
    /// The chunked coding applied twice.
    ChunkedTwice,
    /// A Transfer-Encoding that is not a list of codings.
    BadTransferEncoding,
    /// A transfer coding that is not implemented.
    UnknownTransferCoding,
    /// An Expect other than 100-continue.
    BadExpectation,
    /// A chunk-size line that does not begin with 1 to 16 hex digits or does not end in CRLF.
    BadChunkSize,
    /// A malformed chunk extension.
    BadChunkExtension,
    /// A chunk-size line longer than the limit.
    ChunkLineTooLong,
    /// No CRLF after the data of a chunk.
    BadChunkData,
    /// A malformed trailer line, or a field that is not allowed in a trailer section.
    BadTrailer,
    /// The trailer section is longer than the limit, or has too many fields.
    TrailersTooLarge,
    /// The input ended inside the head.
    IncompleteHead,
    /// The input ended inside the body.
    IncompleteBody,
    /// Plain HTTP on a port that serves HTTP over TLS.
    PlainHttp,
    /// A request for a host that the server does not answer for.
    ForeignHost,
    /// A request from a page of another site.
    CrossSite,
    /// From a page of another origin.
    CrossOrigin,
}

impl Fault {
    /// The status of the response.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// A stable short name for logs and hooks, such as `duplicate-content-length`.
    pub const fn code(self) -> &'static str {
        self.row().1
    }

    /// The text for the status line: Python's own, if it has one.
    ///
    /// `request_line` is the request line as far as it is known, decoded from Latin-1. Quoted parts are escaped like Python's
    /// `repr()` and cut after 100 characters, so the result has no control characters and nothing above U+00FF.
    pub fn message(self, request_line: &str) -> Cow<'static, str> {
        let first = request_line.split(' ').next().unwrap_or_default();
        let second = request_line.split(' ').nth(1).unwrap_or_default();
        let last = request_line.rsplit(' ').next().unwrap_or_default();
        match self {
            Self::BadTarget => format!("{} ({})", self.row().2, Repr(second)).into(),
            Self::BadRequestLine => format!("{} ({})", self.row().2, Repr(request_line)).into(),
            Self::BadVersion => format!("{} ({})", self.row().2, Repr(last)).into(),
            Self::BadSimpleRequest => format!("{} ({})", self.row().2, Repr(first)).into(),
            Self::UnsupportedVersion => {
                // The parser only lets one digit, a point and one digit come here.
                let digits = last.chars().filter(|c| c.is_ascii_digit() || *c == '.').take(3);
                format!("{} ({})", self.row().2, digits.collect::<String>()).into()
            }
            _ => self.row().2.into(),
        }
    }

    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadRequestLine => (400, "bad-request-line", "Bad request syntax"),
            Self::BadTarget => (400, "bad-target", "Bad request target"),
            Self::BadVersion => (400, "bad-version", "Bad request version"),
            Self::BadSimpleRequest => (400, "bad-simple-request", "Bad HTTP/0.9 request type"),
            Self::UnsupportedVersion => (505, "unsupported-version", "Invalid HTTP version"),
            Self::TargetTooLong => (414, "target-too-long", "Request-URI Too Long"),
            Self::HeadTooLarge => (431, "head-too-large", "Line too long"),
            Self::TooManyFields => (431, "too-many-fields", "Too many headers"),
            Self::MissingColon => (400, "missing-colon", "Header line without a colon"),
            Self::BadFieldName => (400, "bad-field-name", "Bad header name"),
            Self::BlankBeforeColon => (400, "blank-before-colon", "Blank between header name and colon"),
            Self::ObsFold => (400, "obs-fold", "Header line begins with a blank"),
            Self::BadFieldValue => (400, "bad-field-value", "Control character in a header value"),
            Self::BareCr => (400, "bare-cr", "Carriage return without line feed"),
            Self::MissingHost => (400, "missing-host", "No Host header"),
            Self::DuplicateHost => (400, "duplicate-host", "More than one Host header"),
            Self::BadHost => (400, "bad-host", "Bad Host header"),
            Self::BadContentLength => (400, "bad-content-length", "Bad Content-Length"),
            Self::DuplicateContentLength => {
                (400, "duplicate-content-length", "Content-Length given twice with different values")
            }
            Self::LengthWithTransferEncoding => {
                (400, "length-with-transfer-encoding", "Both Content-Length and Transfer-Encoding")
            }
            Self::TransferEncodingInHttp10 => {
                (400, "transfer-encoding-in-http10", "Transfer-Encoding before HTTP/1.1")
            }
            Self::ChunkedNotLast => (400, "chunked-not-last", "Transfer coding after chunked"),
            Self::ChunkedTwice => (400, "chunked-twice", "Chunked transfer coding applied twice"),
            Self::BadTransferEncoding => (400, "bad-transfer-encoding", "Bad Transfer-Encoding"),
            Self::UnknownTransferCoding => (501, "unknown-transfer-coding", "Unknown transfer coding"),
            Self::BadExpectation => (417, "bad-expectation", "Expectation Failed"),
            Self::BadChunkSize => (400, "bad-chunk-size", "Bad chunk size"),
            Self::BadChunkExtension => (400, "bad-chunk-extension", "Bad chunk extension"),
            Self::ChunkLineTooLong => (400, "chunk-line-too-long", "Chunk size line too long"),
            Self::BadChunkData => (400, "bad-chunk-data", "No line end after the data of a chunk"),
            Self::BadTrailer => (400, "bad-trailer", "Bad trailer"),
            Self::TrailersTooLarge => (400, "trailers-too-large", "Trailers too large"),
            Self::IncompleteHead => (400, "incomplete-head", "Incomplete request head"),
            Self::IncompleteBody => (400, "incomplete-body", "Incomplete request body"),
            Self::PlainHttp => (400, "plain-http", "This port speaks HTTPS: begin the address with https"),
            Self::ForeignHost => (421, "foreign-host", "This server does not answer for that host"),
            Self::CrossSite => (403, "cross-site", "Requests from pages of other sites are refused"),
            Self::CrossOrigin => (403, "cross-origin", "Requests from pages of other origins are refused"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(""))
    }
}

impl Error for Fault {}

/// Text in the style of Python's `repr()` of a `str`, cut after [`SHOWN`] characters.
struct Repr<'a>(&'a str);

/// Otherwise a request line of 64 KiB would come back as the status line of its own refusal.
const SHOWN: usize = 100;

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = || self.0.chars().take(SHOWN);
        let quote = if shown().any(|c| c == '\'') && !shown().any(|c| c == '"') { '"' } else { '\'' };
        write!(f, "{quote}")?;
        for c in shown() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\\' => f.write_str("\\\\")?,
                c if c == quote => write!(f, "\\{c}")?,
                '\0'..='\x1f' | '\x7f'..='\u{a0}' | '\u{ad}' => write!(f, "\\x{:02x}", u32::from(c))?,
                '\u{100}'..='\u{ffff}' => write!(f, "\\u{:04x}", u32::from(c))?,
                '\u{10000}'.. => write!(f, "\\U{:08x}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        write!(f, "{quote}")?;
        if self.0.chars().nth(SHOWN).is_some() { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
