//! HTTP over TLS, with a rustls client and with clients that do not speak TLS.

#[path = "tls/alpn.rs"]
mod alpn;
#[path = "tls/budget.rs"]
mod budget;
#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/cross_origin.rs"]
mod cross_origin;
#[path = "tls/ending.rs"]
mod ending;
#[path = "tls/facts.rs"]
mod facts;
#[path = "tls/going_on.rs"]
mod going_on;
#[path = "tls/records.rs"]
mod records;
#[path = "tls/tunnels.rs"]
mod tunnels;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::{TestServer, respond};
use basehttp::{Directory, FileHandler, ServerBuilder, TlsConfig, TrustedProxies};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

struct Act {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl Act {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/big" => {
                self.send_response(200);
                self.send_header("Content-Length", BIG);
                self.end_headers()?;
                (0..BIG / 1000).try_for_each(|_| self.wfile.write_all(&[b'x'; 1000]))
            }
            "/file" => {
                let mut file = tempfile::tempfile()?;
                file.write_all(&content())?;
                self.send_response(200);
                self.end_headers()?;
                self.wfile.send_file(&Arc::new(file), 0..content().len() as u64)
            }
            "/who" => {
                self.send_response(200);
                self.end_headers()?;
                write!(self.wfile, "{} {}", self.client_address(), self.scheme())
            }
            "/echo" => {
                self.send_response(101);
                self.send_header("Upgrade", "echo");
                self.send_header("Connection", "Upgrade");
                self.end_headers()?;
                let mut stream = self.upgrade()?;
                let mut buffer = [0; 1000];
                loop {
                    match stream.read(&mut buffer)? {
                        0 => return stream.write_all(b"end"),
                        count => stream.write_all(&buffer[..count])?,
                    }
                }
            }
            "/split" => {
                self.send_response(101);
                self.send_header("Upgrade", "split");
                self.send_header("Connection", "Upgrade");
                self.end_headers()?;
                tunnels::split(self)
            }
            path => {
                self.send_response(200);
                self.end_headers()?;
                write!(self.wfile, "{path} {}", self.server().is_tls())
            }
        }
    }

    fn do_CONNECT(&self) -> io::Result<()> {
        let stream = TcpStream::connect(self.path())?;
        self.send_response(200);
        self.end_headers()?;
        self.relay(stream)
    }

    fn do_POST(&self) -> io::Result<()> {
        let mut body = Vec::new();
        self.rfile.read_to_end(&mut body)?;
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(&body)
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.log.push(message);
    }
}

const BIG: usize = 20_000_000;

fn content() -> Vec<u8> {
    (0..=250).cycle().take(3_000_000).collect()
}

/// A certificate that is its own authority, and what is needed of it.
struct Identity {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Identity {
    fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        Self { certificate: cert.pem(), key: signing_key.serialize_pem(), der: cert.der().clone() }
    }

    fn tls(&self) -> TlsConfig {
        TlsConfig::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        roots
    }

    fn client(&self, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        self.client_of(&["h2", "http/1.1"], stream)
    }

    /// A client that offers these protocols.
    fn client_of(&self, protocols: &[&str], stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        let roots = self.roots();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }
}

struct Stage {
    identity: Identity,
    server: TestServer,
    /// The lines of the handlers, and those of the server itself.
    log: Log,
}

impl Stage {
    fn new() -> Self {
        Self::with(HTTPServer::builder())
    }

    fn with(builder: ServerBuilder) -> Self {
        let (identity, log) = (Identity::new(), Log::default());
        let lines = log.clone();
        let factory = move |base| Act { base, log: lines.clone() };
        let builder = builder.log_line(log.taker());
        let server = TestServer::with(builder.tls(identity.tls()), factory);
        Self { identity, server, log }
    }

    fn client(&self) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        Client::over(self.identity.client(self.server.connect().unwrap()))
    }
}

#[test]
fn requests_one_after_the_other_and_all_at_once() {
    let stage = Stage::new();
    let mut client = stage.client();
    assert_eq!(client.ask(GET).text(), "/ true");
    assert_eq!(client.ask(GET).text(), "/ true");
    client.send(GET.repeat(100));
    for _ in 0..100 {
        assert_eq!(client.response().text(), "/ true");
    }
}

