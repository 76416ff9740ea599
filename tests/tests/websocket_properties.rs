//! Random frames, mostly valid, give the same messages and the same end here and in `tungstenite`.

use std::io::{self, Cursor, Read, Write};

use basehttp::prelude::*;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message as Theirs};

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The longest message.
const MOST: usize = 2000;

/// How a frame encodes its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Shortest,
    Two,
    Eight,
}

#[derive(Clone, Debug)]
struct Frame {
    first: u8,
    payload: Vec<u8>,
    mask: Option<[u8; 4]>,
    form: Form,
    /// The frame declares this many bytes more than it has: the next frames are taken for them.
    missing: u64,
}

impl Frame {
    fn write(&self, out: &mut Vec<u8>) {
        let len = (self.payload.len() as u64).saturating_add(self.missing);
        let bit = if self.mask.is_some() { 0x80 } else { 0 };
        out.push(self.first);
        match (self.form, u8::try_from(len), u16::try_from(len)) {
            (Form::Shortest, Ok(short @ ..=125), _) => out.push(bit + short),
            (Form::Shortest | Form::Two, _, Ok(short)) => {
                out.push(bit + 126);
                out.extend(short.to_be_bytes());
            }
            _ => {
                out.push(bit + 127);
                out.extend(len.to_be_bytes());
            }
        }
        let mask = self.mask.unwrap_or_default();
        out.extend(self.mask.iter().flatten());
        out.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "[a-z€ß𝄞]{0,40}".prop_map(String::into_bytes),
        1 => select(vec![&b"\xff"[..], b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"a\xf0\x9d"])
            .prop_map(<[u8]>::to_vec),
        1 => "[€]{600,700}".prop_map(String::into_bytes),
    ]
}

fn binary() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => vec(any::<u8>(), 0..40),
        3 => select(vec![125, 126, 127, 1000, MOST, MOST + 1]).prop_map(|len| vec![7; len]),
    ]
}

fn close() -> impl Strategy<Value = Vec<u8>> {
    let codes = vec![
        0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1011, 1012, 1013, 1015, 1016, 2999, 3000,
        4999, 5000,
    ];
    prop_oneof![
        1 => Just(Vec::new()),
        1 => Just(vec![3]),
        6 => (select(codes), "[a-z€]{0,10}").prop_map(|(code, reason): (u16, String)| {
            [&code.to_be_bytes()[..], reason.as_bytes()].concat()
        }),
        1 => Just(b"\x03\xe8\xff".to_vec()),
    ]
}

/// Valid, if what follows does not make it a part of a message.
fn frame(first: u8, payload: Vec<u8>, mask: [u8; 4]) -> Frame {
    Frame { first, payload, mask: Some(mask), form: Form::Shortest, missing: 0 }
}

/// A message in fragments, with control frames between them.
fn message() -> impl Strategy<Value = Vec<Frame>> {
    let payload = prop_oneof![text().prop_map(|text| (1, text)), binary().prop_map(|bytes| (2, bytes))];
    let cuts = vec(any::<prop::sample::Index>(), 0..4);
    let between = vec(prop::option::weighted(0.3, (select(vec![0x89, 0x8a]), vec(any::<u8>(), 0..10))), 5);
    (payload, cuts, between, any::<[u8; 4]>()).prop_map(|((opcode, bytes), cuts, between, mask)| {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut frames = Vec::new();
        let last = cuts.len() - 2;
        for (number, cut) in cuts.windows(2).enumerate() {
            let first = if number == 0 { opcode } else { 0 } | if number == last { 0x80 } else { 0 };
            frames.push(frame(first, bytes[cut[0]..cut[1]].to_vec(), mask));
            if let Some(Some((first, payload))) = between.get(number) {
                frames.push(frame(*first, payload.clone(), mask));
            }
        }
        frames
    })
}

fn control() -> impl Strategy<Value = Frame> {
    prop_oneof![
        4 => (select(vec![0x89, 0x8a]), vec(any::<u8>(), 0..=125)),
        1 => (Just(0x88), close()),
        1 => (select(vec![0x89, 0x8a, 0x88]), select(vec![126, 200]).prop_map(|len| vec![b'x'; len])),
    ]
    .prop_map(|(first, payload)| frame(first, payload, [1, 2, 3, 4]))
}

