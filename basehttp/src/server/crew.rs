//! The threads of a server: who drives, who runs a handler that is expected to wait, who is spare.
//!
//! A permit that no thread has yet is a ticket, which the next spare thread takes. Where there is no spare thread and no room for
//! another, the reserve takes it: it drives too, but runs no handler, so that connections are taken, read, expired and
//! queued however many handlers hang.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, lock};

/// `J` is a connection whose request has a handler that is expected to wait; models have simpler ones.
pub(super) struct Crew<J> {
    state: Mutex<State<J>>,
    /// Signalled for spare threads.
    work: Condvar,
    /// Signalled for the reserve.
    need: Condvar,
    max_threads: usize,
    /// No thread can be added, and all that there are have something to do.
    at_bound: AtomicBool,
}

struct State<J> {
    /// Permits that wait for a thread.
    tickets: usize,
    /// What waits for a thread, and since when.
    jobs: VecDeque<(J, Instant)>,
    /// Threads with nothing to do.
    idle: usize,
    /// All but the reserve.
    threads: usize,
    closed: bool,
}

/// Who takes what was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A thread that is there.
    Spare,
    /// A thread that is to be added: `work` in `engine` is its function.
    Hire,
    /// Nobody before a handler returns.
    Nobody,
}

/// What a thread is to do.
pub(super) enum Task<J> {
    /// It has got a permit.
    Drive,
    Serve(J),
    End,
}

/// How long a spare thread stays.
const SPARE_TIME: Duration = Duration::from_secs(5);

impl<J> Crew<J> {
    pub(super) fn new(max_threads: usize) -> Self {
        let state = State { tickets: 0, jobs: VecDeque::new(), idle: 0, threads: 0, closed: false };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            need: Condvar::new(),
            max_threads,
            at_bound: AtomicBool::new(false),
        }
    }

    /// Gives a permit to another thread.
    pub(super) fn pass_on(&self) -> Call {
        let mut state = lock(&self.state);
        state.tickets += 1;
        self.call(state)
    }

    /// Gives a request to a spare thread. It comes back where the server has ended.
    pub(super) fn submit(&self, job: J) -> Result<Call, J> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(job);
        }
        state.jobs.push_back((job, Instant::now()));
        Ok(self.call(state))
    }

    /// The requests that have waited longer than `patience` for a thread.
    pub(super) fn overdue(&self, patience: Duration) -> Vec<J> {
        let mut state = lock(&self.state);
        let late = state.jobs.iter().take_while(|(_, since)| since.elapsed() >= patience).count();
        state.jobs.drain(..late).map(|(job, _)| job).collect()
    }

    /// Whether requests wait until a handler returns.
    pub(super) fn is_at_bound(&self) -> bool {
        self.at_bound.load(Ordering::SeqCst)
    }

    fn call(&self, mut state: MutexGuard<'_, State<J>>) -> Call {
        if state.idle >= state.tickets + state.jobs.len() {
            drop(state);
            self.work.notify_one();
            return Call::Spare;
        }
        if state.threads < self.max_threads && !state.closed {
            state.threads += 1;
            return Call::Hire;
        }
        self.nobody(&state)
    }

    /// The thread that was to be added is not to be had.
    pub(super) fn cannot_hire(&self) -> Call {
        let mut state = lock(&self.state);
        state.threads -= 1;
        self.nobody(&state)
    }

    fn nobody(&self, state: &State<J>) -> Call {
        self.at_bound.store(true, Ordering::SeqCst);
        if state.tickets > 0 {
            self.need.notify_one();
        }
        Call::Nobody
    }

    /// Waits for something to do. The thread is not counted any more when that is the end.
    pub(super) fn next_task(&self) -> Task<J> {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                state.threads -= 1;
                return Task::End;
            }
            // At the bound the reserve can drive, and nobody else can run a handler.
            let serves = state.tickets == 0 || self.is_at_bound();
            if let Some((job, _)) = serves.then(|| state.jobs.pop_front()).flatten() {
                return Task::Serve(job);
            }
            if state.tickets > 0 {
                state.tickets -= 1;
                return Task::Drive;
            }
            self.at_bound.store(false, Ordering::SeqCst);
            state.idle += 1;
            let (next, waited) =
                self.work.wait_timeout(state, SPARE_TIME).unwrap_or_else(std::sync::PoisonError::into_inner);
            state = next;
            state.idle -= 1;
            if waited.timed_out() && state.tickets == 0 && state.jobs.is_empty() {
                state.threads -= 1;
                return Task::End;
            }
        }
    }

    /// For the reserve: waits until a permit needs it. False when there is no more need.
    pub(super) fn wait_for_need(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.closed {
            if state.tickets > 0 && self.is_at_bound() {
                state.tickets -= 1;
                return true;
            }
            state = self.need.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
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
        let left = state.jobs.drain(..).map(|(job, _)| job).collect();
        drop(state);
        self.work.notify_all();
        self.need.notify_all();
        left
    }
}
