//! The shutdown of a server: requested from any thread, awaited by the thread that serves, with an account of the
//! connections.

use std::io;
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::end::End;
use super::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError};
use crate::handler::connection_io::LONGEST;
use crate::handler::{RouteTable, ShutdownReport, Stats};

pub(super) struct Shutdown {
    stopping: AtomicBool,
    /// No client is expected to send another request.
    is_deserted: AtomicBool,
    /// The grace period is over.
    cutting: AtomicBool,
    /// How long handlers may still run, unless the caller of the shutdown says.
    grace: Duration,
    progress: Mutex<Progress>,
    /// The counters of each shard. They are kept here, where handles can reach them.
    counters: Box<[Counters]>,
    /// For the counts by route.
    routes: Vec<&'static RouteTable>,
    /// Notified when `progress` changes, once the server is stopping.
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    /// A thread is in `serve_forever`. Then only that thread makes the report, and it is not given out before it is
    /// published.
    serving: bool,
    listener_closed: bool,
    /// The number of shards whose connections are cut.
    cut: usize,
    /// The server cannot continue.
    error: Option<io::Error>,
    /// The shortest grace period that was asked for, and when it ends.
    grace: Option<Duration>,
    deadline: Option<Instant>,
    /// The number of open connections.
    connections: usize,
    /// How connections have ended since the server began to stop.
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

    /// The counters of a shard.
    pub(super) fn counters(&self, shard: usize) -> &Counters {
        let [first, ..] = &*self.counters else { unreachable!("a server has a shard") };
        self.counters.get(shard).unwrap_or(first)
    }

    /// Counts an accepted connection. `None` if `most` are open already, otherwise how many were open before it.
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

    /// Counts one without a limit.
    #[cfg(all(test, any(loom, shuttle)))]
    pub(super) fn opened(&self) {
        self.open(usize::MAX);
    }

    /// A connection is closed without being served.
    pub(super) fn turned_away(&self) {
        self.counters(0).refused.add(1);
        self.counters(0).ended.add(1);
        let mut progress = self.progress();
        progress.connections = progress.connections.saturating_sub(1);
        drop(progress);
        self.changed.notify_all();
    }

    /// A connection has ended, and is dropped.
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

    /// Ends the server with an error. The caller must then wake the threads that poll.
    pub(super) fn fail(&self, error: io::Error) {
        self.progress().error = Some(error);
        self.stop(None);
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.progress().error.take()
    }

    /// A thread begins to serve. If the server was told to stop before, the grace period starts now. False if the server has
    /// already ended.
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

    /// Waits until the listener is closed and all connections have ended, at most until `more` from now or the end of the
    /// grace period, whichever is later. False if that takes longer.
    pub(super) fn wait_for_end(&self, more: Duration) -> bool {
        let now = Instant::now();
        let mut progress = self.progress();
        loop {
            if progress.error.is_some() || (progress.listener_closed && progress.connections == 0) {
                return true;
            }
            // The grace period may become shorter meanwhile.
            let deadline = progress.deadline.unwrap_or(now).max(now + more).min(now + LONGEST);
            if deadline <= Instant::now() {
                return false;
            }
            progress = self.wait_on(progress, Some(deadline));
        }
    }

    /// Makes the threads that poll cut all connections.
    pub(super) fn cut(&self) {
        self.cutting.store(true, Ordering::SeqCst);
    }

    /// Waits until they have done so, for a second at most.
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

    /// Makes the report, if there is none: connections that are open now count as cut.
    pub(super) fn close_account(&self) -> ShutdownReport {
        make_report(&mut self.progress())
    }

    /// Gives the report to the threads that wait for it. The program may then end, so this is the last step.
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
    /// Makes the server stop. The caller must then wake the threads that poll.
    pub(super) fn stop(&self, grace: Option<Duration>) {
        let mut progress = self.progress();
        // A caller that names no grace period does not change one that was asked for.
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

    /// Whether clients that are about to send a request are waited for, within the grace period.
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
            // Without a serving thread, this thread has to notice the end of the grace period.
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
