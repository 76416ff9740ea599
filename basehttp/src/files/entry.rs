//! What a folder has in it.

use std::ffi::OsString;
use std::time::SystemTime;

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name, without the folders above it.
    pub name: OsString,
    /// Whether it is a folder, and no file.
    pub is_directory: bool,
    /// Whether it is a symbolic link to that.
    pub is_link: bool,
    /// In bytes.
    pub size: u64,
    /// When it was last changed, where the system knows.
    pub modified: Option<SystemTime>,
}
