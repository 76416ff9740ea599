//! The load of `bench/fair` and `bench/scale`: a crowd of connections, and beside it a victim whose latencies count.
//!
//! ```text
//! load --port 8000 --seconds 2 --pid 123 --victim 2 --crowd 64 --path /blocking --path /blocking/x
//! load --port 8000 --seconds 2 --crowd 64 --depth 64 --path /spin/8
//! ```
//!
//! It has one thread, so that it takes no more than one core. It learns the length of the response to each path in advance, and then
//! counts responses by their bytes: it checks only the status at the beginning of a batch. A response of another length is still an
//! error: bytes are left over, or missing until the time is up.
//!
//! The requests are the same in each run: each connection goes through the paths in turn, beginning with that of its own
//! number, and `{n}` in a path is the number of the request.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, process};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Few, since the victim's sockets are checked after this many: its responses do not wait behind those of the crowd.
const EVENTS: usize = 16;

/// A connection that waits for longer counts as an error, and is made anew.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tick of `/proc/PID/stat`, on all current systems.
const TICK: f64 = 0.01;

fn main() -> io::Result<()> {
    let options = Options::from_args();
    let mut load = Load::new(&options)?;
    load.run(Instant::now() + options.warm)?;
    let before = Reading::now(&options.pids);
    load.forget();
    load.run(before.at + options.window)?;
    let after = Reading::now(&options.pids);
    println!("{}", load.report(&before, &after));
    Ok(())
}

struct Options {
    address: SocketAddr,
    window: Duration,
    /// The run-up, before anything is counted.
    warm: Duration,
    /// The server's processes.
    pids: Vec<u32>,
    /// The interval of the victim's requests, unless it waits.
    pace: Option<Duration>,
    victims: usize,
    crowd: usize,
    paths: Vec<String>,
    depth: usize,
    /// The server's certificate.
    tls: Option<Arc<ClientConfig>>,
}

impl Options {
    fn from_args() -> Self {
        let mut options = Self {
            address: (Ipv4Addr::LOCALHOST, 8000).into(),
            window: Duration::from_secs(2),
            warm: Duration::from_millis(300),
            pids: Vec::new(),
            pace: None,
            victims: 1,
            crowd: 0,
            paths: Vec::new(),
            depth: 1,
            tls: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            let number = || value.parse::<usize>().unwrap_or_else(|_| panic!("{arg} needs a number"));
            let seconds = || Duration::from_secs_f64(value.parse().expect("seconds"));
            match arg.as_str() {
                "--port" => options.address.set_port(value.parse().expect("a port")),
                "--seconds" => options.window = seconds(),
                "--warm" => options.warm = seconds(),
                "--pid" => options.pids.push(value.parse().expect("the id of a process")),
                "--victim" => options.pace = Some(Duration::from_millis(number().max(1) as u64)),
                "--victims" => options.victims = number(),
                "--crowd" => options.crowd = number(),
                "--depth" => options.depth = number().max(1),
                "--tls" => options.tls = Some(trusting(&value)),
                "--path" => options.paths.push(value),
                _ => panic!("unknown argument {arg}"),
            }
        }
        assert!(options.crowd == 0 || !options.paths.is_empty(), "a crowd needs a --path");
        options
    }
}

fn trusting(certificate: &str) -> Arc<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// The request for a path, and the length of the response.
struct Path {
    before: Vec<u8>,
    /// The request's number goes between the two.
    after: Option<Vec<u8>>,
    response: usize,
}

impl Path {
    /// Requests it twice: the first response of a connection may have more fields.
    fn learn(path: &str, options: &Options) -> io::Result<Self> {
        let (before, after) = match path.split_once("{n}") {
            Some((before, after)) => (before, Some(request_end(after))),
            None => (path, None),
        };
        let mut before = format!("GET {before}").into_bytes();
        if after.is_none() {
            before.extend_from_slice(&request_end(""));
        }
        let mut path = Self { before, after, response: 0 };
        let mut wire = Wire::connect(options)?;
        for _ in 0..2 {
            let mut request = Vec::new();
            path.write(&mut request, &mut 0);
            path.response = wire.learn(&request)?;
        }
        Ok(path)
    }

