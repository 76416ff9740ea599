//! The memory that requests are worked on with. A thread keeps that of one request and lends it to the connection whose turn it is;
//! a connection that rests has none.

use std::cell::RefCell;

use crate::handler::buffer::Buffer;
use crate::handler::request::Request;
use crate::sync::{Mutex, lock};

#[derive(Default)]
pub(super) struct BufferPool {
    buffers: Buffers,
    /// What a head that came apart from the others was moved to.
    head: Buffer,
}

/// The memory for one request.
#[derive(Default)]
struct Buffers {
    input: Buffer,
    output: Vec<u8>,
    request: Option<Box<Request>>,
}

/// What threads have left over: a request that is handed to another thread takes its memory along, so that the one runs
/// out of it and the other gathers it.
static SPARE: Mutex<Vec<Buffers>> = Mutex::new(Vec::new());

/// More is given back to the system. Each is up to some 50 KiB.
const MOST_SPARE: usize = 64;

thread_local! {
    static POOL: RefCell<BufferPool> = RefCell::default();
}

impl BufferPool {
    /// Does something with that of this thread.
    #[inline]
    pub(super) fn with<T>(run: impl FnOnce(&mut Self) -> T) -> T {
        POOL.with_borrow_mut(run)
    }

    /// Buffers for a connection that has work.
    pub(super) fn take(&mut self) -> (Buffer, Vec<u8>) {
        if !self.buffers.input.has_memory() {
            self.refill();
        }
        (std::mem::take(&mut self.buffers.input), std::mem::take(&mut self.buffers.output))
    }

    /// A head for a connection that has work.
    pub(super) fn take_request(&mut self) -> Box<Request> {
        self.buffers.request.take().unwrap_or_default()
    }

    /// Takes back what a connection that rests does not need. Nothing of what was in it is left.
    pub(super) fn take_back(&mut self, input: Buffer, output: Vec<u8>, request: Option<Box<Request>>) {
        if !self.buffers.input.has_memory() {
            let Buffers { output: other, request: kept, .. } = std::mem::take(&mut self.buffers);
            let output = if output.capacity() > 0 { output } else { other };
            self.buffers = Buffers { input, output, request: request.or(kept) };
            return;
        }
        let mut spare = lock(&SPARE);
        if spare.len() < MOST_SPARE {
            spare.push(Buffers { input, output, request });
        }
    }

    /// Where a connection that keeps some of its memory leaves the rest.
    pub(super) fn leftovers(&mut self) -> (&mut Buffer, &mut Vec<u8>, &mut Buffer) {
        (&mut self.buffers.input, &mut self.buffers.output, &mut self.head)
    }

    #[cold]
    fn refill(&mut self) {
        let Some(Buffers { input, output, request }) = lock(&SPARE).pop() else { return };
        self.buffers.input = input;
        if self.buffers.output.capacity() == 0 {
            self.buffers.output = output;
        }
        self.buffers.request = self.buffers.request.take().or(request);
    }

    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        self.buffers.input.has_memory() && self.buffers.request.is_some()
    }
}
