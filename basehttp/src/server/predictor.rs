//! Which requests have handlers that wait: saturating counters, as in a processor's branch predictor. A wrong guess costs
//! time, never correctness.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU8, Ordering};

pub(super) struct Predictor {
    counters: [AtomicU8; COUNTERS],
    /// Seeded, so that nobody can aim requests at the counter of another path.
    seed: RandomState,
}

const COUNTERS: usize = 1024;
/// Nothing is known yet.
const UNKNOWN: u8 = 0;
/// It has been quick so far.
const QUICK: u8 = 1;
/// From here on a request goes to the pool.
const WAITS: u8 = 3;
const MOST: u8 = 64;

/// A counter of the predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Predictor {
    pub(super) fn new() -> Self {
        Self { counters: [const { AtomicU8::new(0) }; COUNTERS], seed: RandomState::new() }
    }

    /// The counter for requests of this kind: `/users/17` profits from what `/users/16` taught.
    pub(super) fn slot(&self, command: &str, path: &str) -> Slot {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let segment = path.strip_prefix('/').unwrap_or(path).split('/').next().unwrap_or_default();
        let hash = self.seed.hash_one((command, segment));
        Slot(usize::try_from(hash % COUNTERS as u64).unwrap_or(0))
    }

    pub(super) fn waits(&self, slot: Slot) -> bool {
        self.counters[slot.0].load(Ordering::Relaxed) >= WAITS
    }

    /// Whether such a handler has run and has been quick.
    pub(super) fn is_known(&self, slot: Slot) -> bool {
        self.counters[slot.0].load(Ordering::Relaxed) != UNKNOWN
    }

    /// A handler has waited, or has not.
    pub(super) fn learn(&self, slot: Slot, waited: bool) {
        let counter = &self.counters[slot.0];
        let old = counter.load(Ordering::Relaxed);
        let new = if waited { (old.max(QUICK) + 1).min(MOST) } else { old.saturating_sub(1).max(QUICK) };
        if new != old {
            // Two threads that learn at once may lose a lesson, which comes again.
            counter.store(new, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_waiting_teaches_and_quickness_unteaches() {
        let predictor = Predictor::new();
        let slot = predictor.slot("GET", "/users/16?x");
        assert_eq!(slot, predictor.slot("GET", "/users/17/posts"));
        assert_ne!(slot, predictor.slot("GET", "/other"));
        predictor.learn(slot, true);
        assert!(!predictor.waits(slot));
        predictor.learn(slot, true);
        assert!(predictor.waits(slot));
        predictor.learn(slot, false);
        assert!(!predictor.waits(slot));
    }
}
