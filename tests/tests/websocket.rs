//! WebSockets on the wire: with `tungstenite` as the client, and with raw bytes.

#[path = "websocket/enemies.rs"]
mod enemies;

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::{Piece, TestServer, run_timed};
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;
use tungstenite::protocol::Role;
use tungstenite::{Error, Message as Theirs};

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[derive(Clone, Default)]
struct Diary {
    closes: Arc<Mutex<Vec<(u16, String)>>>,
    sockets: Arc<Mutex<Vec<WebSocket>>>,
}

impl Diary {
    fn closed(&self) -> (u16, String) {
        wait_until("it is closed", || !self.closes.lock().unwrap().is_empty());
        self.closes.lock().unwrap().remove(0)
    }

    fn socket(&self) -> WebSocket {
        wait_until("it is open", || !self.sockets.lock().unwrap().is_empty());
        self.sockets.lock().unwrap().remove(0)
    }
}

/// Sends back input, and obeys some commands.
struct Echo(Diary);

impl WebSocketHandler for Echo {
    fn open(&mut self, socket: &WebSocket) -> io::Result<()> {
        self.0.sockets.lock().unwrap().push(socket.clone());
        Ok(())
    }

    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        match &message {
            Message::Text(text) if text == "fail" => Err(io::Error::other("as it was told")),
            Message::Text(text) if text == "panic" => panic!("as it was told"),
            Message::Text(text) if text == "close" => socket.close(4000, "as it was told"),
            Message::Text(text) if text == "protocol" => {
                socket.send(&socket.protocol().unwrap_or("none").into())
            }
            _ => socket.send(&message),
        }
    }

    fn close(&mut self, socket: &WebSocket, code: u16, reason: &str) {
        assert!(socket.send(&"x".into()).is_err());
        self.0.closes.lock().unwrap().push((code, reason.to_owned()));
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
        let options = WebSocketOptions::new()
            .protocols(["chat", "echo"])
            .allow_origin("https://friend.example")
            .max_message_size(70_000)
            .ping_interval(Some(Duration::from_secs(20)))
            .pong_timeout(Duration::from_secs(10));
        self.accept_websocket_with(options, Echo(self.diary.clone()))
    }

    fn do_POST(&self) -> io::Result<()> {
        self.accept_websocket(Echo(self.diary.clone()))
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

fn open(server: &TestServer) -> tungstenite::WebSocket<TcpStream> {
    let mut client = Client::new(server);
    client.send(UPGRADE.to_owned() + "\r\n");
    let head = client.read_up_to(b"\r\n\r\n");
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    let stream = client.stream().try_clone().unwrap();
    tungstenite::WebSocket::from_raw_socket(stream, Role::Client, None)
}

#[test]
fn messages_come_back_as_they_were() {
    let (server, diary, _log) = started();
    let mut socket = open(&server);
    let long = "€".repeat(20_000);
    for text in ["", "hello", "grüß Gott", &"x".repeat(125), &"x".repeat(126), &"x".repeat(65_536), &long] {
        socket.send(Theirs::text(text)).unwrap();
        assert_eq!(socket.read().unwrap(), Theirs::text(text));
    }
    for bytes in [vec![], vec![0xff; 300], vec![7; 70_000]] {
        socket.send(Theirs::binary(bytes.clone())).unwrap();
        assert_eq!(socket.read().unwrap(), Theirs::binary(bytes));
    }
    socket.send(Theirs::Ping(vec![1, 2, 3].into())).unwrap();
    assert_eq!(socket.read().unwrap(), Theirs::Pong(vec![1, 2, 3].into()));
    let kept = diary.socket();
    thread::spawn(move || kept.send(&"from elsewhere".into())).join().unwrap().unwrap();
    assert_eq!(socket.read().unwrap(), Theirs::text("from elsewhere"));
    socket.close(None).unwrap();
    assert!(matches!(socket.read(), Ok(Theirs::Close(None))));
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    assert_eq!(diary.closed(), (1005, String::new()));
}

#[test]
fn the_server_closes_with_its_code_and_waits_for_the_answer() {
    let (server, diary, _log) = started();
    let mut socket = open(&server);
    socket.send(Theirs::text("close")).unwrap();
    let Theirs::Close(Some(close)) = socket.read().unwrap() else { panic!("a close frame") };
    assert_eq!((u16::from(close.code), &*close.reason), (4000, "as it was told"));
    let kept = diary.socket();
    assert!(kept.is_gone());
    assert_eq!(kept.send(&"x".into()).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    assert_eq!(diary.closed(), (4000, "as it was told".to_owned()), "the client's answer");
    assert_eq!(kept.close(1005, "").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(kept.close(1000, &"x".repeat(124)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

/// The bytes of a close frame from the server.
fn close_frame(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

#[test]
fn what_is_against_the_rules_is_answered_with_its_code() {
    let (server, diary, log) = started();
    let cases: [(&[u8], u16); 5] = [
        (b"\x81\x05Hello", 1002),
        (b"\xc1\x85abcd\0\0\0\0\0", 1002),
        (b"\x83\x85abcd\0\0\0\0\0", 1002),
        (b"\x81\x81\0\0\0\0\xff", 1007),
        (b"\x82\xff\0\0\0\0\0\x01\x11\x71abcd", 1009),
    ];
    for (bytes, code) in cases {
        let mut client = Client::new(&server);
        client.send(UPGRADE.to_owned() + "\r\n").read_up_to(b"\r\n\r\n");
        client.send(bytes);
        let rest = client.rest().unwrap();
        assert_eq!((rest[0], &rest[2..4]), (0x88, &*close_frame(code)), "{bytes:?}");
        assert_eq!(diary.closed().0, code);
    }
    assert!(!log.has("panicked"), "{:?}", log.lines());
}

#[test]
fn a_handler_that_fails_closes_its_own() {
    let (server, diary, log) = started();
    let mut other = open(&server);
    let mut failing = open(&server);
    failing.send(Theirs::text("fail")).unwrap();
    let Theirs::Close(Some(close)) = failing.read().unwrap() else { panic!("a close frame") };
    assert_eq!(u16::from(close.code), 1011);
    log.wait_for("do_GET: as it was told");
    assert_eq!(diary.closed().0, 1011);
    let mut panicking = open(&server);
    panicking.send(Theirs::text("panic")).unwrap();
    panicking.read().unwrap_err();
    log.wait_for("do_GET: panicked: as it was told");
    other.send(Theirs::text("still here")).unwrap();
    assert_eq!(other.read().unwrap(), Theirs::text("still here"));
}

#[test]
fn a_client_that_goes_without_a_word_is_an_abnormal_end() {
    let (server, diary, log) = started();
    drop(open(&server));
    assert_eq!(diary.closed(), (1006, String::new()));
    assert!(!log.has("went away"), "{:?}", log.lines());
}

#[test]
fn at_the_end_of_the_server_clients_are_told_to_go_away() {
    let (server, diary, _log) = started();
    let mut sockets: Vec<_> = (0..5).map(|_| open(&server)).collect();
    server.handle().shutdown_within(Duration::from_secs(60));
    for socket in &mut sockets {
        let Theirs::Close(Some(close)) = socket.read().unwrap() else { panic!("a close frame") };
        assert_eq!(u16::from(close.code), 1001);
        assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    }
    let report = server.handle().wait();
    assert_eq!(report.cut, 0, "{report:?}");
    assert_eq!(diary.closes.lock().unwrap().len(), 5);
}

#[test]
fn a_client_that_does_not_read_is_refused_more_and_then_closed() {
    let (server, diary, _log) = started();
    let mut socket = open(&server);
    let kept = diary.socket();
    let message = Message::Binary(vec![b'x'; 10_000]);
    let mut sent = 0;
    // The system finds some more room for a client that does not read, but not without limit.
    while kept.send_within(&message, Duration::from_millis(300)).is_ok() {
        sent += 1;
        assert!(sent < 10_000, "it is bounded");
    }
    assert_eq!(kept.send(&message).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let waiting = thread::spawn(move || kept.send_within(&"at last".into(), Duration::from_secs(60)));
    for _ in 0..sent {
        assert_eq!(socket.read().unwrap().len(), 10_000);
    }
    waiting.join().unwrap().unwrap();
    assert_eq!(socket.read().unwrap(), Theirs::text("at last"));
}

#[test]
fn silent_clients_are_asked_and_cut_on_the_clock_of_the_test() {
    let run = |after: &[Piece]| {
        let diary = Diary::default();
        let of_handler = diary.clone();
        let mut pieces = vec![Piece::Bytes((UPGRADE.to_owned() + "\r\n").into())];
        pieces.extend_from_slice(after);
        let run = run_timed(move |base| Switch { base, diary: of_handler.clone() }, pieces);
        let output = run.output;
        let head = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        (output[head + 4..].to_vec(), diary.closed())
    };
    let pause = |seconds| Piece::Pause(Duration::from_secs(seconds));
    let pong = Piece::Bytes(b"\x8a\x80abcd".to_vec());
    let hello = Piece::Bytes(b"\x81\x81\0\0\0\0a".to_vec());
    let (output, end) = run(&[pause(19)]);
    assert_eq!((&*output, end), (&b""[..], (1006, String::new())));
    let (output, end) = run(&[pause(29), pong.clone(), pause(9), pong.clone(), pause(9)]);
    assert_eq!((&*output, end), (&b"\x89\0"[..], (1006, String::new())));
    let (output, end) = run(&[hello, pause(21), pause(40)]);
    assert_eq!((&*output, end), (&b"\x81\x01a\x89\0"[..], (1006, "no answer to a ping".to_owned())));
}

#[test]
fn what_is_no_request_for_a_websocket_is_answered() {
    let (server, _diary, _log) = started();
    let status = |request: String| {
        let response = Client::new(&server).ask(request);
        response.status_line.trim_start_matches("HTTP/1.1 ").to_owned()
    };
    let plain = UPGRADE.to_owned();
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n".into()), "426 Upgrade Required");
    let old = Client::new(&server).ask(plain.replace("Version: 13", "Version: 8") + "\r\n");
    assert_eq!((old.status, old.field("Sec-WebSocket-Version")), (426, Some("13")));
    assert_eq!(status(plain.replace("GET", "POST") + "Content-Length: 0\r\n\r\n"), "426 Upgrade Required");
    assert_eq!(
        status(plain.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=") + "\r\n"),
        "400 The key of a WebSocket must be 16 bytes in base64"
    );
    assert_eq!(
        status(plain.replace("dGhlIHNhbXBsZSBub25jZQ==", "no base64!") + "\r\n"),
        "400 The key of a WebSocket must be 16 bytes in base64"
    );
    assert_eq!(
        status(plain.clone() + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
        "400 The key of a WebSocket must be 16 bytes in base64"
    );
    assert_eq!(
        status(plain.clone() + "Sec-WebSocket-Version: 8\r\n\r\n"),
        "400 A request for a WebSocket must have one version"
    );
    assert_eq!(
        status(plain.clone() + "Content-Length: 1\r\n\r\nx"),
        "400 A request for a WebSocket must not have a body"
    );
    assert_eq!(
        status("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".into()),
        "426 Upgrade Required"
    );
}

#[test]
fn pages_of_other_sites_are_refused_unless_they_are_welcome() {
    let (server, _diary, _log) = started();
    let status = |host: &str, origins: &[&str]| {
        let request = UPGRADE.replace("Host: a\r\n", &format!("Host: {host}\r\n"));
        let fields = origins.iter().flat_map(|origin| ["Origin: ", origin, "\r\n"]).collect::<String>();
        let mut client = Client::new(&server);
        client.send(request + &fields + "\r\n");
        let head = String::from_utf8(client.read_up_to(b"\r\n\r\n")).unwrap();
        head.split(' ').nth(1).unwrap().to_owned()
    };
    for (host, origin) in [
        ("a", "http://a"),
        ("a", "https://a"),
        ("a:80", "http://a"),
        ("A.example:8000", "http://a.example:8000"),
        ("a:443", "https://a"),
        ("a", "https://friend.example"),
    ] {
        assert_eq!(status(host, &[origin]), "101", "{host} {origin}");
    }
    for (host, origins) in [
        ("a", &["http://b"][..]),
        ("a", &["null"]),
        ("a", &["http://a:8080"]),
        ("a", &["http://a.evil.example"]),
        ("a", &["http://evila"]),
        ("a", &["http://a", "http://a"]),
        ("a:80", &["https://a"]),
        ("a", &[""]),
    ] {
        assert_eq!(status(host, origins), "403", "{host} {origins:?}");
    }
}

#[test]
fn a_subprotocol_is_agreed_on_if_both_speak_one() {
    let (server, _diary, _log) = started();
    let agreed = |fields: &str| {
        let mut client = Client::new(&server);
        client.send(UPGRADE.to_owned() + fields + "\r\n");
        let head = String::from_utf8(client.read_up_to(b"\r\n\r\n")).unwrap();
        client.send(b"\x81\x88\0\0\0\0protocol");
        let field = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        client.read_up_to(field.unwrap_or("none").as_bytes());
        field.map(str::to_owned)
    };
    assert_eq!(agreed("Sec-WebSocket-Protocol: x, echo, chat\r\n").as_deref(), Some("echo"));
    let two = agreed("Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: chat\r\n");
    assert_eq!(two.as_deref(), Some("chat"));
    assert_eq!(agreed("Sec-WebSocket-Protocol: Echo\r\n"), None);
}

#[test]
fn many_hold_no_thread() {
    let (server, diary, _log) = serve(HTTPServer::builder().max_threads(4));
    let mut sockets: Vec<_> = (0..100).map(|_| open(&server)).collect();
    for socket in &mut sockets {
        socket.send(Theirs::text("each")).unwrap();
        assert_eq!(socket.read().unwrap(), Theirs::text("each"));
    }
    assert_eq!(Client::new(&server).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 426);
    for socket in diary.sockets.lock().unwrap().iter() {
        socket.send(&"to all".into()).unwrap();
    }
    for socket in &mut sockets {
        assert_eq!(socket.read().unwrap(), Theirs::text("to all"));
    }
}

/// Each frame a byte at a time, with control frames between the fragments of a message.
#[test]
fn frames_may_come_in_any_pieces() {
    let (server, _diary, _log) = started();
    let mut client = Client::new(&server);
    client.send(UPGRADE.to_owned() + "\r\n").read_up_to(b"\r\n\r\n");
    let bytes = b"\x01\x82\0\0\0\0He\x89\x81\0\0\0\0!\x00\x80\0\0\0\0\x80\x83\0\0\0\0llo";
    for byte in bytes {
        client.stream().write_all(&[*byte]).unwrap();
    }
    assert_eq!(client.read_up_to(b"Hello"), b"\x8a\x01!\x81\x05Hello");
}

#[test]
fn a_handler_of_http_1_0_is_told_what_it_lacks() {
    struct Old {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler]
    impl Old {
        fn do_GET(&self) -> io::Result<()> {
            let error = self.accept_websocket(Echo(Diary::default())).unwrap_err();
            self.send_error((500, error.to_string()))
        }
    }

    let request = UPGRADE.to_owned() + "\r\n";
    let responses = basehttp::testing::respond(|base| Old { base }, request.as_bytes());
    assert!(responses[0].text().contains("protocol_version"), "{}", responses[0].text());
}

#[test]
fn a_close_frame_goes_behind_a_long_message() {
    let (server, diary, _log) = started();
    let mut socket = open(&server);
    let kept = diary.socket();
    kept.send(&Message::Binary(vec![b'x'; 10_000_000])).unwrap();
    kept.close(4000, "enough").unwrap();
    assert_eq!(socket.read().unwrap().len(), 10_000_000);
    let Theirs::Close(Some(close)) = socket.read().unwrap() else { panic!("a close frame") };
    assert_eq!(u16::from(close.code), 4000);
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
}

#[test]
#[cfg(unix)]
fn over_a_stream_of_ones_own_the_client_is_not_promised_one() {
    use std::os::unix::net::UnixStream;

    let (client, stream) = UnixStream::pair().unwrap();
    let factory = move |base| Switch { base, diary: Diary::default() };
    let log = Log::default();
    let builder = HTTPServer::builder().log_line(log.taker());
    let serving = thread::spawn(move || builder.serve_stream(stream, basehttp::Address::Unix(None), factory));
    let mut client = Client::over(client);
    assert_eq!(client.ask(UPGRADE.to_owned() + "\r\n").status, 500);
    drop(client);
    serving.join().unwrap().unwrap();
    assert!(
        log.has("do_GET: a stream of your own (serve_stream) cannot be served by events"),
        "{:?}",
        log.lines()
    );
}
