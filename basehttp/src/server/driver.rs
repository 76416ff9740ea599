//! The drivers' loop: take the next ready connection and give it a turn; when there is none, poll.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::caught::caught;
use super::crew::Lane;
use super::engine::{Engine, hint_for};
use super::poller::Core;
use super::predictor::{Guess, Kind, Lesson};
use super::session::{Host, Turn};
use super::shift::Next;
use super::table::Connection;
use super::usage::Usage;
use super::watchdog::TICK;
use super::worker::Worker;
use crate::handler::exchange::Shared;

/// From here on a handler is worth a hand-over, which costs about as much.
const QUICK: Duration = Duration::from_micros(100);

/// A second driver joins when a round cost more processor time than this, and more than that for each connection: below,
/// the two would only get into each other's way.
const HEAVY_ROUND: Duration = Duration::from_micros(500);
const HEAVY_TURN: Duration = Duration::from_micros(20);

/// So long a turn may take, whatever it is made of, and so long the drivers may give turns before the poller is asked whether
/// others wait. Less would cost more calls for handlers of some microseconds; more, others would feel.
const TURN: Duration = Duration::from_micros(300);
const TURNS: u32 = 256;

/// How often it is looked whose request has waited for a thread for too long, and whether the log is read again.
const OVERDUE: Duration = Duration::from_millis(100);

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
    if engine.log.has_lines() {
        // Nobody took them, and who polls sleeps for as long as it was quiet before.
        engine.shutdown.wake_poller();
    }
}

/// Serves what is ready on a thread of the caller's, up to the first connection that had a request.
pub(super) fn serve_one(engine: &Arc<Engine>, worker: &Arc<Worker>) -> bool {
    let mut host = Thread::new(engine, worker, Role::Alone);
    while !host.has_answered {
        let Some(connection) = engine.shift.pop() else { break };
        host.give_turn(connection);
    }
    engine.log.flush();
    host.has_answered
}

fn run(engine: &Arc<Engine>, worker: &Arc<Worker>, host: &mut Thread<'_>) {
    host.begin_round();
    while !engine.is_closed() {
        // Not with the poller in hand: who reads the log may have stopped to.
        if engine.shift.waiting() == 0 {
            host.flush_log();
        }
        // It was in a handler, or at the log, for so long that another one drives now.
        if !worker.has_permit() {
            return;
        }
        // The reserve drives, and this thread runs a handler that has no other.
        if host.role == Role::Driver && engine.crew.wants_drivers() {
            if engine.watchdog.relieve(worker) {
                engine.pass_on();
            }
            return host.judge_round();
        }
        let polls = host.has_given_enough();
        match engine.shift.next(polls, || engine.watchdog.grant(worker), || engine.watchdog.relieve(worker)) {
            Next::Turn(connection) => {
                host.give_turn(connection);
                host.turn_ends();
            }
            Next::Poll(core) => {
                host.judge_round();
                host.poll(core);
                host.begin_round();
            }
            Next::Leave => return host.judge_round(),
        }
    }
    // The one who ended the server has not found the connections while the poller was out.
    engine.clear();
}

/// A thread as the host of turns.
struct Thread<'a> {
    engine: &'a Arc<Engine>,
    worker: &'a Arc<Worker>,
    role: Role,
    kind: Option<Kind>,
    /// Who is to run the handler that may not run here.
    lane: Lane,
    /// The handler was quick before.
    is_quick: bool,
    /// Turns given in this round.
    turns: u32,
    began: Instant,
    /// What the thread had used when the round began, where that is asked for.
    used: Option<Usage>,
    /// How the round before went.
    pace: Pace,
    /// What the thread had used when the handler was called, where the system was asked.
    used_before: Option<Usage>,
    /// When the handler was called.
    called: Option<Instant>,
    /// When the turn began, and the last look at the clock.
    turn_began: Instant,
    last: Instant,
    /// The watchdog knows where replies have gathered in this turn.
    has_gathered: bool,
    /// A request was taken up.
    has_answered: bool,
}

