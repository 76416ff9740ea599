//! The shared state of the traffic: whether clients may continue, the counts, the failure.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::Trouble;
use crate::tally::Counts;

#[derive(Debug, Default)]
pub(crate) struct Stage {
    state: Mutex<State>,
    changed: Condvar,
    /// For each of the two servers: odd while there are more clients than it has room for, so that it may refuse any of them.
    crowds: [AtomicU64; 2],
    /// When the server was told to end, and how long it may take. From then on it may refuse what it has not received.
    ending: OnceLock<(Instant, Duration)>,
    calm: AtomicBool,
    /// The server is gone, or about to be killed: nothing counts any more.
    abandoned: AtomicBool,
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

/// One of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Https,
}

/// How many crowds have begun and ended so far.
#[derive(Debug)]
pub(crate) struct Crowds([u64; 2]);

/// See [`Stage::owed`].
enum Owed {
    Response,
    Nothing,
    Late,
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

    /// A crowd at one of the servers begins or ends.
    pub(crate) fn set_crowded(&self, server: Way, crowded: bool) {
        let before = self.crowds[server as usize].fetch_add(1, Ordering::SeqCst);
        assert_eq!(before.is_multiple_of(2), crowded, "one crowd at a time");
    }

    pub(crate) fn crowds(&self) -> Crowds {
        Crowds([Way::Http, Way::Https].map(|way| self.crowds[way as usize].load(Ordering::SeqCst)))
    }

    /// The server is told to end now, and has this time.
    pub(crate) fn set_ending(&self, grace: Duration) {
        let _ = self.ending.set((Instant::now(), grace));
    }

    /// There must be no more crowds that may be refused: a lost request could not be distinguished from one of them.
    pub(crate) fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.get().is_some()
    }

    /// Whether the server has had its time.
    pub(crate) fn is_after_grace(&self) -> bool {
        self.ending.get().is_some_and(|(begun, grace)| begun.elapsed() >= *grace)
    }

    /// Waits until the traffic is over.
    pub(crate) fn wait_for_end(&self) {
        let mut state = self.state();
        while state.phase != Phase::Over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What happens to clients from now on means nothing.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }

    /// Records how a scene has ended. `crowds` is from its beginning, `ways` are the servers that took part.
    pub(crate) fn judge(&self, crowds: &Crowds, ways: &[Way], scene: &'static str, end: Result<(), Trouble>) {
        if self.abandoned.load(Ordering::SeqCst) {
            return;
        }
        let now = self.crowds();
        let is_crowded = ways.iter().any(|way| {
            let before = crowds.0[*way as usize];
            !before.is_multiple_of(2) || now.0[*way as usize] != before
        });
        let counts = &self.counts;
        match end {
            Ok(()) => {}
            Err(Trouble::Refused) if is_crowded => counts.refused.add(scene),
            Err(Trouble::Broken(..)) if is_crowded => counts.broken.add(scene),
            Err(Trouble::Refused) if self.is_ending() => counts.refused.add("at the end"),
            Err(Trouble::Broken(error, sent)) => match self.owed(sent) {
                Owed::Response => self.wrong(format!("{scene}: {error} ({:?})", error.kind())),
                Owed::Nothing => {
                    counts.ended.add("connections after the end, or a moment before");
                    // The listener is closed.
                    thread::sleep(Duration::from_millis(100));
                }
                Owed::Late => counts.broken.add("at the end, after the grace"),
            },
            Err(Trouble::Ended(what)) if self.is_ending() => counts.ended.add(what),
            Err(Trouble::Refused) => self.wrong(format!("{scene}: 503, where there was room")),
            Err(Trouble::Ended(what)) => self.wrong(format!("{scene}: ended without a reason: {what}")),
            Err(Trouble::Wrong(what)) => self.wrong(format!("{scene}: {what}")),
        }
    }

    /// What the server owes a client that had sent its request at this time and whose connection breaks now.
    fn owed(&self, sent: Option<Instant>) -> Owed {
        match self.ending.get() {
            Some((begun, _)) if sent.is_none_or(|sent| sent >= *begun) => Owed::Nothing,
            Some((begun, grace)) if begun.elapsed() >= *grace => Owed::Late,
            _ => Owed::Response,
        }
    }

    /// The soak has failed. A long one says so at once.
    pub(crate) fn wrong(&self, what: String) {
        let mut state = self.state();
        if state.wrong.len() < 20 {
            println!("{what}");
        }
        state.wrong.push(what);
        drop(state);
        self.changed.notify_all();
    }

    pub(crate) fn is_wrong(&self) -> bool {
        !self.state().wrong.is_empty()
    }

    pub(crate) fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.state().wrong)
    }
}
