//! Models of the hand-overs of the engine: loom runs them through the orders in which their threads may go on, and through the
//! values that their loads may find. A thread that waits for ever is a deadlock, which loom reports. Shuttle runs them, and those in
//! [`many`], which have more threads than loom could go through, in many orders at random; it tells the one in which a model fails.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p basehttp --lib --release models`, and the same with `--cfg shuttle`.
//!
//! What is modelled is the product's own code, the scheduler and the drivers' loop included. Only the connections and the system
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

/// Runs a model through all orders, or through those with so many preemptions at most; a thread that waits or ends is none. A
/// whole [`House`](house::House) would take hours without a bound, so it has two, or three where that takes seconds.
#[cfg(loom)]
fn explore(preemptions: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions.into();
    builder.max_branches = 10_000;
    builder.check(model);
}

/// Runs a model through so many orders: half of them chosen at random, step by step, and half such as Burckhardt and others
/// describe (A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, 2010), in which the same thread goes on until it
/// waits, but for a few changes. Those find what is lost while a thread stands still for long. `SHUTTLE_ORDERS` may ask for more.
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

/// So many changes lie in an order.
#[cfg(shuttle)]
const CHANGES: usize = 3;

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
