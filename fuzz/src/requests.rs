//! A minimal reader of requests: it has all of the input, copies what it needs, and gives up at the first doubt. It shares
//! nothing with the crate. What it takes for requests, the crate must take for requests.
//!
//! It follows RFC 9112, the points in which the crate is stricter or looser (bare LF as the end of a line in a head, simple
//! requests, HTTP/1.2 to 1.9, raw bytes in a target), and the default limits.

use basehttp_tests::grammar::{self, are_chunk_extensions, is_text, trim_blanks};

/// How the input continues.
#[derive(Debug)]
pub enum Next {
    /// Nothing has begun.
    Nothing,
    /// The input is not a request.
    Bad(Bad),
    Request(Request),
}

/// What is known about an invalid head.
#[derive(Debug, Default)]
pub struct Bad {
    /// The request line may be for HEAD, so the response may have no body.
    pub maybe_head: bool,
    /// The request line may be HTTP/0.9, so the response may have no head.
    pub maybe_headless: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Http09,
    Http10,
    Http11,
}

#[derive(Debug)]
pub struct Request {
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    pub version: Version,
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Why it must not reach a handler that has the method: Host or Expect.
    pub refused: bool,
    /// Whether the client waits for `100 Continue`.
    pub expects_continue: bool,
    /// Whether it is the last on its connection, by what the client sent.
    pub is_last: bool,
    pub framing: Framing,
    /// Where its body begins.
    pub body_at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    None,
    Length(u64),
    Chunked,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// All of it, and where the next request begins.
    Whole(Vec<u8>, usize),
    /// It is cut off, or its framing is invalid; these bytes may be handed out before that is found.
    Broken(Vec<u8>),
}

const MOST_EMPTY_LINES: usize = 8;
const MOST_FIELDS: usize = 100;
const LONGEST: usize = 65536;

/// The line at `at` without its end, and where the next one begins.
fn line(input: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let len = input[at..].iter().position(|&byte| byte == b'\n')?;
    let line = &input[at..at + len];
    Some((line.strip_suffix(b"\r").unwrap_or(line), at + len + 1))
}

/// Reads the request that begins at `at`.
pub fn read(input: &[u8], mut at: usize) -> Next {
    let mut empty = 0;
    let (text, next) = loop {
        match line(input, at) {
            Some((b"", next)) => {
                empty += 1;
                if empty > MOST_EMPTY_LINES {
                    return Next::Bad(Bad::default());
                }
                at = next;
            }
            Some(line) => break line,
            None if matches!(&input[at..], b"" | b"\r") => return Next::Nothing,
            // An error in what has arrived is reported first.
            None => {
                let rest = &input[at..];
                break (rest.strip_suffix(b"\r").unwrap_or(rest), input.len() + 1);
            }
        }
    };
    let bad = || {
        Next::Bad(Bad {
            maybe_head: text.starts_with(b"HEAD "),
            maybe_headless: text.ends_with(b" HTTP/0.9"),
        })
    };
    if text.len() > LONGEST || text.iter().any(|&byte| byte < b' ' || byte == 0x7f) {
        return bad();
    }
    let words: Vec<&[u8]> = text.split(|&byte| byte == b' ').collect();
    let (method, target) = match words[..] {
        [method, target, ..] if is_token(method) && !target.is_empty() => (method, target),
        _ => return bad(),
    };
    let version = match words[2..] {
        [] | [b""] => {
            let request = simple(target, next.min(input.len()));
            // Without a line end it may be the beginning of a longer line.
            let is_good = method == b"GET" && is_target(method, target) && next <= input.len();
            return if is_good { Next::Request(request) } else { bad() };
        }
        [b"HTTP/0.9"] => Version::Http09,
        [b"HTTP/1.0"] => Version::Http10,
        [version] if version.len() == 8 && version.starts_with(b"HTTP/1.") && version[7].is_ascii_digit() => {
            Version::Http11
        }
        _ => return bad(),
    };
    if !is_target(method, target) {
        return bad();
    }
    let Some((fields, body_at)) = read_fields(input, next) else { return bad() };
    if version == Version::Http09 && !fields.is_empty() {
        return Next::Bad(Bad { maybe_head: method == b"HEAD", maybe_headless: false });
    }
    let Some(framing) = framing(&fields, version) else { return bad() };
    let connection = elements(&fields, "connection");
    let says = |word: &[u8]| connection.iter().any(|option| option.eq_ignore_ascii_case(word));
    let is_last = match version {
        Version::Http09 => true,
        Version::Http10 => says(b"close") || !says(b"keep-alive"),
        Version::Http11 => says(b"close"),
    };
    let expect = if version == Version::Http11 { elements(&fields, "expect") } else { Vec::new() };
    let bad_expect = expect.iter().any(|element| !element.eq_ignore_ascii_case(b"100-continue"));
    let hosts: Vec<_> = values(&fields, "host").collect();
    let bad_host = match hosts[..] {
        [] => version == Version::Http11,
        [host] => !is_host(host),
        _ => true,
    };
    Next::Request(Request {
        method: method.to_vec(),
        target: target.to_vec(),
        version,
        refused: bad_host || bad_expect,
        expects_continue: !expect.is_empty(),
        is_last,
        framing,
        body_at,
        fields,
    })
}

