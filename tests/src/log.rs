//! A log that a test can inspect.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basehttp::LogLevel;

/// Lines that handlers have logged. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub fn push(&self, line: impl fmt::Display) {
        self.lock().push(line.to_string());
    }

    /// Receives the lines of a server, as its setting `log_line`.
    pub fn taker(&self) -> impl Fn(&str, LogLevel) + Send + Sync + 'static {
        let log = self.clone();
        move |line, _level| log.push(line)
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Takes the lines so far.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    /// Whether a line contains `text`.
    pub fn has(&self, text: &str) -> bool {
        self.lock().iter().any(|line| line.contains(text))
    }

    /// How many lines contain `text`.
    pub fn count(&self, text: &str) -> usize {
        self.lock().iter().filter(|line| line.contains(text)).count()
    }

    /// Waits until a line contains `text`.
    pub fn wait_for(&self, text: &str) {
        crate::wait_until(&format!("{text:?} in the log"), || self.has(text));
    }
}
