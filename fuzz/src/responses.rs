//! A strict client: it reads responses by RFC 9112, accepts nothing that the RFC does not allow, and shares nothing with the crate.

use basehttp_tests::grammar::trim_blanks;

use crate::requests::is_token;
use crate::show;

/// What decides, in a request, how its response is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// HEAD.
    pub head: bool,
    /// CONNECT.
    pub connect: bool,
    /// A request of HTTP/0.9: the response has no head.
    pub headless: bool,
    /// The client speaks HTTP/1.1: it may get chunks and interim responses.
    pub speaks_1_1: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 0 for a response without a head.
    pub status: u16,
    pub reason: Vec<u8>,
    /// Names in lower case, values as they are after the colon and a blank.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
    /// The interim responses before it.
    pub interim: Vec<u16>,
    pub end: End,
    /// Whether the connection ends after it.
    pub closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By length, by the last chunk, or without a body.
    Framed,
    /// With the connection.
    WithConnection,
    /// Before the end that its framing gives.
    Truncated,
}

impl Response {
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |field| field.0 == name.as_bytes()).map(|field| &*field.1)
    }

    /// The fields except those of the framing, which may depend on how the input was cut.
    pub fn lasting_fields(&self) -> Vec<&(Vec<u8>, Vec<u8>)> {
        let is_framing = |name: &[u8]| name == b"content-length" || name == b"transfer-encoding";
        self.fields.iter().filter(|field| !is_framing(&field.0)).collect()
    }
}

struct Head {
    minor: u8,
    status: u16,
    reason: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Reads the response at the front of `output`, and returns its length.
///
/// # Errors
/// What is wrong with the response.
pub fn read(output: &[u8], asked: Asked) -> Result<(Response, usize), String> {
    if asked.headless {
        let response = Response {
            status: 0,
            reason: Vec::new(),
            fields: Vec::new(),
            body: output.to_vec(),
            interim: Vec::new(),
            end: End::WithConnection,
            closes: true,
        };
        return Ok((response, output.len()));
    }
    let mut interim = Vec::new();
    let mut at = 0;
    loop {
        let (head, len) = read_head(&output[at..])?;
        at += len;
        if matches!(head.status, 100 | 102..=199) {
            if !asked.speaks_1_1 {
                return Err("an interim response to a client of HTTP/1.0".to_owned());
            }
            if has(&head, "content-length") || has(&head, "transfer-encoding") {
                return Err("an interim response with a framing field".to_owned());
            }
            interim.push(head.status);
            continue;
        }
        let (body, end, len) = read_body(&head, &output[at..], asked)?;
        at += len;
        let closes = end != End::Framed || closes(&head);
        let Head { status, reason, fields, .. } = head;
        return Ok((Response { status, reason, fields, body, interim, end, closes }, at));
    }
}

fn line(output: &[u8]) -> Result<(&[u8], usize), String> {
    let len = output.iter().position(|&byte| byte == b'\n').ok_or("a head that is cut off")?;
    let text = output[..len].strip_suffix(b"\r").ok_or("a bare LF in a head")?;
    let is_text = |&byte: &u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    if text.iter().all(is_text) {
        Ok((text, len + 1))
    } else {
        Err(format!("control bytes in {}", show(text)))
    }
}

fn read_head(output: &[u8]) -> Result<(Head, usize), String> {
    let (text, mut at) = line(output)?;
    let (minor, status, reason) = match text {
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            minor @ (b'0' | b'1'),
            b' ',
            a,
            b,
            c,
            b' ',
            reason @ ..,
        ] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()) && *a >= b'1' => {
            let digits = [a, b, c].map(|digit| u16::from(digit - b'0'));
            (minor - b'0', digits[0] * 100 + digits[1] * 10 + digits[2], reason)
        }
        _ => return Err(format!("no status line: {}", show(text))),
    };
    let mut fields = Vec::new();
    loop {
        let (text, len) = line(&output[at..])?;
        at += len;
        if text.is_empty() {
            return Ok((Head { minor, status, reason: reason.to_vec(), fields }, at));
        }
        let field = text.iter().position(|&byte| byte == b':').map(|colon| text.split_at(colon));
        let (name, value) = field.ok_or_else(|| format!("no field line: {}", show(text)))?;
        let value =
            value.strip_prefix(b": ").ok_or_else(|| format!("no blank after the colon: {}", show(text)))?;
        if !is_token(name) {
            return Err(format!("no field name: {}", show(name)));
        }
        fields.push((name.to_ascii_lowercase(), value.to_vec()));
    }
}

