//! Which thread does what: the shards with their drivers, the pool, the reserve, the watchdog.
//!
//! A server has one shard or several. Each has connections of its own, a poller that tells which of them are ready, and a queue in
//! which those wait for a turn. A *driver* gives them their turns; it has a permit of its shard. As many drive as make the server
//! faster ([`control`](super::control)). Where a shard has no driver, the one of shard 0 attends it: it polls there as well, and
//! takes turns from its queue. So shard 0 has a driver at all times, and an idle server has one thread that sleeps.
//!
//! A driver without work at home takes half of what waits in another shard. The connections go on to belong there.
//!
//! All of this knows nothing of sockets: a [`Machine`] has what is particular, and models have a simpler one.

use std::io;
use std::time::{Duration, Instant};

use super::driver::{self, Thread};
use super::pool::{Call, Lane, Task, ThreadPool};
use super::run_queue::RunQueue;
use super::sync::Arc;
use super::watchdog::{QUIET_TICKS, Watchdog};
use super::worker::Worker;

/// A server, as the threads see it that work for it.
pub(super) trait Machine: Send + Sync + Sized + 'static {
    type Connection: Send;
    type Poller: Send;
    /// What a thread keeps from turn to turn.
    type Local: Default;

    /// How long a driver looks for work before it sleeps, where several drive.
    const SEARCH: Duration;

    /// What the clock says.
    fn instant() -> Instant;

    fn scheduler(&self) -> &Scheduler<Self::Connection, Self::Poller>;

    /// The shard that a connection belongs to.
    fn shard_of(&self, connection: &Self::Connection) -> usize;

    /// Goes on with a connection as far as the thread may.
    fn turn(
        self: &Arc<Self>,
        thread: &mut Thread<'_, Self>,
        connection: Self::Connection,
    ) -> Turned<Self::Connection>;

    /// Answers a request that has waited for a thread for too long.
    fn refuse(self: &Arc<Self>, thread: &mut Thread<'_, Self>, connection: Self::Connection);

    /// How long it may wait.
    fn queue_timeout(&self) -> Duration;

    /// Polls, for `most` at the longest, in the shard of the thread and in those that it attends, and puts what is ready into their
    /// queues.
    fn poll(
        self: &Arc<Self>,
        shard: usize,
        poller: &mut Self::Poller,
        attended: &mut [(usize, Box<Self::Poller>)],
        most: Option<Duration>,
    ) -> io::Result<()>;

    /// How many drivers are wanted in all. `poller` is that of shard 0.
    fn wanted(&self, poller: &mut Self::Poller) -> usize;

    /// So many turns had a handler that ran on a driver.
    fn has_handled(&self, shard: usize, turns: u64);

    /// Wakes the one who polls in this shard.
    fn wake(&self, shard: usize);

    /// Has another thread run [`work`].
    fn hire(self: &Arc<Self>) -> io::Result<()>;

    /// All threads are in handlers, or no more can be had, for which there is an error.
    fn is_at_bound(&self, error: Option<io::Error>);

    /// Drops a connection that nobody goes on with.
    fn end(&self, connection: Self::Connection);

    /// Drops the connections that lie in a poller's table.
    fn end_all(&self, poller: &Self::Poller);

    /// The server cannot go on.
    fn fail(&self, error: io::Error);

    /// Whether there are lines of the log to be written.
    fn has_lines(&self) -> bool;

    fn flush_log(&self);
}

/// What became of a connection in its turn.
pub(super) enum Turned<C> {
    /// It waits for its client, or is over.
    Done,
    /// There is more to do.
    Ready(C),
    /// There is more to do, and it has used up its turn.
    Tired(C),
    /// It has a handler that may not run on this thread.
    Elsewhere(C, Lane),
}

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

    /// Whether drivers of several shards work.
    pub(super) fn drives_several(&self) -> bool {
        self.shards.iter().skip(1).any(|shard| shard.in_use() > 0)
    }

    /// Spreads so many drivers over the shards.
    fn wanted_in(&self, shard: usize, drivers: usize) -> usize {
        let least = usize::from(shard == 0);
        drivers.saturating_sub(shard).div_ceil(self.shards.len()).max(least)
    }
}

