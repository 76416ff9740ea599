//! The log: lines gather while there is other work, and are written in one go.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub(super) struct Log {
    lines: Mutex<Vec<u8>>,
}

/// More than that is not gathered.
const MOST: usize = 32 * 1024;

impl Log {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(line.as_bytes());
        if lines.len() >= MOST {
            write(&mut lines);
        }
    }

    /// Writes what has gathered.
    pub(super) fn flush(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if !lines.is_empty() {
            write(&mut lines);
        }
    }

    /// A line of the server's own.
    pub(super) fn complain(&self, text: &str) {
        self.push(&format!("basehttp: {text}\n"));
        self.flush();
    }
}

/// A log that cannot be written has nowhere to complain to, and must not end a request.
fn write(lines: &mut Vec<u8>) {
    let _ = io::stderr().write_all(lines);
    lines.clear();
}
