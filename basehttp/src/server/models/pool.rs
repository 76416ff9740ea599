//! The threads of the pool, with the reserve and the end.

use super::house::{House, Kind, Plan, reserve};
use super::thread::{self, JoinHandle};
use super::{Bell, explore};
use crate::server::pool::{Call, Lane, Task, ThreadPool};
use crate::server::sync::Arc;

/// Two requests need a thread, and the driver continues.
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

/// No thread can be added, and there is not even a first one.
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

/// The end comes at any moment: every request is served or given back, and every thread ends.
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

/// What a thread of the pool gets here.
#[derive(Clone, Copy)]
enum Job {
    First,
    /// It runs until the other one is done.
    Long,
    Short,
}

struct Small {
    pool: ThreadPool<Job>,
    /// What the permit stands for.
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

/// A thread is about to be spare, or is, when two tasks come, one of which runs until the other is done. That one finds
/// another thread. Both are requests, or one is a permit.
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
                // The permit comes in its place.
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

/// The only thread is in a handler that runs until the other request has been answered, and that request finds no thread.
/// The driver answers it when it is overdue, and sleeps no longer than that.
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

/// A handler begins to wait for its client, so the next one of its lane may run. The only thread for it is the driver, which
/// sleeps and is notified.
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
