//! What trusted proxies report about their clients.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::address::Address;
use super::request::Request;
use crate::proto::grammar::{decimal, list, trim_blanks};

/// The proxies and load balancers that are trusted to report their clients' addresses: with the PROXY protocol, once per
/// connection, or in fields of each request. [`client_address`](crate::BaseHTTPRequestHandler::client_address),
/// [`address_string`](crate::RequestHandler::address_string) and [`scheme`](crate::BaseHTTPRequestHandler::scheme) then
/// describe the client.
///
/// ```
/// # use basehttp::prelude::*;
/// # use basehttp::testing::TestServer;
/// use basehttp::{ForwardedFields, TrustedProxies};
///
/// struct Who { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Who {
///     fn do_GET(&self) -> std::io::Result<()> {
///         self.send_response(200);
///         self.end_headers()?;
///         write!(self.wfile, "{} by {}", self.address_string(), self.scheme())
///     }
/// }
///
/// let proxies = TrustedProxies::new(["127.0.0.1", "10.0.0.0/8"])?.fields(ForwardedFields::XForwarded);
/// let server = TestServer::with(HTTPServer::builder().trusted_proxies(proxies), |base| Who { base });
/// let request = "GET / HTTP/1.0\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7, 10.1.2.3\r\nX-Forwarded-Proto: https\r\n\r\n";
/// assert!(server.exchange(request.as_bytes())?.ends_with(b"192.0.2.7 by https"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: bool,
    proxy_protocol: bool,
    fields: Option<ForwardedFields>,
}

/// The fields in which proxies report their clients. Choose those that your proxy sets: it passes the others on as the client
/// sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedFields {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For` and `X-Forwarded-Proto`, which are older and more common.
    XForwarded,
}

/// What a proxy reports about the client of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    pub(crate) client: Address,
    pub(crate) is_https: Option<bool>,
}

impl TrustedProxies {
    /// Trusts proxies by address (`192.0.2.1`, `2001:db8::1`), by network (`10.0.0.0/8`), or, with the word `unix`, at the
    /// other end of a unix socket. `::ffff:10.0.0.0/104` is `10.0.0.0/8`; `::/0` is every IPv6 address and no IPv4 address.
    /// [`proxy_protocol`](Self::proxy_protocol) and [`fields`](Self::fields) say how they report; call at least one of them.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for anything else; the message names it.
    pub fn new<I>(addresses: I) -> io::Result<Self>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut proxies = Self { networks: Vec::new(), unix: false, proxy_protocol: false, fields: None };
        for address in addresses {
            let address = address.as_ref();
            let network = address.parse().ok().or_else(|| address.parse::<IpAddr>().ok().map(IpNet::from));
            match network {
                Some(network) => proxies.networks.push(plain(network)),
                None if address == "unix" => proxies.unix = true,
                None => {
                    let text = format!(
                        "{address:?} is not an address of a proxy: write 192.0.2.1, 10.0.0.0/8, 2001:db8::/32 or unix"
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
                }
            }
        }
        Ok(proxies)
    }

    /// Whether connections of these proxies begin with a PROXY protocol header, version 1 or 2 (HAProxy's `send-proxy` and
    /// `send-proxy-v2`, nginx's `proxy_protocol on`). Each of their connections must then begin with one: anything else is
    /// answered with 400 and logged, since the specification forbids guessing. From other peers such a header is a malformed
    /// request, 400. The header has the deadline of a [head](crate::ServerBuilder::head_timeout) and at most 4096 bytes.
    #[must_use]
    pub fn proxy_protocol(mut self, on: bool) -> Self {
        self.proxy_protocol = on;
        self
    }

    /// Which fields of their requests are read. The client is the last address in them that is not a trusted proxy's: a
    /// client may have made up those before it. The port is 0 if none is given, or if it is obfuscated (`192.0.2.7:_p`, RFC
    /// 7239 section 6.3). Empty elements and empty fields are ignored (RFC 9110 section 5.6.1.2). The search ends at anything
    /// that is not an address, such as `unknown`, and at malformed fields.
    #[must_use]
    pub fn fields(mut self, fields: ForwardedFields) -> Self {
        self.fields = Some(fields);
        self
    }

