//! A folder and the files beneath it, opened so that no name, link or concurrent change leads out of it.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::target::is_windows_name;

/// The folder that is served. On unix its descriptor is used: it refers to the same folder even after a rename.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    #[cfg(unix)]
    pub(super) folder: File,
}

/// A regular file or a folder.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(super) file: File,
    pub(crate) metadata: Metadata,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        if !path.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            #[cfg(unix)]
            folder: File::open(&path)?,
            path,
        })
    }

    /// Opens `path` for reading. With `outside`, a symbolic link may lead out of the folder; `path` itself may not.
    ///
    /// # Errors
    /// Those of the system; [`NotFound`](io::ErrorKind::NotFound) if it is neither a file nor a folder, or not beneath the
    /// folder.
    pub(super) fn open_beneath(&self, path: &Path, outside: bool) -> io::Result<Opened> {
        let is_beneath = |part: Component<'_>| match part {
            Component::Normal(name) => is_plain(name),
            part => part == Component::CurDir,
        };
        if !path.components().all(is_beneath) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = if outside { self.open_anywhere(path) } else { self.open_inside(path) }?;
        let metadata = file.metadata()?;
        // Reading a device may have any effect, and a pipe may never give anything.
        if metadata.is_file() || metadata.is_dir() {
            Ok(Opened { file, metadata })
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// The path with the names as the folders list them. On Windows a name may have a second, short form, such as `GIT~1` for
    /// `.git`, which must not reach what the long one hides. The long name of a link cannot be asked for without following it,
    /// so a link with a tilde in its name does not exist.
    #[cfg(windows)]
    pub(super) fn long_names(&self, path: &Path) -> io::Result<PathBuf> {
        let mut long = PathBuf::new();
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            if !is_plain(name) {
                return Err(io::ErrorKind::NotFound.into());
            }
            // All short forms that the system makes have a tilde. The others are not worth a system call.
            if !name.as_encoded_bytes().contains(&b'~') {
                long.push(name);
                continue;
            }
            let here = self.path.join(&long).join(name);
            if here.symlink_metadata()?.is_symlink() {
                return Err(io::ErrorKind::NotFound.into());
            }
            long.push(here.canonicalize()?.file_name().ok_or(io::ErrorKind::NotFound)?);
        }
        Ok(long)
    }

    /// Follows links wherever they lead.
    #[cfg(unix)]
    fn open_anywhere(&self, path: &Path) -> io::Result<File> {
        Ok(nix::fcntl::openat(&self.folder, path, flags(), nix::sys::stat::Mode::empty())?.into())
    }

    #[cfg(not(unix))]
    fn open_anywhere(&self, path: &Path) -> io::Result<File> {
        open(&self.path.join(path))
    }

    /// The system checks at each step that it does not lead out.
    #[cfg(target_os = "linux")]
    fn open_inside(&self, path: &Path) -> io::Result<File> {
        use nix::errno::Errno;
        use nix::fcntl::{OpenHow, ResolveFlag, openat2};

        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        for _ in 0..RACES {
            match openat2(&self.folder, path, OpenHow::new().flags(flags()).resolve(resolve)) {
                Ok(file) => return Ok(file.into()),
                // Something on the way was renamed, so that the system cannot be sure.
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                // An old kernel, or a sandbox that does not know the call; or an absolute link, which leaves the folder in
                // the system's view wherever it leads.
                Err(Errno::ENOSYS | Errno::EPERM | Errno::EXDEV) => return self.walk(path),
                Err(error) => return Err(error.into()),
            }
        }
        self.walk(path)
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn open_inside(&self, path: &Path) -> io::Result<File> {
        self.walk(path)
    }

    /// Resolves links first, and then opens the result step by step, following none: a link that was placed there meanwhile
    /// is not followed.
    #[cfg(unix)]
    fn walk(&self, path: &Path) -> io::Result<File> {
        let at = self.steps(&self.resolved(path)?)?;
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") && !at.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(at)
    }

    /// Where the links in a path lead, relative to the folder.
    pub(super) fn resolved(&self, path: &Path) -> io::Result<PathBuf> {
        let resolved = self.path.join(path).canonicalize()?;
        let inside = resolved.strip_prefix(&self.path).map_err(|_| io::ErrorKind::NotFound)?;
        Ok(inside.to_owned())
    }

    /// Opens one name after another, none of which may be a link.
    #[cfg(unix)]
    pub(super) fn steps(&self, inside: &Path) -> io::Result<File> {
        use nix::fcntl::{OFlag, openat};
        use nix::sys::stat::Mode;

        let mut at = self.folder.try_clone()?;
        for part in inside.components() {
            at = openat(&at, part.as_os_str(), flags() | OFlag::O_NOFOLLOW, Mode::empty())?.into();
        }
        Ok(at)
    }

    #[cfg(not(unix))]
    fn open_inside(&self, path: &Path) -> io::Result<File> {
        open(&self.path.join(self.resolved(path)?))
    }
}

