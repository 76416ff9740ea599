//! Counts by kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, kind: &'static str) {
        *self.lock().entry(kind).or_default() += 1;
    }

    pub(crate) fn sum(&self) -> u64 {
        self.lock().values().sum()
    }

    pub(crate) fn kinds(&self) -> Vec<(&'static str, u64)> {
        self.lock().iter().map(|(kind, count)| (*kind, *count)).collect()
    }
}

/// What has happened to clients so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Good responses, messages and events, every byte of them checked, by what was asked for.
    pub(crate) good: Tally,
    /// Refusals that the client provoked: by status and reason.
    pub(crate) declined: Tally,
    /// 503 while it was crowded, by scene.
    pub(crate) refused: Tally,
    /// 408, or closed, for clients that were late on purpose.
    pub(crate) late: Tally,
    /// Failures that were requested.
    pub(crate) failed: Tally,
    /// Clients that left in the middle, or sent invalid data, on purpose.
    pub(crate) hostile: Tally,
    /// Connections of good clients that broke when that was to be expected, by scene.
    pub(crate) broken: Tally,
    /// Streams, sockets and connections that the server ended in order at its shutdown.
    pub(crate) ended: Tally,
}

impl Counts {
    /// All counts with their names, in the order of the table.
    pub(crate) fn all(&self) -> [(&'static str, &Tally); 8] {
        [
            ("good", &self.good),
            ("declined", &self.declined),
            ("refused", &self.refused),
            ("late", &self.late),
            ("failed", &self.failed),
            ("hostile", &self.hostile),
            ("excused", &self.broken),
            ("ended", &self.ended),
        ]
    }

    /// All attempts of clients.
    pub(crate) fn tries(&self) -> u64 {
        self.all().iter().map(|(_, tally)| tally.sum()).sum()
    }
}
