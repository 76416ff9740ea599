//! The system's information about a process: its threads, its descriptors, its processor time. Linux only.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Threads and descriptors are counted by process, so tests that count them take turns.
pub fn in_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folders in `/proc` of this process's threads that belong to servers, with the threads' names.
fn threads() -> Vec<(PathBuf, String)> {
    let tasks = fs::read_dir("/proc/self/task").expect("the threads of this process");
    let named = tasks.filter_map(|task| {
        let path = task.ok()?.path();
        // A thread may end during the loop.
        let name = fs::read_to_string(path.join("comm")).ok()?.trim().to_owned();
        name.starts_with("basehttp").then_some((path, name))
    });
    named.collect()
}

/// How many threads belong to servers, watchdogs and reserves included.
pub fn server_threads() -> usize {
    threads().len()
}

/// How many of the servers' threads may run handlers.
pub fn workers() -> usize {
    threads().iter().filter(|(_, name)| name == "basehttp").count()
}

/// How often each thread of a server has gone to sleep so far.
pub fn sleeps() -> Vec<(PathBuf, String)> {
    let count = |path: PathBuf| {
        let status = fs::read_to_string(path.join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
        Some((path, line))
    };
    let mut sleeps: Vec<_> = threads().into_iter().filter_map(|(path, _)| count(path)).collect();
    sleeps.sort();
    sleeps
}

/// How many descriptors this process has open.
pub fn descriptors() -> usize {
    // One of them is that of the folder itself.
    fs::read_dir("/proc/self/fd").expect("the descriptors of this process").count() - 1
}

/// How many descriptors another process has open.
pub fn descriptors_of(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).expect("the descriptors of a child").count()
}

/// How many threads another process has.
pub fn threads_of(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/task")).expect("the threads of a child").count()
}

/// The memory of another process, in KiB: what it has written to, without the pages of files, which are loaded as their code
/// runs.
pub fn memory_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the status of a child");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|count| count.parse().ok()).expect("a number")
}

/// The state of another process as one letter: T for stopped, see proc(5).
pub fn state_of(process: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).expect("its state")
}

/// The processor time that a process has used so far, in the system's ticks, usually of ten milliseconds.
pub fn ticks(process: u32) -> u64 {
    ticks_in(&format!("/proc/{process}/stat"))
}

/// The processor time that the current thread has used so far.
pub fn ticks_of_this_thread() -> u64 {
    ticks_in("/proc/thread-self/stat")
}

fn ticks_in(path: &str) -> u64 {
    let stat = fs::read_to_string(path).expect("a process");
    // The name before it may contain anything but this.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // utime and stime, fields 14 and 15 of proc(5).
    fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
}

/// How many bytes the system buffers for the reader of the connection at `local` that comes from `remote`, two ports of
/// 127.0.0.1.
pub fn unread(local: u16, remote: u16) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").expect("the connections of this machine");
    let ends = [format!("0100007F:{local:04X}"), format!("0100007F:{remote:04X}")];
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut ours = lines.filter(|fields| fields.get(1..3).is_some_and(|found| found == ends));
    let queues = ours.next().and_then(|fields| fields.get(4).copied()).expect("the connection");
    let received = queues.split_once(':').map(|(_, received)| u64::from_str_radix(received, 16));
    received.expect("two numbers").expect("a number")
}
