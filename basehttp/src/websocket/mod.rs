//! WebSockets (RFC 6455) without a thread for each: the feature `websocket`.
//!
//! A handler accepts one with [`accept_websocket`](AcceptWebSocket::accept_websocket), and hands it to a [`WebSocketHandler`], which is
//! told of what comes. A [`WebSocket`] is the handle to send with, from any thread. For a protocol of one's own there is
//! [`upgrade_to`](crate::Detach::upgrade_to).

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
