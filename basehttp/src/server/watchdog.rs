//! Takes the permit from a driver that stays in one handler for a whole tick, and gives it to another thread. The handler
//! goes on undisturbed.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::engine::Engine;

/// How long a handler may hold up the others.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// So many ticks without a handler, and the watchdog sleeps.
const QUIET_TICKS: u32 = 20;

#[derive(Default)]
pub(super) struct Watchdog {
    asleep: AtomicBool,
    roused: Mutex<bool>,
    changed: Condvar,
}

impl Watchdog {
    /// Wakes the watchdog if it sleeps. Called after the reason for it was published.
    pub(super) fn rouse(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            *self.roused.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_one();
        }
    }

    /// Sleeps until somebody rouses it. It says so first and looks once more after that, so that a handler that began
    /// meanwhile is seen by one side or by the other.
    fn sleep(&self, is_needed: impl Fn() -> bool) {
        let mut roused = self.roused.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !is_needed() {
            while !*roused {
                roused = self.changed.wait(roused).unwrap_or_else(PoisonError::into_inner);
            }
        }
        *roused = false;
        self.asleep.store(false, Ordering::SeqCst);
    }
}

/// The watchdog's thread.
pub(super) fn watch(engine: &Arc<Engine>) {
    let mut quiet = 0;
    while !engine.crew.is_closed() {
        thread::sleep(TICK);
        let mut active = false;
        for worker in engine.crew.workers() {
            active |= worker.is_active();
            if worker.lose_if_stuck() {
                engine.crew.pass_on(engine);
            }
        }
        quiet = if active { 0 } else { quiet + 1 };
        if quiet >= QUIET_TICKS {
            quiet = 0;
            engine.crew.watchdog.sleep(|| {
                engine.crew.is_closed() || engine.crew.workers().iter().any(|worker| worker.is_watched())
            });
        }
    }
}
