//! Takes the permit from a driver that stays in one piece of the user's code for a whole tick, and gives it to another thread.
//! The code goes on undisturbed.

use std::time::Duration;

use super::predictor::Kind;
use super::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, PoisonError, fence, lock};
use super::worker::Worker;

/// How long a handler may hold up the others.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// So many ticks without code of the user, and the watchdog sleeps.
pub(super) const QUIET_TICKS: u32 = 20;

pub(super) struct Watchdog {
    /// Who drives.
    drivers: Mutex<Vec<Arc<Worker>>>,
    asleep: AtomicBool,
    roused: Mutex<bool>,
    changed: Condvar,
}

/// What the watchdog has seen in a round.
pub(super) struct Seen {
    /// Who has lost a permit, which is to be passed on.
    pub(super) taken: Vec<TakenPermit>,
    /// There is something to watch, or was since the round before.
    pub(super) active: bool,
}

/// A driver that was found in one piece of code for a whole tick.
pub(super) struct TakenPermit {
    pub(super) worker: Arc<Worker>,
    /// Where it drove.
    pub(super) shard: usize,
    /// What kind of request has the handler that it is in, if that is a handler.
    pub(super) kind: Option<Kind>,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Self {
            drivers: Mutex::new(Vec::new()),
            asleep: AtomicBool::new(false),
            roused: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// Gives a thread its permit.
    pub(super) fn grant(&self, worker: &Arc<Worker>) {
        worker.grant_permit();
        lock(&self.drivers).push(worker.clone());
    }

    /// Takes the permit from the current thread. False if it is gone already.
    pub(super) fn relieve(&self, worker: &Arc<Worker>) -> bool {
        let had = worker.lose_permit();
        if had {
            lock(&self.drivers).retain(|other| !Arc::ptr_eq(other, worker));
        }
        had
    }

    /// How many drive.
    #[cfg(all(test, any(loom, shuttle)))]
    pub(super) fn drivers(&self) -> usize {
        lock(&self.drivers).len()
    }

    /// Looks at every driver, once a tick.
    pub(super) fn look(&self) -> Seen {
        let mut seen = Seen { taken: Vec::new(), active: false };
        lock(&self.drivers).retain(|worker| {
            seen.active |= worker.is_active();
            // Before: once it has lost the permit it may get that of another shard.
            let (shard, kind) = (worker.shard(), worker.kind());
            let stuck = worker.lose_if_stuck();
            if stuck {
                seen.taken.push(TakenPermit { worker: worker.clone(), shard, kind });
            }
            !stuck
        });
        seen
    }

    /// Code of the user begins on a thread. The watchdog sleeps while there is none.
    pub(super) fn enter(&self, worker: &Worker) {
        worker.enter();
        self.rouse();
    }

    /// Wakes the watchdog if it sleeps. Called after the reason for it was published: publish, fence, look whether it does.
    pub(super) fn rouse(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            *lock(&self.roused) = true;
            self.changed.notify_one();
        }
    }

    /// Sleeps until somebody rouses it. It says so first and looks once more after that, so that code of the user that began
    /// meanwhile is seen by one side or by the other.
    pub(super) fn sleep(&self, is_over: impl Fn() -> bool) {
        let mut roused = lock(&self.roused);
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !is_over() && !lock(&self.drivers).iter().any(|worker| worker.is_watched()) {
            while !*roused {
                roused = self.changed.wait(roused).unwrap_or_else(PoisonError::into_inner);
            }
        }
        *roused = false;
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_that_of_the_shard_where_it_was_taken() {
        let watchdog = Watchdog::new();
        let workers = [0, 1].map(|shard| {
            let worker = Arc::new(Worker::new());
            worker.set_shard(shard);
            watchdog.grant(&worker);
            watchdog.enter(&worker);
            worker
        });
        assert!(watchdog.look().taken.is_empty());
        let taken = watchdog.look().taken;
        // Both have returned meanwhile, and one drives in the other shard.
        for worker in &workers {
            worker.leave();
        }
        workers[1].set_shard(0);
        assert_eq!(taken.iter().map(|taken| taken.shard).collect::<Vec<_>>(), [0, 1]);
    }
}
