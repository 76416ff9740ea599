//! The end of a server: told from anywhere, waited for by the one who serves, and the account of its connections.

use std::io;
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::end::End;
use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError};
use crate::handler::connection_io::LONGEST;
use crate::handler::{RouteTable, ShutdownReport, Stats};

pub(super) struct Shutdown {
    stopping: AtomicBool,
    /// No client is about to send a request.
    is_deserted: AtomicBool,
    /// The grace is over.
    cutting: AtomicBool,
    /// How long running handlers may go on, where the one who shuts down does not say.
    grace: Duration,
    progress: Mutex<Progress>,
    /// Here, where the handles find them: those of each shard.
    counters: Box<[Counters]>,
    /// What is counted by route.
    routes: Vec<&'static RouteTable>,
    /// Signalled when `progress` changes, once the server is stopping.
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    /// Somebody is in `serve_forever`, and nobody else makes the report or gets it.
    serving: bool,
    listener_closed: bool,
    /// Shards whose connections are cut.
    cut: usize,
    /// The server cannot go on.
    error: Option<io::Error>,
    /// The shortest grace that was asked for, and when it is over.
    grace: Option<Duration>,
    deadline: Option<Instant>,
    /// Connections that are open.
    connections: usize,
    /// Those that have ended since the server is stopping.
    ended: ShutdownReport,
    report: Option<ShutdownReport>,
}

