//! Where a server listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs};

/// An address to listen at: `"127.0.0.1:8000"`, `("127.0.0.1", 8000)`, a [`SocketAddr`], `(IpAddr, u16)`.
///
/// An empty host, as in Python's `("", 8000)` or in `":8000"`, stands for every IPv4 address of the machine. With port 0 the
/// system chooses the port. The resolver is asked only if the host is a name.
///
/// # Examples
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) {} }
/// use std::io::ErrorKind;
/// use std::net::{Ipv4Addr, SocketAddr};
///
/// # fn main() -> std::io::Result<()> {
/// let factory = |base| Hello { base };
/// let server = HTTPServer::bind("127.0.0.1:0", factory)?;
/// assert_ne!(server.server_port(), 0);
/// HTTPServer::bind(("127.0.0.1", 0), factory)?;
/// HTTPServer::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), factory)?;
/// HTTPServer::bind(("", 0), factory)?;
///
/// let error = HTTPServer::bind("localhost", factory).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput); // it has no port
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an address to listen on",
    note = "write `\"127.0.0.1:8000\"`, `(\"\", 8000)` or a `SocketAddr`"
)]
pub trait ServerAddress: sealed::Sealed {
    #[doc(hidden)]
    fn resolve(&self) -> io::Result<Resolved>;
}

mod sealed {
    pub trait Sealed {}
}

/// An address to listen at, with the socket addresses that it resolves to.
#[derive(Debug)]
pub struct Resolved {
    pub(super) host: String,
    pub(super) candidates: Vec<SocketAddr>,
}

fn named(host: &str, port: u16) -> io::Result<Resolved> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let candidates = if host.is_empty() {
        vec![(Ipv4Addr::UNSPECIFIED, port).into()]
    } else if let Ok(ip) = bare.parse::<IpAddr>() {
        vec![(ip, port).into()]
    } else {
        let resolved = (host, port).to_socket_addrs();
        resolved.map_err(|error| describe(&error, &format!("{host}:{port}")))?.collect()
    };
    Ok(Resolved { host: bare.to_owned(), candidates })
}

/// An error of listening that names the address.
pub(super) fn describe(error: &io::Error, address: &str) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
}

/// The URL of a path on the server at this address.
///
/// # Panics
/// If the path does not begin with `/`.
#[track_caller]
pub(crate) fn url(address: SocketAddr, path: &str) -> String {
    assert!(path.starts_with('/'), "a path begins with a slash: did you mean \"/{path}\"?");
    format!("http://{address}{path}")
}

impl sealed::Sealed for str {}

impl ServerAddress for str {
    fn resolve(&self) -> io::Result<Resolved> {
        let parts = self.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = parts.filter(|(host, _)| !host.contains('/')) else {
            let mut text = format!(
                "{self:?} is not an address to listen at: write host:port, for example 127.0.0.1:8000"
            );
            if self.starts_with(['/', '.']) {
                text.push_str("; the path of a unix socket goes to bind_unix");
            }
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        };
        named(host, port)
    }
}

impl<T: ServerAddress + ?Sized> sealed::Sealed for &T {}

impl<T: ServerAddress + ?Sized> ServerAddress for &T {
    fn resolve(&self) -> io::Result<Resolved> {
        (**self).resolve()
    }
}

macro_rules! server_addresses {
    ($($type:ty: |$address:ident| $resolved:expr;)*) => {$(
        impl sealed::Sealed for $type {}

        impl ServerAddress for $type {
            fn resolve(&self) -> io::Result<Resolved> {
                let $address = self;
                $resolved
            }
        }
    )*};
}

server_addresses! {
    String: |address| address.as_str().resolve();
    (&str, u16): |address| named(address.0, address.1);
    (String, u16): |address| named(&address.0, address.1);
    SocketAddr: |address| Ok(Resolved { host: address.ip().to_string(), candidates: vec![*address] });
    SocketAddrV4: |address| SocketAddr::from(*address).resolve();
    SocketAddrV6: |address| SocketAddr::from(*address).resolve();
    (IpAddr, u16): |address| SocketAddr::from(*address).resolve();
    (Ipv4Addr, u16): |address| SocketAddr::from(*address).resolve();
    (Ipv6Addr, u16): |address| SocketAddr::from(*address).resolve();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let one = |address: &dyn ServerAddress| {
            let resolved = address.resolve().unwrap();
            (resolved.host, resolved.candidates[0].to_string())
        };
        let both = |host: &str, address: &str| (host.to_owned(), address.to_owned());
        assert_eq!(one(&"127.0.0.1:80"), both("127.0.0.1", "127.0.0.1:80"));
        assert_eq!(one(&("", 8000)), both("", "0.0.0.0:8000"));
        assert_eq!(one(&":8000"), both("", "0.0.0.0:8000"));
        assert_eq!(one(&"[::1]:80"), both("::1", "[::1]:80"));
        assert_eq!(one(&("::1", 80)), both("::1", "[::1]:80"));
        assert_eq!(one(&(Ipv4Addr::LOCALHOST, 0)), both("127.0.0.1", "127.0.0.1:0"));
    }

    #[test]
    fn what_is_no_address_is_named() {
        for bad in ["localhost", "127.0.0.1:http", "127.0.0.1:65536", ""] {
            let error = bad.resolve().unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}
