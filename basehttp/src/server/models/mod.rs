//! Models of the hand-overs of the engine: loom runs them through the orders in which their threads may go on, and through the
//! values that their loads may find. A thread that waits for ever is a deadlock, which loom reports.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p basehttp --lib --release models`
//!
//! What is modelled is the product's own code, the scheduler and the drivers' loop included. Only the connections and the system
//! that polls are made up, in [`house`].

mod end;
mod house;
pub(super) mod log;
mod parking;
mod permits;
mod pool;
mod queue;
mod shards;

use super::sync::{Condvar, Mutex, lock};

/// Runs a model through all orders, or through those with so many preemptions at most; a thread that waits or ends is none. A
/// whole [`House`](house::House) would take hours without a bound, so it has two, or three where that takes seconds.
fn explore(preemptions: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions.into();
    builder.max_branches = 10_000;
    builder.check(model);
}

/// Something to wait for, which stays until it is found.
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn new() -> Self {
        Self { rung: Mutex::new(false), changed: Condvar::new() }
    }

    fn ring(&self) {
        *lock(&self.rung) = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let mut rung = lock(&self.rung);
        while !*rung {
            rung = self.changed.wait(rung).expect("nobody panics");
        }
        *rung = false;
    }
}
