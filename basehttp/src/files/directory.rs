//! The folder that is served, and its settings.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Component, Path};

use super::entry::Entry;
use super::listing::folder::{Folder, Stamp};
use super::listing::lists::{Key, Lists};
use super::listing::order::{First, Order, sort};
use super::listing::room::no_room;
use super::open_beneath::{Opened, Root};
use super::ranges::DEFAULT_RANGES;
use super::stat::{self, Found, Kind, Names};
use crate::sync::Arc;

/// A folder whose files are served, with its settings: Python's `directory`. It is cheap to clone, so that all handlers can
/// have it.
///
/// ```
/// use basehttp::Directory;
///
/// let files = Directory::open(".")?.listing(false).cache_control("max-age=3600")?;
/// assert!(Directory::open("no such folder").is_err());
/// # std::io::Result::Ok(())
/// ```
#[doc(alias("static_files"))]
#[derive(Clone, Debug)]
pub struct Directory {
    root: Arc<Root>,
    settings: Arc<Settings>,
    /// The lists that are being sent, shared by all clones.
    lists: Arc<Lists>,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting with a function of its name")]
struct Settings {
    dotfiles: bool,
    outside: bool,
    listing: bool,
    precompressed: bool,
    cache_control: Option<String>,
    max_entries: usize,
    max_ranges: usize,
    list_memory: usize,
}

/// A response has room for 256 pieces: ranges of files and the text between them.
const MAX_RANGES: usize = 128;

impl Directory {
    /// Opens the folder at `path`, which must exist now. On Linux 5.6 and later its files are served even if it is renamed
    /// later; scripts, and the targets of absolute links, are still looked up under `path`.
    ///
    /// # Errors
    /// Those of the system. The text names the path and says what to do.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let root = Root::open(path).map_err(|error| unusable(path, &error))?;
        let settings = Settings {
            dotfiles: false,
            outside: false,
            listing: true,
            precompressed: true,
            cache_control: None,
            max_entries: 10_000,
            max_ranges: DEFAULT_RANGES,
            list_memory: 64 * 1024 * 1024,
        };
        Ok(Self { root: Arc::new(root), settings: Arc::new(settings), lists: Arc::default() })
    }

    /// Whether files and folders whose names begin with a dot are served. By default they are not (404), since `.git`, `.env`
    /// and the like are seldom meant to be public; `.well-known` (RFC 8615) always is. Python serves them.
    #[must_use]
    pub fn dotfiles(mut self, serve: bool) -> Self {
        Arc::make_mut(&mut self.settings).dotfiles = serve;
        self
    }

    /// Whether symbolic links that lead out of the folder are followed. By default they are not (404): anyone able to put a
    /// link into the folder could read everything that the server can. Links that stay inside are always followed.
    #[must_use]
    pub fn follow_links_outside(mut self, follow: bool) -> Self {
        Arc::make_mut(&mut self.settings).outside = follow;
        self
    }

    /// Whether a folder without an index page is listed, the default, or answered with 404.
    #[must_use]
    pub fn listing(mut self, list: bool) -> Self {
        Arc::make_mut(&mut self.settings).listing = list;
        self
    }

    /// Whether a `.br`, `.zst` or `.gz` version beside a file is sent to clients that accept it (RFC 9110 section 12.5.3), if
    /// it is not older than the file. On by default.
    #[must_use]
    pub fn precompressed(mut self, send: bool) -> Self {
        Arc::make_mut(&mut self.settings).precompressed = send;
        self
    }

    /// The `Cache-Control` field of files, for example `max-age=3600` (RFC 9111 section 5.2). None by default: caches then
    /// decide by `Last-Modified`.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for text that cannot be the value of a field.
    pub fn cache_control(mut self, value: impl Into<String>) -> io::Result<Self> {
        let value = value.into();
        if value.is_empty() || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            let text =
                format!("{value:?} cannot be the value of Cache-Control: write for example max-age=3600");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Arc::make_mut(&mut self.settings).cache_control = Some(value);
        Ok(self)
    }

