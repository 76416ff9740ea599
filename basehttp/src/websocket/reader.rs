//! Assembles messages from bytes, however the frames are split.

use super::frame::{FrameHeader, MOST_HEADER, Opcode, unmask};
use super::message::Message;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A complete message.
    Message(Message),
    /// A ping with its payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// A close frame with its code, if it has one, and its reason.
    Close(Option<u16>, String),
}

/// A protocol violation by a client: the code of the close frame that reports it (RFC 6455 section 7.4.1), and a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The close code.
    pub code: u16,
    /// The text.
    pub text: &'static str,
}

/// Reads messages. Memory grows with the bytes that arrive, never with a declared length.
#[derive(Debug)]
pub struct MessageReader {
    most: usize,
    /// The bytes so far of an incomplete header.
    header: Vec<u8>,
    frame: Option<Frame>,
    /// The bytes so far of the message, unmasked.
    message: Vec<u8>,
    kind: Option<Kind>,
    /// How much of a text is known to be UTF-8.
    checked: usize,
    /// The bytes so far of a control frame, which may come between the frames of a message.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

/// A frame whose payload is arriving.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: FrameHeader,
    /// How many bytes of it have arrived.
    come: u64,
}

const PROTOCOL: u16 = 1002;
const NOT_UTF8: Violation = Violation { code: 1007, text: "text that is not UTF-8" };
const TOO_BIG: Violation = Violation { code: 1009, text: "a message that is too long" };

fn violation(text: &'static str) -> Violation {
    Violation { code: PROTOCOL, text }
}

impl MessageReader {
    /// Accepts messages of up to `most` bytes.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            header: Vec::new(),
            frame: None,
            message: Vec::new(),
            kind: None,
            checked: 0,
            control: Vec::new(),
        }
    }

    /// Takes bytes from `input`, up to the end of the next complete item. `None` if all bytes are taken and nothing is
    /// complete.
    ///
    /// # Errors
    /// The violation. Nothing more may be read after it.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Said>, Violation> {
        loop {
            let Some(mut frame) = self.frame else {
                if !self.take_header(input)? {
                    return Ok(None);
                }
                continue;
            };
            let FrameHeader { opcode, len, mask, is_final } = frame.header;
            let left = usize::try_from(len - frame.come).unwrap_or(usize::MAX);
            let (bytes, rest) = input.split_at(left.min(input.len()));
            *input = rest;
            let into = if opcode.is_control() { &mut self.control } else { &mut self.message };
            unmask(bytes, mask, frame.come, into);
            frame.come += bytes.len() as u64;
            let is_whole = frame.come == len;
            self.frame = (!is_whole).then_some(frame);
            if is_whole && opcode.is_control() {
                return self.end_control(opcode).map(Some);
            }
            if is_whole && is_final {
                return self.end_message().map(Some);
            }
            // Reports invalid text before the rest has arrived.
            self.check_text()?;
            if !is_whole {
                return Ok(None);
            }
        }
    }

    /// Takes the header of the next frame. False if more must arrive.
    fn take_header(&mut self, input: &mut &[u8]) -> Result<bool, Violation> {
        let before = self.header.len();
        let more = input.get(..input.len().min(MOST_HEADER - before)).unwrap_or_default();
        self.header.extend_from_slice(more);
        let parsed = FrameHeader::parse(&self.header).map_err(violation)?;
        let Some((header, len)) = parsed else {
            *input = input.get(more.len()..).unwrap_or_default();
            return Ok(false);
        };
        *input = input.get(len - before..).unwrap_or_default();
        // An idle connection has no memory for it.
        self.header = Vec::new();
        match (header.opcode, self.kind) {
            (Opcode::Continuation, None) => return Err(violation("a continuation frame without a message")),
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(violation("a new message before the end of another"));
            }
            (Opcode::Text, None) => self.kind = Some(Kind::Text),
            (Opcode::Binary, None) => self.kind = Some(Kind::Binary),
            _ => {}
        }
        let total = (self.message.len() as u64).saturating_add(header.len);
        if !header.opcode.is_control() && total > self.most as u64 {
            return Err(TOO_BIG);
        }
        self.frame = Some(Frame { header, come: 0 });
        Ok(true)
    }

    /// Checks that the text so far can still become valid UTF-8.
    fn check_text(&mut self) -> Result<(), Violation> {
        if self.kind != Some(Kind::Text) {
            return Ok(());
        }
        let unchecked = self.message.get(self.checked..).unwrap_or_default();
        match std::str::from_utf8(unchecked) {
            Ok(_) => self.checked = self.message.len(),
            // The rest of a character may still arrive.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(NOT_UTF8),
        }
        Ok(())
    }

    fn end_message(&mut self) -> Result<Said, Violation> {
        let bytes = std::mem::take(&mut self.message);
        self.checked = 0;
        Ok(Said::Message(match self.kind.take() {
            Some(Kind::Text) => Message::Text(String::from_utf8(bytes).map_err(|_| NOT_UTF8)?),
            Some(Kind::Binary) | None => Message::Binary(bytes),
        }))
    }

    fn end_control(&mut self, opcode: Opcode) -> Result<Said, Violation> {
        let payload = std::mem::take(&mut self.control);
        match opcode {
            Opcode::Ping => Ok(Said::Ping(payload)),
            Opcode::Close => close_of(&payload),
            _ => Ok(Said::Pong),
        }
    }
}

