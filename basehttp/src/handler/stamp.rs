//! The date of the current second, and the two fields that nearly every reply has: made once a second by each thread.

use std::cell::{Cell, RefCell};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::proto::date::HTTPDate;
use crate::proto::grammar::is_plain_text;
use crate::proto::reply::Reply;

thread_local! {
    static DATE: Cell<(u64, HTTPDate)> = const { Cell::new((0, HTTPDate::EPOCH)) };
    static FIELDS: RefCell<Fields> = const { RefCell::new(Fields { second: 0, server: 0, lines: Vec::new() }) };
}

/// `Server` and `Date` as they are sent.
struct Fields {
    second: u64,
    /// How long the value of `Server` is.
    server: usize,
    lines: Vec<u8>,
}

/// A longer value of `Server` is not kept.
const USUAL: usize = 256;

const SERVER: &[u8] = b"Server: ";

pub(super) fn date(now: SystemTime) -> HTTPDate {
    let second = second_of(now);
    let (last, date) = DATE.get();
    if last == second {
        return date;
    }
    let date = HTTPDate::from(now);
    DATE.set((second, date));
    date
}

/// Adds `Server` and `Date` to a reply.
pub(super) fn add(reply: &mut Reply, server: &str, now: SystemTime) {
    let second = second_of(now);
    FIELDS.with_borrow_mut(|fields| {
        let made_for = fields.lines.get(SERVER.len()..SERVER.len() + fields.server);
        if fields.second == second && made_for == Some(server.as_bytes()) {
            return reply.ready_made(&fields.lines);
        }
        let date = date(now);
        // What is no plain text may have to be refused.
        if server.len() <= USUAL && is_plain_text(server.as_bytes()) {
            (fields.second, fields.server) = (second, server.len());
            fields.lines.clear();
            for piece in [SERVER, server.as_bytes(), b"\r\nDate: ", date.as_bytes(), b"\r\n"] {
                fields.lines.extend_from_slice(piece);
            }
        }
        reply.server_and_date(server, &date);
    });
}

fn second_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
