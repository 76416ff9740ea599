//! The handler of both servers: whatever a handler can do, with bodies that can be checked.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{mem, thread};

use basehttp::prelude::*;
use basehttp::{Assets, Broadcast, CGIHTTPRequestHandler, Later, Payload, SimpleHTTPRequestHandler};

use crate::{content, lasting};

/// What is leaked on purpose, to see that the leak is found.
#[derive(Debug, Default)]
pub(crate) struct Leaks {
    pub(crate) what: Vec<String>,
    pub(crate) kept: Mutex<Vec<Vec<u8>>>,
}

/// What the handlers share.
pub(crate) struct House {
    pub(crate) leaks: Leaks,
    /// How long a client or a script may be silent, and how long a client may take nothing.
    pub(crate) patience: Duration,
    requests: AtomicU64,
    pub(crate) logged: AtomicU64,
    /// Sockets, tunnels and threads of handlers that exist.
    alive: AtomicI64,
    /// Where uploads go.
    pub(crate) stored: PathBuf,
    /// The file that is sent in parts.
    pub(crate) large: Arc<File>,
    /// The bytes that are sent in parts.
    pub(crate) shared: Arc<Vec<u8>>,
    pub(crate) news: Broadcast,
    /// More than a client can take that reads nothing. It runs while it has clients.
    pub(crate) torrent: Broadcast,
    /// Long polls, by their numbers.
    waiting: Mutex<HashMap<u64, Later<Soaked>>>,
    /// The HTTP server's own address, the only one to which tunnels lead.
    pub(crate) address: std::sync::OnceLock<SocketAddr>,
}

/// One of `House::alive`.
pub(crate) struct Alive(Arc<House>);

impl Alive {
    pub(crate) fn house(&self) -> &House {
        &self.0
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct Soaked {
    pub(crate) base: CGIHTTPRequestHandler,
    pub(crate) house: Arc<House>,
}

static ASSETS: Assets = Assets::new(&[
    ("/assets/index.html", b"<!DOCTYPE html><title>Soak</title>\n"),
    ("/assets/table.bin", &content::TABLE),
]);

#[http_handler(extends = CGIHTTPRequestHandler, protocol_version = "HTTP/1.1", routes = [API])]
impl Soaked {
    /// What the path asks for, with a number that gives the amount.
    fn do_GET(&mut self) -> io::Result<()> {
        self.house.lose();
        let path = self.path().to_owned();
        let (what, text) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        let number = text.parse::<u64>().unwrap_or_default();
        match what {
            "some" => self.say(&format!("{} {}\n", self.command(), self.path())),
            "bytes" => {
                self.begin(Some(number))?;
                self.pieces(number, 16 * 1024, false)
            }
            "stream" => {
                self.begin(None)?;
                self.pieces(number, 1000, true)
            }
            "sleep" => {
                thread::sleep(Duration::from_millis(number.min(1000)));
                self.say(&format!("slept {number}\n"))
            }
            "compute" => self.say(&format!("{:016x}\n", content::compute(number.min(1_000_000)))),
            "panic" => panic!("on purpose"),
            "half" => {
                self.begin(None)?;
                self.pieces(number, 1000, true)?;
                panic!("on purpose, with half of a response sent")
            }
            "error" => Err(io::Error::other("on purpose")),
            "who" => self.say(&format!("{} {}\n", self.scheme(), self.address_string())),
            "large" => {
                self.begin(Some(number))?;
                self.wfile.send_file(&self.house.large, 0..number)
            }
            "shared" => {
                self.begin(Some(number))?;
                self.wfile.send_bytes(Payload::from_owner(Part(self.house.shared.clone(), number)))
            }
            "assets" => {
                if ASSETS.serve(self)? {
                    Ok(())
                } else {
                    self.send_error(404)
                }
            }
            "ticks" | "abort" | "own-events" | "later" | "dropped" | "poll" | "events" | "torrent" => {
                lasting::begin(self, what, number)
            }
            "socket" | "turn" | "hold" | "split" => lasting::switch(self, what),
            _ => SimpleHTTPRequestHandler::do_GET(self),
        }
    }

    fn do_HEAD(&mut self) -> io::Result<()> {
        self.do_GET()
    }

    fn do_POST(&mut self) -> io::Result<()> {
        self.house.lose();
        match self.path() {
            "/sum" => {
                let (mut length, mut sum) = (0, 0);
                self.each_piece(|piece| {
                    length += piece.len() as u64;
                    sum = content::checksum(sum, piece);
                    Ok(())
                })?;
                self.say(&content::sum(length, sum))
            }
            "/echo" => {
                self.begin(None)?;
                self.each_piece(|piece| self.wfile.write_all(piece))
            }
            "/ignore" => self.say("not read\n"),
            _ => CGIHTTPRequestHandler::do_POST(self),
        }
    }

    fn do_CONNECT(&self) -> io::Result<()> {
        let address = self.house.address.get().copied();
        let Some(address) = address.filter(|address| address.to_string() == self.path()) else {
            return self.send_error(403);
        };
        let Ok(stream) = TcpStream::connect_timeout(&address, self.house.patience) else {
            return self.send_error(502);
        };
        self.begin(None)?;
        self.relay_with_idle_timeout(stream, 2 * self.house.patience)
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.house.logged.fetch_add(1, Ordering::SeqCst);
        BaseHTTPRequestHandler::log_message(self, message);
    }

    pub(crate) fn begin(&self, length: Option<u64>) -> io::Result<()> {
        self.send_response(200);
        if let Some(length) = length {
            self.send_header("Content-Length", length);
        }
        self.end_headers()
    }

    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        self.begin(None)?;
        self.wfile.write_all(text.as_bytes())
    }

    fn pieces(&self, length: u64, piece: usize, flush: bool) -> io::Result<()> {
        for from in (0..length).step_by(piece) {
            self.wfile.write_all(&content::bytes(from, length.min(from + piece as u64)))?;
            if flush {
                self.wfile.flush()?;
            }
        }
        Ok(())
    }

    pub(crate) fn each_piece(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut piece = [0; 8192];
        loop {
            match self.rfile.read(&mut piece)? {
                0 => return Ok(()),
                count => take(&piece[..count])?,
            }
        }
    }

    /// Copies to a file that nobody sees before it is complete, and says what it was.
    pub(crate) fn keep(&self, name: Option<u64>, mut from: impl Read) -> io::Result<String> {
        let mut file = tempfile::NamedTempFile::new()?;
        let (mut length, mut sum, mut piece) = (0, 0, [0; 8192]);
        loop {
            match from.read(&mut piece)? {
                0 => break,
                count => {
                    file.write_all(&piece[..count])?;
                    length += count as u64;
                    sum = content::checksum(sum, &piece[..count]);
                }
            }
        }
        if let Some(name) = name {
            file.persist(self.house.stored.join(name.to_string()))?;
        }
        Ok(content::sum(length, sum))
    }
}

/// The first bytes of what is shared.
struct Part(Arc<Vec<u8>>, u64);

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        let length = usize::try_from(self.1).unwrap_or(usize::MAX).min(self.0.len());
        &self.0[..length]
    }
}

