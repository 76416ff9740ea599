//! The threads of a server: which one drives, which one runs a handler that may not run on a driver, and which are spare.
//!
//! A permit that no thread has yet is a ticket, which the next spare thread takes. If there is no spare thread and none can
//! be added, the reserve takes it. The reserve drives too, but runs no handler. So connections are accepted, read, timed out
//! and queued however many handlers hang.
//!
//! Requests wait in three lanes. Handlers that are expected to block get a thread each. Of uncertain handlers, and of
//! compute-bound ones, only a few run at a time: the former are usually quick, so one thread serves many; and more
//! compute-bound threads than processors would slow all of them down. If such a lane makes no progress, its handlers block
//! after all, and the watchdog lets more of them run.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError, lock};

/// `J` is a connection whose request has a handler that may not run on a driver; models use simpler types.
pub(super) struct ThreadPool<J> {
    state: Mutex<State<J>>,
    /// Notified for spare threads.
    work: Condvar,
    /// Notified for the reserve.
    need: Condvar,
    max_threads: usize,
    /// No thread can be added, and all existing ones are busy.
    at_bound: AtomicBool,
    /// Requests wait in a lane because of its limit. An atomic, to check it without the lock.
    has_queue: AtomicBool,
}

struct State<J> {
    /// Permits that wait for a thread, by the number of their shard.
    tickets: VecDeque<usize>,
    lines: [LaneQueue<J>; 3],
    /// Threads that wait for a task.
    idle: usize,
    /// All threads except the reserve.
    threads: usize,
    closed: bool,
}

/// Requests that wait for a thread, and how many of them may have one.
struct LaneQueue<J> {
    /// The requests, each with the time since when it waits.
    jobs: VecDeque<(J, Instant)>,
    /// The number of threads that run one of them.
    running: usize,
    /// How many may run.
    limit: usize,
    /// How many may run while handlers return.
    base: usize,
    /// Handlers that have returned since the last look.
    returned: usize,
    /// Looks since a handler last returned.
    looks: u32,
    /// After this many such looks more may run.
    patience: u32,
    /// Returns until the limit is lowered by one.
    until_fewer: u32,
}

/// What is expected of a handler that does not run on a driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lane {
    /// It blocks.
    #[default]
    Waits,
    /// It may block, and is usually quick.
    Uncertain,
    /// It is compute-bound.
    Computes,
}

/// Which thread takes a task that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// An existing spare thread.
    Spare,
    /// A new thread, which has to run [`work`](super::threads::work).
    Hire,
    /// A busy thread, or one that the watchdog calls if that takes too long.
    Queue,
    /// No thread before a handler returns.
    Nobody,
}

/// What a thread has to do.
pub(super) enum Task<J> {
    /// Drive: the thread now has a permit of this shard.
    Drive(usize),
    /// Give back a permit of this shard, then ask again.
    LayDown(usize),
    Serve(J, Lane),
    End,
}

/// How long a spare thread stays.
const SPARE_TIME: Duration = Duration::from_secs(5);

/// If none of the uncertain handlers has returned for this many ticks of the watchdog, all that run are probably blocked.
const UNCERTAIN_TICKS: u32 = 1;

/// A thread runs at least this many quick handlers in a tick.
const QUICK_RETURNS: usize = 8;

/// After this many returns a raised limit is lowered by one.
const RETURNS: u32 = 64;

/// Compute-bound handlers may be waiting for each other if none has returned for this many ticks.
const COMPUTES_TICKS: u32 = 100;

impl<J> LaneQueue<J> {
    fn new(base: usize, patience: u32) -> Self {
        Self {
            jobs: VecDeque::new(),
            running: 0,
            limit: base,
            base,
            returned: 0,
            looks: 0,
            patience,
            until_fewer: RETURNS,
        }
    }

    /// How many of the waiting requests may have a thread.
    fn eligible(&self) -> usize {
        self.jobs.len().min(self.limit.saturating_sub(self.running))
    }

    /// A handler has returned, or waits for its client.
    fn leave(&mut self) {
        self.running -= 1;
        self.returned += 1;
        if self.jobs.is_empty() && self.running <= self.base {
            self.limit = self.base;
        } else if self.limit > self.base {
            // It may have been raised further than necessary.
            self.until_fewer = self.until_fewer.checked_sub(1).unwrap_or(RETURNS);
            self.limit -= usize::from(self.until_fewer == 0);
        }
    }

    /// The watchdog's look, once a tick. `has_time` says that there is processor time left.
    fn look(&mut self, has_time: bool) {
        let returned = std::mem::take(&mut self.returned);
        if self.eligible() == self.jobs.len() {
            self.looks = 0;
            return;
        }
        if returned > 0 {
            self.looks = 0;
            // The lane makes progress, but more slowly than quick handlers would.
            if has_time && self.is_uncertain() && returned < QUICK_RETURNS * self.running {
                self.limit = self.limit.max(self.running + (self.running / 8).max(1));
            }
            return;
        }
        self.looks += 1;
        if self.looks >= self.patience {
            self.looks = 0;
            // Doubling soon reaches all that block; for compute-bound handlers one more is enough.
            let more = if self.is_uncertain() { self.running } else { 1 };
            // Threads that were promised to some of them may not have started yet.
            self.limit = self.limit.max(self.running + more.max(1));
        }
    }

