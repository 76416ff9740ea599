//! How much output a server may keep for slow clients, beyond the limit of each connection.

use std::fmt;

use crate::handler::payload::Payload;
use crate::sync::{Arc, Mutex, lock};

/// How much of it one connection may take: a large page. An endless response must not use up what pages need, nor run far
/// ahead of a client that wants it live.
const FOR_EACH: u64 = 1024 * 1024;

/// Bytes that all connections of a server may take together.
pub(crate) struct WriteBudget {
    all: usize,
    left: Mutex<usize>,
}

/// Bytes that wait for a client. Dropping them returns their share of the budget.
struct Kept {
    bytes: Vec<u8>,
    budget: Arc<WriteBudget>,
}

impl WriteBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { all: bytes, left: Mutex::new(bytes) }
    }

    /// Whether there is room for this many bytes if nothing else is kept.
    pub(super) fn may_ever_keep(&self, bytes: usize) -> bool {
        bytes <= self.all
    }

    /// Copies these bytes for a connection that already keeps `own` bytes, if there is room for them.
    pub(super) fn keep(self: &Arc<Self>, bytes: &[u8], own: u64) -> Option<Payload> {
        if own.saturating_add(bytes.len() as u64) > FOR_EACH {
            return None;
        }
        self.keep_message(bytes)
    }

    /// Like [`keep`](Self::keep), for one message of any length and a connection that keeps nothing else.
    pub(super) fn keep_message(self: &Arc<Self>, bytes: &[u8]) -> Option<Payload> {
        {
            let mut left = lock(&self.left);
            *left = left.checked_sub(bytes.len())?;
        }
        Some(Payload::from_owner(Kept { bytes: bytes.to_vec(), budget: self.clone() }))
    }
}

impl fmt::Debug for WriteBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lock(&self.left).fmt(f)
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        *lock(&self.budget.left) += self.bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_kept_again() {
        let budget = Arc::new(WriteBudget::new(10));
        let first = budget.keep(b"1234567", 0).unwrap();
        assert!(budget.keep(b"1234", 0).is_none());
        let second = budget.keep(b"123", 0).unwrap();
        assert_eq!((first.as_bytes(), second.as_bytes()), (&b"1234567"[..], &b"123"[..]));
        drop(first);
        assert!(budget.keep(b"12345678", 0).is_none() && budget.keep(b"1234567", 0).is_some());
    }

    #[test]
    fn no_connection_takes_all_of_it() {
        let budget = Arc::new(WriteBudget::new(10 << 20));
        assert!(budget.keep(&vec![0; (1 << 20) + 1], 0).is_none());
        let first = budget.keep(&vec![0; 600_000], 0).unwrap();
        assert!(budget.keep(&vec![0; 600_000], first.len() as u64).is_none());
        assert!(budget.keep(&vec![0; 600_000], 0).is_some(), "another connection");
        assert!(budget.keep_message(&vec![0; 2 << 20]).is_some(), "one message");
    }
}
