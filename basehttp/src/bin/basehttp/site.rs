//! What all handlers share: the settings, and what was served so far.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use basehttp::{Directory, HTTPStatus};

use crate::args::Format;
use crate::auth::Credentials;

pub(crate) struct Site {
    pub(crate) files: Directory,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) cors: bool,
    pub(crate) spa: bool,
    pub(crate) upload: Option<Upload>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) log: Format,
    pub(crate) served: Served,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload {
    pub(crate) limit: u64,
    pub(crate) overwrite: bool,
}

/// What was served.
pub(crate) struct Served {
    since: Instant,
    /// By the first digit of the status, from 1 on.
    replies: [AtomicU64; 5],
    bytes: AtomicU64,
}

impl Default for Served {
    fn default() -> Self {
        Self { since: Instant::now(), replies: Default::default(), bytes: AtomicU64::new(0) }
    }
}

impl Served {
    pub(crate) fn count(&self, status: HTTPStatus) {
        let class = usize::from(status.code() / 100).saturating_sub(1);
        if let Some(count) = self.replies.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// On one line.
impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<u64> = self.replies.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let replies = if total == 1 { "reply" } else { "replies" };
        write!(f, "served {total} {replies}")?;
        let classes = counts.iter().zip(1..).filter(|(count, _)| **count > 0);
        for (at, (count, class)) in classes.enumerate() {
            write!(f, "{} {count} x {class}xx", if at == 0 { ":" } else { "," })?;
        }
        let bytes = self.bytes.load(Ordering::Relaxed);
        write!(f, "; {bytes} bytes of files, in {} s", self.since.elapsed().as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_served_on_one_line() {
        let served = Served::default();
        assert!(served.to_string().starts_with("served 0 replies; 0 bytes of files, in "));
        for code in [200, 206, 404] {
            served.count(HTTPStatus::new(code));
        }
        served.count_bytes(5);
        assert!(
            served.to_string().starts_with("served 3 replies: 2 x 2xx, 1 x 4xx; 5 bytes of files"),
            "{served}"
        );
    }
}
