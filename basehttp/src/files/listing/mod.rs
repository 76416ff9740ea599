//! The reply that lists a folder: a top of its own, and the lines that all who ask for the list have together.

pub(super) mod folder;
pub(super) mod lists;
pub(super) mod order;
mod page;
pub(super) mod room;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use serde_json::json;
use tz::UtcDateTime;

use super::coding::quality;
use super::content::Part;
use super::entry::Entry;
use super::serve::refuse;
use super::target::{os_string, path_of, query_of};
use super::{Content, FileRequestHandler};
use crate::handler::response_code::Unavailable;
use crate::handler::unquote;
use crate::sync::Arc;
use folder::{Folder, Form};
use order::Order;

/// The entries of a folder, as a page or as JSON: what the default of
/// [`list_directory`](FileRequestHandler::list_directory) sends. An override that wants more on the page sends one of its
/// own:
///
/// ```
/// use std::io;
/// use std::path::Path;
/// use basehttp::prelude::*;
/// use basehttp::{Content, Directory, Listing, SimpleHTTPRequestHandler};
///
/// struct Files { base: SimpleHTTPRequestHandler }
///
/// #[http_handler(extends = SimpleHTTPRequestHandler)]
/// impl Files {
///     fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>> {
///         Listing::of(self, path)?.with("<p>Ask Ann for what is missing.</p>").send(self)
///     }
/// }
///
/// let files = Directory::open(".")?;
/// let factory = |base| Files { base: SimpleHTTPRequestHandler::new(base, &files) };
/// let replies = basehttp::testing::respond(factory, b"GET / HTTP/1.0\r\n\r\n");
/// assert!(replies[0].text().contains("Ask Ann"));
/// # io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct Listing {
    /// The path of the folder, decoded, with what else was asked for.
    title: String,
    /// The names of the folder's path as they were sent.
    path: Vec<String>,
    order: Order,
    folder: Arc<Folder>,
    extra: String,
    policy: Cow<'static, str>,
}

/// Nothing from elsewhere, and no scripts: a name that gets past the escaping does nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

/// What may stand in the path of a URL as it is: RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Listing {
    /// Reads the folder at `path`, relative to [`directory`](FileRequestHandler::directory), for the handler's request: its
    /// query may say `sort=name`, `sort=size` or `sort=date`, and `order=desc`. A folder with more than
    /// [`most_entries`](super::Directory::most_entries) is listed by pages: each has those with the next names, in the order that is
    /// asked for, and a link to those behind them (`after=` and the last name).
    ///
    /// # Errors
    /// Those of [`read_dir`](super::Directory::read_dir); [`OutOfMemory`](io::ErrorKind::OutOfMemory) where the lists that are
    /// being sent have all of [`list_memory`](super::Directory::list_memory), and [`ResourceBusy`](io::ErrorKind::ResourceBusy)
    /// where 64 requests wait for lists that others make.
    pub fn of<H: FileRequestHandler>(handler: &H, path: &Path) -> io::Result<Self> {
        let target = handler.path();
        let query = query_of(target);
        let order = Order::of(query);
        Ok(Self::new(target, order, handler.directory().list(path, order, after(query).as_deref())?))
    }

    fn new(target: &str, order: Order, folder: Arc<Folder>) -> Self {
        let path = segments(path_of(target));
        let query = query_of(target);
        // Python shows all of what was asked for; what this page's own links say would be noise.
        let shows_query = !query.is_empty() && order == Order::default() && after(query).is_none();
        let mut asked = slashed(&path);
        if shows_query {
            asked.push('?');
            asked.push_str(query);
        }
        let mut title = unquote(&asked);
        if let Some((end, _)) = title.char_indices().nth(SHOWN) {
            title.truncate(end);
            title.push('\u{2026}');
        }
        Self { title, path, order, folder, extra: String::new(), policy: POLICY.into() }
    }

    /// Adds HTML above the table.
    #[must_use]
    pub fn with(mut self, html: impl Into<String>) -> Self {
        self.extra = html.into();
        self
    }

    /// Replaces the page's `Content-Security-Policy`, which by default allows no scripts and nothing from elsewhere.
    #[must_use]
    pub fn content_security_policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = policy.into().into();
        self
    }

    /// Sends the head of the reply: as JSON where the request's `Accept` prefers that (RFC 9110 section 12.5.1). Where there is
    /// no memory for the list, which [`list_memory`](super::Directory::list_memory) bounds, the reply is 503.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send<H: FileRequestHandler>(&self, handler: &H) -> io::Result<Option<Content>> {
        let accepts: Vec<&[u8]> = handler.request().values("Accept").collect();
        let (top, lines, media_type) = if prefers_json(&accepts) {
            (self.json_top(), self.folder.clone().form(Form::Json, json_row, json_end), "application/json")
        } else {
            let lines = self.folder.clone().form(Form::Html, page::row, page::end);
            (page::top(self), lines, "text/html; charset=utf-8")
        };
        let lines = match lines {
            Ok(lines) => lines,
            Err(error) => return unavailable(handler, &error),
        };
        let content = Content { parts: vec![Part::Bytes(top), Part::Shared(lines)] };
        handler.send_response(200);
        handler.send_header("Content-Type", media_type);
        handler.send_header("Content-Length", content.len());
        // What is in the folder now is what counts, whenever the page is looked at again.
        handler.send_header("Cache-Control", "no-cache");
        handler.send_header("Vary", "Accept");
        handler.send_header("Content-Security-Policy", &self.policy);
        handler.send_header("X-Content-Type-Options", "nosniff");
        handler.end_headers()?;
        Ok(Some(content))
    }

    /// The page. It is bytes, for names of files may be any, and are shown as they are.
    pub fn html(&self) -> Vec<u8> {
        self.whole(page::top(self), page::row, page::end)
    }

    /// `{"path": .., "entries": [{"name", "href", "type", "size", "modified"}], "more": .., "next": ..}`. `next` is the query that
    /// asks for the entries behind these, where there are some. Times are those of RFC 3339; a
    /// name that is not UTF-8 has replacement characters, its `href` has all bytes.
    pub fn json(&self) -> String {
        String::from_utf8_lossy(&self.whole(self.json_top(), json_row, json_end)).into_owned()
    }

    fn whole(
        &self,
        mut bytes: Vec<u8>,
        row: impl Fn(usize, &Entry, &mut Vec<u8>),
        end: impl FnOnce(&Folder, &mut Vec<u8>),
    ) -> Vec<u8> {
        for (place, entry) in self.folder.entries.iter().enumerate() {
            row(place, entry, &mut bytes);
        }
        end(&self.folder, &mut bytes);
        bytes
    }

    fn json_top(&self) -> Vec<u8> {
        let path = slashed(&self.path);
        let path = unquote(&path);
        format!("{{\"path\":{},\"entries\":[", json!(path)).into_bytes()
    }
}

