//! The links of a list, which are relative to its folder.

use std::ffi::OsString;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::folder::Folder;
use super::order::Order;
use crate::files::entry::Entry;
use crate::files::target::os_string;

/// The relative link to an entry.
pub(super) fn href(entry: &Entry) -> String {
    let name = percent_encode(entry.name.as_encoded_bytes(), SEGMENT);
    // Without the dot a colon could make it the scheme of another place; it is encoded, and so are all others.
    format!("{name}{}", if entry.is_directory { "/" } else { "" })
}

/// The query that asks for the entries behind those of this list, if there are some.
pub(super) fn next(folder: &Folder) -> Option<String> {
    let last = folder.last.as_ref().filter(|_| folder.more > 0)?;
    let after = percent_encode(last.as_encoded_bytes(), SEGMENT);
    let Order { by, descending } = folder.order;
    Some(format!("?sort={}{}&after={after}", by.word(), if descending { "&order=desc" } else { "" }))
}

/// The name behind which a query asks for entries.
pub(super) fn after(query: &str) -> Option<OsString> {
    let name = query.split('&').find_map(|pair| pair.strip_prefix("after="))?;
    let name: Vec<u8> = percent_decode_str(name).collect();
    if name.len() > LONGEST_NAME { None } else { os_string(name) }
}

/// No system has longer names of files: 255 bytes, or as many units of UTF-16.
const LONGEST_NAME: usize = 3 * 255;

/// What may stand in the path of a URL as it is: RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
