//! A message of a stream of events, as it is on the wire (WHATWG HTML, section 9.2).

use std::borrow::Cow;
use std::fmt::Write;
use std::io;
use std::time::Duration;

/// A message of a stream of server-sent events: what [`EventStream::send`](crate::EventStream::send) and
/// [`Broadcast::send`](crate::Broadcast::send) send.
///
/// ```
/// use basehttp::Event;
///
/// let event = Event::new("two\nlines").name("note").id("7");
/// assert_eq!(event.to_bytes().unwrap(), b"id: 7\ndata: two\ndata: lines\nevent: note\n\n");
/// // No text of a client makes a field of its own.
/// assert_eq!(Event::new("a\rid: 9").to_bytes().unwrap(), b"data: a\ndata: id: 9\n\n");
/// ```
///
/// The methods cannot fail where they stand. A mistake is remembered, and sending is an error then, as with
/// [`send_header`](crate::RequestHandler::send_header).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it is not sent"]
pub struct Event {
    id: Option<String>,
    /// All other fields.
    lines: String,
    /// The first mistake.
    mistake: Option<&'static str>,
}

impl Event {
    /// A message with this text. `Event::default()` is one without: a browser tells its page nothing of such a message, and takes note
    /// of its [`id`](Self::id) and [`retry`](Self::retry).
    pub fn new(data: impl AsRef<str>) -> Self {
        Self::default().data(data)
    }

    /// Adds text. CR, LF and CRLF each end a line, and the page gets LF for all of them.
    pub fn data(mut self, text: impl AsRef<str>) -> Self {
        push_lines(&mut self.lines, "data", text.as_ref());
        self
    }

    /// The name of the event, for which the page has a listener: `addEventListener("note", ..)`. Without, it is `message`.
    ///
    /// A name has no line ends.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        if name.contains(['\r', '\n']) {
            self.mistake.get_or_insert("the name of an event has a line end in it");
        } else {
            push_lines(&mut self.lines, "event", name);
        }
        self
    }

    /// What a browser that comes back says in `Last-Event-ID`. A [`Broadcast`](crate::Broadcast) gives one to each message that has none.
    /// An empty one makes the browser forget the last.
    ///
    /// It has no control characters and no blanks at its ends: it comes back as the value of a header field.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        // The standard forbids NUL, CR and LF. A request with another one in a field is answered 400, for which the browser gives up.
        if id.contains(char::is_control) || id.starts_with(' ') || id.ends_with(' ') {
            self.mistake
                .get_or_insert("the id of an event has a control character in it, or a blank at an end");
        }
        self.id = Some(id);
        self
    }

    /// After how long the browser is to come back when the connection has ended, from now on. Browsers wait for three seconds or so, and
    /// for some time more where that fails.
    pub fn retry(mut self, after: Duration) -> Self {
        // A `String` takes everything.
        let _ = writeln!(self.lines, "retry: {}", after.as_millis());
        self
    }

    /// Text that browsers skip.
    pub fn comment(mut self, text: impl AsRef<str>) -> Self {
        push_lines(&mut self.lines, "", text.as_ref());
        self
    }

    /// The message as it is on the wire.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if its name or its id cannot be sent.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        self.encode(None)
    }

    /// As [`to_bytes`](Self::to_bytes), with an id for a message that has none.
    pub(super) fn encode(&self, assigned: Option<&str>) -> io::Result<Vec<u8>> {
        if let Some(mistake) = self.mistake {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, mistake));
        }
        let id = self.own_id().or(assigned);
        let mut text = String::with_capacity(self.lines.len() + id.map_or(0, str::len) + "id: \n\n".len());
        if let Some(id) = id {
            push_lines(&mut text, "id", id);
        }
        text.push_str(&self.lines);
        text.push('\n');
        Ok(text.into_bytes())
    }

    /// The id that it was given.
    pub(super) fn own_id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// Adds a field for each line of a text.
fn push_lines(to: &mut String, field: &str, text: &str) {
    let text: Cow<'_, str> =
        if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text.into() };
    for line in text.split(['\r', '\n']) {
        to.extend([field, ": ", line, "\n"]);
    }
}
