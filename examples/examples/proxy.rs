//! A forward proxy: CONNECT with a relay inside the server, which holds no thread, and `http:` requests with a plain client.
//!
//! ```text
//! cargo run --release --example proxy [PORT [PORT_OF_ORIGINS]...]
//! curl -x http://127.0.0.1:8000 https://example.org/        # CONNECT
//! curl -x http://127.0.0.1:8000 http://example.org/         # a request with the whole URL
//! ```
//!
//! It listens on a loopback address, and connects only to ports 80 and 443, or to the ports given. Clients of an open proxy can
//! reach everything that its host can: services that listen only there, and mail servers as well as web servers (RFC 9110
//! section 9.3.6). A proxy for other people needs passwords, or a list of origins.

use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use basehttp::HTTPStatus;
use basehttp::prelude::*;

struct Proxy {
    base: BaseHTTPRequestHandler,
    ports: Arc<[u16]>,
}

/// Why there is no response from the origin: a status, and the text for the log and the page.
type Failure = (u16, String);

/// How long connecting to an origin, or one read or write, may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a tunnel may be idle. Without this limit, a peer that has vanished would keep it open.
const IDLE: Duration = Duration::from_secs(3600);

/// The maximum lengths of a request's body and of a response's head.
const MOST_BODY: usize = 16 * 1024 * 1024;
const MOST_HEAD: u64 = 64 * 1024;

#[http_handler]
impl Proxy {
    const protocol_version: &str = "HTTP/1.1";

    fn do_CONNECT(&self) -> io::Result<()> {
        match self.connect(self.path(), None) {
            Ok(stream) => {
                self.send_response((200, "Connection established"));
                self.end_headers()?;
                self.relay_with_idle_timeout(stream, IDLE)
            }
            Err(failure) => self.fail(failure),
        }
    }

    // Not a route: clients of a proxy send whole URLs, and it passes all of them on.
    fn do_GET(&self) -> io::Result<()> {
        self.forward()
    }

    fn do_HEAD(&self) -> io::Result<()> {
        self.forward()
    }

    fn do_POST(&self) -> io::Result<()> {
        self.forward()
    }

    fn do_PUT(&self) -> io::Result<()> {
        self.forward()
    }

    fn do_PATCH(&self) -> io::Result<()> {
        self.forward()
    }

    fn do_DELETE(&self) -> io::Result<()> {
        self.forward()
    }

    fn do_OPTIONS(&self) -> io::Result<()> {
        self.forward()
    }
}

impl Proxy {
    fn fail(&self, (status, text): Failure) -> io::Result<()> {
        self.log_error(format_args!("{}: {text}", self.path()));
        self.send_error((status, HTTPStatus::new(status).phrase().unwrap_or_default(), text))
    }

    /// Connects to `host:port`, if that is allowed.
    fn connect(&self, authority: &str, default_port: Option<u16>) -> Result<TcpStream, Failure> {
        let (host, port) = match authority.rsplit_once(':') {
            // A colon in brackets is part of an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (authority, default_port),
        };
        let Some(port) = port.filter(|_| !host.is_empty()) else {
            return Err((400, format!("{authority:?} is not a host with a port")));
        };
        if !self.ports.contains(&port) {
            return Err((403, format!("this proxy does not connect to port {port}")));
        }
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = (name, port).to_socket_addrs();
        let addresses = addresses.map_err(|error| (502, format!("cannot resolve {host}: {error}")))?;
        let mut last = (502, format!("{host} has no address"));
        for address in addresses {
            let connected = TcpStream::connect_timeout(&address, PATIENCE).and_then(|stream| {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(stream)
            });
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = of_origin(&error),
            }
        }
        Err(last)
    }

    /// Sends the request to the origin, and passes on the response.
    fn forward(&self) -> io::Result<()> {
        // Before the origin is contacted: a body that is too long is answered by this error.
        let body = self.read_body(MOST_BODY)?;
        let answered = target(self.path()).and_then(|(authority, path)| {
            let stream = self.connect(authority, Some(80))?;
            self.ask(&stream, authority, &path, &body).map_err(|error| of_origin(&error))?;
            let mut origin = BufReader::new(stream);
            let head = Head::read(&mut origin)?;
            Ok((origin, head))
        });
        match answered {
            Ok((origin, head)) => self.pass_on(origin, &head),
            Err(failure) => self.fail(failure),
        }
    }

    /// Sends the request in HTTP/1.0. The response then ends by its length or with the connection, so there are no chunks to
    /// decode.
    fn ask(&self, mut stream: &TcpStream, authority: &str, path: &str, body: &[u8]) -> io::Result<()> {
        let mut head = format!("{} {path} HTTP/1.0\r\n", self.command());
        // The host of the URL takes precedence over the client's `Host` (RFC 9112 section 3.2.2).
        head += &format!("Host: {authority}\r\n");
        let fields: Vec<_> = self.headers().iter().collect();
        let named = named_by_connection(&fields);
        for (name, value) in &fields {
            if !is_of_this_hop(name, &named)
                && !["host", "content-length", "expect"].contains(&&*name.to_ascii_lowercase())
            {
                head += &format!("{name}: {value}\r\n");
            }
        }
        if !body.is_empty() || matches!(self.command(), "POST" | "PUT" | "PATCH") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += &format!("Via: {} basehttp\r\nConnection: close\r\n\r\n", version(self.request_version()));
        // Fields are latin-1.
        let mut bytes: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        bytes.extend_from_slice(body);
        stream.write_all(&bytes)
    }

    fn pass_on(&self, mut origin: BufReader<TcpStream>, head: &Head) -> io::Result<()> {
        // `Server` and `Date` are the origin's.
        self.log_request(Some(HTTPStatus::new(head.status)), None);
        self.send_response_only((head.status, &head.reason));
        let fields: Vec<_> = head.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let named = named_by_connection(&fields);
        for (name, value) in &fields {
            if !is_of_this_hop(name, &named) {
                self.send_header(name, value);
            }
        }
        self.send_header("Via", "1.0 basehttp");
        self.end_headers()?;
        if self.command() == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(());
        }
        // Returning an error cuts the connection, so that the client does not take a partial response for a complete one.
        let Some(length) = head.length else { return io::copy(&mut origin, &mut &self.wfile).map(drop) };
        let copied = io::copy(&mut origin.take(length), &mut &self.wfile)?;
        if copied < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// Host and path of a URL (RFC 9112 section 3.2.2).
