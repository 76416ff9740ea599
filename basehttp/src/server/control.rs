//! How many drive: measured, not guessed.
//!
//! A second driver makes a server faster whose handlers compute for some microseconds, by half and more. One whose handlers do next
//! to nothing it makes slower, where the clients are on the same machine. Both keep the first one busy, and no figure of one driver
//! tells them apart. So it is tried, in windows of some milliseconds: where the first hardly sleeps, twice as many drive, and they
//! stay if so many more requests were answered; else the next try comes later. While several drive, fewer are tried now and then.

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
    /// The next try, and how long to wait after one that fails.
    retry: Instant,
    pause: Duration,
    /// More drivers were tried last, and not fewer.
    tries_more: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Steady,
    /// So many drivers before handled so many requests a second. The first window is not looked at.
    Trying {
        before: usize,
        rate: f64,
        is_settled: bool,
    },
}

const WINDOW: Duration = Duration::from_millis(3);

/// Windows with fewer requests say little. They go on, but not for longer than that.
const REQUESTS: u64 = 64;
const LONGEST_WINDOW: Duration = Duration::from_millis(30);

/// More drivers have to handle so much more.
const GAIN: f64 = 1.1;
/// Fewer may handle so much less.
const LOSS: f64 = 0.97;

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
            retry: now,
            pause: FIRST_PAUSE,
            tries_more: false,
        }
    }

    /// The poller of the first driver has slept.
    pub(super) fn slept(&mut self, time: Duration) {
        self.slept += time;
    }

    /// How many are to drive, after `handled` requests so far.
    pub(super) fn look(&mut self, now: Instant, handled: u64) -> usize {
        let elapsed = now.saturating_duration_since(self.began);
        let count = handled.saturating_sub(self.handled);
        if self.most == 1 || elapsed < WINDOW || (count < REQUESTS && elapsed < LONGEST_WINDOW) {
            return self.drivers;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate is not exact")]
        let rate = count as f64 / elapsed.as_secs_f64();
        let is_busy = self.slept < elapsed / 5;
        let is_idle = self.slept > elapsed / 2;
        (self.began, self.handled, self.slept) = (now, handled, Duration::ZERO);
        match self.phase {
            Phase::Trying { before, rate, is_settled: false } => {
                self.phase = Phase::Trying { before, rate, is_settled: true };
            }
            Phase::Trying { before, rate: rate_before, is_settled: true } => {
                let least = if self.drivers > before { rate_before * GAIN } else { rate_before * LOSS };
                if rate >= least {
                    // What has helped is tried again soon.
                    (self.pause, self.retry) = (FIRST_PAUSE, now + FIRST_PAUSE);
                    self.tries_more = self.drivers < before;
                } else {
                    self.drivers = before;
                    self.retry = now + self.pause;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
                self.phase = Phase::Steady;
            }
            Phase::Steady if is_idle && self.drivers > 1 => self.drivers /= 2,
            Phase::Steady if now < self.retry => {}
            Phase::Steady => {
                let more = (self.drivers * 2).min(self.most);
                // Where both are possible they take turns.
                self.tries_more = is_busy && more > self.drivers && (self.drivers == 1 || !self.tries_more);
                if self.tries_more {
                    self.attempt(more, rate);
                } else if self.drivers > 1 {
                    self.attempt(self.drivers / 2, rate);
                }
            }
        }
        self.drivers
    }

    fn attempt(&mut self, drivers: usize, rate: f64) {
        self.phase = Phase::Trying { before: self.drivers, rate, is_settled: false };
        self.drivers = drivers;
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Runs `windows` of a server that handles so many requests a second with so many drivers, and is as busy as that. Gives the
    /// drivers of each window.
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
