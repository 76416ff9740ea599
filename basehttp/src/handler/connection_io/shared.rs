//! The connection handle that `rfile`, `wfile` and the handler's base share.

use std::ops::{Deref, DerefMut};

use super::ConnectionIo;
use super::bounds::Bounds;
use super::buffer_pool::BufferPool;
use super::detached::Detached;
use super::link::{ClosedWire, Link};
use crate::handler::request::Request;
use crate::handler::wire::Wire;
use crate::proto::connection::Phase;
use crate::sync::{Arc, Mutex, MutexGuard, lock};

/// The lock is uncontended, and never held while user code runs: an override or a `Display` may call back into the base.
/// (Owners of payloads are asked for their bytes under it, and user-supplied streams are used under it: they know no
/// handler.)
#[derive(Clone)]
pub(crate) struct SharedIo(Arc<Mutex<Slot>>);

/// A connection with work, or what remains of it while it rests: there is always exactly one of the two.
struct Slot {
    working: Option<Box<ConnectionIo>>,
    resting: Option<Box<Link>>,
}

impl SharedIo {
    pub(crate) fn new(wire: Box<dyn Wire>, bounds: Arc<Bounds>) -> Self {
        Self(Arc::new(Mutex::new(Slot { working: None, resting: Some(Box::new(Link::new(wire, bounds))) })))
    }

    #[expect(clippy::inline_always, reason = "each request would pay several times for the call")]
    #[inline(always)]
    pub(crate) fn lock(&self) -> IoGuard<'_> {
        let mut slot = self.slot();
        if slot.working.is_none() {
            slot.open_alone();
        }
        IoGuard(slot)
    }

    /// Like [`lock`](Self::lock), but only for a connection with work, not for one that rests or is over.
    pub(crate) fn lock_working(&self) -> Option<IoGuard<'_>> {
        let slot = self.slot();
        slot.working.is_some().then(|| IoGuard(slot))
    }

    /// Ends the connection: other owners of this handle find it closed. The caller must drop the returned value, which may
    /// run user code.
    pub(crate) fn close(&self) -> Option<Box<Detached>> {
        if Arc::strong_count(&self.0) == 1 {
            return None;
        }
        let mut slot = self.slot();
        let mut working = slot.working.take();
        let detached = working.as_mut().and_then(|io| io.take_detached());
        if let Some(io) = &mut working {
            slot.resting = io.detach();
        }
        if let Some(link) = &mut slot.resting {
            // Threads that wait for room learn that there will be none.
            link.wire.free_room();
        }
        let closed =
            slot.resting.as_mut().map(|link| std::mem::replace(&mut link.wire, Box::new(ClosedWire)));
        drop(slot);
        // Closing a socket takes time, and closing a user's stream may take any time.
        drop((closed, working));
        detached
    }

    /// Like [`lock`](Self::lock), with the request, which is lent if there is none.
    #[inline]
    pub(crate) fn lock_with<'a, 'b>(
        &'a self,
        request: &'b mut Option<Box<Request>>,
    ) -> (IoGuard<'a>, &'b mut Request) {
        let mut slot = self.slot();
        if slot.working.is_none() || request.is_none() {
            BufferPool::with(|pool| {
                if slot.working.is_none() {
                    slot.open(pool);
                }
                if request.is_none() {
                    *request = Some(pool.lend_request());
                }
            });
        }
        (IoGuard(slot), request.get_or_insert_default())
    }

    /// An empty request.
    pub(crate) fn new_request() -> Box<Request> {
        BufferPool::with(BufferPool::lend_request)
    }

    /// Sends ready output from a thread that does not own the connection, unless the owner holds the lock.
    pub(crate) fn try_send(&self) {
        if let Ok(mut slot) = self.0.try_lock()
            && let Some(io) = &mut slot.working
        {
            io.send_for_another();
        }
    }

    #[inline]
    fn slot(&self) -> MutexGuard<'_, Slot> {
        lock(&self.0)
    }

    /// Begins a turn of a connection that has not rested: lends it the buffers that it has not kept.
    pub(crate) fn begin_turn(&self, request: Option<&mut Request>) {
        let mut slot = self.slot();
        let Some(io) = &mut slot.working else { return };
        BufferPool::with(|pool| {
            io.input.begin_turn(&mut pool.input);
            io.response.borrow_memory(&mut pool.output);
            if let Some(request) = request {
                request.bytes.borrow_memory(&mut pool.head);
            }
        });
    }

    /// Ends a turn: the connection returns what it does not need while it waits. True if it rests.
    pub(crate) fn end_turn(&self, request: &mut Option<Box<Request>>, phase: Phase) -> bool {
        let mut slot = self.slot();
        let Some(mut io) = slot.working.take() else { return true };
        BufferPool::with(|pool| {
            if io.is_at_rest(phase) {
                slot.resting = io.detach();
                // The request was cleared when the previous one ended.
                pool.take_back(io, request.take());
                return true;
            }
            io.input.end_turn(&mut pool.input);
            io.response.shrink(&mut pool.output);
            if let Some(request) = request {
                request.shrink(&mut pool.head);
            }
            slot.working = Some(io);
            false
        })
    }
}