fn simple(target: &[u8], body_at: usize) -> Request {
    Request {
        method: b"GET".to_vec(),
        target: target.to_vec(),
        version: Version::Http09,
        fields: Vec::new(),
        refused: false,
        expects_continue: false,
        is_last: true,
        framing: Framing::None,
        body_at,
    }
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The field lines up to the empty line, and where the body begins.
fn read_fields(input: &[u8], start: usize) -> Option<(Fields, usize)> {
    let mut fields = Vec::new();
    let mut at = start;
    loop {
        let (text, next) = line(input.get(..)?, at.min(input.len()))?;
        at = next;
        if at - start > LONGEST {
            return None;
        }
        if text.is_empty() {
            return Some((fields, at));
        }
        fields.push(field(text)?);
        if fields.len() > MOST_FIELDS {
            return None;
        }
    }
}

fn field(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&text[..colon], trim_blanks(&text[colon + 1..]));
    let is_good = is_token(name) && value.iter().all(|byte| is_text(*byte));
    // Only blanks were trimmed.
    is_good.then(|| (name.to_vec(), value.to_vec()))
}

fn values<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let is_it = move |field: &&(Vec<u8>, Vec<u8>)| field.0.eq_ignore_ascii_case(name.as_bytes());
    fields.iter().filter(is_it).map(|(_, value)| &**value)
}

fn elements(fields: &Fields, name: &str) -> Vec<Vec<u8>> {
    let fields = values(fields, name);
    fields
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(|element| trim_blanks(element).to_vec())
        .collect()
}

/// None if it is ambiguous or invalid.
fn framing(fields: &Fields, version: Version) -> Option<Framing> {
    let (codings, lengths) = (elements(fields, "transfer-encoding"), elements(fields, "content-length"));
    if !codings.is_empty() {
        let is_chunked = codings.len() == 1 && codings[0].eq_ignore_ascii_case(b"chunked");
        return (is_chunked && lengths.is_empty() && version == Version::Http11).then_some(Framing::Chunked);
    }
    let Some(first) = lengths.first() else { return Some(Framing::None) };
    let number = number(first, 10)?;
    let are_equal = lengths.iter().all(|length| self::number(length, 10) == Some(number));
    are_equal.then_some(Framing::Length(number))
}

/// Only digits. (std's parsers accept a sign.)
fn number(text: &[u8], base: u32) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let is_digits = !text.is_empty() && text.chars().all(|c| c.is_digit(base));
    u64::from_str_radix(text, base).ok().filter(|_| is_digits)
}

/// RFC 9112 section 3.2; also a path without a leading slash, if its first segment has no colon.
fn is_target(method: &[u8], target: &[u8]) -> bool {
    // Latin-1, so that every byte is a character.
    let text: String = target.iter().map(|&byte| char::from(byte)).collect();
    if method == b"CONNECT" {
        let port = text.rsplit_once(':').and_then(|(_, port)| number(port.as_bytes(), 10));
        return port.is_some_and(|port| (1..65536).contains(&port)) && is_host(target);
    }
    if text == "*" {
        return [&b"OPTIONS"[..], b"M-SEARCH", b"NOTIFY"].contains(&method);
    }
    let segment = text.split(['/', '?', '#']).next().unwrap_or_default();
    if text.starts_with('/') || !segment.contains(':') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = authority.split_once('@').unwrap_or(("", authority));
    let is_user = user.bytes().all(|byte| byte == b':' || byte == b'%' || is_reg_name(byte));
    is_scheme && is_user && !host.is_empty() && host.is_ascii() && is_host(host.as_bytes())
}

