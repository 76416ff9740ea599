//! The table of connections by their tokens.

use mio::Token;

use super::end::End;
use super::listener::Stream;
use super::sync::{
    Arc, AtomicBool, AtomicU8, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, Weak, lock,
};
use super::time::NEVER;
use super::token::{INDEX_BITS, MAX_CONNECTIONS, NOTICE};
use super::turn::AnyConnection;
use crate::handler::Address;

/// A connection's place in the table. The connection itself is owned by one thread at a time; it is here only while it
/// waits.
pub(super) struct Place {
    /// The shard that it belongs to.
    pub(super) shard: usize,
    pub(super) token: Token,
    stream: Weak<Stream>,
    /// The place of the connection with which this socket is joined: an event here is a notice there.
    near: Option<Weak<Self>>,
    /// The hints that the poller has set and no thread has followed up.
    ready: AtomicU8,
    /// The deadline of what the connection waits for, in milliseconds of the engine's clock.
    pub(super) deadline: AtomicU64,
    /// When the poller next looks at the deadline.
    scheduled: AtomicU64,
    /// The server has ended it.
    cut: AtomicBool,
    seat: Mutex<Seat>,
    /// Notified when a thread that waits for the client may continue.
    changed: Condvar,
}

/// The waiting connection, and the threads that wait.
#[derive(Default)]
pub(super) struct Seat {
    /// The connection, while no thread has it.
    connection: Option<Connection>,
    /// The hints that it waits for.
    wants: u8,
    /// The number of threads that wait for an event: one inside a handler, others with handles.
    waiting: usize,
}

/// A connection on its way between table, queue, driver and pool.
pub(super) struct Connection {
    pub(super) place: Arc<Place>,
    pub(super) inner: Box<dyn AnyConnection + Send>,
    /// The poller has found that its deadline has passed.
    pub(super) expired: bool,
    /// The client's address, as long as `verify_request` has not been asked about it.
    pub(super) newcomer: Option<Box<Address>>,
    /// One turn of its handshake computed for long, so the other turns teach the predictor nothing.
    pub(super) has_signed: bool,
}

impl Connection {
    /// How it ends, if it ends now.
    pub(super) fn end(&self) -> End {
        if self.inner.is_idle() {
            End::Idle
        } else if self.place.is_cut() && !self.inner.is_answered() {
            End::Cut
        } else {
            End::Finished
        }
    }
}

