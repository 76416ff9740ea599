//! Counts locks, read-modify-writes, writes and wake-ups: the shard's own, and those at a place where another shard has
//! written last, which costs the two processors a transfer of the cache line.
//!
//! Ownership is not declared anywhere; it is observed. For each line of memory a table has the shard whose driver wrote
//! there last. So two values that merely share a line are found as well. Threads that drive no shard are not counted.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::env;
use std::sync::atomic::{self, Ordering};
use std::sync::{self, LazyLock, LockResult, MutexGuard, TryLockError, TryLockResult, WaitTimeoutResult};
use std::time::Duration;

/// How often drivers did something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In memory that no other shard has written to since this one did.
    pub own: u64,
    /// In memory that another shard had written to last.
    pub shared: u64,
}

/// What the drivers of all servers in this process have done since [`reset`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Locks taken, or tried.
    pub locks: Count,
    /// Those of them that were already held.
    pub locks_found_taken: Count,
    /// Atomic operations that read and write in one step.
    pub read_modify_writes: Count,
    /// Writes to an atomic.
    pub writes: Count,
    /// Wake-ups of threads that wait on a condition variable, or in a shard's poller; one of another shard's poller is
    /// shared.
    pub wake_ups: Count,
}

/// One of the counted operations.
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

/// The size in bytes of what processors exchange.
const LINE: usize = 64;

/// Which shard wrote last to a line, by the line's number. Of two lines with the same place the older is forgotten.
static LINES: [atomic::AtomicU64; PLACES] = [const { atomic::AtomicU64::new(0) }; PLACES];
const PLACES: usize = 1 << 18;

/// Whether each shared write prints its backtrace to standard error: with `COUNT_TRACE` in the environment.
static TRACE: LazyLock<bool> = LazyLock::new(|| env::var_os("COUNT_TRACE").is_some());

thread_local! {
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of shards in which something was counted.
pub fn shards() -> u32 {
    DRIVEN.load(Ordering::Relaxed).count_ones()
}

/// The current counts.
pub fn counts() -> Counts {
    Counts {
        locks: LOCKS.read(),
        locks_found_taken: FOUND_TAKEN.read(),
        read_modify_writes: CHANGES.read(),
        writes: WRITES.read(),
        wake_ups: WAKE_UPS.read(),
    }
}

/// Sets all counts to zero.
pub fn reset() {
    DRIVEN.store(0, Ordering::Relaxed);
    for counter in [&LOCKS, &FOUND_TAKEN, &CHANGES, &WRITES, &WAKE_UPS] {
        counter.own.store(0, Ordering::Relaxed);
        counter.shared.store(0, Ordering::Relaxed);
    }
}

/// Records that the current thread drives in this shard, or does not drive.
pub(crate) fn drives(shard: Option<usize>) {
    SHARD.set(shard);
}

/// Counts the wake-up of a shard's poller.
pub(super) fn wakes(shard: usize) {
    let Some(own) = SHARD.get() else { return };
    let count = if own == shard { &WAKE_UPS.own } else { &WAKE_UPS.shared };
    count.fetch_add(1, Ordering::Relaxed);
}

/// Counts an operation of the current thread at a place in memory.
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
                // The first count shows which shard held the lock; the second would no longer know it.
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
                // Without a change it is a load.
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
