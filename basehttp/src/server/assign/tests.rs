//! What a thread is given, by a machine that only notes what it is asked for.

use std::time::Instant;

use super::*;
use crate::server::machine::{Thread, TurnResult};
use crate::server::run_queue::RunQueue;
use crate::server::scheduler::Scheduler;
use crate::server::sync::{Mutex, lock};

struct Notes {
    scheduler: Scheduler<Connection, usize>,
    noted: Mutex<Vec<String>>,
    can_hire: bool,
}

/// Its number and its shard.
#[derive(Debug, PartialEq, Eq)]
struct Connection(u32, usize);

impl Notes {
    /// Its pollers are the numbers of their shards.
    fn new(shards: usize, max_threads: usize) -> Arc<Self> {
        Self::with(shards, max_threads, true)
    }

    fn with(shards: usize, max_threads: usize, can_hire: bool) -> Arc<Self> {
        let scheduler = Scheduler::new((0..shards).collect(), max_threads, 1);
        Arc::new(Self { scheduler, noted: Mutex::default(), can_hire })
    }

    fn note(&self, note: impl Into<String>) {
        lock(&self.noted).push(note.into());
    }

    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.noted))
    }

    fn in_use(&self) -> Vec<usize> {
        self.scheduler.shards.iter().map(RunQueue::in_use).collect()
    }

    /// Gives permits of these shards to drivers.
    fn drive(&self, shards: &[usize]) {
        for shard in shards {
            let queue = self.scheduler.shard(*shard);
            queue.want(queue.wanted().max(1));
            assert!(queue.try_permit());
        }
    }
}

impl Machine for Notes {
    type Connection = Connection;
    type Poller = usize;
    type Local = ();

    const SEARCH: Duration = Duration::ZERO;

    fn instant() -> Instant {
        Instant::now()
    }

    fn scheduler(&self) -> &Scheduler<Connection, usize> {
        &self.scheduler
    }

    fn shard_of(&self, connection: &Connection) -> usize {
        connection.1
    }

    fn turn(self: &Arc<Self>, _: &mut Thread<'_, Self>, _: Connection) -> TurnResult<Connection> {
        unreachable!("no thread gives turns here")
    }

    fn round_begins((): &mut ()) {}

    fn refuse(self: &Arc<Self>, connection: Connection) {
        self.note(format!("refuse {}", connection.0));
    }

