//! The simulated server: shards with a poller, a queue and drivers, on cores that exchange cache lines.
//!
//! `driver.rs` decides what the threads do; this file has what they use: time, cores, locks, connections and clients.

use std::collections::VecDeque;

use crate::client::PAUSE;
use crate::costs::{Costs, Io};
use crate::events::{Events, Random};
use crate::lock::Lock;

pub struct Scenario {
    pub cores: usize,
    pub shards: usize,
    /// The permits of each shard.
    pub permits: usize,
    pub connections: usize,
    /// Requests in one write.
    pub batch: usize,
    /// Nanoseconds for which a handler computes.
    pub handler: f64,
    /// One request in this many computes for this much longer.
    pub rare: Option<(usize, f64)>,
    pub load: Load,
    /// The shards belong to one server, whose drivers help each other; otherwise each is a server of its own.
    pub steals: bool,
    /// Nanoseconds, a quarter of them as a run-up.
    pub time: u64,
}

/// Where the clients are. Each connection has one batch under way, and sends the next when it is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// One thread on the same machine, `client.rs`: it has the second core to itself, or shares both.
    Local { apart: bool },
    /// Elsewhere, where they cost nothing. They send again after the round trip and a time to think, of which this is the mean.
    Remote { round_trip: f64, thought: f64 },
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Requests answered per second.
    pub rate: f64,
    /// From the arrival of a batch to its response, in microseconds.
    pub p50: f64,
    pub p99: f64,
    /// The share of the server's cores that sleep, and the drivers' nanoseconds for each request.
    pub idle: f64,
    pub used: f64,
    /// The share of all turns that a driver of another shard gave.
    pub stolen: f64,
}

pub fn simulate(costs: &Costs, scenario: &Scenario) -> Outcome {
    let mut world = World::new(costs, scenario);
    while world.step() {}
    world.outcome()
}

pub(super) struct World<'a> {
    pub(super) costs: &'a Costs,
    pub(super) scenario: &'a Scenario,
    pub(super) io: Io,
    pub(super) now: u64,
    pub(super) events: Events<Event>,
    pub(super) random: Random,
    cores: Vec<Core>,
    /// Runnable threads without a core.
    ready: VecDeque<usize>,
    pub(super) threads: Vec<Thread>,
    pub(super) shards: Vec<Shard>,
    pub(super) connections: Vec<Connection>,
    pub(super) tally: Tally,
}

#[derive(Default)]
pub(super) struct Tally {
    requests: usize,
    latencies: Vec<u64>,
    turns: usize,
    stolen: usize,
    busy: u64,
}

pub(super) enum Event {
    /// A thread finishes its current step, unless it was interrupted since.
    Done(usize, u64),
    Wake(usize),
    /// A request reaches the machine, and then the shard's epoll set.
    Arrive(usize),
    Visible(usize),
}

#[derive(Default)]
struct Core {
    running: Option<usize>,
    since: u64,
    /// The thread that ran last.
    before: Option<usize>,
}

pub(super) struct Thread {
    /// None for the client.
    pub(super) shard: Option<usize>,
    /// The only core that it may use.
    only: Option<usize>,
    core: Option<usize>,
    last_core: usize,
    /// Distinguishes interrupted steps from current ones.
    generation: u64,
    ends: u64,
    pub(super) task: Task,
    /// Additional work, for others that it wakes.
    pub(super) debt: f64,
    /// Turns in this round, when it and the last turn began, and whether that was a long one.
    pub(super) turns: u32,
    pub(super) round_began: u64,
    pub(super) turn_began: u64,
    pub(super) is_long: bool,
    /// It searches until then.
    pub(super) searches_until: u64,
    /// It was woken to help, and wakes the next one if there is more.
    pub(super) was_woken: bool,
    /// What a poll found.
    pub(super) found: Vec<usize>,
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Begin,
    Pop,
    Turn(usize),
    Poll,
    Extend,
    Steal(usize),
    /// Sleeps in its poller, or without one.
    Sleep,
    Park,
    /// The client checks this connection.
    Visit(usize),
    Pause,
}

