//! Visitors that send requests of all shapes, and handlers that fail.

use std::thread;
use std::time::Duration;

use crate::content;
use crate::peer::{Framing, Peer, Trouble, Wanted};
use crate::visitor::{DRAINED, HOST, Visitor};
use basehttp_tests::dice::index;

impl Visitor<'_> {
    /// Several requests on a connection, one after the other.
    pub(crate) fn stay(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 40) {
            if self.dice.chance(3) {
                thread::sleep(Duration::from_millis(self.dice.between(1, 30)));
            }
            let (request, wanted) = self.question(false);
            peer.send(request.as_bytes());
            let goes_on = peer.response(&wanted)?;
            self.good("keep-alive");
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(crate) fn pipeline(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let count = self.dice.between(2, 30);
        let questions: Vec<_> = (1..=count).map(|number| self.question(number == count)).collect();
        // With more than the buffers between the two hold, each would wait for the other.
        let most = 400_000;
        let mut sum = 0;
        let fits = |wanted: &Wanted| {
            sum += wanted.body.as_ref().map_or(0, Vec::len);
            sum < most
        };
        let mut fits = fits;
        let questions: Vec<_> =
            questions.into_iter().filter(|(_, wanted)| wanted.last || fits(wanted)).collect();
        let text: String = questions.iter().map(|(request, _)| &**request).collect();
        peer.send(text.as_bytes());
        for (_, wanted) in &questions {
            let goes_on = peer.response(wanted)?;
            self.good("pipelined");
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(crate) fn come_and_go(&mut self) -> Result<(), Trouble> {
        for _ in 0..self.dice.between(1, 10) {
            let mut peer = self.peer()?;
            let says_so = self.dice.chance(50);
            let (request, wanted) = self.question(says_so);
            peer.send(request.as_bytes());
            peer.response(&wanted)?;
            self.good("a connection each");
        }
        Ok(())
    }

    /// Bodies by length, in chunks, announced.
    pub(crate) fn upload(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 5) {
            let echo = self.dice.chance(50);
            // The echoing handler waits for the client to take the output, and the client is still sending.
            let length = self.dice.length(0, if echo { 30_000 } else { 2 << 20 });
            let body = content::bytes(0, length);
            let path = if echo { "/echo" } else { "/sum" };
            let expects = self.dice.chance(25);
            let expect = if expects { "Expect: 100-continue\r\n" } else { "" };
            let is_chunked = self.dice.chance(40);
            let framing = if is_chunked {
                "Transfer-Encoding: chunked\r\n".to_owned()
            } else {
                format!("Content-Length: {length}\r\n")
            };
            peer.send(format!("POST {path} HTTP/1.1\r\n{HOST}{expect}{framing}\r\n").as_bytes());
            let wanted = if echo {
                Wanted { framing: Framing::Any, ..Wanted::page(body.clone()) }
            } else {
                Wanted::page(content::sum(length, content::checksum(0, &body)))
            };
            if expects && self.dice.chance(70) {
                // It need not come if there is no body to wait for.
                if length > 0 || is_chunked {
                    peer.more()?;
                }
            }
            self.send_body(&mut peer, &body, is_chunked);
            let goes_on = peer.response(&wanted)?;
            self.good("upload");
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Slow clients pause within heads and bodies.
    fn pause_at_times(&mut self) {
        if self.dice.chance(3) {
            thread::sleep(Duration::from_millis(self.dice.between(1, 30)));
        }
    }

    pub(crate) fn send_body(&mut self, peer: &mut Peer, body: &[u8], is_chunked: bool) {
        let mut rest = body;
        while !rest.is_empty() {
            let piece = index(self.dice.between(1, 1 << 17)).min(rest.len());
            self.pause_at_times();
            let (piece, after) = rest.split_at(piece);
            rest = after;
            if is_chunked {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend_from_slice(piece);
                chunk.extend_from_slice(b"\r\n");
                peer.send(&chunk);
            } else {
                peer.send(piece);
            }
        }
        if is_chunked {
            peer.send(b"0\r\n\r\n");
        }
    }

    pub(crate) fn old(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (request, mut wanted) = self.question(false);
        let keeps = self.dice.chance(30) && wanted.framing == Framing::Length;
        let keep = if keeps { " HTTP/1.0\r\nConnection: keep-alive\r\n" } else { " HTTP/1.0\r\n" };
        peer.send(request.replacen(" HTTP/1.1\r\n", keep, 1).as_bytes());
        wanted.last = !keeps;
        if wanted.framing == Framing::Chunked {
            wanted.framing = Framing::Close;
        }
        if keeps {
            // The head says that the connection stays open, which is a field more than in other responses.
            let response = peer.head()?;
            if response.starts_with("HTTP/1.1 503 ") {
                return Err(Trouble::Refused);
            }
            // A server that is shutting down keeps no connection. That is excused then, like a broken connection.
            if response.contains("\r\nConnection: close\r\n") {
                let kind = std::io::ErrorKind::ConnectionAborted;
                return Err(std::io::Error::new(kind, "it does not stay").into());
            }
            if !response.contains("\r\nConnection: keep-alive\r\n") {
                return Err(Trouble::Wrong(format!(
                    "a client of HTTP/1.0 that wanted to stay: {response:?}"
                )));
            }
        } else {
            peer.response(&wanted)?;
        }
        self.good("HTTP/1.0");
        Ok(())
    }

    /// The client sends nothing more, and still reads.
    pub(crate) fn half_close(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (request, wanted) = self.question(false);
        peer.send(request.as_bytes());
        peer.end();
        peer.response(&wanted)?;
        self.good("half-close");
        match peer.rest()? {
            rest if rest.is_empty() => Ok(()),
            rest => Err(Trouble::Wrong(format!("{} bytes after the response", rest.len()))),
        }
    }

    pub(crate) fn piecemeal(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (request, wanted) = self.question(false);
        for byte in request.as_bytes() {
            peer.send(&[*byte]);
            self.pause_at_times();
        }
        peer.response(&wanted)?;
        self.good("byte by byte");
        Ok(())
    }

    pub(crate) fn read_slowly(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let length = self.dice.between(200_000, 1_000_000);
        peer.send(format!("GET /bytes/{length} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        for _ in 0..self.dice.between(1, 10) {
            thread::sleep(Duration::from_millis(self.dice.between(1, 30)));
            peer.more()?;
        }
        peer.response(&Wanted::page(content::bytes(0, length)))?;
        self.good("slow reader");
        Ok(())
    }

    /// An unread body that consists of requests, and must never be taken for them.
    pub(crate) fn unread_body(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let smuggled = format!("GET /some/secret HTTP/1.1\r\n{HOST}\r\n");
        let body = smuggled.repeat(index(self.dice.length(1, 30_000)));
        let is_chunked = self.dice.chance(30);
        let framing = if is_chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        peer.send(format!("POST /ignore HTTP/1.1\r\n{HOST}{framing}\r\n").as_bytes());
        self.send_body(&mut peer, body.as_bytes(), is_chunked);
        let goes_on = peer.response(&Wanted::page("not read\n"))?;
        self.good("unread body");
        // The length of a chunked body is known only after the response.
        if goes_on && (!is_chunked || body.len() < DRAINED) {
            let (request, wanted) = self.question(true);
            peer.send(request.as_bytes());
            peer.response(&wanted)?;
            self.good("unread body");
        }
        Ok(())
    }

    pub(crate) fn failure(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let what = *self.dice.pick(&["panic/0", "error/0", "half"]);
        let kind = if what == "half" { "a response cut by a panic" } else { "500 of a failed handler" };
        if what != "half" {
            peer.send(format!("GET /{what} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
            peer.response(&Wanted::failure(500))?;
            self.stage.counts.failed.add(kind);
            return Ok(());
        }
        let length = self.dice.length(1, 100_000);
        peer.send(format!("GET /half/{length} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        let wanted = Wanted { framing: Framing::Chunked, ..Wanted::page(content::bytes(0, length)) };
        match peer.response(&wanted) {
            Err(Trouble::Broken(..)) => {
                self.stage.counts.failed.add(kind);
                Ok(())
            }
            Ok(_) => Err(Trouble::Wrong("half of a response looks like a whole one".to_owned())),
            Err(trouble) => Err(trouble),
        }
    }
}
