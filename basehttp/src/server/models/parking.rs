//! Connections that wait for their clients, and their deadlines.

use std::sync::Weak;
use std::time::Duration;

use super::{Bell, explore, thread};
use crate::server::sync::{Arc, AtomicBool, Mutex, Ordering, lock};
use crate::server::table::{Connection, Place, Table};
use crate::server::time::NEVER;
use crate::server::timers::Timers;
use crate::server::token::{NOTICE, READ, READ_CLOSED, ROOM, WRITE};
use crate::server::turn::{AnyConnection, Turn, TurnContext};

struct Nothing;

impl AnyConnection for Nothing {
    fn turn(&mut self, _: &mut dyn TurnContext, _: bool) -> Turn {
        Turn::Over
    }

    fn speaks_first(&self) -> bool {
        false
    }

    fn is_answered(&self) -> bool {
        false
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn refuse(&mut self) -> bool {
        false
    }
}

fn place() -> (Arc<Place>, Connection) {
    let place = Table::new(0).insert(Weak::new());
    let connection = Connection {
        place: place.clone(),
        inner: Box::new(Nothing),
        expired: false,
        newcomer: None,
        has_signed: false,
    };
    (place, connection)
}

/// What the client has sent, as the system keeps it.
#[derive(Default)]
struct Input(Mutex<bool>);

impl Input {
    fn come(&self) {
        *lock(&self.0) = true;
    }

