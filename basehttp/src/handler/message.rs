//! The header fields of a request.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;

use crate::proto::grammar::is_token_text;

/// A type that collects the header fields of a request: Python's `MessageClass`.
///
/// The default is [`Headers`]. With the feature `http`, it is also implemented for `http::HeaderMap`. The server never reads
/// framing from it.
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::Message;
///
/// /// Counts the fields of a request.
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl Message for Count {
///     fn append(&mut self, _name: &str, _value: &[u8]) {
///         self.0 += 1;
///     }
/// }
///
/// struct Counting { base: BaseHTTPRequestHandler<Count> }
///
/// #[http_handler]
/// impl Counting {
///     type MessageClass = Count;
///
///     fn do_GET(&self) -> std::io::Result<()> {
///         self.send_response(200);
///         self.end_headers()?;
///         write!(self.wfile, "{}", self.headers().0)
///     }
/// }
///
/// let responses = basehttp::testing::respond(|base| Counting { base }, b"GET / HTTP/1.0\r\na: 1\r\nb: 2\r\n\r\n");
/// assert_eq!(responses[0].body, b"2");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot collect the header fields of a request",
    note = "use `Headers`, `http::HeaderMap` with the feature `http`, or implement `basehttp::Message`"
)]
pub trait Message: Default + Send + 'static {
    /// Adds the next field: its name as it was sent, and its value as raw bytes without the white space around it.
    fn append(&mut self, name: &str, value: &[u8]);
}

/// Header fields in the order in which they arrived, with names spelled as they were sent and duplicates kept. Names are
/// compared without regard to case (RFC 9110 section 5.1). Values are text in latin-1, as in Python.
///
/// ```
/// use basehttp::{Headers, Message};
///
/// let mut headers = Headers::default();
/// headers.append("Accept", b"text/html");
/// headers.append("X-Name", b"J\xe9r\xf4me");
/// headers.append("accept", b"*/*");
/// assert_eq!(headers.get("ACCEPT"), Some("text/html"));
/// assert_eq!(headers.get_all("accept").collect::<Vec<_>>(), ["text/html", "*/*"]);
/// assert_eq!(headers.get("x-name"), Some("Jérôme"));
/// assert_eq!(headers.get_bytes("x-name").as_deref(), Some(&b"J\xe9r\xf4me"[..]));
/// assert_eq!(headers.iter().next(), Some(("Accept", "text/html")));
/// ```
///
/// Pairs of names and values can be collected and appended (`collect`, `extend`). Two `Headers` are equal if they mean the same.
#[doc(alias("HeaderMap", "fields"))]
#[derive(Clone, Default)]
pub struct Headers {
    text: String,
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Headers {
    /// The value of the first field with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    /// The values of all fields with this name.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    /// The value of the first field with this name, as the bytes that were received.
    pub fn get_bytes(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.get(name).map(latin1)
    }

    /// The values of all fields with this name, as the bytes that were received.
    pub fn get_all_bytes<'a>(&'a self, name: &str) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.get_all(name).map(latin1)
    }

    /// Whether there is a field with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All fields, name and value.
    pub fn iter(&self) -> HeadersIter<'_> {
        HeadersIter { text: &self.text, fields: self.fields.iter() }
    }

    /// The number of fields, duplicates included.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Sets a field to this value. If there are fields with this name, the first one is replaced and the others are removed;
    /// else the field is appended.
    ///
    /// It does not change the request's own fields. Use it on a copy of them, for a request that you send yourself:
    ///
    /// ```
    /// use basehttp::{Headers, Message};
    ///
    /// let mut request = Headers::default();
    /// request.append("Host", b"here.example");
    /// request.append("Cookie", b"a=1");
    /// request.append("cookie", b"b=2");
    ///
    /// let mut forwarded = request.clone();
    /// forwarded.set("Host", "there.example")?;
    /// forwarded.set("X-Forwarded-Proto", "http")?;
    /// assert!(forwarded.remove("Cookie"));
    /// let fields = [("Host", "there.example"), ("X-Forwarded-Proto", "http")];
    /// assert_eq!(forwarded.iter().collect::<Vec<_>>(), fields);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a name that is not a token (RFC 9110 section 5.6.2), and for a value that
    /// has a line end, a NUL, or a character that is not in latin-1.
    pub fn set(&mut self, name: &str, value: &str) -> io::Result<()> {
        let invalid = |text: String| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        if !is_token_text(name.as_bytes()) {
            return invalid(format!(
                "{name:?} cannot be the name of a field: letters, digits and some punctuation are allowed"
            ));
        }
        if value.contains(is_not_for_values) {
            let what = "has a line end, a NUL, or a character that is not in latin-1";
            return invalid(format!("the value of {name} {what}: {value:?}"));
        }
        let place = self.iter().position(|field| field.0.eq_ignore_ascii_case(name));
        let value = self.push(|text| text.push_str(value));
        let Some(place) = place else {
            let name = self.push(|text| text.push_str(name));
            self.fields.push(Field { name, value });
            return Ok(());
        };
        let mut at = 0;
        let text = &self.text;
        self.fields.retain(|field| {
            at += 1;
            at - 1 <= place || !text[field.name.clone()].eq_ignore_ascii_case(name)
        });
        self.fields[place].value = value;
        Ok(())
    }

    /// Removes all fields with this name, and returns whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        let (before, text) = (self.fields.len(), &self.text);
        self.fields.retain(|field| !text[field.name.clone()].eq_ignore_ascii_case(name));
        self.fields.len() < before
    }

    /// All fields with lower-case names, sorted by name; fields with one name keep their order.
    fn sorted(&self) -> Vec<(String, &str)> {
        let mut fields: Vec<_> =
            self.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    }

    fn push(&mut self, add: impl FnOnce(&mut String)) -> Range<usize> {
        let start = self.text.len();
        add(&mut self.text);
        start..self.text.len()
    }
}

