//! A thread of a server, as the watchdog and the handlers that run on it see it.

use std::cell::RefCell;

use super::pool::Lane;
use super::predictor::Kind;
use super::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, lock};
use crate::handler::connection_io::SharedIo;

/// Whether a thread drives, and whether it is in user code.
pub(super) struct Worker {
    /// [`PERMIT`] and the epoch, which is odd while user code runs. They are one word, so that the watchdog takes the permit
    /// from the very piece of code that it has seen, or not at all.
    state: AtomicU64,
    /// The state at the watchdog's last look.
    seen: AtomicU64,
    /// It has waited for its own client, which says nothing about the handler.
    waited_for_client: AtomicBool,
    /// The watchdog has taken its permit from the running code.
    caught: AtomicBool,
    /// The pool's lane that its request came from, while it counts there.
    lane: Mutex<Option<Lane>>,
    /// The shard that it drives.
    shard: AtomicUsize,
    /// The kind of request whose handler runs, see [`Kind::words`].
    kind: [AtomicU64; 2],
    /// The connection whose responses are buffered and wait for the running code to return.
    buffered: Mutex<Option<SharedIo>>,
}

/// The thread may drive. It loses the permit when it is about to wait, or when the watchdog finds it blocked.
const PERMIT: u64 = 1;
/// One step of the epoch.
const EPOCH: u64 = 2;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Worker>>> = const { RefCell::new(None) };
}

/// Restores the thread's previous worker.
pub(super) struct Installed {
    before: Option<Arc<Worker>>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

impl Worker {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            waited_for_client: AtomicBool::new(false),
            caught: AtomicBool::new(false),
            lane: Mutex::new(None),
            shard: AtomicUsize::new(0),
            kind: [AtomicU64::new(0), AtomicU64::new(0)],
            buffered: Mutex::new(None),
        }
    }

    /// Makes this the worker of the current thread, as long as the returned value lives.
    pub(super) fn install(self: &Arc<Self>) -> Installed {
        Installed { before: CURRENT.replace(Some(self.clone())) }
    }

    /// The worker of the current thread, which is about to wait for its client.
    pub(super) fn about_to_wait() -> Option<Arc<Self>> {
        let worker = CURRENT.with(|current| current.borrow().clone())?;
        worker.waited_for_client.store(true, Ordering::Relaxed);
        Some(worker)
    }

    pub(super) fn grant_permit(&self) {
        self.state.fetch_or(PERMIT, Ordering::SeqCst);
    }

    pub(super) fn has_permit(&self) -> bool {
        self.state.load(Ordering::Acquire) & PERMIT != 0
    }

    /// Lays the permit down. True if it had one.
    pub(super) fn lose_permit(&self) -> bool {
        self.state.fetch_and(!PERMIT, Ordering::SeqCst) & PERMIT != 0
    }

    /// The thread begins code for which it matters whether it waits for its client.
    pub(super) fn forget_wait(&self) {
        self.waited_for_client.store(false, Ordering::Relaxed);
        self.caught.store(false, Ordering::Relaxed);
    }

    /// Whether the watchdog has found it in the code that has run since [`forget_wait`](Self::forget_wait).
    pub(super) fn was_caught(&self) -> bool {
        self.caught.load(Ordering::Relaxed)
    }

    /// The shard that it drives, or drove last.
    pub(super) fn shard(&self) -> usize {
        self.shard.load(Ordering::Relaxed)
    }

    pub(super) fn set_shard(&self, shard: usize) {
        self.shard.store(shard, Ordering::Relaxed);
    }

    /// Set before the handler begins, and cleared when it has returned.
    pub(super) fn set_kind(&self, kind: Option<Kind>) {
        for (place, word) in self.kind.iter().zip(Kind::words(kind)) {
            place.store(word, Ordering::Relaxed);
        }
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        Kind::of_words(self.kind.each_ref().map(|word| word.load(Ordering::Relaxed)))
    }

    pub(super) fn set_lane(&self, lane: Lane) {
        *lock(&self.lane) = Some(lane);
    }

    /// It no longer counts in that lane.
    pub(super) fn take_lane(&self) -> Option<Lane> {
        lock(&self.lane).take()
    }

    pub(super) fn has_waited_for_client(&self) -> bool {
        self.waited_for_client.load(Ordering::Relaxed)
    }

    /// User code begins; see [`Watchdog::enter`](super::watchdog::Watchdog::enter).
    pub(super) fn enter(&self) {
        self.state.fetch_add(EPOCH, Ordering::SeqCst);
    }

    /// User code has returned.
    pub(super) fn leave(&self) {
        self.state.fetch_add(EPOCH, Ordering::SeqCst);
    }

    /// As [`leave`](Self::leave), if user code is recorded as running.
    pub(super) fn abandon(&self) {
        if self.state.load(Ordering::SeqCst) & EPOCH != 0 {
            self.leave();
        }
    }

    /// Sets the connection whose buffered responses wait for the code that is about to run, or clears it.
    pub(super) fn set_buffered(&self, io: Option<SharedIo>) {
        *lock(&self.buffered) = io;
    }

    /// Sends the buffered responses.
    pub(super) fn send_gathered(&self) {
        let io = lock(&self.buffered).take();
        if let Some(io) = io {
            io.try_send();
        }
    }

    /// Whether the watchdog has to look at it: it drives, and is in user code.
    pub(super) fn is_watched(&self) -> bool {
        is_watched(self.state.load(Ordering::SeqCst))
    }

    /// For the watchdog, once a tick. True if the thread has been in one piece of user code since the last look, and has now
    /// lost its permit.
    pub(super) fn lose_if_stuck(&self) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        if self.seen.swap(state, Ordering::Relaxed) != state || !is_watched(state) {
            return false;
        }
        // Set first: the code may return at any moment, and what it learns then must be about this run.
        self.caught.store(true, Ordering::SeqCst);
        let lost = self.state.compare_exchange(state, state & !PERMIT, Ordering::SeqCst, Ordering::SeqCst);
        if lost.is_err() {
            self.caught.store(false, Ordering::SeqCst);
        }
        lost.is_ok()
    }

    /// For the watchdog: whether there is something to watch, or was since the last look.
    pub(super) fn is_active(&self) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        is_watched(state) || (state & PERMIT != 0 && self.seen.load(Ordering::Relaxed) != state)
    }
}

