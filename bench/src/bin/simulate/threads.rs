//! Threads on cores.

use std::fs;
use std::hint::spin_loop;
use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Nanoseconds on a processor.
pub fn processor_time(path: &str) -> io::Result<f64> {
    let text = fs::read_to_string(path)?;
    text.split(' ').next().and_then(|time| time.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Runs two closures on two cores.
pub fn together<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            pin(1);
            first()
        });
        let second = scope.spawn(|| {
            pin(0);
            second()
        });
        (first.join().expect("no panic"), second.join().expect("no panic"))
    })
}

/// Pins the calling thread to one core.
pub fn pin(core: usize) {
    taskset(&core.to_string());
}

/// Allows it all cores again.
pub fn unpin() {
    let last = thread::available_parallelism().map_or(1, usize::from).max(2) - 1;
    taskset(&format!("0-{last}"));
}

fn taskset(cores: &str) {
    let thread = fs::read_link("/proc/thread-self").expect("Linux");
    let thread = thread.file_name().expect("the thread's number");
    let done = Command::new("taskset").arg("-cp").arg(cores).arg(thread).stdout(Stdio::null()).status();
    assert!(done.expect("taskset").success(), "taskset failed");
}

pub fn await_value(word: &AtomicUsize, value: usize) {
    while word.load(Ordering::Acquire) != value {
        spin_loop();
    }
}

/// Without `spin_loop`, which takes longer than a cache line from core to core.
pub fn await_busily(word: &AtomicUsize, value: usize) {
    while word.load(Ordering::Acquire) != value {}
}

pub fn spin_for(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        spin_loop();
    }
}
