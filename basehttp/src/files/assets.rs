//! Files that are compiled into the program.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;

use percent_encoding::percent_decode;

use super::coding::{CODINGS, Coding, accepted, is_compressible, of_name};
use super::conditional::Validators;
use super::content::Source;
use super::media_type::{self, START};
use super::ranges::DEFAULT_RANGES;
use super::representation::Representation;
use super::serve::redirect;
use super::target::{bytes, path_of};
use super::{FileRequestHandler, SimpleHTTPRequestHandler};
use crate::handler::RequestHandler;
use crate::sync::OnceLock;

/// Files compiled into the program: paths and bytes, usually from `include_bytes!`.
///
/// [`serve`](Self::serve) answers a request from them as [`FileHandler`](super::FileHandler) does from a folder, so that a
/// page and its resources can be part of the binary.
///
/// ```
/// use std::io;
/// use basehttp::Assets;
/// use basehttp::prelude::*;
///
/// static ASSETS: Assets = Assets::new(&[
///     ("/index.html", b"<script src=app.js></script>"), // or include_bytes!("web/index.html")
///     ("/app.js", b"fetch('/state')"),
///     ("/Cargo.toml", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))),
/// ]);
///
/// struct Device { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Device {
///     const protocol_version: &str = "HTTP/1.1";
///
///     fn do_GET(&self) -> io::Result<()> {
///         if self.path() == "/state" {
///             self.send_response(200);
///             self.end_headers()?;
///             return self.wfile.write_all(b"on");
///         }
///         if ASSETS.serve(self)? {
///             return Ok(());
///         }
///         self.send_error(404)
///     }
///
///     /// Browsers revalidate each file by its entity tag.
///     fn end_headers(&self) -> io::Result<()> {
///         self.send_header("Cache-Control", "no-cache");
///         BaseHTTPRequestHandler::end_headers(self)
///     }
/// }
///
/// let ask = |path: &str| {
///     let request = format!("GET {path} HTTP/1.1\r\nHost: example.org\r\n\r\n");
///     basehttp::testing::respond(|base| Device { base }, request.as_bytes()).remove(0)
/// };
/// assert_eq!(ask("/").header("content-type"), Some("text/html; charset=utf-8"));
/// assert_eq!(ask("/app.js?v=2").text(), "fetch('/state')");
/// assert_eq!((ask("/state").text(), ask("/else").status), ("on".into(), 404));
/// ```
pub struct Assets {
    table: &'static [(&'static str, &'static [u8])],
    extensions_map: &'static [(&'static str, &'static str)],
    /// The table by path, without the leading slash.
    files: OnceLock<HashMap<&'static [u8], File>>,
}

/// A file of the table.
struct File {
    /// Without the leading slash.
    path: &'static str,
    bytes: &'static [u8],
    /// The hash of its bytes, computed on first use.
    hash: OnceLock<u128>,
}

impl Assets {
    /// Makes assets from a table of paths, from the root of the server, and bytes. The leading slash of a path may be
    /// omitted. Of two entries with the same path the first counts.
    ///
    /// They are not processed before the first request.
    pub const fn new(files: &'static [(&'static str, &'static [u8])]) -> Self {
        Self { table: files, extensions_map: SimpleHTTPRequestHandler::EXTENSIONS, files: OnceLock::new() }
    }

    /// Media types by file name extension (with its dot, in lower case), which take precedence over the registered ones, as
    /// in [`FileRequestHandler::extensions_map`]. They replace Python's.
    ///
    /// ```
    /// use basehttp::Assets;
    ///
    /// static ASSETS: Assets = Assets::new(&[("/a.fw", b"firmware")]).extensions_map(&[(".fw", "application/x-firmware")]);
    /// assert_eq!(ASSETS.paths().next(), Some("/a.fw"));
    /// ```
    #[must_use]
    pub const fn extensions_map(mut self, types: &'static [(&'static str, &'static str)]) -> Self {
        self.extensions_map = types;
        self
    }

