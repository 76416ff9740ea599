//! From a request target to a path beneath a folder.

use std::ffi::OsString;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

use crate::proto::target::absolute;

/// The path that a target names, relative to the folder; `.` is the folder itself. It ends with a slash if the target does.
/// `None` if there cannot be such a file.
///
/// The query and the fragment are removed, percent-encoding is decoded once (invalid encodings are left alone), empty
/// segments and `.` are removed, and `..` goes up, but never above the folder (RFC 3986 section 5.2.4).
pub(super) fn relative_path(target: &str) -> Option<PathBuf> {
    let decoded: Vec<u8> = percent_decode(&bytes(path_of(target))).collect();
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in decoded.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            segment if is_name(segment) => segments.push(segment),
            _ => return None,
        }
    }
    if segments.is_empty() {
        segments.push(b".");
    }
    if decoded.last() == Some(&b'/') {
        segments.push(b"");
    }
    os_string(segments.join(&b'/')).map(PathBuf::from)
}

/// The part of a target before its query and fragment, without the scheme and host of an absolute one (RFC 9112 section
/// 3.2.2).
pub(super) fn path_of(target: &str) -> &str {
    match parts(target) {
        (origin, "", _) if !origin.is_empty() => "/",
        (_, path, _) => path,
    }
}

/// A target's scheme and host, its path, and its query and fragment.
fn parts(target: &str) -> (&str, &str, &str) {
    let (before, rest) = target.split_at(target.find(['?', '#']).unwrap_or(target.len()));
    let is_ours =
        |scheme: &[u8]| [&b"http"[..], b"https"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
    let origin = absolute(before.as_bytes()).filter(|parts| is_ours(parts.scheme));
    let (origin, path) = before.split_at(origin.map_or(0, |parts| before.len() - parts.rest.len()));
    (origin, path, rest)
}

/// A target with a slash at the end of its path, for `Location`.
///
/// Characters that are not allowed in URIs are encoded. This matters for security: browsers take a backslash for a slash, and
/// would follow `/\host/` to another host. They would also follow `//host/` (gh-87389), and a name with a colon if no slash
/// came before it.
pub(super) fn with_slash(target: &str) -> String {
    let (origin, path, rest) = parts(target);
    // A target without a leading slash stays without one, as CPython's tests expect.
    let first = path.split('/').next().unwrap_or_default();
    let is_relative =
        origin.is_empty() && !first.starts_with('.') && !first.is_empty() && !first.contains([':', '\\']);
    let start = if is_relative { "" } else { "/" };
    let path = path.trim_start_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    let [origin, path, rest] = [origin, path, rest].map(bytes);
    let [origin, path, rest] = [&origin, &path, &rest].map(|part| percent_encode(part, NOT_IN_URIS));
    format!("{origin}{start}{path}{slash}{rest}")
}

/// RFC 3986 section 2, except the percent sign: encoded characters stay encoded.
pub(crate) const NOT_IN_URIS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The query of a target, without its question mark.
pub(crate) fn query_of(target: &str) -> &str {
    let (before, _) = target.split_once('#').unwrap_or((target, ""));
    before.split_once('?').map_or("", |(_, query)| query)
}

/// A target's bytes as they were sent: its text is Latin-1. Other text, which only a handler can have set, is UTF-8.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let latin1: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    latin1.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Whether a segment can be the name of a file.
fn is_name(segment: &[u8]) -> bool {
    !segment.contains(&0) && (cfg!(not(windows)) || is_windows_name(segment))
}

/// Names with no special meaning on Windows: no other separator, no drive or stream, no device, nothing that the system
/// strips.
pub(super) fn is_windows_name(segment: &[u8]) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let Ok(name) = std::str::from_utf8(segment) else { return false };
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is_device = DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device))
        || ["COM", "LPT"].iter().any(|port| {
            let number = stem.split_at_checked(3).filter(|(start, _)| start.eq_ignore_ascii_case(port));
            number.is_some_and(|(_, number)| number.chars().count() == 1)
        });
    !is_device
        && !name.ends_with(['.', ' '])
        && !name.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not all bytes are names")]
