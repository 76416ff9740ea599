//! What a server may keep of responses for slow clients, beyond what each connection may.

use std::fmt;

use crate::sync::{Arc, Mutex, lock};

/// Bytes that all connections of a server may take together.
pub(crate) struct WriteBudget {
    left: Mutex<usize>,
}

/// Bytes that wait for a client. Their share of the budget comes back with them.
pub(super) struct Kept {
    bytes: Vec<u8>,
    budget: Arc<WriteBudget>,
}

impl WriteBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: Mutex::new(bytes) }
    }

    /// Copies these bytes, if there is room for them.
    pub(super) fn keep(self: &Arc<Self>, bytes: &[u8]) -> Option<Kept> {
        {
            let mut left = lock(&self.left);
            *left = left.checked_sub(bytes.len())?;
        }
        Some(Kept { bytes: bytes.to_vec(), budget: self.clone() })
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
        let first = budget.keep(b"1234567").unwrap();
        assert!(budget.keep(b"1234").is_none());
        let second = budget.keep(b"123").unwrap();
        assert_eq!((first.as_ref(), second.as_ref()), (&b"1234567"[..], &b"123"[..]));
        drop(first);
        assert!(budget.keep(b"12345678").is_none() && budget.keep(b"1234567").is_some());
    }
}
