//! The threads of a server: who drives, who runs a handler that is not to run on a driver, who is spare.
//!
//! A permit that no thread has yet is a ticket, which the next spare thread takes. Where there is no spare thread and no room for
//! another, the reserve takes it: it drives too, but runs no handler, so that connections are taken, read, expired and
//! queued however many handlers hang.
//!
//! Requests wait in three lines. Those that are expected to wait get a thread each. Of those that are uncertain, and of those
//! that compute for long, a few run at a time: the former are mostly quick, so that one thread serves many, and more threads than
//! processors that compute make all of them slower. Where such a line does not move on, its handlers wait after all, and the
//! watchdog lets more of it run.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError, lock};

/// `J` is a connection whose request has a handler that is not to run on a driver; models have simpler ones.
pub(super) struct ThreadPool<J> {
    state: Mutex<State<J>>,
    /// Signalled for spare threads.
    work: Condvar,
    /// Signalled for the reserve.
    need: Condvar,
    max_threads: usize,
    /// No thread can be added, and all that there are have something to do.
    at_bound: AtomicBool,
    /// Requests wait in a line that is kept short of threads. For a look without the lock.
    has_queue: AtomicBool,
}

struct State<J> {
    /// Permits that wait for a thread, by their shards.
    tickets: VecDeque<usize>,
    lines: [LaneQueue<J>; 3],
    /// Threads with nothing to do.
    idle: usize,
    /// All but the reserve.
    threads: usize,
    closed: bool,
}

/// Requests that wait for a thread, and how many of them may have one.
struct LaneQueue<J> {
    /// Since when each has waited.
    jobs: VecDeque<(J, Instant)>,
    /// Threads that run one of them.
    running: usize,
    /// So many may.
    limit: usize,
    /// So many may where handlers return.
    base: usize,
    /// Handlers that have returned since the last look.
    returned: usize,
    /// Looks since one did.
    looks: u32,
    /// After so many looks more may run.
    patience: u32,
    /// Handlers that return before one fewer may.
    until_fewer: u32,
}

/// What is expected of the handler of a request that does not run on a driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lane {
    /// It waits for something.
    #[default]
    Waits,
    /// It may wait, and is mostly quick.
    Uncertain,
    /// It computes for long.
    Computes,
}

/// Who takes what was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A thread that is there.
    Spare,
    /// A thread that is to be added: [`work`](super::threads::work) is what it runs.
    Hire,
    /// A thread that has something to do, or one that the watchdog calls if that takes too long.
    Queue,
    /// Nobody before a handler returns.
    Nobody,
}

/// What a thread is to do.
pub(super) enum Task<J> {
    /// It has got a permit of this shard.
    Drive(usize),
    /// Gives back a permit of this shard, and comes again.
    LayDown(usize),
    Serve(J, Lane),
    End,
}

/// How long a spare thread stays.
const SPARE_TIME: Duration = Duration::from_secs(5);

/// Where none of the uncertain handlers has returned for so many ticks of the watchdog, all that run wait, probably.
const UNCERTAIN_TICKS: u32 = 1;

/// So many quick handlers a thread runs in a tick, and more.
const QUICK_RETURNS: usize = 8;

/// After so many handlers have returned one fewer of their line may run, where more were let in before.
const RETURNS: u32 = 64;

/// Handlers that compute for long, and none of which has returned for so many ticks, may wait for each other.
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

    /// How many of those that wait may have a thread.
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
            // It may have been raised further than it needs to be.
            self.until_fewer = self.until_fewer.checked_sub(1).unwrap_or(RETURNS);
            self.limit -= usize::from(self.until_fewer == 0);
        }
    }

    /// The watchdog looks, once a tick. `has_time` says that there is processor time left.
    fn look(&mut self, has_time: bool) {
        let returned = std::mem::take(&mut self.returned);
        if self.eligible() == self.jobs.len() {
            self.looks = 0;
            return;
        }
        if returned > 0 {
            self.looks = 0;
            // It moves on, though not as fast as handlers do that are quick.
            if has_time && self.is_uncertain() && returned < QUICK_RETURNS * self.running {
                self.limit = self.limit.max(self.running + (self.running / 8).max(1));
            }
            return;
        }
        self.looks += 1;
        if self.looks >= self.patience {
            self.looks = 0;
            // Twice as many soon are as many as wait; of those that compute, one more is enough.
            let more = if self.is_uncertain() { self.running } else { 1 };
            // Threads that were promised to some of them may not have begun yet.
            self.limit = self.limit.max(self.running + more.max(1));
        }
    }

    fn is_uncertain(&self) -> bool {
        self.patience == UNCERTAIN_TICKS
    }
}

impl<J> ThreadPool<J> {
    /// `computing` handlers that compute for long may run at a time.
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

    /// Takes a permit back that no thread has taken yet. False if one has.
    pub(super) fn withdraw(&self, shard: usize) -> bool {
        let mut state = lock(&self.state);
        let ticket = state.tickets.iter().position(|other| *other == shard);
        ticket.and_then(|ticket| state.tickets.remove(ticket)).is_some()
    }

    /// Gives a request to a thread. It comes back where the server has ended.
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