    /// Whether neither way to report is set.
    pub(crate) fn says_nothing(&self) -> bool {
        !self.proxy_protocol && self.fields.is_none()
    }

    fn trusts(&self, address: &Address) -> bool {
        match address.ip() {
            Some(ip) => self.networks.iter().any(|network| network.contains(&ip)),
            None => self.unix,
        }
    }

    /// Whether a connection from this peer must begin with a PROXY header.
    pub(crate) fn begins_with_header(&self, peer: &Address) -> bool {
        self.proxy_protocol && self.trusts(peer)
    }

    /// What a peer's request reports about its client.
    pub(crate) fn forwarded(&self, peer: &Address, request: &Request) -> Option<Forwarded> {
        let fields = self.fields.filter(|_| self.trusts(peer))?;
        let mut found = Forwarded { client: peer.clone(), is_https: None };
        match fields {
            ForwardedFields::XForwarded => {
                let elements = |name| {
                    let mut all: Vec<_> =
                        request.values(name).flat_map(list).filter(|word| !word.is_empty()).collect();
                    all.reverse();
                    all
                };
                self.follow(elements("X-Forwarded-For").into_iter().map(address_of), &mut found);
                found.is_https = elements("X-Forwarded-Proto").first().copied().and_then(is_https);
            }
            ForwardedFields::Forwarded => {
                let lines: Vec<_> = request.values("Forwarded").collect();
                for line in lines.iter().rev() {
                    let Some(mut elements) = split(line, b',') else { break };
                    elements.reverse();
                    for element in elements.into_iter().filter(|element| !trim_blanks(element).is_empty()) {
                        let told = |name| parameter(element, name);
                        found.is_https = told("proto").as_deref().and_then(is_https);
                        if !self.follow([told("for").as_deref().and_then(address_of)], &mut found) {
                            return Some(found);
                        }
                    }
                }
            }
        }
        Some(found)
    }

    /// Follows the chain back from proxy to proxy. False where it ends.
    fn follow(&self, addresses: impl IntoIterator<Item = Option<Address>>, found: &mut Forwarded) -> bool {
        for address in addresses {
            let Some(address) = address else { return false };
            found.client = address;
            if !self.trusts(&found.client) {
                return false;
            }
        }
        true
    }
}

/// The IPv4 network that an IPv6 one stands for, as [`Address`] does for addresses.
fn plain(network: IpNet) -> IpNet {
    const PREFIX: u8 = 96;
    let ip = network.addr().to_canonical();
    let length = network.prefix_len().checked_sub(PREFIX);
    match (network, ip, length) {
        (IpNet::V6(_), IpAddr::V4(_), Some(length)) => IpNet::new(ip, length).unwrap_or(network),
        _ => network,
    }
}

