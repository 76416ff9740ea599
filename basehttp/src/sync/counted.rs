//! Locks, read-modify-writes, writes and wake-ups, counted: the shard's own, and those that write where another shard has written
//! last, which costs the two processors a transfer of the line.
//!
//! What belongs to whom is not said anywhere: it is seen. For each line of memory a table has the shard whose driver wrote there
//! last. So two things that only share a line are found as well. Threads that drive no shard count for nothing.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::env;
use std::sync::atomic::{self, Ordering};
use std::sync::{self, LazyLock, LockResult, MutexGuard, TryLockError, TryLockResult, WaitTimeoutResult};
use std::time::Duration;

/// How often something was done by threads that drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In memory that no other shard has written to since this one did.
    pub own: u64,
    /// Another shard had written there last.
    pub shared: u64,
}

/// What the drivers of all servers of this process have done since [`reset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Locks taken, or tried to.
    pub locks: Count,
    /// Of these, found taken.
    pub locks_found_taken: Count,
    /// Of an atomic, in one step.
    pub read_modify_writes: Count,
    /// To an atomic.
    pub writes: Count,
    /// Of threads that sleep on a condition, or in the poller of a shard: that of another one is shared.
    pub wake_ups: Count,
}

/// One of the things that are counted.
#[derive(Debug)]
struct Counter {
    own: atomic::AtomicU64,
    shared: atomic::AtomicU64,
}

impl Counter {
    const fn new() -> Self {
        Self { own: atomic::AtomicU64::new(0), shared: atomic::AtomicU64::new(0) }
    }

    fn read(&self) -> Count {
        let read = |count: &atomic::AtomicU64| count.load(Ordering::Relaxed);
        Count { own: read(&self.own), shared: read(&self.shared) }
    }
}

static LOCKS: Counter = Counter::new();
static FOUND_TAKEN: Counter = Counter::new();
static CHANGES: Counter = Counter::new();
static WRITES: Counter = Counter::new();
static WAKE_UPS: Counter = Counter::new();

/// The shards in which something was counted.
static DRIVEN: atomic::AtomicU64 = atomic::AtomicU64::new(0);

/// What the processors exchange, in bytes.
const LINE: usize = 64;

/// Lines, by their number: whose, and the shard that wrote there last. Of two that fall on one place the older is forgotten.
static LINES: [atomic::AtomicU64; PLACES] = [const { atomic::AtomicU64::new(0) }; PLACES];
const PLACES: usize = 1 << 18;

/// Whether each shared write says where it is: on standard error, with `COUNT_TRACE` in the environment.
static TRACE: LazyLock<bool> = LazyLock::new(|| env::var_os("COUNT_TRACE").is_some());

thread_local! {
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// In how many shards something was counted.
pub fn shards() -> u32 {
    DRIVEN.load(Ordering::Relaxed).count_ones()
}

/// What was counted.
pub fn counts() -> Counts {
    Counts {
        locks: LOCKS.read(),
        locks_found_taken: FOUND_TAKEN.read(),
        read_modify_writes: CHANGES.read(),
        writes: WRITES.read(),
        wake_ups: WAKE_UPS.read(),
    }
}

/// Counts from nothing.
pub fn reset() {
    DRIVEN.store(0, Ordering::Relaxed);
    for counter in [&LOCKS, &FOUND_TAKEN, &CHANGES, &WRITES, &WAKE_UPS] {
        counter.own.store(0, Ordering::Relaxed);
        counter.shared.store(0, Ordering::Relaxed);
    }
}

/// The current thread drives in this shard, or does not drive.
pub(crate) fn drives(shard: Option<usize>) {
    SHARD.set(shard);
}

/// A shard's poller is woken.
pub(super) fn wakes(shard: usize) {
    let Some(own) = SHARD.get() else { return };
    let count = if own == shard { &WAKE_UPS.own } else { &WAKE_UPS.shared };
    count.fetch_add(1, Ordering::Relaxed);
}

/// Counts something that the current thread does at a place in memory.
fn count(counter: &Counter, place: usize) {
    let Some(shard) = SHARD.get() else { return };
    DRIVEN.fetch_or(1 << (shard % 64), Ordering::Relaxed);
    let line = place / LINE;
    let (known, written) = (&LINES[line % PLACES], (line << 8 | (shard + 1)) as u64);
    let before = known.swap(written, Ordering::Relaxed);
    if before >> 8 == line as u64 && before != written {
        if *TRACE {
            eprintln!("{}", Backtrace::force_capture());
        }
        counter.shared.fetch_add(1, Ordering::Relaxed);
    } else {
        counter.own.fetch_add(1, Ordering::Relaxed);
    }
}

fn place<T: ?Sized>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => {
                count(&LOCKS, place(self));
                Ok(guard)
            }
            Err(TryLockError::Poisoned(poisoned)) => Err(poisoned),
            Err(TryLockError::WouldBlock) => {
                // It says whose the other one was, and the lock that follows would not know it any more.
                count(&FOUND_TAKEN, place(self));
                count(&LOCKS, place(self));
                self.0.lock()
            }
        }
    }

    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        count(&LOCKS, place(self));
        self.0.try_lock()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        count(&WAKE_UPS, place(self));
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        count(&WAKE_UPS, place(self));
        self.0.notify_all();
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        most: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.0.wait_timeout(guard, most)
    }
}

macro_rules! atomics {
    ($($name:ident: $value:ty { $($change:ident)* })*) => {$(
        #[derive(Debug, Default)]
        pub(crate) struct $name(atomic::$name);

        #[allow(dead_code, reason = "each has what some other needs")]
        impl $name {
            pub(crate) const fn new(value: $value) -> Self {
                Self(atomic::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.0.load(order)
            }

            pub(crate) fn get_mut(&mut self) -> &mut $value {
                self.0.get_mut()
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                count(&WRITES, place(self));
                self.0.store(value, order);
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                count(&CHANGES, place(self));
                self.0.swap(value, order)
            }

            pub(crate) fn compare_exchange(
                &self,
                from: $value,
                to: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                count(&CHANGES, place(self));
                self.0.compare_exchange(from, to, success, failure)
            }

            pub(crate) fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                // Where nothing changes it is a load.
                let updated = self.0.fetch_update(success, failure, change);
                if updated.is_ok() {
                    count(&CHANGES, place(self));
                }
                updated
            }

            $(pub(crate) fn $change(&self, by: $value, order: Ordering) -> $value {
                count(&CHANGES, place(self));
                self.0.$change(by, order)
            })*
        }
    )*};
}

atomics! {
    AtomicBool: bool { fetch_or fetch_and }
    AtomicU8: u8 { fetch_or fetch_and }
    AtomicU32: u32 { fetch_add fetch_sub }
    AtomicU64: u64 { fetch_add fetch_sub fetch_or fetch_and fetch_min fetch_max }
    AtomicUsize: usize { fetch_add fetch_sub }
}
