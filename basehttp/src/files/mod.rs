//! The file handler: Python's `SimpleHTTPRequestHandler`.

mod assets;
mod coding;
mod conditional;
mod content;
mod directory;
mod entry;
mod listing;
mod media_type;
mod open_beneath;
mod ranges;
mod representation;
mod serve;
mod stat;
mod target;

use std::borrow::Cow;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use crate::handler::{BaseHTTPRequestHandler, Headers, Message, RequestHandler};
use crate::http_handler;

#[cfg(all(feature = "cgi", unix))]
pub(crate) use coding::suffixes;
use open_beneath::Opened;
pub(crate) use serve::refuse;
use serve::{is_absent, is_file, redirect, start_of};
use target::path_of;
#[cfg(all(feature = "cgi", unix))]
pub(crate) use target::query_of;
#[cfg(all(feature = "cgi", unix))]
pub(crate) use target::{NOT_IN_URIS, bytes};

pub use assets::Assets;
pub use content::Content;
pub use directory::Directory;
pub use entry::Entry;
pub use listing::Listing;
pub use media_type::guess_type;

/// A handler that serves files: what Python's `SimpleHTTPRequestHandler` adds to its base.
///
/// [`#[http_handler(extends = SimpleHTTPRequestHandler)]`](crate::http_handler) implements this trait, with the overrides and
/// the class variables in the block. As in [`RequestHandler`], the methods call each other on `Self`, so that an override is
/// honoured from inside, and what it replaces is there as `SimpleHTTPRequestHandler::send_head(self)`.
///
/// ```
/// use std::{borrow::Cow, io, path::{Path, PathBuf}};
/// use basehttp::prelude::*;
/// use basehttp::{Directory, SimpleHTTPRequestHandler};
///
/// /// A single-page app: all paths without an extension get its page.
/// struct App { base: SimpleHTTPRequestHandler }
///
/// #[http_handler(extends = SimpleHTTPRequestHandler)]
/// impl App {
///     const index_pages: &[&str] = &["Cargo.toml"];
///
///     fn translate_path(&self, path: &str) -> Option<PathBuf> {
///         let file = SimpleHTTPRequestHandler::translate_path(self, path)?;
///         Some(if file.extension().is_none() { "Cargo.toml".into() } else { file })
///     }
///
///     fn guess_type(&self, path: &Path) -> Cow<'static, str> {
///         if path.ends_with("Cargo.toml") {
///             return "application/toml".into();
///         }
///         SimpleHTTPRequestHandler::guess_type(self, path)
///     }
/// }
///
/// let files = Directory::open(env!("CARGO_MANIFEST_DIR"))?;
/// let factory = |base| App { base: SimpleHTTPRequestHandler::new(base, &files) };
/// let responses = basehttp::testing::respond(factory, b"GET /user/17?a=b HTTP/1.0\r\n\r\n");
/// assert_eq!(responses[0].header("content-type"), Some("application/toml"));
/// assert!(responses[0].text().starts_with("[package]"));
/// # io::Result::Ok(())
/// ```
#[allow(
    non_upper_case_globals,
    reason = "the class variables keep the names that Python's documentation gives them"
)]
pub trait FileRequestHandler: RequestHandler {
    /// The index pages of a folder, in order of preference: Python's `index_pages`.
    const index_pages: &'static [&'static str] = &["index.html", "index.htm"];

    /// Media types by file name extension (with its dot, in lower case), which take precedence over the registered ones:
    /// Python's `extensions_map`.
    const extensions_map: &'static [(&'static str, &'static str)] = SimpleHTTPRequestHandler::EXTENSIONS;

    #[doc(hidden)]
    fn __files(&self) -> &SimpleHTTPRequestHandler<Self::MessageClass>;

    /// The folder that is served. An override can choose among several, for example by the request's `Host`.
    fn directory(&self) -> &Directory {
        SimpleHTTPRequestHandler::directory(self)
    }

    /// Finds what the request asks for and sends the head of the response. `None` if the whole response was sent.
    ///
    /// - For a file: 200, 206 with the ranges that `Range` asks for (RFC 9110 section 14), 304, 412 or 416. `Last-Modified`
    ///   and a strong `ETag` identify its state; both may be used in conditions (section 13).
    /// - For a folder: its first index page or its [list](Self::list_directory). If the path lacks the final slash, 301.
    /// - 404 for anything that does not exist, is neither a file nor a folder, lies outside the folder, or is hidden by the
    ///   settings of [`directory`](Self::directory); 403 if the system denies access; 503 if no file descriptor is left.
    ///
    /// # Errors
    /// Those of the connection.
    fn send_head(&mut self) -> io::Result<Option<Content>> {
        SimpleHTTPRequestHandler::send_head(self)
    }

    /// Like [`send_head`](Self::send_head), for the folder at `path`, relative to [`directory`](Self::directory).
    ///
    /// # Errors
    /// Those of the connection.
    fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>> {
        SimpleHTTPRequestHandler::list_directory(self, path)
    }

    /// The file that a request's path names, relative to [`directory`](Self::directory). `None` if there cannot be one (404).
    ///
    /// Query and fragment are removed, percent-encoding is decoded once, `.` and `..` are resolved, and a final slash is
    /// kept. An override may return any path: one that leads out of the folder gets 404.
    fn translate_path(&self, path: &str) -> Option<PathBuf> {
        SimpleHTTPRequestHandler::translate_path(self, path)
    }

    /// The media type of a file, by its extension: from [`extensions_map`](Self::extensions_map), else the registered one,
    /// else `application/octet-stream`. Text is declared as UTF-8, except XML, and HTML that declares its own charset.
    fn guess_type(&self, path: &Path) -> Cow<'static, str> {
        SimpleHTTPRequestHandler::guess_type(self, path)
    }

    /// Sends the body of the response after its head. Bytes and small parts of files go to `wfile`; large parts go to
    /// [`send_file`](crate::WFile::send_file), and are sent after the method has returned. If a file becomes shorter
    /// meanwhile, the response is cut off, and never looks complete.
    ///
    /// # Errors
    /// Those of the connection.
    fn copyfile(&self, source: Content) -> io::Result<()> {
        SimpleHTTPRequestHandler::copyfile(self, source)
    }
}

