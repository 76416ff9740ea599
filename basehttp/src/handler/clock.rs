//! The clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::sync::{Arc, AtomicU64, Ordering};

/// The system's clock, or a test's clock, which stands still until the test moves it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Option<Arc<Moved>>);

#[derive(Debug)]
struct Moved {
    began: Instant,
    nanoseconds: AtomicU64,
}

/// The initial time of a test's clock, since 1970: the example of RFC 9110 section 5.6.7.
const BEGINNING: Duration = Duration::from_secs(784_111_777);

impl Clock {
    pub(crate) fn moved() -> Self {
        Self(Some(Arc::new(Moved { began: Instant::now(), nanoseconds: AtomicU64::new(0) })))
    }

    /// The time for deadlines.
    #[inline]
    pub(crate) fn instant(&self) -> Instant {
        match &self.0 {
            None => Instant::now(),
            Some(moved) => moved.began + moved.passed(),
        }
    }

    /// The time for clients and logs.
    #[inline]
    pub(crate) fn now(&self) -> SystemTime {
        match &self.0 {
            None => SystemTime::now(),
            Some(moved) => UNIX_EPOCH + BEGINNING + moved.passed(),
        }
    }

    /// Moves a test's clock. Does nothing to the system's clock.
    pub(crate) fn advance(&self, by: Duration) {
        let Some(moved) = &self.0 else { return };
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let passed = moved.nanoseconds.load(Ordering::Relaxed);
        moved.nanoseconds.store(passed.saturating_add(by), Ordering::Relaxed);
    }
}

impl Moved {
    fn passed(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_moved_stands_still_until_then() {
        let clock = Clock::moved();
        let (instant, now) = (clock.instant(), clock.now());
        assert_eq!((clock.instant(), clock.now()), (instant, now));
        for times in 1..=2 {
            clock.clone().advance(Duration::from_secs(3));
            assert_eq!(clock.instant() - instant, Duration::from_secs(3 * times));
            assert_eq!(clock.now(), now + Duration::from_secs(3 * times));
        }
        clock.advance(Duration::MAX);
        assert!(clock.instant() > instant + Duration::from_secs(1_000_000_000));
        assert!(clock.now() > now);
    }

    #[test]
    fn nobody_moves_that_of_the_system() {
        let clock = Clock::default();
        let before = Instant::now();
        clock.advance(Duration::from_secs(1_000_000));
        assert!(clock.instant() < before + Duration::from_secs(500_000));
    }
}
