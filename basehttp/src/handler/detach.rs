//! Responses that go on after their method has returned: `later` and `stream`.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::time::Duration;

use super::RequestHandler;
use super::connection_io::{Continuation, HandleEnd, HandleKind, Piece};
use super::handle::Handle;
use super::method::Outcome;
use super::payload::Payload;
use super::upgraded_handler::{Peer, UpgradedHandler};
use crate::sync::is_panicking;

/// Responses that go on after their `do_*` method has returned. Every handler has these methods; the [prelude](crate::prelude)
/// brings them into scope.
///
/// A handler's thread belongs to its request only while it has something to do. What takes its time elsewhere, a job, a message
/// from another client, the next reading of a sensor, needs no thread that waits for it: the method hands a handle to
/// whoever knows, and returns. A connection whose response goes on costs a few hundred bytes beside its buffers.
///
/// Deadlines, limits, the log, [`Stats`](crate::Stats) and TLS are as for every response. Pipelined requests wait behind it. An override
/// of [`handle_one_request`](RequestHandler::handle_one_request) returns before there is a response; an override of
/// [`handle`](RequestHandler::handle) waits for it on its thread, as `testing` does.
pub trait Detach: RequestHandler {
    /// Puts off the response: the rest of the method is a closure that any thread may hand in, which then runs on a thread of
    /// the server with the handler. See [`Later`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the response has begun or was put off before, or there is no request.
    ///
    /// ```
    /// use std::io;
    /// use std::thread;
    /// use basehttp::prelude::*;
    ///
    /// struct Job { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Job {
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         let later = self.later()?;
    ///         // In place of a queue of jobs.
    ///         thread::spawn(move || {
    ///             let result = 6 * 7;
    ///             later.resume(move |handler| {
    ///                 handler.send_response(200);
    ///                 handler.end_headers()?;
    ///                 write!(handler.wfile, "{result}")
    ///             });
    ///         });
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let responses = basehttp::testing::respond(|base| Job { base }, b"GET / HTTP/1.0\r\n\r\n");
    /// assert_eq!(responses[0].text(), "42");
    /// ```
    fn later(&self) -> io::Result<Later<Self>> {
        let handle = Handle::new(self.vars(), HandleKind::Later)?;
        Ok(Later { handle: Some(handle), handler: PhantomData })
    }

    /// Goes on with the body of the response from any thread, after [`end_headers`](RequestHandler::end_headers). See [`Stream`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the head has not ended, or there is a handle on this response. An I/O
    /// error of the connection.
    ///
    /// ```
    /// use std::io::{self, Write as _};
    /// use std::thread;
    /// use basehttp::prelude::*;
    ///
    /// struct Count { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Count {
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         let mut stream = self.stream()?;
    ///         thread::spawn(move || (1..=3).try_for_each(|number| writeln!(stream, "{number}")));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let responses = basehttp::testing::respond(|base| Count { base }, b"GET / HTTP/1.0\r\n\r\n");
    /// assert_eq!(responses[0].text(), "1\n2\n3\n");
    /// ```
    fn stream(&self) -> io::Result<Stream> {
        Handle::new(self.vars(), HandleKind::Stream).map(Stream)
    }

    /// Hands over the connection to an object that speaks another protocol, after the response that switches to it: as
    /// [`upgrade`](super::BaseHTTPRequestHandler::upgrade), which see, but without a thread. When the method has returned, the object is told of
    /// what happens. See [`UpgradedHandler`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) as for [`upgrade`](super::BaseHTTPRequestHandler::upgrade);
    /// [`Unsupported`](io::ErrorKind::Unsupported) over a stream of one's own ([`serve_stream`](crate::HTTPServer::serve_stream)), which
    /// cannot be read from and written to at the same time.
    fn upgrade_to(&self, handler: impl UpgradedHandler) -> io::Result<Peer> {
        let peer = Peer::new(Handle::new(self.vars(), HandleKind::Upgraded)?);
        peer.serve(handler);
        Ok(peer)
    }
}

impl<H: RequestHandler> Detach for H {}

/// What a [`Later`] hands in, with the type of its handler.
pub(super) type Resume<H> = Box<dyn FnOnce(&mut H) -> Option<String> + Send>;

fn continuation<H: 'static, O: Outcome>(run: impl FnOnce(&mut H) -> O + Send + 'static) -> Continuation {
    let resume: Resume<H> = Box::new(move |handler| run(handler).failure());
    let resume: Box<dyn Any + Send> = Box::new(resume);
    resume
}

/// A response that was put off by [`later`](Detach::later). It can be sent to any thread, whatever the handler is.
///
/// A long poll keeps it in a list until there is something to say; a job takes it along. The client waits meanwhile, and costs no
/// thread. Dropped, it is answered with 500. When the server is shut down the closure of [`timeout`](Self::timeout) runs; without
/// one the client has the grace of the shutdown.
#[must_use = "dropped, the response is 500"]
pub struct Later<H> {
    handle: Option<Handle>,
    handler: PhantomData<fn(&mut H)>,
}

