//! The server, in its own process, so that the system's information about the process concerns only the server.
//!
//! The first line of its output is the port. Each line of the input is a command. `logged` asks how many lines the handlers
//! have logged. `end` shuts the server down, and is answered by how the connections ended and by what is left in the process
//! afterwards.

use std::io::{self, BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, mem, panic, thread};

use basehttp::prelude::*;
use basehttp_tests::process;

use crate::content;

pub(crate) const MAX_CONNECTIONS: usize = 400;
pub(crate) const MAX_THREADS: usize = 48;
/// How long a client may be silent before, between and in requests, and how long it may take nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);
/// Shorter than a crowd lasts, and longer than a busy machine makes a thread wait.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);
const GRACE: Duration = Duration::from_secs(3);

/// What is leaked on purpose, to see that the leak is found.
#[derive(Debug, Default)]
struct Leaks {
    memory: bool,
    threads: bool,
    descriptors: bool,
    kept: Mutex<Vec<Vec<u8>>>,
}

#[derive(Debug, Default)]
struct House {
    leaks: Leaks,
    requests: AtomicU64,
    logged: AtomicU64,
}

struct Soaked {
    base: BaseHTTPRequestHandler,
    house: Arc<House>,
}

#[http_handler]
impl Soaked {
    const protocol_version: &str = "HTTP/1.1";

    /// What the path asks for, with a number that gives the amount.
    fn do_GET(&self) -> io::Result<()> {
        self.house.lose();
        let (what, number) = self.path().trim_start_matches('/').split_once('/').unwrap_or_default();
        let number = number.parse::<u64>().unwrap_or_default();
        match what {
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
            _ => self.say(&format!("{} {}\n", self.command(), self.path())),
        }
    }

    fn do_POST(&self) -> io::Result<()> {
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
            _ => self.say("not read\n"),
        }
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.house.logged.fetch_add(1, Ordering::SeqCst);
        BaseHTTPRequestHandler::log_message(self, message);
    }

    fn begin(&self, length: Option<u64>) -> io::Result<()> {
        self.send_response(200);
        if let Some(length) = length {
            self.send_header("Content-Length", length);
        }
        self.end_headers()
    }

    fn say(&self, text: &str) -> io::Result<()> {
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

    fn each_piece(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut piece = [0; 8192];
        loop {
            match self.rfile.read(&mut piece)? {
                0 => return Ok(()),
                count => take(&piece[..count])?,
            }
        }
    }
}

impl House {
    fn lose(&self) {
        let requests = self.requests.fetch_add(1, Ordering::SeqCst);
        if self.leaks.memory {
            let kept = vec![1; 1024];
            self.leaks.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        if self.leaks.threads && requests % 500 == 499 {
            thread::spawn(thread::park);
        }
        if self.leaks.descriptors && requests % 500 == 499 {
            mem::forget(fs::File::open("/dev/null"));
        }
    }
}

/// Waits until the server has left no thread and no descriptor behind.
fn wait_for_nothing(descriptors: usize) -> io::Result<()> {
    let deadline = Instant::now() + basehttp_tests::PATIENCE / 2;
    let left = || (process::server_threads(), process::descriptors().saturating_sub(descriptors));
    while left() != (0, 0) {
        if Instant::now() > deadline {
            let (threads, descriptors) = left();
            let text = format!("after the end {threads} threads and {descriptors} descriptors are left");
            return Err(io::Error::other(text));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Serves until it is told to end. The arguments say what to leak.
pub(crate) fn main(lost: &[String]) -> io::Result<()> {
    // Panics are deliberate here, the server logs them, and the standard library's own output could block.
    panic::set_hook(Box::new(|_| {}));
    let loses = |what: &str| lost.iter().any(|lost| lost == what);
    let (memory, threads, descriptors) = (loses("memory"), loses("threads"), loses("descriptors"));
    let leaks = Leaks { memory, threads, descriptors, ..Leaks::default() };
    let house = Arc::new(House { leaks, ..House::default() });
    let descriptors = process::descriptors();
    let of_handlers = house.clone();
    let mut server = HTTPServer::builder()
        .max_connections(MAX_CONNECTIONS)
        .max_threads(MAX_THREADS)
        .queue_timeout(QUEUE_TIMEOUT)
        .shutdown_grace(GRACE)
        .idle_timeout(PATIENCE)
        .head_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .write_timeout(PATIENCE)
        .bind(("127.0.0.1", 0), move |base| Soaked { base, house: of_handlers.clone() })?;
    let handle = server.handle();
    let mut output = io::stdout();
    writeln!(output, "{}", server.server_port())?;
    let serving = thread::spawn(move || server.serve_forever());
    for line in io::stdin().lock().lines() {
        match &*line? {
            "logged" => writeln!(output, "{}", house.logged.load(Ordering::SeqCst))?,
            "end" => {
                handle.shutdown();
                serving.join().expect("no panic")?;
                let report = handle.wait();
                // It has a descriptor for waking the poller.
                drop(handle);
                if lost.is_empty() {
                    wait_for_nothing(descriptors)?;
                }
                writeln!(output, "{report}")?;
                return Ok(());
            }
            order => panic!("no such order: {order}"),
        }
    }
    Ok(())
}
