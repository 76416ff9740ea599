//! What an override of `list_directory` can do with a list.

use std::io;
use std::path::Path;

use super::Listing;
use crate::files::{Content, FileRequestHandler};

impl Listing {
    /// Reads the folder at `path`, relative to [`directory`](FileRequestHandler::directory), for the handler's request. Its
    /// query may have `sort=name`, `sort=size` or `sort=date`, and `order=desc`. A folder with more than
    /// [`max_entries`](crate::Directory::max_entries) entries is split into pages: each has the next names, in the requested
    /// order, and a link to those that follow (`after=` and the last name).
    ///
    /// # Errors
    /// Those of [`read_dir`](crate::Directory::read_dir); [`OutOfMemory`](io::ErrorKind::OutOfMemory) if the lists being sent
    /// use all of [`list_memory`](crate::Directory::list_memory), and [`ResourceBusy`](io::ErrorKind::ResourceBusy) if 64
    /// requests are waiting for lists.
    pub fn of<H: FileRequestHandler>(handler: &H, path: &Path) -> io::Result<Self> {
        Self::read(handler.path(), handler.directory(), path)
    }

    /// Sends the head of the response: as JSON if the request's `Accept` prefers it (RFC 9110 section 12.5.1). The response
    /// is 503 if there is no memory for the list, which [`list_memory`](crate::Directory::list_memory) bounds.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send<H: FileRequestHandler>(&self, handler: &H) -> io::Result<Option<Content>> {
        self.answer(handler, handler.directory())
    }
}
