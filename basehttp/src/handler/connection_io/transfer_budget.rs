//! How long the server waits for a client that sends or takes a little at a time.

use std::time::{Duration, Instant};

use super::LONGEST;
use crate::handler::clock::Clock;

/// The time for which the server will still wait for a client: for its body, or for room for a response. Waiting uses it up,
/// and every byte received or sent earns a millisecond back. So a message at 1000 bytes a second may take any time, and a
/// client that moves one byte before each deadline gains nothing. The handler's time does not count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TransferBudget {
    most: Duration,
    used: Duration,
    waiting_since: Option<Instant>,
}

impl TransferBudget {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, used: Duration::ZERO, waiting_since: None }
    }

    /// The time left for a wait of at most `at_once`.
    pub(super) fn left(&self, at_once: Duration, clock: &Clock) -> Duration {
        let waited = self.waiting_since.map_or(Duration::ZERO, |since| clock.instant() - since);
        let in_total = self.most.saturating_sub(self.used).saturating_sub(waited);
        in_total.min(at_once.saturating_sub(waited))
    }

    /// Whether the total time ends such a wait, rather than `at_once`. It needs no clock: this was decided when the wait
    /// began.
    pub(super) fn ends_before(&self, at_once: Duration) -> bool {
        self.most.saturating_sub(self.used) < at_once
    }

    /// The wait for the client begins or continues.
    pub(super) fn wait(&mut self, clock: &Clock) {
        self.waiting_since.get_or_insert_with(|| clock.instant());
    }

    #[cfg(test)]
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting_since.is_some()
    }

    /// Whether the handler has lifted the limit, because it knows how slow the client may be.
    pub(super) fn is_endless(&self) -> bool {
        self.most >= LONGEST
    }

    /// The wait is over.
    #[inline]
    pub(super) fn stop(&mut self, clock: &Clock) {
        if let Some(since) = self.waiting_since.take() {
            self.used = self.used.saturating_add(clock.instant() - since);
        }
    }

    /// Bytes have arrived or were sent.
    #[inline]
    pub(super) fn earn(&mut self, bytes: usize, clock: &Clock) {
        self.stop(clock);
        if !self.used.is_zero() {
            self.used = self.used.saturating_sub(Duration::from_millis(bytes as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(1000);

    #[test]
    fn bytes_earn_what_waiting_uses_and_not_more_than_there_was() {
        let clock = Clock::moved();
        let mut budget = TransferBudget::new(Duration::from_secs(60));
        budget.wait(&clock);
        clock.advance(Duration::from_secs(50));
        budget.earn(20_000, &clock);
        assert_eq!(budget.left(LONG, &clock), Duration::from_secs(30));
        assert_eq!(budget.left(Duration::from_secs(20), &clock), Duration::from_secs(20));
        budget.earn(usize::MAX, &clock);
        assert_eq!(budget.left(LONG, &clock), Duration::from_secs(60));
    }

    #[test]
    fn waiting_is_what_uses_it_up() {
        let clock = Clock::moved();
        let mut budget = TransferBudget::new(Duration::from_secs(60));
        budget.wait(&clock);
        clock.advance(Duration::from_secs(61));
        assert_eq!(budget.left(LONG, &clock), Duration::ZERO);
        budget.earn(1, &clock);
        assert_eq!(budget.left(LONG, &clock), Duration::ZERO);
        assert!(budget.ends_before(LONG));
    }

    #[test]
    fn one_wait_has_its_own_end() {
        let clock = Clock::moved();
        let mut budget = TransferBudget::new(Duration::from_secs(60));
        budget.wait(&clock);
        clock.advance(Duration::from_secs(31));
        assert_eq!(budget.left(Duration::from_secs(30), &clock), Duration::ZERO);
        assert!(!budget.ends_before(Duration::from_secs(30)));
        budget.earn(1, &clock);
        assert_eq!(budget.left(Duration::from_secs(20), &clock), Duration::from_secs(20));
    }
}
