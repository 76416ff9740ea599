//! Which requests have handlers that wait: saturating counters, as in a processor's branch predictor. A wrong guess costs
//! time, never correctness.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

pub(super) struct Predictor {
    counters: [AtomicU8; COUNTERS],
    /// So that nobody can aim requests at the counter of another path.
    seed: u64,
    /// Runs in the pool of handlers that surely wait.
    runs: AtomicUsize,
}

const COUNTERS: usize = 1024;

/// So much of the first segment of a path tells it from others.
const SEGMENT: usize = 32;

/// Nothing is known yet.
const UNKNOWN: u8 = 0;
/// It has been quick so far.
const QUICK: u8 = 1;
/// From here on a request goes to the pool.
const WAITS: u8 = 3;
/// From here on only a sample of the runs is looked at.
const SURE: u8 = 8;
const SAMPLE: usize = 16;
const MOST: u8 = 16;

/// What a run of a handler has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// It took longer than a hand-over, and gave up the processor by itself meanwhile.
    Waited,
    /// It took less.
    Quick,
    /// It took longer, and computed.
    Computed,
}

/// A counter of the predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Predictor {
    pub(super) fn new() -> Self {
        Self {
            counters: [const { AtomicU8::new(0) }; COUNTERS],
            seed: RandomState::new().hash_one(0),
            runs: AtomicUsize::new(0),
        }
    }

    /// The counter for requests of this kind: `/users/17` profits from what `/users/16` taught.
    pub(super) fn slot(&self, command: &str, path: &str) -> Slot {
        let path = path.strip_prefix('/').unwrap_or(path);
        let segment = path.bytes().take(SEGMENT).take_while(|byte| !matches!(byte, b'/' | b'?' | b'#'));
        // FNV-1a from a secret start: a counter is no more than a guess, and this is on the way of every request.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = segment.fold(mix(command.bytes().fold(self.seed, mix), b' '), mix);
        Slot(usize::try_from((hash >> 32) % COUNTERS as u64).unwrap_or(0))
    }

    pub(super) fn waits(&self, slot: Slot) -> bool {
        self.counters[slot.0].load(Ordering::Relaxed) >= WAITS
    }

    /// Whether such handlers have been quick so far.
    pub(super) fn is_quick(&self, slot: Slot) -> bool {
        self.counters[slot.0].load(Ordering::Relaxed) == QUICK
    }

    /// A handler that was known to be quick was not: the next one is looked at.
    pub(super) fn doubt(&self, slot: Slot) {
        let _ = self.counters[slot.0].compare_exchange(QUICK, UNKNOWN, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the next run of a handler in the pool is looked at closely: while little is known, and now and then after that.
    pub(super) fn is_doubtful(&self, slot: Slot) -> bool {
        self.counters[slot.0].load(Ordering::Relaxed) < SURE
            || self.runs.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLE)
    }

    /// What a run of such a handler has shown.
    pub(super) fn learn(&self, slot: Slot, lesson: Lesson) {
        let counter = &self.counters[slot.0];
        let old = counter.load(Ordering::Relaxed);
        let new = match lesson {
            Lesson::Waited => (old.max(QUICK) + 1).min(MOST),
            Lesson::Quick => old.saturating_sub(1).max(QUICK),
            // Nothing about waiting; but where it is in the pool, it would be better off with a driver.
            Lesson::Computed => old.min(WAITS).saturating_sub(1).max(QUICK),
        };
        if new != old {
            // Two threads that learn at once may lose a lesson, which comes again.
            counter.store(new, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn waiting_teaches_and_quickness_unteaches() {
        let predictor = Predictor::new();
        let slot = predictor.slot("GET", "/users/16?x");
        assert_eq!(slot, predictor.slot("GET", "/users/17/posts"));
        assert_ne!(slot, predictor.slot("GET", "/other"));
        predictor.learn(slot, Lesson::Waited);
        assert!(!predictor.waits(slot));
        predictor.learn(slot, Lesson::Waited);
        assert!(predictor.waits(slot));
        predictor.learn(slot, Lesson::Quick);
        assert!(!predictor.waits(slot));
    }
}
