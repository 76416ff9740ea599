//! The threads of the crew, with the reserve and the end.

use super::explore;
use super::house::{House, Kind, Plan, reserve};

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