/// Possible damage to a frame.
fn mutate(frame: &mut Frame, mutation: u8, value: u8) {
    match mutation {
        0 => frame.first ^= 1 << (value % 8),
        1 => frame.mask = None,
        2 => frame.form = Form::Two,
        3 => frame.form = Form::Eight,
        4 => frame.missing = u64::from(value),
        5 => frame.missing = [1 << 16, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX][usize::from(value) % 5],
        _ => {}
    }
}

/// Bytes, and where they are split: the last split is their end.
fn conversation() -> impl Strategy<Value = (Vec<u8>, Vec<prop::sample::Index>)> {
    let some = prop_oneof![4 => message(), 1 => control().prop_map(|frame| vec![frame])];
    let frames = (vec(some, 1..6), prop::option::of(control()))
        .prop_map(|(some, last)| some.into_iter().flatten().chain(last).collect::<Vec<_>>());
    let mutation = prop::option::weighted(0.6, (any::<prop::sample::Index>(), 0..6u8, any::<u8>()));
    let cuts = vec(any::<prop::sample::Index>(), 0..6);
    (frames, mutation, cuts).prop_map(|(mut frames, mutation, cuts)| {
        if let Some((which, mutation, value)) = mutation {
            let which = which.index(frames.len());
            mutate(&mut frames[which], mutation, value);
        }
        let mut bytes = Vec::new();
        for frame in &frames {
            frame.write(&mut bytes);
        }
        (bytes, cuts)
    })
}

/// What a server answers, and how it ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Conversation {
    echoed: Vec<Message>,
    pongs: Vec<Vec<u8>>,
    /// The code of its close frame, 0 for one without. `None` if the client is simply gone.
    close: Option<u16>,
}

struct Echo;

impl WebSocketHandler for Echo {
    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        socket.send(&message)
    }
}

struct Switch {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Switch {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let options = WebSocketOptions::new().max_message_size(MOST).ping_interval(None);
        self.accept_websocket_with(options, Echo)
    }
}

/// The bytes to the server under test, in pieces.
fn ours(pieces: Vec<&[u8]>) -> Conversation {
    let run = basehttp::testing::run(|base| Switch { base }, [vec![UPGRADE], pieces].concat());
    assert!(!run.log.contains("panicked"), "{}", run.log);
    let head = run.output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut conversation = Conversation::default();
    let mut rest = &run.output[head + 4..];
    while let [first, second, more @ ..] = rest {
        assert!(conversation.close.is_none(), "nothing follows a close frame");
        let (len, more) = match *second {
            len @ ..=125 => (usize::from(len), more),
            126 => (usize::from(u16::from_be_bytes([more[0], more[1]])), &more[2..]),
            _ => panic!("a long frame"),
        };
        let payload = more[..len].to_vec();
        rest = &more[len..];
        match first {
            0x81 => conversation.echoed.push(Message::Text(String::from_utf8(payload).unwrap())),
            0x82 => conversation.echoed.push(Message::Binary(payload)),
            0x8a => conversation.pongs.push(payload),
            0x88 => {
                conversation.close = Some(payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code)));
            }
            other => panic!("{other:#x}"),
        }
    }
    assert!(rest.is_empty());
    conversation
}

/// A stream that takes everything and returns the given bytes.
struct Memory<'a>(Cursor<&'a [u8]>);

impl Read for Memory<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Memory<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(bytes: &[u8]) -> Conversation {
    let config = WebSocketConfig::default().max_frame_size(Some(MOST)).max_message_size(Some(MOST));
    let mut context = WebSocketContext::new(Role::Server, Some(config));
    let mut stream = Memory(Cursor::new(bytes));
    let mut conversation = Conversation::default();
    loop {
        match context.read(&mut stream) {
            Ok(Theirs::Text(text)) => conversation.echoed.push(Message::Text(text.to_string())),
            Ok(Theirs::Binary(bytes)) => conversation.echoed.push(Message::Binary(bytes.to_vec())),
            Ok(Theirs::Ping(payload)) => conversation.pongs.push(payload.to_vec()),
            Ok(Theirs::Close(close)) => {
                conversation.close = Some(close.map_or(0, |close| close.code.into()));
                return conversation;
            }
            Ok(_) => {}
            Err(Error::Utf8(_)) => conversation.close = Some(1007),
            Err(Error::Capacity(_)) => conversation.close = Some(1009),
            Err(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
                return conversation;
            }
            Err(Error::Protocol(_)) => conversation.close = Some(1002),
            Err(other) => panic!("{other}"),
        }
        if conversation.close.is_some() {
            return conversation;
        }
    }
}

