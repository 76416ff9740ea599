//! A lock, and the cache lines that move from core to core with it.

use std::collections::VecDeque;

use crate::costs::Costs;
use crate::model::{Event, Load, Scenario, World, nanos};

#[derive(Default)]
pub(super) struct Lock {
    pub(super) free: u64,
    pub(super) core: usize,
    /// Another core has read the line, which has to come back before it can be written.
    pub(super) seen_by: Option<usize>,
    /// When the spinning threads get it, and how many threads sleep.
    spinning: VecDeque<u64>,
    sleepers: usize,
}

impl World<'_> {
    /// Takes the lock and does work under it; returns the time until that is done.
    pub(super) fn lock(&mut self, shard: usize, core: usize, hold: f64) -> f64 {
        let costs = self.costs;
        let lock = &mut self.shards[shard].lock;
        let wait = lock.free.saturating_sub(self.now);
        while lock.spinning.front().is_some_and(|start| *start <= self.now) {
            lock.spinning.pop_front();
        }
        // The cache line with the lock and the queue's head, and that of the entry.
        let line = costs.transfer(lock.core, core);
        let mut busy = costs.lock + hold + 2.0 * line;
        if let Some(other) = lock.seen_by.take() {
            busy += costs.transfer(other, core);
        }
        lock.core = core;
        if wait as f64 > costs.spin {
            // It sleeps. Others take the lock before it is awake, but it still has its share of the lock's time.
            lock.sleepers += 1;
            lock.free += nanos(busy);
            return wait as f64 + costs.wake_latency + busy;
        }
        if wait > 0 {
            // When the line is written, all spinning threads fetch it, one after the other; the right one gets it after half of
            // them on average.
            busy += line * (1.0 + lock.spinning.len() as f64 / 2.0);
            lock.spinning.push_back(self.now + wait);
        }
        lock.free = self.now + wait + nanos(busy);
        let mut after = 0.0;
        if lock.sleepers > 0 {
            lock.sleepers -= 1;
            after = costs.wake_call;
        }
        wait as f64 + busy + after
    }
}

/// Nanoseconds from task to task, if threads only take what they put into one queue.
pub fn queue_alone(costs: &Costs, cores: usize) -> f64 {
    const TIME: u64 = 5_000_000;
    let scenario = Scenario {
        cores,
        shards: 1,
        permits: 0,
        connections: 0,
        batch: 1,
        handler: 0.0,
        rare: None,
        load: Load::Remote { round_trip: 0.0, thought: 0.0 },
        steals: true,
        time: TIME,
    };
    let mut world = World::new(costs, &scenario);
    (0..cores).for_each(|core| world.events.at(0, Event::Wake(core)));
    let mut locks = 0;
    while let Some((time, Event::Wake(core))) = world.events.next().filter(|(time, _)| *time < TIME) {
        world.now = time;
        let cost = world.lock(0, core, 0.0);
        locks += 1;
        world.wake_after(core, cost);
    }
    // Each task is put in and taken out.
    TIME as f64 * 2.0 / f64::from(locks)
}