    /// How many entries of a folder are listed on one page, 10,000 by default: longer pages are of no use, and a page is held
    /// in memory. The other entries are on further pages, in order of name.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        Arc::make_mut(&mut self.settings).max_entries = entries;
        self
    }

    /// How many bytes of memory all lists of folders together may take while they are made and sent, 64 MiB by default.
    /// Clients that ask for a list while others are still receiving it share one copy, which needs no thread. A list is
    /// answered with 503 and `Retry-After` if there is no room for it, or if more than 64 requests are already waiting for
    /// lists (four folders are read at a time). All clones of this folder share the memory.
    #[must_use]
    pub fn list_memory(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.settings).list_memory = bytes;
        self
    }

    /// How many ranges of a file one request may ask for (RFC 9110 section 14.2), 100 by default: programs that fetch the
    /// changed parts of a file, such as zsync, ask for some dozens. A request for more gets the whole file, because a few
    /// hundred bytes could otherwise ask for that many tiny pieces, each with a head of its own. Overlapping ranges are sent
    /// as one. With 0 no ranges are sent; values above 128 count as 128.
    #[must_use]
    pub fn max_ranges(mut self, ranges: usize) -> Self {
        Arc::make_mut(&mut self.settings).max_ranges = ranges.min(MAX_RANGES);
        self
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.root.path
    }

    /// Opens the file at `path`, relative to this folder, as the handler does, for an override of
    /// [`send_head`](super::FileRequestHandler::send_head) that sends it in another way.
    ///
    /// # Errors
    /// Those of the system; [`NotFound`](io::ErrorKind::NotFound) if it is not served or not a regular file.
    pub fn open_file(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let opened = self.open_path(path.as_ref())?;
        if opened.metadata.is_file() { Ok(opened.file) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// Opens the folder at `path`, relative to this one, for a handler that puts files into it.
    ///
    /// # Errors
    /// Those of the system; [`NotFound`](io::ErrorKind::NotFound) if it is not served, and
    /// [`NotADirectory`](io::ErrorKind::NotADirectory) if it is not a folder.
    pub fn open_folder(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let opened = self.open_path(path.as_ref())?;
        if opened.metadata.is_dir() { Ok(opened.file) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// The metadata of the file or folder at `path`, relative to this one, if it is served.
    ///
    /// # Errors
    /// Those of the system; [`NotFound`](io::ErrorKind::NotFound) if it is not served.
    pub fn metadata(&self, path: &Path) -> io::Result<std::fs::Metadata> {
        self.open_path(path).map(|opened| opened.metadata)
    }

    /// The entries that are served of the folder at `path`, relative to this one, in order of name; and how many there are
    /// beyond [`max_entries`](Self::max_entries).
    ///
    /// # Errors
    /// Those of the system; [`NotFound`](io::ErrorKind::NotFound) if it is not served.
    pub fn read_dir(&self, path: &Path) -> io::Result<(Vec<Entry>, usize)> {
        let mut entries = Vec::new();
        let first = First::new(self.settings.max_entries, Order::default(), None);
        let (more, _) = self.read(self.open_to_list(path)?, path, first, |entry| {
            entries.push(entry);
            true
        })?;
        Ok((entries, more))
    }

    /// The list of the folder at `path`, in this order, with the names after `after`. If another request is making or
    /// receiving the same list, they share it.
    ///
    /// # Errors
    /// Those of [`read_dir`](Self::read_dir); [`OutOfMemory`](io::ErrorKind::OutOfMemory) if
    /// [`list_memory`](Self::list_memory) is not enough, and [`ResourceBusy`](io::ErrorKind::ResourceBusy) if too many
    /// requests are waiting.
    pub(super) fn list(&self, path: &Path, order: Order, after: Option<&OsStr>) -> io::Result<Arc<Folder>> {
        let Settings { dotfiles, outside, max_entries, list_memory, .. } = *self.settings;
        let opened = self.open_to_list(path)?;
        let key = Key {
            path: path.to_owned(),
            order,
            after: after.map(OsStr::to_owned),
            dotfiles,
            outside,
            max_entries,
        };
        let stamp = Stamp::of(&opened.metadata);
        let mut opened = Some(opened);
        self.lists.get(key, stamp, || {
            let opened = match opened.take() {
                Some(opened) => opened,
                None => self.open_to_list(path)?,
            };
            let mut folder = self.lists.begin(list_memory, Stamp::of(&opened.metadata));
            let mut has_room = true;
            let first = First::new(max_entries, order, after.map(OsStr::to_owned));
            let first = first.within(self.lists.charge(list_memory));
            let (more, last) = self.read(opened, path, first, |entry| {
                has_room = folder.push(entry);
                has_room
            })?;
            (folder.more, folder.last, folder.order) = (more, last, order);
            if !has_room {
                return Err(no_room());
            }
            folder.entries.shrink_to_fit();
            sort(&mut folder.entries, order);
            Ok(folder)
        })
    }

    fn open_to_list(&self, path: &Path) -> io::Result<Opened> {
        let opened = self.open_path(path)?;
        if opened.metadata.is_dir() { Ok(opened) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// Passes the first entries of a folder to `take` until it returns false, and returns how many more there are and the
    /// last name read. Of those others only the names are read: file metadata costs more than everything else in a list.
    fn read(
        &self,
        opened: Opened,
        path: &Path,
        mut first: First,
        mut take: impl FnMut(Entry) -> bool,
    ) -> io::Result<(usize, Option<OsString>)> {
        let (mut left, mut has_room) = (MOST_NAMES, true);
        let folder = Names::tell(opened, &self.root.path.join(path), |name| {
            if self.is_shown(name) {
                has_room = first.offer(name);
            }
            left -= 1;
            left == 0 || !has_room
        })?;
        if !has_room {
            return Err(no_room());
        }
        let more = first.more;
        let (names, _charge) = first.into_names();
        for name in &names {
            let entry = folder.look(name).and_then(|found| self.entry(path, name, found));
            if !entry.is_none_or(&mut take) {
                break;
            }
        }
        Ok((more, names.into_iter().next_back()))
    }

    /// Files that would not be served are not listed: links that lead out of the folder, and anything that is not a file or
    /// folder.
    fn entry(&self, folder: &Path, name: &OsStr, found: Found) -> Option<Entry> {
        let is_link = found.kind == Kind::Link;
        let found = if is_link {
            stat::behind(&self.root, &folder.join(name), self.settings.outside).ok()?
        } else {
            found
        };
        let is_directory = match found.kind {
            Kind::Folder => true,
            Kind::File => false,
            Kind::Link | Kind::Other => return None,
        };
        Some(Entry {
            name: name.to_owned(),
            is_directory,
            is_link,
            size: found.size,
            modified: found.modified,
        })
    }

    fn is_shown(&self, name: &OsStr) -> bool {
        self.settings.dotfiles || !name.as_encoded_bytes().starts_with(b".") || name == WELL_KNOWN
    }

    /// Opens `path`, if it is served.
    pub(crate) fn open_path(&self, path: &Path) -> io::Result<Opened> {
        let is_hidden = |part: Component<'_>| match part {
            Component::Normal(name) => !self.is_shown(name),
            _ => false,
        };
        if path.components().any(is_hidden) {
            return Err(io::ErrorKind::NotFound.into());
        }
        #[cfg(windows)]
        if self.root.long_names(path)?.components().any(is_hidden) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.root.open_beneath(path, self.settings.outside)
    }

    pub(super) fn lists(&self) -> bool {
        self.settings.listing
    }

    pub(super) fn lists_shared(&self) -> &Lists {
        &self.lists
    }

    pub(super) fn ranges(&self) -> usize {
        self.settings.max_ranges
    }

    pub(super) fn sends_precompressed(&self) -> bool {
        self.settings.precompressed
    }

    pub(super) fn cache_control_value(&self) -> Option<&str> {
        self.settings.cache_control.as_deref()
    }
}

/// RFC 8615.
const WELL_KNOWN: &str = ".well-known";

/// A folder's names beyond this number are not even counted.
const MOST_NAMES: u32 = 1_000_000;

/// The system's text says what is wrong, this one what to do.
fn unusable(path: &Path, error: &io::Error) -> io::Error {
    let shown = path.display();
    let text = match error.kind() {
        io::ErrorKind::NotFound => {
            format!("cannot serve the folder {shown}: it does not exist; create it, or name another one")
        }
        io::ErrorKind::NotADirectory => {
            format!("cannot serve {shown}: it is not a folder; name the folder that contains it")
        }
        io::ErrorKind::PermissionDenied => {
            format!("cannot serve the folder {shown}: {error}; let the server's user read it")
        }
        _ => format!("cannot serve the folder {shown}: {error}"),
    };
    io::Error::new(error.kind(), text)
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn only_what_is_shown_is_looked_at() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..2000 {
            File::create(root.path().join(number.to_string())).unwrap();
        }
        let files = Directory::open(root.path()).unwrap().max_entries(30);
        let before = stat::ASKED.get();
        let (entries, more) = files.read_dir(".".as_ref()).unwrap();
        assert_eq!((entries.len(), more, stat::ASKED.get() - before), (30, 1970, 30));
        let list = files.list(".".as_ref(), Order::default(), None).unwrap();
        assert_eq!((list.entries.len(), list.more, stat::ASKED.get() - before), (30, 1970, 60));
        // Another reader gets the same list if it asks while the list is fresh: on a busy machine it may not.
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let list = files.list(".".as_ref(), Order::default(), None).unwrap();
            let before = stat::ASKED.get();
            let other = files.clone().list(".".as_ref(), Order::default(), None).unwrap();
            if Arc::ptr_eq(&list, &other) && stat::ASKED.get() == before {
                break;
            }
            assert!(Instant::now() < deadline, "each reader has another list");
        }
    }

    #[test]
    fn lists_have_no_more_memory_than_they_may() {
        let root = tempfile::tempdir().unwrap();
        File::create(root.path().join("a")).unwrap();
        let files = Directory::open(root.path()).unwrap();
        let error = files.clone().list_memory(50).list(".".as_ref(), Order::default(), None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(files.list(".".as_ref(), Order::default(), None).is_ok());
    }
}
