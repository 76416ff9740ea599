//! Conditional requests: RFC 9110 section 13.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::handler::request::Request;

/// Identifies one state of a file.
#[derive(Clone, Debug)]
pub(super) struct Validators {
    /// Quoted. `None` if the states cannot be told apart.
    pub(super) etag: Option<String>,
    /// In whole seconds, as in field values.
    pub(super) modified: Option<SystemTime>,
    /// When this was determined.
    now: SystemTime,
}

/// The result of a request's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    NotModified,
    PreconditionFailed,
}

impl Validators {
    /// A strong validator made from a file's modification time and length. Two servers that have the same file with the same
    /// time produce the same validator, so nothing else goes into it: no inode, and no hash that another version might
    /// compute differently. The file is not read for it.
    ///
    /// Two codings of one file are two representations (RFC 9110 section 8.8.3.3), and may agree in both: `coding` tells them
    /// apart.
    ///
    /// Reproducible archives and stores date all files to 1970, or to 1980 if their format knows no earlier time (ZIP),
    /// whatever their content. Such a time identifies nothing, and is not sent.
    pub(super) fn of(metadata: &Metadata, coding: Option<&str>, now: SystemTime) -> Self {
        let since = metadata.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        let since = since.filter(|since| *since >= MEANT);
        let of_coding = coding.map_or_else(String::new, |coding| format!("-{coding}"));
        let etag = since.map(|since| format!("\"{:x}-{:x}{of_coding}\"", since.as_nanos(), metadata.len()));
        Self { etag, modified: since.map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs())), now }
    }

    /// The validators of bytes that have an entity tag and no date.
    pub(super) fn tagged(etag: String, now: SystemTime) -> Self {
        Self { etag: Some(etag), modified: None, now }
    }

    /// The value of `Last-Modified`, which is never in the future: RFC 9110 section 8.8.2.1.
    pub(super) fn last_modified(&self) -> Option<SystemTime> {
        self.modified.map(|modified| modified.min(whole_seconds(self.now)))
    }

    /// Whether this is the date of the file, and the file cannot have changed since without getting another date: RFC 9110
    /// section 8.8.2.2.
    fn has_strong_date(&self, date: SystemTime) -> bool {
        let is_over = date + Duration::from_secs(1) <= self.now;
        self.modified == Some(date) && is_over
    }
}

/// The third of January 1980: in every time zone the first has passed by then.
const MEANT: Duration = Duration::from_secs(315_705_600);

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// RFC 9110 section 13.2.2, step by step. Invalid dates and entity tags are ignored.
///
/// For a handler of HTTP/1.0, which has no entity tags, `If-None-Match: *` only disables `If-Modified-Since`, as in Python
/// and its tests.
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

/// Whether the range may be sent: `If-Range` matches these validators, so that the client does not need the whole file (RFC
/// 9110 section 13.1.5).
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
    /// RFC 9110 section 8.8.3.2: a weak tag never matches.
    Strong,
    Weak,
}

/// All values of a field, joined by commas, if there are any.
fn list(request: &Request, name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = request.values(name).collect();
    (!values.is_empty()).then(|| values.join(&b','))
}

/// Whether a list of entity tags contains this one, or is an asterisk.
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
        // A tag may contain a comma.
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
