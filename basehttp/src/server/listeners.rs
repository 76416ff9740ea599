//! All sockets that one server listens at: all are opened, or none.

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

/// Where a server will listen.
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
    /// The files of the unix sockets that were created here.
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

    /// The host as it was given; for a listener its IP address, for a unix socket its path.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Address(resolved) => resolved.host.clone(),
            #[cfg(unix)]
            Self::Path(path) => path.display().to_string(),
            Self::Open(_, Address::Tcp(address)) => address.ip().to_string(),
            Self::Open(_, unix) => unix.path().map(|path| path.display().to_string()).unwrap_or_default(),
        }
    }

    /// The IPv4 ports that it may bind.
    fn ipv4_ports(&self) -> Vec<u16> {
        match self {
            // Port 0 is a different port for each address.
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
    /// Opens them in this order. On an error all are closed, and the files that were created are removed.
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
