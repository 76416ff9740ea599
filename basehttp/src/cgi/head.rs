//! The head of a script's response: RFC 3875 section 6.

use crate::handler::request::latin1;
use crate::proto::grammar::{decimal, is_field_text, is_target, is_token_text, trim_blanks};

/// Collects a head as it arrives, up to the empty line.
#[derive(Debug, Default)]
pub(super) struct Collector {
    bytes: Vec<u8>,
    /// The beginning of the incomplete line.
    line: usize,
    /// Where the search for its end continues.
    seen: usize,
}

/// A head, and the bytes after it.
pub(super) type Whole = (Vec<u8>, Vec<u8>);

impl Collector {
    /// Takes more bytes. `Some` when the head is complete; `Err` when it has more bytes than `limit`.
    pub(super) fn take(&mut self, data: &[u8], limit: usize) -> Result<Option<Whole>, String> {
        self.bytes.extend_from_slice(data);
        while let Some(found) = memchr::memchr(b'\n', self.bytes.get(self.seen..).unwrap_or_default()) {
            let end = self.seen + found;
            let line = self.bytes.get(self.line..end).unwrap_or_default();
            let is_last = matches!(line, b"" | b"\r");
            (self.line, self.seen) = (end + 1, end + 1);
            if is_last {
                let rest = self.bytes.split_off(end + 1);
                Self::check(end + 1, limit)?;
                return Ok(Some((std::mem::take(&mut self.bytes), rest)));
            }
        }
        self.seen = self.bytes.len();
        Self::check(self.seen, limit).map(|()| None)
    }

    /// Whether nothing has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn check(len: usize, limit: usize) -> Result<(), String> {
        if len > limit { Err(format!("its head has more than {limit} bytes")) } else { Ok(()) }
    }
}

/// The parsed head of a script's response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ScriptHead {
    pub(super) status: Option<(u16, Option<String>)>,
    pub(super) location: Option<Location>,
    pub(super) content_length: Option<u64>,
    /// All other fields that are for the client.
    pub(super) fields: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// A path on this server, which answers it (section 6.2.2).
    Here(String),
    /// A redirect of the client.
    Elsewhere(String),
    /// The same, relative to the script.
    Relative(String),
}

impl ScriptHead {
    /// Parses a complete head. With `is_nph` it begins with a status line (section 5).
    pub(super) fn parse(bytes: &[u8], is_nph: bool, most_fields: usize) -> Result<Self, String> {
        let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut lines = lines.filter(|line| !line.is_empty());
        let mut head = Self::default();
        if is_nph {
            let line = lines.next().unwrap_or_default();
            head.status = Some(status_line(line).ok_or_else(|| bad("status line", line))?);
        }
        let mut location = None;
        let mut is_empty = !is_nph;
        for (number, line) in lines.enumerate() {
            if number >= most_fields {
                return Err(format!("its head has more than {most_fields} fields"));
            }
            is_empty = false;
            let (name, value) = field(line).ok_or_else(|| bad("header line", line))?;
            match name.to_ascii_lowercase().as_str() {
                "status" if !is_nph => {
                    let status = status(value).ok_or_else(|| bad("Status", line))?;
                    once(&mut head.status, status, line)?;
                }
                "location" => once(&mut location, latin1(value), line)?,
                "content-length" => {
                    let length = decimal(value).ok_or_else(|| bad("Content-Length", line))?;
                    once(&mut head.content_length, length, line)?;
                }
                other if OURS.contains(&other) || (!is_nph && STAMPS.contains(&other)) => {}
                _ => head.fields.push((name.to_owned(), latin1(value))),
            }
        }
        if is_empty {
            return Err("its head has no fields".to_owned());
        }
        let has_status = head.status.is_some();
        head.location = match location {
            // Such a script's fields are not interpreted.
            Some(location) if is_nph => Some(Location::Elsewhere(location)),
            Some(location) => Some(place(location, has_status)?),
            None => None,
        };
        Ok(head)
    }
}

