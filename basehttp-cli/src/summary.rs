//! The summary at the end of the command.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts requests by the class of their status, and bytes.
pub(crate) struct Summary {
    begin: Instant,
    sent: AtomicU64,
    received: AtomicU64,
    /// Indexed by the first digit of the status.
    classes: [AtomicU64; 6],
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            sent: AtomicU64::default(),
            received: AtomicU64::default(),
            classes: Default::default(),
        }
    }
}

impl Summary {
    /// Counts a request that was answered with a body of `size` bytes.
    pub(crate) fn answered(&self, status: u16, size: u64) {
        if let Some(class) = self.classes.get(usize::from(status / 100)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.sent.fetch_add(size, Ordering::Relaxed);
    }

    /// Counts `size` uploaded bytes.
    pub(crate) fn received(&self, size: u64) {
        self.received.fetch_add(size, Ordering::Relaxed);
    }
}

/// `Served 3 requests in 1 min 5 s: 2 with 2xx, 1 with 4xx; 1.5 MiB sent`
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<u64> = self.classes.iter().map(|class| class.load(Ordering::Relaxed)).collect();
        let requests: u64 = counts.iter().sum();
        let plural = if requests == 1 { "" } else { "s" };
        write!(f, "Served {requests} request{plural} in {}", duration(self.begin.elapsed()))?;
        let classes = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        for (number, (class, count)) in classes.enumerate() {
            let before = if number == 0 { ":" } else { "," };
            write!(f, "{before} {count} with {class}xx")?;
        }
        write!(f, "; {} sent", human(self.sent.load(Ordering::Relaxed)))?;
        match self.received.load(Ordering::Relaxed) {
            0 => Ok(()),
            received => write!(f, ", {} uploaded", human(received)),
        }
    }
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Formats a number of bytes in binary units, with one decimal.
pub(crate) fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_served() {
        let summary = Summary::default();
        assert_eq!(summary.to_string(), "Served 0 requests in 0 s; 0 B sent");
        summary.answered(200, 1536);
        assert_eq!(summary.to_string(), "Served 1 request in 0 s: 1 with 2xx; 1.5 KiB sent");
        summary.answered(404, 0);
        summary.answered(206, 0);
        summary.received(3 << 30);
        assert_eq!(
            summary.to_string(),
            "Served 3 requests in 0 s: 2 with 2xx, 1 with 4xx; 1.5 KiB sent, 3.0 GiB uploaded"
        );
    }

    #[test]
    fn times() {
        let of = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([of(59), of(65), of(7325)], ["59 s", "1 min 5 s", "2 h 2 min"]);
    }
}
