//! Stands between a proxy and a server: passes on all bytes, both ways, and judges them.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use std::{fs, mem};

use basehttp_tests::strict::End;
use basehttp_tests::{show, wait_until};

use crate::referee::Mark;
use crate::verdict::{Bytes, Desync, Tally};

/// With that many bytes of a connection, they are judged as soon as they are balanced.
const JUDGED_AT: usize = 64 * 1024;
/// How many desyncs of a kind are kept in files.
const KEPT: u64 = 3;
/// How long a server may be silent after its proxy has closed. Its own deadlines are shorter.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Tap {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    mark: Mark,
    /// Where the bytes of a desync are kept, and how the files begin.
    kept_at: PathBuf,
    report: Mutex<Report>,
    open: AtomicU64,
    ends: AtomicBool,
}

/// What has been judged.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) connections: u64,
    pub(crate) tally: Tally,
    /// The desyncs by kind: those of the server, and those of the proxy.
    pub(crate) of_server: BTreeMap<String, u64>,
    pub(crate) of_proxy: BTreeMap<String, u64>,
}

impl Report {
    pub(crate) fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.tally.add(&other.tally);
        for (mine, theirs) in [(&mut self.of_server, other.of_server), (&mut self.of_proxy, other.of_proxy)] {
            for (what, count) in theirs {
                *mine.entry(what).or_default() += count;
            }
        }
    }
}

impl Tap {
    /// Listens for a proxy, in front of a server.
    pub(crate) fn start(server: SocketAddr, mark: Mark, kept_at: PathBuf) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            server,
            mark,
            kept_at,
            report: Mutex::default(),
            open: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ends.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                accepting.open.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&accepting);
                thread::spawn(move || {
                    // A server that cannot be reached has nothing to judge.
                    if let Err(error) = shared.relay(&stream) {
                        shared
                            .note(&Desync::Server(format!("cannot be reached: {error}")), &Bytes::default());
                    }
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Self { port, shared })
    }

    /// Waits until all connections have ended, and been judged. The proxy has ended.
    pub(crate) fn finish(self) -> Report {
        wait_until("the proxy's connections end", || self.shared.open.load(Ordering::SeqCst) == 0);
        self.shared.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        mem::take(&mut *self.shared.report())
    }
}

impl Shared {
    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on all bytes of a connection, until both sides have ended.
    fn relay(self: &Arc<Self>, proxy: &TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        server.set_nodelay(true)?;
        proxy.set_nodelay(true)?;
        let bytes = Mutex::new(Bytes::default());
        let end = thread::scope(|scope| {
            scope.spawn(|| {
                self.pass_on(proxy, &server, &bytes, true);
                // The server answers what it has got, though nobody may read it any more.
                let _ = server.set_read_timeout(Some(PATIENCE));
                let _ = server.shutdown(Shutdown::Write);
            });
            let end = self.pass_on(&server, proxy, &bytes, false);
            let _ = proxy.shutdown(Shutdown::Both);
            end
        });
        let bytes = bytes.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.judge(&bytes, end);
        self.report().connections += 1;
        Ok(())
    }

    /// Passes on one direction, until its end. The server's bytes are read to their end, also those that cannot be passed on.
    fn pass_on(&self, mut from: &TcpStream, mut to: &TcpStream, bytes: &Mutex<Bytes>, is_up: bool) -> End {
        let mut buffer = [0; 16 * 1024];
        let mut is_deaf = false;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return End::Closed,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return End::Reset,
            };
            let piece = &buffer[..count];
            {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                if is_up {
                    bytes.up.extend_from_slice(piece);
                } else {
                    bytes.down.extend_from_slice(piece);
                }
                if bytes.up.len() + bytes.down.len() > JUDGED_AT && !is_up && bytes.are_balanced(&self.mark) {
                    let judged = mem::take(&mut *bytes);
                    self.judge(&judged, End::Closed);
                }
            }
            if !is_deaf && to.write_all(piece).is_err() {
                // A server that does not read any more may have said why.
                if is_up {
                    return End::Reset;
                }
                is_deaf = true;
            }
        }
    }

    fn judge(&self, bytes: &Bytes, end: End) {
        let mut tally = Tally::default();
        let verdict = bytes.judge(&self.mark, end, &mut tally);
        self.report().tally.add(&tally);
        if let Err(desync) = verdict {
            self.note(&desync, bytes);
        }
    }

    /// Counts a desync, and keeps the bytes of the first ones.
    fn note(&self, desync: &Desync, bytes: &Bytes) {
        let mut report = self.report();
        let (counts, of, what) = match desync {
            Desync::Server(what) => (&mut report.of_server, "server", what),
            Desync::Proxy(what) => (&mut report.of_proxy, "proxy", what),
        };
        let count = counts.entry(what.clone()).or_default();
        *count += 1;
        if *count > KEPT {
            return;
        }
        let number = *count + u64::try_from(counts.len()).unwrap_or_default() * 10;
        drop(report);
        let text = format!(
            "{what}\n\n== The proxy sent\n{}\n\n== The server sent\n{}\n",
            show(&bytes.up),
            show(&bytes.down)
        );
        let path = format!("{}-{of}-{number}.txt", self.kept_at.display());
        if let Err(error) = fs::write(&path, text) {
            println!("{path}: {error}");
        }
    }
}
