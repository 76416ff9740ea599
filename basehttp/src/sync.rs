//! The primitives for everything that threads share: the standard library's, or, in a build with `--cfg count`, wrappers
//! that record who writes what (see [`counted`]). Nothing else that a request runs through imports from `std::sync`.

#[cfg(count)]
pub mod counted;

#[cfg(not(count))]
#[allow(unused_imports, reason = "models have others")]
pub(crate) use std::sync::{
    Condvar, Mutex,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize},
};

#[cfg(count)]
pub(crate) use counted::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex};

// Not counted: an `Arc` is cloned or dropped, and an `RwLock` read, only when a connection begins, ends or moves; the others
// are written once.
#[allow(unused_imports, reason = "features need more of them than others")]
pub(crate) use std::sync::{
    Arc, LazyLock, MutexGuard, OnceLock, PoisonError, RwLock, TryLockError, Weak,
    atomic::{Ordering, fence},
};

/// Locks, even after another thread has panicked: what our locks guard is consistent after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records that the thread which polls in a shard is woken.
pub(crate) fn wakes_poller(shard: usize) {
    #[cfg(count)]
    counted::wakes(shard);
    #[cfg(not(count))]
    let _ = shard;
}

/// Whether this thread is panicking, and drops its values.
pub(crate) fn is_panicking() -> bool {
    std::thread::panicking()
}
