//! The server's log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::ChildStderr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The reader of the server's log, which may pause.
#[derive(Debug, Default)]
pub(crate) struct LogReader {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    unread: bool,
    account: LogAccount,
    end: VecDeque<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogAccount {
    /// Lines about requests.
    pub(crate) requests: u64,
    /// Lines of the server itself.
    pub(crate) complaints: u64,
    /// Lines that the server reports as dropped.
    pub(crate) lost: u64,
}

impl LogReader {
    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_unread(&self, unread: bool) {
        self.state().unread = unread;
        self.changed.notify_all();
    }

    pub(crate) fn account(&self) -> LogAccount {
        self.state().account
    }

    /// The last lines.
    pub(crate) fn end(&self) -> String {
        Vec::from(self.state().end.clone()).join("\n")
    }

    /// Reads to the end, and copies the lines.
    pub(crate) fn read(&self, errors: ChildStderr, mut copy: Option<File>) {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            if let Some(copy) = &mut copy {
                let _ = writeln!(copy, "{line}");
            }
            let mut state = self.state();
            while state.unread {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let lost = line.strip_prefix("basehttp: ").and_then(|line| {
                line.strip_suffix(" log lines were dropped because they could not be written")?
                    .parse::<u64>()
                    .ok()
            });
            if let Some(lost) = lost {
                state.account.lost += lost;
            } else if line.contains(" - - [") {
                state.account.requests += 1;
            } else {
                state.account.complaints += 1;
                state.end.push_back(line);
                if state.end.len() > 20 {
                    state.end.pop_front();
                }
            }
        }
    }
}
