//! The connections of a server, and its end.

use std::collections::HashMap;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::Waker;

use super::listener::Stream;
use crate::handler::Stop;

/// The connections that are being served.
pub(super) struct Connections {
    open: Mutex<Open>,
    /// Signalled when a connection ends.
    ended: Condvar,
    stopping: AtomicBool,
    /// The time for what is still running is over.
    cut: AtomicBool,
    waker: Waker,
}

#[derive(Default)]
struct Open {
    streams: HashMap<u64, Entry>,
    next: u64,
}

struct Entry {
    stream: Arc<Stream>,
    idle: bool,
}

impl Connections {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            open: Mutex::default(),
            ended: Condvar::new(),
            stopping: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            waker,
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        // The waker fails only when the poller is gone, and then nobody waits.
        let _ = self.waker.wake();
    }

    pub(super) fn len(&self) -> usize {
        self.open().streams.len()
    }

    pub(super) fn add(self: &Arc<Self>, stream: Arc<Stream>) -> Registration {
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        open.streams.insert(id, Entry { stream, idle: false });
        Registration { connections: self.clone(), id }
    }

    /// Waits until all have ended, and cuts those that have not after `grace`.
    pub(super) fn finish(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        let open = self.wait_until(self.open(), deadline);
        self.cut.store(true, Ordering::SeqCst);
        for entry in open.streams.values() {
            // No FIN, which would make a reply that ends with the connection look whole.
            let _ = entry.stream.reset_on_close();
            let _ = entry.stream.shutdown(Shutdown::Read);
        }
        // A handler that is not waiting for its client does not notice; its thread ends when it returns.
        drop(self.wait_until(open, Instant::now() + Duration::from_millis(100)));
    }

    fn wait_until<'a>(&'a self, mut open: MutexGuard<'a, Open>, deadline: Instant) -> MutexGuard<'a, Open> {
        while !open.streams.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            open = self.ended.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        open
    }
}

impl Stop for Connections {
    fn stop(&self) {
        let open = self.open();
        self.stopping.store(true, Ordering::SeqCst);
        for entry in open.streams.values().filter(|entry| entry.idle) {
            // What the client has sent already can still be read, and is answered.
            let _ = entry.stream.shutdown(Shutdown::Read);
        }
        drop(open);
        self.wake();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// A connection's entry; taken out when dropped.
pub(super) struct Registration {
    connections: Arc<Connections>,
    id: u64,
}

impl Registration {
    /// Notes whether the connection waits for a request. When the server is stopping it waits no longer.
    pub(super) fn set_idle(&self, idle: bool) {
        let mut open = self.connections.open();
        let stopping = self.connections.is_stopping();
        if let Some(entry) = open.streams.get_mut(&self.id) {
            entry.idle = idle;
            if idle && stopping {
                let _ = entry.stream.shutdown(Shutdown::Read);
            }
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.connections.is_stopping()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.connections.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.open().streams.remove(&self.id);
        self.connections.ended.notify_all();
        // The server may be waiting for a place to be free.
        self.connections.wake();
    }
}
