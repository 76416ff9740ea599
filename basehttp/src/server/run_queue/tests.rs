use std::cell::Cell;

use super::*;

fn queue(wanted: usize) -> RunQueue<u32, ()> {
    RunQueue::new(Box::new(()), wanted)
}

fn filled(connections: impl IntoIterator<Item = u32>) -> RunQueue<u32, ()> {
    let queue = queue(1);
    queue.extend(&mut connections.into_iter().collect());
    queue
}

/// A driver's own permit, which `next` lays down and gets again.
struct Permit(Cell<bool>);

impl Permit {
    fn next(&self, queue: &RunQueue<u32, ()>, polls: bool, laid_down: impl Fn()) -> String {
        let lose = || {
            laid_down();
            self.0.replace(false)
        };
        let next = queue.next(polls, || assert!(!self.0.replace(true), "it has one"), lose);
        match next {
            Next::Turn(connection) => connection.to_string(),
            Next::Poll(_) => "poll".to_owned(),
            Next::Leave => "leave".to_owned(),
        }
    }
}

/// A queue with so many drivers, and the permit of one of them.
fn driven(wanted: usize, drivers: usize) -> (RunQueue<u32, ()>, Permit) {
    let queue = queue(wanted);
    (0..drivers).for_each(|_| assert!(queue.try_permit()));
    (queue, Permit(Cell::new(true)))
}

#[test]
fn those_of_whom_the_poller_tells_come_before_those_that_have_had_a_turn() {
    let queue = RunQueue::new(Box::new(()), 1);
    (1..=8).for_each(|number| assert!(queue.put(number).is_ok()));
    queue.extend(&mut vec![11, 12, 13, 14]);
    let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(order, [11, 12, 13, 1, 14, 2, 3, 4, 5, 6, 7, 8], "and every fourth is one of the latter");
}

#[test]
fn the_number_of_waiting_connections_is_known_without_the_lock() {
    let queue = queue(1);
    assert!(queue.waiting() == 0 && queue.may_sleep());
    assert_eq!(queue.put(1), Ok(false), "the poller is in its slot, so whoever takes it looks");
    assert!(queue.waiting() == 1 && !queue.may_sleep());
    queue.extend(&mut vec![2, 3]);
    queue.extend(&mut Vec::new());
    assert_eq!(queue.waiting(), 3);
    assert_eq!((queue.pop(), queue.waiting()), (Some(2), 2));
    let mut stolen = Vec::new();
    queue.steal(2, &mut stolen);
    assert_eq!((stolen, queue.waiting()), (vec![3], 1));
    assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    assert!(queue.waiting() == 0 && queue.may_sleep());
}

#[test]
fn a_thread_that_polls_must_be_woken() {
    let queue = queue(1);
    let poller = queue.take_poller().expect("it is in its slot");
    assert!(queue.take_poller().is_none());
    assert_eq!(queue.put(1), Ok(true));
    queue.lay_back(poller);
    assert_eq!(queue.put(2), Ok(false));
}

#[test]
fn half_of_a_queue_is_stolen_but_no_more_than_a_batch() {
    for (waiting, least, stolen) in
        [(1, 2, 0), (2, 2, 1), (3, 2, 2), (7, 2, 4), (1, 1, 1), (0, 0, 0), (31, 2, 16), (100, 2, 16)]
    {
        let queue = filled(0..waiting);
        let mut into = Vec::new();
        queue.steal(least, &mut into);
        assert_eq!(into, (0..stolen).collect::<Vec<_>>(), "of {waiting}, if there are {least}");
        assert_eq!(queue.waiting(), (waiting - stolen) as usize);
    }
}

#[test]
fn a_sleeping_driver_is_called_once() {
    let queue = queue(1);
    queue.set_asleep(true);
    assert!(queue.is_asleep() && !queue.call(), "no thread drives here");
    assert!(queue.try_permit());
    assert!(queue.call(), "it sleeps");
    assert!(!queue.is_asleep() && !queue.call(), "it has been called");
    queue.set_asleep(true);
    queue.set_asleep(false);
    assert!(!queue.is_asleep() && !queue.call(), "it is awake");
}

#[test]
fn there_are_as_many_permits_as_drivers_are_wanted() {
    let queue = queue(2);
    assert_eq!([queue.try_permit(), queue.try_permit(), queue.try_permit()], [true, true, false]);
    assert_eq!((queue.in_use(), queue.wanted()), (2, 2));
    queue.give_back_permit();
    assert_eq!(queue.in_use(), 1);
    queue.want(1);
    assert!(queue.wanted() == 1 && !queue.try_permit());
    queue.want(3);
    assert!(queue.try_permit() && queue.in_use() == 2);
}