#[derive(Default)]
pub(super) struct Shard {
    pub(super) queue: VecDeque<usize>,
    pub(super) lock: Lock,
    /// The events of epoll.
    pub(super) ready: VecDeque<usize>,
    epoll: Lock,
    /// The poller is not in its slot.
    pub(super) is_polled: bool,
    pub(super) poller_core: usize,
    /// The thread that sleeps in the poller.
    pub(super) sleeper: Option<usize>,
    pub(super) parked: Vec<usize>,
    pub(super) in_use: usize,
}

pub(super) struct Connection {
    pub(super) shard: usize,
    /// The core that had it last.
    core: usize,
    since: u64,
    is_answered: bool,
}

impl<'a> World<'a> {
    pub(super) fn new(costs: &'a Costs, scenario: &'a Scenario) -> Self {
        let Scenario { cores, shards, permits, connections, batch, .. } = *scenario;
        let is_local = matches!(scenario.load, Load::Local { .. });
        let mut world = World {
            costs,
            scenario,
            io: costs.io(batch),
            now: 0,
            events: Events::new(),
            random: Random(1),
            cores: (0..cores).map(|_| Core::default()).collect(),
            ready: VecDeque::new(),
            threads: Vec::new(),
            shards: (0..shards).map(|_| Shard::default()).collect(),
            connections: Vec::new(),
            tally: Tally::default(),
        };
        for index in 0..connections {
            // A client of the check takes the servers in turn; Linux deals out connections by a hash.
            let shard = if is_local { index % shards } else { world.random.below(shards) };
            world.connections.push(Connection { shard, core: 0, since: 0, is_answered: true });
        }
        for index in 0..shards * permits {
            let shard = index / permits;
            let only = match scenario.load {
                Load::Local { apart } => apart.then_some(0),
                Load::Remote { .. } => Some(index % cores),
            };
            world.add_thread(Some(shard), only);
            world.shards[shard].in_use += 1;
            world.events.at(0, Event::Wake(index));
        }
        match scenario.load {
            Load::Local { apart } => {
                let client = world.add_thread(None, apart.then_some(1));
                world.events.at(0, Event::Wake(client));
            }
            Load::Remote { round_trip, thought } => {
                for index in 0..connections {
                    let delay = world.random.exponential(round_trip + thought);
                    world.events.at(nanos(delay), Event::Arrive(index));
                }
            }
        }
        world
    }

    fn add_thread(&mut self, shard: Option<usize>, only: Option<usize>) -> usize {
        self.threads.push(Thread {
            shard,
            only,
            core: None,
            last_core: only.unwrap_or(0),
            generation: 0,
            ends: 0,
            task: if shard.is_some() { Task::Begin } else { Task::Pause },
            debt: 0.0,
            turns: 0,
            round_began: 0,
            turn_began: 0,
            is_long: false,
            searches_until: 0,
            was_woken: false,
            found: Vec::new(),
        });
        self.threads.len() - 1
    }

    fn step(&mut self) -> bool {
        let Some((time, event)) = self.events.next() else { return false };
        if time > self.scenario.time {
            return false;
        }
        self.now = time;
        match event {
            Event::Done(thread, generation) => {
                if self.threads[thread].generation == generation {
                    self.done(thread);
                }
            }
            Event::Wake(thread) => self.make_runnable(thread),
            Event::Arrive(connection) => self.arrive(connection),
            Event::Visible(connection) => {
                self.visible(connection);
            }
        }
        true
    }

    fn outcome(mut self) -> Outcome {
        let time = (self.scenario.time - self.run_up()) as f64;
        let tally = &mut self.tally;
        tally.latencies.sort_unstable();
        let at = |share: f64| {
            let index = (tally.latencies.len() as f64 * share) as usize;
            tally.latencies.get(index).map_or(0.0, |&latency| latency as f64 / 1000.0)
        };
        let drivers = self.scenario.shards * self.scenario.permits;
        Outcome {
            rate: tally.requests as f64 * 1e9 / time,
            p50: at(0.5),
            p99: at(0.99),
            idle: 1.0 - tally.busy as f64 / (time * drivers as f64),
            used: tally.busy as f64 / tally.requests.max(1) as f64,
            stolen: tally.stolen as f64 / tally.turns.max(1) as f64,
        }
    }

