//! A folder as it was read for a list, its rendered forms, and the memory that both take.

use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::order::Order;
use super::room::{Charge, no_room};
use crate::files::entry::Entry;
use crate::handler::payload::Payload;
use crate::sync::{Arc, Mutex, OnceLock, lock};

/// The sorted entries of a folder, and the forms in which they are sent, each made once. All responses that send a form share
/// it.
#[derive(Debug)]
pub(in crate::files) struct Folder {
    pub(in crate::files) entries: Vec<Entry>,
    /// How many more there are, and the last name before them.
    pub(in crate::files) more: usize,
    pub(in crate::files) last: Option<OsString>,
    pub(in crate::files) order: Order,
    pub(super) state: Mutex<State>,
    forms: [OnceLock<Vec<u8>>; 2],
    making: Mutex<()>,
    charge: Charge,
}

/// The form in which a list is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Json,
}

/// The system's evidence that a folder was replaced or its names have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::files) struct Stamp {
    changed: Option<SystemTime>,
    /// The device and inode of the folder, if it has them.
    id: (u64, u64),
}

/// When and how the folder was last seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    stamp: Stamp,
    /// When the reading began.
    pub(super) begun: Instant,
    /// The last change was so long ago that another one would have a different time.
    was_quiet: bool,
}

/// The situation of a request for an existing list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// It would otherwise have to read the folder.
    Reader,
    /// It would otherwise have to wait for another request that reads the folder.
    Beside,
    /// It has waited for the list.
    Waiter,
}

/// How old a shared list may be. Its names are right, since the folder's time would show a change; sizes and times of its
/// files may be up to a second old.
const FRESH: Duration = Duration::from_secs(1);

/// How old it may be if the folder's time might not show a change. Reading a large folder takes as long.
const FRESH_IN_ANY_CASE: Duration = Duration::from_millis(50);

/// Two changes within this time may have the same timestamp: Linux has steps of up to ten milliseconds.
const STEP: Duration = Duration::from_millis(20);

/// The same for file systems that store whole seconds, or multiples of two seconds (FAT).
const COARSE_STEP: Duration = Duration::from_secs(2);

impl Folder {
    pub(super) fn new(charge: Charge, stamp: Stamp) -> Self {
        Self {
            entries: Vec::new(),
            more: 0,
            last: None,
            order: Order::default(),
            state: Mutex::new(State::now(stamp)),
            forms: [const { OnceLock::new() }; 2],
            making: Mutex::new(()),
            charge,
        }
    }

    /// Adds an entry. False if there is no room for it.
    pub(in crate::files) fn push(&mut self, entry: Entry) -> bool {
        let has_room = self.charge.add(size_of::<Entry>() + entry.name.len());
        if has_room {
            self.entries.push(entry);
        }
        has_room
    }

    /// Whether another list has the same content.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.more == other.more && self.entries == other.entries
    }

    pub(super) fn state(&self) -> State {
        *lock(&self.state)
    }

    /// Records that it was read again and has not changed.
    pub(super) fn renew(&self, state: State) {
        *lock(&self.state) = state;
    }

    /// The list in this form: `row` renders an entry at its position, and `end` what follows the entries.
    ///
    /// # Errors
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory) if there is no room for it, and those of [`Room::wait_for`].
    pub(super) fn form(
        self: Arc<Self>,
        form: Form,
        row: impl Fn(usize, &Entry, &mut Vec<u8>),
        end: impl FnOnce(&Self, &mut Vec<u8>),
    ) -> io::Result<Payload> {
        let made = &self.forms[form as usize];
        if made.get().is_none() {
            let _one_at_a_time = self.charge.room().wait_for(&self.making)?;
            if made.get().is_none() {
                let mut part = self.charge.another();
                let mut bytes = Vec::new();
                for (place, entry) in self.entries.iter().enumerate() {
                    row(place, entry, &mut bytes);
                    if !part.cover(bytes.capacity()) {
                        return Err(no_room());
                    }
                }
                end(&self, &mut bytes);
                bytes.shrink_to_fit();
                if !part.cover(bytes.capacity()) {
                    return Err(no_room());
                }
                self.charge.join(part);
                // The lock is held, so no other thread has set it.
                let _ = made.set(bytes);
            }
        }
        Ok(Payload::from_owner(Sent { folder: self, form }))
    }
}

