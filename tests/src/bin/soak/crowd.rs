//! Many clients at once, and other stress, one scene after the other.

use std::io::Write;
use std::time::{Duration, Instant};

use basehttp_tests::PATIENCE;

use crate::child;
use crate::peer::{Peer, Trouble, Wanted};
use crate::server::Server;
use crate::stage::{Stage, Way};
use crate::wire;
use basehttp_tests::dice::Dice;

pub(crate) struct Crowd<'a> {
    pub(crate) server: &'a Server,
    pub(crate) dice: Dice,
    pub(crate) stage: &'a Stage,
    /// The server of the current scene.
    pub(crate) way: Way,
}

type Plague<'a> = fn(&mut Crowd<'a>) -> Result<(), Trouble>;

#[expect(clippy::unnecessary_wraps, reason = "all plagues have the same type")]
impl<'a> Crowd<'a> {
    const PLAGUES: &'a [(&'static str, Plague<'a>)] = &[
        ("more connections than there is room for", Self::connections),
        ("more handlers that wait than there are threads", Self::waiting_handlers),
        ("idle connections", Self::idlers),
        ("half-sent heads", Self::half_heads),
        ("half-sent bodies", Self::half_bodies),
        ("half handshakes", Self::half_handshakes),
        ("clients that read nothing", Self::deaf),
        ("a server that is stopped", Self::stopped),
        ("a log that nobody reads", Self::unread_log),
    ];

    pub(crate) fn come(&mut self) {
        // Every kind occurs, each time in another order.
        let mut left: Vec<_> = Vec::new();
        while self.stage.goes_on() {
            if left.is_empty() {
                left = Self::PLAGUES.to_vec();
            }
            let (name, plague) = left.swap_remove(self.dice.index(left.len()));
            self.way = if self.dice.chance(50) { Way::Http } else { Way::Https };
            let crowds = self.stage.crowds();
            let end = plague(self);
            self.stage.judge(&crowds, &[self.way], name, end);
            let pause = Duration::from_millis(self.dice.between(0, 1000));
            self.stage.hold(pause);
        }
    }

    fn peers(&self, count: u64, request: &str) -> Vec<Peer> {
        let connect = |_| {
            let mut peer = self.server.connect(self.way).ok()?;
            peer.send(request.as_bytes());
            Some(peer)
        };
        (0..count).filter_map(connect).collect()
    }

    /// Runs a scene in which the server may refuse connections.
    fn crowded(&mut self, crowd: impl FnOnce(&mut Self)) -> Result<(), Trouble> {
        if self.stage.is_calm() {
            return Ok(());
        }
        self.stage.set_crowded(self.way, true);
        crowd(self);
        // There must be room again before a refusal is a mistake.
        let deadline = Instant::now() + PATIENCE;
        let has_room = || self.server.descriptors() < child::MAX_CONNECTIONS / 2 && self.is_served();
        let mut there_is = has_room();
        while !there_is && !self.stage.is_over() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            there_is = has_room();
        }
        self.stage.set_crowded(self.way, false);
        if there_is || self.stage.is_over() {
            Ok(())
        } else {
            Err(Trouble::Wrong("there was no room again after it".to_owned()))
        }
    }

    /// Handlers that block find a thread, and so have all that came before.
    fn is_served(&self) -> bool {
        let Ok(mut peer) = self.server.connect(self.way) else { return false };
        peer.send(b"GET /sleep/1 HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n");
        peer.response(&Wanted { last: true, ..Wanted::page("slept 1\n") }).is_ok()
    }

    fn connections(&mut self) -> Result<(), Trouble> {
        self.crowded(|crowd| {
            let count = crowd.dice.between(child::MAX_CONNECTIONS as u64, 2 * child::MAX_CONNECTIONS as u64);
            let mut peers = crowd.peers(count, "");
            for peer in peers.iter_mut().rev().take(100) {
                peer.send(b"GET /some/1 HTTP/1.1\r\nHost: soak\r\n\r\n");
                crowd.count("one of a crowd", peer.response(&Wanted::page("GET /some/1\n")));
            }
            crowd.part(peers);
        })
    }

    fn count(&self, kind: &'static str, response: Result<bool, Trouble>) {
        let crowds = self.stage.crowds();
        let end = response.map(|_| self.stage.counts.good.add(kind));
        self.stage.judge(&crowds, &[self.way], kind, end);
    }

    /// Half of them shut down in order, the others just leave.
    fn part(&mut self, peers: Vec<Peer>) {
        for peer in peers {
            if self.dice.chance(50) {
                peer.reset();
            }
        }
    }

    fn waiting_handlers(&mut self) -> Result<(), Trouble> {
        self.crowded(|crowd| {
            let count = crowd.dice.between(child::MAX_THREADS as u64, 5 * child::MAX_THREADS as u64);
            let time = crowd.dice.between(100, 1000);
            let request = format!("GET /sleep/{time} HTTP/1.1\r\nHost: soak\r\n\r\n");
            let mut peers = crowd.peers(count, &request);
            for peer in &mut peers {
                crowd.count("one of many that wait", peer.response(&Wanted::page(format!("slept {time}\n"))));
            }
        })
    }

    /// Waits, now and then longer than the server's time-out. True if it was longer.
    fn outlast(&mut self) -> bool {
        let most = (self.server.patience + Duration::from_secs(4)).as_millis();
        let time = self.dice.between(500, u64::try_from(most).expect("some seconds"));
        let time = Duration::from_millis(time);
        self.stage.hold(time) && time > self.server.patience + Duration::from_secs(2)
    }

    fn hundreds(&mut self) -> u64 {
        self.dice.between(100, 200)
    }

    fn idlers(&mut self) -> Result<(), Trouble> {
        let count = self.hundreds();
        let peers = self.peers(count, "");
        if self.outlast() {
            return self.are_closed("an idle connection closed", peers, |peer| match peer.rest()? {
                said if said.is_empty() => Ok(()),
                said => {
                    Err(Trouble::Wrong(format!("an idle client was told {}", basehttp_tests::show(&said))))
                }
            });
        }
        self.part(peers);
        Ok(())
    }

    fn are_closed(
        &self,
        kind: &'static str,
        peers: Vec<Peer>,
        check: impl Fn(&mut Peer) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        for mut peer in peers {
            check(&mut peer)?;
            self.stage.counts.late.add(kind);
        }
        Ok(())
    }

    fn are_late(&mut self, kind: &'static str, request: &str, count: u64) -> Result<(), Trouble> {
        let peers = self.peers(count, request);
        if self.outlast() {
            return self.are_closed(kind, peers, |peer| peer.response(&Wanted::failure(408)).map(drop));
        }
        self.part(peers);
        Ok(())
    }

    fn half_heads(&mut self) -> Result<(), Trouble> {
        let count = self.hundreds();
        self.are_late("408: half a head", "GET /some/1 HTTP/1.1\r\nHost: so", count)
    }

    fn half_bodies(&mut self) -> Result<(), Trouble> {
        let count = self.hundreds();
        self.are_late(
            "408: half a body",
            "POST /sum HTTP/1.1\r\nHost: soak\r\nContent-Length: 100\r\n\r\nabc",
            count,
        )
    }

    /// Clients of HTTPS that say nothing, or half of what they say first.
    fn half_handshakes(&mut self) -> Result<(), Trouble> {
        self.way = Way::Https;
        let count = self.hundreds();
        let mut streams = Vec::new();
        for _ in 0..count {
            let mut stream = wire::connect(self.server.address(self.way))?;
            let hello = [&[22, 3, 1, 1, 0][..], &[1, 0, 0, 252, 3, 3][..]].concat();
            let _ = stream.write_all(&hello[..self.dice.index(hello.len() + 1)]);
            streams.push(Peer::over(wire::Wire::Plain(stream)));
        }
        if self.outlast() {
            return self.are_closed("half a handshake closed", streams, |peer| {
                // An alert at most.
                let output = peer.whatever();
                if output.is_empty() || output.starts_with(&[21, 3]) {
                    return Ok(());
                }
                Err(Trouble::Wrong(format!("half a handshake: {}", basehttp_tests::show(&output))))
            });
        }
        self.part(streams);
        Ok(())
    }

    /// Each of them occupies a thread, so there are fewer of them.
    fn deaf(&mut self) -> Result<(), Trouble> {
        let count = self.dice.between(1, child::MAX_THREADS as u64 / 3);
        let peers = self.peers(count, "GET /bytes/8000000 HTTP/1.1\r\nHost: soak\r\n\r\n");
        self.outlast();
        self.part(peers);
        Ok(())
    }

    fn stopped(&mut self) -> Result<(), Trouble> {
        self.server.stop();
        std::thread::sleep(Duration::from_millis(self.dice.between(1, 1500)));
        self.server.go_on();
        Ok(())
    }

    fn unread_log(&mut self) -> Result<(), Trouble> {
        self.server.log.set_unread(true);
        let time = Duration::from_millis(self.dice.between(500, 5000));
        self.stage.hold(time);
        self.server.log.set_unread(false);
        Ok(())
    }
}
