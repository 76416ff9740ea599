//! The server that `bench/` measures: the paths of its peers, and a few more.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example bench_server -- --port 8000 [--compute-threads 1] [--reuse-port] [--tls CERT KEY] [--log]
//! curl -i http://127.0.0.1:8000/              # 13 bytes of text; HEAD as well
//! curl -i -d text http://127.0.0.1:8000/echo  # what was sent
//! curl -i http://127.0.0.1:8000/blocking      # waits for 10 ms
//! curl -i http://127.0.0.1:8000/nap           # waits for 300 us
//! curl -i http://127.0.0.1:8000/burn          # computes for 50 us
//! curl -i http://127.0.0.1:8000/blocking/x    # does not wait, though its path begins like one that does
//! curl -i http://127.0.0.1:8000/sometimes?k=20 # waits for 3 ms once in 20 requests
//! curl -i http://127.0.0.1:8000/s123456       # waits for 3 ms, whatever the digits are
//! curl -i http://127.0.0.1:8000/q123456       # does not wait
//! curl -i http://127.0.0.1:8000/sleep/5       # waits for 5 ms
//! curl -i http://127.0.0.1:8000/spin/800      # computes for 800 us
//! curl -o big http://127.0.0.1:8000/big       # 1 MiB, by `write_all`
//! curl -o big http://127.0.0.1:8000/shared    # 1 MiB, by `send_bytes`, shared by all responses
//! curl -i http://127.0.0.1:8000/status/418    # the requested status
//! curl -i -T big -X POST http://127.0.0.1:8000/unread     # a body that is not read
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use basehttp::prelude::*;
use basehttp::{Payload, TlsConfig};

struct Bench {
    base: BaseHTTPRequestHandler,
    shared: Arc<Shared>,
}

struct Shared {
    log: bool,
    /// The number of rounds of [`compute`] that take 50 us.
    rounds: u64,
    big: Payload,
    /// How often `/sometimes` was requested.
    sometimes: AtomicU64,
}

#[http_handler]
impl Bench {
    const protocol_version: &str = "HTTP/1.1";

    // Python's style: the benchmark measures the server without routes.
    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/" | "/blocking/x" => {}
            "/blocking" => thread::sleep(Duration::from_millis(10)),
            "/nap" => thread::sleep(Duration::from_micros(300)),
            "/burn" => compute(self.shared.rounds),
            "/big" => return self.text(self.shared.big.as_bytes()),
            "/shared" => return self.hand_over(&self.shared.big),
            path => {
                if !self.work(path) {
                    return self.status(path);
                }
            }
        }
        self.text(b"Hello, World!")
    }

    /// The requests of `bench/fair` and `bench/scale`. False for any other.
    fn work(&self, path: &str) -> bool {
        const MISS: Duration = Duration::from_millis(3);
        let number = |prefix| path.strip_prefix(prefix).and_then(|number| number.parse::<u64>().ok());
        if let Some(us) = number("/spin/") {
            compute(self.shared.rounds * us / 50);
        } else if let Some(ms) = number("/sleep/") {
            thread::sleep(Duration::from_millis(ms));
        } else if let Some(k) = number("/sometimes?k=").filter(|&k| k > 0) {
            if self.shared.sometimes.fetch_add(1, Ordering::Relaxed).is_multiple_of(k) {
                thread::sleep(MISS);
            }
        } else if number("/s").is_some() {
            thread::sleep(MISS);
        } else {
            return number("/q").is_some();
        }
        true
    }

    fn do_POST(&self) -> io::Result<()> {
        match self.path() {
            "/echo" => self.text(&self.read_body(1 << 20)?),
            "/unread" => self.text(b""),
            _ => self.send_error(404),
        }
    }

    fn text(&self, body: &[u8]) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/plain");
        self.send_header("Content-Length", body.len());
        self.end_headers()?;
        self.wfile.write_all(body)
    }

    fn hand_over(&self, body: &Payload) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/plain");
        self.send_header("Content-Length", body.len());
        self.end_headers()?;
        self.wfile.send_bytes(body.clone())
    }

    fn status(&self, path: &str) -> io::Result<()> {
        match path.strip_prefix("/status/").and_then(|code| code.parse::<u16>().ok()) {
            Some(code @ 200..=999) => {
                self.send_response(code);
                self.end_headers()
            }
            _ => self.send_error(404),
        }
    }

    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        if self.shared.log {
            BaseHTTPRequestHandler::log_request(self, code, size);
        }
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        if self.shared.log {
            BaseHTTPRequestHandler::log_message(self, message);
        }
    }
}

#[inline(never)]
fn compute(rounds: u64) {
    let mut x = 1u64;
    for i in 0..rounds {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
    }
    black_box(x);
}

/// How many rounds of `compute` take 50 us: the best of several trials, since other programs may use the machine too.
fn calibrate() -> u64 {
    const TRIAL: u64 = 100_000;
    let time = |_| {
        let start = Instant::now();
        compute(TRIAL);
        start.elapsed()
    };
    let best = (0..20).map(time).min().unwrap_or_default();
    TRIAL * 50_000 / u64::try_from(best.as_nanos()).unwrap_or(u64::MAX).max(1)
}

const USAGE: &str =
    "usage: bench_server [--port N] [--compute-threads N] [--reuse-port] [--tls CERT KEY] [--log]";

fn main() -> io::Result<()> {
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, USAGE);
    // More than the benchmark's 10,000 idle clients.
    let mut builder = HTTPServer::builder().max_connections(20_000);
    let (mut port, mut log) = (8000, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(usage);
        match arg.as_str() {
            "--port" => port = value()?.parse().map_err(|_| usage())?,
            "--compute-threads" => builder = builder.compute_threads(value()?.parse().map_err(|_| usage())?),
            "--reuse-port" => builder = builder.allow_reuse_port(true),
            "--tls" => builder = builder.tls(TlsConfig::from_files(value()?, value()?)?),
            "--log" => log = true,
            _ => return Err(usage()),
        }
    }
    let shared = Arc::new(Shared {
        log,
        rounds: calibrate(),
        big: vec![b'x'; 1 << 20].into(),
        sometimes: AtomicU64::new(0),
    });
    builder.bind(("127.0.0.1", port), move |base| Bench { base, shared: shared.clone() })?.serve_forever()
}
