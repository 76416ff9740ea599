//! The handler of that server. It does what the path says, and panics where it is told to.

use std::fmt::Arguments;
use std::io;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use basehttp::prelude::*;
use basehttp_tests::gate::Bar;

/// The place where user code must panic.
#[derive(Clone, Default)]
pub(crate) struct Trap(Arc<Mutex<String>>);

/// How the panic messages of a trap begin.
const SPRUNG: &str = "a trap in ";

impl Trap {
    pub(crate) fn set(&self, place: &str) {
        place.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Panics if the trap is set here.
    pub(crate) fn spring(&self, place: &str) {
        let is_set = *self.0.lock().unwrap_or_else(PoisonError::into_inner) == place;
        assert!(!is_set, "{SPRUNG}{place}");
    }

    /// Keeps the standard library from reporting the trap's panics: the server does.
    pub(crate) fn keep_quiet() {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let is_ours = payload.downcast_ref::<String>().is_some_and(|text| text.starts_with(SPRUNG))
                || payload.is::<Vec<u8>>();
            if !is_ours {
                tell(info);
            }
        }));
    }
}

pub(crate) struct Limited {
    base: BaseHTTPRequestHandler,
    bar: Bar,
    trap: Trap,
    logs_all: bool,
}

/// How much is written at a time.
const PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];

impl Limited {
    pub(crate) fn new(base: BaseHTTPRequestHandler, bar: &Bar, trap: &Trap, logs_all: bool) -> Self {
        trap.spring("factory");
        Self { base, bar: bar.clone(), trap: trap.clone(), logs_all }
    }
}

#[http_handler]
impl Limited {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.trap.spring("do_GET");
        let path = self.path();
        let (name, count) = match path.rsplit_once('/').map(|(name, count)| (name, count.parse())) {
            Some((name, Ok(count))) => (name, count),
            _ => (path, 0),
        };
        match name {
            "/counted" => return self.send_counted(count),
            "/chunked" => return self.send_chunked(count),
            "/error-after" => {
                self.send_chunked(1)?;
                return Err(io::Error::other("on purpose"));
            }
            "/panic-after" => {
                self.send_chunked(1)?;
                self.trap.set("do_GET, after the head");
                self.trap.spring("do_GET, after the head");
            }
            "/panic-with-memory" => panic::panic_any(vec![0_u8; 16 * 1024]),
            "/error" => return Err(io::Error::other("on purpose")),
            _ if path.starts_with("/wait") => self.bar.pass()?,
            _ => {}
        }
        self.say(path)
    }

    fn do_POST(&self) -> io::Result<()> {
        if self.path().starts_with("/wait") {
            self.bar.pass()?;
        }
        let mut piece = [0; 16 * 1024];
        let mut length = 0;
        loop {
            match self.rfile.read(&mut piece)? {
                0 => return self.say(&length.to_string()),
                count => length += count,
            }
        }
    }

    fn say(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    fn send_counted(&self, pieces: usize) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Length", pieces * PIECE.len());
        self.end_headers()?;
        (0..pieces).try_for_each(|_| self.wfile.write_all(&PIECE))
    }

    fn send_chunked(&self, pieces: usize) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        (0..pieces).try_for_each(|_| self.wfile.write_all(&PIECE).and_then(|()| self.wfile.flush()))
    }

    fn setup(&mut self) -> io::Result<()> {
        self.trap.spring("setup");
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.trap.spring("finish");
        Ok(())
    }

    fn log_message(&self, message: Arguments<'_>) {
        self.trap.spring("log_message");
        BaseHTTPRequestHandler::log_message(self, message);
    }

    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        self.trap.spring("log_request");
        if self.logs_all || self.path().starts_with("/logged") {
            BaseHTTPRequestHandler::log_request(self, code, size);
        }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.trap.spring("drop");
    }
}