impl Place {
    fn new(shard: usize, token: Token, stream: Weak<Stream>, near: Option<Weak<Self>>) -> Self {
        Self {
            shard,
            token,
            stream,
            near,
            ready: AtomicU8::new(0),
            deadline: AtomicU64::new(NEVER),
            scheduled: AtomicU64::new(NEVER),
            cut: AtomicBool::new(false),
            seat: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn seat(&self) -> MutexGuard<'_, Seat> {
        lock(&self.seat)
    }

    /// Clears a hint before the attempt that may prove it wrong: events that the poller sees from now on come after the
    /// attempt.
    pub(super) fn clear(&self, hint: u8) -> u8 {
        self.ready.fetch_and(!hint, Ordering::SeqCst)
    }

    /// Sets hints that the poller has seen. Returns the connection, if it was waiting for one of them.
    pub(super) fn wake(&self, hints: u8) -> Option<Connection> {
        self.ready.fetch_or(hints, Ordering::SeqCst);
        if let Some(near) = &self.near {
            return near.upgrade()?.wake(NOTICE);
        }
        let mut seat = self.seat();
        if seat.waiting > 0 {
            self.changed.notify_all();
        }
        // A client that keeps sending must not keep alive a response that it does not take.
        if seat.wants & hints != 0 { seat.connection.take() } else { None }
    }

    /// Sets a hint for the thread that has the connection.
    pub(super) fn hint(&self, hint: u8) {
        self.ready.fetch_or(hint, Ordering::SeqCst);
    }

    /// Makes waiting threads look again, but not the connection.
    pub(super) fn wake_waiting(&self, hints: u8) {
        self.hint(hints);
        if self.seat().waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Parks the connection until an event. Returns it if one has occurred meanwhile.
    pub(super) fn park(&self, connection: Connection, hint: u8) -> Option<Connection> {
        let mut seat = self.seat();
        if self.has(hint) || self.is_cut() {
            return Some(connection);
        }
        seat.connection = Some(connection);
        seat.wants = hint;
        None
    }

    /// Records that the poller has to look at the deadline at `time`. True if it would have looked only later.
    pub(super) fn schedule(&self, time: u64) -> bool {
        self.scheduled.fetch_min(time, Ordering::SeqCst) > time
    }

    /// Records that the poller looks now. False if an earlier time was scheduled meanwhile.
    pub(super) fn unschedule(&self, time: u64) -> bool {
        self.scheduled.compare_exchange(time, NEVER, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether the poller has to look at the deadline at `time`.
    pub(super) fn is_scheduled(&self, time: u64) -> bool {
        self.scheduled.load(Ordering::SeqCst) == time
    }

    /// Takes the connection if it waits here.
    pub(super) fn take(&self) -> Option<Connection> {
        self.seat().connection.take()
    }

    /// Whether one of the hints is set.
    pub(super) fn has(&self, hints: u8) -> bool {
        self.ready.load(Ordering::SeqCst) & hints != 0
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    /// Ends the connection, whichever thread has it.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let seat = self.seat();
        // A reset would destroy a response that the system has and the client has not read yet.
        let is_idle = seat.connection.as_ref().is_some_and(|connection| connection.inner.is_idle());
        if !is_idle && let Some(stream) = self.stream.upgrade() {
            stream.cut();
        }
        if seat.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Blocks the thread until `hint` is set, `cut` is called, or `timeout` expires. False for the last.
    pub(super) fn wait(&self, hint: u8, timeout: std::time::Duration) -> bool {
        let deadline = std::time::Instant::now() + timeout;
        let mut seat = self.seat();
        seat.waiting += 1;
        while !self.has(hint) && !self.is_cut() {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                seat.waiting -= 1;
                return false;
            }
            seat = self.changed.wait_timeout(seat, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        seat.waiting -= 1;
        true
    }
}

/// The places. An entry stays reserved while its connection is out. Its token contains the generation of the entry, so that
/// a late event cannot reach the next connection.
pub(super) struct Table {
    shard: usize,
    entries: Vec<Entry>,
    free: Vec<usize>,
}

#[derive(Default)]
struct Entry {
    generation: usize,
    place: Option<Arc<Place>>,
}

impl Table {
    pub(super) fn new(shard: usize) -> Self {
        Self { shard, entries: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// The token that the next connection will get.
    pub(super) fn next_token(&self) -> Token {
        let index = self.free.last().copied().unwrap_or(self.entries.len());
        let generation = self.entries.get(index).map_or(0, |entry| entry.generation);
        Token((generation << INDEX_BITS) | index)
    }

    /// Whether there is a token for another connection.
    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty() || self.entries.len() < MAX_CONNECTIONS
    }

    pub(super) fn insert(&mut self, stream: Weak<Stream>) -> Arc<Place> {
        self.insert_beside(stream, None)
    }

    /// Adds a place for a socket that is joined with the connection of another place.
    pub(super) fn insert_beside(&mut self, stream: Weak<Stream>, near: Option<Weak<Place>>) -> Arc<Place> {
        let token = self.next_token();
        if self.free.pop().is_none() {
            self.entries.push(Entry::default());
        }
        let entry = &mut self.entries[index_of(token)];
        let place = Arc::new(Place::new(self.shard, token, stream, near));
        entry.place = Some(place.clone());
        place
    }

    pub(super) fn get(&self, token: Token) -> Option<&Arc<Place>> {
        let place = self.entries.get(index_of(token))?.place.as_ref()?;
        (place.token == token).then_some(place)
    }

    pub(super) fn remove(&mut self, token: Token) {
        if self.get(token).is_some() {
            let index = index_of(token);
            let entry = &mut self.entries[index];
            entry.place = None;
            // A quarter of the token's range is reserved for the poller's own tokens.
            entry.generation = (entry.generation + 1) & (usize::MAX >> (INDEX_BITS + 2));
            self.free.push(index);
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.entries.iter().filter_map(|entry| entry.place.as_ref())
    }
}

fn index_of(token: Token) -> usize {
    token.0 & ((1 << INDEX_BITS) - 1)
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_late_event_does_not_reach_the_next_connection() {
        let mut table = Table::new(0);
        let first = table.insert(Weak::new()).token;
        table.remove(first);
        table.remove(first);
        let second = table.insert(Weak::new()).token;
        assert_ne!(first, second);
        assert!(table.get(first).is_none());
        assert!(table.get(second).is_some());
        assert_eq!(table.len(), 1);
    }
}
