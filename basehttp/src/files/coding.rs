//! Content codings: which compressed version of a file is sent instead of it.

use std::path::Path;

use crate::handler::request::Request;
use crate::proto::grammar::{list, trim_blanks};

/// A content coding of RFC 9110 section 8.4.1 that may be applied to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding {
    /// As in `Content-Encoding`.
    pub(super) name: &'static str,
    /// The suffix of the compressed file's name.
    pub(super) suffix: &'static str,
}

/// Better compression first.
pub(super) const CODINGS: [Coding; 3] = [
    Coding { name: "br", suffix: ".br" },
    Coding { name: "zstd", suffix: ".zst" },
    Coding { name: "gzip", suffix: ".gz" },
];

/// The suffixes of compressed files.
#[cfg(all(feature = "cgi", unix))]
pub(crate) fn suffixes() -> impl Iterator<Item = &'static str> {
    CODINGS.iter().map(|coding| coding.suffix)
}

/// The coding of a file that is compressed under a name of its own, which its media type does not show: an SVG image in
/// `.svgz`. It is sent like this to every client that asks for that name.
pub(super) fn of_name(path: &Path) -> Option<Coding> {
    let is_svgz = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svgz"));
    CODINGS.into_iter().find(|coding| is_svgz && coding.name == "gzip")
}

/// The codings that a client accepts, the preferred one first: RFC 9110 section 12.5.3.
pub(super) fn accepted(request: &Request) -> Vec<Coding> {
    let fields: Vec<&[u8]> = request.values("Accept-Encoding").collect();
    sorted(&fields)
}

fn sorted(fields: &[&[u8]]) -> Vec<Coding> {
    let mut accepted: Vec<(u16, Coding)> = CODINGS
        .into_iter()
        .filter_map(|coding| {
            let quality = quality(fields, coding.name).or_else(|| quality(fields, "*"))?;
            (quality > 0).then_some((quality, coding))
        })
        .collect();
    // The sort is stable: of two with the same weight, the better one stays first.
    accepted.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    accepted.into_iter().map(|(_, coding)| coding).collect()
}

/// The weight of a name in a list, in thousandths, if it is there.
pub(super) fn quality(fields: &[&[u8]], name: &str) -> Option<u16> {
    fields.iter().flat_map(|field| list(field)).find_map(|element| {
        let mut parts = element.split(|byte| *byte == b';').map(trim_blanks);
        if !parts.next()?.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        let weight = parts.find_map(|part| match part.split_at_checked(2) {
            Some((b"q=" | b"Q=", weight)) => Some(weight),
            _ => None,
        });
        Some(weight.map_or(1000, thousandths))
    })
}

/// RFC 9110 section 12.4.2; 0 if it is not a valid weight.
fn thousandths(weight: &[u8]) -> u16 {
    let (whole, fraction) = match weight {
        [whole] => (whole, &b""[..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return 0,
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    let fraction = digits.fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    match whole {
        b'0' => fraction,
        b'1' if fraction == 0 => 1000,
        _ => 0,
    }
}

/// Whether to look for a compressed version: images, videos and archives are already compressed.
pub(super) fn is_compressible(media_type: &str) -> bool {
    const OTHERS: [&str; 11] = [
        "application/javascript",
        "application/json",
        "application/manifest+json",
        "application/rss+xml",
        "application/toml",
        "application/vnd.apple.mpegurl",
        "application/wasm",
        "application/xhtml+xml",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
    ];
    media_type.starts_with("text/") || OTHERS.iter().any(|other| media_type.starts_with(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_by_their_weight() {
        for (field, wanted) in [
            ("", ""),
            ("gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br zstd gzip"),
            ("GZIP;q=1.0, br;q=0.5", "gzip br"),
            ("br;q=0, *", "zstd gzip"),
            ("*;q=0", ""),
            ("gzip ; Q=0.001", "gzip"),
            ("gzip;q=0.0001, br;q=2, zstd;q=.5", ""),
            ("gzip;level=9;q=0.7,br;q=0.7", "br gzip"),
            ("identity", ""),
            ("xgzip, gzipx", ""),
        ] {
            let names: Vec<&str> =
                sorted(&[field.as_bytes()]).into_iter().map(|coding| coding.name).collect();
            assert_eq!(names.join(" "), wanted, "{field}");
        }
    }
}
