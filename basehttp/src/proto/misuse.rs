//! Mistakes that a handler can make in its response.

use std::error::Error;
use std::fmt;

/// A mistake of the handler in its response, found before anything wrong reaches the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    /// A status code that does not have three digits.
    StatusCode(u16),
    /// A character in the message that is not allowed in a status line.
    Reason(char),
    /// `send_response` while the head of a response is still open.
    SecondStatusLine,
    /// A head or field after the end of the head.
    HeadAfterHead,
    /// A response that was to be taken back, and of which the client may have a part.
    SentAlready,
    /// A field, or the end of the head, without a status line before it.
    NoStatusLine,
    /// A field name that is not a token.
    FieldName(String),
    /// A character in the value of the named field that is not allowed in fields.
    FieldValue(String, char),
    /// The value of the named field cannot be displayed.
    Unprintable(String),
    /// A `Content-Length` that is not a number.
    ContentLength(String),
    /// A `Transfer-Encoding` other than `chunked`.
    TransferEncoding(String),
    /// Two fields that frame the body.
    TwoFramings,
    /// Status 101 if either side speaks HTTP/1.0.
    SwitchingInHttp10,
    /// Body bytes before `end_headers`.
    BodyBeforeHead,
    /// A value that a method returned after it had begun a response itself.
    SecondResponse,
    /// Body bytes or a trailer field after an error page.
    AfterErrorPage,
    /// More body than `Content-Length` declared.
    TooMuchBody,
    /// Less body than `Content-Length` declared.
    TooLittleBody(u64),
    /// Body for a status that has none.
    BodyForStatus(u16),
    /// More body for HEAD after the head was sent: the client would never see it.
    BodyForHead,
    /// A body that the handler has split into chunks itself.
    OwnChunks,
    /// A trailer field before `end_headers`.
    TrailerBeforeHead,
    /// A trailer field after the end of the response.
    TrailerAfterEnd,
    /// A trailer field for a status whose response has no chunked body.
    TrailerForStatus(u16),
    /// A trailer field from a handler that speaks HTTP/1.0.
    TrailerInHttp10,
    /// A trailer field after a declared length.
    TrailerWithLength,
    /// A field that must not be a trailer field.
    TrailerName(String),
    /// More trailer fields than a response may have.
    TrailersTooLarge,
    /// There is no request to answer.
    NoRequest,
    /// The handler made no response.
    NoReply,
    /// The handler began a head and did not end it.
    OpenHead,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StatusCode(code) => write!(f, "status code {code}: it must have three digits"),
            Self::Reason(c) => write!(f, "{} in the message of a status line: {}", Named(*c), reason_for(*c)),
            Self::SecondStatusLine => {
                f.write_str("send_response() twice: call end_headers() after the first")
            }
            Self::HeadAfterHead => f.write_str(
                "a field or another response after end_headers(): what follows is the body, write it to wfile",
            ),
            Self::SentAlready => f.write_str("the response, or a part of it, was sent and cannot be taken back"),
            Self::NoStatusLine => {
                f.write_str("send_header() or end_headers() without send_response() before it")
            }
            Self::FieldName(name) => {
                write!(f, "header name {name:?} is not a token (RFC 9110 section 5.6.2)")
            }
            Self::FieldValue(name, c) => {
                write!(f, "{} in the value of the header {name:?}: {}", Named(*c), reason_for(*c))
            }
            Self::Unprintable(name) => {
                write!(f, "the value of the header {name:?}: its Display returned an error")
            }
            Self::ContentLength(value) => write!(f, "Content-Length {value:?} is not a number of bytes"),
            Self::TransferEncoding(value) => {
                write!(f, "Transfer-Encoding {value:?}: only \"chunked\" is possible; the server then makes the chunks")
            }
            Self::TwoFramings => {
                f.write_str("Content-Length or Transfer-Encoding was sent before: send one of them, once")
            }
            Self::SwitchingInHttp10 => {
                f.write_str("status 101 in HTTP/1.0, which does not know it (RFC 9110 section 15.2)")
            }
            Self::BodyBeforeHead => {
                f.write_str("body written before end_headers(): call send_response() and end_headers() first")
            }
            Self::SecondResponse => f.write_str(
                "a value was returned after send_response() or send_error(): do one of the two",
            ),
            Self::AfterErrorPage => {
                f.write_str("more of a response after send_error(), whose page is complete: return after it")
            }
            Self::TooMuchBody => f.write_str("more body written than Content-Length declared"),
            Self::TooLittleBody(missing) => {
                write!(f, "{missing} bytes of body are missing: Content-Length declared more")
            }
            Self::BodyForStatus(code) => {
                write!(f, "a response with status {code} has no body (RFC 9110 section 6.4.1)")
            }
            Self::BodyForHead => f.write_str("the response to HEAD is complete, its body is not sent"),
            Self::OwnChunks => f.write_str(
                "the body is written in chunks, as Python's handlers must do it: the server makes the chunks, write only the data",
            ),
            Self::TrailerBeforeHead => f.write_str(
                "a trailer field before end_headers(): call send_response() and end_headers() first",
            ),
            Self::TrailerAfterEnd => f.write_str(
                "a trailer field after the end of the response: call send_trailer() before the method returns",
            ),
            Self::TrailerForStatus(code) => write!(
                f,
                "a response with status {code} to this method has no chunked body, and so no trailer fields \
                 (RFC 9112 section 7.1.2): do not call send_trailer() for it"
            ),
            Self::TrailerInHttp10 => {
                f.write_str("a trailer field in HTTP/1.0: set protocol_version to \"HTTP/1.1\"")
            }
            Self::TrailerWithLength => f.write_str(
                "a trailer field after Content-Length: leave Content-Length out, so that the body is sent in chunks",
            ),
            Self::TrailerName(name) => write!(
                f,
                "{name:?} must not be a trailer field (RFC 9110 section 6.5.1): send it with send_header()"
            ),
            Self::TrailersTooLarge => f.write_str("more than 16 KiB of trailer fields: send fewer or shorter ones"),
            Self::NoRequest => f.write_str("a response without a request: setup() and finish() have none"),
            Self::NoReply => {
                f.write_str("the handler returned without a response: call send_response() or send_error()")
            }
            Self::OpenHead => f.write_str("the handler returned without end_headers()"),
        }
    }
}

impl Error for Misuse {}

/// Shows a character's number, too, since it may be invisible.
struct Named(char);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u32::from(self.0);
        if self.0.is_control() {
            write!(f, "U+{number:04X}")
        } else {
            write!(f, "{} (U+{number:04X})", self.0)
        }
    }
}

fn reason_for(c: char) -> &'static str {
    if c > '\u{ff}' {
        "heads are latin-1, so encode characters above U+00FF"
    } else {
        "a control character would break the head"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_character_and_the_reason() {
        for (misuse, message) in [
            (
                Misuse::Reason('\n'),
                "U+000A in the message of a status line: a control character would break the head",
            ),
            (
                Misuse::FieldValue("X".to_owned(), '\u{20ac}'),
                "\u{20ac} (U+20AC) in the value of the header \"X\": heads are latin-1, so encode characters above U+00FF",
            ),
            (
                Misuse::FieldValue("X".to_owned(), '\u{100}'),
                "\u{100} (U+0100) in the value of the header \"X\": heads are latin-1, so encode characters above U+00FF",
            ),
            (Misuse::StatusCode(42), "status code 42: it must have three digits"),
        ] {
            assert_eq!(misuse.to_string(), message);
        }
        assert_eq!(reason_for('\u{ff}'), reason_for('\n'), "that is the last of Latin-1");
    }
}
