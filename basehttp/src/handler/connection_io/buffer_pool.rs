//! The memory for processing requests. Each thread keeps that of one request, and lends it to the connection whose turn it
//! is; a resting connection has none.

use std::cell::RefCell;

use super::ConnectionIo;
use crate::handler::buffer::Buffer;
use crate::handler::request::Request;
use crate::sync::{Mutex, lock};

#[derive(Default)]
pub(super) struct BufferPool {
    io: Option<Box<ConnectionIo>>,
    request: Option<Box<Request>>,
    /// Surplus memory of connections that keep the rest.
    pub(super) input: Buffer,
    pub(super) output: Vec<u8>,
    pub(super) head: Buffer,
    /// Bytes on their way from one socket to another.
    pub(super) relayed: Vec<u8>,
}

/// Surplus memory of all threads: a request that is passed to another thread takes its memory along, so that one thread has
/// too little and the other too much.
static SPARE: Mutex<Vec<Lent>> = Mutex::new(Vec::new());

type Lent = (Box<ConnectionIo>, Option<Box<Request>>);

/// Any more is returned to the system. Each has up to about 50 KiB.
const MOST_SPARE: usize = 64;

thread_local! {
    static POOL: RefCell<BufferPool> = RefCell::default();
}

impl BufferPool {
    /// Runs something with this thread's pool.
    #[inline]
    pub(super) fn with<T>(run: impl FnOnce(&mut Self) -> T) -> T {
        POOL.with_borrow_mut(run)
    }

    /// Memory for a connection.
    #[inline]
    pub(super) fn lend(&mut self) -> Box<ConnectionIo> {
        if let Some(io) = self.io.take() {
            return io;
        }
        let Some((io, request)) = lock(&SPARE).pop() else { return Box::default() };
        self.request = self.request.take().or(request);
        io
    }

    /// Memory for a head.
    pub(super) fn lend_request(&mut self) -> Box<Request> {
        self.request.take().unwrap_or_default()
    }

    /// Takes back the memory of a connection that rests.
    #[inline]
    pub(super) fn take_back(&mut self, io: Box<ConnectionIo>, request: Option<Box<Request>>) {
        if self.io.is_none() {
            self.io = Some(io);
            self.request = request.or_else(|| self.request.take());
            return;
        }
        let mut spare = lock(&SPARE);
        if spare.len() < MOST_SPARE {
            spare.push((io, request));
        }
    }

    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        self.io.is_some() && self.request.is_some()
    }
}