impl Shutdown {
    pub(super) fn new(shards: usize, grace: Duration, routes: Vec<&'static RouteTable>) -> Self {
        let rows = routes.iter().map(|table| table.rows.len()).sum();
        Self {
            stopping: AtomicBool::new(false),
            is_deserted: AtomicBool::new(false),
            cutting: AtomicBool::new(false),
            grace,
            progress: Mutex::default(),
            counters: (0..shards).map(|_| Counters::new(rows)).collect(),
            routes,
            changed: Condvar::new(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, until `deadline` at the latest.
    fn wait_on<'a>(
        &self,
        progress: MutexGuard<'a, Progress>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, Progress> {
        match deadline {
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.changed.wait_timeout(progress, left).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// What is counted in a shard.
    pub(super) fn counters(&self, shard: usize) -> &Counters {
        let [first, ..] = &*self.counters else { unreachable!("a server has a shard") };
        self.counters.get(shard).unwrap_or(first)
    }

    /// A connection was taken. None if there are `most` already, and how many there were before it if not.
    pub(super) fn open(&self, most: usize) -> Option<usize> {
        let mut progress = self.progress();
        let before = progress.connections;
        if before >= most {
            return None;
        }
        progress.connections += 1;
        drop(progress);
        self.counters(0).accepted.add(1);
        Some(before)
    }

    /// One was taken, as there may be any number.
    #[cfg(all(test, any(loom, shuttle)))]
    pub(super) fn opened(&self) {
        self.open(usize::MAX);
    }

    /// A connection is closed that nobody has served.
    pub(super) fn turned_away(&self) {
        self.counters(0).refused.add(1);
        self.counters(0).ended.add(1);
        let mut progress = self.progress();
        progress.connections = progress.connections.saturating_sub(1);
        drop(progress);
        self.changed.notify_all();
    }

    /// A connection is over, and dropped.
    pub(super) fn ended(&self, end: End) {
        self.counters(0).ended.add(1);
        let mut progress = self.progress();
        progress.connections = progress.connections.saturating_sub(1);
        if self.is_stopping() {
            match end {
                End::Finished => progress.ended.finished += 1,
                End::Idle => progress.ended.closed_idle += 1,
                End::Cut => progress.ended.cut += 1,
            }
            drop(progress);
            self.changed.notify_all();
        }
    }

    pub(super) fn listener_closed(&self) {
        self.progress().listener_closed = true;
        self.changed.notify_all();
    }

    /// Ends the server with an error. Those who poll have to be woken after that.
    pub(super) fn fail(&self, error: io::Error) {
        self.progress().error = Some(error);
        self.stop(None);
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.progress().error.take()
    }

    /// Somebody begins to serve. The grace of a server that was told to stop before is counted from now on. False if the
    /// server has ended already.
    pub(super) fn begin(&self) -> bool {
        let mut progress = self.progress();
        if progress.report.is_some() {
            return false;
        }
        progress.serving = true;
        progress.deadline = progress.grace.map(|grace| Instant::now() + grace);
        true
    }

    /// Waits until the server is told to stop.
    pub(super) fn wait_for_stop(&self) {
        let mut progress = self.progress();
        while !self.is_stopping() {
            progress = self.wait_on(progress, None);
        }
    }

    /// Waits until the listener is closed and all connections are over, for `more` beyond the grace. False if that takes
    /// longer.
    pub(super) fn wait_for_end(&self, more: Duration) -> bool {
        let now = Instant::now();
        let mut progress = self.progress();
        loop {
            if progress.error.is_some() || (progress.listener_closed && progress.connections == 0) {
                return true;
            }
            // The grace may become shorter meanwhile.
            let deadline = progress.deadline.unwrap_or(now).max(now + more).min(now + LONGEST);
            if deadline <= Instant::now() {
                return false;
            }
            progress = self.wait_on(progress, Some(deadline));
        }
    }

    /// Has those who poll cut all connections.
    pub(super) fn cut(&self) {
        self.cutting.store(true, Ordering::SeqCst);
    }

    /// Waits until they have, though not for ever.
    pub(super) fn wait_for_cut(&self) {
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut progress = self.progress();
        while progress.cut < self.counters.len() && progress.error.is_none() && Instant::now() < deadline {
            progress = self.wait_on(progress, Some(deadline));
        }
    }

    pub(super) fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::SeqCst)
    }

    /// All connections of one more shard are cut.
    pub(super) fn shard_is_cut(&self) {
        self.progress().cut += 1;
        self.changed.notify_all();
    }

    /// Makes the report, if there is none: what is open now counts as cut.
    pub(super) fn close_account(&self) -> ShutdownReport {
        make_report(&mut self.progress())
    }

    /// Gives the report to those who wait for it. A program may end then, so there is nothing left to do.
    pub(super) fn publish(&self) {
        self.progress().serving = false;
        self.changed.notify_all();
    }
}

impl Progress {
    fn published(&self) -> Option<ShutdownReport> {
        self.report.filter(|_| !self.serving)
    }
}

fn make_report(progress: &mut Progress) -> ShutdownReport {
    let mut report = progress.ended;
    report.cut += progress.connections;
    *progress.report.get_or_insert(report)
}

impl Shutdown {
    /// Says that the server is to stop. Those who poll have to be woken after that.
    pub(super) fn stop(&self, grace: Option<Duration>) {
        let mut progress = self.progress();
        // Who does not say takes nothing from one who did.
        let asked = grace.or(progress.grace).unwrap_or(self.grace).min(LONGEST);
        let deadline = Instant::now() + asked;
        progress.grace = Some(progress.grace.map_or(asked, |grace| grace.min(asked)));
        progress.deadline = Some(progress.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self.stopping.store(true, Ordering::SeqCst);
        drop(progress);
        self.changed.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(super) fn expect_no_requests(&self) {
        self.is_deserted.store(true, Ordering::SeqCst);
    }

    /// Whether clients that are about to send a request are waited for, as far as the grace goes.
    pub(super) fn expects_requests(&self) -> bool {
        !self.is_deserted.load(Ordering::SeqCst)
    }

    /// Waits for the report.
    pub(super) fn wait(&self) -> ShutdownReport {
        let mut progress = self.progress();
        loop {
            if let Some(report) = progress.published() {
                return report;
            }
            // Nobody else would notice that the grace is over.
            let deadline = progress.deadline.filter(|_| !progress.serving);
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return make_report(&mut progress);
            }
            progress = self.wait_on(progress, deadline);
        }
    }

    pub(super) fn report(&self) -> Option<ShutdownReport> {
        self.progress().published()
    }

    pub(super) fn stats(&self) -> Stats {
        Counters::stats(&self.counters, &self.routes)
    }
}
