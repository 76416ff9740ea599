//! A request's head: this crate's parser and the questions that follow it, against httparse's parse alone.
//!
//! `cargo bench -p basehttp --bench head`. Compare within one run: the ratio means something, the times of a
//! shared machine do not.

use std::{fs, hint::black_box, mem::MaybeUninit, path::Path};

use basehttp::proto::{
    framing::{body_of, check_host, expects_continue, persistence},
    head::{Head, HeadParser, Progress},
    limits::Limits,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn heads(c: &mut Criterion) {
    for name in ["small", "curl", "browser", "fields60"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/heads").join(name);
        let bytes = fs::read(path).expect("the head is beside the benchmark");
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));

        group.bench_function("httparse", |b| {
            b.iter(|| {
                // Uninitialized, as hyper does it: to clear the table would be a third of a small head's time.
                let mut fields = [const { MaybeUninit::uninit() }; 64];
                let mut request = httparse::Request::new(&mut []);
                let status = request.parse_with_uninit_headers(black_box(&bytes), &mut fields);
                assert_eq!(status, Ok(httparse::Status::Complete(bytes.len())));
                black_box(request.headers.len())
            });
        });

        let mut parser = HeadParser::new(Limits::default());
        let mut head = Head::default();
        group.bench_function("basehttp", |b| {
            b.iter(|| {
                parser.reset();
                head.clear();
                let bytes = black_box(&bytes[..]);
                assert_eq!(parser.parse(bytes, &mut head), Ok(Progress::Done));
                let host = check_host(&head, bytes);
                let body = body_of(&head, bytes);
                let asks = persistence(&head, bytes);
                black_box((host, body, asks, expects_continue(&head, bytes)))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, heads);
criterion_main!(benches);
