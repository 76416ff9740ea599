//! How much of one client's input is read before others have their turn.

use std::time::{Duration, Instant};

use crate::handler::clock::Clock;

/// What a turn may still read. A client that sends as fast as it can has others waiting behind it; and one that wraps each
/// byte in a TLS record has few bytes in each read, which cost as much as many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TurnBudget {
    reads: u32,
    until: Option<Instant>,
}

const READS: u32 = 32;

/// Reads of one turn take no longer, but for the last one.
pub(crate) const READING_TIME: Duration = Duration::from_micros(300);

impl TurnBudget {
    /// A read has given something.
    #[inline]
    pub(super) fn spend(&mut self) {
        self.reads += 1;
    }

    /// Whether others come first now. What is read after that has a new budget. The clock is not asked for a request that
    /// comes in one or two reads, as nearly all do, and for others before every second read.
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

    /// Reads until the budget is spent, each read for so long.
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
