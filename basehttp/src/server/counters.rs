//! What is counted, without locks: each number is right, and two of them may be of different moments.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::handler::stats::{BOUNDS, Histogram, Stats};

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: Count,
    pub(super) ended: Count,
    pub(super) refused: Count,
    pub(super) received: Count,
    pub(super) sent: Count,
    pub(super) permits_lost: Count,
    pub(super) guessed_right: Count,
    pub(super) guessed_wrong: Count,
    pub(super) threads_begun: Count,
    pub(super) threads_ended: Count,
    replies: [Count; 5],
    times: [Count; BOUNDS.len() + 1],
    nanoseconds: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// A reply with this status was made.
    pub(super) fn replied(&self, status: u16) {
        if let Some(count) = self.replies.get(usize::from(status / 100).wrapping_sub(1)) {
            count.add(1);
        }
    }

    /// A handler ran for so long.
    pub(super) fn ran(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().take_while(|bound| **bound < micros).count();
        if let Some(count) = self.times.get(place) {
            count.add(1);
        }
        self.nanoseconds.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn stats(&self) -> Stats {
        // What has ended is read first, so that no more can have ended than have begun.
        let (ended, threads_ended) = (self.ended.get(), self.threads_ended.get());
        let connections_accepted = self.accepted.get();
        Stats {
            connections_open: connections_accepted.saturating_sub(ended),
            connections_accepted,
            connections_refused: self.refused.get(),
            replies: self.replies.each_ref().map(Count::get),
            bytes_received: self.received.get(),
            bytes_sent: self.sent.get(),
            threads: self.threads_begun.get().saturating_sub(threads_ended),
            permits_lost: self.permits_lost.get(),
            predictions_right: self.guessed_right.get(),
            predictions_wrong: self.guessed_wrong.get(),
            handler_time: Histogram {
                counts: self.times.each_ref().map(Count::get),
                sum: Duration::from_nanos(self.nanoseconds.get()),
            },
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_the_bucket_below_their_bound() {
        let counters = Counters::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            counters.ran(Duration::from_micros(micros));
        }
        let time = counters.stats().handler_time;
        let buckets: Vec<_> = time.buckets().map(|(_, count)| count).collect();
        assert_eq!((buckets[0], buckets[1], buckets[12], buckets[13], time.count()), (2, 3, 3, 4, 5));
        assert_eq!(time.sum(), Duration::from_micros(20_000_202));
    }

    #[test]
    fn replies_are_counted_by_their_class() {
        let counters = Counters::default();
        for status in [101, 200, 299, 404, 599, 600, 999, 0] {
            counters.replied(status);
        }
        assert_eq!(counters.stats().replies, [1, 2, 0, 1, 1]);
    }
}
