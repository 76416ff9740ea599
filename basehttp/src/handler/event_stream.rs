//! A response that is a stream of server-sent events, to which any thread may send.

use std::io;
use std::time::Duration;

use super::event::Event;
use super::stream::Stream;

/// A stream of server-sent events. [`event_stream`](crate::Detach::event_stream) returns it, and a browser reads it with
/// `EventSource`.
///
/// It ends by itself, without a log line, when its client goes, and when the server shuts down: the browser then reconnects
/// and reports in `Last-Event-ID` what it has seen. Dropping it also ends it. To send to many clients, pass it to a
/// [`Broadcast`](crate::Broadcast).
///
/// ```
/// use std::io;
/// use basehttp::Event;
/// use basehttp::prelude::*;
///
/// struct Pages { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Pages {
///     fn do_GET(&self) -> io::Result<()> {
///         let events = self.event_stream()?;
///         let seen: u32 = events.last_event_id().and_then(|id| id.parse().ok()).unwrap_or(0);
///         events.send(&Event::new("a page").id((seen + 1).to_string()))
///     }
/// }
///
/// let request = b"GET / HTTP/1.1\r\nHost: example.org\r\nLast-Event-ID: 41\r\n\r\n";
/// let response = basehttp::testing::respond(|base| Pages { base }, request).remove(0);
/// assert_eq!(response.text(), "id: 42\ndata: a page\n\n");
/// ```
#[doc(alias("eventsource", "sse"))]
#[derive(Debug)]
#[must_use = "dropped, the response ends"]
pub struct EventStream {
    pub(super) stream: Stream,
    last_event_id: Option<String>,
}

/// An empty comment, which detects a client that may have vanished.
const HEARTBEAT: &[u8] = b":\n\n";

/// Proxies drop a silent connection after a minute (nginx, for one), some after 30 seconds.
pub(super) const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

impl EventStream {
    pub(super) fn new(stream: Stream, last_event_id: Option<&[u8]>) -> Self {
        stream.0.end_with_client();
        let last_event_id = last_event_id.and_then(|id| str::from_utf8(id).ok()).filter(|id| !id.is_empty());
        let events = Self { stream, last_event_id: last_event_id.map(str::to_owned) };
        events.heartbeat(Some(HEARTBEAT_EVERY));
        events
    }

    /// Sends an event, and does not wait.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the event cannot be encoded, otherwise those of [`Stream::send`]:
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if the client has not taken enough of the earlier events,
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the response is over.
    pub fn send(&self, event: &Event) -> io::Result<()> {
        self.stream.send(&event.to_bytes()?)
    }

    /// Like [`send`](Self::send), but waits up to `patience` for room.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_within(&self, event: &Event, patience: Duration) -> io::Result<()> {
        self.stream.send_within(&event.to_bytes()?, patience)
    }

    /// Sends a comment, which browsers ignore.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn comment(&self, text: &str) -> io::Result<()> {
        self.send(&Event::default().comment(text))
    }

    /// How long the stream may be silent before an empty comment is sent, which detects a vanished client and keeps proxies
    /// from dropping the connection: 15 seconds by default, never if `None`, and at least a tenth of a second.
    pub fn heartbeat(&self, every: Option<Duration>) {
        self.stream.0.set_heartbeat(every, HEARTBEAT);
    }

    /// The id of the last event that the client has seen, from the request's `Last-Event-ID`. `None` if the client is new, or
    /// if the value is not UTF-8.
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Whether more output is no longer wanted; see [`Stream::is_gone`].
    pub fn is_gone(&self) -> bool {
        self.stream.is_gone()
    }

    /// Calls this closure once, when [`is_gone`](Self::is_gone) becomes true; see [`Stream::on_gone`].
    pub fn on_gone(&self, call: impl FnOnce() + Send + 'static) {
        self.stream.on_gone(call);
    }

    /// Takes it apart, for a [`Broadcast`](crate::Broadcast).
    pub(super) fn into_parts(self) -> (Stream, Option<String>) {
        (self.stream, self.last_event_id)
    }
}

/// It is `Send` and `Sync`.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<EventStream>();
};
