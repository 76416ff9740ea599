//! The interface between a server and the threads that work for it.
//!
//! The scheduler, the drivers' loop and the pool know nothing of sockets; a [`Machine`] provides what is specific. The
//! server's is the [`Engine`](super::engine::Engine); models have a simpler one.

use std::io;
use std::time::{Duration, Instant};

use super::pool::Lane;
use super::scheduler::Scheduler;
use super::sync::Arc;
use super::worker::Worker;

/// A server, as its threads see it.
pub(super) trait Machine: Send + Sync + Sized + 'static {
    type Connection: Send;
    type Poller: Send;
    /// What a thread keeps from turn to turn.
    type Local: Default;

    /// How long a driver looks for work before it sleeps, if several drive.
    const SEARCH: Duration;

    /// The current time.
    fn instant() -> Instant;

    fn scheduler(&self) -> &Scheduler<Self::Connection, Self::Poller>;

    /// The shard that a connection belongs to.
    fn shard_of(&self, connection: &Self::Connection) -> usize;

    /// Advances a connection as far as the thread may.
    fn turn(
        self: &Arc<Self>,
        thread: &mut Thread<'_, Self>,
        connection: Self::Connection,
    ) -> TurnResult<Self::Connection>;

    /// A thread has polled, and begins to give turns.
    fn round_begins(local: &mut Self::Local);

    /// Answers a request that has waited too long for a thread.
    fn refuse(self: &Arc<Self>, connection: Self::Connection);

    /// How long a request may wait for a thread.
    fn queue_timeout(&self) -> Duration;

    /// Polls, for `most` at the longest, in the shard of the thread and in those that it attends. Puts ready connections
    /// into their queues.
    fn poll(
        self: &Arc<Self>,
        shard: usize,
        poller: &mut Self::Poller,
        attended: &mut [(usize, Box<Self::Poller>)],
        most: Option<Duration>,
    ) -> io::Result<()>;

    /// How many drivers are wanted in total. `poller` is that of shard 0.
    fn wanted(&self, poller: &mut Self::Poller) -> usize;

    /// Counts handlers that ran on a driver.
    fn has_handled(&self, shard: usize, handlers: u64);

    /// Wakes the thread that polls in this shard.
    fn wake(&self, shard: usize);

    /// Starts a thread that runs [`work`](super::threads::work).
    fn hire(self: &Arc<Self>) -> io::Result<()>;

    /// All threads are in handlers, or no more can be started; then there is an error.
    fn is_at_bound(&self, error: Option<io::Error>);

    /// Drops a connection that no thread will continue.
    fn end(&self, connection: Self::Connection);

    /// Drops the connections in a poller's table, and those on their way there.
    fn end_all(&self, shard: usize, poller: &Self::Poller);

    /// The server cannot continue.
    fn fail(&self, error: io::Error);

    /// Whether log lines wait to be written.
    fn has_lines(&self) -> bool;

    /// Whether writing the lines may block.
    fn log_may_wait(&self) -> bool;

    fn flush_log(&self);
}

/// The outcome of a connection's turn.
pub(super) enum TurnResult<C> {
    /// It waits for its client, or is over.
    Done,
    /// It has more to do, in another turn.
    Ready(C),
    /// Its handler may not run on this thread.
    Elsewhere(C, Lane),
}

/// What a kind of thread may do.
#[expect(clippy::struct_excessive_bools, reason = "each of them is a question of its own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// It has a permit.
    pub(super) drives: bool,
    /// User code may run on it.
    pub(super) runs_handlers: bool,
    /// Such code may block: no other work waits for this thread.
    pub(super) may_wait: bool,
    /// There is no other thread.
    pub(super) is_alone: bool,
}

pub(super) const DRIVER: Policy =
    Policy { drives: true, runs_handlers: true, may_wait: false, is_alone: false };
pub(super) const RESERVE: Policy =
    Policy { drives: true, runs_handlers: false, may_wait: false, is_alone: false };
pub(super) const POOL: Policy =
    Policy { drives: false, runs_handlers: true, may_wait: true, is_alone: false };
/// A thread of the caller's, in `handle_request`.
pub(super) const CALLER: Policy =
    Policy { drives: false, runs_handlers: true, may_wait: true, is_alone: true };

/// A thread that gives turns.
pub(super) struct Thread<'a, M: Machine> {
    pub(super) machine: &'a Arc<M>,
    pub(super) worker: &'a Arc<Worker>,
    pub(super) policy: Policy,
    /// The shard that it drives.
    pub(super) shard: usize,
    pub(super) local: M::Local,
    /// When this round began. A round lasts from one poll to the next.
    pub(super) began: Instant,
    /// When the turn began, and when the clock was last read.
    pub(super) turn_began: Instant,
    pub(super) last: Instant,
    /// Turns given in this round; handlers that ran in it are in `handled`.
    pub(super) turns: u32,
    /// Selects the next of the shards that this thread attends.
    pub(super) rotation: usize,
    pub(super) handled: u64,
}

impl<'a, M: Machine> Thread<'a, M> {
    pub(super) fn new(machine: &'a Arc<M>, worker: &'a Arc<Worker>, policy: Policy, shard: usize) -> Self {
        let now = M::instant();
        Self {
            machine,
            worker,
            policy,
            shard,
            local: M::Local::default(),
            began: now,
            turn_began: now,
            last: now,
            turns: 0,
            rotation: 0,
            handled: 0,
        }
    }
}
