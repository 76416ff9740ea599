//! File times in lists, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use tz::UtcDateTime;

/// The UTC time of a file, which may be any time.
pub(super) fn utc(time: SystemTime) -> Option<UtcDateTime> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()),
        Err(before) => i64::try_from(before.duration().as_secs()).map(|seconds| -seconds),
    };
    UtcDateTime::from_timespec(seconds.ok()?, 0).ok()
}

/// In RFC 3339 format.
pub(super) fn exact(time: UtcDateTime) -> String {
    let (date, hour) = (date(time), hour(time));
    format!("{date}T{hour}:{:02}Z", time.second())
}

pub(super) fn date(time: UtcDateTime) -> String {
    format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.month_day())
}

pub(super) fn hour(time: UtcDateTime) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}
