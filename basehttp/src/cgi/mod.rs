//! The handler that runs scripts: Python's `CGIHTTPRequestHandler`.

use std::io;
use std::path::Path;

use crate::files::{Content, Directory, FileRequestHandler, SimpleHTTPRequestHandler};
use crate::handler::{BaseHTTPRequestHandler, Headers, Message};

/// A handler that serves files and runs scripts: what Python's `CGIHTTPRequestHandler` adds.
#[allow(
    non_upper_case_globals,
    reason = "the class variables keep the names that Python's documentation gives them"
)]
pub trait CGIRequestHandler: FileRequestHandler {
    /// The folders whose files are scripts, as paths of requests: Python's `cgi_directories`.
    const cgi_directories: &'static [&'static str] = &["/cgi-bin", "/htbin"];

    #[doc(hidden)]
    fn __cgi(&self) -> &CGIHTTPRequestHandler<Self::MessageClass>;

    /// Whether the request is for a script.
    fn is_cgi(&self) -> Option<(String, String)> {
        CGIHTTPRequestHandler::is_cgi(self)
    }

    /// Whether a file can be run.
    fn is_executable(&self, path: &Path) -> bool {
        CGIHTTPRequestHandler::is_executable(self, path)
    }

    /// Runs the script that the request names, and sends what it says.
    ///
    /// # Errors
    /// Those of the connection.
    fn run_cgi(&mut self) -> io::Result<()> {
        CGIHTTPRequestHandler::run_cgi(self)
    }
}

/// The base of a handler that serves files and runs scripts.
pub struct CGIHTTPRequestHandler<M: Message = Headers> {
    files: SimpleHTTPRequestHandler<M>,
}

impl<M: Message> CGIHTTPRequestHandler<M> {
    /// Makes the base of a handler for the files and scripts of `directory`.
    pub fn new(base: BaseHTTPRequestHandler<M>, directory: &Directory) -> Self {
        Self { files: SimpleHTTPRequestHandler::new(base, directory) }
    }

    #[doc(hidden)]
    pub fn __base(&self) -> &BaseHTTPRequestHandler<M> {
        self.files.__base()
    }

    #[doc(hidden)]
    pub fn __base_mut(&mut self) -> &mut BaseHTTPRequestHandler<M> {
        self.files.__base_mut()
    }

    #[doc(hidden)]
    pub fn __files(&self) -> &SimpleHTTPRequestHandler<M> {
        &self.files
    }
}

impl CGIHTTPRequestHandler {
    /// Answers POST; what `do_POST` is where the block has none.
    ///
    /// # Errors
    /// Those of the connection.
    #[allow(non_snake_case, reason = "Python's name")]
    pub fn do_POST<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
        let _ = handler;
        todo!()
    }

    /// What `send_head` is where the block has none: the script's reply, or a file.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_head<H: CGIRequestHandler>(handler: &mut H) -> io::Result<Option<Content>> {
        let _ = handler;
        todo!()
    }

    /// The default of [`CGIRequestHandler::is_cgi`].
    pub fn is_cgi<H: CGIRequestHandler>(handler: &H) -> Option<(String, String)> {
        let _ = handler;
        todo!()
    }

    /// The default of [`CGIRequestHandler::is_executable`].
    pub fn is_executable<H: CGIRequestHandler>(handler: &H, path: &Path) -> bool {
        let _ = (handler, path);
        todo!()
    }

    /// The default of [`CGIRequestHandler::run_cgi`].
    ///
    /// # Errors
    /// See there.
    pub fn run_cgi<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
        let _ = handler;
        todo!()
    }
}
