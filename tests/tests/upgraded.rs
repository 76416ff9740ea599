//! Connections that switch to another protocol, driven by events.

use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::{Piece, TestServer, run, run_timed};
use basehttp::{Peer, UpgradedHandler};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;

const SWITCH: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n";

/// The events of all of them.
#[derive(Clone, Default)]
struct Diary {
    events: Arc<Mutex<Vec<String>>>,
    peers: Arc<Mutex<Vec<Peer>>>,
}

impl Diary {
    fn note(&self, event: &str) {
        self.events.lock().unwrap().push(event.to_owned());
    }

    fn count(&self, event: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|other| *other == event).count()
    }

    fn wait_for(&self, event: &str) {
        wait_until(event, || self.count(event) > 0);
    }
}

/// Sends back input in capitals, and obeys some commands.
struct Shout(Diary, bool);

impl UpgradedHandler for Shout {
    fn opened(&mut self, peer: &Peer) -> io::Result<()> {
        self.0.note("opened");
        self.0.peers.lock().unwrap().push(peer.clone());
        peer.send(b"hello ")
    }

    fn received(&mut self, peer: &Peer, bytes: &[u8]) -> io::Result<()> {
        match bytes {
            b"quit" => peer.close(),
            b"reset" => peer.abort(),
            b"fail" => return Err(io::Error::other("as it was told")),
            b"panic" => panic!("as it was told"),
            b"tick" => peer.set_timer(Some(Duration::from_secs(5))),
            b"quiet" => peer.set_timer(None),
            b"tick often" => {
                self.1 = true;
                self.0.note("ticking");
                peer.set_timer(Some(Duration::from_millis(20)));
            }
            b"fill" => {
                // The system finds some more room for a client that does not read, but not without limit.
                while peer.send_within(&[b'f'; 10_000], Duration::from_millis(100)).is_ok() {}
                self.0.note("full");
            }
            b"more" => {
                peer.send_within(&[b'm'; 10_000], Duration::from_secs(60))?;
                self.0.note("more");
            }
            bytes => peer.send(&bytes.to_ascii_uppercase())?,
        }
        Ok(())
    }

    fn ended(&mut self, peer: &Peer) -> io::Result<()> {
        self.0.note("ended");
        peer.send(b" bye")?;
        peer.close();
        Ok(())
    }

    fn timer(&mut self, peer: &Peer) -> io::Result<()> {
        if self.1 {
            peer.set_timer(Some(Duration::from_millis(20)));
            return Ok(());
        }
        peer.send(b"tock ")
    }

    fn stopping(&mut self, peer: &Peer) -> io::Result<()> {
        self.0.note("stopping");
        peer.send(b" stop")?;
        peer.close();
        Ok(())
    }

    fn closed(&mut self, peer: &Peer) {
        assert_eq!(peer.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        self.0.note("closed");
    }
}

impl Drop for Shout {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

struct Switch {
    base: BaseHTTPRequestHandler,
    diary: Diary,
}

#[http_handler]
impl Switch {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        if !self.upgrades_to("shout") {
            self.send_response(200);
            self.end_headers()?;
            return self.wfile.write_all(b"not switched");
        }
        self.send_response(101);
        self.send_header("Upgrade", "shout");
        self.send_header("Connection", "Upgrade");
        self.end_headers()?;
        self.upgrade_to(Shout(self.diary.clone(), false)).map(drop)
    }

