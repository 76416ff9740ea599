//! Upgraded connections served by events: an object is called for what happens, and no thread waits.

use std::fmt;
use std::io;
use std::time::Duration;

use super::connection_io::{HandleEnd, Occasion, Piece, Served};
use super::handle::Handle;
#[cfg(feature = "websocket")]
use super::handle::Sent;
use super::payload::Payload;
use crate::sync::{Arc, is_panicking};

/// A handler for another protocol on a connection, after [`upgrade_to`](super::Detach::upgrade_to).
///
/// Its methods are called like `do_*` methods, one after the other: on a thread of the server, and they may block. Between
/// calls it holds no thread. An error or a panic is logged and ends the connection. If the client disappears in a way that
/// your protocol calls an error, the handler has not failed: call [`Peer::close`] and return `Ok`.
///
/// ```
/// use std::io;
/// use basehttp::prelude::*;
/// use basehttp::{Peer, UpgradedHandler};
///
/// /// Sends back the received bytes in capitals.
/// struct Shout;
///
/// impl UpgradedHandler for Shout {
///     fn received(&mut self, peer: &Peer, bytes: &[u8]) -> io::Result<()> {
///         peer.send(&bytes.to_ascii_uppercase())
///     }
/// }
///
/// struct Shouting { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Shouting {
///     const protocol_version: &str = "HTTP/1.1";
///
///     fn do_GET(&self) -> io::Result<()> {
///         if !self.upgrades_to("shout") {
///             return self.send_error((400, "This is for the protocol shout"));
///         }
///         self.send_response(101);
///         self.send_header("Upgrade", "shout");
///         self.send_header("Connection", "Upgrade");
///         self.end_headers()?;
///         self.upgrade_to(Shout).map(drop)
///     }
/// }
///
/// let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhello";
/// let run = basehttp::testing::run(|base| Shouting { base }, [request]);
/// assert!(run.output.ends_with(b"\r\n\r\nHELLO"));
/// ```
pub trait UpgradedHandler: Send + 'static {
    /// Called when the method that called [`upgrade_to`](super::Detach::upgrade_to) has returned. Does nothing by default.
    ///
    /// # Errors
    /// An error ends the connection.
    fn opened(&mut self, peer: &Peer) -> io::Result<()> {
        let _ = peer;
        Ok(())
    }

    /// Called with bytes from the client: as many as have arrived, at most about 16 KiB. Your protocol decides how they join
    /// those before. Nothing is read while the client does not take what it was sent.
    ///
    /// # Errors
    /// An error ends the connection.
    fn received(&mut self, peer: &Peer, bytes: &[u8]) -> io::Result<()>;

    /// Called when the client has ended its half of the connection. By default the server then ends its own half.
    ///
    /// # Errors
    /// An error ends the connection.
    fn ended(&mut self, peer: &Peer) -> io::Result<()> {
        peer.close();
        Ok(())
    }

    /// Called when the time of [`Peer::set_timer`] is over. Does nothing by default.
    ///
    /// # Errors
    /// An error ends the connection.
    fn timer(&mut self, peer: &Peer) -> io::Result<()> {
        let _ = peer;
        Ok(())
    }

    /// Called when the server is shutting down: connections that are still open at the end of the grace period are cut. By
    /// default the connection is closed at once.
    ///
    /// # Errors
    /// An error ends the connection.
    fn stopping(&mut self, peer: &Peer) -> io::Result<()> {
        peer.close();
        Ok(())
    }

    /// Called once, at the end, when the connection is over for any reason, provided that [`opened`](Self::opened) was called
    /// and no other method of this object panicked. Does nothing by default.
    fn closed(&mut self, peer: &Peer) {
        let _ = peer;
    }
}

/// The other end of a connection that an [`UpgradedHandler`] serves. Any thread may send with it, and it can be cloned. It
/// does not keep the connection open.
#[derive(Clone, PartialEq)]
pub struct Peer(Arc<Handle>);

impl Eq for Peer {}