#[test]
fn a_driver_gives_turns_and_polls_when_there_are_none_or_when_it_is_time() {
    let (queue, permit) = driven(1, 1);
    queue.extend(&mut vec![1, 2]);
    assert_eq!(permit.next(&queue, false, || ()), "1");
    assert_eq!(permit.next(&queue, true, || ()), "poll");
    assert_eq!(permit.next(&queue, true, || ()), "2", "another thread polls");
    queue.lay_back(Box::new(()));
    assert_eq!(permit.next(&queue, false, || ()), "poll");
    assert!(permit.0.get() && queue.in_use() == 1);
}

#[test]
fn a_driver_without_work_leaves_the_polling_to_another() {
    let (queue, permit) = driven(2, 2);
    queue.take_poller();
    assert_eq!(permit.next(&queue, false, || ()), "leave");
    assert!(!permit.0.get() && queue.in_use() == 1);
}

#[test]
fn a_driver_whose_permit_was_taken_leaves_and_another_has_the_permit() {
    let (queue, permit) = driven(2, 2);
    queue.take_poller();
    permit.0.set(false);
    assert_eq!(permit.next(&queue, false, || ()), "leave");
    assert_eq!(queue.in_use(), 2);
    queue.want(1);
    queue.extend(&mut vec![1]);
    assert_eq!(permit.next(&queue, false, || ()), "leave");
    assert_eq!(queue.in_use(), 2);
}

#[test]
fn a_driver_that_leaves_looks_once_more() {
    // A connection has arrived meanwhile: at the last driver and at one of several.
    for drivers in [1, 2] {
        let (queue, permit) = driven(2, drivers);
        queue.take_poller();
        assert_eq!(permit.next(&queue, false, || assert!(queue.put(7).is_ok())), "7");
        assert!(permit.0.get() && queue.in_use() == drivers);
    }
    // The last one also looks at the slot.
    let (queue, permit) = driven(1, 1);
    queue.take_poller();
    assert_eq!(permit.next(&queue, false, || queue.lay_back(Box::new(()))), "poll");
    assert!(permit.0.get() && queue.in_use() == 1);
    let (queue, permit) = driven(2, 2);
    queue.take_poller();
    assert_eq!(permit.next(&queue, false, || queue.lay_back(Box::new(()))), "leave");
    // Another driver has come meanwhile, and no more are wanted.
    let (queue, permit) = driven(1, 1);
    queue.take_poller();
    let laid_down = || {
        queue.want(0);
        assert!(queue.put(7).is_ok());
    };
    assert_eq!(permit.next(&queue, false, laid_down), "leave");
    assert!(!permit.0.get() && queue.in_use() == 0);
}

#[test]
fn surplus_drivers_leave_before_their_next_turn() {
    let (queue, permit) = driven(2, 2);
    queue.extend(&mut vec![1]);
    assert_eq!(permit.next(&queue, false, || queue.want(1)), "1", "as many drive as are wanted");
    queue.want(1);
    queue.extend(&mut vec![2]);
    assert_eq!(permit.next(&queue, false, || ()), "leave");
    assert!(!permit.0.get() && queue.in_use() == 1 && queue.waiting() == 1);
    // Meanwhile another one has left.
    let (queue, permit) = driven(2, 2);
    queue.extend(&mut vec![1]);
    queue.want(1);
    assert_eq!(permit.next(&queue, false, || queue.give_back_permit()), "1");
    assert!(permit.0.get() && queue.in_use() == 1);
}

#[test]
fn after_the_end_nothing_enters_the_queue() {
    let queue = filled([1, 2]);
    assert_eq!(queue.put(3), Ok(false));
    assert!(!queue.is_closed());
    let (left, poller) = queue.close();
    assert_eq!((left, poller.is_some()), (vec![1, 2, 3], true));
    assert!(queue.is_closed() && queue.waiting() == 0 && !queue.may_sleep());
    assert_eq!(queue.put(4), Err(4));
    let mut late = vec![5];
    queue.extend(&mut late);
    assert_eq!((late, queue.waiting(), queue.pop()), (vec![5], 0, None));
    assert!(queue.close().1.is_none(), "the poller has been given back");
}
