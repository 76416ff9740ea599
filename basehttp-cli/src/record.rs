//! What a handler remembers about the current request.

use std::cell::{Cell, RefCell};

/// Reset for each request.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The status of the last response that was begun. Earlier ones were taken back.
    pub(crate) status: Cell<Option<u16>>,
    /// The `Content-Length` of that response.
    pub(crate) size: Cell<Option<u64>>,
    /// What `send_error` logged.
    pub(crate) reason: RefCell<String>,
    /// `send_error` is running. What it logs belongs to the request's line.
    pub(crate) is_refusing: Cell<bool>,
    /// The response asks for a password.
    pub(crate) is_challenge: Cell<bool>,
    /// The fields of the command line are being added.
    pub(crate) is_adding: Cell<bool>,
    /// The response is the application's page, instead of the requested path.
    pub(crate) is_page: Cell<bool>,
    /// The authenticated user.
    pub(crate) user: RefCell<Option<String>>,
}
