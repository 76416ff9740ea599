//! The PROXY protocol: a header, before all else on a connection, in which a proxy tells who its client is. As the specification
//! of HAProxy has it, versions 1 and 2. The format is the crate `ppp`'s.

use std::io;
use std::net::SocketAddr;

use crate::handler::Address;
use crate::handler::wire::Announced;

/// What is read of a connection before its first request.
#[derive(Default)]
pub(super) struct Preface {
    /// A header has to come.
    pub(super) is_awaited: bool,
    /// What has come and is not used yet: of the header, and then what came with it.
    bytes: Vec<u8>,
}

/// A header of version 1 has no more (section 2.1), and its shortest end is `\r\n`.
const LONGEST_LINE: usize = 107;

/// In a header of version 2 everything may be said about TLS, certificates included; proxies say some hundred bytes.
const LONGEST: usize = 4096;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const WORD: &[u8] = b"PROXY ";

/// Signature, version, protocol and length.
const FIXED: usize = 16;

/// Section 2.2: version 2, and whether the proxy speaks for itself or for a client.
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

/// Section 2.2.6: what is told of the client's TLS, and the first bit of that.
const PP2_TYPE_SSL: u8 = 0x20;
const PP2_CLIENT_SSL: u8 = 1;

impl Preface {
    /// Whether more came behind the header than was given.
    #[cfg(feature = "tls")]
    pub(super) fn has_rest(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Gives what came behind the header.
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
    /// Reads the header, where one has to come. [`InvalidData`](io::ErrorKind::InvalidData) if what comes is none.
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

/// Whether these bytes, or as many as there are, are the start.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(a, b)| a == b)
}

/// Nothing where the proxy speaks for itself, as in its health checks; no address where its client has none of IP.
fn announced_in(header: &[u8]) -> io::Result<Announced> {
    if header.starts_with(WORD) { line(header) } else { block(header) }
}

/// Version 1, section 2.1.
fn line(header: &[u8]) -> io::Result<Announced> {
    let rest = header.strip_prefix(WORD).unwrap_or_default();
    // What follows is to be ignored, whatever it is.
    if rest.starts_with(b"UNKNOWN ") || rest.starts_with(b"UNKNOWN\r") {
        return Ok((None, false));
    }
    // `ppp` takes a port with a sign.
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
    // Whatever follows is to be ignored, where the proxy speaks for itself and where it says that nothing is known of its
    // client (AF_UNSPEC). `ppp` would refuse some of that: health checks may have the family of their connection and no addresses.
    if let Some([LOCAL, _] | [PROXY, 0..=0x0f]) = header.get(SIGNATURE.len()..FIXED - 2) {
        return Ok((None, false));
    }
    let header = ppp::v2::Header::try_from(header).map_err(|error| wrong(&error.to_string()))?;
    // Broken extensions are none: the address stands before them.
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
