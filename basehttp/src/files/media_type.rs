//! The media type of a file, by its name.

use std::borrow::Cow;
use std::path::Path;

/// The type for names that say nothing.
const UNKNOWN: &str = "application/octet-stream";

/// Python's `extensions_map`.
pub(super) const EXTENSIONS: &[(&str, &str)] = &[
    (".gz", "application/gzip"),
    (".Z", "application/octet-stream"),
    (".bz2", "application/x-bzip2"),
    (".xz", "application/x-xz"),
];

/// What is known elsewhere under a name that players and browsers refuse, or not known at all: Python's types, and those of RFC
/// 8216 and of the registry.
const BETTER: [(&str, &str); 16] = [
    ("br", "application/x-brotli"),
    ("cjs", "text/javascript"),
    ("ico", "image/vnd.microsoft.icon"),
    ("m3u", "application/vnd.apple.mpegurl"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4s", "video/iso.segment"),
    ("m4v", "video/mp4"),
    ("mjs", "text/javascript"),
    ("ndjson", "application/x-ndjson"),
    ("opus", "audio/ogg"),
    ("toml", "application/toml"),
    ("ts", "video/mp2t"),
    ("usdz", "model/vnd.usdz+zip"),
    ("yaml", "application/yaml"),
    ("zst", "application/zstd"),
];

/// The media type of a file, by the end of its name, as [`FileHandler`](super::FileHandler) sends it: Python's
/// `mimetypes.guess_type`. `application/octet-stream` where the name says nothing. Text is said to be UTF-8, but for XML, which says
/// itself what it is.
///
/// ```
/// use basehttp::guess_type;
///
/// assert_eq!(guess_type("index.html"), "text/html; charset=utf-8");
/// assert_eq!(guess_type("live/list.m3u8"), "application/vnd.apple.mpegurl");
/// assert_eq!(guess_type("README"), "application/octet-stream");
/// ```
pub fn guess_type(path: impl AsRef<Path>) -> Cow<'static, str> {
    guess(path.as_ref(), EXTENSIONS)
}

/// By the handler's own table, then by what everybody knows. Text is taken for UTF-8, as nearly all is by now: without a
/// `charset` a browser would guess. XML has its own declaration, which a `charset` would override (RFC 7303 section 3.2).
pub(super) fn guess(path: &Path, own: &[(&'static str, &'static str)]) -> Cow<'static, str> {
    let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
        return UNKNOWN.into();
    };
    let lower = extension.to_ascii_lowercase();
    let is_own =
        |known: &str| known.strip_prefix('.').is_some_and(|known| known == extension || known == lower);
    if let Some((_, media_type)) = own.iter().find(|(known, _)| is_own(known)) {
        return (*media_type).into();
    }
    let better = BETTER.iter().find(|(known, _)| *known == lower).map(|(_, media_type)| *media_type);
    let media_type = better.or_else(|| mime_guess::from_ext(extension).first_raw()).unwrap_or(UNKNOWN);
    let is_xml = media_type.ends_with("/xml") || media_type.ends_with("+xml");
    if media_type.starts_with("text/") && !is_xml {
        format!("{media_type}; charset=utf-8").into()
    } else {
        media_type.into()
    }
}

/// The type of a page of HTML that does not say otherwise.
const HTML: &str = "text/html; charset=utf-8";

/// So much of a page is looked at for what it says itself: HTML has it there, if anywhere.
pub(super) const START: usize = 1024;

/// The media type of a page that begins like this. One that says in a `meta` which encoding it has would be read by what the field
/// says, so that says nothing then.
pub(super) fn of_page(guessed: Cow<'static, str>, start: impl FnOnce() -> Vec<u8>) -> Cow<'static, str> {
    if guessed != HTML || !has_meta_charset(&start()) { guessed } else { "text/html".into() }
}

fn has_meta_charset(start: &[u8]) -> bool {
    let start = start.to_ascii_lowercase();
    let mut rest = start.as_slice();
    while let Some(at) = rest.windows(5).position(|window| window == b"<meta") {
        rest = rest.get(at + 5..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len());
        let tag = rest.get(..end).unwrap_or_default();
        if tag.windows(8).any(|window| window == b"charset=") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types() {
        let own = [(".gz", "application/gzip"), (".Z", "application/octet-stream"), (".txt", "text/x-own")];
        for (name, wanted) in [
            ("a.html", "text/html; charset=utf-8"),
            ("A.HTML", "text/html; charset=utf-8"),
            ("a.tar.gz", "application/gzip"),
            ("a.GZ", "application/gzip"),
            ("a.Z", "application/octet-stream"),
            ("a.txt", "text/x-own"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.json", "application/json"),
            ("a.png", "image/png"),
            ("a.wasm", "application/wasm"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.xml", "text/xml"),
            ("a.svg", "image/svg+xml"),
            ("a.svgz", "image/svg+xml"),
            ("a.xhtml", "application/xhtml+xml"),
            ("a.m3u8", "application/vnd.apple.mpegurl"),
            ("a.TS", "video/mp2t"),
            ("a.m4a", "audio/mp4"),
            ("a", UNKNOWN),
            (".html", UNKNOWN),
            ("a.unheardof", UNKNOWN),
        ] {
            assert_eq!(guess(Path::new(name), &own), wanted, "{name}");
        }
    }

    #[test]
    fn a_page_that_says_its_encoding_is_believed() {
        let type_of = |start: &str| of_page(guess(Path::new("a.html"), &[]), || start.as_bytes().to_vec());
        for other in [
            "<!DOCTYPE html><meta charset=iso-8859-1>",
            "<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=windows-1251\">",
            "<meta name=a><meta charset=\"utf-8\">",
        ] {
            assert_eq!(type_of(other), "text/html", "{other}");
        }
        for none in ["", "<p>charset=iso-8859-1</p>", "<meta name=viewport> charset=x", "<meta"] {
            assert_eq!(type_of(none), HTML, "{none}");
        }
        assert_eq!(of_page("text/x-own".into(), || unreachable!("it is no page")), "text/x-own");
    }
}
