//! The drivers' loop: take the next ready connection and give it a turn; when there is none, poll.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::caught::caught;
use super::engine::{Engine, hint_for};
use super::predictor::Slot;
use super::session::{Host, Turn};
use super::table::Connection;
use super::usage::Usage;
use super::watchdog::TICK;
use super::worker::Worker;

/// From here on a handler is worth a hand-over, which costs about as much.
const QUICK: Duration = Duration::from_micros(100);

/// A second driver joins when a round cost more processor time than this, and more than that for each connection: below,
/// the two would only get into each other's way.
const HEAVY_ROUND: Duration = Duration::from_micros(500);
const HEAVY_TURN: Duration = Duration::from_micros(20);

/// So many turns, or two ticks, and the poller is asked whether others wait.
const TURNS: u32 = 256;

/// Drives until the permit is gone.
pub(super) fn drive(engine: &Arc<Engine>, worker: &Arc<Worker>) {
    let mut host = Thread::new(engine, worker, Role::Driver);
    run(engine, worker, &mut host);
}

/// Drives without running handlers, until a regular thread can take over.
pub(super) fn stand_in(engine: &Arc<Engine>, worker: &Arc<Worker>) {
    let mut host = Thread::new(engine, worker, Role::Reserve);
    run(engine, worker, &mut host);
}

/// Runs the handler of one request, which is expected to wait.
pub(super) fn serve(engine: &Arc<Engine>, worker: &Arc<Worker>, connection: Connection) {
    let mut host = Thread::new(engine, worker, Role::Pool { used: false });
    host.give_turn(connection);
    engine.log.flush();
}

/// Serves what is ready on a thread of the caller's, up to the first connection that had a request.
pub(super) fn serve_one(engine: &Arc<Engine>, worker: &Arc<Worker>) -> bool {
    let mut host = Thread::new(engine, worker, Role::Alone);
    while !host.has_answered {
        let Some(connection) = engine.ready.pop() else { break };
        host.give_turn(connection);
    }
    engine.log.flush();
    host.has_answered
}

fn run(engine: &Arc<Engine>, worker: &Arc<Worker>, host: &mut Thread<'_>) {
    while !engine.crew.is_closed() {
        let mut turns = 0;
        let mut since = None;
        while let Some(connection) = engine.ready.pop() {
            host.give_turn(connection);
            if !worker.has_permit() {
                return;
            }
            turns += 1;
            if turns % 16 == 0 && since.get_or_insert_with(Instant::now).elapsed() > 2 * TICK
                || turns >= TURNS
            {
                break;
            }
        }
        host.judge_round(turns);
        let Some(mut core) = engine.core().take() else {
            // Somebody else polls, and will find what comes.
            if !worker.lose_permit() {
                return;
            }
            engine.crew.lay_down();
            // Unless that one has laid it back meanwhile, and found no permit to go on with.
            let is_over = engine.ready.is_empty() && engine.core().is_none();
            if is_over || !engine.crew.try_permit() {
                return;
            }
            worker.grant_permit();
            continue;
        };
        if host.role == Role::Reserve && engine.crew.has_spare() {
            *engine.core() = Some(core);
            if worker.lose_permit() {
                engine.crew.pass_on(engine);
            }
            return;
        }
        // Whoever puts something into the queue from now on wakes the poller.
        let busy = !engine.ready.is_empty();
        if !busy {
            engine.log.flush();
        }
        let overdue = engine.crew.has_jobs().then_some(Duration::from_millis(100));
        let polled = core.poll(engine, if busy { Some(Duration::ZERO) } else { overdue });
        *engine.core() = Some(core);
        if let Err(error) = polled {
            engine.shutdown.fail(error);
            return;
        }
        for connection in engine.crew.overdue(engine.settings.queue_timeout) {
            host.refuse(connection);
        }
        if !worker.has_permit() {
            if !engine.crew.try_permit() {
                return;
            }
            worker.grant_permit();
        }
        host.begin_round();
    }
    // The one who ended the server has not found the connections while the poller was out.
    engine.clear();
}

/// A thread as the host of turns.
struct Thread<'a> {
    engine: &'a Arc<Engine>,
    worker: &'a Arc<Worker>,
    role: Role,
    slot: Option<Slot>,
    /// What the thread had used when the round began.
    base: Usage,
    round: Instant,
    /// Handlers are timed one by one.
    timing: bool,
    entered: Option<Instant>,
    /// A request was taken up.
    has_answered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Driver,
    Reserve,
    /// Runs one handler that may wait.
    Pool {
        used: bool,
    },
    /// There is no other thread.
    Alone,
}

impl<'a> Thread<'a> {
    fn new(engine: &'a Arc<Engine>, worker: &'a Arc<Worker>, role: Role) -> Self {
        Self {
            engine,
            worker,
            role,
            slot: None,
            base: Usage::now(),
            round: Instant::now(),
            timing: false,
            entered: None,
            has_answered: false,
        }
    }

