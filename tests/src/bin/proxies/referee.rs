//! The requests in the bytes that a proxy sent to a server, by the letter of RFC 9112: one reading, without tolerance. It
//! knows nothing of the server that is tested.
//!
//! A proxy marks each request that it passes on with a field that no client here can send. So the marks show how many
//! requests the proxy believes there are, and where they begin.

use basehttp_tests::grammar::{after_blanks, are_chunk_extensions, is_text, is_token, trim_blanks};
use basehttp_tests::strict::Version;

/// The field with which a proxy marks its requests.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) name: &'static str,
    /// How its value begins.
    pub(crate) value: String,
}

impl Mark {
    /// How often it is in these bytes, wherever they come from.
    pub(crate) fn count(&self, bytes: &[u8]) -> usize {
        let wanted = format!("{}:", self.name);
        let begins = |window: &[u8]| window.eq_ignore_ascii_case(wanted.as_bytes());
        let places = bytes.windows(wanted.len()).enumerate().filter(|(_, window)| begins(window));
        places
            .filter(|(at, _)| {
                let value = bytes[at + wanted.len()..].trim_ascii_start();
                value.starts_with(self.value.as_bytes())
            })
            .count()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) version: Version,
    /// How often the mark is in its head.
    pub(crate) marks: usize,
    pub(crate) body: Vec<u8>,
    /// Whether it has chunk extensions or trailer fields that a server may refuse.
    pub(crate) may_be_refused: bool,
}

/// What is next in the bytes.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Request(Request),
    /// A request that is none by the RFC, why, and its head if the fault is behind that. What follows has no meaning.
    Bad(&'static str, Option<Request>),
    /// The same for a fault inside its body.
    BadBody(&'static str, Request),
    /// A request whose end is missing, with its head if that is complete. Its body is what there is, with the framing.
    Incomplete(Option<Request>),
}

/// All of them. The bytes after a `Bad` or an `Incomplete` are not read.
pub(crate) fn split(bytes: &[u8], mark: &Mark) -> Vec<Item> {
    let mut input = Input { bytes, at: 0 };
    let mut items = Vec::new();
    loop {
        // RFC 9112 section 2.2: empty lines before a request are ignored.
        while input.rest().starts_with(b"\r\n") {
            input.at += 2;
        }
        if input.rest().is_empty() {
            return items;
        }
        let item = next(&mut input, mark);
        let goes_on = matches!(item, Item::Request(_));
        items.push(item);
        if !goes_on {
            return items;
        }
    }
}

fn next(input: &mut Input<'_>, mark: &Mark) -> Item {
    let (head, fields) = match head(input, mark) {
        Ok(Some(head)) => head,
        Ok(None) => return Item::Incomplete(None),
        Err(why) => return Item::Bad(why, None),
    };
    let after = input.rest();
    match body(input, &head, &fields) {
        Ok(Some(Body { data, may_be_refused })) => {
            Item::Request(Request { body: data, may_be_refused, ..head })
        }
        Ok(None) => Item::Incomplete(Some(Request { body: after.to_vec(), ..head })),
        Err(why) if is_chunked(&fields) => Item::BadBody(why, head),
        Err(why) => Item::Bad(why, Some(head)),
    }
}

/// Whether chunks are all that frames the body.
fn is_chunked(fields: &[Field<'_>]) -> bool {
    let framing = |field: &&Field<'_>| {
        [&b"transfer-encoding"[..], b"content-length"].iter().any(|name| field.0.eq_ignore_ascii_case(name))
    };
    let mut framing = fields.iter().filter(framing);
    framing.next().is_some_and(|field| field.1.eq_ignore_ascii_case(b"chunked")) && framing.next().is_none()
}

/// The request line and the fields. `None` if their end is missing.
fn head<'a>(input: &mut Input<'a>, mark: &Mark) -> Result<Option<(Request, Vec<Field<'a>>)>, &'static str> {
    let Some(line) = input.line()? else { return Ok(None) };
    let mut head = request_line(line)?;
    let Some(fields) = fields(input)? else { return Ok(None) };
    let is_mark = |field: &&Field<'_>| {
        field.0.eq_ignore_ascii_case(mark.name.as_bytes()) && field.1.starts_with(mark.value.as_bytes())
    };
    head.marks = fields.iter().filter(is_mark).count();
    Ok(Some((head, fields)))
}

#[derive(Default)]
struct Body {
    data: Vec<u8>,
    may_be_refused: bool,
}