    /// For the watchdog, once a tick: lets more run of a line that does not move on, or that could move on faster where there is
    /// processor time left, and says who takes them.
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

    /// Whether requests wait in a line that is kept short of threads.
    pub(super) fn has_queue(&self) -> bool {
        self.has_queue.load(Ordering::SeqCst)
    }

    /// Whether a request may have waited for too long.
    pub(super) fn may_be_overdue(&self) -> bool {
        self.is_at_bound() || self.has_queue()
    }

    /// Whether one has waited longer than `patience` for a thread.
    pub(super) fn is_overdue(&self, patience: Duration) -> bool {
        let state = lock(&self.state);
        let first = state.lines.iter().filter_map(|line| line.jobs.front());
        first.into_iter().any(|(_, since)| since.elapsed() >= patience)
    }

    /// The requests that have waited longer than `patience` for a thread.
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

    /// Finds a thread for the last of so many requests, or for a permit, and wakes one that is spare: without the lock, which it
    /// would have to wait for.
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

    /// Whether there are handlers that have no thread but those that drive.
    pub(super) fn wants_drivers(&self) -> bool {
        self.is_at_bound() && lock(&self.state).eligible() > 0
    }

    /// The thread that was to be added is not to be had.
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

    /// A handler goes on to wait for its client, and leaves its place in the line to another. Says who takes that.
    pub(super) fn leave(&self, lane: Lane) -> Option<Call> {
        let mut state = lock(&self.state);
        let before = state.eligible();
        state.line(lane).leave();
        let after = state.eligible();
        (after > before).then(|| self.find(state, after))
    }

    /// Waits for something to do. The thread is not counted any more when that is the end. `done` is what it has done before.
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
            // At the bound the reserve drives, which attends all shards, and nobody else can run a handler.
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
                self.at_bound.store(self.is_at_bound() && state.eligible() > 0, Ordering::SeqCst);
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

    /// For the reserve: waits until the permit of shard 0 needs it. False when there is no more need.
    pub(super) fn wait_for_need(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.closed {
            let ticket = state.tickets.iter().position(|shard| *shard == 0);
            // A spare thread was told, and takes it, or says that it has something else to do.
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

    /// Sends the threads home. What waited for one is given back.
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

    /// The one that has waited longest of those that may have a thread.
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
mod tests {
    use super::*;

    fn pool() -> ThreadPool<u32> {
        ThreadPool::new(100, 1)
    }

    fn submit(pool: &ThreadPool<u32>, jobs: u32, lane: Lane) -> Vec<Call> {
        (0..jobs).map(|job| pool.submit(job, lane).expect("it is open")).collect()
    }

    fn take(pool: &ThreadPool<u32>, count: usize) {
        for _ in 0..count {
            assert!(matches!(pool.next_task(None), Task::Serve(..)));
        }
    }

    #[test]
    fn a_few_threads_serve_what_is_uncertain_until_that_does_not_move_on() {
        let pool = pool();
        assert_eq!(
            submit(&pool, 5, Lane::Uncertain),
            [Call::Hire, Call::Hire, Call::Queue, Call::Queue, Call::Queue]
        );
        take(&pool, 2);
        assert!(pool.has_queue());
        // One has returned and serves the next: it moves on.
        assert!(matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..)));
        assert_eq!(pool.look(false), []);
        // Now none has.
        assert_eq!(pool.look(false), [Call::Hire, Call::Hire]);
        take(&pool, 2);
        assert!(!pool.has_queue());
        // Where they have returned, few are enough again.
        for _ in 0..4 {
            pool.leave(Lane::Uncertain);
        }
        assert_eq!(submit(&pool, 3, Lane::Uncertain)[2], Call::Queue);
    }

    #[test]
    fn handlers_that_compute_take_turns_and_do_not_wait_for_each_other_for_ever() {
        let pool = pool();
        assert_eq!(submit(&pool, 3, Lane::Computes), [Call::Hire, Call::Queue, Call::Queue]);
        take(&pool, 1);
        for _ in 1..COMPUTES_TICKS {
            assert_eq!(pool.look(false), []);
        }
        assert_eq!(pool.look(false), [Call::Hire]);
        take(&pool, 1);
        // A handler that waits for its client makes room.
        assert_eq!(pool.leave(Lane::Computes), Some(Call::Hire));
        take(&pool, 1);
        pool.leave(Lane::Computes);
        pool.leave(Lane::Computes);
        assert_eq!(submit(&pool, 2, Lane::Computes), [Call::Hire, Call::Queue], "one is enough again");
    }

    #[test]
    fn what_waits_has_a_thread_each() {
        let pool = pool();
        assert_eq!(submit(&pool, 50, Lane::Waits), [Call::Hire; 50]);
    }

    #[test]
    fn at_the_bound_permits_of_other_shards_are_laid_down() {
        let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
        assert_eq!(pool.pass_on(1), Call::Hire);
        assert_eq!(pool.submit(0, Lane::Waits), Ok(Call::Nobody));
        assert!(pool.wants_drivers());
        assert!(matches!(pool.next_task(None), Task::LayDown(1)));
        assert!(matches!(pool.next_task(None), Task::Serve(0, Lane::Waits)));
        assert!(!pool.withdraw(1));
    }
}
