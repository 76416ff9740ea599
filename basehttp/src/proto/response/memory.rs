//! The memory of a response between two connections.

use super::{Response, State};

/// What is kept for the next response.
const USUAL: usize = 16 * 1024;

impl Response {
    /// As [`new`](Self::new), with this memory.
    pub(crate) fn with_memory(memory: Vec<u8>, hold: usize) -> Self {
        Self { out: memory, ..Self::new(hold) }
    }

    /// The memory of one at rest, unless an unusual response has taken it.
    pub(crate) fn into_memory(mut self) -> Vec<u8> {
        self.trim();
        self.out
    }

    fn trim(&mut self) {
        if self.out.is_empty() && self.out.capacity() > USUAL {
            self.out = Vec::new();
        }
    }

    /// Whether there is neither a response nor a byte of one.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.out.is_empty() && !matches!(self.state, State::Head | State::Held { .. })
    }

    /// Takes the memory of `spare` where there is none.
    pub(crate) fn borrow_memory(&mut self, spare: &mut Vec<u8>) {
        if self.out.capacity() == 0 {
            std::mem::swap(&mut self.out, spare);
        }
    }

    /// Keeps no more memory than the bytes in it need, and gives `spare` what is left.
    pub(crate) fn shrink(&mut self, spare: &mut Vec<u8>) {
        if self.out.is_empty() {
            self.trim();
            if spare.capacity() == 0 {
                *spare = std::mem::take(&mut self.out);
            }
        }
        if self.out.capacity() > 2 * self.out.len() {
            self.out.shrink_to_fit();
        }
    }
}
