//! Visitors of responses that outlive their methods: streams, long polls, server-sent events.

use std::thread;
use std::time::Duration;

use basehttp_tests::show;

use crate::content;
use crate::peer::{Framing, Peer, Trouble, Wanted};
use crate::visitor::{HOST, Visitor};

/// A response of events, which is read piece by piece.
#[derive(Debug)]
pub(crate) struct Subscriber {
    peer: Peer,
    head: String,
    text: String,
}

impl Subscriber {
    pub(crate) fn new(mut peer: Peer, path: &str, last: Option<u64>) -> Result<Self, Trouble> {
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        peer.send(format!("GET {path} HTTP/1.1\r\n{HOST}{last}\r\n").as_bytes());
        let wanted = Wanted { framing: Framing::Chunked, ..Wanted::failure(200) };
        let wanted = wanted.field("Content-Type", "text/event-stream").field("Cache-Control", "no-cache");
        let head = peer.begin(&wanted)?;
        Ok(Self { peer, head, text: String::new() })
    }

    /// The next event, its id and its data; `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Result<Option<(Option<u64>, String)>, Trouble> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                // A comment of the server.
                if event == ":" {
                    continue;
                }
                return parse(&event).map(Some);
            }
            let chunk = self.peer.chunk(&self.head)?;
            if chunk.is_empty() {
                if self.text.is_empty() {
                    return Ok(None);
                }
                return Err(Trouble::Wrong(format!("a stream ends within an event: {:?}", self.text)));
            }
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// As [`next`](Self::next), when it must be the event `after` another.
    pub(crate) fn follow(&mut self, after: Option<u64>, data: fn(u64) -> String) -> Result<u64, Trouble> {
        let Some((id, text)) = self.next()? else { return Err(Trouble::Ended("event streams")) };
        let id = id.unwrap_or(u64::MAX);
        if after.is_some_and(|after| id != after + 1) || text != data(id) {
            return Err(Trouble::Wrong(format!("after the event {after:?}: {id} {text:?}")));
        }
        Ok(id)
    }

    pub(crate) fn peer(self) -> Peer {
        self.peer
    }
}

fn parse(event: &str) -> Result<(Option<u64>, String), Trouble> {
    let wrong = || Trouble::Wrong(format!("an event: {}", show(event.as_bytes())));
    let (id, data) = match event.split_once('\n') {
        Some((id, data)) => (Some(id.strip_prefix("id: ").ok_or_else(wrong)?), data),
        None => (None, event),
    };
    let id = id.map(|id| id.parse().map_err(|_| wrong())).transpose()?;
    Ok((id, data.strip_prefix("data: ").ok_or_else(wrong)?.to_owned()))
}

