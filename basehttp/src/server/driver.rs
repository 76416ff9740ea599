//! The drivers' loop: take the next ready connection and give it a turn; when there is none, poll.

use std::time::Duration;

use super::assign::{balance, clear, lay_down, pass_on, requeue, submit};
use super::machine::{DRIVER, Machine, POOL, RESERVE, Thread, TurnResult};
use super::run_queue::Next;
use super::sync::Arc;
use super::worker::Worker;

/// So long a turn may take, whatever it is made of.
const TURN: Duration = Duration::from_micros(300);

/// So long the drivers may give turns before the poller is asked whether others wait, or so many. After a turn that took its time
/// it is asked earlier: less than that would cost more calls for handlers of some microseconds, and more, others would feel.
const ROUND: Duration = Duration::from_millis(1);
const TURNS: u32 = 256;
const LONG_TURN: Duration = Duration::from_micros(100);

/// How often it is looked whose request has waited for a thread for too long, and whether the log is read again.
const OVERDUE: Duration = Duration::from_millis(100);

/// A queue of fewer is left to its own driver, which has them done before another one has them.
const WORTH_STEALING: usize = 2;

/// From here on another shard's driver is woken to help.
const WORTH_A_CALL: usize = 4;

/// Drives until the permit is gone.
pub(super) fn drive<M: Machine>(machine: &Arc<M>, worker: &Arc<Worker>, shard: usize) {
    let mut thread = Thread::new(machine, worker, DRIVER, shard);
    #[cfg(count)]
    crate::sync::counted::drives(Some(shard));
    thread.run();
    thread.tell_handled();
    #[cfg(count)]
    crate::sync::counted::drives(None);
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

impl<M: Machine> Thread<'_, M> {
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
                    // Another one polls.
                    if polls {
                        self.begin_round();
                    }
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
        let first = self.rotation % shards;
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
            TurnResult::Done => {}
            // What it goes on with has been here before its turn was over. Those of whom the poller has just told come first, or
            // a crowd that sends ahead would stand before every new one.
            TurnResult::Ready(connection) => requeue(&**machine, connection),
            TurnResult::Elsewhere(connection, _) if self.policy.may_wait || !self.worker.has_permit() => {
                requeue(&**machine, connection);
            }
            TurnResult::Elsewhere(connection, lane) => submit(machine, connection, lane),
        }
    }

    /// Has the handlers of this round counted.
    fn tell_handled(&mut self) {
        if self.handled > 0 {
            self.machine.has_handled(self.shard, std::mem::take(&mut self.handled));
        }
    }

    fn begin_round(&mut self) {
        self.tell_handled();
        M::round_begins(&mut self.local);
        self.turns = 0;
        self.began = M::instant();
        self.last = self.began;
    }

    /// Whether it is time to see who else waits.
    fn has_given_enough(&self) -> bool {
        if self.turns == 0 {
            return false;
        }
        let elapsed = self.last - self.began;
        let is_long = || elapsed >= TURN && self.last - self.turn_began >= LONG_TURN;
        self.turns >= TURNS || elapsed >= ROUND || is_long()
    }

    fn turn_ends(&mut self) {
        self.turns += 1;
        self.rotation = self.rotation.wrapping_add(1);
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
        // Where several drive, there may soon be too little to do for them.
        let soon = || {
            let has_helpers = self.shard == 0 && scheduler.drives_several();
            (scheduler.pool.may_be_overdue() || machine.has_lines() || has_helpers).then_some(OVERDUE)
        };
        // What the waker tells of, which a search has taken for nothing: others have left a shard, or want this thread elsewhere.
        let has_changed = |attended: &[(usize, Box<M::Poller>)]| {
            let is_attended = |shard| attended.iter().any(|(other, _)| *other == shard);
            (self.shard == 0 && !scheduler.unattended().all(is_attended))
                || home.in_use() > home.wanted()
                || scheduler.pool.wants_drivers()
        };
        let searches = M::SEARCH > Duration::ZERO && scheduler.drives_several() && !is_busy(&attended);
        let mut result = Ok(());
        if searches {
            result = self.search(&mut poller, &mut attended);
        }
        if result.is_ok() && !(searches && (is_busy(&attended) || has_changed(&attended))) {
            let most = if is_busy(&attended) { Some(Duration::ZERO) } else { soon() };
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
                machine.refuse(connection);
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
        // The reserve runs no code of the user: if that hung, nobody would poll. A thread that comes out of a handler writes them.
        if self.policy == RESERVE && self.machine.log_may_wait() {
            return;
        }
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