/// A form that is being sent. It keeps its folder alive.
struct Sent {
    folder: Arc<Folder>,
    form: Form,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        self.folder.forms[self.form as usize].get().map_or(&[], Vec::as_slice)
    }
}

impl Stamp {
    #[cfg(unix)]
    pub(in crate::files) fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        // Not the modification time, which any user may set.
        let seconds = u64::try_from(metadata.ctime()).ok();
        let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
        let changed = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds)));
        Self { changed, id: (metadata.dev(), metadata.ino()) }
    }

    #[cfg(not(unix))]
    pub(in crate::files) fn of(metadata: &std::fs::Metadata) -> Self {
        Self { changed: metadata.modified().ok(), id: (0, 0) }
    }
}

impl State {
    fn now(stamp: Stamp) -> Self {
        let quiet_since = stamp.changed.and_then(|changed| {
            let is_coarse = changed.duration_since(UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
            changed.checked_add(if is_coarse { COARSE_STEP } else { STEP })
        });
        let was_quiet = quiet_since.is_some_and(|since| since < SystemTime::now());
        Self { stamp, begun: Instant::now(), was_quiet }
    }

    /// Whether this is right for a request made at `asked`, which has just seen the folder like `stamp`.
    pub(super) fn is_right_for(&self, stamp: Stamp, asked: Instant, who: Asker) -> bool {
        let most = if self.was_quiet { FRESH } else { FRESH_IN_ANY_CASE };
        let age = asked.saturating_duration_since(self.begun);
        let is_young = match who {
            Asker::Reader => age < most,
            Asker::Beside => age < 2 * most,
            Asker::Waiter => true,
        };
        self.begun >= asked || (self.stamp == stamp && is_young)
    }
}

#[cfg(test)]
impl Stamp {
    /// The stamp of a folder that does not exist.
    pub(super) const NONE: Self = Self { changed: None, id: (0, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_given_again_while_it_is_right() {
        let old = SystemTime::now() - Duration::from_secs(60);
        let quiet = Stamp { changed: Some(old), id: (1, 2) };
        // In the future, so that it stays busy on a slow machine.
        let busy = Stamp { changed: Some(SystemTime::now() + Duration::from_secs(60)), id: (1, 2) };
        let asked = Instant::now() + Duration::from_secs(10);
        let read = |stamp: Stamp, before: u64| State {
            begun: asked.checked_sub(Duration::from_millis(before)).unwrap(),
            ..State::now(stamp)
        };
        assert!(read(quiet, 900).is_right_for(quiet, asked, Asker::Reader));
        assert!(!read(quiet, 1000).is_right_for(quiet, asked, Asker::Reader));
        assert!(read(quiet, 1900).is_right_for(quiet, asked, Asker::Beside));
        assert!(!read(quiet, 2000).is_right_for(quiet, asked, Asker::Beside));
        assert!(read(busy, 40).is_right_for(busy, asked, Asker::Reader));
        // It may have changed again and have the same time.
        assert!(!read(busy, 50).is_right_for(busy, asked, Asker::Reader));
        assert!(!read(busy, 100).is_right_for(busy, asked, Asker::Beside));
        let coarse = Stamp { changed: Some(UNIX_EPOCH + Duration::from_secs(1 << 39)), id: (1, 2) };
        for unknown in [Stamp::NONE, coarse] {
            assert!(!read(unknown, 50).is_right_for(unknown, asked, Asker::Reader));
        }
        assert!(read(busy, 9000).is_right_for(busy, asked, Asker::Waiter));
        for other in [busy, Stamp { id: (1, 3), ..quiet }] {
            assert!(!read(quiet, 0).is_right_for(other, asked + Duration::from_nanos(1), Asker::Waiter));
        }
        // It was begun after that, so it has everything that was there.
        assert!(read(quiet, 0).is_right_for(busy, asked, Asker::Reader));
    }
}