#[test]
fn all_addresses_of_a_server_speak_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stage = Stage::with(HTTPServer::builder().also_from_listener(listener));
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(basehttp_tests::PATIENCE)).unwrap();
    assert_eq!(Client::over(stage.identity.client(stream)).ask(GET).text(), "/ true");
    assert_eq!(stage.client().ask(GET).text(), "/ true");
}

#[test]
fn bodies_go_both_ways_whole() {
    let stage = Stage::new();
    let body = content();
    let mut client = stage.client();
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    assert!(client.ask([head.as_bytes(), &body].concat()).body == body);
    assert!(client.ask("GET /file HTTP/1.1\r\nHost: a\r\n\r\n").body == body, "a file that the server sends");
    assert_eq!(client.ask(GET).text(), "/ true");
}

/// For a while the client does not read what the server has to encrypt first.
#[test]
fn a_slow_reader_gets_all_and_others_are_served() {
    let stage = Stage::new();
    let mut slow = stage.client();
    slow.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..20 {
        assert_eq!(stage.client().ask(GET).text(), "/ true");
    }
    assert_eq!(slow.response().body.len(), BIG);
    assert_eq!(slow.ask(GET).text(), "/ true");
}

/// Also without optimization, as tests are built.
#[test]
fn the_least_stack_is_enough_for_a_handshake() {
    let stage = Stage::with(HTTPServer::builder().stack_size(128 << 10));
    for _ in 0..20 {
        assert_eq!(stage.client().ask(GET).text(), "/ true");
    }
}

/// The connection ends, in order or with a reset, before the test loses its patience. Returns what came before.
fn read_to_its_end(stream: &mut impl Read) -> Vec<u8> {
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        let ends = [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof];
        assert!(ends.contains(&error.kind()), "{error} after {rest:?}");
    }
    rest
}

/// Sends written data a byte at a time, each in a segment of its own.
#[test]
fn a_handshake_in_single_bytes() {
    let stage = Stage::new();
    let mut stream = stage.server.connect().unwrap();
    stream.set_nodelay(true).unwrap();
    let mut client = stage.identity.client(stream.try_clone().unwrap());
    while client.conn.is_handshaking() {
        while client.conn.wants_write() {
            let mut bytes = Vec::new();
            client.conn.write_tls(&mut bytes).unwrap();
            for byte in bytes {
                stream.write_all(&[byte]).unwrap();
            }
        }
        if client.conn.is_handshaking() {
            client.conn.read_tls(&mut stream).unwrap();
            client.conn.process_new_packets().unwrap();
        }
    }
    assert_eq!(Client::over(client).ask(GET).text(), "/ true");
}

#[test]
fn a_handshake_has_one_deadline_however_it_trickles_in() {
    let builder = HTTPServer::builder().handshake_timeout(Duration::from_millis(200));
    let stage = Stage::with(builder);
    let silent: Vec<_> = (0..20).map(|_| stage.server.connect().unwrap()).collect();
    let mut half = stage.server.connect().unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1, 0]).unwrap();
    // A record that is incomplete when its time is over, however long the test takes.
    let mut trickling = stage.server.connect().unwrap();
    trickling.write_all(&[22, 3, 1, 63, 0, 1, 0]).unwrap();
    // It continues until the server has closed.
    wait_until("the server closes in the face of a client that trickles", || {
        std::thread::sleep(Duration::from_millis(20));
        trickling.write_all(&[0]).is_err()
    });
    for mut stream in silent.into_iter().chain([half]) {
        assert_eq!(read_to_its_end(&mut stream), b"");
    }
    assert_eq!(stage.client().ask(GET).text(), "/ true");
    assert!(!stage.log.lines().iter().any(|line| line.contains("408")), "{:?}", stage.log.lines());
}

