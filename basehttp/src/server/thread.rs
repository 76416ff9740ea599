//! A thread as the context of turns: what may run on it, and what the predictor learns from that.

use std::time::{Duration, Instant};

use super::caught::caught;
use super::engine::Engine;
use super::machine::{DRIVER, Machine as _, Thread, TurnResult};
use super::pool::Lane;
use super::predictor::{Guess, Kind, Lesson};
use super::run_queue::RunQueue;
use super::table::Connection;
use super::token::hint_for;
use super::turn::{Turn, TurnContext};
use super::usage::Usage;
use super::watchdog::TICK;
use crate::handler::connection_io::SharedIo;
use crate::handler::resolution::RequestKind;

/// From this running time on, a handler is worth a hand-over, which costs about as much.
const QUICK: Duration = Duration::from_micros(100);

impl Thread<'_, Engine> {
    /// Advances a connection as far as this thread may, and parks it when it waits for its client.
    pub(super) fn turn(&mut self, mut connection: Connection) -> TurnResult<Connection> {
        if let Some(client) = connection.newcomer.take() {
            if !self.policy.runs_handlers {
                connection.newcomer = Some(client);
                return TurnResult::Elsewhere(connection, Lane::Waits);
            }
            self.enter();
            let is_welcome = self.machine.verify(&client);
            self.leave();
            if !is_welcome {
                self.machine.turn_away(connection);
                return TurnResult::Done;
            }
        }
        let handshake = match self.begin_handshake(&connection) {
            Ok(handshake) => handshake,
            Err(lane) => return TurnResult::Elsewhere(connection, lane),
        };
        loop {
            let expired = std::mem::take(&mut connection.expired);
            (self.local.lane, self.local.is_quick) = (Lane::Waits, false);
            // A panic in the server's own code affects this connection only, not the driver with its permit.
            let shard = connection.place.shard;
            let turn = caught(|| connection.inner.turn(self, expired)).unwrap_or_else(|message| {
                let text = format!("a panic in the server ended a connection: {message}");
                self.machine.log.warn(shard, &text);
                self.abandon();
                Turn::Over
            });
            if std::mem::take(&mut self.local.has_buffered) {
                self.worker.set_buffered(None);
            }
            if let Some(begun) = &handshake {
                self.learn_handshake(begun, &mut connection);
            }
            // `handle_request` was asked for one request, and completes it.
            let is_last = self.policy.is_alone && self.local.has_answered;
            match turn {
                Turn::Over => {
                    self.end(connection);
                    return TurnResult::Done;
                }
                Turn::Later(want, patience) if is_last => {
                    let place = connection.place.clone();
                    let waited = self.machine.wait_alone(&place, hint_for(want), patience);
                    connection.expired = waited.is_err();
                }
                Turn::Later(want, patience) => {
                    match self.machine.park(connection, want, patience, self.now()) {
                        // This thread waits for no other connection.
                        Some(back) if self.policy.is_alone => connection = back,
                        // More input may arrive while other connections wait, again and again.
                        Some(back) => return TurnResult::Ready(back),
                        None => return TurnResult::Done,
                    }
                }
                Turn::Again if is_last => {}
                Turn::Again => return TurnResult::Ready(connection),
                Turn::Elsewhere => return TurnResult::Elsewhere(connection, self.local.lane),
            }
        }
    }

    /// A handshake costs as much as the server's key does, from some hundred microseconds to several milliseconds, so it is
    /// predicted as a handler is. `Err` is the lane for a handshake that would delay other connections.
    fn begin_handshake(&self, connection: &Connection) -> Result<Option<(Instant, Usage)>, Lane> {
        if !self.machine.settings.is_tls() || !connection.inner.is_in_handshake() {
            return Ok(None);
        }
        if !self.policy.may_wait
            && self.policy.runs_handlers
            && let Some(lane) = lane_for(self.machine.predictor.guess(self.machine.handshake))
        {
            return Err(lane);
        }
        Ok(Some((Instant::now(), Usage::now())))
    }

    /// Learns from a turn that began in a handshake, if no handler ran in it. A handshake has several turns, and one of them
    /// has most of its cost. So a quick turn teaches something only at the end of a handshake in which all turns were quick.
    fn learn_handshake(&self, (began, before): &(Instant, Usage), connection: &mut Connection) {
        if self.last > *began {
            return;
        }
        let lesson = match Usage::now().cpu.saturating_sub(before.cpu) {
            _ if began.elapsed() < QUICK => Lesson::Quick,
            cpu if cpu < QUICK => Lesson::Quick,
            cpu if cpu > TICK => Lesson::ComputedLong,
            _ => Lesson::Computed,
        };
        connection.has_signed |= lesson != Lesson::Quick;
        if lesson != Lesson::Quick || !(connection.has_signed || connection.inner.is_in_handshake()) {
            self.machine.predictor.learn(self.machine.handshake, lesson);
        }
    }

    /// User code begins, now or at the given time.
    fn enter_at(&mut self, time: Option<Instant>) {
        if let Some(kind) = self.local.kind {
            self.local.called = Some(time.unwrap_or_else(Instant::now));
            // Asking the system costs as much as a quick handler.
            let asks = if self.policy.may_wait && !self.policy.is_alone {
                self.machine.predictor.is_doubtful(kind)
            } else {
                !self.local.is_quick
            };
            self.local.used = asks.then(Usage::now);
        }
        self.worker.forget_wait();
        if self.policy == DRIVER {
            self.worker.set_kind(self.local.kind);
            self.machine.scheduler().watchdog.enter(self.worker);
        }
    }

    /// Code that began with [`enter`](TurnContext::enter) has ended in a panic.
    fn abandon(&mut self) {
        (self.local.kind, self.local.called, self.local.used) = (None, None, None);
        self.worker.abandon();
    }

    /// Closes a connection. That drops its handler, which is user code.
    fn end(&mut self, connection: Connection) {
        self.enter();
        self.machine.end(connection);
        self.leave();
    }

    /// Serves ready connections, up to the first one that had a request. True if there was one.
    pub(super) fn serve_one(&mut self) -> bool {
        let scheduler = self.machine.scheduler();
        while !self.local.has_answered {
            let Some(connection) = scheduler.shards.iter().find_map(RunQueue::pop) else { break };
            self.give_turn(connection);
        }
        self.machine.log.flush();
        self.local.has_answered
    }

    /// The time on the engine's clock, accurate enough for a deadline: a round is short, unless a handler made it long.
    fn now(&self) -> u64 {
        let is_exact = self.policy == DRIVER && self.worker.has_permit();
        self.machine.time_of(if is_exact { self.began } else { Instant::now() })
    }

    /// Whether such a handler may run on a driver. If not, sets the lane for it.
    fn is_trusted(&mut self, kind: Kind) -> bool {
        let guess = self.machine.predictor.guess(kind);
        let Some(lane) = lane_for(guess) else {
            self.local.is_quick = guess == Guess::Quick;
            return true;
        };
        self.local.lane = lane;
        false
    }

    /// Learns from a handler that ran for `time`. `used` is the thread's usage before, if the system was asked.
    fn learn(&self, kind: Kind, time: Duration, used: Option<Usage>) {
        let predictor = &self.machine.predictor;
        let is_pool = self.policy.may_wait;
        let lesson = match used {
            // It may have waited for its client after something else that took longer than a tick.
            _ if self.worker.has_waited_for_client() && self.worker.was_caught() => {
                return predictor.doubt(kind);
            }
            _ if self.worker.has_waited_for_client() => Lesson::WaitedForClient,
            // The watchdog found it just as it returned.
            _ if time < QUICK && self.worker.was_caught() => return predictor.look(kind),
            _ if time < QUICK && self.local.is_quick => return,
            _ if time < QUICK => Lesson::Quick,
            Some(before) => {
                let now = Usage::now();
                match now.cpu.saturating_sub(before.cpu) {
                    _ if now.has_waited_since(&before) => Lesson::Waited,
                    // It was preempted, on systems that distinguish the two.
                    cpu if cpu < QUICK && Usage::IS_TOLD => Lesson::Quick,
                    cpu if cpu > TICK => Lesson::ComputedLong,
                    _ => Lesson::Computed,
                }
            }
            None if is_pool => return,
            // This thread has not blocked since the round began: the handler was preempted, as happens when all processors
            // are busy, or it computed.
            None if self.worker.was_caught() && Usage::now().has_waited_since(&self.local.round) => {
                return predictor.doubt(kind);
            }
            None => return predictor.look(kind),
        };
        predictor.learn(kind, lesson);
        if self.worker.was_caught() && matches!(lesson, Lesson::Quick | Lesson::Computed) {
            // It was preempted.
            predictor.look(kind);
        }
    }
}

