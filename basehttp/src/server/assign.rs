//! Gives permits, connections and requests to threads.

use std::io;
use std::time::Duration;

use super::machine::Machine;
use super::pool::{Call, Lane};
use super::sync::Arc;
use super::worker::Worker;

/// Gives a permit to another thread.
pub(super) fn pass_on<M: Machine>(machine: &Arc<M>, shard: usize) {
    let scheduler = machine.scheduler();
    let call = scheduler.pool.pass_on(shard);
    // The reserve drives, and attends the other shards.
    if !follow(machine, call) && shard != 0 && scheduler.pool.withdraw(shard) {
        lay_down(machine, shard);
    }
}

/// Gives back a permit that no thread has any more. The polling thread of shard 0 then attends the shard.
pub(super) fn lay_down<M: Machine>(machine: &Arc<M>, shard: usize) {
    let queue = machine.scheduler().shard(shard);
    queue.give_back_permit();
    // Another driver may be asleep there while the queue holds a connection that this one has brought from elsewhere.
    if shard != 0 && queue.in_use() > 0 {
        machine.wake(shard);
    }
    machine.wake(0);
}

/// Makes a pool thread run the handler of a connection.
pub(super) fn submit<M: Machine>(machine: &Arc<M>, connection: M::Connection, lane: Lane) {
    match machine.scheduler().pool.submit(connection, lane) {
        Ok(call) => called(machine, call),
        Err(connection) => machine.end(connection),
    }
}

/// As [`follow`]. If no thread is free, a driver has to run the handler, and the polling threads have another deadline.
pub(super) fn called<M: Machine>(machine: &Arc<M>, call: Call) {
    if follow(machine, call) {
        return;
    }
    for (shard, queue) in machine.scheduler().shards.iter().enumerate() {
        if shard == 0 || queue.in_use() > 0 {
            machine.wake(shard);
        }
    }
}

/// Makes sure that a thread comes. False if there is none.
fn follow<M: Machine>(machine: &Arc<M>, call: Call) -> bool {
    let scheduler = machine.scheduler();
    match call {
        Call::Spare => true,
        Call::Queue => {
            scheduler.watchdog.rouse();
            true
        }
        Call::Nobody => {
            machine.is_at_bound(None);
            false
        }
        Call::Hire => match machine.hire() {
            Ok(()) => true,
            Err(error) => {
                scheduler.pool.cannot_hire();
                machine.is_at_bound(Some(error));
                false
            }
        },
    }
}

/// Puts a connection that has more to do into the queue of its shard.
pub(super) fn requeue<M: Machine>(machine: &M, connection: M::Connection) {
    let shard = machine.shard_of(&connection);
    let queue = machine.scheduler().shard(shard);
    match queue.put(connection) {
        Ok(true) => machine.wake(shard),
        Ok(false) => {}
        // After the end no thread would take it.
        Err(connection) => machine.end(connection),
    }
}

/// For a thread that is about to wait for its client, inside a handler.
pub(super) fn about_to_wait<M: Machine>(machine: &Arc<M>) {
    if let Some(worker) = Worker::about_to_wait() {
        make_way(machine, &worker);
    }
}

/// Lets other threads take the place of such a thread, as a driver and in its lane of the pool.
pub(super) fn make_way<M: Machine>(machine: &Arc<M>, worker: &Arc<Worker>) {
    let scheduler = machine.scheduler();
    if scheduler.watchdog.relieve(worker) {
        pass_on(machine, worker.shard());
    }
    if let Some(call) = worker.take_lane().and_then(|lane| scheduler.pool.leave(lane)) {
        called(machine, call);
    }
}

/// Adjusts the number of drivers. For the driver of shard 0, while it does not hold a poller.
pub(super) fn balance<M: Machine>(machine: &Arc<M>, drivers: usize) {
    let scheduler = machine.scheduler();
    for (shard, queue) in scheduler.shards.iter().enumerate() {
        let wanted = scheduler.wanted_in(shard, drivers);
        let before = queue.wanted();
        queue.want(wanted);
        if wanted < before {
            // It may be asleep.
            machine.wake(shard);
        } else if wanted > queue.in_use() && !scheduler.pool.is_at_bound() && queue.try_permit() {
            pass_on(machine, shard);
        }
    }
}

/// Polls in all shards, while no thread drives. False if another thread is polling.
pub(super) fn poll_once<M: Machine>(machine: &Arc<M>, most: Option<Duration>) -> io::Result<bool> {
    let scheduler = machine.scheduler();
    let Some(mut poller) = scheduler.shard(0).take_poller() else { return Ok(false) };
    let others =
        (1..scheduler.shards.len()).filter_map(|shard| Some((shard, scheduler.shard(shard).take_poller()?)));
    let mut attended: Vec<_> = others.collect();
    let result = machine.poll(0, &mut poller, &mut attended, most);
    for (shard, other) in attended {
        scheduler.shard(shard).lay_back(other);
    }
    scheduler.shard(0).lay_back(poller);
    result.map(|()| true)
}

/// Ends the threads.
pub(super) fn close<M: Machine>(machine: &Arc<M>) {
    clear(&**machine);
    let scheduler = machine.scheduler();
    for connection in scheduler.pool.close() {
        machine.end(connection);
    }
    scheduler.watchdog.rouse();
    (0..scheduler.shards.len()).for_each(|shard| machine.wake(shard));
}

/// Ends the queues, and drops all connections that no thread has. A driver that was polling does it again.
pub(super) fn clear<M: Machine>(machine: &M) {
    for (shard, queue) in machine.scheduler().shards.iter().enumerate() {
        let (left, poller) = queue.close();
        for connection in left {
            machine.end(connection);
        }
        if let Some(poller) = poller {
            machine.end_all(shard, &poller);
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
