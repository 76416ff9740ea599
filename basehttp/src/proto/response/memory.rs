//! The memory of a response between two connections.

use super::framing::ResponseHead;
use super::{Response, State};

/// How much is kept for the next response.
const USUAL: usize = 16 * 1024;

impl Response {
    /// Frees memory that an unusual response has taken, after [`is_at_rest`](Self::is_at_rest).
    pub(crate) fn trim(&mut self) {
        self.trim_output();
        self.trailers = Vec::new();
    }

    fn trim_output(&mut self) {
        if self.out.is_empty() && self.out.capacity() > USUAL {
            self.out = Vec::new();
        }
    }

    /// Whether there is no response, and no byte of one is waiting.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.out.is_empty() && !matches!(self.state, State::Head | State::Held { .. })
    }

    /// Begins another connection, after [`is_at_rest`](Self::is_at_rest).
    #[inline]
    pub(crate) fn begin_connection(&mut self, hold: usize) {
        self.state = State::NoRequest;
        self.start = 0;
        self.head = ResponseHead::default();
        self.traits.close = true;
        self.ended_by_interim = false;
        self.is_closed = false;
        self.forget_mistakes();
        self.hold = hold;
    }

    /// Takes the memory of `spare` if it has none.
    pub(crate) fn borrow_memory(&mut self, spare: &mut Vec<u8>) {
        if self.out.capacity() == 0 {
            std::mem::swap(&mut self.out, spare);
        }
    }

    /// Keeps only the memory that its bytes need, and gives the rest to `spare`.
    pub(crate) fn shrink(&mut self, spare: &mut Vec<u8>) {
        if self.out.is_empty() {
            self.trim_output();
            if spare.capacity() == 0 {
                *spare = std::mem::take(&mut self.out);
            }
        }
        if self.out.capacity() > 2 * self.out.len() {
            self.out.shrink_to_fit();
        }
    }
}