/// RFC 9110 section 7.2, using the address types of std.
fn is_host(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, port)) => (Err(literal), port),
        None => {
            let at = text.find(':').unwrap_or(text.len());
            (Ok(&text[..at]), &text[at..])
        }
    };
    let good_port = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    good_port
        && match host {
            Ok("") => port.is_empty(),
            Ok(name) => is_name(name),
            Err(literal) => literal.parse::<std::net::Ipv6Addr>().is_ok() || is_future(literal),
        }
}

fn is_name(name: &str) -> bool {
    let mut parts = name.split('%');
    let plain = |text: &str| text.bytes().all(is_reg_name);
    let first = parts.next().is_some_and(plain);
    let hex = |text: &str| {
        let digits = text.as_bytes().get(..2).unwrap_or_default();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) && plain(&text[2..])
    };
    first && parts.all(hex)
}

fn is_future(literal: &str) -> bool {
    let Some((version, address)) = literal.strip_prefix(['v', 'V']).and_then(|rest| rest.split_once('.'))
    else {
        return false;
    };
    let hex = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex && !address.is_empty() && address.bytes().all(|byte| byte == b':' || is_reg_name(byte))
}

fn is_reg_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| grammar::is_token(*byte))
}

/// Decodes the body that begins at `at`.
pub fn body(input: &[u8], at: usize, framing: Framing) -> Body {
    let rest = &input[at..];
    match framing {
        Framing::None => Body::Whole(Vec::new(), at),
        Framing::Length(length) => match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
            Some(body) => Body::Whole(body.to_vec(), at + body.len()),
            None => Body::Broken(rest.to_vec()),
        },
        Framing::Chunked => chunked(input, at),
    }
}

const LONGEST_CHUNK_LINE: usize = 4096;
const FREE_PER_CHUNK: usize = 16;
const MOST_TRAILERS: usize = 16 * 1024;

fn chunked(input: &[u8], mut at: usize) -> Body {
    let mut data = Vec::new();
    let mut excess = 0_usize;
    loop {
        let Some((text, next)) = crlf_line(input, at) else { return Body::Broken(data) };
        let Some(size) = chunk_size(text) else { return Body::Broken(data) };
        let paid =
            usize::try_from(size).unwrap_or(usize::MAX).saturating_mul(2).saturating_add(FREE_PER_CHUNK);
        excess = (excess + text.len()).saturating_sub(paid);
        if text.len() > LONGEST_CHUNK_LINE || excess > LONGEST_CHUNK_LINE {
            return Body::Broken(data);
        }
        at = next;
        if size == 0 {
            return match trailers(input, at) {
                Some(end) => Body::Whole(data, end),
                None => Body::Broken(data),
            };
        }
        let here = input.len() - at;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        data.extend_from_slice(&input[at..at + size.min(here)]);
        if size >= here || !input[at + size..].starts_with(b"\r\n") {
            return Body::Broken(data);
        }
        at += size + 2;
    }
}

/// A line that ends in CRLF, up to its first LF.
fn crlf_line(input: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let len = input.get(at..)?.iter().position(|&byte| byte == b'\n')?;
    Some((input[at..at + len].strip_suffix(b"\r")?, at + len + 1))
}

/// RFC 9112 section 7.1.1, regardless of the crate's rules for white space: after the size, it is allowed only before `;`.
fn chunk_size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits > 16 {
        return None;
    }
    let size = number(&text[..digits], 16)?;
    are_chunk_extensions(&text[digits..]).then_some(size)
}

/// Where the request after the trailer section begins.
fn trailers(input: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut count = 0;
    loop {
        let (text, next) = crlf_line(input, at)?;
        at = next;
        if at - start > MOST_TRAILERS {
            return None;
        }
        if text.is_empty() {
            return Some(at);
        }
        let (name, _) = field(text)?;
        count += 1;
        let name = name.to_ascii_lowercase();
        if count > MOST_FIELDS || NEVER_TRAILING.iter().any(|never| never.as_bytes() == name) {
            return None;
        }
    }
}

/// RFC 9110 section 6.5.1.
const NEVER_TRAILING: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];
