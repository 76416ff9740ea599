//! Conditional requests: RFC 9110 section 13.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::handler::request::Request;

/// What tells one state of a file from another.
#[derive(Clone, Debug)]
pub(super) struct Validators {
    /// With its quotes. None where nothing tells one state from another.
    pub(super) etag: Option<String>,
    /// In whole seconds, as field values have it.
    pub(super) modified: Option<SystemTime>,
    /// When that was found out.
    now: SystemTime,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    NotModified,
    PreconditionFailed,
}

impl Validators {
    /// A strong validator of what the system tells when a file was changed, and how long it is: two servers that have the same
    /// file with the same time tell the same of it, so it is made of nothing else (no inode, and no hash that another version may
    /// make otherwise). Nothing is read for it.
    ///
    /// Two codings of one file are two representations (RFC 9110 section 8.8.3.3), and may have both in common: `coding` tells them
    /// apart.
    ///
    /// Archives and stores that are to come out the same each time have files of 1970, or of 1980 where they know no earlier time
    /// (ZIP), whatever is in them. Such a time says nothing, and is told to nobody.
    pub(super) fn of(metadata: &Metadata, coding: Option<&str>, now: SystemTime) -> Self {
        let since = metadata.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let since = since.filter(|since| *since >= MEANT);
        let of_coding = coding.map_or_else(String::new, |coding| format!("-{coding}"));
        let etag = since.map(|since| format!("\"{:x}-{:x}{of_coding}\"", since.as_nanos(), metadata.len()));
        Self { etag, modified: since.map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs())), now }
    }

    /// Those of bytes that have an entity tag, and no date.
    pub(super) fn tagged(etag: String, now: SystemTime) -> Self {
        Self { etag: Some(etag), modified: None, now }
    }

    /// The value of `Last-Modified`, which is never in the future: RFC 9110 section 8.8.2.1.
    pub(super) fn last_modified(&self) -> Option<SystemTime> {
        self.modified.map(|modified| modified.min(whole_seconds(self.now)))
    }

    /// Whether this is the date of the file, and it cannot have been changed again since then without another date: RFC 9110
    /// section 8.8.2.2.
    fn has_strong_date(&self, date: SystemTime) -> bool {
        let is_over = date + Duration::from_secs(1) <= self.now;
        self.modified == Some(date) && is_over
    }
}

/// The third of January 1980: the first of it was before in every zone.
const MEANT: Duration = Duration::from_secs(315_705_600);

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// RFC 9110 section 13.2.2, step by step. What is no date, or no entity tag, is not there.
///
/// For a handler of HTTP/1.0, which knows no tags, `If-None-Match: *` says only that `If-Modified-Since` is not meant: so
/// Python has it, and its tests.
pub(super) fn judge(request: &Request, validators: &Validators, knows_tags: bool) -> Verdict {
    let lists = |name| list(request, name);
    let unmodified_since = || date(request, "If-Unmodified-Since").zip(validators.modified);
    let modified_since = || date(request, "If-Modified-Since").zip(validators.modified);
    if let Some(tags) = lists("If-Match") {
        if !has(&tags, validators.etag.as_deref(), Comparison::Strong) {
            return Verdict::PreconditionFailed;
        }
    } else if unmodified_since().is_some_and(|(since, modified)| modified > since) {
        return Verdict::PreconditionFailed;
    }
    if let Some(tags) = lists("If-None-Match") {
        if has(&tags, validators.etag.as_deref(), Comparison::Weak) && (knows_tags || tags != b"*") {
            return Verdict::NotModified;
        }
    } else if modified_since().is_some_and(|(since, modified)| modified <= since) {
        return Verdict::NotModified;
    }
    Verdict::Go
}

/// Whether a range is wanted of what these validators stand for, and not the whole of what came after: RFC 9110 section
/// 13.1.5.
pub(super) fn is_same(request: &Request, validators: &Validators) -> bool {
    let mut values = request.values("If-Range");
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some(value), None) if value.starts_with(b"\"") => {
            validators.etag.as_ref().is_some_and(|etag| value == etag.as_bytes())
        }
        (Some(value), None) => parse_date(value).is_some_and(|date| validators.has_strong_date(date)),
        (Some(_), Some(_)) => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// RFC 9110 section 8.8.3.2: a weak tag equals none.
    Strong,
    Weak,
}

/// All values of a field one behind the other, if there are any.
fn list(request: &Request, name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = request.values(name).collect();
    (!values.is_empty()).then(|| values.join(&b','))
}

/// Whether a list of entity tags has this one, or is an asterisk.
fn has(mut list: &[u8], etag: Option<&str>, comparison: Comparison) -> bool {
    if list == b"*" {
        return true;
    }
    loop {
        while let [b' ' | b'\t' | b',', rest @ ..] = list {
            list = rest;
        }
        let tag = list.strip_prefix(b"W/");
        let (is_weak, tag) = (tag.is_some(), tag.unwrap_or(list));
        let Some((b'"', after)) = tag.split_first() else { return false };
        // A tag may have a comma in it.
        let Some(end) = after.iter().position(|byte| *byte == b'"') else { return false };
        let (tag, rest) = tag.split_at((end + 2).min(tag.len()));
        if etag.is_some_and(|etag| tag == etag.as_bytes()) && !(is_weak && comparison == Comparison::Strong) {
            return true;
        }
        list = rest;
    }
}

fn date(request: &Request, name: &str) -> Option<SystemTime> {
    let mut values = request.values(name);
    values.next().filter(|_| values.next().is_none()).and_then(parse_date)
}

fn parse_date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_entity_tags() {
        for (list, strong, weak) in [
            ("*", true, true),
            ("\"a\"", true, true),
            ("W/\"a\"", false, true),
            ("\"b\", \"a\"", true, true),
            ("\"b\",W/\"a\" , \"c\"", false, true),
            (",, \"a\"", true, true),
            ("\"a,b\", \"a\"", true, true),
            ("\"x\"\"a\"", true, true),
            ("a", false, false),
            ("\"a", false, false),
            ("\"A\"", false, false),
            ("\"b\" *", false, false),
            ("", false, false),
            ("W/", false, false),
            ("\"", false, false),
        ] {
            let found = [Comparison::Strong, Comparison::Weak]
                .map(|comparison| has(list.as_bytes(), Some("\"a\""), comparison));
            assert_eq!(found, [strong, weak], "{list}");
        }
    }
}
