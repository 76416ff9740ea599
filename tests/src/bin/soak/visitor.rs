//! One client after another: good ones, whose every response is checked, and hostile ones.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::content;
use crate::dice::{Dice, index};
use crate::peer::{Framing, Peer, Trouble, Wanted};
use crate::stage::{Counts, Stage};

pub(crate) struct Visitor<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) dice: Dice,
    pub(crate) stage: &'a Stage,
    /// What the request vectors send.
    pub(crate) vectors: &'a [Vec<u8>],
}

type Scene<'a> = fn(&mut Visitor<'a>) -> Result<(), Trouble>;

/// A body that the server reads completely although the handler does not: less than its `drain_limit`.
const DRAINED: usize = 200_000;

const HOST: &str = "Host: soak\r\n";

impl<'a> Visitor<'a> {
    /// With their weights.
    const SCENES: &'a [(u64, &'static str, Scene<'a>)] = &[
        (16, "keep-alive", Self::stay),
        (10, "pipeline", Self::pipeline),
        (14, "a connection for each request", Self::come_and_go),
        (10, "uploads", Self::upload),
        (5, "HTTP/1.0", Self::old),
        (6, "half-close", Self::half_close),
        (3, "byte by byte", Self::piecemeal),
        (5, "a slow reader", Self::read_slowly),
        (5, "a body that is not read", Self::unread_body),
        (5, "a handler that fails", Self::failure),
        (8, "a reset", Self::reset),
        (4, "never reads", Self::never_read),
        (9, "rubbish", Self::rubbish),
    ];

    pub(crate) fn visit(&mut self) {
        while self.stage.goes_on() {
            let sum = Self::SCENES.iter().map(|(weight, _, _)| weight).sum();
            let mut throw = self.dice.between(1, sum);
            let scene = Self::SCENES.iter().find(|(weight, _, _)| {
                let found = throw <= *weight;
                throw = throw.saturating_sub(*weight);
                found
            });
            let (_, name, scene) = scene.expect("the throw is one of the weights");
            let crowds = self.stage.crowds();
            let end = scene(self);
            self.stage.judge(crowds, name, end);
        }
    }

    fn peer(&self) -> Result<Peer, Trouble> {
        Ok(Peer::new(self.address)?)
    }

    fn good(&self) {
        Counts::add(&self.stage.counts.good);
    }

    /// A request without a body, and the expected response. `last` is what it asks for the connection.
    fn question(&mut self, last: bool) -> (String, Wanted) {
        let method = if self.dice.chance(10) { "HEAD" } else { "GET" };
        let number = self.dice.between(0, 1_000_000_000);
        let mut framing = Framing::Length;
        let (path, body) = match self.dice.between(1, 100) {
            1..=45 => {
                let path = format!("/some/{number}");
                let body = format!("{method} {path}\n");
                (path, body.into_bytes())
            }
            46..=70 => {
                let length = self.dice.length(0, 300_000);
                (format!("/bytes/{length}"), content::bytes(0, length))
            }
            71..=80 => {
                framing = if method == "HEAD" { Framing::Any } else { Framing::Chunked };
                let length = self.dice.length(1, 50_000);
                (format!("/stream/{length}"), content::bytes(0, length))
            }
            81..=90 => {
                let time = self.dice.between(1, 50);
                (format!("/sleep/{time}"), format!("slept {time}\n").into_bytes())
            }
            _ => {
                let rounds = self.dice.length(0, 200_000);
                (format!("/compute/{rounds}"), format!("{:016x}\n", content::compute(rounds)).into_bytes())
            }
        };
        let close = if last { "Connection: close\r\n" } else { "" };
        let mut fields = String::new();
        for field in 0..self.dice.length(0, 30) {
            let width = index(1 + number % 90);
            // Writing to a string cannot fail.
            let _ = write!(fields, "X-Field-{field}: {number:0>width$}\r\n");
        }
        let request = format!("{method} {path} HTTP/1.1\r\n{HOST}{close}{fields}\r\n");
        let head_only = method == "HEAD";
        (request, Wanted { framing, head_only, last, ..Wanted::page(body) })
    }

    /// Several requests on a connection, one after the other.
    fn stay(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 40) {
            if self.dice.chance(3) {
                thread::sleep(Duration::from_millis(self.dice.between(1, 30)));
            }
            let (request, wanted) = self.question(false);
            peer.send(request.as_bytes());
            let goes_on = peer.response(&wanted)?;
            self.good();
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A long scene ends early when traffic has to pause.
    fn is_playing(&self) -> bool {
        self.stage.hold(Duration::ZERO)
    }

    fn pipeline(&mut self) -> Result<(), Trouble> {
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
            self.good();
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    fn come_and_go(&mut self) -> Result<(), Trouble> {
        for _ in 0..self.dice.between(1, 10) {
            let mut peer = self.peer()?;
            let says_so = self.dice.chance(50);
            let (request, wanted) = self.question(says_so);
            peer.send(request.as_bytes());
            peer.response(&wanted)?;
            self.good();
        }
        Ok(())
    }

    /// Bodies by length, in chunks, announced.
    fn upload(&mut self) -> Result<(), Trouble> {
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
            self.good();
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn send_body(&mut self, peer: &mut Peer, body: &[u8], is_chunked: bool) {
        let mut rest = body;
        while !rest.is_empty() {
            let piece = index(self.dice.between(1, 1 << 17)).min(rest.len());
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

    fn old(&mut self) -> Result<(), Trouble> {
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
        self.good();
        Ok(())
    }

    /// The client sends nothing more, and still reads.
    fn half_close(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (request, wanted) = self.question(false);
        peer.send(request.as_bytes());
        peer.end();
        peer.response(&wanted)?;
        self.good();
        match peer.rest()? {
            rest if rest.is_empty() => Ok(()),
            rest => Err(Trouble::Wrong(format!("{} bytes after the response", rest.len()))),
        }
    }

    fn piecemeal(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (request, wanted) = self.question(false);
        for byte in request.as_bytes() {
            peer.send(&[*byte]);
        }
        peer.response(&wanted)?;
        self.good();
        Ok(())
    }

    fn read_slowly(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let length = self.dice.between(200_000, 1_000_000);
        peer.send(format!("GET /bytes/{length} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        for _ in 0..self.dice.between(1, 10) {
            thread::sleep(Duration::from_millis(self.dice.between(1, 30)));
            peer.more()?;
        }
        peer.response(&Wanted::page(content::bytes(0, length)))?;
        self.good();
        Ok(())
    }

    /// An unread body that consists of requests, and must never be taken for them.
    fn unread_body(&mut self) -> Result<(), Trouble> {
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
        self.good();
        // The length of a chunked body is known only after the response.
        if goes_on && (!is_chunked || body.len() < DRAINED) {
            let (request, wanted) = self.question(true);
            peer.send(request.as_bytes());
            peer.response(&wanted)?;
            self.good();
        }
        Ok(())
    }

    fn failure(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let what = *self.dice.pick(&["panic/0", "error/0", "half"]);
        if what != "half" {
            peer.send(format!("GET /{what} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
            peer.response(&Wanted::failure(500))?;
            Counts::add(&self.stage.counts.failed);
            return Ok(());
        }
        let length = self.dice.length(1, 100_000);
        peer.send(format!("GET /half/{length} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        let wanted = Wanted { framing: Framing::Chunked, ..Wanted::page(content::bytes(0, length)) };
        match peer.response(&wanted) {
            Err(Trouble::Broken(_)) => {
                Counts::add(&self.stage.counts.failed);
                Ok(())
            }
            Ok(_) => Err(Trouble::Wrong("half of a response looks like a whole one".to_owned())),
            Err(trouble) => Err(trouble),
        }
    }

    fn hostile(&self) {
        self.stage.counts.hostile.fetch_add(1, Ordering::Relaxed);
    }

    /// Leaves in the middle of the head, of the body, of the response, or at once.
    fn reset(&mut self) -> Result<(), Trouble> {
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
        self.hostile();
        Ok(())
    }

    fn never_read(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 5) {
            peer.send(format!("GET /bytes/4000000 HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        }
        thread::sleep(Duration::from_millis(self.dice.between(10, 300)));
        if self.dice.chance(50) {
            peer.reset();
        }
        self.hostile();
        Ok(())
    }

    /// Request vectors, unchanged or mutated, and random bytes.
    fn rubbish(&mut self) -> Result<(), Trouble> {
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
        self.hostile();
        if output.starts_with(b"HTTP/") && !output.starts_with(b"HTTP/1.1 ") {
            let text = basehttp_tests::show(&output);
            return Err(Trouble::Wrong(format!("a status line that is none: {text}")));
        }
        Ok(())
    }
}