    fn run_up(&self) -> u64 {
        self.scenario.time / 4
    }

    // Threads and cores.

    /// Gives a running thread a step of this duration.
    pub(super) fn go_on(&mut self, thread: usize, task: Task, cost: f64) {
        let it = &mut self.threads[thread];
        let cost = nanos(cost + std::mem::take(&mut it.debt));
        it.task = task;
        it.ends = self.now + cost;
        it.generation += 1;
        self.events.at(it.ends, Event::Done(thread, it.generation));
        if it.shard.is_some() && self.now >= self.scenario.time / 4 {
            self.tally.busy += cost;
        }
    }

    pub(super) fn core_of(&self, thread: usize) -> usize {
        self.threads[thread].last_core
    }

    /// Releases the core until the thread is woken.
    pub(super) fn sleep(&mut self, thread: usize, task: Task) {
        let it = &mut self.threads[thread];
        it.task = task;
        it.generation += 1;
        it.ends = self.now;
        if let Some(core) = it.core.take() {
            self.cores[core].running = None;
            let cores = core..=core;
            let next = self
                .ready
                .iter()
                .position(|&other| self.threads[other].only.is_none_or(|only| cores.contains(&only)));
            if let Some(next) = next.and_then(|next| self.ready.remove(next)) {
                self.run_on(next, core);
            }
        }
    }

    pub(super) fn wake_after(&mut self, thread: usize, delay: f64) {
        self.events.at(self.now + nanos(delay), Event::Wake(thread));
    }

    fn make_runnable(&mut self, thread: usize) {
        let it = &self.threads[thread];
        let last = it.last_core;
        let may = |core: &usize| it.only.is_none_or(|only| only == *core);
        let is_idle = |core: &usize| self.cores[*core].running.is_none();
        let idle = std::iter::once(last).chain(0..self.cores.len()).filter(may).find(is_idle);
        // The thread that slept the most goes first.
        let busiest = || (0..self.cores.len()).filter(may).min_by_key(|&core| self.cores[core].since);
        let Some(core) = idle.or_else(|| busiest().filter(|_| it.shard.is_none())) else {
            self.threads[thread].ends = 0;
            return self.ready.push_back(thread);
        };
        if let Some(other) = self.cores[core].running {
            let interrupted = &mut self.threads[other];
            interrupted.generation += 1;
            interrupted.core = None;
            // The rest of its step.
            interrupted.ends -= self.now;
            self.ready.push_front(other);
        }
        self.run_on(thread, core);
    }

    fn run_on(&mut self, thread: usize, core: usize) {
        let switches = self.cores[core].before.is_some_and(|before| before != thread);
        let was_interrupted = self.ready_again(thread);
        let it = &mut self.threads[thread];
        (it.core, it.last_core) = (Some(core), core);
        self.cores[core] = Core { running: Some(thread), since: self.now, before: Some(thread) };
        let switch = if switches { self.costs.switch } else { 0.0 };
        if let Some(left) = was_interrupted {
            it.ends = self.now + left + nanos(switch);
            it.generation += 1;
            self.events.at(it.ends, Event::Done(thread, it.generation));
        } else {
            it.debt += switch;
            self.begin(thread);
        }
    }

    /// The rest of an interrupted thread's step.
    fn ready_again(&self, thread: usize) -> Option<u64> {
        let it = &self.threads[thread];
        let rests = matches!(it.task, Task::Begin | Task::Sleep | Task::Park | Task::Pause);
        (!rests).then_some(it.ends)
    }

    // Connections.