    fn queue_timeout(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn poll(
        self: &Arc<Self>,
        shard: usize,
        poller: &mut usize,
        attended: &mut [(usize, Box<usize>)],
        most: Option<Duration>,
    ) -> io::Result<()> {
        self.note(format!("poll {shard} {poller} {attended:?} {most:?}"));
        if most.is_none() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    fn wanted(&self, _: &mut usize) -> usize {
        1
    }

    fn has_handled(&self, _: usize, _: u64) {}

    fn wake(&self, shard: usize) {
        self.note(format!("wake {shard}"));
    }

    fn hire(self: &Arc<Self>) -> io::Result<()> {
        self.note("hire");
        if self.can_hire { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    fn is_at_bound(&self, error: Option<io::Error>) {
        self.note(format!("at the bound {:?}", error.map(|error| error.kind())));
    }

    fn end(&self, connection: Connection) {
        self.note(format!("end {}", connection.0));
    }

    fn end_all(&self, shard: usize, poller: &usize) {
        self.note(format!("end all {shard} {poller}"));
    }

    fn fail(&self, error: io::Error) {
        unreachable!("{error}")
    }

    fn has_lines(&self) -> bool {
        false
    }

    fn log_may_wait(&self) -> bool {
        false
    }

    fn flush_log(&self) {}
}

#[test]
fn a_permit_goes_to_a_new_thread() {
    let machine = Notes::new(2, 4);
    machine.drive(&[0, 1]);
    pass_on(&machine, 1);
    assert_eq!(machine.noted(), ["hire"]);
    assert_eq!(machine.in_use(), [1, 1]);
    assert!(machine.scheduler.pool.withdraw(1), "it waits for that thread");
}

#[test]
fn a_permit_without_a_thread_is_laid_down_but_that_of_shard_0_is_for_the_reserve() {
    let machine = Notes::new(2, 0);
    machine.drive(&[0, 1]);
    pass_on(&machine, 1);
    assert_eq!(machine.noted(), ["at the bound None", "wake 0"]);
    assert_eq!(machine.in_use(), [1, 0]);
    pass_on(&machine, 0);
    assert_eq!(machine.noted(), ["at the bound None"]);
    assert_eq!(machine.in_use(), [1, 0]);
    assert!(machine.scheduler.pool.withdraw(0) && !machine.scheduler.pool.withdraw(1));
}

#[test]
fn a_thread_that_cannot_be_started_is_as_none() {
    let machine = Notes::with(1, 4, false);
    submit(&machine, Connection(1, 0), Lane::Waits);
    assert_eq!(machine.noted(), ["hire", "at the bound Some(WouldBlock)", "wake 0"]);
    assert!(machine.scheduler.pool.is_at_bound());
}

#[test]
fn a_shard_that_still_has_a_driver_is_woken_when_another_leaves() {
    let machine = Notes::new(2, 4);
    machine.scheduler.shard(1).want(2);
    machine.drive(&[0, 1, 1]);
    lay_down(&machine, 1);
    assert_eq!(machine.noted(), ["wake 1", "wake 0"]);
    lay_down(&machine, 1);
    assert_eq!(machine.noted(), ["wake 0"]);
    machine.scheduler.shard(0).want(2);
    machine.drive(&[0]);
    lay_down(&machine, 0);
    assert_eq!(machine.noted(), ["wake 0"]);
    assert_eq!(machine.in_use(), [1, 0]);
}

#[test]
fn drivers_are_woken_for_a_request_that_finds_no_thread() {
    let machine = Notes::new(3, 0);
    machine.drive(&[2]);
    submit(&machine, Connection(1, 0), Lane::Waits);
    assert_eq!(machine.noted(), ["at the bound None", "wake 0", "wake 2"]);
    machine.scheduler.pool.close();
    submit(&machine, Connection(2, 0), Lane::Waits);
    assert_eq!(machine.noted(), ["end 2"]);
}

#[test]
fn a_request_that_has_to_wait_for_its_lane_wakes_no_driver() {
    let machine = Notes::new(1, 4);
    (1..=3).for_each(|number| submit(&machine, Connection(number, 0), Lane::Computes));
    assert_eq!(machine.noted(), ["hire"]);
}

#[test]
fn a_connection_goes_to_the_queue_of_its_shard() {
    let machine = Notes::new(2, 4);
    requeue(&*machine, Connection(1, 1));
    assert_eq!((machine.noted(), machine.scheduler.shard(1).waiting()), (Vec::new(), 1));
    let _poller = machine.scheduler.shard(1).take_poller();
    requeue(&*machine, Connection(2, 1));
    assert_eq!(machine.noted(), ["wake 1"]);
    machine.scheduler.shard(1).close();
    requeue(&*machine, Connection(3, 1));
    assert_eq!(machine.noted(), ["end 3"]);
}

#[test]
fn a_thread_that_waits_for_its_client_gives_up_its_permit_and_its_place() {
    let machine = Notes::new(2, 4);
    machine.drive(&[0, 1]);
    about_to_wait(&machine);
    assert_eq!(machine.noted(), [""; 0], "this thread is none of the server's");
    let worker = Arc::new(Worker::new());
    let installed = worker.install();
    about_to_wait(&machine);
    assert_eq!(machine.noted(), [""; 0], "it has neither");
    worker.set_shard(1);
    machine.scheduler.watchdog.grant(&worker);
    about_to_wait(&machine);
    assert_eq!(machine.noted(), ["hire"]);
    assert!(!worker.has_permit() && worker.has_waited_for_client());
    assert!(machine.scheduler.pool.withdraw(1), "of the shard that it drove");
    // The second request may have a thread only when the first leaves the lane.
    let submitted = [1, 2].map(|number| machine.scheduler.pool.submit(Connection(number, 0), Lane::Computes));
    assert_eq!(submitted, [Ok(Call::Hire), Ok(Call::Queue)]);
    assert!(matches!(machine.scheduler.pool.next_task(None), crate::server::pool::Task::Serve(..)));
    worker.set_lane(Lane::Computes);
    make_way(&machine, &worker);
    assert_eq!(machine.noted(), ["hire"]);
    make_way(&machine, &worker);
    assert_eq!(machine.noted(), [""; 0], "it has left already");
    drop(installed);
    about_to_wait(&machine);
    assert_eq!(machine.noted(), [""; 0]);
}

#[test]
fn drivers_are_added_and_sent_away_by_shard() {
    let machine = Notes::new(2, 4);
    machine.drive(&[0]);
    balance(&machine, 1);
    assert_eq!((machine.noted(), machine.in_use()), (Vec::new(), vec![1, 0]));
    balance(&machine, 2);
    assert_eq!((machine.noted(), machine.in_use()), (vec!["hire".to_owned()], vec![1, 1]));
    balance(&machine, 3);
    assert_eq!((machine.noted(), machine.in_use()), (vec!["hire".to_owned()], vec![2, 1]));
    balance(&machine, 3);
    assert_eq!((machine.noted(), machine.in_use()), (Vec::new(), vec![2, 1]));
    balance(&machine, 1);
    assert_eq!(machine.noted(), ["wake 0", "wake 1"]);
    assert_eq!(machine.scheduler.shards.iter().map(RunQueue::wanted).collect::<Vec<_>>(), [1, 0]);
    // Surplus permits are given back by their drivers, not here.
    assert_eq!(machine.in_use(), [2, 1]);
}

#[test]
fn no_driver_is_added_while_threads_are_lacking() {
    let machine = Notes::new(2, 0);
    machine.drive(&[0]);
    submit(&machine, Connection(1, 0), Lane::Waits);
    machine.noted();
    balance(&machine, 2);
    assert_eq!((machine.noted(), machine.in_use()), (Vec::new(), vec![1, 0]));
}

#[test]
fn one_thread_polls_for_all_shards_and_lays_the_pollers_back() {
    let machine = Notes::new(3, 0);
    let taken = machine.scheduler.shard(1).take_poller().expect("it is in its slot");
    let most = Some(Duration::from_secs(1));
    assert!(matches!(poll_once(&machine, most), Ok(true)));
    assert_eq!(machine.noted(), ["poll 0 0 [(2, 2)] Some(1s)"]);
    machine.scheduler.shard(1).lay_back(taken);
    assert!(poll_once(&machine, None).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted));
    assert_eq!(machine.noted(), ["poll 0 0 [(1, 1), (2, 2)] None"]);
    let pollers = [0, 1, 2].map(|shard| machine.scheduler.shard(shard).take_poller());
    assert_eq!(pollers, [0, 1, 2].map(|shard| Some(Box::new(shard))));
    assert!(matches!(poll_once(&machine, most), Ok(false)), "another thread polls");
    assert_eq!(machine.noted(), [""; 0]);
}

#[test]
fn the_end_drops_what_no_thread_has_and_wakes_all() {
    let machine = Notes::new(2, 1);
    requeue(&*machine, Connection(1, 1));
    submit(&machine, Connection(2, 0), Lane::Waits);
    let _poller = machine.scheduler.shard(1).take_poller();
    machine.noted();
    close(&machine);
    assert_eq!(machine.noted(), ["end all 0 0", "end 1", "end 2", "wake 0", "wake 1"]);
    assert!(machine.scheduler.is_closed());
    assert!(matches!(machine.scheduler.pool.next_task(None), crate::server::pool::Task::End));
}
