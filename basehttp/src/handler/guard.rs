//! For whom a server answers, by the names under which clients ask for it.

use std::net::{IpAddr, Ipv6Addr};

use super::request::Request;
use crate::proto::fault::Fault;
use crate::proto::framing;

/// The hosts that requests may be for, and whether pages of other sites may make them.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostGuard {
    /// Without ports, in lower case, literals of IPv6 without brackets.
    hosts: Vec<String>,
    /// Names and addresses of this machine are allowed as well, and only their pages may ask.
    loopback: bool,
}

impl HostGuard {
    pub(crate) fn new(hosts: impl IntoIterator<Item = String>, loopback: bool) -> Self {
        Self { hosts: hosts.into_iter().map(|host| name_of(&host).to_ascii_lowercase()).collect(), loopback }
    }

    /// Whether there is anything to look at.
    pub(crate) fn is_on(&self) -> bool {
        self.loopback || !self.hosts.is_empty()
    }

    pub(crate) fn check(&self, request: &Request) -> Result<(), Fault> {
        // RFC 9112 section 3.2.2: the authority of the target is what counts, where it has one. A client of HTTP/1.0 may have
        // sent neither; browsers, which the guard is about, always do.
        let host = match authority(request.path().as_bytes()) {
            Some(authority) => Some(authority),
            None => request.values("Host").next(),
        };
        if host.is_some_and(|host| !self.allows(host)) {
            return Err(Fault::ForeignHost);
        }
        // Browsers say in it which site's page asks (RFC 6454), where the page is another's or the method changes something.
        let foreign = |origin: &[u8]| !authority(origin).is_some_and(|host| self.allows(host));
        if self.loopback && request.values("Origin").any(foreign) {
            return Err(Fault::CrossSite);
        }
        Ok(())
    }

    fn allows(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        let name = name_of(host);
        self.hosts.iter().any(|known| name.eq_ignore_ascii_case(known)) || self.loopback && is_loopback(name)
    }
}

/// Whether anybody can ask for a host of this name (RFC 3986 section 3.2.2). The pattern `*.example.org` is none.
pub(crate) fn is_host(host: &str) -> bool {
    let name = name_of(host);
    name.parse::<IpAddr>().is_ok()
        || !name.is_empty() && !name.contains('*') && framing::is_host(host.as_bytes())
}

/// The host of `scheme://host:port/path`; None where there is no scheme.
fn authority(target: &[u8]) -> Option<&[u8]> {
    if target.starts_with(b"/") {
        return None;
    }
    let start = target.windows(3).position(|window| window == b"://")? + 3;
    let rest = target.get(start..)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    // Credentials are no part of the name, and a way to make another look like it.
    let host = authority.iter().rposition(|&byte| byte == b'@').map_or(0, |at| at + 1);
    authority.get(host..)
}

/// `example.org` of `example.org:8000` and of `example.org.`, `::1` of `[::1]:8000`.
fn name_of(host: &str) -> &str {
    if let Some((literal, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return literal;
    }
    // With more than one colon it is a bare literal, as a setting may have it.
    let name = match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// RFC 6761 section 6.3: `localhost` and what ends with it are this machine, and browsers ask nobody for them.
fn is_loopback(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback(),
        Ok(IpAddr::V6(ip)) => {
            ip == Ipv6Addr::LOCALHOST || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
        Err(_) => name
            .len()
            .checked_sub("localhost".len())
            .and_then(|at| Some((name.get(..at)?, name.get(at..)?)))
            .is_some_and(|(before, end)| {
                end.eq_ignore_ascii_case("localhost") && (before.is_empty() || before.ends_with('.'))
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_ports() {
        for (host, name) in [
            ("example.org", "example.org"),
            ("example.org.:80", "example.org"),
            ("127.0.0.1:8000", "127.0.0.1"),
            ("[::1]:8000", "::1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("", ""),
        ] {
            assert_eq!(name_of(host), name);
        }
    }

    #[test]
    fn what_is_a_host() {
        for host in ["example.org", "example.org:80", "a_b", "127.0.0.1", "::1", "[::1]:80", "localhost."] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", ".", "*", "*.example.org", "http://example.org/", "a b", "example.org/", "ä.example"]
        {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn what_is_this_machine() {
        for name in
            ["localhost", "LocalHost", "a.localhost", "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]
        {
            assert!(is_loopback(name), "{name}");
        }
        for name in [
            "",
            "xlocalhost",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "192.168.0.1",
            "::2",
            "ölocalhost",
        ] {
            assert!(!is_loopback(name), "{name}");
        }
    }

    #[test]
    fn authorities() {
        for (target, host) in [
            (&b"http://a/b"[..], Some(&b"a"[..])),
            (b"http://a:1?b@c", Some(b"a:1")),
            (b"http://localhost@evil/", Some(b"evil")),
            (b"/a?b=http://c", None),
            (b"*", None),
            (b"null", None),
            (b"http://", Some(b"")),
        ] {
            assert_eq!(authority(target), host);
        }
    }
}
