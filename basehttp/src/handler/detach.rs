//! Responses that outlive their method: `later`, `stream` and `event_stream`.

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

/// Responses that continue after their `do_*` method has returned. Every handler has these methods; the
/// [prelude](crate::prelude) brings them into scope.
///
/// A handler needs a thread only while it works. When it would wait for something else, such as a job, a message from another
/// client or the next reading of a sensor, the method passes a handle to the code that will have the answer, and returns. A
/// connection whose response continues costs a few hundred bytes besides its buffers.
///
/// Deadlines, limits, the log, [`Stats`](crate::Stats) and TLS apply as to any response. Pipelined requests wait behind it.
/// An override of [`handle_one_request`](RequestHandler::handle_one_request) returns before there is a response; an override
/// of [`handle`](RequestHandler::handle) waits for it on its thread, as does `testing`.
pub trait Detach: RequestHandler {
    /// Defers the response: any thread may hand in the rest of the method as a closure, which then runs with the handler on a
    /// thread of the server. See [`Later`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the response has begun or was deferred before, or if there is no
    /// request.
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

    /// Lets any thread send the body of the response, after [`end_headers`](RequestHandler::end_headers). See [`Stream`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the head has not ended, or this response already has a `Later` or a
    /// `Stream`. Otherwise an I/O error of the connection.
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
    /// It sends 200 if no response has begun, the fields `Content-Type: text/event-stream` and `Cache-Control: no-cache`, and
    /// ends the head. To add fields of your own, such as `Access-Control-Allow-Origin`, call
    /// [`send_response`](RequestHandler::send_response) and [`send_header`](RequestHandler::send_header) first.
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
        // A proxy or browser that stores the stream would replay old events.
        self.send_header("Cache-Control", "no-cache");
        self.end_headers()?;
        let last_event_id = self.vars().request().values("Last-Event-ID").next();
        self.stream().map(|stream| EventStream::new(stream, last_event_id))
    }

    /// Hands the connection over to an object that speaks another protocol, after the response that switches to it. The rules
    /// are those of [`upgrade`](super::BaseHTTPRequestHandler::upgrade), but no thread is used: after the method has
    /// returned, the server calls the object for each event. See [`UpgradedHandler`].
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) as for [`upgrade`](super::BaseHTTPRequestHandler::upgrade);
    /// [`Unsupported`](io::ErrorKind::Unsupported) over a stream of your own
    /// ([`serve_stream`](crate::HTTPServer::serve_stream)), which cannot be read from and written to at the same time.
    fn upgrade_to(&self, handler: impl UpgradedHandler) -> io::Result<Peer> {
        let peer = Peer::new(Handle::new(self.vars(), HandleKind::Upgraded)?);
        peer.serve(handler);
        Ok(peer)
    }
}

impl<H: RequestHandler> Detach for H {}

/// The closure that a [`Later`] hands in, typed by its handler.
pub(super) type Resume<H> = Box<dyn FnOnce(&mut H) -> Answer + Send>;

fn continuation<H: 'static, O: Outcome>(run: impl FnOnce(&mut H) -> O + Send + 'static) -> Continuation {
    let resume: Resume<H> = Box::new(move |handler| run(handler).__answer());
    let resume: Box<dyn Any + Send> = Box::new(resume);
    resume
}

/// A response deferred by [`later`](Detach::later). It can be sent to any thread, whatever the handler contains.
///
/// A long poll keeps it in a list until there is something to say; a job takes it along. The client waits meanwhile and costs
/// no thread. If it is dropped, the response is 500. When the server shuts down, the closure of [`timeout`](Self::timeout)
/// runs; without one, the client waits at most for the grace period.
#[must_use = "dropped, the response is 500"]
pub struct Later<H> {
    handle: Option<Handle>,
    handler: PhantomData<fn(&mut H)>,
}

impl<H: RequestHandler> Later<H> {
    /// Makes the response: the closure is called with the handler on a thread of the server, like a `do_*` method. Its result
    /// or panic is treated as a `do_*` method's, and it may defer the response again. If the connection is over, the closure
    /// is dropped.
    pub fn resume<O: Outcome>(mut self, run: impl FnOnce(&mut H) -> O + Send + 'static) {
        if let Some(handle) = self.handle.take() {
            handle.resume(continuation(run));
        }
    }

    /// Sets a closure that runs if nothing has been handed in after this time, or earlier if the server shuts down. A second
    /// call replaces the first.
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

    /// Whether the response is no longer wanted: the client has gone or has ended its half of the connection, the server is
    /// shutting down, or the time-out has made the response.
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

/// They are `Send` and `Sync`, whatever the handler contains.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Later<*const u8>>();
};
