//! An event of an event stream, in its wire format (WHATWG HTML, section 9.2).

use std::borrow::Cow;
use std::fmt::Write;
use std::io;
use std::time::Duration;

/// A server-sent event. [`EventStream::send`](crate::EventStream::send) and [`Broadcast::send`](crate::Broadcast::send) send
/// it.
///
/// ```
/// use basehttp::Event;
///
/// let event = Event::new("two\nlines").name("note").id("7");
/// assert_eq!(event.to_bytes().unwrap(), b"id: 7\ndata: two\ndata: lines\nevent: note\n\n");
/// // Client text cannot add a field of its own.
/// assert_eq!(Event::new("a\rid: 9").to_bytes().unwrap(), b"data: a\ndata: id: 9\n\n");
/// ```
///
/// The methods return no errors. The first mistake is remembered, and sending the event then fails, as with
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
    /// An event with this text. `Event::default()` has none: a browser does not pass such an event to its page, but applies
    /// its [`id`](Self::id) and [`retry`](Self::retry).
    pub fn new(data: impl AsRef<str>) -> Self {
        Self::default().data(data)
    }

    /// Adds text. CR, LF and CRLF each end a line; the page gets LF for all of them.
    pub fn data(mut self, text: impl AsRef<str>) -> Self {
        push_lines(&mut self.lines, "data", text.as_ref());
        self
    }

    /// The name of the event, for which the page adds a listener: `addEventListener("note", ..)`. The default is `message`.
    ///
    /// A name must not contain line ends.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        if name.contains(['\r', '\n']) {
            self.mistake.get_or_insert("the name of an event contains a line end");
        } else {
            push_lines(&mut self.lines, "event", name);
        }
        self
    }

    /// The id that a browser sends in `Last-Event-ID` when it reconnects. A [`Broadcast`](crate::Broadcast) gives an id to
    /// each event that has none. An empty id makes the browser forget the last one.
    ///
    /// It must not contain control characters, or begin or end with a blank, since it comes back as the value of a header
    /// field.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        // The standard forbids NUL, CR and LF. A request with any other control character in a field gets 400, and the
        // browser gives up.
        if id.contains(char::is_control) || id.starts_with(' ') || id.ends_with(' ') {
            self.mistake.get_or_insert(
                "the id of an event contains a control character, or begins or ends with a blank",
            );
        }
        self.id = Some(id);
        self
    }

    /// How long a browser waits before it reconnects, from now on. By default browsers wait about three seconds, and longer
    /// if that fails.
    pub fn retry(mut self, after: Duration) -> Self {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.lines, "retry: {}", after.as_millis());
        self
    }

    /// Adds a comment, which browsers ignore.
    pub fn comment(mut self, text: impl AsRef<str>) -> Self {
        push_lines(&mut self.lines, "", text.as_ref());
        self
    }

    /// The event in its wire format.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if its name or id cannot be sent.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        self.encode(None)
    }

    /// Like [`to_bytes`](Self::to_bytes), with an id for an event that has none.
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

    /// The id set by [`id`](Self::id).
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
