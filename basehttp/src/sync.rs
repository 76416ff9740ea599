//! What threads share is made of these: the standard library's, or, in a build with `--cfg count`, the same with an account of
//! who writes what (see [`counted`]). Nothing else on the way of a request imports from `std::sync`.

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

// Not counted: an `Arc` is cloned or dropped, and an `RwLock` read, where a connection begins, ends or moves; the others are
// written once.
#[allow(unused_imports, reason = "features need more of them than others")]
pub(crate) use std::sync::{
    Arc, LazyLock, MutexGuard, OnceLock, PoisonError, RwLock, TryLockError, Weak,
    atomic::{Ordering, fence},
};

/// Locks, also after a panic of another thread: what our locks guard is whole after every statement.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one who polls in a shard is woken.
pub(crate) fn wakes_poller(shard: usize) {
    #[cfg(count)]
    counted::wakes(shard);
    #[cfg(not(count))]
    let _ = shard;
}

/// Whether this thread is in a panic, and drops what it had.
pub(crate) fn is_panicking() -> bool {
    std::thread::panicking()
}
