//! What an override of `list_directory` does with a list.

use std::io;
use std::path::Path;

use super::Listing;
use crate::files::{Content, FileRequestHandler};

impl Listing {
    /// Reads the folder at `path`, relative to [`directory`](FileRequestHandler::directory), for the handler's request: its
    /// query may say `sort=name`, `sort=size` or `sort=date`, and `order=desc`. A folder with more than
    /// [`max_entries`](crate::Directory::max_entries) is listed by pages: each has those with the next names, in the order that is
    /// asked for, and a link to those behind them (`after=` and the last name).
    ///
    /// # Errors
    /// Those of [`read_dir`](crate::Directory::read_dir); [`OutOfMemory`](io::ErrorKind::OutOfMemory) where the lists that are
    /// being sent have all of [`list_memory`](crate::Directory::list_memory), and [`ResourceBusy`](io::ErrorKind::ResourceBusy)
    /// where 64 requests wait for lists that others make.
    pub fn of<H: FileRequestHandler>(handler: &H, path: &Path) -> io::Result<Self> {
        Self::read(handler.path(), handler.directory(), path)
    }

    /// Sends the head of the response: as JSON where the request's `Accept` prefers that (RFC 9110 section 12.5.1). Where there is
    /// no memory for the list, which [`list_memory`](crate::Directory::list_memory) bounds, the response is 503.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send<H: FileRequestHandler>(&self, handler: &H) -> io::Result<Option<Content>> {
        self.answer(handler, handler.directory())
    }
}