    /// A request arrives on the core that the network card assigns to its connection, which puts it into the epoll set.
    fn arrive(&mut self, connection: usize) {
        let costs = self.costs;
        let core = connection % self.cores.len();
        let epoll = &mut self.shards[self.connections[connection].shard].epoll;
        let done = self.now.max(epoll.free) + nanos(costs.lock + costs.transfer(epoll.core, core));
        (epoll.free, epoll.core) = (done, core);
        let it = &mut self.connections[connection];
        (it.since, it.is_answered) = (self.now, false);
        self.events.at(done, Event::Visible(connection));
    }

    /// True if a thread had to be woken.
    pub(super) fn visible(&mut self, connection: usize) -> bool {
        let shard = &mut self.shards[self.connections[connection].shard];
        shard.ready.push_back(connection);
        let sleeper = shard.sleeper.take();
        if let Some(sleeper) = sleeper {
            self.wake_after(sleeper, self.costs.poll_wake);
        }
        sleeper.is_some()
    }

    /// Takes up to 256 events from epoll, and returns the cost.
    pub(super) fn ask_epoll(&mut self, thread: usize, shard: usize) -> f64 {
        let core = self.core_of(thread);
        let it = &mut self.shards[shard];
        let count = it.ready.len().min(256);
        let found: Vec<_> = it.ready.drain(..count).collect();
        let costs = self.costs;
        let moved = costs.transfer(it.poller_core, core) + costs.transfer(it.epoll.core, core);
        it.poller_core = core;
        it.epoll.core = core;
        self.threads[thread].found = found;
        costs.poll + costs.poll_event * count as f64 + 2.0 * costs.lock + moved
    }

    /// The cost of a turn.
    pub(super) fn turn(&mut self, thread: usize, connection: usize) -> f64 {
        let core = self.core_of(thread);
        let costs = self.costs;
        let it = &mut self.connections[connection];
        let moved = costs.move_state(it.core, core);
        it.core = core;
        let is_stolen = Some(it.shard) != self.threads[thread].shard;
        if self.now >= self.run_up() {
            self.tally.turns += 1;
            self.tally.stolen += usize::from(is_stolen);
        }
        let rare = match self.scenario.rare {
            Some((every, time)) if self.random.below(every) == 0 => time,
            _ => 0.0,
        };
        let requests = self.scenario.batch as f64 * (costs.request + self.scenario.handler);
        self.io.server_read + self.io.server_write + costs.turn + requests + rare + moved
    }

    /// The client has its response.
    pub(super) fn answered(&mut self, connection: usize) {
        let run_up = self.run_up();
        let it = &mut self.connections[connection];
        it.is_answered = true;
        if self.now >= run_up {
            self.tally.requests += self.scenario.batch;
            self.tally.latencies.push(self.now - it.since);
        }
        if let Load::Remote { round_trip, thought } = self.scenario.load {
            let thought = if thought > 0.0 { self.random.exponential(thought) } else { 0.0 };
            self.events.at(self.now + nanos(round_trip + thought), Event::Arrive(connection));
        }
    }

    // The client as a thread.

    pub(super) fn visit(&mut self, thread: usize, connection: usize) {
        let cost = if self.connections[connection].is_answered {
            self.io.client_read + self.io.client_write + self.costs.visit
        } else {
            self.costs.empty_read
        };
        self.go_on(thread, Task::Visit(connection), cost);
    }

    pub(super) fn visited(&mut self, thread: usize, connection: usize) {
        let it = &mut self.connections[connection];
        // A response that has arrived meanwhile is found the next time.
        if it.is_answered {
            it.is_answered = false;
            it.since = self.now;
            if self.visible(connection) {
                self.threads[thread].debt += self.costs.wake_call;
            }
        }
        if connection + 1 < self.connections.len() {
            self.visit(thread, connection + 1);
        } else {
            self.wake_after(thread, PAUSE.as_nanos() as f64 + self.costs.oversleep);
            self.threads[thread].debt += self.costs.pause;
            self.sleep(thread, Task::Pause);
        }
    }
}

pub(super) fn nanos(time: f64) -> u64 {
    time.round() as u64
}

#[cfg(test)]
mod tests;