    fn is_there(&self) -> bool {
        *lock(&self.0)
    }
}

/// Reads until there is input, or parks the connection. True if there was input.
fn read_or_park(input: &Input, place: &Place, mut connection: Connection) -> bool {
    loop {
        place.clear(READ);
        if input.is_there() {
            return true;
        }
        match place.park(connection, READ) {
            Some(back) => connection = back,
            None => return false,
        }
    }
}

/// The poller reports input once, just as the connection is being parked.
#[test]
fn what_comes_while_a_connection_lies_down_is_found() {
    explore(None, || {
        let (place, connection) = place();
        let input = Arc::new(Input::default());
        let poller = thread::spawn({
            let (place, input) = (place.clone(), input.clone());
            move || {
                // It does not wait for room to write.
                assert!(place.wake(WRITE).is_none());
                input.come();
                place.wake(READ).is_some()
            }
        });
        let was_read = read_or_park(&input, &place, connection);
        let was_woken = poller.join().expect("it does not panic");
        assert!(was_read != was_woken, "{was_read} {was_woken}");
        assert!(place.take().is_none());
    });
}

/// A handle leaves something while the client goes away. One of the two wakes the connection, which finds both; or the
/// connection found them before it was parked.
#[test]
fn what_a_handle_leaves_is_found_once() {
    explore(None, || {
        let (place, mut connection) = place();
        let left = Arc::new(Input::default());
        let handle = thread::spawn({
            let (place, left) = (place.clone(), left.clone());
            move || {
                left.come();
                place.wake(NOTICE).is_some()
            }
        });
        let poller = thread::spawn({
            let place = place.clone();
            move || place.wake(READ | READ_CLOSED).is_some()
        });
        let was_found = loop {
            place.clear(NOTICE);
            if left.is_there() {
                break true;
            }
            // The client's end is not a notice, and is reported once.
            let wants = if place.has(READ_CLOSED) { NOTICE } else { NOTICE | READ_CLOSED };
            match place.park(connection, wants) {
                Some(back) => connection = back,
                None => break false,
            }
        };
        let wakes = [handle, poller].map(|thread| thread.join().expect("it does not panic"));
        let woken = wakes.into_iter().filter(|woken| *woken).count();
        assert_eq!(woken, usize::from(!was_found), "{was_found}");
    });
}

/// Two handles wait for room: freed room wakes both, whichever has cleared the hint before.
#[test]
fn all_who_wait_for_room_look_again() {
    explore(None, || {
        let (place, _) = place();
        let room = Arc::new(Mutex::new(0));
        let senders = [(); 2].map(|()| {
            let (place, room) = (place.clone(), room.clone());
            thread::spawn(move || {
                loop {
                    {
                        let mut room = lock(&room);
                        if *room > 0 {
                            *room -= 1;
                            break;
                        }
                        // Under the lock: otherwise the hint might be the one for the other.
                        place.clear(ROOM);
                    }
                    assert!(place.wait(ROOM, A_LONG_TIME));
                }
            })
        });
        {
            let mut room = lock(&room);
            *room = 2;
            place.wake_waiting(ROOM);
        }
        for sender in senders {
            sender.join().expect("it does not panic");
        }
    });
}

/// The same for a handler that blocks its thread.
#[test]
fn a_thread_that_waits_for_its_client_is_woken() {
    explore(None, || {
        let (place, _) = place();
        let input = Arc::new(Input::default());
        let poller = thread::spawn({
            let (place, input) = (place.clone(), input.clone());
            move || {
                input.come();
                assert!(place.wake(READ).is_none());
            }
        });
        loop {
            place.clear(READ);
            if input.is_there() {
                break;
            }
            assert!(place.wait(READ, A_LONG_TIME));
        }
        poller.join().expect("it does not panic");
    });
}

#[test]
fn a_thread_that_waits_for_its_client_notices_the_end() {
    explore(None, || {
        let (place, _) = place();
        let poller = thread::spawn({
            let place = place.clone();
            move || place.cut()
        });
        assert!(place.wait(READ, A_LONG_TIME) && place.is_cut());
        poller.join().expect("it does not panic");
    });
}

/// The server cuts all connections, as `Poller::cut` does, or gives each waiting one a turn, as `Poller::stop` does.
#[test]
fn a_connection_that_lies_down_notices_the_end() {
    for cuts in [true, false] {
        explore(None, move || {
            let (place, connection) = place();
            let is_stopping = Arc::new(AtomicBool::new(false));
            let poller = thread::spawn({
                let (place, is_stopping) = (place.clone(), is_stopping.clone());
                move || {
                    if cuts {
                        place.cut();
                    } else {
                        is_stopping.store(true, Ordering::SeqCst);
                    }
                    place.take().is_some()
                }
            });
            // The end of `Engine::park`.
            let back = place.park(connection, READ).or_else(|| {
                let has_to_end = is_stopping.load(Ordering::SeqCst) || place.is_cut();
                if has_to_end { place.take() } else { None }
            });
            let was_taken = poller.join().expect("it does not panic");
            assert!(back.is_some() != was_taken);
        });
    }
}

/// Two connections get deadlines while the poller goes to sleep: it knows the earlier one, or is woken.
#[test]
fn the_poller_does_not_sleep_longer_than_the_earliest_deadline() {
    explore(4, || {
        let (timers, bell) = (Arc::new(Timers::default()), Arc::new(Bell::new()));
        let leave = |time| {
            let (timers, bell) = (timers.clone(), bell.clone());
            thread::spawn(move || {
                if timers.leave(time, 0) {
                    bell.ring();
                }
            })
        };
        let threads = [leave(5), leave(9)];
        let mut known = Vec::new();
        // As in `Poller::prepare`. A sleep that would end too late never ends here.
        while !known.contains(&5) {
            timers.take(|(time, _)| known.push(time));
            timers.fall_asleep(known.iter().copied().min().unwrap_or(NEVER));
            timers.take(|(time, _)| known.push(time));
            if !known.contains(&5) {
                bell.wait();
            }
            timers.wake_up();
        }
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        timers.take(|(time, _)| known.push(time));
        known.sort_unstable();
        assert_eq!(known, [5, 9], "each came once");
    });
}

/// A connection is parked with a later deadline, while the poller looks at the earlier one. Afterwards it has a timer.
#[test]
fn a_connection_that_lies_has_a_timer() {
    explore(None, || {
        let (place, connection) = place();
        let timers = Arc::new(Timers::default());
        place.deadline.store(5, Ordering::SeqCst);
        assert!(place.schedule(5));
        let poller = thread::spawn({
            let (place, timers) = (place.clone(), timers.clone());
            move || {
                // `Poller::expire`, at 7.
                assert!(place.unschedule(5));
                let deadline = place.deadline.load(Ordering::SeqCst);
                if deadline > 7 {
                    if place.schedule(deadline) {
                        timers.leave(deadline, 0);
                    }
                    return None;
                }
                place.take()
            }
        });
        // `Engine::park`.
        place.deadline.store(9, Ordering::SeqCst);
        assert!(place.park(connection, READ).is_none());
        if place.schedule(9) {
            timers.leave(9, 0);
        }
        let taken = poller.join().expect("it does not panic");
        let mut left = Vec::new();
        timers.take(|(time, _)| left.push(time));
        assert!(left == [9] || taken.is_some(), "{left:?}");
        assert!(left.len() <= 1 && place.is_scheduled(9) == (left.len() == 1));
        assert!(place.take().is_some() != taken.is_some());
    });
}

/// Longer than any model waits.
const A_LONG_TIME: Duration = Duration::from_secs(3600);
