//! Wakes the polling threads, with a waker for each shard.

use mio::Waker;

use crate::sync::wakes_poller;

#[derive(Debug)]
pub(super) struct Wakers(Box<[Waker]>);

impl Wakers {
    pub(super) fn new(wakers: Vec<Waker>) -> Self {
        Self(wakers.into())
    }

    /// Wakes the thread that polls in a shard.
    pub(super) fn wake(&self, shard: usize) {
        if let Some(waker) = self.0.get(shard) {
            wakes_poller(shard);
            // It fails only if the poller is gone, and then no thread sleeps in it.
            let _ = waker.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        (0..self.0.len()).for_each(|shard| self.wake(shard));
    }
}
