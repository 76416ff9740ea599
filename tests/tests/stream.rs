//! A connection over a stream of the user's own.

#![cfg(unix)]

use std::cell::Cell;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{
    Address, CGIHandler, CrossOriginProtection, Directory, ServerBuilder, TlsConfig, TrustedProxies,
};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Act {
    base: BaseHTTPRequestHandler,
    requests: u32,
}

impl Act {
    fn new(base: BaseHTTPRequestHandler) -> Self {
        Self { base, requests: 0 }
    }
}

#[http_handler]
impl Act {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        self.requests += 1;
        match self.path() {
            "/who" => {
                let local = self.connection().local_address();
                let text = format!("{} {} {local:?}", self.client_address(), self.server().server_name());
                self.tell(&text)
            }
            "/panic" => panic!("a mistake"),
            "/late-panic" => {
                self.send_response(200);
                self.end_headers()?;
                self.wfile.write_all(&vec![b'x'; 200_000])?;
                panic!("a late mistake")
            }
            "/end" => {
                self.server().handle().shutdown();
                self.tell("ended")
            }
            "/shout" => {
                self.send_response(101);
                self.send_header("Upgrade", "shout");
                self.send_header("Connection", "Upgrade");
                self.end_headers()?;
                let mut stream = self.upgrade()?;
                let mut buffer = [0; 100];
                loop {
                    match stream.read(&mut buffer)? {
                        0 => return Ok(()),
                        count => stream.write_all(&buffer[..count].to_ascii_uppercase())?,
                    }
                }
            }
            "/big" => self.tell(&"x".repeat(3_000_000)),
            _ => self.tell(&self.requests.to_string()),
        }
    }

    fn do_POST(&mut self) -> io::Result<()> {
        let body = self.read_body(1 << 24)?;
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&body)
    }

    /// Reads nothing of what it is sent.
    fn do_PUT(&mut self) -> io::Result<()> {
        self.send_error(403)
    }

    fn tell(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }
}

struct Stage {
    client: Client<UnixStream>,
    /// The client's end.
    socket: UnixStream,
    serving: JoinHandle<io::Result<()>>,
    log: Log,
}

impl Stage {
    fn new() -> Self {
        Self::with(|builder| builder, |_| {})
    }

    fn with(builder: impl FnOnce(ServerBuilder) -> ServerBuilder, stream: impl FnOnce(&UnixStream)) -> Self {
        let (client, other) = UnixStream::pair().unwrap();
        client.set_read_timeout(Some(basehttp_tests::PATIENCE)).unwrap();
        stream(&other);
        let log = Log::default();
        let builder = builder(HTTPServer::builder().log_line(log.taker()));
        let serving = thread::spawn(move || {
            builder.serve_stream(other, SocketAddr::from(([192, 0, 2, 7], 9)), Act::new)
        });
        let socket = client.try_clone().unwrap();
        Self { client: Client::over(client), socket, serving, log }
    }

    /// What the serving thread returns, and the log.
    fn end(self) -> (io::Result<()>, Vec<String>) {
        drop((self.client, self.socket));
        let outcome = self.serving.join().expect("no panic comes through");
        (outcome, self.log.lines())
    }
}

#[test]
fn a_connection_is_kept_and_ends_with_the_client() {
    let mut stage = Stage::new();
    for count in 1..=3 {
        assert_eq!(stage.client.ask(GET).text(), count.to_string());
    }
    let (outcome, log) = stage.end();
    outcome.unwrap();
    assert_eq!(log.len(), 3);
    assert!(log[0].starts_with("192.0.2.7 - - ["), "{log:?}");
}