    /// The paths of the files, as written in the table.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.table.iter().map(|(path, _)| *path)
    }

    /// The bytes of the file at `path`, as written in the table.
    ///
    /// ```
    /// static ASSETS: basehttp::Assets = basehttp::Assets::new(&[("/error.html", b"<h1>Sorry</h1>")]);
    ///
    /// assert_eq!(ASSETS.get("/error.html"), Some(&b"<h1>Sorry</h1>"[..]));
    /// assert_eq!(ASSETS.get("/"), None);
    /// ```
    pub fn get(&self, path: &str) -> Option<&'static [u8]> {
        self.file(without_slash(path.as_bytes())).map(|file| file.bytes)
    }

    /// Answers a GET or HEAD for one of the files. Returns `false` if there is none, or the method is another: then nothing
    /// was sent, and the handler must answer.
    ///
    /// - Query and fragment are removed from [`path()`](crate::BaseHTTPRequestHandler::path), and percent-encoding is decoded
    ///   once. The result must be in the table exactly: `.`, `..` and empty segments lead to no file.
    /// - A path with a final slash stands for the `index.html` or `index.htm` beneath it. Without the slash it gets 301, like
    ///   a folder.
    /// - The response is 200, 206 with the ranges that `Range` asks for, 304, 412 or 416, like that of
    ///   [`send_head`](FileRequestHandler::send_head). The strong `ETag` is derived from the content: it is the same in every
    ///   build and on every server that has the same file. There is no `Last-Modified`.
    /// - If the table has a `.br`, `.zst` or `.gz` version of a file, such as `/app.js.gz`, it is sent to clients that accept
    ///   it, provided that the file's type can be compressed.
    ///
    /// The bytes are sent without a copy ([`send_bytes`](crate::WFile::send_bytes)). To add fields such as `Cache-Control`,
    /// override [`end_headers`](RequestHandler::end_headers).
    ///
    /// # Errors
    /// Those of the connection.
    pub fn serve<H: RequestHandler>(&self, handler: &H) -> io::Result<bool> {
        if !matches!(handler.command(), "GET" | "HEAD") {
            return Ok(false);
        }
        let decoded: Vec<u8> = percent_decode(&bytes(path_of(handler.path()))).collect();
        let path = without_slash(&decoded);
        // An encoded slash does not count: relative links in the page would lead elsewhere.
        let has_slash = path.is_empty() || path_of(handler.path()).ends_with('/');
        let page = || if has_slash { self.index_page(path) } else { None };
        let Some(file) = self.file(path).or_else(page) else {
            let is_folder =
                !has_slash && !path.ends_with(b"/") && self.index_page(&[path, b"/"].concat()).is_some();
            if is_folder {
                redirect(handler)?;
            }
            return Ok(is_folder);
        };
        let (bytes, representation) = self.representation(handler, file);
        let content = representation.send_head(handler, &Source::Memory(bytes), bytes.len() as u64)?;
        match content {
            Some(content) if handler.command() == "GET" => content.send(&handler.wfile)?,
            _ => {}
        }
        Ok(true)
    }

    /// The index page for a path that is the root or ends with a slash.
    fn index_page(&self, folder: &[u8]) -> Option<&File> {
        let pages = <super::FileHandler as FileRequestHandler>::index_pages;
        let is_folder = folder.is_empty() || folder.ends_with(b"/");
        pages.iter().filter(|_| is_folder).find_map(|page| self.file(&[folder, page.as_bytes()].concat()))
    }

    /// The bytes to send for a file, and their representation.
    fn representation<H: RequestHandler>(
        &self,
        handler: &H,
        file: &File,
    ) -> (&'static [u8], Representation<'static>) {
        let path = Path::new(file.path);
        let start = || file.bytes.get(..START).unwrap_or(file.bytes).to_vec();
        let media_type = media_type::of_file(path, self.extensions_map, start);
        let own = of_name(path);
        let twin = |coding: Coding| {
            let twin = self.file(&[file.path, coding.suffix].concat().into_bytes())?;
            Some((twin, coding))
        };
        // The table never changes: a file without a compressed version is the same for all clients.
        let varies = own.is_none()
            && is_compressible(&media_type)
            && CODINGS.into_iter().any(|coding| twin(coding).is_some());
        let twin = varies.then(|| accepted(handler.request()).into_iter().find_map(twin)).flatten();
        let etag = twin.map_or_else(|| file.etag(None), |(twin, coding)| twin.etag(Some(coding)));
        let (bytes, coding) = twin.map_or((file.bytes, own), |(twin, coding)| (twin.bytes, Some(coding)));
        let representation = Representation {
            media_type,
            coding,
            varies,
            validators: Validators::tagged(etag, handler.now()),
            max_ranges: DEFAULT_RANGES,
            cache_control: None,
        };
        (bytes, representation)
    }

    fn file(&self, path: &[u8]) -> Option<&File> {
        let files = self.files.get_or_init(|| {
            let mut files = HashMap::with_capacity(self.table.len());
            for (path, bytes) in self.table {
                let path = path.strip_prefix('/').unwrap_or(path);
                files.entry(path.as_bytes()).or_insert(File { path, bytes, hash: OnceLock::new() });
            }
            files
        });
        files.get(path)
    }
}

impl File {
    /// Two codings of one file are two representations (RFC 9110 section 8.8.3.3), whatever is in them.
    fn etag(&self, coding: Option<Coding>) -> String {
        let hash = self.hash.get_or_init(|| fnv1a(self.bytes));
        match coding {
            Some(coding) => format!("\"{hash:032x}-{}\"", coding.name),
            None => format!("\"{hash:032x}\""),
        }
    }
}

/// Removes the leading slash of a path, in the table or in a request.
fn without_slash(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/").unwrap_or(path)
}

/// FNV-1a with 128 bits. Only the programmer chooses what is hashed, so the hash needs no defence against deliberate
/// collisions.
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

impl fmt::Debug for Assets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.paths()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_is_known() {
        for (text, wanted) in [
            ("", 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d),
            ("a", 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964),
            ("foobar", 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18),
        ] {
            assert_eq!(fnv1a(text.as_bytes()), wanted, "{text}");
        }
    }
}
