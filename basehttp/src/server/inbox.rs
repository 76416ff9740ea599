//! Items that are left for another thread to find.

use super::sync::{AtomicBool, Mutex, Ordering, lock};

pub(super) struct Inbox<T> {
    things: Mutex<Vec<T>>,
    /// To check without the lock.
    is_empty: AtomicBool,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self { things: Mutex::new(Vec::new()), is_empty: AtomicBool::new(true) }
    }
}

impl<T> Inbox<T> {
    pub(super) fn push(&self, thing: T) {
        let mut things = lock(&self.things);
        things.push(thing);
        self.is_empty.store(false, Ordering::SeqCst);
    }

    pub(super) fn has_some(&self) -> bool {
        !self.is_empty.load(Ordering::SeqCst)
    }

    /// Gives everything to `take`, and keeps the memory.
    pub(super) fn empty(&self, take: impl FnMut(T)) {
        if self.is_empty.load(Ordering::SeqCst) {
            return;
        }
        let mut things = lock(&self.things);
        self.is_empty.store(true, Ordering::SeqCst);
        things.drain(..).for_each(take);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found_once() {
        let inbox = Inbox::default();
        let mut found = Vec::new();
        inbox.empty(|thing| found.push(thing));
        assert!(!inbox.has_some() && found.is_empty());
        inbox.push(1);
        inbox.push(2);
        assert!(inbox.has_some());
        inbox.empty(|thing| found.push(thing));
        inbox.empty(|thing| found.push(thing));
        assert!(!inbox.has_some());
        assert_eq!(found, [1, 2]);
        inbox.push(3);
        inbox.empty(|thing| found.push(thing));
        assert_eq!(found, [1, 2, 3]);
    }
}
