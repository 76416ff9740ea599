//! Resolves a script's relative `Location`: RFC 3986 section 5.2.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::files::{NOT_IN_URIS, bytes};

/// Characters to encode in an unencoded path: all except unreserved characters, and those that file names contain without a
/// special meaning.
const NOT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'=')
    .remove(b',');

/// Resolves a script's reference to a path and what follows it, without the host, since the client knows the host better than
/// the server does (RFC 9110 section 10.2.2 allows its absence). `path` is the script's own path with the rest, decoded, and
/// `query` is the request's query: together the Script-URI of RFC 3875 section 3.3.
pub(super) fn resolve(path: &str, query: &str, reference: &str) -> String {
    let encode = |text: &str, set| percent_encode(&bytes(text), set).to_string();
    let base = encode(path, NOT_IN_PATHS);
    // Browsers take a backslash for a slash, and ignore tabs: either could turn a path into another host.
    let reference = encode(reference, NOT_IN_URIS);
    let (reference, fragment) = cut(&reference, '#');
    let (relative, asked) = cut(reference, '?');
    let query = if query.is_empty() { String::new() } else { format!("?{}", encode(query, NOT_IN_URIS)) };
    if relative.is_empty() {
        let query = if asked.is_empty() { &query } else { asked };
        return format!("{base}{query}{fragment}");
    }
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = without_dots(&format!("{folder}/{relative}"));
    format!("{path}{asked}{fragment}")
}

/// Splits before `mark`, which stays with the rest.
fn cut(text: &str, mark: char) -> (&str, &str) {
    text.split_at(text.find(mark).unwrap_or(text.len()))
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
        if matches!(segment, "." | "..") && segments.peek().is_none() {
            kept.push("");
        }
    }
    // Two leading slashes would name another host (RFC 3986 section 4.2).
    format!("/{}", kept.join("/").trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        // Section 5.4, except references that are absolute or begin with a slash. (`;` in a path is encoded, since its
        // meaning is not known.)
        for (reference, wanted) in [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("?y", "/b/c/d%3Bp?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d%3Bp?q#s"),
            ("g#s", "/b/c/g#s"),
            ("g?y#s", "/b/c/g?y#s"),
            (";x", "/b/c/;x"),
            ("g;x?y#s", "/b/c/g;x?y#s"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("g.", "/b/c/g."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("g#s/../x", "/b/c/g#s/../x"),
        ] {
            assert_eq!(resolve("/b/c/d;p", "q", reference), wanted, "{reference}");
        }
    }

    #[test]
    fn what_is_no_uri_is_encoded() {
        assert_eq!(resolve("/cgi-bin/a b?%", "", "?x=\u{e9} \"\\"), "/cgi-bin/a%20b%3F%25?x=%E9%20%22%5C");
        assert_eq!(resolve("/cgi-bin/a", "b\"c", "#d"), "/cgi-bin/a?b%22c#d");
        assert_eq!(resolve("/cgi-bin/a", "", "\t/evil"), "/cgi-bin/%09/evil");
        assert_eq!(resolve("/cgi-bin/a", "", "b%20c?%"), "/cgi-bin/b%20c?%");
    }

    proptest! {
        #[test]
        fn it_stays_with_this_host_and_in_its_line(path in "/cgi-bin(/[a-z.%? \\\\]{0,3}){1,4}", query in "[ -~]{0,6}",
            reference in "[./\\\\#?a: \t\u{80}-\u{ff}]{1,12}")
        {
            let found = resolve(&path, &query, &reference);
            prop_assert!(found.starts_with('/') && !found.starts_with("//"), "{found}");
            prop_assert!(found.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'\\'), "{found}");
        }
    }
}
