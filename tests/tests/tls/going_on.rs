//! Responses that continue, and event-driven connections, over TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp::{Later, Peer, Stream, UpgradedHandler};
use basehttp_tests::client::Client;
use basehttp_tests::wait_until;
use rustls::{ClientConnection, StreamOwned};

use super::Identity;

#[derive(Clone, Default)]
struct Shelf {
    streams: Arc<Mutex<Vec<Stream>>>,
    laters: Arc<Mutex<Vec<Later<Holder>>>>,
}

struct Holder {
    base: BaseHTTPRequestHandler,
    shelf: Shelf,
}

struct Echo;

impl UpgradedHandler for Echo {
    fn received(&mut self, peer: &Peer, bytes: &[u8]) -> io::Result<()> {
        peer.send(bytes)
    }
}

#[http_handler]
impl Holder {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/later" => self.shelf.laters.lock().unwrap().push(self.later()?),
            "/stream" => {
                self.send_response(200);
                self.end_headers()?;
                self.shelf.streams.lock().unwrap().push(self.stream()?);
            }
            _ => {
                self.send_response(101);
                self.send_header("Upgrade", "echo");
                self.send_header("Connection", "Upgrade");
                self.end_headers()?;
                self.upgrade_to(Echo)?;
            }
        }
        Ok(())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

struct Stage {
    identity: Identity,
    server: TestServer,
    shelf: Shelf,
}

impl Stage {
    fn new() -> Self {
        let (identity, shelf) = (Identity::new(), Shelf::default());
        let of_handlers = shelf.clone();
        let factory = move |base| Holder { base, shelf: of_handlers.clone() };
        let server = TestServer::with(HTTPServer::builder().tls(identity.tls()), factory);
        Self { identity, server, shelf }
    }

    fn client(&self) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        Client::over(self.identity.client(self.server.connect().unwrap()))
    }

    fn stream(&self) -> Stream {
        wait_until("a stream is open", || !self.shelf.streams.lock().unwrap().is_empty());
        self.shelf.streams.lock().unwrap().remove(0)
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn a_stream_is_encrypted_by_whoever_sends() {
    let stage = Stage::new();
    let mut client = stage.client();
    client.send(get("/stream") + &get("/later"));
    let stream = stage.stream();
    for text in ["one", "two"] {
        stream.send(text.as_bytes()).unwrap();
        client.read_up_to(text.as_bytes());
    }
    let sending = thread::spawn(move || stream.send_within(&vec![b'x'; 200_000], Duration::from_secs(60)));
    client.read_up_to(b"\r\n0\r\n\r\n");
    sending.join().unwrap().unwrap();
    wait_until("it is put off", || !stage.shelf.laters.lock().unwrap().is_empty());
    let later = stage.shelf.laters.lock().unwrap().remove(0);
    later.resume(|handler| {
        handler.send_response(200);
        handler.end_headers()?;
        handler.wfile.write_all(b"later")
    });
    assert_eq!(client.response().text(), "later");
}

#[test]
fn a_client_that_does_not_read_is_waited_for() {
    let stage = Stage::new();
    let mut client = stage.client();
    client.send(get("/stream"));
    let stream = stage.stream();
    let piece = vec![b'x'; 50_000];
    let mut taken = 0;
    while stream.send(&piece).is_ok() {
        taken += piece.len();
        assert!(taken < 100_000_000, "it is bounded");
    }
    drop(stream);
    assert_eq!(client.response().body.len(), taken);
}

#[test]
fn what_comes_encrypted_is_told_of() {
    let stage = Stage::new();
    let mut stream = stage.identity.client(stage.server.connect().unwrap());
    // More than one record, together with the request.
    let many = vec![b'm'; 100_000];
    stream.write_all(&[get("/echo").as_bytes(), &many].concat()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let mut echo = vec![0; many.len()];
    stream.read_exact(&mut echo).unwrap();
    assert!(echo == many);
    stream.write_all(b"more").unwrap();
    let mut more = [0; 4];
    stream.read_exact(&mut more).unwrap();
    assert_eq!(&more, b"more");
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}
