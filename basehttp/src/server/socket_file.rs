//! The file of a unix socket: created, taken over from a server that is gone, and removed at the end.
//!
//! The system has no call that removes a file only if it is a particular one, or only if it is a socket without a listener.
//! So servers of this crate hold a lock on the folder while they check and act. Two cases remain: another program that binds
//! the same path between check and removal, or that takes longer than [`MOMENT`] from binding to listening; and two of our
//! servers in a folder that cannot be opened or locked.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use socket2::{Domain, SockAddr, Socket, Type};

use super::address::describe;

/// The file of a socket that this server has bound. Dropping it removes the file, if it is still the same one: another
/// server may have taken the path meanwhile.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: Option<Id>,
    /// Whether an abandoned socket was there before.
    has_replaced: bool,
}

/// What identifies a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Id {
    device: u64,
    inode: u64,
    /// The inode number of a removed file is soon reused.
    changed: (i64, i64),
}

/// How long another server may take from binding its socket to listening at it.
const MOMENT: Duration = Duration::from_millis(50);

/// How long to wait for the lock of the folder. Our servers hold it for a [`MOMENT`] or two; how long other programs hold it
/// is unknown.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Listens at a socket that is created at this path.
pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let named = |error: io::Error| describe(&error, &path.display().to_string());
    let guard = Guard::of(path);
    let mut has_replaced = false;
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if let Err(why) = guard.remove_abandoned(path) {
                return Err(named(io::Error::new(error.kind(), format!("{error}: {why}"))));
            }
            has_replaced = true;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let listener = listener.map_err(named)?;
    // The working directory, and with it the meaning of a relative path, may change.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let id = Id::of(&path);
    Ok((listener, SocketFile { path, id, has_replaced }))
}

impl SocketFile {
    /// The path, if it had an abandoned socket before.
    pub(super) fn replaced(&self) -> Option<&Path> {
        self.has_replaced.then_some(&self.path)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _guard = Guard::of(&self.path);
        if self.id.is_some() && Id::of(&self.path) == self.id {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Id {
    /// The identity of the socket at a path; `None` if something else is there.
    fn of(path: &Path) -> Option<Self> {
        let file = fs::symlink_metadata(path).ok().filter(|file| file.file_type().is_socket())?;
        Some(Self { device: file.dev(), inode: file.ino(), changed: (file.mtime(), file.mtime_nsec()) })
    }
}

/// The right to remove sockets from a folder.
enum Guard {
    Locked(#[expect(dead_code, reason = "held, and given back when it is dropped")] Flock<File>),
    /// Another program holds the lock.
    Taken,
    /// The folder cannot be opened, or its file system does not support locks.
    Impossible,
}

impl Guard {
    fn of(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(mut file) = File::open(folder) else { return Self::Impossible };
        let until = Instant::now() + PATIENCE;
        loop {
            file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Self::Locked(lock),
                Err((_, error)) if error != Errno::EWOULDBLOCK => return Self::Impossible,
                Err(_) if Instant::now() >= until => return Self::Taken,
                Err((file, _)) => file,
            };
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Removes an abandoned socket; otherwise says why not.
    fn remove_abandoned(&self, path: &Path) -> Result<(), &'static str> {
        if matches!(self, Self::Taken) {
            return Err("another program holds the lock on the folder, so the socket was not replaced");
        }
        let Some(id) = Id::of(path) else {
            return Err("what is there is not a socket; only an abandoned socket is replaced");
        };
        if !cfg!(any(target_os = "linux", target_os = "android")) {
            // On those systems a server whose queue is full also refuses, and would lose its socket because it is busy.
            return Err("this system does not show whether a server listens there: \
                remove the file if a killed server has left it");
        }
        let in_use = "a server may be listening there";
        if !is_refused(path) {
            return Err(in_use);
        }
        thread::sleep(MOMENT);
        if !is_refused(path) || Id::of(path) != Some(id) {
            return Err(in_use);
        }
        fs::remove_file(path).map_err(|_| "no server listens there, but the file cannot be removed")
    }
}

/// Whether the system says that there is no listener.
fn is_refused(path: &Path) -> bool {
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // With a full queue, a blocking connect would wait for room.
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    connect().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
