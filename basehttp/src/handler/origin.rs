//! Origins (RFC 6454): what `Origin` says, and the origin of the pages that a request's host serves.

use std::net::Ipv6Addr;

use super::request::Request;
use crate::proto::grammar;
use crate::proto::target::{self, Absolute, Form};

/// Scheme, host and port of a page. The name of the host is as received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    scheme: &'a [u8],
    name: &'a [u8],
    /// If none is written, the default of the scheme; `None` if the scheme has no default.
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// RFC 6454 section 6.2: `scheme "://" host [ ":" port ]`, and nothing else. `null` is no origin.
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let Absolute { scheme, host, .. } = target::absolute(value)?;
        // A path, or user information before the host, would make the value longer.
        let is_all = scheme.len() + "://".len() + host.len() == value.len();
        if is_all { Self::of(scheme, host) } else { None }
    }

    /// The origin of the pages with this scheme that a host serves.
    fn of(scheme: &'a [u8], host: &'a [u8]) -> Option<Self> {
        // An address in brackets has colons too.
        let end = host.iter().rposition(|&byte| byte == b']').map_or(0, |bracket| bracket + 1);
        let colon = host.get(end..)?.iter().position(|&byte| byte == b':').map(|at| end + at);
        let (name, port) = host.split_at_checked(colon.unwrap_or(host.len()))?;
        let port = match port {
            [] | [b':'] => default_port(scheme),
            [_, digits @ ..] => Some(u16::try_from(grammar::decimal(digits)?).ok()?),
        };
        (!name.is_empty()).then_some(Self { scheme, name, port })
    }

    pub(crate) fn is_same(&self, other: &Origin<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.port == other.port
            && (self.name.eq_ignore_ascii_case(other.name)
                || self.address().is_some_and(|address| other.address() == Some(address)))
    }

    /// Whether it is the origin of the pages of the host that the request is for. A server without TLS does not know the scheme of
    /// its pages: a proxy in front may serve TLS.
    pub(crate) fn is_of_host(&self, request: &Request, is_tls: bool) -> bool {
        let is_http = self.scheme.eq_ignore_ascii_case(b"http") && !is_tls;
        if !is_http && !self.scheme.eq_ignore_ascii_case(b"https") {
            return false;
        }
        // With more than one Host, there is no telling which one others use.
        let host = match request.form() {
            Form::Absolute => request.host(),
            _ => only(request.values("Host")),
        };
        host.and_then(|host| Origin::of(self.scheme, host)).is_some_and(|page| self.is_same(&page))
    }

    /// The name of the host.
    pub(crate) fn name(&self) -> &'a [u8] {
        self.name
    }

    pub(crate) fn scheme(&self) -> &'a [u8] {
        self.scheme
    }

    /// Browsers always use the canonical form; people may not.
    pub(crate) fn address(&self) -> Option<Ipv6Addr> {
        let literal = self.name.strip_prefix(b"[")?.strip_suffix(b"]")?;
        std::str::from_utf8(literal).ok()?.parse().ok()
    }
}

fn default_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case(b"http") => Some(80),
        _ if scheme.eq_ignore_ascii_case(b"https") => Some(443),
        _ => None,
    }
}

/// The value of a field that occurs exactly once.
pub(crate) fn only<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_origin_is() {
        for origin in [
            "http://a",
            "https://a.example:8443",
            "HTTPS://A.Example.",
            "http://[::1]:80",
            "http://a:",
            "http://a:0",
            "chrome-extension://abcdef",
        ] {
            assert!(Origin::parse(origin.as_bytes()).is_some(), "{origin}");
        }
        for origin in [
            "",
            "null",
            "a",
            "a:80",
            "http:",
            "http://",
            "http://:80",
            "http://a/",
            "http://a/x",
            "http://a?x",
            "http://a#x",
            "http://u@a",
            "http://@a",
            "http://a:65536",
            "http://a:99999999999999999999",
            "http://a:x",
            "http://a http://b",
            "http://a, http://b",
            "http://[::1",
            "http://[::1]x",
            "//a",
            "\u{e9}://a",
        ] {
            assert!(Origin::parse(origin.as_bytes()).is_none(), "{origin}");
        }
    }

    #[test]
    fn which_are_the_same() {
        let are_same = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| Origin::parse(text.as_bytes()).expect("an origin"));
            assert_eq!(one.is_same(&other), other.is_same(&one));
            one.is_same(&other)
        };
        for (one, other) in [
            ("http://a", "HTTP://A"),
            ("http://a", "http://a:80"),
            ("http://a", "http://a:"),
            ("https://a", "https://a:443"),
            ("http://a:8000", "http://a:08000"),
            ("http://[::1]", "http://[0:0:0:0:0:0:0:1]:80"),
            ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
            ("http://[::ffff:192.0.2.1]", "http://[::FFFF:c000:201]"),
            ("app://a", "APP://a"),
        ] {
            assert!(are_same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("http://a", "https://a"),
            ("http://a", "http://b"),
            ("http://a", "http://a.example"),
            ("http://a", "http://a."),
            ("http://a", "http://a:443"),
            ("https://a", "https://a:80"),
            ("http://[::1]", "http://[::2]"),
            ("http://192.0.2.1", "http://[::ffff:192.0.2.1]"),
            ("app://a", "app://a:80"),
        ] {
            assert!(!are_same(one, other), "{one} {other}");
        }
    }
}
