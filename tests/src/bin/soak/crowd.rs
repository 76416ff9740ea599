//! Many clients at once, and other stress, one scene after the other.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use basehttp_tests::PATIENCE;

use crate::child;
use crate::dice::Dice;
use crate::peer::{Peer, Trouble, Wanted};
use crate::server::Server;
use crate::stage::{Counts, Stage};

pub(crate) struct Crowd<'a> {
    pub(crate) server: &'a Server,
    pub(crate) dice: Dice,
    pub(crate) stage: &'a Stage,
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
            let crowds = self.stage.crowds();
            let end = plague(self);
            self.stage.judge(crowds, name, end);
            let pause = Duration::from_millis(self.dice.between(0, 1000));
            self.stage.hold(pause);
        }
    }

    fn peers(&self, count: u64, request: &str) -> Vec<Peer> {
        let connect = |_| {
            let mut peer = Peer::new(self.server.address).ok()?;
            peer.send(request.as_bytes());
            Some(peer)
        };
        (0..count).filter_map(connect).collect()
    }

    /// Runs a scene in which the server may refuse connections.
    fn crowded(&mut self, crowd: impl FnOnce(&mut Self)) -> Result<(), Trouble> {
        self.stage.set_crowded(true);
        crowd(self);
        // There must be room again before a refusal is a mistake.
        let deadline = Instant::now() + PATIENCE;
        let has_room = || self.server.descriptors() < child::MAX_CONNECTIONS / 2 && self.is_served();
        let mut there_is = has_room();
        while !there_is && !self.stage.is_over() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            there_is = has_room();
        }
        self.stage.set_crowded(false);
        if there_is || self.stage.is_over() {
            Ok(())
        } else {
            Err(Trouble::Wrong("there was no room again after it".to_owned()))
        }
    }

    /// Handlers that block find a thread, and so have all that came before.
    fn is_served(&self) -> bool {
        let Ok(mut peer) = Peer::new(self.server.address) else { return false };
        peer.send(b"GET /sleep/1 HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n");
        peer.response(&Wanted { last: true, ..Wanted::page("slept 1\n") }).is_ok()
    }

    fn connections(&mut self) -> Result<(), Trouble> {
        self.crowded(|crowd| {
            let count = crowd.dice.between(child::MAX_CONNECTIONS as u64, 2 * child::MAX_CONNECTIONS as u64);
            let mut peers = crowd.peers(count, "");
            for peer in peers.iter_mut().rev().take(100) {
                peer.send(b"GET /some/1 HTTP/1.1\r\nHost: soak\r\n\r\n");
                crowd.count(peer.response(&Wanted::page("GET /some/1\n")));
            }
            crowd.part(peers);
        })
    }

    fn count(&self, response: Result<bool, Trouble>) {
        match response {
            Ok(_) => Counts::add(&self.stage.counts.good),
            Err(Trouble::Refused) => Counts::add(&self.stage.counts.refused),
            Err(Trouble::Broken(_)) => Counts::add(&self.stage.counts.broken),
            Err(Trouble::Wrong(what)) => self.stage.wrong(what),
        }
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
                crowd.count(peer.response(&Wanted::page(format!("slept {time}\n"))));
            }
        })
    }

    /// Waits, now and then longer than the server's time-out. True if it was longer.
    fn outlast(&mut self) -> bool {
        let most = (child::PATIENCE + Duration::from_secs(4)).as_millis();
        let time = self.dice.between(500, u64::try_from(most).expect("some seconds"));
        let time = Duration::from_millis(time);
        self.stage.hold(time) && time > child::PATIENCE + Duration::from_secs(2)
    }

    fn hundreds(&mut self) -> u64 {
        self.dice.between(100, 200)
    }

    fn idlers(&mut self) -> Result<(), Trouble> {
        let count = self.hundreds();
        let peers = self.peers(count, "");
        if self.outlast() {
            return self.are_closed(peers, |peer| match peer.rest()? {
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
        peers: Vec<Peer>,
        check: impl Fn(&mut Peer) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        for mut peer in peers {
            check(&mut peer)?;
            self.stage.counts.late.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn are_late(&mut self, request: &str, count: u64) -> Result<(), Trouble> {
        let peers = self.peers(count, request);
        if self.outlast() {
            return self.are_closed(peers, |peer| peer.response(&Wanted::failure(408)).map(drop));
        }
        self.part(peers);
        Ok(())
    }

    fn half_heads(&mut self) -> Result<(), Trouble> {
        let count = self.hundreds();
        self.are_late("GET /some/1 HTTP/1.1\r\nHost: so", count)
    }

    fn half_bodies(&mut self) -> Result<(), Trouble> {
        let count = self.hundreds();
        self.are_late("POST /sum HTTP/1.1\r\nHost: soak\r\nContent-Length: 100\r\n\r\nabc", count)
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
