//! The memory that a request is worked on with. It belongs to a thread, which lends it to the connection whose turn it
//! is. A connection that rests has none.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Bounds, Exchange};
use crate::handler::buffer::Buffer;
use crate::handler::request::Request;
use crate::handler::wire::{Want, Wire};

/// What a thread keeps for the connection that has the next turn.
#[derive(Default)]
pub(crate) struct Desk {
    exchange: Option<Box<Exchange>>,
    request: Option<Box<Request>>,
    /// Buffers of connections that have kept the rest.
    input: Buffer,
    head: Buffer,
    output: Vec<u8>,
}

/// The handle on an [`Exchange`]. The lock is uncontended, and never held while code of the user runs: an override or a
/// `Display` may call back into the base.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Slot>>);

/// An exchange, or what is left of it while the connection rests.
struct Slot {
    exchange: Option<Box<Exchange>>,
    line: Line,
}

/// What a connection is never without.
pub(super) struct Line {
    pub(super) wire: Box<dyn Wire>,
    pub(super) bounds: Arc<Bounds>,
    /// How long one read or write may wait for the client.
    pub(super) io_timeout: Duration,
}

impl Shared {
    pub(crate) fn new(wire: Box<dyn Wire>, bounds: Arc<Bounds>) -> Self {
        let line = Line { wire, io_timeout: bounds.io_timeout, bounds };
        Self(Arc::new(Mutex::new(Slot { exchange: None, line })))
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_> {
        let mut slot = self.slot();
        if slot.exchange.is_none() {
            slot.open_out_of_turn();
        }
        Guard(slot)
    }

    #[inline]
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn begins: the connection gets what it has not got.
    pub(crate) fn borrow_from(&self, desk: &mut Desk, request: &mut Option<Box<Request>>) {
        self.slot().open(desk);
        let request = request.get_or_insert_with(|| desk.request.take().unwrap_or_default());
        request.bytes.borrow_memory(&mut desk.head);
    }

    /// A turn ends: the connection gives back what it does not need while it waits.
    pub(crate) fn give_back(&self, desk: &mut Desk, request: &mut Option<Box<Request>>) {
        let mut slot = self.slot();
        let Some(exchange) = &mut slot.exchange else { return };
        let is_at_rest = exchange.is_at_rest();
        if is_at_rest {
            exchange.trim();
            slot.close(desk);
        } else {
            exchange.shrink(&mut desk.input, &mut desk.output);
        }
        drop(slot);
        if is_at_rest {
            // It was cleared when the one before was over.
            desk.request = request.take();
        } else if let Some(request) = request {
            request.shrink(&mut desk.head);
        }
    }
}

impl Slot {
    /// Code of the user runs that no request has called: a `Drop`.
    #[cold]
    fn open_out_of_turn(&mut self) {
        self.open(&mut Desk::default());
    }

    fn open(&mut self, desk: &mut Desk) {
        let exchange = match &mut self.exchange {
            Some(exchange) => exchange,
            None => {
                let mut exchange = desk.exchange.take().unwrap_or_default();
                std::mem::swap(&mut exchange.line, &mut self.line);
                exchange.begin_anew();
                self.exchange.insert(exchange)
            }
        };
        exchange.borrow_buffers(&mut desk.input, &mut desk.output);
    }

    fn close(&mut self, desk: &mut Desk) {
        if let Some(mut exchange) = self.exchange.take() {
            std::mem::swap(&mut exchange.line, &mut self.line);
            desk.exchange = Some(exchange);
        }
    }
}

/// A locked [`Exchange`].
pub(crate) struct Guard<'a>(MutexGuard<'a, Slot>);

impl Deref for Guard<'_> {
    type Target = Exchange;

    #[inline]
    fn deref(&self) -> &Exchange {
        self.0.exchange.as_deref().unwrap_or_else(|| unreachable!("it was opened when it was locked"))
    }
}

impl DerefMut for Guard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Exchange {
        self.0.exchange.as_deref_mut().unwrap_or_else(|| unreachable!("it was opened when it was locked"))
    }
}

/// That of an exchange that no connection has.
impl Default for Line {
    fn default() -> Self {
        let bounds = Arc::new(Bounds::default());
        Self { wire: Box::new(Nowhere), io_timeout: bounds.io_timeout, bounds }
    }
}

struct Nowhere;

impl Wire for Nowhere {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn wait(&mut self, _want: Want, _timeout: Duration) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn begin_exchange(&mut self, _unsent: usize, _head: bool) {}

    fn begin_idle(&mut self) {}

    fn is_last_request(&self) -> bool {
        true
    }

    fn shutdown_write(&mut self) {}

    fn reset(&mut self) {}

    fn clock(&self) -> fn() -> SystemTime {
        || UNIX_EPOCH
    }

    fn log(&mut self, _line: &str) {}
}
