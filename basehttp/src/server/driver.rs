//! The drivers' loop: take the next ready connection and give it a turn; when there is none, poll.

use std::time::{Duration, Instant};

use super::run_queue::Next;
use super::scheduler::{Machine, Turned, balance, clear, lay_down, pass_on, requeue, submit};
use super::sync::Arc;
use super::worker::Worker;

/// So long a turn may take, whatever it is made of, and so long the drivers may give turns before the poller is asked whether
/// others wait. Less would cost more calls for handlers of some microseconds; more, others would feel.
const TURN: Duration = Duration::from_micros(300);
const TURNS: u32 = 256;

/// How often it is looked whose request has waited for a thread for too long, and whether the log is read again.
const OVERDUE: Duration = Duration::from_millis(100);

/// A queue of fewer is left to its own driver, which has them done before another one has them.
const WORTH_STEALING: usize = 2;

/// From here on another shard's driver is woken to help.
const WORTH_A_CALL: usize = 4;

/// What a kind of thread may do.
#[expect(clippy::struct_excessive_bools, reason = "each of them is a question of its own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// It has a permit.
    pub(super) drives: bool,
    /// Code of the user may run on it.
    pub(super) runs_handlers: bool,
    /// Such code may take its time: nobody waits for this thread.
    pub(super) may_wait: bool,
    /// There is no other thread.
    pub(super) is_alone: bool,
}

pub(super) const DRIVER: Policy =
    Policy { drives: true, runs_handlers: true, may_wait: false, is_alone: false };
pub(super) const RESERVE: Policy =
    Policy { drives: true, runs_handlers: false, may_wait: false, is_alone: false };
pub(super) const POOL: Policy =
    Policy { drives: false, runs_handlers: true, may_wait: true, is_alone: false };
/// A thread of the caller's, in `handle_request`.
pub(super) const CALLER: Policy =
    Policy { drives: false, runs_handlers: true, may_wait: true, is_alone: true };

/// A thread that gives turns.
pub(super) struct Thread<'a, M: Machine> {
    pub(super) machine: &'a Arc<M>,
    pub(super) worker: &'a Arc<Worker>,
    pub(super) policy: Policy,
    /// Where it drives.
    pub(super) shard: usize,
    pub(super) local: M::Local,
    /// When this round began, between two polls.
    pub(super) began: Instant,
    /// When the turn began, and the last look at the clock.
    turn_began: Instant,
    pub(super) last: Instant,
    /// Turns given in this round, and handlers that have run in it.
    turns: u32,
    pub(super) handled: u64,
}

/// Drives until the permit is gone.
pub(super) fn drive<M: Machine>(machine: &Arc<M>, worker: &Arc<Worker>, shard: usize) {
    Thread::new(machine, worker, DRIVER, shard).run();
}

/// Drives without running handlers, until a regular thread can take over.
pub(super) fn stand_in<M: Machine>(machine: &Arc<M>, worker: &Arc<Worker>) {
    Thread::new(machine, worker, RESERVE, 0).run();
}

/// Runs the handler of one request, which may take its time.
pub(super) fn serve<M: Machine>(machine: &Arc<M>, worker: &Arc<Worker>, connection: M::Connection) {
    let shard = machine.shard_of(&connection);
    Thread::new(machine, worker, POOL, shard).give_turn(connection);
    machine.flush_log();
    if machine.has_lines() {
        // Nobody took them, and whoever polls sleeps for as long as it was quiet before.
        machine.wake(0);
    }
}

impl<'a, M: Machine> Thread<'a, M> {
    pub(super) fn new(machine: &'a Arc<M>, worker: &'a Arc<Worker>, policy: Policy, shard: usize) -> Self {
        let now = M::instant();
        Self {
            machine,
            worker,
            policy,
            shard,
            local: M::Local::default(),
            began: now,
            turn_began: now,
            last: now,
            turns: 0,
            handled: 0,
        }
    }