/// Whether a name stands for itself, also in a path that an override made. On Windows some names are devices or streams.
fn is_plain(name: &OsStr) -> bool {
    cfg!(not(windows)) || is_windows_name(name.as_encoded_bytes())
}

/// How often to retry.
#[cfg(target_os = "linux")]
const RACES: u32 = 8;

/// Does not wait for a pipe that has no writer, and does not make a terminal ours.
#[cfg(unix)]
fn flags() -> nix::fcntl::OFlag {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    // Without it, a 32-bit system refuses files of 2 GiB and more.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let flags = flags | OFlag::O_LARGEFILE;
    flags
}

#[cfg(windows)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    /// Without it folders cannot be opened.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    File::options().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with a file, a folder, links of all kinds, a pipe, and a secret file next to the folder.
    fn tree() -> (tempfile::TempDir, Root) {
        let all = tempfile::tempdir().unwrap();
        let root = all.path().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("file"), "in").unwrap();
        fs::write(root.join("sub/file"), "deeper").unwrap();
        fs::write(all.path().join("secret"), "out").unwrap();
        for (to, name) in [
            ("file", "inside"),
            ("../file", "sub/up"),
            ("../secret", "outside"),
            ("../../secret", "sub/outside"),
            ("loop", "loop"),
            ("..", "parent"),
            ("/dev/zero", "device"),
            ("/proc/self/root", "magic"),
            ("nothing", "dangling"),
        ] {
            symlink(to, root.join(name)).unwrap();
        }
        symlink(all.path().join("secret"), root.join("absolute")).unwrap();
        symlink(root.join("file"), root.join("absolute-inside")).unwrap();
        symlink("../root/file", root.join("out-and-in")).unwrap();
        nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        (all, Root::open(&root).unwrap())
    }

    fn read(file: io::Result<File>) -> Option<String> {
        let mut text = String::new();
        io::Read::read_to_string(&mut file.ok()?, &mut text).ok()?;
        Some(text)
    }

    #[test]
    fn links_stay_inside_or_are_not_followed() {
        let (_all, root) = tree();
        for way in [Root::open_inside, Root::walk] {
            let paths = ["file", "inside", "sub/up", "absolute-inside", "out-and-in", "sub/file"];
            let inside = paths.map(|path| read(way(&root, Path::new(path))));
            assert_eq!(inside.map(Option::unwrap), ["in", "in", "in", "in", "in", "deeper"]);
            for path in [
                "outside",
                "sub/outside",
                "loop",
                "absolute",
                "parent/secret",
                "magic/etc/passwd",
                "dangling",
                "file/",
            ] {
                assert_eq!(read(way(&root, Path::new(path))), None, "{path}");
            }
        }
    }

    #[test]
    fn what_is_exchanged_meanwhile_does_not_lead_out() {
        use std::sync::atomic::{AtomicBool, Ordering};

        let (all, root) = tree();
        let here = |name: &str| all.path().join("root").join(name);
        fs::create_dir(here("folder")).unwrap();
        fs::write(here("folder/secret"), "in").unwrap();
        symlink("..", here("link")).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for (from, to) in [("folder", "x"), ("x", "folder"), ("link", "x"), ("x", "link")] {
                        fs::rename(here(from), here(to)).unwrap();
                    }
                }
            });
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
            // Each way has to find the folder in its turn, or nothing was exchanged meanwhile.
            let found = [Root::open_inside, Root::walk].map(|way| {
                let (mut found, mut missed) = (Vec::new(), 0);
                while found.len() < 300 || missed < 300 {
                    match read(way(&root, Path::new("x/secret"))) {
                        Some(text) => found.push(text),
                        None => missed += 1,
                    }
                    if std::time::Instant::now() > deadline {
                        break;
                    }
                }
                (found, missed)
            });
            is_over.store(true, Ordering::Relaxed);
            for (found, missed) in found {
                assert!(found.len() >= 300 && missed >= 300, "{} found, {missed} missed", found.len());
                assert!(found.iter().all(|text| text == "in"), "{found:?}");
            }
        });
    }

    #[test]
    fn only_files_and_folders_are_opened() {
        let (_all, root) = tree();
        for path in ["pipe", "device", "../secret", "/etc/passwd", "sub/../../secret", "nothing"] {
            assert!(root.open_beneath(Path::new(path), false).is_err(), "{path}");
        }
        assert!(root.open_beneath(Path::new("."), false).unwrap().metadata.is_dir());
        assert!(root.open_beneath(Path::new("sub/"), false).unwrap().metadata.is_dir());
    }

    #[test]
    fn with_leave_links_lead_outside_and_paths_do_not() {
        let (_all, root) = tree();
        let opened = |path: &str| {
            root.open_beneath(Path::new(path), true).ok().and_then(|opened| read(Ok(opened.file)))
        };
        assert_eq!(opened("outside").as_deref(), Some("out"));
        assert_eq!(opened("sub/../../secret"), None);
        assert_eq!((opened("pipe"), opened("device")), (None, None));
    }
}
