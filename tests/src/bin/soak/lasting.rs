//! Responses of the handler that outlive its method, and connections that leave HTTP.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};
use basehttp::{Broadcast, Event, Peer, UpgradedHandler};

use crate::content;
use crate::handler::{Alive, House, Soaked};

/// The longest message that a WebSocket takes.
pub(crate) const MAX_MESSAGE: usize = 200_000;

fn spawn(house: &Arc<House>, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let alive = house.alive();
    let run = move || {
        run();
        drop(alive);
    };
    thread::Builder::new().name("handler's".to_owned()).stack_size(256 * 1024).spawn(run).map(drop)
}

pub(crate) fn begin(handler: &mut Soaked, what: &str, number: u64) -> io::Result<()> {
    let house = handler.house.clone();
    let patience = house.patience;
    match what {
        "ticks" | "abort" => {
            handler.begin(None)?;
            let stream = handler.stream()?;
            let aborts = what == "abort";
            spawn(&house, move || {
                for tick in 0..number {
                    if stream.send_within(content::tick(tick).as_bytes(), patience).is_err() {
                        return;
                    }
                    if tick % 16 == 0 {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
                if aborts {
                    stream.abort();
                }
            })
        }
        "own-events" => {
            let events = handler.event_stream()?;
            spawn(&house, move || {
                for event in 0..number {
                    if events.send_within(&Event::new(content::news(event)), patience).is_err() {
                        return;
                    }
                }
            })
        }
        "later" => {
            let later = handler.later()?;
            spawn(&house, move || {
                thread::sleep(Duration::from_millis(number.min(1000)));
                later.resume(move |handler| handler.say(&format!("later {number}\n")));
            })
        }
        "dropped" => handler.later().map(drop),
        "poll" => {
            let later = handler.later()?.timeout(4 * patience, |handler| handler.say("nothing\n"));
            house.waiting().insert(number, later);
            Ok(())
        }
        "torrent" => house.torrent.subscribe(handler.event_stream()?),
        _ => house.news.subscribe(handler.event_stream()?),
    }
}

/// Sends an event every few milliseconds, until `ended`.
pub(crate) fn report(house: &House, ended: &AtomicBool) {
    let (mut number, mut flood) = (0, 0);
    let send = |to: &Broadcast, event: Event| to.send(&event).expect("an event that can be encoded");
    while !ended.load(Ordering::SeqCst) {
        send(&house.news, Event::new(content::news(number)).id(number.to_string()));
        number += 1;
        if !house.torrent.is_empty() {
            for _ in 0..4 {
                send(&house.torrent, Event::new(content::flood(flood)).id(flood.to_string()));
                flood += 1;
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn switch(handler: &mut Soaked, what: &str) -> io::Result<()> {
    let house = handler.house.clone();
    if what == "socket" {
        let options = WebSocketOptions::new()
            .protocols(["soak"])
            .max_message_size(MAX_MESSAGE)
            .ping_interval(Some(house.patience))
            .pong_timeout(house.patience);
        return handler.accept_websocket_with(options, Talk { alive: house.alive() });
    }
    if !handler.upgrades_to("turn") {
        return handler.send_error(400);
    }
    handler.send_response(101);
    handler.send_header("Upgrade", "turn");
    handler.send_header("Connection", "Upgrade");
    handler.end_headers()?;
    match what {
        "turn" => handler.upgrade_to(Turn { _alive: house.alive() }).map(drop),
        "hold" => {
            let mut stream = handler.upgrade()?;
            let mut buffer = [0; 4096];
            loop {
                match stream.read(&mut buffer)? {
                    0 => return stream.write_all(b"end"),
                    count => stream.write_all(&content::turned(&buffer[..count]))?,
                }
            }
        }
        _ => split(handler),
    }
}

/// One thread reads and another writes.
fn split(handler: &mut Soaked) -> io::Result<()> {
    let (mut reader, mut writer) = handler.upgrade()?.split()?;
    let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(4);
    thread::scope(|scope| {
        let writing = scope.spawn(move || {
            for piece in receiver {
                writer.write_all(&piece)?;
            }
            writer.write_all(b"end")?;
            writer.shutdown()
        });
        let mut buffer = [0; 4096];
        let read = loop {
            match reader.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(count) if sender.send(content::turned(&buffer[..count])).is_ok() => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(sender);
        writing.join().expect("no panic")?;
        read
    })
}

/// Sends back what it gets, turned.
struct Turn {
    _alive: Alive,
}

impl UpgradedHandler for Turn {
    fn received(&mut self, peer: &Peer, bytes: &[u8]) -> io::Result<()> {
        peer.send(&content::turned(bytes))
    }

    fn ended(&mut self, peer: &Peer) -> io::Result<()> {
        peer.send(b"end")?;
        peer.close();
        Ok(())
    }
}

/// Sends back messages, and obeys some.
struct Talk {
    alive: Alive,
}

impl WebSocketHandler for Talk {
    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        let order = match &message {
            Message::Text(text) => text.split_once(' '),
            Message::Binary(_) => None,
        };
        match order {
            Some(("push", count)) => {
                for number in 0..count.parse().unwrap_or_default() {
                    socket.send_within(&Message::Text(content::news(number)), self.alive.house().patience)?;
                }
                Ok(())
            }
            Some(("close", code)) => socket.close(code.parse().unwrap_or(1000), "as asked"),
            Some(("fail", _)) => Err(io::Error::other("on purpose")),
            Some(("panic", _)) => panic!("on purpose"),
            Some(("flood", _)) => {
                let message = Message::Binary(content::bytes(0, 30_000));
                while socket.send(&message).is_ok() {}
                socket.close(1013, "too slow")
            }
            _ => socket.send(&message),
        }
    }
}
