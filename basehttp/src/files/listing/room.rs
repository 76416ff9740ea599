//! Limits shared by all lists of folders: memory, waiting requests, and turns to read.

use std::io;

use crate::sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering, TryLockError, lock};

/// The limits shared by all lists.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The memory in use.
    taken: AtomicUsize,
    /// How many requests wait for another one's result, or for their turn.
    pub(super) waiting: AtomicUsize,
    /// Each is held by a thread that reads a folder.
    readers: [Mutex<()>; MOST_READING],
    next_reader: AtomicUsize,
}

/// How many folders are read at a time: each has the names of its list in memory, and clients may ask for any number of
/// different lists. More at a time would not be faster.
const MOST_READING: usize = 4;

/// No more than this many requests wait for lists: on a slow disk they would otherwise take all threads.
pub(super) const MOST_WAITING: usize = 64;

impl Room {
    /// Waits for a turn to read a folder. The turn lasts until the returned value is dropped.
    ///
    /// # Errors
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) if [`MOST_WAITING`] requests are already waiting.
    pub(super) fn turn(&self) -> io::Result<MutexGuard<'_, ()>> {
        if let Some(free) = self.readers.iter().find_map(|reader| reader.try_lock().ok()) {
            return Ok(free);
        }
        let next = self.next_reader.fetch_add(1, Ordering::Relaxed) % MOST_READING;
        let [first, ..] = &self.readers;
        self.wait_for(self.readers.get(next).unwrap_or(first))
    }

    /// Locks something that only one thread at a time makes, or waits until another thread has made it.
    ///
    /// # Errors
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) if [`MOST_WAITING`] requests are already waiting.
    pub(super) fn wait_for<'a, T>(&self, making: &'a Mutex<T>) -> io::Result<MutexGuard<'a, T>> {
        match making.try_lock() {
            Ok(made) => return Ok(made),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let made = if before < MOST_WAITING { Ok(lock(making)) } else { Err(too_many_wait()) };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        made
    }
}

fn too_many_wait() -> io::Error {
    let text = format!("more than {MOST_WAITING} requests are waiting for lists of folders");
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

/// The share of one list.
#[derive(Debug)]
pub(in crate::files) struct Charge {
    room: Arc<Room>,
    most: usize,
    taken: AtomicUsize,
}

impl Charge {
    pub(super) fn of(room: &Arc<Room>, most: usize) -> Self {
        Self { room: room.clone(), most, taken: AtomicUsize::new(0) }
    }

    /// An empty share, under the same limit as this one.
    pub(super) fn another(&self) -> Self {
        Self::of(&self.room, self.most)
    }

    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Takes this many more bytes. False if there are not enough.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        let add = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        let has_room = self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        if has_room {
            *self.taken.get_mut() += bytes;
        }
        has_room
    }

    /// Sets the share to this many bytes. False if there are not enough.
    pub(super) fn cover(&mut self, bytes: usize) -> bool {
        let taken = *self.taken.get_mut();
        if bytes > taken {
            return self.add(bytes - taken);
        }
        self.room.taken.fetch_sub(taken - bytes, Ordering::Relaxed);
        *self.taken.get_mut() = bytes;
        true
    }

    /// Takes over another share.
    pub(super) fn join(&self, mut other: Self) {
        self.taken.fetch_add(std::mem::take(other.taken.get_mut()), Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(*self.taken.get_mut(), Ordering::Relaxed);
    }
}

pub(in crate::files) fn no_room() -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, "lists of folders already use all their memory (list_memory)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_freed_can_be_had_again() {
        let room = Arc::new(Room::default());
        let mut one = Charge::of(&room, 100);
        assert!(one.add(60) && !one.add(41) && one.add(40));
        assert!(one.cover(30) && one.cover(50));
        let mut other = Charge::of(&room, 100);
        assert!(!other.cover(51) && other.cover(50));
        one.join(other);
        assert!(!Charge::of(&room, 100).add(1));
        drop(one);
        assert!(Charge::of(&room, 100).add(100));
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
        assert!(!Charge::of(&room, 100).add(usize::MAX));
    }

    #[test]
    fn so_many_read_and_others_have_their_turn_after_them() {
        let room = Room::default();
        let turns: Vec<_> = (0..MOST_READING).map(|_| room.turn().unwrap()).collect();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| room.turn().is_ok());
            while room.waiting.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            drop(turns);
            assert!(other.join().unwrap());
        });
        assert_eq!(room.waiting.load(Ordering::Relaxed), 0);
    }
}