/// What a turn took by the clock, on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Light,
    /// Two drivers may be better; the processor time is asked for.
    Heavy,
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
        let now = Instant::now();
        Self {
            engine,
            worker,
            role,
            kind: None,
            lane: Lane::Waits,
            is_quick: false,
            turns: 0,
            began: now,
            used: None,
            pace: Pace::Light,
            used_before: None,
            called: None,
            turn_began: now,
            last: now,
            has_gathered: false,
            has_answered: false,
        }
    }

    /// Whether such a handler may run on a driver. Else says who is to run it.
    fn is_trusted(&mut self, kind: Kind) -> bool {
        let guess = self.engine.predictor.guess(kind);
        self.lane = match guess {
            Guess::Quick | Guess::Slow => {
                self.is_quick = guess == Guess::Quick;
                return true;
            }
            Guess::Unknown => Lane::Unknown,
            Guess::Waits => Lane::Waits,
            Guess::Computes => Lane::Computes,
        };
        false
    }

    /// Gives a connection its turn, and lays it where it belongs after it.
    fn give_turn(&mut self, mut connection: Connection) {
        if let Some(client) = connection.newcomer.take() {
            if !self.runs_user_code() {
                connection.newcomer = Some(client);
                self.engine.submit(connection, Lane::Waits);
                return;
            }
            self.enter();
            let is_welcome = self.engine.verify(&client);
            self.leave();
            if !is_welcome {
                return self.engine.turn_away(connection);
            }
        }
        loop {
            let expired = std::mem::take(&mut connection.expired);
            self.turn_began = self.last;
            (self.lane, self.is_quick) = (Lane::Waits, false);
            // A panic of our own costs this connection, not the driver with its permit.
            let turn = caught(|| connection.session.turn(self, expired)).unwrap_or_else(|message| {
                self.engine
                    .log
                    .complain(&format!("a connection is lost to a panic of the server: {message}"));
                Turn::Over
            });
            if std::mem::take(&mut self.has_gathered) {
                self.worker.set_gathered(None);
            }
            match turn {
                Turn::Over => return self.end(connection),
                // The one request that was asked for is brought to its end.
                Turn::Later(want, patience) if self.role == Role::Alone && self.has_answered => {
                    let place = connection.place.clone();
                    connection.expired = self.engine.wait_alone(&place, hint_for(want), patience).is_err();
                }
                Turn::Later(want, patience) => match self.engine.park(connection, want, patience, self.now())
                {
                    // There is nobody else to wait for.
                    Some(back) if self.role == Role::Alone => connection = back,
                    // More may have come while others wait, and so on without end.
                    Some(back) => return self.engine.requeue(back),
                    None => return,
                },
                Turn::Again if self.role == Role::Alone && self.has_answered => {}
                Turn::Again => return self.engine.requeue_tired(connection),
                Turn::Elsewhere => {
                    if matches!(self.role, Role::Pool { .. }) || !self.worker.has_permit() {
                        self.engine.requeue(connection);
                    } else {
                        self.engine.submit(connection, self.lane);
                    }
                    return;
                }
            }
        }
    }

    /// Closes a connection. That drops its handler, which is code of the user.
    fn end(&mut self, connection: Connection) {
        self.enter();
        self.engine.end(connection);
        self.leave();
    }

    /// Tells a client whose request has found no thread in time.
    fn refuse(&mut self, mut connection: Connection) {
        // It costs nobody anything to tell one who may not be welcome.
        connection.newcomer = None;
        if connection.session.refuse() {
            self.engine.refused.tell(&self.engine.log, || {
                let waited = self.engine.settings.queue_timeout;
                format!(
                    "a connection has found no thread within {waited:?} (queue_timeout) and is answered 503"
                )
            });
            self.give_turn(connection);
        } else {
            self.engine.submit(connection, Lane::Waits);
        }
    }

    /// The time on the engine's clock, exact enough for a deadline: a round is short, unless a handler made it long.
    fn now(&self) -> u64 {
        if self.role == Role::Driver && self.worker.has_permit() {
            self.engine.time_of(self.began)
        } else {
            self.engine.now()
        }
    }

    fn begin_round(&mut self) {
        self.turns = 0;
        self.began = Instant::now();
        self.last = self.began;
        self.used = (self.pace == Pace::Heavy).then(Usage::now);
    }

    /// Whether it is time to see who else waits.
    fn has_given_enough(&self) -> bool {
        self.turns >= TURNS || (self.turns > 0 && self.last - self.began >= TURN)
    }

    fn turn_ends(&mut self) {
        self.turns += 1;
        // What was no handler has taken its time as well: reads, handshakes, the sending of files.
        if self.last == self.turn_began {
            self.last = Instant::now();
        }
    }

    /// Learns from the round that is over. The system is asked for the processor time only where the wall clock says that it
    /// may be much.
    fn judge_round(&mut self) {
        if self.turns == 0 || self.role != Role::Driver {
            return;
        }
        let elapsed = self.began.elapsed();
        self.pace = match elapsed / self.turns {
            turn if turn > HEAVY_TURN => Pace::Heavy,
            _ => Pace::Light,
        };
        let is_heavy = &self.engine.is_heavy;
        if self.pace == Pace::Light {
            is_heavy.store(false, Ordering::Relaxed);
        } else if let Some(used) = self.used {
            let cost = Usage::now().cpu.saturating_sub(used.cpu);
            // Two drivers have shorter rounds than one.
            let least = if is_heavy.load(Ordering::Relaxed) { HEAVY_ROUND / 4 } else { HEAVY_ROUND };
            is_heavy.store(cost > HEAVY_TURN * self.turns && cost > least, Ordering::Relaxed);
        }
    }

    fn poll(&mut self, mut core: Box<Core>) {
        let engine = self.engine;
        if self.role == Role::Reserve && engine.crew.has_spare() {
            engine.shift.lay_back(core);
            if engine.watchdog.relieve(self.worker) {
                engine.pass_on();
            }
            return;
        }
        let busy = !engine.shift.may_sleep();
        // Lines are left that nobody took: it is tried again soon, though nobody else comes.
        let soon = (engine.crew.is_at_bound() || engine.log.has_lines()).then_some(OVERDUE);
        let polled = core.poll(engine, if busy { Some(Duration::ZERO) } else { soon });
        engine.shift.lay_back(core);
        if let Err(error) = polled {
            return engine.shutdown.fail(error);
        }
        if engine.crew.may_be_overdue() {
            for connection in engine.crew.overdue(engine.settings.queue_timeout) {
                self.refuse(connection);
            }
        }
        // There is work for two.
        if engine.is_heavy.load(Ordering::Relaxed) && engine.shift.waiting() > 1 && engine.shift.try_permit()
        {
            engine.pass_on();
        }
    }

    /// Writes the gathered lines. The watchdog covers that: who reads them may have stopped to.
    fn flush_log(&self) {
        if self.engine.log.has_lines() {
            if self.role == Role::Driver {
                self.worker.enter(&self.engine.watchdog);
            }
            self.engine.log.flush();
            if self.role == Role::Driver {
                self.worker.leave();
            }
        }
    }
}

