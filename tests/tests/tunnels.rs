//! Connections that are no longer HTTP: joined with another socket inside the server, or split into their two directions.

#[path = "tunnels/halves.rs"]
mod halves;
#[path = "tunnels/relay.rs"]
mod relay;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, wait_until};

struct Proxy {
    base: BaseHTTPRequestHandler,
    origin: String,
}

#[http_handler]
impl Proxy {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(b"hello")
    }

    fn do_CONNECT(&self) -> io::Result<()> {
        let stream = TcpStream::connect(&self.origin)?;
        if self.path() == "early:1" {
            let error = self.relay(stream).unwrap_err();
            self.send_response(200);
            self.send_header("Content-Length", 0);
            self.end_headers()?;
            return Err(error);
        }
        self.send_response(200);
        self.end_headers()?;
        match self.path() {
            "idle:1" => self.relay_with_idle_timeout(stream, Duration::from_millis(500)),
            "failing:1" => {
                self.relay(stream)?;
                Err(io::Error::other("as it was told"))
            }
            "talking:1" => {
                self.wfile.write_all(b"first ")?;
                let mut ahead = String::new();
                io::BufRead::read_line(&mut self.rfile.lock(), &mut ahead)?;
                assert_eq!(ahead, "for the handler\n");
                self.relay(stream)
            }
            "twice:1" => {
                let other = TcpStream::connect(&self.origin)?;
                self.relay(stream)?;
                let error = self.relay(other).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
                Ok(())
            }
            _ => self.relay(stream),
        }
    }

    fn do_SPLIT(&self) -> io::Result<()> {
        self.send_response(101);
        self.send_header("Upgrade", "split");
        self.send_header("Connection", "Upgrade");
        self.end_headers()?;
        halves::serve(self)
    }
}

/// A server that joins its clients with an origin, which is the test.
struct Stage {
    server: TestServer,
    origin: TcpListener,
    log: Log,
}

impl Stage {
    fn new() -> Self {
        Self::with(HTTPServer::builder())
    }

    fn with(builder: ServerBuilder) -> Self {
        let (origin, log) = (TcpListener::bind("127.0.0.1:0").unwrap(), Log::default());
        let address = origin.local_addr().unwrap().to_string();
        let factory = move |base| Proxy { base, origin: address.clone() };
        Self { server: TestServer::with(builder.log_line(log.taker()), factory), origin, log }
    }

    /// A client, and the other end of its tunnel.
    fn joined(&self) -> (TcpStream, TcpStream) {
        self.joined_by("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    }

    fn joined_by(&self, request: &str) -> (TcpStream, TcpStream) {
        let client = self.server.connect().unwrap();
        (&client).write_all(request.as_bytes()).unwrap();
        let (far, _) = self.origin.accept().unwrap();
        far.set_read_timeout(Some(PATIENCE)).unwrap();
        far.set_write_timeout(Some(PATIENCE)).unwrap();
        assert!(read_head(&client).starts_with("HTTP/1.1 200 OK\r\n"));
        (client, far)
    }

    /// An ordinary request beside the tunnels.
    fn check_get(&self) {
        let answer = self.server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        assert!(answer.ends_with(b"\r\n\r\nhello"), "{}", basehttp_tests::show(&answer));
    }
}

fn read_head(mut stream: impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn assert_reads(mut stream: &TcpStream, wanted: &[u8]) {
    let mut bytes = vec![0; wanted.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, wanted);
}

fn assert_ends(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0, "an orderly end");
}

fn assert_reset(mut stream: &TcpStream) {
    let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
}

fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// Sends until there has been no room for a while, and returns how much was sent.
fn fill(mut stream: &TcpStream) -> usize {
    stream.set_nonblocking(true).unwrap();
    let (mut sent, mut last) = (0, Instant::now());
    while last.elapsed() < Duration::from_millis(300) {
        match stream.write(&[7; 10_000]) {
            Ok(count) => (sent, last) = (sent + count, Instant::now()),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                thread::sleep(Duration::from_millis(1));
            }
        }
        assert!(sent < 100_000_000, "there is always room");
    }
    stream.set_nonblocking(false).unwrap();
    sent
}

/// Bytes that differ at every position, and in every direction.
fn pattern(seed: u64, count: usize) -> impl Iterator<Item = u8> {
    let mut state = seed;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).unwrap()
    })
}

fn send_pattern(mut stream: &TcpStream, seed: u64, count: usize) {
    let bytes: Vec<u8> = pattern(seed, count).collect();
    stream.write_all(&bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

fn check_pattern(mut stream: &TcpStream, seed: u64, count: usize) {
    let (mut wanted, mut buffer, mut got) = (pattern(seed, count), vec![0; 1 << 16], 0);
    loop {
        let read = stream.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        assert!(buffer[..read].iter().all(|byte| wanted.next() == Some(*byte)), "after {got} bytes");
        got += read;
    }
    assert_eq!(got, count);
}

/// Both directions at once.
fn exchange(left: &TcpStream, right: &TcpStream, count: usize) {
    thread::scope(|scope| {
        scope.spawn(|| send_pattern(left, 1, count));
        scope.spawn(|| send_pattern(right, 2, count));
        scope.spawn(|| check_pattern(right, 1, count));
        check_pattern(left, 2, count);
    });
}
