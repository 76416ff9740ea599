//! The lists that are being made or sent, so that all who ask for the same one share one copy.
//!
//! Only the responses that send a list keep it: a server that sends none has none. It is shared while a response sends it and
//! it is right (see [`State::is_right_for`](super::folder::State::is_right_for)): the folder still has the time that it had,
//! and the list is younger than a second. So its names are those of the folder, and its sizes are at most a second old, as a
//! client that asked a second earlier would have got them. A single client never gets an old list, since a list it has
//! received is gone.
//!
//! A list that is too old is read again; if nothing has changed, new clients still get the old copy. So a client that reads
//! nothing costs no memory for another list unless the folder changes.
//!
//! One thread at a time makes a list. Others that want it use the previous one for another second, or wait. They wait for one
//! or two readings, because a list that was begun after they asked is always right for them. They have already opened the
//! folder themselves, so a file system that hangs has blocked them there. The number of waiting requests is limited, so that
//! others have threads left. [`Room`] bounds the memory of all lists together, including those that are being made.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::folder::{Asker, Folder, Stamp};
use super::order::Order;
use super::room::{Charge, Room, no_room};
use crate::sync::{Arc, Mutex, MutexGuard, Weak, lock};

#[derive(Debug, Default)]
pub(in crate::files) struct Lists {
    known: Mutex<HashMap<Key, Known>>,
    room: Arc<Room>,
    /// When the log last reported a lack of room.
    told: Mutex<Option<Instant>>,
}

/// The identity of a list: the folder, and how it is viewed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::files) struct Key {
    pub(in crate::files) path: PathBuf,
    pub(in crate::files) order: Order,
    pub(in crate::files) after: Option<OsString>,
    pub(in crate::files) dotfiles: bool,
    pub(in crate::files) outside: bool,
    pub(in crate::files) max_entries: usize,
}

#[derive(Debug, Default)]
struct Known {
    /// The list that is being sent.
    sent: Weak<Folder>,
    /// The list that is being made, for those who wait for it.
    making: Weak<Making>,
}

/// A list, locked until it is made. Waiting threads keep it alive until they have it.
#[derive(Debug, Default)]
struct Making(Mutex<Option<Made>>);

#[derive(Debug)]
enum Made {
    List(Arc<Folder>),
    /// It could not be made, for this reason.
    Nothing(io::ErrorKind),
}

