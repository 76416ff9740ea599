//! An engine without a system: the same pieces, put together in the same way.

use std::sync::Mutex as Plain;
use std::sync::atomic::{AtomicBool as Flag, AtomicUsize as Count, Ordering::SeqCst};
use std::time::Duration;

use loom::thread::{self, JoinHandle};

use super::Bell;
use crate::server::crew::{Call, Crew, Task};
use crate::server::shift::{Next, Shift};
use crate::server::sync::{Arc, Condvar, Mutex, lock};
use crate::server::watchdog::Watchdog;
use crate::server::worker::Worker;

/// What the turn of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A handler that runs on the driver.
    Quick,
    /// A handler that is expected to wait.
    Waits,
    /// As before, and it waits until every other connection has been served: it calls its own server.
    WaitsForOthers,
    /// A handler that runs on the driver, and waits until every other connection has been served.
    Hangs,
}

#[derive(Debug)]
pub(super) struct Connection {
    number: usize,
    kind: Kind,
}

/// What the system tells the one who polls.
#[derive(Default)]
struct News {
    is_woken: bool,
    ready: Vec<Connection>,
}

/// The poller itself: that there is one is all there is to it.
pub(super) struct Poller;

pub(super) struct House {
    pub(super) shift: Shift<Connection, Poller>,
    pub(super) crew: Crew<Connection>,
    pub(super) watchdog: Watchdog,
    news: Mutex<News>,
    told: Condvar,
    /// Rung when all connections but one have been served.
    others: Bell,
    /// Threads can be added.
    can_hire: bool,
    /// Who ends the house: the one who serves the last connection, or the model.
    ends_itself: bool,
    queue_timeout: Duration,

    // What nobody but the model sees is made of the standard library's, so that it orders nothing.
    permits: usize,
    has_lines: Flag,
    held: Count,
    tickets: Count,
    served: Vec<Count>,
    given_back: Vec<Count>,
    threads: Plain<Vec<JoinHandle<()>>>,
}

/// What a house is to be.
pub(super) struct Plan {
    pub(super) permits: usize,
    pub(super) max_threads: usize,
    pub(super) connections: usize,
    pub(super) can_hire: bool,
    pub(super) ends_itself: bool,
    /// A request that waits for a thread has waited for too long whenever somebody looks.
    pub(super) waits_in_vain: bool,
    /// The log has to be written when there is nothing else to do.
    pub(super) has_lines: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            permits: 1,
            max_threads: 2,
            connections: 2,
            can_hire: true,
            ends_itself: true,
            waits_in_vain: false,
            has_lines: false,
        }
    }
}

impl House {
    pub(super) fn new(plan: &Plan) -> Arc<Self> {
        let counts = || (0..plan.connections).map(|_| Count::new(0)).collect();
        Arc::new(Self {
            shift: Shift::new(Box::new(Poller), plan.permits),
            crew: Crew::new(plan.max_threads),
            watchdog: Watchdog::new(),
            news: Mutex::default(),
            told: Condvar::new(),
            others: Bell::new(),
            can_hire: plan.can_hire,
            ends_itself: plan.ends_itself,
            queue_timeout: if plan.waits_in_vain { Duration::ZERO } else { Duration::from_secs(3600) },
            permits: plan.permits,
            has_lines: Flag::new(plan.has_lines),
            held: Count::new(0),
            tickets: Count::new(0),
            served: counts(),
            given_back: counts(),
            threads: Plain::default(),
        })
    }

    /// Adds a thread.
    pub(super) fn spawn(self: &Arc<Self>, work: fn(&Arc<Self>)) {
        let house = self.clone();
        let thread = thread::spawn(move || work(&house));
        self.threads.lock().expect("nobody panics").push(thread);
    }

    /// A driver joins, as at the start and where there is work for two.
    pub(super) fn add_driver(self: &Arc<Self>) {
        if self.shift.try_permit() {
            self.pass_on();
        }
    }

    /// A connection becomes ready, as the poller finds.
    pub(super) fn arrive(&self, number: usize, kind: Kind) {
        lock(&self.news).ready.push(Connection { number, kind });
        self.told.notify_one();
    }