/// Properties of the frames in some bytes, as far as their headers are complete.
#[derive(Debug, Default)]
struct Facts {
    /// Where the first one begins whose length is not in its shortest form, or has more than 63 bits.
    stretched: Option<usize>,
    /// One is longer than a message may be.
    has_long: bool,
    /// A close frame has a bad code, and a reason that is not UTF-8.
    has_bad_close: bool,
}

fn facts(bytes: &[u8]) -> Facts {
    let mut facts = Facts::default();
    let mut at = 0;
    while let Some(&[first, second, ref rest @ ..]) = bytes.get(at..) {
        let (len, least, extended) = match (second & 0x7f, rest) {
            (126, &[a, b, ..]) => (u64::from(u16::from_be_bytes([a, b])), 126, 2),
            (127, rest) if rest.len() >= 8 => (u64::from_be_bytes(*rest.first_chunk().unwrap()), 1 << 16, 8),
            (126 | 127, _) => break,
            (len, _) => (u64::from(len), 0, 0),
        };
        if len < least || len >> 63 != 0 {
            facts.stretched = Some(at);
            break;
        }
        facts.has_long |= len > MOST as u64;
        let start = at + 2 + extended + if second & 0x80 == 0 { 0 } else { 4 };
        let end = start.saturating_add(usize::try_from(len).unwrap());
        if let Some(payload) = bytes.get(start..end)
            && first & 0x0f == 8
            && payload.len() > 2
            && second & 0x80 != 0
        {
            let mask = &bytes[start - 4..start];
            let plain: Vec<_> =
                payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            let code = u16::from_be_bytes([plain[0], plain[1]]);
            let is_good = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            facts.has_bad_close |= !is_good && std::str::from_utf8(&plain[2..]).is_err();
        }
        at = end;
    }
    facts
}

fn check(bytes: &[u8], cuts: &[prop::sample::Index]) {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let end = cuts.last().copied().unwrap_or(bytes.len());
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let pieces = starts.zip(cuts.iter().copied().chain([end])).map(|(start, end)| &bytes[start..end]);
    let ours = ours(pieces.collect());
    let facts = facts(bytes);
    let same_until = facts.stretched.unwrap_or(bytes.len());
    let theirs_of_all = theirs(&bytes[..same_until]);
    let theirs_so_far = theirs(&bytes[..same_until.min(end)]);
    let is_early = matches!(ours.close, Some(1002 | 1007 | 1009)) && theirs_so_far != ours;
    if !is_early {
        assert_eq!(ours, theirs_so_far);
        return;
    }
    // We report an error as soon as it has arrived, tungstenite when the frame is complete: so it gets what follows.
    let mut theirs = theirs_of_all;
    if theirs.close.is_none() && facts.stretched.is_some() {
        // Stricter than tungstenite: section 5.2 requires the shortest length.
        theirs.close = Some(1002);
    } else if theirs.close.is_none() {
        let rest = [bytes, &vec![0; 70_000]].concat();
        theirs = self::theirs(&rest);
    }
    match (ours.close, theirs.close) {
        // If one frame has two errors, tungstenite reports the length first, and we the code of a close frame.
        (Some(1002), Some(1009)) if facts.has_long => theirs.close = ours.close,
        (Some(1002), Some(1007)) if facts.has_bad_close => theirs.close = ours.close,
        _ => {}
    }
    assert_eq!(ours, theirs);
}

proptest! {
    #[test]
    fn messages_and_ends_are_those_of_tungstenite((bytes, cuts) in conversation()) {
        check(&bytes, &cuts);
    }
}
