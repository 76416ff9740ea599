//! The date of the current second and the usual beginning of a response, which each thread formats once a second.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::class::Responses;
use crate::proto::date::HttpDate;
use crate::proto::request_line::Version;
use crate::proto::response::Response;
use crate::proto::status::HTTPStatus;

thread_local! {
    static DATE: Cell<(u64, HttpDate)> = const { Cell::new((0, HttpDate::EPOCH)) };
    static PREFIX: RefCell<HeadPrefix> = const { RefCell::new(HeadPrefix::NONE) };
}

/// The beginning of the last response: its status line, `Server` and `Date`. Most responses begin like the previous one.
struct HeadPrefix {
    /// The beginning of the second in its date.
    since: SystemTime,
    until: SystemTime,
    status: HTTPStatus,
    protocol: Version,
    /// The table that the phrase was taken from.
    phrases: Responses,
    server: Vec<u8>,
    lines: Vec<u8>,
}

impl HeadPrefix {
    const NONE: Self = Self {
        since: UNIX_EPOCH,
        until: UNIX_EPOCH,
        status: HTTPStatus::OK,
        protocol: Version::Http09,
        phrases: &[],
        server: Vec::new(),
        lines: Vec::new(),
    };
}

/// Bytes of a `Server` value; a response with a longer one is not kept.
const USUAL: usize = 256;

pub(super) fn date(now: SystemTime) -> HttpDate {
    let second = second_of(now);
    let (last, date) = DATE.get();
    if last == second {
        return date;
    }
    let date = HttpDate::from(now);
    DATE.set((second, date));
    date
}

/// Begins a response with its status line, `Server` and `Date`. `phrase` is called only if the kept beginning cannot be used.
pub(super) fn open(
    response: &mut Response,
    (protocol, status, phrases): (Version, HTTPStatus, Responses),
    phrase: impl FnOnce() -> &'static str,
    server: &str,
    now: SystemTime,
) {
    PREFIX.with_borrow_mut(|last| {
        let is_same = now >= last.since
            && now < last.until
            && last.status == status
            && last.protocol == protocol
            && std::ptr::eq(last.phrases, phrases)
            && last.server == server.as_bytes();
        if is_same && response.begin_with(protocol, status, &last.lines) {
            return;
        }
        response.status_line(protocol, status, phrase());
        response.server_and_date(server, &date(now));
        if let Some(lines) = response.prefix().filter(|_| server.len() <= USUAL) {
            (last.status, last.protocol, last.phrases) = (status, protocol, phrases);
            last.since = UNIX_EPOCH + Duration::from_secs(second_of(now));
            last.until = last.since.checked_add(Duration::from_secs(1)).unwrap_or(last.since);
            last.server.clear();
            last.server.extend_from_slice(server.as_bytes());
            last.lines.clear();
            last.lines.extend_from_slice(lines);
        }
    });
}

fn second_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
