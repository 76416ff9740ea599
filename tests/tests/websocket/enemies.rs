//! Hostile clients, and clients that are only slow.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Counts the messages, and closes on command.
#[derive(Clone, Default)]
struct Count {
    messages: Arc<AtomicUsize>,
    diary: Diary,
    /// Sends as much as there is room for, before anything else can be sent.
    fills: bool,
}

impl WebSocketHandler for Count {
    fn open(&mut self, socket: &WebSocket) -> io::Result<()> {
        while self.fills && socket.send(&Message::Binary(vec![b'x'; 10_000])).is_ok() {
            self.messages.fetch_add(1, Ordering::SeqCst);
        }
        self.diary.sockets.lock().unwrap().push(socket.clone());
        Ok(())
    }

    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        self.messages.fetch_add(1, Ordering::SeqCst);
        match message {
            Message::Text(text) if text == "close" => socket.close(1000, ""),
            Message::Text(text) if text == "send until it fails" => loop {
                match socket.send(&"x".into()) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                    _ => thread::yield_now(),
                }
            },
            message => socket.send(&message),
        }
    }

    fn close(&mut self, _: &WebSocket, code: u16, reason: &str) {
        self.diary.closes.lock().unwrap().push((code, reason.to_owned()));
    }
}

struct Counting {
    base: BaseHTTPRequestHandler,
    count: Count,
    options: WebSocketOptions,
}

#[http_handler]
impl Counting {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.accept_websocket_with(self.options.clone(), self.count.clone())
    }
}

fn counted(options: WebSocketOptions) -> (TestServer, Count, Log) {
    serve_with(options, Count::default())
}

fn serve_with(options: WebSocketOptions, count: Count) -> (TestServer, Count, Log) {
    let log = Log::default();
    let of_handlers = count.clone();
    let factory = move |base| Counting { base, count: of_handlers.clone(), options: options.clone() };
    (TestServer::with(HTTPServer::builder().log_line(log.taker()), factory), count, log)
}

fn unasked() -> WebSocketOptions {
    WebSocketOptions::new().ping_interval(None)
}

/// A connection that has become a WebSocket, for raw bytes.
fn raw(server: &TestServer) -> Client {
    let mut client = Client::new(server);
    client.send(UPGRADE.to_owned() + "\r\n").read_up_to(b"\r\n\r\n");
    client
}

fn serves_others(server: &TestServer) {
    assert_eq!(Client::new(server).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 426);
}

/// Makes another thread wait for room when there is none, and returns how many more messages were sent before.
fn awaited(kept: &WebSocket) -> (usize, thread::JoinHandle<io::Result<()>>) {
    let waiting = kept.clone();
    let patience = Duration::from_secs(60);
    let waiting = thread::spawn(move || waiting.send_within(&Message::Binary(vec![b'y'; 20_000]), patience));
    let mut sent = 0;
    wait_until("somebody waits", || {
        let has_room = kept.send(&Message::Binary(Vec::new())).is_ok();
        sent += usize::from(has_room);
        !has_room
    });
    (sent, waiting)
}

/// A server that fills a client's output buffer as soon as the client connects.
fn filling(options: WebSocketOptions) -> (TestServer, Count, Log) {
    serve_with(options, Count { fills: true, ..Count::default() })
}

/// As [`open`], for a server that sends at once: nothing after the head is read with it.
fn open_filled(server: &TestServer) -> tungstenite::WebSocket<TcpStream> {
    let mut stream = server.connect().unwrap();
    stream.write_all((UPGRADE.to_owned() + "\r\n").as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    tungstenite::WebSocket::from_raw_socket(stream, Role::Client, None)
}

#[test]
fn frames_of_nothing_without_end_hold_up_nobody() {
    let (server, count, _log) = counted(unasked());
    let mut clients: Vec<_> = (0..4).map(|_| raw(&server)).collect();
    let frames = b"\0\x80abcd".repeat(100_000);
    for client in &mut clients {
        client.send(b"\x01\x80abcd");
    }
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| _ = client.send(&frames));
        }
        serves_others(&server);
    });
    for client in &mut clients {
        client.send(b"\x80\x81\0\0\0\0x");
        assert_eq!(client.read_up_to(b"x"), b"\x81\x01x");
    }
    assert_eq!(count.messages.load(Ordering::SeqCst), clients.len());
}

