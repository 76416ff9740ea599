//! Eight shards with eight drivers, and two with several each, in shuttle's random orders. The clock moves, so drivers
//! search before they sleep, and rounds end.

use shuttle::rand::Rng as _;

use super::house::{House, Kind, Plan, reserve, watch};
use super::{explore, thread};

const CONNECTIONS: usize = 32;

/// The shard of a connection: the first has some more.
fn shard(number: usize, shards: usize) -> usize {
    if number.is_multiple_of(5) { 0 } else { number % shards }
}

/// Runs a house in which connections come from the system and from three outside threads. Each comes after the previous one
/// was served or after some steps, so that drivers have gone to sleep or have left meanwhile. `kind` gives their kinds.
fn run(plan: Plan, kind: fn(usize) -> Kind) {
    explore(None, move || {
        let plan = Plan { connections: CONNECTIONS, drivers_repeat: true, ..plan };
        let house = House::new(plan);
        house.spawn(watch);
        house.spawn(reserve);
        house.start();
        for part in 0..3 {
            house.spawn(move |house| {
                for number in (0..CONNECTIONS).filter(|number| number % 4 == part) {
                    house.requeue(number, kind(number), shard(number, plan.shards));
                    pause(house, number);
                }
            });
        }
        for number in (0..CONNECTIONS).filter(|number| number % 4 == 3) {
            house.arrive(number, kind(number), shard(number, plan.shards));
            pause(&house, number);
        }
        if !plan.ends_itself {
            house.close();
        }
        house.finish();
    });
}

/// Lets others continue, for as many steps as shuttle chooses.
fn pause(house: &House, number: usize) {
    for _ in 0..shuttle::rand::thread_rng().gen_range(0..60) {
        if house.was_served(number) && number.is_multiple_of(2) {
            return;
        }
        thread::yield_now();
    }
}

/// Drivers come and go, in shards with work and without.
#[test]
fn eight_drivers_come_and_go() {
    let drivers = &[8, 8, 3, 8, 1, 2, 8, 4];
    run(Plan { shards: 8, drivers, max_threads: 12, ..Plan::default() }, |_| Kind::Quick);
}

/// Each of two shards has several drivers.
#[test]
fn two_shards_have_two_drivers_each_and_fewer() {
    let drivers = &[4, 4, 2, 4, 3, 1];
    run(Plan { shards: 2, drivers, max_threads: 8, ..Plan::default() }, |_| Kind::Quick);
}

/// There are never more than two.
#[test]
fn two_drivers_come_and_go() {
    run(Plan { shards: 8, drivers: &[1, 2, 1], max_threads: 4, ..Plan::default() }, |_| Kind::Quick);
}

/// Some handlers block, and one on a driver blocks until all others were served.
#[test]
fn handlers_that_wait_and_one_that_hangs_hold_up_nobody() {
    run(Plan { shards: 8, drivers: &[8, 8, 3], max_threads: 24, ..Plan::default() }, |number| match number {
        7 => Kind::Hangs,
        number if number % 3 == 0 => Kind::Waits,
        _ => Kind::Quick,
    });
}

/// There are fewer threads than wanted drivers, and handlers that need one.
#[test]
fn fewer_threads_than_drivers_serve_all() {
    run(Plan { shards: 8, drivers: &[8, 2, 8], max_threads: 3, ..Plan::default() }, |number| match number {
        number if number % 4 == 0 => Kind::Waits,
        _ => Kind::Quick,
    });
}

/// The end comes while connections arrive.
#[test]
fn the_end_of_eight_shards_gives_back_what_nobody_takes() {
    let plan =
        Plan { shards: 8, drivers: &[8, 4, 8], max_threads: 12, ends_itself: false, ..Plan::default() };
    run(plan, |number| if number % 3 == 0 { Kind::Waits } else { Kind::Quick });
}
