//! The name of a host, in `Host` and in a request target.

use super::grammar;

/// RFC 9110 section 7.2: `Host = uri-host [ ":" port ]`; empty if the target has no authority.
#[inline]
pub(crate) fn is_host(value: &[u8]) -> bool {
    let name = grammar::reg_name_len(value);
    match value.get(name..) {
        Some([]) => true,
        // Stricter than RFC 3986, where a `reg-name` may be empty: the port in `Host: :80` belongs to no host.
        Some([b':', port @ ..]) if name > 0 => is_port(port),
        _ => is_rare_host(value),
    }
}

/// A host with brackets or percent signs.
#[cold]
fn is_rare_host(value: &[u8]) -> bool {
    let host = if value.starts_with(b"[") { literal_len(value) } else { name_len(value) };
    match host.and_then(|len| value.get(len..)) {
        Some([]) => true,
        Some([b':', port @ ..]) => is_port(port),
        _ => false,
    }
}

/// RFC 3986 section 3.2.3: `port = *DIGIT`.
fn is_port(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// The length of the bracketed address at the front.
fn literal_len(value: &[u8]) -> Option<usize> {
    let end = value.iter().position(|&byte| byte == b']')?;
    let literal = value.get(1..end)?;
    (is_ipv6(literal) || is_ip_future(literal)).then_some(end + 1)
}

/// The length of the `reg-name` at the front, which must not be empty.
fn name_len(value: &[u8]) -> Option<usize> {
    let mut len = 0;
    loop {
        len += grammar::reg_name_len(value.get(len..)?);
        match value.get(len..) {
            Some([b'%', high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => len += 3,
            _ => return (len > 0).then_some(len),
        }
    }
}

/// RFC 3986 section 3.2.2: eight groups of hex digits, of which the last two may be an IPv4 address and one run of groups may
/// be left out.
fn is_ipv6(text: &[u8]) -> bool {
    let Some(gap) = text.windows(2).position(|pair| pair == b"::") else {
        return groups(text, true) == Some(8);
    };
    let (before, after) = (text.get(..gap).unwrap_or_default(), text.get(gap + 2..).unwrap_or_default());
    matches!((groups(before, false), groups(after, true)), (Some(before), Some(after)) if before + after <= 7)
}

/// How many 16-bit groups a part of an IPv6 address stands for.
fn groups(text: &[u8], at_end: bool) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    let mut parts = text.split(|&byte| byte == b':').peekable();
    while let Some(part) = parts.next() {
        if at_end && parts.peek().is_none() && is_ipv4(part) {
            count += 2;
        } else if matches!(part.len(), 1..=4) && part.iter().all(u8::is_ascii_hexdigit) {
            count += 1;
        } else {
            return None;
        }
    }
    Some(count)
}

/// RFC 3986 section 3.2.2: four numbers up to 255, without leading zeros.
fn is_ipv4(text: &[u8]) -> bool {
    let is_octet = |part: &[u8]| {
        let leading_zero = part.len() > 1 && part.starts_with(b"0");
        part.len() <= 3 && !leading_zero && grammar::decimal(part).is_some_and(|octet| octet <= 255)
    };
    let mut parts = text.split(|&byte| byte == b'.');
    parts.by_ref().take(4).filter(|part| is_octet(part)).count() == 4 && parts.next().is_none()
}

/// RFC 3986 section 3.2.2: `"v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )`.
fn is_ip_future(text: &[u8]) -> bool {
    let [b'v' | b'V', rest @ ..] = text else { return false };
    let mut halves = rest.splitn(2, |&byte| byte == b'.');
    let (Some(version), Some(address)) = (halves.next(), halves.next()) else { return false };
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && !address.is_empty()
        && address.iter().all(|&byte| byte == b':' || grammar::is_reg_name(byte))
}

#[cfg(test)]
mod tests;
