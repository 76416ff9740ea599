//! What a server is to the threads that work for it, and what a thread is to the server.
//!
//! The scheduler, the drivers' loop and the pool know nothing of sockets: a [`Machine`] has what is particular. The server's is
//! the [`Engine`](super::engine::Engine), and models have a simpler one.

use std::io;
use std::time::{Duration, Instant};

use super::pool::Lane;
use super::scheduler::Scheduler;
use super::sync::Arc;
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
    ) -> TurnResult<Self::Connection>;

    /// A thread has polled, and begins to give turns.
    fn round_begins(local: &mut Self::Local);

    /// Answers a request that has waited for a thread for too long.
    fn refuse(self: &Arc<Self>, connection: Self::Connection);

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

    /// So many handlers have run on a driver.
    fn has_handled(&self, shard: usize, handlers: u64);

    /// Wakes the one who polls in this shard.
    fn wake(&self, shard: usize);

    /// Has another thread run [`work`](super::threads::work).
    fn hire(self: &Arc<Self>) -> io::Result<()>;

    /// All threads are in handlers, or no more can be had, for which there is an error.
    fn is_at_bound(&self, error: Option<io::Error>);

    /// Drops a connection that nobody goes on with.
    fn end(&self, connection: Self::Connection);

    /// Drops the connections that lie in a poller's table, and those that were on their way there.
    fn end_all(&self, shard: usize, poller: &Self::Poller);

    /// The server cannot go on.
    fn fail(&self, error: io::Error);

    /// Whether there are lines of the log to be written.
    fn has_lines(&self) -> bool;

    /// Whether writing the lines may take any time.
    fn log_may_wait(&self) -> bool;

    fn flush_log(&self);
}

/// What became of a connection in its turn.
pub(super) enum TurnResult<C> {
    /// It waits for its client, or is over.
    Done,
    /// There is more to do, in another turn.
    Ready(C),
    /// It has a handler that may not run on this thread.
    Elsewhere(C, Lane),
}

/// What a kind of thread may do.
#[expect(clippy::struct_excessive_bools, reason = "each of them is a question of its own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// It has a permit.
    pub(super) drives: bool,
    /// Code of the user may run on it.
    pub(super) runs_handlers: bool,
    /// Such code may take its time: nobody waits for this thread.
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
    /// Where it drives.
    pub(super) shard: usize,
    pub(super) local: M::Local,
    /// When this round began, between two polls.
    pub(super) began: Instant,
    /// When the turn began, and the last look at the clock.
    pub(super) turn_began: Instant,
    pub(super) last: Instant,
    /// Turns given in this round, and handlers that have run in it.
    pub(super) turns: u32,
    /// Whose turn it is among the shards that this thread attends.
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
