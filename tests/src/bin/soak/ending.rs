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

/// How many witnesses of each server ask shortly before the signal: pipelined requests, a body and four others beside the
/// many.
const ASKERS: u64 = 2 * MANY + 6;

/// How many witnesses of each server are cut at the end of the grace.
const CUT: usize = 5;

/// Called while traffic pauses.
pub(crate) fn end(server: &Server, stage: &Stage) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut witnesses = Vec::new();
    let mut askers = Vec::new();
    // At the same time, since on a busy machine each step takes long.
    let prepared = thread::scope(|scope| {
        let spawn = |way| scope.spawn(move || prepare(server, way));
        [Way::Http, Way::Https].map(spawn).map(|preparing| preparing.join().expect("no panic"))
    });
    for prepared in prepared {
        match prepared {
            Ok((witness, asker)) => {
                witnesses.extend(witness);
                askers.extend(asker);
            }
            Err(trouble) => wrong.push(format!("before the end: {trouble:?}")),
        }
    }
    stage.play();
    // All are busy then. Longer, and witnesses would be late.
    thread::sleep(Duration::from_secs(1));
    for asker in askers {
        witnesses.push(asker.ask());
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
                Err(trouble) => {
                    let time = since.elapsed().as_millis();
                    wrong.push(format!("at the end, {way:?}, {name}, known after {time} ms: {trouble:?}"));
                }
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
fn last(peer: &mut Peer, stage: &Stage, wanted: &Wanted) -> Result<(), Trouble> {
    if !peer.response(wanted)? {
        return Ok(());
    }
    match closed(peer) {
        // It has its response. The machine is too slow for the rest.
        Err(Trouble::Broken(..)) if stage.is_after_grace() => Ok(()),
        end => end,
    }
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

/// The witnesses that are in their state at once, and those that still have to ask.
fn prepare(server: &Server, way: Way) -> Result<(Vec<Witness<'_>>, Vec<Asker>), Trouble> {
    let (mut witnesses, mut askers) = (Vec::new(), Vec::new());
    let connect = || server.connect(way);
    let peers = thread::scope(|scope| {
        let peers: Vec<_> = (0..ASKERS).map(|_| scope.spawn(connect)).collect();
        let peers = peers.into_iter().map(|peer| peer.join().expect("no panic"));
        peers.collect::<io::Result<Vec<_>>>()
    })?;
    let mut peers = peers.into_iter();
    requests(way, &mut |name, request, check| {
        let peer = peers.next().expect("as many as are needed");
        askers.push(Asker { name, way, peer, request, check });
    });
    switched(server, way, &mut |name, check| witnesses.push(Witness { name, way, check }))?;
    others(server, way, &mut |name, check| witnesses.push(Witness { name, way, check }))?;
    Ok((witnesses, askers))
}

type Answer = Box<dyn FnOnce(&mut Peer, &Stage) -> Result<(), Trouble> + Send>;

/// A witness that sends its request shortly before the signal.
struct Asker {
    name: &'static str,
    way: Way,
    peer: Peer,
    request: Vec<u8>,
    check: Answer,
}

impl Asker {
    fn ask(self) -> Witness<'static> {
        let Self { name, way, mut peer, request, check } = self;
        peer.send(&request);
        Witness { name, way, check: Box::new(move |stage| check(&mut peer, stage)) }
    }
}

/// Requests that must be answered.
fn requests(way: Way, add: &mut impl FnMut(&'static str, Vec<u8>, Answer)) {
    for number in 0..MANY {
        let time = 100 + 50 * number;
        let wanted = Wanted::page(format!("slept {time}\n"));
        let request = get(&format!("/sleep/{time}")).into_bytes();
        let name = "requests in a handler";
        add(name, request, Box::new(move |peer, stage| last(peer, stage, &wanted)));
        let length = 100_000 * number;
        let wanted = Wanted::page(content::bytes(0, length));
        let request = get(&format!("/large/{length}")).into_bytes();
        let name = "responses on their way";
        add(name, request, Box::new(move |peer, stage| last(peer, stage, &wanted)));
    }
    let check = move |peer: &mut Peer, _: &Stage| {
        // The first to say that it is the last is the answer to those after it.
        for _ in 0..4 {
            if !peer.response(&Wanted::page("slept 150\n"))? {
                return Ok(());
            }
        }
        closed(peer)
    };
    let request = get("/sleep/150").repeat(4).into_bytes();
    add("pipelined requests, up to the last response", request, Box::new(check));
    let mut request = format!("POST /sum HTTP/1.1\r\n{HOST}Content-Length: 200000\r\n\r\n").into_bytes();
    request.extend(content::bytes(0, 100_000));
    let check = move |peer: &mut Peer, stage: &Stage| {
        thread::sleep(Duration::from_millis(100));
        peer.send(&content::bytes(100_000, 200_000));
        let sum = content::checksum(0, &content::bytes(0, 200_000));
        last(peer, stage, &Wanted::page(content::sum(200_000, sum)))
    };
    add("bodies that are still being sent", request, Box::new(check));
    let text: String = (0..1000).map(content::tick).collect();
    let stream = Wanted { framing: Framing::Chunked, ..Wanted::page(text) };
    let poll = format!("/poll/{}", u64::MAX - way as u64);
    for (name, path, wanted) in [
        ("scripts that finish", "/cgi-bin/slow", output("text/plain", SLOW)),
        ("streams", "/ticks/1000", stream),
        ("later responses", "/later/400", Wanted::page("later 400\n")),
        ("long polls", &*poll, Wanted::page("nothing\n")),
    ] {
        let check = move |peer: &mut Peer, stage: &Stage| last(peer, stage, &wanted);
        add(name, get(path).into_bytes(), Box::new(check));
    }
}

/// Event streams, WebSockets, tunnels.
fn switched<'a>(
    server: &'a Server,
    way: Way,
    add: &mut impl FnMut(&'static str, Check<'a>),
) -> Result<(), Trouble> {
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
    // The server behind the relay says when it has received the request.
    let mut peer = server.connect(way)?;
    tunnels::connect(&mut peer, server)?;
    let fields = "Content-Length: 100000\r\nExpect: 100-continue\r\n";
    peer.send(format!("POST /sum HTTP/1.1\r\n{HOST}{fields}\r\n").as_bytes());
    let head = peer.head()?;
    if !head.starts_with("HTTP/1.1 100 ") {
        return Err(Trouble::Wrong(format!("instead of 100: {head:?}")));
    }
    add(
        "requests through a relay",
        Box::new(move |stage| {
            let body = content::bytes(0, 100_000);
            peer.send(&body);
            last(&mut peer, stage, &Wanted::page(content::sum(100_000, content::checksum(0, &body))))
        }),
    );
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
