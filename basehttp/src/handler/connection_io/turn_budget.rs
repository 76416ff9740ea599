//! How much of one client's input is read before other connections have their turn.

use std::time::{Duration, Instant};

use crate::handler::clock::Clock;

/// How much a turn may still read. While one client sends as fast as it can, others wait; and if a client wraps each byte in
/// a TLS record, each read has few bytes, but costs as much.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TurnBudget {
    reads: u32,
    until: Option<Instant>,
}

const READS: u32 = 32;

/// The longest time for the reads of one turn, except the last one.
pub(crate) const READING_TIME: Duration = Duration::from_micros(300);

impl TurnBudget {
    /// Counts a read that returned something.
    #[inline]
    pub(super) fn spend(&mut self) {
        self.reads += 1;
    }

    /// Whether other connections come first now. Later reads have a new budget. The clock is not read for a request that
    /// arrives in one or two reads, as nearly all do; for others it is read before every second read.
    pub(super) fn is_spent(&mut self, clock: &Clock) -> bool {
        let is_spent = match self.reads {
            0 | 1 => false,
            READS.. => true,
            reads if reads.is_multiple_of(2) => {
                let now = clock.instant();
                now >= *self.until.get_or_insert(now + READING_TIME)
            }
            _ => false,
        };
        if is_spent {
            *self = Self::default();
        }
        is_spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads until the budget is spent; each read takes this long.
    fn reads(budget: &mut TurnBudget, clock: &Clock, each: Duration) -> u32 {
        let mut reads = 0;
        while !budget.is_spent(clock) {
            clock.advance(each);
            budget.spend();
            reads += 1;
        }
        reads
    }

    #[test]
    fn so_many_reads_and_so_much_time() {
        let (mut budget, clock) = (TurnBudget::default(), Clock::moved());
        assert_eq!(reads(&mut budget, &clock, Duration::ZERO), READS);
        assert_eq!(reads(&mut budget, &clock, Duration::from_micros(10)), READS, "a new one");
        assert_eq!(reads(&mut budget, &clock, Duration::from_micros(100)), 6);
        assert_eq!(reads(&mut budget, &clock, Duration::from_secs(1)), 4);
    }
}
