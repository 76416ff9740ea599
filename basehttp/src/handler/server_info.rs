//! What a handler may know of its server, and may ask of it.

use std::fmt;
use std::net::IpAddr;

use super::address::Address;
use super::failure::HandlerError;
use super::host_policy::HostPolicy;
#[cfg(feature = "proxy")]
use super::proxies::TrustedProxies;
use super::server_handle::ServerHandle;

/// The server, as its handlers see it through [`self.server()`](crate::BaseHTTPRequestHandler::server).
pub struct ServerInfo {
    pub(crate) address: Address,
    /// All of them; `address` is the first.
    pub(crate) addresses: Box<[Address]>,
    pub(crate) name: String,
    pub(crate) handle_error: Option<Box<HandleError>>,
    pub(crate) name_of: Option<NameOf>,
    pub(crate) is_tls: bool,
    /// For whom it answers, where that is not everybody.
    pub(crate) host_policy: Option<HostPolicy>,
    /// Whose word about clients counts.
    #[cfg(feature = "proxy")]
    pub(crate) proxies: Option<TrustedProxies>,
    pub(crate) handle: ServerHandle,
}

/// The hook that is told of failures.
pub(crate) type HandleError = dyn Fn(&HandlerError<'_>) + Send + Sync;

/// Asks a name service for the name of a client.
pub(crate) type NameOf = fn(IpAddr) -> Option<String>;

impl ServerInfo {
    /// The address that the server listens at. Where port 0 was asked for, it has the port that the system chose. Of several
    /// addresses it is the first, which was given to `bind`. [`connection().local_address()`](crate::Connection::local_address) is
    /// the one that the client has connected to.
    pub fn server_address(&self) -> &Address {
        &self.address
    }

    /// All addresses that the server listens at: [`server_address`](Self::server_address) first, then those added by
    /// [`also_bind`](crate::ServerBuilder::also_bind), `also_bind_unix` and `also_from_listener`, in the order of the calls.
    pub fn server_addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The host as it was given to `bind`, unlike in Python without asking a name service. The IP address for a server
    /// that was made of a listener, the path for one at a unix socket. Of several addresses it is that of the
    /// first.
    pub fn server_name(&self) -> &str {
        &self.name
    }

    /// The port of [`server_address`](Self::server_address); 0 at a unix socket.
    pub fn server_port(&self) -> u16 {
        self.address.port().unwrap_or(0)
    }

    /// Whether the server speaks TLS, so that its addresses begin with `https`. One behind a proxy that does is not meant.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The handle with which the server can be shut down, also from a handler.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    pub(crate) fn report(&self, error: &HandlerError<'_>) {
        if let Some(hook) = &self.handle_error {
            hook(error);
        }
    }
}

impl fmt::Debug for ServerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerInfo")
            .field("server_addresses", &self.addresses)
            .field("server_name", &self.name)
            .finish_non_exhaustive()
    }
}
