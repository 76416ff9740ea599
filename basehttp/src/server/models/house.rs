//! A server without a system: the product's own scheduler over connections and a poller that the model makes up.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};
use std::sync::{Mutex as Plain, OnceLock};
use std::time::{Duration, Instant};

use super::Bell;
use super::thread::{self, JoinHandle};
use crate::server::assign;
use crate::server::machine::{DRIVER, Machine, POOL, RESERVE, Thread, TurnResult};
use crate::server::pool::Lane;
use crate::server::scheduler::Scheduler;
use crate::server::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, lock};
use crate::server::threads;

/// The time that passes from one reading of the clock to the next.
const STEP: Duration = if cfg!(loom) { Duration::ZERO } else { Duration::from_micros(20) };

thread_local! {
    /// Readings of the clock. All threads of a model run on one thread of the system.
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

/// What the turn of a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A handler that runs on the driver.
    Quick,
    /// A handler that is expected to block.
    Waits,
    /// As before, and it blocks until every other connection has been served: it calls its own server.
    WaitsForOthers,
    /// A handler that runs on the driver, and blocks until every other connection has been served.
    Hangs,
    /// A compute-bound handler, of which one runs at a time.
    Computes,
    /// As before, and it then waits for its client until every other connection has been served.
    WaitsForClient,
}

#[derive(Debug)]
pub(super) struct Connection {
    number: usize,
    kind: Kind,
    shard: usize,
}

/// What the system reports to the polling threads, by shard.
#[derive(Default)]
struct News {
    is_woken: bool,
    ready: Vec<Connection>,
}

/// The poller of a shard. It has no function other than to exist once.
pub(super) struct Poller(usize);

pub(super) struct House {
    scheduler: Scheduler<Connection, Poller>,
    news: Mutex<Vec<News>>,
    told: Condvar,
    /// Rung when all connections but one have been served.
    others: Bell,
    plan: Plan,
    has_lines: AtomicBool,

    // State for the model alone is made of the standard library's types, so that it imposes no order.
    looks: Count,
    served: Vec<Count>,
    given_back: Vec<Count>,
    threads: Plain<Vec<JoinHandle<()>>>,
}

/// The parameters of a house.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) shards: usize,
    /// How many drivers are wanted at each look. The last number remains, unless they repeat.
    pub(super) drivers: &'static [usize],
    pub(super) drivers_repeat: bool,
    pub(super) max_threads: usize,
    pub(super) connections: usize,
    pub(super) can_hire: bool,
    /// The thread that serves the last connection ends the house; otherwise the model does.
    pub(super) ends_itself: bool,
    /// A request that waits for a thread is overdue at every check.
    pub(super) waits_in_vain: bool,
    /// The log has to be written when there is nothing else to do.
    pub(super) has_lines: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            shards: 1,
            drivers: &[1],
            drivers_repeat: false,
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
    pub(super) fn new(plan: Plan) -> Arc<Self> {
        LOOKS.set(0);
        let counts = || (0..plan.connections).map(|_| Count::new(0)).collect();
        let pollers = (0..plan.shards).map(Poller).collect();
        Arc::new(Self {
            scheduler: Scheduler::new(pollers, plan.max_threads, 1),
            news: Mutex::new((0..plan.shards).map(|_| News::default()).collect()),
            told: Condvar::new(),
            others: Bell::new(),
            plan,
            has_lines: AtomicBool::new(plan.has_lines),
            looks: Count::new(0),
            served: counts(),
            given_back: counts(),
            threads: Plain::default(),
        })
    }

    /// Adds a thread.
    pub(super) fn spawn(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let house = self.clone();
        let thread = thread::spawn(move || work(&house));
        self.threads.lock().expect("nobody panics").push(thread);
    }

    /// Starts the first driver.
    pub(super) fn start(self: &Arc<Self>) {
        threads::start(self);
    }

    /// Starts as many drivers as the plan says.
    pub(super) fn start_all(self: &Arc<Self>) {
        assign::balance(self, self.plan.drivers[0]);
        assign::balance(self, self.plan.drivers[0]);
    }

    /// A connection becomes ready, as the poller of its shard will find.
    pub(super) fn arrive(&self, number: usize, kind: Kind, shard: usize) {
        lock(&self.news)[shard].ready.push(Connection { number, kind, shard });
        self.told.notify_all();
    }

    /// A connection enters the queue from outside.
    pub(super) fn requeue(&self, number: usize, kind: Kind, shard: usize) {
        assign::requeue(self, Connection { number, kind, shard });
    }

    pub(super) fn close(self: &Arc<Self>) {
        assign::close(self);
    }

    fn serve(self: &Arc<Self>, connection: &Connection) {
        assert_eq!(self.served[connection.number].fetch_add(1, SeqCst), 0, "it was served before");
        let served = self.served.iter().filter(|served| served.load(SeqCst) > 0).count();
        if served + 1 == self.served.len() {
            self.others.ring();
        }
        if served == self.served.len() && self.plan.ends_itself {
            self.close();
        }
    }

    /// Waits for the end of all threads. Each connection was served, or given back after the end, exactly once.
    pub(super) fn finish(&self) {
        loop {
            let next = self.threads.lock().expect("nobody panics").pop();
            let Some(thread) = next else { break };
            thread.join().expect("no thread panics");
        }
        for (number, (served, given_back)) in self.served.iter().zip(&self.given_back).enumerate() {
            let (served, given_back) = (served.load(SeqCst), given_back.load(SeqCst));
            assert_eq!(served + given_back, 1, "{number} is lost, or had by two");
            assert!(served == 1 || !self.plan.ends_itself, "{number} was never served");
        }
    }

    /// Whether a connection has had its turn.
    #[cfg(shuttle)]
    pub(super) fn was_served(&self, number: usize) -> bool {
        self.served[number].load(SeqCst) > 0
    }

    fn permits(&self) -> usize {
        self.plan.drivers.iter().copied().max().unwrap_or(1)
    }
}