fn json_row(place: usize, entry: &Entry, bytes: &mut Vec<u8>) {
    let size = (!entry.is_directory).then_some(entry.size);
    let row = json!({
        "name": entry.name.to_string_lossy(),
        "href": href(entry),
        "type": if entry.is_directory { "directory" } else { "file" },
        "size": size,
        "modified": entry.modified.and_then(utc).map(exact),
    });
    // To memory, which takes all.
    let _ = write!(bytes, "{}{row}", if place > 0 { "," } else { "" });
}

fn json_end(folder: &Folder, bytes: &mut Vec<u8>) {
    let _ = write!(bytes, "],\"more\":{}", folder.more);
    if let Some(next) = next(folder) {
        let _ = write!(bytes, ",\"next\":{}", json!(next));
    }
    bytes.push(b'}');
}

/// The query that asks for the entries behind those of this list, if there are some.
fn next(folder: &Folder) -> Option<String> {
    let last = folder.last.as_ref().filter(|_| folder.more > 0)?;
    let after = percent_encode(last.as_encoded_bytes(), SEGMENT);
    let Order { by, descending } = folder.order;
    Some(format!("?sort={}{}&after={after}", by.word(), if descending { "&order=desc" } else { "" }))
}

/// The name behind which a query asks for entries.
fn after(query: &str) -> Option<OsString> {
    let name = query.split('&').find_map(|pair| pair.strip_prefix("after="))?;
    let name: Vec<u8> = percent_decode_str(name).collect();
    if name.len() > LONGEST_NAME { None } else { os_string(name) }
}

/// No system has longer names of files: 255 bytes, or as many units of UTF-16.
const LONGEST_NAME: usize = 3 * 255;

/// The names of a path as they were sent, without those that only lead around (RFC 3986 section 5.2.4): a path may have any
/// number of these.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match &*percent_decode_str(segment).collect::<Vec<u8>>() {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            _ => segments.push(segment.to_owned()),
        }
    }
    segments
}

fn slashed(path: &[String]) -> String {
    path.iter().fold(String::from("/"), |all, segment| all + segment + "/")
}

/// So many characters are shown of what was asked for.
const SHOWN: usize = 1000;

/// Python's `list_directory`.
pub(super) fn list_directory<H: FileRequestHandler>(handler: &H, path: &Path) -> io::Result<Option<Content>> {
    match Listing::of(handler, path) {
        Ok(listing) => listing.send(handler),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            handler.send_error((403, "No permission to list directory")).map(|()| None)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::ResourceBusy) => {
            unavailable(handler, &error)
        }
        Err(error) => refuse(handler, &error),
    }
}

/// 503, where lists have all the memory that they may have, or too many wait for one.
fn unavailable<H: FileRequestHandler>(handler: &H, error: &io::Error) -> io::Result<Option<Content>> {
    if handler.directory().lists_shared().is_to_be_told() {
        handler.log_error(format_args!("cannot list a folder: {error}"));
    }
    handler.send_error(Unavailable(1)).map(|()| None)
}

fn prefers_json(accepts: &[&[u8]]) -> bool {
    let weight = |names: [&str; 3]| names.into_iter().find_map(|name| quality(accepts, name)).unwrap_or(0);
    weight(["application/json", "application/*", "*/*"]) > weight(["text/html", "text/*", "*/*"])
}

/// The relative link to an entry.
fn href(entry: &Entry) -> String {
    let name = percent_encode(entry.name.as_encoded_bytes(), SEGMENT);
    // Without the dot a colon could make it the scheme of another place; it is encoded, and so are all others.
    format!("{name}{}", if entry.is_directory { "/" } else { "" })
}

/// A time that a file system has, which may be any.
fn utc(time: SystemTime) -> Option<UtcDateTime> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()),
        Err(before) => i64::try_from(before.duration().as_secs()).map(|seconds| -seconds),
    };
    UtcDateTime::from_timespec(seconds.ok()?, 0).ok()
}

/// As RFC 3339 has it.
fn exact(time: UtcDateTime) -> String {
    let (date, hour) = (date(time), hour(time));
    format!("{date}T{hour}:{:02}Z", time.second())
}

fn date(time: UtcDateTime) -> String {
    format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.month_day())
}

fn hour(time: UtcDateTime) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests;
