//! Several shards: their drivers come and go, and the polling thread of shard 0 attends those without a driver.

use super::explore;
use super::house::{House, Kind, Plan, reserve, watch};

/// A second driver begins while connections become ready in both shards.
#[test]
fn a_shard_that_gets_a_driver_leaves_no_connection_behind() {
    explore(2, || {
        let house = House::new(Plan { shards: 2, drivers: &[2], max_threads: 2, ..Plan::default() });
        house.start();
        house.arrive(0, Kind::Quick, 0);
        house.arrive(1, Kind::Quick, 1);
        house.finish();
    });
}

/// A driver begins and then is no longer wanted: the polling thread of shard 0 attends its shard again.
#[test]
fn a_shard_that_loses_its_driver_leaves_no_connection_behind() {
    explore(2, || {
        let house = House::new(Plan { shards: 2, drivers: &[2, 1], max_threads: 2, ..Plan::default() });
        house.start();
        house.arrive(0, Kind::Quick, 1);
        house.requeue(1, Kind::Quick, 1);
        house.finish();
    });
}

/// One driver attends both shards, and connections enter the other shard's queue from outside.
#[test]
fn a_shard_without_a_driver_is_attended() {
    explore(2, || {
        let house = House::new(Plan { shards: 2, ..Plan::default() });
        house.start();
        house.requeue(0, Kind::Quick, 1);
        house.arrive(1, Kind::Quick, 1);
        house.finish();
    });
}

/// The driver of the other shard is in a handler that blocks until its neighbour there was served. With two preemptions this
/// takes minutes.
#[test]
fn a_handler_that_hangs_in_another_shard_holds_up_nobody() {
    explore(1, || {
        let house = House::new(Plan { shards: 2, drivers: &[2], max_threads: 3, ..Plan::default() });
        house.spawn(watch);
        house.start();
        house.arrive(0, Kind::Hangs, 1);
        house.arrive(1, Kind::Quick, 1);
        house.finish();
    });
}

/// As before, and no thread can drive there in its place: the driver of shard 0, which sleeps, attends the other shard.
#[test]
fn a_shard_whose_driver_hangs_is_attended_where_there_is_no_other() {
    explore(1, || {
        let house = House::new(Plan { shards: 2, drivers: &[2], max_threads: 2, ..Plan::default() });
        house.spawn(watch);
        house.start();
        house.arrive(0, Kind::Hangs, 1);
        house.arrive(1, Kind::Quick, 1);
        house.finish();
    });
}

/// The only thread for the second permit, and for its shard's handler, is the driver: the reserve attends both shards.
#[test]
fn the_reserve_attends_all_shards() {
    explore(2, || {
        let house = House::new(Plan { shards: 2, drivers: &[2], max_threads: 1, ..Plan::default() });
        house.spawn(reserve);
        house.start();
        house.arrive(0, Kind::WaitsForOthers, 1);
        house.arrive(1, Kind::Quick, 1);
        house.finish();
    });
}

/// The end comes at any moment.
#[test]
fn the_end_of_two_shards_gives_back_what_nobody_takes() {
    explore(2, || {
        let house = House::new(Plan { shards: 2, drivers: &[2], ends_itself: false, ..Plan::default() });
        house.start();
        house.arrive(0, Kind::Quick, 0);
        house.requeue(1, Kind::Quick, 1);
        house.close();
        house.finish();
    });
}
