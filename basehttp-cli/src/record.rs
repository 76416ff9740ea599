//! What a handler remembers of the request that it answers.

use std::cell::{Cell, RefCell};

/// Made anew for each request.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Of the last response that was begun: the others were taken back.
    pub(crate) status: Cell<Option<u16>>,
    /// The `Content-Length` of that response.
    pub(crate) size: Cell<Option<u64>>,
    /// What `send_error` has told.
    pub(crate) reason: RefCell<String>,
    /// `send_error` is at work: what it logs belongs to the request's line.
    pub(crate) is_refusing: Cell<bool>,
    /// The response asks for a password.
    pub(crate) is_challenge: Cell<bool>,
    /// The fields of the command line are being added.
    pub(crate) is_adding: Cell<bool>,
    /// The page of the program stands for the path that was asked for.
    pub(crate) is_page: Cell<bool>,
    /// Who has come with the right password.
    pub(crate) user: RefCell<Option<String>>,
}
