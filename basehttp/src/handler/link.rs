//! Links to routes: the path of a function.

use std::fmt::{Display, Write as _};

/// A builder for the path of a route with the values of its parameters.
#[derive(Debug, Default)]
pub struct Link {
    text: String,
    has_query: bool,
}

/// A value that a link accepts for a parameter of type `T`.
#[diagnostic::on_unimplemented(
    message = "this link takes a value of type `{T}`, which must implement `Display`",
    label = "expected `{T}` or `&{T}`"
)]
pub trait LinkValue<T: ?Sized> {
    /// The value as text.
    fn text(&self) -> String;
}

impl<T: Display> LinkValue<T> for T {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl<T: Display> LinkValue<T> for &T {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Link {
    /// An empty link.
    pub const fn new() -> Self {
        Self { text: String::new(), has_query: false }
    }

    /// Adds a segment of the pattern.
    #[must_use]
    pub fn literal(mut self, segment: &str) -> Self {
        self.text.push('/');
        encode(&mut self.text, segment, is_of_segment);
        self
    }

    /// Adds the value of a parameter for one segment.
    #[must_use]
    pub fn segment(self, value: &str) -> Self {
        self.literal(value)
    }

    /// Adds the value of a parameter for the rest of the path. Its slashes are kept, except one at the beginning or after
    /// another slash: a link that begins with two slashes leads to another host.
    #[must_use]
    pub fn rest(mut self, value: &str) -> Self {
        self.text.push('/');
        let mut before = b'/';
        for byte in value.bytes() {
            let is_slash = byte == b'/' && before != b'/';
            encode_byte(&mut self.text, byte, is_slash || is_of_segment(byte));
            before = byte;
        }
        self
    }

    /// Adds a parameter of the query.
    #[must_use]
    pub fn query(mut self, key: &str, value: &str) -> Self {
        self.text.push(if std::mem::replace(&mut self.has_query, true) { '&' } else { '?' });
        encode(&mut self.text, key, is_of_query);
        self.text.push('=');
        encode(&mut self.text, value, is_of_query);
        self
    }

    /// Returns the link.
    pub fn finish(self) -> String {
        self.text
    }
}

/// RFC 3986 section 3.3: `pchar`, except percent signs.
fn is_of_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

/// Bytes that are not encoded in a query or a form (WHATWG URL, section 5.2), except blanks.
fn is_of_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn encode(to: &mut String, text: &str, stays: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        encode_byte(to, byte, stays(byte));
    }
}

fn encode_byte(to: &mut String, byte: u8, stays: bool) {
    if stays { to.push(char::from(byte)) } else { push_encoded(to, byte) }
}

/// Percent-encodes the characters that are not allowed in a URL. Looser than RFC 3986: browsers do not encode `|` and some others.
pub(crate) fn fit_for_a_target(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode(&mut encoded, text, |byte| byte.is_ascii_graphic());
    encoded
}

/// Encodes a name or a value as a browser does in the body of a form (WHATWG URL, section 5.2).
pub(crate) fn push_form_text(to: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => to.push('+'),
            b'*' | b'-' | b'.' | b'_' => to.push(char::from(byte)),
            _ => encode_byte(to, byte, byte.is_ascii_alphanumeric()),
        }
    }
}

/// RFC 3986 section 2.1.
fn push_encoded(to: &mut String, byte: u8) {
    let _ = write!(to, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_begins_with_two_slashes() {
        let rest = |value| Link::new().rest(value).finish();
        assert_eq!(["/evil.example", "a//b/", "//"].map(rest), ["/%2Fevil.example", "/a/%2Fb/", "/%2F%2F"]);
        assert_eq!(Link::new().segment("/x").finish(), "/%2Fx");
    }

    #[test]
    fn what_means_something_in_a_link_is_encoded() {
        let link = Link::new()
            .literal("a b")
            .segment("x/y?z#%é")
            .rest("c/d e")
            .query("q", "a&b=c+d e")
            .query("é", "");
        assert_eq!(link.finish(), "/a%20b/x%2Fy%3Fz%23%25%C3%A9/c/d%20e?q=a%26b%3Dc%2Bd%20e&%C3%A9=");
    }
}
