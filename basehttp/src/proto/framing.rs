//! What the fields of a complete head say about the connection: RFC 9112 section 6.3 and related sections.
//!
//! Request smuggling attacks this code. Each question is answered by one function that sees all fields at once; input that
//! another reader could understand differently is refused.

use super::{
    fault::Fault,
    grammar,
    head::Head,
    headers::{Field, Known},
    host::is_host,
    request_line::Version,
};

/// How the end of a request's body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is no body.
    None,
    /// The body has this many bytes.
    Length(u64),
    /// Chunks, RFC 9112 section 7.1.
    Chunked,
}

/// Decides the length of the request's body, with the numbered steps of RFC 9112 section 6.3.
///
/// # Errors
/// Content-Length or Transfer-Encoding is malformed, unknown, or open to more than one reading.
#[inline]
pub fn body_of(head: &Head, buf: &[u8]) -> Result<Body, Fault> {
    // 1 and 2 are about responses.
    // 3 and 4: Transfer-Encoding decides.
    if head.has(Known::TransferEncoding) {
        // Section 6.1: a sender below HTTP/1.1 cannot mean this.
        if head.request_line.version < Version::Http11 {
            return Err(Fault::TransferEncodingInHttp10);
        }
        // Stricter than section 6.1, which allows a server to process the chunks and close: no honest client sends both.
        if head.has(Known::ContentLength) {
            return Err(Fault::LengthWithTransferEncoding);
        }
        return transfer_coding(head, buf);
    }
    // 5 and 6: Content-Length decides.
    if head.has(Known::ContentLength) {
        return content_length(head, buf).map(Body::Length);
    }
    // 7: a request without either has no body.
    Ok(Body::None)
}

/// RFC 9112 section 6.1: the only list that is accepted is the single word `chunked`, in any case.
fn transfer_coding(head: &Head, buf: &[u8]) -> Result<Body, Fault> {
    let (mut chunked, mut after_chunked, mut unknown) = (0, false, false);
    for coding in elements(head, buf, Known::TransferEncoding) {
        let (name, parameters) = match coding.iter().position(|&byte| byte == b';') {
            Some(at) => (grammar::trim_blanks(coding.get(..at).unwrap_or_default()), true),
            None => (coding, false),
        };
        // Stricter than RFC 9110 section 5.6.1, which requires ignoring empty elements: `Transfer-Encoding: ,chunked` is made
        // to be read in two ways. An empty name is not a token.
        if name.is_empty() || grammar::token_len(name) < name.len() {
            return Err(Fault::BadTransferEncoding);
        }
        let is_chunked = name.eq_ignore_ascii_case(b"chunked");
        // Section 7.1: chunked has no parameters, and their presence is an error.
        if is_chunked && parameters {
            return Err(Fault::BadTransferEncoding);
        }
        after_chunked = chunked > 0 && !is_chunked;
        chunked += u32::from(is_chunked);
        unknown |= !is_chunked;
    }
    match (chunked, after_chunked, unknown) {
        (2.., ..) => Err(Fault::ChunkedTwice),
        (_, true, _) => Err(Fault::ChunkedNotLast),
        // Section 6.1: a coding that the server does not understand gets 501.
        (_, _, true) => Err(Fault::UnknownTransferCoding),
        (1, ..) => Ok(Body::Chunked),
        (0, ..) => Err(Fault::BadTransferEncoding),
    }
}

/// RFC 9110 section 8.6: `1*DIGIT`; several equal values count as one, in one field or several.
fn content_length(head: &Head, buf: &[u8]) -> Result<u64, Fault> {
    if let [field] = head.range_of(Known::ContentLength)
        && let Some(length) = grammar::decimal(field.value.of(buf))
    {
        return Ok(length);
    }
    let mut length = None;
    for value in elements(head, buf, Known::ContentLength) {
        let value = grammar::decimal(value).ok_or(Fault::BadContentLength)?;
        if length.is_some_and(|length| length != value) {
            return Err(Fault::DuplicateContentLength);
        }
        length = Some(value);
    }
    length.ok_or(Fault::BadContentLength)
}

/// Checks Host: RFC 9112 section 3.2.
///
/// # Errors
/// HTTP/1.1 without the field; more than one, or a malformed one, in any version.
#[inline]
pub fn check_host(head: &Head, buf: &[u8]) -> Result<(), Fault> {
    match head.range_of(Known::Host) {
        // An HTTP/0.9 request has no fields, and an HTTP/1.0 request need not have this one.
        [] if head.request_line.version < Version::Http11 => Ok(()),
        [] => Err(Fault::MissingHost),
        [host] if is_host(host.value.of(buf)) => Ok(()),
        [_] => Err(Fault::BadHost),
        // The first and the last field of this range are both Host.
        [_, _, ..] => Err(Fault::DuplicateHost),
    }
}

/// What the Connection fields ask for: RFC 9112 section 9.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// `close`, with or without other options.
    Close,
    /// `keep-alive`
    KeepAlive,
    /// Neither: the version decides.
    Unsaid,
}

/// Reads the Connection fields.
#[inline]
pub fn persistence(head: &Head, buf: &[u8]) -> Persistence {
    if head.has(Known::Connection) { connection(head, buf) } else { Persistence::Unsaid }
}

fn connection(head: &Head, buf: &[u8]) -> Persistence {
    let mut answer = Persistence::Unsaid;
    for option in elements(head, buf, Known::Connection) {
        if option.eq_ignore_ascii_case(b"close") {
            return Persistence::Close;
        }
        if option.eq_ignore_ascii_case(b"keep-alive") {
            answer = Persistence::KeepAlive;
        }
    }
    answer
}

/// Whether the client waits for a `100 Continue`: RFC 9110 section 10.1.1. Below HTTP/1.1 the field is ignored.
///
/// # Errors
/// If the field has another expectation, or none.
#[inline]
pub fn expects_continue(head: &Head, buf: &[u8]) -> Result<bool, Fault> {
    if !head.has(Known::Expect) || head.request_line.version < Version::Http11 {
        return Ok(false);
    }
    let all = elements(head, buf, Known::Expect).all(|element| element.eq_ignore_ascii_case(b"100-continue"));
    if all { Ok(true) } else { Err(Fault::BadExpectation) }
}

/// The list elements of all fields of one kind: RFC 9110 section 5.3 treats several fields as one list.
fn elements<'a>(head: &'a Head, buf: &'a [u8], kind: Known) -> impl Iterator<Item = &'a [u8]> {
    head.known(kind).flat_map(move |field: &Field| grammar::list(field.value.of(buf)))
}
