//! Which hosts a server answers for, by the names that clients ask for.

use std::borrow::Cow;
use std::net::IpAddr;

use super::request::Request;
use crate::proto::fault::Fault;
use crate::proto::host;
use crate::proto::target::{self, Form};

/// The hosts that requests may name, and whether pages of other sites may send requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPolicy {
    /// Without ports, in lower case, addresses in canonical form.
    hosts: Vec<String>,
    /// This machine's loopback names and addresses are also allowed, and only pages from allowed hosts may send requests.
    loopback: bool,
}

impl HostPolicy {
    pub(crate) fn new(hosts: impl IntoIterator<Item = String>, loopback: bool) -> Self {
        Self {
            hosts: hosts.into_iter().map(|host| plain(name_of(&host)).to_ascii_lowercase()).collect(),
            loopback,
        }
    }

    /// Whether there is anything to check.
    pub(crate) fn is_on(&self) -> bool {
        self.loopback || !self.hosts.is_empty()
    }

    pub(crate) fn check(&self, request: &Request) -> Result<(), Fault> {
        // Other software that reads the target differently may see another host in it.
        if request.form() == Form::Relative {
            return Err(Fault::BadTarget);
        }
        // An HTTP/1.0 client may have sent none; browsers, which this guards against, always do.
        if request.host().is_some_and(|host| !self.allows(host)) {
            return Err(Fault::ForeignHost);
        }
        // Browsers send it with the site of the page that asks (RFC 6454), if the page is another site's or the method
        // changes something.
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

/// An address in its canonical form: `::1` for `0:0:0:0:0:0:0:1`, `192.0.2.1` for `::ffff:192.0.2.1`.
fn plain(name: &str) -> Cow<'_, str> {
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().to_string().into(),
        Err(_) => name.into(),
    }
}

/// Whether a client could ask for a host of this name (RFC 3986 section 3.2.2). The pattern `*.example.org` is not one.
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
    // A name with more than one colon is a bare IPv6 literal, which settings may contain.
    let name = match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// RFC 6761 section 6.3: `localhost` and names below it are this machine, and browsers do not look them up.
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