/// Begins: one thread drives. The watchdog and the reserve have been started.
pub(super) fn start<M: Machine>(machine: &Arc<M>) {
    if machine.scheduler().shard(0).try_permit() {
        pass_on(machine, 0);
    }
}

/// Gives a permit to another thread.
pub(super) fn pass_on<M: Machine>(machine: &Arc<M>, shard: usize) {
    let scheduler = machine.scheduler();
    let call = scheduler.pool.pass_on(shard);
    // The reserve drives, and it attends the other shards.
    if !follow(machine, call) && shard != 0 && scheduler.pool.withdraw(shard) {
        lay_down(machine, shard);
    }
}

/// Gives back a permit that no thread has any more. Whoever polls in shard 0 looks after the connections then.
pub(super) fn lay_down<M: Machine>(machine: &Arc<M>, shard: usize) {
    machine.scheduler().shard(shard).give_back_permit();
    machine.wake(0);
}

/// Has a thread of the pool run the handler of a connection.
pub(super) fn submit<M: Machine>(machine: &Arc<M>, connection: M::Connection, lane: Lane) {
    match machine.scheduler().pool.submit(connection, lane) {
        Ok(call) => called(machine, call),
        Err(connection) => machine.end(connection),
    }
}

/// As [`follow`]; where there is no thread, the one who polls has to run the handler, or has a deadline more.
fn called<M: Machine>(machine: &Arc<M>, call: Call) {
    if !follow(machine, call) {
        machine.wake(0);
    }
}

/// Sees to it that there is a thread. False if there is none.
fn follow<M: Machine>(machine: &Arc<M>, call: Call) -> bool {
    let scheduler = machine.scheduler();
    match call {
        Call::Spare => true,
        Call::Line => {
            scheduler.watchdog.rouse();
            true
        }
        Call::Nobody => {
            machine.is_at_bound(None);
            false
        }
        Call::Hire => match machine.hire() {
            Ok(()) => true,
            Err(error) => {
                scheduler.pool.cannot_hire();
                machine.is_at_bound(Some(error));
                false
            }
        },
    }
}

/// Puts a connection into the queue of its shard.
pub(super) fn requeue<M: Machine>(machine: &M, connection: M::Connection, is_tired: bool) {
    let shard = machine.shard_of(&connection);
    let queue = machine.scheduler().shard(shard);
    match if is_tired { queue.put_tired(connection) } else { queue.put(connection) } {
        Ok(true) => machine.wake(shard),
        Ok(false) => {}
        // Nobody would take it any more.
        Err(connection) => machine.end(connection),
    }
}

/// For a thread that is about to wait for its client, inside a handler: others go on, in its place as a driver and in its line of
/// the pool.
pub(super) fn about_to_wait<M: Machine>(machine: &Arc<M>) {
    let Some(worker) = Worker::about_to_wait() else { return };
    let scheduler = machine.scheduler();
    if scheduler.watchdog.relieve(&worker) {
        pass_on(machine, worker.shard());
    }
    if let Some(call) = worker.take_lane().and_then(|lane| scheduler.pool.leave(lane)) {
        called(machine, call);
    }
}

/// Has as many drive as are wanted. For the driver of shard 0, without a poller in its hands.
pub(super) fn balance<M: Machine>(machine: &Arc<M>, drivers: usize) {
    let scheduler = machine.scheduler();
    for (shard, queue) in scheduler.shards.iter().enumerate() {
        let wanted = scheduler.wanted_in(shard, drivers);
        let before = queue.wanted();
        queue.want(wanted);
        if wanted < before {
            // It may be asleep.
            machine.wake(shard);
        } else if wanted > queue.in_use() && !scheduler.pool.is_at_bound() && queue.try_permit() {
            pass_on(machine, shard);
        }
    }
}