/// The pool's lane for a guess, or `None` if the handler may run on a driver.
fn lane_for(guess: Guess) -> Option<Lane> {
    match guess {
        Guess::Quick | Guess::Slow => None,
        Guess::Uncertain => Some(Lane::Uncertain),
        Guess::Waits => Some(Lane::Waits),
        Guess::Computes => Some(Lane::Computes),
    }
}

impl TurnContext for Thread<'_, Engine> {
    fn may_run(&mut self, request: RequestKind<'_>) -> bool {
        let kind = self.machine.predictor.kind(request.command, request.path);
        let admitted = if self.policy.is_alone {
            true
        } else if self.policy.may_wait {
            !std::mem::replace(&mut self.local.has_admitted, true)
        } else {
            self.policy.runs_handlers && self.worker.has_permit() && self.is_trusted(kind)
        };
        self.local.kind = Some(kind).filter(|_| admitted);
        self.local.route = request.route;
        self.local.has_answered |= admitted;
        admitted
    }

    fn expects_quickness(&self) -> bool {
        self.local.is_quick
    }

    fn takes_connection(&mut self) {
        self.local.has_answered = true;
    }

    fn admits_all(&self) -> bool {
        self.policy.may_wait
    }

    fn runs_user_code(&self) -> bool {
        self.policy.runs_handlers
    }

    fn is_at_bound(&self) -> bool {
        self.machine.scheduler().pool.is_at_bound()
    }

    fn is_stopping(&self) -> bool {
        self.machine.shutdown.is_stopping()
    }

    fn expects_requests(&self) -> bool {
        self.machine.shutdown.expects_requests()
    }

    fn turn_is_over(&self) -> bool {
        Thread::turn_is_over(self)
    }

    fn last_look(&self) -> Instant {
        self.last
    }

    fn before_sending(&self) {
        if self.policy != DRIVER || self.machine.scheduler().shard(self.shard).waiting() == 0 {
            self.flush_log();
        }
    }

    fn has_lines(&self) -> bool {
        self.machine.has_lines()
    }

    fn has_buffered(&mut self, io: &SharedIo) {
        if !std::mem::replace(&mut self.local.has_buffered, true) {
            self.worker.set_buffered(Some(io.clone()));
        }
    }

    fn enter(&mut self) {
        self.enter_at(None);
    }

    fn enter_next(&mut self) {
        self.enter_at(Some(self.last));
    }

    fn leave(&mut self) {
        let time = self.local.called.take().map(|called| {
            self.last = Instant::now();
            self.last - called
        });
        if let Some(time) = time {
            self.machine.shutdown.counters(self.shard).ran(time, self.local.route.take());
            self.handled += u64::from(self.policy == DRIVER);
        }
        if self.policy == DRIVER {
            self.worker.leave();
            self.worker.set_kind(None);
        }
        let used = self.local.used.take();
        if let (Some(kind), Some(time)) = (self.local.kind.take(), time) {
            self.learn(kind, time, used);
        }
    }
}