impl Host for Thread<'_> {
    fn admits(&mut self, command: &str, path: &str) -> bool {
        let kind = self.engine.predictor.kind(command, path);
        let admitted = match &mut self.role {
            Role::Alone => true,
            Role::Reserve => false,
            Role::Driver => self.worker.has_permit() && self.is_trusted(kind),
            Role::Pool { used } => !std::mem::replace(used, true),
        };
        self.kind = Some(kind).filter(|_| admitted);
        self.has_answered |= admitted;
        admitted
    }

    fn expects_quickness(&self) -> bool {
        self.is_quick
    }

    fn takes_connection(&mut self) {
        self.has_answered = true;
    }

    fn admits_all(&self) -> bool {
        matches!(self.role, Role::Pool { .. } | Role::Alone)
    }

    fn runs_user_code(&self) -> bool {
        self.role != Role::Reserve
    }

    fn is_at_bound(&self) -> bool {
        self.engine.crew.is_at_bound()
    }

    fn is_stopping(&self) -> bool {
        self.engine.is_stopping()
    }

    fn turn_is_over(&self) -> bool {
        self.role == Role::Driver && self.last - self.turn_began >= TURN
    }

    fn before_sending(&self) {
        if self.role != Role::Driver || self.engine.shift.waiting() == 0 {
            self.flush_log();
        }
    }

    fn has_gathered(&mut self, exchange: Shared) {
        if !std::mem::replace(&mut self.has_gathered, true) {
            self.worker.set_gathered(Some(exchange));
        }
    }

    fn enter(&mut self) {
        if let Some(kind) = self.kind {
            let now = Instant::now();
            self.called = Some(now);
            // Asking the system costs as much as a quick handler.
            let asks = match self.role {
                Role::Pool { .. } => self.engine.predictor.is_doubtful(kind),
                _ => !self.is_quick,
            };
            self.used_before = asks.then(Usage::now);
        }
        self.worker.forget_wait();
        if self.role == Role::Driver {
            self.worker.enter(&self.engine.watchdog);
        }
    }

    fn leave(&mut self) {
        let time = self.called.take().map(|called| {
            self.last = Instant::now();
            self.last - called
        });
        if let Some(time) = time {
            self.engine.shutdown.counters.ran(time);
        }
        if self.role == Role::Driver {
            self.worker.leave();
        }
        let used = self.used_before.take();
        if let (Some(kind), Some(time)) = (self.kind.take(), time) {
            self.learn(kind, time, used);
        }
    }
}

impl Thread<'_> {
    /// Learns from a handler that ran for `time`. `used` is what the thread had used before, where the system was asked.
    fn learn(&self, kind: Kind, time: Duration, used: Option<Usage>) {
        let predictor = &self.engine.predictor;
        let is_pool = matches!(self.role, Role::Pool { .. });
        let lesson = match used {
            // It may have done so after something else, for longer than a tick.
            _ if self.worker.has_waited_for_client() && self.worker.was_caught() => {
                return predictor.doubt(kind);
            }
            _ if self.worker.has_waited_for_client() => Lesson::WaitedForClient,
            _ if time < QUICK && is_pool => Lesson::Quick,
            _ if time < QUICK && self.is_quick => return,
            _ if time < QUICK => Lesson::Quick,
            Some(before) => {
                let now = Usage::now();
                match now.cpu.saturating_sub(before.cpu) {
                    _ if now.has_waited_since(&before) => Lesson::Waited,
                    // It was preempted, where the system tells the two apart.
                    cpu if cpu < QUICK && Usage::IS_TOLD => Lesson::Quick,
                    cpu if cpu > TICK => Lesson::ComputedLong,
                    _ => Lesson::Computed,
                }
            }
            None if is_pool => return,
            None if self.worker.was_caught() => return predictor.doubt(kind),
            None => return predictor.look(kind),
        };
        let counters = &self.engine.shutdown.counters;
        match lesson {
            Lesson::Computed | Lesson::ComputedLong | Lesson::WaitedForClient => {}
            _ if is_pool == (lesson == Lesson::Waited) => counters.guessed_right.add(1),
            _ => counters.guessed_wrong.add(1),
        }
        predictor.learn(kind, lesson);
    }
}