    fn do_POST(&self) -> io::Result<()> {
        let error = self.upgrade_to(Shout(self.diary.clone(), false)).unwrap_err();
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(error.to_string().as_bytes())
    }
}

fn serve(builder: basehttp::ServerBuilder) -> (TestServer, Diary, Log) {
    let (diary, log) = (Diary::default(), Log::default());
    let of_handlers = diary.clone();
    let factory = move |base| Switch { base, diary: of_handlers.clone() };
    (TestServer::with(builder.log_line(log.taker()), factory), diary, log)
}

fn started() -> (TestServer, Diary, Log) {
    serve(HTTPServer::builder())
}

/// A client whose protocol is switched.
fn switched(server: &TestServer) -> Client {
    let mut client = Client::new(server);
    client.send(SWITCH).read_up_to(b"\r\n\r\nhello ");
    client
}

#[test]
fn what_comes_is_told_and_what_is_sent_goes_out() {
    let (server, diary, _log) = started();
    let mut client = switched(&server);
    for word in ["one", "two"] {
        client.send(word).read_up_to(word.to_ascii_uppercase().as_bytes());
    }
    let peer = diary.peers.lock().unwrap()[0].clone();
    assert!(!peer.is_gone() && peer == peer.clone());
    thread::spawn(move || peer.send(b"from elsewhere")).join().unwrap().unwrap();
    client.read_up_to(b"from elsewhere");
    client.send("quit").assert_closed();
    diary.wait_for("dropped");
    assert_eq!((diary.count("opened"), diary.count("closed"), diary.count("ended")), (1, 1, 0));
    assert!(diary.peers.lock().unwrap()[0].is_gone());
}

#[test]
fn bytes_that_came_with_the_request_are_the_first() {
    let (server, _diary, _log) = started();
    let mut client = Client::new(&server);
    client.send(SWITCH.to_owned() + "at once").read_up_to(b"\r\n\r\nhello AT ONCE");
    client.send("quit").assert_closed();
}

#[test]
fn a_client_that_ends_its_half_gets_what_is_left() {
    let (server, diary, log) = started();
    let mut client = switched(&server);
    client.send("x");
    client.end();
    assert_eq!(client.rest().unwrap(), b"X bye");
    diary.wait_for("closed");
    assert!(!log.has("went away"), "{:?}", log.lines());
}

#[test]
fn what_fails_ends_its_connection_alone() {
    let (server, diary, log) = started();
    let mut other = switched(&server);
    switched(&server).send("fail").assert_reset();
    log.wait_for("do_GET: as it was told");
    switched(&server).send("panic").assert_reset();
    log.wait_for("do_GET: panicked: as it was told");
    switched(&server).send("reset").assert_reset();
    wait_until("all three are dropped", || diary.count("dropped") == 3);
    assert_eq!(diary.count("closed"), 2, "not after a panic of its own");
    other.send("still here").read_up_to(b"STILL HERE");
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let (server, _diary, _log) = started();
    let mut client = switched(&server);
    let mut stream = client.stream();
    // What the systems and the server keep has an end: then nothing more is taken.
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut sent = 0;
    let error = loop {
        match stream.write(&[b'm'; 10_000]) {
            Ok(count) => sent += count,
            Err(error) => break error,
        }
        assert!(sent < 100_000_000, "it is bounded");
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(Client::new(&server).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "not switched");
    let mut echo = vec![0; sent];
    stream.read_exact(&mut echo).unwrap();
    assert!(echo.iter().all(|byte| *byte == b'M'));
    client.send("quit").assert_closed();
}

#[test]
fn a_timer_is_told_once_on_the_clock_of_the_test() {
    let diary = Diary::default();
    let of_handler = diary.clone();
    let piece = |text: &str| Piece::Bytes(text.into());
    let pause = |seconds| Piece::Pause(Duration::from_secs(seconds));
    let pieces = [
        piece(SWITCH),
        piece("tick"),
        pause(4),
        piece("a"),
        pause(20),
        piece("tick"),
        piece("quiet"),
        pause(60),
        piece("b"),
    ];
    let run = run_timed(move |base| Switch { base, diary: of_handler.clone() }, pieces);
    let output = String::from_utf8(run.output).unwrap();
    assert!(output.ends_with("\r\n\r\nhello Atock B bye"), "{output}");
    assert_eq!((diary.count("closed"), diary.count("dropped")), (1, 1));
}

#[test]
fn at_the_end_of_the_server_it_says_good_bye() {
    let (server, diary, _log) = started();
    let mut clients: Vec<_> = (0..10).map(|_| switched(&server)).collect();
    server.handle().shutdown_within(Duration::from_secs(60));
    for client in &mut clients {
        assert_eq!(client.rest().unwrap(), b" stop");
    }
    drop(clients);
    let report = server.handle().wait();
    assert_eq!(report.cut, 0, "{report:?}");
    assert_eq!((diary.count("stopping"), diary.count("closed"), diary.count("dropped")), (10, 10, 10));
}

#[test]
fn many_hold_no_thread() {
    let (server, diary, _log) = serve(HTTPServer::builder().max_threads(4));
    let mut clients: Vec<_> = (0..100).map(|_| switched(&server)).collect();
    assert_eq!(Client::new(&server).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text(), "not switched");
    for client in &mut clients {
        client.send("each").read_up_to(b"EACH");
    }
    for peer in diary.peers.lock().unwrap().iter() {
        peer.send(b"to all").unwrap();
    }
    for client in &mut clients {
        client.read_up_to(b"to all");
    }
    drop(clients);
    wait_until("all have closed", || diary.count("dropped") == 100);
}

#[test]
fn without_a_switch_there_is_nothing_to_hand_over() {
    let (server, diary, _log) = started();
    let mut client = Client::new(&server);
    let text = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").text();
    assert!(text.contains("send_response(101)"), "{text}");
    assert_eq!((diary.count("dropped"), diary.count("closed")), (1, 0));
}

#[test]
fn a_client_that_is_gone_ends_it_without_a_write() {
    let (server, diary, _log) = started();
    let client = switched(&server);
    socket2::SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    diary.wait_for("dropped");
    assert_eq!(diary.count("closed"), 1);
}

#[test]
fn without_a_socket_it_is_the_same() {
    let diary = Diary::default();
    let of_handler = diary.clone();
    let run = run(move |base| Switch { base, diary: of_handler.clone() }, [SWITCH, "one", "two"]);
    let output = String::from_utf8(run.output).unwrap();
    assert!(output.ends_with("\r\n\r\nhello ONETWO bye"), "{output}");
    assert_eq!(diary.count("dropped"), 1);
}

/// Reads up to this end of the output, which the client has left unread so far.
fn drain(client: &mut Client, to: &[u8]) {
    let mut last = vec![0; to.len()];
    let mut byte = [0];
    let mut stream = client.stream();
    while last != to {
        stream.read_exact(&mut byte).unwrap();
        last.rotate_left(1);
        *last.last_mut().unwrap() = byte[0];
    }
}

#[test]
fn an_object_that_waits_for_room_gets_it_from_its_own_client() {
    let (server, diary, _log) = started();
    let mut client = switched(&server);
    client.send("fill");
    diary.wait_for("full");
    client.send("more");
    drain(&mut client, b"mmm");
    diary.wait_for("more");
    client.send("quit").rest().unwrap();
}

#[test]
fn what_has_come_while_a_client_took_nothing_is_told_once_it_has() {
    let (server, diary, _log) = started();
    let mut client = Client::new(&server);
    // After the request, so that it is read before the output is full.
    client.send(SWITCH.to_owned() + "fill");
    diary.wait_for("full");
    client.send("quit");
    let rest = client.rest().unwrap();
    assert!(rest.ends_with(b"fff"));
    diary.wait_for("closed");
}

#[test]
fn whoever_waits_for_room_learns_of_the_end_at_once() {
    let (server, diary, _log) = started();
    for is_reset in [true, false] {
        let mut client = switched(&server);
        client.send("fill");
        let filled = if is_reset { 1 } else { 2 };
        wait_until("it is full", || diary.count("full") == filled);
        let peer = diary.peers.lock().unwrap().pop().unwrap();
        let waiting = thread::spawn({
            let peer = peer.clone();
            move || peer.send_within(&vec![b'x'; 60_000], Duration::from_secs(3600))
        });
        if is_reset {
            socket2::SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
        } else {
            peer.close();
        }
        waiting.join().unwrap().unwrap_err();
    }
}

/// Timers belong to the server, and a client that takes nothing gains no time by them.
#[test]
fn a_timer_does_not_put_off_the_write_timeout() {
    let builder = HTTPServer::builder().write_timeout(Duration::from_millis(500));
    let (server, diary, log) = serve(builder);
    let mut client = switched(&server);
    client.send("tick often");
    diary.wait_for("ticking");
    client.send("fill");
    diary.wait_for("full");
    diary.wait_for("closed");
    log.wait_for("write_timeout");
}

/// The end of a unix socket arrives together with the data before it.
#[test]
#[cfg(unix)]
fn the_last_words_at_a_unix_socket_are_heard() {
    use std::os::unix::net::UnixStream;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let diary = Diary::default();
    let of_handlers = diary.clone();
    let factory = move |base| Switch { base, diary: of_handlers.clone() };
    let mut server = HTTPServer::bind_unix(&path, factory).unwrap();
    let handle = server.handle();
    let serving = thread::spawn(move || server.serve_forever());
    for round in 1..=20 {
        let mut client = Client::over(UnixStream::connect(&path).unwrap());
        client.send(SWITCH).read_up_to(b"\r\n\r\nhello ");
        client.send("fill");
        drop(client);
        wait_until("it is over", || diary.count("closed") == round);
        assert_eq!(diary.count("full"), round);
    }
    handle.shutdown();
    serving.join().unwrap().unwrap();
}

#[test]
#[cfg(unix)]
fn over_a_stream_of_ones_own_it_is_refused() {
    use std::os::unix::net::UnixStream;

    let (client, stream) = UnixStream::pair().unwrap();
    let diary = Diary::default();
    let of_handler = diary.clone();
    let factory = move |base| Switch { base, diary: of_handler.clone() };
    let serving =
        thread::spawn(move || HTTPServer::serve_stream(stream, basehttp::Address::Unix(None), factory));
    let mut client = Client::over(client);
    client.send(SWITCH);
    let rest = client.rest().unwrap();
    assert!(rest.starts_with(b"HTTP/1.1 101") && !rest.ends_with(b"hello "));
    serving.join().unwrap().unwrap_err();
    assert_eq!((diary.count("opened"), diary.count("dropped")), (0, 1));
}
