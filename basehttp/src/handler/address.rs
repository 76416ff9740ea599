//! Addresses of clients and servers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The address of a client or a server: Python's `(host, port)`, or that of a unix socket.
///
/// An IPv4 address in IPv6 form, `::ffff:192.0.2.7` (RFC 4291 section 2.5.5.2), is always converted to the IPv4 address: from
/// a dual-stack socket, from a proxy and in a list of trusted proxies. So results of [`ip`](Self::ip) can be compared.
///
/// ```
/// use basehttp::Address;
///
/// let address = Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], 8000)));
/// assert_eq!(address.ip().unwrap().to_string(), "127.0.0.1");
/// assert_eq!(address.port(), Some(8000));
/// assert_eq!(address.to_string(), "127.0.0.1:8000");
/// let mapped: std::net::SocketAddr = "[::ffff:127.0.0.1]:8000".parse().unwrap();
/// assert_eq!(Address::from(mapped), address);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address with a port, converted from a [`SocketAddr`] by [`From`].
    Tcp(SocketAddr),
    /// The path of a unix socket; clients usually have none.
    Unix(Option<PathBuf>),
}

impl Address {
    /// The IP address; `None` for a unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// The port; `None` for a unix socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }

    /// The path of a unix socket.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => path.as_deref(),
        }
    }
}

impl From<SocketAddr> for Address {
    /// The only place where IPv4 addresses in IPv6 form are converted.
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(match address.ip().to_canonical() {
            // Scope id and flow label belong to IPv6, and are kept there.
            IpAddr::V6(_) => address,
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        })
    }
}

/// `127.0.0.1:8000`, `[::1]:8000`, `unix:/run/app.sock`, or `unix` for a unix socket without a path.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix"),
        }
    }
}

/// What a proxy announces about its client: the address, unless it is left out, and whether the client uses TLS to the proxy.
pub(crate) type Announced = (Option<Address>, bool);

/// The other end of a connection, as the system reports it or as a proxy has announced it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: Address,
    /// Whether the proxy has announced that its client uses TLS.
    pub(crate) is_https: bool,
}

impl Peer {
    pub(crate) fn announce(&mut self, (address, is_https): Announced) {
        self.is_https = is_https;
        if let Some(address) = address {
            self.address = address;
        }
    }
}

impl From<Address> for Peer {
    fn from(address: Address) -> Self {
        Self { address, is_https: false }
    }
}