    fn write(&self, out: &mut Vec<u8>, number: &mut u64) {
        out.extend_from_slice(&self.before);
        if let Some(after) = &self.after {
            // Of one width, so that all requests and responses have one length.
            write!(out, "{number:09}").expect("memory");
            *number += 1;
            out.extend_from_slice(after);
        }
    }
}

fn request_end(rest: &str) -> Vec<u8> {
    format!("{rest} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A non-blocking socket, with TLS or without.
struct Wire {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Wire {
    fn connect(options: &Options) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(options.address)?;
        stream.set_nodelay(true)?;
        let shake_hands = |config: &Arc<ClientConfig>| {
            let name = ServerName::from(options.address.ip());
            let mut tls = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            while tls.is_handshaking() {
                tls.complete_io(&mut &stream)?;
            }
            Ok::<_, io::Error>(Box::new(tls))
        };
        let tls = options.tls.as_ref().map(shake_hands).transpose()?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), tls })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            if tls.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.write(bytes) };
        let count = if bytes.is_empty() { 0 } else { tls.writer().write(bytes)? };
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                // rustls keeps what it has taken, and sends it with the next write.
                Err(error) if error.kind() == ErrorKind::WouldBlock && count > 0 => break,
                result => result?,
            };
        }
        Ok(count)
    }

    fn is_empty(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.wants_write())
    }

    /// Sends a request, waits for the response, and returns its length.
    fn learn(&mut self, request: &[u8]) -> io::Result<usize> {
        let begun = Instant::now();
        let mut sent = 0;
        let mut response = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            if sent < request.len() || !self.is_empty() {
                match self.write(&request[sent..]) {
                    Ok(count) => sent += count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            match self.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => response.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(100));
                }
                Err(error) => return Err(error),
            }
            if let Some(length) = length(&response).filter(|&length| response.len() >= length) {
                if !response.starts_with(OK) || response.len() > length {
                    let text = String::from_utf8_lossy(&response).into_owned();
                    return Err(io::Error::other(format!("not a response: {text:?}")));
                }
                return Ok(length);
            }
            if begun.elapsed() > PATIENCE {
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }
}

const OK: &[u8] = b"HTTP/1.1 200";

/// The length of the response that begins here, once its head is there.
fn length(response: &[u8]) -> Option<usize> {
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&response[..end]).to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    Some(end + value.trim().parse::<usize>().ok()?)
}

/// One connection of the crowd, or a victim.
struct Client {
    wire: Wire,
    out: Vec<u8>,
    sent: usize,
    /// Response bytes still missing in this batch.
    missing: usize,
    received: u64,
    /// Nothing of the batch has arrived yet.
    is_fresh: bool,
    since: Instant,
    /// The index of the next path.
    turn: usize,
    is_victim: bool,
    /// When the victim sends its next request.
    due: Instant,
}

/// The result of an event.
enum Progress {
    Waits,
    /// All responses of the batch have arrived.
    Done,
}

impl Client {
    fn is_idle(&self) -> bool {
        self.missing == 0
    }

    fn ask(&mut self, paths: &[Path], depth: usize, number: &mut u64) -> io::Result<()> {
        self.out.clear();
        self.sent = 0;
        for _ in 0..depth {
            let path = &paths[self.turn % paths.len()];
            self.turn += 1;
            path.write(&mut self.out, number);
            self.missing += path.response;
        }
        self.is_fresh = true;
        self.since = Instant::now();
        self.push()
    }

