//! The server that `bench/` measures: the routes that its peers have, and a few more.
//!
//! ```text
//! cargo run --release --example bench_server -- --port 8000 [--permits 1] [--log]
//! curl -i http://127.0.0.1:8000/              # 13 bytes of text; HEAD as well
//! curl -i -d text http://127.0.0.1:8000/echo  # what was sent
//! curl -i http://127.0.0.1:8000/blocking      # waits for 10 ms
//! curl -i http://127.0.0.1:8000/nap           # waits for 300 us
//! curl -i http://127.0.0.1:8000/burn          # computes for 50 us
//! curl -o big http://127.0.0.1:8000/big       # 1 MiB
//! curl -i http://127.0.0.1:8000/status/418    # the status that is asked for
//! curl -i -T big -X POST http://127.0.0.1:8000/unread     # a body that nobody reads
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use basehttp::prelude::*;

struct Bench {
    base: BaseHTTPRequestHandler,
    shared: Arc<Shared>,
}

struct Shared {
    log: bool,
    /// As many rounds of [`compute`] as take 50 us.
    rounds: u64,
    big: Vec<u8>,
}

#[http_handler]
impl Bench {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/" => {}
            "/blocking" => thread::sleep(Duration::from_millis(10)),
            "/nap" => thread::sleep(Duration::from_micros(300)),
            "/burn" => compute(self.shared.rounds),
            "/big" => return self.text(&self.shared.big),
            path => return self.status(path),
        }
        self.text(b"Hello, World!")
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

/// How many rounds of `compute` take 50 us: the best of several trials, since others may use the machine as well.
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

fn main() -> io::Result<()> {
    let usage = || {
        io::Error::new(io::ErrorKind::InvalidInput, "usage: bench_server [--port N] [--permits N] [--log]")
    };
    let (mut port, mut permits, mut log) = (8000, None, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--port" => port = args.next().and_then(|port| port.parse().ok()).ok_or_else(usage)?,
            "--permits" => {
                permits = Some(args.next().and_then(|count| count.parse().ok()).ok_or_else(usage)?)
            }
            "--log" => log = true,
            _ => return Err(usage()),
        }
    }
    let shared = Arc::new(Shared { log, rounds: calibrate(), big: vec![b'x'; 1 << 20] });
    // More than the benchmark's 10,000 idle clients.
    let builder = HTTPServer::builder().max_connections(20_000);
    let builder = if let Some(permits) = permits { builder.compute_threads(permits) } else { builder };
    builder.bind(("127.0.0.1", port), move |base| Bench { base, shared: shared.clone() })?.serve_forever()
}
