//! Ranges of a file: RFC 9110 section 14.

use std::ops::Range;

use crate::proto::grammar::{decimal, list, trim_blanks};

/// What a `Range` field asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All bytes: there is no such field, or it is not valid.
    All,
    Ranges(Vec<Range<u64>>),
    /// No bytes that exist (416).
    Nothing,
}

/// How many ranges one request may ask for by default: programs that fetch the changed parts of a file ask for some dozens.
pub(super) const DEFAULT_RANGES: usize = 100;

/// Ranges this close to each other are sent as one: the bytes between them cost less than the head of another part.
const GAP: u64 = 80;

/// The part of `len` bytes that `field` asks for. Units other than bytes, and invalid ranges, ask for all (section 14.2).
///
/// More than `most` ranges also get all: no sensible client asks for so many; they only make work for the server.
pub(super) fn wanted(field: &[u8], len: u64, most: usize) -> Wanted {
    let Some((unit, set)) = field.split_at_checked(6) else { return Wanted::All };
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return Wanted::All;
    }
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let (mut specified, mut has_suffix) = (0, false);
    for spec in list(set).filter(|spec| !spec.is_empty()) {
        specified += 1;
        let Some(range) = range(spec, len) else { return Wanted::All };
        if specified > most {
            return Wanted::All;
        }
        has_suffix |= spec.strip_prefix(b"-").is_some_and(|count| count.iter().any(|byte| *byte != b'0'));
        if !range.is_empty() {
            ranges.push(range);
        }
    }
    match (specified, ranges.is_empty()) {
        (0, _) => Wanted::All,
        // Section 14.1.2: the last bytes of an empty file are all of it. They cannot be written as a range.
        _ if len == 0 && has_suffix => Wanted::All,
        (_, true) => Wanted::Nothing,
        _ => Wanted::Ranges(joined(ranges)),
    }
}

/// One range; empty if it is not satisfiable. `None` if it is not valid.
fn range(spec: &[u8], len: u64) -> Option<Range<u64>> {
    let dash = spec.iter().position(|byte| *byte == b'-')?;
    let (first, last) = (spec.get(..dash)?, spec.get(dash + 1..)?);
    // A number too large for us lies beyond the end.
    let number = |digits: &[u8]| {
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| decimal(digits).unwrap_or(u64::MAX))
    };
    match (trim_blanks(first), trim_blanks(last)) {
        (b"", suffix) => number(suffix).map(|suffix| len.saturating_sub(suffix)..len),
        (first, b"") => number(first).map(|first| first.min(len)..len),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(len)..last.saturating_add(1).min(len))
        }
    }
}

/// In the requested order, except that ranges are joined if they overlap or nearly touch: section 15.3.7.2.
fn joined(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for mut range in ranges {
        while let Some(near) = joined.iter().position(|other| {
            range.start <= other.end.saturating_add(GAP) && other.start <= range.end.saturating_add(GAP)
        }) {
            let other = joined.remove(near);
            range = range.start.min(other.start)..range.end.max(other.end);
        }
        joined.push(range);
    }
    joined
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "it is one range, and not its numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(field: &[u8], len: u64) -> Wanted {
        wanted(field, len, 16)
    }

    #[test]
    fn fields_and_what_they_ask_for() {
        let ranges = |ranges: &[Range<u64>]| Wanted::Ranges(ranges.to_vec());
        for (field, expected) in [
            ("bytes=0-0", ranges(&[0..1])),
            ("bytes=0-499", ranges(&[0..500])),
            ("bytes=500-", ranges(&[500..1000])),
            ("bytes=-1", ranges(&[999..1000])),
            ("bytes=-5000", ranges(&[0..1000])),
            ("bytes=999-100000", ranges(&[999..1000])),
            ("Bytes=0-99999999999999999999999999", ranges(&[0..1000])),
            ("bytes=0-9, 500-509", ranges(&[0..10, 500..510])),
            ("bytes=500-509,0-9", ranges(&[500..510, 0..10])),
            ("bytes=0-9,50-59", ranges(&[0..60])),
            ("bytes=0-9,,5-14", ranges(&[0..15])),
            ("bytes=0-9,2000-", ranges(&[0..10])),
            ("bytes=0-0,500-500,999-999,300-600", ranges(&[0..1, 999..1000, 300..601])),
            ("bytes=1000-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=2000-3000,99999999999999999999-", Wanted::Nothing),
            ("bytes=", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=5-4", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=0-9,x", Wanted::All),
            ("bytes 0-9", Wanted::All),
            ("lines=0-9", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(of(field.as_bytes(), 1000), expected, "{field}");
        }
        for (field, expected) in [
            ("bytes=0-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=-5", Wanted::All),
            ("bytes=0-9,-5", Wanted::All),
        ] {
            assert_eq!(of(field.as_bytes(), 0), expected, "{field} of nothing");
        }
        let many = |count: usize| format!("bytes={}", vec!["0-0"; count].join(","));
        assert_eq!(of(many(16).as_bytes(), 1000), ranges(&[0..1]));
        assert_eq!(of(many(17).as_bytes(), 1000), Wanted::All);
        assert_eq!(wanted(b"bytes=0-9", 1000, 0), Wanted::All, "switched off");
    }

    proptest! {
        #[test]
        fn what_is_sent_is_there_and_sent_once(field in "bytes=([0-9]{0,3}-[0-9]{0,3},?){0,8}", len in 0..500_u64) {
            if let Wanted::Ranges(ranges) = of(field.as_bytes(), len) {
                prop_assert!(!ranges.is_empty());
                prop_assert!(ranges.iter().all(|range| range.start < range.end && range.end <= len));
                let mut sorted = ranges;
                sorted.sort_by_key(|range| range.start);
                prop_assert!(sorted.windows(2).all(|pair| pair[0].end + GAP < pair[1].start));
            }
        }
    }
}
