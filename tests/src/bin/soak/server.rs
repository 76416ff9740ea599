//! The server's process as the soak sees it.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use basehttp_tests::process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ARENAS: &str = "MALLOC_ARENA_MAX";

#[derive(Debug)]
pub(crate) struct Server {
    child: Mutex<Option<Child>>,
    id: u32,
    pub(crate) address: SocketAddr,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    pub(crate) log: Arc<LogReader>,
}

/// What the system reports about the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// KiB in memory that do not belong to a file.
    pub(crate) memory: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

impl Server {
    /// Starts it. `lost` says what to leak.
    pub(crate) fn start(lost: &[String]) -> io::Result<Self> {
        // With an arena for each of many threads, glibc reaches its high-water mark only after an hour or more, and a leak
        // could not be distinguished from that. A number in the environment takes precedence.
        let arenas = env::var(ARENAS).unwrap_or_else(|_| "1".to_owned());
        let mut child = Command::new(env::current_exe()?)
            .env(ARENAS, arenas)
            .arg("serve")
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
        thread::spawn(move || reader.read(errors));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self {
            id: child.id(),
            child: Mutex::new(Some(child)),
            address: (Ipv4Addr::LOCALHOST, port).into(),
            pipes: Mutex::new((input, output)),
            log,
        })
    }

    fn ask(&self, order: &str) -> io::Result<String> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *pipes;
        writeln!(input, "{order}")?;
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Err(io::Error::other(format!("the server is gone; its log ends:\n{}", self.log.end())));
        }
        Ok(line.trim().to_owned())
    }

    /// How many lines its handlers have logged.
    pub(crate) fn logged(&self) -> io::Result<u64> {
        self.ask("logged")?.parse().map_err(io::Error::other)
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
        }
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id)).map_or(0, Iterator::count)
    }

    /// The processor time that it has used, in hundredths of a second.
    pub(crate) fn ticks(&self) -> u64 {
        process::ticks(self.id)
    }

    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended is not waited for before `end`, so its id is not reused.
        let _ = kill(Pid::from_raw(i32::try_from(self.id).expect("a process")), signal);
    }

    /// Shuts it down, and returns its report.
    pub(crate) fn end(&self, patience: Duration) -> io::Result<String> {
        let report = self.ask("end")?;
        let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(io::Error::other("it was ended before"));
        };
        let deadline = Instant::now() + patience;
        loop {
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(report),
                Some(status) => return Err(io::Error::other(format!("{status}: {}", self.log.end()))),
                None if Instant::now() > deadline => {
                    let _ = child.kill();
                    return Err(io::Error::other("the process does not end"));
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
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

/// The reader of the server's log, which may pause.
#[derive(Debug, Default)]
pub(crate) struct LogReader {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    unread: bool,
    account: LogAccount,
    end: VecDeque<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogAccount {
    /// Lines about requests.
    pub(crate) requests: u64,
    /// Lines of the server itself.
    pub(crate) complaints: u64,
    /// Lines that the server reports as dropped.
    pub(crate) lost: u64,
}

impl LogReader {
    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_unread(&self, unread: bool) {
        self.state().unread = unread;
        self.changed.notify_all();
    }

    pub(crate) fn account(&self) -> LogAccount {
        self.state().account
    }

    /// The last lines.
    pub(crate) fn end(&self) -> String {
        Vec::from(self.state().end.clone()).join("\n")
    }

    fn read(&self, errors: ChildStderr) {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            let mut state = self.state();
            while state.unread {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let lost = line.strip_prefix("basehttp: ").and_then(|line| {
                line.strip_suffix(" log lines were dropped because they could not be written")?
                    .parse::<u64>()
                    .ok()
            });
            if let Some(lost) = lost {
                state.account.lost += lost;
            } else if line.starts_with("127.0.0.1 - - [") {
                state.account.requests += 1;
            } else {
                state.account.complaints += 1;
                state.end.push_back(line);
                if state.end.len() > 20 {
                    state.end.pop_front();
                }
            }
        }
    }
}
