//! The drivers' loop: take the next ready connection and give it a turn; if there is none, poll.

use std::time::Duration;

use super::assign::{balance, clear, lay_down, pass_on, requeue, submit};
use super::machine::{DRIVER, Machine, POOL, RESERVE, Thread, TurnResult};
use super::run_queue::Next;
use super::sync::Arc;
use super::worker::Worker;

/// How long a turn may take, whatever it consists of.
const TURN: Duration = Duration::from_micros(300);

/// How long, or for how many turns, drivers may give turns before they poll for others. After a long turn they poll earlier.
/// Smaller bounds would cost more system calls for handlers of some microseconds; larger ones would delay other connections
/// noticeably.
const ROUND: Duration = Duration::from_millis(1);
const TURNS: u32 = 256;
const LONG_TURN: Duration = Duration::from_micros(100);

/// How often overdue requests are checked for, and whether the log can be written again.
const OVERDUE: Duration = Duration::from_millis(100);

/// A shorter queue is left to its own driver, which empties it before another driver could.
const WORTH_STEALING: usize = 2;

/// From this length on, another shard's driver is woken to help.
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

/// Runs the handler of one request, which may block.
pub(super) fn serve<M: Machine>(machine: &Arc<M>, worker: &Arc<Worker>, connection: M::Connection) {
    let shard = machine.shard_of(&connection);
    Thread::new(machine, worker, POOL, shard).give_turn(connection);
    machine.flush_log();
    if machine.has_lines() {
        // The lines could not be written. The polling thread chose its time-out before they existed.
        machine.wake(0);
    }
}

impl<M: Machine> Thread<'_, M> {
    fn run(&mut self) {
        let scheduler = self.machine.scheduler();
        let home = scheduler.shard(self.shard);
        self.begin_round();
        while !home.is_closed() {
            // Not while holding the poller: the reader of the log may have stalled.
            if home.waiting() == 0 {
                self.flush_log();
            }
            // This thread was in a handler, or at the log, for so long that another one drives now.
            if !self.worker.has_permit() {
                return;
            }
            // The reserve drives; this thread runs a handler that has no other thread.
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
                    // Another thread polls.
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
                    // The polling thread of shard 0 attends this shard too from now on.
                    if self.shard != 0 && home.in_use() == 0 {
                        self.machine.wake(0);
                    }
                    return;
                }
            }
        }
        // While the poller was out, the thread that ended the server did not find its connections.
        clear(&**self.machine);
    }

    /// Lays the permit down, for another thread or, if there is none, for the reserve.
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

    /// Takes a connection from a shard without a driver. The shards take turns, so that none has to wait until the others
    /// are empty.
    fn take_attended(&self) -> Option<M::Connection> {
        let scheduler = self.machine.scheduler();
        let shards = scheduler.shards.len();
        if self.shard != 0 || shards == 1 {
            return None;
        }
        let first = self.rotation % shards;
        // If it is the turn of shard 0, or if no other shard has a connection, the normal path follows.
        let others = (first..shards)
            .chain(0..first)
            .take_while(|shard| *shard != 0 || scheduler.shard(0).waiting() == 0);
        let mut unattended = others.filter(|shard| *shard != 0 && scheduler.shard(*shard).in_use() == 0);
        unattended.find_map(|shard| scheduler.shard(shard).pop())
    }

    /// Takes half of what waits in another shard, if that is worth it. True if it took something.
    fn steal(&self) -> bool {
        let scheduler = self.machine.scheduler();
        let shards = scheduler.shards.len();
        let mut stolen = Vec::new();
        for step in 1..shards {
            let shard = (self.shard + step) % shards;
            scheduler.shard(shard).steal(WORTH_STEALING, &mut stolen);
            if !stolen.is_empty() {
                scheduler.shard(self.shard).extend(&mut stolen);
                // After the end no thread takes them.
                for connection in stolen {
                    self.machine.end(connection);
                }
                return true;
            }
        }
        false
    }

    /// Gives a connection its turn, and puts it where it belongs afterwards.
    pub(super) fn give_turn(&mut self, connection: M::Connection) {
        self.turn_began = self.last;
        let machine = self.machine;
        match machine.turn(self, connection) {
            TurnResult::Done => {}
            // The input that it continues with arrived before its turn was over. Connections that the poller has just
            // reported come first; otherwise a crowd of pipelining clients would come before every new one.
            TurnResult::Ready(connection) => requeue(&**machine, connection),
            TurnResult::Elsewhere(connection, _) if self.policy.may_wait || !self.worker.has_permit() => {
                requeue(&**machine, connection);
            }
            TurnResult::Elsewhere(connection, lane) => submit(machine, connection, lane),
        }
    }

    /// Adds the handlers of this round to the counts.
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

    /// Whether it is time to poll for other connections.
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
        // Work other than handlers takes time as well: reads, handshakes, sending files.
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
        // If lines could not be written, they are tried again soon, even without an event. If several threads drive, there
        // may soon be too little work for them.
        let soon = || {
            let has_helpers = self.shard == 0 && scheduler.drives_several();
            (scheduler.pool.may_be_overdue() || machine.has_lines() || has_helpers).then_some(OVERDUE)
        };
        // Reasons for a wake-up that a search has consumed: other drivers have left a shard, or this thread is needed
        // elsewhere.
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

    /// Looks for work for a while before the thread sleeps: a wake-up takes as long as many turns.
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

    /// Wakes a sleeping driver of another shard, if there is enough work here.
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

    /// Writes the collected log lines. The watchdog covers that: the reader of the log may have stalled.
    pub(super) fn flush_log(&self) {
        // The reserve runs no user code: if that blocked, no thread would poll. A thread that returns from a handler writes
        // the lines.
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
