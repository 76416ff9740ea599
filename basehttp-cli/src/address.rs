//! The addresses to listen on, and the URLs that lead to them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};

use socket2::{Domain, Socket, Type};

use crate::failure::CommandError;

/// Length of the system's queue of connections, the same as the library's default.
const BACKLOG: i32 = 1024;

/// Listens on these addresses of this machine, or on all of them if none is given, with the same port for each. Returns the
/// first listener and the others.
pub(crate) fn listen(hosts: &[String], port: u16) -> Result<(TcpListener, Vec<TcpListener>), CommandError> {
    let Some((first, further)) = hosts.split_first() else {
        return Ok((listen_everywhere(port)?, Vec::new()));
    };
    // If `::` accepted IPv4 as well, it would conflict with an IPv4 address.
    let has_ipv4 = hosts.iter().any(|host| host.parse::<Ipv4Addr>().is_ok());
    let first = listen_at(first, port, has_ipv4)?;
    // If the system chose the port of the first, the others use it too.
    let port = first.local_addr().map_err(CommandError::of_system)?.port();
    let further = further.iter().map(|host| listen_at(host, port, has_ipv4)).collect::<Result<_, _>>()?;
    Ok((first, further))
}

/// Listens on IPv6 and IPv4 with one socket, or on IPv4 only if the system has no IPv6.
fn listen_everywhere(port: u16) -> Result<TcpListener, CommandError> {
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    open(everywhere, false)
        .or_else(|error| {
            if lacks_ipv6(&error) { open((Ipv4Addr::UNSPECIFIED, port).into(), false) } else { Err(error) }
        })
        .map_err(|error| unusable(&error, "", port))
}

fn listen_at(host: &str, port: u16, is_ipv6_alone: bool) -> Result<TcpListener, CommandError> {
    if host.is_empty() {
        return listen_everywhere(port);
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let candidates: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(ip) => vec![(ip, port).into()],
        Err(_) => (bare, port)
            .to_socket_addrs()
            .map_err(|error| {
                CommandError::other(format!(
                    "cannot listen on {host}: {error}; --bind needs an address of this machine"
                ))
            })?
            .collect(),
    };
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for candidate in candidates {
        match open(candidate, is_ipv6_alone) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(unusable(&failed, host, port))
}

fn open(address: SocketAddr, is_ipv6_alone: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        // `::` accepts both by default. The option changes nothing for other addresses.
        socket.set_only_v6(is_ipv6_alone)?;
    }
    // Allows an immediate restart. On Windows it would let two servers share a port.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn lacks_ipv6(error: &io::Error) -> bool {
    /// EAFNOSUPPORT on Linux, the BSDs and macOS, and Windows.
    const NO_FAMILY: [i32; 3] = [97, 47, 10047];
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error().is_some_and(|number| NO_FAMILY.contains(&number))
}

/// Describes why listening failed, and what to do about it.
fn unusable(error: &io::Error, host: &str, port: u16) -> CommandError {
    CommandError::other(match error.kind() {
        io::ErrorKind::AddrInUse => {
            let other = if port == u16::MAX { 8000 } else { port + 1 };
            let place = if host.is_empty() { String::new() } else { format!(" on {host}") };
            format!(
                "port {port} is already in use{place}; stop the other program, or choose another port: \
                 basehttp {other}, or 0 for a free one"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "port {port} needs privileges ({error}); choose one above 1023, for example basehttp 8000"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{host} is not an address of this machine; leave --bind out to listen on all addresses")
        }
        _ => format!("cannot listen on port {port}: {error}"),
    })
}

/// The addresses at which clients can reach the server, without duplicates.
pub(crate) fn reachable(bound: &[SocketAddr]) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    // Beside an IPv4 address, `::` accepts IPv6 only.
    let has_ipv4 = bound.iter().any(SocketAddr::is_ipv4);
    for ip in bound.iter().flat_map(|bound| reachable_at(*bound, has_ipv4)) {
        if !found.contains(&ip) {
            found.push(ip);
        }
    }
    found
}

/// The addresses of one listener, loopback first.
fn reachable_at(bound: SocketAddr, is_ipv6_alone: bool) -> Vec<IpAddr> {
    if !bound.ip().is_unspecified() {
        return vec![bound.ip().to_canonical()];
    }
    let takes_ipv4 = bound.is_ipv4() || !is_ipv6_alone;
    let mut found: Vec<IpAddr> = Vec::new();
    if takes_ipv4 {
        found.push(Ipv4Addr::LOCALHOST.into());
    }
    if bound.is_ipv6() {
        found.push(Ipv6Addr::LOCALHOST.into());
    }
    // If the interfaces cannot be listed, the server is reachable all the same.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut others: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    others.retain(|ip| {
        let is_local = match ip {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || !takes_ipv4,
            // A link-local address needs the name of the link.
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || !bound.is_ipv6(),
        };
        !is_local
    });
    others.sort_by_key(IpAddr::is_ipv6);
    others.dedup();
    found.extend(others);
    found
}

/// The URL of the server at an address, such as `http://[::1]:8000/`.
pub(crate) fn url(ip: IpAddr, port: u16, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{}/", SocketAddr::from((ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(url(Ipv4Addr::LOCALHOST.into(), 80, false), "http://127.0.0.1:80/");
        assert_eq!(url(Ipv6Addr::LOCALHOST.into(), 8443, true), "https://[::1]:8443/");
    }

    #[test]
    fn one_address_is_reached_there_alone() {
        let bound = |text: &str| reachable(&[text.parse().unwrap()]);
        assert_eq!(bound("127.0.0.1:1"), [IpAddr::from([127, 0, 0, 1])]);
        assert_eq!(bound("[::ffff:127.0.0.1]:1"), [IpAddr::from([127, 0, 0, 1])]);
        let all = bound("0.0.0.0:1");
        assert_eq!(all[0], IpAddr::from([127, 0, 0, 1]));
        assert!(all.iter().all(IpAddr::is_ipv4), "{all:?}");
        let both = reachable(&["0.0.0.0:1", "[::]:1"].map(|text| text.parse().unwrap()));
        assert!(both.contains(&Ipv6Addr::LOCALHOST.into()), "{both:?}");
        let is_once = |ip: &IpAddr| both.iter().filter(|other| *other == ip).count() == 1;
        assert!(both.iter().all(is_once), "{both:?}");
    }
}