fn is_watched(state: u64) -> bool {
    state & PERMIT != 0 && state & EPOCH != 0
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_takes_a_permit_only_from_the_code_that_it_has_seen_twice() {
        let worker = Worker::new();
        worker.grant_permit();
        assert!(!worker.lose_if_stuck() && !worker.lose_if_stuck(), "it is not in code of the user");
        worker.state.fetch_add(EPOCH, Ordering::SeqCst);
        assert!(!worker.lose_if_stuck());
        worker.leave();
        worker.state.fetch_add(EPOCH, Ordering::SeqCst);
        assert!(!worker.lose_if_stuck(), "that is another piece of code");
        assert!(worker.lose_if_stuck());
        assert!(!worker.has_permit() && !worker.lose_if_stuck() && !worker.is_watched());
    }

    #[test]
    fn a_permit_is_granted_and_lost_once() {
        let worker = Worker::new();
        assert!(!worker.has_permit() && !worker.lose_permit());
        worker.grant_permit();
        worker.grant_permit();
        assert!(worker.has_permit());
        worker.enter();
        assert!(worker.has_permit() && worker.is_watched());
        assert!(worker.lose_permit() && !worker.lose_permit());
        assert!(!worker.has_permit() && !worker.is_watched());
        worker.grant_permit();
        assert!(worker.is_watched(), "it is still in the code of the user");
        worker.leave();
        assert!(worker.has_permit() && !worker.is_watched());
    }

    #[test]
    fn code_that_was_abandoned_has_returned() {
        let worker = Worker::new();
        worker.grant_permit();
        worker.abandon();
        assert!(!worker.is_watched(), "there was none");
        worker.enter();
        worker.abandon();
        assert!(worker.has_permit() && !worker.is_watched());
    }

    #[test]
    fn a_thread_is_active_while_it_drives_and_something_happens() {
        let worker = Worker::new();
        worker.enter();
        assert!(!worker.is_active(), "it does not drive");
        worker.grant_permit();
        assert!(worker.is_active(), "it is in code of the user");
        worker.leave();
        assert!(worker.is_active(), "it has been since the last look");
        assert!(!worker.lose_if_stuck());
        assert!(!worker.is_active());
        worker.enter();
        assert!(!worker.lose_if_stuck());
        assert!(worker.is_active(), "it is still in that code");
        assert!(worker.lose_if_stuck() && !worker.is_active());
    }

    #[test]
    fn what_was_seen_of_the_code_is_known_until_the_next_begins() {
        let worker = Arc::new(Worker::new());
        assert!(!worker.was_caught() && !worker.has_waited_for_client());
        worker.grant_permit();
        worker.enter();
        assert!(!worker.lose_if_stuck() && !worker.was_caught());
        assert!(worker.lose_if_stuck() && worker.was_caught());
        let installed = worker.install();
        assert!(Worker::about_to_wait().is_some_and(|current| Arc::ptr_eq(&current, &worker)));
        assert!(worker.has_waited_for_client());
        worker.forget_wait();
        assert!(!worker.was_caught() && !worker.has_waited_for_client());
        let other = Arc::new(Worker::new());
        let nested = other.install();
        assert!(Worker::about_to_wait().is_some_and(|current| Arc::ptr_eq(&current, &other)));
        drop(nested);
        assert!(!worker.has_waited_for_client());
        assert!(Worker::about_to_wait().is_some_and(|current| Arc::ptr_eq(&current, &worker)));
        drop(installed);
        assert!(Worker::about_to_wait().is_none());
    }

    #[test]
    fn a_worker_keeps_what_it_was_told() {
        let worker = Worker::new();
        assert_eq!((worker.shard(), worker.kind(), worker.take_lane()), (0, None, None));
        worker.set_shard(3);
        let kind = crate::server::predictor::Predictor::new().kind("GET", "/a/b");
        worker.set_kind(Some(kind));
        worker.set_lane(Lane::Computes);
        assert_eq!((worker.shard(), worker.kind()), (3, Some(kind)));
        assert_eq!((worker.take_lane(), worker.take_lane()), (Some(Lane::Computes), None));
        worker.set_kind(None);
        assert_eq!(worker.kind(), None);
    }
}
