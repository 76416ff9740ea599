//! The pool without threads of its own: each test is the thread that asks for its next task.

use super::*;

fn pool() -> ThreadPool<u32> {
    ThreadPool::new(100, 1)
}

fn submit(pool: &ThreadPool<u32>, jobs: u32, lane: Lane) -> Vec<Call> {
    (0..jobs).map(|job| pool.submit(job, lane).expect("it is open")).collect()
}

fn take(pool: &ThreadPool<u32>, count: usize) {
    for _ in 0..count {
        assert!(matches!(pool.next_task(None), Task::Serve(..)));
    }
}

#[test]
fn a_few_threads_serve_what_is_uncertain_until_that_does_not_move_on() {
    let pool = pool();
    assert_eq!(
        submit(&pool, 5, Lane::Uncertain),
        [Call::Hire, Call::Hire, Call::Queue, Call::Queue, Call::Queue]
    );
    take(&pool, 2);
    assert!(pool.has_queue());
    // One has returned and serves the next: the lane makes progress.
    assert!(matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..)));
    assert_eq!(pool.look(false), []);
    // Now none has returned.
    assert_eq!(pool.look(false), [Call::Hire, Call::Hire]);
    take(&pool, 2);
    assert!(!pool.has_queue());
    // Once they have returned, few threads are enough again.
    for _ in 0..4 {
        pool.leave(Lane::Uncertain);
    }
    assert_eq!(submit(&pool, 3, Lane::Uncertain)[2], Call::Queue);
}

#[test]
fn handlers_that_compute_take_turns_and_do_not_wait_for_each_other_for_ever() {
    let pool = pool();
    assert_eq!(submit(&pool, 3, Lane::Computes), [Call::Hire, Call::Queue, Call::Queue]);
    take(&pool, 1);
    for _ in 1..COMPUTES_TICKS {
        assert_eq!(pool.look(false), []);
    }
    assert_eq!(pool.look(false), [Call::Hire]);
    take(&pool, 1);
    // A handler that waits for its client makes room.
    assert_eq!(pool.leave(Lane::Computes), Some(Call::Hire));
    take(&pool, 1);
    pool.leave(Lane::Computes);
    pool.leave(Lane::Computes);
    assert_eq!(submit(&pool, 2, Lane::Computes), [Call::Hire, Call::Queue], "one is enough again");
}

#[test]
fn what_waits_has_a_thread_each() {
    let pool = pool();
    assert_eq!(submit(&pool, 50, Lane::Waits), [Call::Hire; 50]);
}

#[test]
fn at_the_bound_permits_of_other_shards_are_laid_down() {
    let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
    assert_eq!(pool.pass_on(1), Call::Hire);
    assert_eq!(pool.submit(0, Lane::Waits), Ok(Call::Nobody));
    assert!(pool.wants_drivers());
    assert!(matches!(pool.next_task(None), Task::LayDown(1)));
    assert!(matches!(pool.next_task(None), Task::Serve(0, Lane::Waits)));
    assert!(!pool.withdraw(1));
}

/// The numbers of the requests that get a thread at once, one after the other.
fn served(pool: &ThreadPool<u32>, count: usize) -> Vec<(u32, Lane)> {
    let next = |_| match pool.next_task(None) {
        Task::Serve(job, lane) => (job, lane),
        _ => panic!("there is a request"),
    };
    (0..count).map(next).collect()
}

#[test]
fn requests_are_served_in_the_order_in_which_they_came() {
    let pool = ThreadPool::new(100, 2);
    let lanes =
        [Lane::Computes, Lane::Waits, Lane::Uncertain, Lane::Computes, Lane::Computes, Lane::Uncertain];
    let calls: Vec<_> = lanes.into_iter().zip(0..).map(|(lane, job)| pool.submit(job, lane)).collect();
    let hire = Ok(Call::Hire);
    assert_eq!(calls, [hire, hire, hire, hire, Ok(Call::Queue), hire]);
    let order = [(0, Lane::Computes), (1, Lane::Waits), (2, Lane::Uncertain), (3, Lane::Computes)];
    assert_eq!(served(&pool, 4), order);
    assert_eq!(served(&pool, 1), [(5, Lane::Uncertain)], "two compute already");
    assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(4, Lane::Computes)));
}

#[test]
fn a_thread_that_ends_or_waits_for_its_client_makes_room_in_its_lane() {
    let pool = pool();
    submit(&pool, 1, Lane::Uncertain);
    take(&pool, 1);
    assert_eq!(pool.leave(Lane::Uncertain), None, "no request waits");
    submit(&pool, 3, Lane::Uncertain);
    take(&pool, 2);
    assert_eq!(pool.leave(Lane::Uncertain), Some(Call::Hire));
}

