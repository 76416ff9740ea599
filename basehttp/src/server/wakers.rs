//! What wakes those who poll, a waker for each shard.

use mio::Waker;

use crate::sync::wakes_poller;

#[derive(Debug)]
pub(super) struct Wakers(Box<[Waker]>);

impl Wakers {
    pub(super) fn new(wakers: Vec<Waker>) -> Self {
        Self(wakers.into())
    }

    /// Wakes the one who polls in a shard.
    pub(super) fn wake(&self, shard: usize) {
        if let Some(waker) = self.0.get(shard) {
            wakes_poller(shard);
            // It fails only where the poller is gone, and then nobody sleeps.
            let _ = waker.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        (0..self.0.len()).for_each(|shard| self.wake(shard));
    }
}