impl Machine for House {
    type Connection = Connection;
    type Poller = Poller;
    type Local = ();

    const SEARCH: Duration = STEP.saturating_mul(2);

    /// With loom the clock stands still, so that a model takes the same path each time.
    fn instant() -> Instant {
        static BEGINNING: OnceLock<Instant> = OnceLock::new();
        LOOKS.set(LOOKS.get() + 1);
        *BEGINNING.get_or_init(Instant::now) + STEP * LOOKS.get()
    }

    fn scheduler(&self) -> &Scheduler<Connection, Poller> {
        &self.scheduler
    }

    fn shard_of(&self, connection: &Connection) -> usize {
        connection.shard
    }

    fn turn(
        self: &Arc<Self>,
        thread: &mut Thread<'_, Self>,
        connection: Connection,
    ) -> TurnResult<Connection> {
        assert!(self.scheduler.watchdog.drivers() <= self.permits(), "more drive than may");
        match connection.kind {
            Kind::Quick | Kind::Hangs if thread.policy == DRIVER => {
                self.scheduler.watchdog.enter(thread.worker);
                if connection.kind == Kind::Hangs {
                    self.others.wait();
                }
                thread.worker.leave();
            }
            Kind::Quick if thread.policy == RESERVE => {}
            Kind::Quick | Kind::Waits | Kind::Computes if thread.policy == POOL => {}
            Kind::WaitsForClient if thread.policy == POOL => {
                assign::make_way(self, thread.worker);
                self.others.wait();
            }
            _ if thread.policy == POOL => self.others.wait(),
            Kind::Computes | Kind::WaitsForClient => {
                return TurnResult::Elsewhere(connection, Lane::Computes);
            }
            _ => return TurnResult::Elsewhere(connection, Lane::Waits),
        }
        self.serve(&connection);
        TurnResult::Done
    }

    fn round_begins(_local: &mut ()) {}

    fn refuse(self: &Arc<Self>, connection: Connection) {
        self.serve(&connection);
    }

    fn queue_timeout(&self) -> Duration {
        if self.plan.waits_in_vain { Duration::ZERO } else { Duration::from_secs(3600) }
    }

    fn poll(
        self: &Arc<Self>,
        shard: usize,
        poller: &mut Poller,
        attended: &mut [(usize, Box<Poller>)],
        most: Option<Duration>,
    ) -> io::Result<()> {
        assert!(poller.0 == shard && attended.iter().all(|(shard, poller)| poller.0 == *shard));
        let shards: Vec<usize> = attended.iter().map(|(shard, _)| *shard).chain([shard]).collect();
        // A sleep times out at once if a request is overdue, and never otherwise.
        let is_over = || self.scheduler.pool.is_overdue(self.queue_timeout());
        let sleeps = most.is_none_or(|most| !most.is_zero() && !is_over());
        // Each system call lets others continue. Otherwise a thread that searches for work would do so without end in an
        // order of few changes.
        #[cfg(shuttle)]
        thread::yield_now();
        let mut news = lock(&self.news);
        while sleeps && shards.iter().all(|shard| !news[*shard].is_woken && news[*shard].ready.is_empty()) {
            news = self.told.wait(news).expect("nobody panics");
        }
        let found: Vec<_> = shards.iter().map(|shard| (*shard, std::mem::take(&mut news[*shard]))).collect();
        drop(news);
        for (shard, mut news) in found {
            self.scheduler.shard(shard).extend(&mut news.ready);
            for connection in news.ready {
                self.end(connection);
            }
        }
        Ok(())
    }

    fn wanted(&self, _poller: &mut Poller) -> usize {
        let (look, count) = (self.looks.fetch_add(1, SeqCst), self.plan.drivers.len());
        self.plan.drivers[if self.plan.drivers_repeat { look % count } else { look.min(count - 1) }]
    }

    fn has_handled(&self, _shard: usize, _handlers: u64) {}

    fn wake(&self, shard: usize) {
        lock(&self.news)[shard].is_woken = true;
        self.told.notify_all();
    }

    fn hire(self: &Arc<Self>) -> io::Result<()> {
        if !self.plan.can_hire {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.spawn(threads::work);
        Ok(())
    }

    fn is_at_bound(&self, _error: Option<io::Error>) {}

    fn end(&self, connection: Connection) {
        self.given_back[connection.number].fetch_add(1, SeqCst);
    }

    /// Connections in the table are those that the poller would have reported.
    fn end_all(&self, _shard: usize, poller: &Poller) {
        let ready = std::mem::take(&mut lock(&self.news)[poller.0].ready);
        for connection in ready {
            self.end(connection);
        }
    }

    fn fail(&self, error: io::Error) {
        unreachable!("{error}");
    }

    fn has_lines(&self) -> bool {
        self.has_lines.load(Ordering::SeqCst)
    }

    fn log_may_wait(&self) -> bool {
        false
    }

    fn flush_log(&self) {
        self.has_lines.store(false, Ordering::SeqCst);
    }
}

/// The reserve; the watchdog below looks whenever it is its turn.
pub(super) fn reserve(house: &Arc<House>) {
    threads::reserve(house);
}

pub(super) fn watch(house: &Arc<House>) {
    threads::watch(house, thread::yield_now, |_| ());
}
