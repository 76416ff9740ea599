//! What the drivers of a shard share, and how they come and go: the queue of connections that are ready for a turn, the poller in
//! its slot, the permits.
//!
//! Whoever puts a connection into the queue looks at the slot after that, and wakes the poller if it is out. Whoever takes the
//! poller looks at the queue after that. So one of the two sees the other, and nothing is left lying.

use std::collections::VecDeque;

use super::sync::{AtomicBool, AtomicUsize, Mutex, Ordering, lock};

/// `C` is a connection, `P` the poller; models have simpler ones. It is alone in its cache lines: its neighbours are of other shards.
#[repr(align(128))]
pub(super) struct RunQueue<C, P> {
    ready: Mutex<Ready<C>>,
    /// The length of the queue, for a look without the lock.
    waiting: AtomicUsize,
    /// The poller, unless somebody polls.
    slot: Mutex<Option<Box<P>>>,
    /// Permits that are in use: drivers have them, or they are on their way to one.
    in_use: AtomicUsize,
    /// So many drivers are wanted.
    wanted: AtomicUsize,
    /// Its driver sleeps in the poller, and was not woken to help others yet: a hint.
    asleep: AtomicBool,
    /// The server has ended. Set under the lock of the queue, so that nothing comes in after it was emptied.
    closed: AtomicBool,
}

/// Connections that are ready for a turn, in two lines: those of which the poller has just told, and behind them those that have had a
/// turn and have more to do, such as the next of several requests that came at once. Every fourth comes from there, so that they get
/// on as well.
struct Ready<C> {
    fresh: VecDeque<C>,
    tired: VecDeque<C>,
    popped: u32,
}

/// One of so many turns is for a connection that has had one just before.
const TIRED: u32 = 4;

/// So many connections at most another shard takes at a time.
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
    /// Gives this connection its turn.
    Turn(C),
    /// Polls.
    Poll(Box<P>),
    /// Nothing: others do all there is to do, and its permit is gone.
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

    /// For the one who has taken the poller: whether it may wait for events. Whoever puts something into the queue after that, or
    /// ends the server, wakes it; whoever ended it before has woken the one who had it then.
    pub(super) fn may_sleep(&self) -> bool {
        self.waiting() == 0 && !self.is_closed()
    }

    /// Puts a connection that has had a turn into the queue. True if the poller has to be woken, so that somebody looks at it; the
    /// connection comes back where nobody would take it any more.
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

    /// For the one who polls: puts what is ready into the queue. What nobody would take any more stays where it is.
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

    /// For the driver of another shard: half of what waits, if that is `least` or more.
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

    /// For the one who polls.
    pub(super) fn set_asleep(&self, asleep: bool) {
        if self.asleep.load(Ordering::Relaxed) != asleep {
            self.asleep.store(asleep, Ordering::Relaxed);
        }
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// For the driver of another shard: whether the one here is to be woken. One call is enough.
    pub(super) fn call(&self) -> bool {
        self.in_use() > 0 && self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_poller(&self) -> Option<Box<P>> {
        lock(&self.slot).take()
    }

    pub(super) fn lay_back(&self, poller: Box<P>) {
        *lock(&self.slot) = Some(poller);
    }

    /// How many drive, or are about to.
    pub(super) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::SeqCst)
    }

    /// Sets how many drivers are wanted. Those that are too many leave before their next turn.
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

    /// Gives a permit back that a thread has laid down, or that is not to go to another one.
    pub(super) fn give_back_permit(&self) {
        self.in_use.fetch_sub(1, Ordering::SeqCst);
    }

    /// Gives the permit of the current thread back if there are more than are wanted. It has laid it down before.
    fn is_too_many(&self) -> bool {
        let fewer = |in_use| (in_use > self.wanted()).then(|| in_use - 1);
        self.in_use.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok()
    }

    /// What a driver does next. It polls when the queue is empty, or when it has given turns for long enough.
    /// `grant` and `lose` are about its own permit; `lose` says whether it was still there.
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
            // Somebody else polls.
            if let Some(connection) = self.pop() {
                return Next::Turn(connection);
            }
            if !lose() {
                return Next::Leave;
            }
            // Where there are other drivers, they look at the queue before they leave, and the last one at the slot too: a
            // poller that lies there with no driver left would lie there for ever.
            let others = self.in_use.fetch_sub(1, Ordering::SeqCst) - 1;
            let all_done = self.waiting() == 0 && (others > 0 || lock(&self.slot).is_none());
            if all_done || !self.try_permit() {
                return Next::Leave;
            }
            grant();
        }
    }

    /// Ends the queue: what is in it, and the poller if nobody has it.
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
mod tests {
    use super::*;

    #[test]
    fn those_of_whom_the_poller_tells_come_before_those_that_have_had_a_turn() {
        let queue = RunQueue::new(Box::new(()), 1);
        (1..=8).for_each(|number| assert!(queue.put(number).is_ok()));
        queue.extend(&mut vec![11, 12, 13, 14]);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [11, 12, 13, 1, 14, 2, 3, 4, 5, 6, 7, 8], "and every fourth is one of the latter");
    }
}