    fn push(&mut self) -> io::Result<()> {
        while self.sent < self.out.len() || !self.wire.is_empty() {
            match self.wire.write(&self.out[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn pull(&mut self, buffer: &mut [u8]) -> io::Result<Progress> {
        loop {
            let count = match self.wire.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Waits),
                Err(error) => return Err(error),
            };
            if std::mem::take(&mut self.is_fresh) && count >= OK.len() && !buffer.starts_with(OK) {
                return Err(io::Error::other("status"));
            }
            if count > self.missing {
                return Err(io::Error::other("length"));
            }
            self.missing -= count;
            self.received += count as u64;
            if self.missing == 0 {
                return Ok(Progress::Done);
            }
            // A socket that returned less than there was room for is empty, and the poller reports when it is not.
            if self.wire.tls.is_none() && count < buffer.len() {
                return Ok(Progress::Waits);
            }
        }
    }
}

struct Load<'a> {
    options: &'a Options,
    poll: Poll,
    /// The victims come first.
    clients: Vec<Client>,
    victims: usize,
    /// The paths of the crowd, and the victim's.
    paths: Vec<Path>,
    root: Vec<Path>,
    buffer: Vec<u8>,
    number: u64,
    /// Bytes of responses to the crowd, including incomplete batches.
    bytes: u64,
    slowest: Duration,
    latencies: Vec<Duration>,
    errors: HashMap<String, u64>,
    looked: Instant,
}

impl<'a> Load<'a> {
    fn new(options: &'a Options) -> io::Result<Self> {
        let learn = |path: &String| {
            Path::learn(path, options)
                .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
        };
        let now = Instant::now();
        let victims = if options.pace.is_some() { options.victims } else { 0 };
        let mut load = Self {
            options,
            poll: Poll::new()?,
            clients: Vec::new(),
            victims,
            paths: options.paths.iter().map(learn).collect::<Result<_, _>>()?,
            root: vec![learn(&"/".into())?],
            buffer: vec![0; 256 << 10],
            number: 1,
            bytes: 0,
            slowest: Duration::ZERO,
            latencies: Vec::new(),
            errors: HashMap::new(),
            looked: now,
        };
        for key in 0..victims + options.crowd {
            let mut client = Client {
                wire: Wire::connect(options)?,
                out: Vec::new(),
                sent: 0,
                missing: 0,
                received: 0,
                is_fresh: true,
                since: now,
                turn: key.saturating_sub(victims),
                is_victim: key < victims,
                due: now,
            };
            load.register(&mut client, key)?;
            load.clients.push(client);
        }
        for key in victims..load.clients.len() {
            load.ask(key);
        }
        Ok(load)
    }