#[test]
fn what_the_handler_knows() {
    let mut stage = Stage::new();
    let response = stage.client.ask("GET /who HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.text(), "192.0.2.7:9 localhost None");
}

#[test]
fn requests_that_come_at_once_are_answered_in_turn() {
    let mut stage = Stage::new();
    stage.client.send(GET.repeat(200));
    for count in 1..=200 {
        assert_eq!(stage.client.response().text(), count.to_string());
    }
    // A complete request, and half of another one, which must not hold back the response.
    stage.client.send(format!("{GET}GET / HT"));
    assert_eq!(stage.client.response().text(), "201");
    assert_eq!(stage.client.ask("TP/1.1\r\nHost: a\r\n\r\n").text(), "202");
}

#[test]
fn bodies_in_chunks_and_large_ones() {
    let mut stage = Stage::new();
    stage.client.send(CHUNKED).send("5\r\nhel").send("lo\r\n");
    assert_eq!(stage.client.ask("6\r\n world\r\n0\r\n\r\n").text(), "hello world");
    // Longer than what is gathered before the handler is called.
    let body = vec![b'x'; 2_000_000];
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    assert_eq!(stage.client.send(head).ask(&body).body.len(), body.len());
}

#[test]
fn a_client_that_sends_on_while_it_is_answered() {
    let Stage { mut client, mut socket, serving, .. } = Stage::new();
    let sending = thread::spawn(move || {
        socket.write_all(GET.repeat(2000).as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
    });
    let responses = client.rest().unwrap();
    sending.join().unwrap();
    serving.join().unwrap().unwrap();
    assert!(responses.ends_with(b"\r\n\r\n2000"));
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let mut stage = Stage::new();
    stage.client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(stage.client.read_up_to(b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(stage.client.ask("hello").text(), "hello");
}

#[test]
fn head_has_no_body_and_close_ends_it() {
    let mut stage = Stage::new();
    let head = stage.client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").response_to_head();
    assert_eq!((head.status, head.field("content-length")), (200, Some("1")));
    let response = stage.client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!((response.text().as_str(), response.field("connection")), ("2", Some("close")));
    // Nothing is waited for: the client sees the end at once, and has not shut down its own half.
    stage.client.assert_closed();
    stage.end().0.unwrap();
}

#[test]
fn a_body_that_nobody_reads_does_not_hold_up_the_end() {
    let mut stage = Stage::new();
    // More than is gathered before the handler is called; then the client waits for the response.
    stage.client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    assert_eq!(stage.client.ask(vec![b'x'; 100_000]).status, 403);
    // Without an error, or with one for unread input.
    let _ = stage.client.rest();
    stage.end().0.unwrap();
}

#[test]
fn a_panic_costs_the_connection_and_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let errors = told.clone();
    let hook = move |error: &basehttp::HandlerError| errors.lock().unwrap().push(error.to_string());
    let mut stage = Stage::with(|builder| builder.handle_error(hook), |_| {});
    assert_eq!(stage.client.ask(GET).text(), "1");
    assert_eq!(stage.client.ask("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").status, 500);
    stage.client.assert_closed();
    let (outcome, log) = stage.end();
    outcome.unwrap();
    assert!(log.iter().any(|line| line.contains("panicked: a mistake")), "{log:?}");
    assert_eq!(*told.lock().unwrap(), ["192.0.2.7:9 \"GET /panic HTTP/1.1\" panicked: a mistake"]);
}

/// If an error page cannot report it any more, the caller may have to.
#[test]
fn a_response_that_is_cut_short_is_an_error() {
    // By the end of the connection, and in chunks.
    for version in ["1.0", "1.1"] {
        let mut stage = Stage::new();
        stage.client.send(format!("GET /late-panic HTTP/{version}\r\nHost: a\r\n\r\n"));
        let response = stage.client.rest().unwrap();
        assert!(response.starts_with(b"HTTP/1.1 200 "));
        let (outcome, log) = stage.end();
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::ConnectionAborted, "HTTP/{version}");
        assert!(log.iter().any(|line| line.contains("a late mistake")), "{log:?}");
    }
}

#[test]
fn a_client_that_goes_away() {
    // Before it has sent anything, and in the middle of a head and of a body.
    for said in ["", "GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"] {
        let mut stage = Stage::new();
        stage.client.send(said);
        stage.socket.shutdown(Shutdown::Write).unwrap();
        let response = stage.client.rest().unwrap();
        let (is_told, response) =
            (response.windows(5).any(|part| part == b" 400 "), basehttp_tests::show(&response));
        assert_eq!(is_told, !said.is_empty(), "{said:?}: {response}");
        stage.end().0.unwrap();
    }
    // In the middle of a response that is larger than the system takes.
    let mut stage = Stage::new();
    stage.client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n").read_up_to(b"\r\n\r\n");
    let (outcome, _) = stage.end();
    let kind = outcome.unwrap_err().kind();
    assert!(matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{kind:?}");
}

#[test]
fn the_time_out_of_the_stream_is_a_deadline() {
    let short = |stream: &UnixStream| {
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    };
    for said in ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"] {
        let mut stage = Stage::with(|builder| builder, short);
        assert_eq!(stage.client.ask(said).status, 408, "{said:?}");
        stage.client.assert_closed();
        stage.end().0.unwrap();
    }
    // Between two requests there is nothing to answer.
    let mut stage = Stage::with(|builder| builder, short);
    assert_eq!(stage.client.ask(GET).text(), "1");
    stage.client.assert_closed();
    stage.end().0.unwrap();
    // A client that takes nothing does not get the whole response.
    let mut stage = Stage::with(|builder| builder, short);
    stage.client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    let Stage { client, socket: _socket, serving, .. } = stage;
    assert_eq!(serving.join().unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    drop(client);
}

/// A client that trickles is late by the server's deadlines.
#[test]
fn a_head_has_a_deadline_as_a_whole() {
    let stage = Stage::with(|builder| builder.head_timeout(Duration::from_millis(100)), |_| {});
    let Stage { mut client, socket: mut writer, serving, .. } = stage;
    let trickling = thread::spawn(move || {
        while writer.write_all(b"G").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(client.response().status, 408);
    trickling.join().unwrap();
    serving.join().unwrap().unwrap();
}

#[test]
fn settings_and_hooks() {
    let mut stage =
        Stage::with(|builder| builder.max_requests_per_connection(2).allowed_hosts(["a"]), |_| {});
    assert_eq!(stage.client.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
    stage.client.assert_closed();
    let mut stage =
        Stage::with(|builder| builder.cross_origin_protection(CrossOriginProtection::new()), |_| {});
    let post = "POST / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(stage.client.ask(post.replace("cross-site", "same-origin")).status, 200);
    assert_eq!(stage.client.ask(post).status, 403);
    stage.client.assert_closed();
    let mut stage = Stage::with(|builder| builder.max_requests_per_connection(2), |_| {});
    stage.client.ask(GET);
    assert_eq!(stage.client.ask(GET).field("connection"), Some("close"));
    stage.client.assert_closed();
    let mut stage = Stage::with(|builder| builder.verify_request(|client| client.port() != Some(9)), |_| {});
    stage.client.assert_closed();
    stage.end().0.unwrap();
    let stage = Stage::with(|builder| builder.head_timeout(Duration::ZERO), |_| {});
    let error = stage.end().0.unwrap_err();
    assert!(error.kind() == io::ErrorKind::InvalidInput && error.to_string().contains("head_timeout"));
}

#[test]
fn settings_that_the_stream_would_have_to_keep() {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = own.signing_key.serialize_pem();
    let tls = TlsConfig::from_pem(own.cert.pem().as_bytes(), key.as_bytes()).unwrap();
    let proxies = |address: &str| TrustedProxies::new([address]).unwrap().proxy_protocol(true);
    let ends = |stage: Stage| stage.end().0.map_err(|error| (error.kind(), error.to_string()));
    let (kind, text) = ends(Stage::with(|builder| builder.tls(tls), |_| {})).unwrap_err();
    assert!(kind == io::ErrorKind::InvalidInput && text.contains("a stream that decrypts"), "{text}");
    let trusted = Stage::with(|builder| builder.trusted_proxies(proxies("192.0.2.7")), |_| {});
    let (kind, text) = ends(trusted).unwrap_err();
    assert!(kind == io::ErrorKind::InvalidInput && text.contains("PROXY header"), "{text}");
    let (kind, text) = ends(Stage::with(|builder| builder.also_bind("127.0.0.1:0"), |_| {})).unwrap_err();
    assert!(kind == io::ErrorKind::InvalidInput && text.contains("also_bind"), "{text}");
    // Another client's header is not expected anywhere.
    ends(Stage::with(|builder| builder.trusted_proxies(proxies("192.0.2.8")), |_| {})).unwrap();
}

#[test]
fn a_handler_may_end_it() {
    let mut stage = Stage::new();
    let response = stage.client.ask("GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((response.text().as_str(), response.field("connection")), ("ended", Some("close")));
    stage.client.assert_closed();
    stage.end().0.unwrap();
}

#[test]
fn another_protocol() {
    let mut stage = Stage::new();
    stage
        .client
        .send("GET /shout HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nfirst;");
    assert!(stage.client.read_up_to(b"\r\n\r\n").starts_with(b"HTTP/1.1 101 "));
    assert_eq!(stage.client.read_up_to(b";"), b"FIRST;");
    assert_eq!(stage.client.send("second;").read_up_to(b";"), b"SECOND;");
    stage.end().0.unwrap();
}

/// Of a handler that stays on its thread.
#[test]
fn an_override_of_handle() {
    struct Two {
        base: BaseHTTPRequestHandler,
        answered: Rc<Cell<u32>>,
    }

    #[http_handler(protocol_version = "HTTP/1.1")]
    impl Two {
        fn handle(&mut self) -> io::Result<()> {
            self.handle_one_request()?;
            self.handle_one_request()
        }

        fn do_GET(&self) -> io::Result<()> {
            self.answered.set(self.answered.get() + 1);
            self.send_response(204);
            self.end_headers()
        }

        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }

    let (client, stream) = UnixStream::pair().unwrap();
    let serving = thread::spawn(|| {
        let answered = Rc::new(Cell::new(0));
        let factory = |base| Two { base, answered: answered.clone() };
        HTTPServer::serve_stream(stream, Address::Unix(None), factory).map(|()| answered.get())
    });
    let mut client = Client::over(client);
    assert_eq!((client.ask(GET).status, client.ask(GET).status), (204, 204));
    client.assert_closed();
    assert_eq!(serving.join().unwrap().unwrap(), 2);
}

/// A stream that keeps what it is given until it is flushed, and one that panics.
#[test]
fn a_stream_is_flushed_before_it_is_waited_for() {
    struct Held(io::BufReader<UnixStream>, io::BufWriter<UnixStream>);

    impl Read for Held {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(self.1.buffer().is_empty(), "what the client waits for is sent");
            self.0.read(buffer)
        }
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.1.flush()
        }
    }

    let (client, stream) = UnixStream::pair().unwrap();
    let held = Held(io::BufReader::new(stream.try_clone().unwrap()), io::BufWriter::new(stream));
    let log = Log::default();
    let builder = HTTPServer::builder().log_line(log.taker());
    let serving = thread::spawn(|| builder.serve_stream(held, Address::Unix(None), Act::new));
    let mut client = Client::over(client);
    assert_eq!(client.ask(GET).text(), "1");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    client.read_up_to(b"\r\n\r\n");
    assert_eq!(client.ask("hello").text(), "hello");
    drop(client);
    serving.join().unwrap().unwrap();
}

#[test]
fn a_stream_that_panics_or_fails_is_an_error() {
    struct Broken(bool);

    impl Read for Broken {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0, "out of order");
            Err(io::Error::other("the line is noisy"))
        }
    }

    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let serve = |panics| {
        let log = Log::default();
        let builder = HTTPServer::builder().log_line(log.taker());
        let outcome = builder.serve_stream(Broken(panics), Address::Unix(None), Act::new);
        (outcome.unwrap_err().to_string(), log.lines())
    };
    assert_eq!(serve(false), ("the line is noisy".to_owned(), Vec::new()));
    let (error, log) = serve(true);
    assert_eq!(error, "the stream panicked: out of order");
    assert_eq!(log, [format!("basehttp: {error}")]);
}

/// A script gets its body, however long it is and however the client sends it.
#[test]
fn scripts_get_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("cgi-bin");
    fs::create_dir(&scripts).unwrap();
    let script = scripts.join("echo");
    fs::write(&script, "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec cat\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let directory = Directory::open(folder.path()).unwrap();
    let (client, stream) = UnixStream::pair().unwrap();
    client.set_read_timeout(Some(basehttp_tests::PATIENCE)).unwrap();
    let log = Log::default();
    let builder = HTTPServer::builder().log_line(log.taker());
    let serving = thread::spawn(move || {
        builder.serve_stream(stream, Address::Unix(None), |base| CGIHandler::new(base, &directory))
    });
    let mut client = client;
    let body = vec![b'x'; 500_000];
    write!(client, "POST /cgi-bin/echo HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    let mut writer = client.try_clone().unwrap();
    let sent = body.clone();
    let sending = thread::spawn(move || sent.chunks(100_000).try_for_each(|piece| writer.write_all(piece)));
    let mut response = Vec::new();
    client.read_to_end(&mut response).unwrap();
    assert!(response.ends_with(&body), "{}: {:?}", response.len(), log.lines());
    sending.join().unwrap().unwrap();
    serving.join().unwrap().unwrap();
}