fn target(url: &str) -> Result<(&str, String), Failure> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err((400, "this is a proxy: send a whole URL".to_owned()));
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err((501, "use CONNECT for schemes other than http".to_owned()));
    }
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    if authority.contains('@') {
        return Err((400, "a URL must not contain a user (RFC 9110 section 4.2.4)".to_owned()));
    }
    Ok((authority, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }))
}

/// The head of a response.
struct Head {
    status: u16,
    reason: String,
    fields: Vec<(String, String)>,
    length: Option<u64>,
}

impl Head {
    fn read(origin: &mut BufReader<TcpStream>) -> Result<Self, Failure> {
        let broken = |what: &str| (502, format!("the origin sent {what}"));
        loop {
            let mut lines = origin.by_ref().take(MOST_HEAD);
            let first = line(&mut lines)?;
            let mut words = first.splitn(3, ' ');
            let (version, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let status = status.parse().ok().filter(|status| (100..=599).contains(status));
            let Some(status) = status.filter(|_| version.starts_with("HTTP/1.")) else {
                return Err(broken("something other than HTTP"));
            };
            let reason = words.next().unwrap_or_default().to_owned();
            let mut fields = Vec::new();
            loop {
                let field = line(&mut lines)?;
                if field.is_empty() {
                    break;
                }
                let Some((name, value)) = field.split_once(':').filter(|(name, _)| !name.contains(' '))
                else {
                    return Err(broken("a malformed field"));
                };
                fields.push((name.to_owned(), value.trim().to_owned()));
            }
            let all = |wanted: &str| {
                let of_name = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
                of_name.map(|(_, value)| value.clone()).collect::<Vec<_>>()
            };
            let length = match &*all("Content-Length") {
                [] => None,
                [length] if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Some(length.parse().map_err(|_| broken("an invalid length"))?)
                }
                _ => return Err(broken("an invalid length")),
            };
            if !all("Transfer-Encoding").is_empty() || status == 101 {
                return Err(broken("something that HTTP/1.0 does not have"));
            }
            // Interim responses are only for clients that expect them.
            if status >= 200 {
                return Ok(Self { status, reason, fields, length });
            }
        }
    }
}

/// A line without its end, from latin-1.
fn line(lines: &mut impl BufRead) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    lines.read_until(b'\n', &mut bytes).map_err(|error| of_origin(&error))?;
    match bytes.strip_suffix(b"\n") {
        Some(bytes) => {
            Ok(bytes.strip_suffix(b"\r").unwrap_or(bytes).iter().map(|byte| char::from(*byte)).collect())
        }
        None => {
            Err((502, "the origin closed before the end of the head, or the head is too long".to_owned()))
        }
    }
}

/// The fields that `Connection` names are for this connection only (RFC 9110 section 7.6.1).
fn named_by_connection(fields: &[(&str, &str)]) -> Vec<String> {
    let values = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Connection"));
    values.flat_map(|(_, value)| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

fn is_of_this_hop(name: &str, named: &[String]) -> bool {
    const HOP_BY_HOP: [&str; 9] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = name.to_ascii_lowercase();
    HOP_BY_HOP.contains(&&*name) || named.contains(&name)
}

/// 504 for an origin that takes too long, 502 for everything else (RFC 9110 sections 15.6.3 and 15.6.5).
fn of_origin(error: &io::Error) -> Failure {
    // On unix, a read that times out returns `WouldBlock`.
    let is_late = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
    if is_late { (504, "the origin took too long".to_owned()) } else { (502, format!("the origin: {error}")) }
}

fn version(name: &str) -> &str {
    name.strip_prefix("HTTP/").unwrap_or("1.1")
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or("8000".to_owned());
    let ports: Result<Vec<u16>, _> = arguments.map(|port| port.parse()).collect();
    let ports = ports.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let ports: Arc<[u16]> = if ports.is_empty() { [80, 443].into() } else { ports.into() };
    let address = format!("127.0.0.1:{port}");
    let mut server = HTTPServer::bind(address, move |base| Proxy { base, ports: ports.clone() })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
