//! The server's process as the soak sees it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use basehttp_tests::process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::child::MARK;
use crate::log_reader::LogReader;
use crate::peer::Peer;
use crate::stage::Way;
use crate::wire::{self, Wire};
use crate::{content, probe, scripts};

const ARENAS: &str = "MALLOC_ARENA_MAX";

#[derive(Debug)]
pub(crate) struct Server {
    child: Mutex<Option<Child>>,
    id: u32,
    addresses: [SocketAddr; 2],
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    pub(crate) log: Arc<LogReader>,
    pub(crate) certificates: Certificates,
    pub(crate) grace: Duration,
    /// How long it lets a client be silent.
    pub(crate) patience: Duration,
    folder: TempDir,
}

/// What the system reports about the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// KiB in memory that do not belong to a file.
    pub(crate) memory: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    /// Scripts and what they have started, and zombies.
    pub(crate) processes: usize,
    /// Temporary files that have a name.
    pub(crate) temporary: usize,
}

/// How the server ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    /// Its last words.
    pub(crate) report: String,
    /// From the signal to the end of the process.
    pub(crate) took: Duration,
}

impl Server {
    /// Starts it. `copy` gets its log, `lost` says what to leak.
    pub(crate) fn start(
        grace: Duration,
        patience: Duration,
        copy: Option<File>,
        lost: &[String],
    ) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("soak").tempdir()?;
        let mark = folder.path().display().to_string();
        for name in ["site/files", "site/stored", "site/cgi-bin", "tmp", "tls"] {
            fs::create_dir_all(folder.path().join(name))?;
        }
        for length in content::FILES {
            fs::write(folder.path().join("site/files").join(length.to_string()), content::bytes(0, length))?;
        }
        scripts::write(&folder.path().join("site/cgi-bin"))?;
        let certificates = Certificates::new(&folder.path().join("tls"))?;
        // With an arena for each of many threads, glibc reaches its high-water mark only after an hour or more, and a leak
        // could not be distinguished from that. A number in the environment takes precedence.
        let arenas = env::var(ARENAS).unwrap_or_else(|_| "1".to_owned());
        let mut child = Command::new(env::current_exe()?)
            .env(ARENAS, arenas)
            .env(MARK, mark)
            .env("TMPDIR", folder.path().join("tmp"))
            .arg("serve")
            .arg(folder.path())
            .arg(grace.as_secs().to_string())
            .arg(patience.as_secs().to_string())
            .args(lost)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let errors = child.stderr.take().expect("a pipe");
        let log = Arc::new(LogReader::default());
        let reader = log.clone();
        thread::spawn(move || reader.read(errors, copy));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let ports: Vec<u16> = line.split_whitespace().filter_map(|port| port.parse().ok()).collect();
        let &[http, https] = &ports[..] else {
            return Err(io::Error::other(format!("the server does not start: {}", log.end())));
        };
        Ok(Self {
            id: child.id(),
            child: Mutex::new(Some(child)),
            addresses: [http, https].map(|port| (Ipv4Addr::LOCALHOST, port).into()),
            pipes: Mutex::new((input, output)),
            log,
            certificates,
            grace,
            patience,
            folder,
        })
    }

    pub(crate) fn address(&self, way: Way) -> SocketAddr {
        self.addresses[way as usize]
    }

    /// A new connection, in TLS with the newest version.
    pub(crate) fn connect(&self, way: Way) -> io::Result<Peer> {
        let stream = wire::connect(self.address(way))?;
        Ok(Peer::over(match way {
            Way::Http => Wire::Plain(stream),
            Way::Https => Wire::secure(stream, &self.certificates.clients.modern)?,
        }))
    }

    fn ask(&self, order: &str) -> io::Result<u64> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *pipes;
        writeln!(input, "{order}")?;
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Err(io::Error::other(format!("the server is gone; its log ends:\n{}", self.log.end())));
        }
        line.trim().parse().map_err(io::Error::other)
    }

    /// How many lines its handlers have logged.
    pub(crate) fn logged(&self) -> io::Result<u64> {
        self.ask("logged")
    }

    /// How many sockets, tunnels, subscribers and threads of its handlers there are.
    pub(crate) fn alive(&self) -> io::Result<u64> {
        self.ask("alive")
    }

    pub(crate) fn figures(&self) -> Figures {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
        };
        Figures {
            memory: number("RssAnon").unwrap_or_default(),
            descriptors: self.descriptors(),
            threads: usize::try_from(number("Threads").unwrap_or_default()).expect("a small number"),
            processes: self.processes(),
            temporary: self.temporary(),
        }
    }

    /// Its scripts, and what they have started, wherever it is; and its zombies.
    pub(crate) fn processes(&self) -> usize {
        // A child that is no zombie may be counted twice. The server itself has the mark, too.
        let marked = probe::marked(&format!("{MARK}={}", self.folder.path().display()));
        probe::children(self.id).max(marked.saturating_sub(1))
    }

    fn temporary(&self) -> usize {
        fs::read_dir(self.folder.path().join("tmp")).map_or(0, Iterator::count)
    }

    /// Processes and temporary files that are left when the server is gone.
    pub(crate) fn remains(&self) -> (usize, usize) {
        (probe::marked(&format!("{MARK}={}", self.folder.path().display())), self.temporary())
    }

    pub(crate) fn stored(&self) -> PathBuf {
        self.folder.path().join("site/stored")
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id)).map_or(0, Iterator::count)
    }

    /// The processor time that it has used, in hundredths of a second.
    pub(crate) fn ticks(&self) -> u64 {
        if Path::new(&format!("/proc/{}/stat", self.id)).exists() { process::ticks(self.id) } else { 0 }
    }

    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended is not waited for before `wait`, so its id is not reused.
        let _ = kill(Pid::from_raw(i32::try_from(self.id).expect("a process")), signal);
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) -> Instant {
        let now = Instant::now();
        self.signal(Signal::SIGTERM);
        now
    }

    /// Waits until it has ended, for this time at most.
    pub(crate) fn wait(&self, since: Instant, patience: Duration) -> io::Result<End> {
        let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(io::Error::other("it was ended before"));
        };
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if since.elapsed() > patience => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(io::Error::other("the process does not end"));
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let took = since.elapsed();
        let mut report = String::new();
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        while pipes.1.read_line(&mut report)? > 0 {}
        Ok(End { status, report: report.lines().last().unwrap_or_default().to_owned(), took })
    }
}

impl Server {
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
