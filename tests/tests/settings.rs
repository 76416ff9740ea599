//! The settings of a server and its end, from the wire.

#[path = "settings/bounds.rs"]
mod bounds;
#[path = "settings/cross_origin.rs"]
mod cross_origin;
#[path = "settings/hosts.rs"]
mod hosts;
#[path = "settings/name_lookup.rs"]
mod name_lookup;
#[path = "settings/shutdown.rs"]
mod shutdown;
#[path = "settings/stack.rs"]
mod stack;
#[path = "settings/stats.rs"]
mod stats;
#[path = "settings/wrong.rs"]
mod wrong;

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::PATIENCE;
use basehttp_tests::client::Client;

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
pub(crate) const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

/// More than the systems at both ends buffer for a connection.
pub(crate) const BIG: usize = 32 << 20;

/// Does what the path says; `/wait` reports that it has begun, and waits until it may continue.
pub(crate) struct Handler {
    base: BaseHTTPRequestHandler,
    gate: Arc<Gate>,
}

pub(crate) struct Gate {
    entered: Mutex<Sender<()>>,
    open: Mutex<Receiver<()>>,
}

/// The test's side of a [`Gate`].
pub(crate) struct Keys {
    entered: Receiver<()>,
    open: Sender<()>,
}

impl Keys {
    /// Waits until a handler has begun to wait.
    pub(crate) fn wait(&self) {
        self.entered.recv_timeout(PATIENCE).expect("a handler that begins");
    }

    /// Lets one handler continue.
    pub(crate) fn open(&self) {
        self.open.send(()).expect("a server");
    }
}

pub(crate) fn connect(port: u16) -> Client {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server that listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::over(stream)
}

/// Makes handlers with a gate.
pub(crate) fn gated() -> (impl Fn(BaseHTTPRequestHandler) -> Handler + Send + Sync + 'static, Keys) {
    let (enter, entered) = channel();
    let (open, opened) = channel();
    let gate = Arc::new(Gate { entered: Mutex::new(enter), open: Mutex::new(opened) });
    (move |base| Handler { base, gate: gate.clone() }, Keys { entered, open })
}

#[http_handler]
impl Handler {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let mut text = self.path().to_owned();
        match self.path() {
            "/wait" => {
                let _ = self.gate.entered.lock().unwrap().send(());
                let _ = self.gate.open.lock().unwrap().recv_timeout(PATIENCE);
            }
            "/end" => {
                self.server().handle().shutdown_within(Duration::from_millis(50));
                text = self.server().handle().wait().to_string();
            }
            "/big" => return self.send_big(),
            "/slow-reader" => {
                self.set_write_timeout(Duration::from_millis(20));
                return self.send_big();
            }
            "/patient" => {
                self.set_write_timeout(PATIENCE);
                return self.send_big();
            }
            _ => {}
        }
        self.say(&text)
    }

    fn do_POST(&self) -> io::Result<()> {
        match self.path() {
            "/own" => self.set_read_timeout(Duration::from_millis(20)),
            "/patient" => self.set_read_timeout(PATIENCE),
            _ => {}
        }
        let body = self.read_body(1 << 20)?;
        self.say(&body.len().to_string())
    }

    fn say(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    /// Reports when all of it is written, or that it could not be.
    fn send_big(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Length", BIG);
        self.end_headers()?;
        let written = self.wfile.write_all(&vec![b'x'; BIG / 2]).and_then(|()| {
            // In small pieces, which go through the buffer.
            (0..BIG / 2048).try_for_each(|_| self.wfile.write_all(&[b'y'; 1024]))
        });
        let _ = self.gate.entered.lock().unwrap().send(());
        written
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}
