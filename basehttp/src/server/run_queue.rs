//! What the drivers of a shard share, and how they come and go: the queue of connections that are ready for a turn, the
//! poller in its slot, the permits.
//!
//! A thread that puts a connection into the queue looks at the slot afterwards, and wakes the poller if it is out. A thread
//! that takes the poller looks at the queue afterwards. So one of the two sees the other, and no connection is forgotten.

use std::collections::VecDeque;

use super::sync::{AtomicBool, AtomicUsize, Mutex, Ordering, lock};

/// `C` is a connection, `P` the poller; models use simpler types. It has cache lines of its own, since its neighbours are
/// other shards' queues.
#[repr(align(128))]
pub(super) struct RunQueue<C, P> {
    ready: Mutex<Ready<C>>,
    /// The length of the queue, to check it without the lock.
    waiting: AtomicUsize,
    /// The poller, unless a thread polls.
    slot: Mutex<Option<Box<P>>>,
    /// Permits in use: drivers hold them, or they are on their way to one.
    in_use: AtomicUsize,
    /// How many drivers are wanted.
    wanted: AtomicUsize,
    /// A hint: the driver sleeps in the poller, and has not been woken to help others yet.
    asleep: AtomicBool,
    /// The server has ended. Set under the queue's lock, so that nothing enters after the queue was emptied.
    closed: AtomicBool,
}

/// Connections that are ready for a turn, in two queues: those that the poller has just reported, and behind them those that
/// have had a turn and have more to do, such as the next of several pipelined requests. Every fourth turn goes to the
/// latter, so that they make progress as well.
struct Ready<C> {
    fresh: VecDeque<C>,
    tired: VecDeque<C>,
    popped: u32,
}

/// One in this many turns is for a connection that has just had one.
const TIRED: u32 = 4;

/// How many connections another shard takes at a time at most.
const BATCH: usize = 16;

impl<C> Ready<C> {
    const fn new() -> Self {
        Self { fresh: VecDeque::new(), tired: VecDeque::new(), popped: 0 }
    }

    fn len(&self) -> usize {
        self.fresh.len() + self.tired.len()
    }

    fn pop(&mut self) -> Option<C> {
        self.popped = self.popped.wrapping_add(1);
        let first = if self.popped.is_multiple_of(TIRED) { self.tired.pop_front() } else { None };
        first.or_else(|| self.fresh.pop_front()).or_else(|| self.tired.pop_front())
    }

    fn drain(&mut self) -> impl Iterator<Item = C> {
        self.fresh.drain(..).chain(self.tired.drain(..))
    }
}

/// What a driver does next.
pub(super) enum Next<C, P> {
    /// Give this connection its turn.
    Turn(C),
    /// Poll.
    Poll(Box<P>),
    /// Leave: others do all there is to do, and its permit is gone.
    Leave,
}

