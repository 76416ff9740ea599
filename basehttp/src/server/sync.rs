//! The primitives that the threads of the engine share: the standard library's, or loom's where a model runs them through
//! every order of events.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
};

#[cfg(all(test, loom))]
pub(super) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
};

#[cfg(not(all(test, loom)))]
pub(super) use std::thread::yield_now;

#[cfg(all(test, loom))]
pub(super) use loom::thread::yield_now;

// Loom's `Arc` cannot be the type of `self`, and the count in the standard library's is not ours to prove.
pub(super) use std::sync::{Arc, atomic::Ordering};

/// Locks, also after a panic of another thread: what the engine's locks guard is whole after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
