//! The run queue, with the poller in its slot.

use super::explore;
use super::house::{House, Kind, Plan, watch};

/// One connection comes from outside, one from the poller, while the drivers come and go.
#[test]
fn two_drivers_leave_no_connection_behind() {
    explore(2, || {
        let house = House::new(Plan { drivers: &[2], ..Plan::default() });
        house.start_all();
        house.requeue(0, Kind::Quick, 0);
        house.arrive(1, Kind::Quick, 0);
        house.finish();
    });
}

/// Two come from outside at the same time.
#[test]
fn two_from_outside_are_served() {
    explore(3, || {
        let house = House::new(Plan::default());
        house.start();
        house.spawn(|house| house.requeue(0, Kind::Quick, 0));
        house.requeue(1, Kind::Quick, 0);
        house.finish();
    });
}

/// Meanwhile the only permit moves from thread to thread, also away from one that writes the log.
#[test]
fn a_permit_that_is_taken_leaves_no_connection_behind() {
    explore(2, || {
        let house = House::new(Plan { has_lines: true, ..Plan::default() });
        house.start();
        house.spawn(watch);
        house.requeue(0, Kind::Quick, 0);
        house.arrive(1, Kind::Quick, 0);
        house.finish();
    });
}

/// The end comes at any moment: the contents of the queue are given back, by the thread that ends it or by the one that has
/// the poller.
#[test]
fn the_end_gives_back_what_nobody_takes() {
    explore(2, || {
        let house = House::new(Plan { drivers: &[2], connections: 3, ends_itself: false, ..Plan::default() });
        house.start_all();
        house.requeue(0, Kind::Quick, 0);
        house.arrive(1, Kind::Quick, 0);
        house.close();
        house.requeue(2, Kind::Quick, 0);
        house.finish();
    });
}

/// The end wakes the poller once, and another driver may have it by then.
#[test]
fn no_driver_sleeps_after_the_end() {
    explore(3, || {
        let house = House::new(Plan { drivers: &[2], connections: 0, ends_itself: false, ..Plan::default() });
        house.start_all();
        house.close();
        house.finish();
    });
}

/// A connection comes from outside during the end: it is given back by one side or by the other.
#[test]
fn nothing_comes_into_a_queue_that_was_emptied() {
    explore(None, || {
        let house = House::new(Plan { connections: 1, ends_itself: false, ..Plan::default() });
        house.spawn(|house| house.requeue(0, Kind::Quick, 0));
        house.close();
        house.finish();
    });
}