impl Slot {
    #[cold]
    fn open_alone(&mut self) {
        BufferPool::with(|pool| self.open(pool));
    }

    fn open(&mut self, pool: &mut BufferPool) {
        if let Some(link) = self.resting.take() {
            let mut io = pool.lend();
            io.attach_link(link);
            io.input.borrow_memory(&mut pool.input);
            io.response.borrow_memory(&mut pool.output);
            self.working = Some(io);
        }
    }
}

/// A locked [`ConnectionIo`].
pub(crate) struct IoGuard<'a>(MutexGuard<'a, Slot>);

impl Deref for IoGuard<'_> {
    type Target = ConnectionIo;

    #[inline]
    fn deref(&self) -> &ConnectionIo {
        self.0.working.as_deref().unwrap_or_else(|| unreachable!("it was opened when it was locked"))
    }
}

impl DerefMut for IoGuard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut ConnectionIo {
        self.0.working.as_deref_mut().unwrap_or_else(|| unreachable!("it was opened when it was locked"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};
    use std::time::Duration;

    use super::*;
    use crate::handler::connection_io::NextHead;
    use crate::handler::wire::{Level, Want};

    /// Returns its data, and then `WouldBlock`.
    struct Client(&'static [u8]);

    impl Wire for Client {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match std::mem::take(&mut self.0) {
                [] => Err(io::ErrorKind::WouldBlock.into()),
                bytes => {
                    buffer[..bytes.len()].copy_from_slice(bytes);
                    Ok(bytes.len())
                }
            }
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            Ok(pieces.iter().map(|piece| piece.len()).sum())
        }

        fn wait(&mut self, _want: Want, _timeout: Duration) -> io::Result<()> {
            Ok(())
        }

        fn is_last_request(&self) -> bool {
            false
        }

        fn is_stopping(&self) -> bool {
            false
        }

        fn shutdown_write(&mut self) {}

        fn reset(&mut self) {}

        fn log(&mut self, _line: &str, _level: Level) -> bool {
            false
        }
    }

    /// A connection after a turn in which no complete request arrived.
    fn after_a_turn(sent: &'static [u8]) -> (SharedIo, Option<Box<Request>>) {
        let shared = SharedIo::new(Box::new(Client(sent)), Arc::default());
        let mut request = Some(SharedIo::new_request());
        let next =
            request.as_deref_mut().map(|request| shared.lock().next_head(request, &mut Phase::Idle.clone()));
        assert_eq!(next, Some(NextHead::Later));
        shared.end_turn(&mut request, Phase::Idle);
        (shared, request)
    }

    #[test]
    fn a_connection_that_rests_has_no_memory_of_its_own() {
        let (shared, request) = after_a_turn(b"");
        assert!(shared.slot().working.is_none() && request.is_none());
        assert!(BufferPool::with(|pool| pool.is_whole()), "the thread has it again");
        assert!(shared.lock().link.wire.read(&mut [0]).is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock));
    }

    #[test]
    fn a_head_that_was_begun_stays_with_its_connection() {
        let (shared, request) = after_a_turn(b"GET / HTTP/1.1\r\nHost: a\r\nAccept");
        assert_eq!(shared.lock().input.buffer.data().len(), 31);
        assert_eq!(request.map(|request| request.head.fields.len()), Some(1));
        let (_, other) = after_a_turn(b"");
        assert!(other.is_none());
    }
}
