//! What a driver does next: `shift.rs` and `driver.rs` of the server, and the shards that come after them.

use crate::model::{Rules, Task, World};

/// After so many turns, or so much time, the poller is asked.
const TURNS: u32 = 256;
const ROUND: u64 = 2_000_000;
const ROUND_OF_SHARDS: u64 = 300_000;

/// When a second driver joins by the present rules.
const HEAVY_ROUND: u64 = 500_000;
const HEAVY_TURN: u64 = 20_000;

/// When it times handlers one by one.
const SLOW_TURN: u64 = 100_000;

/// So many neighbours are looked at, and so many connections are taken from one at most.
const REACH: usize = 4;
const MOST_STOLEN: usize = 32;

impl World<'_> {
    /// A thread that was asleep has a core.
    pub(super) fn begin(&mut self, thread: usize) {
        match self.threads[thread].task {
            Task::Pause => self.visit(thread, 0),
            // It was in `epoll_wait`.
            Task::Sleep => self.poll(thread, self.home(thread)),
            _ => self.look(thread),
        }
    }

    /// A thread has done what it did.
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
                self.threads[thread].turns += 1;
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
        let has_work = !self.shards[home].queue.is_empty();
        if has_work && (!self.has_given_enough(thread) || self.shards[home].is_polled) {
            let cost = self.lock(home, self.core_of(thread), 0.0);
            self.go_on(thread, Task::Pop, cost);
        } else if !self.shards[home].is_polled {
            self.judge_round(thread);
            self.shards[home].is_polled = true;
            self.poll_or_sleep(thread);
        } else if self.scenario.rules == Rules::Present || !self.search(thread) {
            self.judge_round(thread);
            self.shards[home].in_use -= 1;
            self.shards[home].parked.push(thread);
            self.sleep(thread, Task::Park);
        }
    }

    fn has_given_enough(&self, thread: usize) -> bool {
        let it = &self.threads[thread];
        let elapsed = self.now - it.round_began;
        match self.scenario.rules {
            Rules::Present => {
                it.turns >= TURNS || (it.turns > 0 && it.turns.is_multiple_of(4) && elapsed > ROUND)
            }
            Rules::Shards => it.turns >= TURNS || (it.turns > 0 && elapsed > ROUND_OF_SHARDS),
        }
    }

    fn judge_round(&mut self, thread: usize) {
        let home = self.home(thread);
        let it = &mut self.threads[thread];
        if it.turns > 0 {
            it.is_slow = self.scenario.rules == Rules::Present
                && self.now - it.round_began > SLOW_TURN * u64::from(it.turns);
            let is_heavy = &mut self.shards[home].is_heavy;
            let least = if *is_heavy { HEAVY_ROUND / 4 } else { HEAVY_ROUND };
            *is_heavy = it.round_cost > HEAVY_TURN * u64::from(it.turns) && it.round_cost > least;
        }
        (it.turns, it.round_began, it.round_cost) = (0, self.now, 0);
    }

    // With the home's poller in hand.

    fn poll_or_sleep(&mut self, thread: usize) {
        let home = self.home(thread);
        let has_nothing = self.shards[home].ready.is_empty() && self.shards[home].queue.is_empty();
        // By the present rules the first look is the one that waits.
        if has_nothing && self.scenario.rules == Rules::Present {
            self.wait_for_events(thread);
        } else {
            self.poll(thread, home);
        }
    }

    fn wait_for_events(&mut self, thread: usize) {
        let home = self.home(thread);
        self.threads[thread].debt += self.costs.switch;
        self.shards[home].sleeper = Some(thread);
        self.sleep(thread, Task::Sleep);
    }

    fn poll(&mut self, thread: usize, shard: usize) {
        self.threads[thread].polls = shard;
        let cost = self.ask_epoll(thread, shard);
        self.go_on(thread, Task::Poll, cost);
    }

    fn polled(&mut self, thread: usize) {
        let shard = self.threads[thread].polls;
        let count = self.threads[thread].found.len();
        if count > 0 {
            let cost = self.lock(shard, self.core_of(thread), self.costs.lock / 2.0 * (count - 1) as f64);
            return self.go_on(thread, Task::Extend, cost);
        }
        let home = self.home(thread);
        if shard == home && self.shards[home].queue.is_empty() {
            if !self.shards[home].ready.is_empty() {
                return self.poll(thread, home);
            }
            // The poller lies in its slot meanwhile.
            self.shards[home].is_polled = false;
            if self.scenario.rules == Rules::Shards && self.search(thread) {
                return;
            }
            self.shards[home].is_polled = true;
            return self.wait_for_events(thread);
        }
        self.lay_back(thread, shard);
    }

    fn extended(&mut self, thread: usize) {
        let shard = self.threads[thread].polls;
        let found = std::mem::take(&mut self.threads[thread].found);
        self.shards[shard].queue.extend(found);
        self.lay_back(thread, shard);
    }

    fn lay_back(&mut self, thread: usize, shard: usize) {
        let home = self.home(thread);
        let permits = self.scenario.permits;
        self.threads[thread].polls = home;
        let it = &mut self.shards[shard];
        it.is_polled = false;
        let waiting = it.queue.len();
        let helps = match self.scenario.rules {
            Rules::Present => it.is_heavy && waiting > 1 && it.in_use < permits,
            // A guest was here, and who came meanwhile has found no poller.
            Rules::Shards if shard != home => true,
            Rules::Shards => waiting > 1,
        };
        if helps && !self.wake_one(thread, shard) && waiting > 1 && self.scenario.rules == Rules::Shards {
            self.wake_neighbour(thread, shard);
        }
        self.look(thread);
    }

    /// Has a parked thread of the shard drive.
    fn wake_one(&mut self, thread: usize, shard: usize) -> bool {
        let Some(other) = self.shards[shard].parked.pop() else { return false };
        self.shards[shard].in_use += 1;
        self.threads[other].was_woken = true;
        self.threads[thread].debt += self.costs.wake_call;
        self.wake_after(other, self.costs.wake_latency);
        true
    }

    /// Wakes one who sleeps nearby, and will look here.
    fn wake_neighbour(&mut self, thread: usize, shard: usize) {
        let count = self.shards.len();
        for step in 1..=REACH.min(count - 1) {
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
        self.go_on(thread, Task::Turn(connection), cost);
    }

    // At the neighbours'.

    /// Looks for work at the neighbours', one searcher a shard. False if there is none.
    fn search(&mut self, thread: usize) -> bool {
        let (home, core, count) = (self.home(thread), self.core_of(thread), self.shards.len());
        if self.shards[home].is_searched {
            return false;
        }
        let mut cost = 0.0;
        for step in 1..=REACH.min(count - 1) {
            let victim = (home + step) % count;
            cost += self.look_at(victim, core);
            let it = &mut self.shards[victim];
            if it.queue.len() > 1 {
                let hold = self.costs.lock / 2.0 * (it.queue.len() / 2).min(MOST_STOLEN) as f64;
                // Once there, and once at home.
                cost += self.lock(victim, core, hold) + self.costs.lock + hold;
                self.shards[home].is_searched = true;
                self.go_on(thread, Task::Steal(victim), cost);
                return true;
            }
            if !it.is_polled && it.queue.is_empty() && !it.ready.is_empty() {
                it.is_polled = true;
                self.threads[thread].debt += cost;
                self.poll(thread, victim);
                return true;
            }
        }
        self.threads[thread].debt += cost;
        false
    }

    fn stolen(&mut self, thread: usize, victim: usize) {
        let home = self.home(thread);
        self.shards[home].is_searched = false;
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

    /// The length of another shard's queue: its line comes here, and its owner has to fetch it back.
    fn look_at(&mut self, shard: usize, core: usize) -> f64 {
        let lock = &mut self.shards[shard].lock;
        let cost = self.costs.transfer(lock.core, core);
        lock.seen_by = Some(core);
        cost
    }
}
