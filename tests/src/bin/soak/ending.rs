//! SIGTERM under load. Beside the visitors there are witnesses: connections of every kind, each in a known state, with what
//! must become of it. A request that was received is answered within the grace; event streams end; WebSockets are closed
//! with 1001; long polls get their answer; what would last longer is cut at the end of the grace, with its scripts. Then the
//! process ends with success, and leaves no other process and no temporary file.

use std::io;
use std::thread;
use std::time::Duration;

use crate::content;
use crate::events::Subscriber;
use crate::peer::{Framing, Peer, Trouble, Wanted};
use crate::scripts::{SLOW, output};
use crate::server::{End, Server};
use crate::sockets::{self, Next, Socket};
use crate::stage::{Stage, Way};
use crate::tunnels;
use crate::visitor::HOST;
use crate::wire::{self, Wire};

type Check<'a> = Box<dyn FnOnce(&Stage) -> Result<(), Trouble> + Send + 'a>;

struct Witness<'a> {
    name: &'static str,
    way: Way,
    check: Check<'a>,
}

/// How much longer than its grace the process may take on a slow machine.
const MARGIN: Duration = Duration::from_secs(20);

/// How many connections each have a request in a handler, and a response on its way.
const MANY: u64 = 20;

/// How many witnesses of each server are cut at the end of the grace.
const CUT: usize = 5;

pub(crate) fn end(server: &Server, stage: &Stage) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut witnesses = Vec::new();
    for way in [Way::Http, Way::Https] {
        if let Err(trouble) = prepare(server, way, &mut witnesses) {
            wrong.push(format!("before the end, {way:?}: {trouble:?}"));
        }
    }
    stage.set_ending(server.grace);
    let since = server.terminate();
    let end = thread::scope(|scope| {
        let mut checks = Vec::new();
        for Witness { name, way, check } in witnesses {
            checks.push((name, way, scope.spawn(move || check(stage))));
        }
        let end = server.wait(since, server.grace + MARGIN);
        stage.close();
        for (name, way, check) in checks {
            match check.join().expect("no panic") {
                Ok(()) => stage.counts.ended.add(name),
                Err(trouble) => wrong.push(format!("at the end, {way:?}, {name}: {trouble:?}")),
            }
        }
        end
    })?;
    println!(
        "SIGTERM: {} after {} ms, grace {:?}: {}",
        end.status,
        end.took.as_millis(),
        server.grace,
        end.report
    );
    wrong.extend(judge(server, &end));
    Ok(wrong)
}

/// What is wrong with the end of the process.
fn judge(server: &Server, end: &End) -> Vec<String> {
    let mut wrong = Vec::new();
    if !end.status.success() {
        wrong.push(format!("{}: {}", end.status, server.log.end()));
    }
    // Some witnesses need all of it.
    if end.took < server.grace {
        wrong.push(format!("it ended after {:?}, before its grace of {:?}", end.took, server.grace));
    }
    // `http 1 finished, 2 idle, 3 cut; https ..`
    let cut = |report: &str| report.rsplit(", ").next()?.strip_suffix(" cut")?.parse::<usize>().ok();
    if end.report.split("; ").filter(|report| cut(report).is_some_and(|cut| cut >= CUT)).count() != 2 {
        wrong.push(format!("the report at the end: {:?}", end.report));
    }
    let (processes, files) = server.remains();
    if (processes, files) != (0, 0) {
        wrong.push(format!("after the end there are {processes} processes and {files} temporary files"));
    }
    if let Ok(stream) = wire::connect(server.address(Way::Http)) {
        wrong.push(format!("after the end somebody listens: {stream:?}"));
    }
    wrong
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{HOST}\r\n")
}

/// The response comes, and then the connection ends in order. On a slow machine it may have come before the signal.
fn last(peer: &mut Peer, wanted: &Wanted) -> Result<(), Trouble> {
    if peer.response(wanted)? { closed(peer) } else { Ok(()) }
}

/// The connection ends in order, and the server says nothing more.
fn closed(peer: &mut Peer) -> Result<(), Trouble> {
    match peer.rest()? {
        rest if rest.is_empty() => Ok(()),
        rest => Err(Trouble::Wrong(format!("an end with {}", basehttp_tests::show(&rest)))),
    }
}

