//! The shared state of the traffic: whether clients may continue, the counts, the failure.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::Trouble;

#[derive(Debug, Default)]
pub(crate) struct Stage {
    state: Mutex<State>,
    changed: Condvar,
    /// Odd while there are more clients than the server has room for, so that it may refuse any of them.
    crowds: AtomicU64,
    /// The server has been told to end, and may leave any client without a response.
    ending: AtomicBool,
    pub(crate) counts: Counts,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    actors: usize,
    resting: usize,
    wrong: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Rest,
    Play,
    Over,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Good responses, every byte of them checked.
    pub(crate) good: AtomicU64,
    /// 503 while it was crowded.
    pub(crate) refused: AtomicU64,
    /// 408 for clients that were late on purpose.
    pub(crate) late: AtomicU64,
    /// Error pages that were requested.
    pub(crate) failed: AtomicU64,
    /// Clients that left in the middle, or sent invalid data, on purpose.
    pub(crate) hostile: AtomicU64,
    /// Connections of good clients that broke when that was to be expected.
    pub(crate) broken: AtomicU64,
}

impl Counts {
    /// All attempts of clients.
    pub(crate) fn tries(&self) -> u64 {
        let all = [&self.good, &self.refused, &self.late, &self.failed, &self.hostile, &self.broken];
        all.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn add(of: &AtomicU64) {
        of.fetch_add(1, Ordering::Relaxed);
    }
}

impl Stage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(&self) {
        self.state().actors += 1;
    }

    /// Between two scenes: waits while traffic is paused. False at the end.
    pub(crate) fn goes_on(&self) -> bool {
        let mut state = self.state();
        if state.phase == Phase::Rest {
            state.resting += 1;
            self.changed.notify_all();
            while state.phase == Phase::Rest {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.resting -= 1;
        }
        state.phase == Phase::Play
    }

    /// Waits, unless traffic has to pause. False if it has to.
    pub(crate) fn hold(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state();
        while state.phase == Phase::Play {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    pub(crate) fn play(&self) {
        self.state().phase = Phase::Play;
        self.changed.notify_all();
    }

    /// Waits until all clients pause, for this time at most. False if one does not.
    pub(crate) fn rest(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.state();
        state.phase = Phase::Rest;
        self.changed.notify_all();
        while state.resting < state.actors {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().phase == Phase::Over
    }

    /// Makes all clients end.
    pub(crate) fn close(&self) {
        self.state().phase = Phase::Over;
        self.changed.notify_all();
    }

    /// The crowd begins or ends.
    pub(crate) fn set_crowded(&self, crowded: bool) {
        let before = self.crowds.fetch_add(1, Ordering::SeqCst);
        assert_eq!(before.is_multiple_of(2), crowded, "one crowd at a time");
    }

    pub(crate) fn crowds(&self) -> u64 {
        self.crowds.load(Ordering::SeqCst)
    }

    pub(crate) fn set_ending(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Records how a scene has ended. `crowds` is the count from its beginning.
    pub(crate) fn judge(&self, crowds: u64, scene: &str, end: Result<(), Trouble>) {
        let ending = self.ending.load(Ordering::SeqCst);
        let excused = !crowds.is_multiple_of(2) || self.crowds() != crowds || ending;
        match end {
            Ok(()) => {}
            // The receiver is gone.
            Err(Trouble::Broken(_)) if ending => thread::sleep(Duration::from_millis(10)),
            Err(Trouble::Refused) if excused => Counts::add(&self.counts.refused),
            Err(Trouble::Broken(_)) if excused => Counts::add(&self.counts.broken),
            Err(Trouble::Refused) => self.wrong(format!("{scene}: 503, where there was room")),
            Err(Trouble::Broken(error)) => self.wrong(format!("{scene}: {error} ({:?})", error.kind())),
            Err(Trouble::Wrong(what)) => self.wrong(format!("{scene}: {what}")),
        }
    }

    /// The soak has failed.
    pub(crate) fn wrong(&self, what: String) {
        self.state().wrong.push(what);
        self.changed.notify_all();
    }

    pub(crate) fn is_wrong(&self) -> bool {
        !self.state().wrong.is_empty()
    }

    pub(crate) fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.state().wrong)
    }
}
