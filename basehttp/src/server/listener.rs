//! Listening sockets and the streams that they accept.

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

/// A listening socket from which a server can be made: `TcpListener`, and `UnixListener` on unix.
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

/// On Linux a connection inherits the options of its listener, which saves a system call for each connection.
const CONNECTIONS_INHERIT: bool = cfg!(target_os = "linux");

/// How much of a response the system may buffer before the client has room for it. By default it buffers megabytes for a
/// slow reader, and reports room again only when much of that is gone: a client that reads 20 KB a second would seem to take
/// nothing for longer than `write_timeout`.
#[cfg(target_os = "linux")]
const MOST_UNSENT: u32 = 128 * 1024;

/// A connection. Its calls do not block.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(mio::net::TcpStream),
    #[cfg(unix)]
    Unix(mio::net::UnixStream),
}

/// After a connection is closed: how long the system may keep offering the rest of a response to a client that has no room
/// for it. Without this setting Linux has no limit, as long as the client's system answers that there is no room.
#[cfg(target_os = "linux")]
const ORPHAN_TIME: Duration = Duration::from_secs(30);

#[cfg(target_os = "linux")]
impl Drop for Stream {
    fn drop(&mut self) {
        if let Self::Tcp(stream) = self {
            let stream = SockRef::from(&*stream);
            // Unless `outlast` has set it.
            if matches!(stream.tcp_user_timeout(), Ok(None)) {
                let _ = stream.set_tcp_user_timeout(Some(ORPHAN_TIME));
            }
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
        // A system that does not support it works without it.
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
    /// Listens at the first of these addresses that can be bound. `ipv4_ports` are the ports at which the server also
    /// listens for IPv4.
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
    if address.is_ipv6() && address.ip().is_unspecified() {
        // On most systems `::` accepts IPv4 as well, and would conflict with the other address.
        let only_v6 = ipv4_ports.contains(&address.port());
        // On Windows and some BSDs it has to be asked to, and OpenBSD never does.
        if only_v6 || cfg!(not(target_os = "linux")) {
            socket.set_only_v6(only_v6).or_else(|error| if only_v6 { Err(error) } else { Ok(()) })?;
        }
    }
    if settings.allow_reuse_port {
        reuse_port(&socket)?;
    }
    // On Windows the option lets two servers share a port.
    if settings.allow_reuse_address && cfg!(not(windows)) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(settings.request_queue_size.into())?;
    Ok(socket.into())
}

/// The same call for either kind of stream.
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
    /// Registers it with the poller, once: edge-triggered, for both directions.
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

    /// The system writes as much of a file as fits.
    #[cfg(target_os = "linux")]
    pub(super) fn send_file(&self, file: &File, position: u64, most: u64) -> io::Result<usize> {
        let Ok(mut offset) = position.try_into() else { return Err(io::ErrorKind::Unsupported.into()) };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(either!(self, stream => nix::sys::sendfile::sendfile(stream, file, Some(&mut offset), most))?)
    }

    /// Other systems have no such call, or a different one.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn send_file(&self, _file: &File, _position: u64, _most: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Shuts down reading, and makes the later close a reset. It sends no FIN, which would make a response that ends with
    /// the connection look complete.
    pub(super) fn cut(&self) {
        self.reset_on_close();
        let _ = either!(self, stream => stream.shutdown(Shutdown::Read));
    }

    /// Shuts down writing. An error means that it is shut down already.
    pub(super) fn shutdown_write(&self) {
        let _ = either!(self, stream => stream.shutdown(Shutdown::Write));
    }

    /// Gives a client that has been slow for this long the whole `ORPHAN_TIME` after the close: Linux counts it from when the
    /// client's room first was too small, perhaps long before, and would reset a connection whose client still reads.
    #[cfg(target_os = "linux")]
    pub(super) fn outlast(&self, slow: Duration) {
        if let Self::Tcp(stream) = self {
            let _ = SockRef::from(stream).set_tcp_user_timeout(Some(slow.saturating_add(ORPHAN_TIME)));
        }
    }

    /// Makes the later close a reset (TCP only: a unix socket has no reset).
    pub(super) fn reset_on_close(&self) {
        let _ = either!(self, stream => SockRef::from(stream).set_linger(Some(Duration::ZERO)));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_slow_client_has_as_much_time_after_the_close_as_a_quick_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = Stream::Tcp(mio::net::TcpStream::from_std(listener.accept().unwrap().0));
        let Stream::Tcp(socket) = &stream else { panic!("TCP") };
        // A second name of the socket, which is looked at after the close.
        let name = SockRef::from(socket).try_clone().unwrap();
        stream.outlast(Duration::from_secs(40));
        drop(stream);
        assert_eq!(name.tcp_user_timeout().unwrap(), Some(Duration::from_secs(70)));
        drop(client);
    }
}
