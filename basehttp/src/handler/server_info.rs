//! What a handler may know of its server, and may ask of it.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::log::Escaped;
use super::{Address, BaseHTTPRequestHandler, Message};

/// The server, as its handlers see it through [`self.server()`](BaseHTTPRequestHandler::server).
pub struct ServerInfo {
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) handle_error: Option<Box<HandleError>>,
    pub(crate) handle: ServerHandle,
}

/// The hook that is told of failures.
pub(crate) type HandleError = dyn Fn(&HandlerError) + Send + Sync;

impl ServerInfo {
    /// The address that the server listens at. Where port 0 was asked for, it has the port that the system chose.
    pub fn server_address(&self) -> &Address {
        &self.address
    }

    /// The host as it was given to `bind`, unlike in Python without asking a name service. The IP address for a server
    /// that was made of a listener, the path for one at a unix socket.
    pub fn server_name(&self) -> &str {
        &self.name
    }

    /// The port that the server listens at; 0 at a unix socket.
    pub fn server_port(&self) -> u16 {
        self.address.port().unwrap_or(0)
    }

    /// The handle with which the server can be shut down, also from a handler.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    pub(crate) fn report(&self, error: &HandlerError) {
        if let Some(hook) = &self.handle_error {
            hook(error);
        }
    }
}

impl fmt::Debug for ServerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerInfo")
            .field("server_address", &self.address)
            .field("server_name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A handle on a server, for other threads and for handlers.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) {} }
/// # fn main() -> std::io::Result<()> {
/// let mut server = HTTPServer::bind("127.0.0.1:0", |base| Hello { base })?;
/// let handle = server.handle();
/// std::thread::spawn(move || handle.shutdown());
/// server.serve_forever()
/// # }
/// ```
#[derive(Clone)]
pub struct ServerHandle {
    pub(crate) server: Arc<dyn Stop>,
}

/// What can be asked to stop.
pub(crate) trait Stop: Send + Sync {
    fn stop(&self);
    fn is_stopping(&self) -> bool;
}

impl ServerHandle {
    /// Ends [`serve_forever`](crate::HTTPServer::serve_forever): no more connections are taken, those without a request
    /// are closed, running handlers finish. It only signals and returns at once, so a handler may call it. Calling it
    /// again does nothing.
    pub fn shutdown(&self) {
        self.server.stop();
    }

    /// Whether [`shutdown`](Self::shutdown) was called.
    pub fn is_shut_down(&self) -> bool {
        self.server.is_stopping()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("is_shut_down", &self.is_shut_down()).finish_non_exhaustive()
    }
}

/// The failure of a handler, as the hook [`handle_error`](crate::ServerBuilder::handle_error) gets it.
#[derive(Clone, Debug)]
pub struct HandlerError {
    client_address: Address,
    requestline: String,
    message: String,
    panicked: bool,
}

impl HandlerError {
    pub(crate) fn new<M: Message>(base: &BaseHTTPRequestHandler<M>, message: &str, panicked: bool) -> Self {
        Self {
            client_address: base.client_address().clone(),
            requestline: base.requestline().to_owned(),
            message: message.to_owned(),
            panicked,
        }
    }

    /// The client's address.
    pub fn client_address(&self) -> &Address {
        &self.client_address
    }

    /// The request line of the request that failed. It is what the client sent: escape it where you show it.
    pub fn requestline(&self) -> &str {
        &self.requestline
    }

    /// The text of the error that the handler returned, or of its panic.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the handler panicked.
    pub fn is_panic(&self) -> bool {
        self.panicked
    }
}

/// What failed, for whom and why, on one line: control characters are escaped.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.panicked { "panicked" } else { "failed" };
        write!(f, "{} {:?} {how}: ", self.client_address, self.requestline)?;
        Escaped(f).write_str(&self.message)
    }
}
