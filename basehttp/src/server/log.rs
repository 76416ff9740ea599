//! The log: lines gather while there is other work, and are written in one go.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

#[derive(Default)]
pub(super) struct Log {
    gathered: Mutex<Gathered>,
    /// For a look without the lock.
    has_lines: AtomicBool,
    /// Held by the one who writes. Nobody waits for that one: a terminal or a pipe that takes nothing must not stop the
    /// server.
    writing: Mutex<Vec<u8>>,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    /// Lines that had no room.
    lost: u64,
}

/// From here on the lines are written although there is other work.
const MANY: usize = 32 * 1024;

/// More is not gathered: whoever reads the log has stopped to.
const MOST: usize = 1024 * 1024;

impl Log {
    pub(super) fn push(&self, line: &str) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        if gathered.lines.len() + line.len() > MOST {
            gathered.lost += 1;
            return;
        }
        gathered.lines.extend_from_slice(line.as_bytes());
        self.has_lines.store(true, Ordering::Release);
        let many = gathered.lines.len() >= MANY;
        drop(gathered);
        if many {
            self.flush();
        }
    }

    pub(super) fn has_lines(&self) -> bool {
        self.has_lines.load(Ordering::Acquire)
    }

    /// Writes what has gathered, unless somebody is writing: that one looks again when it has done so.
    pub(super) fn flush(&self) {
        while self.has_lines() {
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let lost = {
                let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
                self.has_lines.store(false, Ordering::Release);
                std::mem::swap(&mut gathered.lines, &mut writing);
                std::mem::take(&mut gathered.lost)
            };
            // A log that cannot be written has nowhere to complain to, and must not end a request.
            let _ = io::stderr().write_all(&writing);
            writing.clear();
            if lost > 0 {
                let _ =
                    writeln!(io::stderr(), "basehttp: {lost} lines of the log are lost: nobody took them");
            }
        }
    }

    /// A line of the server's own.
    pub(super) fn complain(&self, text: &str) {
        self.push(&format!("basehttp: {text}\n"));
        self.flush();
    }
}
