//! Looks at names in a folder without opening them: opening a pipe or a device can have effects.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::open_beneath::{Opened, Root};

/// The metadata of a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) modified: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

impl Found {
    fn of(metadata: &Metadata) -> Self {
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        Self { kind, size: metadata.len(), modified: metadata.modified().ok() }
    }
}

#[cfg(test)]
thread_local! {
    /// How often the system was asked for metadata.
    pub(super) static ASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A folder whose names have been read.
pub(super) struct Names {
    #[cfg(unix)]
    folder: std::fs::File,
    #[cfg(not(unix))]
    folder: std::path::PathBuf,
}

impl Names {
    /// Passes the names in a folder to `enough` until it returns true.
    #[cfg(unix)]
    pub(super) fn tell(
        opened: Opened,
        _path: &Path,
        mut enough: impl FnMut(&OsStr) -> bool,
    ) -> io::Result<Self> {
        use std::os::unix::ffi::OsStrExt as _;

        let folder = opened.file.try_clone()?;
        for entry in nix::dir::Dir::from_fd(opened.file.into())?.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") && enough(OsStr::from_bytes(name)) {
                break;
            }
        }
        Ok(Self { folder })
    }

    #[cfg(not(unix))]
    pub(super) fn tell(
        _opened: Opened,
        path: &Path,
        mut enough: impl FnMut(&OsStr) -> bool,
    ) -> io::Result<Self> {
        for entry in path.read_dir()? {
            if enough(&entry?.file_name()) {
                break;
            }
        }
        Ok(Self { folder: path.to_owned() })
    }

    /// The metadata of a name. `None` if it no longer exists.
    #[cfg(unix)]
    pub(super) fn look(&self, name: &OsStr) -> Option<Found> {
        #[cfg(test)]
        ASKED.set(ASKED.get() + 1);
        found(&self.folder, Path::new(name), true).ok()
    }

    #[cfg(not(unix))]
    pub(super) fn look(&self, name: &OsStr) -> Option<Found> {
        self.folder.join(name).symlink_metadata().ok().map(|metadata| Found::of(&metadata))
    }
}

/// The metadata of the target of the link at `path`.
///
/// # Errors
/// Those of the system; [`NotFound`](io::ErrorKind::NotFound) if it leads out of the folder and `outside` is false.
pub(super) fn behind(root: &Root, path: &Path, outside: bool) -> io::Result<Found> {
    if outside {
        #[cfg(unix)]
        let found = found(&root.folder, path, false)?;
        #[cfg(not(unix))]
        let found = Found::of(&root.path.join(path).metadata()?);
        return Ok(found);
    }
    let inside = root.resolved(path)?;
    let (Some(parent), Some(name)) = (inside.parent(), inside.file_name()) else {
        return Ok(Found::of(&root.open_beneath(Path::new("."), false)?.metadata));
    };
    #[cfg(unix)]
    {
        found(&root.steps(parent)?, Path::new(name), true)
    }
    #[cfg(not(unix))]
    {
        Ok(Found::of(&root.path.join(parent).join(name).symlink_metadata()?))
    }
}

/// The metadata of a path in a folder; of a link itself, or of what it leads to.
#[cfg(unix)]
fn found(folder: &std::fs::File, path: &Path, is_link_itself: bool) -> io::Result<Found> {
    use nix::fcntl::AtFlags;

    let flags = if is_link_itself { AtFlags::AT_SYMLINK_NOFOLLOW } else { AtFlags::empty() };
    match nix::sys::stat::fstatat(folder, path, flags) {
        #[cfg(all(target_os = "linux", target_pointer_width = "32"))]
        Err(nix::errno::Errno::EOVERFLOW) => found_large(folder, path, is_link_itself),
        stat => Ok(of_stat(&stat?)),
    }
}

/// For files of 2 GiB and more, and other values that do not fit into 32 bits. A descriptor for the path alone opens nothing.
#[cfg(all(target_os = "linux", target_pointer_width = "32"))]
fn found_large(folder: &std::fs::File, path: &Path, is_link_itself: bool) -> io::Result<Found> {
    use nix::fcntl::OFlag;

    let link = if is_link_itself { OFlag::O_NOFOLLOW } else { OFlag::empty() };
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | link;
    let file: std::fs::File = nix::fcntl::openat(folder, path, flags, nix::sys::stat::Mode::empty())?.into();
    Ok(Found::of(&file.metadata()?))
}

#[cfg(unix)]
fn of_stat(stat: &nix::sys::stat::FileStat) -> Found {
    use std::time::{Duration, UNIX_EPOCH};

    use nix::sys::stat::SFlag;

    let kind = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFDIR => Kind::Folder,
        SFlag::S_IFLNK => Kind::Link,
        _ => Kind::Other,
    };
    // The types of these fields differ between systems.
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Found {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds)),
    }
}
