//! What is in a folder, found without opening it: to open a pipe or a device can do something.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::beneath::{Opened, Root};

/// What the system says of something.
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

/// Tells the names in a folder, and what they are, until that is enough.
#[cfg(unix)]
pub(super) fn each(
    folder: Opened,
    _path: &Path,
    mut enough: impl FnMut(OsString, Found) -> bool,
) -> io::Result<()> {
    use std::os::unix::ffi::OsStringExt;

    use nix::fcntl::AtFlags;
    use nix::sys::stat::fstatat;

    let at = folder.file.try_clone()?;
    let mut folder = nix::dir::Dir::from_fd(folder.file.into())?;
    for entry in folder.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        // What is gone since is not in the folder.
        let Ok(stat) = fstatat(&at, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
        if enough(OsString::from_vec(name.to_bytes().to_vec()), of_stat(&stat)) {
            break;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn each(
    _folder: Opened,
    path: &Path,
    mut enough: impl FnMut(OsString, Found) -> bool,
) -> io::Result<()> {
    for entry in path.read_dir()? {
        let entry = entry?;
        // What is gone since is not in the folder.
        let Ok(metadata) = entry.metadata() else { continue };
        if enough(entry.file_name(), Found::of(&metadata)) {
            break;
        }
    }
    Ok(())
}

/// What is where the link at `path` leads.
///
/// # Errors
/// The system's; [`NotFound`](io::ErrorKind::NotFound) where it leads out and that is not wanted.
pub(super) fn behind(root: &Root, path: &Path, outside: bool) -> io::Result<Found> {
    if outside {
        return Ok(Found::of(&root.path.join(path).metadata()?));
    }
    let inside = root.resolved(path)?;
    let (Some(parent), Some(name)) = (inside.parent(), inside.file_name()) else {
        return Ok(Found::of(&root.open_beneath(Path::new("."), false)?.metadata));
    };
    #[cfg(unix)]
    {
        let folder = root.steps(parent)?;
        Ok(of_stat(&nix::sys::stat::fstatat(&folder, name, nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW)?))
    }
    #[cfg(not(unix))]
    {
        Ok(Found::of(&root.path.join(parent).join(name).symlink_metadata()?))
    }
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
    // Their types are not the same on all systems.
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Found {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds)),
    }
}