/// The connection is cut, and not before the end of the grace.
fn cut(stage: &Stage, mut read: impl FnMut() -> Result<bool, Trouble>) -> Result<(), Trouble> {
    loop {
        match read() {
            Ok(true) => {}
            Ok(false) => return Err(Trouble::Wrong("it ended as if it were complete".to_owned())),
            Err(Trouble::Broken(..)) if stage.is_after_grace() => return Ok(()),
            Err(trouble) => return Err(trouble),
        }
    }
}

fn prepare<'a>(server: &'a Server, way: Way, to: &mut Vec<Witness<'a>>) -> Result<(), Trouble> {
    lasting(server, way, &mut |name, check| to.push(Witness { name, way, check }))?;
    others(server, way, &mut |name, check| to.push(Witness { name, way, check }))?;
    requests(server, way, &mut |name, check| to.push(Witness { name, way, check }))
}

/// Requests that must be answered.
fn requests<'a>(
    server: &'a Server,
    way: Way,
    add: &mut impl FnMut(&'static str, Check<'a>),
) -> Result<(), Trouble> {
    for number in 0..MANY {
        let mut peer = server.connect(way)?;
        let time = 100 + 10 * number;
        peer.send(get(&format!("/sleep/{time}")).as_bytes());
        add(
            "requests in a handler",
            Box::new(move |_| last(&mut peer, &Wanted::page(format!("slept {time}\n")))),
        );
        let mut peer = server.connect(way)?;
        let length = 100_000 * number;
        peer.send(get(&format!("/large/{length}")).as_bytes());
        add(
            "responses on their way",
            Box::new(move |_| peer.response(&Wanted::page(content::bytes(0, length))).map(drop)),
        );
    }
    let mut peer = server.connect(way)?;
    peer.send(get("/sleep/150").repeat(4).as_bytes());
    add(
        "pipelined requests, up to the last response",
        Box::new(move |_| {
            // The first to say that it is the last is the answer to those after it.
            for _ in 0..4 {
                if !peer.response(&Wanted::page("slept 150\n"))? {
                    break;
                }
            }
            Ok(())
        }),
    );
    let mut peer = server.connect(way)?;
    let body = content::bytes(0, 200_000);
    peer.send(format!("POST /sum HTTP/1.1\r\n{HOST}Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    peer.send(&body[..100_000]);
    add(
        "bodies that are still being sent",
        Box::new(move |_| {
            thread::sleep(Duration::from_millis(100));
            peer.send(&body[100_000..]);
            let sum = content::checksum(0, &body);
            peer.response(&Wanted::page(content::sum(body.len() as u64, sum))).map(drop)
        }),
    );
    let mut peer = server.connect(way)?;
    peer.send(get("/cgi-bin/slow").as_bytes());
    add("scripts that finish", Box::new(move |_| peer.response(&output("text/plain", SLOW)).map(drop)));
    let mut peer = server.connect(way)?;
    tunnels::connect(&mut peer, server)?;
    peer.send(get("/sleep/300").as_bytes());
    add("requests through a relay", Box::new(move |_| last(&mut peer, &Wanted::page("slept 300\n"))));
    Ok(())
}

/// Responses that outlive their methods, and other protocols.
fn lasting<'a>(
    server: &'a Server,
    way: Way,
    add: &mut impl FnMut(&'static str, Check<'a>),
) -> Result<(), Trouble> {
    let mut peer = server.connect(way)?;
    peer.send(get("/ticks/3000").as_bytes());
    let text: String = (0..3000).map(content::tick).collect();
    add(
        "streams",
        Box::new(move |_| {
            peer.response(&Wanted { framing: Framing::Chunked, ..Wanted::page(text) }).map(drop)
        }),
    );
    let mut peer = server.connect(way)?;
    peer.send(get("/later/400").as_bytes());
    add("later responses", Box::new(move |_| last(&mut peer, &Wanted::page("later 400\n"))));
    let mut peer = server.connect(way)?;
    peer.send(get(&format!("/poll/{}", u64::MAX - way as u64)).as_bytes());
    add("long polls", Box::new(move |_| last(&mut peer, &Wanted::page("nothing\n"))));
    let mut events = Subscriber::new(server.connect(way)?, "/events/1", None)?;
    let mut before = Some(events.follow(None, content::news)?);
    add(
        "event streams",
        Box::new(move |_| {
            loop {
                match events.follow(before, content::news) {
                    Ok(id) => before = Some(id),
                    Err(Trouble::Ended(_)) => return closed(&mut events.peer()),
                    Err(trouble) => return Err(trouble),
                }
            }
        }),
    );
    let mut socket = Socket::new(server.connect(way)?)?;
    let message = tungstenite::Message::Text("here".into());
    socket.send(message.clone())?;
    socket.expect(&message)?;
    add(
        "WebSockets, with 1001",
        Box::new(move |_| match socket.next()? {
            Next::Close(1001, _) => Ok(()),
            other => Err(Trouble::Wrong(format!("{other:?}"))),
        }),
    );
    // This one does not answer the close frame.
    let mut peer = server.connect(way)?;
    sockets::upgrade(&mut peer)?;
    add(
        "WebSockets that do not answer, cut",
        Box::new(move |_| {
            let frame = peer.bytes(2).map_err(Trouble::from)?;
            let length = usize::from(frame[1]);
            let reason = peer.bytes(length)?;
            if frame[0] != 0x88 || reason.get(..2) != Some(&1001_u16.to_be_bytes()[..]) {
                return Err(Trouble::Wrong(format!("instead of a close frame: {frame:?} {reason:?}")));
            }
            // At the end of the grace, or before: nothing is owed to it.
            let _ = peer.whatever();
            Ok(())
        }),
    );
    let mut peer = server.connect(way)?;
    tunnels::upgrade(&mut peer, "turn", b"")?;
    add("tunnels", Box::new(move |_| closed(&mut peer)));
    Ok(())
}

/// Clients that wait, stall or say half of something.
fn others<'a>(
    server: &'a Server,
    way: Way,
    add: &mut impl FnMut(&'static str, Check<'a>),
) -> Result<(), Trouble> {
    let mut peer = server.connect(way)?;
    peer.send(get("/some/1").as_bytes());
    peer.response(&Wanted::page("GET /some/1\n"))?;
    add("idle connections", Box::new(move |_| closed(&mut peer)));
    let mut peer = server.connect(way)?;
    peer.send(b"GET /some/1 HTTP/1.1\r\nHost: so");
    add(
        "half heads",
        Box::new(move |_| {
            let _ = peer.whatever();
            Ok(())
        }),
    );
    if way == Way::Https {
        let mut stream = wire::connect(server.address(way))?;
        io::Write::write_all(&mut stream, &[22, 3, 1])?;
        let mut peer = Peer::over(Wire::Plain(stream));
        add(
            "half handshakes",
            Box::new(move |_| {
                let _ = peer.whatever();
                Ok(())
            }),
        );
    }
    let mut peer = server.connect(way)?;
    peer.send(get("/bytes/20000000").as_bytes());
    add(
        "clients that read nothing, cut",
        Box::new(move |stage| {
            stage.wait_for_end();
            match peer.response(&Wanted::page(content::bytes(0, 20_000_000))) {
                Err(Trouble::Broken(..)) => Ok(()),
                other => Err(Trouble::Wrong(format!("{other:?}"))),
            }
        }),
    );
    let mut peer = server.connect(way)?;
    peer.send(get("/cgi-bin/endless").as_bytes());
    let head = peer.begin(&Wanted { framing: Framing::Chunked, ..output("text/plain", "") })?;
    peer.chunk(&head)?;
    add(
        "scripts without end, cut",
        Box::new(move |stage| cut(stage, || peer.chunk(&head).map(|lines| !lines.is_empty()))),
    );
    let mut peer = server.connect(way)?;
    tunnels::upgrade(&mut peer, "hold", b"")?;
    add(
        "tunnels that hold a thread, cut",
        Box::new(move |stage| {
            cut(stage, || {
                peer.send(b"here");
                let got = peer.bytes(4)?;
                // Otherwise it would be cut for its silence.
                thread::sleep(Duration::from_millis(100));
                Ok(got == content::turned(b"here"))
            })
        }),
    );
    let mut peer = server.connect(way)?;
    peer.send(format!("POST /sum HTTP/1.1\r\n{HOST}Content-Length: 100000\r\n\r\n").as_bytes());
    add(
        "bodies that do not come, cut or 408",
        Box::new(move |_| {
            let output = peer.whatever();
            if output.is_empty() || output.starts_with(b"HTTP/1.1 408 ") {
                return Ok(());
            }
            Err(Trouble::Wrong(basehttp_tests::show(&output)))
        }),
    );
    Ok(())
}
