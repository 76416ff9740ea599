//! The threads of the crew, with the reserve and the end.

use loom::thread::{self, JoinHandle};

use super::house::{House, Kind, Plan, reserve};
use super::{Bell, explore};
use crate::server::crew::{Call, Crew, Task};
use crate::server::sync::Arc;

/// Two requests want a thread, and the driver goes on.
#[test]
fn every_request_finds_a_thread() {
    explore(2, || {
        let house = House::new(&Plan::default());
        house.spawn(reserve);
        house.add_driver();
        house.arrive(0, Kind::Waits);
        house.arrive(1, Kind::Waits);
        house.finish();
    });
}

/// A handler calls its own server, and its thread is the last: the reserve drives.
#[test]
fn the_reserve_drives_where_every_thread_is_in_a_handler() {
    explore(3, || {
        let house = House::new(&Plan { max_threads: 1, ..Plan::default() });
        house.spawn(reserve);
        house.add_driver();
        house.arrive(0, Kind::WaitsForOthers);
        house.arrive(1, Kind::Quick);
        house.finish();
    });
}

/// No thread can be added, and the first is not there either.
#[test]
fn the_reserve_drives_where_no_thread_is_to_be_had() {
    explore(3, || {
        let house = House::new(&Plan { can_hire: false, ..Plan::default() });
        house.spawn(reserve);
        house.add_driver();
        house.requeue(0, Kind::Quick);
        house.arrive(1, Kind::Quick);
        house.finish();
    });
}

/// The end comes at any moment: every request is served or given back, and every thread goes home.
#[test]
fn the_end_sends_every_thread_home() {
    explore(2, || {
        let house = House::new(&Plan { ends_itself: false, ..Plan::default() });
        house.spawn(reserve);
        house.add_driver();
        house.arrive(0, Kind::Waits);
        house.requeue(1, Kind::Waits);
        house.close();
        house.finish();
    });
}

/// What a thread of the crew is given here.
enum Job {
    First,
    /// It takes until `Last` was done, or a permit was taken.
    Waits,
    Last,
}

struct Small {
    crew: Crew<Job>,
    first: Bell,
    last: Bell,
    done: Bell,
}

/// `Engine::follow`, where a thread can be added.
fn follow(small: &Arc<Small>, call: Call) -> Option<JoinHandle<()>> {
    let hired = small.clone();
    (call == Call::Hire).then(|| thread::spawn(move || work(&hired)))
}

fn work(small: &Small) {
    loop {
        match small.crew.next_task() {
            Task::Serve(Job::First) => small.first.ring(),
            Task::Serve(Job::Waits) => {
                small.last.wait();
                small.done.ring();
            }
            Task::Drive | Task::Serve(Job::Last) => small.last.ring(),
            Task::End => return,
        }
    }
}

/// A thread is about to be spare, or is, when two things come, of which the first takes until the second was done: that finds
/// another thread, be it a request or a permit.
#[test]
fn a_spare_thread_is_promised_once() {
    for is_permit in [false, true] {
        explore(3, move || {
            let (first, last, done) = (Bell::new(), Bell::new(), Bell::new());
            let small = Arc::new(Small { crew: Crew::new(2), first, last, done });
            let submit = |job| small.crew.submit(job).ok().and_then(|call| follow(&small, call));
            let mut threads = vec![submit(Job::First)];
            small.first.wait();
            threads.push(submit(Job::Waits));
            threads.push(if is_permit {
                let call = small.crew.pass_on();
                follow(&small, call)
            } else {
                submit(Job::Last)
            });
            small.done.wait();
            assert!(small.crew.close().is_empty());
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
        let house = House::new(&Plan { max_threads: 1, waits_in_vain: true, ..Plan::default() });
        house.spawn(reserve);
        house.add_driver();
        house.arrive(0, Kind::WaitsForOthers);
        house.arrive(1, Kind::Waits);
        house.finish();
    });
}
