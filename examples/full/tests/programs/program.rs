//! An example as what it is, a program.

use std::env;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running example. It is stopped at the end of the test, however that ends.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Program {
    /// Starts an example, and learns from its first line where it listens.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        Self::listening(name, spawn(name, arguments))
    }

    /// An example that was started.
    pub(crate) fn listening(name: &str, mut child: Child) -> Self {
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self { child, stdout, port: 0 };
        let line = program.line();
        let address = line.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/"));
        program.port =
            address.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{name}: {line:?}"));
        program
    }

    /// The next line of its standard output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends all of a client's requests, and returns all responses.
    pub(crate) fn exchange(&self, requests: impl Display) -> String {
        let mut stream = self.connect();
        stream.write_all(requests.to_string().as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        String::from_utf8(answers).unwrap()
    }

    /// Stops the program, and returns what it has written to standard error.
    pub(crate) fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if the program has already ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn spawn(name: &str, arguments: &[&str]) -> Child {
    spawn_with(name, arguments, &[])
}

/// With more in its environment.
pub(crate) fn spawn_with(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let program = path(name);
    Command::new(&program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{}: {error}; build it with `cargo build --workspace --examples`", program.display())
        })
}

/// This test is `target/<profile>/deps/programs-<hash>`; the examples are in `target/<profile>/examples`.
fn path(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// An HTTP/1.1 request that asks for the connection to be closed.
pub(crate) fn request(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

/// Reads up to the empty line, and no further.
pub(crate) fn read_head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head:?} and no more");
    }
    head
}

#[track_caller]
pub(crate) fn check(answer: &str, status: &str, parts: &[&str]) {
    assert_eq!(answer.lines().next(), Some(status), "{answer}");
    for part in parts {
        assert!(answer.contains(part), "no {part:?} in {answer}");
    }
}
