//! Which thread does what: the shards with their drivers, the pool, the reserve, the watchdog.
//!
//! A server has one shard or several. Each has connections of its own, a poller that tells which of them are ready, and a queue in
//! which those wait for a turn. A *driver* gives them their turns; it has a permit of its shard. As many drive as make the server
//! faster ([`control`](super::control)). Where a shard has no driver, the one of shard 0 attends it: it polls there as well, and
//! takes turns from its queue. So shard 0 has a driver at all times, and an idle server has one thread that sleeps.
//!
//! A driver without work at home takes half of what waits in another shard. The connections go on to belong there.

use super::pool::ThreadPool;
use super::run_queue::RunQueue;
use super::watchdog::Watchdog;

pub(super) struct Scheduler<C, P> {
    pub(super) shards: Box<[RunQueue<C, P>]>,
    pub(super) pool: ThreadPool<C>,
    pub(super) watchdog: Watchdog,
}

impl<C, P> Scheduler<C, P> {
    /// A shard for each poller. `computing` threads may compute at a time.
    pub(super) fn new(pollers: Vec<P>, max_threads: usize, computing: usize) -> Self {
        let shards = pollers.into_iter().enumerate();
        Self {
            shards: shards
                .map(|(shard, poller)| RunQueue::new(Box::new(poller), usize::from(shard == 0)))
                .collect(),
            pool: ThreadPool::new(max_threads, computing),
            watchdog: Watchdog::new(),
        }
    }

    /// The queue of a shard; those of others that there are not are shard 0's.
    pub(super) fn shard(&self, shard: usize) -> &RunQueue<C, P> {
        let [first, ..] = &*self.shards else { unreachable!("a server has a shard") };
        self.shards.get(shard).unwrap_or(first)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shard(0).is_closed()
    }

    /// The shards that have no driver, for the one of shard 0.
    pub(super) fn unattended(&self) -> impl Iterator<Item = usize> {
        (1..self.shards.len()).filter(|shard| self.shard(*shard).in_use() == 0)
    }

    /// Whether there are more drivers than one.
    pub(super) fn drives_several(&self) -> bool {
        self.shards.iter().map(RunQueue::in_use).sum::<usize>() > 1
    }

    /// Whether a driver sleeps, so that there is processor time left.
    pub(super) fn has_time(&self) -> bool {
        self.shards.iter().any(RunQueue::is_asleep)
    }

    /// Spreads so many drivers over the shards.
    pub(super) fn wanted_in(&self, shard: usize, drivers: usize) -> usize {
        let least = usize::from(shard == 0);
        drivers.saturating_sub(shard).div_ceil(self.shards.len()).max(least)
    }
}
