//! Deadlines on their way to the poller, and the time until which it sleeps.

use super::inbox::Inbox;
use super::sync::{AtomicU64, Ordering, fence};

#[derive(Default)]
pub(super) struct Timers {
    /// Deadlines that the poller does not know yet: the time and the token.
    news: Inbox<(u64, usize)>,
    /// The end of the poller's sleep, on the engine's clock; 0 while it is awake.
    sleeps_until: AtomicU64,
}

impl Timers {
    /// Leaves a deadline for the poller. True if the poller must be woken, since it would sleep longer.
    pub(super) fn leave(&self, time: u64, token: usize) -> bool {
        self.news.push((time, token));
        fence(Ordering::SeqCst);
        self.sleeps_until.load(Ordering::SeqCst) > time
    }

    /// For the poller: takes the deadlines that it does not know yet.
    pub(super) fn take(&self, take: impl FnMut((u64, usize))) {
        self.news.empty(take);
    }

    /// For the poller, which is about to sleep. It takes the news once more after that: a deadline that was left before is
    /// found then, and a thread that leaves one later wakes the poller.
    pub(super) fn fall_asleep(&self, until: u64) {
        self.sleeps_until.store(until, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    pub(super) fn wake_up(&self) {
        self.sleeps_until.store(0, Ordering::SeqCst);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_poller_that_would_sleep_longer_must_be_woken() {
        let timers = Timers::default();
        assert!(!timers.leave(10, 1), "it is awake");
        timers.fall_asleep(20);
        assert!(timers.leave(19, 2));
        assert!(!timers.leave(20, 3), "it will be awake by then");
        timers.wake_up();
        assert!(!timers.leave(5, 4));
        let mut news = Vec::new();
        timers.take(|deadline| news.push(deadline));
        assert_eq!(news, [(10, 1), (19, 2), (20, 3), (5, 4)]);
        timers.take(|deadline| panic!("{deadline:?} was taken before"));
    }
}
