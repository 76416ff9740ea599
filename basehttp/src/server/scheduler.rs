//! Which thread does what: the shards with their drivers, the pool, the reserve, the watchdog.
//!
//! A server has one shard or several. Each has its own connections, a poller that reports which of them are ready, and a
//! queue in which ready connections wait for a turn. A *driver* gives them their turns; it has a permit of its shard. The
//! number of drivers is the one that makes the server fastest ([`control`](super::control)). A shard without a driver is
//! attended by the driver of shard 0, which also polls there and takes turns from its queue. So shard 0 always has a driver,
//! and an idle server has one sleeping thread.
//!
//! Work stealing: a driver without work in its shard takes half of what waits in another shard. The connections still belong
//! there.

use super::pool::ThreadPool;
use super::run_queue::RunQueue;
use super::watchdog::Watchdog;

pub(super) struct Scheduler<C, P> {
    pub(super) shards: Box<[RunQueue<C, P>]>,
    pub(super) pool: ThreadPool<C>,
    pub(super) watchdog: Watchdog,
}

impl<C, P> Scheduler<C, P> {
    /// Makes a shard for each poller. `computing` compute-bound threads may run at a time.
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

    /// The queue of a shard; for a number that does not exist, that of shard 0.
    pub(super) fn shard(&self, shard: usize) -> &RunQueue<C, P> {
        let [first, ..] = &*self.shards else { unreachable!("a server has a shard") };
        self.shards.get(shard).unwrap_or(first)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shard(0).is_closed()
    }

    /// The shards that have no driver, for the driver of shard 0.
    pub(super) fn unattended(&self) -> impl Iterator<Item = usize> {
        (1..self.shards.len()).filter(|shard| self.shard(*shard).in_use() == 0)
    }

    /// Whether there is more than one driver.
    pub(super) fn drives_several(&self) -> bool {
        self.shards.iter().map(RunQueue::in_use).sum::<usize>() > 1
    }

    /// Whether a driver sleeps, which means that there is processor time left.
    pub(super) fn has_time(&self) -> bool {
        self.shards.iter().any(RunQueue::is_asleep)
    }

    /// How many of `drivers` belong to a shard when they are spread over all shards.
    pub(super) fn wanted_in(&self, shard: usize, drivers: usize) -> usize {
        let least = usize::from(shard == 0);
        drivers.saturating_sub(shard).div_ceil(self.shards.len()).max(least)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn scheduler(shards: usize) -> Scheduler<(), usize> {
        Scheduler::new((0..shards).collect(), 1, 1)
    }

    #[test]
    fn each_shard_has_its_poller_and_the_first_wants_a_driver() {
        let scheduler = scheduler(3);
        for (shard, wanted) in [1, 0, 0].into_iter().enumerate() {
            assert_eq!(scheduler.shard(shard).wanted(), wanted);
            assert_eq!(scheduler.shard(shard).take_poller().as_deref(), Some(&shard));
        }
        assert!(std::ptr::eq(scheduler.shard(3), scheduler.shard(0)));
        assert!(!scheduler.is_closed());
        scheduler.shard(1).close();
        assert!(!scheduler.is_closed());
        scheduler.shard(0).close();
        assert!(scheduler.is_closed());
    }

    #[test]
    fn shards_without_a_driver_are_attended() {
        let scheduler = scheduler(4);
        assert_eq!(scheduler.unattended().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(scheduler.shard(0).try_permit());
        assert!(!scheduler.drives_several());
        scheduler.shard(2).want(1);
        assert!(scheduler.shard(2).try_permit());
        assert_eq!(scheduler.unattended().collect::<Vec<_>>(), [1, 3]);
        assert!(scheduler.drives_several());
    }

    #[test]
    fn there_is_time_left_while_a_driver_sleeps() {
        let scheduler = scheduler(2);
        assert!(!scheduler.has_time());
        scheduler.shard(1).set_asleep(true);
        assert!(scheduler.has_time());
    }

    #[test]
    fn drivers_are_spread_over_all_shards() {
        let scheduler = scheduler(3);
        for (drivers, wanted) in
            [(0, [1, 0, 0]), (1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (4, [2, 1, 1]), (8, [3, 3, 2])]
        {
            assert_eq!([0, 1, 2].map(|shard| scheduler.wanted_in(shard, drivers)), wanted, "{drivers}");
        }
    }
}
