//! What a WebSocket is to be like.

use std::time::Duration;

/// What a WebSocket is to be like: its limits, its subprotocols, and the pages that may open it.
///
/// ```
/// use std::time::Duration;
/// use basehttp::websocket::WebSocketOptions;
///
/// let options = WebSocketOptions::new()
///     .protocols(["chat.v2", "chat.v1"])
///     .allow_origin("https://app.example.org")
///     .max_message_size(64 * 1024)
///     .ping_interval(Some(Duration::from_secs(20)));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct WebSocketOptions {
    pub(super) protocols: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) any_origin: bool,
    pub(super) max_message_size: usize,
    pub(super) ping_interval: Option<Duration>,
    pub(super) pong_timeout: Duration,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self {
            protocols: Vec::new(),
            origins: Vec::new(),
            any_origin: false,
            max_message_size: 1024 * 1024,
            ping_interval: Some(Duration::from_secs(30)),
            pong_timeout: Duration::from_secs(30),
        }
    }
}

impl WebSocketOptions {
    /// The defaults, which each method names.
    pub fn new() -> Self {
        Self::default()
    }

    /// The subprotocols that the server speaks. The first of the client's that is one of them is agreed on; without one the WebSocket has
    /// none ([`WebSocket::protocol`](super::WebSocket::protocol)). None by default.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Lets pages of this origin open it, for example `https://example.org`, beside those of the same host and port. Any page can open a WebSocket to
    /// any server, with the visitor's cookies, so others are refused with 403. A client without `Origin` is no page, and is let in.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Lets pages of all sites open it: where neither cookies nor the client's address let it do anything that others may not.
    pub fn allow_any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    /// The longest message that is taken, in bytes, in one frame or in several: 1 MiB by default, which is what a client can make the server
    /// keep. A longer one closes the WebSocket with code 1009.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How long a client may say nothing before it gets a ping: 30 seconds by default, below what proxies take for an idle
    /// connection. Without one, a client that is gone without a word is not found before something is sent to it.
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.ping_interval = interval;
        self
    }

    /// How long it may go on saying nothing after that, before its connection is cut: 30 seconds by default.
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }
}