/// Polls in all shards, where no thread drives.
pub(super) fn poll_once<M: Machine>(machine: &Arc<M>, most: Option<Duration>) -> io::Result<()> {
    let scheduler = machine.scheduler();
    let Some(mut poller) = scheduler.shard(0).take_poller() else { return Ok(()) };
    let others =
        (1..scheduler.shards.len()).filter_map(|shard| Some((shard, scheduler.shard(shard).take_poller()?)));
    let mut attended: Vec<_> = others.collect();
    let result = machine.poll(0, &mut poller, &mut attended, most);
    for (shard, other) in attended {
        scheduler.shard(shard).lay_back(other);
    }
    scheduler.shard(0).lay_back(poller);
    result
}

/// Sends the threads home.
pub(super) fn close<M: Machine>(machine: &Arc<M>) {
    clear(&**machine);
    let scheduler = machine.scheduler();
    for connection in scheduler.pool.close() {
        machine.end(connection);
    }
    scheduler.watchdog.rouse();
    (0..scheduler.shards.len()).for_each(|shard| machine.wake(shard));
}

/// Ends the queues, and drops all connections that nobody has. A driver that was polling does it again.
pub(super) fn clear<M: Machine>(machine: &M) {
    for shard in &machine.scheduler().shards {
        let (left, poller) = shard.close();
        for connection in left {
            machine.end(connection);
        }
        if let Some(poller) = poller {
            machine.end_all(&poller);
        }
    }
}

/// What a thread of the pool does until there is nothing left.
pub(super) fn work<M: Machine>(machine: &Arc<M>) {
    let worker = Arc::new(Worker::new());
    let _installed = worker.install();
    let scheduler = machine.scheduler();
    loop {
        match scheduler.pool.next_task(worker.take_lane()) {
            Task::Drive(shard) => {
                worker.set_shard(shard);
                scheduler.watchdog.grant(&worker);
                driver::drive(machine, &worker, shard);
            }
            Task::LayDown(shard) => lay_down(machine, shard),
            Task::Serve(connection, lane) => {
                worker.set_lane(lane);
                driver::serve(machine, &worker, connection);
            }
            Task::End => return,
        }
    }
}

/// What the thread does that never runs a handler.
pub(super) fn reserve<M: Machine>(machine: &Arc<M>) {
    let worker = Arc::new(Worker::new());
    let _installed = worker.install();
    let scheduler = machine.scheduler();
    while scheduler.pool.wait_for_need() {
        worker.set_shard(0);
        scheduler.watchdog.grant(&worker);
        driver::stand_in(machine, &worker);
    }
}

/// What the watchdog does. `tick` waits for the next look, and `told` hears of each driver that lost its permit.
pub(super) fn watch<M: Machine>(machine: &Arc<M>, tick: impl Fn(), told: impl Fn(&Worker)) {
    let scheduler = machine.scheduler();
    let mut quiet = 0;
    while !scheduler.is_closed() {
        tick();
        let seen = scheduler.watchdog.look();
        for worker in seen.taken {
            pass_on(machine, worker.shard());
            // The handler was expected to be quick, so the responses before its own are still there.
            worker.send_gathered();
            told(&worker);
        }
        for call in scheduler.pool.look() {
            called(machine, call);
        }
        let has_queue = scheduler.pool.has_queue();
        if has_queue && scheduler.pool.is_overdue(machine.queue_timeout()) {
            machine.wake(0);
        }
        quiet = if seen.active || has_queue { 0 } else { quiet + 1 };
        if quiet >= QUIET_TICKS {
            quiet = 0;
            scheduler.watchdog.sleep(|| scheduler.is_closed() || scheduler.pool.has_queue());
        }
    }
}
