//! A client of a proxy, and what it makes of the responses.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use crate::http2::Reader;
use crate::requests::{Case, FIRST, NUMBERS};
use crate::verdict::{SERVED, SERVER};

/// How long a client waits for the next bytes. A proxy that waits for more of a request, waits in vain.
const PATIENCE: Duration = Duration::from_millis(400);
/// The same for a request that must be answered.
const CLEAN_PATIENCE: Duration = Duration::from_secs(60);
/// How much a client reads.
const MOST: usize = 1 << 20;

/// What a client speaks with its proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// What the client of a case has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Responses that the server's handler has made, by the request's number.
    pub(crate) served: Vec<u64>,
    /// Refusals by the server.
    pub(crate) by_server: u64,
    /// Responses of the proxy's own, refusals mostly.
    pub(crate) by_proxy: u64,
    /// Whether the client gave up.
    pub(crate) gave_up: bool,
    /// Clean requests that the proxy has refused.
    pub(crate) refused: u64,
    /// Whether clean requests were not answered.
    pub(crate) is_short: bool,
    /// A response that is not this client's.
    pub(crate) fault: Option<String>,
}

/// Sends a case to a proxy, and reads all responses.
pub(crate) fn run(port: u16, protocol: Protocol, case: &Case, number: u64) -> Seen {
    let mut seen = Seen::default();
    let mut reader = Reader::default();
    let bytes = exchange(port, case, &mut seen.gave_up, |bytes, reply| {
        let requests = usize::try_from(case.requests).unwrap_or(usize::MAX);
        protocol == Protocol::Http2 && reader.read(bytes, requests, reply)
    });
    let sent = case.parts.concat();
    match protocol {
        Protocol::Http1 => read_responses(&bytes, &sent, number, &mut seen),
        Protocol::Http2 => {
            for (data, is_good) in reader.streams() {
                let said =
                    data.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
                let served = said.and_then(|said| said.split_once(' ')?.1.parse().ok());
                match served.filter(|_| is_good) {
                    Some(served) => seen.take(served, &sent, number),
                    None => seen.by_proxy += 1,
                }
            }
        }
    }
    if case.is_clean {
        seen.is_short = (seen.served.len() as u64 + seen.by_proxy) != case.requests || seen.by_server > 0;
        seen.refused = seen.by_proxy;
        // All of them, in order, and nothing else: a response to a request that hides in another one's body is no answer.
        if seen.by_proxy == 0 && !seen.is_short && seen.served != case.numbers {
            seen.fault = Some(format!("responses to {:?} for the requests {:?}", seen.served, case.numbers));
        }
    }
    seen
}

impl Seen {
    /// Notes that a request was served, and whether it is one of this client's.
    fn take(&mut self, served: u64, sent: &[u8], number: u64) {
        let times = occurrences(sent, served);
        // A proxy that mends a target may make a number of what was none. It is not as high.
        if served >= FIRST && (served - FIRST) / NUMBERS != number && times == 0 {
            self.fault = Some(format!("the response to request {served}, which is another client's"));
        } else if self.served.contains(&served) && times < 2 {
            self.fault = Some(format!("two responses to request {served}"));
        }
        self.served.push(served);
    }
}

fn read_responses(bytes: &[u8], sent: &[u8], number: u64, seen: &mut Seen) {
    let mut rest = bytes;
    while let Some((response, after)) = Response::read(rest, sent) {
        rest = after;
        if response.status < 200 && response.status != 101 {
            continue;
        }
        match response.served {
            Some(served) => seen.take(served, sent, number),
            None if response.is_servers => seen.by_server += 1,
            None => seen.by_proxy += 1,
        }
        if response.status == 101 || response.is_last {
            return;
        }
    }
}

/// How often the number of a request stands in what was sent.
fn occurrences(sent: &[u8], number: u64) -> usize {
    occurrences_of(sent, &number.to_string())
}

fn occurrences_of(bytes: &[u8], wanted: &str) -> usize {
    bytes.windows(wanted.len()).filter(|window| *window == wanted.as_bytes()).count()
}

/// Sends all parts, and returns what came before the end. `is_over` may end it earlier, and add what has to be sent.
fn exchange(
    port: u16,
    case: &Case,
    gave_up: &mut bool,
    mut is_over: impl FnMut(&[u8], &mut Vec<u8>) -> bool,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return bytes };
    let _ = stream.set_nodelay(true);
    let patience = if case.is_clean { CLEAN_PATIENCE } else { PATIENCE };
    let _ = stream.set_read_timeout(Some(patience));
    let _ = stream.set_write_timeout(Some(patience));
    for part in &case.parts {
        if stream.write_all(part).is_err() {
            break;
        }
    }
    if case.ends {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut buffer = [0; 16 * 1024];
    while bytes.len() < MOST {
        match stream.read(&mut buffer) {
            Ok(0) => return bytes,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                *gave_up = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                return bytes;
            }
        }
        let mut reply = Vec::new();
        let over = is_over(&bytes, &mut reply);
        if over || stream.write_all(&reply).is_err() {
            return bytes;
        }
    }
    bytes
}

/// A response as a tolerant client reads it: proxies write theirs in several ways.
struct Response {
    status: u16,
    served: Option<u64>,
    is_servers: bool,
    is_last: bool,
}

impl Response {
    /// The next response, and the bytes after it. `None` if it is truncated.
    fn read<'a>(bytes: &'a [u8], sent: &[u8]) -> Option<(Self, &'a [u8])> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields = lines.filter_map(|line| line.split_once(':')).collect::<Vec<_>>();
        let field = |name: &str| {
            fields.iter().find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1.trim())
        };
        let said = field(SERVED).and_then(|said| said.split_once(' '));
        let served = said.and_then(|(_, number)| number.parse().ok());
        // A cache may have asked with GET.
        let is_head = said.is_some_and(|(method, number)| {
            let asks = |line: &[u8]| occurrences_of(line, "HEAD ") > 0 && occurrences_of(line, number) > 0;
            method == "HEAD" || sent.split(|byte| *byte == b'\n').any(asks)
        });
        let mut response = Self { status, served, is_servers: field(SERVER).is_some(), is_last: false };
        response.is_last = field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if is_head || status < 200 || matches!(status, 204 | 304) {
            return Some((response, body));
        }
        if field("transfer-encoding").is_some() {
            return Some((response, after_chunks(body)?));
        }
        if let Some(length) = field("content-length") {
            return Some((response, body.get(length.parse().ok()?..)?));
        }
        response.is_last = true;
        Some((response, &[]))
    }
}

/// What follows a chunked body.
fn after_chunks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size > 0 {
            rest = rest.get(size + 2..)?;
            continue;
        }
        loop {
            let end = rest.windows(2).position(|window| window == b"\r\n")?;
            rest = &rest[end + 2..];
            if end == 0 {
                return Some(rest);
            }
        }
    }
}
