//! A server in its own process, whose limits a test may lower. Linux only.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::PATIENCE;
use crate::client::Client;
use crate::log::Log;

/// The program `limited` of this package. It gets commands line by line, and ends with this value.
#[derive(Debug)]
pub struct LimitedServer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    addresses: Vec<SocketAddr>,
    /// What it writes to its standard error.
    pub log: Log,
    /// Kept open although nothing reads it.
    unheard: Option<ChildStderr>,
    /// A copy of the program, if one was needed.
    copy: Option<PathBuf>,
}

/// Where the program's standard error goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// To the test's [`Log`].
    Heard,
    /// To a pipe that is not read.
    Unheard,
    /// To a pipe whose reader has gone.
    Broken,
    /// To a full disk.
    Full,
    /// It is closed from the beginning.
    Closed,
}

/// How the program is started.
#[derive(Debug)]
pub struct Launch {
    command: Command,
    errors: Errors,
    copy: Option<PathBuf>,
}

impl Launch {
    /// Starts `program` without settings, and listens to its standard error.
    pub fn of(program: &str) -> Self {
        Self { command: Command::new(program), errors: Errors::Heard, copy: None }
    }

    /// Settings in pairs of a name and a number, see the program.
    #[must_use]
    pub fn settings(mut self, settings: &[&str]) -> Self {
        self.command.args(settings);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets where its standard error goes.
    #[must_use]
    pub fn errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        if errors == Errors::Closed {
            // Only a shell can start a program like this.
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "exec \"$0\" \"$@\" 2>&-"]).arg(self.command.get_program());
            command.args(self.command.get_args());
            command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            self.command = command;
        }
        self
    }

    /// Makes the limit on a user's threads apply to it. The limit does not apply to root, so another user runs it then,
    /// which may not be able to read the program's folder.
    #[must_use]
    pub fn unprivileged(mut self) -> Self {
        static COPIES: AtomicU32 = AtomicU32::new(0);
        if !is_root() {
            return self;
        }
        let number = COPIES.fetch_add(1, Ordering::Relaxed);
        let copy = std::env::temp_dir().join(format!("basehttp-limited-{}-{number}", std::process::id()));
        // Copied by another process: a child that another thread starts at the same time could inherit this process's open
        // file, and then the copy cannot be executed (ETXTBSY).
        let copied = Command::new("cp").arg("-p").arg(self.command.get_program()).arg(&copy).status();
        assert!(copied.is_ok_and(|status| status.success()), "a copy of the program");
        // No user has this number.
        let user = 64_123;
        let mut command = Command::new(&copy);
        command.args(self.command.get_args()).uid(user).gid(user).current_dir("/");
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        (self.command, self.copy) = (command, Some(copy));
        self
    }

    /// Starts it.
    pub fn start(mut self) -> LimitedServer {
        let errors = match self.errors {
            Errors::Full => File::options().write(true).open("/dev/full").expect("a full disk").into(),
            Errors::Closed => Stdio::null(),
            _ => Stdio::piped(),
        };
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = self.command.spawn().expect("the program starts");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let log = Log::default();
        let mut unheard = None;
        match (self.errors, child.stderr.take()) {
            (Errors::Heard, Some(errors)) => listen(errors, &log),
            (Errors::Unheard, errors) => unheard = errors,
            (_, errors) => drop(errors),
        }
        let addresses = Vec::new();
        let mut server = LimitedServer { child, input, output, addresses, log, unheard, copy: self.copy };
        for port in server.line().split(' ') {
            let port: u16 = port.parse().expect("a port");
            server.addresses.push((Ipv4Addr::LOCALHOST, port).into());
        }
        server
    }
}

impl LimitedServer {
    /// Starts the program; `settings` are pairs of a name and a number, see there.
    pub fn start(program: &str, settings: &[&str]) -> Self {
        Launch::of(program).settings(settings).start()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line of the program");
        line.trim().to_owned()
    }

    /// Makes it do something, and waits until that is done.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("the program reads");
        assert_eq!(self.line(), "done", "{command}: {:?}", self.log.lines());
    }

    /// Begins to read what was not read so far ([`Errors::Unheard`]).
    pub fn hear(&mut self) {
        listen(self.unheard.take().expect("a pipe that nobody reads"), &self.log);
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens; with several addresses, the first.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// All addresses at which it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Connects to it, with a time-out of a minute for reads and writes.
    ///
    /// # Errors
    /// If the system cannot connect.
    pub fn connect(&self) -> io::Result<Client> {
        self.connect_to(self.address())
    }

    /// As [`connect`](Self::connect), to one of its addresses.
    ///
    /// # Errors
    /// As there.
    pub fn connect_to(&self, address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client::over(stream))
    }

    /// Shuts it down gracefully, and checks that it succeeds.
    pub fn end(mut self) {
        self.tell("end");
        self.wait();
    }

    /// Waits until it has ended by itself, successfully.
    pub fn wait(&mut self) {
        let status = self.child.wait().expect("its status");
        assert!(status.success(), "{status}: {:?}", self.log.lines());
    }
}

impl Drop for LimitedServer {
    fn drop(&mut self) {
        // After `end` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(copy) = &self.copy {
            let _ = fs::remove_file(copy);
        }
    }
}

/// Records what is written to a standard error.
fn listen(errors: ChildStderr, log: &Log) {
    let lines = log.clone();
    thread::spawn(move || {
        BufReader::new(errors).lines().map_while(Result::ok).for_each(|line| lines.push(line));
    });
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = status.lines().find(|line| line.starts_with("Uid:")).expect("its user");
    line.split_whitespace().nth(2) == Some("0")
}
