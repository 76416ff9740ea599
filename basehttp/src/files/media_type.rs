//! The media type of a file, by its name.

use std::borrow::Cow;
use std::path::Path;

/// The type for names that say nothing.
const UNKNOWN: &str = "application/octet-stream";

/// By the handler's own table, then by what everybody knows. Text is taken for UTF-8, as nearly all is by now: without a
/// `charset` a browser would guess.
pub(super) fn guess(path: &Path, own: &[(&'static str, &'static str)]) -> Cow<'static, str> {
    let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
        return UNKNOWN.into();
    };
    let is_it = |known: &&(&str, &str)| {
        known
            .0
            .strip_prefix('.')
            .is_some_and(|known| known == extension || known == extension.to_ascii_lowercase())
    };
    let known = own.iter().find(is_it).map(|(_, media_type)| *media_type);
    let media_type = known.or_else(|| mime_guess::from_ext(extension).first_raw()).unwrap_or(UNKNOWN);
    let is_text = media_type.starts_with("text/") || media_type == "application/javascript";
    if is_text && known.is_none() { format!("{media_type}; charset=utf-8").into() } else { media_type.into() }
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
            ("a", UNKNOWN),
            (".html", UNKNOWN),
            ("a.unheardof", UNKNOWN),
        ] {
            assert_eq!(guess(Path::new(name), &own), wanted, "{name}");
        }
    }
}
