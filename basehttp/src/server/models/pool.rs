//! The threads of the pool, with the reserve and the end.

use super::house::{House, Kind, Plan, reserve};
use super::thread::{self, JoinHandle};
use super::{Bell, explore};
use crate::server::pool::{Call, Lane, Task, ThreadPool};
use crate::server::sync::Arc;

/// Two requests want a thread, and the driver goes on.
#[test]
fn every_request_finds_a_thread() {
    explore(2, || {
        let house = House::new(Plan::default());
        house.spawn(reserve);
        house.start();
        house.arrive(0, Kind::Waits, 0);
        house.arrive(1, Kind::Waits, 0);
        house.finish();
    });
}

/// A handler calls its own server, and its thread is the last: the reserve drives.
#[test]
fn the_reserve_drives_where_every_thread_is_in_a_handler() {
    explore(3, || {
        let house = House::new(Plan { max_threads: 1, ..Plan::default() });
        house.spawn(reserve);
        house.start();
        house.arrive(0, Kind::WaitsForOthers, 0);
        house.arrive(1, Kind::Quick, 0);
        house.finish();
    });
}

/// No thread can be added, and the first is not there either.
#[test]
fn the_reserve_drives_where_no_thread_is_to_be_had() {
    explore(3, || {
        let house = House::new(Plan { can_hire: false, ..Plan::default() });
        house.spawn(reserve);
        house.start();
        house.requeue(0, Kind::Quick, 0);
        house.arrive(1, Kind::Quick, 0);
        house.finish();
    });
}

/// The end comes at any moment: every request is served or given back, and every thread goes home.
#[test]
fn the_end_sends_every_thread_home() {
    explore(2, || {
        let house = House::new(Plan { ends_itself: false, ..Plan::default() });
        house.spawn(reserve);
        house.start();
        house.arrive(0, Kind::Waits, 0);
        house.requeue(1, Kind::Waits, 0);
        house.close();
        house.finish();
    });
}

/// What a thread of the pool is given here.
#[derive(Clone, Copy)]
enum Job {
    First,
    /// It takes until the other was done.
    Long,
    Short,
}

struct Small {
    pool: ThreadPool<Job>,
    /// What it is to have the permit.
    permit: Job,
    first: Bell,
    short: Bell,
    long: Bell,
}

/// `assign::follow`, where a thread can be added.
fn follow(small: &Arc<Small>, call: Call) -> Option<JoinHandle<()>> {
    let hired = small.clone();
    (call == Call::Hire).then(|| thread::spawn(move || work_small(&hired)))
}

fn work_small(small: &Small) {
    loop {
        let job = match small.pool.next_task(None) {
            Task::Serve(job, _) => job,
            Task::Drive(_) => small.permit,
            Task::LayDown(_) => unreachable!("the permit is that of shard 0"),
            Task::End => return,
        };
        match job {
            Job::First => small.first.ring(),
            Job::Long => {
                small.short.wait();
                small.long.ring();
            }
            Job::Short => small.short.ring(),
        }
    }
}

/// A thread is about to be spare, or is, when two things come, of which one takes until the other was done: that finds
/// another thread. They are requests, or one is a permit.
#[test]
fn a_spare_thread_is_promised_once() {
    for (permit, jobs) in [
        (None, [Job::Long, Job::Short]),
        (Some(Job::Short), [Job::Long, Job::First]),
        (Some(Job::Long), [Job::First, Job::Short]),
    ] {
        explore(3, move || {
            let small = Arc::new(Small {
                pool: ThreadPool::new(2, 1),
                permit: permit.unwrap_or(Job::First),
                first: Bell::new(),
                short: Bell::new(),
                long: Bell::new(),
            });
            let submit = |job| small.pool.submit(job, Lane::Waits).ok().expect("it is not closed");
            let pass_on = || small.pool.pass_on(0);
            let call = submit(Job::First);
            let mut threads = vec![follow(&small, call)];
            small.first.wait();
            for job in jobs {
                // In its place comes the permit.
                let call = if matches!(job, Job::First) { pass_on() } else { submit(job) };
                threads.push(follow(&small, call));
            }
            small.long.wait();
            assert!(small.pool.close().is_empty());
            for thread in threads.into_iter().flatten() {
                thread.join().expect("it does not panic");
            }
        });
    }
}

/// The only thread is in a handler that takes until the other request was answered, which finds no thread: whoever drives
/// answers it when it has waited for long enough, and sleeps no longer than that.
#[test]
fn a_request_that_finds_no_thread_is_answered() {
    explore(2, || {
        let house = House::new(Plan { max_threads: 1, waits_in_vain: true, ..Plan::default() });
        house.spawn(reserve);
        house.start();
        house.arrive(0, Kind::WaitsForOthers, 0);
        house.arrive(1, Kind::Waits, 0);
        house.finish();
    });
}

/// A handler goes on to wait for its client, and the next one of its line may run, for which there is only the thread that drives: it
/// sleeps, and is told.
#[test]
fn whoever_may_run_once_a_handler_waits_for_its_client_finds_a_thread() {
    explore(2, || {
        let house = House::new(Plan::default());
        house.spawn(reserve);
        house.start();
        house.arrive(0, Kind::WaitsForClient, 0);
        house.arrive(1, Kind::Computes, 0);
        house.finish();
    });
}
