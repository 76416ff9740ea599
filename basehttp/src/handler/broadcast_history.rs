//! The last events of a broadcast, for clients that reconnect.

use std::collections::VecDeque;

use super::payload::Payload;

#[derive(Default)]
pub(super) struct History {
    events: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    id: String,
    message: Payload,
}

impl History {
    /// Keeps an event, and as many earlier ones as both bounds allow: a number of events and a number of bytes.
    pub(super) fn keep(&mut self, id: String, message: Payload, most: usize, most_bytes: usize) {
        self.bytes += message.len();
        self.events.push_back(Kept { id, message });
        // The last event stays, however long it is, so that a client that was away for a moment does not miss it.
        while self.events.len() > most || (self.bytes > most_bytes && self.events.len() > 1) {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.message.len();
        }
    }

    /// The events after the one with this id, as one payload. All events if that id is unknown.
    pub(super) fn since(&self, id: &str) -> Payload {
        let seen = self.events.iter().rposition(|event| event.id == id).map_or(0, |at| at + 1);
        let missed: Vec<&[u8]> =
            self.events.iter().skip(seen).map(|event| event.message.as_bytes()).collect();
        missed.concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(history: &History, id: &str) -> String {
        String::from_utf8(history.since(id).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn it_has_two_bounds_and_keeps_the_last() {
        let mut history = History::default();
        for (id, text) in [("1", "a"), ("2", "bb"), ("3", "ccc"), ("4", "d")] {
            history.keep(id.to_owned(), text.into(), 3, 100);
        }
        assert_eq!((since(&history, "2").as_str(), since(&history, "4").as_str()), ("cccd", ""));
        // Dropped from the history, or never in it.
        assert_eq!((since(&history, "1").as_str(), since(&history, "x").as_str()), ("bbcccd", "bbcccd"));
        history.keep("5".to_owned(), "eeee".into(), 3, 5);
        assert_eq!(since(&history, ""), "deeee");
        history.keep("6".to_owned(), "ffffffff".into(), 3, 5);
        assert_eq!((since(&history, ""), history.bytes), ("ffffffff".to_owned(), 8));
    }

    #[test]
    fn of_two_with_one_id_the_later_counts() {
        let mut history = History::default();
        for (id, text) in [("1", "a"), ("2", "b"), ("1", "c"), ("3", "d")] {
            history.keep(id.to_owned(), text.into(), 9, 100);
        }
        assert_eq!(since(&history, "1"), "d");
    }
}
