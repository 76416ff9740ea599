//! The permits, and the watchdog that takes them.

use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};

use super::house::{House, Kind, Plan, reserve, watch};
use super::{Bell, explore, thread};
use crate::server::sync::{Arc, AtomicBool, Ordering};
use crate::server::watchdog::Watchdog;
use crate::server::worker::Worker;

/// The handler returns only after its thread has lost the permit, and the watchdog goes to sleep whenever it may.
#[test]
fn the_watchdog_does_not_sleep_while_a_driver_is_in_a_handler() {
    explore(4, || {
        let watchdog = Arc::new(Watchdog::new());
        let (taken, is_over) = (Arc::new(Bell::new()), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (watchdog, taken, is_over) = (watchdog.clone(), taken.clone(), is_over.clone());
            move || {
                let mut permits = 0;
                loop {
                    watchdog.sleep(|| is_over.load(Ordering::SeqCst));
                    if is_over.load(Ordering::SeqCst) {
                        return permits;
                    }
                    for _ in 0..2 {
                        let seen = watchdog.look();
                        assert!(seen.taken.len() == 0 || seen.active);
                        for _ in 0..seen.taken.len() {
                            permits += 1;
                            taken.ring();
                        }
                    }
                }
            }
        });
        let worker = Arc::new(Worker::new());
        watchdog.grant(&worker);
        watchdog.enter(&worker);
        worker.leave();
        // It may have been taken from the first handler already.
        if worker.has_permit() {
            watchdog.enter(&worker);
            taken.wait();
            worker.leave();
        }
        assert!(!worker.has_permit() && !watchdog.relieve(&worker));
        is_over.store(true, Ordering::SeqCst);
        watchdog.rouse();
        assert_eq!(thread.join().expect("it does not panic"), 1);
    });
}

/// A driver that is about to wait for its client lays the permit down while the watchdog takes it: only one of them does.
#[test]
fn a_permit_is_taken_once() {
    explore(None, || {
        let watchdog = Arc::new(Watchdog::new());
        let worker = Arc::new(Worker::new());
        watchdog.grant(&worker);
        let tickets = Arc::new(Count::new(0));
        let thread = thread::spawn({
            let (watchdog, tickets) = (watchdog.clone(), tickets.clone());
            move || {
                for _ in 0..3 {
                    tickets.fetch_add(watchdog.look().taken.len(), SeqCst);
                }
            }
        });
        watchdog.enter(&worker);
        let had = watchdog.relieve(&worker);
        tickets.fetch_add(usize::from(had), SeqCst);
        worker.leave();
        assert!(!worker.has_permit());
        // It comes back as a driver, and the watchdog watches it as before.
        watchdog.grant(&worker);
        thread.join().expect("it does not panic");
        assert_eq!(tickets.load(SeqCst), 1);
        assert!(worker.has_permit());
        watchdog.enter(&worker);
        assert_eq!(
            [watchdog.look().taken.len(), watchdog.look().taken.len(), watchdog.look().taken.len()]
                .iter()
                .sum::<usize>(),
            1
        );
    });
}

/// Many short handlers are not one long one.
#[test]
fn a_permit_is_taken_only_from_the_code_that_was_seen_twice() {
    explore(None, || {
        let watchdog = Arc::new(Watchdog::new());
        let worker = Arc::new(Worker::new());
        watchdog.grant(&worker);
        // How many handlers have begun, for the model alone.
        let begun = Arc::new(Count::new(0));
        let thread = thread::spawn({
            let (watchdog, begun) = (watchdog.clone(), begun.clone());
            move || {
                assert_eq!(watchdog.look().taken.len(), 0, "it was not seen before");
                let seen = begun.load(SeqCst);
                (watchdog.look().taken.len(), seen)
            }
        });
        let mut taken_from = None;
        for handler in 1..=3 {
            begun.store(handler, SeqCst);
            watchdog.enter(&worker);
            worker.leave();
            if !worker.has_permit() {
                taken_from.get_or_insert(handler);
            }
        }
        let (taken, seen) = thread.join().expect("it does not panic");
        assert_eq!(taken, usize::from(!worker.has_permit()));
        assert!(taken_from.is_none_or(|handler| handler <= seen), "that one was seen once at most");
    });
}

/// A handler on the driver blocks until the other connection has been served, which only the watchdog can make possible.
#[test]
fn a_handler_that_hangs_on_the_driver_holds_up_nobody() {
    explore(2, || {
        let house = House::new(Plan::default());
        house.arrive(0, Kind::Hangs, 0);
        house.spawn(watch);
        house.start();
        house.arrive(1, Kind::Quick, 0);
        house.finish();
    });
}

/// As before, and the reserve is the only other thread.
#[test]
fn a_handler_that_hangs_on_the_last_thread_holds_up_nobody() {
    explore(2, || {
        let house = House::new(Plan { max_threads: 1, ..Plan::default() });
        house.arrive(0, Kind::Hangs, 0);
        house.arrive(1, Kind::Quick, 0);
        house.spawn(watch);
        house.spawn(reserve);
        house.start();
        house.finish();
    });
}
