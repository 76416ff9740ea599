//! Frames (RFC 6455 section 5): reads the client's, and writes the server's.

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The header of a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) opcode: Opcode,
    /// Whether it is the last frame of its message.
    pub(super) is_final: bool,
    pub(super) len: u64,
    pub(super) mask: [u8; 4],
}

/// The longest header: two bytes, a length of eight, a mask.
pub(super) const MOST_HEADER: usize = 14;

/// The longest payload of a control frame.
pub(super) const MOST_CONTROL: u64 = 125;

impl FrameHeader {
    /// Parses a header at the front of `bytes`, and returns its length, too. `None` if more bytes are needed. The error is
    /// the text for the close frame.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, &'static str> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err("a reserved bit is set");
        }
        let opcode = Opcode::of(first & 0x0f).ok_or("a reserved opcode")?;
        let is_final = first & 0x80 != 0;
        if second & 0x80 == 0 {
            return Err("a frame without a mask");
        }
        let (len, rest, extended) = match (second & 0x7f, rest.split_first_chunk(), rest.split_first_chunk())
        {
            (126, Some((short, rest)), _) => (u64::from(u16::from_be_bytes(*short)), rest, 2),
            (127, _, Some((long, rest))) => (u64::from_be_bytes(*long), rest, 8),
            (126 | 127, ..) => return Ok(None),
            (len, ..) => (u64::from(len), rest, 0),
        };
        // Section 5.2: the length must have the shortest form, and the highest bit of an 8-byte length is zero.
        let is_shortest = match extended {
            2 => len > 125,
            8 => len > 0xffff && len >> 63 == 0,
            _ => true,
        };
        if !is_shortest {
            return Err("a length in the wrong form");
        }
        if opcode.is_control() && (!is_final || len > MOST_CONTROL) {
            return Err("a control frame that is too long or fragmented");
        }
        let Some(mask) = rest.first_chunk() else { return Ok(None) };
        Ok(Some((Self { opcode, is_final, len, mask: *mask }, 2 + extended + mask.len())))
    }
}

/// Encodes a frame of the server, which has no mask.
pub(super) fn encode(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    frame.push(0x80 | opcode.bits());
    let len = payload.len();
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => frame.push(len),
        (_, Ok(len)) => {
            frame.push(126);
            frame.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Unmasks bytes, the first of which is at position `at` of its payload, and appends them to `out` (section 5.3).
pub(super) fn unmask(bytes: &[u8], mask: [u8; 4], at: u64, out: &mut Vec<u8>) {
    let mut mask = mask;
    mask.rotate_left((at % 4) as usize);
    let word = u64::from(u32::from_ne_bytes(mask));
    let wide = word << 32 | word;
    let start = out.len();
    out.extend_from_slice(bytes);
    let (words, rest) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of section 5.7.
    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(encode(Opcode::Text, b"Hello"), b"\x81\x05Hello");
        let (header, len) =
            FrameHeader::parse(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").unwrap().unwrap();
        assert_eq!((header.opcode, header.is_final, header.len, len), (Opcode::Text, true, 5, 6));
        let mut text = Vec::new();
        unmask(b"\x7f\x9f\x4d\x51\x58", header.mask, 0, &mut text);
        assert_eq!(text, b"Hello");
        assert_eq!(encode(Opcode::Binary, &[0; 256])[..4], [0x82, 126, 1, 0]);
        assert_eq!(encode(Opcode::Binary, &vec![0; 65536])[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_header_that_has_not_all_come_needs_more() {
        let whole = b"\x82\xfe\x01\x00abcd";
        for len in 0..whole.len() {
            assert_eq!(FrameHeader::parse(&whole[..len]), Ok(None), "{len}");
        }
        assert_eq!(FrameHeader::parse(whole).unwrap().unwrap().0.len, 256);
    }

    #[test]
    fn what_is_against_the_rules() {
        let wrong: [&[u8]; 13] = [
            b"\xc1\x85",
            b"\xa1\x85",
            b"\x91\x85",
            b"\x83\x85",
            b"\x87\x85",
            b"\x8b\x85",
            b"\x8f\x85",
            b"\x81\x05",
            b"\x81\xfe\x00\x7d",
            b"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff",
            b"\x81\xff\x80\x00\x00\x00\x00\x01\x00\x00",
            b"\x09\x85",
            b"\x89\xfe\x00\x7e",
        ];
        for bytes in wrong {
            assert!(FrameHeader::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_mask_comes_off_wherever_the_payload_is_cut() {
        let plain: Vec<u8> = (0..=99).collect();
        let mask = [1, 200, 30, 77];
        let masked: Vec<u8> = plain.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        for cut in 0..=masked.len() {
            let mut out = Vec::new();
            unmask(&masked[..cut], mask, 0, &mut out);
            unmask(&masked[cut..], mask, cut as u64, &mut out);
            assert_eq!(out, plain, "{cut}");
        }
    }
}
