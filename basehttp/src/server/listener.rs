//! Listening sockets and the streams that they give.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use mio::{Interest, Registry, Token};
use socket2::{Domain, SockRef, Socket, Type};

use super::address::{Resolved, describe};
use super::settings::Settings;
#[cfg(unix)]
use super::socket_file::{self, SocketFile};
use crate::handler::Address;
use crate::handler::facts::Facts;

/// A listening socket that a server can be made of: `TcpListener`, and `UnixListener` on unix.
pub trait IntoListener: sealed::Sealed {
    #[doc(hidden)]
    fn into_listener(self) -> io::Result<Listener>;
}

mod sealed {
    pub trait Sealed {}
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    #[doc(hidden)]
    Tcp(mio::net::TcpListener),
    #[cfg(unix)]
    #[doc(hidden)]
    Unix(mio::net::UnixListener),
}

/// Linux gives a connection what its listener has, which saves a call for each.
const CONNECTIONS_INHERIT: bool = cfg!(target_os = "linux");

/// How much the system may take of a response before the client has room for it. Left to itself, it takes megabytes for one that
/// reads slowly, and tells of room again only when much of that is gone: a client that reads 20 KB a second would seem to
/// take nothing for longer than `write_timeout`.
#[cfg(target_os = "linux")]
const MOST_UNSENT: u32 = 128 * 1024;

/// A connection. Nothing blocks on it.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(mio::net::TcpStream),
    #[cfg(unix)]
    Unix(mio::net::UnixStream),
}

/// How long the system may go on offering what is left of a response to a client that has no room for it, once the connection
/// is closed. For ever, if nobody says: as long as its system answers that there is none (Linux).
#[cfg(target_os = "linux")]
const ORPHAN_TIME: Duration = Duration::from_secs(30);

#[cfg(target_os = "linux")]
impl Drop for Stream {
    fn drop(&mut self) {
        if let Self::Tcp(stream) = self {
            let _ = SockRef::from(&*stream).set_tcp_user_timeout(Some(ORPHAN_TIME));
        }
    }
}

impl sealed::Sealed for TcpListener {}

impl IntoListener for TcpListener {
    fn into_listener(self) -> io::Result<Listener> {
        self.set_nonblocking(true)?;
        if CONNECTIONS_INHERIT {
            // A response is written as a whole; waiting for more to send would only delay it.
            SockRef::from(&self).set_tcp_nodelay(true)?;
        }
        // Where the system does not know it, it goes on as without.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&self).set_tcp_notsent_lowat(MOST_UNSENT);
        Ok(Listener::Tcp(mio::net::TcpListener::from_std(self)))
    }
}

#[cfg(unix)]
impl sealed::Sealed for UnixListener {}

#[cfg(unix)]
impl IntoListener for UnixListener {
    fn into_listener(self) -> io::Result<Listener> {
        self.set_nonblocking(true)?;
        Ok(Listener::Unix(mio::net::UnixListener::from_std(self)))
    }
}

impl Listener {
    /// Listens at the first of these that can be had. `ipv4_ports` are those at which the server listens for IPv4 anyway.
    pub(super) fn bind(resolved: &Resolved, settings: &Settings, ipv4_ports: &[u16]) -> io::Result<Self> {
        let text =
            format!("cannot listen at {}: the name has no address; write an IP address", resolved.host);
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, text);
        for candidate in &resolved.candidates {
            match listen(*candidate, settings, ipv4_ports) {
                Ok(listener) => return listener.into_listener(),
                Err(error) => last = describe(&error, &candidate.to_string()),
            }
        }
        Err(last)
    }

    #[cfg(unix)]
    pub(super) fn bind_unix(path: &Path) -> io::Result<(Self, SocketFile)> {
        let (listener, file) = socket_file::bind(path)?;
        Ok((listener.into_listener()?, file))
    }

    pub(super) fn address(&self) -> io::Result<Address> {
        Ok(match self {
            Self::Tcp(listener) => listener.local_addr()?.into(),
            #[cfg(unix)]
            Self::Unix(listener) => unix_address(&listener.local_addr()?),
        })
    }

    pub(super) fn accept(&self) -> io::Result<(Stream, Address)> {
        Ok(match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                if !CONNECTIONS_INHERIT {
                    let _ = stream.set_nodelay(true);
                }
                (Stream::Tcp(stream), address.into())
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (stream, address) = listener.accept()?;
                (Stream::Unix(stream), unix_address(&address))
            }
        })
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            #[cfg(unix)]
            Self::Unix(listener) => registry.register(listener, token, Interest::READABLE),
        }
    }
}

