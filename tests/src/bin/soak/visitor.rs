//! One client after another: good ones, whose every response is checked, and hostile ones.

use std::fmt::Write as _;
use std::time::Duration;

use crate::content;
use crate::peer::{Framing, Peer, Trouble, Wanted};
use crate::server::Server;
use crate::stage::{Stage, Way};
use crate::wire::{self, Wire};
use basehttp_tests::dice::{Dice, index};

pub(crate) struct Visitor<'a> {
    pub(crate) server: &'a Server,
    pub(crate) dice: Dice,
    pub(crate) stage: &'a Stage,
    /// What the request vectors send.
    pub(crate) vectors: &'a [Vec<u8>],
    /// The server of the current scene.
    pub(crate) way: Way,
}

type Scene<'a> = fn(&mut Visitor<'a>) -> Result<(), Trouble>;

/// A body that the server reads completely although the handler does not: less than its `drain_limit`.
pub(crate) const DRAINED: usize = 200_000;

pub(crate) const HOST: &str = "Host: soak\r\n";

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
        (8, "files", Self::download),
        (5, "bytes and parts of files", Self::hand_over),
        (5, "a body that becomes a file", Self::store),
        (5, "a form with files", Self::form),
        (6, "routes", Self::routes),
        (5, "requests to refuse", Self::declined),
        (3, "fields of a proxy", Self::proxied),
        (3, "pages of other origins", Self::cross_origin),
        (6, "scripts", Self::script),
        (2, "a slow script", Self::slow_script),
        (3, "a script whose client leaves", Self::left_script),
        (2, "a script that fails", Self::failed_script),
        (5, "streams", Self::streams),
        (4, "long polls", Self::poll),
        (5, "events", Self::events),
        (1, "a stalled client of events", Self::stalled),
        (6, "a WebSocket", Self::socket),
        (1, "a silent WebSocket", Self::silent_socket),
        (4, "the end of a WebSocket", Self::socket_end),
        (3, "a WebSocket's enemy", Self::socket_enemy),
        (5, "a tunnel", Self::tunnel),
        (5, "a relay", Self::relay),
        (8, "a reset", Self::reset),
        (4, "never reads", Self::never_read),
        (9, "rubbish", Self::rubbish),
        (4, "smuggled requests", Self::smuggle),
        (4, "a half body", Self::truncate),
        (4, "no TLS", Self::no_tls),
        (3, "new keys", Self::new_keys),
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
            self.way = if self.dice.chance(50) { Way::Http } else { Way::Https };
            let crowds = self.stage.crowds();
            let end = scene(self);
            // A relay leads to the HTTP server.
            let ways = if *name == "a relay" { &[self.way, Way::Http][..] } else { &[self.way] };
            self.stage.judge(&crowds, ways, name, end);
        }
    }

    pub(crate) fn peer(&mut self) -> Result<Peer, Trouble> {
        let stream = wire::connect(self.server.address(self.way))?;
        if self.way == Way::Http {
            return Ok(Peer::over(Wire::Plain(stream)));
        }
        let clients = &self.server.certificates.clients;
        let (kind, config) = match self.dice.between(1, 100) {
            1..=60 => ("TLS 1.3 handshake", &clients.modern),
            61..=85 => ("TLS 1.3 handshake", &clients.resuming),
            _ => ("TLS 1.2 handshake", &clients.old),
        };
        let wire = Wire::secure(stream, config)?;
        self.good(if wire.is_resumed() { "TLS 1.3 resumption" } else { kind });
        Ok(Peer::over(wire))
    }

    pub(crate) fn good(&self, kind: &'static str) {
        self.stage.counts.good.add(kind);
    }

    pub(crate) fn hostile(&self, kind: &'static str) {
        self.stage.counts.hostile.add(kind);
    }

    /// A long scene ends early when traffic has to pause.
    pub(crate) fn is_playing(&self) -> bool {
        self.stage.hold(Duration::ZERO)
    }

    /// A request without a body, and the expected response. `last` is what it asks for the connection.
    pub(crate) fn question(&mut self, last: bool) -> (String, Wanted) {
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
}
