//! The primitives that the engine's threads share: those of [`crate::sync`]. In models they are loom's, which explores every
//! order of events, or shuttle's, which explores many random ones.

#[cfg(not(all(test, any(loom, shuttle))))]
pub(super) use crate::sync::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, fence, lock,
};

#[cfg(all(test, loom))]
pub(super) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
};

#[cfg(all(test, shuttle))]
pub(super) use shuttle::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
};

#[cfg(not(all(test, any(loom, shuttle))))]
pub(super) use std::thread::yield_now;

#[cfg(all(test, loom))]
pub(super) use loom::thread::yield_now;

#[cfg(all(test, shuttle))]
pub(super) use shuttle::thread::yield_now;

// Loom's `Arc` cannot be the type of `self`, and the standard library's reference count needs no proof here.
pub(super) use crate::sync::{Arc, Ordering, PoisonError, TryLockError, Weak};

/// As [`crate::sync::lock`].
#[cfg(all(test, any(loom, shuttle)))]
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
