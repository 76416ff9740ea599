//! Deadlines on their way to the poller, and until when it sleeps.

use super::inbox::Inbox;
use super::sync::{AtomicU64, Ordering, fence};

#[derive(Default)]
pub(super) struct Timers {
    /// Deadlines that the poller does not know yet: when, and whose.
    news: Inbox<(u64, usize)>,
    /// Until when the poller sleeps, on the engine's clock; 0 while it is awake.
    sleeps_until: AtomicU64,
}

impl Timers {
    /// Leaves a deadline for the poller. True if it has to be woken, since it would sleep longer.
    pub(super) fn leave(&self, time: u64, token: usize) -> bool {
        self.news.push((time, token));
        fence(Ordering::SeqCst);
        self.sleeps_until.load(Ordering::SeqCst) > time
    }

    /// For the poller: gives it what it does not know.
    pub(super) fn take(&self, take: impl FnMut((u64, usize))) {
        self.news.empty(take);
    }

    /// For the poller, which is about to sleep. It takes the news once more after that: who has left a deadline before has left
    /// it there, and who does it later wakes the poller.
    pub(super) fn fall_asleep(&self, until: u64) {
        self.sleeps_until.store(until, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    pub(super) fn wake_up(&self) {
        self.sleeps_until.store(0, Ordering::SeqCst);
    }
}