/// RFC 9112 section 6.3. `None` if the end is missing.
fn body(input: &mut Input<'_>, head: &Request, fields: &[Field<'_>]) -> Result<Option<Body>, &'static str> {
    let all = |wanted: &str| {
        let named = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        named.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    match (all("transfer-encoding").as_slice(), all("content-length").as_slice()) {
        ([], []) => Ok(Some(Body::default())),
        ([], [length]) => {
            let length = decimal(length).ok_or("a Content-Length that is no number")?;
            Ok(input.take(length).map(|data| Body { data: data.to_vec(), may_be_refused: false }))
        }
        ([], _) => Err("two fields Content-Length"),
        ([coding], []) if head.version == Version::Http11 => {
            if !coding.eq_ignore_ascii_case(b"chunked") {
                return Err("a transfer coding other than chunked");
            }
            chunked(input)
        }
        ([_], []) => Err("Transfer-Encoding in HTTP/1.0"),
        (_, []) => Err("two fields Transfer-Encoding"),
        _ => Err("Transfer-Encoding beside Content-Length"),
    }
}

/// RFC 9112 section 3: `method SP request-target SP HTTP-version`.
fn request_line(line: &[u8]) -> Result<Request, &'static str> {
    let parts = line.split(|byte| *byte == b' ').collect::<Vec<_>>();
    let [method, target, version] = parts.as_slice() else {
        return Err("a request line that is not of three parts");
    };
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err("a method that is no token");
    }
    if target.is_empty() || !target.iter().all(|byte| *byte > b' ' && *byte != 0x7f) {
        return Err("a target with a control character");
    }
    let version = match *version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        _ => return Err("another version"),
    };
    let method = String::from_utf8_lossy(method).into_owned();
    Ok(Request {
        method,
        target: target.to_vec(),
        version,
        marks: 0,
        body: Vec::new(),
        may_be_refused: false,
    })
}

type Field<'a> = (&'a [u8], &'a [u8]);

/// RFC 9112 section 5. `None` if the empty line after them is missing.
fn fields<'a>(input: &mut Input<'a>) -> Result<Option<Vec<Field<'a>>>, &'static str> {
    let mut fields = Vec::new();
    loop {
        let line = match input.line()? {
            None => return Ok(None),
            Some([]) => return Ok(Some(fields)),
            Some(line) => line,
        };
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err("a folded line");
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a field without a colon")?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err("a field name that is no token");
        }
        if !value.iter().all(|byte| is_text(*byte)) {
            return Err("a control character in a field");
        }
        fields.push((name, trim_blanks(value)));
    }
}

/// RFC 9112 section 7.1. `None` if the end is missing.
fn chunked(input: &mut Input<'_>) -> Result<Option<Body>, &'static str> {
    let mut body = Body::default();
    loop {
        let Some(line) = input.line()? else { return Ok(None) };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let after = &line[digits..];
        if digits == 0 || !(after.is_empty() || after_blanks(after).starts_with(b";")) {
            return Err("a chunk size that is no number");
        }
        if !are_chunk_extensions(after) {
            return Err("a malformed chunk extension");
        }
        body.may_be_refused |= after.len() > SHORT;
        let size =
            std::str::from_utf8(&line[..digits]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.ok_or("a chunk size that is too large")?;
        if size == 0 {
            let Some(trailers) = fields(input)? else { return Ok(None) };
            body.may_be_refused |= trailers.iter().any(is_refusable);
            return Ok(Some(body));
        }
        let Some(data) = input.take(size) else { return Ok(None) };
        body.data.extend_from_slice(data);
        match input.rest() {
            [b'\r', b'\n', ..] => input.at += 2,
            [] | [b'\r'] => return Ok(None),
            _ => return Err("a chunk that does not end where its size says"),
        }
    }
}

/// A chunk extension or a trailer field up to this length is below all limits.
const SHORT: usize = 200;

/// Whether a server may refuse it as a trailer field: RFC 9110 section 6.5.1.
fn is_refusable(field: &Field<'_>) -> bool {
    const NAMES: &[&str] =
        &["authorization", "connection", "content-length", "host", "trailer", "transfer-encoding"];
    let (name, value) = field;
    name.len() + value.len() > SHORT || NAMES.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

fn decimal(text: &[u8]) -> Option<usize> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok()
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    /// The next line without its end. `None` if its end is missing.
    fn line(&mut self) -> Result<Option<&'a [u8]>, &'static str> {
        let rest = self.rest();
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) else {
            return Ok(None);
        };
        match &rest[end..] {
            [b'\r', b'\n', ..] => {
                self.at += end + 2;
                Ok(Some(&rest[..end]))
            }
            [b'\r'] => Ok(None),
            [b'\r', ..] => Err("a bare CR"),
            [0, ..] => Err("a NUL"),
            _ => Err("a bare LF"),
        }
    }
}