impl Leaks {
    fn have(&self, what: &str) -> bool {
        self.what.iter().any(|leak| leak == what)
    }
}

impl House {
    pub(crate) fn new(leaks: Leaks, folder: &std::path::Path, patience: Duration) -> io::Result<Self> {
        let site = folder.join("site");
        let large = Arc::new(File::open(site.join("files").join(content::LARGE.to_string()))?);
        Ok(Self {
            leaks,
            patience,
            requests: AtomicU64::default(),
            logged: AtomicU64::default(),
            alive: AtomicI64::default(),
            stored: site.join("stored"),
            large,
            shared: Arc::new(content::bytes(0, content::LARGE)),
            news: Broadcast::builder().history(4000, 2 << 20).build(),
            torrent: Broadcast::builder().history(0, 0).build(),
            waiting: Mutex::default(),
            address: std::sync::OnceLock::new(),
        })
    }

    pub(crate) fn alive(self: &Arc<Self>) -> Alive {
        self.alive.fetch_add(1, Ordering::SeqCst);
        Alive(self.clone())
    }

    /// Sockets, tunnels, threads, subscribers and long polls.
    pub(crate) fn count_alive(&self) -> i64 {
        let others = self.news.len() + self.torrent.len() + self.waiting().len();
        self.alive.load(Ordering::SeqCst) + i64::try_from(others).unwrap_or(i64::MAX)
    }

    pub(crate) fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Later<Soaked>>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, later| !later.is_gone());
        waiting
    }

    pub(crate) fn lose(&self) {
        let requests = self.requests.fetch_add(1, Ordering::SeqCst);
        if self.leaks.have("memory") {
            let kept = vec![1; 64 * 1024];
            self.leaks.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        // Some threads of the server come and go, so it takes more of them to see a leak.
        if self.leaks.have("threads") && requests % 20 == 19 {
            thread::spawn(thread::park);
        }
        if requests % 100 != 99 {
            return;
        }
        if self.leaks.have("descriptors") {
            mem::forget(fs::File::open("/dev/null"));
        }
        if self.leaks.have("processes") {
            // Nothing waits for it: it stays as a zombie.
            mem::forget(std::process::Command::new("true").spawn());
        }
    }
}