/// Fields that only the server may set: they frame a response or control the connection.
const OURS: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Fields that `send_response` has already set.
const STAMPS: [&str; 2] = ["date", "server"];

fn field(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = (line.get(..colon)?, trim_blanks(line.get(colon + 1..)?));
    if name.is_empty() || !is_token_text(name) || !value.iter().all(|byte| is_field_text(*byte)) {
        return None;
    }
    Some((std::str::from_utf8(name).ok()?, value))
}

/// `Status: 404 Not Found` (section 6.3.3). Rejects 1xx, which is not a final response: 101 would end HTTP on this
/// connection.
fn status(value: &[u8]) -> Option<(u16, Option<String>)> {
    let (code, reason) = value.split_at_checked(3)?;
    let code = u16::try_from(decimal(code)?).ok().filter(|code| *code >= 200)?;
    match reason {
        [] => Some((code, None)),
        [b' ', reason @ ..] => {
            let reason = latin1(trim_blanks(reason));
            Some((code, Some(reason).filter(|reason| !reason.is_empty())))
        }
        _ => None,
    }
}

fn status_line(line: &[u8]) -> Option<(u16, Option<String>)> {
    let rest = line.strip_prefix(b"HTTP/")?;
    let (version, rest) = rest.split_at(memchr::memchr(b' ', rest)?);
    if !line.iter().all(|byte| is_field_text(*byte)) || !matches!(version, b"1.0" | b"1.1") {
        return None;
    }
    status(trim_blanks(rest))
}

/// The kind of a location. Without a status, the server answers a path itself.
fn place(location: String, has_status: bool) -> Result<Location, String> {
    // In a reference without a scheme, the text before the first colon is not a valid scheme: it contains a slash, for
    // example (RFC 3986 section 4.2).
    let before_colon = location.split_once(':').map_or("/", |(before, _)| before);
    let is_scheme = before_colon.starts_with(|c: char| c.is_ascii_alphabetic())
        && before_colon.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_relative =
        !location.is_empty() && !location.starts_with('/') && before_colon.contains(['/', '?', '#']);
    // Stricter than RFC 3986: without a status, two slashes and a host are rejected. A script that redirects clients to a
    // path they supplied (`Location: $next`) does not mean another host.
    let is_local =
        location.starts_with('/') && !location.starts_with("//") && location.bytes().all(is_target);
    match (is_scheme, is_relative, has_status) {
        (true, _, _) => Ok(Location::Elsewhere(location)),
        (_, true, _) => Ok(Location::Relative(location)),
        (_, _, true) => Ok(Location::Elsewhere(location)),
        _ if is_local => Ok(Location::Here(location)),
        _ => Err(bad("Location", location.as_bytes())),
    }
}

/// Section 6.3: each of these fields at most once.
fn once<T>(place: &mut Option<T>, value: T, line: &[u8]) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(bad("repeated field", line)),
    }
}

