//! The log: lines are collected by shard while there is other work, and are written in one go.

#[cfg(not(all(test, any(loom, shuttle))))]
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::caught::caught;
#[cfg(all(test, any(loom, shuttle)))]
use super::models::log::write;
use super::sync::{AtomicBool, Mutex, Ordering, TryLockError, fence, lock};
use crate::handler::log_line::line_of_the_server;
use crate::handler::wire::Level;

pub(super) struct Log {
    /// Receives the lines, if they do not go to standard error.
    sink: Option<Box<LogLine>>,
    shards: Box<[Lines]>,
    /// The limit of what is collected in a shard.
    most: usize,
    /// The lines that are being written. No thread waits for the one that writes.
    writing: Mutex<Vec<u8>>,
    /// Some of these could not be written yet.
    has_rest: AtomicBool,
}

/// The lines of a shard, in cache lines of their own.
#[derive(Default)]
#[repr(align(128))]
struct Lines {
    buffered: Mutex<Gathered>,
    /// To check without the lock.
    has_some: AtomicBool,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    /// Lines that did not fit.
    lost: u64,
}

/// From here on the lines are written although there is other work.
const MANY: usize = 32 * 1024;

/// The limit of what is collected in all shards together, unless there are many: then the reader of the log has stalled.
const MOST: usize = 512 * 1024;

/// How long the server waits for the last lines to be written, and how often it checks.
const LAST_LINES: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Receives a line without its line end.
pub(super) type LogLine = dyn Fn(&str, Level) + Send + Sync;

/// The mark before a line of this level, for a sink that distinguishes levels.
fn mark(level: Level) -> u8 {
    match level {
        Level::Info => b' ',
        Level::Warning => b'!',
    }
}

impl Log {
    pub(super) fn new(sink: Option<Box<LogLine>>, shards: usize) -> Self {
        Self {
            sink,
            shards: (0..shards).map(|_| Lines::default()).collect(),
            most: (MOST / shards).max(2 * MANY),
            writing: Mutex::default(),
            has_rest: AtomicBool::new(false),
        }
    }

    /// Adds a line about a connection of this shard. True if there are so many that they should be written although there is
    /// other work: by the caller, which knows whether it holds a lock, or by any thread that has time.
    pub(super) fn gather(&self, shard: usize, line: &str, level: Level) -> bool {
        let Some(lines) = self.shards.get(shard) else { return false };
        let mut gathered = lock(&lines.buffered);
        let length = gathered.lines.len();
        if length > 0 && length + line.len() > self.most {
            gathered.lost += 1;
        } else {
            self.put(line, level, &mut gathered.lines);
        }
        lines.has_some.store(true, Ordering::Release);
        gathered.lines.len() >= MANY
    }

    fn put(&self, line: &str, level: Level, lines: &mut Vec<u8>) {
        // Standard error has no levels.
        if self.sink.is_some() {
            lines.push(mark(level));
        }
        lines.extend_from_slice(line.as_bytes());
    }

    /// Whether the lines go to user code, which may block. Standard error is only written to while it accepts data.
    pub(super) fn has_sink(&self) -> bool {
        self.sink.is_some()
    }

    pub(super) fn has_lines(&self) -> bool {
        self.has_rest.load(Ordering::Acquire)
            || self.shards.iter().any(|lines| lines.has_some.load(Ordering::Acquire))
    }

    /// Writes the collected lines, unless another thread is writing: that one looks again when it is done.
    pub(super) fn flush(&self) {
        while self.has_lines() {
            // Here a line is added and then the lock is tried; there the lock is released and then lines are looked for.
            // With a fence on both sides one of the two sees the other.
            fence(Ordering::SeqCst);
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            // Lines that could not be written last time go first.
            if writing.is_empty() {
                self.shards.iter().for_each(|lines| self.take(lines, &mut writing));
            }
            let written = match &self.sink {
                Some(sink) => give(sink, &writing),
                None => write(&writing),
            };
            writing.drain(..written);
            let is_written = writing.is_empty();
            self.has_rest.store(!is_written, Ordering::Release);
            drop(writing);
            if !is_written {
                return;
            }
            fence(Ordering::SeqCst);
        }
    }

    /// Takes the collected lines of a shard.
    fn take(&self, lines: &Lines, into: &mut Vec<u8>) {
        if !lines.has_some.load(Ordering::Acquire) {
            return;
        }
        let mut gathered = lock(&lines.buffered);
        lines.has_some.store(false, Ordering::Release);
        if into.is_empty() {
            std::mem::swap(&mut gathered.lines, into);
        } else {
            into.append(&mut gathered.lines);
        }
        let lost = std::mem::take(&mut gathered.lost);
        drop(gathered);
        if lost > 0 {
            let text = format!("{lost} log lines were dropped because they could not be written");
            self.put(&line_of_the_server(&text), Level::Warning, into);
        }
    }