/// How often the log reports a lack of room.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Lists {
    /// The share of memory for a list that is being made.
    pub(in crate::files) fn charge(&self, most: usize) -> Charge {
        Charge::of(&self.room, most)
    }

    /// A list that is still empty.
    pub(in crate::files) fn begin(&self, most: usize, stamp: Stamp) -> Folder {
        Folder::new(Charge::of(&self.room, most), stamp)
    }

    /// The list of a folder that just had this `stamp`: an existing one, or the result of `read`.
    ///
    /// # Errors
    /// Those of `read`; [`ResourceBusy`](io::ErrorKind::ResourceBusy) if too many requests are already waiting.
    pub(in crate::files) fn get(
        &self,
        key: Key,
        stamp: Stamp,
        read: impl FnMut() -> io::Result<Folder>,
    ) -> io::Result<Arc<Folder>> {
        self.get_at(Instant::now(), key, stamp, read)
    }

    fn get_at(
        &self,
        asked: Instant,
        key: Key,
        stamp: Stamp,
        mut read: impl FnMut() -> io::Result<Folder>,
    ) -> io::Result<Arc<Folder>> {
        loop {
            let making = match self.find(&key, stamp, asked) {
                Ok(folder) => return Ok(folder),
                Err(making) => making,
            };
            let mut result = self.room.wait_for(&making.0)?;
            match &*result {
                Some(Made::List(folder)) if folder.state().is_right_for(stamp, asked, Asker::Waiter) => {
                    return Ok(folder.clone());
                }
                // The folder has changed since it was read.
                Some(Made::List(_)) => continue,
                Some(Made::Nothing(io::ErrorKind::OutOfMemory)) => return Err(no_room()),
                Some(Made::Nothing(kind)) => return Err((*kind).into()),
                None => {}
            }
            let read = self.room.turn().and_then(|_turn| read());
            return match read {
                Ok(folder) => {
                    let folder = self.unless_known(key, &making, folder);
                    *result = Some(Made::List(folder.clone()));
                    Ok(folder)
                }
                Err(error) => {
                    // A waiting request would wait as long again, with the same result.
                    *result = Some(Made::Nothing(error.kind()));
                    self.note(key, &making, None);
                    Err(error)
                }
            };
        }
    }

    /// An existing list, or the place to make it or wait for it.
    fn find(&self, key: &Key, stamp: Stamp, asked: Instant) -> Result<Arc<Folder>, Arc<Making>> {
        let mut known = self.known();
        let known = known.entry(key.clone()).or_default();
        let making = known.making.upgrade();
        let who = if making.is_some() { Asker::Beside } else { Asker::Reader };
        let sent = known.sent.upgrade().filter(|folder| folder.state().is_right_for(stamp, asked, who));
        if let Some(folder) = sent {
            return Ok(folder);
        }
        Err(making.unwrap_or_else(|| {
            let making = Arc::default();
            known.making = Arc::downgrade(&making);
            making
        }))
    }

    /// Publishes a list that was made: the one that is already being sent, if they are equal.
    fn unless_known(&self, key: Key, making: &Arc<Making>, folder: Folder) -> Arc<Folder> {
        let sent = self.known().get(&key).and_then(|known| known.sent.upgrade());
        let folder = match sent.filter(|sent| sent.is_like(&folder)) {
            Some(sent) => {
                sent.renew(folder.state());
                sent
            }
            None => Arc::new(folder),
        };
        self.note(key, making, Some(&folder));
        folder
    }

    /// Records the result. New requests no longer wait for it.
    fn note(&self, key: Key, making: &Arc<Making>, made: Option<&Arc<Folder>>) {
        let mut known = self.known();
        let this = known.entry(key).or_default();
        // Another request may have begun, if it found that the list it had waited for was outdated.
        if this.making.ptr_eq(&Arc::downgrade(making)) {
            this.making = Weak::new();
        }
        if let Some(folder) = made {
            this.sent = Arc::downgrade(folder);
        }
        known.retain(|_, known| known.sent.strong_count() + known.making.strong_count() > 0);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        lock(&self.known)
    }

    /// Whether the log is due to report a lack of room, which it does only now and then.
    pub(super) fn is_to_be_told(&self) -> bool {
        let mut told = lock(&self.told);
        let now = Instant::now();
        let is_due = told.is_none_or(|told| now.saturating_duration_since(told) >= TELL_EVERY);
        if is_due {
            *told = Some(now);
        }
        is_due
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::super::room::MOST_WAITING;
    use super::*;
    use crate::files::entry::Entry;

    fn key() -> Key {
        let order = Order::default();
        Key { path: "a".into(), order, after: None, dotfiles: false, outside: false, max_entries: 9 }
    }

    fn stamp(folder: &Path) -> Stamp {
        Stamp::of(&folder.metadata().unwrap())
    }

    fn folder(lists: &Lists, stamp: Stamp, size: u64) -> Folder {
        let mut folder = lists.begin(1000, stamp);
        let name = OsString::from("name");
        assert!(folder.push(Entry { name, is_directory: false, is_link: false, size, modified: None }));
        folder
    }

    fn never() -> io::Result<Folder> {
        panic!("there is one")
    }

    #[test]
    fn all_who_ask_meanwhile_get_one_that_one_of_them_makes() {
        const CLIENTS: usize = 8;
        let (lists, of, made) = (Lists::default(), stamp(Path::new(".")), AtomicUsize::new(0));
        let all = Barrier::new(CLIENTS);
        let got: Vec<_> = thread::scope(|scope| {
            let ask = || {
                all.wait();
                let list = lists.get(key(), of, || {
                    made.fetch_add(1, Ordering::Relaxed);
                    while lists.room.waiting.load(Ordering::Relaxed) < CLIENTS - 1 {
                        thread::yield_now();
                    }
                    Ok(folder(&lists, of, 1))
                });
                let list = list.unwrap();
                all.wait();
                list
            };
            let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(got.iter().all(|list| Arc::ptr_eq(list, &got[0])));
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn so_many_wait_and_others_do_not() {
        let (lists, of) = (Lists::default(), stamp(Path::new(".")));
        let list = thread::scope(|scope| {
            lists.get(key(), of, || {
                for _ in 0..MOST_WAITING {
                    scope.spawn(|| assert_eq!(lists.get(key(), of, never).unwrap().entries[0].size, 1));
                }
                while lists.room.waiting.load(Ordering::Relaxed) < MOST_WAITING {
                    thread::yield_now();
                }
                let busy = lists.get(key(), of, never).unwrap_err();
                assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);
                let mut other = key();
                other.path = "b".into();
                assert!(lists.get(other, of, || Ok(folder(&lists, of, 2))).is_ok());
                Ok(folder(&lists, of, 1))
            })
        });
        assert!(list.is_ok());
        assert_eq!(lists.room.waiting.load(Ordering::Relaxed), 0);
    }

    /// Just after a list was begun, however busy the machine is.
    fn after(list: &Folder) -> Instant {
        list.state().begun + Duration::from_nanos(1)
    }

    #[test]
    fn a_list_that_nobody_takes_is_gone() {
        let (lists, of) = (Lists::default(), stamp(Path::new(".")));
        let list = lists.get(key(), of, || Ok(folder(&lists, of, 1))).unwrap();
        assert!(Arc::ptr_eq(&list, &lists.get_at(after(&list), key(), of, never).unwrap()));
        let mut other = key();
        other.dotfiles = true;
        let other = lists.get(other, of, || Ok(folder(&lists, of, 1))).unwrap();
        assert!(!Arc::ptr_eq(&list, &other), "not for who may see more");
        drop((list, other));
        let again = lists.get(key(), of, || Ok(folder(&lists, of, 2))).unwrap();
        assert_eq!(again.entries[0].size, 2);
        assert_eq!(lists.known().len(), 1);
    }

    #[test]
    fn a_folder_that_has_changed_is_read_again_and_its_list_is_another_only_if_it_says_something_else() {
        let (lists, root) = (Lists::default(), tempfile::tempdir().unwrap());
        let old = stamp(root.path());
        let first = lists.get(key(), old, || Ok(folder(&lists, old, 1))).unwrap();
        wait_for_another_time(root.path(), old);
        let new = stamp(root.path());
        let same = lists.get_at(after(&first), key(), new, || Ok(folder(&lists, new, 1))).unwrap();
        assert!(Arc::ptr_eq(&first, &same), "nothing is new");
        let again = lists.get_at(after(&first), key(), new, never).unwrap();
        assert!(Arc::ptr_eq(&first, &again), "and it is known to be right");
        let other = lists.get_at(after(&first), key(), old, || Ok(folder(&lists, old, 2))).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        drop((first, same, again));
        assert!(Arc::ptr_eq(&other, &lists.get_at(after(&other), key(), old, never).unwrap()));
    }

    /// Two changes may be so close together that they have the same time.
    fn wait_for_another_time(folder: &Path, before: Stamp) {
        while stamp(folder) == before {
            fs::write(folder.join("x"), "").unwrap();
            fs::remove_file(folder.join("x")).unwrap();
        }
    }

    #[test]
    fn a_list_without_room_is_told_to_all_who_wait_and_not_kept() {
        let (lists, of) = (Lists::default(), stamp(Path::new(".")));
        let none = lists.get(key(), of, || Err(no_room()));
        assert_eq!(none.unwrap_err().kind(), io::ErrorKind::OutOfMemory);
        assert!(lists.known().is_empty());
        assert!(lists.get(key(), of, || Ok(folder(&lists, of, 1))).is_ok());
        assert!(lists.is_to_be_told() && !lists.is_to_be_told());
    }
}
