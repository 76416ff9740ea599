//! For whom a server answers, by the names under which clients ask for it.

use std::borrow::Cow;
use std::net::IpAddr;

use super::request::Request;
use crate::proto::fault::Fault;
use crate::proto::host;
use crate::proto::target::{self, Form};

/// The hosts that requests may be for, and whether pages of other sites may make them.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPolicy {
    /// Without ports, in lower case, addresses in their one form.
    hosts: Vec<String>,
    /// Names and addresses of this machine are allowed as well, and only their pages may ask.
    loopback: bool,
}

impl HostPolicy {
    pub(crate) fn new(hosts: impl IntoIterator<Item = String>, loopback: bool) -> Self {
        Self {
            hosts: hosts.into_iter().map(|host| plain(name_of(&host)).to_ascii_lowercase()).collect(),
            loopback,
        }
    }

    /// Whether there is anything to look at.
    pub(crate) fn is_on(&self) -> bool {
        self.loopback || !self.hosts.is_empty()
    }

    pub(crate) fn check(&self, request: &Request) -> Result<(), Fault> {
        // Whoever reads it in another way than we do may find another host in it.
        if request.form() == Form::Relative {
            return Err(Fault::BadTarget);
        }
        // A client of HTTP/1.0 may have sent none; browsers, which the guard is about, always do.
        if request.host().is_some_and(|host| !self.allows(host)) {
            return Err(Fault::ForeignHost);
        }
        // Browsers say in it which site's page asks (RFC 6454), where the page is another's or the method changes something.
        let foreign =
            |origin: &[u8]| !target::absolute(origin).is_some_and(|origin| self.allows(origin.host));
        if self.loopback && request.values("Origin").any(foreign) {
            return Err(Fault::CrossSite);
        }
        Ok(())
    }

    fn allows(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        let name = name_of(host);
        let plain = plain(name);
        self.hosts.iter().any(|known| plain.eq_ignore_ascii_case(known)) || self.loopback && is_loopback(name)
    }
}

/// An address as others write it too: `::1` for `0:0:0:0:0:0:0:1`, `192.0.2.1` for `::ffff:192.0.2.1`.
fn plain(name: &str) -> Cow<'_, str> {
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().to_string().into(),
        Err(_) => name.into(),
    }
}

/// Whether anybody can ask for a host of this name (RFC 3986 section 3.2.2). The pattern `*.example.org` is none.
pub(crate) fn is_host(host: &str) -> bool {
    let name = name_of(host);
    name.parse::<IpAddr>().is_ok()
        || !name.is_empty() && !name.contains('*') && host::is_host(host.as_bytes())
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
        Ok(ip) => ip.to_canonical().is_loopback(),
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
}