#[test]
fn plain_http_is_told_what_is_spoken_here() {
    let stage = Stage::new();
    let mut client = Client::new(&stage.server);
    let response = client.ask("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((response.status, response.field("connection")), (400, Some("close")));
    assert!(response.text().contains("This port speaks HTTPS"), "{}", response.text());
    client.assert_closed();
    let mut client = Client::new(&stage.server);
    // In pieces, with an unread body.
    client.send("PO").send("ST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.response().status, 400);
    stage.log.wait_for("(plain-http)");
}

#[test]
fn what_is_neither_is_closed_and_disturbs_nobody() {
    let stage = Stage::new();
    for garbage in [
        &b"\x00\x01\x02\x03"[..],
        b"\x16\x03\x01\xff\xff\x00",
        b"\x80\x2e\x01\x03\x01",
        b"\x16\x03\x01\x00\x05hello",
        &[0xff; 5000],
    ] {
        let mut stream = stage.server.connect().unwrap();
        stream.write_all(garbage).unwrap();
        let _ = stream.shutdown(Shutdown::Write);
        // An alert at most.
        let end = read_to_its_end(&mut stream);
        assert!(end.len() < 100, "{end:?}");
    }
    assert_eq!(stage.client().ask(GET).text(), "/ true");
}

#[test]
fn a_body_that_is_cut_off_is_no_whole_body() {
    let stage = Stage::new();
    let mut stream = stage.identity.client(stage.server.connect().unwrap());
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").unwrap();
    stream.write_all(&vec![b'x'; 70_000]).unwrap();
    stream.flush().unwrap();
    stream.sock.shutdown(Shutdown::Write).unwrap();
    stage.log.wait_for("(incomplete-body)");
}

#[test]
fn the_server_says_that_it_ends() {
    let stage = Stage::new();
    let mut stream = stage.identity.client(stage.server.connect().unwrap());
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = Vec::new();
    // rustls treats an end without close_notify as an error.
    stream.read_to_end(&mut response).unwrap();
    assert!(response.ends_with(b"/ true"));
}

#[cfg(target_os = "linux")]
#[test]
fn half_handshakes_hold_no_threads() {
    use basehttp_tests::process::workers;

    let stage = Stage::new();
    let held: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = stage.server.connect().unwrap();
            stream.write_all(&[22, 3, 1, 2, 0, 1, 0]).unwrap();
            stream
        })
        .collect();
    assert_eq!(stage.client().ask(GET).text(), "/ true");
    // Those of the other tests in this process are counted too.
    wait_until("no thread waits for the handshakes", || workers() < 50);
    drop(held);
}

#[test]
fn a_connection_that_was_switched_is_encrypted_both_ways() {
    let stage = Stage::new();
    let mut client = Client::over(stage.identity.client(stage.server.connect().unwrap()));
    client.send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst;");
    let head = client.read_up_to(b"\r\n\r\n");
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
    assert_eq!(client.read_up_to(b";"), b"first;");
    let long = "x".repeat(300_000) + ";";
    client.send(&long);
    assert_eq!(client.read_up_to(b";").len(), long.len());
}

#[test]
fn a_proxy_header_comes_before_the_handshake() {
    let proxies = TrustedProxies::new(["127.0.0.1"]).unwrap().proxy_protocol(true);
    let stage = Stage::with(HTTPServer::builder().trusted_proxies(proxies));
    let mut stream = stage.server.connect().unwrap();
    stream.write_all(b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n").unwrap();
    let mut client = Client::over(stage.identity.client(stream));
    let response = client.ask("GET /who HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.text(), "192.0.2.7:4660 https");

    let mut without = Client::over(stage.identity.client(stage.server.connect().unwrap()));
    without.send(GET);
    let error = without.rest().expect_err("a handshake is no PROXY header");
    assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
}

#[test]
fn a_list_of_a_folder_arrives_whole_however_slowly_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..8000 {
        std::fs::File::create(folder.path().join(format!("{number:04}{}", "x".repeat(200)))).unwrap();
    }
    let files = Directory::open(folder.path()).unwrap();
    let of_memory = files.clone();
    let responses = respond(move |base| FileHandler::new(base, &of_memory), GET.as_bytes());
    assert!(responses[0].body.len() > 3_000_000);
    let identity = Identity::new();
    let builder = HTTPServer::builder().tls(identity.tls());
    let server = TestServer::with(builder, move |base| FileHandler::new(base, &files));
    let mut client = Client::over(identity.client(server.connect().unwrap()));
    client.send(GET).send(GET);
    // Another one is served meanwhile.
    let mut other = Client::over(identity.client(server.connect().unwrap()));
    assert!(other.ask(GET).body == responses[0].body);
    for _ in 0..2 {
        assert!(client.response().body == responses[0].body);
    }
}
