//! The handle on a WebSocket, for any thread.

use std::fmt;
use std::io;
use std::time::Duration;

use super::frame::{Opcode, encode};
use super::message::Message;
use super::reader::may_be_sent;
use crate::handler::Peer;
use crate::sync::{Arc, Mutex, lock};

/// The server's end of a WebSocket. Any thread may send with it, and it may be cloned; it does not keep the connection.
///
/// Messages of several threads do not mix, and nothing follows a close frame.
#[derive(Clone)]
pub struct WebSocket(Arc<Inner>);

struct Inner {
    peer: Peer,
    protocol: Option<String>,
    /// Whether the close frame was sent, which is the last one.
    is_closing: Mutex<bool>,
}

/// How long the other side may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest reason: a control frame has 125 bytes, and a code has two of them.
const MOST_REASON: usize = 123;

impl WebSocket {
    pub(super) fn new(peer: Peer, protocol: Option<String>) -> Self {
        Self(Arc::new(Inner { peer, protocol, is_closing: Mutex::new(false) }))
    }

    /// Sends a message, and does not wait. What the client has not taken waits in the connection's buffer, up to
    /// [`write_high_water`](crate::ServerBuilder::write_high_water) bytes; a longer message is taken where nothing waits
    /// before it, while the server has room for it ([`write_budget`](crate::ServerBuilder::write_budget)).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it has no room: the client reads too slowly. [`BrokenPipe`](io::ErrorKind::BrokenPipe)
    /// if the WebSocket is closing, or over. An I/O error of the connection.
    pub fn send(&self, message: &Message) -> io::Result<()> {
        self.send_within(message, Duration::ZERO)
    }

    /// As [`send`](Self::send), and waits for room, for so long at most. What other threads send meanwhile waits behind it.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn send_within(&self, message: &Message, patience: Duration) -> io::Result<()> {
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, &**bytes),
        };
        self.send_frame(opcode, payload, patience)
    }

    /// Begins to close: sends a close frame, behind which nothing goes, and ends the connection when the client has answered it, or
    /// has had 10 seconds. The codes are those of RFC 6455 section 7.4: 1000 is a normal end.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a code that may not be sent or a reason of more than 123 bytes; else as those of
    /// [`send`](Self::send). A client that has no room even for that loses the connection, and that is no error.
    pub fn close(&self, code: u16, reason: &str) -> io::Result<()> {
        if !may_be_sent(code) || reason.len() > MOST_REASON {
            let text = "a close code is one of RFC 6455 section 7.4, and its reason has at most 123 bytes";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        match self.send_close(Some(code), reason) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.0.peer.abort(),
            sent => sent?,
        }
        self.0.peer.set_timer(Some(CLOSE_TIMEOUT));
        Ok(())
    }

    /// Whether nobody is there any more, or will not be for long: the client has closed, the server is being shut down, or the WebSocket is
    /// closing.
    pub fn is_gone(&self) -> bool {
        self.is_closing() || self.0.peer.is_gone()
    }

    /// The subprotocol that both sides speak, if one was agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol.as_deref()
    }

    pub(super) fn is_closing(&self) -> bool {
        *lock(&self.0.is_closing)
    }

    pub(super) fn send_frame(&self, opcode: Opcode, payload: &[u8], patience: Duration) -> io::Result<()> {
        let frame = encode(opcode, payload);
        let is_closing = lock(&self.0.is_closing);
        if *is_closing {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the WebSocket is closing"));
        }
        let sent = self.0.peer.send_quietly(&frame, patience);
        drop(is_closing);
        self.0.peer.settle(sent)
    }

    /// Sends a close frame, unless one was sent.
    pub(super) fn send_close(&self, code: Option<u16>, reason: &str) -> io::Result<()> {
        let mut payload = Vec::new();
        if let Some(code) = code {
            payload.extend(code.to_be_bytes());
            payload.extend(reason.as_bytes());
        }
        let frame = encode(Opcode::Close, &payload);
        let mut is_closing = lock(&self.0.is_closing);
        if std::mem::replace(&mut *is_closing, true) {
            return Ok(());
        }
        let sent = self.0.peer.send_quietly(&frame, Duration::ZERO);
        drop(is_closing);
        self.0.peer.settle(sent)
    }
}

/// Two that are clones of one are equal.
impl PartialEq for WebSocket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for WebSocket {}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("protocol", &self.0.protocol).finish_non_exhaustive()
    }
}
