//! Counters without locks: each number is right, but two numbers may be from different moments.

use std::time::Duration;

use crate::handler::RouteTable;
use crate::handler::stats::{BOUNDS, Histogram, RouteStats, Stats};
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering};

/// The counters of one shard. They have cache lines of their own, so that no shard writes to a line that another one needs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Counters {
    pub(super) accepted: Count,
    pub(super) ended: Count,
    pub(super) refused: Count,
    pub(super) received: Count,
    pub(super) sent: Count,
    pub(super) stalls: Count,
    pub(super) threads_begun: Count,
    pub(super) threads_ended: Count,
    /// Handlers that ran on a driver.
    pub(super) handled: Count,
    requests: Requests,
    /// The counts of each route.
    routes: Box<[Requests]>,
}

/// Counts of requests.
#[derive(Debug, Default)]
struct Requests {
    responses: [Count; 5],
    times: [Count; BOUNDS.len() + 1],
    nanoseconds: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Requests {
    fn responded(&self, status: u16) {
        if let Some(count) = self.responses.get(usize::from(status / 100).wrapping_sub(1)) {
            count.add(1);
        }
    }

    fn ran(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().take_while(|bound| **bound < micros).count();
        if let Some(count) = self.times.get(place) {
            count.add(1);
        }
        self.nanoseconds.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The sums over all shards: responses by the first digit of their status, and handler times.
    fn sum<'a>(shards: impl Iterator<Item = &'a Self> + Clone) -> ([u64; 5], Histogram) {
        let counts = add(shards.clone().map(|shard| shard.times.each_ref().map(Count::get)));
        let nanoseconds = shards.clone().map(|shard| shard.nanoseconds.get()).sum();
        let time = Histogram { counts, sum: Duration::from_nanos(nanoseconds) };
        (add(shards.map(|shard| shard.responses.each_ref().map(Count::get))), time)
    }
}

impl Counters {
    /// Makes counters for a handler with this number of routes.
    pub(super) fn new(routes: usize) -> Self {
        Self { routes: (0..routes).map(|_| Requests::default()).collect(), ..Self::default() }
    }

    /// Counts a response with this status, by a route or not.
    pub(super) fn responded(&self, status: u16, route: Option<u16>) {
        self.requests.responded(status);
        if let Some(route) = self.route(route) {
            route.responded(status);
        }
    }

    /// Counts a handler's running time, for a route or not.
    pub(super) fn ran(&self, time: Duration, route: Option<u16>) {
        self.requests.ran(time);
        if let Some(route) = self.route(route) {
            route.ran(time);
        }
    }

    fn route(&self, route: Option<u16>) -> Option<&Requests> {
        self.routes.get(usize::from(route?))
    }

    /// The sums over all shards, with those of these routes.
    pub(super) fn stats(shards: &[Self], routes: &[&'static RouteTable]) -> Stats {
        let sum = |count: fn(&Self) -> &Count| shards.iter().map(|shard| count(shard).get()).sum::<u64>();
        // The ends are read first, so that they never exceed the beginnings.
        let (ended, threads_ended) = (sum(|shard| &shard.ended), sum(|shard| &shard.threads_ended));
        let (responses, handler_time) = Requests::sum(shards.iter().map(|shard| &shard.requests));
        let rows = routes.iter().flat_map(|table| table.rows).enumerate();
        let routes = rows.filter(|(_, row)| !row.method.is_empty()).map(|(number, row)| {
            let of_shards = shards.iter().filter_map(|shard| shard.routes.get(number));
            let (responses, handler_time) = Requests::sum(of_shards);
            RouteStats { method: row.method, pattern: row.pattern, responses, handler_time }
        });
        let connections_accepted = sum(|shard| &shard.accepted);
        Stats {
            connections_open: connections_accepted.saturating_sub(ended),
            connections_accepted,
            connections_refused: sum(|shard| &shard.refused),
            responses,
            bytes_received: sum(|shard| &shard.received),
            bytes_sent: sum(|shard| &shard.sent),
            threads: sum(|shard| &shard.threads_begun).saturating_sub(threads_ended),
            handler_stalls: sum(|shard| &shard.stalls),
            handler_time,
            routes: routes.collect(),
        }
    }
}

fn add<const N: usize>(shards: impl Iterator<Item = [u64; N]>) -> [u64; N] {
    shards.fold([0; N], |sums, shard| std::array::from_fn(|at| sums[at] + shard[at]))
}

/// Connections that are refused because there are too many. They stay open for a while, and do not count against the limit.
#[derive(Default)]
pub(super) struct Refusals(AtomicUsize);

/// One such connection, counted until this is dropped.
pub(super) struct Refused(Arc<Refusals>);

impl Refusals {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(self: &Arc<Self>) -> Refused {
        self.0.fetch_add(1, Ordering::Relaxed);
        Refused(self.clone())
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_the_bucket_below_their_bound() {
        let counters = Counters::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            counters.ran(Duration::from_micros(micros), None);
        }
        let time = Counters::stats(&[counters, Counters::default()], &[]).handler_time;
        let buckets: Vec<_> = time.buckets().map(|(_, count)| count).collect();
        assert_eq!((buckets[0], buckets[1], buckets[12], buckets[13], time.count()), (2, 3, 3, 4, 5));
        assert_eq!(time.sum(), Duration::from_micros(20_000_202));
    }

    #[test]
    fn responses_are_counted_by_their_class() {
        let counters = Counters::default();
        for status in [101, 200, 299, 404, 599, 600, 999, 0] {
            counters.responded(status, None);
        }
        let others = Counters::default();
        others.responded(404, None);
        assert_eq!(Counters::stats(&[counters, others], &[]).responses, [1, 2, 0, 2, 1]);
    }
}
