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
        // One has returned and serves the next: the lane makes progress.
        assert!(matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..)));
        assert_eq!(pool.look(false), []);
        // Now none has returned.
        assert_eq!(pool.look(false), [Call::Hire, Call::Hire]);
        take(&pool, 2);
        assert!(!pool.has_queue());
        // Once they have returned, few threads are enough again.
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

    /// The numbers of the requests that get a thread at once, one after the other.
    fn served(pool: &ThreadPool<u32>, count: usize) -> Vec<(u32, Lane)> {
        let next = |_| match pool.next_task(None) {
            Task::Serve(job, lane) => (job, lane),
            _ => panic!("there is a request"),
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn requests_are_served_in_the_order_in_which_they_came() {
        let pool = ThreadPool::new(100, 2);
        let lanes =
            [Lane::Computes, Lane::Waits, Lane::Uncertain, Lane::Computes, Lane::Computes, Lane::Uncertain];
        let calls: Vec<_> = lanes.into_iter().zip(0..).map(|(lane, job)| pool.submit(job, lane)).collect();
        let hire = Ok(Call::Hire);
        assert_eq!(calls, [hire, hire, hire, hire, Ok(Call::Queue), hire]);
        let order = [(0, Lane::Computes), (1, Lane::Waits), (2, Lane::Uncertain), (3, Lane::Computes)];
        assert_eq!(served(&pool, 4), order);
        assert_eq!(served(&pool, 1), [(5, Lane::Uncertain)], "two compute already");
        assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(4, Lane::Computes)));
    }

    #[test]
    fn a_thread_that_ends_or_waits_for_its_client_makes_room_in_its_lane() {
        let pool = pool();
        submit(&pool, 1, Lane::Uncertain);
        take(&pool, 1);
        assert_eq!(pool.leave(Lane::Uncertain), None, "no request waits");
        submit(&pool, 3, Lane::Uncertain);
        take(&pool, 2);
        assert_eq!(pool.leave(Lane::Uncertain), Some(Call::Hire));
    }

    #[test]
    fn a_lane_without_progress_may_use_twice_as_many_threads() {
        let pool = pool();
        submit(&pool, 20, Lane::Uncertain);
        let mut running = 2;
        take(&pool, running);
        for more in [2, 4, 8] {
            assert_eq!(pool.look(false), vec![Call::Hire; more]);
            take(&pool, more);
            running += more;
        }
        assert!(pool.has_queue());
        assert_eq!(pool.look(false), vec![Call::Hire; 20 - running]);
        assert!(!pool.has_queue() && pool.look(false).is_empty());
    }

    #[test]
    fn a_lane_with_slow_progress_may_use_an_eighth_more_threads_while_there_is_time() {
        for (computing, returned, has_time, more) in [
            // Eight returns a thread are quick.
            (2, 1, true, 1),
            (2, 1, false, 0),
            (2, 15, true, 1),
            (2, 16, true, 0),
            (17, 1, true, 2),
            (17, 135, true, 2),
            (17, 136, true, 0),
        ] {
            let pool = ThreadPool::new(1000, computing);
            submit(&pool, 500, Lane::Uncertain);
            take(&pool, computing);
            for _ in 0..returned {
                assert!(matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..)));
            }
            let calls = pool.look(has_time);
            assert_eq!(calls, vec![Call::Hire; more], "{returned} of {computing} threads returned");
        }
        // Those that compute have the processors already.
        let pool = pool();
        submit(&pool, 20, Lane::Computes);
        take(&pool, 1);
        assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(..)));
        assert_eq!(pool.look(true), []);
    }

    #[test]
    fn a_return_ends_the_suspicion_that_those_that_compute_wait_for_each_other() {
        let pool = pool();
        submit(&pool, 5, Lane::Computes);
        take(&pool, 1);
        (1..COMPUTES_TICKS).for_each(|_| assert_eq!(pool.look(false), []));
        assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(..)));
        (0..COMPUTES_TICKS).for_each(|_| assert_eq!(pool.look(false), []));
        assert_eq!(pool.look(false), [Call::Hire]);
        take(&pool, 1);
        (1..COMPUTES_TICKS).for_each(|_| assert_eq!(pool.look(false), []));
        assert_eq!(pool.look(false), [Call::Hire], "one more each time");
    }

    #[test]
    fn a_lane_that_moves_on_has_its_former_limit_in_the_end() {
        let pool = pool();
        submit(&pool, 500, Lane::Uncertain);
        take(&pool, 2);
        assert_eq!(pool.look(false).len(), 2);
        take(&pool, 2);
        let next = || matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..));
        // The limit is lowered with the last of so many returns, so that one does not get another request.
        let eligible = |pool: &ThreadPool<u32>| lock(&pool.state).eligible();
        for returns in [RETURNS, RETURNS + 1] {
            (1..returns).for_each(|_| assert!(next()));
            assert!(pool.leave(Lane::Uncertain).is_none());
            assert_eq!(eligible(&pool), 0);
        }
        // Two run, as in the beginning.
        for _ in 0..2 * RETURNS {
            assert!(next());
        }
    }

    #[test]
    fn permits_go_to_a_thread_before_requests_do() {
        let pool = pool();
        submit(&pool, 1, Lane::Waits);
        assert_eq!([pool.pass_on(0), pool.pass_on(2)], [Call::Hire, Call::Hire]);
        assert!(matches!(pool.next_task(None), Task::Drive(0)));
        assert!(matches!(pool.next_task(None), Task::Drive(2)));
        assert!(matches!(pool.next_task(None), Task::Serve(0, Lane::Waits)));
        pool.pass_on(1);
        assert!(!pool.withdraw(0) && pool.withdraw(1) && !pool.withdraw(1));
    }

    #[test]
    fn at_the_bound_requests_go_before_permits() {
        let pool: ThreadPool<u32> = ThreadPool::new(2, 1);
        assert_eq!(submit(&pool, 3, Lane::Waits), [Call::Hire, Call::Hire, Call::Nobody]);
        assert!(pool.is_at_bound() && pool.may_be_overdue() && pool.wants_drivers());
        assert_eq!(pool.pass_on(0), Call::Nobody);
        assert_eq!(served(&pool, 3), [0, 1, 2].map(|job| (job, Lane::Waits)));
        assert!(pool.is_at_bound() && !pool.wants_drivers(), "there is no request left");
        assert!(matches!(pool.next_task(Some(Lane::Waits)), Task::Drive(0)));
        assert!(!pool.is_at_bound() && !pool.may_be_overdue());
    }

    #[test]
    fn the_bound_remains_while_requests_wait() {
        let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
        assert_eq!(pool.pass_on(0), Call::Hire);
        assert_eq!(submit(&pool, 2, Lane::Computes), [Call::Nobody, Call::Queue]);
        take(&pool, 1);
        assert!(pool.is_at_bound() && !pool.wants_drivers(), "the other one has to wait for the first");
        // It would be the turn of the other, so the permit still waits.
        assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(1, Lane::Computes)));
        assert_eq!(submit(&pool, 1, Lane::Waits), [Call::Nobody]);
        assert!(pool.is_at_bound() && pool.wants_drivers());
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_not_counted() {
        let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
        assert_eq!(submit(&pool, 1, Lane::Waits), [Call::Hire]);
        assert!(!pool.is_at_bound());
        assert_eq!(pool.cannot_hire(), Call::Nobody);
        assert!(pool.is_at_bound());
        assert_eq!(submit(&pool, 2, Lane::Waits), [Call::Hire, Call::Nobody]);
    }

    #[test]
    fn requests_that_have_waited_too_long_are_taken_out_of_all_lanes() {
        let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
        assert!(!pool.is_overdue(Duration::ZERO) && !pool.may_be_overdue());
        for (job, lane) in [(1, Lane::Computes), (2, Lane::Waits), (3, Lane::Uncertain), (4, Lane::Computes)]
        {
            assert!(pool.submit(job, lane).is_ok());
        }
        assert!(pool.may_be_overdue() && pool.has_queue());
        assert!(!pool.is_overdue(Duration::from_secs(3600)) && pool.is_overdue(Duration::ZERO));
        assert!(pool.overdue(Duration::from_secs(3600)).is_empty());
        // The oldest of a lane have waited exactly as long, or longer.
        assert_eq!(pool.overdue(Duration::ZERO), [2, 3, 1, 4]);
        assert!(!pool.is_overdue(Duration::ZERO));
    }

    #[test]
    fn a_lane_with_a_queue_may_have_overdue_requests() {
        let pool = pool();
        submit(&pool, 2, Lane::Computes);
        assert!(!pool.is_at_bound() && pool.may_be_overdue());
    }

    #[test]
    fn the_end_returns_what_waits_and_ends_the_threads() {
        let pool = pool();
        submit(&pool, 2, Lane::Waits);
        submit(&pool, 1, Lane::Computes);
        assert_eq!(pool.close(), [0, 1, 0]);
        assert_eq!(pool.submit(7, Lane::Waits), Err(7));
        assert!(matches!(pool.next_task(None), Task::End));
        assert!(!pool.wait_for_need());
        // No thread is started for a permit either.
        assert_eq!(pool.pass_on(0), Call::Nobody);
    }

    /// Ends the threads of a test, also of one that fails.
    struct Closes<'a>(&'a ThreadPool<u32>);

    impl Drop for Closes<'_> {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    /// A pool with a spare thread, which sends its first task.
    fn with_spare_thread(run: impl FnOnce(&ThreadPool<u32>, &std::sync::mpsc::Receiver<String>)) {
        let (pool, (told, tasks)) = (ThreadPool::new(1, 1), std::sync::mpsc::channel());
        std::thread::scope(|scope| {
            let spare = scope.spawn(|| {
                pool.pass_on(0);
                assert!(matches!(pool.next_task(None), Task::Drive(0)));
                let told = told;
                let task = match pool.next_task(None) {
                    Task::Drive(shard) => format!("drive {shard}"),
                    Task::LayDown(shard) => format!("lay down {shard}"),
                    Task::Serve(job, lane) => format!("serve {job} {lane:?}"),
                    Task::End => "end".to_owned(),
                };
                told.send(task).expect("the test waits for it");
            });
            let _end = Closes(&pool);
            while !pool.has_spare() {
                assert!(!spare.is_finished(), "it waits for a task");
                std::thread::yield_now();
            }
            run(&pool, &tasks);
        });
        assert!(!pool.has_spare());
    }

    #[test]
    fn a_spare_thread_takes_a_request_or_a_permit() {
        with_spare_thread(|pool, tasks| {
            assert_eq!(pool.submit(5, Lane::Uncertain), Ok(Call::Spare));
            assert_eq!(tasks.recv().as_deref(), Ok("serve 5 Uncertain"));
        });
        with_spare_thread(|pool, tasks| {
            assert_eq!(pool.pass_on(3), Call::Spare);
            assert_eq!(tasks.recv().as_deref(), Ok("drive 3"));
        });
        with_spare_thread(|pool, tasks| {
            assert!(pool.close().is_empty());
            assert_eq!(tasks.recv().as_deref(), Ok("end"));
        });
    }

    #[test]
    fn a_spare_thread_is_promised_once() {
        with_spare_thread(|pool, tasks| {
            let mut state = lock(&pool.state);
            state.tickets.push_back(1);
            assert_eq!(pool.call(&mut state, 0), Call::Spare);
            assert_eq!(pool.call(&mut state, 1), Call::Nobody, "it is the only thread");
            drop(state);
            pool.work.notify_one();
            assert_eq!(tasks.recv().as_deref(), Ok("lay down 1"), "at the bound");
        });
    }

    #[test]
    fn the_reserve_drives_shard_0_when_no_other_thread_can() {
        let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
        std::thread::scope(|scope| {
            let reserve = scope.spawn(|| [pool.wait_for_need(), pool.wait_for_need()]);
            let _end = Closes(&pool);
            submit(&pool, 1, Lane::Waits);
            take(&pool, 1);
            assert_eq!(pool.pass_on(1), Call::Nobody, "that is not its shard");
            assert_eq!(pool.pass_on(0), Call::Nobody);
            while lock(&pool.state).tickets.contains(&0) {
                assert!(!reserve.is_finished(), "it waits for another need");
                std::thread::yield_now();
            }
            assert!(pool.withdraw(1));
            pool.close();
            assert_eq!(reserve.join().expect("it does not panic"), [true, false]);
        });
    }

    /// What the pool counts: its threads, and those of them that wait for a task.
    fn counted(pool: &ThreadPool<u32>) -> (usize, usize) {
        let state = lock(&pool.state);
        (state.threads, state.idle)
    }

    #[test]
    fn threads_are_counted_until_they_end() {
        let pool = pool();
        submit(&pool, 2, Lane::Waits);
        take(&pool, 2);
        assert_eq!(counted(&pool), (2, 0));
        pool.cannot_hire();
        assert_eq!(counted(&pool), (1, 0));
        pool.close();
        assert!(matches!(pool.next_task(Some(Lane::Waits)), Task::End));
        assert_eq!(counted(&pool), (0, 0));
    }

    #[test]
    fn a_spare_thread_that_nobody_needs_ends() {
        let pool = pool();
        submit(&pool, 1, Lane::Waits);
        take(&pool, 1);
        // It has nothing to do for the whole of the time that a spare thread stays.
        assert!(matches!(pool.next_task(Some(Lane::Waits)), Task::End));
        assert_eq!(counted(&pool), (0, 0));
    }

    #[test]
    fn a_request_in_a_full_lane_does_not_keep_drivers_from_driving() {
        let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
        assert_eq!(pool.pass_on(0), Call::Hire);
        assert_eq!(submit(&pool, 2, Lane::Computes), [Call::Nobody, Call::Queue]);
        take(&pool, 1);
        assert!(pool.is_at_bound());
        // The next one may not run yet, so it is not this thread that it waits for.
        assert!(matches!(pool.next_task(None), Task::Drive(0)));
        assert!(!pool.is_at_bound());
    }

    #[test]
    fn the_reserve_leaves_a_permit_to_a_spare_thread_and_to_a_new_one() {
        for (idle, at_bound) in [(1, true), (0, false)] {
            let pool = pool();
            let mut state = lock(&pool.state);
            state.idle = idle;
            state.tickets.push_back(0);
            drop(state);
            pool.at_bound.store(at_bound, Ordering::SeqCst);
            std::thread::scope(|scope| {
                let reserve = scope.spawn(|| pool.wait_for_need());
                let end = Closes(&pool);
                for _ in 0..1000 {
                    std::thread::yield_now();
                    assert!(!reserve.is_finished(), "another thread takes it");
                }
                drop(end);
                assert!(!reserve.join().expect("it does not panic"));
            });
        }
    }
}
