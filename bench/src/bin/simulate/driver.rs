//! What a driver does next, as in the server's `driver.rs` and `run_queue.rs`.

use crate::model::{Task, World};

/// The driver polls after this many turns, or this much time; earlier after a long turn.
const TURNS: u32 = 256;
const ROUND: u64 = 1_000_000;
const TURN: u64 = 300_000;
const LONG_TURN: u64 = 100_000;

/// While several drive, a driver searches for this long before it sleeps.
const SEARCH: u64 = 50_000;

/// With this many in its queue, a shard wakes a sleeping driver of another.
const WORTH_A_CALL: usize = 4;

/// The most neighbours that are searched, and the most connections that are stolen from one.
const REACH: usize = 4;
const MOST_STOLEN: usize = 32;

impl World<'_> {
    /// A thread that slept has got a core.
    pub(super) fn begin(&mut self, thread: usize) {
        match self.threads[thread].task {
            Task::Pause => self.visit(thread, 0),
            // It was in `epoll_wait`.
            Task::Sleep => self.poll(thread, self.home(thread)),
            _ => self.look(thread),
        }
    }

    /// A thread has finished its current step.
    pub(super) fn done(&mut self, thread: usize) {
        match self.threads[thread].task {
            Task::Visit(connection) => self.visited(thread, connection),
            Task::Pop => {
                let home = self.home(thread);
                match self.shards[home].queue.pop_front() {
                    Some(connection) => self.give_turn(thread, connection),
                    None => self.look(thread),
                }
            }
            Task::Turn(connection) => {
                self.answered(connection);
                let it = &mut self.threads[thread];
                it.turns += 1;
                it.is_long = self.now - it.turn_began >= LONG_TURN;
                self.look(thread);
            }
            Task::Poll => self.polled(thread),
            Task::Extend => self.extended(thread),
            Task::Steal(victim) => self.stolen(thread, victim),
            Task::Begin | Task::Sleep | Task::Park | Task::Pause => unreachable!("it does nothing"),
        }
    }

    fn home(&self, thread: usize) -> usize {
        self.threads[thread].shard.expect("a driver")
    }

    fn look(&mut self, thread: usize) {
        let home = self.home(thread);
        let polls = self.has_given_enough(thread);
        if !polls && self.shards[home].queue.is_empty() && self.steal(thread) {
            return;
        }
        let has_work = !self.shards[home].queue.is_empty();
        if has_work && (!polls || self.shards[home].is_polled) {
            let cost = self.lock(home, self.core_of(thread), 0.0);
            self.go_on(thread, Task::Pop, cost);
        } else if !self.shards[home].is_polled {
            self.shards[home].is_polled = true;
            self.poll_or_sleep(thread);
        } else {
            self.shards[home].in_use -= 1;
            self.shards[home].parked.push(thread);
            self.sleep(thread, Task::Park);
        }
    }

    fn has_given_enough(&self, thread: usize) -> bool {
        let it = &self.threads[thread];
        let elapsed = self.now - it.round_began;
        it.turns >= TURNS || (it.turns > 0 && (elapsed >= ROUND || (elapsed >= TURN && it.is_long)))
    }

    fn begin_round(&mut self, thread: usize) {
        let it = &mut self.threads[thread];
        (it.turns, it.round_began) = (0, self.now);
        it.debt += self.costs.usage;
    }

    // It holds the poller of its own shard.

    fn poll_or_sleep(&mut self, thread: usize) {
        let home = self.home(thread);
        if self.shards[home].queue.is_empty() {
            if !self.drives_several() {
                return self.wait_for_events(thread);
            }
            self.threads[thread].searches_until = self.now + SEARCH;
        }
        self.poll(thread, home);
    }

    fn drives_several(&self) -> bool {
        self.scenario.steals && self.scenario.shards * self.scenario.permits > 1
    }

    fn wait_for_events(&mut self, thread: usize) {
        let home = self.home(thread);
        // `epoll_wait` finds what has arrived by now.
        if !self.shards[home].ready.is_empty() {
            return self.poll(thread, home);
        }
        self.threads[thread].debt += self.costs.switch;
        self.shards[home].sleeper = Some(thread);
        self.sleep(thread, Task::Sleep);
    }

    fn poll(&mut self, thread: usize, shard: usize) {
        let cost = self.ask_epoll(thread, shard);
        self.go_on(thread, Task::Poll, cost);
    }

    fn polled(&mut self, thread: usize) {
        let home = self.home(thread);
        let count = self.threads[thread].found.len();
        if count > 0 {
            let cost = self.lock(home, self.core_of(thread), self.costs.lock / 2.0 * (count - 1) as f64);
            return self.go_on(thread, Task::Extend, cost);
        }
        if !self.shards[home].queue.is_empty() {
            return self.lay_back(thread);
        }
        if self.now >= self.threads[thread].searches_until {
            return self.wait_for_events(thread);
        }
        // Stolen connections go into the queue of its own shard, with the poller back in its slot.
        if self.has_neighbour_with_work(thread) {
            return self.lay_back(thread);
        }
        self.poll(thread, home);
    }

    fn extended(&mut self, thread: usize) {
        let home = self.home(thread);
        let found = std::mem::take(&mut self.threads[thread].found);
        self.shards[home].queue.extend(found);
        self.lay_back(thread);
    }

    fn lay_back(&mut self, thread: usize) {
        let home = self.home(thread);
        self.shards[home].is_polled = false;
        let waiting = self.shards[home].queue.len();
        if waiting > 1 {
            self.wake_one(thread, home);
        }
        if waiting >= WORTH_A_CALL {
            self.wake_neighbour(thread, home);
        }
        self.begin_round(thread);
        self.look(thread);
    }

    /// Lets a parked thread of the shard drive.
    fn wake_one(&mut self, thread: usize, shard: usize) {
        let Some(other) = self.shards[shard].parked.pop() else { return };
        self.shards[shard].in_use += 1;
        self.threads[other].was_woken = true;
        self.threads[thread].debt += self.costs.wake_call;
        self.wake_after(other, self.costs.wake_latency);
    }

    /// Wakes a driver that sleeps nearby, which will search here.
    fn wake_neighbour(&mut self, thread: usize, shard: usize) {
        let count = self.shards.len();
        for step in 1..=self.reach() {
            if let Some(other) = self.shards[(shard + count - step) % count].sleeper.take() {
                self.threads[thread].debt += self.costs.wake_call;
                return self.wake_after(other, self.costs.poll_wake);
            }
        }
    }

    fn give_turn(&mut self, thread: usize, connection: usize) {
        let home = self.home(thread);
        if std::mem::take(&mut self.threads[thread].was_woken) && !self.shards[home].queue.is_empty() {
            self.wake_one(thread, home);
        }
        let cost = self.turn(thread, connection);
        self.threads[thread].turn_began = self.now;
        self.go_on(thread, Task::Turn(connection), cost);
    }

    // At the neighbours'.

    /// The number of neighbours that are searched.
    fn reach(&self) -> usize {
        if self.scenario.steals { REACH.min(self.shards.len() - 1) } else { 0 }
    }

    fn has_neighbour_with_work(&mut self, thread: usize) -> bool {
        let (home, core, count) = (self.home(thread), self.core_of(thread), self.shards.len());
        for step in 1..=self.reach() {
            let victim = (home + step) % count;
            let cost = self.look_at(victim, core);
            self.threads[thread].debt += cost;
            if self.shards[victim].queue.len() > 1 {
                return true;
            }
        }
        false
    }

    /// Steals from a neighbour. False if none has enough.
    fn steal(&mut self, thread: usize) -> bool {
        let (home, core, count) = (self.home(thread), self.core_of(thread), self.shards.len());
        let mut cost = 0.0;
        for step in 1..=self.reach() {
            let victim = (home + step) % count;
            cost += self.look_at(victim, core);
            let waiting = self.shards[victim].queue.len();
            if waiting > 1 {
                let hold = self.costs.lock / 2.0 * (waiting / 2).min(MOST_STOLEN) as f64;
                // Once there, and once in its own shard.
                cost += self.lock(victim, core, hold) + self.costs.lock + hold;
                self.go_on(thread, Task::Steal(victim), cost);
                return true;
            }
        }
        self.threads[thread].debt += cost;
        false
    }

    fn stolen(&mut self, thread: usize, victim: usize) {
        let home = self.home(thread);
        let queue = &mut self.shards[victim].queue;
        // It may have less by now.
        let count = if queue.len() > 1 { queue.len().div_ceil(2).min(MOST_STOLEN) } else { 0 };
        let mut loot = queue.drain(..count);
        let Some(first) = loot.next() else {
            drop(loot);
            return self.look(thread);
        };
        let rest: Vec<_> = loot.collect();
        self.shards[home].queue.extend(rest);
        self.give_turn(thread, first);
    }

    /// The length of another shard's queue: its cache line comes here, and its owner has to fetch it back.
    fn look_at(&mut self, shard: usize, core: usize) -> f64 {
        let lock = &mut self.shards[shard].lock;
        let cost = self.costs.transfer(lock.core, core);
        lock.seen_by = Some(core);
        cost
    }
}