/// The base of a handler that serves files.
pub struct SimpleHTTPRequestHandler<M: Message = Headers> {
    base: BaseHTTPRequestHandler<M>,
    directory: Directory,
}

impl<M: Message> SimpleHTTPRequestHandler<M> {
    /// Makes the base of a handler for the files of `directory`.
    pub fn new(base: BaseHTTPRequestHandler<M>, directory: &Directory) -> Self {
        Self { base, directory: directory.clone() }
    }

    #[doc(hidden)]
    pub fn __base(&self) -> &BaseHTTPRequestHandler<M> {
        &self.base
    }

    #[doc(hidden)]
    pub fn __base_mut(&mut self) -> &mut BaseHTTPRequestHandler<M> {
        &mut self.base
    }
}

/// The instance variables, so that `self.base.path()` and `self.base.set_path(..)` work as with a
/// [`BaseHTTPRequestHandler`].
impl<M: Message> Deref for SimpleHTTPRequestHandler<M> {
    type Target = BaseHTTPRequestHandler<M>;

    fn deref(&self) -> &Self::Target {
        &self.base
    }
}

impl<M: Message> DerefMut for SimpleHTTPRequestHandler<M> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.base
    }
}

impl SimpleHTTPRequestHandler {
    /// The default of the class variable `server_version` for handlers that extend this type.
    #[allow(non_upper_case_globals, reason = "Python's name")]
    pub const server_version: &'static str = concat!("SimpleHTTP/", env!("CARGO_PKG_VERSION"));

    /// The default of [`FileRequestHandler::extensions_map`], the same as Python's.
    pub const EXTENSIONS: &'static [(&'static str, &'static str)] = media_type::EXTENSIONS;

