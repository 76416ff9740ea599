//! Queues between the holders of connections.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::table::Connection;

/// The connections that are ready for a turn.
#[derive(Default)]
pub(super) struct Ready {
    queue: Mutex<VecDeque<Connection>>,
    /// Its length, for a look without the lock.
    len: AtomicUsize,
}

impl Ready {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Connection>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len.load(Ordering::SeqCst) == 0
    }

    pub(super) fn push(&self, connection: Connection) {
        let mut queue = self.queue();
        queue.push_back(connection);
        self.len.store(queue.len(), Ordering::SeqCst);
    }

    pub(super) fn extend(&self, connections: Vec<Connection>) {
        if connections.is_empty() {
            return;
        }
        let mut queue = self.queue();
        queue.extend(connections);
        self.len.store(queue.len(), Ordering::SeqCst);
    }

    pub(super) fn pop(&self) -> Option<Connection> {
        if self.is_empty() {
            return None;
        }
        let mut queue = self.queue();
        let connection = queue.pop_front();
        self.len.store(queue.len(), Ordering::SeqCst);
        connection
    }
}

/// Things left for another thread to find.
pub(super) struct Inbox<T> {
    things: Mutex<Vec<T>>,
    is_empty: std::sync::atomic::AtomicBool,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self { things: Mutex::default(), is_empty: true.into() }
    }
}

impl<T> Inbox<T> {
    pub(super) fn push(&self, thing: T) {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        things.push(thing);
        self.is_empty.store(false, Ordering::SeqCst);
    }

    pub(super) fn take(&self) -> Vec<T> {
        if self.is_empty.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_empty.store(true, Ordering::SeqCst);
        std::mem::take(&mut *things)
    }
}
