//! Where the command listens, and the addresses at which it can be reached.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// All addresses of the machine, IPv4 and IPv6, by one socket; IPv4 alone where there is no IPv6.
///
/// # Errors
/// The system's, with what to do.
pub(crate) fn listen_everywhere(port: u16) -> io::Result<TcpListener> {
    let six = listen((Ipv6Addr::UNSPECIFIED, port).into());
    let listener = match six {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            listen((Ipv4Addr::UNSPECIFIED, port).into())
        }
        six => six,
    };
    listener.map_err(|error| advice(&error, &format!("port {port}"), port))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    if cfg!(not(windows)) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

/// What can be done about an address that cannot be had.
pub(crate) fn advice(error: &io::Error, place: &str, port: u16) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "{place} is taken by another program: end that one, or choose another port, for example {}",
                port.wrapping_add(1).max(1024)
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!("{place} is not for every user: choose a port from 1024 on, for example 8000")
        }
        io::ErrorKind::AddrNotAvailable => format!("{place} is not an address of this machine"),
        _ => format!("cannot listen at {place}: {error}"),
    };
    io::Error::new(error.kind(), text)
}

/// The addresses under which a browser finds the server, those of this machine alone first.
pub(crate) fn urls(scheme: &str, address: SocketAddr) -> Vec<String> {
    let url = |ip: IpAddr| format!("{scheme}://{}/", SocketAddr::new(ip, address.port()));
    if !address.ip().is_unspecified() {
        return vec![url(address.ip())];
    }
    let mut all: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .iter()
        .map(if_addrs::Interface::ip)
        // Those of one link need the name of the interface, which no browser takes.
        .filter(|ip| !matches!(ip, IpAddr::V6(six) if six.is_unicast_link_local()))
        .filter(|ip| ip.is_ipv4() || address.is_ipv6())
        .collect();
    all.sort_by_key(|ip| (!ip.is_loopback(), ip.is_ipv6(), *ip));
    all.dedup();
    if all.is_empty() {
        all.push(Ipv4Addr::LOCALHOST.into());
    }
    all.into_iter().map(url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_go_to() {
        assert_eq!(urls("http", "[::1]:80".parse().unwrap()), ["http://[::1]:80/"]);
        let everywhere = urls("https", "0.0.0.0:81".parse().unwrap());
        assert_eq!(everywhere.first().map(String::as_str), Some("https://127.0.0.1:81/"));
        assert!(everywhere.iter().all(|url| !url.contains('[')));
    }

    #[test]
    fn a_taken_port_says_what_to_do() {
        let taken = listen_everywhere(0).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen_everywhere(port).unwrap_err().to_string();
        assert!(error.contains("taken by another program"), "{error}");
    }
}