/// A client that does not read its echoes is not read from, so that they do not pile up.
#[test]
fn a_flood_of_pings_without_reading_comes_to_a_stop() {
    let (server, count, _log) = counted(unasked());
    let client = raw(&server);
    let mut stream = client.stream();
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let pings = [&b"\x89\xfd\0\0\0\0"[..], &[b'p'; 125]].concat().repeat(100);
    let mut sent = 0;
    while let Ok(len) = stream.write(&pings[sent % pings.len()..]) {
        sent += len;
        assert!(sent < 256 << 20, "it is bounded");
    }
    serves_others(&server);
    // The frame that was cut.
    let left = (pings.len() - sent % pings.len()) % pings.len();
    let mut reading = stream.try_clone().unwrap();
    let reader = thread::spawn(move || {
        let (mut count, mut frame) = (0, [0; 127]);
        loop {
            reading.read_exact(&mut frame[..2]).unwrap();
            if frame[..2] == *b"\x81\x03" {
                reading.read_exact(&mut frame[..3]).unwrap();
                assert_eq!(&frame[..3], b"end");
                return count;
            }
            assert_eq!(frame[..2], *b"\x8a\x7d", "after {count}");
            reading.read_exact(&mut frame[2..]).unwrap();
            assert!(frame[2..].iter().all(|byte| *byte == b'p'));
            count += 1;
        }
    });
    stream.set_write_timeout(None).unwrap();
    stream.write_all(&pings[pings.len() - left..]).unwrap();
    stream.write_all(b"\x81\x83\0\0\0\0end").unwrap();
    // A ping for whose answer there was no room gets none.
    assert!(reader.join().unwrap() > 0);
    assert_eq!(count.messages.load(Ordering::SeqCst), 1);
}

#[test]
fn what_follows_a_close_frame_is_not_looked_at() {
    let (server, count, _log) = counted(unasked());
    for after in
        [&b"\x81\x81\0\0\0\0x"[..], b"\x88\x80\0\0\0\0", b"\xff\xff\xff\xff\xff", b"\x89\x80\0\0\0\0"]
    {
        let mut client = raw(&server);
        client.send([b"\x88\x82\0\0\0\0\x03\xe8", after].concat());
        assert_eq!(client.rest().unwrap(), b"\x88\x02\x03\xe8", "{after:?}");
        assert_eq!(count.diary.closed(), (1000, String::new()));
    }
    assert_eq!(count.messages.load(Ordering::SeqCst), 0);
}

/// Sends the pieces, with a pause of this many seconds after each. Returns the output, and the counts.
fn timed(options: WebSocketOptions, pieces: &[(&[u8], u64)]) -> (Vec<u8>, Count) {
    let count = Count::default();
    let of_handler = count.clone();
    let request = (UPGRADE.to_owned() + "\r\n").into_bytes();
    let after = pieces.iter().flat_map(|(bytes, seconds)| {
        [Piece::Bytes(bytes.to_vec()), Piece::Pause(Duration::from_secs(*seconds))]
    });
    let pieces: Vec<_> = [Piece::Bytes(request)].into_iter().chain(after).collect();
    let factory = move |base| Counting { base, count: of_handler.clone(), options: options.clone() };
    let output = run_timed(factory, pieces).output;
    let head = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (output[head + 4..].to_vec(), count)
}

