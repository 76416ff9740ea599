//! Models of the engine's hand-overs. Loom runs them through the orders in which their threads may continue, and through the
//! values that their loads may see. A thread that waits without end is a deadlock, which loom reports. Shuttle runs them in
//! many random orders, and also those in [`many`], which have more threads than loom could explore; it reports the order in
//! which a model fails.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p basehttp --lib --release models`, and the same with `--cfg shuttle`.
//!
//! The models run the product's own code, including the scheduler and the drivers' loop. Only the connections and the system
//! that polls are made up, in [`house`].

mod end;
mod house;
pub(super) mod log;
#[cfg(shuttle)]
mod many;
mod parking;
mod permits;
mod pool;
mod queue;
mod shards;

#[cfg(loom)]
use loom::thread;
#[cfg(shuttle)]
use shuttle::thread;

use super::sync::{Condvar, Mutex, lock};

/// Runs a model through all orders, or through those with at most this many preemptions; a thread that waits or ends is not
/// a preemption. A whole [`House`](house::House) would take hours without a bound, so its bound is two, or three where that
/// takes seconds.
#[cfg(loom)]
fn explore(preemptions: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions.into();
    builder.max_branches = 10_000;
    builder.check(model);
}

/// Runs a model in this many orders. Half of them are chosen at random, step by step. The other half are as Burckhardt and
/// others describe (A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, 2010): the same thread continues
/// until it waits, except for a few changes. Those find what is lost while a thread stands still for long. `SHUTTLE_ORDERS`
/// sets another number.
#[cfg(shuttle)]
fn explore(_preemptions: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    let orders = std::env::var("SHUTTLE_ORDERS").ok().and_then(|orders| orders.parse().ok());
    let half = orders.unwrap_or(ORDERS) / 2;
    let model = std::sync::Arc::new(model);
    let again = model.clone();
    shuttle::check_random(move || model(), half);
    shuttle::check_pct(move || again(), half, CHANGES);
}

#[cfg(shuttle)]
const ORDERS: usize = 1000;

/// The number of changes in an order.
#[cfg(shuttle)]
const CHANGES: usize = 3;

/// An event to wait for. It stays rung until a waiter finds it.
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
