//! A running command, and a minimal client.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
pub(crate) use nix::sys::signal::Signal;
use tempfile::TempDir;

/// Long enough for the slowest machine. A test that passes never waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a console can send.
#[cfg(windows)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    SIGINT,
}

/// Those that end the command.
#[cfg(unix)]
pub(crate) const SIGNALS: [Signal; 2] = [Signal::SIGINT, Signal::SIGTERM];
#[cfg(windows)]
pub(crate) const SIGNALS: [Signal; 1] = [Signal::SIGINT];

/// Sends a signal to a process.
#[cfg(unix)]
pub(crate) fn kill(process: u32, signal: Signal) {
    let id = nix::unistd::Pid::from_raw(process.try_into().expect("a process"));
    nix::sys::signal::kill(id, signal).expect("it still runs");
}

/// Only a process in the same console can send Ctrl-C: the program that `BASEHTTP_INTERRUPT` names, which `tests/systems/run`
/// builds, enters it for that.
#[cfg(windows)]
pub(crate) fn kill(process: u32, signal: Signal) {
    let Signal::SIGINT = signal;
    let program = std::env::var_os("BASEHTTP_INTERRUPT").expect("BASEHTTP_INTERRUPT: see tests/systems/run");
    let status = Command::new(program).arg(process.to_string()).status().expect("the program runs");
    assert!(status.success(), "Ctrl-C cannot be sent: {status}");
}

/// The command, not started yet. The environment has no password for it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_basehttp"));
    // A console of its own, so that Ctrl-C reaches it alone.
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
    command.env_remove("BASEHTTP_AUTH").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// As `command`, in a process that may have so many descriptors.
#[cfg(unix)]
pub(crate) fn command_with_descriptors(limit: u32) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_basehttp")]);
    command.env_remove("BASEHTTP_AUTH").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// Runs it to its end. Returns the exit code, the standard output and the standard error.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command().args(arguments).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A folder with some files.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in
        [("a.txt", "text of a"), ("sub/b.unheardof", "b"), (".hidden", "h"), ("sub/c.txt", "c")]
    {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    folder
}

/// A running command. Dropping this ends it, also when a test fails.
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
    /// What it printed at its start.
    pub(crate) greeting: Vec<String>,
    pub(crate) port: u16,
}

impl Program {
    /// Serves a folder on 127.0.0.1, on a port that the system chooses.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command();
        command.args(["0", "-b", "127.0.0.1", "-d"]).arg(folder).args(arguments);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let stderr: Arc<Mutex<String>> = Arc::default();
        let heard = stderr.clone();
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while errors.read_line(&mut line).is_ok_and(|count| count > 0) {
                heard.lock().expect("no reader panics").push_str(&line);
                line.clear();
            }
        });
        let mut program = Self { child, stdout, stderr, reader: Some(reader), greeting: Vec::new(), port: 0 };
        while program.greeting.last().is_none_or(|line| line != "Press Ctrl-C to stop") {
            let mut line = String::new();
            let count = program.stdout.read_line(&mut line).expect("a line");
            assert!(count > 0, "it does not serve: {}", program.log());
            program.greeting.push(line.trim_end().to_owned());
        }
        let url = program.greeting.iter().find(|line| line.contains("://")).expect("an address");
        let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
        program.port = port.expect("a port");
        program
    }

    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.stderr.lock().expect("no reader panics").clone()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(text, || self.log().contains(text));
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    /// Sends a request on a new connection, and reads the response.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        let mut stream = self.connect();
        stream.write_all(request.as_ref()).expect("the server takes it");
        Response::read(stream)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.get_with(path, "")
    }

    /// With additional fields, each with its line end.
    pub(crate) fn get_with(&self, path: &str, fields: &str) -> Response {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.child.id(), signal);
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for its end. Returns the exit status, what it wrote to standard output after the greeting, and what it wrote to
    /// standard error.
    pub(crate) fn wait(mut self) -> (ExitStatus, String, String) {
        wait_until("the end of the program", || !self.is_running());
        let status = self.child.wait().expect("a child");
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        self.reader.take().expect("a reader").join().expect("it reads to the end");
        let log = self.log();
        (status, rest, log)
    }

    /// Ends it with Ctrl-C.
    pub(crate) fn stop(self) -> (ExitStatus, String, String) {
        self.signal(Signal::SIGINT);
        self.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if the program has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time");
    stream
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// Reads until the connection closes.
    pub(crate) fn read(mut stream: impl Read) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a whole response");
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields(name).first().copied()
    }

    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |name: &OsStr| name.to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(&entry.expect("an entry").file_name())).collect();
    names.sort();
    names
}

/// The number of unfinished uploads in a folder.
pub(crate) fn unnamed(folder: &Path) -> usize {
    names(folder).iter().filter(|name| name.starts_with(".basehttp-")).count()
}