#[test]
fn a_lane_without_progress_may_use_twice_as_many_threads() {
    let pool = pool();
    submit(&pool, 20, Lane::Uncertain);
    let mut running = 2;
    take(&pool, running);
    for more in [2, 4, 8] {
        assert_eq!(pool.look(false), vec![Call::Hire; more]);
        take(&pool, more);
        running += more;
    }
    assert!(pool.has_queue());
    assert_eq!(pool.look(false), vec![Call::Hire; 20 - running]);
    assert!(!pool.has_queue() && pool.look(false).is_empty());
}

#[test]
fn a_lane_with_slow_progress_may_use_an_eighth_more_threads_while_there_is_time() {
    for (computing, returned, has_time, more) in [
        // Eight returns a thread are quick.
        (2, 1, true, 1),
        (2, 1, false, 0),
        (2, 15, true, 1),
        (2, 16, true, 0),
        (17, 1, true, 2),
        (17, 135, true, 2),
        (17, 136, true, 0),
    ] {
        let pool = ThreadPool::new(1000, computing);
        submit(&pool, 500, Lane::Uncertain);
        take(&pool, computing);
        for _ in 0..returned {
            assert!(matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..)));
        }
        let calls = pool.look(has_time);
        assert_eq!(calls, vec![Call::Hire; more], "{returned} of {computing} threads returned");
    }
    // Those that compute have the processors already.
    let pool = pool();
    submit(&pool, 20, Lane::Computes);
    take(&pool, 1);
    assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(..)));
    assert_eq!(pool.look(true), []);
}

#[test]
fn a_return_ends_the_suspicion_that_those_that_compute_wait_for_each_other() {
    let pool = pool();
    submit(&pool, 5, Lane::Computes);
    take(&pool, 1);
    (1..COMPUTES_TICKS).for_each(|_| assert_eq!(pool.look(false), []));
    assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(..)));
    (0..COMPUTES_TICKS).for_each(|_| assert_eq!(pool.look(false), []));
    assert_eq!(pool.look(false), [Call::Hire]);
    take(&pool, 1);
    (1..COMPUTES_TICKS).for_each(|_| assert_eq!(pool.look(false), []));
    assert_eq!(pool.look(false), [Call::Hire], "one more each time");
}

#[test]
fn a_lane_that_moves_on_has_its_former_limit_in_the_end() {
    let pool = pool();
    submit(&pool, 500, Lane::Uncertain);
    take(&pool, 2);
    assert_eq!(pool.look(false).len(), 2);
    take(&pool, 2);
    let next = || matches!(pool.next_task(Some(Lane::Uncertain)), Task::Serve(..));
    // The limit is lowered with the last of so many returns, so that one does not get another request.
    let eligible = |pool: &ThreadPool<u32>| lock(&pool.state).eligible();
    for returns in [RETURNS, RETURNS + 1] {
        (1..returns).for_each(|_| assert!(next()));
        assert!(pool.leave(Lane::Uncertain).is_none());
        assert_eq!(eligible(&pool), 0);
    }
    // Two run, as in the beginning.
    for _ in 0..2 * RETURNS {
        assert!(next());
    }
}

#[test]
fn permits_go_to_a_thread_before_requests_do() {
    let pool = pool();
    submit(&pool, 1, Lane::Waits);
    assert_eq!([pool.pass_on(0), pool.pass_on(2)], [Call::Hire, Call::Hire]);
    assert!(matches!(pool.next_task(None), Task::Drive(0)));
    assert!(matches!(pool.next_task(None), Task::Drive(2)));
    assert!(matches!(pool.next_task(None), Task::Serve(0, Lane::Waits)));
    pool.pass_on(1);
    assert!(!pool.withdraw(0) && pool.withdraw(1) && !pool.withdraw(1));
}

#[test]
fn at_the_bound_requests_go_before_permits() {
    let pool: ThreadPool<u32> = ThreadPool::new(2, 1);
    assert_eq!(submit(&pool, 3, Lane::Waits), [Call::Hire, Call::Hire, Call::Nobody]);
    assert!(pool.is_at_bound() && pool.may_be_overdue() && pool.wants_drivers());
    assert_eq!(pool.pass_on(0), Call::Nobody);
    assert_eq!(served(&pool, 3), [0, 1, 2].map(|job| (job, Lane::Waits)));
    assert!(pool.is_at_bound() && !pool.wants_drivers(), "there is no request left");
    assert!(matches!(pool.next_task(Some(Lane::Waits)), Task::Drive(0)));
    assert!(!pool.is_at_bound() && !pool.may_be_overdue());
}

