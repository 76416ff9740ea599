//! Text for HTML pages, and text from targets.

use super::error_page::escape;
use super::message::latin1_bytes;
use crate::proto::grammar::percent_decoded;

/// Escapes text for an HTML page, also inside quoted attributes: Python's `html.escape`.
///
/// ```
/// assert_eq!(basehttp::html_escape("<b> & \"q\" 'a'"), "&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27;");
/// ```
#[doc(alias("escape"))]
pub fn html_escape(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    escape(text, &mut page);
    page.replace('"', "&quot;").replace('\'', "&#x27;")
}

/// Decodes percent-encoding (RFC 3986 section 2.1): Python's `urllib.parse.unquote`. An invalid encoding is kept as it is, and
/// invalid UTF-8 becomes U+FFFD. A plus sign is kept; in forms and queries it may mean a blank.
///
/// [`path`](crate::BaseHTTPRequestHandler::path) is latin-1, as in Python. If the target was sent as raw UTF-8, `unquote` also
/// restores its text.
///
/// ```
/// use basehttp::unquote;
///
/// assert_eq!(unquote("/d%C3%A9j%C3%A0%20vu%"), "/déjà vu%");
/// assert_eq!(unquote("/d\u{c3}\u{a9}j\u{c3}\u{a0}"), "/déjà");
/// ```
#[doc(alias("percent_decode", "urldecode"))]
pub fn unquote(text: &str) -> String {
    if let Some(bytes) = latin1_bytes(text) {
        match String::from_utf8(percent_decoded(&bytes).into_owned()) {
            Ok(text) => return text,
            // The raw bytes are UTF-8; the encoded ones, or some of them, are not.
            Err(error) if str::from_utf8(&bytes).is_ok() => {
                return String::from_utf8_lossy(error.as_bytes()).into_owned();
            }
            Err(_) => {}
        }
    }
    // This text did not come from raw UTF-8 in a target.
    String::from_utf8_lossy(&percent_decoded(text.as_bytes())).into_owned()
}

/// The first characters of a text, and dots if there are more. For client input, which may have any length.
pub(crate) fn shortened(text: &str, most: usize) -> (&str, &'static str) {
    if text.len() <= most {
        return (text, "");
    }
    match text.char_indices().nth(most) {
        Some((end, _)) => (text.get(..end).unwrap_or_default(), "..."),
        None => (text, ""),
    }
}

/// Whether a character is invisible or changes the direction of a line, so that a name with it reads as another name. The two
/// joiners (U+200C, U+200D) are not included: many languages need them for spelling, and emoji use them.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        let line = "\u{e9}".repeat(1000);
        assert_eq!(shortened(&line, 1000), (&*line, ""));
        assert_eq!(shortened(&format!("{line}x"), 1000), (&*line, "..."));
        assert_eq!(shortened("", 0), ("", ""));
    }

    #[test]
    fn percent_signs_and_what_follows_them() {
        for (text, meant) in [
            ("", ""),
            ("a+b", "a+b"),
            ("%41%4a%4A", "AJJ"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%2541", "%41"),
            ("%ff", "\u{fffd}"),
            ("%e2%82%ac", "\u{20ac}"),
            ("\u{20ac}%20", "\u{20ac} "),
            ("\u{e9}", "\u{e9}"),
            ("/d\u{c3}\u{a9}j\u{c3}\u{a0}/?x=%ff", "/d\u{e9}j\u{e0}/?x=\u{fffd}"),
            ("\u{c3}%a9", "\u{e9}"),
        ] {
            assert_eq!(unquote(text), meant, "{text}");
        }
    }
}
