//! Visitors with WebSockets.

use std::io;
use std::time::{Duration, Instant};

use basehttp_tests::PATIENCE;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Error, Message, WebSocket};

use crate::content;
use crate::lasting::MAX_MESSAGE;
use crate::peer::{Peer, Trouble, Wanted};
use crate::visitor::Visitor;
use crate::wire::Wire;

const UPGRADE: &str = "GET /socket/1 HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: soak\r\n\r\n";

/// The end of a WebSocket.
#[derive(Debug)]
pub(crate) enum Next {
    Message(Message),
    /// With its code.
    Close(u16, String),
}

/// A WebSocket whose messages are checked.
pub(crate) struct Socket {
    socket: WebSocket<Wire>,
    since: Instant,
}

/// Asks for a WebSocket.
pub(crate) fn upgrade(peer: &mut Peer) -> Result<(), Trouble> {
    peer.send(UPGRADE.as_bytes());
    let wanted = Wanted::empty(101).field("Upgrade", "websocket").field("Connection", "Upgrade");
    let wanted = wanted.field("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    peer.response(&wanted.field("Sec-WebSocket-Protocol", "soak")).map(drop)
}

impl Socket {
    pub(crate) fn new(mut peer: Peer) -> Result<Self, Trouble> {
        upgrade(&mut peer)?;
        let since = Instant::now();
        let (wire, rest) = peer.into_parts();
        Ok(Self { socket: WebSocket::from_partially_read(wire, rest, Role::Client, None), since })
    }

    fn trouble(&self, error: Error) -> Trouble {
        match error {
            Error::Io(error) => Trouble::from(error).since(Some(self.since)),
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                let error = io::Error::new(io::ErrorKind::UnexpectedEof, "a WebSocket without a close frame");
                Trouble::Broken(error, Some(self.since))
            }
            error => Trouble::Wrong(format!("a WebSocket: {error}")),
        }
    }

    pub(crate) fn send(&mut self, message: Message) -> Result<(), Trouble> {
        match self.socket.send(message) {
            // The reason is still to be read.
            Ok(()) | Err(Error::Io(_)) => Ok(()),
            Err(error) => Err(self.trouble(error)),
        }
    }

    /// The next message that is no ping; or the close frame, which was answered, and the end of the connection after it.
    pub(crate) fn next(&mut self) -> Result<Next, Trouble> {
        loop {
            match self.socket.read() {
                Ok(Message::Ping(_)) => {}
                Ok(Message::Close(frame)) => {
                    let next = frame.map_or((1005, String::new()), |frame| {
                        (u16::from(frame.code), frame.reason.to_string())
                    });
                    self.drain()?;
                    return Ok(Next::Close(next.0, next.1));
                }
                Ok(message) => return Ok(Next::Message(message)),
                Err(error) => return Err(self.trouble(error)),
            }
        }
    }

    /// Answers a close frame, and reads to the end.
    fn drain(&mut self) -> Result<(), Trouble> {
        match self.socket.read() {
            Ok(message) => Err(Trouble::Wrong(format!("after the close frame: {message:?}"))),
            Err(Error::ConnectionClosed) => Ok(()),
            Err(error) => Err(self.trouble(error)),
        }
    }

    /// The next message, which must be this one.
    pub(crate) fn expect(&mut self, wanted: &Message) -> Result<(), Trouble> {
        match self.next()? {
            Next::Message(message) if message == *wanted => Ok(()),
            Next::Close(1001, _) => Err(Trouble::Ended("WebSockets, with 1001")),
            Next::Close(code, reason) => Err(Trouble::Wrong(format!("closed: {code} {reason:?}"))),
            Next::Message(message) => {
                let (wanted, got) = (wanted.clone().into_data(), message.into_data());
                Err(Trouble::Wrong(format!("a message: {}", crate::peer::difference(&wanted, &got))))
            }
        }
    }

    /// The close frame, which must have this code.
    pub(crate) fn expect_close(&mut self, code: u16) -> Result<(), Trouble> {
        match self.next()? {
            Next::Close(got, _) if got == code => Ok(()),
            Next::Close(1001, _) => Err(Trouble::Ended("WebSockets, with 1001")),
            other => Err(Trouble::Wrong(format!("instead of the close frame {code}: {other:?}"))),
        }
    }

    pub(crate) fn into_wire(self) -> Wire {
        self.socket.into_inner()
    }
}

