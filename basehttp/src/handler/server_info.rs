//! What a handler can find out about its server, and ask of it.

use std::fmt;
use std::net::IpAddr;

use super::address::Address;
use super::cross_origin::CrossOriginProtection;
use super::failure::HandlerError;
use super::host_policy::HostPolicy;
#[cfg(feature = "proxy")]
use super::proxies::TrustedProxies;
use super::request::Request;
use super::server_handle::ServerHandle;
use crate::proto::fault::Fault;

/// The server as seen by its handlers, through [`self.server()`](crate::BaseHTTPRequestHandler::server).
///
/// # Examples
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::testing::TestServer;
///
/// struct About { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl About {
///     #[route(GET, "/about")]
///     fn about(&self) -> String {
///         let server = self.server();
///         format!("{} port {}", server.server_name(), server.server_port())
///     }
///
///     #[route(POST, "/quit")]
///     fn quit(&self) -> &str {
///         self.server().handle().shutdown();
///         "bye"
///     }
/// }
///
/// let server = TestServer::new(|base| About { base });
/// let response = server.exchange(b"GET /about HTTP/1.0\r\n\r\n")?;
/// let wanted = format!("\r\n\r\n127.0.0.1 port {}", server.address().port());
/// assert!(String::from_utf8_lossy(&response).ends_with(&wanted));
/// # std::io::Result::Ok(())
/// ```
pub struct ServerInfo {
    pub(crate) address: Address,
    /// All of them; `address` is the first.
    pub(crate) addresses: Box<[Address]>,
    pub(crate) name: String,
    pub(crate) handle_error: Option<Box<HandleError>>,
    pub(crate) name_of: Option<NameOf>,
    pub(crate) is_tls: bool,
    /// Whose requests it answers, unless it answers all.
    pub(crate) host_policy: Option<HostPolicy>,
    /// Whether pages of other origins may ask.
    pub(crate) cross_origin: Option<CrossOriginProtection>,
    /// The proxies that are trusted to report their clients.
    #[cfg(feature = "proxy")]
    pub(crate) proxies: Option<TrustedProxies>,
    pub(crate) handle: ServerHandle,
}

/// The hook that receives failures.
pub(crate) type HandleError = dyn Fn(&HandlerError<'_>) + Send + Sync;

/// Asks a name service for a client's host name.
pub(crate) type NameOf = fn(IpAddr) -> Option<String>;

impl ServerInfo {
    /// The address that the server listens on. If port 0 was asked for, it has the port that the system chose. Of several
    /// addresses it is the first, the one given to `bind`. [`connection().local_address()`](crate::Connection::local_address)
    /// is the one that the client connected to.
    pub fn server_address(&self) -> &Address {
        &self.address
    }

    /// All addresses that the server listens on: [`server_address`](Self::server_address) first, then those added by
    /// [`also_bind`](crate::ServerBuilder::also_bind), `also_bind_unix` and `also_from_listener`, in the order of the calls.
    pub fn server_addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The host as given to `bind`. Unlike Python, it asks no name service. It is the IP address for a server made from a
    /// listener, and the path for a unix socket. With several addresses it belongs to the first.
    pub fn server_name(&self) -> &str {
        &self.name
    }

    /// The port of [`server_address`](Self::server_address); 0 at a unix socket.
    pub fn server_port(&self) -> u16 {
        self.address.port().unwrap_or(0)
    }

    /// Whether the server itself uses TLS, so that its URLs begin with `https`. A proxy in front that uses TLS does not
    /// count.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// A handle that can shut the server down, also from a handler.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// Refuses a request that the settings keep from every handler.
    pub(crate) fn admit(&self, request: &Request) -> Result<(), Fault> {
        if let Some(policy) = &self.host_policy {
            policy.check(request)?;
        }
        match &self.cross_origin {
            Some(protection) => protection.check(request, self.is_tls),
            None => Ok(()),
        }
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
