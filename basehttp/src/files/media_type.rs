//! The media type of a file, by its name.

use std::borrow::Cow;
use std::path::Path;

/// The type for names that do not reveal it.
const UNKNOWN: &str = "application/octet-stream";

/// Python's `extensions_map`.
pub(super) const EXTENSIONS: &[(&str, &str)] = &[
    (".gz", "application/gzip"),
    (".Z", "application/octet-stream"),
    (".bz2", "application/x-bzip2"),
    (".xz", "application/x-xz"),
];

/// Types that `mime_guess` does not know, or knows under a name that players and browsers refuse. They are Python's, and
/// those of RFC 8216 and of the registry.
const BETTER: [(&str, &str); 19] = [
    ("br", "application/x-brotli"),
    ("cjs", "text/javascript"),
    ("ico", "image/vnd.microsoft.icon"),
    ("m2ts", "video/mp2t"),
    ("m3u", "application/vnd.apple.mpegurl"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4s", "video/iso.segment"),
    ("m4v", "video/mp4"),
    ("mjs", "text/javascript"),
    ("mts", "video/mp2t"),
    ("ndjson", "application/x-ndjson"),
    ("opus", "audio/ogg"),
    ("toml", "application/toml"),
    ("ts", "video/mp2t"),
    ("usdz", "model/vnd.usdz+zip"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zst", "application/zstd"),
];

/// The media type of a file, by its extension, as [`FileHandler`](super::FileHandler) sends it: Python's
/// `mimetypes.guess_type`. `application/octet-stream` if the name does not reveal it. Text is declared as UTF-8, except XML,
/// which declares its own encoding.
///
/// ```
/// use basehttp::guess_type;
///
/// assert_eq!(guess_type("index.html"), "text/html; charset=utf-8");
/// assert_eq!(guess_type("live/list.m3u8"), "application/vnd.apple.mpegurl");
/// assert_eq!(guess_type("README"), "application/octet-stream");
/// ```
#[doc(alias("content_type", "mime"))]
pub fn guess_type(path: impl AsRef<Path>) -> Cow<'static, str> {
    guess(path.as_ref(), EXTENSIONS)
}

/// By the handler's own table, then by the known types.
fn guess(path: &Path, own: Table) -> Cow<'static, str> {
    in_table(path, own).map_or_else(|| known(path), Cow::Borrowed)
}

/// Like [`guess`], but reads the beginning of an HTML page, which may declare its own encoding. A type from the handler's
/// table is used as it is.
pub(super) fn of_file(path: &Path, own: Table, start: impl FnOnce() -> Vec<u8>) -> Cow<'static, str> {
    in_table(path, own).map_or_else(|| of_page(known(path), start), Cow::Borrowed)
}

/// Maps extensions to media types.
type Table = &'static [(&'static str, &'static str)];

fn in_table(path: &Path, table: Table) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?;
    let is_it = |end: &str| {
        end.strip_prefix('.').is_some_and(|end| end == extension || end == extension.to_ascii_lowercase())
    };
    table.iter().find(|(end, _)| is_it(end)).map(|(_, media_type)| *media_type)
}

/// Text is taken to be UTF-8, as nearly all text is now: without a `charset` a browser would guess. XML has its own
/// declaration, which a `charset` would override (RFC 7303 section 3.2).
fn known(path: &Path) -> Cow<'static, str> {
    let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
        return UNKNOWN.into();
    };
    let lower = extension.to_ascii_lowercase();
    let better = BETTER.iter().find(|(known, _)| *known == lower).map(|(_, media_type)| *media_type);
    let media_type = better.or_else(|| mime_guess::from_ext(extension).first_raw()).unwrap_or(UNKNOWN);
    let is_xml = media_type.ends_with("/xml") || media_type.ends_with("+xml");
    if media_type.starts_with("text/") && !is_xml {
        format!("{media_type}; charset=utf-8").into()
    } else {
        media_type.into()
    }
}

/// The type of an HTML page that does not declare another encoding.
const HTML: &str = "text/html; charset=utf-8";

/// How much of a page is searched for its own declaration: HTML requires it to be there.
pub(super) const START: usize = 1024;