    fn register(&self, client: &mut Client, key: usize) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client.wire.stream, Token(key), both)
    }

    fn run(&mut self, end: Instant) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            let due = self.victims_ask(now);
            self.poll.poll(&mut events, Some(due.min(end).saturating_duration_since(now)))?;
            let victims = self.victims;
            for key in 0..victims {
                if !self.clients[key].is_idle() {
                    self.event(key);
                }
            }
            for key in events.iter().map(|event| event.token().0).filter(|&key| key >= victims) {
                self.event(key);
            }
            if now - self.looked > Duration::from_millis(500) {
                self.looked = now;
                self.give_up(now);
            }
        }
    }

    /// Sends the requests of the victims that are due; returns when the next one is due.
    fn victims_ask(&mut self, now: Instant) -> Instant {
        let mut next = now + Duration::from_millis(100);
        let Some(pace) = self.options.pace else { return next };
        for key in 0..self.victims {
            let client = &mut self.clients[key];
            if !client.is_idle() {
                continue;
            }
            if client.due <= now {
                client.due = now + pace;
                self.ask(key);
            } else {
                next = next.min(client.due);
            }
        }
        next
    }

    fn ask(&mut self, key: usize) {
        let client = &mut self.clients[key];
        let (paths, depth) =
            if client.is_victim { (&self.root, 1) } else { (&self.paths, self.options.depth) };
        if let Err(error) = client.ask(paths, depth, &mut self.number) {
            self.failed(key, &error);
        }
    }

    fn event(&mut self, key: usize) {
        let client = &mut self.clients[key];
        let progress = client.push().and_then(|()| client.pull(&mut self.buffer));
        let received = std::mem::take(&mut client.received);
        let took = client.since.elapsed();
        if !client.is_victim {
            self.bytes += received;
        }
        match progress {
            Ok(Progress::Waits) => {}
            Ok(Progress::Done) if client.is_victim => self.latencies.push(took),
            Ok(Progress::Done) => {
                self.slowest = self.slowest.max(took);
                self.ask(key);
            }
            Err(error) => self.failed(key, &error),
        }
    }

    /// Counts the error, and reconnects.
    fn failed(&mut self, key: usize, error: &io::Error) {
        let kind = match error.kind() {
            ErrorKind::Other => error.to_string(),
            kind => kind.to_string(),
        };
        *self.errors.entry(kind).or_default() += 1;
        let Ok(wire) = Wire::connect(self.options) else { return };
        let client = &mut self.clients[key];
        client.wire = wire;
        client.missing = 0;
        client.out.clear();
        client.sent = 0;
        client.due = Instant::now() + Duration::from_millis(10);
        let both = Interest::READABLE | Interest::WRITABLE;
        if self.poll.registry().register(&mut client.wire.stream, Token(key), both).is_ok()
            && !client.is_victim
        {
            self.ask(key);
        }
    }

    fn give_up(&mut self, now: Instant) {
        for key in 0..self.clients.len() {
            let client = &self.clients[key];
            // One that could not connect misses nothing, and tries again.
            if now.saturating_duration_since(client.since) > PATIENCE
                && (!client.is_idle() || !client.is_victim)
            {
                self.clients[key].since = now;
                self.failed(key, &ErrorKind::TimedOut.into());
            }
        }
    }

    /// All this was the run-up. Its errors count nevertheless.
    fn forget(&mut self) {
        self.bytes = 0;
        self.slowest = Duration::ZERO;
        self.latencies.clear();
    }

    fn report(mut self, before: &Reading, after: &Reading) -> String {
        let seconds = (after.at - before.at).as_secs_f64();
        let answered = self.latencies.len() as u64;
        // A connection that still waits has waited at least this long.
        for client in &self.clients {
            let waited = after.at.saturating_duration_since(client.since);
            if client.is_idle() {
            } else if client.is_victim {
                self.latencies.push(waited);
            } else {
                self.slowest = self.slowest.max(waited);
            }
        }
        self.latencies.sort();
        let victim = if self.latencies.is_empty() {
            "null".into()
        } else {
            let at = |share: f64| {
                let index = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len() - 1);
                self.latencies[index].as_secs_f64() * 1e3
            };
            format!(
                r#"{{"requests": {answered}, "p50": {:.3}, "p95": {:.3}, "p99": {:.3}, "max": {:.3}}}"#,
                at(0.5),
                at(0.95),
                at(0.99),
                at(1.0)
            )
        };
        let mut errors: Vec<_> =
            self.errors.iter().map(|(kind, count)| format!(r#""{kind}": {count}"#)).collect();
        errors.sort();
        let server = after.server - before.server;
        let responses: usize = self.paths.iter().map(|path| path.response).sum();
        let requests = self.bytes as f64 * self.paths.len() as f64 / responses.max(1) as f64;
        format!(
            r#"{{"seconds": {seconds:.4}, "victim": {victim}, "requests": {requests:.0}, "rate": {:.1}, "slowest": {:.3}, "errors": {{{}}}, "server_us": {:.3}, "server_cores": {:.3}, "client_cores": {:.3}}}"#,
            requests / seconds,
            self.slowest.as_secs_f64() * 1e3,
            errors.join(", "),
            server * 1e6 / (requests + answered as f64).max(1.0),
            server / seconds,
            (after.client - before.client) / seconds
        )
    }
}

/// The clock, and the processor time that the server and this program have taken, in seconds.
struct Reading {
    at: Instant,
    server: f64,
    client: f64,
}

impl Reading {
    fn now(pids: &[u32]) -> Self {
        let server = pids.iter().map(|&pid| cpu(pid)).sum();
        Self { server, client: cpu(process::id()), at: Instant::now() }
    }
}

fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 * TICK
}
