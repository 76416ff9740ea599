//! The handle to a WebSocket, for any thread.

use std::fmt;
use std::io;
use std::time::Duration;

use super::frame::{Opcode, encode};
use super::message::Message;
use super::reader::may_be_sent;
use crate::handler::Peer;
use crate::sync::{Arc, Mutex, lock};

/// The server's end of a WebSocket. Any thread may send with it, and it can be cloned; it does not keep the connection open.
///
/// Messages sent by several threads do not mix, and nothing follows a close frame.
#[derive(Clone)]
pub struct WebSocket(Arc<Inner>);

struct Inner {
    peer: Peer,
    protocol: Option<String>,
    /// Locked only while a frame is put into the connection's buffer.
    state: Mutex<State>,
    /// Threads that wait for room queue here.
    patience: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The close frame, which is the last frame, was sent or is scheduled.
    is_closing: bool,
    /// A thread waits for room. No other frame is sent before its frame, which could otherwise be overtaken without end.
    is_awaited: bool,
    /// The connection has failed.
    is_lost: bool,
    /// The close frame to send after the frame that waits for room.
    last: Option<Vec<u8>>,
}

/// How long the client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest reason: a control frame has at most 125 bytes, and the code takes two.
const MOST_REASON: usize = 123;

impl WebSocket {
    pub(super) fn new(peer: Peer, protocol: Option<String>) -> Self {
        Self(Arc::new(Inner { peer, protocol, state: Mutex::default(), patience: Mutex::new(()) }))
    }

    /// Sends a message, and does not wait. Bytes that the client has not taken wait in the connection's buffer, up to
    /// [`write_high_water`](crate::ServerBuilder::write_high_water) bytes. A longer message is accepted if nothing waits
    /// before it and the server has room for it ([`write_budget`](crate::ServerBuilder::write_budget)).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room, because the client reads too slowly.
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the WebSocket is closing or closed.
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the message is longer than `write_budget`. Otherwise an I/O error of
    /// the connection.
    pub fn send(&self, message: &Message) -> io::Result<()> {
        self.send_within(message, Duration::ZERO)
    }

    /// Like [`send`](Self::send), but waits up to `patience` for room. Meanwhile, other calls with patience queue behind it,
    /// and calls without patience find no room.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_within(&self, message: &Message, patience: Duration) -> io::Result<()> {
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, &**bytes),
        };
        self.send_frame(opcode, payload, patience)
    }

    /// Starts closing: sends a close frame, after which no more frames are sent, and ends the connection when the client has
    /// answered it, or after 10 seconds. A message that waits to be sent ([`send_within`](Self::send_within)) goes out before
    /// it. The codes are those of RFC 6455 section 7.4: 1000 is a normal closure. A second call does nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a code that must not be sent or a reason of more than 123 bytes;
    /// otherwise those of [`send`](Self::send).
    pub fn close(&self, code: u16, reason: &str) -> io::Result<()> {
        if !may_be_sent(code) || reason.len() > MOST_REASON {
            let text =
                "a close code must be one of RFC 6455 section 7.4, and its reason at most 123 bytes long";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        // A second call does not restart the timer of the first.
        if self.send_close(Some(code), reason)? {
            self.0.peer.set_timer(Some(CLOSE_TIMEOUT));
        }
        Ok(())
    }

    /// Whether the WebSocket is over or about to be: the client has closed it, the server is shutting down, or it is closing.
    pub fn is_gone(&self) -> bool {
        let state = lock(&self.0.state);
        let is_over = state.is_closing || state.is_lost;
        drop(state);
        is_over || self.0.peer.is_gone()
    }

    /// The subprotocol, if one was agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol.as_deref()
    }

    pub(super) fn is_closing(&self) -> bool {
        lock(&self.0.state).is_closing
    }

    /// Sets the session's timer, unless the timer of the closing handshake is running.
    pub(super) fn set_timer(&self, after: Option<Duration>) {
        let state = lock(&self.0.state);
        if !state.is_closing {
            self.0.peer.set_timer(after);
        }
    }

    pub(super) fn send_frame(&self, opcode: Opcode, payload: &[u8], patience: Duration) -> io::Result<()> {
        let frame = encode(opcode, payload);
        let sent = match self.send_now(&frame) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !patience.is_zero() => {
                self.send_patiently(&frame, patience)
            }
            sent => sent,
        };
        let is_lost = |error: &io::Error| {
            !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::InvalidInput)
        };
        if sent.as_ref().is_err_and(is_lost) {
            lock(&self.0.state).is_lost = true;
        }
        sent
    }

    fn send_now(&self, frame: &[u8]) -> io::Result<()> {
        let state = lock(&self.0.state);
        if state.is_closing {
            return Err(closing());
        }
        if state.is_awaited {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let sent = self.0.peer.send_quietly(frame, Duration::ZERO);
        drop(state);
        self.0.peer.settle(sent)
    }

    /// Waits for room, without the lock on the state: the connection's own turn needs it for a ping, and that turn is what
    /// makes room.
    fn send_patiently(&self, frame: &[u8], patience: Duration) -> io::Result<()> {
        let turn = lock(&self.0.patience);
        {
            let mut state = lock(&self.0.state);
            if state.is_closing {
                return Err(closing());
            }
            state.is_awaited = true;
        }
        let sent = self.0.peer.send_within(frame, patience);
        let last = {
            let mut state = lock(&self.0.state);
            state.is_awaited = false;
            state.last.take().map(|last| self.0.peer.send_last(&last))
        };
        drop(turn);
        if let Some(last) = last
            && self.0.peer.settle(last).is_err()
        {
            self.0.peer.abort();
        }
        sent
    }

    /// Sends a close frame, unless one was sent before. Returns whether it did.
    pub(super) fn send_close(&self, code: Option<u16>, reason: &str) -> io::Result<bool> {
        let mut payload = Vec::new();
        if let Some(code) = code {
            payload.extend(code.to_be_bytes());
            payload.extend(reason.as_bytes());
        }
        let frame = encode(Opcode::Close, &payload);
        let mut state = lock(&self.0.state);
        if std::mem::replace(&mut state.is_closing, true) {
            return Ok(false);
        }
        if state.is_awaited {
            state.last = Some(frame);
            return Ok(true);
        }
        let sent = self.0.peer.send_last(&frame);
        drop(state);
        self.0.peer.settle(sent).map(|()| true)
    }
}

fn closing() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the WebSocket is closing")
}

/// Clones of one WebSocket are equal.
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