pub(super) fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
pub(super) fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use percent_encoding::NON_ALPHANUMERIC;
    use proptest::prelude::*;

    use super::*;

    fn path(target: &str) -> String {
        relative_path(target).map_or("none".to_owned(), |path| path.to_str().unwrap().to_owned())
    }

    #[test]
    fn targets_and_their_paths() {
        for (target, wanted) in [
            ("/", "./"),
            ("", "."),
            ("/a", "a"),
            ("a/b", "a/b"),
            ("/a/b/", "a/b/"),
            ("//a///b", "a/b"),
            ("/a?b/../c#d", "a"),
            ("/a#b?c", "a"),
            ("/a%20b%2fc", "a b/c"),
            ("/%zz%", "%zz%"),
            ("/%252e%252e/a", "%2e%2e/a"),
            ("/../../etc/passwd", "etc/passwd"),
            ("/a/../../b", "b"),
            ("/%2e%2e/%2E./b", "b"),
            ("/..%2f..%2fb", "b"),
            ("/a/./b/.", "a/b"),
            ("/a/..", "."),
            ("/a%00b", "none"),
            ("http://host:80/a", "a"),
            ("HTTPS://host", "./"),
            ("http://host?a", "./"),
            ("/\u{e4}", "none"),
            // Windows strips dots at the end of a name.
            ("/.../a", if cfg!(windows) { "none" } else { ".../a" }),
        ] {
            if target == "/\u{e4}" && cfg!(unix) {
                assert_eq!(relative_path(target).unwrap().as_os_str().as_encoded_bytes(), b"\xe4");
            } else {
                assert_eq!(path(target), wanted, "{target}");
            }
        }
        assert_eq!(path("/snow/\u{2603}"), "snow/\u{2603}");
    }

    #[test]
    fn where_a_folder_is() {
        for (target, location) in [
            ("/a", "/a/"),
            ("/a?b=c", "/a/?b=c"),
            ("/a#b?c", "/a/#b?c"),
            ("a?a", "a/?a"),
            ("../a", "/../a/"),
            ("//host/..", "/host/../"),
            ("/\\host/..", "/%5Chost/../"),
            ("\\\\host", "/%5C%5Chost/"),
            ("/%5chost/%zz?%", "/%5chost/%zz/?%"),
            ("http://a/b?c\\d", "http://a/b/?c%5Cd"),
            ("HTTP://a//b", "HTTP://a/b/"),
            ("http://a?b", "http://a/?b"),
            ("?", "/?"),
            ("/\u{e4} \"<>?\u{ff}", "/%E4%20%22%3C%3E/?%FF"),
            ("javascript:a", "/javascript:a/"),
        ] {
            assert_eq!(with_slash(target), location, "{target}");
        }
    }

    #[test]
    fn queries() {
        let queries = ["/a", "/a?b=c", "/a?b?c#d", "/a#b?c"].map(query_of);
        assert_eq!(queries, ["", "b=c", "b?c", ""]);
    }

    #[test]
    fn what_windows_takes_for_something_else() {
        for name in [
            "con",
            "NUL.txt",
            "aux .x",
            "COM1",
            "lpt\u{b9}.log",
            "a.",
            "a ",
            "a:b",
            "a\\b",
            "..\\a",
            "C:",
            "a\n",
        ] {
            assert!(!is_windows_name(name.as_bytes()), "{name}");
        }
        for name in ["console", "com", "com10", "a.con", "null", "a b", "\u{e4}"] {
            assert!(is_windows_name(name.as_bytes()), "{name}");
        }
        assert!(!is_windows_name(b"\xff"));
    }

    fn target() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "/", "..", ".", "%2e", "%2E", "%2f", "%5c", "\\", "%00", "%", "a", "~", "?", "#", "%c0%af",
            "\u{e9}", "//", "C:", "%25",
        ]);
        prop_oneof![prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()), any::<String>()]
    }

    proptest! {
        #[test]
        fn the_slash_leads_nowhere_else(target in target()) {
            let location = with_slash(&target);
            prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{}", location);
            let is_absolute = !parts(&target).0.is_empty();
            let first = location.split('/').next().unwrap_or_default();
            let leads_on = !location.starts_with("//") && !first.contains(':');
            prop_assert!(is_absolute || leads_on, "{}", location);
        }

        #[test]
        fn whatever_comes_the_path_stays_beneath(target in target()) {
            let Some(path) = relative_path(&target) else { return Ok(()) };
            prop_assert!(!path.as_os_str().as_encoded_bytes().contains(&0));
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)), "{:?}", path);
            // A path that was decoded and resolved once does not change when it is resolved again.
            let text = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(relative_path(&text), Some(path));
        }
    }
}