    /// Answers GET; used as `do_GET` if the block has none.
    ///
    /// # Errors
    /// Those of the connection.
    #[allow(non_snake_case, reason = "Python's name")]
    pub fn do_GET<H: FileRequestHandler>(handler: &mut H) -> io::Result<()> {
        match handler.send_head()? {
            Some(content) => handler.copyfile(content),
            None => Ok(()),
        }
    }

    /// Answers HEAD; used as `do_HEAD` if the block has none.
    ///
    /// # Errors
    /// Those of the connection.
    #[allow(non_snake_case, reason = "Python's name")]
    pub fn do_HEAD<H: FileRequestHandler>(handler: &mut H) -> io::Result<()> {
        handler.send_head().map(drop)
    }

    /// The default of [`FileRequestHandler::directory`].
    pub fn directory<H: FileRequestHandler>(handler: &H) -> &Directory {
        &handler.__files().directory
    }

    /// The default of [`FileRequestHandler::send_head`].
    ///
    /// # Errors
    /// See there.
    pub fn send_head<H: FileRequestHandler>(handler: &mut H) -> io::Result<Option<Content>> {
        let Some(path) = handler.translate_path(handler.path()) else {
            return refuse(handler, &io::ErrorKind::NotFound.into());
        };
        let opened = match handler.directory().open_path(&path) {
            Ok(opened) => opened,
            Err(error) => return refuse(handler, &error),
        };
        if !opened.metadata.is_dir() {
            return send_file(handler, &path, opened);
        }
        if !path_of(handler.path()).ends_with('/') {
            return redirect(handler);
        }
        for page in H::index_pages {
            let page = path.join(page);
            match handler.directory().open_path(&page) {
                Ok(opened) if opened.metadata.is_file() => return send_file(handler, &page, opened),
                // The page does not exist, or is not a file. Other errors must not list the folder instead.
                Ok(_) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return refuse(handler, &error),
            }
        }
        if handler.directory().lists() {
            handler.list_directory(&path)
        } else {
            refuse(handler, &io::ErrorKind::NotFound.into())
        }
    }

    /// The default of [`FileRequestHandler::list_directory`].
    ///
    /// # Errors
    /// See there.
    pub fn list_directory<H: FileRequestHandler>(
        handler: &mut H,
        path: &Path,
    ) -> io::Result<Option<Content>> {
        listing::list_directory(handler, handler.directory(), path)
    }

    /// The default of [`FileRequestHandler::translate_path`].
    pub fn translate_path<H: FileRequestHandler>(_handler: &H, path: &str) -> Option<PathBuf> {
        target::relative_path(path)
    }

    /// The default of [`FileRequestHandler::guess_type`].
    pub fn guess_type<H: FileRequestHandler>(handler: &H, path: &Path) -> Cow<'static, str> {
        media_type::of_file(path, H::extensions_map, || start_of(handler.directory(), path))
    }

    /// The default of [`FileRequestHandler::copyfile`].
    ///
    /// # Errors
    /// See there.
    pub fn copyfile<H: FileRequestHandler>(handler: &H, source: Content) -> io::Result<()> {
        source.send(&handler.wfile)
    }
}

/// Sends the head of the response for the file opened at `path`.
fn send_file<H: FileRequestHandler>(handler: &H, path: &Path, opened: Opened) -> io::Result<Option<Content>> {
    if !is_file(path, &opened) {
        return refuse(handler, &io::ErrorKind::NotFound.into());
    }
    serve::send_file(handler, handler.directory(), path, opened, handler.guess_type(path))
}

/// A handler that serves the files of a folder unchanged.
#[doc(alias("static_files"))]
pub struct FileHandler {
    base: SimpleHTTPRequestHandler,
}

impl FileHandler {
    /// Makes the handler for a connection.
    pub fn new(base: BaseHTTPRequestHandler, directory: &Directory) -> Self {
        Self { base: SimpleHTTPRequestHandler::new(base, directory) }
    }
}

#[http_handler(extends = SimpleHTTPRequestHandler, protocol_version = "HTTP/1.1", crate = crate)]
impl FileHandler {}
