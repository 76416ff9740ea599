//! The links of a list, relative to its folder.

use std::ffi::OsString;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::folder::Folder;
use super::order::Order;
use crate::files::entry::Entry;
use crate::files::target::os_string;

/// The relative link to an entry.
pub(super) fn href(entry: &Entry) -> String {
    let name = percent_encode(entry.name.as_encoded_bytes(), SEGMENT);
    // Without the dot a colon could turn the name into a scheme; it is encoded, like all special characters.
    format!("{name}{}", if entry.is_directory { "/" } else { "" })
}

/// The query for the entries after those of this list, if there are more.
pub(super) fn next(folder: &Folder) -> Option<String> {
    let last = folder.last.as_ref().filter(|_| folder.more > 0)?;
    let after = percent_encode(last.as_encoded_bytes(), SEGMENT);
    let Order { by, descending } = folder.order;
    Some(format!("?sort={}{}&after={after}", by.word(), if descending { "&order=desc" } else { "" }))
}

/// The name after which a query asks for entries.
pub(super) fn after(query: &str) -> Option<OsString> {
    let name = query.split('&').find_map(|pair| pair.strip_prefix("after="))?;
    let name: Vec<u8> = percent_decode_str(name).collect();
    if name.len() > LONGEST_NAME { None } else { os_string(name) }
}

/// No system has longer file names: 255 bytes, or as many UTF-16 units.
const LONGEST_NAME: usize = 3 * 255;

/// What may appear unencoded in a URL path: RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
