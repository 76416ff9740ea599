//! The threads of a server: who drives, who runs a handler that is expected to wait, who is spare.
//!
//! A thread needs a permit to drive. A permit that nobody has yet is a ticket, which the next spare thread takes. Where
//! there is no spare thread and no room for another, the reserve takes it: it drives too, but runs no handler, so that
//! connections are taken, read, expired and queued however many handlers hang.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::driver;
use super::engine::Engine;
use super::table::Connection;
use super::watchdog::{Watchdog, watch};
use super::worker::Worker;

pub(super) struct Crew {
    state: Mutex<State>,
    /// Signalled for spare threads.
    work: Condvar,
    /// Signalled for the reserve.
    need: Condvar,
    /// All threads but the reserve.
    workers: Mutex<Vec<Arc<Worker>>>,
    pub(super) watchdog: Watchdog,
    /// Permits in use, tickets included.
    active: AtomicUsize,
    permits: usize,
    max_threads: usize,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Permits that wait for a thread.
    tickets: usize,
    /// Requests whose handlers are expected to wait, and since when they wait for a thread.
    jobs: VecDeque<(Connection, Instant)>,
    /// Threads with nothing to do.
    idle: usize,
    threads: usize,
    /// No thread can be added.
    at_bound: bool,
    /// When the log was told of it.
    told: Option<Instant>,
}

/// What a thread is to do.
enum Task {
    Drive,
    Serve(Connection),
    End,
}

/// How often the log is told that there are no threads.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How long a spare thread stays.
const SPARE_TIME: Duration = Duration::from_secs(5);

impl Crew {
    pub(super) fn new(max_threads: usize, permits: usize) -> Self {
        Self {
            state: Mutex::default(),
            work: Condvar::new(),
            need: Condvar::new(),
            workers: Mutex::default(),
            watchdog: Watchdog::default(),
            active: AtomicUsize::new(0),
            permits,
            max_threads,
            closed: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn workers(&self) -> Vec<Arc<Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins: the watchdog, the reserve, and the first driver.
    pub(super) fn start(&self, engine: &Arc<Engine>) -> std::io::Result<()> {
        let watched = engine.clone();
        thread::Builder::new().name("basehttp-watchdog".to_owned()).spawn(move || watch(&watched))?;
        let reserved = engine.clone();
        thread::Builder::new().name("basehttp-reserve".to_owned()).spawn(move || reserve(&reserved))?;
        self.try_permit();
        self.pass_on(engine);
        Ok(())
    }

    /// Sends the threads home.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        drop(self.state());
        self.work.notify_all();
        self.need.notify_all();
        self.watchdog.rouse();
    }

    /// Takes a permit if one is free.
    pub(super) fn try_permit(&self) -> bool {
        let free = |active| (active < self.permits).then_some(active + 1);
        self.active.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free).is_ok()
    }

    /// Lays a permit down. Its holder looks at the queue again after that.
    pub(super) fn lay_down(&self) {
        self.active.fetch_sub(1, Ordering::SeqCst);
    }

    /// Gives a permit to another thread.
    pub(super) fn pass_on(&self, engine: &Arc<Engine>) {
        let mut state = self.state();
        state.tickets += 1;
        self.call(state, engine);
    }

    /// Has a spare thread run the handler of a connection.
    /// True if there is none, so that it has to wait.
    pub(super) fn submit(&self, engine: &Arc<Engine>, connection: Connection) -> bool {
        let mut state = self.state();
        state.jobs.push_back((connection, Instant::now()));
        let has_thread = self.call(state, engine);
        if !has_thread {
            // The poller has a deadline more.
            engine.shutdown.wake_poller();
        }
        !has_thread
    }

    /// The requests that have waited longer than `patience` for a thread.
    pub(super) fn overdue(&self, patience: Duration) -> Vec<Connection> {
        let mut state = self.state();
        let late = state.jobs.iter().take_while(|(_, since)| since.elapsed() >= patience).count();
        state.jobs.drain(..late).map(|(connection, _)| connection).collect()
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.state().jobs.is_empty()
    }

    /// Sees to it that somebody takes what was added. False if nobody can.
    fn call<'a>(&'a self, mut state: MutexGuard<'a, State>, engine: &Arc<Engine>) -> bool {
        if state.idle >= state.tickets + state.jobs.len() {
            drop(state);
            self.work.notify_one();
            return true;
        }
        if state.threads < self.max_threads {
            state.threads += 1;
            drop(state);
            let hired = engine.clone();
            let spawned = thread::Builder::new().name("basehttp".to_owned()).spawn(move || work(&hired));
            let Err(error) = spawned else { return true };
            state = self.state();
            state.threads -= 1;
            Self::tell_bound(&mut state, engine, &format!("no thread can be added: {error}"));
        } else {
            Self::tell_bound(&mut state, engine, "all threads are in handlers, further requests wait");
        }
        if state.tickets > 0 {
            drop(state);
            self.need.notify_one();
        }
        false
    }

    fn tell_bound(state: &mut State, engine: &Engine, text: &str) {
        state.at_bound = true;
        if state.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            state.told = Some(Instant::now());
            engine.log.complain(text);
        }
    }

    /// Waits for something to do.
    fn next_task(&self) -> Task {
        let mut state = self.state();
        loop {
            if self.is_closed() {
                state.threads -= 1;
                return Task::End;
            }
            // At the bound the reserve can drive, and nobody else can run a handler.
            let job = if state.tickets == 0 || state.at_bound { state.jobs.pop_front() } else { None };
            if let Some((connection, _)) = job {
                return Task::Serve(connection);
            }
            if state.tickets > 0 {
                state.tickets -= 1;
                return Task::Drive;
            }
            state.at_bound = false;
            state.idle += 1;
            let (next, waited) =
                self.work.wait_timeout(state, SPARE_TIME).unwrap_or_else(PoisonError::into_inner);
            state = next;
            state.idle -= 1;
            if waited.timed_out() && state.tickets == 0 && state.jobs.is_empty() {
                state.threads -= 1;
                return Task::End;
            }
        }
    }

    /// Waits until a permit needs the reserve. False when there is no more need.
    fn wait_for_need(&self) -> bool {
        let mut state = self.state();
        while !self.is_closed() {
            if state.tickets > 0 && state.at_bound {
                state.tickets -= 1;
                return true;
            }
            state = self.need.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    /// Whether a regular thread could drive instead of the reserve.
    pub(super) fn has_spare(&self) -> bool {
        self.state().idle > 0
    }
}

/// A regular thread.
fn work(engine: &Arc<Engine>) {
    let crew = &engine.crew;
    let worker = Arc::new(Worker::default());
    worker.install();
    crew.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker.clone());
    loop {
        match crew.next_task() {
            Task::Drive => {
                worker.grant_permit();
                driver::drive(engine, &worker);
            }
            Task::Serve(connection) => driver::serve(engine, &worker, connection),
            Task::End => break,
        }
    }
    crew.workers.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, &worker));
}

/// The thread that never runs a handler.
fn reserve(engine: &Arc<Engine>) {
    let worker = Arc::new(Worker::default());
    worker.install();
    while engine.crew.wait_for_need() {
        worker.grant_permit();
        driver::stand_in(engine, &worker);
    }
}
