//! Visitors that leave HTTP for another protocol, or for another server.

use std::io::{Read, Write};

use crate::content;
use crate::peer::{Framing, Peer, Trouble, Wanted, difference};
use crate::stage::Way;
use crate::visitor::{HOST, Visitor};

/// Asks for the protocol of tunnels, with bytes that follow at once.
pub(crate) fn upgrade(peer: &mut Peer, path: &str, early: &[u8]) -> Result<(), Trouble> {
    let upgrade = "Connection: Upgrade\r\nUpgrade: turn\r\n";
    let mut request = format!("GET /{path}/1 HTTP/1.1\r\n{HOST}{upgrade}\r\n").into_bytes();
    request.extend_from_slice(early);
    peer.send(&request);
    let wanted = Wanted::empty(101).field("Upgrade", "turn").field("Connection", "Upgrade");
    peer.response(&wanted).map(drop)
}

/// Asks for a relay to the HTTP server.
pub(crate) fn connect(peer: &mut Peer, server: &crate::server::Server) -> Result<(), Trouble> {
    let target = server.address(Way::Http);
    peer.send(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes());
    match peer.response(&Wanted { framing: Framing::Empty, ..Wanted::page("") }) {
        // The one server has ended a moment before the other.
        Err(Trouble::Wrong(what)) if what.contains("\"HTTP/1.1 502 ") => Err(Trouble::Ended("relays")),
        response => response.map(drop),
    }
}

impl Visitor<'_> {
    /// Bytes there and back, through an object with callbacks, a stream, or two threads.
    pub(crate) fn tunnel(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let path = *self.dice.pick(&["turn", "hold", "split"]);
        let early = content::bytes(0, self.dice.length(0, 2000));
        upgrade(&mut peer, path, &early)?;
        let (mut wire, rest) = peer.into_parts();
        let mut expected = content::turned(&early);
        let mut got = rest;
        let ended = || Trouble::Ended("tunnels");
        for _ in 0..self.dice.between(0, 10) {
            let piece = content::bytes(0, self.dice.length(1, 30_000));
            // The server may have ended it.
            if wire.write_all(&piece).and_then(|()| wire.flush()).is_err() {
                return Err(ended());
            }
            expected.extend(content::turned(&piece));
            while got.len() < expected.len() {
                let mut buffer = [0; 8192];
                match wire.read(&mut buffer).map_err(Trouble::from) {
                    Ok(0) | Err(Trouble::Broken(..)) => return Err(ended()),
                    Ok(count) => got.extend_from_slice(&buffer[..count]),
                    Err(trouble) => return Err(trouble),
                }
            }
            if got != expected {
                return Err(Trouble::Wrong(format!("{path}: {}", difference(&expected, &got))));
            }
            got.clear();
            expected.clear();
            self.good("bytes through a tunnel");
            if !self.is_playing() {
                break;
            }
        }
        if self.dice.chance(30) {
            wire.reset();
            return Ok(());
        }
        wire.end();
        match wire.read_to_end(&mut got).map_err(Trouble::from) {
            Err(Trouble::Broken(..)) => return Err(ended()),
            read => read?,
        };
        expected.extend_from_slice(b"end");
        if got != expected {
            // Cut by the end of the server.
            if expected.starts_with(&got) {
                return Err(ended());
            }
            return Err(Trouble::Wrong(format!("{path}: {}", difference(&expected, &got))));
        }
        self.good("the end of a tunnel");
        Ok(())
    }

    /// The HTTP server, through a relay.
    pub(crate) fn relay(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        connect(&mut peer, self.server)?;
        for _ in 0..self.dice.between(0, 15) {
            let (request, wanted) = self.question(false);
            peer.send(request.as_bytes());
            let goes_on = peer.response(&wanted)?;
            self.good("a request through a relay");
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        match self.dice.between(1, 3) {
            1 => peer.reset(),
            2 => {
                // A half-close goes through.
                let (request, wanted) = self.question(false);
                peer.send(request.as_bytes());
                peer.end();
                peer.response(&wanted)?;
                match peer.rest()? {
                    rest if rest.is_empty() => self.good("a half-close through a relay"),
                    rest => return Err(Trouble::Wrong(format!("{} bytes after the response", rest.len()))),
                }
            }
            _ => drop(peer),
        }
        Ok(())
    }
}
