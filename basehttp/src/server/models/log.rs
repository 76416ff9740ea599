//! The log: one thread writes it, and no other waits for that one.

use std::cell::{Cell, RefCell};

use super::{explore, thread};
use crate::handler::wire::Level;
use crate::server::log::Log;
use crate::server::sync::{Arc, AtomicBool, Ordering};

/// The reader of the log. All threads of a model run on one thread of the system.
#[derive(Default)]
struct Reader {
    read: RefCell<String>,
    /// How much it takes from now on.
    room: Cell<usize>,
    /// A thread writes. One of loom's types, so that another thread may come in between.
    writing: RefCell<Option<Arc<AtomicBool>>>,
}

thread_local! {
    static READER: Reader = Reader::default();
}

/// Stands for writing to standard error.
pub(in crate::server) fn write(lines: &[u8]) -> usize {
    let writing = READER.with(|reader| reader.writing.borrow().clone()).expect("a model has begun");
    assert!(!writing.swap(true, Ordering::Relaxed), "two write at the same time");
    let count = READER.with(|reader| {
        let count = lines.len().min(reader.room.get());
        reader.room.set(reader.room.get() - count);
        reader.read.borrow_mut().push_str(str::from_utf8(&lines[..count]).expect("ASCII"));
        count
    });
    writing.store(false, Ordering::Relaxed);
    count
}

fn begin(room: usize, shards: usize) -> Arc<Log> {
    READER.with(|reader| {
        reader.read.borrow_mut().clear();
        reader.room.set(room);
        *reader.writing.borrow_mut() = Some(Arc::new(AtomicBool::new(false)));
    });
    Arc::new(Log::new(None, shards))
}

fn read() -> String {
    READER.with(|reader| reader.read.borrow().clone())
}

/// As a handler does.
fn push(log: &Log, shard: usize, text: &str) {
    if log.gather(shard, text, Level::Info) {
        log.flush();
    }
}

fn say(log: &Arc<Log>, shard: usize, text: &'static str) -> thread::JoinHandle<()> {
    let log = log.clone();
    thread::spawn(move || {
        push(&log, shard, text);
        log.flush();
    })
}

/// Two threads log a line, and one of them finds the other writing: it need not come again.
#[test]
fn what_is_said_while_another_writes_is_written() {
    explore(None, || {
        let log = begin(1000, 1);
        let other = say(&log, 0, "one\n");
        push(&log, 0, "two\n");
        log.flush();
        other.join().expect("it does not panic");
        let read = read();
        assert!(read == "one\ntwo\n" || read == "two\none\n", "{read:?}");
        assert!(!log.has_lines());
    });
}

/// As before, in two shards: the writing thread takes the lines of both.
#[test]
fn what_is_said_in_another_shard_is_written() {
    explore(None, || {
        let log = begin(1000, 2);
        let other = say(&log, 1, "one\n");
        push(&log, 0, "two\n");
        log.flush();
        other.join().expect("it does not panic");
        let read = read();
        assert!(read == "one\ntwo\n" || read == "two\none\n", "{read:?}");
        assert!(!log.has_lines());
    });
}

/// The reader takes a part, and later the rest: nothing is lost, duplicated or reordered.
#[test]
fn what_was_not_taken_is_written_later() {
    explore(None, || {
        let log = begin(2, 1);
        let other = say(&log, 0, "one\n");
        push(&log, 0, "two\n");
        log.flush();
        other.join().expect("it does not panic");
        assert!(log.has_lines(), "nobody would try it again");
        READER.with(|reader| reader.room.set(1000));
        log.flush();
        let read = read();
        assert!(read == "one\ntwo\n" || read == "two\none\n", "{read:?}");
    });
}

/// There is no reader: lines that do not fit are counted, and the count is logged when a reader takes lines again.
#[test]
fn what_is_lost_is_counted() {
    explore(2, || {
        let log = begin(0, 1);
        // The writing thread holds the first; all that fits besides is the next one and one of the two lines that follow.
        let most = "x".repeat(512 * 1024 - 5);
        push(&log, 0, &most);
        push(&log, 0, &most);
        let other = say(&log, 0, "one\n");
        push(&log, 0, "two\n");
        other.join().expect("it does not panic");
        READER.with(|reader| reader.room.set(usize::MAX));
        log.flush();
        push(&log, 0, "end\n");
        log.flush();
        let read = read();
        let said = read.matches("one\n").count() + read.matches("two\n").count();
        let lost = read.matches("1 log lines were dropped").count();
        assert_eq!(said + lost, 2, "{}", read.replace(&most, "..."));
        assert!(read.ends_with("end\n"));
    });
}
