//! All that one server listens at: opened together, or not at all.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

use super::address::Resolved;
use super::listener::{IntoListener, Listener};
use super::settings::Settings;
#[cfg(unix)]
use super::socket_file::SocketFile;
use super::token::MAX_LISTENERS;
use crate::handler::Address;

/// Where a server is to listen.
#[derive(Debug)]
pub(super) enum Endpoint {
    Address(Resolved),
    #[cfg(unix)]
    Path(PathBuf),
    Open(Listener, Address),
}

/// The listening sockets of a server.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    pub(super) sockets: Vec<Listener>,
    pub(super) addresses: Vec<Address>,
    /// The files of the unix sockets that were made here.
    #[cfg(unix)]
    pub(super) files: Vec<SocketFile>,
}

impl Endpoint {
    pub(super) fn open(listener: impl IntoListener) -> io::Result<Self> {
        let unusable = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot use a listener that was handed over: {error}"))
        };
        let listener = listener.into_listener().map_err(unusable)?;
        let address = listener.address().map_err(unusable)?;
        Ok(Self::Open(listener, address))
    }

    /// The host as it was given; the IP address of a listener, the path of a unix socket.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Address(resolved) => resolved.host.clone(),
            #[cfg(unix)]
            Self::Path(path) => path.display().to_string(),
            Self::Open(_, Address::Tcp(address)) => address.ip().to_string(),
            Self::Open(_, unix) => unix.path().map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }

    /// The ports that it may have at addresses of IPv4.
    fn ipv4_ports(&self) -> Vec<u16> {
        match self {
            // Port 0 is another one for each.
            Self::Address(resolved) => {
                let ports = resolved.candidates.iter().filter(|it| it.is_ipv4()).map(SocketAddr::port);
                ports.filter(|port| *port != 0).collect()
            }
            Self::Open(_, Address::Tcp(address)) if address.is_ipv4() => vec![address.port()],
            _ => Vec::new(),
        }
    }
}

impl Listeners {
    /// Opens them in this order. With an error all of them are closed, and the files of those that were made are removed.
    pub(super) fn open(endpoints: Vec<Endpoint>, settings: &Settings) -> io::Result<Self> {
        if endpoints.len() > MAX_LISTENERS {
            let text = format!(
                "{} addresses: a server listens at {MAX_LISTENERS} at most; start a second server",
                endpoints.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let ipv4_ports: Vec<_> = endpoints.iter().flat_map(Endpoint::ipv4_ports).collect();
        let mut listeners = Self::default();
        for endpoint in endpoints {
            let (listener, address) = match endpoint {
                Endpoint::Address(resolved) => named(Listener::bind(&resolved, settings, &ipv4_ports)?)?,
                #[cfg(unix)]
                Endpoint::Path(path) => {
                    let (listener, file) = Listener::bind_unix(&path)?;
                    listeners.files.push(file);
                    named(listener)?
                }
                Endpoint::Open(listener, address) => (listener, address),
            };
            listeners.sockets.push(listener);
            listeners.addresses.push(address);
        }
        Ok(listeners)
    }
}

fn named(listener: Listener) -> io::Result<(Listener, Address)> {
    let address = listener.address()?;
    Ok((listener, address))
}
