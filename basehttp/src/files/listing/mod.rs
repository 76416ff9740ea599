//! The response that lists a folder: a top of its own, and lines shared by all who ask for the same list.

pub(super) mod folder;
mod link;
pub(super) mod lists;
pub(super) mod order;
mod overrides;
mod page;
pub(super) mod room;
mod time;

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::path::Path;

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::coding::quality;
use super::content::Part;
use super::entry::Entry;
use super::serve::refuse;
use super::target::{path_of, query_of};
use super::{Content, Directory};
use crate::handler::unquote;
use crate::handler::{HttpError, RequestHandler};
use crate::sync::Arc;
use folder::{Folder, Form};
use link::{after, href, next};
use order::Order;
use time::{exact, utc};

/// The entries of a folder, as a page or as JSON. The default of
/// [`list_directory`](super::FileRequestHandler::list_directory) sends it. An override can send one with more on the page:
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
/// let responses = basehttp::testing::respond(factory, b"GET / HTTP/1.0\r\n\r\n");
/// assert!(responses[0].text().contains("Ask Ann"));
/// # io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct Listing {
    /// The path of the folder, decoded, and the query.
    title: String,
    /// The segments of the folder's path as they were sent.
    path: Vec<String>,
    order: Order,
    folder: Arc<Folder>,
    extra: String,
    policy: Cow<'static, str>,
}

/// No scripts, and no resources from elsewhere: a name that gets past the escaping has no effect.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

impl Listing {
    /// Reads the folder at `path`, relative to `directory`, as the target's query asks for it.
    fn read(target: &str, directory: &Directory, path: &Path) -> io::Result<Self> {
        let query = query_of(target);
        let order = Order::of(query);
        Ok(Self::new(target, order, directory.list(path, order, after(query).as_deref())?))
    }

    fn new(target: &str, order: Order, folder: Arc<Folder>) -> Self {
        let path = segments(path_of(target));
        let query = query_of(target);
        // Python shows the whole target; queries from this page's own links would be noise.
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

    /// Replaces the page's `Content-Security-Policy`. The default allows no scripts and no resources from elsewhere.
    #[must_use]
    pub fn content_security_policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = policy.into().into();
        self
    }

    /// Sends the head of the response to a request for the list.
    fn answer<H: RequestHandler>(&self, handler: &H, directory: &Directory) -> io::Result<Option<Content>> {
        let accepts: Vec<&[u8]> = handler.request().values("Accept").collect();
        let (top, lines, media_type) = if prefers_json(&accepts) {
            (self.json_top(), self.folder.clone().form(Form::Json, json_row, json_end), "application/json")
        } else {
            let lines = self.folder.clone().form(Form::Html, page::row, page::end);
            (self.html_top(), lines, "text/html; charset=utf-8")
        };
        let lines = match lines {
            Ok(lines) => lines,
            Err(error) => return unavailable(handler, directory, &error),
        };
        let content = Content { parts: vec![Part::Bytes(top), Part::Shared(lines)] };
        handler.send_response(200);
        handler.send_header("Content-Type", media_type);
        handler.send_header("Content-Length", content.len());
        // The page must always show the current content of the folder.
        handler.send_header("Cache-Control", "no-cache");
        handler.send_header("Vary", "Accept");
        handler.send_header("Content-Security-Policy", &self.policy);
        handler.send_header("X-Content-Type-Options", "nosniff");
        handler.end_headers()?;
        Ok(Some(content))
    }

    /// The page. It is bytes, because file names may have any encoding, and are shown as they are.
    pub fn html(&self) -> Vec<u8> {
        self.whole(self.html_top(), page::row, page::end)
    }

    /// `{"path": .., "entries": [{"name", "href", "type", "size", "modified"}], "more": .., "next": ..}`. `next` is the query
    /// for the entries after these, if there are more. Times are in RFC 3339 format. A name that is not UTF-8 has replacement
    /// characters; its `href` has all bytes.
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

    fn html_top(&self) -> Vec<u8> {
        page::top(&self.title, &self.path, &self.extra, self.order)
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
    // Writing to memory cannot fail.
    let _ = write!(bytes, "{}{row}", if place > 0 { "," } else { "" });
}

fn json_end(folder: &Folder, bytes: &mut Vec<u8>) {
    let _ = write!(bytes, "],\"more\":{}", folder.more);
    if let Some(next) = next(folder) {
        let _ = write!(bytes, ",\"next\":{}", json!(next));
    }
    bytes.push(b'}');
}

/// The segments of a path as they were sent, without empty and dot segments (RFC 3986 section 5.2.4), of which a path may
/// have any number.
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

/// How many characters of the target are shown.
const SHOWN: usize = 1000;

/// Python's `list_directory`.
pub(super) fn list_directory<H: RequestHandler>(
    handler: &H,
    directory: &Directory,
    path: &Path,
) -> io::Result<Option<Content>> {
    match Listing::read(handler.path(), directory, path) {
        Ok(listing) => listing.answer(handler, directory),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            handler.send_error((403, "No permission to list directory")).map(|()| None)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::ResourceBusy) => {
            unavailable(handler, directory, &error)
        }
        Err(error) => refuse(handler, &error),
    }
}

/// Answers 503: the lists have all the memory they may have, or too many requests wait for one.
fn unavailable<H: RequestHandler>(
    handler: &H,
    directory: &Directory,
    error: &io::Error,
) -> io::Result<Option<Content>> {
    if directory.lists_shared().is_to_be_told() {
        handler.log_error(format_args!("cannot list a folder: {error}"));
    }
    handler.send_error(HttpError::from(503).with_header("Retry-After", 1)).map(|()| None)
}

fn prefers_json(accepts: &[&[u8]]) -> bool {
    let weight = |names: [&str; 3]| names.into_iter().find_map(|name| quality(accepts, name)).unwrap_or(0);
    weight(["application/json", "application/*", "*/*"]) > weight(["text/html", "text/*", "*/*"])
}

#[cfg(test)]
mod tests;