    /// Writes the collected lines, and waits for a thread that is writing: the process may end afterwards. The wait is
    /// limited, since the reader of the lines may have stalled.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + LAST_LINES;
        loop {
            self.flush();
            let is_written = match self.writing.try_lock() {
                Err(TryLockError::WouldBlock) => false,
                // What was taken out of `gathered` is written, or is marked as not written.
                Ok(_) | Err(TryLockError::Poisoned(_)) => !self.has_lines(),
            };
            if is_written || Instant::now() >= deadline {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Adds a warning of the server itself, about a connection of this shard or, in shard 0, about anything else. It writes
    /// nothing: the caller may hold the poller, or be the watchdog. The drivers' loop writes the lines.
    pub(super) fn warn(&self, shard: usize, text: &str) {
        self.gather(shard, &line_of_the_server(text), Level::Warning);
    }

    /// Adds a line from outside all turns, after which lines would be written, and writes it: a serving thread may sleep for
    /// long.
    #[cfg(any(unix, feature = "tls"))]
    pub(super) fn tell(&self, text: &str, level: Level) {
        self.gather(0, &line_of_the_server(text), level);
        self.flush();
    }
}

/// Gives the lines to user code. If it panics, the line is lost.
fn give(sink: &LogLine, lines: &[u8]) -> usize {
    for line in String::from_utf8_lossy(lines).lines() {
        let warns = line.as_bytes().first() == Some(&mark(Level::Warning));
        let level = if warns { Level::Warning } else { Level::Info };
        let _ = caught(|| sink(line.get(1..).unwrap_or_default(), level));
    }
    lines.len()
}

/// An event that may occur often, and is logged only now and then.
#[derive(Default)]
pub(super) struct Repeated {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// How often it has occurred since then.
    untold: u64,
}

/// The interval between two reports.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Repeated {
    /// Records an occurrence, and logs `text` unless that was done recently.
    pub(super) fn tell(&self, log: &Log, text: impl FnOnce() -> String) {
        let Some(untold) = self.count(Instant::now()) else { return };
        let text = text();
        log.warn(
            0,
            &match untold {
                0 => text,
                _ => format!("{text} (and {untold} times since the last report of this)"),
            },
        );
    }

    /// The number of occurrences that were not logged, if it is time to log.
    fn count(&self, now: Instant) -> Option<u64> {
        let mut told = lock(&self.told);
        if told.last.is_some_and(|last| now.saturating_duration_since(last) < TELL_EVERY) {
            told.untold += 1;
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

/// Writes to standard error as much as is possible without blocking, since a stalled terminal or pipe must not stop the
/// server. If the log cannot be written at all, there is nowhere to report that, and it must not end a request.
#[cfg(not(all(test, any(loom, shuttle))))]
fn write(lines: &[u8]) -> usize {
    let mut stderr = io::stderr();
    let mut written = 0;
    while let Some(rest) = lines.get(written..).filter(|rest| !rest.is_empty()) {
        // Whole lines, since other programs may write to the same pipe.
        let end = rest.get(..PIECE).map_or(rest.len(), |piece| {
            piece.iter().rposition(|byte| *byte == b'\n').map_or(PIECE, |line_end| line_end + 1)
        });
        let piece = rest.get(..end).unwrap_or(rest);
        if !is_writable(&stderr) {
            break;
        }
        match stderr.write(piece) {
            Ok(count @ 1..) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Ok(_) | Err(_) => return lines.len(),
        }
    }
    written
}

/// A writable pipe takes this much without blocking (`PIPE_BUF`; POSIX guarantees 512 bytes, Linux has 4096).
#[cfg(not(all(test, any(loom, shuttle))))]
const PIECE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

#[cfg(all(unix, not(all(test, any(loom, shuttle)))))]
fn is_writable(stderr: &io::Stderr) -> bool {
    use std::os::fd::AsFd as _;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let mut files = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    loop {
        match poll(&mut files, PollTimeout::ZERO) {
            // A signal says nothing about the pipe, and a write that has to wait would keep waiting.
            Err(Errno::EINTR) => {}
            // A closed one is writable too: the write finds the error.
            polled => return !matches!(polled, Ok(0)),
        }
    }
}

/// On other systems a write may block; then the watchdog lets another thread drive.
#[cfg(not(unix))]
fn is_writable(_stderr: &io::Stderr) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_counted_until_it_is_told() {
        let repeated = Repeated::default();
        let now = Instant::now();
        assert_eq!(repeated.count(now), Some(0));
        assert_eq!(repeated.count(now), None);
        assert_eq!(repeated.count(now + TELL_EVERY / 2), None);
        assert_eq!(repeated.count(now + TELL_EVERY), Some(2));
        assert_eq!(repeated.count(now + TELL_EVERY * 3), Some(0));
    }
}