impl Peer {
    pub(super) fn new(handle: Handle) -> Self {
        Self(Arc::new(handle))
    }

    pub(super) fn serve(&self, handler: impl UpgradedHandler) {
        self.0.serve(Box::new(ServedBy { handler, peer: self.clone(), is_opened: false }));
    }

    /// Sends bytes, all of them or none, and does not wait. Bytes that the client has not taken wait in the connection's
    /// buffer, up to [`write_high_water`](crate::ServerBuilder::write_high_water) bytes. A longer message is accepted if
    /// nothing waits before it and the server has room for it ([`write_budget`](crate::ServerBuilder::write_budget)).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room, [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the
    /// connection is over, [`InvalidInput`](io::ErrorKind::InvalidInput) if there are more bytes than `write_budget`.
    /// Otherwise an I/O error of the connection.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), Duration::ZERO)
    }

    /// Like [`send`](Self::send), but waits up to `patience` for the client to make room. A long message for which the server
    /// has no room is refused at once.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_within(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), patience)
    }

    /// Like [`send_within`](Self::send_within), for a caller that holds a lock of its own: it passes the result to
    /// [`settle`](Self::settle) after it has released that lock.
    #[cfg(feature = "websocket")]
    pub(crate) fn send_quietly(&self, bytes: &[u8], patience: Duration) -> io::Result<Sent> {
        self.0.send_quietly(Piece::Bytes(bytes), patience)
    }

    /// Like [`send_quietly`](Self::send_quietly), for the last few bytes, which need no room.
    #[cfg(feature = "websocket")]
    pub(crate) fn send_last(&self, bytes: &[u8]) -> io::Result<Sent> {
        self.0.send_quietly(Piece::Last(bytes), Duration::ZERO)
    }

    #[cfg(feature = "websocket")]
    pub(crate) fn settle(&self, sent: io::Result<Sent>) -> io::Result<()> {
        self.0.settle(sent)
    }

    /// Like [`send`](Self::send), but takes ownership of the bytes: large payloads are not copied.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_bytes(&self, payload: impl Into<Payload>) -> io::Result<()> {
        self.0.send(Piece::Payload(&payload.into()), Duration::ZERO)
    }

    /// Calls [`timer`](UpgradedHandler::timer) once, after this time; `None` cancels that. A second call replaces the first.
    pub fn set_timer(&self, after: Option<Duration>) {
        self.0.set_timer(after);
    }

    /// Ends the connection once everything sent so far is on its way. Further input from the client is dropped.
    pub fn close(&self) {
        self.0.give_up(HandleEnd::Dropped);
    }

    /// Ends the connection with a reset.
    pub fn abort(&self) {
        self.0.give_up(HandleEnd::Aborted);
    }

    /// Whether the connection is over or about to be: the client has ended its half, or the server is shutting down.
    pub fn is_gone(&self) -> bool {
        self.0.is_gone()
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").finish_non_exhaustive()
    }
}

/// The user's object, as the connection knows it.
struct ServedBy<H: UpgradedHandler> {
    handler: H,
    peer: Peer,
    is_opened: bool,
}

impl<H: UpgradedHandler> Served for ServedBy<H> {
    fn happened(&mut self, occasion: Occasion, received: &[u8]) -> Option<String> {
        let Self { handler, peer, is_opened } = self;
        let outcome = match occasion {
            Occasion::Opened => {
                *is_opened = true;
                handler.opened(peer)
            }
            Occasion::Received => handler.received(peer, received),
            Occasion::Ended => handler.ended(peer),
            Occasion::TimeOver => handler.timer(peer),
            Occasion::Stopping => handler.stopping(peer),
        };
        outcome.err().map(|error| error.to_string())
    }
}

impl<H: UpgradedHandler> Drop for ServedBy<H> {
    fn drop(&mut self) {
        // A panic here would be the second one.
        if self.is_opened && !is_panicking() {
            self.handler.closed(&self.peer);
        }
    }
}