    fn wake_poller(&self) {
        lock(&self.news).is_woken = true;
        self.told.notify_one();
    }

    /// `Engine::requeue`: a connection comes into the queue from outside.
    pub(super) fn requeue(&self, number: usize, kind: Kind) {
        self.put(Connection { number, kind });
    }

    fn put(&self, connection: Connection) {
        match self.shift.put(connection) {
            Ok(true) => self.wake_poller(),
            Ok(false) => {}
            Err(connection) => self.give_back(connection),
        }
    }

    /// `Engine::pass_on`.
    pub(super) fn pass_on(self: &Arc<Self>) {
        self.tickets.fetch_add(1, SeqCst);
        let call = self.crew.pass_on();
        self.follow(call);
    }

    /// `Engine::submit`.
    pub(super) fn submit(self: &Arc<Self>, connection: Connection) -> bool {
        let has_thread = match self.crew.submit(connection) {
            Ok(call) => self.follow(call),
            Err(connection) => {
                self.give_back(connection);
                true
            }
        };
        if !has_thread {
            self.wake_poller();
        }
        has_thread
    }

    fn follow(self: &Arc<Self>, call: Call) -> bool {
        match call {
            Call::Spare => true,
            Call::Nobody => false,
            Call::Hire if self.can_hire => {
                self.spawn(work);
                true
            }
            Call::Hire => {
                self.crew.cannot_hire();
                false
            }
        }
    }

    /// `Engine::close`.
    pub(super) fn close(&self) {
        self.clear();
        for connection in self.crew.close() {
            self.give_back(connection);
        }
        self.watchdog.rouse();
        self.wake_poller();
    }

    /// `Engine::clear`: what waits in the table is what the poller would have told of.
    fn clear(&self) {
        let (left, poller) = self.shift.close();
        left.into_iter().for_each(|connection| self.give_back(connection));
        if poller.is_some() {
            let ready = std::mem::take(&mut lock(&self.news).ready);
            ready.into_iter().for_each(|connection| self.give_back(connection));
        }
    }

    fn grant(&self, worker: &Arc<Worker>) {
        assert!(self.held.fetch_add(1, SeqCst) < self.permits, "more drive than may");
        self.watchdog.grant(worker);
    }

    fn relieve(&self, worker: &Arc<Worker>) -> bool {
        let had = self.watchdog.relieve(worker);
        self.held.fetch_sub(usize::from(had), SeqCst);
        had
    }

    fn give_back(&self, connection: Connection) {
        self.given_back[connection.number].fetch_add(1, SeqCst);
    }

    fn serve(&self, connection: &Connection) {
        assert_eq!(self.served[connection.number].fetch_add(1, SeqCst), 0, "it was served before");
        let served = self.served.iter().filter(|served| served.load(SeqCst) > 0).count();
        if served + 1 == self.served.len() {
            self.others.ring();
        }
        if served == self.served.len() && self.ends_itself {
            self.close();
        }
    }

    /// Waits for the end of all threads. Each connection was served, or given back after the end, and once.
    /// Each permit is free, with a thread, or in a ticket.
    pub(super) fn finish(&self) {
        loop {
            let next = self.threads.lock().expect("nobody panics").pop();
            let Some(thread) = next else { break };
            thread.join().expect("no thread panics");
        }
        for (number, (served, given_back)) in self.served.iter().zip(&self.given_back).enumerate() {
            let (served, given_back) = (served.load(SeqCst), given_back.load(SeqCst));
            assert_eq!(served + given_back, 1, "{number} is lost, or had by two");
            assert!(served == 1 || !self.ends_itself, "{number} was never served");
        }
        let free = (0..).take_while(|_| self.shift.try_permit()).count();
        let in_use = self.held.load(SeqCst) + self.tickets.load(SeqCst);
        assert_eq!(free + in_use, self.permits, "a permit is lost, or had by two");
    }