impl<H: RequestHandler> Later<H> {
    /// Has the response made: the closure is called with the handler, on a thread of the server, as a `do_*` method is. What it
    /// returns, and a panic, mean what they mean there, and it may put the response off again. Where the connection is over it is
    /// dropped.
    pub fn resume<O: Outcome>(mut self, run: impl FnOnce(&mut H) -> O + Send + 'static) {
        if let Some(handle) = self.handle.take() {
            handle.resume(continuation(run));
        }
    }

    /// Says what is to be done if nothing has been handed in after so long; at the end of the server that comes earlier. A second call
    /// replaces the first.
    ///
    /// ```
    /// # use std::io;
    /// # use std::time::Duration;
    /// # use basehttp::prelude::*;
    /// use std::sync::{Arc, Mutex};
    ///
    /// # struct Poll { base: BaseHTTPRequestHandler, waiting: Arc<Mutex<Vec<basehttp::Later<Poll>>>> }
    /// # #[http_handler]
    /// # impl Poll {
    /// fn do_GET(&self) -> io::Result<()> {
    ///     let later = self.later()?.timeout(Duration::from_secs(25), |handler| {
    ///         handler.send_response(204);
    ///         handler.end_headers()
    ///     });
    ///     self.waiting.lock().unwrap().push(later);
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub fn timeout<O: Outcome>(
        self,
        after: Duration,
        run: impl FnOnce(&mut H) -> O + Send + 'static,
    ) -> Self {
        if let Some(handle) = &self.handle {
            handle.set_timeout(after, continuation(run));
        }
        self
    }

    /// Whether nobody waits for the response: the client has gone or has ended its half of the connection, the server is being
    /// shut down, or the response was made by the time-out.
    pub fn is_gone(&self) -> bool {
        self.handle.as_ref().is_none_or(Handle::is_gone)
    }
}

impl<H> Drop for Later<H> {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.give_up(HandleEnd::Dropped);
        }
    }
}

impl<H> fmt::Debug for Later<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Later").finish_non_exhaustive()
    }
}

/// The rest of a response's body, which any thread may send: what [`stream`](Detach::stream) gives.
///
/// What is sent goes out at once, as a chunk of its own where the response is chunked. What the client has not taken waits in the
/// connection's buffer, up to [`write_high_water`](crate::ServerBuilder::write_high_water) bytes, and holds no thread;
/// [`write_timeout`](crate::ServerBuilder::write_timeout) and [`response_timeout`](crate::ServerBuilder::response_timeout)
/// say how long it may. Beyond that [`send`](Self::send) refuses, and [`send_within`](Self::send_within) and
/// [`Write`] wait.
///
/// Until the method has returned, its thread has the connection, and whoever sends may have to wait for what it is writing.
///
/// Dropped, it ends the response, and the connection goes on. A drop in a panic is as [`abort`](Self::abort).
#[must_use = "dropped, the response ends"]
pub struct Stream(pub(super) Handle);

impl Stream {
    /// Sends bytes, all of them or none, and does not wait. A message that is longer than `write_high_water` is taken where nothing
    /// waits before it, while the server has room for it ([`write_budget`](crate::ServerBuilder::write_budget)).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if they have no room, [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the response is
    /// over, as after its client has gone, [`InvalidInput`](io::ErrorKind::InvalidInput) if they are more than `Content-Length`
    /// has promised. An I/O error of the connection.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), Duration::ZERO)
    }

    /// As [`send`](Self::send), and waits for room, for so long at most.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn send_within(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), patience)
    }

    /// As [`send`](Self::send) for bytes that are handed over: where they are many they are not copied, so that one picture goes to
    /// any number of clients and is in memory once.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn send_bytes(&self, payload: impl Into<Payload>) -> io::Result<()> {
        self.0.send(Piece::Payload(&payload.into()), Duration::ZERO)
    }

    /// Whether nobody waits for more: the client has gone or has ended its half of the connection, or the server is being shut
    /// down. A client that has ended its half may still take what is sent.
    pub fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    /// Has this called, once, when [`is_gone`](Self::is_gone) becomes true: on a thread of the server, also while nothing is being
    /// sent. A second call replaces the first. It may drop the stream, and it ends before the connection does.
    pub fn on_gone(&self, call: impl FnOnce() + Send + 'static) {
        self.0.on_gone(Box::new(call));
    }

    /// Ends the response so that its client cannot take it for a whole one: by the end of the connection.
    pub fn abort(self) {
        self.0.give_up(HandleEnd::Aborted);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.give_up(if is_panicking() { HandleEnd::Aborted } else { HandleEnd::Dropped });
    }
}

/// As [`send_within`](Stream::send_within) for as long as a write of the response may wait.
impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(Piece::Bytes(bytes), self.0.write_timeout()).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As that of [`&Stream`](Stream).
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// They go to any thread, whatever the handler is made of.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Later<*const u8>>();
    goes_anywhere::<Stream>();
};