    fn is_uncertain(&self) -> bool {
        self.patience == UNCERTAIN_TICKS
    }
}

impl<J> ThreadPool<J> {
    /// `computing` compute-bound handlers may run at a time.
    pub(super) fn new(max_threads: usize, computing: usize) -> Self {
        let lines = [
            LaneQueue::new(usize::MAX, u32::MAX),
            LaneQueue::new(computing.max(2), UNCERTAIN_TICKS),
            LaneQueue::new(computing.max(1), COMPUTES_TICKS),
        ];
        let state = State { tickets: VecDeque::new(), lines, idle: 0, threads: 0, closed: false };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            need: Condvar::new(),
            max_threads,
            at_bound: AtomicBool::new(false),
            has_queue: AtomicBool::new(false),
        }
    }

    /// Gives a permit to another thread.
    pub(super) fn pass_on(&self, shard: usize) -> Call {
        let mut state = lock(&self.state);
        state.tickets.push_back(shard);
        let eligible = state.eligible();
        self.find(state, eligible)
    }

    /// Takes back a permit that no thread has taken yet. False if one has.
    pub(super) fn withdraw(&self, shard: usize) -> bool {
        let mut state = lock(&self.state);
        let ticket = state.tickets.iter().position(|other| *other == shard);
        ticket.and_then(|ticket| state.tickets.remove(ticket)).is_some()
    }

    /// Gives a request to a thread. Returns it if the server has ended.
    pub(super) fn submit(&self, job: J, lane: Lane) -> Result<Call, J> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(job);
        }
        let queue = state.line(lane);
        let before = queue.eligible();
        queue.jobs.push_back((job, Instant::now()));
        if queue.eligible() == before {
            self.has_queue.store(true, Ordering::SeqCst);
            return Ok(Call::Queue);
        }
        let eligible = state.eligible();
        Ok(self.find(state, eligible))
    }

    /// For the watchdog, once a tick: lets more requests run in a lane that makes no progress, or that could be faster while
    /// there is processor time left. Returns which threads take them.
    pub(super) fn look(&self, has_time: bool) -> Vec<Call> {
        if !self.has_queue() {
            return Vec::new();
        }
        let mut state = lock(&self.state);
        let before = state.eligible();
        state.lines.iter_mut().for_each(|line| line.look(has_time));
        let after = state.eligible();
        self.has_queue.store(state.has_queue(), Ordering::SeqCst);
        let calls: Vec<_> = (before + 1..=after).map(|eligible| self.call(&mut state, eligible)).collect();
        drop(state);
        calls.iter().filter(|call| **call == Call::Spare).for_each(|_| self.work.notify_one());
        calls
    }

    /// Whether requests wait in a lane because of its limit.
    pub(super) fn has_queue(&self) -> bool {
        self.has_queue.load(Ordering::SeqCst)
    }

    /// Whether a request may have waited too long.
    pub(super) fn may_be_overdue(&self) -> bool {
        self.is_at_bound() || self.has_queue()
    }

    /// Whether a request has waited longer than `patience` for a thread.
    pub(super) fn is_overdue(&self, patience: Duration) -> bool {
        let state = lock(&self.state);
        let first = state.lines.iter().filter_map(|line| line.jobs.front());
        first.into_iter().any(|(_, since)| since.elapsed() >= patience)
    }

    /// Takes the requests that have waited longer than `patience` for a thread.
    pub(super) fn overdue(&self, patience: Duration) -> Vec<J> {
        let mut state = lock(&self.state);
        let mut overdue = Vec::new();
        for line in &mut state.lines {
            let late = line.jobs.iter().take_while(|(_, since)| since.elapsed() >= patience).count();
            overdue.extend(line.jobs.drain(..late).map(|(job, _)| job));
        }
        overdue
    }

    /// Whether requests wait until a handler returns.
    pub(super) fn is_at_bound(&self) -> bool {
        self.at_bound.load(Ordering::SeqCst)
    }

    /// Finds a thread for the last of the eligible requests, or for a permit, and wakes a spare one. It does so after
    /// releasing the lock, for which the thread would otherwise have to wait.
    fn find(&self, mut state: MutexGuard<'_, State<J>>, eligible: usize) -> Call {
        let call = self.call(&mut state, eligible);
        drop(state);
        if call == Call::Spare {
            self.work.notify_one();
        }
        call
    }

    fn call(&self, state: &mut State<J>, eligible: usize) -> Call {
        if state.idle >= state.tickets.len() + eligible {
            return Call::Spare;
        }
        if state.threads < self.max_threads && !state.closed {
            state.threads += 1;
            return Call::Hire;
        }
        self.nobody(state)
    }

    /// Whether there are handlers that only a driver's thread could run.
    pub(super) fn wants_drivers(&self) -> bool {
        self.is_at_bound() && lock(&self.state).eligible() > 0
    }

    /// The thread that was to be added cannot be started.
    pub(super) fn cannot_hire(&self) -> Call {
        let mut state = lock(&self.state);
        state.threads -= 1;
        self.nobody(&state)
    }

    fn nobody(&self, state: &State<J>) -> Call {
        self.at_bound.store(true, Ordering::SeqCst);
        if state.tickets.contains(&0) {
            self.need.notify_one();
        }
        Call::Nobody
    }

    /// A handler is about to wait for its client, and leaves its place in the lane to another. Returns which thread takes it.
    pub(super) fn leave(&self, lane: Lane) -> Option<Call> {
        let mut state = lock(&self.state);
        let before = state.eligible();
        state.line(lane).leave();
        let after = state.eligible();
        (after > before).then(|| self.find(state, after))
    }

    /// Waits for a task. After the end the thread is no longer counted. `done` is the lane of the handler that it ran
    /// before.
    pub(super) fn next_task(&self, done: Option<Lane>) -> Task<J> {
        let mut state = lock(&self.state);
        if let Some(lane) = done {
            state.line(lane).leave();
        }
        loop {
            if state.closed {
                state.threads -= 1;
                return Task::End;
            }
            // At the bound the reserve drives and attends all shards, and only this thread can run a handler.
            let others = state.tickets.iter().position(|shard| *shard != 0).filter(|_| self.is_at_bound());
            if let Some(shard) = others.and_then(|ticket| state.tickets.remove(ticket)) {
                return Task::LayDown(shard);
            }
            let serves = state.tickets.is_empty() || self.is_at_bound();
            if let Some((job, lane)) = serves.then(|| state.next_job()).flatten() {
                if state.tickets.contains(&0) {
                    self.need.notify_one();
                }
                return Task::Serve(job, lane);
            }
            if let Some(shard) = state.tickets.pop_front() {
                // At the bound an eligible request would have been taken, so none is left.
                self.at_bound.store(false, Ordering::SeqCst);
                return Task::Drive(shard);
            }
            self.at_bound.store(false, Ordering::SeqCst);
            state.idle += 1;
            let (next, waited) =
                self.work.wait_timeout(state, SPARE_TIME).unwrap_or_else(PoisonError::into_inner);
            state = next;
            state.idle -= 1;
            if waited.timed_out() && state.tickets.is_empty() && state.eligible() == 0 {
                state.threads -= 1;
                return Task::End;
            }
        }
    }

    /// For the reserve: waits until the permit of shard 0 needs it. False after the end.
    pub(super) fn wait_for_need(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.closed {
            let ticket = state.tickets.iter().position(|shard| *shard == 0);
            // A spare thread has been notified, and takes it, or calls again if it has something else to do.
            if let Some(ticket) = ticket.filter(|_| self.is_at_bound() && state.idle == 0) {
                state.tickets.remove(ticket);
                return true;
            }
            state = self.need.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    /// Whether a regular thread could drive instead of the reserve.
    pub(super) fn has_spare(&self) -> bool {
        lock(&self.state).idle > 0
    }

    /// Ends the threads. Returns the requests that waited for one.
    pub(super) fn close(&self) -> Vec<J> {
        let mut state = lock(&self.state);
        state.closed = true;
        let left = state.lines.iter_mut().flat_map(|line| line.jobs.drain(..)).map(|(job, _)| job).collect();
        drop(state);
        self.work.notify_all();
        self.need.notify_all();
        left
    }
}

impl<J> State<J> {
    fn line(&mut self, lane: Lane) -> &mut LaneQueue<J> {
        let [waits, unknown, computes] = &mut self.lines;
        match lane {
            Lane::Waits => waits,
            Lane::Uncertain => unknown,
            Lane::Computes => computes,
        }
    }

    fn eligible(&self) -> usize {
        self.lines.iter().map(LaneQueue::eligible).sum()
    }

    fn has_queue(&self) -> bool {
        self.lines.iter().any(|line| line.jobs.len() > line.eligible())
    }

    /// The request that has waited longest, of those that may have a thread.
    fn next_job(&mut self) -> Option<(J, Lane)> {
        let lanes = [Lane::Waits, Lane::Uncertain, Lane::Computes];
        let since =
            |line: &LaneQueue<J>| line.jobs.front().map(|(_, since)| *since).filter(|_| line.eligible() > 0);
        let first = lanes.into_iter().filter_map(|lane| Some((since(self.line(lane))?, lane)));
        let (_, lane) = first.min_by_key(|(since, _)| *since)?;
        let queue = self.line(lane);
        let (job, _) = queue.jobs.pop_front()?;
        queue.running += 1;
        Some((job, lane))
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
