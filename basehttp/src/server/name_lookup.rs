//! The host names of clients, from the system's resolver.

use std::net::IpAddr;

/// The name of a client. The owner of the address decides what the resolver answers, so an answer that is not a host name is
/// rejected: it could forge a log line, or control the terminal that shows it.
pub(super) fn name_of(address: IpAddr) -> Option<String> {
    // An IPv4 client at a dual-stack socket is known by its IPv4 address.
    let name = dns_lookup::lookup_addr(&address.to_canonical()).ok()?;
    is_host_name(&name).then_some(name)
}

fn is_host_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=MOST).contains(&name.len()) && name.bytes().all(is_part)
}

/// The longest possible name (RFC 1035 section 2.3.4).
const MOST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_name_does_not_get_into_the_log() {
        for name in ["localhost", "a-b_c.example.org", "xn--strae-oqa.example."] {
            assert!(is_host_name(name), "{name}");
        }
        let long = "a".repeat(256);
        for name in ["", "a b", "a\nb", "a\x1b[2J", "stra\u{df}e", "a\" - -", &long] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
