//! Shared by the servers: their arguments, and the work of the routes.

use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The response to `GET /`.
pub const HELLO: &str = "Hello, World!";

/// The longest body that `POST /echo` accepts.
pub const ECHO_LIMIT: usize = 1 << 20;

/// The arguments of a server: `--port N`, and `--threads N` if the number of its threads can be chosen.
pub struct Options {
    pub port: u16,
    pub threads: Option<usize>,
}

impl Options {
    /// Reads the command line, and prepares what the routes need.
    pub fn from_args() -> Self {
        let mut options = Self { port: 8000, threads: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().unwrap_or_else(|| panic!("{arg} needs a number"));
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

/// The response to `GET /big`: 1 MiB.
pub fn big() -> &'static str {
    &BIG
}

/// The work of `GET /blocking`: it waits for 10 ms.
pub const BLOCKING: Duration = Duration::from_millis(10);

/// The work of `GET /nap`: it waits for 300 us.
pub const NAP: Duration = Duration::from_micros(300);

pub fn blocking() {
    thread::sleep(BLOCKING);
}

pub fn nap() {
    thread::sleep(NAP);
}

/// The work of `GET /burn`: it computes for 50 us.
pub fn burn() {
    spin(50);
}

fn spin(us: u64) {
    compute(ROUNDS.load(Ordering::Relaxed) * us / 50);
}

/// The work of a request of `bench/fair` and `bench/scale`, before `Hello, World!` is sent.
#[derive(Clone, Copy)]
pub enum Work {
    /// `/` and `/q123456`: nothing. So does `/blocking/x`, which begins like `/blocking`.
    Nothing,
    /// `/blocking`: it waits for 10 ms. `/sleep/MS`. `/s123456`: 3 ms, under a first segment that is always new.
    Wait(Duration),
    /// `/sometimes?k=N`: one in N waits for 3 ms, which cannot be predicted.
    Sometimes(u64),
    /// `/spin/US`: it computes.
    Spin(u64),
}

impl Work {
    pub fn of(path: &str, query: Option<&str>) -> Option<Self> {
        let first = path.strip_prefix('/')?;
        let is_new = |kind| first.strip_prefix(kind).is_some_and(is_number);
        Some(match path {
            "/" | "/blocking/x" => Self::Nothing,
            "/blocking" => Self::Wait(BLOCKING),
            "/sometimes" => Self::Sometimes(query?.strip_prefix("k=")?.parse().ok().filter(|&k| k > 0)?),
            _ if is_new('q') => Self::Nothing,
            _ if is_new('s') => Self::Wait(MISS),
            _ => match first.split_once('/')? {
                ("sleep", ms) => Self::Wait(Duration::from_millis(ms.parse().ok()?)),
                ("spin", us) => Self::Spin(us.parse().ok()?),
                _ => return None,
            },
        })
    }

    /// The same, from a target as it is in the request line.
    pub fn of_target(target: &str) -> Option<Self> {
        match target.split_once('?') {
            Some((path, query)) => Self::of(path, Some(query)),
            None => Self::of(target, None),
        }
    }

    pub fn run(self) {
        match self {
            Self::Nothing => {}
            Self::Wait(time) => thread::sleep(time),
            Self::Sometimes(k) => {
                static RUNS: AtomicU64 = AtomicU64::new(0);
                if RUNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(k) {
                    thread::sleep(MISS);
                }
            }
            Self::Spin(us) => spin(us),
        }
    }

    /// Whether its author would have an event loop hand it to other threads: it may wait, or computes for more than
    /// the 100 us that tokio's documentation allows.
    pub fn is_long(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Wait(_) | Self::Sometimes(_) => true,
            Self::Spin(us) => us > 100,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// How long a cache miss takes.
const MISS: Duration = Duration::from_millis(3);

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
