//! How many threads drive: measured, not guessed.
//!
//! For a server whose handlers compute for some microseconds, a second driver raises the throughput by half or more. For one
//! whose handlers do next to nothing, it lowers the throughput if the clients are on the same machine. Both keep the first
//! driver busy, and no figure of a single driver distinguishes them. So it is tried, in windows of some milliseconds: if the
//! first driver hardly sleeps, twice as many drive, and they stay if enough additional requests were answered; otherwise the
//! next attempt comes later. While several drive, fewer are tried now and then.
//!
//! A single window says little: for as long as a window, the system may leave a thread that has just begun on the core of
//! another. So both rates are measured over several windows, unless the first ones leave no doubt.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Control {
    most: usize,
    drivers: usize,
    phase: Phase,
    /// The window: when it began, what had been handled by then, how long the poller has slept in it.
    began: Instant,
    handled: u64,
    slept: Duration,
    /// Requests per second since the number of drivers was settled, with more weight on the latest windows; 0 if there were
    /// none.
    rate: f64,
    /// The time of the next attempt, and how long to wait after one that fails.
    retry: Instant,
    pause: Duration,
    /// The last attempt was with more drivers, not fewer.
    tries_more: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Steady,
    /// Before the attempt, this many drivers handled this many requests per second.
    Trying {
        before: usize,
        rate: f64,
        tried: Tried,
    },
}

/// What was handled in the windows of an attempt. The first is left out, since threads start and leave in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tried {
    windows: u32,
    requests: u64,
    time: Duration,
}

const WINDOW: Duration = Duration::from_millis(3);

/// Windows with fewer requests say little. They are extended up to this length.
const REQUESTS: u64 = 64;
const LONGEST_WINDOW: Duration = Duration::from_millis(30);

/// More drivers have to handle more by this factor.
const GAIN: f64 = 1.1;
/// Fewer drivers may handle less by this factor.
const LOSS: f64 = 0.97;

/// How many windows are measured before the decision; fewer if the rate differs by [`DOUBTLESS`] from the required one.
const WINDOWS: u32 = 4;
const DOUBTLESS: f64 = 0.15;

