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
/// /// A page that takes over all paths without an extension.
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
    /// The files that stand for their folder, the first that is there: Python's `index_pages`.
    const index_pages: &'static [&'static str] = &["index.html", "index.htm"];

    /// Media types by the end of a file's name (with its dot, in lower case), looked up before those that everybody
    /// knows: Python's `extensions_map`.
    const extensions_map: &'static [(&'static str, &'static str)] = SimpleHTTPRequestHandler::EXTENSIONS;

    #[doc(hidden)]
    fn __files(&self) -> &SimpleHTTPRequestHandler<Self::MessageClass>;

    /// The folder that is served. An override can choose among several, by the request's `Host` for example.
    fn directory(&self) -> &Directory {
        SimpleHTTPRequestHandler::directory(self)
    }

    /// Finds what the request asks for and sends the head of the response. `None` where the whole response was sent.
    ///
    /// - A file is answered 200, 206 with the parts of it that `Range` asks for (RFC 9110 section 14), 304, 412 or 416.
    ///   `Last-Modified` and a strong `ETag` tell its state; both may be used in conditions (section 13).
    /// - A folder is answered with its first index page or its [list](Self::list_directory), and without the slash at
    ///   its end with 301.
    /// - What is not there, is neither a file nor a folder, lies outside, or is kept back by the settings of
    ///   [`directory`](Self::directory) is answered 404; what may not be read 403; and 503 if there is no descriptor left.
    ///
    /// # Errors
    /// Those of the connection.
    fn send_head(&mut self) -> io::Result<Option<Content>> {
        SimpleHTTPRequestHandler::send_head(self)
    }

    /// As [`send_head`](Self::send_head) for the folder at `path`, relative to [`directory`](Self::directory).
    ///
    /// # Errors
    /// Those of the connection.
    fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>> {
        SimpleHTTPRequestHandler::list_directory(self, path)
    }

    /// The file that a request's path names, relative to [`directory`](Self::directory). `None` where there can be none
    /// (404).
    ///
    /// Query and fragment are left out, percent-encoding is decoded once, `.` and `..` are resolved, and a slash at the end
    /// stays. An override may give back any path: one that leads out of the folder is answered 404.
    fn translate_path(&self, path: &str) -> Option<PathBuf> {
        SimpleHTTPRequestHandler::translate_path(self, path)
    }

    /// The media type of a file, by the end of its name: that of [`extensions_map`](Self::extensions_map), else the one that
    /// is registered for it, else `application/octet-stream`. Text is said to be UTF-8, but for XML, and for a page of HTML that says
    /// itself what it is.
    fn guess_type(&self, path: &Path) -> Cow<'static, str> {
        SimpleHTTPRequestHandler::guess_type(self, path)
    }

    /// Sends the body of the response, whose head was sent. Bytes and small parts of files go to `wfile`; of large parts
    /// [`send_file`](crate::WFile::send_file) is told, and they are sent when the method has returned. A file that has become
    /// shorter meanwhile makes a response that is cut, and never one that looks whole.
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
    /// The default of the class variable `server_version` for handlers that extend this.
    #[allow(non_upper_case_globals, reason = "Python's name")]
    pub const server_version: &'static str = concat!("SimpleHTTP/", env!("CARGO_PKG_VERSION"));

    /// The default of [`FileRequestHandler::extensions_map`], Python's.
    pub const EXTENSIONS: &'static [(&'static str, &'static str)] = media_type::EXTENSIONS;

    /// Answers GET; what `do_GET` is where the block has none.
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

    /// Answers HEAD; what `do_HEAD` is where the block has none.
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
                // There is no such page, or it is none. All else is no reason to list the folder in its place.
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

/// Sends the head of the response with what was opened at `path`.
fn send_file<H: FileRequestHandler>(handler: &H, path: &Path, opened: Opened) -> io::Result<Option<Content>> {
    if !is_file(path, &opened) {
        return refuse(handler, &io::ErrorKind::NotFound.into());
    }
    serve::send_file(handler, handler.directory(), path, opened, handler.guess_type(path))
}

/// A handler that serves the files of a folder, as they are.
#[doc(alias("static_files"))]
pub struct FileHandler {
    base: SimpleHTTPRequestHandler,
}

impl FileHandler {
    /// Makes the handler of a connection.
    pub fn new(base: BaseHTTPRequestHandler, directory: &Directory) -> Self {
        Self { base: SimpleHTTPRequestHandler::new(base, directory) }
    }
}

#[http_handler(extends = SimpleHTTPRequestHandler, protocol_version = "HTTP/1.1", crate = crate)]
impl FileHandler {}
