//! The HTML page.

use std::fmt::Write as _;

use super::folder::Folder;
use super::link::{href, next};
use super::order::{Column, Order};
use super::time::{date, exact, hour, utc};
use crate::files::entry::Entry;
use crate::handler::error_page::escape;
use crate::handler::text::is_unseen;
use crate::handler::unquote;

const STYLE: &str = include_str!("page.css");

/// The part before the lines.
pub(super) fn top(title: &str, path: &[String], extra: &str, order: Order) -> Vec<u8> {
    let title = format!("Directory listing for {}", shown(title));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    page.push_str(&breadcrumbs(path));
    page.push_str(extra);
    page.push_str(&header(order));
    if !path.is_empty() {
        page.push_str("<tr><td><a href=\"../\">..</a></td><td></td><td></td></tr>\n");
    }
    page.into_bytes()
}

/// The part after the lines.
pub(super) fn end(folder: &Folder, page: &mut Vec<u8>) {
    page.extend_from_slice(b"</tbody>\n</table>\n");
    let note = match (next(folder), folder.more) {
        (Some(next), more) => {
            format!("<p>And {more} more, by name: <a href=\"{}\">the next ones</a>.</p>\n", escaped(&next))
        }
        (None, _) if folder.entries.is_empty() => "<p>This folder is empty.</p>\n".to_owned(),
        (None, _) => String::new(),
    };
    page.extend_from_slice(note.as_bytes());
    page.extend_from_slice(b"</body>\n</html>\n");
}

/// Links to the folders above. For a deep folder only some, since the length of each link grows with its distance.
fn breadcrumbs(segments: &[String]) -> String {
    let mut html = String::from("<nav aria-label=\"Folders above\">");
    for depth in 0..=segments.len() {
        let up = segments.len() - depth;
        if depth > 0 && up > MOST_ABOVE {
            continue;
        }
        if depth > 0 && up == MOST_ABOVE {
            html.push_str("\u{2026} / ");
        }
        let name = match depth.checked_sub(1).and_then(|above| segments.get(above)) {
            Some(segment) => shown(&unquote(segment)),
            None => "top".to_owned(),
        };
        let _ = if up == 0 {
            write!(html, "<span aria-current=\"page\">{name}</span>")
        } else {
            write!(html, "<a href=\"{}\">{name}</a> / ", "../".repeat(up))
        };
    }
    html.push_str("</nav>\n");
    html
}

/// How many of the folders above have a link, besides the top.
const MOST_ABOVE: usize = 64;

fn header(order: Order) -> String {
    let mut html = String::from("<table>\n<thead><tr>");
    for column in Column::ALL {
        let is_current = column == order.by;
        let sorted = match (is_current, order.descending) {
            (false, _) => "",
            (true, false) => " aria-sort=\"ascending\"",
            (true, true) => " aria-sort=\"descending\"",
        };
        let arrow = match (is_current, order.descending) {
            (false, _) => "",
            (true, false) => " \u{25b4}",
            (true, true) => " \u{25be}",
        };
        let next = if is_current && !order.descending { "&amp;order=desc" } else { "" };
        let text = match column {
            Column::Name => "Name",
            Column::Size => "Size",
            Column::Date => "Modified (UTC)",
        };
        let _ = write!(
            html,
            "<th scope=\"col\"{sorted}><a href=\"?sort={}{next}\">{text}{arrow}</a></th>",
            column.word()
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    html
}

/// The line of an entry.
pub(super) fn row(_place: usize, entry: &Entry, page: &mut Vec<u8>) {
    page.extend_from_slice(format!("<tr><td><a href=\"{}\"><bdi>", href(entry)).as_bytes());
    show(entry.name.as_encoded_bytes(), page);
    // As in Python: `/` for a folder, `@` for a link.
    let mark = if entry.is_link {
        "@"
    } else if entry.is_directory {
        "/"
    } else {
        ""
    };
    let size = if entry.is_directory {
        String::new()
    } else {
        format!("<span title=\"{} bytes\">{}</span>", entry.size, human(entry.size))
    };
    let modified = entry.modified.and_then(utc);
    let modified = modified
        .map(|time| format!("<time datetime=\"{}\">{} {}</time>", exact(time), date(time), hour(time)));
    let rest =
        format!("</bdi>{mark}</a></td><td>{size}</td><td>{}</td></tr>\n", modified.unwrap_or_default());
    page.extend_from_slice(rest.as_bytes());
}

/// A name as text of the page; octets that are not UTF-8 are left as they are.
fn show(name: &[u8], page: &mut Vec<u8>) {
    for chunk in name.utf8_chunks() {
        page.extend_from_slice(shown(chunk.valid()).as_bytes());
        page.extend_from_slice(chunk.invalid());
    }
}

/// Replaces invisible characters, and those that reverse the line.
fn shown(name: &str) -> String {
    escaped(&name.replace(|letter: char| letter.is_control() || is_unseen(letter), "\u{fffd}"))
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape(text, &mut html);
    html
}

/// In binary units, with at most three digits.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).unwrap_or(&"");
    if tenths < 1000 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (102_400, "100 KiB"),
            (1_048_575, "1023 KiB"),
            (1_048_576, "1.0 MiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }

    #[test]
    fn names_are_shown_and_do_nothing() {
        for (name, html) in [
            (&b"a&b<c>\"d'"[..], &b"a&amp;b&lt;c&gt;\"d'"[..]),
            (b"\xff\xfe.txt", b"\xff\xfe.txt"),
            ("line\nend\u{202e}gpj".as_bytes(), "line\u{fffd}end\u{fffd}gpj".as_bytes()),
            ("\u{1f600}".as_bytes(), "\u{1f600}".as_bytes()),
            // Joiners are part of spelling; characters that reverse or hide text are not.
            ("\u{646}\u{6cc}\u{200c}\u{647}".as_bytes(), "\u{646}\u{6cc}\u{200c}\u{647}".as_bytes()),
            ("\u{1f468}\u{200d}\u{1f469}".as_bytes(), "\u{1f468}\u{200d}\u{1f469}".as_bytes()),
            ("a\u{ad}b\u{61c}c\u{2060}d".as_bytes(), "a\u{fffd}b\u{fffd}c\u{fffd}d".as_bytes()),
        ] {
            let mut page = Vec::new();
            show(name, &mut page);
            let quotes =
                |text: &[u8]| String::from_utf8_lossy(text).replace("&quot;", "\"").replace("&#x27;", "'");
            assert_eq!(quotes(&page), quotes(html));
        }
    }
}
