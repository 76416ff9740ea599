//! The log: lines gather while there is other work, by shards, and are written in one go.

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
    /// Who takes the lines, if not standard error.
    sink: Option<Box<LogLine>>,
    shards: Box<[Lines]>,
    /// More is not gathered in a shard.
    most: usize,
    /// What is being written. Nobody waits for the one who does it.
    writing: Mutex<Vec<u8>>,
    /// Some of that was not taken.
    has_rest: AtomicBool,
}

/// The lines of a shard, alone in their cache lines.
#[derive(Default)]
#[repr(align(128))]
struct Lines {
    buffered: Mutex<Gathered>,
    /// For a look without the lock.
    has_some: AtomicBool,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    /// Lines that had no room.
    lost: u64,
}

/// From here on the lines are written although there is other work.
const MANY: usize = 32 * 1024;

/// More is not gathered in all shards together, unless there are many: whoever reads the log has stopped to.
const MOST: usize = 512 * 1024;

/// How long the last lines are waited for, and how often somebody looks.
const LAST_LINES: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Takes a line without its line end.
pub(super) type LogLine = dyn Fn(&str, Level) + Send + Sync;

/// What stands before a line of this level, for those who want to know it.
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

    /// Takes a line about a connection of this shard, and lays it to the others. True if there are so many that they should be
    /// written although there is other work: by the caller, who knows whether it holds a lock, or by whoever has time.
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

    /// Whether the lines go to code of the user, which may take its time. Standard error is only written to as far as it takes.
    pub(super) fn has_sink(&self) -> bool {
        self.sink.is_some()
    }

    pub(super) fn has_lines(&self) -> bool {
        self.has_rest.load(Ordering::Acquire)
            || self.shards.iter().any(|lines| lines.has_some.load(Ordering::Acquire))
    }

    /// Writes what has gathered, unless somebody is writing: that one looks again when it has done so.
    pub(super) fn flush(&self) {
        while self.has_lines() {
            // Here a line is said and then the lock is tried; there the lock is given back and then lines are looked for.
            // With a fence on both sides one of the two sees the other.
            fence(Ordering::SeqCst);
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            // What nobody took the last time goes first.
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

    /// Takes what has gathered in a shard.
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
            let text = format!("{lost} lines of the log are lost: nobody took them");
            self.put(&line_of_the_server(&text), Level::Warning, into);
        }
    }

    /// Writes what has gathered, and waits for a thread that is writing: after this the process may end. Not for ever, since
    /// whoever takes the lines may have stopped to.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + LAST_LINES;
        loop {
            self.flush();
            let is_written = match self.writing.try_lock() {
                Err(TryLockError::WouldBlock) => false,
                // What was taken out of `gathered` is written, or has said that it is not.
                Ok(_) | Err(TryLockError::Poisoned(_)) => !self.has_lines(),
            };
            if is_written || Instant::now() >= deadline {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// A line in which the server complains, about a connection of this shard or, in the first, about anything else. It writes
    /// nothing: who complains may have the poller in hand, or be the watchdog, and the drivers' loop writes what there is.
    pub(super) fn warn(&self, shard: usize, text: &str) {
        self.gather(shard, &line_of_the_server(text), Level::Warning);
    }

    /// Says something outside of all turns, after which lines are written: a thread that serves may sleep for long.
    #[cfg(any(unix, feature = "tls"))]
    pub(super) fn tell(&self, text: &str, level: Level) {
        self.gather(0, &line_of_the_server(text), level);
        self.flush();
    }
}

/// Gives the lines to code of the user. One that panics has lost a line.
fn give(sink: &LogLine, lines: &[u8]) -> usize {
    for line in String::from_utf8_lossy(lines).lines() {
        let warns = line.as_bytes().first() == Some(&mark(Level::Warning));
        let level = if warns { Level::Warning } else { Level::Info };
        let _ = caught(|| sink(line.get(1..).unwrap_or_default(), level));
    }
    lines.len()
}

/// What happens often, and is told now and then.
#[derive(Default)]
pub(super) struct Repeated {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// How often it has happened since then.
    untold: u64,
}

/// How often.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Repeated {
    /// It has happened again: tells that with `text`, unless that was done just now.
    pub(super) fn tell(&self, log: &Log, text: impl FnOnce() -> String) {
        let Some(untold) = self.count(Instant::now()) else { return };
        let text = text();
        log.warn(
            0,
            &match untold {
                0 => text,
                _ => format!("{text} (and {untold} times since this was last told)"),
            },
        );
    }

    /// How often it has happened without being told before, if it is to be told now.
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

/// Writes to standard error as much as goes without waiting, since a terminal or a pipe that takes nothing must not stop the
/// server. A log that cannot be written at all has nowhere to complain to, and must not end a request.
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

/// A pipe that is writable takes so much without waiting (`PIPE_BUF`; POSIX grants 512 bytes, Linux has 4096).
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
            // A signal says nothing about the pipe, and a write that has to wait would go on waiting.
            Err(Errno::EINTR) => {}
            // A closed one is writable too: the write finds the error.
            polled => return !matches!(polled, Ok(0)),
        }
    }
}

/// Elsewhere a write may wait, and the watchdog has another thread go on.
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
