//! A server in a process of its own, whose limits a test may lower. Linux only.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use crate::PATIENCE;
use crate::client::Client;
use crate::log::Log;

/// The program `limited` of this package, which is told what to do line by line, and ends with this.
#[derive(Debug)]
pub struct LimitedServer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
    /// What it writes to its standard error.
    pub log: Log,
    /// Kept open where nobody reads it.
    #[allow(dead_code, reason = "it is there to be there")]
    unheard: Option<ChildStderr>,
    /// A copy of the program, where one was needed.
    copy: Option<PathBuf>,
}

impl LimitedServer {
    /// Starts the program; `settings` are pairs of a name and a number, see there.
    pub fn start(program: &str, settings: &[&str]) -> Self {
        Self::run(Command::new(program).args(settings), None)
    }

    /// Starts it with nobody who reads what it writes to its standard error.
    pub fn start_unheard(program: &str, settings: &[&str]) -> Self {
        let mut command = Command::new(program);
        Self::with(command.args(settings), None, |errors, _| Some(errors))
    }

    /// Starts it so that the limit on a user's threads holds for it. For root it does not, so another user runs it then,
    /// who may not be able to read the folder of the program.
    pub fn start_unprivileged(program: &str, settings: &[&str]) -> Self {
        if !is_root() {
            return Self::start(program, settings);
        }
        let copy = std::env::temp_dir().join(format!("basehttp-limited-{}", std::process::id()));
        fs::copy(Path::new(program), &copy).expect("a copy of the program");
        // Nobody has this number.
        let user = 64_123;
        Self::run(Command::new(&copy).args(settings).uid(user).gid(user).current_dir("/"), Some(copy))
    }

    fn run(command: &mut Command, copy: Option<PathBuf>) -> Self {
        Self::with(command, copy, |errors, log| {
            let lines = log.clone();
            thread::spawn(move || {
                BufReader::new(errors).lines().map_while(Result::ok).for_each(|line| lines.push(line));
            });
            None
        })
    }

    fn with(
        command: &mut Command,
        copy: Option<PathBuf>,
        listen: impl FnOnce(ChildStderr, &Log) -> Option<ChildStderr>,
    ) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let log = Log::default();
        let unheard = listen(child.stderr.take().expect("a pipe"), &log);
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let mut server = Self { child, input, output, address, log, unheard, copy };
        let port = server.line().parse().expect("the port");
        server.address.set_port(port);
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line of the program");
        line.trim().to_owned()
    }

    /// Has it do something, and waits until that is done.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("the program reads");
        assert_eq!(self.line(), "done", "{command}: {:?}", self.log.lines());
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it, whose reads and writes give up after a minute.
    ///
    /// # Errors
    /// If the system does not make one.
    pub fn connect(&self) -> io::Result<Client> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client::over(stream))
    }

    /// Ends it in good order, and checks that it does.
    pub fn end(mut self) {
        self.tell("end");
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

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("the status of this process");
    let line = status.lines().find(|line| line.starts_with("Uid:")).expect("its user");
    line.split_whitespace().nth(2) == Some("0")
}