    fn run(&mut self) {
        let scheduler = self.machine.scheduler();
        let home = scheduler.shard(self.shard);
        self.begin_round();
        while !home.is_closed() {
            // Not with the poller in hand: whoever reads the log may have stopped to.
            if home.waiting() == 0 {
                self.flush_log();
            }
            // It was in a handler, or at the log, for so long that another one drives now.
            if !self.worker.has_permit() {
                return;
            }
            // The reserve drives, and this thread runs a handler that has no other.
            if self.policy.runs_handlers && scheduler.pool.wants_drivers() {
                return self.leave();
            }
            let polls = self.has_given_enough();
            if !polls {
                if let Some(connection) = self.take_attended() {
                    self.give_turn(connection);
                    self.turn_ends();
                    continue;
                }
                if home.waiting() == 0 {
                    self.steal();
                }
            }
            let grant = || scheduler.watchdog.grant(self.worker);
            let lose = || scheduler.watchdog.relieve(self.worker);
            match home.next(polls, grant, lose) {
                Next::Turn(connection) => {
                    self.give_turn(connection);
                    self.turn_ends();
                }
                Next::Poll(poller) => {
                    self.poll(poller);
                    self.begin_round();
                }
                Next::Leave => {
                    // Whoever polls in shard 0 attends this one as well from now on.
                    if self.shard != 0 && home.in_use() == 0 {
                        self.machine.wake(0);
                    }
                    return;
                }
            }
        }
        // The one who ended the server has not found the connections while the poller was out.
        clear(&**self.machine);
    }

    /// Lays the permit down, for another thread or, where there is none, for the reserve.
    fn leave(&self) {
        if !self.machine.scheduler().watchdog.relieve(self.worker) {
            return;
        }
        if self.shard == 0 {
            pass_on(self.machine, 0);
        } else {
            lay_down(self.machine, self.shard);
        }
    }

    /// A connection of a shard that has no driver. Each shard has its turn, so that none of them waits for the others to be empty.
    fn take_attended(&self) -> Option<M::Connection> {
        let scheduler = self.machine.scheduler();
        let shards = scheduler.shards.len();
        if self.shard != 0 || shards == 1 {
            return None;
        }
        let first = self.turns as usize % shards;
        // Where it is the turn of shard 0, or where nobody else has anything, that follows by itself.
        let others = (first..shards)
            .chain(0..first)
            .take_while(|shard| *shard != 0 || scheduler.shard(0).waiting() == 0);
        let mut unattended = others.filter(|shard| *shard != 0 && scheduler.shard(*shard).in_use() == 0);
        unattended.find_map(|shard| scheduler.shard(shard).pop())
    }

    /// Takes half of what waits in another shard, where that is worth it. True if there was something.
    fn steal(&self) -> bool {
        let scheduler = self.machine.scheduler();
        let shards = scheduler.shards.len();
        let mut stolen = Vec::new();
        for step in 1..shards {
            let shard = (self.shard + step) % shards;
            scheduler.shard(shard).steal(WORTH_STEALING, &mut stolen);
            if !stolen.is_empty() {
                scheduler.shard(self.shard).extend(&mut stolen);
                // Nobody takes them after the end.
                for connection in stolen {
                    self.machine.end(connection);
                }
                return true;
            }
        }
        false
    }

    /// Gives a connection its turn, and lays it where it belongs after it.
    pub(super) fn give_turn(&mut self, connection: M::Connection) {
        self.turn_began = self.last;
        let machine = self.machine;
        match machine.turn(self, connection) {
            Turned::Done => {}
            Turned::Ready(connection) => requeue(&**machine, connection, false),
            Turned::Tired(connection) => requeue(&**machine, connection, true),
            Turned::Elsewhere(connection, _) if self.policy.may_wait || !self.worker.has_permit() => {
                requeue(&**machine, connection, false);
            }
            Turned::Elsewhere(connection, lane) => submit(machine, connection, lane),
        }
    }

    fn begin_round(&mut self) {
        if self.handled > 0 {
            self.machine.has_handled(self.shard, std::mem::take(&mut self.handled));
        }
        self.turns = 0;
        self.began = M::instant();
        self.last = self.began;
    }

    /// Whether it is time to see who else waits.
    fn has_given_enough(&self) -> bool {
        self.turns >= TURNS || (self.turns > 0 && self.last - self.began >= TURN)
    }