fn is_https(word: &[u8]) -> Option<bool> {
    let word = word.trim_ascii();
    let is = |scheme: &[u8]| word.eq_ignore_ascii_case(scheme).then_some(());
    is(b"https").map(|()| true).or_else(|| is(b"http").map(|()| false))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`: RFC 7239 section 6, and other forms in
/// use.
fn address_of(word: &[u8]) -> Option<Address> {
    let word = std::str::from_utf8(word).ok()?;
    let (ip, port) = match word.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, "")) => (IpAddr::V6(literal.parse().ok()?), 0),
        Some((literal, rest)) => (IpAddr::V6(literal.parse().ok()?), port_of(rest.strip_prefix(':')?)?),
        None => match (word.parse(), word.split_once(':')) {
            (Ok(ip), _) => (ip, 0),
            (Err(_), Some((ip, port))) => (IpAddr::V4(ip.parse().ok()?), port_of(port)?),
            (Err(_), None) => return None,
        },
    };
    Some(SocketAddr::new(ip, port).into())
}

/// RFC 7239 section 6: `node-port = 1*5DIGIT / "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )`. An obfuscated port counts as 0.
fn port_of(word: &str) -> Option<u16> {
    if let Some(name) = word.strip_prefix('_') {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        return (!name.is_empty() && name.bytes().all(is_good)).then_some(0);
    }
    (word.len() <= 5).then(|| decimal(word.as_bytes()))?.and_then(|port| u16::try_from(port).ok())
}

/// Splits a value at separators outside quoted strings (RFC 9110 section 5.6.4). `None` if a quoted string is not closed.
fn split(value: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = value
        .split(|&byte| {
            if std::mem::take(&mut escaped) {
                return false;
            }
            match byte {
                b'"' => quoted = !quoted,
                b'\\' => escaped = quoted,
                _ => {}
            }
            byte == separator && !quoted
        })
        .collect();
    (!quoted && !escaped).then_some(parts)
}

/// A parameter of an element of `Forwarded`, unquoted.
fn parameter(element: &[u8], name: &str) -> Option<Vec<u8>> {
    split(element, b';')?.into_iter().find_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (found, value) = (pair.get(..at)?, pair.get(at + 1..)?);
        found.eq_ignore_ascii_case(name.as_bytes()).then(|| unquoted(value))
    })
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return value.to_vec();
    };
    let mut escaped = false;
    inner
        .iter()
        .copied()
        .filter(|&byte| {
            escaped = byte == b'\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_ports() {
        for (word, address) in [
            ("192.0.2.1", Some("192.0.2.1:0")),
            ("192.0.2.1:80", Some("192.0.2.1:80")),
            ("2001:db8::1", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]:80", Some("[2001:db8::1]:80")),
            ("::ffff:192.0.2.1", Some("192.0.2.1:0")),
            ("[::ffff:192.0.2.1]:80", Some("192.0.2.1:80")),
            ("192.0.2.1:_p", Some("192.0.2.1:0")),
            ("[2001:db8::1]:_a.b-c_d", Some("[2001:db8::1]:0")),
            ("192.0.2.1:_", None),
            ("192.0.2.1:_p:q", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:+80", None),
            ("192.0.2.1:000080", None),
            ("[192.0.2.1]:80", None),
            ("[2001:db8::1]80", None),
            ("unknown:_p", None),
            ("_hidden:80", None),
            ("unknown", None),
            ("_hidden", None),
            ("192.0.2.1.5", None),
            ("192.0.2.1:99999", None),
            ("[192.0.2.1", None),
            ("", None),
        ] {
            assert_eq!(
                address_of(word.as_bytes()),
                address.map(|address| address.parse::<SocketAddr>().unwrap().into()),
                "{word}"
            );
        }
    }

    #[test]
    fn networks_of_ipv4_have_one_form() {
        let proxies = |network: &str| TrustedProxies::new([network]).unwrap().proxy_protocol(true);
        let is_trusted = |network: &str, ip: &str| {
            proxies(network).begins_with_header(&SocketAddr::new(ip.parse().unwrap(), 1).into())
        };
        for network in
            ["10.0.0.0/8", "::ffff:10.0.0.0/104", "10.1.1.1", "::ffff:10.1.1.1", "::ffff:0:0/96", "0.0.0.0/0"]
        {
            for ip in ["10.1.1.1", "::ffff:10.1.1.1", "::ffff:a01:101"] {
                assert!(is_trusted(network, ip), "{network} {ip}");
            }
        }
        for (network, ip) in
            [("::ffff:10.0.0.0/104", "11.1.1.1"), ("::/0", "10.1.1.1"), ("::ffff:0:0/96", "::1")]
        {
            assert!(!is_trusted(network, ip), "{network} {ip}");
        }
        assert!(is_trusted("::/0", "2001:db8::1"));
    }

    #[test]
    fn parameters_in_quotes() {
        let element = br#"for="[2001:db8::1]:4711";Proto=https; by="a;b\"c""#;
        assert_eq!(parameter(element, "for").unwrap(), b"[2001:db8::1]:4711");
        assert_eq!(parameter(element, "proto").unwrap(), b"https");
        assert_eq!(parameter(element, "by").unwrap(), b"a;b\"c");
        assert_eq!(parameter(element, "host"), None);
        assert_eq!(split(br#"a="x"#, b','), None);
        assert_eq!(split(br#"a=","x"#, b',').unwrap().len(), 1);
        assert_eq!(split(br#"a=",",b"#, b',').unwrap().len(), 2);
    }
}