/// The media type of a page that begins like this. If a `meta` declares its encoding, the field must not have a `charset`,
/// which would override it.
fn of_page(guessed: Cow<'static, str>, start: impl FnOnce() -> Vec<u8>) -> Cow<'static, str> {
    if guessed != HTML || !has_meta_charset(&start()) { guessed } else { "text/html".into() }
}

/// Works like the "prescan" of browsers (HTML, 13.2.3.2): comments are skipped, and a `meta` counts if it has `charset`, or
/// `content` together with `http-equiv=content-type`.
fn has_meta_charset(start: &[u8]) -> bool {
    let start = start.to_ascii_lowercase();
    let mut rest = start.as_slice();
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(b"<!--") {
            let Some(end) = rest.windows(3).position(|window| window == b"-->") else { return false };
            rest = rest.get(end + 3..).unwrap_or_default();
            continue;
        }
        let name =
            rest.strip_prefix(b"<meta").filter(|rest| matches!(rest, [b'/' | b' ' | b'\t'..=b'\r', ..]));
        rest = rest.get(1..).unwrap_or_default();
        if let Some(attributes) = name
            && says_charset(attributes)
        {
            return true;
        }
    }
    false
}

fn says_charset(tag: &[u8]) -> bool {
    let (mut is_type, mut has_charset) = (false, false);
    for (name, value) in Attributes(tag) {
        match name {
            b"charset" => return !value.is_empty(),
            b"http-equiv" => is_type = value == b"content-type",
            b"content" => has_charset = value.windows(8).any(|window| window == b"charset="),
            _ => {}
        }
    }
    is_type && has_charset
}

/// The attributes of a tag, already in lower case, up to its end.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace();
        let skip = |bytes: &'a [u8], what: fn(&u8) -> bool| {
            let at = bytes.iter().position(|byte| !what(byte)).unwrap_or(bytes.len());
            bytes.get(at..).unwrap_or_default()
        };
        let rest = skip(self.0, |byte| byte.is_ascii_whitespace() || *byte == b'/');
        let ends = |byte: &u8| is_blank(byte) || matches!(byte, b'=' | b'>' | b'/');
        let (name, rest) = rest.split_at(rest.iter().position(ends)?);
        if name.is_empty() {
            // The end of the tag, or a character that cannot begin an attribute.
            return None;
        }
        let after = skip(rest, u8::is_ascii_whitespace);
        let Some(value) = after.strip_prefix(b"=") else {
            self.0 = rest;
            return Some((name, b""));
        };
        let value = skip(value, u8::is_ascii_whitespace);
        let end =
            |bytes: &[u8], is_end: &dyn Fn(&u8) -> bool| bytes.iter().position(is_end).unwrap_or(bytes.len());
        let (value, rest) = match value {
            [quote @ (b'"' | b'\''), value @ ..] => {
                let (value, rest) = value.split_at(end(value, &|byte| byte == quote));
                (value, rest.get(1..).unwrap_or_default())
            }
            value => value.split_at(end(value, &|byte| is_blank(byte) || *byte == b'>')),
        };
        self.0 = rest;
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types() {
        const OWN: Table =
            &[(".gz", "application/gzip"), (".Z", "application/octet-stream"), (".txt", "text/x-own")];
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
            ("a.m2ts", "video/mp2t"),
            ("a.m4a", "audio/mp4"),
            ("a.yml", "application/yaml"),
            ("a", UNKNOWN),
            (".html", UNKNOWN),
            ("a.unheardof", UNKNOWN),
        ] {
            assert_eq!(guess(Path::new(name), OWN), wanted, "{name}");
        }
    }

    #[test]
    fn a_page_that_says_its_encoding_is_believed() {
        let type_of = |start: &str| of_file(Path::new("a.html"), &[], || start.as_bytes().to_vec());
        for other in [
            "<!DOCTYPE html><meta charset=iso-8859-1>",
            "<META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=windows-1251\">",
            "<meta name=a><meta charset=\"utf-8\">",
            "<!-- a page --><meta\n  charset = 'koi8-r' />",
            "<meta content='text/html; charset=koi8-r' http-equiv=content-type>",
        ] {
            assert_eq!(type_of(other), "text/html", "{other}");
        }
        for none in [
            "",
            "<p>charset=iso-8859-1</p>",
            "<meta name=viewport> charset=x",
            "<meta",
            "<metadata charset=x>",
            "<meta name=description content=\"charset=x\">",
            "<!-- <meta charset=x> -->",
            "<!-- <meta charset=x>",
            "<meta charset>",
        ] {
            assert_eq!(type_of(none), HTML, "{none}");
        }
        let unread = |name: &str, own| of_file(Path::new(name), own, || unreachable!("it is not looked at"));
        assert_eq!(unread("a.css", &[]), "text/css; charset=utf-8");
        assert_eq!(unread("a.html", &[(".html", HTML)]), HTML, "the handler has said so");
    }
}
