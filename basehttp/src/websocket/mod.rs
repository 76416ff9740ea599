//! WebSockets (RFC 6455) without a thread for each: the feature `websocket`.
//!
//! A handler accepts a WebSocket with [`accept_websocket`](AcceptWebSocket::accept_websocket) and passes a
//! [`WebSocketHandler`], which is called for each message. A [`WebSocket`] is the handle for sending, from any thread. For a
//! protocol of your own, use [`upgrade_to`](crate::Detach::upgrade_to).

mod accept;
mod frame;
mod handler;
mod handshake;
mod message;
mod options;
pub(crate) mod reader;
mod session;
mod socket;

pub use accept::AcceptWebSocket;
pub use handler::WebSocketHandler;
pub use message::Message;
pub use options::WebSocketOptions;
pub use socket::WebSocket;
