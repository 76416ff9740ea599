//! The queue of events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events by time; those of the same time in the order of insertion, so that every run of a scenario is the same.
pub struct Events<E> {
    heap: BinaryHeap<Reverse<(u64, u64, Opaque<E>)>>,
    count: u64,
}

/// The part that does not affect the order.
struct Opaque<E>(E);

impl<E> Events<E> {
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }

    pub fn at(&mut self, time: u64, event: E) {
        self.count += 1;
        self.heap.push(Reverse((time, self.count, Opaque(event))));
    }

    pub fn next(&mut self) -> Option<(u64, E)> {
        self.heap.pop().map(|Reverse((time, _, Opaque(event)))| (time, event))
    }
}

impl<E> PartialEq for Opaque<E> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<E> Eq for Opaque<E> {}

impl<E> PartialOrd for Opaque<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Opaque<E> {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// Pseudo-random numbers, the same in every run (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    /// A time with this mean, as between two independent events.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        let uniform = ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -mean * uniform.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_in_the_order_in_which_they_were_put_in() {
        let mut events = Events::new();
        for (time, event) in [(5, 'a'), (3, 'b'), (5, 'c'), (3, 'd'), (0, 'e'), (5, 'f')] {
            events.at(time, event);
        }
        let order: String = std::iter::from_fn(|| events.next()).map(|(_, event)| event).collect();
        assert_eq!(order, "ebdacf");
    }

    #[test]
    fn an_event_put_in_late_for_a_time_that_others_have_comes_after_them() {
        let mut events = Events::new();
        events.at(1, 'a');
        events.at(2, 'b');
        assert_eq!(events.next(), Some((1, 'a')));
        events.at(2, 'c');
        assert_eq!(events.next(), Some((2, 'b')));
        assert_eq!(events.next(), Some((2, 'c')));
        assert_eq!(events.next(), None);
    }

    #[test]
    fn times_between_events_have_the_mean_that_was_asked_for() {
        let mut random = Random(1);
        let mean = (0..100_000).map(|_| random.exponential(50.0)).sum::<f64>() / 100_000.0;
        assert!((49.0..51.0).contains(&mean), "{mean}");
    }
}