    fn turn_ends(&mut self) {
        self.turns += 1;
        // What was no handler has taken its time as well: reads, handshakes, the sending of files.
        if self.last == self.turn_began {
            self.last = M::instant();
        }
    }

    /// Whether the turn has taken long enough.
    pub(super) fn turn_is_over(&self) -> bool {
        !self.policy.may_wait && self.last - self.turn_began >= TURN
    }

    fn poll(&mut self, mut poller: Box<M::Poller>) {
        let machine = self.machine;
        let scheduler = machine.scheduler();
        let home = scheduler.shard(self.shard);
        if self.policy == RESERVE && scheduler.pool.has_spare() {
            home.lay_back(poller);
            return self.leave();
        }
        let mut attended = Vec::new();
        if self.shard == 0 {
            let unattended = scheduler.unattended();
            attended
                .extend(unattended.filter_map(|shard| Some((shard, scheduler.shard(shard).take_poller()?))));
        }
        let is_busy = |attended: &[(usize, Box<M::Poller>)]| {
            !home.may_sleep() || attended.iter().any(|(shard, _)| !scheduler.shard(*shard).may_sleep())
        };
        // Lines are left that nobody took: it is tried again soon, though nobody else comes.
        let soon = (scheduler.pool.may_be_overdue() || machine.has_lines()).then_some(OVERDUE);
        let searches = !is_busy(&attended) && scheduler.drives_several();
        let mut result = Ok(());
        if searches {
            result = self.search(&mut poller, &mut attended);
        }
        if result.is_ok() && !(searches && is_busy(&attended)) {
            let most = if is_busy(&attended) { Some(Duration::ZERO) } else { soon };
            home.set_asleep(most != Some(Duration::ZERO));
            result = machine.poll(self.shard, &mut poller, &mut attended, most);
            home.set_asleep(false);
        }
        let drivers = (self.shard == 0).then(|| machine.wanted(&mut poller));
        for (shard, other) in attended {
            scheduler.shard(shard).lay_back(other);
        }
        home.lay_back(poller);
        if let Err(error) = result {
            return machine.fail(error);
        }
        if scheduler.pool.may_be_overdue() {
            for connection in scheduler.pool.overdue(machine.queue_timeout()) {
                machine.refuse(self, connection);
            }
        }
        if let Some(drivers) = drivers {
            balance(machine, drivers);
        }
        self.call_for_help();
    }

    /// Looks for something to do for a while before it sleeps: to be woken takes as long as many turns.
    fn search(
        &self,
        poller: &mut M::Poller,
        attended: &mut [(usize, Box<M::Poller>)],
    ) -> std::io::Result<()> {
        let home = self.machine.scheduler().shard(self.shard);
        let begun = M::instant();
        while M::instant() - begun < M::SEARCH {
            self.machine.poll(self.shard, poller, attended, Some(Duration::ZERO))?;
            let has_some =
                attended.iter().any(|(shard, _)| self.machine.scheduler().shard(*shard).waiting() > 0);
            if has_some || !home.may_sleep() || self.steal() {
                break;
            }
            super::sync::yield_now();
        }
        Ok(())
    }

    /// Wakes the driver of another shard that sleeps, if there is enough to do here.
    fn call_for_help(&self) {
        let scheduler = self.machine.scheduler();
        if scheduler.shards.len() == 1 || scheduler.shard(self.shard).waiting() < WORTH_A_CALL {
            return;
        }
        let mut others = (0..scheduler.shards.len()).filter(|shard| *shard != self.shard);
        if let Some(shard) = others.find(|shard| scheduler.shard(*shard).call()) {
            self.machine.wake(shard);
        }
    }

    /// Writes the gathered lines. The watchdog covers that: whoever reads them may have stopped to.
    pub(super) fn flush_log(&self) {
        if self.machine.has_lines() {
            let watchdog = &self.machine.scheduler().watchdog;
            let is_watched = self.policy == DRIVER;
            if is_watched {
                watchdog.enter(self.worker);
            }
            self.machine.flush_log();
            if is_watched {
                self.worker.leave();
            }
        }
    }
}
