//! The end of a server: told from anywhere, waited for by the one who serves.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::{Poll, Waker};

use super::poller::WAKER;
use crate::handler::Stop;

pub(super) struct Shutdown {
    waker: Waker,
    stopping: AtomicBool,
    /// Connections that are open.
    connections: AtomicUsize,
    progress: Mutex<Progress>,
    /// Signalled when `progress` or `connections` change.
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    listener_closed: bool,
    /// The server cannot go on.
    error: Option<io::Error>,
}

impl Shutdown {
    pub(super) fn new(poll: &Poll) -> io::Result<Self> {
        Ok(Self {
            waker: Waker::new(poll.registry(), WAKER)?,
            stopping: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            progress: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the one who polls.
    pub(super) fn wake_poller(&self) {
        // It fails only where the poller is gone, and then nobody sleeps.
        let _ = self.waker.wake();
    }

    pub(super) fn set_connections(&self, count: usize) {
        if self.connections.swap(count, Ordering::SeqCst) != count && self.is_stopping() {
            drop(self.progress());
            self.changed.notify_all();
        }
    }

    pub(super) fn listener_closed(&self) {
        self.progress().listener_closed = true;
        self.changed.notify_all();
    }

    /// Ends the server with an error.
    pub(super) fn fail(&self, error: io::Error) {
        self.progress().error = Some(error);
        self.stop();
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.progress().error.take()
    }

    /// Waits until the server is told to stop.
    pub(super) fn wait_for_stop(&self) {
        let mut progress = self.progress();
        while !self.is_stopping() {
            progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the listener is closed and all connections are over. False if that takes longer than `deadline`.
    pub(super) fn wait_for_end(&self, deadline: Instant) -> bool {
        let mut progress = self.progress();
        loop {
            let over = progress.listener_closed && self.connections.load(Ordering::SeqCst) == 0;
            if over || progress.error.is_some() {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            progress = self.changed.wait_timeout(progress, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Stop for Shutdown {
    fn stop(&self) {
        let progress = self.progress();
        self.stopping.store(true, Ordering::SeqCst);
        drop(progress);
        self.changed.notify_all();
        self.wake_poller();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