#[cfg(unix)]
fn unix_address(address: &std::os::unix::net::SocketAddr) -> Address {
    Address::Unix(address.as_pathname().map(Path::to_path_buf))
}

#[cfg(unix)]
fn reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn reuse_port(_socket: &Socket) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "allow_reuse_port: this system has no SO_REUSEPORT"))
}

fn listen(address: SocketAddr, settings: &Settings, ipv4_ports: &[u16]) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Most systems take `::` for IPv4 as well, and then the two would be in each other's way.
    if address.is_ipv6() && address.ip().is_unspecified() && ipv4_ports.contains(&address.port()) {
        socket.set_only_v6(true)?;
    }
    if settings.allow_reuse_port {
        reuse_port(&socket)?;
    }
    // On Windows the option means that two servers may share a port.
    if settings.allow_reuse_address && cfg!(not(windows)) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(settings.request_queue_size.into())?;
    Ok(socket.into())
}

/// Does the same with either kind of stream.
macro_rules! either {
    ($stream:expr, $name:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($name) => $call,
            #[cfg(unix)]
            Stream::Unix($name) => $call,
        }
    };
}

impl Facts for Stream {
    fn local_address(&self) -> Option<Address> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok().map(Address::from),
            #[cfg(unix)]
            Self::Unix(stream) => stream.local_addr().ok().map(|address| unix_address(&address)),
        }
    }

    #[cfg(all(feature = "peer-credentials", unix))]
    fn peer_credentials(&self) -> Option<crate::handler::PeerCredentials> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(stream) => super::peer_credentials::of(stream),
        }
    }
}

impl Stream {
    /// Tells the poller of it, once and for all: edge-triggered, both directions.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let both = both | Interest::PRIORITY;
        either!(self, stream => registry.register(stream, token, both))
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => (&*stream).read(buffer))
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, stream => (&*stream).write(bytes))
    }

    pub(super) fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => (&*stream).write_vectored(pieces))
    }

    /// Has the system write what fits of a file.
    #[cfg(target_os = "linux")]
    pub(super) fn send_file(&self, file: &File, position: u64, most: u64) -> io::Result<usize> {
        let Ok(mut offset) = position.try_into() else { return Err(io::ErrorKind::Unsupported.into()) };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(either!(self, stream => nix::sys::sendfile::sendfile(stream, file, Some(&mut offset), most))?)
    }

    /// Elsewhere there is no such call, or it is another one.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn send_file(&self, _file: &File, _position: u64, _most: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Ends the client's half and makes the coming close a reset. No FIN, which would make a response that ends with the
    /// connection look whole.
    pub(super) fn cut(&self) {
        self.reset_on_close();
        let _ = either!(self, stream => stream.shutdown(Shutdown::Read));
    }

    /// Ends the server's half. An error says that it is ended.
    pub(super) fn shutdown_write(&self) {
        let _ = either!(self, stream => stream.shutdown(Shutdown::Write));
    }

    /// Makes the coming close a reset (TCP only: a unix socket has none).
    pub(super) fn reset_on_close(&self) {
        let _ = either!(self, stream => SockRef::from(stream).set_linger(Some(Duration::ZERO)));
    }
}
