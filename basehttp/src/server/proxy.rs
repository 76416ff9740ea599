//! The PROXY protocol, versions 1 and 2, as specified by HAProxy: a header at the very start of a connection, in which a
//! proxy names its client. The crate `ppp` parses it.

use std::io;
use std::net::SocketAddr;

use crate::handler::Address;
use crate::handler::wire::Announced;

/// What is read of a connection before its first request.
#[derive(Default)]
pub(super) struct Preface {
    /// A header is expected.
    pub(super) is_awaited: bool,
    /// Bytes that have arrived and are not used yet: those of the header, and then those behind it.
    bytes: Vec<u8>,
}

/// A version 1 header is no longer than this (section 2.1); its shortest end is `\r\n`.
const LONGEST_LINE: usize = 107;

/// A version 2 header may contain everything about TLS, certificates included; proxies send some hundred bytes.
const LONGEST: usize = 4096;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const WORD: &[u8] = b"PROXY ";

/// The length of signature, version, protocol and length field.
const FIXED: usize = 16;

/// Section 2.2: version 2, and whether the proxy speaks for itself or for a client.
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

/// Section 2.2.6: information about the client's TLS, and its first bit.
const PP2_TYPE_SSL: u8 = 0x20;
const PP2_CLIENT_SSL: u8 = 1;

impl Preface {
    /// Whether bytes behind the header have arrived that are not passed on yet.
    #[cfg(feature = "tls")]
    pub(super) fn has_rest(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Passes on the bytes behind the header.
    pub(super) fn give(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if self.is_awaited || self.bytes.is_empty() {
            return None;
        }
        let count = self.bytes.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(self.bytes.drain(..count)) {
            *to = from;
        }
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
        Some(count)
    }
}

impl Preface {
    /// Reads the header, if one is expected. [`InvalidData`](io::ErrorKind::InvalidData) if the bytes are not one.
    pub(super) fn read(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Option<Announced>> {
        while self.is_awaited {
            if let Some(length) = length_of(&self.bytes)? {
                let mut header = std::mem::take(&mut self.bytes);
                self.bytes = header.split_off(length);
                self.is_awaited = false;
                return announced_in(&header).map(Some);
            }
            let mut piece = [0; LONGEST];
            let count = read(&mut piece)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
        Ok(None)
    }
}

/// The length of the header at the start of these bytes, once all of it is there.
fn length_of(bytes: &[u8]) -> io::Result<Option<usize>> {
    let length = if begins(bytes, SIGNATURE) {
        match bytes.get(FIXED - 2..FIXED) {
            Some(&[high, low]) => Some(FIXED + usize::from(u16::from_be_bytes([high, low]))),
            _ => None,
        }
    } else if begins(bytes, WORD) {
        let line = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
        let end = line.windows(2).position(|pair| pair == b"\r\n").map(|at| at + 2);
        if end.is_none() && bytes.len() >= LONGEST_LINE {
            return Err(wrong("its line is longer than 107 bytes"));
        }
        end
    } else {
        return Err(wrong("there is none"));
    };
    match length {
        Some(length) if length > LONGEST => Err(wrong("it is longer than 4096 bytes")),
        length => Ok(length.filter(|length| *length <= bytes.len())),
    }
}

/// Whether `bytes` begin with `start`, as far as they go.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(a, b)| a == b)
}

/// Nothing if the proxy speaks for itself, as in its health checks; no address if its client has no IP address.
fn announced_in(header: &[u8]) -> io::Result<Announced> {
    if header.starts_with(WORD) { line(header) } else { block(header) }
}

/// Version 1, section 2.1.
fn line(header: &[u8]) -> io::Result<Announced> {
    let rest = header.strip_prefix(WORD).unwrap_or_default();
    // What follows must be ignored, whatever it is.
    if rest.starts_with(b"UNKNOWN ") || rest.starts_with(b"UNKNOWN\r") {
        return Ok((None, false));
    }
    // `ppp` accepts a port with a sign.
    if rest.contains(&b'+') {
        return Err(wrong("it contains a plus sign"));
    }
    let header = ppp::v1::Header::try_from(header).map_err(|error| wrong(&error.to_string()))?;
    let address: Option<SocketAddr> = match header.addresses {
        ppp::v1::Addresses::Unknown => None,
        ppp::v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
        ppp::v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
    };
    Ok((address.map(Address::from), false))
}

/// Version 2, section 2.2.
fn block(header: &[u8]) -> io::Result<Announced> {
    // If the proxy speaks for itself, or says that nothing is known about its client (AF_UNSPEC), the rest must be ignored.
    // `ppp` would refuse some of that: health checks may have the family of their connection and no addresses.
    if let Some([LOCAL, _] | [PROXY, 0..=0x0f]) = header.get(SIGNATURE.len()..FIXED - 2) {
        return Ok((None, false));
    }
    let header = ppp::v2::Header::try_from(header).map_err(|error| wrong(&error.to_string()))?;
    // Broken extensions are ignored: the address comes before them.
    let ssl = header.tlvs().map_while(Result::ok).find(|tlv| tlv.kind == PP2_TYPE_SSL);
    let is_https =
        ssl.is_some_and(|tlv| tlv.value.first().is_some_and(|client| client & PP2_CLIENT_SSL != 0));
    let address: Option<SocketAddr> = match header.addresses {
        ppp::v2::Addresses::IPv4(ip) => Some((ip.source_address, ip.source_port).into()),
        ppp::v2::Addresses::IPv6(ip) => Some((ip.source_address, ip.source_port).into()),
        ppp::v2::Addresses::Unspecified | ppp::v2::Addresses::Unix(_) => None,
    };
    Ok((address.map(Address::from), is_https))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a connection from a trusted proxy must begin with a PROXY header: {what}"),
    )
}