/// The weight of the last window in the rate.
const SHARE: f64 = 0.25;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Control {
    pub(super) fn new(most: usize) -> Self {
        let now = Instant::now();
        Self {
            most,
            drivers: 1,
            phase: Phase::Steady,
            began: now,
            handled: 0,
            slept: Duration::ZERO,
            rate: 0.0,
            retry: now,
            pause: FIRST_PAUSE,
            tries_more: false,
        }
    }

    /// The poller of the first driver has slept.
    pub(super) fn slept(&mut self, time: Duration) {
        self.slept += time;
    }

    /// How many drivers are wanted, after `handled` requests so far.
    pub(super) fn look(&mut self, now: Instant, handled: u64) -> usize {
        if self.most == 1 {
            return self.drivers;
        }
        let elapsed = now.saturating_duration_since(self.began);
        let count = handled.saturating_sub(self.handled);
        if elapsed < WINDOW || (count < REQUESTS && elapsed < LONGEST_WINDOW) {
            return self.drivers;
        }
        let is_busy = self.slept < elapsed / 5;
        let is_idle = self.slept > elapsed / 2;
        (self.began, self.handled, self.slept) = (now, handled, Duration::ZERO);
        match self.phase {
            Phase::Trying { before, rate, mut tried } => {
                if tried.windows > 0 {
                    tried.requests += count;
                    tried.time += elapsed;
                }
                tried.windows += 1;
                self.phase = Phase::Trying { before, rate, tried };
                let least = if self.drivers > before { rate * GAIN } else { rate * LOSS };
                self.decide(now, before, least, tried);
            }
            Phase::Steady if is_idle && self.drivers > 1 => {
                self.drivers /= 2;
                self.rate = 0.0;
            }
            Phase::Steady => {
                let rate = a_second(count, elapsed);
                self.rate = if self.rate > 0.0 { self.rate + SHARE * (rate - self.rate) } else { rate };
                if now < self.retry {
                    return self.drivers;
                }
                let more = (self.drivers * 2).min(self.most);
                // If both are possible, they alternate.
                self.tries_more = is_busy && more > self.drivers && (self.drivers == 1 || !self.tries_more);
                if self.tries_more {
                    self.attempt(more);
                } else if self.drivers > 1 {
                    self.attempt(self.drivers / 2);
                }
            }
        }
        self.drivers
    }

    fn attempt(&mut self, drivers: usize) {
        self.phase = Phase::Trying { before: self.drivers, rate: self.rate, tried: Tried::default() };
        self.drivers = drivers;
    }

    /// Ends an attempt, which must handle at least `least` requests per second, once the result is clear.
    fn decide(&mut self, now: Instant, before: usize, least: f64, tried: Tried) {
        if tried.windows < 2 {
            return;
        }
        let rate = a_second(tried.requests, tried.time);
        let is_clear = (rate - least).abs() > least * DOUBTLESS;
        if !is_clear && tried.windows <= WINDOWS {
            return;
        }
        if rate >= least {
            // What has helped is tried again soon.
            (self.pause, self.retry) = (FIRST_PAUSE, now + FIRST_PAUSE);
            self.tries_more = self.drivers < before;
            self.rate = rate;
        } else {
            self.drivers = before;
            self.retry = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        self.phase = Phase::Steady;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is not exact")]
fn a_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Runs `windows` of a server that handles `rate` requests per second with a number of drivers. `busy` says whether it
    /// is busy. Returns the number of drivers in each window.
    fn run(control: &mut Control, windows: u32, rate: impl Fn(usize) -> u64, busy: bool) -> Vec<usize> {
        let (mut now, mut handled, mut drivers) = (control.began, control.handled, control.drivers);
        let mut seen = Vec::new();
        for _ in 0..windows {
            now += WINDOW;
            handled += rate(drivers) * 3 / 1000;
            if !busy {
                control.slept(WINDOW);
            }
            drivers = control.look(now, handled);
            seen.push(drivers);
        }
        seen
    }

    fn share(seen: &[usize], drivers: usize) -> usize {
        seen.iter().filter(|count| **count == drivers).count() * 100 / seen.len()
    }

    #[test]
    fn a_second_driver_stays_where_it_helps() {
        let mut control = Control::new(2);
        let seen = run(&mut control, 1000, |drivers| if drivers == 2 { 90_000 } else { 60_000 }, true);
        assert!(share(&seen, 2) > 95, "{}", share(&seen, 2));
    }

    /// The system may have a new thread share the core of another for some milliseconds.
    #[test]
    fn a_driver_that_takes_its_time_to_find_a_core_is_waited_for() {
        let mut control = Control::new(2);
        let (mut now, mut handled, mut since, mut seen) = (control.began, 0, 0, Vec::new());
        for _ in 0..1000 {
            now += WINDOW;
            since = if control.drivers == 2 { since + 1 } else { 0 };
            handled += if since > 2 { 180 } else { 132 };
            seen.push(control.look(now, handled));
        }
        assert!(share(&seen, 2) > 90, "{}", share(&seen, 2));
    }

    #[test]
    fn one_that_does_not_is_tried_less_and_less() {
        let mut control = Control::new(2);
        let rate = |drivers| if drivers == 2 { 130_000 } else { 160_000 };
        run(&mut control, 1000, rate, true);
        let seen = run(&mut control, 1000, rate, true);
        assert!(share(&seen, 1) > 98 && seen.contains(&2), "{}", share(&seen, 1));
    }

    #[test]
    fn who_has_time_needs_no_help() {
        let mut control = Control::new(8);
        assert_eq!(run(&mut control, 100, |_| 100_000, false), [1; 100]);
        run(&mut control, 1000, |drivers| 50_000 * drivers as u64, true);
        assert_eq!(run(&mut control, 3, |_| 1000, false).last(), Some(&8), "too few to say anything yet");
        assert_eq!(run(&mut control, 100, |_| 1000, false).last(), Some(&1));
    }

    #[test]
    fn so_many_drive_as_help() {
        let mut control = Control::new(64);
        let seen = run(&mut control, 3000, |drivers| 30_000 * drivers.min(16) as u64, true);
        assert!(share(&seen[500..], 16) > 90, "{}", share(&seen[500..], 16));
        let seen = run(&mut control, 3000, |drivers| 30_000 * drivers.min(4) as u64, true);
        assert!(share(&seen[1500..], 4) > 80, "{}", share(&seen[1500..], 4));
    }

    #[test]
    fn there_is_one_where_there_is_one_permit() {
        let mut control = Control::new(1);
        assert_eq!(run(&mut control, 100, |_| 100_000, true), [1; 100]);
    }
}