#[test]
fn the_bound_remains_while_requests_wait() {
    let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
    assert_eq!(pool.pass_on(0), Call::Hire);
    assert_eq!(submit(&pool, 2, Lane::Computes), [Call::Nobody, Call::Queue]);
    take(&pool, 1);
    assert!(pool.is_at_bound() && !pool.wants_drivers(), "the other one has to wait for the first");
    // It would be the turn of the other, so the permit still waits.
    assert!(matches!(pool.next_task(Some(Lane::Computes)), Task::Serve(1, Lane::Computes)));
    assert_eq!(submit(&pool, 1, Lane::Waits), [Call::Nobody]);
    assert!(pool.is_at_bound() && pool.wants_drivers());
}

#[test]
fn a_thread_that_cannot_be_started_is_not_counted() {
    let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
    assert_eq!(submit(&pool, 1, Lane::Waits), [Call::Hire]);
    assert!(!pool.is_at_bound());
    assert_eq!(pool.cannot_hire(), Call::Nobody);
    assert!(pool.is_at_bound());
    assert_eq!(submit(&pool, 2, Lane::Waits), [Call::Hire, Call::Nobody]);
}

#[test]
fn requests_that_have_waited_too_long_are_taken_out_of_all_lanes() {
    let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
    assert!(!pool.is_overdue(Duration::ZERO) && !pool.may_be_overdue());
    for (job, lane) in [(1, Lane::Computes), (2, Lane::Waits), (3, Lane::Uncertain), (4, Lane::Computes)] {
        assert!(pool.submit(job, lane).is_ok());
    }
    assert!(pool.may_be_overdue() && pool.has_queue());
    assert!(!pool.is_overdue(Duration::from_secs(3600)) && pool.is_overdue(Duration::ZERO));
    assert!(pool.overdue(Duration::from_secs(3600)).is_empty());
    // The oldest of a lane have waited exactly as long, or longer.
    assert_eq!(pool.overdue(Duration::ZERO), [2, 3, 1, 4]);
    assert!(!pool.is_overdue(Duration::ZERO));
}

#[test]
fn a_lane_with_a_queue_may_have_overdue_requests() {
    let pool = pool();
    submit(&pool, 2, Lane::Computes);
    assert!(!pool.is_at_bound() && pool.may_be_overdue());
}

#[test]
fn the_end_returns_what_waits_and_ends_the_threads() {
    let pool = pool();
    submit(&pool, 2, Lane::Waits);
    submit(&pool, 1, Lane::Computes);
    assert_eq!(pool.close(), [0, 1, 0]);
    assert_eq!(pool.submit(7, Lane::Waits), Err(7));
    assert!(matches!(pool.next_task(None), Task::End));
    assert!(!pool.wait_for_need());
    // No thread is started for a permit either.
    assert_eq!(pool.pass_on(0), Call::Nobody);
}

/// Ends the threads of a test, also of one that fails.
struct Closes<'a>(&'a ThreadPool<u32>);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A pool with a spare thread, which sends its first task.
fn with_spare_thread(run: impl FnOnce(&ThreadPool<u32>, &std::sync::mpsc::Receiver<String>)) {
    let (pool, (told, tasks)) = (ThreadPool::new(1, 1), std::sync::mpsc::channel());
    std::thread::scope(|scope| {
        let spare = scope.spawn(|| {
            pool.pass_on(0);
            assert!(matches!(pool.next_task(None), Task::Drive(0)));
            let told = told;
            let task = match pool.next_task(None) {
                Task::Drive(shard) => format!("drive {shard}"),
                Task::LayDown(shard) => format!("lay down {shard}"),
                Task::Serve(job, lane) => format!("serve {job} {lane:?}"),
                Task::End => "end".to_owned(),
            };
            told.send(task).expect("the test waits for it");
        });
        let _end = Closes(&pool);
        while !pool.has_spare() {
            assert!(!spare.is_finished(), "it waits for a task");
            std::thread::yield_now();
        }
        run(&pool, &tasks);
    });
    assert!(!pool.has_spare());
}

#[test]
fn a_spare_thread_takes_a_request_or_a_permit() {
    with_spare_thread(|pool, tasks| {
        assert_eq!(pool.submit(5, Lane::Uncertain), Ok(Call::Spare));
        assert_eq!(tasks.recv().as_deref(), Ok("serve 5 Uncertain"));
    });
    with_spare_thread(|pool, tasks| {
        assert_eq!(pool.pass_on(3), Call::Spare);
        assert_eq!(tasks.recv().as_deref(), Ok("drive 3"));
    });
    with_spare_thread(|pool, tasks| {
        assert!(pool.close().is_empty());
        assert_eq!(tasks.recv().as_deref(), Ok("end"));
    });
}

