//! A response of server-sent events, to which any thread may send.

use std::io;
use std::time::Duration;

use super::event::Event;
use super::stream::Stream;

/// A stream of server-sent events: what [`event_stream`](crate::Detach::event_stream) gives. A browser reads it with `EventSource`.
///
/// It ends by itself when its client goes, which is no line of the log, and when the server is shut down: the browser comes back, and
/// says with `Last-Event-ID` what it has seen. Dropped, it ends as well. To send to many, give it to a
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

/// An empty comment: something to send to a client that may have vanished.
const HEARTBEAT: &[u8] = b":\n\n";

/// Proxies give up a connection without bytes after a minute, nginx for one, and some after 30 seconds.
pub(super) const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

impl EventStream {
    pub(super) fn new(stream: Stream, last_event_id: Option<&[u8]>) -> Self {
        stream.0.end_with_client();
        let last_event_id = last_event_id.and_then(|id| str::from_utf8(id).ok()).filter(|id| !id.is_empty());
        let events = Self { stream, last_event_id: last_event_id.map(str::to_owned) };
        events.heartbeat(Some(HEARTBEAT_EVERY));
        events
    }

    /// Sends a message, and does not wait.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the message cannot be sent as it is, else those of [`Stream::send`]:
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if the client has not taken enough of what came before,
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the response is over.
    pub fn send(&self, event: &Event) -> io::Result<()> {
        self.stream.send(&event.to_bytes()?)
    }

    /// As [`send`](Self::send), and waits for room, for so long at most.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn send_within(&self, event: &Event, patience: Duration) -> io::Result<()> {
        self.stream.send_within(&event.to_bytes()?, patience)
    }

    /// Sends text that browsers skip.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn comment(&self, text: &str) -> io::Result<()> {
        self.send(&Event::default().comment(text))
    }

    /// After how long without a message an empty comment is sent, so that a client that has vanished is found and proxies keep the
    /// connection; 15 seconds if nothing is said. `None` is never. Nothing is shorter than a tenth of a second.
    pub fn heartbeat(&self, every: Option<Duration>) {
        self.stream.0.set_heartbeat(every, HEARTBEAT);
    }

    /// The id of the last message that the client has seen, in its request's `Last-Event-ID`. None if it comes for the first time, or
    /// what it says is no UTF-8.
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Whether nobody waits for more; see [`Stream::is_gone`].
    pub fn is_gone(&self) -> bool {
        self.stream.is_gone()
    }

    /// Has this called, once, when [`is_gone`](Self::is_gone) becomes true; see [`Stream::on_gone`].
    pub fn on_gone(&self, call: impl FnOnce() + Send + 'static) {
        self.stream.on_gone(call);
    }

    /// Takes it apart, for a [`Broadcast`](crate::Broadcast).
    pub(super) fn into_parts(self) -> (Stream, Option<String>) {
        (self.stream, self.last_event_id)
    }
}

/// It goes to any thread.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<EventStream>();
};
