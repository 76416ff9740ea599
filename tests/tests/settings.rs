//! The settings of a server and its end, from the wire.

#[path = "settings/shutdown.rs"]
mod shutdown;

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::PATIENCE;

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
pub(crate) const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

/// Does what the path says; `/wait` tells that it has begun, and waits until it may go on.
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

    /// Lets one handler go on.
    pub(crate) fn open(&self) {
        self.open.send(()).expect("a server");
    }
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
            _ => {}
        }
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}
