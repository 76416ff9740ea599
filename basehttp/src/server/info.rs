//! What a handler may know of its server, and what the server's hooks are told.

use std::fmt;
use std::sync::Arc;

use super::config::Hooks;
use super::shutdown::ServerHandle;
use crate::handler::{Address, BaseHTTPRequestHandler, Message};

/// The server, as its handlers see it through [`self.server()`](BaseHTTPRequestHandler::server).
pub struct ServerInfo {
    pub(super) address: Address,
    pub(super) name: String,
    pub(super) hooks: Arc<Hooks>,
    pub(super) handle: ServerHandle,
}

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

    /// What a handler sees that is run without a server.
    pub(crate) fn detached() -> Self {
        let address = Address::Tcp((std::net::Ipv4Addr::LOCALHOST, 80).into());
        let handle = ServerHandle::detached();
        Self { address, name: "localhost".to_owned(), hooks: Arc::default(), handle }
    }

    pub(crate) fn report(&self, error: &HandlerError) {
        if let Some(hook) = &self.hooks.handle_error {
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

/// The failure of a handler, as the hook [`handle_error`](super::ServerBuilder::handle_error) gets it.
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

/// What failed, for whom and why, on one line.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.panicked { "panicked" } else { "failed" };
        write!(f, "{} {:?} {how}: {}", self.client_address, self.requestline, self.message)
    }
}
