//! Settings of a WebSocket.

use std::time::Duration;

/// Settings of a WebSocket: its limits, its subprotocols, and the pages that may open it.
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
    /// The default settings, which each method documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// The subprotocols that the server supports. The first one in the client's list that is supported is chosen; if there is
    /// none, the WebSocket has no subprotocol ([`WebSocket::protocol`](super::WebSocket::protocol)). None by default.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Allows pages of this origin, for example `https://example.org`, besides those of the same host and port. Any page can
    /// open a WebSocket to any server, with the visitor's cookies, so other pages are refused with 403. A client without
    /// `Origin` is not a page, and is allowed.
    ///
    /// With [`cross_origin_protection`](crate::ServerBuilder::cross_origin_protection) the server checks first: the pages that it
    /// trusts are allowed here too, and others must be allowed there as well.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Allows pages of all sites. Use it only if neither cookies nor the client's address give a page access that others
    /// lack.
    pub fn allow_any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    /// The longest message accepted, in bytes, in one frame or several: 1 MiB by default. A client can make the server
    /// store this much. A longer message closes the WebSocket with code 1009.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How long a client may be silent before it gets a ping: 30 seconds by default, less than the idle time-out of proxies.
    /// With `None`, a client that vanished is noticed only when something is sent to it.
    pub fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.ping_interval = interval;
        self
    }

    /// How long a client may stay silent after the ping before its connection is cut: 30 seconds by default.
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.pong_timeout = timeout;
        self
    }
}
