//! Responses that go on after their method has returned: `later`, `stream` and `event_stream`.

use std::any::Any;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use super::RequestHandler;
use super::connection_io::{Continuation, HandleEnd, HandleKind};
use super::event_stream::EventStream;
use super::handle::Handle;
use super::outcome::{Answer, Outcome};
use super::stream::Stream;
use super::upgraded_handler::{Peer, UpgradedHandler};

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
    #[doc(alias("defer", "respond_later"))]
    fn later(&self) -> io::Result<Later<Self>> {
        let handle = Handle::new(self.vars(), HandleKind::Later)?;
        Ok(Later { handle: Some(handle), handler: PhantomData })
    }

    /// Goes on with the body of the response from any thread, after [`end_headers`](RequestHandler::end_headers). See [`Stream`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the head has not ended, or this response already has a `Later` or a `Stream`. An I/O
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

    /// Begins a stream of server-sent events (WHATWG HTML, section 9.2), to which any thread may send. See [`EventStream`].
    ///
    /// It sends 200 if no response has begun, the fields `Content-Type: text/event-stream` and `Cache-Control: no-cache`, and ends the
    /// head. A handler that calls [`send_response`](RequestHandler::send_response) and [`send_header`](RequestHandler::send_header)
    /// before adds fields of its own, as `Access-Control-Allow-Origin`.
    ///
    /// # Errors
    /// Those of [`end_headers`](RequestHandler::end_headers) and of [`stream`](Self::stream).
    ///
    /// ```
    /// use std::io;
    /// use std::thread;
    /// use basehttp::Event;
    /// use basehttp::prelude::*;
    ///
    /// struct Jobs { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Jobs {
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         let events = self.event_stream()?;
    ///         events.send(&Event::new("begun"))?;
    ///         // In place of a queue of jobs.
    ///         thread::spawn(move || events.send(&Event::new("done")));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let response = basehttp::testing::respond(|base| Jobs { base }, b"GET / HTTP/1.0\r\n\r\n").remove(0);
    /// assert_eq!(response.header("content-type"), Some("text/event-stream"));
    /// assert!(response.text().starts_with("data: begun\n\n"));
    /// ```
    #[doc(alias("eventsource", "sse"))]
    fn event_stream(&self) -> io::Result<EventStream> {
        if !self.vars().io().response.is_begun() {
            self.send_response(200);
        }
        self.send_header("Content-Type", "text/event-stream");
        // A proxy or a browser that keeps it would play old events back.
        self.send_header("Cache-Control", "no-cache");
        self.end_headers()?;
        let last_event_id = self.vars().request().values("Last-Event-ID").next();
        self.stream().map(|stream| EventStream::new(stream, last_event_id))
    }

    /// Hands over the connection to an object that speaks another protocol, after the response that switches to it: as
    /// [`upgrade`](super::BaseHTTPRequestHandler::upgrade) (see there for the rules), but without a thread. When the method has returned, the object is told of
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
pub(super) type Resume<H> = Box<dyn FnOnce(&mut H) -> Answer + Send>;

fn continuation<H: 'static, O: Outcome>(run: impl FnOnce(&mut H) -> O + Send + 'static) -> Continuation {
    let resume: Resume<H> = Box::new(move |handler| run(handler).__answer());
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

/// They go to any thread, whatever the handler is made of.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Later<*const u8>>();
};