#[test]
fn a_spare_thread_that_is_woken_in_vain_waits_again() {
    with_spare_thread(|pool, tasks| {
        // It says that the bound is not reached before it waits.
        pool.at_bound.store(true, Ordering::SeqCst);
        pool.work.notify_all();
        while pool.is_at_bound() {
            assert!(tasks.try_recv().is_err(), "there is nothing to do, not even to end");
            std::thread::yield_now();
        }
        assert_eq!(pool.submit(5, Lane::Uncertain), Ok(Call::Spare));
        assert_eq!(tasks.recv().as_deref(), Ok("serve 5 Uncertain"));
    });
}

#[test]
fn a_spare_thread_is_promised_once() {
    with_spare_thread(|pool, tasks| {
        let mut state = lock(&pool.state);
        state.tickets.push_back(1);
        assert_eq!(pool.call(&mut state, 0), Call::Spare);
        assert_eq!(pool.call(&mut state, 1), Call::Nobody, "it is the only thread");
        drop(state);
        pool.work.notify_one();
        assert_eq!(tasks.recv().as_deref(), Ok("lay down 1"), "at the bound");
    });
}

#[test]
fn the_reserve_drives_shard_0_when_no_other_thread_can() {
    let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
    std::thread::scope(|scope| {
        let reserve = scope.spawn(|| [pool.wait_for_need(), pool.wait_for_need()]);
        let _end = Closes(&pool);
        submit(&pool, 1, Lane::Waits);
        take(&pool, 1);
        assert_eq!(pool.pass_on(1), Call::Nobody, "that is not its shard");
        assert_eq!(pool.pass_on(0), Call::Nobody);
        while lock(&pool.state).tickets.contains(&0) {
            assert!(!reserve.is_finished(), "it waits for another need");
            std::thread::yield_now();
        }
        assert!(pool.withdraw(1));
        pool.close();
        assert_eq!(reserve.join().expect("it does not panic"), [true, false]);
    });
}

/// What the pool counts: its threads, and those of them that wait for a task.
fn counted(pool: &ThreadPool<u32>) -> (usize, usize) {
    let state = lock(&pool.state);
    (state.threads, state.idle)
}

#[test]
fn threads_are_counted_until_they_end() {
    let pool = pool();
    submit(&pool, 2, Lane::Waits);
    take(&pool, 2);
    assert_eq!(counted(&pool), (2, 0));
    pool.cannot_hire();
    assert_eq!(counted(&pool), (1, 0));
    pool.close();
    assert!(matches!(pool.next_task(Some(Lane::Waits)), Task::End));
    assert_eq!(counted(&pool), (0, 0));
}

#[test]
fn a_spare_thread_that_nobody_needs_ends() {
    let pool = pool();
    submit(&pool, 1, Lane::Waits);
    take(&pool, 1);
    // It has nothing to do for the whole of the time that a spare thread stays.
    assert!(matches!(pool.next_task(Some(Lane::Waits)), Task::End));
    assert_eq!(counted(&pool), (0, 0));
}

#[test]
fn a_request_in_a_full_lane_does_not_keep_drivers_from_driving() {
    let pool: ThreadPool<u32> = ThreadPool::new(1, 1);
    assert_eq!(pool.pass_on(0), Call::Hire);
    assert_eq!(submit(&pool, 2, Lane::Computes), [Call::Nobody, Call::Queue]);
    take(&pool, 1);
    assert!(pool.is_at_bound());
    // The next one may not run yet, so it is not this thread that it waits for.
    assert!(matches!(pool.next_task(None), Task::Drive(0)));
    assert!(!pool.is_at_bound());
}

#[test]
fn the_reserve_leaves_a_permit_to_a_spare_thread_and_to_a_new_one() {
    for (idle, at_bound) in [(1, true), (0, false)] {
        let pool = pool();
        let mut state = lock(&pool.state);
        state.idle = idle;
        state.tickets.push_back(0);
        drop(state);
        pool.at_bound.store(at_bound, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let reserve = scope.spawn(|| pool.wait_for_need());
            let end = Closes(&pool);
            for _ in 0..1000 {
                std::thread::yield_now();
                assert!(!reserve.is_finished(), "another thread takes it");
            }
            drop(end);
            assert!(!reserve.join().expect("it does not panic"));
        });
    }
}