impl<C, P> RunQueue<C, P> {
    pub(super) fn new(poller: Box<P>, wanted: usize) -> Self {
        Self {
            ready: Mutex::new(Ready::new()),
            waiting: AtomicUsize::new(0),
            slot: Mutex::new(Some(poller)),
            in_use: AtomicUsize::new(0),
            wanted: AtomicUsize::new(wanted),
            asleep: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// How many connections wait for a turn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// For the thread that has taken the poller: whether it may wait for events. A thread that later puts something into the
    /// queue, or ends the server, wakes it. If the server was ended earlier, the wake-up may have gone to the thread that
    /// had the poller then.
    pub(super) fn may_sleep(&self) -> bool {
        self.waiting() == 0 && !self.is_closed()
    }

    /// Puts a connection that has had a turn into the queue. True if the poller must be woken, so that a thread sees the
    /// connection. The connection is returned if no thread would take it any more.
    pub(super) fn put(&self, connection: C) -> Result<bool, C> {
        {
            let mut ready = lock(&self.ready);
            if self.is_closed() {
                return Err(connection);
            }
            ready.tired.push_back(connection);
            self.waiting.store(ready.len(), Ordering::Release);
        }
        Ok(lock(&self.slot).is_none())
    }

    /// For the thread that polls: puts ready connections into the queue. After the end they stay in `connections`.
    pub(super) fn extend(&self, connections: &mut Vec<C>) {
        if connections.is_empty() {
            return;
        }
        let mut ready = lock(&self.ready);
        if !self.is_closed() {
            ready.fresh.extend(connections.drain(..));
            self.waiting.store(ready.len(), Ordering::Release);
        }
    }

    pub(super) fn pop(&self) -> Option<C> {
        if self.waiting() == 0 {
            return None;
        }
        let mut ready = lock(&self.ready);
        let connection = ready.pop();
        self.waiting.store(ready.len(), Ordering::Release);
        connection
    }

    /// For the driver of another shard: takes half of what waits, if that is `least` or more.
    pub(super) fn steal(&self, least: usize, into: &mut Vec<C>) {
        if self.waiting() < least {
            return;
        }
        let mut ready = lock(&self.ready);
        let count = ready.len().div_ceil(2).min(BATCH);
        for _ in 0..count {
            into.extend(ready.pop());
        }
        self.waiting.store(ready.len(), Ordering::Release);
    }

    /// For the thread that polls.
    pub(super) fn set_asleep(&self, asleep: bool) {
        if self.asleep.load(Ordering::Relaxed) != asleep {
            self.asleep.store(asleep, Ordering::Relaxed);
        }
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// For the driver of another shard: whether to wake the one here. One call is enough.
    pub(super) fn call(&self) -> bool {
        self.in_use() > 0 && self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_poller(&self) -> Option<Box<P>> {
        lock(&self.slot).take()
    }

    pub(super) fn lay_back(&self, poller: Box<P>) {
        *lock(&self.slot) = Some(poller);
    }

    /// How many threads drive, or are about to.
    pub(super) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::SeqCst)
    }

    /// Sets how many drivers are wanted. Surplus ones leave before their next turn.
    pub(super) fn want(&self, drivers: usize) {
        if self.wanted.load(Ordering::Relaxed) != drivers {
            self.wanted.store(drivers, Ordering::Relaxed);
        }
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Takes a permit if one more driver is wanted.
    pub(super) fn try_permit(&self) -> bool {
        let free = |in_use| (in_use < self.wanted()).then_some(in_use + 1);
        self.in_use.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free).is_ok()
    }

    /// Gives back a permit that a thread has laid down, or that will not go to another thread.
    pub(super) fn give_back_permit(&self) {
        self.in_use.fetch_sub(1, Ordering::SeqCst);
    }

    /// Gives back the permit of the current thread if more are in use than wanted. The thread has laid it down before.
    fn is_too_many(&self) -> bool {
        let fewer = |in_use| (in_use > self.wanted()).then(|| in_use - 1);
        self.in_use.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok()
    }

    /// Decides what a driver does next. It polls when the queue is empty, or when it has given turns for long enough.
    /// `grant` and `lose` act on its own permit; `lose` returns whether the permit was still there.
    pub(super) fn next(&self, polls: bool, grant: impl Fn(), lose: impl Fn() -> bool) -> Next<C, P> {
        if self.in_use() > self.wanted() {
            if !lose() || self.is_too_many() {
                return Next::Leave;
            }
            grant();
        }
        if !polls && let Some(connection) = self.pop() {
            return Next::Turn(connection);
        }
        loop {
            if let Some(poller) = self.take_poller() {
                return Next::Poll(poller);
            }
            // Another thread polls.
            if let Some(connection) = self.pop() {
                return Next::Turn(connection);
            }
            if !lose() {
                return Next::Leave;
            }
            // Other drivers look at the queue before they leave, and the last one also at the slot: without a driver, a
            // poller in the slot would stay there for good.
            let others = self.in_use.fetch_sub(1, Ordering::SeqCst) - 1;
            let all_done = self.waiting() == 0 && (others > 0 || lock(&self.slot).is_none());
            if all_done || !self.try_permit() {
                return Next::Leave;
            }
            grant();
        }
    }

    /// Ends the queue. Returns its contents, and the poller if no thread has it.
    pub(super) fn close(&self) -> (Vec<C>, Option<Box<P>>) {
        let left = {
            let mut ready = lock(&self.ready);
            self.closed.store(true, Ordering::SeqCst);
            self.waiting.store(0, Ordering::Release);
            ready.drain().collect()
        };
        (left, self.take_poller())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
