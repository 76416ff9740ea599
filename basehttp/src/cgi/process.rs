//! A script that runs: its pipes, on which nothing blocks, and its end, which always comes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A running script. Dropping it kills it, with all that it has started, and waits for it: there are no zombies.
pub(super) struct Script {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    is_reaped: bool,
}

/// Which of its pipes have something to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ready {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

impl Script {
    /// Starts the file at `path`, without a shell and without arguments.
    pub(super) fn start(path: &Path, environment: &BTreeMap<OsString, OsString>) -> io::Result<Self> {
        let mut command = Command::new(path);
        command.env_clear().envs(environment);
        // RFC 3875 section 7.2.
        if let Some(folder) = path.parent() {
            command.current_dir(folder);
        }
        // A group of its own, so that what it starts ends with it, and a terminal's signals are not for it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let Some(stdout) = stdout else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let script = Self { child, stdin, stdout, stderr, is_reaped: false };
        script.unblock()?;
        Ok(script)
    }

    fn unblock(&self) -> io::Result<()> {
        let pipes = [
            self.stdin.as_ref().map(AsFd::as_fd),
            Some(self.stdout.as_fd()),
            self.stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(())
    }

    /// Waits until there is something to do, for `most` at the longest. Its standard input counts only if something waits to
    /// be written.
    pub(super) fn wait(&self, writes: bool, most: Duration) -> io::Result<Ready> {
        let none = PollFlags::empty();
        let stdin = self.stdin.as_ref().filter(|_| writes).map(AsFd::as_fd);
        let stderr = self.stderr.as_ref().map(AsFd::as_fd);
        let watch = |pipe: Option<BorrowedFd<'_>>, flags: PollFlags| pipe.map_or(none, |_| flags);
        // A pipe that is not watched is the one of the output, watched for nothing.
        let fallback = self.stdout.as_fd();
        let mut pipes = [
            PollFd::new(fallback, PollFlags::POLLIN),
            PollFd::new(stdin.unwrap_or(fallback), watch(stdin, PollFlags::POLLOUT)),
            PollFd::new(stderr.unwrap_or(fallback), watch(stderr, PollFlags::POLLIN)),
        ];
        let timeout = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
        match poll(&mut pipes, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [stdout_ready, stdin_ready, stderr_ready] =
            pipes.map(|pipe| pipe.revents().is_some_and(|events| !events.is_empty()));
        Ok(Ready {
            stdout: stdout_ready,
            stdin: stdin.is_some() && stdin_ready,
            stderr: stderr.is_some() && stderr_ready,
        })
    }

    /// Reads some of what it says. None when there is nothing yet, nothing at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.stdout.read(buffer))
    }

    /// The same of its complaints.
    pub(super) fn read_error(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(stderr) = &mut self.stderr else { return Ok(None) };
        let count = unless_blocked(stderr.read(buffer))?;
        if count == Some(0) {
            self.stderr = None;
        }
        Ok(count)
    }

    /// Writes some of the body. A script that has closed its input gets no more, which is its right.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let Some(stdin) = &mut self.stdin else { return Ok(Some(bytes.len())) };
        match unless_blocked(stdin.write(bytes)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.stdin = None;
                Ok(Some(bytes.len()))
            }
            written => written,
        }
    }

    /// There is no more of the body.
    pub(super) fn end_input(&mut self) {
        self.stdin = None;
    }

    pub(super) fn reads_input(&self) -> bool {
        self.stdin.is_some()
    }

    /// Whether it has ended, and how.
    pub(super) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.is_reaped |= status.is_some();
        Ok(status)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // What it has left behind goes too: the group has its number for as long as anybody is in it.
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        if !self.is_reaped {
            let _ = self.child.wait();
        }
    }
}

fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Lets some time pass.
pub(super) fn pause(time: Duration) -> io::Result<()> {
    match poll(&mut [], PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
