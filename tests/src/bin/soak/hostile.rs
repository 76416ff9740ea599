//! Visitors that leave in the middle, send what is no request, or attack.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use crate::content;
use crate::peer::{Framing, Peer, Trouble, Wanted};
use crate::stage::Way;
use crate::visitor::{HOST, Visitor};
use crate::wire::{self, Wire};
use basehttp_tests::dice::index;

/// Heads whose body could end in two places, and that must be refused (RFC 9112 section 6.3). What follows them is never a
/// request.
const AMBIGUOUS: &[&str] = &[
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Length: 5, 6\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5 \r\n5\r\n",
    "Content-Length : 5\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: \x0bchunked\r\n",
    "X: y\r\n Content-Length: 5\r\n",
    "X: y\rContent-Length: 5\r\n",
    "X\0: y\r\n",
];

/// Bodies in chunks that are none.
const NO_CHUNKS: &[&str] = &[
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "5_\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\n",
];

impl Visitor<'_> {
    /// Leaves in the middle of the head, of the body, of the response, or at once.
    pub(crate) fn reset(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (mut request, _) = self.question(false);
        match self.dice.between(0, 3) {
            0 => request.truncate(self.dice.index(request.len())),
            1 => request = format!("POST /sum HTTP/1.1\r\n{HOST}Content-Length: 100000\r\n\r\nabc"),
            2 => request = format!("GET /bytes/3000000 HTTP/1.1\r\n{HOST}\r\n"),
            _ => {}
        }
        peer.send(request.as_bytes());
        if self.dice.chance(50) {
            thread::sleep(Duration::from_millis(self.dice.between(0, 20)));
        }
        if self.dice.chance(30) {
            peer.set_patience(Duration::from_millis(20));
            let _ = peer.more();
        }
        if self.dice.chance(70) {
            peer.reset();
        }
        self.hostile("a reset");
        Ok(())
    }

    pub(crate) fn never_read(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 5) {
            peer.send(format!("GET /bytes/4000000 HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        }
        thread::sleep(Duration::from_millis(self.dice.between(10, 300)));
        if self.dice.chance(50) {
            peer.reset();
        }
        self.hostile("never reads");
        Ok(())
    }

    /// Request vectors, unchanged or mutated, and random bytes.
    pub(crate) fn rubbish(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let mut bytes = self.dice.pick(self.vectors).clone();
        if self.dice.chance(20) {
            bytes = (0..self.dice.between(1, 2000)).map(|_| self.dice.byte()).collect();
        }
        for _ in 0..self.dice.length(0, 20) {
            let at = self.dice.index(bytes.len());
            match self.dice.between(0, 3) {
                0 => bytes[at] = self.dice.byte(),
                1 => bytes.insert(at, *self.dice.pick(b"\r\n :;,\t0a\xff")),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at + 1),
            }
        }
        peer.send(&bytes);
        peer.end();
        peer.set_patience(Duration::from_secs(20));
        let output = peer.whatever();
        self.hostile("rubbish");
        if output.starts_with(b"HTTP/") && !output.starts_with(b"HTTP/1.1 ") {
            let text = basehttp_tests::show(&output);
            return Err(Trouble::Wrong(format!("a status line that is none: {text}")));
        }
        Ok(())
    }

    /// Requests whose end is in doubt, with another request behind them, which is never answered.
    pub(crate) fn smuggle(&mut self) -> Result<(), Trouble> {
        for _ in 0..self.dice.between(1, 6) {
            let mut peer = self.peer()?;
            let smuggled = format!("GET /some/secret HTTP/1.1\r\n{HOST}\r\n");
            let (head, body) = if self.dice.chance(75) {
                (*self.dice.pick(AMBIGUOUS), "0\r\n\r\n")
            } else {
                ("Transfer-Encoding: chunked\r\n", *self.dice.pick(NO_CHUNKS))
            };
            peer.send(format!("POST /sum HTTP/1.1\r\n{HOST}{head}\r\n{body}{smuggled}").as_bytes());
            let status = if head.contains("xchunked") { 501 } else { 400 };
            let wanted = Wanted { framing: Framing::Any, last: true, ..Wanted::failure(status) };
            peer.response(&wanted).map_err(|trouble| match trouble {
                Trouble::Wrong(what) => Trouble::Wrong(format!("{head:?} {body:?}: {what}")),
                trouble => trouble,
            })?;
            self.hostile("a smuggled request");
        }
        Ok(())
    }

    /// A body that ends too early, in TLS without a `close_notify`, is never taken for a whole one.
    pub(crate) fn truncate(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let length = self.dice.length(10, 300_000);
        let half = content::bytes(0, self.dice.between(0, length - 1));
        let is_chunked = self.dice.chance(50);
        let framing = if is_chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {length}\r\n")
        };
        let path = *self.dice.pick(&["/sum", "/api/stored/1", "/cgi-bin/echo"]);
        let method = if path.starts_with("/api") { "PUT" } else { "POST" };
        peer.send(format!("{method} {path} HTTP/1.1\r\n{HOST}{framing}\r\n").as_bytes());
        if is_chunked {
            let mut chunk = format!("{:x}\r\n", half.len() + 1).into_bytes();
            chunk.extend_from_slice(&half);
            peer.send(&chunk);
        } else {
            peer.send(&half);
        }
        if self.dice.chance(50) {
            peer.wire().truncate();
        } else {
            peer.end();
        }
        let output = peer.whatever();
        self.hostile("a half body");
        // A script may answer before it has read anything.
        if path == "/sum" && output.starts_with(b"HTTP/1.1 200 ") || self.server.stored().join("1").exists() {
            return Err(Trouble::Wrong(format!("half a body was taken: {}", basehttp_tests::show(&output))));
        }
        Ok(())
    }

    /// Clients of HTTPS that do not complete a handshake, or break the protocol after it.
    pub(crate) fn no_tls(&mut self) -> Result<(), Trouble> {
        self.way = Way::Https;
        let config = self.server.certificates.clients.modern.clone();
        let what = self.dice.between(1, 6);
        let mut stream = wire::connect(self.server.address(self.way))?;
        // The server may close at any time.
        let _ = match what {
            1 => {
                let bytes: Vec<u8> = (0..self.dice.between(1, 2000)).map(|_| self.dice.byte()).collect();
                stream.write_all(&bytes)
            }
            2 => stream.write_all(format!("GET /some/1 HTTP/1.1\r\n{HOST}\r\n").as_bytes()),
            3 | 4 => {
                let mut hello = hello(&config);
                if what == 3 {
                    hello.truncate(self.dice.index(hello.len()));
                } else {
                    let at = self.dice.index(hello.len());
                    hello[at] ^= 1 << self.dice.index(8);
                }
                stream.write_all(&hello)
            }
            5 => stream.write_all(&hello(&config)),
            _ => {
                // Records that the keys do not fit.
                let wire = Wire::secure(stream.try_clone()?, &config)?;
                let record = [&[23, 3, 3, 0, 100][..], &[7; 100]].concat();
                let written = stream.write_all(&record);
                drop(wire);
                written
            }
        };
        if self.dice.chance(50) {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut output = Vec::new();
            let _ = (&mut stream).take(100_000).read_to_end(&mut output);
            if output.windows(9).any(|window| window == b"GET /some") || output.starts_with(b"HTTP/1.1 200 ")
            {
                return Err(Trouble::Wrong(format!("without TLS: {}", basehttp_tests::show(&output))));
            }
        } else {
            thread::sleep(Duration::from_millis(self.dice.between(0, 100)));
            Wire::Plain(stream).reset();
        }
        self.hostile("no TLS, or half of it");
        Ok(())
    }

    /// New keys between requests, and then too many of them.
    pub(crate) fn new_keys(&mut self) -> Result<(), Trouble> {
        self.way = Way::Https;
        let stream = wire::connect(self.server.address(self.way))?;
        let mut peer = Peer::over(Wire::secure(stream, &self.server.certificates.clients.modern)?);
        for _ in 0..self.dice.between(1, 10) {
            for _ in 0..self.dice.between(1, 20) {
                if !peer.wire().update_keys() {
                    return Err(Trouble::Wrong("the client makes no new keys".to_owned()));
                }
            }
            let length = self.dice.length(1, 100_000);
            peer.send(format!("GET /bytes/{length} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
            let goes_on = peer.response(&Wanted::page(content::bytes(0, length)))?;
            self.good("after new keys");
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        for _ in 0..index(self.dice.between(40, 2000)) {
            peer.wire().update_keys();
        }
        peer.send(b"GET ");
        peer.reset();
        self.hostile("a flood of new keys");
        Ok(())
    }
}

/// What a client says first.
fn hello(config: &Arc<rustls::ClientConfig>) -> Vec<u8> {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = ClientConnection::new(config.clone(), name).expect("a client");
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).expect("a vector takes it");
    bytes
}