fn has(head: &Head, name: &str) -> bool {
    head.fields.iter().any(|field| field.0 == name.as_bytes())
}

fn closes(head: &Head) -> bool {
    let connection = head.fields.iter().filter(|field| field.0 == b"connection");
    let options: Vec<_> =
        connection.flat_map(|field| field.1.split(|&byte| byte == b',')).map(trim_blanks).collect();
    let says = |word: &[u8]| options.iter().any(|option| option.eq_ignore_ascii_case(word));
    says(b"close") || (head.minor == 0 && !says(b"keep-alive")) || head.status == 101
}

type Read = (Vec<u8>, End, usize);

fn read_body(head: &Head, output: &[u8], asked: Asked) -> Result<Read, String> {
    let lengths: Vec<_> = head.fields.iter().filter(|field| field.0 == b"content-length").collect();
    let codings: Vec<_> = head.fields.iter().filter(|field| field.0 == b"transfer-encoding").collect();
    if lengths.len() + codings.len() > 1 {
        return Err("more than one framing field".to_owned());
    }
    let is_tunnel = head.status == 101 || (asked.connect && (200..300).contains(&head.status));
    if (is_tunnel || head.status == 204) && lengths.len() + codings.len() > 0 {
        return Err(format!("a framing field in a response of {}", head.status));
    }
    if is_tunnel {
        return Ok((output.to_vec(), End::WithConnection, output.len()));
    }
    let length = match lengths[..] {
        [(_, text)] if !text.is_empty() && text.iter().all(u8::is_ascii_digit) => {
            // The length may exceed any input, but never has more than 20 digits.
            Some(std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok()).ok_or("too long")?)
        }
        [] => None,
        _ => return Err("a bad Content-Length".to_owned()),
    };
    let is_chunked = match codings[..] {
        [(_, text)] if text == b"chunked" && asked.speaks_1_1 && head.minor == 1 => true,
        [] => false,
        _ => return Err("a Transfer-Encoding that may not be".to_owned()),
    };
    if asked.head || matches!(head.status, 204 | 304) {
        return Ok((Vec::new(), End::Framed, 0));
    }
    if is_chunked {
        return read_chunks(output);
    }
    match length.map(|length| usize::try_from(length).unwrap_or(usize::MAX)) {
        Some(length) if length <= output.len() => Ok((output[..length].to_vec(), End::Framed, length)),
        Some(_) => Ok((output.to_vec(), End::Truncated, output.len())),
        None => Ok((output.to_vec(), End::WithConnection, output.len())),
    }
}

fn read_chunks(output: &[u8]) -> Result<Read, String> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let truncated = |body: &Vec<u8>| Ok((body.clone(), End::Truncated, output.len()));
        let rest = &output[at..];
        let Some(lf) = rest.iter().position(|&byte| byte == b'\n') else { return truncated(&body) };
        let text = rest[..lf].strip_suffix(b"\r").ok_or("a bare LF after a chunk size")?;
        let is_hex = !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit);
        let size = std::str::from_utf8(text).ok().filter(|_| is_hex);
        let size = size.and_then(|text| usize::from_str_radix(text, 16).ok());
        let size = size.ok_or_else(|| format!("no chunk size: {}", show(text)))?;
        at += lf + 1;
        let rest = &output[at..];
        if size == 0 {
            let Some(rest) = rest.get(..2) else { return truncated(&body) };
            return if rest == b"\r\n" {
                Ok((body, End::Framed, at + 2))
            } else {
                Err("a trailer".to_owned())
            };
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        match rest.get(size..size + 2) {
            Some(b"\r\n") => at += size + 2,
            Some(_) => return Err("no line end after a chunk".to_owned()),
            None => return truncated(&body),
        }
    }
}
