//! What each thread of a server does: the drivers and the handlers of the pool, the reserve, the watchdog.

use super::assign::{called, lay_down, pass_on};
use super::driver::{drive, serve, stand_in};
use super::machine::Machine;
use super::pool::Task;
use super::sync::Arc;
use super::watchdog::{QUIET_TICKS, TakenPermit};
use super::worker::Worker;

/// Starts the first driver. The watchdog and the reserve have been started before.
pub(super) fn start<M: Machine>(machine: &Arc<M>) {
    if machine.scheduler().shard(0).try_permit() {
        pass_on(machine, 0);
    }
}

/// The work of a pool thread, until there is nothing left to do.
pub(super) fn work<M: Machine>(machine: &Arc<M>) {
    let worker = Arc::new(Worker::new());
    let _installed = worker.install();
    let scheduler = machine.scheduler();
    loop {
        match scheduler.pool.next_task(worker.take_lane()) {
            Task::Drive(shard) => {
                worker.set_shard(shard);
                scheduler.watchdog.grant(&worker);
                drive(machine, &worker, shard);
            }
            Task::LayDown(shard) => lay_down(machine, shard),
            Task::Serve(connection, lane) => {
                worker.set_lane(lane);
                serve(machine, &worker, connection);
            }
            Task::End => return,
        }
    }
}

/// The work of the reserve, which never runs a handler.
pub(super) fn reserve<M: Machine>(machine: &Arc<M>) {
    let worker = Arc::new(Worker::new());
    let _installed = worker.install();
    let scheduler = machine.scheduler();
    while scheduler.pool.wait_for_need() {
        worker.set_shard(0);
        scheduler.watchdog.grant(&worker);
        stand_in(machine, &worker);
    }
}

/// The work of the watchdog. `tick` waits for the next look; `told` is called for each driver that lost its permit.
pub(super) fn watch<M: Machine>(machine: &Arc<M>, tick: impl Fn(), told: impl Fn(&TakenPermit)) {
    let scheduler = machine.scheduler();
    let mut quiet = 0;
    while !scheduler.is_closed() {
        tick();
        let seen = scheduler.watchdog.look();
        for taken in seen.taken {
            told(&taken);
            pass_on(machine, taken.shard);
            // The handler was expected to be quick, so the responses before its own are still buffered.
            taken.worker.send_gathered();
        }
        for call in scheduler.pool.look(scheduler.has_time()) {
            called(machine, call);
        }
        let has_queue = scheduler.pool.has_queue();
        if has_queue && scheduler.pool.is_overdue(machine.queue_timeout()) {
            machine.wake(0);
        }
        quiet = if seen.active || has_queue { 0 } else { quiet + 1 };
        if quiet >= QUIET_TICKS {
            quiet = 0;
            scheduler.watchdog.sleep(|| scheduler.is_closed() || scheduler.pool.has_queue());
        }
    }
}
