//! A parsed response.

use std::borrow::Cow;
use std::fmt;
#[cfg(feature = "json")]
use std::io;

use crate::handler::{Headers, Message};
use crate::proto::chunked::{ChunkStep, ChunkedDecoder};
use crate::proto::limits::Limits;

/// A response of a handler.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Response {
    /// The version in the status line; `HTTP/0.9` for a response without one.
    pub version: String,
    /// The status code; 0 for a response without a status line.
    pub status: u16,
    /// The message in the status line.
    pub reason: String,
    /// The header fields.
    pub headers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The trailer fields after a chunked body.
    pub trailers: Headers,
    /// The interim (1xx) responses before this one.
    pub interim: Vec<Response>,
    /// Whether the server waited for another request after this response.
    pub stays_open: bool,
    /// Whether the body ends before its framing says so, or with a reset of the connection.
    pub truncated: bool,
}

/// Shows the body as text.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("version", &self.version)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &self.headers)
            .field("body", &self.text())
            .field("trailers", &self.trailers)
            .field("interim", &self.interim)
            .field("stays_open", &self.stays_open)
            .field("truncated", &self.truncated)
            .finish()
    }
}

impl Response {
    /// The value of the first header field with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body, parsed as JSON. `Content-Type` is ignored.
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the body is not valid JSON for a `T`. The error gives the reason, the status
    /// and the beginning of the body.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// use std::collections::BTreeMap;
    /// use basehttp::testing::client;
    ///
    /// struct Users { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Users {
    ///     fn do_GET(&self) -> std::io::Result<()> {
    ///         self.send_response(200);
    ///         self.send_header("Content-Type", "application/json");
    ///         self.end_headers()?;
    ///         self.wfile.write_all(br#"{"Ann": 42}"#)
    ///     }
    /// }
    ///
    /// let response = client(|base| Users { base }).get("/users");
    /// let ages: BTreeMap<String, u32> = response.json()?;
    /// assert_eq!(ages["Ann"], 42);
    /// let error = response.json::<Vec<u32>>().unwrap_err();
    /// let text = "the body of the 200 is not the expected JSON: \
    ///             invalid type: map, expected a sequence at line 1 column 0: {\"Ann\": 42}";
    /// assert_eq!(error.to_string(), text);
    /// # std::io::Result::Ok(())
    /// ```
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> io::Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let (status, text) = (self.status, self.text());
            let shown = text.char_indices().nth(MOST_SHOWN).map_or(&*text, |(end, _)| &text[..end]);
            let text = format!("the body of the {status} is not the expected JSON: {error}: {shown}");
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// Whether another response follows this one (RFC 9110 section 15.2). Nothing follows a 101.
    pub(super) fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// Parses the bytes that answer one request.
    pub(super) fn parse(mut bytes: &[u8], head: bool) -> Self {
        let mut interim = Vec::new();
        loop {
            let Some((mut response, rest)) = Self::parse_head(bytes) else {
                let version = "HTTP/0.9".to_owned();
                return Self { version, body: bytes.to_vec(), interim, ..Self::default() };
            };
            if response.is_interim() && !rest.is_empty() {
                interim.push(response);
                bytes = rest;
                continue;
            }
            if head || matches!(response.status, 100..=199 | 204 | 304) {
                response.body = rest.to_vec();
            } else {
                response.read_body(rest);
            }
            return Self { interim, ..response };
        }
    }

    fn parse_head(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, rest) = bytes.split_at_checked(end + 4)?;
        let mut lines =
            head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut response = Self::default();
        let status_line: String = lines.next()?.iter().map(|byte| char::from(*byte)).collect();
        let mut words = status_line.splitn(3, ' ');
        words.next().filter(|word| word.starts_with("HTTP/"))?.clone_into(&mut response.version);
        response.status = words.next()?.parse().ok()?;
        words.next().unwrap_or_default().clone_into(&mut response.reason);
        for line in lines.filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            let value = value.strip_prefix(b":")?.trim_ascii();
            response.headers.append(std::str::from_utf8(name).ok()?, value);
        }
        Some((response, rest))
    }

    fn read_body(&mut self, mut rest: &[u8]) {
        if self.header("transfer-encoding").is_none() {
            let declared = self.header("content-length").and_then(|length| length.parse::<usize>().ok());
            self.body = rest.to_vec();
            self.truncated = declared.is_some_and(|length| rest.len() < length);
            return;
        }
        // No limit on trailer fields: a handler may send as many as fit.
        let mut decoder = ChunkedDecoder::new(Limits { fields: usize::MAX, ..Limits::default() });
        loop {
            match decoder.step(rest) {
                Ok(ChunkStep::Data { skip, len }) => {
                    let (_, data) = rest.split_at(skip);
                    let (data, after) = data.split_at(len);
                    self.body.extend_from_slice(data);
                    rest = after;
                }
                Ok(ChunkStep::End { .. }) => break,
                Ok(ChunkStep::NeedMore { .. }) | Err(_) => {
                    self.truncated = true;
                    break;
                }
            }
        }
        let (bytes, fields) = decoder.trailers();
        for field in fields {
            let name = std::str::from_utf8(field.name.of(bytes)).unwrap_or_default();
            self.trailers.append(name, field.value.of(bytes));
        }
    }
}

/// The number of characters of a body that an error shows.
#[cfg(feature = "json")]
const MOST_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// Its bytes above 0x7F once came out as replacement characters.
    #[test]
    fn the_message_of_a_response_is_latin_1() {
        let response = Response::parse(b"HTTP/1.1 400 \xc4\r\nContent-Length: 0\r\n\r\n", false);
        assert_eq!(response.reason, "\u{c4}");
    }
}
