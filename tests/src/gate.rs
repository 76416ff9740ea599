//! A gate at which handlers wait until the test opens it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::PATIENCE;

/// The test's side. Dropping it opens the gate.
#[derive(Debug)]
pub struct Gate(Arc<Inner>);

/// The handlers' side. Clones share the gate.
#[derive(Clone, Debug)]
pub struct Bar(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    came: usize,
    passes: usize,
    is_open: bool,
}

/// A closed gate.
pub fn gate() -> (Gate, Bar) {
    let inner = Arc::new(Inner::default());
    (Gate(inner.clone()), Bar(inner))
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

impl Gate {
    /// Lets this number of handlers pass, whether they are here already or not.
    pub fn open(&self, count: usize) {
        self.0.change(|state| state.passes += count);
    }

    /// Opens the gate.
    pub fn stay_open(&self) {
        self.0.change(|state| state.is_open = true);
    }

    /// Closes the gate.
    pub fn shut(&self) {
        self.0.change(|state| state.is_open = false);
    }

    /// How many handlers have arrived so far.
    pub fn came(&self) -> usize {
        self.0.state().came
    }

    /// Waits until this number of handlers have arrived since the gate was made.
    pub fn wait_for(&self, count: usize) {
        crate::wait_until(&format!("{count} at the gate"), || self.came() >= count);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stay_open();
    }
}

impl Bar {
    /// Waits until the gate lets one more handler pass.
    ///
    /// # Errors
    /// If that takes longer than any test does.
    pub fn pass(&self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        self.0.change(|state| state.came += 1);
        let mut state = self.0.state();
        while state.passes == 0 && !state.is_open {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::other("the test does not open its gate"));
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.passes = state.passes.saturating_sub(1);
        Ok(())
    }
}
