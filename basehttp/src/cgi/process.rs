//! A running script. However its response ends, it is killed with everything it has started, and reaped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::sync::{Arc, OnceLock};

/// The process, which leads a process group of its own.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It runs, or its exit status has not been collected. Its process id is its own.
    Ours,
    Reaped(ExitStatus),
    /// It has ended and was reaped elsewhere, so its exit status is lost. Its process id may belong to another process by
    /// now.
    Lost,
}

/// Our ends of its pipes, which are non-blocking.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Process {
    /// Starts a script: without a shell, in its folder (RFC 3875 section 7.2), with three pipes and no other descriptors (all
    /// that this crate and the standard library open are close-on-exec).
    ///
    /// Its only argument is its path. Section 4.4 passes the words of a query without `=` as further arguments, as Python
    /// does. Interpreters take such words for options: CVE-2012-1823 used this to run any code with PHP.
    pub(super) fn start(file: &Path, environment: BTreeMap<OsString, OsString>) -> io::Result<(Self, Pipes)> {
        keep_ends();
        let mut command = Command::new(file);
        command.env_clear().envs(environment).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = file.parent() {
            command.current_dir(folder);
        }
        let mut child = spawn(&mut command)?;
        let pipes =
            Pipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
        // From here on the process does not outlive this value.
        let process = Self { child, state: State::Ours };
        pipes.stdin.as_ref().map_or(Ok(()), unblock)?;
        pipes.stdout.as_ref().map_or(Ok(()), unblock)?;
        pipes.stderr.as_ref().map_or(Ok(()), unblock)?;
        Ok((process, pipes))
    }

    /// Whether it has ended by itself. Where the system allows it, it stays a zombie, so that its process id, which is also
    /// its group's, is not reused.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    pub(super) fn has_ended(&mut self) -> bool {
        use nix::errno::Errno;
        use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        if self.state != State::Ours {
            return true;
        }
        match waitid(Id::Pid(self.pid()), flags) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => false,
            Ok(_) => true,
            Err(_) => {
                self.lose();
                true
            }
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    pub(super) fn has_ended(&mut self) -> bool {
        if self.state == State::Ours {
            match self.child.try_wait() {
                Ok(None) => return false,
                Ok(Some(status)) => self.state = State::Reaped(status),
                Err(_) => self.lose(),
            }
        }
        true
    }

    /// Kills what still runs of it, and reaps it. `None` if its exit status is lost.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        // Checks that it is still ours: only then is its process id used.
        self.has_ended();
        if self.state == State::Ours {
            // Both fail if no process is left. A script that has left its group is killed alone.
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.kill();
            match self.child.wait() {
                Ok(status) => self.state = State::Reaped(status),
                Err(_) => self.lose(),
            }
        }
        match self.state {
            State::Reaped(status) => Some(status),
            State::Ours | State::Lost => None,
        }
    }

    fn lose(&mut self) {
        self.state = State::Lost;
        listen_for_ends();
    }

    fn pid(&self) -> Pid {
        // Process ids are positive; zero would be our own group.
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes the system keep the exit status of a child until it is collected. It does not if SIGCHLD is ignored, which a program
/// may inherit: then no process would learn that a script was killed in the middle of its response, and its process id could
/// be reused while it is still in use here.
fn keep_ends() {
    static LOOKED: OnceLock<()> = OnceLock::new();
    LOOKED.get_or_init(|| {
        if is_ignored(Signal::SIGCHLD) {
            listen_for_ends();
        }
    });
}

/// A signal with a handler is not ignored, and a started program begins with the default.
fn listen_for_ends() {
    static LISTENS: OnceLock<()> = OnceLock::new();
    LISTENS.get_or_init(|| {
        // If this fails, all exit statuses are lost, which is logged for each of them.
        let _ = signal_hook::flag::register(Signal::SIGCHLD as i32, Arc::default());
    });
}

/// Whether this process ignores a signal. Except on Linux, asking needs unsafe code; there, the first lost exit status shows
/// it.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored >> (signal as i32 - 1) & 1 == 1
}

/// Starts a program. While another thread starts one, the new process briefly holds our open descriptors. If one of them is
/// the script, because it was just written, the system reports it as busy.
fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut tries = TRIES;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries > 0 => {
                tries -= 1;
                let _ = poll(&mut [], PollTimeout::from(PAUSE));
            }
            spawned => return spawned,
        }
    }
}

const TRIES: u32 = 20;

/// In milliseconds.
const PAUSE: u8 = 5;

fn unblock(pipe: &impl AsFd) -> io::Result<()> {
    fcntl(pipe.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}