impl Visitor<'_> {
    pub(crate) fn streams(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 4) {
            let number = self.dice.length(1, 2000);
            let goes_on = match self.dice.between(1, 6) {
                1..=2 => {
                    peer.send(format!("GET /ticks/{number} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
                    let body: String = (0..number).map(content::tick).collect();
                    let goes_on =
                        peer.response(&Wanted { framing: Framing::Chunked, ..Wanted::page(body) })?;
                    self.good("a stream");
                    goes_on
                }
                3 => {
                    let mut events = Subscriber::new(peer, &format!("/own-events/{number}"), None)?;
                    for at in 0..number {
                        match events.next()? {
                            Some((None, text)) if text == content::news(at) => {}
                            // It ends at a shutdown.
                            None => return Err(Trouble::Ended("event streams")),
                            other => return Err(Trouble::Wrong(format!("the event {at}: {other:?}"))),
                        }
                    }
                    if let Some(more) = events.next()? {
                        return Err(Trouble::Wrong(format!("after the last event: {more:?}")));
                    }
                    self.good("a stream of events of its own");
                    return Ok(());
                }
                4 => {
                    peer.send(format!("GET /abort/{number} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
                    let head = peer.begin(&Wanted { framing: Framing::Chunked, ..Wanted::page("") })?;
                    return self.aborted(peer, &head, number);
                }
                5 => {
                    peer.send(format!("GET /dropped/1 HTTP/1.1\r\n{HOST}\r\n").as_bytes());
                    peer.response(&Wanted::failure(500))?;
                    self.stage.counts.failed.add("500 of a dropped Later");
                    return Ok(());
                }
                _ => {
                    let time = self.dice.between(1, 50);
                    peer.send(format!("GET /later/{time} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
                    let goes_on = peer.response(&Wanted::page(format!("later {time}\n")))?;
                    self.good("a later response");
                    goes_on
                }
            };
            if !goes_on || !self.is_playing() {
                break;
            }
        }
        Ok(())
    }

    /// The lines come, and then the connection breaks: the response must not look complete.
    fn aborted(&mut self, mut peer: Peer, head: &str, number: u64) -> Result<(), Trouble> {
        let expected: String = (0..number).map(content::tick).collect();
        let mut text = Vec::new();
        loop {
            match peer.chunk(head) {
                Ok(chunk) if chunk.is_empty() => {
                    return Err(Trouble::Wrong("an aborted stream looks complete".to_owned()));
                }
                Ok(chunk) => text.extend_from_slice(&chunk),
                // What was not sent when it was aborted may be lost.
                Err(Trouble::Broken(..)) if expected.as_bytes().starts_with(&text) => {
                    self.stage.counts.failed.add("an aborted stream");
                    return Ok(());
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// One client waits, and another wakes it.
    pub(crate) fn poll(&mut self) -> Result<(), Trouble> {
        let (mut waiting, mut other) = (self.peer()?, self.peer()?);
        let key = self.dice.between(0, 1 << 47);
        waiting.send(format!("GET /poll/{key} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        if self.dice.chance(10) {
            waiting.reset();
            self.hostile("leaves a long poll");
            return Ok(());
        }
        loop {
            if waiting.has_input(Duration::from_millis(self.dice.between(1, 20)))? {
                // It was not woken, so the server is ending.
                waiting.response(&Wanted::page("nothing\n"))?;
                return Err(Trouble::Ended("long polls"));
            }
            other
                .send(format!("POST /api/wake/{key} HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n").as_bytes());
            let head = other.head()?;
            if head.starts_with("HTTP/1.1 200 ") {
                break;
            }
            // The poll has not been taken yet.
            if !head.starts_with("HTTP/1.1 404 ") {
                return Err(if head.starts_with("HTTP/1.1 503 ") {
                    Trouble::Refused
                } else {
                    Trouble::Wrong(format!("waking: {head:?}"))
                });
            }
            other = self.peer()?;
        }
        let (_, _, body) = waiting.response_with_body(&Wanted { body: None, ..Wanted::page("") })?;
        if body == b"nothing\n" {
            // The server's end was a moment before.
            return Err(Trouble::Ended("long polls"));
        }
        if body != content::woken(key).into_bytes() {
            return Err(Trouble::Wrong(format!("a long poll: {}", show(&body))));
        }
        self.good("a long poll");
        Ok(())
    }

    /// Comes, reads, goes, and comes again for what it has missed.
    pub(crate) fn events(&mut self) -> Result<(), Trouble> {
        let mut last = None;
        for _ in 0..self.dice.between(1, 4) {
            let peer = self.peer()?;
            let mut events = Subscriber::new(peer, "/events/1", last)?;
            for _ in 0..self.dice.between(1, 100) {
                last = Some(events.follow(last, content::news)?);
                self.good("an event");
                if !self.is_playing() {
                    return Ok(());
                }
            }
            if self.dice.chance(50) {
                events.peer().reset();
            }
            let pause = Duration::from_millis(self.dice.length(0, 1000));
            if !self.stage.hold(pause) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads nothing, until the server lets it go. What has come is complete and in order, and has no end.
    pub(crate) fn stalled(&mut self) -> Result<(), Trouble> {
        let peer = self.peer()?;
        let mut events = Subscriber::new(peer, "/torrent/1", None)?;
        let mut last = events.follow(None, content::flood)?;
        if !self.stage.hold(Duration::from_millis(self.dice.between(1500, 4000))) {
            self.hostile("stalls");
            return Ok(());
        }
        for _ in 0..5000 {
            match events.follow(Some(last), content::flood) {
                Ok(next) => last = next,
                Err(Trouble::Broken(..)) => {
                    self.stage.counts.late.add("a stalled client of events");
                    return Ok(());
                }
                Err(trouble) => return Err(trouble),
            }
            if !self.is_playing() {
                break;
            }
            if last % 4 == 0 {
                thread::yield_now();
            }
        }
        self.hostile("stalls");
        Ok(())
    }
}