    /// Gives a connection its turn, and lays it where it belongs after it.
    fn give_turn(&mut self, mut connection: Connection) {
        loop {
            let expired = std::mem::take(&mut connection.expired);
            // A panic of our own costs this connection, not the driver with its permit.
            let turn = caught(|| connection.session.turn(self, expired)).unwrap_or(Turn::Over);
            match turn {
                Turn::Over => {
                    let token = connection.place.token;
                    self.enter();
                    self.engine.end(connection);
                    self.leave();
                    self.engine.freed.push(token);
                    return;
                }
                // The one request that was asked for is brought to its end.
                Turn::Later(want, patience) if self.role == Role::Alone && self.has_answered => {
                    let place = connection.place.clone();
                    connection.expired = self.engine.wait_alone(&place, hint_for(want), patience).is_err();
                }
                Turn::Later(want, patience) => match self.engine.park(connection, want, patience) {
                    Some(back) => connection = back,
                    None => return,
                },
                Turn::Again => return self.engine.requeue(connection),
                Turn::Elsewhere => {
                    if matches!(self.role, Role::Pool { .. }) || !self.worker.has_permit() {
                        self.engine.requeue(connection);
                    } else {
                        let at_bound = self.engine.crew.submit(self.engine, connection);
                        // The reserve drives, and this thread runs the handler.
                        if at_bound && self.role == Role::Driver && self.worker.lose_permit() {
                            self.engine.crew.pass_on(self.engine);
                        }
                    }
                    return;
                }
            }
        }
    }

    /// Tells a client whose request has found no thread in time.
    fn refuse(&mut self, mut connection: Connection) {
        if connection.session.refuse() {
            self.give_turn(connection);
        } else {
            self.engine.crew.submit(self.engine, connection);
        }
    }

    fn begin_round(&mut self) {
        self.base = Usage::now();
        self.round = Instant::now();
    }

    /// Learns from the round that is over.
    fn judge_round(&mut self, turns: u32) {
        if turns == 0 {
            return;
        }
        self.timing = self.round.elapsed() > QUICK * turns;
        if turns > 1 && self.role == Role::Driver {
            let cost = Usage::now().cpu.saturating_sub(self.base.cpu);
            if cost > HEAVY_ROUND && cost > HEAVY_TURN * turns && self.engine.crew.try_permit() {
                self.engine.crew.pass_on(self.engine);
            }
        }
    }

    /// Whether the thread has waited since the round began, other than for its own client.
    fn has_waited(&mut self) -> bool {
        let usage = Usage::now();
        let waited = usage.has_waited_since(&self.base);
        self.base = usage;
        waited
    }
}

impl Host for Thread<'_> {
    fn admits(&mut self, command: &str, path: &str) -> bool {
        let slot = self.engine.predictor.slot(command, path);
        let admitted = match &mut self.role {
            Role::Alone => true,
            Role::Reserve => false,
            Role::Driver => self.worker.has_permit() && !self.engine.predictor.waits(slot),
            Role::Pool { used } => !std::mem::replace(used, true),
        };
        self.slot = Some(slot).filter(|_| admitted);
        self.has_answered |= admitted;
        admitted
    }

    fn expects_quickness(&self) -> bool {
        self.role == Role::Driver && self.slot.is_some_and(|slot| self.engine.predictor.is_known(slot))
    }

    fn admits_all(&self) -> bool {
        matches!(self.role, Role::Pool { .. } | Role::Alone)
    }

    fn runs_user_code(&self) -> bool {
        self.role != Role::Reserve
    }

    fn is_stopping(&self) -> bool {
        self.engine.is_stopping()
    }

    fn before_sending(&self) {
        if self.role != Role::Driver || self.engine.ready.is_empty() {
            self.engine.log.flush();
        }
    }

    fn enter(&mut self) {
        if self.timing || matches!(self.role, Role::Pool { .. }) {
            self.entered = Some(Instant::now());
        }
        self.worker.forget_wait();
        if self.role == Role::Driver {
            self.worker.enter(self.engine);
        }
    }

    fn leave(&mut self) {
        let elapsed = self.entered.take().map(|entered| entered.elapsed());
        if self.role == Role::Driver {
            self.worker.leave();
        }
        let Some(slot) = self.slot.take().filter(|_| !self.worker.has_waited_for_client()) else { return };
        let role = self.role;
        match role {
            // The watchdog took the permit: a tick is long, and the question is what the handler did with it.
            Role::Driver
                if (!self.worker.has_permit() || elapsed.is_some_and(|elapsed| elapsed >= QUICK))
                    && self.has_waited() =>
            {
                self.engine.predictor.learn(slot, true);
            }
            Role::Driver if !self.engine.predictor.is_known(slot) => self.engine.predictor.learn(slot, false),
            Role::Pool { .. } => {
                let waited = elapsed.is_some_and(|elapsed| elapsed >= QUICK) && self.has_waited();
                self.engine.predictor.learn(slot, waited);
            }
            _ => {}
        }
    }
}
