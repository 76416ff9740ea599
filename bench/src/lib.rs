//! What the servers share: their arguments, and what the routes do.

use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The reply to `GET /`.
pub const HELLO: &str = "Hello, World!";

/// The longest body that `POST /echo` takes.
pub const ECHO_LIMIT: usize = 1 << 20;

/// The arguments of a server: `--port N`, and `--threads N` where the number of its threads can be chosen.
pub struct Options {
    pub port: u16,
    pub threads: Option<usize>,
}

impl Options {
    /// Reads the command line, and gets everything ready that the routes need.
    pub fn from_args() -> Self {
        let mut options = Self { port: 8000, threads: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().unwrap_or_else(|| panic!("{arg} wants a number"));
            match arg.as_str() {
                "--port" => options.port = value.parse().expect("a port"),
                "--threads" => options.threads = Some(value.parse().expect("a number of threads")),
                _ => panic!("unknown argument {arg}"),
            }
        }
        calibrate();
        LazyLock::force(&BIG);
        options
    }

    pub fn address(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.port)
    }
}

static BIG: LazyLock<String> = LazyLock::new(|| "x".repeat(1 << 20));

/// The reply to `GET /big`: 1 MiB.
pub fn big() -> &'static str {
    &BIG
}

/// What `GET /blocking` does: it waits for 10 ms.
pub const BLOCKING: Duration = Duration::from_millis(10);

/// What `GET /nap` does: it waits for 300 us.
pub const NAP: Duration = Duration::from_micros(300);

pub fn blocking() {
    thread::sleep(BLOCKING);
}

pub fn nap() {
    thread::sleep(NAP);
}

/// What `GET /burn` does: it computes for 50 us.
pub fn burn() {
    compute(ROUNDS.load(Ordering::Relaxed));
}

/// How many rounds of [`compute`] take 50 us on this machine.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

#[inline(never)]
fn compute(rounds: u64) {
    let mut x = 1u64;
    for i in 0..rounds {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
    }
    black_box(x);
}

fn calibrate() {
    const TRIAL: u64 = 100_000;
    let time = |_| {
        let start = Instant::now();
        compute(TRIAL);
        start.elapsed().as_nanos()
    };
    let best = (0..20).map(time).min().unwrap_or(1).max(1);
    ROUNDS.store((u128::from(TRIAL) * 50_000 / best) as u64, Ordering::Relaxed);
}
