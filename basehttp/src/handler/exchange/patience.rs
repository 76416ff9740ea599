//! How long the server waits for a body that trickles in.

use std::time::{Duration, Instant};

/// The time for which a client may still let the server wait for its body. Waiting uses it up, and every byte that comes
/// earns a millisecond of it back: so a body may take as long as it likes at 1000 bytes a second, and a client that sends
/// one byte before each deadline of a read gets no further. The time that the handler takes does not count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BodyPatience {
    most: Duration,
    used: Duration,
    waiting_since: Option<Instant>,
}

impl BodyPatience {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, used: Duration::ZERO, waiting_since: None }
    }

    pub(super) fn left(&self) -> Duration {
        let waited = self.waiting_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.most.saturating_sub(self.used).saturating_sub(waited)
    }

    /// The wait for the client begins, or goes on.
    pub(super) fn wait(&mut self) {
        self.waiting_since.get_or_insert_with(Instant::now);
    }

    /// Something has come.
    pub(super) fn earn(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.used = self.used.saturating_add(since.elapsed());
        }
        if !self.used.is_zero() {
            self.used = self.used.saturating_sub(Duration::from_millis(bytes as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_earn_what_waiting_uses_and_not_more_than_there_was() {
        let mut patience = BodyPatience::new(Duration::from_secs(60));
        patience.used = Duration::from_secs(50);
        patience.earn(20_000);
        assert_eq!(patience.left(), Duration::from_secs(30));
        patience.earn(usize::MAX);
        assert_eq!(patience.left(), Duration::from_secs(60));
    }

    #[test]
    fn waiting_is_what_uses_it_up() {
        let mut patience = BodyPatience::new(Duration::from_secs(60));
        patience.waiting_since = Instant::now().checked_sub(Duration::from_secs(61));
        assert_eq!(patience.left(), Duration::ZERO);
        patience.earn(1);
        assert_eq!(patience.left(), Duration::ZERO);
    }
}