    /// `Thread::give_turn`. For the reserve `worker` runs no handler.
    fn give_turn(self: &Arc<Self>, worker: &Arc<Worker>, role: Role, connection: Connection) {
        match connection.kind {
            Kind::Quick | Kind::Hangs if role == Role::Driver => {
                worker.enter(&self.watchdog);
                if connection.kind == Kind::Hangs {
                    self.others.wait();
                }
                worker.leave();
                self.serve(&connection);
            }
            Kind::Quick if role == Role::Reserve => self.serve(&connection),
            _ if role == Role::Pool => {
                if matches!(connection.kind, Kind::WaitsForOthers | Kind::Hangs) {
                    self.others.wait();
                }
                self.serve(&connection);
            }
            _ if !worker.has_permit() => self.put(connection),
            _ => {
                let has_thread = self.submit(connection);
                if !has_thread && role == Role::Driver && self.relieve(worker) {
                    self.pass_on();
                }
            }
        }
    }

    /// `Core::poll`, with the end of `Thread::poll`.
    fn poll(self: &Arc<Self>, worker: &Arc<Worker>, role: Role, poller: Box<Poller>) {
        if role == Role::Reserve && self.crew.has_spare() {
            self.shift.lay_back(poller);
            if self.relieve(worker) {
                self.pass_on();
            }
            return;
        }
        // The time-out of the sleep, which comes at once.
        let is_busy = !self.shift.may_sleep() || self.refuse_overdue();
        let mut news = lock(&self.news);
        while !is_busy && !news.is_woken && news.ready.is_empty() {
            news = self.told.wait(news).expect("nobody panics");
        }
        news.is_woken = false;
        let mut ready = std::mem::take(&mut news.ready);
        drop(news);
        self.shift.extend(&mut ready);
        ready.into_iter().for_each(|connection| self.give_back(connection));
        self.shift.lay_back(poller);
        self.refuse_overdue();
    }

    /// The end of `Thread::poll`. False if nobody was refused.
    fn refuse_overdue(&self) -> bool {
        if !self.crew.is_at_bound() {
            return false;
        }
        let overdue = self.crew.overdue(self.queue_timeout);
        overdue.iter().for_each(|connection| self.serve(connection));
        !overdue.is_empty()
    }

    /// `Thread::flush_log`.
    fn flush_log(&self, worker: &Worker, role: Role) {
        if self.has_lines.swap(false, SeqCst) && role == Role::Driver {
            worker.enter(&self.watchdog);
            worker.leave();
        }
    }

    /// `driver::run`, with a single turn between two polls.
    fn run(self: &Arc<Self>, worker: &Arc<Worker>, role: Role) {
        let mut polls = false;
        while !self.shift.is_closed() {
            if self.shift.waiting() == 0 {
                self.flush_log(worker, role);
            }
            if !worker.has_permit() {
                return;
            }
            match self.shift.next(polls, || self.grant(worker), || self.relieve(worker)) {
                Next::Turn(connection) => {
                    self.give_turn(worker, role, connection);
                    polls = true;
                }
                Next::Poll(poller) => {
                    self.poll(worker, role, poller);
                    polls = false;
                }
                Next::Leave => return,
            }
        }
        self.clear();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Driver,
    Reserve,
    Pool,
}

/// `engine::work`.
pub(super) fn work(house: &Arc<House>) {
    let worker = Arc::new(Worker::new());
    loop {
        match house.crew.next_task() {
            Task::Drive => {
                house.tickets.fetch_sub(1, SeqCst);
                house.grant(&worker);
                house.run(&worker, Role::Driver);
            }
            Task::Serve(connection) => house.give_turn(&worker, Role::Pool, connection),
            Task::End => return,
        }
    }
}

/// `engine::reserve`.
pub(super) fn reserve(house: &Arc<House>) {
    let worker = Arc::new(Worker::new());
    while house.crew.wait_for_need() {
        house.tickets.fetch_sub(1, SeqCst);
        house.grant(&worker);
        house.run(&worker, Role::Reserve);
    }
}

/// `engine::watch`, which goes to sleep after three looks.
pub(super) fn watch(house: &Arc<House>) {
    while !house.shift.is_closed() {
        for _ in 0..3 {
            let seen = house.watchdog.look();
            house.held.fetch_sub(seen.taken.len(), SeqCst);
            for _ in 0..seen.taken.len() {
                house.pass_on();
            }
        }
        house.watchdog.sleep(|| house.shift.is_closed());
    }
}
