//! The engine's clock: milliseconds since the server was made.

use std::time::{Duration, Instant};

/// Later than any time.
pub(super) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Timeline {
    began: Instant,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }

    /// It starts at 1: 0 is never a time.
    pub(super) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    pub(super) fn at(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.began);
        elapsed.as_secs().saturating_mul(1000).saturating_add(u64::from(elapsed.subsec_millis()) + 1)
    }
}

/// In milliseconds, rounded down.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}
