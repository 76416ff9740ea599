//! A request's head: this crate's parser and the questions that follow it, against httparse's parse alone.
//!
//! `cargo bench -p basehttp --bench head`. On a machine that does other things too, compare the ratios that are
//! printed first: there the two take turns, and the best turn of each counts. Criterion measures one after the other.

use std::{
    fs,
    hint::black_box,
    mem::MaybeUninit,
    path::Path,
    time::{Duration, Instant},
};

use basehttp::__private::proto::{
    framing::{body_of, check_host, expects_continue, persistence},
    head::{Head, HeadParser, Progress},
    limits::Limits,
};
use criterion::{Criterion, Throughput};

const HEADS: [&str; 4] = ["small", "curl", "browser", "fields60"];

fn main() {
    for name in HEADS {
        print_ratio(name);
    }
    let mut criterion = Criterion::default().configure_from_args();
    for name in HEADS {
        let bytes = head_named(name);
        let mut ours = Ours::new();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("httparse", |b| b.iter(|| httparse(&bytes)));
        group.bench_function("basehttp", |b| b.iter(|| ours.run(&bytes)));
        group.finish();
    }
    criterion.final_summary();
}

fn head_named(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/heads").join(name);
    fs::read(path).expect("the head is beside the benchmark")
}

fn httparse(bytes: &[u8]) {
    // Uninitialized: to clear the table would be half of a small head's time.
    let mut fields = [const { MaybeUninit::uninit() }; 64];
    let mut request = httparse::Request::new(&mut []);
    let status = request.parse_with_uninit_headers(black_box(bytes), &mut fields);
    assert_eq!(status, Ok(httparse::Status::Complete(bytes.len())));
    black_box(&request);
}

/// Parser and head are reused, as on a connection.
struct Ours {
    parser: HeadParser,
    head: Head,
}

impl Ours {
    fn new() -> Self {
        Self { parser: HeadParser::new(Limits::default()), head: Head::default() }
    }

    fn run(&mut self, bytes: &[u8]) {
        self.parser.reset();
        self.head.clear();
        let (bytes, head) = (black_box(bytes), &mut self.head);
        assert_eq!(self.parser.parse(bytes, head), Ok(Progress::Done));
        assert_eq!(check_host(head, bytes), Ok(()));
        let _ = black_box(body_of(head, bytes));
        let _ = black_box(expects_continue(head, bytes));
        black_box(persistence(head, bytes));
    }
}

fn print_ratio(name: &str) {
    let bytes = head_named(name);
    let mut ours = Ours::new();
    let mut best = [Duration::MAX; 2];
    for _ in 0..TURNS {
        best[0] = best[0].min(time_of(|| httparse(&bytes)));
        best[1] = best[1].min(time_of(|| ours.run(&bytes)));
    }
    let [theirs, ours] = best.map(|time| time.as_secs_f64() * 1e9 / f64::from(CALLS));
    println!("{name:9} httparse {theirs:6.1} ns  basehttp {ours:6.1} ns  ratio {:.2}", ours / theirs);
}

fn time_of(mut call: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed()
}

/// Turns are short, so that each side finds some in which nobody disturbs it.
const TURNS: u32 = 2000;
const CALLS: u32 = 100;