impl Visitor<'_> {
    fn message(&mut self, most: u64) -> Message {
        let length = self.dice.length(0, most);
        if self.dice.chance(50) {
            return Message::Binary(content::bytes(length, 2 * length).into());
        }
        Message::Text("m\u{fc}".repeat(basehttp_tests::dice::index(length / 3)).into())
    }

    /// Messages there and back, pings, and messages of the server's own.
    pub(crate) fn socket(&mut self) -> Result<(), Trouble> {
        let mut socket = Socket::new(self.peer()?)?;
        for _ in 0..self.dice.between(1, 20) {
            match self.dice.between(1, 10) {
                1 => {
                    let ping = self.dice.between(0, 1 << 40).to_string();
                    socket.send(Message::Ping(ping.clone().into()))?;
                    socket.expect(&Message::Pong(ping.into()))?;
                    self.good("a pong");
                }
                2 => {
                    let count = self.dice.length(1, 200);
                    socket.send(Message::Text(format!("push {count}").into()))?;
                    for number in 0..count {
                        socket.expect(&Message::Text(content::news(number).into()))?;
                        self.good("a message of the server");
                    }
                }
                3 => {
                    // Several at once.
                    let messages: Vec<_> =
                        (0..self.dice.between(2, 10)).map(|_| self.message(3000)).collect();
                    for message in &messages {
                        socket.send(message.clone())?;
                    }
                    for message in &messages {
                        socket.expect(message)?;
                        self.good("a message there and back");
                    }
                }
                _ => {
                    let message = self.message(MAX_MESSAGE as u64);
                    socket.send(message.clone())?;
                    socket.expect(&message)?;
                    self.good("a message there and back");
                }
            }
            let pause = Duration::from_millis(self.dice.length(0, 50));
            if !self.stage.hold(pause) {
                break;
            }
        }
        match self.dice.between(1, 3) {
            1 => socket.into_wire().reset(),
            2 => drop(socket),
            _ => {
                let code = *self.dice.pick(&[1000, 1001, 3000, 4999]);
                let frame = CloseFrame { code: CloseCode::from(code), reason: "bye".into() };
                if let Err(error) = socket.socket.close(Some(frame)) {
                    return Err(socket.trouble(error));
                }
                // The server answers with the code, or was faster with its own.
                match socket.next()? {
                    Next::Close(got, _) if got == code => self.good("a close frame answered"),
                    Next::Close(1001, _) => return Err(Trouble::Ended("WebSockets, with 1001")),
                    other => return Err(Trouble::Wrong(format!("after the close frame {code}: {other:?}"))),
                }
            }
        }
        Ok(())
    }

    /// Says nothing until the server asks whether it is there.
    pub(crate) fn silent_socket(&mut self) -> Result<(), Trouble> {
        let mut socket = Socket::new(self.peer()?)?;
        let time = Duration::from_millis(200);
        let _ = socket.socket.get_ref().socket().set_read_timeout(Some(time));
        loop {
            match socket.socket.read() {
                Ok(Message::Ping(_)) => break,
                Ok(Message::Close(Some(frame))) if u16::from(frame.code) == 1001 => {
                    let _ = socket.socket.get_ref().socket().set_read_timeout(Some(PATIENCE));
                    socket.drain()?;
                    return Err(Trouble::Ended("WebSockets, with 1001"));
                }
                Ok(other) => return Err(Trouble::Wrong(format!("instead of a ping: {other:?}"))),
                Err(Error::Io(error))
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(socket.trouble(error)),
            }
            if !self.is_playing() {
                return Ok(());
            }
        }
        self.good("a ping of the server");
        let _ = socket.socket.get_ref().socket().set_read_timeout(Some(PATIENCE));
        let message = Message::Text("here".into());
        socket.send(message.clone())?;
        socket.expect(&message)
    }

    /// Ends that the server brings about.
    pub(crate) fn socket_end(&mut self) -> Result<(), Trouble> {
        let mut socket = Socket::new(self.peer()?)?;
        let (order, code, kind) = match self.dice.between(1, 4) {
            1 => {
                let code = *self.dice.pick(&[1000, 3001, 4001]);
                (format!("close {code}"), Some(code), "closed by the server")
            }
            2 => ("fail now".to_owned(), Some(1011), "closed with 1011 by a failed handler"),
            3 => ("panic now".to_owned(), None, "a WebSocket cut by a panic"),
            _ => ("flood now".to_owned(), Some(1013), "closed with 1013, too slow"),
        };
        socket.send(Message::Text(order.clone().into()))?;
        if order == "flood now" {
            return self.flooded(socket);
        }
        match code {
            Some(code) => socket.expect_close(code)?,
            None => match socket.next() {
                Err(Trouble::Broken(..)) => {}
                Ok(Next::Close(1001, _)) => return Err(Trouble::Ended("WebSockets, with 1001")),
                other => return Err(Trouble::Wrong(format!("after a panic: {other:?}"))),
            },
        }
        self.stage.counts.failed.add(kind);
        Ok(())
    }

    /// The server sends until it cannot. What has come is complete; then the connection is closed, or cut if there is no
    /// room for the close frame.
    fn flooded(&mut self, mut socket: Socket) -> Result<(), Trouble> {
        let wanted = Message::Binary(content::bytes(0, 30_000).into());
        loop {
            match socket.next() {
                Ok(Next::Message(message)) if message == wanted => self.good("a message of the server"),
                Ok(Next::Close(1013, _)) | Err(Trouble::Broken(..)) => break,
                Ok(Next::Close(1001, _)) => return Err(Trouble::Ended("WebSockets, with 1001")),
                Ok(other) => {
                    let other: String = format!("{other:?}").chars().take(200).collect();
                    return Err(Trouble::Wrong(format!("in a flood: {other}")));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        self.stage.counts.failed.add("a WebSocket that was too slow");
        Ok(())
    }

    /// Frames that break the protocol, with the code that they must get.
    pub(crate) fn socket_enemy(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        upgrade(&mut peer)?;
        let long = u32::try_from(MAX_MESSAGE + 1).expect("a small number").to_be_bytes();
        let long = [&[0x82, 0xff, 0, 0, 0, 0][..], &long, &[0; 4]].concat();
        let enemies: [(&'static str, &[u8], u16); 7] = [
            ("1002: no mask", b"\x81\x01x", 1002),
            ("1002: reserved bits", b"\xf1\x80\0\0\0\0", 1002),
            ("1002: an unknown opcode", b"\x83\x80\0\0\0\0", 1002),
            ("1002: a long ping", b"\x89\xfe\0\x7e\0\0\0\0", 1002),
            ("1002: a continuation of nothing", b"\x80\x81\0\0\0\0x", 1002),
            ("1007: no UTF-8", b"\x81\x81\0\0\0\0\xff", 1007),
            ("1009: a long message", &long, 1009),
        ];
        let (kind, bytes, code) = *self.dice.pick(&enemies);
        peer.send(bytes);
        let output = peer.rest().map_err(|error| Trouble::from(error).since(None))?;
        let closed =
            [&[0x88][..], &[output.get(1).copied().unwrap_or_default()], &code.to_be_bytes()].concat();
        if !output.starts_with(&closed) {
            if output.starts_with(&[0x88]) && output.get(2..4) == Some(&1001_u16.to_be_bytes()[..]) {
                return Err(Trouble::Ended("WebSockets, with 1001"));
            }
            return Err(Trouble::Wrong(format!("{kind}: {}", basehttp_tests::show(&output))));
        }
        self.stage.counts.declined.add(kind);
        Ok(())
    }
}
