//! How long to wait for the client: for a head, for its body, for room for the response.

use std::time::{Duration, Instant};

use super::bounds::{Bounds, LONGEST};
use super::transfer_budget::TransferBudget;
use crate::handler::clock::Clock;

/// The deadlines of a request, and of everything before it.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// When the time for a head, or for the rest of a body, is over, however slowly it trickles in.
    until: Option<Instant>,
    /// How long one read, and one write, may wait: the connection's values, unless the handler has set its own.
    read_timeout: Duration,
    write_timeout: Duration,
    /// How long the server may wait for the body, and for the client to take ready output.
    sending: TransferBudget,
    taking: TransferBudget,
    /// When the client first had no room, since it last owed nothing.
    slow_since: Option<Instant>,
}

/// How long one read of a body, and one write, may wait for the client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timeouts {
    pub(super) read: Duration,
    pub(super) write: Duration,
}

impl Deadlines {
    /// The deadlines of a connection that waits for its first request, or has rested.
    pub(super) fn new(timeouts: Timeouts, bounds: &Bounds) -> Self {
        Self {
            until: None,
            read_timeout: timeouts.read,
            write_timeout: timeouts.write,
            sending: TransferBudget::default(),
            taking: TransferBudget::new(bounds.response_timeout),
            slow_since: None,
        }
    }

    /// Begins a request. `owes` is whether the client still has to take earlier responses.
    #[inline]
    pub(super) fn begin_request(&mut self, timeouts: Timeouts, bounds: &Bounds, owes: bool) {
        self.until = None;
        self.read_timeout = timeouts.read;
        self.write_timeout = timeouts.write;
        self.sending = TransferBudget::new(bounds.body_timeout);
        if !owes {
            self.slow_since = None;
        }
        // A client that takes responses slowly gains no time by requesting more.
        if !owes || self.taking.is_endless() {
            self.taking = TransferBudget::new(bounds.response_timeout);
        }
        // The handler may be called right away.
        self.stop_room(&bounds.clock);
    }

    /// Sets how long one read, and one write, may wait in the current request.
    pub(super) fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>) -> Timeouts {
        self.read_timeout = read.unwrap_or(self.read_timeout).min(LONGEST);
        self.write_timeout = write.unwrap_or(self.write_timeout).min(LONGEST);
        Timeouts { read: self.read_timeout, write: self.write_timeout }
    }

    /// The handler has set its client's time-outs, so the limits on the total time no longer apply.
    pub(super) fn lift_totals(&mut self, of_body: bool, of_response: bool) {
        if of_body {
            self.sending = TransferBudget::new(LONGEST);
        }
        if of_response {
            self.taking = TransferBudget::new(LONGEST);
        }
    }

    /// What the connection waits for must arrive within this time of the first such call.
    pub(super) fn require_within(&mut self, time: Duration, clock: &Clock) {
        self.until.get_or_insert_with(|| clock.instant() + time);
    }

    /// Like [`require_within`](Self::require_within), with the time for one read.
    pub(super) fn require_within_one_read(&mut self, clock: &Clock) {
        self.require_within(self.read_timeout, clock);
    }

    /// It has arrived, or the connection waits for something else.
    #[inline]
    pub(super) fn met(&mut self) {
        self.until = None;
    }

    /// The time left until it must arrive, if there is such a deadline.
    pub(super) fn required(&self, clock: &Clock) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(clock.instant()))
    }

    pub(super) fn are_none(&self) -> bool {
        self.until.is_none()
    }

    /// How long one write may wait.
    pub(super) fn write_timeout(&self) -> Duration {
        self.write_timeout
    }

    /// How long the client may continue to send nothing of its body.
    pub(super) fn input_left(&self, clock: &Clock) -> Duration {
        self.sending.left(self.read_timeout, clock)
    }

    /// How long the client may continue to take nothing.
    pub(super) fn room_left(&self, clock: &Clock) -> Duration {
        self.taking.left(self.write_timeout, clock)
    }

    /// The setting whose deadline for the body has passed, or will pass next.
    pub(super) fn input_setting(&self) -> &'static str {
        if self.sending.ends_before(self.read_timeout) { "body_timeout" } else { "read_timeout" }
    }

    /// The same, for output.
    pub(super) fn room_setting(&self) -> &'static str {
        if self.taking.ends_before(self.write_timeout) { "response_timeout" } else { "write_timeout" }
    }

    /// The connection waits for the client's body.
    pub(super) fn await_input(&mut self, clock: &Clock) {
        self.sending.wait(clock);
    }

    /// This many bytes of it have arrived.
    pub(super) fn received(&mut self, count: usize, clock: &Clock) {
        self.sending.earn(count, clock);
    }

    /// The wait ends, though nothing has arrived.
    pub(super) fn stop_input(&mut self, clock: &Clock) {
        self.sending.stop(clock);
    }

    /// The connection waits for the client to make room.
    pub(super) fn await_room(&mut self, clock: &Clock) {
        self.taking.wait(clock);
        self.slow_since.get_or_insert_with(|| clock.instant());
    }

    /// For how long the client has had too little room, on and off. `None` if it always had enough.
    pub(super) fn slow_for(&self, clock: &Clock) -> Option<Duration> {
        self.slow_since.map(|since| clock.instant().saturating_duration_since(since))
    }

    /// The client has taken this many bytes.
    #[inline]
    pub(super) fn taken(&mut self, count: usize, clock: &Clock) {
        self.taking.earn(count, clock);
    }

    /// What follows is the handler's time, not the client's.
    #[inline]
    pub(super) fn stop_room(&mut self, clock: &Clock) {
        self.taking.stop(clock);
    }

    #[cfg(test)]
    pub(super) fn awaits_room(&self) -> bool {
        self.taking.is_waiting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_slow_from_its_first_wait_until_it_owes_nothing() {
        let clock = Clock::moved();
        let bounds = Bounds::default();
        let mut deadlines = Deadlines::new(Timeouts::default(), &bounds);
        deadlines.await_room(&clock);
        clock.advance(Duration::from_secs(10));
        deadlines.taken(1000, &clock);
        deadlines.begin_request(Timeouts::default(), &bounds, true);
        clock.advance(Duration::from_secs(10));
        deadlines.await_room(&clock);
        clock.advance(Duration::from_secs(10));
        assert_eq!(deadlines.slow_for(&clock), Some(Duration::from_secs(30)));
        deadlines.begin_request(Timeouts::default(), &bounds, false);
        assert_eq!(deadlines.slow_for(&clock), None);
    }
}
