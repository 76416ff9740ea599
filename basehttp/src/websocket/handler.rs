//! The handler of a WebSocket, which the user writes.

use std::io;

use super::message::Message;
use super::socket::WebSocket;

/// A handler for a WebSocket, after [`accept_websocket`](super::AcceptWebSocket::accept_websocket).
///
/// Its methods are called like `do_*` methods, one after the other: on a thread of the server, and they may block. Between
/// calls it holds no thread, so thousands of WebSockets can be open. An error of [`open`](Self::open) or
/// [`message`](Self::message) is logged and closes the WebSocket with code 1011, unless its cause is that this client has
/// gone. A panic cuts this connection only. Pings are sent and answered, fragments are assembled, and a client that violates
/// the protocol gets the RFC's close codes.
///
/// ```
/// use std::io;
/// use std::sync::{Arc, Mutex};
/// use basehttp::prelude::*;
/// use basehttp::websocket::{Message, WebSocket, WebSocketHandler};
///
/// /// A room in which every message goes to all.
/// #[derive(Clone, Default)]
/// struct Room(Arc<Mutex<Vec<WebSocket>>>);
///
/// impl WebSocketHandler for Room {
///     fn open(&mut self, socket: &WebSocket) -> io::Result<()> {
///         self.0.lock().unwrap().push(socket.clone());
///         Ok(())
///     }
///
///     fn message(&mut self, _: &WebSocket, message: Message) -> io::Result<()> {
///         self.0.lock().unwrap().retain(|socket| {
///             let is_sent = socket.send(&message).is_ok();
///             if !is_sent {
///                 // The client is too slow, or has gone.
///                 let _ = socket.close(1013, "too slow");
///             }
///             is_sent
///         });
///         Ok(())
///     }
///
///     fn close(&mut self, socket: &WebSocket, _: u16, _: &str) {
///         self.0.lock().unwrap().retain(|other| other != socket);
///     }
/// }
///
/// struct Chat { base: BaseHTTPRequestHandler, room: Room }
///
/// #[http_handler]
/// impl Chat {
///     const protocol_version: &str = "HTTP/1.1";
///
///     fn do_GET(&self) -> io::Result<()> {
///         self.accept_websocket(self.room.clone())
///     }
/// }
///
/// let room = Room::default();
/// let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
///     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// let run = basehttp::testing::run(|base| Chat { base, room: room.clone() }, [&request[..], hello]);
/// assert!(run.output.ends_with(b"\x81\x05Hello"));
/// ```
pub trait WebSocketHandler: Send + 'static {
    /// Called when the WebSocket is open. Does nothing by default.
    ///
    /// # Errors
    /// An error closes the WebSocket.
    fn open(&mut self, socket: &WebSocket) -> io::Result<()> {
        let _ = socket;
        Ok(())
    }

    /// Called for each message.
    ///
    /// # Errors
    /// An error closes the WebSocket.
    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()>;

    /// Called once, at the end, when the WebSocket is over, unless another method of this object panicked. The code and the
    /// reason are those of the client's close frame (after [`WebSocket::close`] and at a shutdown, that is its answer), or
    /// the server's if it found a violation. 1005 means a close frame without a code, 1006 an end without a close frame (RFC
    /// 6455 section 7.4.1). Does nothing by default.
    fn close(&mut self, socket: &WebSocket, code: u16, reason: &str) {
        let _ = (socket, code, reason);
    }
}