/// The code and the reason in a close frame (section 5.5.1).
fn close_of(payload: &[u8]) -> Result<Said, Violation> {
    match *payload {
        [] => Ok(Said::Close(None, String::new())),
        [high, low, ref reason @ ..] => {
            let code = u16::from_be_bytes([high, low]);
            if !may_be_sent(code) {
                return Err(violation("a close code that must not be sent"));
            }
            let reason = std::str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
            Ok(Said::Close(Some(code), reason.to_owned()))
        }
        [_] => Err(violation("half a close code")),
    }
}

/// Whether a close frame may have this code: those of section 7.4 and of the registry, and those free for private use.
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x11, 0x22, 0x33, 0x44];
        let mut bytes = vec![first];
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(len @ ..=125), _) => bytes.push(0x80 | len),
            (_, Ok(len)) => {
                bytes.push(0xfe);
                bytes.extend(len.to_be_bytes());
            }
            _ => panic!("a frame of a test is short"),
        }
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// All items, with the input in pieces of this length.
    fn read(bytes: &[u8], piece: usize) -> (Vec<Said>, Option<u16>) {
        let mut reader = MessageReader::new(1000);
        let mut said = Vec::new();
        for mut piece in bytes.chunks(piece) {
            loop {
                match reader.next(&mut piece) {
                    Ok(Some(one)) => said.push(one),
                    Ok(None) => break,
                    Err(violation) => return (said, Some(violation.code)),
                }
            }
            assert!(piece.is_empty());
        }
        (said, None)
    }

    fn text(text: &str) -> Said {
        Said::Message(Message::Text(text.to_owned()))
    }

    #[test]
    fn messages_are_put_together_however_they_come() {
        let euro = "€".as_bytes();
        let bytes = [
            frame(0x81, "grüß".as_bytes()),
            frame(0x01, &[b"a ", &euro[..1]].concat()),
            frame(0x89, b"ping"),
            frame(0x00, b""),
            frame(0x80, &euro[1..]),
            frame(0x82, &[0xff; 300]),
            frame(0x82, b""),
            frame(0x8a, b"x"),
            frame(0x88, b"\x03\xe8bye"),
            frame(0x88, b""),
        ]
        .concat();
        let wanted = [
            text("grüß"),
            Said::Ping(b"ping".to_vec()),
            text("a €"),
            Said::Message(Message::Binary(vec![0xff; 300])),
            Said::Message(Message::Binary(Vec::new())),
            Said::Pong,
            Said::Close(Some(1000), "bye".to_owned()),
            Said::Close(None, String::new()),
        ];
        for piece in [1, 2, 3, 7, 100, bytes.len()] {
            let (said, violation) = read(&bytes, piece);
            assert_eq!((&*said, violation), (&wanted[..], None), "{piece}");
        }
    }

    #[test]
    fn each_violation_has_its_code() {
        let long = frame(0x82, &[0; 1001]);
        let pieces = [frame(0x02, &[0; 600]), frame(0x80, &[0; 401])].concat();
        let cases: [(&[u8], u16); 12] = [
            (&frame(0x80, b"x"), 1002),
            (&[frame(0x01, b"x"), frame(0x81, b"y")].concat(), 1002),
            (&frame(0xc1, b"x"), 1002),
            (&frame(0x83, b"x"), 1002),
            (b"\x81\x01x", 1002),
            (&frame(0x09, b"x"), 1002),
            (&frame(0x88, b"\x03"), 1002),
            (&frame(0x88, b"\x03\xed"), 1002),
            (&frame(0x88, b"\x03\xe8\xff"), 1007),
            (&frame(0x81, b"\xff"), 1007),
            (&long, 1009),
            (&pieces, 1009),
        ];
        for (bytes, code) in cases {
            for piece in [1, bytes.len()] {
                assert_eq!(read(bytes, piece), (Vec::new(), Some(code)), "{bytes:?}");
            }
        }
    }

    /// RFC 6455 allows waiting for the end of the message, but there is no need to.
    #[test]
    fn what_cannot_become_a_text_is_said_before_the_rest_has_come() {
        let begun = frame(0x01, b"abc\xf0\x28");
        assert_eq!(read(&begun, begun.len()), (Vec::new(), Some(1007)));
        let half = frame(0x81, &[b"abc\xff".as_slice(), &[b'x'; 100]].concat());
        assert_eq!(read(&half[..20], 5), (Vec::new(), Some(1007)));
        let cut = frame(0x81, &"€".as_bytes()[..2]);
        assert_eq!(read(&cut, 3), (Vec::new(), Some(1007)));
    }

    #[test]
    fn codes_that_may_be_sent() {
        let good = [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999];
        let bad = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX];
        assert!(good.into_iter().all(may_be_sent) && !bad.into_iter().any(may_be_sent));
    }

    #[test]
    fn a_declared_length_costs_nothing() {
        let mut reader = MessageReader::new(usize::MAX);
        let mut header: &[u8] = b"\x82\xff\x00\x00\x00\x00\x70\x00\x00\x00abcd12345";
        assert_eq!(reader.next(&mut header), Ok(None));
        assert!(reader.message.capacity() < 100, "{}", reader.message.capacity());
    }
}