fn is_not_for_values(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\0') || u32::from(c) > 0xff
}

impl Message for Headers {
    fn append(&mut self, name: &str, value: &[u8]) {
        let name = self.push(|text| text.push_str(name));
        let value = self.push(|text| push_latin1(text, value));
        self.fields.push(Field { name, value });
    }
}

#[cfg(feature = "http")]
impl Message for http::HeaderMap {
    fn append(&mut self, name: &str, value: &[u8]) {
        use http::header::{HeaderName, HeaderValue};

        // The parser accepts nothing that `http` would refuse. The map's limit on fields is above every sensible limit of
        // the server; a field beyond it is dropped.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            let _ = self.try_append(name, value);
        }
    }
}

impl<N: AsRef<str>, V: AsRef<str>> Extend<(N, V)> for Headers {
    /// Appends fields, for example those of other `Headers`. A field that [`set`](Headers::set) would refuse is left out, since
    /// the fields collected here may be sent.
    fn extend<T: IntoIterator<Item = (N, V)>>(&mut self, fields: T) {
        for (name, value) in fields {
            let (name, value) = (name.as_ref(), value.as_ref());
            if is_token_text(name.as_bytes()) && !value.contains(is_not_for_values) {
                self.append(name, &latin1(value));
            }
        }
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    /// Collects pairs of names and values. A field that [`set`](Headers::set) would refuse is left out, as in `extend`.
    fn from_iter<T: IntoIterator<Item = (N, V)>>(fields: T) -> Self {
        let mut headers = Self::default();
        headers.extend(fields);
        headers
    }
}

/// Equal if they mean the same: the same names, without regard to case, and for each name the same values in the same order.
/// The order of fields with different names has no meaning (RFC 9110 section 5.3).
///
/// ```
/// use basehttp::Headers;
///
/// let headers: Headers = [("Host", "example.org"), ("Accept", "text/html"), ("accept", "*/*")].into_iter().collect();
/// assert_eq!(headers, Headers::from_iter([("ACCEPT", "text/html"), ("Accept", "*/*"), ("host", "example.org")]));
/// assert_ne!(headers, Headers::from_iter([("Host", "example.org"), ("Accept", "*/*"), ("Accept", "text/html")]));
/// ```
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        // Sorted, not each field against each: a client decides how many there are.
        self.len() == other.len() && self.sorted() == other.sorted()
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a str);
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> HeadersIter<'a> {
        self.iter()
    }
}

/// The fields of [`Headers`], in order.
#[derive(Clone, Debug)]
pub struct HeadersIter<'a> {
    text: &'a str,
    fields: std::slice::Iter<'a, Field>,
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((&self.text[field.name.clone()], &self.text[field.value.clone()]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.name, self.value)
    }
}

/// The bytes of a value as it was received: every character is in latin-1.
fn latin1(value: &str) -> Cow<'_, [u8]> {
    if value.is_ascii() {
        return Cow::Borrowed(value.as_bytes());
    }
    Cow::Owned(value.chars().filter_map(|c| u8::try_from(c).ok()).collect())
}

/// The bytes of this text in latin-1, if it has no other characters.
pub(crate) fn latin1_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// Appends bytes as latin-1, whose characters are the first 256 of Unicode.
#[inline]
pub(crate) fn push_latin1(text: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(ascii) if bytes.is_ascii() => text.push_str(ascii),
        _ => text.extend(bytes.iter().map(|byte| char::from(*byte))),
    }
}