#[test]
fn half_a_frame_that_stays_is_ended_by_the_ping() {
    let asked = WebSocketOptions::new()
        .ping_interval(Some(Duration::from_secs(20)))
        .pong_timeout(Duration::from_secs(10));
    for half in [&b"\x81"[..], b"\x81\x85ab", b"\x81\x85\0\0\0\0Hell", b"\x01\x81\0\0\0\0x"] {
        // Something has arrived in the first 20 seconds, and nothing in the next.
        let (output, count) = timed(asked.clone(), &[(half, 51), (b"\x81\x81\0\0\0\0x", 1000)]);
        assert_eq!(output, b"\x89\0", "{half:?}");
        assert_eq!(count.diary.closed(), (1006, "no answer to a ping".to_owned()));
    }
}

#[test]
fn closing_again_gives_no_more_time() {
    let close = b"\x81\x85\0\0\0\0close";
    let (output, count) = timed(unasked(), &[(close, 6), (close, 3)]);
    assert_eq!((&*output, count.messages.load(Ordering::SeqCst)), (&b"\x88\x02\x03\xe8"[..], 2));
    let (output, count) = timed(unasked(), &[(close, 6), (close, 6), (close, 6)]);
    assert_eq!((&*output, count.messages.load(Ordering::SeqCst)), (&b"\x88\x02\x03\xe8"[..], 2));
    assert_eq!(count.diary.closed(), (1006, String::new()));
}

#[test]
fn a_client_that_goes_while_it_is_sent_something_is_no_failure_of_the_handler() {
    let (server, count, log) = counted(unasked());
    let mut client = raw(&server);
    client.send(b"\x81\x93\0\0\0\0send until it fails");
    wait_until("it has begun", || count.messages.load(Ordering::SeqCst) == 1);
    drop(client);
    assert_eq!(count.diary.closed(), (1006, String::new()));
    serves_others(&server);
    assert!(!log.has("os error") && !log.has("went away"), "{:?}", log.lines());
}

/// Its connection's turns do not wait for threads that wait for room, since the turns make the room.
#[test]
fn pings_and_others_do_not_wait_behind_one_that_waits_for_room() {
    let hasty = WebSocketOptions::new()
        .ping_interval(Some(Duration::from_millis(100)))
        .pong_timeout(Duration::from_secs(2));
    let (server, count, _log) = filling(hasty.clone());
    let mut socket = open_filled(&server);
    let kept = count.diary.socket();
    let (more, waiting) = awaited(&kept);
    assert_eq!(kept.send(&"x".into()).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Another client, which came later, is cut. This one was not asked: there was no room for that.
    let (other_server, other, _log) = counted(hasty);
    let _ = raw(&other_server).rest();
    assert_eq!(other.diary.closed(), (1006, "no answer to a ping".to_owned()));
    let sent = count.messages.load(Ordering::SeqCst) + more + 1;
    let mut messages = 0;
    while messages < sent {
        messages += usize::from(socket.read().unwrap().is_binary());
    }
    waiting.join().unwrap().unwrap();
    while !matches!(socket.read().unwrap(), Theirs::Ping(_)) {}
    socket.flush().unwrap();
    socket.send(Theirs::text("still here")).unwrap();
    while socket.read().unwrap() != Theirs::text("still here") {}
}

#[test]
fn a_close_frame_goes_behind_what_waits_for_room() {
    let (server, count, _log) = filling(unasked());
    let mut socket = open_filled(&server);
    let kept = count.diary.socket();
    let (more, waiting) = awaited(&kept);
    kept.close(4000, "enough").unwrap();
    assert_eq!(kept.send(&"x".into()).unwrap_err().kind(), ErrorKind::BrokenPipe);
    // The one that waits need not be behind all others.
    let mut longest = 0;
    for _ in 0..=count.messages.load(Ordering::SeqCst) + more {
        longest = longest.max(socket.read().unwrap().len());
    }
    assert_eq!(longest, 20_000);
    waiting.join().unwrap().unwrap();
    let Theirs::Close(Some(close)) = socket.read().unwrap() else { panic!("a close frame") };
    assert_eq!(u16::from(close.code), 4000);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    assert_eq!(count.diary.closed(), (4000, "enough".to_owned()));
}
