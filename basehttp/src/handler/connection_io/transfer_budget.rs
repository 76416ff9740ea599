//! How long the server waits for a client that sends, or takes, a little at a time.

use std::time::{Duration, Instant};

use super::LONGEST;
use crate::handler::clock::Clock;

/// The time for which a client may still let the server wait: for its body, or for room for a response. Waiting uses it up, and
/// every byte that comes or goes earns a millisecond of it back: so a message may take as long as it likes at 1000 bytes a
/// second, and a client that moves one byte before each deadline gets no further. The time that the handler takes does not
/// count.
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

    /// What is left, for a wait that may be so long at most.
    pub(super) fn left(&self, at_once: Duration, clock: &Clock) -> Duration {
        let waited = self.waiting_since.map_or(Duration::ZERO, |since| clock.instant() - since);
        let in_total = self.most.saturating_sub(self.used).saturating_sub(waited);
        in_total.min(at_once.saturating_sub(waited))
    }

    /// Whether it is the time in total that ends a wait which may be `at_once` long, and not that one. Asked of no clock: which
    /// of them it is was clear when the wait began.
    pub(super) fn ends_before(&self, at_once: Duration) -> bool {
        self.most.saturating_sub(self.used) < at_once
    }

    /// The wait for the client begins, or goes on.
    pub(super) fn wait(&mut self, clock: &Clock) {
        self.waiting_since.get_or_insert_with(|| clock.instant());
    }

    #[cfg(test)]
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting_since.is_some()
    }

    /// Whether somebody has set it who knows how slow the client may be.
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

    /// Something has come, or gone.
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