fn bad(what: &str, line: &[u8]) -> String {
    const SHOWN: usize = 200;
    let line = line.get(..SHOWN).unwrap_or(line);
    format!("bad {what} in its head: {:?}", String::from_utf8_lossy(line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<ScriptHead, String> {
        ScriptHead::parse(text.as_bytes(), false, 5)
    }

    #[test]
    fn heads() {
        let head = parse("Content-Type: text/plain\r\nstatus: 404 Nothing here\nX:  y \r\n\r\n").unwrap();
        assert_eq!(head.status, Some((404, Some("Nothing here".to_owned()))));
        let fields = [("Content-Type", "text/plain"), ("X", "y")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(head.fields, fields);
        let head =
            parse("Content-Length: 12\nTransfer-Encoding: chunked\nConnection: close\nDate: x\n\n").unwrap();
        assert_eq!((head.content_length, head.fields.len()), (Some(12), 0));
        let nph = ScriptHead::parse(b"HTTP/1.0 201 Made\nDate: x\n\n", true, 5).unwrap();
        assert_eq!((nph.status, nph.fields.len()), (Some((201, Some("Made".to_owned()))), 1));
    }

    #[test]
    fn locations() {
        let location = |text: &str| parse(text).map(|head| head.location.unwrap());
        assert_eq!(location("Location: /a?b\n\n"), Ok(Location::Here("/a?b".to_owned())));
        let elsewhere = |text: &str| Ok(Location::Elsewhere(text.to_owned()));
        assert_eq!(location("Location: http://a/b\n\n"), elsewhere("http://a/b"));
        assert_eq!(location("Status: 302 Found\nLocation: /b\n\n"), elsewhere("/b"));
        assert_eq!(location("Status: 302 Found\nLocation: //b\n\n"), elsewhere("//b"));
        for text in ["a", "./a:b", "?q", "#a", "../up", "?http://a/", "a b", "\\\\host"] {
            for status in ["", "Status: 301\n"] {
                let found = location(&format!("{status}Location: {text}\n\n"));
                assert_eq!(found, Ok(Location::Relative(text.to_owned())), "{status}{text}");
            }
        }
        let nph = ScriptHead::parse(b"HTTP/1.0 302 Found\nLocation: a\n\n", true, 5).unwrap();
        assert_eq!(nph.location, Some(Location::Elsewhere("a".to_owned())));
        for text in ["Location: //host/a\n\n", "Location: 1a:b\n\n", "Location: \n\n", "Location: /a b\n\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_head() {
        for text in [
            "\n",
            "no colon\n\n",
            "Name : value\n\n",
            ": value\n\n",
            "A: b\n c\n\n",
            "A: b\0\n\n",
            "A: b\rc\n\n",
            "HTTP/1.1 200 OK\nA: b\n\n",
            "Status: 99\n\n",
            "Status: 100\n\n",
            "Status: 101 Switching\n\n",
            "Status: +20\n\n",
            "Status: 2000\n\n",
            "Status: 200\nStatus: 200\n\n",
            "Content-Length: -1\n\n",
            "Content-Length: 1, 1\n\n",
            "Content-Length: 1\nContent-Length: 1\n\n",
            "a: b\na: b\na: b\na: b\na: b\na: b\n\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for text in ["HTTP/2 200 OK\n\n", "200 OK\n\n", "HTTP/1.1 20\n\n", "\n", "HTTP/1.1 100 Continue\n\n"]
        {
            assert!(ScriptHead::parse(text.as_bytes(), true, 5).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_found_however_it_comes(pieces in prop::collection::vec(prop::collection::vec(
            prop::sample::select(b"ab:\r\n ".to_vec()), 0..6), 0..8))
        {
            let whole = pieces.concat();
            let mut at_once = Collector::default();
            let wanted = at_once.take(&whole, 1000).unwrap();
            let mut collector = Collector::default();
            let mut found = None;
            for piece in &pieces {
                match &mut found {
                    None => found = collector.take(piece, 1000).unwrap(),
                    Some((_, rest)) => rest.extend_from_slice(piece),
                }
            }
            prop_assert_eq!(&found, &wanted);
            if let Some((head, _)) = found {
                let _ = ScriptHead::parse(&head, false, 3);
                let _ = ScriptHead::parse(&head, true, 3);
            }
        }
    }

    #[test]
    fn a_head_without_end_is_too_long() {
        let mut collector = Collector::default();
        assert_eq!(collector.take(b"a: b\n", 10), Ok(None));
        assert!(collector.take(b"c: defghi", 10).is_err());
        assert!(Collector::default().take(b"a: bcdefghijkl\n\n", 10).is_err());
        assert!(Collector::default().take(b"a: b\n\nbody that is long", 10).unwrap().is_some());
    }
}
