//! Takes the permit from a driver that stays in one piece of user code for a whole tick, and gives it to another thread. The
//! code continues undisturbed.

use std::time::Duration;

use super::predictor::Kind;
use super::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, PoisonError, fence, lock};
use super::worker::Worker;

/// How long a handler may delay other connections.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// After this many ticks without user code the watchdog sleeps.
pub(super) const QUIET_TICKS: u32 = 20;

pub(super) struct Watchdog {
    /// The threads that drive.
    drivers: Mutex<Vec<Arc<Worker>>>,
    asleep: AtomicBool,
    roused: Mutex<bool>,
    changed: Condvar,
}

/// What the watchdog has seen in a round.
pub(super) struct Seen {
    /// Drivers that have lost their permit, which must be passed on.
    pub(super) taken: Vec<TakenPermit>,
    /// There is something to watch, or was since the last round.
    pub(super) active: bool,
}

/// A driver that was found in one piece of code for a whole tick.
pub(super) struct TakenPermit {
    pub(super) worker: Arc<Worker>,
    /// The shard that it drove.
    pub(super) shard: usize,
    /// The kind of request whose handler it is in, if it is in a handler.
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

    /// Takes the permit from the current thread. False if it has lost it already.
    pub(super) fn relieve(&self, worker: &Arc<Worker>) -> bool {
        let had = worker.lose_permit();
        if had {
            lock(&self.drivers).retain(|other| !Arc::ptr_eq(other, worker));
        }
        had
    }

    /// How many threads drive.
    #[cfg(all(test, any(loom, shuttle)))]
    pub(super) fn drivers(&self) -> usize {
        lock(&self.drivers).len()
    }

    /// Looks at every driver, once a tick.
    pub(super) fn look(&self) -> Seen {
        let mut seen = Seen { taken: Vec::new(), active: false };
        lock(&self.drivers).retain(|worker| {
            seen.active |= worker.is_active();
            // Read first: once it has lost the permit, it may get that of another shard.
            let (shard, kind) = (worker.shard(), worker.kind());
            let stuck = worker.lose_if_stuck();
            if stuck {
                seen.taken.push(TakenPermit { worker: worker.clone(), shard, kind });
            }
            !stuck
        });
        seen
    }

    /// User code begins on a thread. The watchdog sleeps while there is none.
    pub(super) fn enter(&self, worker: &Worker) {
        worker.enter();
        self.rouse();
    }

    /// Wakes the watchdog if it sleeps. The order is: publish the reason, fence, check whether it sleeps.
    pub(super) fn rouse(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            *lock(&self.roused) = true;
            self.changed.notify_one();
        }
    }

    /// Sleeps until a thread rouses it. It first publishes that it sleeps and then looks once more, so that one side sees
    /// the other if user code begins meanwhile.
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

    #[test]
    fn the_permit_of_a_driver_that_stays_in_the_code_of_the_user_is_taken() {
        let (watchdog, worker) = (Watchdog::new(), Arc::new(Worker::new()));
        let kind = crate::server::predictor::Predictor::new().kind("GET", "/");
        worker.set_shard(2);
        worker.set_kind(Some(kind));
        watchdog.grant(&worker);
        assert!(worker.has_permit());
        assert!(watchdog.look().active, "it has just begun to drive");
        assert!(!watchdog.look().active);
        watchdog.enter(&worker);
        let seen = watchdog.look();
        assert!(seen.active && seen.taken.is_empty());
        let seen = watchdog.look();
        assert!(seen.active && !worker.has_permit());
        let [taken] = &*seen.taken else { panic!("one driver has lost its permit") };
        assert!(Arc::ptr_eq(&taken.worker, &worker));
        assert_eq!((taken.shard, taken.kind), (2, Some(kind)));
        let seen = watchdog.look();
        assert!(!seen.active && seen.taken.is_empty());
        assert!(lock(&watchdog.drivers).is_empty());
        assert!(!watchdog.relieve(&worker));
    }

    #[test]
    fn a_driver_that_lays_its_permit_down_is_no_longer_watched() {
        let watchdog = Watchdog::new();
        let [one, other] = [(); 2].map(|()| Arc::new(Worker::new()));
        watchdog.grant(&one);
        watchdog.grant(&other);
        assert!(watchdog.relieve(&one) && !watchdog.relieve(&one));
        let left = lock(&watchdog.drivers).clone();
        assert!(left.len() == 1 && Arc::ptr_eq(&left[0], &other));
    }

    #[test]
    fn the_watchdog_sleeps_until_it_is_roused() {
        let (watchdog, worker) = (Watchdog::new(), Arc::new(Worker::new()));
        watchdog.rouse();
        watchdog.grant(&worker);
        // There is a reason to stay awake.
        watchdog.sleep(|| true);
        watchdog.enter(&worker);
        watchdog.sleep(|| false);
        worker.leave();
        std::thread::scope(|scope| {
            let sleeps = scope.spawn(|| watchdog.sleep(|| false));
            // It holds the lock until it waits.
            while !watchdog.asleep.load(Ordering::SeqCst) {
                assert!(!sleeps.is_finished(), "there is nothing to watch");
                std::thread::yield_now();
            }
            let roused = lock(&watchdog.roused);
            assert!(!sleeps.is_finished(), "the driver is not in the code of the user");
            drop(roused);
            watchdog.enter(&worker);
            sleeps.join().expect("it does not panic");
        });
        assert!(!watchdog.asleep.load(Ordering::SeqCst) && !*lock(&watchdog.roused));
    }
}
